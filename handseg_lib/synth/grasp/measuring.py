"""How good a grasp is: how deep the posed hand lies inside the object, and what touches it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.grasp.hands import Hands, Thing, depth_of_axis, distance_near, finger_row_spheres
from handseg_lib.synth.hand import HandModel
from handseg_lib.synth.hand.contact import finger_spheres
from handseg_lib.synth.hand.points import Array
from handseg_lib.synth.hand.poses import HandPose, bone_frames
from handseg_lib.synth.hand.shape import FINGERS
from handseg_lib.synth.hand.skinning import skin
from handseg_lib.synth.objects.thing import Grip

TOUCH = 0.002
"""A finger touches where its skin comes this near, metres."""
TOO_DEEP = 0.004
"""A grasp with a vertex deeper than this is tried again."""
NEAR = 0.012
"""Skin farther away than this neither touches nor is inside, metres; nor is a finger's axis."""
DEEP_SKIN, SETTLE, HOPELESS = 0.0015, 4, 0.012
"""Hands with a vertex deeper than the first are moved out of it, those deeper than the last are not, metres; in so
many steps at most."""
HOOKED = np.radians(60)


@dataclass(frozen=True)
class Grasp:
    """A hand that holds an object.

    Attributes:
        pose: joint angles.
        wrist: (4, 4) float64, from the hand's frame to the object's, as `HandModel.posed` takes it.
        side: "right" or "left".
        grip: the grip it took.
        penetration: how deep the deepest vertex of the hand lies inside the object, metres; 0 where none does.
        touching: names of the fingers, and "palm", whose skin lies within `TOUCH` of the object.
    """

    pose: HandPose
    wrist: NDArray[np.float64]
    side: str
    grip: Grip
    penetration: float
    touching: frozenset[str]


def measure(
    model: HandModel, pose: HandPose, wrist: NDArray[np.floating], side: str, thing: Thing
) -> tuple[float, frozenset[str]]:
    """How deep a posed hand lies inside a thing, in metres, and which fingers (and "palm") touch it.

    Args:
        wrist: (4, 4) from the hand's frame to the thing's.
    """
    return Probes.of(model, pose, wrist, side).depth_and_touch(thing)


@dataclass(frozen=True)
class Probes:
    """Points of a posed hand in a thing's frame.

    Attributes:
        skin: (V, 3) vertices of the hand without its forearm.
        bones: (V,) the bone that each follows most.
        axis, radii: (S, 3) and (S,) spheres along the fingers.
    """

    skin: Array
    bones: NDArray[np.integer]
    axis: Array
    radii: Array

    @classmethod
    def of(cls, model: HandModel, pose: HandPose, wrist: NDArray[np.floating], side: str) -> "Probes":
        """Of a hand that a wrist places, as `measure` takes it."""
        shape, mesh, hand = model.shape, model.mesh, hand_vertices(model)
        frames = bone_frames(shape, pose)
        vertices, _ = skin(mesh.vertices[hand], mesh.bones[hand], mesh.weights[hand], frames @ model.rest_inverse)
        centres, radii = finger_spheres(shape, frames)
        placed = (placed_by(wrist, side, points) for points in (vertices, centres.reshape(-1, 3)))
        first, second = placed
        return cls(first, mesh.bones[hand, 0], second, radii.ravel())

    def depth_and_touch(self, thing: Thing) -> tuple[float, frozenset[str]]:
        """See `measure`."""
        distance, axis = self.distances(thing, NEAR)
        names = {_finger(bone) for bone in np.unique(self.bones[distance < TOUCH]).tolist()}
        inside = depth_of_axis(axis, self.radii).max(initial=0)
        return float(max(0.0, -distance.min(initial=0), inside)), frozenset(names)

    def distances(self, thing: Thing, within: float) -> tuple[Array, Array]:
        """(V,) and (S,) metres from skin and axis to a thing; beyond `within` they are not told apart."""
        distance = distance_near(thing, np.concatenate([self.skin, self.axis]), within)
        return distance[: len(self.skin)], distance[len(self.skin) :]

    def moved(self, offset: Array) -> "Probes":
        """All of them moved by (3,) metres."""
        return replace(self, skin=self.skin + offset, axis=self.axis + offset)

    def close_to(self, thing: Thing, within: float) -> "Probes":
        """Those within some metres of a thing."""
        near, along = (distance < within for distance in self.distances(thing, within))
        return Probes(self.skin[near], self.bones[near], self.axis[along], self.radii[along])


def _finger(bone: int) -> str:
    """Name of the finger of a bone, or "palm"."""
    return "palm" if bone in (0, 16) else FINGERS[(bone - 1) // 3]


def placed_by(wrist: NDArray[np.floating], side: str, points: Array) -> Array:
    """(N, 3) points of the right hand's frame -> (N, 3) where that hand, or its mirror image, has them."""
    mirrored = points * ((-1 if side == "left" else 1), 1, 1)
    t = np.asarray(wrist, np.float64)
    return (mirrored[:, None] * t[:3, :3]).sum(-1) + t[:3, 3]


def hand_vertices(model: HandModel) -> NDArray[np.int64]:
    """(V,) which vertices of a hand's mesh belong to the hand and not to its forearm."""
    return np.flatnonzero(model.mesh.vertices[:, 1] > 0)


def rough_grasps(hands: Hands, side: str, grip: Grip) -> list[Grasp]:
    """All placements as grasps, their depth and touch measured on a few hundred points only."""
    count, points = len(hands.turn), hands.points
    fingers = points.moved(np.tile(np.arange(1, 5), count), hands.fingers.reshape(-1, 4)).reshape(count, -1, 3)
    thumb = points.moved(np.zeros(count, np.int64), hands.thumb)
    palm = np.broadcast_to(points.palm, (count, *points.palm.shape))
    axis = [finger_row_spheres(points, angles) for angles in hands.fingers]
    centres, radii = np.stack([c.reshape(-1, 3) for c, _ in axis]), axis[0][1].ravel()
    distance = hands.distance(np.concatenate([thumb, fingers, palm, centres], 1), np.arange(count), NEAR)
    on_skin, inside = distance[:, : -len(radii)], depth_of_axis(distance[:, -len(radii) :], radii)
    owner = np.repeat(np.arange(6), [len(points.segment)] * 5 + [len(points.palm)])
    names = np.array([*FINGERS, "palm"])
    found = []
    for b in range(count):
        pose, wrist = placement(hands, b, side)
        touching = frozenset(names[np.unique(owner[on_skin[b] < TOUCH])].tolist())
        depth = max(0.0, -float(on_skin[b].min()), float(inside[b].max()))
        found.append(Grasp(pose, wrist, side, grip, depth, touching))
    return found


def placement(hands: Hands, b: int, side: str) -> tuple[HandPose, NDArray[np.float64]]:
    """Pose and (4, 4) wrist of the b-th placement."""
    pose = HandPose.within_limits(np.round(np.concatenate([hands.thumb[b], hands.fingers[b].ravel()]), 6))
    wrist = np.eye(4)
    wrist[:3, :3], wrist[:3, 3] = hands.turn[b], np.round(hands.origin[b], 7)
    if side == "left":
        wrist[:3, 0] *= -1
    return pose, wrist


def best_of(roughly: list[Grasp], model: HandModel, thing: Thing) -> Grasp:
    """The best of some grasps, measured on the mesh and moved out of the object where it is deepest.

    The most promising is measured first, others only while what is known of them is better.
    """
    best, probes = None, None
    for rough in sorted(roughly, key=badness):
        if best is not None and badness(best) <= badness(rough):
            break
        points = Probes.of(model, rough.pose, rough.wrist, rough.side)
        depth, touching = points.depth_and_touch(thing)
        held = replace(rough, penetration=depth, touching=touching)
        if best is None or badness(held) < badness(best):
            best, probes = held, points
    return settled(best, probes, thing)


def settled(held: Grasp, probes: Probes, thing: Thing) -> Grasp:
    """The grasp with the whole hand moved a little, out of where it is deepest, while that makes it better."""
    if not DEEP_SKIN <= held.penetration < HOPELESS:
        return held
    farthest = 2 * held.penetration  # the hand is never moved by more, so other skin does not come to touch
    near, shift = probes.close_to(thing, farthest + NEAR), np.zeros(3)
    for _ in range(SETTLE):
        if held.penetration < DEEP_SKIN:
            break
        moved = near.moved(shift)
        step = _way_out(moved.skin.astype(np.float32), thing)
        if step is None:  # its axis is deep: the hand is on both sides of a wall
            break
        trial = np.round(shift + step, 7)
        if np.sqrt((trial * trial).sum()) > farthest:
            break
        depth, touching = near.moved(trial).depth_and_touch(thing)
        wrist = held.wrist.copy()
        wrist[:3, 3] += trial - shift
        better = replace(held, wrist=wrist, penetration=depth, touching=touching)
        if badness(better) >= badness(held):
            break
        held, shift = better, trial
    return held


def _way_out(points: NDArray[np.float32], thing: Thing) -> Array | None:
    """(3,) metres to move so that the deepest of some (V, 3) points comes most of the way out; None: none is deep."""
    distance = distance_near(thing, points, NEAR)
    if not len(points) or distance.min() > -DEEP_SKIN:
        return None
    around = points[distance.argmin()] + np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32) * np.float32(5e-4)
    slope = np.asarray(thing.distance(around), np.float64)
    slope = slope[:3] - slope[3:]
    length = np.sqrt((slope * slope).sum())
    if length < 1e-9:
        return None
    return slope / length * (-float(distance.min()) - 0.5 * DEEP_SKIN) * 0.6


def holds(held: Grasp) -> bool:
    """Whether enough of the hand touches for the type of grip."""
    fingers = held.touching - {"palm"}
    if held.grip.type in ("press", "point"):
        return "index" in fingers
    if held.grip.type == "flat":
        return len(held.touching) >= 2
    return "thumb" in fingers and len(fingers) >= 2


def badness(held: Grasp) -> float:
    """Smaller is better: depth in millimetres beyond one, less what touches."""
    deep = max(0.0, held.penetration * 1e3 - 1.0)
    wanted = len(held.touching) + 4 * holds(held)
    if held.grip.type == "hook":  # fingers go through the handle, as many as find room
        wanted += sum(2 for name in held.touching & set(FINGERS[1:]) if getattr(held.pose, name)[2] > HOOKED)
    refused = 5.0 * max(0.0, held.penetration - TOO_DEEP) * 1e3 + 4.0 * (held.penetration >= TOO_DEEP)
    return round(1.5 * deep + refused - wanted, 4)
