"""DeconvNet (Noh et al. 2015, Figure 2): VGG-16 with its fully-connected layers, and the mirror image of all of it.

    conv1 ─ pool ──────────────────── places ───────────────────► unpool ─ deconv1 ─ score
    conv2   ─ pool ────────────────── places ─────────────────► unpool ─ deconv2
    conv3     ─ pool ──────────────── places ───────────────► unpool ─ deconv3
    conv4       ─ pool ────────────── places ─────────────► unpool ─ deconv4
    conv5         ─ pool ──────────── places ───────────► unpool ─ deconv5
    middle                ─ fc6 (7x7) ─ fc7 ─ deconv-fc6 (7x7) ─

The middle squeezes the whole 224x224 image, 7x7 cells after five poolings, into one cell of 4096 numbers, and a 7x7
deconvolution draws 7x7 cells from it again. Every layer is normalised over the batch and followed by ReLU, but for the
last 1x1 convolution, which scores the classes. HandSeg counts 15 deconvolution layers; the paper's own table has
these 14 and that convolution.

**Inputs of other sizes.** fc6 is a convolution without padding, as in the paper. Where the last features have fewer
than 7x7 cells (an image of 96x128 has 3x4), zeros surround them, evenly on all sides, until it fits: one number vector
then still describes the whole image, and what deconv-fc6 draws is cropped to the cells that there are. Where they have
more (480x640 has 15x20), fc6 slides over them, as FCN's does, and the drawings of neighbouring places add up where
they overlap. At 224x224 both are the paper's network.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from handseg_lib.models import vgg
from handseg_lib.models.blocks import Unpool, pad_to_multiple, start_from_he

MIDDLE = 7
"""Cells along each side of what fc6 sees at once."""


class DeconvNet(nn.Module):
    """VGG-16 and its mirror image, with a fully-connected middle."""

    def __init__(
        self,
        in_channels: int = 2,
        classes: int = 3,
        width: int = 64,
        fc: int | None = None,
        weights: str | None = None,
    ) -> None:
        """Build the network, with random weights but for those of a given file.

        Args:
            in_channels: 2 for scaled depth and validity.
            classes: number of output classes, background included.
            width: channels of the first convolution. 64 is the paper's, 16 trains on two cores.
            fc: channels of fc6 and fc7; None takes 64 times `width`, the paper's 4096 at its width of 64.
            weights: file of ImageNet weights for the encoder and the middle; see `vgg.load_imagenet`.

        Raises:
            ValueError: if a size is not positive.
            ParameterError: if the file of weights cannot be used.
        """
        super().__init__()
        fc = 64 * width if fc is None else fc
        if min(in_channels, classes, width, fc) < 1:
            raise ValueError(f"sizes must be positive, got {in_channels=}, {classes=}, {width=}, {fc=}")
        w = width
        self.encoder = vgg.encoder(in_channels, w, batch_norm=True)
        self.pool = nn.MaxPool2d(2, return_indices=True)
        self.fc6 = normalised(nn.Conv2d(8 * w, fc, kernel_size=MIDDLE))
        self.fc7 = normalised(nn.Conv2d(fc, fc, kernel_size=1))
        self.deconv_fc6 = normalised(nn.ConvTranspose2d(fc, 8 * w, kernel_size=MIDDLE))
        self.unpool = Unpool()
        self.decoder = nn.Sequential(
            deconvolutions(8 * w, 8 * w, 8 * w, 8 * w),  # deconv5, at 1/16 of the image's size
            deconvolutions(8 * w, 8 * w, 8 * w, 4 * w),  # deconv4, 1/8
            deconvolutions(4 * w, 4 * w, 4 * w, 2 * w),  # deconv3, 1/4
            deconvolutions(2 * w, 2 * w, w),  # deconv2, 1/2
            deconvolutions(w, w, w),  # deconv1, 1/1
        )
        self.score = nn.Conv2d(w, classes, kernel_size=1)
        start_from_he(self)
        self.initialisation = vgg.load_imagenet(self.encoder, weights, self.fc6[0], self.fc7[0])

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) of any size from 1x1 -> (N, classes, H, W) raw class scores.

        Sizes that are no multiple of 32 are padded and the scores cropped. In training mode a batch needs more than one
        image, or images larger than 224x224: batch normalisation cannot normalise the one cell of the middle.
        """
        height, width = x.shape[-2:]
        x = pad_to_multiple(x, vgg.STRIDE)
        places = []
        for stage in self.encoder:
            x, index = self.pool(stage(x))  # (N, w .. 8w, H/2 .. H/32, W/2 .. W/32)
            places.append(index)
        x = self.middle(x)  # (N, 8w, H/32, W/32)
        for stage in self.decoder:
            x = stage(self.unpool(x, places.pop()))  # (N, 8w .. w, H/16 .. H, W/16 .. W)
        return self.score(x)[..., :height, :width]  # (N, classes, H, W)

    def middle(self, x: Tensor) -> Tensor:
        """(N, 8w, h, w) -> the same shape, by way of (N, fc, h', w') with h' = max(h, 7) - 6 and w' alike."""
        rows, columns = x.shape[-2:]
        above, left = max(0, MIDDLE - rows) // 2, max(0, MIDDLE - columns) // 2
        below, right = max(0, MIDDLE - rows) - above, max(0, MIDDLE - columns) - left
        x = F.pad(x, (left, right, above, below))
        x = self.deconv_fc6(self.fc7(self.fc6(x)))
        return x[..., above : above + rows, left : left + columns]


def normalised(layer: nn.Conv2d | nn.ConvTranspose2d) -> nn.Sequential:
    """A layer, its batch normalisation and ReLU."""
    return nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels), nn.ReLU())


def deconvolutions(*channels: int) -> nn.Sequential:
    """(N, channels[0], H, W) -> (N, channels[-1], H, W): normalised 3x3 deconvolutions of stride 1."""
    layers = (nn.ConvTranspose2d(i, o, kernel_size=3, padding=1) for i, o in pairwise(channels))
    return nn.Sequential(*map(normalised, layers))
