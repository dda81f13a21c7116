"""td> and td_for_each>: queries in the account."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tdlocal.operators.base import Job, Result, as_text
from tdlocal.operators.control import _body, _limit, exported
from tdlocal.operators.td_client import (
    BAD,
    JobLost,
    TdClient,
    columns_of,
    csv_text,
    database_of,
    table_name,
)
from tdlocal.workflow.faults import ConfigError
from tdlocal.workflow.model import as_integer
from tdlocal.workflow.parameters import Update
from tdlocal.workflow.state import fingerprint

INSERT_LINE = re.compile(r"^[ \t]*--[ \t]*DIGDAG_INSERT_LINE.*$", re.MULTILINE)
HEADER = re.compile(r"\A((?:[ \t]*--[^\n]*\n)+)([^\n]+)\Z")
PREVIEWED = 20
MOST_LOST = 3  # jobs of one task that may be lost with the account
READS_ONLY = re.compile(
    r"\A(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*(?:select|with|values|show|describe)\b", re.IGNORECASE | re.DOTALL
)


def run(job: Job) -> Result:
    """Run a query; its rows may go to a table, a file, a connection or to `td.last_results`."""
    database, engine = database_of(job), engine_of(job)
    insert, create = job.text("insert_into"), job.text("create_table")
    if insert and create:
        raise ConfigError("Setting both insert_into and create_table is invalid")
    client = TdClient(job)
    query, file = query_of(job)

    def ended() -> tuple[str, dict[str, Any]]:
        job_id = job.memory.get("job_id")
        if job_id is None:
            statement = _statement(job, client, engine, database, query, insert, create)
            if file:
                job.memory["sql"] = (job.command, max(0, statement.count("\n") - query.count("\n")))
            if not harmless:
                job_id = _of_killed_run(job, client, [engine, database, query, insert, create])
            job_id = job_id or _issued(job, client, engine, database, statement)
        return job_id, client.wait(job_id)

    harmless = READS_ONLY.match(query) is not None and not insert and not _exports(job)
    job_id, shown = _again_if_lost(job, ended) if harmless else ended()
    stored = finished(job, client, job_id, shown)
    if job.flag("preview", family="td"):
        _preview(job, client, job_id, shown, engine, database, insert or create)
    records = int(shown.get("num_records") or 0)
    target = insert or create
    effect = bool(target) or not READS_ONLY.match(query) or _exports(job)
    return Result(
        Update(_resets(job), {"td": stored}),
        files=[file] if file else [],
        made=f"{database}.{create}" if create else "",
        effect=effect,
        note=f"→ {target}" if target else "",
        rows=records if records or not target else None,
    )


def _exports(job: Job) -> bool:
    return job.get("result_connection") is not None or bool(job.get("result_url"))


def _again_if_lost(job: Job, ended: Callable[[], tuple[str, dict[str, Any]]]) -> tuple[str, dict[str, Any]]:
    """What *ended* gives; a job that was lost with the account is issued anew: twice does no harm."""
    for _ in range(MOST_LOST):
        try:
            return ended()
        except JobLost:
            for key in ("job_id", "domain_key"):
                job.memory.pop(key, None)
    return ended()


def _of_killed_run(job: Job, client: TdClient, asked: list[str | None]) -> str | None:
    """The job that a run which was killed meanwhile issued for the same, unless it failed; it may have
    written already. Else the key of the one to be issued is kept for the next run.
    """
    before, asked_now = job.memory.get("issued"), fingerprint(asked)
    if before and before["for"] == asked_now:
        found = client.get(f"/v3/job/status_by_domain_key/{before['key']}", ignore=(404,))
        if found.get("status") not in (None, *BAD):
            return str(found["job_id"])
    job.memory.keep("issued", {"for": asked_now, "key": client.domain_key()})
    return None


def query_of(job: Job) -> tuple[str, Path | None]:
    """The query text of a task, its templates evaluated, and the file that it came from."""
    command = job.command
    if isinstance(command, dict):
        if "data" not in command:
            raise ConfigError("a map behind the operator needs the key data")
        return as_text(command["data"]), None
    if command is None:
        return job.evaluate(as_text(job.need("query"))), None
    name = as_text(command)
    if not name or name.endswith("/"):
        raise ConfigError(f"Failed to read file: {name}: it is a folder; name one .sql file, or write query:")
    return job.evaluate(job.read_file(name), name), job.file(name)


def engine_of(job: Job) -> str:
    """hive or presto.

    Raises:
        ConfigError: another engine is asked for.
    """
    engine = job.text("engine", "presto", "td")
    if engine not in ("presto", "hive"):
        raise ConfigError(f"Unknown 'engine:' option (available options are: hive and presto): {engine}")
    return engine


def issue_options(job: Job, client: TdClient) -> dict[str, Any]:
    """What td> sends with a query beside its text."""
    options: dict[str, Any] = {
        "priority": as_integer(job.get("priority", 0, "td"), "priority"),
        "retry_limit": job.number("job_retry", 0, "td"),
        "engine_version": job.text("engine_version", None, "td"),
        "pool_name": job.text("pool_name", None, "td")
        or job.text("hive_pool_name" if engine_of(job) == "hive" else "presto_pool_name", None, "td"),
    }
    url = job.text("result_url", None, "td")
    if url:
        options["result"] = job.with_secrets(url)
    connection = job.text("result_connection", None, "td")
    if connection:
        options.update(connection_options(job, client, connection))
    return options


def connection_options(job: Job, client: TdClient, connection: str) -> dict[str, Any]:
    """The form fields that send rows to a connection."""
    found = client.get("/v3/connections/lookup", {"name": job.with_secrets(connection)})
    settings = job.with_secrets(job.get("result_settings", {}, "td"))
    return {"result_connection_id": found["id"], "result_connection_settings": as_text(settings)}


def _statement(
    job: Job, client: TdClient, engine: str, database: str, query: str, insert: str | None, create: str | None
) -> str:
    statement = query
    if create:
        if engine == "hive":
            _ensure_table(client, *table_name(create, database))
            statement = _with_command(f"INSERT OVERWRITE TABLE {_quoted(create, '`')}", query)
        else:
            name = _quoted(create, '"')
            statement = _with_command(f"DROP TABLE IF EXISTS {name};\nCREATE TABLE {name} AS", query)
    elif insert:
        _ensure_table(client, *table_name(insert, database))
        words = (
            f"INSERT INTO TABLE {_quoted(insert, '`')}"
            if engine == "hive"
            else f"INSERT INTO {_quoted(insert, chr(34))}"
        )
        statement = _with_command(words, query)
    values = job.values
    head = {
        "project_id": values.get("project_id", 1),
        "project_name": "default",
        "workflow_name": job.name[1:].split("+")[0].split("^")[0],
        "session_id": values.get("session_id"),
        "attempt_id": values.get("attempt_id"),
        "task_name": job.name,
    }
    return "".join(f"-- {key}: {value}\n" for key, value in head.items()) + statement


def _quoted(name: str, mark: str) -> str:
    return ".".join(mark + part.replace(mark, mark * 2) + mark for part in name.split(".", 1))


def _with_command(command: str, query: str) -> str:
    """The command in its place in the query: at the insert line, else after the header of a one-line query,
    else first.

    >>> _with_command("INSERT INTO t", "-- head\\nselect 1")
    '-- head\\nINSERT INTO t\\nselect 1'
    """
    if INSERT_LINE.search(query):
        return INSERT_LINE.sub(lambda _: command, query, count=1)
    header = HEADER.match(query)
    if header:
        return f"{header[1]}{command}\n{header[2]}"
    return f"{command}\n{query}"


def _ensure_table(client: TdClient, database: str, table: str) -> None:
    client.post(f"/v3/table/create/{database}/{table}/log", ignore=(409,))


def _resets(job: Job) -> list[tuple[str, ...]]:
    resets: list[tuple[str, ...]] = [("td", "last_job"), ("td", "last_job_id")]
    if job.flag("store_last_results", family="td"):
        resets.append(("td", "last_results"))
    return resets


def finished(job: Job, client: TdClient, job_id: str, shown: dict[str, Any]) -> dict[str, Any]:
    """What a finished job leaves under `td`, its file written."""
    stored: dict[str, Any] = {
        "last_job_id": job_id,
        "last_job": {"id": job_id, "num_records": int(shown.get("num_records") or 0)},
    }
    columns = columns_of(shown)
    file = job.text("download_file")
    if file:
        path = job.file(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as out:
            out.writelines(csv_text(columns, client.rows(job_id)))
    if job.flag("store_last_results", family="td"):
        first = next(client.rows(job_id), None)
        stored["last_results"] = dict(zip(columns, first, strict=False)) if first is not None else {}
    return stored


def _preview(
    job: Job,
    client: TdClient,
    job_id: str,
    shown: dict[str, Any],
    engine: str,
    database: str,
    target: str | None,
) -> None:
    if target:
        mark = "`" if engine == "hive" else '"'
        query = (
            f"-- preview results of job id {job_id}\nSELECT * FROM {_quoted(target, mark)} LIMIT {PREVIEWED}"
        )
        client.job.memory.pop("domain_key", None)
        job_id = client.issue(engine, database, query)
        shown = client.wait(job_id)
    rows = list(itertools.islice(client.rows(job_id), PREVIEWED))
    job.emit(
        f"preview of job id {job_id}:\n" + "".join(csv_text(columns_of(shown), rows)).replace("\r\n", "\n")
    )


def _issued(job: Job, client: TdClient, engine: str, database: str, statement: str) -> str:
    """Issue the task's statement, write it to the log and keep the job's id for a task that starts again."""
    job.log(statement)
    job_id = client.issue(
        engine,
        database,
        statement,
        scheduled_time=job.values.get("session_unixtime"),
        **issue_options(job, client),
    )
    job.memory["job_id"] = job_id
    return job_id


def for_each(job: Job) -> Result:
    """td_for_each>: run `_do` for every row of a query, the row in `td.each`."""
    body, database, engine = _body(job), database_of(job), engine_of(job)
    client = TdClient(job)
    query, file = query_of(job)
    job_id = job.memory.get("job_id")
    if job_id is None:
        job_id = _issued(job, client, engine, database, query)
    shown = client.wait(job_id)
    columns = columns_of(shown)
    rows = list(itertools.islice(client.rows(job_id), 1001))
    _limit(len(rows), "td_for_each")
    tasks: dict[str, Any] = {
        f"+td-for-each-{i}": exported(body, {"td": {"each": dict(zip(columns, row, strict=False))}})
        for i, row in enumerate(rows)
    }
    if tasks and "_parallel" in job.values:
        tasks["_parallel"] = job.values["_parallel"]
    stored = {"last_job_id": job_id, "last_job": {"id": job_id, "num_records": len(rows)}}
    return Result(
        Update([("td", "last_job"), ("td", "last_job_id")], {"td": stored}),
        subtasks=tasks or None,
        files=[file] if file else [],
        effect=False,
        rows=len(rows),
    )
