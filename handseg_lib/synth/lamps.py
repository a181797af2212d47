"""Rooms lit by lamps and windows of some size: soft shadows, and corners that the sky does not reach.

Each pixel casts one ray to one place on each lamp, and one into the half space above it. The places differ within
blocks of 4x4 pixels, the same in every block, and the answers are averaged over 4x4 neighbours on the same surface:
sixteen rays' worth of softness for the price of one, without grain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.mesh import check_rigid, rotate
from handseg_lib.synth.render import Caster, Truth, cross, dot

if TYPE_CHECKING:
    from handseg_lib.synth.shading import Finish, Lights

Array = NDArray[np.float32]
BLOCK = 4
LIFT = np.float32(0.003)
"""Metres by which rays start above the surface, so that a facet does not shade its own neighbours."""
CORNER_LIGHT = np.float32(0.22)
"""Share of the sky's light that even a hidden corner gets, by way of everything around it."""


@dataclass(frozen=True)
class Lamp:
    """A flat patch that gives light to both of its sides: a lamp shade, a window, a screen.

    Attributes:
        centre: (3,) metres.
        half: (2, 3) half the patch's width and height as vectors, metres.
        colour: linear RGB that a white surface sends back when it faces the lamp from one metre.
        facing: how much less the lamp gives sideways: 0 as much as ahead (a globe), 1 by the cosine (a window).
    """

    centre: Array
    half: Array
    colour: tuple[float, float, float]
    facing: float = 0.0

    def moved(self, matrix: NDArray[np.floating]) -> "Lamp":
        """The lamp moved by a 4x4 rigid transform."""
        t = check_rigid(matrix)
        centre = rotate(t[:3, :3], np.asarray(self.centre, np.float32)[None])[0] + t[:3, 3]
        return Lamp(centre, rotate(t[:3, :3], np.asarray(self.half, np.float32)), self.colour, self.facing)

    @property
    def normal(self) -> Array:
        """(3,) unit vector straight ahead; a point lamp has none and gets (0, 0, 1)."""
        n = np.cross(*np.asarray(self.half, np.float64))
        length = np.sqrt(n @ n)
        return (n / length if length > 1e-12 else np.array([0, 0, 1.0])).astype(np.float32)


def lamplight(truth: Truth, caster: Caster, finish: "Finish", lights: "Lights") -> Array:
    """(N, 3) linear RGB of the hit pixels under the lamps of a room and its sky; see `shading.shade`."""
    points = truth.points
    view = truth.camera.pose[:3, 3].astype(np.float32) - points
    view /= np.sqrt(dot(view, view))[:, None]
    flat = _flat_normals(truth)
    backwards = (dot(flat, view) < 0)[:, None]  # the inside of a sleeve or of a bowl
    flat, normals = (np.where(backwards, -n, n) for n in (flat, finish.normals))
    origins = points + flat * LIFT
    block = _block_of(truth)
    open_to = np.stack(
        [_lamp_seen(caster, origins, lamp, block) for lamp in lights.lamps]
        + [_sky_seen(caster, origins, flat, lights.occlusion, block)],
        axis=1,
    )
    open_to = averaged(truth, normals, open_to)
    sky = (np.float32(0.65) + np.float32(0.35) * dot(normals, lights.up)) * (
        CORNER_LIGHT + (1 - CORNER_LIGHT) * open_to[:, -1]
    )
    light = sky[:, None] * np.array(lights.sky_colour, np.float32)
    shine = np.zeros_like(light)
    for k, lamp in enumerate(lights.lamps):
        strength, direction = _arriving(lamp, points, normals)
        colour = (strength * open_to[:, k])[:, None] * np.array(lamp.colour, np.float32)
        light += np.maximum(dot(normals, direction), 0)[:, None] * colour
        half = view + direction
        half /= np.sqrt(np.maximum(dot(half, half), 1e-12))[:, None]
        shine += (_power32(np.maximum(dot(half, normals), 0)) * finish.gloss)[:, None] * colour
    if finish.glow is not None:
        light += finish.glow[:, None]
    return (finish.albedo * light + shine) * np.float32(lights.exposure)


def _flat_normals(truth: Truth) -> Array:
    """(N, 3) unit normals of the hit faces themselves."""
    met = np.zeros(len(truth.mesh.faces), bool)
    met[truth.faces] = True
    number = np.cumsum(met, dtype=np.int32) - 1
    a, b, c = (truth.mesh.vertices[truth.mesh.faces[met, i]] for i in range(3))
    normals = cross(b - a, c - a)
    normals /= np.maximum(np.sqrt(dot(normals, normals)), np.float32(1e-12))[:, None]
    return normals[number[truth.faces]]


def _arriving(lamp: Lamp, points: Array, normals: Array) -> tuple[Array, Array]:
    """(N,) light arriving from a lamp's middle without shadows, and the (N, 3) unit vectors towards it."""
    to = np.asarray(lamp.centre, np.float32) - points
    square = np.maximum(dot(to, to), np.float32(0.01))
    to = to / np.sqrt(square)[:, None]
    ahead = np.abs(dot(to, lamp.normal))
    return (1 - np.float32(lamp.facing) * (1 - ahead)) / square, to


def _block_of(truth: Truth) -> NDArray[np.int64]:
    """(N,) place of each hit pixel in its block of 4x4 pixels, in an order that spreads neighbours far apart."""
    row, column = np.divmod(truth.pixels, truth.shape[1])
    return _ORDER[row % BLOCK, column % BLOCK]


_ORDER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
_GRID = (
    np.stack(np.meshgrid((np.arange(4) + 0.5) / 2 - 1, (np.arange(4) + 0.5) / 2 - 1), -1)
    .reshape(16, 2)
    .astype(np.float32)
)


def _upper_half() -> Array:
    """(16, 3) directions spread over the half space about z, as many as light arrives: by the cosine."""
    k = np.arange(16) + 0.5
    z, angle = np.sqrt(1 - k / 16), np.arange(16) * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - z * z)
    return np.stack([flat * np.cos(angle), flat * np.sin(angle), z], 1).astype(np.float32)


_UPPER_HALF = _upper_half()


def _lamp_seen(caster: Caster, origins: Array, lamp: Lamp, block: NDArray[np.int64]) -> Array:
    """(N,) 1 where a ray reaches the lamp, 0 where something is in the way."""
    half = np.asarray(lamp.half, np.float32)
    places = np.asarray(lamp.centre, np.float32) + _GRID[:, :1] * half[0] + _GRID[:, 1:] * half[1]
    to = places[block] - origins
    distance = np.sqrt(dot(to, to))
    to /= np.maximum(distance, np.float32(1e-6))[:, None]
    return (~caster.blocked(origins, to, distance - np.float32(0.02))).astype(np.float32)


def _sky_seen(caster: Caster, origins: Array, normals: Array, reach: float, block: NDArray[np.int64]) -> Array:
    """(N,) 1 where a ray into the half space above the surface meets nothing within `reach` metres."""
    if reach <= 0:
        return np.ones(len(origins), np.float32)
    x, y, z = normals[:, 0], normals[:, 1], normals[:, 2]
    sign = np.where(z >= 0, np.float32(1), np.float32(-1))  # an orthonormal basis without branches (Duff et al. 2017)
    a = -1 / (sign + z)
    b = x * y * a
    d = _UPPER_HALF[block]
    u, v, w = d[:, 0], d[:, 1], d[:, 2]
    to = np.empty_like(normals)
    to[:, 0] = u * (1 + sign * x * x * a) + v * b + w * x
    to[:, 1] = u * (sign * b) + v * (sign + y * y * a) + w * y
    to[:, 2] = u * (-sign * x) + v * -y + w * z
    return (~caster.blocked(origins, to, np.full(len(origins), reach, np.float32))).astype(np.float32)


def averaged(truth: Truth, normals: Array, values: Array) -> Array:
    """(N, K) values averaged over 4x4 pixels, never across an edge between surfaces.

    Neighbours count where they lie in the pixel's own tangent plane, to one hundredth of its distance, and face
    the same way to within about 45 degrees.
    """
    images = [truth.image(np.ascontiguousarray(column)) for column in values.T]
    guide = [truth.image(np.ascontiguousarray(column)) for column in (*truth.points.T, *normals.T)]
    hit = truth.image(np.ones(len(values), np.float32))
    room = truth.image(np.float32(0.01) * truth.distance + np.float32(0.001))
    same = {(axis, by): _same_surface(axis, by, guide, hit, room) for axis in (0, 1) for by in (-2, -1, 1)}
    for shifts in ((-2, -1, 1), (-1, 1)):  # the second round makes a smooth ramp of sixteen steps
        for axis in (0, 1):
            images = _averaged_along(axis, images, {shift: same[axis, shift] for shift in shifts})
    return np.stack([image.ravel().take(truth.pixels) for image in images], axis=1)


def _same_surface(axis: int, shift: int, guide: Sequence[Array], hit: Array, room: Array) -> Array:
    """1 for pixels whose neighbour lies on the same surface, else 0; pixels without that neighbour are left out."""
    here, there = _overlap(axis, shift, hit.shape)
    points, normals = guide[:3], [n[here] for n in guide[3:]]
    gap = sum(n * (p[there] - p[here]) for n, p in zip(normals, points, strict=True))
    turn = sum(n * other[there] for n, other in zip(normals, guide[3:], strict=True))
    return ((np.abs(gap) < room[here]) & (turn > 0.7)).astype(np.float32) * hit[there]


def _averaged_along(axis: int, images: Sequence[Array], same: dict[int, Array]) -> list[Array]:
    """(H, W) images averaged with their neighbours along an axis, where `same` (by shift) says that these count."""
    totals, count = [image.copy() for image in images], np.ones(images[0].shape, np.float32)
    for shift, counts in same.items():
        here, there = _overlap(axis, shift, count.shape)
        for total, image in zip(totals, images, strict=True):
            total[here] += image[there] * counts
        count[here] += counts
    return [total / count for total in totals]


def _overlap(axis: int, shift: int, shape: Sequence[int]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Slices of the pixels that have a neighbour `shift` further along an axis, and of those neighbours."""
    size = shape[axis]
    here, there = [slice(None), slice(None)], [slice(None), slice(None)]
    here[axis] = slice(max(0, -shift), size - max(0, shift))
    there[axis] = slice(max(0, shift), size - max(0, -shift))
    return tuple(here), tuple(there)


def _power32(x: Array) -> Array:
    """x ** 32 by multiplications, which are quick and the same on every machine."""
    for _ in range(5):
        x = x * x
    return x
