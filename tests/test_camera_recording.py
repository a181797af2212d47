"""Playing recordings: nothing is dropped, the end is found, and what is wrong with a file is said."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from camera_fixtures import needs_sdk, numbers, recorded, world

from handseg_lib.camera.recording import play
from handseg_lib.camera.simulated import simulate
from handseg_lib.errors import CameraError, RecordingError

needs_sdk()


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("recording") / "a.db3", frames=60)


def test_every_frame_comes_once_and_in_order(recording):
    with play(recording) as camera:
        assert camera.seconds > 0 and camera.fps == 48 and camera.name == "test camera"
        assert numbers(camera) == list(range(60))


def test_a_slow_reader_loses_nothing(recording):
    with play(recording, limit=45) as camera:
        found = []
        for frame in camera:
            time.sleep(0.02)
            found.append(frame.number)
    assert found == list(range(45))


def test_the_end_is_found_without_waiting_for_a_time_out(recording):
    with play(recording) as camera:
        numbers(camera)
        started = time.perf_counter()
        assert list(camera) == []
    assert time.perf_counter() - started < 1


def test_depth_alone(recording):
    with play(recording, limit=3, color=False) as camera:
        assert all(frame.rgb is None for frame in camera) and camera.color_intrinsics is None


def test_one_frame_is_a_recording(tmp_path):
    with play(recorded(tmp_path / "one.db3", frames=1)) as camera:
        assert numbers(camera) == [0]


def test_a_recording_without_colour(tmp_path):
    path = recorded(tmp_path / "depth.db3", color=False)
    with pytest.raises(RecordingError, match=r"depth\.db3: the recording has no colour, found depth; pass color=False"):
        play(path)
    with play(path, color=False) as camera:
        assert numbers(camera) == [0, 1, 2, 3, 4]


def test_a_recording_of_nothing(tmp_path):
    with simulate(world(), record=tmp_path / "none.db3"):
        pass
    with pytest.raises(RecordingError, match="holds no image; it ended before the camera gave any"):
        play(tmp_path / "none.db3")


def rows_up_to(last, recording, path):
    """A recording of which only the first messages were written."""
    shutil.copy(recording, path)
    with closing(sqlite3.connect(path)) as file:
        file.execute("DELETE FROM messages WHERE id > ?", [last])
        file.execute("DELETE FROM topics WHERE id NOT IN (SELECT topic_id FROM messages)")
        file.commit()
    return path


@pytest.mark.parametrize(
    ("last", "message"), [(0, "no image"), (1, "no image"), (14, "no image"), (16, "extrinsics are not available")]
)
def test_a_recording_that_ends_before_the_first_pair(recording, tmp_path, last, message):
    with pytest.raises(RecordingError, match=message):  # with file_version alone the SDK would search for ever
        play(rows_up_to(last, recording, tmp_path / "r.db3"))


def test_a_recording_that_ends_after_the_first_pair(recording, tmp_path):
    with play(rows_up_to(24, recording, tmp_path / "r.db3")) as camera:
        assert numbers(camera) == [0]


def test_a_killed_process_leaves_a_recording_that_plays(tmp_path):
    code = (
        "import os, sys, time; from camera_fixtures import world; from handseg_lib.camera.simulated import simulate\n"
        "for frame in simulate(world(9), record=sys.argv[1]):\n"
        "    if frame.number == 6: time.sleep(1), os.kill(os.getpid(), 9)"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    subprocess.run([sys.executable, "-c", code, tmp_path / "k.db3"], env=os.environ | {"PYTHONPATH": path}, timeout=60)
    with play(tmp_path / "k.db3") as camera:
        found = numbers(camera)
    assert found == list(range(len(found))) and found  # short of the last few, which waited to be written


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.png", b"", "end in .db3 or .bag, found '.png'; name a recording, or 'live'"),
        ("live2", b"", "found 'no ending'"),
        ("empty.db3", b"", "has 0 bytes: empty, cut off"),
        ("empty.bag", b"", "has 0 bytes: empty, cut off"),
        ("junk.db3", b"junk" * 999, "no RealSense recording"),
        ("junk.bag", b"junk" * 999, "no RealSense recording"),
    ],
)
def test_files_that_are_no_recording(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordingError, match=message) as error:
        play(tmp_path / name)
    assert name in str(error.value)


@pytest.mark.parametrize("share", [0.99, 0.5, 0.1])
def test_a_recording_that_was_cut_off(recording, tmp_path, share):
    content = recording.read_bytes()
    (tmp_path / "cut.db3").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(RecordingError, match=r"cut\.db3: cannot be played .*malformed.*mend\(\) .*saves its frames"):
        play(tmp_path / "cut.db3")


def test_a_missing_file_and_a_folder(tmp_path):
    (tmp_path / "folder.db3").mkdir()
    for name in ("missing.db3", "folder.db3"):
        with pytest.raises(RecordingError, match=rf"{name}: no such file; record one"):
            play(tmp_path / name)
    with pytest.raises(CameraError, match="limit=0"):
        play(tmp_path / "missing.db3", limit=0)


def test_a_real_recording(shared_data):
    path = shared_data("realsense") / "single_depth_color_640x480.bag"
    with play(path) as camera:
        assert camera.intrinsics.width == 640 and camera.intrinsics.fx == pytest.approx(390.43, abs=0.01)
        assert camera.color_intrinsics.fy == pytest.approx(613.42, abs=0.01)
        assert np.allclose(camera.depth_to_color[:3, :3] @ camera.depth_to_color[:3, :3].T, np.eye(3), atol=1e-5)
        [frame] = camera  # two depth images, one picture: the second pair is complete
    assert frame.number == 170 and frame.depth.shape == (480, 640) and frame.color_rgb.shape == (480, 640, 3)
    assert 0.5 < np.median(frame.depth[frame.depth > 0]) < 4
    assert frame.rgb.any(axis=-1).mean() > 0.3
    with play(path, color=False) as camera:
        assert numbers(camera) == [169, 170]


@pytest.mark.parametrize("share", [0.99, 0.3])
def test_a_real_recording_that_was_cut_off(shared_data, tmp_path, share):
    content = (shared_data("realsense") / "single_depth_color_640x480.bag").read_bytes()
    (tmp_path / "cut.bag").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(RecordingError, match=r"cut\.bag: cannot be played"):
        play(tmp_path / "cut.bag")
