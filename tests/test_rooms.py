"""Rooms: closed where the wearer looks, their materials and lamps in order, their work surface where it should be."""

import numpy as np
import pytest

from handseg_lib.synth.ego.domains import DOMAINS
from handseg_lib.synth.render import Caster
from handseg_lib.synth.rooms.furniture import Furnishing, block, pipe, turned
from handseg_lib.synth.rooms.parts import lit
from handseg_lib.synth.rooms.rooms import ROOMS
from handseg_lib.synth.shading import PATTERNS, Material

SEEDS = (0, 1, 2)


@pytest.mark.parametrize("name", list(ROOMS))
def test_the_work_surface_is_the_plane_y_zero(name: str) -> None:
    for seed in SEEDS:
        room = ROOMS[name](np.random.default_rng(seed))
        x0, x1, z0, z1 = room.area
        caster = Caster(room.mesh)
        rng = np.random.default_rng(9)
        x, z = rng.uniform(x0, x1, 60), rng.uniform(z0, z1, 60)
        free = np.ones(60, bool)
        for a, b, c, d in room.taken:
            free &= ~((x > a - 0.03) & (x < b + 0.03) & (z > c - 0.03) & (z < d + 0.03))
        points = np.stack([x, np.full(60, -0.5), z], 1).astype(np.float32)
        down = np.tile(np.array([0, 1, 0], np.float32), (60, 1))
        faces = caster.first_faces(points, down)
        assert (faces >= 0).all(), "something lies below every place of the work surface"
        corners = room.mesh.vertices[room.mesh.faces[faces]]
        heights = corners[:, :, 1].max(axis=1)
        on_top = free & (np.ptp(corners[:, :, 1], axis=1) < 1e-6)
        assert np.mean(np.abs(heights[on_top]) < 0.003) > 0.6, "most of it is bare table top"
        assert np.mean(heights[on_top] < 0.003) > 0.8, "but for gaps between planks nothing of it lies deeper"


@pytest.mark.parametrize("name", list(ROOMS))
def test_materials_and_labels(name: str) -> None:
    room = ROOMS[name](np.random.default_rng(3))
    assert room.mesh.material.min() >= 0
    assert room.mesh.material.max() < len(room.materials)
    assert {m.pattern for m in room.materials} <= set(PATTERNS)
    assert not room.mesh.labels.any(), "a room is background"
    assert np.isfinite(room.mesh.vertices).all()
    assert room.lights.lamps
    assert room.eyes[0] < room.eyes[1]


@pytest.mark.parametrize("name", list(ROOMS))
def test_a_seed_gives_the_same_room(name: str) -> None:
    a, b = (ROOMS[name](np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(a.mesh.vertices, b.mesh.vertices)
    assert a.materials == b.materials
    assert not np.array_equal(a.mesh.vertices, ROOMS[name](np.random.default_rng(6)).mesh.vertices)


def test_every_domain_has_its_room() -> None:
    assert set(ROOMS) == set(DOMAINS)


def test_exposure_makes_a_white_table_bright() -> None:
    # a room's exposure is worked out from lamps that hang freely; here by hand for one lamp right above
    room = ROOMS["kitchen"](np.random.default_rng(0))
    lamp = room.lights.lamps[0]
    above = type(lamp)(np.array([0, -2, 0.3], np.float32), np.zeros((2, 3), np.float32), (2.0, 2.0, 2.0))
    lights = lit((above,), (0.25, 0.25, 0.25), 0.9)
    assert lights.exposure == pytest.approx(0.9 / (2.0 / 4 + 0.25), rel=1e-5)


def test_blocks_pipes_and_turned_bodies_face_outwards() -> None:
    shapes = (
        block((0.2, 0.1, 0.3), (1, 2, 3), 0),
        pipe([(0, 0, 0), (0.1, 0, 0), (0.1, 0.2, 0)], 0.02, 0),
        turned([(0, 0), (0, 0.05), (0.1, 0.05), (0.1, 0)], (0, 0, 0), 0),
    )
    for mesh in shapes:
        a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(float) for k in range(3))
        middle = mesh.vertices.mean(axis=0)
        volume = ((a - middle) * np.cross(b - middle, c - middle)).sum() / 6
        assert volume > 0


def test_a_block_has_its_volume_and_texture_in_metres() -> None:
    mesh = block((0.2, 0.1, 0.3), (0, 0, 0), 0, grain="z")
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(float) for k in range(3))
    assert (a * np.cross(b, c)).sum() / 6 == pytest.approx(0.2 * 0.1 * 0.3, rel=1e-5)
    edges = np.linalg.norm(mesh.vertices[mesh.faces[:, 0]] - mesh.vertices[mesh.faces[:, 1]], axis=1)
    on_cloth = np.linalg.norm(mesh.rest[mesh.faces[:, 0]] - mesh.rest[mesh.faces[:, 1]], axis=1)
    assert np.allclose(edges, on_cloth, atol=1e-6), "a metre of texture is a metre of wood"


def test_a_look_is_kept_once() -> None:
    things = Furnishing()
    red = Material((0.5, 0.1, 0.1))
    assert things.paint(red) == things.paint(Material((0.5, 0.1, 0.1))) == 0
    assert things.paint(Material((0.1, 0.5, 0.1))) == 1
