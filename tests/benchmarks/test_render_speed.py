"""Speed of the renderer on one core, relative to a bare Embree cast of the same scenes in the same run.

`pytest tests/benchmarks --benchmark-enable` measures; the targets are 3 bare casts of 640x480 for sensor depth with
labels (posing, building the hierarchy and the sensor included) and 8 for colour and depth with all truth.
"""

import time
from collections.abc import Callable
from typing import Any

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


def bare_cast(one: Frame) -> float:
    """Processor seconds of one cast of all rays of a frame against its whole scene, the hierarchy built before."""
    rays = one.intrinsics.rays().reshape(-1, 3)
    origins, caster = np.zeros_like(rays), one.scene.caster
    caster.first_faces(origins[:1], rays[:1])  # builds the hierarchy
    return timed(lambda: caster.first_faces(origins, rays))[1]


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """What a call returns, and the processor seconds it took."""
    start = time.process_time()
    result = function()
    return result, time.process_time() - start


@pytest.mark.parametrize("size", [(240, 320), (480, 640)])
@pytest.mark.parametrize("what", ["depth", "everything"])
def test_frames(benchmark, size, what):
    """Sensor depth with labels, or everything; the ratio to bare casts is in the benchmark's extra information.

    Frames and bare casts take turns, so that a busy machine slows both alike; of each frame's ratios the median.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    frames, ratios, seconds = (1 if benchmark.disabled else FRAMES), [], []
    try:
        for index in range(frames):
            everything(frame(index=index, size=(60, 80)))  # meshes and skins of the subjects

        def render(index: int) -> Frame:
            one = frame(index=index, size=size)
            _ = one.labels
            if what == "everything":
                everything(one)
            return one

        def work() -> None:
            for index in range(frames):
                one, taken = timed(lambda index=index: render(index))
                seconds.append(taken)
                ratios.append(taken / bare_cast(one))

        benchmark.pedantic(work, rounds=1 if benchmark.disabled else 3)
        benchmark.extra_info["frames_per_second"] = float(1 / np.median(seconds))
        benchmark.extra_info["bare_casts"] = float(np.median(ratios))
        if not benchmark.disabled:
            print(
                f"\n{what} {size[1]}x{size[0]}: {np.median(ratios):.2f} bare casts, {np.median(seconds):.3f} s a frame"
            )
    finally:
        cv2.setNumThreads(threads)
