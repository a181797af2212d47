"""Compiled distances of points, (N, 3) float32 unless said otherwise, to shapes; all sums are in float32."""

import numpy as np

from handseg_lib.synth.compiled import compiled


@compiled
def to_polygon(x, y, start, edge):
    """Signed distance from the point (x, y) to (K, 2) edges, negative inside; see `surface.polygon_distance`."""
    nearest, inside = np.float32(np.inf), False
    zero, one = np.float32(0), np.float32(1)
    for k in range(len(start)):
        ex, ey = edge[k, 0], edge[k, 1]
        dx, dy = x - start[k, 0], y - start[k, 1]
        if abs(dy) < abs(ey) and (dy == 0 or (dy > 0) == (ey > 0)) and dx < dy / ey * ex:
            inside = not inside
        along, square = dx * ex + dy * ey, max(ex * ex + ey * ey, np.float32(1e-14))
        t = zero if along <= 0 else (one if along >= square else along / square)
        dx -= t * ex
        dy -= t * ey
        nearest = min(nearest, dx * dx + dy * dy)
    return -np.sqrt(nearest) if inside else np.sqrt(nearest)


@compiled
def polygon(points, start, edge):
    """(N, 2) points -> (N,) signed distances to (K, 2) edges."""
    out = np.empty(len(points), np.float32)
    for n in range(len(points)):
        out[n] = to_polygon(points[n, 0], points[n, 1], start, edge)
    return out


@compiled
def lathe(points, start, edge):
    """(N,) distances to a profile's edges turned about the y axis."""
    out = np.empty(len(points), np.float32)
    for n in range(len(points)):
        x, z = points[n, 0], points[n, 2]
        out[n] = to_polygon(np.sqrt(x * x + z * z), points[n, 1], start, edge)
    return out


@compiled
def prism(points, start, edge, half, bevel):
    """(N,) distances to a flat thing with an outline of edges in the x-z plane; see `shapes.Prism`."""
    out, zero = np.empty(len(points), np.float32), np.float32(0)
    for n in range(len(points)):
        side = to_polygon(points[n, 0], points[n, 2], start, edge) + bevel
        flat = abs(points[n, 1]) - half + bevel
        x, y = max(side, zero), max(flat, zero)
        out[n] = np.sqrt(x * x + y * y) + min(max(side, flat), zero) - bevel
    return out


@compiled
def round_box(points, core, radius):
    """(N,) distances to a box about the origin whose half sizes are `core` (3,) and `radius`."""
    out, zero = np.empty(len(points), np.float32), np.float32(0)
    for n in range(len(points)):
        a, b, c = abs(points[n, 0]) - core[0], abs(points[n, 1]) - core[1], abs(points[n, 2]) - core[2]
        x, y, z = max(a, zero), max(b, zero), max(c, zero)
        out[n] = np.sqrt(x * x + y * y + z * z) + min(max(max(a, b), c), zero) - radius
    return out


@compiled
def tube(points, first, count, closed, start, edge, square, radius, growth):
    """(N,) distances to the nearest of `count` links of a tube, from each point's `first` on; see `shapes.Tube`."""
    out, zero, one = np.empty(len(points), np.float32), np.float32(0), np.float32(1)
    for n in range(len(points)):
        best = np.float32(np.inf)
        for j in range(first[n], first[n] + count):
            k = j % len(square) if closed else min(max(j, 0), len(square) - 1)
            x, y, z = points[n, 0] - start[0, k], points[n, 1] - start[1, k], points[n, 2] - start[2, k]
            t = (x * edge[0, k] + y * edge[1, k] + z * edge[2, k]) / square[k]
            t = min(max(t, zero), one)
            x, y, z = x - t * edge[0, k], y - t * edge[1, k], z - t * edge[2, k]
            best = min(best, np.sqrt(x * x + y * y + z * z) - (radius[k] + t * growth[k]))
        out[n] = best
    return out


@compiled
def cloud(points, far, nearest, places, normals, edge):
    """(N,) distances to a surface from those to the nearest of its (M, 3) points; `edge`: see `freeform.Cloud`."""
    out, zero = np.empty(len(points), np.float32), np.float32(0)
    for n in range(len(points)):
        m, distance = nearest[n], np.float32(far[n])
        x, y, z = points[n, 0] - places[m, 0], points[n, 1] - places[m, 1], points[n, 2] - places[m, 2]
        rise = x * normals[m, 0] + y * normals[m, 1] + z * normals[m, 2]
        aside = np.sqrt(max(distance * distance - rise * rise, zero))
        beyond = max(aside - edge, zero)  # past an edge no plane is near
        length = np.sqrt(rise * rise + beyond * beyond)
        out[n] = -length if rise < 0 else length
    return out


@compiled
def in_boxes(points, turns, origins, low, high):
    """(S, N, 3) the points in the frames of S solids and (S, N) squared distances to their boxes."""
    local, outside = np.empty((len(turns), len(points), 3), np.float32), np.empty((len(turns), len(points)), np.float32)
    zero = np.float32(0)
    for s in range(len(turns)):
        turn = turns[s]
        for n in range(len(points)):
            total = zero
            a, b, c = points[n, 0] - origins[s, 0], points[n, 1] - origins[s, 1], points[n, 2] - origins[s, 2]
            for i in range(3):
                v = a * turn[0, i] + b * turn[1, i] + c * turn[2, i]
                away = max(max(low[s, i] - v, v - high[s, i]), zero)
                local[s, n, i] = v
                total += away * away
            outside[s, n] = total
    return local, outside


@compiled
def asked(local, outside, best):
    """Which points' box is no farther than the best distance so far, and (M, 3) those points of (N, 3)."""
    close, zero = np.empty(len(best), np.int64), np.float32(0)
    count = 0
    for n in range(len(best)):
        limit = max(best[n], zero)
        if outside[n] <= limit * limit:
            close[count] = n
            count += 1
    rows = np.empty((count, 3), np.float32)
    for m in range(count):
        for i in range(3):
            rows[m, i] = local[close[m], i]
    return close[:count], rows


@compiled
def lower(best, which, distance):
    """Put (M,) distances to places `which` of `best` where they are smaller."""
    for m in range(len(which)):
        best[which[m]] = min(best[which[m]], distance[m])
