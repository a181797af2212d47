"""Body, arms and clothes: proportions, inverse kinematics, lofts, and where arms join the trunk."""

import numpy as np
import pytest

from handseg_lib.data.labels import Label
from handseg_lib.synth.loft import grid_faces, loft, oriented_noise, superellipse
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.people.arms import MAX_ELBOW_FLEXION, arm_line, reach, segment_distance, solve_arm
from handseg_lib.synth.people.body import BodyPose, BodyShape, Spine, Trunk, rotation, shoulders
from handseg_lib.synth.people.clothes import Outfit
from handseg_lib.synth.people.head import HeadShape, Region, head_mesh, regions
from handseg_lib.synth.people.person import SESSIONS, SUBJECTS, Person


@pytest.mark.parametrize("seed", range(30))
def test_arm_reaches_what_it_can_reach_with_bones_of_the_right_length(seed):
    rng = np.random.default_rng(seed)
    lengths = tuple(rng.uniform(0.2, 0.35, 2))
    near, far = reach(*lengths)
    shoulder, direction = rng.normal(size=3), rng.normal(size=3)
    target = shoulder + direction / np.linalg.norm(direction) * rng.uniform(near, far)
    arm = solve_arm(shoulder, target, lengths, rng.uniform(-3, 3))
    np.testing.assert_allclose(arm.wrist, target, atol=1e-9)
    assert np.linalg.norm(arm.elbow - arm.shoulder) == pytest.approx(lengths[0])
    assert np.linalg.norm(arm.wrist - arm.elbow) == pytest.approx(lengths[1])
    assert 0 <= arm.flexion <= MAX_ELBOW_FLEXION + 1e-6
    assert abs(arm.hinge @ (arm.wrist - arm.shoulder)) < 1e-9


@pytest.mark.parametrize("distance", [0.0, 0.02, 5.0])
def test_arm_stops_at_its_limits(distance):
    arm = solve_arm(np.zeros(3), np.array([0, 0, -distance]), (0.3, 0.25), 0.0)
    near, far = reach(0.3, 0.25)
    assert near - 1e-9 <= np.linalg.norm(arm.wrist) <= far + 1e-9
    assert arm.flexion <= MAX_ELBOW_FLEXION + 1e-6


def test_swivel_turns_the_elbow_about_the_line_to_the_wrist():
    down = solve_arm(np.zeros(3), np.array([0, 0, -0.4]), (0.3, 0.25), 0.0)
    out = solve_arm(np.zeros(3), np.array([0, 0, -0.4]), (0.3, 0.25), np.pi / 2)
    assert down.elbow[1] > 0.1 and abs(down.elbow[0]) < 1e-12
    assert out.elbow[0] > 0.1 and abs(out.elbow[1]) < 1e-12
    np.testing.assert_allclose(down.wrist, out.wrist)


def test_arm_line_runs_from_shoulder_to_wrist():
    arm = solve_arm(np.zeros(3), np.array([0.1, 0.2, -0.3]), (0.3, 0.25), 0.4)
    line = arm_line(arm)
    np.testing.assert_allclose(line[[0, -1]], [arm.shoulder, arm.wrist], atol=1e-6)
    assert np.linalg.norm(line - arm.elbow, axis=1).min() < 0.02


def test_segment_distance_of_crossing_and_parallel_segments():
    a, b = np.array([-1.0, 0, 0]), np.array([1.0, 0, 0])
    assert segment_distance(a, b, np.array([0, -1, 0.3]), np.array([0, 1, 0.3])) == pytest.approx(0.3, abs=0.01)
    aside = np.array([0, 0.5, 0])
    assert segment_distance(a, b, a + aside, b + aside) == pytest.approx(0.5)


def test_loft_of_circles_is_a_cylinder_with_outward_normals():
    line = np.stack([np.zeros(9), np.linspace(0, 1, 9), np.zeros(9)], axis=1).astype(np.float32)
    radius = np.full(9, 0.1)
    rings = superellipse(np.linspace(0, 2 * np.pi, 48, endpoint=False), radius, radius, radius, np.full(9, 2.0))
    vertices = loft(line, np.repeat(np.eye(3, dtype=np.float32)[None], 9, axis=0), rings)
    np.testing.assert_allclose(np.hypot(vertices[:, 0], vertices[:, 2]), 0.1, rtol=1e-5)
    normals = Mesh.of(vertices, grid_faces(9, 48)).normals
    outwards = (normals * vertices * [1, 0, 1]).sum(axis=1) / 0.1
    assert outwards.min() > 0.99


def test_folds_run_in_the_wanted_direction():
    for angle, axis in ((0.0, 0), (np.pi / 2, 1)):
        ridges = oriented_noise(np.random.default_rng(0), (128, 128), (0.01, 0.01), 0.16, angle)
        slope = [np.abs(np.diff(ridges, axis=a)).mean() for a in (0, 1)]
        assert slope[axis] > 1.7 * slope[1 - axis]


def test_bent_spine_keeps_its_length():
    shape = Person.of(0, 0).shape
    for pose in (BodyPose(), BodyPose(lean=1.0, tilt=0.4, twist=0.5)):
        spine = Spine(shape, pose)
        steps = np.linalg.norm(np.diff(spine.points, axis=0), axis=1)
        np.testing.assert_allclose(steps, np.diff(spine.heights), rtol=1e-6)
        determinants = np.linalg.det(spine.rotations)
        np.testing.assert_allclose(determinants, 1, rtol=1e-9)


def test_upright_shoulders_are_level_and_on_their_sides():
    shape = Person.of(2, 0).shape
    joints = shoulders(shape, BodyPose(), Spine(shape, BodyPose()))
    assert joints["right"][0] < 0 < joints["left"][0]
    assert joints["left"][0] - joints["right"][0] == pytest.approx(2 * shape.shoulder, abs=1e-5)
    assert joints["left"][1] == pytest.approx(joints["right"][1])
    lifted = shoulders(shape, BodyPose(raise_left=0.04), Spine(shape, BodyPose(raise_left=0.04)))
    assert lifted["left"][1] == pytest.approx(joints["left"][1] - 0.04, abs=1e-5)


def test_leaning_brings_the_head_forward_and_twisting_turns_the_left_shoulder_back():
    person = Person.of(0, 0)
    lean = BodyPose(lean=0.6)
    assert person.head_frame(lean, Spine(person.shape, lean))[2, 3] < -0.2
    twist = BodyPose(twist=0.5)
    joints = shoulders(person.shape, twist, Spine(person.shape, twist))
    assert abs(joints["left"][2] - joints["right"][2]) > 0.1


def test_trunk_tells_inside_from_outside():
    shape = Person.of(0, 0).shape
    spine, trunk = Spine(shape, BodyPose(lean=0.3)), Trunk(shape)
    points, frames = spine.at(np.array([0.3]))
    front = points[0] + frames[0] @ np.array([0, 0, -0.5], np.float32)
    local, heights = spine.nearest(np.stack([points[0], front]).astype(np.float64))
    assert trunk.inside(local, heights, 0.0).tolist() == [True, False]


def test_people_are_of_human_size_and_stay_themselves():
    statures = []
    for subject in range(14):
        person = Person.of(subject, 0)
        assert person == Person.of(subject, 0)
        assert person.shape == Person.of(subject, 1).shape
        assert 1.4 < person.shape.stature < 2.05
        assert 0.095 < person.hand.length / person.shape.stature < 0.12
        statures.append(person.shape.stature)
    assert len(set(statures)) == 14
    assert len({Person.of(3, s).outfit for s in range(SESSIONS)}) == SESSIONS


def test_every_subject_belongs_to_one_split():
    everyone = [s for subjects in SUBJECTS.values() for s in subjects]
    assert sorted(everyone) == list(range(14))


def test_head_has_a_nose_in_front_eyes_and_hair_behind():
    shape = HeadShape(hair="short")
    vertices, faces, hair = head_mesh(shape)
    tip = vertices[np.argmin(vertices[:, 2])]
    assert abs(tip[0]) < 0.01 and -0.04 < tip[1] < 0.01  # the nose stands out farthest
    middle = vertices[faces].mean(axis=1)
    assert 0.2 < hair.mean() < 0.7
    assert middle[hair, 2].mean() > middle[~hair, 2].mean()
    looks = regions(np.array([[0.032, -0.046, -0.09], [0, 0.0145, -0.1], [0, -0.09, -0.09]]), shape)
    assert looks.tolist() == [Region.EYES, Region.LIPS, Region.SKIN]


def test_unknown_hair_is_refused():
    with pytest.raises(ValueError, match=r"mohawk.*none, short"):
        HeadShape(hair="mohawk")


def test_figure_labels_arms_left_and_right():
    person = Person.of(1, 0)
    pose = BodyPose()
    spine = Spine(person.shape, pose)
    joints = shoulders(person.shape, pose, spine)
    arms = {
        side: solve_arm(joints[side], joints[side] + [0, 0.35, -0.3], (person.shape.upper_arm, 0.25), 0.0)
        for side in ("left", "right")
    }
    mesh = Mesh.merge(person.figure(pose, spine, arms, np.random.default_rng(0)))
    x = mesh.vertices[mesh.faces].mean(axis=1)[:, 0]
    assert x[mesh.labels == Label.LEFT_ARM].min() > 0 > x[mesh.labels == Label.RIGHT_ARM].max()
    assert set(np.unique(mesh.labels)) == {0, Label.LEFT_ARM, Label.RIGHT_ARM}
    assert np.isfinite(mesh.vertices).all()
    assert np.ptp(mesh.vertices[:, 1]) > 0.7


def test_outfits_vary():
    outfits = [Outfit.sample(np.random.default_rng(i)) for i in range(40)]
    assert {o.sleeve == 0 for o in outfits} == {True, False}
    assert any(o.sleeve > 1.7 for o in outfits)


def test_rotation_is_right_handed():
    np.testing.assert_allclose(rotation("z", np.pi / 2) @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(rotation("x", np.pi / 2) @ [0, 1, 0], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(rotation("y", np.pi / 2) @ [0, 0, 1], [1, 0, 0], atol=1e-12)


def test_body_shapes_of_women_and_men_differ():
    rng = np.random.default_rng(0)
    women = [BodyShape.sample(rng, True) for _ in range(40)]
    men = [BodyShape.sample(rng, False) for _ in range(40)]
    assert np.mean([w.shoulder for w in women]) < np.mean([m.shoulder for m in men]) - 0.01
