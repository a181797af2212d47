"""From what a configuration says about data to the frames themselves."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np

from handseg_lib.data.cropping import Within
from handseg_lib.data.sample import Sample
from handseg_lib.errors import RunError
from handseg_lib.train.registry import Data

if TYPE_CHECKING:
    from handseg_lib.data.synthetic import SyntheticSet


@runtime_checkable
class Frames(Protocol):
    """A sequence of samples that knows the fingerprint of its content, as every data set here does."""

    fingerprint: str

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Sample: ...


class First(Sequence[Sample]):
    """The first `count` frames of a set."""

    def __init__(self, frames: Frames, count: int) -> None:
        if not 1 <= count <= len(frames):
            raise RunError(f"{count} frames were asked for, the set has {len(frames)}")
        self.frames, self.count = frames, count
        self.fingerprint = f"{frames.fingerprint}[:{count}]"
        if hasattr(frames, "label_maps"):  # what the labels say does not change
            self.label_maps = frames.label_maps

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(f"frame {index} of {self.count}")
        return self.frames[index]


class ColourView(Sequence[Sample]):
    """The colour camera's own view of a synthetic set's frames; `labels` names the stored image with its labels.

    Without depth: the depth camera stands elsewhere, and alignment smears what one of the two does not see.
    """

    def __init__(self, frames: "SyntheticSet", labels: str) -> None:
        self.frames, self.labels = frames, labels
        self.fingerprint = f"{frames.fingerprint}:{labels}"

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Sample:
        truths = self.frames.truths(index)
        return Sample(self.frames.index["ids"][index], truths[self.labels], rgb=truths["color_rgb"])


class Padded(Sequence[Sample]):
    """The depth frames of a set brought to another aspect: rows or columns without a reading on both sides.

    A network works at one size, and frames of another aspect would be stretched; so pixels stay square.
    Colour is left away.
    """

    def __init__(self, frames: Frames, aspect: float) -> None:
        self.frames, self.aspect = frames, aspect
        self.fingerprint = f"{frames.fingerprint}:{aspect:.4f}"
        if hasattr(frames, "label_maps"):
            self.label_maps = frames.label_maps

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Sample:
        sample = self.frames[index]
        if sample.depth is None:
            raise RunError(f"{sample.id}: has no depth; only depth frames can be padded to an aspect. Drop `aspect`.")
        height, width = sample.depth.shape
        more = max(0, round(height * self.aspect) - width), max(0, round(width / self.aspect) - height)
        left, top = more[0] // 2, more[1] // 2
        sides = ((top, more[1] - top), (left, more[0] - left))
        camera = sample.intrinsics and replace(
            sample.intrinsics,
            cx=sample.intrinsics.cx + left,
            cy=sample.intrinsics.cy + top,
            width=width + more[0],
            height=height + more[1],
        )
        return Sample(sample.id, np.pad(sample.labels, sides), np.pad(sample.depth, sides), None, camera)


class Together(Sequence[Sample]):
    """Several sets one after the other."""

    def __init__(self, sets: Sequence[Frames]) -> None:
        self.sets = tuple(sets)
        self.fingerprint = "+".join(frames.fingerprint for frames in self.sets)

    def __len__(self) -> int:
        return sum(len(frames) for frames in self.sets)

    def __getitem__(self, index: int) -> Sample:
        left = index
        for frames in self.sets:
            if 0 <= left < len(frames):
                return frames[left]
            left -= len(frames)
        raise IndexError(f"frame {index} of {len(self)}")


def open_set(data: Data | tuple[Data, ...], data_root: Path | None = None) -> Frames:
    """The frames that a configuration asks for; synthetic ones are rendered when they are not in the store yet.

    Args:
        data: one set, or several to be taken together.
        data_root: folder of the real sets.

    Raises:
        RunError: for a real set when there is no such folder, or `reading` names what its loader does not take.
        DataError: when the set's files cannot be used.
    """
    if isinstance(data, tuple):
        return Together([open_set(one, data_root) for one in data])
    frames = _opened(data, data_root) if data.real else _rendered(data)
    for count in (data.count if data.real else None, data.first):
        frames = frames if count is None else First(frames, count)
    frames = Padded(frames, data.aspect) if data.aspect else frames
    return Within(frames, data.within) if data.within else frames


def _rendered(data: Data) -> Frames:
    """A synthetic set."""
    from handseg_lib.data.counterparts import rendered  # the renderer is not needed for real data

    frames = rendered(data.source, data.split, data.count, (data.height, data.width), data.seed, images=data.images)
    if data.inputs == "depth":
        return frames
    return ColourView(frames, "bare_labels" if data.bare else "color_labels")


def _opened(data: Data, data_root: Path | None) -> Frames:
    """A real set."""
    reason = missing(data, data_root)
    if reason:
        raise RunError(reason)
    try:
        return _REAL[data.source](data_root / data.source, data.split, **data.reading)
    except TypeError as error:
        if not data.reading:
            raise
        raise RunError(f"the {data} cannot be read with {data.reading}: {error}. Correct `reading`.") from error


def missing(data: Data, data_root: Path | None) -> str:
    """Why a set is not at hand, or "" when it is. Synthetic sets always are."""
    if not data.real:
        return ""
    if data_root is None:
        return f"the {data} need the real data's folder: set HANDSEG_DATA_ROOT or pass data_root"
    if not (data_root / data.source).is_dir():
        return f"the {data} are not at hand: {data_root / data.source} is no folder"
    return ""


def _sr305(root: Path, split: str) -> Frames:
    from handseg_lib.data.sr305 import SR305Set

    return SR305Set(_undivided(root, split))


def _egohands(root: Path, split: str) -> Frames:
    from handseg_lib.data.egohands import EgoHandsSet

    return EgoHandsSet(root, split)


def _hgr(root: Path, split: str) -> Frames:
    from handseg_lib.data.hgr import HGRSet

    return HGRSet(_undivided(root, split))


def _handseg(root: Path, split: str, unit: float | None = None) -> Frames:
    from handseg_lib.data.handseg import UNIT, HandSegSet

    return HandSegSet(root, split, UNIT if unit is None else unit)


def _nyu(root: Path, split: str, far: float | None = None) -> Frames:
    from handseg_lib.data.nyu import FAR, NYUSet

    return NYUSet(root, split, FAR if far is None else far)


def _handnet(root: Path, split: str, division: Literal["session", "official"] = "session") -> Frames:
    from handseg_lib.data.handnet import HandNetSet

    return HandNetSet(root, split, division)


def _rhd(root: Path, split: str) -> Frames:
    from handseg_lib.data.rhd import RHDSet

    return RHDSet(root, split)


def _interseghands(root: Path, split: str, unit: float | None = None) -> Frames:
    from handseg_lib.data.interseghands import InterSegHandsSet

    return InterSegHandsSet(root, split, unit)


def _hoseg(root: Path, split: str, test: str = "test_kv2", train: str = "train_syn") -> Frames:
    from handseg_lib.data.hoseg import HosegSet

    return HosegSet(root, split, test, train)


def _undivided(root: Path, split: str) -> Path:
    """The folder of a set that has no splits."""
    if split != "all":
        raise RunError(f"the real {root.name} frames have no split {split!r}; ask for 'all'")
    return root


_REAL: dict[str, Callable[..., Frames]] = {
    "sr305": _sr305,
    "egohands": _egohands,
    "hgr": _hgr,
    "handseg": _handseg,
    "nyu": _nyu,
    "handnet": _handnet,
    "rhd": _rhd,
    "interseghands": _interseghands,
    "hoseg": _hoseg,
}
