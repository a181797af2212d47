"""Saving cut-off recordings: as many frames as are left, the same as before, and nothing else touched."""

import numpy as np
import pytest
from camera_fixtures import needs_sdk, recorded

from handseg_lib.camera.mending import mend
from handseg_lib.camera.recording import play
from handseg_lib.errors import RecordingError

needs_sdk()


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("recording") / "a.db3", frames=20)


def cut(recording, folder, share):
    content = recording.read_bytes()
    path = folder / "cut.db3"
    path.write_bytes(content[: int(len(content) * share)])
    return path


def read(path):
    with play(path) as camera:
        return list(camera)


@pytest.mark.parametrize("share", [0.9, 0.5, 0.3])
def test_what_is_left_plays_and_is_the_same(recording, tmp_path, share):
    path = cut(recording, tmp_path, share)
    before = path.read_bytes()
    images = mend(path, tmp_path / "mended.db3")
    whole, saved = read(recording), read(tmp_path / "mended.db3")
    assert len(saved) == images // 2 and share * 20 - 4 <= len(saved) <= share * 20
    for one, two in zip(whole, saved, strict=False):
        assert np.array_equal(one.depth, two.depth) and np.array_equal(one.rgb, two.rgb)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.db3", "mended.db3"]


def test_a_whole_recording_loses_nothing(recording, tmp_path):
    assert mend(recording, tmp_path / "copy.db3") == 40
    assert len(read(tmp_path / "copy.db3")) == 20


def test_bad_input(recording, tmp_path):
    (tmp_path / "junk.db3").write_bytes(b"junk" * 99)
    (tmp_path / "empty.db3").touch()
    for name, message in (("none.db3", "no such file"), ("junk.db3", "no .db3 recording"), ("empty.db3", "no .db3")):
        with pytest.raises(RecordingError, match=message) as error:
            mend(tmp_path / name, tmp_path / "x.db3")
        assert name in str(error.value)
    with pytest.raises(RecordingError, match="holds no complete image"):
        mend(cut(recording, tmp_path, 0.02), tmp_path / "x.db3")
    with pytest.raises(RecordingError, match="exists already"):
        mend(recording, tmp_path / "junk.db3")
    assert not (tmp_path / "x.db3").exists() and not list(tmp_path.glob("x.*"))
