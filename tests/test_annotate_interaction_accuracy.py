"""Accuracy of hands and objects: both truths, counts against a loop, one cause a pixel, the reviewers' rule."""

import numpy as np
import pytest

from handseg_lib.annotate.interaction_accuracy import CAUSES, counts, error_pixels, faults, true_classes
from handseg_lib.annotate.review import ReviewRule
from handseg_lib.data.labels import Label
from handseg_lib.errors import LabelError


def random_maps(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    found, true = rng.integers(0, 3, (2, 30, 40)).astype(np.uint8)
    return found, true, rng.random((30, 40)) < 0.7


def test_every_label_has_its_class_and_bare_skin_is_hand_only_if_given():
    labels = np.array([list(Label)], np.uint8)
    assert [int(c) for c in true_classes(labels)[0]] == [0, 1, 1, 0, 0, 2, 2, 2, 0, 0, 0, 0]
    bare = labels == Label.LEFT_ARM
    assert true_classes(labels, bare)[0, Label.LEFT_ARM] == 1 and true_classes(labels, bare)[0, Label.RIGHT_ARM] == 0


def test_counts_match_a_loop():
    found, true, counted = random_maps()
    slow = np.zeros((3, 3), np.int64)
    for f, t, c in zip(found.ravel(), true.ravel(), counted.ravel(), strict=True):
        slow[t, f] += c
    np.testing.assert_array_equal(counts(found, true, counted), slow)
    with pytest.raises(LabelError, match="expected one size"):
        counts(found[1:], true, counted)
    with pytest.raises(ValueError, match="prediction holds 7"):
        counts(np.full_like(found, 7), true, counted)


def test_every_wrong_pixel_has_one_cause():
    found, true, counted = random_maps(3)
    causes = error_pixels(found, true, counted)
    assert tuple(causes) == CAUSES
    np.testing.assert_array_equal(sum(c.astype(int) for c in causes.values()), (found != true) & counted)


def test_the_rule_looks_at_hand_and_object():
    true = np.zeros((60, 80), np.uint8)
    true[10:40, 10:30], true[10:40, 40:60] = 1, 2
    everywhere, rule = np.ones(true.shape, bool), ReviewRule(0.8, 300)
    assert faults(true, true, everywhere, rule) == {}
    lost = np.where(true == 2, 0, true).astype(np.uint8)
    assert faults(lost, true, everywhere, rule) == {"object": "missed"}
    assert faults(true, lost, everywhere, rule) == {"object": "invented"}
    assert faults(np.where(true == 2, 1, true).astype(np.uint8), true, everywhere, rule) == {
        "hand": "inexact",
        "object": "missed",
    }
    assert faults(lost, true, true != 2, rule) == {}
