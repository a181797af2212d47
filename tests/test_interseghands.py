"""The loader of depth-and-mask sets of hands and objects: layout, settings, splits, and bad input."""

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.data.interseghands import CLASSES, UNIT, InterSegHandsSet, Layout
from handseg_lib.data.labels import LABEL_MAPS, Label
from handseg_lib.errors import DataError, LabelError

SIZE = (480, 640)


def png(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def write(
    root: Path,
    name: str,
    raw: int = 4000,
    numbers: tuple[int, int, int] = (0, 1, 2),
    size: tuple[int, int] = SIZE,
    folders: tuple[str, str] = ("depth", "mask"),
) -> None:
    """A frame with a hand on the left half of its middle rows, an object on the right one, and nothing behind them."""
    depth, mask = np.zeros(size, np.uint16), np.full(size, numbers[0], np.uint8)
    rows, middle = slice(size[0] // 4, size[0] // 2), size[1] // 2
    depth[rows] = raw
    mask[rows, :middle], mask[rows, middle:] = numbers[1:]
    for folder, image in zip(folders, (depth, mask), strict=True):
        png(root / folder / f"{name}.png", image)


def listed(root: Path, count: int) -> None:
    """Files of frames that nobody reads."""
    for folder in ("depth", "mask"):
        (root / folder).mkdir(parents=True)
        for number in range(count):
            (root / folder / f"{number}.png").write_bytes(b"%d" % number)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("cup_10", "cup_9", "box_2"):
        write(tmp_path, name)
    return tmp_path


def test_frames_in_the_order_of_ids_with_numbers_by_value(root):
    frames = InterSegHandsSet(root)
    assert isinstance(frames, Sequence) and len(frames) == 3
    ids = ["interseghands/box_2", "interseghands/cup_9", "interseghands/cup_10"]
    assert [frame.id for frame in frames] == ids == [frame.id for frame in frames[:]]
    assert frames[-1].id == ids[-1] and frames.ids == ["box_2", "cup_9", "cup_10"]
    with pytest.raises(IndexError):
        frames[3]


def test_depth_is_metres_and_classes_are_hand_and_object(root):
    frame = InterSegHandsSet(root)[0]
    assert frame.depth.dtype == np.float32 and frame.rgb is None and frame.intrinsics == SR300_DEPTH
    assert frame.depth[200, 10] == np.float32(0.5) and frame.depth[0, 0] == 0
    assert frame.labels[200, 10] == Label.RIGHT_HAND and frame.labels[200, 600] == Label.OBJECT_BOTH
    assert (frame.labels > 0).sum() == (frame.depth > 0).sum() == 120 * 640


@pytest.mark.parametrize("name", InterSegHandsSet.label_maps)
def test_label_maps_give_the_files_numbers_back(root, name):
    mask = cv2.imread(str(root / "mask" / "cup_9.png"), cv2.IMREAD_UNCHANGED)
    classes = LABEL_MAPS[name].encode(InterSegHandsSet(root)[1].labels)
    np.testing.assert_array_equal(classes, mask if name == "hand_object" else mask == 1)


def test_settings_of_the_file_and_arguments_over_them(tmp_path):
    """A set in millimetres whose masks are grey levels, in folders of other names: nothing has to be rewritten."""
    write(tmp_path, "a", raw=500, numbers=(10, 255, 128), folders=("range", "gt"))
    settings = {
        "depth_unit_m": 0.001,
        "classes": {"background": 10, "hand": 255, "object": 128},
        "folders": {"depth": "range", "mask": "gt"},
    }
    (tmp_path / "interseghands.json").write_text(json.dumps(settings))
    [frame] = InterSegHandsSet(tmp_path)
    assert frame.depth[200, 10] == np.float32(0.5)
    assert frame.labels[200, [10, 600]].tolist() == [Label.RIGHT_HAND, Label.OBJECT_BOTH] and not frame.labels[0].any()

    swapped = {"background": 10, "hand": 128, "object": 255}
    other = InterSegHandsSet(tmp_path, unit=0.002, classes=swapped)
    assert other[0].depth[200, 10] == np.float32(1.0)
    assert other[0].labels[200, [10, 600]].tolist() == [Label.OBJECT_BOTH, Label.RIGHT_HAND]
    prints = {InterSegHandsSet(tmp_path, **given).fingerprint for given in ({}, {"unit": 0.002}, {"classes": swapped})}
    assert len(prints) == 3

    (tmp_path / "interseghands.json").write_text(json.dumps({"folders": settings["folders"], "depth_unit_m": 0.001}))
    assert InterSegHandsSet(tmp_path).layout == Layout(unit=0.001, folders=settings["folders"])


def test_what_is_not_said_is_as_usual(root):
    assert InterSegHandsSet(root).layout == Layout(UNIT, CLASSES) == Layout()
    (root / "interseghands.json").write_text("{}")
    assert InterSegHandsSet(root).layout == Layout()
    before = InterSegHandsSet(root).fingerprint
    (root / "interseghands.json").write_text(json.dumps({"depth_unit_m": UNIT, "classes": CLASSES}))
    assert InterSegHandsSet(root).fingerprint == before


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("{", "is no JSON"),
        ("[1]", "holds a list"),
        ('{"unit": 1}', "holds unit; expected only depth_unit_m, classes, folders"),
        ('{"depth_unit_m": 0}', "the depth unit is 0"),
        ('{"depth_unit_m": NaN}', "the depth unit is nan"),
        ('{"depth_unit_m": "mm"}', "the depth unit is 'mm'"),
        ('{"depth_unit_m": true}', "the depth unit is True"),
        ('{"classes": {"background": 0, "hand": 1}}', "expected one value for each of background, hand, object"),
        ('{"classes": [0, 1, 2]}', "expected one value for each of background, hand, object"),
        ('{"classes": {"background": 0, "hand": 1, "object": 1}}', "expected different whole numbers from 0 to 255"),
        ('{"classes": {"background": 0, "hand": 1, "object": 256}}', "expected different whole numbers from 0 to 255"),
        ('{"classes": {"background": 0, "hand": 1.5, "object": 2}}', "expected different whole numbers from 0 to 255"),
        ('{"folders": {"depth": "depth", "mask": "depth"}}', "expected two different names"),
        ('{"folders": {"depth": "depth", "mask": 3}}', "expected two different names"),
    ],
)
def test_settings_that_are_none(root, content, found):
    (root / "interseghands.json").write_text(content)
    with pytest.raises(DataError, match=rf"interseghands\.json: .*{found}"):
        InterSegHandsSet(root)


def test_settings_that_are_no_text(root):
    (root / "interseghands.json").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(DataError, match=r"interseghands\.json: cannot be read \(not UTF-8\)"):
        InterSegHandsSet(root)


def test_a_wrong_unit_shows(root):
    with pytest.raises(DataError, match=r"depth/box_2\.png: its hands and objects are 4\.000 m away .*pass unit="):
        InterSegHandsSet(root, unit=0.001)[0]
    for unit in (0, -1, float("nan"), float("inf")):
        with pytest.raises(DataError, match=r"depth unit is .*expected metres per step"):
            InterSegHandsSet(root, unit=unit)


def test_the_tenth_is_as_large_as_the_papers(tmp_path):
    """46,720 and 5,192 of 51,912: a tenth, rounded up. And it is the end of the recording."""
    assert -(-51912 // 10) == 5192
    listed(tmp_path, 52)
    train, val = InterSegHandsSet(tmp_path, "train"), InterSegHandsSet(tmp_path, "val")
    assert val.ids == [str(n) for n in range(46, 52)] and train.ids == [str(n) for n in range(46)]
    assert len({train.fingerprint, val.fingerprint, InterSegHandsSet(tmp_path).fingerprint}) == 3
    with pytest.raises(DataError, match=r"has no test split; .*Ask for 'val', or write .*test\.txt"):
        InterSegHandsSet(tmp_path, "test")
    with pytest.raises(DataError, match="InterSegHands has no split 'valid'"):
        InterSegHandsSet(tmp_path, "valid")


def test_a_single_frame_cannot_be_divided(tmp_path):
    write(tmp_path, "a")
    for split in ("train", "val"):
        with pytest.raises(DataError, match="found 1 frames to divide, too few for train and val"):
            InterSegHandsSet(tmp_path, split)


def test_splits_named_by_files(tmp_path):
    listed(tmp_path, 20)
    (tmp_path / "test.txt").write_text("19\n\n 0 \n")
    assert InterSegHandsSet(tmp_path, "test").ids == ["19", "0"]  # in the file's order
    train, val = InterSegHandsSet(tmp_path, "train"), InterSegHandsSet(tmp_path, "val")
    assert val.ids == ["17", "18"] and train.ids == [str(n) for n in range(1, 17)]  # of what is left
    assert len(InterSegHandsSet(tmp_path)) == 20

    (tmp_path / "train.txt").write_text("1\r\n2\r\n")
    assert InterSegHandsSet(tmp_path, "train").ids == ["1", "2"]
    with pytest.raises(DataError, match=r"found train\.txt, test\.txt but no val\.txt"):
        InterSegHandsSet(tmp_path, "val")


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"val": "1\n7\n"}, r"val\.txt: names '7', of which there are no files \(1 such ids\)"),
        ({"val": "1\n1\n"}, r"val\.txt: names '1' again after val\.txt"),
        ({"train": "0\n1\n", "val": "1\n"}, r"val\.txt: names '1' again after train\.txt"),
        ({"val": "\n"}, r"val\.txt: names no frame"),
    ],
)
def test_split_files_that_cannot_be(tmp_path, files, found):
    listed(tmp_path, 3)
    for split, text in files.items():
        (tmp_path / f"{split}.txt").write_text(text)
    with pytest.raises(DataError, match=found):
        InterSegHandsSet(tmp_path, "val")


def test_fingerprint_follows_the_contents(root):
    before = InterSegHandsSet(root).fingerprint
    assert InterSegHandsSet(root).fingerprint == before
    write(root, "cup_9", raw=4001)
    assert InterSegHandsSet(root).fingerprint != before


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(DataError, match="absent: no such folder"):
        InterSegHandsSet(tmp_path / "absent")
    with pytest.raises(DataError, match=r"found no depth or mask in it; expected depth/<id>\.png with mask"):
        InterSegHandsSet(tmp_path)
    (tmp_path / "depth").mkdir()
    with pytest.raises(DataError, match="mask: no such folder"):
        InterSegHandsSet(tmp_path)
    (tmp_path / "mask").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        InterSegHandsSet(tmp_path)


@pytest.mark.parametrize(("gone", "left", "missing"), [("mask", "depth", "mask"), ("depth", "mask", "image")])
def test_a_file_alone(root, gone, left, missing):
    (root / gone / "cup_9.png").unlink()
    with pytest.raises(DataError, match=rf"{left}/cup_9\.png: has no {missing}; expected depth/<id>\.png with mask"):
        InterSegHandsSet(root)


def test_hidden_files_and_others_are_left_alone(root):
    (root / "depth" / "._cup_9.png").write_bytes(b"")
    (root / "mask" / "notes.txt").write_text("")
    assert len(InterSegHandsSet(root)) == 3


def test_wrong_bit_depths(tmp_path):
    write(tmp_path, "a")
    png(tmp_path / "depth" / "a.png", np.zeros(SIZE, np.uint8))
    with pytest.raises(DataError, match=r"depth/a\.png: found 8-bit 640x480 .*expected a 16-bit image"):
        InterSegHandsSet(tmp_path)[0]
    write(tmp_path, "a")
    png(tmp_path / "mask" / "a.png", np.zeros(SIZE, np.uint16))
    with pytest.raises(LabelError, match=r"mask/a\.png: found 16-bit 640x480 .*expected an 8-bit image"):
        InterSegHandsSet(tmp_path)[0]


def test_unknown_class_number(tmp_path):
    write(tmp_path, "a", numbers=(0, 1, 3))
    expected = (
        r"mask/a\.png holds label 3; expected InterSegHands: 0 \(background\), 1 \(hand\), 2 \(object\).*classes="
    )
    with pytest.raises(LabelError, match=expected):
        InterSegHandsSet(tmp_path)[0]


def test_sizes(root):
    write(root, "box_2", size=(120, 160))
    frame = InterSegHandsSet(root)[0]  # the same view with fewer pixels
    assert frame.intrinsics == SR300_DEPTH.resized(160, 120)
    png(root / "mask" / "box_2.png", np.zeros((60, 80), np.uint8))
    with pytest.raises(DataError, match=r"mask/box_2\.png: found 80x60 pixels; expected 160x120 as in .*depth/box_2"):
        InterSegHandsSet(root)[0]
    write(root, "box_2", size=(400, 400))
    with pytest.raises(DataError, match=r"depth/box_2\.png: found 400x400 pixels; expected 640x480"):
        InterSegHandsSet(root)[0]
    assert InterSegHandsSet(root, intrinsics=None)[0].intrinsics is None


def test_damaged_frame_is_named_and_others_still_read(root):
    path = root / "depth" / "box_2.png"
    path.write_bytes(path.read_bytes()[:-20])
    frames = InterSegHandsSet(root)
    assert frames[1].id == "interseghands/cup_9"
    with pytest.raises(DataError, match=r"depth/box_2\.png: the PNG ends too early"):
        frames[0]
    path.unlink()
    with pytest.raises(DataError, match=r"depth/box_2\.png: cannot be read"):
        frames[0]


def test_a_frame_of_background_alone(tmp_path):
    write(tmp_path, "a", raw=0, numbers=(0, 1, 2))
    png(tmp_path / "mask" / "a.png", np.zeros(SIZE, np.uint8))
    assert not InterSegHandsSet(tmp_path)[0].labels.any()
