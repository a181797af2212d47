"""The VGG-16 encoder and its ImageNet weights, against torchvision's own network."""

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models import vgg16, vgg16_bn
from torchvision.models.vgg import VGG

from handseg_lib.errors import ParameterError
from handseg_lib.models import vgg


def theirs(build: type[VGG] = vgg16) -> VGG:
    """torchvision's network with random weights, its huge classifier left out."""
    with torch.device("meta"):
        network = build()
    network.classifier = nn.Sequential(nn.Linear(1, 1))
    torch.manual_seed(1)
    network = network.to_empty(device="cpu").eval()
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            fan = tensor[0].numel() if tensor.ndim == 4 else 1
            tensor.copy_(torch.randn(tensor.shape) * (2 / fan) ** 0.5 if tensor.ndim == 4 else torch.rand(tensor.shape))
    return network


@pytest.fixture(scope="module")
def source() -> VGG:
    return theirs()


def published(folder: Path, state: dict[str, Tensor], suffix: str = ".pth", name: str = "vgg16-{}") -> Path:
    """A file of weights named as torchvision names them."""
    plain = folder / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(state, plain)
    else:
        save_file(state, plain)
    return plain.rename(folder / (name.format(hashlib.sha256(plain.read_bytes()).hexdigest()[:8]) + suffix))


def features(encoder: nn.Sequential, x: Tensor) -> Tensor:
    """The encoder with the pooling between its stages, as in VGG-16."""
    for stage in encoder:
        x = nn.functional.max_pool2d(stage(x), 2)
    return x


def test_convolutions_are_vgg16s() -> None:
    """Simonyan and Zisserman 2015, Table 1, column D."""
    with torch.device("meta"):
        ours, wanted = vgg.encoder(3, 64, batch_norm=False), vgg16().features
    shapes = [tuple(p.shape) for p in ours.parameters()]
    assert shapes == [tuple(p.shape) for p in wanted.parameters()]
    assert sum(p.numel() for p in ours.parameters()) == 14_714_688
    assert [len(stage) for stage in ours] == [4, 4, 6, 6, 6]


def test_width_scales_every_layer() -> None:
    layers = [m for m in vgg.encoder(2, 3, batch_norm=True).modules() if isinstance(m, nn.Conv2d)]
    assert [layer.out_channels for layer in layers] == [3, 3, 6, 6, 12, 12, 12, 24, 24, 24, 24, 24, 24]
    assert layers[0].in_channels == 2


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_features_are_torchvisions(source: VGG, tmp_path: Path, suffix: str) -> None:
    path = published(tmp_path, source.state_dict(), suffix)
    encoder = vgg.encoder(3, 64, batch_norm=False)
    assert vgg.load_imagenet(encoder, path) == f"ImageNet weights of {path.name}: 13 convolutions"
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(features(encoder, x), source.features(x))


def test_features_are_torchvisions_with_batch_normalisation(tmp_path: Path) -> None:
    source = theirs(vgg16_bn)
    encoder = vgg.encoder(3, 64, batch_norm=True).eval()
    vgg.load_imagenet(encoder, published(tmp_path, source.state_dict()))
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(features(encoder, x), source.features(x))


def test_weights_without_normalisation_suit_an_encoder_with_it(source: VGG, tmp_path: Path) -> None:
    encoder = vgg.encoder(3, 64, batch_norm=True)
    vgg.load_imagenet(encoder, published(tmp_path, source.state_dict()))
    assert torch.equal(encoder[4][6].weight, source.features[28].weight)
    assert torch.equal(encoder[4][7].weight, torch.ones(512))


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_an_image_equal_in_all_channels_is_answered_as_a_grey_photograph(channels: int) -> None:
    colour = torch.randn(64, 3, 3, 3)
    image = torch.randn(1, 1, 12, 12)
    adapted = vgg.adapted(colour, channels)
    assert adapted.shape == (64, channels, 3, 3)
    torch.testing.assert_close(
        nn.functional.conv2d(image.expand(-1, channels, -1, -1), adapted),
        nn.functional.conv2d(image.expand(-1, 3, -1, -1), colour),
    )
    assert vgg.adapted(colour, 3) is colour


def test_depth_encoder_takes_the_adapted_filters(source: VGG, tmp_path: Path) -> None:
    encoder = vgg.encoder(2, 64, batch_norm=False)
    vgg.load_imagenet(encoder, published(tmp_path, source.state_dict()))
    assert torch.equal(encoder[0][0].weight, vgg.adapted(source.features[0].weight, 2))
    assert torch.equal(encoder[0][2].weight, source.features[2].weight)


def test_fc6_and_fc7_are_vgg16s_matrices(source: VGG, tmp_path: Path) -> None:
    """On 7x7 cells a convolution of 7x7 without padding is the classifier's first layer. Here with fewer channels."""
    torch.manual_seed(3)
    first, second = nn.Linear(3 * 7 * 7, 4096), nn.Linear(5, 4096)
    state = dict(source.state_dict())
    for name, layer in (("classifier.0", first), ("classifier.3", second)):
        state |= {f"{name}.{key}": value for key, value in layer.state_dict().items()}
    path = published(tmp_path, state)
    fc6, fc7, small = nn.Conv2d(3, 4096, kernel_size=7), nn.Conv2d(5, 4096, kernel_size=1), nn.Conv2d(3, 8, 7)
    encoder = vgg.encoder(3, 64, batch_norm=False)
    assert vgg.load_imagenet(encoder, path, fc6, fc7).endswith("13 convolutions, fc6, fc7")
    cells, one = torch.randn(2, 3, 7, 7), torch.randn(2, 5, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(fc6(cells).flatten(1), first(cells.flatten(1)), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(fc7(one).flatten(1), second(one.flatten(1)), rtol=1e-4, atol=1e-4)
    assert vgg.load_imagenet(encoder, path, small).endswith("13 convolutions")  # too few channels: left random
    with pytest.raises(ParameterError, match=r"classifier\.0\.weight has shape \(4096, 147\), here it is"):
        vgg.load_imagenet(encoder, path, nn.Conv2d(4, 4096, 7))


def test_no_file_changes_nothing_and_says_so() -> None:
    encoder = vgg.encoder(2, 2, batch_norm=False)
    before = [p.clone() for p in encoder.parameters()]
    assert "no ImageNet weights" in vgg.load_imagenet(encoder, None)
    assert all(torch.equal(a, b) for a, b in zip(before, encoder.parameters(), strict=True))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    def load(path: Path) -> None:
        vgg.load_imagenet(vgg.encoder(3, 64, batch_norm=False), path)

    with pytest.raises(ParameterError, match=r"vgg16-01234567\.pth: there is no such file; .*weights=None"):
        load(tmp_path / "vgg16-01234567.pth")
    (tmp_path / "vgg16.onnx").write_bytes(b"")
    with pytest.raises(ParameterError, match=r"neither \.pth nor \.safetensors"):
        load(tmp_path / "vgg16.onnx")
    (tmp_path / "vgg16-01234567.pth").write_bytes(b"half a file")
    with pytest.raises(ParameterError, match=r"its SHA-256 begins with \w{8}, its name says 01234567"):
        load(tmp_path / "vgg16-01234567.pth")
    with pytest.raises(ParameterError, match=r"no hash; .*call the file vgg16-\w{8}\.safetensors"):
        load(published(tmp_path, {"a": torch.ones(1)}, ".safetensors", name="weights"))
    for suffix in (".pth", ".safetensors"):
        damaged = tmp_path / f"vgg16-{hashlib.sha256(b'half a file').hexdigest()[:12]}{suffix}"
        damaged.write_bytes(b"half a file")
        with pytest.raises(ParameterError, match="cannot be read"):
            load(damaged)
    torch.save([1, 2], tmp_path / "list")
    path = (tmp_path / "list").rename(
        tmp_path / f"vgg16-{hashlib.sha256((tmp_path / 'list').read_bytes()).hexdigest()[:8]}.pth"
    )
    with pytest.raises(ParameterError, match="no tensors by name but a list"):
        load(path)


def test_a_file_of_the_wrong_network(source: VGG, tmp_path: Path) -> None:
    plain = vgg.encoder(3, 64, batch_norm=False)
    state = dict(source.state_dict())

    def load(changed: dict[str, Tensor], encoder: nn.Module = plain) -> None:
        vgg.load_imagenet(encoder, published(tmp_path, changed, ".safetensors"))

    with pytest.raises(ParameterError, match=r"need width=64.*this network has width=16"):
        load(state, vgg.encoder(3, 16, batch_norm=False))
    with pytest.raises(ParameterError, match=r"holds 0 convolutions named features"):
        load({"conv1.weight": torch.ones(1)})
    with pytest.raises(ParameterError, match=r"with batch normalisation \(vgg16_bn\), this network has none"):
        load(dict(theirs(vgg16_bn).state_dict()))
    with pytest.raises(ParameterError, match=r"features\.7\.weight has shape \(128, 128, 5, 5\), here it is"):
        load(state | {"features.7.weight": torch.zeros(128, 128, 5, 5)})
    without = {key: value for key, value in state.items() if key != "features.7.bias"}
    with pytest.raises(ParameterError, match=r"features\.7\.bias is missing"):
        load(without)
    with pytest.raises(ParameterError, match=r"features\.7\.bias holds values that are not finite"):
        load(state | {"features.7.bias": torch.full((128,), torch.nan)})
