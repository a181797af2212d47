"""Losses. Each takes raw scores and class ids, computes in float32 or better, and returns a scalar to minimise."""

from typing import Literal

import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional as F

IGNORE = 255
"""Label of pixels that do not count (padding, void); the same value as in the metrics."""

Weighting = Literal["none", "frequency", "median", "sqrt"]

ContourInput = Literal["softmax", "logits"]

BLUR = 5, 2.121
"""Side in pixels and standard deviation of the Gaussian of the contour loss: DenseAttentionSeg Section 4.4."""


def check_labels(labels: Tensor, logits: Tensor, ignore_index: int = IGNORE) -> None:
    """Refuse labels that do not belong to these scores; every loss calls this first.

    Args:
        labels: (N, H, W) int64 class ids in [0, C), or `ignore_index`.
        logits: (N, C, H, W) raw class scores of any float type.

    Raises:
        TypeError: if the labels are not int64 or the scores are not floating point.
        ValueError: if shapes disagree or a label is no class; the message names what was got.
    """
    if labels.dtype != torch.int64 or not logits.is_floating_point():
        raise TypeError(f"expected int64 labels and float logits, got {labels.dtype} and {logits.dtype}")
    if logits.ndim != 4 or labels.shape != (logits.shape[0], *logits.shape[2:]):
        raise ValueError(
            f"logits (N, C, H, W) and labels (N, H, W) disagree: got {tuple(logits.shape)} and {tuple(labels.shape)}"
        )
    classes = logits.shape[1]
    wrong = ((labels < 0) | (labels >= classes)) & (labels != ignore_index)
    if wrong.any():
        found = ", ".join(map(str, labels[wrong].unique().tolist()[:8]))
        raise ValueError(f"labels hold {found}; class ids here are 0 to {classes - 1}, and {ignore_index} is ignored")


def class_frequency_weights(
    counts: ArrayLike | Tensor, scheme: Weighting = "frequency", image_pixels: ArrayLike | Tensor | None = None
) -> Tensor:
    """Class weights from pixel counts, so that the background does not drown the hands: HandSeg Section 5.1.

    HandSeg says only that class frequency enters the loss; the formula is ours to choose:

    - `none`: 1 for every class.
    - `frequency`: total / (C n_c), the inverse of the class's frequency.
    - `sqrt`: the square root of `frequency`, halfway between the two: rare classes are learnt early, and their
      outlines do not swell.
    - `median`: median frequency / f_c with f_c = n_c / `image_pixels`_c (Eigen and Fergus 2015, as in SegNet).

    `weighted_cross_entropy` divides by the sum of the weights, so only their ratios matter, and `median` differs from
    `frequency` only where classes are missing from some images.

    Args:
        counts: (C,) number of pixels of each class in the training set.
        scheme: one of the four above.
        image_pixels: (C,) pixels of all images that hold the class at all; default: every image holds every class.

    Returns:
        (C,) float32. A class without a pixel gets 0: no pixel asks for its weight.

    Raises:
        ValueError: for an unknown scheme, or counts that are negative, not a vector or all 0.
    """
    n = torch.as_tensor(counts).to(torch.float64)
    if n.ndim != 1 or not bool((n >= 0).all()) or n.sum() == 0:
        raise ValueError(f"counts must be a vector of pixel counts with a positive sum, got {counts}")
    if scheme == "none":
        return torch.ones(len(n))
    present = n > 0
    if scheme in ("frequency", "sqrt"):
        weights = n.sum() / (len(n) * n)
        weights = weights.sqrt() if scheme == "sqrt" else weights
    elif scheme == "median":
        frequency = n / (n.sum() if image_pixels is None else torch.as_tensor(image_pixels).to(torch.float64))
        weights = frequency[present].quantile(0.5) / frequency
    else:
        raise ValueError(f"unknown weighting {scheme!r}; there are 'none', 'frequency', 'sqrt' and 'median'")
    return torch.where(present, weights, 0).float()


def weighted_cross_entropy(
    logits: Tensor, labels: Tensor, weights: Tensor | None = None, ignore_index: int = IGNORE
) -> Tensor:
    """Softmax cross-entropy in which each pixel counts with the weight of its true class: HandSeg Section 5.1.

    - sum_i w(y_i) log p_i(y_i) / sum_i w(y_i) over the pixels i that are not ignored.

    Args:
        logits: (N, C, H, W) raw class scores, any float type; computed in float32, float64 stays float64.
        labels: (N, H, W) int64 class ids in [0, C), or `ignore_index`.
        weights: (C,) of each class, from `class_frequency_weights`; None for 1.
        ignore_index: label of pixels that do not count.

    Returns:
        Scalar. 0 (with zero gradient, not NaN) where every pixel is ignored or of weight 0.

    Raises:
        TypeError, ValueError: as `check_labels`, or if `weights` is not (C,).
    """
    check_labels(labels, logits, ignore_index)
    scores = logits if logits.dtype == torch.float64 else logits.float()
    if weights is not None and weights.shape != (logits.shape[1],):
        raise ValueError(f"weights must be ({logits.shape[1]},), one a class, got {tuple(weights.shape)}")
    counted = labels != ignore_index
    true = torch.where(counted, labels, 0)  # (N, H, W), any class where ignored
    log_p = F.log_softmax(scores, dim=1).gather(1, true[:, None])[:, 0]  # (N, H, W)
    w = counted.to(scores.dtype) if weights is None else weights.to(scores)[true] * counted
    return -(w * log_p).sum() / w.sum().clamp_min(torch.finfo(scores.dtype).tiny)


def sobel_magnitude(maps: Tensor) -> Tensor:
    """How steep the maps of all classes but the background are, added up: DenseAttentionSeg, Eq. 3.

    sum_l sqrt((K_h * M_l)^2 + (K_v * M_l)^2), l = 1 .. n-1, with the plain Sobel kernels: a step of height 1 along a
    row or column gives 4 in the two pixels beside it. Beyond the border each map goes on as it ends, so the border
    itself is no contour. Where a map is flat its gradient is 0, not the NaN of the square root; differences are taken
    before they are added up, so that rounding cannot make a flat map steep.

    Args:
        maps: (N, C, H, W) of any float type; channel 0 is the background.

    Returns:
        (N, H, W) of the same type.
    """
    padded = F.pad(maps[:, 1:], (1, 1, 1, 1), mode="replicate")  # (N, C-1, H+2, W+2)
    right = padded[..., 2:] - padded[..., :-2]  # (N, C-1, H+2, W)
    down = padded[..., 2:, :] - padded[..., :-2, :]  # (N, C-1, H, W+2)
    across = right[..., :-2, :] + 2 * right[..., 1:-1, :] + right[..., 2:, :]  # K_h * M
    along = down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]  # K_v * M
    return torch.linalg.vector_norm(torch.stack([across, along]), dim=0).sum(1)  # the norm's gradient at zero is zero


def blurred(contours: Tensor) -> Tensor:
    """Contours widened by a Gaussian whose weights add up to 1: DenseAttentionSeg, Eq. 4.

    Args:
        contours: (N, H, W) of any float type; beyond the border they go on as they end.
    """
    side, sigma = BLUR
    distance = torch.arange(side, dtype=contours.dtype, device=contours.device) - side // 2
    bell = torch.exp(-(distance**2) / (2 * sigma**2))
    kernel = torch.outer(bell, bell) / bell.sum() ** 2
    padded = F.pad(contours[:, None], (side // 2,) * 4, mode="replicate")
    return F.conv2d(padded, kernel[None, None])[:, 0]


def contour_loss(logits: Tensor, labels: Tensor, on: ContourInput = "softmax", ignore_index: int = IGNORE) -> Tensor:
    """Mean squared difference of blurred contours, of the labels and of the prediction: DenseAttentionSeg, Eq. 5.

    1/N sum_i (B(S(labels))_i - B(S(M))_i)^2 over the N pixels that count; the paper calls N "the normalization
    parameter". It says that M are the logits, whose scale is free, while the labels' contours have height 4 at most;
    the class probabilities have the labels' own scale. Hence the switch.

    Args:
        logits: (N, C, H, W) raw class scores, any float type; computed in float32, float64 stays float64.
        labels: (N, H, W) int64 class ids in [0, C), or `ignore_index`. 0 is background.
        on: what M is: the probabilities ("softmax"), or the scores themselves ("logits").
        ignore_index: label of pixels that do not count, nor does any pixel whose contour they would change: those up
            to 3 pixels away in row and column.

    Returns:
        Scalar. 0 (with zero gradient, not NaN) where every pixel is ignored.

    Raises:
        TypeError, ValueError: as `check_labels`, or for another `on`.
    """
    check_labels(labels, logits, ignore_index)
    if on not in ("softmax", "logits"):
        raise ValueError(f"the contour loss is taken on 'softmax' or 'logits', got {on!r}")
    scores = logits if logits.dtype == torch.float64 else logits.float()
    maps = scores.softmax(1) if on == "softmax" else scores  # (N, C, H, W)
    ignored = labels == ignore_index
    classes = torch.arange(logits.shape[1], device=labels.device)[:, None, None]
    true = (torch.where(ignored, 0, labels)[:, None] == classes).to(scores.dtype)  # (N, C, H, W)
    reach = 1 + BLUR[0] // 2
    near = F.max_pool2d(ignored[:, None].float(), 2 * reach + 1, stride=1, padding=reach)[:, 0]
    counted = 1 - near.to(scores.dtype)  # (N, H, W)
    with torch.autocast(logits.device.type, enabled=False):  # it would convolve in half precision
        difference = blurred(sobel_magnitude(true)) - blurred(sobel_magnitude(maps))
    return (counted * difference**2).sum() / counted.sum().clamp_min(1)


def contour_fine_tuning(
    logits: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
    alpha: float = 1.0,
    beta: float = 0.005,
    on: ContourInput = "softmax",
) -> Tensor:
    """alpha times the weighted cross-entropy plus beta times the contour loss: DenseAttentionSeg, Eq. 6.

    Meant for a trained network, as in the paper: contours that are not there yet cannot be sharpened.

    Args:
        logits: (N, C, H, W) raw class scores.
        labels: (N, H, W) int64 class ids in [0, C), or 255 for pixels that do not count.
        weights: (C,) of each class in the cross-entropy; the paper's are 1 (background), 5, 5.
        alpha, beta: the two loss weights of Section 4.5.
        on: as in `contour_loss`.

    Returns:
        Scalar.

    Raises:
        TypeError, ValueError: as the two losses.
    """
    return alpha * weighted_cross_entropy(logits, labels, weights) + beta * contour_loss(logits, labels, on)
