"""Places of hands and things in a first-person room: poses, footprints, and whether hands keep out of the table."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.ego.arms import Array, Stance
from handseg_lib.synth.ego.domains import Domain
from handseg_lib.synth.ego.layout import EgoHand, EgoObject
from handseg_lib.synth.objects import OBJECT_KINDS, RigidObject, object_names
from handseg_lib.synth.people.body import rotation

if TYPE_CHECKING:
    from handseg_lib.synth.objects import Grip

TABLE = 0.05
"""No table top is thicker, metres: what is lower is in front of drawers."""
GRAZE = 0.0015
"""How deep skin may lie in the table, metres: flesh gives."""
MIDDLE = {"power": (0, 0.078, 0.045), "pinch": (0.015, 0.102, 0.067), "tripod": (0.024, 0.091, 0.068),
          "press": (0.029, 0.138, 0.058), "hook": (-0.007, 0.088, 0.037), "flat": (0, 0.086, 0.02)}  # fmt: skip
"""Where each type of grip has its centre in a right hand's frame, about, metres."""
TRIPOD = np.array([[0.3, -0.05, -0.95], [-0.95, 0, -0.3], [0, 1, 0]])
"""(3, 3) a writing hand in the frame of its grip, about."""
MIRROR = np.array([-1.0, 1.0, 1.0])


def rough_wrist(grip: "Grip", side: str) -> Array:
    """(4, 4) about where a hand must be to take a grip: hand frame to object frame."""
    x, z = np.asarray(grip.axis, float), np.asarray(grip.approach, float)
    y = np.cross(z, x)
    own, middle = np.eye(3), np.array(MIDDLE[grip.type], float)
    if grip.type == "power":  # a thin handle lies aslant in the hand
        own = rotation("z", -float(np.interp(grip.width, [0.01, 0.035, 0.08], [0.5, 0.3, 0.15])))
    elif grip.type == "hook":
        own = rotation("x", 0.55)
    elif grip.type == "tripod":
        own = orthonormal(TRIPOD)
    frame = np.eye(4)
    if side == "right":
        frame[:3, :3] = np.stack([x, y, z], 1) @ own
    else:
        frame[:3, :3] = np.stack([-x, -y, z], 1) @ (own * MIRROR * MIRROR[:, None])
        middle = middle * MIRROR
    frame[:3, 3] = np.asarray(grip.centre, float) - frame[:3, :3] @ middle
    return frame


def orthonormal(matrix: Array) -> Array:
    """(3, 3) the rotation near a matrix that is nearly one: its second column is kept."""
    y = matrix[:, 1] / np.linalg.norm(matrix[:, 1])
    z = matrix[:, 2] - y * (y @ matrix[:, 2])
    z /= np.linalg.norm(z)
    return np.stack([np.cross(y, z), y, z], 1)


def upright(at: Array, yaw: float) -> Array:
    """(4, 4) pose of an object that stands at a place, turned about the vertical."""
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation("y", yaw), at
    return pose


def footprint(thing: RigidObject) -> float:
    """Radius in metres about the object's origin of what it covers, seen from above."""
    x, _, z = thing.mesh.vertices.T
    return float(np.sqrt((x * x + z * z).max()))


def clear_of_table(stance: Stance, side: str, hand: EgoHand) -> bool:
    """Whether hand and forearm keep out of the table's or counter's top."""
    points = stance.model.posed(hand.pose, hand.wrist, side, hand.elbow).vertices
    inside = (points[:, 2] > 0.01) & (points[:, 1] > GRAZE) & (points[:, 1] < TABLE)
    return not inside.any()


def allowed_kinds(domain: Domain, split: str) -> tuple[str, ...]:
    """Kinds of objects that a domain may show in a split; the out-of-distribution domain also has held-out kinds."""
    known = set(object_names(split)) | (set(object_names("held_out")) if domain.name == "wild" else set())
    listed = dict.fromkeys((*domain.held, *domain.around))
    return tuple(kind for kind in listed if kind in OBJECT_KINDS and kind in known)


def basis(first: Array, second: Array) -> Array:
    """(3, 3) orthonormal columns: along `first`, towards `second`, and across both."""
    a = first / np.linalg.norm(first)
    b = second - a * (a @ second)
    b /= np.linalg.norm(b)
    return np.stack([a, b, np.cross(a, b)], 1)


def within_reach(o: EgoObject, points: NDArray[np.floating], room: float = 0.002) -> NDArray[np.float32]:
    """(M, 3) those of some room points that may be nearer than `room` to an object, in its frame."""
    local = ((points - o.pose[:3, 3]) @ o.pose[:3, :3]).astype(np.float32)
    corners = o.thing.mesh.vertices
    inside = (local > corners.min(axis=0) - room) & (local < corners.max(axis=0) + room)
    return local[inside.all(axis=1)]
