"""Self-contact of a hand: clear poses, crossing poses, and a slow check."""

import numpy as np

from handseg_lib.synth.hand.contact import finger_spheres, overlap
from handseg_lib.synth.hand.poses import POSES, HandPose, bone_frames
from handseg_lib.synth.hand.shape import HandShape

SHAPE = HandShape()


def test_open_hand_touches_nothing():
    assert overlap(SHAPE, bone_frames(SHAPE, POSES["open"])) < -0.004


def test_thumb_through_a_closed_finger_is_deep():
    through = HandPose.within_limits(np.concatenate([np.radians([20, 30, 0, 40, 30]), POSES["fist"].angles[5:]]))
    assert overlap(SHAPE, bone_frames(SHAPE, through)) > 0.006


def test_fingertip_in_the_palm_is_deep():
    frames = bone_frames(SHAPE, HandPose(*(((0.28, 0.04, 0, 0, 0),) + ((1.5, 0, 1.9, 1.4),) * 4)))
    assert overlap(SHAPE, frames) < 0.003
    frames[4:16, 2, 3] -= 0.012  # push all four through the palm towards the back of the hand
    assert overlap(SHAPE, frames) > 0.004


def test_matches_a_loop_over_pairs_of_fingers():
    frames = bone_frames(SHAPE, POSES["ok"])
    centres, radii = finger_spheres(SHAPE, frames)
    worst = max(
        radii[i, a] + radii[j, b] - np.linalg.norm(centres[i, a] - centres[j, b])
        for i in range(5) for j in range(i + 1, 5) for a in range(8) for b in range(8)
    )  # fmt: skip
    assert np.isclose(overlap(SHAPE, frames), worst)


def test_spheres_lie_inside_the_fingers():
    centres, radii = finger_spheres(SHAPE, SHAPE.rest_frames)
    along = np.einsum("fsi,fi->fs", centres - SHAPE.knuckles[:, None], SHAPE.rest_frames[1::3][:5, :3, 1])
    assert (along + radii < SHAPE.segments.sum(1)[:, None] + 1e-3).all() and (along > 0).all()
