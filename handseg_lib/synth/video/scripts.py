"""Scripts: short programs that tell hands and things where to be, and when."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand import HandPose
from handseg_lib.synth.video.motion import BACK, CLOSING, DIP, RISE, SWIVELS, Hold, Motion, Wearer, easy_elbow
from handseg_lib.synth.video.trajectory import Pose, PoseTrack, Spline, chained, placed

if TYPE_CHECKING:
    from handseg_lib.synth.grasp import Grasp


class Script:
    """Writes a motion: each hand has its clock; what one hand does follows what it did before."""

    def __init__(self, wearer: Wearer, poses: Sequence[Pose]) -> None:
        """`poses`: where each thing is at the start."""
        self.wearer = wearer
        self.clock: dict[str, float] = {}
        self.things: list[list[tuple[float, Pose, bool]]] = [[(0.0, pose, True)] for pose in poses]
        self.wrists: dict[str, list[tuple[float, Pose, bool]]] = {}
        self.fingers: dict[str, list[tuple[float, NDArray, bool]]] = {}
        self.rests: dict[str, Pose] = {}
        self.holds: list[Hold] = []
        self.links: list[tuple[str, int, float, float]] = []
        self._open: dict[str, tuple[int, Grasp, float]] = {}

    def enter(self, side: str, rest: Pose, pose: HandPose) -> None:
        """A hand begins at `rest` and will come back there."""
        self.clock[side], self.rests[side] = 0.0, rest
        self.wrists[side], self.fingers[side] = [(0.0, rest, True)], [(0.0, pose.angles, True)]

    def enter_holding(self, side: str, rest: Pose, thing: int, grasp: "Grasp") -> None:
        """A hand begins with a thing already in its grasp."""
        self.enter(side, chained(self.last(thing), grasp.wrist), grasp.pose)
        self.rests[side] = rest
        self._open[side] = (thing, grasp, 0.0)

    def last(self, thing: int) -> Pose:
        """Where a thing was last sent."""
        return self.things[thing][-1][1]

    def holders(self, thing: int) -> list[str]:
        """Hands that hold a thing now."""
        return [side for side, (held, _, _) in self._open.items() if held == thing]

    def reach(self, side: str, thing: int, grasp: "Grasp", seconds: float = 0.9) -> None:
        """Move to a thing, come at it from before the palm, and close the fingers.

        Where the hand would be in the work surface, as on a thin thing that lies flat, the fingers pick it up a little
        while they close.
        """
        lying, t = self.last(thing), self.clock[side]
        up = self.rise(side, lying, grasp)
        raised = placed(lying[:3, :3], lying[:3, 3] - (0, up, 0))
        goal, before = chained(raised, grasp.wrist), self.before(raised, grasp)
        ready = self.wearer.ready(side, goal, grasp.pose)
        closed, off = t + seconds + CLOSING, t + seconds + 0.5 * CLOSING
        self.wrists[side] += [(t, self.wrists[side][-1][1], True), (t + 0.68 * seconds, before, False),
                              (t + seconds, goal, True), (closed, goal, True)]  # fmt: skip
        self.fingers[side] += [(t, self.fingers[side][-1][1], True), (t + 0.6 * seconds, ready.angles, True),
                               (off if up else t + 0.9 * seconds, ready.angles, True),
                               (closed, grasp.pose.angles, True)]  # fmt: skip
        self.clock[side] = closed
        self._open[side] = (thing, grasp, off if up else t + seconds + 0.6 * CLOSING)
        self._rest_until(thing, t + 0.9 * seconds if up else closed)
        if up:
            self.things[thing].append((off, raised, True))
            self._rest_until(thing, closed)

    def rise(self, side: str, pose: Pose, grasp: "Grasp") -> float:
        """Metres by which a thing must be off the work surface for a hand to fit under what it holds."""
        if pose[1, 3] < -RISE:
            return 0.0
        low = self.wearer.lowest(side, chained(pose, grasp.wrist), grasp.pose)
        return 0.0 if low > -DIP else min(-low, RISE)

    def before(self, pose: Pose, grasp: "Grasp") -> Pose:
        """Where a hand is ready to grasp: drawn back from the thing along the way of its palm, and a little up."""
        goal = chained(pose, grasp.wrist)
        approach = (pose[:3, :3] * np.asarray(grasp.grip.approach, np.float64)).sum(axis=1)
        back = -BACK * approach
        back[1] = min(back[1], 0.0) - 0.02
        return placed(goal[:3, :3], goal[:3, 3] + back)

    def carry(self, thing: int, pose: Pose, seconds: float, stop: bool = True) -> None:
        """Move a held thing; the hands that hold it follow and wait for each other."""
        sides = self.holders(thing)
        t = max(self.clock[side] for side in sides)
        if stop or len(self.things[thing]) == 1:
            self._rest_until(thing, t)
        self.things[thing].append((t + seconds, pose, stop))
        for side in sides:
            self.clock[side] = t + seconds

    def set_down(self, thing: int, pose: Pose, seconds: float) -> None:
        """Carry a thing to where it will lie, or just above where the hand would else be in the work surface."""
        (side,) = self.holders(thing)
        up = self.rise(side, pose, self._open[side][1])
        self.carry(thing, placed(pose[:3, :3], pose[:3, 3] - (0, up, 0)), seconds)
        self.let_go(side, pose if up else None)

    def let_go(self, side: str, lies: Pose | None = None) -> None:
        """Open the fingers and draw the hand back; a thing held above where it `lies` sinks there meanwhile."""
        thing, grasp, start = self._open.pop(side)
        t, pose = self.clock[side], self.last(thing)
        goal = chained(pose, grasp.wrist)
        if lies is None:
            self._rest_until(thing, t + CLOSING)
        else:
            self._rest_until(thing, t)
            self.things[thing].append((t + CLOSING, lies, True))
        self.holds.append(Hold(side, thing, grasp.wrist, start, t if lies is not None else t + 0.5 * CLOSING))
        ready = self.wearer.ready(side, goal, grasp.pose)
        self.fingers[side] += [(t, grasp.pose.angles, True), (t + CLOSING, ready.angles, True)]
        self.wrists[side] += [(t, goal, True), (t + 0.8 * CLOSING, goal, True),
                              (t + CLOSING + 0.35, self.before(pose, grasp), False)]  # fmt: skip
        self.clock[side] = t + CLOSING + 0.35

    def move(self, side: str, wrist: Pose, seconds: float, pose: HandPose | None = None, stop: bool = True) -> None:
        """Move a free hand, and its fingers where a pose is given."""
        t = self.clock[side]
        if pose is not None:
            self.fingers[side] += [(t, self.fingers[side][-1][1], True), (t + seconds, pose.angles, True)]
        self.wrists[side].append((t + seconds, wrist, stop))
        self.clock[side] = t + seconds

    def withdraw(self, side: str, seconds: float = 0.8, pose: HandPose | None = None) -> None:
        """Go back to where the hand came from."""
        self.move(side, self.rests[side], seconds, pose or HandPose.named("relaxed"))

    def wait(self, side: str, seconds: float) -> None:
        """Stay for a while."""
        held = self._open.get(side)
        if held:
            self._rest_until(held[0], self.clock[side] + seconds)
        else:
            self.wrists[side] += [(self.clock[side], self.wrists[side][-1][1], True),
                                  (self.clock[side] + seconds, self.wrists[side][-1][1], True)]  # fmt: skip
        self.clock[side] += seconds

    def meet(self, *sides: str) -> None:
        """Let hands that are early wait for the latest."""
        latest = max(self.clock[side] for side in sides)
        for side in sides:
            if self.clock[side] < latest:
                self.wait(side, latest - self.clock[side])

    def touch(self, side: str, thing: int, grasp: "Grasp", seconds: float, stay: float) -> None:
        """Touch a thing that stays where it is, as a finger that presses: go there, stay, and leave it at that."""
        t = self.clock[side]
        goal = chained(self.last(thing), grasp.wrist)
        self.wrists[side] += [
            (t, self.wrists[side][-1][1], True),
            (t + seconds, goal, True),
            (t + seconds + stay, goal, True),
        ]
        self.fingers[side].append((t + seconds, grasp.pose.angles, True))
        self.holds.append(Hold(side, thing, grasp.wrist, t + seconds, t + seconds + stay))
        self.clock[side] = t + seconds + stay

    def appear(self, thing: int, pose: Pose, start: float, end: float, hidden: Pose) -> None:
        """A thing is at `pose` from `start` to `end` and out of sight before and after, from one moment to the next."""
        blink = 1e-3
        self.things[thing] += [(start - blink, hidden, True), (start, pose, True), (end, pose, True),
                               (end + blink, hidden, True)]  # fmt: skip

    def nudge(self, thing: int, start: float, seconds: float, pose: Pose) -> None:
        """A thing that nobody holds moves a little: what falls or is pushed aside."""
        self._rest_until(thing, start)
        self.things[thing].append((start + seconds, pose, True))

    def link(self, side: str, thing: int, start: float, end: float) -> None:
        """Say that a hand acts on a thing by way of what it holds."""
        self.links.append((side, thing, start, end))

    def _rest_until(self, thing: int, time: float) -> None:
        """A thing stays where it was last sent until a time."""
        last, pose, _ = self.things[thing][-1]
        if time > last + 1e-6:
            self.things[thing][-1] = (last, pose, True)
            self.things[thing].append((time, pose, True))

    def motion(self) -> Motion:
        """The finished motion: its hands hold what they still hold to the end."""
        duration = max(self.clock.values())
        holds = list(self.holds)
        for side, (thing, grasp, start) in self._open.items():
            holds.append(Hold(side, thing, grasp.wrist, start, duration + 1.0))
        motion = Motion(
            duration=duration,
            wearer=self.wearer,
            things=tuple(PoseTrack(keys) for keys in self.things),
            wrists={side: PoseTrack(keys) for side, keys in self.wrists.items()},
            fingers={side: Spline.through(keys) for side, keys in self.fingers.items()},
            holds=tuple(holds),
            swivels=dict.fromkeys(self.clock, Spline.through([(0.0, SWIVELS[1], True)])),
            links=tuple(self.links),
        )
        return replace(motion, swivels={side: easy_elbow(motion, side) for side in self.clock})
