"""The loader of RHD frames: depth packing, mask values, cameras from the pickle, splits, and bad input."""

import os
import pickle
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import Label
from handseg_lib.data.rhd import RHDSet, read_packed_depth, read_parts
from handseg_lib.errors import DataError, LabelError

PARTS = {"training": 40, "evaluation": 3}
SIZE = (320, 320)


def pack(steps: np.ndarray) -> np.ndarray:
    """The picture as OpenCV writes it: blue (unused), green (low byte), red (high byte)."""
    return np.stack([np.zeros_like(steps), steps % 256, steps // 256], axis=-1).astype(np.uint8)


def frame() -> dict[str, np.ndarray]:
    """Colour, depth and mask as OpenCV writes them: a left hand of 16 parts, a right one, and a body."""
    steps, mask = np.full(SIZE, 65535), np.zeros(SIZE, np.uint8)
    steps[100:300, 20:300], mask[100:300, 20:300] = 13107, 1  # 1 m
    for part in range(16):
        mask[120:160, 40 + 5 * part : 45 + 5 * part] = 2 + part
        mask[120:160, 200 + 5 * part : 205 + 5 * part] = 18 + part
    steps[mask > 1] = 0x1A2B
    return {"color": np.full((*SIZE, 3), (10, 20, 200), np.uint8), "depth": pack(steps), "mask": mask}


def annotation(number: int) -> dict[str, np.ndarray]:
    k = np.array([[280.0 + number, 0, 160], [0, 281, 159.5], [0, 0, 1]], np.float32)
    return {"K": k, "xyz": np.ones((42, 3), np.float32), "uv_vis": np.ones((42, 3), np.float32)}


def annotate(home: Path, part: str, value: object, protocol: int = 4) -> None:
    (home / part / f"anno_{part}.pickle").write_bytes(pickle.dumps(value, protocol))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    home = tmp_path / "RHD_published_v2"
    encoded = {kind: cv2.imencode(".png", image)[1].tobytes() for kind, image in frame().items()}
    for part, count in PARTS.items():
        for kind, content in encoded.items():
            (home / part / kind).mkdir(parents=True)
            for number in range(count):
                (home / part / kind / f"{number:05d}.png").write_bytes(content)
        annotate(home, part, {number: annotation(number) for number in range(count)}, protocol=2)
    return tmp_path


@pytest.fixture
def home(root: Path) -> Path:
    return root / "RHD_published_v2"


def test_frames_and_ends(root, home):
    frames = RHDSet(root)
    assert isinstance(frames, Sequence) and len(frames) == 43 == len(RHDSet(home))
    assert frames[0].id == "rhd/training/00000" and frames[-1].id == "rhd/evaluation/00002"
    assert [f.id for f in frames[38:41]] == ["rhd/training/00038", "rhd/training/00039", "rhd/evaluation/00000"]
    with pytest.raises(IndexError):
        frames[43]


def test_evaluation_is_the_test_and_training_is_divided(root):
    ids = {split: [f"{folder.name}/{name}" for folder, name, _ in RHDSet(root, split)._frames]
           for split in ("train", "val", "test", "all")}  # fmt: skip
    assert ids["train"] + ids["val"] + ids["test"] == ids["all"]
    assert ids["test"] == [f"evaluation/{n:05d}.png" for n in range(3)]
    assert ids["val"] == ["training/00038.png", "training/00039.png"]
    assert len({RHDSet(root, split).fingerprint for split in ids}) == 4
    with pytest.raises(DataError, match="RHD has no split 'evaluation'"):
        RHDSet(root, "evaluation")


def test_only_the_part_asked_for_must_be_there(root, home):
    (home / "training").rename(home / "elsewhere")
    assert len(RHDSet(root, "test")) == 3
    with pytest.raises(DataError, match=r"training/color: no such folder"):
        RHDSet(root, "val")


def test_a_frame(root):
    sample = RHDSet(root)[7]
    assert sample.intrinsics == Intrinsics(287, 281, 160, 159.5, 320, 320)
    assert sample.rgb[0, 0].tolist() == [200, 20, 10]  # red first
    assert sample.depth[0, 0] == 0 and abs(sample.depth[110, 110] - 1) < 1e-6  # nothing; the body
    assert abs(sample.depth[140, 60] - (0x1A * 256 + 0x2B) / 65535 * 5) < 1e-6  # red is the high byte
    assert RHDSet.label_maps == ("left_right", "hand")


def test_parts_of_hands_are_hands_and_the_person_is_background(root):
    labels = RHDSet(root)[0].labels
    assert (labels[120:160, 40:120] == Label.LEFT_HAND).all() and (labels[120:160, 200:280] == Label.RIGHT_HAND).all()
    assert (labels > 0).sum() == 2 * 40 * 80


def test_every_packed_value_comes_back(tmp_path):
    steps = np.arange(65536).reshape(256, 256)
    cv2.imwrite(str(tmp_path / "a.png"), pack(steps))
    depth = read_packed_depth(tmp_path / "a.png")
    assert depth.dtype == np.float32 and depth[-1, -1] == 0 and depth.max() < 5
    np.testing.assert_array_equal(np.rint(depth.astype(float) * 65535 / 5).ravel()[:-1], np.arange(65535))


def test_every_mask_value(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.arange(34, dtype=np.uint8)[None])
    assert read_parts(tmp_path / "a.png")[0].tolist() == [0, 0, *[Label.LEFT_HAND] * 16, *[Label.RIGHT_HAND] * 16]


def test_fingerprint_follows_images_and_annotation(root, home):
    before = RHDSet(root, "test").fingerprint
    assert RHDSet(root, "test").fingerprint == before
    annotate(home, "evaluation", {number: annotation(number + 1) for number in range(3)})
    assert RHDSet(root, "test").fingerprint != before


def test_a_malicious_annotation_is_refused_and_not_run(root, home, tmp_path):
    trap = tmp_path / "trap"

    class Evil:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(trap),)

    annotate(home, "evaluation", {0: annotation(0), 1: Evil()})
    with pytest.raises(DataError, match=r"anno_evaluation\.pickle: asks for \w+\.mkdir; .*Nothing in it was run"):
        RHDSet(root, "test")
    assert not trap.exists()


def test_a_truncated_or_missing_annotation(root, home):
    path = home / "evaluation" / "anno_evaluation.pickle"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"anno_evaluation\.pickle: cannot be read .*fetch it again"):
        RHDSet(root)
    path.unlink()
    with pytest.raises(DataError, match=r"anno_evaluation\.pickle: cannot be read \(No such file"):
        RHDSet(root)


def test_annotations_of_other_frames(root, home):
    for numbers, message in (((0, 1), "frame 2 has no annotation"), ((0, 1, 2, 5), "frame 5 has no image"),
                             (("0", "1", "2"), "frame 0 has no")):  # fmt: skip
        annotate(home, "evaluation", {number: annotation(0) for number in numbers})
        with pytest.raises(DataError, match=rf"anno_evaluation\.pickle: {message}"):
            RHDSet(root, "test")
    annotate(home, "evaluation", [annotation(0)] * 3)
    with pytest.raises(DataError, match="holds a list; expected a dict"):
        RHDSet(root, "test")


@pytest.mark.parametrize(
    "k",
    [None, np.eye(4), np.zeros((3, 3)), np.full((3, 3), np.nan), np.ones((3, 3)), [[1, 0, 0], [0, 1, 0], [0, 0, 1]]],
)
def test_unusable_cameras(root, home, k):
    good = annotation(0)
    annotate(home, "evaluation", {0: good, 1: {**good, "K": k}, 2: good})
    with pytest.raises(DataError, match=r"anno_evaluation\.pickle: frame 1 has no usable camera"):
        RHDSet(root, "test")
    annotate(home, "evaluation", {0: good, 1: 5, 2: good})
    with pytest.raises(DataError, match="frame 1 has no usable camera"):
        RHDSet(root, "test")


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(DataError, match="absent: no such folder"):
        RHDSet(tmp_path / "absent")
    with pytest.raises(DataError, match="found no training or evaluation in it"):
        RHDSet(tmp_path)
    for kind in ("color", "depth", "mask"):
        (tmp_path / "evaluation" / kind).mkdir(parents=True)
    with pytest.raises(DataError, match="color: holds no frames"):
        RHDSet(tmp_path, "test")


def test_a_file_alone_is_named(root, home):
    (home / "evaluation" / "mask" / "00001.png").unlink()
    with pytest.raises(DataError, match=r"color/00001\.png: there is no .*mask/00001\.png"):
        RHDSet(root, "test")


@pytest.mark.parametrize("value", [34, 255])
def test_unknown_label(root, home, value):
    cv2.imwrite(str(home / "evaluation" / "mask" / "00000.png"), np.full(SIZE, value, np.uint8))
    with pytest.raises(LabelError, match=rf"mask/00000\.png holds label {value}; expected RHD's 0 \(background\), 1"):
        RHDSet(root, "test")[0]


@pytest.mark.parametrize(
    ("kind", "image", "found"),
    [
        ("depth", np.zeros(SIZE, np.uint16), "16-bit 320x320 with 1 channel"),
        ("depth", np.zeros((*SIZE, 3), np.uint16), "16-bit 320x320 with 3 channel"),
        ("mask", np.zeros(SIZE, np.uint16), "16-bit 320x320 with 1 channel"),
        ("mask", np.zeros((160, 160), np.uint8), "160x160 pixels; expected 320x320"),
        ("depth", np.zeros((160, 320, 3), np.uint8), "320x160 pixels; expected 320x320"),
        ("color", np.zeros(SIZE, np.uint8), "8-bit 320x320 with 1 channel"),
    ],
)
def test_images_of_another_kind(root, home, kind, image, found):
    cv2.imwrite(str(home / "evaluation" / kind / "00000.png"), image)
    with pytest.raises(DataError, match=rf"{kind}/00000\.png: found {found}"):
        RHDSet(root, "test")[0]


def test_damaged_image(root, home):
    path = home / "evaluation" / "depth" / "00000.png"
    path.write_bytes(path.read_bytes()[:-15])
    frames = RHDSet(root, "test")
    assert frames[1].id == "rhd/evaluation/00001"
    with pytest.raises(DataError, match=r"depth/00000\.png: the PNG ends too early"):
        frames[0]
