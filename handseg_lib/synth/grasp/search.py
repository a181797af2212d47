"""Closing a hand on an object: fingers bend until they touch, the thumb looks for a place opposite them.

Several placements of the hand are closed at the same time, one a row, because numpy is quick on long arrays. Fingers
move by safe steps: no point of a finger moves farther than its distance to the object, so that even a sheet of paper
stops it.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand.contact import finger_spheres
from handseg_lib.synth.hand.points import Array, HandPoints, axis_of, hand_points
from handseg_lib.synth.hand.poses import FINGER_LIMITS, THUMB_LIMITS
from handseg_lib.synth.hand.shape import HandShape

PRESS = -0.0004
"""Distance in metres at which skin counts as touching: flesh gives a little."""
GIVE = 0.0025
"""How deep one finger may press into palm or finger, metres."""
STEP, LAST_STEP, STEPS = 0.30, 0.008, 22
"""Largest turn in one step, the step at which a joint counts as stopped (radians), and how many steps at most."""
BESIDE_JOINT, SQUEEZE = 0.016, 0.0008
"""Skin this near the joint that turns, along the finger, may be pressed in by so much more, metres."""
DEEP_PALM = 0.0010
"""A palm deeper than this inside the object is drawn back, metres."""
STUCK = 0.0015
"""Fingers deeper than this inside the object are posed anew, metres."""
LIKELY, UNLIKELY = 110, 4
"""Thumbs of the grid that are compared with the object: so many of the easiest, and one in so many of the rest."""
LOW, HIGH = np.array(FINGER_LIMITS).T
THUMB_LOW, THUMB_HIGH = np.array(THUMB_LIMITS).T
PALM_ROWS, PALM_RADIUS = (0.35, 0.55, 0.75, 0.95), 0.0115
THUMB_AT = np.array([(0, 0.55), (0, 0.85), (1, 0.1), (1, 0.55), (1, 0.9), (2, 0.35), (2, 0.66)])
THUMB_RADII = np.array([0.93, 0.95, 0.93, 0.86, 0.86, 0.82, 0.74])


class Thing(Protocol):
    """What a hand can close on."""

    def distance(self, points: NDArray) -> NDArray: ...


@dataclass(frozen=True)
class Hands:
    """Several placements of one hand beside one object.

    Attributes:
        points: the hand.
        thing: the object.
        turn: (B, 3, 3) from the right hand's frame to the object's; with determinant -1 for a left hand.
        origin: (B, 3) where the wrist is, in the object's frame, metres.
        fingers: (B, 4, 4) angles of index to little finger, radians.
        thumb: (B, 5) angles of the thumb.
    """

    points: HandPoints
    thing: Thing
    turn: Array
    origin: Array
    fingers: Array
    thumb: Array

    def distance(self, points: Array, rows: NDArray[np.integer]) -> Array:
        """(K, N, 3) points in the hand frame, each row placed as one of the hands -> (K, N) metres to the object."""
        turn, origin = self.turn[rows], self.origin[rows]
        placed = sum(points[..., k, None] * turn[:, None, :, k] for k in range(3)) + origin[:, None]
        flat = self.thing.distance(placed.reshape(-1, 3).astype(np.float32))
        return np.asarray(flat, np.float64).reshape(points.shape[:2])

    def row(self, index: int) -> "Hands":
        """One of the hands alone."""
        one = slice(index, index + 1)
        return replace(
            self, turn=self.turn[one], origin=self.origin[one], fingers=self.fingers[one], thumb=self.thumb[one]
        )


def advance(hands: Hands, farthest: float) -> Hands:
    """Move the hands along their palms' normals until palm or fingers touch: forwards from a gap, back from inside.

    Of the thumb only its ball counts, the rest makes room later.

    Args:
        hands: placements.
        farthest: metres that a hand may move forwards; at 0 only palm and first segments count, and a hand moves back
            as far as they need.
    """
    count, origin = len(hands.turn), hands.origin.copy()
    rows, finger = np.arange(count), np.tile(np.arange(4), count)
    skin = hands.points.moved(finger + 1, hands.fingers.reshape(-1, 4))
    if farthest == 0:
        skin = skin[:, hands.points.segment == 0]
    body = np.concatenate([_palms(hands), skin.reshape(count, -1, 3)], 1)
    normal, moved = hands.turn[:, :, 2], np.zeros(count)
    for _ in range(12):
        gap = replace(hands, origin=origin).distance(body, rows).min(1) - PRESS
        step = np.clip(gap, -0.02, np.maximum(farthest - moved, 0))
        step = np.where((moved < 0) & (step > 0), np.minimum(step, 0.001 if farthest else 0.0), step)
        if (np.abs(step) < 2e-4).all():
            break
        moved += step
        origin += step[:, None] * normal
    return replace(hands, origin=origin)


def _palms(hands: Hands) -> Array:
    """(B, N, 3) points of the palms and of the balls of the thumbs, in the hand frame."""
    count = len(hands.turn)
    ball = hands.points.moved(np.zeros(count, np.int64), hands.thumb)[:, hands.points.segment == 0]
    return np.concatenate([np.broadcast_to(hands.points.palm, (count, *hands.points.palm.shape)), ball], 1)


def close_fingers(hands: Hands, phases: Array, limit: Array) -> Hands:
    """Bend the fingers, phase by phase, until they touch.

    Args:
        hands: placements; fingers that start inside the object open first.
        phases: (P, 4, 4) how fast each finger's angles turn in each phase; in phase k the segments from k on must
            touch to stop a finger, so that the next phase bends on what is beyond the one that touched.
        limit: (4, 4) how far the angles may get, radians.
    """
    for k, rates in enumerate(phases):
        hands = _phase(hands, rates, limit, min(k, 2))
    return hands


def eased(hands: Hands, phases: Array, limit: Array) -> Hands:
    """Draw hands that sink into the object back along the palm's normal, and let the fingers follow."""
    count = len(hands.turn)
    rows, finger = np.arange(count), np.tile(np.arange(4), count)
    skin = hands.points.moved(finger + 1, hands.fingers.reshape(-1, 4))
    inner = skin[:, hands.points.segment == 0].reshape(count, -1, 3)
    sunk = -hands.distance(np.concatenate([_palms(hands), inner], 1), rows).min(1)
    back = np.where(sunk > DEEP_PALM, np.minimum(sunk - 0.5 * DEEP_PALM, 0.004), 0)
    if not back.any():
        return hands
    moved = replace(hands, origin=hands.origin - back[:, None] * hands.turn[:, :, 2])
    return close_fingers(moved, phases, limit)


def untangled(hands: Hands, straight: Array, phases: Array, limit: Array) -> Hands:
    """Fingers that ended deep inside the object begin again, stretched, and keep that where it is better.

    Args:
        hands: placements with fingers closed.
        straight: (4, 4) angles to begin with.
        phases, limit: as in `close_fingers`.
    """
    depth = finger_depths(hands)
    stuck = depth > STUCK
    if not stuck.any():
        return hands
    again = replace(hands, fingers=np.where(stuck[..., None], straight, hands.fingers))
    again = close_fingers(again, np.where(stuck.any(0)[None, :, None], phases, 0), limit)
    better = stuck & (finger_depths(again) < depth)
    return replace(hands, fingers=np.where(better[..., None], again.fingers, hands.fingers))


def finger_depths(hands: Hands) -> Array:
    """(B, 4) how deep each finger lies inside the object, metres: its skin, or its axis where that is worse."""
    count = len(hands.turn)
    row, finger = (v.ravel() for v in np.meshgrid(np.arange(count), np.arange(4), indexing="ij"))
    skin = hands.distance(hands.points.moved(finger + 1, hands.fingers.reshape(-1, 4)), row).min(1).reshape(count, 4)
    spheres = [finger_row_spheres(hands.points, fingers) for fingers in hands.fingers]
    centres = np.stack([c for c, _ in spheres])
    axis = hands.distance(centres.reshape(count, -1, 3), np.arange(count)).reshape(centres.shape[:3])
    return np.maximum(-skin, depth_of_axis(axis, spheres[0][1]).max(-1))


def depth_of_axis(distance: Array, radii: Array) -> Array:
    """How deep spheres inside a finger lie in an object, where it reaches far into them, else 0; metres.

    A wall thinner than a finger may pass through it and hold no point of its skin: then the axis tells.
    """
    return np.where(distance < 0.6 * radii, radii - distance, 0.0)


def _phase(hands: Hands, rates: Array, limit: Array, first: int) -> Hands:
    """One phase of `close_fingers`: every finger on its own, all in step."""
    count = len(hands.turn)
    row, finger = (v.ravel() for v in np.meshgrid(np.arange(count), np.arange(4), indexing="ij"))
    use = hands.points.segment >= first
    # Skin beside the joint that turns is squeezed in a real hand; it must not keep the joint from turning.
    give = np.where(hands.points.along[:, use] < BESIDE_JOINT, SQUEEZE, 0.0) * (hands.points.segment[use] == first)
    angles = hands.fingers.reshape(-1, 4).copy()
    rate = rates[finger]
    speed = _speeds(hands.points, finger + 1, rate)[:, use]
    live = np.flatnonzero(np.abs(rate).sum(1) > 0)
    opening = np.zeros(len(angles), bool)
    for step_number in range(STEPS):
        if not len(live):
            break
        moved = hands.points.moved(finger[live] + 1, angles[live])[:, use]
        gap = hands.distance(moved, row[live]) - PRESS + give[finger[live] + 1]
        gap = np.minimum(gap, _to_palm(hands.points, moved) + GIVE)
        step = np.minimum((gap / speed[live]).min(1), STEP)
        deep = gap.min(1)
        if step_number == 0:
            opening[live] = deep < -0.0006
        # What starts inside opens until it is free and stays there; what starts free closes until it touches.
        back = opening[live]
        step = np.where(back, np.where(deep < -0.0003, np.minimum(step, -0.04) - 0.02, 0), np.maximum(step, 0))
        new = np.clip(angles[live] + step[:, None] * rate[live], LOW, np.minimum(HIGH, limit[finger[live]]))
        change = np.abs(new - angles[live]).max(1)
        angles[live] = new
        live = live[change > np.where(back, 1e-4, LAST_STEP)]
    return replace(hands, fingers=angles.reshape(count, 4, 4))


def _speeds(points: HandPoints, fingers: NDArray[np.integer], rate: Array) -> Array:
    """(K, N) metres that each point of a finger moves at most when its angles turn by `rate` (K, 4)."""
    rest = points.rest[fingers]
    joints = points.rest_origins[fingers]
    arms = np.sqrt(((rest[:, :, None] - joints[:, None]) ** 2).sum(-1))  # (K, N, 3)
    arms *= points.segment[:, None] >= np.arange(3)
    turning = np.abs(rate[:, (0, 2, 3)])
    return np.maximum((arms * turning[:, None]).sum(-1) + np.abs(rate[:, 1, None]) * arms[..., 0], 1e-4)


def _to_palm(points: HandPoints, moved: Array) -> Array:
    """(K, N) metres from the outer points of a finger to the palm as rows of spheres; large for the first segment."""
    scale = points.shape.length / 0.186
    centres = (points.shape.knuckles[1:, None] * np.array(PALM_ROWS)[:, None]).reshape(-1, 3)
    offset = moved[:, :, None] - centres
    gap = np.sqrt((offset * offset).sum(-1)).min(-1) - PALM_RADIUS * scale
    segment = points.segment[-moved.shape[1] :]
    return np.where(segment[None] == 0, 1.0, gap)


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
    apart = poses.centres[:, 2:, None] - centres.reshape(-1, 3)
    gap = np.sqrt(apart[..., 0] ** 2 + apart[..., 1] ** 2 + apart[..., 2] ** 2)
    overlap = (poses.radii[2:, None] + radii.reshape(-1) - gap).max((1, 2)) - 0.001
    return cost + (np.maximum(overlap, 0) / 0.0015) ** 2


def _contact_cost(hands: Hands, b: int, poses: ThumbPoses) -> Array:
    """(C,) how bad each thumb is on the object: inside it, its pulp away from it or turned away."""
    beyond = poses.pads + 0.002 * poses.facing
    sets = np.concatenate([poses.centres, poses.pads[:, None], beyond[:, None]], 1)
    distance = hands.distance(sets.reshape(1, -1, 3), np.array([b])).reshape(sets.shape[:2])
    spheres, pad, inner = distance[:, :-2], distance[:, -2], distance[:, -1]
    cost = (np.maximum(poses.radii - spheres - 0.001, 0) / 0.0012).sum(1) ** 2
    return cost + np.minimum((pad / 0.004) ** 2, 9) + 2.5 * np.clip(1 + (inner - pad) / 0.002, 0, 2)


def finger_row_spheres(points: HandPoints, fingers: Array) -> tuple[Array, Array]:
    """(4, 8, 3) centres and (4, 8) radii of spheres along four fingers with (4, 4) angles."""
    turns, origins = points.frames(np.arange(1, 5), fingers)
    frames = np.tile(np.eye(4), (17, 1, 1))
    frames[4:16, :3, 1] = axis_of(turns, 1).reshape(12, 3)
    frames[4:16, :3, 3] = origins.reshape(12, 3)
    centres, radii = finger_spheres(points.shape, frames)
    return centres[1:], radii[1:]


def close_thumb(hands: Hands, rate: Array) -> Hands:
    """Bend each thumb along `rate` (5,) until it touches, or open it until it is free."""
    angles = hands.thumb.copy()
    live = np.arange(len(angles))
    joints = hands.points.rest_origins[0]
    arms = np.sqrt(((hands.points.rest[0][:, None] - joints) ** 2).sum(-1))
    arms *= hands.points.segment[:, None] >= np.arange(3)
    moving = np.array([np.abs(rate[:3]).sum(), abs(rate[3]), abs(rate[4])])
    speed = np.maximum((arms * moving).sum(-1), 1e-4)
    opening = None
    for _ in range(STEPS):
        if not len(live):
            break
        moved = hands.points.moved(np.zeros(len(live), np.int64), angles[live])
        gap = hands.distance(moved, live) - PRESS
        step, deep = np.minimum((gap / speed).min(1), STEP), gap.min(1)
        if opening is None:
            opening = deep < -0.0006
        back = opening[live]
        step = np.where(back, np.where(deep < -0.0003, -0.03, 0), np.maximum(step, 0))
        new = np.clip(angles[live] + step[:, None] * rate, THUMB_LOW, THUMB_HIGH)
        change = np.abs(new - angles[live]).max(1)
        angles[live] = new
        live = live[change > np.where(back, 1e-4, LAST_STEP)]
    return replace(hands, thumb=angles)
