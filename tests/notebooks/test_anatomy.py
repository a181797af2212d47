"""Every notebook of the series has the anatomy a reader, papermill and nbval rely on."""

import re

import nbformat
import pytest

from handseg_lib.notebook import declared, is_checked, normalised
from handseg_lib.paths import notebooks_root
from handseg_lib.series import SERIES

FILES = sorted(notebooks_root().glob("*.ipynb"))
PROSE_NEEDED = 6
NAMES = ("profile", "seed", "seeds", "reuse", "data_root")

every_notebook = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@pytest.fixture
def cells(path):
    return nbformat.read(path, 4).cells


def code(cells):
    return [cell for cell in cells if cell.cell_type == "code"]


def test_folder_and_series_agree():
    assert [path.name for path in FILES] == [notebook.path.name for notebook in SERIES]


@every_notebook
def test_is_valid_and_asks_for_the_kernel_python3(path):
    content = nbformat.read(path, nbformat.NO_CONVERT)
    assert (content.nbformat, content.nbformat_minor) == (4, 5)
    nbformat.validate(content)
    assert content.metadata.kernelspec.name == "python3"


@every_notebook
def test_opens_with_its_title_and_question(path, cells):
    [entry] = [notebook for notebook in SERIES if notebook.path.name == path.name]
    assert cells[0].cell_type == "markdown"
    assert entry.title.lower() in cells[0].source.splitlines()[0].lower()
    assert entry.question in cells[0].source


@every_notebook
def test_first_code_cell_holds_the_parameters(path, cells):
    assert "parameters" in code(cells)[0].metadata.get("tags", [])
    parameters = declared(path)  # refuses anything that is not `name: type = literal`
    assert all(parameter.comment for parameter in parameters.values()), "each parameter needs a comment"
    assert parameters["profile"].default == "smoke"
    standard = {
        name: type_ for name, type_ in zip(NAMES, (str, int, int, bool, str), strict=True) if name in parameters
    }
    assert {name: parameters[name].type for name in standard} == standard


@every_notebook
def test_starts_through_the_library_with_all_its_parameters(path, cells):
    [call] = [c.source for c in code(cells) if re.search(r"\bstart\(", c.source)]
    missing = [name for name in declared(path) if not re.search(rf"\b{name}\s*=\s*{name}\b", call)]
    assert not missing, f"start() is not given {missing}"


@every_notebook
def test_has_a_live_checked_cell(path, cells):
    """nbval skips a stored output without an execution count silently, so it would check nothing."""
    live = [c for c in code(cells) if is_checked(c.source) and c.outputs and c.execution_count]
    assert live, "run: python -m handseg_lib.notebook refresh " + path.stem[:2]


@every_notebook
def test_every_checked_cell_is_live_and_no_other_has_output(path, cells):
    for cell in code(cells):
        if is_checked(cell.source):
            assert cell.outputs and cell.execution_count, cell.source
        else:
            assert not cell.outputs and cell.execution_count is None, cell.source


@every_notebook
def test_is_stored_as_refresh_writes_it(path):
    content = nbformat.read(path, 4)
    assert nbformat.writes(normalised(content, path.name), 4) == nbformat.writes(content, 4)


@every_notebook
def test_teaches_in_prose(path, cells):
    prose = [c for c in cells if c.cell_type == "markdown" and len(c.source.split()) >= 15]
    assert len(prose) >= PROSE_NEEDED


@every_notebook
def test_no_absolute_paths(path):
    found = re.findall(r"(?<![\w.:/<])/(?:home|work|tmp|root|Users|mnt|data|usr|opt)/\w+|[A-Z]:\\\\", path.read_text())
    assert not found
