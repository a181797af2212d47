"""What an SR300 makes of an exact depth map.

It projects stripes from a laser beside its infrared camera and triangulates. Its missing readings are therefore
structured, never salt-and-pepper: too little light comes back (dark hair, grazing cloth, distance), something nearer
stands in the projector's way (a shadow on one side only), or the window that decodes a pixel straddles two surfaces
(a gap along silhouettes, ragged contours, a few stray blobs). The model follows the light in that order.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from handseg_lib.camera import Intrinsics
from handseg_lib.synth.sensors.structured_light import (
    REFERENCE_FOCAL,
    Field,
    Fields,
    Mask,
    bounding_box,
    check_view,
    enough_light,
    odd,
    shadow,
    share,
    specks,
)

SUBUNITS = 8  # depth is averaged in eighths of the sensor's unit: sums of 13 x 13 stay exact in float32
NOTHING = np.float32(1e3)  # metres: farther than any surface
RAGGED_AT = 0.7  # metres: distance at which contours are as ragged as `SR300.raggedness` says


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
        raggedness: standard deviation, at 0.7 m, of the part of that window which is required (mean: one half); grows
            with the distance squared, as the light weakens.
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
    baseline: float = 0.047
    threshold: float = 0.44
    threshold_clumps: float = 0.06
    fold_tilt: float = 0.06
    fine_tilt: float = 0.04
    vignetting: float = 1.0
    window_px: float = 5.0
    raggedness: float = 0.17
    gap_px: float = 4.5
    gap_spread_px: float = 1.5
    step: float = 0.04
    deep_step: float = 0.15
    ripple: float = 0.00075
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
    check_view("sr300", intrinsics, depth=depth, cos=cos, reflectance=reflectance)
    out = np.zeros_like(depth)
    scale = intrinsics.fx / REFERENCE_FOCAL
    reached = (depth > 0) & (depth < params.far)  # what lies farther neither answers nor hides anything
    box = bounding_box(reached, margin=round(8 * scale) + 2)
    if box is None:
        return out
    z = np.where(reached[box], depth[box], 0).astype(np.float32, copy=False)
    fields = Fields(rng, z.shape, scale)
    lit = z > params.near
    lit &= enough_light(z, cos[box], reflectance[box], box, intrinsics, fields, params)
    dark = shadow(z, box[1].start, intrinsics.fx, params.baseline)
    lit &= ~dark & ~_gap(z, dark, fields, params)
    nearest = _nearest(z, lit, odd(params.window_px * scale))
    valid = _decoded(lit, nearest, fields, params)
    reading = _reading(z, lit, nearest, valid, fields, params)
    _add_pinholes(reading, fields, params)
    _add_stray_blobs(reading, fields, params)
    counts = np.rint(reading / np.float32(params.unit))
    counts[(reading < params.near) | (reading > params.far)] = 0
    out[box] = counts * np.float32(params.unit)
    return out


def _gap(z: Field, dark: Mask, fields: Fields, p: SR300) -> Mask:
    """The strip of a surface beside a nearer silhouette, or along a shadow, where the window mixes two codes."""
    silhouette = (z > 0) & (cv2.dilate(z, np.ones((3, 3), np.uint8)) > z * np.float32(1 + p.step))
    source = silhouette | dark
    if not source.any():
        return source
    distance, nearest = cv2.distanceTransformWithLabels(
        (~source).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    depths = np.zeros(int(nearest.max()) + 1, np.float32)
    where = np.flatnonzero(source)
    near = z.ravel().take(where)
    depths[nearest.ravel().take(where)] = np.where(dark.ravel().take(where), near * np.float32(1 - p.deep_step), near)
    spread = p.gap_spread_px * fields.scale
    width = fields.clumps(4, spread=spread, mean=p.gap_px * fields.scale)
    width += fields.clumps(2, spread=spread)
    gap = distance < width
    where = np.flatnonzero(gap)
    before = np.maximum(depths.take(nearest.ravel().take(where)), np.float32(0.01))
    behind = z.ravel().take(where) / before - 1  # a shadow's surroundings count as far behind
    reach = width.ravel().take(where) * np.minimum(behind / np.float32(p.deep_step), 1)  # a small step mixes codes less
    gap.ravel()[where] = (distance.ravel().take(where) < reach) & (behind > np.float32(p.step))
    return gap


def _nearest(z: Field, lit: Mask, window: int) -> Field:
    """Depth of the nearest lit surface in the window around each pixel, `NOTHING` where there is none."""
    return cv2.erode(np.where(lit, z, NOTHING), np.ones((window, window), np.uint8), borderValue=float(NOTHING))


def _decoded(lit: Mask, nearest: Field, fields: Fields, p: SR300) -> Mask:
    """Pixels whose window holds enough lit surface; the share required varies in clumps, hence ragged contours.

    The less light returns from a distance, the more raggedly. A wider look at the neighbourhood drops crumbs and fills
    small holes, as the camera's own filter does.
    """
    needed = fields.clumps(14, spread=0.5, mean=1, within=(0.2, 2))  # some contours are smooth
    weak = nearest * nearest
    weak *= np.float32(1 / RAGGED_AT**2)
    needed *= np.minimum(weak, np.float32(1.5), out=weak)
    limit = 2 * p.raggedness
    needed *= fields.clumps(2.2, spread=p.raggedness, within=(-limit, limit))
    needed += np.float32(0.5)
    around = share(lit, 2 * p.window_px * fields.scale)
    own = share(lit, p.window_px * fields.scale)
    return (nearest < NOTHING) & ((own > needed) & (around > np.float32(0.2)) | (around > np.float32(0.75)))


def _reading(z: Field, lit: Mask, nearest: Field, valid: Mask, fields: Fields, p: SR300) -> Field:
    """Depth of the decoded pixels in metres: the window's mean of the surface plus a smooth error."""
    own = (z > 0) & (z < nearest * np.float32(1 + p.step))
    part = share(lit, 3 * p.window_px * fields.scale)
    measured = fields.clumps(6, spread=p.ripple)
    measured += fields.clumps(2.5, elongation=4, spread=0.7 * p.ripple)
    np.subtract(1, part, out=part)
    part *= fields.clumps(3.5, spread=p.edge_error)
    measured += part
    measured *= z
    measured *= z
    measured += np.where(own, z, nearest)  # past a silhouette: what is beside it
    measured *= valid
    return _smoothed(measured, valid, odd(p.window_px * fields.scale), p)


def _smoothed(measured: Field, valid: Mask, window: int, p: SR300) -> Field:
    """Mean over the valid readings of each window, unless it mixes surfaces."""
    fine = np.float32(p.unit / SUBUNITS)
    whole = measured / fine
    np.rint(whole, out=whole)
    kernel = (window, window)
    count = cv2.boxFilter(valid.view(np.uint8), cv2.CV_32F, kernel, normalize=False)
    mean = cv2.boxFilter(whole, cv2.CV_32F, kernel, normalize=False)
    mean /= np.maximum(count, 1, out=count)
    apart = np.subtract(mean, whole, out=count)
    np.copyto(mean, whole, where=np.abs(apart, out=apart) > np.float32(0.004) / fine)
    mean *= valid
    mean *= fine
    return mean


def _add_pinholes(reading: Field, fields: Fields, p: SR300) -> None:
    """Tiny holes just inside the contours, in place."""
    reach = odd(p.window_px * fields.scale)
    inner = cv2.erode(reading, np.ones((reach, reach), np.uint8), borderValue=1e3)
    rim = (inner == 0) & (cv2.erode(reading, np.ones((3, 3), np.uint8), borderValue=1e3) > 0)
    _, places, _ = specks(rim, p.pinholes, 4, fields)
    reading.ravel()[places] = 0


def _add_stray_blobs(reading: Field, fields: Fields, p: SR300) -> None:
    """Wrongly decoded blobs just outside the contours, mostly nearer than the surface beside them, in place."""
    reach = odd(2 * p.window_px * fields.scale)
    beside = cv2.dilate(reading, np.ones((reach, reach), np.uint8))
    starts, places, owner = specks((beside > 0) & (reading == 0), p.blobs, 14, fields)
    low, high = p.blob_offset
    offset = (low + (high - low) * fields.rng.random(starts.size)) * np.where(
        fields.rng.random(starts.size) < 0.25, 1, -1
    )
    depth = beside.ravel()[starts] + offset.astype(np.float32)
    free = reading.ravel()[places] == 0
    reading.ravel()[places[free]] = depth[owner[free]]
