"""The kitchen's tools: pan, pot, cutting board, sponge, knife, fork, spoon, spatula, whisk, dish brush, scissors."""

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.objects import looks
from handseg_lib.synth.objects.builders import (
    Look,
    Rng,
    block,
    disc,
    hollow,
    plank,
    ring,
    tube,
    turned,
)
from handseg_lib.synth.objects.design import DOWN, UP, Design, Hold, Part, at, lying, pair
from handseg_lib.synth.objects.freeform import Freeform, bent, loft
from handseg_lib.synth.objects.surface import rounded

X = (1, 0, 0)


def handle(length: float, width: float, height: float, waist: float = 0.85, power: float = 2.6) -> Freeform:
    """A comfortable handle along +x from the origin, thicker towards its end."""
    s = np.linspace(0, 1, 20)
    ends = np.sqrt(np.clip(1 - ((s - 0.5) / 0.5) ** 12, 0.0, 1))
    swell = waist + (1 - waist) * (0.5 - 0.5 * np.cos(np.pi * np.clip(s * 1.15, 0, 1)))
    size = np.maximum(ends, 0.25) * swell
    line = np.stack([s * length, 0 * s, 0 * s], 1)
    return loft(line, size * width / 2, size * height / 2, power=power)


def pan(rng: Rng) -> Design:
    """A frying pan; its handle points to +x."""
    r, h = rng.uniform(0.095, 0.135), rng.uniform(0.035, 0.05)
    outer = rounded([(0, 0), (0.78 * r, 0), (r, -h)], [0, 0.015, 0])
    long = rng.uniform(0.15, 0.19)
    grip = handle(long, 0.028, 0.018)
    neck = tube([(r - 0.012, -0.75 * h, 0), (r + 0.02, -0.95 * h, 0), (r + 0.05, -h - 0.008, 0)], 0.006, 8)
    lean = 9.0
    frame = at(r + 0.035, -h - 0.004, 0, rz=-lean)
    parts = (
        Part(hollow(outer, 0.0035, 56), at(), ("outside", "inside")), Part(neck, at(), "metal"),
        Part(grip, frame, "handle"),
    )  # fmt: skip
    along = np.array([np.cos(np.radians(lean)), -np.sin(np.radians(lean)), 0])
    middle = frame[:3, 3] + along * long * 0.55
    holds = (*lying("power", middle, -along), *lying("power", middle - along * 0.03, -along, sides=True),
             Hold("power", middle, -along, UP))  # fmt: skip
    return Design(parts, holds)


def pan_look(rng: Rng) -> Look:
    inside = looks.dark(rng) if rng.random() < 0.75 else looks.steel(rng)
    outside = (looks.dark, looks.steel, looks.plastic)[rng.integers(3)](rng)
    handle = looks.dark(rng) if rng.random() < 0.7 else looks.wood(rng)
    return {"outside": outside, "inside": inside, "metal": looks.steel(rng), "handle": handle}


def pot(rng: Rng) -> Design:
    """A cooking pot with two handles, with or without its lid."""
    r, h = rng.uniform(0.085, 0.115), rng.uniform(0.09, 0.13)
    outer = rounded([(0, 0), (r, 0), (r, -h)], [0, 0.012, 0])
    parts = [Part(hollow(outer, 0.003, 56), at(), ("outside", "inside"))]
    bar, y = r + 0.03, -0.8 * h
    for sign in (1, -1):
        line = [(sign * (r - 0.002), y, -0.034), (sign * (bar - 0.006), y - 0.004, -0.034),
            (sign * bar, y - 0.004, -0.02),
                (sign * bar, y - 0.004, 0.02), (sign * (bar - 0.006), y - 0.004, 0.034),
                (sign * (r - 0.002), y, 0.034)]  # fmt: skip
        parts.append(Part(tube(line, 0.0055, 20), at(), "handle"))
    holds = list(pair(Hold("power", (bar, y - 0.004, 0), (0, 0, -1), (-1, 0, 0)),
        Hold("power", (-bar, y - 0.004, 0), (0, 0, -1), X)))  # fmt: skip
    holds += [Hold("hook", (bar, y - 0.004, 0), (0, 0, 1), DOWN), Hold("hook", (-bar, y - 0.004, 0), (0, 0, -1), DOWN)]
    if rng.random() < 0.6:
        lid = turned([(0, -h), (r + 0.003, -h), (r + 0.003, -h - 0.004), (r * 0.6, -h - 0.018), (0, -h - 0.022)],
            [0, 0.001, 0.001, 0.04, 0], around=56)  # fmt: skip
        knob = turned(
            [(0, 0), (0.008, 0), (0.007, -0.012), (0.018, -0.018), (0.016, -0.027), (0, -0.028)],
            [0, 0, 0.004, 0.004, 0.005, 0],
        )
        parts += [Part(lid, at(), "outside"), Part(knob, at(y=-h - 0.021), "handle")]
        holds.append(Hold("pinch", (0, -h - 0.043, 0), X, DOWN))
    return Design(tuple(parts), tuple(holds))


def pot_look(rng: Rng) -> Look:
    outside = looks.steel(rng) if rng.random() < 0.45 else looks.paint(rng, gloss=0.5)
    inside = looks.steel(rng) if rng.random() < 0.5 else looks.white(rng, 0.5)
    return {"outside": outside, "inside": inside, "handle": looks.dark(rng) if rng.random() < 0.6 else outside}


def cutting_board(rng: Rng) -> Design:
    """A wooden or plastic board with a handle at +x."""
    a, b, t = rng.uniform(0.1, 0.14), rng.uniform(0.07, 0.1), rng.uniform(0.01, 0.018)
    grip = a + rng.uniform(0.07, 0.1)
    outline = [(-a, -b), (a, -b), (a + 0.01, -0.022), (grip, -0.02), (grip, 0.02), (a + 0.01, 0.022), (a, b), (-a, b)]
    board = plank(outline, t, (0.015, 0.03, 0.03, 0.018, 0.018, 0.03, 0.03, 0.015), 0.003)
    parts = (
        Part(board, at(), "board", grain=True),
        Part(disc(0.006, t + 0.0012), at(grip - 0.016, t / 2 + 0.0006), "hole", decal=True),
    )
    rim = (0, 0, -b + 0.012)
    holds = (
        *lying("pinch", (grip - 0.035, 0, 0), (-1, 0, 0), sides=False),
        Hold("pinch", (grip - 0.03, 0, 0), (0, 0, 1), (-1, 0, 0)),
        Hold("flat", (0, t / 2, 0), (0, 0, -1), UP), Hold("flat", (-0.4 * a, -t / 2, 0), X, DOWN),
        Hold("pinch", rim, X, (0, 0, 1)),
        *pair(Hold("pinch", (a - 0.012, 0, -0.02), (0, 0, -1), (-1, 0, 0)),
        Hold("pinch", (-a + 0.012, 0, -0.02), (0, 0, -1), X)),
    )  # fmt: skip
    return Design(parts, holds)


def cutting_board_look(rng: Rng) -> Look:
    return {"board": looks.wood(rng) if rng.random() < 0.6 else looks.plastic(rng), "hole": looks.dark(rng)}


def sponge(rng: Rng) -> Design:
    """A washing-up sponge with its scouring side up."""
    x, z, t = rng.uniform(0.085, 0.11), rng.uniform(0.055, 0.07), rng.uniform(0.024, 0.032)
    parts = (
        Part(block(x, t, z, 0.005), at(), "foam"),
        Part(block(x, 0.008, z, 0.002), at(y=-t / 2 - 0.002), "scourer"),
    )
    centre = (0, -0.003, 0)
    holds = (*lying("power", centre), *lying("pinch", centre), *lying("power", centre, (-1, 0, 0)),
             Hold("flat", (0, -t / 2 - 0.006, 0), X, DOWN))  # fmt: skip
    return Design(parts, holds)


def sponge_look(rng: Rng) -> Look:
    rgb = ((0.75, 0.55, 0.04), (0.75, 0.55, 0.04), looks.vivid(rng))[rng.integers(3)]
    foam, scourer = (
        looks.paint(rng, rgb, 0.0),
        looks.paint(rng, (0.02, 0.16, 0.05) if rng.random() < 0.7 else None, 0.0),
    )
    speckled = looks.Material(foam.albedo, "speckle", looks.times(foam.albedo, 0.6), 0.006, 0, foam.infrared)
    return {
        "foam": speckled,
        "scourer": looks.Material(scourer.albedo, "mottled", looks.times(scourer.albedo, 0.5), 0.004),
    }


def knife(rng: Rng) -> Design:
    """A kitchen knife lying on its side: handle at -x, point at +x."""
    long, high = rng.uniform(0.12, 0.21), rng.uniform(0.026, 0.046)
    blade = plank([(0, -0.35 * high), (0.72 * long, -0.35 * high), (long, 0.3 * high), (0.55 * long, 0.62 * high),
        (0, 0.65 * high)],
                  0.0022, (0, 0.06, 0, 0.08, 0), steps=5)  # fmt: skip
    grip = rng.uniform(0.1, 0.125)
    outline = [(0.002, -0.01), (-0.45 * grip, -0.0125), (-0.9 * grip, -0.012), (-grip, 0.004), (-0.97 * grip, 0.017),
               (-0.8 * grip, 0.012), (-0.4 * grip, 0.014), (0.002, 0.012)]  # fmt: skip
    parts = [Part(blade, at(), "blade"), Part(plank(outline, 0.016, 0.008, 0.004), at(), "handle", grain=True),
             Part(block(0.012, 0.0165, 0.024, 0.003), at(0.003, 0, 0.001), "blade")]  # fmt: skip
    parts += [Part(disc(0.003, 0.0172), at(-grip * f, 0.0086, 0.0), "blade", decal=True) for f in (0.25, 0.5, 0.75)]
    centre = (-0.5 * grip, 0, 0.0005)
    holds = (*lying("power", centre, sides=True), *lying("power", (-0.42 * grip, 0, 0), sides=True))
    return Design(tuple(parts), holds)


def knife_look(rng: Rng) -> Look:
    handle = (looks.dark, looks.dark, looks.wood, looks.plastic)[rng.integers(4)](rng)
    return {"blade": looks.steel(rng), "handle": handle}


def _waved(p: NDArray, long: float) -> NDArray:
    """The side view of cutlery: the handle rises to the neck, the head dips and rises again."""
    x = np.clip(p[:, 0] / long, -0.4, 1.0)
    out = np.array(p, np.float64)
    out[:, 1] -= 0.010 * np.sin(np.clip(x, 0, 1) * np.pi * 0.9) ** 2 + 0.016 * np.clip(-x - 0.06, 0, None) ** 1.5 * 4
    return out


def _stem(long: float) -> Freeform:
    """The handle of a fork or spoon, along +x from its neck."""
    x = np.linspace(-0.012, long, 26)
    s = np.clip(x / long, 0, 1)
    side = np.maximum(0.0028 + 0.0052 * s**1.3, 0.0022) * np.sqrt(np.clip(1.02 - s**14, 0.02, 1))
    return loft(np.stack([x, 0 * x, 0 * x], 1), side, np.full(len(x), 0.0013), power=3.0, around=16)


def fork(rng: Rng) -> Design:
    """A fork: handle along +x, tines at -x."""
    long = rng.uniform(0.115, 0.135)
    w, root, tip, neck = 0.0115, -0.034, -0.074, 0.0
    right = [(neck, 0.0028), (-0.012, 0.0045), (-0.022, w), (tip, w - 0.0008)]
    tines = []
    for k in range(4):
        z = w - k * (2 * w - 0.003) / 3
        tines += [(tip, z - 0.0004), (tip, z - 0.0022), (root, z - 0.003)] + ([(root, z - 0.0048)] if k < 3 else [])
    outline = rounded(
        right[:-1] + tines[:-1] + [(-0.022, -w), (-0.012, -0.0045), (neck, -0.0028)], 0.0012, closed=True, steps=2
    )
    dense = np.concatenate(
        [np.linspace(a, b, 4, endpoint=False) for a, b in zip(outline, np.roll(outline, -1, 0), strict=True)]
    )
    head = bent(plank(dense, 0.0022).surface(), lambda p: _waved(p, long))
    parts = (Part(head, at(), "metal"), Part(bent(_stem(long).surface(), lambda p: _waved(p, long)), at(), "handle"))
    return Design(parts, _cutlery_holds(long))


def spoon(rng: Rng) -> Design:
    """A spoon: handle along +x, bowl at -x; a tablespoon or a wooden cooking spoon."""
    wooden = rng.random() < 0.4
    long = rng.uniform(0.2, 0.24) if wooden else rng.uniform(0.11, 0.135)
    a, b, deep = (0.034, 0.024, 0.011) if wooden else (0.028, 0.0195, 0.008)
    profile = rounded([(0, 0), (0.6, -0.1), (1, -1)], 0.3)
    unit = hollow(profile * (b, deep), 0.0022 if wooden else 0.0014, 40).surface()
    bowl = bent(unit, lambda p: p * np.array([a / b, 1, 1]) + np.array([-a - 0.004, 0.003, 0]))
    if wooden:
        x = np.linspace(-0.02, long, 24)
        size = 0.0048 + 0.0015 * np.clip(x / long, 0, 1)
        size *= np.sqrt(np.clip(1.02 - np.clip(x / long, 0, 1) ** 16, 0.05, 1))
        stem = loft(np.stack([x, -0.004 + 0 * x, 0 * x], 1), size * 1.15, size, around=16)
        holds = (
            *lying("power", (0.6 * long, -0.004, 0), (-1, 0, 0), sides=True),
            *lying("pinch", (0.45 * long, -0.004, 0), (-1, 0, 0)),
        )
        return Design((Part(bowl, at(), "wood", grain=True), Part(stem, at(), "wood", grain=True)), holds)
    stem = bent(_stem(long).surface(), lambda p: _waved(p, long) + np.array([0, -0.004, 0]))
    return Design((Part(bowl, at(), "metal"), Part(stem, at(), "handle")), _cutlery_holds(long, -0.004))


def _cutlery_holds(long: float, lift: float = 0.0) -> tuple[Hold, ...]:
    x = 0.55 * long
    y = lift - 0.010 * np.sin(0.55 * np.pi * 0.9) ** 2
    return (*lying("pinch", (x, y, 0), (-1, 0, 0)), *lying("tripod", (0.3 * long, lift - 0.004, 0), X),
            *lying("power", (x, y, 0), (-1, 0, 0)))  # fmt: skip


def fork_look(rng: Rng) -> Look:
    metal = looks.steel(rng)
    return {"metal": metal, "handle": metal if rng.random() < 0.7 else looks.plastic(rng)}


def spoon_look(rng: Rng) -> Look:
    return {**fork_look(rng), "wood": looks.wood(rng)}


def spatula(rng: Rng) -> Design:
    """A slotted turner: blade at -x, handle at +x."""
    w, deep, long = rng.uniform(0.065, 0.085), rng.uniform(0.075, 0.1), rng.uniform(0.1, 0.13)
    bars = 5
    width = w / (bars + (bars - 1) * 0.55)
    parts = [
        Part(block(deep * 0.72, 0.002, width), at(-0.5 * deep, 0, -w / 2 + width * (0.5 + 1.55 * k)), "blade")
        for k in range(bars)
    ]
    parts += [Part(block(0.14 * deep + 0.002, 0.0021, w), at(-0.93 * deep, 0, 0), "blade"),
              Part(plank([(-0.15 * deep, -w / 2), (-0.15 * deep, w / 2), (0.012, 0.01), (0.02, 0), (0.012, -0.01)],
              0.0021, 0.006), at(), "blade")]  # fmt: skip
    end, rise = 0.1, -0.026
    rod = tube([(0.0, -0.001, 0), (0.03, -0.006, 0), (end, rise, 0), (end + 0.02, rise + 0.001, 0)], 0.0035, 12)
    lean = -6.0
    grip = handle(long, 0.024, 0.015)
    parts += [Part(rod, at(), "metal"), Part(grip, at(end + 0.005, rise - 0.001, 0, rz=-lean), "handle")]
    along = np.array([np.cos(np.radians(lean)), -np.sin(np.radians(lean)), 0])
    middle = np.array([end + 0.005, rise - 0.001, 0]) + along * long * 0.5
    return Design(
        tuple(parts), (*lying("power", middle, -along, sides=True), Hold("power", middle, -along, UP)), settle=True
    )


def spatula_look(rng: Rng) -> Look:
    blade = looks.dark(rng) if rng.random() < 0.5 else looks.steel(rng)
    return {
        "blade": blade,
        "metal": looks.steel(rng),
        "handle": looks.plastic(rng) if rng.random() < 0.6 else looks.wood(rng),
    }


def whisk(rng: Rng) -> Design:
    """A balloon whisk lying on its wires: wires at -x, handle at +x."""
    long, wide, grip = rng.uniform(0.11, 0.14), rng.uniform(0.027, 0.034), rng.uniform(0.1, 0.125)
    half = [(0.012, 0.004), (-0.2 * long, 0.45 * wide), (-0.6 * long, wide), (-0.88 * long, 0.75 * wide), (-long, 0)]
    outline = np.array(half + [(x, -z) for x, z in half[-2::-1]])
    loops = 5
    parts = []
    for k in range(loops):
        line = np.concatenate([outline, np.zeros((len(outline), 1))], 1) * (1 - 0.03 * k, 1, 1)
        parts.append(Part(tube(line, 0.0011, 34, around=6), at(rx=180 * k / loops + 18), "wire"))
    body = turned([(0, 0.012), (0.0065, 0.012), (0.0085, 0), (0.0075, -0.4 * grip), (0.0105, -0.85 * grip),
        (0.008, -grip), (0, -grip)],
                  [0, 0.003, 0.01, 0.03, 0.02, 0.006, 0], around=20)  # fmt: skip
    parts.append(Part(body, at(rz=90), "handle"))
    middle = (0.5 * grip, 0, 0)
    return Design(
        tuple(parts),
        (*lying("power", middle, (-1, 0, 0), sides=True), Hold("power", middle, (-1, 0, 0), UP)),
        settle=True,
    )


def whisk_look(rng: Rng) -> Look:
    wire = looks.steel(rng)
    return {"wire": wire, "handle": wire if rng.random() < 0.4 else looks.plastic(rng)}


def scissors(rng: Rng) -> Design:
    """Scissors half open: points at +x, finger rings at -x."""
    long, open_ = rng.uniform(0.085, 0.12), rng.uniform(6.0, 14.0)
    rx, rz = rng.uniform(0.022, 0.028), rng.uniform(0.0135, 0.017)
    parts = []
    for sign in (1, -1):
        blade = plank(
            [
                (-0.02, sign * -0.001),
                (-0.01, sign * -0.007),
                (0.02, sign * -0.0085),
                (long, sign * -0.0005),
                (long, sign * 0.0012),
                (-0.01, sign * 0.004),
            ],
            0.0018,
            0.003,
        )
        shank = tube([(-0.012, 0, 0), (-0.035, 0, sign * 0.006), (-0.05, 0, sign * 0.013)], (0.0042, 0.0045, 0.0045), 8)
        frame = at(0, -sign * 0.0007, 0, ry=sign * open_)
        hole = at(-0.05 - rx * 0.75, 0, sign * 0.021, ry=sign * 8) if sign else at()
        parts += [
            Part(blade, frame, "blade"),
            Part(shank, frame, "grip"),
            Part(ring(rx, rz, 0.0042), frame @ hole, "grip"),
        ]
    parts.append(Part(disc(0.0045, 0.0055, 0.001), at(0, 0.00275, 0), "screw"))
    bow = parts[2].frame[:3, 3]
    other = parts[5].frame[:3, 3]
    x, z = (bow[0] + other[0]) / 2, bow[2] + rz * 0.9
    holds = (Hold("hook", (x, bow[1], z), X, (0, 0, -1)), Hold("pinch", (0.012, 0, 0), (0, 0, 1), X),
             *lying("power", (-0.03, 0, 0)), *lying("power", (0.5 * long, 0, 0)))  # fmt: skip
    return Design(tuple(parts), holds)


def scissors_look(rng: Rng) -> Look:
    steel = looks.steel(rng)
    return {
        "blade": steel,
        "screw": looks.steel(rng),
        "grip": looks.plastic(rng, looks.vivid(rng)) if rng.random() < 0.8 else looks.dark(rng),
    }


def dish_brush(rng: Rng) -> Design:
    """A washing-up brush: round head at -x with bristles down, handle along +x."""
    r, long = rng.uniform(0.024, 0.03), rng.uniform(0.17, 0.2)
    head = turned([(0, 0), (r, 0), (r * 0.92, -0.012), (0, -0.016)], [0, 0.003, 0.005, 0])
    bristles = turned([(0, 0.026), (r * 1.12, 0.026), (r * 0.85, 0), (0, 0)], [0, 0.003, 0, 0])
    s = np.linspace(0, 1, 22)
    line = np.stack([-0.01 + s * long, -0.01 - 0.035 * np.sin(s * np.pi * 0.62), 0 * s], 1)
    ends = np.sqrt(np.clip(1.01 - s**14, 0.02, 1))
    grip = loft(line, (0.0065 + 0.006 * s) * ends, (0.005 + 0.003 * s) * ends, around=18)
    parts = (Part(head, at(), "handle"), Part(bristles, at(), "bristles"), Part(grip, at(), "handle"))
    middle, step = line[13], line[15] - line[11]
    along = -step / np.linalg.norm(step)
    return Design(parts, (*lying("power", middle, along, sides=True), Hold("power", middle, along, UP)), settle=True)


def dish_brush_look(rng: Rng) -> Look:
    tuft = looks.white(rng, 0.0) if rng.random() < 0.6 else looks.paint(rng, gloss=0.0)
    bristles = looks.Material(tuft.albedo, "speckle", looks.times(tuft.albedo, 0.5), 0.004, 0, tuft.infrared)
    return {"handle": looks.plastic(rng) if rng.random() < 0.75 else looks.wood(rng), "bristles": bristles}
