"""Poses: limits, names, random poses, and joints that agree with bone lengths."""

import numpy as np
import pytest

from handseg_lib.synth.hand.contact import overlap
from handseg_lib.synth.hand.poses import (
    FINGER_LIMITS,
    GESTURES,
    POSES,
    SOFT,
    THUMB_LIMITS,
    HandPose,
    bone_frames,
    joint_positions,
)
from handseg_lib.synth.hand.shape import FINGERS, HandShape

SHAPE = HandShape()
SHOWN = [HandPose.gesture(name, np.random.default_rng(seed)) for name in GESTURES for seed in range(4)]
RANDOM = [HandPose.sample(np.random.default_rng(seed)) for seed in range(60)]


@pytest.mark.parametrize("pose", [*POSES.values(), *RANDOM[:10]])
def test_joints_lie_bone_lengths_apart(pose):
    joints = joint_positions(SHAPE, pose)
    for finger in range(5):
        chain = joints[1 + 4 * finger : 5 + 4 * finger]
        np.testing.assert_allclose(np.linalg.norm(np.diff(chain, axis=0), axis=1), SHAPE.segments[finger], rtol=1e-9)
        np.testing.assert_allclose(chain[0], SHAPE.knuckles[finger])
    np.testing.assert_array_equal(joints[0], 0)


@pytest.mark.parametrize("pose", [*POSES.values(), *GESTURES.values(), *SHOWN, *RANDOM])
def test_poses_keep_the_limits_and_do_not_pass_through_themselves(pose):
    limits = np.array(THUMB_LIMITS + FINGER_LIMITS * 4)
    assert (pose.angles >= limits[:, 0] - 1e-6).all() and (pose.angles <= limits[:, 1] + 1e-6).all()
    assert overlap(SHAPE, bone_frames(SHAPE, pose)) <= SOFT


def test_named_poses_look_as_they_are_called():
    joints = {name: joint_positions(SHAPE, pose) for name, pose in POSES.items()}

    def stretched(name):
        chain = joints[name][1:].reshape(5, 4, 3)
        reach = np.linalg.norm(chain[:, 3] - chain[:, 0], axis=1) / SHAPE.segments.sum(1)
        return [f for f, r in zip(FINGERS, reach, strict=True) if f != "thumb" and r > 0.9]

    assert stretched("fist") == stretched("thumbs_up") == []
    assert stretched("one") == stretched("point") == ["index"]
    assert stretched("two") == ["index", "middle"]
    assert stretched("three") == ["index", "middle", "ring"]
    assert stretched("four") == stretched("five") == ["index", "middle", "ring", "little"]
    thumb_tip, index_tip = 4, 8
    for name in ("pinch", "ok"):
        assert np.linalg.norm(joints[name][thumb_tip] - joints[name][index_tip]) < 0.03
    assert joints["thumbs_up"][thumb_tip][0] > 0.09  # the thumb sticks out to its side
    across = [joints[n][20] - joints[n][8] for n in ("flat", "five")]
    assert np.linalg.norm(across[1]) > 1.4 * np.linalg.norm(across[0])  # spread fingers


def stretched_fingers(pose):
    """Names of the four fingers that reach straight out of the palm."""
    chain = joint_positions(SHAPE, pose)[1:].reshape(5, 4, 3)
    reach = np.linalg.norm(chain[:, 3] - chain[:, 0], axis=1) / SHAPE.segments.sum(1)
    up = (chain[:, 3] - chain[:, 0])[:, 1] > 0.7 * SHAPE.segments.sum(1)
    return [f for f, r, u in zip(FINGERS, reach, up, strict=True) if f != "thumb" and r > 0.88 and u]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("fist", 0),
        ("one", 1),
        ("pointing", 1),
        ("two", 2),
        ("three", 3),
        ("four", 4),
        ("five", 4),
        ("stop", 4),
        ("open", 4),
        ("thumbs_up", 0),
    ],
)
def test_gestures_keep_their_meaning_when_they_vary(name, count):
    for seed in range(12):
        fingers = stretched_fingers(HandPose.gesture(name, np.random.default_rng(seed)))
        assert fingers == list(FINGERS[1 : 1 + count])


def test_gestures_vary_with_the_generator_and_repeat_with_its_seed():
    for name in GESTURES:
        poses = [HandPose.gesture(name, np.random.default_rng(s)) for s in (0, 1, 0)]
        assert poses[0] == poses[2] and poses[0] != poses[1]
        assert np.abs(poses[0].angles - GESTURES[name].angles).max() < np.radians(25)
    thumb = [joint_positions(SHAPE, HandPose.gesture("thumbs_up", np.random.default_rng(s)))[4] for s in range(6)]
    assert all(tip[0] > 0.075 for tip in thumb)
    for seed in range(12):
        ring = joint_positions(SHAPE, HandPose.gesture("ok", np.random.default_rng(seed)))
        assert np.linalg.norm(ring[4] - ring[8]) < 0.032  # thumb and index finger still close the ring
    with pytest.raises(ValueError, match=r"'wave'.*thumbs_up"):
        HandPose.gesture("wave", np.random.default_rng(0))


def test_flexion_bends_towards_the_palm_and_abduction_towards_the_thumb():
    bent = joint_positions(SHAPE, HandPose(index=(0.5, 0, 0, 0)))[8]
    aside = joint_positions(SHAPE, HandPose(index=(0, 0.2, 0, 0)))[8]
    straight = joint_positions(SHAPE, HandPose())[8]
    assert bent[2] > straight[2] + 0.03 and aside[0] > straight[0] + 0.01


def test_spreading_closes_as_the_finger_bends():
    angles = np.zeros(21)
    angles[6] = 0.35
    assert HandPose.within_limits(angles).index[1] == pytest.approx(0.35)
    angles[5] = np.pi / 2
    assert HandPose.within_limits(angles).index[1] < 0.1


def test_interpolation_meets_both_ends_and_stays_within_limits():
    a, b = POSES["open"], POSES["fist"]
    np.testing.assert_allclose(a.interpolate(b, 0).angles, a.angles, atol=1e-12)
    np.testing.assert_allclose(a.interpolate(b, 1).angles, b.angles, atol=1e-12)
    np.testing.assert_allclose(a.interpolate(b, 0.5).angles[7], (a.angles[7] + b.angles[7]) / 2)


def test_random_poses_are_reproducible_and_varied():
    assert HandPose.sample(np.random.default_rng(3)) == RANDOM[3]
    spread = np.std([p.angles for p in RANDOM], axis=0)
    assert (spread[[5, 7, 9, 11, 13, 15, 17, 19]] > np.radians(15)).all()  # MCP and PIP flexion of every finger


def test_refuses_angles_no_hand_reaches():
    with pytest.raises(ValueError, match=r"index\[2\] is 172 degrees|index\[2\] is 171\.9 degrees"):
        HandPose(index=(0, 0, 3.0, 0))
    with pytest.raises(ValueError, match="thumb needs 5 angles, found 4"):
        HandPose(thumb=(0, 0, 0, 0))
    with pytest.raises(ValueError, match="21 angles"):
        HandPose.within_limits(np.zeros(20))
    with pytest.raises(ValueError, match=r"index\[0\] is nan"):
        HandPose(index=(float("nan"), 0, 0, 0))
    with pytest.raises(ValueError, match=r"'peace'.*relaxed"):
        HandPose.named("peace")
