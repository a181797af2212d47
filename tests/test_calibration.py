"""The calibration probe: a closed dome, seen whole by both cameras, where its truth says."""

import numpy as np
import pytest

from handseg_lib.data.labels import Label
from handseg_lib.synth.people.person import Surface
from handseg_lib.synth.scenes.calibration import (
    NOTCH_DEPTH,
    RADIUS,
    Probe,
    calibration_run,
    notched_hemisphere,
    outline,
    probe_position,
)
from handseg_lib.synth.scenes.glove_session import glove_session

SIZE = (240, 320)


@pytest.fixture(scope="module")
def session():
    return glove_session(10, 1)


@pytest.fixture(scope="module")
def pictures(session):
    return list(calibration_run(session, "left", 6, SIZE))


def test_the_hemisphere_is_closed_and_looks_outwards():
    mesh = notched_hemisphere()
    edges = np.sort(np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]]), axis=1)
    _, times = np.unique(edges, axis=0, return_counts=True)
    assert (times == 2).all()
    a, b, c = (mesh.vertices[mesh.faces[:, i]].astype(float) for i in range(3))
    volume = (a * np.cross(b, c)).sum() / 6
    whole = 2 / 3 * np.pi * RADIUS**3
    assert (1 - 3 * NOTCH_DEPTH * 0.5) * whole < volume < whole


def test_rim_is_a_full_circle_and_the_notches_lie_inside():
    mesh = notched_hemisphere()
    radius = np.linalg.norm(mesh.vertices, axis=1)[:-1]  # the last vertex is the middle of the back
    rim = np.abs(mesh.vertices[:-1, 2]) < 1e-6
    np.testing.assert_allclose(radius[rim], RADIUS, rtol=1e-5)
    assert radius.max() == pytest.approx(RADIUS, rel=1e-5)
    assert RADIUS * (1 - NOTCH_DEPTH) - 1e-6 < radius.min() < RADIUS * (1 - 0.8 * NOTCH_DEPTH)


def test_masks_fill_the_outline(pictures):
    for one in pictures:
        for mask, (x, y, r) in ((one.mask, one.circle), (one.color_mask, one.color_circle)):
            rows, columns = np.nonzero(mask)
            assert abs(columns.mean() - x) < 0.7 and abs(rows.mean() - y) < 0.7
            assert np.sqrt(mask.sum() / np.pi) == pytest.approx(r, rel=0.03)
            assert np.hypot(columns - x, rows - y).max() < 1.04 * r + 1  # off the axis circles become ellipses


def test_depth_inside_the_mask_is_that_of_a_sphere(pictures):
    """Rays through the mask meet the sphere's front, or a notch that is deeper by no more than its depth."""
    for one in pictures:
        rays = one.frame.intrinsics.rays()[one.mask].astype(float)
        a, b = (rays**2).sum(1), rays @ one.probe.centre
        c = (one.probe.centre**2).sum() - RADIUS**2
        inside = b * b > a * c
        sphere = (b[inside] - np.sqrt(b[inside] ** 2 - a[inside] * c)) / a[inside]
        gap = one.frame.truth.depth[one.mask][inside] - sphere
        assert gap.min() > -1e-3 and np.median(np.abs(gap)) < 2e-3
        assert (gap > 0.004).mean() > 0.02  # the notches are there


def test_outline_of_a_probe_on_the_axis():
    session = glove_session(11, 0)
    camera = session.staged([], furnished=True, joints={}).depth_camera
    x, y, r = outline(Probe("left", np.array([0, 0, 0.5]), np.eye(3)), camera)
    k = camera.intrinsics
    assert (x, y) == pytest.approx((k.cx, k.cy), abs=1e-6)
    assert r == pytest.approx(k.fx * np.tan(np.arcsin(RADIUS / 0.5)), rel=1e-6)


def test_the_probe_has_the_colour_of_its_glove_and_no_hand_is_in_view(session, pictures):
    glove = np.array(session.look.materials[Surface.GLOVE_LEFT].albedo)
    for one in pictures:
        assert not np.isin(one.frame.labels, [Label.LEFT_HAND, Label.RIGHT_HAND]).any()
        colours = np.median(one.frame.color_rgb[one.color_mask].astype(float), axis=0)
        assert np.argmax(colours) == np.argmax(glove) and np.argmin(colours) == np.argmin(glove)


def test_positions_spread_through_the_frustum():
    places = np.array([probe_position(np.random.default_rng(i), i) for i in range(30)])
    share = places[:, :2] / places[:, 2:]
    for axis in range(2):
        assert np.ptp(share[:, axis]) > (0.6, 0.4)[axis]
    assert len(np.unique(np.round(places[:, 2], 1))) >= 3


def test_a_run_is_the_same_every_time(session, pictures):
    again = next(calibration_run(session, "left", 1, SIZE))
    np.testing.assert_array_equal(again.frame.color_rgb, pictures[0].frame.color_rgb)
    np.testing.assert_array_equal(again.frame.depth, pictures[0].frame.depth)


@pytest.mark.parametrize(("side", "count"), [("both", 3), ("left", 0)])
def test_bad_runs_are_refused(session, side, count):
    with pytest.raises(ValueError, match=rf"found '{side}' and {count}"):
        next(calibration_run(session, side, count))
