"""Trends: how a metric follows a quantity that was varied, such as the size of a training set.

Both functions make a statistic for `claims.compare` out of one: the counts of several runs, one for each value of x,
are given side by side as (frames, runs, ...), so that all runs see the same resampled frames, and the slope of their
metric gets an interval as a difference between two methods does.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handseg_lib.errors import ReportError
from handseg_lib.report.claims import Statistic


def line(x: ArrayLike, y: ArrayLike) -> tuple[float, float]:
    """Intercept and slope of the straight line nearest to points, in the sense of least squares.

    Raises:
        ReportError: as `slope`, or if there are not as many y as x.
    """
    x, y = _varied(x), np.asarray(y, np.float64)
    if y.shape != x.shape:
        raise ReportError(f"a line needs one y for each x; got {y.shape} and {x.shape}")
    gain = float((x - x.mean()) @ y / ((x - x.mean()) ** 2).sum())
    return float(y.mean() - gain * x.mean()), gain


def slope(statistic: Statistic, x: Sequence[float]) -> Statistic:
    """The statistic "gain of the metric for each unit of x", by least squares.

    Args:
        statistic: the metric of one run, as for `claims.compare`.
        x: (R,) what was varied, one value a run.

    Raises:
        ReportError: if there are fewer than two different x.
    """
    varied = _varied(x)
    weights = (varied - varied.mean()) / ((varied - varied.mean()) ** 2).sum()
    return lambda means: _each(statistic, means, len(weights)) @ weights


def explained(statistic: Statistic, x: Sequence[float]) -> Statistic:
    """The statistic "share of the metric's variance between runs that a straight line in x explains", R squared.

    Between 0 and 1; 0 where the metric does not vary. Arguments and errors as `slope`.
    """
    varied = _varied(x)
    unit = (varied - varied.mean()) / np.sqrt(((varied - varied.mean()) ** 2).sum())

    def share(means: NDArray[np.float64]) -> NDArray[np.float64]:  # (..., R * K) -> (...)
        y = _each(statistic, means, len(unit))
        y = y - y.mean(axis=-1, keepdims=True)
        total = (y * y).sum(axis=-1)
        return np.divide((y @ unit) ** 2, total, out=np.zeros_like(total), where=total > 1e-24)

    return share


def _each(statistic: Statistic, means: NDArray[np.float64], runs: int) -> NDArray[np.float64]:
    """(..., R * K) means over frames -> (..., R) the metric of each run."""
    if means.shape[-1] % runs:
        raise ReportError(f"{means.shape[-1]} values a frame cannot be shared by {runs} runs; stack one count a run")
    return statistic(means.reshape(*means.shape[:-1], runs, -1))


def _varied(x: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(x, np.float64)
    if values.ndim != 1 or not np.isfinite(values).all() or len(np.unique(values)) < 2:
        raise ReportError(f"a trend needs at least two different finite values of x; got {values.tolist()}")
    return values
