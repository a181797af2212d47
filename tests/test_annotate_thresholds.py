"""The colour calibration: the probe is found where it is, and its colours become ranges."""

import colorsys

import numpy as np
import pytest

from handseg_lib.annotate.sessions import calibrated, probe_pictures
from handseg_lib.annotate.thresholds import Circle, GloveThresholds, calibrate, find_probe, hue_range, to_hsv
from handseg_lib.errors import DataError
from handseg_lib.synth.scenes.calibration import calibration_run
from handseg_lib.synth.scenes.glove_session import glove_session


def drawn(x: float, y: float, radius: float, colour: tuple[int, int, int], stick: int = 8) -> np.ndarray:
    """A ball with a shade across it, a brown stick below, a grey wall."""
    picture = np.full((240, 320, 3), 140, np.uint8)
    picture[round(y) :, round(x) - stick // 2 : round(x) + stick // 2] = (130, 100, 50)
    inside = Circle(x, y, radius).pixels((240, 320))
    light = np.linspace(0.6, 1, 320)[None, :, None]
    picture[inside] = (np.array(colour) * light).repeat(240, 0)[inside].astype(np.uint8)
    return picture


@pytest.mark.parametrize("colour", [(30, 190, 70), (200, 30, 25), (240, 160, 20), (40, 60, 200), (150, 30, 160)])
@pytest.mark.parametrize(("x", "y", "radius"), [(150.0, 100.0, 40.0), (60.5, 180.2, 25.0)])
def test_a_drawn_probe_is_found(colour, x, y, radius):
    found = find_probe(drawn(x, y, radius, colour))
    assert (found.x, found.y) == pytest.approx((x, y), abs=1) and found.radius == pytest.approx(radius, rel=0.05)


def test_nothing_round_is_nothing():
    picture = drawn(150, 100, 40, (30, 190, 70))
    assert find_probe(np.full_like(picture, 140)) is None
    picture[:] = 140
    picture[50:90, 40:220] = (30, 190, 70)  # a bar
    assert find_probe(picture) is None
    with pytest.raises(DataError, match="uint8"):
        find_probe(picture.astype(float))


def test_the_rounder_of_two_patches_is_taken():
    picture = drawn(220, 100, 30, (30, 190, 70))
    picture[150:220, 20:110] = (200, 30, 25)
    found = find_probe(picture)
    assert (found.x, found.y) == pytest.approx((220, 100), abs=1)


def test_plain_minima_and_maxima():
    picture = drawn(150, 100, 40, (30, 190, 70))
    circle = Circle(150, 100, 40)
    limits = calibrate([(picture, circle)], share=1, trim=0)
    hsv = to_hsv(picture)[circle.pixels((240, 320))]
    assert limits.low == tuple(hsv.min(axis=0)) and limits.high == tuple(hsv.max(axis=0))


def test_hsv_is_that_of_the_textbook():
    for rgb in ((30, 190, 70), (200, 30, 25), (12, 200, 190)):
        h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in rgb))
        found = to_hsv(np.full((1, 1, 3), rgb, np.uint8))[0, 0]
        assert found == pytest.approx([h * 180, s * 255, v * 255], abs=1)


def test_red_goes_through_zero():
    assert hue_range(np.array([178, 179, 0, 3], np.uint8)) == (178, 3)
    assert hue_range(np.array([60, 64, 62], np.uint8)) == (60, 64)
    limits = calibrate([(drawn(150, 100, 40, (200, 30, 36)), Circle(150, 100, 40))])
    assert limits.low[0] > 170 and limits.hue_width < 10


def test_one_stray_pixel_does_not_widen_the_range():
    picture = drawn(150, 100, 40, (30, 190, 70))
    strict = calibrate([(picture, Circle(150, 100, 40))])
    picture[100, 150] = (200, 200, 255)
    assert calibrate([(picture, Circle(150, 100, 40))]) == strict
    assert calibrate([(picture, Circle(150, 100, 40))], trim=0).low[1] < strict.low[1] - 50


def test_widened():
    limits = GloveThresholds((2, 100, 50), (10, 200, 250))
    assert limits.widened(5, 10, 10) == GloveThresholds((177, 90, 40), (15, 210, 255))
    assert limits.widened(5).widened(-5) == limits and limits.hue_width == 9
    assert limits.widened(hue=100).hue_width == 180
    with pytest.raises(DataError, match="narrowed"):
        limits.widened(hue=-5)


def test_bad_ranges_and_pictures_are_refused():
    with pytest.raises(DataError, match="hue 0 to 179"):
        GloveThresholds((180, 0, 0), (10, 255, 255))
    with pytest.raises(DataError, match="exceeds"):
        GloveThresholds((0, 90, 0), (10, 80, 255))
    with pytest.raises(DataError, match="0 pictures"):
        calibrate([])
    picture = drawn(150, 100, 40, (30, 190, 70))
    with pytest.raises(DataError, match="nothing of the probe"):
        calibrate([(picture, Circle(900, 100, 40))])
    with pytest.raises(DataError, match="share 0"):
        calibrate([(picture, Circle(150, 100, 40))], share=0)
    with pytest.raises(DataError, match="black"):
        calibrate([(picture * 0, Circle(150, 100, 40))])


@pytest.fixture(scope="module")
def session():
    return glove_session(12, 3)


def test_the_rendered_probe_is_found_in_every_picture(session):
    for probe in calibration_run(session, "left", 3, (240, 320)):
        found = find_probe(probe.frame.color_rgb)
        assert (found.x, found.y, found.radius) == pytest.approx(probe.color_circle, abs=1.2)


def test_thresholds_of_a_session_hold_most_of_the_probe(session):
    pictures = probe_pictures(session, "left", 1)
    (picture, circle), limits = pictures[0], calibrate(pictures)
    hsv = to_hsv(picture)[circle.pixels(picture.shape[:2], 0.8)].astype(int)
    within = ((hsv[:, 0] - limits.low[0]) % 180 < limits.hue_width) & (hsv[:, 1] >= limits.low[1])
    assert within.mean() > 0.98
    gloves = calibrated(session, 1)
    assert gloves["left"] == limits and gloves["left"] != gloves["right"]
