"""What hands do: each verb is a script for things of certain kinds.

A script is told as for a right-handed wearer; `Stage.sign` mirrors it. All places are in room coordinates.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from handseg_lib.synth.grasp import Grasp
from handseg_lib.synth.hand import HandPose
from handseg_lib.synth.video.motion import Motion, standing
from handseg_lib.synth.video.scripts import Script
from handseg_lib.synth.video.stage import HOLDING, YAWS, Order, Stage, Unplayable
from handseg_lib.synth.video.trajectory import Pose, about_point, chained, moved, turn_about

Play = Callable[[Stage], Motion]
RELAXED = HandPose.named("relaxed")
FEW = YAWS[::2]
SMALL_TURNS = np.radians([0, -25, 25, -50, 50])


@dataclass(frozen=True)
class Verb:
    """One thing that hands do.

    Attributes:
        name: the verb.
        play: writes the script.
        nouns: kinds of the first thing, which names the action.
        others: for each further thing the kinds it may be.
    """

    name: str
    play: Play
    nouns: tuple[str, ...]
    others: tuple[tuple[str, ...], ...] = ()


def near_face(stage: Stage) -> tuple[float, float, float]:
    """(x, z, height) in the air where a thing is looked at, just before the wearer."""
    x, z = stage.spot(0.05, -0.11)
    return x, z, float(stage.rng.uniform(0.15, 0.2))


def on_table(stage: Stage, x: float, z: float) -> list[Pose]:
    """Ways for a thing to stand at one place."""
    turn = float(stage.rng.uniform(0, YAWS[1]))
    return [standing(x, z, yaw + turn) for yaw in YAWS]


def lifted(pose: Pose, x: float, z: float, height: float, turn: float = 0.0) -> Pose:
    """The thing of a standing pose, still upright, elsewhere."""
    out = standing(x, z, 0.0, height)
    out[:3, :3] = (turn_about((0, 1, 0), turn)[:, :, None] * pose[None, :3, :3]).sum(axis=1)
    return out


def shifted(pose: Pose, x: float = 0.0, up: float = 0.0, z: float = 0.0) -> Pose:
    """The same pose elsewhere."""
    out = pose.copy()
    out[:3, 3] += (x, -up, z)
    return out


def begin(stage: Stage, poses: list[Pose], *sides: str) -> Script:
    """A script whose hands come in from where they rest; a hand that has nothing to do may lie there too."""
    script = stage.script(poses)
    for side in sides:
        script.enter(side, stage.rest(side), RELAXED)
        script.wait(side, 0.1)
    idle = [s for s in ("left", "right") if s not in sides]
    for side in idle:
        if stage.rng.random() < 0.5:
            script.enter(side, stage.rest(side, near=-0.05), RELAXED)
    return script


def take(stage: Stage) -> Motion:
    """Grasp a thing, lift it and bring it here."""
    side, (x, z), (x1, z1, up) = stage.side, stage.spot(0.07, 0.04), near_face(stage)
    orders = [(p, lifted(p, x1, z1, up, d)) for p in on_table(stage, x, z) for d in SMALL_TURNS]
    grasp, (start, end) = stage.choose(side, stage.grasps(0, side), orders)
    script = begin(stage, [start], side)
    script.reach(side, 0, grasp)
    script.carry(0, shifted(start, up=0.06), 0.3, stop=False)
    script.carry(0, end, 0.7)
    script.wait(side, 0.4)
    return script.motion()


def put(stage: Stage) -> Motion:
    """Bring a thing, set it down and draw the hand back."""
    side, (x, z), (x1, z1, up) = stage.side, stage.spot(0.07, 0.05), near_face(stage)
    orders = [(p, lifted(p, x1, z1, up, d)) for p in on_table(stage, x, z) for d in SMALL_TURNS]
    grasp, (end, start) = stage.choose(side, stage.grasps(0, side), orders)
    script = stage.script([start])
    script.enter_holding(side, stage.rest(side), 0, grasp)
    script.wait(side, 0.3)
    script.carry(0, shifted(end, up=0.05), 0.7, stop=False)
    script.set_down(0, end, 0.4)
    script.withdraw(side, 0.7)
    return script.motion()


def shake(stage: Stage) -> Motion:
    """Take a thing up and shake it, up and down."""
    side, (x, z) = stage.side, stage.spot(0.08, 0.02)
    x1, z1 = stage.spot(0.04, -0.03)
    orders = [(p, lifted(p, x1, z1, 0.12, d)) for p in on_table(stage, x, z) for d in SMALL_TURNS]
    grasp, (start, high) = stage.choose(side, stage.grasps(0, side), orders)
    script = begin(stage, [start], side)
    script.reach(side, 0, grasp, 0.8)
    script.carry(0, high, 0.5)
    tilt = about_point(turn_about((0, 0, 1), -0.25 * stage.sign), moved(high, (0, -0.5 * stage.height(0), 0)))
    up = shifted(chained(tilt, high), x=-0.02 * stage.sign, up=0.07)
    for _ in range(4):
        script.carry(0, up, 0.17)
        script.carry(0, high, 0.17)
    script.set_down(0, start, 0.5)
    return script.motion()


def turn(stage: Stage) -> Motion:
    """Turn a thing round where it stands."""
    side, (x, z) = stage.side, stage.spot(0.04, 0.04)
    angle = np.radians(float(stage.rng.uniform(60, 85))) * float(stage.rng.choice([-1, 1]))
    orders = [(p, lifted(p, x, z, 0.0, angle / 2), lifted(p, x, z, 0.0, angle)) for p in on_table(stage, x, z)]
    grasp, (start, _, end) = stage.choose(side, stage.grasps(0, side), orders, rise=False)
    script = begin(stage, [start], side)
    script.reach(side, 0, grasp)
    script.carry(0, end, 1.0)
    script.let_go(side)
    script.withdraw(side)
    return script.motion()


def push(stage: Stage) -> Motion:
    """Slide a thing over the work surface, away or aside, without lifting it."""
    side, (x, z) = stage.side, stage.spot(0.08, -0.03)
    away = np.array([-0.13 * stage.sign, 0.05]) if stage.rng.random() < 0.5 else np.array([-0.02 * stage.sign, 0.15])
    orders = [(p, shifted(p, away[0], 0, away[1])) for p in on_table(stage, x, z)]
    flat = stage.grasps(0, side, lambda grip: grip.type == "flat")
    try:
        grasp, (start, end) = stage.choose(side, flat, orders, rise=False)
    except Unplayable:
        grasp, (start, end) = stage.choose(side, stage.grasps(0, side), orders, rise=False)
    script = begin(stage, [start], side)
    script.reach(side, 0, grasp, 0.8)
    script.carry(0, end, 1.1)
    script.let_go(side)
    script.withdraw(side)
    return script.motion()


def wipe(stage: Stage) -> Motion:
    """Rub the work surface with a thing, to and fro or in rounds."""
    side, (x, z) = stage.side, stage.spot(0.06, 0.0)
    width, rounds = float(stage.rng.uniform(0.07, 0.1)), bool(stage.rng.random() < 0.5)
    orders = [(p, shifted(p, -2 * width * stage.sign), shifted(p, 0, 0, 0.1)) for p in on_table(stage, x, z)]
    grips = stage.grasps(0, side, lambda grip: grip.hands == 1 and grip.type != "press" and grip.approach[1] > -0.2)
    grasp, (start, *_) = stage.choose(side, grips, orders, rise=False)
    script = begin(stage, [start], side)
    script.reach(side, 0, grasp, 0.8)
    for k in range(1, 17 if rounds else 9):
        if rounds:
            angle = k * np.pi / 4
            dx, dz = -width * (1 - np.cos(angle)), 0.6 * width * np.sin(angle)
            script.carry(0, shifted(start, stage.sign * dx, 0, dz), 0.12, stop=False)
        else:
            dx, dz = (-2 * width if k % 2 else 0.0), 0.012 * k
            script.carry(0, shifted(start, stage.sign * dx, 0, dz), 0.3, stop=False)
    script.carry(0, shifted(script.last(0), 0.01 * stage.sign), 0.15)
    script.wait(side, 0.2)
    return script.motion()


def press(stage: Stage) -> Motion:
    """Press with a fingertip, twice."""
    side, (x, z) = stage.side, stage.spot(0.03, 0.03)
    poses = [(p,) for p in on_table(stage, x, z)]
    grasp, (start,) = stage.choose(side, stage.grasps(0, side, lambda grip: grip.type == "press"), poses, rise=False)
    script = begin(stage, [start], side)
    goal = chained(start, grasp.wrist)
    above = shifted(goal, up=0.045)
    script.move(side, shifted(above, up=0.02, z=-0.03), 0.7, grasp.pose, stop=False)
    script.move(side, above, 0.2)
    for _ in range(2):
        script.touch(side, 0, grasp, 0.18, 0.22)
        script.move(side, above, 0.25)
    script.withdraw(side)
    return script.motion()


def hand_over(stage: Stage) -> Motion:
    """Give a thing from one hand to the other."""
    side, other = stage.side, stage.other
    middle = stage.spot(0.0, -0.01, 0.01)
    orders = []
    for pose in on_table(stage, *stage.spot(0.12, -0.02)):
        start = shifted(pose, up=0.12)
        orders += [(start, lifted(pose, *middle, 0.15, d)) for d in SMALL_TURNS]
    aside = (stage.centre[0] - stage.sign * 0.14, stage.centre[1] - 0.05)
    giving, taking, start, high, end = _exchange(stage, orders, aside)
    script = stage.script([start])
    script.enter_holding(side, stage.rest(side), 0, giving)
    script.enter(other, stage.rest(other), RELAXED)
    script.wait(side, 0.2)
    script.carry(0, high, 0.8)
    script.wait(other, script.clock[side] - 0.5)
    script.reach(other, 0, taking, 0.8)
    script.meet(side, other)
    script.wait(other, 0.15)
    script.meet(side, other)
    script.let_go(side)
    script.meet(side, other)
    script.withdraw(side, 0.7)
    script.clock[other] = script.clock[side] - 0.7
    script.carry(0, end, 0.8)
    return script.motion()


def _exchange(stage: Stage, orders: list[Order], aside: tuple[float, float]) -> tuple[Grasp, Grasp, Pose, Pose, Pose]:
    """Two grasps of a thing that leave room for each other, and where it begins, changes hands and ends."""
    taken = list(stage.grasps(0, stage.other, _any_hold))
    for giving in stage.grasps(0, stage.side, _any_hold):
        for taking in taken:
            apart = float(np.abs(giving.wrist[:3, 3] - taking.wrist[:3, 3]).max())
            gap = float(np.abs(np.asarray(giving.grip.centre) - np.asarray(taking.grip.centre)).max())
            if apart < 0.1 or gap < 0.04:
                continue
            try:
                _, (start, high) = stage.choose(stage.side, [giving], orders, low=False)
                ends = [(high, lifted(high, *aside, 0.14, d)) for d in SMALL_TURNS]
                _, (_, end) = stage.choose(stage.other, [taking], ends, low=False)
            except Unplayable:
                continue
            return giving, taking, start, high, end
    raise Unplayable(f"no two grips of the {stage.things[0].kind} suit two hands at once")


def _any_hold(grip: object) -> bool:
    """Grips to lift a thing by, those meant for two hands included."""
    return grip.type in HOLDING
