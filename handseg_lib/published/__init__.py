"""The numbers printed in the papers, each with its source; never mixed with numbers measured here.

One YAML file a paper holds its tables digit for digit. Columns carry this project's metric names, so that a
measured table finds its printed counterpart.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from handseg_lib.errors import ReportError

PAPERS: tuple[str, ...] = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.yaml")))
"""Short names of the papers whose numbers are held."""


def table(paper: str, name: str) -> pd.DataFrame:
    """One printed table, rows and columns in the printed order.

    Args:
        paper: short name, one of `PAPERS`.
        name: `table1`, `table2`, ... by the paper's own numbering.

    Returns:
        Numbers as float64 in the printed unit, text as text. `.attrs` holds `source` (paper, table number),
        `citation`, `caption` (in our words), `section`, `headings` and `units` by column, `printed` (the same
        cells as the printed text, row by row) and `misprints` (a list of rows, columns, kind, why).

    Raises:
        ReportError: if there is no such paper or table; the message lists what there is.
    """
    entry = _entry(paper, "tables", name)
    columns = entry["columns"]
    printed = pd.DataFrame.from_dict(entry["rows"], orient="index", columns=list(columns))
    numbers = {c: printed[c] if v["unit"] == "text" else printed[c].map(_number) for c, v in columns.items()}
    frame = pd.DataFrame(numbers, index=pd.Index(list(entry["rows"]), name=entry["row_name"]))
    frame.columns.name = entry.get("column_name")
    frame.attrs = {
        "source": f"{title(paper)} {_numbered(name)}",
        "citation": _paper(paper)["citation"],
        "caption": entry["caption"],
        "section": entry["section"],
        "headings": {c: v["heading"] for c, v in columns.items()},
        "units": {c: v["unit"] for c, v in columns.items()},
        "printed": {row: dict(zip(columns, cells, strict=True)) for row, cells in entry["rows"].items()},
        "misprints": [dict(m) for m in entry.get("misprints", [])],
    }
    return frame


def tables(paper: str) -> tuple[str, ...]:
    """Names of a paper's tables, in order."""
    return tuple(_paper(paper)["tables"])


def figures(paper: str) -> dict[str, str]:
    """A paper's figures: name (`fig1`, ...) -> what it shows, in our words."""
    return dict(_paper(paper)["figures"])


def title(paper: str) -> str:
    """A paper's name as it is written in prose: "HandSeg"."""
    return _paper(paper)["title"]


def citation(paper: str) -> str:
    """The full reference of a paper."""
    return _paper(paper)["citation"]


@cache
def _paper(paper: str) -> Mapping[str, Any]:
    if paper not in PAPERS:
        raise ReportError(f"No published numbers of {paper!r}; there are those of {', '.join(PAPERS)}")
    text = (Path(__file__).parent / f"{paper}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.BaseLoader)  # BaseLoader keeps every digit: "99.90" stays text


def _entry(paper: str, kind: str, name: str) -> Mapping[str, Any]:
    entries = _paper(paper)[kind]
    if name not in entries:
        raise ReportError(f"No {name!r} among the {kind} of {paper}; there are {', '.join(entries)}")
    return entries[name]


def _number(text: str) -> float:
    """The number in a printed cell: "265,000" and "22h" and "99.90"; "-" is NaN."""
    if text in ("-", "–"):
        return float("nan")
    return float(re.sub(r"[,\s]|(?:h|ms|%|k)$", "", text))


def _numbered(name: str) -> str:
    return re.sub(r"^table(\d+)$", r"Table \1", name)
