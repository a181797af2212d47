"""Recordings of glove sessions: what is stored is what is loaded, truths agree with each other, damage is named."""

import numpy as np
import pytest

from handseg_lib.annotate import recordings as module
from handseg_lib.annotate.recordings import GloveFrame, Take, load, recorded_frame, recordings
from handseg_lib.annotate.sessions import aligned_color, in_color_view
from handseg_lib.annotate.takes import UNIT
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError, StoreError
from handseg_lib.synth.scenes.glove_session import glove_session

TAKE = Take(12, 3, frames=1, pictures=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDSEG_STORE", str(tmp_path_factory.mktemp("store")))
        yield


@pytest.fixture(scope="module")
def recording(store):
    return recordings([TAKE], workers=1)[0]


def test_a_take_is_what_was_rendered(recording):
    [frame] = recording.frames
    rendered = recorded_frame(glove_session(12, 3), 0)
    np.testing.assert_allclose(frame.depth, rendered.depth, atol=UNIT / 2)
    np.testing.assert_array_equal(frame.labels, rendered.labels)
    np.testing.assert_array_equal(frame.rgb, aligned_color(rendered))
    np.testing.assert_array_equal(frame.seen, in_color_view(rendered))
    assert frame.id == "12/3/0"


def test_colour_is_only_where_both_cameras_see(recording):
    [frame] = recording.frames
    assert not frame.rgb[~frame.seen].any() and frame.rgb[frame.seen].any(axis=1).mean() > 0.99
    assert (frame.depth[frame.seen] > 0).all()
    np.testing.assert_array_equal(frame.common_depth > 0, frame.seen)
    assert not frame.seen[:, 0].any() and not frame.seen[0].any()  # the colour camera's view is narrower


def test_a_glove_holds_its_hand_and_a_little_of_the_arm(recording):
    [frame] = recording.frames
    for hand, arm in ((Label.LEFT_HAND, Label.LEFT_ARM), (Label.RIGHT_HAND, Label.RIGHT_ARM)):
        true, glove = frame.labels == hand, frame.gloves == hand
        assert glove[true].mean() > 0.99
        assert np.isin(frame.labels[glove], (hand, arm)).all()
        assert (glove & ~true).sum() < 0.5 * max(true.sum(), 1)


def test_trimmed_ranges_lie_within_plain_ones(recording):
    assert set(recording.thresholds) == set(recording.literal) == {"left", "right"}
    for side, inner in recording.thresholds.items():
        outer = recording.literal[side]
        assert all(a >= b for a, b in zip(inner.low[1:], outer.low[1:], strict=True))
        assert all(a <= b for a, b in zip(inner.high[1:], outer.high[1:], strict=True))
        assert inner.hue_width <= outer.hue_width


def test_a_stored_take_is_not_rendered_again(recording, monkeypatch):
    monkeypatch.setattr(module, "_rendered", lambda *_: pytest.fail("rendered again"))
    again = recordings([TAKE])[0]
    np.testing.assert_array_equal(again.frames[0].rgb, recording.frames[0].rgb)
    assert again.thresholds == recording.thresholds


def test_light_changes_colour_and_nothing_else(recording):
    dim = recorded_frame(glove_session(12, 3), 0, light=0.5)
    [frame] = recording.frames
    np.testing.assert_array_equal(dim.labels, frame.labels)
    np.testing.assert_allclose(dim.depth, frame.depth, atol=UNIT / 2)
    assert aligned_color(dim)[frame.seen].mean() < 0.85 * frame.rgb[frame.seen].mean()


def test_each_take_has_a_file_of_its_own(store):
    takes = [TAKE, Take(12, 3, 2, 1), Take(12, 3, 1, 0), Take(12, 3, 1, 1, light=0.5), Take(12, 2, 1, 1)]
    assert len({take.path for take in takes}) == len(takes)


def test_without_calibration_there_are_no_thresholds():
    assert module._thresholds(np.zeros((0, 2, 3), np.int16)) == {}
    assert module._calibration(None, 0)["thresholds"].shape == (0, 2, 3)


def test_damage_and_bad_numbers_are_named(store, tmp_path, monkeypatch):
    monkeypatch.setenv("HANDSEG_STORE", str(tmp_path))
    with pytest.raises(StoreError, match="ask for the take again"):
        load(TAKE)
    TAKE.path.parent.mkdir(parents=True)
    for content in (b"", b"PK\x03\x04 cut short", b"no archive"):
        TAKE.path.write_bytes(content)
        with pytest.raises(StoreError, match=TAKE.path.name):
            load(TAKE)
    with pytest.raises(DataError, match="frames >= 1"):
        Take(0, 0, frames=0)
    with pytest.raises(DataError, match="light > 0"):
        Take(0, 0, frames=1, light=0.0)


def test_common_depth_is_blank_outside_the_common_view():
    seen = np.array([[True, False]])
    two = np.array([[0.5, 0.7]], np.float32)
    frame = GloveFrame("a", np.zeros((1, 2, 3), np.uint8), two, seen, seen.view(np.uint8), seen.view(np.uint8), {}, {})
    np.testing.assert_array_equal(frame.common_depth, np.array([[0.5, 0]], np.float32))
