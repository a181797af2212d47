"""Where arm and trunk meet: two surfaces that would cut each other at an edge are rounded into one another.

Near the place where they meet, each is pushed outwards along its normals by what a smooth union of the two solids
would add: k/4 (1 - |d|/k)^2 where the other surface is |d| < k away.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from handseg_lib.synth.loft import Array
from handseg_lib.synth.mesh import Mesh, vertex_normals
from handseg_lib.synth.people.arms import Arm

FILLET = 0.07
"""Distance k in metres over which the surfaces feel each other."""


def blend_into_arms(shirt: Mesh, tubes: Sequence[tuple[Array, Array]]) -> Mesh:
    """The shirt of the trunk, raised where each arm, given by its centre line (S, 3) and radius (S,), leaves it."""
    raised = [_raised(shirt, *tube) for tube in tubes]
    if not raised:
        return shirt
    total = np.zeros(len(shirt.vertices))
    for near, height in raised:
        total[near] += height
    near = np.flatnonzero(total)
    return _pushed(shirt, near, total[near])


def _raised(shirt: Mesh, line: Array, radius: Array) -> tuple[NDArray[np.int64], NDArray]:
    """Vertices near an arm, and by how much it raises each."""
    upper = slice(0, len(line) // 4)
    line, radius = line[upper], radius[upper]
    low, high = line.min(axis=0) - 0.16, line.max(axis=0) + 0.16
    near = np.flatnonzero(((shirt.vertices > low) & (shirt.vertices < high)).all(axis=1))
    gap = shirt.vertices[near, None] - line[None]
    distance = np.sqrt((gap * gap).sum(axis=2))
    closest = np.argmin(distance - radius, axis=1)
    fade = 1 - closest / (len(line) - 1)
    height = _bulge(distance[np.arange(len(near)), closest] - radius[closest]) * np.clip(1.6 * fade, 0, 1)
    return near, height


def blend_into_trunk(limb: Mesh, shirt: Mesh, arm: Arm) -> Mesh:
    """Upper arm or sleeve, raised where it enters the trunk; further along the arm nothing changes."""
    along = (limb.vertices - arm.shoulder) @ (arm.elbow - arm.shoulder) / np.sum((arm.elbow - arm.shoulder) ** 2)
    near = np.flatnonzero(along < 0.5)
    points = limb.vertices[near]
    low, high = points.min(axis=0, initial=np.inf) - 1.01 * FILLET, points.max(axis=0, initial=-np.inf) + 1.01 * FILLET
    x, y, z = shirt.vertices.T  # only what can be near goes into the tree
    inside = (x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1]) & (z > low[2]) & (z < high[2])
    tree = cKDTree(shirt.vertices[inside], balanced_tree=False, compact_nodes=False)  # asked once: quick to build
    distance, _ = tree.query(points, distance_upper_bound=FILLET)
    found = np.isfinite(distance)
    near, distance = near[found], distance[found]
    height = _bulge(distance) * np.clip((0.5 - along[near]) / 0.3, 0, 1)
    return _pushed(limb, near, height)


def _bulge(distance: NDArray) -> NDArray:
    return FILLET / 4 * np.maximum(1 - np.abs(distance) / FILLET, 0) ** 2


def _pushed(mesh: Mesh, where: NDArray[np.int64], height: NDArray) -> Mesh:
    if not len(where):
        return mesh
    vertices = mesh.vertices.copy()
    vertices[where] += (mesh.rest_normals[where] * height[:, None]).astype(np.float32)
    return replace(mesh, vertices=vertices, rest_normals=vertex_normals(vertices, mesh.faces))
