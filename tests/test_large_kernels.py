"""Large Kernel Matters: the global convolution against explicit k x k ones, boundary refinement, layers and counts."""

import pytest
import torch
from torch import nn

from handseg_lib.losses import weighted_cross_entropy
from handseg_lib.models import LargeKernels, parameter_count
from handseg_lib.models.large_kernels import BoundaryRefinement, GlobalConvolution


@pytest.mark.parametrize("kernel", [1, 3, 9])
def test_global_convolution_is_the_sum_of_two_separable_windows(kernel: int) -> None:
    """Column after row and row after column, each written out as one k x k filter."""
    torch.manual_seed(0)
    block = GlobalConvolution(5, 4, kernel)
    for path in (block.tall_wide, block.wide_tall):
        nn.init.zeros_(path[0].bias)  # beyond the border its trace would end
    x = torch.randn(2, 5, 7, 11)
    (tall, wide), (wide2, tall2) = block.tall_wide, block.wide_tall
    first = torch.einsum("omx,miy->oiyx", wide.weight[:, :, 0], tall.weight[..., 0])
    second = torch.einsum("omy,mix->oiyx", tall2.weight[..., 0], wide2.weight[:, :, 0])
    wanted = nn.functional.conv2d(x, first + second, wide.bias + tall2.bias, padding=kernel // 2)
    torch.testing.assert_close(block(x), wanted, rtol=1e-4, atol=1e-5)


def test_global_convolution_sees_its_whole_window_and_no_more() -> None:
    torch.manual_seed(0)
    x = torch.zeros(1, 3, 25, 25, requires_grad=True)
    GlobalConvolution(3, 2, 9)(x)[0, :, 12, 12].sum().backward()
    seen = x.grad.abs().sum((0, 1)) > 0
    assert seen[8:17, 8:17].all() and int(seen.sum()) == 81


def test_boundary_refinement_adds_a_correction() -> None:
    block = BoundaryRefinement(2)
    x = torch.randn(1, 2, 5, 6)
    for p in block.second.parameters():
        nn.init.zeros_(p)
    assert torch.equal(block(x), x)
    nn.init.dirac_(block.first.weight)
    nn.init.dirac_(block.second.weight)
    nn.init.zeros_(block.first.bias)
    torch.testing.assert_close(block(x), x + x.relu())


def test_layers_are_the_papers() -> None:
    with torch.device("meta"):
        network = LargeKernels()
    assert [b.tall_wide[0].in_channels for b in network.global_convolutions] == [256, 512, 1024, 2048]
    assert sum(isinstance(m, BoundaryRefinement) for m in network.modules()) == 9
    assert sum(isinstance(m, nn.ConvTranspose2d) for m in network.modules()) == 5
    assert {m.kernel_size for b in network.global_convolutions for m in b.modules() if isinstance(m, nn.Conv2d)} == {
        (9, 1),
        (1, 9),
    }
    assert all(p.requires_grad for p in network.parameters())  # the deconvolutions learn


@pytest.mark.parametrize(("width", "kernel"), [(None, 9), (8, 15)])
def test_parameters_counted_by_hand(width: int | None, kernel: int) -> None:
    w, classes = width or 3, 3
    resnet = 25_557_032 - (2048 * 1000 + 1000) - 64 * 7 * 7  # torchvision's, no classifier, two channels
    convolutions = sum(2 * (kernel * c * w + w + kernel * w * w + w) for c in (256, 512, 1024, 2048))
    refinements, upsamplings = 9 * 2 * (9 * w * w + w), 5 * 16 * w * w
    scores = 0 if width is None else w * classes + classes
    with torch.device("meta"):
        count = parameter_count(LargeKernels(width=width, kernel=kernel))
    assert count == resnet + convolutions + refinements + upsamplings + scores


def test_upsampling_starts_bilinear() -> None:
    network = LargeKernels(encoder="resnet18")
    x = torch.randn(1, 3, 4, 6)
    wanted = nn.functional.interpolate(x, scale_factor=2, mode="bilinear")
    for layer in network.upsample:
        torch.testing.assert_close(layer(x)[..., 1:-1, 1:-1], wanted[..., 1:-1, 1:-1])


def test_learns_a_square_in_a_few_steps() -> None:
    torch.manual_seed(0)
    x, labels = 0.3 * torch.randn(4, 2, 64, 64), torch.zeros(4, 64, 64, dtype=torch.int64)
    for n, corner in enumerate((4, 14, 24, 34)):
        x[n, :, corner : corner + 20, 10:40] += 2
        labels[n, corner : corner + 20, 10:40] = 1
    network = LargeKernels(classes=2, encoder="resnet18")
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(30):
        optimiser.zero_grad()
        weighted_cross_entropy(network(x), labels).backward()
        optimiser.step()
    assert (network(x).argmax(1) == labels).float().mean() > 0.95


def test_even_kernels_are_refused() -> None:
    with pytest.raises(ValueError, match="kernel=8"):
        LargeKernels(kernel=8)
