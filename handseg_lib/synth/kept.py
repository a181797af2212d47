"""Meshes that take seconds to build, kept in the store from one process to the next."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handseg_lib import paths
from handseg_lib.files import write_atomic

Arrays = dict[str, NDArray]


def kept(kind: str, facts: object, sources: tuple[str, ...], build: Callable[[], Arrays]) -> Arrays:
    """The arrays of a thing, from the store's folder `kind` or built and left there.

    Args:
        kind: folder in the store.
        facts: what the thing depends on; its `repr` must say all of it.
        sources: modules of `synth`, such as "hand/mesh", whose text decides what is built: other code never reads this
            code's files.
        build: makes the arrays.
    """
    here = Path(__file__).parent
    digest = hashlib.sha256(repr(facts).encode())
    for name in sources:
        digest.update((here / f"{name}.py").read_bytes())
    path = paths.store_root() / kind / f"{digest.hexdigest()[:24]}.npz"
    if path.exists():
        try:
            with np.load(path, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            path.unlink(missing_ok=True)  # damaged: it can always be made again
    arrays = build()
    write_atomic(path, lambda file: np.savez(file, **arrays))
    return arrays
