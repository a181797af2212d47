"""DenseAttentionSeg: its attentions against loops over cells, its layers, sizes, options, and that it learns."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from handseg_lib.losses import weighted_cross_entropy
from handseg_lib.models import MODELS, DenseAttentionSeg, create, flop_count, parameter_count
from handseg_lib.models.dense_attention import DECONVOLUTIONS, TABLE3, running_products

SIZES = [(16, 24), (8, 12), (4, 6), (2, 3), (2, 3), (2, 3)]
"""Of the levels of an image of 32x48."""


def net(**options: object) -> DenseAttentionSeg:
    torch.manual_seed(0)
    return DenseAttentionSeg(width=4, encoder="resnet18", **options).eval()


def levels(seed: int = 0) -> list[Tensor]:
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(2, 3, *size, generator=g) for size in SIZES]


def halved(x: np.ndarray) -> np.ndarray:
    """Bilinear down-sampling by two: the mean of each 2x2 cells."""
    out = np.zeros((*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2))
    for y in range(out.shape[2]):
        for c in range(out.shape[3]):
            out[:, :, y, c] = x[:, :, 2 * y : 2 * y + 2, 2 * c : 2 * c + 2].mean((2, 3))
    return out


def doubled(x: np.ndarray) -> np.ndarray:
    """Bilinear up-sampling by two: a cell's four children lie a quarter of a cell from its centre."""
    height, width = x.shape[2:]
    out = np.zeros((*x.shape[:2], 2 * height, 2 * width))
    for y in range(2 * height):
        for c in range(2 * width):
            v, u = (y - 0.5) / 2, (c - 0.5) / 2
            top, left = int(np.floor(v)), int(np.floor(u))
            for row, a in ((top, top + 1 - v), (top + 1, v - top)):
                for column, b in ((left, left + 1 - u), (left + 1, u - left)):
                    out[:, :, y, c] += a * b * x[:, :, min(max(row, 0), height - 1), min(max(column, 0), width - 1)]
    return out


def slow_products(maps: list[np.ndarray], resize: object) -> list[np.ndarray | None]:
    """For each level, begin anew at the far end and multiply and resize until this level is reached."""
    gathered: list[np.ndarray | None] = [None]
    for level in range(1, len(maps)):
        product = np.ones_like(maps[0])
        for before, here in pairwise(maps[: level + 1]):
            product = product * before
            product = resize(product) if before.shape != here.shape else product
        gathered.append(product)
    return gathered


def test_fine_and_coarse_attention_are_explicit_products() -> None:
    maps = levels()
    arrays = [m.double().numpy() for m in maps]
    fine, coarse = slow_products(arrays, halved), slow_products(arrays[::-1], doubled)[::-1]
    raw = net(sigmoid=False).attend(maps)
    squashed = net().attend(maps)
    assert raw.fine[0] is None and raw.coarse[-1] is None
    for got, gate, wanted in zip(raw.fine[1:] + raw.coarse[:-1], squashed.fine[1:] + squashed.coarse[:-1],
                                 fine[1:] + coarse[:-1], strict=True):  # fmt: skip
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(gate.numpy(), 1 / (1 + np.exp(-wanted)), rtol=1e-4, atol=1e-5)


def test_a_constant_level_scales_all_others() -> None:
    maps = levels()
    before = running_products(maps)
    maps[1] = torch.full_like(maps[1], 3.0)
    after, alone = running_products(maps), running_products([maps[0], torch.ones_like(maps[1]), *maps[2:]])
    assert torch.equal(after[1], before[1]) and after[0] is None
    for a, b in zip(after[2:], alone[2:], strict=True):
        torch.testing.assert_close(a, 3 * b)


@pytest.mark.parametrize(
    ("combine", "sigmoid", "wanted"),
    [("product", False, 2.0 * 3 * 5), ("sum", False, 2.0 + 3 + 5), ("product", True, 2 * 0.25), ("sum", True, 2 + 1.0)],
)
def test_how_attention_acts_by_hand(combine: str, sigmoid: bool, wanted: float) -> None:
    network = net(combine=combine, sigmoid=sigmoid)
    fine, coarse = (network.weight(torch.full((1, 4, 2, 2), 0.0 if sigmoid else v)) for v in (3.0, 5.0))
    carried = network.guide(torch.full((1, 4, 2, 2), 2.0), fine, coarse)
    torch.testing.assert_close(carried, torch.full((1, 4, 2, 2), wanted))


@pytest.mark.parametrize("attention", ["none", "fine", "coarse", "both"])
def test_maps_of_every_level_for_figure_7(attention: str) -> None:
    network = net(attention=attention)
    x = torch.randn(1, 2, 30, 41)
    with torch.no_grad():
        scores, maps = network.scores_and_maps(x)
        assert torch.equal(scores, network(x))
    for found, wanted, missing in ((maps.fine, "fine", 0), (maps.coarse, "coarse", 5)):
        there = attention in (wanted, "both")
        sizes = [None if m is None else tuple(m.shape) for m in found]
        assert sizes == [(1, 4, *s) if there and i != missing else None for i, s in enumerate(SIZES)]
        assert all(m.min() >= 0 and m.max() <= 1 for m in found if m is not None)


def test_attention_has_no_parameters_of_its_own_but_changes_the_scores() -> None:
    x = torch.randn(1, 2, 32, 32)
    with torch.no_grad():
        scores = {}
        for attention in ("none", "fine", "coarse", "both"):
            network = net(attention=attention)
            network.load_state_dict(net().state_dict())
            scores[attention] = network(x)
    for a in scores:
        for b in scores:
            assert (a == b) == torch.allclose(scores[a], scores[b], atol=1e-6)


def test_without_attention_the_skip_carries_the_squeezed_level() -> None:
    network = net(attention="none")
    level = torch.randn(1, 4, 2, 2)
    assert network.guide(level, None, None) is level


def test_levels_are_the_encoders_and_the_aspps() -> None:
    network = net()
    with torch.no_grad():
        squeezed = network.squeezed_levels(torch.randn(2, 2, 32, 48))
    assert [tuple(s.shape) for s in squeezed] == [(2, 4, *size) for size in SIZES]
    assert [s[0].in_channels for s in network.squeeze] == [64, 64, 128, 256, 512, 16]
    kernels = [[m.kernel_size for m in s if isinstance(m, nn.Conv2d)] for s in network.squeeze]
    assert kernels == [[(1, 1), (3, 3)]] * 6


def test_every_level_reaches_every_other_ones_attention() -> None:
    """Dense: the attentions of level i depend on all levels but i itself."""
    network = net(sigmoid=False)
    for i in range(6):
        maps = [m.requires_grad_() for m in levels()]
        attention = network.attend(maps)
        sum(a.square().sum() for a in (attention.fine[i], attention.coarse[i]) if a is not None).backward()
        assert [m.grad is not None and bool(m.grad.abs().max() > 0) for m in maps] == [j != i for j in range(6)]


def test_six_deconvolutions_lead_back_to_full_size() -> None:
    deconvolutions = [m for m in net().modules() if isinstance(m, nn.ConvTranspose2d)]
    assert len(deconvolutions) == 6 and [m.stride[0] for m in deconvolutions] == list(DECONVOLUTIONS)
    assert np.prod(DECONVOLUTIONS) == 16 and net().scores.kernel_size == (1, 1)
    x = torch.zeros(1, 4, 3, 5)
    for layer, stride in zip(net().deconvolutions, DECONVOLUTIONS, strict=True):
        assert layer(x).shape[2:] == (3 * stride, 5 * stride)


def test_costs_no_more_beside_deeplab_than_in_the_paper() -> None:
    """In operations; `tests/benchmarks/test_model_speed.py` measures time. The paper's ratio of times is 1.12."""
    networks = {name: flop_count(create(name), (96, 128)) for name in ("dense_attention", "deeplabv3plus")}
    assert networks["dense_attention"] / networks["deeplabv3plus"] < 1.12


def test_parameters_counted_by_hand() -> None:
    k, a = 64, 256
    resnet = 25_557_032 - (2048 * 1000 + 1000) - 64 * 7 * 7  # torchvision's, no classifier, two channels
    separable = 9 * 2048 + 2048 * a + 2 * a
    aspp = 2 * (2048 * a + 2 * a) + 3 * separable + 5 * a * a + 2 * a
    squeeze = sum(c * k + 9 * k * k + 4 * k for c in (64, 256, 512, 1024, 2048, a))
    deconvolutions = 5 * 9 * k * k + 9 * k * 8 + 2 * (5 * k + 8)
    scores = 8 * 3 + 3
    with torch.device("meta"):
        found = {attention: parameter_count(DenseAttentionSeg(attention=attention)) for attention in ("none", "both")}
    assert found == dict.fromkeys(("none", "both"), resnet + aspp + squeeze + deconvolutions + scores)


def test_rows_of_table_3_can_be_built() -> None:
    for name, options in TABLE3.values():
        with torch.device("meta"):
            assert isinstance(MODELS[name].build(**options), nn.Module)
    assert TABLE3["without attention"][1]["attention"] == "none"


def test_learns_a_square_in_a_few_steps() -> None:
    torch.manual_seed(0)
    x, labels = 0.3 * torch.randn(4, 2, 48, 48), torch.zeros(4, 48, 48, dtype=torch.int64)
    for n, corner in enumerate((4, 10, 16, 22)):
        x[n, :, corner : corner + 16, 8:32] += 2
        labels[n, corner : corner + 16, 8:32] = 1
    network = DenseAttentionSeg(classes=2, width=8, encoder="resnet18")
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(45):
        optimiser.zero_grad()
        weighted_cross_entropy(network(x), labels).backward()
        optimiser.step()
    assert (network(x).argmax(1) == labels).float().mean() > 0.95


def test_refuses_options_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match="attention='all'"):
        DenseAttentionSeg(attention="all")
    with pytest.raises(ValueError, match="combine='max'"):
        DenseAttentionSeg(combine="max")
