"""Scenes with the habits of published sets: whose hands show, and what is there besides."""

import numpy as np
import pytest

from handseg_lib.data.labels import Label
from handseg_lib.synth.people.person import SUBJECTS
from handseg_lib.synth.scenes.counterparts import ONE, exo_left_hand, exo_one_person, exo_person_alone
from handseg_lib.synth.world import frame

SIZE = (60, 80)


@pytest.mark.parametrize(("scene", "sensor"), [("exo_left_hand", "handnet"), ("exo_one_person", "nyu")])
def test_the_left_hand_shows_and_the_right_one_hardly_ever(scene, sensor):
    frames = [frame(scene, 0, i, "val", SIZE, sensor) for i in range(8)]
    assert all((one.labels == Label.LEFT_HAND).any() for one in frames)
    assert sum((one.labels == Label.RIGHT_HAND).any() for one in frames) <= 1
    assert not any(one.scene.gloved for one in frames)


def test_one_person_is_in_every_split():
    for split in SUBJECTS:
        assert frame("exo_one_person", 0, 0, split, SIZE, "nyu").scene.subject == ONE
    subject = frame("exo_left_hand", 0, 0, "test", SIZE).scene.subject
    assert subject in SUBJECTS["test"]


def test_a_person_alone_stands_before_nothing():
    one = frame("exo_person_alone", 0, 1, "train", SIZE, "freiburg")
    seen = one.depth > 0
    bodies = np.zeros(seen.size, bool)
    bodies[one.truth.pixels] = True
    np.testing.assert_array_equal(seen, bodies.reshape(SIZE))  # no wall, and depth wherever there is a person
    assert 0.02 < seen.mean() < 0.98
    assert np.abs(one.depth - one.truth.depth)[seen].max() < 5 / 65535


def test_a_frame_follows_from_its_numbers():
    a, b = (frame("exo_left_hand", 3, 2, "val", SIZE, "handnet") for _ in range(2))
    np.testing.assert_array_equal(a.depth, b.depth)
    assert not np.array_equal(a.depth, frame("exo_left_hand", 4, 2, "val", SIZE, "handnet").depth)


@pytest.mark.parametrize("scene", [exo_left_hand, exo_one_person, exo_person_alone])
def test_an_unknown_split_is_refused(scene):
    with pytest.raises(ValueError, match="unknown split 'dev', expected one of train, val, test"):
        scene(np.random.default_rng(0), "dev")
