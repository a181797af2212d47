"""Closing fingers: bounds save queries and change nothing, thin things stop, what begins inside opens."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from handseg_lib.synth.grasp.closing import PRESS, Bending, close_fingers, close_thumb
from handseg_lib.synth.grasp.hands import Hands, distance_near
from handseg_lib.synth.grasp.measuring import Probes
from handseg_lib.synth.grasp.shapes import CURL, FLEX_THUMB, FULL
from handseg_lib.synth.hand import HandPose, HandShape, hand_model
from handseg_lib.synth.hand.points import hand_points
from handseg_lib.synth.objects import sample_object

MODEL = hand_model(HandShape())
POINTS = hand_points(HandShape())


@dataclass
class Sheet:
    """A plate of no thickness to speak of, at right angles to the palm; counts what it is asked."""

    z: float
    asked: list[int] = field(default_factory=list)

    def distance(self, points):
        self.asked.append(len(points))
        return np.abs(points[:, 2] - self.z) - 0.0003


@dataclass
class Ground:
    """Everything beyond a plane before the palm is solid."""

    z: float

    def distance(self, points):
        return self.z - points[:, 2]


def beside(thing, bend=0.0):
    fingers = np.zeros((1, 4, 4))
    fingers[..., 0] = bend
    return Hands(POINTS, thing, np.eye(3)[None], np.zeros((1, 3)), fingers, np.radians([[30.0, 10, 0, 0, 0]]))


def skin_of(hands):
    fingers = POINTS.moved(np.arange(1, 5), hands.fingers[0])
    return fingers[:, POINTS.segment > 0]


def test_a_sheet_stops_every_finger_at_its_skin():
    closed = close_fingers(beside(Sheet(0.03)), CURL[:1], FULL)
    gap = 0.03 - 0.0003 - skin_of(closed)[..., 2].max(1)
    assert (gap > PRESS - 1e-6).all() and (gap < 0.003).all()


def test_bounds_are_never_above_the_true_distances():
    thing = Sheet(0.04)
    hands = beside(thing)
    row, finger = np.zeros(4, np.int64), np.arange(1, 5)
    bending = Bending.of(hands, row, finger, hands.fingers.reshape(-1, 4))
    rate = np.tile(CURL[0, 0], (4, 1))
    speed = np.full((4, len(POINTS.segment)), 0.25)  # more than any point of a finger moves
    bending.turn(rate, speed, (np.full((4, 4), -1.0), np.full((4, 4), 2.0)), 0, 0.06)
    true = thing.distance(POINTS.moved(finger, bending.angles).reshape(-1, 3)).reshape(4, -1) - PRESS
    assert (bending.air <= true + 1e-9).all()


def test_only_points_that_may_touch_next_are_asked_again():
    thing = Sheet(0.04)
    close_fingers(beside(thing), CURL[:1], FULL)
    everything = 4 * len(POINTS.segment)
    assert thing.asked[0] == everything and np.mean(thing.asked[1:]) < 0.5 * everything


def test_fingers_that_begin_inside_open_until_they_are_free():
    hands = beside(Ground(0.03), bend=np.radians(40))
    assert skin_of(hands)[..., 2].max() > 0.04
    opened = close_fingers(hands, CURL[:1], FULL)
    assert (opened.fingers[..., 0] < hands.fingers[..., 0]).all() and skin_of(opened)[..., 2].max() < 0.0315
    thumb = close_thumb(hands, FLEX_THUMB)
    assert thumb.thumb.shape == (1, 5) and (thumb.fingers == hands.fingers).all()


def test_only_the_fingers_that_may_move_do():
    moving = np.array([[True, False, True, False]])
    closed = close_fingers(beside(Sheet(0.03)), CURL, FULL, moving)
    assert ((closed.fingers[0] != 0).any(1) == moving[0]).all()


@pytest.mark.parametrize("kind", ["mug", "scissors", "whisk", "book"])
def test_near_is_the_distance_where_it_is_small(kind):
    thing = sample_object(kind, np.random.default_rng(2))
    low, high = thing.mesh.vertices.min(0) - 0.02, thing.mesh.vertices.max(0) + 0.02
    points = np.random.default_rng(3).uniform(low, high, (400, 3))
    true, near = thing.distance(points), distance_near(thing, points, 0.006)
    np.testing.assert_allclose(near, np.minimum(true, 0.006), atol=1e-7)


def test_probes_near_a_thing_know_all_that_touches():
    thing, pose = sample_object("cube", np.random.default_rng(1)), HandPose.named("fist")
    wrist = np.eye(4)
    wrist[:3, 3] = -MODEL.joints(pose)[9]
    probes = Probes.of(MODEL, pose, wrist, "right")
    assert probes.close_to(thing, 0.02).depth_and_touch(thing) == probes.depth_and_touch(thing)
    assert probes.depth_and_touch(thing)[0] > 0.01
