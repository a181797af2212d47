import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from handseg_lib import environment, profiles, run_all, series

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DIRECT = [Requirement(r) for r in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]]


def locked():
    """Requirement and number of hashes of each entry of the lock."""
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^\s*#.*\n", "", LOCK, flags=re.MULTILINE))
    for line in joined.splitlines():
        requirement, *hashes = line.split(" --hash=")
        yield Requirement(requirement), len([h for h in hashes if re.fullmatch(r"sha256:[0-9a-f]{64}", h.strip())])


@pytest.mark.parametrize("wanted", DIRECT, ids=lambda r: r.name)
def test_lock_has_every_direct_dependency_within_its_bound(wanted):
    found = [entry for entry, _ in locked() if canonicalize_name(entry.name) == canonicalize_name(wanted.name)]
    assert found, f"{wanted.name} is not in requirements.lock; write the lock anew"
    for entry in found:
        (pin,) = entry.specifier
        assert pin.operator == "==" and wanted.specifier.contains(pin.version), f"{entry} does not satisfy {wanted}"


def test_every_entry_of_the_lock_is_pinned_and_hashed():
    entries = list(locked())
    assert len(entries) > 100
    assert [str(entry) for entry, hashes in entries if not hashes] == []
    assert [str(entry) for entry, _ in entries if [s.operator for s in entry.specifier] != ["=="]] == []


def test_lock_names_no_address_and_no_path():
    assert not re.search(r"://|--(extra-)?index|--find-links|file:|^-e|^/", LOCK, re.MULTILINE)


def test_direct_dependencies_have_lower_bounds_only():
    assert [str(r) for r in DIRECT if [s.operator for s in r.specifier] != [">="]] == []


def test_conda_environment_takes_everything_from_the_lock():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *plain, pip = conda["dependencies"]
    assert conda["name"] == "handseg"
    assert pip == {"pip": ["--requirement requirements.lock"]}
    # Anything else from conda could come in another version than the lock's.
    assert plain[1:] == ["pip"] and plain[0].startswith("python=")
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(plain[0].removeprefix("python="))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
        yield from (name.split(".")[0] for name in names)


def test_imports_of_the_library_are_declared():
    packages = {
        "cv2": "opencv-python-headless",
        "skimage": "scikit-image",
        "yaml": "pyyaml",
        "PIL": "pillow",
        "sklearn": "scikit-learn",
    }
    packages |= {"pydantic_core": "pydantic", "cycler": "matplotlib"}  # parts of these, in packages of their own
    known = {canonicalize_name(r) for r in [*(Requirement(d).name for d in PROJECT["dependencies"]), "handseg_lib"]}
    undeclared = {
        f"{module} ({path.relative_to(ROOT)})"
        for path in [*(ROOT / "handseg_lib").rglob("*.py"), *(ROOT / "workflow").rglob("*.py")]
        for module in imported(path)
        if module not in sys.stdlib_module_names and canonicalize_name(packages.get(module, module)) not in known
    }
    assert undeclared == set()


def test_readme_lists_the_series_and_the_profiles():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.split("<!-- series: begin")[1].split("<!-- series: end")[0].splitlines()[3:]
    assert table == [
        f"| {n.number} | [{n.title}](notebooks/{n.name}.ipynb) | {n.question} | {n.paper} |" for n in series.SERIES
    ]
    times = readme.split("<!-- times: begin")[1].split("<!-- times: end")[0]
    assert re.findall(r"^\| `(\w+)`", times, re.MULTILINE) == list(profiles.NAMES)


def test_command_knows_the_profiles_without_importing_them():
    assert sorted(run_all.profile_names()) == sorted(profiles.NAMES)


def test_ci_runs_the_test_command():
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == "exec ./run_all.sh test"


def shell(*arguments, **env):
    base = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        ["bash", str(ROOT / "run_all.sh"), *arguments], env=base | env, capture_output=True, text=True
    )


def test_no_fitting_python_is_an_error_that_says_what_is_needed(tmp_path):
    for name in ("python3", "python3.11"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 127\n")  # on the PATH, but starts nothing
        (tmp_path / name).chmod(0o755)
    for tool in ("bash", "dirname", "sh"):
        (tmp_path / tool).symlink_to(f"/bin/{tool}" if Path(f"/bin/{tool}").exists() else f"/usr/bin/{tool}")
    done = shell("--help", PATH=str(tmp_path))
    assert done.returncode == 1
    assert "3.11, 3.12 or 3.13" in done.stderr and "HANDSEG_PYTHON" in done.stderr


def test_help_needs_no_environment_and_lists_commands_and_profiles():
    done = shell("--help", PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin")
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("doctor", "lab", "test", "--reuse", "--only", *profiles.NAMES))


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout whose `.venv` holds a Python and is finished, and no active environment."""
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "HANDSEG_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HANDSEG_ROOT", str(tmp_path))
    (tmp_path / ".venv" / "handseg.stamp").write_text(environment.stamp())
    return tmp_path


def test_finished_venv_is_used_without_installing(checkout):
    found = environment.prepare()
    assert found.python == checkout / ".venv" / "bin" / "python" and found.origin == ".venv"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda root: (root / ".venv" / "handseg.stamp").unlink(),  # killed while it was made
        lambda root: (root / ".venv" / "bin" / "python").unlink(),
        lambda root: (root / "requirements.lock").write_text("torch==2.99\n"),
    ],
    ids=["half-made", "its Python is gone", "another lock"],
)
def test_other_venv_is_never_taken_as_finished(checkout, spoil):
    spoil(checkout)
    assert environment.existing() is None


def test_failing_installation_leaves_nothing_that_counts(checkout, monkeypatch, tmp_path_factory):
    (checkout / ".venv" / "handseg.stamp").unlink()
    tools = tmp_path_factory.mktemp("tools")
    (tools / "uv").write_text('#!/bin/sh\n[ "$1" = --version ] && exit 0\necho no network >&2\nexit 2\n')
    (tools / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    with pytest.raises(environment.EnvironmentProblem, match="Nothing half-made is used"):
        environment.prepare()
    assert environment.existing() is None


def test_active_environment_with_the_packages_is_used(checkout, monkeypatch):
    monkeypatch.setenv("CONDA_PREFIX", sys.prefix)
    found = environment.prepare(extras=("test",))
    assert found.python == Path(sys.prefix) / "bin" / "python" and "active environment" in found.origin


def test_active_environment_without_them_is_not(checkout, monkeypatch, tmp_path_factory, capsys):
    bare = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    monkeypatch.setenv("VIRTUAL_ENV", str(bare))
    assert environment.prepare().origin == ".venv"
    assert f"{bare} lacks" in capsys.readouterr().err


def test_dependency_below_its_bound_is_named(checkout):
    text = (checkout / "pyproject.toml").read_text(encoding="utf-8")
    (checkout / "pyproject.toml").write_text(text.replace('"tqdm>=4.66"', '"tqdm>=99"'), encoding="utf-8")
    (line,) = environment.missing(Path(sys.executable))
    assert line.startswith("tqdm ") and ">=99" in line


def test_handseg_python_that_does_not_start_is_an_error(checkout, monkeypatch):
    monkeypatch.setenv("HANDSEG_PYTHON", "/nowhere/python")
    with pytest.raises(environment.EnvironmentProblem, match="/nowhere/python"):
        environment.prepare()
