"""Things of desks, shelves and parcels: box, carton, book, phone, remote, mouse, pen, marker, camera, tape, bulb..."""

import numpy as np

from handseg_lib.synth.objects import looks
from handseg_lib.synth.objects.builders import Look, Rng, block, disc, plank, tube, turned
from handseg_lib.synth.objects.design import DOWN, UP, Design, Hold, Part, around, at, lying, pair, turned_design
from handseg_lib.synth.objects.freeform import loft
from handseg_lib.synth.objects.shapes import Lathe
from handseg_lib.synth.objects.surface import spline
from handseg_lib.synth.people.body import rotation
from handseg_lib.synth.shading import Material

X, Z = (1, 0, 0), (0, 0, 1)


def box(rng: Rng) -> Design:
    """A cardboard box with tape and a label: large ones take two hands."""
    large = rng.random() < 0.6
    x, y, z = rng.uniform(0.18, 0.3, 3) * (1, 0.75, 0.8) if large else rng.uniform(0.07, 0.14, 3) * (1, 0.8, 0.7)
    tape = min(0.05, 0.3 * z)
    parts = [Part(block(x, y, z, 0.002), at(y=-y / 2), "card")]
    parts.append(Part(block(x + 0.0012, y * 0.3, tape, 0.0004), at(y=-0.85 * y - 0.0006), "tape", decal=True))
    parts.append(Part(block(0.001, 0.0012, z * 0.98), at(y=-y - 0.0005), "seam", decal=True))
    parts.append(
        Part(
            block(x * 0.4, y * 0.35, 0.0012),
            at(rng.uniform(-0.2, 0.2) * x, -0.5 * y, -z / 2 - 0.0001),
            "label",
            decal=True,
        )
    )
    middle = -0.5 * y
    holds = [
        *pair(Hold("flat", (x / 2, middle, 0), UP, (-1, 0, 0)), Hold("flat", (-x / 2, middle, 0), UP, X)),
        *pair(Hold("flat", (0.3 * x, 0, 0), X, UP), Hold("flat", (-0.3 * x, 0, 0), (-1, 0, 0), UP)),
        Hold("flat", (0, -y, 0), X, DOWN),
    ]
    if z < 0.1:
        holds += [
            Hold("power", (0, -y + 0.02, 0), X, DOWN),
            *around(middle, count=1),
            Hold("pinch", (0, -y + 0.015, 0), (-1, 0, 0), DOWN),
        ]
    return Design(tuple(parts), tuple(holds))


def box_look(rng: Rng) -> Look:
    card = looks.cardboard(rng) if rng.random() < 0.55 else looks.paint(rng, gloss=0.1)
    return {"card": card, "tape": looks.paint(rng, looks.vivid(rng) if rng.random() < 0.5 else (0.45, 0.4, 0.3)),
            "seam": looks.dark(rng), "label": looks.printed(rng, (0.75, 0.75, 0.72), 0.012)}  # fmt: skip


def carton(rng: Rng) -> Design:
    """A gable-top milk carton with a screw cap."""
    w, h = rng.uniform(0.066, 0.08), rng.uniform(0.15, 0.2)
    roof = 0.5 * w
    fin = h + roof * 0.95
    house = plank([(-w / 2, 0), (w / 2, 0), (w / 2, h), (0.002, fin), (-0.002, fin), (-w / 2, h)], w, 0.0, 0.0008)
    parts = [
        Part(house, at(rx=90), "top"), Part(block(0.0035, 0.022, w, 0.0005), at(y=-fin - 0.005), "top"),
        Part(block(w + 0.0008, 0.58 * h, w + 0.0008, 0.0008), at(y=-0.3 * h - 0.001), "body", decal=True),
        Part(block(w + 0.0014, 0.2 * h, w + 0.0014, 0.0008), at(y=-0.45 * h), "band", decal=True),
    ]  # fmt: skip
    slope = np.degrees(np.arctan2(w / 2, fin - h))
    parts.append(Part(disc(0.014, 0.014, 0.001), at(-w / 4, -(h + fin) / 2 + 0.002, 0, rz=-(90 - slope)), "cap"))
    holds = (*around(-0.5 * h, count=5), Hold("pinch", (0, -fin - 0.006, 0), (0, 0, -1), DOWN),
             *pair(Hold("power", (0, -0.4 * h, 0), UP, (-1, 0, 0.01)),
             Hold("power", (0, -0.4 * h, 0), UP, (1, 0, 0.01))))  # fmt: skip
    return Design(tuple(parts), holds)


def carton_look(rng: Rng) -> Look:
    return {"top": looks.white(rng, 0.1), "body": looks.paint(rng, looks.vivid(rng), 0.1), "cap": looks.plastic(rng),
            "band": looks.printed(rng, (0.8, 0.8, 0.78), 0.009)}  # fmt: skip


def book(rng: Rng) -> Design:
    """A book lying on its back: the spine at -x."""
    x, z, t = rng.uniform(0.11, 0.17), rng.uniform(0.17, 0.24), rng.uniform(0.012, 0.04)
    board = 0.0025
    cover = block(x, board, z, 0.001)
    parts = (
        Part(cover, at(y=-board / 2), "cover"), Part(cover, at(y=-t + board / 2), "cover"),
        Part(block(board, t, z, 0.001), at(-x / 2 + board / 2, -t / 2), "cover"),
        Part(block(x - 0.005, t - 2 * board, z - 0.008), at(-0.0015, -t / 2), "pages"),
        Part(block(0.62 * x, 0.0008, 0.2 * z), at(0.03 * x, -t, 0.2 * z), "title", decal=True),
        Part(block(0.5 * x, 0.0008, 0.3 * z), at(0.03 * x, -t, -0.16 * z), "picture", decal=True),
        Part(block(0.0008, 0.5 * t, 0.5 * z), at(-x / 2, -t / 2), "title", decal=True),
    )  # fmt: skip
    edge = x / 2 - 0.02
    holds = (
        Hold("pinch", (edge, -t / 2, 0), Z, (-1, 0, 0)), Hold("pinch", (-edge, -t / 2, 0), (0, 0, -1), X),
        Hold("pinch", (0, -t / 2, -z / 2 + 0.02), X, Z), Hold("flat", (0, 0, 0), (0, 0, -1), UP),
        Hold("flat", (0, -t, 0), X, DOWN),
        *pair(Hold("pinch", (edge, -t / 2, -0.1 * z), (0, 0, -1), (-1, 0, 0)),
        Hold("pinch", (-edge, -t / 2, -0.1 * z), (0, 0, -1), X)),
    )  # fmt: skip
    return Design(parts, holds)


def book_look(rng: Rng) -> Look:
    cover = looks.paint(rng, gloss=0.25)
    pages = Material((0.72, 0.68, 0.58), "stripes", (0.55, 0.51, 0.42), 0.0016, 0, looks.infrared(rng, 0.7))
    title = looks.printed(rng, looks.grey(0.75) if max(cover.albedo) < 0.4 else looks.grey(0.04), 0.014)
    return {"cover": cover, "pages": pages, "title": title, "picture": looks.paint(rng, gloss=0.25)}


def phone(rng: Rng) -> Design:
    """A telephone lying on its back, its long side along z, its screen with icons up."""
    x, z, t = rng.uniform(0.066, 0.078), rng.uniform(0.138, 0.162), rng.uniform(0.0075, 0.0095)
    parts = [
        Part(block(x, t, z, 0.0034), at(y=-t / 2), "body"),
        Part(plank([(-x / 2 + 0.002, -z / 2 + 0.002), (x / 2 - 0.002, -z / 2 + 0.002), (x / 2 - 0.002, z / 2 - 0.002),
        (-x / 2 + 0.002, z / 2 - 0.002)],
                   0.0006, 0.006), at(y=-t), "screen", decal=True),
        Part(block(0.024, 0.0016, 0.03, 0.0007), at(-x / 2 + 0.018, -0.0002, z / 2 - 0.022), "camera", decal=True),
    ]  # fmt: skip
    cell, names = x / 5.2, ("icon1", "icon2", "icon3", "icon4")
    rows = [z / 2 - 0.022 - j * cell * 1.35 for j in range(4)] + [-z / 2 + 0.014]
    parts += [
        Part(block(cell * 0.68, 0.0008, cell * 0.68), at((i - 1.5) * cell * 1.2, -t, row),
        names[int(rng.integers(4))], decal=True)
        for i in range(4) for row in rows if rng.random() < 0.9
    ]  # fmt: skip
    centre = (0, -t / 2, 0)
    low = (x / 2 - 0.012, -t / 2, -0.25 * z)
    holds = (
        Hold("power", centre, Z, UP), Hold("power", (0, -t / 2, -0.1 * z), Z, UP), Hold("power", centre, Z, DOWN),
        Hold("pinch", (x / 2 - 0.014, -t / 2, 0), Z, (-1, 0, 0)), Hold("pinch", (0, -t / 2, -z / 2 + 0.014), X, Z),
        *pair(Hold("pinch", low, (0, 0, 1), (-1, 0, 0)), Hold("pinch", (-low[0], low[1], low[2]), (0, 0, 1), X)),
        *pair(Hold("press", (0, -t, 0.1 * z), (-1, 0, 0), DOWN), Hold("power", centre, Z, UP)),
    )  # fmt: skip
    return Design(tuple(parts), holds)


def phone_look(rng: Rng) -> Look:
    on = rng.random() < 0.6
    tint = looks.hsv(float(rng.uniform(0.5, 0.85)), 0.7, float(rng.uniform(0.08, 0.4))) if on else (0.008, 0.008, 0.01)
    screen = Material(tint, gloss=0.9, infrared=0.08)
    icons = {f"icon{k}": Material(looks.vivid(rng) if on else tint, gloss=0.9, infrared=0.08) for k in range(1, 5)}
    return {"body": looks.plastic(rng), "screen": screen, "camera": looks.dark(rng), **icons}


def remote(rng: Rng) -> Design:
    """A remote control lying with its buttons up, its long side along z."""
    x, z, t = rng.uniform(0.04, 0.05), rng.uniform(0.14, 0.19), rng.uniform(0.016, 0.022)
    parts = [Part(block(x, t, z, 0.006), at(y=-t / 2), "body")]
    key = x / 4.6
    for j in range(6):
        parts += [Part(block(key * 0.8, 0.002, key * 0.62, 0.0006),
            at((i - 1) * key * 1.25, -t - 0.0004, -z / 2 + 0.02 + j * key * 1.1), "keys", decal=True)
                  for i in range(3)]  # fmt: skip
    wheel = 0.17 * z
    parts += [Part(disc(0.0125, 0.0012, 0.0004), at(0, -t + 0.0005, wheel), "ring", decal=True),
              Part(disc(0.006, 0.0017, 0.0004), at(0, -t + 0.0005, wheel), "keys", decal=True),
              Part(disc(0.0045, 0.0016, 0.0004), at(-x / 2 + 0.011, -t + 0.0005, z / 2 - 0.014), "power",
              decal=True)]  # fmt: skip
    centre = (0, -t / 2, -0.1 * z)
    holds = (
        Hold("power", centre, Z, UP), Hold("power", centre, Z, DOWN), Hold("power", (0, -t / 2, -0.2 * z), Z, UP),
        Hold("pinch", (0, -t / 2, 0), Z, DOWN), Hold("pinch", (0, -t / 2, -z / 2 + 0.02), X, Z),
        *pair(Hold("press", (0, -t, wheel), (-1, 0, 0), DOWN), Hold("power", centre, Z, UP)),
    )  # fmt: skip
    return Design(tuple(parts), holds)


def remote_look(rng: Rng) -> Look:
    body = looks.dark(rng) if rng.random() < 0.7 else looks.plastic(rng)
    keys = looks.paint(rng, looks.grey(0.5 if max(body.albedo) < 0.2 else 0.08), 0.1)
    return {
        "body": body,
        "keys": keys,
        "ring": looks.paint(rng, looks.grey(0.15), 0.3),
        "power": looks.paint(rng, (0.65, 0.02, 0.02)),
    }


def mouse(rng: Rng) -> Design:
    """A computer mouse: its buttons at +z, where the fingers point."""
    long, wide, high = rng.uniform(0.095, 0.115), rng.uniform(0.055, 0.065), rng.uniform(0.032, 0.04)
    s = np.linspace(0, 1, 26)
    plan = (np.clip(1 - np.abs(2 * s - 1) ** 3.2, 0, 1) ** 0.5) * (1 - 0.08 * np.sin(np.pi * s))
    rise = np.clip(np.interp(s, [0, 0.15, 0.4, 0.75, 1], [0.35, 0.78, 1.0, 0.72, 0.3]), 0, 1) * np.clip(
        plan * 1.6, 0.05, 1
    )
    line = np.stack([(s - 0.5) * long, 0 * s, 0 * s], 1)
    body = loft(
        line,
        np.maximum(plan, 0.03) * wide / 2,
        rise * high,
        np.maximum(0.004 * np.clip(plan * 2, 0, 1), 0.0004),
        power=2.3,
        around=32,
    )
    face = at(ry=-90)  # its x axis becomes +z
    y_at = lambda f: -np.interp(f, s, rise) * high  # noqa: E731
    wheel = turned([(0, 0.0035), (0.0095, 0.0035), (0.0095, -0.0035), (0, -0.0035)], 0.0015, around=20)
    slit = tube(
        [((f - 0.5) * long, y_at(f) - 0.0001, 0) for f in (0.5, 0.6, 0.7, 0.8, 0.88, 0.94)], 0.0009, 10, around=6
    )
    parts = [Part(body, face, "body"), Part(wheel, face @ at((0.7 - 0.5) * long, y_at(0.7) + 0.0055, 0, rx=90),
        "wheel"),
             Part(slit, face, "line", decal=True)]  # fmt: skip
    if rng.random() < 0.4:
        cable = [
            (0.5 * long - 0.004, -0.003, 0),
            (0.5 * long + 0.03, -0.001, 0.004),
            (0.5 * long + 0.07, -0.001, -0.012),
            (0.5 * long + 0.1, -0.001, 0.01),
        ]
        parts.append(Part(tube(cable, 0.002, 16, around=8), face, "wheel"))
    middle = (0, -0.4 * high, 0.0)
    return Design(tuple(parts), (Hold("power", middle, X, DOWN),
        Hold("power", (0, -0.4 * high, -0.01), (-1, 0, 0), DOWN),
                                 Hold("pinch", middle, Z, DOWN), Hold("flat", (0, -high, 0), X, DOWN)))  # fmt: skip


def mouse_look(rng: Rng) -> Look:
    body = looks.dark(rng) if rng.random() < 0.4 else looks.plastic(rng)
    return {"body": body, "wheel": looks.dark(rng), "line": looks.dark(rng)}


def pen(rng: Rng) -> Design:
    """A ball pen: its point at +x."""
    r, long = rng.uniform(0.0042, 0.0056), rng.uniform(0.13, 0.145)
    body = turned([(0, 0), (r * 0.85, 0), (r, -0.01), (r, -0.3 * long), (r * 1.04, -0.3 * long),
        (r * 1.04, -0.78 * long),
                   (r * 0.9, -0.86 * long), (r * 0.35, -0.965 * long), (0.0009, -0.985 * long), (0.0006, -long),
                   (0, -long)],
                  0.0004, (0, 0, 0, 0, 1, 1, 2, 2, 2, 2), around=18)  # fmt: skip
    knob = turned([(0, 0), (r * 0.5, 0), (r * 0.5, 0.009), (0, 0.009)][::-1], 0.0008, around=14)
    clip = block(0.04, 0.0012, 0.0035, 0.0004)
    parts = (Part(body, at(rz=90), ("cap", "barrel", "tip")), Part(knob, at(rz=90), "tip"),
             Part(clip, at(0.024, -r - 0.0016, 0), "tip"), Part(block(0.004, 0.004, 0.0035),
             at(0.006, -r - 0.0002, 0), "tip"))  # fmt: skip
    return Design(parts, _writing(long, 0.76))


def _writing(long: float, at_tip: float) -> tuple[Hold, ...]:
    """Holds of a pen along +x: the tail on the thumb's side."""
    tip, middle = (at_tip * long, 0, 0), (0.5 * long, 0, 0)
    turned_ = (0, np.sin(0.7), np.cos(0.7))
    return (Hold("tripod", tip, (-1, 0, 0), DOWN), Hold("tripod", tip, (-1, 0, 0), Z),
        Hold("tripod", tip, (-1, 0, 0), turned_),
            *lying("pinch", middle), *lying("power", middle, (-1, 0, 0)))  # fmt: skip


def pen_look(rng: Rng) -> Look:
    tip = looks.steel(rng) if rng.random() < 0.6 else looks.brass(rng)
    barrel = looks.plastic(rng)
    return {"barrel": barrel, "cap": barrel if rng.random() < 0.6 else looks.plastic(rng), "tip": tip}


def marker(rng: Rng) -> Design:
    """A felt marker with its cap on: the cap at +x, in the colour of the ink."""
    r, long = rng.uniform(0.0075, 0.01), rng.uniform(0.12, 0.14)
    body = turned([(0, 0), (r * 0.9, 0), (r * 0.9, -0.012), (r, -0.013), (r, -0.62 * long), (0, -0.62 * long)], 0.0006,
                  (1, 1, 0, 0, 0), around=22)  # fmt: skip
    cap = turned([(0, -0.6 * long), (r * 1.08, -0.6 * long), (r * 1.08, -0.72 * long), (r * 0.85, -0.95 * long),
        (r * 0.7, -long), (0, -long)],
                 0.0012, around=22)  # fmt: skip
    label = band_of(r, 0.2 * long, 0.5 * long)
    parts = (Part(body, at(rz=90), ("barrel", "ink")), Part(cap, at(rz=90), "ink"),
        Part(label, at(rz=90), "label", decal=True),
             Part(block(0.03, 0.002, 0.004, 0.0005), at(0.8 * long, -r * 1.08, 0), "ink"))  # fmt: skip
    return Design(parts, _writing(long, 0.7))


def band_of(radius: float, low: float, high: float) -> Lathe:
    """A printed sleeve around a marker."""
    return Lathe(((radius - 0.001, -low), (radius + 0.0003, -low), (radius + 0.0003, -high), (radius - 0.001, -high)),
                 closed=True, around=22)  # fmt: skip


def marker_look(rng: Rng) -> Look:
    ink = looks.plastic(rng, looks.vivid(rng) if rng.random() < 0.75 else looks.grey(0.02))
    return {
        "barrel": looks.white(rng) if rng.random() < 0.6 else ink,
        "ink": ink,
        "label": looks.printed(rng, (0.75, 0.75, 0.75), 0.003),
    }


def camera(rng: Rng) -> Design:
    """A photo camera as its user sees it: the lens points away to +z, the grip for the right hand is at +x."""
    x, y, z = rng.uniform(0.115, 0.14), rng.uniform(0.075, 0.09), rng.uniform(0.034, 0.045)
    r, long = rng.uniform(0.027, 0.033), rng.uniform(0.03, 0.065)
    lens = turned([(0, 0), (r, 0), (r, -0.35 * long), (r * 0.93, -0.37 * long), (r * 0.93, -0.55 * long),
        (r, -0.57 * long),
                   (r, -long), (r * 0.8, -long), (r * 0.68, -long + 0.008), (0, -long + 0.004)], 0.0015,
                   (0, 0, 0, 1, 0, 0, 0, 0, 2), around=40)  # fmt: skip
    hump = plank([(-0.026, 0), (0.026, 0), (0.016, 0.019), (-0.016, 0.019)], z * 0.9, 0.006, 0.001)
    top = -y
    parts = (
        Part(block(x, y * 0.86, z, 0.006), at(y=-0.43 * y), "body"),
        Part(block(x, y * 0.24, z * 0.96, 0.005), at(y=-0.88 * y), "top"),
        Part(block(0.028, 0.92 * y, z + 0.014, 0.009), at(-x / 2 + 0.013, -0.46 * y, -0.008), "body"),
        Part(lens, at(0.008, -0.46 * y, -z / 2 + 0.002, rx=90), ("lens", "ring", "glass")),
        Part(hump, at(0.008, top + 0.003, 0, rx=90), "top"),
        Part(disc(0.006, 0.006, 0.001), at(-x / 2 + 0.014, top + 0.002, -0.012), "button"),
        Part(disc(0.011, 0.008, 0.001), at(x / 2 - 0.02, top + 0.001, 0), "lens"),
        Part(block(0.02, 0.009, 0.003), at(0.008, top - 0.008, -0.45 * z), "flash", decal=True),
        Part(block(0.6 * x, 0.55 * y, 0.0012), at(0.012, -0.45 * y, z / 2), "glass", decal=True),
    )  # fmt: skip
    right, left = (-x / 2 + 0.012, -0.45 * y, 0), (0.008, -0.46 * y, -z / 2 - 0.5 * long)
    holds = (
        Hold("power", right, UP, X), Hold("power", right, UP, (0.9, 0, 0.45)),
        *pair(Hold("power", right, UP, X), Hold("power", left, (0, 0, 1), UP)),
        *pair(Hold("pinch", (x / 2 - 0.014, -0.4 * y, 0), UP, (-1, 0, 0)), Hold("power", right, UP, X)),
    )  # fmt: skip
    return turned_design(Design(parts, holds), rotation("y", np.pi))  # laid out from in front, held from behind


def camera_look(rng: Rng) -> Look:
    body = looks.dark(rng) if rng.random() < 0.7 else looks.paint(rng, gloss=0.1)
    top = looks.steel(rng) if rng.random() < 0.5 else body
    return {"body": body, "top": top, "lens": looks.dark(rng), "ring": looks.paint(rng, gloss=0.3),
        "button": looks.steel(rng),
            "glass": Material((0.02, 0.03, 0.06), gloss=1.0, infrared=0.06),
                "flash": looks.white(rng, 0.6)}  # fmt: skip


def tape(rng: Rng) -> Design:
    """A roll of tape lying flat."""
    inner, t = rng.uniform(0.018, 0.036), rng.uniform(0.018, 0.048)
    outer = inner + rng.uniform(0.012, 0.022)
    roll = Lathe(
        ((inner, 0), (inner + 0.003, 0), (outer, 0), (outer, -t), (inner + 0.003, -t), (inner, -t)),
        (1, 0, 0, 0, 1, 1),
        48,
        True,
    )
    wall = ((inner + outer) / 2, -t / 2, 0)
    holds = (Hold("power", (0, -t / 2, 0), X, DOWN), Hold("pinch", wall, Z, DOWN), Hold("pinch", wall, UP, (-1, 0, 0)),
             *around(-t / 2, "pinch", 2))  # fmt: skip
    return Design((Part(roll, at(), ("tape", "core")),), holds)


def tape_look(rng: Rng) -> Look:
    return {"tape": looks.paint(rng, gloss=0.6), "core": looks.cardboard(rng)}


def bulb(rng: Rng) -> Design:
    """A light bulb lying on its side: the screw at +x."""
    r = rng.uniform(0.026, 0.034)
    long = r * 1.9
    side = [
        (0, r),
        (0.55 * r, 0.86 * r),
        (0.98 * r, 0.35 * r),
        (0.95 * r, -0.25 * r),
        (0.62 * r, -0.85 * r),
        (0.0145, -0.75 * long),
        (0.0135, -0.8 * long),
    ]
    line = np.maximum(spline(side, 26), (0, -1))
    line[0, 0] = 0
    glass = turned(np.concatenate([line, [(0, -0.8 * long)]]), around=32)
    thread = [(0, -0.8 * long)]
    for k in range(5):
        y = -0.8 * long - 0.004 * k
        thread += [(0.0125, y - 0.0003), (0.0136, y - 0.002)]
    end = -0.8 * long - 0.021
    thread += [(0.0125, end), (0.006, end - 0.004), (0, end - 0.004)]
    parts = (Part(glass, at(rz=90), "glass"), Part(turned(thread, around=28), at(rz=90), "screw"),
             Part(turned([(0, end - 0.003), (0.0045, end - 0.003), (0.004, end - 0.0065), (0, end - 0.007)],
             around=16), at(rz=90), "contact"))  # fmt: skip
    foot = (0.8 * long + 0.012, 0, 0)
    holds = (
        *lying("power", (0, 0, 0), (-1, 0, 0), sides=True),
        Hold("pinch", (0, 0, 0), Z, X),
        *lying("pinch", foot, X),
    )
    return Design(parts, holds, settle=True)


def bulb_look(rng: Rng) -> Look:
    glass = Material(
        looks.times((1.0, 0.97, 0.88), float(rng.uniform(0.7, 0.85))), gloss=0.9, infrared=looks.infrared(rng, 0.4)
    )
    if rng.random() < 0.2:
        glass = looks.paint(rng, looks.vivid(rng), 0.9)
    return {
        "glass": glass,
        "screw": looks.steel(rng) if rng.random() < 0.6 else looks.brass(rng),
        "contact": looks.dark(rng),
    }
