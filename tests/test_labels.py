"""The label vocabulary and the maps between conventions."""

import numpy as np
import pytest

from handseg_lib.data import LABEL_MAPS, MIRROR, PARTS, Label, LabelMap
from handseg_lib.errors import DataError, LabelError

ALL = np.array([list(Label)], np.uint8)


def test_vocabulary_is_contiguous_and_starts_with_background() -> None:
    assert [int(label) for label in Label] == list(range(12)) and Label(0) is Label.BACKGROUND


def test_mirror_swaps_sides_and_keeps_the_rest() -> None:
    assert (MIRROR[MIRROR] == np.arange(12)).all()
    for label in Label:
        swapped = label.name.replace("LEFT", "*").replace("RIGHT", "LEFT").replace("*", "RIGHT")
        assert label.mirrored.name == swapped and MIRROR[label] == label.mirrored


def test_parts_are_five_fingers_of_three_segments_and_the_palm() -> None:
    assert len(PARTS) == len(set(PARTS)) == 17
    assert PARTS[0] == "background" and PARTS[1] == "thumb_proximal" and PARTS[16] == "palm"
    assert sum(part.startswith("index_") for part in PARTS) == 3


@pytest.mark.parametrize("label_map", LABEL_MAPS.values(), ids=LABEL_MAPS)
def test_every_map_is_consistent(label_map: LabelMap) -> None:
    assert sorted(label_map.classes) == list(range(len(label_map.classes)))
    assert label_map.names[0] == "background" and len(set(label_map.names)) == len(label_map.classes)
    covered = [label for _, labels in label_map.classes.values() for label in labels]
    assert len(covered) == len(set(covered))  # no label in two classes
    encoded = label_map.encode(ALL)
    says_something = {class_id for class_id, (_, labels) in label_map.classes.items() if labels}
    assert encoded.dtype == np.uint8 and set(encoded.flat) == says_something
    assert (label_map.encode(label_map.decode(encoded)) == encoded).all()  # decoding keeps the class


def test_left_right_worked_example() -> None:
    labels = np.array([[0, 1, 2, 3, 4, 5]], np.uint8)
    assert LABEL_MAPS["left_right"].encode(labels).tolist() == [[0, 1, 2, 0, 0, 0]]
    assert LABEL_MAPS["left_right_arm"].encode(labels).tolist() == [[0, 1, 2, 3, 3, 0]]
    assert LABEL_MAPS["hand"].encode(labels).tolist() == [[0, 1, 1, 0, 0, 0]]
    assert LABEL_MAPS["hand_arm"].encode(labels).tolist() == [[0, 1, 1, 1, 1, 0]]


def test_hands_and_what_they_hold() -> None:
    labels = np.array([[0, 1, 2, 3, 4, 5, 6, 7, 8]], np.uint8)
    assert LABEL_MAPS["hand_object"].encode(labels).tolist() == [[0, 1, 1, 0, 0, 2, 2, 2, 0]]


def test_hoseg_files_number_eight_things_and_two_of_them_are_background_here() -> None:
    files = LABEL_MAPS["hoseg"]
    ids = np.arange(8, dtype=np.uint8)[None]
    there = [Label.BACKGROUND, Label.BACKGROUND, Label.LEFT_HAND, Label.RIGHT_HAND, Label.LEFT_ARM, Label.RIGHT_ARM]
    assert files.decode(ids).tolist() == [[*there, Label.OBJECT_BOTH, Label.BACKGROUND]]


def test_the_released_handseg_files_number_the_hands_the_other_way_round() -> None:
    files = LABEL_MAPS["handseg_files"]
    assert files.decode(np.array([[0, 1, 2]], np.uint8)).tolist() == [[0, Label.RIGHT_HAND, Label.LEFT_HAND]]
    paper = LABEL_MAPS["left_right"].encode(files.decode(np.array([[0, 1, 2]], np.uint8)))
    assert paper.tolist() == [[0, 2, 1]]


@pytest.mark.parametrize("name", ["vocabulary", "left_right", "left_right_arm", "hand", "hand_arm", "handseg_files"])
def test_mirroring_and_encoding_commute_where_a_map_knows_both_sides(name: str) -> None:
    label_map = LABEL_MAPS[name]
    assert (label_map.mirror[label_map.encode(ALL)] == label_map.encode(MIRROR[ALL])).all()


def test_a_one_sided_map_cannot_be_mirrored_by_class() -> None:
    """Why flips act on vocabulary labels: a left hand is background here, but its mirror image is a right hand."""
    label_map = LABEL_MAPS["right_hand"]
    assert (label_map.mirror[label_map.encode(ALL)] != label_map.encode(MIRROR[ALL])).any()


def test_decode_names_file_value_and_convention() -> None:
    with pytest.raises(
        LabelError, match=r"masks/7\.png holds label 7, 9; expected left_right: 0 \(background\), 1 \(left"
    ):
        LABEL_MAPS["left_right"].decode(np.array([[0, 7], [9, 1]], np.uint8), where="masks/7.png")


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (np.zeros((2, 2), np.int64), "2-D int64"),
        (np.zeros((2, 2, 3), np.uint8), "3-D uint8"),
        (np.zeros(4, bool), "1-D bool"),
    ],
)
def test_encode_refuses_other_types_and_shapes(labels: np.ndarray, found: str) -> None:
    with pytest.raises(LabelError, match=f"2-D uint8, found {found}"):
        LABEL_MAPS["hand"].encode(labels)


def test_encode_refuses_values_outside_the_vocabulary() -> None:
    with pytest.raises(DataError, match="holds label 12, 255; expected the label vocabulary"):
        LABEL_MAPS["hand"].encode(np.array([[0, 12, 255]], np.uint8))


def test_encode_takes_an_empty_map() -> None:
    assert LABEL_MAPS["hand"].encode(np.zeros((0, 5), np.uint8)).shape == (0, 5)
