"""Bringing a hand to an object: the palm comes near, fingers close, what got stuck begins again.

Several placements of the hand are closed at the same time, one a row, because numpy is quick on long arrays.
"""

from dataclasses import replace

import numpy as np

from handseg_lib.synth.grasp.closing import PRESS, close_fingers
from handseg_lib.synth.grasp.hands import Hands, depth_of_axis, finger_row_spheres
from handseg_lib.synth.hand.points import Array

DEEP_PALM = 0.0010
"""A palm deeper than this inside the object is drawn back, metres."""
STUCK = 0.0015
"""Fingers deeper than this inside the object are posed anew, metres."""
NEAR = 0.01
"""Where only what lies inside counts, distances beyond this are not told apart, metres."""


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


def eased(hands: Hands, phases: Array, limit: Array) -> Hands:
    """Draw hands that sink into the object back along the palm's normal, and let the fingers follow."""
    count = len(hands.turn)
    rows, finger = np.arange(count), np.tile(np.arange(4), count)
    skin = hands.points.moved(finger + 1, hands.fingers.reshape(-1, 4))
    inner = skin[:, hands.points.segment == 0].reshape(count, -1, 3)
    sunk = -hands.distance(np.concatenate([_palms(hands), inner], 1), rows, NEAR).min(1)
    back = np.where(sunk > DEEP_PALM, np.minimum(sunk - 0.5 * DEEP_PALM, 0.004), 0)
    if not back.any():
        return hands
    moved = replace(hands, origin=hands.origin - back[:, None] * hands.turn[:, :, 2])
    return close_fingers(moved, phases, limit, np.tile(back[:, None] > 0, (1, 4)))


def untangled(hands: Hands, depth: Array, straight: Array, phases: Array, limit: Array) -> Hands:
    """Fingers that ended deep inside the object begin again, stretched, and keep that where it is better.

    Args:
        hands: placements with fingers closed.
        depth: (B, 4) how deep each finger lies (see `finger_depths`).
        straight: (4, 4) angles to begin with.
        phases, limit: as in `close_fingers`.
    """
    rows = np.flatnonzero((depth > STUCK).any(1))
    if not len(rows):
        return hands
    stuck, some = depth[rows] > STUCK, hands.some(rows)
    again = replace(some, fingers=np.where(stuck[..., None], straight, some.fingers))
    again = close_fingers(again, phases, limit, stuck)
    better = stuck & (finger_depths(again) < depth[rows])
    fingers = hands.fingers.copy()
    fingers[rows] = np.where(better[..., None], again.fingers, some.fingers)
    return replace(hands, fingers=fingers)


def finger_depths(hands: Hands) -> Array:
    """(B, 4) how deep each finger lies inside the object, metres: its skin, or its axis where that is worse."""
    count = len(hands.turn)
    row, finger = (v.ravel() for v in np.meshgrid(np.arange(count), np.arange(4), indexing="ij"))
    skin = (
        hands.distance(hands.points.moved(finger + 1, hands.fingers.reshape(-1, 4)), row, NEAR).min(1).reshape(count, 4)
    )
    spheres = [finger_row_spheres(hands.points, fingers) for fingers in hands.fingers]
    centres = np.stack([c for c, _ in spheres])
    axis = hands.distance(centres.reshape(count, -1, 3), np.arange(count), NEAR).reshape(centres.shape[:3])
    return np.maximum(-skin, depth_of_axis(axis, spheres[0][1]).max(-1))
