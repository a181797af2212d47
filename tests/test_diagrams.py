"""Drawings of networks: what is read off the modules, and that it is drawn."""

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.patches import FancyArrowPatch, Rectangle
from torch import Tensor, nn

from handseg_lib import diagrams, models
from handseg_lib.diagrams import FEATURES, PLACES, Block, Link


class Toy(nn.Module):
    """A convolution down, a residual convolution, a deconvolution up, and a skip by way of another convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 3, 3, padding=1)
        self.down = nn.Conv2d(3, 4, 4, stride=2, padding=1)
        self.same = nn.Conv2d(4, 4, 3, padding=1)
        self.up = nn.ConvTranspose2d(4, 5, 4, stride=2, padding=1)
        self.side = nn.Conv2d(3, 6, 1)
        self.last = nn.Conv2d(11, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 2, H, W) -> (N, 2, H, W)"""
        first = self.first(x).relu()
        down = self.down(first)
        y = self.up((self.same(down) + down).relu())
        return self.last(torch.cat([y, self.side(first)], 1))[..., :8]


def test_toy_network_by_hand() -> None:
    diagram = diagrams.trace(Toy(), (6, 8))
    assert diagram.blocks == (
        Block("input", "input", 2, 6, 8),
        Block("first", "convolution", 3, 6, 8, 3, ((0, FEATURES),)),
        Block("down", "strided convolution", 4, 3, 4, 4, ((1, FEATURES),)),
        Block("same", "convolution", 4, 3, 4, 3, ((2, FEATURES),)),
        Block("up", "strided deconvolution", 5, 6, 8, 4, ((2, FEATURES), (3, FEATURES))),
        Block("side", "convolution", 6, 6, 8, 1, ((1, FEATURES),)),
        Block("last", "convolution", 2, 6, 8, 1, ((4, FEATURES), (5, FEATURES))),
    )
    assert [block.name for block in diagram.line] == ["input", "first", "down", "same", "up", "last"]
    assert set(diagram.links) == {Link(2, 4, FEATURES), Link(1, 5, FEATURES, ("side",))}
    assert diagram.skips == (Link(1, 5, FEATURES, ("side",)),)


@pytest.mark.parametrize(("stride", "via"), [(32, set()), (16, {"score_pool4"}), (8, {"score_pool4", "score_pool3"})])
def test_skips_of_fcn(stride: int, via: set[str]) -> None:
    diagram = diagrams.trace(models.create("fcn", stride=stride, width=1, fc=2), (64, 96))
    assert {name for link in diagram.skips for name in link.via} == via
    assert sum(block.kind == "max-pooling" for block in diagram.line) == 5
    assert (diagram.line[-1].channels, diagram.line[-1].height, diagram.line[-1].width) == (3, 64, 96)


@pytest.mark.parametrize(("name", "count"), [("segnet", 5), ("deconvnet", 5)])
def test_places_lead_from_each_pooling_to_the_unpooling_of_its_size(name: str, count: int) -> None:
    diagram = diagrams.trace(models.create(name, width=1), (64, 96))
    assert len(diagram.skips) == count and all(link.carries == PLACES for link in diagram.skips)
    for link in diagram.skips:
        source, target = diagram.line[link.source], diagram.line[link.target]
        assert (source.kind, target.kind) == ("max-pooling", "unpooling")
        assert (target.channels, target.height) == (source.channels, 2 * source.height)


def test_skips_of_the_proposed_network() -> None:
    diagram = diagrams.trace(models.create("handseg", width=2), (32, 48))
    ends = [(diagram.line[link.source].name, diagram.line[link.target].name) for link in diagram.skips]
    assert sorted(ends) == [("down1.0", "up1"), ("down2.0", "up2.0"), ("down3.0", "up3.0")]


def test_meta_device_gives_the_same_at_full_size() -> None:
    with torch.device("meta"):
        there = diagrams.trace(models.create("segnet", width=64), (480, 640))
    assert [b.height for b in there.line if b.kind == "max-pooling"] == [240, 120, 60, 30, 15]
    here = diagrams.trace(models.create("segnet", width=2), (64, 96))
    assert [block.name for block in here.line] == [block.name for block in there.line]


def test_network_is_left_as_it_was() -> None:
    net = models.create("segnet", width=1).train()
    state = {name: value.clone() for name, value in net.state_dict().items()}
    diagrams.trace(net, (32, 32))
    assert net.training and not any(module._forward_hooks for module in net.modules())
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())


def test_drawing_has_a_slab_for_each_layer_and_an_arc_for_each_skip() -> None:
    found = {name: diagrams.trace(models.create(name, width=2), (32, 48)) for name in ("handseg", "segnet")}
    figure = diagrams.draw(found)
    try:
        for ax, diagram in zip(figure.axes, found.values(), strict=True):
            assert sum(isinstance(patch, Rectangle) for patch in ax.patches) == len(diagram.line)
            assert sum(isinstance(patch, FancyArrowPatch) for patch in ax.patches) == len(diagram.skips)
        figure.draw_without_rendering()
    finally:
        plt.close(figure)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="Linear runs no layer of the kinds"):
        diagrams.trace(nn.Linear(4, 4), (4, 4))
    with pytest.raises(ValueError, match="no diagram"):
        diagrams.draw({})
