"""Drawings of residual networks: which of the many links are kept."""

import pytest
import torch

from handseg_lib import diagrams, models
from handseg_lib.residual_diagrams import one_skip_a_size


def traced(name: str, **options) -> diagrams.Diagram:
    with torch.device("meta"):
        network = models.create(name, encoder="resnet18", **options)
    return diagrams.trace(network.to("meta"), (64, 96))  # smp makes one convolution elsewhere


@pytest.mark.parametrize(
    ("name", "options", "heights", "layers"),
    [
        # Three global convolutions feed the sums at 1/16, 1/8 and 1/4.
        ("large_kernels", {}, [4, 8, 16], ["global_convolutions.2", "global_convolutions.1", "global_convolutions.0"]),
        ("refinenet", {"width": 8}, [4, 8, 16], ["blocks.1.fuse", "blocks.2.fuse", "blocks.3.fuse"]),
        ("deeplabv3plus", {"width": 8}, [16], ["decoder.block1"]),
    ],
)
def test_keeps_the_skips_that_the_papers_draw(name, options, heights, layers):
    whole = traced(name, **options)
    plain = one_skip_a_size(whole)
    assert (plain.blocks, plain.line) == (whole.blocks, whole.line)
    assert set(plain.links) <= set(whole.links)
    assert [plain.line[link.source].height for link in plain.skips] == heights
    assert [plain.line[link.target].height for link in plain.skips] == heights
    for link, layer in zip(plain.skips, layers, strict=True):
        assert any(via.startswith(layer) for via in link.via), link


def test_starts_at_the_end_of_the_encoders_stage():
    """Layer 1 of a ResNet-18 is the last before the image shrinks again."""
    diagram = traced("deeplabv3plus", width=8)
    [link] = one_skip_a_size(diagram).skips
    assert diagram.line[link.source].name.startswith("encoder.layer1.1")
    assert diagram.line[link.source + 1].name.startswith("encoder.layer2")


def test_places_of_maxima_stay():
    with torch.device("meta"):
        whole = diagrams.trace(models.create("segnet", width=2), (64, 64))
    assert one_skip_a_size(whole).skips == whole.skips


def test_a_network_without_residuals_keeps_its_skips():
    with torch.device("meta"):
        whole = diagrams.trace(models.create("handseg", width=2), (64, 64))
    assert one_skip_a_size(whole).skips == whole.skips
