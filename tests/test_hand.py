"""The posable hand: rest pose, rigid motion, mirror, volume, wrist, errors."""

import time

import numpy as np
import pytest

from handseg_lib.data import Label
from handseg_lib.synth.hand import POSES, HandPose, HandShape, hand_model, wrist_labels
from handseg_lib.synth.hand.shape import NEUTRAL_SPREAD, REST_SPREAD, THUMB_REST
from handseg_lib.synth.mesh import vertex_normals


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDSEG_STORE", str(tmp_path_factory.mktemp("store")))
        return hand_model(HandShape())


def place(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    t = np.eye(4)
    t[:3, :3], t[:3, 3] = q * np.linalg.det(q), rng.normal(size=3)
    return t


def volume(mesh, keep=slice(None)) -> float:
    a, b, c = (mesh.vertices[mesh.faces[keep, k]].astype(float) for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def test_modelling_pose_is_the_identity(model):
    fingers = [(0.0, float(REST_SPREAD[f] - NEUTRAL_SPREAD[f]), 0.0, 0.0) for f in range(1, 5)]
    mesh = model.posed(HandPose((*map(float, THUMB_REST), 0.0, 0.0, 0.0), *fingers))
    np.testing.assert_allclose(mesh.vertices, mesh.rest, atol=1e-6)
    np.testing.assert_allclose(mesh.normals, mesh.rest_normals, atol=1e-5)


def test_posing_commutes_with_rigid_motion(model):
    pose, t = POSES["ok"], place()
    elbow = np.array([0.05, -0.24, 0.03])
    there = model.posed(pose, t, elbow=t[:3, :3] @ elbow + t[:3, 3])
    here = model.posed(pose, elbow=elbow).transformed(t)
    np.testing.assert_allclose(there.vertices, here.vertices, atol=2e-5)
    np.testing.assert_allclose(there.normals, here.normals, atol=2e-4)


def test_left_hand_is_the_exact_mirror(model):
    right, left = (model.posed(POSES["relaxed"], side=s) for s in ("right", "left"))
    np.testing.assert_array_equal(left.vertices, right.vertices * np.float32([-1, 1, 1]))
    np.testing.assert_array_equal(left.normals, right.normals * np.float32([-1, 1, 1]))
    assert set(right.labels) == {Label.RIGHT_HAND, Label.RIGHT_ARM}
    assert set(left.labels) == {Label.LEFT_HAND, Label.LEFT_ARM}
    np.testing.assert_array_equal(left.parts, right.parts)
    assert volume(left) == pytest.approx(volume(right), rel=1e-5) and volume(left) > 0
    np.testing.assert_array_equal(
        model.joints(POSES["relaxed"], side="left"), model.joints(POSES["relaxed"]) * np.float32([-1, 1, 1])
    )


def test_joints_lie_inside_the_mesh_they_move(model):
    for name in ("open", "fist", "claw"):
        mesh, joints = model.posed(POSES[name]), model.joints(POSES[name])
        for k in range(1, 21):
            own = (model.mesh.bones[:, 0] + 2) // 3 == (k + 3) // 4  # of the same finger
            nearest = np.where(own, np.linalg.norm(mesh.vertices - joints[k], axis=1), np.inf)
            i = nearest.argmin()
            assert nearest[i] < 0.017
            assert (mesh.vertices[i] - joints[k]) @ mesh.normals[i] > -0.004  # below the skin


@pytest.mark.parametrize("name", list(POSES))
def test_bending_keeps_the_volume_of_the_fingers(model, name):
    straight, bent = model.posed(POSES["open"]), model.posed(POSES[name])
    assert volume(bent) == pytest.approx(volume(straight), rel=0.03)


def test_random_poses_tear_nothing(model):
    faces, rest = model.mesh.faces, model.mesh.vertices
    edges = np.unique(np.sort(np.concatenate([faces[:, :2], faces[:, 1:]]), axis=1), axis=0)
    edges = edges[rest[edges][:, :, 1].min(1) > 0]
    for seed in range(40):
        vertices = model.posed(HandPose.sample(np.random.default_rng(seed))).vertices
        lengths = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
        # The skin between an extended and a closed finger stretches; a triangle tied to a wrong finger would be longer.
        assert lengths.max() < 0.035 and (lengths > 0.02).mean() < 0.002


def test_a_right_angle_does_not_pinch_the_joint(model):
    joint = model.joints(HandPose(index=(0, 0, np.radians(100), 0)))[6]
    mesh = model.posed(HandPose(index=(0, 0, np.radians(100), 0)))
    straight = model.posed(HandPose())
    around = np.linalg.norm(straight.vertices - model.joints(HandPose())[6], axis=1)
    ring = np.flatnonzero(around < 0.0125)
    assert np.linalg.norm(mesh.vertices[ring] - joint, axis=1).min() > 0.75 * around[ring].min()


@pytest.mark.parametrize("name", ["open", "relaxed", "fist", "claw", "pinch"])
def test_shading_normals_follow_the_posed_surface(model, name):
    mesh = model.posed(POSES[name], elbow=(0.03, -0.25, 0.05))
    agreement = (mesh.normals * vertex_normals(mesh.vertices, mesh.faces)).sum(1)
    assert np.median(agreement) > 0.99 and (agreement < 0.5).mean() < 0.04


def test_forearm_ends_at_the_elbow(model):
    for elbow in (np.array([0.0, -0.30, 0.0]), np.array([0.12, -0.2, 0.05]), np.array([-0.05, -0.15, -0.15])):
        mesh = model.posed(POSES["open"], elbow=elbow)
        arm = mesh.vertices[mesh.rest[:, 1] < -model.shape.forearm + 0.015]
        assert np.linalg.norm(arm.mean(0) - elbow) < 0.025
        wrist = mesh.vertices[np.abs(mesh.rest[:, 1]) < 0.004]
        assert np.linalg.norm(wrist.mean(0)) < 0.012


def test_wrist_splits_hand_from_arm_per_pixel():
    y = np.array([0.01, -0.01, 0.01, -0.01, -0.01], np.float32)
    labels = np.array([Label.RIGHT_ARM, Label.RIGHT_HAND, Label.LEFT_HAND, Label.LEFT_ARM, Label.BACKGROUND], np.uint8)
    expected = [Label.RIGHT_HAND, Label.RIGHT_ARM, Label.LEFT_HAND, Label.LEFT_ARM, Label.BACKGROUND]
    assert wrist_labels(labels, y).tolist() == expected


def test_same_input_same_bits_and_quick(model):
    a = model.posed(POSES["fist"], place(1), "left")
    begin = time.perf_counter()
    b = model.posed(POSES["fist"], place(1), "left")
    assert time.perf_counter() - begin < 0.1  # about 2 ms on an idle core
    np.testing.assert_array_equal(a.vertices, b.vertices)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"side": "both"}, "'left' or 'right'"),
        ({"wrist": np.eye(3)}, "4x4"),
        ({"elbow": (0.0, -0.6, 0.0)}, "0.600 m from the wrist"),
        ({"elbow": (0.0, 0.25, 0.0)}, "wrist would bend by 180 degrees"),
        ({"elbow": (0.0, -0.25)}, "three finite coordinates"),
        ({"elbow": (0.0, np.nan, 0.0)}, "three finite coordinates"),
    ],
)
def test_refuses_what_an_arm_cannot_do(model, change, message):
    with pytest.raises(ValueError, match=message):
        model.posed(POSES["open"], **change)
