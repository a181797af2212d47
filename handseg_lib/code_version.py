"""What code does, as text and as a hash: results are kept under the version of the code that they depend on."""

import ast
import hashlib
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path


def digest(files: Iterable[Path]) -> str:
    """Hash of what several files do, in the order given; where they lie does not matter."""
    return hashlib.sha256("".join(behaviour(path) for path in files).encode()).hexdigest()


@cache
def behaviour(path: Path) -> str:
    """A file's code without comments, layout and docstrings: rewording an explanation must not make anything anew."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [statement for statement in body if not _is_text(statement)]
    return ast.dump(tree)


def imported_files(
    starts: Iterable[Path], packages: Collection[str], without: Collection[str] = ()
) -> tuple[Path, ...]:
    """Some files and all modules that they import, directly or through others, sorted.

    Imports inside functions count, those under `if TYPE_CHECKING:` do not.

    Args:
        starts: the files to begin with.
        packages: full names of the packages and modules that are followed, such as "handseg_lib.models".
        without: full names of modules that are not followed: a registry that imports everything, say.
    """
    files: set[Path] = set()
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        if path in files:
            continue
        files.add(path)
        for name in _imports(path):
            inside = any(name == package or name.startswith(f"{package}.") for package in packages)
            if inside and name not in without:
                waiting += _source(name)
    return tuple(sorted(files))


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Full names of what a file imports; names from a package may be its modules."""
    names: list[str] = []
    for node in _running(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ImportError(f"{path}: relative import in line {node.lineno}; this project imports by full names")
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(dict.fromkeys(names))


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Everything in a syntax tree that runs; what is there for type checkers alone does not."""
    yield node
    only_types = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    for child in node.orelse if only_types else ast.iter_child_nodes(node):
        yield from _running(child)


@cache
def _source(name: str) -> list[Path]:
    """The file of a module, none where the name is no module but something in one."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        return []
    return [Path(spec.origin)] if spec and spec.origin else []


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a string that stands alone."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
