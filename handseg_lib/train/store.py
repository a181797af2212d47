"""The store of finished runs: each at an address made of what it was trained from, written whole or not at all.

    runs/<paper>/<run>/<key>/           run.json, history.csv, model.safetensors
                             tests/<test>-<key>/   metrics.json, counts.csv, 000.png, 001.png, ...
    runs/<paper>/<run>/<key>.training/  the checkpoint of a training that is not finished
    runs/<paper>/<run>/<key>.lock       held by the process that works on this run

A training's key hashes its configuration, seed, data and code; a test's key hashes the training's, its own
configuration, its data and the code that measures, so tests may change without training again.
"""

import csv
import hashlib
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout
from torch import nn

from handseg_lib import paths
from handseg_lib.errors import StoreError
from handseg_lib.train import checkpoint, files, version
from handseg_lib.train.fit import Fitted, create
from handseg_lib.train.measured import read_measured, write_measured
from handseg_lib.train.registry import Evaluation, RunConfig
from handseg_lib.train.result import Measured

HISTORY = ("step", "loss", "lr", "validation")
"""Columns of a history."""


@dataclass(frozen=True)
class Entry:
    """The place of one run in the store.

    Attributes:
        config, seed: what is trained.
        data: fingerprints of the `train` and `validation` frames.
        start: key of the run whose weights it starts from, "" where it starts from none.
    """

    config: RunConfig
    seed: int
    data: Mapping[str, str]
    start: str = ""

    @cached_property
    def key(self) -> str:
        """SHA-256 of everything that the trained weights depend on."""
        code = version.training_code(self.config.model)
        facts = {"run": self.config.training(), "seed": self.seed, "data": dict(self.data), "code": code}
        return _key(facts | ({"start": self.start} if self.start else {}))

    @property
    def folder(self) -> Path:
        """Where the finished run is, or will be."""
        return place(self.config.name, self.key)

    @property
    def checkpoint(self) -> Path:
        """Checkpoint of the unfinished training."""
        return self.folder.with_name(f"{self.folder.name}.training") / "checkpoint.safetensors"

    @property
    def trained(self) -> bool:
        """Whether the training is finished and stored."""
        return self.folder.is_dir()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Work on this run alone; another process that wants the same run waits, and finds it finished."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder.with_name(f"{self.folder.name}.lock"))
        try:
            lock.acquire(blocking=False)
        except Timeout:
            print(f"another process works on {self.config.name} seed {self.seed}; waiting for it", file=sys.stderr)
            lock.acquire()
        try:
            for left in (*self.folder.parent.glob(f"{self.folder.name}.tmp-*"), *self.folder.glob("tests/*.tmp-*")):
                shutil.rmtree(left, ignore_errors=True)  # by a process that was killed
            yield
        finally:
            lock.release()

    def save_training(self, fitted: Fitted, origin: Mapping[str, Any]) -> None:
        """Store a finished training and drop its checkpoint.

        Raises:
            StoreError: when the disk is full.
        """
        contents = {
            "model.safetensors": checkpoint.pack(fitted.network.state_dict(), {}),
            "history.csv": fitted.history.to_csv(index=False, lineterminator="\n").encode(),
        }
        record = {
            "format": files.FORMAT,
            "key": self.key,
            "seed": self.seed,
            "config": self.config.model_dump(mode="json"),
            "origin": dict(origin),
            "files": {name: files.digest(content) for name, content in contents.items()},
        }
        contents["run.json"] = files.to_json(record)
        files.write_folder(self.folder, contents)
        shutil.rmtree(self.checkpoint.parent, ignore_errors=True)

    def load_training(self) -> tuple[pd.DataFrame, dict[str, Any]]:
        """History and origin of the finished training.

        Raises:
            StoreError: when a file is missing, damaged, or of another version.
        """
        record = read_record(self.folder)
        content = files.read_checked(self.folder / "history.csv", record["files"]["history.csv"], remedy(self.folder))
        return read_history(content), record["origin"]

    def load_network(self) -> nn.Module:
        """The trained network on the CPU, in evaluation mode. Raises StoreError as `load_training`."""
        return load_network(self.config, self.folder)

    def save_test(self, measured: Measured) -> None:
        """Store the result of one test. Raises StoreError when the disk is full."""
        files.write_folder(self._test(measured.evaluation, measured.fingerprint), write_measured(measured))

    def load_test(self, evaluation: Evaluation, fingerprint: str) -> Measured | None:
        """The stored result of one test on data with this fingerprint; None where there is none.

        Raises:
            StoreError: when it is damaged or of another version.
        """
        folder = self._test(evaluation, fingerprint)
        return read_measured(folder, evaluation, remedy(folder)) if folder.is_dir() else None

    def _test(self, evaluation: Evaluation, fingerprint: str) -> Path:
        facts = {
            "training": self.key,
            "test": evaluation.model_dump(mode="json"),
            "data": fingerprint,
            "code": version.measuring_code(),
        }
        return self.folder / "tests" / f"{evaluation.name}-{_key(facts)[:12]}"


def place(name: str, key: str) -> Path:
    """Folder of the run with this name and key."""
    return paths.store_root() / "runs" / name / key[:12]


def read_record(folder: Path) -> dict[str, Any]:
    """`run.json` of a stored run.

    Raises:
        StoreError: when it is missing, damaged, of another version or incomplete.
    """
    record = files.read_json(folder / "run.json", remedy(folder))
    lacking = {"key", "seed", "config", "origin", "files"} - set(record)
    if lacking:
        raise StoreError(f"{folder / 'run.json'} lacks {', '.join(sorted(lacking))}. {remedy(folder)}")
    return record


def load_network(config: RunConfig, folder: Path) -> nn.Module:
    """The network of a stored run on the CPU, in evaluation mode.

    Raises:
        StoreError: when the weights are missing, damaged, of another version or of another network.
    """
    path, network = folder / "model.safetensors", create(config)
    files.read_checked(path, read_record(folder)["files"]["model.safetensors"], remedy(folder))
    weights, _ = checkpoint.unpack(path, remedy(folder))
    checkpoint.put_weights(path, network, weights, remedy(folder))
    return network.eval()


def read_history(content: bytes) -> pd.DataFrame:
    """A history from its CSV file, every number exactly as it was written."""
    rows = list(csv.DictReader(content.decode().splitlines()))
    columns = {key: [float(row[key] or "nan") for row in rows] for key in HISTORY}
    return pd.DataFrame(columns).astype({"step": int})


def remedy(folder: Path) -> str:
    """What to do about a damaged folder of the store."""
    return f"Delete the folder {folder} and start again: it will be made anew."


def _key(facts: Mapping[str, Any]) -> str:
    """Hash of JSON-like facts."""
    return hashlib.sha256(files.to_json(facts)).hexdigest()
