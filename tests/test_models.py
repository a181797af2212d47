"""The architectures: sizes, structure, registry, and that they learn."""

import pytest
import torch
from torch import nn

from handseg_lib.errors import ParameterError
from handseg_lib.losses import weighted_cross_entropy
from handseg_lib.models import MODELS, HandSegNet, create, flop_count, parameter_count
from handseg_lib.models.blocks import BilinearUpsampling, Unpool, pad_to_multiple, start_from_he


@pytest.fixture
def net() -> HandSegNet:
    torch.manual_seed(0)
    return HandSegNet(width=4).eval()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 31), (5, 64), (48, 33)])
def test_scores_have_the_size_of_the_input(name: str, size: tuple[int, int]) -> None:
    narrow = {} if name == "forest" else {"width": 2}
    model = create(name, in_channels=2, classes=5, **narrow).eval()
    with torch.no_grad():
        scores = model(torch.randn(2, 2, *size))
    assert scores.shape == (2, 5, *size) and torch.isfinite(scores).all()


def test_exact_sizes_are_not_padded_and_odd_ones_are_padded_with_nothing_seen(net: HandSegNet) -> None:
    x = torch.randn(1, 2, 32, 48)
    assert torch.equal(pad_to_multiple(x, 16), x)
    odd = torch.randn(1, 2, 19, 33)
    by_hand = torch.zeros(1, 2, 32, 48)
    by_hand[..., :19, :33] = odd
    with torch.no_grad():
        torch.testing.assert_close(net(odd), net(by_hand)[..., :19, :33])


def test_padding_equals_a_frame_whose_rest_the_sensor_did_not_see(net: HandSegNet) -> None:
    x = torch.randn(1, 2, 32, 32)
    x[..., 20:, :] = 0
    with torch.no_grad():
        torch.testing.assert_close(net(x[..., :20, :]), net(x)[..., :20, :])


def test_unpooling_returns_each_maximum_to_its_place() -> None:
    x = torch.tensor([[1.0, 2, 0, 0], [3, 4, 0, 5], [7, 0, 6, 0], [0, 0, 0, 0]])[None, None]
    pooled, index = nn.functional.max_pool2d(x, 2, return_indices=True)
    wanted = torch.tensor([[0.0, 0, 0, 0], [0, 4, 0, 5], [7, 0, 6, 0], [0, 0, 0, 0]])[None, None]
    assert torch.equal(Unpool()(pooled, index), wanted)


def test_unpooling_is_torchs_also_where_torch_refuses() -> None:
    x = torch.randn(2, 3, 8, 12, requires_grad=True)
    pooled, index = nn.functional.max_pool2d(x, 2, return_indices=True)
    wanted = nn.functional.max_unpool2d(pooled, index, 2)
    torch.use_deterministic_algorithms(True)
    try:
        actual = Unpool()(pooled, index)
        actual.square().sum().backward()
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(actual, wanted)
    assert torch.equal(x.grad, 2 * wanted)  # the sum of the squares of the maxima


@pytest.mark.parametrize("factor", [2, 8, 32])
def test_upsampling_is_bilinear_away_from_the_border_and_for_each_channel_alone(factor: int) -> None:
    x = torch.randn(2, 3, 4, 5)
    layer = BilinearUpsampling(3, factor)
    half = factor // 2
    inner = (..., slice(half, -half), slice(half, -half))
    wanted = nn.functional.interpolate(x, scale_factor=factor, mode="bilinear")
    assert layer(x).shape == wanted.shape and parameter_count(layer) == 0
    torch.testing.assert_close(layer(x)[inner], wanted[inner])


def test_first_weights_keep_the_size_of_responses_through_many_layers() -> None:
    torch.manual_seed(0)
    layers = [m for _ in range(20) for m in (nn.Conv2d(64, 64, 3, padding=1), nn.ReLU())]
    frozen = BilinearUpsampling(64, 2)
    network = nn.Sequential(*layers, frozen)
    before = frozen.weight.clone()
    start_from_he(network)
    x = torch.randn(1, 64, 24, 24)
    with torch.no_grad():
        ratio = network[:-1](x).square().mean() / x.square().mean()
    assert 0.05 < ratio < 5 and torch.equal(frozen.weight, before)


def test_structure_is_the_papers() -> None:
    net = HandSegNet()
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    deconvolutions = [m for m in net.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert [c.out_channels for c in convolutions] == [64, 128, 256, 512]
    assert len(deconvolutions) == 4 and deconvolutions[-1].out_channels == 3
    assert all(m.stride == (2, 2) and m.kernel_size == (4, 4) for m in convolutions + deconvolutions)
    assert not any("Pool" in type(m).__name__ for m in net.modules())
    assert sum(isinstance(m, nn.BatchNorm2d) for m in net.modules()) == 7  # all but the last layer


def test_parameters_counted_by_hand() -> None:
    w, k = 64, 16
    encoder = k * (2 * w + w * 2 * w + 2 * w * 4 * w + 4 * w * 8 * w)
    decoder = k * (8 * w * 4 * w + 8 * w * 2 * w + 4 * w * w + 2 * w * 3) + 3
    norms = 2 * (w + 2 * w + 4 * w + 8 * w + 4 * w + 2 * w + w)
    assert parameter_count(HandSegNet()) == encoder + decoder + norms
    frozen = HandSegNet(width=2)
    frozen.up1.bias.requires_grad_(False)
    assert parameter_count(HandSegNet(width=2)) - parameter_count(frozen) == 3


def test_flops_counted_by_hand() -> None:
    """A stride-2 4x4 convolution costs 16 ci co a cell of its output, a deconvolution 16 ci co a cell of its input."""
    height, width, w = 32, 64, 8
    cells = [height * width // 4**i for i in range(5)]
    down = cells[1] * 2 * w + cells[2] * 2 * w * w + cells[3] * 8 * w * w + cells[4] * 32 * w * w
    up = cells[4] * 32 * w * w + cells[3] * 16 * w * w + cells[2] * 4 * w * w + cells[1] * 2 * w * 3
    net = HandSegNet(width=w).train()
    assert flop_count(net, (height, width)) == 2 * 16 * (down + up)
    assert net.training


def test_the_papers_5_ms_speak_for_fewer_channels() -> None:
    """The numbers in the network's docstring; cost grows with the area, and 480 x 640 is 75 times 64 x 64."""
    assert [flop_count(HandSegNet(width=w), (64, 64)) * 75 / 1e9 for w in (64, 32)] == pytest.approx([41.5, 10.7], 0.01)


@pytest.mark.parametrize("skip", ["down1", "down2", "down3", "down4"])
def test_every_level_reaches_the_output(net: HandSegNet, skip: str) -> None:
    x = torch.randn(1, 2, 32, 32)
    with torch.no_grad():
        before = net(x)
        net.get_submodule(skip)[0].weight.mul_(-1)
        assert (net(x) - before).abs().max() > 1e-4


def test_memory_format_does_not_change_the_scores(net: HandSegNet) -> None:
    x = torch.randn(1, 2, 48, 32)
    with torch.no_grad():
        expected = net(x)
        actual = net.to(memory_format=torch.channels_last)(x.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


def test_learns_two_squares_in_a_few_steps() -> None:
    """Left square is class 1, right square is class 2: needs position relative to the other, not looks alone."""
    torch.manual_seed(0)
    x, labels = torch.zeros(2, 2, 32, 48), torch.zeros(2, 32, 48, dtype=torch.int64)
    for n, top in enumerate((4, 14)):
        for c, left in ((1, 6), (2, 28)):
            x[n, :, top : top + 12, left : left + 12] = 1
            labels[n, top : top + 12, left : left + 12] = c
    net = HandSegNet(width=8)
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(40):
        optimiser.zero_grad()
        weighted_cross_entropy(net(x), labels).backward()
        optimiser.step()
    assert (net(x).argmax(1) == labels).float().mean() > 0.99


def test_create_names_what_exists() -> None:
    with pytest.raises(ParameterError, match=r"no model 'handsge'; choose one of .*handseg"):
        create("handsge")
    with pytest.raises(ParameterError, match="no option widht; it has in_channels, classes, width"):
        create("handseg", widht=32)
    with pytest.raises(ValueError, match="width=0"):
        create("handseg", width=0)
    assert {"handseg", "fcn", "segnet", "deconvnet", "unet"} <= set(MODELS)
    assert all(model.source for model in MODELS.values())


def test_a_forest_has_no_flops_to_count() -> None:
    with pytest.raises(ParameterError, match="Forest has no parameters"):
        flop_count(create("forest"), (32, 32))
