"""What happens in a run, told to a person or a program. Three tellers share these calls: plain, live and
JSON.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from tdlocal.console.logs import TaskLogs
from tdlocal.console.names import readable
from tdlocal.workflow.faults import Place


class Console:
    """Plain lines: a line a task on standard error, what tasks print on standard output.

    Args:
        logs: where the logs of this run go; None for none.
        quiet: leave out the lines of tasks that went well.
        lines: a file for the lines; standard error when None.
    """

    def __init__(
        self, logs: TaskLogs | None = None, quiet: bool = False, lines: TextIO | None = None
    ) -> None:
        self.logs, self.quiet = logs, quiet
        self.counts: Counter[str] = Counter()
        self.failures: list[list[str]] = []
        self.began = time.monotonic()
        self.root = ""  # the workflow that runs
        self._lock = threading.RLock()
        self.out: TextIO = _tolerant(sys.stdout)
        self.err: TextIO = _tolerant(lines or sys.stderr)

    def _say(self, *lines: str) -> None:
        with self._lock:
            self.err = _written(self.err, "".join(line + "\n" for line in lines))

    def _event(self, kind: str, **facts: Any) -> None:
        if self.logs:
            self.logs.event(kind, **facts)

    def run_started(self, workflow: str, session: str, state: Path) -> None:
        """The run begins."""
        self.root = workflow
        self._event("run_started", workflow=workflow, session=session)
        if not self.quiet:
            self._say(f"{workflow}  session {session}  state {state}")

    def task_started(self, name: str, kind: str, place: Place) -> None:
        """A task begins to work."""
        self._event("task_started", task=name, operator=kind, place=str(place))

    def task_ended(
        self, name: str, kind: str, how: str, seconds: float, note: str, rows: int | None = None
    ) -> None:
        """A task went well or was passed over; *how* is "ok", "decided", "skipped", "left out" or "dry"."""
        self.counts[how] += 1
        self._event(
            "task_ended", task=name, operator=kind, how=how, seconds=round(seconds, 3), note=note, rows=rows
        )
        if not self.quiet and how != "left out":
            self._say(self.task_line(name, kind, how, seconds, note, rows))

    def task_line(self, name: str, kind: str, how: str, seconds: float, note: str, rows: int | None) -> str:
        """One line for a task."""
        told = "  ".join(filter(None, [note, f"{rows:,} rows" if rows is not None else ""]))
        took = f"{seconds:7.2f} s" if how == "ok" else " " * 9
        return f"  {how:<8}{took}  {kind + '>':<12}  {readable(name, self.root)}  {told}".rstrip()

    def task_failed(
        self, name: str, kind: str, place: Place, problem: str, mend: str, seconds: float
    ) -> None:
        """A task failed: what, where, how to mend it, where its log is."""
        self.counts["failed"] += 1
        log = self.logs.path_of(name, problem) if self.logs else None
        self._event("task_failed", task=name, operator=kind, place=str(place), problem=problem, mend=mend)
        first, *rest = problem.strip().split("\n")
        lines = [
            f"  FAILED  {seconds:7.2f} s  {shortened(name)}  {kind}>  {place}",
            f"    found     {first[:400]}",
            *(f"              {line[:400]}" for line in rest[:6]),
            f"    to mend   {mend or _mend(place)}",
        ]
        if log:
            lines.append(f"    log       {log}")
        self.failures.append(lines)
        self._say(*lines)

    def output(self, name: str, text: str) -> None:
        """What a task prints."""
        if self.logs:
            self.logs.event("output", task=name, text=text[:2000])
        with self._lock:
            self.out = _written(self.out, text if text.endswith("\n") else text + "\n")

    def retrying(self, name: str, count: int, limit: int, seconds: float) -> None:
        """A task or group is tried again."""
        self._event("retrying", task=name, count=count, limit=limit, seconds=seconds)
        after = f" after {seconds:g} s" if seconds else ""
        self._say(f"  retry {count} of {limit}{after}  {readable(name, self.root)}")

    def anew(self, name: str, reason: str) -> None:
        """A task runs though a result of it was kept."""
        self._event("anew", task=name, reason=reason)
        if not self.quiet:
            self._say(f"  runs again: {reason}  {readable(name, self.root)}")

    def warning(self, text: str) -> None:
        """Something that may be wrong."""
        self._event("warning", text=text)
        self._say(f"  warning: {text}")

    def parameters(self, name: str, values: dict[str, Any]) -> None:
        """All parameters of a task (-E)."""
        lines = [f"  {name}"] + [
            f"    {key}: {json.dumps(values[key], ensure_ascii=False)}" for key in values
        ]
        self._say(*lines)

    def task_log(self, name: str) -> Callable[[str], None]:
        """A function that adds lines to the task's log."""
        return self.logs.writer(name) if self.logs else _nowhere

    def run_ended(self, how: str, detail: list[str]) -> None:
        """The run is over; *how* is "success", "failure" or "killed"."""
        seconds = time.monotonic() - self.began
        self._event("run_ended", how=how, seconds=round(seconds, 3), counts=dict(self.counts))
        words = [
            f"{self.counts[word]:,} {word}"
            for word in ("ok", "failed", "skipped", "left out", "decided", "dry")
            if self.counts[word]
        ]
        self._say(*detail, f"{how}: {', '.join(words) or 'nothing to do'}  in {seconds:.1f} s")

    def close(self) -> None:
        """No more is told."""


class JsonConsole(Console):
    """One JSON object a line on standard output for everything that happens."""

    def _write(self, kind: str, facts: dict[str, Any]) -> None:
        with self._lock:
            line = json.dumps({"event": kind, **facts}, ensure_ascii=False, default=str)
            self.out = _written(self.out, line + "\n")

    def _event(self, kind: str, **facts: Any) -> None:
        super()._event(kind, **facts)
        self._write(kind, facts)

    def _say(self, *lines: str) -> None:
        return

    def output(self, name: str, text: str) -> None:
        """What a task prints."""
        self._write("output", {"task": name, "text": text.rstrip("\n")})

    def parameters(self, name: str, values: dict[str, Any]) -> None:
        """All parameters of a task (-E)."""
        self._write("parameters", {"task": name, "values": values})


def _tolerant(stream: TextIO) -> TextIO:
    """A stream that writes what its encoding lacks as escapes."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def _written(stream: TextIO, text: str) -> TextIO:
    """The stream to go on with: that nobody reads any more (`tdlocal run … | head`) stops no run."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        return open(os.devnull, "w", encoding="utf-8")
    return stream


def shortened(name: str, longest: int = 160) -> str:
    """A task's name for one line."""
    return name if len(name) <= longest else f"{name[: longest // 2]} … {name[-longest // 2 :]}"


def _nowhere(text: str) -> None:
    return


def _mend(place: Place) -> str:
    return f"see {place}, then run again: what succeeded is skipped"
