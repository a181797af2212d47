"""Arms: inverse kinematics from a wanted wrist to the elbow, and the lofted upper arm and sleeve.

The forearm belongs to the hand's mesh, so that the wrist has no seam; here the arm is completed to the shoulder.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.compiled import squared_gaps
from handseg_lib.synth.loft import Array, line_frames
from handseg_lib.synth.people.arm_loops import hinge_of, solved

MAX_ELBOW_FLEXION = np.radians(148)
_ALONG = np.linspace(0, 1, 24)[:, None]
STEPS = 44  # sections of an arm from shoulder to wrist


@dataclass(frozen=True)
class Arm:
    """One placed arm, all points (3,) in metres in the person frame."""

    shoulder: NDArray[np.float64]
    elbow: NDArray[np.float64]
    wrist: NDArray[np.float64]

    @property
    def joints(self) -> NDArray[np.float64]:
        """(3, 3) shoulder, elbow and wrist."""
        return np.array((self.shoulder, self.elbow, self.wrist), np.float64)

    @property
    def flexion(self) -> float:
        """Angle of the elbow in radians, 0 when the arm is straight."""
        upper, fore = self.elbow - self.shoulder, self.wrist - self.elbow
        cosine = upper @ fore / (np.linalg.norm(upper) * np.linalg.norm(fore))
        return float(np.arccos(np.clip(cosine, -1, 1)))

    @property
    def hinge(self) -> NDArray[np.float64]:
        """Unit vector about which the elbow bends; any one across a straight arm."""
        return np.array(hinge_of(self.joints))

    @property
    def forearm_direction(self) -> NDArray[np.float64]:
        """Unit vector from elbow to wrist."""
        fore = self.wrist - self.elbow
        return fore / np.linalg.norm(fore)


def cross3(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    """Cross product of two vectors; np.cross spends most of its time on preparing for more."""
    (ax, ay, az), (bx, by, bz) = a.tolist(), b.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def reach(upper: float, fore: float) -> tuple[float, float]:
    """Nearest and farthest distance from shoulder to wrist that the elbow's limits allow, metres."""
    nearest = np.sqrt(upper**2 + fore**2 + 2 * upper * fore * np.cos(MAX_ELBOW_FLEXION))
    return float(nearest), 0.995 * (upper + fore)


def bones(upper: float, fore: float) -> tuple[float, float, float, float]:
    """Upper arm, forearm and their `reach`, metres: what the compiled loops ask for."""
    return float(upper), float(fore), *reach(upper, fore)


def solve_arm(
    shoulder: NDArray, target: NDArray, lengths: tuple[float, float], swivel: float, down: NDArray | None = None
) -> Arm:
    """Two-bone inverse kinematics: the arm whose wrist is at `target`, or as near to it as the arm reaches.

    Args:
        shoulder, target: (3,) metres.
        lengths: upper arm and forearm, metres.
        swivel: radians about the line from shoulder to wrist; 0 lets the elbow hang along `down`, positive turns it
            towards +x when the arm points forwards.
        down: (3,) the direction of 0; default +y.
    """
    shoulder, target = (np.ascontiguousarray(v, np.float64) for v in (shoulder, target))
    down = (0.0, 1.0, 0.0) if down is None else tuple(float(v) for v in down)
    return Arm(*solved(shoulder, target, bones(*lengths), float(swivel), down))


def arm_line(arm: Arm) -> Array:
    """(STEPS, 3) centre line from inside the shoulder to the wrist, rounded at the elbow; equal steps on each bone."""
    s = np.linspace(0, 2, STEPS)[:, None]
    line = np.where(s < 1, arm.shoulder + (arm.elbow - arm.shoulder) * s, arm.elbow + (arm.wrist - arm.elbow) * (s - 1))
    kernel = np.array([1, 2, 3, 2, 1]) / 9
    inner = np.stack([np.convolve(line[:, i], kernel, mode="valid") for i in range(3)], axis=1)
    line[2:-2] = inner
    return line.astype(np.float32)


def arm_radius(girth: float) -> Array:
    """(STEPS,) radius in metres of the bare arm along `arm_line`; beyond the elbow that of the hand's own forearm.

    `girth` is relative to the average man's, as in `HandShape.arm_girth`.
    """
    s = np.linspace(0, 2, STEPS)
    knots = [0, 0.12, 0.3, 0.55, 0.85, 0.93, 0.99, 1.05, 1.25, 1.45, 1.65, 1.85, 2.0]
    radius = [0.057, 0.059, 0.053, 0.048, 0.0425, 0.0395, 0.036, 0.041, 0.0435, 0.040, 0.033, 0.029, 0.029]
    return (np.interp(s, knots, radius) * girth).astype(np.float32)


def arm_frames(arm: Arm, line: Array) -> Array:
    """(STEPS, 3, 3) frames along `arm_line`; column 0 is the axis about which the elbow bends."""
    return line_frames(line, arm.hinge)


def segment_distance(a0: NDArray, a1: NDArray, b0: NDArray, b1: NDArray) -> float:
    """Shortest distance between two segments, to about a millimetre (sampled at 24 points each)."""
    t = _ALONG
    return float(np.sqrt(squared_gaps(a0 + (a1 - a0) * t, b0 + (b1 - b0) * t).min()))
