"""The review: the stated rule on made-up annotations, and choices that survive."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from handseg_lib.annotate.review import Choices, ReviewRule, discarded_share
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError

RULE = ReviewRule(least_iou=0.8, visible=300)
DEPTH = np.full((60, 80), 0.5, np.float32)


def truth() -> np.ndarray:
    labels = np.zeros((60, 80), np.uint8)
    labels[10:40, 10:30] = Label.LEFT_HAND  # 600 pixels
    labels[10:40, 50:70] = Label.RIGHT_HAND
    return labels


def faults(labels: np.ndarray, true: np.ndarray, depth: np.ndarray = DEPTH) -> dict[str, str]:
    return RULE.faults(SimpleNamespace(labels=labels), true, depth)


def test_each_fault_is_named():
    true = truth()
    assert faults(true, true) == {}
    missed, inexact, invented = true.copy(), true.copy(), true.copy()
    missed[true == Label.LEFT_HAND] = 0
    assert faults(missed, true) == {"left": "missed"}
    inexact[10:17, 50:70] = 0  # 460 of 600 pixels: 0.77
    assert faults(inexact, true) == {"right": "inexact"}
    inexact[10:16, 50:70] = true[10:16, 50:70]  # 580 of 600
    assert faults(inexact, true) == {}
    assert faults(invented, np.where(true == Label.LEFT_HAND, true, 0).astype(np.uint8)) == {"right": "invented"}
    swapped = np.array([0, 2, 1], np.uint8)[true]
    assert faults(swapped, true) == {"left": "inexact", "right": "inexact"}


def test_a_hand_that_depth_does_not_show_is_no_fault():
    depth = DEPTH.copy()
    depth[:, 40:] = 0
    labels = truth()
    labels[:, 40:] = 0
    assert faults(labels, truth(), depth) == {}
    small = truth()
    small[25:40, 50:70] = 0
    small[24, 50:70] = 0  # 280 pixels: hardly in view
    assert faults(labels, small) == {}


def test_share():
    assert discarded_share({"a": {}, "b": {"left": "missed"}, "c": {}, "d": {}}) == 0.25
    assert np.isnan(discarded_share({}))


def test_choices_survive_and_can_be_changed(tmp_path):
    path = tmp_path / "review" / "choices.json"
    choices = Choices(path)
    assert len(choices) == 0 and not path.exists() and np.isnan(choices.rejected_share)
    choices["a"], choices["b"], choices["ü/1"] = "accept", "reject", "accept"
    again = Choices(path)
    assert dict(again) == {"a": "accept", "b": "reject", "ü/1": "accept"}
    assert again.rejected_share == pytest.approx(1 / 3)
    again["b"] = "accept"
    del again["a"]
    assert dict(Choices(path)) == {"b": "accept", "ü/1": "accept"}
    assert again.pending(["a", "b", "c"]) == ["a", "c"] and again.kept(["c", "b"]) == ["b"]
    assert list(tmp_path.joinpath("review").iterdir()) == [path]  # nothing temporary stays


def test_a_failed_write_keeps_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "choices.json"
    choices = Choices(path)
    choices["a"] = "accept"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("handseg_lib.files.os.fsync", full)
    with pytest.raises(DataError, match="No space left"):
        choices["b"] = "reject"
    assert dict(choices) == {"a": "accept"} == dict(Choices(path))


def test_bad_choices_are_refused(tmp_path):
    choices = Choices(tmp_path / "c.json")
    with pytest.raises(DataError, match="'maybe'"):
        choices["a"] = "maybe"
    with pytest.raises(KeyError):
        del choices["a"]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("{", "no JSON"),
        ("[]", "another kind"),
        (json.dumps({"format": "x"}), "another kind"),
        (json.dumps({"format": "handseg-review-1", "choices": {"a": "yes"}}), "neither accept nor reject"),
        (json.dumps({"format": "handseg-review-1", "choices": {"a": []}}), "neither accept nor reject"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_kept(tmp_path, content, found):
    path = tmp_path / "c.json"
    path.write_text(content)
    with pytest.raises(DataError, match=found):
        Choices(path)
    assert path.read_text() == content


def test_bad_rules_are_refused():
    with pytest.raises(DataError, match="least_iou"):
        ReviewRule(least_iou=1.2)
    with pytest.raises(DataError, match="visible"):
        ReviewRule(visible=0)
