"""Smooth paths: they pass through their keys, rest where they should, and never overshoot."""

import numpy as np
import pytest

from handseg_lib.synth.people.body import rotation
from handseg_lib.synth.video.trajectory import (
    PoseTrack,
    Spline,
    Sway,
    about_point,
    chained,
    inverse,
    minimum_jerk,
    moved,
    placed,
    turn_about,
)


def path(values, stops=None, times=None) -> Spline:
    times = np.arange(len(values), dtype=float) if times is None else np.array(times)
    stops = np.zeros(len(values), bool) if stops is None else np.array(stops)
    return Spline(times, np.array(values, float)[:, None], stops)


def test_minimum_jerk_starts_and_ends_at_rest():
    s = np.array([0, 1e-3, 0.5, 1 - 1e-3, 1])
    value = minimum_jerk(s)
    assert value[0] == 0 and value[2] == pytest.approx(0.5) and value[-1] == 1
    assert value[1] < 1.1e-8 and 1 - value[3] < 1.1e-8


def test_between_two_keys_the_path_is_the_minimum_jerk_one():
    line = path([2.0, 5.0], times=[1.0, 3.0])
    for t in np.linspace(1, 3, 9):
        assert line.at(t)[0] == pytest.approx(2 + 3 * float(minimum_jerk((t - 1) / 2)))
    assert line.at(-5)[0] == 2 and line.at(50)[0] == 5


def test_passes_its_keys_smoothly_and_without_overshoot():
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = rng.normal(size=7)
        line = path(values, stops=rng.random(7) < 0.3, times=np.cumsum(rng.uniform(0.2, 1.5, 7)))
        assert np.allclose([line.at(t)[0] for t in line.times], values)
        for k in range(6):
            t = np.linspace(line.times[k], line.times[k + 1], 60)
            x = np.array([line.at(u)[0] for u in t])
            assert min(values[k : k + 2]) - 1e-9 <= x.min() and x.max() <= max(values[k : k + 2]) + 1e-9
    eps = 1e-5
    for k in range(1, 6):  # no kinks: the speed is the same on both sides of a key
        here, left, right = (line.at(line.times[k] + d)[0] for d in (0, -eps, eps))
        assert (here - left) / eps == pytest.approx((right - here) / eps, abs=0.01)


def test_stops_where_it_should_and_passes_elsewhere():
    eps = 1e-4
    through, stopping = path([0.0, 1.0, 2.0]), path([0.0, 1.0, 2.0], stops=[True, True, True])
    assert (through.at(1 + eps) - through.at(1 - eps))[0] / (2 * eps) == pytest.approx(1.0, abs=1e-3)
    assert (stopping.at(1 + eps) - stopping.at(1 - eps))[0] / (2 * eps) == pytest.approx(0.0, abs=1e-3)


def test_poses_stay_rigid_and_turn_the_short_way():
    first = placed(np.eye(3), (0, 0, 0))
    last = placed(rotation("y", np.radians(170)), (1, 0, 0))
    track = PoseTrack([(0.0, first, True), (1.0, last, True)])
    for t in np.linspace(0, 1, 11):
        r = track.at(t)[:3, :3]
        assert np.allclose(r @ r.T, np.eye(3), atol=1e-12) and np.linalg.det(r) > 0
    half = track.at(0.5)
    assert np.allclose(half[:3, :3], rotation("y", np.radians(85)), atol=1e-9)
    assert np.allclose(track.at(1.0), last)


def test_about_a_vertical_axis_nothing_leaves_the_table():
    first, last = placed(rotation("y", 0.3), (0, 0, 0.2)), placed(rotation("y", 1.5), (0.1, 0, 0.3))
    track = PoseTrack([(0.0, first, True), (1.0, last, True)])
    for t in np.linspace(0, 1, 9):
        assert np.allclose(track.at(t)[1], [0, 1, 0, 0], atol=1e-12)


def test_algebra_of_poses():
    a = placed(turn_about((1, 2, 3), 0.7), (0.1, 0.2, 0.3))
    b = placed(turn_about((0, 1, 0), -1.2), (1, 0, 2))
    assert np.allclose(chained(a, b), a @ b) and np.allclose(inverse(a), np.linalg.inv(a))
    point = np.array([0.3, -0.4, 0.5])
    assert np.allclose(moved(a, point), (a @ [*point, 1])[:3])
    assert np.allclose(moved(about_point(turn_about((0, 0, 1), 1.0), point), point), point)


def test_a_head_sways_a_little():
    sway = Sway.sample(np.random.default_rng(1))
    shifts = np.array([sway.at(t)[:3, 3] for t in np.arange(0, 10, 0.1)])
    assert 0.002 < np.abs(shifts).max() < 0.03
    assert np.linalg.norm(np.diff(shifts, axis=0), axis=1).max() < 0.006


def test_refuses_keys_that_make_no_path():
    with pytest.raises(ValueError, match=r"\[0.0, 0.0\]"):
        path([0, 1], times=[0.0, 0.0])
    with pytest.raises(ValueError, match="found none"):
        PoseTrack([])
    with pytest.raises(ValueError, match="rotation"):
        PoseTrack([(0.0, 2 * np.eye(4), True)])
