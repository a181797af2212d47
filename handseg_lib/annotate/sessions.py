"""What annotation gets of a synthetic glove session: calibrated thresholds, and colour aligned to depth."""

import cv2
import numpy as np
from numpy.typing import NDArray

from handseg_lib.annotate.thresholds import Circle, GloveThresholds, calibrate, find_probe
from handseg_lib.errors import DataError
from handseg_lib.synth.mesh import rotate
from handseg_lib.synth.scenes.calibration import calibration_run
from handseg_lib.synth.scenes.glove_session import GloveSession
from handseg_lib.synth.world import Frame

PICTURES = 9
"""Pictures of the probe in one calibration."""


def aligned_color(frame: Frame) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 colour at the depth camera's pixels by the *measured* depth.

    Black where the sensor has no reading and where the colour camera, whose view is narrower, does not look. In
    contrast, `Frame.rgb` knows the exact depth, and repeats the last column of the photograph beyond its border.
    A depth pixel is looked up by its centre; `rs.align` takes its upper left corner (notebook 10).
    """
    u, v = color_coordinates(frame)
    out = cv2.remap(frame.color_rgb, u, v, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    out[frame.depth == 0] = 0
    return out


def in_color_view(frame: Frame) -> NDArray[np.bool_]:
    """(H, W) depth pixels with a reading that the colour camera's picture covers: only these can be annotated."""
    u, v = color_coordinates(frame)
    height, width = frame.depth.shape
    inside = (u >= -0.5) & (u < width - 0.5) & (v >= -0.5) & (v < height - 0.5)
    return inside & (frame.depth > 0)


def color_coordinates(frame: Frame) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(H, W) float32 columns and rows of the photograph at which the colour camera sees each measured point.

    A pixel without a reading is taken to be 1 m away.
    """
    scene = frame.scene
    height, width = frame.depth.shape
    move = np.linalg.inv(scene.color_camera.pose) @ scene.depth_camera.pose
    color = scene.color_camera.resized(width, height).intrinsics
    points = frame.intrinsics.deproject(np.where(frame.depth > 0, frame.depth, np.float32(1)))
    moved = rotate(move[:3, :3], points.reshape(-1, 3)) + move[:3, 3].astype(np.float32)
    x, y, z = (moved[:, i].reshape(height, width) for i in range(3))
    return np.float32(color.fx) * x / z + np.float32(color.cx), np.float32(color.fy) * y / z + np.float32(color.cy)


def probe_pictures(session: GloveSession, side: str, count: int = PICTURES) -> list[tuple[NDArray[np.uint8], Circle]]:
    """The colour pictures of one calibration run in which the probe was found, each with its circle."""
    pictures = (probe.frame.color_rgb for probe in calibration_run(session, side, count))
    found = ((picture, find_probe(picture)) for picture in pictures)
    return [(picture, circle) for picture, circle in found if circle is not None]


def calibrated(session: GloveSession, count: int = PICTURES) -> dict[str, GloveThresholds]:
    """Side -> thresholds of the session's two gloves, from `count` pictures each.

    Raises:
        DataError: when the probe is found in none of a glove's pictures.
    """
    gloves = {}
    for side in ("left", "right"):
        pictures = probe_pictures(session, side, count)
        if not pictures:
            person = session.person
            raise DataError(
                f"subject {person.subject}, session {person.session}: the probe of the {side} glove was found in none "
                f"of {count} pictures; expected a round patch of one saturated hue. Take more pictures."
            )
        gloves[side] = calibrate(pictures)
    return gloves
