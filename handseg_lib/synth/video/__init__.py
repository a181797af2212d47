"""Videos of the first-person scene: hands act with things, the head moves, and every frame has all its truth.

>>> clip = video(verb="pour", noun="bottle", seed=1, frames=16, size=(120, 160))
>>> clip[0].rgb, clip[0].labels, clip.flow(0).vectors, clip.background(0).rgb
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError
from handseg_lib.synth.ego.arms import Stance, sample_stance
from handseg_lib.synth.ego.clutter import scatter
from handseg_lib.synth.ego.domains import INDOOR, Domain, domain_named
from handseg_lib.synth.ego.layout import EgoHand, EgoLayout, EgoObject, Room, build_scene
from handseg_lib.synth.ego.places import allowed_kinds
from handseg_lib.synth.ego.work import Work
from handseg_lib.synth.flow import Flow, Wall, optical_flow
from handseg_lib.synth.objects import RigidObject
from handseg_lib.synth.scene import Scene
from handseg_lib.synth.sensors.rgb_camera import rgb_camera
from handseg_lib.synth.video.acts import NOUNS_OF, VERBS, nouns_of, props_for
from handseg_lib.synth.video.flaws import flaws_of
from handseg_lib.synth.video.motion import Motion, Wearer
from handseg_lib.synth.video.stage import Stage, Unplayable
from handseg_lib.synth.video.trajectory import Pose, Spline, Sway, chained, inverse, moved, placed, turn_about
from handseg_lib.synth.world import SPLITS, Frame, photograph, render

__all__ = ["NOUNS_OF", "VERBS", "Video", "VideoFrame", "video"]


FRAMES = (2, 128)
ATTEMPTS = 80
GAZE = 0.45
"""Share of the way that the head turns after what the hands do."""
HANDS = (Label.LEFT_HAND, Label.RIGHT_HAND, Label.LEFT_ARM, Label.RIGHT_ARM)
KEPT = 3
"""Frames that a video keeps at hand; they are large."""


@dataclass(frozen=True)
class VideoFrame(Frame):
    """A frame whose picture has its own noise, though the look of everything stays the same over the video.

    Attributes:
        noise: seeds of the picture's noise.
    """

    noise: tuple[int, ...] = (0,)

    @cached_property
    def color_rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, the photograph."""
        light = photograph(self.scene, self.color_truth)
        return rgb_camera(light, np.random.default_rng(list(self.noise)), self.scene.color_sensor)


@dataclass(frozen=True)
class Head:
    """How the head moves: it sways, and turns after what the hands do.

    Attributes:
        start: (4, 4) camera -> room where it is held.
        sway: small movements.
        gaze: turns up and to the right in radians over time.
    """

    start: Pose
    sway: Sway
    gaze: Spline

    def at(self, time: float) -> Pose:
        """(4, 4) camera -> room at a time in seconds."""
        right, down = self.gaze.at(time)
        turn = placed(turn_about((0, 1, 0), right) @ turn_about((1, 0, 0), -down), np.zeros(3))
        return chained(self.start, turn, self.sway.at(time))


@dataclass
class Video:
    """A clip: a sequence of frames of one act. Frames are rendered when asked for.

    Attributes:
        id: `scene/split/seed/index/verb/noun`.
        verb, noun: what is done, to what.
        motion: where hands and things are at any time.
        times: (T,) seconds of the frames.
        base: the arrangement without hands and handled things.
        things: what is handled; further ones serve the first.
        head: how the camera moves.
        size: (height, width) in pixels.
        noise: seeds of the pictures' noise.
    """

    id: str
    verb: str
    noun: str
    motion: Motion
    times: NDArray[np.float64]
    base: EgoLayout
    things: tuple[RigidObject, ...]
    head: Head
    size: tuple[int, int]
    noise: tuple[int, ...]
    _kept: dict[tuple[str, int], VideoFrame] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, t: int) -> VideoFrame:
        return self._frame("", t)

    @property
    def rate(self) -> float:
        """Frames a second."""
        return float((len(self) - 1) / (self.times[-1] - self.times[0]))

    @property
    def domain(self) -> str:
        """The visual domain."""
        return self.base.domain

    def layout(self, t: int) -> EgoLayout:
        """The arrangement of frame t.

        Raises:
            IndexError: outside the video.
        """
        time, hands = float(self.times[self._number(t)]), {}
        touched: dict[int, list[str]] = {k: [] for k in range(len(self.things))}
        for side in sorted(self.motion.wrists):
            now = self.motion.hand(side, time)
            state = "portable" if now.touches else "none"
            hands[side] = EgoHand(now.pose, now.wrist, now.elbow, self.motion.wearer.shoulders[side], state)
            for k in now.touches:
                touched[k].append(side)
        handled = tuple(
            EgoObject(thing, self.motion.thing(k, time), tuple(touched[k]), self.motion.reached(k, time))
            for k, thing in enumerate(self.things)
        )
        return replace(
            self.base, camera=self.head.at(time), hands=hands, objects=(*handled, *self.base.objects),
            activity=f"{self.verb} {self.noun}".replace("_", " "),
        )  # fmt: skip

    def background(self, t: int) -> VideoFrame:
        """What frame t would show without hands, arms and what they touch, shadows included."""
        return self._frame("background", t)

    def without_hands(self, t: int) -> VideoFrame:
        """What frame t would show without hands and arms; what they hold floats."""
        return self._frame("without_hands", t)

    def flow(self, t: int, to: int | None = None) -> Flow:
        """Exact optical flow from frame t to another one, by default the next.

        Raises:
            IndexError: outside the video.
        """
        other = self._number(t) + 1 if to is None else self._number(to)
        here, there = self[t], self[other]
        moved_by = chained(inverse(self.layout(other).camera), self.layout(t).camera)
        wall = Wall(here.scene.backdrop, moved_by)
        return optical_flow(here.truth, there.scene.caster, there.truth.camera, wall)

    @property
    def labels(self) -> NDArray[np.uint8]:
        """(T, H, W) uint8 values of `Label`; renders every frame."""
        return np.stack([self[t].labels for t in range(len(self))])

    def states(self, t: int) -> dict[str, str]:
        """Side -> what the hand touches in frame t: "portable" or "none", "absent" where it is out of the picture."""
        labels, states = self[t].labels, dict(self.layout(t).states)
        for side, label in (("left", Label.LEFT_HAND), ("right", Label.RIGHT_HAND)):
            if not (labels == label).any():
                states[side] = "absent"
        return states

    def _number(self, t: int) -> int:
        if not -len(self) <= t < len(self):
            raise IndexError(f"frame {t} of a video with {len(self)} frames")
        return int(t) % len(self)

    def _frame(self, kind: str, t: int) -> VideoFrame:
        """A frame of one kind, rendered or kept from before."""
        key = (kind, self._number(t))
        if key not in self._kept:
            while len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = self._rendered(*key)
        return self._kept[key]

    def _rendered(self, kind: str, t: int) -> VideoFrame:
        layout = self.layout(t)
        scene: Scene = build_scene(layout.empty if kind == "background" else layout)
        if kind == "without_hands":
            scene = scene.without(HANDS)
        frame = render(scene, f"{self.id}/{t:03d}{'/' + kind if kind else ''}", np.random.default_rng(0), self.size)
        return VideoFrame(**{name: getattr(frame, name) for name in Frame.__dataclass_fields__}, noise=(*self.noise, t))


def video(
    scene: str = "ego_hand_object",
    verb: str | None = None,
    noun: str | None = None,
    seed: int = 0,
    index: int = 0,
    split: str = "train",
    frames: int = 32,
    size: tuple[int, int] = (240, 320),
    domain: str | None = None,
) -> Video:
    """A clip of the first-person scene in which one act is done from its beginning to its end.

    Args:
        scene: "ego_hand_object", the only scene with videos.
        verb, noun: what is done, to what (`VERBS`, `NOUNS_OF`); drawn where not given.
        seed, index, split: which clip; subjects and held-out objects follow the split.
        frames: 2 to 128, at equal steps over the act: fewer frames are farther apart in time.
        size: (height, width) in pixels.
        domain: a key of `domains.DOMAINS`; default any indoors in which the noun is at home.

    Raises:
        DataError: for an unknown scene, split, verb or noun, or impossible numbers.
    """
    _check(scene, verb, noun, seed, index, split, frames, size)
    reason: Exception | None = None
    for attempt in range(ATTEMPTS):
        numbers = [*b"video", *(verb or "").encode(), *(noun or "").encode(), SPLITS.index(split), seed, index, attempt]
        rng = np.random.default_rng(numbers)
        done = verb or str(rng.choice([v for v in VERBS if noun is None or noun in nouns_of(v, split)]))
        handled = noun or str(rng.choice(nouns_of(done, split)))
        try:
            where = domain_named(domain) if domain else _at_home(rng, handled)
            clip = _clip(rng, where, done, handled, split, frames, size)
        except Unplayable as refusal:
            reason = refusal
            continue
        return replace(clip, id=f"{scene}/{split}/{seed}/{index}/{done}/{handled}", noise=(833, seed, index))
    raise DataError(
        f"no video of {verb or 'any verb'} {noun or 'any noun'} with seed {seed}, index {index}: "
        f"{ATTEMPTS} attempts failed, the last because {reason}; try another seed"
    )


def _check(
    scene: str, verb: str | None, noun: str | None, seed: int, index: int, split: str, frames: int, size: Sequence[int]
) -> None:
    """Refuse what there are no videos of."""
    if scene != "ego_hand_object" or split not in SPLITS:
        raise DataError(
            f"no videos of scene {scene!r}, split {split!r}; the scene is ego_hand_object, splits: {', '.join(SPLITS)}"
        )
    if verb is not None and verb not in VERBS:
        raise DataError(f"unknown verb {verb!r}, expected one of {', '.join(VERBS)}")
    able = nouns_of(verb, split) if verb else tuple(sorted({n for v in VERBS for n in nouns_of(v, split)}))
    if noun is not None and noun not in able:
        raise DataError(f"no videos of {verb or 'any verb'} with {noun!r} in split {split!r}; nouns: {', '.join(able)}")
    if seed < 0 or index < 0 or not FRAMES[0] <= frames <= FRAMES[1] or min(size) < 16:
        raise DataError(
            f"a video has seed and index >= 0, {FRAMES[0]} to {FRAMES[1]} frames of at least 16x16 pixels; "
            f"found seed {seed}, index {index}, {frames} frames of {tuple(size)}"
        )


def _at_home(rng: np.random.Generator, noun: str) -> Domain:
    """An indoor domain in which the noun is handled, or any where none says so."""
    able = [name for name in INDOOR if noun in domain_named(name).held]
    return domain_named(str(rng.choice(able or list(INDOOR))))


def _clip(
    rng: np.random.Generator, where: Domain, verb: str, noun: str, split: str, frames: int, size: tuple[int, int]
) -> Video:
    """One attempt at a clip.

    Raises:
        Unplayable: where the act cannot be done here without a flaw that one would see.
    """
    person, room, lens, rgb = where.person(rng, split), where.room(rng), where.lens(rng), where.camera(rng)
    x, z = free_place(rng, room)
    stance = sample_stance(rng, person, room.eyes, np.array([x, 0.0, z]), slack=0.4)
    wearer = Wearer(stance.model, stance.shoulders, (person.shape.upper_arm, person.hand.forearm))
    props = props_for(verb, noun, rng)
    things = props.things
    stage = Stage(rng, wearer, things, "right" if rng.random() < 0.85 else "left", (x, z))
    stage.lid_height, stage.cut_at, stage.cut_end = props.lid_height, props.cut_at, props.cut_end
    sway = Sway.sample(rng)
    still = Head(stance.camera, sway, Spline.through([(0.0, (0.0, 0.0), True)]))
    if shoulders_in_view(still, stance, lens, (stage.side,)):  # before the longer work of the script
        raise Unplayable("it would show the wearer's shoulders")
    motion = VERBS[verb].play(stage)
    head = Head(stance.camera, sway, gaze(stance.camera, motion, things))
    if shoulders_in_view(head, stance, lens, tuple(motion.wrists), motion.duration):
        raise Unplayable("it would show the wearer's shoulders")
    wrong = flaws_of(motion, things).visible
    if wrong:
        raise Unplayable(f"it would show {', '.join(wrong)}")
    base = EgoLayout(where.name, person, room, stance.camera, lens, {}, (), rgb, int(rng.integers(1 << 30)))
    around = clutter(rng, where, room, stance, base, motion, things, split)
    times = np.linspace(0, motion.duration, frames)
    return Video("", verb, noun, motion, times, replace(base, objects=around), things, head, size, (833,))


def free_place(rng: np.random.Generator, room: Room) -> tuple[float, float]:
    """(x, z) of the middle of a work area that furniture leaves free.

    Raises:
        Unplayable: where there is none.
    """
    x0, x1, z0, z1 = room.area
    taken = list(room.taken)
    for one in room.fixtures:
        x, y, z = moved(one.pose, one.thing.mesh.vertices).T
        if y.min() < -0.005:  # it rises above the work surface
            taken.append((float(x.min()), float(x.max()), float(z.min()), float(z.max())))
    for _ in range(40):
        x = float(rng.uniform(max(x0 + 0.2, -0.3), min(x1 - 0.2, 0.3)))
        z = float(rng.uniform(z0 + 0.14, z0 + 0.22))
        box = (x - 0.18, x + 0.18, z - 0.1, min(z + 0.1, z1))
        if not any(box[0] < b and a < box[1] and box[2] < d and c < box[3] for a, b, c, d in taken):
            return x, z
    raise Unplayable("furniture leaves no place to work on")


def shoulders_in_view(
    head: Head, stance: Stance, lens: Intrinsics, sides: tuple[str, ...], duration: float = 0.0
) -> bool:
    """Whether the camera ever sees where an upper arm ends, or nearly."""
    ends = np.array([stance.shoulders[side] for side in sides])
    for time in np.linspace(0, duration, 8):
        x, y, z = moved(inverse(head.at(float(time))), ends).T
        depth = np.maximum(z, 0.02)
        u, v = lens.fx * x / depth + lens.cx, lens.fy * y / depth + lens.cy
        room = 0.04 * lens.fx / depth  # the end of a sleeve has a size
        if ((z > 0) & (u > -room) & (u < lens.width + room) & (v > -room) & (v < lens.height + room)).any():
            return True
    return False


def gaze(camera: Pose, motion: Motion, things: Sequence[RigidObject]) -> Spline:
    """Turns of the head, right and down in radians, that follow what moves, late and not all the way."""
    times = np.arange(0, motion.duration + 0.3, 0.3)
    visible = [k for k in range(len(things)) if motion.thing(k, 0.0)[1, 3] < 1.0]
    looked_at = []
    for time in times:
        points = [motion.thing(k, t)[:3, 3] for k in visible for t in (time - 0.5, time - 0.25, time)]
        points += [motion.hand(side, time - 0.3).wrist[:3, 3] for side in motion.wrists]
        looked_at.append(moved(inverse(camera), np.mean(points, axis=0)))
    local = np.array(looked_at)
    right = GAZE * np.arctan2(local[:, 0] - local[0, 0], local[:, 2])
    down = GAZE * np.arctan2(local[:, 1] - local[0, 1], local[:, 2])
    smooth = np.stack([np.convolve(np.pad(v, 1, mode="edge"), [0.25, 0.5, 0.25], "valid") for v in (right, down)], 1)
    return Spline(times, smooth, np.zeros(len(times), bool))


def clutter(
    rng: np.random.Generator, where: Domain, room: Room, stance: Stance, base: EgoLayout, motion: Motion,
    things: Sequence[RigidObject], split: str,
) -> tuple[EgoObject, ...]:  # fmt: skip
    """The room's fixtures and what lies around out of the way of hands and things, at any time of the motion."""
    work = Work(rng, where, room, stance, base.intrinsics, allowed_kinds(where, split))
    times = np.linspace(0, motion.duration, 9)
    for time in times:
        for k, thing in enumerate(things):
            if motion.thing(k, time)[1, 3] < 1.0:
                work.add(thing, motion.thing(k, time))
    busy = len(work.objects)
    scatter(work, int(rng.integers(where.clutter[0], where.clutter[1] + 1)))
    moments = [(side, float(t)) for t in np.linspace(0, motion.duration, 14) for side in motion.wrists]
    swept = np.concatenate([wearer_points(motion, *moment) for moment in moments])
    free = [o for o in work.objects[busy:] if not _hit(swept, o)]
    return (*room.fixtures, *free)


def wearer_points(motion: Motion, side: str, time: float) -> NDArray[np.float64]:
    """(N, 3) some of the skin of a hand and its forearm at a moment, room coordinates."""
    now = motion.hand(side, time)
    return motion.wearer.model.posed(now.pose, now.wrist, side, now.elbow).vertices[::5].astype(np.float64)


def _hit(points: NDArray[np.float64], one: EgoObject) -> bool:
    """Whether a thing is in the way of any of (N, 3) points, with a centimetre to spare."""
    local = moved(inverse(one.pose), points)
    low, high = one.thing.mesh.vertices.min(axis=0) - 0.01, one.thing.mesh.vertices.max(axis=0) + 0.01
    near = local[((local > low) & (local < high)).all(axis=1)]
    return bool(len(near)) and float(one.thing.distance(near.astype(np.float32)).min()) < 0.01
