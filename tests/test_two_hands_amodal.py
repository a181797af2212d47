"""The studio scene: one camera, hands in the frame, arms that leave it, amodal masks, the unpaired pool."""

import numpy as np
import pytest

from handseg_lib.data.labels import PARTS, Label
from handseg_lib.synth.hand.pairs import DEEPEST
from handseg_lib.synth.hand.solid import penetration
from handseg_lib.synth.people.person import Surface
from handseg_lib.synth.scenes.two_hands_amodal import (
    SIZE,
    STUDIO_SUBJECTS,
    UNPAIRED_SUBJECTS,
    two_hands_amodal,
    two_hands_unpaired,
)
from handseg_lib.synth.world import render

LABEL = {"left": Label.LEFT_HAND, "right": Label.RIGHT_HAND}
COUNT = 10


@pytest.fixture(scope="module")
def frames():
    scenes = [two_hands_amodal(np.random.default_rng([4, i]), "val") for i in range(COUNT)]
    return [render(s, f"t/{i}", np.random.default_rng(i), (SIZE, SIZE)) for i, s in enumerate(scenes)]


def test_splits_share_no_subject():
    everyone = [s for group in (*STUDIO_SUBJECTS.values(), UNPAIRED_SUBJECTS) for s in group]
    assert len(everyone) == len(set(everyone))


def test_unknown_split_is_refused():
    for scene in (two_hands_amodal, two_hands_unpaired):
        with pytest.raises(ValueError, match=r"'dev'.*train, val, test"):
            scene(np.random.default_rng(0), "dev")


def test_one_colour_camera_sees_everything(frames):
    for one in frames:
        assert one.scene.one_camera and one.scene.sensors == ("none",)
        assert one.rgb.shape == (SIZE, SIZE, 3) and one.rgb.dtype == np.uint8
        assert one.rgb is one.color_rgb


def test_two_hands_mostly_and_one_sometimes():
    sides = [set(two_hands_amodal(np.random.default_rng([6, i])).hands) for i in range(16)]
    assert {frozenset(s) for s in sides} >= {frozenset({"left", "right"})}
    assert 0 < sum(len(s) == 1 for s in sides) < 9


def test_whole_hands_contain_what_is_visible_with_the_same_parts(frames):
    hidden = []
    for one in frames:
        assert set(one.amodal) == set(one.scene.hands)
        for side, whole in one.amodal.items():
            visible = (one.labels == LABEL[side]) & (one.parts > 0)
            assert (whole[visible] == one.parts[visible]).mean() > 0.995 if visible.any() else True
            assert whole.max() < len(PARTS) and (whole > 0).sum() > 150
            hidden.append(1 - visible.sum() / (whole > 0).sum())
    assert max(hidden) > 0.3 and min(hidden) < 0.05  # from hardly to mostly hidden


def test_hands_fill_the_frame_and_elbows_leave_it(frames):
    inside = 0
    for one in frames:
        whole = np.any([mask > 0 for mask in one.amodal.values()], axis=0)
        rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) > 0.6 * SIZE
        for hand in one.scene.hands.values():
            x, y = one.intrinsics.project(hand.elbow[None])[0]
            inside += bool(hand.elbow[2] > 0.03 and 0 <= x < SIZE and 0 <= y < SIZE)
    assert inside <= 1


def test_hands_in_the_scene_do_not_pass_through_each_other(frames):
    for one in frames:
        if len(one.scene.hands) == 2:
            left, right = (one.scene.hands[s].mesh for s in ("left", "right"))
            assert penetration(left, right) <= DEEPEST + 1e-4
            assert one.scene.states["left"] in ("self", "none")


def test_joints_are_those_of_the_placed_hands(frames):
    for one in frames:
        for side, joints in one.scene.joints.items():
            mesh = one.scene.hands[side].mesh
            gap = np.linalg.norm(joints[1:, None] - mesh.vertices[None], axis=2).min(axis=1)
            assert gap.max() < 0.02


def test_same_numbers_same_picture(frames):
    again = two_hands_amodal(np.random.default_rng([4, 2]), "val")
    picture = render(again, "t/2", np.random.default_rng(2), (SIZE, SIZE))
    np.testing.assert_array_equal(picture.rgb, frames[2].rgb)
    np.testing.assert_array_equal(picture.labels, frames[2].labels)


def test_unpaired_pictures_are_of_others_and_often_textured():
    scenes = [two_hands_unpaired(np.random.default_rng([5, i])) for i in range(8)]
    assert {s.subject for s in scenes} <= set(UNPAIRED_SUBJECTS)
    textured = [(s.mesh.material == len(Surface)).any() for s in scenes]
    assert 2 <= sum(textured) <= 8
    for scene, has_wall in zip(scenes, textured, strict=True):
        assert len(scene.look.extra) == int(has_wall)
        if has_wall:
            wall = scene.mesh.vertices[np.unique(scene.mesh.faces[scene.mesh.material == len(Surface)])]
            assert wall[:, 2].min() > 0.2
