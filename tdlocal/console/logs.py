"""The folder of one run: its events and a log a task, made when there is something to write."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import json
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tdlocal.errors import KitError

KEPT = 50  # runs
LONGEST = 20_000_000  # bytes of one task's log


def new_run_folder(state: Path) -> Path:
    """A new folder `<state>/runs/<n>`, numbered on from the last."""
    runs = state / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    number = max((int(entry.name) for entry in runs.iterdir() if entry.name.isdigit()), default=0) + 1
    while True:
        try:
            (runs / f"{number:04d}").mkdir()
            return runs / f"{number:04d}"
        except FileExistsError:
            number += 1


def compress_logs(folder: Path, target: Path, workflow: str, session: dt.datetime) -> None:
    """Write the task logs of a run as Digdag's -O does: a folder a day and session, in it a .gz a task.

    Raises:
        KitError: nothing can be written there.
    """
    now = dt.datetime.now(dt.UTC)
    inner = target / f"{now:%Y-%m-%d}" / f"0.1{workflow}@{session:%Y%m%dT%H%M%S%z}"
    try:
        inner.mkdir(parents=True, exist_ok=True)
        for stem, printed in _printed(folder).items():
            log = folder / f"{stem}.log"
            text = log.read_bytes() if log.exists() else "".join(printed).encode("utf-8", "replace")
            (inner / f"{stem}@{time.time_ns():x}.{os.getpid()}@local.log.gz").write_bytes(gzip.compress(text))
    except OSError as error:
        raise KitError(f"cannot write the task logs: {error.strerror}", where=str(target)) from None


def _printed(folder: Path) -> dict[str, list[str]]:
    """What each task of a run that did something printed, by the name of its log."""
    found: dict[str, list[str]] = {}
    with open(folder / "events.jsonl", encoding="utf-8") as events:
        for event in map(json.loads, events):
            if event["event"] in ("task_started", "task_failed"):
                found.setdefault(stem_of(event["task"]), [])
            elif event["event"] == "output":
                found.setdefault(stem_of(event["task"]), []).append(event["text"].rstrip("\n") + "\n")
    return found


def stem_of(name: str) -> str:
    """The name of a task's log, without its ending."""
    return re.sub(r"[^\w.+^=&-]", "_", name)[:180]


class TaskLogs:
    """Events and task logs of one run.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._events = open(folder / "events.jsonl", "a", encoding="utf-8")  # noqa: SIM115 closed in close()
        self._sizes: dict[str, int] = {}

    def event(self, kind: str, **facts: Any) -> None:
        """Add an event."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": now, "event": kind, **facts}, ensure_ascii=False, default=str)
        with self._lock:
            if self._events.closed:
                return
            with contextlib.suppress(OSError):  # a full disk ends no run: the console tells it too
                self._events.write(line + "\n")
                if kind not in ("task_started", "task_ended", "output"):
                    self._events.flush()

    def _path(self, name: str) -> Path:
        return self.folder / f"{stem_of(name)}.log"

    def path_of(self, name: str, problem: str) -> Path:
        """The log of a task, with its problem as last words."""
        self._append(name, f"failed: {problem}\n")
        path = self._path(name)
        return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path

    def writer(self, name: str) -> Callable[[str], None]:
        """A function that appends text to the log of a task."""
        return lambda text: self._append(name, text if text.endswith("\n") else text + "\n")

    def _append(self, name: str, text: str) -> None:
        with self._lock:
            size = self._sizes.get(name, 0)
            if size > LONGEST:
                return
            if len(self._sizes) > 5000:
                self._sizes.clear()
            self._sizes[name] = size + len(text)
            if size + len(text) > LONGEST:
                text = text[: max(LONGEST - size, 0)] + "\n… the rest is left out\n"
            with (
                contextlib.suppress(OSError),
                open(self._path(name), "a", encoding="utf-8", errors="replace") as log,
            ):
                log.write(text)

    def close(self) -> None:
        """Write what is left."""
        with self._lock, contextlib.suppress(OSError):
            self._events.close()
