"""Training: one loop that runs on a laptop, on a GPU and on many, and that can be killed at any moment.

What a step does follows from the seed and the step's number alone: which images, which augmentation, which dropout. So
a training that was killed goes on from its last checkpoint, and on the CPU ends with the very same weights.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import AdamW
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from handseg_lib import losses, models
from handseg_lib.data.colour import RandomPlace, photographic
from handseg_lib.data.labels import LABEL_MAPS
from handseg_lib.data.torch_data import CHANNELS, SegmentationData, TrainingStream
from handseg_lib.data.transforms import RandomHandFlip, RandomHoles, RandomNoise, RandomView
from handseg_lib.errors import RunError
from handseg_lib.profiles import Schedule
from handseg_lib.train import checkpoint, device
from handseg_lib.train.evaluate import validate
from handseg_lib.train.progress import bar
from handseg_lib.train.registry import RunConfig
from handseg_lib.train.sets import Frames

ROWS, LOOKS = 200, 10
"""Rows of a history, and how many of them also look at the validation frames."""

COUNTED = 500
"""Class frequencies are counted over at most this many training frames, evenly spaced."""


@dataclass(frozen=True)
class Fitted:
    """A trained network, on the device it was trained on; `history` and `seconds` as in `Run`."""

    network: nn.Module
    history: pd.DataFrame
    seconds: float


def fit(
    config: RunConfig,
    seed: int,
    training: Frames,
    validation: Frames,
    fabric: Fabric,
    saved: Path | None = None,
    save_every: float = 30.0,
    start: Mapping[str, Tensor] | None = None,
) -> Fitted:
    """Train one network. Every process must call this.

    Args:
        config: what to train.
        seed: of the first weights, the order of the data, augmentation and dropout; not negative.
        fabric: from `device.start`.
        saved: checkpoint file; training goes on from it where it exists. None saves nothing.
        save_every: seconds between checkpoints.
        start: weights to start from instead of those by chance.

    Raises:
        RunError: when the loss is not finite, or the processes cannot share a batch evenly.
        StoreError: when the checkpoint is damaged or the disk is full.
    """
    schedule = config.schedule
    with deterministic(fabric, schedule.threads):
        network = build(config, seed, fabric)
        if start is not None:
            network.load_state_dict(start)
        decay = schedule.weight_decay
        optimizer = AdamW(network.parameters(), schedule.lr, schedule.betas, weight_decay=decay, fused=True)
        model, stepper = fabric.setup(network, optimizer)
        state = checkpoint.load(saved, network, optimizer) if saved else checkpoint.State()
        clock = Clock(state.seconds)
        loss_of = objective(config, training, fabric)
        left, title = range(state.step, schedule.steps), f"{config.name} seed {seed}"
        steps = bar(left, title, fabric, initial=state.step, total=schedule.steps)
        for step, (images, labels) in zip(steps, batches(config, seed, training, state.step, fabric), strict=True):
            torch.manual_seed(seed * 1_000_003 + step * fabric.world_size + fabric.global_rank)  # for dropout
            optimizer.param_groups[0]["lr"] = learning_rate(schedule, step)
            loss = loss_of(model.train()(images), labels)
            check_finite(loss, config, step)
            fabric.backward(loss)
            if schedule.clip:
                fabric.clip_gradients(model, stepper, max_norm=schedule.clip)
            stepper.step()
            stepper.zero_grad()

            state.step = step + 1
            state.recent.append(float(loss.detach()))
            if due(state.step, schedule.steps, ROWS):
                write_row(state, config, network, validation, fabric)
                steps.set_postfix(loss=f"{state.history[-1]['loss']:.3f}", refresh=False)
            if saved and fabric.global_rank == 0 and clock.since_mark() >= save_every:
                state.seconds = clock.total()
                checkpoint.save(saved, network, optimizer, state)
                clock.mark()
    return Fitted(network, pd.DataFrame(state.history), clock.total())


def build(config: RunConfig, seed: int, fabric: Fabric) -> nn.Module:
    """The network with its first weights, which depend on the seed only."""
    torch.manual_seed(seed)
    network = create(config)
    if device.precision(config.schedule.precision, fabric.device.type) == "bf16-mixed":
        network.to(memory_format=torch.channels_last)  # the layout that bfloat16 convolutions are fast in
    return network


def create(config: RunConfig) -> nn.Module:
    """The network of a run with its first weights: depth and validity in, or colour; one score a class out."""
    classes = len(LABEL_MAPS[config.label_map].names)
    return models.create(config.model, in_channels=CHANNELS[config.inputs], classes=classes, **config.options)


def batches(
    config: RunConfig, seed: int, training: Frames, start: int, fabric: Fabric
) -> Iterator[tuple[Tensor, Tensor]]:
    """This process's share of every step's batch from step `start` on: (n, 2 or 3, h, w) float32, (n, h, w) int64."""
    batch, world = config.schedule.batch, fabric.world_size
    if batch % world:
        raise RunError(
            f"{config.name}: a batch of {batch} images cannot be shared evenly by {world} processes; "
            f"use a number of processes that divides {batch}"
        )
    share, steps = batch // world, config.schedule.steps
    stream = training_stream(config, seed, training)
    firsts = (step * batch + fabric.global_rank * share for step in range(start, steps))
    loader = DataLoader(
        stream,
        batch_sampler=[range(first, first + share) for first in firsts],
        num_workers=device.workers(fabric.device.type, world),
        pin_memory=fabric.device.type == "cuda",
    )
    return iter(fabric.setup_dataloaders(loader, use_distributed_sampler=False))


def training_stream(config: RunConfig, seed: int, training: Frames) -> TrainingStream:
    """Everything a run learns from, in order: item k is the k-th augmented image and its class ids."""
    return TrainingStream(
        training,
        LABEL_MAPS[config.label_map],
        config.input_size,
        seed=seed,
        length=config.schedule.steps * config.schedule.batch,
        transform=augmentation(config),
        inputs=config.inputs,
    )


def augmentation(config: RunConfig) -> v2.Transform:
    """What a run does to a frame, its labels with it, each time it learns from it."""
    a, size = config.augmentation, config.input_size
    if config.inputs == "depth":
        view = RandomView(size, a.rotation, a.zoom, a.shift, a.depth_scale)
        noise = [RandomNoise(a.noise)] if a.noise else []
        return v2.Compose([view, RandomHandFlip(a.flip), RandomHoles(a.holes), *noise])
    place = RandomPlace(size, a.rotation, a.zoom, a.shift, a.stretch)
    return v2.Compose([place, RandomHandFlip(a.flip), *photographic(**a.photographic.model_dump())])


def objective(config: RunConfig, training: Frames, fabric: Fabric) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of a run, with its class weights: given, or from the training frames as the network sees them."""
    if isinstance(config.weighting, tuple):
        weights = torch.tensor(config.weighting, device=fabric.device)
    else:
        weights = counted_weights(config, training).to(fabric.device)
    if config.loss == "contour_fine_tuning":
        return lambda logits, labels: losses.contour_fine_tuning(logits, labels, weights, on=config.contour)
    return lambda logits, labels: losses.weighted_cross_entropy(logits, labels, weights)


def counted_weights(config: RunConfig, training: Frames) -> Tensor:
    """(C,) class weights by the run's rule, from at most `COUNTED` training frames."""
    classes = LABEL_MAPS[config.label_map]
    data = SegmentationData(training, classes, config.input_size, inputs=config.inputs)
    seen = range(0, len(data), max(1, len(data) // COUNTED))
    counts = np.array([np.bincount(data[i][1].flatten(), minlength=len(classes.names)) for i in seen])  # (frames, C)
    images = (counts > 0) * counts.sum(1, keepdims=True)  # pixels of the images that hold the class
    return losses.class_frequency_weights(counts.sum(0), config.weighting, images.sum(0))


def learning_rate(schedule: Schedule, step: int) -> float:
    """Rate of the update number `step`, counted from 0: a linear start, then constant, stairs or half a cosine."""
    warm = min(1.0, (step + 1) / (schedule.warmup + 1))
    if schedule.decay == "constant":
        return schedule.lr * warm
    if schedule.decay == "stairs":
        return schedule.lr * warm * schedule.drop ** (step // schedule.every)
    done = max(0, step - schedule.warmup) / max(1, schedule.steps - schedule.warmup)
    return schedule.lr * warm * (1 + math.cos(math.pi * done)) / 2


def check_finite(loss: Tensor, config: RunConfig, step: int) -> None:
    """Stop at the first loss that is no number: every later weight would be none either.

    Raises:
        RunError: naming run, step and rate, and what to try.
    """
    if not torch.isfinite(loss):
        rate = learning_rate(config.schedule, step)
        raise RunError(
            f"{config.name}: the loss is {loss.item()} at step {step} of {config.schedule.steps} (learning rate "
            f"{rate:g}). Try a lower rate, a longer warm-up, gradient clipping (clip: 1.0) or precision: 32-true in "
            "the profile's schedule; if it happens at step 0, look for NaN in the data."
        )


def due(step: int, steps: int, times: int) -> bool:
    """Whether something done `times` times over a training is due after `step` updates; the last one always is."""
    return step * times // steps > (step - 1) * times // steps


def write_row(
    state: checkpoint.State, config: RunConfig, network: nn.Module, validation: Frames, fabric: Fabric
) -> None:
    """Add a row to the history, now and then with a look at the validation frames. Every process must call this."""
    score = math.nan
    if due(state.step, config.schedule.steps, LOOKS):
        classes = LABEL_MAPS[config.label_map]
        data = SegmentationData(validation, classes, config.input_size, inputs=config.inputs)
        score = validate(network, data, fabric)
    mean = float(fabric.all_reduce(torch.tensor(np.mean(state.recent), device=fabric.device), reduce_op="mean"))
    rate = learning_rate(config.schedule, state.step - 1)
    state.history.append({"step": state.step, "loss": mean, "lr": rate, "validation": score})
    state.recent = []


class Clock:
    """Seconds of a training over all its interruptions, and since the last mark."""

    def __init__(self, before: float) -> None:
        self.before, self.started = before, time.monotonic()
        self.marked = self.started

    def total(self) -> float:
        """Seconds of training, those before the last interruption included."""
        return self.before + time.monotonic() - self.started

    def since_mark(self) -> float:
        """Seconds since `mark`, or since the start."""
        return time.monotonic() - self.marked

    def mark(self) -> None:
        """Count from now."""
        self.marked = time.monotonic()


@contextmanager
def deterministic(fabric: Fabric, threads: int) -> Iterator[None]:
    """Only algorithms that always give the same bits, and on a CPU this number of threads.

    On a GPU some operations have no such algorithm, so there this is a wish.
    """
    ambient = torch.get_num_threads()
    if fabric.device.type == "cpu":
        torch.set_num_threads(threads)
    before, warn = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filling = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=fabric.device.type != "cpu")
    torch.utils.deterministic.fill_uninitialized_memory = False  # it would write every new tensor twice
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn)
        torch.utils.deterministic.fill_uninitialized_memory = filling
        torch.set_num_threads(ambient)
