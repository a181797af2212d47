"""One run at a time in a working folder, and no processes left over from a run that was killed."""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

_MARK = "HANDSEG_RUN"


class AlreadyRunning(Exception):
    """Another run is at work in the same folder."""


@contextlib.contextmanager
def hold(workdir: Path) -> Iterator[int]:
    """Holds `workdir` for this process and those it hands the yielded file descriptor to.

    The system releases the lock when the last of them ends, so it is never stale: whoever gets it may end what a
    killed run left behind (processes started under the lock carry its name in their environment).

    Raises:
        AlreadyRunning: when a live process holds it; the message names the process.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    path = workdir / "running"
    with path.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise AlreadyRunning(
                f"Another run is at work in {workdir} (process group {handle.read().strip() or 'unknown'}). "
                "Wait for it, or stop it; another store (HANDSEG_STORE) can be used meanwhile."
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpgrp()))
        handle.flush()
        end_leftovers(path)
        os.environ[_MARK] = str(path)
        try:
            yield handle.fileno()
        finally:
            del os.environ[_MARK]
            end_leftovers(path)


def leftovers(path: Path) -> list[int]:
    """Processes that carry the mark of the lock `path`, this one excepted (Linux; elsewhere none are found)."""
    mark = f"{_MARK}={path}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0") and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


def end_leftovers(path: Path, patience: float = 5.0) -> None:
    """Ends them: politely, then after `patience` seconds for good."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in leftovers(path):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, number)
        until = time.monotonic() + patience
        while leftovers(path) and time.monotonic() < until:
            time.sleep(0.05)
