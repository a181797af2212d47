"""Loading the RealSense library, its types as ours, and how it is missed where it is absent."""

import subprocess
import sys

import numpy as np
import pytest
from camera_fixtures import COLOR, mount, needs_sdk

from handseg_lib.camera import sdk
from handseg_lib.camera.sdk import Mode
from handseg_lib.errors import CameraError


@pytest.fixture
def reloaded():
    sdk.load_sdk.cache_clear()
    yield
    sdk.load_sdk.cache_clear()


def test_without_the_library_the_message_says_what_to_do(monkeypatch, reloaded):
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    with pytest.raises(CameraError, match=r"doctor.*pip install pyrealsense2 libusb-package.*need none"):
        sdk.load_sdk()


def test_a_left_over_folder_is_not_the_library(monkeypatch, reloaded, tmp_path):
    (tmp_path / "pyrealsense2").mkdir()
    monkeypatch.delitem(sys.modules, "pyrealsense2", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(CameraError, match="holds no RealSense library; remove it"):
        sdk.load_sdk()
    sys.modules.pop("pyrealsense2", None)


def test_every_camera_module_imports_without_the_library():
    code = (
        "import sys; sys.modules['pyrealsense2'] = sys.modules['libusb_package'] = None\n"
        "import handseg_lib.camera.realsense, handseg_lib.camera.mending\n"
        "from handseg_lib.errors import CameraError\n"
        "try: handseg_lib.camera.realsense.open_camera('live')\n"
        "except CameraError as error: print('refused:', error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("refused: the RealSense library cannot be used"), done.stderr


def test_modes():
    assert str(Mode(640, 480, 60)) == "640x480 at 60"
    assert Mode(640, 480, 60) in sdk.SR300_DEPTH_MODES and Mode(640, 480, 60) in sdk.SR300_COLOR_MODES
    assert all(mode.fps != sdk.PAPER_RATE for mode in sdk.SR300_DEPTH_MODES)
    with pytest.raises(CameraError, match="0x480 at 60"):
        Mode(0, 480, 60)


def test_intrinsics_there_and_back():
    needs_sdk()
    found = sdk.from_sdk_intrinsics(sdk.to_sdk_intrinsics(COLOR))
    assert np.allclose([found.fx, found.fy, found.cx, found.cy], [COLOR.fx, COLOR.fy, COLOR.cx, COLOR.cy])
    assert (found.width, found.height) == (80, 60)


def test_projection_is_the_sdks():
    needs_sdk()
    points = np.random.default_rng(0).uniform((-0.1, -0.1, 0.4), (0.1, 0.1, 1), (20, 3))
    given = sdk.to_sdk_intrinsics(COLOR)
    theirs = [sdk.load_sdk().rs2_project_point_to_pixel(given, list(point)) for point in points]
    assert np.allclose(COLOR.project(points), theirs, atol=1e-3)


def test_extrinsics_there_and_back_and_as_the_sdk_uses_them():
    needs_sdk()
    given = sdk.to_sdk_extrinsics(mount())
    assert np.allclose(sdk.from_sdk_extrinsics(given), mount(), atol=1e-6)
    point = np.array([0.1, -0.2, 0.7])
    theirs = sdk.load_sdk().rs2_transform_point_to_point(given, list(point))
    assert np.allclose(mount()[:3, :3] @ point + mount()[:3, 3], theirs, atol=1e-6)


def test_cameras_are_listed():
    needs_sdk()
    assert all(isinstance(name, str) for name in sdk.connected_cameras())
