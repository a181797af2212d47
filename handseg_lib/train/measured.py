"""The files of one measured test, the same in the store and in a report: small, and readable without this library.

`metrics.json` holds the metrics and the confusion matrix of the whole set, `counts.csv` the matrix of each frame,
`outlines.csv` what was counted near outlines where a test asks for it, and `000.png`, ... the kept predictions (8-bit
class ids) in the order of the frames.
"""

import math
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from handseg_lib.data.labels import LABEL_MAPS
from handseg_lib.errors import StoreError
from handseg_lib.train import files
from handseg_lib.train.registry import Evaluation
from handseg_lib.train.result import Measured


def write_measured(measured: Measured) -> dict[str, bytes]:
    """Contents of the files by name."""
    names = measured.class_names
    summary = {
        "format": files.FORMAT,
        "test": measured.evaluation.model_dump(mode="json"),
        "measured_on": f"{len(measured.frames)} {measured.evaluation.data}",
        "data": measured.fingerprint,
        "seconds": round(measured.seconds, 3),
        "classes": names,
        "confusion": measured.confusion.counts.tolist(),
        "metrics": {name: None if math.isnan(value) else value for name, value in measured.metrics.items()},
        "predictions": list(measured.predictions),
    }
    counts = pd.DataFrame(measured.counts.reshape(len(measured.frames), -1), columns=count_columns(names))
    counts.insert(0, "frame", measured.frames)
    contents = {
        "metrics.json": files.to_json(summary),
        "counts.csv": counts.to_csv(index=False, lineterminator="\n").encode(),
    }
    if measured.evaluation.bands:
        outlines = pd.DataFrame(measured.outlines, columns=outline_names(names, measured.evaluation.bands))
        outlines.insert(0, "frame", measured.frames)
        contents["outlines.csv"] = outlines.to_csv(index=False, lineterminator="\n").encode()
    for index, ids in enumerate(measured.predictions.values()):
        contents[f"{index:03d}.png"] = cv2.imencode(".png", ids)[1].tobytes()
    return contents


def read_measured(folder: Path, evaluation: Evaluation, remedy: str) -> Measured:
    """What `write_measured` wrote, checked.

    Args:
        evaluation: the test that the files must be of.
        remedy: what to do when they cannot be used; ends every message.

    Raises:
        StoreError: when a file is missing, damaged, of another version, or they do not belong together.
    """
    path = folder / "metrics.json"
    summary = files.read_json(path, remedy)
    lacking = {"test", "data", "seconds", "confusion", "predictions"} - set(summary)
    if lacking:
        raise StoreError(f"{path} lacks {', '.join(sorted(lacking))}. {remedy}")
    if summary["test"] != evaluation.model_dump(mode="json"):
        raise StoreError(f"{path} is of the test {summary['test']}, expected {evaluation.model_dump()}. {remedy}")
    names = LABEL_MAPS[evaluation.label_map].names
    frames, counts = _read_counts(folder / "counts.csv", count_columns(names), remedy)
    counts = counts.reshape(-1, len(names), len(names))
    if counts.sum(0).tolist() != summary["confusion"]:
        raise StoreError(f"{folder / 'counts.csv'} is damaged: its sum is not the confusion matrix of {path}. {remedy}")
    predictions = {
        frame: _read_ids(folder / f"{index:03d}.png", remedy) for index, frame in enumerate(summary["predictions"])
    }
    outlines = _read_outlines(folder / "outlines.csv", evaluation, frames, remedy)
    return Measured(evaluation, frames, counts, predictions, summary["data"], summary["seconds"], outlines)


def count_columns(names: tuple[str, ...]) -> list[str]:
    """Names of the columns of `counts.csv` after `frame`: `left hand as background` and so on, truth first."""
    return [f"{true} as {predicted}" for true in names for predicted in names]


def outline_names(names: tuple[str, ...], bands: tuple[int, ...]) -> list[str]:
    """Names of the columns of `outlines.csv` after `frame`, in the order of `metrics.boundary.outline_counts`."""
    near = [f"boundary {what} {name}" for name in names for what in ("intersection", "union")]
    return near + [f"band {width}: {column}" for width in bands for column in count_columns(names)]


def _read_outlines(path: Path, evaluation: Evaluation, frames: tuple[str, ...], remedy: str) -> NDArray[np.int64]:
    """(frames, K) int64 counts near outlines; K is 0 where the test asks for none."""
    if not evaluation.bands:
        return np.zeros((len(frames), 0), np.int64)
    columns = outline_names(LABEL_MAPS[evaluation.label_map].names, evaluation.bands)
    found, outlines = _read_counts(path, columns, remedy)
    if found != frames:
        raise StoreError(f"{path} is damaged: its frames are not those of counts.csv. {remedy}")
    return outlines


def _read_counts(path: Path, columns: list[str], remedy: str) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Frame ids, and (frames, columns) int64 counts."""
    try:
        types = {"frame": str, **dict.fromkeys(columns, np.int64)}
        table = pd.read_csv(BytesIO(path.read_bytes()), dtype=types, na_filter=False)
        counts, frames = table[columns].to_numpy(), tuple(table["frame"])
    except FileNotFoundError:
        raise StoreError(f"{path} is missing. {remedy}") from None
    except (ValueError, KeyError) as error:
        raise StoreError(f"{path} is damaged: {error}. {remedy}") from None
    return frames, counts


def _read_ids(path: Path, remedy: str) -> NDArray[np.uint8]:
    """(H, W) uint8 class ids of a kept prediction."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise StoreError(f"{path} is missing. {remedy}") from None
    # OpenCV decodes a truncated PNG as far as it goes and says nothing; a whole one ends with its IEND chunk.
    whole = content.endswith(b"IEND\xaeB`\x82")
    ids: Any = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED) if whole else None
    if ids is None or ids.ndim != 2 or ids.dtype != np.uint8:
        raise StoreError(f"{path} is damaged: expected an 8-bit PNG of class ids, {len(content)} bytes. {remedy}")
    return ids
