"""Grasps: a hand on an object, its fingers closed until they touch.

>>> held = grasp(np.random.default_rng(0), model, thing, "right", thing.grips[0])
>>> mesh = model.posed(held.pose, wrist=object_to_scene @ held.wrist, side=held.side)

A few ways to begin the type of grip are closed side by side (`grasp.search`) and the best is kept: many fingers that
touch, none that is deep inside. Depth is measured on the vertices of the posed hand.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.grasp.search import (
    PALM_RADIUS,
    PALM_ROWS,
    Hands,
    Thing,
    advance,
    close_fingers,
    close_thumb,
    depth_of_axis,
    eased,
    place_thumb,
    untangled,
)
from handseg_lib.synth.grasp.shapes import CURL, FULL, STRAIGHT, Preshape, preshape
from handseg_lib.synth.hand import HandModel, check_side
from handseg_lib.synth.hand.contact import finger_spheres
from handseg_lib.synth.hand.points import Array, hand_points
from handseg_lib.synth.hand.poses import HandPose, bone_frames
from handseg_lib.synth.hand.shape import FINGERS
from handseg_lib.synth.hand.skinning import skin
from handseg_lib.synth.objects.thing import Grip

TOUCH = 0.002
"""A finger touches where its skin comes this near, metres."""
TOO_DEEP = 0.004
"""A grasp with a vertex deeper than this is tried again."""
HANDS_GIVE = 0.003
"""Two hands that pass into each other deeper than this are placed again, metres."""
BESIDE, ROUNDS = 3, 5
DEEP_SKIN, SETTLE = 0.0015, 4
"""Hands with a vertex deeper than this are moved out of it, metres; in so many steps at most."""
HOOKED = np.radians(60)
EASY_THUMB = np.radians([22.0, 40, 0, 18, 22])


class Held(Thing, Protocol):
    """What two hands can hold."""

    grips: tuple[Grip, ...]


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


def grasp(rng: np.random.Generator, model: HandModel, thing: Thing, side: str, grip: Grip) -> Grasp:
    """Hold an object by one of its grips.

    Args:
        rng: decides how exactly.
        model: whose hand.
        thing: has `distance(points)`: (N, 3) points of its frame -> (N,) signed metres, negative inside.
        side: "right" or "left".
        grip: where and how.

    Returns:
        The best of a few tries; `penetration` says how good it is.

    Raises:
        ValueError: for an unknown side or type of grip.
    """
    check_side(side)
    best: Grasp | None = None
    for _ in range(ROUNDS):
        found = _one_round(rng, model, thing, side, grip)
        if best is None or _badness(found) < _badness(best):
            best = found
        if best.penetration < TOO_DEEP and _holds(best):
            break
    return best


def hands_on(rng: np.random.Generator, model_left: HandModel, model_right: HandModel, thing: Held) -> dict[str, Grasp]:
    """Hold an object with both hands, by one of its pairs of grips.

    Of a pair, the right hand takes the first grip and the left hand its partner. Where the hands would meet, the
    later one is tried again.

    Args:
        rng: decides which pair and how exactly.
        model_left, model_right: the hands.
        thing: an object with `grips`, some of them pairs (`Grip.partner`).

    Returns:
        {"right": ..., "left": ...}.

    Raises:
        ValueError: if the object has no grips for two hands.
    """
    pairs = [(k, g.partner) for k, g in enumerate(thing.grips) if g.hands == 2 and g.partner is not None]
    pairs = sorted({(min(pair), max(pair)) for pair in pairs})
    if not pairs:
        kind = getattr(thing, "kind", "object")
        raise ValueError(f"this {kind} has no pair of grips for two hands; hold it with grasp(...), one hand at a time")
    first, second = pairs[int(rng.integers(len(pairs)))]
    best: tuple[float, dict[str, Grasp]] | None = None
    for _ in range(ROUNDS):
        held = {
            "right": grasp(rng, model_right, thing, "right", thing.grips[first]),
            "left": grasp(rng, model_left, thing, "left", thing.grips[second]),
        }
        meeting = _meeting(held["left"], model_left, held["right"], model_right)
        badness = 1e3 * meeting + sum(_badness(g) for g in held.values())
        if best is None or badness < best[0]:
            best = (badness, held)
        if meeting < HANDS_GIVE:
            break
    return best[1]


def _meeting(left: Grasp, model_left: HandModel, right: Grasp, model_right: HandModel) -> float:
    """How deep two hands pass into each other, in metres, from the spheres along their fingers and palms."""
    (a, ra), (b, rb) = _spheres(left, model_left), _spheres(right, model_right)
    offset = a[:, None] - b
    return float(max(0.0, (ra[:, None] + rb - np.sqrt((offset * offset).sum(-1))).max()))


def _spheres(held: Grasp, model: HandModel) -> tuple[Array, Array]:
    """(N, 3) centres in the object's frame and (N,) radii of spheres inside the hand."""
    shape = model.shape
    centres, radii = finger_spheres(shape, bone_frames(shape, held.pose))
    palm = (shape.knuckles[1:, None] * np.array(PALM_ROWS)[:, None]).reshape(-1, 3)
    centres = np.concatenate([centres.reshape(-1, 3), palm])
    radii = np.concatenate([radii.ravel(), np.full(len(palm), PALM_RADIUS * shape.length / 0.186)])
    return placed_by(held.wrist, held.side, centres), radii


def placed_by(wrist: NDArray[np.floating], side: str, points: Array) -> Array:
    """(N, 3) points of the right hand's frame -> (N, 3) where that hand, or its mirror image, has them."""
    mirrored = points * ((-1 if side == "left" else 1), 1, 1)
    t = np.asarray(wrist, np.float64)
    return (mirrored[:, None] * t[:3, :3]).sum(-1) + t[:3, 3]


def _one_round(rng: np.random.Generator, model: HandModel, thing: Thing, side: str, grip: Grip) -> Grasp:
    """Close a few hands side by side and keep the best."""
    points = hand_points(model.shape)
    grip_frame = _grip_frame(thing, side, grip)
    front = _reach(thing, grip, np.asarray(grip.approach))
    shapes = [preshape(grip.type, grip.width, front, points, rng) for _ in range(BESIDE)]
    hands = Hands(
        points=points,
        thing=thing,
        turn=np.stack([_product(grip_frame, s.turn) for s in shapes]),
        origin=np.stack([grip.centre - (_product(grip_frame, s.turn) * s.centre).sum(1) for s in shapes]),
        fingers=np.stack([s.fingers for s in shapes]),
        thumb=np.stack([s.thumb for s in shapes]),
    )
    hands = _closed(hands, shapes)
    measured = [_measured(hands, b, model, side, grip) for b in range(BESIDE)]
    return _settled(min(measured, key=_badness), model, thing)


def _closed(hands: Hands, shapes: list[Preshape]) -> Hands:
    """Palm, fingers, thumb, one after the other."""
    first = shapes[0]
    if first.advance >= 0:
        hands = advance(hands, first.advance)
    hands = close_fingers(hands, first.phases, np.max([s.limit for s in shapes], axis=0))
    if first.advance > 0 or first.thumb_target is not None:
        hands = eased(hands, first.phases, np.max([s.limit for s in shapes], axis=0))
    hands = untangled(hands, STRAIGHT, CURL, FULL)
    if first.thumb_target is not None:
        hands = place_thumb(hands, np.stack([s.thumb_target for s in shapes]), EASY_THUMB, 0.8)
    if first.thumb_rate.any():
        hands = close_thumb(hands, first.thumb_rate)
    return hands


def _grip_frame(thing: Thing, side: str, grip: Grip) -> Array:
    """(3, 3) from the grip's frame to the object's: its columns are across the palm, along the fingers, into the thing.

    For a left hand the fingers point the other way, which makes the frame a mirrored one.
    """
    across, into = (np.asarray(v, np.float64) for v in (grip.axis, grip.approach))
    if grip.type == "tripod" and _reach(thing, grip, -across) > _reach(thing, grip, across):
        across = -across  # the longer end of a pen lies on the web of the thumb
    along = np.cross(into, across)
    return np.stack([across, along if side == "right" else -along, into], 1)


def _reach(thing: Thing, grip: Grip, direction: Array) -> float:
    """How far the object goes on from the grip's centre in a direction, metres."""
    steps = np.arange(0, 0.4, 0.004)
    inside = thing.distance((np.asarray(grip.centre) + steps[:, None] * direction).astype(np.float32)) < 0.003
    return float(steps[inside].max(initial=0))


def _measured(hands: Hands, b: int, model: HandModel, side: str, grip: Grip) -> Grasp:
    """The b-th hand as a grasp, measured on the mesh."""
    pose = HandPose.within_limits(np.round(np.concatenate([hands.thumb[b], hands.fingers[b].ravel()]), 6))
    wrist = np.eye(4)
    wrist[:3, :3], wrist[:3, 3] = hands.turn[b], np.round(hands.origin[b], 7)
    if side == "left":
        wrist[:3, 0] *= -1
    depth, touching = measure(model, pose, wrist, side, hands.thing)
    return Grasp(pose, wrist, side, grip, depth, touching)


def measure(
    model: HandModel, pose: HandPose, wrist: NDArray[np.floating], side: str, thing: Thing
) -> tuple[float, frozenset[str]]:
    """How deep a posed hand lies inside a thing, in metres, and which fingers (and "palm") touch it.

    Args:
        wrist: (4, 4) from the hand's frame to the thing's.
    """
    skin_points, axis_points, radii = _probes(model, pose, wrist, side)
    return _depth_and_touch(model, skin_points, axis_points, radii, thing)


def _probes(model: HandModel, pose: HandPose, wrist: NDArray[np.floating], side: str) -> tuple[Array, Array, Array]:
    """(V, 3) vertices of the hand without its forearm, (S, 3) and (S,) spheres along its fingers, placed."""
    shape, mesh, hand = model.shape, model.mesh, hand_vertices(model)
    frames = bone_frames(shape, pose)
    vertices, _ = skin(mesh.vertices[hand], mesh.bones[hand], mesh.weights[hand], frames @ model.rest_inverse)
    centres, radii = finger_spheres(shape, frames)
    placed = (placed_by(wrist, side, points) for points in (vertices, centres.reshape(-1, 3)))
    return *placed, radii.ravel()


def _depth_and_touch(
    model: HandModel, skin_points: Array, axis_points: Array, radii: Array, thing: Thing
) -> tuple[float, frozenset[str]]:
    """See `measure`."""
    both = np.concatenate([skin_points, axis_points]).astype(np.float32)
    distance = np.asarray(thing.distance(both), np.float64)
    distance, axis = distance[: len(skin_points)], depth_of_axis(distance[len(skin_points) :], radii)
    bones = model.mesh.bones[hand_vertices(model), 0][distance < TOUCH]
    names = {("palm" if bone in (0, 16) else FINGERS[(bone - 1) // 3]) for bone in np.unique(bones).tolist()}
    return float(max(0.0, -distance.min(), axis.max())), frozenset(names)


def hand_vertices(model: HandModel) -> NDArray[np.int64]:
    """(V,) which vertices of a hand's mesh belong to the hand and not to its forearm."""
    return np.flatnonzero(model.mesh.vertices[:, 1] > 0)


def _settled(held: Grasp, model: HandModel, thing: Thing) -> Grasp:
    """The grasp with the whole hand moved a little, out of where it is deepest, while that makes it better."""
    skin_points, axis_points, radii = _probes(model, held.pose, held.wrist, held.side)
    shift = np.zeros(3)
    for _ in range(SETTLE):
        if held.penetration < DEEP_SKIN:
            break
        moved = (skin_points + shift).astype(np.float32)
        distance = np.asarray(thing.distance(moved))
        deepest = moved[distance.argmin()]
        if distance.min() > -DEEP_SKIN:  # its axis is deep: the hand is on both sides of a wall
            break
        around = deepest + np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32) * np.float32(5e-4)
        slope = np.asarray(thing.distance(around), np.float64)
        slope = slope[:3] - slope[3:]
        length = np.sqrt((slope * slope).sum())
        if length < 1e-9:
            break
        step = slope / length * (-float(distance.min()) - 0.5 * DEEP_SKIN) * 0.6
        trial = np.round(shift + step, 7)
        depth, touching = _depth_and_touch(model, skin_points + trial, axis_points + trial, radii, thing)
        wrist = held.wrist.copy()
        wrist[:3, 3] += trial - shift
        better = replace(held, wrist=wrist, penetration=depth, touching=touching)
        if _badness(better) >= _badness(held):
            break
        held, shift = better, trial
    return held


def _holds(held: Grasp) -> bool:
    """Whether enough of the hand touches for the type of grip."""
    fingers = held.touching - {"palm"}
    if held.grip.type in ("press", "point"):
        return "index" in fingers
    if held.grip.type == "flat":
        return len(held.touching) >= 2
    return "thumb" in fingers and len(fingers) >= 2


def _badness(held: Grasp) -> float:
    """Smaller is better: depth in millimetres beyond one, less what touches."""
    deep = max(0.0, held.penetration * 1e3 - 1.0)
    wanted = len(held.touching) + 4 * _holds(held)
    if held.grip.type == "hook":  # fingers go through the handle, as many as find room
        wanted += sum(2 for name in held.touching & set(FINGERS[1:]) if getattr(held.pose, name)[2] > HOOKED)
    refused = 5.0 * max(0.0, held.penetration - TOO_DEEP) * 1e3 + 4.0 * (held.penetration >= TOO_DEEP)
    return round(1.5 * deep + refused - wanted, 4)


def _product(a: Array, b: Array) -> Array:
    """Two 3x3 matrices multiplied by plain sums: the same bits on every machine."""
    return (a[:, :, None] * b[None]).sum(1)
