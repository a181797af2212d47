"""Frames of the Rendered Handpose Dataset (Zimmermann and Brox 2017), "Freiburg" in HandSeg's Table 1.

Layout: `{training,evaluation}/{color,depth,mask}/<5 digits>.png`, all 320x320, and beside each three folders'
`anno_{training,evaluation}.pickle`; the archive's root is `RHD_published_v2`. What to know (REFERENCE 1.4):
- depth is packed into colours: **red is the high byte, green the low one**, 65535 is 5 m. OpenCV gives blue first. A
  pixel at the end of that scale shows nothing that was modelled: no reading;
- masks hold 0 background, **1 the person without hands, 2 to 17 parts of the left hand, 18 to 33 of the right**;
- the annotation is a pickle, read here without running what is in it (`safe_pickle`). Of it, only the camera is used.

Evaluation is the official test, of other characters than training. A split for validation is not shipped, and the files
do not say which character a frame shows: the last twentieth of the training frames validates.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import Intrinsics
from handseg_lib.data.folders import check_paired, matching, unpacked
from handseg_lib.data.frames import FramesOnDisk
from handseg_lib.data.images import fingerprint, read_grey, read_rgb
from handseg_lib.data.labels import LABEL_MAPS, check_label_map
from handseg_lib.data.safe_pickle import read_pickle
from handseg_lib.data.sample import Sample
from handseg_lib.data.splits import by_stretch, check_split
from handseg_lib.errors import DataError

SIZE = 320
FULL_SCALE, FULL_SCALE_METRES = 65535, 5.0
IMAGES = ("color", "depth", "mask")
FOLDERS = {"train": ("training",), "val": ("training",), "test": ("evaluation",), "all": ("training", "evaluation")}
"""Split -> the official parts it is taken from."""

NESTED = ("RHD_published_v2",)
LAYOUT = "{training,evaluation}/{color,depth,mask}/<5 digits>.png with anno_{training,evaluation}.pickle beside them"

CLASSES = np.zeros(256, np.uint8)
"""Look-up table from a mask's value to the class of the label map `left_right`."""
CLASSES[2:18], CLASSES[18:34] = 1, 2


class RHDSet(FramesOnDisk):
    """The frames in the order of part and number, colour and depth; read when asked for.

    Attributes:
        label_maps: the conventions that these labels can be measured in.
    """

    label_maps = ("left_right", "hand")

    def __init__(self, root: Path, split: str = "all") -> None:
        """Find the frames and read their cameras.

        Args:
            root: the folder with `training` and `evaluation`, or the one the archive was unpacked in. Of the two only
                what the split needs must be there.
            split: "train", "val", "test" (see above) or "all".

        Raises:
            DataError: if a folder is missing or empty, images and annotation do not belong together, the annotation is
                damaged, is not of these frames, or asks to run something, or the split does not exist. When a frame is
                read: if a file is missing, damaged, or of the wrong type or size.
            LabelError: when a frame is read whose mask holds anything but 0 to 33.
        """
        check_split(split, "RHD")
        self.root = Path(root)
        home = unpacked(self.root, NESTED, FOLDERS["all"], LAYOUT)
        self._frames: list[tuple[Path, str, Intrinsics]] = []
        for part in FOLDERS[split]:
            names = _listed(home / part)
            cameras = _cameras(home / part / f"anno_{part}.pickle", set(names))
            frames = [(home / part, name, cameras[number]) for number, name in names.items()]
            if part == "training":
                frames = [frames[i] for i in by_stretch(len(frames), split, str(home / part), test=0)]
            self._frames += frames
        self._annotations = [home / part / f"anno_{part}.pickle" for part in FOLDERS[split]]

    def __len__(self) -> int:
        return len(self._frames)

    def _read(self, index: int) -> Sample:
        folder, name, camera = self._frames[index]
        rgb = read_rgb(folder / "color" / name)
        depth = read_packed_depth(folder / "depth" / name)
        labels = read_parts(folder / "mask" / name)
        for kind, image in zip(IMAGES, (rgb, depth, labels), strict=True):
            if image.shape[:2] != (SIZE, SIZE):
                raise DataError(
                    f"{folder / kind / name}: found {image.shape[1]}x{image.shape[0]} pixels; expected {SIZE}x{SIZE}. "
                    "Use the files as published: neither packed depth nor labels can be resized."
                )
        return Sample(f"rhd/{folder.name}/{name.removesuffix('.png')}", labels, depth, rgb, camera)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the names and contents of the split's images and of its annotation."""
        images = [folder / kind / name for folder, name, _ in self._frames for kind in IMAGES]
        return fingerprint([*self._annotations, *images])


def read_packed_depth(path: Path) -> NDArray[np.float32]:
    """A packed PNG -> (H, W) float32 metres: (256 red + green) / 65535 times 5 m; 0 where that is the end of the scale.

    Raises:
        DataError: if the file is missing, damaged, or not 8-bit with 3 channels.
    """
    high, low, _ = np.moveaxis(read_rgb(path), -1, 0)
    steps = high.astype(np.uint16) * 256 + low  # uint8 would overflow
    steps[steps == FULL_SCALE] = 0
    return steps.astype(np.float32) * np.float32(FULL_SCALE_METRES / FULL_SCALE)


def read_parts(path: Path) -> NDArray[np.uint8]:
    """A mask of person and hand parts -> (H, W) uint8 labels of the vocabulary: left hand, right hand, background.

    Raises:
        DataError: if the file is missing, damaged or not 8-bit.
        LabelError: if it is coloured or holds a value above 33.
    """
    parts = read_grey(path)
    convention = "RHD's 0 (background), 1 (person), 2 to 17 (left hand), 18 to 33 (right hand)"
    check_label_map(parts, set(range(34)), str(path), convention)
    return LABEL_MAPS["left_right"].decode(CLASSES[parts], where=str(path))


def _listed(folder: Path) -> dict[int, str]:
    """File names by frame number, the same in all three folders."""
    found = {kind: matching(folder / kind, r"(\d{5})\.png", LAYOUT) for kind in IMAGES}
    for kind in IMAGES[1:]:
        check_paired(found["color"], found[kind], (folder / "color", folder / kind))
    if not found["color"]:
        raise DataError(f"{folder / 'color'}: holds no frames; expected {LAYOUT}. Check the data root.")
    return {number: name for (number,), name in found["color"].items()}


def _cameras(path: Path, numbers: set[int]) -> dict[int, Intrinsics]:
    """The camera of each frame."""
    annotation = read_pickle(path)
    if not isinstance(annotation, dict):
        raise DataError(
            f"{path}: holds a {type(annotation).__name__}; expected a dict from frame number to annotation. Unpack the "
            "archive again."
        )
    alone = sorted(numbers ^ annotation.keys(), key=str)
    if alone:
        missing = "annotation" if alone[0] in numbers else "image"
        raise DataError(f"{path}: frame {alone[0]} has no {missing} ({len(alone)} frames have one of the two only); "
                        "expected one annotation an image. Unpack the archive again.")  # fmt: skip
    return {number: _camera(annotation[number], number, path) for number in numbers}


def _camera(entry: Any, number: int, path: Path) -> Intrinsics:
    """The camera of one annotation."""
    k = entry.get("K") if isinstance(entry, dict) else None
    if isinstance(k, np.ndarray) and k.shape == (3, 3) and k.dtype.kind in "fiu" and np.isfinite(k).all():
        (fx, skew, cx), (zero, fy, cy) = k[:2].tolist()
        if fx > 0 and fy > 0 and skew == zero == 0 and k[2].tolist() == [0, 0, 1]:
            return Intrinsics(fx, fy, cx, cy, SIZE, SIZE)
    raise DataError(
        f"{path}: frame {number} has no usable camera (K is {k!r:.120}); expected a 3x3 matrix with positive focal "
        "lengths, no skew and the last row 0, 0, 1. Unpack the archive again."
    )
