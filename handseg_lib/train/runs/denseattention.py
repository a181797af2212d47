"""Runs of DenseAttentionSeg (Bo et al.): hand and object in the nearest 16 cm, eight systems, the ablations.

All see the same frames as InterSegHands shows them (Section 3), for the same number of updates; only what a table
compares differs.
"""

from typing import Any, Literal

from handseg_lib.profiles import Profile
from handseg_lib.train.registry import Augmentation, Data, Evaluation, RunConfig, declares, frames

SCENE = "exo_hand_object"

NEAREST = 0.16
"""Metres behind the nearest thing that a frame keeps: Section 3."""

WEIGHTS = (1.0, 5.0, 5.0)
"""Of background, hand and object in the cross-entropy: Section 4.5."""

BANDS = (1, 2, 4, 8)
"""Half-widths in pixels of the bands around outlines in which IoU is counted too."""

AUGMENTATION = Augmentation(flip=0.5, rotation=30.0, noise=0.001)
"""Section 4.5 names flips, rotation and Gaussian noise on the depth, and gives no sizes: these are ours."""


def cropped(profile: Profile, scene: str, split: Literal["train", "val", "test"]) -> Data:
    """One split of a scene, cut to what InterSegHands keeps."""
    return frames(profile, scene, split).model_copy(update={"within": NEAREST})


def measured_on(profile: Profile, name: str, scene: str) -> Evaluation:
    """A test whose predictions come to full size without a look at the depth, so outlines are the network's own."""
    data = cropped(profile, scene, "test")
    return Evaluation(name=name, data=data, label_map="hand_object", upsampling="bilinear", bands=BANDS)


def compared(profile: Profile, name: str, model: str, options: dict[str, Any], section: str = "5.2") -> RunConfig:
    """A run of Table 2, Table 3 or the ablation, trained with the softmax cross-entropy of Section 4.4."""
    train = cropped(profile, SCENE, "train")
    return RunConfig(
        name=f"denseattention/{name}",
        paper="denseattention",
        section=section,
        model=model,
        options=options,
        train=train,
        validation=cropped(profile, SCENE, "val"),
        label_map="hand_object",
        weighting=WEIGHTS,
        input_size=profile.hands_objects.size,
        augmentation=AUGMENTATION,
        schedule=profile.schedule("hands_objects").over(train.count),
        tests=(
            measured_on(profile, "synthetic", SCENE),
            measured_on(profile, "unseen", f"{SCENE}_unseen"),
        ),
    )


def on_resnet(profile: Profile, **options: Any) -> dict[str, Any]:
    """Options of a network on a ResNet: which one, and ImageNet's weights where the profile names their file."""
    size = profile.hands_objects
    return {"encoder": size.encoder, **options} | (
        {"encoder_weights": size.encoder_weights} if size.encoder_weights else {}
    )


def fcn(profile: Profile, stride: int) -> RunConfig:
    """FCN with scores every `stride` pixels; normalised, because its random weights would stay where they start."""
    options = {"stride": stride, "batch_norm": True, "width": profile.hands_objects.vgg}
    return compared(profile, f"fcn{stride}s", "fcn", options)


def attended(profile: Profile, name: str, section: str = "5.3", **options: Any) -> RunConfig:
    """DenseAttentionSeg, as the paper has it but for these options."""
    return compared(
        profile, name, "dense_attention", on_resnet(profile, width=profile.hands_objects.channels, **options), section
    )


def fine_tuned(profile: Profile, name: str, loss: str, contour: str = "softmax") -> RunConfig:
    """DenseAttentionSeg trained on from `denseattention/full`: Section 4.4, "after the training finishes"."""
    start = full(profile)
    return start.model_copy(
        update={
            "name": f"denseattention/{name}",
            "section": "4.4, 5.3",
            "loss": loss,
            "contour": contour,
            "start": start,
            "schedule": profile.schedule("contour").over(start.learnt[0].count),
        }
    )


@declares("denseattention/fcn32s")
def fcn32s(profile: Profile) -> RunConfig:
    """Table 2, row "FCN-32s"."""
    return fcn(profile, 32)


@declares("denseattention/fcn16s")
def fcn16s(profile: Profile) -> RunConfig:
    """Table 2, row "FCN-16s"."""
    return fcn(profile, 16)


@declares("denseattention/fcn8s")
def fcn8s(profile: Profile) -> RunConfig:
    """Table 2, row "FCN-8s"."""
    return fcn(profile, 8)


@declares("denseattention/large_kernels")
def large_kernels(profile: Profile) -> RunConfig:
    """Table 2, row "Large Kernel Matters (k=9)"."""
    return compared(profile, "large_kernels", "large_kernels", on_resnet(profile, kernel=9))


@declares("denseattention/refinenet")
def refinenet(profile: Profile) -> RunConfig:
    """Table 2, row "RefineNet"; its 256 channels shrink as those of the proposed network do."""
    return compared(profile, "refinenet", "refinenet", on_resnet(profile, width=4 * profile.hands_objects.channels))


@declares("denseattention/deeplabv3plus")
def deeplabv3plus(profile: Profile) -> RunConfig:
    """Table 2, row "DeepLabv3+ (Resnet-50, OS-16)", and Table 3's baseline; 256 channels in the paper, as above."""
    width = 4 * profile.hands_objects.channels
    return compared(profile, "deeplabv3plus", "deeplabv3plus", on_resnet(profile, width=width))


@declares("denseattention/full")
def full(profile: Profile) -> RunConfig:
    """Table 2, row "DenseAttentionSeg", and Table 3's row with attention."""
    return attended(profile, "full", "5.2, 5.3")


@declares("denseattention/full_cl")
def full_cl(profile: Profile) -> RunConfig:
    """Table 2, row "DenseAttentionSeg w/ CL": the contour loss on class probabilities."""
    return fine_tuned(profile, "full_cl", "contour_fine_tuning")


@declares("denseattention/full_cl_logits")
def full_cl_logits(profile: Profile) -> RunConfig:
    """The same with the contour loss on the logits, as Eq. 5 is written."""
    return fine_tuned(profile, "full_cl_logits", "contour_fine_tuning", "logits")


@declares("denseattention/full_longer")
def full_longer(profile: Profile) -> RunConfig:
    """Not in the paper, and what the contour loss must beat: as many further updates without it."""
    return fine_tuned(profile, "full_longer", "weighted_cross_entropy")


@declares("denseattention/without_attention")
def without_attention(profile: Profile) -> RunConfig:
    """Table 3, without attention: encoder, skips and decoder."""
    return attended(profile, "without_attention", attention="none")


@declares("denseattention/fine_only")
def fine_only(profile: Profile) -> RunConfig:
    """The ablation: lower levels only act on the skips (Section 4.2)."""
    return attended(profile, "fine_only", "4.2", attention="fine")


@declares("denseattention/coarse_only")
def coarse_only(profile: Profile) -> RunConfig:
    """The ablation: higher levels only act on the skips (Section 4.2)."""
    return attended(profile, "coarse_only", "4.2", attention="coarse")


@declares("denseattention/sum")
def sum_(profile: Profile) -> RunConfig:
    """The ablation: attentions are added to the skips instead of multiplied (the paper does not say which)."""
    return attended(profile, "sum", "4.2", combine="sum")


@declares("denseattention/no_sigmoid")
def no_sigmoid(profile: Profile) -> RunConfig:
    """The ablation: gathered products act as they are, not squashed to (0, 1) (the paper does not say)."""
    return attended(profile, "no_sigmoid", "4.2", sigmoid=False)
