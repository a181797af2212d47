"""Skin-tight gloves of one matt colour (HandSeg, Section 4): a thin knit over the hand that ends in a rolled hem."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand.mesh import smooth_step
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.render import dot
from handseg_lib.synth.shading import Rgb, noise_at

GLOVE_HEM = -0.022
"""Where a glove ends: the coordinate along the hand in metres, a little behind the wrist."""
GLOVES: tuple[Rgb, ...] = ((0.02, 0.45, 0.08), (0.75, 0.05, 0.04), (0.02, 0.12, 0.65), (0.85, 0.30, 0.01),
                           (0.45, 0.03, 0.50), (0.80, 0.62, 0.02))  # fmt: skip
"""Saturated linear RGB of gloves; two hands never wear the same."""
THICKNESS = 0.0010
"""Metres of knit between the hand and the world."""
HEM_WIDTH, HEM_STEEPNESS = 0.0065, 1.1
"""The rolled hem: how far it reaches along the hand (metres), and the slope of its two sides."""
KNIT_GRAIN, KNIT_SLOPE = 0.00055, 0.10


def in_glove(hand: Mesh) -> Mesh:
    """A posed hand swollen by the glove it wears; the forearm stays as it is."""
    along = hand.rest[:, 1]
    lift = np.float32(THICKNESS) * smooth_step(np.float32(GLOVE_HEM - 0.003), np.float32(GLOVE_HEM + 0.002), along)
    return replace(hand, vertices=(hand.vertices + lift[:, None] * hand.normals).astype(np.float32))


def knit_slope(rest: NDArray[np.float32], rest_normals: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 3) slope of a glove's relief, the grain of the knit and the roll of its hem: to be taken from the normals.

    Args:
        rest: (N, 3) rest-pose coordinates in metres.
        rest_normals: (N, 3) unit normals there; the slope lies in their tangent planes.
    """
    grain = np.stack([noise_at(rest[:, order], KNIT_GRAIN) for order in ((0, 1, 2), (1, 2, 0), (2, 0, 1))], axis=1)
    slope = np.float32(KNIT_SLOPE) * grain
    place = (rest[:, 1] - np.float32(GLOVE_HEM)) / np.float32(HEM_WIDTH)
    slope[:, 1] += np.where((place >= 0) & (place <= 1), np.float32(HEM_STEEPNESS) * (1 - 2 * place), 0)
    slope -= dot(slope, rest_normals)[:, None] * rest_normals
    return slope


def hem_shadow(rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) share of the light that reaches skin just below a glove's hem; 1 away from it."""
    below = np.float32(GLOVE_HEM) - rest[:, 1]
    return np.float32(1) - np.float32(0.45) * smooth_step(np.float32(0.0022), np.float32(0.0), below) * (below >= 0)
