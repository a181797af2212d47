"""The loader of hoseg frames: class ids, parts and splits, and bad input, on frames written in the released layout."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from handseg_lib.data.hoseg import CAMERAS, CROP, KINECT_V2, HosegSet
from handseg_lib.data.labels import LABEL_MAPS, Label
from handseg_lib.errors import DataError, LabelError

SIZE = (400, 400)


def png(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def stripes(size: tuple[int, int] = SIZE) -> np.ndarray:
    """Eight stripes from the top to the bottom, one for each id."""
    return np.broadcast_to((np.arange(size[0]) * 8 // size[0]).astype(np.uint8)[:, None], size).copy()


def write(home: Path, number: int, size: tuple[int, int] = SIZE) -> None:
    depth = 500 + 100 * stripes(size).astype(np.uint16)
    depth[:, 0] = 0
    png(home / "depth" / f"{number:07d}.png", depth)
    png(home / "label" / f"{number:07d}.png", stripes(size))


def listed(root: Path, part: str, numbers: range) -> None:
    """Files of frames that nobody reads."""
    for folder in ("depth", "label"):
        (root / part / folder).mkdir(parents=True)
        for number in numbers:
            (root / part / folder / f"{number:07d}.png").write_bytes(f"{part}{number}".encode())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for part, number in (("train_syn", 10), ("train_syn", 0), ("test_kv2", 283)):
        write(tmp_path / "hoseg" / "dataset" / part, number)
    return tmp_path


def test_frames_in_the_order_of_parts_and_numbers(root):
    frames = HosegSet(root)
    assert isinstance(frames, Sequence) and len(frames) == 3 and frames.parts == ("train_syn", "test_kv2")
    ids = ["hoseg/train_syn/0000000", "hoseg/train_syn/0000010", "hoseg/test_kv2/0000283"]
    assert [frame.id for frame in frames] == ids == [frame.id for frame in frames[:]]
    with pytest.raises(IndexError):
        frames[3]


@pytest.mark.parametrize("inner", ["", "hoseg", "hoseg/dataset"])
def test_the_root_may_be_the_repository_or_its_data(root, inner):
    assert len(HosegSet(root / inner)) == 3


def test_ids_and_metres(root):
    frame = HosegSet(root)[0]
    row = {number: 25 + 50 * number for number in range(8)}  # the middle of a stripe
    assert frame.depth.dtype == np.float32 and frame.rgb is None and frame.depth[25, 0] == 0
    assert frame.depth[row[3], 9] == np.float32(0.8)
    shown = {number: Label(int(frame.labels[row[number], 9])) for number in range(8)}
    assert shown == {
        0: Label.BACKGROUND,
        1: Label.BACKGROUND,
        2: Label.LEFT_HAND,
        3: Label.RIGHT_HAND,
        4: Label.LEFT_ARM,
        5: Label.RIGHT_ARM,
        6: shown[6],
        7: Label.BACKGROUND,
    }
    assert shown[6].name.startswith("OBJECT_")


@pytest.mark.parametrize("name", HosegSet.label_maps)
def test_what_each_convention_says(root, name):
    """A table of what the eight ids are in every convention, written by hand."""
    expected = {
        "hoseg": (0, 0, 2, 3, 4, 5, 6, 0),
        "hand_object": (0, 0, 1, 1, 0, 0, 2, 0),
        "left_right": (0, 0, 1, 2, 0, 0, 0, 0),
        "left_right_arm": (0, 0, 1, 2, 3, 3, 0, 0),
        "hand": (0, 0, 1, 1, 0, 0, 0, 0),
        "hand_and_arm": (0, 0, 1, 1, 2, 2, 0, 0),
        "hand_arm": (0, 0, 1, 1, 1, 1, 0, 0),
    }[name]
    classes = LABEL_MAPS[name].encode(HosegSet(root)[0].labels)
    assert tuple(classes[25::50, 9].tolist()) == expected


def test_the_camera_follows_the_size(tmp_path):
    """The crop sees what the middle of the whole frame sees: a point falls on the same pixel, less the offset."""
    point = np.array([0.1, -0.2, 0.9])
    np.testing.assert_allclose(CROP.project(point), KINECT_V2.project(point) - (56, 12))
    assert CAMERAS == {(424, 512): KINECT_V2, (400, 400): CROP}


@pytest.mark.parametrize(("size", "camera"), [((424, 512), KINECT_V2), (SIZE, CROP), ((200, 200), None)])
def test_frames_of_a_size(tmp_path, size, camera):
    write(tmp_path / "test_syn", 0, size)
    [frame] = HosegSet(tmp_path)
    assert frame.intrinsics == camera and frame.depth.shape == size


def test_parts_and_splits(tmp_path):
    listed(tmp_path, "train_syn", range(0, 400, 10))
    listed(tmp_path, "train_fixbody_syn", range(3))
    listed(tmp_path, "test_syn", range(0, 10, 2))
    listed(tmp_path, "test_kv2", range(283, 286))
    split = {name: HosegSet(tmp_path, name) for name in ("train", "val", "test", "all")}
    assert {name: (frames.parts, len(frames)) for name, frames in split.items()} == {
        "train": (("train_syn",), 38),
        "val": (("train_syn",), 2),
        "test": (("test_kv2",), 3),
        "all": (("train_syn", "train_fixbody_syn", "test_kv2", "test_syn"), 51),
    }
    assert [name for _, name in split["val"]._files] == ["0000380.png", "0000390.png"]
    assert len({frames.fingerprint for frames in split.values()}) == 4
    assert len(HosegSet(tmp_path, "test", test="test_syn")) == 5
    assert len(HosegSet(tmp_path, "train", train="train_fixbody_syn")) == 2
    with pytest.raises(DataError, match="hoseg has no split 'real'"):
        HosegSet(tmp_path, "real")
    with pytest.raises(DataError, match="no such part 'test_real'; choose one of test_kv2, test_syn"):
        HosegSet(tmp_path, "test", test="test_real")
    with pytest.raises(DataError, match="no such part 'test_syn'; choose one of train_syn, train_fixbody_syn"):
        HosegSet(tmp_path, "train", train="test_syn")


def test_only_the_parts_of_the_split_are_needed(tmp_path):
    listed(tmp_path, "test_kv2", range(2))
    assert len(HosegSet(tmp_path, "test")) == 2
    with pytest.raises(DataError, match="train_syn/depth: no such folder"):
        HosegSet(tmp_path, "train")


def test_fingerprint_follows_the_contents(root):
    before = HosegSet(root).fingerprint
    assert HosegSet(root).fingerprint == before
    write(root / "hoseg" / "dataset" / "test_kv2", 284)
    assert HosegSet(root).fingerprint != before


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(DataError, match="absent: no such folder"):
        HosegSet(tmp_path / "absent")
    with pytest.raises(DataError, match=r"found no train_syn or .* in it; expected \{train_syn,"):
        HosegSet(tmp_path)
    (tmp_path / "test_kv2" / "depth").mkdir(parents=True)
    with pytest.raises(DataError, match="test_kv2/label: no such folder"):
        HosegSet(tmp_path)
    (tmp_path / "test_kv2" / "label").mkdir()
    with pytest.raises(DataError, match="test_kv2: holds no frames"):
        HosegSet(tmp_path)


def test_a_file_alone_or_of_another_name(root):
    home = root / "hoseg" / "dataset" / "train_syn"
    (home / "label" / "0000010.png").unlink()
    with pytest.raises(DataError, match=r"depth/0000010\.png: there is no .*label/0000010\.png"):
        HosegSet(root)
    (home / "depth" / "0000010.png").rename(home / "depth" / "10.png")
    with pytest.raises(DataError, match=r"depth/10\.png: unexpected name; expected .*<7 digits>\.png"):
        HosegSet(root)


def test_labels_may_have_three_equal_channels(root):
    path = root / "hoseg" / "dataset" / "train_syn" / "label" / "0000000.png"
    before = HosegSet(root)[0].labels
    png(path, np.repeat(stripes()[..., None], 3, axis=2))
    np.testing.assert_array_equal(HosegSet(root)[0].labels, before)
    png(path, np.stack([stripes(), stripes(), np.zeros_like(stripes())], axis=2))
    with pytest.raises(LabelError, match=r"label/0000000\.png: found .*coloured; expected a grey image"):
        HosegSet(root)[0]


@pytest.mark.parametrize(
    ("kind", "image", "found"),
    [
        ("depth", np.zeros(SIZE, np.uint8), r"depth/0000000\.png: found 8-bit 400x400 .*expected a 16-bit image"),
        ("label", np.zeros(SIZE, np.uint16), r"label/0000000\.png: found 16-bit 400x400 .*expected an 8-bit"),
        ("label", np.full(SIZE, 8, np.uint8), r"label/0000000\.png holds label 8; expected hoseg"),
        ("label", np.zeros((200, 200), np.uint8), r"label/0000000\.png: found 200x200 pixels; expected 400x400 as in"),
    ],
)
def test_images_of_another_kind(tmp_path, kind, image, found):
    write(tmp_path / "test_kv2", 0)
    png(tmp_path / "test_kv2" / kind / "0000000.png", image)
    with pytest.raises(DataError, match=found):
        HosegSet(tmp_path)[0]


def test_damaged_frame_is_named_and_others_still_read(root):
    path = root / "hoseg" / "dataset" / "train_syn" / "depth" / "0000000.png"
    path.write_bytes(path.read_bytes()[:-20])
    frames = HosegSet(root)
    assert frames[1].id == "hoseg/train_syn/0000010"
    with pytest.raises(DataError, match=r"depth/0000000\.png: the PNG ends too early"):
        frames[0]
