"""Sensor statistics on depth maps made by hand, so that the right answer is known; and on real frames."""

import math

import numpy as np
import pytest

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.data.sample import Sample
from handseg_lib.data.sr305 import SR305Set
from handseg_lib.errors import DataError
from handseg_lib.synth.sensors.statistics import sensor_statistics, sensor_table

SHAPE = (480, 640)


def scene(left: int = 5, right: int = 17) -> np.ndarray:
    """A bar at 0.5 m (columns 280 to 339) before a board at 0.8 m, with gaps of the given widths beside it."""
    depth = np.zeros(SHAPE, np.float32)
    depth[60:420, 120:520] = 0.8
    depth[60:420, 280 - left : 340 + right] = 0
    depth[60:420, 280:340] = 0.5
    return depth


def test_gaps_and_the_baseline_that_explains_them():
    seen = sensor_statistics(scene(left=5, right=17))
    assert (seen.gap_left, seen.gap_right) == (5, 17)
    parallax = SR300_DEPTH.fx * (1 / 0.5 - 1 / 0.8)
    assert seen.shadow_baseline == pytest.approx(1000 * 12 / parallax, rel=1e-4)
    mirrored = sensor_statistics(np.ascontiguousarray(scene(left=5, right=17)[:, ::-1]))
    assert (mirrored.gap_left, mirrored.gap_right) == (17, 5)
    assert mirrored.shadow_baseline == pytest.approx(-seen.shadow_baseline, rel=1e-4)


def test_vertical_gap_is_that_of_the_transposed_scene():
    depth = np.zeros(SHAPE, np.float32)
    depth[60:200, 100:500], depth[207:400, 100:500] = 0.5, 0.8
    assert sensor_statistics(depth).gap_vertical == 7


def test_valid_share_counts_readings():
    assert sensor_statistics(scene()).valid == (360 * (400 - 22)) / (480 * 640)


def test_straight_contours_are_smooth_and_jagged_ones_are_not():
    smooth, jagged = scene(0, 0), scene(0, 0)
    rng = np.random.default_rng(0)
    for y in range(60, 420, 3):
        jagged[y : y + 3, 120 : 120 + rng.integers(0, 7)] = 0
    a, b = sensor_statistics(smooth), sensor_statistics(jagged)
    assert a.roughness < 0.7
    assert b.roughness > a.roughness + 0.2
    assert b.rim_missing > a.rim_missing


def test_hand_mask_selects_its_contour():
    depth = scene(0, 0)
    for y in range(60, 420, 6):
        depth[y : y + 3, 120:126] = 0  # the board's left edge is jagged, its right edge is not
    left, right = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    left[80:400, 120:140], right[80:400, 500:520] = True, True
    assert sensor_statistics(depth, left).hand_roughness > sensor_statistics(depth, right).hand_roughness + 0.5
    assert math.isnan(sensor_statistics(depth).hand_roughness)


def test_noise_is_the_deviation_that_was_added():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:480, :640] / 480
    for distance, name in ((0.52, "noise_near"), (0.77, "noise_far")):
        curved = distance + 0.02 * x * x - 0.03 * x * y + 0.01 * y  # a quadratic is no noise
        noisy = (curved + rng.normal(0, 0.0003, SHAPE)).astype(np.float32)
        assert getattr(sensor_statistics(noisy), name) == pytest.approx(0.3, rel=0.1)
        assert getattr(sensor_statistics(curved.astype(np.float32)), name) < 0.001


def test_noise_floor_ignores_textured_patches_and_the_median_does_not():
    depth = np.full(SHAPE, 0.75, np.float32)
    depth[:, 200:] += np.random.default_rng(0).normal(0, 0.001, (480, 440)).astype(np.float32)
    seen = sensor_statistics(depth)
    assert seen.noise_far < 0.01
    assert seen.texture_far > 0.5


def test_holes_are_counted_and_measured():
    depth = np.full(SHAPE, 0.6, np.float32)
    for i in range(10):
        depth[40 * i + 20 : 40 * i + 23, 100:102] = 0  # ten holes of six pixels
    depth[100:160, 300:360] = 0  # seen through, not a failure
    depth[:, :20] = 0  # touches the border
    seen = sensor_statistics(depth)
    assert seen.hole_size == 6
    assert seen.holes == pytest.approx(10 / (depth > 0).sum() * 1e4)


def test_speckles_and_strays():
    depth = scene()
    depth[20:23, 100:103] = 0.8  # beside the board and as far: a speckle
    depth[30:32, 200:204] = 0.65  # at another distance: a stray one
    seen = sensor_statistics(depth)
    assert (seen.speckles, seen.speckle_size, seen.strays) == (2, 8.5, 1)


def test_lengths_do_not_depend_on_the_resolution():
    depth = scene(left=8, right=20)
    half = np.ascontiguousarray(depth[::2, ::2])
    a, b = sensor_statistics(depth), sensor_statistics(half, camera=SR300_DEPTH.resized(320, 240))
    assert (a.gap_left, a.gap_right) == (b.gap_left, b.gap_right)
    assert b.shadow_baseline == pytest.approx(a.shadow_baseline, rel=1e-3)
    assert b.valid == pytest.approx(a.valid, rel=0.01)


def test_empty_frame_has_no_statistics_and_no_error():
    seen = sensor_statistics(np.zeros(SHAPE, np.float32))
    assert seen.valid == 0
    assert seen.speckles == 0
    assert math.isnan(seen.roughness)
    assert math.isnan(seen.noise_near)
    assert math.isnan(seen.gap_right)


def test_table_has_a_row_per_frame():
    sample = Sample("one", np.zeros(SHAPE, np.uint8), scene(), intrinsics=SR300_DEPTH)
    table = sensor_table([sample])
    assert table.index.tolist() == ["one"]
    assert table.loc["one", "gap_right"] == 17
    bare = sensor_table([scene(), scene(right=9)])
    assert bare["gap_right"].tolist() == [17, 9]
    assert sensor_table([]).columns.tolist() == bare.columns.tolist()


def test_bad_input_is_refused():
    with pytest.raises(DataError, match="expected metres"):
        sensor_statistics(scene() * 1000)
    with pytest.raises(DataError, match="hand mask is"):
        sensor_statistics(scene(), np.zeros((3, 3), bool))
    with pytest.raises(DataError, match="intrinsics are for"):
        sensor_statistics(scene(), camera=SR300_DEPTH.resized(320, 240))
    colour_only = Sample("rgb", np.zeros((4, 4), np.uint8), rgb=np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(DataError, match="rgb: sensor statistics need depth"):
        sensor_table([colour_only])


def test_real_frames_have_their_shadow_on_the_right_and_little_noise(shared_data):
    table = sensor_table(SR305Set(shared_data("sr305")))
    assert table["gap_right"].median() > 2 * table["gap_left"].median()
    assert table["noise_near"].median() < table["noise_far"].median() < 0.3
    assert table["roughness"].between(1, 2.5).all()
