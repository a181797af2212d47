"""Photographs of single hands from the HGR sets (Kawulok et al. 2014), with masks of all skin, forearm included.

Two layouts are known by their folders:
- official, as the archives unpack: `hgr1_images/original_images/<name>.jpg` with `hgr1_skin/skin_masks/<name>.bmp`, and
  likewise `hgr2a_*` and `hgr2b_*` (or `hgr2a_images_small`, ...); in these masks skin is black;
- samples: one folder with `<name>.jpg` and `<name>.png`, in which skin is white.

Names say gesture, alphabet, set, person and number: `5_P_hgr1_id02_1`. Images differ in size. There is no official
split, and no depth. Skin is not divided into hand and arm, nor are left and right told apart: every skin pixel is
`RIGHT_HAND`, and only the label map `hand_arm`, in which all of it is one class, says what these masks say.
"""

import re
from functools import cached_property
from pathlib import Path

from handseg_lib.data.frames import FramesOnDisk
from handseg_lib.data.images import fingerprint, read_rgb
from handseg_lib.data.labels import LABEL_MAPS
from handseg_lib.data.masked import JPEGS, by_stem, paired, read_mask
from handseg_lib.data.sample import Sample
from handseg_lib.errors import DataError

LAYOUT = "<name>.jpg with <name>.png, or hgr1_images/original_images/<name>.jpg with hgr1_skin/skin_masks/<name>.bmp"
_ARCHIVE = re.compile(r"(hgr1|hgr2a|hgr2b)_(images|skin)(_small)?", re.IGNORECASE)


class HGRSet(FramesOnDisk):
    """The images of a folder in the order of their names; read when asked for.

    Attributes:
        label_maps: the conventions that these masks can be measured in.

    Raises:
        DataError: if the folder is missing or empty, or images and masks do not pair up; and, when an image is read, if
            a file is damaged or image and mask differ in size.
        LabelError: when an image is read whose mask is not black and white.
    """

    label_maps = ("hand_arm",)

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise DataError(f"{self.root}: no such folder; expected HGR images ({LAYOUT}). Check the data root.")
        archives = self._archives()
        self._inverted = bool(archives)
        if not archives:
            self._files = paired(by_stem(self.root, JPEGS), by_stem(self.root, (".png",)), self.root, LAYOUT)
            return
        self._files = []
        for name in sorted(archives):
            images, skin = archives[name].get("images"), archives[name].get("skin")
            if images is None or skin is None:
                there = images or skin
                raise DataError(f"{there}: its {'skin masks are' if skin is None else 'images are'} missing; "
                                f"expected {LAYOUT}. Unpack both archives of {name}.")  # fmt: skip
            masks = by_stem(skin / "skin_masks", (".bmp", ".png"))
            self._files += paired(by_stem(images / "original_images", JPEGS), masks, images, LAYOUT)

    def _archives(self) -> dict[str, dict[str, Path]]:
        """Unpacked archives: set ("hgr1", ...) -> "images" or "skin" -> folder."""
        found: dict[str, dict[str, Path]] = {}
        for path in sorted(self.root.iterdir()):
            match = _ARCHIVE.fullmatch(path.name)
            if match is None or not path.is_dir():
                continue
            kind, inner = match[2].lower(), "original_images" if match[2].lower() == "images" else "skin_masks"
            if not (path / inner).is_dir():
                raise DataError(f"{path}: has no folder {inner}; expected {LAYOUT}. Unpack the archive again.")
            found.setdefault(match[1].lower() + (match[3] or "").lower(), {})[kind] = path
        return found

    def __len__(self) -> int:
        return len(self._files)

    def _read(self, index: int) -> Sample:
        image, mask = self._files[index]
        labels = LABEL_MAPS["hand_arm"].decode(read_mask(mask, self._inverted), where=str(mask))
        return Sample(f"hgr/{image.stem}", labels, rgb=read_rgb(image))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all files' names and contents."""
        return fingerprint([path for pair in self._files for path in pair])
