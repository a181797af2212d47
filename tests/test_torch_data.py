"""Data sets for torch: items, the stream's independence of workers and interruptions, and bad input."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from handseg_lib.data import LABEL_MAPS, Label, Sample
from handseg_lib.data.colour import RandomPlace, photographic, rgb_input
from handseg_lib.data.torch_data import SegmentationData, TrainingStream
from handseg_lib.data.transforms import RandomHandFlip, Resample, depth_input
from handseg_lib.errors import DataError
from handseg_lib.upsampling import sample_index

MAP = LABEL_MAPS["left_right"]


def make_samples(count: int = 5, size: tuple[int, int] = (24, 32)) -> list[Sample]:
    """Frames whose depth everywhere tells their number: 0.5 m + 0.01 m times the number."""
    rng = np.random.default_rng(0)
    return [
        Sample(f"s{i}", rng.integers(0, 5, size).astype(np.uint8), np.full(size, 0.5 + 0.01 * i, np.float32))
        for i in range(count)
    ]


def test_an_item_is_input_and_class_ids_on_the_grid() -> None:
    sample = make_samples()[2]
    x, y = SegmentationData([sample], MAP, (12, 16))[0]
    rows, columns = sample_index(24, 12), sample_index(32, 16)
    assert (x.dtype, x.shape, y.dtype, y.shape) == (torch.float32, (2, 12, 16), torch.int64, (12, 16))
    assert torch.equal(x, depth_input(sample.depth[rows][:, columns]))
    assert (y.numpy() == MAP.table[sample.labels[rows][:, columns]]).all()


@pytest.mark.parametrize("only_measured", [True, False])
def test_pixels_without_a_reading(only_measured: bool) -> None:
    depth = np.full((4, 4), 0.7, np.float32)
    depth[1] = 0
    sample = Sample("s", np.full((4, 4), Label.RIGHT_HAND, np.uint8), depth)
    _, y = SegmentationData([sample], MAP, (4, 4), only_measured=only_measured)[0]
    assert (y[1] == (0 if only_measured else 2)).all() and (y[[0, 2, 3]] == 2).all()


def test_a_mirrored_right_hand_is_left_even_where_the_map_knows_only_right_hands() -> None:
    labels = np.full((4, 4), Label.RIGHT_HAND, np.uint8)
    labels[:, :2] = Label.LEFT_HAND
    sample = Sample("s", labels, np.ones((4, 4), np.float32))
    _, y = SegmentationData([sample], LABEL_MAPS["right_hand"], (4, 4), RandomHandFlip(1.0))[0]
    assert y[0].tolist() == [0, 0, 1, 1]  # the left hand came to the right side and is a right hand now


def test_read_only_samples_are_not_touched() -> None:
    sample = make_samples(1)[0]
    sample.depth.flags.writeable = sample.labels.flags.writeable = False
    before = sample.depth.copy()
    TrainingStream([sample], MAP, (12, 16), seed=0, length=3)[2]
    assert (sample.depth == before).all()


def number(x: torch.Tensor) -> int:
    """Which frame an item came from."""
    z = x[0][x[1] > 0] * 0.65 + 0.85
    return round((float(z.median()) - 0.5) / 0.01)


def test_every_epoch_holds_every_sample_once_in_another_order() -> None:
    stream = TrainingStream(make_samples(), MAP, (24, 32), seed=4, length=20, transform=Resample((24, 32)))
    epochs = [[number(stream[k][0]) for k in range(5 * e, 5 * e + 5)] for e in range(4)]
    assert all(sorted(epoch) == [0, 1, 2, 3, 4] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_an_item_depends_on_seed_and_number_only() -> None:
    items = list(TrainingStream(make_samples(), MAP, (12, 16), seed=7, length=17))
    torch.manual_seed(99)
    again = TrainingStream(make_samples(), MAP, (12, 16), seed=7, length=17)
    for k in (16, 3, 0, 11):
        assert all(torch.equal(a, b) for a, b in zip(items[k], again[k], strict=True))
    assert len(items) == 17
    assert not torch.equal(items[3][0], TrainingStream(make_samples(), MAP, (12, 16), seed=8, length=17)[3][0])


def test_the_same_frame_looks_different_in_the_next_epoch() -> None:
    stream = TrainingStream(make_samples(1), MAP, (12, 16), seed=0, length=2)
    assert not torch.equal(stream[0][1], stream[1][1])


@pytest.mark.parametrize("workers", [0, 2])
def test_resuming_anywhere_with_any_number_of_workers_gives_the_same_batches(workers: int) -> None:
    stream = TrainingStream(make_samples(), MAP, (12, 16), seed=2, length=12)
    expected = [torch.stack([stream[k][0] for k in range(start, start + 4)]) for start in (4, 8)]
    loader = DataLoader(stream, 4, sampler=range(4, len(stream)), num_workers=workers)
    for batch, wanted in zip(loader, expected, strict=True):
        assert torch.equal(batch[0], wanted)


def test_bad_input_is_named() -> None:
    with pytest.raises(DataError, match="no samples"):
        SegmentationData([], MAP, (4, 4))
    colour = Sample("frame-9", np.zeros((4, 4), np.uint8), rgb=np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(DataError, match=r"frame-9: .* needs depth"):
        SegmentationData([colour], MAP, (4, 4))[0]
    with pytest.raises(DataError, match=r"s0: the transform gave \(8, 8\), expected \(4, 4\)"):
        SegmentationData(make_samples(1), MAP, (4, 4), Resample((8, 8)))[0]
    with pytest.raises(IndexError, match="item 5 of 5"):
        SegmentationData(make_samples(5), MAP, (4, 4))[5]
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        TrainingStream(make_samples(1), MAP, (4, 4), seed=-1, length=3)


def coloured(size: tuple[int, int] = (24, 32)) -> Sample:
    """A frame with colour and depth, of which the depth has no reading anywhere."""
    rng = np.random.default_rng(1)
    rgb = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    return Sample("c", rng.integers(0, 5, size).astype(np.uint8), np.zeros(size, np.float32), rgb)


def test_colour_items_are_normalised_means_and_labels_as_drawn() -> None:
    sample = coloured()
    x, y = SegmentationData([sample], MAP, (24, 32), inputs="rgb")[0]
    assert (x.dtype, x.shape, y.shape) == (torch.float32, (3, 24, 32), (24, 32))
    assert torch.equal(x, rgb_input(torch.from_numpy(sample.rgb.transpose(2, 0, 1).copy())))
    assert (y.numpy() == MAP.table[sample.labels]).all()  # readings say nothing here
    small, y = SegmentationData([sample], MAP, (12, 16), inputs="rgb")[0]
    assert small.shape == (3, 12, 16) and small.std() < x.std()
    assert (y.numpy() == MAP.table[sample.labels[sample_index(24, 12)][:, sample_index(32, 16)]]).all()


def test_a_stream_of_colour_repeats_itself() -> None:
    transform = v2.Compose([RandomPlace((12, 16)), RandomHandFlip(), *photographic(noise=20)])
    streams = [
        TrainingStream([coloured()], MAP, (12, 16), seed=3, length=4, transform=transform, inputs="rgb")
        for _ in range(2)
    ]
    assert all(torch.equal(a, b) for k in (2, 0) for a, b in zip(streams[0][k], streams[1][k], strict=True))
    assert not torch.equal(streams[0][0][0], streams[0][1][0])
    assert streams[0][0][0].shape == (3, 12, 16)


def test_a_sample_without_colour_is_named() -> None:
    with pytest.raises(DataError, match=r"s0: this data set needs rgb, the sample has only depth"):
        SegmentationData(make_samples(1), MAP, (4, 4), inputs="rgb")[0]
