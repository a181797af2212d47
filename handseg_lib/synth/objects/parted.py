"""Objects that come apart: a vessel and its lid, a fruit in two pieces, and what runs out of a bottle."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.objects import OBJECT_KINDS, RigidObject
from handseg_lib.synth.objects.design import DOWN, Design, Hold, Part, at, built, finished
from handseg_lib.synth.objects.kinds import SIZES, VARIANTS
from handseg_lib.synth.objects.shapes import Lathe
from handseg_lib.synth.shading import Material

LIDS = {"jar": "lid", "bottle": "cap", "cup": "lid"}
"""Kinds with a lid, and the material that its part has."""


def lidded(kind: str, rng: np.random.Generator) -> tuple[RigidObject, RigidObject, float]:
    """A vessel and its lid, and how high the lid's foot lies over the vessel's when it is closed, metres.

    Raises:
        ValueError: for a kind without a lid.
    """
    if kind not in LIDS:
        raise ValueError(f"{kind!r} has no lid; kinds with one: {', '.join(LIDS)}")
    design = OBJECT_KINDS[kind].shape(np.random.default_rng([*kind.encode(), int(rng.integers(VARIANTS))]))
    look, scale = OBJECT_KINDS[kind].look(rng), float(rng.uniform(*SIZES))
    lid = next(part for part in design.parts if part.material == LIDS[kind])
    alone = built(Design((lid,), ())).mesh
    foot = float(np.max(lid.shape.surface().vertices[:, 1]) + lid.frame[1, 3])
    top = foot + float(alone.vertices[:, 1].min())
    rest = tuple(part for part in design.parts if part is not lid and not _above(part, foot))
    body = Design(rest, tuple(h for h in design.holds if h.hands == 1 and float(np.asarray(h.centre)[1]) > foot + 0.02))
    high = (0.0, top + 0.35 * (foot - top), 0.0)  # fingertips then end where the lid does
    holds = tuple(Hold("pinch", high, (np.cos(a), 0, np.sin(a)), DOWN) for a in np.arange(4) * (np.pi / 2))
    vessel = finished(kind, built(body), look, scale)
    cover = finished("lid", built(Design((lid,), holds)), look, scale)
    return vessel, cover, -foot * scale


def _above(part: Part, foot: float) -> bool:
    """Whether a part sits on the lid (the hole to drink from)."""
    return bool(part.shape.surface().vertices[:, 1].max() + part.frame[1, 3] < foot - 0.004)


def stream(length: float, colour: tuple[float, float, float]) -> RigidObject:
    """A thin jet of liquid that falls `length` metres; its foot is at y = 0."""
    profile = ((0.0, 0.0), (0.0022, 0.0), (0.0026, -0.5 * length), (0.0034, -length), (0.0, -length))
    design = Design((Part(Lathe(profile, around=12), at(), "liquid"),), ())
    return finished("liquid", built(design), {"liquid": Material(colour, gloss=0.6)}, 1.0)


def halves(thing: RigidObject, x: float, inside: Material) -> tuple[RigidObject, RigidObject]:
    """A thing cut through at a plane of constant x: what lies before it and what lies behind, each closed.

    Both keep the frame of the whole, its grips and its distance, so that they fit together as long as both have its
    pose.

    Raises:
        ValueError: if the plane misses the thing.
    """
    xs = thing.mesh.vertices[:, 0]
    if not xs.min() + 1e-3 < x < xs.max() - 1e-3:
        raise ValueError(f"a cut at x = {x:.3f} m misses a thing from {xs.min():.3f} to {xs.max():.3f} m")
    materials = (*thing.materials, inside)
    pieces = (_clipped(thing.mesh, x, sign, len(thing.materials)) for sign in (1.0, -1.0))
    low, high = (replace(thing, mesh=piece, materials=materials) for piece in pieces)
    return low, high


def _clipped(mesh: Mesh, x: float, sign: float, inside: int) -> Mesh:
    """The part of a closed mesh with sign * vertex.x < sign * x, closed by a fan about the middle of the cut."""
    side = sign * (mesh.vertices[:, 0].astype(np.float64) - x)
    vertices, rest, normals = ([*array] for array in (mesh.vertices, mesh.rest, mesh.rest_normals))
    made: dict[tuple[int, int], int] = {}

    def crossing(a: int, b: int) -> int:
        key = (min(a, b), max(a, b))
        if key not in made:
            t = np.float32(side[key[0]] / (side[key[0]] - side[key[1]]))
            for array in (vertices, rest, normals):
                array.append(array[key[0]] + (array[key[1]] - array[key[0]]) * t)
            made[key] = len(vertices) - 1
        return made[key]

    faces, material, edges = [], [], []
    for face, kind in zip(mesh.faces.tolist(), mesh.material.tolist(), strict=True):
        loop: list[int] = []
        cut: list[int] = []
        for a, b in zip(face, face[1:] + face[:1], strict=True):
            if side[a] < 0:
                loop.append(a)
            if (side[a] < 0) != (side[b] < 0):
                loop.append(crossing(a, b))
                cut.append(loop[-1])
        faces += [[loop[0], loop[k], loop[k + 1]] for k in range(1, len(loop) - 1)]
        material += [kind] * max(len(loop) - 2, 0)
        if len(cut) == 2:
            edges.append(tuple(cut))
    return _capped(np.array(vertices), np.array(rest), np.array(normals), faces, material, edges, sign, inside)


def _capped(
    vertices: NDArray,
    rest: NDArray,
    normals: NDArray,
    faces: list,
    material: list,
    edges: list,
    sign: float,
    inside: int,
) -> Mesh:
    """The clipped mesh with its cut filled, by vertices of its own: their normals are those of the cut."""
    used, numbered = np.unique(np.array(faces), return_inverse=True)
    renamed = np.full(len(vertices), -1)
    renamed[used] = np.arange(len(used))
    vertices, rest, normals, faces = vertices[used], rest[used], normals[used], numbered.reshape(-1, 3)
    corners = renamed[np.array(edges, np.int64)]
    points = vertices[corners.ravel()].astype(np.float32)
    middle = points.mean(axis=0, keepdims=True)
    first = len(vertices)
    centre = first + len(points)
    a, b = first + 2 * np.arange(len(corners)), first + 2 * np.arange(len(corners)) + 1
    fan = np.stack([np.full(len(corners), centre), a, b], axis=1)
    u = points.reshape(-1, 2, 3) - middle
    facing = sign * (u[:, 0, 1] * u[:, 1, 2] - u[:, 0, 2] * u[:, 1, 1])
    fan[facing < 0] = fan[facing < 0][:, [0, 2, 1]]
    cap = np.concatenate([points, middle])
    mesh = Mesh.of(
        np.concatenate([vertices, cap]),
        np.concatenate([faces, fan]),
        normals=np.concatenate([normals, np.tile([sign, 0.0, 0.0], (len(cap), 1))]),
    )
    texture = np.concatenate([rest, cap]).astype(np.float32)
    ids = np.concatenate([np.array(material), np.full(len(fan), inside)]).astype(np.int32)
    return replace(mesh, rest=texture, material=ids)
