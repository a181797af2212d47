"""Writing an annotated set in HandSeg's official layout (REFERENCE 1.1), which the HandSeg loader reads back.

    <root>/images/user-<s>.<f>.png   16-bit depth in steps of 0.125 mm, 0 = no reading
    <root>/masks/user-<s>.<f>.png    8-bit ids: 0 background, 1 right hand, 2 left hand

`<s>` is the subject, `<f>` the frame in eight digits. The released archive holds the two folders within
`handseg-150k-20180914/handseg-150k/`. Paper and files number the hands the other way round.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handseg_lib.data.images import depth_steps, png
from handseg_lib.data.labels import LABEL_MAPS
from handseg_lib.errors import DataError, LabelError
from handseg_lib.files import write_atomic

ARCHIVE = Path("handseg-150k-20180914") / "handseg-150k"
"""Folders of the released archive around `images` and `masks`."""
UNIT = 0.000125
"""Metres a step of the depth files: the SR300's own unit; the release does not say which it uses (REFERENCE 1.1)."""
_STEM = re.compile(r"user-(\d+)\.(\d{8})")


def stem(subject: int, frame: int) -> str:
    """File name without suffix: `user-4.00000003`.

    Raises:
        DataError: for negative numbers or a frame of more than eight digits.
    """
    if subject < 0 or not 0 <= frame < 10**8:
        raise DataError(f"subject {subject}, frame {frame}; expected subject >= 0 and a frame of at most eight digits")
    return f"user-{subject}.{frame:08d}"


def write_frame(
    root: Path,
    subject: int,
    frame: int,
    depth: NDArray[np.float32],
    labels: NDArray[np.uint8],
    unit: float = UNIT,
) -> Path:
    """Write one annotated frame, both files whole or absent; an earlier frame of that name is replaced.

    Args:
        root: the folder of `images` and `masks`, made if need be.
        subject, frame: the numbers in the file name.
        depth: (H, W) float32 metres, 0 = no reading.
        labels: (H, W) uint8 labels of the vocabulary; all but the hands become background.
        unit: metres per step of the depth file.

    Returns:
        The path of the depth image.

    Raises:
        DataError: for depth that 16 bits of this unit cannot hold, and when a file cannot be written.
        LabelError: for labels outside the vocabulary or of another size than the depth.
    """
    name = f"{stem(subject, frame)}.png"
    steps = depth_steps(depth, unit, name)
    if labels.shape != depth.shape:
        raise LabelError(f"{name}: labels are {labels.shape} but depth is {depth.shape} (height, width)")
    ids = LABEL_MAPS["handseg_files"].encode(labels)
    image = Path(root) / "images" / name
    write_atomic(Path(root) / "masks" / name, png(ids), DataError)
    write_atomic(image, png(steps), DataError)
    return image


def next_frame(root: Path, subject: int) -> int:
    """The number after a subject's last frame in a set, 0 for its first; a session is added behind the ones there."""
    found = (_STEM.fullmatch(path.stem) for path in (Path(root) / "images").glob(f"user-{subject}.*.png"))
    return max((int(match[2]) for match in found if match), default=-1) + 1
