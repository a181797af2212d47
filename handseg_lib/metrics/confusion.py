"""One integer confusion matrix over a whole set, and the metrics the papers compute from it."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

IGNORE = 255
"""Truth value of pixels that count nowhere (padding, void)."""

HAND_CLASSES = ("left hand", "right hand", "hand")
"""Classes of `mean_iou_hands`; `hand` is left and right coalesced (HandSeg Section 6.3)."""


class ConfusionMatrix:
    """Counts of (true class, predicted class) over a whole set, and the metrics they give.

    Attributes:
        class_names: names in the order of the class ids.
        counts: (C, C) int64, rows are the truth, columns the prediction.
        ignore: truth value that counts nowhere, or None.
    """

    def __init__(
        self, class_names: Sequence[str], ignore: int | None = IGNORE, counts: NDArray[np.int64] | None = None
    ) -> None:
        """Start empty, or from stored `counts` ((C, C) int64)."""
        self.class_names = tuple(class_names)
        classes = len(self.class_names)
        if classes < 1 or len(set(self.class_names)) != classes:
            raise ValueError(f"class names must be different and at least one, got {self.class_names}")
        if ignore is not None and 0 <= ignore < classes:
            raise ValueError(f"ignore is {ignore}, which is the class {self.class_names[ignore]!r}; choose no class id")
        self.ignore = ignore
        self.counts = np.zeros((classes, classes), np.int64) if counts is None else np.array(counts)
        if self.counts.shape != (classes, classes) or self.counts.dtype != np.int64 or (self.counts < 0).any():
            raise ValueError(
                f"counts must be {(classes, classes)} int64 and not negative, "
                f"got {self.counts.shape} {self.counts.dtype} from {self.counts.min(initial=0)}"
            )

    def update(self, prediction: ArrayLike | torch.Tensor, truth: ArrayLike | torch.Tensor) -> Self:
        """Count the pixels of one image or batch and return self.

        Args:
            prediction: integer class ids in [0, C), any shape; not probabilities.
            truth: integer class ids in [0, C) or `ignore`, the same shape.

        Raises:
            TypeError: if either is not of an integer type.
            ValueError: if shapes differ or a value is no class; the message names what was got.
        """
        self.counts += confusion_counts(prediction, truth, len(self.class_names), self.ignore)
        return self

    def __add__(self, other: "ConfusionMatrix") -> "ConfusionMatrix":
        """The matrix of both sets together; both must have the same classes."""
        if not isinstance(other, ConfusionMatrix):
            return NotImplemented
        if other.class_names != self.class_names:
            raise ValueError(f"cannot add counts of {other.class_names} to counts of {self.class_names}")
        return ConfusionMatrix(self.class_names, self.ignore, self.counts + other.counts)

    def merge(self, other: "ConfusionMatrix") -> Self:
        """Add the counts of another matrix of the same classes to this one and return self."""
        self.counts = (self + other).counts
        return self

    def sync(self, fabric: Any) -> "ConfusionMatrix":
        """The sum of all processes' matrices, exact because it is a sum of int64. All processes must call it.

        Args:
            fabric: a launched `lightning_fabric.Fabric`.
        """
        counts = torch.from_numpy(self.counts.copy()).to(fabric.device)
        return ConfusionMatrix(self.class_names, self.ignore, fabric.all_reduce(counts, reduce_op="sum").cpu().numpy())

    def coalesced(self, groups: Mapping[str, str]) -> "ConfusionMatrix":
        """The matrix with some classes joined: `coalesced({"left hand": "hand", "right hand": "hand"})`.

        Mistaking one joined class for another is then no mistake, as in HandSeg Section 6.3. The new class stands
        where the first of its members stood.
        """
        unknown = sorted(set(groups) - set(self.class_names))
        if unknown:
            raise ValueError(f"cannot join {unknown}; the classes are {self.class_names}")
        joined = [groups.get(name, name) for name in self.class_names]
        names = tuple(dict.fromkeys(joined))
        member = np.array([[name == j for j in joined] for name in names], np.int64)  # (new, old)
        return ConfusionMatrix(names, self.ignore, member @ self.counts @ member.T)

    @property
    def total(self) -> int:
        """Number of pixels counted."""
        return int(self.counts.sum())

    @property
    def absent(self) -> tuple[str, ...]:
        """Classes that are neither in the truth nor in the prediction; their metrics are NaN."""
        present = self.counts.sum(0) + self.counts.sum(1) > 0
        return tuple(name for name, here in zip(self.class_names, present, strict=True) if not here)

    def iou(self) -> NDArray[np.float64]:
        """(C,) TP / (TP + FP + FN); NaN for a class in neither truth nor prediction."""
        hits = np.diag(self.counts)
        return ratio(hits, self.counts.sum(0) + self.counts.sum(1) - hits)

    def precision(self) -> NDArray[np.float64]:
        """(C,) TP / (TP + FP); NaN for a class that was never predicted."""
        return ratio(np.diag(self.counts), self.counts.sum(0))

    def recall(self) -> NDArray[np.float64]:
        """(C,) TP / (TP + FN); NaN for a class that is not in the truth."""
        return ratio(np.diag(self.counts), self.counts.sum(1))

    def f1(self) -> NDArray[np.float64]:
        """(C,) 2 TP / (2 TP + FP + FN); NaN for a class in neither truth nor prediction."""
        return ratio(2 * np.diag(self.counts), self.counts.sum(0) + self.counts.sum(1))

    def mean_iou_hands(self) -> float:
        """Mean IoU over the hand classes (`HAND_CLASSES`) that this matrix has: HandSeg's mIoU, no background.

        An absent hand is left out of the mean (and listed in `absent`); NaN if all are.

        Raises:
            ValueError: if no class is a hand.
        """
        return self._mean_iou_of([name for name in HAND_CLASSES if name in self.class_names] or HAND_CLASSES[:2])

    def mean_iou_hand_object(self) -> float:
        """Mean IoU over the classes named `hand` and `object`: DenseAttentionSeg's mean IOU, Section 5.1.

        Raises:
            ValueError: if either class does not exist; `coalesced` joins left and right first.
        """
        return self._mean_iou_of(("hand", "object"))

    def mean_iu(self) -> float:
        """Mean IoU over all classes, the background included; absent classes are left out."""
        return nan_mean(self.iou())

    def pixel_accuracy(self) -> float:
        """Share of pixels classified correctly; NaN before the first pixel."""
        return float(ratio(np.trace(self.counts), self.counts.sum()))

    def mean_accuracy(self) -> float:
        """Mean recall over all classes that are in the truth, the background included."""
        return nan_mean(self.recall())

    def frequency_weighted_iu(self) -> float:
        """IoU of each class weighted by its share of the truth's pixels; NaN before the first pixel."""
        frequency = ratio(self.counts.sum(1), self.counts.sum())
        return float(np.where(frequency == 0, 0, frequency * self.iou()).sum())

    def summary(self) -> dict[str, float]:
        """Every scalar metric that these classes allow, by its full name."""
        names = ["mean_iu", "pixel_accuracy", "mean_accuracy", "frequency_weighted_iu"]
        if {"hand", "object"} <= set(self.class_names):
            names.insert(0, "mean_iou_hand_object")
        if set(HAND_CLASSES) & set(self.class_names):
            names.insert(0, "mean_iou_hands")
        return {name: getattr(self, name)() for name in names}

    def per_class(self) -> dict[str, dict[str, float]]:
        """`{"left hand": {"iou": ..., "precision": ..., "recall": ..., "f1": ...}, ...}`."""
        columns = {name: getattr(self, name)() for name in ("iou", "precision", "recall", "f1")}
        return {c: {k: float(v[i]) for k, v in columns.items()} for i, c in enumerate(self.class_names)}

    def __eq__(self, other: object) -> bool:
        """Same classes and same counts."""
        return (
            isinstance(other, ConfusionMatrix)
            and self.class_names == other.class_names
            and bool((self.counts == other.counts).all())
        )

    def __repr__(self) -> str:
        return f"ConfusionMatrix({self.class_names}, counts={self.counts.tolist()})"

    def _mean_iou_of(self, names: Sequence[str]) -> float:
        missing = [name for name in names if name not in self.class_names]
        if missing:
            raise ValueError(f"this metric needs the classes {tuple(names)}; there are {self.class_names}")
        return nan_mean(self.iou()[[self.class_names.index(name) for name in names]])


def confusion_counts(
    prediction: ArrayLike | torch.Tensor, truth: ArrayLike | torch.Tensor, classes: int, ignore: int | None = IGNORE
) -> NDArray[np.int64]:
    """(C, C) int64 counts of (true, predicted) pairs; the checks of `ConfusionMatrix.update` apply.

    Tensors are counted on the device they are on.
    """
    predicted, true = class_ids(prediction, "prediction"), class_ids(truth, "truth")
    if predicted.shape != true.shape:
        raise ValueError(f"prediction is {tuple(predicted.shape)} but truth is {tuple(true.shape)}")
    true = true.to(predicted.device)
    if ignore is not None and bool((void := true == ignore).any()):
        predicted, true = predicted[~void], true[~void]
    for ids, name in ((predicted, "prediction"), (true, "truth")):
        if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < classes:
            found = ", ".join(map(str, ids[(ids < 0) | (ids >= classes)].unique().tolist()[:8]))
            ignored = "" if ignore is None else f", and {ignore} in the truth is ignored"
            raise ValueError(f"{name} holds {found}; class ids here are 0 to {classes - 1}{ignored}")
    counts = torch.bincount((true * classes + predicted).flatten(), minlength=classes * classes)
    return counts.reshape(classes, classes).cpu().numpy()


def class_ids(values: ArrayLike | torch.Tensor, name: str) -> torch.Tensor:
    """int64 tensor of class ids; anything but integers is refused, because rounding scores hides mistakes."""
    if isinstance(values, torch.Tensor):
        array: torch.Tensor | NDArray = values.detach()
        integer = not (values.is_floating_point() or values.is_complex() or values.dtype == torch.bool)
    else:
        array = np.asarray(values)
        integer = array.dtype.kind in "iu"
    if not integer:
        raise TypeError(
            f"{name} is {array.dtype}, shape {tuple(array.shape)}; expected integer class ids. "
            "Take the argmax over the classes of scores, and cast a bool mask with astype(numpy.uint8)."
        )
    return array.long() if isinstance(array, torch.Tensor) else torch.from_numpy(array.astype(np.int64))


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> NDArray[np.float64]:
    """Quotient in float64 that is NaN, without a warning, where the denominator is 0."""
    n, d = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    return np.divide(n, d, out=np.full(np.broadcast_shapes(n.shape, d.shape), np.nan), where=d > 0)


def nan_mean(values: NDArray[np.float64]) -> float:
    """Mean of the values that are not NaN; NaN, without a warning, if there is none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
