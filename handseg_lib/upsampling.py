"""From a small grid of class scores back to the full frame, without losing half a pixel on the way.

Frames are made smaller by taking pixels and never by mixing them: the mean of a finger's depth and the depth of the
wall behind it is the depth of nothing, and the mean of two labels is a third one. Cell i of n is the pixel
`sample_index` says, which lies up to half a full-size pixel beyond the cell's centre. Upsampling has to put each score
back where its pixel was; shifted edges cost thin fingers percents of IoU.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def sample_index(full: int, small: int) -> NDArray[np.int64]:
    """(small,) index of the pixel that stands for each cell: floor((i + 1/2) full / small), in whole numbers.

    Args:
        full: number of pixels along one side of the frame.
        small: number of cells along the same side.
    """
    if full < 1 or small < 1:
        raise ValueError(f"sizes must be positive, got {full} pixels and {small} cells")
    return (2 * np.arange(small) + 1) * full // (2 * small)


def bilinear_upsample(scores: Tensor, size: tuple[int, int], sampled: bool = True) -> Tensor:
    """Interpolate scores linearly between the places where they were computed, constant beyond the outermost.

    Args:
        scores: (..., h, w) of any float type.
        size: (H, W) of the frame.
        sampled: True where the network saw the pixels of `sample_index`; False where it saw means over cells, whose
            centres then count (torch's `align_corners=False`).

    Returns:
        (..., H, W)
    """
    for axis, full in zip((-2, -1), size, strict=True):
        small = scores.shape[axis]
        places = sample_index(full, small) if sampled else (np.arange(small) + 0.5) * full / small - 0.5
        cell = np.interp(np.arange(full), places, np.arange(small))  # fractional cell of each pixel
        low = torch.from_numpy(np.floor(cell).astype(np.int64)).to(scores.device)
        share = torch.from_numpy(cell - np.floor(cell)).to(scores)
        share = share[:, None] if axis == -2 else share
        near, far = (scores.index_select(axis, i) for i in (low, (low + 1).clamp_max(small - 1)))
        scores = torch.lerp(near, far, share)
    return scores


def guided_upsample(
    scores: Tensor | NDArray[np.float32],
    depth: Tensor | NDArray[np.float32],
    depth_sigma: float = 0.02,
    cell_sigma: float = 0.6,
    radius: int = 1,
) -> Tensor:
    """Joint bilateral upsampling: each pixel takes the scores of the cells around it that are at its own depth.

    score(x) = sum_i w_i s_i / sum_i w_i over the (2 radius + 1)^2 cells i around pixel x, with
    w_i = exp(-d_i^2 / (2 cell_sigma^2)) / (1 + (dz_i / depth_sigma)^2)^2, d_i the distance in cells and dz_i the
    difference in depth between the pixel and the pixel that the cell was sampled at (after Kopf et al. 2007; the
    heavy-tailed depth term replaces their Gaussian so that a pixel with no cell at its depth takes the nearest one in
    depth). Cells without a reading count only where there are no others.

    Args:
        scores: (C, h, w) or (N, C, h, w) float scores of a network that saw the pixels of `sample_index`; softmax
            probabilities mix better than raw scores, whose size says little.
        depth: (H, W) or (N, H, W) float32 metres at full size, 0 where there is no reading.
        depth_sigma: metres within which depths count as equal; fingers lie about 0.02 m before the palm.
        cell_sigma: in cells.
        radius: in cells.

    Returns:
        (C, H, W) or (N, C, H, W) float32 on the device of `scores`. Where there is no reading, the first class
        (background) scores 1 and every other 0, because labels measured by depth exist only where depth does.

    Raises:
        ValueError: if the shapes do not belong together.
    """
    scores = torch.as_tensor(scores).float()
    z_full = torch.as_tensor(depth).to(scores.device, torch.float32)
    if scores.ndim not in (3, 4) or z_full.ndim != scores.ndim - 1 or scores.shape[:-3] != z_full.shape[:-2]:
        raise ValueError(
            "expected scores (C, h, w) and depth (H, W), or (N, C, h, w) and (N, H, W); "
            f"got {tuple(scores.shape)} and {tuple(z_full.shape)}"
        )
    if scores.ndim == 3:
        return guided_upsample(scores[None], z_full[None], depth_sigma, cell_sigma, radius)[0]

    classes = scores.shape[1]
    sides = [_Side(full, small, scores.device) for full, small in zip(z_full.shape[1:], scores.shape[2:], strict=True)]
    rows, columns = ([side.neighbour(i, cell_sigma) for i in range(-radius, radius + 1)] for side in sides)
    z_cells = z_full[:, sides[0].sampled][:, :, sides[1].sampled]  # (N, h, w), exactly what the network saw
    cells = torch.cat([scores, z_cells[:, None]], dim=1)  # (N, C + 1, h, w)
    total, weight_sum = scores.new_zeros(len(z_full), classes, *z_full.shape[1:]), torch.zeros_like(z_full)
    for column, near_x in columns:
        wide = cells.index_select(3, column)  # (N, C + 1, h, W)
        for row, near_y in rows:
            near = wide.index_select(2, row)  # (N, C + 1, H, W)
            z_near = near[:, classes]
            weight = ((z_near - z_full) / depth_sigma).square_().add_(1).square_().reciprocal_()
            weight.masked_fill_(z_near == 0, 1e-15).mul_(near_y[:, None] * near_x)
            weight_sum += weight
            total.addcmul_(near[:, :classes], weight[:, None])
    total /= weight_sum[:, None]
    background = torch.eye(classes, 1, device=scores.device)[:, :, None]  # (C, 1, 1): 1 for the first class
    return torch.where(z_full[:, None] > 0, total, background)


class _Side:
    """One side of the frame: which cell each pixel belongs to, and the cells beside it."""

    def __init__(self, full: int, small: int, device: torch.device) -> None:
        self.scale = small / full  # cells per pixel
        self.sampled = torch.from_numpy(sample_index(full, small)).to(device)
        self.pixels = torch.arange(full, device=device)
        self.cell = self.pixels * small // full  # the cell that covers the pixel

    def neighbour(self, offset: int, sigma: float) -> tuple[Tensor, Tensor]:
        """(full,) index of the cell `offset` further on, and its weight by distance (0 outside the grid)."""
        wanted = self.cell + offset
        cell = wanted.clamp(0, len(self.sampled) - 1)
        distance = (self.pixels - self.sampled[cell]) * self.scale
        return cell, torch.exp(-((distance / sigma) ** 2) / 2) * (wanted == cell)
