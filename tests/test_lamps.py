"""Lamplight: brightness by distance and angle, soft edges of shadows, dark corners; each worked out a second way."""

from dataclasses import replace

import numpy as np
import pytest

from handseg_lib.camera import Intrinsics
from handseg_lib.synth.lamps import CORNER_LIGHT, Lamp, averaged
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.render import Camera, Caster, Truth, cast
from handseg_lib.synth.rooms import props
from handseg_lib.synth.shading import Finish, Lights, shade

K = Intrinsics(160.0, 160.0, 79.5, 59.5, 160, 120)
UP = np.array([0, 0, -1], np.float32)  # the wall at z = 1 faces the camera


def wall(*more: Mesh) -> Caster:
    return Caster(Mesh.merge([props.box((4, 4, 0.1), np.array([0, 0, 1.05]), np.eye(3), 0), *more]))


def white(truth: Truth) -> Finish:
    n = len(truth.pixels)
    return Finish(np.ones((n, 3), np.float32), truth.pixel_normals, np.zeros(n, np.float32))


def room(*lamps: Lamp, sky: float = 0.0, occlusion: float = 0.0) -> Lights:
    return Lights(UP, (0, 0, 0), (sky, sky, sky), UP, 1.0, lamps, occlusion)


def point(at: tuple[float, float, float], strength: float = 1.0) -> Lamp:
    return Lamp(np.array(at, np.float32), np.zeros((2, 3), np.float32), (strength,) * 3)


def test_light_falls_with_the_square_of_distance_and_the_cosine() -> None:
    caster = wall()
    truth = cast(caster, Camera(K, np.eye(4)))
    light = shade(truth, caster, white(truth), room(point((0.3, 0.2, 0.0))))
    to = np.array([0.3, 0.2, 0.0]) - truth.points.astype(float)
    distance = np.linalg.norm(to, axis=1)
    expected = -to[:, 2] / distance / distance**2
    assert np.abs(light[:, 0] - expected).max() < 1e-3


def test_two_lamps_add_up() -> None:
    caster = wall()
    truth = cast(caster, Camera(K, np.eye(4)))
    a, b = point((0.3, 0, 0)), point((-0.5, 0.4, 0.2), 0.5)
    both = shade(truth, caster, white(truth), room(a, b))
    apart = [shade(truth, caster, white(truth), room(lamp)) for lamp in (a, b)]
    assert np.allclose(both, sum(apart), atol=1e-5)


def test_a_lamp_behind_things_gives_no_light_and_one_before_them_does() -> None:
    screen = props.box((4, 4, 0.01), np.array([0, 0, -0.5]), np.eye(3), 0)
    caster = wall(screen)
    truth = cast(caster, Camera(K, np.eye(4)))
    assert shade(truth, caster, white(truth), room(point((0, 0, -1.0)))).max() == 0
    assert shade(truth, caster, white(truth), room(point((0, 0, -0.3)))).min() > 0.3


def test_a_wide_lamp_has_a_soft_shadow_as_wide_as_geometry_says() -> None:
    # a half plane 0.5 m before the wall, a lamp 1 m before it, 0.2 m wide: the penumbra is 0.2 m wide
    edge = props.box((2, 4, 0.002), np.array([1.0, 0, 0.5]), np.eye(3), 0)
    caster = wall(edge)
    eye = np.eye(4)
    eye[:3, 3] = (0, 0, 0.55)  # between edge and wall
    truth = cast(caster, Camera(K, eye))
    half = np.array([[0.1, 0, 0], [0, 0.0, 0]], np.float32)
    wide = Lamp(np.array([0, 0, 0.0], np.float32), half, (1.0, 1.0, 1.0))
    soft = truth.image(shade(truth, caster, white(truth), room(wide))[:, 0])[60]
    open_wall = wall()
    plain = truth.image(shade(cast(open_wall, Camera(K, eye)), open_wall, white(truth), room(wide))[:, 0])[60]
    x = truth.image(truth.points[:, 0])[60]
    share = soft / plain
    inside = np.abs(x) < 0.1
    assert np.abs(share[inside] - (0.5 - x[inside] / 0.2)).max() < 0.17  # four steps, smoothed over the block
    assert (share[x < -0.115] > 0.99).all()
    assert (share[x > 0.115] < 0.01).all()


def test_a_corner_gets_less_sky_than_a_plain() -> None:
    side = props.box((0.1, 4, 1), np.array([0.25, 0, 0.55]), np.eye(3), 0)
    caster = wall(side)
    truth = cast(caster, Camera(K, np.eye(4)))
    lights = replace(room(point((0, 0, -9), 0.0), sky=1.0), occlusion=0.3)
    light = truth.image(shade(truth, caster, white(truth), lights)[:, 0])
    x = truth.image(truth.points[:, 0])[60]
    on_wall = truth.image(truth.points[:, 2])[60] > 0.99
    near, far = on_wall & (x > 0.17), on_wall & (x < -0.15)
    assert light[60][far].min() > 0.99
    assert CORNER_LIGHT < light[60][near].mean() < 0.75  # about half of the sky is hidden right in the corner


def test_averaging_keeps_constants_and_edges() -> None:
    step = props.box((2, 4, 0.3), np.array([1.0, 0, 0.8]), np.eye(3), 0)
    truth = cast(wall(step), Camera(K, np.eye(4)))
    near = (truth.points[:, 2] < 0.9).astype(np.float32)
    out = averaged(truth, truth.pixel_normals, np.stack([near, np.full_like(near, 0.3)], 1))
    flat = np.abs(truth.pixel_normals[:, 2]) > 0.9
    assert np.array_equal(out[flat, 0], near[flat]), "the step and the wall do not mix"
    assert np.allclose(out[:, 1], 0.3, atol=1e-6)


def test_a_lamp_moves_rigidly() -> None:
    matrix = np.eye(4)
    matrix[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    matrix[:3, 3] = (1, 2, 3)
    lamp = Lamp(np.array([1, 0, 0], np.float32), np.array([[1, 0, 0], [0, 1, 0]], np.float32), (1, 1, 1), 0.8).moved(
        matrix
    )
    assert np.allclose(lamp.centre, (1, 3, 3))
    assert np.allclose(lamp.half, [[0, 1, 0], [-1, 0, 0]])
    assert np.allclose(lamp.normal, (0, 0, 1))
    with pytest.raises(ValueError, match="4x4"):
        lamp.moved(np.eye(3))


def test_what_glows_is_bright_in_the_dark() -> None:
    caster = wall()
    truth = cast(caster, Camera(K, np.eye(4)))
    glowing = replace(white(truth), glow=np.full(len(truth.pixels), 0.7, np.float32))
    assert np.allclose(shade(truth, caster, glowing, room(point((0, 0, 0), 0.0))), 0.7, atol=1e-6)
