"""Scripts of motions: hands hold on, nothing jumps, arms stay arms."""

from dataclasses import replace

import numpy as np
import pytest

from handseg_lib.synth.grasp import Grasp
from handseg_lib.synth.hand import HandPose, HandShape, hand_model
from handseg_lib.synth.objects import Grip
from handseg_lib.synth.video.motion import Wearer, forearm_roll, hand_pose_towards, opened, standing
from handseg_lib.synth.video.scripts import Script
from handseg_lib.synth.video.trajectory import chained, inverse

RELAXED = HandPose.named("relaxed")


@pytest.fixture(scope="module")
def wearer() -> Wearer:
    shoulders = {"left": np.array([-0.17, -0.3, -0.2]), "right": np.array([0.17, -0.3, -0.2])}
    return Wearer(hand_model(HandShape()), shoulders, (0.31, 0.26))


def ahead(side: str, x: float = 0.15, z: float = -0.05):
    sign = 1 if side == "right" else -1
    return hand_pose_towards((sign * x, -0.12, z), (-0.3 * sign, 0.1, 1), (0, 1, 0))


def held(side: str = "right") -> Grasp:
    """A hand that comes down on a thing from above, as a grasp of it."""
    wrist = hand_pose_towards((0, -0.16, -0.09), (0, 0.3, 1), (0, 1, 0))
    up = np.array([0, 1, 0], np.float32)
    grip = Grip("pinch", np.zeros(3, np.float32), np.array([1, 0, 0], np.float32), up, 0.03)
    return Grasp(HandPose.named("pinch"), wrist, side, grip, 0.0, frozenset({"thumb", "index"}))


@pytest.fixture(scope="module")
def moved_thing(wearer):
    """A thing is taken, carried, put down elsewhere and left."""
    script = Script(wearer, [standing(0.1, 0.2)])
    script.enter("right", ahead("right"), RELAXED)
    script.reach("right", 0, held())
    script.carry(0, standing(0.05, 0.2, 0.3, 0.1), 0.5, stop=False)
    script.carry(0, standing(-0.02, 0.22, 0.5), 0.5)
    script.let_go("right")
    script.withdraw("right")
    return script.motion()


def test_the_hand_holds_on(moved_thing):
    hold = moved_thing.holds[0]
    times = np.linspace(hold.start, hold.end, 40)
    grips = [chained(inverse(moved_thing.thing(0, t)), moved_thing.hand("right", t).wrist) for t in times]
    assert all(np.allclose(grip, hold.wrist, atol=1e-9) for grip in grips)
    assert all(moved_thing.hand("right", t).touches == (0,) for t in times)
    assert moved_thing.hand("right", 0.1).touches == () == moved_thing.hand("right", moved_thing.duration).touches


def test_nothing_jumps(moved_thing):
    times = np.arange(0, moved_thing.duration, 1 / 240)
    for points in (
        [moved_thing.hand("right", t).wrist[:3, 3] for t in times],
        [moved_thing.thing(0, t)[:3, 3] for t in times],
        [moved_thing.hand("right", t).elbow for t in times],
    ):
        step = np.linalg.norm(np.diff(points, axis=0), axis=1)
        assert step.max() < 2.5 / 240  # metres a second, divided by frames a second
        assert np.abs(np.diff(step)).max() < 0.002
    angles = np.array([moved_thing.hand("right", t).pose.angles for t in times])
    assert np.abs(np.diff(angles, axis=0)).max() < np.radians(8)


def test_things_rest_before_and_after(moved_thing):
    assert np.allclose(moved_thing.thing(0, 0.0), standing(0.1, 0.2))
    assert np.allclose(moved_thing.thing(0, moved_thing.holds[0].start), standing(0.1, 0.2))
    assert np.allclose(moved_thing.thing(0, moved_thing.duration), standing(-0.02, 0.22, 0.5))
    heights = [moved_thing.thing(0, t)[1, 3] for t in np.linspace(0, moved_thing.duration, 200)]
    assert max(heights) < 1e-9 and min(heights) == pytest.approx(-0.1, abs=2e-3)


def test_arms_keep_their_lengths(moved_thing, wearer):
    for t in np.linspace(0, moved_thing.duration, 30):
        now = moved_thing.hand("right", t)
        assert np.linalg.norm(now.elbow - wearer.shoulders["right"]) == pytest.approx(0.31, abs=1e-6)
        assert np.linalg.norm(now.elbow - now.wrist[:3, 3]) == pytest.approx(0.26, abs=1e-6)


def test_the_hand_comes_back(moved_thing):
    assert np.allclose(moved_thing.hand("right", moved_thing.duration).wrist, ahead("right"))


def test_a_hand_opens_before_it_closes(moved_thing):
    start = moved_thing.holds[0].start
    before, during = (moved_thing.hand("right", t).pose.index for t in (start - 0.2, start + 0.3))
    assert before[2] < during[2] - 0.1
    flat = opened(HandPose.named("fist"))
    assert all(a < b for a, b in zip(flat.middle, HandPose.named("fist").middle, strict=True) if b > 0.1)


def test_hands_wait_for_each_other(wearer):
    script = Script(wearer, [standing(0.0, 0.2, 0.0, 0.1)])
    script.enter("left", ahead("left"), RELAXED)
    script.enter("right", ahead("right"), RELAXED)
    script.wait("left", 1.0)
    script.meet("left", "right")
    assert script.clock == {"left": 1.0, "right": 1.0}


def test_reached_by_way_of_another(wearer):
    script = Script(wearer, [standing(0.0, 0.2)])
    script.enter("right", ahead("right"), RELAXED)
    script.wait("right", 2.0)
    script.link("right", 0, 0.5, 1.0)
    motion = script.motion()
    assert motion.reached(0, 0.7) == ("right",) and motion.reached(0, 1.5) == ()


@pytest.mark.parametrize("side", ["left", "right"])
def test_roll_of_the_forearm(side):
    sign = 1 if side == "right" else -1
    forward = np.array([0, 0, 1.0])
    palm_down = hand_pose_towards((0, 0, 0), (0, 0, 1), (0, 1, 0))
    palm_up = hand_pose_towards((0, 0, 0), (0, 0, 1), (0, -1, 0))
    thumb_up = hand_pose_towards((0, 0, 0), (0, 0, 1), (-sign, 0, 0))
    rolls = [forearm_roll(pose, side, forward) for pose in (palm_down, palm_up, thumb_up)]
    assert np.allclose(rolls, [np.pi / 2, -np.pi / 2, 0], atol=1e-9)
    joints = hand_model(HandShape()).joints(RELAXED, thumb_up, side)
    assert joints[4, 1] < joints[20, 1]  # the thumb's tip is above the little finger's


@pytest.mark.parametrize("side", ["left", "right"])
def test_strain_knows_what_arms_can_do(wearer, side):
    sign = 1 if side == "right" else -1
    easy = wearer.easiest(side, hand_pose_towards((0.12 * sign, -0.1, 0.15), (-0.2 * sign, 0, 1), (0, 1, 0)))
    assert easy < 4
    backwards = hand_pose_towards((0.12 * sign, -0.1, 0.15), (0, 0, -1), (0, 1, 0))
    assert wearer.easiest(side, backwards) == np.inf
    far = hand_pose_towards((0.12 * sign, -0.1, 0.9), (0, 0, 1), (0, 1, 0))
    assert wearer.easiest(side, far) == np.inf


def test_both_sides_strain_alike(wearer):
    right = hand_pose_towards((0.1, -0.1, 0.15), (-0.3, 0.2, 1), (-0.5, 1, 0))
    left = hand_pose_towards((-0.1, -0.1, 0.15), (0.3, 0.2, 1), (0.5, 1, 0))
    assert wearer.easiest("left", left) == pytest.approx(wearer.easiest("right", right))


def test_lowest_point_of_a_hand(wearer):
    pose = hand_pose_towards((0, -0.1, 0.2), (0, 0, 1), (0, 1, 0))
    mesh = wearer.model.posed(RELAXED, pose, "right")
    exact = -float(mesh.vertices[mesh.rest[:, 1] > 0][:, 1].max())
    assert wearer.lowest("right", pose, RELAXED) == pytest.approx(exact, abs=0.002)


def test_a_thin_thing_is_picked_up_while_the_fingers_close(wearer):
    """A hand that would be in the table stays above it; the thing comes up to it, and sinks back when let go."""
    low = replace(held(), wrist=held().wrist.copy())
    low.wrist[1, 3] += wearer.lowest("right", low.wrist, low.pose) + 0.018
    script = Script(wearer, [standing(0.1, 0.25)])
    script.enter("right", ahead("right"), RELAXED)
    script.reach("right", 0, low)
    assert 0.005 < -script.last(0)[1, 3] <= 0.03
    script.carry(0, standing(0.0, 0.25, 0.0, 0.1), 0.5)
    script.set_down(0, standing(-0.02, 0.25), 0.5)
    motion = script.motion()
    assert np.allclose(motion.thing(0, motion.duration), standing(-0.02, 0.25))
    times = np.arange(0, motion.duration, 1 / 120)
    depths = [wearer.lowest("right", (now := motion.hand("right", t)).wrist, now.pose) for t in times]
    assert min(depths) > -0.012
    step = np.linalg.norm(np.diff([motion.hand("right", t).wrist[:3, 3] for t in times], axis=0), axis=1)
    assert np.abs(np.diff(step)).max() < 0.003
