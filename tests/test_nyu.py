"""The loader of NYU frames: label and depth packed into one image, splits, and bad input."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from handseg_lib.camera import NYU_DEPTH
from handseg_lib.data.labels import Label
from handseg_lib.data.nyu import NYUSet, read_packed
from handseg_lib.errors import DataError, LabelError

NESTED = Path("nyu_hand_dataset_rdf", "dataset_rdf", "dataset")


def pack(millimetres: np.ndarray, red: np.ndarray) -> np.ndarray:
    """The picture as OpenCV writes it: blue (low byte), green (high byte), red (label)."""
    return np.stack([millimetres % 256, millimetres // 256, red], axis=-1).astype(np.uint8)


def write(home: Path, number: int, label: int = 255) -> None:
    millimetres, red = np.full((480, 640), 2500), np.zeros((480, 640))
    millimetres[100:200, 100:200], red[100:200, 100:200] = 777, label
    millimetres[100:200, 300:400] = 1999
    millimetres[0] = 0
    home.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(home / f"depth_{number:07d}.png"), pack(millimetres, red), [cv2.IMWRITE_PNG_COMPRESSION, 1])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in (12, 3):
        write(tmp_path / NESTED, number)
    return tmp_path


def test_frames_in_the_order_of_their_numbers(root):
    frames = NYUSet(root)
    assert isinstance(frames, Sequence) and len(frames) == 2
    assert [frame.id for frame in frames] == ["nyu/0000003", "nyu/0000012"] == [frame.id for frame in frames[:]]
    with pytest.raises(IndexError):
        frames[2]


@pytest.mark.parametrize("depth", range(4))
def test_the_root_may_be_any_of_the_archives_folders(root, depth):
    assert len(NYUSet(root.joinpath(*NESTED.parts[:depth]))) == 2


def test_green_is_the_high_byte_blue_the_low_one_and_red_the_label(root):
    frame = NYUSet(root)[0]
    assert frame.depth[150, 150] == np.float32(0.777) and abs(frame.depth[150, 350] - 1.999) < 1e-6
    assert np.unique(frame.labels[100:200, 100:200]).tolist() == [Label.LEFT_HAND]
    assert (frame.labels > 0).sum() == 100 * 100
    assert frame.intrinsics == NYU_DEPTH and frame.rgb is None and NYUSet.label_maps == ("hand",)


def test_every_packed_value_below_two_metres_comes_back(tmp_path):
    millimetres = np.arange(2000).reshape(40, 50)
    cv2.imwrite(str(tmp_path / "a.png"), pack(millimetres, np.zeros_like(millimetres)))
    depth, labels = read_packed(tmp_path / "a.png")
    assert depth.dtype == np.float32 and not labels.any()
    np.testing.assert_array_equal(np.rint(depth * 1000).astype(int), millimetres)


def test_two_metres_and_more_are_no_reading_unless_asked_for(root):
    assert NYUSet(root)[0].depth[300, 300] == 0 == NYUSet(root)[0].depth[0, 0]
    assert NYUSet(root, far=float("inf"))[0].depth[300, 300] == np.float32(2.5)
    assert NYUSet(root, far=1.999)[0].depth[150, 350] == 0
    assert NYUSet(root, far=3).fingerprint != NYUSet(root).fingerprint
    for far in (0, -1, float("nan")):
        with pytest.raises(DataError, match="farthest reading is"):
            NYUSet(root, far=far)


@pytest.mark.parametrize("value", [1, 200, 255])
def test_any_value_of_red_is_a_hand(tmp_path, value):
    write(tmp_path, 1, value)
    assert (NYUSet(tmp_path)[0].labels > 0).sum() == 100 * 100


def test_a_frame_without_a_hand(tmp_path):
    write(tmp_path, 1, 0)
    assert not NYUSet(tmp_path)[0].labels.any()


def test_splits_are_stretches_of_the_recording(tmp_path):
    for number in range(100):
        (tmp_path / f"depth_{number:07d}.png").write_bytes(b"x")
    split = {name: [path.name for path in NYUSet(tmp_path, name)._files] for name in ("train", "val", "test", "all")}
    assert split["train"] + split["val"] + split["test"] == split["all"]
    assert split["test"] == [f"depth_{n:07d}.png" for n in range(95, 100)] and len(split["val"]) == 5
    with pytest.raises(DataError, match="has no split 'valid'"):
        NYUSet(tmp_path, "valid")


def test_fingerprint_follows_the_contents(root):
    before = NYUSet(root).fingerprint
    assert NYUSet(root).fingerprint == before
    write(root / NESTED, 3, 254)
    assert NYUSet(root).fingerprint != before


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(DataError, match="absent: no such folder"):
        NYUSet(tmp_path / "absent")
    with pytest.raises(DataError, match=r"found no dataset in it; expected depth_<7 digits>\.png"):
        NYUSet(tmp_path)
    (tmp_path / "dataset").mkdir()
    with pytest.raises(DataError, match="dataset: holds no frames"):
        NYUSet(tmp_path)


def test_files_of_the_pose_set_are_not_these(root):
    (root / NESTED / "depth_1_0000001.png").touch()
    with pytest.raises(DataError, match=r"depth_1_0000001\.png: unexpected name"):
        NYUSet(root)


def test_a_photograph_holds_no_labels(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "depth_0000001.png"), noise)
    with pytest.raises(LabelError, match=r"depth_0000001\.png: its red channel holds 255 values beside 0 \(1, 2, 3"):
        NYUSet(tmp_path)[0]


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.zeros((480, 640), np.uint16), "16-bit 640x480 with 1 channel"),
        (np.zeros((480, 640), np.uint8), "8-bit 640x480 with 1 channel"),
        (np.zeros((480, 640, 3), np.uint16), "16-bit 640x480 with 3 channel"),
        (np.zeros((480, 640, 4), np.uint8), "8-bit 640x480 with 4 channel"),
        (np.zeros((240, 320, 3), np.uint8), "320x240 pixels; expected 640x480"),
    ],
)
def test_images_of_another_kind(tmp_path, image, found):
    cv2.imwrite(str(tmp_path / "depth_0000001.png"), image)
    with pytest.raises(DataError, match=rf"depth_0000001\.png: found {found}"):
        NYUSet(tmp_path)[0]


def test_damaged_and_missing_files(root):
    frames = NYUSet(root)
    path = root / NESTED / "depth_0000003.png"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"depth_0000003\.png: the PNG ends too early"):
        frames[0]
    path.unlink()
    with pytest.raises(DataError, match=r"depth_0000003\.png: cannot be read"):
        frames[0]
