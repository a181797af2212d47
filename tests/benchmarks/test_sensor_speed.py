"""Time of the cameras' models on one core: `pytest tests/benchmarks --benchmark-enable` (else each is called once)."""

import cv2
import numpy as np
import pytest

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.synth.sensors import SENSORS
from handseg_lib.synth.sensors.rgb_camera import RgbCamera, rgb_camera

pytest.importorskip("pytest_benchmark")


@pytest.fixture
def one_thread():
    """OpenCV on one thread for the while."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)


@pytest.mark.parametrize(("width", "height", "limit"), [(640, 480, 0.022), (320, 240, 0.007)])
@pytest.mark.parametrize("name", ["sr300", "kinect", "freiburg"])
def test_depth_sensor(benchmark, one_thread, name, width, height, limit):
    """A ball before a larger one before a wall: every pixel is hit, a third of them return light to the SR300."""
    camera = SR300_DEPTH.resized(width, height)
    rays = camera.rays()
    depth, cos = np.full((height, width), 2.0, np.float32), np.ones((height, width), np.float32)
    for centre, radius in (((0.05, 0.1, 0.9), 0.28), ((-0.1, 0, 0.55), 0.08)):
        b, a = rays @ np.float32(centre), (rays * rays).sum(2)
        root = b * b - a * np.float32(np.dot(centre, centre) - radius**2)
        hit = root > 0
        z = (b - np.sqrt(np.where(hit, root, 0))) / a
        depth = np.where(hit, z, depth)
        cos = np.where(hit, np.sqrt(np.where(hit, root, 0) / a) / np.float32(radius), cos)
    reflectance = np.full_like(depth, 0.65)
    seen = benchmark(SENSORS[name].apply, depth, cos, reflectance, camera, np.random.default_rng(0))
    assert (seen > 0).mean() > 0.15
    if not benchmark.disabled:
        assert benchmark.stats.stats.min < limit


@pytest.mark.parametrize(("width", "height", "limit"), [(640, 480, 0.040), (320, 240, 0.008)])
def test_colour_camera(benchmark, one_thread, width, height, limit):
    """A worn camera with every flaw."""
    light = np.random.default_rng(0).random((height, width, 3), np.float32)
    camera = RgbCamera.sample(np.random.default_rng(1), "head")
    picture = benchmark(rgb_camera, light, np.random.default_rng(0), camera)
    assert picture.shape == light.shape
    if not benchmark.disabled:
        assert benchmark.stats.stats.min < limit
