"""Dividing a set that comes without a division: by person where that is known, else into stretches of the recording.

Frames of one recording resemble their neighbours. Drawn at random, a test frame has near copies among those to learn
from, and the test then measures memory. So a person is in one split only; where persons are not known, a split is one
stretch of the recording, and only the frames at its two ends have such neighbours.
"""

from collections.abc import Iterable

from handseg_lib.errors import DataError

SPLITS = ("train", "val", "test", "all")


def check_split(split: str, name: str) -> None:
    """Refuse a split that is none of `SPLITS`; `name` is the set's, for the message."""
    if split not in SPLITS:
        raise DataError(f"{name} has no split {split!r}; choose one of {', '.join(SPLITS)}")


def by_group(groups: Iterable[int], split: str, where: str) -> list[int]:
    """Groups (people, sessions) of a split: the last fifth tests, the tenth before it validates, the others train.

    Of ten groups, 7 train, 1 validates and 2 test. At least one group is in each split.

    Args:
        groups: their numbers, in any order, each as often as it may be.
        split: one of `SPLITS`.
        where: what the groups are and of which set, for messages ("people in handseg/images").

    Returns:
        The numbers in rising order.

    Raises:
        DataError: for an unknown split, or fewer than three groups when a part of them is asked for.
    """
    check_split(split, where)
    numbers = sorted(set(groups))
    if split == "all":
        return numbers
    if len(numbers) < 3:
        raise DataError(
            f"found {len(numbers)} {where}, numbered {numbers}; a division into train, val and test needs 3 or more. "
            "Ask for the split 'all', or add the frames of others."
        )
    test, val = max(1, len(numbers) // 5), max(1, len(numbers) // 10)
    ends = {"train": (0, -val - test), "val": (-val - test, -test), "test": (-test, len(numbers))}
    return numbers[slice(*ends[split])]


def by_stretch(count: int, split: str, where: str, val: int = 20, test: int = 20) -> range:
    """Places of a split's frames: the last 1/`test` of the recording tests, the 1/`val` before it validates.

    Args:
        count: frames in the order they were recorded.
        split: one of `SPLITS`.
        where: the set, for messages.
        val, test: one frame in so many, and at least one; 0 for no such split, whose frames then train.

    Raises:
        DataError: for an unknown split, or too few frames to divide.
    """
    check_split(split, where)
    if split == "all":
        return range(count)
    testing = max(1, count // test) if test else 0
    validating = max(1, count // val) if val else 0
    training = count - testing - validating
    if training < 1:
        raise DataError(
            f"{where}: found {count} frames, too few to divide into {', '.join(SPLITS[:-1])}; ask for 'all'"
        )
    ends = {"train": (0, training), "val": (training, training + validating), "test": (count - testing, count)}
    return range(*ends[split])
