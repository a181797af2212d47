"""Small worlds and recordings for the tests of the camera: synthetic images with known contents, nothing rendered."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from handseg_lib.camera import SR300_COLOR, SR300_DEPTH
from handseg_lib.camera.simulated import Shot, SimulatedWorld, simulate

DEPTH, COLOR = SR300_DEPTH.resized(64, 48), SR300_COLOR.resized(80, 60)


def mount() -> np.ndarray:
    """(4, 4) a colour camera 26 mm beside the depth camera and turned a little."""
    turn, motion = 0.01, np.eye(4)
    motion[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    motion[:3, 3] = -0.026, 0.001, 0.002
    return motion


def shot(number: int, color: bool = True) -> Shot:
    """A slanted wall at 0.6 to 0.9 m with a near block and holes, and a picture of noise; other for each number."""
    rng = np.random.default_rng(number)
    depth = np.linspace(0.6, 0.9, 64 * 48, dtype=np.float32).reshape(48, 64)
    depth[10:30, 15:30] = 0.3 + 0.01 * number
    depth[rng.random((48, 64)) < 0.05] = 0
    return Shot(depth, rng.integers(0, 256, (60, 80, 3), np.uint8) if color else None, number)


def world(frames: int = 5, color: bool = True) -> SimulatedWorld:
    """A world of a few shots."""
    shots = [shot(number, color) for number in range(frames)]
    return SimulatedWorld("test camera", DEPTH, COLOR if color else None, mount(), shots)


def recorded(path: Path, frames: int = 5, color: bool = True) -> Path:
    """A recording of that world."""
    with simulate(world(frames, color), record=path) as camera:
        assert len(list(camera)) == frames
    return path


def needs_sdk() -> None:
    """Skip a module where the RealSense library has no wheel."""
    pytest.importorskip("libusb_package")
    from handseg_lib.camera.sdk import load_sdk
    from handseg_lib.errors import CameraError

    try:
        load_sdk()
    except CameraError as error:
        pytest.skip(str(error), allow_module_level=True)


def numbers(camera: Iterator) -> list[int]:
    """The frame numbers of a stream."""
    return [frame.number for frame in camera]
