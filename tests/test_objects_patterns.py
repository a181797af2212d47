"""Patterns of materials and the colours of objects."""

import numpy as np
import pytest

from handseg_lib.synth.objects import looks
from handseg_lib.synth.shading import FOOTBALL, PATTERNS, Material, pattern

REST = np.random.default_rng(0).uniform(-0.1, 0.1, (4000, 3)).astype(np.float32)


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_are_shares(name):
    share = pattern(Material((0.1, 0.1, 0.1), name, period=0.02), REST)
    assert share.shape == (4000,) and share.dtype == np.float32
    assert share.min() >= 0 and share.max() <= 1
    assert name == "plain" or share.std() > 0.02


def test_tiles_have_a_joint_every_period():
    line = np.zeros((1000, 3), np.float32)
    line[:, 0], line[:, 1] = np.linspace(0, 0.1, 1000), 0.005
    joints = pattern(Material((0, 0, 0), "tiles", period=0.01), line)
    starts = line[1:, 0][np.diff(joints) > 0]
    np.testing.assert_allclose(np.diff(starts), 0.01, atol=2e-4)


def test_a_football_has_twelve_pentagons():
    assert FOOTBALL.shape == (32, 3)
    share = pattern(Material((0.8, 0.8, 0.8), "football"), FOOTBALL)
    assert (share == 1).sum() == 12 and (share == 0).sum() == 20
    rng = np.random.default_rng(1)
    way = rng.normal(size=(20000, 3)).astype(np.float32)
    # The pentagons take 12 x 1.72 of the 72.6 squares of an edge, about as much of the sky around the middle.
    assert 0.2 < (pattern(Material((0.8, 0.8, 0.8), "football"), way) == 1).mean() < 0.32


def test_unknown_patterns_are_refused():
    with pytest.raises(ValueError, match="'paisley', expected one of plain"):
        pattern(Material((0, 0, 0), "paisley"), REST)


def test_hues_are_the_usual_ones():
    for hue, expected in ((0, (1, 0, 0)), (1 / 3, (0, 1, 0)), (2 / 3, (0, 0, 1)), (1 / 6, (1, 1, 0))):
        np.testing.assert_allclose(looks.hsv(hue, 1, 1), expected, atol=1e-12)
    np.testing.assert_allclose(looks.hsv(0.4, 0, 0.3), (0.3, 0.3, 0.3))


def test_vivid_colours_are_unlike_skin_and_flesh_is_like_it():
    rng = np.random.default_rng(2)
    for _ in range(200):
        r, g, b = looks.vivid(rng)
        assert not (g > 0.45 * r and b > 0.3 * r and r > g > b)
        r, g, b = looks.flesh(rng)
        assert r > g > b > 0.3 * r


def test_infrared_stays_in_range():
    rng = np.random.default_rng(3)
    values = [looks.infrared(rng, mean, 0.5) for mean in (0.0, 0.5, 1.0) for _ in range(100)]
    assert min(values) == 0.03 and max(values) == 0.9
