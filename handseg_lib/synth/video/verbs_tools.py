"""Verbs for which one thing is brought to another: pour, open, close, stir, cut."""

import numpy as np

from handseg_lib.synth.grasp import Grasp
from handseg_lib.synth.objects import RigidObject
from handseg_lib.synth.video.motion import Motion, standing
from handseg_lib.synth.video.scripts import Script
from handseg_lib.synth.video.stage import YAWS, Stage, Tool, Unplayable
from handseg_lib.synth.video.trajectory import Pose, moved, placed, turn_about
from handseg_lib.synth.video.verbs import FEW, SMALL_TURNS, lifted, on_table, shifted

SIDEWAYS = ("power", "pinch")
HIDDEN = placed(np.eye(3), (0.0, 6.0, 0.0))
"""Where a jet of liquid waits that does not run: far below the floor."""


def top_radius(thing: RigidObject) -> tuple[float, float]:
    """Height of a vessel's rim and its radius there, metres."""
    x, y, z = thing.mesh.vertices.T
    rim = y < y.min() + 0.006
    return float(-y.min()), float(np.median(np.sqrt(x[rim] ** 2 + z[rim] ** 2)))


def steady(stage: Stage, script: Script, index: int, pose: Pose, chance: float = 0.6) -> Grasp | None:
    """Sometimes the other hand holds a thing still, from the start to the end."""
    if stage.rng.random() >= chance:
        return None
    side = stage.other
    try:
        grips = stage.grasps(
            index, side, lambda g: g.hands == 1 and g.type in ("power", "pinch") and g.approach[1] < 0.7
        )
        grasp, _ = stage.choose(side, grips, [(pose,)])
    except Unplayable:
        return None
    script.enter_holding(side, stage.rest(side), index, grasp)
    return grasp


def pour(stage: Stage) -> Motion:
    """Take a vessel, tilt it over another one, set it back. Things: source, target, what runs."""
    side, sign = stage.side, stage.sign
    source, target, _ = stage.things
    (x, z), (tx, tz) = stage.spot(0.13, 0.03), stage.spot(-0.06, 0.04)
    rim, _ = top_radius(target)
    height, radius = top_radius(source)
    tilt = np.radians(float(stage.rng.uniform(95, 108)))
    lip = np.array([tx + 0.006 * sign, -(rim + 0.045), tz])
    axis = np.array([0.0, 0.0, -sign])
    orders = []
    for start in on_table(stage, x, z):
        for turn in SMALL_TURNS:
            hover = lifted(start, tx + sign * (0.05 + 0.5 * height), tz, rim + 0.05, turn)
            orders.append((start, hover, tilted(hover, axis, tilt, lip, (-sign * radius, -height, 0.0))))
    grips = stage.grasps(0, side, lambda g: g.hands == 1 and g.approach[1] < 0.7 and -g.centre[1] < 0.62 * height)
    grasp, (start, hover, _) = stage.choose(side, grips, orders)
    goblet = standing(tx, tz, float(stage.rng.uniform(0, 6.28)))
    script = stage.script([start, goblet, HIDDEN])
    begin_with(stage, script, side)
    steady(stage, script, 1, goblet, 0.5)
    script.reach(side, 0, grasp, 0.8)
    script.carry(0, shifted(start, up=0.05), 0.25, stop=False)
    script.carry(0, hover, 0.6, stop=False)
    from_rim = (-sign * radius, -height, 0.0)
    for share in (0.4, 0.75):
        script.carry(0, tilted(hover, axis, tilt * share, lip, from_rim), 0.25, stop=False)
    script.carry(0, tilted(hover, axis, tilt, lip, from_rim), 0.25)
    begins = script.clock[side] - 0.1
    script.wait(side, float(stage.rng.uniform(0.7, 1.0)))
    ends = script.clock[side] + 0.1
    script.link(side, 1, begins - 0.6, ends + 0.3)
    running = placed(np.eye(3), (lip[0] - 0.003 * sign, -0.012, lip[2]))
    script.appear(2, running, begins, ends, HIDDEN)
    for share in (0.75, 0.4):
        script.carry(0, tilted(hover, axis, tilt * share, lip, from_rim), 0.2, stop=False)
    script.carry(0, hover, 0.25, stop=False)
    script.set_down(0, start, 0.6)
    return script.motion()


def tilted(upright: Pose, axis: np.ndarray, angle: float, lip: np.ndarray, rim: tuple[float, float, float]) -> Pose:
    """A vessel tilted so that the point of its rim given from its foot in room directions comes to `lip`."""
    turn = turn_about(axis, angle)
    out = np.eye(4)
    out[:3, :3] = (turn[:, :, None] * upright[None, :3, :3]).sum(axis=1)
    out[:3, 3] = lip - (turn * np.asarray(rim)).sum(axis=1)
    return out


def begin_with(stage: Stage, script: Script, side: str) -> None:
    """One hand comes in from where it rests."""
    script.enter(side, stage.rest(side), stage.relaxed)
    script.wait(side, 0.1)


def open_(stage: Stage) -> Motion:
    """Hold a vessel, twist its lid off, lay it aside. Things: vessel, lid."""
    script, grasp, ways = lid_work(stage)
    _, twisted, off, aside = ways
    side = stage.side
    begin_with(stage, script, side)
    script.reach(side, 1, grasp, 0.9)
    script.carry(1, twisted, 0.5)
    script.carry(1, shifted(twisted, up=0.05), 0.3, stop=False)
    script.carry(1, off, 0.4, stop=False)
    if aside[1, 3] > -0.001:
        script.set_down(1, aside, 0.5)
        script.withdraw(side)
    else:
        script.carry(1, aside, 0.5)
        script.wait(side, 0.3)
    return script.motion()


def close(stage: Stage) -> Motion:
    """Take a lid, put it on a vessel and twist it tight. Things: vessel, lid."""
    script, grasp, ways = lid_work(stage, closing=True)
    closed, twisted, off, aside = ways
    side = stage.side
    if aside[1, 3] > -0.001:
        begin_with(stage, script, side)
        script.reach(side, 1, grasp, 0.8)
        script.carry(1, shifted(aside, up=0.05), 0.3, stop=False)
    else:
        script.enter_holding(side, stage.rest(side), 1, grasp)
        script.wait(side, 0.2)
    script.carry(1, off, 0.4, stop=False)
    script.carry(1, twisted, 0.4)
    script.carry(1, closed, 0.5)
    script.wait(side, 0.1)
    script.let_go(side)
    script.withdraw(side)
    return script.motion()


def lid_work(stage: Stage, closing: bool = False) -> tuple[Script, Grasp, tuple[Pose, ...]]:
    """A vessel in the other hand and a lid: the script, the lid's grasp, and the lid's poses.

    The poses are: closed, twisted, over the vessel, laid aside.
    """
    side, other, sign = stage.side, stage.other, stage.sign
    (x, z), (ax, az) = stage.spot(-0.03, -0.01, 0.01), stage.spot(0.12, 0.05)
    up = float(stage.rng.uniform(0.06, 0.1))
    grips = stage.grasps(0, other, lambda g: g.hands == 1 and g.type == "power" and g.approach[1] < 0.7)
    held, (vessel,) = stage.choose(other, grips, [(shifted(p, up=up),) for p in on_table(stage, x, z)], low=False)
    twist, seat = -sign * np.radians(float(stage.rng.uniform(50, 70))), up + stage.lid_height
    orders = []
    for yaw in YAWS:
        closed = standing(x, z, yaw, seat)
        twisted = standing(x, z, yaw + twist, seat + 0.002)
        off = lifted(twisted, x + 0.03 * sign, z, seat + 0.08)
        orders.append((lifted(twisted, ax, az, 0.0), closed, twisted, off))
    try:
        grasp, (aside, closed, twisted, off) = stage.choose(side, stage.grasps(1, side), orders)
    except Unplayable:  # a lid too flat to be laid down stays in the hand
        orders = [(shifted(aside, up=0.1, z=-0.05), *others) for aside, *others in orders]
        grasp, (aside, closed, twisted, off) = stage.choose(side, stage.grasps(1, side), orders, low=False)
    script = stage.script([vessel, aside if closing else closed])
    script.enter_holding(other, stage.rest(other), 0, held)
    return script, grasp, (closed, twisted, off, aside)


def working_end(thing: RigidObject) -> Tool:
    """The working end of a thing that lies along x: a knife's point at +x, a spoon's bowl at -x."""
    vertices = thing.mesh.vertices.astype(np.float64)
    forward = thing.kind in ("knife", "pen", "pencil", "marker", "screwdriver", "paintbrush")
    x = vertices[:, 0] * (1 if forward else -1)
    tip = vertices[x > x.max() - 0.004].mean(axis=0)
    return Tool(tip, (1.0 if forward else -1.0, 0, 0), (0, 0, 1.0) if thing.kind == "knife" else (0, 1.0, 0))


def stir(stage: Stage) -> Motion:
    """Take a spoon or the like and stir in a vessel. Things: tool, vessel."""
    side, sign = stage.side, stage.sign
    tool, vessel = working_end(stage.things[0]), stage.things[1]
    rim, radius = top_radius(vessel)
    (x, z), (vx, vz) = stage.spot(0.13, -0.02), stage.spot(-0.04, 0.04)
    round_ = float(np.clip(0.45 * radius, 0.008, 0.035))
    lean = min(np.radians(50.0), np.arctan(max(radius - round_ - 0.008, 0.0) / max(rim - 0.01, 0.01)))
    centre = np.array([vx, -0.014, vz])
    uses = []
    for share in (1.0, 0.7, 0.4):
        for towards in np.radians([-150, -120, -90, -60, -30, 0]):  # the handle leans to the wearer and to the hand
            d = np.array([np.cos(towards) * sign, 0.0, np.sin(towards)])
            along = np.array([0, 1.0, 0]) * np.cos(lean * share) - d * np.sin(lean * share)
            for roll in FEW:
                edge = np.array([np.cos(roll), 0.0, np.sin(roll)])
                uses.append(tool.pose(centre, along, edge))
    grips = [g for g in stage.grasps(0, side) if over_rim(g, tool, 0.4 * lean, rim)]
    grasp, start, (use,) = picked_up(stage, grips, on_table(stage, x, z)[::2], [(use,) for use in uses])
    pot = standing(vx, vz, float(stage.rng.uniform(0, 6.28)))
    ready = shifted(use, 0.08 * sign, rim + 0.1, -0.04)
    script = stage.script([ready if start is None else start, pot])
    take_tool(stage, script, grasp, start)
    steady(stage, script, 1, pot)
    script.carry(0, shifted(use, up=rim + 0.03), 0.7, stop=False)
    script.carry(0, shifted(use, up=0.01), 0.3, stop=False)
    begins = script.clock[side]
    turning = float(stage.rng.choice([-1, 1]))
    for k in range(1, 8 * int(stage.rng.integers(2, 4)) + 1):
        a = turning * k * np.pi / 4
        script.carry(0, shifted(use, round_ * np.sin(a), 0.002, round_ * (np.cos(a) - 1) * 0.8), 0.13, stop=False)
    script.link(side, 1, begins - 0.2, script.clock[side])
    script.wait(side, 0.2)
    return script.motion()


def picked_up(
    stage: Stage, grasps: list[Grasp], starts: list[Pose], works: list[tuple[Pose, ...]]
) -> tuple[Grasp, Pose | None, tuple[Pose, ...]]:
    """A grasp of the first thing for its work, and where it lies before, None where it must be in the hand already.

    Thin things that lie flat cannot be gripped as they are held at work.
    """
    grasp, work = stage.choose(stage.side, grasps, works, low=False)
    try:
        _, (start,) = stage.choose(stage.side, [grasp], [(start,) for start in starts])
    except Unplayable:
        return grasp, None, tuple(work)
    return grasp, start, tuple(work)


def take_tool(stage: Stage, script: Script, grasp: Grasp, start: Pose | None) -> None:
    """Pick the first thing up from where it lies, or begin with it in the hand."""
    side = stage.side
    if start is None:
        script.enter_holding(side, stage.rest(side), 0, grasp)
        script.wait(side, 0.25)
        return
    begin_with(stage, script, side)
    script.reach(side, 0, grasp, 0.8)
    script.carry(0, shifted(start, up=0.07), 0.3, stop=False)


def over_rim(grasp: Grasp, tool: Tool, lean: float, rim: float) -> bool:
    """Whether the fingers stay above a vessel's rim when the tool's tip is on its ground."""
    reach = float(((tool.tip - np.asarray(grasp.grip.centre, np.float64)) * tool.along).sum())
    return reach * np.cos(lean) > rim + 0.03


def cut(stage: Stage) -> Motion:
    """Hold a thing and cut a piece off it with a knife. Things: knife, the two pieces of what is cut."""
    side, other = stage.side, stage.other
    held, fruit, grasp, start, (above, use) = cutting(stage)
    across = fruit[:3, 0] * stage.cut_end
    level = blade_way(fruit)
    script = stage.script([shifted(above, 0.07 * stage.sign, 0.09, -0.03) if start is None else start, fruit, fruit])
    take_tool(stage, script, grasp, start)
    script.enter_holding(other, stage.rest(other), 1, held)
    script.carry(0, shifted(above, up=0.03), 0.6, stop=False)
    script.carry(0, above, 0.25)
    begins, strokes = script.clock[side], 5
    for k in range(1, strokes + 1):
        depth = above[:3, 3] + (use[:3, 3] - above[:3, 3]) * k / strokes
        step = placed(above[:3, :3], depth + level * (0.02 if k % 2 else -0.01) * (k < strokes))
        script.carry(0, step, 0.24, stop=k == strokes)
    done = script.clock[side]
    script.nudge(2, done - 0.1, 0.3, placed(fruit[:3, :3], fruit[:3, 3] + 0.012 * across))
    script.link(side, 2, begins - 0.1, done + 0.1)
    script.wait(side, 0.15)
    script.carry(0, shifted(above, up=0.04), 0.4)
    script.meet(side, other)
    return script.motion()


def cutting(stage: Stage) -> tuple[Grasp, Pose, Grasp, Pose | None, tuple[Pose, ...]]:
    """How the two hands cut: the grasp and pose of what is cut, the knife's grasp, where it lies, where it works.

    Raises:
        Unplayable: if no way to lay what is cut suits both hands.
    """
    (x, z), (fx, fz) = stage.spot(0.14, 0.0), stage.spot(-0.05, 0.03)
    holding = [
        g
        for g in stage.grasps(1, stage.other, lambda g: g.hands == 1 and g.type in SIDEWAYS)
        if (stage.cut_at - float(g.grip.centre[0])) * stage.cut_end > 0.012
    ]
    knives = list(stage.grasps(0, stage.side, lambda g: g.type == "power" and g.approach[2] > -0.5))  # not by the edge
    laid = [p for p in on_table(stage, fx, fz) if p[0, 0] * stage.cut_end * stage.sign > 0.5]
    for fruit in laid:
        try:
            held, _ = stage.choose(stage.other, holding, [(fruit,)])
            found = picked_up(stage, knives, on_table(stage, x, z)[::2], knife_ways(stage, fruit))
        except Unplayable:
            continue
        return held, fruit, *found
    raise Unplayable(f"two hands cannot cut this {stage.things[1].kind} here")


def blade_way(fruit: Pose) -> np.ndarray:
    """(3,) level direction along the blade, away from the wearer, in the plane of the cut."""
    level = np.array([-fruit[2, 0], 0.0, fruit[0, 0]])
    return level * (1.0 if level[2] > 0 else -1.0)


def knife_ways(stage: Stage, fruit: Pose) -> list[tuple[Pose, ...]]:
    """Poses of the knife over what is cut and through it; its handle is held high, for the fist needs room."""
    knife, level = working_end(stage.things[0]), blade_way(fruit)
    place, blade = moved(fruit, (stage.cut_at, 0, 0)), float(stage.things[0].mesh.vertices[:, 0].max())
    ways: list[tuple[Pose, ...]] = []
    for dip in np.radians([10.0, 16.0, 22.0, 30.0]):
        along = level * np.cos(dip) + np.array([0, np.sin(dip), 0])
        for share in (0.15, 0.3):
            tip = np.array([place[0], 0.0, place[2]]) + along * blade * share
            through = on_edge(stage.things[0], knife.pose(tip, along, (0, 1.0, 0)))
            ways.append((shifted(through, up=stage.height(1) + 0.01), through))
    return ways


def on_edge(thing: RigidObject, pose: Pose) -> Pose:
    """The pose raised or lowered until the thing just stands on the work surface, a millimetre above it."""
    low = float(moved(pose, thing.mesh.vertices)[:, 1].max())
    return shifted(pose, up=low + 0.001)
