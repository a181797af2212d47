"""Runs that ask what the synthetic world is worth: colour networks trained on renderings, tested on photographs."""

from typing import Literal

from handseg_lib.profiles import Profile
from handseg_lib.train.registry import Augmentation, Data, Evaluation, Photographic, RunConfig, declares, frames

EXO_COLOUR = ("exo_hand_object",)
"""Third-person scenes that colour networks learn from beside `ego_hand_object`."""

COLOUR = Augmentation(
    flip=0.5,
    rotation=25.0,
    zoom=(0.7, 1.8),
    shift=0.15,
    stretch=1.25,
    photographic=Photographic(
        brightness=0.3, contrast=0.3, saturation=0.3, hue=0.02, grey=0.05, blur=1.0, noise=6.0, jpeg=40
    ),
)
"""Other cameras and other light: photographs differ among themselves more than our renderings do.

Stronger changes of colour and noise are more than a short training can take: hands are then found by shape alone.
"""


MEASURED = {"hands": ("hand", "egohands"), "skin": ("hand_arm", "hgr")}
"""What is measured -> the classes that are counted, and the real set whose labels say just that."""


def on_colour(name: str, data: Data, label_map: str, keep: int = 8) -> Evaluation:
    """A test on colour images."""
    return Evaluation(name=name, data=data, label_map=label_map, upsampling="bilinear", only_measured=False, keep=keep)


@declares("world/rgb")
def rgb(profile: Profile) -> RunConfig:
    """A small U-shaped network that learns bare hands and bare forearms from rendered colour images only.

    Measured on rendered and real images: hands up to the wrist on EgoHands, all bare skin of hand and arm on HGR.
    """
    ego, scenes = "ego_hand_object", ("ego_hand_object", *EXO_COLOUR)

    def colour(scene: str, split: Literal["train", "val", "test"]) -> Data:
        data = frames(profile, scene, split).model_copy(update={"inputs": "rgb", "bare": True})
        held = {"train": profile.colour.held, "test": profile.colour.held_test}
        return data.model_copy(update={"count": held[split]}) if scene in EXO_COLOUR else data

    train = tuple(colour(scene, "train") for scene in scenes)
    tests = []
    for what, (label_map, real) in MEASURED.items():
        tests += [on_colour(f"{scene}_{what}", colour(scene, "test"), label_map) for scene in scenes]
        tests.append(on_colour(real, Data(source=real, inputs="rgb"), label_map, keep=64))
    return RunConfig(
        name="world/rgb",
        paper="none",
        section="the synthetic world",
        model=profile.colour.model,
        options={"width": profile.colour.channels},
        train=train,
        validation=colour(ego, "val"),
        label_map="hand_and_arm",
        weighting="sqrt",
        input_size=profile.colour.size,
        augmentation=COLOUR,
        schedule=profile.schedule("rgb").over(sum(data.count for data in train)),
        tests=tuple(tests),
    )
