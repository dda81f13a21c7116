"""An attempt of a pushed project: `tdlocal run` as a child process, and the tasks and logs it tells of."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from tdlocal.account.attempt_runs import Run, task
from tdlocal.account.workflow_times import session_text, stamp
from tdlocal.workflow.state import States

if TYPE_CHECKING:
    from tdlocal.account.account import Account


class ProjectRun(Run):
    """Runs a pushed workflow with `tdlocal run`, as a child process that talks to this same account.

    The attempt's folder is the child's state folder: it says where this account answers, holds the project's
    secrets, and keeps what succeeded, which a retry of the attempt goes on from. A child ends with the
    account, also when that is killed (project_child).
    """

    def __init__(self, account: Account, attempt: Mapping[str, Any], folder: Path) -> None:
        super().__init__(account, attempt, folder)
        self._child: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def perform(self) -> str:
        try:
            self.prepare()
            with (self.folder / "errors.log").open("w", encoding="utf-8") as errors:
                child = self.started(errors)
                if child is None:
                    return "error"
                self.follow(child)
                return "success" if child.wait() == 0 else "error"
        finally:
            clean(self.folder)

    def started(self, errors: TextIO) -> subprocess.Popen[str] | None:
        """The child at work; None when the attempt was killed before."""
        with self._lock:
            if self.cancelled.is_set():
                return None
            self._child = subprocess.Popen(
                self.command(),
                cwd=self.folder / "project",
                env={key: value for key, value in os.environ.items() if key != "TD_API_KEY"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            return self._child

    def prepare(self) -> None:
        """Lay out the child's state folder and a copy of the project's files."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        files = self.account.projects.unpacked(self.attempt["revision_id"])
        shutil.copytree(files, self.folder / "project", symlinks=True)
        smtp = self.account.smtp
        facts = {"pid": os.getpid(), "url": self.account.url, "smtp_port": smtp[1] if smtp else 0}
        (self.folder / "server.json").write_text(json.dumps(facts), encoding="utf-8")
        (self.folder / "params.yml").write_text(self.attempt["params"], encoding="utf-8")
        secrets = self.account.projects.secrets(self.attempt["project_id"])
        write_private(self.folder / "api_key", self.account.key + "\n")
        for key, value in secrets.items():
            write_private(self.folder / "secrets" / key, value)
        kept = self.folder.parent / str(self.resume["attemptId"]) / "sessions" if self.resume else None
        if kept and kept.is_dir():
            shutil.copytree(kept, self.folder / "sessions")

    def command(self) -> list[str]:
        session = session_text(self.attempt["session_time"], self.attempt["timezone"])
        journal = States(self.account.state / "sessions").path(
            self.attempt["workflow_name"], dt.datetime.fromisoformat(session)
        )
        words = [sys.executable, "-m", "tdlocal.account.project_child", str(os.getpid()), str(journal)]
        words += ["run", self.attempt["workflow_name"], "--json"]
        words += ["--project", ".", "--state", str(self.folder.resolve())]
        words += [
            "--session",
            session[:19].replace("T", " "),
            "-P",
            str(self.folder.resolve() / "params.yml"),
        ]
        if self.resume and self.resume.get("from"):
            words += ["--start", str(self.resume["from"])]
        return [*words, "--identity", json.dumps(self.identity())]

    def identity(self) -> dict[str, Any]:
        """What the API calls this attempt; all attempts of a session have its uuid."""
        return {
            "session_uuid": self.attempt["session_uuid"],
            "session_id": self.attempt["session_id"],
            "attempt_id": self.attempt["id"],
            "project_id": self.attempt["project_id"],
            "retry_attempt_name": self.attempt["retry_name"],
        }

    def follow(self, child: subprocess.Popen[str]) -> None:
        """Write down what the child tells, each with its time, as it comes."""
        assert child.stdout is not None
        with (self.folder / "told.jsonl").open("w", encoding="utf-8") as told:
            for line in child.stdout:
                event = as_event(line)
                if event is not None:
                    told.write(json.dumps({"at": stamp(), **event}, ensure_ascii=False) + "\n")
                    told.flush()

    def kill(self) -> None:
        with self._lock:
            self.cancelled.set()
            if self._child and self._child.poll() is None:
                os.killpg(self._child.pid, signal.SIGTERM)

    def told(self) -> list[dict[str, Any]]:
        path = self.folder / "told.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [event for event in map(as_event, lines) if event is not None]

    def tasks(self) -> list[dict[str, Any]]:
        return project_tasks(self.attempt, json.loads(self.attempt["config"]), self.told())

    def logs(self) -> dict[str, bytes]:
        """The whole attempt under the workflow's name, and each task that said something."""
        errors = self.folder / "errors.log"
        lines = [event_line(event) for event in self.told()]
        whole = "".join(f"{line}\n" for line in lines if line).encode()
        found = {
            f"+{self.attempt['workflow_name']}": whole + (errors.read_bytes() if errors.exists() else b"")
        }
        for event in self.told():
            if event["event"] == "output":
                found[event["task"]] = found.get(event["task"], b"") + f"{event['text']}\n".encode()
            elif event["event"] == "task_failed":
                found[event["task"]] = (
                    found.get(event["task"], b"") + f"failed: {event['problem']}\n".encode()
                )
        return found


def clean(folder: Path) -> None:
    """Remove what only a running attempt needs: the project's files, its secrets and the key."""
    for name in ("project", "secrets"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("api_key", "server.json"):
        (folder / name).unlink(missing_ok=True)


def as_event(line: str) -> dict[str, Any] | None:
    """One JSON object of the child's output; None for anything else."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def event_line(event: Mapping[str, Any]) -> str:
    """An event as a line of the attempt's log; empty for events that say nothing to a reader."""
    task = event.get("task", "")
    words = {
        "run_started": f"workflow {event.get('workflow')} session {event.get('session')}",
        "task_started": f"started {task} ({event.get('operator')}>)",
        "task_ended": f"{event.get('how')} {task}",
        "task_failed": f"failed {task}: {event.get('problem')}",
        "output": f"{task}: {event.get('text')}",
        "retrying": f"retry {event.get('count')} of {event.get('limit')} {task}",
        "warning": f"warning: {event.get('text')}",
        "run_ended": f"ended: {event.get('how')}",
    }.get(event["event"])
    return f"{event['at']} {words}" if words else ""


def project_tasks(
    attempt: Mapping[str, Any], config: Mapping[str, Any], told: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The tasks of the file and those made while running, with the states that the runner told."""
    root = f"+{attempt['workflow_name']}"
    abouts: dict[str, dict[str, Any]] = {name: {"config": part} for name, part in file_tasks(root, config)}
    for event in told:
        if event["event"] not in STATES or "task" not in event:
            continue
        about = abouts.setdefault(event["task"], {})
        about["updatedAt"] = event["at"]
        about.setdefault("startedAt", event["at"])
        about["state"] = STATES[event["event"]]
        if event["event"] == "task_ended" and event.get("how") == "left out":
            about["state"] = "blocked"
        if event["event"] == "task_failed":
            mend = f" | to mend: {event['mend']}" if event.get("mend") else ""
            about["error"] = f"{event.get('problem')}{mend}"
    names = sorted(abouts, key=list(abouts).index)
    numbers = {name: number for number, name in enumerate(names, 1)}
    groups = {parent_task(name, numbers) for name in names}
    for name in reversed(names):
        if name in groups and "state" not in abouts[name]:
            states = [abouts[child]["state"] for child in names if parent_task(child, numbers) == name]
            abouts[name]["state"] = group_state(states, attempt["state"])
        abouts[name].setdefault("state", "planned" if attempt["state"] == "running" else "canceled")
    return [
        task(
            attempt,
            numbers[name],
            name,
            numbers.get(parent_task(name, numbers) or ""),
            about["state"],
            about,
            is_group=name in groups,
        )
        for name, about in abouts.items()
    ]


STATES = {"task_started": "running", "task_ended": "success", "task_failed": "error"}


def file_tasks(name: str, config: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every task of a .dig file by its full name, parents first, with its own keys."""
    yield name, {key: value for key, value in config.items() if not key.startswith("+")}
    for key, value in config.items():
        if key.startswith("+") and isinstance(value, Mapping):
            yield from file_tasks(name + key, value)


def parent_task(name: str, known: Mapping[str, Any]) -> str | None:
    """The nearest known task above: `+main^sub+a` lies below `+main`.

    >>> parent_task("+main+a^sub+b", {"+main": 1, "+main+a": 2})
    '+main+a'
    """
    while cut := max(name.rfind("+"), name.rfind("^")):
        if cut < 0:
            return None
        name = name[:cut]
        if name in known:
            return name
    return None


def group_state(states: list[str], attempt: str) -> str:
    """The state of a group from those of its tasks."""
    if any(state in ("error", "group_error") for state in states):
        return "group_error"
    if "running" in states or (attempt == "running" and "success" in states and "planned" in states):
        return "running"
    if states and all(state == "success" for state in states):
        return "success"
    return "planned" if attempt == "running" else "canceled"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
