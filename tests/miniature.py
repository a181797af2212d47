"""A tiny project around the real command and workflow: three notebooks, three runs, and stand-ins for what takes long.

The stand-ins are whole commands (`handseg_lib.train`, `.report`); they and the notebooks each append a line to
`journal`, so that tests can count what was really done.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

PATIENCE = 300  # seconds before a command counts as hanging
PROJECT = Path(__file__).parents[1]
REAL = (
    *("__init__.py", "errors.py", "paths.py", "run_all.py", "environment.py", "single_run.py"),
    *("papermill_engine.py", "notebook.py"),
)

SERIES = """
SERIES = (
    Notebook("01", "first", "First", "One?"),
    Notebook("02", "second", "Second", "Two?", runs=("toy/run", "toy/alike", "toy/own")),
    Notebook("90", "last", "Last", "All?", runs=("toy/alike", "toy/run"), after=("01", "02")),
)
"""
JOURNAL = """
import os, pathlib
def note(line):
    with pathlib.Path(os.environ["HANDSEG_ROOT"], "journal").open("a") as f:
        f.write(line + "\\n")
"""
TRAIN = """
import os, sys, time
from handseg_lib.journal import note
note("train began " + " ".join(sys.argv[1:]))
time.sleep(float(os.environ.get("TOY_SECONDS", 0)))
note("train " + " ".join(sys.argv[1:]))
"""
REGISTRY = """
from types import SimpleNamespace as S
def config(name, profile):
    def part(split, images=()):
        return S(source="toy_scene", split=split, count=4, height=16, width=16, seed=0, real=False, images=images)
    sets = [part("train"), part("val", ("color_rgb", "parts")), part("train"), S(real=True)]
    return S(sets=sets, start=None, schedule=S(threads=1))
"""
RENDER = """
from handseg_lib.journal import note
def rendered(*arguments, workers, images):
    note(f"render {arguments}{''.join('+' + name for name in images)}")
"""
REPORT = """
import pathlib, sys
from handseg_lib.journal import note
note("report " + sys.argv[1])
folder = pathlib.Path(sys.argv[2])
if sys.argv[1] == "build":
    for name in ("index.html", "manifest.json"):
        (folder / name).write_text("made")
"""


class Miniature:
    """The tiny project in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        library = root / "handseg_lib"
        for package in ("train", "report", "data"):
            (library / package).mkdir(parents=True)
            (library / package / "__init__.py").touch()
        for name in REAL:
            shutil.copy(PROJECT / "handseg_lib" / name, library / name)
        shutil.copytree(PROJECT / "handseg_lib" / "profiles", library / "profiles")
        shutil.copytree(PROJECT / "workflow", root / "workflow")
        shutil.copy(PROJECT / "run_all.sh", root)
        series = (PROJECT / "handseg_lib" / "series.py").read_text(encoding="utf-8")
        sources = {"series.py": series + SERIES, "journal.py": JOURNAL}
        sources |= {"train/__main__.py": TRAIN, "train/registry.py": REGISTRY, "data/counterparts.py": RENDER}
        sources |= {"report/__main__.py": REPORT}
        for name, text in sources.items():
            (library / name).write_text(text, encoding="utf-8")
        (root / "notebooks").mkdir()
        self.write_notebook("01_first", "print(profile)", parameters='profile: str = "smoke"')
        self.write_notebook("02_second", "print(profile, seeds)")
        self.write_notebook("90_last", "print('last')")

    def write_notebook(self, name: str, source: str, parameters: str = "") -> None:
        """Writes a notebook: a parameters cell, a line for the journal, `source`."""
        begin = nbformat.v4.new_code_cell(parameters or 'profile: str = "smoke"\nseeds: int = 0\nreuse: bool = False')
        begin.metadata["tags"] = ["parameters"]
        journal = f"from handseg_lib.journal import note\nnote(f'notebook {name} {{profile}}')"
        cells = [begin, *map(nbformat.v4.new_code_cell, (journal, source))]
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.root / "notebooks" / f"{name}.ipynb")

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        """Starts `./run_all.sh` with this test's own Python, its output joined."""
        hidden = ("PYTHONPATH", "HANDSEG_STORE", "HANDSEG_REPORTS", "HANDSEG_DATA_ROOT", "HANDSEG_RUN")
        env = {key: value for key, value in os.environ.items() if key not in hidden}
        env |= {"HANDSEG_PYTHON": sys.executable, "HANDSEG_ROOT": str(self.root), **environment}
        command = [str(self.root / "run_all.sh"), *arguments]
        return subprocess.Popen(
            command,
            env=env,
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Runs it to its end; returns its exit status and everything it printed."""
        process = self.start(*arguments, **environment)
        output, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, output

    def executed(self, name: str, profile: str = "smoke") -> Path:
        """The executed notebook in the report."""
        return self.root / "reports" / profile / "notebooks" / f"{name}.ipynb"

    def journal(self) -> list[str]:
        """What the stand-ins did since the last call."""
        path = self.root / "journal"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def training(self) -> bool:
        """Whether the stand-in for training has begun."""
        path = self.root / "journal"
        return path.exists() and "train began" in path.read_text(encoding="utf-8")

    def processes(self, word: str = "") -> list[int]:
        """Live processes of this project's runs whose command line has `word`, found by the mark a run leaves."""
        mark = f"HANDSEG_RUN={self.root}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes() and word.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
        return found
