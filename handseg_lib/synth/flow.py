"""Exact optical flow: where each pixel's point of a surface goes between two frames of one world.

A pixel sees a point of a face. The same face, with the same barycentric weights, is somewhere in the next frame's
mesh; seen from the next frame's camera it lies at the pixel's position plus the flow. Nothing is estimated.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.render import Camera, Caster, Truth, cross, dot
from handseg_lib.synth.shading import Backdrop

NEAREST = 0.01
"""Points nearer to the camera's plane than this, metres, have no picture."""
TOLERANCE = 1e-4
"""A point counts as hidden where something is nearer by more than this share of its distance."""


@dataclass(frozen=True)
class Flow:
    """Motion of the picture from one frame to another.

    Attributes:
        vectors: (H, W, 2) float32 pixels to the right and down; 0 where not `valid`.
        valid: (H, W) whether the pixel sees a surface whose place in the other frame is known and in front of the
            camera (it may be outside the picture).
        visible: (H, W) whether that place is inside the picture and nothing hides it there.
    """

    vectors: NDArray[np.float32]
    valid: NDArray[np.bool_]
    visible: NDArray[np.bool_]

    @property
    def occluded(self) -> NDArray[np.bool_]:
        """(H, W) known, but hidden or outside the picture in the other frame."""
        return self.valid & ~self.visible


@dataclass(frozen=True)
class Wall:
    """The far wall behind both frames' meshes.

    Attributes:
        backdrop: the plane in the first frame's coordinates.
        moved: (4, 4) the first frame's coordinates -> the other frame's.
    """

    backdrop: Backdrop
    moved: NDArray[np.float64]


def optical_flow(
    before: Truth, after: Caster, camera: Camera, wall: Wall | None = None, faces: NDArray[np.integer] | None = None
) -> Flow:
    """Flow of every pixel of one frame towards another.

    Args:
        before: what the first frame's camera sees.
        after: the other frame's mesh, ready for rays: same faces in the same order, other vertices.
        camera: the other frame's camera, with as many pixels as the first.
        wall: the plane seen where `before` hits nothing; without it those pixels are not valid.
        faces: (F,) for meshes with other faces: number in `after` of each face of `before`, -1 for none.

    Raises:
        ValueError: if the meshes do not correspond, or the cameras' pictures differ in size.
    """
    height, width = before.shape
    if (camera.intrinsics.height, camera.intrinsics.width) != before.shape:
        raise ValueError(
            f"flow needs two pictures of one size, found {before.shape} and "
            f"{(camera.intrinsics.height, camera.intrinsics.width)}; resize the second camera"
        )
    number = corresponding(before.mesh, after.mesh, faces)[before.faces]
    known = np.flatnonzero(number >= 0)
    start = _at(before.mesh.vertices, before.corners[known], before.weights[known])
    end = _at(after.mesh.vertices, after.mesh.faces[number[known]], before.weights[known])
    pixels, start = before.pixels[known], before.camera.to_camera(start)
    end = camera.to_camera(end)
    if wall is not None:
        free = np.setdiff1d(np.arange(height * width), before.pixels)
        free, wall_start, wall_end = _on_wall(free, wall, before.camera, camera)
        pixels = np.concatenate([pixels, free])
        start, end = np.concatenate([start, wall_start]), np.concatenate([end, wall_end])
    ahead = np.flatnonzero(end[:, 2] > NEAREST)
    pixels, start, end = pixels[ahead], start[ahead], end[ahead]
    target = _project(end, camera)
    vectors, valid, visible = (
        np.zeros((height * width, 2), np.float32),
        np.zeros(height * width, bool),
        np.zeros(height * width, bool),
    )
    vectors[pixels] = target - _project(start, before.camera)
    valid[pixels] = True
    inside = ((target >= -0.5) & (target < (width - 0.5, height - 0.5))).all(axis=1)
    visible[pixels[inside]] = ~hidden(end[inside], after, camera)
    return Flow(vectors.reshape(height, width, 2), valid.reshape(before.shape), visible.reshape(before.shape))


def corresponding(before: Mesh, after: Mesh, faces: NDArray[np.integer] | None) -> NDArray[np.int64]:
    """(F,) face of `after` that each face of `before` is, -1 for none.

    Raises:
        ValueError: if the meshes cannot correspond.
    """
    if faces is None:
        if before.faces.shape != after.faces.shape or not np.array_equal(before.faces, after.faces):
            raise ValueError(
                f"flow needs the same faces in both frames, found {len(before.faces)} and {len(after.faces)} faces "
                "that differ; build the scenes without dropping faces, or pass `faces`"
            )
        return np.arange(len(before.faces))
    number = np.asarray(faces, np.int64)
    if number.shape != (len(before.faces),) or (number >= len(after.faces)).any():
        raise ValueError(
            f"faces must name one of {len(after.faces)} faces (or -1) for each of {len(before.faces)}, "
            f"found shape {number.shape}, largest {number.max(initial=-1)}"
        )
    return number


def hidden(points: NDArray[np.float32], caster: Caster, camera: Camera) -> NDArray[np.bool_]:
    """(N,) whether something of the mesh lies before each of (N, 3) points of the camera's frame."""
    rays = points / points[:, 2:]
    pose = camera.pose.astype(np.float32)
    directions = _turned(pose[:3, :3], rays)
    met = caster.first_faces(np.broadcast_to(pose[:3, 3], rays.shape).copy(), directions)
    hit = np.flatnonzero(met >= 0)
    out = np.zeros(len(points), bool)
    out[hit] = _depth(caster.mesh, met[hit], rays[hit], camera) < points[hit, 2] * np.float32(1 - TOLERANCE)
    return out


def warped(image: NDArray, flow: Flow) -> NDArray:
    """The other frame's (H, W[, C]) image fetched along the flow to this frame's pixels; 0 where not visible."""
    height, width = flow.valid.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    out = cv2.remap(
        image, x + flow.vectors[..., 0], y + flow.vectors[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    out[~flow.visible] = 0
    return out


def flow_colours(flow: Flow, largest: float | None = None) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: hue for the direction, white for rest, full colour at `largest` pixels (default: the 99th
    hundredth); dark where the point is not visible in the other frame, grey where nothing is known."""
    length = np.hypot(flow.vectors[..., 0], flow.vectors[..., 1])
    if largest is None:
        largest = max(float(np.percentile(length[flow.valid], 99)) if flow.valid.any() else 0.0, 1e-6)
    angle = np.arctan2(flow.vectors[..., 1], flow.vectors[..., 0]) % (2 * np.pi)
    hsv = np.empty((*length.shape, 3), np.uint8)
    hsv[..., 0] = np.rint(np.degrees(angle) / 2) % 180
    hsv[..., 1] = np.rint(np.clip(length / largest, 0, 1) * 255)
    hsv[..., 2] = np.where(flow.visible, 255, 150)
    rgb = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    rgb[~flow.valid] = 128
    return rgb


def _at(vertices: NDArray[np.float32], corners: NDArray[np.int32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 3) points of faces from (N, 3) corners and (N, 3) weights."""
    out = vertices[corners[:, 0]] * weights[:, :1]
    for i in (1, 2):
        out += vertices[corners[:, i]] * weights[:, i : i + 1]
    return out


def _project(points: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    """(N, 3) points of the camera's frame -> (N, 2) pixels."""
    k = camera.intrinsics
    out = np.empty((len(points), 2), np.float32)
    out[:, 0] = points[:, 0] / points[:, 2] * np.float32(k.fx) + np.float32(k.cx)
    out[:, 1] = points[:, 1] / points[:, 2] * np.float32(k.fy) + np.float32(k.cy)
    return out


def _turned(matrix: NDArray[np.floating], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 3) vectors turned by a 3x3 matrix, by plain sums in float32."""
    m = np.asarray(matrix, np.float32)
    return np.ascontiguousarray(np.stack([dot(vectors, m[i]) for i in range(3)], axis=1))


def _depth(mesh: Mesh, faces: NDArray[np.int32], rays: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    """(N,) depth at which rays (x, y, 1) of a camera meet the planes of faces."""
    a, b, c = (camera.to_camera(mesh.vertices[mesh.faces[faces, i]]).astype(np.float64) for i in range(3))
    normal = cross(b - a, c - a)
    towards = dot(normal, rays.astype(np.float64))
    return (dot(normal, a) / np.where(towards == 0, np.inf, towards)).astype(np.float32)


def _on_wall(
    pixels: NDArray[np.int64], wall: Wall, before: Camera, after: Camera
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Of some flat pixels those that see the wall, and its points there in the two cameras' frames."""
    rays = before.intrinsics.rays().reshape(-1, 3)[pixels].astype(np.float64)
    turn, centre = before.pose[:3, :3], before.pose[:3, 3]
    normal = np.asarray(wall.backdrop.normal, np.float64)
    local = np.array([dot(turn[:, i][None], normal)[0] for i in range(3)])
    distance = wall.backdrop.distance - dot(normal[None], centre)[0]
    towards = dot(rays, local)
    met = np.flatnonzero(towards > 1e-3)
    start = rays[met] * (distance / towards[met])[:, None]
    move = np.linalg.inv(after.pose) @ wall.moved @ before.pose
    end = np.stack([dot(start, move[i, :3]) + move[i, 3] for i in range(3)], axis=1)
    ahead = start[:, 2] > 0
    return pixels[met[ahead]], start[ahead].astype(np.float32), end[ahead].astype(np.float32)
