"""Files of a report: written whole or not at all, and fingerprinted."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from handseg_lib.errors import ReportError
from handseg_lib.files import write_atomic


def write(path: Path, content: str | bytes) -> None:
    """Write a file atomically: readers see the old content or the new, never a part of it.

    Raises:
        ReportError: if the disk refuses (full, read-only, no permission); nothing is left behind.
    """
    write_atomic(path, content, ReportError)


def write_json(path: Path, content: Any) -> None:
    """Write JSON with sorted keys, so that two reports differ only where their content does."""
    write(path, json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object that this package wrote.

    Raises:
        ReportError: if the file is missing or damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ReportError(f"{path} does not exist; run the notebook that makes it") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ReportError(f"{path} is not JSON ({error}); delete it and run its notebook again") from error
    if not isinstance(content, dict):
        raise ReportError(f"{path} holds a {type(content).__name__}, expected an object; run its notebook again")
    return content


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_name(name: str) -> str:
    """An artefact's name as it appears in file names: lower case, digits, `_` and `.`.

    Raises:
        ReportError: for anything else, because such a name breaks links or other file systems.
    """
    if not re.fullmatch(r"[a-z0-9]+([._][a-z0-9]+)*", name):
        raise ReportError(f"artefact name {name!r}: use lower-case letters, digits, '_' and '.', as in handseg_table2")
    return name
