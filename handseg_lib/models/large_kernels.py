"""Large Kernel Matters (Peng et al. 2017), Figure 2: each of four scales is classified with a large window.

    layer4 1/32 ─ GCN ─ BR ─ x2 ─┐
    layer3 1/16 ─ GCN ─ BR ───── + ─ BR ─ x2 ─┐
    layer2 1/8 ── GCN ─ BR ────────────────── + ─ BR ─ x2 ─┐
    layer1 1/4 ── GCN ─ BR ─────────────────────────────── + ─ BR ─ x2 ─ BR ─ x2 ─ BR ► scores

GCN, the global convolution, sees k x k cells at the cost of 2k: the sum of a column after a row and a row after a
column, without activations. BR, boundary refinement, adds what two 3x3 convolutions find amiss. x2 is a deconvolution;
it starts as bilinear interpolation and learns.

Everything after the encoder has as many channels as there are classes, 21 in its paper. With the three classes of ours
that is a narrow path, so `width` can widen it; a 1x1 convolution then gives the scores.

Peng et al. use ResNet-152 and find k = 15 best; DenseAttentionSeg, whose baseline this is, says k = 9 and nothing of
the encoder. We take ResNet-50, as for the other networks of its Table 2.
"""

from torch import Tensor, nn

from handseg_lib.models import encoders
from handseg_lib.models.blocks import BilinearUpsampling, pad_to_multiple, start_from_he

STRIDE = 32
"""The deepest features are this much smaller than the image."""


class LargeKernels(nn.Module):
    """Global convolutions with boundary refinement."""

    def __init__(
        self,
        in_channels: int = 2,
        classes: int = 3,
        width: int | None = None,
        kernel: int = 9,
        encoder: str = "resnet50",
        encoder_weights: str | None = None,
    ) -> None:
        """Build the network, with random weights but for those of a given file.

        Args:
            in_channels: 2 for scaled depth and validity.
            classes: number of output classes, background included.
            width: channels of everything after the encoder; None takes as many as classes.
            kernel: k, odd: side of the global convolution's window, in cells.
            encoder: "resnet50" or another ResNet.
            encoder_weights: file of ImageNet weights; see `encoders.load_imagenet`.

        Raises:
            ValueError: if a size is not positive, or the kernel is even.
            ParameterError: for an unknown encoder, or a file of weights that cannot be used.
        """
        super().__init__()
        width_given, width = width is not None, classes if width is None else width
        if min(in_channels, classes, width, kernel) < 1 or kernel % 2 == 0:
            raise ValueError(
                f"sizes must be positive and the kernel odd, got {in_channels=}, {classes=}, {width=}, {kernel=}"
            )
        self.global_convolutions = nn.ModuleList()
        network = encoders.encoder(encoder, in_channels)
        for channels in network.out_channels[2:]:  # layer1 to layer4
            self.global_convolutions.append(GlobalConvolution(channels, width, kernel))
        self.refine_scale = nn.ModuleList(BoundaryRefinement(width) for _ in range(4))
        self.refine_sum = nn.ModuleList(BoundaryRefinement(width) for _ in range(3))
        self.refine_fine = nn.ModuleList(BoundaryRefinement(width) for _ in range(2))
        self.upsample = nn.ModuleList(BilinearUpsampling(width, 2) for _ in range(5))
        self.scores = nn.Conv2d(width, classes, kernel_size=1) if width_given else nn.Identity()
        start_from_he(self)
        self.upsample.requires_grad_(True)
        for module in self.modules():
            if isinstance(module, BoundaryRefinement):
                module.second.weight.data.mul_(0.1)  # a refinement starts small
        self.encoder = network
        self.initialisation = encoders.load_imagenet(self.encoder, encoder, encoder_weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) of any size from 1x1 -> (N, classes, H, W) raw class scores.

        Sizes that are no multiple of 32 are padded and the scores cropped. In training mode a batch needs more than one
        cell at 1/32 of its size, because batch normalisation cannot normalise a single value.
        """
        height, width = x.shape[-2:]
        features = self.encoder(pad_to_multiple(x, STRIDE))[2:]  # (N, 256 .. 2048, H/4 .. H/32, W/4 .. W/32)
        branches = zip(self.global_convolutions, self.refine_scale, features, strict=True)
        scales = [refine(convolve(f)) for convolve, refine, f in branches]  # (N, width, H/4 .. H/32, W/4 .. W/32)
        y = scales.pop()
        for upsample, refine in zip(self.upsample[:3], self.refine_sum, strict=True):
            y = refine(upsample(y) + scales.pop())  # 1/16, 1/8, 1/4
        for upsample, refine in zip(self.upsample[3:], self.refine_fine, strict=True):
            y = refine(upsample(y))  # 1/2, 1/1
        return self.scores(y)[..., :height, :width]


class GlobalConvolution(nn.Module):
    """A dense k x k window in two separable halves (Figure 3 B): k x 1 then 1 x k, plus 1 x k then k x 1."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int) -> None:
        """`kernel` is odd; the filter of a pair of channels has at most rank 2 x `channels_out`."""
        super().__init__()
        tall, wide, half = (kernel, 1), (1, kernel), kernel // 2
        self.tall_wide = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, tall, padding=(half, 0)),
            nn.Conv2d(channels_out, channels_out, wide, padding=(0, half)),
        )
        self.wide_tall = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, wide, padding=(0, half)),
            nn.Conv2d(channels_out, channels_out, tall, padding=(half, 0)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, h, w) -> (N, channels_out, h, w)."""
        return self.tall_wide(x) + self.wide_tall(x)


class BoundaryRefinement(nn.Module):
    """S + R(S): scores, corrected by 3x3 convolution, ReLU, 3x3 convolution (Figure 2 C)."""

    def __init__(self, channels: int) -> None:
        """Same number of channels in, between and out."""
        super().__init__()
        self.first = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.activation = nn.ReLU()
        self.second = nn.Conv2d(channels, channels, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) -> the same shape."""
        return x + self.second(self.activation(self.first(x)))
