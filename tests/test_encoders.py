"""The common ResNet encoder, and what every network on it promises: sizes, gradients, determinism, weights."""

import hashlib
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import resnet18, resnet50

from handseg_lib.errors import ParameterError
from handseg_lib.losses import weighted_cross_entropy
from handseg_lib.models import create, encoders, parameter_count

NETWORKS = {"dense_attention": 4, "large_kernels": 3, "refinenet": 4, "deeplabv3plus": 8}
"""Networks on this encoder, and a width that is quick."""


def small(name: str, **options: object) -> nn.Module:
    torch.manual_seed(0)
    return create(name, width=NETWORKS[name], encoder="resnet18", **options)


def published(folder: Path, state: dict[str, torch.Tensor], name: str = "resnet18-{}.pth") -> Path:
    """A file of weights named as torchvision names them."""
    torch.save(state, folder / "weights")
    digest = hashlib.sha256((folder / "weights").read_bytes()).hexdigest()
    return (folder / "weights").rename(folder / name.format(digest[:8]))


@pytest.mark.parametrize(("name", "theirs"), [("resnet18", resnet18), ("resnet50", resnet50)])
def test_parameters_are_torchvisions_without_the_classifier(name: str, theirs: type) -> None:
    with torch.device("meta"):
        ours, wanted = encoders.encoder(name, 3), theirs()
        depth = encoders.encoder(name, 2, 16)
    count = parameter_count(wanted) - parameter_count(wanted.fc)
    assert parameter_count(ours) == count
    assert parameter_count(depth) == count - 64 * 7 * 7


@pytest.mark.parametrize(("stride", "deepest"), [(32, (2, 3)), (16, (4, 6))])
def test_sizes_of_the_features(stride: int, deepest: tuple[int, int]) -> None:
    network = encoders.encoder("resnet18", 2, stride).eval()
    with torch.no_grad():
        sizes = [tuple(f.shape[2:]) for f in network(torch.zeros(1, 2, 64, 96))]
    assert sizes == [(64, 96), (32, 48), (16, 24), (8, 12), (4, 6), deepest]
    assert network.out_channels == [2, 64, 64, 128, 256, 512]


def test_dilation_sees_what_strides_would_have_seen() -> None:
    """Every second cell of the dilated last stage is the strided one's: the same weights over the same places."""
    torch.manual_seed(0)
    strided, dilated = encoders.encoder("resnet18", 2).eval(), encoders.encoder("resnet18", 2, 16).eval()
    dilated.load_state_dict(strided.state_dict())
    first, first_dilated = strided.layer4[0].conv1, dilated.layer4[0].conv1
    assert (first.stride, first_dilated.dilation) == ((2, 2), (2, 2))
    x = torch.randn(1, 256, 12, 12)
    with torch.no_grad():
        wanted = nn.functional.conv2d(x, first.weight, dilation=2, padding=2)
        torch.testing.assert_close(first_dilated(x), wanted)
        one = dilated.layer4[0].downsample(x)[..., ::2, ::2]
        torch.testing.assert_close(one, strided.layer4[0].downsample(x))


def test_weights_from_a_file_also_for_depth(tmp_path: Path) -> None:
    torch.manual_seed(5)
    source = resnet18().state_dict()
    path = published(tmp_path, source)
    network = encoders.encoder("resnet18", 2, 16)
    assert encoders.load_imagenet(network, "resnet18", path) == f"ImageNet weights of {path.name}: resnet18"
    state = network.state_dict()
    assert torch.equal(state["conv1.weight"], encoders.adapted(source["conv1.weight"], 2))
    assert all(torch.equal(state[key], source[key]) for key in state if key != "conv1.weight")
    for name in NETWORKS:
        model = small(name, encoder_weights=str(path))
        assert torch.equal(model.encoder.layer4[1].conv2.weight, source["layer4.1.conv2.weight"])
        assert model.initialisation == f"ImageNet weights of {path.name}: resnet18"


def test_weights_that_cannot_be_used(tmp_path: Path) -> None:
    network = encoders.encoder("resnet18", 2)
    with pytest.raises(ParameterError, match=r"no such file; expected weights of resnet18 .* encoder_weights=None"):
        encoders.load_imagenet(network, "resnet18", tmp_path / "resnet18-01234567.pth")
    path = published(tmp_path, nn.Linear(2, 2).state_dict())
    with pytest.raises(ParameterError, match=r"does not fit ResNetEncoder .*same architecture"):
        encoders.load_imagenet(network, "resnet18", path)
    with pytest.raises(ParameterError, match=r"its name holds no hash; .*call the file resnet18-\w{8}\.pth"):
        encoders.load_imagenet(network, "resnet18", path.rename(tmp_path / "mine.pth"))
    assert "no ImageNet weights" in encoders.load_imagenet(network, "resnet18", None)


def test_unknown_encoder_names_the_right_ones() -> None:
    with pytest.raises(ParameterError, match=r"no encoder 'resnet51'; choose one of .*resnet18.*resnet50"):
        create("dense_attention", encoder="resnet51")


@pytest.mark.parametrize("name", NETWORKS)
def test_depth_is_the_default_and_resnet_50_the_encoder(name: str) -> None:
    with torch.device("meta"):
        model = create(name)
    assert model.encoder.out_channels == [2, 64, 256, 512, 1024, 2048]
    assert "no ImageNet weights" in model.initialisation


@pytest.mark.parametrize("name", NETWORKS)
def test_odd_sizes_are_padded_with_nothing_seen(name: str) -> None:
    model = small(name).eval()
    x = torch.randn(1, 2, 37, 70)
    padded = torch.zeros(1, 2, 64, 96)
    padded[..., :37, :70] = x
    if name in ("dense_attention", "deeplabv3plus"):
        padded = padded[..., :48, :80]  # a multiple of 16 is enough
    with torch.no_grad():
        assert model(x).shape == (1, 3, 37, 70)
        torch.testing.assert_close(model(x), model(padded)[..., :37, :70])


@pytest.mark.parametrize("name", NETWORKS)
def test_deterministic_mode_gives_every_parameter_the_same_gradient_twice(name: str) -> None:
    x, labels = torch.randn(2, 2, 64, 64), torch.randint(0, 3, (2, 64, 64))
    runs = []
    torch.use_deterministic_algorithms(True)
    try:
        for _ in range(2):
            model = small(name).train()
            torch.manual_seed(1)  # of dropout
            weighted_cross_entropy(model(x), labels).backward()
            runs.append({key: p.grad for key, p in model.named_parameters()})
    finally:
        torch.use_deterministic_algorithms(False)
    for key, grad in runs[0].items():
        assert grad is not None and grad.abs().max() > 0, key
        assert grad.isfinite().all() and torch.equal(grad, runs[1][key]), key


@pytest.mark.parametrize("name", NETWORKS)
def test_scores_start_at_a_size_that_can_be_learnt_from(name: str) -> None:
    with torch.no_grad():
        scores = small(name).train()(torch.randn(2, 2, 64, 96))
    assert 1e-3 < scores.std() < 30


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match="classes=0"):
        create(name, classes=0)
