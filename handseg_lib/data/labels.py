"""One label vocabulary, and named maps from it to what each paper or data set calls its classes.

Every sample in this project holds labels of `Label`. A network or a file on disk uses a `LabelMap`:
an ordered list of classes, each a set of vocabulary labels. `encode` goes from vocabulary to class ids,
`decode` back where that is possible.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from handseg_lib.errors import LabelError


class Label(IntEnum):
    """What a pixel shows. `hand` means up to the wrist; objects are named by the hand that holds them."""

    BACKGROUND = 0
    LEFT_HAND = 1
    RIGHT_HAND = 2
    LEFT_ARM = 3
    RIGHT_ARM = 4
    OBJECT_LEFT = 5
    OBJECT_RIGHT = 6
    OBJECT_BOTH = 7
    OBJECT2_LEFT = 8
    OBJECT2_RIGHT = 9
    OBJECT2_BOTH = 10
    CONTACT = 11

    @property
    def mirrored(self) -> "Label":
        """The label of the same thing seen in a mirror: left and right change places."""
        return _MIRROR.get(self, self)


_PAIRS = [
    (Label.LEFT_HAND, Label.RIGHT_HAND),
    (Label.LEFT_ARM, Label.RIGHT_ARM),
    (Label.OBJECT_LEFT, Label.OBJECT_RIGHT),
    (Label.OBJECT2_LEFT, Label.OBJECT2_RIGHT),
]
_MIRROR = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}

MIRROR = np.array([label.mirrored for label in Label], np.uint8)
"""Look-up table of `Label.mirrored`: `MIRROR[labels]` is what a horizontal flip must do to the values."""

PARTS = ("background", *(f"{f}_{s}" for f in ("thumb", "index", "middle", "ring", "little")
                         for s in ("proximal", "middle", "distal")), "palm")  # fmt: skip
"""Names of the part ids 0..16 of one hand: five fingers times three segments, and the palm (16)."""


@dataclass(frozen=True)
class LabelMap:
    """How one paper or data set numbers its classes.

    Attributes:
        name: the convention's name, used in configurations and messages.
        classes: class id -> (class name, vocabulary labels it covers); labels named nowhere become id 0.
    """

    name: str
    classes: Mapping[int, tuple[str, tuple[Label, ...]]]

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in the order of their ids."""
        return tuple(self.classes[i][0] for i in sorted(self.classes))

    @cached_property
    def table(self) -> NDArray[np.uint8]:
        """Look-up table from vocabulary label to class id."""
        table = np.zeros(len(Label), np.uint8)
        for class_id, (_, labels) in self.classes.items():
            table[list(labels)] = class_id
        return table

    @cached_property
    def mirror(self) -> NDArray[np.uint8]:
        """Look-up table from class id to the class id seen in a mirror."""
        mirror = np.arange(max(self.classes) + 1, dtype=np.uint8)
        for class_id, (_, labels) in self.classes.items():
            if labels:
                mirror[class_id] = self.table[labels[0].mirrored]
        return mirror

    def encode(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W) vocabulary labels -> (H, W) class ids of this convention.

        Raises:
            LabelError: if `labels` is not uint8 or holds a value outside the vocabulary.
        """
        check_label_map(labels, set(range(len(Label))), where="label map", convention="the label vocabulary")
        return self.table[labels]

    def decode(self, ids: NDArray[np.uint8], where: str = "label map") -> NDArray[np.uint8]:
        """(H, W) class ids of this convention -> (H, W) vocabulary labels (the first of each class).

        Raises:
            LabelError: if `ids` is not uint8, not two-dimensional, or holds a value that is no class here.
        """
        expected = ", ".join(f"{i} ({name})" for i, (name, _) in sorted(self.classes.items()))
        check_label_map(ids, set(self.classes), where, f"{self.name}: {expected}")
        table = np.zeros(256, np.uint8)
        for class_id, (_, labels) in self.classes.items():
            table[class_id] = labels[0] if labels else Label.BACKGROUND
        return table[ids]


def check_label_map(ids: NDArray[np.uint8], known: set[int], where: str, convention: str) -> None:
    """Refuse anything that is not a two-dimensional uint8 map of known values; the message lists both."""
    if ids.dtype != np.uint8 or ids.ndim != 2:
        raise LabelError(f"{where}: label maps are 2-D uint8, found {ids.ndim}-D {ids.dtype}")
    if max(known) == len(known) - 1 and ids.max(initial=0) < len(known):  # the usual case, without counting
        return
    counts = np.bincount(ids.ravel(), minlength=256)
    unknown = [int(v) for v in np.flatnonzero(counts) if v not in known]
    if unknown:
        raise LabelError(
            f"{where} holds label {', '.join(map(str, unknown[:8]))}; expected {convention}. "
            "Check that the file belongs to this data set, or pass the label map it was written with."
        )


L = Label
_EGO_OBJECTS = {
    3: ("object of the left hand", (L.OBJECT_LEFT,)),
    4: ("object of the right hand", (L.OBJECT_RIGHT,)),
    5: ("object of both hands", (L.OBJECT_BOTH,)),
    6: ("second-order object of the left hand", (L.OBJECT2_LEFT,)),
    7: ("second-order object of the right hand", (L.OBJECT2_RIGHT,)),
    8: ("second-order object of both hands", (L.OBJECT2_BOTH,)),
}
LABEL_MAPS: dict[str, LabelMap] = {
    m.name: m
    for m in (
        LabelMap("vocabulary", {int(label): (label.name.lower(), (label,)) for label in Label}),
        # HandSeg's networks: Section 6, classes {left, right, background}.
        LabelMap("left_right", {0: ("background", (L.BACKGROUND,)), 1: ("left hand", (L.LEFT_HAND,)),
                                2: ("right hand", (L.RIGHT_HAND,))}),
        LabelMap("left_right_arm", {0: ("background", (L.BACKGROUND,)), 1: ("left hand", (L.LEFT_HAND,)),
                                    2: ("right hand", (L.RIGHT_HAND,)), 3: ("arm", (L.LEFT_ARM, L.RIGHT_ARM))}),
        LabelMap("hand", {0: ("background", (L.BACKGROUND,)), 1: ("hand", (L.RIGHT_HAND, L.LEFT_HAND))}),
        LabelMap("hand_and_arm", {0: ("background", (L.BACKGROUND,)), 1: ("hand", (L.RIGHT_HAND, L.LEFT_HAND)),
                                  2: ("arm", (L.RIGHT_ARM, L.LEFT_ARM))}),
        LabelMap("hand_arm", {0: ("background", (L.BACKGROUND,)),
                              1: ("skin", (L.RIGHT_HAND, L.LEFT_HAND, L.RIGHT_ARM, L.LEFT_ARM))}),
        # The files of the released HandSeg set number the hands the other way round (REFERENCE 1.1).
        LabelMap("handseg_files", {0: ("background", (L.BACKGROUND,)), 1: ("right hand", (L.RIGHT_HAND,)),
                                   2: ("left hand", (L.LEFT_HAND,))}),
        # EgoHOS, Section 3, and the ids of the released files (REFERENCE 1.7), in which a hand includes its arm.
        LabelMap("egohos", {0: ("background", (L.BACKGROUND,)), 1: ("left hand", (L.LEFT_HAND, L.LEFT_ARM)),
                            2: ("right hand", (L.RIGHT_HAND, L.RIGHT_ARM)), **_EGO_OBJECTS}),
        LabelMap("egohos_no_arm", {0: ("background", (L.BACKGROUND,)), 1: ("left hand", (L.LEFT_HAND,)),
                                   2: ("right hand", (L.RIGHT_HAND,)), **_EGO_OBJECTS}),
        LabelMap("egohos_first_order", {0: ("background", (L.BACKGROUND,)), 1: ("left hand", (L.LEFT_HAND, L.LEFT_ARM)),
                                        2: ("right hand", (L.RIGHT_HAND, L.RIGHT_ARM)),
                                        **{i: _EGO_OBJECTS[i] for i in (3, 4, 5)}}),
        LabelMap("egohos_two_hands", {0: ("background", (L.BACKGROUND,)), 1: ("left hand", (L.LEFT_HAND, L.LEFT_ARM)),
                                      2: ("right hand", (L.RIGHT_HAND, L.RIGHT_ARM))}),
        # DenseAttentionSeg, Section 3: hands up to the wrist, and what they hold.
        LabelMap("hand_object", {0: ("background", (L.BACKGROUND,)), 1: ("hand", (L.RIGHT_HAND, L.LEFT_HAND)),
                                 2: ("object", (L.OBJECT_BOTH, L.OBJECT_RIGHT, L.OBJECT_LEFT))}),
        # The files of the hoseg set (REFERENCE 1.5). What is in front but neither person nor object, and the table, are
        # background here.
        LabelMap("hoseg", {0: ("background", (L.BACKGROUND,)), 1: ("foreground", ()), 2: ("left hand", (L.LEFT_HAND,)),
                           3: ("right hand", (L.RIGHT_HAND,)), 4: ("left arm", (L.LEFT_ARM,)),
                           5: ("right arm", (L.RIGHT_ARM,)),
                           6: ("object", (L.OBJECT_BOTH, L.OBJECT_RIGHT, L.OBJECT_LEFT)), 7: ("table", ())}),
        LabelMap("right_hand", {0: ("background", (L.BACKGROUND,)), 1: ("right hand", (L.RIGHT_HAND,))}),
        LabelMap("left_hand", {0: ("background", (L.BACKGROUND,)), 1: ("left hand", (L.LEFT_HAND,))}),
    )
}  # fmt: skip
del L
"""Every named convention."""
