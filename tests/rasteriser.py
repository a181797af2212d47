"""A second way to what a camera sees: triangles painted into a z-buffer, in float64, with no ray and no Embree.

Slow and obvious: every triangle is cut at a near plane, projected, and every pixel centre of its bounding box is
tested against its three edges; 1/z is linear in the image and so are weights divided by z.
"""

from dataclasses import dataclass

import numpy as np

NEAR = 0.01


@dataclass
class Fragments:
    """Pixels covered by triangles, before anything hides anything.

    Flat pixel, face, depth (m), (N, 3) weights, and whether the face shows its outer side.
    """

    pixel: np.ndarray
    face: np.ndarray
    depth: np.ndarray
    weights: np.ndarray
    front_side: np.ndarray

    def front(self, count: int, keep: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The nearest kept fragment of each of `count` pixels (index of it, -1 for none), and its depth (inf)."""
        which = np.arange(len(self.pixel)) if keep is None else np.flatnonzero(keep)
        order = which[np.lexsort((self.depth[which], self.pixel[which]))]
        first = np.ones(len(order), bool)
        first[1:] = self.pixel[order][1:] != self.pixel[order][:-1]
        nearest, depth = np.full(count, -1), np.full(count, np.inf)
        nearest[self.pixel[order][first]] = order[first]
        depth[self.pixel[order][first]] = self.depth[order][first]
        return nearest, depth


def rasterise(vertices: np.ndarray, faces: np.ndarray, k) -> Fragments:
    """Paint triangles given in the camera's frame.

    Args:
        vertices: (V, 3) metres.
        faces: (F, 3).
        k: `Intrinsics`.
    """
    corners, face, bary = _clipped(vertices.astype(np.float64)[faces])
    z = corners[..., 2]
    x, y = corners[..., 0] / z * k.fx + k.cx, corners[..., 1] / z * k.fy + k.cy
    x0, x1 = (np.clip(f(v), 0, n).astype(int) for f, v, n in _bounds(x, k.width))
    y0, y1 = (np.clip(f(v), 0, n).astype(int) for f, v, n in _bounds(y, k.height))
    wide, high = np.maximum(x1 - x0, 0), np.maximum(y1 - y0, 0)
    triangle = np.repeat(np.arange(len(x)), wide * high)
    place = np.arange(len(triangle)) - np.repeat(np.cumsum(wide * high) - wide * high, wide * high)
    px, py = x0[triangle] + place % np.maximum(wide[triangle], 1), y0[triangle] + place // np.maximum(wide[triangle], 1)
    tx, ty = x[triangle], y[triangle]
    area = _edge(tx[:, 0], ty[:, 0], tx[:, 1], ty[:, 1], tx[:, 2], ty[:, 2])
    edges = np.stack([_edge(tx[:, i], ty[:, i], tx[:, j], ty[:, j], px, py) for i, j in ((1, 2), (2, 0), (0, 1))], 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = edges / area[:, None]
    inside = (flat >= 0).all(axis=1)
    triangle, flat = triangle[inside], flat[inside]
    over_z = flat / z[triangle]
    depth = 1 / over_z.sum(axis=1)
    weights = (over_z * depth[:, None])[:, None] @ bary[triangle]
    return Fragments((py * k.width + px)[inside], face[triangle], depth, weights[:, 0], area[inside] < 0)


def _bounds(values: np.ndarray, size: int) -> list:
    """First pixel and end of the pixel range between the smallest and the largest of a triangle's coordinates."""
    return [(np.ceil, values.min(axis=1), size), (lambda v: np.floor(v) + 1, values.max(axis=1), size)]


def _edge(ax, ay, bx, by, px, py):
    """Twice the signed area of the triangle a, b, p."""
    return (bx - ax) * (py - ay) - (by - ay) * (px - ax)


def _clipped(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles cut at the near plane: corners (M, 3, 3), the face each came from, weights (M, 3, 3) of its corners."""
    before = corners[..., 2] > NEAR
    whole = np.flatnonzero(before.all(axis=1))
    out, owner, bary = [corners[whole]], [whole], [np.tile(np.eye(3), (len(whole), 1, 1))]
    for face in np.flatnonzero(before.any(axis=1) & ~before.all(axis=1)):
        ring = []
        for i in range(3):
            j = (i + 1) % 3
            if before[face, i]:
                ring.append(np.eye(3)[i])
            if before[face, i] != before[face, j]:
                zi, zj = corners[face, i, 2], corners[face, j, 2]
                t = (NEAR - zi) / (zj - zi)
                ring.append((1 - t) * np.eye(3)[i] + t * np.eye(3)[j])
        for i in range(1, len(ring) - 1):
            weights = np.stack([ring[0], ring[i], ring[i + 1]])
            out.append((weights @ corners[face])[None])
            owner.append(np.array([face]))
            bary.append(weights[None])
    return np.concatenate(out), np.concatenate(owner), np.concatenate(bary)
