"""Say what a run did, in figures that a person can read, and tell a webhook where one is named.

Task      wf00_orchestration +summary, ``py>: common.python.summary.main``
Reads     va_config_<sub>.log_tbl, run_decisions, validation_runs, datamodel_builds, segment_logs; the raw
          tables' sizes; golden unified_customers and unified_transactions; unification_changes. What is
          not there is left out
Writes    va_config_<sub>.run_summary (name, value, run_id varchar; session_unixtime bigint), appended
Stores    `summary`: {html}, the mail's body, free of templates
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from common.python import inputs, treasure
from common.python.attempt import run_id
from common.python.errors import TaskError
from common.python.schema_map import mapping, raw_tables_of
from common.python.webhook import tell

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
SUMMARY_COLUMNS = {"name": "varchar", "value": "varchar", "run_id": "varchar", "session_unixtime": "bigint"}
MOST_SEGMENTS = 12
USUAL_RUNS = 10  # earlier successes whose median is the usual duration


def main(sub, session_unixtime, session_date, webhook=""):
    """Task entry."""
    import digdag

    params = digdag.env.params
    session, run = int(session_unixtime), run_id(params)
    log = f"va_config_{sub}"
    workflows = workflow_rows(log, session, run)
    facts = figures(params, log, session)
    values = {"sub": sub, "session": session_date, "workflows": workflows, "facts": facts}
    print(rendered("summary.txt.j2", values))
    rows = [
        {"name": name, "value": value, "run_id": run, "session_unixtime": session} for name, value in facts
    ]
    treasure.insert_rows(log, "run_summary", SUMMARY_COLUMNS, rows)
    digdag.env.store({"summary": {"html": rendered("summary.html.j2", values).replace("$", "&#36;")}})
    about = {"status": "success", "sub": sub, "session": session_date, "run_id": run}
    tell(webhook, {**about, "facts": dict(facts)})


def workflow_rows(log: str, session: int, run: str) -> list[dict[str, str]]:
    """Return a line per workflow, in order: the last outcome of this session, and whether it ran just now."""
    outcomes = answered(
        log,
        "select workflow, max_by(status, logged_at) as status,\n"
        "    max_by(duration_seconds, logged_at) as duration, max_by(record_count, logged_at) as row_count\n"
        f"from log_tbl where session_unixtime = {session} and status <> 'running' group by workflow",
    )
    usual = answered(
        log,
        "select workflow, duration_seconds as duration\nfrom (\n"
        "    select workflow, duration_seconds,\n"
        "        row_number() over (partition by workflow order by logged_at desc) as age\n"
        f"    from log_tbl where session_unixtime <> {session} and status = 'success'\n"
        f"        and duration_seconds is not null\n) as earlier where age <= {USUAL_RUNS}",
    )
    decisions = answered(
        log,
        "select workflow, max_by(decision, decided_at) as decision, max_by(reason, decided_at) as reason\n"
        f"from run_decisions where session_unixtime = {session}"
        f" and run_id = {treasure.literal(run)} group by workflow",
    )
    last = {row["workflow"]: row for row in outcomes}
    decided = {row["workflow"]: row for row in decisions}
    durations: dict[str, list[float]] = {}
    for row in usual:
        durations.setdefault(row["workflow"], []).append(row["duration"])
    return [
        workflow_row(
            name, last.get(name), decided.get(name), median(durations[name]) if name in durations else None
        )
        for name in inputs.WORKFLOWS
    ]


def workflow_row(
    workflow: str,
    last: Mapping[str, Any] | None,
    decided: Mapping[str, Any] | None,
    usual: float | None = None,
) -> dict[str, str]:
    """Return one workflow's line.

    >>> row = workflow_row("wf04_stage", {"status": "success", "duration": 2.04, "row_count": 1200}, None)
    >>> row["duration"], row["rows"]
    ('2.0 s', '1,200')
    """
    note = f"usually {usual:.1f} s" if usual else ""
    if decided and decided["decision"] == "skip":
        note = f"not run now: {decided['reason']}"
    if last is None:
        return {"workflow": workflow, "status": "-", "duration": "", "rows": "", "note": note}
    duration, count = last["duration"], last["row_count"]
    return {
        "workflow": workflow,
        "status": last["status"],
        "duration": f"{duration:.1f} s" if duration is not None else "",
        "rows": f"{count:,}" if count is not None else "",
        "note": note,
    }


def figures(params: Mapping[str, Any], log: str, session: int) -> list[tuple[str, str]]:
    """Return the figures that a manager reads, as (name, text), each only where its table is there."""
    have = treasure.tables(inputs.database("raw", params))
    raw = [have[name] for name in named_raw_tables(params) if name in have]
    records = sum(int(table.get("count") or 0) for table in raw)
    facts = [("records in", f"{records:,} in {len(raw)} raw tables")]
    golden = inputs.database("gld", params)
    facts += people(golden, inputs.database("unif", params), session)
    facts += revenue(golden)
    facts += validation(log, session)
    facts += dashboards(log, session)
    facts += segments(log, session)
    return facts


def named_raw_tables(params: Mapping[str, Any]) -> list[str]:
    """Return the raw tables that the mapped tables come from."""
    mapped = mapping(params["tables"], params.get("absent_tables") or [])
    return sorted({name for table in mapped if not table.absent for name in raw_tables_of(table)})


def people(golden: str, unified: str, session: int) -> list[tuple[str, str]]:
    """Return how many people there are, how many are known, new, and turned out to be somebody else too."""
    rows = answered(
        golden,
        "select count(*) as people, count_if(is_known = 'true') as known,\n"
        f"    count_if(created_for = {session}) as created\nfrom unified_customers",
    )
    if not rows:
        return []
    row = rows[0]
    told = f"{row['people']:,}, of whom {row['known'] or 0:,} known; {row['created'] or 0:,} new"
    joined = answered(
        unified,
        "select count(distinct other_canonical_id) as people from unification_changes\n"
        f"where change = 'merge' and session_unixtime = {session}",
    )
    if joined:
        told += f", {joined[0]['people'] or 0:,} merged into others"
    return [("people out", told)]


def revenue(golden: str) -> list[tuple[str, str]]:
    """Return revenue, net of returns, and what it is made of."""
    rows = answered(
        golden,
        "select coalesce(sum(case when is_purchase = 'true' then order_count end), 0) as orders,\n"
        "    coalesce(sum(revenue), 0e0) as net,\n"
        "    coalesce(sum(case when is_return = 'true' then revenue end), 0e0) as returned\n"
        "from unified_transactions",
    )
    if not rows:
        return []
    row = rows[0]
    return [
        (
            "revenue",
            f"{row['net']:,.2f} from {row['orders']:,} orders "
            f"(sales {row['net'] - row['returned']:,.2f}, returns {row['returned']:,.2f})",
        )
    ]


def validation(log: str, session: int) -> list[tuple[str, str]]:
    """Return the verdict of this session's last validation."""
    rows = answered(
        log,
        "select verdict, critical, warning, info from validation_runs\n"
        f"where session_unixtime = {session} order by checked_at desc, time desc limit 1",
    )
    if not rows:
        return []
    row = rows[0]
    return [
        (
            "validation",
            f"{row['verdict']}: {row['critical']} critical, {row['warning']} warnings, {row['info']} infos",
        )
    ]


def dashboards(log: str, session: int) -> list[tuple[str, str]]:
    """Return which dashboards this session refreshed, and whose data model was not built."""
    rows = answered(
        log,
        f"select dashboard, status from datamodel_builds where built_for = {session} order by dashboard",
    )
    if not rows:
        return []
    named = [
        row["dashboard"] if row["status"] == "built" else f"{row['dashboard']} (data model: {row['status']})"
        for row in rows
    ]
    return [("dashboards", f"refreshed: {', '.join(named)}")]


def segments(log: str, session: int) -> list[tuple[str, str]]:
    """Return the segments with their sizes, largest first."""
    rows = answered(
        log,
        "select name, max_by(population, logged_at) as population from segment_logs\n"
        f"where session_unixtime = {session} and status = 'success' and population is not null\n"
        "group by name order by 2 desc, 1",
    )
    if not rows:
        return []
    named = [f"{row['name']} {row['population']:,}" for row in rows[:MOST_SEGMENTS]]
    more = f" and {len(rows) - MOST_SEGMENTS} more" if len(rows) > MOST_SEGMENTS else ""
    return [("segments", f"{len(rows)}: {', '.join(named)}{more}")]


def answered(database: str, sql: str) -> list[dict[str, Any]]:
    """Return the rows of a query, none when its table or database is not there."""
    try:
        return treasure.run_query(database, sql).dicts()
    except TaskError as error:
        if isinstance(error, treasure.ApiError) and error.status != 404:
            raise
        return []


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """Return one of common/templates filled in."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(["html", "html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)
