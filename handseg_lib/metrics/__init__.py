"""Metrics of the four papers, all from one integer confusion matrix over the whole test set.

Counting first and dividing once at the end makes every number independent of batch size and of the number of
processes. Values are fractions in [0, 1]; what cannot be said (a class that is neither in the truth nor in the
prediction) is NaN, never 0 or 1. `DEFINITIONS` says each metric in a sentence, for the line under a table.
"""

from handseg_lib.metrics.boundary import BoundaryIoU, TrimapIoU, boundary_iou, trimap_band, trimap_iou
from handseg_lib.metrics.confusion import HAND_CLASSES, IGNORE, ConfusionMatrix, confusion_counts
from handseg_lib.metrics.parts import iou_parts, mean_iou_parts

__all__ = [
    "DEFINITIONS",
    "HAND_CLASSES",
    "IGNORE",
    "BoundaryIoU",
    "ConfusionMatrix",
    "TrimapIoU",
    "boundary_iou",
    "confusion_counts",
    "iou_parts",
    "mean_iou_parts",
    "trimap_band",
    "trimap_iou",
]

DEFINITIONS: dict[str, str] = {
    "iou": "TP / (TP + FP + FN) of one class, counted over all pixels of the test set (HandSeg Section 6)",
    "precision": "TP / (TP + FP) of one class, counted over all pixels of the test set",
    "recall": "TP / (TP + FN) of one class, counted over all pixels of the test set",
    "f1": "2 TP / (2 TP + FP + FN) of one class, counted over all pixels of the test set",
    "mean_iou_hands": "mean IoU of the left and right hand, without the background (HandSeg's mIoU)",
    "mean_iou_hand_object": "mean IoU of hand and object, without the background (DenseAttentionSeg's mean IOU)",
    "mean_iu": "mean IoU of all classes, the background included (Long et al. 2015, mean IU)",
    "pixel_accuracy": "share of the pixels that are classified correctly (Long et al. 2015)",
    "mean_accuracy": "mean recall of all classes, the background included (Long et al. 2015)",
    "frequency_weighted_iu": "IoU of all classes weighted by each class's share of the truth (Long et al. 2015)",
    "mean_iou_parts": "mean over images and hands of the mean IoU of the parts with at least 20 true pixels (ETHand)",
    "boundary_iou": "IoU counted only within a distance of the true and of the predicted outline (Cheng et al. 2021)",
    "boundary_iou_hand_object": "mean IoU of hand and object within 2% of the image diagonal of the true and of the "
    "predicted outline (Cheng et al. 2021)",
    "trimap_iou_hand_object": "mean IoU of hand and object on pixels within so many of a true class boundary "
    "(Kohli et al. 2009)",
    "trimap_iou": "IoU counted only on pixels within a given distance of a true class boundary (Kohli et al. 2009)",
}
