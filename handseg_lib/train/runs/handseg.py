"""Runs of HandSeg (Bojja et al.): its network, the methods it is compared with, and how much data it needs."""

from collections.abc import Mapping
from typing import Any, Literal

from handseg_lib.profiles import Profile
from handseg_lib.train.registry import Augmentation, Data, Evaluation, RunConfig, declares, frames

SCENE = "exo_two_hands"

SIZES = (1, 2, 4, 8, 16, 32)
"""Table 3 divides the training set by these."""

AS_THEY_ARE = Augmentation(flip=0.0)
"""The paper names no augmentation. Mirrored frames slowed a short training: after 340 updates of the proposed network
on a grid of 128x96, mean IoU over two seeds was 0.29 with them and 0.35 without.
"""


@declares("handseg/proposed")
def proposed(profile: Profile) -> RunConfig:
    """HandSeg's own network on left hand, right hand and background, trained as long as the profile can afford.

    The paper puts "the class frequency in the loss" and prints no formula. With the plain inverse, a short training
    finds nearly every hand and paints it far too wide (at `quick`, seed 0: recall 0.93 at a mean IoU of 0.39), so we
    take its square root.
    """
    train = frames(profile, SCENE, "train")
    return RunConfig(
        name="handseg/proposed",
        paper="handseg",
        section="5.1, 6.1",
        model="handseg",
        options={"width": profile.network.channels},
        train=train,
        validation=frames(profile, SCENE, "val"),
        label_map="left_right",
        weighting="sqrt",
        input_size=profile.network.size,
        augmentation=AS_THEY_ARE,
        schedule=profile.schedule("handseg").over(train.count),
        tests=(Evaluation(name="synthetic", data=frames(profile, SCENE, "test"), label_map="left_right"),),
    )


def compared(
    profile: Profile,
    name: str,
    model: str,
    options: Mapping[str, Any],
    section: str = "6.1",
    weighting: Literal["none", "frequency", "median", "sqrt"] = "sqrt",
    divisor: int = 1,
) -> RunConfig:
    """A run of Table 2, Table 3 or the loss study: all see the same frames for the same number of updates.

    Only what a table compares differs, and the learning rate where the profile names a method's own. The length of a
    training is that of the whole training set, so a smaller part of it is seen more often, not for less time. (The
    paper trains for 50 epochs; whether epochs of a smaller set are shorter, it does not say.)

    Args:
        divisor: learn from the first 1/divisor of the training frames.
    """
    train = frames(profile, SCENE, "train")
    schedule = profile.schedule("benchmark").over(train.count)
    rate = profile.benchmark.rates.get(name, schedule.lr)
    part = train if divisor == 1 else train.model_copy(update={"first": max(1, train.count // divisor)})
    return RunConfig(
        name=f"handseg/{name}",
        paper="handseg",
        section=section,
        model=model,
        options=dict(options),
        train=part,
        validation=frames(profile, SCENE, "val"),
        label_map="left_right",
        weighting=weighting,
        input_size=profile.network.size,
        augmentation=AS_THEY_ARE,
        schedule=schedule.model_copy(update={"lr": rate}),
        tests=(Evaluation(name="synthetic", data=frames(profile, SCENE, "test"), label_map="left_right"),),
    )


def on_vgg(profile: Profile) -> dict[str, Any]:
    """Options of a network on VGG-16: its width, and ImageNet's weights where the profile names their file."""
    weights = profile.benchmark.vgg_weights
    return {"width": profile.benchmark.vgg} | ({"weights": weights} if weights else {})


def fcn(profile: Profile, stride: int) -> dict[str, Any]:
    """Options of FCN. Without ImageNet's weights it gets batch normalisation, or it would stay where it starts."""
    return {"stride": stride, "batch_norm": profile.benchmark.vgg_weights is None, **on_vgg(profile)}


@declares("handseg/fcn32s")
def fcn32s(profile: Profile) -> RunConfig:
    """Table 2, row "FCN(32s)": coarse scores, interpolated."""
    return compared(profile, "fcn32s", "fcn", fcn(profile, 32))


@declares("handseg/fcn16s")
def fcn16s(profile: Profile) -> RunConfig:
    """Not in Table 2; Section 5.1 names it: scores of the fourth pooling stage added."""
    return compared(profile, "fcn16s", "fcn", fcn(profile, 16))


@declares("handseg/fcn8s")
def fcn8s(profile: Profile) -> RunConfig:
    """Not in Table 2; Section 5.1 names it: scores of the third and fourth pooling stages added."""
    return compared(profile, "fcn8s", "fcn", fcn(profile, 8))


@declares("handseg/segnet")
def segnet(profile: Profile) -> RunConfig:
    """Table 2, row "SegNet"."""
    return compared(profile, "segnet", "segnet", on_vgg(profile))


@declares("handseg/deconvnet")
def deconvnet(profile: Profile) -> RunConfig:
    """The row that Table 2 lacks: one epoch of DeconvNet took the paper over 12 hours (Section 6.1)."""
    return compared(profile, "deconvnet", "deconvnet", on_vgg(profile))


@declares("handseg/forest")
def forest(profile: Profile) -> RunConfig:
    """Table 2, row "Forests": 3 trees of depth 22 (Section 5). Of its schedule only the threads matter."""
    options = {"trees": 3, "depth": 22, "offsets": profile.benchmark.offsets, "most_pixels": profile.benchmark.pixels}
    return compared(profile, "forest", "forest", options)


def studied(
    profile: Profile,
    name: str,
    weighting: Literal["none", "frequency", "median", "sqrt"] = "sqrt",
    divisor: int = 1,
    section: str = "6.2",
) -> RunConfig:
    """The proposed network in a study of the loss or of the training set's size."""
    options = {"width": profile.benchmark.proposed}
    return compared(profile, name, "handseg", options, section, weighting, divisor)


@declares("handseg/loss_none")
def loss_none(profile: Profile) -> RunConfig:
    """The loss study: every pixel counts the same, "always background" beckons (Section 5.1)."""
    return studied(profile, "loss_none", "none", section="5.1")


@declares("handseg/loss_frequency")
def loss_frequency(profile: Profile) -> RunConfig:
    """The loss study: every class counts the same, the inverse of its frequency weighs its pixels (Section 5.1)."""
    return studied(profile, "loss_frequency", "frequency", section="5.1")


@declares("handseg/loss_median")
def loss_median(profile: Profile) -> RunConfig:
    """The loss study: frequencies are those in images that hold the class, and divide their median (as SegNet)."""
    return studied(profile, "loss_median", "median", section="5.1")


@declares("handseg/size_1")
def size_1(profile: Profile) -> RunConfig:
    """Table 3 with the whole training set; also row "Proposed" of Table 2 (as in the paper) and of the loss study."""
    return studied(profile, "size_1")


@declares("handseg/size_2")
def size_2(profile: Profile) -> RunConfig:
    """Table 3 with a half of the training set."""
    return studied(profile, "size_2", divisor=2)


@declares("handseg/size_4")
def size_4(profile: Profile) -> RunConfig:
    """Table 3 with a quarter of the training set."""
    return studied(profile, "size_4", divisor=4)


@declares("handseg/size_8")
def size_8(profile: Profile) -> RunConfig:
    """Table 3 with an eighth of the training set."""
    return studied(profile, "size_8", divisor=8)


@declares("handseg/size_16")
def size_16(profile: Profile) -> RunConfig:
    """Table 3 with a 16th of the training set."""
    return studied(profile, "size_16", divisor=16)


@declares("handseg/size_32")
def size_32(profile: Profile) -> RunConfig:
    """Table 3 with a 32nd of the training set."""
    return studied(profile, "size_32", divisor=32)


@declares("handseg/synthetic_to_real")
def synthetic_to_real(profile: Profile) -> RunConfig:
    """Trained on rendered depth only, with strong augmentation, and measured on real frames as well.

    The real frames label one hand only, so left and right are one class. Arms are a class of their own while learning:
    where the hand ends is what a real frame asks first. Frames are turned all the way round, because a camera may stand
    anywhere and a real arm may hang into the view from above.
    """
    train = frames(profile, SCENE, "train")
    return RunConfig(
        name="handseg/synthetic_to_real",
        paper="handseg",
        section="6.3",
        model="handseg",
        options={"width": profile.network.channels},
        train=train,
        validation=frames(profile, SCENE, "val"),
        label_map="hand_and_arm",
        weighting="none",
        input_size=profile.network.size,
        augmentation=Augmentation(
            flip=0.5, rotation=180.0, zoom=(0.8, 1.25), shift=0.1, depth_scale=(0.9, 1.1), holes=3
        ),
        schedule=profile.schedule("synthetic_to_real").over(train.count),
        tests=(
            Evaluation(name="synthetic", data=frames(profile, SCENE, "test"), label_map="hand"),
            Evaluation(name="sr305", data=Data(source="sr305"), label_map="hand", only_measured=False, keep=64),
        ),
    )
