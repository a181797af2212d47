"""Image files: reading, with every check that a damaged or foreign file needs, and what is written into them.

All loaders read through here.

OpenCV returns a partly decoded picture for a truncated file and only prints a warning, so the file's structure is
checked before it is decoded.
"""

import zlib
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from handseg_lib.data.labels import LabelMap
from handseg_lib.data.sample import check_depth
from handseg_lib.errors import DataError, LabelError

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
BMP = b"BM"


def read_depth_png(path: Path, unit: float) -> NDArray[np.float32]:
    """A 16-bit single-channel PNG -> (H, W) float32 metres, 0 = no reading.

    Args:
        path: the file.
        unit: metres per step of the file's values (SR300: 0.000125, Kinect: 0.001).

    Raises:
        DataError: if the file is missing, damaged, not 16-bit or not single-channel, or holds impossible distances.
    """
    raw = _decoded(path)
    if raw.dtype != np.uint16 or raw.ndim != 2:
        raise DataError(
            f"{path}: found {_describe(raw)}; expected a 16-bit image with 1 channel, as depth cameras record it. "
            "A colour or 8-bit depth picture is a rendering for the eye: use the original recording."
        )
    depth = raw.astype(np.float32) * np.float32(unit)
    check_depth(depth, str(path))
    return depth


def read_label_png(path: Path, label_map: LabelMap) -> NDArray[np.uint8]:
    """An 8-bit single-channel PNG of class ids -> (H, W) uint8 labels of the vocabulary.

    Args:
        path: the file.
        label_map: the convention in which the file was written.

    Raises:
        DataError: if the file is missing or damaged.
        LabelError: if it is not 8-bit, not single-channel, or holds an id that `label_map` does not know.
    """
    ids = _decoded(path)
    if ids.dtype != np.uint8 or ids.ndim != 2:
        raise LabelError(
            f"{path}: found {_describe(ids)}; expected an 8-bit image with 1 channel of class ids "
            f"({label_map.name}: {', '.join(f'{i} {name}' for i, name in enumerate(label_map.names))}). "
            "Convert coloured masks to class ids first."
        )
    return label_map.decode(ids, where=str(path))


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """An 8-bit colour PNG or JPEG -> (H, W, 3) uint8 in the order red, green, blue.

    Raises:
        DataError: if the file is missing, damaged, not 8-bit, or has no three colour channels.
    """
    bgr = _decoded(path)
    if bgr.dtype != np.uint8 or bgr.ndim != 3 or bgr.shape[2] != 3:
        raise DataError(f"{path}: found {_describe(bgr)}; expected an 8-bit colour image with 3 channels.")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def read_grey(path: Path) -> NDArray[np.uint8]:
    """An 8-bit grey image (PNG, BMP; also one with three equal channels) -> (H, W) uint8.

    Raises:
        DataError: if the file is missing, damaged or not 8-bit.
        LabelError: if it is coloured.
    """
    image = _decoded(path)
    if image.dtype != np.uint8:
        raise DataError(f"{path}: found {_describe(image)}; expected an 8-bit grey image.")
    if image.ndim == 2:
        return image
    grey = image[..., 0]
    if image.shape[2] != 3 or (image != grey[..., None]).any():
        raise LabelError(f"{path}: found {_describe(image)}, coloured; expected a grey image.")
    return np.ascontiguousarray(grey)


def depth_steps(depth: NDArray[np.float32], unit: float, where: str) -> NDArray[np.uint16]:
    """(H, W) depth as the steps of a 16-bit file; the inverse of what `read_depth_png` does.

    Args:
        depth: (H, W) float32 metres, 0 where there is no reading.
        unit: metres a step.
        where: what to name in messages.

    Raises:
        DataError: for depth that `check_depth` refuses, or that 16 bits of this unit cannot hold.
    """
    check_depth(depth, where)
    farthest = float(depth.max(initial=0))
    if not unit > 0 or round(farthest / unit) > 65535:
        raise DataError(
            f"{where}: depth reaches {farthest:g} m in units of {unit:g} m; 16 bits hold {65535 * unit:g} m. Set "
            "what is too far away to 0, or pass a coarser unit."
        )
    return np.rint(depth.astype(np.float64) / unit).astype(np.uint16)


def png(image: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """The content of a PNG file of (H, W) or (H, W, 3) values; colour in OpenCV's order.

    Raises:
        DataError: for an image that no PNG can hold.
    """
    try:
        done, content = cv2.imencode(".png", image)
    except cv2.error:
        done, content = False, None
    if not done:
        raise DataError(f"a {image.dtype} image of {image.shape} could not be encoded as PNG")
    return content.tobytes()


def fingerprint(paths: list[Path]) -> str:
    """Hash of the names and contents of files, in the order given: changes whenever any of them does."""
    digest = sha256()
    for path in paths:
        content = _content(path)
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); expected an image file. Check the data set's folder."
        ) from error


def _decoded(path: Path) -> NDArray:
    """The picture as stored: bit depth and channels unchanged (blue, green, red)."""
    content = _content(path)
    damage = _damage(content)
    image = None
    if damage is None:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        damage = "the picture cannot be decoded"
    if image is None:
        raise DataError(
            f"{path}: {damage} ({len(content)} bytes); expected a complete PNG, JPEG or BMP file. "
            "The file is damaged or was not copied completely: fetch it again."
        )
    return image


def _damage(content: bytes) -> str | None:
    """What is wrong with the file's structure, or None."""
    if not content:
        return "the file is empty"
    if content.startswith(JPEG):
        return None if content.rstrip(b"\0").endswith(b"\xff\xd9") else "the JPEG ends too early"
    if content.startswith(BMP):  # bytes 2 to 5: the file's size
        return "the BMP ends too early" if int.from_bytes(content[2:6], "little") > len(content) else None
    if not content.startswith(PNG):
        return f"neither a PNG nor a JPEG nor a BMP, it begins with {content[:8]!r}"
    position = len(PNG)
    while position + 12 <= len(content):  # a chunk: length, type, data, checksum
        end = position + 12 + int.from_bytes(content[position : position + 4], "big")
        if end > len(content):
            break
        kind = content[position + 4 : position + 8]
        if zlib.crc32(content[position + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            return f"the PNG's {kind.decode('latin-1')} part fails its checksum"
        if kind == b"IEND":
            return None
        position = end
    return "the PNG ends too early"


def _describe(image: NDArray) -> str:
    channels = 1 if image.ndim == 2 else image.shape[2]
    return f"{image.dtype.itemsize * 8}-bit {image.shape[1]}x{image.shape[0]} with {channels} channel(s)"
