"""Compiled walks around polygons and point sets in the plane, float64."""

import numpy as np

from handseg_lib.synth.compiled import compiled


@compiled
def turning(a, b, c):
    """Twice the signed area of the triangle a, b, c."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


@compiled
def lower_hull(points):
    """(N, 2) points by rising x, then y -> (H, 2) corners of their hull on the side of greater y, which is below."""
    hull, count = np.empty_like(points), 0
    for n in range(len(points)):
        while count > 1 and turning(hull[count - 2], hull[count - 1], points[n]) >= 0:
            count -= 1
        hull[count] = points[n]
        count += 1
    return hull[:count]


@compiled
def free_ear(points, left, k):
    """Whether no other corner lies in the triangle that cutting the k-th of the corners `left` takes away."""
    count = len(left)
    before, after = (k - 1) % count, (k + 1) % count
    a, b, c = points[left[before]], points[left[k]], points[left[after]]
    for n in range(count):
        p = points[left[n]]
        if n in (before, k, after):
            continue
        if turning(a, b, p) > -1e-14 and turning(b, c, p) > -1e-14 and turning(c, a, p) > -1e-14:
            return False
    return True


@compiled
def ears(points):
    """(K, 2) corners -> (K - 2, 3) triangles, the slimmest ears first, and whether all could be cut."""
    left, out = np.arange(len(points)), np.zeros((len(points) - 2, 3), np.int32)
    for cut in range(len(points) - 3):
        count, found = len(left), -1
        width, convex = np.empty(count), np.empty(count, np.bool_)
        for k in range(count):
            a, c = points[left[(k - 1) % count]], points[left[(k + 1) % count]]
            width[k] = (c[0] - a[0]) ** 2 + (c[1] - a[1]) ** 2
            convex[k] = turning(a, points[left[k]], c) > 1e-14
        for k in np.argsort(width, kind="mergesort"):
            if convex[k] and free_ear(points, left, k):
                found = k
                break
        if found < 0:
            return out, False
        for i in range(3):
            out[cut, i] = left[(found - 1 + i) % count]
        left = np.concatenate((left[:found], left[found + 1 :]))
    for i in range(3):
        out[-1, i] = left[i]
    return out, True
