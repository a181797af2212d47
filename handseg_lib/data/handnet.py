"""Depth frames of HandNet (Wetzler et al. 2015), with hand masks made by a heuristic.

Layout: `{TrainData,ValidationData,TestData}/Data_<7 digits>.mat`, MATLAB files with, among others, `depth` (240x320,
millimetres, 0 = no reading), `segmap` (**the hand's mask**, 0 and 1) and `session`; `lbl` holds fingertips and palm,
and is no mask. One hand a frame. That it is a left one is said by HandSeg's Table 1, not by the set: hands are
`LEFT_HAND` here, and only the label map `hand` says what these files say. The same table calls the masks heuristic, and
HandSeg's Section 6.3 holds that against them.

The official parts were shuffled before they were divided: the same 10 sessions are in all three, and frames of one
movement on both sides (REFERENCE 1.3). So the splits here are by session: all parts are taken together, the last fifth
of the sessions tests, the tenth before it validates (`splits.by_group`). That a session is a person is our reading:
there are 10 of each. For numbers to compare with those of others, `division="official"` takes the parts as they are.
"""

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from handseg_lib.camera import HANDNET
from handseg_lib.data.folders import matching, unpacked
from handseg_lib.data.frames import FramesOnDisk
from handseg_lib.data.images import fingerprint
from handseg_lib.data.labels import LABEL_MAPS
from handseg_lib.data.sample import Sample, check_depth
from handseg_lib.data.splits import by_group, check_split
from handseg_lib.errors import DataError, LabelError

UNIT = 0.001
FOLDERS = {"train": "TrainData", "val": "ValidationData", "test": "TestData"}
LAYOUT = "TrainData, ValidationData and TestData with Data_<7 digits>.mat"


class HandNetSet(FramesOnDisk):
    """The frames in the order of part and number; read when asked for.

    Attributes:
        label_maps: the conventions that these labels can be measured in.
        sessions: numbers of the sessions in this split; empty where the files were not asked for them.
    """

    label_maps = ("hand",)

    def __init__(self, root: Path, split: str = "all", division: Literal["session", "official"] = "session") -> None:
        """Find the frames. A split by session reads the session of every file.

        Args:
            root: the folder with the parts; of the official division, only those asked for must be there.
            split: "train", "val", "test" or "all".
            division: by session, or as published.

        Raises:
            DataError: if a folder is missing or empty, a name is not as expected, split or division do not exist, or
                (by session) a file is damaged or has no session. When a frame is read: if its file is missing, damaged,
                or lacks depth or mask of the right type and size.
            LabelError: when a frame is read whose mask holds anything but 0 and 1.
        """
        check_split(split, "HandNet")
        if division not in ("session", "official"):
            raise DataError(f"HandNet has no division {division!r}; choose session or official")
        self.root, self.sessions = Path(root), ()
        home = unpacked(self.root, (), FOLDERS.values(), LAYOUT)
        official = division == "official" and split != "all"
        parts = [FOLDERS[split]] if official else [name for name in FOLDERS.values() if (home / name).is_dir()]
        self._files = [
            home / part / name
            for part in parts
            for name in matching(home / part, r"Data_(\d{7})\.mat", LAYOUT).values()
        ]
        if not self._files:
            raise DataError(f"{home}: {', '.join(parts)}: no frames; expected {LAYOUT}. Check the data root.")
        if division == "session" and split != "all":
            session = [read_session(path) for path in self._files]
            self.sessions = tuple(by_group(session, split, f"sessions in {home}"))
            self._files = [path for path, s in zip(self._files, session, strict=True) if s in self.sessions]

    def __len__(self) -> int:
        return len(self._files)

    def _read(self, index: int) -> Sample:
        path = self._files[index]
        fields = _fields(path, ("depth", "segmap"))
        depth = _image(fields["depth"], "depth", path).astype(np.float32) * np.float32(UNIT)
        check_depth(depth, str(path))
        mask = _image(fields["segmap"], "segmap", path)
        other = mask[(mask != 0) & (mask != 1)]
        if other.size:
            raise LabelError(
                f"{path}: segmap holds {other[0]:g}; expected 0 (background) and 1 (hand). Use the original file; the "
                "labels of parts are in lbl."
            )
        labels = LABEL_MAPS["left_hand"].decode(mask.astype(np.uint8), where=str(path))
        frame = f"handnet/{path.parent.name}/{path.stem.removeprefix('Data_')}"
        return Sample(frame, labels, depth, intrinsics=HANDNET)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the split's file names and contents."""
        return fingerprint(self._files)


def read_session(path: Path) -> int:
    """The number of the session in which a frame was recorded.

    Raises:
        DataError: if the file is missing or damaged, or its session is no whole number.
    """
    value = np.ravel(_fields(path, ("session",))["session"])
    if value.size != 1 or value.dtype.kind not in "iuf" or value[0] != np.floor(value[0]):
        raise DataError(f"{path}: its session is {value.tolist()!r:.60}; expected one whole number. "
                        "Fetch the file again.")  # fmt: skip
    return int(value[0])


def _fields(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Variables of a MATLAB file."""
    try:
        with path.open("rb") as file:
            found = loadmat(file, variable_names=names)
    except OSError as error:
        if error.errno is None:  # scipy's own, for files that end too early
            raise _damaged(path, error) from error
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); expected a MATLAB file. Check the data set's folder."
        ) from error
    except Exception as error:  # scipy stumbles over damaged files in many ways
        raise _damaged(path, error) from error
    missing = [name for name in names if name not in found]
    if missing:
        raise DataError(f"{path}: has no variable {' and no '.join(missing)}; expected {', '.join(names)} as in the "
                        "official files. Fetch the file again.")  # fmt: skip
    return found


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path}: cannot be read ({type(error).__name__}: {error}); expected a complete MATLAB 5 file. The file is "
        "damaged or was not copied completely: fetch it again."
    )


def _image(values: Any, name: str, path: Path) -> NDArray:
    """A variable that must be a real image of the camera's size."""
    expected = (HANDNET.height, HANDNET.width)
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf" or values.shape != expected:
        found = f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
        raise DataError(
            f"{path}: {name} is {found}; expected numbers of shape {expected} (height, width). Use the original files, "
            "neither derotated nor resized."
        )
    return values
