"""Signed distances to a mesh, and what closes or comes nearer until it touches."""

import numpy as np
import pytest
import trimesh

from handseg_lib.synth.hand import POSES, HandPose, HandShape, hand_model
from handseg_lib.synth.hand.contact import overlap
from handseg_lib.synth.hand.poses import SOFT, bone_frames
from handseg_lib.synth.hand.solid import Fingers, Solid, approach, close_fingers, penetration
from handseg_lib.synth.mesh import Mesh

RADIUS = 0.02


def ball(centre, radius=RADIUS) -> Mesh:
    sphere = trimesh.creation.icosphere(4, radius)
    return Mesh.of(sphere.vertices + centre, sphere.faces)


def distance_to_faces(mesh, points) -> np.ndarray:
    """(N,) distance of each point to the nearest of all triangles, one by one."""
    triangles = mesh.vertices[mesh.faces].astype(float)
    nearest = [trimesh.triangles.closest_point(triangles, np.tile(p, (len(triangles), 1))) for p in points]
    return np.array([np.linalg.norm(n - p, axis=1).min() for n, p in zip(nearest, points, strict=True)])


@pytest.fixture(scope="module")
def model():
    return hand_model(HandShape())


def test_distance_to_a_ball_is_known():
    rng = np.random.default_rng(0)
    points = rng.uniform(-0.04, 0.04, (500, 3))
    found = Solid(ball((0, 0, 0))).distance(points)
    expected = np.minimum(np.linalg.norm(points, axis=1) - RADIUS, 0.06)
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_distance_to_a_hand_agrees_with_trimesh(model):
    mesh = model.posed(POSES["relaxed"])
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    rng = np.random.default_rng(1)
    points = mesh.vertices[rng.choice(len(mesh.vertices), 80)] + rng.normal(0, 0.004, (80, 3))
    gap = distance_to_faces(mesh, points)
    inside = solid.ray.contains_points(points)
    found = Solid(mesh).distance(points)
    clear = gap > 5e-4
    assert ((found < 0) == inside)[clear].mean() > 0.98  # creases of bent fingers run through themselves
    assert np.median(np.abs(np.abs(found) - gap)) < 2e-4


def test_penetration_of_two_balls():
    first = ball((0, 0, 0))
    assert penetration(first, ball((0.038, 0, 0))) == pytest.approx(0.002, abs=3e-4)
    assert penetration(first, ball((0.045, 0, 0))) == pytest.approx(-0.005, abs=3e-4)
    assert penetration(first, ball((0.2, 0, 0))) == -0.02  # farther than it looks


@pytest.mark.parametrize("gap", [0.0, 0.005, -0.001])
def test_approach_stops_at_the_gap_asked_for(gap):
    start = ball((0.10, 0.003, 0)).vertices.astype(float)
    moved = approach(start, Solid(ball((0, 0, 0))), np.array([-1.0, 0, 0]), gap, 0.2)
    at = np.array([0.10 - moved, 0.003, 0])
    assert np.linalg.norm(at) - 2 * RADIUS == pytest.approx(gap, abs=6e-4)


def test_approach_reports_what_never_meets_and_what_starts_inside():
    solid = Solid(ball((0, 0, 0)))
    away = ball((0.1, 0.1, 0)).vertices.astype(float)
    assert approach(away, solid, np.array([-1.0, 0, 0]), 0.0, 0.3) == 0.3
    assert approach(ball((0.03, 0, 0)).vertices.astype(float), solid, np.array([-1.0, 0, 0]), 0.0, 0.3) == 0.0


@pytest.mark.parametrize("side", ["right", "left"])
def test_fingers_close_around_a_bar_and_touch_it(model, side):
    sign = 1 if side == "right" else -1
    line = np.linspace(-0.08, 0.08, 40)
    bar = Mesh.merge([ball((sign * x, 0.085, 0.034), 0.016) for x in line])
    solid = Solid(bar)
    start, goal = HandPose.named("flat"), HandPose.named("fist")
    fingers = Fingers(model, side, np.eye(4))
    assert fingers.gaps(start, solid).min() > 0
    pose = close_fingers(model, start, goal, fingers, solid, 0.0006)
    gaps = fingers.gaps(pose, solid)
    assert gaps.min() > -0.0007
    assert (gaps[1:] < 0.002).all()
    assert overlap(model.shape, bone_frames(model.shape, pose)) < 1.3 * SOFT
    assert pose.angles[9] > start.angles[9] + 0.3  # the middle finger has bent


def test_nothing_in_the_way_closes_all_the_way(model):
    goal = HandPose.named("cup")
    far = Solid(ball((0.5, 0, 0)))
    pose = close_fingers(model, HandPose.named("flat"), goal, Fingers(model, "right", np.eye(4)), far, 0.0006)
    np.testing.assert_allclose(pose.angles[5:], goal.angles[5:], atol=1e-9)


def test_a_finger_never_jumps_over_what_it_meets(model):
    """A thin wire before the index finger stops it although one long step would lead past."""
    wire = Mesh.merge([ball((x, 0.15, 0.02), 0.003) for x in np.linspace(0.0, 0.06, 30)])
    start, goal = HandPose.named("flat"), HandPose.named("fist")
    pose = close_fingers(model, start, goal, Fingers(model, "right", np.eye(4)), Solid(wire), 0.0006)
    assert pose.index[0] < np.radians(45)
