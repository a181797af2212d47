"""Before a motion is played: which hand takes what, where and how, so that no wrist has to bend beyond its limits."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handseg_lib.synth.grasp import Grasp, grasp
from handseg_lib.synth.hand import HandPose
from handseg_lib.synth.video.motion import DIP, RISE, Wearer, hand_pose_towards
from handseg_lib.synth.video.scripts import Script
from handseg_lib.synth.video.trajectory import Pose, chained, placed

if TYPE_CHECKING:
    from handseg_lib.synth.objects import Grip, RigidObject

YAWS = np.arange(20) * (2 * np.pi / 20)
HOLDING = ("power", "pinch", "tripod", "hook")
"""Types of grips by which a thing can be lifted."""
DEEPEST = 0.005
"""Metres by which fingers may press into what they hold."""
EASY = 0.9
"""Strain a pose below which no other grip is tried."""
Order = Sequence[Pose]


class Unplayable(ValueError):
    """A hand cannot do this here: another grip, place or seed is needed."""


class Stage:
    """The wearer, the things of one action, and what is decided about them.

    Attributes:
        rng: decides places and orders.
        wearer: whose hands.
        things: what is handled, in the order the verb names them.
        side, other: the hand that acts, and the one that helps.
        sign: +1 where `side` is right: places are told as for a right-handed wearer.
        centre: (x, z) of the middle of the work area, metres.
        relaxed: the hand at rest.
        lid_height: how high a lid sits on its vessel, for verbs with a lid, metres.
        cut_at, cut_end: x in the frame of what is cut where the knife goes through, metres, and the sign of x towards
            the piece that comes off.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        wearer: Wearer,
        things: Sequence["RigidObject"],
        side: str,
        centre: tuple[float, float] = (0.0, 0.24),
    ) -> None:
        self.rng, self.wearer, self.things, self.side, self.centre = rng, wearer, tuple(things), side, centre
        self.other = "left" if side == "right" else "right"
        self.sign = 1.0 if side == "right" else -1.0
        self.relaxed = HandPose.named("relaxed")
        self.lid_height = self.cut_at = self.cut_end = 0.0
        self._grasps: dict[tuple[int, str, int], Grasp] = {}
        self._strains: dict[tuple[str, bytes], float] = {}

    def spot(self, x: float, z: float, spread: float = 0.02) -> tuple[float, float]:
        """A place of the work area: x to the acting hand's side and z away from the wearer, from its middle."""
        dx, dz = self.rng.normal(0, spread, 2).clip(-2 * spread, 2 * spread)
        return self.centre[0] + self.sign * (x + float(dx)), self.centre[1] + z + float(dz)

    def height(self, index: int) -> float:
        """Height of a thing as it stands, metres."""
        return float(-self.things[index].mesh.vertices[:, 1].min())

    def grasps(
        self, index: int, side: str, wanted: Callable[["Grip"], bool] = lambda g: g.hands == 1 and g.type in HOLDING
    ) -> Iterator[Grasp]:
        """Grasps of a thing by its grips in random order, each closed when it is asked for; deep ones are left out."""
        thing = self.things[index]
        for number in self.rng.permutation(len(thing.grips)).tolist():
            if wanted(thing.grips[number]):
                key = (index, side, number)
                if key not in self._grasps:
                    rng = np.random.default_rng([830, number, len(thing.mesh.faces)])
                    self._grasps[key] = grasp(rng, self.wearer.model, thing, side, thing.grips[number])
                if self._grasps[key].penetration < DEEPEST:
                    yield self._grasps[key]

    def choose(
        self, side: str, grasps: Iterable[Grasp], orders: Iterable[Order], low: bool = True, rise: bool = True
    ) -> tuple[Grasp, Order]:
        """The grasp and the order of the thing's poses that strain the arm least.

        Args:
            side: the hand.
            grasps: what it may do.
            orders: sequences of poses of the thing; with `low` the first is on the work surface.
            rise: whether the thing may be picked up a little where the hand would else be in the work surface.

        Raises:
            Unplayable: if every one of them is out of reach or against a joint.
        """
        best: tuple[float, Grasp, Order] | None = None
        orders = list(orders)
        for g in grasps:
            for order in orders:
                total = 0.0
                for k, pose in enumerate(order):
                    total += self.strain(side, chained(pose, g.wrist))
                    if low and k == 0 and np.isfinite(total):
                        total += self.dip(side, chained(pose, g.wrist), g.pose, rise)
                    if not np.isfinite(total) or (best is not None and total >= best[0]):
                        break
                else:
                    best = (total, g, order)
            if best is not None and best[0] < EASY * len(best[2]):
                break  # good enough: the remaining grips need not even be closed
        if best is None:
            raise Unplayable(f"the {side} hand cannot do this with any of its grips; try another seed")
        return best[1], best[2]

    def strain(self, side: str, wrist: Pose) -> float:
        """Strain of one arm at its easiest, worked out once for each wrist."""
        key = (side, np.round(wrist, 5).tobytes())
        if key not in self._strains:
            self._strains[key] = self.wearer.easiest(side, wrist)
        return self._strains[key]

    def dip(self, side: str, wrist: Pose, pose: HandPose, rise: bool) -> float:
        """What it costs that a hand would be in the work surface: 1 a centimetre, infinite where it is too deep."""
        deep = -self.wearer.lowest(side, wrist, pose)
        if deep <= DIP:
            return 0.0
        return deep / 0.01 if rise and deep <= RISE else np.inf

    def rest(self, side: str, near: float = -0.1) -> Pose:
        """Where a hand waits: by its side of the work surface, palm down; `near` is its z in metres."""
        sign = 1.0 if side == "right" else -1.0
        x = self.centre[0] + sign * float(self.rng.uniform(0.13, 0.2))
        point = (x, float(self.rng.uniform(-0.13, -0.1)), near + float(self.rng.uniform(-0.02, 0.02)))
        return hand_pose_towards(point, (-0.3 * sign, 0.1, 1.0), (-0.25 * sign, 1.0, 0.0))

    def script(self, poses: Sequence[Pose]) -> Script:
        """An empty script with each thing at its place."""
        return Script(self.wearer, poses)


class Tool:
    """A long thing with a working end, seen from where it is held.

    Attributes:
        tip: (3,) the end that works, object frame.
        along: (3,) unit vector towards it.
        edge: (3,) unit vector across, towards a blade's edge or a spoon's hollow; at right angles to `along`.
    """

    def __init__(self, tip: ArrayLike, along: ArrayLike, edge: ArrayLike) -> None:
        self.tip, self.along = np.asarray(tip, np.float64), _unit(along)
        edge = np.asarray(edge, np.float64)
        self.edge = _unit(edge - self.along * (edge * self.along).sum())

    def pose(self, tip: ArrayLike, along: ArrayLike, edge: ArrayLike) -> Pose:
        """Pose of the tool with its tip at a place, pointing along one direction and its edge near another."""
        a = _unit(along)
        e = np.asarray(edge, np.float64)
        e = _unit(e - a * (e * a).sum())
        target = np.stack([a, e, np.cross(a, e)], axis=1)
        own = np.stack([self.along, self.edge, np.cross(self.along, self.edge)], axis=1)
        turn = (target[:, None] * own[None]).sum(axis=2)
        return placed(turn, np.asarray(tip, np.float64) - (turn * self.tip).sum(axis=1))


def _unit(v: ArrayLike) -> NDArray[np.float64]:
    v = np.asarray(v, np.float64)
    return v / np.sqrt((v * v).sum())
