"""Lofted surfaces: closed cross-sections strung along a bent line. Torso, limbs, sleeves and trousers are made of them.

A loft keeps its grid (sections x points around) whatever the pose, so posing is one small rotation per section, folds
of cloth are images on the grid, and nothing has to be meshed again.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@lru_cache(maxsize=64)
def grid_faces(sections: int, around: int) -> NDArray[np.int32]:
    """(F, 3) triangles of a tube of `sections` rings with `around` vertices each, facing outwards.

    Rings run along the line; seen from its end, looking back, the vertices of a ring run anticlockwise.
    """
    i, j = np.meshgrid(np.arange(sections - 1), np.arange(around), indexing="ij")
    a, b = (i * around + j).ravel(), (i * around + (j + 1) % around).ravel()
    c, d = a + around, b + around
    return np.concatenate([np.stack([a, d, b], 1), np.stack([a, c, d], 1)]).astype(np.int32)


def loft(centres: Array, frames: Array, offsets: Array) -> Array:
    """Vertices of a loft.

    Args:
        centres: (S, 3) metres, the line.
        frames: (S, 3, 3) rotations; columns 0 and 2 span the section's plane, column 1 runs along the line.
        offsets: (S, T, 2) metres, each section in its plane.

    Returns:
        (S * T, 3) float32.
    """
    side, depth = frames[:, None, :, 0], frames[:, None, :, 2]
    points = centres[:, None] + offsets[..., :1] * side + offsets[..., 1:] * depth
    return np.ascontiguousarray(points.reshape(-1, 3), np.float32)


def line_frames(centres: Array, side: NDArray) -> Array:
    """(S, 3, 3) frames along a line that bends about `side` (3,), or nearly so: column 0 stays next to it."""
    along = np.gradient(centres, axis=0)
    along /= np.sqrt((along * along).sum(axis=1, keepdims=True))
    side = np.asarray(side, np.float32)
    x = side - along * (along * side).sum(axis=1, keepdims=True)
    x /= np.sqrt((x * x).sum(axis=1, keepdims=True))
    return np.stack([x, along, np.cross(x, along)], axis=2).astype(np.float32)


def superellipse(angles: Array, half_width: Array, front: Array, back: Array, power: Array) -> Array:
    """(S, T, 2) cross-sections; z is negative at the front. `power` 2 is an ellipse, more is boxier.

    Args:
        angles: (T,) radians.
        half_width, front, back, power: (S,) metres (and no unit for `power`).
    """
    c, s = np.cos(angles)[None], np.sin(angles)[None]
    exponent = (2 / power)[:, None]
    x = np.sign(c) * np.abs(c) ** exponent * half_width[:, None]
    z = np.sign(s) * np.abs(s) ** exponent * np.where(s < 0, front[:, None], back[:, None])
    return np.stack([x, z], axis=-1).astype(np.float32)


def oriented_noise(
    rng: np.random.Generator, shape: tuple[int, int], spacing: tuple[float, float], wavelength: float, angle: float
) -> Array:
    """Ridges of about unit height on a (S, T) grid, with a wavelength (metres) and direction: the folds of cloth.

    White noise through a band-pass filter that is narrow in direction. `angle` 0 makes ridges that run around the
    loft, pi/2 ridges that run along it.
    """
    fy = np.fft.fftfreq(shape[0], spacing[0])[:, None]
    fx = np.fft.fftfreq(shape[1], spacing[1])[None]
    along, across = fy * np.cos(angle) + fx * np.sin(angle), fx * np.cos(angle) - fy * np.sin(angle)
    band = np.exp(-(((np.abs(along) * wavelength - 1) / 0.45) ** 2) - (across * wavelength / 0.42) ** 2)
    noise = np.fft.ifft2(np.fft.fft2(rng.standard_normal(shape)) * band).real
    noise /= noise.std() + 1e-9
    return (1 - np.abs(noise) * 0.8).astype(np.float32)  # creases are sharp, the cloth between them is slack


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], spacing: tuple[float, float], size: float) -> Array:
    """Smooth noise of unit spread on a (S, T) grid with features of about `size` metres."""
    fy, fx = np.fft.fftfreq(shape[0], spacing[0])[:, None], np.fft.fftfreq(shape[1], spacing[1])[None]
    noise = np.fft.ifft2(np.fft.fft2(rng.standard_normal(shape)) * np.exp(-(fy**2 + fx**2) * size**2)).real
    return (noise / (noise.std() + 1e-9)).astype(np.float32)


def offset_outwards(offsets: Array, height: Array) -> Array:
    """(S, T, 2) sections moved outwards in their planes by (S, T) metres."""
    step = np.roll(offsets, -1, axis=1) - np.roll(offsets, 1, axis=1)
    normal = np.stack([step[..., 1], -step[..., 0]], axis=-1)
    length = np.sqrt((normal * normal).sum(axis=-1, keepdims=True))
    return offsets + normal / np.maximum(length, 1e-9) * height[..., None]
