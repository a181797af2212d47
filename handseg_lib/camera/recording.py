"""Playing recordings of RealSense cameras: `.db3`, which the SDK writes today, and `.bag`, which it wrote before."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from handseg_lib.camera.mending import count_images
from handseg_lib.camera.sdk import load_sdk, started
from handseg_lib.camera.stream import WAIT_MS, CameraStream, check_limit
from handseg_lib.errors import RecordingError

PLAYED = (".db3", ".bag")
POLL_MS = 100
QUIET_MS = 300
"""Milliseconds without a frame after the last was read from the file: on a busy machine some are still under way."""


class Playback(CameraStream):
    """A recording, played without regard to time so that no frame is dropped, however slowly it is read.

    The SDK's pipeline gives a depth image once there is a colour picture to go with it: depth images from before the
    first colour picture are passed over, and `color_lag` says how far apart the two of a frame are.
    """

    def __init__(self, path: Path, pipeline: Any, profile: Any, limit: int | None) -> None:
        self._path, self._player = path, profile.get_device().as_playback()
        super().__init__(pipeline, profile, limit=limit)

    @property
    def seconds(self) -> float:
        """How long the recording is, from its first message to its last on the recording machine's clock."""
        return self._player.get_duration().total_seconds()

    def _next_set(self) -> Any | None:
        """The next pair. The SDK shows an end like a delay, as no frame in time; only the playback's status tells."""
        stopped = load_sdk().playback_status.stopped
        for _ in range(WAIT_MS // POLL_MS):
            ended = self._player.current_status() == stopped
            frames = self._wait(QUIET_MS if ended else POLL_MS)
            if frames is not None:
                return frames
            if ended:
                break
        else:
            raise self._lost(f"nothing more within {WAIT_MS / 1000:g} s")
        if not self.frames:
            raise RecordingError(
                f"{self._path}: the recording holds no pair of frames that can be played; it ended before the camera "
                "gave any. Record it anew, or try color=False for its depth alone"
            )
        return None

    def _release(self) -> None:
        self._player = None

    def _lost(self, reason: str) -> RecordingError:
        return RecordingError(
            f"{self._path}: the recording breaks off after {self.frames} frames ({reason}); those before are good: "
            f"pass limit={self.frames} to read them alone, or record it anew"
        )


def play(path: Path | str, limit: int | None = None, color: bool = True) -> Playback:
    """Open a recording.

    Args:
        path: a `.db3` or `.bag` file of the RealSense SDK.
        limit: stop after so many frames.
        color: whether colour is needed; False also plays recordings without it, and leaves colour aside.

    Raises:
        CameraError: where the SDK cannot be used, or for a limit below 1.
        RecordingError: if the file is missing, no recording, cut off, without depth, or without colour.
    """
    check_limit(limit)
    path = Path(path)
    if path.suffix not in PLAYED:
        raise RecordingError(
            f"{path}: recordings end in {' or '.join(PLAYED)}, found {path.suffix or 'no ending'!r}; name a recording, "
            "or 'live' or 'simulated' for a camera"
        )
    if not path.is_file():
        raise RecordingError(f"{path}: no such file; record one with open_camera('simulated', record={path.name!r})")
    sdk = load_sdk()
    _check_images(path)
    _check_streams(path, color)
    config, pipeline = sdk.config(), sdk.pipeline()
    sdk.config.enable_device_from_file(config, str(path), False)
    config.enable_stream(sdk.stream.depth)
    if color:
        config.enable_stream(sdk.stream.color)
    try:  # before the start: a playback that has begun in real time drops frames
        config.resolve(sdk.pipeline_wrapper(pipeline)).get_device().as_playback().set_real_time(False)
    except RuntimeError as error:
        raise _damaged(path, str(error)) from error
    profile = started(pipeline, config, lambda reason: _damaged(path, reason))
    try:
        return Playback(path, pipeline, profile, limit)
    except RuntimeError as error:  # the calibration is written after the first images: it may be missing
        pipeline.stop()
        raise _damaged(path, str(error)) from error


def _check_images(path: Path) -> None:
    """Refuse a `.db3` without an image: the SDK would look for one for ever. What is no database is left to the SDK."""
    if path.suffix != ".db3":
        return
    with (
        suppress(sqlite3.DatabaseError),
        closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as file,
    ):
        file.execute("PRAGMA schema_version")  # fails where the file is no database, or a damaged or busy one
        tables = file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and not count_images(file):
            raise RecordingError(
                f"{path}: the recording holds no image; it ended before the camera gave any. Record anew"
            )


def _check_streams(path: Path, color: bool) -> None:
    """Refuse a recording without the streams that are asked for."""
    sdk = load_sdk()
    try:
        sensors = sdk.context().load_device(str(path)).query_sensors()
        kinds = {profile.stream_type() for sensor in sensors for profile in sensor.get_stream_profiles()}
    except RuntimeError as error:
        raise _damaged(path, str(error)) from error
    found = ", ".join(sorted(kind.name for kind in kinds)) or "no stream"
    if sdk.stream.depth not in kinds:
        raise RecordingError(f"{path}: the recording has no depth, found {found}; record depth and colour")
    if color and sdk.stream.color not in kinds:
        raise RecordingError(
            f"{path}: the recording has no colour, found {found}; pass color=False for its depth alone, or record both"
        )


def _damaged(path: Path, reason: str) -> RecordingError:
    mending = "mend() of handseg_lib.camera.mending saves its frames; else " if path.suffix == ".db3" else ""
    return RecordingError(
        f"{path}: cannot be played ({reason}). The file has {path.stat().st_size} bytes: empty, cut off while it was "
        f"copied, damaged or no RealSense recording. If it was cut off, {mending}copy it again and compare sizes, or "
        "record it anew"
    )
