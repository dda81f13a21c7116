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
from common.python.attempt import run_id
from common.python.errors import TaskError, unbraced
from common.python.params import check_workflow
from common.python.session_log import append, end, end_of_dead, read_history, start, text_of
from common.python.webhook import tell

LONGEST_TEXT = 100_000
LONGEST_MAILED = 4_000  # characters of a failure's text in the mail about it
MAIL = "mail"  # what the log calls a mail: no workflow has this name
DONE = "it succeeded in this session and nothing it reads changed since"
CHANGED = "changed since its last success"


def decide(workflow_name, session_unixtime, session_time, sub):
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
    decision, reason = decided(workflow_name, history.rows, config_hash, params)
    if reason == DONE and taken_back(log, workflow_name, int(session_unixtime), params):
        decision, reason = "run", "a rollback has taken its tables back since its last success"
    if reason == CHANGED:
        last = history.rows[-1]
        what = inputs.what_changed(
            workflow_name, params, last["config_hash"], config_hash, last["start_time"]
        )
        reason = f"{what} {CHANGED}"
    row = {"run_id": run_id(params), "config_hash": config_hash, "reason": reason}
    about = {"workflow": workflow_name, "session_unixtime": history.session, "decision": decision}
    statements = [append("run_decisions", {**about, **row, "decided_at": text_of(history.now())})]
    died = end_of_dead(history)
    if died:
        statements.append(append("log_tbl", died))
    if decision == "run":
        statements.append(append("log_tbl", start(history, {**row, "session_time": session_time})))
    job = treasure.run_query(log, ";\n".join(statements), rows=False).job_id
    print(f"{workflow_name}: {decision}, {reason}")
    digdag.env.store({"decisions": {workflow_name: {"should_run": decision, "job": job}}})


def success(workflow_name, session_unixtime, session_time, sub):
    """Task entry: the workflow ended well."""
    import digdag

    params = digdag.env.params
    count = record_count(workflow_name, params)
    run = run_id(params)
    row = {"status": "success", "record_count": count, "session_time": session_time, "run_id": run}
    log = f"va_config_{sub}"
    history = read_history(log, workflow_name, int(session_unixtime))
    ending = [append("log_tbl", one) for one in end(history, row)]
    if not ending:
        return
    metrics = metrics_of(workflow_name, history.session, run, params, history.job)
    try:
        treasure.run_query(log, ";\n".join([*ending, *metrics]), rows=False)
    except TaskError as refusal:
        if not metrics:
            raise
        treasure.run_query(log, ";\n".join(ending), rows=False)
        print(f"run_metrics was not written: {refusal}")


def failure(workflow_name, session_unixtime, session_time, sub, message="", stacktrace="", webhook=""):
    """Task entry: the workflow failed with *message*, or what the attempt knows its tasks have said."""
    import digdag

    run, told = run_id(digdag.env.params), failures.of_handler(digdag.env.params)
    mailed = for_mail(failures.joined(told, "message", named=True) or message)
    if told:
        message, stacktrace = failures.joined(told, "message"), failures.joined(told, "stacktrace")
    row = {
        "status": "failure",
        "error_message": shortened(message),
        "stack_trace": shortened(stacktrace),
        "session_time": session_time,
        "run_id": run,
    }
    log = f"va_config_{sub}"
    try:
        history = read_history(log, workflow_name, int(session_unixtime))
        ending = [append("log_tbl", one) for one in end(history, row)]
        if ending:
            treasure.run_query(log, ";\n".join(ending), rows=False)
    except TaskError as refusal:
        kept = {"workflow": workflow_name, "session_unixtime": int(session_unixtime), **row}
        told_kept(refusal, kept_rows.keep(log, kept))
    digdag.env.store({"failed_workflows": {workflow_name: True}, "failure_texts": {workflow_name: mailed}})
    metrics = metrics_of(workflow_name, int(session_unixtime), run, digdag.env.params)
    try:
        if metrics:
            treasure.run_query(log, metrics[0], rows=False)
    except TaskError as refusal:
        print(f"run_metrics was not written: {refusal}")
    tell(webhook, told_of(workflow_name, sub, session_time, run, row["error_message"]))


def told_of(workflow: str, sub: str, session: str, run: str, message: str) -> dict[str, str]:
    """Return what a webhook gets of a failure."""
    about = {"status": "failure", "sub": sub, "workflow": workflow, "session": session, "run_id": run}
    return {**about, "message": message}


def run_failure(workflow_name, session_unixtime, session_time, defaults, message="", stacktrace=""):
    """Task entry: a run failed outside its workflows; their own failures have their own rows."""
    import digdag

    params = digdag.env.params
    if params.get("failed_workflows"):
        print(f"log_tbl has the failure of {', '.join(sorted(params['failed_workflows']))}")
        return
    told = failures.of_handler(params)
    if told:
        message, stacktrace = failures.joined(told, "message"), failures.joined(told, "stacktrace")
    mailed = for_mail(failures.joined(told, "message", named=True) or message)
    digdag.env.store({"failure_texts": {workflow_name: mailed}})
    sub = str(params.get("sub") or "")
    webhook = params.get("webhook") or defaults.get("webhook") or ""
    tell(webhook, told_of(workflow_name, sub, session_time, run_id(params), shortened(message)))
    log = f"va_config_{sub if usable(sub) else defaults['sub']}"
    add_failure(log, workflow_name, int(session_unixtime), session_time, run_id(params), message, stacktrace)


def add_failure(
    log: str, workflow: str, session: int, session_time: str, run: str, message: str, stacktrace: str = ""
) -> None:
    """Log a failure that has no `running` row; when the account refuses it, keep it for the next run."""
    row = {
        "workflow": workflow,
        "status": "failure",
        "error_message": shortened(message),
        "stack_trace": shortened(stacktrace),
        "session_time": session_time,
        "run_id": run,
        "session_unixtime": session,
    }
    try:
        history = read_history(log, workflow, session)
        kept_rows.bring_in(log)
        now = history.now()
        times = {"start_time": text_of(now), "end_time": text_of(now), "logged_at": now}
        attempt = 1 + sum(entry["status"] == "failure" for entry in history.rows)
        treasure.run_query(log, append("log_tbl", {**row, "attempt": attempt, **times}), rows=False)
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


def mail_failed(session_unixtime, session_time, sub, message="", letter=None):
    """Task entry: a mail was not sent. The run that wanted it goes on; the log has it, as workflow `mail`."""
    import digdag

    wanted = letter or {"subject": "the mail that a run failed", "run_id": run_id(digdag.env.params)}
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
    log = f"va_config_{sub}"
    now = read_history(log, MAIL, int(session_unixtime)).now()
    times = {"start_time": text_of(now), "end_time": text_of(now), "logged_at": now}
    treasure.run_query(log, append("log_tbl", {**row, **times}), rows=False)


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
    if workflow == "wf02_mapping" and str(params.get("full_load")).lower() == "true":
        return "run", "full_load is true"
    if not history:
        return "run", "it has not run in this session yet"
    last = history[-1]
    if last["status"] == "running":
        return "run", "its last run in this session died"
    if last["status"] != "success":
        return "run", f"its last run in this session ended with {last['status']}"
    if last["config_hash"] != config_hash:
        return "run", CHANGED
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


def metrics_of(
    workflow: str, session: int, run: str, params: Mapping[str, Any], until: int | None = None
) -> list[str]:
    """Return the insert of what the workflow left behind, and what each of its tasks cost, into run_metrics.

    *until* is the number of a job after its last one. A fault is printed and gives no SQL: the tables are
    there, whatever their building cost.
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
            str(params.get("task_name") or ""), int(decision.get("job") or 0), until, tables
        )
    except TaskError as error:
        print(f"run_metrics was not written: {error}")
        return []
    whole = {
        "queries": sum(figures["queries"] for figures in tasks.values()),
        "seconds": sum(figures["seconds"] for figures in tasks.values()),
        "tables": len(tables),
        "rows": sum(int(table.get("count") or 0) for table in tables.values()),
        "bytes": sum(int(table.get("estimated_storage_size") or 0) for table in tables.values()),
    }
    return [task_metrics.insert(workflow, session, run, {"": whole, **tasks})]


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
