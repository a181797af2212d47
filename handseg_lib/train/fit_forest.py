"""Growing a random forest, in the place of `fit.fit`: HandSeg (Bojja et al.) Section 6.1, after Shotton et al. 2011.

Two passes over the training frames, each seen once as augmentation makes it. The first draws pixels from every frame,
as many of each class as of the others, and scikit-learn grows the trees on them: each node takes the best of all
candidate pairs of offsets, each with one threshold drawn at random. The second pass sends every pixel of every frame
down the finished trees and counts the classes that pass each node. The counts, times the class weights of the run's
`weighting`, are the histograms: so the forest knows how rare hands are, although it was grown on even shares.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.tree import DecisionTreeClassifier

from handseg_lib.data.labels import LABEL_MAPS
from handseg_lib.data.torch_data import SegmentationData, TrainingStream
from handseg_lib.errors import RunError
from handseg_lib.losses import class_frequency_weights
from handseg_lib.metrics import ConfusionMatrix, confusion_counts
from handseg_lib.metrics.confusion import nan_mean
from handseg_lib.models.depth_features import NEAR, fast_depth_features, sample_offsets
from handseg_lib.models.forest import Forest, metres
from handseg_lib.train.evaluate import inference
from handseg_lib.train.fit import Clock, Fitted, augmentation, create
from handseg_lib.train.progress import bar
from handseg_lib.train.registry import RunConfig
from handseg_lib.train.sets import Frames


def fit_forest(
    config: RunConfig,
    seed: int,
    training: Frames,
    validation: Frames,
    fabric: Fabric,
    saved: Path | None = None,
    save_every: float = 30.0,
) -> Fitted:
    """Grow the forest of a run; the first process does it, the others get it. Every process must call this.

    Minutes at most, so nothing is saved on the way: `saved` and `save_every` are there because `fit.fit` has them. The
    history has a row for each number of trees, `step`: their mean cross-entropy over the validation frames' pixels with
    a reading, and their score on those frames; there is no rate.

    Raises:
        RunError: when the run does not take depth, or the frames show fewer than two classes.
    """
    if config.inputs != "depth":
        raise RunError(f"{config.name}: a forest compares depths; its data have inputs {config.inputs!r}, not 'depth'")
    clock, network = Clock(0.0), create(config)
    history = grow(network, config, seed, training, validation, fabric) if fabric.global_rank == 0 else None
    state, history = fabric.broadcast((network.state_dict(), history))
    network.load_state_dict(state)
    return Fitted(network.to(fabric.device), history, clock.total())


def grow(
    forest: Forest, config: RunConfig, seed: int, training: Frames, validation: Frames, fabric: Fabric
) -> pd.DataFrame:
    """Draw pixels, grow trees, count; returns the history."""
    stream = every_frame_once(config, seed, training)
    offsets = sample_offsets(forest.candidates, forest.largest_offset, np.random.default_rng([seed, 2]))
    features, labels = draw_pixels(forest, offsets, stream, seed, fabric)
    found = np.bincount(labels, minlength=forest.classes)
    if (found > 0).sum() < 2:
        raise RunError(
            f"{config.name}: the training frames show one class only; pixels of each class: {found.tolist()}"
        )
    grown = ExtraTreesClassifier(
        forest.trees,
        max_depth=forest.depth,
        max_features=None,
        n_jobs=config.schedule.threads,
        random_state=np.random.RandomState([seed, 3]),
    ).fit(features, labels)
    plant(forest, grown.estimators_, grown.classes_, offsets)
    counts, images = count_pixels(forest, stream, fabric)
    weights = class_frequency_weights(counts[int(forest.roots[0])], config.weighting, images).numpy()
    forest.histograms = torch.from_numpy(shares(counts * weights, forest.branches.numpy()))
    return look(forest, config, validation)


def every_frame_once(config: RunConfig, seed: int, training: Frames) -> TrainingStream:
    """The training frames in a random order, augmented as for a network."""
    return TrainingStream(
        training,
        LABEL_MAPS[config.label_map],
        config.input_size,
        seed=seed,
        length=len(training),
        transform=augmentation(config),
    )


def draw_pixels(
    forest: Forest, offsets: NDArray[np.float32], stream: TrainingStream, seed: int, fabric: Fabric
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features (P, F) and classes (P,) of pixels with a reading, drawn from every frame and evenly over classes."""
    share = max(1, min(forest.pixels, forest.most_pixels // len(stream)) // forest.classes)
    features, labels = [], []
    for index, (frame, ids) in enumerate(frames(stream, "drawing pixels", fabric)):
        rng = np.random.default_rng([seed, 4, index])
        places = [np.flatnonzero((ids == c) & (frame > NEAR)) for c in range(forest.classes)]
        drawn = np.concatenate([rng.permutation(place)[:share] for place in places])
        features.append(fast_depth_features(frame, *np.unravel_index(drawn, frame.shape), offsets))
        labels.append(ids.ravel()[drawn])
    return np.concatenate(features), np.concatenate(labels)


def frames(
    stream: SegmentationData, title: str, fabric: Fabric
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Depth in metres as the forest sees it, (H, W), and class ids, (H, W), of every item."""
    for index in bar(range(len(stream)), title, fabric):
        x, ids = stream[index]
        yield metres(x[None])[0].numpy(), ids.numpy()


def plant(
    forest: Forest, grown: list[DecisionTreeClassifier], classes: NDArray[np.integer], offsets: NDArray[np.float32]
) -> None:
    """Copy scikit-learn's trees into a forest, level by level, brothers side by side.

    scikit-learn compares float32 features with float64 thresholds. Rounded down to float32 they decide the same.

    Args:
        grown: fitted on columns that belong to `offsets`.
        classes: class ids in the order of scikit-learn's histograms.
    """
    parts: dict[str, list[NDArray]] = {"offsets": [], "thresholds": [], "branches": [], "histograms": []}
    roots = []
    for tree in (estimator.tree_ for estimator in grown):
        start = sum(map(len, parts["branches"]))
        order, first = level_order(tree.children_left, tree.children_right)
        inner = first > 0
        histograms = np.zeros((len(order), forest.classes), np.float32)
        histograms[:, classes] = tree.value[order, 0]
        roots.append(start)
        parts["offsets"].append(np.where(inner[:, None], offsets[tree.feature[order]], np.float32(0)))
        parts["thresholds"].append(np.where(inner, rounded_down(tree.threshold[order]), np.float32(0)))
        parts["branches"].append(np.where(inner, first + start, 0).astype(np.int32))
        parts["histograms"].append(histograms)
    forest.plant(np.array(roots, np.int32), **{name: np.concatenate(part) for name, part in parts.items()})


def level_order(left: NDArray[np.integer], right: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Nodes of a tree from the root down: old numbers in the new order, and the new number of each left child or 0."""
    order, first = [0], []
    for node in order:  # grows while it is read
        first.append(len(order) if left[node] >= 0 else 0)
        if left[node] >= 0:
            order += [left[node], right[node]]
    return np.array(order), np.array(first)


def rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 that is not above."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)


def count_pixels(forest: Forest, stream: TrainingStream, fabric: Fabric) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(M, C) pixels of each class that pass each node, and (C,) pixels with a reading of the frames with the class."""
    nodes, classes = forest.histograms.shape
    counts, images = np.zeros(nodes * classes, np.int64), np.zeros(classes, np.int64)
    for frame, ids in frames(stream, "counting leaves", fabric):
        leaves, seen = forest.leaves(torch.from_numpy(frame)).numpy(), frame > NEAR  # (T, H, W), (H, W)
        reached = leaves[:, seen].astype(np.int64) * classes + ids[seen]
        counts += np.bincount(reached.ravel(), minlength=nodes * classes)
        images += (np.bincount(ids[seen], minlength=classes) > 0) * seen.sum()
    counts, children = counts.reshape(nodes, classes), forest.branches.numpy()
    for node in np.flatnonzero(children)[::-1]:  # children come after their parent
        counts[node] = counts[children[node]] + counts[children[node] + 1]
    return counts, images


def shares(counts: NDArray[np.float64], children: NDArray[np.int32]) -> NDArray[np.float32]:
    """(M, C) counts as shares of their sum; a node that nothing passed thinks what its parent thinks."""
    total = counts.sum(axis=1, keepdims=True)
    known = counts / np.where(total > 0, total, 1)
    for node in np.flatnonzero(children):
        for child in (children[node], children[node] + 1):
            if total[child] == 0:
                known[child] = known[node]
    return known.astype(np.float32)


def look(forest: Forest, config: RunConfig, validation: Frames) -> pd.DataFrame:
    """The history: what the first tree, the first two, ... achieve on the validation frames."""
    classes = LABEL_MAPS[config.label_map]
    data = SegmentationData(validation, classes, config.input_size)
    rows = []
    for trees in range(1, len(forest.roots) + 1):
        counts, loss, pixels = np.zeros((forest.classes, forest.classes), np.int64), 0.0, 0
        with inference(forest):
            for index in range(len(data)):
                x, ids = data[index]
                scores, seen = forest(x[None], trees=trees)[0], x[1] > 0  # (C, H, W), (H, W)
                counts += confusion_counts(scores.max(dim=0).indices, ids, forest.classes)
                loss -= float(scores.gather(0, ids[None])[0][seen].double().sum())
                pixels += int(seen.sum())
        score = nan_mean(ConfusionMatrix(classes.names, counts=counts).iou()[1:])
        rows.append({"step": trees, "loss": loss / max(1, pixels), "lr": math.nan, "validation": score})
    return pd.DataFrame(rows)
