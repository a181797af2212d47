"""How right the annotation of hands and objects is: pixels, causes of error, and a stated rule for reviewers."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from handseg_lib.annotate.hands_objects import BACKGROUND, HAND, OBJECT
from handseg_lib.annotate.review import ReviewRule
from handseg_lib.data.labels import LABEL_MAPS
from handseg_lib.errors import LabelError
from handseg_lib.metrics import confusion_counts

NAMES = LABEL_MAPS["hand_object"].names
CAUSES = ("object taken for hand", "hand taken for object", "sleeve or body", "lost")
"""Why an annotated pixel and the true one differ (`error_pixels`)."""


def true_classes(labels: NDArray[np.uint8], bare: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """(H, W) uint8 0 background, 1 hand, 2 object from exact labels of the vocabulary, as the networks learn them.

    Args:
        labels: (H, W) uint8; a hand ends at the wrist.
        bare: (H, W) bool, arm pixels that show skin. Given, they count as hand: colour cannot tell them from one.
            Without, the wrist is where the hand ends. Sleeves are background in either case.
    """
    classes = LABEL_MAPS["hand_object"].encode(labels)
    if bare is not None:
        classes[bare] = HAND
    return classes


def counts(found: NDArray[np.uint8], true: NDArray[np.uint8], counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(3, 3) confusion counts of one frame, rows are truth; only `counted` pixels.

    Raises:
        LabelError: if sizes differ.
        ValueError: if a class is none of the three.
    """
    if not found.shape == true.shape == counted.shape:
        raise LabelError(
            f"annotation is {found.shape}, truth {true.shape}, pixels to count {counted.shape}; expected one size"
        )
    return confusion_counts(found[counted], true[counted], len(NAMES), ignore=None)


def error_pixels(
    found: NDArray[np.uint8], true: NDArray[np.uint8], counted: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Cause of `CAUSES` -> (H, W) wrong pixels; every wrong counted pixel has one cause.

    "sleeve or body" is what is no hand and no object but was called so, "lost" the reverse.
    """
    return {
        CAUSES[0]: (true == OBJECT) & (found == HAND) & counted,
        CAUSES[1]: (true == HAND) & (found == OBJECT) & counted,
        CAUSES[2]: (true == BACKGROUND) & (found != BACKGROUND) & counted,
        CAUSES[3]: (true != BACKGROUND) & (found == BACKGROUND) & counted,
    }


def faults(
    found: NDArray[np.uint8], true: NDArray[np.uint8], counted: NDArray[np.bool_], rule: ReviewRule
) -> Mapping[str, str]:
    """What is wrong with a frame by `ReviewRule`: "hand", "object" -> "missed", "invented" or "inexact"; empty if good.

    Both masks are looked at; the rule's limits hold for each.
    """
    wrong = {
        NAMES[k]: rule.fault((true == k) & counted, (found == k) & counted)
        for k in (HAND, OBJECT)
    }  # fmt: skip
    return {name: fault for name, fault in wrong.items() if fault}
