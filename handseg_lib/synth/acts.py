"""Verbs and the nouns they apply to, and the things each act needs."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from handseg_lib.synth import verbs, verbs_tools
from handseg_lib.synth.objects import HELD_OUT, OBJECT_KINDS, RigidObject, sample_object
from handseg_lib.synth.parted import LIDS, halves, lidded, stream
from handseg_lib.synth.shading import Material
from handseg_lib.synth.verbs import Verb

_VESSELS = ("bowl", "pan", "mug")
_FLESH = {"apple": (0.80, 0.72, 0.45), "banana": (0.85, 0.75, 0.45), "carrot": (0.80, 0.30, 0.04)}
_DRINKS = ((0.35, 0.14, 0.03), (0.55, 0.30, 0.05), (0.75, 0.74, 0.70), (0.20, 0.02, 0.03), (0.45, 0.52, 0.55))
_LIFTED = tuple(kind for kind in OBJECT_KINDS if kind not in ("cutting_board",))


def _known(*kinds: str) -> tuple[str, ...]:
    """Those of the kinds that objects exist of."""
    return tuple(kind for kind in kinds if kind in OBJECT_KINDS)


VERBS: Mapping[str, Verb] = MappingProxyType({
    verb.name: verb
    for verb in (
        Verb("take", verbs.take, _LIFTED),
        Verb("put", verbs.put, _LIFTED),
        Verb("pour", verbs_tools.pour, _known("bottle", "can", "mug", "glass", "jar", "teapot"),
             (_known("bowl", "mug", "glass", "pan"),)),
        Verb("open", verbs_tools.open_, _known(*LIDS)),
        Verb("close", verbs_tools.close, _known(*LIDS)),
        Verb("cut", verbs_tools.cut, _known(*_FLESH)),
        Verb("turn", verbs.turn, _known("mug", "bottle", "can", "jar", "box", "book", "bowl", "pot", "pan", "carton",
                                        "cube", "cup", "teapot", "toy_car", "camera", "combination_box", "tape")),
        Verb("wipe", verbs.wipe, _known("sponge", "cloth", "dish_brush")),
        Verb("stir", verbs_tools.stir, _known(*_VESSELS), (_known("spoon", "whisk", "fork", "spatula"),)),
        Verb("shake", verbs.shake, _known("bottle", "can", "jar", "spray_bottle", "carton", "cup", "box")),
        Verb("press", verbs.press, _known("phone", "remote", "combination_box")),
        Verb("push", verbs.push, _known("mug", "box", "book", "bowl", "plate", "jar", "can", "pot", "carton", "cup",
                                        "toy_car", "phone", "mouse", "tape", "cube", "combination_box")),
        Verb("hand_over", verbs.hand_over, _known("bottle", "book", "phone", "remote", "carton", "banana", "plate",
                                                  "wrench", "hammer", "torch", "toothbrush", "box", "bowl", "bulb",
                                                  "screwdriver", "paint_brush", "cloth")),
    )
})  # fmt: skip
"""Every verb by name. `hand_over` is from one of the wearer's hands to the other."""
NOUNS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType({name: verb.nouns for name, verb in VERBS.items()})
"""Kinds of objects that each verb can act on: what is cut, opened, poured from, stirred in; of what wipes, the thing
in the hand."""


def nouns_of(verb: str, split: str) -> tuple[str, ...]:
    """Nouns of a verb that may appear in a split: held-out kinds only in the test split.

    Raises:
        ValueError: for an unknown verb.
    """
    if verb not in VERBS:
        raise ValueError(f"unknown verb {verb!r}, expected one of {', '.join(VERBS)}")
    return tuple(noun for noun in NOUNS_OF[verb] if split == "test" or noun not in HELD_OUT)


def things_for(verb: str, noun: str, rng: np.random.Generator) -> tuple[tuple[RigidObject, ...], float, float]:
    """What an act needs, in the order in which its script names things; the lid's height and the place of the cut.

    Raises:
        ValueError: where the verb does not apply to the noun.
    """
    if noun not in NOUNS_OF.get(verb, ()):
        raise ValueError(f"one cannot {verb} {noun!r}; nouns of {verb!r}: {', '.join(NOUNS_OF.get(verb, ('none',)))}")
    if verb in ("open", "close"):
        vessel, lid, height = lidded(noun, rng)
        return (vessel, lid), height, 0.0
    if verb == "pour":
        source = lidded(noun, rng)[0] if noun in LIDS else sample_object(noun, rng)
        target = sample_object(_other(verb, noun, rng), rng)
        drop = float(target.extent[1]) + 0.03
        return (source, target, stream(drop, _DRINKS[int(rng.integers(len(_DRINKS)))])), 0.0, 0.0
    if verb == "stir":
        return (sample_object(_other(verb, noun, rng), rng), sample_object(noun, rng)), 0.0, 0.0
    if verb == "cut":
        whole = sample_object(noun, rng)
        low, high = (float(v) for v in (whole.mesh.vertices[:, 0].min(), whole.mesh.vertices[:, 0].max()))
        at = low + (high - low) * float(rng.uniform(0.66, 0.74))
        kept, piece = halves(whole, at, Material(_FLESH.get(noun, (0.8, 0.7, 0.5)), gloss=0.2))
        return (sample_object("knife", rng), kept, piece), 0.0, at
    return (sample_object(noun, rng),), 0.0, 0.0


def _other(verb: str, noun: str, rng: np.random.Generator) -> str:
    """A kind for the second thing, other than the first."""
    return str(rng.choice([kind for kind in VERBS[verb].others[0] if kind != noun]))
