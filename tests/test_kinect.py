"""The Kinect v1 model: terraces, a shadow on the left, nothing near by; and the same bits everywhere."""

import os
import subprocess
import sys

import numpy as np
import pytest

from handseg_lib.camera import KINECT_DEPTH
from handseg_lib.errors import DataError
from handseg_lib.synth.sensors.kinect import Kinect, kinect

SMALL = KINECT_DEPTH.resized(320, 240)
DEFAULT = Kinect()
CALM = Kinect(noise=0, fine_noise=0, jitter_px=0, raggedness=0)


def wall(camera, distance):
    return np.full((camera.height, camera.width), distance, np.float32)


def see(depth, cos=1.0, reflectance=0.6, camera=KINECT_DEPTH, seed=0, params=DEFAULT):
    cos, reflectance = (np.broadcast_to(np.float32(v), depth.shape) for v in (cos, reflectance))
    return kinect(depth, cos, reflectance, camera, np.random.default_rng(seed), params)


@pytest.fixture(scope="module")
def bar():
    """A bar at 0.8 m, columns 300 to 359, before a wall at 1.6 m."""
    depth = wall(KINECT_DEPTH, 1.6)
    depth[:, 300:360] = 0.8
    return see(depth)


def test_depth_comes_in_steps_of_an_eighth_of_a_pixel_of_disparity():
    depth = np.repeat(np.linspace(0.7, 3.5, 480, dtype=np.float32)[:, None], 640, axis=1)
    seen = see(depth, params=CALM)[:, 100:600]
    values = np.unique(seen[seen > 0]).astype(float)
    disparity = 580 * 0.075 / values
    assert np.abs(disparity * 8 - np.rint(disparity * 8)).max() < 0.35  # millimetres blur the near ones a little
    assert len(values) < 8 * 580 * 0.075 * (1 / 0.65 - 1 / 3.6)
    assert np.diff(values[values > 3]).min() > 0.02
    assert Kinect().depth_step(2.0) == pytest.approx(4 / (580 * 0.075 * 8))


def test_readings_are_whole_millimetres_near_the_truth():
    for distance in (0.7, 1.2, 2.5):
        seen = see(wall(KINECT_DEPTH, distance))
        inner = seen[60:420, 60:580].astype(float)
        np.testing.assert_allclose(inner * 1000, np.rint(inner * 1000), atol=1e-3)
        assert (inner > 0).mean() > 0.99
        step = Kinect().depth_step(distance)
        assert abs(inner[inner > 0].mean() - distance) < 0.6 * step + 0.0005
        assert np.abs(inner[inner > 0] - distance).max() < 3 * step + 0.002


def test_noise_grows_with_the_square_of_the_distance():
    spread = [see(wall(KINECT_DEPTH, z))[60:420, 60:580].std() for z in (1.0, 2.0)]
    assert 3 < spread[1] / spread[0] < 5.5
    assert 0.0005 < spread[0] < 0.004


def test_nothing_is_read_near_by_and_nothing_far_away():
    assert not see(wall(SMALL, 0.4), camera=SMALL).any()
    assert not see(wall(SMALL, 8.5), camera=SMALL).any()
    assert (see(wall(SMALL, 0.6), camera=SMALL)[20:220, 20:300] > 0).mean() > 0.99
    some = (see(wall(SMALL, 0.5), camera=SMALL) > 0).mean()
    assert 0.1 < some < 0.9


def test_shadow_falls_on_the_left_as_wide_as_the_parallax(bar):
    rows = bar[60:420]
    left = np.array([(row[200:300] == 0).sum() for row in rows])
    right = np.array([(row[360:460] == 0).sum() for row in rows])
    parallax = 580 * 0.075 * (1 / 0.8 - 1 / 1.6)
    assert abs(np.median(left) - parallax) < 4
    assert np.median(right) <= 1


def test_the_shadow_of_a_thin_bar_comes_away_from_it():
    depth = wall(KINECT_DEPTH, 2.0)
    depth[:, 320:332] = 0.6  # 12 columns; its parallax is 51
    dark = see(depth)[60:420, 200:320] == 0
    columns = np.flatnonzero(dark.mean(0) > 0.5) + 200
    parallax = 580 * 0.075 * (1 / 0.6 - 1 / 2.0)
    assert abs(columns.mean() - (325.5 - parallax)) < 2
    assert 7 < len(columns) < 16


def test_contours_are_ragged_but_keep_their_place(bar):
    near = (bar[60:420, 330:400] > 0) & (bar[60:420, 330:400] < 1.2)
    edge = 330 + near.sum(1)
    assert abs(edge.mean() - 360) < 1.2
    assert 0.4 < edge.std() < 2


def test_no_readings_between_surfaces(bar):
    between = (bar > 0.85) & (bar < 1.5)
    assert between.mean() < 1e-3


def test_grazing_and_black_surfaces_are_lost():
    depth = wall(SMALL, 1.5)
    assert (see(depth, cos=0.07, camera=SMALL) > 0).mean() < 0.1
    assert (see(depth, reflectance=0.02, camera=SMALL) > 0).mean() < 0.1
    assert (see(depth, cos=0.4, reflectance=0.3, camera=SMALL) > 0).mean() > 0.9


def test_the_right_border_is_never_read():
    seen = see(wall(KINECT_DEPTH, 1.0))
    assert not seen[:, 632:].any()
    assert seen[60:420, 625].all()


def test_small_pictures_show_the_same_terraces():
    for camera in (KINECT_DEPTH, SMALL, KINECT_DEPTH.resized(160, 120)):
        tilted = np.repeat(np.linspace(1.5, 2.5, camera.height, dtype=np.float32)[:, None], camera.width, axis=1)
        seen = see(tilted, camera=camera, params=CALM)
        assert len(np.unique(seen[seen > 0])) == pytest.approx(580 * 0.075 * 8 * (1 / 1.5 - 1 / 2.5), abs=4)


def test_input_is_left_alone_and_seeds_matter():
    depth = wall(SMALL, 1.2)
    depth[:, 100:140] = 0.7
    before = depth.copy()
    one, two, other = see(depth, camera=SMALL), see(depth, camera=SMALL), see(depth, camera=SMALL, seed=1)
    np.testing.assert_array_equal(depth, before)
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()
    assert not see(np.zeros_like(depth), camera=SMALL).any()


def test_same_bits_on_a_processor_without_wide_vectors():
    code = (
        "import numpy as np; from hashlib import sha256; from handseg_lib.camera import KINECT_DEPTH as c;"
        "from handseg_lib.synth.sensors.kinect import kinect;"
        "k = c.resized(320, 240); r = k.rays(); z = (1.8 - 0.9 * (np.abs(r[..., 0]) < 0.1)).astype(np.float32);"
        "cos = 1 - np.abs(r[..., 1]);"
        "print(sha256(kinect(z, cos, cos, k, np.random.default_rng(0)).tobytes()).hexdigest())"
    )
    plain = {
        "OPENCV_CPU_DISABLE": "AVX512-SKX,AVX2,FMA3,AVX,SSE4.2,SSE4.1",
        "OPENCV_IPP": "disabled",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512_SKX AVX512_ICL AVX2 FMA3 X86_V3 X86_V4",
    }
    runs = [
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=env, capture_output=True, check=True)
        for env in (os.environ, {**os.environ, **plain})
    ]
    first, second = (run.stdout.decode().split()[-1] for run in runs)
    assert len(first) == 64
    assert first == second


def test_sizes_must_agree():
    with pytest.raises(DataError, match=r"kinect: depth is \(240, 320\), the intrinsics are for \(480, 640\)"):
        see(wall(SMALL, 1.0))
