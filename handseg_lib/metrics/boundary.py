"""Metrics near outlines, which the papers do not report: large insides hide rough edges from plain IoU."""

from collections.abc import Sequence
from typing import Self

import cv2
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from handseg_lib.metrics.confusion import IGNORE, ConfusionMatrix, class_ids, confusion_counts, ratio


class BoundaryIoU:
    """IoU of each class counted only near outlines: Cheng et al. 2021, "Boundary IoU", Eq. 3.

    Of each class's true mask and predicted mask, only the pixels within `dilation_ratio` times the image diagonal of
    the mask's own outline count (the image's border is an outline too), so that large insides hide no rough edge.

    Attributes:
        intersection, union: (C,) int64, summed over the set.
    """

    def __init__(self, class_names: Sequence[str], dilation_ratio: float = 0.02, ignore: int | None = IGNORE) -> None:
        if not 0 < dilation_ratio < 1:
            raise ValueError(f"dilation_ratio is a share of the image diagonal in (0, 1), got {dilation_ratio}")
        self.class_names, self.dilation_ratio, self.ignore = tuple(class_names), dilation_ratio, ignore
        self.intersection = np.zeros(len(self.class_names), np.int64)
        self.union = np.zeros(len(self.class_names), np.int64)

    def update(self, prediction: ArrayLike | torch.Tensor, truth: ArrayLike | torch.Tensor) -> Self:
        """Count one image, (H, W) integer class ids each, and return self; checked as in `ConfusionMatrix`."""
        predicted, true = _image_pair(prediction, truth, len(self.class_names), self.ignore)
        keep = np.ones(true.shape, bool) if self.ignore is None else true != self.ignore
        distance = max(1, round(self.dilation_ratio * float(np.hypot(*true.shape))))
        for c in range(len(self.class_names)):
            p, t = (_inner_band(mask == c, distance) & keep for mask in (predicted, true))
            self.intersection[c] += np.count_nonzero(p & t)
            self.union[c] += np.count_nonzero(p | t)
        return self

    def iou(self) -> NDArray[np.float64]:
        """(C,) boundary IoU; NaN for a class in neither truth nor prediction."""
        return ratio(self.intersection, self.union)


class TrimapIoU:
    """IoU within bands of growing width around the true class boundaries: Kohli et al. 2009.

    Attributes:
        matrices: band half-width in pixels -> the `ConfusionMatrix` of the pixels in that band.
    """

    def __init__(
        self, class_names: Sequence[str], widths: Sequence[int] = (1, 2, 4, 8, 16), ignore: int = IGNORE
    ) -> None:
        if not widths or min(widths) < 1:
            raise ValueError(f"widths are whole pixels from 1, got {tuple(widths)}")
        self.ignore = ignore
        self.matrices = {width: ConfusionMatrix(class_names, ignore) for width in widths}

    def update(self, prediction: ArrayLike | torch.Tensor, truth: ArrayLike | torch.Tensor) -> Self:
        """Count one image, (H, W) integer class ids each, and return self; checked as in `ConfusionMatrix`."""
        classes = len(next(iter(self.matrices.values())).class_names)
        predicted, true = _image_pair(prediction, truth, classes, self.ignore)
        for width, matrix in self.matrices.items():
            matrix.update(predicted, np.where(trimap_band(true, width, self.ignore), true, self.ignore))
        return self

    def iou(self) -> NDArray[np.float64]:
        """(widths, C) IoU in each band."""
        return np.stack([matrix.iou() for matrix in self.matrices.values()])


def boundary_iou(
    prediction: ArrayLike | torch.Tensor,
    truth: ArrayLike | torch.Tensor,
    class_names: Sequence[str],
    dilation_ratio: float = 0.02,
) -> NDArray[np.float64]:
    """(C,) `BoundaryIoU` of one image, (H, W) integer class ids each."""
    return BoundaryIoU(class_names, dilation_ratio).update(prediction, truth).iou()


def trimap_iou(
    prediction: ArrayLike | torch.Tensor,
    truth: ArrayLike | torch.Tensor,
    class_names: Sequence[str],
    widths: Sequence[int] = (1, 2, 4, 8, 16),
) -> NDArray[np.float64]:
    """(widths, C) `TrimapIoU` of one image, (H, W) integer class ids each."""
    return TrimapIoU(class_names, widths).update(prediction, truth).iou()


def outline_counts(
    prediction: ArrayLike | torch.Tensor,
    truth: ArrayLike | torch.Tensor,
    class_names: Sequence[str],
    widths: Sequence[int],
) -> NDArray[np.int64]:
    """(K,) counts of one image that `BoundaryIoU` and `TrimapIoU` of a set are sums of; `boundary_of`, `trimap_of`."""
    near = BoundaryIoU(class_names).update(prediction, truth)
    bands = TrimapIoU(class_names, widths).update(prediction, truth)
    parts = [np.stack([near.intersection, near.union], axis=1), *(m.counts for m in bands.matrices.values())]
    return np.concatenate([part.ravel() for part in parts])


def outline_columns(classes: int, widths: Sequence[int]) -> int:
    """K of `outline_counts`; 0 without bands."""
    return 2 * classes + len(widths) * classes**2 if widths else 0


def boundary_of(outlines: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """(..., K) of `outline_counts` -> (..., C, 2): intersection and union of each class's boundary IoU."""
    return outlines[..., : 2 * classes].reshape(*outlines.shape[:-1], classes, 2)


def trimap_of(outlines: NDArray[np.int64], classes: int, widths: Sequence[int]) -> dict[int, NDArray[np.int64]]:
    """(..., K) of `outline_counts` -> half-width of a band -> (..., C, C) counts within it, truth first."""
    bands = outlines[..., 2 * classes :].reshape(*outlines.shape[:-1], len(widths), classes, classes)
    return {width: bands[..., i, :, :] for i, width in enumerate(widths)}


def trimap_band(labels: NDArray[np.integer], width: int, ignore: int = IGNORE) -> NDArray[np.bool_]:
    """(H, W) class ids in [0, 254] -> (H, W) bool, True within `width` pixels (rows or columns) of another class.

    Ignored pixels have no class, so they make no boundary.
    """
    ids, kernel = labels.astype(np.uint8), np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    void = labels == ignore
    highest = cv2.dilate(np.where(void, np.uint8(0), ids), kernel, borderType=cv2.BORDER_REPLICATE)
    lowest = cv2.erode(np.where(void, np.uint8(255), ids), kernel, borderType=cv2.BORDER_REPLICATE)
    return (highest != lowest) & ~void


def _inner_band(mask: NDArray[np.bool_], distance: int) -> NDArray[np.bool_]:
    """The pixels of a mask within `distance` pixels of what is outside it or of the image's border."""
    padded = np.pad(mask.astype(np.uint8), distance)
    eroded = cv2.erode(padded, np.ones((2 * distance + 1, 2 * distance + 1), np.uint8))
    return mask & (eroded[distance:-distance, distance:-distance] == 0)


def _image_pair(
    prediction: ArrayLike | torch.Tensor, truth: ArrayLike | torch.Tensor, classes: int, ignore: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    confusion_counts(prediction, truth, classes, ignore)  # for its checks
    predicted, true = (class_ids(x, n).cpu().numpy() for x, n in ((prediction, "prediction"), (truth, "truth")))
    if true.ndim != 2:
        raise ValueError(f"boundary metrics take one (H, W) image at a time, got shape {true.shape}")
    return predicted, true
