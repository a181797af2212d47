"""Hand poses: joint angles within human limits, named poses, random poses, and the joints they give."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand.contact import overlap
from handseg_lib.synth.hand.shape import (
    BONE_JOINT,
    BONES,
    FINGERS,
    NEUTRAL_SPREAD,
    HandShape,
    thumb_rotation,
    turn,
)

_D = np.pi / 180
THUMB_LIMITS = ((-12 * _D, 62 * _D), (-8 * _D, 62 * _D), (-25 * _D, 25 * _D), (-12 * _D, 65 * _D), (-25 * _D, 90 * _D))
"""(low, high) of the thumb's radial, palmar and twist angle and of the flexion of its two hinges, radians."""
FINGER_LIMITS = ((-25 * _D, 95 * _D), (-22 * _D, 22 * _D), (-8 * _D, 112 * _D), (-8 * _D, 88 * _D))
"""(low, high) of MCP flexion, MCP abduction (positive towards the thumb), PIP and DIP flexion, radians."""
TOLERANCE = 1e-6
SOFT = 0.0035
"""Metres by which soft flesh gives where fingers press on one another; random poses that need more are drawn anew."""
_REFERENCE = HandShape()


@dataclass(frozen=True)
class HandPose:
    """Joint angles of one hand in radians; the default is a flat hand with the thumb laid beside the index finger.

    Attributes:
        thumb: (5,) radial and palmar angle and extra twist of the metacarpal, flexion of MCP and of IP.
        index, middle, ring, little: (4,) MCP flexion, MCP abduction (towards the thumb), PIP flexion, DIP flexion.
    """

    thumb: tuple[float, ...] = (0.28, 0.04, 0.0, 0.0, 0.0)
    index: tuple[float, ...] = (0.0,) * 4
    middle: tuple[float, ...] = (0.0,) * 4
    ring: tuple[float, ...] = (0.0,) * 4
    little: tuple[float, ...] = (0.0,) * 4

    def __post_init__(self) -> None:
        for name in FINGERS:
            angles, limits = getattr(self, name), THUMB_LIMITS if name == "thumb" else FINGER_LIMITS
            if len(angles) != len(limits):
                raise ValueError(f"HandPose.{name} needs {len(limits)} angles, found {len(angles)}")
            for k, (angle, (low, high)) in enumerate(zip(angles, limits, strict=True)):
                if not low - TOLERANCE <= angle <= high + TOLERANCE:
                    raise ValueError(
                        f"HandPose.{name}[{k}] is {np.degrees(angle):.1f} degrees, a hand reaches "
                        f"{np.degrees(low):.0f} to {np.degrees(high):.0f}; angles are radians, and "
                        "HandPose.within_limits() clips them"
                    )

    @classmethod
    def within_limits(cls, angles: NDArray[np.floating]) -> Self:
        """The nearest pose to 21 angles in radians (order of the attributes), clipped to the joints' limits.

        A finger's room to move sideways closes as its MCP joint bends: none is left at a right angle.
        """
        angles = np.asarray(angles, np.float64)
        if angles.shape != (21,):
            raise ValueError(f"a hand pose has 21 angles (thumb 5, fingers 4 each), found shape {angles.shape}")
        limits = THUMB_LIMITS + FINGER_LIMITS * 4
        clipped = [min(max(angle, low), high) for angle, (low, high) in zip(angles.tolist(), limits, strict=True)]
        for flexion in range(5, 21, 4):
            room = FINGER_LIMITS[1][1] * (1 - 0.85 * min(max(clipped[flexion] / (np.pi / 2), 0.0), 1.0))
            clipped[flexion + 1] = min(max(clipped[flexion + 1], -room), room)
        return cls(tuple(clipped[:5]), *(tuple(clipped[k : k + 4]) for k in range(5, 21, 4)))

    @property
    def angles(self) -> NDArray[np.float64]:
        """(21,) all angles in radians, thumb first."""
        return np.concatenate([getattr(self, f.name) for f in fields(self)])

    def interpolate(self, other: "HandPose", t: float) -> "HandPose":
        """The pose a fraction t of the way to another one: 0 gives this pose, 1 the other."""
        return HandPose.within_limits((1 - t) * self.angles + t * other.angles)

    @classmethod
    def named(cls, name: str) -> "HandPose":
        """A pose by name.

        Raises:
            ValueError: for an unknown name; the message lists those that exist.
        """
        if name not in POSES:
            raise ValueError(f"no hand pose is called {name!r}; there are {', '.join(POSES)}")
        return POSES[name]

    @classmethod
    def gesture(cls, name: str, rng: np.random.Generator) -> "HandPose":
        """A gesture of `GESTURES` as one person shows it once: joints off by a few degrees, never what it means.

        Raises:
            ValueError: for an unknown gesture; the message lists those that exist.
        """
        if name not in GESTURES:
            raise ValueError(f"no gesture is called {name!r}; there are {', '.join(GESTURES)}")
        model = GESTURES[name]
        # Less where fingertips must meet, and less again where fingers would pass through each other.
        for share in (0.2, 0.1) if name == "ok" else (0.5, 0.25, 0.12):
            pose = cls.within_limits(model.angles + share * _disturbance(rng))
            if overlap(_REFERENCE, bone_frames(_REFERENCE, pose)) < SOFT:
                return pose
        return model

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "HandPose":
        """A random natural pose: between two named ones, with every joint and the whole hand's curl disturbed.

        PIP and DIP bend together, as the tendons make them, and neighbouring fingers bend alike. Poses in which a hand
        of middling shape would pass through itself are refused.
        """
        for _ in range(20):
            first, second = rng.choice(len(POSES), 2)
            poses = list(POSES.values())
            mixed = poses[first].interpolate(poses[second], float(rng.beta(0.4, 0.8)))
            pose = cls.within_limits(mixed.angles + _disturbance(rng))
            if overlap(_REFERENCE, bone_frames(_REFERENCE, pose)) < SOFT:
                return pose
        return poses[first]


def _disturbance(rng: np.random.Generator) -> NDArray[np.float64]:
    """(21,) small random turns of all joints in radians, alike in neighbouring fingers."""
    curl = rng.normal(0, 6)
    drift = rng.normal(0, 1, (4, 4))
    change = np.empty(21)
    change[:5] = rng.normal(0, 1, 5) * (5, 5, 4, 6, 8)
    for finger in range(4):
        mcp, spread, pip, _ = 0.7 * drift[finger] + 0.3 * drift[max(finger - 1, 0)]
        bend = 10 * pip + curl
        change[5 + 4 * finger : 9 + 4 * finger] = (9 * mcp + curl, 4 * spread, bend, 0.6 * bend)
    return change * _D


def _pose(thumb: tuple, *fingers: tuple) -> HandPose:
    """A pose from degrees: the thumb's 5 angles, then index, middle, ring and little finger."""
    return HandPose.within_limits(np.concatenate([thumb, *fingers]) * _D)


_STRAIGHT, _CURLED = (2, 0, 4, 2), (86, 0, 106, 76)
_TUCKED = (15, 49, -1, 40, 54)  # the thumb laid over curled fingers
_KNUCKLES = ((84, 2, 106, 74), (87, 0, 107, 76), (88, -1, 107, 76), (90, -2, 104, 76))
_FIST = _pose((23, 54, 9, 39, 57), *_KNUCKLES)

POSES: Mapping[str, HandPose] = MappingProxyType({
    "flat": _pose((16, 2, 0, 2, 2), (0, -3, 2, 1), (0, 0, 2, 1), (0, 3, 2, 1), (0, 8, 2, 1)),
    "open": _pose((50, 18, 0, 2, 2), (0, 7, 3, 2), (0, 1, 3, 2), (0, -6, 3, 2), (-2, -12, 4, 2)),
    "relaxed": _pose((26, 28, 0, 14, 18), (22, 0, 26, 14), (28, 0, 32, 18), (33, 0, 36, 20), (36, -2, 36, 18)),
    "fist": _FIST,
    "point": _pose(_TUCKED, (4, 0, 6, 3), _CURLED, _CURLED, _CURLED),
    "one": _pose((15, 61, 5, 50, 59), (0, 0, 3, 2), _CURLED, _CURLED, _CURLED),
    "two": _pose((-5, 50, -1, 41, 42), (0, 9, 3, 2), (0, -8, 3, 2), _CURLED, _CURLED),
    "three": _pose((-12, 51, -8, 65, 12), (0, 10, 3, 2), (0, 0, 3, 2), (2, -10, 5, 2), (90, 0, 95, 55)),
    "four": _pose((4, 44, 1, 50, 50), (0, 9, 3, 2), (0, 2, 3, 2), (0, -4, 3, 2), (0, -10, 4, 2)),
    "five": _pose((56, 12, 0, -4, -6), (-4, 10, 0, 0), (-4, 1, 0, 0), (-4, -9, 0, 0), (-6, -18, 0, 0)),
    "pinch": _pose((17, 37, 2, 12, 9), (44, 0, 57, 28), (46, 0, 50, 28), (48, 0, 52, 30), (50, -2, 50, 28)),
    "ok": _pose((10, 40, 6, -3, 22), (50, 0, 51, 28), (20, 0, 16, 8), (10, -4, 10, 6), (2, -12, 8, 4)),
    "thumbs_up": _pose((56, 8, 0, -8, -16), *_KNUCKLES),
    "claw": _pose((44, 32, 0, 22, 44), (-6, 6, 66, 42), (-6, 1, 68, 44), (-6, -6, 68, 44), (-8, -12, 66, 42)),
    "cup": _pose((24, 46, 4, 12, 20), (34, 2, 34, 20), (36, 0, 36, 20), (38, -1, 38, 20), (42, -4, 38, 20)),
    "grip": _pose((10, 53, 9, 15, 10), (52, 3, 58, 34), (56, 0, 60, 34), (60, -2, 60, 34), (64, -4, 58, 32)),
    "horns": _pose((6, 51, -2, 34, 65), _STRAIGHT, _CURLED, _CURLED, (2, -10, 5, 3)),
    "call": _pose((58, 10, 0, -6, -10), _CURLED, _CURLED, _CURLED, (0, -16, 5, 3)),
    "gun": _pose((56, 10, 0, -4, -8), _STRAIGHT, _CURLED, _CURLED, _CURLED),
})  # fmt: skip
"""Named poses; `one` to `five` are numbers shown with the fingers."""

GESTURES: Mapping[str, HandPose] = MappingProxyType({
    **{name: POSES[name] for name in ("fist", "open", "one", "two", "three", "four", "five", "ok", "thumbs_up")},
    "pointing": POSES["point"],
    "relaxed": POSES["relaxed"],
    "stop": _pose((34, 10, 0, 0, 2), (-8, 0, 2, 1), (-8, 0, 2, 1), (-8, 1, 2, 1), (-8, 5, 3, 1)),
})  # fmt: skip
"""What a hand shows without an object; a random pose of a gesture is `HandPose.gesture(name, rng)`."""


def bone_frames(shape: HandShape, pose: HandPose) -> NDArray[np.float64]:
    """(17, 4, 4) frames of `BONES` in the hand frame; the forearm's is left straight."""
    base, bends = np.empty((5, 3, 3)), np.empty((5, 3))
    base[0], bends[0] = thumb_rotation(*pose.thumb[:3]), (0.0, *pose.thumb[3:])
    for finger, name in enumerate(FINGERS[1:], 1):
        mcp, spread, pip, dip = getattr(pose, name)
        base[finger], bends[finger] = turn(2, -(NEUTRAL_SPREAD[finger] + spread)), (mcp, pip, dip)
    bends = bends.cumsum(axis=1)[..., None]  # all hinges of a finger share one axis: their angles add up
    c, s = np.cos(bends), np.sin(bends)
    y, z = base[:, None, :, 1], base[:, None, :, 2]
    along = c * y + s * z
    steps = (shape.segments[..., None] * along)[:, :2]
    frames = np.zeros((len(BONES), 4, 4))
    frames[:] = np.eye(4)
    fingers = frames[1:16].reshape(5, 3, 4, 4)
    fingers[..., :3, 0] = base[:, None, :, 0]
    fingers[..., :3, 1] = along
    fingers[..., :3, 2] = c * z - s * y
    fingers[:, 0, :3, 3] = shape.knuckles
    fingers[:, 1, :3, 3] = shape.knuckles + steps[:, 0]
    fingers[:, 2, :3, 3] = shape.knuckles + steps[:, 0] + steps[:, 1]
    return frames


def joint_positions(shape: HandShape, pose: HandPose) -> NDArray[np.float64]:
    """(21, 3) joints in the hand frame, metres, in the order of `JOINTS`."""
    frames = bone_frames(shape, pose)
    joints = np.zeros((21, 3))
    joints[list(BONE_JOINT[:-1])] = frames[:-1, :3, 3]
    last = frames[3:16:3]
    joints[4::4] = last[:, :3, 3] + shape.segments[:, 2, None] * last[:, :3, 1]
    return joints
