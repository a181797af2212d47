"""Flood-fill labels: worked examples on drawn depth, an independent fill, and their worth on a rendered hand."""

from collections import deque

import numpy as np
import pytest

from handseg_lib.annotate.flood_fill import FloodFill, flood_fill, flood_labels, sensors
from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import Label
from handseg_lib.errors import DataError
from handseg_lib.synth.world import frame

CAMERA = Intrinsics(100, 100, 19.5, 14.5, 40, 30)
"""At half a metre a pixel is 5 mm wide."""

WIDE = FloodFill(reach=0.5)


def wall(metres: float = 1.5) -> np.ndarray:
    return np.full((30, 40), metres, np.float32)


def at(row: float, column: float, z: float) -> np.ndarray:
    """(1, 3) the place seen at a pixel."""
    return np.array([[(column - CAMERA.cx) / CAMERA.fx * z, (row - CAMERA.cy) / CAMERA.fy * z, z]])


def test_a_plate_before_a_wall_is_found_and_nothing_else():
    depth = wall()
    depth[10:20, 10:25] = 0.5
    depth[22:25, 10:25] = 0.5  # another plate at the same distance, apart
    mask = flood_fill(depth, CAMERA, at(15, 15, 0.5), WIDE)
    expected = np.zeros(depth.shape, bool)
    expected[10:20, 10:25] = True
    np.testing.assert_array_equal(mask, expected)


def test_the_reach_ends_it_where_no_edge_does():
    depth = wall()
    depth[14:16] = 0.5  # an arm across the whole image
    mask = flood_fill(depth, CAMERA, at(14.5, 20, 0.5), FloodFill(reach=0.0251))  # five pixels and a little
    assert mask.any(axis=0).nonzero()[0].tolist() == list(range(16, 25))
    assert not mask[:14].any() and not mask[16:].any()


def test_what_touches_the_hand_is_taken_along():
    depth = wall()
    depth[10:20, 10:20], depth[10:20, 20:30] = 0.500, 0.503  # 3 mm behind, no jump
    assert flood_fill(depth, CAMERA, at(15, 12, 0.5), WIDE)[10:20, 20:30].all()
    depth[10:20, 20:30] = 0.56
    assert not flood_fill(depth, CAMERA, at(15, 12, 0.5), WIDE)[10:20, 20:30].any()


def test_a_slope_is_no_jump():
    depth = wall()
    depth[10:20, 10:30] = 0.5 + 0.012 * np.arange(20, dtype=np.float32)  # 12 mm a pixel of 5 mm
    assert flood_fill(depth, CAMERA, at(15, 10, 0.5), WIDE)[10:20, 10:30].all()
    assert not flood_fill(depth, CAMERA, at(15, 10, 0.5), FloodFill(reach=0.5, slope=1.0))[10:20, 12:30].any()


def test_a_hidden_sensor_starts_nothing():
    depth = wall(0.5)
    assert not flood_fill(depth, CAMERA, at(15, 20, 0.56), FloodFill(search=0.03)).any()
    assert not flood_fill(np.zeros((30, 40), np.float32), CAMERA, at(15, 20, 0.56)).any()


def fill_by_queue(depth, places, settings):
    """The same by the book: a queue of pixels, one step at a time."""
    points = CAMERA.deproject(depth)
    distance = np.stack([np.linalg.norm(points - place.astype(np.float32), axis=2) for place in places])
    distance[:, depth == 0] = np.inf
    inside = distance.min(axis=0) < settings.reach
    queue = deque()
    for each in distance:
        row, column = np.unravel_index(each.argmin(), depth.shape)
        if each[row, column] < settings.search:
            queue.append((row, column))
    mask = np.zeros(depth.shape, bool)
    while queue:
        row, column = queue.popleft()
        if mask[row, column]:
            continue
        mask[row, column] = True
        for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if 0 <= r < 30 and 0 <= c < 40 and inside[r, c]:
                near = min(depth[r, c], depth[row, column]) / np.float32(100)
                if abs(depth[r, c] - depth[row, column]) < settings.noise + settings.slope * near:
                    queue.append((r, c))
    return mask


@pytest.mark.parametrize("seed", range(5))
def test_matches_a_fill_by_queue(seed):
    rng = np.random.default_rng(seed)
    depth = (0.5 + 0.02 * rng.integers(0, 3, (30, 40)) + 0.001 * rng.random((30, 40))).astype(np.float32)
    depth[rng.random(depth.shape) < 0.15] = 0
    places = np.concatenate([at(*rng.uniform((2, 2), (28, 38)), 0.51) for _ in range(3)])
    settings = FloodFill(reach=0.06, slope=1.0)
    mask = flood_fill(depth, CAMERA, places, settings)
    np.testing.assert_array_equal(mask, fill_by_queue(depth, places, settings))
    assert mask.any() and not mask[depth == 0].any()


def test_labels_are_of_the_left_hand_and_wrong_in_a_measured_way():
    one = frame("exo_left_hand", 0, 4, "train", (120, 160), "handnet")
    joints = one.truth.camera.to_camera(one.scene.joints["left"])
    labels = flood_labels(one.depth, one.intrinsics, joints)
    assert set(np.unique(labels)) == {0, Label.LEFT_HAND}
    truth = (one.labels == Label.LEFT_HAND) & (one.depth > 0)
    found = labels > 0
    assert (found & truth).sum() / truth.sum() > 0.9  # little of the hand is missed
    assert 0.4 < (found & truth).sum() / (found | truth).sum() < 0.98  # but it is not the hand alone
    assert not flood_labels(one.depth, one.intrinsics, None).any()


def test_sensors_are_fingertips_and_back():
    joints = np.arange(63, dtype=float).reshape(21, 3)
    assert sensors(joints)[:, 0].tolist() == [12, 24, 36, 48, 60, 13.5]
    with pytest.raises(DataError, match=r"\(21, 3\) joints, found \(20, 3\)"):
        sensors(joints[:20])


def test_bad_input_is_named():
    with pytest.raises(DataError, match=r"its camera is for \(30, 40\)"):
        flood_fill(np.ones((20, 40), np.float32), CAMERA, at(1, 1, 1.0))
    with pytest.raises(DataError, match=r"\(S, 3\) metres, found \(3,\)"):
        flood_fill(wall(), CAMERA, np.zeros(3))
    with pytest.raises(DataError, match="depth to flood"):
        flood_fill(wall().astype(np.uint16), CAMERA, at(1, 1, 1.0))
    with pytest.raises(DataError, match="must be positive"):
        FloodFill(reach=0)
