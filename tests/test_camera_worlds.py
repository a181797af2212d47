"""Worlds of rendered frames: the truth belongs to the shots, the mount is one, other mounts are refused."""

from itertools import islice

import numpy as np
import pytest

from handseg_lib.camera.worlds import glove_frames, scene_frames, world_of
from handseg_lib.errors import DataError

SIZE = (48, 64)


@pytest.fixture(scope="module")
def frames():
    return list(islice(glove_frames(2, 1, size=SIZE), 3))


def test_shots_are_the_frames(frames):
    world = world_of(frames, "a name")
    shots = list(world.shots)
    assert world.name == "a name" and [shot.number for shot in shots] == [0, 1, 2]
    for shot, frame in zip(shots, frames, strict=True):
        assert shot.depth is frame.depth and np.array_equal(shot.rgb, frame.color_rgb)
    assert world.depth == frames[0].intrinsics and (world.color.width, world.color.height) == (64, 48)


def test_the_mount_moves_points_as_the_cameras_do(frames):
    world, scene = world_of(frames), frames[0].scene
    point = np.array([[0.1, 0.05, 0.8]], np.float32)
    expected = scene.color_camera.to_camera(point)  # the depth camera is the scene's origin
    assert np.allclose(point @ world.depth_to_color[:3, :3].T + world.depth_to_color[:3, 3], expected, atol=1e-6)


def test_a_session_is_the_same_every_time(frames):
    again = next(islice(glove_frames(2, 1, size=SIZE), 1, None))
    assert np.array_equal(again.depth, frames[1].depth) and again.id == frames[1].id == "exo_gloves/2/1/1"


def test_frames_are_rendered_one_by_one():
    asked = []

    def slow():
        for n, frame in enumerate(glove_frames(0, 0, size=SIZE)):
            asked.append(n)
            yield frame

    shots = iter(world_of(slow()).shots)
    assert asked == [0]
    next(shots), next(shots)
    assert asked == [0, 1]


def test_any_scene_with_one_mount():
    frames = list(islice(scene_frames("exo_two_hands", seed=3, size=SIZE), 2))
    assert frames[0].scene.color_camera == frames[1].scene.color_camera
    assert len(list(world_of(frames).shots)) == 2


def test_bad_input(frames):
    with pytest.raises(DataError, match="at least one frame"):
        world_of([])
    with pytest.raises(DataError, match=r"exo_gloves/5/0/0 was taken by another mount than exo_gloves/2/1/0"):
        list(world_of([frames[0], next(glove_frames(5, 0, size=SIZE))]).shots)
    with pytest.raises(DataError, match="no synthetic frames of scene 'nowhere'"):
        next(scene_frames("nowhere"))
    with pytest.raises(DataError, match="sr300"):
        next(scene_frames("two_hands_amodal"))
    with pytest.raises(ValueError, match="no glove session of subject 99"):
        next(glove_frames(99))
