"""Tools, bathroom things and puzzles: screwdriver, hammer, wrench, torch, paint brush, toothbrush, padlock, key..."""

import numpy as np

from handseg_lib.synth.objects import looks
from handseg_lib.synth.objects.builders import Look, Rng, block, disc, plank, ring, tube, turned
from handseg_lib.synth.objects.design import DOWN, UP, Design, Hold, Part, at, lying, pair
from handseg_lib.synth.objects.freeform import loft
from handseg_lib.synth.shading import Material

X, Z = (1, 0, 0), (0, 0, 1)


def screwdriver(rng: Rng) -> Design:
    """A screwdriver: its tip at +x."""
    grip, shaft, r = rng.uniform(0.085, 0.11), rng.uniform(0.07, 0.13), rng.uniform(0.0125, 0.016)
    body = turned([(0, 0), (0.8 * r, 0), (r, -0.012), (0.95 * r, -0.35 * grip), (r, -0.6 * grip),
        (0.6 * r, -0.75 * grip),
                   (0.72 * r, -0.93 * grip), (0.5 * r, -grip), (0, -grip)],
                   [0, 0.004, 0.008, 0.01, 0.01, 0.006, 0.004, 0.002, 0],
                  around=30)  # fmt: skip
    stripes = lambda c: (np.floor(np.arctan2(c[:, 2], c[:, 0]) / (np.pi / 3) + 0.01) % 2) * (c[:, 1] > -0.72 * grip)  # noqa: E731
    rod = turned(
        [(0, -grip + 0.01), (0.0032, -grip + 0.01), (0.0032, -grip - 0.93 * shaft), (0, -grip - 0.93 * shaft)],
        around=14,
    )
    tip = plank(
        [
            (0, -0.0032),
            (0.08 * shaft, -0.0045),
            (0.12 * shaft, -0.0038),
            (0.12 * shaft, 0.0038),
            (0.08 * shaft, 0.0045),
            (0, 0.0032),
        ],
        0.0022,
    )
    parts = (Part(body, at(rz=90), ("grip", "stripe"), tag=stripes), Part(rod, at(rz=90), "steel"),
             Part(tip, at(grip + 0.9 * shaft, 0, 0), "steel"))  # fmt: skip
    return Design(parts, (*lying("power", (0.45 * grip, 0, 0), sides=True), Hold("power", (0.45 * grip, 0, 0), X, UP),
                          *lying("pinch", (0.8 * grip, 0, 0))), settle=True)  # fmt: skip


def screwdriver_look(rng: Rng) -> Look:
    grip = looks.plastic(rng, looks.vivid(rng))
    return {"grip": grip, "stripe": looks.dark(rng) if rng.random() < 0.6 else grip, "steel": looks.steel(rng)}


def hammer(rng: Rng) -> Design:
    """A claw hammer lying on its side: its head at +x, the face at +z."""
    long, head = rng.uniform(0.22, 0.28), rng.uniform(0.095, 0.12)
    s = np.linspace(0, 1, 24)
    size = np.interp(s, [0, 0.06, 0.3, 0.5, 0.75, 1], [0.75, 1.0, 0.95, 0.9, 0.72, 0.66])
    size = size * np.sqrt(np.clip(1.01 - (1 - s) ** 40, 0.05, 1))
    grip = loft(np.stack([s * long, 0 * s, 0 * s], 1), 0.0165 * size, 0.0115 * size, power=2.6, around=20)
    face = turned(
        [(0, 0.002), (0.0105, 0.002), (0.0105, -0.026), (0.0135, -0.03), (0.0135, -0.046), (0, -0.046)],
        0.0015,
        around=26,
    )
    # The claw curves back along -z and down the handle.
    outline = [(-0.012, 0.014), (0.012, 0.014), (0.013, -0.01), (0.008, -0.032), (-0.004, -0.5 * head),
        (-0.01, -0.5 * head + 0.002),
               (-0.002, -0.032), (-0.011, -0.012)]  # fmt: skip
    claws = [Part(plank(outline, 0.008, 0.006, 0.0015), at(long - 0.012, y, -0.004), "steel") for y in (-0.006, 0.006)]
    parts = (
        Part(grip, at(), "handle", grain=True), Part(block(0.024, 0.022, 0.03, 0.003), at(long - 0.012, 0, 0.002),
        "steel"),
        Part(face, at(long - 0.012, 0, 0.012, rx=-90), "steel"), *claws,
    )  # fmt: skip
    holds = (
        *lying("power", (0.25 * long, 0, 0), sides=True),
        Hold("power", (0.25 * long, 0, 0), X, UP),
        *lying("power", (0.45 * long, 0, 0)),
    )
    return Design(parts, holds, settle=True)


def hammer_look(rng: Rng) -> Look:
    return {"handle": looks.wood(rng) if rng.random() < 0.6 else looks.plastic(rng), "steel": looks.steel(rng)}


def wrench(rng: Rng) -> Design:
    """An open-ended spanner along x, a ring at -x."""
    long, jaw = rng.uniform(0.13, 0.19), rng.uniform(0.015, 0.019)
    gap = 0.5 * jaw
    end = [(0, -0.007), (0.35 * jaw, -jaw), (1.5 * jaw, -jaw), (2.0 * jaw, -0.62 * jaw), (2.1 * jaw, -gap),
        (1.05 * jaw, -gap), (0.85 * jaw, 0),
           (1.05 * jaw, gap), (2.1 * jaw, gap), (2.0 * jaw, 0.62 * jaw), (1.5 * jaw, jaw), (0.35 * jaw, jaw),
           (0, 0.007)]  # fmt: skip
    corners = [0.006, 0.008, 0.008, 0.003, 0.0, 0.002, 0.004, 0.002, 0.0, 0.003, 0.008, 0.008, 0.006]
    shaft = plank(
        [(-0.53 * long, -0.0075), (0.52 * long, -0.0065), (0.52 * long, 0.0065), (-0.53 * long, 0.0075)],
        0.0055,
        0.003,
        0.001,
    )
    t = rng.uniform(0.0045, 0.006)
    eye = ring(0.0115, 0.0115, t, 32)
    parts = (Part(shaft, at(), "steel"), Part(plank(end, 0.009, corners, 0.0007), at(0.49 * long, 0, 0, ry=15),
        "steel"),
             Part(eye, at(-0.53 * long - 0.009, 0, 0), "steel"))  # fmt: skip
    holds = (
        *lying("power", (-0.1 * long, 0, 0), sides=True),
        *lying("power", (0.05 * long, 0, 0), (-1, 0, 0)),
        *lying("pinch", (0, 0, 0)),
    )
    return Design(parts, holds)


def wrench_look(rng: Rng) -> Look:
    return {"steel": looks.steel(rng) if rng.random() < 0.8 else looks.plastic(rng)}


def torch(rng: Rng) -> Design:
    """A pocket torch: its lamp at +x."""
    r, long, head = rng.uniform(0.0125, 0.016), rng.uniform(0.1, 0.15), rng.uniform(0.022, 0.028)
    body = turned([(0, 0), (r, 0), (r, -0.014), (0.9 * r, -0.016), (0.9 * r, -0.68 * long), (r, -0.7 * long),
        (head, -0.82 * long), (head, -long),
                   (0.9 * head, -long), (0.84 * head, -long + 0.006), (0, -long + 0.006)],
                  [0, 0.002, 0.001, 0, 0, 0.002, 0.004, 0.002, 0, 0, 0], (0, 0, 0, 1, 1, 0, 0, 0, 0, 2),
                      around=32)  # fmt: skip
    parts = (
        Part(body, at(rz=90), ("body", "grip", "lamp")),
        Part(disc(0.0055, 0.003, 0.001), at(0.6 * long, -0.9 * r + 0.001, 0), "button"),
    )
    middle = (0.4 * long, 0, 0)
    return Design(
        parts,
        (
            *lying("power", middle, sides=True),
            *lying("power", middle, (-1, 0, 0)),
            *lying("pinch", (0.85 * long, 0, 0)),
        ),
        settle=True,
    )


def torch_look(rng: Rng) -> Look:
    body = looks.dark(rng) if rng.random() < 0.5 else looks.plastic(rng)
    grip = Material(body.albedo, "checks", looks.times(body.albedo, 0.6), 0.004, 0.1, body.infrared)
    return {
        "body": body,
        "grip": grip,
        "lamp": Material((0.8, 0.8, 0.62), gloss=1.0, infrared=0.5),
        "button": looks.plastic(rng, looks.vivid(rng)),
    }


def paint_brush(rng: Rng) -> Design:
    """A flat paint brush: its bristles at +x."""
    w, long = rng.uniform(0.025, 0.05), rng.uniform(0.1, 0.13)
    s = np.linspace(0, 1, 24)
    side = np.interp(s, [0, 0.1, 0.3, 0.6, 0.85, 1], [0.009, 0.0125, 0.009, 0.0085, 0.42 * w, 0.46 * w])
    ends = np.sqrt(np.clip(1.01 - (1 - s) ** 30, 0.05, 1))
    grip = loft(
        np.stack([s * long, 0 * s, 0 * s], 1),
        side * ends,
        np.interp(s, [0, 0.4, 1], [0.006, 0.0068, 0.006]) * ends,
        power=2.4,
        around=20,
    )
    t = np.linspace(0, 1, 10)
    hair = loft(
        np.stack([long + 0.022 + t * 0.05, 0 * t, 0 * t], 1),
        w / 2 * (0.98 - 0.06 * t**2),
        0.0062 * (1 - 0.65 * t**2),
        power=4.0,
        around=20,
    )
    parts = (Part(grip, at(), "handle", grain=True), Part(block(0.03, 0.0135, w * 1.01, 0.002), at(long + 0.01, 0, 0),
        "ferrule"),
             Part(hair, at(), "bristles", grain=True))  # fmt: skip
    middle = (0.5 * long, 0, 0)
    holds = (
        *lying("power", middle, sides=True),
        *lying("pinch", (0.7 * long, 0, 0)),
        Hold("tripod", (0.75 * long, 0, 0), (-1, 0, 0), DOWN),
    )
    return Design(parts, holds)


def paint_brush_look(rng: Rng) -> Look:
    hair = looks.times((1.0, 0.8, 0.55), float(rng.uniform(0.02, 0.5)))
    handle = looks.wood(rng) if rng.random() < 0.45 else looks.plastic(rng)
    return {
        "handle": handle,
        "ferrule": looks.steel(rng),
        "bristles": Material(hair, "brushed", looks.times(hair, 0.4), 0.03, 0, looks.infrared(rng, 0.4)),
    }


def toothbrush(rng: Rng) -> Design:
    """A toothbrush lying with its bristles up, at +x."""
    long = rng.uniform(0.165, 0.19)
    s = np.linspace(0, 1, 34)
    side = np.interp(
        s,
        [0, 0.05, 0.3, 0.55, 0.72, 0.8, 0.84, 0.97, 1],
        [0.0045, 0.006, 0.0065, 0.0062, 0.0032, 0.0032, 0.0062, 0.006, 0.004],
    )
    high = np.interp(s, [0, 0.3, 0.6, 0.75, 1], [0.0035, 0.005, 0.0048, 0.0028, 0.0024])
    ends = np.sqrt(np.clip(1.01 - np.abs(2 * s - 1) ** 60, 0.1, 1))
    line = np.stack([s * long, -0.003 * np.sin(s * np.pi), 0 * s], 1)
    mark = (s[:-1] > 0.25) & (s[:-1] < 0.5)
    body = loft(line, side * ends, high * ends, power=2.6, around=18, tags=mark.astype(int))
    parts = [Part(body, at(), ("handle", "grip"))]
    for j in range(6):
        for i in range(3):
            name = "outer" if j in (0, 5) or i != 1 else "bristles"
            parts.append(
                Part(
                    block(0.0036, 0.011, 0.003, 0.0008), at((0.845 + 0.024 * j) * long, -0.0065, (i - 1) * 0.0036), name
                )
            )
    middle = (0.33 * long, -0.002, 0)
    return Design(
        tuple(parts),
        (*lying("power", middle, sides=True), *lying("pinch", (0.5 * long, -0.003, 0)), Hold("power", middle, X, UP)),
    )


def toothbrush_look(rng: Rng) -> Look:
    return {"handle": looks.plastic(rng), "grip": looks.plastic(rng, looks.vivid(rng)),
        "bristles": looks.paint(rng, looks.vivid(rng), 0.0),
            "outer": looks.white(rng, 0.0)}  # fmt: skip


def hairdryer(rng: Rng) -> Design:
    """A hairdryer lying on its side: air comes out at +x, the handle points to -z."""
    r, long = rng.uniform(0.033, 0.042), rng.uniform(0.13, 0.16)
    barrel = turned([(0, 0), (0.6 * r, 0), (r, -0.02), (r, -0.45 * long), (0.66 * r, -0.9 * long), (0.66 * r, -long),
        (0.56 * r, -long),
                     (0.5 * r, -long + 0.03), (0, -long + 0.03)], [0, 0.01, 0.015, 0.03, 0.01, 0.001, 0, 0, 0],
                     (0, 0, 0, 0, 0, 0, 1, 1), around=40)  # fmt: skip
    grip = rng.uniform(0.1, 0.12)
    s = np.linspace(0, 1, 20)
    ends = np.sqrt(np.clip(1.01 - s**24, 0.05, 1))
    line = np.stack([0.034 - 0.012 * s, 0 * s, -0.5 * r - s * (grip + 0.5 * r)], 1)
    handle = loft(line, 0.0185 * ends * (1 - 0.12 * s), 0.0155 * ends, power=2.5, around=22, sideways=(1, 0, 0))
    cable = tube(
        [
            (0.022, 0, -r - grip + 0.018),
            (0.02, 0, -r - grip - 0.02),
            (0.05, 0.008, -r - grip - 0.045),
            (0.1, 0.02, -r - grip - 0.04),
        ],
        0.0032,
        16,
        around=8,
    )
    parts = [Part(barrel, at(rz=90), ("body", "inside")), Part(handle, at(), "handle"), Part(cable, at(), "inside"),
             Part(block(0.009, 0.004, 0.022, 0.001), at(0.031, -0.0155, -r - 0.03), "button"),
             Part(turned([(0, 0.0015), (0.5 * r, 0.0015), (0.5 * r, -0.004), (0, -0.004)][0:4]), at(rz=90), "inside",
             decal=True)]  # fmt: skip
    centre = line[11]
    axis = (line[2] - line[15]) / np.linalg.norm(line[2] - line[15])
    holds = (Hold("power", centre, axis, X), Hold("power", centre, axis, DOWN), Hold("power", centre, axis, UP),
             Hold("power", (0.3 * long, 0, 0), X, DOWN))  # fmt: skip
    return Design(tuple(parts), holds, settle=True)


def hairdryer_look(rng: Rng) -> Look:
    body = looks.plastic(rng)
    return {
        "body": body,
        "handle": body if rng.random() < 0.6 else looks.dark(rng),
        "inside": looks.dark(rng),
        "button": looks.plastic(rng, looks.vivid(rng)),
    }


def padlock(rng: Rng) -> Design:
    """A padlock standing up, its keyhole in front."""
    x, y, z = rng.uniform(0.038, 0.055), rng.uniform(0.032, 0.046), rng.uniform(0.014, 0.02)
    a, lift = 0.3 * x, rng.uniform(0.9, 1.3)
    bow = np.linspace(np.pi, 0, 9)
    line = [(-a, -y + 0.004, 0), (-a, -y - lift * a * 0.5, 0),
        *((a * np.cos(t), -y - lift * a - a * np.sin(t), 0) for t in bow),
            (a, -y - lift * a * 0.5, 0), (a, -y + 0.004, 0)]  # fmt: skip
    parts = (Part(block(x, y, z, 0.004), at(y=-y / 2), "body"), Part(tube(line, 0.0038, 24), at(), "shackle"),
             Part(disc(0.0048, 0.001), at(0, -0.42 * y, -z / 2 + 0.0003, rx=90), "hole", decal=True),
             Part(block(0.003, 0.009, 0.0011), at(0, -0.42 * y + 0.0055, -z / 2 - 0.0001), "hole",
             decal=True))  # fmt: skip
    top = -y - lift * a - a
    holds = (Hold("pinch", (0, -0.5 * y, 0), UP, X), Hold("power", (0, -0.5 * y, 0), UP, Z),
        Hold("pinch", (0, -0.5 * y, 0), UP, (-1, 0, 0)),
             Hold("pinch", (0, top, 0), X, DOWN),
             *pair(Hold("pinch", (0, -0.4 * y, 0), X, UP), Hold("pinch", (0, -0.6 * y, 0), UP, X)))  # fmt: skip
    return Design(parts, holds)


def padlock_look(rng: Rng) -> Look:
    body = looks.brass(rng) if rng.random() < 0.6 else looks.plastic(rng)
    return {"body": body, "shackle": looks.steel(rng), "hole": looks.dark(rng)}


def key(rng: Rng) -> Design:
    """An old key lying flat: its bow at -x, its bit at +x."""
    long, bow = rng.uniform(0.05, 0.075), rng.uniform(0.011, 0.015)
    shaft = tube([(-0.002, 0, 0), (0.5 * long, 0, 0), (long, 0, 0)], 0.0028, 8)
    bit = plank([(0.72 * long, 0), (0.72 * long, 0.015), (0.79 * long, 0.015), (0.79 * long, 0.009),
        (0.85 * long, 0.009), (0.85 * long, 0.015),
                 (0.95 * long, 0.015), (0.95 * long, 0)], 0.003)  # fmt: skip
    collar = turned([(0, 0.002), (0.0045, 0.002), (0.0045, -0.002), (0, -0.002)], 0.001, around=18)
    parts = [Part(shaft, at(), "metal"), Part(bit, at(), "metal"),
        Part(ring(bow, bow * 1.15, 0.0028), at(-bow - 0.002, 0, 0), "metal"),
             Part(collar, at(0.004, 0, 0, rz=90), "metal"), Part(collar, at(0.62 * long, 0, 0, rz=90),
             "metal")]  # fmt: skip
    edge = (-2 * bow - 0.002, 0, 0)
    holds = (Hold("pinch", edge, Z, X), Hold("pinch", edge, (0, 0, -1), X), *lying("pinch", (0.4 * long, 0, 0)))
    return Design(tuple(parts), holds)


def key_look(rng: Rng) -> Look:
    return {"metal": looks.brass(rng) if rng.random() < 0.6 else looks.steel(rng)}


def combination_box(rng: Rng) -> Design:
    """A small chest with a row of number wheels in front."""
    x, y, z = rng.uniform(0.13, 0.19), rng.uniform(0.08, 0.11), rng.uniform(0.09, 0.13)
    seam = 0.7 * y
    parts = [
        Part(block(x, seam, z, 0.003), at(y=-seam / 2), "wood", grain=True),
        Part(block(x + 0.006, y - seam, z + 0.006, 0.005), at(y=-(y + seam) / 2 - 0.0015), "wood", grain=True),
        Part(block(0.62 * x, 0.42 * y, 0.008, 0.002), at(0, -0.36 * y, -z / 2 - 0.002), "plate"),
    ]  # fmt: skip
    count = int(rng.integers(3, 5))
    wheel = turned([(0, 0.006), (0.0125, 0.006), (0.0125, -0.006), (0, -0.006)], 0.0012, around=20)
    for k in range(count):
        place = ((k - (count - 1) / 2) * 0.019, -0.36 * y, -z / 2 - 0.006)
        parts.append(Part(wheel, at(*place, rz=90), "wheel"))
        parts.append(Part(block(0.0045, 0.007, 0.0008), at(place[0], place[1], place[2] - 0.0125), "digit", decal=True))
    parts += [
        Part(block(0.012, y * 0.9, 0.002, 0.0005), at(s * 0.43 * x, -0.5 * y, -z / 2 - 0.0022), "metal")
        for s in (-1, 1)
    ]
    parts.append(
        Part(
            tube(
                [
                    (-0.025, -y - 0.001, 0),
                    (-0.022, -y - 0.02, 0),
                    (0, -y - 0.024, 0),
                    (0.022, -y - 0.02, 0),
                    (0.025, -y - 0.001, 0),
                ],
                0.0038,
                18,
            ),
            at(),
            "metal",
        )
    )
    middle = -0.45 * y
    first = (-(count - 1) / 2) * 0.019
    dial = (first, -0.36 * y, -z / 2 - 0.0185)
    above, rim = (0, 0.6, 0.8), (first, -0.36 * y - 0.6 * 0.0125, -z / 2 - 0.006 - 0.8 * 0.0125)  # clear of the table
    holds = (
        *pair(Hold("flat", (x / 2, middle, 0), UP, (-1, 0, 0)), Hold("flat", (-x / 2, middle, 0), UP, X)),
        Hold("hook", (0, -y - 0.024, 0), X, DOWN), Hold("press", dial, X, Z), Hold("press", rim, X, above),
        Hold("flat", (0, -y - 0.0, -0.25 * z), X, DOWN),
        *pair(Hold("press", dial, (-1, 0, 0), Z), Hold("flat", (-x / 2, middle, 0), UP, X)),
    )  # fmt: skip
    return Design(tuple(parts), holds)


def combination_box_look(rng: Rng) -> Look:
    return {"wood": looks.wood(rng) if rng.random() < 0.6 else looks.paint(rng, gloss=0.2), "plate": looks.steel(rng),
        "wheel": looks.brass(rng),
            "digit": looks.dark(rng), "metal": looks.brass(rng) if rng.random() < 0.5 else looks.dark(rng)}  # fmt: skip
