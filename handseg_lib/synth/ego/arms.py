"""The wearer of a head camera: where eyes and shoulders are, and arms that reach for what the hands do.

Room coordinates as in `ego.layout`: the wearer stands at z < 0 and looks towards +z and down at y = 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.ego.layout import SIDES, EgoHand
from handseg_lib.synth.hand import HandModel, HandPose, hand_model
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.people.arm_loops import easiest, strain_of_table
from handseg_lib.synth.people.arms import Arm, bones, cross3, segment_distance, solve_arm
from handseg_lib.synth.people.body import rotation
from handseg_lib.synth.people.person import Person

Array = NDArray[np.float64]
EYE_TO_SHOULDER = 0.255
"""Height of the eyes over the shoulder joints of a middling person, metres."""
BEND_ROOM, TURN_ROOM = np.radians(62), np.radians(95)
"""How far wrists bend and forearms turn at work, from straight and from thumb up."""
FOREARM_RADIUS = 0.042
_ALONG = np.linspace(0, 0.95, 12)
FOREARM = (_ALONG, np.interp(_ALONG, [0, 0.3, 1], [FOREARM_RADIUS, FOREARM_RADIUS + 0.004, 0.027]))
"""(12,) steps from elbow to wrist and the forearm's radius there in metres, as `table_strain` takes them."""
OTHER = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class Stance:
    """Where the wearer's head and shoulders are.

    Attributes:
        person: the wearer.
        camera: (4, 4) head camera to room.
        shoulders: (3,) room coordinates by side.
    """

    person: Person
    camera: Array
    shoulders: dict[str, Array]

    @property
    def model(self) -> HandModel:
        """The wearer's hand."""
        return hand_model(self.person.hand)


def sample_stance(
    rng: np.random.Generator,
    person: Person,
    eyes: tuple[float, float],
    focus: Array,
    standing: tuple[float, float] = (-0.16, 0.0),
    slack: float = 1.0,
) -> Stance:
    """The wearer leans over the work surface and looks at a place on it, or somewhat past it.

    Args:
        rng: decides everything.
        person: the wearer.
        eyes: range of the eyes' height above the work surface, metres.
        focus: (3,) what is looked at, room coordinates.
        standing: range of the eyes' z, metres.
        slack: factor on how far the head strays from looking there.
    """
    height = rng.uniform(*eyes) * person.shape.scale**0.5
    eye = np.array([rng.normal(0.35 * focus[0], 0.03), -height, rng.uniform(*standing)])
    to = focus + rng.normal(0, (0.05, 0.02, 0.05)) * slack - eye
    yaw = np.arctan2(to[0], to[2])
    pitch = np.arctan2(to[1], np.hypot(to[0], to[2])) - abs(rng.normal(0, 0.09)) * slack
    camera = np.eye(4)
    camera[:3, :3] = rotation("y", yaw) @ rotation("x", -pitch) @ rotation("z", rng.normal(0, 0.05) * slack)
    camera[:3, 3] = eye
    facing = rotation("y", 0.5 * yaw)
    scale = person.shape.scale
    shoulders = {
        side: eye + facing @ np.array([sign * person.shape.shoulder, EYE_TO_SHOULDER * scale, -rng.uniform(0.06, 0.12)])
        for side, sign in (("left", -1), ("right", 1))
    }
    return Stance(person, camera, shoulders)


def reach_for(stance: Stance, side: str, wrist: Array, swivels: int = 9) -> tuple[float, Arm | None]:
    """The arm that brings a hand to `wrist` (4, 4) with the least strain, or None where no arm can.

    Returns:
        Strain, below 1 for what looks at ease; infinite without an arm.
    """
    upper, fore = stance.person.shape.upper_arm, stance.person.hand.forearm
    shoulder = stretched(stance.shoulders[side], wrist[:3, 3], upper + fore)
    swings = np.linspace(-0.2, 1.5, swivels)
    hand = np.ascontiguousarray(wrist, np.float64)
    limits = (float(BEND_ROOM), float(TURN_ROOM))
    cost, joints = easiest(shoulder, hand, bones(upper, fore), side == "right", swings, limits, *FOREARM)
    return (cost, Arm(*joints)) if np.isfinite(cost) else (np.inf, None)


def stretched(shoulder: Array, target: Array, length: float) -> Array:
    """The shoulder joint, brought forward as far as it goes (about 8 cm) where an arm of this length is too short."""
    to = target - shoulder
    distance = float(np.linalg.norm(to))
    return shoulder + to / distance * float(np.clip(distance - 0.97 * length, 0, 0.08))


def table_strain(arm: Arm) -> float:
    """Large where the forearm passes through the work surface."""
    return strain_of_table(arm.joints, *FOREARM)


def arms_apart(hands: dict[str, EgoHand]) -> bool:
    """Whether two forearms keep clear of each other."""
    if len(hands) < 2:
        return True
    a, b = (hands[side].arm for side in SIDES)
    return segment_distance(a.elbow, a.wrist, b.elbow, b.wrist) > 0.075


def raised(stance: Stance, side: str, wrist: Array, pose: HandPose, state: str = "none") -> EgoHand | None:
    """The arm for a wrist and a pose, or None where it would be strained."""
    cost, arm = reach_for(stance, side, wrist)
    if arm is None or cost > 3:
        return None
    return EgoHand(pose, wrist, arm.elbow, arm.shoulder, state)


def free_wrist(rng: np.random.Generator, stance: Stance, side: str, target: Array, turn: float, bend: float) -> Array:
    """(4, 4) a hand at `target` (3,) at the end of an easy arm.

    Args:
        turn: of the hand about the forearm, radians: 0 thumb up, pi/2 palm down.
        bend: of the wrist, radians: positive towards the palm.
    """
    sign = 1 if side == "left" else -1
    upper, fore = stance.person.shape.upper_arm, stance.person.hand.forearm
    arm = solve_arm(stance.shoulders[side], target, (upper, fore), sign * rng.uniform(0.1, 0.9))
    along = arm.forearm_direction
    up = np.array([0, -1.0, 0]) + 1e-6
    up = up - along * (along @ up)
    up /= np.linalg.norm(up)
    # the hand with its thumb up: x towards the thumb on a right hand, away from it on a left one
    x = up if side == "right" else -up
    neutral = np.stack([x, along, cross3(x, along)], axis=1)
    about = -turn if side == "right" else turn
    frame = np.eye(4)
    frame[:3, :3] = (
        neutral
        @ rotation("y", about)
        @ rotation("x", bend)
        @ rotation("z", float(np.clip(rng.normal(0, 0.1), -0.25, 0.25)))
    )
    frame[:3, 3] = arm.wrist
    return frame


def hand_points_of(stance: Stance, side: str, pose: HandPose, wrist: Array) -> NDArray[np.float32]:
    """(V, 3) the hand's own surface (no forearm) in room coordinates."""
    mesh: Mesh = stance.model.posed(pose, wrist, side)
    return mesh.vertices[mesh.rest[:, 1] > -0.01]
