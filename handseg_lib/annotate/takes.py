"""Takes on disk: what is recorded for annotation is rendered once and kept under the version of the code behind it.

`recordings` keeps glove sessions in this way, `interactions` hands that hold objects.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from handseg_lib import paths
from handseg_lib.code_version import digest, imported_files
from handseg_lib.data.synthetic import available_processors, rendered_shards
from handseg_lib.errors import StoreError
from handseg_lib.files import write_atomic

T = TypeVar("T")

UNIT = 0.000125
"""Metres a step of the SR300, and of the stored depth."""


class Take(Protocol):
    """Which frames of a session: a dataclass of plain numbers."""

    subject: int
    session: int

    @property
    def path(self) -> Path:
        """Its file in the store."""
        ...


def path_of(take: Take, folder: str, source: str, followed: Collection[str]) -> Path:
    """A take's file in the store; the name holds the take and the version of the code that makes it.

    Args:
        take: a dataclass.
        folder: of the store.
        source: the Python file that makes it.
        followed: packages whose code decides what is recorded.
    """
    facts = json.dumps({**asdict(take), "code": _code(source, tuple(followed))}, sort_keys=True)
    fingerprint = hashlib.sha256(facts.encode()).hexdigest()[:16]
    return paths.store_root() / folder / f"{take.subject}-{take.session}-{fingerprint}.npz"


def make(takes: Sequence[Take], render: Callable[[Take], dict[str, NDArray]], workers: int | None = None) -> None:
    """Render the takes that the store does not have, in parallel, each file whole or absent.

    Args:
        takes: which.
        render: what is stored of a take, by name; runs in another process.
        workers: processes, default one for each processor; what is rendered does not depend on it.

    Raises:
        StoreError: when the disk is full.
    """
    missing = [number for number, take in enumerate(takes) if not take.path.exists()]
    for _ in rendered_shards(partial(_store, tuple(takes), render), missing, workers or available_processors()):
        pass


def read(take: Take, build: Callable[[dict[str, NDArray]], T]) -> T:
    """What `build` makes of the arrays that were stored of a take.

    Raises:
        StoreError: if the file is missing or damaged, or lacks what `build` asks for.
    """
    path = take.path
    try:
        with np.load(path, allow_pickle=False) as file:
            return build({name: file[name] for name in file.files})
    except Exception as error:  # zipfile.BadZipFile and zlib.error have no base of their own
        raise StoreError(f"{path}: cannot be read ({error}). Delete it and ask for the take again.") from error


def steps_of(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Metres as the sensor's steps of `UNIT`."""
    return np.rint(depth / np.float32(UNIT)).astype(np.uint16)


def metres_of(steps: NDArray[np.uint16]) -> NDArray[np.float32]:
    """The inverse of `steps_of`."""
    return steps.astype(np.float32) * np.float32(UNIT)


def _store(takes: tuple[Take, ...], render: Callable[[Take], dict[str, NDArray]], number: int) -> dict[str, Any]:
    """Render one take and write its file."""
    stored = render(takes[number])
    write_atomic(takes[number].path, lambda file: np.savez_compressed(file, **stored))
    return {}


@cache
def _code(source: str, followed: tuple[str, ...]) -> str:
    """Version of the code that makes a take."""
    return digest(imported_files([Path(source)], followed, without=("handseg_lib.synth.scenes",)))[:16]
