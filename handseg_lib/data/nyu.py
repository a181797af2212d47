"""Depth frames of the NYU hand segmentation set (Tompson et al. 2014, the part for their random forest).

Layout: one RGB PNG a frame, `depth_<7 digits>.png`, 640x480, in `nyu_hand_dataset_rdf/dataset_rdf/dataset/`. Each packs
two images (REFERENCE 1.2): **red is the label, green the high and blue the low byte of the depth in millimetres**. A
label above 0 is a hand; which value that is, is not confirmed (probably 255), so every value is taken, but no more than
two in one file. The set's author takes 2 m and beyond for background without a reading, and so do we; `far` changes it.

One person, before a Kinect v1; some frames show no hand, some two. The labels do not tell left from right: every hand
is `LEFT_HAND`, as HandSeg's Table 1 has it, and only the label map `hand` says what these files say.

No split is shipped; the author's program draws 5% of the files for testing. With one person there is no division by
person, so ours is by stretches of the recording: the last twentieth tests, the one before validates.
"""

from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import NYU_DEPTH
from handseg_lib.data.folders import matching, unpacked
from handseg_lib.data.frames import FramesOnDisk
from handseg_lib.data.images import fingerprint, read_rgb
from handseg_lib.data.labels import LABEL_MAPS
from handseg_lib.data.sample import Sample, check_depth
from handseg_lib.data.splits import by_stretch
from handseg_lib.errors import DataError, LabelError

UNIT = 0.001
FAR = 2.0
"""Metres from which on the set's author takes a pixel for background without a reading."""

NESTED = ("nyu_hand_dataset_rdf", "dataset_rdf", "dataset")
LAYOUT = "depth_<7 digits>.png, each with label and depth packed into its red, green and blue"
MOST_VALUES = 2


class NYUSet(FramesOnDisk):
    """The frames in the order of their numbers; read when asked for.

    Attributes:
        label_maps: the conventions that these labels can be measured in.
    """

    label_maps = ("hand",)

    def __init__(self, root: Path, split: str = "all", far: float = FAR) -> None:
        """Find the frames.

        Args:
            root: the folder with the frames, or the one the archive was unpacked in.
            split: "train", "val", "test" (stretches of the recording, see above) or "all".
            far: readings of so many metres and more count as none; infinity keeps them all.

        Raises:
            DataError: if the folder is missing or empty, a name is not as expected, the split does not exist, or `far`
                is not positive. When a frame is read: if its file is missing, damaged, not 8-bit with 3 channels, or of
                another size than 640x480.
            LabelError: when a frame is read whose red channel is no label.
        """
        if not far > 0:
            raise DataError(f"NYU's farthest reading is {far}; expected metres above 0, such as {FAR}")
        self.root, self.far = Path(root), far
        home = self._home()
        found = matching(home, r"depth_(\d{7})\.png", LAYOUT)
        if not found:
            raise DataError(f"{home}: holds no frames; expected {LAYOUT}. Check the data root.")
        names = list(found.values())
        self._files = [home / names[i] for i in by_stretch(len(names), split, str(home))]

    def _home(self) -> Path:
        """The folder with the frames."""
        if self.root.is_dir() and next(self.root.glob("depth_*.png"), None) is not None:
            return self.root
        return unpacked(self.root, NESTED[:-1], NESTED[-1:], LAYOUT) / NESTED[-1]

    def __len__(self) -> int:
        return len(self._files)

    def _read(self, index: int) -> Sample:
        path = self._files[index]
        depth, labels = read_packed(path, self.far)
        if labels.shape != (NYU_DEPTH.height, NYU_DEPTH.width):
            raise DataError(
                f"{path}: found {labels.shape[1]}x{labels.shape[0]} pixels; expected {NYU_DEPTH.width}x"
                f"{NYU_DEPTH.height}. Use the files as published: neither packed depth nor labels can be resized."
            )
        return Sample(f"nyu/{path.stem.removeprefix('depth_')}", labels, depth, intrinsics=NYU_DEPTH)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the split's file names and contents, and of `far` where it is another than the usual."""
        contents = fingerprint(self._files)
        return contents if self.far == FAR else f"{contents}:far={self.far:g}"


def read_packed(path: Path, far: float = FAR) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A packed PNG -> (H, W) float32 metres, 0 = no reading, and (H, W) uint8 labels of the vocabulary.

    Raises:
        DataError: if the file is missing, damaged, not 8-bit with 3 channels, or holds impossible distances.
        LabelError: if red holds more than two values beside 0, as in a photograph or a lossy copy.
    """
    red, high, low = np.moveaxis(read_rgb(path), -1, 0)
    values = [int(v) for v in np.flatnonzero(np.bincount(red.ravel(), minlength=256)[1:]) + 1]
    if len(values) > MOST_VALUES:
        shown = ", ".join(map(str, values[:6])) + (", ..." if len(values) > 6 else "")
        raise LabelError(
            f"{path}: its red channel holds {len(values)} values beside 0 ({shown}); expected a label: 0, and one "
            "value for the hand. Check that this is a file of the RDF part, not a photograph, a resized or a JPEG copy."
        )
    millimetres = high.astype(np.uint16) * 256 + low  # uint8 would overflow
    depth = millimetres.astype(np.float32) * np.float32(UNIT)
    depth[millimetres >= far / UNIT] = 0
    check_depth(depth, str(path))
    return depth, LABEL_MAPS["left_hand"].decode((red > 0).astype(np.uint8), where=str(path))
