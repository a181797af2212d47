"""All kinds of scene by name. A module a kind; each function takes (rng, split) and returns a `Scene`."""

from collections.abc import Callable

import numpy as np

from handseg_lib.synth.scene import Scene
from handseg_lib.synth.scenes.counterparts import exo_left_hand, exo_one_person, exo_person_alone
from handseg_lib.synth.scenes.ego_hand_object import ego_hand_object, ego_hand_object_wild
from handseg_lib.synth.scenes.exo_hand_object import exo_hand_object, exo_hand_object_unseen
from handseg_lib.synth.scenes.exo_two_hands import exo_two_hands
from handseg_lib.synth.scenes.glove_session import exo_gloves
from handseg_lib.synth.scenes.two_hands_amodal import two_hands_amodal, two_hands_unpaired

SCENES: dict[str, Callable[[np.random.Generator, str], Scene]] = {
    "exo_two_hands": exo_two_hands,
    "exo_gloves": exo_gloves,
    "exo_left_hand": exo_left_hand,
    "exo_one_person": exo_one_person,
    "exo_person_alone": exo_person_alone,
    "exo_hand_object": exo_hand_object,
    "exo_hand_object_unseen": exo_hand_object_unseen,
    "ego_hand_object": ego_hand_object,
    "ego_hand_object_wild": ego_hand_object_wild,
    "two_hands_amodal": two_hands_amodal,
    "two_hands_unpaired": two_hands_unpaired,
}
"""Scene name -> function (rng, split) -> Scene."""
