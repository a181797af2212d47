"""Short ways to common shapes: turned solids, vessels, tubes, discs, labels, blocks and flat outlines."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handseg_lib.synth.objects.shapes import Lathe, Prism, RoundBox, Tube, pairs
from handseg_lib.synth.objects.surface import rounded, spline
from handseg_lib.synth.shading import Material

Look = dict[str, Material]
Rng = np.random.Generator


def turned(points: ArrayLike, radius: ArrayLike = 0.0, tags: ArrayLike = (), around: int = 36) -> Lathe:
    """A lathe of (K, 2) profile points with rounded corners; each of the K - 1 edges' tags stays with its edge."""
    p = np.asarray(points, np.float64)
    q = rounded(p, radius)
    if not len(np.atleast_1d(tags)):
        return Lathe(pairs(q), around=around)
    a, b = p[:-1], p[1:]
    middle = (q[:-1] + q[1:]) / 2
    t = ((middle[:, None] - a) * (b - a)).sum(-1) / np.maximum(((b - a) ** 2).sum(-1), 1e-12)
    gap = ((middle[:, None] - a - np.clip(t, 0, 1)[..., None] * (b - a)) ** 2).sum(-1)
    return Lathe(pairs(q), tuple(int(np.asarray(tags)[k]) for k in gap.argmin(1)), around)


def hollow(outer: NDArray, wall: float, around: int = 40) -> Lathe:
    """A vessel: the outer profile from the middle of its base to its rim, a wall, and the inside. Tags: 0 out, 1 in."""
    p = np.asarray(outer, np.float64)
    edge = np.diff(p, axis=0)
    normal = np.stack([-edge[:, 1], edge[:, 0]], 1) / np.sqrt((edge**2).sum(1, keepdims=True))
    mean = np.concatenate([normal[:1], normal[:-1] + normal[1:], normal[-1:]])
    mean /= np.sqrt((mean**2).sum(1, keepdims=True))
    ahead = np.concatenate([normal, normal[-1:]])
    inner = p - wall * mean / np.maximum((mean * ahead).sum(1, keepdims=True), 0.5)
    inner[:, 0] = np.maximum(inner[:, 0], 0)
    last = edge[-1] / np.sqrt((edge[-1] ** 2).sum())
    lip = (p[-1] + inner[-1]) / 2 + last * wall * 0.4
    profile = np.concatenate([p, [lip], inner[::-1]])
    return Lathe(pairs(profile), (0,) * (len(p) - 1) + (0, 1) + (1,) * (len(p) - 1), around)


def tube(points: ArrayLike, radius: ArrayLike, count: int = 16, **options: object) -> Tube:
    """A tube through (K, 3) points; `radius` is one for all, or (K,)."""
    p = np.asarray(points, np.float64)
    r = np.broadcast_to(np.asarray(radius, np.float64), len(p))
    fine = spline(np.concatenate([p, r[:, None]], 1), count, bool(options.get("closed", False)))
    line = tuple(tuple(float(v) for v in q) for q in fine[:, :3])
    return Tube(line, tuple(float(v) for v in fine[:, 3]), **options)


def disc(radius: float, thickness: float, bevel: float = 0.0) -> Lathe:
    """A flat cylinder on y = 0."""
    return turned([(0, 0), (radius, 0), (radius, -thickness), (0, -thickness)], bevel)


def band(radius: float, low: float, high: float, thickness: float = 0.0004, around: int = 36) -> Lathe:
    """A label around a round body of some radius, between two heights (y = -low to -high)."""
    r, out = radius - 0.001, radius + thickness
    return Lathe(((r, -low), (out, -low), (out, -high), (r, -high)), closed=True, around=around)


def block(x: float, y: float, z: float, radius: float = 0.0) -> RoundBox:
    """A box of these full sizes, with its edges rounded."""
    return RoundBox((x / 2, y / 2, z / 2), radius)


def plank(outline: ArrayLike, thickness: float, corner: ArrayLike = 0.0, bevel: float = 0.0, steps: int = 3) -> Prism:
    """A flat thing of a (K, 2) outline in x and z with rounded corners, `thickness` thick about y = 0."""
    return Prism(pairs(rounded(outline, corner, closed=True, steps=steps)), thickness / 2, bevel)


def ellipse(x: float, z: float, count: int = 32) -> NDArray[np.float64]:
    """(count, 2) corners of an ellipse of these half sizes."""
    a = np.arange(count) * (2 * np.pi / count)
    return np.stack([x * np.cos(a), z * np.sin(a)], 1)


def ring(x: float, z: float, radius: float, count: int = 28) -> Tube:
    """A closed elliptical wire in the x-z plane, of these half sizes to the middle of the wire."""
    line = tuple((float(a), 0.0, float(b)) for a, b in ellipse(x, z, count))
    return Tube(line, (radius,) * count, closed=True, around=10)
