"""Clutter: several objects standing on a table or a shelf, none inside another."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.mesh import Mesh, rotate
from handseg_lib.synth.objects.kinds import sample_object
from handseg_lib.synth.objects.thing import RigidObject
from handseg_lib.synth.people.body import rotation

GAP = 0.004
"""Least distance between two objects, metres."""
TRIES = 30
PROBES = 700
Placed = tuple[RigidObject, NDArray[np.float64]]


def arrange(
    rng: np.random.Generator,
    kinds: Sequence[str],
    area: tuple[float, float],
    height: float | None = None,
    clear: Sequence[tuple[float, float, float]] = (),
) -> list[Placed]:
    """Objects standing on the plane y = 0 (y down) in a rectangle about the origin, turned about y at random.

    Args:
        rng: decides everything.
        kinds: what to place, in this order; a kind may come more than once.
        area: sizes of the rectangle along x and z in metres; no object reaches beyond it.
        height: room above the plane, as on a shelf; None is any.
        clear: discs (x, z, radius) in metres that must stay free.

    Returns:
        (object, (4, 4) pose: object frame -> plane's frame) for each that found a place; what does not fit is left out.

    Raises:
        ValueError: for an unknown kind or an area without size.
    """
    if min(area) <= 0:
        raise ValueError(f"arrange needs an area with a size along x and z, found {area}")
    placed: list[_Standing] = []
    for kind in kinds:
        thing = sample_object(kind, rng)
        if height is not None and thing.extent[1] > height:
            continue
        points = probes(thing.mesh)
        for _ in range(TRIES):
            pose = _somewhere(rng, thing, area)
            if pose is None:
                continue
            one = _Standing(thing, pose, _moved(points, pose))
            if _free(one, placed, clear):
                placed.append(one)
                break
    return [(one.thing, one.pose) for one in placed]


@dataclass(frozen=True)
class _Standing:
    """An object at its place, with points of its surface in the plane's frame."""

    thing: RigidObject
    pose: NDArray[np.float64]
    points: NDArray[np.float32]

    @cached_property
    def box(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lowest and highest corner around the points."""
        return self.points.min(axis=0), self.points.max(axis=0)


def _moved(points: NDArray[np.float32], pose: NDArray[np.floating]) -> NDArray[np.float32]:
    return rotate(pose[:3, :3], points) + pose[:3, 3].astype(np.float32)


def _somewhere(rng: np.random.Generator, thing: RigidObject, area: tuple[float, float]) -> NDArray[np.float64] | None:
    """A pose with the whole object within the area, or None if this turn does not fit."""
    pose = np.eye(4)
    pose[:3, :3] = rotation("y", float(rng.uniform(-np.pi, np.pi)))
    spot = rng.random(2)
    corners = rotate(pose[:3, :3], thing.mesh.vertices)
    for k, axis in enumerate((0, 2)):
        low, high = float(corners[:, axis].min()), float(corners[:, axis].max())
        room = area[k] - (high - low)
        if room < 0:
            return None
        pose[axis, 3] = -area[k] / 2 - low + room * spot[k]
    return pose


def _free(one: _Standing, placed: Sequence[_Standing], clear: Sequence[tuple[float, float, float]]) -> bool:
    """Whether the object keeps its distance from all others and from the discs."""
    for x, z, radius in clear:
        if ((one.points[:, 0] - x) ** 2 + (one.points[:, 2] - z) ** 2).min() < radius**2:
            return False
    return all(_gap(one, other, GAP) > GAP for other in placed)


def gap(a: RigidObject, a_pose: NDArray[np.floating], b: RigidObject, b_pose: NDArray[np.floating]) -> float:
    """Least distance in metres from either object's surface to the other object; negative where they overlap.

    Taken at some `PROBES` points of each surface, so that it may be too large by half their spacing. Never more than
    5 cm: what is further apart is reported as 5 cm apart.
    """
    things = (_Standing(t, np.asarray(p), _moved(probes(t.mesh), np.asarray(p))) for t, p in ((a, a_pose), (b, b_pose)))
    return min(_gap(*things, 0.05), 0.05)


def _gap(a: _Standing, b: _Standing, reach: float) -> float:
    """Least distance in metres between two objects, or a little more than `reach` where it is more than that."""
    least = np.float32(1.01 * reach)
    for one, other in ((a, b), (b, a)):
        (low, high), (mine, top) = other.box, one.box
        if max((mine - high).max(), (low - top).max()) > least:
            break
        close = np.ones(len(one.points), bool)
        for k in range(3):
            close &= (one.points[:, k] > low[k] - least) & (one.points[:, k] < high[k] + least)
        close = one.points[close]
        if len(close):
            local = rotate(other.pose[:3, :3].T, close - other.pose[:3, 3].astype(np.float32))
            least = min(least, other.thing.distance(local).min())
    return float(least)


def probes(mesh: Mesh, count: int = PROBES) -> NDArray[np.float32]:
    """(M, 3) points spread over a mesh by area, and its corners thinned to as many."""
    corners = mesh.vertices[mesh.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.cumsum(np.sqrt((normal.astype(np.float64) ** 2).sum(1)))
    index = np.searchsorted(total, (np.arange(count) + 0.5) / count * total[-1])
    u = (np.arange(count) * 0.6180339887) % 1
    v = (np.arange(count) * 0.7548776662) % 1
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    weights = np.stack([1 - u - v, u, v], 1).astype(np.float32)
    spread = sum(weights[:, k, None] * corners[index, k] for k in range(3))
    return np.concatenate([spread, mesh.vertices[:: max(1, len(mesh.vertices) // count)]])
