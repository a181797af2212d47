"""Where bodies touch, from geometry: surfaces that come within two millimetres of each other.

>>> hand = hand_body("right", mesh)
>>> mug = thing_body(thing, pose, Label.OBJECT_RIGHT)
>>> mask = contact_pixels(truth, [(hand, mug)])

Distances to a hand are distances to its triangles, those to an object come from the object itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from handseg_lib.data.labels import Label
from handseg_lib.synth.mesh import Mesh, check_rigid, rotate
from handseg_lib.synth.render import Truth, cross, dot

CONTACT = 0.002
"""Surfaces nearer than this touch, metres."""
REACH = 0.05
"""Gaps wider than this are reported as infinite, metres."""
HAND_LABEL = {"left": Label.LEFT_HAND, "right": Label.RIGHT_HAND}
LARGE = 0.012
"""Triangles whose corners lie farther than this from their middle are compared with every point, metres."""


class Thing(Protocol):
    """An object with a mesh and a signed distance, in its own frame."""

    @property
    def mesh(self) -> Mesh: ...

    def distance(self, points: NDArray) -> NDArray: ...


@dataclass(frozen=True)
class Body:
    """A body in the scene that may touch others. Make it with `hand_body` or `thing_body`.

    Attributes:
        labels: labels of the pixels that show it.
        vertices: (V, 3) float32 metres, in scene coordinates.
        faces: (F, 3) int32.
        thing: the object whose own distance counts, or None: then the triangles' distance does.
        pose: (4, 4) float32 from the object's frame to the scene.
    """

    labels: tuple[int, ...]
    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    thing: Thing | None = None
    pose: NDArray[np.float32] = field(default_factory=lambda: np.eye(4, dtype=np.float32))

    @cached_property
    def box(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lowest and highest corner, metres."""
        return self.vertices.min(axis=0), self.vertices.max(axis=0)

    @cached_property
    def surface(self) -> "Triangles":
        """The triangles, ready to be asked for distances."""
        return Triangles(self.vertices[self.faces])

    @cached_property
    def samples(self) -> NDArray[np.float32]:
        """(N, 3) vertices and middles of faces, metres."""
        return np.concatenate([self.vertices, self.vertices[self.faces].mean(axis=1)])

    def distance(self, points: NDArray[np.float32], within: float) -> NDArray[np.float32]:
        """(N, 3) scene points -> (N,) metres to the surface, infinite beyond `within`; objects negative inside."""
        low, high = self.box
        near = np.flatnonzero(((points >= low - within) & (points <= high + within)).all(axis=1))
        out = np.full(len(points), np.inf, np.float32)
        if not len(near):
            return out
        if self.thing is None:
            out[near] = self.surface.distance(points[near], within)
        else:
            local = rotate(self.pose[:3, :3].T, points[near] - self.pose[:3, 3])
            found = np.asarray(self.thing.distance(local), np.float32)
            out[near] = np.where(found <= within, found, np.inf)
        return out


def hand_body(side: str, mesh: Mesh) -> Body:
    """A posed hand, in scene coordinates, up to the wrist.

    Raises:
        ValueError: for an unknown side, or a mesh without the parts of a hand.
    """
    if side not in HAND_LABEL:
        raise ValueError(f"side must be 'left' or 'right', found {side!r}")
    if not (mesh.parts > 0).any():
        raise ValueError("this mesh has no faces that belong to a hand (parts are all 0); pass HandModel.posed(...)")
    faces = mesh.faces[mesh.parts > 0]
    used, numbers = np.unique(faces, return_inverse=True)
    return Body((int(HAND_LABEL[side]),), mesh.vertices[used], numbers.reshape(faces.shape).astype(np.int32))


def thing_body(thing: Thing, pose: NDArray[np.floating], *labels: int) -> Body:
    """An object at its place.

    Args:
        thing: has `mesh` and `distance` in its own frame.
        pose: (4, 4) rigid, from its frame to the scene.
        labels: what its pixels are labelled.
    """
    place = check_rigid(pose)
    mesh = thing.mesh.transformed(place)
    return Body(tuple(int(label) for label in labels), mesh.vertices, mesh.faces, thing, place)


def contact_pixels(truth: Truth, pairs: Iterable[tuple[Body, Body]], within: float = CONTACT) -> NDArray[np.bool_]:
    """(H, W) which pixels show a surface that lies within `within` metres of the surface of its pair's other body.

    Args:
        truth: a camera's view of the scene.
        pairs: bodies that might touch: hand and object, hand and hand, object and object.
        within: metres.
    """
    touched = np.zeros(len(truth.pixels), bool)
    for pair in pairs:
        for seen, other in (pair, pair[::-1]):
            which = np.flatnonzero(np.isin(truth.pixel_labels, seen.labels))
            corners, weights = truth.corners[which], truth.weights[which]
            points = sum(truth.mesh.vertices[corners[:, i]] * weights[:, i, None] for i in range(3))
            if len(which):
                touched[which] |= other.distance(points, within) <= within
    return truth.image(touched)


def contact_vertices(body: Body, other: Body, within: float = CONTACT) -> NDArray[np.bool_]:
    """(V,) which of a body's vertices lie within `within` metres of another body's surface, or inside it."""
    return other.distance(body.vertices, within) <= within


def gap(a: Body, b: Body, reach: float = REACH) -> float:
    """Smallest distance between two bodies in metres, negative where one is inside the other; infinite beyond `reach`.

    Vertices and middles of faces stand for a surface, on both sides.
    """
    return min(_nearest(a.samples, b, reach), _nearest(b.samples, a, reach))


def _nearest(points: NDArray[np.float32], body: Body, reach: float) -> float:
    """Smallest distance of points to a body in metres, infinite beyond `reach`."""
    if body.thing is None:
        return body.surface.nearest(points, reach)
    return float(body.distance(points, reach).min(initial=np.inf))


def touching(a: Body, b: Body, within: float = CONTACT) -> bool:
    """Whether two bodies come within `within` metres of each other."""
    return gap(a, b, within) <= within


class Triangles:
    """Triangles that can be asked how far points are from them.

    Args:
        corners: (F, 3, 3) metres.
    """

    def __init__(self, corners: NDArray[np.float32]) -> None:
        self.corners = np.asarray(corners, np.float64)
        self._middle = self.corners.mean(axis=1)
        self._radius = np.sqrt(((self.corners - self._middle[:, None]) ** 2).sum(-1)).max(axis=1)
        self._small, self._large = np.flatnonzero(self._radius <= LARGE), np.flatnonzero(self._radius > LARGE)
        self._tree = cKDTree(self._middle[self._small]) if len(self._small) else None

    def distance(self, points: NDArray[np.floating], within: float) -> NDArray[np.float64]:
        """(N, 3) points -> (N,) metres to the nearest triangle, exact up to `within` and infinite beyond."""
        points = np.asarray(points, np.float64)
        best = np.full(len(points), np.inf)
        if self._tree is not None and len(points):
            lists = self._tree.query_ball_point(points, within + self._radius[self._small].max(), return_sorted=True)
            counts = np.fromiter((len(found) for found in lists), np.int64, len(points))
            if counts.sum():
                faces = self._small[np.concatenate([found for found in lists if found]).astype(np.int64)]
                self._lower(best, points, np.repeat(np.arange(len(points)), counts), faces, within)
        for face in self._large:
            self._lower(best, points, np.arange(len(points)), np.full(len(points), face), within)
        best[best > within] = np.inf
        return best

    def nearest(self, points: NDArray[np.floating], within: float) -> float:
        """Smallest distance of (N, 3) points to the triangles in metres, infinite beyond `within`."""
        if self._tree is None:
            return float(self.distance(points, within).min(initial=np.inf))
        # A triangle is nearer than its middle by its radius at most: few points can be the nearest.
        bound, _ = self._tree.query(points)
        least = bound.min(initial=np.inf)
        near = bound <= least + self._radius[self._small].max() if not len(self._large) else bound < np.inf
        return float(self.distance(np.asarray(points)[near], min(within, least)).min(initial=np.inf))

    def _lower(self, best: NDArray, points: NDArray, which: NDArray, faces: NDArray, within: float) -> None:
        """Bring down `best` of points `which` (ascending) to the distances to the faces beside them."""
        offset = points[which] - self._middle[faces]
        close = dot(offset, offset) <= (self._radius[faces] + within + 1e-9) ** 2
        which, faces = which[close], faces[close]
        if len(which):
            distance = point_triangle_distance(points[which], self.corners[faces])
            first = np.flatnonzero(np.diff(which, prepend=-1))
            best[which[first]] = np.minimum(best[which[first]], np.minimum.reduceat(distance, first))


def point_triangle_distance(points: NDArray[np.floating], corners: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, 3) points and (N, 3, 3) triangles' corners -> (N,) metres from each point to its triangle.

    Over the face the distance to the plane, elsewhere that to the nearest edge; a triangle without area is its edges.
    """
    a, b, c = (corners[:, i] for i in range(3))
    normal = cross(b - a, c - a)
    area = dot(normal, normal)
    inside = area > 1e-24
    nearest = np.full(len(points), np.inf)
    for p, q in ((a, b), (b, c), (c, a)):
        edge, offset = q - p, points - p
        length = np.maximum(dot(edge, edge), 1e-24)
        t = np.clip(dot(offset, edge) / length, 0, 1)
        away = offset - t[:, None] * edge
        nearest = np.minimum(nearest, dot(away, away))
        inside &= dot(offset, cross(normal, edge)) >= 0
    height = dot(points - a, normal)
    return np.sqrt(np.where(inside, height * height / np.maximum(area, 1e-24), nearest))
