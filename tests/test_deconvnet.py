"""DeconvNet: its layers, its fully-connected middle at any size, and that it learns."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from handseg_lib.losses import weighted_cross_entropy
from handseg_lib.models import DeconvNet, flop_count, parameter_count


def sizes(net: nn.Module, shape: tuple[int, int], *names: str) -> list[tuple[int, ...]]:
    """(C, H, W) that these submodules return for an image of this shape."""
    found = []
    hooks = [net.get_submodule(n).register_forward_hook(lambda *call: found.append(call[2].shape[1:])) for n in names]
    with torch.no_grad():
        net.eval()(torch.zeros(1, 2, *shape))
    for hook in hooks:
        hook.remove()
    return [tuple(size) for size in found]


def test_layers_are_the_papers() -> None:
    with torch.device("meta"):
        net = DeconvNet()
    up = [m for m in net.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert [m.out_channels for m in up] == [512, *[512] * 3, 512, 512, 256, 256, 256, 128, 128, 64, 64, 64]
    assert [m.kernel_size[0] for m in up] == [7] + [3] * 13
    assert net.score.kernel_size == (1, 1)


def test_parameters_counted_by_hand() -> None:
    """With the 21 classes of PASCAL VOC; the paper's network is known as one of about 252 million parameters."""
    down = [3, 64, 64, 128, 128, *[256] * 3, *[512] * 6]
    up = [512, 512, 512, 512, 512, 512, 256, 256, 256, 128, 128, 64, 64, 64]
    three = sum(9 * a * b for row in (down, up) for a, b in pairwise(row))
    middle = 49 * 512 * 4096 + 4096 * 4096 + 49 * 4096 * 512
    outputs = sum(down[1:]) + sum(up[1:]) + 4096 + 4096 + 512
    with torch.device("meta"):
        count = parameter_count(DeconvNet(in_channels=3, classes=21))
    assert count == three + middle + 3 * outputs + 64 * 21 + 21  # a bias, a scale and a shift for every output
    assert count == pytest.approx(252e6, rel=1e-3)


def test_flops_counted_by_hand() -> None:
    w, fc, cells = 2, 5, [64 * 32 // 4**i for i in range(5)]
    down = 2 + w, 6 * w, 40 * w, 160 * w, 192 * w
    up = w + w, (4 + 2) * w, (16 + 16 + 8) * w, (64 + 64 + 32) * w, 192 * w
    threes = sum(c * 9 * w * (a + b) for c, a, b in zip(cells, down, up, strict=True))
    middle = 49 * 8 * w * fc + fc * fc + 49 * fc * 8 * w  # one cell, whatever the size below 224x224
    assert flop_count(DeconvNet(width=w, fc=fc), (64, 32)) == 2 * (threes + middle + cells[0] * w * 3)


@pytest.mark.parametrize(
    ("shape", "middle"), [((224, 224), (1, 1)), ((96, 128), (1, 1)), ((1, 1), (1, 1)), ((256, 480), (2, 9))]
)
def test_middle_is_one_cell_up_to_the_papers_size_and_slides_above(
    shape: tuple[int, int], middle: tuple[int, int]
) -> None:
    net = DeconvNet(width=1, fc=6)
    cells = tuple(-(-side // 32) for side in shape)
    seen = sizes(net, shape, "fc6", "fc7", "deconv_fc6", "score")
    drawn = tuple(max(7, n) for n in cells)
    assert seen == [(6, *middle), (6, *middle), (8, *drawn), (3, *(32 * n for n in cells))]


def test_middle_of_a_small_image_is_the_papers_on_one_with_nothing_around() -> None:
    torch.manual_seed(0)
    net = DeconvNet(width=1, fc=6).eval()
    features = torch.randn(2, 8, 3, 4)
    surrounded = torch.zeros(2, 8, 7, 7)
    surrounded[..., 2:5, 1:5] = features
    with torch.no_grad():
        torch.testing.assert_close(net.middle(features), net.middle(surrounded)[..., 2:5, 1:5])


def test_every_cell_of_the_middle_sees_the_whole_small_image() -> None:
    torch.manual_seed(0)
    net = DeconvNet(width=2, fc=16).eval()
    features = torch.randn(1, 16, 7, 7, requires_grad=True)
    net.middle(features)[0, :, 0, 0].sum().backward()
    assert features.grad[0].abs().amax(0).min() > 0


def test_learns_two_squares_in_a_few_steps() -> None:
    torch.manual_seed(0)
    x, labels = torch.zeros(4, 2, 32, 64), torch.zeros(4, 32, 64, dtype=torch.int64)
    for n, top in enumerate((4, 8, 14, 18)):
        for c, left in ((1, 6), (2, 38)):
            x[n, :, top : top + 12, left : left + 12] = 1
            labels[n, top : top + 12, left : left + 12] = c
    net = DeconvNet(width=8, fc=32)
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(70):
        optimiser.zero_grad()
        weighted_cross_entropy(net(x), labels).backward()
        optimiser.step()
    assert (net(x).argmax(1) == labels).float().mean() > 0.95


def test_sizes_must_be_positive() -> None:
    with pytest.raises(ValueError, match="fc=-1"):
        DeconvNet(fc=-1)
