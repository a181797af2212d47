"""Glove sessions: what changes from frame to frame, and what does not."""

import numpy as np
import pytest

from handseg_lib.data.labels import Label
from handseg_lib.synth.hand import HandPose, HandShape, hand_model
from handseg_lib.synth.hand.gloves import GLOVE_HEM, THICKNESS, hem_shadow, in_glove, knit_slope
from handseg_lib.synth.people.person import SUBJECTS, Surface
from handseg_lib.synth.scenes.glove_session import exo_gloves, glove_session
from handseg_lib.synth.world import render


@pytest.fixture(scope="module")
def session():
    return glove_session(12, 3)


@pytest.fixture(scope="module")
def scenes(session):
    return [session.scene(i) for i in range(4)]


def test_light_camera_and_colours_are_the_sessions(scenes):
    first = scenes[0]
    for other in scenes[1:]:
        assert other.lights is first.lights and other.look is first.look and other.backdrop is first.backdrop
        np.testing.assert_array_equal(other.color_camera.pose, first.color_camera.pose)
        assert other.subject == 12 and other.session == 3 and other.gloved


def test_hands_move_and_are_in_view(scenes):
    wrists = [scene.joints["right"][0] for scene in scenes]
    assert min(np.linalg.norm(a - b) for i, a in enumerate(wrists) for b in wrists[:i]) > 0.005
    for scene in scenes:
        frame = render(scene, "x", np.random.default_rng(0), (120, 160))
        assert np.isin(frame.labels, [Label.LEFT_HAND, Label.RIGHT_HAND]).sum() > 50


def test_both_gloves_have_one_colour_each_the_same_in_every_frame(session):
    left, right = (session.look.materials[s] for s in (Surface.GLOVE_LEFT, Surface.GLOVE_RIGHT))
    assert left.albedo != right.albedo and left.gloss == right.gloss == 0
    assert glove_session(12, 4).look.materials[Surface.GLOVE_LEFT].albedo is not None


def test_sessions_differ_in_light_and_clothes():
    one, two = glove_session(12, 3), glove_session(12, 5)
    assert not np.array_equal(one.lights.lamps[0].centre, two.lights.lamps[0].centre)
    assert one.person.hand == two.person.hand and one.person.outfit != two.person.outfit


def test_gloves_are_a_little_thicker_and_leave_the_arm_alone():
    mesh = hand_model(HandShape()).posed(HandPose.named("open"))
    worn = in_glove(mesh)
    moved = np.linalg.norm(worn.vertices - mesh.vertices, axis=1)
    on_hand = mesh.rest[:, 1] > GLOVE_HEM + 0.003
    np.testing.assert_allclose(moved[on_hand], THICKNESS, rtol=0.02)
    assert moved[mesh.rest[:, 1] < GLOVE_HEM - 0.004].max() == 0


def test_relief_lies_in_the_surface_and_the_hem_rolls():
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(500, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    rest = rng.uniform(-0.05, 0.15, (500, 3)).astype(np.float32)
    slope = knit_slope(rest, normals)
    assert np.abs((slope * normals).sum(1)).max() < 1e-4
    side = np.tile(np.array([[1, 0, 0]], np.float32), (2, 1))
    rolled = knit_slope(np.array([[0, GLOVE_HEM + 0.0005, 0], [0, GLOVE_HEM + 0.006, 0]], np.float32), side)
    assert rolled[0, 1] > 0.5 and rolled[1, 1] < -0.5
    assert hem_shadow(np.array([[0, GLOVE_HEM - 0.0001, 0], [0, GLOVE_HEM - 0.01, 0]], np.float32)) == pytest.approx(
        [0.55, 1.0], abs=0.02
    )


def test_a_scene_of_a_split_shows_its_subjects():
    scene = exo_gloves(np.random.default_rng(4), "test")
    assert scene.subject in SUBJECTS["test"] and scene.session >= 0


def test_what_does_not_exist_is_refused(session):
    with pytest.raises(ValueError, match=r"subject 14.*0 to 13"):
        glove_session(14, 0)
    with pytest.raises(ValueError, match=r"found -1"):
        session.scene(-1)
    with pytest.raises(ValueError, match="'dev'"):
        exo_gloves(np.random.default_rng(0), "dev")
