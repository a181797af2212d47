"""All kinds of objects: how each is shaped and painted, and which are kept out of training."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from handseg_lib.synth.objects import desk, food, kitchen, soft, tools, vessels
from handseg_lib.synth.objects.design import Design, Model, built, finished
from handseg_lib.synth.objects.thing import RigidObject
from handseg_lib.synth.shading import Material

VARIANTS = 8
"""Shapes of each kind. Each is scaled by up to 12% and painted anew for every object."""
SIZES = (0.88, 1.12)


@dataclass(frozen=True)
class Kind:
    """A kind of object.

    Attributes:
        shape: random numbers -> parts and holds.
        look: random numbers -> a material for every name that the parts use.
    """

    shape: Callable[[np.random.Generator], Design]
    look: Callable[[np.random.Generator], dict[str, Material]]


def _kinds(module: object, *names: str) -> dict[str, Kind]:
    return {name: Kind(getattr(module, name), getattr(module, f"{name}_look")) for name in names}


OBJECT_KINDS: dict[str, Kind] = {
    **_kinds(vessels, "mug", "cup", "glass", "bottle", "spray_bottle", "can", "jar", "bowl", "plate", "teapot"),
    **_kinds(
        kitchen,
        "pan",
        "pot",
        "cutting_board",
        "sponge",
        "knife",
        "fork",
        "spoon",
        "spatula",
        "whisk",
        "scissors",
        "dish_brush",
    ),
    **_kinds(
        desk,
        "box",
        "carton",
        "book",
        "phone",
        "remote",
        "mouse",
        "pen",
        "marker",
        "camera",
        "tape",
        "bulb",
    ),
    **_kinds(
        tools,
        "screwdriver",
        "hammer",
        "wrench",
        "torch",
        "paint_brush",
        "toothbrush",
        "hairdryer",
        "padlock",
        "key",
        "combination_box",
    ),
    **_kinds(food, "banana", "apple", "carrot", "ball", "toy_car", "cube"),
    **_kinds(soft, "cloth", "rope"),
}
HELD_OUT: tuple[str, ...] = ("cloth", "rope", "teapot", "hairdryer", "camera")
"""Kinds never seen in training: two that are not rigid, and three of unusual shape."""
TRAIN_KINDS: tuple[str, ...] = tuple(kind for kind in OBJECT_KINDS if kind not in HELD_OUT)


def object_names(split: str) -> tuple[str, ...]:
    """Kinds that a split's scenes may show: "train", "val" and "test" share theirs, "held_out" has its own.

    Raises:
        ValueError: for an unknown split.
    """
    if split not in ("train", "val", "test", "held_out"):
        raise ValueError(f"unknown split {split!r}, expected train, val, test or held_out")
    return HELD_OUT if split == "held_out" else TRAIN_KINDS


@cache
def model_of(kind: str, variant: int) -> Model:
    """One of the `VARIANTS` shapes of a kind, built once in a process."""
    return built(OBJECT_KINDS[kind].shape(np.random.default_rng([*kind.encode(), variant])))


def sample_object(kind: str, rng: np.random.Generator) -> RigidObject:
    """An object of a kind: one of its shapes, in a random size and random colours.

    Raises:
        ValueError: for an unknown kind.
    """
    if kind not in OBJECT_KINDS:
        raise ValueError(f"unknown object kind {kind!r}, expected one of {', '.join(sorted(OBJECT_KINDS))}")
    model = model_of(kind, int(rng.integers(VARIANTS)))
    return finished(kind, model, OBJECT_KINDS[kind].look(rng), float(rng.uniform(*SIZES)))
