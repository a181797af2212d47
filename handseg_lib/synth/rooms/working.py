"""Rooms to work in: a kitchen, a workbench in a garage, a desk in an office; see `rooms`."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.ego.layout import EgoObject, Room
from handseg_lib.synth.ego.things import drawer
from handseg_lib.synth.lamps import Lamp
from handseg_lib.synth.people.body import rotation
from handseg_lib.synth.rooms.furniture import Furnishing, counter_with_sink, hob, shelf_row
from handseg_lib.synth.rooms.parts import (
    BLACK,
    STEEL,
    floor_and_walls,
    lamp,
    lit,
    tint,
    wall_beyond,
    warm,
    window_light,
    wood,
    worktop,
)
from handseg_lib.synth.shading import Material


def kitchen(rng: np.random.Generator) -> Room:
    """A counter with drawers under it, tiles behind it, cupboards above it, and a hob or a sink beside the wearer."""
    things, top = Furnishing(), worktop(rng)
    depth, drop = float(rng.uniform(0.58, 0.68)), 0.9
    side = float(rng.uniform(1.4, 2.2))
    paint = Material(tint(rng, (0.4, 0.75), 0.06), "mottled", tint(rng, (0.4, 0.7), 0.03), 0.06)
    floor = (
        wood(rng, 0.5) if rng.random() < 0.5 else Material(tint(rng, (0.2, 0.6), 0.05), "tiles", (0.3, 0.28, 0.26), 0.3)
    )
    floor_and_walls(things, floor, paint, drop, depth, side)
    tile = tint(rng, (0.35, 0.8), 0.08)
    joint = tuple(0.6 * v for v in tile)
    pattern, period = ("tiles", float(rng.uniform(0.08, 0.16))) if rng.random() < 0.75 else ("plain", 0.1)
    things.span((-side, -0.56, depth - 0.012), (side, 0, depth), Material(tile, pattern, joint, period, 0.25))
    where = float(rng.choice([-1, 1]) * rng.uniform(0.45, 0.75))
    taken: list[tuple[float, float, float, float]] = []
    what = str(rng.choice(["sink", "hob", "none"], p=[0.4, 0.4, 0.2]))
    if what == "sink":
        taken.append(counter_with_sink(rng, things, (-side, side), depth, where, top))
        tap(rng, things, where, depth - 0.07)
    else:
        things.span((-side, 0, 0), (side, 0.04, depth), top)
    if what == "hob":
        taken.append(hob(rng, things, where, depth / 2 + 0.02))
    fixtures = drawer_fronts(rng, things, side, drop)
    if rng.random() < 0.7:
        wall_cupboards(rng, things, side, depth)
    else:
        board = wood(rng)
        things.span((-side, -0.57, depth - 0.24), (side, -0.54, depth), board)
        shelf_row(rng, things, (-side, side), -0.57, depth - 0.22, "jars")
    lamps = kitchen_lamps(rng, side)
    return Room(
        things.mesh,
        tuple(things.materials),
        lit(tuple(lamps), warm(rng, 0.25, 0.42, (-0.05, 0.08))),
        wall_beyond(),
        (-0.75, 0.75, 0.03, depth - 0.05),
        tuple(taken),
        fixtures,
        eyes=(0.56, 0.74),
    )


def kitchen_lamps(rng: np.random.Generator, side: float) -> list[Lamp]:
    """A lamp overhead and, mostly, a window at one side."""
    lamps = [
        lamp(
            (float(rng.uniform(-0.6, 0.6)), -float(rng.uniform(1.3, 1.7)), float(rng.uniform(-0.6, 0.2))),
            0.16,
            warm(rng, 1.0, 1.9, (0.0, 0.22)),
        )
    ]
    if rng.random() < 0.6:
        across = float(rng.choice([-1, 1]))
        at = np.array([across * (side - 0.02), -0.6, -0.2])
        lamps.append(window_light(at, np.array([0, 0, 1.0]), (0.45, 0.5), warm(rng, 0.9, 2.6, (-0.12, 0.0))))
    return lamps


def tap(rng: np.random.Generator, things: Furnishing, x: float, z: float) -> None:
    """A mixer tap that stands at (x, z) and reaches towards the wearer."""
    height, reach = rng.uniform(0.16, 0.3), rng.uniform(0.14, 0.19)
    things.turned([(0, 0), (0, 0.028), (0.012, 0.026), (0.02, 0.017), (0.06, 0.016), (0.06, 0)], (x, 0, z), STEEL)
    bend = [
        (x, -0.03, z),
        (x, -height, z),
        (x, -height - 0.05, z - reach / 2),
        (x, -height, z - reach),
        (x, 0.05 - height, z - reach),
    ]
    things.pipe(bend, 0.012, STEEL)
    things.pipe([(x + 0.012, -0.045, z), (x + 0.05, -0.055, z), (x + 0.09, -0.075, z - 0.01)], 0.006, STEEL, 8)


def drawer_fronts(rng: np.random.Generator, things: Furnishing, side: float, drop: float) -> tuple[EgoObject, ...]:
    """Rows of drawers and doors under the counter, with bar handles; the drawers before the wearer can be opened."""
    front = wood(rng, 0.4) if rng.random() < 0.35 else Material(tint(rng, (0.12, 0.8), 0.12), gloss=0.08)
    width = float(rng.uniform(0.42, 0.62))
    carcass = Material((0.05, 0.05, 0.05))
    for low, high in ((-side, -width / 2 + 0.01), (width / 2 - 0.01, side)):
        things.span((low, 0.04, 0.06), (high, drop, 0.08), carcass)
    things.span((-width / 2, 0.8, 0.06), (width / 2, drop, 0.08), carcass)
    shape, opened, metal = int(rng.integers(1 << 30)), [], STEEL
    columns = np.concatenate([np.arange(-width / 2, -side - width, -width)[::-1], np.arange(width / 2, side, width)])
    for x in columns:
        x, right = max(x, -side), min(x + width, side)
        edges = [0.05, 0.22, 0.45, 0.8] if rng.random() < 0.6 else [0.05, 0.22, 0.8]
        for low, high in pairwise(edges):
            if abs(x + width / 2) < 0.01:
                thing = drawer(np.random.default_rng(shape), width - 0.004, high - low - 0.004, 0.4, front, metal)
                opened.append(EgoObject(thing, upright((0.0, high - 0.002, 0.03)), fixed=True))
                continue
            things.span((x + 0.002, low + 0.002, 0.03), (right - 0.002, high - 0.002, 0.05), front)
            y, middle = low + 0.05, (x + right) / 2
            ends = [
                (middle - 0.07, y, 0.03),
                (middle - 0.07, y, 0.0),
                (middle + 0.07, y, 0.0),
                (middle + 0.07, y, 0.03),
            ]
            things.pipe(ends, 0.005, metal, 8)
    return tuple(opened)


def upright(at: tuple[float, float, float]) -> NDArray[np.float64]:
    """(4, 4) pose of something that stands at a place and faces the wearer."""
    pose = np.eye(4)
    pose[:3, 3] = at
    return pose


def wall_cupboards(rng: np.random.Generator, things: Furnishing, side: float, depth: float) -> None:
    """Cupboards on the wall above the counter."""
    look = wood(rng, 0.4) if rng.random() < 0.35 else Material(tint(rng, (0.2, 0.8), 0.1), gloss=0.08)
    width, low = float(rng.uniform(0.4, 0.55)), -0.58
    things.span((-side, -1.3, depth - 0.33), (side, low, depth), look)
    x = -side
    while x < side:
        right = min(x + width, side)
        things.span((x + 0.002, -1.3, depth - 0.35), (right - 0.002, low - 0.004, depth - 0.331), look, grain="y")
        grip = right - 0.04
        things.pipe(
            [
                (grip, low - 0.16, depth - 0.352),
                (grip, low - 0.16, depth - 0.375),
                (grip, low - 0.04, depth - 0.375),
                (grip, low - 0.04, depth - 0.352),
            ],
            0.005,
            STEEL,
            8,
        )
        x = right


def workbench(rng: np.random.Generator) -> Room:
    """A thick bench in a garage: tools on a perforated board, a vice, tins and offcuts; a lamp right above."""
    things = Furnishing()
    depth, drop, side = float(rng.uniform(0.6, 0.75)), 0.9, float(rng.uniform(1.3, 1.8))
    wall = Material(tint(rng, (0.25, 0.5), 0.03), "mottled", tint(rng, (0.2, 0.4), 0.02), 0.12)
    floor = Material(tint(rng, (0.18, 0.3), 0.03), "mottled", tint(rng, (0.12, 0.2), 0.02), 0.15)
    floor_and_walls(things, floor, wall, drop, depth + 0.02, side)
    top = wood(rng, 0.45)
    boards = int(rng.integers(3, 6))
    for k in range(boards):
        low, high = depth * k / boards, depth * (k + 1) / boards
        things.span((-1.1, 0, low + 0.001), (1.1, 0.06, high - 0.001), top)
    for x in (-1.0, 0.9):
        things.span((x, 0.06, 0.08), (x + 0.1, drop, 0.18), top, grain="y")
    things.span((-1.1, 0.12, 0.03), (1.1, 0.16, depth), top)
    board = Material((0.42, 0.29, 0.17), "mottled", (0.37, 0.25, 0.14), 0.03)
    things.span((-1.0, -0.95, depth), (1.0, -0.12, depth + 0.015), board)
    hung_tools(rng, things, depth - 0.01)
    for _ in range(int(rng.integers(1, 4))):  # offcuts at the back
        size = tuple(map(float, rng.uniform((0.15, 0.02, 0.03), (0.5, 0.05, 0.1))))
        x, z = rng.uniform(-0.7, 0.7), depth - 0.07
        things.block(size, (x, -size[1] / 2 - 0.0005, z), wood(rng, 0.2), rotation("y", rng.normal(0, 0.06)))
    x = float(rng.choice([-1, 1]) * rng.uniform(0.48, 0.65))
    vice(things, x)
    lamps = [
        lamp((float(rng.normal(0, 0.3)), -float(rng.uniform(0.9, 1.4)), 0.25), 0.22, warm(rng, 0.9, 1.7, (-0.08, 0.1)))
    ]
    if rng.random() < 0.5:
        lamps.append(lamp((float(rng.uniform(-1.2, 1.2)), -1.7, -0.9), 0.3, warm(rng, 0.4, 1.4, (-0.05, 0.2))))
    return Room(
        things.mesh,
        tuple(things.materials),
        lit(tuple(lamps), warm(rng, 0.13, 0.28, (-0.05, 0.08))),
        wall_beyond(),
        (-0.7, 0.7, 0.03, depth - 0.14),
        ((x - 0.1, x + 0.1, 0.0, 0.2),),
        eyes=(0.52, 0.72),
    )


def vice(things: Furnishing, x: float) -> None:
    """A bench vice at the near edge."""
    paint = Material((0.03, 0.09, 0.2), gloss=0.2)
    things.span((x - 0.06, -0.02, 0.02), (x + 0.06, 0, 0.16), paint)
    things.span((x - 0.055, -0.12, 0.09), (x + 0.055, -0.02, 0.13), paint)
    things.span((x - 0.055, -0.12, -0.0), (x + 0.055, -0.03, 0.035), paint)
    things.pipe([(x, -0.055, 0.1), (x, -0.055, -0.09)], 0.012, STEEL)
    things.pipe([(x - 0.07, -0.02, -0.08), (x + 0.07, -0.09, -0.08)], 0.006, STEEL)


def hung_tools(rng: np.random.Generator, things: Furnishing, z: float) -> None:
    """Hammers, spanners, screwdrivers, saws and pliers on a board at depth z."""
    x = -0.9 + rng.uniform(0, 0.1)
    while x < 0.9:
        y = -0.5 + rng.normal(0, 0.05)
        handle = Material(tint(rng, (0.1, 0.5), 0.8), gloss=0.15)
        kind = str(rng.choice(["hammer", "spanner", "driver", "saw", "pliers"]))
        if kind == "hammer":
            things.pipe([(x, y, z - 0.015), (x, y + 0.26, z - 0.015)], 0.013, wood(rng, 0.2))
            things.block((0.11, 0.03, 0.028), (x, y, z - 0.015), STEEL)
        elif kind == "spanner":
            length = rng.uniform(0.12, 0.25)
            things.block((0.016, length, 0.006), (x, y + length / 2, z - 0.006), STEEL)
            for end in (0, length):
                things.block((0.036, 0.03, 0.007), (x, y + end, z - 0.006), STEEL, rotation("z", 0.5))
        elif kind == "driver":
            things.pipe([(x, y, z - 0.016), (x, y + 0.1, z - 0.016)], 0.014, handle)
            things.pipe([(x, y + 0.1, z - 0.016), (x, y + 0.22, z - 0.016)], 0.0035, STEEL, 8)
        elif kind == "saw":
            things.block((0.09, 0.13, 0.02), (x, y + 0.03, z - 0.012), handle)
            things.block((0.08, 0.32, 0.002), (x, y + 0.25, z - 0.012), STEEL, rotation("z", 0.08))
            x += 0.06
        else:
            for sign in (-1, 1):
                things.pipe(
                    [
                        (x + sign * 0.004, y, z - 0.012),
                        (x + sign * 0.02, y + 0.07, z - 0.012),
                        (x + sign * 0.015, y + 0.16, z - 0.012),
                    ],
                    0.007,
                    handle,
                    8,
                )
            things.block((0.03, 0.05, 0.012), (x, y - 0.01, z - 0.012), STEEL)
        x += rng.uniform(0.09, 0.16)


def office(rng: np.random.Generator) -> Room:
    """A desk with a monitor, papers and a lamp, before a wall or a partition; light from the ceiling and a window."""
    things = Furnishing()
    depth, drop, side = float(rng.uniform(0.68, 0.8)), 0.73, float(rng.uniform(1.2, 2.0))
    wall = Material(tint(rng, (0.45, 0.75), 0.05), "mottled", tint(rng, (0.42, 0.7), 0.02), 0.08)
    carpet = Material(tint(rng, (0.06, 0.25), 0.15), "speckle", tint(rng, (0.05, 0.3), 0.1), 0.004)
    floor_and_walls(things, carpet, wall, drop, depth + 0.06, side)
    top = Material(tint(rng, (0.45, 0.8), 0.03), gloss=0.08) if rng.random() < 0.55 else wood(rng, 0.35)
    half = float(rng.uniform(0.7, 0.95))
    things.span((-half, 0, 0), (half, 0.028, depth), top)
    for x in (-half + 0.05, half - 0.1):
        for z in (0.06, depth - 0.1):
            things.span((x, 0.028, z), (x + 0.05, drop, z + 0.05), BLACK)
    if rng.random() < 0.4:  # a fabric partition
        cloth = Material(tint(rng, (0.1, 0.4), 0.3), "weave", tint(rng, (0.08, 0.3), 0.2), 0.01)
        things.span((-half, -0.45, depth), (half, 0.05, depth + 0.03), cloth)
    x = float(rng.normal(0, 0.12))
    monitor(rng, things, x, depth - 0.16)
    if rng.random() < 0.35:
        monitor(rng, things, x + float(rng.choice([-1, 1])) * 0.62, depth - 0.14)
    if rng.random() < 0.5:
        edge = float(rng.choice([-1, 1])) * (half - 0.18)
        shelf_row(rng, things, (edge - 0.15, edge + 0.15), 0, depth - 0.2, "books")
    lamps = [
        lamp(
            (float(rng.uniform(-0.7, 0.7)), -1.75, float(rng.uniform(-0.5, 0.6))),
            0.35,
            warm(rng, 1.4, 2.4, (-0.08, 0.06)),
        )
    ]
    if rng.random() < 0.7:
        across = float(rng.choice([-1, 1]))
        at = np.array([across * (side - 0.02), -0.5, float(rng.uniform(-0.3, 0.3))])
        lamps.append(window_light(at, np.array([0, 0, 1.0]), (0.6, 0.5), warm(rng, 0.8, 2.4, (-0.15, -0.02))))
    return Room(
        things.mesh,
        tuple(things.materials),
        lit(tuple(lamps), warm(rng, 0.3, 0.45, (-0.06, 0.03))),
        wall_beyond(),
        (-half + 0.05, half - 0.05, 0.04, depth - 0.12),
        ((x - 0.2, x + 0.2, depth - 0.34, depth),),
        eyes=(0.46, 0.6),
    )


def monitor(rng: np.random.Generator, things: Furnishing, x: float, z: float) -> None:
    """A screen on its foot, showing a page of text or a picture."""
    width, height = float(rng.uniform(0.5, 0.6)), float(rng.uniform(0.3, 0.34))
    low = float(rng.uniform(0.1, 0.14))
    things.block((0.22, 0.01, 0.17), (x, -0.005, z), BLACK)
    things.block((0.05, low + 0.1, 0.02), (x, -(low + 0.1) / 2, z + 0.03), BLACK)
    things.block((width, height, 0.03), (x, -low - height / 2, z), BLACK)
    page = (0.75, 0.77, 0.8) if rng.random() < 0.7 else (0.03, 0.035, 0.045)
    ink = (0.12, 0.13, 0.2) if page[0] > 0.5 else (0.3, 0.65, 0.35)
    text = Material(page, "print", ink, float(rng.uniform(0.01, 0.018)), 0.1, glow=float(rng.uniform(0.4, 0.8)))
    bar = Material(tint(rng, (0.1, 0.5), 0.6), gloss=0.1, glow=0.6)
    middle, edge = -low - height / 2, 0.012
    things.block((width - 2 * edge, height - 2 * edge, 0.002), (x, middle, z - 0.0155), text)
    things.block((width - 2 * edge, 0.018, 0.002), (x, middle - height / 2 + edge + 0.009, z - 0.0165), bar)
    if rng.random() < 0.6:
        panel = float(rng.uniform(0.08, 0.2))
        things.block(
            (panel, height - 2 * edge, 0.002),
            (x - width / 2 + edge + panel / 2, middle, z - 0.0162),
            Material(tint(rng, (0.1, 0.6), 0.3), glow=0.6),
        )
