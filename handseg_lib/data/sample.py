"""The one sample type: what every data set, real or synthetic, yields."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import Label, check_label_map
from handseg_lib.errors import DataError


@dataclass(frozen=True)
class Sample:
    """One frame with its labels.

    Attributes:
        id: unique within its data set, stable over time (a file stem, or `scene/split/number`).
        labels: (H, W) uint8, values of `Label`.
        depth: (H, W) float32 metres, 0 where the sensor gave nothing; None for colour-only sets.
        rgb: (H, W, 3) uint8, aligned with `labels`; None for depth-only sets.
        intrinsics: camera of `depth` (of `rgb` where there is no depth), or None where unknown.
    """

    id: str
    labels: NDArray[np.uint8]
    depth: NDArray[np.float32] | None = None
    rgb: NDArray[np.uint8] | None = None
    intrinsics: Intrinsics | None = None

    def __post_init__(self) -> None:
        check_label_map(self.labels, set(map(int, Label)), self.id, "the label vocabulary")
        if self.depth is None and self.rgb is None:
            raise DataError(f"{self.id}: a sample needs depth or rgb, found neither")
        if self.depth is not None:
            check_depth(self.depth, self.id)
        if self.rgb is not None and (self.rgb.dtype != np.uint8 or self.rgb.shape[2:] != (3,)):
            raise DataError(f"{self.id}: rgb must be uint8 (H, W, 3), found {self.rgb.dtype} {self.rgb.shape}")
        for name, image in (("depth", self.depth), ("rgb", self.rgb)):
            if image is not None and image.shape[:2] != self.labels.shape:
                raise DataError(
                    f"{self.id}: {name} is {image.shape[:2]} but its labels are {self.labels.shape} (height, width)"
                )


T_co = TypeVar("T_co", covariant=True)


class Numbered(Protocol[T_co]):
    """What is read one at a time by its number, as every data set here is: fewer promises than a `Sequence`.

    A slice would read its frames at once, so none is promised; a list satisfies this as well.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> T_co: ...

    def __iter__(self) -> Iterator[T_co]:
        """All of them in order."""
        return (self[i] for i in range(len(self)))


def check_depth(depth: NDArray[np.float32], where: str) -> None:
    """Refuse depth that is not (H, W) float32 metres, finite, with 0 for no reading.

    Raises:
        DataError: naming what was found; values above 20 are taken for millimetres or sensor units.
    """
    if depth.dtype != np.float32 or depth.ndim != 2:
        raise DataError(f"{where}: depth must be float32 (H, W) in metres, found {depth.dtype} {depth.shape}")
    if not np.isfinite(depth).all():
        raise DataError(f"{where}: depth holds NaN or infinity; mark missing readings with 0")
    low, high = (float(depth.min()), float(depth.max())) if depth.size else (0.0, 0.0)
    if low < 0 or high > 20:
        raise DataError(
            f"{where}: depth spans {low:g} to {high:g}; expected metres in [0, 20]. "
            "Multiply raw readings by the sensor's unit (SR300: 0.000125, Kinect: 0.001)."
        )
