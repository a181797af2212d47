"""Recordings of hands that hold objects, as the annotation of InterSegHands is measured on them, kept on disk.

A take is one person in one session before one camera: light, camera and clothes stay, the hold and the object change
from frame to frame. It is rendered once at the sensor's 640x480, because the method counts in pixels, goes through
librealsense (`software_device` and `rs.align`) as a recording would, and is kept with every truth as
`interactions/<subject>-<session>-<fingerprint>.npz` in the store.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from handseg_lib.annotate import takes
from handseg_lib.camera.intrinsics import Intrinsics
from handseg_lib.camera.simulated import Shot, SimulatedWorld, simulate
from handseg_lib.camera.worlds import world_of
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError
from handseg_lib.synth.hand.skin import skin_tone_of
from handseg_lib.synth.people.person import SESSIONS, SUBJECTS, Surface
from handseg_lib.synth.scene import Scene
from handseg_lib.synth.scenes.exo_hand_object import exo_hand_object
from handseg_lib.synth.scenes.exo_two_hands import sample_person
from handseg_lib.synth.shading import Material
from handseg_lib.synth.world import Frame, generator, render

HANDS, ARMS = (Label.LEFT_HAND, Label.RIGHT_HAND), (Label.LEFT_ARM, Label.RIGHT_ARM)
CALIBRATION = 1 << 20
"""Of the world's frames, the first that serves as a calibration picture; recorded frames stay far below."""
PATCH, DABS = 9, 3000
"""Pixels on a side of the brush with which skin is marked in calibration pictures; marked pixels kept of each."""
FOLLOWED = ("handseg_lib.synth", "handseg_lib.camera", "handseg_lib.annotate.takes", "handseg_lib.data.labels")


@dataclass(frozen=True)
class Take:
    """Which frames of a session.

    Attributes:
        subject, session: who and when.
        frames: how many; the first ones of a longer take are the same.
        pictures: calibration pictures, recorded before the frames; 0 leaves the take without marked skin.
        seed: of the world; other seeds are other holds of other objects under other light.
        towards_skin: 0 leaves the objects' colours as they are, 1 gives them the skin's tone, between is a mixture.

    Raises:
        DataError: for numbers that make no sense.
    """

    subject: int
    session: int
    frames: int
    pictures: int = 2
    seed: int = 0
    towards_skin: float = 0.0

    def __post_init__(self) -> None:
        known = any(self.subject in some for some in SUBJECTS.values()) and 0 <= self.session < SESSIONS
        if not known or self.frames < 1 or self.pictures < 0 or self.seed < 0 or not 0 <= self.towards_skin <= 1:
            raise DataError(
                f"{self}: expected subject 0 to {max(map(max, SUBJECTS.values()))}, session 0 to {SESSIONS - 1}, "
                "frames >= 1, pictures >= 0, seed >= 0 and towards_skin from 0 to 1"
            )

    @property
    def path(self) -> Path:
        """Its file in the store; the name holds the take and the version of the code that makes it."""
        return takes.path_of(self, "interactions", __file__, FOLLOWED)


@dataclass(frozen=True, eq=False)
class InteractionFrame:
    """One recorded frame with its truth; all images but `color_rgb` are (480, 640) in the depth camera's view.

    Attributes:
        id: `<subject>-<session>-<seed>-<index>`.
        rgb: (H, W, 3) uint8, aligned to the depth by `rs.align`, black where there is no colour.
        depth: (H, W) float32 metres, 0 = no reading.
        color_rgb: (H', W', 3) uint8, the picture in the colour camera's own view.
        labels: (H, W) uint8 exact labels of the vocabulary; a hand ends at the wrist.
        bare: (H, W) bool, pixels of an arm that show skin and no sleeve.
    """

    id: str
    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    color_rgb: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    bare: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Interactions:
    """A take with its mount and the skin that was marked before it.

    Attributes:
        take: which.
        depth_camera, color_camera: the two cameras.
        depth_to_color: (4, 4) float64 motion of points between them, metres.
        skin: (N, 3) uint8 RGB of the pixels marked as skin in the calibration pictures; empty without any.
        calibration: (P, H, W, 3) uint8 those pictures, aligned to the depth.
        marked: (P, H, W) bool where they were marked.
        frames: the recorded frames.
    """

    take: Take
    depth_camera: Intrinsics
    color_camera: Intrinsics
    depth_to_color: NDArray[np.float64]
    skin: NDArray[np.uint8]
    calibration: NDArray[np.uint8]
    marked: NDArray[np.bool_]
    frames: tuple[InteractionFrame, ...]

    def misaligned(self, frames: Sequence[InteractionFrame], pixels: tuple[int, int]) -> list[NDArray[np.uint8]]:
        """The frames' colour, aligned by `rs.align` after each picture slipped by so many pixels to the right and down.

        What slips in at the border repeats the outermost column or row.
        """
        height, width = frames[0].color_rgb.shape[:2]
        slip = np.float32([[1, 0, pixels[0]], [0, 1, pixels[1]]])
        shots = (
            Shot(one.depth, cv2.warpAffine(one.color_rgb, slip, (width, height), borderMode=cv2.BORDER_REPLICATE), n)
            for n, one in enumerate(frames)
        )
        world = SimulatedWorld("slipped", self.depth_camera, self.color_camera, self.depth_to_color, shots)
        with simulate(world) as camera:
            return [np.array(one.rgb) for one in camera]


def interactions(wanted: Sequence[Take], workers: int | None = None) -> list[Interactions]:
    """Some takes, those rendered first that the store does not have.

    Args:
        wanted: which, in the order of the result.
        workers: processes that render, default one for each processor; the frames do not depend on it.

    Raises:
        CameraError: where librealsense cannot be used.
        StoreError: for a damaged file or a full disk, naming the file and what to do.
    """
    takes.make(wanted, _rendered, workers)
    return [load(take) for take in wanted]


def scenes(take: Take, start: int = 0, mount: Scene | None = None) -> Iterator[Scene]:
    """Holds of one person without end, under one light and before one pair of cameras.

    Args:
        take: who, when, and how objects are painted.
        start: of the world's frames, the first that may be taken.
        mount: whose light and cameras; default: those of the first scene.
    """
    split = next(name for name, some in SUBJECTS.items() if take.subject in some)
    for index in count(start):
        person = sample_person(generator("exo_hand_object", split, take.seed, index), split)
        if (person.subject, person.session) != (take.subject, take.session):
            continue
        scene = exo_hand_object(generator("exo_hand_object", split, take.seed, index), split)
        mount = scene if mount is None else mount
        kept = {name: getattr(mount, name) for name in ("lights", "color_camera", "color_sensor")}
        yield repainted(replace(scene, **kept), take.towards_skin)


def repainted(scene: Scene, share: float) -> Scene:
    """The scene with the colours of what is held moved by a share of the way to the person's skin tone."""
    if not share:
        return scene
    tone = skin_tone_of(scene.subject)
    extra = tuple(_mixed(material, tone, share) for material in scene.look.extra)
    return replace(scene, look=type(scene.look)(scene.look.person, scene.look.frame_seed, extra))


def _mixed(material: Material, tone: NDArray[np.float64], share: float) -> Material:
    albedo, second = (
        tuple(float(v) for v in (1 - share) * np.array(one) + share * tone)
        for one in (material.albedo, material.second)
    )
    return replace(material, albedo=albedo, second=second, glow=0.0)


def bare_arms(frame: Frame) -> NDArray[np.bool_]:
    """(H, W) pixels of the forearms that show skin and no sleeve."""
    surfaces = frame.truth.image(frame.scene.look.surfaces(frame.truth), -1)
    return np.isin(frame.labels, ARMS) & np.isin(surfaces, (Surface.SKIN, Surface.HAND))


def marked_skin(frame: Frame, rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(H, W) what somebody marks as skin with a wide brush, well inside the hands of an aligned calibration picture."""
    hand = (np.isin(frame.labels, HANDS) & (frame.depth > 0) & rgb.any(axis=2)).astype(np.uint8)
    return cv2.erode(hand, np.ones((PATCH, PATCH), np.uint8), borderValue=0) > 0


def load(take: Take) -> Interactions:
    """A take from its file.

    Raises:
        StoreError: if it is missing or damaged.
    """

    def built(stored: dict[str, NDArray]) -> Interactions:
        cameras = [Intrinsics(*map(float, row[:4]), *map(int, row[4:])) for row in stored["cameras"]]
        rest = [stored[name] for name in ("mount", "skin", "calibration", "marked")]
        return Interactions(take, *cameras, *rest, tuple(_frame(take, stored, i) for i in range(take.frames)))

    return takes.read(take, built)


def _frame(take: Take, stored: dict[str, NDArray], i: int) -> InteractionFrame:
    return InteractionFrame(
        f"{take.subject}-{take.session}-{take.seed}-{i}",
        stored["rgb"][i],
        takes.metres_of(stored["depth"][i]),
        stored["color_rgb"][i],
        stored["labels"][i],
        stored["bare"][i],
    )


def _rendered(take: Take) -> dict[str, NDArray]:
    """What is stored of a take, as the simulated camera sees it."""
    recorded = list(islice(scenes(take), take.frames))
    before = islice(scenes(take, CALIBRATION, recorded[0]), take.pictures)
    rendered = [
        render(scene, f"interactions/{take.subject}/{take.session}/{take.seed}/{i}", _noise(take, i))
        for i, scene in enumerate([*before, *recorded], -take.pictures)
    ]
    world = world_of(rendered)
    with simulate(world) as camera:
        seen = [np.array(one.rgb) for one in camera]
    shown, after = rendered[: take.pictures], rendered[take.pictures :]
    height, width = rendered[0].depth.shape
    marked = np.array([marked_skin(f, rgb) for f, rgb in zip(shown, seen, strict=False)], bool)
    picked = [rgb[where] for rgb, where in zip(seen, marked, strict=False)]
    return {
        "calibration": np.array(seen[: take.pictures], np.uint8).reshape(-1, height, width, 3),
        "marked": marked.reshape(-1, height, width),
        "skin": np.concatenate([_some(pixels) for pixels in picked] or [np.zeros((0, 3), np.uint8)]),
        "cameras": np.array([_numbers(world.depth), _numbers(world.color)]),
        "mount": world.depth_to_color,
        "rgb": np.stack(seen[take.pictures :]),
        "depth": np.stack([takes.steps_of(f.depth) for f in after]),
        "color_rgb": np.stack([f.color_rgb for f in after]),
        "labels": np.stack([f.labels for f in after]),
        "bare": np.stack([bare_arms(f) for f in after]),
    }


def _noise(take: Take, index: int) -> np.random.Generator:
    return np.random.default_rng([837, take.subject, take.session, take.seed, index + CALIBRATION])


def _some(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """At most `DABS` of (N, 3) pixels, evenly taken."""
    return pixels[np.linspace(0, len(pixels) - 1, min(DABS, len(pixels))).round().astype(int)]


def _numbers(camera: Intrinsics) -> list[float]:
    return [camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height]
