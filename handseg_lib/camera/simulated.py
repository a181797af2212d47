"""A simulated SR300: images go through librealsense's `software_device`, its pipeline and its recorder.

To the SDK it is a camera like any other: depth as z16 in steps of 0.125 mm, colour as rgb8 from a camera of its own,
intrinsics of both and the extrinsics between them. What it sees is a `SimulatedWorld`; `worlds` renders some.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera.intrinsics import Intrinsics
from handseg_lib.camera.sdk import PAPER_RATE, SR300_UNIT, load_sdk, started, to_sdk_extrinsics, to_sdk_intrinsics
from handseg_lib.camera.stream import CameraStream, check_limit, recording_path
from handseg_lib.errors import CameraError


@dataclass(frozen=True, eq=False)
class Shot:
    """What the two cameras of a mount see at one time.

    Attributes:
        depth: (H, W) float32 metres, 0 = no reading.
        rgb: (H', W', 3) uint8 in the colour camera's own view; None for a mount without colour.
        number: of the frame; it also says when it is taken.
    """

    depth: NDArray[np.float32]
    rgb: NDArray[np.uint8] | None
    number: int


@dataclass(frozen=True, eq=False)
class SimulatedWorld:
    """What stands before a simulated camera: the mount of its two cameras, and shots, made when they are needed.

    Attributes:
        name: what the camera calls itself.
        depth: the depth camera.
        color: the colour camera, None for a mount without one.
        depth_to_color: (4, 4) motion of points from the depth camera's coordinates to the colour camera's, metres.
        shots: as many as there are, perhaps without end; numbers must increase.
    """

    name: str
    depth: Intrinsics
    color: Intrinsics | None
    depth_to_color: NDArray[np.float64]
    shots: Iterable[Shot]


class SimulatedCamera(CameraStream):
    """A camera of the SDK that has no hardware. Each frame is made when it is asked for, and none is dropped."""

    def __init__(self, world: SimulatedWorld, fps: int, recorded_to: Path | None, limit: int | None) -> None:
        sdk = load_sdk()
        self._world, self._fps, self._shots = world, fps, islice(world.shots, limit)
        self._device, self._sensors = _device(world, fps)
        config, pipeline = sdk.config(), sdk.pipeline()
        pipeline.set_device(self._device)
        for kind in self._sensors:
            config.enable_stream(kind)
        if recorded_to is not None:
            config.enable_record_to_file(str(recorded_to))
        profile = started(pipeline, config, lambda reason: _not_started(world.name, recorded_to, reason))
        super().__init__(pipeline, profile, recorded_to, limit)

    def _next_set(self) -> Any | None:
        shot = next(self._shots, None)
        if shot is None:
            return None
        _check_shot(shot, self._world)
        sdk = load_sdk()
        images = {sdk.stream.depth: units(shot.depth), sdk.stream.color: shot.rgb}
        for kind, (sensor, profile) in self._sensors.items():
            sensor.on_video_frame(_software_frame(images[kind], profile, shot.number, self._fps))
        return super()._next_set()

    def _release(self) -> None:
        self._device, self._sensors, self._shots = None, {}, iter(())


def simulate(
    world: SimulatedWorld,
    record: Path | str | None = None,
    limit: int | None = None,
    fps: int = round(PAPER_RATE),
) -> SimulatedCamera:
    """Open a simulated camera.

    Args:
        world: what stands before it.
        record: a `.db3` file to record to.
        limit: stop after so many frames.
        fps: frames per second on the camera's clock, by default the paper's 48; rendering takes the time it takes.

    Raises:
        CameraError: where the SDK cannot be used, or for a limit or rate below 1; while iterating, for a shot of
            another size or type than the mount's cameras have.
        RecordingError: for a file that cannot be recorded to.
    """
    check_limit(limit)
    if fps < 1:
        raise CameraError(f"a camera gives at least one frame per second, found fps={fps}")
    return SimulatedCamera(world, fps, recording_path(record), limit)


def units(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    """(H, W) metres -> (H, W) uint16 steps of 0.125 mm, the nearest; 0 for no reading and for more than 8.19 m."""
    steps = np.rint(depth.astype(np.float64) / SR300_UNIT)
    return np.where((steps >= 0) & (steps <= 65535), steps, 0).astype(np.uint16)


def _check_shot(shot: Shot, world: SimulatedWorld) -> None:
    wanted = [("depth", shot.depth, np.float32, (world.depth.height, world.depth.width))]
    if world.color is not None:
        wanted.append(("rgb", shot.rgb, np.uint8, (world.color.height, world.color.width, 3)))
    for name, image, kind, shape in wanted:
        if image is None or image.shape != shape or image.dtype != kind:
            found = "none" if image is None else f"{image.dtype} {image.shape}"
            raise CameraError(
                f"{world.name}: frame {shot.number} has {name} {found}, its camera gives {np.dtype(kind)} {shape}"
            )


def _device(world: SimulatedWorld, fps: int) -> tuple[Any, dict[Any, tuple[Any, Any]]]:
    """A software device, and for each of its streams its sensor and profile."""
    sdk = load_sdk()
    device = sdk.software_device()
    device.register_info(sdk.camera_info.name, world.name)
    device.register_info(sdk.camera_info.serial_number, "simulated")
    depth_sensor = device.add_sensor("Depth")
    depth_sensor.add_read_only_option(sdk.option.depth_units, SR300_UNIT)
    depth = depth_sensor.add_video_stream(_video(sdk.stream.depth, sdk.format.z16, 2, world.depth, fps), True)
    sensors = {sdk.stream.depth: (depth_sensor, depth)}
    if world.color is not None:
        color_sensor = device.add_sensor("Color")
        color = color_sensor.add_video_stream(_video(sdk.stream.color, sdk.format.rgb8, 3, world.color, fps), True)
        sensors[sdk.stream.color] = (color_sensor, color)
        depth.register_extrinsics_to(color, to_sdk_extrinsics(world.depth_to_color))
    device.create_matcher(sdk.matchers.default)
    return device, sensors


def _video(kind: Any, form: Any, pixel_bytes: int, intrinsics: Intrinsics, fps: int) -> Any:
    stream = load_sdk().video_stream()
    stream.type, stream.fmt, stream.index, stream.uid, stream.bpp = kind, form, 0, pixel_bytes, pixel_bytes
    stream.width, stream.height, stream.fps = intrinsics.width, intrinsics.height, fps
    stream.intrinsics = to_sdk_intrinsics(intrinsics)
    return stream


def _software_frame(image: NDArray, profile: Any, number: int, fps: int) -> Any:
    sdk = load_sdk()
    frame = sdk.software_video_frame()
    frame.pixels = np.ascontiguousarray(image)
    frame.bpp = image.itemsize if image.ndim == 2 else image.shape[2]
    frame.stride = image.shape[1] * frame.bpp
    frame.timestamp, frame.domain = number * 1000 / fps, sdk.timestamp_domain.hardware_clock
    frame.frame_number, frame.profile = number, profile.as_video_stream_profile()
    if image.ndim == 2:
        frame.depth_units = SR300_UNIT
    return frame


def _not_started(name: str, recorded_to: Path | None, reason: str) -> CameraError:
    place = f" and record to {recorded_to}" if recorded_to else ""
    return CameraError(f"{name}: could not start{place} ({reason}); is there room on the disk, and may it be written?")
