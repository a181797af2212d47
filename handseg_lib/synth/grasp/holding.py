"""Arms for hands that hold something: a grasp says where the hand is on the object, the arm must get it there.

A hand frame at the end of an arm is the forearm's own frame turned about the forearm, bent and deviated at the wrist
(`posture.hand_frame`). Here that is also taken apart again, so that a wrist given by a grasp can be judged.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.grasp import Grasp
from handseg_lib.synth.hand import HandModel, hand_model
from handseg_lib.synth.objects.thing import RigidObject
from handseg_lib.synth.people.arm_loops import angles_at_wrist, least_strained, neutral, strain_of
from handseg_lib.synth.people.arms import Arm, bones, segment_distance, solve_arm
from handseg_lib.synth.people.body import BodyPose, BodyShape, Spine, rotation, shoulders
from handseg_lib.synth.people.person import Person
from handseg_lib.synth.people.posture import Posture, free

Array = NDArray[np.float64]
TURN, FLEXION, DEVIATION = np.radians((105.0, 62.0, 25.0))
"""How far forearms turn from thumb up, and wrists bend to either side, at most."""
LIMITS = (float(TURN), float(FLEXION), float(DEVIATION))
SWIVELS = np.linspace(-0.5, 1.5, 9)
TRIES, PLACEMENTS = 16, 150


@dataclass(frozen=True)
class Holding:
    """An object in one or two hands, in the person frame.

    Attributes:
        thing: what is held.
        pose: (4, 4) object to person frame.
        grasps: side -> how that hand holds it.
        arms: side -> the arm.
        lifts: side -> metres by which the shoulder is raised.
    """

    thing: RigidObject
    pose: Array
    grasps: dict[str, Grasp]
    arms: dict[str, Arm]
    lifts: dict[str, float]

    def wrist(self, side: str) -> Array:
        """(4, 4) hand frame in the person frame."""
        return self.pose @ self.grasps[side].wrist

    def join(self, posture: Posture) -> None:
        """Give the posture these arms and hands."""
        for side, arm in self.arms.items():
            posture.body = replace(posture.body, **{f"raise_{side}": self.lifts[side]})
            posture.arms[side], posture.wrists[side] = arm, self.wrist(side)
            posture.hands[side] = self.grasps[side].pose


def neutral_frame(arm: Arm, side: str) -> Array:
    """(3, 3) the hand at the end of a forearm with the thumb up and the wrist straight."""
    return np.array(neutral(arm.joints, side == "right")).T


def wrist_angles(arm: Arm, side: str, turned: Array) -> tuple[float, float, float]:
    """Turn about the forearm, flexion and deviation of the wrist in radians that give a hand this (3, 3) rotation."""
    return angles_at_wrist(arm.joints, side == "right", np.ascontiguousarray(turned, np.float64))


def strain(arm: Arm, side: str, turned: Array) -> float:
    """The largest of the three angles relative to its limit: above 1 no wrist goes there."""
    return strain_of(arm.joints, side == "right", np.ascontiguousarray(turned, np.float64), LIMITS)


def shoulder_of(person: Person, posture: Posture, side: str, target: Array) -> tuple[Array, float]:
    """(3,) the shoulder joint as it is when the hand is at `target`, and how far it is raised for that, metres."""
    resting, up = _resting(person.shape, posture.body, posture.spine, side)
    lift = float(np.clip(0.12 * ((target - resting) @ up), 0, 0.05))
    return resting + lift * up, lift


@lru_cache(maxsize=4)
def _resting(shape: BodyShape, body: BodyPose, spine: Spine, side: str) -> tuple[Array, Array]:
    """(3,) the shoulder of an arm that hangs, and (3,) the direction in which it can be raised."""
    up = -spine.at(np.array([0.478 * shape.scale]))[1][0, :, 1].astype(np.float64)
    return shoulders(shape, body, spine)[side].astype(np.float64), up


def reach(person: Person, posture: Posture, side: str, wrist: Array) -> tuple[Arm, float] | None:
    """The least strained arm whose hand frame is `wrist` (4, 4), and the lift of its shoulder; None where none is."""
    shoulder, lift = shoulder_of(person, posture, side, wrist[:3, 3])
    lengths = bones(person.shape.upper_arm, person.hand.forearm)
    found, joints = least_strained(shoulder, np.ascontiguousarray(wrist), lengths, side == "right", SWIVELS, LIMITS)
    return (Arm(*joints), lift) if found else None


def hold_in_one(
    rng: np.random.Generator, person: Person, posture: Posture, thing: RigidObject, held: Grasp, upright: bool
) -> Holding | None:
    """The object held out before the body in one hand: the arm is drawn, and the object goes where the hand takes it.

    Args:
        rng: decides everything.
        person: who holds it.
        posture: their body; arms that it has already are kept clear of.
        thing: what is held.
        held: how.
        upright: whether to prefer ways in which the object stands as it would on a table.
    """
    drawn = []
    for _ in range(TRIES):
        one = draw_wrist(rng, person, posture, held.side)
        if one is not None:
            pose = one[2] @ np.linalg.inv(held.wrist)
            drawn.append((float(pose[1, 1] if upright else rng.random()), pose, one))
    model = hand_model(person.hand)
    for _, pose, (arm, lift, _) in sorted(drawn, key=lambda each: -each[0]):  # the best first: one is enough
        holding = Holding(thing, pose, {held.side: held}, {held.side: arm}, {held.side: lift})
        if possible(holding, person, model, posture):
            return holding
    return None


def draw_wrist(
    rng: np.random.Generator, person: Person, posture: Posture, side: str
) -> tuple[Arm, float, Array] | None:
    """An arm that holds a hand before the body, the lift of its shoulder, and the (4, 4) hand frame, in any turn a
    wrist allows; None where the arm is too short."""
    target = _before_body(rng, person, side)
    shoulder, lift = shoulder_of(person, posture, side, target)
    swivel = rng.normal(0.35, 0.4) * (1 if side == "left" else -1)
    arm = solve_arm(shoulder, target, (person.shape.upper_arm, person.hand.forearm), swivel)
    if np.linalg.norm(arm.wrist - target) > 0.05:
        return None
    turn = rng.uniform(-0.92, 0.92) * TURN
    flexion = np.clip(rng.normal(-0.1, 0.45), -1, 1) * FLEXION
    deviation = np.clip(rng.normal(0, 0.4), -1, 1) * DEVIATION
    wrist = np.eye(4)
    wrist[:3, :3] = neutral_frame(arm, side) @ rotation("y", turn) @ rotation("x", flexion) @ rotation("z", deviation)
    wrist[:3, 3] = arm.wrist
    return arm, lift, wrist


def hold_in_two(
    rng: np.random.Generator, person: Person, posture: Posture, thing: RigidObject, held: dict[str, Grasp]
) -> Holding | None:
    """The object held before the body in both hands: it is placed until both arms reach it and pass through nothing."""
    middle = ((thing.mesh.vertices.min(axis=0) + thing.mesh.vertices.max(axis=0)) / 2).astype(np.float64)
    for attempt in range(PLACEMENTS):
        if attempt % 3:  # where one arm takes it, if the other can follow
            side = ("left", "right")[attempt % 2]
            drawn = draw_wrist(rng, person, posture, side)
            if drawn is None:
                continue
            pose = drawn[2] @ np.linalg.inv(held[side].wrist)
            if pose[1, 1] < -0.2:  # nobody holds things upside down in both hands
                continue
            found = {side: drawn[:2]}
        else:
            pose, found = _facing_pose(rng, person, middle), {}
        for side in held:
            if side not in found:
                found[side] = reach(person, posture, side, pose @ held[side].wrist)
        if any(one is None for one in found.values()):
            continue
        arms, lifts = ({side: found[side][k] for side in held} for k in (0, 1))
        holding = Holding(thing, pose, held, arms, lifts)
        if possible(holding, person, hand_model(person.hand), posture):
            return holding
    return None


def _facing_pose(rng: np.random.Generator, person: Person, middle: Array) -> Array:
    """(4, 4) an object with (3,) this middle, its front turned to the person, more or less, before their chest."""
    pose = np.eye(4)
    yaw, pitch, roll = rng.normal((np.pi, 0, 0), (0.35, 0.45, 0.3))
    pose[:3, :3] = rotation("y", yaw) @ rotation("x", pitch) @ rotation("z", roll)
    pose[:3, 3] = _before_body(rng, person, None) - pose[:3, :3] @ middle
    return pose


def _before_body(rng: np.random.Generator, person: Person, side: str | None) -> Array:
    """(3,) a place for a wrist (or, without a side, for an object) well before the trunk, in the person frame."""
    sign = {"left": 1, "right": -1, None: 0}[side]
    x = sign * rng.uniform(-0.06, 0.26) if sign else rng.normal(0, 0.05)
    far = -rng.uniform(0.30, 0.50) if sign else -rng.uniform(0.32, 0.50)
    return np.array([x, -rng.uniform(0.20, 0.52), far]) * person.shape.scale


def possible(holding: Holding, person: Person, model: HandModel, posture: Posture) -> bool:
    """Whether object, arms and body keep clear of each other; the posture must not hold these arms yet."""
    for side, arm in holding.arms.items():
        joints = model.joints(holding.grasps[side].pose, holding.wrist(side), side).astype(np.float64)
        if not free(arm, joints, posture, person):
            return False
    if len(holding.arms) == 2:
        left, right = holding.arms["left"], holding.arms["right"]
        pairs = ((left.elbow, left.wrist, right.elbow, right.wrist),
                 (left.shoulder, left.elbow, right.elbow, right.wrist),
                 (left.elbow, left.wrist, right.shoulder, right.elbow))  # fmt: skip
        if min(segment_distance(*pair) for pair in pairs) < 0.08:
            return False
    return _clear_of_body(holding, person, posture) and all(
        _clear_of_arm(holding, arm, model) for arm in [*holding.arms.values(), *posture.arms.values()]
    )


def _clear_of_body(holding: Holding, person: Person, posture: Posture) -> bool:
    """Whether the object keeps 2 cm from trunk and head, and off the lap."""
    vertices = holding.thing.mesh.vertices
    points = vertices[:: max(1, len(vertices) // 250)] @ holding.pose[:3, :3].T + holding.pose[:3, 3]
    local, heights = posture.spine.nearest(points)
    if person.trunk.inside(local, heights, 0.04).any():
        return False
    head = person.head_frame(posture.body, posture.spine)[:3] @ np.array([0, -0.06, -0.01, 1])
    if np.linalg.norm(points - head, axis=1).min() < 0.14:
        return False
    return not (posture.body.seated and (points[:, 1] > -0.10).any())


def _clear_of_arm(holding: Holding, arm: Arm, model: HandModel) -> bool:
    """Whether the object keeps off a forearm behind its wrist, and off the upper arm."""
    t = np.linspace(0, 1, 14)[:, None]
    fore = arm.wrist + (arm.elbow - arm.wrist) * t
    radius = np.interp(t[:, 0], [0, 0.2, 0.6, 1], [0.026, 0.030, 0.040, 0.042]) * model.shape.arm_girth + 0.004
    upper = arm.elbow + (arm.shoulder - arm.elbow) * t[2:]
    points = np.concatenate([fore[1:], upper])
    room = np.concatenate([radius[1:], np.full(len(upper), 0.055)])
    inverse = np.linalg.inv(holding.pose)
    distance = holding.thing.distance((points @ inverse[:3, :3].T + inverse[:3, 3]).astype(np.float32))
    return bool((distance > room).all())
