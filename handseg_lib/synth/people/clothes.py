"""Clothes: how loose, how long, of what cloth, and how they fold."""

from dataclasses import dataclass

import numpy as np
from scipy import fft

from handseg_lib.synth.loft import Array


@dataclass(frozen=True)
class Outfit:
    """What one person wears in one session; lengths in metres.

    Attributes:
        sleeve: how far the sleeves reach along the arm: 0 sleeveless, 0.6 a T-shirt, 1 the elbow, 1.9 the wrist.
        sleeve_ease: room between sleeve and arm at the hem.
        ease: room between shirt and trunk at the waist.
        hem: height of the shirt's hem over the hip joints (negative: below).
        collar: height at which the shirt ends at the neck, relative to the collar bone.
        folds: height of the folds of the shirt.
        hood: whether the collar is thick (a hooded or turtleneck top).
    """

    sleeve: float
    sleeve_ease: float
    ease: float
    hem: float
    collar: float
    folds: float
    hood: bool

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Outfit":
        """Draw a top: mostly T-shirts, some long sleeves, pushed-up sleeves and sleeveless tops."""
        kind = rng.choice(["tee", "long", "pushed", "none"], p=[0.62, 0.17, 0.14, 0.07])
        sleeve = {
            "tee": rng.uniform(0.45, 0.85),
            "long": rng.uniform(1.75, 1.93),
            "pushed": rng.uniform(1.0, 1.5),
            "none": 0.0,
        }[str(kind)]
        loose = rng.uniform(0, 1)
        return cls(
            sleeve=float(sleeve),
            sleeve_ease=float(rng.uniform(0.008, 0.028) if kind == "tee" else rng.uniform(0.004, 0.014)),
            ease=float(0.006 + 0.03 * loose),
            hem=float(rng.uniform(-0.10, 0.02)),
            collar=float(rng.uniform(-0.025, 0.012)),
            folds=float(rng.uniform(0.0025, 0.0055) * (0.7 + 0.6 * loose)),
            hood=bool(rng.random() < 0.12 and kind in ("long", "pushed")),
        )


def folds(rng: np.random.Generator, shape: tuple[int, int], spacing: tuple[float, float], patches: int = 4) -> Array:
    """Folds of a hanging garment on its (S, T) grid, about 0 +- 1: patches of creases in several directions.

    Each patch has its own direction and width of folds (drag lines across the chest, rolls around the waist, hanging
    folds along the body), fades in and out, and lies over a slower billow: white noise through band-pass filters, as
    `loft.oriented_noise` and `loft.smooth_noise` make it, all of a garment's in one transform.
    """
    fy = fft.fftfreq(shape[0], spacing[0]).astype(np.float32)[:, None]
    fx = fft.rfftfreq(shape[1], spacing[1]).astype(np.float32)[None]
    white = [rng.standard_normal(shape)]
    bands = [_low_pass(fy, fx, 0.11)]
    for _ in range(patches):
        angle = rng.choice([-1, 1]) * rng.triangular(0.05, 0.7, 1.5)  # mostly slanting: drag lines
        bands += [_ridges(fy, fx, rng.uniform(0.07, 0.16), angle), _low_pass(fy, fx, 0.14)]
        white += [rng.standard_normal(shape), rng.standard_normal(shape)]
    spectrum = fft.rfft2(np.array(white, np.float32))
    spectrum *= np.array(bands)
    noise = fft.irfft2(spectrum, shape)
    noise /= noise.std(axis=(1, 2), keepdims=True) + np.float32(1e-9)
    total = np.float32(0.9) * noise[0]
    for ridge, patch in zip(noise[1::2], noise[2::2], strict=True):
        creases = 1 - np.abs(ridge) * np.float32(0.8)  # creases are sharp, the cloth between them is slack
        total += creases * np.clip(patch, 0, np.float32(1.6))
    return total - total.mean()


def _low_pass(fy: Array, fx: Array, size: float) -> Array:
    """(S, T // 2 + 1) filter that leaves features of about `size` metres."""
    return np.exp(-(fy**2) * np.float32(size**2)) * np.exp(-(fx**2) * np.float32(size**2))


def _ridges(fy: Array, fx: Array, wavelength: float, angle: float) -> Array:
    """(S, T // 2 + 1) filter that leaves ridges of one wavelength (metres) and direction, as in `oriented_noise`."""
    c, s = np.float32(np.cos(angle) * wavelength), np.float32(np.sin(angle) * wavelength)
    along = (np.abs(fy * c + fx * s) - 1) * np.float32(1 / 0.45)
    across = (fx * c - fy * s) * np.float32(1 / 0.42)
    along *= along
    across *= across
    along += across
    return np.exp(-along)
