"""The version of the code that a result depends on: other code, other key, trained or measured anew."""

import ast
import hashlib
import inspect
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from handseg_lib import models

LIBRARY = Path(__file__).parents[1]

TRAINING = ("losses.py", "data/labels.py", "data/torch_data.py", "data/transforms.py", "upsampling.py", "train/fit.py")
"""Files that decide what a training ends with, besides the model's own."""

MEASURING = ("metrics/confusion.py", "data/labels.py", "data/transforms.py", "upsampling.py", "train/evaluate.py")
"""Files that decide what a trained network scores."""


def training_code(model: str) -> str:
    """Version of the code that trains a model: the files above, and those of the model."""
    return _digest((*(LIBRARY / name for name in TRAINING), *model_files(model)))


def measuring_code() -> str:
    """Version of the code that measures a trained network."""
    return _digest(LIBRARY / name for name in MEASURING)


def model_files(model: str) -> tuple[Path, ...]:
    """The file that defines an architecture, and the files of `handseg_lib.models` that it imports."""
    files, waiting = set(), [Path(inspect.getsourcefile(models.MODELS[model].build))]
    while waiting:
        path = waiting.pop()
        if path not in files:
            files.add(path)
            imports = [n.module or "" for n in ast.walk(ast.parse(path.read_bytes())) if isinstance(n, ast.ImportFrom)]
            waiting += [Path(find_spec(m).origin) for m in imports if m.startswith("handseg_lib.models.")]
    return tuple(sorted(files))


def _digest(files: Iterable[Path]) -> str:
    """Hash of what several files do."""
    return hashlib.sha256("".join(behaviour(path) for path in files).encode()).hexdigest()


@cache
def behaviour(path: Path) -> str:
    """A file's code without comments, layout and docstrings: rewording an explanation must not train anything again."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [statement for statement in body if not _is_text(statement)]
    return ast.dump(tree)


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a string that stands alone."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
