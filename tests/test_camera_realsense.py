"""One function opens every camera; a live one is played here by a device of the SDK that has no hardware."""

from types import SimpleNamespace

import numpy as np
import pytest
from camera_fixtures import needs_sdk, numbers, recorded, world

from handseg_lib.camera import realsense
from handseg_lib.camera.realsense import open_camera
from handseg_lib.camera.sdk import Mode, load_sdk
from handseg_lib.camera.simulated import _device
from handseg_lib.errors import CameraError, RecordingError

needs_sdk()


def test_one_code_for_a_camera_and_its_recording(tmp_path):
    def read(source, **options):
        with open_camera(source, **options) as camera:
            return [(f.number, float(f.depth.sum()), int(f.color_rgb.sum())) for f in camera]

    assert read("simulated", world=world(), record=tmp_path / "r.db3") == read(tmp_path / "r.db3")
    assert len(read(str(tmp_path / "r.db3"), limit=2)) == 2


def test_the_default_is_a_glove_session_at_48_frames_a_second():
    with open_camera(limit=1) as camera:
        assert camera.fps == 48 and camera.name == "Simulated SR300, glove session"
        [frame] = camera
    assert frame.depth.shape == (480, 640) and frame.rgb.shape == (480, 640, 3)


def test_a_simulated_camera_takes_the_rate_of_a_mode():
    with open_camera("simulated", world=world(), mode=Mode(fps=30)) as camera:
        assert camera.fps == 30
        assert np.allclose(np.diff([f.timestamp for f in camera]), 1 / 30)


def test_options_that_do_not_go_with_the_source(tmp_path):
    path = recorded(tmp_path / "r.db3")
    with pytest.raises(CameraError, match=r"played as it was recorded; leave `record` and `mode` out"):
        open_camera(path, record=tmp_path / "s.db3")
    with pytest.raises(CameraError, match=r"played as it was recorded"):
        open_camera(path, mode=Mode())
    with pytest.raises(CameraError, match=r"source='live' does not look at a simulated world"):
        open_camera("live", world=world())
    with pytest.raises(RecordingError, match="name a recording, or 'live' or 'simulated' for a camera"):
        open_camera("life")


class Pipeline:
    """A pipeline that runs a given device in place of the camera that the configuration names."""

    def __init__(self, device, refusal=""):
        self.real, self.refusal = load_sdk().pipeline(), refusal
        self.real.set_device(device)

    def start(self, config):
        if self.refusal:
            raise RuntimeError(self.refusal)
        return self.real.start()

    def __getattr__(self, name):
        return getattr(self.real, name)


class Device:
    """A device of the SDK whose sensors note the options that are set."""

    def __init__(self, world, fps):
        self.real, self.sensors = _device(world, fps)

    def get_info(self, kind):
        return "test camera"

    def query_sensors(self):
        return self.real.query_sensors()


@pytest.fixture
def plugged(monkeypatch):
    """`plugged(devices, refusal)`: what the SDK finds from now on, and why it does not start."""
    sdk = load_sdk()

    def plug(devices, refusal=""):
        replaced = {
            "context": lambda: SimpleNamespace(query_devices=lambda: devices),
            "pipeline": lambda: Pipeline(devices[0].real, refusal),
            "config": lambda: SimpleNamespace(
                enable_device=lambda serial: None, enable_stream=lambda *a: None, enable_record_to_file=lambda p: None
            ),
        }
        fake = SimpleNamespace(**{name: getattr(sdk, name) for name in dir(sdk) if not name.startswith("__")})
        fake.__dict__.update(replaced, __version__="9.9")
        monkeypatch.setattr(realsense, "load_sdk", lambda: fake)

    return plug


def test_no_camera(plugged):
    plugged([])
    with pytest.raises(CameraError, match=r"no RealSense camera found.*USB 3.*Version 9\.9.*SR300.*supported by 2\.50"):
        open_camera("live")


def test_a_busy_camera(plugged):
    plugged([Device(world(), 60)], refusal="Device or resource busy")
    with pytest.raises(CameraError, match=r"could not be started \(Device or resource busy\).*another notebook"):
        open_camera("live", mode=Mode(64, 48, 60), color=False)


def test_a_mode_that_the_camera_has_not(plugged):
    plugged([Device(world(), 60)])
    with pytest.raises(CameraError, match=r"no depth of 640x480 at 60 frames a second; it offers 64x48 at 60"):
        open_camera("live")
    with pytest.raises(CameraError, match=r"no color of 64x48 at 60 frames a second; it offers 80x60 at 60"):
        open_camera("live", mode=Mode(64, 48, 60))
    plugged([Device(world(color=False), 60)])
    with pytest.raises(CameraError, match=r"it offers no color at all"):
        open_camera("live", mode=Mode(64, 48, 60))


def test_a_live_camera_is_read_like_any_other(plugged):
    device = Device(world(color=False), 60)
    plugged([device])
    with open_camera("live", mode=Mode(64, 48, 60), color=False, limit=1) as camera:
        from handseg_lib.camera.simulated import _software_frame, units

        [(sensor, profile)] = device.sensors.values()
        [first, *_] = world(color=False).shots
        sensor.on_video_frame(_software_frame(units(first.depth), profile, 0, 60))
        assert numbers(camera) == [0] and camera.fps == 60


def test_the_rate_goes_before_the_exposure():
    option, changed = load_sdk().option.auto_exposure_priority, []
    sensors = [
        SimpleNamespace(supports=lambda o: False, set_option=None),
        SimpleNamespace(supports=lambda o: o == option, set_option=lambda o, v: changed.append((o, v))),
    ]
    realsense._hold_rate(SimpleNamespace(query_sensors=lambda: sensors))
    assert changed == [(option, 0)]


def test_here_there_is_a_camera_or_a_clear_message():
    try:
        open_camera("live").close()
    except CameraError as error:
        assert "RealSense" in str(error) or "offers" in str(error) or "could not be started" in str(error)
