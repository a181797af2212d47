"""Slopes and explained shares, against numpy's polynomials and correlations."""

import numpy as np
import pytest

from handseg_lib.errors import ReportError
from handseg_lib.report import claims, trends

X = (3.0, 4.0, 6.0, 9.0)


def mean_of_scores(means):
    return means[..., 0]


@pytest.fixture
def scores():
    """(frames, runs): each run's score on each frame."""
    rng = np.random.default_rng(5)
    return 0.3 + 0.05 * np.array(X) + rng.normal(0, 0.1, (200, len(X)))


def test_a_line_is_that_of_numpy(scores):
    y = scores.mean(axis=0)
    gain, start = np.polyfit(X, y, 1)
    np.testing.assert_allclose(trends.line(X, y), (start, gain))
    assert trends.line([1, 2], [5.0, 7.0]) == (3.0, 2.0)


def test_the_slope_of_all_frames_and_its_interval(scores):
    effect = claims.compare([scores], 0.0, trends.slope(mean_of_scores, X), resamples=500)
    assert effect.value == pytest.approx(np.polyfit(X, scores.mean(axis=0), 1)[0])
    assert effect.low < 0.05 < effect.high and effect.low > 0
    by_frame = [np.polyfit(X, row, 1)[0] for row in scores]  # the slope is linear in the scores
    assert effect.frame_error == pytest.approx(np.std(by_frame) / np.sqrt(len(scores)), rel=0.2)


def test_the_explained_share_is_a_squared_correlation(scores):
    measure = trends.explained(mean_of_scores, X)
    y = scores.mean(axis=0)
    assert float(measure(y)) == pytest.approx(np.corrcoef(X, y)[0, 1] ** 2)
    assert float(measure(np.full(4, 0.7))) == 0.0
    batch = measure(np.stack([y, 1 - 2 * y]))
    np.testing.assert_allclose(batch, float(measure(y)))


def test_counts_of_several_runs(scores):
    counts = np.random.default_rng(0).integers(1, 50, (30, len(X), 3, 3))
    effect = claims.compare([counts], 0.0, trends.slope(claims.mean_iou(3, (1, 2)), X), resamples=50)
    total = counts.sum(axis=0)
    hits = np.einsum("rcc->rc", total)
    ious = (hits / (total.sum(1) + total.sum(2) - hits))[:, 1:].mean(axis=1)
    assert effect.value == pytest.approx(np.polyfit(X, ious, 1)[0])


@pytest.mark.parametrize("x", [(), (2.0, 2.0), (1.0, np.nan), ((1.0, 2.0), (3.0, 4.0))])
def test_x_must_vary(x):
    with pytest.raises(ReportError, match="two different finite values"):
        trends.slope(mean_of_scores, x)


def test_counts_that_do_not_fit_are_refused():
    with pytest.raises(ReportError, match="cannot be shared by 4 runs"):
        trends.slope(mean_of_scores, X)(np.zeros(7))
    with pytest.raises(ReportError, match="one y for each x"):
        trends.line(X, [1.0])
