"""The colour camera: each effect alone, measured; and the same bits wherever it runs."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from handseg_lib.errors import DataError
from handseg_lib.synth.sensors.rgb_camera import GRADES, HEADROOM, RgbCamera, compressed, rgb_camera


def take(light, seed=0, **options):
    return rgb_camera(np.asarray(light, np.float32), np.random.default_rng(seed), RgbCamera(**options))


def grey(value=0.25, height=120, width=160):
    return np.full((height, width, 3), value, np.float32)


def linear(picture):
    return (picture / 255.0) ** 2.2


def step(height=120, width=160):
    image = grey(0.05, height, width)
    image[:, width // 2 :] = 0.6
    return image


def test_the_default_camera_only_encodes():
    light = np.random.default_rng(0).random((40, 50, 3), np.float32)
    expected = np.rint(255 * light.astype(np.float64) ** (1 / 2.2))
    assert np.abs(take(light) - expected).max() <= 1
    assert take(grey(0)).max() == 0
    assert take(grey(7)).min() == 255


def test_display_values_pass_through_unchanged():
    picture = np.random.default_rng(1).integers(0, 256, (30, 40, 3), np.uint8)
    np.testing.assert_array_equal(rgb_camera(picture, np.random.default_rng(0))[picture > 1], picture[picture > 1])


def test_one_stop_doubles_the_light():
    np.testing.assert_array_equal(take(grey(0.2), exposure=1), take(grey(0.4)))
    np.testing.assert_array_equal(take(grey(0.2), exposure=-1), take(grey(0.1)))


def test_white_balance_scales_each_channel():
    picture = linear(take(grey(0.3), white_balance=(1.5, 1.0, 0.5)))[0, 0]
    np.testing.assert_allclose(picture, [0.45, 0.3, 0.15], atol=0.006)


def test_vignette_leaves_the_middle_and_takes_its_share_in_the_corners():
    picture = linear(take(grey(0.5, 121, 161), vignette=0.4))[..., 0]
    assert picture[60, 80] == pytest.approx(0.5, abs=0.005)
    assert picture[0, 0] == pytest.approx(0.3, abs=0.005)
    np.testing.assert_array_equal(picture, picture[::-1, ::-1])


def test_noise_has_the_standard_deviation_that_was_asked_for():
    for value in (0.04, 0.25):
        error = linear(take(grey(value, 300, 400), shot_noise=0.06, read_noise=0.004)) - value
        assert error.std() == pytest.approx(np.sqrt(0.004**2 + 0.06**2 * value), rel=0.05)
        assert abs(error.mean()) < 0.001


def test_noise_has_grain_and_its_channels_are_independent():
    error = linear(take(grey(0.3, 300, 400), shot_noise=0.05)) - 0.3
    beside = np.corrcoef(error[:, 1:, 0].ravel(), error[:, :-1, 0].ravel())[0, 1]
    apart = np.corrcoef(error[:, 4:, 0].ravel(), error[:, :-4, 0].ravel())[0, 1]
    assert beside == pytest.approx(2 / 3, abs=0.03)  # of the weights 1 2 1: (1*2 + 2*1) / (1 + 4 + 1)
    assert abs(apart) < 0.02
    assert abs(np.corrcoef(error[..., 0].ravel(), error[..., 1].ravel())[0, 1]) < 0.02


def test_defocus_is_a_gaussian_of_that_width():
    edge = linear(take(step(60, 640), defocus_px=3.0))[30, :, 0]
    slope = np.diff(edge) / np.diff(edge).sum()
    place = np.arange(len(slope))
    mean = (slope * place).sum()
    assert np.sqrt((slope * (place - mean) ** 2).sum()) == pytest.approx(3.0, rel=0.08)
    assert mean == pytest.approx(319, abs=0.1)


def test_blur_is_relative_to_the_width_of_the_picture():
    widths = []
    for width in (320, 1280):
        edge = linear(take(step(30, width), defocus_px=4.0))[15, :, 0]
        slope = np.diff(edge) / np.diff(edge).sum()
        place = np.arange(len(slope)) - (slope * np.arange(len(slope))).sum()
        widths.append(np.sqrt((slope * place**2).sum()) / width)
    assert widths[0] == pytest.approx(widths[1], rel=0.1)


def test_motion_smears_along_its_direction_only():
    spot = grey(0.0, 100, 640)
    spot[50, 320] = 0.9
    across = linear(take(spot, motion_px=10))[..., 0]
    assert (across[50] > 0).sum() == 11
    assert (across > 0).any(axis=1).sum() == 1
    down = linear(take(spot, motion_px=10, motion_degrees=90))[..., 0]
    assert (down[:, 320] > 0).sum() == 11
    slanted = take(spot, motion_px=10, motion_degrees=45)[..., 0]
    rows, columns = np.nonzero(slanted)
    assert np.corrcoef(rows, columns)[0, 1] > 0.99  # y points down: towards the lower right
    assert across.sum() == pytest.approx(0.9, rel=0.05)


def test_highlights_spread_with_their_full_light():
    spot = grey(0.1, 60, 640)
    bright = spot.copy()
    spot[30, 320], bright[30, 320] = 1, HEADROOM
    blurred = [int(take(image, defocus_px=2)[..., 0].astype(int).sum()) for image in (spot, bright)]
    assert blurred[1] > blurred[0] + 200


def test_jpeg_errors_grow_as_quality_falls():
    texture = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)
    errors = [np.abs(compressed(texture, q).astype(int) - texture).mean() for q in (30, 60, 95)]
    assert errors[0] > errors[1] > errors[2] > 0
    flat = np.full((64, 64, 3), (200, 120, 60), np.uint8)
    assert np.abs(compressed(flat, 95).astype(int) - flat).max() <= 3  # colours keep their order


def test_input_is_left_alone_and_seeds_matter():
    light = step()
    before = light.copy()
    camera = RgbCamera.sample(np.random.default_rng(0), "wild")
    one, two, other = (rgb_camera(light, np.random.default_rng(s), camera) for s in (1, 1, 2))
    np.testing.assert_array_equal(light, before)
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()
    assert one.shape == light.shape and one.dtype == np.uint8 and one.flags.c_contiguous


@pytest.mark.parametrize("grade", GRADES)
def test_every_grade_still_shows_the_picture(grade):
    light = cv2.resize(np.random.default_rng(5).random((12, 16, 3), np.float32), (160, 120))
    rng = np.random.default_rng(7)
    for _ in range(20):
        camera = RgbCamera.sample(rng, grade)
        picture = rgb_camera(light, rng, camera)
        assert np.corrcoef(picture.ravel(), light.ravel())[0, 1] > 0.75
    assert camera != RgbCamera.sample(rng, grade)


def test_grades_differ():
    rng = np.random.default_rng(0)
    quality = {grade: np.mean([RgbCamera.sample(rng, grade).jpeg for _ in range(40)]) for grade in GRADES}
    assert quality["studio"] > quality["webcam"] > quality["head"] > quality["wild"]


def test_same_bits_on_a_processor_without_wide_vectors():
    code = (
        "import numpy as np; from hashlib import sha256; from handseg_lib.synth.sensors.rgb_camera import *;"
        "light = np.random.default_rng(0).random((120, 160, 3), np.float32);"
        "c = [RgbCamera.sample(np.random.default_rng(i), g) for i, g in enumerate(GRADES)] + [RgbCamera(defocus_px=9)];"
        "p = b''.join(rgb_camera(light, np.random.default_rng(1), k).tobytes() for k in c);"
        "print(sha256(p).hexdigest())"
    )
    plain = {
        "OPENCV_CPU_DISABLE": "AVX512-SKX,AVX2,FMA3,AVX,SSE4.2,SSE4.1",
        "OPENCV_IPP": "disabled",
        "JSIMD_FORCENONE": "1",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512_SKX AVX512_ICL AVX2 FMA3 X86_V3 X86_V4",
    }
    hashes = [
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=env, capture_output=True, check=True)
        for env in (os.environ, {**os.environ, **plain})
    ]
    first, second = (run.stdout.decode().split()[-1] for run in hashes)
    assert len(first) == 64
    assert first == second


@pytest.mark.parametrize(
    ("options", "message"),
    [({"jpeg": 0}, "jpeg.*found 0"), ({"vignette": 1.0}, "vignette.*1.0"), ({"motion_px": -1}, "motion_px.*-1"),
     ({"white_balance": (1, 0, 1)}, "white_balance")],
)  # fmt: skip
def test_impossible_cameras_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RgbCamera(**options)
    with pytest.raises(ValueError, match=r"polaroid.*studio"):
        RgbCamera.sample(np.random.default_rng(0), "polaroid")


def test_other_images_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match=r"float64 \(4, 4, 3\).*astype"):
        rgb_camera(np.zeros((4, 4, 3)), rng)
    with pytest.raises(DataError, match=r"\(4, 4\)"):
        rgb_camera(np.zeros((4, 4), np.float32), rng)
    with pytest.raises(DataError, match="NaN"):
        rgb_camera(np.full((4, 4, 3), np.nan, np.float32), rng)
