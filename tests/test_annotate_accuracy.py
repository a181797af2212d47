"""Accuracy of annotation: counts by hand, sums over frames, distances, and one rendered frame end to end."""

import numpy as np
import pytest

from handseg_lib.annotate.accuracy import (
    ALL_STEPS,
    CAUSES,
    StepAccuracy,
    by_bins,
    error_pixels,
    frame_counts,
    frame_iou,
    gap,
    mean_iou_of_sides,
)
from handseg_lib.annotate.gloves import AnnotatedFrame, GloveSteps, annotate
from handseg_lib.annotate.sessions import aligned_color, calibrated
from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError, LabelError
from handseg_lib.synth.scenes.glove_session import glove_session
from handseg_lib.synth.world import render

SHAPE = (20, 30)


def box(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[rows, columns] = True
    return mask


def annotated(hand: np.ndarray) -> AnnotatedFrame:
    """A left glove whose colour is a column wider than the hand."""
    wide = hand | np.roll(hand, 1, axis=1)
    steps = GloveSteps(wide, wide, wide, wide, 0.5, hand)
    return AnnotatedFrame(np.where(hand, 1, 0).astype(np.uint8), {"left": steps})


TRUE = np.where(box(slice(5, 15), slice(5, 15)), 1, 0).astype(np.uint8)
DEPTH = np.full(SHAPE, 0.5, np.float32)


def test_iou_by_hand():
    found = frame_iou(annotated(box(slice(5, 15), slice(5, 15))), TRUE)
    assert tuple(found) == ALL_STEPS
    assert found["hand"]["left"] == found["combined"]["left"] == 1 and found["color"]["left"] == pytest.approx(10 / 11)
    half = frame_iou(annotated(box(slice(5, 10), slice(5, 15))), TRUE)
    assert half["combined"]["left"] == 0.5
    counted = box(slice(5, 10), slice(0, 30))
    assert frame_iou(annotated(box(slice(5, 10), slice(5, 15))), TRUE, counted)["combined"]["left"] == 1
    nothing = frame_iou(annotated(np.zeros(SHAPE, bool)), TRUE * 0)
    assert np.isnan(nothing["combined"]["left"])


def test_frames_are_summed_before_dividing_and_kept_apart_by_group():
    total = StepAccuracy()
    good, half = annotated(box(slice(5, 15), slice(5, 15))), annotated(box(slice(5, 10), slice(5, 15)))
    total.update(good, TRUE, DEPTH, 3).update(half, TRUE, DEPTH, 3).update(half, TRUE, DEPTH, 12)
    assert total.groups == ("3", "12")
    assert total.iou("combined", 3) == pytest.approx(150 / 200) and total.iou("combined", 12) == 0.5
    assert total.iou("combined") == pytest.approx(200 / 300)
    matrix = total.matrix("combined", "left", 12)
    np.testing.assert_array_equal(matrix.counts, [[500, 0], [50, 50]])
    rows = total.rows()
    assert [(row["group"], row["frames"]) for row in rows] == [("3", 2), ("12", 1), ("all", 3)]
    assert rows[-1]["combined"] == total.iou("combined")
    assert len(StepAccuracy().update(good, TRUE, DEPTH).rows()) == 1


def test_missing_readings_count_or_not():
    depth = DEPTH.copy()
    depth[10:] = 0
    half = annotated(box(slice(5, 10), slice(5, 15)))
    assert StepAccuracy().update(half, TRUE, depth).iou("hand") == 1
    assert StepAccuracy(readings_only=False).update(half, TRUE, depth).iou("hand") == 0.5


def test_gap_is_the_distance_to_what_is_behind_or_beside():
    camera = Intrinsics(100, 100, 15, 10, 30, 20)
    depth, labels = np.full(SHAPE, 0.8, np.float32), TRUE.copy()
    depth[labels == 1] = 0.5
    near = gap(depth, labels, camera, "left")
    assert 0.29 < near < 0.33
    labels[:, 25:], depth[:, 25:] = Label.RIGHT_HAND, 0.5
    assert gap(depth, labels, camera, "left", {Label.RIGHT_HAND}) == pytest.approx(0.055, abs=0.006)
    labels[TRUE == 0] = Label.LEFT_ARM
    assert np.isnan(gap(depth, labels, camera, "left")) and np.isnan(gap(depth, labels, camera, "right", []))
    with pytest.raises(DataError, match="'up'"):
        gap(depth, labels, camera, "up")


def test_bins():
    table = by_bins({"a": 0.5, "b": 0.7, "c": 0.9, "d": float("nan")}, {"a": 0.1, "b": 0.19, "c": 0.2, "d": 0.1},
                    [0, 0.2, 0.4, 0.6])  # fmt: skip
    assert [row["count"] for row in table] == [2, 1, 0]
    assert table[0]["mean"] == pytest.approx(0.6) and table[1]["mean"] == 0.9 and np.isnan(table[2]["mean"])
    with pytest.raises(DataError, match="increasing"):
        by_bins({}, {}, [0.2, 0.1])


def test_the_interval_of_a_bin_holds_its_mean_and_shrinks_with_more_values():
    rng = np.random.default_rng(0)
    widths = []
    for count in (10, 1000):
        values = dict(enumerate(rng.normal(0.8, 0.1, count)))
        [row] = by_bins(values, dict.fromkeys(values, 0.5), [0, 1])
        assert row["mean_low"] < row["mean"] < row["mean_high"]
        widths.append(row["mean_high"] - row["mean_low"])
    assert widths[1] == pytest.approx(2 * 1.96 * 0.1 / np.sqrt(1000), rel=0.15) and widths[1] < widths[0] / 5
    [single] = by_bins({"a": 0.5}, {"a": 0}, [-1, 1])
    assert np.isnan(single["mean_low"]) and np.isnan(single["mean_high"])


def test_counts_become_the_mean_iou():
    half = annotated(box(slice(5, 10), slice(5, 15)))
    assert frame_counts(half, TRUE)["combined"]["left"] == (50, 0, 50)
    both = np.array([[50, 0, 50], [30, 10, 0]], float)  # 0.5 and 0.75
    assert mean_iou_of_sides(both.ravel()) == pytest.approx(0.625)
    assert mean_iou_of_sides(np.array([50, 0, 50, 0, 0, 0.0])) == 0.5  # no right hand
    assert np.isnan(mean_iou_of_sides(np.zeros(6)))
    stacked = mean_iou_of_sides(np.stack([both.ravel(), 2 * both.ravel()]))
    np.testing.assert_allclose(stacked, 0.625)


def test_every_wrong_pixel_has_one_cause():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 5, SHAPE).astype(np.uint8)
    gloves = rng.integers(0, 3, SHAPE).astype(np.uint8)
    labels = rng.integers(0, 3, SHAPE).astype(np.uint8)
    depth = (0.5 * rng.integers(0, 2, SHAPE)).astype(np.float32)
    seen = rng.integers(0, 2, SHAPE).astype(bool)
    nothing = np.zeros(SHAPE, bool)
    steps = GloveSteps(nothing, nothing, nothing, nothing, 0.5, nothing)
    table = error_pixels(AnnotatedFrame(labels, {"left": steps, "right": steps}), truth, gloves, depth, seen)
    for side, label in (("left", 1), ("right", 2)):
        assert tuple(table[side]) == CAUSES
        wrong = ((labels == label) != (truth == label)) & (depth > 0)
        np.testing.assert_array_equal(sum(mask.astype(int) for mask in table[side].values()), wrong)


def test_causes_by_hand():
    truth = TRUE.copy()
    truth[15:18, 5:15] = Label.LEFT_ARM
    gloves, seen = np.where(truth > 0, 1, 0).astype(np.uint8), np.ones(SHAPE, bool)
    gloves[17] = 0
    seen[5] = False
    hand = (truth > 0) & seen
    hand[6, 5:9] = False
    found = error_pixels(annotated(hand), truth, gloves, DEPTH, seen)["left"]
    assert [int(found[cause].sum()) for cause in CAUSES] == [10, 20, 10, 0, 0, 4]


def test_bad_input_is_refused():
    with pytest.raises(LabelError, match="one size"):
        frame_iou(annotated(np.zeros(SHAPE, bool)), TRUE[:5])
    with pytest.raises(DataError, match="groups: none yet"):
        StepAccuracy().matrix("hand", "left")


def test_a_rendered_frame_is_annotated_well():
    session = glove_session(12, 3)
    frame = render(session.scene(1), "x", np.random.default_rng(0))
    rgb = aligned_color(frame)
    assert (rgb[frame.depth == 0] == 0).all() and not rgb[:, 0].any()  # the colour camera's view is narrower
    seen = rgb.any(axis=2)
    assert np.abs(rgb[seen].astype(int) - frame.rgb[seen]).mean() < 12
    found = annotate(rgb, frame.depth, calibrated(session, 1))
    total = StepAccuracy().update(found, frame.labels, frame.depth, session.person.subject)
    assert total.matrix("combined", "left").iou()[1] > 0.85
