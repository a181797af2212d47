"""Synthetic counterparts of the four depth sets of HandSeg's Table 1: each with that set's sensor, view and labels.

| name | scene | sensor | people | labels |
|---|---|---|---|---|
| `like_handseg` | one or two hands, bare or gloved | SR300, 640x480 | 14 | exact |
| `like_freiburg` | the same people without room and wall | none: exact depth, 320x320 | 14 | exact |
| `like_nyu` | the left hand of one person | Kinect v1, 640x480 | 1 | exact |
| `like_handnet` | the left hand, bare | SR300, 320x240, millimetres | 14 | flood fill around sensors, imperfect |
| `like_handnet_exact` | the very same frames | the same | 14 | exact |

The labels of the real HandSeg and NYU sets were made automatically from gloves and paint. Theirs here are exact: what
the glove annotation costs is measured where it is built (notebook 11), and against it the flood fill's errors are
large. Of the 14 people 10 are trained on, 2 validate and 2 test, as everywhere in the synthetic world; the one person
of `like_nyu` is in all splits, as in the real set, of which no division by person is possible.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handseg_lib.camera import FREIBURG, HANDNET, NYU_DEPTH, SR300_DEPTH, Intrinsics
from handseg_lib.data.sample import Numbered, Sample
from handseg_lib.errors import DataError

if TYPE_CHECKING:
    from handseg_lib.data.synthetic import SyntheticSet


@dataclass(frozen=True)
class Counterpart:
    """What a synthetic set takes from a real one.

    Attributes:
        stands_for: the set's row in Table 1.
        loader: its name among the real data sets.
        scene, sensor: names of `synth.scenes.SCENES` and `synth.sensors.SENSORS`.
        camera: the sensor's pixels at full size; sets may be rendered smaller, in the same aspect.
        hands: those that its people show, as Table 1 names them.
        labels: the stored image that holds the labels: "labels" are exact.
    """

    stands_for: str
    loader: str
    scene: str
    sensor: str
    camera: Intrinsics
    hands: str
    labels: str = "labels"

    @property
    def annotation(self) -> str:
        """How the labels come about, in the words of Table 1."""
        return "exact" if self.labels == "labels" else "heuristic"

    @property
    def label_maps(self) -> tuple[str, ...]:
        """Conventions that the labels can be measured in: one hand has no side to be told."""
        return ("left_right", "hand") if self.hands == "left/right" else ("hand",)


_LIKE_HANDNET = ("HandNet", "handnet", "exo_left_hand", "handnet", HANDNET, "left")

COUNTERPARTS: dict[str, Counterpart] = {
    "like_handseg": Counterpart("HandSeg", "handseg", "exo_two_hands", "sr300", SR300_DEPTH, "left/right"),
    "like_freiburg": Counterpart("Freiburg", "rhd", "exo_person_alone", "freiburg", FREIBURG, "left/right"),
    "like_nyu": Counterpart("NYU", "nyu", "exo_one_person", "nyu", NYU_DEPTH, "left"),
    "like_handnet": Counterpart(*_LIKE_HANDNET, labels="flooded_labels"),
    "like_handnet_exact": Counterpart(*_LIKE_HANDNET),
}
"""Name of a set -> what it is."""

FOUR = ("like_nyu", "like_handseg", "like_handnet", "like_freiburg")
"""The four of Table 4, in its order."""


class Relabelled(Numbered[Sample]):
    """The frames of a rendered set with the labels of another of its stored images."""

    def __init__(self, frames: "SyntheticSet", labels: str, label_maps: tuple[str, ...]) -> None:
        self.frames, self.labels, self.label_maps = frames, labels, label_maps
        self.fingerprint = f"{frames.fingerprint}:{labels}"

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int, /) -> Sample:
        sample = self.frames[index]
        labels = sample.labels if self.labels == "labels" else self.frames.truths(index)[self.labels]
        return Sample(sample.id, labels, sample.depth, None, sample.intrinsics)

    @property
    def subjects(self) -> list[int]:
        """Subject of each frame, -1 where nobody is in view."""
        return self.frames.subjects


def rendered(
    name: str,
    split: str,
    count: int,
    size: tuple[int, int],
    seed: int = 0,
    workers: int | None = None,
    images: Iterable[str] = (),
) -> "SyntheticSet | Relabelled":
    """Any synthetic set by its name in a configuration: a counterpart, or a plain scene with its own sensor.

    Args:
        name: a name of `COUNTERPARTS` or of `synth.scenes.SCENES`.
        split, count, size, seed, workers, images: as in `data.synthetic.synthetic`; a counterpart has depth only.

    Raises:
        DataError, StoreError: as `counterpart` and `synthetic`.
    """
    from handseg_lib.data.synthetic import synthetic  # the renderer is not needed to read the table

    if name not in COUNTERPARTS:
        return synthetic(name, split, count, size, seed, workers=workers, images=images)
    if tuple(images):
        raise DataError(f"{name} stands for a set of depth frames and has no {', '.join(images)}; ask for depth")
    return counterpart(name, split, count, size, seed, workers)


def counterpart(
    name: str,
    split: str = "train",
    count: int = 700,
    size: tuple[int, int] | None = None,
    seed: int = 0,
    workers: int | None = None,
) -> Relabelled:
    """A counterpart's frames, rendered where the store does not have them yet.

    `like_handnet` and `like_handnet_exact` share one rendered set.

    Args:
        name: a name of `COUNTERPARTS`.
        split, count, seed, workers: as in `data.synthetic.synthetic`.
        size: (height, width) in pixels; default: the real set's own.

    Raises:
        DataError: for an unknown name, a size whose aspect is not the sensor's, or what `synthetic` refuses.
        StoreError: as `synthetic`.
    """
    from handseg_lib.data.synthetic import synthetic

    if name not in COUNTERPARTS:
        raise DataError(f"no counterpart {name!r} of a real set; choose one of {', '.join(COUNTERPARTS)}")
    which = COUNTERPARTS[name]
    height, width = size or (which.camera.height, which.camera.width)
    if height * which.camera.width != width * which.camera.height:
        raise DataError(
            f"{name}: {width}x{height} pixels do not have the shape of its sensor's {which.camera.width}x"
            f"{which.camera.height}; pixels must stay square. Change the size in the profile."
        )
    kept = {one.labels for one in COUNTERPARTS.values() if (one.scene, one.sensor) == (which.scene, which.sensor)}
    frames = synthetic(which.scene, split, count, (height, width), seed, workers, False, kept, which.sensor)
    return Relabelled(frames, which.labels, which.label_maps)
