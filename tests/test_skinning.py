"""Dual quaternion skinning against plain matrices."""

import numpy as np
import pytest

from handseg_lib.synth.hand.shape import BONES, turn
from handseg_lib.synth.hand.skinning import dual_quaternions, quaternion, skin

RNG = np.random.default_rng(0)
POINTS = RNG.normal(0, 0.1, (60, 3)).astype(np.float32)


def motion(axis: int, angle: float, shift=(0.0, 0.0, 0.0)) -> np.ndarray:
    m = np.eye(4)
    m[:3, :3], m[:3, 3] = turn(axis, angle), shift
    return m


def all_bones(m: np.ndarray) -> np.ndarray:
    return np.tile(m, (len(BONES), 1, 1))


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.6, 3.1, -2.9])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_quaternion_turns_like_the_matrix(axis, angle):
    w, *v = quaternion(turn(axis, angle))
    p = POINTS.astype(float)
    turned = p + 2 * np.cross(v, np.cross(v, p) + w * p)
    np.testing.assert_allclose(turned, p @ turn(axis, angle).T, atol=1e-9)


def test_one_bone_moves_points_rigidly():
    m = motion(1, 0.7, (0.1, -0.2, 0.05)) @ motion(0, 1.9)
    bones, weights = np.zeros((60, 4), np.int32), np.full((60, 4), 0.25, np.float32)
    moved, rotation = skin(POINTS, bones, weights, all_bones(m))
    np.testing.assert_allclose(moved, POINTS @ m[:3, :3].T + m[:3, 3], atol=1e-6)
    np.testing.assert_allclose(rotation, np.tile(m[:3, :3], (60, 1, 1)), atol=1e-6)


def test_halfway_between_two_bones_is_half_the_turn_and_keeps_the_distance_to_the_joint():
    motions = all_bones(np.eye(4))
    motions[1] = motion(0, np.radians(100))
    bones = np.tile(np.array([0, 1, 0, 0], np.int32), (60, 1))
    weights = np.tile(np.array([0.5, 0.5, 0, 0], np.float32), (60, 1))
    moved, _ = skin(POINTS, bones, weights, motions)
    np.testing.assert_allclose(moved, POINTS @ turn(0, np.radians(50)).T, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), np.linalg.norm(POINTS, axis=1), atol=1e-6)


def test_a_finger_bent_by_more_than_half_a_turn_does_not_flip():
    motions = all_bones(np.eye(4))
    for bone, angle in ((4, 90), (5, 195), (6, 275)):
        motions[bone] = motion(0, np.radians(angle))
    duals = dual_quaternions(motions)
    for parent, child in ((0, 4), (4, 5), (5, 6)):
        assert duals[parent, :4] @ duals[child, :4] > 0
