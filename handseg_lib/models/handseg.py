"""The network of HandSeg (Bojja et al.), Section 5.1 and Figure 5: strided convolutions down, deconvolutions up.

Fixed by the paper: an encoder of stride-2 convolutions, a decoder of 4 stride-2 deconvolutions, no pooling or
unpooling anywhere, skip connections from encoder to decoder, batch normalisation, softmax cross-entropy.

Unconfirmed, because only a drawing shows it and no code was released: kernel sizes, channel numbers, activations and
how skips are joined. We take what this recipe (Adam at 2e-4 with beta1 0.5) is known with, DCGAN and pix2pix: 4x4
kernels, 64-128-256-512 channels, leaky ReLU down and ReLU up, skips by concatenation, and a last deconvolution that
gives the class scores without batch normalisation.

One thing speaks for a narrower network: the paper runs in 5 ms on a GTX 980, and `flop_count` finds 41.5 GFLOP for one
640x480 frame at this width, more than that card's 5 TFLOP/s can do in the time. Width 32 needs 10.7 GFLOP.
"""

import torch
from torch import Tensor, nn

from handseg_lib.models.blocks import pad_to_multiple


class HandSegNet(nn.Module):
    """Strided encoder and decoder with skips, HandSeg Figure 5."""

    def __init__(self, in_channels: int = 2, classes: int = 3, width: int = 64) -> None:
        """Build the network with random weights.

        Args:
            in_channels: 2 for scaled depth and validity.
            classes: number of output classes, background included.
            width: channels of the first convolution; the deepest has 8 times as many. 64 is our reading of the
                paper, 32 trains on a laptop.
        """
        super().__init__()
        if min(in_channels, classes, width) < 1:
            raise ValueError(f"sizes must be positive, got {in_channels=}, {classes=}, {width=}")
        w = width
        self.down1 = down(in_channels, w)
        self.down2 = down(w, 2 * w)
        self.down3 = down(2 * w, 4 * w)
        self.down4 = down(4 * w, 8 * w)
        self.up4 = up(8 * w, 4 * w)
        self.up3 = up(4 * w + 4 * w, 2 * w)
        self.up2 = up(2 * w + 2 * w, w)
        self.up1 = nn.ConvTranspose2d(w + w, classes, kernel_size=4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) of any size from 1x1 -> (N, classes, H, W) raw class scores.

        Sizes that are no multiple of 16 are padded and the scores cropped. In training mode a batch needs more than
        one cell at 1/16 of its size, because batch normalisation cannot normalise a single value.
        """
        height, width = x.shape[-2:]
        x = pad_to_multiple(x, 16)
        d1 = self.down1(x)  # (N, w, H/2, W/2)
        d2 = self.down2(d1)  # (N, 2w, H/4, W/4)
        d3 = self.down3(d2)  # (N, 4w, H/8, W/8)
        d4 = self.down4(d3)  # (N, 8w, H/16, W/16)
        y = self.up4(d4)  # (N, 4w, H/8, W/8)
        y = self.up3(torch.cat([y, d3], dim=1))  # (N, 2w, H/4, W/4)
        y = self.up2(torch.cat([y, d2], dim=1))  # (N, w, H/2, W/2)
        y = self.up1(torch.cat([y, d1], dim=1))  # (N, classes, H, W)
        return y[..., :height, :width]


def down(channels_in: int, channels_out: int) -> nn.Sequential:
    """Half the size: a stride-2 convolution learns what pooling would throw away. No bias: the norm has one."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel_size=4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.LeakyReLU(0.2),
    )


def up(channels_in: int, channels_out: int) -> nn.Sequential:
    """Double the size: a stride-2 deconvolution; the kernel is a multiple of the stride, so no checkerboard."""
    return nn.Sequential(
        nn.ConvTranspose2d(channels_in, channels_out, kernel_size=4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )
