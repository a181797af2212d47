"""The simulated camera through the real SDK: what goes in comes out, live and recorded."""

from dataclasses import replace

import numpy as np
import pytest
from camera_fixtures import COLOR, DEPTH, mount, needs_sdk, numbers, shot, world

from handseg_lib.camera import stream
from handseg_lib.camera.recording import play
from handseg_lib.camera.sdk import SR300_UNIT
from handseg_lib.camera.simulated import SimulatedCamera, simulate, units
from handseg_lib.errors import CameraError, RecordingError

needs_sdk()


def test_units_by_hand():
    depth = np.array([[0, 0.000125, 0.00018, 0.00019, 1.0, 8.191875, 8.3, -1.0, 0.5]], np.float32)
    assert units(depth).tolist() == [[0, 1, 1, 2, 8000, 65535, 0, 0, 4000]]
    assert units(depth).dtype == np.uint16


def test_what_goes_in_comes_out():
    with simulate(world(3), fps=48) as camera:
        assert camera.name == "test camera" and camera.fps == 48 and camera.recorded_to is None
        assert np.allclose(camera.depth_to_color, mount(), atol=1e-6)
        assert np.allclose(camera.intrinsics.matrix, DEPTH.matrix) and np.allclose(
            camera.color_intrinsics.matrix, COLOR.matrix
        )
        frames = list(camera)
    assert [frame.number for frame in frames] == [0, 1, 2]
    for n, frame in enumerate(frames):
        assert frame.depth.dtype == np.float32 and frame.rgb.dtype == np.uint8
        assert np.abs(frame.depth - shot(n).depth).max() <= SR300_UNIT / 2 + 1e-7
        assert np.array_equal(frame.depth == 0, shot(n).depth == 0)
        assert np.array_equal(frame.color_rgb, shot(n).rgb)
        assert frame.rgb.shape == (48, 64, 3)
        assert frame.timestamp == pytest.approx(n / 48) and frame.color_lag == 0


def test_a_recording_plays_back_the_same(tmp_path):
    with simulate(world(), record=tmp_path / "a" / "b.db3") as camera:
        taken = list(camera)
    with play(tmp_path / "a" / "b.db3") as played:
        again = list(played)
        assert np.allclose(played.depth_to_color, mount(), atol=1e-5)
    for one, two in zip(taken, again, strict=True):
        assert np.array_equal(one.depth, two.depth) and np.array_equal(one.color_rgb, two.color_rgb)  # lossless
        assert (one.rgb != two.rgb).any(axis=-1).mean() < 0.01  # the mount is stored rounded: a few pixels round over
        assert (one.number, one.color_lag) == (two.number, two.color_lag)
        assert one.timestamp == pytest.approx(two.timestamp, abs=1e-6)


def test_a_mount_without_colour():
    with simulate(world(2, color=False)) as camera:
        frames = list(camera)
        assert camera.color_intrinsics is None and camera.depth_to_color is None
    assert len(frames) == 2 and all(f.rgb is None and f.color_rgb is None and np.isnan(f.color_lag) for f in frames)


def test_a_limit_renders_no_more_than_it_needs():
    asked = []

    def shots():
        for n in range(10):
            asked.append(n)
            yield shot(n)

    with simulate(replace(world(), shots=shots()), limit=3) as camera:
        assert numbers(camera) == [0, 1, 2] and asked == [0, 1, 2]


def test_gaps_in_the_numbers_are_kept():
    with simulate(replace(world(), shots=[shot(n) for n in (0, 1, 4)]), fps=10) as camera:
        frames = list(camera)
    assert [f.number for f in frames] == [0, 1, 4] and frames[-1].timestamp == pytest.approx(0.4)


def test_an_error_of_the_world_passes_and_what_was_recorded_plays(tmp_path):
    def shots():
        yield from world(3).shots
        raise RuntimeError("the renderer broke")

    camera = simulate(replace(world(), shots=shots()), record=tmp_path / "r.db3")
    with pytest.raises(RuntimeError, match="the renderer broke"), camera:
        list(camera)
    with play(tmp_path / "r.db3") as played:
        assert numbers(played) == [0, 1, 2]


def test_an_unplugged_camera_is_told_and_what_was_recorded_plays(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "WAIT_MS", 50)
    camera = simulate(world(5), record=tmp_path / "r.db3")
    with pytest.raises(CameraError, match=r"stopped after 2 frames .*unplugged.*kept in .*r\.db3 and plays"), camera:
        next(camera), next(camera)
        camera._sensors.clear()  # no image reaches the SDK any more
        next(camera)
    assert list(camera) == []  # closed
    with play(tmp_path / "r.db3") as played:
        assert numbers(played) == [0, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth": np.zeros((48, 64))}, r"frame 0 has depth float64 \(48, 64\), its camera gives float32"),
        ({"depth": np.zeros((24, 64), np.float32)}, r"depth float32 \(24, 64\), its camera gives float32 \(48, 64\)"),
        ({"rgb": None}, r"has rgb none, its camera gives uint8 \(60, 80, 3\)"),
    ],
)
def test_a_shot_that_does_not_fit_the_mount(change, message):
    with (
        pytest.raises(CameraError, match=message),
        simulate(replace(world(), shots=[replace(shot(0), **change)])) as camera,
    ):
        next(camera)


def test_bad_input(tmp_path):
    (tmp_path / "there.db3").touch()
    (tmp_path / "file").touch()
    for record, message in (
        ("x.bag", "records to .db3 only"),
        ("there.db3", "exists already"),
        ("file/x.db3", "folder cannot be made"),
    ):
        with pytest.raises(RecordingError, match=message):
            simulate(world(), record=tmp_path / record)
    with pytest.raises(CameraError, match="limit=0"):
        simulate(world(), limit=0)
    with pytest.raises(CameraError, match="fps=0"):
        simulate(world(), fps=0)


def test_what_the_sdk_cannot_write_to_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    monkeypatch.setattr("handseg_lib.camera.simulated.recording_path", lambda path: path)
    with pytest.raises(CameraError, match=r"test camera: could not start and record to .*gone"):
        SimulatedCamera(world(), 48, folder / "x.db3", None)
