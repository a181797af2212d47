"""Glove recordings as annotation is measured on them, kept on disk: what was recorded, thresholds, and every truth.

A take is some frames of one person in one session. It is rendered once, at the sensor's 640x480 because the method
counts in pixels, and kept as `gloves/<subject>-<session>-<fingerprint>.npz` in the store.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handseg_lib.annotate import takes
from handseg_lib.annotate.accuracy import gap
from handseg_lib.annotate.gloves import HANDS
from handseg_lib.annotate.sessions import aligned_color, in_color_view, probe_pictures
from handseg_lib.annotate.thresholds import GloveThresholds, calibrate
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError
from handseg_lib.synth.people.person import Surface
from handseg_lib.synth.scenes.glove_session import GloveSession, glove_session
from handseg_lib.synth.world import Frame, render

SIDES = tuple(HANDS)
OTHERS = {"left": {Label.RIGHT_HAND}, "right": {Label.LEFT_HAND}}
FOLLOWED = ("handseg_lib.synth", "handseg_lib.camera", "handseg_lib.annotate", "handseg_lib.data.labels")


@dataclass(frozen=True)
class Take:
    """Which frames of a session, and how it was calibrated.

    Attributes:
        subject, session: who and when, as in `glove_session`.
        frames: how many; the first ones of a longer take are the same.
        pictures: calibration pictures of each glove; 0 leaves the take without thresholds.
        light: factor on the light of the recording, but not of the calibration before it.

    Raises:
        DataError: for numbers that make no sense.
    """

    subject: int
    session: int
    frames: int
    pictures: int = 9
    light: float = 1.0

    def __post_init__(self) -> None:
        if self.frames < 1 or self.pictures < 0 or not self.light > 0:
            raise DataError(f"{self}: expected frames >= 1, pictures >= 0 and light > 0")

    @property
    def path(self) -> Path:
        """Its file in the store; the name holds the take and the version of the code that makes it."""
        return takes.path_of(self, "gloves", __file__, FOLLOWED)


@dataclass(frozen=True)
class GloveFrame:
    """One recorded frame with its truth, all images (480, 640) in the depth camera's view.

    Attributes:
        id: `<subject>/<session>/<index>`.
        rgb: (H, W, 3) uint8, aligned by the measured depth; black where there is no colour.
        depth: (H, W) float32 metres, 0 = no reading.
        seen: (H, W) bool, readings that the colour camera's view covers.
        labels: (H, W) uint8 exact labels; a hand ends at the wrist.
        gloves: (H, W) uint8 exact labels of what the gloves cover, hem included; `Label.LEFT_HAND` and `RIGHT_HAND`.
        body_gap, hand_gap: side -> metres to the nearest surface that is no hand, and to the other hand (`gap`).
    """

    id: str
    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    seen: NDArray[np.bool_]
    labels: NDArray[np.uint8]
    gloves: NDArray[np.uint8]
    body_gap: dict[str, float]
    hand_gap: dict[str, float]

    @property
    def common_depth(self) -> NDArray[np.float32]:
        """(H, W) metres, 0 also where the colour camera does not look: the depth image that can be annotated."""
        return np.where(self.seen, self.depth, np.float32(0))


@dataclass(frozen=True)
class Recording:
    """A take with what its calibration gave.

    Attributes:
        take: which.
        thresholds: side -> thresholds as `calibrate` gives them; empty without calibration pictures.
        literal: side -> plain minima and maxima over the whole circles, as the paper's words are.
        frames: the recorded frames.
    """

    take: Take
    thresholds: dict[str, GloveThresholds]
    literal: dict[str, GloveThresholds]
    frames: tuple[GloveFrame, ...]


def recordings(wanted: Sequence[Take], workers: int | None = None) -> list[Recording]:
    """Some takes, those rendered first that the store does not have.

    Args:
        wanted: which, in the order of the result.
        workers: processes that render, default one for each processor; the frames do not depend on it.

    Raises:
        DataError: when a probe is found in none of its pictures.
        StoreError: for a damaged file or a full disk, naming the file and what to do.
        ValueError: for a subject or session that does not exist.
    """
    takes.make(wanted, _rendered, workers)
    return [load(take) for take in wanted]


def gloved_pixels(frame: Frame) -> NDArray[np.uint8]:
    """(H, W) uint8 exact labels of what the gloves cover in the depth camera's view."""
    surfaces = frame.truth.image(frame.scene.look.surfaces(frame.truth), -1)
    gloves = np.zeros(surfaces.shape, np.uint8)
    gloves[surfaces == Surface.GLOVE_LEFT] = Label.LEFT_HAND
    gloves[surfaces == Surface.GLOVE_RIGHT] = Label.RIGHT_HAND
    return gloves


def recorded_frame(session: GloveSession, index: int, light: float = 1.0) -> Frame:
    """Frame `index` of a session as the sensors see it, with its light made stronger or weaker by a factor."""
    person = session.person
    lights = replace(session.lights, exposure=session.lights.exposure * light)
    scene = replace(session, lights=lights).scene(index)
    rng = np.random.default_rng([833, person.subject, person.session, index])
    return render(scene, f"gloves/{person.subject}/{person.session}/{index}", rng)


def load(take: Take) -> Recording:
    """A take from its file.

    Raises:
        StoreError: if it is missing or damaged.
    """

    def built(stored: dict[str, NDArray]) -> Recording:
        thresholds, literal = (_thresholds(stored[name]) for name in ("thresholds", "literal"))
        return Recording(take, thresholds, literal, tuple(_frame(take, stored, i) for i in range(take.frames)))

    return takes.read(take, built)


def _frame(take: Take, stored: dict[str, NDArray], i: int) -> GloveFrame:
    body, other = (dict(zip(SIDES, map(float, gaps), strict=True)) for gaps in stored["gaps"][i])
    return GloveFrame(
        f"{take.subject}/{take.session}/{i}",
        stored["rgb"][i],
        takes.metres_of(stored["depth"][i]),
        stored["seen"][i],
        stored["labels"][i],
        stored["gloves"][i],
        body,
        other,
    )


def _thresholds(table: NDArray[np.int16]) -> dict[str, GloveThresholds]:
    """(2, 2, 3) low and high of each side, or nothing."""
    return {
        side: GloveThresholds(tuple(map(int, low)), tuple(map(int, high)))
        for side, (low, high) in zip(SIDES, table, strict=bool(len(table)))
    }


def _rendered(take: Take) -> dict[str, NDArray]:
    """What is stored of a take."""
    session = glove_session(take.subject, take.session)
    images = [_images(recorded_frame(session, i, take.light)) for i in range(take.frames)]
    return _calibration(session, take.pictures) | {name: np.stack([i[name] for i in images]) for name in images[0]}


def _calibration(session: GloveSession, pictures: int) -> dict[str, NDArray]:
    """Thresholds of both gloves as arrays, by `calibrate`'s defaults and as plain minima and maxima."""
    found = {side: probe_pictures(session, side, pictures) for side in SIDES} if pictures else {}
    if not all(found.values()):
        person = session.person
        raise DataError(
            f"subject {person.subject}, session {person.session}: the probe was found in none of {pictures} pictures "
            "of a glove; expected a round patch of one saturated hue. Take more pictures."
        )
    tables = {
        "thresholds": [calibrate(shown) for shown in found.values()],
        "literal": [calibrate(shown, share=1, trim=0) for shown in found.values()],
    }
    return {
        name: np.array([(t.low, t.high) for t in gloves], np.int16).reshape(-1, 2, 3) for name, gloves in tables.items()
    }


def _images(frame: Frame) -> dict[str, NDArray]:
    """What is stored of one frame."""
    camera, every = frame.intrinsics, set(Label) - {Label.LEFT_HAND, Label.RIGHT_HAND}
    gaps = [
        [gap(frame.clean_depth, frame.labels, camera, side, others.get(side, every)) for side in SIDES]
        for others in ({}, OTHERS)
    ]
    return {
        "rgb": aligned_color(frame),
        "depth": takes.steps_of(frame.depth),
        "seen": in_color_view(frame),
        "labels": frame.labels,
        "gloves": gloved_pixels(frame),
        "gaps": np.array(gaps, np.float32),
    }
