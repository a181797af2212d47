"""Clutter: several objects standing on a table or a shelf, none inside another."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.body import rotation
from handseg_lib.synth.mesh import Mesh, rotate
from handseg_lib.synth.objects.kinds import sample_object
from handseg_lib.synth.objects.thing import RigidObject

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
    placed: list[Placed] = []
    for kind in kinds:
        thing = sample_object(kind, rng)
        if height is not None and thing.extent[1] > height:
            continue
        for _ in range(TRIES):
            pose = _somewhere(rng, thing, area)
            if pose is not None and _free(thing, pose, placed, clear):
                placed.append((thing, pose))
                break
    return placed


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


def _free(
    thing: RigidObject, pose: NDArray[np.float64], placed: Sequence[Placed], clear: Sequence[tuple[float, float, float]]
) -> bool:
    """Whether the object keeps its distance from all others and from the discs."""
    points = rotate(pose[:3, :3], thing.mesh.vertices) + pose[:3, 3].astype(np.float32)
    for x, z, radius in clear:
        if ((points[:, 0] - x) ** 2 + (points[:, 2] - z) ** 2).min() < radius**2:
            return False
    return all(gap(thing, pose, other, place) > GAP for other, place in placed)


def gap(a: RigidObject, a_pose: NDArray[np.floating], b: RigidObject, b_pose: NDArray[np.floating]) -> float:
    """Least distance in metres from either object's surface to the other object; negative where they overlap.

    Taken at some `PROBES` points of each surface, so that it may be too large by half their spacing. Objects whose
    boxes are further apart than 5 cm are reported as 5 cm apart.
    """
    clouds = []
    for thing, pose in ((a, a_pose), (b, b_pose)):
        points = probes(thing.mesh)
        clouds.append(rotate(pose[:3, :3], points) + np.asarray(pose)[:3, 3].astype(np.float32))
    low = np.maximum(clouds[0].min(0), clouds[1].min(0))
    high = np.minimum(clouds[0].max(0), clouds[1].max(0))
    if (low - high).max() > 0.05:
        return 0.05
    return float(
        min(
            thing.distance(rotate(np.asarray(pose)[:3, :3].T, cloud - np.asarray(pose)[:3, 3].astype(np.float32))).min()
            for thing, pose, cloud in ((b, b_pose, clouds[0]), (a, a_pose, clouds[1]))
        )
    )


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
