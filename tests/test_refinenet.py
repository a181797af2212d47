"""RefineNet: chained pooling against SciPy, residual units and fusion by hand, layers, counts, and that it learns."""

import numpy as np
import pytest
import torch
from scipy.ndimage import maximum_filter
from scipy.signal import correlate
from torch import nn

from handseg_lib.losses import weighted_cross_entropy
from handseg_lib.models import RefineNet, parameter_count
from handseg_lib.models.refinenet import ChainedPooling, RefineBlock, ResidualUnit


def test_chained_pooling_is_scipys() -> None:
    torch.manual_seed(0)
    block = ChainedPooling(3, links=4)
    x = torch.randn(1, 3, 9, 13)
    chained = np.maximum(x[0].double().numpy(), 0)
    wanted = chained.copy()
    for link in block.links:
        pooled = np.stack([maximum_filter(plane, 5, mode="constant", cval=-np.inf) for plane in chained])
        weight = link.weight.detach().double().numpy()
        padded = np.pad(pooled, ((0, 0), (1, 1), (1, 1)))
        chained = np.stack([correlate(padded, w, mode="valid")[0] for w in weight])
        wanted += chained
    with torch.no_grad():
        np.testing.assert_allclose(block(x)[0].numpy(), wanted, rtol=1e-4, atol=1e-5)


def test_every_link_widens_the_window() -> None:
    """A 5x5 pooling and a 3x3 convolution reach 3 cells further in each direction."""
    torch.manual_seed(0)
    for links in (1, 2, 4):
        block = ChainedPooling(1, links)
        for link in block.links:
            nn.init.constant_(link.weight, 1.0)
        point = torch.zeros(1, 1, 41, 41)
        point[..., 20, 20] = 1
        with torch.no_grad():
            assert int((block(point)[0, 0, 20] > 0).sum()) == 1 + 2 * 3 * links


def test_residual_unit_by_hand() -> None:
    unit = ResidualUnit(2)
    x = torch.randn(1, 2, 5, 6)
    nn.init.dirac_(unit.first.weight)
    nn.init.dirac_(unit.second.weight)
    nn.init.constant_(unit.first.bias, -0.5)
    torch.testing.assert_close(unit(x), x + (x.relu() - 0.5).relu())


def test_fusion_adds_both_at_the_finer_size() -> None:
    block = RefineBlock(2, 3, links=1)
    for module in (*block.units, *block.output):
        nn.init.zeros_(module.second.weight)  # units that change nothing
    nn.init.zeros_(block.pooling.links[0].weight)
    nn.init.dirac_(block.fuse.weight)
    nn.init.dirac_(block.fuse_coarser.weight)
    fine, coarse = torch.rand(1, 2, 8, 6), torch.rand(1, 3, 4, 3)
    up = nn.functional.interpolate(coarse[:, :2], scale_factor=2, mode="bilinear")
    torch.testing.assert_close(block(fine, coarse), fine + up)


def test_layers_are_the_papers() -> None:
    with torch.device("meta"):
        network = RefineNet()
    assert [(m.in_channels, m.out_channels) for m in network.reduce] == [
        (2048, 512),
        (1024, 256),
        (512, 256),
        (256, 256),
    ]
    assert sum(isinstance(m, ResidualUnit) for m in network.modules()) == 4 * (2 + 3)
    assert [len(b.pooling.links) for b in network.blocks] == [4] * 4
    assert not any(isinstance(m, nn.BatchNorm2d) for b in network.blocks for m in b.modules())


def test_parameters_counted_by_hand() -> None:
    def block(w: int, coarser: int) -> int:
        units, links, fusion = 5 * (18 * w * w + w), 4 * 9 * w * w, 9 * w * (w + coarser) if coarser else 0
        return units + links + fusion

    resnet = 25_557_032 - (2048 * 1000 + 1000) - 64 * 7 * 7  # torchvision's, no classifier, two channels
    reduce = 9 * (2048 * 512 + 1024 * 256 + 512 * 256 + 256 * 256)
    blocks = block(512, 0) + block(256, 512) + 2 * block(256, 256)
    with torch.device("meta"):
        count = parameter_count(RefineNet())
    assert count == resnet + reduce + blocks + 9 * 256 * 3 + 3


def test_learns_a_square_in_a_few_steps() -> None:
    torch.manual_seed(0)
    x, labels = 0.3 * torch.randn(4, 2, 64, 64), torch.zeros(4, 64, 64, dtype=torch.int64)
    for n, corner in enumerate((4, 14, 24, 34)):
        x[n, :, corner : corner + 20, 10:40] += 2
        labels[n, corner : corner + 20, 10:40] = 1
    network = RefineNet(classes=2, width=16, encoder="resnet18")
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(30):
        optimiser.zero_grad()
        weighted_cross_entropy(network(x), labels).backward()
        optimiser.step()
    assert (network(x).argmax(1) == labels).float().mean() > 0.95


def test_a_chain_needs_a_link() -> None:
    with pytest.raises(ValueError, match="links=0"):
        RefineNet(links=0)
