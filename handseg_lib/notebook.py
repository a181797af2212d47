"""What every notebook of the series starts with, and the command that refreshes their stored outputs.

In a notebook, after its parameters cell:

    nb = start("23", profile=profile, seed=seed, seeds=seeds, reuse=reuse, data_root=data_root)

On the command line:

    python -m handseg_lib.notebook refresh 23 49    # run at the defaults, store the checked outputs
"""

import argparse
import ast
import copy
import hashlib
import os
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handseg_lib import paths, profiles
from handseg_lib.errors import HandsegError, ParameterError, ReportError
from handseg_lib.series import Notebook, find

if TYPE_CHECKING:
    import nbformat

    from handseg_lib.report import Report
    from handseg_lib.train import Run

CHECKED = "# NBVAL_CHECK_OUTPUT"
"""Comment line of a cell whose stored output the checks compare with a fresh one."""

TYPES = {"str": str, "int": int, "float": float, "bool": bool}
"""Types that a parameter may have."""


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: `seed: int = 0  # of everything random`."""

    name: str
    type: type
    default: str | int | float | bool
    comment: str


@dataclass(frozen=True)
class Started:
    """What a notebook works with.

    Attributes:
        notebook: its entry in the series.
        profile: sizes, steps and counts.
        seed: the first seed.
        seeds: every seed that a table needs: `seed`, `seed + 1`, ...
        reuse: whether numbers of finished runs may come from the committed report instead of a new training.
        report: writes tables, figures and claims with their provenance.
    """

    notebook: Notebook
    profile: profiles.Profile
    seed: int
    seeds: tuple[int, ...]
    reuse: bool
    report: "Report" = field(repr=False)

    @property
    def data_root(self) -> Path | None:
        """Folder of the real data sets, None when none was given."""
        return paths.data_root()

    def run(self, name: str, seed: int | None = None) -> "Run":
        """A finished training run: from the store, or trained now. Artefacts made from here on name it.

        Args:
            name: one of the runs that the series lists for this notebook.
            seed: the notebook's own unless given.

        Raises:
            ParameterError: if the series does not list the run here, so that a batch would not prepare it.
        """
        if name not in self.notebook.runs:
            raise ParameterError(
                f"notebook {self.notebook.number} does not declare the run {name!r}, only "
                f"{', '.join(self.notebook.runs) or 'none'}; add it in handseg_lib/series.py"
            )
        from handseg_lib import train  # takes seconds to import, and notebooks without runs need none of it

        chosen = self.seed if seed is None else seed
        run = train.run(name, self.profile, seed=chosen, reuse=self.reuse, data_root=self.data_root)
        self.report.context.use(run)
        return run

    def runs(self, name: str) -> "list[Run]":
        """The run for every seed of this notebook."""
        return [self.run(name, seed) for seed in self.seeds]


def start(number: str, **parameters: str | int | float | bool) -> Started:
    """Set a notebook up: its look, random seeds, profile, and the report it writes into.

    Args:
        number: the notebook's number in the series.
        parameters: the values of its parameters cell, by name.

    Raises:
        ParameterError: for an unknown name or a wrong value, also one that papermill injected misspelt.
        ProfileError: for an unknown profile.
    """
    from handseg_lib import viz
    from handseg_lib.report import Report
    from handseg_lib.report.provenance import Context

    notebook = find(number)
    check(notebook, parameters | _injected())
    if parameters.get("data_root"):
        os.environ["HANDSEG_DATA_ROOT"] = str(parameters["data_root"])  # where `paths.data_root` looks
    profile = profiles.load(str(parameters.get("profile", "smoke")))
    seed, seeds = int(parameters.get("seed", 0)), int(parameters.get("seeds", 0)) or profile.seeds
    _make_deterministic(seed)
    viz.style()
    context = Context(notebook.name, profile.name, dict(parameters))
    report = Report(paths.reports_root() / profile.name, context)
    every = tuple(range(seed, seed + seeds))
    return Started(notebook, profile, seed, every, bool(parameters.get("reuse", False)), report)


def declared(path: Path) -> dict[str, Parameter]:
    """The parameters of a notebook, read from its cell tagged `parameters`.

    Raises:
        ParameterError: if there is no such cell, or a line of it is not `name: type = literal`.
    """
    import nbformat

    if not path.is_file():
        raise ParameterError(f"{path} does not exist")
    cells = [c for c in nbformat.read(path, 4).cells if "parameters" in c.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ParameterError(f"{path.name} has {len(cells)} cells tagged 'parameters', expected one")
    lines = cells[0].source.splitlines()
    found = [_parameter(statement, lines, path.name) for statement in ast.parse(cells[0].source).body]
    return {parameter.name: parameter for parameter in found}


def check(notebook: Notebook, values: dict[str, Any]) -> None:
    """Refuse values that are no parameters of this notebook, or have a wrong type or range.

    Raises:
        ParameterError: naming the parameter, what was found and what is right.
        ProfileError: for an unknown profile.
    """
    known = declared(notebook.path)
    unknown = [name for name in values if name not in known]
    if unknown:
        raise ParameterError(
            f"notebook {notebook.number} has no parameter {', '.join(map(repr, unknown))}; it has {', '.join(known)}"
        )
    for name, value in values.items():
        wanted = known[name].type
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise ParameterError(
                f"parameter {name} of notebook {notebook.number} is {value!r} ({type(value).__name__}); "
                f"expected {wanted.__name__}, such as {known[name].default!r}"
            )
    for name in ("seed", "seeds"):
        if values.get(name, 0) < 0:
            raise ParameterError(f"parameter {name} is {values[name]}; expected 0 or more")
    if "profile" in values:
        profiles.load(values["profile"])
    if values.get("data_root") and not Path(values["data_root"]).expanduser().is_dir():
        raise ParameterError(f"parameter data_root is {values['data_root']!r}, which is no folder")


def refresh(notebook: Notebook) -> bool:
    """Run a notebook at its defaults and store the outputs of its checked cells, nothing else.

    Returns:
        Whether the file changed.

    Raises:
        ReportError: if a cell fails, or a checked cell shows something that a comparison of text cannot check.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    from handseg_lib.papermill_engine import silence
    from handseg_lib.report import files

    before = notebook.path.read_text(encoding="utf-8")
    content = nbformat.reads(before, 4)
    client = NotebookClient(
        content, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(notebook.path.parent)}}
    )
    try:
        silence(client).execute()
    except CellExecutionError as error:
        raise ReportError(f"{notebook.path.name} fails at its defaults:\n{error}") from error
    after = nbformat.writes(normalised(content, notebook.path.name), 4).rstrip("\n") + "\n"
    if after != before:
        files.write(notebook.path, after)
    return after != before


def normalised(content: "nbformat.NotebookNode", name: str) -> "nbformat.NotebookNode":
    """A copy with outputs and counts only in checked cells, and none of the metadata that changes from run to run.

    Raises:
        ReportError: if the output of a checked cell is empty, a picture or an error.
    """
    import nbformat

    content = copy.deepcopy(content)
    content.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    content.nbformat, content.nbformat_minor = 4, 5
    seen: set[str] = set()
    for cell in content.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        cell.id = _cell_id(cell, seen)
        if cell.cell_type != "code":
            continue
        if is_checked(cell.source):
            _check_outputs(cell, name)
        else:
            cell.outputs, cell.execution_count = [], None
    return content


def is_checked(source: str) -> bool:
    """Whether a cell is one whose output is compared."""
    return any(line.strip() == CHECKED for line in source.splitlines())


def main(arguments: list[str] | None = None) -> int:
    """The command `refresh`; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m handseg_lib.notebook", description="Refresh notebooks.")
    commands = parser.add_subparsers(dest="command", required=True)
    refreshing = commands.add_parser("refresh", help="run at the defaults, store the outputs of checked cells")
    refreshing.add_argument("numbers", nargs="+")
    options = parser.parse_args(arguments)
    try:
        for notebook in [find(number) for number in options.numbers]:
            print(f"{notebook.path.name}: {'changed' if refresh(notebook) else 'unchanged'}", flush=True)
    except HandsegError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    return 0


def _parameter(statement: ast.stmt, lines: list[str], file: str) -> Parameter:
    code = lines[statement.lineno - 1]
    try:
        if not isinstance(statement, ast.AnnAssign) or statement.value is None:
            raise ValueError
        declared_type = TYPES[ast.unparse(statement.annotation)]
        default = ast.literal_eval(statement.value)
        if type(default) is not declared_type:
            raise ValueError
    except (ValueError, KeyError) as error:
        raise ParameterError(
            f"{file}, parameters cell: {code!r} is not `name: type = literal` with one of {', '.join(TYPES)}"
        ) from error
    comment = lines[(statement.end_lineno or statement.lineno) - 1][statement.end_col_offset :].strip().lstrip("# ")
    return Parameter(ast.unparse(statement.target), declared_type, default, comment)


def _injected() -> dict[str, Any]:
    """What papermill put into this kernel: papermill itself only warns of a name that the notebook does not know."""
    from IPython import get_ipython

    shell = get_ipython()
    for source in [] if shell is None else reversed(shell.user_ns.get("In", [])):
        if source.startswith("# Parameters\n"):
            assigned = [s for s in ast.parse(source).body if isinstance(s, ast.Assign)]
            return {ast.unparse(s.targets[0]): ast.literal_eval(s.value) for s in assigned}
    return {}


def _make_deterministic(seed: int) -> None:
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  # for libraries that draw from the global generator
    torch.manual_seed(seed)


def _cell_id(cell: "nbformat.NotebookNode", seen: set[str]) -> str:
    """The cell's id, or where it has none of its own one made from its text: the same on every machine."""
    known = cell.get("id", "")
    if not known or known in seen:
        known = hashlib.sha256(f"{len(seen)}{cell.source}".encode()).hexdigest()[:8]
    seen.add(known)
    return known


def _check_outputs(cell: "nbformat.NotebookNode", name: str) -> None:
    shown = {mime for output in cell.outputs for mime in output.get("data", {output.output_type: ""})}
    if not shown or not shown <= {"stream", "text/plain"}:
        what = ", ".join(sorted(shown)) or "nothing"
        raise ReportError(
            f"{name}: the checked cell with {cell.source.splitlines()[-1]!r} shows {what}; only text can be compared"
        )
    for output in cell.outputs:
        if "metadata" in output:
            output.metadata = {}


if __name__ == "__main__":
    sys.exit(main())
