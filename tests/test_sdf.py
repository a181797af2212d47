"""Implicit surfaces: distances against closed forms, smooth unions, and the meshes made of them."""

import numpy as np
import pytest

from handseg_lib.synth.sdf import FAR, Ellipsoid, Sheet, Sweep, gradient, near, polygonise, smooth_min

POINTS = np.random.default_rng(0).uniform(-0.04, 0.04, (500, 3))


def ball(radius: float = 0.02, centre=(0.0, 0.0, 0.0)) -> Ellipsoid:
    frame = np.eye(4)
    frame[:3, 3] = centre
    return Ellipsoid(frame, (radius,) * 3)


def capsule() -> Sweep:
    return Sweep(np.eye(4), (0.0, 0.01, 0.03), (0.01,) * 3, (0.01,) * 3, (0.01,) * 3, (0.01, 0.01))


def test_ball_is_exact():
    np.testing.assert_allclose(ball().distance(POINTS), np.linalg.norm(POINTS, axis=1) - 0.02, atol=1e-6)


def test_the_middle_of_an_ellipsoid_is_inside():
    assert Ellipsoid(np.eye(4), (0.03, 0.02, 0.01)).distance(np.zeros((1, 3)))[0] == -0.01


def test_round_sweep_is_a_capsule():
    nearest = np.stack([0 * POINTS[:, 0], np.clip(POINTS[:, 1], 0, 0.03), 0 * POINTS[:, 0]], 1)
    np.testing.assert_allclose(capsule().distance(POINTS), np.linalg.norm(POINTS - nearest, axis=1) - 0.01, atol=1e-6)


def test_sweep_has_its_own_back_palm_and_width():
    tube = Sweep(np.eye(4), (0.0, 0.02), (0.01,) * 2, (0.006,) * 2, (0.008,) * 2, (0.004, 0.004))
    surface = np.array([[0.01, 0.01, 0], [0, 0.01, -0.006], [0, 0.01, 0.008], [0, -0.004, 0], [0, 0.024, 0]])
    np.testing.assert_allclose(tube.distance(surface), 0, atol=1e-9)
    low, high = tube.box
    assert (surface >= low).all() and (surface <= high).all()


def test_sheet_against_samples_of_its_triangle():
    corners = np.array([[0, 0, 0], [0.03, 0, 0], [0, 0.02, 0.01]])
    rng = np.random.default_rng(1)
    weights = rng.dirichlet((0.5, 0.5, 0.5), 60000)
    samples = weights @ corners
    points = POINTS[:40]
    slow = np.array([np.linalg.norm(samples - p, axis=1).min() for p in points]) - 0.003
    np.testing.assert_allclose(Sheet(corners, 0.003).distance(points), slow, atol=4e-4)


def test_near_is_the_distance_inside_the_box_and_far_outside():
    shape = ball(0.01, (0.02, 0, 0))
    d = near(shape, POINTS)
    close = shape.distance(POINTS) < 0.01
    np.testing.assert_allclose(d[close], shape.distance(POINTS)[close])
    assert d[POINTS[:, 0] < -0.02].min() == FAR


def test_smooth_min_equals_min_beyond_the_fillet_and_never_exceeds_it():
    a, b = POINTS[:, 0], POINTS[:, 1]
    mixed, sharp = smooth_min(a, b, 0.01), np.minimum(a, b)
    apart = np.abs(a - b) > 0.01
    np.testing.assert_array_equal(mixed[apart], sharp[apart])
    assert (mixed <= sharp).all() and (sharp - mixed).max() <= 0.01 / 6 + 1e-12
    np.testing.assert_array_equal(mixed, smooth_min(b, a, 0.01))


def test_gradient_of_a_ball_points_outwards():
    np.testing.assert_allclose(
        gradient(ball().distance, POINTS), POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True), atol=1e-4
    )


@pytest.fixture(scope="module")
def sphere():
    return polygonise(ball().distance, (np.full(3, -0.03), np.full(3, 0.03)), 0.002, 600, lambda p: p)


def test_polygonised_ball_has_the_right_size_and_looks_outwards(sphere):
    vertices, faces = sphere
    np.testing.assert_allclose(np.linalg.norm(vertices, axis=1), 0.02, atol=1e-5)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    assert (a * np.cross(b, c)).sum() / 6 == pytest.approx(4 / 3 * np.pi * 0.02**3, rel=0.05)
    assert 500 < len(faces) <= 620


def test_polygonised_ball_is_closed(sphere):
    vertices, faces = sphere
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert (counts == 2).all()
    assert len(vertices) - len(counts) + len(faces) == 2  # Euler: a sphere


def test_vertices_thinned_in_another_shape_come_back_to_this_one():
    def rolled_up(p):
        return np.stack([(0.05 + p[:, 0]) * np.sin(p[:, 1] * 40), (0.05 + p[:, 0]) * np.cos(p[:, 1] * 40), p[:, 2]], 1)

    vertices, faces = polygonise(ball().distance, (np.full(3, -0.03), np.full(3, 0.03)), 0.002, 600, rolled_up)
    np.testing.assert_allclose(np.linalg.norm(vertices, axis=1), 0.02, atol=1e-5)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    assert (a * np.cross(b, c)).sum() / 6 == pytest.approx(4 / 3 * np.pi * 0.02**3, rel=0.06)
