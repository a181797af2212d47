"""Worlds for the simulated camera, rendered from the synthetic scenes; `Frame` has the exact truth of each shot."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, count

import numpy as np

from handseg_lib.camera.simulated import Shot, SimulatedWorld
from handseg_lib.errors import DataError
from handseg_lib.synth.scenes import SCENES
from handseg_lib.synth.scenes.glove_session import glove_session
from handseg_lib.synth.world import Frame, generator, render


def glove_frames(subject: int = 0, session: int = 0, size: tuple[int, int] | None = None) -> Iterator[Frame]:
    """A recording session of HandSeg (Section 4), without end: one person in gloves, one mount, one light.

    Each frame is a pose of its own: the motion between poses, which the paper recorded too, is not rendered.

    Args:
        subject, session: as in `synth.glove_session`.
        size: (height, width) of the images; default 480x640.

    Raises:
        ValueError: for a subject or session that does not exist.
    """
    place = glove_session(subject, session)
    for n in count():
        yield render(place.scene(n), f"exo_gloves/{subject}/{session}/{n}", _noise(subject, session, n), size)


def scene_frames(
    scene: str = "exo_two_hands", seed: int = 0, split: str = "train", size: tuple[int, int] | None = None
) -> Iterator[Frame]:
    """Frames of any scene that an SR300 suits, without end: `synth.world.frame(scene, seed, n)` for every n, but with
    all colour pictures taken by the first frame's camera, since one mount is one calibration.

    Raises:
        DataError: for an unknown scene or split, or a scene that has no SR300.
    """
    mount = SCENES[scene](generator(scene, split, seed, 0), split) if scene in SCENES else None
    for n in count():
        rng = generator(scene, split, seed, n)
        world = replace(SCENES[scene](rng, split), color_camera=mount.color_camera)
        yield render(world, f"{scene}/{split}/{seed}/{n}", rng, size, "sr300")


def world_of(frames: Iterable[Frame], name: str = "Simulated SR300") -> SimulatedWorld:
    """What a simulated camera sees of rendered frames; shot n is frame n, and its picture is taken when it is needed.

    Args:
        frames: of one size and one mount; the first is taken at once, to know the cameras.
        name: what the camera calls itself.

    Raises:
        DataError: if there is no frame; while iterating, if a frame comes from another mount than the first.
    """
    waiting = iter(frames)
    first = next(waiting, None)
    if first is None:
        raise DataError(f"{name}: a simulated camera needs at least one frame to see, found none")
    height, width = first.depth.shape
    depth, color = first.truth.camera, first.scene.color_camera.resized(width, height)
    mount = np.linalg.inv(color.pose) @ depth.pose

    def shots() -> Iterator[Shot]:
        for n, frame in enumerate(chain([first], waiting)):
            if not np.allclose(np.linalg.inv(frame.scene.color_camera.pose) @ frame.truth.camera.pose, mount):
                raise DataError(
                    f"{name}: frame {frame.id} was taken by another mount than {first.id}; one camera has one "
                    "calibration: take frames of one glove session, or scene_frames()"
                )
            yield Shot(frame.depth, frame.color_rgb, n)

    return SimulatedWorld(name, depth.intrinsics, color.intrinsics, mount, shots())


def _noise(subject: int, session: int, n: int) -> np.random.Generator:
    return np.random.default_rng([832, subject, session, n])
