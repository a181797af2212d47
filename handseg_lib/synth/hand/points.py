"""Points on a hand's skin that move with its joints, many poses at a time: what the search for grasps works with.

Everything here is in the right hand's frame (see `hand.shape`). Skinning is that of `skinning.skin`, restricted to
the three bones of one finger and the palm, so that the points lie on the posed mesh.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand.mesh import hand_mesh
from handseg_lib.synth.hand.pose_loops import blended, bones, motions
from handseg_lib.synth.hand.shape import NEUTRAL_SPREAD, THUMB_REST, HandShape
from handseg_lib.synth.hand.skinning import quaternion

Array = NDArray[np.float64]
PER_SEGMENT = (14, 16, 26)
"""Points kept on the proximal, middle and distal segment of a finger."""
PALM_POINTS = 72
OWN = 0.6
"""Share of a vertex's weight that its finger and the palm must hold together for it to stand for the finger."""
PAD_ALONG, PAD_DEPTH = 0.55, 0.80
"""Where the pulp's middle lies: fraction of the last segment, and depth relative to the finger's half thickness."""


class HandPoints:
    """Sample points of one hand shape. Make it with `hand.points`, which keeps them.

    Attributes:
        palm: (P, 3) metres, points on the inner side of the palm; they do not move.
        rest: (5, N, 3) metres, points on each finger in the modelling pose, proximal ones first.
        rest_origins: (5, 3, 3) metres, where the bones of each finger start in the modelling pose.
        along: (5, N) metres along its own segment at which a point lies.
        segment: (N,) which of a finger's segments a point belongs to, 0 to 2.
    """

    def __init__(self, shape: HandShape) -> None:
        self.shape = shape
        mesh = hand_mesh(shape)
        strongest, positions = mesh.bones[:, 0], mesh.vertices.astype(np.float64)
        shares = np.zeros((len(positions), 17))
        np.put_along_axis(shares, mesh.bones, mesh.weights.astype(np.float64), 1)
        picked = np.empty((5, sum(PER_SEGMENT)), np.int64)
        weights = np.empty((*picked.shape, 4))
        for finger in range(5):
            bones = [0, 1 + 3 * finger, 2 + 3 * finger, 3 + 3 * finger]
            # The backs of the first segments touch nothing that a hand closes on.
            own = (shares[:, bones].sum(1) > OWN) & ((strongest != bones[1]) | (mesh.normals[:, 2] > -0.3))
            picked[finger] = np.concatenate([
                spread_out(positions, np.flatnonzero(own & (strongest == bone)), count)
                for bone, count in zip(bones[1:], PER_SEGMENT, strict=True)
            ])  # fmt: skip
            weights[finger] = shares[picked[finger]][:, bones]
        self.rest = positions[picked]
        self.segment = np.repeat(np.arange(3), PER_SEGMENT)
        self._weights = weights / weights.sum(-1, keepdims=True)
        inner = (strongest == 0) & (mesh.normals[:, 2] > -0.1) & (positions[:, 1] > 0)
        self.palm = positions[spread_out(positions, np.flatnonzero(inner), PALM_POINTS)]
        rest = shape.rest_frames[1:16].reshape(5, 3, 4, 4)
        self._rest_inverse = np.stack([quaternion(r[0, :3, :3]) for r in rest]) * (1, -1, -1, -1)
        self.rest_origins = np.ascontiguousarray(rest[:, :, :3, 3])
        offset = self.rest - self.rest_origins[:, self.segment]
        self.along = (offset * rest[:, 0, None, :3, 1]).sum(-1)

    def moved(self, fingers: NDArray[np.integer], angles: Array) -> Array:
        """(K, N, 3) points of K posed fingers, in the hand frame.

        Args:
            fingers: (K,) which finger each row poses: all 0 (the thumb), or all of 1 to 4.
            angles: (K, 5) of thumbs or (K, 4) of fingers, as in `HandPose`.
        """
        count = self.rest.shape[1]
        line, point = np.divmod(np.arange(len(fingers) * count), count)
        return self.some_moved(fingers, angles, line, point).reshape(len(fingers), count, 3)

    def some_moved(
        self, fingers: NDArray[np.integer], angles: Array, line: NDArray[np.integer], point: NDArray[np.integer]
    ) -> Array:
        """(M, 3) some of the points that `moved` gives: (M,) their rows `line` and places `point` there."""
        turns, origins = self.frames(fingers, angles)
        duals = motions(fingers, turns, origins, self._rest_inverse, self.rest_origins)
        return blended(duals, line, fingers, point, self._weights, self.rest)

    def frames(self, fingers: NDArray[np.integer], angles: Array) -> tuple[Array, Array]:
        """(K, 3, 4) unit quaternions and (K, 3, 3) origins of the bones of K fingers (see `moved`)."""
        angles = np.asarray(angles, np.float64)
        if angles.shape[1] == 5:
            base = thumb_turns(*angles[:, :3].T)
            bends = np.stack([np.zeros(len(angles)), angles[:, 3], angles[:, 4]], 1)
        else:
            base = about(2, -(NEUTRAL_SPREAD[fingers] + angles[:, 1]))
            bends = angles[:, (0, 2, 3)]
        return bones(fingers, base, bends, self.shape.segments, self.shape.knuckles)

    def pads(self, fingers: NDArray[np.integer], angles: Array) -> tuple[Array, Array]:
        """(K, 3) middle of the fingertips' pulp in metres and (K, 3) the direction in which it faces."""
        turns, origins = self.frames(fingers, angles)
        facing, along = axis_of(turns[:, 2], 2), axis_of(turns[:, 2], 1)
        reach = PAD_ALONG * self.shape.segments[fingers, 2, None]
        return origins[:, 2] + reach * along + PAD_DEPTH * self.shape.thickness[fingers, None] * facing, facing


@lru_cache(maxsize=64)
def hand_points(shape: HandShape) -> HandPoints:
    """The sample points of a shape, made once in each process."""
    return HandPoints(shape)


def spread_out(positions: Array, candidates: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """(count,) of the candidates, each the farthest from those before it; some repeat where there are too few."""
    points = positions[candidates]
    chosen = [0]
    nearest = ((points - points[0]) ** 2).sum(1)
    while len(chosen) < count:
        chosen.append(int(np.round(nearest, 12).argmax()))
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(1))
    return candidates[np.sort(chosen)]


def thumb_turns(radial: Array, palmar: Array, twist: Array) -> Array:
    """(K, 4) quaternions of `hand.shape.thumb_rotation` for (K,) angles."""
    pronation = np.radians(58) + 0.35 * (palmar - THUMB_REST[1]) - 0.6 * (radial - THUMB_REST[0]) + twist
    return times(times(about(2, -radial), about(0, palmar)), about(1, -pronation))


def times(a: Array, b: Array) -> Array:
    """Product of quaternions (w, x, y, z): (..., 4) and (..., 4) or (4,)."""
    aw, ax, ay, az = (a[..., k] for k in range(4))
    bw, bx, by, bz = (b[..., k] for k in range(4))
    out = np.empty(np.broadcast_shapes(a.shape, b.shape))
    out[..., 0] = aw * bw - ax * bx - ay * by - az * bz
    out[..., 1] = aw * bx + ax * bw + ay * bz - az * by
    out[..., 2] = aw * by - ax * bz + ay * bw + az * bx
    out[..., 3] = aw * bz + ax * by - ay * bx + az * bw
    return out


def about(axis: int, angles: Array) -> Array:
    """(K, 4) quaternions of turns by (K,) radians about coordinate axis 0, 1 or 2."""
    out = np.zeros((len(angles), 4))
    out[:, 0], out[:, 1 + axis] = np.cos(angles / 2), np.sin(angles / 2)
    return out


def axis_of(q: Array, axis: int) -> Array:
    """(..., 3) where (..., 4) unit quaternions take a coordinate axis."""
    w, u, v, p = (q[..., i] for i in (0, 1 + axis, 1 + (axis + 1) % 3, 1 + (axis + 2) % 3))
    out = np.empty((*q.shape[:-1], 3))
    out[..., axis] = 1 - 2 * (v * v + p * p)
    out[..., (axis + 1) % 3] = 2 * (u * v + w * p)
    out[..., (axis + 2) % 3] = 2 * (u * p - w * v)
    return out
