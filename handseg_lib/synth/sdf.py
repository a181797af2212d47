"""Implicit surfaces: approximate signed distances of soft shapes, their smooth unions, and triangle meshes of them.

Distances are negative inside, in metres, exact only near the surface. Only sums, products and square roots touch the
grid, so that every machine gets the same bits and therefore the same mesh.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import fast_simplification
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.spatial import cKDTree
from skimage.measure import marching_cubes

Points = NDArray[np.floating]
Distances = NDArray[np.floating]
FAR = np.float32(0.05)
"""Distance reported beyond a shape's box grown by `MARGIN`: large enough never to matter in a smooth union."""
MARGIN = 0.016


class Shape(Protocol):
    """Anything with a distance and a box: (lowest corner, highest corner) in metres."""

    def distance(self, points: Points) -> Distances: ...

    @property
    def box(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...


@dataclass(frozen=True)
class Sweep:
    """A bone-like tube: an elliptical section swept along an axis, with round ends.

    The section is two half ellipses, one towards the back (-v) and one towards the palm (+v).

    Attributes:
        frame: (4, 4) axes in its columns: u sideways, s along the tube, v towards the palm, and the origin.
        stations: (K,) increasing positions along s in metres; the round ends extend beyond the first and the last.
        width, back, palm: (K,) half sizes at the stations, metres.
        caps: lengths of the round ends beyond the first and the last station, metres.
        lift: (K,) shift of the section's centre along v, metres.
    """

    frame: NDArray[np.float64]
    stations: tuple[float, ...]
    width: tuple[float, ...]
    back: tuple[float, ...]
    palm: tuple[float, ...]
    caps: tuple[float, float]
    lift: tuple[float, ...] | None = None

    @cached_property
    def _profile(self) -> PchipInterpolator:
        lift = self.lift or (0.0,) * len(self.stations)
        return PchipInterpolator(self.stations, np.stack([self.width, self.back, self.palm, lift], 1))

    def distance(self, points: Points) -> Distances:
        """(N, 3) points -> (N,) distances."""
        offset = points - self.frame[:3, 3]
        u, s, v = (sum(offset[:, i] * self.frame[i, k] for i in range(3)) for k in range(3))
        inner = np.clip(s, self.stations[0], self.stations[-1])
        width, back, palm, lift = self._profile(inner).T
        v = v - lift
        depth = np.where(v < 0, back, palm)
        cap = np.where(s < inner, self.caps[0], self.caps[1])
        return ellipsoid_distance((u, s - inner, v), (width, cap, depth))

    @cached_property
    def box(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Corners of the axis-aligned box around the tube."""
        radius = max(*self.width, *self.back, *self.palm, *self.caps) + max(np.abs(self.lift or 0).ravel())
        ends = self.frame[:3, 3] + np.outer([self.stations[0], self.stations[-1]], self.frame[:3, 1])
        return ends.min(0) - radius, ends.max(0) + radius


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid with its axes in the columns of `frame` (4, 4) and half sizes `radii`, metres."""

    frame: NDArray[np.float64]
    radii: tuple[float, float, float]

    def distance(self, points: Points) -> Distances:
        """(N, 3) points -> (N,) distances."""
        offset = points - self.frame[:3, 3]
        local = tuple(sum(offset[:, i] * self.frame[i, k] for i in range(3)) for k in range(3))
        return ellipsoid_distance(local, self.radii)

    @cached_property
    def box(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Corners of an axis-aligned box around it."""
        radius = max(self.radii)
        return self.frame[:3, 3] - radius, self.frame[:3, 3] + radius


@dataclass(frozen=True)
class Sheet:
    """A rounded triangle: all points within `radius` metres of the triangle of `corners` (3, 3)."""

    corners: NDArray[np.float64]
    radius: float

    def distance(self, points: Points) -> Distances:
        """(N, 3) points -> (N,) distances: to the plane over the triangle, else to the nearest edge."""
        a, b, c = self.corners
        normal = np.cross(b - a, c - a)
        normal = normal / np.linalg.norm(normal)
        inside = np.ones(len(points), bool)
        nearest = np.full(len(points), np.inf)
        for p, q in ((a, b), (b, c), (c, a)):
            edge, offset = q - p, points - p
            t = np.clip(dot(offset, edge) / (edge @ edge), 0, 1)
            nearest = np.minimum(nearest, _dot2(offset - t[:, None] * edge))
            inside &= dot(offset, np.cross(normal, edge)) >= 0
        return np.where(inside, np.abs(dot(points - a, normal)), np.sqrt(nearest)) - self.radius

    @cached_property
    def box(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Corners of the axis-aligned box around it."""
        return self.corners.min(0) - self.radius, self.corners.max(0) + self.radius


def dot(vectors: Points, other: NDArray[np.floating]) -> Distances:
    """(N, 3) vectors times one of (3,) -> (N,), by plain sums: BLAS rounds differently from machine to machine."""
    return vectors[:, 0] * other[0] + vectors[:, 1] * other[1] + vectors[:, 2] * other[2]


def _rowdot(a: Points, b: Points) -> Distances:
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2]


def _dot2(vectors: Points) -> Distances:
    return vectors[:, 0] ** 2 + vectors[:, 1] ** 2 + vectors[:, 2] ** 2


def ellipsoid_distance(local: tuple, radii: tuple) -> Distances:
    """Distance to an ellipsoid to first order: k0 (k0 - 1) / k1 with k0 = |x / r|, k1 = |x / r^2|."""
    scaled = [x / r for x, r in zip(local, radii, strict=True)]
    k0 = np.sqrt(scaled[0] ** 2 + scaled[1] ** 2 + scaled[2] ** 2)
    k1 = np.sqrt(sum((x / r) ** 2 for x, r in zip(scaled, radii, strict=True)))
    middle = -np.minimum(np.minimum(radii[0], radii[1]), radii[2])  # where k0 / k1 is 0 / 0
    return np.where(k1 > 1e-3, k0 * (k0 - 1) / np.maximum(k1, 1e-3), middle)


def near(shape: Shape, points: Points) -> Distances:
    """(N, 3) points -> (N,) distances, computed inside the shape's grown box only and `FAR` elsewhere."""
    low, high = shape.box
    hit = np.ones(len(points), bool)
    for k in range(3):
        hit &= (points[:, k] > low[k] - MARGIN) & (points[:, k] < high[k] + MARGIN)
    distance = np.full(len(points), FAR, points.dtype)
    distance[hit] = np.minimum(shape.distance(points[hit]), FAR)
    return distance


def smooth_min(a: Distances, b: Distances, radius: float) -> Distances:
    """Union of two shapes with a fillet: equals min(a, b) wherever they differ by more than `radius` metres."""
    h = np.maximum(radius - np.abs(a - b), 0) / radius
    return np.minimum(a, b) - h * h * h * (radius / 6)


def gradient(field: Callable[[Points], Distances], points: Points, step: float = 2e-4) -> NDArray[np.float64]:
    """(N, 3) unit gradients of a field by central differences: outward normals at its surface."""
    points = np.asarray(points, np.float64)
    g = np.stack([field(points + e) - field(points - e) for e in np.eye(3) * step], 1)
    return g / np.maximum(np.sqrt(_dot2(g))[:, None], 1e-12)


def polygonise(
    field: Callable[[Points], Distances],
    box: tuple[NDArray[np.float64], NDArray[np.float64]],
    step: float,
    faces: int,
    shown: Callable[[Points], Points],
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Closed triangle mesh of the zero set of `field` inside `box`, with about `faces` faces, outward and even.

    The field is sampled on a coarse grid first, then finely near the surface only. The fine mesh is thinned by
    quadric decimation, then evened out by tangential smoothing with every vertex put back on the surface.

    Args:
        field: (N, 3) points in metres -> (N,) distances.
        box: lowest and highest corner in metres, well outside the surface.
        step: size of the fine grid in metres.
        faces: number of triangles wanted.
        shown: (N, 3) points -> (N, 3), the shape as the thinning should see it: what is larger there, or bent, keeps
            more triangles.
    """
    vertices, triangles = _marched(field, box, step)
    vertices, triangles = _thinned(vertices, triangles, faces, shown)
    for _ in range(8):
        vertices = _evened(field, vertices, triangles)
    for _ in range(2):
        vertices = vertices - field(vertices)[:, None] * gradient(field, vertices)
    return vertices, triangles.astype(np.int32)


def _marched(field: Callable, box: tuple, step: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The fine mesh: marching cubes where a coarse sampling says that the surface may pass."""
    coarse = 4
    counts = np.ceil((box[1] - box[0]) / (step * coarse)).astype(int)
    corner = np.stack(np.meshgrid(*(np.arange(n + 1) for n in counts), indexing="ij"), -1).reshape(-1, 3)
    rough = field(box[0] + corner * (step * coarse)).reshape(counts + 1)
    # A point of a coarse cell lies within sqrt(3) cells of its lowest corner; distances may be off a little.
    fine = np.repeat(np.repeat(np.repeat(rough, coarse, 0), coarse, 1), coarse, 2)
    keep = np.flatnonzero(np.abs(fine.ravel()) < 2.2 * coarse * step)
    index = np.stack(np.unravel_index(keep, fine.shape), 1)
    values = fine.ravel().copy()
    values[keep] = field(box[0] + index * step)
    vertices, triangles, _, _ = marching_cubes(values.reshape(fine.shape).astype(np.float32), 0.0)
    return vertices.astype(np.float64) * step + box[0], triangles


def _thinned(vertices: NDArray, triangles: NDArray, faces: int, shown: Callable) -> tuple[NDArray, NDArray]:
    """Quadric decimation of the shape as `shown`; each vertex kept goes back to where its nearest one came from."""
    seen = shown(vertices) * 300  # the decimation works through edge errors in steps made for sizes like these
    thin, kept = fast_simplification.simplify(
        seen.astype(np.float32), triangles.astype(np.int32), target_count=faces, agg=5
    )
    return vertices[cKDTree(seen).query(thin)[1]], kept


def _evened(field: Callable, vertices: NDArray[np.float64], triangles: NDArray) -> NDArray[np.float64]:
    """One step towards each vertex's neighbours' mean, along the surface."""
    normals = gradient(field, vertices)
    a, b = triangles[:, (0, 1, 2)].ravel(), triangles[:, (1, 2, 0)].ravel()  # each edge once in each direction
    count = np.bincount(a, minlength=len(vertices))[:, None]
    mean = np.stack([np.bincount(a, vertices[b, k], len(vertices)) for k in range(3)], 1) / count
    move = 0.5 * (mean - vertices)
    move -= _rowdot(move, normals)[:, None] * normals
    return vertices + move - field(vertices)[:, None] * normals
