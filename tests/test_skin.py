"""Skin: tones, palms, nails, relief, determinism."""

import numpy as np
import pytest

from handseg_lib.synth.hand.mesh import hand_mesh
from handseg_lib.synth.hand.shape import BONES, HandShape
from handseg_lib.synth.hand.skin import TONES, Skin, bilinear, skin_tone
from handseg_lib.synth.hand.skin_paint import Chart, curve

SHAPE = HandShape()


@pytest.fixture(scope="module")
def mesh(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDSEG_STORE", str(tmp_path_factory.mktemp("store")))
        return hand_mesh(SHAPE)


@pytest.fixture(scope="module")
def skins():
    return [Skin(SHAPE, seed) for seed in range(4)]


def test_tones_run_from_light_to_dark():
    np.testing.assert_allclose(skin_tone(0, 0), TONES[0])
    np.testing.assert_allclose(skin_tone(1, 0), TONES[-1])
    luminance = [skin_tone(d, 0).sum() for d in np.linspace(0, 1, 9)]
    assert (np.diff(luminance) < 0).all()


def test_values_are_reflectances_and_normals_are_unit(mesh, skins):
    for skin in skins:
        sample = skin(mesh.vertices, mesh.normals)
        assert sample.albedo.dtype == sample.infrared.dtype == sample.normals.dtype == np.float32
        assert sample.albedo.min() > 0 and sample.albedo.max() < 1
        assert sample.infrared.min() > 0.4 and sample.infrared.max() < 0.8
        np.testing.assert_allclose(np.linalg.norm(sample.normals, axis=1), 1, atol=1e-5)
        assert (sample.normals * mesh.normals).sum(1).min() > 0.5


def test_infrared_hardly_knows_the_tone(mesh, skins):
    means = [(s.tone.mean(), s(mesh.vertices, mesh.normals).infrared.mean()) for s in skins]
    visible, infrared = np.array(means).T
    assert np.ptp(visible) > 0.15 and np.ptp(infrared) < 0.16


def test_palms_are_paler_than_backs_the_more_the_darker_the_skin(mesh, skins):
    hand = mesh.vertices[:, 1] > 0.02
    back, palm = hand & (mesh.normals[:, 2] < -0.8), hand & (mesh.normals[:, 2] > 0.8)
    ratios = []
    for skin in sorted(skins, key=lambda s: s.depth):
        albedo = skin(mesh.vertices, mesh.normals).albedo[:, 1]
        ratios.append(albedo[palm].mean() / albedo[back].mean())
    assert ratios[-1] > 1.3 and ratios[-1] > ratios[0]


def test_nails_differ_from_the_skin_behind_them(mesh, skins):
    skin = max(skins, key=lambda s: s.depth)
    frame = SHAPE.rest_frames[BONES.index("middle_distal")]
    length = SHAPE.segments[2, 2]
    along = np.array([0.72, 0.15])[:, None] * length
    points = (frame[:3, 3] + along * frame[:3, 1]).astype(np.float32)
    nail, behind = skin(points, np.tile(np.float32([0, 0, -1]), (2, 1))).albedo
    assert nail.mean() > 1.5 * behind.mean()
    thumb = SHAPE.rest_frames[BONES.index("thumb_distal")]
    points = (thumb[:3, 3] + along / length * SHAPE.segments[0, 2] * thumb[:3, 1]).astype(np.float32)
    nail, behind = skin(points, np.tile(-thumb[:3, 2].astype(np.float32), (2, 1))).albedo
    assert nail.mean() > 1.5 * behind.mean()


def test_same_seed_same_skin_and_another_seed_another(mesh, skins):
    again = Skin(SHAPE, 0)(mesh.vertices, mesh.normals)
    np.testing.assert_array_equal(again.albedo, skins[0](mesh.vertices, mesh.normals).albedo)
    assert not np.array_equal(again.albedo, skins[1](mesh.vertices, mesh.normals).albedo)


def test_a_furrow_tilts_normals_towards_its_middle():
    chart = Chart((-0.01, -0.01), (0.01, 0.01))
    chart.stroke(np.array([[-0.02, 0.0], [0.02, 0.0]]), 0.003, height=-0.001)
    height = chart.layers["height"]
    assert height.min() == pytest.approx(-0.001, rel=1e-3) and height[0].max() == 0
    assert (np.diff(height[:, 10])[:20] <= 0).all()  # down towards the middle from below


def test_stroke_matches_a_loop_over_pixels():
    chart = Chart((0.0, 0.0), (0.01, 0.01))
    a, b, width = np.array([0.002, 0.003]), np.array([0.007, 0.006]), 0.002
    chart.stroke(np.stack([a, b]), width, red=0.5)
    for j, y in enumerate(chart.y):
        for i, x in enumerate(chart.x):
            p = np.array([x, y], float)
            t = np.clip((p - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
            d = np.linalg.norm(p - a - t * (b - a))
            assert chart.layers["red"][j, i] == pytest.approx(0.5 * max(1 - d * d / width**2, 0) ** 2, abs=1e-5)


def test_curve_passes_through_its_points():
    points = np.array([[0, 0], [1, 2], [3, 1], [4, 4.0]])
    np.testing.assert_allclose(curve(points, 5)[::5], points)


def test_bilinear_reads_a_plane_exactly_and_clamps():
    y, x = np.mgrid[0:8, 0:9].astype(np.float32)
    texture = np.stack([2 * x + 3 * y], -1)
    at = np.array([[1.25, 2.5], [6.9, 6.1], [-3, 2]], np.float32)
    np.testing.assert_allclose(bilinear(texture, at)[:, 0], [10.0, 32.1, 6.0], rtol=1e-5)


def test_noise_has_the_asked_spread_and_seed():
    chart = Chart((0.0, 0.0), (0.1, 0.1))
    field = chart.noise(np.random.default_rng(0), 0.004)
    assert field.shape == chart.layers["red"].shape and 0.7 < field.std() < 1.3
    np.testing.assert_array_equal(field, chart.noise(np.random.default_rng(0), 0.004))


def test_refuses_arrays_that_do_not_fit(skins):
    with pytest.raises(ValueError, match=r"\(N, 3\)"):
        skins[0](np.zeros((4, 3), np.float32), np.zeros((5, 3), np.float32))
