"""Speed of the renderer on one core, relative to a bare Embree cast of the same scenes in the same run.

`pytest tests/benchmarks --benchmark-enable` measures; the targets are 3 bare casts of 640x480 for sensor depth with
labels (posing, building the hierarchy and the sensor included) and 8 for colour and depth with all truth.
"""

import time

import cv2
import numpy as np
import pytest

from handseg_lib.synth.world import Frame, frame

pytest.importorskip("pytest_benchmark")
FRAMES = 8


def everything(one: Frame) -> None:
    """Ask for all truth in both views."""
    _ = one.labels, one.truth.parts, one.truth.normals, one.clean_depth, one.rgb
    _ = one.color_rgb, one.color_labels, one.color_depth, one.color_truth.parts, one.color_truth.normals


def bare_cast(size: tuple[int, int]) -> float:
    """Mean processor seconds of one cast of all rays of a frame against its whole scene."""
    seconds = []
    for index in range(FRAMES):
        one = frame(index=index, size=size)
        rays = one.intrinsics.rays().reshape(-1, 3)
        origins, caster = np.zeros_like(rays), one.scene.caster
        caster.first_faces(origins[:1], rays[:1])  # builds the hierarchy
        runs = []
        for _ in range(3):
            start = time.process_time()
            caster.first_faces(origins, rays)
            runs.append(time.process_time() - start)
        seconds.append(min(runs))
    return float(np.mean(seconds))


@pytest.mark.parametrize("size", [(240, 320), (480, 640)])
@pytest.mark.parametrize("what", ["depth", "everything"])
def test_frames(benchmark, size, what):
    """Sensor depth with labels, or everything; the ratio to bare casts is in the benchmark's extra information."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for index in range(FRAMES):
            everything(frame(index=index, size=(60, 80)))  # meshes and skins of the subjects

        def work() -> float:
            start = time.process_time()
            for index in range(FRAMES):
                one = frame(index=index, size=size)
                _ = one.labels
                if what == "everything":
                    everything(one)
            return (time.process_time() - start) / FRAMES

        seconds = benchmark.pedantic(work, rounds=3, warmup_rounds=1)
        benchmark.extra_info["frames_per_second"] = 1 / seconds
        benchmark.extra_info["bare_casts"] = seconds / bare_cast(size)
    finally:
        cv2.setNumThreads(threads)
