import numpy as np

from handseg_lib.synth.people.eyes import BLACK, CENTRE, IRISES, WHITE, eye_colours
from handseg_lib.synth.people.head import HeadShape

SKIN = (0.5, 0.3, 0.2)


def colour(dx, dy, glasses=False, mirrored=False):
    x = (CENTRE[0] + dx) * (-1 if mirrored else 1)
    points = np.array([[x, CENTRE[1] + dy, -0.09]], np.float32)
    return eye_colours(points, HeadShape(glasses=glasses), IRISES[0], SKIN)[0]


def same(a, b):
    return np.allclose(a, np.array(b, np.float32))


def test_from_the_middle_outwards_come_pupil_iris_white_and_lid():
    assert same(colour(0, 0), BLACK) and same(colour(0.004, 0), IRISES[0]) and same(colour(0.008, 0), WHITE)
    assert same(colour(0.02, 0), np.array(SKIN) * 0.82)


def test_both_eyes_are_alike():
    for dx in (0.0, 0.004, 0.009, 0.02):
        assert same(colour(dx, 0.001), colour(dx, 0.001, mirrored=True))


def test_glasses_have_a_rim_and_clear_lenses():
    assert same(colour(0.0275, 0, glasses=True), BLACK) and not same(colour(0.0275, 0), BLACK)
    assert same(colour(0.008, 0, glasses=True), WHITE)
