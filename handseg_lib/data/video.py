"""Sets of rendered clips on disk, for activity recognition and for seeing through hands.

A set is a folder `data/video-<split>-<fingerprint>` of the store with one `.npy` file for each clip and kind of image,
written and resumed as `data.synthetic` does it. Clip i shows verb i modulo the number of verbs, so that verbs are
balanced in any set; nouns are drawn.
"""

import hashlib
import inspect
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from tqdm.auto import tqdm

from handseg_lib import paths
from handseg_lib.code_version import digest, imported_files
from handseg_lib.data.recipe import FOLLOWED
from handseg_lib.data.sample import Numbered
from handseg_lib.data.synthetic import available_processors, read_shard, rendered_shards, shard_path, stored_facts
from handseg_lib.errors import DataError, StoreError
from handseg_lib.files import write_atomic
from handseg_lib.synth import video as synth_video
from handseg_lib.synth.flow import Flow
from handseg_lib.synth.video import FRAMES, Video, video
from handseg_lib.synth.video.acts import VERBS, nouns_of
from handseg_lib.synth.world import SPLITS

VERSION = 1
FLOW_UNIT = 1 / 64
"""Pixels a step of stored flow: 16 bits reach 512 pixels."""
DEPTH_UNIT = 0.00025
"""Metres a step of stored depth."""
PER_CLIP = ("ids", "verbs", "nouns", "domains", "subjects", "states", "rates")
"""What the index lists for each clip."""


@dataclass(frozen=True)
class ClipImages:
    """One kind of image of a clip: its type, what follows (H, W), how many fewer than frames, and how it is made."""

    dtype: type
    channels: tuple[int, ...]
    fewer: int
    make: Callable[[Video, int], NDArray]


def _flow(clip: Video, t: int) -> NDArray[np.int16]:
    return np.clip(np.rint(clip.flow(t).vectors / np.float32(FLOW_UNIT)), -32767, 32767).astype(np.int16)


def _flow_seen(clip: Video, t: int) -> NDArray[np.uint8]:
    flow = clip.flow(t)
    return flow.valid.astype(np.uint8) + flow.visible


def _depth(clip: Video, t: int) -> NDArray[np.uint16]:
    return np.rint(clip[t].clean_depth / np.float32(DEPTH_UNIT)).astype(np.uint16)


IMAGES: dict[str, ClipImages] = {
    "rgb": ClipImages(np.uint8, (3,), 0, lambda clip, t: clip[t].rgb),
    "labels": ClipImages(np.uint8, (), 0, lambda clip, t: clip[t].labels),
    "background": ClipImages(np.uint8, (3,), 0, lambda clip, t: clip.background(t).rgb),
    "without_hands": ClipImages(np.uint8, (3,), 0, lambda clip, t: clip.without_hands(t).rgb),
    "depth": ClipImages(np.uint16, (), 0, _depth),
    "flow": ClipImages(np.int16, (2,), 1, _flow),
    "flow_seen": ClipImages(np.uint8, (), 1, _flow_seen),
}
"""Image name -> kind. `flow` holds steps of `FLOW_UNIT` pixels to the next frame, `flow_seen` 0 where it is not known,
1 where the point is hidden there, 2 where it is visible; `depth` holds steps of `DEPTH_UNIT` metres."""


@dataclass(frozen=True)
class VideoRecipe:
    """What a set of clips is made of. Clip i depends on all but the count and the images.

    Attributes:
        split: "train", "val" or "test".
        count: number of clips.
        frames: frames a clip.
        size: (height, width) in pixels.
        seed: which world.
        verbs: names of `synth.acts.VERBS`; clips take them in turn.
        images: names of `IMAGES`; rgb and labels always come along.
    """

    split: str
    count: int
    frames: int
    size: tuple[int, int]
    seed: int = 0
    verbs: tuple[str, ...] = tuple(VERBS)
    images: tuple[str, ...] = ("rgb", "labels")

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise DataError(f"unknown split {self.split!r}, expected one of {', '.join(SPLITS)}")
        for what, names, known in (("verbs", self.verbs, VERBS), ("images", self.images, IMAGES)):
            unknown = [name for name in names if name not in known]
            if unknown or not names:
                raise DataError(f"unknown {what} {', '.join(unknown) or '(none)'}, expected some of {', '.join(known)}")
        if self.count < 1 or min(self.size) < 16 or self.seed < 0 or not FRAMES[0] <= self.frames <= FRAMES[1]:
            raise DataError(
                f"a set of clips needs at least 1 clip of {FRAMES[0]} to {FRAMES[1]} frames of at least 16x16 pixels "
                f"and a seed >= 0, found {self.count} clips of {self.frames} frames of {self.size}, seed {self.seed}"
            )
        wanted = {"rgb", "labels", *self.images}
        object.__setattr__(self, "images", tuple(name for name in IMAGES if name in wanted))

    @property
    def fingerprint(self) -> str:
        """Hash of the recipe and of the code that renders videos."""
        facts = {**asdict(self), "code": video_code(), "version": VERSION}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def kinds(self) -> dict[str, tuple[type, tuple[int, ...]]]:
        """Images of a clip: name -> (dtype, shape of one frame)."""
        return {name: (IMAGES[name].dtype, (*self.size, *IMAGES[name].channels)) for name in self.images}

    @property
    def nouns(self) -> tuple[str, ...]:
        """All nouns that the set may show, sorted: the classes of a noun classifier."""
        return tuple(sorted({noun for verb in self.verbs for noun in nouns_of(verb, self.split)}))


@cache
def video_code() -> str:
    """Version of the code that renders videos: other code, other clips."""
    return digest(imported_files([Path(inspect.getsourcefile(synth_video))], FOLLOWED))[:16]


@dataclass(frozen=True)
class ClipSample:
    """One stored clip.

    Attributes:
        id: `scene/split/seed/index/verb/noun`.
        verb, noun: what is done, to what.
        states: for each frame, side -> what the hand touches.
        rate: frames a second.
        images: name of `IMAGES` -> (T, H, W, ...) as stored, read-only; flows have T - 1.
    """

    id: str
    verb: str
    noun: str
    states: tuple[dict[str, str], ...]
    rate: float
    images: dict[str, NDArray]

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """(T, H, W, 3) the pictures."""
        return self.images["rgb"]

    @property
    def labels(self) -> NDArray[np.uint8]:
        """(T, H, W) values of `Label`."""
        return self.images["labels"]

    def flow(self, t: int) -> Flow:
        """Flow from frame t to the next, to within half of `FLOW_UNIT`.

        Raises:
            DataError: if the set was made without flow.
        """
        if not {"flow", "flow_seen"} <= set(self.images):
            raise DataError(f"{self.id}: this set holds {', '.join(self.images)}; ask for images flow and flow_seen")
        seen = self.images["flow_seen"][t]
        return Flow(self.images["flow"][t].astype(np.float32) * np.float32(FLOW_UNIT), seen > 0, seen > 1)


class VideoSet(Numbered[ClipSample]):
    """A rendered set of clips, read from memory-mapped files."""

    def __init__(self, folder: Path, recipe: VideoRecipe) -> None:
        self.folder, self.recipe = folder, recipe

    @property
    def fingerprint(self) -> str:
        """Identifies the recipe and the code that rendered this set."""
        return self.recipe.fingerprint

    @cached_property
    def index(self) -> dict[str, Any]:
        """What `index.json` holds: recipe, fingerprint, lists of `PER_CLIP`."""
        path = self.folder / "index.json"
        try:
            index = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise StoreError(f"{path}: cannot be read ({error}). Delete {path} and ask for the set again.") from error
        if index.get("fingerprint") != self.fingerprint or len(index.get("ids", ())) != len(self):
            raise StoreError(
                f"{path}: belongs to set {index.get('fingerprint')!r} with {len(index.get('ids', ()))} clips, expected "
                f"{self.fingerprint!r} with {len(self)}. Delete {path} and ask for the set again."
            )
        return index

    def __len__(self) -> int:
        return self.recipe.count

    def __getitem__(self, i: int, /) -> ClipSample:
        if isinstance(i, slice):
            raise TypeError("a VideoSet is read clip by clip; use [data[i] for i in range(...)]")
        if not -len(self) <= i < len(self):
            raise IndexError(f"clip {i} of a set with {len(self)} clips")
        i, index = i % len(self), self.index
        images = {name: self._read(name, i) for name in self.recipe.images}
        return ClipSample(
            index["ids"][i], index["verbs"][i], index["nouns"][i], tuple(index["states"][i]), index["rates"][i], images
        )

    def targets(self, i: int) -> tuple[int, int]:
        """Class numbers of a clip's verb in `recipe.verbs` and of its noun in `recipe.nouns`."""
        verb, noun = self.index["verbs"][i], self.index["nouns"][i]
        return self.recipe.verbs.index(verb), self.recipe.nouns.index(noun)

    def _read(self, name: str, i: int) -> NDArray:
        rows = self.recipe.frames - IMAGES[name].fewer
        return read_shard(shard_path(self.folder, name, i), self.recipe, name, rows)


def video_set(
    split: str = "train",
    count: int = 64,
    frames: int = 16,
    size: tuple[int, int] = (120, 160),
    seed: int = 0,
    verbs: Iterable[str] = tuple(VERBS),
    images: Iterable[str] = (),
    workers: int | None = None,
) -> VideoSet:
    """The set of a recipe, rendered first where the store does not have it.

    Args:
        split: "train", "val" or "test"; no subject is in two of them.
        count: number of clips; the first n clips of a larger set are the same.
        frames: frames a clip, 2 to 128.
        size: (height, width) in pixels.
        seed: which world.
        verbs: names of `synth.acts.VERBS`.
        images: what to keep beside rgb and labels, names of `IMAGES`.
        workers: processes that render, default one for each processor; the clips do not depend on it.

    Raises:
        DataError: for an unknown split, verb or image, or impossible numbers.
        StoreError: for a damaged file or a full disk, naming the file and what to do.
    """
    wanted = tuple(dict.fromkeys(("rgb", "labels", *images)))
    recipe = VideoRecipe(split, int(count), int(frames), (int(size[0]), int(size[1])), int(seed), tuple(verbs), wanted)
    folder = paths.store_root() / "data" / f"video-{split}-{recipe.fingerprint}"
    folder.mkdir(parents=True, exist_ok=True)
    data = VideoSet(folder, recipe)
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "index.json").exists():
            render_clips(folder, recipe, workers or available_processors())
    for i in range(len(data)):
        for name in recipe.images:
            data._read(name, i)
    return data


def render_clips(folder: Path, recipe: VideoRecipe, workers: int) -> None:
    """Render the missing clips and, last, write the index."""
    facts = {i: fact for i in range(recipe.count) if (fact := stored_facts(folder, recipe, i)) is not None}
    missing = [i for i in range(recipe.count) if i not in facts]
    with tqdm(total=recipe.count, initial=len(facts), desc=f"rendering clips {recipe.split}", unit="clip") as bar:
        for i, fact in rendered_shards(partial(render_clip, folder, recipe), missing, workers):
            facts[i] = fact
            bar.update(1)
    index: dict[str, Any] = {**asdict(recipe), "fingerprint": recipe.fingerprint}
    index.update({name: [facts[i][name] for i in range(recipe.count)] for name in PER_CLIP})
    write_atomic(folder / "index.json", json.dumps(index))


def render_clip(folder: Path, recipe: VideoRecipe, i: int) -> dict[str, Any]:
    """Render one clip and write its files; returns what is known of it, stored with it."""
    verb = recipe.verbs[i % len(recipe.verbs)]
    clip = video(
        verb=verb, seed=recipe.seed, index=i, split=recipe.split, frames=recipe.frames, size=recipe.size
    )  # fmt: skip
    images: dict[str, list[NDArray]] = {name: [] for name in recipe.images}
    states = []
    for t in range(recipe.frames):  # frame by frame, for a video keeps only its last ones
        for name, stored in images.items():
            if t < recipe.frames - IMAGES[name].fewer:
                stored.append(IMAGES[name].make(clip, t))
        states.append(clip.states(t))
    for name, stored in images.items():
        write_atomic(shard_path(folder, name, i), partial(np.save, arr=np.stack(stored), allow_pickle=False))
    fact = {
        "ids": clip.id, "verbs": clip.verb, "nouns": clip.noun, "domains": clip.domain,
        "subjects": clip.base.person.subject, "states": states, "rates": clip.rate,
    }  # fmt: skip
    write_atomic(folder / f"shard_{i:05d}.json", json.dumps(fact))
    return fact
