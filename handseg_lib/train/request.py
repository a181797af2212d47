"""Asking for a run: from the store, from a report, or trained now."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from lightning_fabric import Fabric

import handseg_lib
from handseg_lib import paths
from handseg_lib.errors import RunError
from handseg_lib.profiles import Profile, load
from handseg_lib.train import device, export, registry
from handseg_lib.train.evaluate import evaluate
from handseg_lib.train.fit import fit
from handseg_lib.train.registry import RunConfig
from handseg_lib.train.result import Measured, Run
from handseg_lib.train.sets import Frames, missing, open_set
from handseg_lib.train.store import Entry


def request(
    name: str,
    profile: Profile | str,
    seed: int = 0,
    reuse: bool = False,
    data_root: Path | str | None = None,
    devices: int = 1,
    nodes: int = 1,
) -> Run:
    """The finished run; see `handseg_lib.train.run`. With several processes every one of them must call this."""
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise RunError(f"a seed is a whole number from 0 on, found {seed!r}")
    profile = load(profile) if isinstance(profile, str) else profile
    config = registry.config(name, profile)
    if reuse:
        return export.read(config, profile.name, seed)
    root = Path(data_root).expanduser().resolve() if data_root else paths.data_root()
    return _made(config, profile.name, seed, root, device.start(config.schedule.precision, devices, nodes))


def _made(config: RunConfig, profile: str, seed: int, root: Path | None, fabric: Fabric) -> Run:
    """The run, found or made, its numbers exported; the one that it starts from first. Every process must call this."""
    start = _made(config.start, profile, seed, root, fabric) if config.start else None
    with fabric.rank_zero_first():  # the first renders, the others then find the frames
        learning = {"train": open_set(config.train, root), "validation": open_set(config.validation, root)}
        reasons = {test.name: missing(test.data, root) for test in config.tests}
        tests = {test.name: open_set(test.data, root) for test in config.tests if not reasons[test.name]}
    data = {use: frames.fingerprint for use, frames in learning.items()}
    entry = Entry(config, seed, data, start.key if start else "")
    if fabric.global_rank > 0:
        return _finish(entry, learning, tests, reasons, fabric, start)
    with entry.locked():
        run = _finish(entry, learning, tests, reasons, fabric, start)
    export.write(run, profile)
    return run


def _finish(
    entry: Entry,
    learning: Mapping[str, Frames],
    tests: Mapping[str, Frames],
    reasons: Mapping[str, str],
    fabric: Fabric,
    start: Run | None,
) -> Run:
    """Train and measure what the store does not have yet. The first process holds the run's lock."""
    if not fabric.broadcast(entry.trained):
        _train(entry, learning, fabric, start)
    measured: dict[str, Measured] = {}
    for test in entry.config.tests:
        if test.name not in tests:
            continue
        stored = fabric.broadcast(entry.load_test(test, tests[test.name].fingerprint))
        if stored is None:
            network = entry.load_network().to(fabric.device)
            stored = evaluate(network, tests[test.name], test, entry.config.label_map, entry.config.input_size, fabric)
            if fabric.global_rank == 0:
                entry.save_test(stored)
        measured[test.name] = stored
    history, origin = entry.load_training()
    skipped = {name: reason for name, reason in reasons.items() if reason}
    return Run(entry.config, entry.seed, entry.key, measured, skipped, history, origin, entry.load_network)


def _train(entry: Entry, learning: Mapping[str, Frames], fabric: Fabric, start: Run | None) -> None:
    """Train, or go on training, and store the result."""
    if entry.config.model == "forest":
        from handseg_lib.train.fit_forest import fit_forest as train  # here, for scikit-learn takes seconds to import
    else:
        train = partial(fit, start=start and start.model().state_dict())
    fitted = train(entry.config, entry.seed, learning["train"], learning["validation"], fabric, entry.checkpoint)
    if fabric.global_rank == 0:
        origin = {
            **device.describe(fabric, entry.config.schedule),
            "library": handseg_lib.__version__,
            "seconds": round(fitted.seconds, 3),
            "data": dict(entry.data),
            **({"start": start.key} if start else {}),
        }
        entry.save_training(fitted, origin)
    fabric.barrier()
