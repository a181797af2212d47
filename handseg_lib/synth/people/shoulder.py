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
    near = np.flatnonzero(_in_box(shirt.vertices, low, high))
    points = shirt.vertices.take(near, 0)
    dx, dy, dz = (points[:, i, None] - line[:, i] for i in range(3))  # sums over a short last axis are slow
    distance = np.sqrt(dx * dx + dy * dy + dz * dz)
    closest = np.argmin(distance - radius, axis=1)
    fade = 1 - closest / (len(line) - 1)
    height = _bulge(distance[np.arange(len(near)), closest] - radius[closest]) * np.clip(1.6 * fade, 0, 1)
    return near, height


def blend_into_trunk(limbs: Sequence[Mesh], shirt: Mesh, arm: Arm) -> list[Mesh]:
    """Upper arm and sleeve of one arm, raised where they enter the trunk; further along the arm nothing changes."""
    upper = arm.elbow - arm.shoulder
    along = [(limb.vertices - arm.shoulder) @ (upper / (upper @ upper)) for limb in limbs]
    places = [np.flatnonzero(one < 0.5) for one in along]
    points = np.concatenate(
        [np.zeros((0, 3), np.float32), *(m.vertices[p] for m, p in zip(limbs, places, strict=True))]
    )
    low, high = points.min(axis=0, initial=np.inf) - 1.01 * FILLET, points.max(axis=0, initial=-np.inf) + 1.01 * FILLET
    beside = shirt.vertices[_in_box(shirt.vertices, low, high)]  # only what can be near goes into the tree
    tree = cKDTree(beside, balanced_tree=False, compact_nodes=False)  # asked once: quick to build
    distances, _ = tree.query(points, distance_upper_bound=FILLET)
    raised, first = [], 0
    for limb, share, near in zip(limbs, along, places, strict=True):
        distance = distances[first : first + len(near)]
        first += len(near)
        found = np.isfinite(distance)
        near, distance = near[found], distance[found]
        height = _bulge(distance) * np.clip((0.5 - share[near]) / 0.3, 0, 1)
        raised.append(_pushed(limb, near, height))
    return raised


def _in_box(points: Array, low: NDArray, high: NDArray) -> NDArray[np.bool_]:
    """(N,) which of (N, 3) points lie between two corners."""
    x, y, z = points.T
    return (x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1]) & (z > low[2]) & (z < high[2])


def _bulge(distance: NDArray) -> NDArray:
    return FILLET / 4 * np.maximum(1 - np.abs(distance) / FILLET, 0) ** 2


def _pushed(mesh: Mesh, where: NDArray[np.int64], height: NDArray) -> Mesh:
    if not len(where):
        return mesh
    vertices = mesh.vertices.copy()
    vertices[where] += (mesh.rest_normals[where] * height[:, None]).astype(np.float32)
    return replace(mesh, vertices=vertices, rest_normals=vertex_normals(vertices, mesh.faces))
