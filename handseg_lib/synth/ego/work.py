"""A table being set for one first-person frame: hands that hold, rest and gesture, and things that stand around.

`Work` gathers hands and objects in room coordinates (see `ego.layout`). Every method that places a hand says whether
it could: a grasp that no wrist can reach, or that would pass through the table, is refused.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from handseg_lib.camera import Intrinsics
from handseg_lib.synth.compiled import squared_gaps
from handseg_lib.synth.ego.arms import OTHER, Array, Stance, free_wrist, hand_points_of, raised, reach_for
from handseg_lib.synth.ego.domains import Domain
from handseg_lib.synth.ego.layout import SIDES, EgoHand, EgoObject, Room
from handseg_lib.synth.ego.places import (
    GRAZE,
    TABLE,
    basis,
    clear_of_table,
    rough_wrist,
    upright,
    within_reach,
)
from handseg_lib.synth.grasp import Grasp, grasp
from handseg_lib.synth.hand import HandPose
from handseg_lib.synth.hand.pairs import sample_pair
from handseg_lib.synth.objects import RigidObject, sample_object
from handseg_lib.synth.people.body import rotation

if TYPE_CHECKING:
    from handseg_lib.synth.objects import Grip

YAWS = 12
DEEPEST = 0.006
"""Metres by which a hand may press into what it holds; deeper grasps are refused."""
CONTACT = 0.002
"""Surfaces nearer than this touch, metres."""
PRESS = 0.0025
"""How deep hands may press into what they do not hold, metres."""
BESIDE = 0.1
"""Room left beside a sink, a hob or a vice, metres."""
STAYS = ("mouse", "keyboard", "cutting_board")
"""Kinds that are used where they stand."""
PALM_DOWN = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
"""(3, 3) hand frame to room of either hand, laid on its palm with the fingers pointing ahead."""
RESTING = ("flat", "relaxed", "open", "cup", "fist", "relaxed", "flat")
GESTURES = ("open", "flat", "relaxed", "fist", "point", "ok", "thumbs_up", "two", "cup", "pinch")


class Work:
    """What hands do in one frame.

    Attributes:
        hands: side -> arm, as far as placed.
        objects: what has a role, the fixtures of the room included.
        activity: what is being done, in words.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        domain: Domain,
        room: Room,
        stance: Stance,
        lens: Intrinsics,
        kinds: Sequence[str],
    ) -> None:
        self.rng, self.domain, self.room, self.stance, self.lens = rng, domain, room, stance, lens
        self.kinds = tuple(kinds)
        self.hands: dict[str, EgoHand] = {}
        self.objects: list[EgoObject] = list(room.fixtures)
        self.activity = ""

    def thing(self, *kinds: str) -> RigidObject | None:
        """One of some kinds that this frame may show, or None where it may show none of them."""
        able = [kind for kind in kinds if kind in self.kinds]
        return sample_object(str(self.rng.choice(able)), self.rng) if able else None

    def spot(self, near: float | None = None) -> Array:
        """(3,) a place on the work surface within easy reach; `near` is an x that it should be close to."""
        x0, x1, z0, z1 = self.room.area
        x = np.clip(self.rng.normal(self.focus[0] if near is None else near, 0.05), x0 + 0.05, x1 - 0.05)
        z = np.clip(self.rng.normal(self.focus[2], 0.06), z0 + 0.06, z1 - 0.05)
        for left, right, front, back in self.room.taken:  # nothing is put into a sink, on a vice or under a monitor
            if not (left - BESIDE < x < right + BESIDE and front - 0.03 < z < back):
                continue
            if left < 0 < right:
                z = max(front - 0.03, z0 + 0.06)
            else:
                x = left - BESIDE if left > 0 else right + BESIDE
        return np.array([x, 0.0, z])

    @property
    def focus(self) -> Array:
        """(3,) where the camera's middle meets the work surface, no farther than hands like to work."""
        forward, eye = self.stance.camera[:3, 2], self.stance.camera[:3, 3]
        point = eye + forward * (-eye[1] / max(forward[1], 0.2))
        return np.array([np.clip(point[0], -0.2, 0.2), 0.0, np.clip(point[2], 0.14, 0.3)])

    def add(self, thing: RigidObject, pose: Array, touched: Iterable[str] = (), reached: Iterable[str] = ()) -> None:
        """Put an object into the frame."""
        self.objects.append(EgoObject(thing, pose, tuple(touched), tuple(reached)))

    def stand(
        self,
        thing: RigidObject,
        at: Array,
        yaw: float | None = None,
        touched: Iterable[str] = (),
        reached: Iterable[str] = (),
    ) -> Array:
        """Stand an object at a place with its own base on it; returns its pose."""
        pose = upright(at, self.rng.uniform(0, 2 * np.pi) if yaw is None else yaw)
        self.add(thing, pose, touched, reached)
        return pose

    def sees(self, point: Array) -> bool:
        """Whether a point is in the camera's view."""
        x, y, z = self.stance.camera[:3, :3].T @ (point - self.stance.camera[:3, 3])
        if z < 0.1:
            return False
        u, v = self.lens.fx * x / z + self.lens.cx, self.lens.fy * y / z + self.lens.cy
        return bool(-10 <= u <= self.lens.width + 10 and -10 <= v <= self.lens.height + 10)

    def put(self, side: str, hand: EgoHand | None, holding: RigidObject | None = None) -> bool:
        """Keep a hand where there is one that passes through nothing."""
        if hand is None or not clear_of_table(self.stance, side, hand) or not self.apart(side, hand):
            return False
        if not self.clear_of_things(side, hand, holding):
            return False
        self.hands[side] = hand
        return True

    def clear_of_things(self, side: str, hand: EgoHand, holding: RigidObject | None = None) -> bool:
        """Whether a hand and its forearm touch other things than the held one at most."""
        skin = self.stance.model.posed(hand.pose, hand.wrist, side, hand.elbow).vertices
        for o in self.objects:
            if o.thing is holding:
                continue
            near = within_reach(o, skin)
            if len(near) and o.thing.distance(near).min() < -PRESS:
                return False
        return True

    def apart(self, side: str, hand: EgoHand, room: float = 0.012) -> bool:
        """Whether a hand keeps away from the other hand and its forearm."""
        other = self.hands.get(OTHER[side])
        if other is None:
            return True
        mine = self.stance.model.posed(hand.pose, hand.wrist, side, hand.elbow).vertices[::6]
        theirs = self.stance.model.posed(other.pose, other.wrist, OTHER[side], other.elbow).vertices[::6]
        gap = squared_gaps(np.ascontiguousarray(mine), np.ascontiguousarray(theirs)).min()
        return bool(gap > room * room)

    def gesture(self, side: str) -> bool:
        """A hand in the air that touches nothing."""
        rng, sign = self.rng, 1 if side == "right" else -1
        for _ in range(12):
            pose = HandPose.named(str(rng.choice(GESTURES))) if rng.random() < 0.5 else HandPose.sample(rng)
            target = self.spot(self.focus[0] + sign * rng.uniform(0.04, 0.2)) - (
                0,
                rng.uniform(0.05, 0.24),
                rng.uniform(0, 0.1),
            )
            turn = rng.uniform(-0.6, 1.8)
            wrist = free_wrist(rng, self.stance, side, target, turn, float(np.clip(rng.normal(-0.1, 0.35), -0.8, 0.8)))
            if self.sees(wrist[:3, 3] + 0.09 * wrist[:3, 1]) and self.put(side, raised(self.stance, side, wrist, pose)):
                return True
        return False

    def rest(self, side: str, pointing: bool = False) -> bool:
        """A hand that lies on the work surface, or presses a finger on it."""
        rng, sign = self.rng, 1 if side == "right" else -1
        for _ in range(12):
            pose = HandPose.named("point" if pointing else str(rng.choice(RESTING)))
            at = self.spot(self.focus[0] + sign * rng.uniform(0.05, 0.22))
            yaw = sign * rng.normal(-0.35, 0.25)
            wrist = np.eye(4)
            tip = -rng.uniform(0.25, 0.6) if pointing else rng.normal(0.0, 0.1)
            roll = 0.0 if pointing or rng.random() < 0.75 else sign * rng.uniform(0.5, 1.3)
            wrist[:3, :3] = rotation("y", yaw) @ rotation("x", tip) @ PALM_DOWN @ rotation("y", roll)
            wrist[:3, 3] = at - np.array([0, 0.05, 0.05])
            points = hand_points_of(self.stance, side, pose, wrist)
            wrist[1, 3] -= float(points[:, 1].max())
            hand = raised(self.stance, side, wrist, pose, "stationary")
            if self.sees(wrist[:3, 3] + 0.09 * wrist[:3, 1]) and self.put(side, hand):
                return True
        return False

    def together(self) -> bool:
        """Both hands touching each other."""
        for _ in range(4):
            pair = sample_pair(self.rng, self.stance.model)
            if len(pair.wrists) < 2:
                continue
            place = self._place_pair(pair)
            if place is None:
                continue
            found = {s: raised(self.stance, s, place @ pair.wrists[s], pair.poses[s], "self") for s in SIDES}
            if all(hand is not None and clear_of_table(self.stance, s, hand) for s, hand in found.items()):
                self.hands.update(found)
                return True
        return False

    def _place_pair(self, pair: object) -> Array | None:
        """(4, 4) where a pair of hands is easiest on both arms."""
        rng, middle = self.rng, np.mean([pair.wrists[s][:3, 3] for s in SIDES], axis=0)
        own = basis(
            np.mean([pair.elbows[s] for s in SIDES], axis=0) - middle, pair.elbows["right"] - pair.elbows["left"]
        )
        best: tuple[float, Array | None] = (3.0, None)
        for _ in range(24):
            target = self.spot() - np.array([0, rng.uniform(0.06, 0.22), 0.03])
            back = np.mean(list(self.stance.shoulders.values()), axis=0) + np.array([0, 0.2, 0]) - target
            turn = (
                rotation("x", rng.normal(0, 0.4))
                @ rotation("y", rng.normal(0, 0.3))
                @ rotation("z", rng.normal(0, 0.4))
            )
            place = np.eye(4)
            place[:3, :3] = turn @ basis(back, np.array([1.0, 0, 0])) @ own.T
            place[:3, 3] = target - place[:3, :3] @ middle
            cost = max(reach_for(self.stance, s, place @ pair.wrists[s], 4)[0] for s in SIDES)
            if cost < best[0]:
                best = (cost, place)
        return best[1]

    def hold(
        self,
        side: str,
        thing: RigidObject,
        places: Callable[[float], Array],
        grips: Sequence["Grip"] | None = None,
        reached: Iterable[str] = (),
        rise: bool = True,
        fixed: bool = False,
    ) -> Array | None:
        """Take an object with one hand.

        Args:
            side: which hand.
            thing: the object.
            places: takes a fraction of a turn in [0, 1) to a pose (4, 4) that the object may have.
            grips: those allowed, default all for one hand.
            reached: hands that also reach the object by way of another.
            rise: whether the object may be lifted where the hand would pass through the table.
            fixed: the object stays part of the room.

        Returns:
            The object's pose (4, 4), None where it could not be held; hand and object are in the frame then.
        """
        if grips is None:
            grips = [g for g in thing.grips if g.hands == 1 and g.type != "press"]
        for _, pose, grip in self._easiest(side, thing, places, grips)[:3]:
            held = grasp(self.rng, self.stance.model, thing, side, grip)
            if held.penetration > DEEPEST or len(held.touching) < (1 if grip.type == "press" else 2):
                continue
            pose = self._risen(side, held, pose, rise)
            hand = pose is not None and raised(
                self.stance, side, pose @ held.wrist, held.pose, "stationary" if fixed else "portable"
            )
            if hand and self.put(side, hand, thing):
                self.objects = [o for o in self.objects if o.thing is not thing]
                self.objects.append(EgoObject(thing, pose, (side,), tuple(reached), fixed))
                return pose
        return None

    def touched(self) -> None:
        """Add the hands that came to lie on something portable to its roles, and the contact to their states."""
        for side, hand in self.hands.items():
            skin = self.stance.model.posed(hand.pose, hand.wrist, side).vertices
            for k, o in enumerate(self.objects):
                near = within_reach(o, skin)
                if side in o.touched_by or not len(near) or o.thing.distance(near).min() >= CONTACT:
                    continue
                self.objects[k] = replace(o, touched_by=tuple(s for s in SIDES if s in o.touched_by or s == side))
                if hand.state in ("none", "stationary"):
                    self.hands[side] = replace(hand, state="stationary" if o.fixed else "portable")

    def lay(self, side: str, at: Array, pose: HandPose, yaw: float, tip: float, level: float, state: str) -> bool:
        """Lay a hand down on a level surface (y = `level`), palm down, its middle knuckle about at a place."""
        wrist = np.eye(4)
        wrist[:3, :3] = rotation("y", yaw) @ rotation("x", tip) @ PALM_DOWN
        wrist[:3, 3] = at - wrist[:3, :3] @ np.array([0, 0.1, 0])
        points = hand_points_of(self.stance, side, pose, wrist)
        wrist[1, 3] += level - float(points[:, 1].max())
        return self.sees(at) and self.put(side, raised(self.stance, side, wrist, pose, state))

    def _easiest(
        self, side: str, thing: RigidObject, places: Callable[[float], Array], grips: Sequence["Grip"]
    ) -> list[tuple[float, Array, "Grip"]]:
        """Poses and grips by rising strain, different grips first; a hand is stood in for by a stiff one."""
        found = []
        start = self.rng.random()
        for index in self.rng.permutation(len(grips))[:5]:
            rough = rough_wrist(grips[index], side)
            costs = []
            for k in range(YAWS):
                pose = places((start + k / YAWS) % 1.0)
                wrist = pose @ rough
                if (wrist[1, 3] < 0.0 or wrist[2, 3] < 0.0) and self.sees(pose[:3, 3]):
                    costs.append((reach_for(self.stance, side, wrist, 3)[0] + 0.3 * self.rng.random(), k, pose))
            if costs:
                cost, _, pose = min(costs, key=lambda c: c[:2])
                found.append((cost, int(index), pose, grips[index]))
        found.sort(key=lambda f: f[:2])
        return [(cost, pose, grip) for cost, _, pose, grip in found if cost < 4]

    def _risen(self, side: str, held: Grasp, pose: Array, rise: bool) -> Array | None:
        """The object's pose, lifted so far that the hand clears the table."""
        points = hand_points_of(self.stance, side, held.pose, pose @ held.wrist)
        over = (points[:, 2] > 0.0) & (points[:, 1] < TABLE)
        deep = float(points[over, 1].max(initial=-1.0))
        if deep <= GRAZE:
            return pose
        if not rise or deep > 0.09:
            return None
        lifted = pose.copy()
        lifted[1, 3] -= deep + 0.001
        return lifted

    def hold_both(self, thing: RigidObject, at: Array) -> bool:
        """Take an object with both hands by one of its two-hand grips."""
        rng = self.rng
        firsts = [g for g in thing.grips if g.hands == 2 and g.partner is not None]
        rng.shuffle(firsts)
        for grip in firsts[:3]:
            other = thing.grips[grip.partner]
            index = next(k for k, g in enumerate(thing.grips) if g is grip)
            right, left = (grip, other) if index < grip.partner else (other, grip)
            for lift in (0.0, 0.06):
                pose = upright(at - np.array([0, lift, 0]), rng.normal(0, 0.2))
                if self._with_both(thing, pose, right, left):
                    return True
        return False

    def _with_both(self, thing: RigidObject, pose: Array, right: "Grip", left: "Grip") -> bool:
        grips, found = {"right": right, "left": left}, {}
        if max(reach_for(self.stance, s, pose @ rough_wrist(grips[s], s), 4)[0] for s in SIDES) > 4:
            return False
        held = {s: grasp(self.rng, self.stance.model, thing, s, grips[s]) for s in SIDES}
        if any(h.penetration > DEEPEST or not h.touching for h in held.values()):
            return False
        for s in SIDES:
            moved = self._risen(s, held[s], pose, True)
            if moved is None:
                return False
            pose = moved
        for s in SIDES:
            found[s] = raised(self.stance, s, pose @ held[s].wrist, held[s].pose, "portable")
        if any(
            h is None or not clear_of_table(self.stance, s, h) or not self.clear_of_things(s, h)
            for s, h in found.items()
        ):
            return False
        self.hands["left"] = found["left"]
        if not self.apart("right", found["right"], 0.004):
            del self.hands["left"]
            return False
        self.hands.update(found)
        self.add(thing, pose, SIDES)
        return True
