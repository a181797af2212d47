"""The hand's mesh: closed, even, right size, weights, parts, and its cache."""

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from handseg_lib.data import PARTS
from handseg_lib.synth.hand import mesh as module
from handseg_lib.synth.hand.mesh import build, hand_mesh
from handseg_lib.synth.hand.shape import BONES, HandShape

SHAPES = [HandShape(), HandShape.sample(np.random.default_rng(4))]


@pytest.fixture(scope="module", params=range(len(SHAPES)))
def case(request):
    return SHAPES[request.param], build(SHAPES[request.param])


def edges_of(faces):
    return np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)


def test_mesh_is_one_closed_surface_without_handles(case):
    _, mesh = case
    edges, counts = np.unique(edges_of(mesh.faces), axis=0, return_counts=True)
    assert (counts == 2).all()
    assert len(mesh.vertices) - len(edges) + len(mesh.faces) == 2
    n = len(mesh.vertices)
    graph = coo_matrix((np.ones(len(edges)), edges.T), (n, n))
    assert connected_components(graph, directed=False)[0] == 1


def test_mesh_has_the_size_of_the_shape(case):
    shape, mesh = case
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    assert high[1] == pytest.approx(shape.length, rel=0.03)
    assert low[1] == pytest.approx(-shape.forearm, rel=0.2) and low[1] < -shape.forearm
    across = mesh.vertices[np.abs(mesh.vertices[:, 1] - shape.knuckles[3, 1]) < 0.004]
    across = across[across[:, 0] < 0.5 * shape.breadth]  # without the thumb
    assert np.ptp(across[:, 0]) == pytest.approx(shape.breadth, rel=0.12)
    wrist = mesh.vertices[np.abs(mesh.vertices[:, 1]) < 0.005]
    assert 1.25 < np.ptp(wrist[:, 0]) / np.ptp(wrist[:, 2]) < 1.75  # a wrist is oval
    belly = mesh.vertices[np.abs(mesh.vertices[:, 1] + 0.75 * shape.forearm) < 0.01]
    assert np.ptp(belly[:, 0]) > 1.2 * np.ptp(wrist[:, 0])  # the forearm widens towards the elbow


def test_triangles_are_even_and_flat_on_the_surface(case):
    _, mesh = case
    corners = mesh.vertices[mesh.faces].astype(float)
    hand = corners[:, :, 1].min(1) > 0
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    assert sides[hand].max() < 0.020  # no spikes, no slivers across the hand
    assert len(mesh.faces) <= 7000
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    agreement = (normals * mesh.normals[mesh.faces].mean(1)).sum(1)
    assert (agreement < 0.5).mean() < 0.003 and np.median(agreement) > 0.98
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)


def test_weights_are_shares_and_move_the_right_parts(case):
    shape, mesh = case
    np.testing.assert_allclose(mesh.weights.sum(1), 1, atol=1e-5)
    assert mesh.weights.min() >= 0 and mesh.bones.max() < len(BONES)
    assert (np.diff(mesh.weights, axis=1) <= 1e-6).all()  # strongest first
    tip = np.linalg.norm(mesh.vertices - (shape.rest_frames[9, :3, 3] + shape.rest_frames[9, :3, 1] * 0.015), axis=1)
    assert set(mesh.bones[tip < 0.011, 0]) == {BONES.index("middle_distal")}
    assert set(mesh.bones[mesh.vertices[:, 1] < -0.04, 0]) == {BONES.index("forearm")}


def test_all_sixteen_parts_are_there_and_each_in_one_piece(case):
    _, mesh = case
    assert set(range(1, 17)) <= set(mesh.parts) <= set(range(17))
    for part in range(1, 17):
        faces = mesh.faces[mesh.parts == part]
        ids = np.unique(faces, return_inverse=True)[1].reshape(-1, 3)
        pairs = edges_of(ids)
        graph = coo_matrix((np.ones(len(pairs)), pairs.T), (ids.max() + 1,) * 2)
        labels = connected_components(graph, directed=False)[1]
        largest = np.bincount(labels[ids[:, 0]]).max()
        assert largest >= 0.98 * len(faces), PARTS[part]


def test_wrist_is_a_plane(case):
    _, mesh = case
    middle = mesh.vertices[mesh.faces].mean(1)[:, 1]
    np.testing.assert_array_equal(mesh.parts > 0, middle > 0)


def test_same_shape_same_bits():
    mesh, again = build(SHAPES[0]), build(SHAPES[0])
    for name in module.HandMesh.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(mesh, name), getattr(again, name))


def test_cache_is_read_back_and_a_damaged_file_is_made_again(tmp_path, monkeypatch, case):
    shape, mesh = case
    monkeypatch.setenv("HANDSEG_STORE", str(tmp_path))
    monkeypatch.setattr(module, "build", lambda s: mesh)
    hand_mesh.cache_clear()
    first = hand_mesh(shape)
    (path,) = (tmp_path / "hands").iterdir()
    monkeypatch.setattr(module, "build", lambda s: pytest.fail("the stored mesh was not used"))
    hand_mesh.cache_clear()
    np.testing.assert_array_equal(hand_mesh(shape).vertices, first.vertices)
    path.write_bytes(path.read_bytes()[:5000])
    monkeypatch.setattr(module, "build", lambda s: mesh)
    hand_mesh.cache_clear()
    np.testing.assert_array_equal(hand_mesh(shape).faces, mesh.faces)
    assert [p.name for p in (tmp_path / "hands").iterdir()] == [path.name]
    hand_mesh.cache_clear()


def test_another_shape_has_another_file(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDSEG_STORE", str(tmp_path))
    for shape in SHAPES:
        hand_mesh.cache_clear()
        hand_mesh(shape)
    assert len(list((tmp_path / "hands").iterdir())) == 2
