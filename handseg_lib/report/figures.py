"""Figures: PNG to look at, PDF to print, and the data they were drawn from beside them."""

import io
from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from handseg_lib import viz
from handseg_lib.errors import ReportError

Data = pd.DataFrame | Mapping[str, NDArray[Any]]
"""What a figure was drawn from: a frame (saved as CSV) or named arrays (saved as npz)."""


def render(name: str, figure: Figure, data: Data) -> dict[str, bytes]:
    """A figure's files by their endings: `png` (150 dpi), `pdf` (vector), and `csv` or `npz` with its data.

    The same figure and data always give the same bytes. The figure is closed, so that a notebook shows it once.

    Raises:
        ReportError: if there is no data, because a figure without it cannot be drawn again.
    """
    files = {}
    for ending, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None, "Producer": None})):
        stream = io.BytesIO()
        figure.savefig(stream, format=ending, dpi=viz.DPI, metadata=metadata)
        files[ending] = stream.getvalue()
    plt.close(figure)
    ending, content = _sidecar(name, data)
    return files | {ending: content}


def _sidecar(name: str, data: Data) -> tuple[str, bytes]:
    if isinstance(data, pd.DataFrame) and not data.empty:
        return "csv", data.to_csv(float_format="%.10g").encode()
    if isinstance(data, Mapping) and data:
        arrays = {key: np.asarray(value) for key, value in data.items()}
        objects = [key for key, value in arrays.items() if value.dtype == object]
        if objects:
            raise ReportError(f"figure {name}: {', '.join(objects)} cannot be saved as arrays (mixed types or lengths)")
        stream = io.BytesIO()
        np.savez_compressed(stream, **arrays)
        return "npz", stream.getvalue()
    raise ReportError(
        f"figure {name}: data is {type(data).__name__} and empty or unknown; pass the DataFrame or the "
        "dictionary of arrays that the figure was drawn from"
    )
