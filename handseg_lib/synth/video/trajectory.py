"""Smooth paths through keys: numbers, poses, and the small movements of a head that is never quite still.

Between two keys where a movement stops the path is the minimum-jerk one of Flash and Hogan (1985), a polynomial of
degree 5 without speed and acceleration at its ends; through other keys it passes at a speed that lets no coordinate
overshoot, so that a hand that goes down to a table does not go through it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handseg_lib.synth.hand.skinning import quaternion
from handseg_lib.synth.mesh import check_rigid

Pose = NDArray[np.float64]


def minimum_jerk(s: ArrayLike) -> NDArray[np.float64]:
    """Share of the way at share s of the time, in [0, 1]: 10 s^3 - 15 s^4 + 6 s^5."""
    s = np.clip(np.asarray(s, np.float64), 0, 1)
    return s * s * s * (10 + s * (6 * s - 15))


@dataclass(frozen=True)
class Spline:
    """A smooth path of D numbers through K keys, at rest before the first and after the last.

    Attributes:
        times: (K,) seconds, increasing.
        values: (K, D).
        stops: (K,) whether the path rests at a key; it always does at the first and the last.
    """

    times: NDArray[np.float64]
    values: NDArray[np.float64]
    stops: NDArray[np.bool_]

    def __post_init__(self) -> None:
        k = len(self.times)
        if self.values.ndim != 2 or len(self.values) != k or self.stops.shape != (k,) or k == 0:
            raise ValueError(
                f"a spline needs as many values and stops as times, found {k} times, values {self.values.shape} and "
                f"stops {self.stops.shape}"
            )
        if k > 1 and (np.diff(self.times) <= 0).any():
            raise ValueError(f"times of keys must increase, found {np.round(self.times, 3).tolist()}")

    @classmethod
    def through(cls, keys: list[tuple[float, ArrayLike, bool]]) -> "Spline":
        """A path through (time, values, stop) keys; of keys at one time the last counts."""
        by_time = {round(time, 6): (value, stop) for time, value, stop in keys}
        times = sorted(by_time)
        values = np.array([np.ravel(by_time[t][0]) for t in times], np.float64)
        return cls(np.array(times), values, np.array([bool(by_time[t][1]) for t in times]))

    @cached_property
    def speeds(self) -> NDArray[np.float64]:
        """(K, D) speed at each key: none where a coordinate turns round, else what keeps it from overshooting."""
        out = np.zeros_like(self.values)
        if len(self.times) > 2:
            slope = np.diff(self.values, axis=0) / np.diff(self.times)[:, None]
            first, second = slope[:-1], slope[1:]
            same = first * second > 0
            total = np.where(same, first + second, 1)
            out[1:-1] = np.where(same, 2 * first * second / total, 0)  # the harmonic mean of the slopes
        out[self.stops] = 0
        return out

    def at(self, time: float) -> NDArray[np.float64]:
        """(D,) values at a time in seconds."""
        if time <= self.times[0] or len(self.times) == 1:
            return self.values[0].copy()
        if time >= self.times[-1]:
            return self.values[-1].copy()
        k = int(np.searchsorted(self.times, time, side="right")) - 1
        span = self.times[k + 1] - self.times[k]
        s = (time - self.times[k]) / span
        blend = float(minimum_jerk(s))
        leave = s - s**3 * (6 - s * (8 - 3 * s))  # the polynomials of degree 5 that only have a speed, at one end
        arrive = -(s**3) * (4 - s * (7 - 3 * s))
        start, end = self.values[k], self.values[k + 1]
        return start + (end - start) * blend + span * (leave * self.speeds[k] + arrive * self.speeds[k + 1])


class PoseTrack:
    """A smooth path of rigid poses through keys."""

    def __init__(self, keys: list[tuple[float, Pose, bool]]) -> None:
        """`keys`: (seconds, (4, 4) pose, whether it rests there), at least one.

        Raises:
            ValueError: for no keys, or a matrix that is not rigid.
        """
        if not keys:
            raise ValueError("a track of poses needs at least one key, found none")
        rows, last = [], None
        for time, pose, stop in sorted(keys, key=lambda key: key[0]):
            check_rigid(pose)
            q = quaternion(np.asarray(pose, np.float64)[:3, :3])
            if last is not None and float((q * last).sum()) < 0:
                q = -q  # the same turn, told the short way round
            last = q
            rows.append((time, np.concatenate([pose[:3, 3], q]), stop))
        self.spline = Spline.through(rows)

    @property
    def start(self) -> float:
        """Seconds of the first key."""
        return float(self.spline.times[0])

    @property
    def end(self) -> float:
        """Seconds of the last key."""
        return float(self.spline.times[-1])

    def at(self, time: float) -> Pose:
        """(4, 4) pose at a time in seconds."""
        row = self.spline.at(time)
        return placed(matrix_of(row[3:]), row[:3])


def matrix_of(q: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) rotation of a quaternion (w, x, y, z) of any length but 0."""
    w, x, y, z = q / np.sqrt((q * q).sum())
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def placed(turn: ArrayLike, point: ArrayLike) -> Pose:
    """(4, 4) pose of a (3, 3) rotation and a (3,) place."""
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = turn, point
    return out


def chained(*poses: ArrayLike) -> Pose:
    """The product of 4x4 matrices by plain sums, the same on every machine."""
    out = np.asarray(poses[0], np.float64)
    for pose in poses[1:]:
        out = (out[:, :, None] * np.asarray(pose, np.float64)[None]).sum(axis=1)
    return out


def inverse(pose: ArrayLike) -> Pose:
    """The inverse of a rigid pose."""
    p = np.asarray(pose, np.float64)
    return placed(p[:3, :3].T, -(p[:3, :3] * p[:3, 3:]).sum(axis=0))


def moved(pose: ArrayLike, points: ArrayLike) -> NDArray[np.float64]:
    """(..., 3) points moved by a (4, 4) pose, by plain sums."""
    p, x = np.asarray(pose, np.float64), np.asarray(points, np.float64)
    return x[..., :1] * p[:3, 0] + x[..., 1:2] * p[:3, 1] + x[..., 2:3] * p[:3, 2] + p[:3, 3]


def turn_about(axis: ArrayLike, angle: float) -> NDArray[np.float64]:
    """(3, 3) rotation by `angle` radians about a (3,) axis of any length but 0."""
    a = np.asarray(axis, np.float64)
    a = a / np.sqrt((a * a).sum())
    return matrix_of(np.concatenate([[np.cos(angle / 2)], np.sin(angle / 2) * a]))


def about_point(turn: NDArray[np.float64], point: ArrayLike) -> Pose:
    """The motion that turns everything about a point that stays where it is."""
    p = np.asarray(point, np.float64)
    return placed(turn, p - (turn * p).sum(axis=1))


@dataclass(frozen=True)
class Sway:
    """How a head drifts about the place where it is held: slow sums of sines.

    Attributes:
        rates: (6, 3) radians a second of three sines for each of three shifts and three turns.
        phases: (6, 3) radians.
        sizes: (6, 3) metres for the shifts, radians for the turns.
    """

    rates: NDArray[np.float64]
    phases: NDArray[np.float64]
    sizes: NDArray[np.float64]

    @classmethod
    def sample(cls, rng: np.random.Generator, strength: float = 1.0) -> "Sway":
        """A random head: about 5 mm and 0.7 degrees at strength 1, at 0.15 to 1.2 Hz, faster ones smaller."""
        hertz = np.array([0.15, 0.4, 0.9]) * rng.uniform(0.8, 1.35, (6, 3))
        size = np.where(np.arange(6)[:, None] < 3, 0.005, np.radians(0.7)) * np.array([1.0, 0.5, 0.2])
        sizes = strength * size * rng.uniform(0.6, 1.4, (6, 3))
        return cls(2 * np.pi * hertz, rng.uniform(0, 2 * np.pi, (6, 3)), sizes)

    def at(self, time: float) -> Pose:
        """(4, 4) motion of the head in its own frame at a time in seconds."""
        shift = (self.sizes * np.sin(self.rates * time + self.phases)).sum(axis=1)
        turn = turn_about((1, 0, 0), shift[3]) @ turn_about((0, 1, 0), shift[4]) @ turn_about((0, 0, 1), shift[5])
        return placed(turn, shift[:3])
