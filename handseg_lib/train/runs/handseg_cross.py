"""Runs of HandSeg's Table 4 (Section 6.3): trained on each of four depth sets, tested on each.

The sets are the synthetic counterparts of `data.counterparts`. Two of the four know one hand only, so left and right
are one class everywhere, in training too; the paper joins them only in those comparisons. Every run makes the same
number of updates, so a set is no better for being larger.
"""

from typing import Literal

from handseg_lib.profiles import Profile
from handseg_lib.train.registry import Data, Evaluation, RunConfig, declares, frames

SETS = ("nyu", "handseg", "handnet", "freiburg")
"""The sets in the order of Table 4; `like_<name>` is what is read."""


def like(profile: Profile, name: str, split: Literal["train", "val", "test"]) -> Data:
    """One split of a counterpart, in the shape of the network's input: Freiburg's square frames are padded."""
    scene = "like_handnet" if name == "handnet_exact" else f"like_{name}"  # the same frames under other labels
    aspect = profile.network.width / profile.network.height
    data = frames(profile, scene, split).model_copy(update={"source": f"like_{name}"})
    padded = abs(data.width / data.height - aspect) > 1e-6
    return data.model_copy(update={"aspect": aspect}) if padded else data


def cross(profile: Profile, name: str, *learnt: str) -> RunConfig:
    """The proposed network trained on some of the sets and tested on all of them, and on the real SR305 frames.

    HandNet's frames are tested on twice, with the labels they come with and with exact ones.
    """
    train = tuple(like(profile, one, "train") for one in learnt)
    tests = [
        Evaluation(name=one, data=like(profile, one, "test"), label_map="hand") for one in (*SETS, "handnet_exact")
    ]
    sr305 = Evaluation(name="sr305", data=Data(source="sr305"), label_map="hand", only_measured=False, keep=64)
    return RunConfig(
        name=f"handseg/cross_{name}",
        paper="handseg",
        section="6.3",
        model="handseg",
        options={"width": profile.benchmark.proposed},
        train=train if len(train) > 1 else train[0],
        validation=like(profile, learnt[0], "val"),
        label_map="hand",
        weighting="sqrt",
        input_size=profile.network.size,
        schedule=profile.schedule("cross").over(train[0].count),
        tests=(*tests, sr305),
    )


@declares("handseg/cross_nyu")
def cross_nyu(profile: Profile) -> RunConfig:
    """Table 4, column NYU: one person before a Kinect v1."""
    return cross(profile, "nyu", "nyu")


@declares("handseg/cross_handseg")
def cross_handseg(profile: Profile) -> RunConfig:
    """Table 4, column HandSeg: many people, two hands, SR300."""
    return cross(profile, "handseg", "handseg")


@declares("handseg/cross_handnet")
def cross_handnet(profile: Profile) -> RunConfig:
    """Table 4, column HandNet: SR300 and heuristic labels."""
    return cross(profile, "handnet", "handnet")


@declares("handseg/cross_freiburg")
def cross_freiburg(profile: Profile) -> RunConfig:
    """Table 4, column Freiburg: depth without noise."""
    return cross(profile, "freiburg", "freiburg")


@declares("handseg/cross_handnet_exact")
def cross_handnet_exact(profile: Profile) -> RunConfig:
    """Not in the paper: the frames of HandNet's counterpart with exact labels, to tell labels from frames."""
    return cross(profile, "handnet_exact", "handnet_exact")


@declares("handseg/cross_all")
def cross_all(profile: Profile) -> RunConfig:
    """Not in the paper: all four sets together, with the labels each comes with, in as many updates."""
    return cross(profile, "all", *SETS)
