"""Postures before the camera: where the person and the camera are, and where the two arms and hands go.

HandSeg's protocol (Section 4, "Acquisition protocol") asks for extreme hand poses and the motion between them, with
hands kept off the body and off each other. Hands are therefore aimed at places in the camera's view, arms follow by
inverse kinematics, and what would pass through the body is drawn again.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import Intrinsics
from handseg_lib.synth.hand import HandModel, HandPose
from handseg_lib.synth.people.arms import Arm, cross3, segment_distance, solve_arm
from handseg_lib.synth.people.body import BodyPose, Spine, rotation, shoulders
from handseg_lib.synth.people.person import Person

SIDES = ("left", "right")
ATTEMPTS = 40
NEAREST_HAND = 0.30
WRIST_FLEXION, WRIST_DEVIATION = np.radians(30), np.radians(9)
_SEVENTHS, _UPPER_ARM = np.linspace(0, 1, 7)[:, None], np.linspace(0.55, 1, 4)[:, None]
WRIST_LIMITS = (-np.radians(72), np.radians(72))  # extension, as in "stop", and flexion


@dataclass
class Posture:
    """One arrangement of a person before the depth camera, in the person frame.

    Attributes:
        body: trunk, head and legs.
        camera: (4, 4) depth camera to person frame.
        arms: the arms that exist in this frame.
        wrists: (4, 4) hand frames in the person frame.
        hands: finger poses.
    """

    body: BodyPose
    camera: NDArray[np.float64]
    spine: Spine
    arms: dict[str, Arm] = field(default_factory=dict)
    wrists: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    hands: dict[str, HandPose] = field(default_factory=dict)


def sample_posture(rng: np.random.Generator, person: Person, model: HandModel, view: Intrinsics) -> Posture:
    """Draw trunk, camera and both arms of one frame; drawn again while no arm gets where it was meant to be shown."""
    for _ in range(4):
        kind = str(rng.choice(["upright", "bent", "limbs"], p=[0.74, 0.15, 0.11]))
        body = sample_body(rng, kind)
        spine = Spine(person.shape, body)
        posture = Posture(body, sample_camera(rng, kind, spine, person.shape.scale), spine)
        roles = sample_roles(rng)
        order = [str(side) for side in rng.permutation(SIDES)]
        placed = {side: place_arm(rng, posture, person, model, side, roles[side], view) for side in order}
        if any(placed[side] and roles[side] == "raised" for side in SIDES) or "raised" not in roles.values():
            break
    return posture


def sample_roles(rng: np.random.Generator) -> dict[str, str]:
    """What each arm does: raised into view, resting, or only its forearm in view (the hand beyond the frame)."""
    pairs = {
        ("raised", "raised"): 0.36, ("rest", "raised"): 0.27, ("raised", "rest"): 0.23, ("rest", "rest"): 0.06,
        ("rest", "beyond"): 0.02, ("beyond", "rest"): 0.02, ("beyond", "raised"): 0.02, ("raised", "beyond"): 0.02,
    }  # fmt: skip
    left, right = list(pairs)[rng.choice(len(pairs), p=list(pairs.values()))]
    return {"left": left, "right": right}


def sample_body(rng: np.random.Generator, kind: str) -> BodyPose:
    """Trunk and head: mostly upright, sometimes bent far forwards or sideways."""
    lean, tilt, twist = rng.normal((0.06, 0, 0), (0.12, 0.09, 0.15))
    if kind == "bent":
        lean = rng.uniform(0.1, 1.15)
        tilt = rng.normal(0, 0.35)
    pitch = rng.normal(0.1 - 0.5 * max(lean, 0), 0.18)
    yaw, roll = rng.normal(0, (0.3, 0.12))
    return BodyPose(
        lean=float(lean),
        tilt=float(np.clip(tilt, -0.8, 0.8)),
        twist=float(np.clip(twist, -0.5, 0.5)),
        head=(float(pitch), float(np.clip(yaw, -0.9, 0.9)), float(roll)),
        seated=bool(rng.random() < 0.5),
        knees=float(rng.uniform(0.05, 0.45)),
    )


def sample_camera(rng: np.random.Generator, kind: str, spine: Spine, scale: float) -> NDArray[np.float64]:
    """(4, 4) pose of the depth camera in the person frame: it looks at a point on or beside the trunk."""
    target = spine.at(np.array([rng.uniform(0.16, 0.52) * scale]))[0][0].astype(np.float64)
    target += rng.normal(0, (0.13, 0.07, 0.02))
    if kind == "limbs":  # the body stays at the edge of the frame or outside
        target += np.array([rng.choice([-1, 1]) * rng.uniform(0.2, 0.4), rng.normal(0, 0.15), -rng.uniform(0, 0.2)])
    azimuth, elevation = rng.normal(0, (0.36, 0.20))
    distance = rng.triangular(0.55, 0.80, 1.10)
    roll = rng.normal(0, 0.10) if rng.random() < 0.85 else rng.uniform(-0.8, 0.8)
    turn = rotation("y", azimuth) @ rotation("x", elevation) @ rotation("z", roll)
    pose = np.eye(4)
    pose[:3, :3] = turn
    pose[:3, 3] = target - turn[:, 2] * distance
    return pose


def place_arm(
    rng: np.random.Generator, posture: Posture, person: Person, model: HandModel, side: str, role: str, view: Intrinsics
) -> bool:
    """Add one arm and hand to the posture; what would pass through something is drawn again.

    Returns:
        Whether the arm does what its role says; otherwise it hangs down.
    """
    pose = HandPose.sample(rng)
    joints = model.joints(pose, side=side).astype(np.float64)
    resting = shoulders(person.shape, posture.body, posture.spine)[side].astype(np.float64)
    up = -posture.spine.at(np.array([0.478 * person.shape.scale]))[1][0, :, 1].astype(np.float64)
    for attempt in range(ATTEMPTS + 1):
        hang = attempt == ATTEMPTS
        target = _hanging(rng, person, resting, side) if hang else _target(rng, posture, person, side, role, view)
        lift = float(np.clip(0.12 * ((target - resting) @ up), 0, 0.05))  # a raised arm takes its shoulder along
        swivel = rng.normal(0.35, 0.45) * (1 if side == "left" else -1)
        arm = solve_arm(resting + lift * up, target, (person.shape.upper_arm, model.shape.forearm), swivel)
        if np.linalg.norm(arm.wrist - target) > 0.04:
            continue
        wrist = hand_frame(rng, arm, side, posture.camera)
        if hang or free(arm, joints @ wrist[:3, :3].T + wrist[:3, 3], posture, person):
            posture.body = replace(posture.body, **{f"raise_{side}": lift})
            posture.arms[side], posture.wrists[side], posture.hands[side] = arm, wrist, pose
            return not hang
    return False


def _target(
    rng: np.random.Generator, posture: Posture, person: Person, side: str, role: str, view: Intrinsics
) -> NDArray[np.float64]:
    """(3,) where the wrist should be, in the person frame."""
    if role == "rest":
        return _resting(rng, person, posture, side)
    chest = posture.spine.at(np.array([0.36 * person.shape.scale]))[0][0]
    to_camera = np.linalg.inv(posture.camera)
    far = (to_camera @ np.append(chest, 1))[2] - 0.08
    low, high = min(NEAREST_HAND + 0.05, far - 0.1), max(far, NEAREST_HAND + 0.1)
    z = low + (high - low) * rng.beta(2.0, 1.3)  # people hold their hands nearer to themselves than to the camera
    u, v = rng.uniform(0.10, 0.90), rng.uniform(0.12, 0.92)
    if role == "beyond":  # a wrist at the border: the forearm is in view, the hand is not
        u, v = (rng.choice([-0.1, 1.1]), v) if rng.random() < 0.5 else (u, rng.choice([-0.12, 1.12]))
    x = (u * view.width - view.cx) / view.fx * z
    y = (v * view.height - view.cy) / view.fy * z
    return (posture.camera @ np.array([x, y, z, 1.0]))[:3]


def _hanging(rng: np.random.Generator, person: Person, shoulder: NDArray, side: str) -> NDArray[np.float64]:
    sign = 1 if side == "left" else -1
    reach = 0.96 * (person.shape.upper_arm + person.hand.forearm)
    direction = np.array([sign * rng.uniform(0.12, 0.3), 1.0, rng.uniform(-0.25, 0.1)])
    return shoulder + direction / np.linalg.norm(direction) * reach


def _resting(rng: np.random.Generator, person: Person, posture: Posture, side: str) -> NDArray[np.float64]:
    """Hanging, in the lap or on the knee, on the hip, before the belly, at the chin, or on an armrest."""
    sign, scale = (1 if side == "left" else -1), person.shape.scale
    where = str(rng.choice(["hang", "lap", "hip", "belly", "chin", "away"], p=[0.34, 0.22, 0.1, 0.14, 0.06, 0.14]))
    if where == "lap":
        return np.array([sign * rng.uniform(0.05, 0.22), -rng.uniform(0.12, 0.17), -rng.uniform(0.2, 0.38)]) * scale
    if where == "hip":
        return np.array([sign * rng.uniform(0.2, 0.24), -rng.uniform(0.02, 0.15), -rng.uniform(0.0, 0.12)]) * scale
    if where == "belly":
        return np.array([sign * rng.uniform(-0.05, 0.16), -rng.uniform(0.08, 0.36), -rng.uniform(0.17, 0.27)]) * scale
    if where == "chin":
        head = person.head_frame(posture.body, posture.spine)
        return head[:3, 3] + np.array([sign * rng.uniform(0.03, 0.12), rng.uniform(0.06, 0.16), -rng.uniform(0.1, 0.2)])
    if where == "away":
        return np.array([sign * rng.uniform(0.35, 0.6), -rng.uniform(-0.1, 0.6), rng.uniform(-0.25, 0.1)]) * scale
    shoulder = shoulders(person.shape, posture.body, posture.spine)[side]
    return _hanging(rng, person, shoulder.astype(np.float64), side)


def hand_frame(rng: np.random.Generator, arm: Arm, side: str, camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """(4, 4) hand frame at the wrist: turned about the forearm, bent and deviated within what a wrist can do.

    Half of the time the turn and flexion that show palm or back of the hand best are taken of a few, as people do who
    show a hand: an arm that reaches for the camera then bends the wrist back, as in "stop".
    """
    along = arm.forearm_direction
    hinge = cross3(arm.elbow - arm.shoulder, along)
    length = np.linalg.norm(hinge)
    hinge = hinge / length if length > 1e-6 else np.array([-1.0, 0, 0])
    thumb = cross3(hinge, along)  # thumb up when the elbow is bent and the hand neither palm up nor palm down
    x = thumb if side == "right" else -thumb
    neutral = np.stack([x, along, cross3(x, along)], axis=1)
    turns = rng.uniform(np.radians(-105), np.radians(105), 8)
    flexions = np.clip(rng.normal(-0.05, WRIST_FLEXION, 8), *WRIST_LIMITS)
    best = 0
    if rng.random() < 0.5:
        towards = camera[:3, 3] - arm.wrist
        level = np.cos(flexions)  # of the palm's normal, before and after turning about the forearm
        palms = np.stack([np.sin(turns) * level, -np.sin(flexions), np.cos(turns) * level], axis=1)
        best = int(np.argmax(np.abs(palms @ (neutral.T @ towards))))
    turn, flexion = float(turns[best]), float(flexions[best])
    deviation = float(np.clip(rng.normal(0, WRIST_DEVIATION), -0.35, 0.35))
    frame = np.eye(4)
    frame[:3, :3] = neutral @ rotation("y", turn) @ rotation("x", flexion) @ rotation("z", deviation)
    frame[:3, 3] = arm.wrist
    return frame


def free(arm: Arm, joints: NDArray, posture: Posture, person: Person) -> bool:
    """Whether an arm and its hand keep clear of trunk, head, legs, camera and the other arm; cheap tests on points."""
    t = _SEVENTHS
    fore = arm.elbow + (arm.wrist - arm.elbow) * t
    upper = arm.shoulder + (arm.elbow - arm.shoulder) * _UPPER_ARM
    points = np.concatenate([upper, fore, joints])
    margin = np.full(len(points), 0.014)
    margin[:4], margin[4:11] = 0.0, 0.03
    if posture.body.seated and ((points[:, 1] > -0.09 + 0.02) & (points[:, 2] < 0)).any():
        return False
    if ((points - posture.camera[:3, 3]) @ posture.camera[:3, 2] < NEAREST_HAND - 0.06).any():
        return False
    local, heights = posture.spine.nearest(points)
    if person.trunk.inside(local, heights, margin).any():
        return False
    head = person.head_frame(posture.body, posture.spine)[:3] @ np.array([0, -0.06, -0.01, 1])
    if (np.linalg.norm(points - head, axis=1) < 0.115 + margin).any():
        return False
    for side, other in posture.arms.items():
        gaps = [segment_distance(arm.elbow, arm.wrist, other.elbow, other.wrist),
                segment_distance(arm.elbow, arm.wrist, other.shoulder, other.elbow),
                segment_distance(other.elbow, other.wrist, arm.shoulder, arm.elbow)]  # fmt: skip
        others = posture.wrists[side][:3, 3] + posture.wrists[side][:3, 1] * 0.09
        if min(gaps) < 0.075 or np.linalg.norm(joints - others, axis=1).min() < 0.09:
            return False
        line = other.elbow + (other.wrist - other.elbow) * t
        if np.linalg.norm(joints[:, None] - line[None], axis=2).min() < 0.06:
            return False
    return True
