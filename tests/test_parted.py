"""Things that come apart: lids that fit, halves that make a whole, jets that fall."""

import numpy as np
import pytest

from handseg_lib.synth.objects import sample_object
from handseg_lib.synth.objects.parted import LIDS, halves, lidded, stream
from handseg_lib.synth.shading import Material

FLESH = Material((0.8, 0.7, 0.4))


def volume(mesh) -> float:
    """Of a closed mesh, metres cubed, by the divergence theorem."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(np.float64) for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize("kind", ["apple", "carrot"])
def test_halves_make_a_whole(kind):
    whole = sample_object(kind, np.random.default_rng(3))
    xs = whole.mesh.vertices[:, 0]
    at = float(xs.min() + 0.6 * (xs.max() - xs.min()))
    low, high = halves(whole, at, FLESH)
    assert low.mesh.vertices[:, 0].max() == pytest.approx(at, abs=1e-6)
    assert high.mesh.vertices[:, 0].min() == pytest.approx(at, abs=1e-6)
    assert volume(low.mesh) > 0 and volume(high.mesh) > 0
    assert volume(low.mesh) + volume(high.mesh) == pytest.approx(volume(whole.mesh), rel=0.02)
    inside = low.mesh.material == len(whole.materials)
    assert low.materials[-1] is FLESH and inside.any()
    assert np.allclose(low.mesh.vertices[low.mesh.faces[inside], 0], at, atol=1e-6)


def test_a_cut_that_misses_is_refused():
    with pytest.raises(ValueError, match=r"x = 1\.000 m misses"):
        halves(sample_object("apple", np.random.default_rng(0)), 1.0, FLESH)


@pytest.mark.parametrize("kind", list(LIDS))
def test_lids_sit_on_their_vessels(kind):
    vessel, lid, height = lidded(kind, np.random.default_rng(1))
    assert lid.kind == "lid" and vessel.kind == kind
    assert lid.mesh.vertices[:, 1].max() == pytest.approx(0, abs=1e-6)
    top = -float(vessel.mesh.vertices[:, 1].min())
    assert height < top + 1e-4 and height + float(lid.extent[1]) > top  # it reaches over the rim and covers it
    radius = np.hypot(vessel.mesh.vertices[:, 0], vessel.mesh.vertices[:, 2])
    rim = radius[vessel.mesh.vertices[:, 1] < -top + 0.003].max()
    assert float(lid.extent[[0, 2]].max()) / 2 > 0.95 * rim
    assert all(grip.approach[1] > 0.99 for grip in lid.grips) and vessel.grips


def test_things_without_lids_are_refused():
    with pytest.raises(ValueError, match="'apple' has no lid"):
        lidded("apple", np.random.default_rng(0))


def test_a_jet_is_thin_and_as_long_as_it_falls():
    jet = stream(0.1, (0.3, 0.1, 0.0))
    assert jet.extent[1] == pytest.approx(0.1, abs=1e-6) and max(jet.extent[[0, 2]]) < 0.008
    assert jet.mesh.vertices[:, 1].max() == pytest.approx(0, abs=1e-6)
