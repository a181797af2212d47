"""Data sets on disk: same bits however rendered, resumed after interruption, and nothing half-written believed."""

import errno
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from handseg_lib.data import recipe as recipe_module
from handseg_lib.data import synthetic as module
from handseg_lib.data.labels import Label
from handseg_lib.data.recipe import IMAGES, Recipe
from handseg_lib.data.synthetic import synthetic
from handseg_lib.errors import DataError, StoreError
from handseg_lib.synth.people.person import SUBJECTS, Surface
from handseg_lib.synth.scenes import SCENES

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


def test_truths_are_those_of_the_frame(store):
    data = make(count=2, images=[name for name in IMAGES if name != "rgb"])
    one, truths = module.frame("exo_two_hands", 0, 1, "val", SIZE), data.truths(1)
    assert data[1].rgb is None
    assert list(truths) == [name for name in IMAGES if name not in ("depth", "labels", "rgb")]
    np.testing.assert_array_equal(truths["parts"], one.parts)
    np.testing.assert_array_equal(truths["contact"], one.contact)
    for side in ("left", "right"):
        expected = one.amodal.get(side, np.zeros(SIZE, np.uint8))
        np.testing.assert_array_equal(truths[f"amodal_{side}"], expected)
    assert np.abs(truths["clean_depth"] - one.clean_depth).max() <= 0.00013
    assert np.abs(truths["normals"] - one.truth.normals).max() < 0.005
    assert truths["background"].shape == (*SIZE, 3)
    with pytest.raises(IndexError, match="2 frames"):
        data.truths(2)


def test_the_colour_cameras_own_view_and_what_is_bare_in_it(store):
    data = make(count=4, images=("color_rgb", "color_labels", "bare_labels"))
    gone = 0
    for i in range(4):
        one, truths = module.frame("exo_two_hands", 0, i, "val", SIZE), data.truths(i)
        assert list(truths) == ["color_rgb", "color_labels", "bare_labels"]
        np.testing.assert_array_equal(truths["color_rgb"], one.color_rgb)
        np.testing.assert_array_equal(truths["color_labels"], one.color_labels)
        surface = one.color_truth.image(one.color_truth.mesh.material[one.color_truth.faces])
        covered = truths["color_labels"] != truths["bare_labels"]
        assert (truths["bare_labels"][covered] == 0).all()
        assert np.isin(truths["color_labels"][covered], (1, 2, 3, 4)).all()
        assert np.isin(surface[covered], (Surface.SHIRT, Surface.GLOVE_LEFT, Surface.GLOVE_RIGHT)).all()
        assert not (np.isin(surface, Surface.SHIRT) & (truths["bare_labels"] > 0)).any()
        gone += covered.sum()
    assert gone > 0


def test_background_shows_what_is_behind_the_hands(store):
    data = make(count=3, rgb=True, images=("background",))
    seen = 0
    for i in range(3):
        sample, behind = data[i], data.truths(i)["background"]
        hand, empty = np.isin(sample.labels, (1, 2, 3, 4)), sample.labels == 0
        if hand.sum() > 100:
            differ = np.abs(sample.rgb.astype(int) - behind).max(axis=2) > 3
            assert differ[hand].mean() > 0.8
            assert differ[empty].mean() < 0.4  # only shadows differ
            seen += 1
    assert seen


def test_order_and_repetition_of_images_do_not_matter(store):
    one = make(count=2, images=("rgb", "parts", "rgb"))
    assert one.recipe.images == ("depth", "labels", "rgb", "parts")
    assert make(count=2, rgb=True, images=["parts"]).fingerprint == one.fingerprint


def test_sensor_decides_depth_and_camera(store):
    plain, kinect = make(count=2), make(count=2, sensor="kinect")
    assert plain.fingerprint != kinect.fingerprint
    assert kinect[0].intrinsics == module.frame("exo_two_hands", 0, 0, "val", SIZE, "kinect").intrinsics
    assert kinect[0].intrinsics != plain[0].intrinsics
    depth = kinect[1].depth.astype(float)
    np.testing.assert_allclose(depth * 1000, np.rint(depth * 1000), atol=0.01)
    exact = make(count=2, sensor="none")
    expected = module.frame("exo_two_hands", 0, 1, "val", SIZE, "none").depth
    assert np.abs(exact[1].depth - expected).max() <= 0.00013


@pytest.mark.parametrize("scene", [name for name in SCENES if name != "exo_two_hands"])
def test_every_scene_gives_a_set_with_its_own_cameras(store, scene):
    data = synthetic(scene, "val", 1, SIZE, workers=1, rgb=True)
    one = module.frame(scene, 0, 0, "val", SIZE)
    np.testing.assert_array_equal(data[0].rgb, one.rgb)
    np.testing.assert_array_equal(data[0].labels, one.labels)
    assert data[0].intrinsics == one.intrinsics
    assert data.index["domains"] == [one.scene.domain]
    assert data.index["states"] == [dict(one.scene.states)]


def test_fingerprint_follows_recipe_and_code(monkeypatch):
    recipe = Recipe("exo_two_hands", "train", 10, (60, 80), 0)
    prints = {recipe.fingerprint, Recipe("exo_two_hands", "train", 10, (60, 80), 1).fingerprint,
              Recipe("exo_two_hands", "val", 10, (60, 80), 0).fingerprint,
              Recipe("exo_two_hands", "train", 10, (60, 80), 0, ("rgb",)).fingerprint,
              Recipe("exo_two_hands", "train", 10, (60, 80), 0, sensor="none").fingerprint}  # fmt: skip
    monkeypatch.setattr(recipe_module, "scene_code", lambda scene: "another")
    assert len(prints | {recipe.fingerprint}) == 6


def test_a_scene_depends_on_its_own_code_only():
    library = Path(recipe_module.__file__).parents[1]
    names = {
        name: {path.relative_to(library).as_posix() for path in recipe_module.scene_files(name)} for name in SCENES
    }
    common = {"synth/world.py", "synth/render.py", "synth/sensors/__init__.py", "synth/sensors/sr300.py"}
    for scene, files in names.items():
        assert common | {"synth/hand/mesh.py", "synth/hand/__init__.py", "camera/intrinsics.py"} <= files
        assert f"{SCENES[scene].__module__.removeprefix('handseg_lib.').replace('.', '/')}.py" in files
        assert "synth/scenes/__init__.py" not in files
    assert not {name for name in names["exo_two_hands"] if name.startswith("synth/ego/")}
    assert "synth/sensors/statistics.py" not in names["exo_two_hands"]


def test_sets_travel_to_other_processes(store):
    data = make(count=2)
    copy = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(copy[1].labels, data[1].labels)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"scene": "moon"}, "moon"), ({"split": "dev"}, "dev.*train, val, test"), ({"count": 0}, "count 0"),
     ({"size": (4, 80)}, r"\(4, 80\)"), ({"seed": -2}, "seed -2"), ({"sensor": "sonar"}, "sonar.*kinect"),
     ({"images": ("smell",)}, "'smell'.*labels")],
)  # fmt: skip
def test_impossible_recipes_are_refused(store, wrong, message):
    with pytest.raises(DataError, match=message):
        synthetic(**{"count": 2, "size": SIZE, **wrong})
