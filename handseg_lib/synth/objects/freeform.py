"""Shapes without a formula: lofts along bent lines, sheets of cloth, and any shape stretched or bent.

Their distance comes from their mesh: the nearest of many points on it, with the surface's slope there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from handseg_lib.synth.mesh import vertex_normals
from handseg_lib.synth.objects.distance_loops import cloud
from handseg_lib.synth.objects.shapes import Box
from handseg_lib.synth.objects.surface import Array, Surface, joined, strips

SPACING = 0.0025
"""Distance between the points that stand for a surface, metres."""
COARSE = 0.01
FAR = 0.025
"""Distance beyond which a choice of these points, `COARSE` apart, is good enough, metres."""


@dataclass(frozen=True, eq=False)
class Freeform:
    """A closed mesh as a shape; its distance is computed from points on it about `spacing` metres apart."""

    mesh: Surface
    spacing: float = SPACING

    def surface(self) -> Surface:
        """The mesh itself."""
        return self.mesh

    @cached_property
    def box(self) -> Box:
        """Lowest and highest corner."""
        return self.mesh.vertices.min(axis=0), self.mesh.vertices.max(axis=0)

    @cached_property
    def _fine(self) -> "Cloud":
        return Cloud(*scattered(self.mesh, self.spacing))

    @cached_property
    def _coarse(self) -> "Cloud":
        points, normals = self._fine.points, self._fine.normals
        cell = np.floor(points / COARSE).astype(np.int64)
        key = (cell[:, 0] * 4096 + cell[:, 1]) * 4096 + cell[:, 2]
        first = np.unique(key, return_index=True)[1]
        return Cloud(points[first], normals[first])

    def distance(self, points: Array) -> Array:
        """(N, 3) points -> (N,) distances: to a fraction of a millimetre near the surface, to 2 mm far from it."""
        out = self._coarse.distance(points, COARSE)
        close = np.flatnonzero(out < FAR)
        if len(close):
            out[close] = self._fine.distance(points[close], self.spacing)
        return out


class Cloud:
    """Points of a surface with its (M, 3) normals there, ready to be searched."""

    def __init__(self, points: Array, normals: Array) -> None:
        self.points, self.normals, self._tree = points, normals, cKDTree(points)

    def distance(self, points: Array, spacing: float) -> Array:
        """(N, 3) points -> (N,) signed distances to the surface that the points, `spacing` apart, stand for."""
        far, nearest = self._tree.query(points)
        return cloud(points, far, nearest, self.points, self.normals, np.float32(0.6 * spacing))


def scattered(surface: Surface, spacing: float) -> tuple[Array, Array]:
    """(M, 3) points at most `spacing` metres apart all over a surface, and the (M, 3) unit normals there."""
    corners, normals = surface.vertices[surface.faces], surface.normals[surface.faces]
    longest = np.sqrt(((corners - np.roll(corners, 1, axis=1)) ** 2).sum(2)).max(axis=1)
    level = np.clip(np.ceil(longest / spacing), 1, 40).astype(int)
    points, slopes = [], []
    for n in np.unique(level):
        here = level == n
        i, j = (v.ravel() for v in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
        i, j = i[i + j < n], j[i + j < n]
        weights = np.stack([i, j, n - 1 - i - j], 1) + 1 / 3
        weights = (weights / n).astype(np.float32)
        for out, values in ((points, corners), (slopes, normals)):
            out.append(sum(weights[:, k, None] * values[here][:, None, k] for k in range(3)).reshape(-1, 3))
    normal = np.concatenate(slopes)
    return np.concatenate(points), normal / np.maximum(np.sqrt((normal**2).sum(1, keepdims=True)), 1e-9)


def smooth(surface: Surface) -> Surface:
    """The surface with normals averaged over all vertices that lie at one place, sharp edges included."""
    _, same = np.unique(np.round(surface.vertices * 1e6).astype(np.int64), axis=0, return_inverse=True)
    same = same.ravel()
    first = np.zeros(same.max() + 1, np.int64)
    first[same] = np.arange(len(same))
    welded = vertex_normals(surface.vertices[first], same[surface.faces].astype(np.int32))
    return Surface(surface.vertices, surface.faces, welded[same], surface.rest, surface.tags)


def bent(surface: Surface, move: Callable[[Array], ArrayLike]) -> Freeform:
    """A surface with its vertices moved: `move` takes (N, 3) points to (N, 3), smoothly and without mirroring.

    Normals are carried by the inverse transpose of the move's derivative.
    """
    v = surface.vertices.astype(np.float64)
    step = 1e-5
    columns = [(np.asarray(move(v + e)) - np.asarray(move(v - e))) / (2 * step) for e in np.eye(3) * step]
    a, b, c = columns
    cofactor = (np.cross(b, c), np.cross(c, a), np.cross(a, b))
    normals = sum(surface.normals[:, k, None] * cofactor[k] for k in range(3))
    normals /= np.maximum(np.sqrt((normals**2).sum(1, keepdims=True)), 1e-15)
    moved = np.asarray(move(v)).astype(np.float32)
    return Freeform(Surface(moved, surface.faces, normals.astype(np.float32), surface.rest, surface.tags))


def stretched(surface: Surface, factors: tuple[float, float, float]) -> Freeform:
    """A surface made longer or shorter along the axes."""
    return bent(surface, lambda p: p * np.array(factors))


def loft(
    line: ArrayLike,
    side: ArrayLike,
    up: ArrayLike,
    down: ArrayLike | None = None,
    power: ArrayLike = 2.0,
    around: int = 24,
    sideways: tuple[float, float, float] = (0.0, 0.0, 1.0),
    tags: ArrayLike = 0,
) -> Freeform:
    """Sections strung along a line; the ends are closed flat, or round where the last sections shrink.

    Args:
        line: (S, 3) metres.
        side: (S,) half widths along `sideways`.
        up, down: (S,) half heights to both sides of the line; `up` is where sideways x forward points away from,
            which is -y for a line along +x. `down` is like `up` unless given.
        power: (S,) or one: 2 makes ellipses, more makes them boxier.
        around: corners of a section.
        sideways: roughly where the sections' width points.
        tags: (S - 1,) or one.
    """
    p = np.asarray(line, np.float64)
    s = len(p)
    side, up, power = (np.broadcast_to(np.asarray(v, np.float64), s) for v in (side, up, power))
    down = up if down is None else np.broadcast_to(np.asarray(down, np.float64), s)
    along = np.gradient(p, axis=0)
    along /= np.sqrt((along**2).sum(1, keepdims=True))
    across = np.asarray(sideways, np.float64) - along * (along * np.asarray(sideways)).sum(1, keepdims=True)
    across /= np.sqrt((across**2).sum(1, keepdims=True))
    upward = -np.cross(across, along)  # along x, across z: away from +y
    turn = np.arange(around + 1)
    angle = (turn % around) * (2 * np.pi / around)
    c, q = np.cos(angle), np.sin(angle)
    exponent = (2 / power)[:, None]
    x = np.sign(c) * np.abs(c) ** exponent * side[:, None]
    y = np.sign(q) * np.abs(q) ** exponent * np.where(q < 0, down[:, None], up[:, None])
    rings = p[:, None] + x[..., None] * across[:, None] + y[..., None] * upward[:, None]
    rings[:, -1] = rings[:, 0]
    rest = np.empty_like(rings)
    rest[..., 0] = np.concatenate([[0], np.cumsum(np.sqrt((np.diff(p, axis=0) ** 2).sum(1)))])[:, None]
    rest[..., 1] = turn / around * np.pi * (side.max() + up.max())
    rest[..., 2] = 0.01
    return Freeform(_lofted(rings, p[[0, -1]], rest, np.broadcast_to(np.asarray(tags, np.int32), s - 1)))


def _lofted(rings: NDArray, ends: NDArray, rest: NDArray, tags: NDArray) -> Surface:
    """The sections joined, and closed with a fan around the middle of the first and of the last."""
    body = _skin(np.stack([rings[:-1], rings[1:]], 1), np.stack([rest[:-1], rest[1:]], 1), tags)
    fans = [np.broadcast_to(end, rings[0].shape) for end in ends]
    first = _skin(np.stack([fans[0], rings[0]])[None], np.stack([rest[0]] * 2)[None], tags[:1])
    last = _skin(np.stack([rings[-1], fans[1]])[None], np.stack([rest[-1]] * 2)[None], tags[-1:])
    return joined([smooth(part) for part in (body, first, last)])


def _skin(rings: NDArray, rest: NDArray, tags: NDArray) -> Surface:
    return strips(rings, np.zeros_like(rings), rest, tags)


def sheet(grid: ArrayLike, thickness: float) -> Freeform:
    """A cloth: a (R, C, 3) grid of points with a thickness, its hems round enough to look soft."""
    g = np.asarray(grid, np.float64)
    rows, cols = g.shape[:2]
    normals = np.cross(np.gradient(g, axis=0), np.gradient(g, axis=1))
    normals /= np.maximum(np.sqrt((normals**2).sum(-1, keepdims=True)), 1e-15)
    flat = np.stack(np.meshgrid(_arc(g, 0), _arc(g, 1), indexing="ij"), -1)
    rest = np.concatenate([flat, np.zeros((rows, cols, 1))], -1)
    upper, lower = g + normals * (thickness / 2), g - normals * (thickness / 2)
    loop = np.concatenate([
        np.arange(cols), cols * np.arange(1, rows) + cols - 1,
        np.arange(rows * cols - 2, (rows - 1) * cols - 1, -1), cols * np.arange(rows - 2, -1, -1),
    ])  # fmt: skip
    hems = [v.reshape(-1, 3)[loop] for v in (upper, lower)]
    hem_rest = np.stack([rest.reshape(-1, 3)[loop]] * 2)
    parts = [
        _skin(np.stack([upper[:-1], upper[1:]], 1), np.stack([rest[:-1], rest[1:]], 1), np.zeros(rows - 1, np.int32)),
        _skin(np.stack([lower[1:], lower[:-1]], 1), np.stack([rest[1:], rest[:-1]], 1), np.zeros(rows - 1, np.int32)),
        _skin(np.stack(hems[::-1])[None], hem_rest[None], np.zeros(1, np.int32)),
    ]
    return Freeform(_outward(parts), 2 * SPACING)


def _outward(parts: list[Surface]) -> Surface:
    """The parts of a closed surface, joined, with its faces turned outwards and its normals smooth throughout."""
    whole = joined(parts)
    a, b, c = (whole.vertices[whole.faces[:, k]].astype(np.float64) for k in range(3))
    if (a * np.cross(b, c)).sum() < 0:
        whole = Surface(
            whole.vertices, np.ascontiguousarray(whole.faces[:, ::-1]), whole.normals, whole.rest, whole.tags
        )
    return smooth(whole)


def _arc(grid: NDArray, axis: int) -> NDArray:
    """Mean arc length of a grid's lines along an axis, metres."""
    step = np.sqrt((np.diff(grid, axis=axis) ** 2).sum(-1)).mean(axis=1 - axis)
    return np.concatenate([[0], np.cumsum(step)])
