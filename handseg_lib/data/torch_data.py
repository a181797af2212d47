"""Samples as torch data sets: in order for evaluation, as an endless shuffled stream for training.

Items are (input, labels): what the network sees, (2, H, W) float32 of `depth_input` or (3, H, W) of `rgb_input`, and
class ids of a `LabelMap`, (H, W) int64.
"""

from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from handseg_lib.data.colour import Shrink, rgb_input
from handseg_lib.data.labels import LabelMap
from handseg_lib.data.sample import Numbered, Sample
from handseg_lib.data.transforms import Resample, depth_input, seeded, training_transform
from handseg_lib.errors import DataError

Inputs = Literal["depth", "rgb"]
"""Which image of a sample a network takes."""

CHANNELS: dict[Inputs, int] = {"depth": 2, "rgb": 3}
"""Channels of an item's input."""


class SegmentationData(Dataset[tuple[Tensor, Tensor]]):
    """Every sample once, in order.

    Without a transform frames are only brought to `size`. Depth goes by `Resample`: cell i holds pixel floor((i + 1/2)
    full / small) of its row or column, in the input and in the labels alike. To score a prediction at full size, bring
    it back with `handseg_lib.upsampling`, which knows that rule. Colour goes by `Shrink`: a cell is its area's mean.
    """

    def __init__(
        self,
        samples: Numbered[Sample],
        label_map: LabelMap,
        size: tuple[int, int],
        transform: v2.Transform | None = None,
        only_measured: bool = True,
        inputs: Inputs = "depth",
    ) -> None:
        """Wrap samples that have the image that `inputs` names.

        Args:
            samples: indexable; read one at a time.
            label_map: gives the class ids.
            size: (height, width) of the items.
            transform: replaces the plain change of size; takes and gives (Image, Mask) and must end on `size`.
            only_measured: pixels without a reading become background, as in data labelled through depth; says nothing
                where the network takes colour.
            inputs: what the network takes.

        Raises:
            DataError: if there is no sample.
        """
        if len(samples) == 0:
            raise DataError("no samples: the data set is empty; check its root and split")
        self.samples, self.label_map, self.size = samples, label_map, tuple(size)
        plain = Resample(size) if inputs == "depth" else Shrink(size)
        self.transform = plain if transform is None else transform
        self.only_measured, self.inputs = only_measured, inputs

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if not 0 <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        return self._item(index)

    def _item(self, index: int) -> tuple[Tensor, Tensor]:
        sample = self.samples[index]
        drawn = tv_tensors.Mask(torch.from_numpy(sample.labels.copy()))
        frame, mask = self.transform(picture(sample, self.inputs), drawn)
        image, labels = frame.as_subclass(Tensor), mask.as_subclass(Tensor)
        if image.shape[1:] != self.size:
            raise DataError(f"{sample.id}: the transform gave {tuple(image.shape[1:])}, expected {self.size}")
        if self.only_measured and self.inputs == "depth":
            labels = torch.where(image[0] > 0, labels, 0)
        x = depth_input(image[0]) if self.inputs == "depth" else rgb_input(image)
        return x, torch.from_numpy(self.label_map.encode(labels.numpy())).long()


def picture(sample: Sample, inputs: Inputs) -> tv_tensors.Image:
    """A sample's depth, (1, H, W) float32, or colour, (3, H, W) uint8, copied: samples may be views of a file.

    Raises:
        DataError: if the sample does not have it.
    """
    image = sample.depth if inputs == "depth" else sample.rgb
    if image is None:
        there = "colour" if inputs == "depth" else "depth"
        raise DataError(f"{sample.id}: this data set needs {inputs}, the sample has only {there}")
    planes = image[None] if inputs == "depth" else image.transpose(2, 0, 1)
    return tv_tensors.Image(torch.from_numpy(np.array(planes, order="C")))


class TrainingStream(SegmentationData):
    """Shuffled and augmented samples, epoch after epoch, of which item k depends on (seed, k) and nothing else.

    Training that stopped after k items goes on with item k and sees what it would have seen, however many processes
    load the data and in whatever order. Each epoch of `len(samples)` items holds every sample once. Read it in order:
    `DataLoader(stream, batch_size, sampler=range(start, len(stream)))`.
    """

    def __init__(
        self,
        samples: Numbered[Sample],
        label_map: LabelMap,
        size: tuple[int, int],
        *,
        seed: int,
        length: int,
        transform: v2.Transform | None = None,
        only_measured: bool = True,
        inputs: Inputs = "depth",
    ) -> None:
        """As `SegmentationData`; without a transform, `training_transform(size)` for depth.

        Args:
            seed: not negative.
            length: number of items: steps times batch size.
        """
        if transform is None and inputs == "depth":
            transform = training_transform(size)
        super().__init__(samples, label_map, size, transform, only_measured, inputs)
        if seed < 0 or length < 0:
            raise ValueError(f"seed and length must not be negative, got {seed} and {length}")
        self.seed, self.length = seed, length
        self._shuffled: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))  # the latest epoch and its order

    def __len__(self) -> int:
        return self.length

    def _item(self, index: int) -> tuple[Tensor, Tensor]:
        epoch, place = divmod(index, len(self.samples))
        if self._shuffled[0] != epoch:
            self._shuffled = epoch, np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.samples))
        high, low = np.random.SeedSequence([self.seed, 1, index]).generate_state(2)
        with seeded(int(high) << 32 | int(low)):
            return super()._item(int(self._shuffled[1][place]))
