"""The list of a report's files with their SHA-256, and the check that they are still those files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from handseg_lib.errors import ReportError
from handseg_lib.report import files

NAME = "manifest.json"


@dataclass(frozen=True)
class Problem:
    """One file that is not as the manifest says."""

    kind: Literal["missing", "changed", "extra"]
    file: str

    def __str__(self) -> str:
        return f"{self.kind:>8}  {self.file}"


def write(root: Path) -> None:
    """List every file under `root` in `manifest.json`; hidden files and folders are not part of a report."""
    files.write_json(root / NAME, {"algorithm": "sha256", "files": _hashes(root)})


def verify(root: Path) -> list[Problem]:
    """What is missing, changed or extra, sorted by file; an empty list means the report is whole.

    Raises:
        ReportError: if there is no folder or no readable manifest.
    """
    if not root.is_dir():
        raise ReportError(f"{root} is not a folder; name a report such as reports/quick")
    listed = files.read_json(root / NAME).get("files")
    if not isinstance(listed, dict):
        raise ReportError(f"{root / NAME} lists no files; build the report again")
    found = _hashes(root)
    problems = [Problem("missing", f) for f in listed.keys() - found.keys()]
    problems += [Problem("extra", f) for f in found.keys() - listed.keys()]
    problems += [Problem("changed", f) for f in listed.keys() & found.keys() if listed[f] != found[f]]
    return sorted(problems, key=lambda problem: problem.file)


def _hashes(root: Path) -> dict[str, str]:
    relative = {p.relative_to(root): p for p in root.rglob("*") if p.is_file()}
    hidden = {r for r in relative if any(part.startswith(".") for part in r.parts)}
    return {r.as_posix(): files.sha256(p) for r, p in relative.items() if r not in hidden and r.as_posix() != NAME}
