"""The loader of HandNet frames: fields of the MATLAB files, divisions, and bad input."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from handseg_lib.camera import HANDNET
from handseg_lib.data.handnet import HandNetSet, read_session
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError, LabelError

SIZE = (240, 320)


def fields(session: float = 0) -> dict[str, Any]:
    """A hand at half a metre in the upper right of the image, before a wall; part labels elsewhere."""
    depth, segmap, lbl = np.full(SIZE, 1500.0, np.float32), np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    depth[20:60, 200:300], segmap[20:60, 200:300], lbl[20:30, 200:210] = 500, 1, 6
    depth[:5] = 0
    return {"depth": depth, "segmap": segmap, "lbl": lbl, "hmap": np.full((4, 4, 6), np.nan), "session": session}


def write(root: Path, part: str, number: int, compress: bool = True, **changes: Any) -> Path:
    path = root / part / f"Data_{number:07d}.mat"
    path.parent.mkdir(exist_ok=True)
    values = {**fields(), **changes}
    savemat(path, {name: value for name, value in values.items() if value is not None}, do_compression=compress)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten sessions, shuffled over the three parts as in the official files."""
    numbers = iter(range(100))
    for part, sessions in {
        "TrainData": [*range(10), *range(10)],
        "TestData": range(10),
        "ValidationData": (3, 8),
    }.items():
        for session in sessions:
            write(tmp_path, part, next(numbers), session=session)
    return tmp_path


def test_frames_and_ends(root):
    frames = HandNetSet(root)
    assert isinstance(frames, Sequence) and len(frames) == 32
    assert frames[0].id == "handnet/TrainData/0000000" and frames[-1].id == "handnet/TestData/0000029"
    assert [frame.id for frame in frames[19:21]] == ["handnet/TrainData/0000019", "handnet/ValidationData/0000030"]
    with pytest.raises(IndexError):
        frames[32]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint16, np.int32])
@pytest.mark.parametrize("compress", [True, False])
def test_a_frame(tmp_path, dtype, compress):
    write(tmp_path, "TestData", 1, compress, depth=fields()["depth"].astype(dtype))
    frame = HandNetSet(tmp_path)[0]
    assert frame.depth.dtype == np.float32 and frame.intrinsics == HANDNET and frame.rgb is None
    assert (
        frame.depth[40, 250] == np.float32(0.5) and frame.depth[0, 0] == 0 and abs(frame.depth[100, 100] - 1.5) < 1e-6
    )
    expected = np.zeros(SIZE, np.uint8)
    expected[20:60, 200:300] = Label.LEFT_HAND  # segmap, not lbl
    assert (frame.labels == expected).all() and HandNetSet.label_maps == ("hand",)


def test_a_session_is_in_one_split_only(root):
    split = {name: HandNetSet(root, name) for name in ("train", "val", "test")}
    assert {name: frames.sessions for name, frames in split.items()} == {
        "train": tuple(range(7)), "val": (7,), "test": (8, 9)
    }  # fmt: skip
    for frames in split.values():
        assert {read_session(path) for path in frames._files} == set(frames.sessions)
    assert sum(map(len, split.values())) == 32 and len(split["test"]) == 7
    assert len({frames.fingerprint for frames in split.values()}) == 3


def test_the_official_division(root):
    folders = {name: {path.parent.name for path in HandNetSet(root, name, "official")._files}
               for name in ("train", "val", "test", "all")}  # fmt: skip
    assert folders == {"train": {"TrainData"}, "val": {"ValidationData"}, "test": {"TestData"},
                       "all": {"TrainData", "ValidationData", "TestData"}}  # fmt: skip
    assert HandNetSet(root, "train", "official").sessions == ()
    (root / "TrainData").rename(root / "elsewhere")
    assert len(HandNetSet(root, "test", "official")) == 10
    with pytest.raises(DataError, match="TrainData: no such folder"):
        HandNetSet(root, "train", "official")


def test_requests_that_cannot_be(root, tmp_path_factory):
    with pytest.raises(DataError, match="HandNet has no split 'valid'"):
        HandNetSet(root, "valid")
    with pytest.raises(DataError, match="HandNet has no division 'subject'; choose session or official"):
        HandNetSet(root, "test", "subject")
    small = tmp_path_factory.mktemp("small")
    write(small, "TestData", 1)
    with pytest.raises(DataError, match=r"found 1 sessions in .*, numbered \[0\]"):
        HandNetSet(small, "test")


def test_fingerprint_follows_the_contents(root):
    before = HandNetSet(root).fingerprint
    assert HandNetSet(root).fingerprint == before
    path = root / "TrainData" / "Data_0000000.mat"
    path.write_bytes(path.read_bytes() + b"\0")
    assert HandNetSet(root).fingerprint != before


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(DataError, match="absent: no such folder"):
        HandNetSet(tmp_path / "absent")
    with pytest.raises(DataError, match="found no TrainData or ValidationData or TestData in it"):
        HandNetSet(tmp_path)
    (tmp_path / "TestData").mkdir()
    with pytest.raises(DataError, match="TestData: no frames"):
        HandNetSet(tmp_path)
    (tmp_path / "TestData" / "Data_1.mat").touch()
    with pytest.raises(DataError, match=r"Data_1\.mat: unexpected name"):
        HandNetSet(tmp_path)


@pytest.mark.parametrize("missing", ["depth", "segmap"])
def test_missing_fields(tmp_path, missing):
    write(tmp_path, "TestData", 1, **{missing: None})
    with pytest.raises(DataError, match=rf"Data_0000001\.mat: has no variable {missing}; expected depth, segmap"):
        HandNetSet(tmp_path)[0]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"depth": np.zeros((320, 240))}, r"depth is float64 \(320, 240\); expected numbers of shape \(240, 320\)"),
        ({"segmap": np.zeros((120, 160))}, r"segmap is \w+ \(120, 160\)"),
        ({"depth": np.zeros(SIZE, complex)}, "depth is complex128"),
        ({"depth": "text"}, "depth is <U4"),
        ({"depth": np.full(SIZE, np.nan)}, "depth holds NaN"),
        ({"depth": np.full(SIZE, -5.0)}, "depth spans -0.005"),
        ({"depth": np.full(SIZE, 65535.0)}, "depth spans 65.535"),
    ],
)
def test_fields_of_another_kind(tmp_path, changes, found):
    write(tmp_path, "TestData", 1, **changes)
    with pytest.raises(DataError, match=rf"Data_0000001\.mat: {found}"):
        HandNetSet(tmp_path)[0]


@pytest.mark.parametrize("value", [2, 255, 0.5, np.nan])
def test_unknown_label(tmp_path, value):
    segmap = np.zeros(SIZE)
    segmap[3, 3] = value
    write(tmp_path, "TestData", 1, segmap=segmap)
    with pytest.raises(
        LabelError, match=rf"Data_0000001\.mat: segmap holds {value:g}; expected 0 \(background\) and 1"
    ):
        HandNetSet(tmp_path)[0]


@pytest.mark.parametrize("session", [0.5, "one", np.arange(2), np.nan, None])
def test_sessions_of_another_kind(tmp_path, session):
    path = write(tmp_path, "TestData", 1, session=session)
    with pytest.raises(DataError, match=r"Data_0000001\.mat: (its session is|has no variable session)"):
        read_session(path)


@pytest.mark.parametrize("compress", [True, False])
def test_truncated_anywhere(tmp_path, compress):
    path = write(tmp_path, "TestData", 1, compress)
    content = path.read_bytes()
    end_of_masks = {True: len(content) // 3, False: 300_000}[compress]
    for end in (0, 50, 130, 200, end_of_masks):
        path.write_bytes(content[:end])
        with pytest.raises(DataError, match=r"Data_0000001\.mat: (cannot be read|has no variable)"):
            HandNetSet(tmp_path)[0]


def test_files_that_are_not_matlabs(tmp_path):
    path = write(tmp_path, "TestData", 1)
    for content in (b"\x89PNG\r\n\x1a\n" * 40, b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF" * 99):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"Data_0000001\.mat: cannot be read .*expected a complete MATLAB 5 file"):
            HandNetSet(tmp_path)[0]
    frames = HandNetSet(tmp_path)
    path.unlink()
    with pytest.raises(DataError, match=r"Data_0000001\.mat: cannot be read \(No such file or directory\)"):
        frames[0]
