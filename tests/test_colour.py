"""Colour images and labels stay together, are averaged and not picked, and what is random is repeatable."""

import numpy as np
import pytest
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as V

from handseg_lib.data import Label
from handseg_lib.data.colour import (
    MEAN,
    STD,
    RandomColour,
    RandomCompression,
    RandomNoise,
    RandomPlace,
    Shrink,
    fitting_size,
    folded,
    photographic,
    rgb_input,
)
from handseg_lib.data.transforms import seeded

STILL = {"rotation": 0.0, "zoom": (1.0, 1.0), "shift": 0.0}


def picture(size: tuple[int, int] = (48, 64), seed: int = 0) -> tuple[tv_tensors.Image, tv_tensors.Mask]:
    """Random blocks whose grey level tells their label: 20 times the label, and 10 more in green."""
    blocks = np.random.default_rng(seed).integers(0, 5, (size[0] // 8, size[1] // 8))
    labels = np.kron(blocks, np.ones((8, 8), int))
    image = np.stack([20 * labels, 20 * labels + 10, 20 * labels])
    return tv_tensors.Image(torch.from_numpy(image).byte()), tv_tensors.Mask(torch.from_numpy(labels).byte())


def test_input_worked_example() -> None:
    image = torch.tensor([0, 255, 51], dtype=torch.uint8).reshape(3, 1, 1)
    expected = [(v - m) / s for v, m, s in zip((0, 1, 0.2), MEAN, STD, strict=True)]
    torch.testing.assert_close(rgb_input(image).flatten(), torch.tensor(expected))
    assert rgb_input(torch.zeros(2, 3, 4, 5, dtype=torch.uint8)).shape == (2, 3, 4, 5)
    with pytest.raises(TypeError, match=r"must be uint8, got torch\.float32"):
        rgb_input(torch.zeros(3, 4, 5))


@pytest.mark.parametrize("full", [(720, 1280), (604, 400), (337, 307), (144, 192), (1, 3000)])
def test_fitting_size_keeps_shape_and_area(full: tuple[int, int]) -> None:
    height, width = fitting_size(full, (144, 192))
    assert height * width == pytest.approx(144 * 192, rel=0.02 if min(full) > 1 else 1)
    if min(full) > 1:
        assert width / height == pytest.approx(full[1] / full[0], rel=0.01)
    assert fitting_size((144, 192), (144, 192)) == (144, 192)


def test_shrinking_averages_colours_and_picks_labels() -> None:
    image = torch.zeros(3, 4, 4, dtype=torch.uint8)
    image[0, :2, :2] = torch.tensor([[10, 20], [30, 40]])
    mask = tv_tensors.Mask(torch.arange(16, dtype=torch.uint8).reshape(4, 4))
    small, labels = Shrink((1, 1))(tv_tensors.Image(image), mask)
    assert small.dtype == torch.uint8 and labels.tolist() == [[10]]
    small, labels = Shrink((2, 2))(tv_tensors.Image(torch.full((3, 4, 4), 77, dtype=torch.uint8)), mask)
    assert (small == 77).all() and labels.tolist() == [[5, 7], [13, 15]]
    same, kept = Shrink((48, 64))(*picture())
    assert torch.equal(same, picture()[0]) and torch.equal(kept, picture()[1])


def test_a_fine_pattern_becomes_its_mean() -> None:
    stripes = torch.zeros(3, 64, 64, dtype=torch.uint8)
    stripes[..., ::2] = 200
    small, _ = Shrink((16, 16))(tv_tensors.Image(stripes), tv_tensors.Mask(stripes[0]))
    assert (small[..., 2:-2].float() - 100).abs().max() < 12
    with seeded(0):
        mask = tv_tensors.Mask(torch.zeros_like(stripes[0]))
        turned, _ = RandomPlace((16, 16), 40, (1.0, 1.0), 0.0)(tv_tensors.Image(stripes), mask)
    assert (turned[:, 4:-4, 4:-4].float() - 100).abs().max() < 40


def test_a_place_that_does_nothing_is_a_shrinking() -> None:
    for size in ((48, 64), (24, 32), (12, 16)):
        for a, b in zip(RandomPlace(size, **STILL)(*picture()), Shrink(size)(*picture()), strict=True):
            assert type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape
            assert (a.float() - b.float()).abs().max() <= 1


@pytest.mark.parametrize("seed", range(8))
def test_colour_and_labels_stay_together(seed: int) -> None:
    image, mask = picture(seed=seed)
    with seeded(seed):
        placed, labels = RandomPlace((48, 64), 30, (1.0, 2.0), 0.2, 1.3)(image, mask)
    told = placed[0].float() / 20
    inner = (told - told.round()).abs() < 0.01  # pixels that mix no blocks
    mirrored = torch.tensor([Label(int(v)).mirrored for v in range(5)])[told.round().long()]
    right = (told.round() == labels) | (mirrored == labels)
    assert inner.float().mean() > 0.3
    assert right[inner].float().mean() > 0.9  # blending blocks can also give another block's colour


def test_beyond_the_edge_is_a_mirror_image_with_sides_exchanged() -> None:
    labels = torch.full((32, 32), int(Label.RIGHT_HAND), dtype=torch.uint8)
    image = torch.arange(32, dtype=torch.uint8).expand(3, 32, 32).contiguous() * 4
    view = RandomPlace((32, 64), **STILL, stretch=1.0)
    view.make_params = lambda inputs: {  # two frames' widths of places from the first column on
        **RandomPlace((32, 64), **STILL).make_params(inputs),
        **dict(zip(("column", "mirrored"), beyond(), strict=True)),
    }
    placed, names = view(tv_tensors.Image(image), tv_tensors.Mask(labels))
    assert torch.equal(placed[..., 32:], placed[..., :32].flip(-1))
    assert (names[:, :32] == Label.RIGHT_HAND).all() and (names[:, 32:] == Label.LEFT_HAND).all()


def beyond() -> tuple[np.ndarray, torch.Tensor]:
    place, mirrored = folded(np.arange(64) + 0.5, 32)
    return np.broadcast_to(place, (32, 64)), torch.from_numpy(np.broadcast_to(mirrored, (32, 64)).copy())


def test_folding_worked_example() -> None:
    place, mirrored = folded(np.array([-11.0, -1.0, 0.0, 4.0, 10.0, 12.0, 21.0]), 10)
    assert place.tolist() == [9, 1, 0, 4, 10, 8, 1]
    assert mirrored.tolist() == [False, True, False, False, True, True, False]


def test_zoom_enlarges_about_the_centre() -> None:
    labels = torch.zeros(64, 64, dtype=torch.uint8)
    labels[24:40, 24:40] = 1
    image = tv_tensors.Image((labels * 200).expand(3, 64, 64).contiguous())
    twice, mask = RandomPlace((64, 64), **STILL | {"zoom": (2.0, 2.0)})(image, tv_tensors.Mask(labels))
    expected = torch.zeros_like(labels)
    expected[16:48, 16:48] = 1
    assert torch.equal(mask.as_subclass(torch.Tensor), expected)
    assert ((twice[0] > 100).byte() == expected).float().mean() > 0.97


def test_impossible_ranges() -> None:
    for options in ({"zoom": (0, 1)}, {"stretch": 0.5}):
        with pytest.raises(ValueError, match="must be positive"):
            RandomPlace((10, 10), **options)


def test_photographic_changes_leave_labels_and_are_repeatable() -> None:
    image, mask = picture()
    changes = v2.Compose(photographic(0.4, 0.4, 0.4, 0.05, 0.1, 1.5, 10, 30))
    images = []
    for seed in (4, 4, 5):
        with seeded(seed):
            changed, same = changes(image, mask)
        assert torch.equal(same, mask) and changed.dtype == torch.uint8 and changed.shape == image.shape
        images.append(changed)
    assert torch.equal(images[0], images[1]) and not torch.equal(images[0], images[2])


def colourful() -> tv_tensors.Image:
    """Every colour of a coarse cube between dark and bright, so that nothing is cut off."""
    levels = torch.arange(80, 180, 10, dtype=torch.uint8)
    return tv_tensors.Image(torch.stack(torch.meshgrid(levels, levels, levels, indexing="ij")).reshape(3, 10, 100))


def with_draws(change: RandomColour, *draws: float) -> torch.Tensor:
    """What a change does to `colourful` for given draws (brightness, contrast, saturation, hue, grey) in [0, 1)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "rand", lambda *_, **__: torch.tensor(draws, dtype=torch.float64))
        return change(colourful()).float()


def test_colour_changes_as_torchvision_defines_them() -> None:
    image, middle = colourful(), 0.5
    bright = with_draws(RandomColour(0.4, 0, 0, 0, 0), 0.9, *[middle] * 4)
    assert (bright - V.adjust_brightness(image, 1.32).float()).abs().max() <= 1
    contrast = with_draws(RandomColour(0, 0.4, 0, 0, 0), middle, 0.1, *[middle] * 3)
    assert (contrast - V.adjust_contrast(image, 0.68).float()).abs().max() <= 2
    pale = with_draws(RandomColour(0, 0, 0.5, 0, 0), middle, middle, 0.0, middle, middle)
    assert (pale - V.adjust_saturation(image, 0.5).float()).abs().max() <= 1
    grey = with_draws(RandomColour(0, 0, 0, 0, 0.6), *[middle] * 5)
    assert (grey - V.rgb_to_grayscale(image, 3).float()).abs().max() <= 1


def test_hue_turns_around_grey() -> None:
    third = with_draws(RandomColour(0, 0, 0, 1 / 3, 0), 0.5, 0.5, 0.5, 1.0, 1.0)  # red becomes green, ...
    assert torch.equal(third, colourful().float()[[2, 0, 1]])
    slight = with_draws(RandomColour(0, 0, 0, 0.03, 0), 0.5, 0.5, 0.5, 0.9, 1.0)
    assert (slight.sum(0) - colourful().float().sum(0)).abs().max() <= 2
    assert 1 < (slight - colourful().float()).abs().mean() < 15


def test_nothing_is_done_by_default() -> None:
    assert photographic() == []


def test_noise_is_as_strong_as_drawn_and_around_zero() -> None:
    grey = tv_tensors.Image(torch.full((3, 100, 100), 128, dtype=torch.uint8))
    noise = RandomNoise(20.0)
    with seeded(1):
        deviation = 20 * float(torch.rand(()))
    with seeded(1):
        noisy = noise(grey)
    difference = noisy.float() - 128
    assert float(difference.std()) == pytest.approx(deviation, rel=0.05)
    assert abs(float(difference.mean())) < 0.3 and deviation > 5


def test_compression_changes_little_and_keeps_the_order_of_colours() -> None:
    image, mask = picture()
    with seeded(0):
        read, same = RandomCompression(60)(image, mask)
    difference = (read.float() - image.float()).abs()
    assert same is mask and 0 < difference.mean() < 6
    assert (read[1].float() - read[0].float()).mean() > 5  # green is 10 brighter
