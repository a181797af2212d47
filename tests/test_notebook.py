import subprocess
import sys
from types import SimpleNamespace

import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from handseg_lib import notebook
from handseg_lib.errors import ParameterError, ProfileError, ReportError
from handseg_lib.series import find

PARAMETERS = """\
profile: str = "smoke"  # sizes, steps and counts
seed: int = 0  # of everything random
seeds: int = 0  # 0 means as many as the profile has
reuse: bool = False  # read finished runs from the report
data_root: str = ""  # folder of the real data
zoom: float = 1.5  # of the picture"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write notebook 23 of an otherwise empty project and return its path."""
    monkeypatch.setenv("HANDSEG_ROOT", str(tmp_path))
    monkeypatch.setenv("HANDSEG_REPORTS", str(tmp_path / "reports"))
    monkeypatch.delenv("HANDSEG_DATA_ROOT", raising=False)

    def write(*cells, parameters=PARAMETERS):
        head = new_code_cell(parameters, metadata={"tags": ["parameters"]})
        path = tmp_path / "notebooks" / "23_handseg_net.ipynb"
        path.parent.mkdir(exist_ok=True)
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(new_notebook(cells=[head, *cells], metadata=kernel), path)
        return path

    return write


def test_parameters_are_read_with_type_default_and_comment(write):
    declared = notebook.declared(write())
    assert list(declared) == ["profile", "seed", "seeds", "reuse", "data_root", "zoom"]
    assert declared["seed"] == notebook.Parameter("seed", int, 0, "of everything random")


@pytest.mark.parametrize("line", ["seed = 0", "seed: int = 1 + 1", "seed: list = []", "seed: int = 'a'", "seed: int"])
def test_a_parameter_that_is_no_typed_literal_is_refused(write, line):
    path = write(parameters=line)
    with pytest.raises(ParameterError, match="is not `name: type = literal`"):
        notebook.declared(path)


def test_a_notebook_without_parameters_cell_is_refused(write):
    path = write()
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), path)
    with pytest.raises(ParameterError, match="0 cells tagged 'parameters'"):
        notebook.declared(path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"profil": "quick"}, "no parameter 'profil'; it has profile, seed, seeds, reuse, data_root, zoom"),
        ({"seed": 1.5}, r"seed of notebook 23 is 1.5 \(float\); expected int"),
        ({"reuse": 1}, r"reuse of notebook 23 is 1 \(int\); expected bool"),
        ({"seed": -1}, "seed is -1; expected 0 or more"),
        ({"data_root": "/no/such/folder"}, "'/no/such/folder', which is no folder"),
    ],
)
def test_wrong_parameters_are_refused(write, values, message):
    write()
    with pytest.raises(ParameterError, match=message):
        notebook.check(find("23"), values)


def test_an_unknown_profile_is_refused(write):
    write()
    with pytest.raises(ProfileError, match="quick"):
        notebook.check(find("23"), {"profile": "quik"})


def test_right_parameters_are_accepted(write, tmp_path):
    write()
    values = {"profile": "quick", "seed": 3, "reuse": True, "data_root": str(tmp_path), "zoom": 2}
    notebook.check(find("23"), values)


def test_command_names_the_series_for_an_unknown_notebook(write, capsys):
    assert notebook.main(["refresh", "32"]) == 2
    assert "23 (handseg_net)" in capsys.readouterr().err


def test_start_gives_profile_seeds_and_report(write, tmp_path):
    write()
    nb = notebook.start("23", profile="smoke", seed=5, seeds=3)
    assert nb.profile.name == "smoke" and nb.seeds == (5, 6, 7)
    assert nb.report.root == tmp_path / "reports" / "smoke"
    assert nb.report.context.snapshot()["parameters"] == {"profile": "smoke", "seed": 5, "seeds": 3}
    assert len(notebook.start("23", profile="smoke").seeds) == nb.profile.seeds


def test_start_refuses_what_the_notebook_does_not_declare(write):
    write()
    with pytest.raises(ParameterError, match="no parameter 'prfile'"):
        notebook.start("23", prfile="smoke")
    with pytest.raises(ProfileError):
        notebook.start("23", profile="large")


def test_start_sets_the_random_state(write):
    import numpy as np
    import torch

    write()
    draws = []
    for seed in (1, 1, 2):
        notebook.start("23", seed=seed)
        draws.append((np.random.random(), torch.rand(()).item()))  # noqa: NPY002
    assert draws[0] == draws[1] != draws[2]


def test_start_sets_the_folder_of_real_data(write, tmp_path):
    write()
    assert notebook.start("23").data_root is None
    assert notebook.start("23", data_root=str(tmp_path)).data_root == tmp_path


def test_runs_are_recorded_and_must_be_declared(write, monkeypatch):
    asked = []

    def run(name, profile, seed, reuse, data_root):
        asked.append((name, profile.name, seed, reuse, data_root))
        origin = {"precision": "32-true"}
        return SimpleNamespace(name=name, key=f"k{seed}", seed=seed, data={}, device="cpu", origin=origin, seconds=1)

    monkeypatch.setattr("handseg_lib.train.run", run)
    write()
    nb = notebook.start("23", seeds=2, reuse=True)
    assert [r.seed for r in nb.runs("handseg/proposed")] == [0, 1]
    assert asked[1] == ("handseg/proposed", "smoke", 1, True, None)
    assert [r["key"] for r in nb.report.context.snapshot()["runs"]] == ["k0", "k1"]
    with pytest.raises(ParameterError, match="does not declare the run 'handseg/propsed', only handseg/proposed"):
        nb.run("handseg/propsed")


def test_papermill_with_a_misspelt_name_fails(write, tmp_path):
    path = write(new_code_cell('from handseg_lib.notebook import start\nnb = start("23", profile=profile, seed=seed)'))
    with pytest.raises(papermill.PapermillExecutionError, match="no parameter 'sead'"):
        papermill.execute_notebook(path, tmp_path / "out.ipynb", {"sead": 1}, progress_bar=False)


def test_refresh_keeps_only_checked_outputs(write):
    path = write(
        new_markdown_cell("# Text"),
        new_code_cell("print('quiet')", outputs=[new_output("stream", text="old")]),
        new_code_cell("# NBVAL_CHECK_OUTPUT\nprint(6 * 7)"),
    )
    assert notebook.refresh(find("23"))
    content = nbformat.read(path, 4)
    nbformat.validate(content)
    assert [c.get("outputs", []) == [] for c in content.cells] == [True, True, True, False]
    assert content.cells[3].outputs[0].text == "42\n" and content.cells[3].execution_count
    assert content.cells[2].execution_count is None
    assert not notebook.refresh(find("23"))  # nothing is left to change


def test_refresh_leaves_a_failing_notebook_alone(write):
    path = write(new_code_cell("1 / 0"))
    before = path.read_bytes()
    with pytest.raises(ReportError, match=r"(?s)23_handseg_net.ipynb fails at its defaults.*ZeroDivisionError"):
        notebook.refresh(find("23"))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("outputs", "found"),
    [
        ([], "nothing"),
        ([new_output("display_data", {"image/png": "", "text/plain": "<Figure>"})], "image/png"),
        ([new_output("error", ename="E", evalue="", traceback=[])], "error"),
    ],
)
def test_checked_cells_must_print(outputs, found):
    cell = new_code_cell("# NBVAL_CHECK_OUTPUT\nshow()", outputs=outputs, execution_count=1)
    with pytest.raises(ReportError, match=rf"'show\(\)' shows {found}"):
        notebook.normalised(new_notebook(cells=[cell]), "n.ipynb")


def test_normalising_gives_unique_ids_and_no_passing_metadata():
    cells = [
        new_code_cell("x", metadata={"tags": ["parameters"], "execution": {"iopub.execute_input": "now"}}, id="same")
        for _ in range(2)
    ]
    stored = new_notebook(metadata={"widgets": {}, "papermill": {}})
    stored.cells = cells  # set afterwards, because new_notebook itself repairs equal ids, at random
    content = notebook.normalised(stored, "n.ipynb")
    assert set(content.metadata) == {"kernelspec", "language_info"}
    assert len({c.id for c in content.cells}) == 2 and content.cells[0].id == "same"
    assert all(c.metadata == {"tags": ["parameters"]} for c in content.cells)


def test_module_imports_without_torch():
    code = "import sys, handseg_lib.notebook; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
