"""The 13 convolutions of VGG-16 (Simonyan and Zisserman 2015, configuration D), the encoder of FCN, SegNet, DeconvNet.

    stage      1       2         3             4             5
    channels   64 64   128 128   256 256 256   512 512 512   512 512 512     all 3x3, each followed by ReLU
    size       1/1     1/2       1/4           1/8           1/16            2x2 max-pooling after each stage

What comes after the convolutions (two fully-connected layers of 4096, fc6 and fc7) belongs to the networks that keep
them. All three papers start from weights learnt on ImageNet. Nothing is ever downloaded here: give the file that
torchvision publishes (vgg16-397923af.pth, or its content as .safetensors) and `load_imagenet` reads it; without one
the weights are random, and the networks say which in their attribute `initialisation`.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from torch import Tensor, nn

from handseg_lib.errors import ParameterError
from handseg_lib.models.encoders import RANDOM, adapted, read_weights

STAGES = ((1, 1), (2, 2), (4, 4, 4), (8, 8, 8), (8, 8, 8))
"""Channels of every convolution, stage by stage, in units of the first one's."""

STRIDE = 32
"""The encoder's last features are this much smaller than the image, after the fifth pooling."""

EXPECTED = "expected the weights of torchvision's VGG-16, such as vgg16-397923af.pth"


def encoder(in_channels: int, width: int, batch_norm: bool) -> nn.Sequential:
    """The five stages, without the pooling between them: each network pools in its own way.

    Args:
        in_channels: 2 for scaled depth and validity.
        width: channels of the first convolution; VGG-16 has 64.
        batch_norm: normalise after every convolution, as SegNet and DeconvNet do.
    """
    stages, channels = [], in_channels
    for outputs in STAGES:
        stages.append(stage([channels, *(width * k for k in outputs)], batch_norm))
        channels = width * outputs[-1]
    return nn.Sequential(*stages)


def stage(channels: list[int], batch_norm: bool) -> nn.Sequential:
    """(N, channels[0], H, W) -> (N, channels[-1], H, W): 3x3 convolutions, each normalised if asked, and ReLU."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        layers.append(nn.Conv2d(inputs, outputs, kernel_size=3, padding=1))
        layers += [nn.BatchNorm2d(outputs), nn.ReLU()] if batch_norm else [nn.ReLU()]
    return nn.Sequential(*layers)


def load_imagenet(encoder: nn.Module, path: str | Path | None, *fully_connected: nn.Conv2d) -> str:
    """Give an encoder the convolutions of a VGG-16 that has learnt ImageNet.

    The first convolution expects red, green and blue; for other channels see `adapted`. With batch normalisation the
    file may be of VGG-16 with it (`vgg16_bn`) or without; in the latter case the normalisations stay as they are.

    Args:
        encoder: of `encoder`, with a width of 64.
        path: file of torchvision's `vgg16` or `vgg16_bn`; see `read_weights`. None leaves everything as it is.
        fully_connected: fc6 and fc7 as convolutions; they are filled where they have VGG-16's 4096 channels and the
            file holds them.

    Returns:
        In words, what the weights are now.

    Raises:
        ParameterError: if the file is absent, damaged, not what its name says, or does not fit the encoder.
    """
    if path is None:
        return RANDOM
    path = Path(path)
    state = read_weights(path, EXPECTED, "vgg16")
    convolutions = [m for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    normalisations = [m for m in encoder.modules() if isinstance(m, nn.BatchNorm2d)]
    if convolutions[0].out_channels != 64:
        raise ParameterError(
            f"{path}: ImageNet weights need width=64, the width of VGG-16; this network has "
            f"width={convolutions[0].out_channels}. Use width=64 or weights=None."
        )
    theirs = _numbered(state, "features", dimensions=4)
    if len(theirs) != len(convolutions):
        raise ParameterError(
            f"{path}: holds {len(theirs)} convolutions named features.<number>.weight; {EXPECTED}, with "
            f"{len(convolutions)}."
        )
    theirs_norms = [name for name in _numbered(state, "features", dimensions=1) if f"{name}.running_mean" in state]
    if theirs_norms and not normalisations:
        raise ParameterError(
            f"{path}: is of VGG-16 with batch normalisation (vgg16_bn), this network has none; {EXPECTED}."
        )
    for number, (layer, name) in enumerate(zip(convolutions, theirs, strict=True)):
        weight = state[f"{name}.weight"]
        if number == 0 and weight.ndim == 4 and weight.shape[1] == 3:
            weight = adapted(weight, layer.in_channels)
        _copy(path, name, state | {f"{name}.weight": weight}, layer)
    for layer, name in zip(normalisations, theirs_norms, strict=False):
        _copy(path, name, state, layer)
    filled = _fill(path, state, fully_connected)
    return f"ImageNet weights of {path.name}: " + ", ".join(["13 convolutions", *filled])


def _numbered(state: Mapping[str, Tensor], part: str, dimensions: int) -> list[str]:
    """Names such as "features.17" whose weight has so many dimensions, in the order of their numbers."""
    found = [re.fullmatch(rf"({part}\.(\d+))\.weight", name) for name in state]
    names = [(int(m[2]), m[1]) for m in found if m and state[m[0]].ndim == dimensions]
    return [name for _, name in sorted(names)]


def _fill(path: Path, state: Mapping[str, Tensor], layers: tuple[nn.Conv2d, ...]) -> list[str]:
    """Give fc6 and fc7 the file's matrices, seen as convolutions; returns what was filled, in words."""
    filled = []
    for number, layer in zip((6, 7), layers, strict=False):
        name = f"classifier.{0 if number == 6 else 3}"
        if layer.out_channels == 4096 and f"{name}.weight" in state:
            weight = state[f"{name}.weight"]
            shaped = weight.reshape(layer.weight.shape) if weight.numel() == layer.weight.numel() else weight
            _copy(path, name, dict(state) | {f"{name}.weight": shaped}, layer)
            filled.append(f"fc{number}")
    return filled


def _copy(path: Path, name: str, state: Mapping[str, Tensor], layer: nn.Module) -> None:
    """Copy every tensor called `<name>.<its name in the layer>`; its shape must agree."""
    for key, ours in layer.state_dict().items():
        if key == "num_batches_tracked":
            continue
        theirs = state.get(f"{name}.{key}")
        if theirs is None or theirs.shape != ours.shape:
            found = "is missing" if theirs is None else f"has shape {tuple(theirs.shape)}"
            raise ParameterError(f"{path}: {name}.{key} {found}, here it is {tuple(ours.shape)}; {EXPECTED}.")
        if not theirs.isfinite().all():
            raise ParameterError(f"{path}: {name}.{key} holds values that are not finite; {EXPECTED}.")
        ours.copy_(theirs)
