"""Pieces that several architectures share."""

from torch import Tensor
from torch.nn import functional as F


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """(N, C, H, W) -> the same with zeros added below and to the right until H and W are multiples.

    Zeros and not copies of the border, because zero in both of our input channels means "the sensor saw nothing",
    which is true of what lies outside the frame; copies would invent surfaces. Crop the output back with
    `y[..., :H, :W]`.
    """
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple))
