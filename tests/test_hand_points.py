"""Sample points of the hand: they lie on the posed mesh, and a batch of poses equals one pose at a time."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from handseg_lib.synth.hand import HandPose, HandShape, hand_model
from handseg_lib.synth.hand.points import axis_of, hand_points, thumb_turns
from handseg_lib.synth.hand.poses import POSES, bone_frames
from handseg_lib.synth.hand.shape import FINGERS, thumb_rotation

MODEL = hand_model(HandShape())
POINTS = hand_points(HandShape())


@pytest.mark.parametrize("name", ["open", "fist", "pinch", "thumbs_up"])
def test_points_lie_on_the_posed_mesh(name):
    tree = cKDTree(MODEL.posed(POSES[name]).vertices)
    for finger, label in enumerate(FINGERS):
        moved = POINTS.moved(np.array([finger]), np.array([getattr(POSES[name], label)]))[0]
        away = tree.query(moved)[0]
        assert np.median(away) < 2e-4  # vertices shared with a neighbouring finger may differ a little
        assert away.max() < 0.004


def test_a_batch_equals_one_pose_at_a_time():
    for finger, label in enumerate(FINGERS):
        angles = np.array([getattr(POSES[n], label) for n in ("open", "fist", "grip")])
        together = POINTS.moved(np.full(3, finger), angles)
        for k in range(3):
            np.testing.assert_allclose(together[k], POINTS.moved(np.array([finger]), angles[k : k + 1])[0], atol=1e-12)


def test_frames_are_those_of_the_skeleton():
    pose = POSES["claw"]
    frames = bone_frames(HandShape(), pose)
    for finger, label in enumerate(FINGERS):
        _, origins = POINTS.frames(np.array([finger]), np.array([getattr(pose, label)]))
        np.testing.assert_allclose(origins[0], frames[1 + 3 * finger : 4 + 3 * finger, :3, 3], atol=1e-12)


def test_thumb_turns_are_those_of_the_skeleton():
    angles = np.random.default_rng(0).uniform(-0.3, 1.0, (40, 3))
    matrices = np.stack([axis_of(thumb_turns(*angles.T), k) for k in range(3)], -1)
    np.testing.assert_allclose(matrices, [thumb_rotation(*row) for row in angles], atol=1e-12)


def test_pads_face_out_of_the_palm_when_the_hand_is_flat_and_touch_in_a_pinch():
    flat, pinch = HandPose(), POSES["pinch"]
    for finger in range(1, 5):
        pad, facing = POINTS.pads(np.array([finger]), np.array([getattr(flat, FINGERS[finger])]))
        assert facing[0, 2] > 0.99 and pad[0, 2] > 0
    thumb, index = (POINTS.pads(np.array([f]), np.array([getattr(pinch, FINGERS[f])]))[0][0] for f in (0, 1))
    assert np.linalg.norm(thumb - index) < 0.02


def test_palm_points_face_the_palm_and_every_segment_has_points():
    assert (POINTS.palm[:, 1] > 0).all() and POINTS.palm[:, 2].mean() > 0.01
    assert np.bincount(POINTS.segment).min() >= 10 and POINTS.rest.shape == (5, len(POINTS.segment), 3)


def test_fingers_can_be_mixed_in_one_batch():
    angles = np.array([POSES["claw"].index, POSES["claw"].little])
    mixed = POINTS.moved(np.array([1, 4]), angles)
    np.testing.assert_allclose(mixed[1], POINTS.moved(np.array([4]), angles[1:])[0], atol=1e-12)
