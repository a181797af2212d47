"""Furniture and things around the person: chairs, a table edge, objects on shelves behind. None of them is a hand."""

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.loft import grid_faces, loft, superellipse
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.people.body import rotation

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64) / 2
_SIDES = ((0, 1, 3, 2), (6, 7, 5, 4), (4, 5, 1, 0), (2, 3, 7, 6), (0, 2, 6, 4), (5, 7, 3, 1))


def box(size: tuple[float, float, float], centre: NDArray, turn: NDArray, material: int) -> Mesh:
    """A box with sharp edges; `size` in metres, `turn` (3, 3), `centre` (3,)."""
    corners = (_CORNERS * size) @ np.asarray(turn).T + centre
    vertices = np.concatenate([corners[list(side)] for side in _SIDES])
    faces = np.concatenate([[[4 * i, 4 * i + 1, 4 * i + 2], [4 * i, 4 * i + 2, 4 * i + 3]] for i in range(6)])
    return Mesh.of(vertices, faces, 0, material)


def rod(start: NDArray, end: NDArray, radius: float, material: int) -> Mesh:
    """A round bar with flat, open ends."""
    line = np.linspace(start, end, 6).astype(np.float32)
    along = (line[-1] - line[0]) / np.linalg.norm(line[-1] - line[0])
    side = np.cross(along, [0, 0, 1.0] if abs(along[2]) < 0.9 else [1.0, 0, 0])
    side /= np.linalg.norm(side)
    frames = np.repeat(np.stack([side, along, np.cross(side, along)], axis=1)[None], 6, axis=0).astype(np.float32)
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    rings = superellipse(angles, *[np.full(6, radius)] * 3, np.full(6, 2.0))
    return Mesh.of(loft(line, frames, rings), grid_faces(6, 12), 0, material)


def chair(rng: np.random.Generator, material: int) -> list[Mesh]:
    """A chair in the person frame: a curved back and, often, armrests."""
    width, height = rng.uniform(0.36, 0.50), rng.uniform(0.30, 0.75)
    top, behind = 0.05 - height, rng.uniform(0.16, 0.24)
    x = np.linspace(-width / 2, width / 2, 12)
    y = np.linspace(top, 0.02, 10)
    grid_x, grid_y = np.meshgrid(x, y)
    edge = np.clip((np.abs(grid_x) / (width / 2) - 0.8) / 0.2, 0, 1) * np.clip((top + 0.06 - grid_y) / 0.06, 0, 1)
    grid_y = grid_y + 0.05 * edge**2
    grid_z = behind + 0.10 * (grid_y / top) - rng.uniform(0, 0.5) * grid_x**2
    vertices = np.stack([grid_x, grid_y, grid_z], axis=-1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(9), np.arange(11), indexing="ij")
    a = (i * 12 + j).ravel()
    faces = np.concatenate([np.stack([a, a + 13, a + 1], 1), np.stack([a, a + 12, a + 13], 1)])
    meshes = [Mesh.of(vertices, faces, 0, material)]
    if rng.random() < 0.6:
        drop, long = rng.uniform(-0.24, -0.14), rng.uniform(0.2, 0.32)
        for sign in (-1, 1):
            at = np.array([sign * rng.uniform(0.26, 0.31), drop, behind - 0.08 - long / 2])
            meshes.append(box((0.06, 0.03, long), at, rotation("y", sign * rng.normal(0, 0.1)), material))
            meshes.append(rod(at, at + np.array([0, 0.25, 0.05]), 0.015, material))
    return meshes


def table(rng: np.random.Generator, height: float, material: int) -> list[Mesh]:
    """A table top before the person, in the person frame; `height` is its y in metres."""
    depth, near = rng.uniform(0.3, 0.5), rng.uniform(-0.30, -0.20)
    centre = np.array([rng.normal(0, 0.1), height, near - depth / 2])
    return [box((1.2, 0.03, depth), centre, rotation("y", rng.normal(0, 0.08)), material)]


def thing(rng: np.random.Generator, centre: NDArray, material: int) -> Mesh:
    """An object of everyday size at a place: a box, or a bottle-like round body."""
    turn = rotation("y", rng.uniform(0, np.pi)) @ rotation("x", rng.normal(0, 0.2))
    if rng.random() < 0.5:
        return box(tuple(rng.uniform(0.04, 0.30, 3)), centre, turn, material)
    height, radius = rng.uniform(0.1, 0.3), rng.uniform(0.025, 0.07)
    s = np.linspace(-1, 1, 20)
    profile = radius * np.sqrt(np.clip(1 - s**8, 0, 1)) * np.interp(s, [-1, -0.4, -0.1, 1], [0.4, 0.5, 1.0, 0.95])
    line = centre + np.outer(s * height / 2, turn[:, 1])
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    frames = np.repeat(turn[None], 20, axis=0).astype(np.float32)
    rings = superellipse(angles, profile, profile, profile, np.full(20, 2.0))
    return Mesh.of(loft(line.astype(np.float32), frames, rings), grid_faces(20, 24), 0, material)
