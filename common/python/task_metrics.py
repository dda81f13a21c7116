"""What each task of a workflow cost, as the account's list of jobs tells it.

Task      wf01_run_workflow_with_logging: `success` and `failure` of common.python.run_log
Reads     the account's newest jobs. Whose a job is stands in its SQL, as `-- task_name: …`: Digdag writes
          that above the SQL of a td> task, common.python.treasure below that of a py> task
Writes    va_config_<sub>.run_metrics: queries, seconds, rows and bytes of each task
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from common.python import treasure

PAGE, MOST_PAGES = 100, 20  # jobs of one answer, and answers of one workflow
NAMED = re.compile(r"^-- task_name: (.+)$", re.MULTILINE)
BUILT = re.compile(r'^create table "?(\w+?)(?:__next)?"? as\b', re.IGNORECASE | re.MULTILINE)
EACH = re.compile(r"\^sub\+for-\d+=.*")  # what Digdag calls one turn of a for_each>
TIME = "%Y-%m-%d %H:%M:%S %Z"
COLUMNS = {
    "workflow": "varchar",
    "session_unixtime": "bigint",
    "run_id": "varchar",
    "task": "varchar",
    "metric": "varchar",
    "value": "double",
}
Figures = dict[str, float]


def insert(workflow: str, session: int, run_id: str, figures: Mapping[str, Mapping[str, float]]) -> str:
    """Return the insert of figures, task → metric → value, into run_metrics; the task '' is the workflow."""
    about = {"workflow": workflow, "session_unixtime": session, "run_id": run_id}
    rows = [
        {**about, "task": task, "metric": metric, "value": value}
        for task, measured in figures.items()
        for metric, value in measured.items()
    ]
    return f"insert into run_metrics ({', '.join(COLUMNS)})\n{treasure.rows_sql(COLUMNS, rows)}"


def of_tasks(
    task_name: str, since: int, until: int | None, tables: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Figures]:
    """Return the figures of the tasks of the workflow that +log_success or +log_failure has run for.

    Args:
        task_name: of the task that asks; its neighbour +child is the workflow.
        since: number of the last job before the workflow began.
        until: number of a job after its last one; None when none is known.
        tables: of the layers that it wrote, by name, as `treasure.tables` gives them.
    """
    child = re.sub(r"(\^error|\+log_).*$", "", task_name).removesuffix("+child") + "+child"
    return summed(jobs_between(since, until), child, tables or {})


def jobs_between(since: int, until: int | None) -> list[dict[str, Any]]:
    """Return the account's jobs with numbers above *since*, newest first; *until* is about the newest."""
    page = PAGE if until is None else max(1, min(PAGE, until - since + 1))
    found: list[dict[str, Any]] = []
    for first in range(0, PAGE * MOST_PAGES, page):
        jobs = treasure.call("GET", "/v3/job/list", params={"from": first, "to": first + page - 1})["jobs"]
        newer = [job for job in jobs if int(job["job_id"]) > since]
        found += newer
        if len(newer) < len(jobs) or len(jobs) < page:
            break
    return found


def summed(
    jobs: Sequence[Mapping[str, Any]], child: str, tables: Mapping[str, Mapping[str, Any]]
) -> dict[str, Figures]:
    r"""Return task → queries, seconds, rows, bytes of the jobs that ran below *child*.

    A job that builds a table has no rows itself: those of the table count.

    >>> job = {"query": "-- task_name: +wf+child^sub+a\nselect 1", "num_records": 7, "result_size": 20}
    >>> summed([job, job, {"query": "select 2"}], "+wf+child", {})
    {'a': {'queries': 2.0, 'seconds': 0.0, 'rows': 14.0, 'bytes': 40.0}}
    >>> query = '-- task_name: +wf+child^sub+all^sub+for-0=t=0=b+one\ncreate table "b__next" as select 1'
    >>> summed([{"query": query}], "+wf+child", {"b": {"count": 5}})
    {'all b': {'queries': 1.0, 'seconds': 0.0, 'rows': 5.0, 'bytes': 0.0}}
    """
    found: dict[str, Figures] = {}
    for job in jobs:
        query = str(job.get("query") or "")
        named = NAMED.search(query)
        if named is None or not named[1].startswith(child):
            continue
        built = BUILT.search(query)
        table = tables.get(built[1]) if built else None
        if table is None:
            rows, size = job.get("num_records"), job.get("result_size")
        else:
            rows, size = table.get("count"), table.get("estimated_storage_size")
        name = named[1][len(child) :].removeprefix("^sub").lstrip("+")
        if built:  # tasks of a loop are told apart by their tables
            name = f"{EACH.sub('', name)} {built[1]}"
        figures = found.setdefault(name, {"queries": 0.0, "seconds": 0.0, "rows": 0.0, "bytes": 0.0})
        figures["queries"] += 1
        figures["seconds"] += seconds_of(job)
        figures["rows"] += float(rows or 0)
        figures["bytes"] += float(size or 0)
    return dict(sorted(found.items()))


def seconds_of(job: Mapping[str, Any]) -> float:
    """Return how long a job ran, by its times where its duration is not told.

    >>> seconds_of({"start_at": "2026-11-01 00:00:01 UTC", "end_at": "2026-11-01 00:01:02 UTC"})
    61.0
    """
    if job.get("duration") is not None:
        return float(job["duration"])
    if not job.get("start_at") or not job.get("end_at"):
        return 0.0
    return (datetime.strptime(job["end_at"], TIME) - datetime.strptime(job["start_at"], TIME)).total_seconds()
