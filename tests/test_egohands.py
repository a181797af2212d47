"""The loader of EgoHands frames: both layouts, outlines, the official split, and bad input."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from handseg_lib.data.egohands import HANDS, SPLITS, VIDEOS, EgoHandsSet, fill_outlines
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError, LabelError

SIZE = (36, 64)
BOX = np.array([[11.0, 6], [20, 6], [20, 10], [11, 10]])  # in MATLAB's numbers: columns 11 to 20 of 1.., rows 6 to 10


def write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    for name in ("11", "03"):
        mask = np.zeros(SIZE, np.uint8)
        mask[5:10, 10:20] = 255
        write(tmp_path / f"{name}.png", mask)
        write(tmp_path / f"{name}.jpg", np.full((*SIZE, 3), (40, 80, 160), np.uint8))
    return tmp_path


def metadata(outlines: list[dict[str, np.ndarray]], videos: int = 2, drop: str = "") -> np.ndarray:
    """The struct array `video`: every video has a frame for each entry of `outlines`, numbered 7, 14, ..."""
    fields = [f for f in ("frame_num", "myleft", "myright", "yourleft", "yourright") if f != drop]
    frames = np.zeros((1, len(outlines)), [(f, object) for f in fields])
    for i, hands in enumerate(outlines):
        for f in fields:
            frames[0, i][f] = 7.0 * (i + 1) if f == "frame_num" else hands.get(f, np.zeros((0, 0)))
    video = np.zeros((1, videos), [("video_id", object), ("labelled_frames", object)])
    for v in range(videos):
        video[0, v]["video_id"], video[0, v]["labelled_frames"] = f"CARDS_OFFICE_B_{v:02d}", frames
    return video


def official(root: Path, outlines: list[dict[str, np.ndarray]], videos: int = 2, **options: str) -> Path:
    """The official layout with black images."""
    savemat(root / "metadata.mat", {"video": metadata(outlines, videos, **options)})
    for v in range(videos):
        for i in range(len(outlines)):
            path = root / "_LABELLED_SAMPLES" / f"CARDS_OFFICE_B_{v:02d}" / f"frame_{7 * (i + 1):04d}.jpg"
            write(path, np.zeros((*SIZE, 3), np.uint8))
    return root


def test_samples_are_hands_without_sides(samples):
    data = EgoHandsSet(samples)
    assert isinstance(data, Sequence)
    assert [frame.id for frame in data] == ["egohands/03", "egohands/11"] == [frame.id for frame in data[:]]
    assert data.label_maps == ("hand",)
    expected = np.zeros(SIZE, np.uint8)
    expected[5:10, 10:20] = Label.RIGHT_HAND
    assert (data[0].labels == expected).all() and data[0].depth is None
    assert np.abs(data[0].rgb[0, 0].astype(int) - (160, 80, 40)).max() < 4  # red first
    with pytest.raises(IndexError):
        data[2]


def test_an_outline_holds_the_pixels_whose_centres_it_encloses():
    for left in (9.5, 9.6, 10.4):
        outline = np.array([[left + 1, 5.5 + 1], [20.4 + 1, 6.5], [21.4, 11.4], [left + 1, 11.4]])
        labels = fill_outlines({"myleft": outline}, SIZE)
        expected = np.zeros(SIZE, np.uint8)
        expected[6:11, int(np.ceil(left)) : 21] = Label.LEFT_HAND
        assert (labels == expected).all()


def test_an_outline_matches_a_pixel_loop():
    rng = np.random.default_rng(0)
    for _ in range(5):
        outline = rng.uniform(-5, 60, (6, 2))
        labels = fill_outlines({"yourright": outline}, SIZE)
        for y, x in rng.integers(0, SIZE, (200, 2)):
            px, py, inside = x + 1, y + 1, False
            for (ax, ay), (bx, by) in zip(outline, np.roll(outline, 1, 0), strict=True):
                if (ay > py) != (by > py) and px < (bx - ax) * (py - ay) / (by - ay) + ax:
                    inside = not inside
            assert labels[y, x] == (Label.RIGHT_HAND if inside else 0)


def test_official_frames_tell_left_from_right_and_own_hands_are_in_front(tmp_path):
    outlines = [{"yourright": BOX, "myleft": BOX + np.array([4, 0])}, {}]
    data = EgoHandsSet(official(tmp_path, outlines))
    assert data.label_maps == ("hand", "left_right")
    assert [frame.id for frame in data][:2] == ["egohands/CARDS_OFFICE_B_00/0007", "egohands/CARDS_OFFICE_B_00/0014"]
    first, second = data[:2]
    assert first.labels[7, 11] == Label.RIGHT_HAND and first.labels[7, 16] == first.labels[7, 22] == Label.LEFT_HAND
    assert not second.labels.any()


def test_official_split(tmp_path):
    root = official(tmp_path, [{"myright": BOX}], videos=VIDEOS)
    ids = {split: {frame.image for frame in EgoHandsSet(root, split)._frames} for split in ("train", "val", "test")}
    assert {split: len(found) for split, found in ids.items()} == {"train": 36, "val": 4, "test": 8}
    assert len(set.union(*ids.values())) == VIDEOS == len(EgoHandsSet(root))
    assert {p.parent.name for p in ids["test"]} == {f"CARDS_OFFICE_B_{i:02d}" for i in SPLITS["test"]}
    assert len({EgoHandsSet(root, split).fingerprint for split in ("val", "test", "all")}) == 3


def test_splits_that_do_not_exist(tmp_path, samples):
    with pytest.raises(DataError, match=r"a split 'test' was asked for, but there is no metadata\.mat"):
        EgoHandsSet(samples, "test")
    root = official(tmp_path, [{}])
    with pytest.raises(DataError, match=r"no split 'valid'; choose one of train, test, val, all"):
        EgoHandsSet(root, "valid")
    with pytest.raises(DataError, match=r"found 2 videos; the official split is of 48"):
        EgoHandsSet(root, "test")


def test_every_hand_has_a_side():
    assert {hand: label.name.split("_")[0].lower() for hand, label in HANDS.items()} == {
        hand: hand.removeprefix("my").removeprefix("your") for hand in HANDS
    }


def test_damaged_metadata(tmp_path):
    (tmp_path / "metadata.mat").write_bytes(b"MATLAB 5.0 MAT-file" + b"\0" * 50)
    with pytest.raises(DataError, match=r"metadata\.mat: cannot be read .*Unpack the official download again"):
        EgoHandsSet(tmp_path)
    savemat(tmp_path / "metadata.mat", {"other": 1})
    with pytest.raises(DataError, match=r"cannot be read \(KeyError: 'video'\)"):
        EgoHandsSet(tmp_path)


def test_metadata_of_another_shape(tmp_path):
    with pytest.raises(DataError, match=r"a video is not as expected .*it should have video_id and labelled_frames"):
        EgoHandsSet(official(tmp_path, [{}], drop="yourleft"))
    with pytest.raises(DataError, match=r"B_00, frame 7: the outline of myleft has the shape \(4, 3\); expected"):
        EgoHandsSet(official(tmp_path, [{"myleft": np.ones((4, 3))}]))


def test_missing_image_is_named(tmp_path):
    root = official(tmp_path, [{}])
    (root / "_LABELLED_SAMPLES" / "CARDS_OFFICE_B_00" / "frame_0007.jpg").unlink()
    with pytest.raises(DataError, match=r"frame_0007\.jpg: cannot be read"):
        EgoHandsSet(root)[0]


def test_folders_and_masks_that_cannot_be_used(tmp_path, samples):
    with pytest.raises(DataError, match="absent: no such folder"):
        EgoHandsSet(tmp_path / "absent")
    write(samples / "03.png", np.full(SIZE, 254, np.uint8))
    with pytest.raises(LabelError, match=r"03\.png: holds the value 254 \(100\.0% of the pixels"):
        EgoHandsSet(samples)[0]
    (samples / "03.jpg").unlink()
    with pytest.raises(DataError, match=r"03\.png: has no image"):
        EgoHandsSet(samples)


def test_the_10_frames(shared_data):
    data = EgoHandsSet(shared_data("egohands"))
    assert len(data) == 10
    for frame in data:
        assert frame.rgb.shape == (720, 1280, 3)
        assert 0.01 < (frame.labels == Label.RIGHT_HAND).mean() < 0.12
