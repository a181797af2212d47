"""Time of the SR300 model on one core: `pytest tests/benchmarks --benchmark-enable` (a default run only calls it)."""

import cv2
import numpy as np
import pytest

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.synth.sensors import sr300

pytest.importorskip("pytest_benchmark")


@pytest.mark.parametrize(("width", "height", "limit"), [(640, 480, 0.020), (320, 240, 0.006)])
def test_sr300(benchmark, width, height, limit):
    """A ball before a larger one before a wall out of range: every pixel is hit, a third of them return light."""
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
    rng = np.random.default_rng(0)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        seen = benchmark(sr300, depth, cos, reflectance, camera, rng)
    finally:
        cv2.setNumThreads(threads)
    assert (seen > 0).mean() > 0.15
    if not benchmark.disabled:
        assert benchmark.stats.stats.min < limit
