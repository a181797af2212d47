"""Timing of frames and thinning to a constant rate: worked examples and invariants."""

import numpy as np
import pytest

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.camera.frames import CameraFrame, Timing, at_constant_rate, timing
from handseg_lib.errors import CameraError

NOTHING = np.zeros((1, 1), np.float32)


def frames(times, numbers=None):
    numbers = range(len(times)) if numbers is None else numbers
    return [CameraFrame(NOTHING, None, None, SR300_DEPTH, t, n) for t, n in zip(times, numbers, strict=True)]


def times(stream):
    return [frame.timestamp for frame in stream]


def test_timing_by_hand():
    found = timing(frames([0.0, 0.1, 0.2, 0.4], [7, 8, 9, 11]))
    assert found.rate == pytest.approx(3 / 0.4)
    assert found.jitter_ms == pytest.approx(np.std([100, 100, 200]))
    assert found.missing == 1


def test_a_regular_stream_has_no_jitter():
    found = timing(frames([n / 64 for n in range(20)]))
    assert found == Timing(64.0, 0.0, 0)


def test_every_fifth_frame_of_60_goes_to_make_48():
    kept = [frame.number for frame in at_constant_rate(frames([n / 60 for n in range(61)]), 48)]
    assert len(kept) == 49  # one second, both ends included
    gaps = np.diff(kept)
    assert gaps.tolist() == [1, 1, 2, 1] * 12


@pytest.mark.parametrize("rate", [15, 30, 48, 100])
def test_the_rate_is_reached_and_never_exceeded(rate):
    rng = np.random.default_rng(rate)
    taken = np.cumsum(rng.uniform(0.8, 1.2, 400)) / 60
    kept = times(at_constant_rate(frames(taken), rate))
    seconds = taken[-1] - taken[0]
    assert len(kept) == pytest.approx(min(rate, 60) * seconds, rel=0.05)
    assert len(kept) <= rate * seconds + 1.5
    assert len(set(kept)) == len(kept) and set(kept) <= set(taken)


def test_each_kept_frame_is_the_nearest_of_its_tick():
    taken = np.cumsum(np.random.default_rng(0).uniform(0.2, 1.8, 200)) / 60
    ticks = np.floor((taken - taken[0]) * 20 + 0.5)
    expected = []
    for tick in np.unique(ticks):
        of_tick = taken[ticks == tick]
        expected.append(of_tick[np.argmin(abs((of_tick - taken[0]) * 20 - tick))])
    assert times(at_constant_rate(frames(taken), 20)) == expected


def test_a_slow_stream_passes_unchanged():
    slow = [n / 30 for n in range(10)]
    assert times(at_constant_rate(frames(slow), 48)) == slow


def test_an_empty_stream_stays_empty():
    assert list(at_constant_rate([], 48)) == []


def test_bad_input():
    with pytest.raises(CameraError, match="at least two frames, found 1"):
        timing(frames([0.0]))
    with pytest.raises(CameraError, match=r"frame 2 was taken 0\.5000 s before"):
        timing(frames([0.0, 1.0, 0.5]))
    with pytest.raises(CameraError, match="must be positive, found 0"):
        at_constant_rate([], 0)
