"""Takes on disk: rendered once, whole or absent, under the version of their code; damage is named."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from handseg_lib.annotate import takes
from handseg_lib.errors import StoreError

SOURCE = str(Path(takes.__file__).parent / "review.py")


@dataclass(frozen=True)
class Take:
    subject: int
    session: int
    frames: int = 2

    @property
    def path(self) -> Path:
        return takes.path_of(self, "toys", SOURCE, ("handseg_lib.annotate",))


def render(take: Take) -> dict[str, np.ndarray]:
    """As many numbers as frames; one subject cannot be recorded."""
    if take.subject == 13:
        raise ValueError("nobody there")
    return {"numbers": np.arange(take.frames) + take.subject}


def numbers(stored: dict[str, np.ndarray]) -> list[int]:
    return stored["numbers"].tolist()


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDSEG_STORE", str(tmp_path))
    return tmp_path


def test_what_is_rendered_is_read_back(store):
    wanted = [Take(3, 1), Take(4, 1, frames=3)]
    takes.make(wanted, render, workers=2)
    assert [takes.read(take, numbers) for take in wanted] == [[3, 4], [4, 5, 6]]
    assert all(take.path.parent == store / "toys" for take in wanted)


def test_only_what_is_missing_is_rendered():
    one, other = Take(3, 1), Take(4, 1)
    takes.make([one], render, workers=1)
    written = one.path.stat().st_mtime_ns
    takes.make([one, other], render, workers=1)
    assert one.path.stat().st_mtime_ns == written and other.path.exists()


def test_a_take_that_fails_leaves_nothing(store):
    with pytest.raises(ValueError, match="nobody there"):
        takes.make([Take(13, 1)], render, workers=1)
    assert not list(store.rglob("*.npz"))


def test_the_name_says_take_and_code(monkeypatch):
    take = Take(3, 1)
    names = {take.path.name, replace(take, frames=5).path.name}
    monkeypatch.setattr(takes, "_code", lambda *_: "other")
    names.add(take.path.name)
    assert len(names) == 3 and all(name.startswith("3-1-") for name in names)


def test_damage_is_named():
    take = Take(3, 1)
    with pytest.raises(StoreError, match=r"3-1-\w+\.npz: cannot be read .*Delete it and ask for the take again"):
        takes.read(take, numbers)
    takes.make([take], render, workers=1)
    with pytest.raises(StoreError, match=r"cannot be read .*'depth'"):
        takes.read(take, lambda stored: stored["depth"])
    whole = take.path.read_bytes()
    take.path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError, match="cannot be read"):
        takes.read(take, numbers)


def test_depth_is_stored_to_half_a_step():
    depth = np.linspace(0, 4, 1001, dtype=np.float32)
    steps = takes.steps_of(depth)
    assert steps.dtype == np.uint16 and takes.metres_of(steps).dtype == np.float32
    assert np.abs(takes.metres_of(steps) - depth).max() <= 0.51 * takes.UNIT
    np.testing.assert_array_equal(takes.steps_of(takes.metres_of(steps)), steps)
