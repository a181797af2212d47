"""Visual domains: told apart in lens, sleeves, rooms and objects; one kept out of everything but its own tests."""

from dataclasses import replace

import numpy as np
import pytest

from handseg_lib.synth.ego.domains import DOMAINS, INDOOR, OUT_OF_DISTRIBUTION, domain_named, dressed_as
from handseg_lib.synth.ego.places import allowed_kinds
from handseg_lib.synth.objects import HELD_OUT, OBJECT_KINDS
from handseg_lib.synth.people.person import SUBJECTS, Person
from handseg_lib.synth.scenes.ego_hand_object import ACTIVITIES


def test_five_domains_train_and_one_is_kept_out() -> None:
    assert len(INDOOR) >= 5
    assert OUT_OF_DISTRIBUTION == ("wild",)
    assert not set(INDOOR) & set(OUT_OF_DISTRIBUTION)
    assert set(INDOOR) | set(OUT_OF_DISTRIBUTION) == set(DOMAINS)


@pytest.mark.parametrize("name", list(DOMAINS))
def test_field_of_view_is_what_the_lens_shows(name: str) -> None:
    domain, rng = DOMAINS[name], np.random.default_rng(0)
    for _ in range(5):
        lens = domain.lens(rng)
        assert (lens.width, lens.height) == (640, 480)
        fov = np.degrees(2 * np.arctan(0.5 * lens.width / lens.fx))
        assert domain.fov[0] - 0.01 <= fov <= domain.fov[1] + 0.01
        assert lens.fx == lens.fy


@pytest.mark.parametrize("split", list(SUBJECTS))
def test_subjects_belong_to_the_split(split: str) -> None:
    rng = np.random.default_rng(1)
    for domain in DOMAINS.values():
        assert domain.person(rng, split).subject in SUBJECTS[split]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown visual domain 'cellar'.*kitchen"):
        domain_named("cellar")
    with pytest.raises(ValueError, match="unknown split 'dev'"):
        DOMAINS["kitchen"].person(np.random.default_rng(0), "dev")


@pytest.mark.parametrize("name", list(DOMAINS))
def test_activities_exist_and_can_be_done_with_what_is_there(name: str) -> None:
    domain = DOMAINS[name]
    assert set(domain.activities) <= set(ACTIVITIES)
    kinds = allowed_kinds(domain, "train")
    assert len(kinds) >= 6
    assert set(kinds) <= set(OBJECT_KINDS)


def test_held_out_kinds_only_appear_where_training_never_looks() -> None:
    for name in INDOOR:
        assert not set(allowed_kinds(DOMAINS[name], "test")) & set(HELD_OUT)
    if set(DOMAINS["wild"].held) & set(HELD_OUT) & set(OBJECT_KINDS):
        assert set(allowed_kinds(DOMAINS["wild"], "test")) & set(HELD_OUT)


def test_sleeves_follow_their_weights() -> None:
    rng, outfit = np.random.default_rng(2), Person.of(0, 0).outfit
    bare = [dressed_as(rng, outfit, {"none": 1.0, "long": 0.0}).sleeve for _ in range(10)]
    long = [dressed_as(rng, outfit, {"none": 0.0, "long": 1.0}).sleeve for _ in range(10)]
    assert max(bare) == 0.0
    assert min(long) > 1.7
    assert replace(outfit, sleeve=0.0, sleeve_ease=0.0) == dressed_as(rng, outfit, {"none": 1.0})


def test_domains_differ_in_the_camera() -> None:
    rng = np.random.default_rng(3)
    noise = {name: np.mean([d.camera(rng).shot_noise for _ in range(40)]) for name, d in DOMAINS.items()}
    assert noise["wild"] > 1.2 * noise["office"]
