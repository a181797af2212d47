"""Dual quaternion skinning (Kavan et al. 2008): bent joints keep their thickness, unlike with blended matrices."""

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand.skin_loops import skinned
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
    return skinned(rest, bones, weights, duals)


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
