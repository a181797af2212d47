"""Ray casting with Embree: what a pinhole camera sees of a triangle mesh, exactly, pixel by pixel.

Embree answers one question, which face a ray meets first. Everything else follows from the face: with the three
corners as columns of a matrix M (seen from the camera), a ray d = (x, y, 1) meets the face at depth 1 / sum(M^-1 d),
and M^-1 d divided by its sum are the barycentric weights. That keeps the images independent of Embree's own rounding.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from embreex import mesh_construction, rtcore, rtcore_scene
from numpy.typing import NDArray

from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import PARTS, Label
from handseg_lib.synth import compiled
from handseg_lib.synth.mesh import Mesh, rotate

CELL = 16
"""Side in pixels of the cells in which the renderer decides whether any ray needs to be cast."""

HANDS_TO_ARMS = np.arange(len(Label), dtype=np.uint8)
HANDS_TO_ARMS[Label.LEFT_HAND], HANDS_TO_ARMS[Label.RIGHT_HAND] = Label.LEFT_ARM, Label.RIGHT_ARM


@dataclass(frozen=True)
class Camera:
    """A pinhole camera placed in the scene.

    Attributes:
        intrinsics: its pixels.
        pose: (4, 4) float64, camera coordinates (x right, y down, z forward, metres) to scene coordinates.
    """

    intrinsics: Intrinsics
    pose: NDArray[np.float64]

    def resized(self, width: int, height: int) -> "Camera":
        """The same camera read out on another pixel grid."""
        return Camera(self.intrinsics.resized(width, height), self.pose)

    def to_camera(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """(N, 3) scene points -> (N, 3) float32 in this camera's frame."""
        rotation, centre = self.pose[:3, :3], self.pose[:3, 3]
        return rotate(rotation.T, points - centre.astype(np.float32))


class Caster:
    """A mesh in an Embree bounding volume hierarchy, ready for rays from any camera or light."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self._device = rtcore.EmbreeDevice()
        self._scene = rtcore_scene.EmbreeScene(self._device)
        # embreex reads its input number by number through Python: from objects a good deal faster than from arrays.
        with _no_collection():
            faces = np.fromiter(zip(*mesh.faces.T.tolist(), strict=True), object, len(mesh.faces))
            self._geometry = mesh_construction.TriangleMesh(self._scene, mesh.vertices.astype(object), faces)
            del faces  # before collection begins again

    def first_faces(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.int32]:
        """(N, 3) ray origins and directions -> (N,) face met first, -1 for none."""
        if not len(directions):
            return np.empty(0, np.int32)
        return self._scene.run(origins, directions, query="INTERSECT")

    def blocked(
        self,
        origins: NDArray[np.float32],
        directions: NDArray[np.float32],
        within: NDArray[np.float32] | None = None,
    ) -> NDArray[np.bool_]:
        """(N, 3) ray origins and directions -> (N,) whether anything is in the way, at any distance.

        `within`: (N,) how far along each ray counts, in lengths of its direction.
        """
        if not len(directions):
            return np.empty(0, bool)
        return self._scene.run(origins, directions, dists=within, query="OCCLUDED") >= 0


@contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage collection meanwhile: it would look through tens of thousands of tuples again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Truth:
    """What one camera sees of a mesh. Work is done for pixels that hit something, images when first asked for.

    Attributes:
        pixels: (N,) flat indices of the pixels that hit the mesh.
        faces: (N,) the face each of them hit.
        distance: (N,) float32 depth (z) in metres.
    """

    def __init__(self, caster: Caster, camera: Camera) -> None:
        self.mesh, self.camera = caster.mesh, camera
        self.shape = (camera.intrinsics.height, camera.intrinsics.width)
        corners = camera.to_camera(self.mesh.vertices)
        rays = view_rays(camera.intrinsics)
        wanted = np.flatnonzero(_may_hit(corners, self.mesh.faces, camera.intrinsics))
        if len(wanted) < len(rays):
            rays = rays.take(wanted, 0)  # `take` picks rows several times as fast as brackets do
        directions = rays if np.array_equal(camera.pose[:3, :3], np.eye(3)) else rotate(camera.pose[:3, :3], rays)
        origins = np.zeros_like(directions)
        if camera.pose[:3, 3].any():
            origins[:] = camera.pose[:3, 3]
        faces = caster.first_faces(origins, directions)
        hit = np.flatnonzero(faces >= 0)
        self.pixels, self.faces = wanted.take(hit), faces.take(hit)
        self._corners = corners
        self._rays = tuple(column.take(self.pixels) for column in _ray_columns(camera.intrinsics))
        self._solve()

    def _solve(self) -> None:
        """M^-1 of every face that is met, and with it the depth of every hit (see the module's docstring)."""
        met = np.zeros(len(self.mesh.faces), bool)
        met[self.faces] = True
        self._met = self.mesh.faces.compress(met, 0)
        self._place = (np.cumsum(met) - 1).take(self.faces)
        self._inverse = rows = compiled.inverses(self._corners, self._met)
        self.distance = 1 / self._planes(rows[:, 0] + rows[:, 1] + rows[:, 2])

    def _planes(self, coefficients: NDArray[np.float64]) -> NDArray[np.float32]:
        """(M, 3) a linear function of the ray (x, y, 1) for each face met -> (N,) values at all hit pixels."""
        return compiled.planes(*self._rays, self._place, coefficients.astype(np.float32))

    def _weights_at(self, which: NDArray[np.int64]) -> NDArray[np.float32]:
        """(M, 3) barycentric weights of some hits."""
        return compiled.barycentric(*self._rays, self._place, self._inverse32, which)

    @cached_property
    def _inverse32(self) -> NDArray[np.float32]:
        return self._inverse.astype(np.float32)

    @cached_property
    def _all(self) -> NDArray[np.int64]:
        return np.arange(len(self.pixels))

    @cached_property
    def weights(self) -> NDArray[np.float32]:
        """(N, 3) barycentric weights of the face's corners."""
        return self._weights_at(self._all)

    @cached_property
    def corners(self) -> NDArray[np.int32]:
        """(N, 3) vertices of each hit face."""
        return self.mesh.faces.take(self.faces, 0)

    def interpolate(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(V,) or (V, C) values at vertices -> (N,) or (N, C) at the hit pixels."""
        return self._blended(values, self._all, self.weights)

    def rest(self, which: NDArray[np.int64]) -> NDArray[np.float32]:
        """(M, 3) rest-pose coordinates of some of the hit pixels, metres."""
        return self.some(self.mesh.rest, which)

    def some(self, values: NDArray[np.float32], which: NDArray[np.int64]) -> NDArray[np.float32]:
        """(V,) or (V, C) values at vertices -> (M,) or (M, C) at some of the hit pixels."""
        return self._blended(values, which, self._weights_at(which))

    def _blended(self, values: NDArray, which: NDArray[np.int64], weights: NDArray[np.float32]) -> NDArray:
        """Values at vertices -> at some of the hit pixels, whose weights are given."""
        columns = np.ascontiguousarray(values[:, None] if values.ndim == 1 else values)
        out = compiled.blended(columns, self._met, self._place, which, weights)
        return out.reshape(len(which), *values.shape[1:])

    def image(self, values: NDArray, fill: float = 0) -> NDArray:
        """(N,) or (N, C) values at the hit pixels -> (H, W) or (H, W, C) image, `fill` where nothing was hit."""
        out = np.full((self.shape[0] * self.shape[1], *values.shape[1:]), fill, values.dtype)
        if values.ndim == 1:
            out[self.pixels] = values
        else:
            compiled.scattered(out, self.pixels, values)
        return out.reshape(*self.shape, *values.shape[1:])

    @cached_property
    def depth(self) -> NDArray[np.float32]:
        """(H, W) float32 metres, 0 where the rays hit nothing."""
        return self.image(self.distance)

    @cached_property
    def pixel_labels(self) -> NDArray[np.uint8]:
        """(N,) labels: a face of the hand is hand where the coordinate along the hand passes the wrist, else arm."""
        mesh, labels = self.mesh, self.mesh.labels.take(self.faces)
        hand = (mesh.labels == Label.LEFT_HAND) | (mesh.labels == Label.RIGHT_HAND)
        along = np.ascontiguousarray(mesh.rest[:, 1])
        hand[hand] = along.take(mesh.faces[hand]).min(axis=1) <= 0  # faces that reach beyond the wrist
        maybe = np.flatnonzero(hand.take(self.faces))
        below = maybe[self.some(along, maybe) <= 0]
        labels[below] = HANDS_TO_ARMS[labels[below]]
        return labels

    @cached_property
    def labels(self) -> NDArray[np.uint8]:
        """(H, W) uint8 values of `Label`, exact at every pixel."""
        return self.image(self.pixel_labels)

    @cached_property
    def parts(self) -> NDArray[np.uint8]:
        """(H, W) uint8 part ids of `PARTS`, 0 where there is no hand."""
        is_hand = (self.pixel_labels == Label.LEFT_HAND) | (self.pixel_labels == Label.RIGHT_HAND)
        parts = self.mesh.parts.take(self.faces)
        parts[parts == 0] = len(PARTS) - 1  # a face that straddles the wrist: what is hand of it is palm
        parts[~is_hand] = 0
        return self.image(parts)

    @cached_property
    def pixel_normals(self) -> NDArray[np.float32]:
        """(N, 3) smooth unit normals in scene coordinates, turned towards the camera."""
        normals = self.interpolate(self.mesh.normals)
        length = np.maximum(np.sqrt(dot(normals, normals)), 1e-9)
        for i in range(3):
            normals[:, i] /= length
        return normals

    @cached_property
    def points(self) -> NDArray[np.float32]:
        """(N, 3) hit points in scene coordinates, metres."""
        x, y = self._rays
        seen = np.empty((len(x), 3), np.float32)
        seen[:, 0], seen[:, 1], seen[:, 2] = x * self.distance, y * self.distance, self.distance
        return rotate(self.camera.pose[:3, :3], seen) + self.camera.pose[:3, 3].astype(np.float32)

    @cached_property
    def normals(self) -> NDArray[np.float32]:
        """(H, W, 3) unit normals in the camera's frame, 0 where nothing was hit."""
        return self.image(rotate(self.camera.pose[:3, :3].T, self.pixel_normals))

    @cached_property
    def cosine(self) -> NDArray[np.float32]:
        """(H, W) cosine between the surface normal and the direction to the camera, in [0, 1]; 0 where nothing is."""
        towards = rotate(self.camera.pose[:3, :3].T, self.mesh.normals)
        at_vertices = -dot(self._corners, towards) / np.sqrt(dot(self._corners, self._corners))
        a, b, c = (self._inverse[:, i] * at_vertices.take(self._met[:, i])[:, None] for i in range(3))
        values = self._planes(a + b + c)
        values *= self.distance
        return self.image(np.clip(values, 0, 1, out=values))


def cast(caster: Caster, camera: Camera) -> Truth:
    """Cast one ray through every pixel centre that can hit the mesh."""
    return Truth(caster, camera)


def cross(a: NDArray, b: NDArray) -> NDArray:
    """Row-wise cross product; faster than np.cross on long thin arrays."""
    out = np.empty_like(a)
    out[:, 0] = a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1]
    out[:, 1] = a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]
    out[:, 2] = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return out


def _may_hit(corners: NDArray[np.float32], faces: NDArray[np.int32], camera: Intrinsics) -> NDArray[np.bool_]:
    """(H*W,) pixels whose ray could meet a face: their cell, or a neighbour, holds a vertex.

    Sound only while no face is longer than a cell; faces that are mark the whole box around them, and a face that
    reaches behind the camera asks for every ray.
    """
    height, width = camera.height, camera.width
    if len(corners) == 0:
        return np.zeros(height * width, bool)
    z = corners[:, 2]
    if z.min() < 0.02:
        return np.ones(height * width, bool)
    cell = max(4, CELL * width // 640)
    rows, cols = -(-height // cell), -(-width // cell)
    x = (corners[:, 0] / z * np.float32(camera.fx) + np.float32(camera.cx)) / cell
    y = (corners[:, 1] / z * np.float32(camera.fy) + np.float32(camera.cy)) / cell
    marked = np.zeros((rows + 2, cols + 2), bool)
    i, j = (np.clip(np.floor(v).astype(np.int32) + 1, 0, n + 1) for v, n in ((y, rows), (x, cols)))
    marked[i, j] = True
    near = marked.copy()
    for di in (-1, 0, 1):
        for dj in (-1, 0, 1):
            near[1:-1, 1:-1] |= marked[1 + di : rows + 1 + di, 1 + dj : cols + 1 + dj]
    by_corner = [faces[:, k].astype(np.intp) for k in range(3)]
    large = (_spread(x, by_corner) > 1) | (_spread(y, by_corner) > 1)
    boxes = _boxes(i[faces[large]], j[faces[large]])
    code = np.ravel_multi_index(boxes.T, (rows + 2, rows + 2, cols + 2, cols + 2))
    for i0, i1, j0, j1 in boxes[np.unique(code, return_index=True)[1]]:
        near[i0 : i1 + 1, j0 : j1 + 1] = True
    return near[1:-1, 1:-1].repeat(cell, 0)[:height].repeat(cell, 1)[:, :width].ravel()


@lru_cache(maxsize=8)
def view_rays(intrinsics: Intrinsics) -> NDArray[np.float32]:
    """(H * W, 3) rays of a camera, made once; read-only, for they are shared."""
    rays = np.ascontiguousarray(intrinsics.rays().reshape(-1, 3))
    rays.flags.writeable = False
    return rays


@lru_cache(maxsize=8)
def _ray_columns(intrinsics: Intrinsics) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x and y of `view_rays`, (H * W,) each, in one piece in memory."""
    return tuple(np.ascontiguousarray(view_rays(intrinsics)[:, i]) for i in range(2))


def dot(a: NDArray, b: NDArray) -> NDArray:
    """(N, 3) and (N, 3) or (3,) -> (N,) row-wise products; sums over a short last axis are slow in numpy."""
    return a[:, 0] * b[..., 0] + a[:, 1] * b[..., 1] + a[:, 2] * b[..., 2]


def _spread(values: NDArray, corners: Sequence[NDArray[np.intp]]) -> NDArray:
    """(F,) difference between the largest and the smallest value at the corners, three times (F,), of each face."""
    a, b, c = (values.take(corner) for corner in corners)
    return np.maximum(np.maximum(a, b), c) - np.minimum(np.minimum(a, b), c)


def _boxes(i: NDArray[np.int32], j: NDArray[np.int32]) -> NDArray[np.int32]:
    """(M, 3) cell rows and columns of faces' corners -> (M, 4) first and last row, first and last column."""
    return np.stack([i.min(axis=1), i.max(axis=1), j.min(axis=1), j.max(axis=1)], axis=1)
