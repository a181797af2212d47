"""What structured-light depth cameras have in common: light that returns or not, a shadow, windows, random fields.

Random fields are drawn as integers and enlarged and averaged in integer arithmetic, and floating-point work is limited
to operations that IEEE 754 rounds exactly, so that a seed gives the same bits whatever vector unit the processor has.
"""

from functools import lru_cache
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import Intrinsics
from handseg_lib.errors import DataError

Field = NDArray[np.float32]
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]  # flat indices of pixels
Box = tuple[slice, slice]

REFERENCE_FOCAL = 476.007  # pixels; window and clump sizes are angles, written as pixels of this camera
ANY = (-np.inf, np.inf)
STREAK_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1))


class Illumination(Protocol):
    """How much light a camera needs: see the attributes of the same names in `SR300`."""

    threshold: float
    threshold_clumps: float
    fold_tilt: float
    fine_tilt: float
    vignetting: float


def check_view(sensor: str, camera: Intrinsics, **images: Field) -> None:
    """Refuse images of another size than the intrinsics'.

    Raises:
        DataError: naming the sensor, the image and both sizes.
    """
    shape = (camera.height, camera.width)
    for name, image in images.items():
        if image.shape != shape:
            raise DataError(f"{sensor}: {name} is {image.shape}, the intrinsics are for {shape} (height, width)")


class Fields:
    """Random fields over one image region: about zero mean and unit variance, times `spread`, plus `mean`, clipped."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int], scale: float) -> None:
        self.rng, self.shape, self.scale = rng, shape, scale

    def clumps(
        self,
        pitch_px: float,
        elongation: float = 1,
        *,
        spread: float = 1.0,
        mean: float = 0.0,
        within: tuple[float, float] = ANY,
    ) -> Field:
        """Smooth lumps of about twice `pitch_px` (pixels at f = 476), `elongation` times as high as wide."""
        grid = self._white(pitch_px, elongation)
        total = grid[1:, 1:] + grid[:-1, 1:] + grid[1:, :-1] + grid[:-1, :-1]
        return self._enlarge((total >> 2).astype(np.uint8), pitch_px, elongation, _levels(28, spread, mean, *within))

    def streaks(self, pitch_px: float, *, spread: float = 1.0) -> Field:
        """Lumps drawn out eightfold along one random direction."""
        grid = self._white(pitch_px)
        dy, dx = STREAK_DIRECTIONS[self.rng.integers(len(STREAK_DIRECTIONS))]
        for length in (1, 2, 4):
            grid = grid + np.roll(grid, (dy * length, dx * length), (0, 1))
        wide = np.clip((grid >> 3).astype(np.int16) * 2 - 128, 0, 255)
        return self._enlarge(wide.astype(np.uint8), pitch_px, 1, _levels(36, spread, 0.0, *ANY))

    def _white(self, pitch_px: float, elongation: float = 1) -> NDArray[np.uint16]:
        pitch = self._pitch(pitch_px)
        height, width = int(self.shape[0] / (pitch * elongation)) + 4, int(self.shape[1] / pitch) + 4
        return self.rng.integers(0, 256, (height, width), np.uint8).astype(np.uint16)

    def _pitch(self, pitch_px: float) -> float:
        return max(pitch_px * self.scale, 1.0)

    def _enlarge(self, grid: NDArray[np.uint8], pitch_px: float, elongation: float, levels: Field) -> Field:
        pitch = self._pitch(pitch_px)
        size = (round(grid.shape[1] * pitch), round(grid.shape[0] * pitch * elongation))
        y, x = self.rng.integers(0, int(pitch) + 1, 2)
        fine = cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR_EXACT)
        fine = fine[y : y + self.shape[0], x : x + self.shape[1]]
        return cv2.LUT(fine, levels)


@lru_cache(maxsize=64)
def _levels(deviation: float, spread: float, mean: float, low: float, high: float) -> Field:
    """(256,) what each grey value of a field of that standard deviation stands for: a look-up saves three passes."""
    values = (np.arange(256) - 127.5) * (spread / deviation) + mean
    return np.clip(values, low, high).astype(np.float32)


def bounding_box(mask: Mask, margin: int) -> Box | None:
    """Rows and columns that hold all of `mask`, with a margin; None if it is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return tuple(slice(max(int(i[0]) - margin, 0), int(i[-1]) + 1 + margin) for i in (rows, columns))


def enough_light(
    z: Field, cos: Field, reflectance: Field, box: Box, camera: Intrinsics, fields: Fields, p: Illumination
) -> Mask:
    """Where enough light returns: reflectance * cos / z^2 * vignetting above a clumpy threshold."""
    cos = np.clip(cos, 0, 1)
    tilt = fields.streaks(5, spread=p.fold_tilt)
    tilt += fields.clumps(3, spread=p.fine_tilt)
    sine = cos * cos
    np.subtract(1, sine, out=sine)
    tilt *= np.sqrt(sine, out=sine)
    tilted = np.add(cos, tilt, out=tilt)  # cos(a + t) ~ cos a + t sin a: matters only where light grazes
    x = ((np.arange(camera.width) - camera.cx) / camera.fx)[box[1]].astype(np.float32)
    y = ((np.arange(camera.height) - camera.cy) / camera.fy)[box[0]].astype(np.float32)
    off_axis = 1 + np.float32(p.vignetting) * (x * x + (y * y)[:, None])
    off_axis *= off_axis
    needed = fields.clumps(6, spread=p.threshold * p.threshold_clumps, mean=p.threshold)
    needed *= z
    needed *= z
    needed *= off_axis
    tilted *= reflectance
    return tilted > needed


def shadow(z: Field, first_column: int, focal: float, baseline: float) -> Mask:
    """Surfaces the projector does not see because something nearer stands before them.

    The projector sits `baseline` metres towards -x (negative: towards +x), so a point at column u lies at
    u + f * baseline / z for it. Along a row that coordinate grows, except where a nearer surface further left has
    already covered it: a running maximum. (A bar narrower than its own parallax throws a shadow that reaches back to
    the bar; exact otherwise.)
    """
    if baseline < 0:  # the same in a mirror
        return shadow(z[:, ::-1], 0, focal, -baseline)[:, ::-1]
    u = np.arange(first_column, first_column + z.shape[1], dtype=np.float32)
    parallax = np.float32(focal * baseline)
    seen = np.maximum(z, np.float32(0.05))
    np.divide(parallax, seen, out=seen)
    seen += u
    there = z > 0
    np.copyto(seen, np.float32(-1e6), where=~there)
    covered = np.maximum.accumulate(seen, axis=1)
    covered -= np.float32(0.5)
    there &= seen < covered
    return there


def thin_shadow(z: Field, focal: float, baseline: float) -> Mask:
    """As `shadow`, also where the shadow of something thin has come away from it: a depth buffer of the projector.

    Every reading marks the two projector columns it lies between with its depth, the nearest wins, and a point is dark
    where both of its own columns hold something nearer.
    """
    height, width = z.shape
    parallax = np.float32(focal * baseline)
    reach = int(abs(parallax) / 0.1) + 2
    rows, u = np.nonzero(z > 0)
    depth = z[rows, u]
    at = u.astype(np.float32) + parallax / np.maximum(depth, np.float32(0.1))
    column = np.floor(at).astype(np.int64)
    place = rows * (width + 2 * reach) + column + reach
    buffer = np.full(height * (width + 2 * reach), np.inf, np.float32)
    np.minimum.at(buffer, place, depth)
    np.minimum.at(buffer, place + 1, depth)
    dark = np.zeros(z.shape, bool)
    dark[rows, u] = np.maximum(buffer[place], buffer[place + 1]) < depth * np.float32(0.97)
    return dark


def share(mask: Mask, width: float) -> Field:
    """Share of each window that `mask` covers; a window of fractional width weighs its border in part."""
    width = max(width, 1.0)
    inner = int((width - 1) // 2) * 2 + 1
    outer = inner + 2
    part = np.float32((width - inner) / 2)
    small = cv2.boxFilter(mask.view(np.uint8), cv2.CV_32F, (inner, inner), normalize=False)
    large = cv2.boxFilter(mask.view(np.uint8), cv2.CV_32F, (outer, outer), normalize=False)
    whole = inner * inner * (1 - part) + outer * outer * part
    small *= np.float32((1 - part) / whole)
    large *= np.float32(part / whole)
    small += large
    return small


def specks(where: Mask, density: float, longest: int, fields: Fields) -> tuple[Places, Places, Places]:
    """Small, connected, irregular sets of pixels: random walks of up to `longest` that begin somewhere in `where`.

    Returns:
        Flat indices of the starts, flat indices of all pixels, and for each of those the number of its walk.
    """
    rng, (height, width) = fields.rng, where.shape
    starts = np.flatnonzero(where)
    count = int(rng.poisson(density * starts.size / (1000 * fields.scale**2)))
    starts = starts[rng.integers(0, max(starts.size, 1), count)]
    lengths = np.floor(rng.integers(1, longest, count) * fields.scale**2 + rng.random(count))  # rounds fairly
    steps = rng.integers(-1, 2, (2, count, int(lengths.max(initial=1))))
    steps[..., 0] = 0
    rows, columns = np.stack(np.divmod(starts, width))[..., None] + steps.cumsum(-1)
    places = np.clip(rows, 0, height - 1) * width + np.clip(columns, 0, width - 1)
    taken = np.arange(steps.shape[2]) < lengths[:, None]
    return starts, places[taken], np.nonzero(taken)[0]


def odd(width: float) -> int:
    """The odd whole number nearest to `width`, at least 3."""
    return max(3, 2 * round((width - 1) / 2) + 1)
