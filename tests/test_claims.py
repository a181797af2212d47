import numpy as np
import pytest

from handseg_lib.errors import ReportError
from handseg_lib.metrics import ConfusionMatrix
from handseg_lib.report import claims


def sample(rng, effect, seeds=3, frames=60, between=0.02, hard=0.15):
    """Two methods on the same frames: shared difficulty, a true effect, and a spread between trainings."""
    difficulty = rng.normal(0, hard, frames)
    a, b = [], []
    for _ in range(seeds):
        shift = rng.normal(0, between)
        a.append(0.8 + effect + shift + difficulty + rng.normal(0, 0.05, frames))
        b.append(0.8 + difficulty + rng.normal(0, 0.05, frames))
    return a, b


def iou(counts):
    """IoU from (..., 3) mean counts of hits, false alarms and misses."""
    return counts[..., 0] / counts.sum(-1)


def test_effect_by_hand():
    effect = claims.compare([[0.9, 0.7], [0.8, 0.8]], [[0.8, 0.6], [0.6, 0.6]])
    assert effect.by_seed == pytest.approx((0.1, 0.2))
    assert effect.value == pytest.approx(0.15)
    assert effect.seed_error == pytest.approx(0.05)  # sqrt(((0.05)² + (0.05)²) / 1) / sqrt(2)
    assert effect.frame_error == pytest.approx(0.0, abs=1e-12)  # the difference is the same on every frame


def test_pairing_removes_the_difficulty_of_frames():
    a, b = sample(np.random.default_rng(0), effect=0.05, between=0.0)
    paired = claims.compare(a, b)
    shuffled = claims.compare(a, [np.random.default_rng(1).permutation(x) for x in b])
    assert paired.high - paired.low < 0.5 * (shuffled.high - shuffled.low)


@pytest.mark.parametrize(("seeds", "between"), [(1, 0.0), (3, 0.02), (5, 0.05), (3, 0.0)])
def test_interval_covers_the_true_effect(seeds, between):
    """About 95 of 100 intervals must hold the truth, for any mixture of the two sources of chance."""
    rng = np.random.default_rng(7)
    trials, hits = 300, 0
    for _ in range(trials):
        effect = claims.compare(*sample(rng, 0.03, seeds, between=between), resamples=200)
        hits += effect.low <= 0.03 <= effect.high
    assert 0.91 <= hits / trials <= 0.995


def test_no_effect_is_rarely_called_reproduced():
    rng = np.random.default_rng(3)
    verdicts = [claims.compare(*sample(rng, 0.0), resamples=200).verdict()[0] for _ in range(200)]
    assert verdicts.count(claims.REPRODUCED) <= 14  # 2.5% expected
    assert verdicts.count(claims.NOT_DECIDED) >= 175


def test_verdicts():
    rng = np.random.default_rng(5)
    large = sample(rng, 0.2)
    assert claims.compare(*large).verdict() == (claims.REPRODUCED, "the whole interval is above 0")
    assert claims.compare(*large[::-1]).verdict()[0] == claims.NOT_REPRODUCED
    assert claims.compare(*large).verdict(margin=0.2)[0] == claims.NOT_DECIDED
    two = claims.compare(large[0][:2], large[1][:2])
    assert two.verdict() == (claims.NOT_DECIDED, "2 of 3 seeds needed")


def test_against_a_number():
    effect = claims.compare([[0.95, 0.97] * 4] * 3, 0.9)
    assert effect.value == pytest.approx(0.06) and effect.verdict()[0] == claims.REPRODUCED


def test_counts_give_the_metric_of_the_whole_set():
    """IoU of summed counts differs from the mean of the frames' IoUs; the statistic gets the former."""
    counts = np.array([[90, 5, 5], [1, 5, 4]], float)
    effect = claims.compare([counts], 0.0, iou)
    assert effect.value == pytest.approx(91 / 110)
    assert effect.value != pytest.approx((0.9 + 0.1) / 2)


def test_mean_iou_of_counts_is_the_metric_of_the_confusion_matrix():
    names = ("background", "left hand", "right hand")
    counts = np.random.default_rng(0).integers(0, 50, (20, 3, 3))
    counts[:3, 2], counts[:3, :, 2] = 0, 0  # frames without a right hand
    statistic = claims.mean_iou(3, of=(1, 2))
    whole = claims.compare([counts], 0.0, statistic)
    assert whole.value == pytest.approx(ConfusionMatrix(names, counts=counts.sum(0)).mean_iou_hands())
    one = ConfusionMatrix(names, counts=counts[0]).mean_iou_hands()
    assert statistic(counts[0].reshape(-1).astype(float)) == pytest.approx(one)


def test_bootstrap_error_matches_the_formula_for_a_mean():
    scores = np.random.default_rng(0).normal(size=400)
    effect = claims.compare([scores], 0.0, resamples=4000)
    assert effect.frame_error == pytest.approx(scores.std() / 20, rel=0.05)


def test_same_seed_same_interval():
    a, b = sample(np.random.default_rng(0), 0.1)
    assert claims.compare(a, b) == claims.compare(a, b)


def test_bad_input_is_named():
    with pytest.raises(ReportError, match=r"\(1, 3, 1\) and \(1, 2, 1\)"):
        claims.compare([[1, 2, 3]], [[1, 2]])
    with pytest.raises(ReportError, match="ours: 1 values are not finite"):
        claims.compare([[1, np.nan]], 0.0)
    with pytest.raises(ReportError, match="at least 2 frames"):
        claims.compare([[1]], 0.0)
    with pytest.raises(ReportError, match="got shapes"):
        claims.compare([], 0.0)
