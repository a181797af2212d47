"""What the wearer of the head camera does: each activity sets hands and objects on a `Work` and says whether it could.

Objects get their roles from what happens: first order where a hand touches them, second order where a hand acts on
them by way of another object. Names of activities are the keys of `ACTIVITIES`; domains weigh them.
"""

from collections.abc import Callable

import numpy as np

from handseg_lib.synth.ego.arms import OTHER, Array
from handseg_lib.synth.ego.layout import SIDES
from handseg_lib.synth.ego.places import upright
from handseg_lib.synth.ego.work import STAYS, Work
from handseg_lib.synth.objects import Grip, RigidObject
from handseg_lib.synth.people.body import rotation


def bare(work: Work) -> bool:
    """Empty hands: gestures in the air, or hands that lie on the table."""
    done = [idle(work, side, absent=0.25) for side in SIDES]
    work.activity = "showing empty hands"
    return any(done)


def idle(work: Work, side: str, absent: float = 0.35) -> bool:
    """What a hand does that has nothing to do: out of view, on the table, or in the air."""
    kind = str(
        work.rng.choice(["absent", "rest", "press", "gesture"], p=[absent, 0.45 - absent / 2, 0.1, 0.45 - absent / 2])
    )
    if kind == "absent":
        return False
    return work.gesture(side) if kind == "gesture" else work.rest(side, kind == "press")


def together(work: Work) -> bool:
    """Hands that touch each other."""
    work.activity = "hands together"
    return work.together()


def nobody(work: Work) -> bool:
    """Only things, no hands."""
    work.activity = "nothing"
    return True


def hold(work: Work) -> bool:
    """One hand holds something; the other is free, rests, or is out of view."""
    side = preferred(work)
    if not take_any(work, side):
        return False
    idle(work, OTHER[side])
    return True


def two_things(work: Work) -> bool:
    """Each hand holds its own thing."""
    side = preferred(work)
    if not take_any(work, side):
        return False
    first = work.activity
    if take_any(work, OTHER[side]):
        work.activity = f"{first} and {work.activity}"
    else:
        idle(work, OTHER[side])
        work.activity = first
    return True


def both_hands(work: Work) -> bool:
    """Both hands hold one thing."""
    tried = 0
    for _ in range(20):
        thing = work.thing(*work.domain.held)
        if thing is None or tried == 4:
            return False
        if all(grip.hands == 1 for grip in thing.grips):
            continue
        tried += 1
        at = work.spot() - np.array([0, abs(work.rng.normal(0, 0.05)), 0])
        if work.hold_both(thing, at):
            work.activity = f"holding a {name_of(thing)} with both hands"
            return True
    return False


def take_any(work: Work, side: str) -> bool:
    """Hold one of the domain's things: on the table, or lifted and tilted."""
    rng, sign = work.rng, 1 if side == "right" else -1
    for _ in range(4):
        thing = work.thing(*work.domain.held)
        if thing is None:
            return False
        at = work.spot(work.focus[0] + sign * rng.uniform(0.03, 0.17))
        lifted = rng.random() < 0.6 and thing.kind not in STAYS
        if lifted:
            at = at - np.array([0, rng.uniform(0.03, 0.2), 0])
        grips = [g for g in thing.grips if g.hands == 1 and g.type != "press" and carries(g, lifted)]
        if work.hold(side, thing, turning(at, tilt(rng) if lifted else np.eye(3)), grips) is not None:
            work.activity = f"holding a {name_of(thing)}"
            return True
    return False


def carries(grip: Grip, lifted: bool) -> bool:
    """Whether a grip can hold a thing there: a flat hand carries from below and presses from above."""
    return grip.type != "flat" or float(grip.approach[1]) * (-1 if lifted else 1) > 0.7


def turning(at: Array, tilted: Array) -> Callable[[float], Array]:
    """Poses of an object at a place, turned about the vertical after it was tilted."""

    def place(share: float) -> Array:
        pose = upright(at, 2 * np.pi * share)
        pose[:3, :3] = pose[:3, :3] @ tilted
        return pose

    return place


def tilt(rng: np.random.Generator, spread: float = 0.35) -> Array:
    """(3, 3) a lifted thing is seldom quite upright."""
    return rotation("x", rng.normal(0, spread)) @ rotation("z", rng.normal(0, spread))


def preferred(work: Work) -> str:
    """The hand that acts: more often the right one."""
    return "right" if work.rng.random() < 0.62 else "left"


def name_of(thing: RigidObject) -> str:
    """The object's kind in words."""
    return thing.kind.replace("_", " ")


ACTIVITIES: dict[str, Callable[[Work], bool]] = {
    "bare": bare,
    "together": together,
    "nobody": nobody,
    "hold": hold,
    "two_things": two_things,
    "both_hands": both_hands,
}
"""Activity name -> function that sets it and says whether it could."""
