"""Points on a hand's skin that move with its joints, many poses at a time: what the search for grasps works with.

Everything here is in the right hand's frame (see `hand_shape`). Skinning is that of `skinning.skin`, restricted to
the three bones of one finger and the palm, so that the points lie on the posed mesh.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand_mesh import hand_mesh
from handseg_lib.synth.hand_shape import NEUTRAL_SPREAD, HandShape, thumb_rotation
from handseg_lib.synth.skinning import quaternion

Array = NDArray[np.float64]
PER_SEGMENT = (14, 16, 26)
"""Points kept on the proximal, middle and distal segment of a finger."""
PALM_POINTS = 44
OWN = 0.6
"""Share of a vertex's weight that its finger and the palm must hold together for it to stand for the finger."""
PAD_ALONG, PAD_DEPTH = 0.55, 0.80
"""Where the pulp's middle lies: fraction of the last segment, and depth relative to the finger's half thickness."""


class HandPoints:
    """Sample points of one hand shape. Make it with `hand_points`, which keeps them.

    Attributes:
        palm: (P, 3) metres, points on the inner side of the palm; they do not move.
        rest: (5, N, 3) metres, points on each finger in the modelling pose, proximal ones first.
        rest_origins: (5, 3, 3) metres, where the bones of each finger start in the modelling pose.
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
            own = shares[:, bones].sum(1) > OWN
            picked[finger] = np.concatenate([
                spread_out(positions, np.flatnonzero(own & (strongest == bone)), count)
                for bone, count in zip(bones[1:], PER_SEGMENT, strict=True)
            ])  # fmt: skip
            weights[finger] = shares[picked[finger]][:, bones]
        self.rest = positions[picked]
        self.segment = np.repeat(np.arange(3), PER_SEGMENT)
        self._weights = weights / weights.sum(-1, keepdims=True)
        inner = (strongest == 0) & (mesh.normals[:, 2] > 0.2) & (positions[:, 1] > 0)
        self.palm = positions[spread_out(positions, np.flatnonzero(inner), PALM_POINTS)]
        rest = shape.rest_frames[1:16].reshape(5, 3, 4, 4)
        self._rest_inverse = np.stack([quaternion(r[0, :3, :3]) for r in rest]) * (1, -1, -1, -1)
        self.rest_origins = rest[:, :, :3, 3]

    def moved(self, fingers: NDArray[np.integer], angles: Array) -> Array:
        """(K, N, 3) points of K posed fingers, in the hand frame.

        Args:
            fingers: (K,) which finger each row poses: all 0 (the thumb), or all of 1 to 4.
            angles: (K, 5) of thumbs or (K, 4) of fingers, as in `HandPose`.
        """
        duals = self._duals(fingers, angles)
        weights = self._weights[fingers]
        blend = sum(weights[:, :, k, None] * duals[:, None, k] for k in range(4))
        return apply_dual(blend, self.rest[fingers])

    def _duals(self, fingers: NDArray[np.integer], angles: Array) -> Array:
        """(K, 4, 8) dual quaternions that move palm, first, middle and last bone from the modelling pose."""
        turns, origins = self.frames(fingers, angles)
        out = np.zeros((len(turns), 4, 8))
        out[:, 0, 0] = 1
        q = times(turns, self._rest_inverse[fingers][:, None])
        for k in range(3):  # on the same side as the bone before, as `skinning.dual_quaternions` has them
            q[:, k] *= np.where((q[:, k] * out[:, k, :4]).sum(1, keepdims=True) < 0, -1, 1)
            out[:, k + 1, :4] = q[:, k]
        t = np.zeros_like(q)
        t[..., 1:] = origins - turned(q, self.rest_origins[fingers])
        out[:, 1:, 4:] = 0.5 * times(t, q)
        return out

    def frames(self, fingers: NDArray[np.integer], angles: Array) -> tuple[Array, Array]:
        """(K, 3, 4) unit quaternions and (K, 3, 3) origins of the bones of K fingers (see `moved`)."""
        angles = np.asarray(angles, np.float64)
        if angles.shape[1] == 5:
            base = np.stack([quaternion(thumb_rotation(*row)) for row in angles[:, :3]])
            bends = np.stack([np.zeros(len(angles)), angles[:, 3], angles[:, 4]], 1)
        else:
            base = about(2, -(NEUTRAL_SPREAD[fingers] + angles[:, 1]))
            bends = angles[:, (0, 2, 3)]
        lengths, position = self.shape.segments[fingers], self.shape.knuckles[fingers]
        turns, origins = np.empty((len(angles), 3, 4)), np.empty((len(angles), 3, 3))
        for k in range(3):
            base = times(base, about(0, bends[:, k]))
            turns[:, k], origins[:, k] = base, position
            position = position + lengths[:, k, None] * axis_of(base, 1)
        return turns, origins

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


def times(a: Array, b: Array) -> Array:
    """Product of quaternions (w, x, y, z): (..., 4) and (..., 4) or (4,)."""
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(np.asarray(b), -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        -1,
    )


def about(axis: int, angles: Array) -> Array:
    """(K, 4) quaternions of turns by (K,) radians about coordinate axis 0, 1 or 2."""
    out = np.zeros((len(angles), 4))
    out[:, 0], out[:, 1 + axis] = np.cos(angles / 2), np.sin(angles / 2)
    return out


def axis_of(q: Array, axis: int) -> Array:
    """(K, 3) where (K, 4) quaternions take a coordinate axis."""
    w, x, y, z = np.moveaxis(q, -1, 0)
    columns = (
        (1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)),
        (2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)),
        (2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack(columns[axis], -1)


def turned(q: Array, points: Array) -> Array:
    """(..., 3) points turned by (..., 4) unit quaternions."""
    x, y, z = (axis_of(q, k) for k in range(3))
    return x * points[..., :1] + y * points[..., 1:2] + z * points[..., 2:]


def apply_dual(blend: Array, points: Array) -> Array:
    """(K, N, 8) weighted dual quaternions and (K, N, 3) points -> (K, N, 3) moved points."""
    blend = blend / np.sqrt((blend[..., :4] ** 2).sum(-1, keepdims=True))
    real, dual = blend[..., :4], blend[..., 4:]
    shift = 2 * times(dual, real * (1, -1, -1, -1))[..., 1:]
    return turned(real, points) + shift
