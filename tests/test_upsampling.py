"""Alignment to the half pixel, and depth-guided upsampling on scenes whose answer is known."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from handseg_lib.upsampling import bilinear_upsample, guided_upsample, sample_index


@pytest.mark.parametrize(
    ("full", "small", "expected"),
    [
        (4, 4, [0, 1, 2, 3]),
        (8, 4, [1, 3, 5, 7]),
        (8, 2, [2, 6]),
        (9, 3, [1, 4, 7]),
        (5, 2, [1, 3]),
        (2, 4, [0, 0, 1, 1]),
    ],
)
def test_sample_index_worked_examples(full: int, small: int, expected: list[int]) -> None:
    assert sample_index(full, small).tolist() == expected


@pytest.mark.parametrize(("full", "small"), [(480, 120), (640, 160), (241, 97), (60, 120)])
def test_sample_index_is_torch_nearest_exact(full: int, small: int) -> None:
    ramp = torch.arange(full, dtype=torch.float64)[None, None]
    assert sample_index(full, small).tolist() == F.interpolate(ramp, small, mode="nearest-exact")[0, 0].tolist()


def test_sample_index_refuses_nothing() -> None:
    with pytest.raises(ValueError, match="0 pixels and 4 cells"):
        sample_index(0, 4)


@pytest.mark.parametrize("size", [(48, 64), (49, 66)])
def test_a_ramp_sampled_and_upsampled_is_the_ramp(size: tuple[int, int]) -> None:
    """A shift of half a pixel would show as a constant difference."""
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in size), indexing="ij")
    ramp = 3 * y - 2 * x + 1
    rows, columns = sample_index(size[0], 12), sample_index(size[1], 16)
    back = bilinear_upsample(ramp[rows][:, columns][None], size)[0]
    inside = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    torch.testing.assert_close(back[inside], ramp[inside])
    assert float(back[0, 0]) == pytest.approx(float(ramp[rows[0], columns[0]]))  # constant beyond the outermost


def test_means_over_cells_come_back_at_the_centres_as_in_torch() -> None:
    scores = torch.randn(2, 3, 5, 7)
    expected = F.interpolate(scores, (20, 35), mode="bilinear", align_corners=False)
    torch.testing.assert_close(bilinear_upsample(scores, (20, 35), sampled=False), expected)


def scene(size: tuple[int, int] = (96, 128)) -> tuple[np.ndarray, np.ndarray]:
    """Depth and labels: before a wall at 1 m, a slanted bar of class 1 at 0.6 m and a disc of class 2 at 0.8 m."""
    y, x = np.mgrid[: size[0], : size[1]]
    labels = np.zeros(size, np.int64)
    labels[np.abs((x - 30) - 0.4 * (y - 40)) < 7] = 1
    labels[(x - 90) ** 2 + (y - 50) ** 2 < 23**2] = 2
    return np.array([1.0, 0.6, 0.8], np.float32)[labels], labels


def shrink(labels: np.ndarray, cells: tuple[int, int]) -> torch.Tensor:
    """What a perfect network would say: one-hot scores (3, h, w) at the sampled pixels."""
    rows, columns = (sample_index(f, s) for f, s in zip(labels.shape, cells, strict=True))
    return F.one_hot(torch.from_numpy(labels[rows][:, columns]), 3).permute(2, 0, 1).float()


@pytest.mark.parametrize("cells", [(24, 32), (25, 30), (96, 128)])
def test_guided_is_exact_where_depth_is_piecewise_constant(cells: tuple[int, int]) -> None:
    depth, labels = scene()
    scores = shrink(labels, cells)
    assert (guided_upsample(scores, depth).argmax(0).numpy() == labels).all()
    if cells != labels.shape:
        assert (bilinear_upsample(scores, labels.shape).argmax(0).numpy() != labels).sum() > 50


def test_guided_matches_a_pixel_loop() -> None:
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.5, 0.6, (9, 8)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.3] = 0
    scores = rng.random((3, 3, 2)).astype(np.float32)
    rows, columns = sample_index(9, 3), sample_index(8, 2)
    expected = np.zeros((3, 9, 8))
    expected[0] = 1
    for y, x in np.argwhere(depth > 0):
        top, bottom = np.zeros(3), 0.0
        for i in range(max(0, y // 3 - 1), min(3, y // 3 + 2)):
            for j in range(2):
                z = depth[rows[i], columns[j]]
                d2 = ((y - rows[i]) / 3) ** 2 + ((x - columns[j]) / 4) ** 2
                fit = 1e-15 if z == 0 else 1 / (1 + ((z - depth[y, x]) / 0.02) ** 2) ** 2
                w = np.exp(-d2 / (2 * 0.6**2)) * fit
                top, bottom = top + w * scores[:, i, j], bottom + w
        expected[:, y, x] = top / bottom
    np.testing.assert_allclose(guided_upsample(scores, depth).numpy(), expected, rtol=2e-4, atol=1e-6)


def test_pixels_without_a_reading_are_background_and_lend_nothing() -> None:
    depth, labels = scene()
    holes = np.random.default_rng(0).random(depth.shape) < 0.3
    depth[holes] = 0
    seen = np.where(holes, 0, labels)  # a network trained on measured labels calls holes background
    out = guided_upsample(shrink(seen, (24, 32)), depth)
    assert (out[0, holes] == 1).all() and (out[1:, holes] == 0).all()
    wrong = (out.argmax(0).numpy() != labels) & ~holes
    assert wrong.sum() < 0.01 * (labels > 0).sum()


def test_scores_stay_a_distribution_and_batches_equal_single_frames() -> None:
    depth, _ = scene()
    depths = np.stack([depth, np.roll(depth, 9, 1)])
    scores = torch.rand(2, 4, 24, 32).softmax(1)
    out = guided_upsample(scores, depths)
    assert out.shape == (2, 4, 96, 128)
    torch.testing.assert_close(out.sum(1), torch.ones(2, 96, 128))
    for i in range(2):
        torch.testing.assert_close(out[i], guided_upsample(scores[i], depths[i]))


def test_an_empty_frame_is_background() -> None:
    out = guided_upsample(torch.rand(2, 3, 4), np.zeros((12, 16), np.float32))
    assert (out[0] == 1).all() and (out[1] == 0).all()


def test_refuses_shapes_that_do_not_belong_together() -> None:
    with pytest.raises(ValueError, match=r"got \(3, 4, 4\) and \(2, 8, 8\)"):
        guided_upsample(torch.rand(3, 4, 4), torch.rand(2, 8, 8))
    with pytest.raises(ValueError, match=r"got \(4, 4\) and \(8,\)"):
        guided_upsample(torch.rand(4, 4), torch.rand(8))
