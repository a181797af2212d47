"""The triangle mesh that every part of the synthetic world hands to the renderer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from handseg_lib.data.labels import MIRROR
from handseg_lib.synth import compiled

_LAYOUT = (
    ("vertices", False, (3,), np.dtype(np.float32)), ("faces", True, (3,), np.dtype(np.int32)),
    ("labels", True, (), np.dtype(np.uint8)), ("parts", True, (), np.dtype(np.uint8)),
    ("rest", False, (3,), np.dtype(np.float32)), ("rest_normals", False, (3,), np.dtype(np.float32)),
    ("frames", False, (3, 3), np.dtype(np.float32)), ("material", True, (), np.dtype(np.int32)),
)  # fmt: skip
"""Each array of a mesh: its name, whether it goes by faces or by vertices, the rest of its shape, its type."""
_UNTURNED = np.eye(3, dtype=np.float32)[None]
_UNTURNED.flags.writeable = False


@dataclass(frozen=True)
class Mesh:
    """Triangles with labels per face and shading data per vertex; counter-clockwise faces look outwards.

    Attributes:
        vertices: (V, 3) float32 metres.
        faces: (F, 3) int32 vertex ids.
        labels: (F,) uint8 values of `Label`.
        parts: (F,) uint8 part ids of `data.PARTS`, 0 for what is no hand.
        rest: (V, 3) float32 metres, where the vertex lies in its model's rest pose (for textures and the wrist).
        rest_normals: (V, 3) float32 unit normals of the rest pose.
        frames: (V, 3, 3) float32 orthogonal matrices that carry rest-pose normals to `normals`; a mirrored mesh
            has determinant -1.
        material: (F,) int32, which surface the face belongs to; the scene gives the numbers their meaning.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    labels: NDArray[np.uint8]
    parts: NDArray[np.uint8]
    rest: NDArray[np.float32]
    rest_normals: NDArray[np.float32]
    frames: NDArray[np.float32]
    material: NDArray[np.int32]

    def __post_init__(self) -> None:
        v, f = len(self.vertices), len(self.faces)
        for name, per_face, rest, dtype in _LAYOUT:
            array, shape = getattr(self, name), ((f if per_face else v), *rest)
            if array.shape != shape or array.dtype != dtype:
                raise ValueError(
                    f"Mesh.{name} is {array.dtype} {array.shape}, expected {dtype} {shape} "
                    f"for {v} vertices and {f} faces"
                )
        if f and (self.faces.min() < 0 or self.faces.max() >= v):
            raise ValueError(f"Mesh.faces name vertices {self.faces.min()}..{self.faces.max()} but there are {v}")

    @classmethod
    def of(
        cls,
        vertices: NDArray[np.floating],
        faces: NDArray[np.integer],
        label: int = 0,
        material: int = 0,
        normals: NDArray[np.floating] | None = None,
        rest: NDArray[np.floating] | None = None,
    ) -> Self:
        """A rigid thing in its rest pose: one label, one material, no parts; smooth normals unless given.

        `rest`: (V, 3) coordinates for textures; default: the vertices.
        """
        v, f = np.ascontiguousarray(vertices, np.float32), np.ascontiguousarray(faces, np.int32)
        n = vertex_normals(v, f) if normals is None else np.ascontiguousarray(normals, np.float32)
        r = v if rest is None else np.ascontiguousarray(rest, np.float32)
        frames = np.broadcast_to(_UNTURNED, (len(v), 3, 3))
        return cls(
            v, f, np.full(len(f), label, np.uint8), np.zeros(len(f), np.uint8), r, n, frames,
            np.full(len(f), material, np.int32),
        )  # fmt: skip

    @property
    def normals(self) -> NDArray[np.float32]:
        """(V, 3) unit vertex normals as posed."""
        f, n = self.frames, self.rest_normals
        return f[..., 0] * n[:, 0, None] + f[..., 1] * n[:, 1, None] + f[..., 2] * n[:, 2, None]

    @property
    def rigid(self) -> bool:
        """Whether all vertices share one frame in memory, as `of` makes it."""
        return len(self.frames) > 0 and self.frames.strides[0] == 0

    def transformed(self, matrix: NDArray[np.floating]) -> Self:
        """The mesh moved by a 4x4 rigid transform (rotation and translation).

        Raises:
            ValueError: if the matrix is not 4x4 or its upper left block is not a rotation.
        """
        t = check_rigid(matrix)
        vertices = rotate(t[:3, :3], self.vertices) + t[:3, 3]
        before = self.frames[:1] if self.rigid else self.frames
        frames = np.empty(before.shape, np.float32)
        for k in range(3):
            frames[..., k] = rotate(t[:3, :3], before[..., k])
        return replace(self, vertices=vertices, frames=np.broadcast_to(frames, self.frames.shape))

    def mirrored(self) -> Self:
        """The mesh seen in the plane x = 0, with left and right labels changed; rest coordinates stay."""
        flip = np.array([-1, 1, 1], np.float32)
        return replace(
            self,
            vertices=self.vertices * flip,
            faces=np.ascontiguousarray(self.faces[:, ::-1]),
            labels=MIRROR[self.labels],
            frames=self.frames * flip[:, None],
        )

    def with_material(self, material: int | NDArray[np.integer]) -> Self:
        """The mesh with another material id, one for all faces or one a face."""
        return replace(self, material=np.broadcast_to(np.asarray(material, np.int32), self.labels.shape).copy())

    @staticmethod
    def merge(meshes: Sequence["Mesh"]) -> "Mesh":
        """One mesh of several, in order: the faces of the first come first.

        Raises:
            ValueError: if there is nothing to merge.
        """
        if not meshes:
            raise ValueError("Mesh.merge needs at least one mesh, got an empty list")
        first = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]], dtype=np.int32)
        joined = {
            name: np.concatenate([getattr(m, name) for m in meshes])
            for name in ("vertices", "labels", "parts", "rest", "rest_normals", "material")
        }
        if all(m.rigid and np.array_equal(m.frames[0], meshes[0].frames[0]) for m in meshes):
            joined["frames"] = np.broadcast_to(meshes[0].frames[:1], (len(joined["vertices"]), 3, 3))
        else:
            joined["frames"] = np.concatenate([m.frames for m in meshes])
        return Mesh(faces=np.concatenate([m.faces + k for m, k in zip(meshes, first, strict=True)]), **joined)


def rotate(matrix: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """A 3x3 matrix times each of (N, 3) vectors, by plain sums: BLAS rounds differently from machine to machine."""
    return compiled.turned(*(np.ascontiguousarray(one, np.float32) for one in (matrix, vectors)))


def vertex_normals(vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> NDArray[np.float32]:
    """(V, 3) unit normals, each the area-weighted mean of the faces around a vertex."""
    return compiled.weighted_normals(vertices, faces)


def check_rigid(matrix: NDArray[np.floating]) -> NDArray[np.float32]:
    """The matrix as float32, refused unless it is a 4x4 rotation with translation in metres."""
    t = np.asarray(matrix, np.float64)
    if t.shape != (4, 4):
        raise ValueError(f"a rigid transform is a 4x4 matrix, found shape {t.shape}")
    r = t[:3, :3]
    if not np.isfinite(t).all() or np.abs(r @ r.T - np.eye(3)).max() > 1e-4 or np.linalg.det(r) < 0:
        raise ValueError(
            f"a rigid transform needs a rotation in its upper left 3x3 block, found {np.round(r, 4).tolist()}; "
            "scale the shape, not the mesh, and mirror with Mesh.mirrored()"
        )
    return t.astype(np.float32)
