"""Schedules of workflows: when each runs next, skipped and past sessions.

The clock (tdlocal.account.ticker) runs in a server that a person started. Sessions that passed while no
server ran are not made up for, save the newest; `backfill` runs the others.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tdlocal.account.cdp_values import as_id, unix_now
from tdlocal.account.errors import AccountError, AlreadyThere, NotThere, Refused
from tdlocal.account.workflow_times import moment_unix, session_text, stamp
from tdlocal.workflow.faults import ConfigError
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
    last_session integer,
    plan text,
    unique (project_id, workflow_name)
)
"""
ENDED = 253370764800  # 9999-01-01: what a schedule that has ended runs at next, as Digdag says it
MOST_SESSIONS = 1000  # of one backfill

log = logging.getLogger(__name__)


class WorkflowSchedules:
    """The schedules of the present workflows of all projects."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.store = account.store
        self.store.execute(TABLE)
        self.store.add_column("project_schedules", "last_session", "integer")
        self.store.add_column("project_schedules", "plan", "text")

    def all(self, project: Any = None) -> list[dict[str, Any]]:
        """Present workflows with a `schedule:`, each with schedule_id, disabled_at, next_session (unix)."""
        found = []
        for workflow in self.account.projects.workflows(project):
            if scheduled(workflow):
                found.append(self._with_next(self._state_of(workflow)))
        return found

    def get(self, schedule: Any) -> dict[str, Any]:
        for row in self.all():
            if row["schedule_id"] == as_id(schedule):
                return row
        raise NotThere(f"schedule {schedule} does not exist")

    def pushed(self, project: int, at: int, cleared: Callable[[str], bool]) -> None:
        """Take over the schedules of a project's new revision.

        A schedule that has run goes on after its last session; a new, changed or cleared one begins at *at*
        (unix seconds). Workflows without a schedule forget what they had.
        """
        present = [workflow for workflow in self.account.projects.workflows(project) if scheduled(workflow)]
        names = {workflow["name"] for workflow in present}
        for row in self.store.query("select * from project_schedules where project_id = ?", (project,)):
            if row["workflow_name"] not in names:
                self.store.execute("delete from project_schedules where id = ?", (row["id"],))
        for workflow in present:
            row = self._state_of(workflow)
            plan = plan_of(row)
            text = json.dumps([row["schedule"], row["timezone"]], sort_keys=True)
            if cleared(workflow["name"]) or row["last_session"] is None:
                self._set_plan(row, text, None, following(plan, at - delay_of(plan) - 1))
            elif text != row["plan"]:
                self._set_plan(row, text, row["last_session"], following(plan, row["last_session"]))

    def enable(self, schedule: Any, on: bool) -> dict[str, Any]:
        """Switch a schedule on, from now on, or off."""
        row = self.get(schedule)
        self.store.execute(
            "update project_schedules set disabled_at = ?, next_session = null where id = ?",
            (None if on else stamp(), row["schedule_id"]),
        )
        return self.get(schedule)

    def skip(self, schedule: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out `count` sessions from `fromTime` on (from the next one on), or all before `nextTime`.

        `nextRunTime` alone means the first session that runs then or later. AlreadyThere when that is past.
        """
        row = self.get(schedule)
        plan = plan_of(row)
        session = int(row["next_session"])
        until = given.get("nextTime") or given.get("nextRunTime")
        if until is not None:
            session = following(plan, moment_unix(until, row["timezone"]) - delay_of(plan) - 1)
            if session < int(row["next_session"]):
                raise AlreadyThere("Specified time to skip schedules is already past")
        else:
            if given.get("fromTime") is not None:
                session = following(
                    plan, moment_unix(given["fromTime"], row["timezone"]) - delay_of(plan) - 1
                )
            for _ in range(whole_number(given.get("count"), "count", MOST_SESSIONS)):
                session = following(plan, session)
        if not given.get("dryRun"):
            self._set_next(row, session)
            return self.get(schedule)
        return row | {"next_session": session}

    def backfill(self, schedule: Any, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Start an attempt for each session from `fromTime` until now; return the attempts.

        With `dryRun` nothing is started, and the attempts that would be have the id 0.
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
            return [untried(row, one, name) for one in sessions]
        return [self._start(row, one, name)[0] for one in sessions]

    def tick(self, now: int) -> list[dict[str, Any]]:
        """Start what is due at *now* (unix seconds); return the new attempts."""
        started = []
        for row in self.all():
            try:
                attempt = self._started(row, now)
            except AccountError as error:
                log.warning("the schedule of %s cannot start it: %s", row["name"], error.message)
                continue
            started += [attempt] if attempt else []
        return started

    def _started(self, row: Mapping[str, Any], now: int) -> dict[str, Any] | None:
        plan = plan_of(row)
        due = int(row["next_session"])
        if row["disabled_at"] or due + delay_of(plan) > now:
            return None
        while (later := following(plan, due)) + delay_of(plan) <= now:
            due = later
        self._set_next(row, later)
        if self._is_skipped(row, plan, due, now):
            return None
        self.store.execute(
            "update project_schedules set last_session = ? where id = ?", (due, row["schedule_id"])
        )
        attempt, fresh = self._start(row, due, None)
        return attempt if fresh else None

    def _is_skipped(self, row: Mapping[str, Any], plan: Plan, due: int, now: int) -> bool:
        """Whether the schedule's own words (skip_delayed_by, skip_on_overtime) leave a session out."""
        if plan.skip_delayed_by is not None and now > due + delay_of(plan) + plan.skip_delayed_by:
            return True
        return plan.skip_on_overtime and self.account.attempts.is_running(row["project_id"], row["name"])

    def _start(self, row: Mapping[str, Any], session: int, name: str | None) -> tuple[dict[str, Any], bool]:
        order = {"workflowId": row["id"], "sessionTime": session_text(session, row["timezone"])}
        return self.account.attempts.start(order | {"retryAttemptName": name})

    def _state_of(self, workflow: dict[str, Any]) -> dict[str, Any]:
        key = (workflow["project_id"], workflow["name"])
        self.store.execute(
            "insert or ignore into project_schedules (project_id, workflow_name) values (?, ?)", key
        )
        state = self.store.query(
            "select id as schedule_id, disabled_at, next_session, last_session, plan from project_schedules"
            " where project_id = ? and workflow_name = ?",
            key,
        )[0]
        return workflow | state | {"schedule": json.loads(workflow["config"])["schedule"]}

    def _with_next(self, row: dict[str, Any]) -> dict[str, Any]:
        if row["next_session"] is None:
            plan = plan_of(row)
            row["next_session"] = following(plan, unix_now() - delay_of(plan))
            self._set_next(row, row["next_session"])
        return row

    def _set_plan(self, row: Mapping[str, Any], plan: str, last: int | None, following: int) -> None:
        self.store.execute(
            "update project_schedules set plan = ?, last_session = ?, next_session = ? where id = ?",
            (plan, last, following, row["schedule_id"]),
        )

    def _set_next(self, row: Mapping[str, Any], session: int | None) -> None:
        self.store.execute(
            "update project_schedules set next_session = ? where id = ?", (session, row["schedule_id"])
        )


@dataclass(frozen=True)
class Plan:
    """A schedule as a workflow writes it: its times, the first and last of them, and what is left out."""

    times: Schedule
    start: int | None
    end: int | None
    skip_on_overtime: bool
    skip_delayed_by: int | None


def scheduled(workflow: Mapping[str, Any]) -> bool:
    """Whether a workflow has a `schedule:`."""
    return isinstance(json.loads(workflow["config"]).get("schedule"), dict)


def plan_of(row: Mapping[str, Any]) -> Plan:
    """The times of a schedule."""
    from tdlocal.operators.control import seconds_of  # here: the account starts without the operators

    config = row["schedule"]
    try:
        late = config.get("skip_delayed_by")
        return Plan(
            Schedule(config, row["timezone"]),
            day_start(config.get("start"), row["timezone"], 0),
            day_start(config.get("end"), row["timezone"], 1),
            config.get("skip_on_overtime") in (True, "true"),
            None if late is None else int(seconds_of(late)),
        )
    except (ValueError, ConfigError) as fault:
        raise Refused(f"schedule of {row['name']}: {fault}") from fault


def day_start(text: Any, zone_name: str, days: int) -> int | None:
    """The first second of a day (`start: 2026-11-01`), *days* later."""
    if text is None:
        return None
    day = date.fromisoformat(str(text)[:10]) + timedelta(days=days)
    return moment_unix(day.isoformat(), zone_name)


def following(plan: Plan, unix: int) -> int:
    """The first session after a moment; ENDED when there is none before the schedule's end."""
    if plan.start is not None:
        unix = max(unix, plan.start - 1)
    try:
        found = int(plan.times.next_after(datetime.fromtimestamp(unix, UTC)).timestamp())
    except (ValueError, OverflowError) as fault:
        raise Refused(str(fault)) from fault
    return ENDED if plan.end is not None and found >= plan.end else found


def untried(row: Mapping[str, Any], session: int, name: str) -> dict[str, Any]:
    """An attempt that is not made."""
    return {
        "id": 0,
        "number": 0,
        "project_id": row["project_id"],
        "project_name": row["project_name"],
        "workflow_name": row["name"],
        "workflow_id": row["id"],
        "session_id": 0,
        "session_uuid": "00000000-0000-0000-0000-000000000000",
        "session_time": session,
        "timezone": row["timezone"],
        "retry_name": name,
        "state": "running",
        "cancel_requested": 0,
        "params": "{}",
        "created_at": stamp(),
        "finished_at": None,
    }


def delay_of(plan: Plan) -> int:
    """Seconds between a session's time and its start."""
    return int(plan.times.delay.total_seconds())


def whole_number(value: Any, name: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= most:
        raise Refused(f"{name} must be a whole number from 1 to {most}")
    return value
