"""Dual quaternion skinning (Kavan et al. 2008): bent joints keep their thickness, unlike with blended matrices."""

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.people.arms import cross3

PARENT = (0, *(0 if s == 0 else 3 * f + s for f in range(5) for s in range(3)), 0)
"""Bone of `BONES` from which each bone hangs."""


def skin(
    rest: NDArray[np.float32], bones: NDArray[np.int32], weights: NDArray[np.float32], motions: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Move the vertices of a mesh with its bones.

    Args:
        rest: (V, 3) vertices in the rest pose.
        bones: (V, K) bones that move each vertex.
        weights: (V, K) their shares.
        motions: (B, 4, 4) rigid motion of each bone from the rest pose.

    Returns:
        (V, 3) moved vertices and (V, 3, 3) the rotation at each.
    """
    duals = dual_quaternions(motions).astype(np.float32)
    blend = sum(weights[:, k, None] * duals[bones[:, k]] for k in range(bones.shape[1]))
    blend /= np.sqrt(blend[:, 0] ** 2 + blend[:, 1] ** 2 + blend[:, 2] ** 2 + blend[:, 3] ** 2)[:, None]
    w, x, y, z, dw, dx, dy, dz = np.ascontiguousarray(blend.T)
    rotation = np.empty((len(rest), 3, 3), np.float32)
    rotation[:, 0, 0], rotation[:, 1, 1], rotation[:, 2, 2] = (
        1 - 2 * (y * y + z * z), 1 - 2 * (x * x + z * z), 1 - 2 * (x * x + y * y)
    )  # fmt: skip
    rotation[:, 0, 1], rotation[:, 1, 0] = 2 * (x * y - w * z), 2 * (x * y + w * z)
    rotation[:, 0, 2], rotation[:, 2, 0] = 2 * (x * z + w * y), 2 * (x * z - w * y)
    rotation[:, 1, 2], rotation[:, 2, 1] = 2 * (y * z - w * x), 2 * (y * z + w * x)
    shift = 2 * np.stack(
        [
            w * dx - dw * x + y * dz - z * dy,
            w * dy - dw * y + z * dx - x * dz,
            w * dz - dw * z + x * dy - y * dx,
        ],
        1,
    )
    moved = rotation[..., 0] * rest[:, :1] + rotation[..., 1] * rest[:, 1:2] + rotation[..., 2] * rest[:, 2:3]
    return moved + shift, rotation


def dual_quaternions(motions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(17, 4, 4) rigid motions -> (17, 8) unit dual quaternions, each on the same side as its parent's."""
    out = np.zeros((len(motions), 8))
    for bone, motion in enumerate(motions):
        q = quaternion(motion[:3, :3])
        if q @ out[PARENT[bone], :4] < 0:
            q = -q
        t = motion[:3, 3]
        out[bone, :4] = q
        out[bone, 4] = -0.5 * (t @ q[1:])
        out[bone, 5:] = 0.5 * (q[0] * t + cross3(t, q[1:]))
    return out


def quaternion(r: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit quaternion (w, x, y, z) of a 3x3 rotation, from its largest component for accuracy."""
    squares = np.array([1 + r[0, 0] + r[1, 1] + r[2, 2], 1 + r[0, 0] - r[1, 1] - r[2, 2],
                        1 - r[0, 0] + r[1, 1] - r[2, 2], 1 - r[0, 0] - r[1, 1] + r[2, 2]])  # fmt: skip
    wx, wy, wz = r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]
    xy, xz, yz = r[0, 1] + r[1, 0], r[0, 2] + r[2, 0], r[1, 2] + r[2, 1]
    rows = np.array([[squares[0], wx, wy, wz], [wx, squares[1], xy, xz], [wy, xy, squares[2], yz],
                     [wz, xz, yz, squares[3]]])  # fmt: skip
    q = rows[squares.argmax()]
    return q / np.sqrt((q * q).sum())
