"""Profiles: the four files load, and a wrong key is an error that says what to do."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from handseg_lib import profiles
from handseg_lib.errors import ProfileError


@pytest.fixture
def keys() -> dict:
    """The keys of a good profile file, to be spoilt by a test."""
    return yaml.safe_load((Path(profiles.__file__).parent / "quick.yaml").read_text())


def read(tmp_path: Path, keys: object) -> profiles.Profile:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(keys))
    return profiles.read(path)


@pytest.mark.parametrize("name", profiles.NAMES)
def test_every_profile_loads_under_its_own_name(name):
    profile = profiles.load(name)
    assert profile.name == name
    assert profile.network.height <= profile.scene("exo_two_hands").height
    assert profile.colour.height <= profile.scene("ego_hand_object").height
    assert {"exo_hand_object", "ego_hand_object", "two_hands_amodal"} <= set(profile.scenes)
    assert profile.scene("two_hands_amodal").size == (128, 128)


def test_profiles_grow_from_smoke_to_paper():
    sizes = [profiles.load(name) for name in profiles.NAMES]
    frames = [p.scene("exo_two_hands").train for p in sizes]
    steps = [p.schedule("handseg").over(n).steps for p, n in zip(sizes, frames, strict=True)]
    assert frames == sorted(frames)
    assert steps == sorted(steps)


def test_paper_profile_holds_what_handseg_section_5_1_prints():
    profile = profiles.load("paper")
    schedule = profile.schedule("handseg")
    assert (schedule.lr, schedule.betas, schedule.epochs) == (2e-4, (0.5, 0.999), 50)
    assert (schedule.decay, schedule.warmup, schedule.weight_decay, schedule.clip) == ("constant", 0, 0, 0)
    assert profile.scene("exo_two_hands").size == profile.network.size == (480, 640)


def test_epochs_become_steps(keys, tmp_path):
    keys["schedules"]["handseg"] = {"epochs": 2.5, "batch": 10, "lr": 0.1}
    assert read(tmp_path, keys).schedule("handseg").over(frames=100).steps == 25


def test_unknown_profile_lists_the_right_ones():
    with pytest.raises(ProfileError, match=r"no profile 'quik'; choose one of smoke, quick, full, paper"):
        profiles.load("quik")


def test_unknown_scene_and_schedule_list_the_right_ones():
    with pytest.raises(ProfileError, match=r"no scene 'exo'; it has ego_hand_object, exo_hand"):
        profiles.load("smoke").scene("exo")
    with pytest.raises(ProfileError, match=r"no schedule 'hand'; it has benchmark, .*handseg, rgb, synthetic_to_real"):
        profiles.load("smoke").schedule("hand")


@pytest.mark.parametrize(
    ("place", "key", "value", "message"),
    [
        ((), "sede", 3, r"mine\.yaml: unknown key 'sede'; known here: purpose, seeds, bootstrap"),
        ((), "name", "other", r"mine\.yaml: unknown key 'name'"),
        (("network",), "chanels", 3, r"unknown key 'network\.chanels'; known here: height, width, channels"),
        (
            ("scenes", "exo_two_hands"),
            "trian",
            3,
            r"unknown key 'scenes\.exo_two_hands\.trian'; known here: train, val",
        ),
        ((), "seeds", "3", r"'seeds' is '3'; input should be a valid integer"),
        ((), "seeds", 0, r"'seeds' is 0; input should be greater than or equal to 1"),
        (("network",), "height", 120.5, r"'network\.height' is 120\.5; input should be a valid integer"),
        (("schedules", "handseg"), "lr", "2e-4", r"'schedules\.handseg\.lr' is '2e-4'.* write 2\.0e-4"),
        (("schedules", "handseg"), "betas", [0.5, 1.5], r"both betas must be in \[0, 1\)"),
        (("schedules", "handseg"), "epochs", 2, r"either steps or epochs"),
        (("benchmark",), "rates", {"fcn9s": 0.1}, r"'benchmark\.rates\.fcn9s' is .*'fcn32s', .*'deconvnet'\.$"),
        (("benchmark",), "rates", {"segnet": 0}, r"'benchmark\.rates\.segnet' is 0; input should be greater than 0"),
        (
            ("schedules", "handseg"),
            "decay",
            "cosin",
            r"'schedules\.handseg\.decay' is 'cosin'.*'constant', 'cosine' or 'stairs'",
        ),
    ],
)
def test_a_wrong_key_is_named_with_what_was_expected(keys, tmp_path, place, key, value, message):
    part = keys
    for step in place:
        part = part[step]
    part[key] = value
    with pytest.raises(ProfileError, match=message):
        read(tmp_path, keys)


def test_a_missing_key_is_named(keys, tmp_path):
    del keys["scenes"]["exo_two_hands"]["val"]
    with pytest.raises(ProfileError, match=r"mine\.yaml: key 'scenes\.exo_two_hands\.val' is missing"):
        read(tmp_path, keys)


def test_every_wrong_key_is_reported_at_once(keys, tmp_path):
    del keys["seeds"]
    keys["sede"] = 1
    with pytest.raises(ProfileError, match=r"(?s)seeds.*sede|sede.*seeds"):
        read(tmp_path, keys)


@pytest.mark.parametrize(("text", "message"), [("a: [1", "not valid YAML"), ("- 1", "mapping of keys, found list")])
def test_a_file_that_is_no_profile(tmp_path, text, message):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ProfileError, match=message):
        profiles.read(tmp_path / "mine.yaml")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ProfileError, match=r"absent\.yaml"):
        profiles.read(tmp_path / "absent.yaml")


def test_profiles_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        profiles.load("smoke").seeds = 2


def test_importing_profiles_does_not_import_torch():
    code = "import sys, handseg_lib.profiles; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
