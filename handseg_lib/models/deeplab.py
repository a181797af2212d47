"""DeepLabv3+ (Chen et al. 2018), Figure 2, as `segmentation_models_pytorch` builds it: DenseAttentionSeg's baseline.

    image ─ ResNet, output stride 16 ──► ASPP ─ 3x3 ─ x4 ─┐
                └ layer1, 1/4 ─ 1x1, 48 channels ─────────┴ concatenate ─ 3x3 ─ 1x1 ─ x4 ► scores

ASPP, "atrous spatial pyramid pooling", looks at the deepest features at five scales in parallel: a 1x1 convolution, 3x3
convolutions with three dilations, and the mean over the image. All 3x3 convolutions after the encoder are depthwise
separable. We take ResNet-50 (the paper that we follow says "Resnet-50, OS-16") and dilations 6, 12, 18, those that
Chen et al. use at this output stride; the library's own are 12, 24, 36.
"""

from torch import Tensor, nn

from handseg_lib.models import encoders
from handseg_lib.models.blocks import pad_to_multiple

STRIDE = 16
"""The output stride: the deepest features are this much smaller than the image."""

RATES = (6, 12, 18)
"""Dilations of the ASPP."""


class DeepLabV3Plus(nn.Module):
    """DeepLabv3+ with output stride 16."""

    def __init__(
        self,
        in_channels: int = 2,
        classes: int = 3,
        width: int = 256,
        encoder: str = "resnet50",
        encoder_weights: str | None = None,
    ) -> None:
        """Build the network, with random weights but for those of a given file.

        Args:
            in_channels: 2 for scaled depth and validity.
            classes: number of output classes, background included.
            width: channels of the ASPP and the decoder. 256 is the paper's; 64 with "resnet18" trains on a laptop.
            encoder: "resnet50" or another ResNet.
            encoder_weights: file of ImageNet weights; see `encoders.load_imagenet`.

        Raises:
            ValueError: if a size is not positive.
            ParameterError: for an unknown encoder, or a file of weights that cannot be used.
        """
        # Here, because it takes two seconds and few who import the models build this one.
        from segmentation_models_pytorch.base import SegmentationHead, initialization
        from segmentation_models_pytorch.decoders.deeplabv3.decoder import DeepLabV3PlusDecoder

        super().__init__()
        if min(in_channels, classes, width) < 1:
            raise ValueError(f"sizes must be positive, got {in_channels=}, {classes=}, {width=}")
        self.encoder = encoders.encoder(encoder, in_channels, STRIDE)
        self.decoder = DeepLabV3PlusDecoder(
            encoder_channels=self.encoder.out_channels,
            encoder_depth=5,
            out_channels=width,
            atrous_rates=RATES,
            output_stride=STRIDE,
            aspp_separable=True,
            aspp_dropout=0.5,
        )
        self.scores = SegmentationHead(width, classes, kernel_size=1, upsampling=4)
        initialization.initialize_decoder(self.decoder)
        initialization.initialize_head(self.scores)
        self.initialisation = encoders.load_imagenet(self.encoder, encoder, encoder_weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) of any size from 1x1 -> (N, classes, H, W) raw class scores.

        Sizes that are no multiple of 16 are padded and the scores cropped. In training mode a batch needs at least two
        images, because the ASPP normalises the mean of each over the batch.
        """
        height, width = x.shape[-2:]
        features = self.encoder(pad_to_multiple(x, STRIDE))  # sizes H, H/2, H/4, H/8, H/16, H/16
        y = self.decoder(features)  # (N, width, H/4, W/4)
        return self.scores(y)[..., :height, :width]
