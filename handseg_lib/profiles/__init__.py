"""Profiles, how large everything is: `smoke` for checks, `quick` for a laptop, `full` for a GPU, `paper` for a cluster.

A profile holds sizes, steps and counts, nothing else: notebooks and runs read them from here and never ask for the
profile's name. Imports nothing heavy, because the workflow reads profiles too.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import ErrorDetails

from handseg_lib.errors import ProfileError

NAMES = ("smoke", "quick", "full", "paper")
"""Every profile, smallest first."""


class Part(BaseModel):
    """A piece of pure data: immutable, no unknown keys, no silent change of type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def without_unused(part: Part, plain: SerializerFunctionWrapHandler, *names: str) -> dict[str, Any]:
    """A part as plain data, without the fields named where they say nothing: results from before them stay valid."""
    return {key: value for key, value in plain(part).items() if key not in names or value}


class Frames(Part):
    """How many frames of a scene are rendered, and how large.

    Attributes:
        train, val, test: number of frames of each split.
        height, width: pixels of the rendered depth images.
    """

    train: int = Field(ge=1)
    val: int = Field(ge=1)
    test: int = Field(ge=1)
    height: int = Field(ge=16)
    width: int = Field(ge=16)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.height, self.width


class Network(Part):
    """What the networks see and how wide they are.

    Attributes:
        height, width: pixels that images are brought to before they enter a network.
        channels: width of the first layer; the model's own default is the papers' size.
    """

    height: int = Field(ge=16)
    width: int = Field(ge=16)
    channels: int = Field(ge=1)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.height, self.width


class Colour(Network):
    """What the networks on colour images see, and which architecture they have.

    Attributes:
        model: `handseg`, the strided network with three input channels, which learns from scratch on two cores; or
            `unet` on a ResNet-18, whose width is the channels of its decoder at full size.
        held, held_test: frames of `exo_hand_object` that they learn from and are tested on, beside those of
            `ego_hand_object`: fewer than for networks on depth, because colour takes longer to render.
    """

    model: Literal["handseg", "unet"]
    held: int = Field(ge=1)
    held_test: int = Field(ge=1)


class HandsObjects(Network):
    """What DenseAttentionSeg and the methods it is compared with see, and how large they are.

    Attributes:
        channels: k of DenseAttentionSeg, the channels of a squeezed level, 64 in the paper; RefineNet and DeepLabv3+
            have four times as many.
        encoder: ResNet of all but FCN, by its name in `segmentation_models_pytorch`; "tu-resnet10t" is timm's with one
            block a stage, half as many weights as ResNet-18.
        encoder_weights: file of ImageNet's weights for it (`models.encoders.load_imagenet`); None for random ones.
        vgg: channels of the first layer of FCN, whose own number is 64.
    """

    encoder: Literal["tu-resnet10t", "resnet18", "resnet34", "resnet50"]
    encoder_weights: str | None = None
    vgg: int = Field(ge=1)


class Benchmark(Part):
    """How large the methods are that are compared with each other in one table.

    Attributes:
        proposed: channels of the first layer of HandSeg's network.
        vgg: channels of the first layer of networks on VGG-16, whose own number is 64.
        vgg_weights: file of ImageNet weights for them (`models.vgg.load_imagenet`); None for random ones. Needs 64.
        offsets: candidate features of the random forest.
        pixels: training pixels of the random forest, over all frames together.
        rates: baseline on VGG-16 -> its learning rate, where that is not the schedule's.
    """

    proposed: int = Field(ge=1)
    vgg: int = Field(ge=1)
    vgg_weights: str | None = None
    offsets: int = Field(ge=1)
    pixels: int = Field(ge=1)
    rates: dict[Literal["fcn32s", "fcn16s", "fcn8s", "segnet", "deconvnet"], PositiveFloat] = {}


class Schedule(Part):
    """How one family of runs is trained. Its length is given either in steps or in passes over the training set.

    Attributes:
        steps: number of updates of the weights.
        epochs: passes over the training set; a run turns them into steps.
        batch: images of one update, over all processes together.
        lr: learning rate of Adam at its highest.
        betas: decay rates of Adam's two moments.
        weight_decay: decoupled weight decay (AdamW); 0 is plain Adam.
        decay: `constant`, `cosine` from `lr` to 0 over the run, or `stairs`: times `drop` after `every` updates.
        every, drop: of the stairs.
        warmup: steps over which the rate rises linearly from 0.
        clip: largest norm of the gradient; 0 does not clip.
        precision: `auto` takes bfloat16 where the machine computes with it, else float32.
        threads: of each process on a CPU. Not the machine's number, because sums that are split differently round
            differently: with as many threads, a training ends with the same bits however many cores there are. Small
            networks gain nothing from a second thread; as many trainings at once as there are cores gain most.
    """

    steps: int | None = Field(default=None, ge=1)
    epochs: float | None = Field(default=None, gt=0)
    batch: int = Field(ge=1)
    lr: float = Field(gt=0)
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = Field(default=0.0, ge=0)
    decay: Literal["constant", "cosine", "stairs"] = "constant"
    every: int | None = Field(default=None, ge=1)
    drop: float | None = Field(default=None, gt=0, le=1)
    warmup: int = Field(default=0, ge=0)
    clip: float = Field(default=0.0, ge=0)
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    threads: int = Field(default=1, ge=1)

    @field_validator("betas")
    @classmethod
    def _fractions(cls, betas: tuple[float, float]) -> tuple[float, float]:
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError("both betas must be in [0, 1)")
        return betas

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs, and only one of them")
        return self

    @model_validator(mode="after")
    def _stairs_have_steps(self) -> Self:
        if (self.decay == "stairs") != (self.every is not None) or (self.every is None) != (self.drop is None):
            raise ValueError("decay: stairs needs `every` and `drop`, and only it has them")
        return self

    @model_serializer(mode="wrap")
    def _without_unused(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_unused(self, plain, "every", "drop")

    def over(self, frames: int) -> Self:
        """The same schedule with its length in steps, for a training set of `frames` images."""
        steps = self.steps or max(1, round(self.epochs * frames / self.batch))
        return self.model_copy(update={"steps": steps, "epochs": None})


class Show(Part):
    """Sizes of what notebooks compute while a reader watches.

    Attributes:
        frames: images of a gallery.
        height, width: pixels of the images that are rendered live.
        timing: repetitions of a measurement of speed.
        statistics: frames over which the synthetic sensor is compared with the real one.
    """

    frames: int = Field(ge=1)
    height: int = Field(ge=16)
    width: int = Field(ge=16)
    timing: int = Field(ge=1)
    statistics: int = Field(ge=1)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.height, self.width


class Profile(Part):
    """One profile.

    Attributes:
        name: its name, also the folder of its report.
        purpose: one sentence for lists and help texts.
        seeds: how many seeds each run of a table has.
        bootstrap: resamplings of an interval.
        scenes: scene name -> its frames; every synthetic set is made from these.
        network: image size and width of the networks that take depth.
        colour: image size, architecture and width of the networks that take colour.
        benchmark: how large the methods of HandSeg's tables are.
        hands_objects: the same for DenseAttentionSeg's, with their image size.
        latency: image size, and channels of every network's first layer, at which their speeds are compared.
        schedules: family of runs -> how they are trained.
        show: sizes of what is computed live in notebooks.
    """

    name: str
    purpose: str
    seeds: int = Field(ge=1)
    bootstrap: int = Field(ge=10)
    scenes: dict[str, Frames]
    network: Network
    colour: Colour
    benchmark: Benchmark
    hands_objects: HandsObjects
    latency: Network
    schedules: dict[str, Schedule]
    show: Show

    def scene(self, name: str) -> Frames:
        """Frames of one scene.

        Raises:
            ProfileError: when this profile has no such scene; the message lists those it has.
        """
        return _entry(self.scenes, name, "scene", self.name)

    def schedule(self, family: str) -> Schedule:
        """Schedule of one family of runs.

        Raises:
            ProfileError: when this profile has no such family; the message lists those it has.
        """
        return _entry(self.schedules, family, "schedule", self.name)


@cache
def load(name: str) -> Profile:
    """The profile called `name`, from the YAML file beside this one.

    Raises:
        ProfileError: for an unknown name (the message lists the right ones), or a file with an unknown, missing or
            ill-typed key (the message names file, key, what was found and what was expected).
    """
    if name not in NAMES:
        raise ProfileError(f"there is no profile {name!r}; choose one of {', '.join(NAMES)}")
    return read(Path(__file__).parent / f"{name}.yaml")


def read(path: Path) -> Profile:
    """The profile in one YAML file; it is called as the file is. Raises ProfileError as `load`."""
    try:
        keys = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProfileError(f"{path}: there is no such profile file") from None
    except yaml.YAMLError as error:
        raise ProfileError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(keys, dict):
        raise ProfileError(f"{path}: a profile is a mapping of keys, found {type(keys).__name__}")
    if "name" in keys:
        raise ProfileError(f"{path}: unknown key 'name'; a profile is called as its file is")
    try:
        # Through JSON, because only there does strict checking let a list stand for a tuple.
        return Profile.model_validate_json(json.dumps({"name": path.stem, **keys}, default=str))
    except ValidationError as error:
        raise ProfileError("\n".join(_explain(path, detail) for detail in error.errors())) from None


def _explain(path: Path, detail: ErrorDetails) -> str:
    """One line for one wrong key: file, key, found, expected."""
    key = ".".join(str(part) for part in detail["loc"] if part != "[key]")  # pydantic's mark of a wrong name
    if detail["type"] == "extra_forbidden":
        siblings = _fields_at(detail["loc"][:-1])
        return f"{path}: unknown key {key!r}; known here: {', '.join(siblings)}. Correct the spelling or remove it."
    if detail["type"] == "missing":
        return f"{path}: key {key!r} is missing; add it (see the comments of handseg_lib/profiles/quick.yaml)."
    hint = ""
    if isinstance(detail["input"], str) and re.fullmatch(r"[-+.\d]+e[-+\d]+", detail["input"].lower()):
        hint = " YAML reads 2e-4 as text; write 2.0e-4."
    return f"{path}: key {key!r} is {detail['input']!r}; {detail['msg'][0].lower()}{detail['msg'][1:]}.{hint}"


def _fields_at(location: tuple[int | str, ...]) -> list[str]:
    """Names of the keys that are known at a place in a profile."""
    if not location:
        return [key for key in Profile.model_fields if key != "name"]
    parts: dict[str | int, type[Part]] = {
        "scenes": Frames,
        "schedules": Schedule,
        "network": Network,
        "colour": Colour,
        "benchmark": Benchmark,
        "hands_objects": HandsObjects,
        "latency": Network,
        "show": Show,
    }
    return list(parts[location[0]].model_fields)


def _entry(entries: dict[str, Any], name: str, kind: str, profile: str) -> Any:
    if name not in entries:
        raise ProfileError(f"profile {profile!r} has no {kind} {name!r}; it has {', '.join(sorted(entries))}")
    return entries[name]
