"""Visual domains of the first-person scenes, named after the roles of EgoHOS's sources (Section 3).

Kitchens stand for EPIC-KITCHENS, workbenches, offices and living rooms for Ego4D and THU-READ, escape rooms for the
paper's own recordings, and `wild` for its YouTube videos: it is for out-of-distribution tests and never sampled
unless asked for by name. Domains differ in rooms and light, in who is filmed and what they wear, in objects and in
what is done with them, and in the camera: lens, blur, noise and colours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from handseg_lib.camera import Intrinsics
from handseg_lib.synth.ego.layout import Room
from handseg_lib.synth.people.clothes import Outfit
from handseg_lib.synth.people.person import SESSIONS, SUBJECTS, Person
from handseg_lib.synth.rooms.rooms import ROOMS
from handseg_lib.synth.sensors.rgb_camera import RgbCamera

OUT_OF_DISTRIBUTION = ("wild",)
SIZE = (640, 480)
EVERYDAY = MappingProxyType(
    {"bare": 1.2, "together": 0.7, "hold": 2.2, "two_things": 1.4, "both_hands": 1.2, "on_top": 1.2, "nobody": 0.5}
)
"""Weights of what is done anywhere; see `ego_activities`."""


@dataclass(frozen=True)
class Domain:
    """One visual domain.

    Attributes:
        name: key of `DOMAINS` and of `rooms.ROOMS`.
        fov: range of the horizontal field of view, degrees.
        sleeves: weights of "none" (bare arms), "tee", "pushed" (to the elbow or below) and "long".
        grade: what kind of colour camera, see `RgbCamera.sample`.
        colours: mean stops of exposure, and mean factors on red and blue.
        subjects: which tenths of the split's subjects are filmed more often than others: weights, cycled.
        held: kinds of objects that are handled here.
        around: kinds of objects that lie about here.
        clutter: fewest and most things that lie about.
        activities: weights of what is done, see `ego_activities`.
    """

    name: str
    fov: tuple[float, float]
    sleeves: Mapping[str, float]
    grade: str
    held: tuple[str, ...]
    around: tuple[str, ...]
    colours: tuple[float, float, float] = (0.0, 1.0, 1.0)
    subjects: tuple[float, ...] = (1.0,)
    clutter: tuple[int, int] = (2, 8)
    activities: Mapping[str, float] = field(default_factory=lambda: EVERYDAY)

    def room(self, rng: np.random.Generator) -> Room:
        """One of the domain's rooms."""
        return ROOMS[self.name](rng)

    def person(self, rng: np.random.Generator, split: str) -> Person:
        """One of the split's subjects, dressed as people are here.

        Raises:
            ValueError: for an unknown split.
        """
        if split not in SUBJECTS:
            raise ValueError(f"unknown split {split!r}, expected one of {', '.join(SUBJECTS)}")
        pool = SUBJECTS[split]
        weights = np.array([self.subjects[k % len(self.subjects)] for k in range(len(pool))])
        subject = int(rng.choice(pool, p=weights / weights.sum()))
        person = Person.of(subject, int(rng.integers(SESSIONS)))
        return replace(person, outfit=dressed_as(rng, person.outfit, self.sleeves))

    def lens(self, rng: np.random.Generator) -> Intrinsics:
        """A camera of the domain's field of view, 640x480, free of distortion, its centre nearly in the middle."""
        width, height = SIZE
        focal = float(0.5 * width / np.tan(np.radians(rng.uniform(*self.fov)) / 2))
        dx, dy = rng.normal(0, 3, 2)
        return Intrinsics(focal, focal, (width - 1) / 2 + float(dx), (height - 1) / 2 + float(dy), width, height)

    def camera(self, rng: np.random.Generator) -> RgbCamera:
        """How the camera renders colours, its blur and its noise."""
        stops, red, blue = self.colours
        one = RgbCamera.sample(rng, self.grade)
        r, g, b = one.white_balance
        return replace(one, exposure=one.exposure + stops, white_balance=(r * red, g, b * blue))


def dressed_as(rng: np.random.Generator, outfit: Outfit, sleeves: Mapping[str, float]) -> Outfit:
    """The outfit with sleeves drawn by their weights."""
    weights = np.array(list(sleeves.values()))
    kind = str(rng.choice(list(sleeves), p=weights / weights.sum()))
    reach, ease = {
        "none": (0.0, 0.0),
        "tee": (rng.uniform(0.45, 0.85), rng.uniform(0.008, 0.028)),
        "pushed": (rng.uniform(1.0, 1.55), rng.uniform(0.005, 0.014)),
        "long": (rng.uniform(1.75, 1.93), rng.uniform(0.005, 0.014)),
    }[kind]
    return replace(outfit, sleeve=float(reach), sleeve_ease=float(ease))


KITCHENWARE = ("mug", "cup", "glass", "bottle", "can", "jar", "bowl", "plate", "pan", "pot", "knife", "fork", "spoon",
               "spatula", "whisk", "cutting_board", "sponge", "dish_brush", "spray_bottle", "carton")  # fmt: skip
FOOD = ("apple", "banana", "carrot")
TOOLS = ("hammer", "screwdriver", "wrench", "paint_brush", "torch", "tape", "scissors", "spray_bottle", "can", "jar",
         "box", "bulb", "marker", "rope")  # fmt: skip
DESK = ("mug", "cup", "bottle", "pen", "marker", "phone", "mouse", "remote", "book", "scissors", "tape", "box", "apple",
        "camera")  # fmt: skip
PLAY = ("mug", "glass", "can", "bottle", "remote", "cube", "ball", "book", "phone", "bowl", "toy_car", "torch", "apple")
RIDDLES = ("box", "book", "ball", "cube", "torch", "key", "bottle", "jar", "glass", "pen", "cup", "padlock", "scissors",
           "bulb", "hammer", "combination_box")  # fmt: skip
GARDEN = ("bottle", "can", "cup", "glass", "bowl", "plate", "knife", "fork", "ball", "spray_bottle", "phone", "book",
          "jar", "camera", "rope", "cloth", "teapot", "hairdryer", "scissors", "toy_car", "apple")  # fmt: skip

DOMAINS: Mapping[str, Domain] = MappingProxyType({
    domain.name: domain
    for domain in (
        Domain("kitchen", (72, 92), {"none": 0.15, "tee": 0.45, "pushed": 0.25, "long": 0.15}, "head",
               KITCHENWARE + FOOD, KITCHENWARE + FOOD, (0.3, 1.03, 0.96), (1.4, 1.0, 0.5, 1.2, 0.4), (3, 10),
               {**EVERYDAY, "cut": 3.0, "pour": 2.2, "stir": 2.2, "drawer": 1.2}),
        Domain("workbench", (62, 80), {"none": 0.05, "tee": 0.3, "pushed": 0.35, "long": 0.3}, "head",
               TOOLS, TOOLS, (0.2, 1.06, 0.92), (0.5, 1.2, 1.0, 0.6, 1.3), (3, 9),
               {**EVERYDAY, "work": 3.5, "bare": 0.9}),
        Domain("office", (54, 72), {"none": 0.0, "tee": 0.25, "pushed": 0.15, "long": 0.6}, "webcam",
               DESK, DESK, (0.2, 0.97, 1.04), (0.8, 0.6, 1.4, 1.0, 1.0), (2, 7),
               {**EVERYDAY, "type": 2.2, "write": 2.5, "press": 0.8, "together": 0.9}),
        Domain("escape_room", (66, 86), {"none": 0.05, "tee": 0.35, "pushed": 0.15, "long": 0.45}, "head",
               RIDDLES, RIDDLES, (0.0, 1.06, 0.9), (1.0, 0.7, 0.7, 1.3, 1.0), (2, 7),
               {**EVERYDAY, "press": 1.8, "two_things": 2.0}),
        Domain("game_table", (56, 76), {"none": 0.1, "tee": 0.5, "pushed": 0.15, "long": 0.25}, "phone",
               PLAY, PLAY, (0.05, 1.02, 0.96), (1.0, 1.3, 0.6, 0.6, 1.2), (2, 7),
               {**EVERYDAY, "game": 2.5, "bare": 1.6}),
        Domain("wild", (60, 100), {"none": 0.3, "tee": 0.3, "pushed": 0.15, "long": 0.25}, "wild",
               GARDEN, GARDEN, (0.1, 1.0, 1.0), (1.0,), (2, 9), {**EVERYDAY, "pour": 1.0, "cut": 1.0}),
    )
})  # fmt: skip
"""Every visual domain by name."""
INDOOR = tuple(name for name in DOMAINS if name not in OUT_OF_DISTRIBUTION)
"""The domains of training, validation and in-domain test frames."""


def domain_named(name: str) -> Domain:
    """A domain by name.

    Raises:
        ValueError: for an unknown name; the message lists those that exist.
    """
    if name not in DOMAINS:
        raise ValueError(f"unknown visual domain {name!r}, expected one of {', '.join(DOMAINS)}")
    return DOMAINS[name]
