"""Rendered data sets, kept on disk: asked for by recipe, rendered once by several processes, read through memory maps.

A set is a folder `data/<scene>-<split>-<fingerprint>` of the store. Frames come in shards of 64, one `.npy` file for
each kind of image. A shard is written under a temporary name, flushed to disk and renamed, so that what has its final
name is whole; `index.json`, written last, says that the set is. A killed rendering goes on at the missing shards.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import astuple
from functools import cached_property, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Self

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from tqdm.auto import tqdm

from handseg_lib import paths
from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import Label
from handseg_lib.data.recipe import IMAGES, SHARD, Recipe
from handseg_lib.data.sample import Numbered, Sample
from handseg_lib.errors import StoreError
from handseg_lib.files import write_atomic
from handseg_lib.synth.sensors import SENSORS
from handseg_lib.synth.world import Frame, frame

PER_FRAME = ("ids", "subjects", "sessions", "gloved", "domains", "states", "intrinsics")
"""What the index lists for each frame. A head or studio camera differs from frame to frame, so its pixels are there."""


class SyntheticSet(Numbered[Sample]):
    """A rendered set. Samples are read from memory-mapped files when asked for."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.folder, self.recipe = folder, recipe
        self._maps: dict[tuple[str, int], NDArray] = {}

    @property
    def fingerprint(self) -> str:
        """Identifies the recipe and the code that rendered this set."""
        return self.recipe.fingerprint

    @cached_property
    def index(self) -> dict[str, Any]:
        """What `index.json` holds: recipe, fingerprint, unit of depth, pixel counts of labels, lists of `PER_FRAME`."""
        path = self.folder / "index.json"
        try:
            index = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise StoreError(f"{path}: cannot be read ({error}). {_remedy(self.folder)}") from error
        if index.get("fingerprint") != self.fingerprint or len(index.get("ids", ())) != self.recipe.count:
            raise StoreError(
                f"{path}: belongs to set {index.get('fingerprint')!r} with {len(index.get('ids', ()))} frames, "
                f"expected {self.fingerprint!r} with {self.recipe.count}. {_remedy(self.folder)}"
            )
        return index

    def __len__(self) -> int:
        return self.recipe.count

    def __getitem__(self, i: int, /) -> Sample:
        i = self._number(i)
        rgb = self._image("rgb", i) if "rgb" in self.recipe.images else None
        depth, labels = self._image("depth", i), self._image("labels", i)
        return Sample(self.index["ids"][i], labels, depth, rgb, Intrinsics(*self.index["intrinsics"][i]))

    def truths(self, i: int) -> dict[str, NDArray]:
        """The stored images of frame `i` that are not in its sample, by their names in `IMAGES`."""
        i = self._number(i)
        return {name: self._image(name, i) for name in self.recipe.images if name not in ("depth", "labels", "rgb")}

    def _number(self, i: int) -> int:
        """A frame number from 0 on."""
        if isinstance(i, slice):
            raise TypeError("a SyntheticSet is read frame by frame; use [data[i] for i in range(...)]")
        if not -len(self) <= i < len(self):
            raise IndexError(f"frame {i} of a synthetic set with {len(self)} frames")
        return i % len(self)

    def _image(self, kind: str, i: int) -> NDArray:
        shard, row = divmod(i, self.recipe.shard)
        return IMAGES[kind].load(self._map(kind, shard)[row], self.index["unit"])

    def __reduce__(self) -> tuple[type[Self], tuple[Path, Recipe]]:
        return type(self), (self.folder, self.recipe)  # memory maps are opened anew in each process

    @property
    def subjects(self) -> list[int]:
        """Subject of each frame, -1 where nobody is in view."""
        return list(self.index["subjects"])

    @property
    def label_counts(self) -> NDArray[np.int64]:
        """(len(Label),) pixels of each vocabulary label in the whole set, for class weights."""
        return np.array(self.index["label_counts"], np.int64)

    def _map(self, kind: str, shard: int) -> NDArray:
        if (kind, shard) not in self._maps:
            frames = self.recipe.shards()[shard]
            self._maps[kind, shard] = read_shard(shard_path(self.folder, kind, shard), self.recipe, kind, len(frames))
        return self._maps[kind, shard]


def synthetic(
    scene: str = "exo_two_hands",
    split: str = "train",
    count: int = 1000,
    size: tuple[int, int] = (240, 320),
    seed: int = 0,
    workers: int | None = None,
    rgb: bool = False,
    images: Iterable[str] = (),
    sensor: str | None = None,
) -> SyntheticSet:
    """The set of a recipe, rendered first where the store does not have it.

    Args:
        scene: a name of `synth.scenes.SCENES`.
        split: "train", "val" or "test"; no subject is in two of them.
        count: number of frames; the first n frames of a larger set are the same.
        size: (height, width) in pixels.
        seed: which world; frames of different seeds share subjects but nothing else.
        workers: processes that render, default one for each processor; the frames do not depend on it.
        rgb: also the colour image, aligned with depth and labels; the same as "rgb" among `images`.
        images: what to keep beside depth and labels, names of `data.recipe.IMAGES`; all but "rgb" come by `truths`.
        sensor: a name of `synth.sensors.SENSORS`; default: the scene's own.

    Raises:
        DataError: for an unknown scene, split, image or sensor, or impossible numbers.
        StoreError: for a damaged shard or a full disk, naming the file and what to do.
    """
    wanted = (*images, "rgb") if rgb else tuple(images)
    recipe = Recipe(scene, split, int(count), (int(size[0]), int(size[1])), int(seed), wanted, sensor, SHARD)
    folder = paths.store_root() / "data" / f"{scene}-{split}-{recipe.fingerprint}"
    folder.mkdir(parents=True, exist_ok=True)
    data = SyntheticSet(folder, recipe)
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "index.json").exists():
            render(folder, recipe, workers or available_processors())
    for shard in range(len(recipe.shards())):
        for kind in recipe.kinds:
            data._map(kind, shard)
    return data


def available_processors() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def render(folder: Path, recipe: Recipe, workers: int) -> None:
    """Render the missing shards and, last, write the index."""
    for stale in folder.glob("*.part"):  # of a killed rendering; the lock says that nobody writes now
        stale.unlink()
    facts: dict[int, dict[str, Any]] = {}
    missing = []
    for shard in range(len(recipe.shards())):
        stored = stored_facts(folder, recipe, shard)
        missing.append(shard) if stored is None else facts.update({shard: stored})
    done = sum(len(recipe.shards()[shard]) for shard in facts)
    with tqdm(total=recipe.count, initial=done, desc=f"rendering {recipe.scene} {recipe.split}", unit="frame") as bar:
        for shard, fact in rendered_shards(partial(render_shard, folder, recipe), missing, workers):
            facts[shard] = fact
            bar.update(len(fact["ids"]))
    ordered = [facts[shard] for shard in sorted(facts)]
    index: dict[str, Any] = {**recipe.described(), "unit": ordered[0]["unit"]}
    index.update({name: [value for fact in ordered for value in fact[name]] for name in PER_FRAME})
    index["label_counts"] = np.sum([fact["label_counts"] for fact in ordered], axis=0).tolist()
    write_atomic(folder / "index.json", json.dumps(index))


def rendered_shards(
    work: Callable[[int], dict[str, Any]], shards: Sequence[int], workers: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Do `work`, which renders one shard by its number, in this process or several; yields each when it is finished."""
    if workers <= 1 or len(shards) <= 1:
        for shard in shards:
            yield shard, work(shard)
        return
    # spawn: a forked child would inherit threads and locks of torch and OpenCV in whatever state they are
    with ProcessPoolExecutor(min(workers, len(shards)), get_context("spawn"), initializer=_one_thread) as pool:
        futures: dict[Future, int] = {pool.submit(work, shard): shard for shard in shards}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)


def render_shard(folder: Path, recipe: Recipe, shard: int) -> dict[str, Any]:
    """Render one shard's frames and write its files; returns what is known of the frames, stored with it."""
    frames = recipe.shards()[shard]
    images = {kind: np.empty((len(frames), *shape), dtype) for kind, (dtype, shape) in recipe.kinds.items()}
    fact: dict[str, Any] = {name: [] for name in PER_FRAME}
    counts = np.zeros(len(Label), np.int64)
    for row, index in enumerate(frames):
        one = frame(recipe.scene, recipe.seed, index, recipe.split, recipe.size, recipe.sensor)
        fact["unit"] = SENSORS[recipe.sensor or one.scene.sensors[0]].unit
        for kind, stored in images.items():
            stored[row] = IMAGES[kind].store(one, fact["unit"])
        for name, value in _known(one).items():
            fact[name].append(value)
        counts += np.bincount(one.labels.ravel(), minlength=len(Label))
    fact["label_counts"] = counts.tolist()
    for kind, stored in images.items():
        write_atomic(shard_path(folder, kind, shard), partial(np.save, arr=stored, allow_pickle=False))
    write_atomic(folder / f"shard_{shard:05d}.json", json.dumps(fact))
    return fact


def _known(one: Frame) -> dict[str, Any]:
    """What the index says of a frame: the keys are `PER_FRAME`."""
    scene = one.scene
    return {
        "ids": one.id,
        "subjects": scene.subject,
        "sessions": scene.session,
        "gloved": scene.gloved,
        "domains": scene.domain,
        "states": dict(scene.states),
        "intrinsics": [float(v) for v in astuple(one.intrinsics)[:4]] + [one.intrinsics.width, one.intrinsics.height],
    }


def shard_path(folder: Path, kind: str, shard: int) -> Path:
    """File of one kind of image of one shard."""
    return folder / f"{kind}_{shard:05d}.npy"


def stored_facts(folder: Path, recipe: Recipe, shard: int) -> dict[str, Any] | None:
    """What is known of a finished shard, or None where any of its files is missing."""
    facts = folder / f"shard_{shard:05d}.json"
    if not facts.exists() or not all(shard_path(folder, kind, shard).exists() for kind in recipe.kinds):
        return None
    return json.loads(facts.read_text())


def read_shard(path: Path, recipe: Recipe, kind: str, rows: int) -> NDArray:
    """A shard as a read-only memory map.

    Raises:
        StoreError: if it is missing, cut short, or not what the recipe says.
    """
    dtype, shape = recipe.kinds[kind]
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise StoreError(f"{path}: cannot be read ({error}). {_remedy(path)}") from error
    if array.shape != (rows, *shape) or array.dtype != dtype:
        raise StoreError(
            f"{path}: holds {array.dtype} {array.shape}, expected {np.dtype(dtype)} {(rows, *shape)}. {_remedy(path)}"
        )
    return array


def _remedy(path: Path) -> str:
    folder = path if path.is_dir() else path.parent
    return f"Delete {path} and {folder / 'index.json'} and ask for the set again: only what is missing is rendered."
