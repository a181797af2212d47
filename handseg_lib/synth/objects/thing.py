"""What an object of the synthetic world is to the others: a mesh, materials, places to hold it, and a distance."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.objects.distance_loops import asked, in_boxes, lower
from handseg_lib.synth.objects.shapes import Shape
from handseg_lib.synth.shading import Material

GRIP_TYPES = ("power", "pinch", "tripod", "flat", "hook", "press")


@dataclass(frozen=True)
class Grip:
    """Where and how a hand may hold an object, in the object's frame.

    Fingers and thumb close on the object along `closing`, and `width` is its thickness there. With `hands` = 2 the
    person stands at -z and looks along +z: of a pair, the right hand takes the first grip and the left the second.

    Attributes:
        type: "power", "pinch", "tripod", "flat" (an open hand supports or presses), "hook" (fingers through a
            handle) or "press" (a fingertip on a button).
        centre: (3,) the point that should lie in the middle of the closing fingers; on the surface for "flat" and
            "press".
        axis: (3,) unit vector that runs across the palm, thumb side positive (along a bottle for a power grasp).
        approach: (3,) unit vector from the palm towards the object, at right angles to `axis`.
        width: metres; 0 for "flat" and "press", where nothing closes.
        hands: 1, or 2 where the hold needs a second hand.
        partner: index in the object's `grips` of the second hand's grip.
    """

    type: str
    centre: NDArray[np.float32]
    axis: NDArray[np.float32]
    approach: NDArray[np.float32]
    width: float = 0.0
    hands: int = 1
    partner: int | None = None

    def __post_init__(self) -> None:
        if self.type not in GRIP_TYPES:
            raise ValueError(f"Grip.type is {self.type!r}, expected one of {', '.join(GRIP_TYPES)}")
        for name in ("axis", "approach"):
            length = float(np.linalg.norm(getattr(self, name)))
            if abs(length - 1) > 1e-3:
                raise ValueError(f"Grip.{name} has length {length:.4f}, expected a unit vector")
        across = float((self.axis * self.approach).sum())
        if abs(across) > 1e-3:
            raise ValueError(f"Grip.axis and Grip.approach must be at right angles, their product is {across:.4f}")

    @property
    def closing(self) -> NDArray[np.float32]:
        """(3,) unit vector along which thumb and fingers close; the sign means nothing."""
        return np.cross(self.axis, self.approach).astype(np.float32)


@dataclass(frozen=True)
class Solid:
    """A shape at its place in an object: `frame` (4, 4) takes the shape's own coordinates to the object's."""

    shape: Shape
    frame: NDArray[np.float32]

    def local(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 3) object coordinates -> (N, 3) float32 in the shape's own."""
        r = self.frame[:3, :3]
        v = points - self.frame[:3, 3]
        return v[:, :1] * r[0] + v[:, 1:2] * r[1] + v[:, 2:3] * r[2]


@dataclass(frozen=True)
class RigidObject:
    """An object in its own frame: it stands on the plane y = 0, y pointing down, its front towards -z.

    Attributes:
        kind: a key of `OBJECT_KINDS`.
        mesh: faces' `material` is an index into `materials`; `rest` holds texture coordinates in metres.
        materials: what its surfaces look like.
        grips: where a hand may hold it.
        solids: the shapes whose union it is, before scaling.
        scale: factor from the solids' size to the object's.
    """

    kind: str
    mesh: Mesh
    materials: tuple[Material, ...]
    grips: tuple[Grip, ...]
    solids: tuple[Solid, ...] = field(repr=False)
    scale: float = 1.0

    def distance(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """(N, 3) points in the object's frame -> (N,) float32 signed distance in metres, negative inside.

        Raises:
            ValueError: if the points are not (N, 3).
        """
        points = np.asarray(points)
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(f"RigidObject.distance takes (N, 3) points, found shape {points.shape}")
        return self._union.distance(points.astype(np.float32) / np.float32(self.scale)) * np.float32(self.scale)

    def near(self, points: NDArray[np.floating], within: float) -> NDArray[np.float32]:
        """(N, 3) points -> (N,) float32: `distance` where that is less than `within` metres, else `within`.

        Much quicker than `distance` where most of the points are far away.
        """
        scale = np.float32(self.scale)
        return self._union.distance(np.asarray(points, np.float32) / scale, np.float32(within) / scale) * scale

    @cached_property
    def _union(self) -> "Union":
        return Union(self.solids)

    @property
    def extent(self) -> NDArray[np.float32]:
        """(3,) size of the bounding box in metres."""
        return self.mesh.vertices.max(axis=0) - self.mesh.vertices.min(axis=0)


class Union:
    """Several solids as one: the signed distance to the nearest, each asked only where its box is nearer than others.

    Args:
        solids: at least one.
    """

    def __init__(self, solids: tuple[Solid, ...]) -> None:
        self.solids = solids
        frames = np.stack([np.asarray(solid.frame, np.float32) for solid in solids])
        self._turn, self._origin = (np.ascontiguousarray(v) for v in (frames[:, :3, :3], frames[:, :3, 3]))
        boxes = [solid.shape.box for solid in solids]
        self._low, self._high = (np.array([b[k] for b in boxes], np.float32) for k in (0, 1))  # (S, 3)

    def distance(self, points: NDArray[np.float32], within: float = np.inf) -> NDArray[np.float32]:
        """(N, 3) points -> (N,) float32 signed metres to the nearest solid, but `within` where that is less."""
        points = np.ascontiguousarray(points, np.float32)
        local, outside = in_boxes(points, self._turn, self._origin, self._low, self._high)
        best = np.full(len(points), within, np.float32)
        for k, solid in enumerate(self.solids):
            close, some = asked(local[k], outside[k], best)
            if len(close):
                lower(best, close, np.asarray(solid.shape.distance(some), np.float32))
        return best


def union(solids: tuple[Solid, ...], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 3) points -> (N,) distance to the nearest of the solids."""
    return Union(solids).distance(points)
