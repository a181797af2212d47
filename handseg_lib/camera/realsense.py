"""A RealSense camera, a recording of one, or the simulated one: opened by one function, used by the same code."""

from pathlib import Path
from typing import Any

from handseg_lib.camera.recording import play
from handseg_lib.camera.sdk import PAPER_RATE, Mode, load_sdk, offered_modes, started
from handseg_lib.camera.simulated import SimulatedWorld, simulate
from handseg_lib.camera.stream import CameraStream, check_limit, recording_path
from handseg_lib.camera.worlds import glove_frames, world_of
from handseg_lib.errors import CameraError

DEFAULT_MODE = Mode()
"""Of a live camera: 640x480 at 60 a second."""


def open_camera(
    source: Path | str = "simulated",
    record: Path | str | None = None,
    limit: int | None = None,
    mode: Mode | None = None,
    color: bool = True,
    world: SimulatedWorld | None = None,
) -> CameraStream:
    """Open a camera of any kind: `with open_camera(source) as camera: for frame in camera: ...`.

    Args:
        source: "live" for the RealSense that is plugged in, "simulated", or the path of a recording (.db3, .bag).
        record: a `.db3` file to record to while frames are read; not while a recording is played.
        limit: stop after so many frames. A live camera and the synthetic scenes have no end of their own.
        mode: size and rate of both streams of a live camera, by default 640x480 at 60 a second; of a simulated one
            only the rate counts, by default the paper's 48, and its size is the world's.
        color: False leaves colour aside, and is needed to play a recording that has none; a simulated camera has what
            its world has.
        world: what stands before a simulated camera; default: a glove session at 640x480.

    Raises:
        CameraError: no SDK, no camera, a busy one, a mode it does not have, or options that do not go with the source.
        RecordingError: a recording that is missing, damaged or without colour, or a file that cannot be recorded to.
    """
    if source == "simulated":
        seen = world_of(glove_frames(), "Simulated SR300, glove session") if world is None else world
        return simulate(seen, record, limit, round(PAPER_RATE) if mode is None else mode.fps)
    if world is not None:
        raise CameraError(f"source={str(source)!r} does not look at a simulated world; leave `world` out")
    if source == "live":
        return live(record, limit, mode or DEFAULT_MODE, color)
    if record is not None or mode is not None:
        raise CameraError(
            f"{source}: a recording is played as it was recorded; leave `record` and `mode` out (a file can be copied)"
        )
    return play(source, limit, color)


def live(
    record: Path | str | None = None, limit: int | None = None, mode: Mode = DEFAULT_MODE, color: bool = True
) -> CameraStream:
    """Open the RealSense camera that is plugged in, the first one where there are several.

    Its colour camera is told to hold the rate: left alone, it exposes longer in dim light and skips pictures.

    Args:
        record, limit, color: as for `open_camera`.
        mode: size and rate of both streams.

    Raises:
        CameraError: no SDK, no camera, a busy one, or a mode it does not have.
        RecordingError: for a file that cannot be recorded to.
    """
    check_limit(limit)
    path, sdk = recording_path(record), load_sdk()
    devices = list(sdk.context().query_devices())
    if not devices:
        raise CameraError(
            "no RealSense camera found. Plug one into a USB 3 port; on Linux its udev rules must be installed. "
            f"Version {sdk.__version__} of the library knows the D400 family; the paper's SR300 and the SR305 were "
            "last supported by 2.50. source='simulated' needs no camera, and recordings (.bag) of an SR300 still play"
        )
    device, kinds = devices[0], [sdk.stream.depth, *([sdk.stream.color] if color else [])]
    name = device.get_info(sdk.camera_info.name)
    config, pipeline = sdk.config(), sdk.pipeline()
    config.enable_device(device.get_info(sdk.camera_info.serial_number))
    for kind in kinds:
        _check_offered(name, kind.name, mode, offered_modes(device, kind))
        form = sdk.format.z16 if kind == sdk.stream.depth else sdk.format.rgb8
        config.enable_stream(kind, mode.width, mode.height, form, mode.fps)
    if path is not None:
        config.enable_record_to_file(str(path))
    profile = started(pipeline, config, lambda reason: _busy(name, reason))
    _hold_rate(profile.get_device())
    return CameraStream(pipeline, profile, path, limit)


def _check_offered(name: str, stream: str, mode: Mode, offered: list[Mode]) -> None:
    if mode not in offered:
        listed = ", ".join(map(str, offered)) or f"no {stream} at all"
        raise CameraError(f"{name}: no {stream} of {mode} frames a second; it offers {listed}")


def _hold_rate(device: Any) -> None:
    """Put the rate before the exposure, on every sensor that knows the choice."""
    option = load_sdk().option.auto_exposure_priority
    for sensor in device.query_sensors():
        if sensor.supports(option):
            sensor.set_option(option, 0)


def _busy(name: str, reason: str) -> CameraError:
    return CameraError(
        f"{name}: could not be started ({reason}). If it is busy, close what else uses it: the RealSense Viewer, or "
        "another notebook's kernel; if not, unplug it, plug it into a USB 3 port and try again"
    )
