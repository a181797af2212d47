"""The calibration of glove colours (HandSeg Section 4, Figure 3): a notched hemisphere wrapped in a glove's material.

Its dome shows the camera every direction that a surface can have, its notches what hides in folds. Somebody out of
view holds it on a stick in one part of the view frustum after another, under the light of the recording.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import SR300_COLOR, SR300_DEPTH
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.people.body import rotation
from handseg_lib.synth.people.person import Surface
from handseg_lib.synth.render import Camera, Truth
from handseg_lib.synth.rooms import props
from handseg_lib.synth.scene import HAND_OF, Scene
from handseg_lib.synth.scenes.glove_session import GloveSession
from handseg_lib.synth.world import Frame, render

RADIUS = 0.05
"""Metres."""
RINGS, SECTORS = 56, 144
NOTCHES = 4
NOTCH_DEPTH, NOTCH_WIDTH = 0.24, 0.010
"""Depth of a notch as a share of the radius, and half its width on the surface in metres."""
DEPTHS = (0.42, 0.60, 0.80)
"""Distances at which the frustum is probed, metres along z."""


@dataclass(frozen=True)
class Probe:
    """Where the probe is: the truth behind one calibration picture.

    Attributes:
        side: which glove's material it is wrapped in.
        centre: (3,) float64 middle of the hemisphere's flat side in the depth camera's coordinates, metres.
        turn: (3, 3) rotation of the probe; its dome looks along the probe's -z.
        radius: metres.
    """

    side: str
    centre: NDArray[np.float64]
    turn: NDArray[np.float64]
    radius: float = RADIUS

    def meshes(self) -> list[Mesh]:
        """The wrapped hemisphere, then its stick, in the depth camera's coordinates."""
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = self.turn, self.centre
        dome = notched_hemisphere(self.radius).transformed(pose).with_material(HAND_OF[self.side][1])
        start = self.centre + self.turn @ np.array([0, 0.6 * self.radius, 0.008])
        stick = props.rod(start, start + np.array([0.03, 0.75, 0.10]), 0.006, Surface.TABLE)
        return [dome, stick]


@dataclass(frozen=True)
class ProbeFrame:
    """One calibration picture with its truth.

    Attributes:
        frame: what the sensors see.
        probe: where the probe is.
    """

    frame: Frame
    probe: Probe

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """(H, W) the probe's pixels in the depth camera's view, exact."""
        return self._seen(self.frame.truth)

    @cached_property
    def color_mask(self) -> NDArray[np.bool_]:
        """(H, W) the probe's pixels in the colour camera's view, exact."""
        return self._seen(self.frame.color_truth)

    @property
    def circle(self) -> tuple[float, float, float]:
        """The probe's outline in the depth camera's view: x, y and radius in pixels."""
        return outline(self.probe, self.frame.truth.camera)

    @property
    def color_circle(self) -> tuple[float, float, float]:
        """The probe's outline in the colour camera's view: x, y and radius in pixels."""
        return outline(self.probe, self.frame.color_truth.camera)

    def _seen(self, truth: Truth) -> NDArray[np.bool_]:
        return truth.image(truth.mesh.material[truth.faces] == HAND_OF[self.probe.side][1])


def calibration_run(
    session: GloveSession, side: str, count: int = 24, size: tuple[int, int] = (480, 640)
) -> Iterator[ProbeFrame]:
    """The pictures of one calibration: the probe goes through the frustum, light and camera as in the session.

    Args:
        session: whose gloves, light and cameras.
        side: "left" or "right", whose glove the probe is wrapped in.
        count: number of pictures; the first few are spread as evenly as many, and do not depend on how many follow.
        size: (height, width) in pixels.

    Raises:
        ValueError: for an unknown side or fewer than one picture.
    """
    if side not in HAND_OF or count < 1:
        raise ValueError(f"a calibration run needs side left or right and count >= 1, found {side!r} and {count}")
    person = session.person
    for index in range(count):
        rng = np.random.default_rng([832, person.subject, person.session, int(side == "left"), index])
        centre = probe_position(rng, index)
        probe = Probe(side, centre, facing_camera(rng, centre))
        name = f"glove_calibration/{person.subject}/{person.session}/{side}/{index}"
        yield ProbeFrame(render(probe_scene(session, probe), name, rng, size), probe)


def probe_scene(session: GloveSession, probe: Probe) -> Scene:
    """The session's room, emptied but for the probe."""
    return session.staged(probe.meshes(), furnished=False, name="glove_calibration")


def probe_position(rng: np.random.Generator, index: int) -> NDArray[np.float64]:
    """(3,) where the probe is in picture `index`, metres: both cameras see the whole of it.

    The places follow a sequence that fills the view evenly from its first point on, disturbed a little.
    """
    z = DEPTHS[index % len(DEPTHS)] + rng.uniform(-0.03, 0.03)
    u, v = _halton(index + 1, 2) + rng.normal(0, 0.02), _halton(index + 1, 3) + rng.normal(0, 0.02)
    room = RADIUS * 1.3 + 0.004
    half_x = min(SR300_DEPTH.width / SR300_DEPTH.fx, SR300_COLOR.width / SR300_COLOR.fx) / 2 * z - room - 0.03
    half_y = min(SR300_DEPTH.height / SR300_DEPTH.fy, SR300_COLOR.height / SR300_COLOR.fy) / 2 * z - room
    return np.array([np.clip(2 * u - 1, -1, 1) * half_x + 0.012, np.clip(2 * v - 1, -1, 1) * half_y, z])


def facing_camera(rng: np.random.Generator, centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) rotation that turns the dome towards the camera, as well as a hand can."""
    ahead = centre / np.linalg.norm(centre)
    side = np.cross([0, 1.0, 0], ahead)
    side /= np.linalg.norm(side)
    turn = np.stack([side, np.cross(ahead, side), ahead], axis=1)
    tilt = rng.normal(0, np.radians(5), 2)
    return turn @ rotation("x", tilt[0]) @ rotation("y", tilt[1]) @ rotation("z", rng.uniform(0, np.pi / 2))


def notched_hemisphere(radius: float = RADIUS) -> Mesh:
    """A dome towards -z with notches running down its sides, and a flat back; the rim is a full circle.

    The rest coordinates lie beyond a glove's hem, so that the whole of it is glove.
    """
    polar = np.linspace(0, np.pi / 2, RINGS + 1)[1:, None]
    around = np.arange(SECTORS)[None] * (2 * np.pi / SECTORS)
    reach = radius * (1 - NOTCH_DEPTH * _notch(polar, around, radius))
    rings = np.stack(
        [reach * np.sin(polar) * np.cos(around), reach * np.sin(polar) * np.sin(around), -reach * np.cos(polar)], -1
    )
    vertices = np.concatenate([[[0, 0, -radius]], rings.reshape(-1, 3), [[0, 0, 0]]])
    k = np.arange(SECTORS)
    after = (k + 1) % SECTORS
    top = np.stack([0 * k, 1 + after, 1 + k], axis=1)
    first = 1 + (np.arange(RINGS - 1)[:, None] * SECTORS)
    a, b = (first + k).ravel(), (first + after).ravel()
    sides = np.concatenate([np.stack([a, b, b + SECTORS], 1), np.stack([a, b + SECTORS, a + SECTORS], 1)])
    rim = 1 + (RINGS - 1) * SECTORS
    back = np.stack([rim + k, rim + after, 0 * k + len(vertices) - 1], axis=1)
    mesh = Mesh.of(vertices, np.concatenate([top, sides, back]))
    return replace(mesh, rest=(mesh.rest + np.array([0, 0.3, 0], np.float32)).astype(np.float32))


def _notch(polar: NDArray, around: NDArray, radius: float) -> NDArray:
    """How deep a notch is at each direction: 1 along its bottom, 0 outside; it fades before the top and the rim."""
    quarter = np.pi / NOTCHES
    off = np.abs((around + quarter) % (2 * quarter) - quarter)
    across = off * np.sin(polar) * radius / NOTCH_WIDTH
    ends = np.clip((polar - 0.30) / 0.12, 0, 1) * np.clip((1.36 - polar) / 0.12, 0, 1)
    return np.clip(1 - across, 0, 1) * ends


def outline(probe: Probe, camera: Camera) -> tuple[float, float, float]:
    """The circle around the probe in a view: x, y and radius in pixels.

    A dome that looks at the camera has the outline of its whole sphere: the circle in which a cone from the camera
    touches it. Its picture is a circle but for the slight stretch that a pinhole gives to what is off its axis.
    """
    centre = camera.to_camera(probe.centre[None].astype(np.float32))[0].astype(np.float64)
    distance = np.linalg.norm(centre)
    ahead = centre / distance
    side = np.cross([0, 1.0, 0], ahead)
    side /= np.linalg.norm(side)
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)[:, None]
    sine = probe.radius / distance
    rim = probe.radius * np.sqrt(1 - sine**2) * (np.cos(angles) * side + np.sin(angles) * np.cross(ahead, side))
    pixels = camera.intrinsics.project(centre - ahead * probe.radius * sine + rim)
    middle = (pixels.min(axis=0) + pixels.max(axis=0)) / 2
    return float(middle[0]), float(middle[1]), float(np.linalg.norm(pixels - middle, axis=1).mean())


def _halton(index: int, base: int) -> float:
    """The index-th number of the van der Corput sequence: 1/2, 1/4, 3/4, 1/8 ... for base 2."""
    value, share = 0.0, 1.0
    while index:
        share /= base
        value += share * (index % base)
        index //= base
    return value
