"""Closing fingers and thumbs until they touch, by safe steps: no point moves farther than its distance to the object,
so that even a sheet of paper stops it.

Asking for distances is what takes time. A point that was 3 cm away and has moved by 1 cm is still 2 cm away at least:
such bounds are kept, and only points that could be the next to touch are asked again.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.compiled import squared_gaps
from handseg_lib.synth.grasp.closing_loops import stops, unsure
from handseg_lib.synth.grasp.hands import PALM_RADIUS, PALM_ROWS, Hands, distance_near
from handseg_lib.synth.grasp.thumb import THUMB_HIGH, THUMB_LOW
from handseg_lib.synth.hand.points import Array, HandPoints
from handseg_lib.synth.hand.poses import FINGER_LIMITS

PRESS = -0.0004
"""Distance in metres at which skin counts as touching: flesh gives a little."""
GIVE = 0.0025
"""How deep one finger may press into palm or finger, metres."""
STEP, LAST_STEP, STEPS = 0.60, 0.008, 22
"""Largest turn in one step, the step at which a joint counts as stopped (radians), and how many steps at most."""
BESIDE_JOINT, SQUEEZE = 0.016, 0.0008
"""Skin this near the joint that turns, along the finger, may be pressed in by so much more, metres."""
SURE_TURN, SURE_GAP = 0.06, 0.001
"""Points that surely stay free over this turn (radians) and are surely this far away (metres) are not asked again."""
BACK_FINGER, BACK_THUMB = 0.06, 0.03
"""Least turn in one step of what opens because it began inside, radians."""
LOW, HIGH = np.array(FINGER_LIMITS).T


@dataclass
class Bending:
    """Fingers, or thumbs, that turn side by side.

    Attributes:
        hands: the placements that they belong to.
        row: (K,) the placement of each.
        finger: (K,) which finger each is; all 0, or all of 1 to 4.
        angles: (K, A) radians; changed in place.
        air, palm: (K, N) metres that each point is at least away from the object and from the palm.
    """

    hands: Hands
    row: NDArray[np.int64]
    finger: NDArray[np.int64]
    angles: Array
    air: Array
    palm: Array

    @classmethod
    def of(cls, hands: Hands, row: NDArray, finger: NDArray, angles: Array) -> "Bending":
        """Nothing is known yet about any distance."""
        unknown = np.full((len(row), len(hands.points.segment)), -np.inf)
        return cls(hands, row, finger, angles.copy(), unknown, unknown.copy())

    def ask(self, live: NDArray[np.int64], need: NDArray[np.bool_]) -> None:
        """Find the true distances of some points, (L, N) `need`, of some fingers, (L,) `live`."""
        line, point = np.nonzero(need)
        if not len(line):
            return
        points = self.hands.points
        moved = points.some_moved(self.finger[live], self.angles[live], line, point)
        owner = live[line]
        turn, origin = self.hands.turn[self.row[owner]], self.hands.origin[self.row[owner]]
        placed = sum(moved[:, k, None] * turn[:, :, k] for k in range(3)) + origin
        self.air[owner, point] = distance_near(self.hands.thing, placed) - PRESS
        if self.finger[0]:
            self.palm[owner, point] = to_palm(points, moved, points.segment[point]) + GIVE

    def turn(self, rate: Array, speed: Array, limits: tuple[Array, Array], first: int, back: float) -> None:
        """Turn every finger until it touches; what starts inside opens until it is free and stays there.

        Args:
            rate: (K, A) how fast its angles turn.
            speed: (K, N) metres that its points move at most for each radian.
            limits: (K, A) or (A,) lowest and highest angles.
            first: points of segments before this do not stop it.
            back: radians that one step opens at least.
        """
        points = self.hands.points
        counts = points.segment >= first
        # Skin beside the joint that turns is squeezed in a real hand; it must not keep the joint from turning.
        beside = (points.along < BESIDE_JOINT) & (points.segment == first) & bool(self.finger[0])
        give = np.where(counts, np.where(beside, SQUEEZE, 0.0), np.inf)[self.finger]  # infinite: never touches
        live = np.flatnonzero(np.abs(rate).sum(1) > 0)
        opening = np.zeros(len(rate), bool)
        for number in range(STEPS):
            if not len(live):
                break
            known = (live, self.air, self.palm, give, speed, bool(self.finger[0]))
            least = np.maximum(2 * stops(*known)[0], SURE_TURN)
            self.ask(live, unsure(*known, counts, least, SURE_GAP))
            step, deep = stops(*known)
            step = np.minimum(step, STEP)
            if number == 0:
                opening[live] = deep < -0.0006
            outwards = opening[live]
            away = np.where(deep < -0.0003, np.minimum(step, 0.02 - back) - 0.02, 0)
            step = np.where(outwards, away, np.maximum(step, 0))
            new = self.angles[live] + step[:, None] * rate[live]
            new = np.minimum(np.maximum(new, limits[0][live]), limits[1][live])
            change = np.abs(new - self.angles[live]).max(1)
            self.angles[live] = new
            farthest = np.abs(step)[:, None] * speed[live]
            self.air[live] -= farthest
            self.palm[live] -= farthest
            live = live[change > np.where(outwards, 1e-4, LAST_STEP)]


def close_fingers(hands: Hands, phases: Array, limit: Array, moving: NDArray[np.bool_] | None = None) -> Hands:
    """Bend the fingers, phase by phase, until they touch.

    Args:
        hands: placements; fingers that start inside the object open first.
        phases: (P, 4, 4) how fast each finger's angles turn in each phase; in phase k the segments from k on must
            touch to stop a finger, so that the next phase bends on what is beyond the one that touched.
        limit: (4, 4) how far the angles may get, radians.
        moving: (B, 4) which fingers; default: all.
    """
    count = len(hands.turn)
    row, finger = (v.ravel() for v in np.meshgrid(np.arange(count), np.arange(4), indexing="ij"))
    bending = Bending.of(hands, row, finger + 1, hands.fingers.reshape(-1, 4))
    allowed = np.ones(len(row)) if moving is None else moving.ravel()
    limits = np.broadcast_to(LOW, (len(row), 4)), np.minimum(HIGH, limit[finger])
    for k, rates in enumerate(phases):
        rate = rates[finger] * allowed[:, None]
        if rate.any():
            bending.turn(rate, _speeds(hands.points, finger + 1, rate), limits, min(k, 2), BACK_FINGER)
    return replace(hands, fingers=bending.angles.reshape(count, 4, 4))


def close_thumb(hands: Hands, rate: Array) -> Hands:
    """Bend each thumb along `rate` (5,) until it touches, or open it until it is free."""
    count = len(hands.turn)
    bending = Bending.of(hands, np.arange(count), np.zeros(count, np.int64), hands.thumb)
    arms = _arms(hands.points, np.zeros(1, np.int64))[0]
    moving = np.array([np.abs(rate[:3]).sum(), abs(rate[3]), abs(rate[4])])
    speed = np.tile(np.maximum((arms * moving).sum(-1), 1e-4), (count, 1))
    limits = tuple(np.broadcast_to(v, (count, 5)) for v in (THUMB_LOW, THUMB_HIGH))
    bending.turn(np.tile(rate, (count, 1)), speed, limits, 0, BACK_THUMB)
    return replace(hands, thumb=bending.angles)


def _arms(points: HandPoints, fingers: NDArray[np.integer]) -> Array:
    """(K, N, 3) metres from each point of a finger to its three joints; 0 to those that do not move it."""
    offset = points.rest[fingers][:, :, None] - points.rest_origins[fingers][:, None]
    arms = np.sqrt(offset[..., 0] ** 2 + offset[..., 1] ** 2 + offset[..., 2] ** 2)
    return arms * (points.segment[:, None] >= np.arange(3))


def _speeds(points: HandPoints, fingers: NDArray[np.integer], rate: Array) -> Array:
    """(K, N) metres that each point of a finger moves at most when its angles turn by `rate` (K, 4)."""
    arms, turning = _arms(points, fingers), np.abs(rate[:, (0, 2, 3)])
    return np.maximum((arms * turning[:, None]).sum(-1) + np.abs(rate[:, 1, None]) * arms[..., 0], 1e-4)


def to_palm(points: HandPoints, moved: Array, segment: NDArray[np.integer]) -> Array:
    """(M,) metres from (M, 3) points of fingers to the palm as rows of spheres; large for the first segments."""
    centres = (points.shape.knuckles[1:, None] * np.array(PALM_ROWS)[:, None]).reshape(-1, 3)
    gap = np.sqrt(squared_gaps(moved, centres)) - PALM_RADIUS * points.shape.length / 0.186
    return np.where(segment == 0, 1.0, gap)
