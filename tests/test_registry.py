"""The registry of runs: pure data, complete, and loadable without torch."""

import subprocess
import sys

import pytest
import tiny_runs
from pydantic import ValidationError

from handseg_lib import profiles, series
from handseg_lib.data import LABEL_MAPS
from handseg_lib.errors import ProfileError, RunError
from handseg_lib.train import registry
from handseg_lib.train.registry import Data, Evaluation, RunConfig
from handseg_lib.train.runs import handseg
from handseg_lib.train.sets import open_set


@pytest.mark.parametrize("profile", profiles.NAMES)
@pytest.mark.parametrize("name", registry.RUNS)
def test_every_run_is_defined_at_every_profile(name, profile):
    config = registry.config(name, profile)
    sizes = profiles.load(profile)
    assert config.name == name
    expected = sizes.hands_objects if config.paper == "denseattention" else sizes.network
    assert config.input_size == (expected.size if config.inputs == "depth" else sizes.colour.size)
    assert config.schedule.steps >= 1
    assert config.schedule.epochs is None
    assert {config.label_map, *(test.label_map for test in config.tests)} <= set(LABEL_MAPS)
    assert len({test.name for test in config.tests}) == len(config.tests)


@pytest.mark.parametrize("name", registry.RUNS)
def test_a_configuration_survives_json(name):
    config = registry.config(name, "paper")
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_every_run_of_the_series_is_in_the_registry():
    assert {run for notebook in series.SERIES for run in notebook.runs} <= set(registry.RUNS)


def test_training_and_test_frames_come_from_different_splits():
    for name in registry.RUNS:
        config = registry.config(name, "quick")
        learnt = {(d.source, d.split) for d in (*config.learnt, config.validation)}
        assert learnt.isdisjoint((test.data.source, test.data.split) for test in config.tests)


def test_synthetic_to_real_learns_from_no_real_frame():
    config = registry.config("handseg/synthetic_to_real", "quick")
    assert not config.train.real
    assert not config.validation.real
    assert [test.data.source for test in config.tests if test.data.real] == ["sr305"]


def test_paper_profile_trains_for_50_epochs():
    config = registry.config("handseg/proposed", "paper")
    assert config.schedule.steps * config.schedule.batch == 50 * config.train.count


TABLE2 = ("fcn32s", "fcn16s", "fcn8s", "segnet", "deconvnet", "forest", "size_1")
LOSSES = ("loss_none", "loss_frequency", "loss_median", "size_1")


@pytest.mark.parametrize("profile", profiles.NAMES)
@pytest.mark.parametrize(
    ("names", "differing"), [(TABLE2, {"name", "model", "options"}), (LOSSES, {"name", "weighting"})]
)
def test_rows_of_a_comparison_differ_in_nothing_else(profile, names, differing):
    first, *others = (registry.config(f"handseg/{name}", profile).training() for name in names)
    for name, other in zip(names[1:], others, strict=True):
        rate = profiles.load(profile).benchmark.rates.get(name, first["schedule"]["lr"])
        assert other["schedule"] == first["schedule"] | {"lr": rate}
        other["schedule"] = first["schedule"]
        assert {key for key in first if first[key] != other[key]} <= differing


@pytest.mark.parametrize("profile", profiles.NAMES)
def test_training_sizes_are_halved_and_the_number_of_updates_is_not(profile):
    whole, *parts = (registry.config(f"handseg/size_{divisor}", profile) for divisor in handseg.SIZES)
    assert whole.train.first is None
    for divisor, part in zip(handseg.SIZES[1:], parts, strict=True):
        assert part.train.first == max(1, whole.train.count // divisor)
        assert part.train.model_copy(update={"first": None}) == whole.train  # one set, rendered once
        assert (part.schedule, part.tests, part.options) == (whole.schedule, whole.tests, whole.options)


def test_full_and_paper_compare_networks_of_the_papers_width():
    for profile in ("full", "paper"):
        options = {name: registry.config(f"handseg/{name}", profile).options for name in TABLE2}
        assert {options[name]["width"] for name in ("fcn32s", "segnet", "deconvnet", "size_1")} == {64}
    assert all(registry.config("handseg/forest", profile).options["depth"] == 22 for profile in profiles.NAMES)


def test_what_is_added_to_data_later_leaves_old_results_valid():
    plain = Data(source="exo_two_hands", split="train", count=12, height=120, width=160)
    assert "first" not in plain.model_dump()
    part = plain.model_copy(update={"first": 3})
    assert Data.model_validate_json(part.model_dump_json()) == part
    assert str(part) == "the first 3 synthetic exo_two_hands frames, train split, 120x160"


def test_an_unknown_run_lists_the_right_ones():
    with pytest.raises(RunError, match=r"no run 'handseg/propsed'; choose one of .*handseg/proposed, handseg/"):
        registry.config("handseg/propsed", "smoke")


def test_an_unknown_profile_lists_the_right_ones():
    with pytest.raises(ProfileError, match=r"no profile 'smok'"):
        registry.config("handseg/proposed", "smok")


def test_a_name_is_declared_once():
    with pytest.raises(RunError, match=r"two runs are called 'handseg/proposed'"):
        registry.declares("handseg/proposed")(lambda profile: None)


def test_what_a_number_was_measured_on_says_synthetic_or_real():
    test = Data(source="exo_two_hands", split="test", count=12, height=120, width=160)
    assert str(test) == "synthetic exo_two_hands frames, test split, 120x160"
    assert str(Data(source="sr305")) == "real sr305 frames"


def test_the_colour_run_learns_from_rendered_frames_of_several_scenes():
    config = registry.config("world/rgb", "quick")
    assert config.inputs == "rgb"
    assert {data.source for data in config.learnt} >= {"ego_hand_object", "exo_hand_object"}
    assert not any(data.real for data in (*config.learnt, config.validation))
    real = {test.data.source: test.label_map for test in config.tests if test.data.real}
    assert real == {"egohands": "hand", "hgr": "hand_arm"}
    assert list(config.sets) == [*config.learnt, config.validation, *(test.data for test in config.tests)]


def test_a_run_takes_one_kind_of_image():
    config = registry.config("world/rgb", "smoke")
    depth = config.validation.model_copy(update={"inputs": "depth"})
    with pytest.raises(ValidationError, match=r"run 'world/rgb' mixes depth and rgb; a network takes one of them"):
        RunConfig(**{**dict(config), "validation": depth})


@pytest.mark.parametrize("changes", [{"upsampling": "guided"}, {"only_measured": True}])
def test_a_test_on_colour_needs_no_depth(changes):
    test = registry.config("world/rgb", "smoke").tests[-1]
    with pytest.raises(ValidationError, match=r"'hgr' is on colour images: it needs upsampling='bilinear'"):
        Evaluation(**{**dict(test), **changes})


def test_the_training_part_leaves_the_tests_out():
    config = registry.config("handseg/synthetic_to_real", "smoke")
    fewer = config.model_copy(update={"tests": config.tests[:1]})
    assert fewer.training() == config.training()
    assert config.model_copy(update={"label_map": "hand"}).training() != config.training()


def test_a_run_starts_from_the_weights_of_its_like_only():
    config = registry.config("denseattention/full_cl", "smoke")
    assert config.start == registry.config("denseattention/full", "smoke")
    assert config.training()["start"] == config.start.training()
    other = registry.config("denseattention/fcn8s", "smoke")
    with pytest.raises(
        ValidationError, match=r"cannot start from the weights of 'denseattention/fcn8s': model is 'fcn'"
    ):
        RunConfig(**{**dict(config), "start": other})


def test_what_was_added_later_is_left_out_where_it_says_nothing():
    """So that numbers exported before it can still be reused."""
    plain = registry.config("handseg/proposed", "smoke").model_dump(mode="json")
    assert not {"within", "first"} & set(plain["train"])
    assert "noise" not in plain["augmentation"] and "bands" not in plain["tests"][0]
    assert not {"every", "drop"} & set(plain["schedule"])


def test_the_nearest_range_is_named():
    data = registry.config("denseattention/full", "smoke").train
    assert str(data).endswith("96x128, the nearest 16 cm")


def test_importing_the_registry_does_not_import_torch():
    code = "import sys, handseg_lib.train.registry, handseg_lib.series; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_folder_of_declarations_leaves_the_function_its_name():
    """`train/runs/` holds the declarations, and `train.runs` is what gives a run for several seeds."""
    from handseg_lib import train

    assert callable(train.runs)
    assert {define.__module__.rsplit(".", 1)[0] for define in registry.RUNS.values()} == {"handseg_lib.train.runs"}


def test_a_part_of_a_set_is_opened_from_the_whole(monkeypatch):
    asked = []
    squares = tiny_runs.Squares("train", 6)
    monkeypatch.setattr("handseg_lib.data.synthetic.synthetic", lambda *recipe, **_: asked.append(recipe) or squares)
    data = Data(source="exo_two_hands", split="train", count=6, height=48, width=64, first=2)
    part = open_set(data)
    assert len(part) == 2 and part[1].id == squares[1].id and part.fingerprint != squares.fingerprint
    assert asked == [("exo_two_hands", "train", 6, (48, 64), 0)]


def test_networks_on_vgg_take_weights_that_the_profile_names() -> None:
    profile = profiles.load("quick")
    named = profile.model_copy(
        update={"benchmark": profile.benchmark.model_copy(update={"vgg_weights": "vgg16-0.pth"})}
    )
    for run in ("fcn32s", "fcn8s", "segnet", "deconvnet"):
        random, given = (registry.config(f"handseg/{run}", each).options for each in (profile, named))
        assert "weights" not in random and given["weights"] == "vgg16-0.pth"
        assert [options.get("batch_norm") for options in (random, given)] == (
            [True, False] if run.startswith("fcn") else [None, None]
        )
