"""Compiled loops over a hand's vertices and over the pixels of its skin's charts."""

import numpy as np

from handseg_lib.synth.compiled import compiled


@compiled
def skinned(rest, bones, weights, duals):
    """`skinning.skin` with (B, 8) float32 dual quaternions: (V, 3) moved vertices, (V, 3, 3) float32 rotations."""
    moved, turns = np.empty((len(rest), 3), rest.dtype), np.empty((len(rest), 3, 3), np.float32)
    b, shift, one, two = np.empty(8, np.float32), np.empty(3, np.float32), np.float32(1), np.float32(2)
    for v in range(len(rest)):
        for c in range(8):
            b[c] = 0
            for k in range(bones.shape[1]):
                b[c] += weights[v, k] * duals[bones[v, k], c]
        length = np.sqrt(b[0] * b[0] + b[1] * b[1] + b[2] * b[2] + b[3] * b[3])
        for c in range(8):
            b[c] /= length
        w, x, y, z, dw, dx, dy, dz = b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]
        r = turns[v]
        r[0, 0], r[1, 1], r[2, 2] = (
            one - two * (y * y + z * z),
            one - two * (x * x + z * z),
            one - two * (x * x + y * y),
        )
        r[0, 1], r[1, 0] = two * (x * y - w * z), two * (x * y + w * z)
        r[0, 2], r[2, 0] = two * (x * z + w * y), two * (x * z - w * y)
        r[1, 2], r[2, 1] = two * (y * z - w * x), two * (y * z + w * x)
        shift[0] = two * (w * dx - dw * x + y * dz - z * dy)
        shift[1] = two * (w * dy - dw * y + z * dx - x * dz)
        shift[2] = two * (w * dz - dw * z + x * dy - y * dx)
        for i in range(3):
            moved[v, i] = r[i, 0] * rest[v, 0] + r[i, 1] * rest[v, 1] + r[i, 2] * rest[v, 2] + shift[i]
    return moved, turns


@compiled
def line_share(x, y, nodes):
    """(h, w) how much of a soft line covers pixels at (w,) x and (h,) y; nodes: (K, 4) x, y, half width, strength."""
    out = np.zeros((len(y), len(x)))
    for k in range(len(nodes) - 1):
        a, d = nodes[k], nodes[k + 1] - nodes[k]
        square = d[0] * d[0] + d[1] * d[1]
        for j in range(len(y)):
            for i in range(len(x)):
                u, v = x[i] - a[0], y[j] - a[1]
                t = min(max((u * d[0] + v * d[1]) / square, 0.0), 1.0)
                u, v, width = u - t * d[0], v - t * d[1], a[2] + t * d[2]
                soft = max(1 - (u * u + v * v) / (width * width), 0.0)
                out[j, i] = max(out[j, i], soft * soft * (a[3] + t * d[3]))
    return out
