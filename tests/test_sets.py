"""From configurations to frames: real sets by their names, parts of sets, several sets together."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny_runs
from scipy.io import savemat

from handseg_lib.data.labels import LABEL_MAPS
from handseg_lib.errors import DataError, RunError
from handseg_lib.train.registry import REAL_SETS, Data
from handseg_lib.train.sets import First, Frames, Padded, Together, missing, open_set


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two photographs in each set of photographs."""
    for name in ("egohands", "hgr"):
        (tmp_path / name).mkdir()
        for stem in ("a", "b"):
            cv2.imwrite(str(tmp_path / name / f"{stem}.jpg"), np.zeros((20, 30, 3), np.uint8))
            cv2.imwrite(str(tmp_path / name / f"{stem}.png"), np.zeros((20, 30), np.uint8))
    return tmp_path


@pytest.mark.parametrize("name", ["egohands", "hgr"])
def test_photographs_are_real_sets(root, name):
    data = Data(source=name, inputs="rgb")
    assert data.real and name in REAL_SETS and missing(data, root) == ""
    frames = open_set(data, root)
    assert isinstance(frames, Frames) and [frame.id for frame in frames] == [f"{name}/a", f"{name}/b"]
    first = open_set(data.model_copy(update={"count": 1}), root)
    assert len(first) == 1 and first.label_maps == frames.label_maps


def test_what_is_not_there_is_named(root):
    assert (
        missing(Data(source="sr305"), root) == f"the real sr305 frames are not at hand: {root / 'sr305'} is no folder"
    )
    with pytest.raises(RunError, match="set HANDSEG_DATA_ROOT"):
        open_set(Data(source="hgr", inputs="rgb"))
    with pytest.raises(RunError, match="3 frames were asked for, the set has 2"):
        open_set(Data(source="hgr", inputs="rgb", count=3), root)


def test_splits_of_sets_that_have_none(root):
    with pytest.raises(RunError, match="real hgr frames have no split 'test'"):
        open_set(Data(source="hgr", inputs="rgb", split="test"), root)
    with pytest.raises(DataError, match=r"no metadata\.mat"):
        open_set(Data(source="egohands", inputs="rgb", split="test"), root)


def test_several_sets_together(root):
    both = open_set((Data(source="hgr", inputs="rgb"), Data(source="egohands", inputs="rgb", count=1)), root)
    assert [frame.id for frame in both] == ["hgr/a", "hgr/b", "egohands/a"] and len(both) == 3
    parts = tiny_runs.Squares("train", 2), tiny_runs.Squares("val", 3)
    assert Together(parts).fingerprint == "squares-train-2+squares-val-3" != Together(parts[::-1]).fingerprint
    for index in (5, -1):
        with pytest.raises(IndexError):
            Together(parts)[index]
    with pytest.raises(IndexError):
        First(Together(parts), 4)[4]


@pytest.fixture(scope="module")
def depth_root(tmp_path_factory) -> Path:
    """Three frames of each of HandSeg, NYU, HandNet and RHD in their own layouts, a hand 0.5 m away."""
    root = tmp_path_factory.mktemp("real")
    hand = slice(100, 140), slice(60, 120)

    def png(path: Path, image: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), image)

    for person in (1, 2, 3):
        depth, mask = np.full((480, 640), 8000, np.uint16), np.zeros((480, 640), np.uint8)
        depth[hand], mask[hand] = 4000, 1
        png(root / f"handseg/images/user-{person}.00000001.png", depth)
        png(root / f"handseg/masks/user-{person}.00000001.png", mask)
        packed = np.zeros((480, 640, 3), np.uint8)
        packed[hand] = 500 % 256, 500 // 256, 255  # blue low, green high, red label
        png(root / f"nyu/depth_{person:07d}.png", packed)
        depth, mask = np.zeros((240, 320), np.float32), np.zeros((240, 320), np.uint8)
        depth[hand], mask[hand] = 500, 1
        part = {1: "TrainData", 2: "ValidationData", 3: "TestData"}[person]
        (root / "handnet" / part).mkdir(parents=True)
        fields = {"depth": depth, "segmap": mask, "session": person % 3}
        savemat(root / "handnet" / part / f"Data_{person:07d}.mat", fields)
        steps, mask = np.full((320, 320), 65535), np.zeros((320, 320), np.uint8)
        steps[hand], mask[hand] = 6554, 2  # half a metre, a part of the left hand
        folder = root / "rhd" / ("evaluation" if person == 3 else "training")
        number = 0 if person == 3 else person - 1
        packed = np.stack([np.zeros_like(steps), steps % 256, steps // 256], -1).astype(np.uint8)
        for kind, image in (("color", np.zeros_like(packed)), ("depth", packed), ("mask", mask)):
            png(folder / kind / f"{number:05d}.png", image)
    camera = {"K": np.array([[280.0, 0, 160], [0, 280, 160], [0, 0, 1]])}
    for part, count in (("training", 2), ("evaluation", 1)):
        (root / "rhd" / part / f"anno_{part}.pickle").write_bytes(pickle.dumps(dict.fromkeys(range(count), camera)))
    return root


FIRST = {"handseg": "user-1.00000001", "nyu": "0000001", "handnet": "TrainData/0000001", "rhd": "training/00000"}


@pytest.mark.parametrize("name", FIRST)
def test_the_four_depth_sets_open_by_one_naming(depth_root, name):
    data = Data(source=name)
    assert data.real and missing(data, depth_root) == ""
    frames = open_set(data, depth_root)
    assert isinstance(frames, Frames) and len(frames) == 3 and "hand" in frames.label_maps
    sample = frames[0]
    assert sample.id == f"{name}/{FIRST[name]}"
    assert np.argwhere(sample.labels > 0).min(axis=0).tolist() == [100, 60] and (sample.labels > 0).sum() == 40 * 60
    assert abs(sample.depth[120, 90] - 0.5) < 1e-4
    splits = [open_set(data.model_copy(update={"split": split}), depth_root) for split in ("train", "val", "test")]
    assert [len(each) for each in splits] == [1, 1, 1]
    assert {each[0].id for each in splits} == {each.id for each in frames}
    one = open_set(data.model_copy(update={"count": 1, "aspect": 2.0}), depth_root)
    height = len(sample.labels)
    assert len(one) == 1 and one[0].labels.shape == (height, 2 * height) and one.label_maps == frames.label_maps


def test_sets_of_hands_and_objects_open_by_the_same_naming(tmp_path):
    depth, mask = np.full((240, 320), 3000, np.uint16), np.zeros((240, 320), np.uint8)
    depth[:, :100], mask[:, :50], mask[:, 50:100] = 500, 1, 2
    hoseg_mask = np.select([mask == 1, mask == 2], [np.uint8(3), np.uint8(6)], 0)
    images = {"interseghands/depth": depth * 8, "interseghands/mask": mask}  # eighths of a millimetre
    for part in ("train_syn", "test_syn"):
        images |= {f"hoseg/dataset/{part}/depth": depth, f"hoseg/dataset/{part}/label": hoseg_mask}
    for folder, image in images.items():
        (tmp_path / folder).mkdir(parents=True)
        for number in range(2):
            assert cv2.imwrite(str(tmp_path / folder / f"{number:07d}.png"), image)
    for data in (
        Data(source="interseghands", split="train", within=0.16),
        Data(source="hoseg", split="test", within=0.16, reading={"test": "test_syn"}),
    ):
        assert data.real and missing(data, tmp_path) == ""
        frames = open_set(data, tmp_path)
        assert isinstance(frames, Frames) and "hand_object" in frames.label_maps
        sample = frames[0]
        ids = LABEL_MAPS["hand_object"].encode(sample.labels)
        assert np.unique(ids[:, :50]).tolist() == [1] and np.unique(ids[:, 50:100]).tolist() == [2]
        assert abs(float(sample.depth[9, 9]) - 0.5) < 1e-4 and not sample.depth[:, 100:].any()


def test_what_a_loader_is_told(depth_root):
    millimetres = open_set(Data(source="handseg", reading={"unit": 0.00025}), depth_root)
    assert abs(millimetres[0].depth[120, 90] - 1.0) < 1e-4
    assert millimetres.fingerprint != open_set(Data(source="handseg"), depth_root).fingerprint
    official = Data(source="handnet", split="train", reading={"division": "official"})
    assert [frame.id for frame in open_set(official, depth_root)] == ["handnet/TrainData/0000001"]
    by_session = open_set(Data(source="handnet", split="train"), depth_root)
    assert [frame.id for frame in by_session] == ["handnet/TestData/0000003"]  # session 0
    assert open_set(Data(source="nyu", reading={"far": 0.4}), depth_root)[0].depth.max() == 0
    with pytest.raises(RunError, match=r"the real rhd frames cannot be read with \{'unit': 0.001\}"):
        open_set(Data(source="rhd", reading={"unit": 0.001}), depth_root)


def test_what_says_nothing_is_not_part_of_a_runs_key():
    assert set(Data(source="nyu").model_dump()) == {
        "source", "split", "count", "height", "width", "seed", "inputs", "bare"
    }  # fmt: skip
    told = Data(source="handseg", reading={"unit": 0.001}, aspect=1.5)
    assert Data.model_validate_json(told.model_dump_json()) == told and told.model_dump()["aspect"] == 1.5


@pytest.mark.parametrize(("aspect", "shape", "corner"), [(2.0, (24, 48), (0, 8)), (1.0, (32, 32), (4, 0))])
def test_padding_keeps_pixels_square_and_places_true(aspect, shape, corner):
    frames = tiny_runs.Squares("train", 2)
    padded = Padded(frames, aspect)
    top, left = corner
    assert padded[1].depth.shape == shape and len(padded) == 2 and padded.fingerprint != frames.fingerprint
    np.testing.assert_array_equal(padded[1].depth[top : top + 24, left : left + 32], frames[1].depth)
    assert padded[1].depth.sum() == pytest.approx(frames[1].depth.sum())
    assert (padded[1].labels > 0).sum() == (frames[1].labels > 0).sum()


def test_a_padded_camera_sees_the_same_points(depth_root):
    plain = open_set(Data(source="rhd"), depth_root)[0]
    wide = open_set(Data(source="rhd", aspect=4 / 3), depth_root)[0]
    assert (wide.intrinsics.width, wide.intrinsics.height) == (427, 320) and wide.rgb is None
    points, same = (s.intrinsics.deproject(s.depth)[s.labels > 0] for s in (plain, wide))
    np.testing.assert_allclose(points, same, atol=1e-6)


def test_counterparts_open_by_their_names(monkeypatch):
    asked = []
    squares = tiny_runs.Squares("val", 3)
    monkeypatch.setattr("handseg_lib.data.counterparts.counterpart", lambda *recipe: asked.append(recipe) or squares)
    data = Data(source="like_nyu", split="val", count=3, height=48, width=64, seed=2)
    assert open_set(data) is squares and not data.real and missing(data, None) == ""
    assert asked == [("like_nyu", "val", 3, (48, 64), 2, None)]
    with pytest.raises(DataError, match="like_nyu stands for a set of depth frames"):
        open_set(data.model_copy(update={"inputs": "rgb"}))


class Rendered:
    """A synthetic set with the images of the colour camera."""

    fingerprint, index = "abc", {"ids": ["scene/0"]}

    def __len__(self) -> int:
        return 1

    def truths(self, index: int) -> dict[str, np.ndarray]:
        worn = np.array([[1, 3], [0, 2]], np.uint8)
        bare = np.array([[1, 0], [0, 2]], np.uint8)
        return {"color_rgb": np.full((2, 2, 3), 9, np.uint8), "color_labels": worn, "bare_labels": bare}


@pytest.mark.parametrize(("bare", "expected"), [(False, [[1, 3], [0, 2]]), (True, [[1, 0], [0, 2]])])
def test_the_colour_cameras_view_with_sleeves_or_without(monkeypatch, bare, expected):
    asked = {}

    def synthetic(*recipe, images, workers):
        asked[recipe] = images
        return Rendered()

    monkeypatch.setattr("handseg_lib.data.synthetic.synthetic", synthetic)
    data = Data(source="ego", split="val", count=1, height=2, width=2, inputs="rgb", bare=bare)
    frames = open_set(data)
    assert asked == {("ego", "val", 1, (2, 2), 0): ("color_rgb", "color_labels", "bare_labels")}
    assert frames[0].labels.tolist() == expected and frames[0].depth is None and frames[0].id == "scene/0"
    assert frames.fingerprint == ("abc:bare_labels" if bare else "abc:color_labels")
