"""The loader of HandSeg frames: ids, units, people, and bad input, on frames written in the released layout."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.data.handseg import HandSegSet
from handseg_lib.data.labels import LABEL_MAPS, Label
from handseg_lib.errors import DataError, LabelError

NESTED = Path("handseg-150k-20180914", "handseg-150k")
SIZE = (480, 640)


def write(home: Path, name: str, raw: int = 4800, dtype: type = np.uint16, ids: tuple[int, int] = (1, 2)) -> None:
    """A frame with a hand on the left of the image, one on its right, a wall behind, and no reading in the corner."""
    depth, mask = np.full(SIZE, min(2 * raw, np.iinfo(dtype).max), dtype), np.zeros(SIZE, np.uint8)
    for column, value in zip((100, 400), ids, strict=True):
        depth[200:260, column : column + 60], mask[200:260, column : column + 60] = raw, value
    depth[:10, :10] = 0
    for folder, image in (("images", depth), ("masks", mask)):
        (home / folder).mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(home / folder / f"{name}.png"), image, [cv2.IMWRITE_PNG_COMPRESSION, 1])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("user-10.00000003", "user-4.00000012", "user-4.00000003"):
        write(tmp_path / NESTED, name)
    return tmp_path


def test_frames_in_the_order_of_people_and_numbers(root):
    frames = HandSegSet(root)
    assert isinstance(frames, Sequence) and len(frames) == 3 and frames.subjects == (4, 10)
    ids = ["handseg/user-4.00000003", "handseg/user-4.00000012", "handseg/user-10.00000003"]
    assert [frame.id for frame in frames] == ids == [frame.id for frame in frames[:]]
    assert frames[-1].id == ids[-1]
    with pytest.raises(IndexError):
        frames[3]


@pytest.mark.parametrize("inner", [Path(), Path(NESTED.parts[0]), NESTED])
def test_the_root_may_be_any_of_the_archives_folders(root, inner):
    assert len(HandSegSet(root / inner)) == 3


def test_one_is_the_right_hand_and_two_the_left(root):
    """The person faces the camera: their right hand, id 1 in the files, is on the left of the image."""
    labels = HandSegSet(root)[0].labels
    assert labels[230, 130] == Label.RIGHT_HAND and labels[230, 430] == Label.LEFT_HAND
    classes = LABEL_MAPS["left_right"].encode(labels)  # the paper's classes
    assert classes[230, 130] == 2 and classes[230, 430] == 1
    assert (labels > 0).sum() == 2 * 60 * 60


def test_depth_is_metres_in_the_sensors_unit(root):
    frame = HandSegSet(root)[0]
    assert frame.depth.dtype == np.float32 and frame.rgb is None and frame.intrinsics == SR300_DEPTH
    assert frame.depth[230, 130] == np.float32(0.6) and frame.depth[0, 0] == 0 and frame.depth[20, 20] > 1


def test_the_unit_is_a_parameter_and_a_wrong_one_shows(root, tmp_path):
    write(tmp_path / NESTED, "user-4.00000003", raw=600)  # millimetres
    with pytest.raises(DataError, match=r"user-4\.00000003\.png: its hands are 0\.075 m away .*pass unit="):
        HandSegSet(root)[0]
    assert HandSegSet(root, unit=0.001)[0].depth[230, 130] == np.float32(0.6)
    with pytest.raises(DataError, match=r"user-10\.00000003\.png: its hands are 4\.800 m away"):
        HandSegSet(root, unit=0.001)[2]
    assert HandSegSet(root).fingerprint != HandSegSet(root, unit=0.001).fingerprint
    for unit in (0, -1, float("nan"), float("inf")):
        with pytest.raises(DataError, match=r"depth unit is .*expected metres per step"):
            HandSegSet(root, unit=unit)


def test_a_frame_without_hands(tmp_path):
    write(tmp_path, "user-1.00000000", ids=(0, 0))
    assert not HandSegSet(tmp_path)[0].labels.any()


def test_a_person_is_in_one_split_only(tmp_path):
    for person in range(1, 11):
        for kind in ("images", "masks"):
            (tmp_path / kind).mkdir(exist_ok=True)
            for number in range(person):
                (tmp_path / kind / f"user-{person}.{number:08d}.png").write_bytes(b"%d" % person)
    split = {name: HandSegSet(tmp_path, name) for name in ("train", "val", "test", "all")}
    assert {name: frames.subjects for name, frames in split.items()} == {
        "train": (1, 2, 3, 4, 5, 6, 7), "val": (8,), "test": (9, 10), "all": tuple(range(1, 11))
    }  # fmt: skip
    assert [len(frames) for frames in split.values()] == [28, 8, 19, 55]
    assert len({frames.fingerprint for frames in split.values()}) == 4


def test_splits_that_cannot_be(root):
    with pytest.raises(DataError, match=r"found 2 people in .*images, numbered \[4, 10\]"):
        HandSegSet(root, "test")
    with pytest.raises(DataError, match="no split 'valid'"):
        HandSegSet(root, "valid")


def test_fingerprint_follows_the_contents(root):
    before = HandSegSet(root).fingerprint
    assert HandSegSet(root).fingerprint == before
    write(root / NESTED, "user-4.00000012", raw=4801)
    assert HandSegSet(root).fingerprint != before


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(DataError, match="absent: no such folder"):
        HandSegSet(tmp_path / "absent")
    with pytest.raises(DataError, match="found no images or masks in it; expected images/user-<person>"):
        HandSegSet(tmp_path)
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="masks: no such folder"):
        HandSegSet(tmp_path)
    (tmp_path / "masks").mkdir()
    with pytest.raises(DataError, match="images: holds no frames"):
        HandSegSet(tmp_path)


def test_a_file_alone_or_of_another_name(root):
    (root / NESTED / "masks" / "user-4.00000012.png").unlink()
    with pytest.raises(DataError, match=r"images/user-4\.00000012\.png: there is no .*masks/user-4\.00000012\.png"):
        HandSegSet(root)
    write(root / NESTED, "user-4.00000012")
    write(root / NESTED, "user-4.12")
    with pytest.raises(DataError, match=r"user-4\.12\.png: unexpected name"):
        HandSegSet(root)


def test_eight_bit_depth_is_refused(tmp_path):
    write(tmp_path, "user-1.00000000", raw=19, dtype=np.uint8)
    with pytest.raises(DataError, match=r"images/user-1\.00000000\.png: found 8-bit 640x480 .*expected a 16-bit image"):
        HandSegSet(tmp_path)[0]


def test_unknown_label(tmp_path):
    write(tmp_path, "user-1.00000000", ids=(1, 3))
    with pytest.raises(LabelError, match=r"masks/user-1\.00000000\.png holds label 3; expected handseg_files: .*right"):
        HandSegSet(tmp_path)[0]


def test_other_sizes(root):
    path = root / NESTED / "masks" / "user-4.00000003.png"
    cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[::2, ::2])
    with pytest.raises(DataError, match=r"depth is \(480, 640\) but its labels are \(240, 320\)"):
        HandSegSet(root)[0]
    image = root / NESTED / "images" / "user-4.00000003.png"
    cv2.imwrite(str(image), cv2.imread(str(image), cv2.IMREAD_UNCHANGED)[::2, ::2])
    with pytest.raises(DataError, match=r"images/user-4\.00000003\.png: found 320x240 pixels; expected 640x480"):
        HandSegSet(root)[0]
    assert HandSegSet(root, intrinsics=None)[0].depth.shape == (240, 320)


def test_damaged_frame_is_named_and_others_still_read(root):
    path = root / NESTED / "images" / "user-4.00000003.png"
    path.write_bytes(path.read_bytes()[:-20])
    frames = HandSegSet(root)
    assert frames[1].id == "handseg/user-4.00000012"
    with pytest.raises(DataError, match=r"user-4\.00000003\.png: the PNG ends too early"):
        frames[0]
