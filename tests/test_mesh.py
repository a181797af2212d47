"""Meshes: checks on entry, rigid motion, mirrors, merging, normals."""

from dataclasses import replace

import numpy as np
import pytest

from handseg_lib.data import Label
from handseg_lib.synth.mesh import Mesh, check_rigid, rotate, vertex_normals

CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32)
BOX = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
     [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]], np.int32)  # fmt: skip


def box(label: Label = Label.RIGHT_HAND, material: int = 3) -> Mesh:
    return Mesh.of(CORNERS, BOX, label, material)


def volume(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(float) for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def pose(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    q[:, 0] *= np.linalg.det(q)
    t = np.eye(4)
    t[:3, :3], t[:3, 3] = q, rng.normal(size=3)
    return t


def test_box_faces_look_outwards_and_stay_so_when_mirrored():
    assert volume(box()) == pytest.approx(1)
    assert volume(box().mirrored()) == pytest.approx(1)


def test_mirror_is_exact_and_its_own_inverse():
    mesh, mirrored = box(), box().mirrored()
    np.testing.assert_array_equal(mirrored.vertices, mesh.vertices * (-1, 1, 1))
    assert set(mirrored.labels) == {Label.LEFT_HAND}
    np.testing.assert_array_equal(mirrored.normals, mesh.normals * (-1, 1, 1))
    np.testing.assert_array_equal(mirrored.rest, mesh.rest)
    twice = mirrored.mirrored()
    np.testing.assert_array_equal(twice.vertices, mesh.vertices)
    np.testing.assert_array_equal(twice.faces, mesh.faces)


def test_transform_moves_vertices_and_normals_like_a_matrix_product():
    t = pose()
    moved = box().transformed(t)
    np.testing.assert_allclose(moved.vertices, CORNERS @ t[:3, :3].T + t[:3, 3], atol=1e-5)
    np.testing.assert_allclose(moved.normals, vertex_normals(moved.vertices, moved.faces), atol=1e-5)
    back = moved.transformed(np.linalg.inv(t))
    np.testing.assert_allclose(back.vertices, CORNERS, atol=1e-5)


def test_transforms_compose():
    a, b = pose(1), pose(2)
    np.testing.assert_allclose(
        box().transformed(a).transformed(b).vertices, box().transformed(b @ a).vertices, atol=1e-5
    )


def test_merge_keeps_order_and_shifts_faces():
    parts = [box(Label.LEFT_ARM, 1), box(Label.RIGHT_ARM, 2).transformed(pose())]
    merged = Mesh.merge(parts)
    assert merged.faces.shape == (24, 3) and merged.faces[12:].min() == 8
    assert merged.labels.tolist() == [Label.LEFT_ARM] * 12 + [Label.RIGHT_ARM] * 12
    assert merged.material.tolist() == [1] * 12 + [2] * 12
    np.testing.assert_array_equal(merged.vertices[merged.faces[12:]], parts[1].vertices[parts[1].faces])
    np.testing.assert_array_equal(merged.normals[8:], parts[1].normals)


def test_material_by_face_or_for_all():
    assert set(box().with_material(9).material) == {9}
    assert box().with_material(np.arange(12)).material.tolist() == list(range(12))


def test_vertex_normals_weigh_faces_by_area():
    # Two triangles share the edge (0,0,0)-(0,1,0): one in the plane z = 0 with area 1, one in x = 0 with area 3.
    vertices = np.array([[0, 0, 0], [0, 1, 0], [-2, 0, 0], [0, 0, -6]], np.float32)
    faces = np.array([[0, 1, 2], [0, 1, 3]], np.int32)
    expected = np.array([1 * 0 + 3 * -1, 0, 1 * 1], float)
    np.testing.assert_allclose(vertex_normals(vertices, faces)[0], expected / np.linalg.norm(expected), atol=1e-6)


def test_rotate_equals_matrix_product():
    v = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    np.testing.assert_allclose(rotate(pose()[:3, :3], v), v @ pose()[:3, :3].T.astype(np.float32), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("labels", np.zeros(11, np.uint8), r"labels is uint8 \(11,\).*\(12,\)"),
        ("vertices", CORNERS.astype(np.float64), "vertices is float64"),
        ("faces", BOX + 5, r"name vertices 5\.\.12 but there are 8"),
        ("frames", np.zeros((8, 3), np.float32), "frames"),
    ],
)
def test_refuses_arrays_that_do_not_fit(name, value, message):
    with pytest.raises(ValueError, match=message):
        replace(box(), **{name: value})


@pytest.mark.parametrize(
    "matrix", [np.eye(3), np.diag([2.0, 2, 2, 1]), np.diag([-1.0, 1, 1, 1]), np.full((4, 4), np.nan)]
)
def test_refuses_what_is_not_rigid(matrix):
    with pytest.raises(ValueError, match="rigid transform"):
        check_rigid(matrix)


def test_refuses_to_merge_nothing():
    with pytest.raises(ValueError, match="empty"):
        Mesh.merge([])
