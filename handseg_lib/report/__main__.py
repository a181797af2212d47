"""`python -m handseg_lib.report build|verify reports/<profile>`."""

import argparse
import sys
from pathlib import Path

from handseg_lib.errors import HandsegError
from handseg_lib.report import manifest


def main(arguments: list[str] | None = None) -> int:
    """Build or verify a report; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m handseg_lib.report", description="Build or verify a report.")
    parser.add_argument("command", choices=("build", "verify"))
    parser.add_argument("folder", type=Path, help="the report, such as reports/quick")
    options = parser.parse_args(arguments)
    try:
        return _build(options.folder) if options.command == "build" else _verify(options.folder)
    except HandsegError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2


def _build(folder: Path) -> int:
    from handseg_lib.report import site  # nbconvert takes a second to import

    print(f"Report: {site.build(folder)}")
    return 0


def _verify(folder: Path) -> int:
    problems = manifest.verify(folder)
    for problem in problems:
        print(problem)
    count = len(problems)
    print(f"{folder}: {'whole, as its manifest says' if not count else f'{count} file(s) differ from the manifest'}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
