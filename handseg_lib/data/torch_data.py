"""Samples as torch data sets: in order for evaluation, as an endless shuffled stream for training.

Items are (input, labels): what the network sees, (2, H, W) float32 of `depth_input`, and class ids of a `LabelMap`,
(H, W) int64.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from handseg_lib.data.labels import LabelMap
from handseg_lib.data.sample import Sample
from handseg_lib.data.transforms import Resample, depth_input, seeded, training_transform
from handseg_lib.errors import DataError


class SegmentationData(Dataset[tuple[Tensor, Tensor]]):
    """Every sample once, in order.

    Without a transform frames are only brought to `size`, by `Resample`: cell i holds pixel floor((i + 1/2) full /
    small) of its row or column, in the input and in the labels alike. To score a prediction at full size, bring it back
    with `handseg_lib.upsampling`, which knows that rule.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        label_map: LabelMap,
        size: tuple[int, int],
        transform: v2.Transform | None = None,
        only_measured: bool = True,
    ) -> None:
        """Wrap samples that have depth.

        Args:
            samples: indexable; read one at a time.
            label_map: gives the class ids.
            size: (height, width) of the items.
            transform: replaces `Resample(size)`; takes and gives (Image, Mask) and must end on `size`.
            only_measured: pixels without a reading become background, as in data labelled through depth.

        Raises:
            DataError: if there is no sample.
        """
        if len(samples) == 0:
            raise DataError("no samples: the data set is empty; check its root and split")
        self.samples, self.label_map, self.size = samples, label_map, tuple(size)
        self.transform = Resample(size) if transform is None else transform
        self.only_measured = only_measured

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if not 0 <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        return self._item(index)

    def _item(self, index: int) -> tuple[Tensor, Tensor]:
        sample = self.samples[index]
        if sample.depth is None:
            raise DataError(f"{sample.id}: this data set needs depth, the sample has only colour")
        # Copied, because samples may be read-only views of a file.
        frame = tv_tensors.Image(torch.from_numpy(np.array(sample.depth))[None])
        frame, mask = self.transform(frame, tv_tensors.Mask(torch.from_numpy(np.array(sample.labels))))
        depth, labels = frame[0].as_subclass(Tensor), mask.as_subclass(Tensor)
        if depth.shape != self.size:
            raise DataError(f"{sample.id}: the transform gave {tuple(depth.shape)}, expected {self.size}")
        if self.only_measured:
            labels = torch.where(depth > 0, labels, 0)
        return depth_input(depth), torch.from_numpy(self.label_map.encode(labels.numpy())).long()


class TrainingStream(SegmentationData):
    """Shuffled and augmented samples, epoch after epoch, of which item k depends on (seed, k) and nothing else.

    Training that stopped after k items goes on with item k and sees what it would have seen, however many processes
    load the data and in whatever order. Each epoch of `len(samples)` items holds every sample once. Read it in order:
    `DataLoader(stream, batch_size, sampler=range(start, len(stream)))`.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        label_map: LabelMap,
        size: tuple[int, int],
        *,
        seed: int,
        length: int,
        transform: v2.Transform | None = None,
        only_measured: bool = True,
    ) -> None:
        """As `SegmentationData`; without a transform, `training_transform(size)`.

        Args:
            seed: not negative.
            length: number of items: steps times batch size.
        """
        super().__init__(samples, label_map, size, transform or training_transform(size), only_measured)
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
