"""Verbs and the nouns they apply to, and the things each act needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from handseg_lib.synth.objects import HELD_OUT, OBJECT_KINDS, RigidObject, sample_object
from handseg_lib.synth.objects.parted import LIDS, halves, lidded, stream
from handseg_lib.synth.shading import Material
from handseg_lib.synth.video import verbs, verbs_tools
from handseg_lib.synth.video.verbs import Verb

_VESSELS = ("bowl", "pan", "mug")
_FLESH = {"apple": (0.80, 0.72, 0.45), "carrot": (0.80, 0.30, 0.04)}
_DRINKS = ((0.35, 0.14, 0.03), (0.55, 0.30, 0.05), (0.75, 0.74, 0.70), (0.20, 0.02, 0.03), (0.45, 0.52, 0.55))
_LIFTED = tuple(kind for kind in OBJECT_KINDS if kind not in ("cutting_board", "plate", "book"))


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


@dataclass(frozen=True)
class Props:
    """What an act needs.

    Attributes:
        things: in the order in which the script names them.
        lid_height: how high a lid sits on its vessel, metres.
        cut_at, cut_end: where a knife goes through, and the sign of x towards the piece that comes off.
    """

    things: tuple[RigidObject, ...]
    lid_height: float = 0.0
    cut_at: float = 0.0
    cut_end: float = 0.0


def props_for(verb: str, noun: str, rng: np.random.Generator) -> Props:
    """The things of an act.

    Raises:
        ValueError: where the verb does not apply to the noun.
    """
    if noun not in NOUNS_OF.get(verb, ()):
        raise ValueError(f"one cannot {verb} {noun!r}; nouns of {verb!r}: {', '.join(NOUNS_OF.get(verb, ('none',)))}")
    if verb in ("open", "close"):
        vessel, lid, height = lidded(noun, rng)
        return Props((vessel, lid), lid_height=height)
    if verb == "pour":
        source = lidded(noun, rng)[0] if noun in LIDS else sample_object(noun, rng)
        target = sample_object(_other(verb, noun, rng), rng)
        drop = float(target.extent[1]) + 0.03
        return Props((source, target, stream(drop, _DRINKS[int(rng.integers(len(_DRINKS)))])))
    if verb == "stir":
        return Props((sample_object(_other(verb, noun, rng), rng), sample_object(noun, rng)))
    if verb == "cut":
        return _to_cut(sample_object(noun, rng), sample_object("knife", rng), rng)
    return Props((sample_object(noun, rng),))


def _to_cut(whole: RigidObject, knife: RigidObject, rng: np.random.Generator) -> Props:
    """A knife and a fruit already in two: a piece at +x, and the rest for the hand that holds it."""
    size = whole.extent
    compact = float(size[0]) < 1.6 * float(size[2])
    share = float(rng.uniform(0.74, 0.82) if compact else rng.uniform(0.64, 0.74))
    at = float(whole.mesh.vertices[:, 0].min()) + float(size[0]) * share
    kept, piece = halves(whole, at, Material(_FLESH[whole.kind], gloss=0.2))
    return Props((knife, kept, piece), cut_at=at, cut_end=1.0)


def _other(verb: str, noun: str, rng: np.random.Generator) -> str:
    """A kind for the second thing, other than the first."""
    return str(rng.choice([kind for kind in VERBS[verb].others[0] if kind != noun]))
