"""Annotation of hands and objects: Eq. 1 against a slow reference, each step on made-up frames, bad input."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from handseg_lib.annotate.hands_objects import (
    DEFAULT,
    HAND,
    LINEAR,
    OBJECT,
    STEPS,
    HandObject,
    annotate,
    contour_filter,
    contours_filtered,
    morphology,
    segments,
    skin_thresholds,
    touching,
)
from handseg_lib.data.cropping import within
from handseg_lib.errors import DataError

SKIN, BLUE = (200, 150, 120), (40, 80, 200)


def blobs(seed: int, size: tuple[int, int] = (40, 56)) -> np.ndarray:
    """A mask of irregular segments, some at the border."""
    noise = np.random.default_rng(seed).random(size).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 2.0) > 0.51


def slow_segments(mask: np.ndarray) -> list[tuple[set, int]]:
    """Pixels and number of boundary pixels of every segment, by walking from pixel to pixel."""
    left = set(map(tuple, np.argwhere(mask)))
    found = []
    while left:
        waiting, segment = [left.pop()], set()
        while waiting:
            y, x = waiting.pop()
            segment.add((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            waiting += near
        sides = ((0, 1), (0, -1), (1, 0), (-1, 0))
        found.append((segment, sum(any((y + a, x + b) not in segment for a, b in sides) for y, x in segment)))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_equation_one_matches_a_walk_over_the_pixels(seed):
    mask = blobs(seed)
    slow, theta, phi = slow_segments(mask), 12, 18.0
    expected = np.zeros_like(mask)
    for segment, perimeter in slow:
        if len(segment) > theta and perimeter**2 / len(segment) < phi:
            expected[tuple(np.array(list(segment)).T)] = True
    assert 0 < expected.sum() < mask.sum()
    np.testing.assert_array_equal(contour_filter(mask, theta, phi), expected)
    found = segments(mask)
    assert sorted(zip(found.area, found.perimeter, strict=True)) == sorted((len(s), p) for s, p in slow)


def test_both_limits_are_strict_and_a_wide_filter_changes_nothing():
    mask = np.zeros((20, 30), bool)
    mask[5:9, 5:15] = True  # 40 pixels, 24 of them boundary: 14.4
    assert segments(mask).shape[0] == pytest.approx(24**2 / 40)
    assert not contour_filter(mask, 40, 99).any() and contour_filter(mask, 39, 99).any()
    assert not contour_filter(mask, 0, 14.4).any() and contour_filter(mask, 0, 14.41).any()
    for seed in range(3):
        np.testing.assert_array_equal(contour_filter(blobs(seed), 0, np.inf), blobs(seed))
    assert not contour_filter(np.zeros((5, 5), bool), 0, np.inf).any()


def test_a_band_is_long_for_its_area_and_a_disc_is_not():
    disc, band = np.zeros((100, 100), np.uint8), np.zeros((100, 100), bool)
    cv2.circle(disc, (50, 50), 30, 1, -1)
    band[50:53, 5:95] = True
    assert segments(disc > 0).shape[0] < 4 * np.pi < 100 < segments(band).shape[0] < 4 * 90 / 3 * 1.2


def finger_with_band() -> tuple[np.ndarray, np.ndarray]:
    """A hand with a thin band of object on top of a finger, an object, and a stray far from both."""
    hand, thing = np.zeros((80, 120), bool), np.zeros((80, 120), bool)
    hand[20:60, 10:50] = True
    thing[17:20, 10:50] = True  # 120 pixels on top
    thing[20:60, 70:110] = True
    thing[70:74, 5:9] = True
    return hand, thing


def test_the_band_goes_where_it_is_told():
    hand, thing = finger_with_band()
    settings = replace(DEFAULT, theta=200, phi=300)
    band = np.zeros_like(hand)
    band[17:20, 10:50] = True
    results = {
        how: contours_filtered(hand, thing, replace(settings, removed=how)) for how in ("drop", "other", "touching")
    }
    for how, (new_hand, new_thing) in results.items():
        assert not (new_hand & new_thing).any()
        assert new_thing.sum() == 1600 and new_hand[band].all() == (how != "drop")
        assert new_hand[72, 7] == (how == "other")
    np.testing.assert_array_equal(results["drop"][0], hand)
    np.testing.assert_array_equal(results["touching"][0], hand | band)


def test_a_small_part_of_the_hand_goes_to_the_object_it_touches():
    hand, thing = finger_with_band()
    hand[30:35, 80:85], thing[30:35, 80:85] = True, False
    new_hand, new_thing = contours_filtered(hand, thing)
    assert new_thing[30:35, 80:85].all() and not new_hand[30:35, 80:85].any()


def test_touching_counts_corners_and_only_whole_segments():
    mask, other = np.zeros((12, 12), bool), np.zeros((12, 12), bool)
    mask[1:4, 1:4] = mask[8:10, 8:10] = True
    other[4, 4] = True
    np.testing.assert_array_equal(touching(mask, other), mask & (np.arange(12)[:, None] < 5))
    assert not touching(mask, np.zeros_like(mask)).any()


@pytest.mark.parametrize("seed", range(3))
def test_morphology_keeps_masks_apart_and_can_be_switched_off(seed):
    inside, skin = blobs(seed, (90, 120)), blobs(seed + 50, (90, 120))
    hand, thing = morphology(skin & inside, inside & ~skin)
    assert not (hand & thing).any()
    assert ((hand | thing) & inside).sum() > 0.5 * inside.sum()
    one = replace(DEFAULT, hand_opening=1, object_opening=1, closing=1)
    same = morphology(skin & inside, inside & ~skin, one)
    np.testing.assert_array_equal(same[0], skin & inside)
    np.testing.assert_array_equal(same[1], inside & ~skin)


def scene(slip: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour, depth and classes: a fist at 0.4 m, an object at 0.45 m, a blue wall at 0.8 m; colour slipped down."""
    truth = np.zeros((480, 640), np.uint8)
    cv2.rectangle(truth, (150, 200), (290, 330), OBJECT, -1)
    cv2.circle(truth, (390, 260), 70, HAND, -1)
    depth = np.select([truth == HAND, truth == OBJECT], [0.4, 0.45], 0.8).astype(np.float32)
    rgb = np.array([(60, 110, 90), SKIN, BLUE], np.uint8)[truth]
    return np.roll(rgb, slip, axis=0), depth, truth


def test_a_clean_frame_is_labelled_but_for_a_pixel_at_corners():
    rgb, depth, truth = scene()
    found = annotate(rgb, depth)
    assert (found.labels != truth).sum() < 30
    assert set(found.images()) == set(STEPS)
    np.testing.assert_array_equal(found.images()["contours"], found.labels)
    np.testing.assert_array_equal(found.depth > 0, truth > 0)
    np.testing.assert_array_equal(found.labelled_depth > 0, found.labels > 0)


def test_equation_one_removes_the_band_that_misalignment_leaves():
    rgb, depth, truth = scene(slip=5)
    top = (truth == HAND) & (np.arange(480)[:, None] < 260)
    settings = (replace(DEFAULT, filtered=False), replace(DEFAULT, phi=60))
    without, with_it = (annotate(rgb, depth, settings=one).labels for one in settings)
    assert (without[top] == OBJECT).sum() > 200  # long and thin: it has more pixels than theta, and phi removes it
    assert (with_it[top] == OBJECT).sum() == 0 and (with_it[top] == HAND).mean() > 0.97


def test_pinholes_do_not_make_a_band_of_a_hand():
    rgb, depth, truth = scene()
    depth[np.random.default_rng(0).random(depth.shape) < 0.03] = 0
    found = annotate(rgb, depth)
    counted = (depth > 0) & (truth > 0)
    assert (found.labels[counted] == truth[counted]).mean() > 0.99
    assert not found.labels[depth == 0].any()


def test_what_has_no_colour_or_lies_far_behind_is_not_annotated():
    rgb, depth, truth = scene()
    rgb[:, :200] = 0
    depth[300:, :] = 0
    found = annotate(rgb, depth, settings=replace(DEFAULT, metres=0.02))
    assert not found.labels[:, :200].any() and not found.labels[300:].any()
    assert not found.labels[truth == OBJECT].any() and (found.labels == HAND).any()
    empty = annotate(rgb, np.zeros_like(depth))
    assert not empty.labels.any() and not empty.depth.any()


def test_near_is_what_the_sets_of_the_networks_call_near():
    rng = np.random.default_rng(3)
    depth = (rng.integers(2000, 8000, (480, 640)) * np.float32(0.000125)).astype(np.float32)
    rgb = np.full((480, 640, 3), 90, np.uint8)
    np.testing.assert_array_equal(annotate(rgb, depth).depth, within(depth))


def test_thresholds_hold_most_of_what_was_marked_and_no_more_than_asked():
    rng = np.random.default_rng(0)
    pixels = np.clip(np.array(SKIN) * rng.uniform(0.6, 1.1, (5000, 1)) + rng.normal(0, 3, (5000, 3)), 1, 255)
    exact = skin_thresholds(pixels.astype(np.uint8), trim=0, margin=(0, 0, 0))
    usual = skin_thresholds(pixels.astype(np.uint8), trim=0.02, margin=(0, 0, 0))
    wide = skin_thresholds(pixels.astype(np.uint8), trim=0.02, margin=(1, 10, 30))
    assert exact.high[2] == usual.high[2] == 255
    assert exact.hue_width >= usual.hue_width == wide.hue_width - 2
    assert usual.low[1] - wide.low[1] == 10 and usual.low[2] - wide.low[2] == 30
    red = np.array([[200, 90, 100], [200, 100, 90]], np.uint8)  # hues on both sides of 0
    assert skin_thresholds(red, 0, (0, 0, 0)).hue_width < 12


def test_bad_input_is_refused_by_name():
    rgb, depth, _ = scene()
    with pytest.raises(DataError, match=r"rgb to annotate is uint8 \(479, 640, 3\)"):
        annotate(rgb[1:], depth)
    with pytest.raises(DataError, match="depth to annotate"):
        annotate(rgb, (depth * 1000).astype(np.float32))
    for wrong in ({"hand_opening": 4}, {"closing": 0}, {"metres": 0}, {"theta": -1}, {"phi": 0}):
        with pytest.raises(DataError, match="expected odd diameters"):
            HandObject(**wrong)
    with pytest.raises(DataError, match="removed='void'; expected one of drop, other, touching"):
        HandObject(removed="void")
    for pixels in (np.zeros((0, 3), np.uint8), np.zeros((4, 3)), np.zeros((4, 4, 3), np.uint8)):
        with pytest.raises(DataError, match="Mark skin"):
            skin_thresholds(pixels)
    assert LINEAR.low[0] > LINEAR.high[0]  # through red
