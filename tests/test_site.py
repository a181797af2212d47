"""The report as a whole: artefacts written through `Report`, built into a site, verified by its manifest."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import cv2
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from handseg_lib.errors import ReportError
from handseg_lib.report import Report, __main__, claims, files, manifest, pages, site
from handseg_lib.report.provenance import Context
from handseg_lib.series import SERIES

RUN = SimpleNamespace(
    name="handseg/proposed",
    key="ab12" * 4,
    seed=0,
    data={"train": "f00d"},
    device="cpu",
    origin={"precision": "32-true"},
    seconds=75,
)


@pytest.fixture
def report(tmp_path):
    """A small finished report, before it is built."""
    report = Report(tmp_path / "quick", Context("23_handseg_net", "quick", {"seed": 0}))
    report.context.use(RUN)
    measured = pd.DataFrame({"mean_iou_hands": [0.9]}, index=["Proposed"])
    report.table("handseg_table2", measured, "A table & more", measured_on="synthetic test")
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot([1, 2])
    report.figure("handseg_fig6", figure, {"y": np.array([1, 2])}, "A figure <with> a caption.")
    same = [[0.9, 0.8, 0.9, 0.7]] * 3
    report.claim("handseg.good", "It is good.", claims.compare(same, 0.1), metric="IoU", measured_on="synthetic test")
    report.claim("handseg.later", "It grows.", None, metric="IoU", measured_on="needs more sizes")
    write_notebook(report.root / "notebooks" / "23_handseg_net.ipynb")
    return report


def write_notebook(path: Path, *cells, **noted):
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = new_notebook(cells=list(cells) or [new_markdown_cell("# Title\n\n$a_1 < b$")])
    notebook.metadata["papermill"] = {"duration": 65.4, "exception": None, **noted}
    nbformat.write(notebook, path)


class Links(HTMLParser):
    """Every address that a page refers to, and every id it has."""

    def __init__(self, page: Path):
        super().__init__()
        self.addresses, self.ids = [], set()
        self.feed(page.read_text())

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.addresses += [values[k] for k in ("href", "src") if k in values]
        self.ids.add(values.get("id"))


def test_every_link_of_the_index_leads_somewhere(report):
    index = site.build(report.root)
    page = Links(index)
    assert {"notebooks/23_handseg_net.html", "figures/handseg_fig6.png", "tables/handseg_table2.csv"} <= set(
        page.addresses
    )
    for address in page.addresses:
        assert address[1:] in page.ids if address.startswith("#") else (report.root / address).is_file(), address


def test_pages_ask_nothing_of_the_network(report):
    site.build(report.root)
    for page in report.root.rglob("*.html"):
        text = page.read_text()
        assert "<script" not in text and not re.search(r"(src|href)=\"(https?:)?//|@import|url\(", text), page


def test_index_says_what_is_missing(report):
    (report.root / "tables" / "handseg_table2.csv").unlink()
    text = site.build(report.root).read_text()
    assert "✗ handseg_table2.csv missing" in text
    assert text.count("not run in this report") == len(SERIES) - 1
    assert "Not tested here: needs more sizes" in text
    assert re.search(r"handseg_table3</code>.*?not in this report", text, re.S)


def test_index_shows_verdict_numbers_time_and_run(report):
    text = site.build(report.root).read_text()
    assert "✓ reproduced" in text and "? not decided" in text
    assert "1 min 05 s" in text and "90.0" in text and "A table &amp; more" in text
    assert "handseg/proposed" in text and "ab12ab12ab12" in text and "cpu, 32-true" in text
    assert "A figure &lt;with&gt; a caption." in text


def test_large_pictures_become_lighter_and_drawings_stay():
    rng = np.random.default_rng(0)
    photograph = cv2.resize(rng.integers(0, 255, (60, 80, 3), dtype=np.uint8), (800, 600))
    photograph = cv2.add(photograph, rng.integers(0, 8, photograph.shape, dtype=np.uint8))
    drawing = np.full((600, 800, 3), 255, np.uint8)
    drawing[300] = 0
    cells = []
    for image in (photograph, drawing):
        png = base64.b64encode(cv2.imencode(".png", image)[1]).decode()
        cells.append(
            new_code_cell("", outputs=[new_output("display_data", {"image/png": png, "text/plain": "a figure"})])
        )
    before = new_notebook(cells=cells)
    after = pages.lighter(before)
    shown = [cell.outputs[0].data for cell in after.cells]
    assert set(shown[0]) == {"image/jpeg", "text/plain"} and shown[1] == cells[1].outputs[0].data
    assert len(shown[0]["image/jpeg"]) <= len(cells[0].outputs[0].data["image/png"]) / 2
    read = cv2.imdecode(np.frombuffer(base64.b64decode(shown[0]["image/jpeg"]), np.uint8), cv2.IMREAD_COLOR)
    assert read.shape == photograph.shape and np.abs(read.astype(int) - photograph).mean() < 5
    assert "image/png" in before.cells[0].outputs[0].data  # the notebook given is left alone
    assert pages.lighter(after) == after
    assert "<img" in pages.body(after) and "image/jpeg" in pages.body(after)


def test_failed_notebook_is_shown_as_failed(report):
    failure = new_code_cell("1/0", outputs=[new_output("error", ename="ZeroDivisionError", evalue="", traceback=[])])
    write_notebook(report.root / "notebooks" / "49_synthetic_to_real.ipynb", failure)
    assert "✗ failed" in site.build(report.root).read_text()


def test_artefact_files_and_provenance(report):
    names = {p.name for kind in ("tables", "figures", "claims") for p in (report.root / kind).iterdir()}
    assert {f"handseg_table2.{e}" for e in ("csv", "md", "tex", "html", "json")} <= names
    assert {f"handseg_fig6.{e}" for e in ("png", "pdf", "npz", "json")} <= names
    record = json.loads((report.root / "claims" / "handseg.good.json").read_text())
    assert record["verdict"] == "reproduced" and record["effect"]["by_seed"] == pytest.approx([0.725] * 3)
    assert record["provenance"]["runs"][0]["key"] == RUN.key
    assert record["provenance"]["notebook"] == "23_handseg_net"


def test_two_notebooks_cannot_write_the_same_artefact(report):
    other = Report(report.root, Context("49_synthetic_to_real", "quick"))
    with pytest.raises(ReportError, match="belongs to notebook 23_handseg_net"):
        other.claim("handseg.good", "Other.", None, metric="IoU", measured_on="nothing")


def test_bad_artefact_names_are_refused(report):
    with pytest.raises(ReportError, match="artefact name 'Table 2'"):
        report.table("Table 2", pd.DataFrame({"a": ["x"]}), "c")
    with pytest.raises(ReportError, match="begin with the paper's short name"):
        report.claim("good", "s", None, metric="m", measured_on="d")


def test_verify_names_missing_changed_and_extra(report, capsys):
    site.build(report.root)
    assert __main__.main(["verify", str(report.root)]) == 0
    (report.root / "figures" / "handseg_fig6.pdf").unlink()
    (report.root / "tables" / "handseg_table2.csv").write_text("mean_iou_hands\n0.99\n")
    (report.root / "tables" / "new.csv").write_text("1\n")
    (report.root / ".hidden").write_text("not part of a report")
    assert [(p.kind, p.file) for p in manifest.verify(report.root)] == [
        ("missing", "figures/handseg_fig6.pdf"),
        ("changed", "tables/handseg_table2.csv"),
        ("extra", "tables/new.csv"),
    ]
    assert __main__.main(["verify", str(report.root)]) == 1
    assert " missing  figures/handseg_fig6.pdf" in capsys.readouterr().out


def test_rebuilding_changes_nothing_but_the_index(report):
    site.build(report.root)
    before = files.read_json(report.root / "manifest.json")["files"]
    site.build(report.root)
    after = files.read_json(report.root / "manifest.json")["files"]
    assert {f for f in before.keys() | after.keys() if before.get(f) != after.get(f)} <= {"index.html"}


def test_page_of_a_removed_notebook_goes(report):
    site.build(report.root)
    (report.root / "notebooks" / "23_handseg_net.ipynb").unlink()
    site.build(report.root)
    assert not (report.root / "notebooks" / "23_handseg_net.html").exists()


def test_damaged_files_are_named(report, tmp_path, capsys):
    assert __main__.main(["build", str(tmp_path / "none")]) == 2
    assert "run notebooks first" in capsys.readouterr().err
    assert __main__.main(["verify", str(report.root)]) == 2  # not built yet
    assert "manifest.json does not exist" in capsys.readouterr().err
    (report.root / "claims" / "handseg.good.json").write_text('{"name": ')
    with pytest.raises(ReportError, match=r"handseg\.good\.json is not JSON"):
        site.build(report.root)


def test_damaged_notebook_is_named(report):
    (report.root / "notebooks" / "23_handseg_net.ipynb").write_text("{")
    with pytest.raises(ReportError, match=r"23_handseg_net\.ipynb is not a notebook"):
        site.build(report.root)


def test_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    files.write(path, "old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("handseg_lib.files.os.fsync", full)
    with pytest.raises(ReportError, match=r"table\.csv: could not be written \(No space left on device\)"):
        files.write(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_mathematics_becomes_mathml_and_code_stays_code():
    text = pages.body(new_notebook(cells=[new_markdown_cell(r"$\frac{a}{b}$ costs `$5 and $6`" + "\n\n$$x^2$$")]))
    assert "<mfrac>" in text and 'display="block"' in text
    assert "$5 and $6" in text and r"\frac" not in text


def test_mathematics_that_cannot_be_converted_stays_readable():
    text = pages.body(new_notebook(cells=[new_markdown_cell(r"$\frac{a}{$")]))
    assert r"\frac{a}{" in text


def test_sliders_become_a_sentence_and_what_they_showed():
    shown = {"outputs": [new_output("stream", name="stdout", text="at three\n")]}
    state = {"box": {"state": {"children": ["IPY_MODEL_out"]}}, "out": {"state": shown}}
    view = new_output("display_data", {pages.WIDGET: {"model_id": "box"}, "text/plain": "interactive(...)"})
    notebook = new_notebook(
        cells=[new_code_cell("interact(f)", outputs=[view])], metadata={"widgets": {pages.WIDGETS: {"state": state}}}
    )
    text = pages.body(notebook)
    assert "open this notebook in JupyterLab" in text and "at three" in text and "interactive(...)" not in text


def test_folders_of_the_machine_leave_the_executed_notebook(report, monkeypatch):
    monkeypatch.setenv("HANDSEG_ROOT", "/somewhere/checkout")
    said = "/somewhere/checkout/handseg_lib/viz.py and /somewhere/checkouts\n"
    path = report.root / "notebooks" / "23_handseg_net.ipynb"
    cell = new_code_cell("", outputs=[new_output("stream", name="stderr", text=said)])
    write_notebook(path, cell, input_path="/somewhere/checkout/notebooks/23_handseg_net.ipynb")
    site.build(report.root)
    notebook = nbformat.read(path, 4)
    assert notebook.cells[0].outputs[0].text == "./handseg_lib/viz.py and /somewhere/checkouts\n"
    assert notebook.metadata.papermill.input_path == "./notebooks/23_handseg_net.ipynb"


@pytest.mark.parametrize(("seconds", "said"), [(None, "–"), (41.6, "42 s"), (65.4, "1 min 05 s"), (4800, "1 h 20 min")])
def test_duration(seconds, said):
    assert site.duration(seconds) == said
