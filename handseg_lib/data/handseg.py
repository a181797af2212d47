"""Depth frames of the HandSeg set (Bojja et al. 2019, Section 4), with masks of both hands made from coloured gloves.

Layout: `images/user-<s>.<f>.png` (16-bit depth) and `masks/user-<s>.<f>.png` (8-bit ids) for person s and frame f of 8
digits, 640x480, as the archive `handseg-150k-20180914.zip` unpacks. Some frames show no hand.

Three things to know about these files (REFERENCE 1.1):
- in the masks **1 is the right hand and 2 the left**; the paper names its classes the other way round;
- the unit of the depth is not published. The sensor's own is 0.125 mm, and so we take it; `unit` says otherwise;
- the camera's calibration is not published either. We take that of an SR305, of the same family.

There is no official split. Here a person is in one split only: in the order of their numbers, the last fifth of the
people tests, the tenth before them validates (`splits.by_group`; 7, 1 and 2 people of the released ten).
"""

import math
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import SR300_DEPTH, Intrinsics
from handseg_lib.data.folders import check_paired, matching, unpacked
from handseg_lib.data.frames import FramesOnDisk
from handseg_lib.data.images import fingerprint, read_depth_png, read_label_png
from handseg_lib.data.labels import LABEL_MAPS
from handseg_lib.data.sample import Sample
from handseg_lib.data.splits import by_group
from handseg_lib.errors import DataError

UNIT = 0.000125
"""Metres per step of the depth files: the native unit of the SR300 family. Not confirmed by the authors."""

NESTED = ("handseg-150k-20180914", "handseg-150k")
NAME = r"user-(\d+)\.(\d{8})\.png"
LAYOUT = "images/user-<person>.<8 digits>.png with masks/ of the same names"
NEAR, FAR = 0.1, 3.0
"""Metres between which hands lie before this sensor, with room to spare; a wrong unit puts them elsewhere."""


class HandSegSet(FramesOnDisk):
    """The frames in the order of person and frame number; read when asked for.

    Attributes:
        label_maps: the conventions that these labels can be measured in.
        subjects: numbers of the people in this split.
    """

    label_maps = ("left_right", "hand")

    def __init__(
        self, root: Path, split: str = "all", unit: float = UNIT, intrinsics: Intrinsics | None = SR300_DEPTH
    ) -> None:
        """Find the frames.

        Args:
            root: the folder with `images` and `masks`, or the one the archive was unpacked in.
            split: "train", "val", "test" (by person, see above) or "all".
            unit: metres per step of the depth files.
            intrinsics: the camera; its size is that of every frame. None where it is unknown: any size is taken.

        Raises:
            DataError: if the folder is missing or empty, images and masks do not pair up, a name is not as expected,
                the split does not exist, or the unit is no positive number. When a frame is read: if a file is missing,
                damaged, of the wrong type or size, or hands lie where this sensor sees none (a wrong unit).
            LabelError: when a frame is read whose mask holds anything but 0, 1 and 2.
        """
        if not (math.isfinite(unit) and unit > 0):
            raise DataError(f"HandSeg's depth unit is {unit}; expected metres per step, such as {UNIT}")
        self.root, self.unit, self.intrinsics = Path(root), unit, intrinsics
        home = unpacked(self.root, NESTED, ("images", "masks"), LAYOUT)
        self._images, self._masks = home / "images", home / "masks"
        found = matching(self._images, NAME, LAYOUT)
        check_paired(found, matching(self._masks, NAME, LAYOUT), (self._images, self._masks))
        if not found:
            raise DataError(f"{self._images}: holds no frames; expected {LAYOUT}. Check the data root.")
        people = {person for person, _ in found}
        self.subjects = tuple(by_group(people, split, f"people in {self._images}"))
        chosen = set(self.subjects)
        self._names = [name for (person, _), name in found.items() if person in chosen]

    def __len__(self) -> int:
        return len(self._names)

    def _read(self, index: int) -> Sample:
        name = self._names[index]
        image, mask = self._images / name, self._masks / name
        depth = read_depth_png(image, self.unit)
        labels = read_label_png(mask, LABEL_MAPS["handseg_files"])
        self._check(image, depth, labels)
        return Sample(f"handseg/{name.removesuffix('.png')}", labels, depth, intrinsics=self.intrinsics)

    def _check(self, image: Path, depth: NDArray[np.float32], labels: NDArray[np.uint8]) -> None:
        """Refuse a frame of another size than the camera's, or one that speaks against the unit."""
        camera = self.intrinsics
        if camera is not None and depth.shape != (camera.height, camera.width):
            raise DataError(
                f"{image}: found {depth.shape[1]}x{depth.shape[0]} pixels; expected {camera.width}x{camera.height}. "
                "Use the frames as recorded, or pass the intrinsics of this camera."
            )
        if depth.shape != labels.shape:
            return  # `Sample` names both sizes
        hands = depth[(labels > 0) & (depth > 0)]
        middle = float(np.median(hands)) if hands.size else NEAR
        if not NEAR <= middle <= FAR:
            raise DataError(
                f"{image}: its hands are {middle:.3f} m away (median) at {self.unit:g} m a step; expected {NEAR} to "
                f"{FAR} m. The files' unit may be another: pass unit=, metres per step (0.001 if they hold "
                "millimetres)."
            )

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the split's file names and contents, and of the unit where it is another than the usual."""
        files = [folder / name for name in self._names for folder in (self._images, self._masks)]
        contents = fingerprint(files)
        return contents if self.unit == UNIT else f"{contents}:unit={self.unit:g}"
