"""Skin: colour, infrared reflectance and fine relief of a hand, looked up by modelling-pose coordinates."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand_shape import HandShape


@dataclass(frozen=True)
class SkinSample:
    """What skin is like at N points.

    Attributes:
        albedo: (N, 3) float32 linear RGB reflectance in [0, 1] (not sRGB).
        infrared: (N,) float32 reflectance near 850 nm, where skin of every tone is about as bright.
        normals: (N, 3) float32 unit normals in the modelling pose with creases, tendons and nails pressed in; carry
            them to the posed hand with `Mesh.frames`.
    """

    albedo: NDArray[np.float32]
    infrared: NDArray[np.float32]
    normals: NDArray[np.float32]


class Skin:
    """The skin of one person: call it with points of the modelling pose."""

    def __init__(self, shape: HandShape, seed: int) -> None:
        self.shape = shape
        rng = np.random.default_rng((0x5C1, seed))
        self.tone = skin_tone(float(rng.random()), float(rng.normal()))
        self.infrared = float(np.clip(rng.normal(0.56, 0.03), 0.48, 0.64))

    def __call__(self, rest: NDArray[np.float32], rest_normals: NDArray[np.float32]) -> SkinSample:
        """Skin at (N, 3) modelling-pose points in metres with their (N, 3) unit normals; either side's hand."""
        palm = np.clip(0.5 + rest_normals[:, 2] * 0.9, 0, 1) * np.clip(rest[:, 1] / 0.02 + 0.5, 0, 1)
        albedo = self.tone + palm[:, None] * 0.35 * (np.array([0.72, 0.46, 0.37]) - self.tone)
        infrared = np.full(len(rest), self.infrared, np.float32)
        return SkinSample(albedo.astype(np.float32), infrared, rest_normals)


def skin_tone(depth: float, warmth: float) -> NDArray[np.float64]:
    """Linear RGB reflectance of the back of a hand.

    Args:
        depth: 0 (very light) to 1 (very dark), over the whole human range.
        warmth: standard normal; above 0 more yellow, below 0 more pink.
    """
    stops = np.array([[0.68, 0.47, 0.38], [0.58, 0.37, 0.27], [0.45, 0.26, 0.17], [0.30, 0.155, 0.09],
                      [0.16, 0.078, 0.045], [0.075, 0.038, 0.026]])  # fmt: skip
    place = depth * (len(stops) - 1)
    tone = np.array([np.interp(place, np.arange(len(stops)), stops[:, c]) for c in range(3)])
    return tone * (1 + 0.04 * np.clip(warmth, -2, 2) * np.array([0.2, 0.6, -1.0]))


@lru_cache(maxsize=32)
def skin_of(shape: HandShape, seed: int) -> Skin:
    """The skin of the person with this hand and seed; kept in this process."""
    return Skin(shape, seed)
