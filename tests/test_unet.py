"""The U-Net: its parts, its weights, and that it learns."""

import hashlib
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import resnet18

from handseg_lib.errors import ParameterError
from handseg_lib.losses import weighted_cross_entropy
from handseg_lib.models import UNet, parameter_count


@pytest.fixture(scope="module")
def net() -> UNet:
    torch.manual_seed(0)
    return UNet(width=4).eval()


def published(folder: Path, state: dict[str, torch.Tensor], name: str = "resnet18-{}.pth") -> Path:
    """A file of weights named as torchvision names them."""
    torch.save(state, folder / "weights")
    digest = hashlib.sha256((folder / "weights").read_bytes()).hexdigest()
    return (folder / "weights").rename(folder / name.format(digest[:8]))


def test_parameters_counted_by_hand() -> None:
    encoder = parameter_count(resnet18()) - (512 * 1000 + 1000)  # all but the classifier
    width, decoder, below = 8, 0, 512
    for k, skip in zip((16, 8, 4, 2, 1), (256, 128, 64, 64, 0), strict=True):
        out = width * k
        decoder += 9 * (below + skip) * out + 9 * out * out + 4 * out  # two convolutions, each with a normalisation
        below = out
    assert parameter_count(UNet(classes=3, width=width)) == encoder + decoder + 9 * width * 3 + 3


def test_features_are_halved_five_times(net: UNet) -> None:
    features = net.encoder(torch.zeros(1, 3, 64, 96))
    assert [tuple(f.shape[1:]) for f in features[1:]] == [
        (64, 32, 48),
        (64, 16, 24),
        (128, 8, 12),
        (256, 4, 6),
        (512, 2, 3),
    ]


def test_padding_is_the_mean_colour(net: UNet) -> None:
    x = torch.randn(1, 3, 40, 70)
    padded = torch.zeros(1, 3, 64, 96)
    padded[..., :40, :70] = x
    with torch.no_grad():
        torch.testing.assert_close(net(x), net(padded)[..., :40, :70])


@pytest.mark.parametrize("level", range(5))
def test_every_level_of_the_encoder_reaches_the_scores(level: int) -> None:
    torch.manual_seed(1)
    net = UNet(width=4).eval()
    x = torch.randn(1, 3, 64, 64)
    features = [f.detach().requires_grad_() for f in net.encoder(x)]
    net.scores(net.decoder(features)).sum().backward()
    assert features[level + 1].grad.abs().max() > 0


def test_first_weights_follow_the_seed() -> None:
    states = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        states.append(UNet(width=2).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not torch.equal(states[0]["encoder.conv1.weight"], states[2]["encoder.conv1.weight"])


def test_learns_a_coloured_square_in_a_few_steps() -> None:
    torch.manual_seed(0)
    x, labels = 0.3 * torch.randn(4, 3, 64, 64), torch.zeros(4, 64, 64, dtype=torch.int64)
    for n, corner in enumerate((4, 14, 24, 34)):
        x[n, 0, corner : corner + 20, 10:40] += 2
        labels[n, corner : corner + 20, 10:40] = 1
    net = UNet(width=4).train()
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(25):
        optimiser.zero_grad()
        weighted_cross_entropy(net(x), labels).backward()
        optimiser.step()
    assert (net(x).argmax(1) == labels).float().mean() > 0.98


def test_weights_from_a_file(tmp_path: Path) -> None:
    torch.manual_seed(5)
    source = resnet18()
    net = UNet(width=2, encoder_weights=str(published(tmp_path, source.state_dict())))
    for name, weight in source.state_dict().items():
        if not name.startswith("fc."):
            assert torch.equal(net.encoder.state_dict()[name], weight)


def test_weights_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"resnet18-01234567\.pth: there is no such file"):
        UNet(encoder_weights=str(tmp_path / "resnet18-01234567.pth"))
    path = published(tmp_path, nn.Linear(2, 2).state_dict())
    with pytest.raises(ParameterError, match=r"does not fit ResNetEncoder .*same architecture"):
        UNet(encoder_weights=str(path))
    with pytest.raises(ParameterError, match="its name holds no hash"):
        UNet(encoder_weights=str(path.rename(tmp_path / "resnet18.pth")))
    damaged = tmp_path / "resnet18-01234567.pth"
    damaged.write_bytes(b"half a file")
    with pytest.raises(ParameterError, match=r"its SHA-256 begins with \w{8}, its name says 01234567"):
        UNet(encoder_weights=str(damaged))


def test_sizes_must_be_positive() -> None:
    with pytest.raises(ValueError, match="classes=0"):
        UNet(classes=0)
