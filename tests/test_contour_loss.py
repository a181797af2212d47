"""The contour loss of DenseAttentionSeg: against loops over pixels, its gradient, flat maps and ignored pixels."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from handseg_lib.losses import blurred, contour_fine_tuning, contour_loss, sobel_magnitude, weighted_cross_entropy

CLASSES = 3


def batch(height: int = 6, width: int = 7, seed: int = 0) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(2, CLASSES, height, width, generator=g), torch.randint(
        0, CLASSES, (2, height, width), generator=g
    )


def square(side: int = 24) -> Tensor:
    """(1, side, side): an object (2) above a hand (1)."""
    labels = torch.zeros(1, side, side, dtype=torch.int64)
    labels[0, 6:12, 6:18], labels[0, 12:18, 6:18] = 2, 1
    return labels


def scores_of(labels: Tensor, height: float = 30.0) -> Tensor:
    """Logits whose softmax is the labels, to float32's precision."""
    return height * torch.nn.functional.one_hot(labels, CLASSES).movedim(-1, 1).float()


def slow_contours(maps: np.ndarray) -> np.ndarray:
    """B(S(M)) of one image, (C, H, W) -> (H, W), in loops over pixels, classes and window."""
    _, height, width = maps.shape

    def at(plane: np.ndarray, y: int, x: int) -> float:
        return plane[min(max(y, 0), height - 1), min(max(x, 0), width - 1)]

    steep = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            for plane in maps[1:]:
                right = sum(
                    w * (at(plane, y + d, x + 1) - at(plane, y + d, x - 1)) for d, w in ((-1, 1), (0, 2), (1, 1))
                )
                down = sum(
                    w * (at(plane, y + 1, x + d) - at(plane, y - 1, x + d)) for d, w in ((-1, 1), (0, 2), (1, 1))
                )
                steep[y, x] += math.hypot(right, down)
    soft, total = np.zeros((height, width)), 0.0
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            weight = math.exp(-(dy * dy + dx * dx) / (2 * 2.121**2))
            total += weight
            for y in range(height):
                for x in range(width):
                    soft[y, x] += weight * at(steep, y + dy, x + dx)
    return soft / total


def slow_loss(logits: Tensor, labels: Tensor, on: str) -> float:
    maps = (logits.softmax(1) if on == "softmax" else logits).double().numpy()
    true = torch.nn.functional.one_hot(labels, CLASSES).movedim(-1, 1).double().numpy()
    differences = [slow_contours(t) - slow_contours(m) for t, m in zip(true, maps, strict=True)]
    return float(np.mean(np.square(differences)))


@pytest.mark.parametrize("on", ["softmax", "logits"])
def test_matches_loops_over_pixels(on: str) -> None:
    logits, labels = batch()
    assert float(contour_loss(logits.double(), labels, on)) == pytest.approx(slow_loss(logits.double(), labels, on))
    assert float(contour_loss(logits, labels, on)) == pytest.approx(slow_loss(logits, labels, on), rel=1e-5)


def test_sobel_of_a_step_by_hand() -> None:
    maps = torch.zeros(1, 3, 5, 6)
    maps[:, 1, :, 3:] = 1
    assert sobel_magnitude(maps)[0].tolist() == [[0, 0, 4, 4, 0, 0]] * 5
    maps[:, 2] = maps[:, 1]  # classes add up, the background does not count
    maps[:, 0] = torch.randn(5, 6)
    assert sobel_magnitude(maps)[0, 2].tolist() == [0, 0, 8, 8, 0, 0]


def test_blur_by_hand_and_its_sum() -> None:
    point = torch.zeros(1, 9, 9)
    point[0, 4, 4] = 1
    spread = blurred(point)[0]
    assert spread.sum() == pytest.approx(1) and int((spread > 0).sum()) == 25
    assert spread[4, 4] / spread[4, 5] == pytest.approx(math.exp(1 / (2 * 2.121**2)))
    assert spread[2, 2] / spread[4, 4] == pytest.approx(math.exp(-8 / (2 * 2.121**2)))
    torch.testing.assert_close(blurred(torch.full((2, 3, 4), 7.0)), torch.full((2, 3, 4), 7.0))  # also at the border


def test_the_border_of_the_image_is_no_contour() -> None:
    assert sobel_magnitude(torch.ones(1, 3, 4, 5)).abs().max() == 0


@pytest.mark.parametrize("on", ["softmax", "logits"])
def test_gradient_matches_finite_differences(on: str) -> None:
    logits, labels = batch(4, 5)
    labels[0, 0, 0] = 255
    logits = logits.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: contour_loss(z, labels, on), logits)


def test_whole_objective_has_the_right_gradient() -> None:
    logits, labels = batch(3, 4)
    weights = torch.tensor([1.0, 5, 5], dtype=torch.float64)
    logits = logits.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: contour_fine_tuning(z, labels, weights, beta=0.7), logits)


@pytest.mark.parametrize("on", ["softmax", "logits"])
def test_flat_maps_have_a_finite_gradient(on: str) -> None:
    """The root of a sum of squares has an infinite slope at zero; times zero it would be NaN."""
    logits = torch.zeros(1, CLASSES, 24, 24, requires_grad=True)
    contour_loss(logits, square(), on).backward()
    assert bool((logits.grad == 0).all())
    partly = torch.zeros(1, CLASSES, 24, 24)
    partly[:, 1, 10, 10] = 1e-30  # its square is zero in float32
    partly.requires_grad_()
    contour_loss(partly, square(), on).backward()
    assert bool(partly.grad.isfinite().all())


def test_right_answers_cost_nothing_on_softmax_but_not_on_logits() -> None:
    labels = square()
    assert float(contour_loss(scores_of(labels), labels)) == pytest.approx(0, abs=1e-10)
    assert float(contour_loss(scores_of(labels), labels, "logits")) > 100  # contours 30 times as high
    assert float(contour_loss(scores_of(labels, 1.0), labels, "logits")) == 0


def test_logits_see_what_softmax_does_not() -> None:
    """A constant added to all scores of a pixel changes no probability."""
    logits, labels = batch()
    shifted = logits + torch.randn(2, 1, 6, 7, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(contour_loss(shifted, labels), contour_loss(logits, labels))
    assert float(contour_loss(shifted, labels, "logits")) != pytest.approx(
        float(contour_loss(logits, labels, "logits"))
    )


def test_grows_with_the_contours_displacement() -> None:
    labels = square(32)
    losses = [float(contour_loss(scores_of(labels.roll(d, 2)), labels)) for d in range(5)]
    assert losses == sorted(losses) and losses[0] < 1e-9 < losses[1]


def test_mirroring_the_image_changes_nothing() -> None:
    logits, labels = batch()
    for axis in (-1, -2):
        torch.testing.assert_close(contour_loss(logits.flip(axis), labels.flip(axis)), contour_loss(logits, labels))


def test_ignored_pixels_and_what_they_reach_do_not_count() -> None:
    logits, labels = batch(12, 12)
    labels[:, 0, 0] = 255
    changed = logits.clone().requires_grad_()
    changed.data[:, :, 0, 0] += 5
    loss = contour_loss(changed, labels)
    torch.testing.assert_close(loss, contour_loss(logits, labels))
    loss.backward()
    assert changed.grad[:, :, 0, 0].abs().max() == 0
    by_hand = np.square(
        [
            slow_contours(t) - slow_contours(m)
            for t, m in zip(
                torch.nn.functional.one_hot(labels % 255, CLASSES).movedim(-1, 1).double().numpy(),
                logits.double().softmax(1).numpy(),
                strict=True,
            )
        ]
    )
    counted = np.ones((2, 12, 12), bool)
    counted[:, :4, :4] = False
    assert float(loss.detach()) == pytest.approx(by_hand[counted].mean(), rel=1e-5)


def test_all_ignored_is_zero_and_not_nan() -> None:
    logits, labels = batch()
    logits.requires_grad_()
    loss = contour_loss(logits, torch.full_like(labels, 255))
    loss.backward()
    assert float(loss.detach()) == 0 and bool((logits.grad == 0).all())


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3)])
def test_tiny_images(size: tuple[int, int]) -> None:
    logits, labels = batch(*size)
    assert float(contour_loss(logits, labels)) == pytest.approx(
        slow_loss(logits, labels, "softmax"), rel=1e-5, abs=1e-7
    )


def test_eq_6_is_the_weighted_sum() -> None:
    logits, labels = batch()
    weights = torch.tensor([1.0, 5, 5])
    entropy, contour = weighted_cross_entropy(logits, labels, weights), contour_loss(logits, labels)
    torch.testing.assert_close(contour_fine_tuning(logits, labels, weights), entropy + 0.005 * contour)
    torch.testing.assert_close(contour_fine_tuning(logits, labels, weights, 0, 2), 2 * contour)


def test_half_precision_is_computed_in_float32_also_under_autocast() -> None:
    logits, labels = batch()
    low = logits.bfloat16()
    expected = contour_loss(low.float(), labels)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(contour_loss(low, labels), expected) and expected.dtype == torch.float32


def test_same_bits_in_deterministic_mode() -> None:
    logits, labels = batch(24, 24)
    grads = []
    torch.use_deterministic_algorithms(True)
    try:
        for _ in range(2):
            z = logits.clone().requires_grad_()
            contour_fine_tuning(z, labels).backward()
            grads.append(z.grad)
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(*grads)


def test_descent_sharpens_a_blurred_square() -> None:
    labels = square()
    soft = torch.nn.functional.avg_pool2d(scores_of(labels, 6.0), 7, stride=1, padding=3).requires_grad_()
    optimiser = torch.optim.Adam([soft], 0.1)
    first = float(contour_loss(soft, labels).detach())
    for _ in range(40):
        optimiser.zero_grad()
        contour_fine_tuning(soft, labels, beta=1.0).backward()
        optimiser.step()
    assert float(contour_loss(soft, labels).detach()) < 0.2 * first


def test_refuses_what_it_does_not_know() -> None:
    logits, labels = batch()
    with pytest.raises(ValueError, match="'softmax' or 'logits', got 'sigmoid'"):
        contour_loss(logits, labels, "sigmoid")
    labels[0, 0, 0] = 3
    with pytest.raises(ValueError, match="labels hold 3; class ids here are 0 to 2"):
        contour_loss(logits, labels)
