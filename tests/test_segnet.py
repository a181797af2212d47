"""SegNet: its layers, its sizes, that the places of the maxima matter, and that it learns."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from handseg_lib.losses import weighted_cross_entropy
from handseg_lib.models import SegNet, flop_count, parameter_count


def test_layers_are_the_papers() -> None:
    with torch.device("meta"):
        net = SegNet(in_channels=3, classes=11)
    layers = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in layers] == [
        *(64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512),
        *(512, 512, 512, 512, 512, 256, 256, 256, 128, 128, 64, 64, 11),
    ]
    assert all(m.kernel_size == (3, 3) and m.stride == (1, 1) for m in layers)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in net.modules()) == 25  # all but the scores
    assert not any(isinstance(m, nn.ConvTranspose2d) for m in net.modules())


def test_parameters_counted_by_hand() -> None:
    """With the 11 classes of CamVid; the paper counts 29.5 million."""
    channels = [3, 64, 64, 128, 128, *[256] * 3, *[512] * 6]
    channels += [512, 512, 512, 512, 512, 256, 256, 256, 128, 128, 64, 64]
    weights = sum(9 * a * b for a, b in pairwise(channels)) + 9 * 64 * 11
    biases, norms = sum(channels[1:]) + 11, 2 * sum(channels[1:])
    with torch.device("meta"):
        count = parameter_count(SegNet(in_channels=3, classes=11))
    assert count == weights + biases + norms
    assert count == pytest.approx(29.45e6, rel=1e-3)


def test_flops_counted_by_hand() -> None:
    w, cells = 4, [32 * 64 // 4**i for i in range(5)]
    down = 2 + w, 6 * w, 40 * w, 160 * w, 192 * w  # inputs times outputs of a stage's convolutions, in units of w
    up = w + 3, (4 + 2) * w, (16 + 16 + 8) * w, (64 + 64 + 32) * w, 192 * w
    expected = sum(c * 9 * w * (a + b) for c, a, b in zip(cells, down, up, strict=True))
    assert flop_count(SegNet(width=w), (32, 64)) == 2 * expected


def test_decoder_uses_the_places_of_the_maxima() -> None:
    """Other places with the same values must give other scores: nothing else is passed across."""
    torch.manual_seed(0)
    net = SegNet(width=4).eval()
    x = torch.randn(1, 2, 32, 32)
    with torch.no_grad():
        before = net(x)
        net.pool.register_forward_hook(lambda module, inputs, output: (output[0], output[1] ^ 1))  # a column beside
        assert (net(x) - before).abs().max() > 1e-3


def test_learns_squares_in_a_few_steps() -> None:
    torch.manual_seed(0)
    x, labels = 0.3 * torch.randn(2, 2, 32, 64), torch.zeros(2, 32, 64, dtype=torch.int64)
    for n, top in enumerate((4, 14)):
        for left in (6, 38):
            x[n, :, top : top + 12, left : left + 12] += 2
            labels[n, top : top + 12, left : left + 12] = 1
    net = SegNet(classes=2, width=8)
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(40):
        optimiser.zero_grad()
        weighted_cross_entropy(net(x), labels).backward()
        optimiser.step()
    assert (net(x).argmax(1) == labels).float().mean() > 0.97


def test_says_how_it_started_and_refuses_no_channels() -> None:
    assert "no ImageNet weights" in SegNet(width=1).initialisation
    with pytest.raises(ValueError, match="width=0"):
        SegNet(width=0)
