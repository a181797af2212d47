"""Things of the first-person scenes that hands work on rather than carry: food, timber, paper, keys, games, drawers.

Made like the objects of `synth.objects`, in the same frame: they stand on y = 0 with y pointing down.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from handseg_lib.synth.objects import RigidObject, looks
from handseg_lib.synth.objects.builders import Look, Rng, block, disc, tube, turned
from handseg_lib.synth.objects.design import DOWN, Design, Hold, Part, at, built, finished, lying
from handseg_lib.synth.shading import Material

X, Z = (1, 0, 0), (0, 0, 1)


def along_x(profile: list[tuple[float, float]], round_by: float, name: str) -> Part:
    """A round body whose axis lies along x: (place, radius) from end to end."""
    return Part(turned([(r, -x) for x, r in profile], round_by), at(rz=90), name)


def long_food(rng: Rng) -> tuple[str, Design, Look]:
    """A carrot, a cucumber, a loaf or a leek, lying along x."""
    kind = str(rng.choice(["carrot", "cucumber", "loaf", "courgette"]))
    if kind == "carrot":
        long, r = rng.uniform(0.15, 0.2), rng.uniform(0.013, 0.019)
        profile = [(0, 0), (0.003, 0.6 * r), (0.02, r), (0.6 * long, 0.75 * r), (long, 0.12 * r), (long, 0)]
        look = Material((0.75, 0.24, 0.03), "stripes", (0.62, 0.18, 0.02), 0.013, 0.08)
    elif kind == "loaf":
        long, r = rng.uniform(0.2, 0.26), rng.uniform(0.032, 0.042)
        profile = [
            (0, 0),
            (0.004, 0.5 * r),
            (0.03, 0.95 * r),
            (0.5 * long, r),
            (long - 0.03, 0.95 * r),
            (long - 0.004, 0.5 * r),
            (long, 0),
        ]
        look = Material((0.5, 0.25, 0.08), "mottled", (0.62, 0.38, 0.17), 0.03, 0.03)
    else:
        long, r = rng.uniform(0.17, 0.24), rng.uniform(0.018, 0.025)
        profile = [
            (0, 0),
            (0.004, 0.5 * r),
            (0.025, 0.95 * r),
            (0.5 * long, r),
            (long - 0.025, 0.95 * r),
            (long - 0.004, 0.5 * r),
            (long, 0),
        ]
        look = Material((0.05, 0.17, 0.03), "mottled", (0.1, 0.26, 0.06), 0.02, 0.15)
    x = 0.25 * long
    holds = (
        *lying("power", (x, 0, 0)),
        *lying("pinch", (x, 0, 0)),
        *lying("power", (x, 0, 0), (-1, 0, 0)),
        *lying("pinch", (x, 0, 0), (-1, 0, 0)),
    )
    return kind, Design((along_x(profile, 0.0, "skin"),), holds), {"skin": look}


def round_food(rng: Rng) -> tuple[str, Design, Look]:
    """An apple, a tomato, an orange, a lemon or an egg."""
    kind = str(rng.choice(["apple", "tomato", "orange", "lemon", "egg"]))
    r = {"apple": 0.037, "tomato": 0.032, "orange": 0.038, "lemon": 0.027, "egg": 0.022}[kind] * rng.uniform(0.9, 1.12)
    tall = {"apple": 0.92, "tomato": 0.82, "orange": 0.98, "lemon": 1.25, "egg": 1.28}[kind]
    a = np.linspace(0, np.pi, 13)
    profile = [(float(r * np.sin(t)), float(-r * tall * (1 - np.cos(t)))) for t in a]
    profile[0], profile[-1] = (0.0, 0.0), (0.0, profile[-1][1])
    colour = {
        "apple": (0.55, 0.04, 0.03) if rng.random() < 0.6 else (0.3, 0.5, 0.05),
        "tomato": (0.62, 0.05, 0.02),
        "orange": (0.75, 0.27, 0.02),
        "lemon": (0.8, 0.6, 0.04),
        "egg": (0.7, 0.5, 0.36),
    }[kind]
    look = Material(colour, "mottled", tuple(0.75 * v for v in colour), 0.02, 0.2)
    parts = [Part(turned(profile, 0.0), at(), "skin")]
    if kind in ("apple", "tomato"):
        top = -2 * r * tall
        parts.append(
            Part(
                tube([(0, top + 0.006, 0), (0.001, top - 0.002, 0), (0.003, top - 0.009, 0.001)], 0.0014, 6),
                at(),
                "stem",
                decal=True,
            )
        )
    middle = (0, -r * tall, 0)
    holds = (*lying("power", middle, sides=True), *lying("pinch", middle, sides=True))
    return kind, Design(tuple(parts), holds), {"skin": look, "stem": Material((0.1, 0.07, 0.02))}


def timber(rng: Rng) -> tuple[str, Design, Look]:
    """A planed board to work on."""
    x, y, z = rng.uniform(0.25, 0.42), rng.uniform(0.016, 0.03), rng.uniform(0.06, 0.11)
    return (
        "board",
        Design((Part(block(x, y, z, 0.001), at(), "wood", grain=True),), ()),
        {"wood": looks.wood(rng)},
    )


def paper(rng: Rng) -> tuple[str, Design, Look]:
    """A sheet or a pad to write on."""
    pad = rng.random() < 0.5
    x, z, t = (0.148, 0.21, 0.008) if pad else (0.21, 0.297, 0.0008)
    parts = [Part(block(x, t, z), at(y=-t / 2), "page")]
    if pad:
        parts.append(Part(block(x + 0.001, t + 0.001, 0.018), at(0, -t / 2, z / 2 - 0.008), "binding", decal=True))
    lines = Material(
        (0.78, 0.77, 0.72),
        "print" if rng.random() < 0.6 else "plain",
        (0.12, 0.14, 0.3),
        float(rng.uniform(0.007, 0.011)),
    )
    holds = (Hold("flat", (0, -t, -0.05), X, DOWN),)
    return (
        "notepad" if pad else "sheet of paper",
        Design(tuple(parts), holds),
        {"page": lines, "binding": looks.plastic(rng)},
    )


def keyboard(rng: Rng) -> tuple[str, Design, Look]:
    """A keyboard; its keys stand out by 3 mm."""
    pitch, rows, columns = 0.019, 5, int(rng.choice([14, 15, 18]))
    x, z = pitch * columns + 0.012, pitch * rows + 0.014
    parts = [Part(block(x, 0.012, z, 0.002), at(y=-0.006), "base")]
    for row in range(rows):
        shift, column = 0.25 * pitch * (row % 3), 0
        while column < columns - (1 if shift else 0):
            wide = 6 if row == 0 and column == 4 else 1
            middle = -x / 2 + 0.006 + pitch * (column + wide / 2) + shift * (row > 0)
            if middle + pitch * wide / 2 < x / 2:
                parts.append(
                    Part(
                        block(pitch * wide - 0.003, 0.004, pitch - 0.003),
                        at(middle, -0.0138, -z / 2 + 0.007 + pitch * (row + 0.5)),
                        "key",
                    )
                )
            column += wide
    dark = rng.random() < 0.6
    look = {
        "base": looks.dark(rng) if dark else looks.white(rng),
        "key": Material((0.04, 0.04, 0.045), gloss=0.1) if dark else Material((0.6, 0.6, 0.6), gloss=0.1),
    }
    return "keyboard", Design(tuple(parts), ()), look


def game_board(rng: Rng) -> tuple[str, Design, Look]:
    """A board for draughts or another game, 32 to 40 cm wide."""
    size = float(rng.uniform(0.32, 0.4))
    field = (
        Material((0.6, 0.45, 0.27), "checks", (0.1, 0.05, 0.02), size / 4.2)
        if rng.random() < 0.6
        else Material(looks.vivid(rng), "tiles", (0.75, 0.7, 0.6), size / 6)
    )
    parts = (
        Part(block(size, 0.008, size, 0.002), at(y=-0.004), "frame"),
        Part(block(size - 0.04, 0.001, size - 0.04), at(y=-0.0083), "field", decal=True),
    )
    return "game board", Design(parts, ()), {"frame": looks.wood(rng), "field": field}


def game_piece(rng: Rng) -> tuple[str, Design, Look]:
    """A pawn, a draughtsman, a die or a playing card."""
    kind = str(rng.choice(["pawn", "draughtsman", "die", "block"]))
    if kind == "pawn":
        r, h = 0.011, rng.uniform(0.028, 0.04)
        body = turned(
            [
                (0, 0),
                (r, 0),
                (r, -0.004),
                (0.4 * r, -0.45 * h),
                (0.3 * r, -0.62 * h),
                (0.62 * r, -0.8 * h),
                (0.45 * r, -h),
                (0, -h),
            ],
            [0, 0.001, 0.002, 0.006, 0.002, 0.004, 0.003, 0],
        )
        part, middle = Part(body, at(), "paint"), (0, -0.7 * h, 0)
    elif kind == "draughtsman":
        part, middle = Part(disc(rng.uniform(0.013, 0.017), 0.009, 0.001), at(), "paint"), (0, -0.0045, 0)
    else:
        size = (0.016, 0.016, 0.016) if kind == "die" else (0.075, 0.015, 0.025)
        part, middle = Part(block(*size, 0.0015), at(y=-size[1] / 2), "paint", grain=True), (0, -size[1] / 2, 0)
    look = looks.wood(rng) if kind == "block" else looks.paint(rng, looks.vivid(rng), 0.3)
    holds = (*lying("pinch", middle), *lying("pinch", middle, (-1, 0, 0)), *lying("tripod", middle))
    return kind, Design((part,), holds), {"paint": look}


def drawer(rng: Rng, width: float, height: float, deep: float, front: Material, metal: Material) -> RigidObject:
    """A drawer: its front's lower edge on y = 0, its face at z = 0, the box behind it, a bar handle before it."""
    w, h, d, t = width, height, deep, 0.012
    y, reach = -h + 0.05, 0.042
    parts = (
        Part(block(w, h, 0.02), at(0, -h / 2, 0.01), "front", grain=True),
        Part(block(w - 0.05, t, d), at(0, -0.02, 0.02 + d / 2), "inside"),
        Part(block(t, 0.7 * h, d), at(-w / 2 + 0.025, -0.4 * h, 0.02 + d / 2), "inside"),
        Part(block(t, 0.7 * h, d), at(w / 2 - 0.025, -0.4 * h, 0.02 + d / 2), "inside"),
        Part(block(w - 0.05, 0.7 * h, t), at(0, -0.4 * h, 0.02 + d), "inside"),
        Part(
            tube(
                [
                    (-0.07, y, 0.002),
                    (-0.07, y, -0.8 * reach),
                    (-0.064, y, -reach),
                    (0.064, y, -reach),
                    (0.07, y, -0.8 * reach),
                    (0.07, y, 0.002),
                ],
                0.0055,
                24,
            ),
            at(),
            "handle",
        ),
    )
    middle = (0, y, -reach)
    # the palm comes from above, the fingers go down behind the bar
    holds = tuple(
        Hold(kind, middle, (thumb, 0, 0), (0, 0.9, tilt))
        for kind in ("hook", "power")
        for thumb in (-1, 1)
        for tilt in (-0.5, 0.0)
    )
    look = {"front": front, "inside": Material((0.55, 0.45, 0.33), "mottled", (0.5, 0.4, 0.3), 0.05), "handle": metal}
    return finished("drawer", built(Design(parts, holds)), look, 1.0)


def stream(rng: Rng, height: float) -> RigidObject:
    """What is poured: a thin jet of water, milk, juice or oil, `height` metres long, its lower end on y = 0."""
    colour = ((0.6, 0.66, 0.7), (0.8, 0.78, 0.72), (0.7, 0.35, 0.03), (0.6, 0.45, 0.06))[int(rng.integers(4))]
    jet = turned([(0, 0), (0.0032, 0), (0.0028, -0.5 * height), (0.0042, -height), (0, -height)], 0.0)
    return finished(
        "stream", built(Design((Part(jet, at(), "liquid"),), ())), {"liquid": Material(colour, gloss=0.6)}, 1.0
    )


def nail(rng: Rng) -> RigidObject:
    """A nail that stands in wood."""
    h = float(rng.uniform(0.025, 0.045))
    body = turned([(0, 0), (0.0016, 0), (0.0016, -h + 0.0015), (0.0038, -h + 0.0015), (0.0038, -h), (0, -h)], 0.0)
    return finished("nail", built(Design((Part(body, at(), "steel"),), ())), {"steel": looks.steel(rng)}, 1.0)


MAKERS: dict[str, Callable[[Rng], tuple[str, Design, Look]]] = {
    "long_food": long_food,
    "round_food": round_food,
    "timber": timber,
    "paper": paper,
    "keyboard": keyboard,
    "game_board": game_board,
    "game_piece": game_piece,
}
"""Sorts of things to work on; each gives kind, shape and look."""


def made(sort: str, rng: Rng) -> RigidObject:
    """A thing of one of the sorts of `MAKERS`; each has 24 of them, built once in a process."""
    return _variant(sort, int(rng.integers(24)))


@cache
def _variant(sort: str, variant: int) -> RigidObject:
    kind, design, look = MAKERS[sort](np.random.default_rng([*sort.encode(), variant]))
    return finished(kind, built(design), look, 1.0)
