"""How an object is put together: parts, the frame they stand in, grips with their widths measured, and the mesh."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handseg_lib.synth.mesh import Mesh, rotate
from handseg_lib.synth.objects.outline_loops import lower_hull
from handseg_lib.synth.objects.shapes import Shape
from handseg_lib.synth.objects.surface import Surface
from handseg_lib.synth.objects.thing import Grip, RigidObject, Solid, union
from handseg_lib.synth.people.body import rotation
from handseg_lib.synth.shading import Material

UP, DOWN = np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.0, 0.0])
REACH = 0.2
"""How far from a grip's centre its width is looked for, metres."""
NEAR = 0.02
"""How far a grip's centre may be moved along its approach, metres."""


@dataclass(frozen=True)
class Part:
    """One shape of an object at its place.

    Attributes:
        shape: in its own frame.
        frame: (4, 4) own frame to object.
        material: name of the part's material, or one name for each tag of the shape's faces.
        grain: whether the texture runs through the solid, along its longest side (wood), instead of over the surface.
        decal: whether it is too thin to feel: drawn, but no part of the distance.
        tag: takes the (F, 3) centres of the faces in the shape's frame to (F,) tags, instead of the shape's own.
    """

    shape: Shape
    frame: NDArray[np.float64]
    material: str | tuple[str, ...]
    grain: bool = False
    decal: bool = False
    tag: Callable[[NDArray], ArrayLike] | None = None


@dataclass(frozen=True)
class Hold:
    """A grip before its width is measured; see `Grip`. `partner` counts from this hold: +1 is the next."""

    type: str
    centre: ArrayLike
    axis: ArrayLike
    approach: ArrayLike
    hands: int = 1
    partner: int | None = None


@dataclass(frozen=True)
class Design:
    """The shape of an object: its parts and where to hold it, in any frame with y down.

    With `settle` it is tipped about z and then x until it lies on the plane as it would when let go.
    """

    parts: tuple[Part, ...]
    holds: tuple[Hold, ...]
    settle: bool = False


@dataclass(frozen=True)
class Model:
    """A finished shape: the object's mesh, solids and grips at scale 1, with materials still to be chosen.

    Attributes:
        slots: names of the materials, in the order of the mesh's ids.
    """

    mesh: Mesh
    slots: tuple[str, ...]
    solids: tuple[Solid, ...]
    grips: tuple[Grip, ...]


def at(x: float = 0, y: float = 0, z: float = 0, **turns: float) -> NDArray[np.float64]:
    """(4, 4) frame at a place, turned before that by degrees about the axes in the order named: at(y=1, rx=90)."""
    frame = np.eye(4)
    for axis, degrees in turns.items():
        frame[:3, :3] = rotation(axis[-1], np.radians(degrees)) @ frame[:3, :3]
    frame[:3, 3] = x, y, z
    return frame


def built(design: Design) -> Model:
    """Meshes the parts, stands the whole on y = 0 and measures the grips."""
    slots: list[str] = []
    meshes = [_meshed(part, slots) for part in design.parts]
    mesh = Mesh.merge(meshes)
    if design.settle:
        for axis in ("z", "x"):
            turn = rotation(axis, _tip(mesh, axis))
            design, mesh = turned_design(design, turn), _turned_mesh(mesh, turn)
    drop = np.array([0, -mesh.vertices[:, 1].max(), 0], np.float32)
    mesh = replace(mesh, vertices=mesh.vertices + drop)
    solids = tuple(Solid(p.shape, _moved(p.frame, drop)) for p in design.parts if not p.decal)
    grips = tuple(_measured(hold, k, solids, drop) for k, hold in enumerate(design.holds))
    return Model(mesh, tuple(slots), solids, grips)


def finished(kind: str, model: Model, look: Mapping[str, Material], scale: float) -> RigidObject:
    """An object of a model: painted and scaled."""
    missing = [name for name in model.slots if name not in look]
    if missing:
        raise ValueError(f"the look of {kind!r} has no material {', '.join(missing)}; it has {', '.join(look)}")
    s = np.float32(scale)
    mesh = replace(model.mesh, vertices=model.mesh.vertices * s, rest=model.mesh.rest * s)
    grips = tuple(replace(g, centre=g.centre * s, width=g.width * float(s)) for g in model.grips)
    return RigidObject(kind, mesh, tuple(look[name] for name in model.slots), grips, model.solids, float(s))


def _tip(mesh: Mesh, axis: str) -> float:
    """The angle about an axis, radians, by which a mesh falls onto the edge of its lower hull below its middle."""
    along, sign = (0, -1) if axis == "z" else (2, 1)
    corners = mesh.vertices[mesh.faces]
    area = np.sqrt((np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) ** 2).sum(1))
    middle = float((corners.mean(1)[:, along] * area).sum() / area.sum())
    points = mesh.vertices[:, [along, 1]].astype(np.float64)
    hull = lower_hull(points[np.lexsort((points[:, 1], points[:, 0]))])
    for (x0, y0), (x1, y1) in itertools.pairwise(hull.tolist()):
        if x0 <= middle <= x1 and x1 > x0:
            return sign * float(np.arctan2(y1 - y0, x1 - x0))
    return 0.0


def turned_design(design: Design, turn: NDArray) -> Design:
    """A design turned by a (3, 3) rotation about the origin, its parts and its holds."""
    frame = np.eye(4)
    frame[:3, :3] = turn
    parts = tuple(replace(p, frame=frame @ p.frame) for p in design.parts)
    turned = lambda v: turn @ np.asarray(v, np.float64)  # noqa: E731
    holds = tuple(
        replace(h, centre=turned(h.centre), axis=turned(h.axis), approach=turned(h.approach)) for h in design.holds
    )
    return replace(design, parts=parts, holds=holds)


def _turned_mesh(mesh: Mesh, turn: NDArray) -> Mesh:
    """The mesh with its vertices and rest normals turned; its texture stays on it."""
    return replace(mesh, vertices=rotate(turn, mesh.vertices), rest_normals=rotate(turn, mesh.rest_normals))


def _moved(frame: NDArray, drop: NDArray[np.float32]) -> NDArray[np.float32]:
    out = np.array(frame, np.float32)
    out[:3, 3] += drop
    return out


def _meshed(part: Part, slots: list[str]) -> Mesh:
    """The part's mesh in the object's frame; names of materials not seen before are added to `slots`."""
    surface = part.shape.surface()
    names = (part.material,) if isinstance(part.material, str) else part.material
    tags = surface.tags if part.tag is None else np.asarray(part.tag(surface.vertices[surface.faces].mean(1)), np.int32)
    if not isinstance(part.material, str) and tags.max() >= len(names):
        raise ValueError(f"faces have tags up to {tags.max()} but the part names {len(names)} materials")
    slots.extend(name for name in dict.fromkeys(names) if name not in slots)
    ids = np.array([slots.index(name) for name in names], np.int32)
    frame = np.array(part.frame, np.float32)
    mesh = Mesh.of(
        rotate(frame[:3, :3], surface.vertices) + frame[:3, 3], surface.faces,
        normals=rotate(frame[:3, :3], surface.normals),
    )  # fmt: skip
    rest = _grain(surface) if part.grain else surface.rest
    material = ids[tags] if len(ids) > 1 else np.full(len(tags), ids[0], np.int32)
    return replace(mesh, rest=np.ascontiguousarray(rest, np.float32), material=material)


def _grain(surface: Surface) -> NDArray[np.float32]:
    """Places in the shape's own frame, its longest side first."""
    size = surface.vertices.max(0) - surface.vertices.min(0)
    return surface.vertices[:, np.argsort(-size, kind="stable")]


def _measured(hold: Hold, index: int, solids: tuple[Solid, ...], drop: NDArray[np.float32]) -> Grip:
    """The grip of a hold: unit vectors, and the width found by walking through the object.

    Where the centre lies inside, the width is that of what is around it; else (a hollow thing, or a gap between two
    wires) it is all there is between the outermost surfaces. The centre moves to the middle. A centre just above or
    below the object moves into it first.
    """
    axis, approach = (np.asarray(v, np.float64) / np.linalg.norm(v) for v in (hold.axis, hold.approach))
    approach = approach - axis * (axis * approach).sum()
    approach /= np.linalg.norm(approach)
    centre = np.asarray(hold.centre, np.float64) + drop
    width = 0.0
    if hold.type not in ("flat", "press"):
        closing = np.cross(axis, approach)
        span = _span(solids, centre, closing, REACH)
        near = None if span else _span(solids, centre, approach, NEAR)
        if near:
            centre = centre + approach * sum(near) / 2
            span = _span(solids, centre, closing, REACH)
        if span is None:
            place = np.round(hold.centre, 4).tolist()
            raise ValueError(f"a {hold.type} grip at {place} meets nothing along its closing")
        width = span[1] - span[0]
        centre = centre + closing * sum(span) / 2
    partner = None if hold.partner is None else index + hold.partner
    vectors = (np.asarray(v, np.float32) for v in (centre, axis, approach))
    return Grip(hold.type, *vectors, width, hold.hands, partner)


def _span(solids: tuple[Solid, ...], centre: NDArray, direction: NDArray, reach: float) -> tuple[float, float] | None:
    """Where a line through `centre` enters and leaves the solids, metres from the centre; None if it misses them."""
    step = 0.0005
    t = np.arange(-reach, reach + step / 2, step)
    inside = union(solids, (centre + t[:, None] * direction).astype(np.float32)) < 0
    if not inside.any():
        return None
    middle, gaps = len(t) // 2, np.flatnonzero(~inside)
    if inside[middle]:
        low, high = gaps[gaps < middle].max(initial=0), gaps[gaps > middle].min(initial=len(t) - 1)
    else:
        low, high = np.flatnonzero(inside)[[0, -1]] + (-1, 1)
        low, high = max(low, 0), min(high, len(t) - 1)
    return float(t[low] + step / 2), float(t[high] - step / 2)


def around(y: float, type: str = "power", count: int = 5, x: float = 0.0, z: float = 0.0) -> tuple[Hold, ...]:
    """Holds around an upright body at height `y`: from the front and both sides, thumb upwards."""
    angles = np.radians(np.linspace(-110, 110, count))
    return tuple(Hold(type, (x, y, z), UP, (np.sin(a), 0, np.cos(a))) for a in angles)


def lying(type: str, centre: ArrayLike, thumb: ArrayLike = (1, 0, 0), sides: bool = False) -> tuple[Hold, ...]:
    """Holds of a long lying thing from above, and with `sides` from the front; the thumb points along `thumb`."""
    thumb = np.asarray(thumb, np.float64)
    out = [Hold(type, centre, thumb, DOWN)]
    if sides:
        flat = np.cross(thumb, DOWN)
        out += [Hold(type, centre, thumb, flat), Hold(type, centre, thumb, -flat)]
    return tuple(out)


def pair(right: Hold, left: Hold) -> tuple[Hold, Hold]:
    """A two-hand hold."""
    return replace(right, hands=2, partner=1), replace(left, hands=2, partner=-1)
