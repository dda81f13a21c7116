"""What an attempt does. Here: how every run looks, and the one that builds an audience inside the account."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tdlocal.account import audience_build
from tdlocal.account.audience_build import BuildFault
from tdlocal.account.workflow_times import stamp
from tdlocal.engine.types import EngineError

if TYPE_CHECKING:
    from tdlocal.account.account import Account


class Run(ABC):
    """One attempt at work. `perform` runs in a thread of its own and says how it ended."""

    def __init__(self, account: Account, attempt: Mapping[str, Any], folder: Path) -> None:
        self.account, self.attempt, self.folder = account, attempt, folder
        self.cancelled = threading.Event()
        self.resume: Mapping[str, Any] | None = (
            None  # the attempt whose finished tasks are kept, and from where
        )

    @abstractmethod
    def perform(self) -> str:
        """Do the work; return success or error."""

    @abstractmethod
    def kill(self) -> None:
        """Stop the work soon."""

    @abstractmethod
    def tasks(self) -> list[dict[str, Any]]:
        """The tasks, parents first: fullName, parentId, state, …"""

    @abstractmethod
    def logs(self) -> dict[str, bytes]:
        """What the tasks said, by task name."""


class AudienceRun(Run):
    """Builds customers and behaviour tables, then counts the segments that ask for it."""

    TASKS = ("+build", "+count_segments")

    def perform(self) -> str:
        self.folder.mkdir(parents=True, exist_ok=True)
        audience, session = int(self.attempt["audience_id"]), int(self.attempt["session_time"])
        for name, work in zip(self.TASKS, (self.build, self.count), strict=True):
            if self.cancelled.is_set():
                self.note(name, "canceled")
                return "error"
            self.note(name, "running")
            try:
                work(audience, session)
            except (BuildFault, EngineError) as fault:
                told = fault.faults if isinstance(fault, BuildFault) else [fault.message]
                for line in told:
                    self.say(f"error: {line}")
                self.note(name, "error", "; ".join(told))
                return "error"
            self.note(name, "success")
        return "success"

    def build(self, audience: int, session: int) -> None:
        definition = self.account.audiences.definition(audience)
        with self.account.audiences.building(audience):
            rows = audience_build.build(audience, definition, self.account.engine, session, self.cancelled)
        for table, count in sorted(rows.items()):
            self.say(f"cdp_audience_{audience}.{table}: {count} rows")
        self.account.audiences.built(audience, rows["customers"], session)

    def count(self, audience: int, session: int) -> None:
        for segment, people in self.account.segments.recount(audience, session).items():
            self.say(f"segment {segment}: {people} people")

    def kill(self) -> None:
        self.cancelled.set()

    def say(self, line: str) -> None:
        with (self.folder / "audience.log").open("a", encoding="utf-8") as log:
            log.write(f"{stamp()} {line}\n")

    def note(self, task: str, state: str, error: str = "") -> None:
        """Write down how a task stands, so that a restarted server still knows."""
        states = self.states()
        about = states.setdefault(task, {"startedAt": stamp(), "error": ""})
        about |= {"state": state, "updatedAt": stamp(), "error": error}
        (self.folder / "tasks.json").write_text(json.dumps(states), encoding="utf-8")

    def states(self) -> dict[str, dict[str, Any]]:
        path = self.folder / "tasks.json"
        found: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        return found

    def tasks(self) -> list[dict[str, Any]]:
        states = self.states()
        whole = worst([about["state"] for about in states.values()], len(self.TASKS))
        made = [task(self.attempt, 1, "+audience", None, whole, {}, is_group=True)]
        for number, name in enumerate(self.TASKS, 2):
            about = states.get(name, {"state": "planned"})
            made.append(task(self.attempt, number, f"+audience{name}", 1, about["state"], about))
        return made

    def logs(self) -> dict[str, bytes]:
        path = self.folder / "audience.log"
        return {"+audience+build": path.read_bytes()} if path.exists() else {}


def worst(states: list[str], expected: int) -> str:
    """The state of a group from those of its tasks."""
    for state in ("error", "canceled", "running"):
        if state in states:
            return {"error": "group_error"}.get(state, state)
    return "success" if len(states) == expected else "planned"


def task(
    attempt: Mapping[str, Any],
    number: int,
    name: str,
    parent: int | None,
    state: str,
    about: Mapping[str, Any],
    *,
    is_group: bool = False,
) -> dict[str, Any]:
    """A task as the workflow API shows it."""
    prefix = f"{attempt['id']}{number:05d}"
    return {
        "id": prefix,
        "fullName": name,
        "parentId": f"{attempt['id']}{parent:05d}" if parent else None,
        "config": about.get("config", {}),
        "upstreams": about.get("upstreams", []),
        "state": state,
        "cancelRequested": bool(attempt["cancel_requested"]),
        "exportParams": {},
        "storeParams": {},
        "stateParams": {},
        "updatedAt": about.get("updatedAt") or attempt["finished_at"] or attempt["created_at"],
        "retryAt": None,
        "startedAt": about.get("startedAt") or attempt["created_at"],
        "error": {"message": about["error"]} if about.get("error") else {},
        "isGroup": is_group,
    }
