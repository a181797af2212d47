"""Data sets on disk: same bits however rendered, resumed after interruption, and nothing half-written believed."""

import errno
import os
import pickle

import numpy as np
import pytest

from handseg_lib.data import synthetic as module
from handseg_lib.data.labels import Label
from handseg_lib.data.synthetic import Recipe, synthetic
from handseg_lib.errors import DataError, StoreError
from handseg_lib.synth.person import SUBJECTS

SIZE = (60, 80)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store of its own for sets; the meshes of hands and heads still come from the common one."""
    from handseg_lib import paths

    common = paths.store_root()
    for name in ("hands", "heads"):
        (common / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(common / name, target_is_directory=True)
    monkeypatch.setenv("HANDSEG_STORE", str(tmp_path))
    monkeypatch.setattr(module, "SHARD", 2)
    return tmp_path


def make(count=4, workers=1, **options):
    return synthetic(split="val", count=count, size=SIZE, workers=workers, **options)


def files(data):
    return sorted(p.name for p in data.folder.iterdir() if p.suffix == ".npy")


def test_samples_are_valid_and_numbered(store):
    data = make(count=3, rgb=True)
    assert len(data) == 3 and [s.id for s in data] == [f"exo_two_hands/val/0/{i}" for i in range(3)]
    sample = data[-1]
    assert sample.depth.shape == SIZE and sample.rgb.shape == (*SIZE, 3)
    assert sample.intrinsics.width == SIZE[1]
    assert set(data.subjects) <= {*SUBJECTS["val"], -1}
    with pytest.raises(IndexError, match="3 frames"):
        data[3]


def test_label_counts_are_the_pixels_of_the_labels(store):
    data = make()
    counted = np.bincount(np.concatenate([s.labels.ravel() for s in data]), minlength=len(Label))
    np.testing.assert_array_equal(data.label_counts, counted)


def test_stored_frames_are_the_rendered_ones(store):
    data = make()
    one = module.frame("exo_two_hands", 0, 2, "val", SIZE)
    np.testing.assert_array_equal(data[2].depth, one.depth)
    np.testing.assert_array_equal(data[2].labels, one.labels)


def test_two_processes_render_the_same_bits_as_one(store):
    alone = {name: (make().folder / name).read_bytes() for name in files(make())}
    for path in make().folder.iterdir():
        path.unlink()
    together = make(workers=2)
    assert {name: (together.folder / name).read_bytes() for name in files(together)} == alone


def test_a_larger_set_begins_with_the_smaller_one(store):
    small, large = make(count=2), make(count=3)
    assert small.fingerprint != large.fingerprint
    np.testing.assert_array_equal(small[1].depth, large[1].depth)


def test_second_request_renders_nothing(store, monkeypatch):
    first = make()
    monkeypatch.setattr(module, "frame", None)
    assert make().fingerprint == first.fingerprint


def test_interrupted_rendering_goes_on_at_the_missing_shard(store, monkeypatch):
    data = make()
    before = {name: (data.folder / name).read_bytes() for name in files(data)}
    (data.folder / "index.json").unlink()
    (data.folder / "depth_00001.npy").unlink()
    (data.folder / "labels_00000.npyabc.part").write_bytes(b"half")
    rendered = []
    render_shard = module.render_shard
    monkeypatch.setattr(module, "render_shard", lambda f, r, s: rendered.append(s) or render_shard(f, r, s))
    again = make()
    assert rendered == [1]
    assert {name: (again.folder / name).read_bytes() for name in files(again)} == before
    assert not list(again.folder.glob("*.part"))


@pytest.mark.parametrize("damage", ["truncated", "empty", "other"])
def test_damaged_shard_is_named_with_its_remedy(store, damage):
    path = make().folder / "depth_00001.npy"
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        np.save(path, np.zeros((2, 5, 5), np.uint16))
    with pytest.raises(StoreError, match=r"depth_00001\.npy.*Delete .* ask for the set again"):
        make()
    path.unlink()
    (path.parent / "index.json").unlink()
    assert make()[3].depth.shape == SIZE


def test_damaged_index_is_named(store):
    data = make()
    (data.folder / "index.json").write_text('{"fingerprint": "other", "ids": []}')
    with pytest.raises(StoreError, match=r"index\.json.*'other'"):
        _ = make()[0]


def test_full_disk_leaves_nothing_half_written(store, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("handseg_lib.files.os.fsync", full)
    with pytest.raises(StoreError, match=r"No space left.*HANDSEG_STORE"):
        make(count=2)
    left = [p.name for p in (store / "data").rglob("*") if p.is_file()]
    assert not [name for name in left if name.endswith((".npy", ".json", ".tmp"))]


def test_fingerprint_follows_recipe_and_code(monkeypatch):
    recipe = Recipe("exo_two_hands", "train", 10, (60, 80), 0, False)
    prints = {recipe.fingerprint, Recipe("exo_two_hands", "train", 10, (60, 80), 1, False).fingerprint,
              Recipe("exo_two_hands", "val", 10, (60, 80), 0, False).fingerprint,
              Recipe("exo_two_hands", "train", 10, (60, 80), 0, True).fingerprint}  # fmt: skip
    monkeypatch.setattr(module, "code_version", lambda: "another")
    assert len(prints | {recipe.fingerprint}) == 5


def test_sets_travel_to_other_processes(store):
    data = make(count=2)
    copy = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(copy[1].labels, data[1].labels)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"scene": "moon"}, "moon"), ({"split": "dev"}, "dev.*train, val, test"), ({"count": 0}, "count 0"),
     ({"size": (4, 80)}, r"\(4, 80\)"), ({"seed": -2}, "seed -2")],
)  # fmt: skip
def test_impossible_recipes_are_refused(store, wrong, message):
    with pytest.raises(DataError, match=message):
        synthetic(**{"count": 2, "size": SIZE, **wrong})
