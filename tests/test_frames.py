"""Frames by number: from both ends, in slices, not past the ends."""

from collections.abc import Sequence

import numpy as np
import pytest

from handseg_lib.data.frames import FramesOnDisk
from handseg_lib.data.sample import Sample


class Three(FramesOnDisk):
    """Three frames; counts how often one is read."""

    def __init__(self) -> None:
        self.names, self.reads = ["a", "b", "c"], 0

    def __len__(self) -> int:
        return len(self.names)

    def _read(self, index: int) -> Sample:
        name = self.names[index]
        self.reads += 1
        return Sample(name, np.zeros((2, 3), np.uint8), np.ones((2, 3), np.float32))


def ids(samples: Sequence[Sample]) -> list[str]:
    return [sample.id for sample in samples]


def test_frames_are_a_sequence_from_both_ends():
    frames = Three()
    assert isinstance(frames, Sequence) and ids(frames) == ["a", "b", "c"] and ids(list(reversed(frames)))[0] == "c"
    assert frames[-1].id == "c"
    for index in (3, -4):
        with pytest.raises(IndexError):
            frames[index]


@pytest.mark.parametrize("part", [slice(1), slice(1, None), slice(None, None, -1), slice(5, 9), slice(-2, None)])
def test_a_slice_reads_its_own_frames_only(part):
    frames = Three()
    assert ids(frames[part]) == frames.names[part]
    assert frames.reads == len(frames.names[part])
