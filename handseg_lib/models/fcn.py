"""Fully convolutional networks (Long et al. 2015, Figure 3): VGG-16 turned into a segmenter, FCN-32s, 16s and 8s.

VGG-16's fully-connected layers become convolutions over its last features: fc6 one of 7x7, fc7 one of 1x1. A 1x1
convolution then scores the classes in each cell of 32x32 pixels, and interpolation brings the scores to full size.

    pool5 ─ fc6 ─ fc7 ─ score ──── x32 ───────────────────────────► FCN-32s
                          └── x2 ── + ──── x16 ───────────────────► FCN-16s
    pool4 ─────────── score_pool4 ──┘ └── x2 ── + ──── x8 ────────► FCN-8s
    pool3 ─────────────────────── score_pool3 ──┘

What we decide, and why:

- **Padding.** The published networks pad the image by 100 pixels, so that fc6 fits even a small one, and crop the
  scores by offsets counted by hand. We bring the size to a multiple of 32 (`pad_to_multiple`) and let fc6 see three
  cells of zeros beyond the border; then every layer's size is a multiple of the next one's and nothing is cropped
  inside the network.
- **Interpolation.** Deconvolutions with bilinear weights that do not learn, as in the published networks; the paper's
  text lets all but the last one learn, and HandSeg says that this decoder is not learnt.
- **Training.** The paper trains 32s first and adds the skips to it, each starting at zero. We train each stride by
  itself, its scores starting at zero.
"""

from torch import Tensor, nn

from handseg_lib.models import vgg
from handseg_lib.models.blocks import BilinearUpsampling, pad_to_multiple, start_from_he


class FCN(nn.Module):
    """FCN-32s, FCN-16s or FCN-8s on VGG-16."""

    def __init__(
        self,
        in_channels: int = 2,
        classes: int = 3,
        stride: int = 32,
        width: int = 64,
        fc: int | None = None,
        batch_norm: bool = False,
        weights: str | None = None,
    ) -> None:
        """Build the network, with random weights but for those of a given file.

        Args:
            in_channels: 2 for scaled depth and validity.
            classes: number of output classes, background included.
            stride: of the finest scores: 32, or 16 with a skip from pool4, or 8 with one from pool3 as well.
            width: channels of the first convolution. 64 is VGG-16; 16 trains on two cores.
            fc: channels of fc6 and fc7; None takes 64 times `width`, VGG-16's 4096 at its width of 64.
            batch_norm: normalise in the encoder, which the published network does not do: it starts from ImageNet's
                weights. From random ones it hardly learns without.
            weights: file of ImageNet weights; see `vgg.load_imagenet`.

        Raises:
            ValueError: if a size is not positive, or the stride none of the three.
            ParameterError: if the file of weights cannot be used.
        """
        super().__init__()
        fc = 64 * width if fc is None else fc
        if min(in_channels, classes, width, fc) < 1:
            raise ValueError(f"sizes must be positive, got {in_channels=}, {classes=}, {width=}, {fc=}")
        if stride not in (32, 16, 8):
            raise ValueError(f"stride must be 32, 16 or 8, got {stride=}")
        self.stride = stride
        self.encoder = vgg.encoder(in_channels, width, batch_norm)
        self.pool = nn.MaxPool2d(2)
        self.fc6 = nn.Conv2d(8 * width, fc, kernel_size=7, padding=3)
        self.fc7 = nn.Conv2d(fc, fc, kernel_size=1)
        self.activation, self.dropout = nn.ReLU(), nn.Dropout(0.5)
        self.score = nn.Conv2d(fc, classes, kernel_size=1)
        if stride <= 16:
            self.score_pool4 = nn.Conv2d(8 * width, classes, kernel_size=1)
            self.upscore2 = BilinearUpsampling(classes, 2)
        if stride == 8:
            self.score_pool3 = nn.Conv2d(4 * width, classes, kernel_size=1)
            self.upscore_pool4 = BilinearUpsampling(classes, 2)
        self.upscore = BilinearUpsampling(classes, stride)
        start_from_he(self)
        for name, layer in self.named_children():
            if name.startswith("score"):
                nn.init.zeros_(layer.weight)
        self.initialisation = vgg.load_imagenet(self.encoder, weights, self.fc6, self.fc7)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) of any size from 1x1 -> (N, classes, H, W) raw class scores.

        Sizes that are no multiple of 32 are padded and the scores cropped.
        """
        height, width = x.shape[-2:]
        x = pad_to_multiple(x, vgg.STRIDE)
        pooled = []
        for stage in self.encoder:
            x = self.pool(stage(x))
            pooled.append(x)  # (N, 64 .. 512, H/2 .. H/32, W/2 .. W/32) at the width of 64
        pool3, pool4 = pooled[2:4]
        x = self.dropout(self.activation(self.fc6(x)))  # (N, fc, H/32, W/32)
        x = self.dropout(self.activation(self.fc7(x)))  # (N, fc, H/32, W/32)
        y = self.score(x)  # (N, classes, H/32, W/32)
        if self.stride <= 16:
            y = self.upscore2(y) + self.score_pool4(pool4)  # (N, classes, H/16, W/16)
        if self.stride == 8:
            y = self.upscore_pool4(y) + self.score_pool3(pool3)  # (N, classes, H/8, W/8)
        return self.upscore(y)[..., :height, :width]  # (N, classes, H, W)
