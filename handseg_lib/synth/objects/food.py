"""Fruit and toys: banana, apple, carrot, ball, toy car, cube."""

import numpy as np

from handseg_lib.synth.objects import looks
from handseg_lib.synth.objects.builders import Look, Rng, block, disc, plank, tube, turned
from handseg_lib.synth.objects.design import DOWN, UP, Design, Hold, Part, around, at, lying, pair
from handseg_lib.synth.objects.freeform import bent, loft
from handseg_lib.synth.objects.shapes import Lathe, pairs
from handseg_lib.synth.objects.surface import spline
from handseg_lib.synth.shading import Material

X, Z = (1, 0, 0), (0, 0, 1)


def banana(rng: Rng) -> Design:
    """A banana lying on its side, its stalk at +x."""
    radius, sweep = rng.uniform(0.085, 0.115), rng.uniform(1.35, 1.7)
    thick = rng.uniform(0.0155, 0.0185)
    s = np.linspace(-0.02, 1.16, 40)
    angle = (s - 0.5) * sweep
    line = np.stack([radius * np.sin(angle), 0 * s, radius * (1 - np.cos(angle))], 1)
    size = thick * np.interp(
        s,
        [-0.02, 0.0, 0.05, 0.15, 0.45, 0.8, 0.95, 1.05, 1.13, 1.16],
        [0.2, 0.26, 0.5, 0.82, 1.0, 0.88, 0.5, 0.24, 0.24, 0.27],
    )
    size = np.convolve(np.pad(size, 2, mode="edge"), np.ones(5) / 5, "valid")
    tags = np.where((s[:-1] < 0.02) | (s[:-1] > 1.12), 1, 0)
    body = loft(line, size, size, power=1.9, around=10, tags=tags)
    middle = line[20]
    end = line[34]
    way = line[36] - line[32]
    holds = (
        *lying("power", middle, sides=True),
        *lying("power", middle, (-1, 0, 0)),
        Hold("pinch", end, way, DOWN),
        Hold("pinch", end, way, UP),
    )
    return Design((Part(body, at(), ("peel", "tip")),), holds)


def banana_look(rng: Rng) -> Look:
    green = rng.random() < 0.25
    rgb = looks.hsv(0.2 if green else float(rng.uniform(0.135, 0.155)), 0.95, float(rng.uniform(0.55, 0.75)))
    peel = Material(
        rgb, "speckle", looks.times(rgb, 0.35 if rng.random() < 0.5 else 0.9), 0.016, 0.1, looks.infrared(rng, 0.65)
    )
    return {"peel": peel, "tip": looks.paint(rng, (0.06, 0.04, 0.015), 0.05)}


def apple(rng: Rng) -> Design:
    """An apple with its stalk and a leaf."""
    r = rng.uniform(0.034, 0.042)
    side = [
        (0.0, -0.14),
        (0.22, -0.03),
        (0.5, 0.0),
        (0.86, -0.45),
        (1.0, -0.95),
        (0.9, -1.5),
        (0.56, -1.78),
        (0.25, -1.68),
        (0.0, -1.5),
    ]
    line = spline(np.array(side) * r, 30)
    line[:, 0] = np.maximum(line[:, 0], 0)
    line[[0, -1], 0] = 0
    body = Lathe(pairs(line), around=36)
    stalk = tube(
        [(0, -1.5 * r, 0), (0.001, -1.75 * r, 0), (0.005, -2.0 * r, 0.001)], (0.0014, 0.0014, 0.002), 7, around=8
    )
    parts = [Part(body, at(), "peel"), Part(stalk, at(), "stalk")]
    if rng.random() < 0.6:
        t = np.linspace(0, 1, 14)
        leaf = loft(
            np.stack([t * 0.032, -0.01 * np.sin(2.4 * t), 0 * t], 1),
            0.0085 * np.sin(np.pi * t) ** 0.8 + 0.0004,
            np.full(14, 0.0006),
            around=12,
        )
        parts.append(Part(leaf, at(0.002, -1.84 * r, 0, ry=rng.uniform(0, 360)), "leaf"))
    centre = (0, -0.92 * r, 0)
    holds = (*around(-0.92 * r, count=4), Hold("power", centre, X, DOWN), Hold("power", centre, Z, DOWN),
        Hold("pinch", centre, X, DOWN),
             Hold("power", centre, X, UP))  # fmt: skip
    return Design(tuple(parts), holds)


def apple_look(rng: Rng) -> Look:
    rgb = ((0.4, 0.01, 0.015), (0.25, 0.42, 0.04), (0.3, 0.005, 0.02), (0.5, 0.48, 0.05))[rng.integers(4)]
    second = looks.times(rgb, float(rng.uniform(0.5, 1.5)))
    peel = Material(rgb, "clouds", second, 0.03, 0.35, looks.infrared(rng, 0.65))
    return {
        "peel": peel,
        "stalk": looks.paint(rng, (0.06, 0.035, 0.015), 0.05),
        "leaf": looks.paint(rng, (0.04, 0.2, 0.03), 0.15),
    }


def carrot(rng: Rng) -> Design:
    """A carrot with its green: the point at +x."""
    r, long = rng.uniform(0.014, 0.02), rng.uniform(0.14, 0.19)
    t = np.linspace(0, 1, 30)
    size = r * np.interp(t, [0, 0.015, 0.05, 0.12, 0.6, 0.93, 1], [0.3, 0.62, 0.88, 1.0, 0.62, 0.2, 0.06])
    size = size * (1 + 0.035 * np.sin(t * 61.0) * (t > 0.03))
    unit = Lathe(pairs(np.concatenate([[(0, 0)], np.stack([size, -t * long], 1), [(0, -long)]])), around=24).surface()
    bow = rng.uniform(-0.01, 0.01)
    body = bent(unit, lambda p: p + np.stack([0 * p[:, 0], 0 * p[:, 0], bow * np.sin(np.pi * p[:, 1] / -long)], 1))
    parts = [Part(body, at(rz=90), "root")]
    for _ in range(6):
        a, b = rng.uniform(-0.5, 0.5), rng.uniform(-0.15, 0.45)
        out = rng.uniform(0.045, 0.075)
        tip = (-out, -out * b, out * a)
        leaf = tube(
            [(0.004, 0, 0), (-0.4 * out, -0.15 * out * b, 0.3 * out * a), tip], (0.0018, 0.0016, 0.0048), 7, around=8
        )
        parts.append(Part(leaf, at(), "green"))
    middle = (0.4 * long, 0, 0)
    holds = (
        *lying("power", middle, sides=True),
        *lying("power", middle, (-1, 0, 0)),
        *lying("pinch", (0.1 * long, 0, 0)),
    )
    return Design(tuple(parts), holds, settle=True)


def carrot_look(rng: Rng) -> Look:
    rgb = looks.hsv(float(rng.uniform(0.055, 0.075)), 0.96, float(rng.uniform(0.6, 0.75)))
    root = Material(rgb, "clouds", looks.times(rgb, 0.7), 0.02, 0.08, looks.infrared(rng, 0.65))
    return {"root": root, "green": looks.paint(rng, (0.05, 0.26, 0.03), 0.05)}


def ball(rng: Rng) -> Design:
    """A ball: a football, a tennis ball, a beach ball of six colours, or a plain one."""
    kind = int(rng.integers(4))
    r = (0.075, 0.0335, 0.085, 0.036)[kind] * rng.uniform(0.92, 1.08)
    t = np.linspace(0, np.pi, 33)
    profile = np.stack([r * np.sin(t), r * np.cos(t)], 1)
    profile[[0, -1], 0] = 0
    shape = Lathe(pairs(profile), around=48)
    turn = at(rx=rng.uniform(0, 360), ry=rng.uniform(0, 360))
    sector = lambda c: np.floor(np.arctan2(c[:, 2], c[:, 0]) / (np.pi / 3) + 3) % 6  # noqa: E731
    if kind == 2:
        part = Part(shape, turn, ("a", "white", "b", "white", "c", "white"), tag=sector)
    else:
        part = Part(shape, turn, ("football", "tennis", "", "plain")[kind], grain=True)
    holds = [
        Hold("power", (0, 0, 0), X, DOWN),
        Hold("power", (0, 0, 0), Z, DOWN),
        Hold("power", (0, 0, 0), X, UP),
        *around(0, count=4),
    ]
    if r > 0.05:
        holds = [Hold("flat", (0, r, 0), (0, 0, -1), UP), Hold("flat", (0, -r, 0), X, DOWN)]
    holds += pair(Hold("flat", (r, 0, 0), UP, (-1, 0, 0)), Hold("flat", (-r, 0, 0), UP, X))
    holds += pair(
        Hold("flat", (0.7 * r, 0.714 * r, 0), X, (-0.7, -0.714, 0)),
        Hold("flat", (-0.7 * r, 0.714 * r, 0), (-1, 0, 0), (0.7, -0.714, 0)),
    )
    return Design((part,), tuple(holds))


def ball_look(rng: Rng) -> Look:
    black = looks.grey(0.02) if rng.random() < 0.6 else looks.vivid(rng)
    tennis = looks.hsv(0.19, 0.85, 0.7)
    return {
        "football": Material(looks.grey(0.75), "football", black, 1.0, 0.3, 0.6),
        "tennis": Material(tennis, "seam", looks.grey(0.8), 1.0, 0.0, 0.6),
        "plain": looks.plastic(rng),
        "a": looks.plastic(rng, looks.vivid(rng)), "b": looks.plastic(rng, looks.vivid(rng)),
            "c": looks.plastic(rng, looks.vivid(rng)),
        "white": looks.white(rng),
    }  # fmt: skip


def toy_car(rng: Rng) -> Design:
    """A toy car: its front at -x."""
    x, z = rng.uniform(0.075, 0.12), 0.0
    z, r = 0.42 * x, 0.115 * x
    side = [(-0.5, 0.09), (-0.49, 0.27), (-0.2, 0.32), (0.42, 0.33), (0.5, 0.3), (0.5, 0.09)]
    cabin = [(-0.22, 0.3), (-0.08, 0.52), (0.26, 0.53), (0.38, 0.3)]
    pane = [(-0.15, 0.335), (-0.055, 0.49), (0.075, 0.49), (0.075, 0.335)]
    rear = [(0.105, 0.335), (0.105, 0.49), (0.235, 0.495), (0.32, 0.335)]
    flat = lambda outline, width, corner: plank(np.array(outline) * x, width, corner * x, 0.0012)  # noqa: E731
    parts = [Part(flat(side, z, 0.04), at(rx=90), "body"), Part(flat(cabin, 0.8 * z, 0.03), at(rx=90), "roof")]
    parts += [
        Part(plank(np.array(w) * x, 0.8 * z + 0.001, 0.01 * x), at(rx=90), "window", decal=True) for w in (pane, rear)
    ]
    slope = np.degrees(np.arctan2(0.22, 0.14))
    parts.append(
        Part(block(0.19 * x, 0.0012, 0.66 * z), at(-0.152 * x, -0.408 * x, 0, rz=-slope), "window", decal=True)
    )
    wheel = turned(
        [(0, 0), (r, 0), (r, -0.13 * x), (0.6 * r, -0.13 * x), (0.55 * r, -0.12 * x), (0, -0.12 * x)],
        [0, 0.001, 0.001, 0, 0, 0],
        (0, 0, 0, 1, 1),
        around=26,
    )
    for px in (-0.3, 0.3):
        for way in (1, -1):
            parts.append(Part(wheel, at(px * x, -r, way * (z / 2 - 0.1 * x), rx=-90 * way), ("tyre", "hub")))
    parts += [
        Part(disc(0.045 * x, 0.003), at(-0.495 * x, -0.21 * x, way * 0.33 * z, rz=-90), "lamp") for way in (1, -1)
    ]
    middle = (0, -0.3 * x, 0)
    holds = (Hold("power", middle, X, DOWN), Hold("power", middle, (-1, 0, 0), DOWN),
        Hold("pinch", (0.05 * x, -0.4 * x, 0), X, DOWN),
             Hold("pinch", middle, Z, DOWN), Hold("flat", (0, 0, 0), X, UP))  # fmt: skip
    return Design(tuple(parts), holds)


def toy_car_look(rng: Rng) -> Look:
    body = looks.paint(rng, looks.vivid(rng), 0.6)
    return {"body": body, "roof": body if rng.random() < 0.6 else looks.paint(rng, gloss=0.6),
        "tyre": looks.dark(rng), "hub": looks.steel(rng),
            "window": Material((0.05, 0.08, 0.11), gloss=1.0, infrared=0.1),
                "lamp": looks.paint(rng, (0.8, 0.75, 0.4), 0.9)}  # fmt: skip


def cube(rng: Rng) -> Design:
    """A magic cube of 3 x 3 x 3 stickers a side, half solved."""
    size = rng.uniform(0.052, 0.06)
    cell = size / 3
    parts = [Part(block(size, size, size, 0.002), at(), "black")]
    names = ("white", "yellow", "red", "orange", "green", "blue")
    faces = [at(), at(rx=180), at(rx=90), at(rx=-90), at(rz=90), at(rz=-90)]
    mixed = rng.random() < 0.7
    for k, face in enumerate(faces):
        for i in (-1, 0, 1):
            for j in (-1, 0, 1):
                name = names[int(rng.integers(6))] if mixed and rng.random() < 0.7 else names[k]
                parts.append(
                    Part(
                        block(cell * 0.84, 0.0006, cell * 0.84),
                        face @ at(i * cell, -size / 2, j * cell),
                        name,
                        decal=True,
                    )
                )
    holds = (Hold("power", (0, 0, 0), X, DOWN), Hold("pinch", (0, 0, 0), X, DOWN), Hold("pinch", (0, 0, 0), Z, DOWN),
        *around(0, count=3),
             *pair(Hold("pinch", (size / 3, 0, 0), (0, 0, -1), (-1, 0, 0)),
             Hold("pinch", (-size / 3, 0, 0), (0, 0, -1), X)))  # fmt: skip
    return Design(tuple(parts), holds)


def cube_look(rng: Rng) -> Look:
    colours = {"white": (0.78, 0.78, 0.78), "yellow": (0.8, 0.62, 0.02), "red": (0.5, 0.01, 0.02),
        "orange": (0.8, 0.2, 0.01),
               "green": (0.01, 0.35, 0.06), "blue": (0.01, 0.06, 0.45)}  # fmt: skip
    return {"black": looks.dark(rng), **{name: looks.paint(rng, rgb, 0.3) for name, rgb in colours.items()}}
