"""Skin, hair, cloth and gloves as materials: colours to the eye, reflectances to the depth sensor."""

import numpy as np

from handseg_lib.synth.person import Person, Surface
from handseg_lib.synth.shading import Material, Rgb

LIGHT_SKIN, DARK_SKIN = np.array([0.72, 0.46, 0.34]), np.array([0.075, 0.035, 0.022])
GLOVES: tuple[Rgb, ...] = ((0.02, 0.45, 0.08), (0.75, 0.05, 0.04), (0.02, 0.12, 0.65), (0.85, 0.30, 0.01),
                           (0.45, 0.03, 0.50), (0.80, 0.62, 0.02))  # fmt: skip
"""Saturated colours of gloves; two hands never wear the same."""


def skin_colour(melanin: float) -> Rgb:
    """Linear RGB of skin from light (0) to dark (1), interpolated in the logarithm as absorption does."""
    return tuple(float(v) for v in LIGHT_SKIN * (DARK_SKIN / LIGHT_SKIN) ** melanin)


def materials(person: Person, rng: np.random.Generator, gloved: bool) -> tuple[Material, ...]:
    """One material per `Surface`, then none: what is fixed for a subject and session comes from them alone."""
    fixed = np.random.default_rng([816, person.subject])
    melanin, hair = fixed.random(), fixed.random()
    hair_colour = tuple(float(v) for v in np.array([0.32, 0.20, 0.10]) * 0.05 ** (0.25 + 0.75 * hair))
    skin = skin_colour(melanin)
    lips = tuple(float(v) for v in np.array(skin) * (0.85, 0.5, 0.5))
    session = np.random.default_rng([817, person.subject, person.session])
    shirt, trousers = _cloth(session, bright=True), _cloth(session, bright=False)
    left, right = (GLOVES[i] for i in session.choice(len(GLOVES), 2, replace=False))
    skin_light = float(np.clip(0.72 - 0.12 * melanin + fixed.normal(0, 0.03), 0.5, 0.85))
    chosen = {
        Surface.SKIN: Material(skin, skin_light, "mottled", tuple(v * 0.82 for v in skin), 0.02, 0.03),
        Surface.SHIRT: shirt,
        Surface.TROUSERS: trousers,
        Surface.HAIR: Material(hair_colour, float(fixed.uniform(0.03, 0.22)), "mottled", (0.01, 0.01, 0.01), 0.006),
        Surface.EYES: Material((0.5, 0.48, 0.46), float(fixed.uniform(0.03, 0.2)), gloss=0.4),
        Surface.LIPS: Material(lips, skin_light * 0.95, gloss=0.05),
        Surface.GLOVE_LEFT: Material(left, 0.62),
        Surface.GLOVE_RIGHT: Material(right, 0.62),
        Surface.CHAIR: _cloth(rng, bright=False),
        Surface.TABLE: Material((0.4, 0.28, 0.17), float(rng.uniform(0.3, 0.7)), "mottled", (0.3, 0.2, 0.11), 0.1),
        Surface.THING: _cloth(rng, bright=True),
    }
    if not gloved:
        chosen[Surface.GLOVE_LEFT] = chosen[Surface.GLOVE_RIGHT] = chosen[Surface.SKIN]
    return tuple(chosen[surface] for surface in Surface)


def _cloth(rng: np.random.Generator, bright: bool) -> Material:
    """Cloth of any colour. Dyes hide little from infrared light: dark cloth often sends back as much as pale cloth."""
    value = rng.beta(1.2, 1.6) * 0.8 + 0.02 if bright else rng.beta(1, 4) * 0.4 + 0.01
    hue = np.clip(rng.normal(1, 0.45, 3), 0.1, None)
    first = np.clip(value * hue / hue.mean(), 0.01, 0.9)
    second = np.clip(first * rng.uniform(0.3, 1.8), 0.01, 0.9)
    kind = str(rng.choice(["weave", "stripes", "checks"], p=[0.75, 0.17, 0.08] if bright else [1, 0, 0]))
    if kind == "weave":
        second = first * 0.8
    infrared = float(np.clip(rng.normal(0.6, 0.14) if bright else rng.normal(0.5, 0.17), 0.1, 0.9))
    return Material(
        tuple(map(float, first)), infrared, kind, tuple(map(float, second)), float(rng.uniform(0.015, 0.06))
    )
