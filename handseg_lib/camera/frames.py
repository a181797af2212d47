"""Frames of a camera, whatever the camera is, and their timing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera.intrinsics import Intrinsics
from handseg_lib.camera.sdk import PAPER_RATE
from handseg_lib.errors import CameraError

TIE = 1e-3
"""Of two frames equally far from a tick, in ticks and but for rounding, the earlier one is taken."""


@dataclass(frozen=True, eq=False)
class CameraFrame:
    """One pair of images, taken at (nearly) one time.

    Attributes:
        depth: (H, W) float32 metres, 0 = no reading.
        rgb: (H, W, 3) uint8, the colour picture brought to the depth image's pixels by `rs.align`, black where there is
            no depth to align it by; None where the camera or the recording gave no colour.
        color_rgb: the same picture in the colour camera's own view and size; None likewise.
        intrinsics: the depth camera.
        timestamp: seconds on the camera's clock when the depth image was taken.
        number: the camera's own count of depth images; a gap tells of lost ones. The simulated camera's number is the
            index of the frame in its world, so that the exact truth can be found for it.
        color_lag: seconds from the depth image to the colour picture on the camera's clock; NaN without colour.
    """

    depth: NDArray[np.float32]
    rgb: NDArray[np.uint8] | None
    color_rgb: NDArray[np.uint8] | None
    intrinsics: Intrinsics
    timestamp: float
    number: int
    color_lag: float = float("nan")


@dataclass(frozen=True)
class Timing:
    """How regularly frames came: mean frames per second, standard deviation of the intervals in milliseconds, and how
    many numbers are missing from the camera's count."""

    rate: float
    jitter_ms: float
    missing: int


def timing(frames: Sequence[CameraFrame]) -> Timing:
    """The timing of frames in the order in which they were taken.

    Raises:
        CameraError: for fewer than two frames, or times that do not increase.
    """
    if len(frames) < 2:
        raise CameraError(f"timing needs at least two frames, found {len(frames)}")
    steps = np.diff([frame.timestamp for frame in frames])
    if (steps <= 0).any():
        at = int(np.argmax(steps <= 0)) + 1
        raise CameraError(f"frame {at} was taken {-steps[at - 1]:.4f} s before the one it follows; sort frames by time")
    missing = frames[-1].number - frames[0].number + 1 - len(frames)
    return Timing(float(1 / steps.mean()), float(steps.std() * 1000), missing)


def at_constant_rate(frames: Iterable[CameraFrame], rate: float = PAPER_RATE) -> Iterator[CameraFrame]:
    """Thin a stream out to a constant mean rate, as the paper's 48 Hz out of the sensor's 60 (HandSeg, Section 4).

    A clock ticks `rate` times a second from the first frame on; for each tick the nearest frame is kept, once. Ticks
    with no frame within half a period stay empty: frames are never repeated, so a slower stream passes unchanged.

    Args:
        frames: in the order in which they were taken.
        rate: frames per second to keep.

    Raises:
        CameraError: for a rate that is not positive.
    """
    if not rate > 0:
        raise CameraError(f"a rate in frames per second must be positive, found {rate}")
    return _thinned(frames, rate)


def _thinned(frames: Iterable[CameraFrame], rate: float) -> Iterator[CameraFrame]:
    """Of the frames that fall to one tick, the nearest; given out when the next tick's first frame arrives."""
    kept, kept_tick, kept_miss, start = None, 0, 0.0, None
    for frame in frames:
        start = frame.timestamp if start is None else start
        ticks = (frame.timestamp - start) * rate
        tick = int(np.floor(ticks + 0.5))
        miss = abs(ticks - tick)
        if kept is not None and tick > kept_tick:
            yield kept
            kept = None
        if kept is None or miss < kept_miss - TIE:
            kept, kept_tick, kept_miss = frame, tick, miss
    if kept is not None:
        yield kept
