"""The batch engine finishes notebooks with widgets and keeps kernels apart."""

import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from handseg_lib.papermill_engine import SilentOutput, silence

INTERACT = """
from ipywidgets import IntSlider, interact

def show(x):
    for line in range(40):
        print(line + x)

interact(show, x=IntSlider(3, 0, 5));
"""


@pytest.fixture
def notebook(tmp_path):
    cells = [nbformat.v4.new_code_cell(source) for source in (INTERACT, INTERACT, "print('the end', 6 * 7)")]
    path = tmp_path / "in.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    return path


def test_a_notebook_with_widgets_ends(notebook, tmp_path):
    out = tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "handseg_lib.papermill_engine", "--engine", "handseg", "--no-progress-bar"]
    subprocess.run([*command, str(notebook), str(out)], check=True, timeout=120, cwd=tmp_path, capture_output=True)
    cells = nbformat.read(out, 4).cells
    assert [cell.outputs[-1].get("text") for cell in cells[2:]] == ["the end 42\n"]
    widgets = nbformat.read(out, 4).metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
    shown = [w["state"]["outputs"] for w in widgets if w["model_name"] == "OutputModel"]
    assert len(shown) == 2 and all("".join(o["text"] for o in outs).startswith("3\n4\n") for outs in shown)


def test_nothing_is_written_back_to_the_kernel(notebook):
    client = silence(NotebookClient(nbformat.read(notebook, 4), timeout=120))
    assert client.widget_registry["@jupyter-widgets/output"]["OutputModel"] is SilentOutput
    widget = SilentOutput("an-id", {"outputs": []}, kernel_client=None, executor=client)  # sending would need a client
    client.widget_state["an-id"] = {}
    message = {"msg_type": "stream", "parent_header": {}, "content": {"name": "stdout", "text": "shown"}}
    widget.output([], {**message, "header": {"msg_type": "stream"}}, None, 0)
    assert [out["text"] for out in widget.outputs] == ["shown"]
    assert client.widget_state["an-id"]["outputs"] == widget.outputs
