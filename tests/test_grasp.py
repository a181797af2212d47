"""Grasps on shapes with exact distances: shallow, touching, opposed, mirrored, reproducible."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from handseg_lib.synth.grasp import TOO_DEEP, Grasp, grasp, hands_on, measure, placed_by
from handseg_lib.synth.hand import HandShape, hand_model
from handseg_lib.synth.hand.poses import FINGER_LIMITS, THUMB_LIMITS
from handseg_lib.synth.objects.thing import Grip

MODEL = hand_model(HandShape())
Y, Z = np.array([0.0, 1, 0], np.float32), np.array([0.0, 0, 1], np.float32)


@dataclass(frozen=True)
class Capsule:
    """A round bar along y."""

    radius: float
    half: float
    grips: tuple[Grip, ...] = ()

    def distance(self, points):
        d = points - np.clip(points[:, 1:2], -self.half, self.half) * Y
        return np.sqrt((d * d).sum(1)) - self.radius


@dataclass(frozen=True)
class Box:
    """A box around the origin; `half` are its half sizes."""

    half: tuple[float, float, float]
    grips: tuple[Grip, ...] = ()

    def distance(self, points):
        q = np.abs(points) - np.array(self.half, points.dtype)
        return np.sqrt((np.maximum(q, 0) ** 2).sum(1)) + np.minimum(q.max(1), 0)


def grip(kind, width, centre=(0, 0, 0), axis=Y, approach=Z, **more):
    return Grip(kind, np.array(centre, np.float32), np.asarray(axis, np.float32), np.asarray(approach, np.float32),
                width, **more)  # fmt: skip


CASES = {
    "bottle": (Capsule(0.034, 0.08), grip("power", 0.068)),
    "handle": (Capsule(0.014, 0.09), grip("power", 0.028)),
    "ball": (Capsule(0.033, 0.0), grip("power", 0.066)),
    "phone": (Box((0.036, 0.075, 0.004)), grip("power", 0.072)),
    "bead": (Capsule(0.009, 0.0), grip("pinch", 0.018)),
    "card": (Box((0.0006, 0.04, 0.03)), grip("pinch", 0.0012, (0, 0, -0.02))),
    "cube": (Box((0.025, 0.025, 0.025)), grip("pinch", 0.05)),
    "pen": (Capsule(0.005, 0.07), grip("tripod", 0.01, (0, -0.035, 0))),
    "tray": (Box((0.12, 0.16, 0.006)), grip("flat", 0.0, (0, 0, -0.006))),
    "bar": (Capsule(0.006, 0.06), grip("hook", 0.012)),
    "table": (Box((0.2, 0.2, 0.01)), grip("press", 0.0, (0, 0, -0.01))),
}


def held(name, seed=0, side="right"):
    thing, how = CASES[name]
    return thing, grasp(np.random.default_rng(seed), MODEL, thing, side, how)


def vertices(g: Grasp):
    mesh = MODEL.posed(g.pose, g.wrist, g.side)
    return mesh.vertices[MODEL.mesh.vertices[:, 1] > 0]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("side", ["right", "left"])
def test_hands_touch_and_do_not_sink_in(name, side):
    thing, g = held(name, 1, side)
    depth = -thing.distance(vertices(g)).min()
    assert depth < TOO_DEEP and g.penetration >= depth - 1e-6
    fingers = g.touching - {"palm"}
    if name == "table":
        assert "index" in fingers
    elif name == "tray":
        assert len(g.touching) >= 3
    else:
        assert "thumb" in fingers and len(fingers) >= 2
    if name in ("bottle", "handle", "ball"):
        assert len(fingers) == 5 and "palm" in g.touching


def test_penetration_is_small_on_the_whole():
    depths = [held(name, seed, "left" if seed % 2 else "right")[1].penetration for name in CASES for seed in (2, 3)]
    assert np.median(depths) < 0.002 and max(depths) < TOO_DEEP


@pytest.mark.parametrize("name", ["bottle", "ball", "bead", "cube"])
def test_thumb_opposes_the_fingers(name):
    thing, g = held(name, 4)
    hand = MODEL.mesh.vertices[:, 1] > 0
    skin, bones = vertices(g), MODEL.mesh.bones[hand, 0]
    near = thing.distance(skin) < 0.002
    flat = np.array([1, 0, 1]) if name == "bottle" else np.ones(3)  # around the bottle, not along it
    sides = [
        (skin[near & which] * flat).mean(0) for which in ((bones >= 1) & (bones <= 3), (bones >= 4) & (bones < 16))
    ]
    thumb, fingers = (side / np.linalg.norm(side) for side in sides)
    assert thumb @ fingers < 0.2


def test_a_thin_card_lies_between_thumb_and_fingers():
    _, g = held("card", 5)
    joints = MODEL.joints(g.pose, g.wrist, g.side)
    assert joints[4, 0] * joints[8, 0] < 0 and abs(joints[8, 0]) < 0.02


def test_pose_keeps_the_limits_and_the_wrist_is_rigid():
    limits = np.array(THUMB_LIMITS + FINGER_LIMITS * 4)
    for name in ("bottle", "pen", "bar"):
        g = held(name, 6, "left")[1]
        assert (g.pose.angles >= limits[:, 0] - 1e-6).all() and (g.pose.angles <= limits[:, 1] + 1e-6).all()
        r = g.wrist[:3, :3]
        np.testing.assert_allclose(r @ r.T, np.eye(3), atol=1e-6)
        assert np.linalg.det(r) > 0


def test_thumb_side_and_palm_face_as_the_grip_says():
    for side, sign in (("right", 1), ("left", -1)):
        g = held("bottle", 7, side)[1]
        assert sign * g.wrist[:3, 0] @ Y > 0.8 and g.wrist[:3, 2] @ Z > 0.9


def test_same_seed_same_bits_other_seed_other_grasp():
    first, again, other = (held("ball", seed)[1] for seed in (8, 8, 9))
    assert first.pose == again.pose and (first.wrist == again.wrist).all()
    assert first.pose != other.pose


def test_measure_agrees_with_the_posed_mesh():
    thing, g = held("cube", 10, "left")
    depth, touching = measure(MODEL, g.pose, g.wrist, g.side, thing)
    assert depth == pytest.approx(max(0, -thing.distance(vertices(g)).min()), abs=1e-6) and touching == g.touching
    away = g.wrist.copy()
    away[:3, 3] += 1
    assert measure(MODEL, g.pose, away, g.side, thing) == (0.0, frozenset())


def test_a_wall_through_a_finger_counts_as_deep():
    g = held("ball", 11)[1]
    tip = MODEL.joints(g.pose, g.wrist)[7]
    depth, _ = measure(
        MODEL, g.pose, g.wrist - np.pad(tip, (0, 1))[:, None] * np.eye(4)[3], "right", Box((0.0004, 0.5, 0.5))
    )
    assert depth > 0.005


def test_left_hands_are_placed_mirrored():
    points = np.array([[0.01, 0.02, 0.03]])
    turned = np.eye(4)
    turned[:3, :3], turned[:3, 3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]], (1, 2, 3)
    np.testing.assert_allclose(placed_by(turned, "right", points), [[1 - 0.02, 2 + 0.01, 3.03]])
    np.testing.assert_allclose(placed_by(turned, "left", points), [[1 - 0.02, 2 - 0.01, 3.03]])


def test_two_hands_hold_a_box_on_both_sides():
    right = grip("flat", 0.0, (0.1, 0, 0), -Y, (-1, 0, 0), hands=2, partner=1)
    left = grip("flat", 0.0, (-0.1, 0, 0), -Y, (1, 0, 0), hands=2, partner=0)
    box = Box((0.1, 0.08, 0.09), (right, left))
    both = hands_on(np.random.default_rng(0), MODEL, MODEL, box)
    assert both["right"].wrist[0, 3] > 0.08 and both["left"].wrist[0, 3] < -0.08
    for g in both.values():
        assert g.wrist[:3, 1] @ Z > 0.8 and g.penetration < 0.003 and len(g.touching) >= 3  # fingers point ahead


def test_refuses_unknown_sides_grips_and_single_handed_things():
    thing, how = CASES["ball"]
    with pytest.raises(ValueError, match="'up'"):
        grasp(np.random.default_rng(0), MODEL, thing, "up", how)
    with pytest.raises(ValueError, match="no pair of grips"):
        hands_on(np.random.default_rng(0), MODEL, MODEL, replace(thing, grips=(how,)))
