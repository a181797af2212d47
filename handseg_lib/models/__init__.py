"""Architectures, one file each, and the one registry of them.

`create("handseg", width=32)` builds one. Every model maps (N, in_channels, H, W) to raw class scores (N, classes, H, W)
of the same height and width, for any size.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from handseg_lib.errors import ParameterError
from handseg_lib.models.deconvnet import DeconvNet
from handseg_lib.models.deeplab import DeepLabV3Plus
from handseg_lib.models.dense_attention import DenseAttentionSeg
from handseg_lib.models.fcn import FCN
from handseg_lib.models.forest import Forest
from handseg_lib.models.handseg import HandSegNet
from handseg_lib.models.large_kernels import LargeKernels
from handseg_lib.models.refinenet import RefineNet
from handseg_lib.models.segnet import SegNet
from handseg_lib.models.unet import UNet

__all__ = [
    "FCN",
    "MODELS",
    "Architecture",
    "DeconvNet",
    "DeepLabV3Plus",
    "DenseAttentionSeg",
    "Forest",
    "HandSegNet",
    "LargeKernels",
    "RefineNet",
    "SegNet",
    "UNet",
    "create",
    "flop_count",
    "parameter_count",
]


@dataclass(frozen=True)
class Architecture:
    """An entry of the registry.

    Attributes:
        build: makes the module; its keyword arguments are the options of `create`.
        source: paper and section it follows.
    """

    build: Callable[..., nn.Module]
    source: str


MODELS: dict[str, Architecture] = {
    "handseg": Architecture(HandSegNet, "HandSeg (Bojja et al.), Section 5.1, Figure 5"),
    "forest": Architecture(Forest, "HandSeg (Bojja et al.), Section 6.1; Shotton et al. 2011, Eq. 1"),
    "fcn": Architecture(FCN, "FCN (Long et al. 2015), Figure 3, on VGG-16"),
    "segnet": Architecture(SegNet, "SegNet (Badrinarayanan et al. 2017), Figure 2"),
    "deconvnet": Architecture(DeconvNet, "DeconvNet (Noh et al. 2015), Figure 2"),
    "dense_attention": Architecture(DenseAttentionSeg, "DenseAttentionSeg (Bo et al.), Section 4, Figures 4 and 5"),
    "large_kernels": Architecture(LargeKernels, "Large Kernel Matters (Peng et al. 2017), Figure 2"),
    "refinenet": Architecture(RefineNet, "RefineNet (Lin et al. 2017), Figures 2 and 3"),
    "deeplabv3plus": Architecture(DeepLabV3Plus, "DeepLabv3+ (Chen et al. 2018), Figure 2, with output stride 16"),
    "unet": Architecture(UNet, "U-Net (Ronneberger et al. 2015) with a ResNet encoder, as in ETHand, Section 3"),
}
"""Every architecture by the name that runs and tables use."""


def create(name: str, **options: Any) -> nn.Module:
    """Build a model of the registry with random weights.

    Raises:
        ParameterError: for a name or an option that does not exist; the message lists the right ones.
    """
    if name not in MODELS:
        raise ParameterError(f"there is no model {name!r}; choose one of {', '.join(sorted(MODELS))}")
    known = inspect.signature(MODELS[name].build).parameters
    wrong = sorted(set(options) - set(known))
    if wrong:
        raise ParameterError(f"model {name!r} has no option {', '.join(wrong)}; it has {', '.join(known)}")
    return MODELS[name].build(**options)


def parameter_count(model: nn.Module) -> int:
    """Number of trainable numbers in a model."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def flop_count(model: nn.Module, size: tuple[int, int], in_channels: int = 2) -> int:
    """Floating-point operations of one forward pass of one image; a multiplication and its addition count as two.

    Args:
        model: left as it was found (mode, device, weights).
        size: (height, width) of the input.
        in_channels: channels of the input.

    Raises:
        ParameterError: for a model without parameters, such as the random forest: it compares and does not multiply.
    """
    training = model.training
    parameter = next(model.parameters(), None)
    if parameter is None:
        raise ParameterError(f"{type(model).__name__} has no parameters, so there are no multiplications to count")
    x = torch.zeros(1, in_channels, *size, device=parameter.device, dtype=parameter.dtype)
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model.eval()(x)
    finally:
        model.train(training)
    return counter.get_total_flops()
