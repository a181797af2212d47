"""Videos: deterministic, with flow and backgrounds that agree with what is seen, and acts without visible flaws."""

from dataclasses import replace

import numpy as np
import pytest

from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError
from handseg_lib.synth.flow import warped
from handseg_lib.synth.objects import HELD_OUT, OBJECT_KINDS
from handseg_lib.synth.video import Video, video
from handseg_lib.synth.video.acts import NOUNS_OF, VERBS, nouns_of, props_for
from handseg_lib.synth.video.flaws import flaws_of
from handseg_lib.synth.video.trajectory import chained, inverse

SIZE = (90, 120)
LIMBS = (Label.LEFT_HAND, Label.RIGHT_HAND, Label.LEFT_ARM, Label.RIGHT_ARM)
HELD = (Label.OBJECT_LEFT, Label.OBJECT_RIGHT, Label.OBJECT_BOTH)


@pytest.fixture(scope="module")
def clip() -> Video:
    return video(verb="take", noun="can", seed=1, frames=16, size=SIZE)


@pytest.fixture(scope="module")
def carried(clip) -> int:
    """A frame in which the thing is carried and seen."""
    seen = [t for t in range(9, 15) if clip.layout(t).objects[0].touched_by]
    return next(t for t in seen if np.isin(clip[t].labels, HELD).sum() > 40)


def test_same_numbers_same_video(clip, carried):
    again = video(verb="take", noun="can", seed=1, frames=16, size=SIZE)
    assert again.id == clip.id == "ego_hand_object/train/1/0/take/can"
    assert np.array_equal(again[carried].rgb, clip[carried].rgb)
    assert np.array_equal(again[carried].labels, clip[carried].labels)


def test_noise_differs_from_frame_to_frame(clip):
    still = replace(clip, times=np.zeros(2), _kept={})
    assert np.array_equal(still[0].labels, still[1].labels)
    assert not np.array_equal(still[0].rgb, still[1].rgb)


def test_flow_of_the_carried_thing_is_its_motion(clip, carried):
    """Independent: depth, the thing's two poses and the two cameras."""
    here, there = clip.layout(carried), clip.layout(carried + 1)
    frame, flow = clip[carried], clip.flow(carried)
    on_thing = np.isin(frame.labels, HELD) & flow.valid
    points = frame.intrinsics.deproject(frame.truth.depth)[on_thing].astype(np.float64)
    pose, later = here.objects[0].pose, there.objects[0].pose
    move = chained(inverse(there.camera), later, inverse(pose), here.camera)
    moved = points @ move[:3, :3].T + move[:3, 3]
    y, x = np.nonzero(on_thing)
    expected = frame.intrinsics.project(moved) - np.stack([x, y], 1)
    assert np.abs(flow.vectors[on_thing] - expected).max() < 1e-2
    assert np.abs(expected).max() > 0.3


def test_flow_of_the_room_is_the_camera(clip, carried):
    frame, flow = clip[carried], clip.flow(carried)
    room = (frame.labels == Label.BACKGROUND) & flow.valid
    points = frame.intrinsics.deproject(frame.clean_depth)[room].astype(np.float64)
    move = chained(inverse(clip.layout(carried + 1).camera), clip.layout(carried).camera)
    y, x = np.nonzero(room)
    expected = frame.intrinsics.project(points @ move[:3, :3].T + move[:3, 3]) - np.stack([x, y], 1)
    near = np.isfinite(expected).all(1) & (np.abs(expected) < 50).all(1)
    assert near.mean() > 0.9 and np.abs(flow.vectors[room] - expected)[near].max() < 2e-2


def test_labels_follow_the_flow(clip, carried):
    flow, labels = clip.flow(carried), clip[carried + 1].labels
    fetched = warped(labels.astype(np.float32), flow)
    inner = flow.visible & (fetched == np.rint(fetched))
    assert (fetched[inner] == clip[carried].labels[inner]).mean() > 0.97


def test_the_background_is_what_lies_behind(clip, carried):
    frame, behind = clip[carried], clip.background(carried)
    assert not np.isin(behind.labels, [*LIMBS, *HELD]).any()
    free = frame.labels == Label.BACKGROUND
    assert np.array_equal(frame.clean_depth[free], behind.clean_depth[free])
    hidden = np.isin(frame.labels, [*LIMBS, *HELD]) & (frame.clean_depth > 0) & (behind.clean_depth > 0)
    assert (behind.clean_depth[hidden] > frame.clean_depth[hidden]).all()


def test_without_hands_things_stay(clip, carried):
    labels = clip.without_hands(carried).labels
    assert not np.isin(labels, LIMBS).any()
    assert np.isin(labels, HELD).sum() >= np.isin(clip[carried].labels, HELD).sum()


def test_states_and_roles(clip, carried):
    (side,) = clip.layout(carried).objects[0].touched_by
    assert clip.layout(carried).hands[side].state == "portable"
    assert clip.layout(0).objects[0].touched_by == ()
    assert set(clip.states(carried)) == {"left", "right"} and clip.states(carried)[side] == "portable"


def test_what_is_done_has_no_visible_flaws(clip):
    assert flaws_of(clip.motion, clip.things).visible == ()


def test_frames_are_numbered_and_kept_few(clip):
    assert len(clip) == 16 and clip[-1].id == clip[15].id
    assert len(clip._kept) <= 3
    with pytest.raises(IndexError, match="16 frames"):
        clip[16]
    with pytest.raises(IndexError):
        clip.flow(15)


def test_at_least_twelve_verbs_each_with_nouns_that_exist():
    assert len(VERBS) >= 12
    for verb, nouns in NOUNS_OF.items():
        assert len(nouns) >= 2 and set(nouns) <= set(OBJECT_KINDS), verb
        assert not set(nouns_of(verb, "train")) & set(HELD_OUT)


def test_second_order_things_are_named():
    rng = np.random.default_rng(0)
    props = props_for("open", "jar", rng)
    vessel, lid = props.things
    assert lid.kind == "lid" and 0.5 < props.lid_height / float(vessel.extent[1]) <= 1.01
    for noun in NOUNS_OF["cut"]:
        props = props_for("cut", noun, rng)
        knife, kept, piece = props.things
        assert knife.kind == "knife"
        ends = (kept.mesh.vertices[:, 0] * props.cut_end).max(), (piece.mesh.vertices[:, 0] * props.cut_end).min()
        assert np.allclose(ends, props.cut_at * props.cut_end, atol=1e-5)
        assert kept.extent[0] > piece.extent[0]


def test_refuses_what_cannot_be_done():
    with pytest.raises(DataError, match="unknown verb 'juggle'"):
        video(verb="juggle")
    with pytest.raises(DataError, match="cut with 'phone'"):
        video(verb="cut", noun="phone")
    with pytest.raises(DataError, match="1 frames"):
        video(frames=1)
    with pytest.raises(DataError, match="exo_two_hands"):
        video("exo_two_hands")
    with pytest.raises(DataError, match="'cloth'"):
        video(verb="wipe", noun="cloth", split="train")
    with pytest.raises(ValueError, match="cannot pour 'knife'"):
        props_for("pour", "knife", np.random.default_rng(0))
