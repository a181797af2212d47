"""The scene of one or two hands before an SR300: subjects, postures, and what must not pass through what."""

import numpy as np
import pytest

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.data.labels import Label
from handseg_lib.synth.hand import hand_model
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.people.person import SUBJECTS, Person, Surface
from handseg_lib.synth.people.posture import sample_posture
from handseg_lib.synth.render import Caster, cast
from handseg_lib.synth.rooms.props import chair, table, thing
from handseg_lib.synth.scene import facing, in_view
from handseg_lib.synth.scenes.exo_two_hands import exo_two_hands


@pytest.fixture(scope="module")
def scenes():
    return [exo_two_hands(np.random.default_rng([5, i]), "val") for i in range(10)]


def test_only_the_splits_subjects_appear(scenes):
    assert {scene.subject for scene in scenes} <= {*SUBJECTS["val"], -1}


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match=r"'dev'.*train, val, test"):
        exo_two_hands(np.random.default_rng(0), "dev")


def test_same_numbers_same_scene_and_others_another(scenes):
    again = exo_two_hands(np.random.default_rng([5, 3]), "val")
    np.testing.assert_array_equal(again.mesh.vertices, scenes[3].mesh.vertices)
    np.testing.assert_array_equal(again.mesh.faces, scenes[3].mesh.faces)
    assert scenes[4].mesh.vertices.shape != scenes[3].mesh.vertices.shape


def test_joints_lie_inside_the_hand_they_belong_to(scenes):
    hands = {"left": Label.LEFT_HAND, "right": Label.RIGHT_HAND}
    checked = 0
    for scene in scenes:
        for side, joints in scene.joints.items():
            mesh = scene.mesh
            of_hand = np.unique(mesh.faces[mesh.labels == hands[side]])
            pixels = SR300_DEPTH.project(joints.astype(float))
            if len(of_hand) < 1000 or not ((pixels > 20) & (pixels < (620, 460))).all():
                continue  # cut by the frame
            near = np.linalg.norm(joints[:, None] - mesh.vertices[of_hand][None], axis=2).min(axis=1)
            assert near[1:].max() < 0.02
            checked += 1
    assert checked >= 4


def test_hands_keep_clear_of_trunk_and_of_each_other():
    rng = np.random.default_rng(8)
    for subject in (10, 11):
        person = Person.of(subject, 0)
        model = hand_model(person.hand)
        for _ in range(15):
            posture = sample_posture(rng, person, model, SR300_DEPTH)
            assert set(posture.arms) == {"left", "right"}
            points = {s: model.joints(posture.hands[s], posture.wrists[s], s).astype(float) for s in posture.arms}
            gap = np.linalg.norm(points["left"][:, None] - points["right"][None], axis=2).min()
            assert gap > 0.02
            for joints in points.values():
                local, heights = posture.spine.nearest(joints)
                assert not person.trunk.inside(local, heights, 0.0).any()


def test_arm_lengths_are_the_persons_own():
    person = Person.of(10, 0)
    model = hand_model(person.hand)
    for seed in range(10):
        posture = sample_posture(np.random.default_rng(seed), person, model, SR300_DEPTH)
        for arm in posture.arms.values():
            assert np.linalg.norm(arm.elbow - arm.shoulder) == pytest.approx(person.shape.upper_arm, abs=1e-6)
            assert np.linalg.norm(arm.wrist - arm.elbow) == pytest.approx(person.hand.forearm, abs=1e-6)


def test_left_hand_is_on_the_persons_left():
    """A person who faces the camera upright has the right hand's shoulder on the image's left."""
    person = Person.of(10, 0)
    posture = sample_posture(np.random.default_rng(3), person, hand_model(person.hand), SR300_DEPTH)
    assert posture.arms["right"].shoulder[0] < posture.arms["left"].shoulder[0]


def test_culling_changes_nothing_that_the_depth_camera_sees():
    scene = exo_two_hands(np.random.default_rng([5, 1]), "val")
    camera = scene.depth_camera.resized(160, 120)
    whole, half = cast(scene.caster, camera), cast(scene.depth_caster, camera)
    assert len(half.mesh.faces) < 0.7 * len(whole.mesh.faces)
    same = whole.depth == half.depth
    assert same.mean() > 0.995  # the inside of an open sleeve or hem is all that may differ
    np.testing.assert_array_equal(whole.labels[same], half.labels[same])


def test_facing_keeps_exactly_the_front_of_a_closed_box():
    (top,) = table(np.random.default_rng(0), -0.1, 3)
    moved = top.transformed(np.array([[1, 0, 0, 0], [0, 1, 0, 0.3], [0, 0, 1, 1.5], [0, 0, 0, 1.0]]))
    front = facing(moved)
    assert 2 <= len(front.faces) <= 6
    assert (front.material == 3).all() and len(front.vertices) < len(top.vertices)


def test_in_view_drops_what_is_beside_and_behind():
    corners = np.array([[0, 0, 0], [0.02, 0, 0], [0, 0.02, 0]])

    def triangle(at):
        return Mesh.of(corners + at, [[0, 1, 2]])

    mesh = Mesh.merge([triangle(at) for at in ([0, 0, 0.8], [3, 0, 0.8], [0, 0, -1], [0, -2, 0.8])])
    kept = in_view(mesh)
    np.testing.assert_allclose(kept.vertices, mesh.vertices[:3])


def test_things_are_solid_and_have_the_material_asked_for():
    rng = np.random.default_rng(2)
    for mesh in [*chair(rng, 4), *(thing(rng, np.zeros(3), 4) for _ in range(4))]:
        assert (mesh.material == 4).all() and (mesh.labels == 0).all()
        assert np.isfinite(mesh.vertices).all() and len(Caster(mesh).mesh.faces) > 5


def test_gloves_are_worn_on_hands_only(scenes):
    gloves = {Surface.GLOVE_LEFT, Surface.GLOVE_RIGHT}
    assert {scene.gloved for scene in scenes} == {True, False}
    for scene in scenes:
        worn = np.isin(scene.mesh.material, list(gloves))
        assert worn.any() <= scene.gloved
        labels = set(np.unique(scene.mesh.labels[worn]))
        assert labels <= {Label.LEFT_HAND, Label.RIGHT_HAND, Label.LEFT_ARM, Label.RIGHT_ARM}
        left = scene.mesh.labels[scene.mesh.material == Surface.GLOVE_LEFT]
        assert not np.isin(left, [Label.RIGHT_HAND, Label.RIGHT_ARM]).any()
