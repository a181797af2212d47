"""The head: skull, face relief, ears and hair as one smooth implicit surface, meshed once per person.

Head frame: origin at the base of the skull, x to the observer's right, y down, z backwards; the face looks along -z.
"""

from dataclasses import astuple, dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.kept import Arrays, kept
from handseg_lib.synth.sdf import Ellipsoid, near, polygonise, smooth_min

STEP = 0.005
FACES = 5200
HAIR_STYLES = ("none", "short", "full", "long", "bun")


class Region(IntEnum):
    """What a point of the face is made of."""

    SKIN = 0
    HAIR = 1
    EYES = 2
    LIPS = 3


@dataclass(frozen=True)
class HeadShape:
    """One person's head; sizes relative to the average man's.

    Attributes:
        width, height, depth: of the whole head.
        nose, chin, brow: how far each stands out.
        hair: a style of `HAIR_STYLES`.
        hair_thickness: metres.
        beard: whether the lower face is covered with hair.
        glasses: whether the eyes are behind glasses, which send little infrared light back.
    """

    width: float = 1.0
    height: float = 1.0
    depth: float = 1.0
    nose: float = 1.0
    chin: float = 1.0
    brow: float = 1.0
    hair: str = "short"
    hair_thickness: float = 0.012
    beard: bool = False
    glasses: bool = False

    def __post_init__(self) -> None:
        if self.hair not in HAIR_STYLES:
            raise ValueError(f"HeadShape.hair is {self.hair!r}, expected one of {', '.join(HAIR_STYLES)}")

    @property
    def size(self) -> NDArray[np.float32]:
        """(3,) factors on the coordinates of `head_mesh`."""
        return np.array([self.width, self.height, self.depth], np.float32)

    @classmethod
    def sample(cls, rng: np.random.Generator, female: bool) -> "HeadShape":
        """Draw a head from adult variation."""
        size = 0.955 if female else 1.0
        width, height, depth = (float(size * rng.normal(1, 0.03)) for _ in range(3))
        nose, chin, brow = (float(np.clip(rng.normal(1, 0.15), 0.65, 1.4)) for _ in range(3))
        odds = [0.0, 0.12, 0.22, 0.42, 0.24] if female else [0.12, 0.52, 0.26, 0.07, 0.03]
        return cls(
            width, height, depth, nose, chin * (0.85 if female else 1), brow * (0.7 if female else 1),
            str(rng.choice(HAIR_STYLES, p=odds)), float(rng.uniform(0.006, 0.02)),
            bool(not female and rng.random() < 0.3), bool(rng.random() < 0.3),
        )  # fmt: skip


def _blob(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> Ellipsoid:
    frame = np.eye(4)
    frame[:3, 3] = centre
    return Ellipsoid(frame, radii)


def _pair(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> list[Ellipsoid]:
    return [_blob((sign * centre[0], *centre[1:]), radii) for sign in (-1, 1)]


def _skull(s: HeadShape) -> list[tuple[Ellipsoid, float]]:
    """Ellipsoids of the bare head with the fillet radius of each."""
    return [
        (_blob((0, -0.085, 0.0), (0.076, 0.087, 0.096)), 0.0),
        (_blob((0, -0.032, -0.034), (0.063, 0.084, 0.062)), 0.04),
        *((jaw, 0.04) for jaw in _pair((0.026, 0.012, -0.035), (0.032, 0.036, 0.046))),
        (_blob((0, 0.042, -0.074 - 0.008 * s.chin), (0.022, 0.017, 0.018)), 0.03),
        *((cheek, 0.03) for cheek in _pair((0.043, -0.026, -0.066), (0.024, 0.022, 0.024))),
        (_blob((0, -0.066, -0.080 - 0.006 * s.brow), (0.050, 0.012, 0.014)), 0.03),
        (_blob((0, -0.036, -0.088 - 0.010 * s.nose), (0.009, 0.030, 0.014)), 0.012),
        (_blob((0, -0.016, -0.096 - 0.014 * s.nose), (0.014, 0.012, 0.016)), 0.010),
        *((wing, 0.008) for wing in _pair((0.013, -0.011, -0.097), (0.009, 0.008, 0.012))),
        (_blob((0, 0.011, -0.090), (0.025, 0.005, 0.011)), 0.008),
        (_blob((0, 0.019, -0.089), (0.022, 0.006, 0.011)), 0.006),
        *((ear, 0.012) for ear in _pair((0.079, -0.034, 0.012), (0.008, 0.031, 0.018))),
    ]


def _bare(points: NDArray, s: HeadShape) -> NDArray:
    shapes = _skull(s)
    distance = near(shapes[0][0], points)
    for shape, fillet in shapes[1:]:
        distance = smooth_min(distance, near(shape, points), max(fillet, 1e-3))
    for socket in _pair((0.032, -0.046, -0.104), (0.021, 0.013, 0.020)):
        distance = -smooth_min(-distance, near(socket, points), 0.012)
    for ball in _pair((0.032, -0.046, -0.071), (0.015, 0.012, 0.014)):
        distance = smooth_min(distance, near(ball, points), 0.004)
    return distance


def _hair(points: NDArray, s: HeadShape) -> NDArray:
    t = s.hair_thickness
    cap = near(_blob((0, -0.088, 0.006), (0.078 + t, 0.088 + 1.2 * t, 0.096 + t)), points)
    hairline = 0.70 * (points[:, 1] + 0.118) - 0.714 * (points[:, 2] + 0.078)  # forehead to nape, everything behind
    distance = -smooth_min(-cap, -hairline.astype(cap.dtype), 0.02)
    if s.hair == "full":
        for side in _pair((0.070, -0.040, 0.020), (0.020 + t, 0.055, 0.055)):
            distance = smooth_min(distance, near(side, points), 0.03)
    if s.hair == "long":
        for side in _pair((0.068, 0.020, 0.030), (0.022 + t, 0.125, 0.050)):
            distance = smooth_min(distance, near(side, points), 0.03)
        distance = smooth_min(distance, near(_blob((0, 0.03, 0.075), (0.075, 0.13, 0.035)), points), 0.03)
    if s.hair == "bun":
        distance = smooth_min(distance, near(_blob((0, -0.10, 0.125), (0.040, 0.040, 0.035)), points), 0.015)
    return distance


def _shown(points: NDArray) -> NDArray:
    """The head as the thinning of its mesh sees it: the face larger, so that it keeps more triangles."""
    return points * (0.7 + 0.6 * np.clip((-points[:, 2:] - 0.02) / 0.04, 0, 1))


@lru_cache(maxsize=16)
def head_mesh(s: HeadShape) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.bool_]]:
    """Vertices (V, 3) in the head frame before `HeadShape.size`, faces (F, 3), and which faces (F,) are hair."""
    arrays = kept("heads", astuple(s), ("sdf", "people/head"), lambda: _build(s))
    return arrays["vertices"], arrays["faces"], arrays["hair"]


def _build(s: HeadShape) -> Arrays:
    def field(points: NDArray) -> NDArray:
        bare = _bare(points, s)
        return bare if s.hair == "none" else smooth_min(bare, _hair(points, s), 0.004)

    low, high = np.array([-0.15, -0.27, -0.15]), np.array([0.15, 0.18 if s.hair == "long" else 0.09, 0.20])
    vertices, faces = polygonise(field, (low, high), STEP, FACES, _shown)
    middle = vertices[faces].mean(axis=1)
    hair = np.zeros(len(faces), bool) if s.hair == "none" else _hair(middle, s) < _bare(middle, s)
    return {"vertices": vertices.astype(np.float32), "faces": faces, "hair": hair}


def regions(points: NDArray, s: HeadShape) -> NDArray[np.uint8]:
    """(N,) `Region` of points (N, 3) on the face, the hair of the head aside: eyes, brows, beard, lips, skin."""
    x, y, z = points.T
    side, region = np.abs(x), np.zeros(len(points), np.uint8)
    arch = y + 0.069 - 6.0 * (side - 0.032) ** 2
    region[(np.abs(side - 0.033) < 0.021) & (np.abs(arch) < 0.0035) & (z < -0.05)] = Region.HAIR
    if s.beard:
        jaw = (y > 0.006) & (z > -0.102 + 0.4 * side) | (y > 0.022) | (np.abs(y - 0.002) < 0.004)
        region[jaw & (z < -0.005) & (y < 0.075) & (y > -0.004) & (y > -0.35 * z - 0.045)] = Region.HAIR
    size = (0.029, 0.021) if s.glasses else (0.0145, 0.0075)
    region[(((side - 0.032) / size[0]) ** 2 + ((y + 0.046) / size[1]) ** 2 < 1) & (z < -0.05)] = Region.EYES
    region[((x / 0.023) ** 2 + ((y - 0.0145) / 0.0085) ** 2 < 1) & (z < -0.08)] = Region.LIPS
    return region
