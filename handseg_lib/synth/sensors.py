"""What a depth camera makes of an exact depth map.

The SR300 projects stripes from a laser beside its infrared camera and triangulates. Its missing readings are therefore
structured, never salt-and-pepper: too little light comes back (dark hair, grazing cloth, distance), something nearer
stands in the projector's way (a shadow on one side only), or the window that decodes a pixel straddles two surfaces
(a gap along silhouettes, ragged contours, a few stray blobs). The model follows the light in that order.

Random fields are drawn as integers and enlarged and averaged in integer arithmetic, and floating-point work is limited
to operations that IEEE 754 rounds exactly, so that a seed gives the same bits whatever vector unit the processor has.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import Intrinsics
from handseg_lib.errors import DataError

Field = NDArray[np.float32]
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]  # flat indices of pixels

REFERENCE_FOCAL = 476.007  # pixels; window and clump sizes below are angles, written as pixels of this camera
SUBUNITS = 8  # depth is averaged in eighths of the sensor's unit: sums of 13 x 13 stay exact in float32
STREAK_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1))


@dataclass(frozen=True)
class SR300:
    """Physical parameters of the SR300 / SR305 model; lengths in metres, `*_px` angles in pixels of f = 476.

    Attributes:
        unit: size of one depth step.
        near, far: range outside which nothing is reported.
        baseline: distance from the camera to the projector, which sits towards -x, so that shadows fall at +x.
        threshold: least signal that is decoded, where reflectance 1 facing the camera at 1 m gives 1.
        threshold_clumps: relative standard deviation of that threshold over the image.
        fold_tilt, fine_tilt: standard deviation (radians) of the unseen tilt of the surface: streaks such as the folds
            of cloth, and a fine clumpy part. Tilt matters where light grazes, hence directed, ragged loss.
        vignetting: strength of the fall-off towards the edges of the projector's field; 1 is the cos^4 law.
        window_px: width of the window that must see one lit surface.
        raggedness: standard deviation of the part of that window which is required (mean: one half).
        gap_px, gap_spread_px: mean width and spread of the strip lost behind a nearer silhouette or along a shadow.
        step, deep_step: relative depth differences from which two neighbouring surfaces leave a gap, and a full one.
        ripple: standard deviation of the smooth, upright-streaked depth error at 1 m; grows with the distance squared.
        edge_error: the same for windows that see the surface only in part.
        pinholes, blobs: tiny holes just inside the contours, and wrongly decoded blobs just outside, per 1000 pixels of
            the strips where they may begin.
        blob_offset: range of a stray blob's distance in front of the surface beside it (some lie behind).
    """

    unit: float = 0.000125
    near: float = 0.2
    far: float = 1.5
    baseline: float = 0.040
    threshold: float = 0.36
    threshold_clumps: float = 0.06
    fold_tilt: float = 0.06
    fine_tilt: float = 0.04
    vignetting: float = 1.0
    window_px: float = 5.0
    raggedness: float = 0.17
    gap_px: float = 5.5
    gap_spread_px: float = 1.5
    step: float = 0.04
    deep_step: float = 0.15
    ripple: float = 0.0004
    edge_error: float = 0.004
    pinholes: float = 7.0
    blobs: float = 0.8
    blob_offset: tuple[float, float] = (0.02, 0.12)


def sr300(
    depth: Field,
    cos: Field,
    reflectance: Field,
    intrinsics: Intrinsics,
    rng: np.random.Generator,
    params: SR300 = SR300(),
) -> Field:
    """The depth an SR300 reports for an exactly known view.

    Args:
        depth: (H, W) float32 metres along z, 0 where nothing was hit.
        cos: (H, W) float32 cosine between surface normal and view ray, in [0, 1] where something was hit.
        reflectance: (H, W) float32 infrared reflectance in [0, 1]: skin about 0.7, cloth 0.3 to 0.8, hair below 0.2.
        intrinsics: the depth camera at this size; sizes in the model follow its focal length.
        rng: source of all randomness; the same state and input give the same bits.
        params: the physical parameters.

    Returns:
        (H, W) float32 metres, whole multiples of `params.unit`, 0 = no reading.

    Raises:
        DataError: if the three maps and the intrinsics differ in size.
    """
    shape = (intrinsics.height, intrinsics.width)
    for name, image in (("depth", depth), ("cos", cos), ("reflectance", reflectance)):
        if image.shape != shape:
            raise DataError(f"sr300: {name} is {image.shape}, the intrinsics are for {shape} (height, width)")
    out = np.zeros(shape, np.float32)
    scale = intrinsics.fx / REFERENCE_FOCAL
    reached = (depth > 0) & (depth < params.far)  # what lies farther neither answers nor hides anything
    box = _bounding_box(reached, margin=round(8 * scale) + 2)
    if box is None:
        return out
    z = np.where(reached[box], depth[box], 0).astype(np.float32, copy=False)
    fields = _Fields(rng, z.shape, scale)
    lit = z > params.near
    lit &= _signal(z, cos[box], reflectance[box], box, intrinsics, fields, params)
    shadow = _shadow(z, box, intrinsics, params)
    lit &= ~shadow & ~_gap(z, shadow, fields, params)
    valid = _decoded(lit, fields, params)
    reading = _reading(z, lit, valid, fields, params)
    _add_pinholes(reading, fields, params)
    _add_stray_blobs(reading, fields, params)
    counts = np.rint(reading / np.float32(params.unit))
    counts[(reading < params.near) | (reading > params.far)] = 0
    out[box] = counts * np.float32(params.unit)
    return out


class _Fields:
    """Random fields of about zero mean and unit variance over one image region."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int], scale: float) -> None:
        self.rng, self.shape, self.scale = rng, shape, scale

    def clumps(self, pitch_px: float, elongation: float = 1) -> Field:
        """Smooth lumps of about twice `pitch_px` (pixels at f = 476), `elongation` times as high as wide."""
        grid = self._white(pitch_px, elongation)
        total = grid[1:, 1:] + grid[:-1, 1:] + grid[1:, :-1] + grid[:-1, :-1]
        return self._enlarge((total >> 2).astype(np.uint8), pitch_px, elongation, deviation=28)

    def streaks(self, pitch_px: float) -> Field:
        """Lumps drawn out eightfold along one random direction."""
        grid = self._white(pitch_px)
        dy, dx = STREAK_DIRECTIONS[self.rng.integers(len(STREAK_DIRECTIONS))]
        for length in (1, 2, 4):
            grid = grid + np.roll(grid, (dy * length, dx * length), (0, 1))
        spread = np.clip((grid >> 3).astype(np.int16) * 2 - 128, 0, 255)
        return self._enlarge(spread.astype(np.uint8), pitch_px, deviation=36)

    def _white(self, pitch_px: float, elongation: float = 1) -> NDArray[np.uint16]:
        pitch = self._pitch(pitch_px)
        height, width = int(self.shape[0] / (pitch * elongation)) + 4, int(self.shape[1] / pitch) + 4
        return self.rng.integers(0, 256, (height, width), np.uint8).astype(np.uint16)

    def _pitch(self, pitch_px: float) -> float:
        return max(pitch_px * self.scale, 1.0)

    def _enlarge(self, grid: NDArray[np.uint8], pitch_px: float, elongation: float = 1, *, deviation: float) -> Field:
        pitch = self._pitch(pitch_px)
        size = (round(grid.shape[1] * pitch), round(grid.shape[0] * pitch * elongation))
        y, x = self.rng.integers(0, int(pitch) + 1, 2)
        fine = cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR_EXACT)
        fine = fine[y : y + self.shape[0], x : x + self.shape[1]].astype(np.float32)
        return (fine - np.float32(127.5)) / np.float32(deviation)


def _bounding_box(mask: Mask, margin: int) -> tuple[slice, slice] | None:
    """Rows and columns that hold all of `mask`, with a margin; None if it is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return tuple(slice(max(int(i[0]) - margin, 0), int(i[-1]) + 1 + margin) for i in (rows, columns))


def _signal(
    z: Field, cos: Field, reflectance: Field, box: tuple[slice, slice], camera: Intrinsics, fields: _Fields, p: SR300
) -> Mask:
    """Where enough light returns: reflectance * cos / z^2 * vignetting above a clumpy threshold."""
    cos = np.clip(cos, 0, 1)
    tilt = np.float32(p.fold_tilt) * fields.streaks(5) + np.float32(p.fine_tilt) * fields.clumps(3)
    tilted = cos + np.sqrt(1 - cos * cos) * tilt  # cos(a + t) ~ cos a + t sin a: matters only where light grazes
    x = ((np.arange(camera.width) - camera.cx) / camera.fx)[box[1]].astype(np.float32)
    y = ((np.arange(camera.height) - camera.cy) / camera.fy)[box[0]].astype(np.float32)
    off_axis = 1 + np.float32(p.vignetting) * (x * x + (y * y)[:, None])
    needed = np.float32(p.threshold) * (1 + np.float32(p.threshold_clumps) * fields.clumps(6))
    return reflectance * tilted > needed * (z * z) * (off_axis * off_axis)


def _shadow(z: Field, box: tuple[slice, slice], camera: Intrinsics, p: SR300) -> Mask:
    """Surfaces the projector does not see because something nearer stands before them.

    The projector sits `baseline` towards -x, so a point at column u lies at u + f * baseline / z for it. Along a row
    that coordinate grows, except where a nearer surface further left has already covered it: a running maximum. (A bar
    narrower than its own parallax throws a shadow that reaches back to the bar; exact otherwise.)
    """
    u = np.arange(camera.width, dtype=np.float32)[box[1]]
    parallax = np.float32(camera.fx * p.baseline)
    seen = np.where(z > 0, u + parallax / np.maximum(z, np.float32(0.05)), np.float32(-1e6))
    return (z > 0) & (seen < np.maximum.accumulate(seen, axis=1) - np.float32(0.5))


def _gap(z: Field, shadow: Mask, fields: _Fields, p: SR300) -> Mask:
    """The strip of a surface beside a nearer silhouette, or along a shadow, where the window mixes two codes."""
    silhouette = (z > 0) & (cv2.dilate(z, np.ones((3, 3), np.uint8)) > z * np.float32(1 + p.step))
    source = silhouette | shadow
    if not source.any():
        return source
    distance, nearest = cv2.distanceTransformWithLabels(
        (~source).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    depths = np.zeros(int(nearest.max()) + 1, np.float32)
    depths[nearest[source]] = np.where(shadow, z * np.float32(1 - p.deep_step), z)[source]
    behind = z / np.maximum(depths[nearest], np.float32(0.01)) - 1  # a shadow's surroundings count as far behind
    width = np.float32(p.gap_px) + np.float32(p.gap_spread_px) * (fields.clumps(4) + fields.clumps(2))
    width *= np.float32(fields.scale) * np.minimum(behind / np.float32(p.deep_step), 1)  # a small step mixes codes less
    return (distance < width) & (behind > np.float32(p.step))


def _decoded(lit: Mask, fields: _Fields, p: SR300) -> Mask:
    """Pixels whose window holds enough lit surface; the share required varies in clumps, hence ragged contours.

    A wider look at the neighbourhood drops crumbs and fills small holes, as the camera's own filter does.
    """
    rough = np.clip(1 + np.float32(0.5) * fields.clumps(14), np.float32(0.2), 2)  # some contours are smooth
    needed = np.float32(0.5) + np.float32(p.raggedness) * rough * np.clip(fields.clumps(2.2), -2, 2)
    around = _share(lit, 2 * p.window_px * fields.scale)
    return (_share(lit, p.window_px * fields.scale) > needed) & (around > np.float32(0.2)) | (around > np.float32(0.75))


def _share(mask: Mask, width: float) -> Field:
    """Share of each window that `mask` covers; a window of fractional width weighs its border in part."""
    width = max(width, 1.0)
    inner = int((width - 1) // 2) * 2 + 1
    outer = inner + 2
    part = np.float32((width - inner) / 2)
    small = cv2.boxFilter(mask.view(np.uint8), cv2.CV_32F, (inner, inner), normalize=False)
    large = cv2.boxFilter(mask.view(np.uint8), cv2.CV_32F, (outer, outer), normalize=False)
    return (small * (1 - part) + large * part) / np.float32(inner * inner * (1 - part) + outer * outer * part)


def _reading(z: Field, lit: Mask, valid: Mask, fields: _Fields, p: SR300) -> Field:
    """Depth of the decoded pixels in metres: the window's mean of the surface plus a smooth error."""
    nothing = np.float32(1e3)
    window = _odd(p.window_px * fields.scale)
    nearest = cv2.erode(np.where(lit, z, nothing), np.ones((window, window), np.uint8), borderValue=float(nothing))
    own = np.where((z > 0) & (z < nearest * np.float32(1 + p.step)), z, nearest)  # past a silhouette: what is beside it
    valid = valid & (nearest < nothing)
    part = 1 - _share(lit, 3 * p.window_px * fields.scale)
    error = np.float32(p.ripple) * (fields.clumps(6) + np.float32(0.7) * fields.clumps(2.5, elongation=4))
    error += np.float32(p.edge_error) * part * fields.clumps(3.5)
    measured = np.where(valid, own + error * z * z, 0).astype(np.float32)
    return _smoothed(measured, valid, window, p)


def _smoothed(measured: Field, valid: Mask, window: int, p: SR300) -> Field:
    """Mean over the valid readings of each window, unless it mixes surfaces."""
    fine = np.float32(p.unit / SUBUNITS)
    whole = np.rint(measured / fine)
    kernel = (window, window)
    count = cv2.boxFilter(valid.view(np.uint8), cv2.CV_32F, kernel, normalize=False)
    mean = cv2.boxFilter(whole, cv2.CV_32F, kernel, normalize=False) / np.maximum(count, 1)
    mixed = np.abs(mean - whole) > np.float32(0.004) / fine
    return np.where(valid, np.where(mixed, whole, mean), 0).astype(np.float32) * fine


def _add_pinholes(reading: Field, fields: _Fields, p: SR300) -> None:
    """Tiny holes just inside the contours, in place."""
    reach = _odd(p.window_px * fields.scale)
    inner = cv2.erode(reading, np.ones((reach, reach), np.uint8), borderValue=1e3)
    rim = (inner == 0) & (cv2.erode(reading, np.ones((3, 3), np.uint8), borderValue=1e3) > 0)
    _, places, _ = _specks(rim, p.pinholes, 4, fields)
    reading.ravel()[places] = 0


def _add_stray_blobs(reading: Field, fields: _Fields, p: SR300) -> None:
    """Wrongly decoded blobs just outside the contours, mostly nearer than the surface beside them, in place."""
    reach = _odd(2 * p.window_px * fields.scale)
    beside = cv2.dilate(reading, np.ones((reach, reach), np.uint8))
    starts, places, owner = _specks((beside > 0) & (reading == 0), p.blobs, 14, fields)
    low, high = p.blob_offset
    offset = (low + (high - low) * fields.rng.random(starts.size)) * np.where(
        fields.rng.random(starts.size) < 0.25, 1, -1
    )
    depth = beside.ravel()[starts] + offset.astype(np.float32)
    free = reading.ravel()[places] == 0
    reading.ravel()[places[free]] = depth[owner[free]]


def _specks(where: Mask, density: float, longest: int, fields: _Fields) -> tuple[Places, Places, Places]:
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


def _odd(width: float) -> int:
    """The odd whole number nearest to `width`, at least 3."""
    return max(3, 2 * round((width - 1) / 2) + 1)
