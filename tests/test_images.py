"""Reading image files: what is read, and what is refused with which message."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from handseg_lib.data.images import (
    depth_steps,
    fingerprint,
    png,
    read_depth_png,
    read_grey,
    read_label_png,
    read_rgb,
)
from handseg_lib.data.labels import LABEL_MAPS, Label
from handseg_lib.errors import DataError, LabelError

RIGHT_HAND = LABEL_MAPS["right_hand"]


def write(path: Path, image: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), image)
    return path


@pytest.fixture
def depth_png(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    return write(tmp_path / "depth.png", rng.integers(0, 12000, (48, 64), np.uint16))


def test_depth_is_value_times_unit_and_zero_stays_zero(tmp_path):
    raw = np.array([[0, 1, 8000], [65535, 4, 2]], np.uint16)
    depth = read_depth_png(write(tmp_path / "d.png", raw), unit=0.000125)
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, [[0, 0.000125, 1.0], [8.191875, 0.0005, 0.00025]], rtol=1e-7)


def test_what_is_written_is_read_back(tmp_path):
    depth = np.random.default_rng(1).uniform(0.1, 8.0, (20, 30)).astype(np.float32)
    depth[:3] = 0
    path = tmp_path / "d.png"
    path.write_bytes(png(depth_steps(depth, 0.000125, "here")))
    read = read_depth_png(path, 0.000125)
    assert np.abs(read - depth).max() <= 0.51 * 0.000125 and not read[:3].any()
    path.write_bytes(png(np.full((2, 2, 3), (255, 0, 7), np.uint8)))
    assert read_rgb(path)[0, 0].tolist() == [7, 0, 255]  # colour is written in OpenCV's order


@pytest.mark.parametrize("unit", [0.0, -1.0, float("nan"), 0.0001])
def test_depth_that_a_unit_cannot_hold_is_refused(unit):
    with pytest.raises(DataError, match=r"here: depth reaches 7 m in units of .* Set what is too far away to 0"):
        depth_steps(np.full((4, 4), 7.0, np.float32), unit, "here")


def test_the_farthest_step_is_still_held():
    assert depth_steps(np.full((1, 1), 65535 * 0.0002, np.float32), 0.0002, "here")[0, 0] == 65535


def test_what_no_png_can_hold_is_refused():
    with pytest.raises(DataError, match=r"a float64 image of \(4, 4, 7\) could not be encoded"):
        png(np.zeros((4, 4, 7)))


def test_labels_become_vocabulary(tmp_path):
    labels = read_label_png(write(tmp_path / "m.png", np.array([[0, 1], [1, 0]], np.uint8)), RIGHT_HAND)
    assert labels.tolist() == [[0, Label.RIGHT_HAND], [Label.RIGHT_HAND, 0]]


def test_colour_order_is_red_green_blue(tmp_path):
    blue_green_red = np.zeros((2, 2, 3), np.uint8)
    blue_green_red[..., 2] = 200
    assert read_rgb(write(tmp_path / "c.png", blue_green_red))[0, 0].tolist() == [200, 0, 0]


def test_jpeg_is_read_and_a_cut_one_refused(tmp_path):
    path = write(tmp_path / "c.jpg", np.full((32, 32, 3), 120, np.uint8))
    assert read_rgb(path).shape == (32, 32, 3)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"c\.jpg: the JPEG ends too early"):
        read_rgb(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nothing\.png: cannot be read.*folder"):
        read_depth_png(tmp_path / "nothing.png", 0.001)


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.9, 0.999])
def test_truncated_png_is_refused_wherever_it_is_cut(depth_png, kept):
    content = depth_png.read_bytes()
    depth_png.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(DataError, match=r"depth\.png: the PNG ends too early.*fetch it again"):
        read_depth_png(depth_png, 0.001)


def test_every_flipped_byte_is_noticed(depth_png):
    content = depth_png.read_bytes()
    for position in range(0, len(content), 97):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        depth_png.write_bytes(damaged)
        with pytest.raises(DataError, match=r"depth\.png"):
            read_depth_png(depth_png, 0.001)


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "empty"), (b"<html>not found</html>", "neither a PNG nor a JPEG")]
)
def test_foreign_content_is_refused(tmp_path, content, words):
    path = tmp_path / "d.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_rgb(path)


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.zeros((4, 6), np.uint8), "8-bit 6x4 with 1 channel"),
        (np.zeros((4, 6, 3), np.uint16), "16-bit 6x4 with 3 channel"),
    ],
)
def test_depth_of_wrong_type_is_refused(tmp_path, image, found):
    with pytest.raises(DataError, match=rf"d\.png: found {found}.*expected a 16-bit image with 1 channel"):
        read_depth_png(write(tmp_path / "d.png", image), 0.001)


def test_depth_in_a_wrong_unit_is_refused(tmp_path):
    with pytest.raises(DataError, match="expected metres"):
        read_depth_png(write(tmp_path / "d.png", np.full((4, 4), 800, np.uint16)), unit=1.0)


@pytest.mark.parametrize("image", [np.zeros((4, 6), np.uint16), np.zeros((4, 6, 3), np.uint8)])
def test_labels_of_wrong_type_are_refused(tmp_path, image):
    with pytest.raises(LabelError, match=r"m\.png: found .* expected an 8-bit image with 1 channel"):
        read_label_png(write(tmp_path / "m.png", image), RIGHT_HAND)


def test_label_out_of_range_names_value_and_convention(tmp_path):
    path = write(tmp_path / "m.png", np.array([[0, 1], [7, 255]], np.uint8))
    with pytest.raises(LabelError, match=r"m\.png holds label 7, 255; expected right_hand: 0 .background., 1 "):
        read_label_png(path, RIGHT_HAND)


def test_grey_picture_is_no_colour_image(tmp_path):
    with pytest.raises(DataError, match="expected an 8-bit colour image"):
        read_rgb(write(tmp_path / "c.png", np.zeros((4, 4), np.uint8)))


def test_fingerprint_follows_name_content_and_order(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(b"12")
    b.write_bytes(b"3")
    before = fingerprint([a, b])
    assert before == fingerprint([a, b])
    assert before != fingerprint([b, a])
    a.write_bytes(b"1")
    b.write_bytes(b"23")  # the same bytes, divided otherwise
    assert fingerprint([a, b]) != before


def test_grey_images_with_one_or_three_equal_channels(tmp_path: Path) -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for name, image in (("a.png", grey), ("b.bmp", grey), ("c.bmp", np.dstack([grey] * 3))):
        cv2.imwrite(str(tmp_path / name), image)
        assert (read_grey(tmp_path / name) == grey).all()


def test_a_16_bit_image_is_not_grey_of_8_bit(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((3, 4), np.uint16))
    with pytest.raises(DataError, match=r"a\.png: found 16-bit 4x3 with 1 channel.* expected an 8-bit grey image"):
        read_grey(tmp_path / "a.png")
