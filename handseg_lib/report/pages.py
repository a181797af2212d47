"""Executed notebooks as web pages that need no network: mathematics as MathML, sliders as what they last showed."""

import base64
import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import latex2mathml.converter
import nbformat
import numpy as np
from jinja2 import pass_context
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter

from handseg_lib import paths
from handseg_lib.errors import ReportError

WIDGET = "application/vnd.jupyter.widget-view+json"
WIDGETS = "application/vnd.jupyter.widget-state+json"

LARGE = 60_000
"""Characters from which on a picture in a notebook is worth making smaller."""


def read(path: Path) -> nbformat.NotebookNode:
    """An executed notebook.

    Raises:
        ReportError: if the file is no notebook.
    """
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises many kinds for a damaged file
        raise ReportError(f"{path} is not a notebook ({error}); delete it and run it again") from error


def portable(text: str) -> str:
    """A notebook's JSON without this machine's folders: the checkout, the store, the real data, the environment."""
    named = {
        paths.project_root(): ".",
        paths.store_root(): "<store>",
        paths.reports_root(): "reports",
        paths.data_root(): "<data>",
        Path(nbformat.__file__).parents[1]: "<packages>",
        Path.home(): "~",
    }
    for folder, name in sorted(((str(f), n) for f, n in named.items() if f), key=lambda pair: -len(pair[0])):
        if len(folder) > 2:  # a home of "/" would hit every path
            text = re.sub(rf"{re.escape(json.dumps(folder)[1:-1])}(?=[/\"\\:\s]|$)", name, text)
    return text


def lighter(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The same notebook with its large photograph-like pictures as JPEG; line drawings stay as they are.

    A picture changes its format where that halves it at least. In full quality it stands under the report's figures.
    """
    notebook = nbformat.from_dict(json.loads(json.dumps(notebook)))
    state = notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown += [output for model in state.values() for output in model.get("state", {}).get("outputs", [])]
    for output in shown:
        drawn = output.get("data", {}).get("image/png", "")
        if len(drawn) < LARGE:
            continue
        pixels = cv2.imdecode(np.frombuffer(base64.b64decode(drawn), np.uint8), cv2.IMREAD_COLOR)
        small = base64.b64encode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]).decode()
        if len(small) <= len(drawn) / 2:
            output["data"]["image/jpeg"] = small
            del output["data"]["image/png"]
            output.get("metadata", {}).pop("image/png", None)
    return notebook


def body(notebook: nbformat.NotebookNode) -> str:
    """The cells of a notebook as HTML, without a page around them."""
    notebook = nbformat.from_dict(json.loads(json.dumps(notebook)))
    state = notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [shown for output in cell.outputs for shown in _without_widgets(output, state)]
    exporter = _Exporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True)
    text, _ = exporter.from_notebook_node(notebook)
    return text


def highlighting() -> str:
    """CSS that colours code, for light and for dark pages."""
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def timing(notebook: nbformat.NotebookNode) -> dict[str, Any]:
    """Run time in seconds, start, and whether the notebook failed, as papermill noted them; None where it did not."""
    noted = notebook.metadata.get("papermill", {})
    failed = bool(noted.get("exception")) or any(
        output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", [])
    )
    return {"seconds": noted.get("duration"), "started": noted.get("start_time"), "failed": failed}


class _Renderer(IPythonRenderer):
    """Mathematics becomes MathML, which browsers draw themselves; what cannot be converted stays as TeX source."""

    def block_math(self, body: str) -> str:
        return _mathml(body, "block")

    def multiline_math(self, text: str) -> str:
        return _mathml(text, "block")

    def latex_environment(self, name: str, body: str) -> str:
        return _mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")

    def inline_math(self, body: str) -> str:
        return _mathml(body, "inline")


class _Exporter(HTMLExporter):
    @pass_context
    def markdown2html(self, context: Mapping[str, Any], source: str) -> str:
        """Markdown to HTML with `_Renderer`; nbconvert's own would leave mathematics to a script from the network."""
        cell = context.get("cell", {})
        attachments = cell.get("attachments", {})
        return MarkdownWithMath(renderer=_Renderer(escape=False, attachments=attachments)).render(source)


def _mathml(tex: str, display: str) -> str:
    try:
        return latex2mathml.converter.convert(tex.strip(), display=display)
    except Exception:  # the converter raises many kinds; the source is still readable
        tag = "pre" if display == "block" else "code"
        return f'<{tag} class="tex">{html.escape(tex.strip())}</{tag}>'


def _without_widgets(output: nbformat.NotebookNode, state: Mapping[str, Any]) -> Iterable[nbformat.NotebookNode]:
    """A widget becomes a sentence and the outputs that it showed when the notebook was saved."""
    if WIDGET not in output.get("data", {}):
        return [output]
    note = nbformat.v4.new_output(
        "display_data", {"text/html": '<p class="widget">A control to move: open this notebook in JupyterLab.</p>'}
    )
    if output["data"].get("text/plain", "").startswith(("  0%", "100%", "HBox")):
        return []  # a progress bar
    return [note, *_widget_outputs(output["data"][WIDGET].get("model_id", ""), state)]


def _widget_outputs(model: str, state: Mapping[str, Any]) -> list[nbformat.NotebookNode]:
    inside = state.get(model, {}).get("state", {})
    found = [nbformat.from_dict(output) for output in inside.get("outputs", [])]
    for child in inside.get("children", []):
        found += _widget_outputs(str(child).removeprefix("IPY_MODEL_"), state)
    return found
