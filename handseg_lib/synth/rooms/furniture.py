"""Pieces of which rooms are built: slabs, bent pipes, turned bodies, and the furniture made of them.

Room coordinates: x right, y down, z away from the wearer; the work surface is the plane y = 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handseg_lib.synth.loft import grid_faces, loft, superellipse
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.rooms import props
from handseg_lib.synth.shading import Material

AROUND = 20
"""Vertices around a turned body."""
Size = tuple[float, float, float]


@dataclass
class Furnishing:
    """Meshes and their materials, gathered piece by piece."""

    meshes: list[Mesh] = field(default_factory=list)
    materials: list[Material] = field(default_factory=list)

    def paint(self, material: Material) -> int:
        """The number of a material, the same for the same look."""
        if material not in self.materials:
            self.materials.append(material)
        return self.materials.index(material)

    def block(
        self, size: Size, centre: ArrayLike, material: Material, turn: NDArray | None = None, grain: str = "x"
    ) -> None:
        """A box with sharp edges; `grain` is the axis along which wood grows and rows of tiles or text run."""
        self.meshes.append(block(size, centre, self.paint(material), turn, grain))

    def span(self, low: ArrayLike, high: ArrayLike, material: Material, grain: str = "x") -> None:
        """A box between two opposite corners."""
        low, high = np.asarray(low, float), np.asarray(high, float)
        self.block(tuple((high - low).tolist()), (low + high) / 2, material, grain=grain)

    def turned(self, profile: Sequence[tuple[float, float]], base: ArrayLike, material: Material) -> None:
        """A round body standing at `base`: (height above it, radius) from the bottom to the top, metres."""
        self.meshes.append(turned(profile, base, self.paint(material)))

    def pipe(self, points: ArrayLike, radius: float, material: Material, around: int = 10) -> None:
        """A closed round bar through points, rounded at the corners."""
        self.meshes.append(pipe(points, radius, self.paint(material), around))

    @property
    def mesh(self) -> Mesh:
        """Everything gathered so far."""
        return Mesh.merge(self.meshes)


def block(size: Size, centre: ArrayLike, material: int, turn: NDArray | None = None, grain: str = "x") -> Mesh:
    """A box whose texture coordinates run along `grain`, across it within each side, and into the side."""
    centre = np.asarray(centre, np.float64)
    mesh = props.box(size, centre, np.eye(3) if turn is None else turn, material)
    plain = props.box(size, centre, np.eye(3), material).vertices
    first = "xyz".index(grain)
    rest = np.empty_like(plain)
    for axis in range(3):
        rows = slice(8 * axis, 8 * axis + 8)  # two opposite sides
        inside = [a for a in range(3) if a != axis]
        u = first if first in inside else inside[0]
        v = inside[1] if u == inside[0] else inside[0]
        rest[rows] = plain[rows][:, [u, v, axis]]
    return replace(mesh, rest=rest)


def turned(profile: Sequence[tuple[float, float]], base: ArrayLike, material: int) -> Mesh:
    """A body of revolution about the vertical, smooth along its profile of (height, radius)."""
    heights, radii = np.array(profile, np.float32).T
    centres = np.asarray(base, np.float32) - heights[:, None] * np.array([0, 1, 0], np.float32)
    # columns: side, along (up), depth
    frame = np.array([[1, 0, 0], [0, -1, 0], [0, 0, -1]], np.float32)
    rings = superellipse(_circle(AROUND), radii, radii, radii, np.full(len(radii), 2.0))
    vertices = loft(centres, np.repeat(frame[None], len(radii), axis=0), rings)
    return Mesh.of(vertices, grid_faces(len(radii), AROUND), 0, material)


def pipe(points: ArrayLike, radius: float, material: int, around: int = 10) -> Mesh:
    """A round bar through (N, 3) points with closed ends; the corners are rounded by subdivision."""
    line = np.asarray(points, np.float64)
    for _ in range(2 if len(line) > 2 else 0):  # corner cutting, ends kept
        cut = np.stack([0.75 * line[:-1] + 0.25 * line[1:], 0.25 * line[:-1] + 0.75 * line[1:]], 1).reshape(-1, 3)
        line = np.concatenate([line[:1], cut[1:-1], line[-1:]])
    line = np.concatenate([line[:1], line, line[-1:]])
    along = np.diff(line[1:-1], axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    along = np.concatenate([along[:1], along[:1], (along[:-1] + along[1:]) / 2, along[-1:], along[-1:]])
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.eye(3)[np.argmin(np.abs(along).sum(0))]
    frames = []
    for a in along:
        side = side - a * (side @ a)
        side /= np.linalg.norm(side)
        frames.append(np.stack([side, a, np.cross(side, a)], axis=1))
    radii = np.full(len(line), radius, np.float32)
    radii[[0, -1]] = 1e-5
    rings = superellipse(_circle(around), radii, radii, radii, np.full(len(line), 2.0))
    vertices = loft(line.astype(np.float32), np.array(frames, np.float32), rings)
    return Mesh.of(vertices, grid_faces(len(line), around), 0, material)


def _circle(points: int) -> NDArray[np.float64]:
    return np.arange(points) * (2 * np.pi / points)


def disc(radius: float, thickness: float) -> list[tuple[float, float]]:
    """Profile of a flat round plate."""
    return [(0, 0), (0, radius), (0, radius), (thickness, radius), (thickness, radius), (thickness, 0)]


def shelf_row(
    rng: np.random.Generator, things: Furnishing, x: tuple[float, float], y: float, z: float, kind: str
) -> None:
    """A row of books, jars or boxes standing on a shelf at height y, their fronts near z."""
    at = x[0]
    while at < x[1] - 0.05:
        colour = tuple(float(v) for v in np.clip(rng.beta(1.3, 1.8) * rng.uniform(0.4, 1.2, 3), 0.02, 0.85))
        if kind == "books":
            width, height, depth = rng.uniform(0.018, 0.05), rng.uniform(0.17, 0.27), rng.uniform(0.12, 0.18)
            text = tuple(0.85 - 0.8 * v for v in colour)
            look = Material(colour, "print", text, float(rng.uniform(0.02, 0.04)), 0.04)
            things.block((width, height, depth), (at + width / 2, y - height / 2, z + depth / 2), look, grain="y")
            at += width + 0.001
        elif kind == "jars":
            radius, height = rng.uniform(0.03, 0.055), rng.uniform(0.09, 0.2)
            profile = [
                (0, 0),
                (0, radius * 0.97),
                (0.004, radius),
                (height * 0.75, radius),
                (height * 0.85, radius * 0.7),
                (height * 0.86, radius * 0.8),
                (height, radius * 0.8),
                (height, 0),
            ]
            things.turned(profile, (at + radius, y, z + 0.08), Material(colour, "mottled", colour, 0.03, 0.25))
            at += 2 * radius + rng.uniform(0.01, 0.06)
        else:
            width, height, depth = rng.uniform(0.08, 0.25, 3) * (1, 0.8, 0.8)
            brown = Material((0.45, 0.3, 0.17), "mottled", (0.36, 0.23, 0.12), 0.1)
            look = brown if rng.random() < 0.5 else Material(colour, "plain", gloss=0.1)
            things.block((width, height, depth), (at + width / 2, y - height / 2, z + depth / 2), look)
            at += width + rng.uniform(0.005, 0.08)


def hob(rng: np.random.Generator, things: Furnishing, x: float, z: float) -> tuple[float, float, float, float]:
    """A hob of black glass or of steel with gas burners, its middle at (x, z); the rectangle it takes."""
    width, depth = 0.58, 0.46
    gas = rng.random() < 0.45
    steel, iron = Material((0.42, 0.42, 0.43), gloss=0.5), Material((0.025, 0.025, 0.028), gloss=0.12)
    glass = Material((0.015, 0.015, 0.018), "plain", gloss=0.8)
    things.block((width, 0.008, depth), (x, -0.002, z), steel if gas else glass)
    for dx, dz, r in ((-0.15, -0.1, 0.09), (0.15, -0.1, 0.075), (-0.15, 0.1, 0.075), (0.15, 0.1, 0.09)):
        at = np.array([x + dx, -0.006, z + dz])
        if gas:
            things.turned([(0, 0), (0, r * 0.55), (0.008, r * 0.5), (0.016, r * 0.42), (0.016, 0)], at, iron)
            for angle in (0, np.pi / 2, np.pi, 1.5 * np.pi):
                arm = np.array([np.cos(angle), 0, np.sin(angle)])
                ends = [
                    at + arm * r * 1.15 + np.array([0, 0.0, 0]),
                    at + arm * r * 1.15 - np.array([0, 0.026, 0]),
                    at + arm * r * 0.35 - np.array([0, 0.026, 0]),
                ]
                things.pipe(ends, 0.0045, iron, 6)
        else:
            ring = Material((0.16, 0.16, 0.17), gloss=0.5)
            things.turned([(0, r * 0.94), (0.0007, r * 0.95), (0.0007, r), (0, r * 1.01)], at, ring)
            things.turned([(0, r * 0.5), (0.0006, r * 0.51), (0.0006, r * 0.55), (0, r * 0.56)], at, ring)
    return (x - width / 2, x + width / 2, z - depth / 2, z + depth / 2)


def counter_with_sink(
    rng: np.random.Generator, things: Furnishing, x: tuple[float, float], depth: float, sink: float, top: Material
) -> tuple[float, float, float, float]:
    """A counter top with a basin let in, its middle at x = `sink`; the rectangle that basin and tap take."""
    half, front, back = float(rng.uniform(0.2, 0.27)), 0.09, depth - 0.13
    steel = Material((0.5, 0.5, 0.51), gloss=0.5)
    x0, x1 = sink - half, sink + half
    for low, high in (
        ((x[0], -0.0, 0), (x0, 0.04, depth)),
        ((x1, 0, 0), (x[1], 0.04, depth)),
        ((x0, 0, 0), (x1, 0.04, front)),
        ((x0, 0, back), (x1, 0.04, depth)),
    ):
        things.span(low, high, top)
    deep, wall = 0.17, 0.006
    things.span((x0 - wall, 0.001, front - wall), (x0, deep, back + wall), steel)
    things.span((x1, 0.001, front - wall), (x1 + wall, deep, back + wall), steel)
    things.span((x0, 0.001, front - wall), (x1, deep, front), steel)
    things.span((x0, 0.001, back), (x1, deep, back + wall), steel)
    things.span((x0, deep - wall, front), (x1, deep, back), steel)
    things.turned(
        disc(0.035, 0.003), ((x0 + x1) / 2, deep - wall, (front + back) / 2), Material((0.2, 0.2, 0.2), gloss=0.4)
    )
    return (x0 - 0.02, x1 + 0.02, front - 0.03, depth)


def window(things: Furnishing, centre: ArrayLike, width: float, height: float, light: float) -> None:
    """A bright window in the wall behind `centre` with its frame; it faces towards -z."""
    centre = np.asarray(centre, float)
    white = Material((0.8, 0.8, 0.78))
    things.block((width, height, 0.006), centre, Material((0.75, 0.85, 0.95), glow=light))
    for dx in (-width / 2, 0, width / 2):
        things.block((0.045, height + 0.05, 0.05), centre + np.array([dx, 0, -0.02]), white)
    for dy in (-height / 2, height / 2):
        things.block((width + 0.05, 0.045, 0.05), centre + np.array([0, dy, -0.02]), white)
    things.block((width + 0.2, 0.03, 0.14), centre + np.array([0, height / 2 + 0.03, -0.07]), white)
