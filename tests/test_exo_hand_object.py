"""Hands and the objects they hold before the camera: nearest, within 16 cm, touching, clear of each other."""

import numpy as np
import pytest

from handseg_lib.data.labels import Label
from handseg_lib.synth.contact import contact_vertices, gap, hand_body, thing_body
from handseg_lib.synth.hand.skin import skin_of
from handseg_lib.synth.objects import HELD_OUT, TRAIN_KINDS, sample_object
from handseg_lib.synth.people.person import SUBJECTS, Person, Surface
from handseg_lib.synth.scenes.exo_hand_object import (
    BEHIND,
    DEEPEST,
    HELD,
    RANGE,
    exo_hand_object,
    exo_hand_object_unseen,
    like_skin,
    painted,
)
from handseg_lib.synth.world import alone, render

KINDS = ("mug", "box", "knife", "ball", "phone", "cube")
HAND = {"left": Label.LEFT_HAND, "right": Label.RIGHT_HAND}


@pytest.fixture(scope="module")
def scenes():
    return [exo_hand_object(np.random.default_rng([9, i]), "val", KINDS) for i in range(2, 7)]


@pytest.fixture(scope="module")
def frames(scenes):
    return [render(scene, f"f{i}", np.random.default_rng(i), (120, 160)) for i, scene in enumerate(scenes)]


def held_vertices(scene):
    clouds = [one.mesh().vertices for one in scene.objects]
    for side in scene.objects[0].held_by:
        mesh = scene.hands[side].mesh
        clouds.append(mesh.vertices[mesh.rest[:, 1] > 0])
    return np.concatenate(clouds)


def test_hands_and_object_are_nearest_and_within_sixteen_centimetres(scenes, frames):
    for scene, frame in zip(scenes, frames, strict=True):
        depth = held_vertices(scene)[:, 2]
        assert np.ptp(depth) <= RANGE
        others = frame.truth.depth[(frame.labels == Label.BACKGROUND) & (frame.truth.depth > 0)]
        assert others.min(initial=9) >= depth.min() + BEHIND - 1e-3
        free = [HAND[side] for side in scene.hands if side not in scene.objects[0].held_by]
        assert frame.truth.depth[np.isin(frame.labels, free)].min(initial=9) > depth.min() + RANGE


def test_object_mask_is_where_the_object_alone_is_the_nearest(scenes, frames):
    for scene, frame in zip(scenes, frames, strict=True):
        (one,) = scene.objects
        by_itself = alone(one.mesh(), frame.truth.camera).depth
        front = (by_itself > 0) & (by_itself <= frame.truth.depth + 2e-5)
        mask = frame.labels == one.label
        assert mask.sum() > 30 and (front != mask).sum() <= 2


def test_labels_and_states_follow_the_hands_that_hold(scenes):
    for scene in scenes:
        (one,) = scene.objects
        assert one.label == HELD[one.held_by] and one.thing.kind in KINDS
        assert {side for side, state in scene.states.items() if state == "portable"} == set(one.held_by)
        assert set(scene.hands) == {"left", "right"} and scene.subject in SUBJECTS["val"]


def test_held_things_are_touched_and_not_passed_through(scenes):
    for scene in scenes:
        (one,) = scene.objects
        body = thing_body(one.thing, one.pose, one.label)
        for side in one.held_by:
            hand = hand_body(side, scene.hands[side].mesh)
            assert contact_vertices(hand, body).sum() >= 3
            assert body.distance(hand.vertices, 1.0).min() > -DEEPEST - 5e-4


def test_hands_keep_off_each_other_and_arms_off_the_object(scenes):
    for scene in scenes:
        (one,) = scene.objects
        left, right = (hand_body(side, scene.hands[side].mesh) for side in ("left", "right"))
        assert gap(left, right) > 0.002
        body = thing_body(one.thing, one.pose, one.label)
        for hand in scene.hands.values():
            forearm = hand.mesh.vertices[hand.mesh.rest[:, 1] < -0.05]
            assert body.distance(forearm, 1.0).min() > 0


def test_fingertips_lie_about_the_object_wherever_it_is(scenes):
    for scene in scenes:
        (one,) = scene.objects
        for side in one.held_by:
            tips = scene.joints[side][[4, 8, 12, 16, 20]]
            local = (tips - one.pose[:3, 3]) @ one.pose[:3, :3]
            assert np.sort(one.thing.distance(local.astype(np.float32)))[1] < 0.03


def test_visible_parts_lie_in_the_amodal_ones(scenes, frames):
    for frame in frames:
        for side, whole in frame.amodal.items():
            seen = frame.labels == HAND[side]
            assert ((whole == 0) & seen).sum() <= 2
            assert ((whole != frame.parts) & seen).sum() <= 0.03 * seen.sum() + 2
            assert (whole > 0).sum() >= seen.sum() - 2


def test_colour_and_depth_come_from_two_places(scenes):
    for scene in scenes:
        assert 0.02 < np.linalg.norm(scene.color_camera.pose[:3, 3]) < 0.035 and not scene.one_camera


def test_materials_of_the_object_follow_the_surfaces(scenes):
    for scene in scenes:
        count = len(scene.objects[0].thing.materials)
        assert scene.mesh.material.max() < len(Surface) + count == len(scene.look.materials)
        of_object = scene.mesh.material[np.isin(scene.mesh.labels, list(HELD.values()))]
        assert len(of_object) and of_object.min() >= len(Surface)


def test_most_objects_are_unlike_skin_and_a_few_are_not():
    person = Person.of(0, 0)
    tone = np.asarray(skin_of(person.hand, person.subject).tone)
    rng = np.random.default_rng(0)
    assert like_skin(tone * 0.5, tone) and not like_skin((0.1, 0.2, 0.7), tone)
    things = [painted(rng, sample_object("box", rng), person) for _ in range(80)]
    alike = np.mean([all(like_skin(m.albedo, tone) for m in thing.materials) for thing in things])
    assert 0 < alike < 0.2


def test_unseen_kinds_are_those_held_out():
    scene = exo_hand_object_unseen(np.random.default_rng(1), "test")
    assert scene.objects[0].thing.kind in HELD_OUT and scene.name == "exo_hand_object_unseen"
    assert not set(HELD_OUT) & set(TRAIN_KINDS)


def test_the_same_numbers_give_the_same_scene(scenes):
    again = exo_hand_object(np.random.default_rng([9, 4]), "val", KINDS)
    np.testing.assert_array_equal(again.mesh.vertices, scenes[2].mesh.vertices)
    np.testing.assert_array_equal(again.mesh.labels, scenes[2].mesh.labels)


def test_unknown_splits_and_kinds_are_refused():
    with pytest.raises(ValueError, match="'dev'"):
        exo_hand_object(np.random.default_rng(0), "dev")
    with pytest.raises(ValueError, match="unicorn"):
        exo_hand_object(np.random.default_rng(0), "train", ("unicorn",))
