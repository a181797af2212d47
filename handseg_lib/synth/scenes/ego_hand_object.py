"""EgoHOS's setting: a camera on the wearer's head looks down at hands that work at counters and tables.

`ego_hand_object` gives a scene; `sample_layout` gives its arrangement (see `ego.layout`), which `build_scene` turns
into the same scene, and which makers of videos may change from frame to frame.
"""

import numpy as np

from handseg_lib.synth.ego.actions import ACTIONS, BENT
from handseg_lib.synth.ego.activities import ACTIVITIES as SIMPLE
from handseg_lib.synth.ego.activities import bare
from handseg_lib.synth.ego.arms import sample_stance
from handseg_lib.synth.ego.clutter import scatter
from handseg_lib.synth.ego.domains import INDOOR, Domain, domain_named
from handseg_lib.synth.ego.layout import EgoLayout, EgoScene, build_scene, clean_background
from handseg_lib.synth.ego.places import allowed_kinds
from handseg_lib.synth.ego.work import Work

__all__ = ["EgoLayout", "EgoScene", "build_scene", "clean_background", "ego_hand_object",
           "ego_hand_object_wild", "sample_layout"]  # fmt: skip

ATTEMPTS = 6
ACTIVITIES = {**SIMPLE, **ACTIONS}
"""Everything that hands may do, by name."""
BEFORE_TABLE = (-0.16, 0.0)
"""Range of the eyes' z while the wearer works at the table, metres."""


def ego_hand_object(rng: np.random.Generator, split: str = "train", domain: str | None = None) -> EgoScene:
    """One first-person frame's world.

    Args:
        rng: decides everything.
        split: whose subjects may appear: "train", "val" or "test".
        domain: a key of `domains.DOMAINS`; default any but the out-of-distribution ones.

    Raises:
        ValueError: for an unknown split or domain.
    """
    return build_scene(sample_layout(rng, split, domain))


def ego_hand_object_wild(rng: np.random.Generator, split: str = "test") -> EgoScene:
    """Frames of the domain that training never sees, with objects that it never sees either."""
    return ego_hand_object(rng, split, "wild")


def sample_layout(
    rng: np.random.Generator, split: str = "train", domain: str | None = None, activity: str | None = None
) -> EgoLayout:
    """The arrangement of one first-person frame.

    Args:
        rng: decides everything.
        split: whose subjects may appear: "train", "val" or "test".
        domain: a key of `domains.DOMAINS`; default any but the out-of-distribution ones.
        activity: a key of `ACTIVITIES`; default one that the domain knows, by its weights.

    Raises:
        ValueError: for an unknown split, domain or activity.
    """
    where = domain_named(str(rng.choice(INDOOR)) if domain is None else domain)
    if activity is not None and activity not in ACTIVITIES:
        raise ValueError(f"unknown activity {activity!r}, expected one of {', '.join(ACTIVITIES)}")
    person = where.person(rng, split)
    room, lens, rgb = where.room(rng), where.lens(rng), where.camera(rng)
    kinds = allowed_kinds(where, split)
    name = activity or _drawn(rng, where)
    for attempt in range(ATTEMPTS + 1):
        if attempt % 3 == 2:  # another one after two tries
            name = activity or _drawn(rng, where)
        focus = np.array([rng.normal(0, 0.05), 0.0, rng.uniform(0.15, 0.29)])
        focus, standing, eyes = BENT.get(name, (focus, BEFORE_TABLE, room.eyes))
        work = Work(rng, where, room, sample_stance(rng, person, eyes, focus, standing), lens, kinds)
        if (ACTIVITIES[name] if attempt < ATTEMPTS else bare)(work):
            break
    work.touched()
    scatter(work, int(rng.integers(where.clutter[0], where.clutter[1] + 1)))
    return EgoLayout(
        domain=where.name,
        person=person,
        room=room,
        camera=work.stance.camera,
        intrinsics=lens,
        hands=work.hands,
        objects=tuple(work.objects),
        rgb=rgb,
        seed=int(rng.integers(1 << 30)),
        activity=work.activity,
    )


def _drawn(rng: np.random.Generator, domain: Domain) -> str:
    """One of the domain's activities by its weights."""
    able = {name: weight for name, weight in domain.activities.items() if name in ACTIVITIES}
    weights = np.array(list(able.values()))
    return str(rng.choice(list(able), p=weights / weights.sum()))
