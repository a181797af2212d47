"""Real depth frames of a hand from an Intel RealSense SR305, with hand masks.

Layout: one folder with `depth_<n>.png` (16-bit, unit 0.125 mm, 0 = no reading) and `mask_<n>.png` (1 = right hand up to
the wrist) for each frame number n, 640x480.
"""

import re
from functools import cached_property
from pathlib import Path

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.data.frames import FramesOnDisk
from handseg_lib.data.images import fingerprint, read_depth_png, read_label_png
from handseg_lib.data.labels import LABEL_MAPS
from handseg_lib.data.sample import Sample
from handseg_lib.errors import DataError

UNIT = 0.000125
LAYOUT = "depth_<number>.png with mask_<number>.png"


class SR305Set(FramesOnDisk):
    """The frames of a folder, in the order of their numbers; read when asked for.

    Raises:
        DataError: if the folder is missing or empty, or depth and mask files do not pair up; and, when a frame is read,
            if its files are damaged, of the wrong type or of different sizes.
        LabelError: when a frame is read whose mask holds anything but 0 and 1.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise DataError(f"{self.root}: no such folder; expected the SR305 frames ({LAYOUT}). Check the data root.")
        depth, masks = self._numbered("depth"), self._numbered("mask")
        if not depth and not masks:
            raise DataError(f"{self.root}: holds no frames; expected {LAYOUT}. Check the data root.")
        for number in sorted(depth.keys() ^ masks.keys()):
            there, missing = ("depth", "mask") if number in depth else ("mask", "depth")
            raise DataError(
                f"{self.root}: {there}_{number}.png has no {missing}_{number}.png; expected {LAYOUT}. "
                f"Add the missing {missing} or remove the {there}."
            )
        self._files = [(depth[number], masks[number]) for number in sorted(depth)]

    def _numbered(self, kind: str) -> dict[int, Path]:
        """Files of one kind by frame number."""
        files: dict[int, Path] = {}
        for path in sorted(self.root.glob(f"{kind}_*")):
            match = re.fullmatch(rf"{kind}_(0|[1-9]\d*)\.png", path.name)
            if match is None:
                raise DataError(f"{path}: unexpected name; expected {LAYOUT}. Rename or remove the file.")
            files[int(match[1])] = path
        return files

    def __len__(self) -> int:
        return len(self._files)

    def _read(self, index: int) -> Sample:
        depth_path, mask_path = self._files[index]
        depth = read_depth_png(depth_path, UNIT)
        labels = read_label_png(mask_path, LABEL_MAPS["right_hand"])
        expected = (SR300_DEPTH.height, SR300_DEPTH.width)
        for path, image in ((depth_path, depth), (mask_path, labels)):
            if image.shape != expected:
                raise DataError(
                    f"{path}: found {image.shape[1]}x{image.shape[0]} pixels; expected {expected[1]}x{expected[0]} for "
                    "depth and mask alike. Use the frames as recorded: the camera's intrinsics hold for that size."
                )
        return Sample(f"sr305/{depth_path.stem.removeprefix('depth_')}", labels, depth, intrinsics=SR300_DEPTH)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all files' names and contents."""
        return fingerprint([path for pair in self._files for path in pair])
