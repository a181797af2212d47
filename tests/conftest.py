"""Fixtures that several test modules share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from handseg_lib import paths


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """`shared_data("sr305")`: a folder of small real samples; the test skips where it is absent.

    Under `HANDSEG_DATA_ROOT`, else beside the checkout.
    """
    root = paths.data_root() or Path(__file__).resolve().parents[2] / "shared" / "data"

    def folder(name: str) -> Path:
        if not (root / name).is_dir():
            pytest.skip(f"real samples are absent: no folder {root / name}")
        return root / name

    return folder
