"""What is wrong with a motion: hands or things in the work surface, in each other, arms that are torn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.objects import RigidObject
from handseg_lib.synth.video.motion import Motion, Wearer
from handseg_lib.synth.video.trajectory import Pose, inverse, moved

MOMENTS = 14
LIMITS = {"hand_in_table": 0.007, "thing_in_table": 0.003, "hand_in_held": 0.007, "hand_in_other": 0.006,
          "hand_in_hand": 0.0, "arm_stretched": 0.08,
          "wrist_bent": 1.6}  # fmt: skip
"""Metres (share of the forearm's length, radians) that nobody sees."""


@dataclass(frozen=True)
class Flaws:
    """The worst of each kind over a motion, metres: 0 where all is well.

    Attributes:
        hand_in_table, thing_in_table: how deep below the work surface.
        hand_in_held: how deep a hand lies in what it touches.
        hand_in_other: how deep a hand lies in anything else.
        hand_in_hand: 0.01 where the two hands come within 2 mm of each other, else 0.
        arm_stretched: how much longer or shorter a forearm became, as a share of its length.
        wrist_bent: radians between hand and forearm.
    """

    hand_in_table: float = 0.0
    thing_in_table: float = 0.0
    hand_in_held: float = 0.0
    hand_in_other: float = 0.0
    hand_in_hand: float = 0.0
    arm_stretched: float = 0.0
    wrist_bent: float = 0.0

    @property
    def visible(self) -> tuple[str, ...]:
        """Names of the flaws that one would see."""
        return tuple(name for name, limit in LIMITS.items() if getattr(self, name) > limit)


def flaws_of(motion: Motion, things: Sequence[RigidObject], moments: int = MOMENTS) -> Flaws:
    """Play a motion and measure what is wrong with it, at some moments."""
    worst = dict.fromkeys(LIMITS, 0.0)
    for time in np.linspace(0, motion.duration, moments):
        poses = [motion.thing(k, float(time)) for k in range(len(things))]
        skins: dict[str, NDArray[np.float64]] = {}
        for side in motion.wrists:
            now = motion.hand(side, float(time))
            arm = now.wrist[:3, 3] - now.elbow
            long = float(np.sqrt((arm * arm).sum()))
            _raise(worst, "arm_stretched", abs(long / motion.wearer.model.shape.forearm - 1))
            _raise(worst, "wrist_bent", float(np.arccos(np.clip((arm * now.wrist[:3, 1]).sum() / long, -1, 1))))
            if worst["wrist_bent"] > LIMITS["wrist_bent"] or worst["arm_stretched"] > LIMITS["arm_stretched"]:
                return Flaws(**worst)  # no such arm can be built
            skin, arm = _skin(motion.wearer, side, now.wrist, now.pose, now.elbow)
            skins[side] = skin
            _raise(worst, "hand_in_table", below(np.concatenate([skin, arm])))
            for k, (thing, pose) in enumerate(zip(things, poses, strict=True)):
                if pose[1, 3] < 1.0:  # not put away below the floor
                    _raise(worst, "hand_in_held" if k in now.touches else "hand_in_other", depth(skin, thing, pose))
        for thing, pose in zip(things, poses, strict=True):
            if pose[1, 3] < 1.0:
                _raise(worst, "thing_in_table", below(moved(pose, thing.mesh.vertices)))
        if len(skins) == 2:
            a, b = (skins[side][::4] for side in ("left", "right"))
            near = ((a[:, None] - b[None]) ** 2).sum(axis=2).min()
            _raise(worst, "hand_in_hand", 0.01 if near < 0.002**2 else 0.0)
    return Flaws(**worst)


def below(points: NDArray[np.floating]) -> float:
    """Metres by which points lie below the work surface, of those over it."""
    over = points[:, 2] > 0.005
    return max(0.0, float(points[over, 1].max(initial=0.0)))


def depth(points: NDArray[np.float64], thing: RigidObject, pose: Pose) -> float:
    """Metres by which points (N, 3) of the room lie inside a thing."""
    local = moved(inverse(pose), points)
    low, high = thing.mesh.vertices.min(axis=0), thing.mesh.vertices.max(axis=0)
    inside = ((local > low) & (local < high)).all(axis=1)
    if not inside.any():
        return 0.0
    return max(0.0, -float(thing.distance(local[inside].astype(np.float32)).min()))


def _skin(
    wearer: Wearer, side: str, wrist: Pose, pose: object, elbow: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Vertices of the hand and of the forearm in room coordinates."""
    mesh = wearer.model.posed(pose, wrist, side, elbow)
    hand = mesh.rest[:, 1] > 0
    vertices = mesh.vertices.astype(np.float64)
    return vertices[hand], vertices[~hand]


def _raise(worst: dict[str, float], name: str, value: float) -> None:
    worst[name] = max(worst[name], value)
