"""Divisions by person and by stretches of a recording."""

import pytest

from handseg_lib.data.splits import by_group, by_stretch
from handseg_lib.errors import DataError

PARTS = ("train", "val", "test")


def test_ten_people_worked_example() -> None:
    split = {part: by_group([*range(10, 0, -1), 3, 3], part, "people") for part in (*PARTS, "all")}
    assert split == {"train": [1, 2, 3, 4, 5, 6, 7], "val": [8], "test": [9, 10], "all": list(range(1, 11))}


@pytest.mark.parametrize("count", [3, 4, 5, 9, 14, 20, 48])
def test_every_group_is_in_one_part_and_no_part_is_empty(count: int) -> None:
    groups = [7 * i % 101 for i in range(count)]
    parts = [by_group(groups, part, "people") for part in PARTS]
    assert all(parts) and sorted(g for part in parts for g in part) == sorted(groups)
    assert max(parts[0]) < min(parts[1]) and max(parts[1]) < min(parts[2])


def test_too_few_groups() -> None:
    assert by_group([4, 2], "all", "people") == [2, 4]
    with pytest.raises(DataError, match=r"found 2 people in x, numbered \[2, 4\]; .* needs 3 or more"):
        by_group([4, 2], "train", "people in x")


@pytest.mark.parametrize(("val", "test"), [(20, 20), (20, 0), (0, 10), (0, 0)])
@pytest.mark.parametrize("count", [3, 40, 6736])
def test_stretches_are_disjoint_and_complete(count: int, val: int, test: int) -> None:
    parts = [by_stretch(count, part, "x", val, test) for part in PARTS]
    assert [i for part in parts for i in part] == list(range(count)) == list(by_stretch(count, "all", "x"))
    assert [bool(part) for part in parts] == [True, bool(val), bool(test)]


def test_nyu_worked_example() -> None:
    assert [len(by_stretch(6736, part, "nyu")) for part in PARTS] == [6064, 336, 336]


def test_bad_requests() -> None:
    for divide in (by_group, by_stretch):
        with pytest.raises(DataError, match="x has no split 'valid'; choose one of train, val, test, all"):
            divide([1] if divide is by_group else 9, "valid", "x")
    with pytest.raises(DataError, match="x: found 2 frames, too few to divide"):
        by_stretch(2, "val", "x")
