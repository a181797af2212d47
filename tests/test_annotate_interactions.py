"""Recordings of hands and objects: one session, librealsense's alignment, truths that agree, damage that is named."""

from itertools import islice

import numpy as np
import pytest

from handseg_lib.annotate.interactions import Take, interactions, load, repainted, scenes
from handseg_lib.annotate.takes import UNIT
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError, StoreError
from handseg_lib.synth.hand.skin import skin_tone_of
from handseg_lib.synth.people.person import Surface

pytest.importorskip("pyrealsense2")
TAKE = Take(13, 2, frames=2, pictures=1)
OBJECTS = [label for label in Label if label.name.startswith("OBJECT")]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDSEG_STORE", str(tmp_path_factory.mktemp("store")))
        yield


@pytest.fixture(scope="module")
def recording(store):
    return interactions([TAKE], workers=1)[0]


def test_a_take_is_one_person_under_one_light(store):
    first, second = islice(scenes(TAKE), 2)
    assert first.subject == second.subject == 13 and first.session == second.session == 2
    assert first.lights is second.lights and first.color_camera is second.color_camera
    assert first.objects[0].pose.tolist() != second.objects[0].pose.tolist()
    other = next(scenes(TAKE, 1 << 20, first))
    assert other.lights is first.lights and other.objects[0].pose.tolist() != first.objects[0].pose.tolist()


def test_frames_hold_hand_and_object_and_their_truths_agree(recording):
    assert [f.id for f in recording.frames] == ["13-2-0-0", "13-2-0-1"]
    for frame in recording.frames:
        assert frame.depth.shape == frame.labels.shape == frame.bare.shape == (480, 640)
        assert np.isin(frame.labels, OBJECTS).sum() > 300
        assert np.isin(frame.labels, (Label.LEFT_HAND, Label.RIGHT_HAND)).sum() > 300
        assert np.isin(frame.labels[frame.bare], (Label.LEFT_ARM, Label.RIGHT_ARM)).all()
        np.testing.assert_allclose(frame.depth / UNIT, np.rint(frame.depth / UNIT), atol=1e-2)
        assert not frame.rgb[frame.depth == 0].any()


def test_skin_is_marked_inside_hands_and_has_the_colour_of_skin(recording):
    assert len(recording.calibration) == len(recording.marked) == 1
    assert recording.marked.any() and recording.skin.shape[1] == 3 and len(recording.skin) > 300
    red, green, blue = recording.skin.astype(float).mean(0)
    assert red > green > blue


def test_a_slip_of_no_pixels_changes_nothing_and_others_do(recording):
    same = recording.misaligned(recording.frames, (0, 0))
    for frame, rgb in zip(recording.frames, same, strict=True):
        np.testing.assert_array_equal(rgb, frame.rgb)
    [slipped] = recording.misaligned(recording.frames[:1], (0, 8))
    frame = recording.frames[0]
    both = slipped.any(2) & frame.rgb.any(2)
    assert (slipped[both] != frame.rgb[both]).any(1).mean() > 0.2


def test_objects_can_be_given_the_colour_of_skin(store):
    scene = next(scenes(TAKE))
    tone, own = skin_tone_of(13), scene.look.extra[0].albedo
    np.testing.assert_allclose(repainted(scene, 1.0).look.extra[0].albedo, tone)
    np.testing.assert_allclose(repainted(scene, 0.5).look.extra[0].albedo, (np.array(own) + tone) / 2)
    assert repainted(scene, 0.0) is scene
    assert repainted(scene, 1.0).look.materials[: len(Surface)] == scene.look.materials[: len(Surface)]


def test_bad_takes_and_damaged_files_are_named(recording, tmp_path, monkeypatch):
    for wrong in ({"subject": 14}, {"session": 9}, {"frames": 0}, {"seed": -1}, {"towards_skin": 1.5}):
        with pytest.raises(DataError, match="expected subject 0 to 13"):
            Take(**{"subject": 1, "session": 1, "frames": 1, **wrong})
    monkeypatch.setenv("HANDSEG_STORE", str(tmp_path))
    with pytest.raises(StoreError, match="ask for the take again"):
        load(TAKE)
    TAKE.path.parent.mkdir(parents=True)
    TAKE.path.write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(StoreError, match=r"13-2-.*npz"):
        load(TAKE)
