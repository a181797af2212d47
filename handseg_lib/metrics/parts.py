"""The part metric of ETHand, which is a mean over images and not a quotient over the set."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handseg_lib.metrics.confusion import ConfusionMatrix, class_ids, nan_mean


def iou_parts(
    prediction: NDArray[np.integer], truth: NDArray[np.integer], classes: int = 17, min_pixels: int = 20
) -> NDArray[np.float64]:
    """IoU of each hand's parts, averaged over the parts of that hand, as ETHand's released code does.

    Args:
        prediction: (..., H, W) integer part ids in [0, classes), 0 is background; each leading index is one hand
            of one image, e.g. (N, 2, H, W).
        truth: the same shape; parts with fewer than `min_pixels` true pixels in a hand do not count for it.

    Returns:
        (...) one value a hand; NaN where no part counts.
    """
    predicted, true = (class_ids(x, n).cpu().numpy() for x, n in ((prediction, "prediction"), (truth, "truth")))
    if true.ndim < 2 or predicted.shape != true.shape:
        raise ValueError(f"expected (..., H, W) twice, got prediction {predicted.shape} and truth {true.shape}")
    names = [str(i) for i in range(classes)]
    values = []
    for index in np.ndindex(true.shape[:-2]):
        matrix = ConfusionMatrix(names, ignore=None).update(predicted[index], true[index])
        counted = matrix.counts.sum(1)[1:] >= min_pixels
        values.append(nan_mean(matrix.iou()[1:][counted]))
    return np.array(values).reshape(true.shape[:-2])


def mean_iou_parts(per_hand: ArrayLike) -> float:
    """Mean of `iou_parts` over all images and hands of a set; hands that are NaN do not count."""
    return nan_mean(np.asarray(per_hand, np.float64).ravel())
