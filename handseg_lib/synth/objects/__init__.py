"""Objects that hands hold, and that lie about: see `sample_object`."""

from handseg_lib.synth.objects.clutter import arrange
from handseg_lib.synth.objects.kinds import HELD_OUT, OBJECT_KINDS, TRAIN_KINDS, object_names, sample_object
from handseg_lib.synth.objects.thing import Grip, RigidObject

__all__ = ["HELD_OUT", "OBJECT_KINDS", "TRAIN_KINDS", "Grip", "RigidObject", "arrange", "object_names", "sample_object"]
