"""What a colour camera makes of the light that reaches it: exposure, blur, noise, tone curve and JPEG, in that order.

As in the depth sensors, random numbers are drawn as integers, and floating-point work is limited to operations that are
exact or that IEEE 754 rounds exactly, so that a seed gives the same picture on every machine: blurs add whole numbers,
and tables of powers are rounded far from any tie.
"""

from dataclasses import dataclass, fields
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from handseg_lib.errors import DataError

Image = NDArray[np.uint8]
Light = NDArray[np.float32]

REFERENCE_WIDTH = 640
"""Blur lengths are given in pixels of a picture this wide, so that a frame looks alike at every size."""
ONE = 1 << 16
"""Whole steps that stand for linear 1.0; what is brighter counts up to `HEADROOM` times that."""
HEADROOM = 4
TONE = np.rint(255 * np.linspace(0, 1, ONE + 1) ** (1 / 2.2)).astype(np.uint8)
LINEAR = (np.rint(ONE * np.linspace(0, 1, 256) ** 2.2) / ONE).astype(np.float32)
GRAIN = np.array([1.0, 2.0, 1.0])  # demosaicing spreads each pixel's noise over its neighbours
BYTES_DEVIATION = float(np.sqrt(4 * (256**2 - 1) / 12))  # of the sum of four random bytes


@dataclass(frozen=True)
class RgbCamera:
    """A colour camera and how it was held. The default changes nothing but the number format.

    Attributes:
        exposure: stops; the light is multiplied by 2 ** exposure.
        white_balance: factors on red, green and blue.
        shot_noise: standard deviation of the noise at linear 1.0; it falls with the square root of the light.
        read_noise: standard deviation (linear) of the noise that is there in the dark too.
        defocus_px: standard deviation of the blur in pixels of a 640-pixel-wide picture.
        motion_px: length of the straight path over which the picture is smeared, in the same pixels.
        motion_degrees: direction of that path from the x axis towards the y axis (down).
        vignette: light lost in the corners, as a share: 0.3 leaves 70%.
        jpeg: quality 1..100 of the compression, or None for none.
    """

    exposure: float = 0.0
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shot_noise: float = 0.0
    read_noise: float = 0.0
    defocus_px: float = 0.0
    motion_px: float = 0.0
    motion_degrees: float = 0.0
    vignette: float = 0.0
    jpeg: int | None = None

    def __post_init__(self) -> None:
        for name in ("shot_noise", "read_noise", "defocus_px", "motion_px"):
            if getattr(self, name) < 0:
                raise ValueError(f"RgbCamera.{name} must not be negative, found {getattr(self, name)}")
        if not 0 <= self.vignette < 1:
            raise ValueError(f"RgbCamera.vignette is a share in [0, 1), found {self.vignette}")
        if self.jpeg is not None and not 1 <= self.jpeg <= 100:
            raise ValueError(f"RgbCamera.jpeg is a quality from 1 to 100 or None, found {self.jpeg}")
        if min(self.white_balance) <= 0:
            raise ValueError(f"RgbCamera.white_balance needs positive factors, found {self.white_balance}")

    @classmethod
    def sample(cls, rng: np.random.Generator, grade: str = "webcam") -> Self:
        """A camera of a certain grade with its everyday variation.

        Args:
            rng: decides everything.
            grade: a name of `GRADES`: "studio" (tripod, plenty of light), "webcam" (a camera like the RealSense's, on a
                stand), "phone", "head" (worn on the head, moving), "wild" (any camera, often dark, noisy, compressed).

        Raises:
            ValueError: for an unknown grade.
        """
        if grade not in GRADES:
            raise ValueError(f"unknown camera grade {grade!r}, expected one of {', '.join(GRADES)}")
        g = GRADES[grade]
        warm, tint = rng.normal(0, g.white_balance), rng.normal(0, g.white_balance / 3)
        shot = rng.uniform(*g.shot_noise)
        quality = int(rng.integers(g.jpeg[0], g.jpeg[1] + 1))
        return cls(
            exposure=float(rng.normal(0, g.exposure)),
            white_balance=(float(np.clip(1 + warm, 0.5, 1.8)), float(1 - tint), float(np.clip(1 - warm, 0.5, 1.8))),
            shot_noise=float(shot),
            read_noise=float(shot * rng.uniform(0.03, 0.1)),
            defocus_px=float(rng.uniform(*g.defocus_px)),
            motion_px=float(rng.exponential(g.motion_px)) if g.motion_px else 0.0,
            motion_degrees=float(rng.uniform(0, 180)),
            vignette=float(rng.uniform(0, g.vignette)),
            jpeg=quality,
        )


@dataclass(frozen=True)
class _Grade:
    """Standard deviation of exposure (stops) and white balance, mean of motion, range or largest value of the rest."""

    exposure: float
    white_balance: float
    shot_noise: tuple[float, float]
    defocus_px: tuple[float, float]
    motion_px: float
    vignette: float
    jpeg: tuple[int, int]


GRADES = {
    "studio": _Grade(0.10, 0.02, (0.004, 0.012), (0.3, 0.6), 0.0, 0.08, (92, 97)),
    "webcam": _Grade(0.20, 0.06, (0.012, 0.035), (0.5, 1.0), 0.3, 0.2, (80, 95)),
    "phone": _Grade(0.20, 0.05, (0.008, 0.030), (0.3, 0.7), 0.5, 0.15, (80, 95)),
    "head": _Grade(0.25, 0.06, (0.010, 0.040), (0.4, 1.0), 2.0, 0.35, (65, 92)),
    "wild": _Grade(0.45, 0.12, (0.015, 0.060), (0.3, 1.8), 2.0, 0.4, (45, 92)),
}
"""Grade name -> how much its cameras vary."""


def rgb_camera(image: Light | Image, rng: np.random.Generator, camera: RgbCamera = RgbCamera()) -> Image:
    """The picture that a camera takes of a view.

    Args:
        image: (H, W, 3) float32 linear RGB, 1.0 = white, brighter is allowed; or uint8 display values of a picture that
            is to be taken again.
        rng: source of the noise; the same state and input give the same bits.
        camera: the camera and how it was held.

    Returns:
        (H, W, 3) uint8 display values (gamma 2.2).

    Raises:
        DataError: if the image is neither, or not finite.
    """
    light = _light(image)
    factors = np.array([_power2(camera.exposure) * w for w in camera.white_balance], np.float32)
    light = light * factors
    if camera.vignette:
        light *= _vignette(light.shape[:2], camera.vignette)[..., None]
    scale = image.shape[1] / REFERENCE_WIDTH
    light *= np.float32(ONE)
    steps = np.rint(np.clip(light, 0, HEADROOM * ONE, out=light), out=light)  # whole numbers, so that sums are exact
    steps = _defocused(steps, camera.defocus_px * scale)
    steps = _smeared(steps, camera.motion_px * scale, camera.motion_degrees)
    if camera.shot_noise or camera.read_noise:
        steps = _noisy(steps, rng, camera)
    picture = TONE[np.clip(np.rint(steps), 0, ONE).astype(np.int32)]
    return picture if camera.jpeg is None else compressed(picture, camera.jpeg)


def compressed(picture: Image, quality: int) -> Image:
    """(H, W, 3) uint8 RGB after JPEG compression and decompression; quality 1..100."""
    done, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise DataError(f"a picture of shape {picture.shape} could not be written as JPEG of quality {quality}")
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def _light(image: Light | Image) -> Light:
    """The image as finite linear light."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype not in (np.float32, np.uint8):
        raise DataError(
            f"rgb_camera needs (H, W, 3) float32 linear light or uint8 display values, found {image.dtype} "
            f"{image.shape}; convert float64 with .astype(numpy.float32)"
        )
    if image.dtype == np.uint8:
        return LINEAR[image]
    if not np.isfinite(image).all():
        raise DataError("rgb_camera: the image holds NaN or infinity; linear light is finite and at least 0")
    return image


def _power2(stops: float) -> float:
    """2 ** stops, rounded to 2 ** -12 so that the last bits of a machine's power function do not matter."""
    return round(2.0**stops * 4096) / 4096


def _vignette(shape: tuple[int, int], lost: float) -> Light:
    """(H, W) share of the light that arrives: 1 in the middle, 1 - lost in the corners, a smooth bowl between."""
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    square = np.float32(0.5) * (x * x + (y * y)[:, None])  # 1 in the corners
    fall = np.float32(1 / np.sqrt(1 - lost) - 1)
    bowl = 1 + fall * square
    return 1 / (bowl * bowl)


def _defocused(steps: Light, sigma: float) -> Light:
    """Gaussian blur by whole-number weights: exact sums of whole numbers, then one rounded division."""
    if sigma < 0.15:
        return steps
    reach = max(1, int(np.ceil(2.5 * sigma)))
    weights = np.rint(256 * np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2))
    weights = weights[weights > 0]
    blurred = cv2.sepFilter2D(steps, cv2.CV_64F, weights, weights, borderType=cv2.BORDER_REPLICATE)
    return np.rint(blurred / weights.sum() ** 2).astype(np.float32)


def _smeared(steps: Light, length: float, degrees: float) -> Light:
    """Mean over whole-pixel shifts along a straight path through each pixel."""
    count = round(length) + 1
    if count < 2:
        return steps
    angle = np.deg2rad(degrees)
    along = (np.arange(count) - (count - 1) / 2) * (length / (count - 1))
    # a thousandth of a pixel off the ties, on which machines may round differently
    shifts = [(int(np.rint(s * np.sin(angle) + 0.001)), int(np.rint(s * np.cos(angle) + 0.001))) for s in along]
    reach = max(abs(v) for shift in shifts for v in shift)
    padded = np.pad(steps, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    height, width = steps.shape[:2]
    total = np.zeros_like(steps)
    for dy, dx in shifts:
        total += padded[reach + dy : reach + dy + height, reach + dx : reach + dx + width]
    return np.rint(total / np.float32(count))


def _noisy(steps: Light, rng: np.random.Generator, camera: RgbCamera) -> Light:
    """Noise whose variance is a constant plus a share of the light, with the grain that demosaicing leaves."""
    height, width = steps.shape[:2]
    drawn = rng.integers(0, 1 << 32, (height, width, 3), np.uint32)
    pairs = (drawn & 0x00FF00FF) + ((drawn >> 8) & 0x00FF00FF)
    white = ((pairs & 0xFFFF) + (pairs >> 16)).astype(np.float32) - np.float32(510)  # sum of four bytes: about normal
    grain = cv2.sepFilter2D(white, cv2.CV_32F, GRAIN, GRAIN, borderType=cv2.BORDER_REFLECT_101)  # whole numbers
    grain *= np.float32(ONE / ((GRAIN**2).sum() * BYTES_DEVIATION))
    variance = np.float32(camera.read_noise**2) + np.float32(camera.shot_noise**2 / ONE) * steps
    return steps + grain * np.sqrt(variance)


assert len(fields(RgbCamera)) == len(fields(_Grade)) + 2  # read_noise follows shot_noise, and motion has a direction
