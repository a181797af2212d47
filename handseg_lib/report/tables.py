"""Tables: one set of numbers, written as CSV, Markdown, LaTeX and HTML.

What a paper printed and what was measured here stand in columns of their own, side by side, and never mix. Under
every table stand the definition of each metric, what it was measured on, with which profile and how many seeds.
"""

import html
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from handseg_lib.errors import ReportError

NOTHING = "–"
"""What a cell shows where nothing was printed or measured."""

WIDE = 6
"""With more metrics than this, and fewer rows than metrics, metrics run down the page instead of across."""


class Measured(Protocol):
    """What a table needs of a finished run (`handseg_lib.train.Run`)."""

    name: str
    seed: int
    metrics: Mapping[str, Mapping[str, float]]
    confusion: Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A finished table: the data and how it is shown.

    Attributes:
        name: artefact name, `handseg_table2`.
        caption: what it shows, one sentence.
        data: what the CSV holds, one row a method, numbers in the unit its header names.
        shown: the same as text, columns with one or two header rows.
        notes: sentences below the table.
        misprints: sentences on what cannot be right in the printed table.
    """

    name: str
    caption: str
    data: pd.DataFrame
    shown: pd.DataFrame
    notes: tuple[str, ...]
    misprints: tuple[str, ...] = ()

    def csv(self) -> str:
        """Numbers to ten digits, one header line."""
        return self.data.to_csv(float_format="%.10g")

    def markdown(self) -> str:
        """A pipe table with caption and notes."""
        flat = self.shown.copy()
        if isinstance(flat.columns, pd.MultiIndex):
            flat.columns = [f"{a} ({b})" if b else a for a, b in flat.columns]
        body = flat.to_markdown(disable_numparse=True, stralign="right")
        return (
            "\n\n".join([f"**{self.caption}**", body, "\n".join(f"- {n}" for n in self.notes + self.misprints)]) + "\n"
        )

    def latex(self) -> str:
        """A `table` environment (package booktabs), notes in small print."""
        body = _name_in_corner(self.shown).to_latex(
            caption=_tex(self.caption), label=f"tab:{self.name}", escape=True, multicolumn_format="c", position="t"
        )
        notes = "\n".join(rf"\par\footnotesize {_tex(note)}" for note in self.notes + self.misprints)
        return body.replace(r"\end{table}", notes + "\n" + r"\end{table}")

    def html(self) -> str:
        """A `<figure>` that scrolls sideways by itself when it is wider than the page."""
        body = _name_in_corner(self.shown).to_html(border=0, classes="measured", justify="center", sparsify=True)
        body = re.sub(r"<td>(?=[^<]{25})", '<td class="words">', body)  # sentences wrap, numbers do not
        notes = _list(self.notes)
        if self.misprints:
            notes += f"<details><summary>Misprints in the printed table</summary>{_list(self.misprints)}</details>"
        return (
            f'<figure class="table" id="{self.name}">\n<figcaption>{html.escape(self.caption)}</figcaption>\n'
            f'<div class="scroll">{body}</div>\n<div class="notes">{notes}</div>\n</figure>\n'
        )

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return self.markdown()


def build(
    name: str,
    measured: pd.DataFrame,
    caption: str,
    *,
    measured_on: str = "",
    definitions: Mapping[str, str] | None = None,
    published: pd.DataFrame | None = None,
    profile: str = "",
) -> Table:
    """Put a table together.

    Args:
        name: artefact name.
        measured: one row a method; columns are metric names (`mean_iou_hands`, `iou left hand`: metrics in
            [0, 1] are shown in percent), other numbers or text. An index level called `seed` beside the row's name
            makes it mean and standard deviation over seeds.
        caption: one sentence.
        measured_on: the data measured on, "synthetic exo_two_hands test, 240 frames"; needed once there are numbers.
        definitions: column -> what it means, for columns that are none of `handseg_lib.metrics.DEFINITIONS`.
        published: the printed table (`handseg_lib.published.table`), matched by row and column name.
        profile: name of the profile, for the notes.

    Raises:
        ReportError: if the frame is empty, a numeric column has no definition, or `measured_on` is missing.
    """
    if measured.empty:
        raise ReportError(f"table {name}: no measured rows; expected one row a method (and seed)")
    mean, std, seeds = over_seeds(measured)
    numeric = [c for c in mean if pd.api.types.is_numeric_dtype(mean[c])]
    printed = [] if published is None else [c for c in published if is_fraction(c)]
    meanings = [_definition(c, definitions or {}, name) for c in dict.fromkeys([*printed, *numeric])]
    if numeric and not measured_on:
        raise ReportError(f"table {name} holds numbers: say what they were measured on (measured_on=...)")
    in_percent = set() if published is None else {c for c, u in published.attrs["units"].items() if u == "percent"}
    percent = [c for c in numeric if is_fraction(c) or c in in_percent]
    outside = [c for c in percent if not mean[c].dropna().between(0, 1).all()]
    if outside:
        raise ReportError(f"table {name}: {', '.join(outside)} shown in percent must be measured in [0, 1]")
    for frame in (mean, std):
        frame[percent] *= 100
    units = dict.fromkeys(percent, "%")
    notes = [f"{heading(key)}: {text}." for key, text in dict(meanings).items()]
    if measured_on:
        spread = "one seed" if seeds == 1 else f"mean ± standard deviation over {seeds} seeds"
        notes.append(f"Measured here on {measured_on}" + (f", profile {profile}" if profile else "") + f"; {spread}.")
    if published is None:
        return Table(name, caption, *_alone(mean, std, units), tuple(notes))
    source = f"Columns “paper”: as printed in {published.attrs['source']}. {published.attrs['citation']}"
    ours = f"Columns “here”: measured by this companion; {NOTHING} means not printed or not measured."
    return Table(
        name, caption, *_beside(mean, std, units, published), (*notes, source, ours), tuple(_misprints(published))
    )


def over_seeds(measured: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Mean and standard deviation over the index level `seed`, and the smallest number of seeds of any row.

    Without such a level every row is one seed. Text columns keep their first value; the deviation of one seed is NaN.
    """
    if "seed" not in measured.index.names:
        return measured.copy(), measured.astype(object).map(lambda _: float("nan")).astype(float), 1
    levels = [level for level in measured.index.names if level != "seed"]
    groups = measured.groupby(level=levels if len(levels) > 1 else levels[0], sort=False)
    numeric = measured.select_dtypes("number").columns
    mean = pd.DataFrame({c: groups[c].mean() if c in numeric else groups[c].first() for c in measured})
    std = pd.DataFrame({c: groups[c].std(ddof=1) if c in numeric else float("nan") for c in measured}, mean.index)
    return mean, std, int(groups.size().min())


def is_fraction(column: str) -> bool:
    """Whether a column holds a metric in [0, 1], by its first word."""
    from handseg_lib.metrics import DEFINITIONS  # here, because it imports torch and rebuilding a site needs none

    return column.split(" ")[0] in DEFINITIONS


def heading(column: str) -> str:
    """A column name as a reader sees it: `mean_iou_hands` -> "mean IoU hands", `iou left hand` -> "IoU left hand"."""
    words = column.replace("_", " ")
    return re.sub(r"\b(iou|iu|f1)\b", lambda m: {"iou": "IoU", "iu": "IU", "f1": "F1"}[m[0]], words)


def _definition(column: str, given: Mapping[str, str], table: str) -> tuple[str, str]:
    """(what is defined, its definition): one entry serves `iou left hand` and `iou right hand`."""
    from handseg_lib.metrics import DEFINITIONS

    first = column.split(" ")[0]
    for key, source in ((column, given), (column, DEFINITIONS), (first, given), (first, DEFINITIONS)):
        if key in source:
            return key, source[key].rstrip(".")
    raise ReportError(
        f"table {table}: column {column!r} has no definition; give one in definitions=, or use a metric name: "
        + ", ".join(DEFINITIONS)
    )


def _alone(mean: pd.DataFrame, std: pd.DataFrame, units: Mapping[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    data, shown = {}, {}
    for c in mean:
        data[_named(c, units)] = mean[c]
        if std[c].notna().any():
            data[_named(c, units) + " std"] = std[c]
        shown[_named(heading(c), units, c)] = [
            _cell(m, s, units.get(c) == "%") for m, s in zip(mean[c], std[c], strict=True)
        ]
    return pd.DataFrame(data, mean.index), pd.DataFrame(shown, mean.index)


def _beside(
    mean: pd.DataFrame, std: pd.DataFrame, units: Mapping[str, str], published: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every printed row and column first, in printed order, then what only we measured."""
    rows = list(dict.fromkeys([*published.index, *mean.index]))
    columns = list(dict.fromkeys([*published.columns, *mean.columns]))
    signs = {"percent": "%", "count": "", "text": ""}
    units = {c: signs.get(u, u) for c, u in published.attrs["units"].items()} | dict(units)
    ours, spread = mean.reindex(index=rows, columns=columns), std.reindex(index=rows, columns=columns)
    theirs = published.reindex(index=rows, columns=columns)
    printed = published.attrs["printed"]
    data, shown = {}, {}
    for c in columns:
        name, head = _named(c, units), _named(published.attrs["headings"].get(c, heading(c)), units, c)
        data |= {f"{name} paper": theirs[c], f"{name} here": ours[c], f"{name} here std": spread[c]}
        text = [printed.get(row, {}).get(c, NOTHING) for row in rows]
        shown[head, "paper"] = [_without_unit(cell, units.get(c, "")) for cell in text]
        shown[head, "here"] = [_cell(m, s, units.get(c) == "%") for m, s in zip(ours[c], spread[c], strict=True)]
    index = pd.Index(rows, name=published.index.name)
    display = pd.DataFrame(shown, index)
    if len(columns) > WIDE and len(rows) < len(columns):
        display = display.stack(level=0, future_stack=True).unstack(level=0).swaplevel(axis=1)
        order = [(row, side) for row in rows for side in ("paper", "here")]
        display = display.loc[list(dict.fromkeys(head for head, _ in shown)), order].rename_axis(index=None)
        display.columns.names = [None, None]
    return pd.DataFrame(data, index), display


def _misprints(published: pd.DataFrame) -> list[str]:
    notes = []
    for m in published.attrs["misprints"]:
        where = "; ".join(filter(None, (", ".join(m["rows"]), ", ".join(map(heading, m["columns"])))))
        notes.append(f"{published.attrs['source']}" + (f", {where}" if where else "") + f": {m['why']}")
    return notes


def _name_in_corner(shown: pd.DataFrame) -> pd.DataFrame:
    """The row's name moved into the first header row, where it takes no line of its own."""
    names = [shown.index.name, *shown.columns.names[1:]]
    return shown.rename_axis(index=None).rename_axis(columns=names[0] if len(names) == 1 else names)


def _list(notes: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(note)}</li>" for note in notes) + "</ul>"


def _named(name: str, units: Mapping[str, str], column: str | None = None) -> str:
    unit = units.get(column or name, "")
    return f"{name} ({unit})" if unit else name


def _cell(value: Any, spread: float, percent: bool) -> str:
    """A measured cell: one decimal for percentages, whole counts in full, three digits of anything else."""
    if isinstance(value, str):
        return value
    if value is None or pd.isna(value):
        return NOTHING
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"
    if pd.api.types.is_integer(value):
        return f"{value:,}"
    number = float(value)
    digits = 1 if percent or number == 0 else max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:,.{digits}f}" + ("" if pd.isna(spread) else f" ± {spread:,.{digits}f}")


def _without_unit(printed: str, unit: str) -> str:
    return printed.removesuffix(unit) if unit and unit != "%" else printed


def _tex(text: str) -> str:
    return re.sub(r"([&%$#_{}])", r"\\\1", text).replace("–", "--").replace("±", r"$\pm$")


def measured(rows: Mapping[str, Sequence[Measured]], on: str, columns: Sequence[str]) -> pd.DataFrame:
    """Numbers of finished runs as `build` wants them: one line a row name and seed.

    Args:
        rows: row name -> its runs, one a seed (`nb.runs(name)`).
        on: name of the test set, a key of `run.metrics`.
        columns: metrics wanted: `mean_iou_hands`, or metric and class, `iou left hand`.

    Raises:
        ReportError: if a run was not measured on that set or lacks a metric; the message lists what there is.
    """
    lines = {(row, run.seed): _values(run, on, columns) for row, runs in rows.items() for run in runs}
    index = pd.MultiIndex.from_tuples(lines, names=["method", "seed"])
    return pd.DataFrame(list(lines.values()), index, columns=list(columns))


def _values(run: Measured, on: str, columns: Sequence[str]) -> list[float]:
    if on not in run.metrics:
        raise ReportError(f"run {run.name} was not measured on {on!r}; it was on {', '.join(run.metrics)}")
    per_class = run.confusion[on].per_class()
    known = {f"{metric} {name}": value for name, values in per_class.items() for metric, value in values.items()}
    known |= run.metrics[on]
    missing = [c for c in columns if c not in known]
    if missing:
        raise ReportError(f"run {run.name} on {on}: no {', '.join(missing)}; there are {', '.join(known)}")
    return [float(known[c]) for c in columns]
