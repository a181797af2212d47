"""RefineNet (Lin et al. 2017), Figures 2 and 3: coarse features are refined by finer ones, block after block.

    layer4 1/32 ─ 3x3 ─ block 4 ─┐
    layer3 1/16 ─ 3x3 ───────── block 3 ─┐
    layer2 1/8 ── 3x3 ───────────────── block 2 ─┐
    layer1 1/4 ── 3x3 ───────────────────────── block 1 ─ 3x3 ► scores at 1/4, interpolated to full size

A block is four things in a row:

- **residual convolution units** (RCU), two on each input: x + conv(relu(conv(relu(x)))), 3x3. Those on the coarser
  input stand at the end of the block that it comes from, where nothing else lies between;
- **fusion**: a 3x3 convolution on each input, both brought to the finer size, and added (nothing, for one input);
- **chained residual pooling**: ReLU, then a chain of 5x5 max-pooling (stride 1) and 3x3 convolution; what every link
  gives is added;
- **output**: one more RCU, and the two of the next block's input; after block 1, the two that the paper puts before
  the scores.

After the encoder nothing is normalised. Channels: 512 in block 4, 256 after it. A chain has four links, as in the
released network; the paper draws two. Dropout of one half acts on the two deepest features and before the scores.

Lin et al. use ResNet-101; DenseAttentionSeg, whose baseline this is, does not say. We take ResNet-50, as for the other
networks of its Table 2.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from handseg_lib.models import encoders
from handseg_lib.models.blocks import pad_to_multiple, start_from_he

STRIDE = 32
"""The deepest features are this much smaller than the image."""


class RefineNet(nn.Module):
    """Four refinement blocks on a ResNet."""

    def __init__(
        self,
        in_channels: int = 2,
        classes: int = 3,
        width: int = 256,
        links: int = 4,
        encoder: str = "resnet50",
        encoder_weights: str | None = None,
    ) -> None:
        """Build the network, with random weights but for those of a given file.

        Args:
            in_channels: 2 for scaled depth and validity.
            classes: number of output classes, background included.
            width: channels of blocks 3 to 1; block 4 has twice as many. 256 is the paper's; 32 with "resnet18" trains
                on a laptop.
            links: of each chain of pooling.
            encoder: "resnet50" or another ResNet.
            encoder_weights: file of ImageNet weights; see `encoders.load_imagenet`.

        Raises:
            ValueError: if a size is not positive.
            ParameterError: for an unknown encoder, or a file of weights that cannot be used.
        """
        super().__init__()
        if min(in_channels, classes, width, links) < 1:
            raise ValueError(f"sizes must be positive, got {in_channels=}, {classes=}, {width=}, {links=}")
        network = encoders.encoder(encoder, in_channels)
        deepest_first = network.out_channels[:1:-1]  # layer4 to layer1
        widths = (2 * width, width, width, width)
        self.reduce = nn.ModuleList(convolution(c, w) for c, w in zip(deepest_first, widths, strict=True))
        coarser = (None, 2 * width, width, width)
        self.blocks = nn.ModuleList(RefineBlock(w, c, links) for w, c in zip(widths, coarser, strict=True))
        self.dropout = nn.Dropout(0.5)
        self.scores = nn.Conv2d(width, classes, kernel_size=3, padding=1)
        start_from_he(self)
        for module in self.modules():
            if isinstance(module, ResidualUnit):
                module.second.weight.data.mul_(0.1)  # without normalisation, a chain of residuals must start small
            elif isinstance(module, ChainedPooling):
                for link in module.links:
                    link.weight.data.mul_(0.1)
        self.encoder = network
        self.initialisation = encoders.load_imagenet(self.encoder, encoder, encoder_weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) of any size from 1x1 -> (N, classes, H, W) raw class scores.

        Sizes that are no multiple of 32 are padded and the scores cropped. In training mode a batch needs more than one
        cell at 1/32 of its size, because batch normalisation cannot normalise a single value.
        """
        height, width = x.shape[-2:]
        padded = pad_to_multiple(x, STRIDE)
        layer1, layer2, layer3, layer4 = self.encoder(padded)[2:]
        y = None
        for reduce, block, feature in zip(
            self.reduce, self.blocks, (self.dropout(layer4), self.dropout(layer3), layer2, layer1), strict=True
        ):
            y = block(reduce(feature), y)  # (N, 512, H/32, W/32), then (N, 256, H/16 .. H/4, W/16 .. W/4)
        y = self.scores(self.dropout(y))  # (N, classes, H/4, W/4)
        return F.interpolate(y, size=padded.shape[-2:], mode="bilinear", align_corners=False)[..., :height, :width]


class RefineBlock(nn.Module):
    """A block of Figure 3: RCUs, fusion, chained pooling, RCUs."""

    def __init__(self, channels: int, coarser: int | None, links: int) -> None:
        """Channels of the block; of the coarser block's output, None for the first block; links of the pooling."""
        super().__init__()
        self.units = nn.Sequential(ResidualUnit(channels), ResidualUnit(channels))
        self.fuse = self.fuse_coarser = None
        if coarser is not None:
            self.fuse, self.fuse_coarser = convolution(channels, channels), convolution(coarser, channels)
        self.pooling = ChainedPooling(channels, links)
        self.output = nn.Sequential(*(ResidualUnit(channels) for _ in range(3)))

    def forward(self, x: Tensor, coarser: Tensor | None = None) -> Tensor:
        """(N, channels, h, w) and the coarser block's output, of any size -> (N, channels, h, w)."""
        y = self.units(x)
        if self.fuse is not None:
            up = self.fuse_coarser(coarser)
            y = self.fuse(y) + F.interpolate(up, size=y.shape[-2:], mode="bilinear", align_corners=False)
        return self.output(self.pooling(y))


class ResidualUnit(nn.Module):
    """RCU: x + conv(relu(conv(relu(x)))); the second convolution has no bias."""

    def __init__(self, channels: int) -> None:
        """Same number of channels in, between and out."""
        super().__init__()
        self.first = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.second = convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) -> the same shape."""
        return x + self.second(F.relu(self.first(F.relu(x))))


class ChainedPooling(nn.Module):
    """Context by a chain: each link pools what the one before gave, and adds its result."""

    def __init__(self, channels: int, links: int) -> None:
        """Channels in and out; number of links."""
        super().__init__()
        self.pool = nn.MaxPool2d(5, stride=1, padding=2)
        self.links = nn.ModuleList(convolution(channels, channels) for _ in range(links))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) -> the same shape."""
        y = chained = F.relu(x)
        for link in self.links:
            chained = link(self.pool(chained))
            y = y + chained
        return y


def convolution(channels_in: int, channels_out: int) -> nn.Conv2d:
    """3x3, same size, no bias."""
    return nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1, bias=False)
