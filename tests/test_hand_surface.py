"""The hand's implicit surface: bones inside, fingers apart, webs between, sizes that follow the shape."""

import numpy as np
import pytest

from handseg_lib.synth.hand.shape import HandShape
from handseg_lib.synth.hand.surface import HandSurface

SHAPES = [HandShape(), *(HandShape.sample(np.random.default_rng(seed)) for seed in range(12))]


def at(shape: HandShape, finger: int, along: float) -> np.ndarray:
    """A point on a finger's axis, as a fraction of the whole finger."""
    frame = shape.rest_frames[1 + 3 * finger]
    return frame[:3, 3] + along * shape.segments[finger].sum() * frame[:3, 1]


@pytest.mark.parametrize("shape", SHAPES)
def test_bones_lie_inside_and_the_box_holds_everything(shape):
    surface = HandSurface(shape)
    axes = np.array([at(shape, f, t) for f in range(5) for t in np.linspace(0, 0.93, 12)])
    assert surface.distance(axes).max() < -0.003
    low, high = surface.box
    sides = np.stack(np.meshgrid(*(np.linspace(a, b, 15) for a, b in zip(low, high, strict=True))), -1).reshape(-1, 3)
    on_border = ((sides == low) | (sides == high)).any(1)
    assert surface.distance(sides[on_border]).min() > 0


@pytest.mark.parametrize("shape", SHAPES)
def test_fingers_part_beyond_the_webs_and_are_joined_before_them(shape):
    surface = HandSurface(shape)
    for finger in range(1, 4):
        apart = (at(shape, finger, 0.40) + at(shape, finger + 1, 0.42)) / 2
        joined = (at(shape, finger, 0.06) + at(shape, finger + 1, 0.06)) / 2
        assert surface.distance(apart[None])[0] > 0
        assert surface.distance(joined[None])[0] < 0


def test_stouter_fingers_are_thicker():
    points = at(HandShape(), 2, 0.65)[None] - np.array([0, 0, 0.008])
    thin, stout = (HandSurface(HandShape(girth=g)).distance(points)[0] for g in (0.85, 1.2))
    assert stout < thin - 0.001


def test_the_palm_is_hollow_between_its_pads():
    surface, x = HandSurface(HandShape()), np.array([0.024, -0.003, -0.024])
    height = np.linspace(0, 0.05, 500)
    column = np.stack(np.broadcast_arrays(x[:, None], 0.040, height[None]), -1)
    inside = surface.distance(column.reshape(-1, 3)).reshape(3, -1) < 0
    thenar, hollow, hypothenar = height[inside.sum(1) - 1]
    assert hollow < thenar - 0.003 and hollow < hypothenar - 0.001
