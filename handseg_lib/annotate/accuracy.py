"""How right automatic annotation is, which the paper could not know: every step against exact truth."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from handseg_lib.annotate.gloves import HANDS, STEPS, AnnotatedFrame
from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError, LabelError
from handseg_lib.metrics import ConfusionMatrix
from handseg_lib.metrics.confusion import nan_mean

COMBINED = "combined"
"""The name of the last step: the labels made of both hands."""
ALL_STEPS = (*STEPS, COMBINED)


def step_masks(annotated: AnnotatedFrame) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Step -> side -> (H, W) bool: every step's mask of every annotated hand, the combined labels last."""
    masks = {step: {side: one.images()[step] for side, one in annotated.steps.items()} for step in STEPS}
    masks[COMBINED] = {side: annotated.labels == HANDS[side] for side in annotated.steps}
    return masks


def frame_iou(
    annotated: AnnotatedFrame, truth: NDArray[np.uint8], counted: NDArray[np.bool_] | None = None
) -> dict[str, dict[str, float]]:
    """Step -> side -> IoU in one frame; NaN where a hand is neither there nor annotated.

    Args:
        annotated: from `annotate`.
        truth: (H, W) uint8 exact labels of the vocabulary.
        counted: (H, W) bool pixels that count; None for all. Pass `depth > 0` to leave out what no depth image shows.

    Raises:
        LabelError: if the sizes differ.
    """
    counts = frame_counts(annotated, truth, counted)
    return {step: {side: _iou(*n) for side, n in sides.items()} for step, sides in counts.items()}


def frame_counts(
    annotated: AnnotatedFrame, truth: NDArray[np.uint8], counted: NDArray[np.bool_] | None = None
) -> dict[str, dict[str, tuple[int, int, int]]]:
    """Step -> side -> pixels in both, only in the annotation, only in the truth; arguments as in `frame_iou`."""
    if truth.shape != annotated.labels.shape or (counted is not None and counted.shape != truth.shape):
        raise LabelError(
            f"annotation is {annotated.labels.shape}, truth {truth.shape}, pixels to count "
            f"{None if counted is None else counted.shape}; expected one size"
        )
    hands = {side: truth == HANDS[side] for side in annotated.steps}
    if counted is not None:
        hands = {side: hand & counted for side, hand in hands.items()}
    table: dict[str, dict[str, tuple[int, int, int]]] = {}
    for step, masks in step_masks(annotated).items():
        table[step] = {}
        for side, mask in masks.items():
            mask = mask if counted is None else mask & counted
            both = int((mask & hands[side]).sum())
            table[step][side] = (both, int(mask.sum()) - both, int(hands[side].sum()) - both)
    return table


def _iou(both: int, extra: int, missed: int) -> float:
    total = both + extra + missed
    return both / total if total else float("nan")


def mean_iou_of_sides(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the hands of the IoU of summed counts: a statistic for `report.claims.compare`.

    Args:
        means: (..., 2 * 3) means over frames of the counts of `frame_counts`, left hand first.

    Returns:
        (...); a hand that occurs in no frame does not count, NaN where neither does.
    """
    counts = means.reshape(*means.shape[:-1], 2, 3)
    union = counts.sum(-1)
    ious = np.divide(counts[..., 0], union, out=np.zeros_like(union), where=union > 0)
    present = (union > 0).sum(-1)
    return np.divide(ious.sum(-1), present, out=np.full(present.shape, np.nan), where=present > 0)


CAUSES = ("outside the colour view", "glove beyond the wrist", "bare arm", "body and room", "other hand", "missed")
"""Why an annotated hand and the true one differ (`error_pixels`), in the order in which they are asked."""


def error_pixels(
    annotated: AnnotatedFrame,
    truth: NDArray[np.uint8],
    gloves: NDArray[np.uint8],
    depth: NDArray[np.float32],
    seen: NDArray[np.bool_],
) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Side -> cause of `CAUSES` -> (H, W) wrong pixels with a depth reading; every wrong pixel has one cause.

    Args:
        annotated: from `annotate`.
        truth: (H, W) uint8 exact labels, the hand ending at the wrist.
        gloves: (H, W) uint8 exact labels of what the gloves cover, `Label.LEFT_HAND` or `RIGHT_HAND`.
        depth: (H, W) float32 metres that was annotated.
        seen: (H, W) what the colour camera sees of it.
    """
    table = {}
    for side in annotated.steps:
        own, arm = HANDS[side], Label.LEFT_ARM if side == "left" else Label.RIGHT_ARM
        hand, labelled = (truth == own) & (depth > 0), (annotated.labels == own) & (depth > 0)
        missed, extra = hand & ~labelled, labelled & ~hand
        glove, sleeve, rest = gloves == own, truth == arm, truth == Label.BACKGROUND
        table[side] = {
            CAUSES[0]: missed & ~seen,
            CAUSES[1]: extra & sleeve & glove,
            CAUSES[2]: extra & sleeve & ~glove,
            CAUSES[3]: extra & rest,
            CAUSES[4]: extra & ~sleeve & ~rest,
            CAUSES[5]: missed & seen,
        }
    return table


class StepAccuracy:
    """Confusion counts of every step, summed over frames, by group (a subject, a session, anything hashable as text).

    A step's masks of left and right may overlap, so each side is counted on its own against everything else.

    Attributes:
        readings_only: count only pixels with a depth reading (the default): a depth image cannot show the rest. With
            False, hand pixels the sensor missed count as missed by the annotation too.
    """

    def __init__(self, readings_only: bool = True) -> None:
        self.readings_only = readings_only
        self._matrices: dict[tuple[str, str, str], ConfusionMatrix] = {}
        self._frames: dict[str, int] = {}

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups seen, in the order of their first frame."""
        return tuple(self._frames)

    def update(
        self, annotated: AnnotatedFrame, truth: NDArray[np.uint8], depth: NDArray[np.float32], group: object = "all"
    ) -> Self:
        """Count one frame.

        Args:
            annotated: from `annotate`.
            truth: (H, W) uint8 exact labels of the vocabulary.
            depth: (H, W) float32 metres that was annotated.
            group: what the frame belongs to, for instance its subject.
        """
        counted = depth > 0 if self.readings_only else None
        pixels = int(counted.sum()) if counted is not None else truth.size
        for step, sides in frame_counts(annotated, truth, counted).items():
            for side, (both, extra, missed) in sides.items():
                counts = np.array([[pixels - both - extra - missed, extra], [missed, both]], np.int64)
                key = (str(group), step, side)
                matrix = self._matrices.setdefault(key, ConfusionMatrix(("rest", f"{side} hand")))
                matrix.merge(ConfusionMatrix(matrix.class_names, counts=counts))
        self._frames[str(group)] = self._frames.get(str(group), 0) + 1
        return self

    def matrix(self, step: str, side: str, group: object | None = None) -> ConfusionMatrix:
        """Counts of one step and side: rows are truth, classes "rest" and the hand; of all groups without one.

        Raises:
            DataError: for a step, side or group of which nothing was counted.
        """
        groups = self.groups if group is None else (str(group),)
        found = [self._matrices[key] for g in groups if (key := (g, step, side)) in self._matrices]
        if not found:
            raise DataError(
                f"nothing counted of step {step!r}, side {side!r}, group {group!r}; steps: {', '.join(ALL_STEPS)}; "
                f"sides: left, right; groups: {', '.join(self.groups) or 'none yet'}"
            )
        total = ConfusionMatrix(found[0].class_names)
        for matrix in found:
            total.merge(matrix)
        return total

    def iou(self, step: str, group: object | None = None) -> float:
        """Mean over the sides that were counted of the hand's IoU over all pixels of the group."""
        groups = self.groups if group is None else (str(group),)
        sides = [side for side in HANDS if any((g, step, side) in self._matrices for g in groups)]
        return nan_mean(np.array([self.matrix(step, side, group).iou()[1] for side in sides or HANDS]))

    def rows(self) -> list[dict[str, object]]:
        """A row for each group and one for all together: group, frames, and the IoU after each step."""
        rows = [self._row(group, group) for group in self.groups]
        return rows if self.groups == ("all",) else [*rows, self._row("all", None)]

    def _row(self, name: str, group: str | None) -> dict[str, object]:
        frames = sum(self._frames.values()) if group is None else self._frames[group]
        return {"group": name, "frames": frames, **{step: self.iou(step, group) for step in ALL_STEPS}}


def gap(
    depth: NDArray[np.float32],
    labels: NDArray[np.uint8],
    camera: Intrinsics,
    side: str,
    others: Iterable[Label] | None = None,
) -> float:
    """Distance from a hand to the nearest visible surface that is neither it nor its own arm, in metres.

    The paper's protocol asks for hands "sufficiently far from the body, as well as from each other".

    Args:
        depth: (H, W) float32 metres, exact (`Frame.truth.depth` or `Frame.clean_depth`), 0 = nothing.
        labels: (H, W) uint8 exact labels.
        camera: of the depth.
        side: "left" or "right".
        others: only surfaces of these labels, e.g. the other hand; None for all (also the body, background).

    Returns:
        Metres: the distance that one in a hundred of the hand's points falls below; NaN if either is not in view.

    Raises:
        DataError: for an unknown side.
    """
    if side not in HANDS:
        raise DataError(f"unknown side {side!r}; expected left or right")
    own = {"left": (Label.LEFT_HAND, Label.LEFT_ARM), "right": (Label.RIGHT_HAND, Label.RIGHT_ARM)}[side]
    wanted = set(map(int, Label)) if others is None else set(map(int, others))
    points = camera.deproject(depth)
    hand = points[(labels == own[0]) & (depth > 0)]
    rest = points[np.isin(labels, sorted(wanted - set(map(int, own)))) & (depth > 0)]
    if not len(hand) or not len(rest):
        return float("nan")
    distance, _ = cKDTree(rest[:: 1 + len(rest) // 40000]).query(hand[:: 1 + len(hand) // 2000])
    return float(np.quantile(distance, 0.01))


def by_bins(
    values: Mapping[str, float], of: Mapping[str, float], edges: Iterable[float], resamples: int = 1000
) -> list[dict[str, float]]:
    """Mean of some frames' values (IoU) in bins of another quantity of them (a gap, a brightness).

    Args:
        values: frame (or frame and side) -> value; NaN does not count.
        of: the same keys -> quantity; what is missing or NaN does not count.
        edges: borders of the bins, increasing; a bin holds its lower border.
        resamples: bootstrap samples of a bin's values.

    Returns:
        For each bin: low, high, count, mean, and the ends of the mean's 95% interval, mean_low and mean_high. NaN for
        an empty bin, and for the interval of a single value.

    Raises:
        DataError: for edges that do not increase.
    """
    borders = [float(edge) for edge in edges]
    if len(borders) < 2 or any(a >= b for a, b in pairwise(borders)):
        raise DataError(f"bin edges {borders}; expected at least two, increasing")
    pairs = [(of[k], v) for k, v in values.items() if k in of and not np.isnan(v) and not np.isnan(of[k])]
    table = []
    for low, high in pairwise(borders):
        inside = np.array([v for x, v in pairs if low <= x < high])
        mean = float(inside.mean()) if len(inside) else float("nan")
        ends = _interval(inside, resamples)
        table.append(
            {"low": low, "high": high, "count": len(inside), "mean": mean, "mean_low": ends[0], "mean_high": ends[1]}
        )
    return table


def _interval(values: NDArray[np.float64], resamples: int) -> tuple[float, float]:
    """95% interval of a mean by bootstrap, NaN for fewer than two values."""
    if len(values) < 2:
        return float("nan"), float("nan")
    draws = np.random.default_rng(0).integers(len(values), size=(resamples, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)
