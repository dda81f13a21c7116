"""td_wait> and td_wait_table>: wait until a query says yes, or until a table is there."""

from __future__ import annotations

from urllib.parse import quote

from tdlocal.operators.base import Job, Result, Stopped, as_text
from tdlocal.operators.control import seconds_of
from tdlocal.operators.td import engine_of, issue_options, query_of
from tdlocal.operators.td_client import TdClient, database_of, table_name
from tdlocal.workflow.faults import ConfigError

SHORTEST, LONGEST = 30, 2 * 86400


def run(job: Job) -> Result:
    """Ask the query again and again until the first column of its first row is true."""
    interval, database, engine = _interval(job), database_of(job), engine_of(job)
    query, file = query_of(job)
    client = TdClient(job)
    while True:
        job.memory.pop("domain_key", None)
        job_id = client.issue(
            engine,
            database,
            query,
            scheduled_time=job.values.get("session_unixtime"),
            **issue_options(job, client),
        )
        client.wait(job_id)
        row = next(client.rows(job_id), None)
        if row and row[0] not in (None, False, 0):
            return Result(files=[file] if file else [], effect=False)
        _sleep(job, interval)


def wait_table(job: Job) -> Result:
    """Wait until a table is there, with at least `rows` rows."""
    interval, default, engine = _interval(job), database_of(job), engine_of(job)
    database, table = table_name(as_text(job.need_command()), default)
    rows = job.number("rows", 0)
    client = TdClient(job)
    while True:
        found = client.get(f"/v3/table/list/{quote(database)}").get("tables", [])
        if any(each["name"] == table for each in found):
            if not rows:
                return Result(effect=False)
            job.memory.pop("domain_key", None)
            name = table.replace('"', '""')
            job_id = client.issue(engine, database, f'select count(*) from "{name}"')
            client.wait(job_id)
            counted = next(client.rows(job_id), [0])[0]
            if counted >= rows:
                return Result(effect=False, rows=counted)
        _sleep(job, interval)


def _interval(job: Job) -> float:
    value = job.get("interval", "30s", "td")
    if not isinstance(value, str):
        raise ConfigError(f"interval must be a text with a unit, such as 30s, but is {value}")
    seconds = seconds_of(value)
    if not SHORTEST <= seconds <= LONGEST:
        raise ConfigError("poll interval must be at least 30s and no greater than 2d")
    return seconds


def _sleep(job: Job, seconds: float) -> None:
    if job.services.stopping.wait(seconds):
        raise Stopped
