"""Hand measurements, their spread over people, and the thumb's joint."""

import numpy as np
import pytest

from handseg_lib.synth.hand.shape import BONE_JOINT, BONES, JOINTS, HandShape, thumb_rotation, turn, turn_between

PEOPLE = [HandShape.sample(np.random.default_rng(seed)) for seed in range(200)]


def test_names_of_joints_and_bones_agree():
    assert len(JOINTS) == 21 and len(BONES) == 17 == len(BONE_JOINT)
    assert JOINTS[BONE_JOINT[BONES.index("thumb_proximal")]] == "thumb_cmc"
    assert JOINTS[BONE_JOINT[BONES.index("little_distal")]] == "little_dip"


def test_middle_finger_ends_at_the_hand_length():
    shape = HandShape()
    assert shape.knuckles[2, 1] + shape.segments[2].sum() == pytest.approx(shape.length, rel=0.02)


def test_people_cover_the_human_range_and_differ():
    lengths = np.array([p.length for p in PEOPLE])
    assert 0.160 <= lengths.min() < 0.172 and 0.192 < lengths.max() <= 0.208
    ratio = np.array([p.breadth / p.length for p in PEOPLE])
    assert 0.39 <= ratio.min() < ratio.max() < 0.49
    assert len({p.fingers for p in PEOPLE}) > 190
    for person in PEOPLE:
        assert person.segments[2].sum() > person.segments[1].sum() > person.segments[4].sum()


def test_same_seed_same_person():
    assert HandShape.sample(np.random.default_rng(5)) == HandShape.sample(np.random.default_rng(5))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("length", 18.6, r"length is 18\.6, expected 0\.1 to 0\.25"),
        ("breadth", 0.02, "breadth / length"),
        ("fingers", (1, 1, 1, 1), "5 factors"),
        ("fingers", (1, 1, 1, 1, 2), r"fingers\[4\] is 2"),
        ("forearm", float("nan"), "forearm"),
    ],
)
def test_refuses_impossible_hands(field, value, message):
    with pytest.raises(ValueError, match=message):
        HandShape(**{field: value})


def test_turns_are_rotations():
    for axis in range(3):
        r = turn(axis, 0.7)
        np.testing.assert_allclose(r @ r.T, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(r[:, axis], np.eye(3)[axis], atol=1e-12)
    np.testing.assert_allclose(turn(0, np.pi / 2) @ [0, 1, 0], [0, 0, 1], atol=1e-12)
    a, b = np.array([0.6, 0.8, 0]), np.array([0, 0.6, -0.8])
    np.testing.assert_allclose(turn_between(a, b) @ a, b, atol=1e-12)


@pytest.mark.parametrize("radial", np.radians([-10, 15, 55]))
@pytest.mark.parametrize("palmar", np.radians([-5, 25, 60]))
def test_thumb_axes_are_a_rotation_along_the_asked_direction(radial, palmar):
    r = thumb_rotation(radial, palmar)
    np.testing.assert_allclose(r.T @ r, np.eye(3), atol=1e-12)
    assert np.linalg.det(r) == pytest.approx(1)
    assert np.arcsin(r[2, 1]) == pytest.approx(palmar) and np.arctan2(r[0, 1], r[1, 1]) == pytest.approx(radial)


def test_opposition_turns_the_pulp_of_the_thumb_towards_the_fingers():
    beside, opposed = thumb_rotation(np.radians(40), 0.0), thumb_rotation(0.0, np.radians(50))
    towards_little_finger = np.array([-1.0, 0, 0])
    assert opposed[:, 2] @ towards_little_finger > beside[:, 2] @ towards_little_finger + 0.1
