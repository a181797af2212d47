"""What a rendered data set is made of: its recipe, the images it can hold, and the code that they depend on."""

import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handseg_lib.annotate import flood_fill
from handseg_lib.code_version import digest, imported_files
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError
from handseg_lib.synth import world
from handseg_lib.synth.people.person import Surface
from handseg_lib.synth.render import cast
from handseg_lib.synth.scenes import SCENES
from handseg_lib.synth.sensors import SENSORS
from handseg_lib.synth.world import SPLITS, Frame

SHARD = 64
VERSION = 2
FAR_UNIT = 0.00025
"""Metres a step of stored exact depth: 16 bits reach 16 m."""
LIMBS = (Label.LEFT_HAND, Label.RIGHT_HAND, Label.LEFT_ARM, Label.RIGHT_ARM)
FOLLOWED = ("handseg_lib.synth", "handseg_lib.camera", "handseg_lib.data.labels")
"""Packages whose code decides what a frame looks like."""


@dataclass(frozen=True)
class ImageKind:
    """One kind of image that a set can hold.

    Attributes:
        dtype: of what is stored.
        channels: shape after height and width.
        store: frame and the metres of one step of its depth -> what is stored.
        load: the inverse, given those metres too.
        code: files that decide what is stored beside those that render the frame; other code, another set.
    """

    dtype: type
    channels: tuple[int, ...]
    store: Callable[[Frame, float], NDArray]
    load: Callable[[NDArray, float], NDArray]
    code: tuple[Path, ...] = ()


def _as_stored(image: NDArray, unit: float) -> NDArray:
    return image.copy()


def _plain(of: Callable[[Frame], NDArray], *channels: int) -> ImageKind:
    return ImageKind(np.uint8, channels, lambda one, unit: of(one), _as_stored)


def _amodal(side: str) -> ImageKind:
    return _plain(lambda one: one.amodal.get(side, np.zeros(one.depth.shape, np.uint8)))


def _metres(stored: NDArray, unit: float) -> NDArray[np.float32]:
    return stored.astype(np.float32) * np.float32(unit)


def _background(one: Frame) -> NDArray[np.uint8]:
    """The colour image without hands, arms and held objects, shadows and all."""
    scene = one.scene.clean if hasattr(one.scene, "clean") else one.scene.without([label for label in Label if label])
    return replace(one, scene=scene, truth=cast(scene.caster, one.truth.camera)).rgb


def bare_labels(one: Frame) -> NDArray[np.uint8]:
    """(H, W) labels of the colour camera's view in which gloves and sleeves are background: hands and arms are skin."""
    labels, truth = one.color_labels.copy(), one.color_truth
    skin = np.zeros(labels.shape, bool)
    skin.reshape(-1)[truth.pixels] = np.isin(one.scene.look.surfaces(truth), (Surface.SKIN, Surface.HAND))
    labels[np.isin(labels, LIMBS) & ~skin] = Label.BACKGROUND
    return labels


def flooded_labels(one: Frame) -> NDArray[np.uint8]:
    """(H, W) labels of the left hand as HandNet's heuristic finds it in the sensor's depth; see `flood_fill`."""
    joints = one.scene.joints.get("left")
    placed = None if joints is None else one.truth.camera.to_camera(joints)
    return flood_fill.flood_labels(one.depth, one.intrinsics, placed)


IMAGES: dict[str, ImageKind] = {
    "depth": ImageKind(np.uint16, (), lambda one, unit: np.rint(one.depth / np.float32(unit)), _metres),
    "labels": _plain(lambda one: one.labels),
    "rgb": _plain(lambda one: one.rgb, 3),
    "parts": _plain(lambda one: one.parts),
    "amodal_left": _amodal("left"),
    "amodal_right": _amodal("right"),
    "contact": _plain(lambda one: one.contact),
    "background": _plain(_background, 3),
    "clean_depth": ImageKind(
        np.uint16,
        (),
        lambda one, unit: np.rint(one.clean_depth / np.float32(FAR_UNIT)),
        lambda stored, unit: _metres(stored, FAR_UNIT),
    ),
    "normals": ImageKind(
        np.int8,
        (3,),
        lambda one, unit: np.rint(one.truth.normals * np.float32(127)),
        lambda stored, unit: stored.astype(np.float32) / np.float32(127),
    ),
    "color_rgb": _plain(lambda one: one.color_rgb, 3),
    "color_labels": _plain(lambda one: one.color_labels),
    "bare_labels": _plain(bare_labels),
    "flooded_labels": ImageKind(
        np.uint8,
        (),
        lambda one, unit: flooded_labels(one),
        _as_stored,
        code=(Path(flood_fill.__file__),),
    ),
}
"""Image name -> kind. `color_rgb`, `color_labels` and `bare_labels` are in the colour camera's own view, all others in
the depth camera's; parts are ids of `PARTS`, contact is 0 or 1."""


@dataclass(frozen=True)
class Recipe:
    """What a set is made of. Frame `index` depends on scene, split, seed, size and sensor, never on the count.

    Attributes:
        scene, split, seed: which world.
        count: number of frames.
        size: (height, width) in pixels.
        images: names of `IMAGES`; depth and labels always come along.
        sensor: a name of `SENSORS`, or None for the scene's own.
        shard: frames a file.
    """

    scene: str
    split: str
    count: int
    size: tuple[int, int]
    seed: int = 0
    images: tuple[str, ...] = ("depth", "labels")
    sensor: str | None = None
    shard: int = SHARD

    def __post_init__(self) -> None:
        for what, name, names in (("scene", self.scene, SCENES), ("split", self.split, SPLITS)):
            if name not in names:
                raise DataError(f"unknown {what} {name!r}, expected one of {', '.join(names)}")
        if self.sensor is not None and self.sensor not in SENSORS:
            raise DataError(f"unknown sensor {self.sensor!r}, expected one of {', '.join(SENSORS)}")
        unknown = [name for name in self.images if name not in IMAGES]
        if unknown:
            raise DataError(f"no images of kind {', '.join(map(repr, unknown))}, expected some of {', '.join(IMAGES)}")
        if self.count < 1 or min(self.size) < 16 or self.seed < 0:
            raise DataError(
                f"a synthetic set needs at least 1 frame of at least 16x16 pixels and a seed >= 0, "
                f"found count {self.count}, size {self.size}, seed {self.seed}"
            )
        wanted = {"depth", "labels", *self.images}
        object.__setattr__(self, "images", tuple(name for name in IMAGES if name in wanted))  # one order, none twice

    @property
    def fingerprint(self) -> str:
        """Hash of the recipe, of the code that renders this scene, and of what makes its images."""
        facts = {**asdict(self), "code": scene_code(self.scene), "version": VERSION}
        files = sorted({path for name in self.images for path in IMAGES[name].code})
        if files:
            facts["images_code"] = digest(files)
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def kinds(self) -> dict[str, tuple[type, tuple[int, ...]]]:
        """Images of a frame: name -> (dtype, shape)."""
        return {name: (IMAGES[name].dtype, (*self.size, *IMAGES[name].channels)) for name in self.images}

    def shards(self) -> list[range]:
        """Frame numbers of each shard."""
        return [range(i, min(i + self.shard, self.count)) for i in range(0, self.count, self.shard)]

    def described(self) -> dict[str, Any]:
        """The recipe and its fingerprint as plain values."""
        return {**asdict(self), "fingerprint": self.fingerprint}


def scene_files(scene: str) -> tuple[Path, ...]:
    """The files that decide what a scene's frames look like.

    They are the scene's own module, the renderer, and all that these import; not the table of all scenes, so that
    another scene leaves this one's sets as they are.
    """
    starts = [Path(inspect.getsourcefile(source)) for source in (SCENES[scene], world)]
    return imported_files(starts, FOLLOWED, without=("handseg_lib.synth.scenes",))


@lru_cache
def scene_code(scene: str) -> str:
    """Version of the code that renders a scene: other code, other frames."""
    return digest(scene_files(scene))[:16]
