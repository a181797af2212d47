"""Shapes that objects are made of. Each is defined once and gives its signed distance and its triangle mesh.

Meshes are built from the parameters rather than by marching cubes: blades, rims and boxes keep their thin walls and
sharp edges, and the mesh lies on the zero set of the distance (for round shapes: its corners do).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from handseg_lib.synth.objects.distance_loops import lathe, prism, round_box, tube
from handseg_lib.synth.objects.surface import Array, Surface, corner_normals, joined, strips, triangulated

Box = tuple[NDArray[np.floating], NDArray[np.floating]]
Pairs = tuple[tuple[float, float], ...]


class Shape(Protocol):
    """Anything with a signed distance (exact outside, or nearly), a box around it and a closed mesh."""

    def distance(self, points: Array) -> Array: ...

    @property
    def box(self) -> Box: ...

    def surface(self) -> Surface: ...


def pairs(points: NDArray) -> Pairs:
    """(K, 2) points as nested tuples, so that shapes can be compared and hashed."""
    return tuple((float(a), float(b)) for a, b in points)


@dataclass(frozen=True)
class Lathe:
    """A profile turned about the y axis. Tags are those of the profile's edges.

    Attributes:
        profile: (radius, y) points in metres. It starts below at the axis, goes outwards, up the outer side and back
            to the axis (a hollow thing's goes down its inner side first). With `closed` the last point joins the
            first and the axis stays free: a ring.
        tags: one for each edge of the profile; empty means 0 for all.
        around: number of corners of the polygons that stand for circles.
        closed: whether the profile is a loop.
    """

    profile: Pairs
    tags: tuple[int, ...] = ()
    around: int = 36
    closed: bool = False

    def __post_init__(self) -> None:
        a, b = self._edges
        if self.tags and len(self.tags) != len(a):
            raise ValueError(f"Lathe has {len(a)} edges in its profile but {len(self.tags)} tags")
        if (a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1]).sum() > 0:
            raise ValueError("Lathe.profile runs the wrong way: begin below, go outwards and up the outer side")

    @cached_property
    def _edges(self) -> tuple[Array, Array]:
        p = np.array(self.profile, np.float32)
        return (p, np.roll(p, -1, axis=0)) if self.closed else (p[:-1], p[1:])

    def distance(self, points: Array) -> Array:
        """(N, 3) points -> (N,) exact distances."""
        a, b = self._edges
        return lathe(np.ascontiguousarray(points, np.float32), np.ascontiguousarray(a), b - a)

    @cached_property
    def box(self) -> Box:
        """Lowest and highest corner."""
        p = np.array(self.profile)
        r = p[:, 0].max()
        return np.array([-r, p[:, 1].min(), -r]), np.array([r, p[:, 1].max(), r])

    def surface(self) -> Surface:
        """Rings of the profile's points; texture runs around (at the largest radius) and up along the profile."""
        a, b = self._edges
        edge = (b - a).astype(np.float64)
        start, end = corner_normals(edge, self.closed)
        length = np.sqrt((edge**2).sum(1))
        along = np.concatenate([[0], np.cumsum(length)])
        turn = np.arange(self.around + 1)
        angle = (turn % self.around) * (2 * np.pi / self.around)
        cos, sin = np.cos(angle), np.sin(angle)

        def ring(pairs: NDArray) -> NDArray:  # (S, 2, 2) radius and y -> (S, 2, T, 3)
            r, y = pairs[..., :1], pairs[..., 1:]
            return np.stack([r * cos, y + 0 * cos, r * sin], -1)

        ends = np.stack([a, b], 1).astype(np.float64)
        rest = np.empty((len(a), 2, len(turn), 3))
        rest[..., 0] = turn * (2 * np.pi / self.around * max(r for r, _ in self.profile))
        rest[..., 1] = -np.stack([along[:-1], along[1:]], 1)[..., None]
        rest[..., 2] = ends[..., :1]
        return strips(ring(ends), ring(np.stack([start, end], 1)), rest, self.tags or 0)


@dataclass(frozen=True)
class RoundBox:
    """A box about the origin with round edges. Tags: 0 +x, 1 -x, 2 below, 3 above, 4 back (+z), 5 front (-z).

    Attributes:
        half: half sizes along x, y, z in metres.
        radius: of the edges; 0 makes them sharp.
    """

    half: tuple[float, float, float]
    radius: float = 0.0

    def distance(self, points: Array) -> Array:
        """(N, 3) points -> (N,) exact distances."""
        radius = np.float32(self.radius)
        return round_box(np.ascontiguousarray(points, np.float32), np.array(self.half, np.float32) - radius, radius)

    @cached_property
    def box(self) -> Box:
        """Lowest and highest corner."""
        half = np.array(self.half)
        return -half, half

    def surface(self) -> Surface:
        """Six grids; texture coordinates start at a corner of each side."""
        half, core = np.array(self.half), np.array(self.half) - self.radius
        ticks = [0.0] if self.radius <= 0 else [0.0, np.sqrt(2) - 1, 1.0]
        tick = np.array([*(-t for t in reversed(ticks)), *ticks])
        sign = np.repeat([-1.0, 1.0], len(ticks))
        n = len(tick)
        grids: list[list[NDArray]] = [[], [], []]
        for tag in range(6):
            a, s = tag // 2, 1.0 - 2 * (tag % 2)
            b, c = (a + 1) % 3, (a + 2) % 3
            way, place = np.empty((n, n, 3)), np.empty((n, n, 3))
            way[..., a], way[..., b], way[..., c] = s, tick[:, None], tick[None]
            way /= np.sqrt((way**2).sum(-1, keepdims=True))
            place[..., a], place[..., b], place[..., c] = s * core[a], sign[:, None] * core[b], sign[None] * core[c]
            place += self.radius * way
            u, v = ((2, 1), (0, 2), (0, 1))[a]
            rest = np.stack([place[..., u] + half[u], place[..., v] + half[v], np.full((n, n), 0.1 * tag)], -1)
            for grid, g in zip(grids, (place, way, rest), strict=True):  # strips along b
                grid.append(np.stack([g[:-1], g[1:]] if s < 0 else [g[1:], g[:-1]], 1))
        return strips(*(np.concatenate(grid) for grid in grids), np.repeat(np.arange(6), n - 1))


@dataclass(frozen=True)
class Tube:
    """A round tube along a smooth line, with hemispheres at its ends, or closed to a ring. Tag 0.

    Attributes:
        line: (x, y, z) points in metres, dense enough for its bends; a closed one should lie in a plane.
        radii: one for each point, metres.
        closed: whether the last point joins the first.
        around: number of corners of a section.
        twist: turns a metre by which the texture winds about the line (the strands of a rope).
    """

    line: tuple[tuple[float, float, float], ...]
    radii: tuple[float, ...]
    closed: bool = False
    around: int = 12
    twist: float = 0.0

    def __post_init__(self) -> None:
        if len(self.line) != len(self.radii) or len(self.line) < 2:
            raise ValueError(
                f"Tube has {len(self.line)} points and {len(self.radii)} radii, expected as many, 2 or more"
            )

    @cached_property
    def _points(self) -> tuple[Array, Array]:
        return np.array(self.line, np.float32), np.array(self.radii, np.float32)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self._points[0])

    def distance(self, points: Array) -> Array:
        """(N, 3) points -> (N,) distances to the chain of cones; of a long chain only the nearest links count."""
        if len(self.line) > 16:
            first, count = self._tree.query(points)[1] - 1, 2
        else:
            first, count = np.zeros(len(points), np.int64), len(self._links[2])
        return tube(np.ascontiguousarray(points, np.float32), first, count, self.closed, *self._links)

    @cached_property
    def _links(self) -> tuple[Array, Array, Array, Array, Array]:
        """(3, L) where links start and (3, L) how they run, (L,) their squared lengths, radii and growth of those."""
        p, r = self._points
        q, s = (np.concatenate([v[1:], v[:1]]) if self.closed else v[1:] for v in (p, r))
        p, r = p[: len(q)], r[: len(q)]
        edge = np.ascontiguousarray((q - p).T)
        square = np.maximum(edge[0] ** 2 + edge[1] ** 2 + edge[2] ** 2, np.float32(1e-14))
        return np.ascontiguousarray(p.T), edge, square, r, s - r

    @cached_property
    def box(self) -> Box:
        """Lowest and highest corner."""
        p, r = (v.astype(np.float64) for v in self._points)
        return (p - r[:, None]).min(0), (p + r[:, None]).max(0)

    def surface(self) -> Surface:
        """Rings along the line; texture runs along it and around."""
        p, r = (v.astype(np.float64) for v in self._points)
        if self.closed:
            p, r = np.concatenate([p, p[:1]]), np.concatenate([r, r[:1]])
        along, side, other = _frames(p, self.closed)
        length = np.concatenate([[0], np.cumsum(np.sqrt((np.diff(p, axis=0) ** 2).sum(1)))])
        lean = np.zeros(len(p))  # how far a section's normals lean along the line
        if not self.closed:
            bow = np.array([1.0, 0.8, 0.5])  # sines of the rings of a hemisphere
            flat = np.sqrt(1 - bow**2)
            p = np.concatenate(
                [p[0] - np.outer(bow * r[0], along[0]), p, p[-1] + np.outer(bow * r[-1], along[-1])[::-1]]
            )
            length = np.concatenate([length[0] - bow * r[0], length, length[-1] + (bow * r[-1])[::-1]])
            r = np.concatenate([flat * r[0], r, (flat * r[-1])[::-1]])
            lean = np.concatenate([-bow, lean, bow[::-1]])
            along, side, other = (np.concatenate([v[:1]] * 3 + [v] + [v[-1:]] * 3) for v in (along, side, other))
        turn = np.arange(self.around + 1)
        angle = (turn % self.around) * (2 * np.pi / self.around)
        out = np.cos(angle)[:, None] * side[:, None] + np.sin(angle)[:, None] * other[:, None]  # (S, T, 3)
        rings = p[:, None] + r[:, None, None] * out
        normals = np.sqrt(1 - lean**2)[:, None, None] * out + (lean[:, None] * along)[:, None]
        width = 2 * np.pi * max(self.radii)
        rest = np.empty_like(rings)
        rest[..., 0] = length[:, None]
        rest[..., 1] = (turn / self.around + self.twist * length[:, None]) * width
        rest[..., 2] = 0.01
        return strips(*(np.stack([v[:-1], v[1:]], 1) for v in (rings, normals, rest)), 0)


def _frames(line: NDArray[np.float64], closed: bool) -> tuple[NDArray, NDArray, NDArray]:
    """Unit vectors along a line and two at right angles to it at every point, turning as little as they can."""
    step = np.diff(line, axis=0)
    step /= np.maximum(np.sqrt((step**2).sum(1, keepdims=True)), 1e-12)
    before = np.concatenate([step[-1:] if closed else step[:1], step])
    after = np.concatenate([step, step[:1] if closed else step[-1:]])
    along = before + after
    along /= np.maximum(np.sqrt((along**2).sum(1, keepdims=True)), 1e-12)
    side = np.empty_like(along)
    last = np.eye(3)[np.argmin(np.abs(along).max(0))]
    for k, t in enumerate(along):
        last = last - t * (last * t).sum()
        last = last / np.sqrt((last**2).sum())
        side[k] = last
    if closed:
        side[-1] = side[0]
    return along, side, np.cross(along, side)


@dataclass(frozen=True)
class Prism:
    """A flat thing: a polygon in the x-z plane with a thickness along y. Tags: 0 side, 1 above (-y), 2 below.

    Attributes:
        outline: (x, z) corners in metres of a simple polygon, either way round.
        half: half the thickness, metres.
        bevel: radius of the round edges between the side and the flats.
    """

    outline: Pairs
    half: float
    bevel: float = 0.0

    @cached_property
    def _outline(self) -> NDArray[np.float64]:
        p = np.array(self.outline)
        q = np.roll(p, -1, axis=0)
        area = (p[:, 0] * q[:, 1] - q[:, 0] * p[:, 1]).sum()
        return p if area > 0 else p[::-1].copy()

    def distance(self, points: Array) -> Array:
        """(N, 3) points -> (N,) distances, exact but for the corners' share in the round edges."""
        points = np.ascontiguousarray(points, np.float32)
        return prism(points, *self._edges, np.float32(self.half), np.float32(self.bevel))

    @cached_property
    def _edges(self) -> tuple[Array, Array]:
        start = self._outline.astype(np.float32)
        return start, np.roll(start, -1, axis=0) - start

    @cached_property
    def box(self) -> Box:
        """Lowest and highest corner."""
        low, high = self._outline.min(0), self._outline.max(0)
        return np.array([low[0], -self.half, low[1]]), np.array([high[0], self.half, high[1]])

    def surface(self) -> Surface:
        """Side walls, round edges and two flats; texture lies in the plane on the flats and runs around the side."""
        p = self._outline
        edge = np.roll(p, -1, axis=0) - p
        start, end = (-n for n in corner_normals(edge, True))  # outwards: (y, -x) of an edge that runs anticlockwise
        wall = np.stack([edge[:, 1], -edge[:, 0]], 1) / np.sqrt((edge**2).sum(1, keepdims=True))
        mitre = wall + np.roll(wall, 1, axis=0)
        mitre /= np.maximum((mitre * wall).sum(1, keepdims=True), 0.3)  # to the offset corner, per metre of offset
        swing = np.radians([0, 45, 90]) if self.bevel > 0 else np.zeros(1)
        rounds = [(self.bevel * (1 - np.cos(a)), self.half - self.bevel * (1 - np.sin(a)), np.sin(a)) for a in swing]
        levels = [*reversed(rounds), *((inset, -y, -lean) for inset, y, lean in rounds)]  # from below to above
        length = np.concatenate([[0], np.cumsum(np.sqrt((edge**2).sum(1)))])
        rows, normals, rests = [], [], []
        for inset, y, lean in levels:
            corner = p - inset * mitre
            ends = np.stack([corner, np.roll(corner, -1, axis=0)], 1)  # (K, 2, 2)
            rows.append(np.stack([ends[..., 0], np.full(ends.shape[:2], y), ends[..., 1]], -1))
            out = np.stack([start, end], 1) * np.sqrt(1 - lean**2)
            normals.append(np.stack([out[..., 0], np.full(ends.shape[:2], lean), out[..., 1]], -1))
            around = np.stack([length[:-1], length[1:]], 1)
            rests.append(np.stack([around, np.full(ends.shape[:2], y), np.full(ends.shape[:2], 0.02)], -1))
        grids = [np.stack(g, 1) for g in (rows, normals, rests)]  # (K, L, 2, 3): each edge of the outline its strip
        levels_apart = [[np.stack([g[:, k], g[:, k + 1]], 1) for k in range(len(levels) - 1)] for g in grids]
        sides = strips(*(np.concatenate(g) for g in levels_apart), 0)
        cap = p - levels[0][0] * mitre
        triangles = triangulated(p)  # the corners of the round edge may cross by a hair, those of the outline do not
        flats = [_flat(cap, triangles, s * self.half, s) for s in (-1, 1)]
        return joined([sides, *flats])


def _flat(outline: NDArray, triangles: NDArray[np.int32], y: float, sign: int) -> Surface:
    """The flat above (-1) or below (1) of a prism."""
    vertices = np.stack([outline[:, 0], np.full(len(outline), y), outline[:, 1]], 1)
    normals = np.broadcast_to([0.0, sign, 0.0], vertices.shape)
    rest = np.stack([outline[:, 0], outline[:, 1], np.full(len(outline), y)], 1)
    # In (x, z) an anticlockwise triangle faces -y.
    faces = triangles if sign < 0 else triangles[:, ::-1]
    return Surface(vertices, faces, normals, rest, np.full(len(faces), 1 if sign < 0 else 2, np.int32))
