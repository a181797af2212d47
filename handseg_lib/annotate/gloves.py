"""HandSeg's automatic annotation (Section 4, Figure 4), step by step: from coloured gloves to hand labels.

Each step is a function of images and returns an image; `annotate_glove` runs them for one glove and keeps all of them,
`annotate` runs that once for each glove and combines the results. Where the paper is silent (which group of components
is the hand, whose a pixel is that both hands claim, how large the enclosing sphere is) the docstring says what is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from handseg_lib.annotate.thresholds import GloveThresholds, to_hsv
from handseg_lib.data.labels import Label
from handseg_lib.data.sample import check_depth
from handseg_lib.errors import DataError

Mask = NDArray[np.bool_]

HANDS = {"left": Label.LEFT_HAND, "right": Label.RIGHT_HAND}


@dataclass(frozen=True)
class Annotation:
    """Settings of Section 4, "Segmentation", for images of 640x480.

    Attributes:
        opening: diameter in pixels of the disc of the morphological opening (the paper's 5x5).
        joining: components closer than this many pixels are connected (the paper's 25).
        radius: metres; depth further than this from the median is not the hand. The paper takes the radius of a sphere
            around a hand at rest and gives no number; 0.10 is ours, half the length of a long hand.
        smallest: a glove with fewer pixels than this after joining is taken as not in view; ours, the paper has no
            such limit (0 switches it off). A fist 1 m away has about 1500.

    Raises:
        DataError: for values that make no sense.
    """

    opening: int = 5
    joining: float = 25.0
    radius: float = 0.10
    smallest: int = 150

    def __post_init__(self) -> None:
        if self.opening < 1 or self.opening % 2 == 0 or self.joining < 0 or self.radius <= 0 or self.smallest < 0:
            raise DataError(
                f"annotation settings {self}: expected an odd opening >= 1, joining >= 0, radius > 0 (metres) and "
                "smallest >= 0; the paper's are opening 5 and joining 25"
            )


PAPER = Annotation()
"""The settings of the paper, with our numbers where it gives none."""


@dataclass(frozen=True)
class GloveSteps:
    """One glove's way through Figure 4; all masks are (H, W) bool in the depth camera's view.

    Attributes:
        color: (a) pixels within the thresholds.
        opened: (b) after the opening.
        joined: the components that were connected and kept.
        hull: (c) their convex hull.
        median_depth: metres, of the readings within the hull; NaN if there is none.
        hand: (d) pixels of the hull whose depth is within the radius of the median.
    """

    color: Mask
    opened: Mask
    joined: Mask
    hull: Mask
    median_depth: float
    hand: Mask

    def images(self) -> dict[str, Mask]:
        """The masks by the names of `STEPS`, in order."""
        return {name: getattr(self, name) for name in STEPS}


STEPS = ("color", "opened", "joined", "hull", "hand")
"""The steps that end in a mask, in order."""


@dataclass(frozen=True)
class AnnotatedFrame:
    """Both gloves of a frame and the labels they give.

    Attributes:
        labels: (H, W) uint8 `Label.LEFT_HAND`, `RIGHT_HAND` or `BACKGROUND`.
        steps: side ("left", "right") -> its steps.
    """

    labels: NDArray[np.uint8]
    steps: Mapping[str, GloveSteps]


@lru_cache(maxsize=8)
def disc(diameter: int) -> NDArray[np.uint8]:
    """(D, D) uint8: pixels whose centres lie within a circle of that diameter; 5 gives 5x5 without its corners."""
    reach = np.arange(diameter) - (diameter - 1) / 2
    return (reach[:, None] ** 2 + reach[None] ** 2 <= (diameter / 2) ** 2).astype(np.uint8)


def threshold(hsv: NDArray[np.uint8], thresholds: GloveThresholds) -> Mask:
    """(a) Pixels of an (H, W, 3) HSV image (`to_hsv`) that lie within a glove's ranges; black ones never do.

    Black is where the alignment found no colour: no depth there, or out of the colour camera's sight.
    """
    low, high = np.array(thresholds.low), np.array(thresholds.high)
    low[2] = max(low[2], 1)
    if low[0] <= high[0]:
        return cv2.inRange(hsv, low, high).view(bool)
    upper = cv2.inRange(hsv, low, np.array([179, high[1], high[2]]))
    lower = cv2.inRange(hsv, np.array([0, low[1], low[2]]), high)
    return cv2.bitwise_or(upper, lower).view(bool)


def opening(mask: Mask, diameter: int = PAPER.opening) -> Mask:
    """(b) Opening with a disc: what the disc does not fit into disappears."""
    kernel = disc(diameter)
    return cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, kernel).view(bool)


def joined(mask: Mask, distance: float = PAPER.joining, smallest: int = 0) -> list[NDArray[np.int32]]:
    """Outlines of the largest group of components, of which each is closer than `distance` to another of the group.

    The paper connects near components and does not say what becomes of those that stay apart; a hand is one group, so
    the one with the largest area is taken.

    Args:
        mask: (H, W) bool.
        distance: pixels between the centres of the nearest two pixels.
        smallest: a group enclosing less area (pixels) is nothing.

    Returns:
        (N, 2) int32 (x, y) outlines, none if there is nothing.
    """
    outlines, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return []
    outlines = [outline[:, 0] for outline in outlines]
    areas = np.array([cv2.contourArea(o) + len(o) / 2 + 1 for o in outlines])  # Pick: area through pixel centres
    _, group = connected_components(_near(outlines, distance), directed=False)
    sizes = np.bincount(group, areas)
    best = int(np.argmax(sizes))
    if sizes[best] < smallest:
        return []
    return [outline for outline, number in zip(outlines, group, strict=True) if number == best]


def _near(outlines: list[NDArray[np.int32]], distance: float) -> NDArray[np.bool_]:
    """(K, K) whether two outlines are closer than a distance; boxes that are further apart are not looked into."""
    low = np.array([o.min(axis=0) for o in outlines])
    high = np.array([o.max(axis=0) for o in outlines])
    gap = np.maximum(np.maximum(low[:, None] - high[None], low[None] - high[:, None]), 0)
    near = np.triu((gap.astype(float) ** 2).sum(axis=2) < distance**2, 1)
    for a, b in np.argwhere(near):
        one, other = (o.astype(np.float32) for o in (outlines[a], outlines[b]))
        square = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
        near[a, b] = square.min() < distance**2 - 1e-2  # whole numbers below 2^24: exact
    return near


def filled(outlines: list[NDArray[np.int32]], shape: tuple[int, int]) -> Mask:
    """(H, W) what lies within some outlines, the outlines included."""
    image = np.zeros(shape, np.uint8)
    if outlines:
        cv2.drawContours(image, [o[:, None] for o in outlines], -1, 1, cv2.FILLED)
    return image.view(bool)


def hull(outlines: list[NDArray[np.int32]], shape: tuple[int, int]) -> Mask:
    """(c) (H, W) the convex hull of all outlines together."""
    image = np.zeros(shape, np.uint8)
    if outlines:
        cv2.fillConvexPoly(image, cv2.convexHull(np.concatenate(outlines)), 1)
    return image.view(bool)


def median_depth(depth: NDArray[np.float32], mask: Mask) -> float:
    """Median in metres of the readings within a mask; NaN if there is none. It stands for the depth of the hand."""
    values = depth[mask]
    values = values[values > 0]
    return float(np.median(values)) if values.size else float("nan")


def near_depth(depth: NDArray[np.float32], mask: Mask, middle: float, radius: float = PAPER.radius) -> Mask:
    """(d) Pixels of a mask with a reading within `radius` metres of `middle`; pixels without a reading go."""
    if np.isnan(middle):
        return np.zeros_like(mask)
    low, high = max(middle - radius, 1e-6), middle + radius
    return cv2.inRange(depth, low, high).view(bool) & mask


def annotate_glove(
    hsv: NDArray[np.uint8], depth: NDArray[np.float32], thresholds: GloveThresholds, settings: Annotation = PAPER
) -> GloveSteps:
    """All steps of Figure 4 for one glove.

    Args:
        hsv: (H, W, 3) uint8 from `to_hsv`, aligned with the depth.
        depth: (H, W) float32 metres, 0 = no reading.
        thresholds: of this glove, from the calibration.
        settings: the numbers of Section 4.
    """
    color = threshold(hsv, thresholds)
    opened = opening(color, settings.opening)
    outlines = joined(opened, settings.joining, settings.smallest)
    within = hull(outlines, depth.shape)
    middle = _median_in_box(depth, within, outlines)
    hand = _near_in_box(depth, within, middle, settings.radius, outlines)
    return GloveSteps(color, opened, filled(outlines, depth.shape) & opened, within, middle, hand)


def _box(outlines: list[NDArray[np.int32]]) -> tuple[slice, slice]:
    """Rows and columns around some outlines."""
    points = np.concatenate(outlines)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return slice(top, bottom + 1), slice(left, right + 1)


def _median_in_box(depth: NDArray[np.float32], mask: Mask, outlines: list[NDArray[np.int32]]) -> float:
    return median_depth(depth[_box(outlines)], mask[_box(outlines)]) if outlines else float("nan")


def _near_in_box(depth: NDArray, mask: Mask, middle: float, radius: float, outlines: list[NDArray[np.int32]]) -> Mask:
    hand = np.zeros_like(mask)
    if outlines:
        box = _box(outlines)
        hand[box] = near_depth(np.ascontiguousarray(depth[box]), mask[box], middle, radius)
    return hand


def combined(steps: Mapping[str, GloveSteps], depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(H, W) uint8 labels from the gloves' hands.

    A pixel that both hands claim goes to the one whose glove's colour it has after the opening, else to the one whose
    median depth is nearer; the paper only says that the results are combined.
    """
    labels = np.zeros(depth.shape, np.uint8)
    for side, one in steps.items():
        labels[one.hand] = HANDS[side]
    if len(steps) == 2:
        left, right = steps["left"], steps["right"]
        both = left.hand & right.hand
        if both.any():
            z = depth[both]
            is_left = np.abs(z - left.median_depth) < np.abs(z - right.median_depth)
            l_color, r_color = left.opened[both], right.opened[both]
            is_left = np.where(l_color == r_color, is_left, l_color)
            labels[both] = np.where(is_left, Label.LEFT_HAND, Label.RIGHT_HAND)
    return labels


def annotate(
    rgb: NDArray[np.uint8],
    depth: NDArray[np.float32],
    gloves: Mapping[str, GloveThresholds],
    settings: Annotation = PAPER,
) -> AnnotatedFrame:
    """Label the hands of one frame by its gloves: the algorithm once for each glove, and the results combined.

    Args:
        rgb: (H, W, 3) uint8 aligned with the depth; black where there is no colour.
        depth: (H, W) float32 metres, 0 = no reading.
        gloves: "left" and/or "right" -> thresholds from the session's calibration.
        settings: the numbers of Section 4.

    Raises:
        DataError: for images of wrong type or different size, or gloves of no known side.
    """
    check_depth(depth, "depth to annotate")
    if rgb.dtype != np.uint8 or rgb.shape != (*depth.shape, 3):
        raise DataError(
            f"rgb to annotate is {rgb.dtype} {rgb.shape}, its depth {depth.shape}; expected uint8 {(*depth.shape, 3)}. "
            "Align the colour to the depth first (rs.align)."
        )
    if not gloves or not set(gloves) <= set(HANDS):
        raise DataError(f"gloves of {sorted(gloves) or 'no side'}; expected thresholds for left, right or both")
    hsv = to_hsv(rgb)
    steps = {side: annotate_glove(hsv, depth, thresholds, settings) for side, thresholds in gloves.items()}
    return AnnotatedFrame(combined(steps, depth), steps)
