"""Places of hands and things in a first-person room: poses, footprints, and whether hands keep out of the table."""

from typing import TYPE_CHECKING

import numpy as np

from handseg_lib.synth.body import rotation
from handseg_lib.synth.domains import Domain
from handseg_lib.synth.ego_arms import Array, Stance
from handseg_lib.synth.ego_layout import EgoHand
from handseg_lib.synth.objects import OBJECT_KINDS, RigidObject, object_names

if TYPE_CHECKING:
    from handseg_lib.synth.objects import Grip

TABLE = 0.05
"""No table top is thicker, metres: what is lower is in front of drawers."""
PALM = np.array([0.0, 0.085, 0.032])
"""Where a closing hand's middle lies in its own frame, about, metres."""


def rough_wrist(grip: "Grip", side: str) -> Array:
    """(4, 4) about where a hand must be to take a grip: hand frame to object frame."""
    x, z = np.asarray(grip.axis, float), np.asarray(grip.approach, float)
    y = np.cross(z, x)
    frame = np.eye(4)
    if side == "right":
        frame[:3, :3] = np.stack([x, y, z], 1)
    else:
        frame[:3, :3] = np.stack([-x, -y, z], 1)
    if grip.type == "power":  # a thin handle lies aslant in the hand
        slant = np.interp(grip.width, [0.01, 0.035, 0.08], [0.5, 0.3, 0.15])
        frame[:3, :3] = frame[:3, :3] @ rotation("z", -slant if side == "right" else slant)
    frame[:3, 3] = np.asarray(grip.centre, float) - frame[:3, :3] @ PALM
    return frame


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
    inside = (points[:, 2] > 0.01) & (points[:, 1] > 0.0015) & (points[:, 1] < TABLE)
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
