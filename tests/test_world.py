"""Frames: what the sensors see fits the truth behind it, in both cameras' views."""

import numpy as np
import pytest

from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError
from handseg_lib.synth.world import Frame, frame, generator, render

SIZE = (120, 160)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return [frame(seed=3, index=i, split="val", size=SIZE) for i in range(6)]


def test_a_frame_is_the_same_whenever_it_is_rendered(frames):
    again = frame(seed=3, index=2, split="val", size=SIZE)
    for name in ("depth", "labels", "rgb", "color_rgb", "color_labels"):
        np.testing.assert_array_equal(getattr(again, name), getattr(frames[2], name))
    assert again.id == "exo_two_hands/val/3/2"


def test_frames_of_other_seeds_splits_and_numbers_differ():
    streams = [generator("exo_two_hands", *k).integers(1 << 60) for k in
               (("train", 0, 0), ("train", 0, 1), ("train", 1, 0), ("val", 0, 0))]  # fmt: skip
    assert len(set(streams)) == 4


def test_sensor_depth_follows_exact_depth(frames):
    for one in frames:
        seen = (one.depth > 0) & (one.clean_depth > 0)
        error = np.abs(one.depth - one.clean_depth)[seen]
        if seen.sum() > 500:
            assert np.median(error) < 0.004
            assert np.mean(error < 0.02) > 0.9
        steps = one.depth / np.float32(0.000125)
        assert np.abs(steps - np.rint(steps)).max() < 0.02


def test_size_only_changes_the_sampling():
    small, large = (frame(seed=3, index=1, split="val", size=s) for s in (SIZE, (240, 320)))
    # borders stay aligned: a small pixel covers 2x2 large ones
    hands_small = (small.labels == Label.RIGHT_HAND).mean()
    hands_large = (large.labels == Label.RIGHT_HAND).mean()
    assert hands_small == pytest.approx(hands_large, abs=0.004)
    assert small.scene.mesh.vertices.shape == large.scene.mesh.vertices.shape


def test_views_are_consistent_through_the_extrinsics(frames):
    """Hand pixels of the depth camera, moved into the colour camera's view, meet its labels and depth there."""
    compared = 0
    for one in frames:
        hand = np.isin(one.labels, [Label.LEFT_HAND, Label.RIGHT_HAND])
        points = one.intrinsics.deproject(one.truth.depth)[hand].astype(float)
        camera = one.color_truth.camera
        moved = (points - camera.pose[:3, 3]) @ camera.pose[:3, :3]
        x, y = np.rint(camera.intrinsics.project(moved)).astype(int).T
        inside = (x >= 0) & (x < SIZE[1]) & (y >= 0) & (y < SIZE[0])
        same_surface = np.abs(one.color_depth[y[inside], x[inside]] - moved[inside, 2]) < 0.01
        if inside.sum() > 150:
            assert same_surface.mean() > 0.75  # the rest is hidden from one of the two
            labels = one.color_labels[y[inside], x[inside]][same_surface]
            assert (labels == one.labels[hand][inside][same_surface]).mean() > 0.93
            compared += 1
    assert compared >= 2


def test_cameras_are_two_to_three_centimetres_apart(frames):
    for one in frames:
        assert 0.02 < np.linalg.norm(one.scene.color_camera.pose[:3, 3]) < 0.035


def test_aligned_colour_shows_gloves_on_hands():
    for index in range(40):
        one = frame(seed=4, index=index, split="val", size=SIZE)
        hand = one.labels == Label.RIGHT_HAND
        if one.scene.gloved and hand.sum() > 200:
            break
    glove = np.array(one.scene.look.materials[4].albedo)
    colours = one.rgb[hand].astype(float)
    assert np.argmax(np.median(colours, axis=0)) == np.argmax(glove)


def test_truth_images_have_the_documented_types(frames):
    one = frames[0]
    assert one.depth.dtype == np.float32 and one.labels.dtype == np.uint8
    assert one.rgb.shape == (*SIZE, 3) and one.rgb.dtype == np.uint8
    assert one.truth.normals.shape == (*SIZE, 3)
    length = np.linalg.norm(one.truth.normals, axis=2)[one.truth.depth > 0]
    np.testing.assert_allclose(length, 1, atol=1e-4)
    sample = one.sample()
    assert sample.id == one.id and sample.intrinsics.width == SIZE[1]


def test_hands_are_in_view_in_most_frames(frames):
    counts = [np.isin(one.labels, [Label.LEFT_HAND, Label.RIGHT_HAND]).sum() for one in frames]
    assert np.mean(np.array(counts) > 30) >= 0.5


def test_amodal_masks_hold_the_visible_ones(frames):
    hands = {"left": Label.LEFT_HAND, "right": Label.RIGHT_HAND}
    for one in frames:
        assert set(one.amodal) == set(one.scene.hands)
        for side, whole in one.amodal.items():
            seen = one.labels == hands[side]
            assert ((whole == 0) & seen).sum() <= 2 and whole.max(initial=0) <= 16


def test_joint_pixels_fall_on_the_hand_they_belong_to(frames):
    for one in frames:
        for side, pixels in one.joint_pixels.items():
            x, y = np.rint(pixels).astype(int).T
            inside = (x >= 0) & (x < SIZE[1]) & (y >= 0) & (y < SIZE[0])
            if inside.all():
                on_hand = one.amodal[side][y, x] > 0
                assert on_hand[1:].mean() > 0.8  # tips of bones lie within a finger's width of its outline


def test_no_contact_where_hands_keep_apart(frames):
    for one in frames:
        assert one.contact.dtype == bool and one.contact.shape == SIZE and not one.contact.any()


def test_without_hands_what_is_behind_them_shows(frames):
    for one in frames:
        labels = (Label.LEFT_HAND, Label.RIGHT_HAND, Label.LEFT_ARM, Label.RIGHT_ARM)
        bare = one.scene.without(labels)
        assert not np.isin(bare.mesh.labels, labels).any() and not bare.hands and not bare.joints
        rest = render(bare, "bare", np.random.default_rng(0), SIZE, "none").truth
        same = (one.labels == Label.BACKGROUND) & (one.truth.depth > 0)
        assert (np.abs(rest.depth - one.truth.depth)[same] < 1e-5).mean() > 0.999


@pytest.mark.parametrize("sensor", ["handnet", "kinect", "nyu", "freiburg"])
def test_other_sensors_see_the_same_world(sensor):
    usual, other = (frame(seed=3, index=1, split="val", size=SIZE, sensor=s) for s in ("none", sensor))
    seen = np.isin(other.labels, [Label.LEFT_HAND, Label.RIGHT_HAND])
    wanted = np.isin(usual.labels, [Label.LEFT_HAND, Label.RIGHT_HAND])
    assert 0.2 * wanted.sum() < seen.sum() < 3 * wanted.sum()
    valid = (other.depth > 0) & (other.clean_depth > 0)
    assert valid.mean() > 0.03
    assert np.median(np.abs(other.depth - other.clean_depth)[valid]) < 0.02


def test_without_sensor_depth_is_exact():
    one = frame(seed=3, index=1, split="val", size=SIZE, sensor="none")
    np.testing.assert_array_equal(one.depth, one.clean_depth)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"scene": "kitchen"}, "kitchen.*exo_two_hands"), ({"split": "dev"}, "dev.*train, val, test"),
     ({"sensor": "lidar"}, "lidar.*sr300"), ({"seed": -1}, "-1")],
)  # fmt: skip
def test_what_does_not_exist_is_refused(wrong, message):
    with pytest.raises(DataError, match=message):
        frame(**{"size": SIZE, **wrong})
