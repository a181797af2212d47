"""The steps of HandSeg's automatic annotation: each against a slow, obvious version, then all on drawn scenes."""

import cv2
import numpy as np
import pytest

from handseg_lib.annotate.gloves import (
    PAPER,
    STEPS,
    Annotation,
    annotate,
    annotate_glove,
    combined,
    disc,
    filled,
    hull,
    joined,
    median_depth,
    near_depth,
    opening,
    threshold,
)
from handseg_lib.annotate.thresholds import GloveThresholds, to_hsv
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError

GREEN, ORANGE = (20, 200, 60), (240, 150, 20)
GLOVES = {
    "left": GloveThresholds((60, 150, 60), (76, 255, 255)),
    "right": GloveThresholds((10, 150, 60), (24, 255, 255)),
}
SIZE = (240, 320)


def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A grey body at 0.9 m; a green hand of palm and a finger 10 px away at 0.5 m, an orange one at 0.6 m; truth."""
    rgb, depth = np.full((*SIZE, 3), 128, np.uint8), np.full(SIZE, 0.9, np.float32)
    truth = np.zeros(SIZE, np.uint8)
    truth[100:160, 40:100] = truth[120:132, 110:140] = Label.LEFT_HAND
    truth[60:120, 200:260] = Label.RIGHT_HAND
    truth[~(opening(truth == Label.LEFT_HAND) | opening(truth == Label.RIGHT_HAND))] = 0  # a disc fits everywhere
    for label, colour, z in ((Label.LEFT_HAND, GREEN, 0.5), (Label.RIGHT_HAND, ORANGE, 0.6)):
        rgb[truth == label], depth[truth == label] = colour, z
    return rgb, depth, truth


def test_the_papers_numbers():
    assert (PAPER.opening, PAPER.joining) == (5, 25)
    assert Annotation() == PAPER


def test_disc_of_five_is_a_square_without_corners():
    expected = np.ones((5, 5), np.uint8)
    expected[[0, 0, 4, 4], [0, 4, 0, 4]] = 0
    np.testing.assert_array_equal(disc(5), expected)
    assert disc(1).sum() == 1


@pytest.mark.parametrize("low_hue", [60, 170])
def test_threshold_matches_a_pixel_loop(low_hue):
    rng = np.random.default_rng(low_hue)
    hsv = np.stack([rng.integers(0, top, (40, 50)) for top in (180, 256, 256)], axis=2).astype(np.uint8)
    hsv[:5, :5, 2] = 0
    limits = GloveThresholds((low_hue, 40, 0), ((low_hue + 25) % 180, 220, 200))
    expected = np.zeros((40, 50), bool)
    for at in np.ndindex(40, 50):
        h, s, v = map(int, hsv[at])
        expected[at] = (h - low_hue) % 180 <= 25 and 40 <= s <= 220 and 1 <= v <= 200
    assert expected.sum() > 50
    np.testing.assert_array_equal(threshold(hsv, limits), expected)


def test_opening_is_the_union_of_discs_that_fit():
    mask = np.random.default_rng(2).random((30, 40)) < 0.9
    shape, expected = disc(5).astype(bool), np.zeros((30, 40), bool)
    for y in range(2, 28):
        for x in range(2, 38):
            if mask[y - 2 : y + 3, x - 2 : x + 3][shape].all():
                expected[y - 2 : y + 3, x - 2 : x + 3] |= shape
    found = opening(mask)
    inner = np.s_[5:-5, 5:-5]  # beyond the border OpenCV takes the mask to go on
    assert 0 < expected.sum() < mask.sum()
    np.testing.assert_array_equal(found[inner], expected[inner])


@pytest.mark.parametrize(("gap", "together"), [(24, True), (25, False), (30, False)])
def test_components_closer_than_25_pixels_join(gap, together):
    mask = np.zeros((80, 200), bool)
    mask[20:60, 20:60] = True
    mask[30:40, 59 + gap : 59 + gap + 10] = True  # centres of the nearest pixels are `gap` apart
    both = filled(joined(mask), mask.shape)
    assert (both.sum() == mask.sum()) == together
    assert both[20:60, 20:60].all()


def test_joining_is_chained_diagonal_and_keeps_the_largest_group():
    mask = np.zeros((200, 300), bool)
    mask[10:40, 10:40] = True  # 900 pixels, alone
    for k in range(6):  # 6 x 256 pixels, each diagonally 14 * sqrt(2) < 25 from the next
        mask[60 + 20 * k : 76 + 20 * k - 8, 100 + 30 * k : 132 + 30 * k] = True
    kept = filled(joined(mask), mask.shape)
    np.testing.assert_array_equal(kept[:, 100:], mask[:, 100:])
    assert not kept[:50, :50].any()
    assert joined(mask, smallest=5000) == [] and joined(np.zeros((9, 9), bool)) == []


def test_joining_matches_all_pairs_of_pixels():
    rng = np.random.default_rng(5)
    for _ in range(12):
        mask = np.zeros((120, 160), bool)
        for _ in range(7):
            y, x = rng.integers(0, 100), rng.integers(0, 140)
            mask[y : y + rng.integers(3, 18), x : x + rng.integers(3, 18)] = True
        count, ids = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
        points = [np.argwhere(ids == i) for i in range(1, count)]
        group = list(range(count - 1))
        for a in range(count - 1):
            for b in range(a):
                near = ((points[a][:, None] - points[b][None]) ** 2).sum(2).min() < 25**2
                if near and group[a] != group[b]:
                    group = [group[b] if g == group[a] else g for g in group]
        sizes = {g: sum(len(p) for p, of in zip(points, group, strict=True) if of == g) for g in group}
        best = max(sizes.values())
        kept = filled(joined(mask), mask.shape) & mask
        assert abs(int(kept.sum()) - best) <= 0.02 * best  # areas are told from outlines


def test_hull_is_convex_and_matches_a_half_plane_test():
    outlines = [np.array([[10, 10], [60, 20], [30, 70], [32, 30]], np.int32)]
    found = hull(outlines, (90, 80))
    y, x = np.mgrid[:90, :80]
    corners = np.array([[10, 10], [60, 20], [30, 70]])
    inside = np.ones((90, 80), bool)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        inside &= (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) >= 0
    assert (inside & ~found).sum() == 0 and (found & ~inside).sum() < 120  # the outline itself is drawn
    assert not hull([], (9, 9)).any()


def test_depth_steps_ignore_missing_readings():
    depth = np.array([[0, 0, 0.5, 0.52], [0.54, 0.9, 0, 0.45]], np.float32)
    mask = np.ones((2, 4), bool)
    assert median_depth(depth, mask) == pytest.approx(0.52)
    np.testing.assert_array_equal(near_depth(depth, mask, 0.52, 0.06), [[0, 0, 1, 1], [1, 0, 0, 0]])
    assert np.isnan(median_depth(depth, depth == 0)) and not near_depth(depth, mask, float("nan")).any()


def test_a_drawn_scene_is_labelled_exactly():
    rgb, depth, truth = scene()
    found = annotate(rgb, depth, GLOVES)
    np.testing.assert_array_equal(found.labels, truth)
    left = found.steps["left"]
    assert left.median_depth == pytest.approx(0.5)
    assert (left.hull & (truth == 0)).any()  # the hull goes over the gap, the depth takes it out again
    assert tuple(left.images()) == STEPS
    for before, after in (("opened", "color"), ("joined", "opened"), ("joined", "hull"), ("hand", "hull")):
        one, other = left.images()[before], left.images()[after]
        assert one.dtype == bool and not (one & ~other).any()


def test_speckles_and_far_glove_colours_do_no_harm():
    rgb, depth, truth = scene()
    rng = np.random.default_rng(0)
    for y, x in zip(rng.integers(0, 240, 60), rng.integers(0, 320, 60), strict=True):
        rgb[y : y + 2, x : x + 2] = GREEN
    rgb[:12, 300:] = GREEN
    speckled = annotate(rgb, depth, GLOVES)
    assert (speckled.labels != truth).mean() < 1e-3


def test_a_glove_out_of_view_gives_nothing():
    rgb, depth, truth = scene()
    rgb[truth == Label.RIGHT_HAND] = 128
    found = annotate(rgb, depth, GLOVES)
    assert set(np.unique(found.labels)) == {0, Label.LEFT_HAND}
    gone = found.steps["right"]
    assert np.isnan(gone.median_depth) and not gone.hull.any() and not gone.hand.any()
    small = scene()[0] * 0
    assert not annotate(small, np.zeros(SIZE, np.float32), GLOVES).labels.any()


def test_a_hand_with_no_reading_at_all_gives_nothing():
    rgb, depth, _ = scene()
    depth[:] = 0
    found = annotate(rgb, depth, GLOVES)
    assert not found.labels.any() and found.steps["left"].hull.any()


def test_a_pixel_both_claim_goes_by_colour_then_by_depth():
    rgb, depth, _ = scene()
    truth = np.zeros(SIZE, np.uint8)
    truth[80:160, 60:140] = Label.LEFT_HAND
    truth[opening(truth == Label.LEFT_HAND) != (truth > 0)] = 0
    inner = np.zeros(SIZE, bool)
    inner[100:140, 90:110] = True
    truth[opening(inner)] = Label.RIGHT_HAND
    rgb[:], depth[:] = 128, 0.9
    rgb[truth == 1], rgb[truth == 2], depth[truth > 0] = GREEN, ORANGE, 0.55
    depth[truth == 2] = 0.5
    rgb[118:122, 98:102] = 128  # colour lost: depth says whose it is
    found = annotate(rgb, depth, GLOVES)
    np.testing.assert_array_equal(found.labels, truth)
    assert (found.steps["left"].hand & found.steps["right"].hand).sum() > 500
    np.testing.assert_array_equal(combined(found.steps, depth), found.labels)


def test_one_glove_alone_is_the_same_as_its_share_of_two():
    rgb, depth, truth = scene()
    alone = annotate(rgb, depth, {"right": GLOVES["right"]})
    np.testing.assert_array_equal(alone.labels == 2, truth == 2)
    steps = annotate_glove(to_hsv(rgb), depth, GLOVES["right"])
    np.testing.assert_array_equal(steps.hand, alone.steps["right"].hand)


def test_input_is_left_alone():
    rgb, depth, _ = scene()
    copies = rgb.copy(), depth.copy()
    annotate(rgb, depth, GLOVES)
    np.testing.assert_array_equal(rgb, copies[0])
    np.testing.assert_array_equal(depth, copies[1])


def test_bad_input_is_refused():
    rgb, depth, _ = scene()
    with pytest.raises(DataError, match="Align the colour"):
        annotate(rgb[:100], depth, GLOVES)
    with pytest.raises(DataError, match="float32"):
        annotate(rgb, (depth * 1000).astype(np.uint16), GLOVES)
    with pytest.raises(DataError, match="spans"):
        annotate(rgb, depth * 1000, GLOVES)
    with pytest.raises(DataError, match="middle"):
        annotate(rgb, depth, {"middle": GLOVES["left"]})
    with pytest.raises(DataError, match="opening 5"):
        Annotation(opening=4)
    with pytest.raises(DataError, match="radius"):
        Annotation(radius=0)
