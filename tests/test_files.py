"""Files are whole or absent."""

import errno
import os
from pathlib import Path

import pytest

from handseg_lib.errors import ReportError, StoreError
from handseg_lib.files import write_atomic


def test_writes_bytes_text_and_what_a_function_writes(tmp_path: Path) -> None:
    write_atomic(tmp_path / "new" / "a", b"\x00\x01")
    write_atomic(tmp_path / "b", "é")
    write_atomic(tmp_path / "c", lambda file: file.write(b"written"))
    contents = [(tmp_path / name).read_bytes() for name in ("new/a", "b", "c")]
    assert contents == [b"\x00\x01", "é".encode(), b"written"]


@pytest.mark.parametrize("kind", [StoreError, ReportError])
def test_full_disk_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    path = tmp_path / "index.json"
    write_atomic(path, b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("handseg_lib.files.os.fsync", full)
    with pytest.raises(kind, match=r"index\.json: could not be written \(No space left.*HANDSEG_STORE"):
        write_atomic(path, b"new", kind)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def half(file) -> None:
        file.write(b"half")
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        write_atomic(tmp_path / "a.npy", half)
    assert not list(tmp_path.iterdir())
