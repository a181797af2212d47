"""Training runs: declared by name, trained once, kept, measured, exported.

`run("handseg/proposed", "quick")` is all that a notebook needs. Importing this package imports nothing heavy, because
the workflow reads `registry`; the machinery is imported by the first run that is asked for.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from handseg_lib.profiles import Profile
from handseg_lib.train import runs as _declarations  # noqa: F401  # enters every run; the name is the function's
from handseg_lib.train.registry import RUNS, RunConfig, config

if TYPE_CHECKING:
    from handseg_lib.train.result import Run

__all__ = ["RUNS", "RunConfig", "config", "run", "runs"]


def run(
    name: str,
    profile: Profile | str,
    seed: int = 0,
    reuse: bool = False,
    data_root: Path | str | None = None,
) -> "Run":
    """A finished run: from the store, or trained and measured now; its numbers are exported to the profile's report.

    Args:
        name: of a run in the registry.
        profile: or its name.
        seed: of weights, data order and augmentation.
        reuse: take the numbers that the report has, and train nothing.
        data_root: folder of the real data sets; default: HANDSEG_DATA_ROOT. Tests on sets that are not there are left
            out, and listed in `Run.skipped`.

    Raises:
        RunError: for an unknown run, a loss that is not finite, or numbers to reuse that are not there or of another
            configuration.
        StoreError: when something stored is damaged or of another version, or the disk is full.
        DataError: when a data set cannot be used.
    """
    from handseg_lib.train.request import request

    return request(name, profile, seed, reuse, data_root)


def runs(
    name: str,
    profile: Profile | str,
    seeds: Sequence[int],
    reuse: bool = False,
    data_root: Path | str | None = None,
) -> list["Run"]:
    """The same run for several seeds, in their order; arguments and errors as `run`."""
    return [run(name, profile, seed, reuse, data_root) for seed in seeds]
