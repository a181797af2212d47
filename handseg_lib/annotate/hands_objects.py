"""InterSegHands' automatic annotation (DenseAttentionSeg, Section 3, Figure 2): hand and object by colour and depth.

What is nearest is cut out by depth, skin is told from objects by colour, both masks are cleaned, and Eq. 1 keeps of
each mask the segments that are large and compact. Where the paper is silent (sizes of the filters, theta and phi, what
becomes of a segment that Eq. 1 removes) the docstrings say what is done, and notebook 12 measures it.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from handseg_lib.annotate.gloves import disc, threshold
from handseg_lib.annotate.thresholds import GloveThresholds, hue_range, to_hsv
from handseg_lib.data.cropping import RANGE, within
from handseg_lib.data.sample import check_depth
from handseg_lib.errors import DataError

Mask = NDArray[np.bool_]
Removed = Literal["drop", "other", "touching"]

BACKGROUND, HAND, OBJECT = 0, 1, 2
"""Classes of the masks that are written."""
LINEAR = GloveThresholds((170, 35, 30), (20, 190, 255))
"""Skin by fixed linear limits in HSV, the same for everybody: reddish to yellowish, neither grey nor saturated."""


@dataclass(frozen=True)
class HandObject:
    """Settings of Section 3 for images of 640x480. The paper gives only the 16 cm; the other numbers are ours.

    Attributes:
        metres: depth behind the nearest thing that is kept.
        hand_opening, object_opening: diameters in pixels of the discs that the two masks are opened with.
        closing: diameter in pixels of the disc that both are closed with afterwards.
        theta: Eq. 1, a segment has more pixels than this.
        phi: Eq. 1, its squared perimeter over its area is less than this. A disc has about 10, a band that is L long
            and w wide about 4 L / w.
        removed: what becomes of a segment that Eq. 1 takes from a mask: "drop", it belongs to neither; "other", it goes
            to the other mask; "touching", it does so if it touches what the other mask keeps.
        filtered: whether Eq. 1 is used at all.

    Raises:
        DataError: for values that make no sense.
    """

    metres: float = RANGE
    hand_opening: int = 3
    object_opening: int = 3
    closing: int = 5
    theta: float = 200.0
    phi: float = 300.0
    removed: Removed = "touching"
    filtered: bool = True

    def __post_init__(self) -> None:
        discs = (self.hand_opening, self.object_opening, self.closing)
        if any(d < 1 or d % 2 == 0 for d in discs) or not self.metres > 0 or self.theta < 0 or not self.phi > 0:
            raise DataError(f"{self}: expected odd diameters of discs >= 1, metres > 0, theta >= 0 and phi > 0")
        if self.removed not in get_args(Removed):
            raise DataError(f"removed={self.removed!r}; expected one of {', '.join(get_args(Removed))}")


DEFAULT = HandObject()
"""The settings that notebook 12 arrives at."""


@dataclass(frozen=True, eq=False)
class Segments:
    """The segments of a mask, T(M) of Eq. 1: what hangs together by sides or corners.

    Attributes:
        numbers: (H, W) int32, 0 outside the mask, else the number of the segment from 1 on.
        area: (S,) int64 N(s), pixels of each segment.
        perimeter: (S,) int64, its boundary pixels: those with one of the four neighbours outside the segment.
    """

    numbers: NDArray[np.int32]
    area: NDArray[np.int64]
    perimeter: NDArray[np.int64]

    @property
    def shape(self) -> NDArray[np.float64]:
        """(S,) squared perimeter over area."""
        return self.perimeter.astype(np.float64) ** 2 / np.maximum(self.area, 1)

    def kept(self, theta: float, phi: float) -> Mask:
        """(S,) which of them Eq. 1 keeps."""
        return (self.area > theta) & (self.shape < phi)


@dataclass(frozen=True, eq=False)
class AnnotatedInteraction:
    """One frame's way through Figure 2; all images are (H, W), masks bool.

    Attributes:
        depth: float32 metres of what can be annotated: nearest things only, and only where there is colour; else 0.
        skin, rest: that, split by colour.
        hand_opened, object_opened: after the morphological filters; from here on no pixel is in both.
        hand, object: after Eq. 1.
    """

    depth: NDArray[np.float32]
    skin: Mask
    rest: Mask
    hand_opened: Mask
    object_opened: Mask
    hand: Mask
    object: Mask

    @property
    def labels(self) -> NDArray[np.uint8]:
        """(H, W) the classes that the annotation ends in."""
        return classes(self.hand, self.object)

    @property
    def labelled_depth(self) -> NDArray[np.float32]:
        """(H, W) float32 metres where there is a class, else 0: what is written, so that no reading lacks its label."""
        return np.where(self.hand | self.object, self.depth, np.float32(0))

    def images(self) -> dict[str, NDArray[np.uint8]]:
        """Step -> (H, W) uint8 classes after it, by the names of `STEPS`."""
        pairs = ((self.skin, self.rest), (self.hand_opened, self.object_opened), (self.hand, self.object))
        return {name: classes(*pair) for name, pair in zip(STEPS, pairs, strict=True)}


STEPS = ("colour", "morphology", "contours")
"""The steps that end in a class for each pixel, in order."""


def classes(hand: Mask, thing: Mask) -> NDArray[np.uint8]:
    """(H, W) uint8 `HAND` and `OBJECT` from two masks that share no pixel."""
    return (hand * np.uint8(HAND) + thing * np.uint8(OBJECT)).astype(np.uint8)


def skin_thresholds(
    pixels: NDArray[np.uint8], trim: float = 0.02, margin: tuple[int, int, int] = (1, 10, 30)
) -> GloveThresholds:
    """HSV ranges of skin from pixels marked in a few calibration pictures.

    Args:
        pixels: (N, 3) uint8 RGB of marked skin.
        trim: share of the pixels left out at each end of each channel.
        margin: hues (half degrees), saturation and value added at both ends.

    Returns:
        The ranges; the brightest value is always within.

    Raises:
        DataError: without pixels, or for a share that makes no sense.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != 3 or not len(pixels) or not 0 <= trim < 0.5:
        raise DataError(
            f"skin marked as {pixels.dtype} {pixels.shape}, trimmed by {trim}; expected uint8 (N, 3) RGB with at least "
            "one pixel and 0 <= trim < 0.5. Mark skin in a calibration picture."
        )
    hsv = to_hsv(pixels[None])[0]
    hue = hue_range(hsv[:, 0], trim)
    low, high = np.quantile(hsv[:, 1:], (trim, 1 - trim), axis=0)
    box = GloveThresholds((hue[0], int(low[0]), int(low[1])), (hue[1], int(np.ceil(high[0])), 255))
    return box.widened(*margin)


CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
AROUND = np.ones((3, 3), np.uint8)


def segments(mask: Mask) -> Segments:
    """The segments of an (H, W) mask with area and perimeter; the border of the image is a boundary, too."""
    image = mask.view(np.uint8)
    count, numbers, table, _ = cv2.connectedComponentsWithStats(image, connectivity=8, ltype=cv2.CV_32S)
    inner = cv2.erode(image, CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    boundary = numbers[(image ^ inner).view(bool)]
    perimeter = np.bincount(boundary, minlength=count)[1:]
    return Segments(numbers, table[1:, cv2.CC_STAT_AREA].astype(np.int64), perimeter)


def contour_filter(mask: Mask, theta: float, phi: float) -> Mask:
    """Eq. 1: the union of a mask's segments with area above theta and squared perimeter over area below phi."""
    found = segments(mask)
    return np.concatenate([[False], found.kept(theta, phi)])[found.numbers]


def contours_filtered(hand: Mask, thing: Mask, settings: HandObject = DEFAULT) -> tuple[Mask, Mask]:
    """Eq. 1 on both masks, and what it removes given to where `settings.removed` says.

    Args:
        hand, thing: (H, W) masks that share no pixel.
    """
    kept = [contour_filter(mask, settings.theta, settings.phi) for mask in (hand, thing)]
    if settings.removed == "drop":
        return kept[0], kept[1]
    out = []
    for mine, other, its_kept in ((kept[0], thing, kept[1]), (kept[1], hand, kept[0])):
        given = other & ~its_kept
        if settings.removed == "touching":
            given = touching(given, mine)
        out.append(mine | given)
    return out[0], out[1]


def touching(mask: Mask, other: Mask) -> Mask:
    """The segments of a mask that have a neighbour, by side or corner, in another one."""
    count, numbers = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    around = cv2.dilate(other.view(np.uint8), AROUND).view(bool)
    meets = np.zeros(count, bool)
    meets[numbers[around]] = True
    meets[0] = False
    return meets[numbers]


def morphology(skin: Mask, rest: Mask, settings: HandObject = DEFAULT) -> tuple[Mask, Mask]:
    """Hand and object mask opened and closed, each by itself; a pixel that both claim goes by its colour.

    Pixels without reading may be claimed, too: a mask with pinholes has so many boundary pixels that Eq. 1 would take
    it for a band. They leave the masks after that step.
    """
    hand, thing = (
        _closed(_opened(mask, size), settings.closing)
        for mask, size in ((skin, settings.hand_opening), (rest, settings.object_opening))
    )
    thing = thing & ~(hand & ~rest)
    return hand & ~thing, thing


def _opened(mask: Mask, size: int) -> Mask:
    return cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, disc(size)).view(bool)


def _closed(mask: Mask, size: int) -> Mask:
    return cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_CLOSE, disc(size)).view(bool)


def annotate(
    rgb: NDArray[np.uint8], depth: NDArray[np.float32], skin: GloveThresholds = LINEAR, settings: HandObject = DEFAULT
) -> AnnotatedInteraction:
    """Label hand and object of one frame.

    Args:
        rgb: (H, W, 3) uint8 aligned with the depth; black where there is no colour.
        depth: (H, W) float32 metres, 0 = no reading.
        skin: HSV ranges of skin.
        settings: the numbers of Section 3.

    Raises:
        DataError: for images of wrong type or different size.
    """
    check_depth(depth, "depth to annotate")
    if rgb.dtype != np.uint8 or rgb.shape != (*depth.shape, 3):
        raise DataError(
            f"rgb to annotate is {rgb.dtype} {rgb.shape}, its depth {depth.shape}; expected uint8 {(*depth.shape, 3)}. "
            "Align the colour to the depth first (rs.align)."
        )
    near = (within(depth, settings.metres) > 0).view(np.uint8)
    left, top, width, height = cv2.boundingRect(near)
    box = slice(top, top + height), slice(left, left + width)
    steps = [np.zeros(depth.shape, bool) for _ in range(6)]
    kept = np.zeros_like(depth)
    if width:
        hsv = to_hsv(np.ascontiguousarray(rgb[box]))
        seen = (near[box] > 0) & (hsv[..., 2] > 0)
        kept[box] = np.where(seen, depth[box], np.float32(0))
        for step, mask in zip(steps, _in_box(hsv, seen, skin, settings), strict=True):
            step[box] = mask
    return AnnotatedInteraction(kept, *steps)


def _in_box(hsv: NDArray[np.uint8], seen: Mask, skin: GloveThresholds, settings: HandObject) -> tuple[Mask, ...]:
    """The six masks of a frame, in the part of the image that holds anything near."""
    color = threshold(hsv, skin) & seen
    rest = seen & ~color
    opened = morphology(color, rest, settings)
    final = contours_filtered(*opened, settings) if settings.filtered else opened
    return (color, rest, *(mask & seen for mask in (*opened, *final)))
