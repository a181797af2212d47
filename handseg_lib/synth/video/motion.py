"""Hands that act: short scripts of reaching, grasping, carrying and letting go, played at any moment.

Everything is in room coordinates (`ego.layout`): x to the wearer's right, y down, z away from the wearer, the work
surface at y = 0. A held thing moves by keys and its hand follows, rigidly; a free hand moves by keys of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.ego.arms import table_strain
from handseg_lib.synth.hand import HandModel, HandPose
from handseg_lib.synth.people.arms import Arm, solve_arm
from handseg_lib.synth.video.trajectory import Pose, PoseTrack, Spline, chained, placed, turn_about

if TYPE_CHECKING:
    pass

BACK = 0.075
"""Metres before a thing at which a reaching hand is open and turned right."""
CLOSING = 0.3
"""Seconds in which fingers close or open."""
COMFORT = np.radians([38.0, 18.0, 75.0])
"""Bend, sideways bend and turn of a wrist that each cost as much as 1."""
DIP, RISE = 0.005, 0.03
"""Metres by which skin may press on the work surface, and by which fingers pick up a thing that lies flat."""
SWIVELS = np.radians([8.0, 25.0, 42.0, 60.0])
"""Angles of the elbow away from straight below the line from shoulder to wrist, outwards."""
OPENINGS = (0.55, 0.4, 0.25, 0.12)
"""Shares of the fingers' bend by which a hand may open before it closes."""
BEND_LIMIT = np.radians(80.0)


@dataclass(frozen=True)
class Wearer:
    """Whose hands act: what of the body matters for reaching.

    Attributes:
        model: the hand of both sides.
        shoulders: side -> (3,) room coordinates.
        lengths: upper arm and forearm, metres.
    """

    model: HandModel
    shoulders: Mapping[str, NDArray[np.float64]]
    lengths: tuple[float, float]

    def arm(self, side: str, wrist: Pose, swivel: float) -> Arm:
        """The arm of a wrist; `swivel` radians turn the elbow outwards."""
        outwards = -swivel if side == "right" else swivel  # `solve_arm` counts towards -x for an arm that points to +z
        return solve_arm(self.shoulders[side], wrist[:3, 3], self.lengths, outwards)

    def strain(self, side: str, wrist: Pose, swivel: float) -> float:
        """How hard a place and turn of the hand is on wrist and elbow: below 3 is easy, infinite cannot be done."""
        arm = self.arm(side, wrist, swivel)
        if float(np.abs(arm.wrist - wrist[:3, 3]).max()) > 0.001:
            return np.inf
        if table_strain(arm) > 0:
            return np.inf
        sideways, along, palmar = _in_hand(wrist, side, arm.forearm_direction)
        bend, deviation = np.arctan2(palmar, along), np.arctan2(sideways, along)
        if np.arccos(np.clip(along, -1, 1)) > BEND_LIMIT:
            return np.inf
        roll = forearm_roll(wrist, side, arm.forearm_direction) - np.radians(45)
        roll = (roll + np.pi) % (2 * np.pi) - np.pi
        if abs(roll) > np.radians(150):
            return np.inf
        return float(((np.array([bend, deviation, roll]) / COMFORT) ** 2).sum())

    def discomfort(self, side: str, wrist: Pose, swivel: float) -> float:
        """Strain without a limit: what cannot be done is the worse the more the wrist would bend."""
        arm = self.arm(side, wrist, swivel)
        bend = float(np.arccos(np.clip(_in_hand(wrist, side, arm.forearm_direction)[1], -1, 1)))
        return min(self.strain(side, wrist, swivel), 50.0) + 200.0 * max(0.0, bend - BEND_LIMIT) ** 2

    def easiest(self, side: str, wrist: Pose) -> float:
        """The least strain over ways of holding the elbow."""
        return min(self.strain(side, wrist, swivel) for swivel in SWIVELS)

    def lowest(self, side: str, wrist: Pose, pose: HandPose) -> float:
        """Height in metres above the work surface of the lowest point of the hand, negative below it."""
        skin = _skin_of(self.model, pose, side)
        return -float((skin * wrist[1, :3]).sum(axis=1).max() + wrist[1, 3])

    def ready(self, side: str, wrist: Pose, pose: HandPose) -> HandPose:
        """The hand before it closes: open, but only so far that its fingers stay above the work surface."""
        for share in OPENINGS[:-1]:
            if self.lowest(side, wrist, opened(pose, share)) > -0.003:
                return opened(pose, share)
        return opened(pose, OPENINGS[-1])


@lru_cache(maxsize=128)
def _skin_of(model: HandModel, pose: HandPose, side: str) -> NDArray[np.float64]:
    """(N, 3) some of the hand's skin in its own frame."""
    mesh = model.posed(pose, side=side)
    return mesh.vertices[mesh.rest[:, 1] > 0][::3].astype(np.float64)


def _in_hand(wrist: Pose, side: str, direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """A room direction in the hand's frame, told as for a right hand: towards the thumb, the fingers, the palm."""
    local = (wrist[:3, :3] * direction[:, None]).sum(axis=0)
    return local * (1.0 if side == "right" else -1.0, 1.0, 1.0)


def forearm_roll(wrist: Pose, side: str, forearm: NDArray[np.float64]) -> float:
    """Turn of the hand about the forearm in radians: 0 thumb up, a quarter turn palm down, minus that palm up."""
    up = np.array([0.0, -1.0, 0.0]) + forearm * forearm[1]
    up /= max(float(np.sqrt((up * up).sum())), 1e-9)
    right = np.array(
        [forearm[1] * up[2] - forearm[2] * up[1], forearm[2] * up[0] - forearm[0] * up[2],
         forearm[0] * up[1] - forearm[1] * up[0]]
    )  # fmt: skip
    sign = 1.0 if side == "right" else -1.0
    thumb = wrist[:3, 0] * sign
    return float(np.arctan2(-sign * (thumb * right).sum(), (thumb * up).sum()))


def standing(x: float, z: float, yaw: float = 0.0, height: float = 0.0) -> Pose:
    """Pose of a thing upright over (x, z) of the work surface, turned about the vertical, `height` metres above it."""
    return placed(turn_about((0, 1, 0), yaw), (x, -height, z))


def hand_pose_towards(point: Sequence[float], fingers: Sequence[float], palm: Sequence[float]) -> Pose:
    """Wrist of either hand that points along `fingers`, its palm facing as nearly as possible along `palm`."""
    y = np.asarray(fingers, np.float64)
    y = y / np.sqrt((y * y).sum())
    z = np.asarray(palm, np.float64)
    z = z - y * (z * y).sum()
    z /= np.sqrt((z * z).sum())
    x = np.array([y[1] * z[2] - y[2] * z[1], y[2] * z[0] - y[0] * z[2], y[0] * z[1] - y[1] * z[0]])
    return placed(np.stack([x, y, z], axis=1), point)


def opened(pose: HandPose, share: float = 0.55) -> HandPose:
    """The hand ready to close: fingers straightened by a share of their bend, the thumb drawn away."""
    angles = pose.angles.copy()
    for finger in range(4):
        first = 5 + 4 * finger
        angles[[first, first + 2, first + 3]] *= 1 - share
    angles[0] += 0.35 * (np.radians(52) - angles[0])
    angles[3:5] *= 1 - share
    return HandPose.within_limits(angles)


@dataclass(frozen=True)
class Hold:
    """A hand fixed to a thing from `start` to `end` seconds; `wrist` is hand frame -> thing."""

    side: str
    thing: int
    wrist: Pose
    start: float
    end: float


@dataclass(frozen=True)
class HandMoment:
    """One hand at one moment.

    Attributes:
        wrist: (4, 4) hand frame -> room.
        pose: joint angles.
        elbow: (3,) room.
        touches: numbers of the things it touches.
    """

    wrist: Pose
    pose: HandPose
    elbow: NDArray[np.float64]
    touches: tuple[int, ...]


@dataclass(frozen=True)
class Motion:
    """A finished script. Times are seconds from 0 to `duration`.

    Attributes:
        duration: seconds.
        wearer: whose hands.
        things: the way of each thing.
        wrists, fingers: side -> the way of a free hand and its 21 joint angles.
        holds: who is fixed to what, and when.
        swivels: side -> angle of the elbow over time.
        links: (side, thing, start, end): the hand acts on a thing by way of another (second order).
    """

    duration: float
    wearer: Wearer
    things: tuple[PoseTrack, ...]
    wrists: Mapping[str, PoseTrack]
    fingers: Mapping[str, Spline]
    holds: tuple[Hold, ...]
    swivels: Mapping[str, Spline]
    links: tuple[tuple[str, int, float, float], ...] = ()

    def thing(self, index: int, time: float) -> Pose:
        """(4, 4) thing -> room."""
        return self.things[index].at(time)

    def hand(self, side: str, time: float) -> HandMoment:
        """One hand at a moment."""
        held = [h for h in self.holds if h.side == side and h.start <= time <= h.end]
        wrist = chained(self.thing(held[0].thing, time), held[0].wrist) if held else self.wrists[side].at(time)
        elbow = self.wearer.arm(side, wrist, float(self.swivels[side].at(time)[0])).elbow
        pose = HandPose.within_limits(self.fingers[side].at(time))
        return HandMoment(wrist, pose, elbow, tuple(sorted({h.thing for h in held})))

    def reached(self, index: int, time: float) -> tuple[str, ...]:
        """Sides that act on a thing by way of another one."""
        return tuple(side for side, thing, start, end in self.links if thing == index and start <= time <= end)


def easy_elbow(motion: Motion, side: str, step: float = 0.22) -> Spline:
    """The angle of the elbow over a motion that strains the wrist least without swinging about (Viterbi's search)."""
    count = max(2, int(np.ceil(motion.duration / step)) + 1)
    times = np.linspace(0, motion.duration, count)
    wrists = [motion.hand(side, t).wrist for t in times]
    costs = np.array([[motion.wearer.discomfort(side, w, s) for s in SWIVELS] for w in wrists])
    swing = 6.0 * (SWIVELS[:, None] - SWIVELS[None]) ** 2 / np.radians(15) ** 2
    total, came = costs[0], []
    for row in costs[1:]:
        way = total[:, None] + swing
        came.append(way.argmin(axis=0))
        total = way.min(axis=0) + row
    best = [int(total.argmin())]
    for back in reversed(came):
        best.append(int(back[best[-1]]))
    return Spline(times, SWIVELS[best[::-1]][:, None], np.zeros(count, bool))
