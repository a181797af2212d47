"""ETHand's setting (InterHand2.6M at 128x128): two interacting hands before a plain background, seen by one camera.

What is visible of each hand is in `Frame.labels` and `Frame.parts`; `Frame.amodal` has the whole of each hand, hidden
parts included. `two_hands_unpaired` draws from a shifted distribution (other people, light, backgrounds), for pictures
that a network is to use without their masks.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import Intrinsics
from handseg_lib.synth.hand import HandModel, hand_model
from handseg_lib.synth.hand.drafts import tilted, unit
from handseg_lib.synth.hand.pairs import HandPair, person_axes, sample_pair, sample_single
from handseg_lib.synth.lamps import Lamp
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.people.appearance import Look
from handseg_lib.synth.people.arms import Arm
from handseg_lib.synth.people.clothes import Outfit
from handseg_lib.synth.people.person import SESSIONS, Person, Surface
from handseg_lib.synth.render import Camera
from handseg_lib.synth.scene import PlacedHand, Scene, dressed, in_view, moved
from handseg_lib.synth.sensors import SR300
from handseg_lib.synth.sensors.rgb_camera import RgbCamera
from handseg_lib.synth.shading import PATTERNS, Backdrop, Lights, Material

SIZE = 128
STUDIO_SUBJECTS = {"train": (*range(0, 10), *range(14, 20)), "val": (10, 11, 20), "test": (12, 13, 21, 22)}
"""The world's fourteen subjects, and more who come to the studio only."""
UNPAIRED_SUBJECTS = tuple(range(23, 33))
SINGLE = 0.16
"""Share of frames with one hand only."""


@dataclass(frozen=True)
class Studio:
    """How a set of pictures is taken.

    Attributes:
        dark: share of dark backgrounds.
        textured: share of frames with a patterned surface behind the hands.
        tint: spread of the lights' colour between warm and cool.
        key: lowest and highest strength of the main light.
        sky: lowest and highest strength of the light from all around.
        second: share of frames with a second lamp.
        sleeves: share of frames with long or pushed-up sleeves.
        grade: the colour camera's, a name of `rgb_camera.GRADES`.
    """

    dark: float = 0.5
    textured: float = 0.0
    tint: float = 0.10
    key: tuple[float, float] = (0.75, 1.35)
    sky: tuple[float, float] = (0.25, 0.6)
    second: float = 0.6
    sleeves: float = 0.35
    grade: str = "studio"


PAIRED = Studio()
UNPAIRED = Studio(dark=0.3, textured=0.75, tint=0.28, key=(0.3, 1.3), sky=(0.08, 0.5), second=0.35, sleeves=0.65,
                  grade="wild")  # fmt: skip


def two_hands_amodal(rng: np.random.Generator, split: str = "train") -> Scene:
    """Two interacting hands, or one, before a plain background.

    Args:
        rng: decides everything.
        split: whose subjects may appear, a key of `STUDIO_SUBJECTS`.

    Raises:
        ValueError: for an unknown split.
    """
    return _studio(rng, "two_hands_amodal", _subjects(split), PAIRED)


def two_hands_unpaired(rng: np.random.Generator, split: str = "train") -> Scene:
    """The same gestures by other people in other light, before patterned or plain backgrounds.

    The pool has no test set: `split` only chooses the random stream.

    Raises:
        ValueError: for an unknown split.
    """
    _subjects(split)
    return _studio(rng, "two_hands_unpaired", UNPAIRED_SUBJECTS, UNPAIRED)


def _subjects(split: str) -> tuple[int, ...]:
    if split not in STUDIO_SUBJECTS:
        raise ValueError(f"unknown split {split!r}, expected one of {', '.join(STUDIO_SUBJECTS)}")
    return STUDIO_SUBJECTS[split]


def _studio(rng: np.random.Generator, name: str, subjects: tuple[int, ...], studio: Studio) -> Scene:
    """One picture: people, pose, camera, sleeves, light and background, in this order."""
    person = Person.of(int(rng.choice(subjects)), int(rng.integers(SESSIONS)))
    model = hand_model(person.hand)
    pair = sample_single(rng, model) if rng.random() < SINGLE else sample_pair(rng, model)
    axes = person_axes(pair, rng)
    arms = {side: _arm(rng, pair, side, axes, person) for side in pair.wrists}
    camera, intrinsics = _viewpoint(rng, pair, model, axes, arms)
    to_camera = np.linalg.inv(camera)
    hands = {
        side: PlacedHand(model, pair.poses[side], to_camera @ pair.wrists[side],
                         to_camera[:3, :3] @ pair.elbows[side] + to_camera[:3, 3], dressed(mesh, side))
        for side, mesh in ((s, m.transformed(to_camera)) for s, m in pair.meshes(model).items())
    }  # fmt: skip
    clothes = _sleeves(rng, person, arms, hands, to_camera, studio)
    distance = float(np.mean([h.wrist[2, 3] for h in hands.values()]))
    wall, extra = _wall(rng, distance, intrinsics) if rng.random() < studio.textured else ([], ())
    lights = _lights(rng, studio, distance, (to_camera[:3, :3] @ axes[:, 1]).astype(np.float32))
    return Scene(
        name=name,
        subject=person.subject,
        mesh=Mesh.merge([in_view(Mesh.merge([*(h.mesh for h in hands.values()), *clothes]), intrinsics), *wall]),
        look=Look(person, int(rng.integers(1 << 30)), extra),
        lights=lights,
        backdrop=_backdrop(rng, studio),
        depth_camera=Camera(intrinsics, np.eye(4)),
        color_camera=Camera(intrinsics, np.eye(4)),
        sensor=SR300(),
        joints={s: moved(model.joints(h.pose, pair.wrists[s], s), to_camera) for s, h in hands.items()},
        gloved=False,
        hands=hands,
        states=dict.fromkeys(hands, "self" if len(hands) == 2 and pair.penetration > 0 else "none"),
        domain=pair.kind,
        sensors=("none",),
        color_sensor=RgbCamera.sample(rng, studio.grade),
        fine_width=2 * SIZE,
    )


def _arm(rng: np.random.Generator, pair: HandPair, side: str, axes: NDArray[np.float64], person: Person) -> Arm:
    """The arm of a placed forearm: the shoulder is above and behind the elbow."""
    right, up, forward = axes.T
    inwards = -right if side == "right" else right
    towards = tilted(rng, 0.75 * up - 0.5 * forward + 0.25 * inwards, 12)
    elbow, wrist = pair.elbows[side], pair.wrists[side][:3, 3]
    fore = unit(wrist - elbow)
    if fore @ towards < -0.97:
        towards = unit(towards + 0.4 * np.cross(fore, right))
    return Arm(elbow + towards * person.shape.upper_arm, elbow, wrist)


def _viewpoint(
    rng: np.random.Generator, pair: HandPair, model: HandModel, axes: NDArray[np.float64], arms: dict[str, Arm]
) -> tuple[NDArray[np.float64], Intrinsics]:
    """Camera pose and pixels: the best of a few draws, with the hands in the frame and arms that leave it."""
    hands = np.concatenate([m.vertices[m.rest[:, 1] > 0][::6] for m in pair.meshes(model).values()]).astype(np.float64)
    t = np.linspace(0, 1, 8)[:, None]
    elbows = np.concatenate([a.elbow + (a.shoulder - a.elbow) * t for a in arms.values()])
    fores = np.concatenate([a.wrist + (a.elbow - a.wrist) * (0.45 + 0.55 * t) for a in arms.values()])
    kind = str(rng.choice(["exo", "ego", "any"], p=[0.45, 0.25, 0.3]))
    fill, aside = rng.uniform(0.74, 1.0), rng.normal(0, 0.05, 2)
    best: tuple[float, NDArray, Intrinsics] | None = None
    for attempt in range(40):
        if attempt == 25:
            kind = "any"
        pose = _camera(rng, kind, pair, axes, hands.mean(axis=0))
        points, upper, fore = ((p - pose[:3, 3]) @ pose[:3, :3] for p in (hands, elbows, fores))
        x, y = points[:, 0] / points[:, 2], points[:, 1] / points[:, 2]
        half = max(np.ptp(x), np.ptp(y)) / 2
        focal = SIZE / 2 * fill / half
        centre = (SIZE - 1) / 2 * (1 + aside) - focal * np.array([x.min() + x.max(), y.min() + y.max()]) / 2
        k = Intrinsics(float(focal), float(focal), float(centre[0]), float(centre[1]), SIZE, SIZE)
        before = _inside(k, fore, 0.0) & (fore[:, 2] < points[:, 2].min())  # a forearm that hides the hands
        cost = 10 * _inside(k, upper, 0.05).sum() + 1.5 * before.sum() + rng.random()
        cost += 100 * (points[:, 2].min() < 0.12)
        if best is None or cost < best[0]:
            best = (float(cost), pose, k)
        if cost < 1:
            break
    return best[1], best[2]


def _inside(k: Intrinsics, points: NDArray[np.float64], border: float) -> NDArray[np.bool_]:
    """(N,) whether balls of radius `border` metres in front of the camera reach into the frame."""
    seen = np.where(points[:, 2:] > 0.03, points, np.nan)
    pixels, room = k.project(seen), border * k.fx / seen[:, 2:]
    return ((pixels > -room) & (pixels < SIZE + room)).all(axis=1)


def _camera(
    rng: np.random.Generator, kind: str, pair: HandPair, axes: NDArray[np.float64], centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(4, 4) pose of a camera that looks at the hands: from before the person, from their eyes, or from anywhere."""
    right, up, forward = axes.T
    top, roll = up, rng.normal(0, 0.2)
    if pair.kind in ("before", "crossed") and rng.random() < 0.6:  # from where one hand hides the other
        way, distance = tilted(rng, rng.choice([-1.0, 1.0]) * pair.wrists["right"][:3, 2], 30), rng.uniform(0.5, 1.1)
    elif kind == "exo":
        way, distance = forward + rng.normal(0, 0.8) * right + rng.uniform(-0.4, 0.9) * up, rng.uniform(0.55, 1.2)
    elif kind == "ego":
        way = -rng.uniform(0.3, 1.0) * forward + rng.uniform(0.4, 1.1) * up + rng.normal(0, 0.2) * right
        distance, top = rng.uniform(0.34, 0.55), up + forward
    else:
        way, distance, roll = rng.normal(0, 1, 3), rng.uniform(0.5, 1.2), rng.normal(0, 0.7)
    z = -unit(way)
    y = -(top - z * (top @ z))
    if np.sqrt(y @ y) < 0.05:
        y = right - z * (right @ z)
    y = unit(y)
    x = np.cross(y, z)
    pose = np.eye(4)
    pose[:3, 0] = np.cos(roll) * x + np.sin(roll) * y
    pose[:3, 1] = np.cos(roll) * y - np.sin(roll) * x
    pose[:3, 2] = z
    pose[:3, 3] = centre - z * distance
    return pose


def _sleeves(
    rng: np.random.Generator, person: Person, arms: dict[str, Arm], hands: dict[str, PlacedHand],
    to_camera: NDArray[np.float64], studio: Studio,
) -> list[Mesh]:  # fmt: skip
    """Upper arms, and sleeves in some frames, in camera coordinates; a sleeve in the other hand's way is pushed up."""
    long = rng.random() < studio.sleeves
    outfit = Outfit.sample(rng)
    sleeve = float(rng.uniform(1.35, 1.9) if long else rng.uniform(0.4, 0.8))
    ease = float(rng.uniform(0.004, 0.011))
    meshes: list[Mesh] = []
    for side, arm in arms.items():
        fits = sleeve
        other = [h.mesh for s, h in hands.items() if s != side]
        while other and fits > 1 and _in_the_way(arm, fits, ease, other[0], to_camera):
            fits -= 0.08
        worn = replace(outfit, sleeve=fits if fits > 1 else min(sleeve, 0.8), sleeve_ease=ease)
        meshes += [m.transformed(to_camera) for m in replace(person, outfit=worn).limb(arm, side, rng)]
    return meshes


def _in_the_way(arm: Arm, sleeve: float, ease: float, other: Mesh, to_camera: NDArray[np.float64]) -> bool:
    """Whether the other arm's mesh comes within a few millimetres of a sleeve on the forearm."""
    hem = arm.elbow + (arm.wrist - arm.elbow) * (sleeve - 1)
    start, end = (to_camera[:3, :3] @ p + to_camera[:3, 3] for p in (arm.elbow, hem))
    axis = end - start
    offset = other.vertices.astype(np.float64) - start
    along = (offset[:, 0] * axis[0] + offset[:, 1] * axis[1] + offset[:, 2] * axis[2]) / (axis @ axis)
    away = offset - np.clip(along, 0, 1.03)[:, None] * axis
    radius = np.interp(1 + np.clip(along, 0, 1) * (sleeve - 1), [1, 1.25, 2], [0.041, 0.0435, 0.030]) + 1.6 * ease
    return bool(((away * away).sum(axis=1) < (radius + 0.006) ** 2).any())


def _lights(rng: np.random.Generator, studio: Studio, distance: float, up: NDArray[np.float32]) -> Lights:
    """One or two soft boxes around the camera and a fill from all around; warm, neutral or cool."""
    centre = np.array([0, 0, distance])
    warmth = rng.normal(0, studio.tint)
    lamps = []
    key = rng.uniform(*studio.key)
    first = unit(rng.normal(0, 0.75, 3) + np.array([0, -0.45, -0.75]))
    other = unit(-first * (1, 0, 0) + np.array([0, -0.3, -0.5]) + rng.normal(0, 0.5, 3))
    for direction, strength, tint in ((first, key, warmth), (other, key * rng.uniform(0.25, 0.8), -warmth)):
        far = rng.uniform(0.8, 1.6)
        across = unit(np.cross(direction, rng.normal(0, 1, 3)))
        half = np.stack([across, np.cross(direction, across)]) * rng.uniform(0.05, 0.35, (2, 1))
        colour = strength * far**2 * np.clip([1 + tint, 1, 1 - tint], 0.3, 1.7)
        place = (centre + direction * far).astype(np.float32)
        lamps.append(Lamp(place, half.astype(np.float32), tuple(map(float, colour)), 0.0))
    if rng.random() > studio.second:
        lamps.pop()
    sky = rng.uniform(*studio.sky) * np.clip([1 - 0.5 * warmth, 1, 1 + 0.5 * warmth], 0.3, 1.7)
    wall_light = key * np.clip([1 + warmth, 1, 1 - warmth], 0.3, 1.7)
    return Lights(
        np.array([0, -0.35, -0.94], np.float32), tuple(map(float, wall_light)), tuple(map(float, sky)), up, 1.0,
        tuple(lamps), 0.06,
    )  # fmt: skip


def _backdrop(rng: np.random.Generator, studio: Studio) -> Backdrop:
    """A plain wall: nearly black, or any grey, or a muted colour."""
    value = rng.uniform(0.004, 0.05) if rng.random() < studio.dark else rng.uniform(0.06, 0.75)
    colour = np.clip(value * rng.normal(1, 0.05 if rng.random() < 0.6 else 0.25, 3), 0.002, 0.9)
    normal = np.array([*rng.normal(0, 0.15, 2), 1.0])
    return Backdrop(unit(normal).astype(np.float32), 2.5, tuple(map(float, colour)), 0.5)


def _wall(rng: np.random.Generator, distance: float, k: Intrinsics) -> tuple[list[Mesh], tuple[Material, ...]]:
    """A patterned surface behind the hands: a wall, a table top, a poster."""
    depth = distance + rng.uniform(0.25, 0.6)
    normal = unit(np.array([rng.normal(0, 0.25), rng.normal(0, 0.25), 1.0]))
    centre = np.array([(63.5 - k.cx) / k.fx * depth, (63.5 - k.cy) / k.fy * depth, depth])
    across = unit(np.cross([0, 1.0, 0], normal))
    size = 1.4 * SIZE / k.fx * depth + 0.5
    spin = rng.uniform(0, 2 * np.pi)
    u = np.cos(spin) * across + np.sin(spin) * np.cross(normal, across)
    v = np.cross(normal, u)
    n = 9  # small squares, so that the renderer's cells stay small
    i, j = np.meshgrid(np.linspace(-0.5, 0.5, n) * size, np.linspace(-0.5, 0.5, n) * size, indexing="ij")
    flat = np.stack([i.ravel(), j.ravel(), np.zeros(n * n)], axis=1)
    a = np.add.outer(np.arange(n - 1) * n, np.arange(n - 1)).ravel()
    faces = np.concatenate([np.stack([a, a + n + 1, a + n], 1), np.stack([a, a + 1, a + n + 1], 1)])
    mesh = Mesh.of(centre + flat[:, :1] * u + flat[:, 1:2] * v, faces, 0, len(Surface))
    first = np.clip(rng.uniform(0.03, 0.6) * rng.normal(1, 0.35, 3), 0.01, 0.9)
    second = np.clip(first * rng.uniform(0.3, 2.2) * rng.normal(1, 0.2, 3), 0.01, 0.9)
    kind = str(rng.choice([name for name in PATTERNS if name != "plain"]))
    material = Material(tuple(map(float, first)), kind, tuple(map(float, second)), float(rng.uniform(0.02, 0.09)), 0.02)
    return [replace(mesh, rest=flat.astype(np.float32))], (material,)
