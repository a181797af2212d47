"""Data sets: one label vocabulary, one sample type, one loader per real set, and the synthetic ones."""

from handseg_lib.data.labels import LABEL_MAPS, MIRROR, PARTS, Label, LabelMap
from handseg_lib.data.sample import Sample

__all__ = ["LABEL_MAPS", "MIRROR", "PARTS", "Label", "LabelMap", "Sample"]
