"""Pieces that several architectures share."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """(N, C, H, W) -> the same with zeros added below and to the right until H and W are multiples.

    Zeros and not copies of the border, because zero in both of our input channels means "the sensor saw nothing",
    which is true of what lies outside the frame; copies would invent surfaces. Crop the output back with
    `y[..., :H, :W]`.
    """
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple))


class Unpool(nn.Module):
    """The way back from 2x2 max-pooling: every value returns to the pixel that it was the maximum of, zeros elsewhere.

    The same as torch's `max_unpool2d`, which refuses to run in deterministic mode. Ours may: windows do not overlap,
    so no two values go to one place.
    """

    def forward(self, x: Tensor, index: Tensor) -> Tensor:
        """(N, C, H, W) values and their int64 places in the plane of 2H rows and 2W columns -> (N, C, 2H, 2W).

        `index` is what `max_pool2d(..., kernel_size=2, return_indices=True)` returned.
        """
        n, channels, height, width = x.shape
        empty = x.new_zeros(n, channels, 4 * height * width)
        return empty.scatter(2, index.flatten(2), x.flatten(2)).view(n, channels, 2 * height, 2 * width)


class BilinearUpsampling(nn.ConvTranspose2d):
    """A deconvolution that starts as bilinear interpolation of each channel for itself, and stays so: it is frozen.

    Call `requires_grad_(True)` to let it learn. Beyond the border it sees zeros, so scores fade by up to a half over
    the outermost half cell, where `torch.nn.functional.interpolate` would continue the border's value.
    """

    def __init__(self, channels: int, factor: int) -> None:
        """(N, channels, H, W) -> (N, channels, factor * H, factor * W); `factor` is even."""
        super().__init__(channels, channels, 2 * factor, stride=factor, padding=factor // 2, bias=False)
        distance = (
            torch.arange(2 * factor) - (factor - 0.5)
        ).abs() / factor  # of each weight from the centre, in cells
        tent = 1 - distance
        with torch.no_grad():
            self.weight.copy_(torch.eye(channels)[:, :, None, None] * tent[:, None] * tent)
        self.requires_grad_(False)


def start_from_he(network: nn.Module) -> None:
    """Random weights for layers that ReLU follows, so that responses keep their size from layer to layer.

    Normal with variance 2 / (inputs that one output sums over), biases zero: He et al. 2015, Eq. 10. Frozen layers are
    left alone.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.weight.requires_grad:
            summed = layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]
            nn.init.normal_(layer.weight, std=(2 / summed) ** 0.5)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
