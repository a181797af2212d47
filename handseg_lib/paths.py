"""Where things live. Notebooks and commands ask here and never rely on the working directory.

Environment variables override each place: HANDSEG_ROOT, HANDSEG_STORE, HANDSEG_REPORTS, HANDSEG_DATA_ROOT.
"""

import os
from pathlib import Path


def project_root() -> Path:
    """The checkout: the folder that holds `notebooks/` and `handseg_lib/`."""
    return Path(os.environ.get("HANDSEG_ROOT") or Path(__file__).parents[1]).resolve()


def store_root() -> Path:
    """Local store of rendered data sets and finished runs, never committed (default: `.handseg/`)."""
    return Path(os.environ.get("HANDSEG_STORE") or project_root() / ".handseg").resolve()


def reports_root() -> Path:
    """Folder of the reports, one sub-folder a profile (default: `reports/`)."""
    return Path(os.environ.get("HANDSEG_REPORTS") or project_root() / "reports").resolve()


def notebooks_root() -> Path:
    """Folder of the numbered notebooks."""
    return project_root() / "notebooks"


def data_root() -> Path | None:
    """Folder of the real data sets (`<root>/sr305`, `<root>/egohands`, ...), or None when none was given."""
    value = os.environ.get("HANDSEG_DATA_ROOT")
    return Path(value).expanduser().resolve() if value else None
