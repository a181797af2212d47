import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from handseg_lib import viz
from handseg_lib.errors import ReportError
from handseg_lib.report import figures

DATA = pd.DataFrame({"images": [5000, 10000], "iou": [0.872, 0.902]})


def plot():
    viz.style()
    figure, axes = plt.subplots(figsize=(4, 3))
    axes.plot(DATA["images"], DATA["iou"])
    return figure


def test_png_has_150_dpi_and_pdf_is_vector():
    files = figures.render("f", plot(), DATA)
    assert plt.imread(io.BytesIO(files["png"]), format="png").shape[:2] == (450, 600)
    assert files["pdf"].startswith(b"%PDF") and b"/Subtype /Image" not in files["pdf"]


def test_same_figure_gives_the_same_bytes():
    assert figures.render("f", plot(), DATA) == figures.render("f", plot(), DATA)


def test_frame_and_arrays_come_back():
    files = figures.render("f", plot(), DATA)
    pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(files["csv"]), index_col=0), DATA)
    depth = np.arange(6, dtype=np.float32).reshape(2, 3)
    files = figures.render("f", plot(), {"depth": depth})
    np.testing.assert_array_equal(np.load(io.BytesIO(files["npz"]))["depth"], depth)


def test_figure_is_closed():
    figures.render("f", plot(), DATA)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("data", [None, {}, DATA.iloc[:0], [1, 2]])
def test_figure_without_data_is_refused(data):
    with pytest.raises(ReportError, match="figure f: data is"):
        figures.render("f", plot(), data)


def test_ragged_arrays_are_refused():
    with pytest.raises(ReportError, match="mixed"):
        figures.render("f", plot(), {"mixed": np.array([[1], [1, 2]], dtype=object)})
