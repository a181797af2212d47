"""Losses. Each takes raw scores and class ids, computes in float32 or better, and returns a scalar to minimise."""

from typing import Literal

import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional as F

IGNORE = 255
"""Label of pixels that do not count (padding, void); the same value as in the metrics."""

Weighting = Literal["none", "frequency", "median", "sqrt"]


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
