"""unify.yml to a Digdag workflow of plain Trino SQL tasks: what POST /unifications/workflow_call answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tdlocal.unification import contraction, outputs, people
from tdlocal.unification.model import CanonicalId, Unification, read_unification
from tdlocal.unification.sql import SESSION, ancestors, quoted, record_key, rows_of

ANSWER_LIMIT = 65_536  # characters; http_call> refuses a longer answer
CHANGES = "unification_changes"


class TooLong(Exception):
    """The workflow would be longer than http_call> takes."""


def compile_workflow(
    unification: Mapping[str, Any],
    *,
    full_refresh: bool = True,
    build_aside: bool = False,
    database_prefix: str = "cdp_unification_",
) -> dict[str, Any]:
    """Return the workflow that unifies by *unification*.

    Args:
        unification: a parsed unify.yml, templates already evaluated.
        full_refresh: read every source row again; otherwise only what came since the last run.
        build_aside: leave every table as ``<table>__next`` for the caller to publish; otherwise the last
            task renames them over the live ones, as Treasure Data's service does.
        database_prefix: before unify.yml's ``name`` in the name of the database that is written.

    Returns:
        A workflow as http_call> takes it: tasks by name, in order. Its SQL reads ``session_unixtime`` and
        keeps nothing but the tables: killed anywhere and started again, it ends the same.

    Raises:
        UnificationFaults: everything wrong with *unification*.
        TooLong: the workflow has more than 64 Ki characters.
    """
    read = read_unification(unification)
    database = f"{database_prefix}{read.name}".lower()
    workflow: dict[str, Any] = {
        "_export": {"td": {"database": database, "engine": "presto"}, "rounds": contraction.constants()},
        "+database": {"td_ddl>": None, "create_databases": [database]},
    }
    for canonical in read.canonical_ids:
        workflow[f"+{canonical.name}"] = _unify(read, canonical)
    workflow["+enrich"] = _enrich(read)
    if read.master_tables:
        workflow["+masters"] = {"_parallel": True} | {
            f"+{master.name}": _query(outputs.master_script(read, master)) for master in read.master_tables
        }
    workflow["+log_changes"] = _query(_changes_script(read))
    if not build_aside:
        workflow["+commit"] = _rename([(f"{table}__next", table) for table in output_tables(read)])
    workflow["+clean_up"] = {"td_ddl>": None, "drop_tables": work_tables(read)}
    length = len(json.dumps(workflow, ensure_ascii=False))
    if length > ANSWER_LIMIT:
        raise TooLong(
            f"the workflow has {length} characters, http_call> takes {ANSWER_LIMIT}: "
            "give unify.yml fewer tables, attributes or source_columns, or run `tdlocal unify compile`"
        )
    return workflow


def output_tables(unification: Unification) -> list[str]:
    """Return the names of the tables that people read."""
    each = ("lookup", "graph", "keys", "tables", "source_key_stats", "result_key_stats")
    return [
        *(f"{canonical.name}_{what}" for canonical in unification.canonical_ids for what in each),
        *(f"enriched_{table.name}" for table in unification.tables),
        *(master.name for master in unification.master_tables),
        CHANGES,
    ]


def work_tables(unification: Unification) -> list[str]:
    """Return the names of the tables that only the workflow itself needs."""
    plain = ("records", "nodes", "pairs", "labels", "before", "known", "homes", "people", "rows")
    steps = range(contraction.ROUNDS_A_TASK)
    contracted = [
        *(f"edges_step_{step}" for step in steps[1:]),
        *(f"reps_step_{step}" for step in steps),
        *(f"{what}_{loop}" for loop in range(contraction.TASKS + 1) for what in ("edges", "map", "reps")),
    ]
    return [
        f"{canonical.name}_work_{what}"
        for canonical in unification.canonical_ids
        for what in (*plain, *contracted)
    ]


def _query(script: str, **options: Any) -> dict[str, Any]:
    return {"td>": {"data": script}, **options}


def _rename(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    return {"td_ddl>": None, "rename_tables": [{"from": old, "to": new} for old, new in pairs]}


def _unify(unification: Unification, canonical: CanonicalId) -> dict[str, Any]:
    """Return the tasks of one canonical id, from source rows to the lookup."""
    name = canonical.name
    tables = [table.name for table in unification.tables]
    absent = (
        people.table_if_absent(f"{name}_lookup", people.LOOKUP_COLUMNS)
        + people.table_if_absent(f"{name}_keys", people.KEYS_COLUMNS)
        + people.table_if_absent(f"{name}_previous", people.PREVIOUS_COLUMNS)
    )
    return {
        "+before": _query(absent + people.previous_script(name)),
        "+keep_before": _rename([(f"{name}_work_previous", f"{name}_previous")]),
        "+records": _query(
            people.records_script(name, _branches(unification, canonical)) + people.edges_script(name)
        ),
        **contraction.components(f"{name}_work"),
        "+people": _query(
            people.labels_script(name) + people.people_script(canonical) + people.rows_script(name)
        ),
        "+lookup": _query(people.lookup_script(canonical, tables) + outputs.stats_script(canonical, tables)),
    }


def _branches(unification: Unification, canonical: CanonicalId) -> str:
    """Return the union of every source's distinct records."""
    branches = []
    for at, table in enumerate(unification.tables, start=1):
        key = record_key(unification, canonical, table.name)
        if key is None:
            continue
        rows = rows_of(unification, ancestors(unification, canonical), table.name)
        branches.append(
            f"select {at} as table_id, record_key, min(seen_at) as first_seen_at, max(seen_at) as last_seen_at,"
            f" count(*) as row_count\nfrom (\nselect {key} as record_key,\n"
            f"  coalesce(cast(p.{quoted('time')} as bigint), 0) as seen_at\n{rows}\n) as s\n"
            "where record_key <> '' group by record_key"
        )
    if not branches:
        return (
            "select 0 as table_id, '' as record_key, 0 as first_seen_at, 0 as last_seen_at, 0 as row_count"
            " where 1 = 0"
        )
    return "\nunion all\n".join(branches)


def _enrich(unification: Unification) -> dict[str, Any]:
    tasks: dict[str, Any] = {
        "+columns": _query(outputs.columns_query(unification), store_last_results=True),
    }
    tasks["+tables"] = {"_parallel": True} | {
        f"+{table.name}": _query(outputs.enriched_script(unification, table.name))
        for table in unification.tables
    }
    return tasks


def _changes_script(unification: Unification) -> str:
    """Return statements that add this session's merges and splits to the log of earlier sessions."""
    columns = ", ".join(people.CHANGES_COLUMNS)
    now = "\nunion all\n".join(people.changes_query(each) for each in unification.canonical_ids)
    return people.table_if_absent(CHANGES, people.CHANGES_COLUMNS) + people.create(
        f"{CHANGES}__next",
        f"select {columns}, {SESSION} as built_for\nfrom (\nselect {columns} from {CHANGES}\n"
        f"where session_unixtime <> {SESSION}\nunion all\n{now}\n) as c",
    )
