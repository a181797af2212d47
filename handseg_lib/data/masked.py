"""Photographs with a mask beside each: finding the pairs, and reading masks of two values."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handseg_lib.data.images import read_grey
from handseg_lib.errors import DataError, LabelError

JPEGS = (".jpg", ".jpeg")


def by_stem(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Files of a folder by their names without suffix, in the order of the names; other files are left alone.

    Args:
        suffixes: in lower case; a file's own may be in either.

    Raises:
        DataError: if two files differ only in their suffix.
    """
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes or not path.is_file():
            continue
        if path.stem in files:
            raise DataError(f"{path}: {files[path.stem].name} has the same stem; expected one file each. Remove one.")
        files[path.stem] = path
    return files


def paired(images: Mapping[str, Path], masks: Mapping[str, Path], where: Path, layout: str) -> list[tuple[Path, Path]]:
    """Image and mask of each stem, in the order of the stems.

    Args:
        where, layout: folder and expected layout, for messages.

    Raises:
        DataError: if there is no image, or an image or a mask is alone.
    """
    if not images and not masks:
        raise DataError(f"{where}: holds no images; expected {layout}. Check the data root.")
    for stem in sorted(images.keys() ^ masks.keys()):
        there, missing = (images[stem], "mask") if stem in images else (masks[stem], "image")
        raise DataError(f"{there}: has no {missing}; expected {layout}. Add the missing {missing} or remove this file.")
    return [(images[stem], masks[stem]) for stem in sorted(images)]


def read_mask(path: Path, inverted: bool = False) -> NDArray[np.uint8]:
    """A black and white image -> (H, W) uint8: 1 where it is white, or black if `inverted`.

    Raises:
        DataError: if the file is missing or damaged.
        LabelError: if it holds anything but 0 and 255; a lossy or an interpolated copy of a mask does.
    """
    grey = read_grey(path)
    other = grey[(grey != 0) & (grey != 255)]
    if other.size:
        raise LabelError(
            f"{path}: holds the value {int(other[0])} ({other.size / grey.size:.1%} of the pixels are neither 0 nor "
            "255); expected a mask of black and white only. Use the original file: JPEG copies and resized masks are "
            "not exact."
        )
    return (grey == (0 if inverted else 255)).astype(np.uint8)
