"""The review tool, clicked and typed into as a reader does, and left alone as in batch."""

import cv2
import numpy as np
import pytest

from handseg_lib.annotate.review import Choices
from handseg_lib.annotate.review_tool import ReviewTool
from handseg_lib.errors import DataError

FRAMES = ["a", "b", "c"]


def draw(name: str) -> np.ndarray:
    """A picture whose red tells the frame."""
    picture = np.zeros((6, 8, 3), np.uint8)
    picture[..., 0] = 40 * (FRAMES.index(name) + 1)
    return picture


@pytest.fixture
def path(tmp_path):
    return tmp_path / "choices.json"


@pytest.fixture
def tool(path):
    return ReviewTool(FRAMES, draw, Choices(path))


def button(tool: ReviewTool, text: str):
    [found] = [one for one in tool.box.children[2].children if getattr(one, "description", "") == text]
    return found


def press(tool: ReviewTool, keys: str) -> None:
    tool._keys.value = keys


def test_left_alone_it_writes_nothing(tool, path):
    assert not path.exists() and tool.position == 0
    assert "0 of 3 decided" in tool._status.value


def test_the_picture_is_that_of_the_frame(tool):
    for position in range(3):
        tool.show(position)
        shown = cv2.imdecode(np.frombuffer(tool._picture.value, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        np.testing.assert_array_equal(shown, draw(FRAMES[position]))


def test_one_click_decides_and_goes_on(tool, path):
    button(tool, "Accept").click()
    button(tool, "Reject").click()
    assert dict(Choices(path)) == {"a": "accept", "b": "reject"} and tool.position == 2
    assert "2 of 3 decided, 1 rejected" in tool._status.value


def test_one_key_decides_and_the_field_is_empty_again(tool, path):
    press(tool, "r")
    assert dict(Choices(path)) == {"a": "reject"} and tool._keys.value == ""
    press(tool, "A")
    press(tool, "x")  # no such key
    assert dict(Choices(path)) == {"a": "reject", "b": "accept"} and tool.position == 2


def test_a_review_goes_on_where_it_stopped(tool, path):
    press(tool, "a")
    again = ReviewTool(FRAMES, draw, Choices(path))
    assert again.position == 1


def test_going_back_changes_a_decision(tool, path):
    press(tool, "a")
    press(tool, "b")
    assert tool.position == 0 and "accept" in tool._status.value
    press(tool, "r")
    assert Choices(path)["a"] == "reject" and tool.position == 1
    press(tool, "b")
    press(tool, "b")
    assert tool.position == 0
    button(tool, "Next undecided").click()
    assert tool.position == 1


def test_what_was_skipped_comes_again(tool):
    tool.show(2)
    press(tool, "a")
    assert tool.position == 0


def test_the_end(tool, path):
    press(tool, "aar")
    assert tool.position == 3 and "All frames are decided" in tool._status.value
    before = path.read_text()
    press(tool, "a")
    assert path.read_text() == before
    press(tool, "b")
    assert tool.position == 2 and tool._picture.layout.display != "none"


def test_bad_input_is_refused(path):
    for frames in ([], ["a", "a"]):
        with pytest.raises(DataError, match="expected each id once"):
            ReviewTool(frames, draw, Choices(path))
    with pytest.raises(DataError, match=r"float64 \(2, 2\)"):
        ReviewTool(["a"], lambda _: np.zeros((2, 2)), Choices(path))
