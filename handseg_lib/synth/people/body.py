"""The body behind the hands: proportions, posture, and the lofted trunk, neck and legs.

Person frame: origin between the hip joints, x to the observer's right (the person's left), y down, z backwards; the
person looks along -z. Heights below are therefore negative y. Proportions follow the usual segment tables of
anthropometry (shoulder joint, elbow, hip and knee as fractions of stature), widths those of clothed adults.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from handseg_lib.synth.loft import Array, line_frames, superellipse

REFERENCE_STATURE = 1.75
NECK, HEAD = 0.585, 0.665  # metres above the hip joints, at the reference stature: top of the collar, base of the skull

# Sections of the trunk at the reference stature: height above the hips, half width, front, back, boxiness.
TRUNK = np.array(
    [
        [0.600, 0.052, 0.046, 0.058, 2.0],
        [0.580, 0.066, 0.056, 0.068, 2.0],
        [0.560, 0.094, 0.060, 0.078, 2.1],
        [0.535, 0.126, 0.066, 0.088, 2.1],
        [0.505, 0.156, 0.078, 0.098, 2.1],
        [0.470, 0.172, 0.096, 0.108, 2.2],
        [0.420, 0.171, 0.115, 0.114, 2.6],
        [0.360, 0.164, 0.120, 0.108, 2.7],
        [0.280, 0.152, 0.116, 0.098, 2.6],
        [0.200, 0.146, 0.112, 0.092, 2.5],
        [0.110, 0.158, 0.112, 0.104, 2.5],
        [0.030, 0.172, 0.114, 0.126, 2.5],
        [-0.050, 0.176, 0.112, 0.130, 2.5],
        [-0.110, 0.172, 0.108, 0.120, 2.5],
    ]
)


@dataclass(frozen=True)
class BodyShape:
    """One person's build; lengths in metres, the others dimensionless.

    Attributes:
        stature: standing height.
        female: whether the proportions are a woman's (narrower shoulders, wider hips, bust).
        girth: width and depth of the trunk relative to the average (about 0.85 to 1.3).
        belly: extra depth of the belly.
        shoulder: half the distance between the shoulder joints.
        upper_arm: shoulder joint to elbow.
        thigh: hip joint to knee.
        neck: half width of the neck.
    """

    stature: float
    female: bool
    girth: float
    belly: float
    shoulder: float
    upper_arm: float
    thigh: float
    neck: float

    @property
    def scale(self) -> float:
        """Length relative to the reference stature."""
        return self.stature / REFERENCE_STATURE

    @classmethod
    def sample(cls, rng: np.random.Generator, female: bool) -> "BodyShape":
        """Draw a build from adult variation."""
        stature = float(np.clip(rng.normal(1.63, 0.06) if female else rng.normal(1.76, 0.07), 1.48, 1.98))
        scale = stature / REFERENCE_STATURE
        girth = float(np.clip(rng.normal(0.96 if female else 1.02, 0.09), 0.82, 1.28))
        return cls(
            stature=stature,
            female=female,
            girth=girth,
            belly=float(max(0.0, rng.normal(0.01 + 0.2 * (girth - 1), 0.015))),
            shoulder=float((0.158 if female else 0.174) * scale * (0.6 + 0.4 * girth) * rng.normal(1, 0.02)),
            upper_arm=float(0.172 * stature * rng.normal(1, 0.03)),
            thigh=float(0.245 * stature * rng.normal(1, 0.02)),
            neck=float((0.052 if female else 0.060) * scale * girth**0.5),
        )


@dataclass(frozen=True)
class BodyPose:
    """Posture of trunk, head and legs, in radians; the arms are placed by their hands (see `arms`).

    Attributes:
        lean: bending forwards, spread over the spine (negative: backwards).
        tilt: bending to the person's left.
        twist: turning of the shoulders against the hips, to the person's left.
        head: pitch (down), yaw (to the person's left), roll of the head against the chest.
        raise_left, raise_right: how far each shoulder is shrugged, metres.
        seated: thighs forward instead of down.
        knees: half the angle between the thighs.
    """

    lean: float = 0.0
    tilt: float = 0.0
    twist: float = 0.0
    head: tuple[float, float, float] = (0.0, 0.0, 0.0)
    raise_left: float = 0.0
    raise_right: float = 0.0
    seated: bool = False
    knees: float = 0.12


def rotation(axis: str, angle: float) -> NDArray[np.float64]:
    """(3, 3) rotation about a coordinate axis, right-handed, radians."""
    c, s = float(np.cos(angle)), float(np.sin(angle))
    rows = {
        "x": ((1.0, 0.0, 0.0), (0.0, c, -s), (0.0, s, c)),
        "y": ((c, 0.0, s), (0.0, 1.0, 0.0), (-s, 0.0, c)),
        "z": ((c, -s, 0.0), (s, c, 0.0), (0.0, 0.0, 1.0)),
    }
    return np.array(rows[axis])


def rotations(axis: str, angles: NDArray) -> NDArray[np.float64]:
    """(N, 3, 3) rotations about a coordinate axis by (N,) radians."""
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrices = np.tile(np.eye(3), (len(angles), 1, 1))
    matrices[:, i, i] = matrices[:, j, j] = np.cos(angles)
    matrices[:, j, i] = np.sin(angles)
    matrices[:, i, j] = -matrices[:, j, i]
    return matrices


class Spine:
    """The bent line of the trunk, sampled finely: where each height of the upright body goes."""

    def __init__(self, shape: BodyShape, pose: BodyPose) -> None:
        self.heights = np.linspace(-0.12, 0.72, 85) * shape.scale
        bend = np.clip((self.heights / shape.scale + 0.02) / 0.5, 0, 1)
        bend = bend * bend * (3 - 2 * bend)  # the spine bends between hips and shoulder blades
        turns = (rotations("y", pose.twist * bend), rotations("z", pose.tilt * bend), rotations("x", pose.lean * bend))
        self.rotations = turns[0] @ turns[1] @ turns[2]
        step = self.heights[1] - self.heights[0]
        moves = -self.rotations[:, :, 1] * step  # up is -y
        self.points = np.cumsum(moves, axis=0)
        zero = int(np.argmin(np.abs(self.heights)))
        self.points -= self.points[zero]

    def at(self, heights: NDArray) -> tuple[Array, Array]:
        """(S,) heights above the hips -> (S, 3) points and (S, 3, 3) frames (x, down, back)."""
        points = np.stack([np.interp(heights, self.heights, self.points[:, i]) for i in range(3)], axis=1)
        index = np.clip(np.searchsorted(self.heights, heights), 0, len(self.heights) - 1)
        return points.astype(np.float32), self.rotations[index].astype(np.float32)

    def nearest(self, points: NDArray) -> tuple[NDArray, NDArray]:
        """(N, 3) points -> their coordinates (N, 3) in the frame of the nearest height, and that height (N,)."""
        dx, dy, dz = (points[:, i, None] - self.points[:, i] for i in range(3))  # short last axes are slow
        index = np.argmin(dx * dx + dy * dy + dz * dz, axis=1)
        local = np.einsum("nji,nj->ni", self.rotations[index], points - self.points[index])
        return local, self.heights[index]


class Trunk:
    """Cross-sections of one person's trunk, upright, as functions of the height above the hips."""

    def __init__(self, shape: BodyShape) -> None:
        self.shape = shape
        table = TRUNK[::-1].copy()
        h = table[:, 0]
        chest = np.exp(-(((h - 0.44) / 0.12) ** 2))
        hips = np.exp(-(((h - 0.0) / 0.12) ** 2))
        waist = np.exp(-(((h - 0.2) / 0.1) ** 2))
        table[:, 1] *= 1 + (shape.shoulder / shape.scale / 0.174 - 1) * chest
        if shape.female:
            table[:, 1] *= 1 + 0.05 * hips - 0.06 * waist
            table[:, 2:4] *= 0.94
        body = h < 0.55
        table[body, 1:4] *= shape.girth
        table[:, 2] += shape.belly / shape.scale * np.exp(-(((h - 0.17) / 0.11) ** 2))
        neck = h >= 0.59
        table[neck, 1] = shape.neck / shape.scale
        self._table = PchipInterpolator(h * shape.scale, table[:, 1:] * ([shape.scale] * 3 + [1]), extrapolate=True)

    def sections(self, heights: NDArray, angles: NDArray) -> Array:
        """(S,) heights, (T,) angles -> (S, T, 2) outlines of the bare trunk with chest relief."""
        half_width, front, back, power = self._table(heights).T
        outline = superellipse(angles, half_width, front, back, power)
        if self.shape.female:
            outline[..., 1] -= self._bust(outline[..., 0], heights)
        return outline

    def _bust(self, x: Array, heights: NDArray) -> Array:
        scale = self.shape.scale
        height = np.exp(-(((heights / scale - 0.375) / 0.055) ** 2))[:, None]
        side = np.exp(-(((np.abs(x) / scale - 0.085) / 0.055) ** 2))
        return (0.042 * scale * self.shape.girth**2 * height * np.maximum(side, 0.45 * (np.abs(x) < 0.09))).astype(
            np.float32
        )

    def inside(self, local: NDArray, heights: NDArray, margin: float) -> NDArray[np.bool_]:
        """Whether points in the spine's frames (`Spine.nearest`) are inside the trunk grown by `margin` metres."""
        half_width, front, back, power = self._table(np.clip(heights, -0.1, NECK * self.shape.scale)).T
        depth = np.where(local[:, 2] < 0, front, back) + margin
        if self.shape.female:
            depth = depth + 0.03 * (local[:, 2] < 0)
        radius = (np.abs(local[:, 0]) / (half_width + margin)) ** power + (np.abs(local[:, 2]) / depth) ** power
        return (radius < 1) & (np.abs(local[:, 1]) < margin + 0.05)


def shoulders(shape: BodyShape, pose: BodyPose, spine: Spine) -> dict[str, NDArray]:
    """Shoulder joints {"left", "right"} in the person frame; the person's right is at negative x."""
    points, frames = spine.at(np.array([0.478 * shape.scale]))
    return {
        side: points[0] + frames[0] @ np.array([sign * shape.shoulder, -lift, 0.012], np.float32)
        for side, sign, lift in (("left", 1, pose.raise_left), ("right", -1, pose.raise_right))
    }


def leg_lines(shape: BodyShape, pose: BodyPose) -> dict[str, tuple[Array, Array]]:
    """Centre lines (S, 3) and radii (S,) of hip to knee to ankle for each leg."""
    lines = {}
    for side, sign in (("left", 1), ("right", -1)):
        hip = np.array([sign * 0.088 * shape.scale, 0.0, 0.0])
        spread = rotation("y", -sign * pose.knees) if pose.seated else rotation("z", -sign * pose.knees * 0.5)
        thigh = spread @ (np.array([0, 0.08, -1.0]) if pose.seated else np.array([0, 1.0, -0.03]))
        knee = hip + thigh / np.linalg.norm(thigh) * shape.thigh
        ankle = knee + np.array([0, 1.0, 0.12]) / 1.007 * shape.thigh
        lines[side] = _bent_line(hip, knee, ankle, shape)
    return lines


def _bent_line(hip: NDArray, knee: NDArray, ankle: NDArray, shape: BodyShape) -> tuple[Array, Array]:
    s = np.linspace(0, 2, 40)[:, None]
    line = np.where(s < 1, hip + (knee - hip) * s, knee + (ankle - knee) * (s - 1))
    kernel = np.exp(-(np.arange(-4, 5) ** 2) / 8)
    padded = np.pad(line, ((4, 4), (0, 0)), mode="edge")
    padded[:4], padded[-4:] = 2 * line[:1] - line[4:0:-1], 2 * line[-1:] - line[-2:-6:-1]
    line = np.stack([np.convolve(padded[:, i], kernel / kernel.sum(), mode="valid") for i in range(3)], axis=1)
    radius = np.interp(s[:, 0], [0, 0.3, 0.9, 1.0, 1.3, 2], [0.092, 0.085, 0.064, 0.063, 0.06, 0.045])
    return line.astype(np.float32), (radius * shape.scale * shape.girth**0.8).astype(np.float32)


def leg_sections(line: Array, radius: Array, angles: Array) -> tuple[Array, Array]:
    """Frames (S, 3, 3) and outlines (S, T, 2) of a leg in trousers."""
    frames = line_frames(line, np.array([1.0, 0, 0], np.float32))
    return frames, superellipse(angles, radius, radius, radius, np.full(len(radius), 2.0))
