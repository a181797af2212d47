"""Loops over pixels, faces and vertices, compiled: numpy would walk through the same long arrays a dozen times.

Sums are taken from left to right in the precision of their terms, with neither fast-math nor fused multiplication, so
that the bits are numpy's and the same on every machine.
"""

from collections.abc import Callable
from functools import cache, wraps
from types import FunctionType
from typing import Any

import numpy as np


def compiled(loop: Callable[..., Any]) -> Callable[..., Any]:
    """The loop, compiled for its arguments' types at its first call and kept on disk.

    It may call other compiled loops of its own file only: what is kept on disk is forgotten when that file changes.
    """

    @cache
    def dispatcher() -> Callable[..., Any]:
        from numba import njit  # half a second to import

        known = loop.__globals__
        loops = {name: known[name] for name in loop.__code__.co_names if hasattr(known.get(name), "dispatcher")}
        inner = known | {name: other.dispatcher() for name, other in loops.items()}
        return njit(cache=True, error_model="numpy")(FunctionType(loop.__code__, inner, loop.__name__))

    @wraps(loop)
    def call(*arguments: Any) -> Any:
        return dispatcher()(*arguments)

    call.dispatcher = dispatcher
    return call


# The arguments' types come from the compiler.


@compiled
def inverses(corners, faces):
    """(V, 3) float32 points, (F, 3) faces -> (F, 3, 3) float64, M^-1 of each face, whose corners are M's columns."""
    rows = np.empty((len(faces), 3, 3), np.float64)
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        for i in range(3):
            one, two = (i + 1) % 3, (i + 2) % 3
            for k, p, q in ((0, b, c), (1, c, a), (2, a, b)):  # row k is the cross product of the other two corners
                p1, p2 = np.float64(corners[p, one]), np.float64(corners[p, two])
                rows[f, k, i] = p1 * corners[q, two] - p2 * corners[q, one]
        det = corners[a, 0] * rows[f, 0, 0] + corners[a, 1] * rows[f, 0, 1] + corners[a, 2] * rows[f, 0, 2]
        for k in range(3):
            for i in range(3):
                rows[f, k, i] /= det if det != 0 else 1.0
    return rows


@compiled
def planes(x, y, place, coefficients):
    """A linear function of the ray (x, y, 1) for each face -> (N,) float32 values at pixels of face `place`."""
    out = np.empty(len(x), np.float32)
    for p in range(len(x)):
        of = coefficients[place[p]]
        out[p] = of[0] * x[p] + of[1] * y[p] + of[2]
    return out


@compiled
def barycentric(x, y, place, inverse, which):
    """(F, 3, 3) float32 M^-1 of each face -> (M, 3) float32 weights of the corners at pixels `which`, 1 in sum."""
    out = np.empty((len(which), 3), np.float32)
    for n in range(len(which)):
        p = which[n]
        rows = inverse[place[p]]
        for k in range(3):
            weight = rows[k, 0] * x[p] + rows[k, 1] * y[p] + rows[k, 2]
            out[n, k] = np.float32(0) if weight < 0 else weight  # a hit on an edge may lie a rounding error outside
        total = out[n, 0] + out[n, 1] + out[n, 2]
        for k in range(3):
            out[n, k] /= total
    return out


@compiled
def blended(values, faces, place, which, weights):
    """(V, C) values at vertices -> (M, C) at pixels `which`, whose corners' weights are given."""
    channels = values.shape[1]
    out = np.empty((len(which), channels), values.dtype)
    for n in range(len(which)):
        face = faces[place[which[n]]]
        a, b, c = face[0], face[1], face[2]
        for k in range(channels):
            out[n, k] = values[a, k] * weights[n, 0] + values[b, k] * weights[n, 1] + values[c, k] * weights[n, 2]
    return out


@compiled
def scattered(out, pixels, values):
    """Rows of (N, C) values put to rows `pixels` of (P, C) in place."""
    for p in range(len(pixels)):
        for k in range(values.shape[1]):
            out[pixels[p], k] = values[p, k]


@compiled
def turned(matrix, vectors):
    """(3, 3) and (N, 3) float32 -> (N, 3) float32, the matrix times each vector."""
    out = np.empty(vectors.shape, np.float32)
    for n in range(len(vectors)):
        x, y, z = vectors[n, 0], vectors[n, 1], vectors[n, 2]
        for i in range(3):
            out[n, i] = x * matrix[i, 0] + y * matrix[i, 1] + z * matrix[i, 2]
    return out


@compiled
def weighted_normals(vertices, faces):
    """(V, 3) points, (F, 3) faces -> (V, 3) float32 unit normals: the faces' normals (twice as long as a face is
    large, in the points' precision) summed in float64."""
    normals = np.empty((len(faces), 3), vertices.dtype)
    for f in range(len(faces)):
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        normals[f, 0], normals[f, 1], normals[f, 2] = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    total = np.zeros((len(vertices), 3), np.float64)
    for corner in range(3):  # all first corners before all second ones: the order of a sum decides its last bit
        for f in range(len(faces)):
            for i in range(3):
                total[faces[f, corner], i] += normals[f, i]
    out = np.empty((len(vertices), 3), np.float32)
    for v in range(len(vertices)):
        x, y, z = total[v, 0], total[v, 1], total[v, 2]
        length = max(np.sqrt(x * x + y * y + z * z), 1e-20)
        out[v, 0], out[v, 1], out[v, 2] = x / length, y / length, z / length
    return out


@compiled
def triple_products(vertices, faces):
    """(V, 3) float32 points, (F, 3) faces -> (F,) float32 a . (b x c) of each face's corners a, b, c."""
    out = np.empty(len(faces), np.float32)
    for f in range(len(faces)):
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        x, y, z = b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2], b[0] * c[1] - b[1] * c[0]
        out[f] = a[0] * x + a[1] * y + a[2] * z
    return out


@compiled
def noise_at(volume, points, per_metre):
    """(S, S, S) noise, S a power of 2, at (N, 3) float32 points in metres: (N,) values of the cells they lie in."""
    last = np.int32(volume.shape[0] - 1)
    out = np.empty(len(points), np.float32)
    for n in range(len(points)):
        i = np.int32(np.floor(points[n, 0] * per_metre)) & last
        j = np.int32(np.floor(points[n, 1] * per_metre)) & last
        k = np.int32(np.floor(points[n, 2] * per_metre)) & last
        out[n] = volume[i, j, k]
    return out


@compiled
def squared_gaps(points, others):
    """(N, 3) and (M, 3) points -> (N,) squared distance from each to the nearest of the others."""
    out = np.empty(len(points), points.dtype)
    for n in range(len(points)):
        least = np.inf
        for m in range(len(others)):
            x, y, z = points[n, 0] - others[m, 0], points[n, 1] - others[m, 1], points[n, 2] - others[m, 2]
            least = min(least, x * x + y * y + z * z)
        out[n] = least
    return out


@compiled
def deepest(centres, radii, others, room):
    """(C, S, 3) rows of spheres with (S,) radii -> (C,) how deep each row lies in (M, 3) spheres of (M,) radii."""
    out = np.full(len(centres), -np.inf)
    for c in range(len(centres)):
        for s in range(centres.shape[1]):
            for m in range(len(others)):
                x, y = centres[c, s, 0] - others[m, 0], centres[c, s, 1] - others[m, 1]
                z = centres[c, s, 2] - others[m, 2]
                out[c] = max(out[c], radii[s] + room[m] - np.sqrt(x * x + y * y + z * z))
    return out
