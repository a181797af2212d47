"""What a Kinect v1 (or its twin, the PrimeSense Carmine) makes of an exact depth map.

It projects a fixed pattern of dots and finds, for a window around each pixel, how far the dots moved sideways: the
disparity, in eighths of a pixel. Depth is its reciprocal, so that steps grow with the square of the distance and far
surfaces look like terraces. The projector sits to the right of the infrared camera: shadows fall to the left of things.
Nothing is read nearer than about half a metre, where the dots outshine the camera.
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
    share,
    thin_shadow,
)


@dataclass(frozen=True)
class Kinect:
    """Physical parameters of the Kinect v1 model; lengths in metres, `*_px` angles in pixels of f = 476.

    Attributes:
        unit: size of one step of the depth that is handed out.
        near, near_spread: mean and clumpy spread of the distance below which nothing is read.
        far: distance beyond which nothing is read.
        baseline: distance from the camera to the projector, negative because it sits towards +x.
        focal: focal length in pixels in which disparities are counted.
        step: disparity step in those pixels.
        noise, fine_noise: standard deviation (in those pixels) of the disparity's error: smooth over the window, and
            from pixel to pixel.
        threshold, threshold_clumps, fold_tilt, fine_tilt, vignetting: as for the SR300.
        grazing: cosine below which the dots in a window spread too far to be matched.
        window_px: width of the window that is matched.
        raggedness: standard deviation of the share of that window which must see one lit surface (mean: one half).
        jitter_px: how far, at most, the matched window lies beside its pixel: contours wander by as much.
        border: share of the image's width, at the right edge, that the window never covers.
    """

    unit: float = 0.001
    near: float = 0.5
    near_spread: float = 0.02
    far: float = 8.0
    baseline: float = -0.075
    focal: float = 580.0
    step: float = 1 / 8
    noise: float = 0.05
    fine_noise: float = 0.03
    threshold: float = 0.012
    threshold_clumps: float = 0.2
    fold_tilt: float = 0.05
    fine_tilt: float = 0.05
    vignetting: float = 0.5
    grazing: float = 0.14
    window_px: float = 6.5
    raggedness: float = 0.12
    jitter_px: float = 1.6
    border: float = 8 / 640

    def depth_step(self, distance: float) -> float:
        """Difference in metres between the two nearest depths that can be told apart at a distance."""
        return distance**2 * self.step / (self.focal * abs(self.baseline))


def kinect(
    depth: Field,
    cos: Field,
    reflectance: Field,
    intrinsics: Intrinsics,
    rng: np.random.Generator,
    params: Kinect = Kinect(),
) -> Field:
    """The depth a Kinect v1 reports for an exactly known view.

    Args:
        depth: (H, W) float32 metres along z, 0 where nothing was hit.
        cos: (H, W) float32 cosine between surface normal and view ray, in [0, 1] where something was hit.
        reflectance: (H, W) float32 infrared reflectance in [0, 1].
        intrinsics: the depth camera at this size; sizes in the model follow its focal length.
        rng: source of all randomness; the same state and input give the same bits.
        params: the physical parameters.

    Returns:
        (H, W) float32 metres, whole multiples of `params.unit`, 0 = no reading.

    Raises:
        DataError: if the three maps and the intrinsics differ in size.
    """
    check_view("kinect", intrinsics, depth=depth, cos=cos, reflectance=reflectance)
    out = np.zeros_like(depth)
    scale = intrinsics.fx / REFERENCE_FOCAL
    reached = (depth > 0) & (depth < params.far)
    box = bounding_box(reached, margin=round(8 * scale) + 2)
    if box is None:
        return out
    z = np.where(reached[box], depth[box], 0).astype(np.float32, copy=False)
    fields = Fields(rng, z.shape, scale)
    lit = z > np.float32(params.near) + np.float32(params.near_spread) * fields.clumps(8)
    lit &= enough_light(z, cos[box], reflectance[box], box, intrinsics, fields, params)
    lit &= cos[box] > np.float32(params.grazing) * (1 + np.float32(0.4) * fields.clumps(4))
    lit &= ~thin_shadow(z, intrinsics.fx, params.baseline)
    z, lit = _jittered(z, lit, fields, params)
    matched = share(lit, params.window_px * scale) > np.float32(0.5) + np.float32(params.raggedness) * fields.clumps(3)
    reading = _reading(z, lit, matched, fields, params)
    counts = np.rint(reading / np.float32(params.unit))
    counts[(reading < params.near / 2) | (reading > params.far)] = 0
    out[box] = counts * np.float32(params.unit)
    out[:, intrinsics.width - round(params.border * intrinsics.width) :] = 0
    return out


def _jittered(z: Field, lit: Mask, fields: Fields, p: Kinect) -> tuple[Field, Mask]:
    """Depth and light as found beside each pixel, where the window that matches best happens to lie."""
    height, width = z.shape
    reach = np.float32(p.jitter_px * fields.scale / 2)
    dy, dx = (np.rint(reach * np.clip(fields.clumps(1.6), -2, 2)).astype(np.int32) for _ in range(2))
    rows = np.clip(np.arange(height, dtype=np.int32)[:, None] + dy, 0, height - 1)
    places = rows * np.int32(width) + np.clip(np.arange(width, dtype=np.int32) + dx, 0, width - 1)
    return z.ravel()[places], lit.ravel()[places]


def _reading(z: Field, lit: Mask, matched: Mask, fields: Fields, p: Kinect) -> Field:
    """Depth in metres from disparity in whole steps; past a silhouette, the nearest surface in the window."""
    nothing = np.float32(1e3)
    window = odd(p.window_px * fields.scale)
    nearest = cv2.erode(np.where(lit, z, nothing), np.ones((window, window), np.uint8), borderValue=float(nothing))
    matched = matched & (nearest < nothing)
    own = np.where(lit, z, nearest)
    disparity = np.float32(p.focal * abs(p.baseline)) / np.maximum(own, np.float32(0.05))
    error = np.float32(p.noise) * fields.clumps(4) + np.float32(p.fine_noise) * fields.clumps(1)
    steps = np.maximum(np.rint((disparity + error) / np.float32(p.step)), 1)
    return np.where(matched, np.float32(p.focal * abs(p.baseline) / p.step) / steps, 0).astype(np.float32)
