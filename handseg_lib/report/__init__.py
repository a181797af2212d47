"""The report that the notebooks write: tables, figures, claims, each with its provenance.

A notebook gets a `Report` from `handseg_lib.notebook.start`. Every call writes its files whole under
`reports/<profile>/` and shows the result in the notebook. `python -m handseg_lib.report build` turns the folder into
a site, `verify` checks it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import HTML, Image, display
from matplotlib.figure import Figure

from handseg_lib.errors import ReportError
from handseg_lib.report import claims, figures, files, tables
from handseg_lib.report.provenance import Context

__all__ = ["Report", "claims", "tables"]


class Report:
    """Writes the artefacts of one notebook.

    Attributes:
        root: folder of the report, `reports/<profile>`.
        context: what the provenance of every artefact says.
    """

    def __init__(self, root: Path, context: Context) -> None:
        self.root = root
        self.context = context

    def table(
        self,
        name: str,
        measured: pd.DataFrame,
        caption: str,
        *,
        measured_on: str = "",
        definitions: Mapping[str, str] | None = None,
        published: pd.DataFrame | None = None,
        runs: Sequence[Any] | None = None,
    ) -> None:
        """Write `tables/<name>` as CSV, Markdown, LaTeX and HTML, and show it.

        Args:
            runs: the runs it rests on; None means every run used so far in this notebook.
            name, measured, caption, measured_on, definitions, published: as for `tables.build`.

        Raises:
            ReportError: as `tables.build`, or if another notebook owns the name.
        """
        table = tables.build(
            name,
            measured,
            caption,
            measured_on=measured_on,
            definitions=definitions,
            published=published,
            profile=self.context.profile,
        )
        formats = {"csv": table.csv(), "md": table.markdown(), "tex": table.latex(), "html": table.html()}
        facts = {
            "caption": caption,
            "measured_on": measured_on,
            "notes": [*table.notes, *table.misprints],
            "published": None if published is None else published.attrs["source"],
        }
        self._save("tables", name, formats, facts, runs)
        display(table)

    def figure(
        self, name: str, figure: Figure, data: figures.Data, caption: str, *, runs: Sequence[Any] | None = None
    ) -> None:
        """Write `figures/<name>` as PNG and PDF with its data beside it, show it, and close it.

        Args:
            name: artefact name, `handseg_fig6`.
            figure: a matplotlib figure.
            data: what it was drawn from: a DataFrame (CSV) or named arrays (npz).
            caption: what it shows and what to notice, one or two sentences; also the picture's alternative text.
            runs: as for `table`.

        Raises:
            ReportError: if there is no data, or another notebook owns the name.
        """
        width = round(figure.get_figwidth() * 96)  # on screen as wide as in print; the PNG is finer
        formats = figures.render(name, figure, data)
        self._save("figures", name, formats, {"caption": caption}, runs)
        display(Image(formats["png"], width=width, alt=caption))

    def claim(
        self,
        name: str,
        sentence: str,
        effect: claims.Effect | None,
        *,
        metric: str,
        measured_on: str,
        section: str = "",
        margin: float = 0.0,
        runs: Sequence[Any] | None = None,
    ) -> None:
        """Write `claims/<name>.json` with the verdict on a paper's sentence, and show it.

        Args:
            name: `<paper>.<claim>`, such as `handseg.real_time`.
            sentence: what the paper claims, in our own words, as a statement that can fail.
            effect: from `claims.compare`; None when it could not be tested here, which gives "not decided".
            metric: what was compared and its unit.
            measured_on: the data, as under a table; with `effect=None` the reason why it was not tested.
            section: where the paper says it.
            margin: the effect that the sentence asks for at least.
            runs: as for `table`.

        Raises:
            ReportError: if the name has no paper, or another notebook owns it.
        """
        paper, _, claim = name.partition(".")
        if not claim:
            raise ReportError(f"claim name {name!r}: begin with the paper's short name, as in handseg.real_time")
        verdict, reason = (claims.NOT_DECIDED, measured_on) if effect is None else effect.verdict(margin)
        facts = {
            "paper": paper,
            "section": section,
            "sentence": sentence,
            "metric": metric,
            "measured_on": measured_on,
            "margin": margin,
            "verdict": verdict,
            "reason": reason,
            "effect": None if effect is None else _finite(asdict(effect)),
        }
        self._save("claims", name, {}, facts, runs)
        display(HTML(_claim_html(facts)))

    def _save(
        self,
        kind: str,
        name: str,
        formats: Mapping[str, str | bytes],
        facts: dict[str, Any],
        runs: Sequence[Any] | None,
    ) -> None:
        """Write an artefact's files, and last the JSON that makes it count."""
        folder = self.root / kind
        record = folder / f"{files.check_name(name)}.json"
        notebook = self.context.notebook
        if record.exists() and (owner := files.read_json(record)["provenance"]["notebook"]) != notebook:
            raise ReportError(f"{kind}/{name} belongs to notebook {owner}; choose another name in {notebook}")
        for ending, content in formats.items():
            files.write(folder / f"{name}.{ending}", content)
        contents = [f"{name}.{ending}" for ending in formats]
        files.write_json(record, {"name": name, "files": contents, **facts, "provenance": self.context.snapshot(runs)})


def _finite(effect: dict[str, Any]) -> dict[str, Any]:
    """NaN is not JSON; null is."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in effect.items()}


def _claim_html(facts: Mapping[str, Any]) -> str:
    effect = facts["effect"]
    found = "" if effect is None else f" Effect {_interval(effect)} in {facts['metric']}."
    return (
        f"<p><b>{facts['verdict'].capitalize()}</b> ({facts['reason']}): {facts['sentence']}{found} "
        f"Measured on {facts['measured_on']}.</p>"
    )


def _interval(effect: Mapping[str, Any]) -> str:
    return (
        f"{effect['value']:+.3f} ({effect['level']:.0%} interval {effect['low']:+.3f} to {effect['high']:+.3f}, "
        f"{len(effect['by_seed'])} seed{'s' * (len(effect['by_seed']) != 1)}, {effect['frames']} frames)"
    )
