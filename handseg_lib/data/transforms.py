"""Depth frames and their labels on the way to a network: one grid, one augmentation, no mixed pixels.

Every transform is a torchvision v2 transform on `tv_tensors.Image` (float: depth in metres, (1, H, W), 0 where there is
no reading; uint8: colour) and `tv_tensors.Mask` (uint8 (H, W), values of `Label`) together. Pixels are picked, never
mixed: the mean of a finger's depth and the wall's is the depth of nothing, and a missing reading is no depth of 0.
Labels stay in the vocabulary until the end, because a class map that knows only right hands cannot be mirrored.
"""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from handseg_lib.data.labels import MIRROR
from handseg_lib.upsampling import sample_index

DEPTH_CENTRE, DEPTH_SCALE, DEPTH_LIMIT = 0.85, 0.65, 2.0
"""`depth_input` maps 0.2 m to -1, 0.85 m to 0 and 1.5 m to 1; beyond 2.15 m everything is 2."""


def depth_input(depth: Tensor | NDArray[np.float32]) -> Tensor:
    """What the networks see of a depth frame: scaled depth and validity.

    Channel 0 is min((z - 0.85 m) / 0.65 m, 2), so that the SR300's 0.2 to 1.5 m spans [-1, 1]; channel 1 is 1. Where
    there is no reading both are 0, which is also what padding with zeros says.

    Args:
        depth: (..., H, W) float32 metres, 0 where there is no reading.

    Returns:
        (..., 2, H, W) float32

    Raises:
        TypeError: if depth is not of a floating type (raw sensor units are not metres).
    """
    z = torch.as_tensor(depth)
    if not z.is_floating_point():
        raise TypeError(f"depth must be float metres, got {z.dtype}; multiply raw readings by the sensor's unit")
    seen = z > 0
    scaled = ((z.float() - DEPTH_CENTRE) / DEPTH_SCALE).clamp_max(DEPTH_LIMIT)
    return torch.stack([torch.where(seen, scaled, 0), seen.float()], dim=-3)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within this context torch's CPU generator starts from `seed`; afterwards it goes on as if nothing had been drawn.

    torchvision's transforms draw from that generator, so this makes any of them repeatable. Numpy, Python and GPU
    generators are not touched.
    """
    state = torch.get_rng_state()
    try:
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reset the GPU's generators too
        yield
    finally:
        torch.set_rng_state(state)


class Resample(v2.Transform):
    """Put a frame on another grid by taking, for each cell, the pixel of `sample_index` (nearest, half-pixel right)."""

    def __init__(self, size: tuple[int, int]) -> None:
        """`size` is (height, width)."""
        super().__init__()
        self.size = size

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """Pick rows and columns."""
        rows, columns = (sample_index(f, s) for f, s in zip(inpt.shape[-2:], self.size, strict=True))
        picked = inpt.as_subclass(Tensor)[..., torch.from_numpy(rows)[:, None], torch.from_numpy(columns)]
        return tv_tensors.wrap(picked, like=inpt)


class RandomView(v2.Transform):
    """Turn, zoom and shift a frame, move it nearer or farther, and put it on the network's grid, in one look-up.

    A thing moved to s times its depth appears 1/s times as large, so with `consistent` the zoom is divided by the depth
    scale; the remaining zoom stands for larger and smaller people. What comes in from outside the frame has no reading
    and is background.
    """

    def __init__(
        self,
        size: tuple[int, int],
        rotation: float = 25.0,
        zoom: tuple[float, float] = (0.8, 1.25),
        shift: float = 0.1,
        depth_scale: tuple[float, float] = (0.9, 1.1),
        consistent: bool = True,
    ) -> None:
        """Set the ranges; every draw is uniform, of zoom and depth scale uniform in the logarithm.

        Args:
            size: (height, width) of the result.
            rotation: degrees to either side about the frame's centre.
            zoom: smallest and largest magnification.
            shift: share of the frame's height and width to either side.
            depth_scale: smallest and largest factor of the depth.
            consistent: whether the depth scale changes the size in the image too.
        """
        super().__init__()
        if min(*zoom, *depth_scale) <= 0 or min(size) < 1:
            raise ValueError(f"zoom, depth_scale and size must be positive, got {zoom}, {depth_scale}, {size}")
        self.size, self.rotation, self.zoom, self.shift = size, rotation, zoom, shift
        self.depth_scale, self.consistent = depth_scale, consistent

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw one view: for each cell the pixel it takes, and the factor of the depth."""
        turn, dx, dy, zoom, scale = torch.rand(5, dtype=torch.float64).tolist()
        scale = _between(self.depth_scale, scale)
        zoom = _between(self.zoom, zoom) / (scale if self.consistent else 1)
        angle = math.radians(self.rotation) * (2 * turn - 1)
        height, width = flat_inputs[0].shape[-2:]
        # Places in the frame, in pixels from its centre; the cell's content comes from the place turned back.
        y = ((np.arange(self.size[0]) + 0.5) / self.size[0] - 0.5)[:, None] * height / zoom
        x = ((np.arange(self.size[1]) + 0.5) / self.size[1] - 0.5) * width / zoom
        cos, sin = math.cos(angle), math.sin(angle)
        centre_x, centre_y = width * (0.5 - self.shift * (2 * dx - 1)), height * (0.5 - self.shift * (2 * dy - 1))
        # Places on the border of two pixels belong to the second, as in `sample_index`, in spite of rounding.
        column = np.floor(cos * x + sin * y + centre_x + 1e-9).astype(np.int64)
        row = np.floor(cos * y - sin * x + centre_y + 1e-9).astype(np.int64)
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        pixel = np.where(inside, row * width + column, 0)
        return {"pixel": torch.from_numpy(pixel), "outside": torch.from_numpy(~inside), "scale": scale}

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """Look the pixels up."""
        picked = inpt.as_subclass(Tensor).flatten(-2)[..., params["pixel"]]
        if picked.is_floating_point():
            picked = picked * params["scale"]
        return tv_tensors.wrap(picked.masked_fill_(params["outside"], 0), like=inpt)


class RandomHandFlip(v2.Transform):
    """Mirror the frame with probability `p`; in a mirror a left hand is a right hand, so labels change places too."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p
        self._mirror = torch.from_numpy(MIRROR)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw whether to mirror."""
        return {"flip": float(torch.rand(())) < self.p}

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """Mirror pixels, and the values of masks."""
        if not params["flip"]:
            return inpt
        mirrored = inpt.as_subclass(Tensor).flip(-1)
        if isinstance(inpt, tv_tensors.Mask):
            mirrored = self._mirror[mirrored.int()]
        return tv_tensors.wrap(mirrored, like=inpt)


class RandomHoles(v2.Transform):
    """Take the readings away in up to `count` rectangles with sides up to `side` of the frame's (depth only)."""

    def __init__(self, count: int = 3, side: float = 0.15) -> None:
        super().__init__()
        self.count, self.side = count, side

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the rectangles."""
        height, width = flat_inputs[0].shape[-2:]
        number = int(torch.randint(self.count + 1, ()))
        boxes = []
        for y, x, h, w in torch.rand(number, 4, dtype=torch.float64).tolist():
            top, left = int(y * height), int(x * width)
            boxes.append((top, top + math.ceil(h * self.side * height), left, left + math.ceil(w * self.side * width)))
        return {"boxes": boxes}

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """Set depth to 0, no reading, in the rectangles."""
        if isinstance(inpt, tv_tensors.Mask) or not inpt.is_floating_point():
            return inpt
        depth = inpt.as_subclass(Tensor).clone()
        for top, bottom, left, right in params["boxes"]:
            depth[..., top:bottom, left:right] = 0
        return tv_tensors.wrap(depth, like=inpt)


class RandomNoise(v2.Transform):
    """Add Gaussian noise to every reading (depth only): DenseAttentionSeg Section 4.5, which does not say how much."""

    def __init__(self, sigma: float) -> None:
        """`sigma` is the noise's standard deviation in metres."""
        super().__init__()
        if sigma < 0:
            raise ValueError(f"a standard deviation is not negative, got {sigma}")
        self.sigma = sigma

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """Move readings; what has none keeps none, and no reading is lost."""
        if isinstance(inpt, tv_tensors.Mask) or not inpt.is_floating_point() or self.sigma == 0:
            return inpt
        depth = inpt.as_subclass(Tensor)
        noisy = (depth + self.sigma * torch.randn(depth.shape)).clamp_min(torch.finfo(depth.dtype).tiny)
        return tv_tensors.wrap(torch.where(depth > 0, noisy, depth), like=inpt)


def training_transform(size: tuple[int, int], **view: Any) -> v2.Compose:
    """The augmentation of depth frames: a random view on the (height, width) grid, a random mirror image, random holes.

    Args:
        size: (height, width) of the result.
        view: ranges of `RandomView` other than its defaults.
    """
    return v2.Compose([RandomView(size, **view), RandomHandFlip(), RandomHoles()])


def _between(ends: tuple[float, float], share: float) -> float:
    """The value at a share of the way between two positive ends, evenly in the logarithm."""
    return ends[0] * (ends[1] / ends[0]) ** share
