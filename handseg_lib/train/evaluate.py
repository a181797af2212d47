"""Measuring a trained network on a set, frame by frame, on one process or many.

Frames go through the network one at a time and in float32: a frame's prediction then depends neither on the frames
beside it in a batch nor on whether this processor knows bfloat16. Process r of n takes frames r, r + n, r + 2n, ...,
so none is counted twice, and integer counts are summed, so the result is the same for every n.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, distributed, nn

from handseg_lib.data.colour import Shrink, fitting_size, rgb_input
from handseg_lib.data.labels import LABEL_MAPS, Label, LabelMap
from handseg_lib.data.sample import Sample
from handseg_lib.data.torch_data import SegmentationData, picture
from handseg_lib.data.transforms import depth_input
from handseg_lib.errors import RunError
from handseg_lib.metrics import ConfusionMatrix, confusion_counts
from handseg_lib.metrics.boundary import outline_columns, outline_counts
from handseg_lib.metrics.confusion import nan_mean
from handseg_lib.train.progress import bar
from handseg_lib.train.registry import Evaluation
from handseg_lib.train.result import Measured
from handseg_lib.train.sets import Frames
from handseg_lib.upsampling import bilinear_upsample, guided_upsample, sample_index

T = TypeVar("T")


def evaluate(
    model: nn.Module, frames: Frames, evaluation: Evaluation, label_map: str, size: tuple[int, int], fabric: Fabric
) -> Measured:
    """Predict every frame at its own size and count. Every process must call this.

    Args:
        model: (1, 2, h, w) depth input or (1, 3, h, w) colour -> (1, C, h, w) class scores; on `fabric.device`, left in
            its mode.
        label_map: name of the classes that the model tells apart.
        size: (h, w) that the model works at.
        fabric: launched.

    Raises:
        RunError: when the model's classes do not determine those of the evaluation, or the set's labels do not.
    """
    started = time.perf_counter()
    check_labels_say(frames, evaluation)
    classes = LABEL_MAPS[evaluation.label_map]
    joining = joined_classes(LABEL_MAPS[label_map], classes).to(fabric.device)
    counts = np.zeros((len(frames), len(classes.names), len(classes.names)), np.int64)
    outlines = np.zeros((len(frames), outline_columns(len(classes.names), evaluation.bands)), np.int64)
    ids, predictions = {}, {}
    mine = range(fabric.global_rank, len(frames), fabric.world_size)
    with inference(model):
        for index in bar(mine, f"measuring on {evaluation.name}", fabric):
            sample = frames[index]
            predicted = predict(model, sample, joining, size, evaluation)
            true = truth(sample, classes, evaluation)
            counts[index] = confusion_counts(predicted, true, len(classes.names))
            if evaluation.bands:
                outlines[index] = outline_counts(predicted, true, classes.names, evaluation.bands)
            ids[index] = sample.id
            if index < evaluation.keep:
                predictions[index] = predicted
    counts, outlines = (
        fabric.all_reduce(torch.from_numpy(each).to(fabric.device), reduce_op="sum").cpu().numpy()
        for each in (counts, outlines)
    )
    ids, predictions = _gather(ids, fabric), _gather(predictions, fabric)
    return Measured(
        evaluation=evaluation,
        frames=tuple(ids[i] for i in sorted(ids)),
        counts=counts,
        predictions={ids[i]: predictions[i] for i in sorted(predictions)},
        fingerprint=frames.fingerprint,
        seconds=time.perf_counter() - started,
        outlines=outlines,
    )


def validate(model: nn.Module, data: SegmentationData, fabric: Fabric) -> float:
    """Mean IoU of the foreground classes at the network's own size: a quick look during training."""
    names = data.label_map.names
    counts = np.zeros((len(names), len(names)), np.int64)
    with inference(model):
        for index in range(fabric.global_rank, len(data), fabric.world_size):
            x, labels = data[index]
            scores = model(x[None].to(fabric.device))
            counts += confusion_counts(scores.max(dim=1).indices[0], labels, len(names))
    total = fabric.all_reduce(torch.from_numpy(counts).to(fabric.device), reduce_op="sum")
    return nan_mean(ConfusionMatrix(names, counts=total.cpu().numpy()).iou()[1:])


def predict(
    model: nn.Module, sample: Sample, joining: Tensor, size: tuple[int, int], evaluation: Evaluation
) -> NDArray[np.uint8]:
    """(H, W) class ids of one frame at its own size; in depth frames, pixels without a reading are background.

    Args:
        joining: (D, C) from `joined_classes`.
        size: (h, w) that the model works at; a colour image comes to as many pixels in its own shape.
    """
    if evaluation.data.inputs == "rgb":
        return predict_colour(model, sample, joining, size)
    rows, columns = (sample_index(full, small) for full, small in zip(sample.depth.shape, size, strict=True))
    device = joining.device
    x = depth_input(sample.depth[np.ix_(rows, columns)])[None].to(device)  # (1, 2, h, w)
    p = model(x).float().softmax(dim=1)[0]  # (C, h, w)
    p = torch.einsum("dc,chw->dhw", joining, p)  # (D, h, w)
    if p.shape[1:] != sample.depth.shape and evaluation.upsampling == "guided":
        p = guided_upsample(p, torch.from_numpy(np.array(sample.depth)))  # (D, H, W)
    else:
        p = bilinear_upsample(p, sample.depth.shape)
    best = p.max(dim=0).indices  # ten times as fast as argmax on a CPU
    return np.where(sample.depth > 0, best.cpu().numpy(), 0).astype(np.uint8)


def predict_colour(model: nn.Module, sample: Sample, joining: Tensor, size: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W) class ids of one colour image at its own size; arguments as `predict`."""
    full = sample.labels.shape
    image = Shrink(fitting_size(full, size))(picture(sample, "rgb"))
    p = model(rgb_input(image)[None].to(joining.device)).float().softmax(dim=1)[0]  # (C, h, w)
    p = torch.einsum("dc,chw->dhw", joining, p)  # (D, h, w)
    best = bilinear_upsample(p, full, sampled=False).max(dim=0).indices
    return best.cpu().numpy().astype(np.uint8)


def check_labels_say(frames: Frames, evaluation: Evaluation) -> None:
    """Refuse to measure classes that a set's labels do not tell apart.

    Raises:
        RunError: naming the label maps that the set can be measured in.
    """
    possible = getattr(frames, "label_maps", (evaluation.label_map,))
    if evaluation.label_map not in possible:
        raise RunError(
            f"test {evaluation.name!r}: the labels of the {evaluation.data} do not tell the classes of "
            f"{evaluation.label_map!r} apart; choose {' or '.join(possible)}."
        )


def truth(sample: Sample, classes: LabelMap, evaluation: Evaluation) -> NDArray[np.uint8]:
    """(H, W) true class ids of one frame, as the evaluation counts them."""
    labels = classes.encode(sample.labels)
    return np.where(sample.depth > 0, labels, 0).astype(np.uint8) if evaluation.only_measured else labels


def joined_classes(have: LabelMap, want: LabelMap) -> Tensor:
    """(D, C) float32, 1 where class c of `have` is part of class d of `want`.

    Raises:
        RunError: when a class of `have` lies in two classes of `want`, so that no prediction could be told apart.
    """
    joining = torch.zeros(len(want.names), len(have.names))
    for c, d in zip(have.table[list(Label)], want.table[list(Label)], strict=True):
        joining[d, c] = 1
    for c, parts in enumerate(joining.T):
        if parts.sum() != 1:
            among = ", ".join(name for name, part in zip(want.names, parts, strict=True) if part)
            raise RunError(
                f"a network with classes {have.name!r} cannot be measured on {want.name!r}: its class "
                f"{have.names[c]!r} is part of {among or 'none'}. Choose a coarser label map for the test."
            )
    return joining


@contextmanager
def inference(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients and without reduced precision; the model's mode is restored."""
    training, tf32 = model.training, torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)
        torch.backends.cudnn.allow_tf32 = tf32


def _gather(mine: Mapping[int, T], fabric: Fabric) -> dict[int, T]:
    """Entries of all processes together."""
    if fabric.world_size == 1:
        return dict(mine)
    parts: list[Mapping[int, T]] = [{} for _ in range(fabric.world_size)]
    distributed.all_gather_object(parts, mine)
    return {index: value for part in parts for index, value in part.items()}
