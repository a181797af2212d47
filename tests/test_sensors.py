"""The SR300 model: its physics on scenes simple enough to know the answer; and the sensors by name."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from handseg_lib.camera import SR300_DEPTH, Intrinsics
from handseg_lib.errors import DataError
from handseg_lib.synth.sensors import SENSORS, SR300, exact, sr300

SMALL = SR300_DEPTH.resized(320, 240)
DEFAULT = SR300()


def wall(camera: Intrinsics, distance: float) -> np.ndarray:
    return np.full((camera.height, camera.width), distance, np.float32)


def facing(depth: np.ndarray) -> np.ndarray:
    return (depth > 0).astype(np.float32)


def see(depth, cos=None, reflectance=0.8, camera=SMALL, seed=0, params=DEFAULT):
    cos = facing(depth) if cos is None else np.asarray(cos, np.float32)
    reflectance = np.broadcast_to(np.float32(reflectance), depth.shape)
    return sr300(depth, cos, reflectance, camera, np.random.default_rng(seed), params)


def cylinder(camera: Intrinsics, distance: float, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Depth and cosine of an upright cylinder before the camera, by intersecting rays in the horizontal plane."""
    rays = camera.rays()
    x = rays[..., 0].astype(np.float64)
    a, b, c = 1 + x**2, -distance, distance**2 - radius**2
    root = b**2 - a * c
    z = np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / a, 0)
    normal_x, normal_z = x * z / radius, (z - distance) / radius
    cos = -(x * normal_x + normal_z) / np.linalg.norm(rays, axis=2)
    return z.astype(np.float32), np.where(z > 0, cos, 0).astype(np.float32)


@pytest.fixture(scope="module")
def bar() -> tuple[np.ndarray, np.ndarray]:
    """A bar at 0.5 m, columns 280 to 339, before a wall at 0.8 m, and what the sensor makes of it."""
    depth = wall(SR300_DEPTH, 0.8)
    depth[:, 280:340] = 0.5
    return depth, see(depth, reflectance=0.9, camera=SR300_DEPTH)


def test_readings_are_whole_steps_near_the_truth():
    depth = wall(SMALL, 0.6)
    seen = see(depth)
    counts = seen.astype(np.float64) / 0.000125
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-3)
    inner = seen[40:200, 60:260]
    assert (inner > 0).mean() > 0.99
    assert np.abs(inner[inner > 0] - 0.6).max() < 0.005
    assert abs(inner[inner > 0].mean() - 0.6) < 0.0002


def test_same_seed_same_bits_whatever_the_number_of_threads():
    depth, cos = cylinder(SMALL, 0.6, 0.1)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        one = see(depth, cos)
        cv2.setNumThreads(4)
        four = see(depth, cos)
    finally:
        cv2.setNumThreads(threads)
    assert np.array_equal(one, four)
    assert not np.array_equal(one, see(depth, cos, seed=1))


def test_same_bits_on_a_processor_without_wide_vectors():
    """The same scene in a process whose OpenCV and NumPy are told to use none of their vector code."""
    code = (
        "import numpy as np; from hashlib import sha256; from handseg_lib.camera import SR300_DEPTH as c;"
        "from handseg_lib.synth.sensors import sr300;"
        "k = c.resized(320, 240); r = k.rays(); z = (0.8 - 0.3 * (np.abs(r[..., 0]) < 0.1)).astype(np.float32);"
        "cos = 1 - np.abs(r[..., 1]);"
        "print(sha256(sr300(z, cos, cos, k, np.random.default_rng(0)).tobytes()).hexdigest())"
    )
    plain = {
        "OPENCV_CPU_DISABLE": "AVX512-SKX,AVX2,FMA3,AVX,SSE4.2,SSE4.1",
        "OPENCV_IPP": "disabled",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512_SKX AVX512_ICL AVX2 FMA3 X86_V3 X86_V4",
    }
    outputs = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code], env=env, capture_output=True, text=True, check=True
        )
        for env in (os.environ, {**os.environ, **plain})
    ]
    first, second = (run.stdout.split()[-1] for run in outputs)
    assert len(first) == 64
    assert first == second


def test_inputs_are_left_alone():
    depth, cos = cylinder(SMALL, 0.6, 0.1)
    reflectance = np.full_like(depth, 0.7)
    before = [a.copy() for a in (depth, cos, reflectance)]
    sr300(depth, cos, reflectance, SMALL, np.random.default_rng(0))
    assert all(np.array_equal(a, b) for a, b in zip(before, (depth, cos, reflectance), strict=True))


def test_nothing_in_view_gives_nothing():
    assert not see(np.zeros((240, 320), np.float32)).any()


def test_cosine_and_reflectance_may_be_anything_where_nothing_was_hit():
    depth, cos = cylinder(SMALL, 0.6, 0.1)
    odd = np.where(depth > 0, cos, np.float32(np.nan))
    assert np.array_equal(see(depth, cos), see(depth, odd))


def test_range_limits():
    assert not see(wall(SMALL, 0.15), reflectance=1).any()
    assert not see(wall(SMALL, 1.6), reflectance=1, params=SR300(threshold=0.01)).any()


def test_signal_falls_with_distance_reflectance_and_angle():
    def share(distance, reflectance, cos):
        depth = wall(SMALL, distance)
        return (see(depth, facing(depth) * cos, reflectance) > 0)[60:180, 80:240].mean()

    assert share(0.75, 0.7, 1.0) > 0.99
    assert share(1.4, 0.4, 1.0) < 0.01  # dark cloth is lost beyond about a metre
    assert share(0.75, 0.08, 1.0) < 0.01  # hair
    assert share(0.75, 0.5, 0.2) < 0.1  # a torso's grazing side
    marginal = [share(z, 0.5, 1.0) for z in (0.8, 0.9, 0.95, 1.0, 1.05, 1.1)]
    assert marginal == sorted(marginal, reverse=True)
    assert any(0.05 < m < 0.95 for m in marginal)


def test_light_falls_off_towards_the_edges_of_the_field():
    seen = see(wall(SR300_DEPTH, 1.0), reflectance=0.55, camera=SR300_DEPTH) > 0
    assert seen[200:280, 270:360].mean() > seen[:60, :60].mean() + 0.5


def test_missing_depth_is_clumpy():
    seen = see(wall(SMALL, 0.98), reflectance=0.5) > 0
    missing = ~seen[60:180, 80:240]
    share = missing.mean()
    assert 0.02 < share < 0.9
    neighbours = (missing[:, 1:] & missing[:, :-1]).mean() / share
    assert neighbours > share + 0.5 * (1 - share)  # independent pixels would give `share`


def test_shadow_falls_on_the_right_only_and_as_wide_as_the_parallax(bar):
    _, seen = bar
    rows = seen[100:380] > 0
    left = np.array([280 - 1 - np.flatnonzero(row[:275])[-1] for row in rows])
    right = np.array([np.flatnonzero(row[345:])[0] + 345 - 340 for row in rows])
    parallax = SR300_DEPTH.fx * SR300().baseline * (1 / 0.5 - 1 / 0.8)
    assert 3 < np.median(left) < 8
    assert parallax > 10
    assert abs(np.median(right) - np.median(left) - parallax) < 3


def test_shadow_follows_a_projector_ray_by_ray():
    """The running maximum against the definition: a point is dark if some point left of it hides it."""
    from handseg_lib.synth.sensors.structured_light import shadow

    rng = np.random.default_rng(3)
    z = np.repeat(rng.choice([0, 0.45, 0.6, 0.9], (12, 8)), 40, axis=1).astype(np.float32)
    dark = shadow(z, 0, 476, SR300().baseline)
    for y, x in np.argwhere(z > 0):
        positions = np.arange(x + 1) + 476 * SR300().baseline / np.where(z[y, : x + 1] > 0, z[y, : x + 1], np.inf)
        hidden = (positions[:x][z[y, :x] > 0] > positions[x] + 0.5).any()
        assert dark[y, x] == hidden
    assert dark.any()
    assert not dark[z == 0].any()


def test_no_baseline_no_shadow(bar):
    depth, _ = bar
    seen = see(depth, reflectance=0.9, camera=SR300_DEPTH, params=SR300(baseline=0))[100:380] > 0
    left, right = (~seen[:, 240:280]).sum(1), (~seen[:, 340:380]).sum(1)
    assert abs(np.median(left) - np.median(right)) <= 1


def test_silhouettes_keep_their_place_and_are_ragged(bar):
    _, seen = bar
    for side, edge in ((slice(250, 310), 280), (slice(310, 380), 340)):
        near = (seen[50:430, side] > 0) & (seen[50:430, side] < 0.6)
        columns = np.arange(side.start, side.stop)
        border = columns[near.argmax(1)] if edge == 280 else columns[near.shape[1] - 1 - near[:, ::-1].argmax(1)] + 1
        assert abs(border.mean() - edge) < 1
        assert 0.4 < border.std() < 2.5


def test_no_flying_pixels_between_surfaces_but_few_blobs(bar):
    _, seen = bar
    off = (seen > 0) & (np.abs(seen - 0.5) > 0.01) & (np.abs(seen - 0.8) > 0.01)
    assert off.mean() < 0.002


def test_what_stands_before_a_wall_keeps_its_own_edges():
    """A thumb beside a nearer palm, both before a wall: the thumb is not eaten by its neighbour's gap."""
    depth = wall(SR300_DEPTH, 0.9)
    depth[100:380, 260:280], depth[100:380, 300:380] = 0.55, 0.45
    seen = see(depth, reflectance=0.8, camera=SR300_DEPTH)
    assert (seen[100:380, 260:280] > 0).mean() > 0.9


@pytest.mark.parametrize("camera", [SR300_DEPTH, SMALL], ids=["640x480", "320x240"])
def test_fingers_at_half_a_metre_are_complete(camera):
    depth, cos = cylinder(camera, 0.5, 0.0075)
    truth = depth > 0
    for seed in range(4):
        seen = see(depth, cos, reflectance=0.7, camera=camera, seed=seed) > 0
        assert seen[truth].mean() > 0.85
        assert seen.any(1).mean() > 0.995  # not cut in two anywhere
        assert 0.85 < seen.sum() / truth.sum() < 1.15


def test_torso_loses_its_sides_not_its_middle():
    depth, cos = cylinder(SMALL, 0.95, 0.17)
    seen = see(depth, cos, reflectance=0.5) > 0
    middle, side = (cos > 0.9), (cos > 0) & (cos < 0.3)
    assert seen[60:180][middle[60:180]].mean() > 0.9
    assert seen[60:180][side[60:180]].mean() < 0.2


def test_noise_grows_with_the_square_of_the_distance_and_is_smooth():
    def error(distance):
        seen = see(wall(SR300_DEPTH, distance), reflectance=1, camera=SR300_DEPTH, params=SR300(threshold=0.01))
        return seen[100:380, 120:520].astype(np.float64) - np.float64(np.float32(distance))

    near, far = error(0.5), error(1.0)
    assert 3 < far.std() / near.std() < 5
    assert 3e-4 < far.std() < 12e-4
    step = np.diff(far, axis=1).std() / (np.sqrt(2) * far.std())
    assert step < 0.5  # white noise would give 1


def test_half_resolution_sees_the_same_things():
    def shares(camera):
        depth, cos = cylinder(camera, 0.8, 0.15)
        near, _ = cylinder(camera, 0.5, 0.02)
        both, facing_both = np.where(near > 0, near, depth), np.where(near > 0, 1, cos)
        seen = np.mean([see(both, facing_both, 0.6, camera, seed) > 0 for seed in range(3)], axis=0)
        return seen[near > 0].mean(), seen[(near == 0) & (depth > 0)].mean()

    np.testing.assert_allclose(shares(SMALL), shares(SR300_DEPTH), atol=0.06)


@pytest.mark.parametrize("size", [(1280, 960), (160, 120), (64, 48), (32, 24)])
def test_any_size_gives_readings(size):
    camera = SR300_DEPTH.resized(*size)
    depth, cos = cylinder(camera, 0.6, 0.15)
    seen = see(depth, cos, camera=camera)
    assert seen[depth > 0].mean() > 0.8 * depth[depth > 0].mean()
    assert (seen[depth == 0] > 0).mean() < 0.05


def test_infinitely_far_is_nothing():
    depth, cos = cylinder(SMALL, 0.6, 0.1)
    assert np.array_equal(see(np.where(depth > 0, depth, np.float32(np.inf)), cos), see(depth, cos))


def test_blobs_and_pinholes_are_optional_and_few():
    depth, cos = cylinder(SR300_DEPTH, 0.6, 0.12)
    calm = see(depth, cos, camera=SR300_DEPTH, params=SR300(blobs=0, pinholes=0))
    seen = see(depth, cos, camera=SR300_DEPTH)
    assert np.abs(calm[calm > 0] - 0.55).max() < 0.08
    added, lost = (seen > 0) & (calm == 0), (seen == 0) & (calm > 0)
    assert 0 < added.sum() < 400
    assert 0 < lost.sum() < 400


def test_hit_far_in_a_corner_works():
    depth = np.zeros((240, 320), np.float32)
    depth[235:, 315:] = 0.4
    seen = see(depth)
    assert seen.shape == depth.shape
    assert not seen[:220, :300].any()


def test_sizes_must_agree():
    depth = wall(SMALL, 0.5)
    with pytest.raises(DataError, match=r"cos is \(240, 319\), the intrinsics are for \(240, 320\)"):
        see(depth, facing(depth)[:, 1:])
    with pytest.raises(DataError, match="depth is"):
        see(depth, camera=SR300_DEPTH)


@pytest.mark.parametrize("name", SENSORS)
def test_every_sensor_reports_depth_in_its_own_steps(name):
    sensor = SENSORS[name]
    camera = (sensor.intrinsics or SR300_DEPTH).resized(160, 120)
    depth, cos = cylinder(camera, 0.8, 0.15)
    depth = np.where(depth > 0, depth, np.float32(20))
    rng = np.random.default_rng(0)
    seen = sensor.apply(depth, cos, np.full_like(depth, 0.7), camera, rng)
    assert sensor.name == name and seen.dtype == np.float32 and seen.shape == depth.shape
    middle = (seen > 0) & (cos > 0.9)
    assert middle.sum() > 0.9 * (cos > 0.9).sum()
    assert np.abs(seen - depth)[middle].max() < 0.02
    assert seen.max() < 2  # nothing sees what is 20 m away
    if name != "none":
        steps = seen.astype(float) / sensor.unit
        np.testing.assert_allclose(steps, np.rint(steps), atol=0.01)
    assert sensor.far / sensor.unit < 2**16  # fits into 16 bits


def test_noise_free_depth_is_exact_up_to_a_step():
    depth = np.linspace(0, 8, 240 * 320, dtype=np.float32).reshape(240, 320)
    zeros = np.zeros_like(depth)
    seen = SENSORS["freiburg"].apply(depth, zeros, zeros, SMALL, np.random.default_rng(0))
    near = depth <= 5
    assert np.abs(seen - depth)[near].max() <= 0.51 * 5 / 65535
    assert not seen[~near].any()
    np.testing.assert_array_equal(SENSORS["none"].apply(depth, zeros, zeros, SMALL, np.random.default_rng(0)), depth)
    with pytest.raises(DataError, match=r"exact: cos is \(3, 4\)"):
        exact(depth, zeros[:3, :4], zeros, SMALL, np.random.default_rng(0))


def test_handnet_is_an_sr300_of_half_the_size():
    camera = SENSORS["handnet"].intrinsics
    assert (camera.width, camera.height) == (320, 240)
    assert camera.cx == 178.2926  # well off the middle
    depth, cos = cylinder(camera, 0.6, 0.1)
    seen = SENSORS["handnet"].apply(depth, cos, np.full_like(depth, 0.7), camera, np.random.default_rng(0))
    assert 0.8 < (seen > 0).sum() / (depth > 0).sum() < 1
