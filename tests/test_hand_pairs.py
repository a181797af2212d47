"""Two interacting hands: anatomy, contact measured by a second method, mirror, kinds, errors."""

import numpy as np
import pytest
import trimesh

from handseg_lib.synth.hand import HandShape, hand_model
from handseg_lib.synth.hand.contact import overlap
from handseg_lib.synth.hand.drafts import KINDS, axes, near, tilted, unit
from handseg_lib.synth.hand.pairs import DEEPEST, person_axes, sample_pair, sample_single
from handseg_lib.synth.hand.poses import SOFT, bone_frames
from handseg_lib.synth.hand.solid import penetration

TOUCHING = ("steeple", "clasp", "fist_in_palm", "counting", "hold_finger", "hold_hand", "hold_wrist", "stacked",
            "interlaced")  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return hand_model(HandShape())


@pytest.fixture(scope="module")
def pairs(model):
    return {kind: sample_pair(np.random.default_rng([3, i]), model, kind) for i, kind in enumerate(KINDS)}


def test_every_kind_comes_out_as_itself(pairs):
    assert [pair.kind for pair in pairs.values()] == list(KINDS)


def test_hands_that_touch_do_and_none_passes_through_the_other(pairs):
    for kind, pair in pairs.items():
        assert pair.penetration <= DEEPEST
        if kind in TOUCHING:
            assert pair.penetration > -0.001, kind


def test_penetration_agrees_with_rays_and_closest_points(model, pairs):
    """Which vertices lie inside the other hand, told by counting crossings, and how deep, by distance to faces."""
    for kind in ("clasp", "interlaced"):
        meshes = pairs[kind].meshes(model)
        deepest = 0.0
        for one, other in (("left", "right"), ("right", "left")):
            solid = trimesh.Trimesh(meshes[other].vertices, meshes[other].faces, process=False)
            points = meshes[one].vertices.astype(float)
            inside = points[solid.ray.contains_points(points)]
            for point in inside:
                nearest = trimesh.triangles.closest_point(solid.triangles, np.tile(point, (len(solid.faces), 1)))
                deepest = max(deepest, np.linalg.norm(nearest - point, axis=1).min())
        assert deepest < DEEPEST + 3e-4
        assert deepest == pytest.approx(max(pairs[kind].penetration, 0), abs=6e-4)


def test_no_hand_passes_through_itself(model, pairs):
    for pair in pairs.values():
        for pose in pair.poses.values():
            assert overlap(model.shape, bone_frames(model.shape, pose)) <= 1.3 * SOFT


def test_forearms_have_their_length_and_wrists_their_limits(model, pairs):
    for pair in pairs.values():
        for side, wrist in pair.wrists.items():
            to_elbow = pair.elbows[side] - wrist[:3, 3]
            assert np.linalg.norm(to_elbow) == pytest.approx(model.shape.forearm, abs=1e-6)
            bend = np.arccos(-unit(to_elbow) @ wrist[:3, 1])
            assert bend < np.radians(75)
            assert np.linalg.det(wrist[:3, :3]) == pytest.approx(1)


def test_the_mirror_swaps_the_sides_and_keeps_the_surface(model, pairs):
    pair = pairs["counting"]
    seen = pair.mirrored()
    here, there = pair.meshes(model), seen.meshes(model)
    np.testing.assert_allclose(there["left"].vertices, here["right"].vertices * (-1, 1, 1), atol=1e-5)
    assert penetration(there["left"], there["right"]) == pytest.approx(pair.penetration, abs=1e-5)


def test_same_numbers_same_pair(model, pairs):
    index = list(KINDS).index("clasp")
    again = sample_pair(np.random.default_rng([3, index]), model, "clasp")
    assert again.poses == pairs["clasp"].poses
    np.testing.assert_array_equal(again.wrists["left"], pairs["clasp"].wrists["left"])


def test_unknown_kind_lists_those_that_exist(model):
    with pytest.raises(ValueError, match=r"'wave'.*palms, steeple, clasp"):
        sample_pair(np.random.default_rng(0), model, "wave")


def test_single_hand_of_either_side(model):
    sides = {next(iter(sample_single(np.random.default_rng(i), model).wrists)) for i in range(12)}
    assert sides == {"left", "right"}
    assert sample_single(np.random.default_rng(0), model).penetration == -np.inf


def test_the_persons_axes_are_right_handed_with_elbows_below_or_behind(model, pairs):
    for i, pair in enumerate(pairs.values()):
        right, up, forward = person_axes(pair, np.random.default_rng(i)).T
        np.testing.assert_allclose(np.cross(right, forward), up, atol=1e-9)
        hands = np.mean([w[:3, 3] + 0.08 * w[:3, 1] for w in pair.wrists.values()], axis=0)
        back = np.mean(list(pair.elbows.values()), axis=0) - hands
        assert back @ up < 0.05 or back @ forward < 0
        assert (pair.elbows["right"] - pair.elbows["left"]) @ right > 0


def test_drafts_helpers():
    rng = np.random.default_rng(0)
    frame = axes(np.array([0, 2.0, 0]), np.array([0.3, 0.4, 1.0]))
    np.testing.assert_allclose(frame.T @ frame, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(frame[:, 1], [0, 1, 0])
    assert np.linalg.det(frame) == pytest.approx(1)
    off = [np.degrees(np.arccos(tilted(rng, np.array([0, 0, 1.0]), 10)[2])) for _ in range(200)]
    assert 5 < np.mean(off) < 14
    assert near(rng, ("flat",), 0).index == pytest.approx(near(rng, ("flat",), 0).index)
