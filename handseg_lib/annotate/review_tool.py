"""A review tool for a notebook: one frame after the other, accepted or rejected by one click or one key.

The paper's reviewers "quickly discard images containing erroneous labels" (HandSeg Section 4). Decisions go into a
file at once (`Choices`), so a review can stop at any frame and go on another day. Where nobody clicks, as when a
notebook is executed in batch, the tool is drawn and does nothing else: no file is made.
"""

from collections.abc import Callable, Sequence

import cv2
import ipywidgets as widgets
import numpy as np
from numpy.typing import NDArray

from handseg_lib.annotate.review import ACCEPT, REJECT, Choices
from handseg_lib.errors import DataError

KEYS = {"a": ACCEPT, "r": REJECT}
"""Keys that decide; "b" goes back by one frame and "n" on to the next undecided one."""
NOTICE = "click here, then: a accept, r reject, b back, n next"


class ReviewTool:
    """Buttons, a field for keys, and the picture of the frame that waits for a decision.

    Attributes:
        frames: ids in the order of review.
        choices: where decisions are kept.
        position: index of the frame shown; `len(frames)` once all are decided.
        box: the widget to display.
    """

    def __init__(
        self, frames: Sequence[str], draw: Callable[[str], NDArray[np.uint8]], choices: Choices, width: int = 900
    ) -> None:
        """Show the first frame on which nothing was decided.

        Args:
            frames: ids, none twice.
            draw: id -> (H, W, 3) uint8 picture of a frame with its labels.
            choices: decisions so far, and where new ones go.
            width: of the picture on the screen in pixels.

        Raises:
            DataError: without frames, or if an id occurs twice.
        """
        if not frames or len(set(frames)) != len(frames):
            raise DataError(f"review of {len(frames)} frames with {len(set(frames))} ids; expected each id once")
        self.frames, self.draw, self.choices = list(frames), draw, choices
        self._picture = widgets.Image(format="png", layout=widgets.Layout(width=f"{width}px", max_width="100%"))
        self._status = widgets.HTML()
        self._keys = widgets.Text(placeholder=NOTICE, continuous_update=True, layout=widgets.Layout(width="360px"))
        self._keys.observe(self._typed, "value")
        buttons = [
            self._button("Accept", "success", "check", lambda: self.decide(ACCEPT)),
            self._button("Reject", "danger", "times", lambda: self.decide(REJECT)),
            self._button("Back", "", "arrow-left", lambda: self.show(self.position - 1)),
            self._button("Next undecided", "", "arrow-right", self.proceed),
        ]
        self.box = widgets.VBox([self._status, self._picture, widgets.HBox([*buttons, self._keys])])
        self.position = 0
        self.show(self._undecided(0))

    def show(self, position: int) -> None:
        """Show a frame by its index, clipped to what there is; `len(frames)` shows that the review is done."""
        self.position = min(max(position, 0), len(self.frames))
        decided = sum(frame in self.choices for frame in self.frames)
        rejected = sum(self.choices.get(frame) == REJECT for frame in self.frames)
        counts = f"{decided} of {len(self.frames)} decided, {rejected} rejected"
        if self.position == len(self.frames):
            self._status.value = f"<b>All frames are decided.</b> {counts}."
            self._picture.layout.display = "none"
            return
        frame = self.frames[self.position]
        self._picture.layout.display = ""
        self._picture.value = _png(self.draw(frame))
        self._status.value = f"<b>{frame}</b>: {self.choices.get(frame, 'undecided')}. {counts}."

    def decide(self, choice: str) -> None:
        """Keep a decision on the frame shown and go to the next undecided one; after the last nothing happens."""
        if self.position < len(self.frames):
            self.choices[self.frames[self.position]] = choice
            self.proceed()

    def proceed(self) -> None:
        """Go to the next frame on which nothing was decided, from the first one again after the last."""
        self.show(self._undecided(self.position + 1))

    def _undecided(self, start: int) -> int:
        order = [*range(start, len(self.frames)), *range(min(start, len(self.frames)))]
        return next((i for i in order if self.frames[i] not in self.choices), len(self.frames))

    def _typed(self, change: dict[str, str]) -> None:
        """Act on the keys typed into the field and empty it."""
        for key in change["new"].lower():
            if key in KEYS:
                self.decide(KEYS[key])
            elif key == "b":
                self.show(self.position - 1)
            elif key == "n":
                self.proceed()
        if change["new"]:
            self._keys.value = ""

    def _button(self, text: str, style: str, icon: str, action: Callable[[], None]) -> widgets.Button:
        button = widgets.Button(description=text, button_style=style, icon=icon)
        button.on_click(lambda _: action())
        return button

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)


def _png(picture: NDArray[np.uint8]) -> bytes:
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise DataError(
            f"a picture to review is {picture.dtype} {picture.shape}; expected uint8 (H, W, 3) in RGB order"
        )
    return cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
