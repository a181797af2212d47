"""Annotated sets on disk: HandSeg's names, types, unit and ids, and the way back through the loader."""

import cv2
import numpy as np
import pytest

from handseg_lib.annotate.handseg_files import ARCHIVE, UNIT, next_frame, stem, write_frame
from handseg_lib.data.handseg import HandSegSet
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError, LabelError


def frame(seed: int = 0, size: tuple[int, int] = (480, 640)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    depth = (rng.integers(2000, 9000, size) * UNIT).astype(np.float32)
    labels = np.zeros(size, np.uint8)
    labels[20:60, 20:60], labels[20:60, 70:90], labels[60:80, 70:90] = 1, 2, Label.RIGHT_ARM
    depth[0] = 0
    return depth, labels


def test_files_are_as_the_reference_says(tmp_path):
    depth, labels = frame()
    path = write_frame(tmp_path, 4, 3, depth, labels)
    assert path == tmp_path / "images" / "user-4.00000003.png"
    raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    ids = cv2.imread(str(tmp_path / "masks" / path.name), cv2.IMREAD_UNCHANGED)
    assert raw.dtype == np.uint16 and ids.dtype == np.uint8 and raw.shape == ids.shape == (480, 640)
    np.testing.assert_allclose(raw * UNIT, depth, atol=1e-7)
    assert (raw[0] == 0).all()
    assert ids[30, 30] == 2 and ids[30, 80] == 1 and ids[70, 80] == 0  # 1 is the right hand; arms are background


def test_the_loader_reads_it_back(tmp_path):
    frames = {(subject, n): frame(10 * subject + n) for subject in (1, 2) for n in range(2)}
    for (subject, n), (depth, labels) in frames.items():
        write_frame(tmp_path / ARCHIVE, subject, n, depth, labels)
    found = HandSegSet(tmp_path)
    assert [sample.id for sample in found] == [f"handseg/{stem(*key)}" for key in sorted(frames)]
    for sample, key in zip(found, sorted(frames), strict=True):
        depth, labels = frames[key]
        np.testing.assert_allclose(sample.depth, depth, atol=1e-6)
        np.testing.assert_array_equal(sample.labels, np.where(labels <= 2, labels, 0))


def test_frames_are_counted_on_and_written_again(tmp_path):
    depth, labels = frame(size=(100, 120))
    assert next_frame(tmp_path, 4) == 0
    for subject, n in ((4, 0), (4, 7), (14, 30)):
        write_frame(tmp_path, subject, n, depth, labels)
    assert next_frame(tmp_path, 4) == 8 and next_frame(tmp_path, 14) == 31
    write_frame(tmp_path, 4, 7, depth * 0, labels)
    assert cv2.imread(str(tmp_path / "images" / "user-4.00000007.png"), cv2.IMREAD_UNCHANGED).max() == 0
    assert len(list((tmp_path / "images").iterdir())) == len(list((tmp_path / "masks").iterdir())) == 3


def test_what_does_not_fit_is_refused(tmp_path):
    depth, labels = frame(size=(100, 120))
    with pytest.raises(DataError, match=r"reaches 9 m.*16 bits hold 8\.19"):
        write_frame(tmp_path, 1, 0, np.full_like(depth, 9), labels)
    with pytest.raises(LabelError, match=r"\(50, 120\)"):
        write_frame(tmp_path, 1, 0, depth, labels[:50])
    with pytest.raises(LabelError, match="77"):
        write_frame(tmp_path, 1, 0, depth, np.full_like(labels, 77))
    with pytest.raises(DataError, match="eight digits"):
        write_frame(tmp_path, 1, 10**8, depth, labels)
    with pytest.raises(DataError, match="subject -1"):
        stem(-1, 0)
    assert not (tmp_path / "images").exists()


def test_a_full_disk_keeps_the_frame_that_was_there(tmp_path, monkeypatch):
    depth, labels = frame(size=(100, 120))
    before = write_frame(tmp_path, 1, 0, depth, labels).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("handseg_lib.files.os.fsync", full)
    with pytest.raises(DataError, match=r"user-1\.00000000\.png: could not be written"):
        write_frame(tmp_path, 1, 0, depth * 0, labels)
    assert (tmp_path / "images" / "user-1.00000000.png").read_bytes() == before
    assert all(not path.name.startswith(".") for path in tmp_path.rglob("*"))
