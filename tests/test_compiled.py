"""The renderer's compiled loops against the same formulas in numpy, bit for bit."""

import numpy as np
import pytest

from handseg_lib.synth import compiled

VERTICES, FACES, PIXELS = 40, 60, 500


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture
def points(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0, 0.3, (VERTICES, 3)).astype(np.float32)


@pytest.fixture
def faces(rng: np.random.Generator) -> np.ndarray:
    return np.argsort(rng.random((FACES, VERTICES)), axis=1)[:, :3].astype(np.int32)


@pytest.fixture
def rays(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """x, y and the face of each pixel."""
    x, y = rng.uniform(-0.7, 0.7, (2, PIXELS)).astype(np.float32)
    return x, y, rng.integers(0, FACES, PIXELS)


def test_inverses_undo_the_matrix_of_the_corners(points, faces) -> None:
    inverse = compiled.inverses(points, faces)
    corners = points[faces].astype(np.float64).swapaxes(1, 2)  # as columns
    assert inverse.dtype == np.float64
    np.testing.assert_allclose(inverse @ corners, np.broadcast_to(np.eye(3), (FACES, 3, 3)), atol=1e-8)
    a, b, c = np.moveaxis(points[faces].astype(np.float64), 1, 0)
    rows = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], 1)
    det = a[:, 0] * rows[:, 0, 0] + a[:, 1] * rows[:, 0, 1] + a[:, 2] * rows[:, 0, 2]
    np.testing.assert_array_equal(inverse, rows / det[:, None, None])


def test_a_face_seen_from_its_edge_gives_finite_numbers() -> None:
    flat = np.array([[0, 0, 1], [0, 0, 2], [0, 1, 1]], np.float32)
    assert np.isfinite(compiled.inverses(flat, np.array([[0, 1, 2]], np.int32))).all()


def test_planes(rng, rays) -> None:
    of, (x, y, place) = rng.normal(size=(FACES, 3)).astype(np.float32), rays
    expected = of[place, 0] * x + of[place, 1] * y + of[place, 2]
    np.testing.assert_array_equal(compiled.planes(x, y, place, of), expected)


def test_weights_are_those_of_the_planes_cut_at_zero_and_sum_to_one(rng, rays) -> None:
    inverse, (x, y, place) = rng.normal(0.5, 0.4, (FACES, 3, 3)).astype(np.float32), rays
    which = rng.permutation(PIXELS)[:90]
    weights = compiled.barycentric(x, y, place, inverse, which)
    raw = np.stack([compiled.planes(x, y, place, np.ascontiguousarray(inverse[:, k])) for k in range(3)], 1)[which]
    cut = np.maximum(raw, 0)
    some = cut.any(axis=1)
    assert (raw < 0).any() and weights.dtype == np.float32
    np.testing.assert_array_equal(weights[some], (cut / (cut[:, 0] + cut[:, 1] + cut[:, 2])[:, None])[some])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blended(rng, faces, rays, dtype) -> None:
    values, weights = rng.normal(size=(VERTICES, 4)).astype(dtype), rng.random((50, 3)).astype(np.float32)
    which = rng.permutation(PIXELS)[:50]
    found = compiled.blended(values, faces, rays[2], which, weights)
    a, b, c = np.moveaxis(values[faces[rays[2][which]]], 1, 0)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, a * weights[:, :1] + b * weights[:, 1:2] + c * weights[:, 2:])


def test_scattered(rng) -> None:
    out, pixels, values = np.full((30, 3), 7.0), rng.permutation(30)[:12], rng.random((12, 3))
    expected = out.copy()
    expected[pixels] = values
    compiled.scattered(out, pixels, values)
    np.testing.assert_array_equal(out, expected)


def test_turned(rng, points) -> None:
    m, (x, y, z) = rng.normal(size=(3, 3)).astype(np.float32), points.T
    expected = np.stack([x * m[i, 0] + y * m[i, 1] + z * m[i, 2] for i in range(3)], 1)
    np.testing.assert_array_equal(compiled.turned(m, points), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normals_are_summed_corner_by_corner(points, faces, dtype) -> None:
    points = points.astype(dtype)
    a, b, c = np.moveaxis(points[faces], 1, 0)
    (ux, uy, uz), (vx, vy, vz) = (b - a).T, (c - a).T
    of_face = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    total = [np.bincount(faces.T.ravel(), np.concatenate([n, n, n]), VERTICES) for n in of_face]
    length = np.sqrt(total[0] ** 2 + total[1] ** 2 + total[2] ** 2)
    expected = np.stack([n / np.maximum(length, 1e-20) for n in total], 1).astype(np.float32)
    np.testing.assert_array_equal(compiled.weighted_normals(points, faces), expected)


def test_a_vertex_without_faces_has_no_normal(points) -> None:
    normals = compiled.weighted_normals(points, np.array([[0, 1, 2]], np.int32))
    assert not normals[3:].any()
    np.testing.assert_allclose(np.linalg.norm(normals[:3], axis=1), 1, atol=1e-6)


def test_triple_products(points, faces) -> None:
    a, b, c = np.moveaxis(points[faces], 1, 0)
    found = compiled.triple_products(points, faces)
    np.testing.assert_allclose(found, np.linalg.det(points[faces].astype(np.float64)), atol=1e-6)
    x, y = b[:, 1] * c[:, 2] - b[:, 2] * c[:, 1], b[:, 2] * c[:, 0] - b[:, 0] * c[:, 2]
    z = b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]
    np.testing.assert_array_equal(found, a[:, 0] * x + a[:, 1] * y + a[:, 2] * z)


def test_noise_repeats_in_all_directions(rng) -> None:
    volume, points = rng.random((4, 4, 4)).astype(np.float32), rng.normal(0, 2, (200, 3)).astype(np.float32)
    i, j, k = (np.floor(points * np.float32(3)).astype(np.int64) % 4).T
    np.testing.assert_array_equal(compiled.noise_at(volume, points, np.float32(3)), volume[i, j, k])


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_and_one_are_numbers_of_things_too(count) -> None:
    none = np.zeros((count, 3), np.float32)
    assert compiled.turned(np.eye(3, dtype=np.float32), none).shape == (count, 3)
    assert compiled.noise_at(np.zeros((2, 2, 2), np.float32), none, np.float32(1)).shape == (count,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_squared_gaps_are_those_to_the_nearest(points, rng, dtype) -> None:
    points, others = points.astype(dtype), rng.normal(0, 0.3, (7, 3)).astype(dtype)
    expected = ((points[:, None] - others) ** 2).sum(-1).min(1)
    found = compiled.squared_gaps(points, others)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)


def test_deepest_is_the_largest_overlap_of_two_rows_of_spheres(rng) -> None:
    centres, radii, others, room = rng.random((6, 5, 3)), rng.random(5), rng.random((8, 3)), rng.random(8)
    gap = np.linalg.norm(centres[:, :, None] - others, axis=-1)
    expected = (radii[:, None] + room - gap).max((1, 2))
    np.testing.assert_allclose(compiled.deepest(centres, radii, others, room), expected, atol=1e-12)
