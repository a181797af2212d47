from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from skimage.color import rgb2lab

from handseg_lib import viz
from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import LABEL_MAPS, Label

CAMERA = Intrinsics(100.0, 100.0, 19.5, 14.5, 40, 30)

# Machado, Oliveira, Fernandes 2009, complete loss of one cone type, acting on linear RGB.
VISION = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}


@pytest.fixture(autouse=True)
def close_figures():
    with mpl.rc_context({"backend": "agg"}):
        yield
        plt.close("all")


def seen(colour, vision):
    """CIELAB of an sRGB colour as a person with this vision sees it."""
    c = np.asarray(colour, float) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    linear = (VISION[vision] @ linear).clip(0, 1)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(srgb[None, None])[0, 0]


@pytest.mark.parametrize("vision", VISION)
def test_every_pair_of_label_colours_differs(vision):
    """A difference of 20 in CIELAB is plain at a glance; neighbours in a rainbow map differ by far less."""
    lab = {label: seen(colour, vision) for label, colour in viz.PALETTE.items()}
    closest = min(combinations(Label, 2), key=lambda pair: np.linalg.norm(lab[pair[0]] - lab[pair[1]]))
    assert np.linalg.norm(lab[closest[0]] - lab[closest[1]]) > 20, closest


def test_palette_keeps_its_meaning():
    red, blue = viz.PALETTE[Label.LEFT_HAND], viz.PALETTE[Label.RIGHT_HAND]
    assert red[0] > 2 * max(red[1:]) and blue[2] > 2 * max(blue[:2])
    lightness = {label: seen(viz.PALETTE[label], "normal")[0] for label in Label}
    assert lightness[Label.LEFT_ARM] > lightness[Label.LEFT_HAND] + 10
    assert lightness[Label.RIGHT_ARM] > lightness[Label.RIGHT_HAND] + 10


def test_no_reading_is_unlike_every_depth():
    grey = seen(viz.NO_READING, "normal")
    depths = viz.DEPTH_MAP(np.linspace(0, 1, 64))[:, :3] * 255
    assert min(np.linalg.norm(seen(c, "normal") - grey) for c in depths) > 20


def test_depth_map_is_perceptually_ordered():
    lightness = [seen(c * 255, "deuteranopia")[0] for c in viz.DEPTH_MAP(np.linspace(0, 1, 32))[:, :3]]
    assert (np.diff(lightness) < 0).all()


def test_depth_image_worked_example():
    depth = np.array([[0.0, 0.5, 1.5]], np.float32)
    picture = viz.depth_image(depth, near=0.5, far=1.5)
    assert picture.dtype == np.uint8 and picture.shape == (1, 3, 3)
    assert tuple(picture[0, 0]) == viz.NO_READING
    assert tuple(picture[0, 1]) == (253, 231, 36)  # viridis' bright end
    assert tuple(picture[0, 2]) == (68, 1, 84)  # and its dark end


def test_depth_range_ignores_missing_readings_and_never_collapses():
    depth = np.zeros((10, 10), np.float32)
    depth[:5] = 0.7
    near, far = viz.depth_range(depth)
    assert near < 0.7 < far and far - near < 0.1
    assert viz.depth_range(np.zeros((4, 4), np.float32)) == (0.2, 1.5)
    with pytest.raises(ValueError, match="near must be less than far"):
        viz.depth_image(depth, 1.0, 0.5)


def test_overlay_leaves_the_background_alone_and_mixes_inside():
    image = np.full((9, 9, 3), 100, np.uint8)
    labels = np.zeros((9, 9), np.uint8)
    labels[2:7, 2:7] = Label.LEFT_HAND
    image[0, 0] = (255, 0, 0)
    mixed = viz.overlay(image, labels, alpha=0.5, outline=1)
    assert tuple(mixed[0, 0]) == (255, 0, 0)
    image[0, 0] = mixed[0, 0] = 100
    assert (mixed[labels == 0] == 100).all()
    assert tuple(mixed[2, 4]) == viz.PALETTE[Label.LEFT_HAND]  # on the outline
    assert tuple(mixed[4, 4]) == tuple(np.round((np.array(viz.PALETTE[Label.LEFT_HAND]) + 100) / 2))
    image[4, 4] = (255, 0, 0)
    assert tuple(viz.overlay(image, labels, alpha=0.0, outline=0)[4, 4]) == (54, 54, 54)  # 0.2126 x 255


def test_outlines_match_a_pixel_loop():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (7, 8)).astype(np.uint8)
    expected = np.zeros(labels.shape, bool)
    for y, x in np.ndindex(labels.shape):
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= v < 7 and 0 <= u < 8 and labels[v, u] != labels[y, x]:
                expected[y, x] = True
    assert (viz.outlines(labels) == expected).all()


def test_overlay_refuses_depth_and_other_sizes():
    with pytest.raises(ValueError, match=r"float32 \(4, 4\); see depth_image"):
        viz.overlay(np.zeros((4, 4), np.float32), np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match=r"\(4, 4\) but labels are \(2, 2\)"):
        viz.overlay(np.zeros((4, 4, 3), np.uint8), np.zeros((2, 2), np.uint8))


def test_normals_of_a_tilted_plane():
    """The plane n . p = d seen through each ray has depth d / (n . ray)."""
    normal = np.array([0.3, -0.2, -0.9]) / np.linalg.norm([0.3, -0.2, -0.9])
    depth = (-0.6 / (CAMERA.rays() @ normal)).astype(np.float32)
    depth[5, 5] = 0
    found = viz.normals(np.abs(depth), CAMERA)
    inner = found[10:20, 10:30].reshape(-1, 3)
    np.testing.assert_allclose(inner, np.broadcast_to(normal, inner.shape), atol=2e-3)
    assert not found[5, 5].any() and not found[5, 4].any() and not found[0].any()


def test_shading_darkens_what_turns_away_from_the_light():
    rays = CAMERA.rays()
    facing, away = (np.array(n) / np.linalg.norm(n) for n in ((-0.4, -0.6, -0.7), (0.6, 0.6, -0.5)))
    bright, dark = (
        viz.shade((0.6 / -(rays @ n)).astype(np.float32), CAMERA, 0.2, 5.0)[15, 20].astype(int).sum()
        for n in (facing, away)
    )
    assert bright > dark
    assert tuple(viz.shade(np.zeros((30, 40), np.float32), CAMERA)[0, 0]) == viz.NO_READING


def test_legend_of_a_label_map_names_its_classes():
    hand, thing = viz.legend_handles(LABEL_MAPS["hand_object"])
    assert (hand.get_label(), thing.get_label()) == ("hand", "object")
    decoded = LABEL_MAPS["hand_object"].decode(np.array([[1, 2]], np.uint8))
    for patch, colour in zip((hand, thing), viz.COLORS[decoded][0], strict=True):
        np.testing.assert_allclose(patch.get_facecolor()[:3], colour / 255)
    figure = viz.grid([[np.zeros((4, 6, 3), np.uint8)]], legend=LABEL_MAPS["hand_object"])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["hand", "object"]


def test_grid_places_titles_bar_and_legend():
    image = np.zeros((30, 40, 3), np.uint8)
    figure = viz.grid([[image, image], [image, None]], ["truth", "prediction"], ["a", "b"], (0.3, 1.0), Label)
    assert [a.get_title() for a in figure.axes[:2]] == ["truth", "prediction"]
    assert figure.axes[4].get_ylabel() == "depth (m), grey: no reading"
    assert len(figure.legends[0].get_texts()) == len(Label) - 1
    assert figure.axes[4].get_ylim() == (1.0, 0.3)  # near on top


def test_grid_refuses_ragged_rows_and_wrong_titles():
    image = np.zeros((3, 4, 3), np.uint8)
    with pytest.raises(ValueError, match=r"\[2, 1\]"):
        viz.grid([[image, image], [image]])
    with pytest.raises(ValueError, match="1 column titles for 2 columns"):
        viz.grid([[image, image]], ["one"])


def test_labels_in_finds_each_once():
    assert viz.labels_in(np.array([[0, 2]], np.uint8), np.array([[1, 2]], np.uint8)) == [1, 2]
    assert viz.label_name(Label.OBJECT2_BOTH) == "object of both hands, 2nd order"
