"""Colour images on the way to a network: made smaller by averaging, turned and zoomed smoothly, and disturbed.

As in `transforms`, each is a torchvision v2 transform on `tv_tensors.Image` (here uint8, (3, H, W)) and
`tv_tensors.Mask` together, and everything random is drawn from torch's generator, so that `seeded` repeats it. Unlike
depth, colours may be mixed: every pixel of a photograph is a mean over its area already. Labels are still picked.
"""

import math
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from handseg_lib.data.labels import MIRROR
from handseg_lib.upsampling import sample_index

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and deviation of ImageNet's colours, with which published encoders were trained."""

GREY = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in a grey level (ITU-R BT.601)."""


def rgb_input(image: Tensor) -> Tensor:
    """(..., 3, H, W) uint8 -> float32 of the same shape, each channel shifted and scaled by ImageNet's statistics.

    Raises:
        TypeError: if the image is not uint8 (a float image may span 0 to 1 or 0 to 255).
    """
    if image.dtype != torch.uint8:
        raise TypeError(f"a colour image must be uint8, got {image.dtype}")
    mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in (MEAN, STD))
    return (image.as_subclass(Tensor).float() / 255 - mean) / std


def fitting_size(full: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) with the shape of an image and the area of the network's grid, so that nothing is stretched.

    Args:
        full: (height, width) of the image.
        size: (height, width) that the network was trained at.
    """
    scale = math.sqrt(size[0] * size[1] / (full[0] * full[1]))
    return max(1, round(full[0] * scale)), max(1, round(full[1] * scale))


class Shrink(v2.Transform):
    """Put an image on another grid by averaging over each cell, and its mask by picking, as `transforms.Resample`."""

    def __init__(self, size: tuple[int, int]) -> None:
        """`size` is (height, width)."""
        super().__init__()
        self.size = tuple(size)

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """Average colours, pick labels."""
        if isinstance(inpt, tv_tensors.Mask):
            rows, columns = (sample_index(f, s) for f, s in zip(inpt.shape[-2:], self.size, strict=True))
            picked = inpt.as_subclass(Tensor)[..., torch.from_numpy(rows)[:, None], torch.from_numpy(columns)]
            return tv_tensors.wrap(picked, like=inpt)
        return planes(resized(pixels(inpt), self.size), like=inpt)


class RandomPlace(v2.Transform):
    """Turn, zoom and shift an image, and put it on the network's grid.

    What comes in from outside the frame is the frame mirrored at its edge: a black border would be something that no
    real photograph shows. In the mirrored part a left hand is a right hand, so its labels change sides.
    """

    def __init__(
        self,
        size: tuple[int, int],
        rotation: float = 20.0,
        zoom: tuple[float, float] = (0.7, 1.6),
        shift: float = 0.15,
        stretch: float = 1.0,
    ) -> None:
        """Set the ranges; every draw is uniform, of zoom and stretch uniform in the logarithm.

        Args:
            size: (height, width) of the result.
            rotation: degrees to either side about the frame's centre.
            zoom: smallest and largest magnification.
            shift: share of the frame's height and width to either side.
            stretch: largest ratio of the magnifications along the two sides.
        """
        super().__init__()
        if min(*zoom, *size) <= 0 or stretch < 1:
            raise ValueError(f"zoom and size must be positive, stretch at least 1, got {zoom}, {size}, {stretch}")
        self.size, self.rotation, self.zoom, self.shift, self.stretch = tuple(size), rotation, zoom, shift, stretch
        self._mirror = torch.from_numpy(MIRROR)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw one view: where in the frame each cell lies, in pixels from its corner, and the magnification."""
        turn, dx, dy, zoom, stretch = torch.rand(5, dtype=torch.float64).tolist()
        magnified = self.zoom[0] * (self.zoom[1] / self.zoom[0]) ** zoom
        stretched = math.sqrt(self.stretch ** (2 * stretch - 1))
        angle = math.radians(self.rotation) * (2 * turn - 1)
        height, width = flat_inputs[0].shape[-2:]
        y = ((np.arange(self.size[0]) + 0.5) / self.size[0] - 0.5)[:, None] * height / (magnified * stretched)
        x = ((np.arange(self.size[1]) + 0.5) / self.size[1] - 0.5) * width / (magnified / stretched)
        cos, sin = math.cos(angle), math.sin(angle)
        column = cos * x + sin * y + width * (0.5 - self.shift * (2 * dx - 1))
        row = cos * y - sin * x + height * (0.5 - self.shift * (2 * dy - 1))
        (row, flipped), (column, turned) = folded(row, height), folded(column, width)
        step = min(height / self.size[0], width / self.size[1]) / magnified  # pixels of the frame from cell to cell
        return {"row": row, "column": column, "mirrored": torch.from_numpy(flipped ^ turned), "step": step}

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """Interpolate colours, pick labels."""
        height, width = inpt.shape[-2:]
        row, column = params["row"], params["column"]
        if isinstance(inpt, tv_tensors.Mask):
            # Places on the border of two pixels belong to the second, as in `sample_index`, in spite of rounding.
            i, j = (np.floor(p + 1e-9).astype(np.int64).clip(0, n - 1) for p, n in ((row, height), (column, width)))
            picked = inpt.as_subclass(Tensor).flatten()[torch.from_numpy(i * width + j)]
            return tv_tensors.wrap(torch.where(params["mirrored"], self._mirror[picked.int()], picked), like=inpt)
        image = pixels(inpt)
        if params["step"] > 1:  # averaged first, or a fine pattern would become a coarse one
            image = resized(image, (round(height / params["step"]), round(width / params["step"])))
        # OpenCV counts from the middle of the first pixel, we from its corner.
        x, y = (p / n * m - 0.5 for p, n, m in ((column, width, image.shape[1]), (row, height, image.shape[0])))
        x, y = x.astype(np.float32), y.astype(np.float32)
        return planes(cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), like=inpt)


class RandomColour(v2.Transform):
    """Change brightness, contrast, saturation and hue of an image, all in one linear map of its colours; masks stay.

    As torchvision's ColorJitter with two differences that make it five times quicker: hue turns about the grey axis of
    the colour cube rather than in HSV, and nothing is cut off or rounded between one change and the next.
    """

    def __init__(self, brightness: float, contrast: float, saturation: float, hue: float, grey: float) -> None:
        """Largest relative changes, largest share of the colour circle, and the probability of losing all colour."""
        super().__init__()
        self.ranges, self.hue, self.grey = (brightness, contrast, saturation), hue, grey

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the factors."""
        *drawn, hue, grey = torch.rand(5, dtype=torch.float64).tolist()
        ranges = zip(self.ranges, drawn, strict=True)
        brightness, contrast, saturation = (max(0.0, 1 + most * (2 * x - 1)) for most, x in ranges)
        saturation *= grey >= self.grey
        colours = _turned(2 * math.pi * self.hue * (2 * hue - 1), saturation)
        return {"brightness": brightness, "contrast": contrast, "colours": colours}

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """Map every colour; contrast grows about the image's mean grey level."""
        if isinstance(inpt, tv_tensors.Mask):
            return inpt
        image = pixels(inpt)
        mean = float(np.dot(cv2.mean(image)[:3], GREY)) * params["brightness"]
        offset = np.full((3, 1), mean * (1 - params["contrast"]))
        linear = params["brightness"] * params["contrast"] * params["colours"]
        return planes(cv2.transform(image, np.hstack([linear, offset])), like=inpt)


def _turned(angle: float, saturation: float) -> np.ndarray:
    """(3, 3) map of colours that turns them about the grey axis and takes them towards or away from their grey level.

    Rodrigues' rotation about (1, 1, 1) leaves greys alone; grey levels are weighed as the eye does.
    """
    axis = np.full((3, 3), 1 / 3)
    across = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    turn = axis + math.cos(angle) * (np.eye(3) - axis) + math.sin(angle) * across
    return (saturation * np.eye(3) + (1 - saturation) * np.tile(GREY, (3, 1))) @ turn


class RandomNoise(v2.Transform):
    """Add normal noise to an image, with a deviation drawn between 0 and `most` grey levels; masks stay."""

    def __init__(self, most: float) -> None:
        super().__init__()
        self.most = most

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the deviation."""
        return {"deviation": self.most * float(torch.rand(()))}

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """Add the noise."""
        if isinstance(inpt, tv_tensors.Mask):
            return inpt
        image = inpt.as_subclass(Tensor).float()
        return tv_tensors.wrap(to_bytes(image + params["deviation"] * torch.randn(image.shape)), like=inpt)


class RandomCompression(v2.Transform):
    """Compress an image as a JPEG file of a quality drawn between `lowest` and 95, and read it again; masks stay."""

    def __init__(self, lowest: int) -> None:
        super().__init__()
        self.lowest = lowest

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the quality."""
        return {"quality": int(torch.randint(self.lowest, 96, ()))}

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """Compress and read."""
        if isinstance(inpt, tv_tensors.Mask):
            return inpt
        bgr = cv2.cvtColor(pixels(inpt), cv2.COLOR_RGB2BGR)
        file = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, params["quality"]])[1]
        return planes(cv2.cvtColor(cv2.imdecode(file, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), like=inpt)


def photographic(
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
    grey: float = 0.0,
    blur: float = 0.0,
    noise: float = 0.0,
    jpeg: int = 100,
) -> list[v2.Transform]:
    """What another camera, light or file would make of the same image; an argument at its default leaves it out.

    Args:
        brightness, contrast, saturation: largest relative change.
        hue: largest shift, as a share of the colour circle.
        grey: probability of losing all colour.
        blur: largest deviation of a Gaussian, in pixels; half of the images stay sharp.
        noise: largest deviation of the noise, in grey levels.
        jpeg: lowest quality of compression; half of the images are not compressed.
    """
    steps: list[v2.Transform] = []
    if max(brightness, contrast, saturation, hue, grey) > 0:
        steps.append(RandomColour(brightness, contrast, saturation, hue, grey))
    if blur:
        size = 2 * math.ceil(2 * blur) + 1
        steps.append(v2.RandomApply([v2.GaussianBlur(size, (0.1, blur))]))
    if noise:
        steps.append(RandomNoise(noise))
    if jpeg < 100:
        steps.append(v2.RandomApply([RandomCompression(jpeg)]))
    return steps


def folded(place: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Places along an axis mirrored into [0, side], and whether they were mirrored an odd number of times."""
    within = place - 2 * side * np.floor(place / (2 * side))  # quicker than np.mod
    mirrored = within >= side
    return np.where(mirrored, 2 * side - within, within), mirrored


def pixels(image: Tensor) -> np.ndarray:
    """(3, H, W) uint8 tensor -> (H, W, 3), as OpenCV takes it."""
    return np.ascontiguousarray(image.as_subclass(Tensor).numpy().transpose(1, 2, 0))


def planes(image: np.ndarray, like: Tensor) -> Tensor:
    """The way back from `pixels`."""
    return tv_tensors.wrap(torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))), like=like)


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) on another grid of (height, width): cells averaged where it is coarser, interpolated where finer."""
    coarser = size[0] * size[1] < image.shape[0] * image.shape[1]
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA if coarser else cv2.INTER_LINEAR)


def to_bytes(image: Tensor) -> Tensor:
    """Grey levels rounded and kept within 0 and 255."""
    return image.round().clamp(0, 255).to(torch.uint8)
