"""What a face's eyes look like: white, iris, pupil, lashes, lids, and the rims of glasses, point by point."""

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.people.head import HeadShape
from handseg_lib.synth.shading import Rgb

CENTRE = (0.032, -0.046)
"""Distance of an eye from the middle of the face, and its y in the head frame, metres."""
HALF_WIDTH, HALF_HEIGHT = 0.0135, 0.0054
IRIS, PUPIL = 0.0054, 0.0023
LENS = (0.029, 0.021)
"""Half width and half height of a lens of glasses, metres."""
RIM = 0.80
"""Where the rim begins, as a share of the way from a lens's middle to its edge, squared."""
WHITE, BLACK = (0.62, 0.60, 0.58), (0.01, 0.009, 0.008)
IRISES: tuple[Rgb, ...] = ((0.10, 0.045, 0.02), (0.05, 0.022, 0.012), (0.09, 0.14, 0.20), (0.10, 0.11, 0.04))
"""Linear RGB of irises: brown, dark brown, blue, green."""


def eye_colours(points: NDArray[np.float32], head: HeadShape, iris: Rgb, skin: Rgb) -> NDArray[np.float32]:
    """(N, 3) linear RGB at (N, 3) points of the face around the eyes, head frame, metres."""
    side, down = np.abs(points[:, 0]) - np.float32(CENTRE[0]), points[:, 1] - np.float32(CENTRE[1])
    opening = 1 - (side / np.float32(HALF_WIDTH)) ** 2  # lids meet where it is 0
    height = down / np.float32(HALF_HEIGHT)
    from_middle = np.sqrt(side**2 + down**2)
    colours = np.empty((len(points), 3), np.float32)
    colours[:] = np.array(skin, np.float32) * np.float32(0.82)  # lids lie in the shadow of the brow
    within = np.abs(height) < opening
    for where, colour in (
        (within, WHITE),
        (within & (from_middle < IRIS), iris),
        (within & (from_middle < PUPIL), BLACK),
        ((opening > -0.1) & (height < -opening + 0.12) & (height > -opening - 0.30), BLACK),  # the upper lashes
    ):
        colours[where] = colour
    if head.glasses:
        colours[(side / LENS[0]) ** 2 + (down / LENS[1]) ** 2 > RIM] = BLACK
    return colours
