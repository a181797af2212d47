"""What a live camera, a recording and the simulated camera have in common: a pipeline of the SDK that gives frames."""

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera.frames import CameraFrame
from handseg_lib.camera.intrinsics import Intrinsics
from handseg_lib.camera.sdk import from_sdk_extrinsics, from_sdk_intrinsics, load_sdk
from handseg_lib.errors import CameraError, RecordingError

WAIT_MS = 15000
"""Milliseconds without a frame after which a camera counts as unplugged and a recording as stuck: the SDK's own."""


class CameraStream:
    """An open camera: a context manager, and an iterator of `CameraFrame` that can be gone through once.

    Closing it also closes the file that it records to, which can be played from then on; leaving the `with` block
    closes it in every case, an error or an interrupted cell included. (The SDK writes frames as they come: even a
    killed process leaves a recording that plays, short of the last few frames.)

    Attributes:
        name: what the SDK calls the camera.
        intrinsics: the depth camera.
        color_intrinsics: the colour camera, before alignment; None without colour.
        depth_to_color: (4, 4) float64, points of the depth camera to those of the colour camera, metres; None likewise.
        fps: frames per second that the depth stream announces.
        frames: how many frames were handed out.
        recorded_to: the file that is written meanwhile, or None.

    Raises:
        CameraError: while iterating, when the camera stops giving frames; what was recorded is kept.
        RecordingError: while iterating, when a recording breaks off or its colour has an unknown format.
    """

    def __init__(self, pipeline: Any, profile: Any, recorded_to: Path | None = None, limit: int | None = None) -> None:
        sdk = load_sdk()
        self._pipeline, self._limit = pipeline, limit
        self._align = sdk.align(sdk.stream.depth)
        self.recorded_to, self.frames = recorded_to, 0
        device = profile.get_device()
        self.name: str = device.get_info(sdk.camera_info.name) if device.supports(sdk.camera_info.name) else "unnamed"
        streams = {stream.stream_type(): stream.as_video_stream_profile() for stream in profile.get_streams()}
        depth, color = streams[sdk.stream.depth], streams.get(sdk.stream.color)
        self.fps: int = depth.fps()
        self.intrinsics: Intrinsics = from_sdk_intrinsics(depth.get_intrinsics())
        self.color_intrinsics = from_sdk_intrinsics(color.get_intrinsics()) if color else None
        self.depth_to_color = from_sdk_extrinsics(depth.get_extrinsics_to(color)) if color else None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> CameraFrame:
        if self._pipeline is None or self.frames == self._limit:
            raise StopIteration
        found = self._next_set()
        if found is None:
            raise StopIteration
        frame = self._converted(found)
        self.frames += 1
        return frame

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop the camera; a recording is complete after this. May be called again."""
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is None:
            return
        with suppress(RuntimeError):  # the device is gone: nothing is left to stop, and the file closes by itself
            pipeline.stop()
        self._release()

    def _next_set(self) -> Any | None:
        """The SDK's next pair of frames, or None at the end; a camera has none."""
        frames = self._wait(WAIT_MS)
        if frames is None:
            raise self._lost(f"no frame within {WAIT_MS / 1000:g} s")
        return frames

    def _wait(self, milliseconds: int) -> Any | None:
        """The SDK's next pair of frames, or None when there is none in time."""
        try:
            found, frames = self._pipeline.try_wait_for_frames(milliseconds)
        except RuntimeError as error:  # all that the SDK raises
            raise self._lost(str(error)) from error
        return frames if found else None

    def _release(self) -> None:
        """Let go of what else keeps the device or its file open."""

    def _lost(self, reason: str) -> CameraError:
        kept = f"What was recorded until then is kept in {self.recorded_to} and plays. " if self.recorded_to else ""
        return CameraError(
            f"{self.name}: the camera stopped after {self.frames} frames ({reason}); it was unplugged, or another "
            f"program took it. {kept}Plug it in again and open the camera anew"
        )

    def _converted(self, frames: Any) -> CameraFrame:
        depth, color = frames.get_depth_frame(), frames.get_color_frame()
        taken, lag, rgb, color_rgb = depth.get_timestamp() / 1000, float("nan"), None, None
        if color:
            lag, color_rgb = color.get_timestamp() / 1000 - taken, _rgb(color, self.name)
            rgb = _rgb(self._align.process(frames).get_color_frame(), self.name)
        metres = np.asanyarray(depth.get_data()).astype(np.float32) * np.float32(depth.get_units())
        return CameraFrame(metres, rgb, color_rgb, self.intrinsics, taken, depth.get_frame_number(), lag)


def check_limit(limit: int | None) -> None:
    """Refuse a number of frames that makes no sense.

    Raises:
        CameraError: for a limit below 1.
    """
    if limit is not None and limit < 1:
        raise CameraError(f"a camera gives at least one frame, found limit={limit}; None takes all there are")


def recording_path(path: Path | str | None) -> Path | None:
    """A path that can be recorded to, its folder made if need be; None stays None.

    Raises:
        RecordingError: for another ending than .db3, the only format that the SDK still writes, for a file that exists,
            or a folder that cannot be made.
    """
    if path is None:
        return None
    path = Path(path)
    if path.suffix != ".db3":
        raise RecordingError(f"{path}: the RealSense library records to .db3 only (it plays .bag, too); name it so")
    if path.exists():
        raise RecordingError(f"{path}: exists already, and recordings are not overwritten; move it, or choose a name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordingError(f"{path}: its folder cannot be made ({error.strerror}); choose another one") from error
    return path


def _rgb(frame: Any, name: str) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB, a copy, of a colour frame of the SDK."""
    kinds, kind = load_sdk().format, frame.get_profile().format()
    orders = {kinds.rgb8: (0, 1, 2), kinds.rgba8: (0, 1, 2), kinds.bgr8: (2, 1, 0), kinds.bgra8: (2, 1, 0)}
    if kind not in orders:
        raise RecordingError(
            f"{name}: colour comes as {kind.name}, expected one of {', '.join(k.name for k in orders)}; record rgb8"
        )
    return np.ascontiguousarray(np.asanyarray(frame.get_data())[..., orders[kind]])
