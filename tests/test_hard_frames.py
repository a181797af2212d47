"""The difficult frames of HandSeg's Figure 7 show what they are called."""

import numpy as np
import pytest

from handseg_lib.data import Label
from handseg_lib.synth.hand.shape import JOINTS
from handseg_lib.synth.scenes.hard_frames import APART, hand_on_body, hard_frame, two_people

HANDS = (Label.LEFT_HAND, Label.RIGHT_HAND)
SMALL = (120, 160)


def test_two_people_have_hands_on_both_sides_and_no_hand_by_name():
    scene = two_people(np.random.default_rng(0))
    assert scene.hands == {} and scene.joints == {}
    x = scene.mesh.vertices[scene.mesh.faces][:, :, 0].mean(axis=1)
    hands = np.isin(scene.mesh.labels, HANDS)
    assert (x[hands] < -APART / 4).any() and (x[hands] > APART / 4).any()


def test_a_hand_on_the_body_touches_it_and_lies_flat():
    scene = hand_on_body(np.random.default_rng(1))
    [side] = [side for side, state in scene.states.items() if state == "self"]
    joints = scene.joints[side].astype(np.float64)
    body = scene.mesh.vertices[np.unique(scene.mesh.faces[scene.mesh.labels == Label.BACKGROUND])]
    gaps = np.linalg.norm(joints[:, None] - body[None], axis=2).min(axis=1)
    assert gaps.min() < 0.045  # metres, from a bone's end to the nearest corner of a shirt's face
    assert len(joints) == len(JOINTS)
    thickness = np.linalg.svd(joints - joints.mean(axis=0), compute_uv=False)[-1]
    assert thickness < 0.06  # all 21 joints lie near one plane


def test_a_frame_follows_from_its_kind_and_seed():
    one, same, other = (hard_frame("a hand on the body", seed, SMALL) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.depth, same.depth)
    assert one.id == same.id != other.id and not np.array_equal(one.depth, other.depth)
    assert one.depth.shape == SMALL and np.isin(one.labels, HANDS).any()


def test_an_unknown_kind_is_refused():
    with pytest.raises(KeyError):
        hard_frame("three people")
