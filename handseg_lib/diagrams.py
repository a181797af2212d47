"""Drawings of networks, read off the modules themselves while an image passes through them (HandSeg, Figure 5).

`trace` notes every convolution, deconvolution, pooling and unpooling with the size of what it returns, and who takes
whose output: also across additions, concatenations and the places of pooled maxima. `draw` puts them side by side.
A network on the meta device (`with torch.device("meta")`) is traced at any size in milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch, Rectangle
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from handseg_lib.models.blocks import BilinearUpsampling, Unpool

COLOURS = {
    "input": "#BBBBBB",
    "convolution": "#56B4E9",
    "strided convolution": "#0072B2",
    "max-pooling": "#D55E00",
    "unpooling": "#E69F00",
    "deconvolution": "#009E73",
    "strided deconvolution": "#00543C",
    "bilinear upsampling": "#CC79A7",
}
"""Colour of each kind of layer (Okabe and Ito's, and a darker green)."""

FEATURES, PLACES = "features", "places of the maxima"
"""What a link carries."""

LABEL = 1.3
"""Room that a size needs below the slabs, in the units of their breadths."""

LINE_STYLES = {FEATURES: ("#444444", "-"), PLACES: ("#D55E00", "--")}


@dataclass(frozen=True)
class Block:
    """One layer and what it returns.

    Attributes:
        name: of the submodule; "input" for the image.
        kind: one of `COLOURS`.
        channels, height, width: of what it returns.
        kernel: side of its kernel; 0 where it has none.
        takes: numbers of the blocks whose outputs reach it, with what they carry.
    """

    name: str
    kind: str
    channels: int
    height: int
    width: int
    kernel: int = 0
    takes: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Link:
    """A way past the main line: from one block to another, both by their place in `Diagram.line`.

    Attributes:
        source, target: places in the line.
        carries: `FEATURES` or `PLACES`.
        via: names of the layers on the way, such as FCN's score_pool4.
    """

    source: int
    target: int
    carries: str
    via: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagram:
    """What `draw` draws.

    Attributes:
        blocks: every layer in the order of execution, the image first.
        line: the longest chain of blocks from the image to the scores.
        links: all that leads past it.
    """

    blocks: tuple[Block, ...]
    line: tuple[Block, ...]
    links: tuple[Link, ...]

    @property
    def skips(self) -> tuple[Link, ...]:
        """The links that carry places, or bridge something smaller than both ends: no sums of residual blocks."""

        def bridges(link: Link) -> bool:
            heights = [block.height for block in self.line[link.source : link.target + 1]]
            return link.carries == PLACES or min(heights) < min(heights[0], heights[-1])

        return tuple(link for link in self.links if bridges(link))


def trace(network: nn.Module, size: tuple[int, int], in_channels: int = 2) -> Diagram:
    """Follow one image of zeros through a network.

    Args:
        network: takes (1, in_channels, H, W); left as it was found.
        size: (height, width) of the image.
        in_channels: channels of the image.

    Raises:
        ValueError: if no layer of the kinds in `COLOURS` ran.
    """
    parameter = next(network.parameters())
    image = torch.zeros(1, in_channels, *size, device=parameter.device, dtype=parameter.dtype)
    follow, training = _Follow(image), network.training
    layers = [(name, module, kind_of(module)) for name, module in network.named_modules()]
    hooks = [
        module.register_forward_hook(
            lambda module, inputs, output, name=name, kind=kind: follow.note(name, kind, module, inputs, output)
        )
        for name, module, kind in layers
        if kind is not None
    ]
    try:
        with torch.no_grad(), follow:
            network.eval()(image)
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    if len(follow.blocks) == 1:
        raise ValueError(f"{type(network).__name__} runs no layer of the kinds {', '.join(COLOURS)}")
    return _diagram(follow.blocks)


def kind_of(module: nn.Module) -> str | None:
    """The kind of a layer, one of `COLOURS`; None for what is not drawn (normalisation, activation, containers)."""
    match module:
        case BilinearUpsampling():
            return "bilinear upsampling"
        case nn.ConvTranspose2d():
            return "deconvolution" if module.stride == (1, 1) else "strided deconvolution"
        case nn.Conv2d():
            return "convolution" if module.stride == (1, 1) else "strided convolution"
        case nn.MaxPool2d():
            return "max-pooling"
        case Unpool():
            return "unpooling"
    return None


class _Follow(TorchFunctionMode):
    """Remembers for every tensor which blocks it comes from; whatever is done to tensors passes this on."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.blocks = [Block("input", "input", *image.shape[1:])]
        self.origins: dict[int, frozenset[int]] = {id(image): frozenset([0])}
        self.alive: list[Tensor] = [image]  # an id is given anew once its tensor is gone

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call the function; its results come from wherever its arguments came from."""
        output = func(*args, **(kwargs or {}))
        origins = frozenset().union(*(self.origin(t) for t in pytree.tree_leaves((args, kwargs))))
        if origins:
            self.mark(output, origins)
        return output

    def origin(self, value: Any) -> frozenset[int]:
        """Numbers of the blocks that a value comes from."""
        return self.origins.get(id(value), frozenset()) if isinstance(value, Tensor) else frozenset()

    def mark(self, output: Any, origins: frozenset[int]) -> None:
        """Say where these tensors come from."""
        for tensor in pytree.tree_leaves(output):
            if isinstance(tensor, Tensor):
                self.origins[id(tensor)] = origins
                self.alive.append(tensor)

    def note(self, name: str, kind: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        """Enter a layer that has just run."""
        takes = dict.fromkeys(self.origin(inputs[0]), FEATURES)
        for extra in inputs[1:]:  # of unpooling
            takes |= dict.fromkeys(self.origin(extra), PLACES)
        tensor = output[0] if isinstance(output, tuple) else output
        kernel = getattr(module, "kernel_size", 0)
        kernel = kernel[0] if isinstance(kernel, tuple) else kernel
        self.mark(output, frozenset([len(self.blocks)]))
        self.blocks.append(Block(name, kind, *tensor.shape[1:], kernel, tuple(sorted(takes.items()))))


def _diagram(blocks: list[Block]) -> Diagram:
    """Find the main line and what leads past it."""
    depth = [0]
    for block in blocks[1:]:
        depth.append(1 + max((depth[number] for number, _ in block.takes), default=0))
    numbers = [len(blocks) - 1]
    while blocks[numbers[0]].takes:
        numbers.insert(0, max((number for number, _ in blocks[numbers[0]].takes), key=lambda n: depth[n]))
    place = {number: i for i, number in enumerate(numbers)}

    def back(number: int, via: tuple[str, ...]) -> list[tuple[int, tuple[str, ...]]]:
        if number in place:
            return [(place[number], via)]
        block = blocks[number]
        return [found for taken, _ in block.takes for found in back(taken, (block.name, *via))]

    links = []
    for target, number in enumerate(numbers):
        for taken, carries in blocks[number].takes:
            if taken != numbers[target - 1] or carries == PLACES:
                links += [Link(source, target, carries, via) for source, via in back(taken, ())]
    return Diagram(tuple(blocks), tuple(blocks[n] for n in numbers), tuple(links))


def draw(diagrams: Mapping[str, Diagram], width: float = 14.0, row: float = 2.3) -> Figure:
    """Networks one below the other, at one scale.

    Every layer is a slab: its height grows with the square root of the image's height, its breadth with the logarithm
    of its channels. Above it stands the number of channels, where it changes; below it the size, where it changes;
    inside it the kernel, where it is not 3x3. Arcs above are skips, dashed arcs below carry places of maxima.

    Args:
        diagrams: title -> what `trace` returned.
        width: of the figure in inches.
        row: height of one network in inches.
    """
    if not diagrams:
        raise ValueError("there is no diagram to draw")
    figure, axes = plt.subplots(
        len(diagrams), 1, figsize=(width, row * len(diagrams) + 0.5), squeeze=False, layout="constrained"
    )
    length = max(_layout(diagram)[-1][0] + _layout(diagram)[-1][1] for diagram in diagrams.values())
    tallest = max(block.height for diagram in diagrams.values() for block in diagram.line) ** 0.5
    for ax, (title, diagram) in zip(axes[:, 0], diagrams.items(), strict=True):
        _draw_one(ax, diagram, tallest)
        ax.set(xlim=(-0.5, length + 0.5), ylim=(-1.15, 1.25))
        ax.set_axis_off()
        ax.text(-0.4, 1.2, title, fontsize=13, va="top", fontweight="bold")
    kinds = [kind for kind in COLOURS if any(b.kind == kind for d in diagrams.values() for b in d.blocks)]
    carried = [c for c in LINE_STYLES if any(link.carries == c for d in diagrams.values() for link in d.skips)]
    handles = [Patch(color=COLOURS[kind], label=kind) for kind in kinds]
    handles += [Line2D([], [], color=LINE_STYLES[c][0], ls=LINE_STYLES[c][1], lw=1.5, label=c) for c in carried]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(5, len(handles)), fontsize=10)
    return figure


def _layout(diagram: Diagram) -> list[tuple[float, float]]:
    """(left end, breadth) of every slab of the line."""
    places, x, labelled = [], 0.0, -LABEL
    for i, block in enumerate(diagram.line):
        breadth = 0.16 if block.kind in ("max-pooling", "unpooling") else 0.12 + 0.05 * block.channels.bit_length()
        resized = i > 0 and diagram.line[i - 1].height != block.height
        x += 0.5 if resized else 0.12
        if i == 0 or resized:  # its size stands below it and needs room
            x = labelled = max(x, labelled + LABEL)
        places.append((x, breadth))
        x += breadth
    return places


def _draw_one(ax: Axes, diagram: Diagram, tallest: float) -> None:
    """Slabs, numbers and arcs of one network; heights run from -1 to 1."""
    places = _layout(diagram)
    halves = [0.72 * block.height**0.5 / tallest for block in diagram.line]
    before = None
    for (x, breadth), half, block in zip(places, halves, diagram.line, strict=True):
        ax.add_patch(Rectangle((x, -half), breadth, 2 * half, color=COLOURS[block.kind], lw=0))
        middle = x + breadth / 2
        if before is None or before.channels != block.channels:
            ax.text(middle, half + 0.03, str(block.channels), ha="center", va="bottom", fontsize=8)
        if before is None or before.height != block.height:
            ax.text(x, -half - 0.05, f"{block.height}×{block.width}", ha="left", va="top", fontsize=7.5)
        if block.kind in ("convolution", "deconvolution") and block.kernel != 3:
            ax.text(middle, 0, f"{block.kernel}×{block.kernel}", ha="center", va="center", fontsize=7, rotation=90)
        before = block
    for link in diagram.skips:
        above = link.carries == FEATURES
        start, end = (
            (places[i][0] + places[i][1] / 2, (1 if above else -1) * (halves[i] + (0.2 if above else 0.0)))
            for i in (link.source, link.target)
        )
        bend = (-1 if above else 1) * 0.55 / max(1.0, end[0] - start[0])
        colour, style = LINE_STYLES[link.carries]
        arc = FancyArrowPatch(
            start,
            end,
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>",
            mutation_scale=8,
            color=colour,
            ls=style,
            lw=1.2,
        )
        ax.add_patch(arc)
