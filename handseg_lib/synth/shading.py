"""Materials and light: what colour a hit has, and how much infrared light it sends back to the depth sensor."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth import compiled
from handseg_lib.synth.lamps import Lamp, lamplight
from handseg_lib.synth.render import Caster, Truth, dot

Rgb = tuple[float, float, float]
NOISE_SIZE = 64
GAMMA = ((np.linspace(0, 1, 4096) ** (1 / 2.2)) * 255 + 0.5).astype(np.uint8)


@dataclass(frozen=True)
class Material:
    """How one surface looks to the eye.

    Attributes:
        albedo: linear RGB reflectance.
        pattern: one of `PATTERNS`, drawn on the mesh's rest coordinates.
        second: linear RGB of the pattern.
        period: size of the pattern in metres.
        gloss: strength of the highlight.
        infrared: reflectance at the depth sensor's wavelength.
        glow: light that it gives off by itself, as a multiple of its colour (screens, lamp shades, windows).
    """

    albedo: Rgb
    pattern: str = "plain"
    second: Rgb = (0.0, 0.0, 0.0)
    period: float = 0.03
    gloss: float = 0.0
    infrared: float = 0.5
    glow: float = 0.0


@dataclass(frozen=True)
class Lights:
    """A soft key light, a sky and a fill; directions point towards the light, in scene coordinates.

    Attributes:
        key: (3,) unit vector to the key light.
        key_colour, sky_colour: linear RGB.
        up: (3,) unit vector away from the floor: surfaces that look there see the sky.
        exposure: factor on everything.
        lamps: a room's own lamps and windows; where there are any, they take the place of the key light on meshes.
        occlusion: how near (metres) other surfaces must be to keep the sky's light away; used with lamps.
    """

    key: NDArray[np.float32]
    key_colour: Rgb
    sky_colour: Rgb
    up: NDArray[np.float32]
    exposure: float = 1.0
    lamps: tuple[Lamp, ...] = ()
    occlusion: float = 0.0


@dataclass(frozen=True)
class Backdrop:
    """A plane wall far behind everything: n . x = distance, in scene coordinates.

    Attributes:
        normal: (3,) unit vector.
        distance: metres from the origin.
        albedo: linear RGB reflectance.
        infrared: reflectance at the depth sensor's wavelength.
    """

    normal: NDArray[np.float32]
    distance: float
    albedo: Rgb
    infrared: float


@dataclass(frozen=True)
class Finish:
    """What the surface is like at each of N hit pixels.

    Attributes:
        albedo: (N, 3) linear RGB reflectance.
        normals: (N, 3) unit normals in scene coordinates, with fine relief.
        gloss: (N,) strength of the highlight.
        glow: (N,) light given off, as a multiple of the albedo; None for none anywhere.
    """

    albedo: NDArray[np.float32]
    normals: NDArray[np.float32]
    gloss: NDArray[np.float32]
    glow: NDArray[np.float32] | None = None


def _noise_volume() -> NDArray[np.float32]:
    """A (64, 64, 64) volume of smooth noise in [-1, 1] that repeats without seams."""
    rng = np.random.default_rng(64)
    f = np.fft.fftfreq(NOISE_SIZE)
    radius = np.sqrt(f[:, None, None] ** 2 + f[None, :, None] ** 2 + f[None, None] ** 2)
    band = np.exp(-((radius / 0.12) ** 2))
    noise = np.fft.ifftn(np.fft.fftn(rng.standard_normal((NOISE_SIZE,) * 3)) * band).real
    return np.clip(noise / (2.5 * noise.std()), -1, 1).astype(np.float32)


NOISE = _noise_volume()


def noise_at(points: NDArray[np.float32], cell: float) -> NDArray[np.float32]:
    """(N, 3) points in metres -> (N,) smooth noise in [-1, 1] whose grain is about 4 cells of `cell` metres."""
    return compiled.noise_at(NOISE, np.ascontiguousarray(points), np.float32(1 / cell))


def smooth_noise_at(points: NDArray[np.float32], cell: float) -> NDArray[np.float32]:
    """`noise_at` without steps, for patterns on large surfaces: interpolated between the eight cells around."""
    scaled = points * np.float32(1 / cell)
    low = np.floor(scaled)
    f = scaled - low
    i = low.astype(np.int32) & (NOISE_SIZE - 1)
    j = (i + 1) & (NOISE_SIZE - 1)
    x, y, z = f[:, 0], f[:, 1], f[:, 2]

    def along_x(b: NDArray[np.int32], c: NDArray[np.int32]) -> NDArray[np.float32]:
        near, far = NOISE[i[:, 0], b, c], NOISE[j[:, 0], b, c]
        return near + (far - near) * x

    front, back = (along_x(i[:, 1], c) for c in (i[:, 2], j[:, 2]))
    front += (along_x(j[:, 1], i[:, 2]) - front) * y
    back += (along_x(j[:, 1], j[:, 2]) - back) * y
    return front + (back - front) * z


def coloured(truth: Truth, ids: NDArray[np.int32], materials: tuple[Material, ...]) -> NDArray[np.float32]:
    """(N, 3) linear RGB reflectance at the hit pixels from their material ids, patterns included."""
    first = np.array([m.albedo for m in materials], np.float32)
    second = np.array([m.second for m in materials], np.float32)
    colours = np.empty((len(ids), 3), np.float32)
    for channel in range(3):
        colours[:, channel] = first[:, channel].take(ids)
    for index in np.flatnonzero(np.bincount(ids, minlength=1)):
        if materials[index].pattern != "plain":
            here = np.flatnonzero(ids == index)
            share = pattern(materials[index], truth.rest(here))
            for channel in range(3):
                one, other = first[index, channel], second[index, channel]
                colours[here, channel] = one + share * (other - one)
    return colours


def pattern(material: Material, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) share of the pattern's colour at (N, 3) rest coordinates in metres."""
    if material.pattern not in PATTERNS:
        raise ValueError(f"Material.pattern is {material.pattern!r}, expected one of {', '.join(PATTERNS)}")
    return PATTERNS[material.pattern](np.float32(material.period), rest)


def _wave(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """A smooth wave of period 1 between 0 and 1, by products only: the same bits on every machine."""
    t = np.abs(2 * (x - np.floor(x)) - 1)
    return t * t * (3 - 2 * t)


def _stripes(period: np.float32, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    v = rest[:, 1] / period
    return (v - np.floor(v) < 0.5).astype(np.float32)


def _checks(period: np.float32, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    u, v = rest[:, 0] / period, rest[:, 1] / period
    return ((u - np.floor(u) < 0.5).astype(np.float32) + (v - np.floor(v) < 0.5)) * np.float32(0.5)


def _weave(period: np.float32, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.float32(0.35) + np.float32(0.35) * noise_at(rest, 0.0008)


def _mottled(period: np.float32, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.float32(0.3) + np.float32(0.3) * noise_at(rest, period / 4)


def _wood(period: np.float32, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """Growth rings along the first axis: cylinders around it, bent by noise, with fine fibres; `period` apart."""
    u, v, w = rest[:, 0], rest[:, 1], rest[:, 2]
    slow = np.stack([u * np.float32(0.12), v, w], 1)
    y, z = v - 3 * period, w + 5 * period
    ring = np.sqrt(y * y + z * z) / period + np.float32(0.9) * smooth_noise_at(slow, period / 2)
    fibre = noise_at(np.stack([u * np.float32(0.06), v, w], 1), period / 24)
    return np.float32(0.65) * _wave(ring) + np.float32(0.175) * (fibre + 1)


def _print(period: np.float32, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lines of words across the first two axes, as on a label or a page: a line of text every `period`."""
    u, v = rest[:, 0] / period, rest[:, 1] / period
    row = np.floor(v)
    word = (row * 7 + np.floor(u * np.float32(0.8) + row * np.float32(0.37)) * 13).astype(np.int32)
    written = NOISE.ravel()[(word * 641) & (NOISE.size - 1)] > np.float32(-0.35)
    inside = (v - row > 0.25) & (v - row < 0.75)
    letters = (u * np.float32(5) - np.floor(u * np.float32(5))) < 0.75
    return (written & inside & letters).astype(np.float32)


def _tiles(period: np.float32, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """Thin joints between square tiles of size `period`; a joint runs through the origin."""
    u, v = rest[:, 0] / period, rest[:, 1] / period
    half = np.float32(0.5)
    return ((np.abs(u - np.floor(u + half)) < 0.03) | (np.abs(v - np.floor(v + half)) < 0.03)).astype(np.float32)


def _marble(period: np.float32, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """Thin wandering veins, about `period` apart."""
    along = (rest[:, 0] + rest[:, 1] + rest[:, 2]) / period
    bent = along + np.float32(1.6) * smooth_noise_at(rest, period / 5) + np.float32(0.5) * noise_at(rest, period / 24)
    t = _wave(bent)
    t4 = (t * t) ** 2
    return t4 * t4 * np.float32(0.8) + np.float32(0.1) * (smooth_noise_at(rest, period / 6) + 1)


def _clouds(period: np.float32, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """Soft patches, about `period` wide: "mottled" without steps."""
    return np.float32(0.5) + np.float32(0.5) * smooth_noise_at(rest, period / 4)


def _speckle(period: np.float32, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scattered specks, about `period` apart."""
    return (smooth_noise_at(rest, period / 6) > np.float32(0.4)).astype(np.float32)


def _brushed(period: np.float32, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fine scratches along the first axis, as on rolled metal."""
    long = np.stack([rest[:, 0] * np.float32(0.04), rest[:, 1], rest[:, 2]], 1)
    return np.float32(0.5) + np.float32(0.5) * noise_at(long, period / 40)


def _football_faces() -> NDArray[np.float32]:
    """(32, 3) the normals of a truncated icosahedron over the distances of its faces: 12 pentagons, 20 hexagons."""
    g = (1 + 5**0.5) / 2
    corners = np.array([[0, a, b * g] for a in (-1, 1) for b in (-1, 1)])
    corners = np.concatenate([np.roll(corners, k, axis=1) for k in range(3)]) / (1 + g * g) ** 0.5
    product = np.sum(corners[:, None] * corners[None], axis=2)
    near = product > 0.4
    triples = [
        (i, j, k) for i in range(12) for j in range(i) for k in range(j) if near[i, j] and near[j, k] and near[i, k]
    ]
    middles = np.array([corners[list(t)].sum(axis=0) for t in triples])
    middles /= np.sqrt((middles**2).sum(axis=1, keepdims=True))
    return np.concatenate([corners / 2.32744, middles / 2.26728]).astype(np.float32)


FOOTBALL = _football_faces()


def _football(period: np.float32, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pentagons and seams of a football about the origin."""
    unit = rest / np.maximum(np.sqrt(dot(rest, rest)), np.float32(1e-9))[:, None]
    reach = np.stack([dot(unit, face) for face in FOOTBALL], 1)
    first = reach.argmax(axis=1)
    top = np.sort(reach, axis=1)[:, -2:]
    return np.where(first < 12, np.float32(1), np.where(top[:, 1] - top[:, 0] < 0.008, np.float32(0.6), np.float32(0)))


def _seam(period: np.float32, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """The wandering seam of a tennis ball about the origin."""
    unit = rest / np.maximum(np.sqrt(dot(rest, rest)), np.float32(1e-9))[:, None]
    x, y, z = unit.T
    return (np.abs(np.float32(1.5) * (x * x - y * y) - z) < 0.12).astype(np.float32)


PATTERNS = {
    "plain": lambda period, rest: np.zeros(len(rest), np.float32),
    "stripes": _stripes,
    "checks": _checks,
    "weave": _weave,
    "mottled": _mottled,
    "wood": _wood,
    "print": _print,
    "tiles": _tiles,
    "marble": _marble,
    "clouds": _clouds,
    "speckle": _speckle,
    "brushed": _brushed,
    "football": _football,
    "seam": _seam,
}
"""Each pattern: (period in metres, (N, 3) rest coordinates in metres) -> (N,) share of the second colour."""


def shade(truth: Truth, caster: Caster, finish: Finish, lights: Lights) -> NDArray[np.float32]:
    """(N, 3) linear RGB of the hit pixels: Lambert key light with a cast shadow, a sky, and a highlight.

    With `Lights.lamps` these light the scene instead of the key light, with soft shadows.
    """
    if lights.lamps:
        return lamplight(truth, caster, finish, lights)
    camera, points = truth.camera.pose[:3, 3].astype(np.float32), truth.points
    view = [camera[axis] - points[:, axis] for axis in range(3)]  # by columns: numpy is slow along short rows
    backwards = np.flatnonzero(_along(truth.pixel_normals.T, view) < 0)  # the inside of a sleeve or collar
    normals = [column.copy() for column in finish.normals.T]
    for column in normals:
        column[backwards] *= -1
    towards = _along(normals, lights.key)
    lit = np.flatnonzero(towards > 0)
    origins = np.empty((len(lit), 3), np.float32)
    for axis in range(3):
        origins[:, axis] = points[:, axis].take(lit) + normals[axis].take(lit) * np.float32(0.004)
    directions = np.broadcast_to(lights.key, origins.shape).astype(np.float32)
    shadow = np.zeros(len(points), bool)
    shadow[lit] = caster.blocked(origins, directions)
    key = np.maximum(towards, 0) * soften(truth, ~shadow)
    sky = np.float32(0.65) + np.float32(0.35) * _along(normals, lights.up)
    shiny = np.flatnonzero((key > 0) & (finish.gloss > 0))
    half = [v + lights.key[axis] for axis, v in enumerate(_unit([v.take(shiny) for v in view]))]
    across = _along(_unit(half), [normal.take(shiny) for normal in normals])
    highlight = power24(np.maximum(across, 0)) * finish.gloss.take(shiny) * np.float32(lights.exposure)
    out = np.empty_like(finish.albedo)
    for channel in range(3):
        light = key * np.float32(lights.exposure * lights.key_colour[channel])
        light += sky * np.float32(lights.exposure * lights.sky_colour[channel])
        light *= finish.albedo[:, channel]
        light[shiny] += highlight
        out[:, channel] = light
    return out


def _along(a: Sequence[NDArray[np.float32]], b: Sequence[NDArray[np.float32]] | NDArray[np.float32]) -> NDArray:
    """(N,) products of vectors given by their three columns; `b` may be one vector."""
    total = a[0] * b[0]
    total += a[1] * b[1]
    total += a[2] * b[2]
    return total


def _unit(columns: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Vectors, given by their three columns, brought to length 1 in place."""
    length = np.sqrt(_along(columns, columns))
    for column in columns:
        column /= length
    return columns


def power24(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """x ** 24 by multiplications, which are quick and the same on every machine."""
    x8 = ((x * x) ** 2) ** 2
    return x8 * x8 * x8


def soften(truth: Truth, lit: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(N,) light that arrives, with the edges of shadows blurred over a few pixels as by a lamp with some size."""
    radius = max(1, truth.shape[1] // 160)
    if not len(lit):
        return np.zeros(0, np.float32)
    window = (2 * radius + 1, 2 * radius + 1)
    counts = [  # whole numbers: exact in any order
        cv2.boxFilter(truth.image(values), cv2.CV_32F, window, normalize=False, borderType=cv2.BORDER_REPLICATE)
        for values in (lit.view(np.uint8), np.ones(len(lit), np.uint8))
    ]
    light, seen = (count.ravel().take(truth.pixels) for count in counts)
    return light / np.maximum(seen, 1)


def to_srgb(linear: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Linear RGB to 8-bit display values."""
    scaled = linear * np.float32(4095)
    np.clip(scaled, 0, 4095, out=scaled)
    return GAMMA.take(scaled.astype(np.intp))
