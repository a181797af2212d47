"""The renderer against independent ways to the same images: closed forms, trimesh's rays, a pixel loop."""

import numpy as np
import pytest
import trimesh

from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import PARTS, Label
from handseg_lib.synth.hand import HandPose, HandShape, hand_model, wrist_labels
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.render import Camera, Caster, cast

VIEW = Intrinsics(150.0, 150.0, 79.5, 59.5, 160, 120)


def sphere(centre, radius=0.2, label=0, subdivisions=4):
    ball = trimesh.creation.icosphere(subdivisions, radius)
    return Mesh.of(ball.vertices + centre, ball.faces, label)


def camera(pose=None, view=VIEW):
    return Camera(view, np.eye(4) if pose is None else pose)


def test_depth_of_a_plane_is_its_distance_even_when_it_is_tilted():
    corners = np.array([[-3, -3, 0.8], [3, -3, 0.8], [3, 3, 1.4], [-3, 3, 1.4]], float)
    truth = cast(Caster(Mesh.of(corners, [[0, 1, 2], [0, 2, 3]])), camera())
    rays = VIEW.rays().reshape(-1, 3)
    expected = 1.1 / (1 - 0.1 * rays[:, 1])  # z = 1.1 + 0.1 y
    np.testing.assert_allclose(truth.depth.ravel(), expected, rtol=1e-5)


def test_cosine_and_normals_of_a_sphere():
    truth = cast(Caster(sphere([0, 0, 0.8], subdivisions=5)), camera())
    points = VIEW.deproject(truth.depth)
    seen = truth.depth > 0
    expected = (points - np.float32([0, 0, 0.8])) / 0.2
    inner = seen & (truth.cosine > 0.3)
    assert np.abs(truth.normals - expected)[inner].max() < 0.02
    view = -points / np.maximum(np.linalg.norm(points, axis=2, keepdims=True), 1e-9)
    assert np.abs(truth.cosine - (expected * view).sum(axis=2))[inner].max() < 0.02
    assert (truth.cosine[~seen] == 0).all()


def test_depth_agrees_with_every_ray_against_every_triangle_of_a_posed_hand():
    mesh = hand_model(HandShape()).posed(HandPose.named("open")).transformed(placed([0, 0.05, 0.5]))
    truth = cast(Caster(mesh), camera())
    rows = np.arange(7000, 7400)
    expected = np.array([brute_force(mesh, ray) for ray in VIEW.rays().reshape(-1, 3)[rows].astype(float)])
    mine = truth.depth.ravel()[rows]
    assert ((mine > 0) == (expected > 0)).mean() > 0.995  # rays through an edge may go either way
    both = (mine > 0) & (expected > 0)
    assert both.sum() > 20
    np.testing.assert_allclose(mine[both], expected[both], atol=1e-4)


def brute_force(mesh, ray):
    """Depth along one ray from the origin by Moeller and Trumbore's test of all triangles, 0 for none."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]].astype(float) for i in range(3))
    p = np.cross(ray, c - a)
    det = ((b - a) * p).sum(axis=1)
    det[np.abs(det) < 1e-15] = np.nan
    u = -(a * p).sum(axis=1) / det
    q = np.cross(-a, b - a)
    v, t = (q @ ray) / det, (q * (c - a)).sum(axis=1) / det
    hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)
    return t[hit].min() if hit.any() else 0.0


def placed(at, turn=None):
    matrix = np.eye(4)
    matrix[:3, 3] = at
    if turn is not None:
        matrix[:3, :3] = turn
    return matrix


def test_labels_cut_the_hand_at_the_wrist_plane():
    model = hand_model(HandShape())
    mesh = model.posed(HandPose.named("flat")).transformed(placed([0, 0, 0.5]))
    any_hand = (mesh.rest[:, 1][mesh.faces] > 0).any(axis=1)
    labels = np.where(any_hand, Label.RIGHT_HAND, Label.RIGHT_ARM).astype(np.uint8)
    mesh = Mesh(**{**{k: getattr(mesh, k) for k in mesh.__dataclass_fields__}, "labels": labels})
    truth = cast(Caster(mesh), camera())
    expected = truth.image(wrist_labels(labels[truth.faces], truth.interpolate(mesh.rest)[:, 1]))
    np.testing.assert_array_equal(truth.labels, expected)
    # the rest pose is the pose seen here, so that the wrist is the row where y changes sign
    points = VIEW.deproject(truth.depth)
    seen = truth.depth > 0
    clear = seen & (np.abs(points[..., 1]) > 0.004)
    np.testing.assert_array_equal(truth.labels[clear] == Label.RIGHT_HAND, points[..., 1][clear] > 0)
    assert ((truth.parts > 0) == (truth.labels == Label.RIGHT_HAND)).all()
    assert set(np.unique(truth.parts)) == set(range(len(PARTS)))


def test_nearer_thing_hides_the_farther_one():
    mesh = Mesh.merge([sphere([0, 0, 0.9], 0.3, Label.LEFT_ARM), sphere([0, 0, 0.5], 0.05, Label.RIGHT_ARM)])
    truth = cast(Caster(mesh), camera())
    assert truth.labels[60, 80] == Label.RIGHT_ARM
    assert truth.labels[60, 30] == Label.LEFT_ARM
    assert truth.labels[0, 0] == 0


def test_interpolation_of_positions_gives_the_hit_points():
    truth = cast(Caster(sphere([0.05, 0, 0.7])), camera())
    points = VIEW.deproject(truth.depth).reshape(-1, 3)[truth.pixels]
    np.testing.assert_allclose(truth.points, points, atol=1e-4)
    np.testing.assert_allclose(truth.weights.sum(axis=1), 1, atol=1e-5)


def test_a_moved_camera_sees_what_a_moved_world_shows():
    turn = trimesh.transformations.rotation_matrix(0.3, [0, 1, 0.2])[:3, :3]
    pose = placed([0.1, -0.05, 0.02], turn)
    mesh = sphere([0, 0, 0.8])
    moved = cast(Caster(mesh), camera(pose))
    world = cast(Caster(mesh.transformed(np.linalg.inv(pose))), camera())
    same = (moved.depth > 0) == (world.depth > 0)
    assert same.mean() > 0.999
    both = (moved.depth > 0) & (world.depth > 0)
    np.testing.assert_allclose(moved.depth[both], world.depth[both], atol=1e-4)


@pytest.mark.parametrize("size", [(160, 120), (97, 61), (640, 480)])
def test_skipping_empty_cells_loses_no_pixel(size):
    rng = np.random.default_rng(1)
    corners = rng.uniform([-0.4, -0.3, 0.4], [0.4, 0.3, 1.0], (60, 3))
    small = corners[:, None] + rng.normal(0, 0.004, (60, 3, 3))  # faces of a pixel or two, and a few large ones
    small[:4] = corners[:4, None] + rng.normal(0, 0.2, (4, 3, 3))
    mesh = Mesh.of(small.reshape(-1, 3), np.arange(180).reshape(-1, 3))
    caster, view = Caster(mesh), VIEW.resized(*size)
    rays = view.rays().reshape(-1, 3)
    everywhere = caster.first_faces(np.zeros_like(rays), rays) >= 0
    np.testing.assert_array_equal(cast(caster, camera(view=view)).depth.ravel() > 0, everywhere)


def test_geometry_behind_the_camera_is_not_seen():
    truth = cast(Caster(Mesh.merge([sphere([0, 0, 0.7]), sphere([0, 0, -0.7])])), camera())
    assert 0.4 < truth.depth[truth.depth > 0].min() < 0.7
    assert truth.depth.max() < 0.71


def test_empty_world_gives_empty_images():
    truth = cast(Caster(Mesh.of(np.zeros((0, 3)), np.zeros((0, 3), np.int32))), camera())
    assert not truth.depth.any() and not truth.labels.any() and truth.normals.shape == (120, 160, 3)


def test_blocked_rays_are_those_with_something_in_the_way():
    caster = Caster(sphere([0, 0, 0.8]))
    origins = np.zeros((2, 3), np.float32)
    directions = np.array([[0, 0, 1], [1, 0, 0]], np.float32)
    assert caster.blocked(origins, directions).tolist() == [True, False]
