"""Depth frames of hands and what they hold: InterSegHands (DenseAttentionSeg, Section 3) and sets of its kind.

The files of InterSegHands could not be had and their format is described nowhere (REFERENCE 1.5). What the paper says:
an SR300 at 640x480, 51,912 pairs of depth and mask, only what lies within 16 cm of the nearest thing, background 0. So
the layout here is our own, and the annotation of this project writes it:

    <root>/depth/<id>.png             16-bit depth in steps of the unit; 0 is no reading, or beyond the 16 cm
    <root>/mask/<id>.png              8-bit class numbers
    <root>/interseghands.json         optional: {"depth_unit_m": 0.000125,
                                      "classes": {"background": 0, "hand": 1, "object": 2},
                                      "folders": {"depth": "depth", "mask": "mask"}}, or a part of it
    <root>/{train,val,test}.txt       optional: the ids of a split, one a line

Files of another origin need no rewriting: say in `interseghands.json`, or to `InterSegHandsSet`, what they hold.

A hand is `RIGHT_HAND`, whichever it is, and an object `OBJECT_BOTH`: these files tell neither sides nor holders apart.

The paper divides 51,912 frames into 46,720 to train and 5,192 to validate and does not say how. Without files that say
it, **the last tenth of the frames validates**, rounded up as in those numbers, and the others train. The frames are in
the order of their ids, numbers in them by their value, so that the tenth is one stretch of a recording: frames drawn at
random would have near copies among those that train. The paper has no test split, and so there is none unless
`test.txt` names one; its frames are then in no other.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import SR300_DEPTH, Intrinsics
from handseg_lib.data.folders import unpacked
from handseg_lib.data.frames import FramesOnDisk
from handseg_lib.data.images import fingerprint, read_depth_png, read_label_png
from handseg_lib.data.labels import Label, LabelMap
from handseg_lib.data.masked import by_stem, paired
from handseg_lib.data.sample import Sample
from handseg_lib.data.splits import check_split
from handseg_lib.errors import DataError, LabelError

UNIT = 0.000125
"""Metres per step of the depth files where nothing else is said: the SR300's own."""
CLASSES: Mapping[str, int] = {"background": 0, "hand": 1, "object": 2}
"""Numbers of the classes where nothing else is said; of the real files, only the background's is known."""
FOLDERS: Mapping[str, str] = {"depth": "depth", "mask": "mask"}
SETTINGS = "interseghands.json"
NAMED = ("train", "val", "test")
"""Splits that a text file may name."""
NEAR, FAR = 0.1, 3.0
"""Metres between which hands and objects lie before this sensor, with room to spare; a wrong unit puts them off."""

_LABELS = {"background": Label.BACKGROUND, "hand": Label.RIGHT_HAND, "object": Label.OBJECT_BOTH}


@dataclass(frozen=True)
class Layout:
    """What the files of a set of this kind hold.

    Attributes:
        unit: metres per step of the depth files.
        classes: the number of each class, 0 to 255, all different.
        folders: names of the folders with the depth files and with the masks, within the root.

    Raises:
        DataError: for a unit that is no positive number, class numbers that are none, missing or alike, or folders that
            are no names. The message does not name a file: `read` does.
    """

    unit: float = UNIT
    classes: Mapping[str, int] = field(default_factory=lambda: CLASSES)
    folders: Mapping[str, str] = field(default_factory=lambda: FOLDERS)

    def __post_init__(self) -> None:
        unit = self.unit
        if isinstance(unit, bool) or not isinstance(unit, int | float) or not (math.isfinite(unit) and unit > 0):
            raise DataError(f"the depth unit is {unit!r}; expected metres per step, such as {UNIT}")
        for name, given, usual in (("classes", self.classes, CLASSES), ("folders", self.folders, FOLDERS)):
            if not isinstance(given, Mapping) or set(given) != set(usual):
                raise DataError(f"the {name} are {given!r}; expected one value for each of {', '.join(usual)}")
        numbers = list(self.classes.values())
        whole = all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= 255 for n in numbers)
        if not whole or len(set(numbers)) != len(numbers):
            raise DataError(f"the classes are {dict(self.classes)}; expected different whole numbers from 0 to 255")
        names = list(self.folders.values())
        if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
            raise DataError(f"the folders are {dict(self.folders)}; expected two different names")

    @classmethod
    def read(cls, path: Path) -> Self:
        """The layout that a file such as `interseghands.json` describes; what it leaves out is as usual.

        Raises:
            DataError: if the file cannot be read, is no JSON object, or holds unknown keys or wrong values.
        """
        content = _parsed(path)
        keys = {"depth_unit_m": "unit", "classes": "classes", "folders": "folders"}
        unknown = sorted(set(content) - set(keys))
        if unknown:
            raise DataError(f"{path}: holds {', '.join(unknown)}; expected only {', '.join(keys)}. Correct the name.")
        try:
            return cls(**{keys[key]: value for key, value in content.items()})
        except DataError as error:
            raise DataError(f"{path}: {error}. Correct the file.") from error

    @property
    def label_map(self) -> LabelMap:
        """The numbers of the masks as a convention that reads them."""
        return LabelMap("InterSegHands", {number: (name, (_LABELS[name],)) for name, number in self.classes.items()})

    def describe(self) -> str:
        """The files that are expected, for messages."""
        return f"{self.folders['depth']}/<id>.png with {self.folders['mask']}/<id>.png"


class InterSegHandsSet(FramesOnDisk):
    """The frames in the order of their ids, or of the split's file; read when asked for.

    Attributes:
        label_maps: the conventions that these labels can be measured in.
        layout: what the files hold.
        ids: those of this split's frames, file names without `.png`.
    """

    label_maps = ("hand_object", "hand")

    def __init__(
        self,
        root: Path,
        split: str = "all",
        unit: float | None = None,
        classes: Mapping[str, int] | None = None,
        intrinsics: Intrinsics | None = SR300_DEPTH,
    ) -> None:
        """Find the frames.

        Args:
            root: the folder with `depth` and `mask`.
            split: "train", "val", "test" (see above) or "all".
            unit: metres per step of the depth files; None takes what `interseghands.json` says, or 0.125 mm.
            classes: numbers of "background", "hand" and "object" in the masks; None takes the file's, or 0, 1 and 2.
            intrinsics: the camera. Frames of another size but the same aspect count as the same view with other pixels.
                None where it is unknown: any size is taken.

        Raises:
            DataError: if a folder is missing or empty, depth files and masks do not pair up, `interseghands.json` or a
                split's file is not as expected or names frames that are not there, the split does not exist, or unit or
                classes are none. When a frame is read: if a file is missing, damaged, of the wrong type or size, or
                hands and objects lie where this sensor sees none (a wrong unit).
            LabelError: when a frame is read whose mask is not 8-bit or holds another number than the classes'.
        """
        check_split(split, "InterSegHands")
        self.root, self.intrinsics = Path(root), intrinsics
        settings = self.root / SETTINGS
        layout = Layout.read(settings) if settings.is_file() else Layout()
        if unit is not None:
            layout = replace(layout, unit=unit)
        if classes is not None:
            layout = replace(layout, classes=classes)
        self.layout = layout
        self._frames = _found(self.root, layout)
        self.ids = _divided(self.root, split, list(self._frames))

    def __len__(self) -> int:
        return len(self.ids)

    def _read(self, index: int) -> Sample:
        name = self.ids[index]
        depth_path, mask_path = self._frames[name]
        depth = read_depth_png(depth_path, self.layout.unit)
        try:
            labels = read_label_png(mask_path, self.layout.label_map)
        except LabelError as error:
            raise LabelError(f"{error} Classes of other numbers are named in {SETTINGS} or with classes=.") from error
        if depth.shape != labels.shape:
            raise DataError(
                f"{mask_path}: found {labels.shape[1]}x{labels.shape[0]} pixels; expected {depth.shape[1]}x"
                f"{depth.shape[0]} as in {depth_path}. A mask belongs to its depth pixel by pixel: write both alike."
            )
        self._check_unit(depth_path, depth, labels)
        return Sample(f"interseghands/{name}", labels, depth, intrinsics=self._camera(depth_path, depth.shape))

    def _camera(self, path: Path, shape: tuple[int, ...]) -> Intrinsics | None:
        """The camera at the size of a frame; refuses another aspect than the camera's."""
        camera = self.intrinsics
        if camera is None or shape == (camera.height, camera.width):
            return camera
        if shape[0] * camera.width != shape[1] * camera.height:
            raise DataError(
                f"{path}: found {shape[1]}x{shape[0]} pixels; expected {camera.width}x{camera.height}, or the same "
                "aspect. Use whole frames, or pass the intrinsics of this camera (None if unknown)."
            )
        return camera.resized(shape[1], shape[0])

    def _check_unit(self, path: Path, depth: NDArray[np.float32], labels: NDArray[np.uint8]) -> None:
        """Refuse a frame that speaks against the unit."""
        shown = depth[(labels > 0) & (depth > 0)]
        middle = float(np.median(shown)) if shown.size else NEAR
        if not NEAR <= middle <= FAR:
            raise DataError(
                f"{path}: its hands and objects are {middle:.3f} m away (median) at {self.layout.unit:g} m a step; "
                f"expected {NEAR} to {FAR} m. The files' unit may be another: name depth_unit_m in {SETTINGS} or pass "
                "unit=, metres per step (0.001 if they hold millimetres)."
            )

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the split's file names and contents, and of unit and classes where they are others than usual."""
        contents = fingerprint([path for name in self.ids for path in self._frames[name]])
        if self.layout.unit != UNIT:
            contents += f":unit={self.layout.unit:g}"
        if dict(self.layout.classes) != CLASSES:
            contents += f":classes={','.join(str(self.layout.classes[name]) for name in CLASSES)}"
        return contents


def _found(root: Path, layout: Layout) -> dict[str, tuple[Path, Path]]:
    """Depth file and mask by id, in the order of the ids: text by its letters, numbers in it by their value."""
    home = unpacked(root, (), layout.folders.values(), layout.describe())
    files: dict[str, dict[str, Path]] = {}
    for kind, name in layout.folders.items():
        if not (home / name).is_dir():
            raise DataError(f"{home / name}: no such folder; expected {layout.describe()}. Copy the missing folder.")
        listed = by_stem(home / name, (".png",))
        files[kind] = {stem: path for stem, path in listed.items() if not stem.startswith(".")}
    pairs = paired(files["depth"], files["mask"], home, layout.describe())
    pairs.sort(key=lambda pair: _natural(pair[0].stem))
    return {depth.stem: (depth, mask) for depth, mask in pairs}


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Sorting key in which `cup_9` comes before `cup_10`."""
    parts = re.split(r"(\d+)", name)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def _divided(root: Path, split: str, ids: list[str]) -> list[str]:
    """The ids of a split: those of its file, or the last tenth of all others for validation and the rest for training.

    Raises:
        DataError: for a split that is neither named nor made, or a split's file that is not as expected.
    """
    if split == "all":
        return ids
    named = _named(root, set(ids))
    if split in named:
        return named[split]
    if split == "test":
        raise DataError(
            f"{root}: has no test split; the paper has none either and measures on val. Ask for 'val', or write "
            f"the ids of the frames to test on, one a line, into {root / 'test.txt'}."
        )
    if named.keys() - {"test"}:
        there = ", ".join(f"{name}.txt" for name in named)
        raise DataError(
            f"{root}: found {there} but no {split}.txt; where files name the splits, each is as its file says. Write "
            f"{split}.txt, or remove {there}."
        )
    rest = [name for name in ids if name not in set(named.get("test", ()))]
    validating = -(-len(rest) // 10)
    if validating == len(rest):
        raise DataError(f"{root}: found {len(rest)} frames to divide, too few for train and val; ask for 'all'")
    return rest[:-validating] if split == "train" else rest[-validating:]


def _named(root: Path, ids: set[str]) -> dict[str, list[str]]:
    """The ids that the splits' files name, by split."""
    named = {}
    first: dict[str, Path] = {}
    for split in NAMED:
        path = root / f"{split}.txt"
        if not path.is_file():
            continue
        named[split] = [line.strip() for line in _text(path).splitlines() if line.strip()]
        if not named[split]:
            raise DataError(f"{path}: names no frame; expected ids, one a line. Fill it or remove it.")
        absent = [name for name in named[split] if name not in ids]
        if absent:
            raise DataError(
                f"{path}: names {absent[0]!r}, of which there are no files ({len(absent)} such ids); expected file "
                "names without .png. Copy the missing files, or correct the list."
            )
        for name in named[split]:
            if name in first:
                raise DataError(
                    f"{path}: names {name!r} again after {first[name].name}; expected each frame once, in one split. "
                    "Remove it from one of the two."
                )
            first[name] = path
    return named


def _parsed(path: Path) -> dict[str, Any]:
    """The object that a JSON file holds."""
    try:
        content = json.loads(_text(path))
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: is no JSON ({error}); expected an object such as {{}}. Correct the file.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds a {type(content).__name__}; expected an object such as {{}}. Correct the file.")
    return content


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise DataError(f"{path}: cannot be read ({reason}); expected a text file. Write it again.") from error
