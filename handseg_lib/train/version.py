"""The version of the code that a result depends on: other code, other key, trained or measured anew."""

import inspect
from pathlib import Path

from handseg_lib import models
from handseg_lib.code_version import digest, imported_files

LIBRARY = Path(__file__).parents[1]

TRAINING = (
    "losses.py",
    "data/labels.py",
    "data/torch_data.py",
    "data/transforms.py",
    "data/colour.py",
    "upsampling.py",
    "train/fit.py",
)
"""Files that decide what a training ends with, besides the model's own."""

OWN_TRAINING = {"forest": ("train/fit_forest.py",)}
"""Files that train one architecture and no other."""

MEASURING = (
    "metrics/confusion.py",
    "metrics/boundary.py",
    "data/labels.py",
    "data/transforms.py",
    "data/colour.py",
    "upsampling.py",
    "train/evaluate.py",
)
"""Files that decide what a trained network scores."""


def training_code(model: str) -> str:
    """Version of the code that trains a model: the files above, and those of the model."""
    names = (*TRAINING, *OWN_TRAINING.get(model, ()))
    return digest((*(LIBRARY / name for name in names), *model_files(model)))


def measuring_code() -> str:
    """Version of the code that measures a trained network."""
    return digest(LIBRARY / name for name in MEASURING)


def model_files(model: str) -> tuple[Path, ...]:
    """The file that defines an architecture, and the files of `handseg_lib.models` that it imports."""
    start = Path(inspect.getsourcefile(models.MODELS[model].build))
    return imported_files([start], ["handseg_lib.models"], without=["handseg_lib.models"])
