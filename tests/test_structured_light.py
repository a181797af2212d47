"""What the structured-light cameras share: shadows ray by ray, windows pixel by pixel, fields of the right size."""

import numpy as np
import pytest

from handseg_lib.synth.sensors.structured_light import Fields, bounding_box, shadow, share, thin_shadow


def steps(seed: int) -> np.ndarray:
    """Rows of blocks at a few distances, some empty."""
    return np.repeat(np.random.default_rng(seed).choice([0, 0.45, 0.6, 0.9], (12, 8)), 40, axis=1).astype(np.float32)


def hidden(z: np.ndarray, parallax: float) -> np.ndarray:
    """By definition: a point is dark if a nearer point of its row lies within half a column for the projector."""
    dark = np.zeros(z.shape, bool)
    for y, x in np.argwhere(z > 0):
        others = np.flatnonzero((z[y] > 0) & (z[y] < z[y, x] * 0.97))
        dark[y, x] = (np.abs(others + parallax / z[y, others] - x - parallax / z[y, x]) <= 0.5).any()
    return dark


@pytest.mark.parametrize("baseline", [0.04, -0.075])
def test_thin_shadows_are_those_of_the_definition(baseline):
    """The depth buffer may differ by one column at each end of a shadow, where a point lies between two columns."""
    z = np.full((4, 400), 1.5, np.float32)
    for row, (start, width) in enumerate(((150, 6), (160, 20), (180, 60), (200, 2))):
        z[row, start : start + width] = 0.6
    dark, expected = thin_shadow(z, 580, baseline), hidden(z, 580 * baseline)
    assert (dark != expected).sum(1).max() <= 2
    assert dark.any(axis=1).all()
    assert not dark[z < 1].any()


def test_wide_shadows_are_the_same_either_way():
    z = np.where(np.arange(320) < 160, np.float32(0.5), np.float32(0.9)) * np.ones((12, 1), np.float32)
    assert (thin_shadow(z, 476, 0.04) != shadow(z, 0, 476, 0.04)).sum(1).max() <= 2
    assert shadow(z, 0, 476, 0.04).any()


def test_a_projector_on_the_other_side_is_the_same_in_a_mirror():
    z = steps(3)
    np.testing.assert_array_equal(shadow(z, 0, 476, -0.04), shadow(z[:, ::-1], 0, 476, 0.04)[:, ::-1])
    differ = thin_shadow(z, 476, -0.04) != thin_shadow(z[:, ::-1], 476, 0.04)[:, ::-1]
    assert differ.mean() < 0.01


def test_no_baseline_no_shadow():
    for cast in (lambda z: shadow(z, 0, 476, 0), lambda z: thin_shadow(z, 476, 0)):
        assert not cast(steps(1)).any()


def test_share_counts_the_pixels_of_a_window():
    mask = np.random.default_rng(0).random((20, 30)) < 0.4
    assert share(mask, 5)[10, 12] == pytest.approx(mask[8:13, 10:15].mean())
    between = (mask[8:13, 10:15].sum() / 2 + mask[7:14, 9:16].sum() / 2) / (25 / 2 + 49 / 2)
    assert share(mask, 6)[10, 12] == pytest.approx(between)


def test_bounding_box():
    mask = np.zeros((20, 30), bool)
    assert bounding_box(mask, 2) is None
    mask[5:9, 10:12] = True
    assert bounding_box(mask, 2) == (slice(3, 11), slice(8, 14))
    assert bounding_box(mask, 50)[0].start == 0


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.2])
def test_fields_have_about_zero_mean_and_unit_variance(scale):
    fields = Fields(np.random.default_rng(0), (480, 640), scale)
    for field in (fields.clumps(3), fields.clumps(2.5, elongation=4), fields.streaks(5)):
        assert field.shape == (480, 640)
        assert abs(field.mean()) < 0.15
        assert 0.6 < field.std() < 1.6
