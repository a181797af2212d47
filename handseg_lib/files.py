"""Writing files so that each is whole or absent, through a crash and a full disk."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from handseg_lib.errors import HandsegError, StoreError


def write_atomic(
    path: Path, content: bytes | str | Callable[[BinaryIO], object], error: type[HandsegError] = StoreError
) -> None:
    """Write under a temporary name, flush to the disk, and only then give the file its own name.

    Args:
        path: its folder is made if need be.
        content: bytes, text (as UTF-8), or a function that writes into an open binary file.
        error: what to raise when the operating system refuses.

    Raises:
        HandsegError: of the type `error`, when the disk is full or the folder cannot be written; nothing half-written
            stays behind and what was there before is unchanged.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as refusal:
        raise error(
            f"{path}: could not be written ({refusal.strerror or refusal}); what was there before is unchanged. Free "
            "some space, or set HANDSEG_STORE (data, runs) or HANDSEG_REPORTS (reports) to a folder that can be "
            "written, and start again: what is finished is kept."
        ) from refusal
    finally:
        temporary.unlink(missing_ok=True)
