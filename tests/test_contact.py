"""Contact from geometry: against brute force, against closed forms, and empty where the gap is wide."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import trimesh

from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import Label
from handseg_lib.synth.contact import (
    CONTACT,
    Triangles,
    contact_pixels,
    contact_vertices,
    gap,
    hand_body,
    point_triangle_distance,
    thing_body,
    touching,
)
from handseg_lib.synth.hand import HandPose, HandShape, hand_model
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.render import Camera, Caster, cast

MODEL = hand_model(HandShape())


@dataclass(frozen=True)
class Ball:
    """A ball with an exact distance."""

    radius: float = 0.03

    @property
    def mesh(self) -> Mesh:
        shape = trimesh.creation.icosphere(subdivisions=4, radius=self.radius)
        return Mesh.of(shape.vertices, shape.faces, Label.OBJECT_RIGHT)

    def distance(self, points):
        return np.sqrt((points**2).sum(1)) - self.radius


def at(x, y, z):
    pose = np.eye(4)
    pose[:3, 3] = x, y, z
    return pose


def brute_force(points, corners):
    """(N,) distance of each point to all triangles, by trimesh's closest point on each, in millimetres inside."""
    out = np.full(len(points), np.inf)
    for k, point in enumerate(points):
        near = trimesh.triangles.closest_point(1e3 * corners, np.tile(1e3 * point, (len(corners), 1)))
        out[k] = 1e-3 * np.sqrt(((near - 1e3 * point) ** 2).sum(1)).min()
    return out


def scene(height):
    """A flat hand below a ball that comes within `height` of the palm (negative: inside), seen from the side."""
    hand = MODEL.posed(HandPose.named("flat"))
    ball, centre = Ball(), np.array([0, 0.06, 0.2])
    for _ in range(60):
        centre[2] -= np.sqrt(((hand.vertices - centre) ** 2).sum(1)).min() - 0.03 - height
    pose = at(*centre)
    mesh = Mesh.merge([hand, ball.mesh.transformed(pose)])
    eye = np.eye(4)
    eye[:3, :3] = [[0, 0, -1], [1, 0, 0], [0, -1, 0]]  # looks along -x, the palm's normal up
    eye[:3, 3] = 0.3, 0.06, 0.03
    camera = Camera(Intrinsics(180.0, 180.0, 80, 60, 160, 120), eye)
    return hand, hand_body("right", hand), thing_body(ball, pose, Label.OBJECT_RIGHT), cast(Caster(mesh), camera)


def test_point_triangle_distance_by_hand():
    triangle = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]]], float)
    cases = {(0.2, 0.2, 0.5): 0.5, (-3, -4, 0): 5.0, (0.5, -2, 0): 2.0, (1, 1, 0): np.sqrt(0.5), (0.3, 0.3, 0): 0.0}
    for point, expected in cases.items():
        assert point_triangle_distance(np.array([point], float), triangle)[0] == pytest.approx(expected)
    flat = np.array([[[0, 0, 0], [1, 0, 0], [2, 0, 0]]], float)  # no area
    assert point_triangle_distance(np.array([[1.0, 3, 0]]), flat)[0] == pytest.approx(3)


def test_distances_match_brute_force():
    rng = np.random.default_rng(0)
    hand = hand_body("right", MODEL.posed(HandPose.named("grip")))
    points = hand.samples[rng.choice(len(hand.samples), 60)] + rng.normal(0, 0.004, (60, 3)).astype(np.float32)
    found = hand.surface.distance(points, 0.01)
    expected = brute_force(points.astype(np.float64), hand.surface.corners)
    np.testing.assert_allclose(found, np.where(expected <= 0.01, expected, np.inf), atol=1e-8)


def test_large_triangles_count_as_well():
    wall = Triangles(np.array([[[-1, -1, 0], [1, -1, 0], [0, 1, 0]]], float))
    np.testing.assert_allclose(wall.distance(np.array([[0, 0, 0.004], [0.3, -0.5, -0.01], [5, 0, 0]]), 0.02),
                               [0.004, 0.01, np.inf])  # fmt: skip


def test_contact_pixels_match_brute_force_on_both_surfaces():
    _, hand, ball, truth = scene(-0.0005)
    mask = contact_pixels(truth, [(hand, ball)])
    points = truth.image(truth.points)
    on_ball, on_hand = truth.labels == Label.OBJECT_RIGHT, truth.labels == Label.RIGHT_HAND
    centre = ball.pose[:3, 3]
    expected = np.zeros_like(mask)
    expected[on_hand] = np.sqrt(((points[on_hand] - centre) ** 2).sum(1)) - 0.03 <= CONTACT
    close = on_ball & (points[..., 2] < centre[2] - 0.012)
    expected[close] = brute_force(points[close].astype(np.float64), hand.surface.corners) <= CONTACT
    np.testing.assert_array_equal(mask, expected)
    assert (mask & on_ball).sum() > 10 and (mask & on_hand).sum() > 0
    np.testing.assert_array_equal(mask, contact_pixels(truth, [(ball, hand)]))


def test_no_contact_across_a_gap_and_none_between_other_bodies():
    _, hand, ball, truth = scene(0.01)
    assert not contact_pixels(truth, [(hand, ball)]).any()
    assert not touching(hand, ball) and gap(hand, ball) == pytest.approx(0.01, abs=3e-4)
    assert gap(hand, thing_body(Ball(), at(0, 0, 0.5), Label.OBJECT_RIGHT)) == np.inf
    assert not contact_pixels(truth, []).any()


def test_gap_is_negative_inside_and_vertices_tell_where():
    mesh, hand, ball, _ = scene(-0.003)
    assert gap(hand, ball) == pytest.approx(-0.003, abs=4e-4) and touching(hand, ball)
    touched = contact_vertices(hand, ball)
    away = np.sqrt(((hand.vertices - ball.pose[:3, 3]) ** 2).sum(1)) - 0.03
    np.testing.assert_array_equal(touched, away <= CONTACT)
    assert 0 < touched.sum() < 0.2 * len(touched) and len(hand.vertices) < len(mesh.vertices)


def test_two_hands_touch_like_hand_and_thing():
    right = hand_body("right", MODEL.posed(HandPose.named("flat")))
    other = MODEL.posed(HandPose.named("flat"), side="left")
    facing = np.diag([-1.0, 1, -1, 1])
    for apart, expected in ((0.0, True), (0.03, False)):
        facing[2, 3] = 2 * right.vertices[:, 2].max() + apart
        left = hand_body("left", other.transformed(facing))
        assert touching(right, left) is expected
        back = contact_vertices(left, right)
        np.testing.assert_array_equal(back, brute_force_near(left.vertices, right))
        assert back.any() == expected


def brute_force_near(points, body):
    """(N,) whether points lie within CONTACT of a body, by brute force where that is possible at all."""
    near = ((points > body.box[0] - CONTACT) & (points < body.box[1] + CONTACT)).all(1)
    near[near] = np.sqrt(((points[near][:, None] - body.samples[None]) ** 2).sum(-1)).min(1) < 0.02
    candidates = np.flatnonzero(near)
    near[candidates] = brute_force(points[candidates].astype(np.float64), body.surface.corners) <= CONTACT
    return near


def test_refuses_what_is_no_hand():
    mesh = MODEL.posed(HandPose())
    with pytest.raises(ValueError, match="'up'"):
        hand_body("up", mesh)
    with pytest.raises(ValueError, match="no faces that belong to a hand"):
        hand_body("left", replace(mesh, parts=np.zeros_like(mesh.parts)))
    with pytest.raises(ValueError, match="rotation"):
        thing_body(Ball(), np.diag([2.0, 1, 1, 1]), Label.OBJECT_LEFT)
