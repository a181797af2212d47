"""Compiled loops that pose fingers: chains of quaternions (w, x, y, z), and points moved by blended dual quaternions.

Quaternions inside the loops are tuples of four numbers.
"""

import numpy as np

from handseg_lib.synth.compiled import compiled


@compiled
def product(a, b):
    """Product of two quaternions."""
    return (
        a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
        a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
        a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
        a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
    )


@compiled
def rotated(q, p):
    """A point turned by a unit quaternion: p + 2 w (v x p) + 2 v x (v x p)."""
    x, y, z = 2 * (q[2] * p[2] - q[3] * p[1]), 2 * (q[3] * p[0] - q[1] * p[2]), 2 * (q[1] * p[1] - q[2] * p[0])
    return (
        p[0] + q[0] * x + (q[2] * z - q[3] * y),
        p[1] + q[0] * y + (q[3] * x - q[1] * z),
        p[2] + q[0] * z + (q[1] * y - q[2] * x),
    )


@compiled
def bones(fingers, base, bends, lengths, knuckles):
    """Turns (K, 3, 4) and origins (K, 3, 3) of the bones of (K,) fingers.

    Args:
        base: (K, 4) quaternions of their first joints before bending.
        bends: (K, 3) radians of all joints.
    """
    turns, origins = np.empty((len(fingers), 3, 4)), np.empty((len(fingers), 3, 3))
    for n in range(len(fingers)):
        f = fingers[n]
        q, p = (base[n, 0], base[n, 1], base[n, 2], base[n, 3]), (knuckles[f, 0], knuckles[f, 1], knuckles[f, 2])
        for k in range(3):
            q = product(q, (np.cos(bends[n, k] / 2), np.sin(bends[n, k] / 2), 0.0, 0.0))
            for i in range(4):
                turns[n, k, i] = q[i]
            for i in range(3):
                origins[n, k, i] = p[i]
            w, x, y, z = q
            along, length = (2 * (y * x - w * z), 1 - 2 * (z * z + x * x), 2 * (y * z + w * x)), lengths[f, k]
            p = (p[0] + length * along[0], p[1] + length * along[1], p[2] + length * along[2])
    return turns, origins


@compiled
def motions(fingers, turns, origins, rest_inverse, rest_origins):
    """(K, 4, 8) dual quaternions that move palm, first, middle and last bone from the modelling pose."""
    out = np.zeros((len(fingers), 4, 8))
    for n in range(len(fingers)):
        out[n, 0, 0] = 1
        for k in range(3):
            q = product(turns[n, k], rest_inverse[fingers[n]])
            before = out[n, k]
            if q[0] * before[0] + q[1] * before[1] + q[2] * before[2] + q[3] * before[3] < 0:
                q = (-q[0], -q[1], -q[2], -q[3])  # on the same side as the bone before, as in `skinning`
            p = rotated(q, rest_origins[fingers[n], k])
            t = product((0.0, origins[n, k, 0] - p[0], origins[n, k, 1] - p[1], origins[n, k, 2] - p[2]), q)
            for i in range(4):
                out[n, k + 1, i], out[n, k + 1, 4 + i] = q[i], 0.5 * t[i]
    return out


@compiled
def blended(duals, line, fingers, point, weights, rest):
    """(M, 3) points `point` of fingers, those of lines `line` of (K,) `fingers` and of their (K, 4, 8) `duals`."""
    out, b = np.empty((len(line), 3)), np.empty(8)
    for m in range(len(line)):
        n, f, i = line[m], fingers[line[m]], point[m]
        for c in range(8):
            b[c] = 0
            for k in range(4):
                b[c] += weights[f, i, k] * duals[n, k, c]
        length = np.sqrt(b[0] ** 2 + b[1] ** 2 + b[2] ** 2 + b[3] ** 2)
        w, x, y, z = b[0] / length, b[1] / length, b[2] / length, b[3] / length
        dw, dx, dy, dz = b[4] / length, b[5] / length, b[6] / length, b[7] / length
        p = rotated((w, x, y, z), rest[f, i])
        out[m, 0] = p[0] + 2 * (w * dx - dw * x + (y * dz - z * dy))
        out[m, 1] = p[1] + 2 * (w * dy - dw * y + (z * dx - x * dz))
        out[m, 2] = p[2] + 2 * (w * dz - dw * z + (x * dy - y * dx))
    return out
