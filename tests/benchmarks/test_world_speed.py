"""Frames a second of every kind of scene, written to disk with all that data sets hold, and where the time goes.

`pytest tests/benchmarks/test_world_speed.py --benchmark-enable -s` measures and prints a line a scene and size; a
default run only renders one small frame of each kind. Times are processor time of one core, without the first frames,
which build the subjects' hands, heads and skins.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import pytest

from handseg_lib.data import synthetic as sets
from handseg_lib.data.recipe import Recipe
from handseg_lib.synth import world
from handseg_lib.synth.hand import HandModel
from handseg_lib.synth.people.person import Person
from handseg_lib.synth.render import Caster
from handseg_lib.synth.scenes import SCENES

pytest.importorskip("pytest_benchmark")
FRAMES = 12
SIZES = ((128, 128), (240, 320), (480, 640))
KINDS = [kind for kind in SCENES if not kind.endswith(("_unseen", "_wild", "_unpaired"))]  # those change a setting only
TIMED: dict[str, tuple[tuple[Any, str], ...]] = {
    "rays": ((Caster, "__init__"), (Caster, "first_faces"), (Caster, "blocked")),
    "shading": ((world, "photograph"),),
    "skinning": ((HandModel, "posed"), (Person, "figure"), (Person, "legs"), (Person, "limb")),
    "sensor": ((world, "sense"), (world, "rgb_camera")),
    "disk": ((sets, "write_atomic"),),
}
"""What is timed as what; time within one of these that another one takes counts for the inner one alone.

Embree builds its hierarchy at the first ray, so that "rays" holds the building too. "skinning" is everything that
puts bodies, sleeves and hands into their poses. What is left over is "scene": choosing poses, grasps, places and
cameras, and making truth images of what the rays met.
"""


class Shares:
    """Processor time by part, while `watching`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._open: list[float] = []  # for each call that runs, the time that calls within it have taken

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Time the functions of `TIMED`, and everything as a whole."""
        with pytest.MonkeyPatch.context() as patch:
            for part, functions in TIMED.items():
                for owner, name in functions:
                    patch.setattr(owner, name, self._timed(part, getattr(owner, name)))
            self._open.append(0.0)
            start = time.process_time()
            yield
            self.seconds["scene"] += time.process_time() - start - self._open.pop()

    def _timed(self, part: str, function: Callable) -> Callable:
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._open.append(0.0)
            start = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                taken = time.process_time() - start
                self.seconds[part] += taken - self._open.pop()
                if self._open:
                    self._open[-1] += taken

        return timed

    @property
    def shares(self) -> dict[str, float]:
        """Part -> share of the whole, 0 to 1."""
        whole = sum(self.seconds.values())
        return {part: round(self.seconds[part] / whole, 3) for part in (*TIMED, "scene")}


def recipe_of(scene: str, size: tuple[int, int], count: int) -> Recipe:
    """Depth, labels and colour of a few frames, and both whole hands where they are what the scene is for."""
    images = ("rgb", "amodal_left", "amodal_right") if scene == "two_hands_amodal" else ("rgb",)
    return Recipe(scene, "train", count, size, 3, images, None, count)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """OpenCV on one thread: the numbers are for one core."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[1]}x{size[0]}")
@pytest.mark.parametrize("scene", KINDS)
def test_frames_to_disk(benchmark, scene, size, tmp_path):
    """One core: frames a second, and the share of the time that each part takes, in the extra information."""
    if benchmark.disabled and size != SIZES[0]:
        pytest.skip("larger sizes are for measuring; run with --benchmark-enable")
    count = 1 if benchmark.disabled else FRAMES
    sets.render_shard(tmp_path, recipe_of(scene, (60, 80), count), 0)  # hands, heads and skins of the subjects
    shares = Shares()

    def work() -> float:
        start = time.process_time()
        with shares.watching():
            sets.render_shard(tmp_path, recipe_of(scene, size, count), 0)
        return (time.process_time() - start) / count

    seconds = benchmark.pedantic(work, rounds=1 if benchmark.disabled else 3)
    assert set(shares.shares) == {*TIMED, "scene"}
    assert sum(shares.shares.values()) == pytest.approx(1, abs=0.01)
    benchmark.extra_info.update(frames_per_second=1 / seconds, shares=shares.shares)
    if not benchmark.disabled:
        parts = ", ".join(f"{part} {share:.0%}" for part, share in shares.shares.items())
        print(f"\n{scene} {size[1]}x{size[0]}: {1 / seconds:.1f} frames/s on one core; {parts}")


def test_frames_on_all_cores(benchmark, tmp_path: Path):
    """The same with a process for each processor, in wall time, starting the processes included."""
    if benchmark.disabled:
        pytest.skip("starts a process for each processor; run with --benchmark-enable")
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shard = 48

    def work() -> float:
        recipe = Recipe("exo_two_hands", "train", shard * workers, (240, 320), 3, ("rgb",), None, shard)
        start = time.perf_counter()
        sets.render(tmp_path, recipe, workers)
        return (time.perf_counter() - start) / recipe.count

    seconds = benchmark.pedantic(work, rounds=1)
    benchmark.extra_info.update(frames_per_second=1 / seconds, workers=workers)
    print(f"\nexo_two_hands 320x240: {1 / seconds:.1f} frames/s with {workers} processes")


def test_shares_count_inner_calls_once():
    """A timed call within a timed call takes its time away from the outer one."""
    shares = Shares()

    def burn(seconds: float) -> None:
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    inner = shares._timed("rays", lambda: burn(0.04))
    outer = shares._timed("shading", lambda: (burn(0.02), inner()))
    with shares.watching():
        outer()
        burn(0.02)
    assert shares.seconds["rays"] == pytest.approx(0.04, abs=0.01)
    assert shares.seconds["shading"] == pytest.approx(0.02, abs=0.01)
    assert shares.seconds["scene"] == pytest.approx(0.02, abs=0.01)
