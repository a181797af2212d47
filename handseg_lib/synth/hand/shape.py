"""The measurements of a hand, their spread over people, and the skeleton they give in the modelling pose.

Hand frame (right hand): origin in the middle of the wrist crease, x towards the thumb side, y towards the fingers,
z out of the palm; metres. The wrist crease is the plane y = 0: the hand is y > 0, the forearm y < 0. Every bone has
a frame with the same meaning (x sideways, y along the bone, z towards its pulp), so that a positive turn about x
bends the bone. Segment lengths are the fractions of hand length of Buchholz, Armstrong and Goldstein (1992).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.people.arms import cross3

FINGERS = ("thumb", "index", "middle", "ring", "little")
_OF_THUMB, _OF_FINGER = ("cmc", "mcp", "ip", "tip"), ("mcp", "pip", "dip", "tip")
JOINTS = ("wrist", *(f"{f}_{j}" for f in FINGERS for j in (_OF_THUMB if f == "thumb" else _OF_FINGER)))
"""Names of the 21 joints, in the order every array of joints has."""
BONES = ("palm", *(f"{f}_{s}" for f in FINGERS for s in ("proximal", "middle", "distal")), "forearm")
"""Names of the 17 moving parts; the thumb's three are metacarpal, proximal and distal phalanx. Bone k of a finger
starts at joint k, so bone i of this list starts at `JOINTS[BONE_JOINT[i]]`."""
BONE_JOINT = (0, *(1 + 4 * f + s for f in range(5) for s in range(3)), 0)

SEGMENTS = np.array([[0.240, 0.182, 0.150], [0.245, 0.143, 0.100], [0.266, 0.170, 0.108],
                     [0.248, 0.162, 0.107], [0.204, 0.120, 0.096]])  # fmt: skip
"""(5, 3) lengths of the three segments of each finger, as fractions of hand length."""
KNUCKLES = np.array([[0.365, 0.112, 0.060], [0.310, 0.437, 0.004], [0.058, 0.447, -0.010],
                     [-0.185, 0.420, 0.004], [-0.395, 0.378, 0.036]])  # fmt: skip
"""(5, 3) first joint of each finger: x as a fraction of hand breadth, y of hand length, z of hand breadth."""
FINGER_SIZE = (1.17, 1.0, 1.03, 0.965, 0.85)
"""Thickness of each finger relative to the index finger."""
REST_SPREAD = np.radians([0.0, 16.0, 3.5, -9.5, -24.0])
"""Sideways angle of each finger in the modelling pose: spread, so that the surfaces of fingers stay apart."""
NEUTRAL_SPREAD = np.radians([0.0, 4.0, 0.5, -3.5, -9.0])
"""Sideways angle of each straight finger at abduction 0."""
THUMB_REST = np.radians([42.0, 22.0])
"""Radial and palmar angle of the thumb's metacarpal in the modelling pose."""


@dataclass(frozen=True)
class HandShape:
    """Measurements of one person's hand and forearm; metres, or factors around 1.

    Attributes:
        length: wrist crease to the tip of the middle finger.
        breadth: across the knuckles of the four fingers.
        fingers: (5,) factors on the lengths of thumb, index, middle, ring and little finger.
        girth: factor on the thickness of the fingers.
        flesh: factor on the pads of palm and fingers.
        bone: factor on how far knuckles and joints stand out.
        forearm: wrist crease to elbow.
        arm_girth: factor on the thickness of wrist and forearm.
    """

    length: float = 0.186
    breadth: float = 0.081
    fingers: tuple[float, float, float, float, float] = (1.0, 1.0, 1.0, 1.0, 1.0)
    girth: float = 1.0
    flesh: float = 1.0
    bone: float = 1.0
    forearm: float = 0.26
    arm_girth: float = 1.0

    def __post_init__(self) -> None:
        if len(self.fingers) != 5:
            raise ValueError(f"HandShape.fingers needs 5 factors, thumb to little finger, found {len(self.fingers)}")
        ranges = {"length": (0.10, 0.25), "forearm": (0.12, 0.36), "girth": (0.7, 1.4), "flesh": (0.5, 1.6),
                  "bone": (0.0, 2.0), "arm_girth": (0.7, 1.4)}  # fmt: skip
        checks = [(name, getattr(self, name), low, high) for name, (low, high) in ranges.items()]
        checks += [("breadth / length", self.breadth / self.length, 0.36, 0.54)]
        checks += [(f"fingers[{i}]", f, 0.8, 1.2) for i, f in enumerate(self.fingers)]
        for name, value, low, high in checks:
            if not low <= value <= high:
                raise ValueError(
                    f"HandShape.{name} is {value:g}, expected {low:g} to {high:g} (metres, or a factor near 1)"
                )

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        """A random adult, man or woman as likely, from the spread of anthropometric surveys (NASA 1978, ANSUR 1988)."""
        man = rng.random() < 0.5
        length = np.clip(rng.normal(0.190, 0.0085) if man else rng.normal(0.174, 0.0080), 0.160, 0.208)
        ratio = np.clip(rng.normal(0.440 if man else 0.424, 0.014), 0.39, 0.485)
        digits = np.clip(1 + rng.normal(0, 0.022, 5), 0.94, 1.06)
        stout = np.clip(rng.normal(0, 1, 4), -2, 2)
        return cls(
            length=round(float(length), 4),
            breadth=round(float(length * ratio), 4),
            fingers=tuple(round(float(d), 3) for d in digits),
            girth=round(float((1.0 if man else 0.95) + 0.035 * stout[0]), 3),
            flesh=round(float(1.0 + 0.07 * stout[0] + 0.07 * stout[1]), 3),
            bone=round(float((1.0 if man else 0.8) - 0.15 * stout[0] + 0.2 * stout[2]), 3),
            forearm=round(float(length * (1.40 + 0.035 * stout[3])), 4),
            arm_girth=round(float((1.0 if man else 0.92) + 0.04 * stout[0] + 0.03 * stout[1]), 3),
        )

    @cached_property
    def segments(self) -> NDArray[np.float64]:
        """(5, 3) lengths of the segments of each finger, metres; the thumb's first is its metacarpal."""
        return SEGMENTS * self.length * np.array(self.fingers)[:, None]

    @cached_property
    def knuckles(self) -> NDArray[np.float64]:
        """(5, 3) first joint of each finger in the hand frame, metres."""
        return KNUCKLES * (self.breadth, self.length, self.breadth)

    @property
    def thickness(self) -> NDArray[np.float64]:
        """(5,) half thickness of each finger at its middle, metres."""
        mean = (self.length / 0.186 + self.breadth / 0.081) / 2
        return 0.0097 * self.girth * mean * np.array(FINGER_SIZE)

    @cached_property
    def rest_frames(self) -> NDArray[np.float64]:
        """(17, 4, 4) frames of `BONES` in the modelling pose: fingers straight and spread."""
        frames = np.tile(np.eye(4), (len(BONES), 1, 1))
        for finger in range(5):
            rotation = thumb_rotation(*THUMB_REST) if finger == 0 else turn(2, -REST_SPREAD[finger])
            frames[1 + 3 * finger : 4 + 3 * finger, :3, :3] = rotation
            reach = np.concatenate([[0], np.cumsum(self.segments[finger][:2])])
            frames[1 + 3 * finger : 4 + 3 * finger, :3, 3] = self.knuckles[finger] + np.outer(reach, rotation[:, 1])
        return frames


def turn(axis: int, angle: float) -> NDArray[np.float64]:
    """3x3 rotation by `angle` radians about coordinate axis 0, 1 or 2."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    r = np.eye(3)
    r[i, i] = r[j, j] = np.cos(angle)
    r[j, i] = np.sin(angle)
    r[i, j] = -r[j, i]
    return r


def turn_between(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Smallest 3x3 rotation that takes unit vector a to unit vector b; undefined only for opposite ones."""
    v, c = cross3(a, b), float(np.dot(a, b))
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + k + k @ k / (1 + c)


def thumb_rotation(radial: float, palmar: float, twist: float = 0.0) -> NDArray[np.float64]:
    """Axes of the thumb's metacarpal, in the hand frame.

    The two axes of the saddle joint are oblique to the palm and it has no third one: its own turn about the bone
    follows from the other two. Raised out of the palm, the thumb turns its pulp towards the fingers (opposition);
    laid beside the index finger, it shows its side.

    Args:
        radial: angle from the direction of the fingers towards the thumb's side, in the plane of the palm, radians.
        palmar: angle out of the plane of the palm, radians.
        twist: extra turn of the pulp towards the fingers, radians.
    """
    flat = np.array([np.sin(radial), np.cos(radial), 0.0])
    along = np.cos(palmar) * flat + np.sin(palmar) * np.array([0.0, 0.0, 1.0])
    side = cross3(along, np.array([0.0, 0.0, 1.0]))
    side /= np.linalg.norm(side)  # radial, in the plane of the palm: a nail facing there is square to the palm
    pronation = np.radians(58) + 0.35 * (palmar - THUMB_REST[1]) - 0.6 * (radial - THUMB_REST[0]) + twist
    pulp = -np.sin(pronation) * side + np.cos(pronation) * cross3(side, along)
    return np.stack([cross3(along, pulp), along, pulp], 1)
