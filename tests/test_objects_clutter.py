"""Clutter: nothing inside anything else, everything on the table."""

import numpy as np
import pytest

from handseg_lib.synth.mesh import rotate
from handseg_lib.synth.objects import arrange, sample_object
from handseg_lib.synth.objects.clutter import gap

KINDS = ("mug", "bottle", "plate", "knife", "apple", "box", "book", "scissors", "can", "phone")


def placed(seed: int = 0, **options):
    return arrange(np.random.default_rng(seed), KINDS, (0.7, 0.5), **options)


def world(thing, pose) -> np.ndarray:
    return rotate(pose[:3, :3], thing.mesh.vertices) + pose[:3, 3].astype(np.float32)


def test_nothing_stands_in_anything_else():
    things = placed()
    assert len(things) >= 6
    for k, (a, a_pose) in enumerate(things):
        for b, b_pose in things[:k]:  # all corners of either mesh, in the other's own frame
            for (p, p_pose), (q, q_pose) in (((a, a_pose), (b, b_pose)), ((b, b_pose), (a, a_pose))):
                local = (world(p, p_pose) - q_pose[:3, 3]) @ q_pose[:3, :3]
                assert q.distance(local).min() > 0


def test_everything_stands_within_the_area():
    for thing, pose in placed(1):
        corners = world(thing, pose)
        assert np.abs(corners[:, 0]).max() <= 0.35 + 1e-5 and np.abs(corners[:, 2]).max() <= 0.25 + 1e-5
        assert abs(corners[:, 1].max()) < 1e-5


def test_shelves_and_free_places_are_kept():
    things = placed(2, height=0.11, clear=((0.0, 0.0, 0.1),))
    assert things
    for thing, pose in things:
        corners = world(thing, pose)
        assert thing.extent[1] <= 0.11
        assert np.hypot(corners[:, 0], corners[:, 2]).min() >= 0.1


def test_the_same_numbers_give_the_same_table():
    a, b = placed(3), placed(3)
    assert [t.kind for t, _ in a] == [t.kind for t, _ in b]
    for (_, p), (_, q) in zip(a, b, strict=True):
        np.testing.assert_array_equal(p, q)


def test_gap_of_two_balls_is_what_lies_between_them():
    rng = np.random.default_rng(0)
    ball = next(t for t in (sample_object("ball", rng) for _ in range(50)) if t.extent[0] < 0.09)
    apart = np.eye(4)
    apart[0, 3] = ball.extent[0] + 0.02
    assert gap(ball, np.eye(4), ball, apart) == pytest.approx(0.02, abs=0.002)
    apart[0, 3] = ball.extent[0] - 0.01
    assert gap(ball, np.eye(4), ball, apart) == pytest.approx(-0.01, abs=0.002)


def test_refuses_an_area_without_size():
    with pytest.raises(ValueError, match=r"area with a size along x and z, found \(0.0, 0.5\)"):
        arrange(np.random.default_rng(0), KINDS, (0.0, 0.5))
