"""Folders that are whole or absent, and reading so that a damaged file is an error with a way out."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handseg_lib.errors import StoreError
from handseg_lib.files import write_atomic

FORMAT = 1
"""Version of the layout of stored runs. Raise it when files change their meaning."""


def write_folder(path: Path, contents: Mapping[str, bytes]) -> None:
    """Write a folder of files under a temporary name, then give it its own name; replaces what was there.

    A folder that holds exactly these files already is left alone, so that nobody takes it for new.

    Args:
        contents: what each file holds, by its path within the folder.

    Raises:
        StoreError: when the disk is full or the folder cannot be written; nothing half-written stays behind.
    """
    there = {p.relative_to(path).as_posix(): p for p in path.rglob("*") if p.is_file()}
    if there.keys() == contents.keys() and all(there[name].read_bytes() == contents[name] for name in there):
        return
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        for name, content in contents.items():
            write_atomic(temporary / name, content)
        shutil.rmtree(path, ignore_errors=True)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def to_json(value: Any) -> bytes:
    """Canonical JSON: sorted keys, no NaN, one trailing line end; the same value gives the same bytes."""
    return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """A JSON object written by this library, of this version of the layout.

    Args:
        remedy: what to do when the file cannot be used; ends every message.

    Raises:
        StoreError: when the file is missing, is not whole JSON, or is of another version.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError(f"{path} is missing. {remedy}") from None
    except ValueError as error:
        raise StoreError(f"{path} is damaged: expected JSON, found {error}. {remedy}") from None
    check_format(path, value.get("format") if isinstance(value, dict) else None, remedy)
    return value


def check_format(path: Path, found: Any, remedy: str) -> None:
    """Refuse what another version of this library wrote.

    Raises:
        StoreError: naming both versions.
    """
    if str(found) != str(FORMAT):
        raise StoreError(f"{path} is of store format {found}; this version reads and writes {FORMAT}. {remedy}")


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def read_checked(path: Path, sha256: str, remedy: str) -> bytes:
    """The content of a file that must have this digest.

    Raises:
        StoreError: when the file is missing or has changed since it was written.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise StoreError(f"{path} is missing. {remedy}") from None
    if digest(content) != sha256:
        raise StoreError(
            f"{path} is damaged: {len(content)} bytes with SHA-256 {digest(content)[:12]}…, "
            f"expected {sha256[:12]}…. {remedy}"
        )
    return content
