"""Depth frames of the hoseg set (Lim et al., EMBC 2019): hands, arms, an object and a table, rendered and real.

A stand-in for InterSegHands, whose files cannot be had: depth alone, hands that hold things, a third person's view. The
repository `gmntu/hoseg` holds the frames themselves (REFERENCE 1.5):

    dataset/<part>/depth/<7 digits>.png    16-bit depth in millimetres, 0 = no reading
    dataset/<part>/label/<7 digits>.png    0 background, 1 foreground (not said what of), 2 left hand,
                                           3 right hand, 4 left arm, 5 right arm, 6 object, 7 table

| part | frames | |
|---|---|---|
| `train_syn` | 10,000 | rendered people of many shapes |
| `train_fixbody_syn` | 10,000 | the same with one body shape |
| `test_syn` | 1,000 | rendered |
| `test_kv2` | 1,000 | **real**, from a Kinect v2 |

Three things to know:
- the ids of left and right are as the page and the demonstration say; the loading example beside them (`code/basic.py`)
  names 2 the right hand and 3 the left, and 4 and 5 likewise;
- neither the size nor the camera of the files is written down. The demonstration cuts the middle 400x400 pixels out of
  the Kinect v2's 512x424, so frames of these two sizes get that camera with its nominal focal length, others none;
- the unit is the Kinect's own, 1 mm, in which the demonstration feeds its network. It also drops what is beyond 1.5 m.

Training and test frames are divided by their parts. A split for validation is not shipped: the last twentieth of the
training part validates, one stretch of its movements. The test is the real part unless another is asked for.
"""

from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from handseg_lib.camera import Intrinsics
from handseg_lib.data.folders import check_paired, matching, unpacked
from handseg_lib.data.frames import FramesOnDisk
from handseg_lib.data.images import fingerprint, read_depth_png, read_grey
from handseg_lib.data.labels import LABEL_MAPS
from handseg_lib.data.sample import Sample
from handseg_lib.data.splits import by_stretch, check_split
from handseg_lib.errors import DataError

UNIT = 0.001
Train = Literal["train_syn", "train_fixbody_syn"]
Test = Literal["test_kv2", "test_syn"]

NESTED = ("hoseg", "dataset")
PARTS = (*get_args(Train), *get_args(Test))
LAYOUT = "{train_syn,test_syn,test_kv2}/{depth,label}/<7 digits>.png"

KINECT_V2 = Intrinsics(365.0, 365.0, 255.5, 211.5, 512, 424)
"""Depth camera of the Kinect v2; nominal values, each unit differs by a few pixels."""
CROP = Intrinsics(365.0, 365.0, 199.5, 199.5, 400, 400)
"""The 400x400 pixels of it that the demonstration cuts out, from column 56 and row 12 on."""
CAMERAS = {(camera.height, camera.width): camera for camera in (KINECT_V2, CROP)}


class HosegSet(FramesOnDisk):
    """The frames in the order of part and number; read when asked for.

    Attributes:
        label_maps: the conventions that these labels can be measured in.
        parts: folders that this split's frames come from.
    """

    label_maps = ("hoseg", "hand_object", "left_right", "left_right_arm", "hand", "hand_and_arm", "hand_arm")

    def __init__(self, root: Path, split: str = "all", test: Test = "test_kv2", train: Train = "train_syn") -> None:
        """Find the frames.

        Args:
            root: the folder with the parts, or the repository that holds it.
            split: "train", "val", "test" (see above) or "all": every part of training and test that is there. Of the
                parts only those that the split needs must be there.
            test: the part of the split "test": "test_kv2" (real) or "test_syn".
            train: the part of the splits "train" and "val": "train_syn" or "train_fixbody_syn".

        Raises:
            DataError: if a folder is missing or empty, depth and labels do not pair up, a name is not as expected, or
                the split or a part does not exist. When a frame is read: if a file is missing, damaged, of the wrong
                type, or depth and labels differ in size.
            LabelError: when a frame is read whose labels are coloured or hold anything but 0 to 7.
        """
        check_split(split, "hoseg")
        for given, known in ((test, get_args(Test)), (train, get_args(Train))):
            if given not in known:
                raise DataError(f"hoseg has no such part {given!r}; choose one of {', '.join(known)}")
        self.root = Path(root)
        home = unpacked(self.root, NESTED, PARTS, LAYOUT)
        wanted = {"train": (train,), "val": (train,), "test": (test,)}
        self.parts = wanted.get(split, tuple(part for part in PARTS if (home / part).is_dir()))
        self._files: list[tuple[Path, str]] = []
        for part in self.parts:
            frames = _listed(home / part)
            if split in ("train", "val"):
                frames = [frames[i] for i in by_stretch(len(frames), split, str(home / part), test=0)]
            self._files += frames

    def __len__(self) -> int:
        return len(self._files)

    def _read(self, index: int) -> Sample:
        home, name = self._files[index]
        image, mask = home / "depth" / name, home / "label" / name
        depth = read_depth_png(image, UNIT)
        labels = LABEL_MAPS["hoseg"].decode(read_grey(mask), where=str(mask))
        if depth.shape != labels.shape:
            raise DataError(
                f"{mask}: found {labels.shape[1]}x{labels.shape[0]} pixels; expected {depth.shape[1]}x{depth.shape[0]} "
                f"as in {image}. Use the files as published."
            )
        frame = f"hoseg/{home.name}/{name.removesuffix('.png')}"
        return Sample(frame, labels, depth, intrinsics=CAMERAS.get((depth.shape[0], depth.shape[1])))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the split's file names and contents."""
        return fingerprint([home / kind / name for home, name in self._files for kind in ("depth", "label")])


def _listed(home: Path) -> list[tuple[Path, str]]:
    """Folder and file name of the frames of a part, in the order of their numbers."""
    folders = (home / "depth", home / "label")
    depth, labels = (matching(folder, r"(\d{7})\.png", LAYOUT) for folder in folders)
    check_paired(depth, labels, folders)
    if not depth:
        raise DataError(f"{home}: holds no frames; expected {LAYOUT}. Check the data root.")
    return [(home, name) for name in depth.values()]
