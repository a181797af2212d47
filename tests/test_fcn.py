"""FCN: its layers, its sizes, what the skips reach, its weights, and that it learns."""

import pytest
import torch
from torch import nn

from handseg_lib.losses import weighted_cross_entropy
from handseg_lib.models import FCN, create, flop_count, parameter_count, vgg

VGG_CONVOLUTIONS = 14_714_688
"""Parameters of VGG-16's 13 convolutions on colour images."""


def informed(stride: int, **options: int) -> FCN:
    """A network in evaluation mode whose scores do not start at zero."""
    torch.manual_seed(0)
    net = FCN(stride=stride, **options).eval()
    for name, layer in net.named_children():
        if name.startswith("score"):
            nn.init.normal_(layer.weight)
    return net


def test_parameters_counted_by_hand() -> None:
    """With the 21 classes of PASCAL VOC; the 8s network is known as one of 134.5 million parameters."""
    fc = 4096 * (7 * 7 * 512 + 1) + 4096 * (4096 + 1)
    score = {32: 21 * 4097, 16: 21 * (4097 + 513), 8: 21 * (4097 + 513 + 257)}
    bilinear = {32: 64**2, 16: 4**2 + 32**2, 8: 4**2 + 4**2 + 16**2}
    for stride, learnt in score.items():
        with torch.device("meta"):
            net = FCN(in_channels=3, classes=21, stride=stride)
        assert parameter_count(net) == VGG_CONVOLUTIONS + fc + learnt
        assert sum(p.numel() for p in net.parameters()) == parameter_count(net) + 21 * 21 * bilinear[stride]
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(134.5e6, rel=1e-3)


def test_flops_counted_by_hand() -> None:
    w, fc, height, width = 4, 24, 64, 96
    cells = [height * width // 4**i for i in range(6)]
    convolutions = 9 * (
        cells[0] * (2 * w + w * w)
        + cells[1] * (2 * w * w + 4 * w * w)
        + cells[2] * (8 + 16 + 16) * w * w
        + cells[3] * (32 + 64 + 64) * w * w
        + cells[4] * 3 * 64 * w * w
    )
    middle = cells[5] * (49 * 8 * w * fc + fc * fc + 3 * fc)
    skips = cells[4] * 8 * w * 3 + cells[3] * 4 * w * 3
    bilinear = 9 * (16 * cells[5] + 16 * cells[4] + 256 * cells[3])  # each cell of the input is spread over a stamp
    net = FCN(stride=8, width=w, fc=fc)
    assert flop_count(net, (height, width)) == 2 * (convolutions + middle + skips + bilinear)


@pytest.mark.parametrize("stride", [32, 16, 8])
def test_starts_undecided_with_bilinear_interpolation(stride: int) -> None:
    net = FCN(stride=stride, width=2)
    assert not net(torch.randn(1, 2, 32, 32)).any()
    frozen = {name.split(".")[0] for name, p in net.named_parameters() if not p.requires_grad}
    assert frozen == {name for name, _ in net.named_children() if name.startswith("upscore")}


def test_32s_interpolates_its_scores() -> None:
    net = informed(32, width=2, fc=8)
    scores = []
    net.score.register_forward_hook(lambda *call: scores.append(call[2]))
    with torch.no_grad():
        actual = net(torch.randn(1, 2, 96, 128))
    wanted = nn.functional.interpolate(scores[0], scale_factor=32, mode="bilinear")
    inner = (..., slice(16, -16), slice(16, -16))  # beyond the border a deconvolution sees zeros
    torch.testing.assert_close(actual[inner], wanted[inner])


@pytest.mark.parametrize(("stride", "skips"), [(32, ()), (16, ("score_pool4",)), (8, ("score_pool4", "score_pool3"))])
def test_skips_are_the_papers_and_reach_the_scores(stride: int, skips: tuple[str, ...]) -> None:
    net = informed(stride, width=2, fc=8)
    assert tuple(name for name, _ in net.named_children() if name.startswith("score_")) == skips
    x = torch.randn(1, 2, 64, 64)
    with torch.no_grad():
        before = net(x)
        for name in skips:
            net.get_submodule(name).weight.mul_(-1)
            assert (net(x) - before).abs().max() > 1e-4


def test_16s_whose_skip_says_nothing_is_close_to_32s() -> None:
    """Bilinear interpolation in one step of 32 or in steps of 2 and 16 differs a little, as in the papers' networks."""
    coarse, fine = informed(32, width=2, fc=8), informed(16, width=2, fc=8)
    fine.load_state_dict({k: v for k, v in coarse.state_dict().items() if k != "upscore.weight"}, strict=False)
    nn.init.zeros_(fine.score_pool4.weight)
    x = torch.randn(1, 2, 128, 128)
    with torch.no_grad():
        a, b = coarse(x), fine(x)
    assert (a - b)[..., 48:-48, 48:-48].abs().max() < 0.1 * a.abs().max()


def test_gives_fc6_and_fc7_to_be_filled_from_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    monkeypatch.setattr(vgg, "load_imagenet", lambda *arguments: given.append(arguments) or "filled")
    net = create("fcn", width=1, weights="vgg16-397923af.pth")
    assert given == [(net.encoder, "vgg16-397923af.pth", net.fc6, net.fc7)] and net.initialisation == "filled"


def test_learns_two_squares_in_a_few_steps() -> None:
    torch.manual_seed(0)
    x, labels = torch.zeros(2, 2, 64, 96), torch.zeros(2, 64, 96, dtype=torch.int64)
    for n, top in enumerate((8, 28)):
        for c, left in ((1, 12), (2, 56)):
            x[n, :, top : top + 24, left : left + 24] = 1
            labels[n, top : top + 24, left : left + 24] = c
    net = FCN(stride=8, width=8, fc=32)
    optimiser = torch.optim.Adam((p for p in net.parameters() if p.requires_grad), 2e-3)
    for _ in range(60):
        optimiser.zero_grad()
        loss = weighted_cross_entropy(net(x), labels)
        loss.backward()
        optimiser.step()
    assert (net.eval()(x).argmax(1) == labels).float().mean() > 0.95


def test_sizes_and_stride_must_make_sense() -> None:
    with pytest.raises(ValueError, match="fc=0"):
        FCN(fc=0)
    with pytest.raises(ValueError, match="stride must be 32, 16 or 8, got stride=4"):
        FCN(stride=4)


def test_batch_normalisation_is_optional_and_in_the_encoder_only() -> None:
    plain, normalised = FCN(width=2), FCN(width=2, batch_norm=True)
    found = [name for name, layer in normalised.named_modules() if isinstance(layer, nn.BatchNorm2d)]
    assert len(found) == 13 and all(name.startswith("encoder.") for name in found)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in plain.modules())
