"""Materials of objects: mostly unlike skin, a few deliberately near it."""

import numpy as np

from handseg_lib.synth.shading import Material, Rgb

NEAR_SKIN = 0.06
"""Share of painted things that come in beige, tan or pink on purpose."""


def hsv(hue: float, saturation: float, value: float) -> Rgb:
    """Linear RGB of a hue in turns (0 red, 1/3 green), a saturation and a value."""
    k = (np.array([5.0, 3.0, 1.0]) + hue * 6) % 6
    rgb = value * (1 - saturation * np.clip(np.minimum(k, 4 - k), 0, 1))
    return tuple(float(v) for v in rgb)


def times(colour: Rgb, factor: float) -> Rgb:
    """A lighter or darker colour, kept within what paint can reflect."""
    return tuple(float(min(max(v * factor, 0.004), 0.92)) for v in colour)


def grey(value: float) -> Rgb:
    """A neutral colour."""
    return (value, value, value)


def vivid(rng: np.random.Generator) -> Rgb:
    """A saturated colour unlike skin: yellow through green, blue and violet to red, orange left out."""
    return hsv(float(rng.uniform(0.14, 1.0)), float(rng.uniform(0.72, 0.97)), float(rng.uniform(0.25, 0.75)))


def flesh(rng: np.random.Generator) -> Rgb:
    """A beige, tan or pink that could be skin."""
    return hsv(float(rng.uniform(0.03, 0.09)), float(rng.uniform(0.35, 0.6)), float(rng.uniform(0.3, 0.65)))


def colour(rng: np.random.Generator) -> Rgb:
    """Any paint: vivid, white, grey, black, a pastel, and rarely (`NEAR_SKIN`) the colour of skin."""
    if rng.random() < NEAR_SKIN:
        return flesh(rng)
    kind = rng.choice(4, p=(0.6, 0.18, 0.12, 0.1))
    if kind == 0:
        return vivid(rng)
    if kind == 1:
        return grey(float(rng.uniform(0.6, 0.85)))
    if kind == 2:
        return grey(float(rng.uniform(0.01, 0.2)))
    return hsv(float(rng.uniform(0.3, 0.75)), float(rng.uniform(0.2, 0.45)), float(rng.uniform(0.5, 0.8)))


def infrared(rng: np.random.Generator, mean: float, spread: float = 0.1) -> float:
    """A reflectance at the depth sensor's wavelength, in [0.03, 0.9]."""
    return float(np.clip(rng.normal(mean, spread), 0.03, 0.9))


def paint(rng: np.random.Generator, rgb: Rgb | None = None, gloss: float = 0.25) -> Material:
    """Plain paint or plastic; dark things stay dark in the infrared only half of the time."""
    rgb = colour(rng) if rgb is None else rgb
    return Material(rgb, gloss=gloss, infrared=infrared(rng, 0.25 + 0.35 * max(rgb) + 0.15 * rng.random()))


def plastic(rng: np.random.Generator, rgb: Rgb | None = None) -> Material:
    """Shiny plastic."""
    return paint(rng, rgb, 0.35)


def dark(rng: np.random.Generator) -> Material:
    """Black or very dark plastic or rubber."""
    return paint(rng, times((1.0, 1.0, 1.05), float(rng.uniform(0.012, 0.05))), 0.2)


def white(rng: np.random.Generator, gloss: float = 0.2) -> Material:
    """White plastic, paper or ceramic."""
    return paint(rng, times((1.0, 0.985, 0.95), float(rng.uniform(0.68, 0.85))), gloss)


def ceramic(rng: np.random.Generator, rgb: Rgb | None = None) -> Material:
    """Glazed ceramic, sometimes speckled."""
    base = paint(rng, rgb, 0.55)
    if rng.random() < 0.2:
        return Material(base.albedo, "speckle", times(base.albedo, 0.4), 0.005, base.gloss, base.infrared)
    return base


def steel(rng: np.random.Generator) -> Material:
    """Brushed steel: shiny to the eye, poor for the depth sensor."""
    value = float(rng.uniform(0.32, 0.5))
    return Material(times((0.97, 1.0, 1.03), value), "brushed", grey(value * 0.72), 0.02, 0.8, infrared(rng, 0.35))


def brass(rng: np.random.Generator) -> Material:
    """Brass or gold-coloured metal."""
    value = float(rng.uniform(0.4, 0.6))
    rgb = (value, value * 0.68, value * 0.2)
    return Material(rgb, "brushed", times(rgb, 0.74), 0.02, 0.7, infrared(rng, 0.4))


def wood(rng: np.random.Generator, dark: bool | None = None) -> Material:
    """Wood from maple to walnut: near skin by nature."""
    deep = rng.random() < 0.4 if dark is None else dark
    value = float(rng.uniform(0.10, 0.2) if deep else rng.uniform(0.36, 0.6))
    rgb = (value, value * float(rng.uniform(0.55, 0.68)), value * float(rng.uniform(0.26, 0.4)))
    return Material(rgb, "wood", times(rgb, 0.62), float(rng.uniform(0.007, 0.012)), 0.12, infrared(rng, 0.55))


def cardboard(rng: np.random.Generator) -> Material:
    """Brown cardboard: near skin by nature."""
    value = float(rng.uniform(0.3, 0.42))
    rgb = (value, value * 0.66, value * 0.4)
    return Material(rgb, "clouds", times(rgb, 0.85), 0.02, 0.02, infrared(rng, 0.6))


def glass(rng: np.random.Generator) -> Material:
    """Glass as an opaque pale thing with a strong highlight; dark for the depth sensor."""
    tint = hsv(float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.05, 0.22)), float(rng.uniform(0.45, 0.65)))
    return Material(tint, gloss=1.0, infrared=infrared(rng, 0.15, 0.05))


def tinted_glass(rng: np.random.Generator) -> Material:
    """Bottle glass: green, brown or clear blue."""
    rgb = ((0.03, 0.13, 0.04), (0.10, 0.045, 0.015), (0.25, 0.42, 0.55), (0.02, 0.05, 0.025))[rng.integers(4)]
    return Material(times(rgb, float(rng.uniform(0.8, 1.3))), gloss=1.0, infrared=infrared(rng, 0.15, 0.05))


def printed(rng: np.random.Generator, rgb: Rgb | None = None, period: float = 0.0042) -> Material:
    """Paper or card with lines of print on it."""
    rgb = colour(rng) if rgb is None else rgb
    ink = grey(0.03) if max(rgb) > 0.35 else grey(0.75)
    return Material(rgb, "print", ink, period, 0.1, infrared(rng, 0.6))


def fabric(rng: np.random.Generator) -> Material:
    """Woven cloth: plain, striped or checked."""
    rgb = colour(rng)
    kind = str(rng.choice(["weave", "stripes", "checks"], p=[0.35, 0.25, 0.4]))
    second = times(rgb, 0.75) if kind == "weave" else (colour(rng) if rng.random() < 0.5 else grey(0.75))
    return Material(rgb, kind, second, float(rng.uniform(0.018, 0.05)), 0.0, infrared(rng, 0.6))
