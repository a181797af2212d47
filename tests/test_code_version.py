"""Versions of code: what changes behaviour changes them, what does not does not; and who imports whom."""

import sys

import pytest

from handseg_lib.code_version import behaviour, digest, imported_files


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package of modules, importable under a name of its own."""
    name = f"pack_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Nothing."""\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name, folder
    for module in [m for m in sys.modules if m.startswith(name)]:
        del sys.modules[module]


def write(package, **modules):
    name, folder = package
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text.format(p=name))
    return name, folder


def names(files):
    return {path.stem for path in files}


def test_wording_does_not_matter_and_code_does(tmp_path):
    texts = (
        'def f(x):\n    """One."""\n    return x + 1  # why\n',
        'def f(x):\n    """Two."""\n\n    return (x + 1)\n',
        "def f(x):\n    return x + 2\n",
    )
    paths = [tmp_path / f"{i}.py" for i in range(3)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    first, second, third = map(behaviour, paths)
    assert first == second != third
    assert digest(paths[:1]) == digest(paths[1:2]) != digest(paths[2:])


def test_imports_are_followed_through_every_form(package):
    name, folder = write(
        package,
        a="import {p}.b\nfrom {p} import c\n",
        b="from {p}.d import thing\n",
        c="def f():\n    from {p}.e import late\n",
        d="thing = 1\n",
        e="late = 2\nimport json\n",
        unused="x = 1\n",
    )
    assert names(imported_files([folder / "a.py"], [name])) == {"__init__", "a", "b", "c", "d", "e"}


def test_what_only_type_checkers_import_does_not_count(package):
    name, folder = write(
        package,
        a="if TYPE_CHECKING:\n    from {p}.b import B\nelse:\n    from {p}.c import C\n",
        b="B = 1\n",
        c="C = 1\n",
    )
    assert names(imported_files([folder / "a.py"], [name])) == {"a", "c"}


def test_other_packages_and_excluded_modules_are_not_followed(package):
    name, folder = write(package, a="import numpy\nfrom {p}.b import x\n", b="from {p}.c import x\n", c="x = 1\n")
    assert names(imported_files([folder / "a.py"], [name], without=[f"{name}.b"])) == {"a"}
    assert names(imported_files([folder / "a.py"], [f"{name}.b"])) == {"a", "b"}


def test_circles_end(package):
    name, folder = write(package, a="from {p} import b\n", b="from {p} import a\n")
    assert names(imported_files([folder / "a.py"], [name])) == {"__init__", "a", "b"}


def test_relative_imports_are_refused(package):
    name, folder = write(package, a="from . import b\n", b="")
    with pytest.raises(ImportError, match=r"a\.py: relative import in line 1"):
        imported_files([folder / "a.py"], [name])
