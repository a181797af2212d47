"""First-person scenes: hands touch what their states say, nothing passes through the table, backgrounds are exact."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.spatial import cKDTree

from handseg_lib.data.labels import LABEL_MAPS, Label
from handseg_lib.synth.ego.layout import SIDES, EgoHand, EgoScene
from handseg_lib.synth.ego.places import TABLE
from handseg_lib.synth.ego.work import CONTACT, DEEPEST
from handseg_lib.synth.hand import HandPose, hand_model
from handseg_lib.synth.render import Truth, cast
from handseg_lib.synth.scenes.ego_hand_object import (
    EgoLayout,
    build_scene,
    clean_background,
    ego_hand_object,
    sample_layout,
)

CASES = (
    ("kitchen", "cut", 1), ("kitchen", "pour", 1), ("kitchen", "drawer", 1), ("office", "type", 1),
    ("game_table", "game", 1), ("escape_room", "together", 1), ("workbench", "work", 2), ("office", "bare", 4),
)  # fmt: skip
HANDS = (Label.LEFT_HAND, Label.RIGHT_HAND, Label.LEFT_ARM, Label.RIGHT_ARM)


@cache
def layout(domain: str, activity: str, seed: int) -> EgoLayout:
    return sample_layout(np.random.default_rng([1, seed]), "train", domain, activity)


@cache
def seen(domain: str, activity: str, seed: int) -> tuple[EgoScene, Truth]:
    scene = build_scene(layout(domain, activity, seed))
    return scene, cast(scene.depth_caster, scene.depth_camera.resized(160, 120))


def skin(one: EgoLayout, side: str) -> np.ndarray:
    """Vertices of a hand, without its forearm, in the room."""
    hand, model = one.hands[side], hand_model(one.person.hand)
    mesh = model.posed(hand.pose, hand.wrist, side, hand.elbow)
    return mesh.vertices[mesh.rest[:, 1] > 0].astype(float)


def gap(one: EgoLayout, side: str, thing: int) -> float:
    """Distance from a hand's surface to an object, metres; negative inside."""
    o = one.objects[thing]
    local = (skin(one, side) - o.pose[:3, 3]) @ o.pose[:3, :3]
    return float(o.thing.distance(local.astype(np.float32)).min())


@pytest.mark.parametrize("case", CASES)
def test_states_say_what_hands_touch(case: tuple[str, str, int]) -> None:
    one = layout(*case)
    for side, hand in one.hands.items():
        gaps = {k: gap(one, side, k) for k in range(len(one.objects))}
        for k, o in enumerate(one.objects):
            if side in o.touched_by:
                assert -2 * DEEPEST < gaps[k] < CONTACT, o.thing.kind
        portable = [k for k, o in enumerate(one.objects) if side in o.touched_by and not o.fixed]
        fixed = [k for k, o in enumerate(one.objects) if side in o.touched_by and o.fixed]
        lowest = skin(one, side)[:, 1].max()
        if hand.state == "portable":
            assert portable
        elif hand.state == "stationary":
            assert fixed or abs(lowest) < CONTACT
        elif hand.state == "none":
            assert min(gaps.values(), default=1.0) >= CONTACT
            assert lowest < 0
        elif hand.state == "self":
            other = skin(one, "left" if side == "right" else "right")
            assert cKDTree(other).query(skin(one, side))[0].min() < 0.004  # between vertices, 2 mm apart at most


@pytest.mark.parametrize("case", CASES)
def test_nothing_passes_through_the_table(case: tuple[str, str, int]) -> None:
    one = layout(*case)
    for side in one.hands:
        _, y, z = skin(one, side).T
        assert not ((z > 0.012) & (y > 0.0016) & (y < TABLE)).any()
    for o in one.objects:
        if not o.fixed:
            assert (o.thing.mesh.vertices @ o.pose[:3, :3].T + o.pose[:3, 3])[:, 1].max() < 0.003, o.thing.kind


@pytest.mark.parametrize("case", CASES)
def test_labels_are_those_of_the_layout(case: tuple[str, str, int]) -> None:
    one, (scene, truth) = layout(*case), seen(*case)
    found = set(np.unique(truth.labels).tolist())
    possible = {int(o.label) for o in one.objects} | {0}
    for side in one.hands:
        possible |= {int(Label[f"{side.upper()}_HAND"]), int(Label[f"{side.upper()}_ARM"])}
    assert found <= possible
    assert any(int(Label[f"{side.upper()}_HAND"]) in found for side in one.hands)
    assert scene.states == one.states
    assert all(o.label == p.label for o, p in zip(one.objects, scene.objects, strict=True))
    LABEL_MAPS["egohos"].encode(truth.labels)


def test_second_order_is_what_a_held_thing_acts_on() -> None:
    for case in (("kitchen", "pour", 1), ("game_table", "game", 1)):
        one = layout(*case)
        second = [o for o in one.objects if Label.OBJECT2_LEFT <= o.label <= Label.OBJECT2_BOTH]
        assert second or any(set(o.reached_by) & set(SIDES) for o in one.objects)
        for o in second:
            assert not o.touched_by
            held = [h for h in one.objects if set(h.touched_by) & set(o.reached_by)]
            points = [h.thing.mesh.vertices @ h.pose[:3, :3].T + h.pose[:3, 3] for h in held]
            local = (np.concatenate(points) - o.pose[:3, 3]) @ o.pose[:3, :3]
            assert o.thing.distance(local.astype(np.float32)).min() < 0.1


@pytest.mark.parametrize("case", CASES[:4])
def test_clean_background_takes_away_hands_and_what_they_hold_and_nothing_else(case: tuple[str, str, int]) -> None:
    scene, truth = seen(*case)
    clean = clean_background(scene)
    view = cast(clean.depth_caster, clean.depth_camera.resized(160, 120))
    assert not view.labels.any()
    assert not clean.hands
    assert set(clean.states.values()) == {"absent"}
    kept = (truth.labels == Label.BACKGROUND) & (truth.depth > 0)
    passing = [o for o in layout(*case).objects if o.passing]
    same = np.abs(view.depth[kept] - truth.depth[kept]) < 1e-6
    assert same.all() if not passing else same.mean() > 0.98, "background stays exactly where it was"
    assert (view.depth >= truth.depth - 1e-6).all(), "taking things away uncovers what is farther"


def test_the_same_random_numbers_give_the_same_scene() -> None:
    a, b = (ego_hand_object(np.random.default_rng(21)) for _ in range(2))
    assert np.array_equal(a.mesh.vertices, b.mesh.vertices)
    assert np.array_equal(a.mesh.labels, b.mesh.labels)
    assert (a.domain, a.states) == (b.domain, b.states)


def test_faces_keep_number_and_order_when_only_poses_change() -> None:
    one = layout("office", "bare", 4)
    side, hand = next(iter(one.hands.items()))
    wrist = hand.wrist.copy()
    wrist[1, 3] -= 0.01
    moved = EgoHand(HandPose.named("open"), wrist, hand.elbow, hand.shoulder, hand.state)
    other = build_scene(replace(one, hands={**one.hands, side: moved}))
    first = build_scene(one)
    for name in ("faces", "labels", "material"):
        assert np.array_equal(getattr(first.mesh, name), getattr(other.mesh, name))


def test_frames_without_anybody() -> None:
    scene = build_scene(sample_layout(np.random.default_rng(3), "val", "office", "nobody"))
    assert scene.subject == -1
    assert not scene.hands
    assert set(scene.states.values()) == {"absent"}


def test_bad_input_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="unknown split 'dev'"):
        ego_hand_object(rng, "dev")
    with pytest.raises(ValueError, match="unknown visual domain 'attic'"):
        ego_hand_object(rng, "train", "attic")
    with pytest.raises(ValueError, match=r"unknown activity 'fly'.*pour"):
        sample_layout(rng, "train", "kitchen", "fly")
    one = layout("office", "bare", 4)
    hand = next(iter(one.hands.values()))
    with pytest.raises(ValueError, match="side 'third'"):
        EgoLayout(one.domain, one.person, one.room, one.camera, one.intrinsics, {"third": hand})
