"""A workflow's rows of one session in log_tbl: read with the account's clock, and the rows to add.

A run is a `running` row and then its end; `attempt` counts the runs of a session, so a row's place among
them does not depend on what any clock said.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from common.python import treasure
from common.python.errors import TaskError
from common.python.kept_rows import sql_value

DDL = Path("common/queries/create_log_tables.sql")
PLACE = "attempt * 2 + if(status = 'running', 0, 1)"
COLUMNS = (
    "status",
    "start_time",
    "config_hash",
    "attempt",
    "run_id",
    "session_time",
    "reason",
    "logged_at",
)
DIED = "the run died without a word (killed, or its machine stopped); closed by the next run"
RESUMED = "it went on after its failure"
Row = dict[str, Any]


class History(NamedTuple):
    """What log_tbl holds of a workflow in a session, and the account's clock.

    `rows` are oldest first; `clock` is the account's unix time in milliseconds when they were read, `read_at`
    this machine's monotonic clock in seconds then; `job` is the number of the job that read them.
    """

    workflow: str
    session: int
    rows: list[Row]
    clock: int
    read_at: float
    job: int

    def now(self) -> int:
        """Return the account's clock in unix milliseconds."""
        return self.clock + int((time.monotonic() - self.read_at) * 1000)

    def runs(self) -> int:
        """Return how often the workflow was started in this session."""
        return sum(row["status"] == "running" for row in self.rows)

    def is_open(self) -> bool:
        """Tell whether the last run has no end yet."""
        return 2 * self.runs() > len(self.rows)

    def last_start(self) -> Row | None:
        """Return the newest `running` row."""
        return next((row for row in reversed(self.rows) if row["status"] == "running"), None)


def read_history(log: str, workflow: str, session: int) -> History:
    """Return this workflow's rows of this session; the log's tables are made if need be."""
    sql = (
        f"select {', '.join(COLUMNS)}, cast(to_unixtime(now()) * 1000 as bigint) as clock\n"
        "from (select 1 as one) as always\n"
        f"left join (select 1 as one, {', '.join(COLUMNS)} from log_tbl\n"
        f"    where workflow = {treasure.literal(workflow)} and session_unixtime = {session}) as ours\n"
        f"    on ours.one = always.one\norder by {PLACE}, logged_at"
    )
    try:
        found = treasure.run_query(log, sql)
    except TaskError:
        treasure.create_database(log)
        treasure.run_query(log, DDL.read_text(encoding="utf-8"), rows=False)
        found = treasure.run_query(log, sql)
    read_at = time.monotonic()
    rows = [row for row in found.dicts() if row["status"] is not None]
    return History(workflow, session, rows, int(found.rows[0][-1]), read_at, int(found.job_id or 0))


def start(history: History, row: Mapping[str, Any]) -> Row:
    """Return the `running` row of a new run."""
    now = history.now()
    return {
        "workflow": history.workflow,
        "session_unixtime": history.session,
        "status": "running",
        "attempt": 1 + max((row["attempt"] for row in history.rows), default=0),
        "start_time": text_of(now),
        "logged_at": now,
        **row,
    }


def end_of_dead(history: History) -> Row | None:
    """Return the row that ends a run which left no word; None when the last run has its end."""
    last = history.last_start()
    if last is None or not history.is_open():
        return None
    now = history.now()
    return {
        "workflow": history.workflow,
        "session_unixtime": history.session,
        "status": "failure",
        "error_message": DIED,
        "end_time": text_of(now),
        "logged_at": now,
        **{name: last[name] for name in ("start_time", "run_id", "session_time", "attempt", "config_hash")},
    }


def end(history: History, row: Mapping[str, Any]) -> list[Row]:
    """Return the rows that end the last run as *row* says.

    A run that failed and was resumed gets a `running` row first: its +decide succeeded before and is not run
    again. When it began to go on is not known, so its duration stays empty. Nothing is said of a run that
    has its end: the task may be killed after its work and be started again, and a failure that one run tells
    twice is one failure.
    """
    begun, last = history.last_start(), history.rows[-1] if history.rows else None
    if begun is None or last is None:
        return []
    rows: list[Row] = []
    if not history.is_open():
        told = last["status"] == "success" if row["status"] == "success" else last["run_id"] == row["run_id"]
        if told:
            return []
        again = {name: row[name] for name in ("run_id", "session_time")}
        begun = start(history, {**again, "config_hash": last["config_hash"], "reason": RESUMED})
        rows.append(begun)
    now = history.now()
    seconds = None if begun["reason"] == RESUMED else max(0, now - int(begun["logged_at"])) / 1e3
    ended = {
        "workflow": history.workflow,
        "session_unixtime": history.session,
        **{name: begun[name] for name in ("attempt", "start_time", "config_hash", "reason")},
        "end_time": text_of(now),
        "duration_seconds": seconds,
        "logged_at": max(now, int(begun["logged_at"]) + 1 if rows else now),
        **row,
    }
    return [*rows, ended]


def append(table: str, row: Mapping[str, Any]) -> str:
    """Return the insert of one row."""
    return f"insert into {table} ({', '.join(row)})\nselect {', '.join(map(sql_value, row.values()))}"


def text_of(moment: int) -> str:
    """Return unix milliseconds as the log writes times.

    >>> text_of(1793491200000)
    '2026-11-01T00:00:00Z'
    """
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment // 1000))
