"""Where an artefact comes from: notebook, parameters, runs, data, code, device, time.

Nothing here may stop a notebook: without git, without a lock file, outside a checkout, the facts that cannot be had
are null. Paths of the machine are never recorded.
"""

import hashlib
import importlib.metadata
import os
import platform
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from handseg_lib import paths

PACKAGES = ("torch", "numpy", "matplotlib", "pandas")
"""Packages whose versions can change a number or a picture."""


@dataclass
class Context:
    """What is known while one notebook runs; every artefact it makes carries a snapshot.

    Attributes:
        notebook: name of the notebook, `23_handseg_net`, or "" outside one.
        profile: name of the profile.
        parameters: the notebook's parameters and their values.
        runs: records of the training runs used so far, by key.
    """

    notebook: str
    profile: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def use(self, run: Any) -> None:
        """Record a run: artefacts made from now on name it."""
        self.runs[run.key] = run_record(run)

    def snapshot(self, runs: Iterable[Any] | None = None) -> dict[str, Any]:
        """The provenance of an artefact made now.

        Args:
            runs: the runs it rests on; None means every run used so far.
        """
        records = list(self.runs.values()) if runs is None else [run_record(run) for run in runs]
        parameters = dict(self.parameters)
        if parameters.get("data_root"):
            parameters["data_root"] = "(given)"  # the folder's name is nobody else's business
        return {
            "notebook": self.notebook,
            "profile": self.profile,
            "parameters": parameters,
            "runs": records,
            "devices": sorted({r["device"] for r in records}),
            "precisions": sorted({r["precision"] for r in records}),
            "seconds": round(time.monotonic() - self.started, 1),
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            **environment(),
        }


def run_record(run: Any) -> dict[str, Any]:
    """What a report keeps of a training run (`handseg_lib.train.Run`)."""
    return {
        "name": run.name,
        "key": run.key,
        "seed": run.seed,
        "data": dict(run.data),
        "device": str(run.device),
        "precision": str(run.origin["precision"]),
        "seconds": round(float(run.seconds), 1),
    }


@cache
def environment() -> dict[str, Any]:
    """Code and software: versions, hash of the lock file, git commit, kind of machine. Looked up once a process."""
    return {
        "library": _version("handseg-companion"),
        "packages": {name: _version(name) for name in PACKAGES},
        "lock_sha256": _lock_hash(),
        **_commit(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _lock_hash() -> str | None:
    lock = paths.project_root() / "requirements.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None


def _commit() -> dict[str, Any]:
    """Commit of the checkout, and whether files outside `reports/` differ from it; nulls where git cannot say."""
    root = paths.project_root()
    unknown = {"commit": None, "changed_since_commit": None}
    top = _git("rev-parse", "--show-toplevel")
    if top is None or not Path(top).samefile(root):  # a copy inside somebody else's repository
        return unknown
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--", ".", ":(exclude)reports")
    return unknown if commit is None else {"commit": commit, "changed_since_commit": bool(changes)}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", paths.project_root(), *arguments], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
