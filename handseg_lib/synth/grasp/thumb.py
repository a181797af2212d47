"""The thumb's place opposite the fingers: many poses are compared, those near the best once more."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.compiled import deepest
from handseg_lib.synth.grasp.hands import Hands, finger_row_spheres
from handseg_lib.synth.hand.points import Array, HandPoints, axis_of, hand_points
from handseg_lib.synth.hand.poses import THUMB_LIMITS
from handseg_lib.synth.hand.shape import HandShape

LIKELY, UNLIKELY = 110, 4
"""Thumbs of the grid that are compared with the object: so many of the easiest, and one in so many of the rest."""
FAR = 0.02
"""Distances beyond this are all the same to a thumb that looks for its place, metres."""
THUMB_LOW, THUMB_HIGH = np.array(THUMB_LIMITS).T
THUMB_AT = np.array([(0, 0.55), (0, 0.85), (1, 0.1), (1, 0.55), (1, 0.9), (2, 0.35), (2, 0.66)])
THUMB_RADII = np.array([0.93, 0.95, 0.93, 0.86, 0.86, 0.82, 0.74])


@dataclass(frozen=True)
class ThumbPoses:
    """Many poses of a thumb.

    Attributes:
        angles: (C, 5) radians.
        centres, radii: (C, S, 3) and (S,) spheres along it, metres.
        pads, facing: (C, 3) middle of its pulp, and the direction in which that faces.
    """

    angles: Array
    centres: Array
    radii: Array
    pads: Array
    facing: Array

    def some(self, which: NDArray[np.integer]) -> "ThumbPoses":
        """Some of the poses."""
        return ThumbPoses(self.angles[which], self.centres[which], self.radii, self.pads[which], self.facing[which])


def thumb_poses(points: HandPoints, angles: Array) -> ThumbPoses:
    """Where thumbs are for (C, 5) angles."""
    thumb = np.zeros(len(angles), np.int64)
    turns, origins = points.frames(thumb, angles)
    segment = THUMB_AT[:, 0].astype(int)
    reach = points.shape.segments[0, segment] * THUMB_AT[:, 1]
    centres = origins[:, segment] + reach[:, None] * axis_of(turns, 1)[:, segment]
    pads, facing = points.pads(thumb, angles)
    return ThumbPoses(angles, centres, THUMB_RADII * points.shape.thickness[0], pads, facing)


@lru_cache(maxsize=64)
def thumb_grid(shape: HandShape) -> ThumbPoses:
    """All thumbs on a coarse grid of angles."""
    grid = np.meshgrid(
        (-8, 4, 16, 28, 40, 52), (0, 12, 24, 36, 48, 60), (-8, 12), (0, 25, 50), (-10, 20, 50), indexing="ij"
    )
    return thumb_poses(hand_points(shape), np.radians(np.stack([g.ravel() for g in grid], 1)))


def place_thumb(hands: Hands, target: Array, comfort: Array, weight: float) -> Hands:
    """Put each thumb's pulp on the object near a target, clear of object and fingers, as comfortably as may be.

    Args:
        hands: placements with fingers closed.
        target: (B, 3) in the hand frame, where the pulp should be.
        comfort: (5,) angles of an easy thumb.
        weight: how much the target matters.
    """
    grid = thumb_grid(hands.points.shape)
    out = hands.thumb.copy()
    for b in range(len(out)):
        ease = _ease(hands, b, grid, target[b], comfort, weight)
        order = np.argsort(ease, kind="stable")
        chosen = np.concatenate([order[:LIKELY], order[LIKELY::UNLIKELY]])
        poses, ease = grid.some(chosen), ease[chosen]
        out[b] = poses.angles[np.round(ease + _contact_cost(hands, b, poses), 6).argmin()]
        for spread in (0.12, 0.06):
            angles = np.clip(out[b] + spread * _pattern(), THUMB_LOW, THUMB_HIGH)
            poses = thumb_poses(hands.points, angles)
            cost = _ease(hands, b, poses, target[b], comfort, weight) + _contact_cost(hands, b, poses)
            out[b] = angles[np.round(cost, 6).argmin()]
    return replace(hands, thumb=out)


@lru_cache(maxsize=1)
def _pattern() -> Array:
    """(40, 5) fixed offsets in [-1, 1] to try around a thumb's angles, the first of them none."""
    offsets = np.random.default_rng(5).uniform(-1, 1, (40, 5))
    offsets[0] = 0
    return offsets


def _ease(hands: Hands, b: int, poses: ThumbPoses, target: Array, comfort: Array, weight: float) -> Array:
    """(C,) how bad each thumb is on the b-th hand, the object aside: away from its target, awkward, in a finger."""
    offset = poses.pads - target
    cost = weight * (offset * offset).sum(1) / 0.02**2
    cost += 0.25 * (((poses.angles - comfort) / np.radians((25, 25, 20, 30, 35))) ** 2).sum(1)
    centres, radii = finger_row_spheres(hands.points, hands.fingers[b])
    _, fingers_face = hands.points.pads(np.array([1, 2]), hands.fingers[b, :2])
    cost += 0.9 * (1 + (poses.facing[:, None] * fingers_face).sum(-1)).mean(1)
    centres, radii = centres.reshape(-1, 3), radii.ravel()
    overlap = deepest(np.ascontiguousarray(poses.centres[:, 2:]), poses.radii[2:], centres, radii) - 0.001
    return cost + (np.maximum(overlap, 0) / 0.0015) ** 2


def _contact_cost(hands: Hands, b: int, poses: ThumbPoses) -> Array:
    """(C,) how bad each thumb is on the object: inside it, its pulp away from it or turned away."""
    beyond = poses.pads + 0.002 * poses.facing
    sets = np.concatenate([poses.centres, poses.pads[:, None], beyond[:, None]], 1)
    distance = hands.distance(sets.reshape(1, -1, 3), np.array([b]), FAR).reshape(sets.shape[:2])
    spheres, pad, inner = distance[:, :-2], distance[:, -2], distance[:, -1]
    cost = (np.maximum(poses.radii - spheres - 0.001, 0) / 0.0012).sum(1) ** 2
    return cost + np.minimum((pad / 0.004) ** 2, 9) + 2.5 * np.clip(1 + (inner - pad) / 0.002, 0, 2)
