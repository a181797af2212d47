"""Depth-difference features: Shotton et al. 2011, "Real-Time Human Pose Recognition in Parts from Single Depth Images".

Eq. 1 gives a pixel x of a depth image d, and two offsets u and v, the number

    f(x) = d(x + u / d(x)) - d(x + v / d(x)).

Dividing the offsets by the depth makes them lengths in the world, so a hand far away is asked the same questions as one
nearby. A probe that falls outside of the frame, or on a pixel without a reading, finds the constant `FAR`.

Offsets are in metre-pixels of a frame `WIDTH` pixels wide: divided by a depth in metres they are pixels, and smaller
frames scale them down, so that one forest reads frames of every size. All arithmetic is in float32 and in one order
(`inverse`, then `(place + 1.5) + offset * inverse`), so that NumPy, compiled code and a GPU find the same pixels.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

FAR = np.float32(10.0)
"""Metres found by a probe outside of the frame or where there is no reading: beyond everything that a sensor sees."""

NEAR = np.float32(0.01)
"""Metres; what is not farther counts as no reading."""

WIDTH = 640
"""Width in pixels of the frames in which offsets are metre-pixels."""


def sample_offsets(count: int, largest: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw pairs of offsets: directions evenly, lengths more often short than long, every other v zero.

    With v = 0 a feature compares a place with the pixel itself, and says how far it is behind it. Lengths are
    `largest` times the square of an even number, so that fingers and the whole body are both within reach.

    Args:
        count: number of pairs.
        largest: metre-pixels.
        rng: consumed.

    Returns:
        (count, 4) float32: u and v, each (down, right).
    """
    angle = rng.uniform(0, 2 * np.pi, (count, 2))
    length = largest * rng.uniform(0, 1, (count, 2)) ** 2
    length[::2, 1] = 0
    pairs = np.stack([length * np.sin(angle), length * np.cos(angle)], axis=-1)  # (count, 2, 2)
    return pairs.reshape(count, 4).astype(np.float32)


def bordered(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) metres -> (H + 2, W + 2) metres, `FAR` around the frame and where there is no reading."""
    frame = np.full((depth.shape[0] + 2, depth.shape[1] + 2), FAR, np.float32)
    frame[1:-1, 1:-1] = np.where(depth > NEAR, depth, FAR)
    return frame


def depth_features(
    depth: NDArray[np.float32], rows: NDArray[np.integer], columns: NDArray[np.integer], offsets: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Eq. 1 for some pixels and every pair of offsets, plainly: the reference for everything faster.

    Args:
        depth: (H, W) float32 metres, 0 where there is no reading.
        rows, columns: (P,) pixels with a reading.
        offsets: (F, 4) float32 from `sample_offsets`.

    Returns:
        (P, F) float32 metres

    Raises:
        ValueError: if a pixel has no reading: its offsets would have no length.
    """
    z = np.asarray(depth, np.float32)[rows, columns]  # (P,)
    if not (z > NEAR).all():
        raise ValueError(
            f"{(~(z > NEAR)).sum()} of {z.size} pixels have no reading; choose pixels where depth > {NEAR}"
        )
    frame = bordered(depth)
    inverse = np.float32(depth.shape[1] / WIDTH) / z  # (P,)

    def probe(offset: NDArray[np.float32]) -> NDArray[np.float32]:
        """(F, 2) -> (P, F): the depth found there."""
        down, right = (
            (np.asarray(place).astype(np.float32) + np.float32(1.5))[:, None] + part[None] * inverse[:, None]
            for place, part in zip((rows, columns), offset.T, strict=True)
        )
        i = np.clip(down, 0, depth.shape[0] + 1).astype(np.int32)  # cutting off is rounding down: nothing is negative
        j = np.clip(right, 0, depth.shape[1] + 1).astype(np.int32)
        return frame[i, j]

    return probe(offsets[:, :2]) - probe(offsets[:, 2:])


def fast_depth_features(
    depth: NDArray[np.float32], rows: NDArray[np.integer], columns: NDArray[np.integer], offsets: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The same numbers as `depth_features`, bit for bit, by compiled code."""
    z = np.asarray(depth, np.float32)[rows, columns]
    if not (z > NEAR).all():
        raise ValueError(
            f"{(~(z > NEAR)).sum()} of {z.size} pixels have no reading; choose pixels where depth > {NEAR}"
        )
    found = np.empty((len(z), len(offsets)), np.float32)
    places = np.asarray(rows, np.int32), np.asarray(columns, np.int32)
    _compiled()(bordered(depth), *places, np.ascontiguousarray(offsets, np.float32), found)
    return found


@cache
def _compiled() -> Callable[..., None]:
    """The loop of `fast_depth_features`, compiled at its first use and kept on disk."""
    from numba import njit  # half a second to import

    return njit(cache=True)(_loop)


def _loop(frame, rows, columns, offsets, found):  # types come from the compiler
    scale = np.float32((frame.shape[1] - 2) / WIDTH)
    last_row, last_column = np.float32(frame.shape[0] - 1), np.float32(frame.shape[1] - 1)
    zero, border = np.float32(0), np.float32(1.5)
    for p in range(len(rows)):
        inverse = scale / frame[rows[p] + 1, columns[p] + 1]
        y, x = np.float32(rows[p]) + border, np.float32(columns[p]) + border
        for f in range(len(offsets)):
            i = np.int32(min(max(y + offsets[f, 0] * inverse, zero), last_row))
            j = np.int32(min(max(x + offsets[f, 1] * inverse, zero), last_column))
            k = np.int32(min(max(y + offsets[f, 2] * inverse, zero), last_row))
            m = np.int32(min(max(x + offsets[f, 3] * inverse, zero), last_column))
            found[p, f] = frame[i, j] - frame[k, m]
