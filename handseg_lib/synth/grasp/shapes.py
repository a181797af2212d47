"""How a hand is held before it closes, for each type of grip: joint angles, and where the object will be in the hand.

All in the right hand's frame. A grip's own frame has the axis across the palm (thumb side) as x, the direction in
which the fingers point as y, and the approach from the palm to the object as z.
"""

from dataclasses import dataclass

import numpy as np

from handseg_lib.synth.hand.points import Array, HandPoints, axis_of
from handseg_lib.synth.hand.shape import turn

_D = np.pi / 180
# Thumb, index and middle finger as the pulps of thumb and fingers part, in degrees: solved for pulps that face each
# other over the given gap, for a hand of middling size. The ring and the little finger go along.
PINCH_GAPS = np.array([0.0, 0.03, 0.06, 0.10])
PINCH = np.array([
    [4, 47, 0, 13, -4, 61, -2, 41, 22, 61, -1, 49, 26],
    [8, 43, 3, 17, 2, 40, -4, 32, 17, 40, 1, 39, 21],
    [15, 56, 3, 21, 9, 31, -5, 27, 14, 31, 1, 33, 18],
    [15, 62, -1, 18, 10, 0, -5, 34, 19, 1, 1, 41, 23],
]) * _D  # fmt: skip
TRIPOD = np.array([[11, 40, 1, 12, 4, 47, -8, 50, 23, 50, 10, 52, 27],
                   [16, 45, 1, 15, 9, 52, -5, 44, 20, 54, 6, 51, 26]]) * _D  # fmt: skip
TRIPOD_RADII = (0.004, 0.006)
THICK_PEN = 0.017
"""What is thicker is held between the pulps instead, metres."""


@dataclass(frozen=True)
class Preshape:
    """A hand about to close.

    Attributes:
        thumb, fingers: (5,) and (4, 4) angles in radians.
        turn: (3, 3) rotation from the hand frame to the grip's frame.
        centre: (3,) the point of the hand frame that goes to the grip's centre, metres.
        phases: (P, 4, 4) rates of `close_fingers`.
        limit: (4, 4) angles beyond which fingers do not close.
        advance: metres that the hand may move forwards until it touches; 0: it only makes room for the palm;
            negative: it stays.
        thumb_target: (3,) in the hand frame, where the thumb's pulp goes; None: the thumb closes along `thumb_rate`.
        thumb_rate: (5,) how the thumb closes in the end.
    """

    thumb: Array
    fingers: Array
    turn: Array
    centre: Array
    phases: Array
    limit: Array
    advance: float
    thumb_target: Array | None
    thumb_rate: Array


WRAP = np.array([[[1, 0, 0.35, 0.12]] * 4, [[0, 0, 1, 0.45]] * 4, [[0, 0, 0, 1]] * 4])
CURL = np.array([[[1, 0, 0.7, 0.35]] * 4, [[0, 0, 1, 0.5]] * 4, [[0, 0, 0, 1]] * 4])
FULL = np.tile(np.array([92, 22, 108, 78]) * _D, (4, 1))
STRAIGHT = np.radians([[-10.0, 3, 4, 2], [-10, 0, 4, 2], [-10, -2, 4, 2], [-10, -5, 4, 2]])
FLEX_THUMB = np.array([0, 0.15, 0, 0.6, 1.0])


def preshape(kind: str, width: float, front: float, points: HandPoints, rng: np.random.Generator) -> Preshape:
    """One way to begin a grip, a little different each time.

    Args:
        kind: type of the grip, as in `Grip.type`.
        width: thickness between thumb and fingers, metres.
        front: how far the object goes on from the grip's centre, away from the palm, metres.
        points: whose hand.
        rng: decides the variation.

    Raises:
        ValueError: for a type that no hand knows.
    """
    if kind not in SHAPES:
        raise ValueError(f"no way to hold a grip of type {kind!r} is known; there are {', '.join(SHAPES)}")
    return SHAPES[kind](width, front, points, rng)


def _power(width: float, front: float, points: HandPoints, rng: np.random.Generator) -> Preshape:
    """The object lies across the palm, thin ones obliquely; fingers come around one side, the thumb the other."""
    scale = points.shape.length / 0.186
    oblique = np.radians(np.interp(width, (0.02, 0.08), (24, 6)) + rng.normal(0, 5))
    pitch = np.radians(rng.normal(0, 6))
    spread = np.radians(np.array([4, 1, -3, -7]) * np.interp(width, (0.03, 0.09), (0.2, 1)) + rng.normal(0, 1.2, 4))
    bend = rng.uniform(0, 1)  # from a straight hand, for flat things, to one as round as a bottle
    fingers = np.tile(np.radians([26 * bend - 2, 0, 14 * bend + 6, 6 * bend + 3]), (4, 1))
    fingers[:, 1] = spread
    along = np.interp(width, (0.02, 0.05, 0.08), (0.074, 0.076, 0.087)) * scale + rng.normal(0, 0.004)
    centre = np.array([0.0, along, 0.018 * scale + width / 2])
    # Around something round the thumb gets before it; along something flat it lies on the edge.
    before = min(front, width / 2)
    target = centre + np.array([0.014 * scale, -0.5 * width + 0.5 * before, 0.84 * before])
    return Preshape(
        thumb=np.radians([45.0, 30, 0, 0, 0]), fingers=fingers, turn=turn(0, pitch) @ turn(2, -oblique), centre=centre,
        phases=WRAP, limit=FULL, advance=0.02 + width / 2, thumb_target=target, thumb_rate=FLEX_THUMB,
    )  # fmt: skip


def _pinch_angles(gap: float) -> Array:
    """(13,) angles of thumb, index and middle finger with their pulps `gap` metres apart."""
    return np.array([np.interp(gap, PINCH_GAPS, PINCH[:, k]) for k in range(13)])


def _pinch(width: float, front: float, points: HandPoints, rng: np.random.Generator) -> Preshape:
    """Pulps of thumb, index and middle finger face each other over the object; the others help on wide ones."""
    scale = points.shape.length / 0.186
    open_ = _pinch_angles((width + 0.014) / scale)
    # The thumb comes from farther away: its edge meets the object before its pulp does.
    away, shut = (_pinch_angles(gap / scale)[:5] for gap in (width + 0.045, max(width - 0.02, 0)))
    fingers = np.zeros((4, 4))
    fingers[:2] = open_[5:].reshape(2, 4)
    slack = np.radians(rng.uniform(2, 14))
    helping = width > 0.035
    for k in (2, 3):
        more = 0.0 if helping else slack * (k - 1)
        fingers[k] = fingers[1] + (more, np.radians((-3, -8)[k - 2]), more, 0.5 * more)
    alone = width < 0.012 and rng.random() < 0.4  # thumb and index only, the middle finger bent away or stretched
    if alone:
        fingers[1:] += np.radians([rng.choice([-14.0, 14.0]), 0, 4, 2])
    rates = np.tile(np.array([1, 0, 0.45, 0.2]), (4, 1))
    limit = fingers + np.radians([[45, 22, 30, 20], [45, 22, 30, 20], [45, 22, 30, 20], [45, 22, 30, 20]])
    if not helping:
        limit[2:] = fingers[2:] + np.radians([6, 22, 6, 4])
    if alone:
        limit[1] = fingers[1] + np.radians([4, 22, 4, 2])
    pads, _ = points.pads(np.array([1, 2]), fingers[:2])
    thumb_pad, _ = points.pads(np.array([0]), open_[None, :5])
    finger_pad = pads[0] if alone else pads.mean(0)
    frame = _opposed(finger_pad - thumb_pad[0], np.array([1.0, 0, 0]))
    wobble = turn(1, np.radians(rng.normal(0, 5))) @ turn(0, np.radians(rng.normal(0, 5)))
    rate = shut - away
    rate /= max(np.abs(rate).max(), 1e-9)  # nothing to close where it begins shut
    return Preshape(
        thumb=away, fingers=fingers, turn=wobble @ frame, centre=(finger_pad + thumb_pad[0]) / 2,
        phases=np.stack([rates, np.tile([0, 0, 0.6, 0.4], (4, 1)), np.zeros((4, 4))]), limit=np.minimum(limit, FULL),
        advance=0.0, thumb_target=None, thumb_rate=rate,
    )  # fmt: skip


def _opposed(across: Array, side: Array) -> Array:
    """(3, 3) rotation to the grip's frame for a hand whose pulps part along `across`; `side` is the thumb's side."""
    y = across / np.sqrt((across * across).sum())
    x = side - y * (side * y).sum()
    x /= np.sqrt((x * x).sum())
    return np.stack([x, y, np.cross(x, y)])


def _tripod(width: float, front: float, points: HandPoints, rng: np.random.Generator) -> Preshape:
    """A pen between thumb, index and the side of the middle finger, its tail (the grip's +x) on the web."""
    if width > THICK_PEN:
        return _pinch(width, front, points, rng)
    radius = width / 2
    share = float(np.clip((radius - TRIPOD_RADII[0]) / (TRIPOD_RADII[1] - TRIPOD_RADII[0]), -0.5, 1.5))
    angles = TRIPOD[0] + share * (TRIPOD[1] - TRIPOD[0])
    fingers = np.zeros((4, 4))
    fingers[:2] = angles[5:].reshape(2, 4)
    curl = np.radians(rng.uniform(4, 12))
    fingers[2] = fingers[1] + (curl, np.radians(-11), 0.8 * curl, 0.4 * curl)
    fingers[3] = fingers[2] + (0.6 * curl, np.radians(-3), 0.5 * curl, 0.2 * curl)
    pads, _ = points.pads(np.array([1]), fingers[:1])
    thumb_pad, _ = points.pads(np.array([0]), angles[None, :5])
    grip = (pads[0] + thumb_pad[0]) / 2
    web = points.shape.knuckles[1] + np.array([0.0125 + radius, 0.004, 0.008]) * points.shape.length / 0.186
    tail = web - grip
    frame = _opposed(np.cross([0, 1.0, 0], tail), tail)  # y of the grip across pen and hand, z along the fingers
    slack = np.radians(6)
    start = fingers - np.array([[1, 0, 0.4, 0.2]] * 2 + [[0, 0, 0, 0]] * 2) * slack
    limit = fingers + np.radians([[16, 22, 12, 8], [10, 22, 8, 6], [3, 22, 3, 3], [3, 22, 3, 3]])
    rates = np.array([[1, 0, 0.4, 0.2]] * 2 + [[0.3, 0, 0.2, 0.1]] * 2)
    return Preshape(
        thumb=angles[:5] - 0.08 * np.array([-0.3, 0.4, 0, 0.8, 0.6]), fingers=start,
        turn=turn(0, np.radians(rng.normal(0, 4))) @ frame, centre=grip,
        phases=np.stack([rates, np.zeros((4, 4)), np.zeros((4, 4))]), limit=np.minimum(limit, FULL), advance=-1.0,
        thumb_target=None, thumb_rate=np.array([-0.3, 0.4, 0, 0.8, 0.6]),
    )  # fmt: skip


def _flat(width: float, front: float, points: HandPoints, rng: np.random.Generator) -> Preshape:
    """An open hand under, or on, a surface."""
    scale = points.shape.length / 0.186
    spread = rng.uniform(0, 1)
    fingers = np.radians([[-6, 2 + 5 * spread, 3, 2], [-6, 0, 3, 2], [-6, -5 * spread, 3, 2], [-6, -10 * spread, 4, 2]])
    limit = fingers + np.radians([26, 30, 20, 10])
    return Preshape(
        thumb=np.radians([rng.uniform(38, 52), -4.0, 0, 0, 0]), fingers=fingers,
        turn=turn(0, np.radians(rng.normal(7, 3))) @ turn(2, np.radians(rng.normal(0, 8))),
        centre=np.array([0.0, rng.normal(0.085, 0.006), 0.016]) * scale,
        phases=CURL, limit=limit, advance=0.03, thumb_target=None, thumb_rate=np.array([0, 1.0, 0, 0.1, 0.2]),
    )  # fmt: skip


def _hook(width: float, front: float, points: HandPoints, rng: np.random.Generator) -> Preshape:
    """Fingers around a handle, tightly: they start bent and open until the handle has room."""
    shape = points.shape
    bend = np.radians(rng.uniform(56, 74))
    fingers = np.tile(np.array([bend, 0, 104 * _D, 55 * _D]), (4, 1))
    fingers[:, 1] = np.radians([1, 0, -1, -2])
    turns, origins = points.frames(np.array([2]), fingers[1:2])
    along, inner = axis_of(turns, 1)[0, 0], axis_of(turns, 2)[0, 0]
    # The handle lies in the corner between the proximal and the middle segment, touching both.
    room = 0.95 * shape.thickness[2] + width / 2
    centre = origins[0, 0] + (shape.segments[2, 0] - room) * along + room * inner
    # In the middle between index and middle finger, middle and ring finger, or all four.
    between = rng.choice([0.5, 1.0, 1.5])
    centre[0] = np.interp(between, range(4), shape.knuckles[1:, 0]) + rng.normal(0, 0.002)
    target = centre + np.array([0.03, -0.3 * width - 0.004, 0.3 * width])
    return Preshape(
        thumb=np.radians([20.0, 20, 0, 10, 10]), fingers=fingers,
        turn=turn(0, np.pi / 2 - bend + np.radians(rng.normal(0, 5))), centre=centre,
        phases=np.array([[[0, 0, 1, 0.5]] * 4, [[0, 0, 1, 0.5]] * 4, [[0, 0, 0, 1]] * 4]), limit=FULL, advance=-1.0,
        thumb_target=target, thumb_rate=FLEX_THUMB,
    )  # fmt: skip


def _press(width: float, front: float, points: HandPoints, rng: np.random.Generator) -> Preshape:
    """The index finger's pulp on a surface, the others bent away."""
    index = np.radians([rng.uniform(8, 28), 0, rng.uniform(12, 28), rng.uniform(4, 12)])
    curl = np.radians(rng.uniform(-22, 0))
    rest = np.radians([[78, 0, 92, 55], [82, -1, 94, 58], [84, -3, 92, 56]]) + curl * np.array([1, 0, 1, 0.6])
    pads, facing = points.pads(np.array([1]), index[None])
    turns, _ = points.frames(np.array([1]), index[None])
    tip = np.radians(rng.uniform(45, 65))  # between the pulp's own direction and along the finger
    approach = np.cos(tip) * facing[0] + np.sin(tip) * axis_of(turns, 1)[0, 2]
    side = np.array([1.0, 0, 0])
    y = np.cross(approach, side)
    frame = np.stack([np.cross(y / np.sqrt((y * y).sum()), approach), y / np.sqrt((y * y).sum()), approach])
    fingers = np.concatenate([index[None], rest])
    return Preshape(
        thumb=np.radians([14.0, 46, 0, 32, 40]), fingers=fingers, turn=turn(2, np.radians(rng.normal(0, 10))) @ frame,
        centre=pads[0], phases=np.zeros((1, 4, 4)), limit=FULL, advance=0.03, thumb_target=None,
        thumb_rate=np.zeros(5),
    )  # fmt: skip


SHAPES = {"power": _power, "pinch": _pinch, "tripod": _tripod, "flat": _flat, "hook": _hook, "press": _press,
          "point": _press}  # fmt: skip
"""Type of grip -> function (width, front, points, rng) -> Preshape."""
