"""Hand labels by a depth flood fill around sensors on the hand: a heuristic as in HandNet, imperfect on purpose.

Wetzler et al. (2015) wore magnetic sensors on the fingertips and on the hand's back, and grew the mask from there over
the depth map; HandSeg (Sections 2.2 and 6.3) calls such labels heuristic and holds them against the set. No rule for
growing was published. Ours: a reading belongs to the hand when a chain of neighbours leads to it from a sensor without
a jump in depth, and when it is within reach of a sensor. That goes wrong as one would expect: the mask ends where the
reach does and not at the wrist, runs over on what the hand touches, and leaves out what noise or occlusion cut off.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import Label
from handseg_lib.data.sample import check_depth
from handseg_lib.errors import DataError

TIPS = (4, 8, 12, 16, 20)
"""Fingertips among the 21 joints of a hand."""

BACK = (0, 9)
"""Wrist and knuckle of the middle finger: the sensor on the hand's back is taken to sit halfway."""


@dataclass(frozen=True)
class FloodFill:
    """Settings of the heuristic; all are ours.

    Attributes:
        reach: metres; a reading farther from every sensor than this is not the hand. The radius that our glove
            annotation takes for a sphere around a hand.
        slope: largest rise of the surface that is no jump, metres of depth a metre across the line of sight.
        noise: metres of depth between neighbours that are no jump whatever their distance.
        search: metres around a sensor within which a reading is taken for the skin under it.

    Raises:
        DataError: for values that are not positive.
    """

    reach: float = 0.10
    slope: float = 3.0
    noise: float = 0.004
    search: float = 0.03

    def __post_init__(self) -> None:
        if min(self.reach, self.slope, self.noise, self.search) <= 0:
            raise DataError(f"flood fill settings {self}: every one must be positive")


HANDNET_LIKE = FloodFill()
"""The settings that `like_handnet` is labelled with."""


def sensors(joints: NDArray[np.floating]) -> NDArray[np.float32]:
    """(21, 3) joints of a hand -> (6, 3) float32 places of HandNet's sensors: five fingertips and the hand's back.

    Raises:
        DataError: if these are not 21 joints.
    """
    if joints.shape != (21, 3):
        raise DataError(f"a hand has (21, 3) joints, found {joints.shape}")
    return np.concatenate([joints[list(TIPS)], joints[list(BACK)].mean(axis=0, keepdims=True)]).astype(np.float32)


def flood_fill(
    depth: NDArray[np.float32], camera: Intrinsics, places: NDArray[np.floating], settings: FloodFill = HANDNET_LIKE
) -> NDArray[np.bool_]:
    """The mask that grows over a depth map from sensors on a hand.

    Args:
        depth: (H, W) float32 metres, 0 where there is no reading.
        camera: intrinsics of these pixels.
        places: (S, 3) sensors in the camera's coordinates, metres.
        settings: how far it grows, and over what.

    Returns:
        (H, W) bool; False wherever there is no reading. Empty when no sensor lies on a reading.

    Raises:
        DataError: if depth is not as expected or of another size than the camera, or `places` is not (S, 3).
    """
    check_depth(depth, "depth to flood")
    if places.ndim != 2 or places.shape[1] != 3:
        raise DataError(f"sensor places must be (S, 3) metres, found {places.shape}")
    if depth.shape != (camera.height, camera.width):
        raise DataError(f"depth is {depth.shape}, its camera is for {(camera.height, camera.width)} (height, width)")
    mask = np.zeros(depth.shape, bool)
    rows, columns, nearest = _within_reach(depth, camera, places.astype(np.float32), settings)
    if not len(rows):
        return mask
    patch = _patches(depth, rows, columns, camera, settings)
    under = nearest.argmin(axis=1)  # for each sensor the reading nearest to it
    found = nearest[np.arange(len(places)), under] < settings.search
    grown = np.isin(patch, patch[under[found]])
    mask[rows[grown], columns[grown]] = True
    return mask


def flood_labels(
    depth: NDArray[np.float32],
    camera: Intrinsics,
    joints: NDArray[np.floating] | None,
    settings: FloodFill = HANDNET_LIKE,
) -> NDArray[np.uint8]:
    """(H, W) uint8 labels of the vocabulary: the left hand's mask by `flood_fill`, background elsewhere.

    Args:
        depth, camera, settings: as in `flood_fill`.
        joints: (21, 3) of the left hand in the camera's coordinates, or None where there is no such hand.

    Raises:
        DataError: as `flood_fill` and `sensors`.
    """
    if joints is None:
        return np.zeros(depth.shape, np.uint8)
    return np.where(flood_fill(depth, camera, sensors(joints), settings), np.uint8(Label.LEFT_HAND), np.uint8(0))


def _within_reach(
    depth: NDArray[np.float32], camera: Intrinsics, places: NDArray[np.float32], settings: FloodFill
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Rows and columns of the N readings within reach of any sensor, and their (S, N) distances to each."""
    rows, columns = np.nonzero(
        (depth > places[:, 2].min() - settings.reach) & (depth < places[:, 2].max() + settings.reach) & (depth > 0)
    )
    z = depth[rows, columns]
    points = np.stack([(columns - camera.cx) / camera.fx * z, (rows - camera.cy) / camera.fy * z, z], axis=1)
    distance = np.linalg.norm(places[:, None] - points.astype(np.float32), axis=2)
    near = distance.min(axis=0) < settings.reach
    return rows[near], columns[near], distance[:, near]


def _patches(
    depth: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    camera: Intrinsics,
    settings: FloodFill,
) -> NDArray[np.int32]:
    """(N,) number of the connected patch that each of these pixels belongs to, neighbours joined unless depth jumps."""
    number = np.full(depth.shape, -1)
    number[rows, columns] = np.arange(len(rows))
    ends = []
    for one, other in (((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
                       ((slice(None), slice(None, -1)), (slice(None), slice(1, None)))):  # fmt: skip
        spacing = np.minimum(depth[one], depth[other]) / np.float32(min(camera.fx, camera.fy))  # metres across a pixel
        smooth = abs(depth[one] - depth[other]) < settings.noise + settings.slope * spacing
        joined = smooth & (number[one] >= 0) & (number[other] >= 0)
        ends.append((number[one][joined], number[other][joined]))
    a, b = (np.concatenate(side) for side in zip(*ends, strict=True))
    return connected_components(coo_array((np.ones(len(a)), (a, b)), (len(rows),) * 2), directed=False)[1]
