"""Sets of clips on disk: what was rendered is read back, killed renderings go on, verbs are balanced."""

import numpy as np
import pytest

from handseg_lib import paths
from handseg_lib.data import video as module
from handseg_lib.data.video import FLOW_UNIT, VideoRecipe, video_set
from handseg_lib.errors import DataError, StoreError
from handseg_lib.synth.video import video

SIZE, FRAMES, VERBS = (36, 48), 3, ("take", "push")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of its own for sets; the meshes of hands and heads still come from the common one."""
    folder, common = tmp_path_factory.mktemp("store"), paths.store_root()
    for name in ("hands", "heads"):
        (common / name).mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(common / name, target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDSEG_STORE", str(folder))
        yield folder


def make():
    return video_set("val", 2, FRAMES, SIZE, verbs=VERBS, images=("flow", "flow_seen", "background"), workers=1)


@pytest.fixture(scope="module")
def data(store):
    return make()


def test_reads_back_what_was_rendered(data):
    sample = data[1]
    clip = video(verb="push", index=1, split="val", frames=FRAMES, size=SIZE)
    assert sample.id == clip.id and (sample.verb, sample.noun) == (clip.verb, clip.noun)
    assert np.array_equal(sample.labels, clip.labels)
    assert sample.rgb.shape == (FRAMES, *SIZE, 3) and np.array_equal(sample.rgb[1], clip[1].rgb)
    assert np.array_equal(sample.images["background"][2], clip.background(2).rgb)
    exact, stored = clip.flow(0), sample.flow(0)
    assert np.abs(exact.vectors - stored.vectors)[exact.valid].max() <= FLOW_UNIT / 2 + 1e-6
    assert np.array_equal(exact.visible, stored.visible) and np.array_equal(exact.valid, stored.valid)
    assert len(sample.states) == FRAMES and sample.rate == pytest.approx(clip.rate)


def test_verbs_take_turns_and_have_class_numbers(data):
    assert [sample.verb for sample in data] == list(VERBS)
    for i, sample in enumerate(data):
        verb, noun = data.targets(i)
        assert data.recipe.verbs[verb] == sample.verb and data.recipe.nouns[noun] == sample.noun


def test_only_what_is_missing_is_rendered(data, monkeypatch):
    rendered = []
    real = module.video
    monkeypatch.setattr(module, "video", lambda **options: rendered.append(options["index"]) or real(**options))
    before = np.array(data[0].labels)
    (data.folder / "labels_00000.npy").unlink()
    (data.folder / "index.json").unlink()
    again = make()
    assert rendered == [0] and np.array_equal(again[0].labels, before)
    make()
    assert rendered == [0]


def test_damaged_files_are_named(data):
    path = data.folder / "rgb_00001.npy"
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:100])
        with pytest.raises(StoreError, match=r"rgb_00001\.npy"):
            data[1]
    finally:
        path.write_bytes(whole)


def test_fingerprints_know_the_recipe():
    one = VideoRecipe("train", 4, 8, SIZE)
    others = [VideoRecipe("val", 4, 8, SIZE), VideoRecipe("train", 4, 9, SIZE), VideoRecipe("train", 4, 8, SIZE, 1)]
    others += [VideoRecipe("train", 4, 8, SIZE, **more) for more in ({"verbs": ("take",)}, {"images": ("flow",)})]
    assert len({one.fingerprint, *(other.fingerprint for other in others)}) == 6
    assert one.fingerprint == VideoRecipe("train", 4, 8, SIZE, images=("labels",)).fingerprint


def test_refuses_impossible_sets(data):
    for options, message in (
        ({"verbs": ("juggle",)}, "juggle"), ({"verbs": ()}, "none"), ({"images": ("smell",)}, "smell"),
        ({"split": "all"}, "all"), ({"frames": 1}, "1 frames"), ({"count": 0}, "0 clips"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=message):
            video_set(**{"split": "val", "count": 2, "size": SIZE, **options})
    with pytest.raises(IndexError, match="2 clips"):
        data[2]
    with pytest.raises(TypeError, match="clip by clip"):
        data[0:1]
