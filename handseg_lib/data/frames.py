"""What the data sets on disk have in common: frames by number."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload

from handseg_lib.data.sample import Sample


class FramesOnDisk(Sequence[Sample]):
    """Frames of a data set, read when they are asked for; a slice gives a list of them."""

    @abstractmethod
    def _read(self, index: int) -> Sample:
        """One frame; counts from the end where negative, raises IndexError past either end."""

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self._read(i) for i in range(*index.indices(len(self)))]
        return self._read(index)
