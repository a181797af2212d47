"""U-Net (Ronneberger et al. 2015) on a residual encoder (He et al. 2016), for colour images.

Built from parts of `segmentation_models_pytorch`, the library that ETHand trains its networks with: a ResNet halves the
image five times; a decoder doubles it five times, each time joining the encoder's features of that size, with two 3x3
convolutions, batch normalisation and ReLU; one more 3x3 convolution gives the class scores.

    image   H    ──────────────────────────────► up5 ► scores
    stem    H/2  64 ───────────────────────► up4
    layer1  H/4  64 ─────────────────► up3
    layer2  H/8  128 ──────────► up2
    layer3  H/16 256 ──► up1
    layer4  H/32 512 ──►
"""

from torch import Tensor, nn

from handseg_lib.models import encoders
from handseg_lib.models.blocks import pad_to_multiple

STRIDE = 32
"""The deepest features are this much smaller than the image."""


class UNet(nn.Module):
    """U-Net with a ResNet encoder."""

    def __init__(
        self,
        in_channels: int = 3,
        classes: int = 2,
        width: int = 16,
        encoder: str = "resnet18",
        encoder_weights: str | None = None,
    ) -> None:
        """Build the network, with random weights but for those of a given file.

        Args:
            in_channels: 3 for normalised red, green and blue.
            classes: number of output classes, background included.
            width: channels of the decoder at full size; its five levels have 16, 8, 4, 2 and 1 times as many. 16 is
                the library's default, 8 trains on a laptop.
            encoder: name of an encoder of `segmentation_models_pytorch`.
            encoder_weights: file of ImageNet weights as torchvision publishes them, for instance
                `resnet18-f37072fd.pth`. Nothing is ever downloaded.

        Raises:
            ValueError: if a size is not positive.
            ParameterError: for an unknown encoder, or a file of weights that cannot be used (`encoders.load_imagenet`).
        """
        # Here, because it takes two seconds and few who import the models build this one.
        from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder

        super().__init__()
        if min(in_channels, classes, width) < 1:
            raise ValueError(f"sizes must be positive, got {in_channels=}, {classes=}, {width=}")
        self.encoder = encoders.encoder(encoder, in_channels)
        self.decoder = UnetDecoder(self.encoder.out_channels, [width * k for k in (16, 8, 4, 2, 1)], use_norm=True)
        self.scores = nn.Conv2d(width, classes, kernel_size=3, padding=1)
        for module in self.decoder.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        self.initialisation = encoders.load_imagenet(self.encoder, encoder, encoder_weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) of any size from 1x1 -> (N, classes, H, W) raw class scores.

        Sizes that are no multiple of 32 are padded with zeros, the mean colour, and the scores cropped. In training
        mode a batch needs more than one cell at 1/32 of its size, because batch normalisation cannot normalise a single
        value.
        """
        height, width = x.shape[-2:]
        features = self.encoder(pad_to_multiple(x, STRIDE))  # sizes H, H/2, ..., H/32
        y = self.decoder(features)  # (N, width, H, W)
        return self.scores(y)[..., :height, :width]
