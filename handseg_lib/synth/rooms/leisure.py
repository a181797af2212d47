"""Rooms to play in, and places that training never shows: see `rooms`."""

import numpy as np

from handseg_lib.synth.ego.layout import Room
from handseg_lib.synth.people.body import rotation
from handseg_lib.synth.rooms.furniture import Furnishing, shelf_row
from handseg_lib.synth.rooms.parts import (
    floor_and_walls,
    lamp,
    lit,
    tint,
    wall_beyond,
    warm,
    window_light,
    wood,
)
from handseg_lib.synth.shading import Backdrop, Material

GOLD = Material((0.5, 0.33, 0.08), gloss=0.5)


def escape_room(rng: np.random.Generator) -> Room:
    """A dim study full of riddles: an old table, papered walls, pictures, books, a chest, a clock; coloured light."""
    things = Furnishing()
    depth, drop, side = float(rng.uniform(0.7, 0.95)), 0.76, float(rng.uniform(1.2, 1.7))
    colour = tint(rng, (0.05, 0.22), 0.5)
    paper = Material(
        colour,
        str(rng.choice(["stripes", "checks", "mottled"])),
        tuple(0.55 * v for v in colour),
        float(rng.uniform(0.06, 0.2)),
    )
    back = depth + float(rng.uniform(0.1, 0.5))
    floor_and_walls(things, wood(rng, 0.8), paper, drop, back, side)
    old = wood(rng, 0.85)
    half = float(rng.uniform(0.6, 0.85))
    old_table(things, half, depth, drop, old)
    if rng.random() < 0.5:  # a runner of cloth
        cloth = Material(tint(rng, (0.05, 0.3), 0.8), "weave", tint(rng, (0.03, 0.2), 0.8), 0.01)
        things.span((-half, -0.0015, depth * 0.2), (half, 0, depth * 0.8), cloth)
    pictures(rng, things, back, side)
    where = float(rng.choice([-1, 1]))
    chest(rng, things, where * (half - 0.2), depth - 0.16)
    lamps = [
        lamp(
            (float(rng.uniform(-0.7, 0.7)), -float(rng.uniform(0.8, 1.3)), float(rng.uniform(-0.3, 0.5))),
            0.07,
            warm(rng, 0.45, 0.95, (0.1, 0.4)),
        )
    ]
    if rng.random() < 0.7:  # a coloured spot
        hue = np.clip(np.roll(np.array([1.0, 0.35, 0.15]), int(rng.integers(3))) * rng.uniform(0.2, 0.5), 0, 2)
        at = (float(rng.uniform(-1, 1)), -1.2, float(rng.uniform(-0.6, 0.8)))
        lamps.append(lamp(at, 0.05, tuple(map(float, hue))))
    candle(things, -where * (half - 0.1), depth - 0.1)
    flame = np.array([-where * (half - 0.1), -0.2, depth - 0.1])
    lamps.append(lamp(tuple(map(float, flame)), 0.012, (0.11, 0.065, 0.02)))
    return Room(
        things.mesh,
        tuple(things.materials),
        lit(tuple(lamps), warm(rng, 0.06, 0.16, (-0.1, 0.25)), float(rng.uniform(0.5, 0.85))),
        wall_beyond((0.1, 0.08, 0.07)),
        (-half + 0.05, half - 0.05, 0.05, depth - 0.06),
        (
            (where * (half - 0.2) - 0.2, where * (half - 0.2) + 0.2, depth - 0.3, depth),
            (-where * (half - 0.1) - 0.05, -where * (half - 0.1) + 0.05, depth - 0.16, depth),
        ),
        eyes=(0.48, 0.72),
    )


def old_table(things: Furnishing, half: float, depth: float, drop: float, old: Material) -> None:
    """A heavy table with an apron and four legs."""
    things.span((-half, 0, 0), (half, 0.035, depth), old)
    things.span((-half + 0.05, 0.035, 0.05), (half - 0.05, 0.13, depth - 0.05), old)
    for x in (-half + 0.06, half - 0.12):
        for z in (0.06, depth - 0.12):
            things.span((x, 0.1, z), (x + 0.06, drop, z + 0.06), old, grain="y")


def pictures(rng: np.random.Generator, things: Furnishing, back: float, side: float) -> None:
    """Framed pictures, a shelf of books and a clock on the far wall."""
    x = -side + 0.15
    while x < side - 0.3:
        width, height = rng.uniform(0.2, 0.42), rng.uniform(0.2, 0.4)
        y = -rng.uniform(0.35, 0.6)
        if rng.random() < 0.3:
            things.span((x, y, back - 0.17), (x + width + 0.1, y + 0.02, back), wood(rng, 0.8))
            shelf_row(rng, things, (x, x + width + 0.1), y, back - 0.16, "books")
        else:
            frame = GOLD if rng.random() < 0.5 else wood(rng, 0.8)
            things.block((width + 0.05, height + 0.05, 0.03), (x + width / 2, y, back - 0.02), frame)
            kind = str(rng.choice(["marble", "print", "speckle", "checks"]))
            art = Material(
                tint(rng, (0.1, 0.6), 0.5), kind, tint(rng, (0.03, 0.5), 0.8), float(rng.uniform(0.03, 0.1)), 0.1
            )
            things.block((width, height, 0.004), (x + width / 2, y, back - 0.036), art)
        x += width + rng.uniform(0.12, 0.3)


def chest(rng: np.random.Generator, things: Furnishing, x: float, z: float) -> None:
    """A wooden chest with iron bands and a padlock."""
    width, height, depth = (float(v) for v in rng.uniform((0.26, 0.13, 0.17), (0.34, 0.19, 0.22)))
    look, iron = wood(rng, 0.6), Material((0.06, 0.06, 0.065), gloss=0.3)
    things.block((width, height * 0.62, depth), (x, -height * 0.31, z), look)
    things.block((width + 0.006, height * 0.36, depth + 0.006), (x, -height * 0.82, z), look)
    for dx in (-0.38, 0.38):
        things.block((0.025, height + 0.004, depth + 0.012), (x + dx * width, -height / 2, z), iron)
    things.block((0.03, 0.05, 0.008), (x, -height * 0.6, z - depth / 2 - 0.004), iron)
    things.block((0.034, 0.032, 0.016), (x, -height * 0.42, z - depth / 2 - 0.014), GOLD)
    y = -height * 0.42 - 0.016
    front = z - depth / 2 - 0.014
    things.pipe(
        [(x - 0.01, y, front), (x - 0.01, y - 0.022, front), (x + 0.01, y - 0.022, front), (x + 0.01, y, front)],
        0.003,
        Material((0.4, 0.4, 0.42), gloss=0.5),
        6,
    )


def candle(things: Furnishing, x: float, z: float) -> None:
    """A lit candle in a brass holder."""
    things.turned(
        [(0, 0), (0, 0.045), (0.006, 0.045), (0.01, 0.015), (0.03, 0.012), (0.035, 0.02), (0.04, 0)], (x, 0, z), GOLD
    )
    things.turned(
        [(0.03, 0.011), (0.14, 0.011), (0.142, 0.009), (0.14, 0)], (x, 0, z), Material((0.75, 0.68, 0.5), glow=0.12)
    )
    flame = [(0.145, 0), (0.15, 0.004), (0.158, 0.0055), (0.17, 0.003), (0.182, 0)]
    things.turned(flame, (x, 0, z), Material((0.9, 0.6, 0.2), glow=2.0))


def game_table(rng: np.random.Generator) -> Room:
    """A living room: a table with a board game's place, a sofa and a rug beyond, shelves, lamplight or daylight."""
    things = Furnishing()
    low = rng.random() < 0.5
    drop, depth = (0.45, float(rng.uniform(0.55, 0.7))) if low else (0.74, float(rng.uniform(0.75, 0.95)))
    side, back = float(rng.uniform(1.6, 2.3)), depth + float(rng.uniform(0.9, 1.6))
    wall = Material(tint(rng, (0.35, 0.75), 0.1), "mottled", tint(rng, (0.3, 0.7), 0.06), 0.1)
    floor_and_walls(things, wood(rng, 0.4), wall, drop, back, side)
    rug = Material(
        tint(rng, (0.06, 0.5), 0.4), str(rng.choice(["checks", "stripes", "weave"])), tint(rng, (0.06, 0.5), 0.4), 0.16
    )
    things.span((-1.1, drop - 0.012, -0.4), (1.1, drop, depth + 0.5), rug)
    half = float(rng.uniform(0.5, 0.75))
    top = Material(tint(rng, (0.5, 0.8), 0.03), gloss=0.15) if rng.random() < 0.3 else wood(rng, 0.5)
    things.span((-half, 0, 0), (half, 0.03, depth), top)
    for x in (-half + 0.05, half - 0.1):
        for z in (0.05, depth - 0.1):
            things.span((x, 0.03, z), (x + 0.05, drop, z + 0.05), top, grain="y")
    sofa(rng, things, depth + 0.45, drop, back)
    if rng.random() < 0.6:
        things.span((-side, -0.85, back - 0.25), (-side + 0.9, -0.82, back), wood(rng))
        shelf_row(rng, things, (-side, -side + 0.9), -0.85, back - 0.23, "books")
    lamps = [
        lamp(
            (float(rng.uniform(-0.9, 0.9)), -float(rng.uniform(1.1, 1.6)), float(rng.uniform(0.0, 0.9))),
            0.2,
            warm(rng, 0.8, 1.9, (0.08, 0.3)),
        )
    ]
    if rng.random() < 0.5:
        at = np.array([float(rng.choice([-1, 1])) * (side - 0.02), -0.5, 0.5])
        lamps.append(window_light(at, np.array([0, 0, 1.0]), (0.6, 0.6), warm(rng, 1.2, 3.0, (-0.12, 0.05))))
    return Room(
        things.mesh,
        tuple(things.materials),
        lit(tuple(lamps), warm(rng, 0.2, 0.36, (-0.03, 0.12))),
        wall_beyond(),
        (-half + 0.04, half - 0.04, 0.04, depth - 0.05),
        eyes=(0.62, 0.78) if low else (0.45, 0.62),
    )


def sofa(rng: np.random.Generator, things: Furnishing, z: float, drop: float, back: float) -> None:
    """A sofa across the room, with cushions."""
    colour = tint(rng, (0.05, 0.5), 0.3)
    cloth = Material(colour, "weave", tuple(0.75 * v for v in colour), 0.02)
    far = min(z + 0.85, back - 0.05)
    things.span((-0.95, drop - 0.4, z), (0.95, drop, far), cloth)
    things.span((-0.95, drop - 0.82, far - 0.2), (0.95, drop - 0.3, far), cloth)
    for x in (-1.1, 0.93):
        things.span((x, drop - 0.6, z), (x + 0.17, drop, far), cloth)
    for x in (-0.62, 0.0, 0.62):
        things.span((x - 0.3, drop - 0.46, z - 0.02), (x + 0.3, drop - 0.38, far - 0.2), cloth)
    for _ in range(int(rng.integers(0, 3))):
        pillow = Material(tint(rng, (0.1, 0.6), 0.6), "weave", tint(rng, (0.1, 0.5), 0.6), 0.02)
        things.block((0.38, 0.36, 0.12), (rng.uniform(-0.7, 0.7), drop - 0.66, far - 0.28), pillow, rotation("x", -0.3))


def wild(rng: np.random.Generator) -> Room:
    """Places that training never shows: a picnic table on grass, or a balcony's plant table, under sun or clouds."""
    things = Furnishing()
    depth, drop, half = float(rng.uniform(0.6, 0.8)), 0.72, float(rng.uniform(0.7, 1.0))
    ground = Material((0.10, 0.17, 0.035), "mottled", (0.03, 0.06, 0.012), 0.05)
    if rng.random() < 0.4:
        ground = Material(tint(rng, (0.25, 0.4), 0.05), "tiles", (0.12, 0.12, 0.11), float(rng.uniform(0.2, 0.4)))
    things.span((-8, drop, -3), (8, drop + 0.05, 9), ground)
    boards = int(rng.integers(4, 8))
    planks = wood(rng, 0.35)
    for k in range(boards):
        gap = depth / boards
        things.span((-half, 0, k * gap + 0.004), (half, 0.035, (k + 1) * gap - 0.004), planks)
    things.span((-half + 0.2, 0.035, 0.05), (-half + 0.28, drop, depth - 0.05), planks)
    things.span((half - 0.28, 0.035, 0.05), (half - 0.2, drop, depth - 0.05), planks)
    if rng.random() < 0.55:
        colour = tint(rng, (0.3, 0.8), 0.5)
        cloth = Material(colour, "checks", tint(rng, (0.5, 0.85), 0.1), float(rng.uniform(0.03, 0.09)))
        things.span((-half - 0.004, -0.002, -0.004), (half + 0.004, 0.0005, depth + 0.004), cloth)
        things.span((-half - 0.006, -0.002, -0.006), (half + 0.006, 0.2, -0.004), cloth)
    things.span((-half, 0.25, depth + 0.25), (half, 0.29, depth + 0.5), planks)  # the bench across
    hedge(rng, things, depth + float(rng.uniform(1.6, 3.2)), drop)
    strong = rng.random() < 0.6
    at = np.array([rng.uniform(-1.5, 1.5), -2.2, rng.uniform(-1.2, 1.6)])
    size, light = (0.03, rng.uniform(7, 11)) if strong else (1.0, rng.uniform(2.0, 4.0))
    sun = lamp(tuple(map(float, at)), float(size), (float(light), float(light * 0.94), float(light * 0.82)))
    sky = warm(rng, 0.35, 0.5, (-0.16, -0.04))
    return Room(
        things.mesh,
        tuple(things.materials),
        lit((sun,), sky, float(rng.uniform(0.9, 1.15)), 0.6),
        Backdrop(np.array([0, 0, 1], np.float32), 12.0, (0.45, 0.62, 0.85), 0.5),
        (-half + 0.05, half - 0.05, 0.04, depth - 0.05),
        eyes=(0.46, 0.68),
    )


def hedge(rng: np.random.Generator, things: Furnishing, z: float, drop: float) -> None:
    """Bushes, or a fence, behind the garden table."""
    if rng.random() < 0.4:
        board = wood(rng, 0.5)
        for x in np.arange(-4, 4, 0.13):
            things.span((x, -0.9 + rng.normal(0, 0.01), z), (x + 0.115, drop, z + 0.02), board, grain="y")
        return
    for x in np.arange(-4.2, 4.2, 0.55):
        green = np.array([0.06, 0.13, 0.03]) * rng.uniform(0.6, 1.5)
        leaf = Material(
            tuple(map(float, green)), "mottled", tuple(map(float, green * 0.3)), float(rng.uniform(0.08, 0.2))
        )
        radius, height = rng.uniform(0.35, 0.6), rng.uniform(0.9, 1.9)
        s = np.linspace(0, np.pi, 12)
        profile = [(height * (1 - np.cos(a)) / 2, radius * np.sin(a) * (1 + 0.2 * rng.normal())) for a in s]
        things.turned(profile, (x, drop, z + rng.uniform(0, 0.6)), leaf)
