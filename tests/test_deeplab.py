"""DeepLabv3+: its layers, that it is the library's network, and its parameters."""

import torch
from segmentation_models_pytorch import DeepLabV3Plus as Theirs
from torch import nn

from handseg_lib.models import DeepLabV3Plus, parameter_count


def test_is_the_librarys_network() -> None:
    """The same weights give the same scores as its own class, at a size that needs no padding."""
    torch.manual_seed(0)
    ours = DeepLabV3Plus(width=8, encoder="resnet18").eval()
    theirs = Theirs(
        "resnet18",
        encoder_weights=None,
        encoder_output_stride=16,
        decoder_channels=8,
        decoder_atrous_rates=(6, 12, 18),
        in_channels=2,
        classes=3,
    ).eval()
    theirs.load_state_dict({k.replace("scores.", "segmentation_head."): v for k, v in ours.state_dict().items()})
    x = torch.randn(1, 2, 48, 64)
    with torch.no_grad():
        assert torch.equal(ours(x), theirs(x))


def test_dilations_are_those_of_output_stride_16() -> None:
    with torch.device("meta"):
        network = DeepLabV3Plus()
    depthwise = [m for m in network.decoder.modules() if isinstance(m, nn.Conv2d) and m.groups > 1]
    assert [m.dilation[0] for m in depthwise] == [6, 12, 18, 1, 1]


def test_parameters_counted_by_hand() -> None:
    w = 256
    resnet = 25_557_032 - (2048 * 1000 + 1000) - 64 * 7 * 7  # torchvision's, no classifier, two channels
    aspp = 2 * (2048 * w + 2 * w) + 3 * (9 * 2048 + 2048 * w + 2 * w) + 5 * w * w + 2 * w
    after = 9 * w + w * w + 2 * w
    low, joined = 256 * 48 + 2 * 48, 9 * (w + 48) + (w + 48) * w + 2 * w
    with torch.device("meta"):
        count = parameter_count(DeepLabV3Plus())
    assert count == resnet + aspp + after + low + joined + w * 3 + 3
