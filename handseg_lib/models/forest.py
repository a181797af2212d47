"""The random forest of HandSeg (Bojja et al.), Section 6.1 and Table 2, in the way of Shotton et al. 2011.

Each pixel walks down every tree from the root: a node asks whether the depth-difference feature of its own pair of
offsets (`depth_features`, Eq. 1) exceeds its own threshold, and the answer says which child is next. The leaf holds a
histogram of classes; the pixel's class probabilities are the mean over the trees.

The trees are plain buffers, so that a forest is saved, loaded, moved and evaluated as the networks are. What a pixel
never asks is never computed: on the CPU compiled code evaluates one feature a level, for the pixels that have not
reached a leaf yet; elsewhere the same walk is done by tensors. Trees are grown in `handseg_lib.train.fit_forest`.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from handseg_lib.models.depth_features import FAR, NEAR, WIDTH

CENTRE, SCALE = 0.85, 0.65
"""Metres of input 0, and of one step of it: the inverse of `data.transforms.depth_input`."""

FLOOR = 1e-6
"""Smallest probability, so that its logarithm is a number."""


class Forest(nn.Module):
    """Decision trees over depth-difference features; one leaf that knows nothing until `plant` is called.

    Nodes of all trees are numbered together. Buffers: `roots` (T,) int32; of each node `offsets` (M, 4) float32,
    `thresholds` (M,) float32 metres, `branches` (M,) int32 (the node to go to where the feature is at most the
    threshold, the next node otherwise; 0 in a leaf) and `histograms` (M, C) float32, which inner nodes have as well,
    so that trees can be cut off at any depth.
    """

    def __init__(
        self,
        in_channels: int = 2,
        classes: int = 3,
        trees: int = 3,
        depth: int = 22,
        offsets: int = 300,
        largest_offset: float = 400.0,
        pixels: int = 300,
        most_pixels: int = 200_000,
    ) -> None:
        """A forest without trees.

        Args:
            in_channels: 2: scaled depth and validity.
            classes: background included.
            trees, depth: number of trees, and questions from root to leaf at most; the paper has 3 and 22.
            offsets: candidate pairs of offsets that the trees choose from.
            largest_offset: metre-pixels of a frame 640 pixels wide; 400 are 0.84 m for the SR300.
            pixels: that each training frame gives, evenly over the classes.
            most_pixels: that all training frames give together; with many frames each gives fewer.

        Raises:
            ValueError: for sizes that are not positive, or other input than depth.
        """
        super().__init__()
        sizes = {"classes": classes, "trees": trees, "depth": depth, "offsets": offsets}
        sizes |= {"largest_offset": largest_offset, "pixels": pixels, "most_pixels": most_pixels}
        for name, size in sizes.items():
            if size <= 0:
                raise ValueError(f"sizes must be positive, got {name}={size}")
        if in_channels != 2:
            raise ValueError(f"a forest reads depth and validity, 2 channels; got {in_channels=}")
        self.classes, self.trees, self.depth = classes, trees, depth
        self.candidates, self.largest_offset, self.pixels, self.most_pixels = (
            offsets,
            largest_offset,
            pixels,
            most_pixels,
        )
        self.register_buffer("roots", torch.arange(trees, dtype=torch.int32))
        self.register_buffer("offsets", torch.zeros(trees, 4))
        self.register_buffer("thresholds", torch.zeros(trees))
        self.register_buffer("branches", torch.zeros(trees, dtype=torch.int32))
        self.register_buffer("histograms", torch.full((trees, classes), 1 / classes))

    def forward(self, x: Tensor, depth: int | None = None, trees: int | None = None) -> Tensor:
        """(N, 2, H, W) scaled depth and validity -> (N, classes, H, W) float32 logarithms of class probabilities.

        Args:
            depth: questions at most; default: as many as there are.
            trees: how many of the trees have a say; default: all.
        """
        frames = metres(x)  # (N, H, W)
        leaves = torch.stack([self.leaves(frame, depth, trees) for frame in frames], dim=1)  # (T, N, H, W)
        read = (frames > NEAR).flatten().nonzero()[:, 0]  # often a third of the pixels: the others are background
        p = self.histograms[leaves.flatten(1)[:, read].long()].mean(dim=0)  # (M, C)
        scores = torch.eye(self.classes, device=x.device)[0].clamp_min(FLOOR).log().repeat(frames.numel(), 1)
        scores[read] = p.clamp_min(FLOOR).log()
        return scores.view(*frames.shape, self.classes).permute(0, 3, 1, 2)  # (N, C, H, W)

    def leaves(self, frame: Tensor, depth: int | None = None, trees: int | None = None) -> Tensor:
        """Where each pixel's walk ends: (H, W) metres -> (T, H, W) int32 nodes, -1 where there is no reading."""
        limit = self.depth if depth is None else depth
        roots = self.roots[:trees]
        if frame.device.type != "cpu":
            return walk(frame, roots, self.offsets, self.thresholds, self.branches, limit)
        found = np.empty((len(roots), *frame.shape), np.int32)
        tree = (buffer.numpy() for buffer in (roots, self.offsets, self.thresholds, self.branches))
        _compiled()(padded(frame).numpy(), *tree, limit, found)
        return torch.from_numpy(found)

    def plant(
        self,
        roots: NDArray[np.int32],
        offsets: NDArray[np.float32],
        thresholds: NDArray[np.float32],
        branches: NDArray[np.int32],
        histograms: NDArray[np.float32],
    ) -> None:
        """Put trees in, as described above.

        Raises:
            ValueError: if sizes disagree, or a child is not after its parent, so that a walk would not end.
        """
        arrays = {"roots": roots, "offsets": offsets, "thresholds": thresholds}
        arrays |= {"branches": branches, "histograms": histograms}
        tensors = {name: torch.as_tensor(array).clone() for name, array in arrays.items()}
        check_trees(tensors, len(self.roots), self.classes)
        for name, tensor in tensors.items():
            setattr(self, name, tensor.to(self.roots.device))

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        """Take buffers of any number of nodes; `rest[-1]` collects what is wrong, for `load_state_dict` to raise."""
        mine = {name: state_dict[prefix + name] for name in self.state_dict() if prefix + name in state_dict}
        try:
            if len(mine) == len(self.state_dict()):
                check_trees(mine, len(self.roots), self.classes)
                for name, tensor in mine.items():
                    setattr(self, name, torch.empty_like(tensor, device=self.roots.device))
        except ValueError as error:
            rest[-1].append(str(error))
            return
        super()._load_from_state_dict(state_dict, prefix, *rest)


def metres(x: Tensor) -> Tensor:
    """(N, 2, H, W) scaled depth and validity -> (N, H, W) float32 metres, 0 where there is no reading."""
    if x.ndim != 4 or x.shape[1] != 2:
        raise ValueError(f"expected (N, 2, H, W) scaled depth and validity, got {tuple(x.shape)}")
    z = x[:, 0].float() * SCALE + CENTRE
    return torch.where((x[:, 1] > 0.5) & (z > float(NEAR)), z, 0.0)


def padded(frame: Tensor) -> Tensor:
    """As `depth_features.bordered`, for tensors."""
    inner = torch.where(frame > float(NEAR), frame.float(), float(FAR))
    return nn.functional.pad(inner, (1, 1, 1, 1), value=float(FAR))


def check_trees(trees: Mapping[str, Tensor], count: int, classes: int) -> None:
    """Refuse trees on which a walk would leave the arrays or never end.

    Raises:
        ValueError: naming what was found and what was expected.
    """
    nodes = len(trees["branches"])
    shapes = {"roots": (count,), "offsets": (nodes, 4), "thresholds": (nodes,), "histograms": (nodes, classes)}
    for name, shape in shapes.items():
        if tuple(trees[name].shape) != shape:
            raise ValueError(f"a forest's {name} are {tuple(trees[name].shape)}, expected {shape}")
    for name, kind in (("roots", torch.int32), ("branches", torch.int32), ("offsets", torch.float32)):
        if trees[name].dtype != kind:
            raise ValueError(f"a forest's {name} are {trees[name].dtype}, expected {kind}")
    children = trees["branches"].cpu().long()
    inner = children != 0
    before = torch.arange(nodes)
    if ((children <= before) | (children + 1 >= nodes))[inner].any() or not ((trees["roots"] >= 0).all()):
        raise ValueError(f"a forest's children must come after their parent and before node {nodes}")
    if (trees["roots"] >= nodes).any():
        raise ValueError(f"a forest's roots must be nodes, 0 to {nodes - 1}, found {trees['roots'].tolist()}")


def walk(frame: Tensor, roots: Tensor, offsets: Tensor, thresholds: Tensor, children: Tensor, limit: int) -> Tensor:
    """`Forest.leaves` by tensors, all pixels at once, on any device; (T, H, W) int32."""
    height, width = frame.shape
    bordered = padded(frame)
    inverse = (torch.full_like(frame, width / WIDTH) / frame).nan_to_num(0, 0, 0)
    y = (torch.arange(height, device=frame.device) + 1.5)[:, None]
    x = (torch.arange(width, device=frame.device) + 1.5)[None]

    def probe(pair: Tensor) -> Tensor:
        i = (y + pair[..., 0] * inverse).clamp(0, height + 1).long()
        j = (x + pair[..., 1] * inverse).clamp(0, width + 1).long()
        return bordered[i, j]

    node = roots.long()[:, None, None].expand(-1, height, width)  # (T, H, W)
    for _ in range(limit):
        child = children[node].long()
        pairs = offsets[node]  # (T, H, W, 4)
        right = probe(pairs[..., :2]) - probe(pairs[..., 2:]) > thresholds[node]
        node = torch.where(child > 0, child + right, node)
    return torch.where(frame > float(NEAR), node, -1).int()


@cache
def _compiled() -> Callable[..., None]:
    """The walk, compiled at its first use and kept on disk."""
    from numba import njit  # half a second to import

    return njit(cache=True, error_model="numpy")(_walk_rows)


def _walk_rows(frame, roots, offsets, thresholds, children, limit, found):  # types come from the compiler
    """A row at a time, a level at a time: the pixels of a level do not wait for one another's memory.

    Numbers read from memory become unsigned before they index: else each is asked whether it counts from the end,
    which is a third of the time.
    """
    height, width = frame.shape[0] - 2, frame.shape[1] - 2
    stride, flat = np.int32(width + 2), frame.ravel()
    scale = np.float32(width / WIDTH)
    last_row, last_column = np.float32(height + 1), np.float32(width + 1)
    zero, border = np.float32(0), np.float32(1.5)
    columns, walking = np.empty(width, np.int32), np.empty(width, np.int32)
    inverse, node = np.empty(width, np.float32), np.empty(width, np.int32)
    for row in range(height):
        seen = 0
        for column in range(width):  # a pixel without a reading asks nothing
            found[:, row, column] = -1
            z = frame[row + 1, column + 1]
            columns[seen], inverse[seen] = column, scale / z
            seen += z != FAR
        y = np.float32(row) + border
        for tree in range(len(roots)):
            node[:seen] = roots[tree]
            left = seen if children[roots[tree]] else 0
            walking[:left] = np.arange(left)
            for _ in range(limit):
                still = 0
                for k in range(left):
                    p = np.uintp(walking[k])
                    n, s, x = np.uintp(node[p]), inverse[p], np.float32(columns[p]) + border
                    ui = np.int32(min(max(y + offsets[n, 0] * s, zero), last_row))
                    uj = np.int32(min(max(x + offsets[n, 1] * s, zero), last_column))
                    vi = np.int32(min(max(y + offsets[n, 2] * s, zero), last_row))
                    vj = np.int32(min(max(x + offsets[n, 3] * s, zero), last_column))
                    feature = flat[np.uintp(ui * stride + uj)] - flat[np.uintp(vi * stride + vj)]
                    child = children[n] + np.int32(feature > thresholds[n])
                    node[p], walking[still] = child, p
                    still += children[np.uintp(child)] != 0
                left = still
                if left == 0:
                    break
            for p in range(seen):
                found[tree, row, columns[p]] = node[p]
