"""Annotated sets of hands and objects on disk: names, types, units, splits, and the way back through the loader."""

import json

import cv2
import numpy as np
import pytest

from handseg_lib.annotate.interseghands_files import unfinished, write_frame, write_settings, write_splits
from handseg_lib.data.interseghands import UNIT, InterSegHandsSet
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError, LabelError

SIZE = (96, 128)


def frame(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    depth, classes = np.zeros(SIZE, np.float32), np.zeros(SIZE, np.uint8)
    classes[20:60, 20:60], classes[30:80, 70:110] = 1, 2
    shown = classes > 0
    depth[shown] = rng.integers(2400, 3600, int(shown.sum())) * np.float32(UNIT)
    return depth, classes


@pytest.mark.parametrize("unit", [UNIT, 0.001])
def test_the_loader_reads_it_back(tmp_path, unit):
    frames = {f"a-{n}": frame(n) for n in range(3)}
    write_settings(tmp_path, unit)
    for name, one in frames.items():
        write_frame(tmp_path, name, *one, unit)
    write_splits(tmp_path, {"train": ["a-2", "a-0"], "val": ["a-1"]})
    found = InterSegHandsSet(tmp_path)
    assert [s.id.split("/")[-1] for s in found] == sorted(frames)
    for sample, (depth, classes) in zip(found, frames.values(), strict=True):
        np.testing.assert_allclose(sample.depth, depth, atol=unit / 2 + 1e-6)
        vocabulary = np.array([Label.BACKGROUND, Label.RIGHT_HAND, Label.OBJECT_BOTH], np.uint8)
        np.testing.assert_array_equal(sample.labels, vocabulary[classes])
    assert [s.id.split("/")[-1] for s in InterSegHandsSet(tmp_path, "train")] == ["a-2", "a-0"]


def test_files_are_as_the_layout_says(tmp_path):
    depth, classes = frame()
    path = write_frame(tmp_path, "x_1.5", depth, classes)
    assert path == tmp_path / "depth" / "x_1.5.png"
    raw, mask = (cv2.imread(str(p), cv2.IMREAD_UNCHANGED) for p in (path, tmp_path / "mask" / "x_1.5.png"))
    assert raw.dtype == np.uint16 and mask.dtype == np.uint8 and raw.shape == mask.shape == SIZE
    np.testing.assert_array_equal(mask, classes)
    np.testing.assert_allclose(raw * UNIT, depth, atol=1e-7)
    content = json.loads(write_settings(tmp_path).read_text())
    assert content["depth_unit_m"] == UNIT and content["classes"] == {"background": 0, "hand": 1, "object": 2}


def test_what_broke_off_is_found_refused_and_mended(tmp_path):
    depth, classes = frame()
    for name in ("a", "b"):
        write_frame(tmp_path, name, depth, classes)
    assert unfinished(tmp_path) == []
    (tmp_path / "depth" / "b.png").unlink()
    (tmp_path / "depth" / ".b.png.1234.tmp").write_bytes(b"half")
    assert unfinished(tmp_path) == ["b"]
    with pytest.raises(DataError, match=r"b\.png"):
        InterSegHandsSet(tmp_path)
    with pytest.raises(DataError, match="no depth or no mask"):
        write_splits(tmp_path, {"val": ["b"]})
    write_frame(tmp_path, "b", depth, classes)
    assert unfinished(tmp_path) == [] and len(InterSegHandsSet(tmp_path)) == 2


def test_a_refused_write_leaves_what_was_there(tmp_path, monkeypatch):
    depth, classes = frame()
    path = write_frame(tmp_path, "a", depth, classes)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match="No space left"):
        write_frame(tmp_path, "a", depth * 0.9, classes)
    assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == ["a.png"]


def test_what_does_not_fit_is_refused(tmp_path):
    depth, classes = frame()
    for name in ("", "../a", "a/b", ".a", "a b"):
        with pytest.raises(DataError, match="frame id"):
            write_frame(tmp_path, name, depth, classes)
    with pytest.raises(DataError, match="16 bits hold"):
        write_frame(tmp_path, "a", np.full(SIZE, 9, np.float32), classes)
    for wrong in (classes[1:], classes + np.uint8(1), classes.astype(np.int64)):
        with pytest.raises(LabelError, match="a: classes are"):
            write_frame(tmp_path, "a", depth, wrong)
    with pytest.raises(DataError, match="depth unit"):
        write_settings(tmp_path, 0)
    write_frame(tmp_path, "a", depth, classes)
    for splits, message in (
        ({"test set": ["a"]}, "expected train, val or test"),
        ({"val": []}, "at least one"),
        ({"train": ["a"], "val": ["a"]}, "in train and in val"),
        ({"train": ["c"]}, "no depth or no mask"),
    ):
        with pytest.raises(DataError, match=message):
            write_splits(tmp_path, splits)
    assert not list(tmp_path.glob("*.txt"))
