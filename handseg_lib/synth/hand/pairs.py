"""Two interacting hands of one person: poses, places and forearms, touching but not passing through each other.

`sample_pair` draws what the hands do (`hand_drafts`), moves one hand towards the other until their surfaces meet,
closes fingers until they touch, finds forearms that wrists can reach and that keep clear, and measures on the posed
meshes how deep the hands pass into each other. What is deeper than soft flesh gives is drawn again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand import HandModel
from handseg_lib.synth.hand.contact import overlap
from handseg_lib.synth.hand.drafts import KINDS, Draft, unit
from handseg_lib.synth.hand.poses import SOFT, HandPose, bone_frames
from handseg_lib.synth.hand.shape import turn
from handseg_lib.synth.hand.solid import Fingers, Solid, approach, close_fingers, penetration
from handseg_lib.synth.mesh import Mesh

DEEPEST = 0.003
"""Metres by which hands may press into each other; pairs that pass deeper are drawn again."""
PRESS = 0.0006
"""Metres by which a finger that closes sinks into what it touches."""
START = 0.22
ATTEMPTS, CANDIDATES = 8, 30
FLIP = np.diag([-1.0, 1.0, 1.0, 1.0])
ARM_ROOM = 0.010
"""Metres between a bare forearm and the other arm; a sleeve needs some of it."""


@dataclass(frozen=True)
class HandPair:
    """Both hands of one person, in the frame that hand A of the draft had: metres, no direction is up.

    Attributes:
        kind: a key of `KINDS`, or "single".
        poses: finger poses by side.
        wrists: (4, 4) hand frames by side.
        elbows: (3,) by side.
        penetration: how deep the hands pass into each other at the deepest vertex, metres; negative: the gap.
    """

    kind: str
    poses: dict[str, HandPose]
    wrists: dict[str, NDArray[np.float64]]
    elbows: dict[str, NDArray[np.float64]]
    penetration: float

    def meshes(self, model: HandModel) -> dict[str, Mesh]:
        """Both hands with their forearms."""
        return {s: model.posed(self.poses[s], self.wrists[s], s, self.elbows[s]) for s in self.poses}

    def mirrored(self) -> "HandPair":
        """The pair in a mirror: left and right change roles."""
        other = {"left": "right", "right": "left"}
        return HandPair(
            self.kind,
            {other[s]: p for s, p in self.poses.items()},
            {other[s]: FLIP @ w @ FLIP for s, w in self.wrists.items()},
            {other[s]: e * (-1, 1, 1) for s, e in self.elbows.items()},
            self.penetration,
        )


def sample_pair(rng: np.random.Generator, model: HandModel, kind: str | None = None) -> HandPair:
    """Two interacting hands, drawn again while they pass through each other or no forearm fits.

    Args:
        rng: decides everything.
        model: the person's hand.
        kind: a key of `KINDS`; default any.

    Raises:
        ValueError: for an unknown kind.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"no pair of hands is called {kind!r}; there are {', '.join(KINDS)}")
    weights = np.array([w for _, w in KINDS.values()])
    name = kind or str(rng.choice(list(KINDS), p=weights / weights.sum()))
    for _ in range(ATTEMPTS):
        pair = _settled(rng, model, name, KINDS[name][0](rng, model))
        if pair is not None and pair.penetration <= DEEPEST:
            return pair.mirrored() if rng.random() < 0.5 else pair
    return sample_pair(rng, model, "beside")


def sample_single(rng: np.random.Generator, model: HandModel) -> HandPair:
    """One hand alone in any pose."""
    side = str(rng.choice(["left", "right"]))
    directions, _ = _forearms(rng, side)
    wrist = np.eye(4)
    elbow = directions[int(rng.integers(8))] * model.shape.forearm
    return HandPair("single", {side: HandPose.sample(rng)}, {side: wrist}, {side: elbow}, -np.inf)


def _settled(rng: np.random.Generator, model: HandModel, kind: str, draft: Draft) -> HandPair | None:
    """The draft carried out; None when a hand would pass into itself or no forearms fit."""
    poses = {"a": draft.a, "b": draft.b}
    if any(_too_deep(model, pose) for pose in poses.values()):
        return None
    a = _solid(model, draft.a, "right", np.eye(4), -0.15 if draft.straight else -0.02)
    wrist = np.eye(4)
    wrist[:3, :3] = draft.turned
    wrist[:3, 3] = draft.target - draft.turned @ draft.anchor - draft.along * START
    points = _solid(model, draft.b, "left", wrist, -0.02).points
    moved = approach(points, a, draft.along, draft.gap, 2 * START)
    if not max(0, START - draft.short) < moved < 2 * START:
        return None
    wrist[:3, 3] += draft.along * moved
    wrists = {"a": np.eye(4), "b": wrist}
    for who, goal in draft.closing:
        other = "b" if who == "a" else "a"
        lowest = -0.15 if draft.straight and other == "a" else -0.02
        solid = _solid(model, poses[other], SIDE[other], wrists[other], lowest)
        fingers = Fingers(model, SIDE[who], wrists[who])
        poses[who] = close_fingers(model, poses[who], goal, fingers, solid, PRESS)
    elbows = _elbows(rng, model, poses, wrists, draft.straight)
    if elbows is None or any(_too_deep(model, pose) for pose in poses.values()):
        return None
    sides = {SIDE[w]: w for w in poses}
    pair = HandPair(
        kind,
        {s: poses[w] for s, w in sides.items()},
        {s: wrists[w] for s, w in sides.items()},
        {s: elbows[w] for s, w in sides.items()},
        0.0,
    )
    meshes = pair.meshes(model)
    return HandPair(kind, pair.poses, pair.wrists, pair.elbows, penetration(meshes["right"], meshes["left"]))


SIDE = {"a": "right", "b": "left"}


def _too_deep(model: HandModel, pose: HandPose) -> bool:
    """Whether a hand passes into itself by more than soft flesh gives."""
    return overlap(model.shape, bone_frames(model.shape, pose)) > 1.3 * SOFT


def _solid(model: HandModel, pose: HandPose, side: str, wrist: NDArray[np.float64], lowest: float) -> Solid:
    """The hand's surface down to `lowest` metres along it (negative: on the straight forearm)."""
    return Solid(model.posed(pose, wrist, side), model.mesh.vertices[:, 1] > lowest)


def _forearms(rng: np.random.Generator, side: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Directions from wrist to elbow in the hand's own frame that a wrist can reach, (N, 3), and their bend (N,)."""
    easy = rng.normal(0, (22, 8), (CANDIDATES // 2, 2))
    wide = rng.uniform((-58, -22), (62, 14), (CANDIDATES - len(easy), 2))
    flexion, deviation = np.radians(np.concatenate([easy, wide])).T
    flexion, deviation = np.clip(flexion, -1.1, 1.15), np.clip(deviation, -0.4, 0.28)
    straight = np.array([0.0, -1.0, 0.0])
    # A hand that bends towards its palm leaves the forearm behind it on that side.
    out = np.stack([turn(2, d) @ turn(0, -f) @ straight for f, d in zip(flexion, deviation, strict=True)])
    if side == "left":
        out = out * (-1, 1, 1)
    return out, np.hypot(flexion, deviation)


def _elbows(
    rng: np.random.Generator, model: HandModel, poses: dict, wrists: dict, straight: bool
) -> dict[str, NDArray[np.float64]] | None:
    """Elbows for both hands: natural wrists, arms of one person, clear of the other hand and arm; None if none are."""
    length = model.shape.forearm
    reach = np.linspace(0.035, length, 8)
    radius = np.interp(reach, [0.0, 0.13, 0.2], [0.029, 0.037, 0.042]) * model.shape.arm_girth
    ways, bends, lines = {}, {}, {}
    for who in poses:
        directions, bends[who] = _forearms(rng, SIDE[who])
        if straight and who == "a":
            directions, bends[who] = np.array([[0.0, -1.0, 0.0]]), np.zeros(1)
        r = wrists[who][:3, :3]
        ways[who] = directions[:, :1] * r[:, 0] + directions[:, 1:2] * r[:, 1] + directions[:, 2:] * r[:, 2]
        lines[who] = wrists[who][:3, 3] + reach[None, :, None] * ways[who][:, None]  # (N, 9, 3)
    cost = (bends["a"][:, None] / 0.6) ** 2 + (bends["b"][None] / 0.6) ** 2
    for who, other in (("a", "b"), ("b", "a")):
        if straight and who == "a":
            continue
        solid = _solid(model, poses[other], SIDE[other], wrists[other], -0.02)
        room = solid.distance(lines[who].reshape(-1, 3)).reshape(-1, len(reach)) - radius
        blocked = 100.0 * (room.min(axis=1) < 0.004)
        cost += blocked[:, None] if who == "a" else blocked[None]
    gaps = lines["a"][:, None, :, None] - lines["b"][None, :, None, :]
    gaps = np.sqrt((gaps * gaps).sum(axis=-1)) - radius[:, None] - radius
    if straight:
        gaps[:, :, :, :2] = np.inf  # B's wrist is at A's forearm, for it holds it; the meshes decide
    cost += 100.0 * (gaps.min(axis=(2, 3)) < ARM_ROOM)
    ends = lines["a"][:, None, -1] - lines["b"][None, :, -1]
    cost += ((np.sqrt((ends * ends).sum(axis=-1)) - 0.42) / 0.18) ** 2
    mean = (ways["a"][:, None] + ways["b"][None]) / 2
    cost += 12 * np.maximum(0.45 - np.sqrt((mean * mean).sum(axis=-1)), 0)
    cost += rng.normal(0, 0.35, cost.shape)
    i, j = np.unravel_index(int(cost.argmin()), cost.shape)
    if cost[i, j] > 60:
        return None
    return {"a": lines["a"][i, -1], "b": lines["b"][j, -1]}


def person_axes(pair: HandPair, rng: np.random.Generator) -> NDArray[np.float64]:
    """(3, 3) the person's right, up and forward (columns) as their arms suggest: elbows below or behind the hands."""
    wrists = np.mean([w[:3, 3] + 0.08 * w[:3, 1] for w in pair.wrists.values()], axis=0)
    back = np.mean(list(pair.elbows.values()), axis=0) - wrists
    if len(pair.elbows) == 2:
        right = unit(pair.elbows["right"] - pair.elbows["left"])
    else:
        (side,) = pair.wrists
        right = pair.wrists[side][:3, 2] * rng.choice([-1, 1]) + 0.3 * rng.normal(0, 1, 3)
        right = unit(right - unit(back) * (right @ unit(back)))
    back = unit(back - right * (back @ right))
    raised = rng.uniform(0, np.radians(100))  # 0: the forearms stand upright, 90 degrees: they reach forwards
    up = -np.cos(raised) * back + np.sin(raised) * np.cross(right, -back)
    return np.stack([right, up, np.cross(up, right)], axis=1)
