"""Time of annotation on one core: `pytest tests/benchmarks --benchmark-enable` (else each is called once)."""

import time

import cv2
import numpy as np
import pytest

from handseg_lib.annotate import hands_objects
from handseg_lib.annotate.gloves import HANDS, annotate
from handseg_lib.annotate.thresholds import GloveThresholds

pytest.importorskip("pytest_benchmark")

RATE = 48
"""Frames a second of the sensor (HandSeg Section 4)."""
COLOURS = {"left": (20, 200, 60), "right": (240, 150, 20)}
GLOVES = {
    "left": GloveThresholds((60, 120, 60), (78, 255, 255)),
    "right": GloveThresholds((10, 120, 60), (26, 255, 255)),
}


@pytest.fixture
def one_thread():
    """OpenCV on one thread for the while."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)


def two_hands(speckles: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """640x480: a noisy body, two near hands of five spread fingers each, and specks of glove colour everywhere."""
    rng = np.random.default_rng(0)
    rgb = rng.integers(90, 150, (480, 640, 3)).astype(np.uint8)
    depth = rng.normal(0.9, 0.004, (480, 640)).astype(np.float32)
    truth = np.zeros((480, 640), np.uint8)
    for side, (x, y) in {"left": (440, 260), "right": (190, 240)}.items():
        cv2.ellipse(truth, (x, y), (48, 56), 0, 0, 360, int(HANDS[side]), -1)
        for angle in np.radians([-150, -120, -90, -60, -25]):
            tip = (round(x + 130 * np.cos(angle)), round(y + 130 * np.sin(angle)))
            cv2.line(truth, (x, y), tip, int(HANDS[side]), 16)
        mask = truth == HANDS[side]
        shade = rng.uniform(0.5, 1, (int(mask.sum()), 1))
        rgb[mask] = (np.array(COLOURS[side]) * shade).astype(np.uint8)
        depth[mask] = rng.normal(0.5, 0.01, int(mask.sum()))
    for k in range(speckles):
        cx, cy = int(rng.integers(4, 636)), int(rng.integers(4, 476))
        cv2.circle(rgb, (cx, cy), int(rng.integers(1, 4)), COLOURS[("left", "right")[k % 2]], -1)
    depth[rng.random(depth.shape) < 0.03] = 0
    return rgb, depth, truth


@pytest.mark.benchmark(timer=time.process_time)  # of this core, whoever else wants it
@pytest.mark.parametrize("speckles", [0, 60])
def test_annotation_keeps_up_with_the_sensor(benchmark, one_thread, speckles):
    """Both gloves of a 640x480 frame, every step and the labels: at least the sensor's 48 frames a second."""
    rgb, depth, truth = two_hands(speckles)
    found = benchmark(annotate, rgb, depth, GLOVES)
    seen = depth > 0
    assert (found.labels[seen] == truth[seen]).mean() > 0.99
    if not benchmark.disabled:
        assert benchmark.stats.stats.min < 1 / RATE


def hand_with_object(speckles: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """640x480: a hand over a large object, both near, with a band on top of the fingers and specks of skin colour."""
    rng = np.random.default_rng(1)
    truth = np.zeros((480, 640), np.uint8)
    cv2.rectangle(truth, (120, 60), (520, 420), hands_objects.OBJECT, -1)
    for top in range(120, 360, 60):
        cv2.rectangle(truth, (260, top), (620, top + 40), hands_objects.HAND, -1)
    depth = np.select([truth == hands_objects.HAND, truth == hands_objects.OBJECT], [0.38, 0.42], 0.9)
    depth = (depth + rng.normal(0, 0.001, truth.shape)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.03] = 0
    rgb = np.array([(60, 110, 90), (200, 150, 120), (40, 80, 200)], np.uint8)[truth]
    rgb = np.roll((rgb * rng.uniform(0.8, 1, (480, 640, 1))).astype(np.uint8), 3, axis=0)
    for _ in range(speckles):
        at = int(rng.integers(124, 516)), int(rng.integers(64, 416))
        cv2.circle(rgb, at, int(rng.integers(1, 3)), (200, 150, 120), -1)
    return rgb, depth, truth


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize("speckles", [0, 40])
def test_hands_and_objects_keep_up_with_the_sensor(benchmark, one_thread, speckles):
    """Every step of a 640x480 frame that hand and object fill: at least 48 frames a second."""
    rgb, depth, truth = hand_with_object(speckles)
    found = benchmark(hands_objects.annotate, rgb, depth)
    seen = (depth > 0) & (truth > 0)
    assert (found.labels[seen] == truth[seen]).mean() > 0.93
    if not benchmark.disabled:
        assert benchmark.stats.stats.min < 1 / RATE
