"""Snakemake's progress in lines a person can follow: one when a step starts, one when it ends, and what went wrong."""

import json
import re
import sys
import time
from logging import LogRecord
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

_TAIL = 15
_TOLD = ("RuleException", "CalledProcessError", "WorkflowError")
"""Snakemake's own words for a failed step, which `_fail` has shown already."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class LogHandler(LogHandlerBase):
    """Prints to standard error; the complete log stays in Snakemake's own file."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        self.names: dict[int, str] = {}
        self.started: dict[int, float] = {}
        self.failed: list[str] = []
        self.done = self.total = 0

    def emit(self, record: LogRecord) -> None:
        """Shows the events that matter and drops the rest."""
        event = getattr(record, "event", None)
        handle = {
            LogEvent.RUN_INFO: self._plan,
            LogEvent.JOB_INFO: self._announce,
            LogEvent.JOB_FINISHED: self._finish,
            LogEvent.JOB_ERROR: self._fail,
        }.get(event)
        try:
            if handle:
                handle(record)
            elif event is LogEvent.ERROR and record.exception not in _TOLD:
                self._say(record.getMessage())
            elif event is None:
                self._remark(record)
        except Exception:
            self.handleError(record)

    def _say(self, text: str) -> None:
        clear = "\r\033[K" if sys.stderr.isatty() else ""  # a progress bar may stand on this line
        print(f"{clear}{text}", file=sys.stderr, flush=True)

    def _remark(self, record: LogRecord) -> None:
        text = record.getMessage()
        if text.startswith("Nothing to be done"):
            self._say("Nothing to do: everything is up to date.")
        elif text.startswith("Exiting because a job execution failed"):
            self._say(f"Failed: {', '.join(self.failed)}. What is done is kept; the same command goes on from here.")
        elif record.levelname in ("ERROR", "CRITICAL"):
            self._say(text)

    def _plan(self, record: LogRecord) -> None:
        stats: dict[str, Any] = getattr(record, "stats", {}) or {}
        self.total = stats.get("total", 0) - stats.get("all", 0)

    def _announce(self, record: LogRecord) -> None:
        name = record.rule_msg
        if not name:  # rule `all`: the goal, not a step
            return
        self.names[record.jobid], self.started[record.jobid] = name, time.monotonic()
        if self.common_settings.dryrun:
            self._say(f"would do: {name} ({_reason(record.reason)})")
        else:
            self._say(f"[{time.strftime('%H:%M:%S')}] {name} ...")

    def _finish(self, record: LogRecord) -> None:
        if record.job_id not in self.names:
            return
        self.done += 1
        took = _duration(time.monotonic() - self.started[record.job_id])
        name = self.names[record.job_id]
        self._say(f"[{time.strftime('%H:%M:%S')}] {name}: done in {took} ({self.done} of {self.total})")

    def _fail(self, record: LogRecord) -> None:
        name = self.names.get(record.jobid, record.rule_name)
        self.failed.append(name)
        self._say(f"[{time.strftime('%H:%M:%S')}] {name}: FAILED")
        for log in map(Path, record.log or ()):
            if text := _last_lines(log):
                self._say("\n".join(f"    {line}" for line in text.splitlines()))
                self._say(f"    More in {log}")
                return


def _last_lines(log: Path) -> str:
    """The end of a text log, or of the traceback in an executed notebook ("" when it has none)."""
    if not log.exists():
        return ""
    text = log.read_text(encoding="utf-8", errors="replace")
    if log.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        outputs = [o for c in cells for o in c.get("outputs", ()) if o["output_type"] == "error"]
        text = "\n".join(outputs[-1]["traceback"]) if outputs else ""
    lines = [line.split("\r")[-1] for line in _COLOUR.sub("", text).splitlines()]
    return "\n".join(lines[-_TAIL:])


def _reason(text: str) -> str:
    """Snakemake's first reason, without lists of files longer than a line."""
    first = text.split(";")[0].strip()
    if first.startswith("Missing output files"):
        return "not done yet"
    return first if len(first) < 120 else first[:117] + "..."


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
