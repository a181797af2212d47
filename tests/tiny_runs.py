"""A training that takes a second: frames of two squares and a small network with dropout.

`apart` asks for it in a process of its own, so that tests can kill it, ask twice at once, or share it by two processes.
"""

import multiprocessing
import os
import signal
from collections.abc import Mapping, Sequence
from itertools import count
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from handseg_lib import models, profiles
from handseg_lib.data import Sample
from handseg_lib.profiles import Schedule
from handseg_lib.train import registry, request
from handseg_lib.train.fit import Fitted, fit
from handseg_lib.train.registry import Augmentation, Data, Evaluation, RunConfig

SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["handseg_lib.train.request"])  # imported once; every child is a copy

LEFT, RIGHT = 0.5, 0.7  # metres from the camera; the background is at 1


class Squares(Sequence[Sample]):
    """Frames of 24x32 with a near square, the left hand, and a farther one, the right; some pixels have no reading."""

    def __init__(self, split: str, count: int) -> None:
        self.split, self.count, self.fingerprint = split, count, f"squares-{split}-{count}"

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        rng = np.random.default_rng([len(self.split), index])
        depth, labels = np.ones((24, 32), np.float32), np.zeros((24, 32), np.uint8)
        for label, z in ((1, LEFT), (2, RIGHT)):
            y, x = rng.integers(0, 16), rng.integers(0, 24)
            depth[y : y + 8, x : x + 8], labels[y : y + 8, x : x + 8] = z, label
        depth[rng.random(depth.shape) < 0.05] = 0
        return Sample(f"squares/{self.split}/{index}", labels, depth)


class TinyNet(nn.Module):
    """Two convolutions with normalisation and dropout between, so that a resumed training must restore all of it."""

    def __init__(self, in_channels: int = 2, classes: int = 3, width: int = 8) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Conv2d(width, classes, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, 2, H, W) -> (N, classes, H, W)"""
        return self.layers(x)


def config(steps: int = 20, frames: int = 7, **changes: object) -> RunConfig:
    """A run of `steps` updates, tested on `frames` frames."""
    tests = (
        Evaluation(name="squares", data=Data(source="squares", split="test", count=frames), label_map="left_right"),
    )
    fields = {
        "name": "tiny/run",
        "paper": "none",
        "section": "0",
        "model": "tiny",
        "train": Data(source="squares", split="train", count=20),
        "validation": Data(source="squares", split="val", count=3),
        "label_map": "left_right",
        "input_size": (12, 16),
        "augmentation": Augmentation(flip=0.0, rotation=10.0, shift=0.1),
        "schedule": Schedule(steps=steps, batch=4, lr=0.02, decay="cosine", warmup=2, clip=1.0, threads=1),
        "tests": tests,
    }
    return RunConfig(**{**fields, **changes})


def install(setattr=setattr, setitem=dict.__setitem__, **changes: object) -> None:
    """Make the run known; a test passes monkeypatch's `setattr` and `setitem`, so that it is forgotten afterwards."""
    setitem(models.MODELS, "tiny", models.Architecture(TinyNet, "tests"))
    setitem(registry.RUNS, "tiny/run", lambda profile: config(**changes))
    setattr(request, "open_set", lambda data, root=None: Squares(data.split, data.count))


def ask(**options: object):
    """The run at any profile."""
    return request.request("tiny/run", profiles.load("smoke"), **options)


def apart(store: Path, **options: object) -> BaseProcess:
    """Start a process that asks for the run, with a store of its own; `options` as `work`."""
    process = SPAWN.Process(target=work, args=(store,), kwargs=options)
    process.start()
    return process


def work(
    store: Path,
    steps: int = 20,
    die_loading: int = -1,
    die_saving: int = -1,
    environment: Mapping[str, str] | None = None,
    **options: object,
) -> None:
    """Ask for the run; die as by `kill -9` at a training frame loaded, or with a file written but not yet named.

    Each training that begins adds a line to `<store>/trainings`.
    """
    os.environ.update({"HANDSEG_STORE": str(store), "HANDSEG_REPORTS": str(store / "reports"), **(environment or {})})
    torch.set_num_threads(1)
    install(steps=steps)
    loaded, saved, read, flush = count(1), count(1), Squares.__getitem__, os.fsync

    def reading(self: Squares, index: int) -> Sample:
        if self.split == "train" and next(loaded) == die_loading:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(self, index)

    def flushing(file: int) -> None:
        if next(saved) == die_saving:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(file)

    def fitting(*arguments: object, **options: object) -> Fitted:
        with (store / "trainings").open("a") as file:
            file.write(f"{os.getpid()}\n")
        return fit(*arguments, **options, save_every=0)

    Squares.__getitem__, os.fsync, request.fit = reading, flushing, fitting
    ask(**options)
