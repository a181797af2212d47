"""What a finished run is: its numbers, and its weights where they are at hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import nn

from handseg_lib.data.labels import LABEL_MAPS
from handseg_lib.errors import RunError
from handseg_lib.metrics import ConfusionMatrix
from handseg_lib.metrics.boundary import boundary_of, trimap_of
from handseg_lib.metrics.confusion import nan_mean, ratio
from handseg_lib.train.registry import Evaluation, RunConfig


@dataclass(frozen=True)
class Measured:
    """A trained network measured on one set.

    Attributes:
        evaluation: which set, which classes, how scores were brought to full size.
        frames: ids of the frames, in the set's order.
        counts: (frames, C, C) int64 pixels of each frame by true class (rows) and predicted class (columns).
        predictions: frame id -> (H, W) uint8 class ids, of the first frames only.
        fingerprint: of the set's content.
        seconds: that measuring took.
        outlines: (frames, K) int64 counts near outlines (`metrics.boundary.outline_counts`); K is 0 where the
            evaluation asks for no bands.
    """

    evaluation: Evaluation
    frames: tuple[str, ...]
    counts: NDArray[np.int64]
    predictions: Mapping[str, NDArray[np.uint8]]
    fingerprint: str
    seconds: float
    outlines: NDArray[np.int64]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that were counted, in the order of their ids."""
        return LABEL_MAPS[self.evaluation.label_map].names

    @property
    def confusion(self) -> ConfusionMatrix:
        """Counts over the whole set."""
        return ConfusionMatrix(self.class_names, counts=self.counts.sum(0))

    @property
    def metrics(self) -> dict[str, float]:
        """Every metric of the whole set by its full name, with `iou <class>` for each class."""
        return _metrics(self.confusion) | self._outline_metrics()

    @property
    def boundary(self) -> NDArray[np.int64]:
        """(frames, C, 2) intersection and union of each class's boundary IoU, frame by frame.

        Raises:
            RunError: when the evaluation asks for no bands.
        """
        return boundary_of(self._counted_outlines(), len(self.class_names))

    @property
    def trimap(self) -> dict[int, NDArray[np.int64]]:
        """Half-width in pixels -> (frames, C, C) counts around true outlines. Raises RunError as `boundary`."""
        return trimap_of(self._counted_outlines(), len(self.class_names), self.evaluation.bands)

    def _counted_outlines(self) -> NDArray[np.int64]:
        if not self.evaluation.bands:
            raise RunError(
                f"test {self.evaluation.name!r} counted nothing near outlines: give its Evaluation `bands`, such as "
                "(1, 2, 4, 8), and measure again"
            )
        return self.outlines

    def _outline_metrics(self) -> dict[str, float]:
        """Of hand and object, near outlines: the mean of their boundary IoU, and of their IoU in each band."""
        if not self.evaluation.bands or not {"hand", "object"} <= set(self.class_names):
            return {}
        of = [self.class_names.index(name) for name in ("hand", "object")]
        common, either = self.boundary.sum(0)[of].T
        bands = {w: ConfusionMatrix(self.class_names, counts=counts.sum(0)) for w, counts in self.trimap.items()}
        near = {f"trimap_iou_hand_object {w}": matrix.mean_iou_hand_object() for w, matrix in bands.items()}
        return {"boundary_iou_hand_object": nan_mean(ratio(common, either)), **near}

    @property
    def per_frame(self) -> pd.DataFrame:
        """The same metrics of each frame alone, one row a frame: `test`, `frame`, then the metrics.

        The mean of a column is not the set's metric, because frames differ in how much of a hand they show.
        Intervals of a set's metric come from resampling `counts`.
        """
        rows = (_metrics(ConfusionMatrix(self.class_names, counts=counts)) for counts in self.counts)
        table = pd.DataFrame(rows)
        table.insert(0, "frame", self.frames)
        table.insert(0, "test", self.evaluation.name)
        return table


@dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        config: what was trained, and on what it was measured.
        seed: seed of weights, data order and augmentation.
        key: address of the training in the store: configuration, seed, data and code.
        tests: name of each test -> what was measured there.
        skipped: name of each test that was left out -> why.
        history: `step`, `loss` (mean since the last row), `lr`, and now and then `validation` (mean IoU of the
            foreground classes at the network's size, NaN elsewhere).
        origin: how it came about: device, precision, seconds, processes, versions, fingerprints of the data.
        weights: gives the trained network, or None where only numbers are at hand.
    """

    config: RunConfig
    seed: int
    key: str
    tests: Mapping[str, Measured]
    skipped: Mapping[str, str]
    history: pd.DataFrame
    origin: Mapping[str, Any]
    weights: Callable[[], nn.Module] | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """`paper/run`, as in the registry."""
        return self.config.name

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """Test name -> metric name -> value in [0, 1], NaN where a class is absent."""
        return {name: measured.metrics for name, measured in self.tests.items()}

    @property
    def confusion(self) -> dict[str, ConfusionMatrix]:
        """Test name -> counts over that whole set."""
        return {name: measured.confusion for name, measured in self.tests.items()}

    @property
    def per_frame(self) -> pd.DataFrame:
        """Metrics of each test frame, one row a test and frame."""
        return pd.concat([measured.per_frame for measured in self.tests.values()], ignore_index=True)

    @property
    def predictions(self) -> dict[str, Mapping[str, NDArray[np.uint8]]]:
        """Test name -> frame id -> (H, W) uint8 class ids of that test's label map."""
        return {name: measured.predictions for name, measured in self.tests.items()}

    @property
    def data(self) -> dict[str, str]:
        """Fingerprint of every set that was trained or measured on, by what it served for."""
        return {**self.origin["data"], **{name: measured.fingerprint for name, measured in self.tests.items()}}

    @property
    def seconds(self) -> float:
        """Duration of the training, interruptions left out."""
        return self.origin["seconds"]

    @property
    def device(self) -> str:
        """What it was trained on."""
        return self.origin["device"]

    @property
    def precision(self) -> str:
        """Arithmetic it was trained in: `bf16-mixed` or `32-true`."""
        return self.origin["precision"]

    @property
    def has_model(self) -> bool:
        """Whether the trained weights are at hand; numbers read back from a report come without them."""
        return self.weights is not None

    def model(self) -> nn.Module:
        """The trained network on the CPU, in evaluation mode.

        Raises:
            RunError: when only the numbers of this run are at hand.
        """
        if self.weights is None:
            raise RunError(
                f"the weights of {self.name} (seed {self.seed}, key {self.key[:12]}) are not in the store: its numbers "
                "were read from a report. Train it with reuse=False."
            )
        return self.weights()

    def measured_on(self, test: str) -> str:
        """What a test's numbers were measured on, in words, for the line under a table.

        Raises:
            RunError: when there is no such test, or it was left out.
        """
        if test not in self.tests:
            why = self.skipped.get(test) or f"it has {', '.join(self.tests)}"
            raise RunError(f"run {self.name!r} has no numbers for test {test!r}: {why}")
        return f"{len(self.tests[test].frames)} {self.tests[test].evaluation.data}"


def _metrics(confusion: ConfusionMatrix) -> dict[str, float]:
    """Every scalar metric these classes allow, then the IoU of each class."""
    ious = dict(zip((f"iou {name}" for name in confusion.class_names), confusion.iou().tolist(), strict=True))
    return {**confusion.summary(), **ious}
