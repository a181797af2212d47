"""From a hand's implicit surface to a mesh that can be posed: vertices, normals, skinning weights and parts."""

from dataclasses import astuple, dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand.poses import HandPose, bone_frames
from handseg_lib.synth.hand.shape import BONES, HandShape
from handseg_lib.synth.hand.skinning import skin
from handseg_lib.synth.hand.surface import HandSurface
from handseg_lib.synth.kept import kept
from handseg_lib.synth.sdf import dot, gradient, near, polygonise

FACES = 7000
STEP = 0.0020
INFLUENCES = 4
HALF_BENT = HandPose.within_limits(
    np.radians([46, 20, 0, 30, 40, *np.ravel([(25, a, 60, 40) for a in (12, 3, -6, -15)])])
)
FOREARM = BONES.index("forearm")
SOURCES = ("sdf", "hand/shape", "hand/surface", "hand/mesh", "hand/poses", "hand/skinning", "hand/skin_loops")
"""Modules that decide what a mesh looks like."""


@dataclass(frozen=True)
class HandMesh:
    """A hand in its modelling pose.

    Attributes:
        vertices: (V, 3) float32 metres in the hand frame.
        faces: (F, 3) int32.
        normals: (V, 3) float32, gradients of the implicit surface.
        bones: (V, 4) int32 ids of the bones (`hand.shape.BONES`) that move a vertex, the strongest first.
        weights: (V, 4) float32 their shares, which sum to 1.
        parts: (F,) uint8 part ids of `data.PARTS`, 0 beyond the wrist.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    normals: NDArray[np.float32]
    bones: NDArray[np.int32]
    weights: NDArray[np.float32]
    parts: NDArray[np.uint8]


def build(shape: HandShape) -> HandMesh:
    """Polygonise the shape's surface and weigh its vertices; about a second."""
    surface = HandSurface(shape)
    vertices, faces = polygonise(surface.distance, surface.box, STEP, FACES, lambda p: _as_in_use(surface, p))
    weights = bone_weights(surface, vertices)
    bones, shares = strongest(weights)
    centres = vertices[faces].mean(1)
    return HandMesh(
        vertices.astype(np.float32),
        faces,
        gradient(surface.distance, vertices).astype(np.float32),
        bones,
        shares,
        part_ids(bone_weights(surface, centres), centres),
    )


def strongest(weights: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The few strongest of (N, 17) bone shares: their ids (N, 4) and their shares, which sum to 1."""
    order = np.argsort(-weights, axis=1, kind="stable")[:, :INFLUENCES]
    top = np.take_along_axis(weights, order, 1)
    return order.astype(np.int32), (top / top.sum(1, keepdims=True)).astype(np.float32)


def _as_in_use(surface: HandSurface, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points with all joints half bent, where knuckles need their triangles, and the forearm small."""
    shape = surface.shape
    motions = bone_frames(shape, HALF_BENT) @ np.linalg.inv(shape.rest_frames)
    bent, _ = skin(points, *strongest(bone_weights(surface, points)), motions)
    return bent * (0.4 + 0.6 * smooth_step(-0.1, 0.05, points[:, 1]))[:, None]


def bone_weights(surface: HandSurface, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 17) share of each bone of `BONES` in moving each of (N, 3) surface points of the modelling pose.

    A point belongs to the finger whose tube is nearest, softly between neighbours; along a finger the shares pass
    from one segment to the next across each joint over about the finger's thickness.
    """
    shape, scale = surface.shape, surface.shape.length / 0.186
    membership = np.stack([1 / (np.maximum(near(f, points), 0) + 0.002 * scale) ** 3 for f in surface.fingers], 1)
    membership[:, 1:] /= membership[:, 1:].sum(1, keepdims=True)
    # The thumb competes with the whole palm: its ball moves with it, the palm's middle does not.
    frame = shape.rest_frames[1]
    along = dot(points - frame[:3, 3], frame[:3, 1]) / shape.segments[0][0]
    outside = np.maximum(near(surface.fingers[0], points), 0)
    membership[:, 0] = smooth_step(0.017 * scale, 0.001 * scale, outside) * smooth_step(-0.15, 0.35, along)
    membership[:, 1:] *= 1 - membership[:, :1]
    weights = np.zeros((len(points), len(BONES)))
    for finger in range(5):
        frame = shape.rest_frames[1 + 3 * finger]
        along = dot(points - frame[:3, 3], frame[:3, 1])
        a, b, _ = shape.segments[finger]
        thick = surface.fingers[finger].width[4]
        first = 1.0 if finger == 0 else smooth_step(-1.1 * thick, 1.1 * thick, along)
        second = smooth_step(a - 0.75 * thick, a + 0.75 * thick, along)
        third = smooth_step(a + b - 0.7 * thick, a + b + 0.7 * thick, along)
        shares = np.stack([first - np.minimum(first, second), second - third, third], 1)
        weights[:, 1 + 3 * finger : 4 + 3 * finger] = membership[:, finger : finger + 1] * shares
    arm = smooth_step(0.022 * scale, -0.034 * scale, points[:, 1])
    weights *= 1 - arm[:, None]
    weights[:, FOREARM] = arm
    weights[:, 0] = 1 - weights[:, 1:].sum(1)
    return np.maximum(weights, 0)


def smooth_step(start: float, end: float, x: NDArray[np.floating]) -> NDArray[np.floating]:
    """0 at `start`, 1 at `end`, with a smooth cubic between; `start` may be the larger."""
    t = np.clip((x - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def part_ids(weights: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(N,) part ids of `data.PARTS` from bone weights: bones 1..15 are parts 1..15, the palm is 16.

    The ball of the thumb moves with the thumb's first bone and is counted to it, as in other part legends.
    """
    strongest = weights[:, :FOREARM].argmax(1)
    parts = np.where(strongest == 0, 16, strongest)
    return np.where(points[:, 1] > 0, parts, 0).astype(np.uint8)


@lru_cache(maxsize=64)
def hand_mesh(shape: HandShape) -> HandMesh:
    """The shape's mesh, from this process, from the store's `hands/` folder, or built and kept there."""
    return HandMesh(**kept("hands", astuple(shape), SOURCES, lambda: vars(build(shape))))
