"""The RealSense library (librealsense, as `pyrealsense2`): loading it, its types as ours, the modes of an SR300."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera.intrinsics import Intrinsics
from handseg_lib.errors import CameraError

SR300_UNIT = 0.000125
"""Metres a step of the SR300's depth images."""
PAPER_RATE = 48.0
"""Frames per second of the paper's recordings (HandSeg, Section 4). No mode of the sensor: its nearest is 60."""


@dataclass(frozen=True)
class Mode:
    """How a stream is delivered: its size in pixels and frames per second.

    Raises:
        CameraError: for a size or rate that is not positive.
    """

    width: int = 640
    height: int = 480
    fps: int = 60

    def __post_init__(self) -> None:
        if min(self.width, self.height, self.fps) <= 0:
            raise CameraError(f"a camera's mode needs a positive size and rate, found {self}")

    def __str__(self) -> str:
        return f"{self.width}x{self.height} at {self.fps}"


SR300_DEPTH_MODES = (
    *(Mode(640, 480, fps) for fps in (10, 30, 60)),
    *(Mode(640, 240, fps) for fps in (10, 30, 60, 110)),
)
"""Depth modes that an SR300 lists (librealsense, issues 257 and 10838); half the rows double its highest rate."""
SR300_COLOR_MODES = (
    *(Mode(640, 480, fps) for fps in (10, 30, 60)),
    *(Mode(960, 540, fps) for fps in (10, 30, 60)),
    *(Mode(1280, 720, fps) for fps in (10, 30, 60)),
    *(Mode(1920, 1080, fps) for fps in (10, 30)),
)
"""Colour modes that an SR300 lists, from 640x480 on; there are smaller ones."""


@cache
def load_sdk() -> ModuleType:
    """`pyrealsense2`, ready for use. It asks the system for libusb, and is given that of the package `libusb-package`.

    Raises:
        CameraError: where it is not installed or cannot be loaded.
    """
    try:
        import libusb_package

        ctypes.CDLL(str(libusb_package.get_library_path()), mode=ctypes.RTLD_GLOBAL)
    except (ImportError, OSError):
        pass  # the system may have a libusb of its own; if it has not, the next import says so
    try:
        import pyrealsense2
    except ImportError as error:
        raise CameraError(
            f"the RealSense library cannot be used ({error}); it has wheels for Linux on x86-64 and for Windows only, "
            "and `./run_all.sh doctor` tells what is missing. `pip install pyrealsense2 libusb-package` installs it; "
            "without it there is no camera, simulated camera or playback, but the synthetic data sets need none"
        ) from error
    if not hasattr(pyrealsense2, "pipeline"):  # a folder of that name, left behind by an uninstalled package
        raise CameraError(
            f"{getattr(pyrealsense2, '__path__', 'pyrealsense2')} holds no RealSense library; remove it and install "
            "pyrealsense2 again"
        )
    return pyrealsense2


def connected_cameras() -> list[str]:
    """Names of the RealSense cameras that are plugged in and that this version of the library knows.

    Raises:
        CameraError: where the library cannot be used.
    """
    sdk = load_sdk()
    return [device.get_info(sdk.camera_info.name) for device in sdk.context().query_devices()]


def offered_modes(device: Any, stream: Any) -> list[Mode]:
    """The modes in which a device of the SDK offers one kind of stream, smallest first."""
    profiles = [p for sensor in device.query_sensors() for p in sensor.get_stream_profiles()]
    found = [p.as_video_stream_profile() for p in profiles if p.stream_type() == stream and p.is_video_stream_profile()]
    modes = {Mode(p.width(), p.height(), p.fps()) for p in found}
    return sorted(modes, key=lambda m: (m.width, m.height, m.fps))


def started(pipeline: Any, config: Any, refused: Callable[[str], CameraError]) -> Any:
    """Start a pipeline of the SDK and return its profile; what the SDK complains of goes through `refused`."""
    try:
        return pipeline.start(config)
    except RuntimeError as error:  # all that the SDK raises
        raise refused(str(error)) from error


def to_sdk_intrinsics(intrinsics: Intrinsics) -> Any:
    """The same pinhole camera, without distortion, as the SDK writes it; both count pixel centres from whole 0."""
    sdk = load_sdk()
    out = sdk.intrinsics()
    out.width, out.height = intrinsics.width, intrinsics.height
    out.fx, out.fy, out.ppx, out.ppy = intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy
    out.model, out.coeffs = sdk.distortion.none, [0.0] * 5
    return out


def from_sdk_intrinsics(given: Any) -> Intrinsics:
    """A stream's camera as the library's `Intrinsics`; its lens distortion, if any, is left aside."""
    return Intrinsics(given.fx, given.fy, given.ppx, given.ppy, given.width, given.height)


def to_sdk_extrinsics(motion: NDArray[np.float64]) -> Any:
    """(4, 4) motion of points in metres -> the SDK's extrinsics: the rotation by columns, then the translation."""
    out = load_sdk().extrinsics()
    out.rotation = [float(x) for x in motion[:3, :3].T.ravel()]
    out.translation = [float(x) for x in motion[:3, 3]]
    return out


def from_sdk_extrinsics(given: Any) -> NDArray[np.float64]:
    """The SDK's extrinsics -> (4, 4) float64 motion of points in metres."""
    motion = np.eye(4)
    motion[:3, :3] = np.reshape(given.rotation, (3, 3)).T
    motion[:3, 3] = given.translation
    return motion
