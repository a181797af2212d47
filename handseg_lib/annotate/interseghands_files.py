"""Writing an annotated set in the layout that `InterSegHandsSet` reads: depth, masks, what they hold, and splits.

Every file is whole or absent, and the order tells what is finished: `interseghands.json` comes first, a mask before
its depth. A recording that breaks off between the two leaves a mask alone, which the loader refuses by name;
`unfinished` finds it, and writing the frame again mends it. Splits come last.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handseg_lib.annotate.hands_objects import OBJECT
from handseg_lib.data.images import depth_steps, png
from handseg_lib.data.interseghands import CLASSES, FOLDERS, SETTINGS, UNIT
from handseg_lib.errors import DataError, LabelError
from handseg_lib.files import write_atomic

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def write_settings(root: Path, unit: float = UNIT) -> Path:
    """Say what the files hold: metres a step and the numbers of the classes.

    Raises:
        DataError: for a unit that is not positive, and when the file cannot be written.
    """
    if not unit > 0:
        raise DataError(f"depth unit {unit}; expected metres per step, such as {UNIT}")
    content = {"depth_unit_m": unit, "classes": dict(CLASSES), "folders": dict(FOLDERS)}
    path = Path(root) / SETTINGS
    write_atomic(path, json.dumps(content, indent=1) + "\n", DataError)
    return path


def write_frame(
    root: Path, name: str, depth: NDArray[np.float32], classes: NDArray[np.uint8], unit: float = UNIT
) -> Path:
    """Write one annotated frame, both files whole or absent; an earlier frame of that name is replaced.

    Args:
        root: the folder of `depth` and `mask`, made if need be.
        name: the frame's id: letters, digits, `.`, `_` and `-`.
        depth: (H, W) float32 metres, 0 = no reading or too far behind.
        classes: (H, W) uint8 0 background, 1 hand, 2 object.
        unit: metres per step of the depth file; the same as in `write_settings`.

    Returns:
        The path of the depth image.

    Raises:
        DataError: for an id that is no file name, depth that 16 bits of this unit cannot hold, and when a file cannot
            be written.
        LabelError: for classes that are not uint8 0, 1 and 2 of the depth's size.
    """
    if not _ID.fullmatch(name):
        raise DataError(f"frame id {name!r}; expected letters, digits, '.', '_' and '-', not beginning with a mark")
    steps = depth_steps(depth, unit, name)
    if classes.shape != depth.shape or classes.dtype != np.uint8 or int(classes.max(initial=0)) > OBJECT:
        raise LabelError(
            f"{name}: classes are {classes.dtype} {classes.shape} up to {int(classes.max(initial=0))}; expected uint8 "
            f"{depth.shape} of 0 background, 1 hand, 2 object"
        )
    image = Path(root) / FOLDERS["depth"] / f"{name}.png"
    write_atomic(Path(root) / FOLDERS["mask"] / f"{name}.png", png(classes), DataError)
    write_atomic(image, png(steps), DataError)
    return image


def write_splits(root: Path, splits: Mapping[str, Sequence[str]]) -> None:
    """Write `train.txt`, `val.txt` and such: the ids of each split, one a line.

    Raises:
        DataError: for an unknown or empty split, an id in two of them, or one whose frame is not complete.
    """
    placed: dict[str, str] = {}
    for split, names in splits.items():
        if split not in ("train", "val", "test") or not names:
            raise DataError(f"split {split!r} of {len(names)} frames; expected train, val or test with at least one")
        for name in names:
            if name in placed:
                raise DataError(f"frame {name!r} is in {placed[name]} and in {split}; expected each frame in one split")
            if not all((Path(root) / folder / f"{name}.png").is_file() for folder in FOLDERS.values()):
                raise DataError(f"{root}: frame {name!r} of {split} has no depth or no mask; write it first")
            placed[name] = split
    for split, names in splits.items():
        write_atomic(Path(root) / f"{split}.txt", "".join(f"{name}\n" for name in names), DataError)


def unfinished(root: Path) -> list[str]:
    """Ids of frames of which only one of the two files is there, sorted; write them again or remove that file."""
    depth, mask = (
        {path.stem for path in (Path(root) / folder).glob("*.png") if not path.name.startswith(".")}
        for folder in (FOLDERS["depth"], FOLDERS["mask"])
    )
    return sorted(depth ^ mask)
