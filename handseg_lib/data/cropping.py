"""InterSegHands' frames hold what is nearest, and nothing behind it: DenseAttentionSeg (Bo et al.), Section 3.

"We crop the hand area in a fixed depth range of 16cm and discard the background. Here we assume that the hand and
object are the nearest parts to the camera."
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from handseg_lib.data.sample import Numbered, Sample

RANGE = 0.16
"""Metres behind the nearest thing that are kept: Section 3."""

STRAY = 0.0005
"""Share of a frame's readings that may be nearer than its nearest thing: specks that float before an edge."""


def nearest(depth: NDArray[np.float32]) -> float:
    """Distance of the nearest thing, in metres; 0 where a frame has no reading.

    A few readings float before what they belong to, so the nearest one of all says little: `STRAY` of the readings are
    passed over.

    Args:
        depth: (H, W) float32 metres, 0 where there is no reading.
    """
    readings = depth[depth > 0]
    passed_over = int(STRAY * readings.size)
    return float(np.partition(readings, passed_over)[passed_over]) if readings.size else 0.0


def within(depth: NDArray[np.float32], metres: float = RANGE) -> NDArray[np.float32]:
    """A frame without what is more than `metres` behind its nearest thing: (H, W) float32, 0 there.

    Args:
        depth: (H, W) float32 metres, 0 where there is no reading.
    """
    return np.where(depth <= nearest(depth) + metres, depth, 0).astype(np.float32)


class Within(Sequence[Sample]):
    """The frames of a depth set without what is more than `metres` behind the nearest thing: no reading, background."""

    def __init__(self, frames: Numbered[Sample], metres: float = RANGE) -> None:
        self.frames, self.metres = frames, metres
        self.fingerprint = f"{frames.fingerprint}<{metres:g}"
        if hasattr(frames, "label_maps"):  # what the labels say does not change
            self.label_maps = frames.label_maps

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Sample:
        sample = self.frames[index]
        depth = within(sample.depth, self.metres)
        return Sample(sample.id, np.where(depth > 0, sample.labels, 0), depth, None, sample.intrinsics)
