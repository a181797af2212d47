"""Grasps: a hand on an object, its fingers closed until they touch.

>>> held = grasp(np.random.default_rng(0), model, thing, "right", thing.grips[0])
>>> mesh = model.posed(held.pose, wrist=object_to_scene @ held.wrist, side=held.side)

A few ways to begin the type of grip are closed side by side (`grasp.search`) and the best is kept: many fingers that
touch, none that is deep inside. Depth is measured on the vertices of the posed hand.
"""

from typing import Protocol

import numpy as np

from handseg_lib.synth.grasp.closing import close_fingers, close_thumb
from handseg_lib.synth.grasp.hands import PALM_RADIUS, PALM_ROWS, Hands, Thing
from handseg_lib.synth.grasp.measuring import (
    TOO_DEEP,
    TOUCH,
    Grasp,
    badness,
    best_of,
    hand_vertices,
    holds,
    measure,
    placed_by,
    rough_grasps,
)
from handseg_lib.synth.grasp.search import STUCK, advance, eased, finger_depths, untangled
from handseg_lib.synth.grasp.shapes import CURL, FULL, STRAIGHT, Preshape, preshape
from handseg_lib.synth.grasp.thumb import place_thumb
from handseg_lib.synth.hand import HandModel, check_side
from handseg_lib.synth.hand.contact import finger_spheres
from handseg_lib.synth.hand.points import Array, hand_points
from handseg_lib.synth.hand.poses import bone_frames
from handseg_lib.synth.objects.thing import Grip

__all__ = ["TOO_DEEP", "TOUCH", "Grasp", "Held", "grasp", "hand_vertices", "hands_on", "measure", "placed_by"]

HANDS_GIVE = 0.003
"""Two hands that pass into each other deeper than this are placed again, metres."""
BESIDE, ROUNDS = 3, 5
EASY_THUMB = np.radians([22.0, 40, 0, 18, 22])


class Held(Thing, Protocol):
    """What two hands can hold."""

    grips: tuple[Grip, ...]


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
        if best is None or badness(found) < badness(best):
            best = found
        if best.penetration < TOO_DEEP and holds(best):
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
        cost = 1e3 * meeting + sum(badness(g) for g in held.values())
        if best is None or cost < best[0]:
            best = (cost, held)
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
    return best_of(rough_grasps(_closed(hands, shapes), side, grip), model, thing)


def _closed(hands: Hands, shapes: list[Preshape]) -> Hands:
    """Palm, fingers, thumb, one after the other. Hands with a stuck finger are given up if there are others."""
    first, limit = shapes[0], np.max([s.limit for s in shapes], axis=0)
    if first.advance >= 0:
        hands = advance(hands, first.advance)
    hands = close_fingers(hands, first.phases, limit)
    if first.advance > 0 or first.thumb_target is not None:
        hands = eased(hands, first.phases, limit)
    depth = finger_depths(hands)
    good = np.flatnonzero((depth <= STUCK).all(1))
    if len(good):
        hands = hands.some(good)
    else:
        good, hands = np.arange(len(depth)), untangled(hands, depth, STRAIGHT, CURL, FULL)
    if first.thumb_target is not None:
        hands = place_thumb(hands, np.stack([shapes[b].thumb_target for b in good]), EASY_THUMB, 0.8)
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


def _product(a: Array, b: Array) -> Array:
    """Two 3x3 matrices multiplied by plain sums: the same bits on every machine."""
    return (a[:, :, None] * b[None]).sum(1)
