"""From configurations to frames: real sets by their names, parts of sets, several sets together."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny_runs

from handseg_lib.errors import DataError, RunError
from handseg_lib.train.registry import REAL_SETS, Data
from handseg_lib.train.sets import First, Frames, Together, missing, open_set


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

    def synthetic(*recipe, images):
        asked[recipe] = images
        return Rendered()

    monkeypatch.setattr("handseg_lib.data.synthetic.synthetic", synthetic)
    data = Data(source="ego", split="val", count=1, height=2, width=2, inputs="rgb", bare=bare)
    frames = open_set(data)
    assert asked == {("ego", "val", 1, (2, 2), 0): ("color_rgb", "color_labels", "bare_labels")}
    assert frames[0].labels.tolist() == expected and frames[0].depth is None and frames[0].id == "scene/0"
    assert frames.fingerprint == ("abc:bare_labels" if bare else "abc:color_labels")
