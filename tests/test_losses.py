"""The losses against torch, a pixel loop, worked examples and finite differences."""

import math

import pytest
import torch
from torch.nn import functional as F

from handseg_lib.losses import check_labels, class_frequency_weights, weighted_cross_entropy


def batch(shape: tuple[int, int, int, int] = (2, 3, 5, 7), seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=g) * 3, torch.randint(0, shape[1], (shape[0], *shape[2:]), generator=g)


WEIGHTS = torch.tensor([0.2, 3.0, 5.0])


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_matches_torch(weights: torch.Tensor | None) -> None:
    logits, labels = batch()
    labels[0, 0] = 255
    expected = F.cross_entropy(logits, labels, weights, ignore_index=255)
    torch.testing.assert_close(weighted_cross_entropy(logits, labels, weights), expected)


def test_matches_a_pixel_loop() -> None:
    logits, labels = batch((2, 3, 2, 3))
    labels[1, 1, 2] = 255
    top = bottom = 0.0
    for n in range(2):
        for y in range(2):
            for x in range(3):
                t = int(labels[n, y, x])
                if t != 255:
                    scores = logits[n, :, y, x].tolist()
                    p = math.exp(scores[t]) / sum(map(math.exp, scores))
                    top -= float(WEIGHTS[t]) * math.log(p)
                    bottom += float(WEIGHTS[t])
    assert float(weighted_cross_entropy(logits, labels, WEIGHTS)) == pytest.approx(top / bottom, rel=1e-5)


def test_gradient_matches_finite_differences() -> None:
    logits, labels = batch((1, 3, 3, 2))
    labels[0, 0, 0] = 255
    logits = logits.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: weighted_cross_entropy(z, labels, WEIGHTS.double()), logits)


def test_equal_scores_cost_the_logarithm_of_the_number_of_classes() -> None:
    _, labels = batch()
    assert float(weighted_cross_entropy(torch.zeros(2, 3, 5, 7), labels, WEIGHTS)) == pytest.approx(math.log(3))


def test_only_ratios_of_weights_matter() -> None:
    logits, labels = batch()
    torch.testing.assert_close(
        weighted_cross_entropy(logits, labels, WEIGHTS), weighted_cross_entropy(logits, labels, 40 * WEIGHTS)
    )


def test_frequency_weights_make_each_class_count_the_same() -> None:
    """90 background pixels and 10 hand pixels, all scored alike: the hand's share of the loss rises to a half."""
    labels = torch.zeros(1, 10, 10, dtype=torch.int64)
    labels[0, 0] = 1
    logits = torch.zeros(1, 2, 10, 10, requires_grad=True)
    weights = class_frequency_weights(labels.flatten().bincount())
    weighted_cross_entropy(logits, labels, weights).backward()
    pull = logits.grad[0, 1]  # towards (negative) or away from (positive) the hand class
    assert float(pull[0].sum()) == pytest.approx(-0.25) and float(pull[1:].sum()) == pytest.approx(0.25)


def test_half_precision_is_computed_in_float32() -> None:
    logits, labels = batch()
    low = logits.bfloat16()
    loss = weighted_cross_entropy(low, labels, WEIGHTS)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, weighted_cross_entropy(low.float(), labels, WEIGHTS), rtol=0, atol=0)


def test_huge_scores_stay_finite() -> None:
    logits, labels = batch()
    assert torch.isfinite(weighted_cross_entropy(logits * 1e4, labels, WEIGHTS))


def test_all_ignored_is_zero_and_not_nan() -> None:
    logits, labels = batch()
    logits.requires_grad_()
    loss = weighted_cross_entropy(logits, torch.full_like(labels, 255), WEIGHTS)
    loss.backward()
    assert float(loss.detach()) == 0 and bool((logits.grad == 0).all())


def test_weights_worked_example() -> None:
    counts = [900, 75, 25]
    assert class_frequency_weights(counts, "none").tolist() == [1, 1, 1]
    assert class_frequency_weights(counts, "frequency").tolist() == pytest.approx([1000 / 2700, 1000 / 225, 1000 / 75])
    assert class_frequency_weights(counts, "median").tolist() == pytest.approx([75 / 900, 1, 3])


def test_square_root_weights_lie_halfway_between_none_and_frequency() -> None:
    counts = torch.tensor([900, 90, 10])
    none, full, root = (class_frequency_weights(counts, scheme) for scheme in ("none", "frequency", "sqrt"))
    torch.testing.assert_close(root.log(), (none.log() + full.log()) / 2)


def test_median_weights_judge_a_class_only_by_images_that_hold_it() -> None:
    weights = class_frequency_weights([900, 75, 25], "median", image_pixels=[1000, 1000, 100])
    assert weights.tolist() == pytest.approx([0.25 / 0.9, 0.25 / 0.075, 1])  # frequencies 0.9, 0.075, 0.25


@pytest.mark.parametrize("scheme", ["frequency", "sqrt", "median"])
def test_a_class_without_pixels_gets_no_weight(scheme: str) -> None:
    weights = class_frequency_weights(torch.tensor([50, 0, 50]), scheme)
    assert weights[1] == 0 and torch.isfinite(weights).all() and weights[0] == weights[2] > 0


def test_refuses_bad_counts_and_schemes() -> None:
    for counts in ([0, 0], [-1, 5], [[1, 2]]):
        with pytest.raises(ValueError, match="vector of pixel counts"):
            class_frequency_weights(counts)
    with pytest.raises(ValueError, match=r"'inverse'.*'frequency'"):
        class_frequency_weights([1, 2], "inverse")


def test_rejects_label_out_of_range() -> None:
    logits, labels = batch()
    labels[0, 0, 0], labels[0, 0, 1] = 7, -1
    with pytest.raises(ValueError, match="labels hold -1, 7; class ids here are 0 to 2"):
        check_labels(labels, logits)


def test_rejects_wrong_shapes_and_types() -> None:
    logits, labels = batch()
    with pytest.raises(ValueError, match=r"got \(2, 3, 5, 7\) and \(2, 5, 6\)"):
        weighted_cross_entropy(logits, labels[..., :6])
    with pytest.raises(TypeError, match=r"got torch.uint8"):
        weighted_cross_entropy(logits, labels.byte())
    with pytest.raises(TypeError, match=r"torch.int64 and torch.int64"):
        weighted_cross_entropy(logits.long(), labels)
    with pytest.raises(ValueError, match=r"weights must be \(3,\), one a class, got \(2,\)"):
        weighted_cross_entropy(logits, labels, torch.ones(2))
