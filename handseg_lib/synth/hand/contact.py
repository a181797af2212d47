"""Where a hand meets itself: fingers and palm as rows of spheres, quick enough to check every random pose."""

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand.shape import HandShape

# Stations of the spheres as (segment, fraction of it), and their radii relative to the finger's thickness.
_STATIONS = ((0, 0.55), (0, 0.8), (1, 0.0), (1, 0.33), (1, 0.67), (2, 0.0), (2, 0.35), (2, 0.66))
_RADII = (0.93, 0.90, 0.93, 0.86, 0.86, 0.85, 0.82, 0.74)
_PALM_ALONG, _PALM_RADIUS = (0.35, 0.55, 0.75, 0.95), 0.0115


def finger_spheres(shape: HandShape, frames: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres (5, 8, 3) and radii (5, 8) of spheres along the fingers of posed bones, metres.

    Args:
        shape: whose hand.
        frames: (17, 4, 4) bone frames as `poses.bone_frames` gives them.
    """
    segment = np.array([s for s, _ in _STATIONS])
    bones = frames[1:16].reshape(5, 3, 4, 4)[:, segment]
    reach = shape.segments[:, segment] * np.array([t for _, t in _STATIONS])
    centres = bones[..., :3, 3] + reach[..., None] * bones[..., :3, 1]
    return centres, shape.thickness[:, None] * np.array(_RADII)


def overlap(shape: HandShape, frames: NDArray[np.float64]) -> float:
    """How deep the hand passes into itself at the worst place, metres; negative when nothing touches.

    Pairs of different fingers count, and the outer two segments of each finger against the palm. A few millimetres
    are what soft flesh gives; more is impossible for a hand.
    """
    centres, radii = finger_spheres(shape, frames)
    apart = centres[:, None, :, None] - centres[None, :, None, :]
    gap = np.sqrt((apart * apart).sum(-1)) - radii[:, None, :, None] - radii[None, :, None, :]
    pairs = np.triu_indices(5, 1)
    worst = gap[pairs].min()
    outer = centres[:, 3:].reshape(-1, 3)
    palm = (shape.knuckles[1:, None] * np.array(_PALM_ALONG)[:, None]).reshape(-1, 3)
    apart = outer[:, None] - palm[None]
    scale = shape.length / 0.186
    gap = np.sqrt((apart * apart).sum(-1)) - radii[:, 3:].reshape(-1, 1) - _PALM_RADIUS * scale
    return float(-min(worst, gap.min()))
