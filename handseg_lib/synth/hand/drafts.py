"""What two interacting hands do: poses, how one hand is turned against the other, and from where it comes to touch.

A draft is written for a right hand A at rest and a left hand B; lengths are millimetres of a hand 186 mm long.
Angles are degrees. `hand.pairs` brings B in until it touches, and mirrors half of the pairs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand import HandModel
from handseg_lib.synth.hand.poses import HandPose
from handseg_lib.synth.hand.shape import JOINTS, turn

Vector = NDArray[np.float64]
X, Y, Z = np.eye(3)
PALM = (0, 52, 10)
"""The middle of the palm's skin."""


@dataclass(frozen=True)
class Draft:
    """Two hands before they touch.

    Attributes:
        a, b: poses of the right hand A and the left hand B.
        turned: (3, 3) B's axes in A's frame.
        target: (3,) where in A's frame `anchor`, a point of B's frame, should come to lie, metres.
        along: (3,) unit direction in A's frame in which B comes nearer.
        gap: metres left between the hands where they come nearest; negative: pressed together.
        closing: hands whose fingers then close, in order, and the poses they close towards.
        straight: A's forearm must lie straight behind the hand, for B touches it.
        short: metres by which the anchor may fall short of the target for the draft to count.
    """

    a: HandPose
    b: HandPose
    turned: NDArray[np.float64]
    target: Vector
    anchor: Vector
    along: Vector
    gap: float = -0.0006
    closing: tuple[tuple[str, HandPose], ...] = ()
    straight: bool = False
    short: float = np.inf


def unit(v: Vector) -> Vector:
    """The vector at length 1."""
    return v / np.sqrt((v * v).sum())


def axes(along_y: Vector, near_z: Vector) -> NDArray[np.float64]:
    """(3, 3) rotation whose y is `along_y` and whose z is as near to `near_z` as that allows."""
    y = unit(along_y)
    z = unit(near_z - y * (near_z * y).sum())
    return np.stack([np.cross(y, z), y, z], axis=1)


def tilted(rng: np.random.Generator, direction: Vector, degrees: float) -> Vector:
    """(3,) a unit vector near another one: off by about `degrees`."""
    return unit(unit(direction) + rng.normal(0, np.radians(degrees) / np.sqrt(2), 3))


def near(rng: np.random.Generator, names: tuple[str, ...], degrees: float = 4.0) -> HandPose:
    """A pose between two named ones, with joints disturbed by about `degrees`."""
    first, second = (HandPose.named(str(name)) for name in rng.choice(names, 2))
    mixed = first.interpolate(second, float(rng.random()))
    drift = rng.normal(0, degrees, 21)
    drift[6::4] *= 0.4  # fingers stay beside each other
    return HandPose.within_limits(mixed.angles + np.radians(drift))


def _mm(model: HandModel, point: tuple[float, float, float]) -> Vector:
    return np.array(point) * (model.shape.length / 0.186 * 1e-3)


def _joint(model: HandModel, pose: HandPose, name: str, side: str = "right") -> Vector:
    return model.joints(pose, side=side)[JOINTS.index(name)].astype(np.float64)


def _spun(turned: NDArray[np.float64], axis: int, degrees: float) -> NDArray[np.float64]:
    """B's axes turned about A's axis 0, 1 or 2."""
    return turn(axis, np.radians(degrees)) @ turned


FACING = np.diag([-1.0, 1.0, -1.0])
"""B palm to palm with A, fingers the same way."""


def palms(rng: np.random.Generator, model: HandModel) -> Draft:
    """Palm to palm, as in prayer or clapping."""
    pose = HandPose.named("flat").interpolate(HandPose.named("relaxed"), float(rng.uniform(0, 0.3) ** 1.5))
    other = HandPose.within_limits(pose.angles + np.radians(rng.normal(0, 3, 21)))
    spin = rng.normal(0, 10) if rng.random() < 0.6 else rng.uniform(-50, 50)
    turned = _spun(_spun(FACING, 2, spin), 0, rng.normal(0, 6))
    place = _mm(model, PALM)
    target = place + rng.normal(0, 0.006, 3)
    return Draft(pose, other, turned, target, place * (-1, 1, 1), -Z, float(rng.choice([-0.001, 0.01])))


def steeple(rng: np.random.Generator, model: HandModel) -> Draft:
    """Fingertips against fingertips, palms apart."""
    bend, spread = rng.uniform(12, 38), rng.uniform(0, 6)
    fingers = [(bend + rng.normal(0, 2), (4 - 3 * f) * spread / 6, rng.uniform(4, 18), 4) for f in range(4)]
    pose = HandPose.within_limits(np.radians([rng.uniform(30, 50), rng.uniform(20, 35), 0, 5, 5, *np.ravel(fingers)]))
    tips = [_joint(model, pose, f"{f}_tip") for f in ("index", "middle", "ring", "little")]
    middle = np.mean(tips, axis=0)
    turned = _spun(FACING, 0, rng.uniform(-12, 12))
    return Draft(pose, pose, turned, middle, middle * (-1, 1, 1), -Z, -0.0007)


def clasp(rng: np.random.Generator, model: HandModel) -> Draft:
    """Palms crossed and fingers closed around the other hand, as hands are wrung or folded."""
    pose, other = (near(rng, ("flat", "open", "relaxed"), 3) for _ in range(2))
    turned = _spun(FACING, 2, -rng.uniform(45, 95))
    place = _mm(model, (4, 60, 10))
    grip = near(rng, ("grip", "fist"), 3)
    closing = (("b", grip), ("a", near(rng, ("grip", "fist"), 3)))
    return Draft(pose, other, turned, place, place * (-1, 1, 1), -Z, -0.0007, closing)


def fist_in_palm(rng: np.random.Generator, model: HandModel) -> Draft:
    """A fist pressed into the other palm, whose fingers may close over it."""
    pose = near(rng, ("flat", "relaxed", "open", "cup"), 3)
    inwards = tilted(rng, -Z, 15)
    thumb_side = rng.choice([-1, 1]) * X + rng.normal(0, 0.5) * Y
    turned = axes(inwards, np.cross(thumb_side, inwards))
    closing = (("a", near(rng, ("grip", "cup"), 3)),) if rng.random() < 0.7 else ()
    return Draft(pose, near(rng, ("fist",), 2), turned, _mm(model, (0, 62, 14)), _mm(model, (0, 92, 10)), inwards,
                 -0.0007, closing)  # fmt: skip


def point_at_palm(rng: np.random.Generator, model: HandModel) -> Draft:
    """An index finger that points at the other palm or touches it."""
    pose = near(rng, ("open", "five", "flat", "relaxed"), 4)
    finger = near(rng, ("point", "one", "gun"), 2)
    inwards = tilted(rng, -Z, 32)
    turned = axes(inwards, tilted(rng, Y if rng.random() < 0.5 else -X, 60))
    target = _mm(model, (rng.uniform(-22, 22), rng.uniform(28, 85), 12))
    gap = -0.0006 if rng.random() < 0.5 else rng.uniform(0.003, 0.03)
    return Draft(pose, finger, turned, target, _joint(model, finger, "index_tip", "left"), inwards, gap)


def counting(rng: np.random.Generator, model: HandModel) -> Draft:
    """An index finger that touches the fingers of the other hand one by one."""
    pose = near(rng, ("five", "open", "four", "three"), 3)
    finger = near(rng, ("point", "one", "gun"), 2)
    which = str(rng.choice(["thumb", "index", "middle", "ring", "little"]))
    last = "ip" if which == "thumb" else "dip"
    tip, joint = (_joint(model, pose, f"{which}_{name}") for name in ("tip", last))
    end = unit(tip - joint)
    inwards = tilted(rng, -end if rng.random() < 0.4 else -Z - 0.3 * end, 22)
    turned = axes(inwards, tilted(rng, -Y, 50))
    return Draft(pose, finger, turned, (tip + joint) / 2 if rng.random() < 0.4 else tip,
                 _joint(model, finger, "index_tip", "left"), inwards)  # fmt: skip


def hold_finger(rng: np.random.Generator, model: HandModel) -> Draft:
    """One hand closed around the other's thumb or index finger."""
    thumb = rng.random() < 0.4
    pose = near(rng, ("thumbs_up",) if thumb else ("point", "one"), 2)
    names = ("thumb_mcp", "thumb_tip") if thumb else ("index_mcp", "index_tip")
    start, end = (_joint(model, pose, name) for name in names)
    return _gripped(rng, model, pose, start + (end - start) * rng.uniform(0.55, 0.7), unit(end - start), None)


def hold_hand(rng: np.random.Generator, model: HandModel) -> Draft:
    """One hand closed around the other's four fingers."""
    pose = near(rng, ("flat", "relaxed"), 3)
    first, last = _joint(model, pose, "index_pip"), _joint(model, pose, "ring_pip")
    far = _joint(model, pose, "middle_tip")
    side = (Z, -Z, -X, X)[int(rng.choice(4, p=[0.4, 0.3, 0.2, 0.1]))]
    middle = (first + last) / 2
    return _gripped(rng, model, pose, middle + rng.uniform(0, 0.6) * (far - middle), unit(far - middle), side)


def hold_wrist(rng: np.random.Generator, model: HandModel) -> Draft:
    """One hand closed around the other's wrist or forearm."""
    pose = near(rng, ("fist", "relaxed", "open", "point", "flat"), 4)
    place = _mm(model, (0, -rng.uniform(18, 70), 0))
    angle = rng.uniform(0, 2 * np.pi)
    side = np.cos(angle) * Z + np.sin(angle) * X
    return _gripped(rng, model, pose, place, Y, side, straight=True)


def _gripped(
    rng: np.random.Generator, model: HandModel, pose: HandPose, place: Vector, axis: Vector, side: Vector | None,
    straight: bool = False,
) -> Draft:  # fmt: skip
    """B's palm laid on something long at `place`, from `side` (any, if None), its fingers closed around it."""
    across = axes(axis, side if side is not None else rng.normal(0, 1, 3))[:, 2]
    inwards = tilted(rng, -across, 8)
    thumb = tilted(rng, axis if rng.random() < 0.5 else -axis, 12)  # B's thumb lies towards -x of its frame
    turned = axes(np.cross(inwards, -thumb), inwards)
    anchor = _mm(model, (0, rng.uniform(58, 76), 12)) * (-1, 1, 1)
    start = near(rng, ("open", "five"), 2).interpolate(HandPose.named("cup"), float(rng.uniform(0.1, 0.4)))
    closing = (("b", near(rng, ("fist", "grip"), 2)),)
    return Draft(pose, start, turned, place, anchor, inwards, -0.0007, closing, straight)


def stacked(rng: np.random.Generator, model: HandModel) -> Draft:
    """A palm laid on the back of the other hand, or on its fist."""
    pose = near(rng, ("flat", "relaxed", "fist", "cup"), 3)
    turned = _spun(_spun(np.diag([1.0, 1.0, 1.0]), 2, rng.uniform(-110, 110)), 0, rng.normal(0, 6))
    place = _mm(model, (0, rng.uniform(40, 75), -12))
    other = near(rng, ("flat", "relaxed"), 3)
    closing = (("b", near(rng, ("grip", "cup"), 3)),)
    return Draft(pose, other, turned, place, _mm(model, PALM) * (-1, 1, 1), Z, -0.0007, closing)


def crossed(rng: np.random.Generator, model: HandModel) -> Draft:
    """Hands crossed at wrists or palms, one before the other."""
    sign = float(rng.choice([-1, 1]))
    same = rng.random() < 0.5  # palms the same way, or back to back and palm to palm
    turned = _spun(np.eye(3) if same else FACING, 2, rng.choice([-1, 1]) * rng.uniform(40, 110))
    places = _mm(model, (0, rng.uniform(-10, 70), 0)), _mm(model, (0, rng.uniform(-10, 70), 0))
    poses = [near(rng, ("flat", "open", "relaxed", "fist", "five", "cup"), 4) for _ in range(2)]
    gap = -0.0006 if rng.random() < 0.5 else rng.uniform(0, 0.03)
    return Draft(*poses, turned, places[0], places[1], sign * Z, gap)


def interlaced(rng: np.random.Generator, model: HandModel) -> Draft:
    """Spread fingers of both hands between each other up to the middle joints: folded, or flat with thumbs up."""
    folded = rng.random() < 0.75  # palms face each other like a roof, and fingers bend over the other hand's back

    def spread() -> tuple[HandPose, Vector, Vector]:
        bend = rng.uniform(-14, 6) if folded else rng.uniform(0, 24)
        fingers = [(bend, apart, rng.uniform(2, 12), 3) for apart in (21, 6.5, -9, -21)]
        thumb = (58, -7, 0, 0, 0) if folded else (rng.uniform(44, 56), rng.uniform(8, 20), 0, 0, 0)
        pose = HandPose.within_limits(np.radians([*thumb, *np.ravel(fingers)]))
        mcp, pip, dip, tip = (_joint(model, pose, f"middle_{j}") for j in ("mcp", "pip", "dip", "tip"))
        return pose, (pip + dip) / 2, unit(tip - mcp)

    (pose, place, _), (other, anchor, points) = spread(), spread()
    flip = np.array([-1.0, 1, 1])
    angle = rng.uniform(45, 88) if folded else rng.uniform(-60, 0)
    aside = rng.uniform(19.5, 24) if folded else rng.uniform(17, 22)
    turned = _spun(np.diag([-1.0, -1.0, 1.0]), 0, angle)
    between = _mm(model, (-aside, 0, 0))  # B's fingers go into the gaps between A's
    along = unit(turned @ (points * flip))
    closing = tuple((who, near(rng, ("grip", "cup", "fist"), 3)) for who in ("b", "a")) if folded else ()
    return Draft(pose, other, turned, place + between, anchor * flip, along, -0.0012, closing, short=0.014)


def before(rng: np.random.Generator, model: HandModel) -> Draft:
    """One hand before the other in any poses, without touching."""
    poses = [HandPose.sample(rng) for _ in range(2)]
    turned = _spun(np.eye(3) if rng.random() < 0.5 else FACING, 2, rng.normal(0, 35))
    turned = _spun(_spun(turned, 0, rng.normal(0, 20)), 1, rng.normal(0, 25))
    target = _mm(model, (rng.normal(0, 30), 75 + rng.normal(0, 35), 0))
    return Draft(*poses, turned, target, _mm(model, (0, 75, 0)), rng.choice([-1.0, 1.0]) * Z, rng.uniform(0.005, 0.06))


def beside(rng: np.random.Generator, model: HandModel) -> Draft:
    """Two hands next to each other in any poses, as when gesturing."""
    poses = [HandPose.sample(rng) for _ in range(2)]
    turned = _spun(_spun(np.eye(3), 2, rng.normal(0, 25)), 1, rng.normal(0, 35))
    target = _mm(model, (0, 75, rng.normal(0, 25)))
    return Draft(*poses, turned, target, _mm(model, (0, 75, 0)), -X, rng.uniform(0.0, 0.05))


KINDS: Mapping[str, tuple[Callable[[np.random.Generator, HandModel], Draft], float]] = MappingProxyType({
    "palms": (palms, 0.09), "steeple": (steeple, 0.06), "clasp": (clasp, 0.10), "fist_in_palm": (fist_in_palm, 0.08),
    "point_at_palm": (point_at_palm, 0.08), "counting": (counting, 0.09), "hold_finger": (hold_finger, 0.06),
    "hold_hand": (hold_hand, 0.07), "hold_wrist": (hold_wrist, 0.08), "stacked": (stacked, 0.07),
    "crossed": (crossed, 0.08), "interlaced": (interlaced, 0.10), "before": (before, 0.12), "beside": (beside, 0.06),
})  # fmt: skip
"""Name -> (how to draft it, how often it happens)."""
