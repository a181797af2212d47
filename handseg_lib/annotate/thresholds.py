"""The colour calibration of the gloves (HandSeg Section 4, Figure 3): find the probe, take its HSV ranges."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from handseg_lib.errors import DataError

HUES = 180
"""OpenCV's 8-bit hue counts half degrees: 0..179, and 179 is next to 0."""


@dataclass(frozen=True)
class GloveThresholds:
    """A glove's colours: a range of each HSV channel, ends included.

    Attributes:
        low, high: hue (0..179, half degrees), saturation and value (0..255). Where the low hue is larger than the high
            one the range goes through red: low..179 and 0..high.

    Raises:
        DataError: for values out of range, or a low saturation or value above the high one.
    """

    low: tuple[int, int, int]
    high: tuple[int, int, int]

    def __post_init__(self) -> None:
        limits = (HUES - 1, 255, 255)
        for name, values in (("low", self.low), ("high", self.high)):
            if len(values) != 3 or any(not 0 <= v <= top for v, top in zip(values, limits, strict=True)):
                raise DataError(f"{name} HSV threshold {values}; expected hue 0 to 179, saturation and value 0 to 255")
        if self.low[1] > self.high[1] or self.low[2] > self.high[2]:
            raise DataError(f"HSV thresholds from {self.low} to {self.high}: low saturation or value exceeds the high")

    @property
    def hue_width(self) -> int:
        """Number of hues in the range."""
        return (self.high[0] - self.low[0]) % HUES + 1

    def widened(self, hue: int = 0, saturation: int = 0, value: int = 0) -> "GloveThresholds":
        """The ranges made wider (or, negative, narrower) by so much at both ends, clipped to what exists."""
        width = self.hue_width + 2 * hue
        if width >= HUES:
            low_hue, high_hue = 0, HUES - 1
        else:
            low_hue, high_hue = (self.low[0] - hue) % HUES, (self.high[0] + hue) % HUES
        if width < 1:
            raise DataError(f"a hue range of {self.hue_width} cannot be narrowed by {-hue} at both ends")
        lows = (max(self.low[1] - saturation, 0), max(self.low[2] - value, 0))
        highs = (min(self.high[1] + saturation, 255), min(self.high[2] + value, 255))
        return GloveThresholds((low_hue, *lows), (high_hue, *highs))


@dataclass(frozen=True)
class Circle:
    """The probe's profile in an image: centre and radius in pixels."""

    x: float
    y: float
    radius: float

    def pixels(self, shape: tuple[int, int], share: float = 1.0) -> NDArray[np.bool_]:
        """(H, W) pixels whose centres lie within `share` of the radius."""
        y, x = np.ogrid[: shape[0], : shape[1]]
        return (x - self.x) ** 2 + (y - self.y) ** 2 <= (share * self.radius) ** 2


def to_hsv(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB -> (H, W, 3) uint8 hue (half degrees), saturation, value."""
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)


def find_probe(rgb: NDArray[np.uint8], radii: tuple[float, float] = (12.0, 120.0)) -> Circle | None:
    """Find the calibration sphere in a colour picture: a round patch of one saturated hue.

    "Due to its simple geometry and consistent color, the probe can be easily located" (Section 4) is all the paper
    says. Here patches above a saturation are filled and freed of the stick by an opening; of those of one hue the one
    is taken that fills its smallest enclosing circle best. Several saturations are tried, because rooms differ.

    Args:
        rgb: (H, W, 3) uint8; best the colour camera's own picture, where alignment has doubled nothing.
        radii: least and greatest radius in pixels.

    Returns:
        Its circle in pixels, or None where no patch fills at least 85% of its circle.

    Raises:
        DataError: for a picture that is not (H, W, 3) uint8.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise DataError(f"calibration picture is {rgb.dtype} {rgb.shape}; expected uint8 (H, W, 3) in RGB order")
    hsv, best, score = to_hsv(rgb), None, 0.85
    for saturation in (60, 80, 100, 120, 140, 160):
        mask = ((hsv[..., 1] >= saturation) & (hsv[..., 2] >= 40)).astype(np.uint8)
        for circle, roundness in _round_patches(mask, radii):
            if roundness > score and _one_hue(hsv[circle.pixels(mask.shape, 0.8)]):
                best, score = circle, roundness
    return best


def _round_patches(mask: NDArray[np.uint8], radii: tuple[float, float]) -> list[tuple[Circle, float]]:
    """Patches of a mask as circles of the same area, with the share of the smallest enclosing circle that they fill.

    Holes are filled, then what is narrower than 0.4 of the patch's inner circle (a stick) is opened away.
    """
    found = []
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        if cv2.contourArea(outline) < np.pi * radii[0] ** 2 * 0.8:
            continue
        left, top, width, height = cv2.boundingRect(outline)
        solid = np.zeros((height + 2, width + 2), np.uint8)
        cv2.drawContours(solid, [outline - (left - 1, top - 1)], -1, 1, cv2.FILLED)
        inner = float(cv2.distanceTransform(solid, cv2.DIST_L2, 5).max())
        solid = cv2.morphologyEx(solid, cv2.MORPH_OPEN, _disc(0.4 * inner))
        parts, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        part = max(parts, key=cv2.contourArea)
        moments = cv2.moments(cv2.drawContours(np.zeros_like(solid), [part], -1, 1, cv2.FILLED), binaryImage=True)
        area, (_, enclosing) = moments["m00"], cv2.minEnclosingCircle(part)
        radius = float(np.sqrt(area / np.pi))
        if radii[0] <= radius <= radii[1]:
            circle = Circle(moments["m10"] / area + left - 1, moments["m01"] / area + top - 1, radius)
            found.append((circle, float(area / (np.pi * (enclosing + 0.5) ** 2))))
    return found


def _disc(radius: float) -> NDArray[np.uint8]:
    size = 2 * max(round(radius), 1) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def _one_hue(pixels: NDArray[np.uint8], spread: int = 12) -> bool:
    """Whether nine tenths of the coloured pixels (N, 3) HSV lie within a few hues, and most are coloured."""
    coloured = pixels[(pixels[:, 1] >= 40) & (pixels[:, 2] >= 25), 0]
    if len(coloured) < 0.6 * max(len(pixels), 1):
        return False
    low, high = hue_range(coloured, 0.05)
    return (high - low) % HUES <= 2 * spread


def hue_range(hues: NDArray[np.uint8], trim: float = 0.0) -> tuple[int, int]:
    """Least and greatest hue on the circle, seen from the mean hue; low > high where the range goes through red."""
    angle = np.asarray(hues, np.float64) * (2 * np.pi / HUES)
    middle = round(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean()) * HUES / (2 * np.pi))
    away = (np.asarray(hues, np.int64) - middle + HUES // 2) % HUES - HUES // 2
    low, high = _trimmed(away, trim)
    return (middle + low) % HUES, (middle + high) % HUES


def _trimmed(values: NDArray, trim: float) -> tuple[int, int]:
    """Minimum and maximum when a share of the values is left out at each end."""
    low, high = np.quantile(values, (trim, 1 - trim))
    return int(np.floor(low)), int(np.ceil(high))


def calibrate(
    frames: Iterable[tuple[NDArray[np.uint8], Circle]], share: float = 0.85, trim: float = 0.002
) -> GloveThresholds:
    """Per-channel HSV range over all pixels within the circles of the calibration pictures (Section 4).

    The paper takes "conservative min/max thresholds": with `share` 1 and `trim` 0 these are plain minima and maxima.
    A picture's outermost pixels mix the probe with the room behind it, and a single one widens the range for good,
    hence the defaults.

    Args:
        frames: pictures, (H, W, 3) uint8 RGB, each with the probe's circle in it.
        share: of the circle's radius within which pixels count.
        trim: share of the pixels left out at each end of each channel.

    Raises:
        DataError: without any picture, with a circle out of its picture, or shares that make no sense.
    """
    if not 0 < share <= 1 or not 0 <= trim < 0.5:
        raise DataError(f"calibration with share {share} and trim {trim}; expected 0 < share <= 1 and 0 <= trim < 0.5")
    found = [to_hsv(rgb)[circle.pixels(rgb.shape[:2], share)] for rgb, circle in frames]
    if not found or min(map(len, found)) == 0:
        raise DataError(
            f"calibration with {len(found)} pictures, of which {sum(not len(f) for f in found)} show nothing of the "
            "probe; expected at least one picture with the circle inside. Was the probe found (`find_probe`)?"
        )
    pixels = np.concatenate(found)
    pixels = pixels[pixels[:, 2] > 0]  # black: the alignment had no colour there
    if not len(pixels):
        raise DataError("all calibration pixels are black; check that the colour was aligned to the depth")
    hue = hue_range(pixels[:, 0], trim)
    saturation, value = (_trimmed(pixels[:, i], trim) for i in (1, 2))
    return GloveThresholds((hue[0], saturation[0], value[0]), (hue[1], saturation[1], value[1]))
