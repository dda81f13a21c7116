"""The run log: run or skip, and what became of it.

Task      wf01_run_workflow_with_logging: `decide`, `success`, `failure`, `mail_failed`;
          wf00_orchestration: `run_failure`, `mail_failed`
Reads     va_config_<sub>.log_tbl of this workflow and session (common/queries/create_log_tables.sql)
Writes    va_config_<sub>.log_tbl, append-only: a row `running`, then one `success` or `failure`;
          run_decisions: one row per decision; run_metrics: what each workflow left behind, what each of its
          tasks cost
Stores    `decisions`: {workflow: {should_run: run|skip, job: number of the job that wrote it}},
          `failed_workflows`: {workflow: true}, `failure_texts`: {workflow: what the mail says} (maps, so that
          parallel branches merge)

"Done" is keyed by workflow and session_unixtime. A `running` row without an end belongs to a run that
died: the next one closes it as a failure. A failure that the account would not take is kept by
common.python.kept_rows; the next `decide` brings it in. Text of any kind reaches the log as it is, cut at
LONGEST_TEXT characters, without the API key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.python import failures, inputs, kept_rows, task_metrics, treasure
from common.python.errors import TaskError, unbraced
from common.python.kept_rows import sql_value
from common.python.params import check_workflow
from common.python.webhook import tell

LONGEST_TEXT = 100_000
LONGEST_MAILED = 4_000  # characters of a failure's text in the mail about it
DDL = Path("common/queries/create_log_tables.sql")
NOW = "date_format(now() at time zone 'UTC', '%Y-%m-%dT%H:%i:%SZ')"
NOW_MS = "cast(to_unixtime(now()) * 1000 as bigint)"
PLACE = "attempt * 2 + if(status = 'running', 0, 1)"  # of a row in its session's log, whatever the clock said
MAIL = "mail"  # what the log calls a mail: no workflow has this name
DONE = "it succeeded in this session and nothing it reads changed since"
RESUMED = "it went on after its failure"
DIED = "the run died without a word (killed, or its machine stopped); closed by the next run"


def decide(workflow_name, session_unixtime, session_time, session_uuid, sub):
    """Task entry: log why this workflow runs or not; its `running` row when it does."""
    import digdag

    params = digdag.env.params
    log = f"va_config_{sub}"
    if workflow_name not in inputs.STAGES:
        raise TaskError(
            f"workflow {workflow_name!r} is not known",
            where="workflow_name of wf01_run_workflow_with_logging",
            mend=f"use one of {', '.join(inputs.WORKFLOWS)}",
        )
    check_workflow("from", params.get("start_at") or "")
    history = read_history(log, workflow_name, int(session_unixtime))
    if kept_rows.bring_in(log):
        history = read_history(log, workflow_name, int(session_unixtime))
    config_hash = inputs.fingerprint(workflow_name, params, Path.cwd())
    decision, reason = decided(workflow_name, history, config_hash, params)
    if reason == DONE and taken_back(log, workflow_name, int(session_unixtime), params):
        decision, reason = "run", "a rollback has taken its tables back since its last success"
    row = {
        "workflow": workflow_name,
        "run_id": session_uuid,
        "session_unixtime": int(session_unixtime),
        "config_hash": config_hash,
        "reason": reason,
    }
    statements = [append("run_decisions", {**row, "decision": decision}, {"decided_at": NOW})]
    if history and history[-1]["status"] == "running":
        statements.append(close_dead(workflow_name, int(session_unixtime), history[-1]))
    if decision == "run":
        running = {**row, "status": "running", "session_time": session_time, "attempt": attempts(history) + 1}
        statements.append(append("log_tbl", running, {"start_time": NOW, "logged_at": NOW_MS}))
    job = treasure.run_query(log, ";\n".join(statements), rows=False).job_id
    print(f"{workflow_name}: {decision}, {reason}")
    digdag.env.store({"decisions": {workflow_name: {"should_run": decision, "job": job}}})


def success(workflow_name, session_unixtime, session_time, session_uuid, sub):
    """Task entry: the workflow ended well."""
    import digdag

    params = digdag.env.params
    count = record_count(workflow_name, params)
    row = {"status": "success", "record_count": count, "session_time": session_time, "run_id": session_uuid}
    log = f"va_config_{sub}"
    end = ending(workflow_name, int(session_unixtime), row)
    metrics = metrics_of(workflow_name, int(session_unixtime), session_uuid, params)
    try:
        treasure.run_query(log, f"{end};\n{metrics}" if metrics else end, rows=False)
    except TaskError as refusal:
        if not metrics:
            raise
        treasure.run_query(log, end, rows=False)
        print(f"run_metrics was not written: {refusal}")


def failure(
    workflow_name, session_unixtime, session_time, session_uuid, sub, message="", stacktrace="", webhook=""
):
    """Task entry: the workflow failed with *message*, or what the attempt knows its tasks have said."""
    import digdag

    told = failures.of_handler(digdag.env.params)
    if told:
        message, stacktrace = failures.joined(told, "message"), failures.joined(told, "stacktrace")
    row = {
        "status": "failure",
        "error_message": shortened(message),
        "stack_trace": shortened(stacktrace),
        "session_time": session_time,
        "run_id": session_uuid,
    }
    log = f"va_config_{sub}"
    try:
        treasure.run_query(log, ending(workflow_name, int(session_unixtime), row), rows=False)
    except TaskError as refusal:
        kept = {"workflow": workflow_name, "session_unixtime": int(session_unixtime), **row}
        told_kept(refusal, kept_rows.keep(log, kept))
    digdag.env.store(
        {"failed_workflows": {workflow_name: True}, "failure_texts": {workflow_name: for_mail(message)}}
    )
    metrics = metrics_of(workflow_name, int(session_unixtime), session_uuid, digdag.env.params)
    try:
        if metrics:
            treasure.run_query(log, metrics, rows=False)
    except TaskError as refusal:
        print(f"run_metrics was not written: {refusal}")
    tell(webhook, told_of(workflow_name, sub, session_time, row["error_message"]))


def told_of(workflow: str, sub: str, session: str, message: str) -> dict[str, str]:
    """Return what a webhook gets of a failure."""
    return {"status": "failure", "sub": sub, "workflow": workflow, "session": session, "message": message}


def run_failure(
    workflow_name, session_unixtime, session_time, session_uuid, defaults, message="", stacktrace=""
):
    """Task entry: a run failed outside its workflows; their own failures have their own rows."""
    import digdag

    params = digdag.env.params
    if params.get("failed_workflows"):
        print(f"log_tbl has the failure of {', '.join(sorted(params['failed_workflows']))}")
        return
    told = failures.of_handler(params)
    if told:
        message, stacktrace = failures.joined(told, "message"), failures.joined(told, "stacktrace")
    digdag.env.store({"failure_texts": {workflow_name: for_mail(message)}})
    sub = str(params.get("sub") or "")
    webhook = params.get("webhook") or defaults.get("webhook") or ""
    tell(webhook, told_of(workflow_name, sub, session_time, shortened(message)))
    log = f"va_config_{sub if usable(sub) else defaults['sub']}"
    add_failure(log, workflow_name, int(session_unixtime), session_time, session_uuid, message, stacktrace)


def add_failure(
    log: str, workflow: str, session: int, session_time: str, run_id: str, message: str, stacktrace: str = ""
) -> None:
    """Log a failure that has no `running` row; when the account refuses it, keep it for the next run."""
    row = {
        "workflow": workflow,
        "status": "failure",
        "error_message": shortened(message),
        "stack_trace": shortened(stacktrace),
        "session_time": session_time,
        "run_id": run_id,
        "session_unixtime": session,
    }
    try:
        history = read_history(log, workflow, session)
        kept_rows.bring_in(log)
        times = {"start_time": NOW, "end_time": NOW, "logged_at": NOW_MS}
        attempt = 1 + sum(entry["status"] == "failure" for entry in history)
        treasure.run_query(log, append("log_tbl", {**row, "attempt": attempt}, times), rows=False)
    except TaskError as refusal:
        told_kept(refusal, kept_rows.keep(log, row))


def usable(sub: str) -> bool:
    """Tell whether *sub* can be part of a database's name; a run may have failed because it cannot.

    >>> usable("retail"), usable("a b"), usable("")
    (True, False, False)
    """
    return re.fullmatch("[a-z0-9_]{1,64}", sub) is not None


def told_kept(refusal: TaskError, path: str | None) -> None:
    """Say that log_tbl could not be written, and where the row is instead.

    Raises:
        TaskError: *refusal*, when the row is nowhere.
    """
    if path is None:
        raise refusal
    print(f"log_tbl was not written: {refusal.problem}")
    print(f"the failure is kept in {path}; the next run that gets in writes it to log_tbl")


def mail_failed(session_unixtime, session_time, session_uuid, sub, message="", letter=None):
    """Task entry: a mail was not sent. The run that wanted it goes on; the log has it, as workflow `mail`."""
    wanted = letter or {"subject": "the mail that a run failed", "run_id": session_uuid}
    text = f"not sent: {wanted['subject']}: {message}"
    print(text)
    row = {
        "workflow": MAIL,
        "status": "failure",
        "error_message": shortened(text),
        "run_id": wanted["run_id"],
        "session_time": session_time,
        "session_unixtime": int(session_unixtime),
    }
    times = {"start_time": NOW, "end_time": NOW, "logged_at": NOW_MS}
    treasure.run_query(f"va_config_{sub}", append("log_tbl", row, times), rows=False)


def decided(
    workflow: str, history: Sequence[Mapping[str, Any]], config_hash: str, params: Mapping[str, Any]
) -> tuple[str, str]:
    """Return run or skip, and why.

    >>> decided("wf04_stage", [], "a", {})
    ('run', 'it has not run in this session yet')
    >>> decided("wf04_stage", [{"status": "success", "config_hash": "a"}], "a", {"start_at": "wf06_golden"})
    ('skip', 'this run starts at wf06_golden')
    """
    if params.get("rollback_to"):
        return "skip", f"this run only goes back to {params['rollback_to']}"
    only, first = params.get("only") or "", params.get("start_at") or ""
    if only:
        return (
            ("run", "this run was asked for it") if workflow == only else ("skip", f"this run is only {only}")
        )
    if first:
        if inputs.WORKFLOWS.index(workflow) < inputs.WORKFLOWS.index(first):
            return "skip", f"this run starts at {first}"
        return "run", f"this run starts at {first}"
    if str(params.get("run_all")).lower() == "true":
        return "run", "run_all is true"
    if not history:
        return "run", "it has not run in this session yet"
    last = history[-1]
    if last["status"] == "running":
        return "run", "its last run in this session died"
    if last["status"] != "success":
        return "run", f"its last run in this session ended with {last['status']}"
    if last["config_hash"] != config_hash:
        return "run", "config, SQL, Python or the tables it reads changed since its last success"
    return "skip", DONE


def taken_back(log: str, workflow: str, session: int, params: Mapping[str, Any]) -> bool:
    """Tell whether a rollback has swapped tables of the workflow's layers for those of another session."""
    layers = inputs.STAGES[workflow].writes
    if not layers:
        return False
    databases = ", ".join(treasure.literal(inputs.database(layer, params)) for layer in layers)
    sql = (
        "select count(*) from (\n"
        "    select max_by(action, published_at) as action, max_by(built_for, published_at) as built_for\n"
        f"    from publish_log where database_name in ({databases})\n"
        "    group by database_name, table_name\n"
        f") as newest\nwhere action = 'rolled back' and coalesce(built_for, 0) <> {session}"
    )
    return bool(treasure.run_query(log, sql).rows[0][0])


def read_history(log: str, workflow: str, session: int) -> list[dict[str, Any]]:
    """Return this workflow's rows of this session, oldest first; the log's tables are made if need be."""
    sql = (
        "select status, start_time, config_hash, attempt, run_id, session_time, logged_at\n"
        f"from log_tbl\nwhere workflow = {treasure.literal(workflow)} and session_unixtime = {session}\n"
        f"order by {PLACE}, logged_at"
    )
    try:
        return treasure.run_query(log, sql).dicts()
    except TaskError:
        treasure.create_database(log)
        treasure.run_query(log, DDL.read_text(encoding="utf-8"), rows=False)
        return treasure.run_query(log, sql).dicts()


def attempts(history: Sequence[Mapping[str, Any]]) -> int:
    """Return how often the workflow was started in this session.

    >>> attempts([{"status": "running"}, {"status": "failure"}])
    1
    """
    return sum(row["status"] == "running" for row in history)


def close_dead(workflow: str, session: int, last: Mapping[str, Any]) -> str:
    """Return the insert that ends a run which left no word."""
    row = {
        "workflow": workflow,
        "status": "failure",
        "start_time": last["start_time"],
        "error_message": DIED,
        "run_id": last["run_id"],
        "session_time": last["session_time"],
        "session_unixtime": session,
        "attempt": last["attempt"],
        "config_hash": last["config_hash"],
    }
    return append("log_tbl", row, {"end_time": NOW, "logged_at": NOW_MS})


def ending(workflow: str, session: int, row: Mapping[str, Any]) -> str:
    """Return the SQL that appends the row that ends the last run of *workflow* in this session.

    A run that failed and was resumed gets a `running` row first: its +decide succeeded before and is not run
    again. Nothing is done to a run that has its end: the task may be killed after its work and be started
    again.
    """
    names = ["workflow", "session_unixtime", *row]
    values = [treasure.literal(workflow), str(session), *(sql_value(value) for value in row.values())]
    taken = {
        "attempt": "max(attempt)",
        "start_time": "max_by(start_time, attempt)",
        "config_hash": "max_by(config_hash, attempt)",
        "reason": "max_by(reason, attempt)",
        "end_time": NOW,
        "duration_seconds": f"case when coalesce(max_by(reason, attempt), '') <> '{RESUMED}'"
        f" then greatest(0, cast({NOW_MS} - max_by(logged_at, attempt) as double) / 1e3) end",
        "logged_at": NOW_MS,
    }
    ours = f"workflow = {treasure.literal(workflow)} and session_unixtime = {session}"
    is_open = f"count(*) > (select count(*) from log_tbl where {ours} and status <> 'running')"
    return resumed(workflow, session, row) + (
        f"insert into log_tbl ({', '.join([*names, *taken])})\n"
        f"select {', '.join([*values, *taken.values()])}\nfrom log_tbl\n"
        f"where {ours} and status = 'running'\nhaving {is_open}"
    )


def resumed(workflow: str, session: int, row: Mapping[str, Any]) -> str:
    """Return the insert of the `running` row of a run that goes on after its failure; no row for others.

    When it began to go on is not known, so its duration stays empty. A failure that one run tells twice is
    one failure.
    """
    run_id = treasure.literal(row["run_id"])
    is_new = {
        "success": f"max_by(status, {PLACE}) <> 'success'",
        "failure": f"max_by(run_id, {PLACE}) <> {run_id}",
    }[row["status"]]
    taken = {
        "workflow": treasure.literal(workflow),
        "session_unixtime": str(session),
        "status": "'running'",
        "run_id": run_id,
        "session_time": treasure.literal(row["session_time"]),
        "attempt": "max(attempt) + 1",
        "start_time": NOW,
        "config_hash": f"max_by(config_hash, {PLACE})",
        "reason": f"'{RESUMED}'",
        "logged_at": f"{NOW_MS} - 1",  # before its end
    }
    return (
        f"insert into log_tbl ({', '.join(taken)})\nselect {', '.join(taken.values())}\nfrom log_tbl\n"
        f"where workflow = {treasure.literal(workflow)} and session_unixtime = {session}\n"
        "having count_if(status = 'running') > 0\n"
        f"    and count_if(status = 'running') <= count_if(status <> 'running') and {is_new};\n"
    )


def metrics_of(workflow: str, session: int, run_id: str, params: Mapping[str, Any]) -> str:
    """Return the insert of what the workflow left behind, and what each of its tasks cost, into run_metrics.

    A fault is printed and gives no SQL: the tables are there, whatever their building cost.
    """
    try:
        tables = {
            name: table
            for layer in inputs.STAGES[workflow].writes
            for name, table in treasure.tables(inputs.database(layer, params)).items()
            if inputs.is_live(name)
        }
        decision = (params.get("decisions") or {}).get(workflow) or {}
        tasks = task_metrics.of_tasks(
            str(params.get("task_name") or ""), int(decision.get("job") or 0), tables
        )
    except TaskError as error:
        print(f"run_metrics was not written: {error}")
        return ""
    whole = {
        "queries": sum(figures["queries"] for figures in tasks.values()),
        "seconds": sum(figures["seconds"] for figures in tasks.values()),
        "tables": len(tables),
        "rows": sum(int(table.get("count") or 0) for table in tables.values()),
        "bytes": sum(int(table.get("estimated_storage_size") or 0) for table in tables.values()),
    }
    return task_metrics.insert(workflow, session, run_id, {"": whole, **tasks})


def append(table: str, row: Mapping[str, Any], expressions: Mapping[str, str]) -> str:
    """Return the insert of one row of literals and SQL expressions."""
    values = [*(sql_value(value) for value in row.values()), *expressions.values()]
    return f"insert into {table} ({', '.join([*row, *expressions])})\nselect {', '.join(values)}"


def record_count(workflow: str, params: Mapping[str, Any]) -> int | None:
    """Return the rows that the workflow made: what it said itself, else what its last layer published.

    What it says is a number, or a map of them where several tasks count (people of each segment).

    >>> record_count("wf04_stage", {"stg": "s", "sub": "x", "published_rows": {"s_x": 7}})
    7
    >>> record_count("wf09_create_segment", {"record_counts": {"wf09_create_segment": {"a": 2, "b": 3}}})
    5
    """
    own = (params.get("record_counts") or {}).get(workflow)
    if own is not None:
        return sum(own.values()) if isinstance(own, Mapping) else int(own)
    published = params.get("published_rows") or {}
    for layer in reversed(inputs.STAGES[workflow].writes):
        if inputs.database(layer, params) in published:
            return int(published[inputs.database(layer, params)])
    return None


def shortened(text: str) -> str:
    """Return *text* without the API key, cut at LONGEST_TEXT characters.

    >>> len(shortened("x" * 1_000_000)) < LONGEST_TEXT + 50
    True
    """
    key = os.environ.get("TD_API_KEY", "")
    text = str(text).encode("utf-8", "replace").decode()  # half a surrogate pair is no character
    if key:
        text = text.replace(key, "***")
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]} … (cut, {len(text)} characters)"


def for_mail(text: str) -> str:
    """Return a failure's text as its mail shows it: without the API key and Python's frames, and not long.

    >>> for_mail("Error messages from python: no ${x} (TaskError)\\n\\tfrom Traceback")
    'Error messages from python: no $ {x} (TaskError)'
    """
    text = unbraced(re.sub(r"\n\tfrom [\s\S]*?(?=\n\+|\Z)", "", shortened(text)))
    if len(text) <= LONGEST_MAILED:
        return text
    return f"{text[:LONGEST_MAILED]} … (log_tbl has all of it)"
