"""The loader of real SR305 frames, on frames written here and on the real ones where they are at hand."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.data.labels import Label
from handseg_lib.data.sr305 import SR305Set
from handseg_lib.errors import DataError, LabelError


def write(root: Path, number: int | str, size: tuple[int, int] = (480, 640), value: int = 1) -> None:
    depth, mask = np.zeros(size, np.uint16), np.zeros(size, np.uint8)
    depth[10:20, 10:30], mask[10:20, 10:20] = 4000, value
    assert cv2.imwrite(str(root / f"depth_{number}.png"), depth)
    assert cv2.imwrite(str(root / f"mask_{number}.png"), mask)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in (100, 9, 30):
        write(tmp_path, number)
    return tmp_path


def test_frames_come_in_the_order_of_their_numbers(root):
    frames = SR305Set(root)
    assert isinstance(frames, Sequence)
    assert [frame.id for frame in frames] == ["sr305/9", "sr305/30", "sr305/100"]
    assert len(frames) == 3
    assert frames[-1].id == "sr305/100"
    assert [frame.id for frame in frames[1:]] == ["sr305/30", "sr305/100"]
    with pytest.raises(IndexError):
        frames[3]


def test_a_frame_is_metres_and_vocabulary(root):
    frame = SR305Set(root)[0]
    assert frame.intrinsics == SR300_DEPTH
    assert frame.depth.max() == np.float32(0.5)
    assert np.unique(frame.labels).tolist() == [0, Label.RIGHT_HAND]
    assert frame.labels[15, 15] == Label.RIGHT_HAND
    assert frame.rgb is None


def test_fingerprint_is_that_of_the_contents(root, tmp_path_factory):
    before = SR305Set(root).fingerprint
    copy = tmp_path_factory.mktemp("copy")
    for path in root.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    assert SR305Set(copy).fingerprint == before
    write(copy, 9, value=0)
    assert SR305Set(copy).fingerprint != before


def test_missing_and_empty_folders_are_named(tmp_path):
    with pytest.raises(DataError, match=r"absent: no such folder"):
        SR305Set(tmp_path / "absent")
    with pytest.raises(DataError, match=r"holds no frames; expected depth_<number>\.png"):
        SR305Set(tmp_path)


@pytest.mark.parametrize(("kept", "missing"), [("depth", "mask"), ("mask", "depth")])
def test_unpaired_file_is_named(root, kept, missing):
    (root / f"{missing}_30.png").unlink()
    with pytest.raises(DataError, match=rf"{kept}_30\.png has no {missing}_30\.png"):
        SR305Set(root)


@pytest.mark.parametrize("name", ["depth_030.png", "depth_x.png", "mask_30.bmp"])
def test_unexpected_name_is_refused(root, name):
    (root / name).touch()
    with pytest.raises(DataError, match=f"{name}: unexpected name"):
        SR305Set(root)


def test_sizes_must_agree_with_the_camera(root):
    mask = cv2.imread(str(root / "mask_9.png"), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(root / "mask_9.png"), mask[:, ::2])
    with pytest.raises(DataError, match=r"mask_9\.png: found 320x480 pixels; expected 640x480"):
        SR305Set(root)[0]


def test_label_out_of_range_is_refused(root):
    write(root, 9, value=2)
    with pytest.raises(LabelError, match=r"mask_9\.png holds label 2; expected right_hand"):
        SR305Set(root)[0]


def test_damaged_frame_is_named_and_others_still_read(root):
    path = root / "depth_30.png"
    path.write_bytes(path.read_bytes()[:-20])
    frames = SR305Set(root)
    assert frames[0].id == "sr305/9"
    with pytest.raises(DataError, match=r"depth_30\.png: the PNG ends too early"):
        frames[1]


def test_real_frames_show_a_hand_before_a_body(shared_data):
    frames = SR305Set(shared_data("sr305"))
    assert len(frames) == 8
    for frame in frames:
        hand = frame.labels == Label.RIGHT_HAND
        assert 0.01 < hand.mean() < 0.1
        assert 0.4 < np.median(frame.depth[hand]) < 0.7
        assert (frame.depth[hand] > 0).mean() > 0.95
        assert (frame.depth[~hand] > 0).mean() > 0.05
