"""Things that hold a drink or food: mug, cup, glass, bottle, spray bottle, can, jar, bowl, plate, teapot."""

import numpy as np

from handseg_lib.synth.objects import looks
from handseg_lib.synth.objects.builders import Look, Rng, band, disc, hollow, plank, tube, turned
from handseg_lib.synth.objects.design import DOWN, UP, Design, Hold, Part, around, at, pair
from handseg_lib.synth.objects.shapes import Lathe, pairs
from handseg_lib.synth.objects.surface import rounded, spline
from handseg_lib.synth.shading import Material


def mug(rng: Rng) -> Design:
    """A mug with a loop handle at +x."""
    r, h = rng.uniform(0.037, 0.044), rng.uniform(0.085, 0.105)
    foot = r * rng.uniform(0.8, 1.0)
    outer = rounded([(0, 0), (foot, 0), (r, -0.2 * h), (r, -h)], [0, 0.006, 0.01, 0])
    reach, thick = rng.uniform(0.026, 0.034), rng.uniform(0.0045, 0.006)
    top, low, x = -0.82 * h, -0.24 * h, r - 0.003
    bar = x + reach
    handle = tube([(x, top, 0), (x + reach * 0.6, top - 0.004, 0), (bar, top * 0.75, 0), (bar, low * 1.6, 0),
                   (x + reach * 0.55, low, 0), (x, low + 0.004, 0)], thick)  # fmt: skip
    parts = [Part(hollow(outer, 0.004), at(), ("glaze", "inside")), Part(handle, at(), "handle")]
    if rng.random() < 0.4:
        parts.append(Part(disc(r - 0.003, 0.004), at(y=-0.75 * h), "drink"))
    if rng.random() < 0.5:
        parts.append(Part(band(r, 0.38 * h, 0.68 * h, 0.0003, 40), at(), "band", decal=True))
    holds = (
        Hold("hook", (bar, -0.55 * h, 0), UP, (-1, 0, 0)),
        Hold("pinch", (bar, -0.6 * h, 0), UP, (-1, 0, 0)),
        *around(-0.5 * h, count=4),
        *pair(Hold("power", (0, -0.5 * h, 0), UP, (-1, 0, -0.3)), Hold("power", (0, -0.5 * h, 0), UP, (1, 0, -0.3))),
    )
    return Design(tuple(parts), holds)


def mug_look(rng: Rng) -> Look:
    glaze = looks.ceramic(rng)
    inside = glaze if rng.random() < 0.5 else looks.white(rng, 0.5)
    handle = glaze if rng.random() < 0.7 else inside
    band = looks.paint(rng, gloss=0.5)
    return {"glaze": glaze, "inside": inside, "handle": handle, "band": band,
            "drink": looks.paint(rng, (0.03, 0.015, 0.008), 0.4)}  # fmt: skip


def cup(rng: Rng) -> Design:
    """A paper cup to take away, with a sleeve and a lid."""
    r, h = rng.uniform(0.027, 0.031), rng.uniform(0.095, 0.13)
    top = r * rng.uniform(1.28, 1.4)
    low, high = r + (top - r) * 0.25, r + (top - r) * 0.72
    body = turned([(0, 0), (r, 0), (top, -h), (0, -h)])
    sleeve = Lathe(((low - 0.001, -0.25 * h), (low + 0.001, -0.25 * h), (high + 0.001, -0.72 * h),
                    (high - 0.001, -0.72 * h)), closed=True)  # fmt: skip
    lid = turned([(0, -h), (top + 0.003, -h), (top + 0.003, -h - 0.006), (top - 0.002, -h - 0.008),
                  (top - 0.004, -h - 0.016), (top - 0.008, -h - 0.016), (top - 0.009, -h - 0.012), (0, -h - 0.012)],
                  0.0015)  # fmt: skip
    sip = disc(0.004, 0.0006)
    parts = (Part(body, at(), "paper"), Part(sleeve, at(), "sleeve"), Part(lid, at(), "lid"),
             Part(sip, at(0, -h - 0.012, -top + 0.016), "hole", decal=True))  # fmt: skip
    return Design(parts, (*around(-0.48 * h, count=6), Hold("pinch", (0, -h - 0.004, 0), (1, 0, 0), DOWN)))


def cup_look(rng: Rng) -> Look:
    return {"paper": looks.white(rng, 0.05) if rng.random() < 0.7 else looks.paint(rng, gloss=0.05),
            "sleeve": looks.cardboard(rng) if rng.random() < 0.6 else looks.printed(rng, looks.vivid(rng), 0.009),
            "lid": looks.white(rng) if rng.random() < 0.5 else looks.dark(rng), "hole": looks.dark(rng)}  # fmt: skip


def glass(rng: Rng) -> Design:
    """A wine glass on its stem, or a tumbler."""
    if rng.random() < 0.5:
        r, h = rng.uniform(0.034, 0.04), rng.uniform(0.1, 0.14)
        outer = rounded([(0, 0), (r * 0.85, 0), (r, -h)], [0, 0.004, 0])
        return Design((Part(hollow(outer, 0.0025), at(), ("glass", "glass")),), around(-0.5 * h, count=6))
    r, stem = rng.uniform(0.034, 0.042), rng.uniform(0.07, 0.09)
    bowl = rng.uniform(0.075, 0.095)
    outer = spline([(0, -stem), (0.012, -stem - 0.003), (r * 0.86, -stem - 0.3 * bowl), (r, -stem - 0.5 * bowl),
                    (r * 0.93, -stem - 0.8 * bowl), (r * 0.84, -stem - bowl)], 14)  # fmt: skip
    outer[0] = (0, -stem)
    foot = turned([(0, 0), (0.034, 0), (0.034, -0.002), (0.008, -0.006), (0.0042, -0.02), (0.0036, -stem * 0.6),
                   (0.006, -stem + 0.002), (0.008, -stem - 0.003), (0, -stem - 0.003)],
                   [0, 0.001, 0.001, 0.01, 0.01, 0.01, 0, 0, 0])  # fmt: skip
    holds = (*around(-0.65 * stem, "pinch", 4), *around(-stem - 0.45 * bowl, count=3))
    return Design((Part(hollow(outer, 0.0022), at(), ("glass", "glass")), Part(foot, at(), "glass")), holds)


def glass_look(rng: Rng) -> Look:
    return {"glass": looks.glass(rng)}


def bottle(rng: Rng) -> Design:
    """A bottle with a label and a cap: from a squat juice bottle to a wine bottle."""
    r, h = rng.uniform(0.03, 0.041), rng.uniform(0.2, 0.31)
    neck, shoulder = rng.uniform(0.011, 0.014), rng.uniform(0.52, 0.68)
    throat = shoulder + rng.uniform(0.12, 0.2)
    low, high = 0.12, shoulder - 0.08
    middle = (low + high) / 2 * h
    body = turned(
        [(0, 0), (r, 0), (r, -low * h), (r, -high * h), (r, -shoulder * h), (neck, -throat * h), (neck, -h),
         (neck - 0.002, -h), (neck - 0.002, -h + 0.03), (0, -h + 0.03)],  # the neck is open under the cap
        [0, 0.006, 0, 0, 0.03, 0.03, 0, 0, 0, 0], (0,) * 9,
    )  # fmt: skip
    label, stripe = band(r, low * h, high * h), band(r, middle - 0.012, middle + 0.012, 0.0009)
    cap = turned([(0, -h + 0.018), (neck + 0.0025, -h + 0.018), (neck + 0.0025, -h - 0.004), (0, -h - 0.004)], 0.0015)
    parts = (Part(body, at(), "body"), Part(label, at(), "label", decal=True),
             Part(stripe, at(), "band", decal=True), Part(cap, at(), "cap"))  # fmt: skip
    holds = (
        *around(-0.38 * h),
        *around(-(throat + 0.04) * h, count=3),
        Hold("pinch", (0, -h + 0.006, 0), (1, 0, 0), DOWN),
    )
    return Design(parts, holds)


def bottle_look(rng: Rng) -> Look:
    body = looks.tinted_glass(rng) if rng.random() < 0.55 else looks.plastic(rng)
    label = looks.printed(rng, looks.white(rng).albedo if rng.random() < 0.5 else None)
    return {"body": body, "label": label, "band": looks.paint(rng, looks.vivid(rng), 0.1), "cap": looks.plastic(rng)}


def spray_bottle(rng: Rng) -> Design:
    """A cleaner's spray bottle: the nozzle points to -x, the trigger hangs below it."""
    r, h = rng.uniform(0.034, 0.04), rng.uniform(0.15, 0.185)
    body = turned(
        [(0, 0), (r, 0), (r, -0.62 * h), (0.016, -0.94 * h), (0.014, -h), (0, -h)], [0, 0.008, 0.04, 0.02, 0, 0]
    )
    label = band(r, 0.15 * h, 0.52 * h)
    collar = turned([(0, -h + 0.012), (0.017, -h + 0.012), (0.017, -h - 0.008), (0, -h - 0.008)], 0.002)
    outline = [
        (0.03, 0.012),
        (0.012, 0.002),
        (-0.014, 0.0),
        (-0.05, 0.012),
        (-0.05, 0.03),
        (0.012, 0.036),
        (0.036, 0.03),
    ]
    head = plank(outline, 0.024, 0.006, 0.003)
    nozzle = turned([(0, 0), (0.008, 0), (0.008, -0.012), (0, -0.012)], 0.001)
    trigger = tube(
        [(-0.022, 0.012, 0), (-0.028, 0.026, 0), (-0.026, 0.042, 0), (-0.034, 0.056, 0)],
        (0.0055, 0.005, 0.0045, 0.0035),
        10,
    )
    top = -h - 0.006
    parts = (
        Part(body, at(), "body"), Part(label, at(), "label", decal=True), Part(collar, at(), "head"),
        Part(head, at(y=top, rx=90), "head"), Part(nozzle, at(-0.049, top - 0.021, 0, rz=-90), "trigger"),
        Part(trigger, at(y=top - 0.012), "trigger"),
    )  # fmt: skip
    neck = Hold("power", (0, -0.93 * h, 0), UP, (-1, 0, 0))
    return Design(parts, (neck, Hold("power", (0, -0.93 * h, 0), UP, (-0.8, 0, 0.6)), *around(-0.35 * h, count=3)))


def spray_bottle_look(rng: Rng) -> Look:
    head, trigger = looks.plastic(rng), looks.plastic(rng, looks.vivid(rng))
    body = looks.white(rng) if rng.random() < 0.4 else looks.plastic(rng, looks.vivid(rng))
    return {"body": body, "label": looks.printed(rng, period=0.008), "head": head, "trigger": trigger}


def can(rng: Rng) -> Design:
    """A drinks can with its tab."""
    r, h = rng.choice([0.0285, 0.033]), rng.uniform(0.115, 0.155)
    profile = [(0, -0.006), (r * 0.7, -0.006), (r * 0.75, 0), (r * 0.82, -0.002), (r, -0.012), (r, -0.42 * h),
        (r, -0.6 * h),
               (r, -h + 0.014), (r * 0.84, -h + 0.002), (r * 0.84, -h), (r * 0.8, -h), (r * 0.78, -h + 0.004),
               (0, -h + 0.004)]  # fmt: skip
    body = turned(profile, 0.001, (0, 0, 0, 1, 1, 2, 1, 1, 0, 0, 0, 0))
    ring = tube([(0.006 * np.cos(a), 0, 0.009 * np.sin(a)) for a in np.arange(8) * np.pi / 4], 0.0012, 16, closed=True)
    parts = (Part(body, at(), ("metal", "body", "band")), Part(ring, at(0, -h + 0.003, -0.006), "metal", decal=True))
    return Design(parts, (*around(-0.5 * h), Hold("pinch", (0, -h + 0.008, 0), (1, 0, 0), DOWN)))


def can_look(rng: Rng) -> Look:
    body, band = looks.paint(rng, looks.vivid(rng), 0.6), looks.paint(rng, gloss=0.6)
    if rng.random() < 0.5:
        band = looks.printed(rng, band.albedo, 0.012)
    return {"metal": looks.steel(rng), "body": body, "band": band}


def jar(rng: Rng) -> Design:
    """A jam jar with a label and a wide lid."""
    r, h = rng.uniform(0.032, 0.042), rng.uniform(0.075, 0.125)
    body = turned([(0, 0), (r, 0), (r, -0.22 * h), (r, -0.7 * h), (r, -0.85 * h), (r * 0.85, -h), (0, -h)],
                  [0, 0.006, 0, 0, 0.008, 0.004, 0])  # fmt: skip
    label = band(r, 0.22 * h, 0.7 * h)
    lid = turned([(0, -h + 0.004), (r * 0.93, -h + 0.004), (r * 0.93, -h - 0.012), (0, -h - 0.012)], 0.002)
    parts = (Part(body, at(), "glass"), Part(label, at(), "label", decal=True), Part(lid, at(), "lid"))
    top = Hold("pinch", (0, -h - 0.004, 0), (1, 0, 0), DOWN)
    open_it = pair(
        Hold("power", (0, -h - 0.004, 0), (-0.7, 0, -0.7), DOWN), Hold("power", (0, -0.45 * h, 0), UP, (1, 0, -0.3))
    )
    return Design(parts, (*around(-0.45 * h), top, *open_it))


def jar_look(rng: Rng) -> Look:
    content = looks.paint(rng, looks.vivid(rng), 0.9) if rng.random() < 0.6 else looks.glass(rng)
    lid = looks.paint(rng, gloss=0.4)
    if rng.random() < 0.4:
        lid = Material(lid.albedo, "checks", looks.grey(0.8), 0.012, 0.3, lid.infrared)
    return {"glass": content, "label": looks.printed(rng, looks.white(rng).albedo), "lid": lid}


def bowl(rng: Rng) -> Design:
    """A bowl on a foot."""
    r, h = rng.uniform(0.065, 0.09), rng.uniform(0.045, 0.07)
    foot = r * rng.uniform(0.42, 0.55)
    outer = rounded(
        [(0, 0), (foot, 0), (foot, -0.005), (0.8 * r, -0.35 * h), (r, -h)], [0, 0.002, 0.003, 0.03, 0], steps=6
    )
    rim, wall = (r - 0.004, -h + 0.006, 0), 0.004
    holds = (
        Hold("pinch", rim, (0, 0, 1), DOWN), Hold("pinch", rim, (0, 0, -1), (-0.9, 0.4, 0)),
        Hold("flat", (0, 0, 0), (0, 0, -1), UP), Hold("flat", (0, 0, 0), (-1, 0, 0), UP),
        *pair(Hold("pinch", rim, UP, (-1, 0, 0.6)), Hold("pinch", (-rim[0], rim[1], 0), UP, (1, 0, 0.6))),
    )  # fmt: skip
    return Design((Part(hollow(outer, wall), at(), ("outside", "inside")),), holds)


def bowl_look(rng: Rng) -> Look:
    outside = looks.ceramic(rng) if rng.random() < 0.8 else looks.wood(rng)
    inside = looks.white(rng, 0.5) if rng.random() < 0.4 else outside
    return {"outside": outside, "inside": inside}


def plate(rng: Rng) -> Design:
    """A flat plate with a coloured rim."""
    r, h = rng.uniform(0.1, 0.13), rng.uniform(0.016, 0.024)
    well = r * rng.uniform(0.6, 0.7)
    outer = rounded(
        [(0, 0), (well, 0), (well * 1.12, -0.6 * h), (0.93 * r, -0.92 * h), (r, -h)], [0, 0.006, 0.01, 0, 0]
    )
    shape = hollow(outer, 0.0045, 56)
    k = len(outer)
    tags = [0] * (k - 1) + [2, 2, 2] + [1] * (len(shape.tags) - k - 2)
    shape = Lathe(shape.profile, tuple(tags), 56)
    edge = (r - 0.012, -h * 0.9, 0)
    far = (-edge[0], edge[1], 0)
    holds = (
        Hold("pinch", edge, (0, 0, 1), (-1, 0, 0)), Hold("pinch", edge, (0, 0, -1), (-1, 0, 0)),
        Hold("flat", (0, 0, 0), (0, 0, -1), UP), Hold("flat", (0, 0, 0), (1, 0, 0), UP),
        *pair(Hold("pinch", edge, (0, 0, -1), (-1, 0, 0)), Hold("pinch", far, (0, 0, -1), (1, 0, 0))),
    )  # fmt: skip
    return Design((Part(shape, at(), ("glaze", "glaze", "rim")),), holds)


def plate_look(rng: Rng) -> Look:
    glaze = looks.white(rng, 0.5) if rng.random() < 0.5 else looks.ceramic(rng)
    return {"glaze": glaze, "rim": looks.paint(rng, looks.vivid(rng), 0.5)}


def teapot(rng: Rng) -> Design:
    """A round teapot: the spout points to -x, the handle to +x."""
    r, h = rng.uniform(0.055, 0.07), rng.uniform(0.095, 0.12)
    side = [(0.6 * r, 0), (1.05 * r, -0.2 * h), (1.1 * r, -0.6 * h), (0.75 * r, -0.95 * h), (0.45 * r, -h)]
    body = Lathe(pairs(np.concatenate([[(0, 0)], rounded(side, 0.05, steps=6), [(0, -h)]])), around=44)
    lid = turned(
        [(0, -h + 0.004), (0.5 * r, -h + 0.004), (0.5 * r, -h - 0.002), (0.25 * r, -h - 0.012), (0, -h - 0.014)],
        [0, 0.001, 0.003, 0.01, 0],
    )
    knob = turned(
        [(0, 0), (0.004, 0), (0.004, -0.006), (0.009, -0.012), (0.006, -0.02), (0, -0.021)],
        [0, 0, 0.002, 0.006, 0.006, 0],
    )
    spout = tube([(-0.85 * r, -0.3 * h, 0), (-1.3 * r, -0.42 * h, 0), (-1.55 * r, -0.75 * h, 0),
        (-1.85 * r, -0.98 * h, 0)],
                 (0.019, 0.014, 0.0095, 0.0075), 14)  # fmt: skip
    bar = 1.85 * r
    handle = tube([(0.8 * r, -0.86 * h, 0), (1.3 * r, -0.98 * h, 0), (bar, -0.75 * h, 0), (1.78 * r, -0.4 * h, 0),
                   (1.3 * r, -0.2 * h, 0), (0.95 * r, -0.22 * h, 0)], 0.0062, 20)  # fmt: skip
    parts = (Part(body, at(), "glaze"), Part(lid, at(), "lid"), Part(knob, at(y=-h - 0.013), "lid"),
             Part(spout, at(), "glaze"), Part(handle, at(), "handle"))  # fmt: skip
    holds = (
        Hold("hook", (bar - 0.002, -0.62 * h, 0), UP, (-1, 0, 0)),
        Hold("pinch", (0, -h - 0.027, 0), (1, 0, 0), DOWN),
        *pair(
            Hold("hook", (bar - 0.002, -0.62 * h, 0), UP, (-1, 0, 0)),
            Hold("pinch", (0, -h - 0.027, 0), (-1, 0, 0), DOWN),
        ),
    )
    return Design(parts, holds)


def teapot_look(rng: Rng) -> Look:
    glaze = looks.ceramic(rng)
    lid = glaze if rng.random() < 0.6 else looks.ceramic(rng)
    return {"glaze": glaze, "lid": lid, "handle": glaze if rng.random() < 0.6 else lid}
