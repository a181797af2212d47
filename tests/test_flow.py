"""Optical flow against homographies, against projection, and through dropped faces."""

import numpy as np
import pytest

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.synth.flow import Wall, flow_colours, optical_flow, warped
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.people.body import rotation
from handseg_lib.synth.render import Camera, Caster, cast
from handseg_lib.synth.rooms.props import box
from handseg_lib.synth.shading import Backdrop

SMALL = SR300_DEPTH.resized(160, 120)


def plane(z: float = 1.0) -> Mesh:
    """A large wall facing the camera, of a few faces."""
    x = np.linspace(-3, 3, 7)
    grid = np.stack(np.meshgrid(x, x, indexing="ij"), -1).reshape(-1, 2)
    vertices = np.column_stack([grid, np.full(len(grid), z)])
    a = (np.arange(6)[:, None] * 7 + np.arange(6)).ravel()
    faces = np.concatenate([np.stack([a, a + 1, a + 8], 1), np.stack([a, a + 8, a + 7], 1)])
    return Mesh.of(vertices, faces)


def moved_camera() -> Camera:
    pose = np.eye(4)
    pose[:3, :3] = rotation("y", 0.06) @ rotation("x", -0.04)
    pose[:3, 3] = 0.05, -0.03, 0.1
    return Camera(SMALL, pose)


def pixel_grid() -> np.ndarray:
    y, x = np.mgrid[:120, :160]
    return np.stack([x, y], -1).astype(float)


def homography_flow(normal: np.ndarray, distance: float, camera: Camera) -> np.ndarray:
    """Independent: K' (R + t n' / d) K^-1 of a plane n . x = d seen by a camera at the origin and by another."""
    inverse = np.linalg.inv(camera.pose)
    h = SMALL.matrix @ (inverse[:3, :3] + np.outer(inverse[:3, 3], normal) / distance) @ np.linalg.inv(SMALL.matrix)
    points = np.concatenate([pixel_grid(), np.ones((120, 160, 1))], -1) @ h.T
    return points[..., :2] / points[..., 2:] - pixel_grid()


def test_moving_camera_before_a_plane_is_its_homography():
    caster, camera = Caster(plane()), moved_camera()
    flow = optical_flow(cast(caster, Camera(SMALL, np.eye(4))), caster, camera)
    assert flow.valid.all()
    expected = homography_flow(np.array([0, 0, 1.0]), 1.0, camera)
    assert np.abs(flow.vectors - expected).max() < 1e-2
    inside = ((pixel_grid() + expected >= -0.4) & (pixel_grid() + expected <= np.array([159.4, 119.4]))).all(-1)
    assert flow.visible[inside].all()
    outside = ((pixel_grid() + expected < -0.6) | (pixel_grid() + expected > np.array([159.6, 119.6]))).any(-1)
    assert outside.any() and not flow.visible[outside].any()


def test_far_wall_moves_like_a_plane_too():
    turn = rotation("y", 0.2)
    wall = Backdrop((turn @ [0, 0, 1.0]).astype(np.float32), 2.0, (0.5, 0.5, 0.5), 0.5)
    empty = Caster(box((0.01, 0.01, 0.01), np.array([0, 0, 5.0]), np.eye(3), 0))  # hidden far behind, hits few pixels
    camera = moved_camera()
    before = cast(empty, Camera(SMALL, np.eye(4)))
    flow = optical_flow(before, empty, camera, Wall(wall, np.eye(4)))
    free = before.depth == 0
    expected = homography_flow(wall.normal.astype(float), 2.0, camera)
    assert free.sum() > 19000 and flow.valid[free].all()
    assert np.abs(flow.vectors - expected)[free].max() < 1e-2


def test_the_frame_of_coordinates_does_not_matter():
    """A scene kept in each camera's own coordinates has the flow of a moving camera in one world."""
    thing = Mesh.merge([plane(), box((0.2, 0.2, 0.2), np.array([0, 0, 0.7]), rotation("y", 0.5), 0)])
    camera, here = moved_camera(), Camera(SMALL, np.eye(4))
    world = optical_flow(cast(Caster(thing), here), Caster(thing), camera)
    own = optical_flow(cast(Caster(thing), here), Caster(thing.transformed(np.linalg.inv(camera.pose))), here)
    assert np.abs(world.vectors - own.vectors).max() < 1e-2
    assert (world.visible != own.visible).mean() < 1e-3


def test_identical_frames_do_not_flow():
    caster, camera = Caster(plane()), moved_camera()
    flow = optical_flow(cast(caster, camera), caster, camera)
    assert not flow.vectors.any() and flow.visible.all()


def test_points_follow_a_moving_thing_and_the_background_is_hidden_behind_it():
    start = box((0.2, 0.2, 0.05), np.array([-0.15, 0, 0.6]), np.eye(3), 0)
    move = np.eye(4)
    move[:3, :3], move[:3, 3] = rotation("z", 0.1), (0.1, 0.02, -0.05)
    before, after = (Caster(Mesh.merge([plane(), m])) for m in (start, start.transformed(move)))
    camera = Camera(SMALL, np.eye(4))
    truth, later = cast(before, camera), cast(after, camera)
    flow = optical_flow(truth, after, camera)
    on_thing = truth.depth < 0.7
    points = SMALL.deproject(truth.depth)[on_thing].astype(float) @ move[:3, :3].T + move[:3, 3]
    expected = SMALL.project(points) - pixel_grid()[on_thing]
    assert np.abs(flow.vectors[on_thing] - expected).max() < 1e-2
    assert flow.visible[on_thing].mean() > 0.97  # its sides may turn away
    wall = ~on_thing
    assert np.abs(flow.vectors[wall]).max() < 1e-3
    assert np.array_equal(flow.visible[wall], (later.depth > 0.7)[wall])  # still wall: hidden where the box now is
    assert not (flow.occluded & flow.visible).any()


def test_dropped_faces_are_followed_by_their_numbers():
    camera, later = Camera(SMALL, np.eye(4)), moved_camera()
    mesh = Mesh.merge([plane(), box((0.2, 0.2, 0.2), np.array([0, 0, 0.7]), rotation("y", 0.5), 0)])
    expected = optical_flow(cast(Caster(mesh), camera), Caster(mesh), later)
    kept = np.flatnonzero(np.arange(len(mesh.faces)) % 7 != 3)
    fewer = Mesh(mesh.vertices, mesh.faces[kept], mesh.labels[kept], mesh.parts[kept], mesh.rest, mesh.rest_normals,
                 mesh.frames, mesh.material[kept])  # fmt: skip
    flow = optical_flow(cast(Caster(fewer), camera), Caster(mesh), later, faces=kept)
    same = flow.valid & (cast(Caster(fewer), camera).depth == cast(Caster(mesh), camera).depth)
    assert same.sum() > 5000
    assert np.array_equal(flow.vectors[same], expected.vectors[same])
    lost = optical_flow(cast(Caster(fewer), camera), Caster(mesh), later, faces=np.full(len(kept), -1))
    assert not lost.valid.any()


def test_warping_the_next_picture_gives_this_one():
    camera, later = Camera(SMALL, np.eye(4)), moved_camera()
    caster = Caster(plane())

    def picture(c: Camera) -> np.ndarray:
        truth = cast(caster, c)
        return truth.image(np.sin(truth.points[:, :2] * 20).astype(np.float32))

    flow = optical_flow(cast(caster, camera), caster, later)
    difference = np.abs(warped(picture(later), flow) - picture(camera))[flow.visible]
    assert np.median(difference) < 0.005


def test_colours_say_direction_and_rest():
    caster, camera = Caster(plane()), Camera(SMALL, np.eye(4))
    rest = flow_colours(optical_flow(cast(caster, camera), caster, camera))
    assert rest.shape == (120, 160, 3) and (rest == 255).all()


def test_refuses_what_does_not_correspond():
    caster, camera = Caster(plane()), Camera(SMALL, np.eye(4))
    truth = cast(caster, camera)
    other = Caster(box((1, 1, 1), np.array([0, 0, 2.0]), np.eye(3), 0))
    with pytest.raises(ValueError, match=r"72 and 12 faces"):
        optical_flow(truth, other, camera)
    with pytest.raises(ValueError, match=r"largest 12"):
        optical_flow(truth, other, camera, faces=np.full(72, 12))
    with pytest.raises(ValueError, match=r"\(120, 160\) and \(480, 640\)"):
        optical_flow(truth, caster, Camera(SR300_DEPTH, np.eye(4)))
