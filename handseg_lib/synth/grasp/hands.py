"""Placements of a hand beside an object, several at a time, and how far their points are from it."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand.contact import finger_spheres
from handseg_lib.synth.hand.points import Array, HandPoints, axis_of

PALM_ROWS, PALM_RADIUS = (0.35, 0.55, 0.75, 0.95), 0.0115


class Thing(Protocol):
    """What a hand can close on."""

    def distance(self, points: NDArray) -> NDArray: ...


@dataclass(frozen=True)
class Hands:
    """Several placements of one hand beside one object.

    Attributes:
        points: the hand.
        thing: the object.
        turn: (B, 3, 3) from the right hand's frame to the object's; with determinant -1 for a left hand.
        origin: (B, 3) where the wrist is, in the object's frame, metres.
        fingers: (B, 4, 4) angles of index to little finger, radians.
        thumb: (B, 5) angles of the thumb.
    """

    points: HandPoints
    thing: Thing
    turn: Array
    origin: Array
    fingers: Array
    thumb: Array

    def distance(self, points: Array, rows: NDArray[np.integer], within: float = np.inf) -> Array:
        """(K, N, 3) points in the hand frame, each row placed as one of the hands -> (K, N) metres to the object.

        With `within`, distances beyond it are not told apart: at least `within` is returned for them.
        """
        turn, origin = self.turn[rows], self.origin[rows]
        placed = sum(points[..., k, None] * turn[:, None, :, k] for k in range(3)) + origin[:, None]
        return distance_near(self.thing, placed.reshape(-1, 3), within).reshape(points.shape[:2])

    def some(self, which: NDArray[np.integer]) -> "Hands":
        """Some of the placements."""
        return replace(
            self,
            turn=self.turn[which],
            origin=self.origin[which],
            fingers=self.fingers[which],
            thumb=self.thumb[which],
        )


def distance_near(thing: Thing, points: Array, within: float = np.inf) -> Array:
    """(N, 3) points of a thing's frame -> (N,) float64 signed metres; beyond `within` any number not below it.

    Things that have `near`, as `RigidObject` has, are asked by that: it is quicker.
    """
    near = getattr(thing, "near", None)
    if near is None or not np.isfinite(within):
        return np.asarray(thing.distance(points.astype(np.float32)), np.float64)
    return np.asarray(near(points.astype(np.float32), within), np.float64)


def depth_of_axis(distance: Array, radii: Array) -> Array:
    """How deep spheres inside a finger lie in an object, where it reaches far into them, else 0; metres.

    A wall thinner than a finger may pass through it and hold no point of its skin: then the axis tells.
    """
    return np.where(distance < 0.6 * radii, radii - distance, 0.0)


def finger_row_spheres(points: HandPoints, fingers: Array) -> tuple[Array, Array]:
    """(4, 8, 3) centres and (4, 8) radii of spheres along four fingers with (4, 4) angles."""
    turns, origins = points.frames(np.arange(1, 5), fingers)
    frames = np.tile(np.eye(4), (17, 1, 1))
    frames[4:16, :3, 1] = axis_of(turns, 1).reshape(12, 3)
    frames[4:16, :3, 3] = origins.reshape(12, 3)
    centres, radii = finger_spheres(points.shape, frames)
    return centres[1:], radii[1:]
