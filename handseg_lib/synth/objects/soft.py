"""Things that look anything but rigid, each frozen in one of many shapes: cloths and ropes."""

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.loft import smooth_noise
from handseg_lib.synth.objects import looks
from handseg_lib.synth.objects.builders import Look, Rng
from handseg_lib.synth.objects.design import DOWN, UP, Design, Hold, Part, at, pair
from handseg_lib.synth.objects.freeform import sheet
from handseg_lib.synth.objects.shapes import Tube
from handseg_lib.synth.objects.surface import spline

X, Z = (1, 0, 0), (0, 0, 1)


def cloth(rng: Rng) -> Design:
    """A tea towel: folded, dropped in wrinkles, or picked up at its middle."""
    return (folded, dropped, lifted)[int(rng.integers(3))](rng)


def folded(rng: Rng) -> Design:
    """A cloth folded over itself, its layers loose: the folds at +x and -x."""
    width, depth, layers = rng.uniform(0.13, 0.19), rng.uniform(0.12, 0.17), int(rng.integers(3, 5))
    rise, line = 0.0062, []
    for k in range(layers):
        x = np.linspace(-1, 1, 22)[:: 1 if k % 2 == 0 else -1] * (width / 2 - 0.006 - 0.002 * k)
        line.append(np.stack([x, np.full(22, -k * rise)], 1))
        if k < layers - 1:
            side = 1 if k % 2 == 0 else -1
            a = np.linspace(0, np.pi, 8)[1:-1]
            end = side * (width / 2 - 0.007 - 0.002 * k)
            line.append(np.stack([end + side * 0.0055 * np.sin(a), -k * rise - rise / 2 * (1 - np.cos(a))], 1))
    path = np.concatenate(line)
    rows = np.linspace(-depth / 2, depth / 2, 30)
    grid = np.empty((len(rows), len(path), 3))
    grid[..., 0], grid[..., 1], grid[..., 2] = path[:, 0], path[:, 1], rows[:, None]
    grid[..., 1] *= 1 + 0.12 * smooth_noise(rng, (30, 1), (depth / 30, 0.01), 0.05)
    grid[..., 0] += 0.002 * smooth_noise(rng, (30, 1), (depth / 30, 0.01), 0.03)
    grid[..., 2] *= 1 + 0.015 * smooth_noise(rng, (1, len(path)), (0.01, 0.006), 0.06)
    body = sheet(grid, 0.0024)
    y = -(layers - 1) * rise / 2
    edge = width / 2 - 0.02
    holds = (
        Hold("pinch", (edge, y, 0), Z, (-1, 0, 0)), Hold("pinch", (-edge, y, 0), (0, 0, -1), X),
        Hold("pinch", (0, y, -depth / 2 + 0.02), X, Z),
        Hold("flat", (0, 2 * y, 0), X, DOWN), Hold("flat", (0, 0, 0), (0, 0, -1), UP),
        *pair(Hold("pinch", (edge, y, 0), (0, 0, -1), (-1, 0, 0)), Hold("pinch", (-edge, y, 0), (0, 0, -1), X)),
    )  # fmt: skip
    return Design((Part(body, at(), "cloth"),), holds)


def _wrinkles(rng: Rng, n: int, size: float, height: float) -> NDArray:
    """(n, n) heights of a cloth pushed together: ridges in a few directions, flatter towards the hems."""
    u = np.linspace(-1, 1, n)
    x, z = np.meshgrid(u * size, u * size, indexing="ij")
    out = np.zeros((n, n))
    for _ in range(5):
        a, wave = rng.uniform(0, np.pi), rng.uniform(0.035, 0.09)
        bend = 0.015 * smooth_noise(rng, (n, n), (2 * size / n, 2 * size / n), 0.06)
        t = (x * np.cos(a) + z * np.sin(a) + bend) / wave + rng.random()
        tri = np.abs(2 * (t - np.floor(t)) - 1)
        out += rng.uniform(0.4, 1.0) * tri * tri * (3 - 2 * tri)
    fall = np.clip(1.12 - np.sqrt(np.clip(x**2 + z**2, 0, None)) / size, 0, 1)
    fade = fall * fall * (3 - 2 * fall)
    out = (out - out.min()) / (out.max() - out.min())
    return height * (0.12 + 0.88 * fade) * out


def dropped(rng: Rng) -> Design:
    """A cloth dropped on a table, full of wrinkles."""
    n, size, height = 60, rng.uniform(0.085, 0.125), rng.uniform(0.028, 0.05)
    up = _wrinkles(rng, n, size, height)
    u = np.linspace(-size, size, n)
    pull = 0.006 * smooth_noise(rng, (2 * n, n), (2 * size / n, 2 * size / n), 0.05)
    grid = np.empty((n, n, 3))
    grid[..., 0], grid[..., 2] = u[:, None] + pull[:n], u[None] + pull[n:]
    grid[..., 1] = -up
    body = sheet(grid, 0.0024)
    i, j = np.unravel_index(int(np.argmax(up)), up.shape)
    slope = np.array(
        [
            up[min(i + 2, n - 1), j] - 2 * up[i, j] + up[max(i - 2, 0), j],
            up[i, min(j + 2, n - 1)] - 2 * up[i, j] + up[i, max(j - 2, 0)],
        ]
    )
    axis = Z if slope[0] < slope[1] else X
    top, middle = grid[i, j] + (0, 0.003, 0), grid[n // 2, n // 2]
    holds = (Hold("pinch", top, axis, DOWN), Hold("flat", middle, X, DOWN), Hold("flat", middle, (0.7, 0, 0.7), DOWN),
             Hold("pinch", grid[2, n // 2], Z, X), Hold("pinch", grid[-3, n // 2], Z, (-1, 0, 0)),
             *pair(Hold("pinch", grid[-3, n // 3], (0, 0, -1), (-1, 0, 0)),
             Hold("pinch", grid[2, n // 3], (0, 0, -1), X)))  # fmt: skip
    return Design((Part(body, at(), "cloth"),), holds)


def lifted(rng: Rng) -> Design:
    """A cloth picked up at its middle: it hangs in folds from a knot."""
    rows, cols = 34, 110
    long, folds = rng.uniform(0.15, 0.21), int(rng.integers(5, 8))
    s, a = np.linspace(0.0, 1, rows), np.linspace(0, 2 * np.pi, cols, endpoint=False)
    corner = 1 + 0.16 * np.cos(4 * a + rng.uniform(0, 6))  # a square cloth's corners hang lowest
    width = 0.0045 + rng.uniform(0.032, 0.045) * s**0.8
    phase = a[None] + 0.06 * smooth_noise(rng, (rows, 1), (long / rows, 0.1), 0.1)
    depth = 0.36 * np.clip(s * 1.3 + 0.15, 0, 1)[:, None]
    wave = np.cos(folds * phase + 0.8 * np.sin(2 * a + rng.uniform(0, 6))) + 0.35 * np.cos(
        (folds + 3) * a + rng.uniform(0, 6)
    )
    radius = width[:, None] * (1 + depth * wave)
    grid = np.stack([radius * np.cos(a), s[:, None] * long * corner, radius * np.sin(a)], -1)
    body = sheet(_closed_bag(grid), 0.0024)
    neck = (0, 0.02, 0)
    holds = (
        Hold("pinch", neck, X, DOWN),
        Hold("pinch", neck, UP, Z),
        Hold("power", (0, 0.03, 0), UP, Z),
        Hold("power", (0, 0.03, 0), UP, (-1, 0, 0)),
    )
    return Design((Part(body, at(), "cloth"),), holds)


def _closed_bag(grid: NDArray) -> NDArray:
    """The grid of a hanging cloth with a slit: its last column stops short of the first, and both are hems."""
    first = grid[:, :1] * 0.02 + grid[:, -1:] * 0.98
    return np.concatenate([grid, first + (grid[:, :1] - first) * 0.2], axis=1)


def cloth_look(rng: Rng) -> Look:
    return {"cloth": looks.fabric(rng)}


def rope(rng: Rng) -> Design:
    """A rope: a flat spiral, a coil of rings with its end trailing, or thrown down in loops."""
    kind = int(rng.integers(3))
    r = rng.uniform(0.0042, 0.006) if kind else rng.uniform(0.004, 0.005)
    line = (_spiral, _coil, _loops)[kind](rng, r)
    body = Tube(tuple(tuple(float(v) for v in p) for p in line), (float(r),) * len(line), around=10, twist=1 / (7 * r))
    near, far = line[-6], line[-18]
    along = line[-5] - near
    if kind == 2:  # both ends lie free
        other, there = line[6], line[5] - line[6]
        ends = Hold("pinch", near, along, DOWN), Hold("pinch", other, there, DOWN)
        holds = [*ends, Hold("power", far, line[-17] - far, DOWN), *pair(*ends)]
    else:
        edge = np.array([line[:, 0].max() - r, line[len(line) // 2, 1], 0]) if kind else line[-40]
        inward = np.array([-edge[0], 0, -edge[2]])
        tangent = np.array([-inward[2], 0, inward[0]])
        holds = [Hold("pinch", edge, tangent, inward), Hold("pinch", edge, -tangent, inward)]
        holds.append(Hold("flat", (0.6 * edge[0], line[:, 1].min() - r, 0.6 * edge[2]), X, DOWN))
        if kind:
            side = np.array([line[:180, 0].max() - 0.003, 0.5 * line[:, 1].min(), 0])
            holds += [Hold("power", side, Z, (-1, 0, 0)), Hold("pinch", near, along, DOWN)]
            holds += pair(Hold("power", side, (0, 0, -1), (-1, 0, 0)), Hold("power", side * (-1, 1, 1), (0, 0, -1), X))
    return Design((Part(body, at(), "rope"),), tuple(holds))


def _spiral(rng: Rng, r: float) -> NDArray:
    """(K, 3) line of a rope wound flat from the middle."""
    t = np.linspace(0, 2 * np.pi * rng.uniform(4.2, 5.2), 210)
    out = 0.012 + t / (2 * np.pi) * 2.15 * r
    return np.stack([out * np.cos(t), 0 * t, out * np.sin(t)], 1)


def _coil(rng: Rng, r: float) -> NDArray:
    """(K, 3) line of a rope laid in rings upon each other, its end lying beside them."""
    t = np.linspace(0, 2 * np.pi * rng.uniform(3.4, 4.4), 180)
    out = rng.uniform(0.045, 0.06) + 0.0035 * np.sin(1.7 * t) + 0.003 * np.sin(2.6 * t + 1)
    rise = t / (2 * np.pi) * 2.02 * r + 0.0015 * np.sin(3 * t)
    line = np.stack([out * np.cos(t), -rise, out * np.sin(t)], 1)
    s = np.linspace(0, 1, 40)[1:, None]
    outward = line[-1] * (1, 0, 1) / np.hypot(line[-1, 0], line[-1, 2])
    tangent = np.cross(outward, (0, 1, 0)) * (-1)
    drop = -line[-1, 1] * s**2 * (3 - 2 * s) * np.array([0, 1, 0])
    return np.concatenate([line, line[-1] + 0.07 * s * tangent + 0.05 * s**1.5 * outward + drop])


def _loops(rng: Rng, r: float) -> NDArray:
    """(K, 3) line of a rope thrown down: it crosses over itself."""
    x = (-0.11, -0.05, 0.02, 0.03, -0.03, -0.05, 0.0, 0.07, 0.1, 0.06, 0.03, 0.06, 0.12)
    z = (-0.02, -0.055, -0.03, 0.035, 0.05, 0.0, -0.03, -0.05, 0.0, 0.05, 0.01, -0.02, 0.03)
    points = np.stack([x, z], 1) + rng.normal(0, 0.005, (len(x), 2))
    flat = spline(points, 170)
    return np.stack([flat[:, 0], _over(flat, r), flat[:, 1]], 1)


def _over(flat: NDArray, r: float) -> NDArray:
    """(K,) heights (y) of a rope's line where it crosses over what lies there already."""
    y = np.zeros(len(flat))
    for k in range(len(flat)):
        before = flat[: max(0, k - 14)]
        if len(before):
            gap = np.sqrt(((before - flat[k]) ** 2).sum(1))
            close = gap < 3.2 * r
            if close.any():
                cover = np.clip(1.25 - gap[close] / (3.2 * r), 0, 1)
                y[k] = min(y[k], float((y[: len(before)][close] - 2.15 * r * np.minimum(cover * 1.6, 1)).min()))
    return _eased(np.minimum(y, _eased(y)))


def _eased(values: NDArray) -> NDArray:
    """A running mean over seven values."""
    return np.convolve(np.pad(values, 3, mode="edge"), np.ones(7) / 7, "valid")


def rope_look(rng: Rng) -> Look:
    rgb = (0.5, 0.4, 0.26) if rng.random() < 0.25 else looks.colour(rng)
    second = looks.times(rgb, 0.55) if rng.random() < 0.7 else looks.colour(rng)
    # Three strands: the pattern repeats three times around the largest radius.
    return {"rope": looks.Material(rgb, "stripes", second, 2 * np.pi * 0.005 / 3, 0.0, looks.infrared(rng, 0.55))}
