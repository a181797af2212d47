"""What rooms of the first-person scenes have in common: colours, walls, lamps."""

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.lamps import Lamp
from handseg_lib.synth.rooms.furniture import Furnishing
from handseg_lib.synth.shading import Backdrop, Lights, Material, Rgb

WHITE_WALL = Material((0.72, 0.70, 0.66), "mottled", (0.68, 0.66, 0.62), 0.05)
STEEL = Material((0.45, 0.45, 0.46), gloss=0.5)
BLACK = Material((0.03, 0.03, 0.032), gloss=0.2)


def tint(rng: np.random.Generator, value: tuple[float, float], spread: float) -> Rgb:
    """A linear RGB colour of a certain brightness, more or less grey."""
    colour = rng.uniform(*value) * np.clip(rng.normal(1, spread, 3), 0.2, 2)
    return tuple(float(v) for v in np.clip(colour, 0.01, 0.9))


def wood(rng: np.random.Generator, dark: float = 0.5) -> Material:
    """Planed wood from pale birch (0) to dark walnut (1)."""
    share = np.clip(rng.normal(dark, 0.25), 0, 1)
    base = np.array([0.56, 0.38, 0.22]) * (1 - share) + np.array([0.14, 0.07, 0.035]) * share
    base = base * rng.uniform(0.85, 1.15)
    return Material(tuple(map(float, base)), "wood", tuple(map(float, base * 0.55)), float(rng.uniform(0.015, 0.035)),
                    float(rng.uniform(0.02, 0.12)))  # fmt: skip


def worktop(rng: np.random.Generator) -> Material:
    """Stone, laminate or wood, as kitchens have."""
    kind = str(rng.choice(["marble", "speckle", "wood", "plain"], p=[0.3, 0.15, 0.35, 0.2]))
    if kind == "wood":
        return wood(rng, 0.3)
    base = np.array(tint(rng, (0.08, 0.75), 0.05))
    other = np.clip(base * (0.55 if base.mean() > 0.3 else 2.5), 0.01, 0.9)
    return Material(tuple(map(float, base)), kind, tuple(map(float, other)),
                    {"marble": 0.25, "speckle": 0.012, "plain": 0.1}[kind], float(rng.uniform(0.05, 0.3)))  # fmt: skip


def floor_and_walls(
    things: Furnishing, floor: Material, wall: Material, drop: float, back: float, side: float, front: float = -2.0
) -> None:
    """A floor `drop` below the work surface, a wall at z = `back` and walls at x = -side and side."""
    things.span((-side, drop, front), (side, drop + 0.05, back), floor)
    things.span((-side, -1.9, back), (side, drop, back + 0.05), wall)
    for x in (-side - 0.05, side):
        things.span((x, -1.9, front), (x + 0.05, drop, back), wall, grain="z")


def lamp(at: tuple[float, float, float], size: float, colour: Rgb) -> Lamp:
    """A square lamp shade that hangs level."""
    half = np.array([[size, 0, 0], [0, 0, size]], np.float32)
    return Lamp(np.array(at, np.float32), half, colour)


def window_light(at: NDArray, across: NDArray, size: tuple[float, float], colour: Rgb) -> Lamp:
    """An upright window whose width runs along `across`; it gives light mostly ahead."""
    half = np.stack([np.asarray(across) * size[0], np.array([0, -size[1], 0])]).astype(np.float32)
    return Lamp(np.asarray(at, np.float32), half, colour, 0.8)


def lit(lamps: tuple[Lamp, ...], sky: Rgb, bright: float = 0.85, occlusion: float = 0.35) -> Lights:
    """Lights of a room, exposed as a camera would: something white on the work surface comes out at `bright`.

    The first lamp also gives the direction that everything without meshes goes by.
    """
    towards = lamps[0].centre / np.sqrt((lamps[0].centre ** 2).sum())
    up, place = np.array([0, -1, 0], np.float32), np.array([0, 0, 0.3], np.float32)
    level = float(np.mean(sky))
    for one in lamps:
        to = one.centre - place
        square = float(to @ to)
        ahead = abs(float(to @ one.normal)) / np.sqrt(square)
        facing = 1 - one.facing * (1 - ahead)
        level += float(np.mean(one.colour)) * facing * max(float(-to[1]), 0) / square**1.5
    return Lights(towards.astype(np.float32), lamps[0].colour, sky, up, bright / level, lamps, occlusion)


def wall_beyond(albedo: Rgb = (0.5, 0.48, 0.45), distance: float = 4.0) -> Backdrop:
    """What is seen past the room's own walls."""
    return Backdrop(np.array([0, 0, 1], np.float32), distance, albedo, 0.5)


def warm(rng: np.random.Generator, low: float, high: float, warmth: tuple[float, float]) -> Rgb:
    """Light of a strength and a warmth: 0 is neutral, 0.3 a bulb, -0.1 an overcast sky."""
    strength, w = rng.uniform(low, high), rng.uniform(*warmth)
    return (float(strength * (1 + w)), float(strength), float(strength * (1 - 1.3 * w)))
