"""A hand cut off at the wrist: exact edge, the hand unchanged, nothing of the forearm."""

import numpy as np
import pytest

from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import PARTS, Label
from handseg_lib.synth.hand import POSES, HandShape, hand_model
from handseg_lib.synth.hand.cut import INSIDE, cut_at_wrist
from handseg_lib.synth.render import Camera, Caster, cast
from handseg_lib.synth.scene import dressed

VIEW = Intrinsics(190.0, 190.0, 63.5, 63.5, 128, 128)


def placed(turn: float = 0.0) -> np.ndarray:
    """A hand half a metre before the camera, turned about the image's x axis."""
    place = np.eye(4)
    place[1:3, 1:3] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    place[:3, 3] = (0, -0.05, 0.5)
    return place


@pytest.fixture(scope="module")
def hand():
    return hand_model(HandShape())


def area(mesh, faces=slice(None)) -> float:
    a, b, c = (mesh.rest[mesh.faces[faces, k]].astype(float) for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_cut_runs_along_the_wrist(hand, side):
    cut = cut_at_wrist(dressed(hand.posed(POSES["open"], side=side), side))
    used = np.unique(cut.faces)
    assert cut.rest[used, 1].min() == pytest.approx(0, abs=1e-6)
    assert set(cut.labels) == {Label.LEFT_HAND if side == "left" else Label.RIGHT_HAND}


def test_faces_keep_their_winding_and_area(hand):
    whole = dressed(hand.posed(POSES["flat"]), "right")
    cut = cut_at_wrist(whole)
    y = whole.rest[:, 1][whole.faces]
    inner, outer = area(whole, (y > 0).all(axis=1)), area(whole, (y > 0).any(axis=1))
    assert inner < area(cut) < outer
    skin = cut.faces[(cut.rest[:, 1][cut.faces] != np.float32(INSIDE)).any(axis=1)]
    a, b, c = (cut.rest[skin[:, k]].astype(float) for k in range(3))
    outwards = (np.cross(b - a, c - a) * cut.rest_normals[skin[:, 0]]).sum(axis=1)
    assert outwards.min() > -1e-9  # a sliver may be as thin as rounding


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_cut_hand_is_closed_and_its_stump_is_flat(hand, side):
    """A closed surface has no net area in any direction; the stump's faces all look along the forearm."""
    cut = cut_at_wrist(dressed(hand.posed(POSES["flat"], side=side), side))
    a, b, c = (cut.vertices[cut.faces[:, k]].astype(float) for k in range(3))
    areas = np.cross(b - a, c - a) / 2
    np.testing.assert_allclose(areas.sum(axis=0), 0, atol=1e-7)
    stump = (cut.rest[:, 1][cut.faces] == np.float32(INSIDE)).all(axis=1)
    assert areas[stump].sum(axis=0)[1] < -5e-4 and (cut.parts[stump] == len(PARTS) - 1).all()


def test_seen_from_anywhere_it_holds_what_the_whole_hand_shows(hand):
    for turn in np.linspace(0, 2 * np.pi, 7)[:-1]:
        whole = dressed(hand.posed(POSES["relaxed"], placed(turn)), "right")
        camera = Camera(VIEW, np.eye(4))
        visible, alone = (cast(Caster(m), camera).parts for m in (whole, cut_at_wrist(whole)))
        seen = visible > 0
        assert seen.sum() > 200
        assert (alone[seen] == visible[seen]).mean() > 0.999  # a pixel on the very edge may fall to either side


def test_the_forearm_before_the_hand_hides_nothing(hand):
    """Seen along the forearm from the elbow the hand is hidden, but whole when it is cut off."""
    place = np.eye(4)
    place[:3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]  # fingers away from the camera
    place[:3, 3] = (0, 0, 0.6)
    whole = dressed(hand.posed(POSES["open"], place), "right")
    camera = Camera(VIEW, np.eye(4))
    visible, alone = (cast(Caster(m), camera).parts > 0 for m in (whole, cut_at_wrist(whole)))
    assert alone.sum() > visible.sum() + 200
    outline = cast(Caster(whole), camera).depth > 0
    assert (alone & ~outline).sum() == 0
