"""Pieces of triangle meshes and of plane geometry that the shapes of objects are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handseg_lib.synth.objects.distance_loops import polygon
from handseg_lib.synth.objects.outline_loops import ears

Array = NDArray[np.float32]
CREASE = 0.8
"""Neighbouring faces whose normals' product is below this meet in a visible edge."""


@dataclass(frozen=True)
class Surface:
    """A closed triangle mesh in a shape's own frame. Vertices are repeated along visible edges and texture seams.

    Attributes:
        vertices: (V, 3) metres; faces run counter-clockwise seen from outside.
        faces: (F, 3) vertex ids.
        normals: (V, 3) unit normals.
        rest: (V, 3) texture coordinates in metres: two along the surface, the third into it.
        tags: (F,) which part of the shape a face belongs to; the shape says what the numbers mean.
    """

    vertices: Array
    faces: NDArray[np.int32]
    normals: Array
    rest: Array
    tags: NDArray[np.int32]


def joined(surfaces: Sequence[Surface]) -> Surface:
    """One surface of several."""
    first = np.cumsum([0] + [len(s.vertices) for s in surfaces[:-1]])
    vertices, normals, rest = (
        np.concatenate([getattr(s, name) for s in surfaces]).astype(np.float32)
        for name in ("vertices", "normals", "rest")
    )
    faces = np.concatenate([s.faces + k for s, k in zip(surfaces, first, strict=True)]).astype(np.int32)
    return Surface(vertices, faces, normals, rest, np.concatenate([s.tags for s in surfaces]).astype(np.int32))


def strips(rings: Array, normals: Array, rest: Array, tags: ArrayLike) -> Surface:
    """A surface of separate strips, each between two rings.

    Args:
        rings: (S, 2, T, 3) metres; the last column repeats the first where the ring is closed.
        normals, rest: (S, 2, T, 3).
        tags: (S,) one for each strip, or one for all.
    """
    s, _, t, _ = rings.shape
    first = (np.arange(s) * 2 * t)[:, None] + np.arange(t - 1)
    a, b, c, d = first, first + 1, first + t, first + t + 1
    faces = np.stack([np.stack([a, b, c], -1), np.stack([b, d, c], -1)], 2)  # (S, T-1, 2, 3)
    tags = np.broadcast_to(np.asarray(tags, np.int32), (s,))
    tags = np.broadcast_to(tags[:, None, None], faces.shape[:3]).reshape(-1)
    vertices, faces = rings.reshape(-1, 3).astype(np.float32), faces.reshape(-1, 3).astype(np.int32)
    p, q, r = (vertices[faces[:, k]] for k in range(3))
    whole = (p != q).any(1) & (q != r).any(1) & (r != p).any(1)  # at a pole a ring is a single point
    return Surface(vertices, faces[whole], normals.reshape(-1, 3), rest.reshape(-1, 3), tags[whole])


def polygon_distance(points: Array, start: Array, end: Array) -> Array:
    """(N, 2) points -> (N,) exact signed distance to the polygon of the (K, 2) edges, negative inside.

    Edges that lie on the line where the first coordinate is 0, or that are missing there, do no harm to points with
    a positive first coordinate: insides are told by rays that run towards greater first coordinates.
    """
    points, start, end = (np.ascontiguousarray(v, np.float32) for v in (points, start, end))
    return polygon(points, start, end - start)


def corner_normals(edges: Array, closed: bool) -> tuple[Array, Array]:
    """(K, 2) edge vectors -> normals (K, 2) at each edge's start and end, shared where the bend is slight.

    The normal of an edge (x, y) is (-y, x).
    """
    normals = np.stack([-edges[:, 1], edges[:, 0]], 1)
    normals = normals / np.maximum(np.sqrt((normals**2).sum(1, keepdims=True)), 1e-12)
    following = np.roll(normals, -1, axis=0)
    mean = normals + following
    mean /= np.maximum(np.sqrt((mean**2).sum(1, keepdims=True)), 1e-12)
    smooth = (normals * following).sum(1) > CREASE
    if not closed:
        smooth[-1] = False
    end = np.where(smooth[:, None], mean, normals)
    start = np.where(np.roll(smooth, 1)[:, None], np.roll(mean, 1, axis=0), normals)
    return start, end


def rounded(points: ArrayLike, radius: ArrayLike, closed: bool = False, steps: int = 4) -> NDArray[np.float64]:
    """A polyline of (K, 2) points with its corners replaced by arcs that begin `radius` metres before the corner.

    Args:
        points: (K, 2) metres.
        radius: one for all corners or (K,); 0 keeps a corner sharp. Never more than 45% of an edge is used up.
        closed: whether the last point joins the first; otherwise both ends stay.
        steps: edges in each arc.
    """
    p = np.asarray(points, np.float64)
    r = np.broadcast_to(np.asarray(radius, np.float64), len(p))
    out = []
    for k in range(len(p)):
        if r[k] <= 0 or (not closed and k in (0, len(p) - 1)):
            out.append(p[k : k + 1])
            continue
        before, after = p[k - 1] - p[k], p[(k + 1) % len(p)] - p[k]
        length = [float(np.hypot(*v)) for v in (before, after)]
        cut = min(r[k], 0.45 * length[0], 0.45 * length[1])
        a, b = p[k] + before / length[0] * cut, p[k] + after / length[1] * cut
        t = np.linspace(0, 1, steps + 1)[:, None]
        out.append((1 - t) ** 2 * a + 2 * t * (1 - t) * p[k] + t**2 * b)
    return np.concatenate(out)


def spline(points: ArrayLike, count: int, closed: bool = False) -> NDArray[np.float64]:
    """(count, D) points on a Catmull-Rom curve through (K, D) points, evenly over its parameter."""
    p = np.asarray(points, np.float64)
    k = len(p)
    if closed:
        p = np.concatenate([p[-1:], p, p[:2]])
        t = np.arange(count) * (k / count)
    else:
        p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
        t = np.linspace(0, k - 1, count)
    i = np.minimum(t.astype(int), k - (1 if closed else 2))
    t = (t - i)[:, None]
    a, b, c, d = (p[i + j] for j in range(4))
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def triangulated(polygon: ArrayLike) -> NDArray[np.int32]:
    """(K - 2, 3) triangles of a simple (K, 2) polygon of positive area: ears are cut, the slimmest cuts first.

    Raises:
        ValueError: if no ear is left to cut, as in a polygon that crosses itself.
    """
    p = np.asarray(polygon, np.float64)
    triangles, whole = ears(np.ascontiguousarray(p))
    if not whole:
        raise ValueError(f"the polygon of {len(p)} corners crosses itself or runs clockwise: no ear is left")
    return triangles
