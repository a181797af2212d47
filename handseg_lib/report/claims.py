"""Claims: a sentence of a paper, tested on measured runs.

Two questions are kept apart. Would other test frames have given the same answer? A bootstrap over frames says: both
methods see the same resampled frames, so that hard frames are hard for both. Would another training have given it?
The spread between seeds says. With both variances the effect gets one interval (Student's t with the degrees of
freedom of Welch and Satterthwaite). No verdict is given from fewer than three seeds.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handseg_lib.errors import ReportError

REPRODUCED, NOT_REPRODUCED, NOT_DECIDED = "reproduced", "not reproduced", "not decided"

SEEDS_NEEDED = 3
"""A verdict needs this many seeds of each side."""

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From means over frames (..., K) to the metric (...): the identity for per-frame scores, or a metric of counts."""


@dataclass(frozen=True)
class Effect:
    """How much larger a metric is on one side than on the other.

    Attributes:
        value: mean over seeds of the difference, in the metric's own unit.
        low, high: ends of the interval.
        level: its confidence level.
        by_seed: the difference for each seed.
        frames: number of test frames.
        frame_error: standard error from the choice of test frames.
        seed_error: standard error from training; NaN with one seed.
    """

    value: float
    low: float
    high: float
    level: float
    by_seed: tuple[float, ...]
    frames: int
    frame_error: float
    seed_error: float

    @property
    def seeds(self) -> int:
        """Number of seeds."""
        return len(self.by_seed)

    def verdict(self, margin: float = 0.0) -> tuple[str, str]:
        """(verdict, reason) on the claim that the effect is larger than `margin`."""
        if self.seeds < SEEDS_NEEDED:
            return NOT_DECIDED, f"{self.seeds} of {SEEDS_NEEDED} seeds needed"
        if self.low > margin:
            return REPRODUCED, f"the whole interval is above {margin:g}"
        if self.high < margin:
            return NOT_REPRODUCED, f"the whole interval is below {margin:g}"
        return NOT_DECIDED, f"the interval includes {margin:g}"


def compare(
    ours: Sequence[ArrayLike],
    other: Sequence[ArrayLike] | float,
    statistic: Statistic | None = None,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Effect:
    """Effect of `ours` over `other`, on the same test frames, over seeds.

    Args:
        ours: one array a seed, (F,) scores or (F, ...) counts of F test frames in the same order.
        other: the same for the other method, paired by position; or a number to compare with.
        statistic: turns means over frames, (..., K) with counts flattened to K, into the metric (...), as
            `mean_iou` does. None: the mean of (F,) scores.
        level: confidence level of the interval.
        resamples: bootstrap samples of the frames.
        seed: of the resampling.

    Raises:
        ReportError: if a side is empty, shapes differ between sides or seeds, or a score is not finite.
    """
    a = _stack(ours, "ours")
    b = None if isinstance(other, int | float) else _stack(other, "other")
    if b is not None and a.shape != b.shape:
        raise ReportError(f"a paired comparison needs equal shapes (seeds, frames, ...), got {a.shape} and {b.shape}")
    measure = statistic or (lambda means: means[..., 0])
    frames, seeds = a.shape[1], a.shape[0]

    def difference(weights: NDArray[np.float64]) -> NDArray[np.float64]:  # (B, F) -> (seeds, B)
        return measure(weights @ a) - (float(other) if b is None else measure(weights @ b))

    by_seed = difference(np.full((1, frames), 1 / frames))[:, 0]
    if not np.isfinite(by_seed).all():
        raise ReportError(f"the statistic is not finite on all frames: {by_seed.tolist()} by seed")
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(frames, np.full(frames, 1 / frames), resamples) / frames
    resampled = difference(weights).mean(0)
    resampled = resampled[np.isfinite(resampled)]  # a resample without the class in question says nothing
    value, frame_error = float(by_seed.mean()), float(resampled.std(ddof=1))
    if seeds == 1:
        low, high = (float(q) for q in np.quantile(resampled, ((1 - level) / 2, (1 + level) / 2)))
        return Effect(value, low, high, level, tuple(by_seed.tolist()), frames, frame_error, math.nan)
    seed_error = float(by_seed.std(ddof=1) / math.sqrt(seeds))
    half = _half_width(frame_error, frames - 1, seed_error, seeds - 1, level)
    return Effect(value, value - half, value + half, level, tuple(by_seed.tolist()), frames, frame_error, seed_error)


def mean_iou(classes: int, of: Sequence[int]) -> Statistic:
    """The statistic "mean IoU of these classes" for per-frame counts, `run.tests[name].counts` with (C, C) flattened.

    Args:
        classes: C, the number of classes counted.
        of: ids of the classes that are averaged; absent ones are left out.
    """

    def statistic(means: NDArray[np.float64]) -> NDArray[np.float64]:  # (..., C * C) -> (...)
        counts = means.reshape(*means.shape[:-1], classes, classes)
        hits = np.diagonal(counts, axis1=-2, axis2=-1)[..., list(of)]
        union = (counts.sum(-1) + counts.sum(-2))[..., list(of)] - hits
        return _mean_of_present(hits, union)

    return statistic


def mean_boundary_iou(classes: int, of: Sequence[int]) -> Statistic:
    """The statistic "mean boundary IoU of these classes" for `run.tests[name].boundary` with (C, 2) flattened.

    Args:
        classes: C, the number of classes counted.
        of: ids of the classes that are averaged; absent ones are left out.
    """

    def statistic(means: NDArray[np.float64]) -> NDArray[np.float64]:  # (..., C * 2) -> (...)
        common, either = np.moveaxis(means.reshape(*means.shape[:-1], classes, 2)[..., list(of), :], -1, 0)
        return _mean_of_present(common, either)

    return statistic


def _mean_of_present(hits: NDArray[np.float64], union: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., K) -> (...): mean of hits / union over those with a union; NaN where none has one."""
    ious = np.divide(hits, union, out=np.zeros_like(hits), where=union > 0)
    present = (union > 0).sum(-1)
    return np.divide(ious.sum(-1), present, out=np.full(present.shape, np.nan), where=present > 0)


def _half_width(frame_error: float, frame_dof: int, seed_error: float, seed_dof: int, level: float) -> float:
    """Half the interval: t quantile times the joint standard error, Welch and Satterthwaite's degrees of freedom."""
    from scipy.stats import t  # slow to import, and only needed here

    frame_variance, seed_variance = frame_error**2, seed_error**2
    total = frame_variance + seed_variance
    if total == 0:
        return 0.0
    dof = total**2 / (frame_variance**2 / frame_dof + seed_variance**2 / seed_dof)
    return float(t.ppf((1 + level) / 2, dof) * math.sqrt(total))


def _stack(sides: Sequence[ArrayLike], name: str) -> NDArray[np.float64]:
    """(seeds, F, K) float64 from one (F,) or (F, ...) array a seed."""
    arrays = [np.asarray(side, np.float64) for side in sides]
    if not arrays or any(x.shape != arrays[0].shape or x.ndim < 1 or len(x) < 2 for x in arrays):
        raise ReportError(
            f"{name}: one array (frames,) or (frames, ...) a seed, all alike, at least 2 frames; "
            f"got shapes {[x.shape for x in arrays]}"
        )
    stacked = np.stack([x.reshape(len(x), -1) for x in arrays])
    if not np.isfinite(stacked).all():
        raise ReportError(
            f"{name}: {int((~np.isfinite(stacked)).sum())} values are not finite; drop those frames first"
        )
    return stacked
