"""Depth-difference features: by hand, by a pixel loop, and what they must not depend on."""

import numpy as np
import pytest

from handseg_lib.models.depth_features import FAR, bordered, depth_features, fast_depth_features, sample_offsets


def one(depth: np.ndarray, row: int, column: int, u: tuple[float, float], v: tuple[float, float]) -> float:
    """The feature of one pixel."""
    offsets = np.array([[*u, *v]], np.float32)
    return float(depth_features(depth, np.array([row]), np.array([column]), offsets)[0, 0])


@pytest.fixture
def step() -> np.ndarray:
    """A 640 pixels wide frame: 0.5 m on the left half, 1 m on the right, a hole in one place."""
    depth = np.full((20, 640), 0.5, np.float32)
    depth[:, 320:] = 1.0
    depth[10, 330] = 0
    return depth


@pytest.fixture
def noise() -> np.ndarray:
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.3, 1.5, (30, 40)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.2] = 0
    return depth


def test_worked_example(step):
    assert (
        one(step, 10, 315, (0, 5), (0, 0)) == 0.5
    )  # 5 m px at 0.5 m are 10 pixels: behind the edge it is 0.5 m farther
    assert one(step, 10, 315, (0, 2), (0, 0)) == 0.0  # 4 pixels: still on the near half
    assert one(step, 10, 315, (0, 0), (0, 5)) == -0.5
    assert one(step, 10, 325, (0, 5), (0, 0)) == FAR - 1.0  # 5 m px at 1 m are 5 pixels: in the hole
    assert one(step, 10, 325, (-11, 0), (0, 0)) == FAR - 1.0  # above the frame
    assert one(step, 10, 325, (-11, 0), (11, 0)) == 0.0  # both outside


def test_offsets_shrink_with_the_depth():
    near, far = np.full((9, 640), 0.5, np.float32), np.full((9, 640), 1.0, np.float32)
    near[:, 320 + 8 :], far[:, 320 + 4 :] = 0.7, 1.2  # the same step, 4 m px to the right of column 320
    for frame in (near, far):
        assert one(frame, 4, 320, (0, 3.4), (0, 0)) == 0
        assert one(frame, 4, 320, (0, 4.0), (0, 0)) == pytest.approx(0.2)


def test_a_frame_of_half_the_size_is_asked_about_the_same_places():
    large = np.full((480, 640), 1.0, np.float32)
    large[:, 400:] = 1.4
    small = large[::2, ::2].copy()
    for reach in (20, 60, 78, 82, 120):
        assert one(large, 240, 320, (0, reach), (0, 0)) == one(small, 120, 160, (0, reach), (0, 0))


def test_equals_a_pixel_loop(noise):
    """Independent: no border, no clipping, rounding by floor, one probe at a time; in float32 as defined."""
    rows, columns = (a[:60] for a in np.nonzero(noise))
    offsets = sample_offsets(40, 60.0, np.random.default_rng(1))
    f32 = np.float32

    def probe(row: int, column: int, down: np.float32, right: np.float32) -> np.float32:
        inverse = f32(40 / 640) / noise[row, column]
        i, j = (int(np.floor(f32(p + 1.5) + o * inverse)) - 1 for p, o in ((row, down), (column, right)))
        inside = 0 <= i < 30 and 0 <= j < 40
        return noise[i, j] if inside and noise[i, j] > 0 else FAR

    expected = [
        [probe(r, c, *pair[:2]) - probe(r, c, *pair[2:]) for pair in offsets]
        for r, c in zip(rows, columns, strict=True)
    ]
    assert np.array_equal(depth_features(noise, rows, columns, offsets), np.array(expected, np.float32))


def test_compiled_code_finds_the_same_bits(noise):
    rows, columns = np.nonzero(noise)
    offsets = sample_offsets(200, 300.0, np.random.default_rng(2))
    slow, fast = (f(noise, rows, columns, offsets) for f in (depth_features, fast_depth_features))
    assert slow.dtype == fast.dtype == np.float32 and np.array_equal(slow, fast)


def test_offsets_are_within_reach_and_half_compare_with_the_pixel_itself():
    offsets = sample_offsets(1000, 50.0, np.random.default_rng(0))
    lengths = np.hypot(offsets[:, ::2], offsets[:, 1::2])
    assert offsets.shape == (1000, 4) and offsets.dtype == np.float32
    assert lengths.max() <= 50.001 and (lengths[::2, 1] == 0).all() and (lengths[1::2, 1] > 0).all()
    assert np.median(lengths[:, 0]) == pytest.approx(50 / 4, rel=0.2)  # the square of an even number
    assert np.array_equal(offsets, sample_offsets(1000, 50.0, np.random.default_rng(0)))


def test_border_and_holes_are_far():
    frame = bordered(np.array([[0.5, 0.0], [0.005, np.nan]], np.float32))
    assert frame.shape == (4, 4) and frame[1, 1] == 0.5 and (np.delete(frame.ravel(), 5) == FAR).all()


@pytest.mark.parametrize("function", [depth_features, fast_depth_features])
def test_pixels_without_a_reading_are_refused(noise, function):
    rows, columns = np.nonzero(noise == 0)
    with pytest.raises(ValueError, match=f"{len(rows)} of {len(rows)} pixels have no reading; choose pixels where"):
        function(noise, rows, columns, np.zeros((1, 4), np.float32))
