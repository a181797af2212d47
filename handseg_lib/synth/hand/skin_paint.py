"""Painting skin: creases, wrinkles, tendons, veins, nails and mottling on flat charts of a hand.

A chart is the hand (or the thumb) seen straight from its back or from its palm in the modelling pose. Everything is
drawn with polynomials of distances, so that every machine paints the same bits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand.mesh import smooth_step
from handseg_lib.synth.hand.shape import HandShape
from handseg_lib.synth.hand.skin_loops import line_share

PIXEL = 0.0005
"""Side of a chart's pixel in metres."""

# Lines of the palm in millimetres of the reference hand (186 mm long, 81 mm broad): points, depth, half width.
PALM_LINES = (
    (((33, 70), (25, 71), (14, 66), (6, 55), (2, 42), (2, 28), (6, 12)), 1.0, 0.9),  # around the ball of the thumb
    (((33, 71), (22, 72), (8, 69), (-8, 62), (-22, 53), (-31, 45)), 0.9, 0.8),  # across the middle of the palm
    (((-42, 60), (-32, 66), (-18, 69), (-4, 74), (5, 82), (8, 91)), 1.0, 0.9),  # under the fingers
    (((0, 14), (-3, 30), (-4, 48), (-5, 66)), 0.35, 0.6),  # along the middle
    (((-13, 84), (-6, 79), (2, 78)), 0.25, 0.5),
    (((-24, 20), (-20, 34), (-14, 46)), 0.2, 0.5),
    (((-28, 1), (-12, -1.5), (6, -1), (26, 2)), 0.8, 0.8),  # the wrist's creases
    (((-27, -8), (-10, -10), (8, -10), (25, -7)), 0.45, 0.7),
)


@dataclass(frozen=True)
class Place:
    """Where a finger lies on a chart: origin at its first joint, `across` and `along` unit vectors, metres."""

    origin: NDArray[np.float64]
    across: NDArray[np.float64]
    along: NDArray[np.float64]
    segments: NDArray[np.float64]
    thick: float


class Chart:
    """Layers over a rectangle of the plane: `height` in metres and shares in [0, 1] of what colours the skin."""

    LAYERS = ("height", "red", "dark", "nail", "white", "vein")

    def __init__(self, low: tuple[float, float], high: tuple[float, float]) -> None:
        self.low = np.array(low)
        nx, ny = (int(np.ceil((h - b) / PIXEL)) + 1 for b, h in zip(low, high, strict=True))
        self.x = (low[0] + PIXEL * np.arange(nx)).astype(np.float32)
        self.y = (low[1] + PIXEL * np.arange(ny)).astype(np.float32)
        self.layers = {name: np.zeros((ny, nx), np.float32) for name in self.LAYERS}

    def window(self, low: NDArray, high: NDArray) -> tuple[tuple[slice, slice], NDArray, NDArray] | None:
        """Slices of the pixels in a rectangle with their (1, w) x and (h, 1) y; None if it misses the chart."""
        i, j = (np.searchsorted(axis, (a, b)) for axis, a, b in zip((self.x, self.y), low, high, strict=True))
        if i[0] == i[1] or j[0] == j[1]:
            return None
        cut = (slice(*j), slice(*i))
        return cut, self.x[None, cut[1]], self.y[cut[0], None]

    def stroke(self, points: NDArray, width: float | NDArray, fade: float = 0.0, **amounts: float) -> None:
        """Draw a soft line through (K, 2) points; `width` metres is its half width, one or (K,).

        `amounts` name layers: the value added on the line's middle. The line comes up over its first part `fade`.
        """
        width = np.broadcast_to(np.asarray(width, np.float64), len(points))
        window = self.window(points.min(0) - width.max(), points.max(0) + width.max())
        if window is None:
            return
        cut, x, y = window
        strength = np.minimum(np.linspace(0, 1, len(points)) / fade, 1) if fade else np.ones(len(points))
        share = line_share(x[0], np.ascontiguousarray(y[:, 0]), np.column_stack([points, width, strength]))
        for name, amount in amounts.items():
            self.layers[name][cut] += amount * share

    def blob(self, centre: NDArray, across: NDArray, radii: tuple[float, float], **amounts: float) -> None:
        """Add a soft ellipse: half sizes `radii` along the unit vector `across` and at a right angle to it."""
        reach = max(radii)
        window = self.window(centre - reach, centre + reach)
        if window is None:
            return
        cut, x, y = window
        u = ((x - centre[0]) * across[0] + (y - centre[1]) * across[1]) / radii[0]
        v = ((y - centre[1]) * across[0] - (x - centre[0]) * across[1]) / radii[1]
        share = np.maximum(1 - u * u - v * v, 0) ** 2
        for name, amount in amounts.items():
            self.layers[name][cut] += amount * share

    def noise(self, rng: np.random.Generator, cell: float) -> NDArray[np.float32]:
        """(H, W) smooth random field of unit spread whose bumps are about `cell` metres wide."""
        nx, ny = (int(np.ceil((axis[-1] - axis[0]) / cell)) + 2 for axis in (self.x, self.y))
        values = rng.standard_normal((ny, nx)).astype(np.float32)
        for axis, coordinate in ((0, self.y), (1, self.x)):
            place = (coordinate - coordinate[0]) / np.float32(cell)
            i = place.astype(int)
            t = place - i
            t = (t * t * (3 - 2 * t)).reshape((-1, 1) if axis == 0 else (1, -1))
            values = np.take(values, i, axis) * (1 - t) + np.take(values, i + 1, axis) * t
        return values * np.float32(1.6)


def curve(points: NDArray, steps: int = 6) -> NDArray[np.float64]:
    """Catmull-Rom curve through (K, 2) points, `steps` pieces between neighbours."""
    p = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    a, b, c, d = (p[k : len(p) - 3 + k, None] for k in range(4))
    pieces = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.concatenate([pieces.reshape(-1, 2), points[-1:]])


def paint_palm(chart: Chart, shape: HandShape, fingers: list[Place], rng: np.random.Generator) -> None:
    """The palm's side: its lines, the creases of the four fingers, rosy pads and finger tips."""
    size = np.array([shape.breadth / 0.081, shape.length / 0.186]) * 1e-3
    for points, depth, width in PALM_LINES:
        p = np.array(points, float)
        line = curve((p + rng.normal(0, 0.8, p.shape)) * size)
        taper = (
            width * 1e-3 * np.clip(np.linspace(0.4, 4, len(line)), 0, 1) * np.clip(np.linspace(5, 0.4, len(line)), 0, 1)
        )
        depth *= rng.uniform(0.75, 1.15)
        chart.stroke(line, taper * 0.75, height=-0.00035 * depth, dark=0.30 * depth, red=0.4 * depth)
        chart.stroke(line, taper * 3, height=-0.00035 * depth, red=0.12 * depth)
    for _ in range(26):  # fine lines, mostly across the palm
        centre = rng.uniform((-34, 12), (26, 88)) * size
        direction = np.array([1.0, rng.normal(0, 0.8)])
        half = direction / np.sqrt(direction @ direction) * rng.uniform(0.004, 0.011)
        bend = rng.normal(0, 0.0012, 2)
        line = curve(np.stack([centre - half, centre + bend, centre + half]))
        chart.stroke(line, 0.0005, height=-0.00006, dark=0.06, red=0.05)
    for x, y, rx, ry in ((24, 40, 20, 34), (-24, 34, 16, 34), (18, 92, 14, 14), (-3, 92, 14, 14), (-24, 84, 14, 14)):
        chart.blob(np.array([x, y]) * size, np.array([1.0, 0.0]), (rx * 1e-3, ry * 1e-3), red=0.35)
    for finger in fingers:
        paint_pulp(chart, finger, rng)


def paint_pulp(chart: Chart, finger: Place, rng: np.random.Generator) -> None:
    """Creases of one finger's palm side and its rosy pulp."""
    a, b, c = finger.segments
    for at, offsets, depth in ((0.43 * a, (0.0,), 0.9), (a, (-0.0011, 0.0014), 1.0), (a + b, (0.0,), 0.8)):
        for offset in offsets:
            _crease(chart, finger, at + offset, 1.15, depth * rng.uniform(0.75, 1.1), 0.0010, rng)
        for _ in range(3):
            _crease(chart, finger, at + rng.normal(0, 0.0035), rng.uniform(0.3, 0.8), 0.22, 0.0006, rng)
    tip = finger.origin + (a + b + 0.62 * c) * finger.along
    chart.blob(tip, finger.across, (0.011, 0.017), red=0.75)
    for s in (0.7 * a, a + 0.5 * b):
        chart.blob(finger.origin + s * finger.along, finger.across, (0.010, 0.012), red=0.25)


def _crease(
    chart: Chart, finger: Place, at: float, reach: float, depth: float, width: float, rng: np.random.Generator
) -> None:
    """A furrow across a finger at distance `at` from its first joint, `reach` half widths to either side."""
    u = np.linspace(-1, 1, 7) * reach * finger.thick
    s = at + rng.normal(0, 0.00022, 7).cumsum() * 0.6 + rng.normal(0, 0.0004) * (u / finger.thick) ** 2
    line = finger.origin + u[:, None] * finger.across + s[:, None] * finger.along
    chart.stroke(curve(line, 3), width * 0.7, height=-0.00028 * depth, dark=0.28 * depth, red=0.3 * depth)
    chart.stroke(curve(line, 3), width * 2.2, height=-0.00012 * depth, red=0.1 * depth)


def paint_back(chart: Chart, shape: HandShape, fingers: list[Place], rng: np.random.Generator) -> None:
    """The back: tendons, veins, knuckles, the wrinkles and nails of the four fingers."""
    size = np.array([shape.breadth / 0.081, shape.length / 0.186]) * 1e-3
    relief = np.clip(1.5 - shape.flesh * 0.5 + 0.5 * (shape.bone - 1), 0.4, 1.6)
    for k, finger in enumerate(fingers):
        start = np.array([(7, 3, -2, -8)[k], -14.0]) * size
        line = curve(np.stack([start, 0.5 * (start + finger.origin) + rng.normal(0, 0.0006, 2), finger.origin]))
        width = np.linspace(0.0058, 0.0036, len(line))
        chart.stroke(line, width, fade=0.6, height=0.0007 * relief * (1, 1, 0.9, 0.7)[k])
        chart.blob(finger.origin, finger.across, (0.012, 0.013), red=0.55, dark=0.06, height=0.0006 * relief)
        for _ in range(7):
            offset = rng.normal(0, (0.003, 0.004), 2)
            _wrinkle(chart, finger.origin + offset, finger, rng.uniform(0.2, 0.5), 0.16, rng)
        paint_knuckles(chart, finger, rng)
    veins = rng.uniform(0.1, 1.0) * relief
    for _ in range(4):  # veins wander from between the knuckles towards the wrist
        x = rng.uniform(-30, 22)
        points = np.stack([x + rng.normal(0, 4, 6).cumsum() * 0.8, np.linspace(78, -55, 6)], 1) * size
        chart.stroke(curve(points), rng.uniform(0.0016, 0.0026), fade=0.3, height=0.00035 * veins, vein=0.5 * veins)
        join = points[2] + np.array([rng.choice([-1, 1]) * rng.uniform(0.008, 0.016), 0.022])
        branch = curve(np.stack([join, 0.5 * (join + points[3]) + rng.normal(0, 0.002, 2), points[3]]))
        chart.stroke(branch, 0.0016, fade=0.3, height=0.0003 * veins, vein=0.4 * veins)


def paint_knuckles(chart: Chart, finger: Place, rng: np.random.Generator) -> None:
    """Wrinkles over one finger's two outer joints, ruddy joints, and the nail."""
    a, b, _ = finger.segments
    for at, spread, count, depth in ((a, 0.0042, 9, 0.8), (a + b, 0.0026, 6, 0.6)):
        centre = finger.origin + at * finger.along
        chart.blob(centre, finger.across, (0.011, 0.010), red=0.5, dark=0.10)
        for offset in np.linspace(-1, 1, count) * spread:
            point = centre + (offset + rng.normal(0, 0.0003)) * finger.along
            bow = -0.25 * offset / spread
            _wrinkle(chart, point, finger, rng.uniform(0.45, 0.85), depth * rng.uniform(0.4, 1.0), rng, bow)
    paint_nail(chart, finger)


def _wrinkle(
    chart: Chart, at: NDArray, finger: Place, reach: float, depth: float, rng: np.random.Generator, bow: float = 0.0
) -> None:
    """A short furrow across the back of a finger, bowed by `bow` of its reach."""
    u = np.linspace(-1, 1, 5)
    s = (bow * (1 - u * u) + 0.06 * rng.normal(0, 1, 5)) * reach * finger.thick * 0.5
    line = at + (u * reach * finger.thick)[:, None] * finger.across + s[:, None] * finger.along
    chart.stroke(curve(line, 3), 0.0007, height=-0.0002 * depth, dark=0.20 * depth, red=0.15 * depth)


def paint_nail(chart: Chart, finger: Place) -> None:
    """The nail: a plate with a half moon, a pale free edge and a groove around it."""
    tip = finger.segments.sum()
    half, length = 0.72 * finger.thick, 1.42 * finger.thick
    centre = finger.origin + (tip - 0.0012 - length / 2) * finger.along
    window = chart.window(centre - 1.6 * length, centre + 1.6 * length)
    if window is None:
        return
    cut, x, y = window
    u = ((x - centre[0]) * finger.across[0] + (y - centre[1]) * finger.across[1]) / half
    v = ((x - centre[0]) * finger.along[0] + (y - centre[1]) * finger.along[1]) / (length / 2)
    round_end = np.where(v < 0, 2.6, 4.0)  # rounder towards the root
    radius2 = np.where(v < 0, u * u + v * v * (0.55 + 0.45 * np.abs(v)), u**4 * 0.5 + u * u * 0.5 + v**4)
    edge = (radius2 - 1) * half / round_end * 2
    plate = smooth_step(0.0003, -0.0003, edge)
    groove = np.maximum(1 - (edge / 0.0008) ** 2, 0) ** 2
    moon = smooth_step(0.25, -0.1, (u / 0.62) ** 2 + ((v + 1) / 0.42) ** 2 - 1) * plate
    free = smooth_step(0.80, 0.90, v + 0.10 * u * u) * plate
    fold = np.maximum(1 - (edge / 0.0016) ** 2, 0) ** 2 * (1 - plate)
    layers = chart.layers
    for name in ("dark", "red"):
        layers[name][cut] *= 1 - plate
    layers["nail"][cut] = np.maximum(layers["nail"][cut], plate)
    layers["white"][cut] += 0.35 * moon + 0.75 * free
    layers["dark"][cut] += 0.22 * groove
    layers["red"][cut] += 0.3 * fold
    layers["height"][cut] += 0.00035 * fold - 0.0001 * groove - 0.0006 * np.minimum(u * u, 1.0) * plate


def place_of(shape: HandShape, finger: int, frame: NDArray[np.float64] | None = None) -> Place:
    """Where a finger (0 to 4) lies on the hand's charts, or on its own chart when `frame` is None."""
    thick = float(shape.thickness[finger])
    if frame is None:
        return Place(np.zeros(2), np.array([1.0, 0.0]), np.array([0.0, 1.0]), shape.segments[finger], thick)
    return Place(frame[:2, 3], frame[:2, 0], frame[:2, 1], shape.segments[finger], thick)
