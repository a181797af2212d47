"""Frames of the EgoHands set (Bambach et al. 2015): two people at a game, seen through the glasses of one of them.

Two layouts are known by their files:
- official: `metadata.mat` and `_LABELLED_SAMPLES/<video>/frame_<number>.jpg`; outlines of four hands, the viewer's own
  (`myleft`, `myright`) and the partner's (`yourleft`, `yourright`), 48 videos of 100 frames, 1280x720;
- samples: one folder with `<name>.jpg` and `<name>.png`, white where there is anybody's hand.

A hand is labelled up to the wrist; bare forearms and faces are background. Sample masks do not tell left from right:
there every hand is `RIGHT_HAND`, and only the label map `hand`, in which both are one class, says what they say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat
from skimage.draw import polygon

from handseg_lib.data.frames import FramesOnDisk
from handseg_lib.data.images import fingerprint, read_rgb
from handseg_lib.data.labels import LABEL_MAPS, Label
from handseg_lib.data.masked import JPEGS, by_stem, paired, read_mask
from handseg_lib.data.sample import Sample
from handseg_lib.errors import DataError

HANDS = {
    "yourleft": Label.LEFT_HAND,
    "yourright": Label.RIGHT_HAND,
    "myleft": Label.LEFT_HAND,
    "myright": Label.RIGHT_HAND,
}
"""Outlines of the official files in the order they are filled: the viewer's own hands are nearer than the partner's."""

VIDEOS = 48
SPLITS = {"test": (0, 10, 12, 19, 30, 33, 37, 43), "val": (6, 13, 27, 46)}
"""The official "Main Split": places in `metadata.mat`, counted from 0; every other video is for training."""

LAYOUT = "metadata.mat with _LABELLED_SAMPLES/<video>/frame_<number>.jpg, or <name>.jpg with <name>.png"


@dataclass(frozen=True)
class _Frame:
    """One frame: its image, and what makes (H, W) labels for an image of a shape."""

    id: str
    image: Path
    labels: Callable[[tuple[int, int]], NDArray[np.uint8]]


class EgoHandsSet(FramesOnDisk):
    """The frames of a folder, in the order of `metadata.mat` or of their names; read when asked for.

    Attributes:
        label_maps: the conventions that these labels can be measured in.
    """

    def __init__(self, root: Path, split: str = "all") -> None:
        """Find the frames.

        Args:
            root: folder in one of the two layouts.
            split: "train", "val", "test" (the official Main Split), or "all"; samples have no splits.

        Raises:
            DataError: if the folder is missing or empty, images and masks do not pair up, `metadata.mat` is not what it
                should be, or the split does not exist. When a frame is read: if a file is missing or damaged, or image
                and mask differ in size.
            LabelError: when a frame is read whose mask is not black and white.
        """
        self.root = Path(root)
        if not self.root.is_dir():
            raise DataError(f"{self.root}: no such folder; expected EgoHands frames ({LAYOUT}). Check the data root.")
        official = self.root / "metadata.mat"
        if official.is_file():
            self.label_maps: tuple[str, ...] = ("hand", "left_right")
            self._frames = _official(official, split)
            self._files = [official, *(frame.image for frame in self._frames)]
            return
        if split != "all":
            raise DataError(f"{self.root}: a split {split!r} was asked for, but there is no metadata.mat; single "
                            "frames have no splits. Ask for 'all', or use the official download.")  # fmt: skip
        self.label_maps = ("hand",)
        pairs = paired(by_stem(self.root, JPEGS), by_stem(self.root, (".png",)), self.root, LAYOUT)
        self._frames = [_Frame(f"egohands/{image.stem}", image, partial(_from_mask, mask)) for image, mask in pairs]
        self._files = [path for pair in pairs for path in pair]

    def __len__(self) -> int:
        return len(self._frames)

    def _read(self, index: int) -> Sample:
        frame = self._frames[index]
        rgb = read_rgb(frame.image)
        return Sample(frame.id, frame.labels(rgb.shape[:2]), rgb=rgb)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all files' names and contents."""
        return fingerprint(self._files)


def fill_outlines(outlines: Mapping[str, NDArray[np.float64]], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W) labels: pixels whose centre lies within a hand's outline.

    Args:
        outlines: hand (a key of `HANDS`) -> (N, 2) x and y as MATLAB counts them, 1 at the centre of the first pixel
            (that the files count so is our reading; no text says it).
        shape: (H, W).
    """
    labels = np.zeros(shape, np.uint8)
    for hand, label in HANDS.items():
        if hand in outlines:
            x, y = outlines[hand].T - 1
            labels[polygon(y, x, shape)] = label
    return labels


def _from_mask(mask: Path, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Labels of a sample; `Sample` compares their shape with the image's."""
    return LABEL_MAPS["hand"].decode(read_mask(mask), where=str(mask))


def _official(path: Path, split: str) -> list[_Frame]:
    """Frames of a split of the official set."""
    try:
        videos = np.ravel(loadmat(path)["video"])
    except Exception as error:  # scipy stumbles over damaged files in many ways
        raise DataError(
            f"{path}: cannot be read ({type(error).__name__}: {error}); expected a MATLAB 5 file with the variable "
            "'video'. Unpack the official download again."
        ) from error
    return [frame for place in _places(split, len(videos), path) for frame in _video(videos[place], path)]


def _places(split: str, videos: int, path: Path) -> list[int]:
    """Places of a split's videos."""
    known = ("train", *SPLITS, "all")
    if split not in known:
        raise DataError(f"EgoHands has no split {split!r}; choose one of {', '.join(known)}")
    if split == "all":
        return list(range(videos))
    if videos != VIDEOS:
        raise DataError(f"{path}: found {videos} videos; the official split is of {VIDEOS}. Ask for the split 'all'.")
    held_out = {place for places in SPLITS.values() for place in places}
    return list(SPLITS[split]) if split in SPLITS else [i for i in range(videos) if i not in held_out]


def _video(video: Any, path: Path) -> list[_Frame]:
    """Frames of one entry of `metadata.mat`."""
    try:
        name = str(np.ravel(video["video_id"])[0])
        labelled = np.ravel(video["labelled_frames"])
        numbers = [int(np.ravel(frame["frame_num"])[0]) for frame in labelled]
        outlines = [{hand: np.asarray(frame[hand], np.float64) for hand in HANDS} for frame in labelled]
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise DataError(
            f"{path}: a video is not as expected ({type(error).__name__}: {error}); it should have video_id and "
            f"labelled_frames with frame_num, {', '.join(HANDS)}. Unpack the official download again."
        ) from error
    frames = []
    for number, hands in zip(numbers, outlines, strict=True):
        drawn = {hand: outline for hand, outline in hands.items() if outline.size}
        for hand, outline in drawn.items():
            if outline.ndim != 2 or outline.shape[1] != 2 or not np.isfinite(outline).all():
                raise DataError(f"{path}: {name}, frame {number}: the outline of {hand} has the shape {outline.shape}; "
                                "expected finite (N, 2) x and y.")  # fmt: skip
        image = path.parent / "_LABELLED_SAMPLES" / name / f"frame_{number:04d}.jpg"
        frames.append(_Frame(f"egohands/{name}/{number:04d}", image, partial(fill_outlines, drawn)))
    return frames
