"""Arms for hands that hold something: angles taken apart and put together, limits kept."""

import numpy as np
import pytest

from handseg_lib.synth.grasp import Grasp
from handseg_lib.synth.grasp.holding import (
    DEVIATION,
    FLEXION,
    TURN,
    draw_wrist,
    hold_in_one,
    neutral_frame,
    reach,
    strain,
    wrist_angles,
)
from handseg_lib.synth.hand import HandPose
from handseg_lib.synth.people.arms import solve_arm
from handseg_lib.synth.people.body import BodyPose, Spine, rotation
from handseg_lib.synth.people.person import Person
from handseg_lib.synth.people.posture import Posture

ARM = solve_arm(np.array([0.17, -0.48, 0]), np.array([0.1, -0.35, -0.4]), (0.30, 0.26), 0.4)


@pytest.fixture(scope="module")
def person():
    return Person.of(3, 0)


def posture_of(person):
    body = BodyPose(lean=0.05, seated=True)
    camera = np.eye(4)
    camera[2, 3] = -3
    return Posture(body, camera, Spine(person.shape, body))


@pytest.mark.parametrize("side", ["left", "right"])
def test_wrist_angles_undo_the_composition(side):
    rng = np.random.default_rng(0)
    for _ in range(20):
        turn, flexion, deviation = rng.uniform(-1, 1, 3) * (TURN, FLEXION, DEVIATION)
        turned = neutral_frame(ARM, side) @ rotation("y", turn) @ rotation("x", flexion) @ rotation("z", deviation)
        assert wrist_angles(ARM, side, turned) == pytest.approx((turn, flexion, deviation), abs=1e-9)
        assert strain(ARM, side, turned) <= 1


def test_neutral_hands_are_rotations_with_fingers_along_the_forearm_and_thumbs_up():
    for side, sign in (("left", -1), ("right", 1)):
        frame = neutral_frame(ARM, side)
        np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(frame) == pytest.approx(1)
        np.testing.assert_allclose(frame[:, 1], ARM.forearm_direction)
        assert (sign * frame[:, 0])[1] < 0.1  # the thumb's side is not below: y points down


@pytest.mark.parametrize("side", ["left", "right"])
def test_reach_finds_again_what_a_drawn_arm_can_do(person, side):
    rng, posture = np.random.default_rng(1), posture_of(person)
    found = 0
    for _ in range(30):
        drawn = draw_wrist(rng, person, posture, side)
        if drawn is None:
            continue
        solved = reach(person, posture, side, drawn[2])
        if solved is not None:
            arm, lift = solved
            np.testing.assert_allclose(arm.wrist, drawn[2][:3, 3], atol=1e-6)
            assert np.linalg.norm(arm.elbow - arm.shoulder) == pytest.approx(person.shape.upper_arm, abs=1e-6)
            assert strain(arm, side, drawn[2][:3, :3]) <= 1 and lift == pytest.approx(drawn[1], abs=1e-9)
            found += 1
    assert found > 12  # the others need an elbow between or beyond those tried


def test_no_arm_reaches_two_metres_or_turns_a_hand_backwards(person):
    posture = posture_of(person)
    far = np.eye(4)
    far[:3, 3] = (0, -0.3, -2.0)
    assert reach(person, posture, "left", far) is None
    backwards = np.eye(4)
    backwards[:3, :3] = np.stack([[1, 0, 0], [0, 0, 1], [0, -1, 0]], 1)  # fingers towards the own chest
    backwards[:3, 3] = (0.1, -0.35, -0.4)
    assert reach(person, posture, "left", backwards) is None


class Stick:
    """A vertical bar 20 cm long and 2 cm thick, as far as `holding` asks."""

    kind = "stick"

    class mesh:
        vertices = np.array([[0, y, 0] for y in np.linspace(-0.2, 0, 20)], np.float32)

    @staticmethod
    def distance(points):
        p = np.asarray(points)
        along = np.clip(p[:, 1], -0.2, 0)
        return np.sqrt(p[:, 0] ** 2 + (p[:, 1] - along) ** 2 + p[:, 2] ** 2) - 0.01


def test_an_object_goes_where_its_hand_takes_it(person):
    wrist = np.eye(4)  # the thumb's side (x) points up along the stick, which lies before the palm
    wrist[:3, :3], wrist[:3, 3] = [[0, 1, 0], [-1, 0, 0], [0, 0, 1]], (-0.07, -0.1, -0.04)
    held = Grasp(HandPose.named("grip"), wrist, "right", None, 0.0, frozenset({"thumb"}))
    rng = np.random.default_rng(2)
    ups = []
    for upright in (True, False) * 6:
        holding = hold_in_one(rng, person, posture_of(person), Stick(), held, upright)
        assert holding is not None
        np.testing.assert_allclose(holding.wrist("right")[:3, 3], holding.arms["right"].wrist, atol=1e-9)
        assert strain(holding.arms["right"], "right", holding.wrist("right")[:3, :3]) <= 1 + 1e-9
        ups.append(holding.pose[1, 1])
    assert np.mean(ups[::2]) > 0.75 and np.mean(ups[::2]) > np.mean(ups[1::2]) + 0.15
