"""Numbers that say how a depth sensor fails, to compare a sensor model with real frames.

Everything is read off depth alone (and a hand mask, to single out the hand's contour). Lengths in the image are given
in pixels of the SR300's depth camera (f = 476), so frames of different sizes can be compared.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from handseg_lib.camera import SR300_DEPTH, Intrinsics
from handseg_lib.data.sample import Sample, check_depth
from handseg_lib.errors import DataError

NAN = float("nan")
SOLID = 60  # pixels at f = 476: smaller connected regions are speckle
HOLE = 64  # pixels at f = 476: larger enclosed holes are gaps between things, not failures
SMOOTHING = 11  # pixels at f = 476: window that smooths contours for the roughness
PATCH = 13  # pixels at f = 476: patches to which a quadratic is fitted
STEP = 0.1  # relative depth difference across a gap that makes one side the nearer surface


@dataclass(frozen=True)
class SensorStatistics:
    """What `sensor_statistics` measures; NaN where a frame offers nothing to measure.

    Attributes:
        valid: share of pixels with a reading.
        rim_missing: share of pixels without a reading in the 3 px inside the smoothed contour of all solid regions.
        roughness: mean distance (px) of contour pixels from the smoothed contour.
        hand_roughness: the same along the hand only.
        gap_left, gap_right, gap_vertical: median width (px) of missing depth between a nearer surface and the farther
            one to its left, right, and above or below.
        shadow_baseline: projector baseline (mm) that explains gap_right - gap_left; positive: shadows fall right.
        noise_near, noise_far: residual (mm) of quadratic fits to 13 px patches at 0.45 to 0.6 m and at 0.7 to 0.85 m;
            the lowest decile, so that it is the sensor's noise and not the surface's texture.
        texture_far: the median of the same residual at 0.7 to 0.85 m: cloth and sensor together.
        holes: enclosed holes per 10,000 readings.
        hole_size: mean area (px) of those holes.
        speckles: regions smaller than 60 px per frame.
        speckle_size: mean area (px) of those regions.
        strays: speckles whose depth is more than 2 cm off the nearest solid region.
    """

    valid: float
    rim_missing: float
    roughness: float
    hand_roughness: float
    gap_left: float
    gap_right: float
    gap_vertical: float
    shadow_baseline: float
    noise_near: float
    noise_far: float
    texture_far: float
    holes: float
    hole_size: float
    speckles: float
    speckle_size: float
    strays: float


def sensor_statistics(
    depth: NDArray[np.float32], hand_mask: NDArray[np.bool_] | None = None, camera: Intrinsics = SR300_DEPTH
) -> SensorStatistics:
    """Measure one frame.

    Args:
        depth: (H, W) float32 metres, 0 = no reading.
        hand_mask: (H, W) bool or 0/1, where the hand is; only selects the part of the contour for `hand_roughness`.
        camera: intrinsics at this size.

    Raises:
        DataError: if depth is not float32 metres, or sizes differ.
    """
    check_depth(depth, "sensor_statistics")
    if depth.shape != (camera.height, camera.width):
        raise DataError(f"depth is {depth.shape}, the intrinsics are for {(camera.height, camera.width)}")
    if hand_mask is not None and hand_mask.shape != depth.shape:
        raise DataError(f"hand mask is {hand_mask.shape}, depth is {depth.shape}")
    scale = camera.fx / SR300_DEPTH.fx
    valid = depth > 0
    solid_depth, speckle = _speckle(depth, scale)
    gaps = _gaps(solid_depth, camera)
    return SensorStatistics(
        valid=float(valid.mean()),
        **_contour(solid_depth > 0, hand_mask, scale),
        **gaps,
        **_noise(depth, scale),
        **_holes(valid, scale),
        **speckle,
    )


def sensor_table(
    frames: Iterable[Sample | NDArray[np.float32]],
    hand_labels: tuple[int, ...] = (1, 2),
    camera: Intrinsics | None = None,
) -> pd.DataFrame:
    """One row of `SensorStatistics` per frame, for samples (their hands and intrinsics are used) or bare depth maps."""
    rows = {}
    for number, frame in enumerate(frames):
        if isinstance(frame, Sample):
            if frame.depth is None:
                raise DataError(f"{frame.id}: sensor statistics need depth, this sample has only colour")
            hand = np.isin(frame.labels, hand_labels)
            rows[frame.id] = sensor_statistics(frame.depth, hand, camera or frame.intrinsics or SR300_DEPTH)
        else:
            rows[str(number)] = sensor_statistics(frame, None, camera or SR300_DEPTH)
    columns = [field.name for field in fields(SensorStatistics)]
    return pd.DataFrame.from_dict({key: asdict(row) for key, row in rows.items()}, orient="index", columns=columns)


def _speckle(depth: NDArray[np.float32], scale: float) -> tuple[NDArray[np.float32], dict[str, float]]:
    """Depth without regions too small to be solid, and the count, size and misplacement of those regions."""
    _, regions, boxes, _ = cv2.connectedComponentsWithStats((depth > 0).view(np.uint8), connectivity=8)
    area = boxes[:, cv2.CC_STAT_AREA] / scale**2
    small = np.flatnonzero(area < SOLID)
    small = small[small > 0]
    solid = np.where(np.isin(regions, small), np.float32(0), depth)
    strays = 0
    if small.size and (solid > 0).any():
        _, nearest = cv2.distanceTransformWithLabels(
            (solid == 0).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        readings = np.zeros(nearest.max() + 1, np.float32)
        readings[nearest[solid > 0]] = solid[solid > 0]
        for region in small:
            inside = regions == region
            strays += abs(np.median(depth[inside] - readings[nearest[inside]])) > 0.02
    size = float(area[small].mean()) if small.size else NAN
    return solid, {"speckles": float(small.size), "speckle_size": size, "strays": float(strays)}


def _contour(valid: NDArray[np.bool_], hand_mask: NDArray[np.bool_] | None, scale: float) -> dict[str, float]:
    """How far the contour of the valid region strays from its own smoothed version."""
    window = _odd(SMOOTHING * scale)
    smooth = cv2.blur(valid.astype(np.float32), (window, window)) > 0.5
    inside = cv2.distanceTransform(smooth.view(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~smooth).view(np.uint8), cv2.DIST_L2, 5)
    away = np.maximum(inside, outside) - 0.5  # pixels from the smoothed contour
    edge = valid & (cv2.erode(valid.view(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) == 0)
    edge &= away < window  # contours of things too thin to survive smoothing say nothing about roughness
    rim = smooth & (inside <= 3 * scale)
    hand = np.zeros_like(edge)
    if hand_mask is not None:
        reach = _odd(9 * scale)
        hand = edge & (cv2.dilate(hand_mask.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0)
    return {
        "rim_missing": float((~valid)[rim].mean()) if rim.any() else NAN,
        "roughness": float(away[edge].mean() / scale) if edge.any() else NAN,
        "hand_roughness": float(away[hand].mean() / scale) if hand.any() else NAN,
    }


def _gaps(solid: NDArray[np.float32], camera: Intrinsics) -> dict[str, float]:
    """Widths of missing depth between a nearer and a farther surface, by direction; and what baseline explains them."""
    scale = camera.fx / SR300_DEPTH.fx
    width, near, far = _crossings(solid, scale)
    right = near < far  # the surface on the left of the gap is nearer: the gap lies to the right of it
    vertical, *_ = _crossings(solid.T, scale)
    parallax = camera.fx * np.abs(1 / near - 1 / far)
    enough = right.sum() >= 20 and (~right).sum() >= 20
    baseline = NAN
    if enough:
        baseline = 1000 * float((np.median(width[right]) - np.median(width[~right])) / np.median(parallax[right]))
    return {
        "gap_left": _median(width[~right]) / scale,
        "gap_right": _median(width[right]) / scale,
        "gap_vertical": _median(vertical) / scale,
        "shadow_baseline": baseline,
    }


def _crossings(solid: NDArray[np.float32], scale: float) -> tuple[NDArray, NDArray, NDArray]:
    """Along rows: width of each short gap between two surfaces of different depth, and the depths before and after."""
    rows, columns = np.nonzero(solid)
    gap = np.diff(columns) - 1
    here = np.flatnonzero((np.diff(rows) == 0) & (gap > 0) & (gap <= 35 * scale))
    before, after = solid[rows[here], columns[here]], solid[rows[here + 1], columns[here + 1]]
    step = np.abs(before - after) > STEP * np.minimum(before, after)
    return gap[here][step].astype(np.float64), before[step].astype(np.float64), after[step].astype(np.float64)


def _noise(depth: NDArray[np.float32], scale: float) -> dict[str, float]:
    """Residuals of quadratic fits to patches that are completely valid."""
    size = max(_odd(PATCH * scale), 5)
    height, width = (n // size * size for n in depth.shape)
    patches = depth[:height, :width].reshape(height // size, size, width // size, size).swapaxes(1, 2)
    patches = patches.reshape(-1, size * size).astype(np.float64)
    patches = patches[(patches > 0).all(1)]
    y, x = (g.ravel() for g in np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j])
    basis, _ = np.linalg.qr(np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1))
    residual = patches - (patches @ basis) @ basis.T
    deviation = 1000 * np.sqrt((residual**2).sum(1) / (size * size - 6))
    distance = np.median(patches, axis=1)
    near, far = (deviation[(distance > a) & (distance < b)] for a, b in ((0.45, 0.6), (0.7, 0.85)))
    return {
        "noise_near": float(np.quantile(near, 0.1)) if near.size >= 10 else NAN,
        "noise_far": float(np.quantile(far, 0.1)) if far.size >= 10 else NAN,
        "texture_far": float(np.median(far)) if far.size >= 10 else NAN,
    }


def _holes(valid: NDArray[np.bool_], scale: float) -> dict[str, float]:
    """Number and size of small holes that readings enclose."""
    _, _, boxes, _ = cv2.connectedComponentsWithStats((~valid).view(np.uint8), connectivity=4)
    left, top, width, height, pixels = boxes[1:].T
    inner = (left > 0) & (top > 0) & (left + width < valid.shape[1]) & (top + height < valid.shape[0])
    area = pixels[inner & (pixels < HOLE * scale**2)] / scale**2
    readings = valid.sum() / scale**2
    return {
        "holes": float(1e4 * area.size / readings) if readings else NAN,
        "hole_size": float(area.mean()) if area.size else NAN,
    }


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values)) if values.size >= 20 else NAN


def _odd(width: float) -> int:
    """The odd whole number nearest to `width`, at least 3."""
    return max(3, 2 * round((width - 1) / 2) + 1)
