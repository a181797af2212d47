"""SegNet (Badrinarayanan et al. 2017, Figure 2): VGG-16 without its fully-connected layers, and its mirror image.

Each max-pooling remembers where in its 2x2 window the largest value was. The decoder's stage of the same size puts its
values back to those places, zeros between them, and convolutions fill the gaps. No features are passed across, only
two bits a value.

    stage1  2 x conv, 64   ─ pool ────── places ──────► unpool ─ 2 x conv, 64 and the class scores
    stage2  2 x conv, 128    ─ pool ──── places ────► unpool ─ 2 x conv, 128, 64
    stage3  3 x conv, 256      ─ pool ── places ──► unpool ─ 3 x conv, 256, 256, 128
    stage4  3 x conv, 512        ─ pool  places ► unpool ─ 3 x conv, 512, 512, 256
    stage5  3 x conv, 512          ─ pool ─────► unpool ─ 3 x conv, 512

Every convolution is 3x3, normalised over the batch and followed by ReLU, but for the last one, which gives the scores.
"""

from torch import Tensor, nn

from handseg_lib.models import vgg
from handseg_lib.models.blocks import Unpool, pad_to_multiple, start_from_he


class SegNet(nn.Module):
    """Convolutions down and up, joined by the places of the pooled maxima."""

    def __init__(self, in_channels: int = 2, classes: int = 3, width: int = 64, weights: str | None = None) -> None:
        """Build the network, with random weights but for those of a given file.

        Args:
            in_channels: 2 for scaled depth and validity.
            classes: number of output classes, background included.
            width: channels of the first convolution. 64 is the paper's, 16 trains on two cores.
            weights: file of ImageNet weights for the encoder; see `vgg.load_imagenet`.

        Raises:
            ValueError: if a size is not positive.
            ParameterError: if the file of weights cannot be used.
        """
        super().__init__()
        if min(in_channels, classes, width) < 1:
            raise ValueError(f"sizes must be positive, got {in_channels=}, {classes=}, {width=}")
        w = width
        self.encoder = vgg.encoder(in_channels, w, batch_norm=True)
        self.pool = nn.MaxPool2d(2, return_indices=True)
        self.unpool = Unpool()
        self.decoder = nn.Sequential(
            vgg.stage([8 * w, 8 * w, 8 * w, 8 * w], batch_norm=True),  # at 1/16 of the image's size
            vgg.stage([8 * w, 8 * w, 8 * w, 4 * w], batch_norm=True),  # 1/8
            vgg.stage([4 * w, 4 * w, 4 * w, 2 * w], batch_norm=True),  # 1/4
            vgg.stage([2 * w, 2 * w, w], batch_norm=True),  # 1/2
            vgg.stage([w, w], batch_norm=True),  # 1/1
        )
        self.score = nn.Conv2d(w, classes, kernel_size=3, padding=1)
        start_from_he(self)
        self.initialisation = vgg.load_imagenet(self.encoder, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) of any size from 1x1 -> (N, classes, H, W) raw class scores.

        Sizes that are no multiple of 32 are padded and the scores cropped. In training mode a batch needs more than one
        cell at 1/16 of its padded size, which it always has.
        """
        height, width = x.shape[-2:]
        x = pad_to_multiple(x, vgg.STRIDE)
        places = []
        for stage in self.encoder:
            x, index = self.pool(stage(x))  # (N, w .. 8w, H/2 .. H/32, W/2 .. W/32)
            places.append(index)
        for stage in self.decoder:
            x = stage(self.unpool(x, places.pop()))  # (N, 8w .. w, H/16 .. H, W/16 .. W)
        return self.score(x)[..., :height, :width]  # (N, classes, H, W)
