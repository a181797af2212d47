"""DenseAttentionSeg (Bo et al.), Section 4 and Figures 4 and 5: every skip connection is guided by all other levels.

The encoder of DeepLabv3+ gives n = 6 levels. A squeeze block (1x1 and 3x3 convolution) brings each to k = 64 channels.
At level i, the squeezed lower levels are multiplied into the fine attention, the higher ones into the coarse attention;
both act on what the skip connection carries. Six deconvolutions, two of stride 1 and four of stride 2, lead back to
full size.

    level        size  squeezed            attention                    decoder
    1  conv1     1/2   s1                  fine -,      coarse s2..s6   deconv x2, 1x1 ► scores
    2  layer1    1/4   s2                  fine s1,     coarse s3..s6   deconv x2 ► + level 1
    3  layer2    1/8   s3                  fine s1 s2,  coarse s4..s6   deconv x2 ► + level 2
    4  layer3    1/16  s4                  fine s1..s3, coarse s5 s6    deconv x2 ► + level 3
    5  layer4    1/16  s5 (dilated)        fine s1..s4, coarse s6       deconv x1 ► + level 4
    6  ASPP      1/16  s6                  fine s1..s5, coarse -        deconv x1 ► + level 5

What the paper leaves open, and what we decide:

- **Which five levels.** The five sizes and stages of the ResNet, as above: then two deconvolutions of stride 1 and four
  of stride 2 are what it takes to pass all six levels and end at full size.
- **Gathering.** Step by step, as a running product: the product of levels 1 to i - 2, at the size of level i - 1, is
  multiplied by level i - 1 and brought to the size of level i. Neighbours differ by a factor of 1 or 2, so bilinear
  down-sampling is the mean of 2x2 cells and skips nothing, and each level is resized once instead of n times.
- **How the attention acts.** The squeezed level is multiplied by both attentions (`combine="product"`), or all three
  are added (`"sum"`). With `sigmoid`, a gathered product is first squashed to (0, 1), so that it is a weight; without,
  it is used as it is, and may flip the sign of what it acts on.
- **What is squeezed.** One block a level serves both as what the skip connection carries and as what other levels
  gather. Its last convolution is normalised and not rectified: a product of rectified maps is zero nearly everywhere.
- **The decoder.** k channels, 8 at full size; skips are added. All six deconvolutions are 3x3, because the paper tells
  them apart by their stride only; each is normalised and rectified. With 4x4 at stride 2, where no checkerboard can
  arise, and k / 4 channels at full size, the network is slower beside DeepLabv3+ than the paper's ratio of 1.12.
- **ASPP.** Rates 6, 12, 18 and depthwise separable convolutions, as in DeepLabv3+, with 4 k channels.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from handseg_lib.models import encoders
from handseg_lib.models.blocks import pad_to_multiple
from handseg_lib.models.deeplab import RATES, STRIDE  # the same encoder

DECONVOLUTIONS = (1, 1, 2, 2, 2, 2)
"""Strides in the order of the computation, from level 6 up."""

FULL_SIZE = 8
"""Channels after the last deconvolution, at the image's size."""

TABLE3 = {
    "baseline": ("deeplabv3plus", {}),
    "without attention": ("dense_attention", {"attention": "none"}),
    "with attention": ("dense_attention", {"attention": "both"}),
}
"""Rows of the paper's Table 3, by what they are: name in the registry, options."""


class AttentionMaps(NamedTuple):
    """The attentions of all levels, level 1 first, each (N, k, h, w) at its level's size; Figure 7.

    None where a level has none: `fine` of level 1, `coarse` of level 6, and what is switched off. The maps are those
    that act, after the sigmoid if there is one. They belong to the padded image: level i covers 2, 4, 8, 16, 16, 16
    pixels a cell, from the upper left corner.
    """

    fine: tuple[Tensor | None, ...]
    coarse: tuple[Tensor | None, ...]


class DenseAttentionSeg(nn.Module):
    """Encoder of DeepLabv3+, skip connections under dense attention, six deconvolutions."""

    def __init__(
        self,
        in_channels: int = 2,
        classes: int = 3,
        width: int = 64,
        encoder: str = "resnet50",
        attention: Literal["none", "fine", "coarse", "both"] = "both",
        combine: Literal["product", "sum"] = "product",
        sigmoid: bool = True,
        encoder_weights: str | None = None,
    ) -> None:
        """Build the network, with random weights but for those of a given file.

        Args:
            in_channels: 2 for scaled depth and validity.
            classes: number of output classes, background included.
            width: k, the channels of the squeezed levels. 64 is the paper's; 16 with "resnet18" trains on a laptop.
            encoder: "resnet50" is the paper's.
            attention: which of the two act on the skip connections. "none" is the row without attention of Table 3.
            combine: how they act, see above.
            sigmoid: whether a gathered product is squashed to (0, 1) first.
            encoder_weights: file of ImageNet weights; see `encoders.load_imagenet`.

        Raises:
            ValueError: if a size is not positive, or `attention` or `combine` is none of those above.
            ParameterError: for an unknown encoder, or a file of weights that cannot be used.
        """
        # Here, because it takes two seconds and few who import the models build this one.
        from segmentation_models_pytorch.decoders.deeplabv3.decoder import ASPP

        super().__init__()
        if min(in_channels, classes, width) < 1:
            raise ValueError(f"sizes must be positive, got {in_channels=}, {classes=}, {width=}")
        if attention not in ("none", "fine", "coarse", "both") or combine not in ("product", "sum"):
            raise ValueError(
                f"attention is none, fine, coarse or both and combine is product or sum, got {attention=}, {combine=}"
            )
        self.attention, self.combine, self.sigmoid = attention, combine, sigmoid
        self.encoder = encoders.encoder(encoder, in_channels, STRIDE)
        channels = self.encoder.out_channels[1:]
        self.aspp = ASPP(channels[-1], 4 * width, RATES, separable=True, dropout=0.5)
        self.squeeze = nn.ModuleList(squeeze(c, width) for c in (*channels, 4 * width))
        outputs = (*[width] * 5, FULL_SIZE)
        self.deconvolutions = nn.ModuleList(
            deconvolution(width, out, stride) for out, stride in zip(outputs, DECONVOLUTIONS, strict=True)
        )
        self.scores = nn.Conv2d(outputs[-1], classes, kernel_size=1)
        self.initialisation = encoders.load_imagenet(self.encoder, encoder, encoder_weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) of any size from 1x1 -> (N, classes, H, W) raw class scores.

        Sizes that are no multiple of 16 are padded and the scores cropped. In training mode a batch needs at least two
        images, because the ASPP normalises the mean of each over the batch.
        """
        return self.scores_and_maps(x)[0]

    def scores_and_maps(self, x: Tensor) -> tuple[Tensor, AttentionMaps]:
        """Class scores as `forward`, and the attention of every level."""
        height, width = x.shape[-2:]
        squeezed = self.squeezed_levels(pad_to_multiple(x, STRIDE))
        maps = self.attend(squeezed)
        *skips, y = map(self.guide, squeezed, *maps)
        for deconv in self.deconvolutions[:-1]:
            y = deconv(y) + skips.pop()  # (N, k, H/16, W/16) thrice, then 1/8, 1/4, 1/2
        y = self.deconvolutions[-1](y)  # (N, 8, H, W)
        return self.scores(y)[..., :height, :width], maps

    def squeezed_levels(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W), multiples of 16 -> six maps (N, k, h, w): h = H/2, H/4, H/8, H/16, H/16, H/16."""
        levels = self.encoder(x)[1:]
        return [squeeze(level) for squeeze, level in zip(self.squeeze, [*levels, self.aspp(levels[-1])], strict=True)]

    def attend(self, squeezed: Sequence[Tensor]) -> AttentionMaps:
        """The fine and the coarse attention of every level, Section 4.2."""
        nothing: list[Tensor | None] = [None] * len(squeezed)
        fine = running_products(squeezed) if self.attention in ("fine", "both") else nothing
        coarse = running_products(squeezed[::-1])[::-1] if self.attention in ("coarse", "both") else nothing
        return AttentionMaps(*(tuple(m if m is None else self.weight(m) for m in maps) for maps in (fine, coarse)))

    def weight(self, gathered: Tensor) -> Tensor:
        """What a gathered product weighs."""
        return gathered.sigmoid() if self.sigmoid else gathered

    def guide(self, squeezed: Tensor, fine: Tensor | None, coarse: Tensor | None) -> Tensor:
        """What the skip connection carries: (N, k, h, w) of a level, under its attentions."""
        for attention in (fine, coarse):
            if attention is not None:
                squeezed = squeezed * attention if self.combine == "product" else squeezed + attention
        return squeezed


def running_products(maps: Sequence[Tensor]) -> list[Tensor | None]:
    """For each map the product of all before it, at its size; None for the first.

    Args:
        maps: (N, k, h, w) each, of any sizes.
    """
    products: list[Tensor | None] = [None]
    for before, here in pairwise(maps):
        gathered = before if products[-1] is None else products[-1] * before
        products.append(resized(gathered, here.shape[-2:]))
    return products


def resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, C, h, w) -> (N, C, *size), bilinear."""
    return x if x.shape[-2:] == size else F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def squeeze(channels_in: int, channels_out: int) -> nn.Sequential:
    """The paper's SqueezeNet: a 1x1 and a 3x3 convolution. No biases: the norms have them."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel_size=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
        nn.Conv2d(channels_out, channels_out, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
    )


def deconvolution(channels_in: int, channels_out: int, stride: int) -> nn.Sequential:
    """`stride` times the size, 3x3, normalised and rectified."""
    return nn.Sequential(
        nn.ConvTranspose2d(
            channels_in, channels_out, kernel_size=3, stride=stride, padding=1, output_padding=stride - 1, bias=False
        ),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )
