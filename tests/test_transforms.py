"""Depth and labels stay together, are never mixed, and what is random is repeatable."""

import numpy as np
import pytest
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from handseg_lib.data import Label
from handseg_lib.data.transforms import (
    RandomHandFlip,
    RandomHoles,
    RandomNoise,
    RandomView,
    Resample,
    depth_input,
    seeded,
    training_transform,
)

STILL = {"rotation": 0.0, "zoom": (1.0, 1.0), "shift": 0.0, "depth_scale": (1.0, 1.0)}


def frame(size: tuple[int, int] = (48, 64), seed: int = 0) -> tuple[tv_tensors.Image, tv_tensors.Mask]:
    """Random blocks whose depth tells their label: 0.5 m + 0.1 m times the label; a fifth has no reading."""
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(0, 5, (size[0] // 8, size[1] // 8)), np.ones((8, 8), int))
    depth = np.where(rng.random(size) < 0.2, 0, 0.5 + 0.1 * labels)
    return tv_tensors.Image(torch.from_numpy(depth).float()[None]), tv_tensors.Mask(torch.from_numpy(labels).byte())


def test_depth_input_worked_example() -> None:
    x = depth_input(np.array([[0, 0.2, 0.85], [1.5, 2.15, 9]], np.float32))
    assert x.dtype == torch.float32 and x.shape == (2, 2, 3)
    torch.testing.assert_close(x[0], torch.tensor([[0, -1, 0], [1, 2, 2]], dtype=torch.float32))
    assert x[1].tolist() == [[0, 1, 1], [1, 1, 1]]


def test_depth_input_tells_a_missing_reading_from_the_middle_distance() -> None:
    x = depth_input(torch.tensor([[0.0, 0.85]]))
    assert x[0, 0, 0] == x[0, 0, 1] == 0 and x[1].tolist() == [[0, 1]]


def test_depth_input_takes_batches_and_refuses_raw_units() -> None:
    assert depth_input(torch.rand(3, 4, 5)).shape == (3, 2, 4, 5)
    with pytest.raises(TypeError, match=r"float metres, got torch.uint16; multiply"):
        depth_input(np.zeros((2, 2), np.uint16))


def test_resample_takes_the_pixels_of_the_half_pixel_rule() -> None:
    image, mask = frame((8, 8))
    image[0] = torch.arange(64).reshape(8, 8)
    small, small_mask = Resample((4, 2))(image, mask)
    assert small[0].tolist() == [[8 * r + c for c in (2, 6)] for r in (1, 3, 5, 7)]
    assert small_mask.shape == (4, 2) and isinstance(small_mask, tv_tensors.Mask)


def test_a_view_that_does_nothing_is_a_resampling() -> None:
    image, mask = frame()
    for size in ((48, 64), (24, 32), (12, 16), (36, 50), (7, 11), (96, 100)):
        for a, b in zip(RandomView(size, **STILL)(image, mask), Resample(size)(image, mask), strict=True):
            assert torch.equal(a, b) and type(a) is type(b)


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    image, mask = frame((32, 32))
    view = RandomView((32, 32), **STILL | {"rotation": 90.0})
    with seeded(0):
        turn = float(torch.rand(5, dtype=torch.float64)[0])
    view.rotation = 90 / (2 * turn - 1)  # undoes the draw: clockwise by exactly 90 degrees
    with seeded(0):
        turned, turned_mask = view(image, mask)
    assert torch.equal(turned_mask.as_subclass(torch.Tensor), torch.rot90(mask.as_subclass(torch.Tensor), -1))
    assert torch.equal(turned.as_subclass(torch.Tensor)[0], torch.rot90(image.as_subclass(torch.Tensor)[0], -1))


def test_zoom_enlarges_about_the_centre() -> None:
    labels = torch.zeros(64, 64, dtype=torch.uint8)
    labels[24:40, 24:40] = 1
    image = tv_tensors.Image(torch.ones(1, 64, 64))
    _, twice = RandomView((64, 64), **STILL | {"zoom": (2.0, 2.0)})(image, tv_tensors.Mask(labels))
    expected = torch.zeros_like(labels)
    expected[16:48, 16:48] = 1
    assert torch.equal(twice.as_subclass(torch.Tensor), expected)


@pytest.mark.parametrize("scale", [0.8, 1.25])
def test_moving_nearer_keeps_the_size_in_metres(scale: float) -> None:
    """Width in pixels times depth is the width in metres times the focal length."""
    depth = torch.zeros(1, 120, 120)
    depth[0, 40:80, 40:80] = 0.6
    mask = tv_tensors.Mask(torch.zeros(120, 120, dtype=torch.uint8))
    options = STILL | {"depth_scale": (scale, scale)}
    moved, _ = RandomView((120, 120), **options)(tv_tensors.Image(depth), mask)
    assert moved.max() == pytest.approx(0.6 * scale)
    assert float((moved[0, 60] > 0).sum() * moved.max()) == pytest.approx(40 * 0.6, rel=0.03)
    same, _ = RandomView((120, 120), **options, consistent=False)(tv_tensors.Image(depth), mask)
    assert (same[0, 60] > 0).sum() == 40 and same.max() == pytest.approx(0.6 * scale)


def test_shift_moves_and_what_comes_in_is_empty() -> None:
    image, mask = tv_tensors.Image(torch.ones(1, 40, 40)), tv_tensors.Mask(torch.ones(40, 40, dtype=torch.uint8))
    moved = set()
    for seed in range(20):
        with seeded(seed):
            depth, labels = RandomView((40, 40), **STILL | {"shift": 0.25})(image, mask)
        outside = depth[0] == 0
        assert (labels[outside] == 0).all() and (labels[~outside] == 1).all()
        rows, columns = (~outside).any(1), (~outside).any(0)
        assert rows.sum() >= 30 and columns.sum() >= 30  # at most a quarter
        moved.add((int(rows.sum()), int(columns.sum()), bool(rows[0]), bool(columns[0])))
    assert len(moved) > 10


@pytest.mark.parametrize("seed", range(10))
def test_depth_and_labels_stay_together_and_unmixed(seed: int) -> None:
    image, mask = frame(seed=seed)
    scale = 1.07
    view = RandomView((30, 50), rotation=30, zoom=(0.7, 1.4), shift=0.2, depth_scale=(scale, scale))
    with seeded(seed):
        depth, labels = view(image, mask)
    seen = depth[0] > 0
    told = (depth[0] / scale - 0.5) / 0.1
    torch.testing.assert_close(told[seen].as_subclass(torch.Tensor), labels[seen].float().as_subclass(torch.Tensor))
    assert 0.3 < seen.float().mean() < 0.95


def test_flip_mirrors_and_swaps_left_and_right() -> None:
    image, mask = frame((8, 8))
    mask = tv_tensors.Mask(torch.arange(12, dtype=torch.uint8).reshape(3, 4))
    image = tv_tensors.Image(torch.arange(12.0).reshape(1, 3, 4))
    flipped, names = RandomHandFlip(1.0)(image, mask)
    assert flipped[0, 0].tolist() == [3, 2, 1, 0]
    assert names[0].tolist() == [Label.RIGHT_ARM, Label.LEFT_HAND, Label.RIGHT_HAND, Label.BACKGROUND]
    assert names[1].tolist() == [Label.OBJECT_BOTH, Label.OBJECT_LEFT, Label.OBJECT_RIGHT, Label.LEFT_ARM]
    for once, again in zip((image, mask), RandomHandFlip(1.0)(flipped, names), strict=True):
        assert torch.equal(once, again)
    for same, before in zip(RandomHandFlip(0.0)(image, mask), (image, mask), strict=True):
        assert torch.equal(same, before)


def test_flip_happens_about_half_the_time() -> None:
    image, mask = frame()
    with seeded(0):
        flips = sum(not torch.equal(RandomHandFlip()(image, mask)[0], image) for _ in range(200))
    assert 70 < flips < 130


def test_holes_take_readings_away_in_rectangles_and_leave_labels() -> None:
    image, mask = tv_tensors.Image(torch.ones(1, 60, 80)), frame()[1]
    sizes = []
    for seed in range(30):
        with seeded(seed):
            holed, same = RandomHoles(1, 0.2)(image, mask)
        assert same is mask and image.min() == 1
        hole = holed[0] == 0
        sizes.append(int(hole.sum()))
        if sizes[-1]:
            rows, columns = int(hole.any(1).sum()), int(hole.any(0).sum())
            assert rows * columns == sizes[-1] and rows <= 12 and columns <= 16
    assert 0 in sizes and len(set(sizes)) > 8


def test_colour_keeps_its_values_and_gets_no_holes() -> None:
    colour = tv_tensors.Image(torch.randint(0, 256, (3, 40, 40), dtype=torch.uint8))
    with seeded(1):
        moved, _ = RandomView((40, 40), **STILL | {"depth_scale": (0.5, 0.5)}, consistent=False)(colour, frame()[1])
        whole, _ = RandomHoles(9, 0.5)(colour, frame()[1])
    assert torch.equal(moved, colour) and torch.equal(whole, colour)


def test_same_seed_same_result_and_other_seeds_differ() -> None:
    image, mask = frame()
    transform = training_transform((24, 32))
    results = []
    for seed in (5, 5, 6):
        with seeded(seed):
            results.append(transform(image, mask))
    assert all(torch.equal(a, b) for a, b in zip(results[0], results[1], strict=True))
    assert not torch.equal(results[0][0], results[2][0])


def test_the_global_generators_go_on_as_if_nothing_had_happened() -> None:
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002  the generator that must not be touched
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    with seeded(1):
        training_transform((24, 32))(*frame())
    with pytest.raises(KeyError), seeded(2):
        torch.rand(1)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002


def test_seeded_repeats_torchvisions_own_transforms() -> None:
    image, mask = frame()
    crop = v2.RandomCrop((10, 10))
    with seeded(8):
        first = crop(image, mask)
    with seeded(8):
        assert all(torch.equal(a, b) for a, b in zip(first, crop(image, mask), strict=True))


def test_view_refuses_impossible_ranges() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        RandomView((10, 10), zoom=(0, 1))


def test_noise_moves_readings_and_nothing_else():
    depth = torch.full((1, 60, 80), 0.5)
    depth[:, :10] = 0
    mask = tv_tensors.Mask(torch.ones(60, 80, dtype=torch.uint8))
    with seeded(3):
        noisy, same = RandomNoise(0.002)(tv_tensors.Image(depth), mask)
    moved = noisy[:, 10:] - 0.5
    assert (noisy[:, :10] == 0).all() and (same == mask).all()
    assert float(moved.std()) == pytest.approx(0.002, rel=0.1) and abs(float(moved.mean())) < 2e-4
    assert (RandomNoise(0.0)(tv_tensors.Image(depth)) == depth).all()
    with pytest.raises(ValueError, match="not negative"):
        RandomNoise(-1.0)


def test_noise_never_takes_a_reading_away():
    near = tv_tensors.Image(torch.full((1, 50, 50), 0.001))
    with seeded(1):
        assert bool((RandomNoise(1.0)(near) > 0).all())
