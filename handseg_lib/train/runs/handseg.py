"""Runs of HandSeg (Bojja et al.): its network, and what it becomes on real frames."""

from handseg_lib.profiles import Profile
from handseg_lib.train.registry import Augmentation, Data, Evaluation, RunConfig, declares, frames


@declares("handseg/proposed")
def proposed(profile: Profile) -> RunConfig:
    """HandSeg's own network on left hand, right hand and background: Table 2, row "Proposed".

    The paper puts "the class frequency in the loss" and prints no formula. With the plain inverse, a short training
    finds nearly every hand and paints it far too wide (at `quick`, seed 0: recall 0.93 at a mean IoU of 0.39), so we
    take its square root.
    """
    scene = "exo_two_hands"
    train = frames(profile, scene, "train")
    return RunConfig(
        name="handseg/proposed",
        paper="handseg",
        section="5.1, 6.1",
        model="handseg",
        options={"width": profile.network.channels},
        train=train,
        validation=frames(profile, scene, "val"),
        label_map="left_right",
        weighting="sqrt",
        input_size=profile.network.size,
        schedule=profile.schedule("handseg").over(train.count),
        tests=(Evaluation(name="synthetic", data=frames(profile, scene, "test"), label_map="left_right"),),
    )


@declares("handseg/synthetic_to_real")
def synthetic_to_real(profile: Profile) -> RunConfig:
    """Trained on rendered depth only, with strong augmentation, and measured on real frames as well.

    The real frames label one hand only, so left and right are one class. Arms are a class of their own while learning:
    where the hand ends is what a real frame asks first. Frames are turned all the way round, because a camera may stand
    anywhere and a real arm may hang into the view from above.
    """
    scene = "exo_two_hands"
    train = frames(profile, scene, "train")
    return RunConfig(
        name="handseg/synthetic_to_real",
        paper="handseg",
        section="6.3",
        model="handseg",
        options={"width": profile.network.channels},
        train=train,
        validation=frames(profile, scene, "val"),
        label_map="hand_and_arm",
        weighting="none",
        input_size=profile.network.size,
        augmentation=Augmentation(
            flip=0.5, rotation=180.0, zoom=(0.8, 1.25), shift=0.1, depth_scale=(0.9, 1.1), holes=3
        ),
        schedule=profile.schedule("synthetic_to_real").over(train.count),
        tests=(
            Evaluation(name="synthetic", data=frames(profile, scene, "test"), label_map="hand"),
            Evaluation(name="sr305", data=Data(source="sr305"), label_map="hand", only_measured=False, keep=64),
        ),
    )
