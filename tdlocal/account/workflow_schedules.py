"""Schedules of pushed workflows: when each runs next, backfill, and the clock that starts them.

The clock ticks only in a server that a person started (`tdlocal serve`). Sessions that passed while no server
ran are not made up for, save the newest; `backfill` runs the others.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tdlocal.account.cdp_values import as_id, unix_now
from tdlocal.account.errors import AccountError, NotThere, Refused
from tdlocal.account.workflow_times import moment_unix, session_text, stamp
from tdlocal.workflow.sessions import Schedule

if TYPE_CHECKING:
    from tdlocal.account.account import Account

TABLE = """
create table if not exists project_schedules (
    id integer primary key autoincrement,
    project_id integer not null references projects (id),
    workflow_name text not null,
    disabled_at text,
    next_session integer,
    unique (project_id, workflow_name)
)
"""
PAUSE = 1.0  # seconds between two looks at the schedules
MOST_SESSIONS = 1000  # of one backfill

log = logging.getLogger(__name__)


class WorkflowSchedules:
    """The schedules of the present workflows of all projects."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.store = account.store
        self.store.execute(TABLE)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def all(self, project: Any = None) -> list[dict[str, Any]]:
        """Present workflows with a `schedule:`, each with schedule_id, disabled_at, next_session (unix)."""
        found = []
        for workflow in self.account.projects.workflows(project):
            config = json.loads(workflow["config"])
            if isinstance(config.get("schedule"), dict):
                found.append(self._with_state(workflow, config["schedule"]))
        return found

    def get(self, schedule: Any) -> dict[str, Any]:
        for row in self.all():
            if row["schedule_id"] == as_id(schedule):
                return row
        raise NotThere(f"schedule {schedule} does not exist")

    def enable(self, schedule: Any, on: bool) -> dict[str, Any]:
        """Switch a schedule on, from now on, or off."""
        row = self.get(schedule)
        self.store.execute(
            "update project_schedules set disabled_at = ?, next_session = null where id = ?",
            (None if on else stamp(), row["schedule_id"]),
        )
        return self.get(schedule)

    def skip(self, schedule: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out the next `count` sessions, or all before `nextTime`."""
        row = self.get(schedule)
        plan = plan_of(row)
        session = int(row["next_session"])
        if given.get("nextTime") is not None:
            session = moment_unix(given["nextTime"], row["timezone"])
        else:
            for _ in range(whole_number(given.get("count"), "count", MOST_SESSIONS)):
                session = following(plan, session)
        if not given.get("dryRun"):
            self._set_next(row, session)
            return self.get(schedule)
        return row | {"next_session": session}

    def backfill(self, schedule: Any, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Start an attempt for each session from `fromTime` until now; return the attempts.

        With `dryRun` nothing is started and only the sessions are told, as attempts without an id.
        """
        row = self.get(schedule)
        name = given.get("attemptName")
        if not isinstance(name, str) or not name:
            raise Refused("attemptName is missing")
        plan = plan_of(row)
        last = int(row["next_session"])
        session = following(plan, moment_unix(given.get("fromTime"), row["timezone"]) - 1)
        limit = whole_number(given.get("count") or MOST_SESSIONS, "count", MOST_SESSIONS)
        sessions: list[int] = []
        while session < last and len(sessions) < limit:
            sessions.append(session)
            session = following(plan, session)
        if given.get("dryRun"):
            return [{"session_time": one} for one in sessions]
        return [self._start(row, one, name)[0] for one in sessions]

    def tick(self, now: int) -> list[dict[str, Any]]:
        """Start what is due at *now* (unix seconds); return the new attempts."""
        started = []
        for row in self.all():
            plan = plan_of(row)
            due = int(row["next_session"])
            if row["disabled_at"] or due + delay_of(plan) > now:
                continue
            while (later := following(plan, due)) + delay_of(plan) <= now:
                due = later
            attempt, fresh = self._start(row, due, None)
            self._set_next(row, following(plan, due))
            started += [attempt] if fresh else []
        return started

    def start_clock(self) -> None:
        """Look at the schedules every second from now on, in a thread."""
        self._thread = threading.Thread(target=self._tick_on, name="schedules", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the clock."""
        self._stopped.set()
        if self._thread:
            self._thread.join(10)

    def _tick_on(self) -> None:
        while not self._stopped.wait(PAUSE):
            try:
                self.tick(int(time.time()))
            except AccountError as error:
                log.warning("a schedule could not start its workflow: %s", error.message)

    def _start(self, row: Mapping[str, Any], session: int, name: str | None) -> tuple[dict[str, Any], bool]:
        order = {"workflowId": row["id"], "sessionTime": session_text(session, row["timezone"])}
        return self.account.attempts.start(order | {"retryAttemptName": name})

    def _with_state(self, workflow: dict[str, Any], schedule: dict[str, Any]) -> dict[str, Any]:
        key = (workflow["project_id"], workflow["name"])
        self.store.execute(
            "insert or ignore into project_schedules (project_id, workflow_name) values (?, ?)", key
        )
        state = self.store.query(
            "select id as schedule_id, disabled_at, next_session from project_schedules"
            " where project_id = ? and workflow_name = ?",
            key,
        )[0]
        row = workflow | state | {"schedule": schedule}
        if row["next_session"] is None:
            plan = plan_of(row)
            upcoming = following(plan, unix_now() - delay_of(plan))
            row["next_session"] = upcoming
            self._set_next(row, upcoming)
        return row

    def _set_next(self, row: Mapping[str, Any], session: int) -> None:
        self.store.execute(
            "update project_schedules set next_session = ? where id = ?", (session, row["schedule_id"])
        )


def plan_of(row: Mapping[str, Any]) -> Schedule:
    """The times of a schedule."""
    try:
        return Schedule(row["schedule"], row["timezone"])
    except ValueError as fault:
        raise Refused(f"schedule of {row['name']}: {fault}") from fault


def following(plan: Schedule, unix: int) -> int:
    """The first session after a moment."""
    try:
        return int(plan.next_after(datetime.fromtimestamp(unix, UTC)).timestamp())
    except ValueError as fault:
        raise Refused(str(fault)) from fault


def delay_of(plan: Schedule) -> int:
    """Seconds between a session's time and its start."""
    return int(plan.delay.total_seconds())


def whole_number(value: Any, name: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= most:
        raise Refused(f"{name} must be a whole number from 1 to {most}")
    return value
