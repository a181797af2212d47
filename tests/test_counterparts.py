"""Synthetic counterparts of the real depth sets: their table, their labels, and that other code makes other sets."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from handseg_lib import published
from handseg_lib.annotate.flood_fill import flood_labels
from handseg_lib.data import recipe as recipe_module
from handseg_lib.data.counterparts import COUNTERPARTS, FOUR, counterpart
from handseg_lib.data.labels import LABEL_MAPS
from handseg_lib.data.recipe import IMAGES, Recipe
from handseg_lib.errors import DataError
from handseg_lib.synth.scenes import SCENES
from handseg_lib.synth.sensors import SENSORS
from handseg_lib.synth.world import frame
from handseg_lib.train.registry import REAL_SETS


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store of its own for sets; the meshes of hands and heads still come from the common one."""
    from handseg_lib import paths

    common = paths.store_root()
    for name in ("hands", "heads"):
        (common / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(common / name, target_is_directory=True)
    monkeypatch.setenv("HANDSEG_STORE", str(tmp_path))
    return tmp_path


def test_the_table_names_what_exists_and_agrees_with_the_paper():
    printed = published.table("handseg", "table1")
    assert {COUNTERPARTS[name].stands_for for name in FOUR} == set(printed.index)
    assert {COUNTERPARTS[name].stands_for for name in FOUR} == set(published.table("handseg", "table4").index)
    for name, one in COUNTERPARTS.items():
        assert one.scene in SCENES and one.sensor in SENSORS and one.labels in IMAGES and one.loader in REAL_SETS, name
        assert SENSORS[one.sensor].intrinsics == one.camera
        assert one.hands == printed.loc[one.stands_for, "hands"]
        assert f"{one.camera.width} × {one.camera.height}" == printed.loc[one.stands_for, "resolution"]
        assert set(one.label_maps) <= set(LABEL_MAPS) and "hand" in one.label_maps
    assert [name for name in FOUR if COUNTERPARTS[name].annotation == "heuristic"] == ["like_handnet"]


def test_heuristic_and_exact_labels_share_one_rendered_set(store):
    flooded = counterpart("like_handnet", "val", 2, (60, 80), workers=1)
    exact = counterpart("like_handnet_exact", "val", 2, (60, 80), workers=1)
    assert len(list((store / "data").glob("*/index.json"))) == 1
    assert flooded.fingerprint != exact.fingerprint and len(flooded) == 2
    assert flooded.label_maps == exact.label_maps == ("hand",) and set(flooded.subjects) <= {10, 11}
    one = frame("exo_left_hand", 0, 1, "val", (60, 80), "handnet")
    np.testing.assert_array_equal(flooded[1].depth, exact[1].depth)
    np.testing.assert_array_equal(exact[1].labels, one.labels)
    joints = one.truth.camera.to_camera(one.scene.joints["left"])
    np.testing.assert_array_equal(flooded[1].labels, flood_labels(one.depth, one.intrinsics, joints))
    assert (flooded[1].labels != exact[1].labels).any()
    with pytest.raises(IndexError):
        flooded[2]


def test_the_code_of_a_treatment_is_part_of_the_fingerprint(tmp_path, monkeypatch):
    plain = Recipe("exo_left_hand", "val", 2, (60, 80))
    flooded = replace(plain, images=("flooded_labels",))
    before = plain.fingerprint, flooded.fingerprint
    other = tmp_path / "flood_fill.py"
    other.write_text(Path(recipe_module.flood_fill.__file__).read_text() + "\nANOTHER = 1\n")
    monkeypatch.setitem(IMAGES, "flooded_labels", replace(IMAGES["flooded_labels"], code=(other,)))
    assert plain.fingerprint == before[0] and flooded.fingerprint != before[1]


def test_what_cannot_be_is_refused():
    with pytest.raises(DataError, match="no counterpart 'like_rhd' of a real set; choose one of like_handseg, "):
        counterpart("like_rhd")
    with pytest.raises(DataError, match="like_freiburg: 80x60 pixels do not have the shape of its sensor's 320x320"):
        counterpart("like_freiburg", size=(60, 80))
