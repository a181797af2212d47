"""Review of automatic annotations (HandSeg Section 4: "quickly discard images containing erroneous labels").

The paper discarded 20% by eye and does not say by what rule. `ReviewRule` is a stated one that needs exact truth, so
the share can be measured; `Choices` keeps what a person decides, in a JSON file that is whole at every moment.
"""

import json
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handseg_lib.annotate.gloves import HANDS, AnnotatedFrame
from handseg_lib.errors import DataError
from handseg_lib.files import write_atomic

ACCEPT, REJECT = "accept", "reject"
FORMAT = "handseg-review-1"


@dataclass(frozen=True)
class ReviewRule:
    """When a careful reviewer discards a frame; only pixels with a depth reading are looked at.

    Attributes:
        least_iou: a hand whose labels overlap with the truth by less is wrong. 0.8 is about where an eye sees a
            finger missing or a piece of the body labelled.
        visible: a hand counts as in view from this many pixels on, and labels count as a hand's from this many on.

    Raises:
        DataError: for values that make no sense.
    """

    least_iou: float = 0.8
    visible: int = 300

    def __post_init__(self) -> None:
        if not 0 <= self.least_iou <= 1 or self.visible < 1:
            raise DataError(f"review rule {self}; expected 0 <= least_iou <= 1 and visible >= 1 (pixels)")

    def faults(self, annotated: AnnotatedFrame, truth: NDArray[np.uint8], depth: NDArray[np.float32]) -> dict[str, str]:
        """Side -> what is wrong with that hand: "missed", "invented" or "inexact"; empty for a good frame.

        Args:
            annotated: from `annotate`.
            truth: (H, W) uint8 exact labels of the vocabulary.
            depth: (H, W) float32 metres.
        """
        seen, faults = depth > 0, {}
        for side, label in HANDS.items():
            fault = self.fault((truth == label) & seen, (annotated.labels == label) & seen)
            if fault:
                faults[side] = fault
        return faults

    def fault(self, true: NDArray[np.bool_], labelled: NDArray[np.bool_]) -> str:
        """What is wrong with one thing's (H, W) mask: "missed", "invented" or "inexact"; "" if nothing is."""
        there, claimed = int(true.sum()) >= self.visible, int(labelled.sum()) >= self.visible
        if there and not claimed:
            return "missed"
        if claimed and not there:
            return "invented"
        overlap = int((true & labelled).sum()) / max(int((true | labelled).sum()), 1)
        return "inexact" if there and overlap < self.least_iou else ""


def discarded_share(faults: Mapping[str, Mapping[str, str]]) -> float:
    """Share of frames (id -> its faults) with any fault; NaN without frames. The paper's reviewers discarded 0.20."""
    return sum(bool(f) for f in faults.values()) / len(faults) if faults else float("nan")


class Choices(MutableMapping[str, str]):
    """What a reviewer decided: frame id -> "accept" or "reject". Each change is on disk before it returns.

    Attributes:
        path: the JSON file; it need not exist yet.

    Raises:
        DataError: when the file is there but is no file of choices.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._choices: dict[str, str] = self._load()

    def _load(self) -> dict[str, str]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{self.path}: cannot be read ({error}); expected a JSON file of review choices") from error
        try:
            content = json.loads(text)
        except ValueError as error:
            raise self._refused(f"no JSON ({error})") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise self._refused("JSON of another kind")
        choices = content.get("choices")
        if not isinstance(choices, dict) or any(choice not in (ACCEPT, REJECT) for choice in choices.values()):
            raise self._refused("choices that are neither accept nor reject")
        return choices

    def _refused(self, found: str) -> DataError:
        return DataError(
            f"{self.path}: found {found}; expected the format {FORMAT!r} with choices of accept or reject by frame. "
            "Correct the file, or move it away to begin anew."
        )

    def _save(self, choices: dict[str, str]) -> None:
        text = json.dumps({"format": FORMAT, "choices": choices}, indent=1, sort_keys=True, ensure_ascii=False)
        write_atomic(self.path, text + "\n", DataError)
        self._choices = choices

    def __getitem__(self, frame: str) -> str:
        return self._choices[frame]

    def __setitem__(self, frame: str, choice: str) -> None:
        if choice not in (ACCEPT, REJECT) or not isinstance(frame, str):
            raise DataError(f"choice {choice!r} for frame {frame!r}; expected accept or reject for a frame's id")
        self._save({**self._choices, frame: choice})

    def __delitem__(self, frame: str) -> None:
        if frame not in self._choices:
            raise KeyError(frame)
        self._save({f: c for f, c in self._choices.items() if f != frame})

    def __iter__(self) -> Iterator[str]:
        return iter(self._choices)

    def __len__(self) -> int:
        return len(self._choices)

    @property
    def rejected_share(self) -> float:
        """Share of the decided frames that were rejected; NaN before the first."""
        return sum(c == REJECT for c in self.values()) / len(self) if self else float("nan")

    def pending(self, frames: list[str]) -> list[str]:
        """Those of some frames on which nothing was decided yet, in their order."""
        return [frame for frame in frames if frame not in self]

    def kept(self, frames: list[str]) -> list[str]:
        """Those of some frames that were accepted, in their order; undecided ones are not kept."""
        return [frame for frame in frames if self.get(frame) == ACCEPT]
