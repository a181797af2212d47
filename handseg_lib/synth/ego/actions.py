"""Activities in which hands act on a thing by way of another: cutting, pouring, stirring, writing, hammering, ...

What the hand holds is first order; what the held thing acts on, or rests on, is second order (EgoHOS, Section 3).
Each function sets a `Work` and says whether it could; see `ego_activities`.
"""

from collections.abc import Callable

import numpy as np

from handseg_lib.synth.ego.activities import idle, name_of, preferred, take_any
from handseg_lib.synth.ego.arms import OTHER, Array
from handseg_lib.synth.ego.clutter import occupied
from handseg_lib.synth.ego.layout import SIDES, EgoObject
from handseg_lib.synth.ego.places import footprint, upright
from handseg_lib.synth.ego.things import made, nail, stream
from handseg_lib.synth.ego.work import Work
from handseg_lib.synth.hand import HandPose
from handseg_lib.synth.objects import RigidObject
from handseg_lib.synth.objects.parted import LIDS, lidded
from handseg_lib.synth.people.body import rotation


def signed(side: str) -> int:
    """+1 for the right hand's side of the room."""
    return 1 if side == "right" else -1


def anchored(point: Array, target: Array, turn: Callable[[float], Array]) -> Callable[[float], Array]:
    """Poses whose rotation is `turn(share)` and that bring the object's `point` to `target` (room)."""

    def place(share: float) -> Array:
        pose = np.eye(4)
        pose[:3, :3] = turn(share)
        pose[:3, 3] = target - pose[:3, :3] @ point
        return pose

    return place


def edge_down(sign: int, spread: float, pitch: float) -> Callable[[float], Array]:
    """Turns of a tool that lies along x with its edge or face at +z: edge down, pointing ahead and inwards."""
    down = rotation("z", pitch) @ rotation("x", -np.pi / 2)
    return lambda share: rotation("y", -np.pi / 2 + sign * spread * (share - 0.63)) @ down


def high(thing: RigidObject) -> float:
    """Height of a standing object, metres."""
    return float(-thing.mesh.vertices[:, 1].min())


def cut(work: Work) -> bool:
    """A knife goes through food on a board while the other hand holds the food."""
    rng, side = work.rng, preferred(work)
    knife, board, food = work.thing("knife"), work.thing("cutting_board"), made("long_food", rng)
    if knife is None:
        return False
    spot, level = work.spot(), 0.0
    if board is not None:
        work.stand(board, spot, rng.normal(0, 0.15), reached=SIDES)
        level = high(board)
    # the food lies across, its held end (x > 0 in its own frame) on the helping hand's side
    yaw = (np.pi if side == "left" else 0) - signed(side) * rng.uniform(0.3, 0.8)  # and nearer to the wearer
    lying = upright(spot - np.array([0, level, 0]), yaw)
    lying[:3, 3] -= lying[:3, :3] @ np.array([0.5 * food.extent[0], 0, 0])
    held = work.hold(OTHER[side], food, lambda share: lying, reached=(side,), rise=False)
    if held is None:
        return False
    share = rng.uniform(0.6, 0.75)
    thick = float(food.extent[1])
    mark = (
        held[:3, 3]
        + held[:3, :3] @ np.array([share * food.extent[0], 0, 0])
        - np.array([0, thick * rng.uniform(0.6, 1.0), 0])
    )
    edge = knife.mesh.vertices[:, 2].max()
    # the blade's farther half cuts and the handle is raised, so that there is room for the fist over the board
    blade = np.array([knife.mesh.vertices[:, 0].max() * rng.uniform(0.5, 0.7), -0.5 * knife.extent[1], edge])
    pitch = rng.uniform(0.08, 0.25)
    turn = edge_down(signed(side), 1.9, pitch)
    grips = [g for g in knife.grips if g.approach[2] > 0.5 or g.approach[1] > 0.5]
    work.activity = f"cutting a {name_of(food)}"
    return work.hold(side, knife, anchored(blade, mark, turn), grips, rise=False) is not None


def pour(work: Work) -> bool:
    """A tilted bottle, carton or can over a bowl, a glass or a pan."""
    rng, side = work.rng, preferred(work)
    source, target = work.thing("bottle", "carton", "can", "jar"), work.thing("bowl", "glass", "mug", "pan", "pot")
    if source is None or target is None or resting_height(target) > 0.5 * high(target):  # or its lid is on
        return False
    if source.kind in LIDS:  # nobody pours with the cap on
        source, _, _ = lidded(source.kind, rng)
    at = work.spot(work.focus[0] - 0.05 * signed(side))
    rim = high(target)
    if rng.random() < 0.45:
        standing = work.hold(OTHER[side], target, lambda s: upright(at, 2 * np.pi * s), reached=(side,), rise=False)
        if standing is None:
            return False
    else:
        work.stand(target, at, reached=(side,))
        idle(work, OTHER[side], absent=0.6)
    over = at - np.array([0, rim + rng.uniform(0.03, 0.07), 0])
    angle = rng.uniform(1.75, 2.15)  # beyond level: the mouth hangs lowest
    mouth = np.array([0, -high(source), 0])
    grips = [g for g in source.grips if g.hands == 1 and g.type == "power"]
    pose = work.hold(
        side,
        source,
        anchored(mouth, over, lambda s: rotation("y", 2 * np.pi * s) @ rotation("z", angle)),
        grips,
        rise=False,
    )
    if pose is None:
        return False
    low = resting_height(target) + 0.002
    jet = stream(rng, float(-over[1]) - low)
    work.objects.append(EgoObject(jet, upright(at - np.array([0, low, 0]), 0.0), passing=True))
    work.activity = f"pouring from a {name_of(source)} into a {name_of(target)}"
    return True


def stir(work: Work) -> bool:
    """A spoon or a spatula in a pan, a pot or a bowl that the other hand may hold."""
    rng, side = work.rng, preferred(work)
    tool = work.thing("spoon", "spatula", "fork")
    vessel = None if tool is None else work.thing(*(("pan",) if tool.kind == "spatula" else ("pan", "bowl", "mug")))
    if vessel is None:
        return False
    at = work.spot(work.focus[0] - 0.03 * signed(side))
    if rng.random() < 0.5:
        if work.hold(OTHER[side], vessel, lambda s: upright(at, 2 * np.pi * s), reached=(side,), rise=False) is None:
            return False
    else:
        work.stand(vessel, at, reached=(side,))
        idle(work, OTHER[side], absent=0.6)
    head = np.array(
        [tool.mesh.vertices[:, 0].min() + 0.01, tool.mesh.vertices[tool.mesh.vertices[:, 0].argmin(), 1], 0]
    )
    steep = -rng.uniform(0.75, 1.15)
    turn = lambda s: rotation("y", 2 * np.pi * s) @ rotation("z", steep)  # noqa: E731
    work.activity = f"stirring with a {name_of(tool)} in a {name_of(vessel)}"
    return work.hold(side, tool, anchored(head, at - np.array([0, 0.012, 0]), turn), rise=False) is not None


def on_top(work: Work) -> bool:
    """A thing taken from a plate, a board, a book or a box, on which it still lies."""
    rng, side = work.rng, preferred(work)
    below = work.thing("plate", "cutting_board", "book", "box")
    if below is None:
        return False
    if below.kind in ("plate", "cutting_board"):
        thing = made("round_food" if rng.random() < 0.75 else "long_food", rng)
    else:
        thing = work.thing(*work.domain.held)
    level = resting_height(below)
    if thing is None or level > 0.16 or footprint(thing) > 1.3 * footprint(below):
        return False
    at = work.spot(work.focus[0] + 0.05 * signed(side))
    work.stand(below, at, reached=(side,))
    if work.hold(side, thing, lambda s: upright(at - np.array([0, level, 0]), 2 * np.pi * s), rise=False) is None:
        return False
    idle(work, OTHER[side])
    work.activity = f"taking a {name_of(thing)} from a {name_of(below)}"
    return True


def resting_height(thing: RigidObject) -> float:
    """How high the middle of an object's upper side lies, metres."""
    heights = np.arange(0.0, high(thing) + 0.002, 0.0005)
    points = np.stack([0.001 + 0 * heights, -heights, 0 * heights], 1).astype(np.float32)
    inside = np.flatnonzero(thing.distance(points) <= 0)
    return float(heights[inside[-1]]) + 0.0005 if len(inside) else 0.0


def write(work: Work) -> bool:
    """A pen on paper, which the other hand may keep in place."""
    rng, side = work.rng, preferred(work)
    pen, sheet = work.thing("pen", "marker"), made("paper", rng)
    if pen is None:
        return False
    at = work.spot()
    work.stand(sheet, at, rng.normal(0, 0.2), reached=(side,))
    level = high(sheet)
    tip = np.array([pen.mesh.vertices[:, 0].max(), -0.5 * pen.extent[1], 0])
    mark = at + np.array([signed(side) * rng.uniform(0.0, 0.04), -level, rng.uniform(-0.02, 0.04)])
    slant = rng.uniform(0.7, 1.05)
    grips = [g for g in pen.grips if g.type == "tripod"]
    turn = lambda s: rotation("y", 2 * np.pi * s) @ rotation("z", slant)  # noqa: E731
    if work.hold(side, pen, anchored(tip, mark, turn), grips, rise=False) is None:
        return False
    for _ in range(8 if rng.random() < 0.75 else 0):
        beside = at + np.array([-signed(side) * rng.uniform(0.05, 0.1), 0, rng.uniform(-0.06, 0.04)])
        yaw = -signed(OTHER[side]) * rng.uniform(0.2, 0.8)
        if work.lay(OTHER[side], beside, HandPose.named("relaxed"), yaw, rng.uniform(-0.2, 0.1), -level, "stationary"):
            break
    work.activity = f"writing on a {name_of(sheet)}"
    return True


def typing(work: Work) -> bool:
    """Both hands, or one, on a keyboard."""
    rng = work.rng
    board, at = made("keyboard", rng), work.spot()
    x0, x1, z0, _ = work.room.area
    at = np.array([np.clip(at[0], x0 + 0.2, x1 - 0.2), 0, z0 + rng.uniform(0.13, 0.24)])
    work.objects.append(EgoObject(board, upright(at, rng.normal(0, 0.06)), fixed=True))
    hands = SIDES if rng.random() < 0.85 else (preferred(work),)
    for side in hands:
        for _ in range(8):
            pose = HandPose.named("claw").interpolate(HandPose.named("relaxed"), float(rng.uniform(0.5, 0.9)))
            place = at + np.array([signed(side) * rng.uniform(0.06, 0.1), 0, rng.uniform(-0.04, 0.0)])
            yaw, tip = -signed(side) * rng.uniform(0.1, 0.6), -rng.uniform(0.0, 0.3)
            if work.lay(side, place, pose, yaw, tip, -high(board), "stationary"):
                break
    work.activity = "typing on a keyboard"
    return bool(work.hands)


def press(work: Work) -> bool:
    """A finger on a button or on a screen."""
    side = preferred(work)
    thing = work.thing("combination_box", "phone", "remote", "camera", "spray_bottle")
    grips = [g for g in thing.grips if g.type == "press"] if thing is not None else []
    if not grips:
        return False
    at = work.spot(work.focus[0] + 0.04 * signed(side))
    turn = lambda s: upright(at, 1.6 * (s - 0.5))  # noqa: E731
    if work.hold(side, thing, turn, grips, rise=False) is None:
        return False
    idle(work, OTHER[side])
    work.activity = f"pressing a button of a {name_of(thing)}"
    return True


def craft(work: Work) -> bool:
    """A hammer, a screwdriver or a brush on a board that the other hand keeps in place."""
    rng, side = work.rng, preferred(work)
    tool, board = work.thing("hammer", "screwdriver", "paint_brush", "knife"), made("timber", rng)
    if tool is None:
        return False
    at = work.spot()
    yaw = (0 if side == "right" else np.pi) + rng.normal(0, 0.2)  # the held end on the helping hand's side
    lying = upright(at, yaw)
    work.add(board, lying, reached=(side,))
    for _ in range(10 if rng.random() < 0.8 else 0):  # the other hand keeps it in place
        beside = at - np.array([signed(side) * rng.uniform(0.06, 0.12), 0, rng.uniform(0.0, 0.05)])
        pose, yaw = (
            HandPose.named(str(rng.choice(["flat", "open", "relaxed"]))),
            -signed(OTHER[side]) * rng.uniform(0.2, 0.9),
        )
        if work.lay(OTHER[side], beside, pose, yaw, rng.uniform(-0.15, 0.15), -high(board), "stationary"):
            break
    level, vertices = high(board), tool.mesh.vertices
    mark = at + np.array([signed(side) * rng.uniform(0.02, 0.09), -level, rng.uniform(-0.01, 0.01)])
    end = float(vertices[:, 0].max())
    middle = -0.5 * float(tool.extent[1])
    if tool.kind == "hammer":
        pin = nail(rng)
        work.objects.append(EgoObject(pin, upright(mark, 0.0)))
        lift = high(pin) + (0.001 if rng.random() < 0.5 else rng.uniform(0.02, 0.1))
        point, target = np.array([end - 0.012, middle, vertices[:, 2].max()]), mark - np.array([0, lift, 0])
        turn = edge_down(signed(side), 2.6, -0.1)
    else:
        slant = {"screwdriver": 1.35, "paint_brush": 0.75, "knife": 0.5}[tool.kind]
        point, target = np.array([end, middle, 0]), mark
        turn = lambda s: rotation("y", 2 * np.pi * s) @ rotation("z", slant)  # noqa: E731
    if work.hold(side, tool, anchored(point, target, turn), rise=False) is None:
        return False
    verb = {
        "hammer": "hammering a nail",
        "screwdriver": "driving a screw",
        "paint_brush": "painting a board",
        "knife": "carving a board",
    }
    work.activity = verb[tool.kind]
    return True


def game(work: Work) -> bool:
    """A piece moved on a board on which others stand."""
    rng, side = work.rng, preferred(work)
    board, at = made("game_board", rng), work.spot()
    at = at + np.array([0, 0, 0.05])
    work.stand(board, at, rng.normal(0, 0.1), reached=(side,))
    level, half = high(board), 0.5 * float(board.extent[0]) - 0.04
    sort = [made("game_piece", rng) for _ in range(3)]
    lift = 0 if rng.random() < 0.5 else rng.uniform(0.01, 0.05)
    place = at + np.array([signed(side) * rng.uniform(0, 0.6 * half), -level - lift, rng.uniform(-0.7, 0.1) * half])
    if work.hold(side, sort[0], lambda s: upright(place, 2 * np.pi * s), rise=True) is None:
        return False
    taken = [place]
    solid = occupied(work)
    for _ in range(int(rng.integers(4, 14))):
        spot = at + np.array([rng.uniform(-half, half), -level, rng.uniform(-half, half)])
        piece = sort[int(rng.integers(3))]
        gap = np.abs(solid[np.abs(solid[:, 1] - spot[1]) < 0.06][:, [0, 2]] - spot[[0, 2]]).max(axis=1)
        if min(np.hypot(*(spot - t)[[0, 2]]) for t in taken) > 0.05 and gap[gap < 1].min(initial=1.0) > 0.035:
            work.stand(piece, spot)
            taken.append(spot)
    if rng.random() < 0.3:
        take_any(work, OTHER[side])
    else:
        idle(work, OTHER[side])
    work.activity = "moving a piece in a board game"
    return True


def open_drawer(work: Work) -> bool:
    """A hand at the handle of a drawer that it pulls open."""
    rng, side = work.rng, preferred(work)
    drawers = [o for o in work.objects if o.fixed and o.thing.kind == "drawer"]
    if not drawers:
        return False
    one = drawers[int(rng.random() < 0.25 and len(drawers) > 1)]  # seldom the second from above
    pulled = one.pose.copy()
    pulled[2, 3] -= rng.uniform(0.07, 0.27)  # so far that a hand has room before the counter's edge
    if work.hold(side, one.thing, lambda s: pulled, one.thing.grips, rise=False, fixed=True) is None:
        return False
    idle(work, OTHER[side], absent=0.7)
    work.activity = "opening a drawer"
    return True


ACTIONS: dict[str, Callable[[Work], bool]] = {
    "cut": cut,
    "pour": pour,
    "stir": stir,
    "on_top": on_top,
    "write": write,
    "type": typing,
    "press": press,
    "work": craft,
    "game": game,
    "drawer": open_drawer,
}
"""Activity name -> function that sets it and says whether it could."""
BENT = {"drawer": (np.array([0.0, 0.1, -0.08]), (-0.44, -0.32), (0.26, 0.44))}
"""Activities below the work surface: where the wearer looks, and the ranges of the eyes' z and height."""
