"""The sample type refuses what would go wrong later, and says why."""

import numpy as np
import pytest

from handseg_lib.data import Label, Sample
from handseg_lib.data.sample import check_depth
from handseg_lib.errors import DataError, LabelError

LABELS = np.full((4, 6), Label.LEFT_HAND, np.uint8)
DEPTH = np.full((4, 6), 0.5, np.float32)
RGB = np.zeros((4, 6, 3), np.uint8)


def test_depth_colour_or_both_are_enough() -> None:
    assert Sample("a", LABELS, DEPTH).rgb is None
    assert Sample("a", LABELS, rgb=RGB).depth is None
    assert Sample("a", LABELS, DEPTH, RGB).labels is LABELS


def test_neither_depth_nor_colour_is_refused() -> None:
    with pytest.raises(DataError, match="user-4: a sample needs depth or rgb, found neither"):
        Sample("user-4", LABELS)


def test_sizes_must_agree() -> None:
    with pytest.raises(DataError, match=r"f: depth is \(4, 5\) but its labels are \(4, 6\) \(height, width\)"):
        Sample("f", LABELS, DEPTH[:, :5].copy())
    with pytest.raises(DataError, match=r"f: rgb is \(3, 6\)"):
        Sample("f", LABELS, DEPTH, RGB[:3])


@pytest.mark.parametrize("labels", [LABELS.astype(np.int64), LABELS[None], LABELS + 40])
def test_labels_are_checked(labels: np.ndarray) -> None:
    with pytest.raises(LabelError, match="frame-1"):
        Sample("frame-1", labels, DEPTH)


@pytest.mark.parametrize("rgb", [RGB[..., 0], RGB.astype(np.float32), np.zeros((4, 6, 4), np.uint8)])
def test_colour_is_three_channels_of_uint8(rgb: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"rgb must be uint8 \(H, W, 3\), found"):
        Sample("a", LABELS, rgb=rgb)


@pytest.mark.parametrize(
    ("depth", "message"),
    [
        (DEPTH.astype(np.float64), r"must be float32 \(H, W\) in metres, found float64 \(4, 6\)"),
        (np.full((4, 6), 4000, np.uint16), "found uint16"),
        (DEPTH[0], r"found float32 \(6,\)"),
        (DEPTH * np.nan, "NaN or infinity; mark missing readings with 0"),
        (DEPTH * np.inf, "NaN or infinity"),
        (DEPTH - 1, "spans -0.5 to -0.5"),
        (DEPTH * 8000, "spans 4000 to 4000; expected metres in .*SR300: 0.000125"),
    ],
)
def test_depth_is_checked_and_the_message_says_what_was_found(depth: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_depth(depth, "frame")


@pytest.mark.parametrize("depth", [DEPTH, DEPTH * 0, DEPTH * 40, DEPTH[:0]])
def test_good_depth_passes(depth: np.ndarray) -> None:
    check_depth(depth, "frame")
