"""What all cameras share: alignment against an independent computation, colour formats, closing."""

import numpy as np
import pytest
from camera_fixtures import COLOR, DEPTH, mount, needs_sdk, shot, world

from handseg_lib.camera.sdk import load_sdk
from handseg_lib.camera.simulated import simulate, units
from handseg_lib.camera.stream import _rgb
from handseg_lib.errors import RecordingError

needs_sdk()


def aligned_by_a_loop(depth, rgb):
    """Pixel by pixel: the upper left corner of each depth pixel, seen by the colour camera, the nearest pixel there."""
    out = np.zeros((*depth.shape, 3), np.uint8)
    for y, x in np.argwhere(depth > 0):
        z = np.float64(depth[y, x])
        point = mount() @ [(x - 0.5 - DEPTH.cx) / DEPTH.fx * z, (y - 0.5 - DEPTH.cy) / DEPTH.fy * z, z, 1]
        u = int(point[0] / point[2] * COLOR.fx + COLOR.cx + 0.5)
        v = int(point[1] / point[2] * COLOR.fy + COLOR.cy + 0.5)
        if 0 <= u < COLOR.width and 0 <= v < COLOR.height:
            out[y, x] = rgb[v, u]
    return out


def test_alignment_matches_a_pixel_loop():
    with simulate(world(2)) as camera:
        for frame in camera:
            expected = aligned_by_a_loop(units(shot(frame.number).depth) * 0.000125, frame.color_rgb)
            assert expected.any(axis=-1).mean() > 0.5
            assert (frame.rgb != expected).any(axis=-1).mean() <= 1e-3  # float32 may round over at a pixel's border


def test_no_depth_means_no_colour():
    with simulate(world(1)) as camera:
        [frame] = camera
    assert (frame.depth == 0).any() and not frame.rgb[frame.depth == 0].any()


def test_frames_are_copies_and_survive_the_camera():
    with simulate(world(4)) as camera:
        frames = list(camera)
    assert all(np.array_equal(f.color_rgb, shot(f.number).rgb) for f in frames)
    frames[0].depth[:] = 1
    frames[0].rgb[:] = 1  # writable: a reader may draw on them


def test_a_camera_can_be_closed_twice_and_gives_nothing_afterwards():
    camera = simulate(world(4))
    next(camera)
    camera.close()
    camera.close()
    assert camera.frames == 1 and list(camera) == []


class Picture:
    """A colour frame of the SDK in some format."""

    def __init__(self, kind, data):
        self.kind, self.data = kind, data

    def get_profile(self):
        return self

    def format(self):
        return self.kind

    def get_data(self):
        return self.data


@pytest.mark.parametrize("name", ["rgb8", "bgr8", "rgba8", "bgra8"])
def test_channel_orders(name):
    channels = {"r": 10, "g": 20, "b": 30, "a": 255}
    data = np.tile(np.array([channels[c] for c in name[:-1]], np.uint8), (2, 3, 1))
    found = _rgb(Picture(getattr(load_sdk().format, name), data), "cam")
    assert found.shape == (2, 3, 3) and (found == [10, 20, 30]).all()


def test_other_formats_are_refused():
    with pytest.raises(RecordingError, match="cam: colour comes as yuyv, expected one of rgb8"):
        _rgb(Picture(load_sdk().format.yuyv, np.zeros((2, 2, 2), np.uint8)), "cam")
