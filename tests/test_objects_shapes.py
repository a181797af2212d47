"""The shapes of objects: distances against closed forms and slow loops, meshes against volumes."""

import numpy as np
import pytest

from handseg_lib.synth.objects.builders import band, disc, ellipse, hollow, plank, ring, tube, turned
from handseg_lib.synth.objects.design import Design, Hold, Part, at, built, pair
from handseg_lib.synth.objects.freeform import Freeform, bent, loft, sheet, stretched
from handseg_lib.synth.objects.shapes import Lathe, Prism, RoundBox, Tube
from handseg_lib.synth.objects.surface import Surface, polygon_distance, rounded, spline, triangulated

POINTS = np.random.default_rng(0).uniform(-0.05, 0.05, (400, 3)).astype(np.float32)
L_SHAPE = ((0.0, 0.0), (0.04, 0.0), (0.04, 0.015), (0.015, 0.015), (0.015, 0.04), (0.0, 0.04))


def volume(surface: Surface) -> float:
    a, b, c = (surface.vertices[surface.faces[:, k]].astype(np.float64) for k in range(3))
    return float(np.einsum("ij,ij", a, np.cross(b, c)) / 6)


def sphere(radius: float = 0.03, steps: int = 48) -> Lathe:
    t = np.linspace(0, np.pi, steps + 1)
    profile = np.stack([radius * np.sin(t), radius * np.cos(t)], 1)
    profile[[0, -1], 0] = 0
    return Lathe(tuple(map(tuple, profile.tolist())), around=64)


def test_a_turned_circle_is_a_sphere():
    np.testing.assert_allclose(sphere().distance(POINTS), np.linalg.norm(POINTS, axis=1) - 0.03, atol=5e-5)
    assert volume(sphere().surface()) == pytest.approx(4 / 3 * np.pi * 0.03**3, rel=0.01)


def test_a_turned_rectangle_is_a_cylinder():
    radius = np.hypot(POINTS[:, 0], POINTS[:, 2])
    a, b = radius - 0.02, np.abs(POINTS[:, 1] + 0.015) - 0.015
    exact = np.minimum(np.maximum(a, b), 0) + np.hypot(np.maximum(a, 0), np.maximum(b, 0))
    np.testing.assert_allclose(disc(0.02, 0.03).distance(POINTS), exact, atol=1e-6)
    assert volume(disc(0.02, 0.03).surface()) == pytest.approx(np.pi * 0.02**2 * 0.03, rel=0.01)


def test_a_ring_leaves_its_axis_free():
    label = band(0.03, 0.01, 0.02, 0.002)
    assert label.distance(np.array([[0, -0.015, 0]], np.float32))[0] == pytest.approx(0.029)
    assert label.distance(np.array([[0.031, -0.015, 0]], np.float32))[0] < 0


def test_a_vessel_has_walls_of_its_thickness():
    cup = hollow(np.array([(0, 0), (0.03, 0), (0.03, -0.08)]), 0.004)
    at_y = np.array([[r, -0.05, 0] for r in (0.0, 0.0255, 0.028, 0.0305)], np.float32)
    np.testing.assert_allclose(cup.distance(at_y), [0.026, 0.0005, -0.002, 0.0005], atol=1e-5)
    assert cup.distance(np.array([[0, -0.002, 0]], np.float32))[0] == pytest.approx(-0.002, abs=1e-5)


def test_profiles_are_checked():
    with pytest.raises(ValueError, match="runs the wrong way"):
        Lathe(((0, -1), (1, -1), (1, 0), (0, 0)))
    with pytest.raises(ValueError, match="3 edges in its profile but 2 tags"):
        Lathe(((0, 0), (1, 0), (1, -1), (0, -1)), tags=(0, 1))
    with pytest.raises(ValueError, match="2 points and 3 radii"):
        Tube(((0, 0, 0), (1, 0, 0)), (0.1, 0.1, 0.1))


def test_round_box_against_its_core():
    half = np.array([0.03, 0.02, 0.01])
    box = RoundBox(tuple(half), 0.004)
    core = np.clip(POINTS, -(half - 0.004), half - 0.004)
    outside = np.linalg.norm(POINTS - core, axis=1) - 0.004
    away = np.any(core != POINTS, axis=1)
    np.testing.assert_allclose(box.distance(POINTS)[away], outside[away], atol=1e-6)
    assert box.distance(np.zeros((1, 3), np.float32))[0] == pytest.approx(-0.01)
    assert volume(RoundBox(tuple(half)).surface()) == pytest.approx(8 * half.prod(), rel=1e-5)
    np.testing.assert_allclose(box.distance(box.surface().vertices), 0, atol=1e-6)


def test_a_straight_tube_is_a_capsule_however_it_is_searched():
    end = np.array([0.03, 0, 0])
    nearest = np.clip(POINTS @ end / (end @ end), 0, 1)[:, None] * end
    exact = np.linalg.norm(POINTS - nearest, axis=1) - 0.008
    for count in (2, 40):  # a long chain is searched by its nearest link
        line = tuple(tuple(p) for p in np.linspace([0, 0, 0], end, count).tolist())
        np.testing.assert_allclose(Tube(line, (0.008,) * count).distance(POINTS), exact, atol=1e-6)


def test_a_closed_wire_is_a_torus():
    torus = ring(0.03, 0.03, 0.005, 64)
    exact = np.hypot(np.hypot(POINTS[:, 0], POINTS[:, 2]) - 0.03, POINTS[:, 1]) - 0.005
    np.testing.assert_allclose(torus.distance(POINTS), exact, atol=1e-4)
    assert volume(torus.surface()) == pytest.approx(2 * np.pi**2 * 0.03 * 0.005**2, rel=0.08)


def test_polygon_distance_against_a_dense_outline():
    p = np.array(L_SHAPE)
    dense = np.concatenate([np.linspace(a, b, 400) for a, b in zip(p, np.roll(p, -1, 0), strict=True)])
    points = POINTS[:, :2]
    slow = np.array([np.hypot(*(dense - q).T).min() for q in points])
    inside = (points.min(1) > 0) & (points.max(1) < 0.04) & (points.min(1) < 0.015)
    np.testing.assert_allclose(polygon_distance(points, p, np.roll(p, -1, 0)), np.where(inside, -slow, slow), atol=1e-4)


def test_a_prism_is_as_thick_as_it_says_and_keeps_its_area():
    flat = Prism(L_SHAPE, 0.003)
    area = 0.04 * 0.015 + 0.025 * 0.015
    assert volume(flat.surface()) == pytest.approx(area * 0.006, rel=1e-5)
    assert volume(Prism(L_SHAPE[::-1], 0.003).surface()) == pytest.approx(area * 0.006, rel=1e-5)
    above = np.array([[0.01, -0.005, 0.01], [0.01, 0.0, 0.01]], np.float32)
    np.testing.assert_allclose(flat.distance(above), [0.002, -0.003], atol=1e-7)
    soft = plank(L_SHAPE, 0.006, 0.004, 0.001)
    assert np.abs(soft.distance(soft.surface().vertices)).max() < 1e-4


def test_triangles_fill_a_bent_polygon():
    p = np.array(L_SHAPE)
    a, b, c = (p[triangulated(p)[:, k]] for k in range(3))
    areas = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    assert (areas > 0).all() and areas.sum() == pytest.approx(0.04 * 0.015 + 0.025 * 0.015)
    with pytest.raises(ValueError, match="runs clockwise"):
        triangulated(p[::-1])


def test_rounded_corners_stay_within_the_cut():
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
    soft = rounded(square, 0.2, closed=True)
    assert len(soft) == 20 and soft.min() >= 0 and soft.max() <= 1
    assert np.hypot(*(soft[:, None] - square).transpose(2, 0, 1)).min() > 0.05
    np.testing.assert_array_equal(rounded(square, 0)[[0, -1]], square[[0, -1]])


def test_splines_pass_through_their_points():
    points = np.array([(0, 0), (1, 2), (3, 1), (4, 4)], float)
    np.testing.assert_allclose(spline(points, 4), points)
    np.testing.assert_allclose(spline(points, 8, closed=True)[::2], points)
    np.testing.assert_allclose(np.hypot(*spline(ellipse(1, 1, 24), 96, closed=True).T), 1, atol=1e-3)


def test_a_free_form_knows_its_distance_as_well_as_the_formula():
    free = Freeform(sphere().surface())
    exact = np.linalg.norm(POINTS, axis=1) - 0.03
    close = np.abs(exact) < 0.015
    np.testing.assert_allclose(free.distance(POINTS)[close], exact[close], atol=3e-4)
    far = np.float32([[0.2, 0, 0], [0, 0.3, 0.1]])
    np.testing.assert_allclose(free.distance(far), np.linalg.norm(far, axis=1) - 0.03, atol=2e-3)


def test_stretching_carries_places_and_normals():
    egg = stretched(sphere().surface(), (2, 1, 1))
    v, n = egg.mesh.vertices, egg.mesh.normals
    np.testing.assert_allclose((v[:, 0] / 2) ** 2 + v[:, 1] ** 2 + v[:, 2] ** 2, 0.03**2, rtol=2e-3)
    true = v / np.array([4, 1, 1])
    true /= np.linalg.norm(true, axis=1, keepdims=True)
    assert np.einsum("ij,ij->i", n, true).min() > 0.99


def test_bending_nothing_changes_nothing():
    surface = disc(0.02, 0.01).surface()
    np.testing.assert_allclose(bent(surface, lambda p: p).mesh.normals, surface.normals, atol=1e-5)


def test_a_loft_of_ellipses_has_their_volume():
    s = np.linspace(0, 0.1, 30)
    rod = loft(np.stack([s, 0 * s, 0 * s], 1), np.full(30, 0.02), np.full(30, 0.01), around=48)
    assert volume(rod.mesh) == pytest.approx(np.pi * 0.02 * 0.01 * 0.1, rel=0.01)
    inside = rod.distance(np.float32([[0.05, 0, 0], [0.05, -0.012, 0], [0.05, 0, 0.022]]))
    np.testing.assert_allclose(inside, [-0.01, 0.002, 0.002], atol=5e-4)


def test_a_sheet_has_its_thickness_and_faces_outwards():
    x, z = np.meshgrid(np.linspace(0, 0.1, 20), np.linspace(0, 0.08, 16), indexing="ij")
    cloth = sheet(np.stack([x, 0 * x, z], -1), 0.003)
    assert volume(cloth.mesh) == pytest.approx(0.1 * 0.08 * 0.003, rel=1e-3)
    probe = np.float32([[0.05, -0.004, 0.04], [0.05, 0.0002, 0.04], [0.05, 0.01, 0.04]])
    np.testing.assert_allclose(cloth.distance(probe), [0.0025, -0.0013, 0.0085], atol=3e-4)


def test_grips_are_measured_and_pairs_know_each_other():
    body = Part(turned([(0, 0), (0.03, 0), (0.03, -0.1), (0, -0.1)]), at(), "paint")
    hold = Hold("power", (0.004, -0.05, 0), (0, -1, 0), (0, 0, 1))
    model = built(Design((body,), (hold, *pair(hold, hold))))
    assert model.grips[0].width == pytest.approx(0.06, abs=0.0011)
    np.testing.assert_allclose(model.grips[0].centre, [0, -0.05, 0], atol=6e-4)
    assert [g.partner for g in model.grips] == [None, 2, 1]
    with pytest.raises(ValueError, match="meets nothing along its closing"):
        built(Design((body,), (Hold("pinch", (0, -0.3, 0), (0, -1, 0), (0, 0, 1)),)))


def test_what_is_let_go_settles():
    ball, stick = Part(sphere(0.03), at(0.1), "paint"), Part(tube([(0, 0, 0), (0.1, 0, 0)], 0.005, 8), at(), "paint")
    hold = Hold("power", (0.03, 0, 0), (1, 0, 0), (0, 1, 0))
    mesh = built(Design((ball, stick), (hold,), settle=True)).mesh
    left, right = (mesh.vertices[m][:, 1].max() for m in (mesh.vertices[:, 0] < 0.02, mesh.vertices[:, 0] > 0.07))
    assert left == pytest.approx(0, abs=2e-4) and right == pytest.approx(0, abs=2e-4)
