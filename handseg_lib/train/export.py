"""Finished runs as small files under `reports/<profile>/runs/<run>/seed<seed>/`, to be committed and read back.

The folder holds `run.json` (configuration, seed, key, origin), `history.csv`, and a folder for each test as in the
store; weights stay in the store.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from handseg_lib import paths
from handseg_lib.errors import RunError, StoreError
from handseg_lib.train import files
from handseg_lib.train.measured import read_measured, write_measured
from handseg_lib.train.registry import RunConfig
from handseg_lib.train.result import Run
from handseg_lib.train.store import load_network, place, read_history


def folder(profile: str, name: str, seed: int) -> Path:
    """Where a run's numbers are exported to."""
    return paths.reports_root() / profile / "runs" / name.replace("/", "_") / f"seed{seed}"


def write(run: Run, profile: str) -> Path:
    """Export a run's numbers; files that would not change are left alone.

    Raises:
        StoreError: when the disk is full or the reports cannot be written.
    """
    history = run.history.to_csv(index=False, lineterminator="\n").encode()
    record = {
        "format": files.FORMAT,
        "key": run.key,
        "seed": run.seed,
        "config": run.config.model_dump(mode="json"),
        "origin": dict(run.origin),
        "tests": sorted(run.tests),
        "skipped": dict(run.skipped),
        "history": files.digest(history),
    }
    contents = {"run.json": files.to_json(record), "history.csv": history}
    for name, measured in run.tests.items():
        contents.update({f"tests/{name}/{file}": content for file, content in write_measured(measured).items()})
    target = folder(profile, run.name, run.seed)
    files.write_folder(target, contents)
    return target


def read(config: RunConfig, profile: str, seed: int) -> Run:
    """The exported numbers of a run; its weights too where the store has them.

    Raises:
        RunError: when it was never exported, or was another configuration; the message says what differs.
        StoreError: when a file is missing, damaged, or of another version.
    """
    source = folder(profile, config.name, seed)
    if not (source / "run.json").is_file():
        raise RunError(
            f"{source} holds no exported run, so the numbers of {config.name} (seed {seed}) cannot be reused. "
            "Train it: run again without reuse."
        )
    remedy = f"Delete the folder {source} and run again without reuse, or restore it from version control."
    record = files.read_json(source / "run.json", remedy)
    lacking = {"key", "seed", "config", "origin", "tests", "skipped", "history"} - set(record)
    if lacking:
        raise StoreError(f"{source / 'run.json'} lacks {', '.join(sorted(lacking))}. {remedy}")
    differences = differing(_completed(record["config"]), config.model_dump(mode="json"))
    if differences:
        raise RunError(
            f"{source} is another run than {config.name} at profile {profile!r}: {'; '.join(differences)}. "
            "Train it anew: run again without reuse."
        )
    history = files.read_checked(source / "history.csv", record["history"], remedy)
    stored = place(config.name, record["key"])
    return Run(
        config=config,
        seed=seed,
        key=record["key"],
        tests={
            test.name: read_measured(source / "tests" / test.name, test, remedy)
            for test in config.tests
            if test.name in record["tests"]
        },
        skipped=record["skipped"],
        history=read_history(history),
        origin=record["origin"],
        weights=(lambda: load_network(config, stored)) if stored.is_dir() else None,
    )


def _completed(config: Any) -> Any:
    """An exported configuration with its defaults: what was added to `RunConfig` since then was as its default says."""
    try:
        return RunConfig.model_validate_json(json.dumps(config)).model_dump(mode="json")
    except ValidationError:
        return config  # the comparison says what is wrong


def differing(found: Any, expected: Any, where: str = "") -> list[str]:
    """Where two JSON values differ: `schedule.steps is 30, expected 40`, one entry a difference."""
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = sorted(found.keys() | expected.keys())
        return [d for key in keys for d in differing(found.get(key), expected.get(key), f"{where}.{key}".strip("."))]
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        pairs = enumerate(zip(found, expected, strict=True))
        return [d for i, (a, b) in pairs for d in differing(a, b, f"{where}[{i}]")]
    return [] if found == expected else [f"{where} is {found!r}, expected {expected!r}"]
