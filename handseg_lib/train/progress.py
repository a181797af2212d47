"""Progress that a person can follow, and that does not fill a log file."""

import sys
from collections.abc import Iterable
from typing import Any

from lightning_fabric import Fabric
from tqdm.auto import tqdm


def bar(things: Iterable[Any], what: str, fabric: Fabric, **options: Any) -> tqdm:
    """A progress bar over `things`, on the first process only; in a log file one line in 20 seconds."""
    live = sys.stderr.isatty() or "ipykernel" in sys.modules
    interval = 0.5 if live else 20.0
    return tqdm(
        things, desc=what, disable=fabric.global_rank > 0, mininterval=interval, maxinterval=interval, **options
    )
