"""The report as a site: `index.html` and the executed notebooks as pages, readable without a network.

Everything shown is read back from the report's own files, so a site can be rebuilt from a fresh clone.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from handseg_lib import published
from handseg_lib.errors import ReportError
from handseg_lib.report import claims, files, manifest, pages
from handseg_lib.series import SERIES, Notebook

VERDICTS = {claims.REPRODUCED: "yes", claims.NOT_REPRODUCED: "no", claims.NOT_DECIDED: "open"}
"""Verdict -> CSS class of its badge."""


def build(root: Path) -> Path:
    """Write the pages of every executed notebook, `index.html`, and last the manifest.

    Args:
        root: the report's folder, `reports/<profile>`.

    Returns:
        The path of `index.html`.

    Raises:
        ReportError: if the folder does not exist or a file in it is damaged; the message names it.
    """
    if not root.is_dir():
        raise ReportError(f"{root} is not a folder; run notebooks first: ./run_all.sh --profile {root.name}")
    notebooks = _notebook_pages(root)
    artefacts = {kind: _artefacts(root / kind) for kind in ("tables", "figures", "claims")}
    for table in artefacts["tables"]:
        fragment = root / "tables" / f"{table['name']}.html"
        table["html"] = Markup(fragment.read_text(encoding="utf-8")) if fragment.is_file() else ""
    provenances = [a["provenance"] for kind in artefacts.values() for a in kind]
    page = _template("index.html").render(
        profile=root.name,
        built=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        notebooks=notebooks,
        minutes=sum(n["seconds"] or 0 for n in notebooks) / 60,
        counterparts=_counterparts(artefacts),
        verdicts={v: sum(c["verdict"] == v for c in artefacts["claims"]) for v in VERDICTS},
        badge=VERDICTS,
        code=_states_of_code(provenances),
        runs=_runs(provenances),
        **artefacts,
    )
    files.write(root / "index.html", page)
    manifest.write(root)
    return root / "index.html"


def _notebook_pages(root: Path) -> list[dict[str, Any]]:
    """Write a page for each executed notebook; list the whole series, executed or not, in order."""
    folder = root / "notebooks"
    executed = {path.stem: path for path in sorted(folder.glob("*.ipynb"))}
    for page in folder.glob("*.html"):
        if page.stem not in executed:
            page.unlink()  # of a notebook that is no longer part of this report
    listed = {n.name: _listed(n) for n in SERIES} | {
        stem: {"number": "", "title": stem, "question": "Not part of the series"}
        for stem in executed
        if not _known(stem)
    }
    missing = {"file": None, "seconds": None, "started": None, "failed": False}
    return [entry | (_notebook_page(executed[s], entry) if s in executed else missing) for s, entry in listed.items()]


def _notebook_page(path: Path, entry: dict[str, Any]) -> dict[str, Any]:
    clean = pages.portable(nbformat.writes(pages.lighter(pages.read(path))) + "\n")
    if clean != path.read_text(encoding="utf-8"):
        files.write(path, clean)
    notebook = pages.read(path)
    page = _template("notebook.html").render(
        title=f"{entry['number']} {entry['title']}".strip(),
        profile=path.parents[1].name,
        source=path.name,
        body=Markup(pages.body(notebook)),
        highlighting=Markup(pages.highlighting()),
    )
    files.write(path.with_suffix(".html"), page)
    return {"file": f"notebooks/{path.stem}.html", **pages.timing(notebook)}


def _artefacts(folder: Path) -> list[dict[str, Any]]:
    """Every artefact of one kind, by name; files that its record lists but that are gone are named in `missing`."""
    found = [files.read_json(path) for path in sorted(folder.glob("*.json"))]
    for artefact in found:
        artefact["missing"] = [name for name in artefact["files"] if not (folder / name).is_file()]
    return found


def _counterparts(artefacts: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The papers' tables and figures under their own numbers, and which of them this report has."""
    have = {a["name"] for kind in ("tables", "figures") for a in artefacts[kind]}
    listed = []
    for paper in published.PAPERS:
        captions = {name: published.table(paper, name).attrs["caption"] for name in published.tables(paper)}
        for name, caption in (captions | published.figures(paper)).items():
            artefact = f"{paper}_{name}"
            listed.append({"name": artefact, "caption": caption, "here": artefact in have})
    return listed


def _states_of_code(provenances: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The different states of code and software that artefacts were made with; one, if all were made together."""
    keys = ("commit", "changed_since_commit", "library", "lock_sha256", "python", "packages", "machine")
    states: dict[str, dict[str, Any]] = {}
    for p in provenances:
        state = {key: p.get(key) for key in keys}
        states.setdefault(repr(state), state | {"artefacts": 0})["artefacts"] += 1
    return sorted(states.values(), key=lambda state: -state["artefacts"])


def _runs(provenances: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    runs = {run["key"]: run for p in provenances for run in p["runs"]}
    return sorted(runs.values(), key=lambda run: (run["name"], run["seed"]))


def _paper_title(paper: str) -> str:
    return published.title(paper) if paper in published.PAPERS else paper


def _listed(notebook: Notebook) -> dict[str, Any]:
    return {"number": notebook.number, "title": notebook.title, "question": notebook.question}


def _known(stem: str) -> bool:
    return any(notebook.name == stem for notebook in SERIES)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("handseg_lib.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": duration, "paper": _paper_title}
    return environment


def _template(name: str) -> Any:
    return _environment().get_template(name)


def duration(seconds: float | None) -> str:
    """Seconds as a reader says them: "42 s", "3 min 05 s", "1 h 20 min"; "–" where unknown."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
