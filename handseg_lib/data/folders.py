"""Where the files of an unpacked data set are: the folder an archive made, and the files in it by their names."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from handseg_lib.errors import DataError


def unpacked(root: Path, nested: tuple[str, ...], inner: Iterable[str], layout: str) -> Path:
    """The folder with the data: `root`, or where the archive's own folders put it.

    Args:
        root: what the reader gave.
        nested: folders within each other, as the archive unpacks them; the last holds the data.
        inner: names of which the data's folder holds at least one.
        layout: the expected layout, for messages.

    Raises:
        DataError: if `root` is no folder, or none of the places holds the data.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; expected {layout}. Check the data root.")
    places = [root, *(root.joinpath(*nested[start:]) for start in range(len(nested)))]
    for place in places:
        if any((place / name).exists() for name in inner):
            return place
    wanted = " or ".join(inner)
    raise DataError(f"{root}: found no {wanted} in it; expected {layout}. Check the data root and unpack the archive.")


def matching(folder: Path, pattern: str, layout: str) -> dict[tuple[int, ...], str]:
    """File names of a folder by the numbers in them, in the order of the numbers.

    Hidden files and files with another suffix than the pattern's are left alone.

    Args:
        folder: looked through, its own folders are not.
        pattern: regular expression of the whole name; its groups are the numbers, its end is the suffix.
        layout: the expected layout, for messages.

    Raises:
        DataError: if there is no such folder, a file with the suffix does not match, or two have the same numbers.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected {layout}. Unpack the archive again.")
    suffix = pattern.rpartition(".")[2].lower()
    files: dict[tuple[int, ...], str] = {}
    with os.scandir(folder) as entries:
        names = sorted(e.name for e in entries if e.name.lower().endswith(f".{suffix}") and not e.name.startswith("."))
    for name in names:
        match = re.fullmatch(pattern, name)
        if match is None:
            raise DataError(f"{folder / name}: unexpected name; expected {layout}. Rename or remove the file.")
        numbers = tuple(map(int, match.groups()))
        if numbers in files:
            raise DataError(f"{folder / name}: {files[numbers]} has the same numbers; expected one file. Remove one.")
        files[numbers] = name
    return dict(sorted(files.items()))


def check_paired(a: dict[tuple[int, ...], str], b: dict[tuple[int, ...], str], folders: tuple[Path, Path]) -> None:
    """Refuse two listings of `matching` that do not hold the same numbers.

    Raises:
        DataError: naming the first file that is alone, and where its partner should be.
    """
    alone = a.keys() ^ b.keys()
    if alone:
        numbers = min(alone)
        name, there, other = (a[numbers], *folders) if numbers in a else (b[numbers], *folders[::-1])
        raise DataError(
            f"{there / name}: there is no {other / name}; expected files in pairs ({len(alone)} are alone). "
            "Copy what is missing, or remove what is alone."
        )
