"""What networks on a pretrained encoder share: the ResNet (He et al. 2016), and files of ImageNet weights.

The encoders are those of `segmentation_models_pytorch`, which are torchvision's with two additions: they return the
features of every size, and their last stage can keep its size, with dilated convolutions instead of strides (an output
stride of 16 instead of 32, Chen et al. 2018). Unlike torchvision's own dilation, this works for the shallow ResNets
too.

    feature   ResNet-18, 34   ResNet-50, 101   size at output stride 32   at 16
    conv1     64              64               1/2                        1/2
    layer1    64              256              1/4                        1/4
    layer2    128             512              1/8                        1/8
    layer3    256             1024             1/16                       1/16
    layer4    512             2048             1/32                       1/16

Nothing is ever downloaded: give the file of weights that torchvision publishes, or start from random weights.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from handseg_lib.errors import ParameterError

RANDOM = "random weights (He et al. 2015); no ImageNet weights were given"
"""`initialisation` of a network that was given no file."""


def encoder(name: str, in_channels: int, output_stride: int = 32) -> nn.Module:
    """An encoder with random weights: (N, in_channels, H, W) -> six maps, the first of them the input itself.

    H and W must be multiples of the output stride. The channels are in the attribute `out_channels`.

    Args:
        name: of an encoder of `segmentation_models_pytorch`: "resnet18", "resnet50", ...
        in_channels: 2 for scaled depth and validity, 3 for normalised red, green and blue.
        output_stride: 32, or 16, with which the last stage keeps the size of the one before.

    Raises:
        ParameterError: if there is no such encoder.
    """
    # Here, because it takes two seconds and few who import the models build one of these.
    from segmentation_models_pytorch.encoders import encoders as known
    from segmentation_models_pytorch.encoders import get_encoder

    if name not in known and not name.startswith("tu-"):
        residual = ", ".join(sorted(n for n in known if n.startswith("resnet")))
        raise ParameterError(
            f"there is no encoder {name!r}; choose one of {residual}, or another name of segmentation_models_pytorch"
        )
    return get_encoder(name, in_channels=in_channels, depth=5, weights=None, output_stride=output_stride)


def load_imagenet(encoder: nn.Module, name: str, path: str | Path | None) -> str:
    """Give an encoder the weights of a file of torchvision's; for other inputs than colour see `adapted`.

    Args:
        encoder: of the function `encoder`.
        name: its name, for messages.
        path: file such as `resnet50-11ad3fa6.pth`; see `read_weights`. None leaves everything as it is.

    Returns:
        In words, what the weights are now.

    Raises:
        ParameterError: if the file is absent, damaged, not what its name says, or does not fit the encoder.
    """
    if path is None:
        return RANDOM
    path = Path(path)
    state = read_weights(path, f"expected weights of {name} as torchvision publishes them", name, "encoder_weights")
    first, layer = next((n, m) for n, m in encoder.named_modules() if isinstance(m, nn.Conv2d))
    weight = state.get(f"{first}.weight")
    if weight is not None and weight.ndim == 4 and weight.shape[1] == 3:
        state[f"{first}.weight"] = adapted(weight, layer.in_channels)
    try:
        encoder.load_state_dict(state)
    except (RuntimeError, KeyError) as error:  # the file is whole, but not of this encoder
        raise ParameterError(
            f"{path}: does not fit {type(encoder).__name__} ({shorten(str(error), 200)}). Name weights of the same "
            "architecture, made for three input channels."
        ) from error
    return f"ImageNet weights of {path.name}: {name}"


def adapted(weight: Tensor, channels: int) -> Tensor:
    """(n, 3, h, w) filters for colour -> (n, channels, h, w) for as many channels.

    Each channel gets the mean of the three colour filters times 3 / channels: an image that is the same in all
    channels is then answered as a grey photograph was.
    """
    return weight if channels == 3 else weight.mean(1, keepdim=True).expand(-1, channels, -1, -1) * (3 / channels)


def read_weights(path: Path, expected: str, name: str, option: str = "weights") -> dict[str, Tensor]:
    """The tensors of a file of weights by name, on the CPU; no code in it is executed.

    As torchvision's files do, its name must end with the first digits of the SHA-256 of its content, so that the name,
    which a run's configuration holds, says which weights were used.

    Args:
        path: `.pth`, or the same names in a `.safetensors`.
        expected: what it should be, for messages: "expected ...".
        name: of the network, for messages: "vgg16".
        option: of the network, through which the file was given; for messages.

    Raises:
        ParameterError: if the file is absent, damaged, not what its name says, or holds no tensors.
    """
    if path.suffix not in (".pth", ".safetensors") or not path.is_file():
        found = "it is neither .pth nor .safetensors" if path.is_file() else "there is no such file"
        raise ParameterError(f"{path}: {found}; {expected}. Download them there, or use {option}=None.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    match = re.fullmatch(r".*-([0-9a-f]{8,64})", path.stem)
    if match is None:
        raise ParameterError(
            f"{path}: its name holds no hash; {expected}. If these are the weights you want, call the file "
            f"{name}-{digest[:8]}{path.suffix}."
        )
    if not digest.startswith(match[1]):
        raise ParameterError(f"{path}: its SHA-256 begins with {digest[:8]}, its name says {match[1]}. Get it again.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, archive and header errors alike: nothing in it can be read
        raise ParameterError(f"{path}: cannot be read ({shorten(str(error), 200)}); {expected}.") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ParameterError(f"{path}: holds no tensors by name but a {type(state).__name__}; {expected}.")
    return dict(state)
