"""What is trained, by name. Each run is a function of a profile that returns pure data; imports nothing heavy.

The functions are in the package `train/runs`, one module a paper. To add a run, write one there with
`@declares("paper/name")`: its model, data, loss and schedule. The name is then known to `train.run`, to the command
line and to the workflow.
"""

from collections.abc import Callable
from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from handseg_lib.errors import RunError
from handseg_lib.profiles import Part, Profile, Schedule, load, without_unused

REAL_SETS = ("sr305", "egohands", "hgr", "handseg", "nyu", "handnet", "rhd", "interseghands", "hoseg")
"""Names of data sets that are read from the real data's folder. Every other name is a synthetic scene, or a counterpart
of a real set (`data.counterparts`)."""


class Data(Part):
    """Which frames of which set.

    Attributes:
        source: a synthetic scene, a counterpart of a real set such as `like_nyu`, or one of `REAL_SETS`.
        split: train, val or test; `all` for real sets without splits.
        count: number of frames; None for all that there are.
        height, width: pixels that a synthetic scene is rendered at; None for the real set's own.
        seed: seed of a synthetic set.
        inputs: the image that the network takes of each frame; `rgb` of synthetic scenes is the colour camera's view.
        bare: sleeves and gloves of synthetic frames count as background, so that hands and arms are skin.
        reading: what a real set's loader is told beside folder and split: `{"unit": 0.001}` for HandSeg's files,
            `{"division": "official"}` for HandNet's, `{"test": "test_syn"}` for hoseg's.
        aspect: width over height that depth frames are padded to, with pixels that have no reading; None leaves them.
        first: only so many of these frames, from the first on; None for all. Synthetic frames are drawn one by one and
            independently, so the first ones are a random part.
        within: only what is at most so many metres farther away than the nearest thing keeps its reading and label, as
            in InterSegHands (`data.cropping`); None keeps everything.
    """

    source: str
    split: Literal["train", "val", "test", "all"] = "all"
    count: int | None = None
    height: int | None = None
    width: int | None = None
    seed: int = 0
    inputs: Literal["depth", "rgb"] = "depth"
    bare: bool = False
    reading: dict[str, str | float] = Field(default_factory=dict)
    aspect: float | None = Field(default=None, gt=0)
    first: int | None = Field(default=None, ge=1)
    within: float | None = Field(default=None, gt=0)

    @model_serializer(mode="wrap")
    def _without_unused(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What was added to this class later is left out where it says nothing: results without it stay valid."""
        return without_unused(self, plain, "reading", "aspect", "first", "within")

    @property
    def images(self) -> tuple[str, ...]:
        """What a synthetic set holds beside depth and labels: names of `data.recipe.IMAGES`.

        Both kinds of labels, so that runs that differ in `bare` share one set.
        """
        return () if self.inputs == "depth" else ("color_rgb", "color_labels", "bare_labels")

    @property
    def real(self) -> bool:
        """Whether these frames come from a camera."""
        return self.source in REAL_SETS

    def __str__(self) -> str:
        if self.real:
            return f"real {self.source} frames"
        part = f"the first {self.first} " if self.first else ""
        near = f", the nearest {100 * self.within:g} cm" if self.within else ""
        return f"{part}synthetic {self.source} frames, {self.split} split, {self.height}x{self.width}{near}"


class Photographic(Part):
    """Random changes of colour images; see `data.colour.photographic`."""

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    grey: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    jpeg: int = 100


class Augmentation(Part):
    """Random changes of the training images, drawn anew each time an image is used.

    Attributes:
        flip: probability of a mirror image, in which left and right change names.
        rotation: largest in-plane rotation, degrees either way.
        zoom: smallest and largest magnification.
        shift: largest shift, as a fraction of the image's sides.
        stretch: largest ratio of the magnifications along the two sides (colour only).
        depth_scale: smallest and largest factor on the depth; size in the image follows (depth only).
        holes: largest number of rectangles without readings (depth only).
        noise: standard deviation in metres of Gaussian noise on every reading (depth only).
        photographic: changes of colour, noise and sharpness (colour only).
    """

    flip: float = 0.5
    rotation: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    stretch: float = 1.0
    depth_scale: tuple[float, float] = (1.0, 1.0)
    holes: int = 0
    noise: float = Field(default=0.0, ge=0)
    photographic: Photographic = Photographic()

    @model_serializer(mode="wrap")
    def _without_unused(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_unused(self, plain, "noise")


class Evaluation(Part):
    """One set on which the trained network is measured.

    Attributes:
        name: what the results are called in tables and files.
        data: its frames. A test on a real set is left out where the set is not at hand.
        label_map: classes that are counted; the network's classes are joined to give them.
        upsampling: how scores come from the network's size to the frame's own, `bilinear` or `guided` by depth.
        only_measured: pixels without a reading are true background, as where labels were made through depth; False
            takes the truth as it was drawn.
        keep: predictions of this many frames are kept, from the first on.
        bands: half-widths in pixels of the bands around true outlines that IoU is counted in too, beside boundary IoU
            (`metrics.boundary`); none counts neither.

    A network that takes colour knows no depth: its scores come to full size bilinearly, and the truth counts as drawn.
    """

    name: str
    data: Data
    label_map: str
    upsampling: Literal["bilinear", "guided"] = "guided"
    only_measured: bool = True
    keep: int = 8
    bands: tuple[int, ...] = ()

    @model_serializer(mode="wrap")
    def _without_unused(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_unused(self, plain, "bands")

    @model_validator(mode="after")
    def _depth_guides_depth_only(self) -> Self:
        if self.data.inputs == "rgb" and (self.upsampling == "guided" or self.only_measured):
            raise ValueError(
                f"test {self.name!r} is on colour images: it needs upsampling='bilinear' and only_measured=False"
            )
        return self


class RunConfig(Part):
    """Everything that defines a training run, except its seed.

    Attributes:
        name: `paper/run`.
        paper, section: where it is described.
        model, options: name and options of `models.create`; channels and classes follow from the data.
        train: frames to learn from, of one set or of several together.
        validation: frames to follow progress on.
        label_map: classes that the network tells apart.
        loss: `weighted_cross_entropy`, or `contour_fine_tuning` for that with the contour loss added.
        weighting: how classes weigh in the loss: by a rule from their frequency, or one number a class.
        contour: what the contour loss is taken on, where it is part of the loss.
        start: the run whose trained weights, of the same seed, this one starts from; None for weights by chance.
        input_size: (height, width) that images enter the network with.
        augmentation: random changes of the training images.
        schedule: optimiser, rate and number of updates.
        tests: what the result is measured on.
    """

    name: str
    paper: str
    section: str
    model: str
    options: dict[str, Any] = Field(default_factory=dict)
    train: Data | tuple[Data, ...]
    validation: Data
    label_map: str
    loss: Literal["weighted_cross_entropy", "contour_fine_tuning"] = "weighted_cross_entropy"
    weighting: Literal["none", "frequency", "median", "sqrt"] | tuple[float, ...] = "frequency"
    contour: Literal["softmax", "logits"] = "softmax"
    start: "RunConfig | None" = None
    input_size: tuple[int, int]
    augmentation: Augmentation = Augmentation()
    schedule: Schedule
    tests: tuple[Evaluation, ...]

    @model_validator(mode="after")
    def _one_kind_of_input(self) -> Self:
        found = {data.inputs for data in self.sets}
        if len(found) != 1:
            raise ValueError(f"run {self.name!r} mixes {' and '.join(sorted(found))}; a network takes one of them")
        return self

    @model_validator(mode="after")
    def _starts_from_its_like(self) -> Self:
        for part in ("model", "options", "label_map", "inputs") if self.start else ():
            if getattr(self, part) != getattr(self.start, part):
                raise ValueError(
                    f"run {self.name!r} cannot start from the weights of {self.start.name!r}: {part} is "
                    f"{getattr(self.start, part)!r} there and {getattr(self, part)!r} here"
                )
        return self

    @property
    def learnt(self) -> tuple[Data, ...]:
        """The sets to learn from."""
        return self.train if isinstance(self.train, tuple) else (self.train,)

    @property
    def sets(self) -> tuple[Data, ...]:
        """Every set that the run reads."""
        return (*self.learnt, self.validation, *(test.data for test in self.tests))

    @property
    def inputs(self) -> Literal["depth", "rgb"]:
        """The image that the network takes of each frame."""
        return self.validation.inputs

    def training(self) -> dict[str, Any]:
        """The part that decides the weights; tests may change without training again."""
        facts = self.model_dump(mode="json", exclude={"tests", "paper", "section", "start"})
        return facts | ({"start": self.start.training()} if self.start else {})


RUNS: dict[str, Callable[[Profile], RunConfig]] = {}
"""Every run by name: a function from a profile to its configuration. Importing `handseg_lib.train` fills it."""


def declares(name: str) -> Callable[[Callable[[Profile], RunConfig]], Callable[[Profile], RunConfig]]:
    """Enter a run in the registry under this name."""

    def enter(define: Callable[[Profile], RunConfig]) -> Callable[[Profile], RunConfig]:
        if name in RUNS:
            raise RunError(f"two runs are called {name!r}; give one of them another name")
        RUNS[name] = define
        return define

    return enter


def config(name: str, profile: Profile | str) -> RunConfig:
    """The configuration of a run at a profile's sizes.

    Raises:
        RunError: for an unknown name; the message lists the right ones.
        ProfileError: for an unknown profile.
    """
    if name not in RUNS:
        raise RunError(f"there is no run {name!r}; choose one of {', '.join(sorted(RUNS))}")
    return RUNS[name](load(profile) if isinstance(profile, str) else profile)


def frames(profile: Profile, scene: str, split: Literal["train", "val", "test"]) -> Data:
    """One split of a synthetic scene, as large as the profile says."""
    sizes = profile.scene(scene)
    return Data(source=scene, split=split, count=getattr(sizes, split), height=sizes.height, width=sizes.width)
