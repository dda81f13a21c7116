"""What succeeded, kept so that a run can go on where it stopped, whatever stopped it.

One append-only journal a session: a line for each task that succeeded, written in one piece the moment it
did, so a `kill -9` loses at most the line being written, which the reader then passes over.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import fcntl
import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tdlocal.errors import KitError
from tdlocal.reserve import give_up
from tdlocal.workflow.parameters import Update

SYNC_SECONDS = 0.5  # lines reach the disk at least this often; a power cut may lose that much
FORMAT = 1
VOLATILE = frozenset(
    {"session_uuid", "session_id", "attempt_id", "project_id", "task_name", "retry_attempt_name", "error"}
)


@dataclass(slots=True)
class Done:
    """A task that succeeded: its result, and what it was made from.

    ``text`` is the hash of the task as written, ``files`` the hash of each file that it used (relative to
    the project), ``reads`` the hash of each parameter that it read, ``made`` the table that it made.
    """

    task: str
    text: str
    files: dict[str, str] = field(default_factory=dict)
    reads: dict[str, str] = field(default_factory=dict)
    stored: Update = field(default_factory=Update)
    exported: dict[str, Any] = field(default_factory=dict)
    subtasks: dict[str, Any] | None = None
    made: str = ""

    def to_json(self) -> dict[str, Any]:
        """For the journal."""
        line: dict[str, Any] = {"task": self.task, "text": self.text}
        for name, value in (("files", self.files), ("reads", self.reads), ("exported", self.exported)):
            if value:
                line[name] = value
        if self.stored:
            line["stored"] = self.stored.to_json()
        if self.subtasks is not None:
            line["subtasks"] = self.subtasks
        if self.made:
            line["made"] = self.made
        return line

    @classmethod
    def from_json(cls, line: dict[str, Any]) -> Done:
        """From the journal."""
        stored = Update.from_json(line["stored"]) if "stored" in line else Update()
        return cls(
            line["task"],
            line["text"],
            line.get("files", {}),
            line.get("reads", {}),
            stored,
            line.get("exported", {}),
            line.get("subtasks"),
            line.get("made", ""),
        )


def fingerprint(value: Any) -> str:
    """A short hash of a JSON value; the order of keys counts, as it does for templates."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def file_hash(path: Path) -> str:
    """A short hash of a file; "gone" when it cannot be read."""
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=12).hexdigest()
    except OSError:
        return "gone"


def hashes_of(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """The hash of each named parameter; "unset" where there is none."""
    return {
        name: fingerprint(values[name]) if name in values else "unset"
        for name in sorted(names)
        if name not in VOLATILE
    }


class Memory(dict[str, Any]):
    """What a task knows of its own work. It survives the tries of the task; what is `keep`ed, also a kill.

    Args:
        kept: what a run before kept, if it died in the task.
        note: keeps one entry more.
    """

    def __init__(self, kept: Mapping[str, Any], note: Callable[[str, Any], None]) -> None:
        super().__init__(kept)
        self._note = note

    def keep(self, key: str, value: Any) -> None:
        """Set an entry, on disk before this returns."""
        self[key] = value
        self._note(key, value)


class Journal:
    """The saved tasks of one session of one workflow.

    Args:
        path: the journal's file; made when the first task succeeds.
        keep: whether to read and write it; False keeps everything in memory only.
    """

    def __init__(self, path: Path, keep: bool) -> None:
        self.path, self.keep = path, keep
        self.done: dict[str, Done] = {}
        self.halfway: dict[str, dict[str, Any]] = {}  # what tasks that have not succeeded yet remember
        self.accounts: set[str] = set()  # where the local account answered in the runs so far
        self._lock = threading.Lock()
        self._handle = -1
        self._synced = time.monotonic()
        if keep:
            self._open()

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise going_on(self.path) from None
        except OSError as error:
            raise KitError(
                f"cannot save the state of the run: {error.strerror}",
                where=str(self.path),
                mend="see to that folder, or run with --no-save",
            ) from None
        text = self.path.read_bytes()
        for line in text.split(b"\n"):
            self._read(line)
        if text and not text.endswith(b"\n"):
            os.write(self._handle, b"\n")

    @classmethod
    def look(cls, path: Path) -> Journal:
        """A journal that is only read; nothing is made or locked."""
        journal = cls(path, False)
        for line in path.read_bytes().split(b"\n") if path.is_file() else ():
            journal._read(line)
        return journal

    def _read(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
            if "task" in entry:
                self.done[entry["task"]] = Done.from_json(entry)
                self.halfway.pop(entry["task"], None)
            elif "halfway" in entry:
                self.halfway.setdefault(entry["halfway"], {}).update(entry["kept"])
            elif "account" in entry:
                self.accounts.add(entry["account"])
            elif "forget" in entry:
                self.done.pop(entry["forget"], None)
        except (ValueError, KeyError, TypeError):
            return  # a line that a kill cut short

    def add(self, done: Done) -> None:
        """Keep a task that succeeded."""
        if not self.keep:
            return
        self.done[done.task] = done
        self._write(done.to_json())

    def memory(self, task: str, goes_on: bool = True) -> Memory:
        """What a task remembers of a run that died in it, when this one *goes_on* from there."""
        kept = self.halfway.pop(task, {})
        return Memory(
            kept if goes_on else {}, lambda key, value: self._write({"halfway": task, "kept": {key: value}})
        )

    def note_account(self, url: str) -> None:
        """Keep where the account answers: what tasks store may hold it, and the next run has another."""
        if url not in self.accounts:
            self.accounts.add(url)
            self._write({"account": url})

    def forget(self, task: str) -> None:
        """A task is about to run again: what was kept of it no longer holds."""
        if self.done.pop(task, None) is not None:
            self._write({"forget": task})

    def _write(self, entry: dict[str, Any]) -> None:
        if not self.keep:
            return
        line = json.dumps(entry, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"
        with self._lock:
            try:
                self._put(line)
            except OSError as error:
                raise KitError(
                    f"cannot save the state of the run: {error.strerror}",
                    where=str(self.path),
                    mend="make room there",
                ) from None
            if time.monotonic() - self._synced > SYNC_SECONDS:
                os.fsync(self._handle)
                self._synced = time.monotonic()

    def _put(self, line: bytes) -> None:
        """Write a line; on a full disk once more, into the room of the reserve.

        Raises:
            OSError: there was none.
        """
        try:
            if os.write(self._handle, line) == len(line):
                return
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        if not any(give_up(folder) for folder in list(self.path.parents)[:3]):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.write(self._handle, b"\n" + line)  # what may be there of the first try is no line

    def close(self) -> None:
        """Bring everything to disk and let go of the file."""
        if self._handle >= 0:
            with contextlib.suppress(OSError):
                os.fsync(self._handle)
            os.close(self._handle)
            self._handle = -1


class States:
    """The folder of journals: one folder a workflow, one file a session.

    Args:
        folder: `<state>/sessions`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def journal(self, workflow: str, session: dt.datetime, keep: bool = True) -> Journal:
        """The journal of a session."""
        return Journal(self.path(workflow, session), keep)

    def path(self, workflow: str, session: dt.datetime) -> Path:
        """Where the journal of a session is."""
        stamp = session.strftime("%Y%m%dT%H%M%S%z")
        return self.folder / _safe(workflow) / f"{stamp}.jsonl"

    def at_work(self, workflow: str = "") -> list[Path]:
        """The journals of the runs that are going on: of *workflow*, or of all."""
        found = []
        for path in sorted(self.folder.glob(f"{_safe(workflow) or '*'}/*.jsonl")):
            with path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    found.append(path)
        return found

    def check_alone(self, workflow: str, own: Path) -> None:
        """Raise KitError when another session of *workflow* than that of the journal *own* is at work."""
        others = [path for path in self.at_work(workflow) if path != own]
        if others:
            raise KitError(
                f"another session of {workflow} is going on, and its schedule says that they do not overlap",
                where=", ".join(map(str, others)),
                mend="wait for its end, or take skip_on_overtime out of the schedule",
            )

    def forget(self) -> None:
        """Forget what succeeded in every session; which sessions there were is still known."""
        for path in self.folder.glob("*/*.jsonl"):
            os.truncate(path, 0)

    def last_session(self, workflow: str) -> str:
        """The latest session time (ISO) of *workflow* that was saved; empty when there is none."""
        times = []
        for file in (self.folder / _safe(workflow)).glob("*.jsonl"):
            with contextlib.suppress(ValueError):
                times.append(dt.datetime.strptime(file.stem, "%Y%m%dT%H%M%S%z"))
        return max(times).isoformat() if times else ""


@contextlib.contextmanager
def beside_other_attempts(path: Path) -> Iterator[None]:
    """Hold a session's journal for an attempt of a pushed project; attempts may share it, runs may not.

    Raises:
        KitError: a run of that session is going on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise going_on(path) from None
        yield


def going_on(path: Path) -> KitError:
    """The fault of a second run of a session."""
    return KitError(
        "another run of this session is going on",
        where=str(path),
        mend="wait for it, or give another --session",
    )


def _safe(name: str) -> str:
    return re.sub(r"[^\w.+-]", "_", name)
