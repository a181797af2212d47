"""The Python environment that everything runs in: the active one if it will do, else `.venv` made from the lock.

Standard library only: this runs before anything is installed, in whatever Python was found.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from handseg_lib import paths

# Runs inside the environment in question. Prints a JSON list of what it lacks; "?" when it cannot even tell.
_PROBE = """
import importlib.metadata as installed, json, sys, tomllib
try:
    from packaging.requirements import Requirement
except ImportError:
    print('["packaging"]'); sys.exit()
project = tomllib.load(open(sys.argv[1], "rb"))["project"]
wanted = [*project["dependencies"], *(r for e in sys.argv[2:] for r in project["optional-dependencies"][e])]
lacking = []
for requirement in map(Requirement, wanted):
    if requirement.marker and not requirement.marker.evaluate():
        continue
    try:
        found = installed.version(requirement.name)
    except installed.PackageNotFoundError:
        lacking.append(f"{requirement.name} (absent)")
    else:
        if not requirement.specifier.contains(found, prereleases=True):
            lacking.append(f"{requirement.name} {found} (needs {requirement.specifier})")
print(json.dumps(lacking))
"""


class EnvironmentProblem(Exception):
    """The environment could not be made; the message says what to do."""


@dataclass(frozen=True)
class Environment:
    """An interpreter that has the packages, and where it comes from, for people to read."""

    python: Path
    origin: str


def prepare(extras: tuple[str, ...] = ()) -> Environment:
    """The environment to use, made first if need be.

    Args:
        extras: optional dependency groups of pyproject.toml that an already active environment must have, too;
            `.venv` has those of the lock.

    Raises:
        EnvironmentProblem: when no environment could be made.
    """
    found = existing(extras)
    return found or Environment(_own_environment(), ".venv")


def existing(extras: tuple[str, ...] = ()) -> Environment | None:
    """The environment that `prepare` would use without installing anything, or None.

    Raises:
        EnvironmentProblem: when HANDSEG_PYTHON names something that is no Python.
    """
    if given := os.environ.get("HANDSEG_PYTHON"):
        if not _starts([given, "--version"]):
            raise EnvironmentProblem(f"HANDSEG_PYTHON is {given}, which does not start; give the path of a Python.")
        return Environment(Path(given), "named by HANDSEG_PYTHON")
    active = _active_python()
    if active:
        lacking = missing(active, extras)
        if not lacking:
            return Environment(active, f"the active environment {active.parents[1]}")
        named = ", ".join(lacking[:4]) + (f" and {len(lacking) - 4} more" if len(lacking) > 4 else "")
        print(f"The active environment {active.parents[1]} lacks {named}; using .venv instead.", file=sys.stderr)
    return Environment(_venv_python(), ".venv") if _venv_state() == "current" else None


def missing(python: Path, extras: tuple[str, ...] = ()) -> list[str]:
    """Direct dependencies that `python`'s environment does not satisfy, one readable line each."""
    command = [str(python), "-c", _PROBE, str(_root() / "pyproject.toml"), *extras]
    probe = subprocess.run(command, capture_output=True, text=True)
    if probe.returncode:
        return [f"a Python that can read pyproject.toml ({(probe.stderr.strip().splitlines() or ['no message'])[-1]})"]
    return json.loads(probe.stdout)


def stamp() -> str:
    """What a finished `.venv` says it was made from: the lock, the project's metadata, and its place."""
    digest = hashlib.sha256(str(_root()).encode())
    for part in ("requirements.lock", "pyproject.toml"):
        digest.update((_root() / part).read_bytes())
    return digest.hexdigest()


def _root() -> Path:
    return paths.project_root()


def _active_python() -> Path | None:
    """The interpreter of the environment the caller activated, unless it is our own `.venv`."""
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if prefix := os.environ.get(variable):
            python = Path(prefix) / "bin" / "python"
            if python.exists() and Path(prefix).resolve() != _root() / ".venv":
                return python
    return None


def _venv_python() -> Path:
    return _root() / ".venv" / "bin" / "python"


def _venv_state() -> str:
    """`current`, `outdated` (finished, but from another lock), or `unfinished` (also when there is none)."""
    done = _root() / ".venv" / "handseg.stamp"
    if not done.exists() or not _starts([str(_venv_python()), "--version"]):
        return "unfinished"
    return "current" if done.read_text() == stamp() else "outdated"


def _own_environment() -> Path:
    venv, python = _root() / ".venv", _venv_python()
    done = venv / "handseg.stamp"
    with _lock(_root() / ".bootstrap" / "lock"):
        state = _venv_state()
        if state == "current":  # made by the call we waited for
            return python
        uv = _find_uv()
        if state == "outdated":
            print("Bringing .venv up to date with requirements.lock.", file=sys.stderr)
            done.unlink()  # it counts as unfinished from here on
        else:
            print("Making .venv from requirements.lock (once; minutes, most of it downloads).", file=sys.stderr)
            shutil.rmtree(venv, ignore_errors=True)
            _run([uv, "venv", "--quiet", "--python", getattr(sys, "_base_executable", sys.executable), str(venv)])
        install = [uv, "pip", "install", "--python", str(python), *(() if sys.stderr.isatty() else ("--quiet",))]
        # Where Python may not store bytecode (PYTHONDONTWRITEBYTECODE, usual in containers), each process would
        # otherwise compile PyTorch anew: 8 of the 14 seconds that the first cell of a notebook took.
        _run([*install, "--compile-bytecode", "--require-hashes", "-r", str(_root() / "requirements.lock")])
        # The build tool is in the lock: without isolation nothing unhashed is fetched.
        _run([*install, "--no-deps", "--no-build-isolation", "--editable", str(_root())])
        pending = done.with_suffix(".new")
        pending.write_text(stamp())
        pending.replace(done)
    return python


def _find_uv() -> str:
    """A uv that starts: the user's, or one put into `.bootstrap` (never into the user's Python)."""
    private = _root() / ".bootstrap" / "uv"
    for candidate in (shutil.which("uv"), str(private / "bin" / "uv")):
        if candidate and _starts([candidate, "--version"]):
            return candidate
    if not _starts([sys.executable, "-m", "pip", "--version"]):
        raise EnvironmentProblem(
            f"{sys.executable} has no pip, and there is no uv on the PATH. Install one of them "
            "(Debian, Ubuntu: apt install python3-pip), or activate an environment made from environment.yml."
        )
    shutil.rmtree(private, ignore_errors=True)
    # --target needs neither the venv module nor permission to change the system's Python.
    _run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(private), "uv>=0.5"])
    return str(private / "bin" / "uv")


def _starts(command: list[str]) -> bool:
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def _run(command: list[str]) -> None:
    env = os.environ | {"UV_PYTHON_DOWNLOADS": "never", "UV_HTTP_TIMEOUT": os.environ.get("UV_HTTP_TIMEOUT", "300")}
    if subprocess.run(command, env=env).returncode:
        raise EnvironmentProblem(
            f"The environment could not be made: `{' '.join(command)}` failed (its message is above). "
            "Nothing half-made is used; once the cause is gone, the same command starts afresh."
        )


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Holds `path` against other calls; released by the system when the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another call that is preparing the environment ...", file=sys.stderr)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
