"""A posed hand as a solid: signed distances to its surface, and hands or fingers moved until they touch it."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from handseg_lib.synth.hand import HandModel
from handseg_lib.synth.hand.contact import overlap
from handseg_lib.synth.hand.poses import SOFT, HandPose, bone_frames
from handseg_lib.synth.hand.skinning import skin
from handseg_lib.synth.mesh import Mesh

Points = NDArray[np.floating]
REACH = 0.06
"""Metres beyond which distances are not told apart."""
CLOSE = 0.02
"""The same where only touching matters."""
FINGER_ANGLES = tuple(np.arange(a, b) for a, b in ((0, 5), (5, 9), (9, 13), (13, 17), (17, 21)))
"""Places of each finger's angles in `HandPose.angles`."""


class Solid:
    """The surface of a mesh with smooth normals, as the tangent planes at its vertices.

    Args:
        mesh: closed, vertices a few millimetres apart.
        keep: (V,) which vertices to use; default all.
    """

    def __init__(self, mesh: Mesh, keep: NDArray[np.bool_] | None = None) -> None:
        which = slice(None) if keep is None else keep
        self.points = mesh.vertices[which].astype(np.float64)
        self.normals = mesh.normals[which].astype(np.float64)
        self._tree = cKDTree(self.points)

    def distance(self, points: Points, reach: float = REACH) -> NDArray[np.float64]:
        """(N, 3) points -> (N,) signed distance in metres, negative inside, `reach` at most.

        Near the surface it is the distance to the nearest vertex's tangent plane (right to about 0.2 mm on a hand);
        farther off, that to the vertex itself.
        """
        far, nearest = self._tree.query(points, distance_upper_bound=reach)
        out = np.full(len(points), reach)
        some = np.flatnonzero(np.isfinite(far))
        offset, normal = points[some] - self.points[nearest[some]], self.normals[nearest[some]]
        plane = offset[:, 0] * normal[:, 0] + offset[:, 1] * normal[:, 1] + offset[:, 2] * normal[:, 2]
        out[some] = np.where((plane > 0) & (far[some] > 0.006), far[some], plane)
        return out


def penetration(first: Mesh, second: Mesh) -> float:
    """How deep two closed meshes pass into each other at the deepest vertex, metres; negative: the gap between them.

    A gap wider than `CLOSE` reads as `-CLOSE`.
    """
    inside = Solid(second).distance(first.vertices.astype(np.float64), CLOSE).min()
    return float(-min(inside, Solid(first).distance(second.vertices.astype(np.float64), CLOSE).min()))


def approach(points: Points, solid: Solid, along: NDArray, gap: float, travel: float, steps: int = 40) -> float:
    """How far points may move along a direction before they come within `gap` of a solid.

    Args:
        points: (N, 3) where they start, metres.
        along: (3,) unit direction.
        gap: metres to keep; negative lets flesh give.
        travel: metres at most.

    Returns:
        Metres moved: `travel` when nothing is in the way; 0 when the points start within the gap.
    """
    moved = 0.0
    for _ in range(steps):
        room = float(solid.distance(points + moved * along).min()) - gap
        if room <= 0.0002:
            return moved
        moved = min(moved + max(room, 0.0005), travel)
        if moved >= travel:
            return travel
    return moved


class Fingers:
    """The skin of a hand's five fingers alone, posed quickly: every second vertex.

    Attributes:
        finger: (M,) which finger each point belongs to.
    """

    def __init__(self, model: HandModel, side: str, wrist: NDArray[np.float64]) -> None:
        mesh = model.mesh
        which = np.flatnonzero((mesh.bones[:, 0] >= 1) & (mesh.bones[:, 0] <= 15))[::2]
        self.finger = (mesh.bones[which, 0] - 1) // 3
        self._mesh = mesh.vertices[which], mesh.bones[which], mesh.weights[which]
        self._shape, self._rest_inverse = model.shape, np.linalg.inv(model.shape.rest_frames)
        self._place = wrist[:3, :3] * ((-1, 1, 1) if side == "left" else 1), wrist[:3, 3]

    def gaps(self, pose: HandPose, solid: Solid) -> NDArray[np.float64]:
        """(5,) metres between each posed finger and a solid, negative where it passes in."""
        frames = bone_frames(self._shape, pose)
        moved, _ = skin(*self._mesh, frames @ self._rest_inverse)
        turn, shift = self._place
        placed = moved[:, :1] * turn[:, 0] + moved[:, 1:2] * turn[:, 1] + moved[:, 2:] * turn[:, 2] + shift
        distance = solid.distance(placed, CLOSE)
        return np.array([distance[self.finger == f].min() for f in range(5)])


def close_fingers(
    model: HandModel, start: HandPose, goal: HandPose, fingers: Fingers, solid: Solid, press: float
) -> HandPose:
    """Move each finger from one pose towards another until it touches; then its outer joints go on alone.

    Steps are as short as the room before each finger, so that no finger jumps over another. A finger that starts
    deeper in than `press` may go on as long as it does not go deeper.

    Args:
        model: whose hand.
        start, goal: the pose now, and the pose to reach where nothing is in the way.
        fingers: the fingers of the placed hand.
        solid: what is in the way.
        press: metres that a finger may sink in; soft flesh gives.
    """
    here, there = start.angles, goal.angles
    turns = np.array([np.abs(there[places] - here[places]).sum() for places in FINGER_ANGLES])
    sweep = np.maximum(turns * model.shape.segments.sum(axis=1), 1e-3)  # metres that a fingertip moves at most
    share = np.zeros((5, 2))  # of the way gone: by the first joint, by the outer ones
    gaps = fingers.gaps(start, solid)
    limit = np.minimum(-press, gaps) - 1e-5
    for phase, steps in (((0, 1), 12), ((1,), 9)):
        longest = np.full(5, 0.3)
        for _ in range(steps):
            step = np.minimum(np.maximum((gaps + press) / sweep, 0.02), longest)
            tried = share.copy()
            for column in phase:
                tried[:, column] = np.minimum(share[:, column] + step, 1)
            pose = _between(here, there, tried)
            found = fingers.gaps(pose, solid)
            free = found >= limit
            if overlap(model.shape, bone_frames(model.shape, pose)) > SOFT:
                free[0] = False
            share[free], gaps[free] = tried[free], found[free]
            longest[~free] = 0.5 * step[~free]
            if (longest < 0.01).all() or (share[:, list(phase)] >= 1).all():
                break
    return _between(here, there, share)


def _between(start: NDArray, goal: NDArray, share: NDArray[np.float64]) -> HandPose:
    """The pose part of the way: `share` (5, 2) for each finger's first joint (three angles of a thumb) and the rest."""
    angles = start.copy()
    for finger, places in enumerate(FINGER_ANGLES):
        first = 3 if finger == 0 else 2
        for which, column in ((places[:first], 0), (places[first:], 1)):
            angles[which] += share[finger, column] * (goal[which] - start[which])
    return HandPose.within_limits(angles)
