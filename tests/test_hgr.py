"""The loader of HGR images: both layouts, the inverted masks, sizes that differ, and bad input."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from handseg_lib.data.hgr import HGRSet
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError, LabelError

NAMES = {"5_P_hgr1_id02_1": (40, 60), "0_A_hgr2B_id01_1": (50, 30)}


def picture(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A blue picture (as OpenCV writes, blue first) with a skin-coloured box, and the box."""
    image, skin = np.zeros((*size, 3), np.uint8), np.zeros(size, bool)
    image[..., 0], skin[10:20, 5:25] = 200, True
    image[skin] = (120, 160, 220)
    return image, skin


def write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    for name, size in NAMES.items():
        image, skin = picture(size)
        write(tmp_path / f"{name}.jpg", image)
        write(tmp_path / f"{name}.png", np.where(skin, 255, 0).astype(np.uint8))
    return tmp_path


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """HGR1 with a suffix in capitals, HGR2B in its smaller version; masks are BMPs in which skin is black."""
    for (name, size), part, suffix in zip(NAMES.items(), ("hgr1_{}", "hgr2b_{}_small"), (".JPG", ".jpg"), strict=True):
        image, skin = picture(size)
        write(tmp_path / part.format("images") / "original_images" / (name + suffix), image)
        write(tmp_path / part.format("skin") / "skin_masks" / f"{name}.bmp", np.where(skin, 0, 255).astype(np.uint8))
    return tmp_path


def check(data: HGRSet) -> None:
    assert isinstance(data, Sequence) and len(data) == 2
    assert {frame.id: frame.labels.shape for frame in data} == {f"hgr/{name}": size for name, size in NAMES.items()}
    for frame in data:
        assert frame.depth is None and frame.intrinsics is None
        assert ((frame.labels == Label.RIGHT_HAND) == picture(frame.labels.shape)[1]).all()
        assert set(np.unique(frame.labels)) == {0, Label.RIGHT_HAND}
        red, _, blue = frame.rgb[15, 15]
        assert red > blue and frame.rgb[45 if len(frame.rgb) > 45 else 35, 2, 2] > 150


def test_samples(samples):
    check(HGRSet(samples))


def test_official_archives_with_black_skin(official):
    check(HGRSet(official))


def test_slices_and_ends(samples):
    data = HGRSet(samples)
    assert [frame.id for frame in data[:1]] == ["hgr/0_A_hgr2B_id01_1"] and data[-1].id == "hgr/5_P_hgr1_id02_1"
    with pytest.raises(IndexError):
        data[2]


def test_masks_speak_of_skin_only(samples):
    assert HGRSet(samples).label_maps == ("hand_arm",)


def test_fingerprint_follows_the_contents(samples):
    before = HGRSet(samples).fingerprint
    assert HGRSet(samples).fingerprint == before
    write(samples / "5_P_hgr1_id02_1.png", np.zeros((40, 60), np.uint8))
    assert HGRSet(samples).fingerprint != before


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(DataError, match="absent: no such folder"):
        HGRSet(tmp_path / "absent")
    with pytest.raises(DataError, match=r"holds no images; expected <name>\.jpg with <name>\.png"):
        HGRSet(tmp_path)


@pytest.mark.parametrize(("gone", "message"), [(".png", r"\.jpg: has no mask"), (".jpg", r"\.png: has no image")])
def test_a_file_alone_is_named(samples, gone, message):
    (samples / f"5_P_hgr1_id02_1{gone}").unlink()
    with pytest.raises(DataError, match=rf"5_P_hgr1_id02_1{message}"):
        HGRSet(samples)


def test_two_images_of_one_name(samples):
    (samples / "5_P_hgr1_id02_1.JPEG").write_bytes(b"")
    with pytest.raises(DataError, match="has the same stem"):
        HGRSet(samples)


def test_an_archive_that_is_missing(official):
    (official / "hgr1_skin").rename(official / "elsewhere")
    with pytest.raises(DataError, match=r"hgr1_images: its skin masks are missing.*both archives of hgr1"):
        HGRSet(official)
    (official / "hgr1_images" / "original_images").rename(official / "hgr1_images" / "images")
    with pytest.raises(DataError, match=r"hgr1_images: has no folder original_images"):
        HGRSet(official)


@pytest.mark.parametrize("value", [1, 128])
def test_masks_of_other_values(samples, value):
    mask = np.zeros((40, 60), np.uint8)
    mask[0, 0] = value
    write(samples / "5_P_hgr1_id02_1.png", mask)
    with pytest.raises(LabelError, match=rf"5_P_hgr1_id02_1\.png: holds the value {value} .*black and white only"):
        HGRSet(samples)[1]


def test_coloured_mask_and_other_size(samples):
    write(samples / "5_P_hgr1_id02_1.png", picture((40, 60))[0])
    with pytest.raises(LabelError, match="coloured; expected a grey image"):
        HGRSet(samples)[1]
    write(samples / "5_P_hgr1_id02_1.png", np.zeros((40, 61), np.uint8))
    with pytest.raises(DataError, match=r"rgb is \(40, 60\) but its labels are \(40, 61\)"):
        HGRSet(samples)[1]


@pytest.mark.parametrize("cut", [40, 200])
def test_damaged_mask(official, cut):
    path = official / "hgr1_skin" / "skin_masks" / "5_P_hgr1_id02_1.bmp"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match=r"5_P_hgr1_id02_1\.bmp: the BMP ends too early"):
        HGRSet(official)[0]


def test_the_24_photographs(shared_data):
    data = HGRSet(shared_data("hgr"))
    assert len(data) == 24 and len({frame.rgb.shape for frame in data}) > 10
    for frame in data:
        skin = frame.labels > 0
        assert 0.02 < skin.mean() < 0.5
        red, _, blue = frame.rgb[skin].mean(0)
        assert red > blue + 20  # the masks are the right way round
