"""Make every src table from its PRP table, by config/schema_map.yml; one failing table stops no other.

Task      wf02_mapping +map, ``py>: prep.python.map_tables.main``
Reads     the PRP tables; config/schema_map.yml
Writes    src tables as <table>__next: the columns of the retail schema, time, built_for (bigint);
          va_config_<sub>.mapping_rejects, replaced whole: table_name, column_name, prp_table, prp_column,
          type, kind (unconvertible: values that became null; missing_column: the PRP table has no such
          column; changed_type: it was of previous_type at the run before), prp_type, previous_type,
          samples, sample_rows (JSON text), rows_query (SQL that shows all of them), place (varchar);
          reject_count, row_count, session_unixtime (bigint);
          va_config_<sub>.mapping_columns, replaced whole: the type of each PRP column that the map reads;
          va_config_<sub>.mapping_loads: what the next load of tables by their newest rows needs
          (prep/python/keep_rows.py)
Raises    TaskError naming every table that failed and why, when all others are done
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from common.python import treasure
from common.python.errors import TaskError, told_together
from common.python.masking import masked, masked_rows, sample_rows_sql
from common.python.publish import PREV
from common.python.schema_map import (
    MappedColumn,
    MappedTable,
    lost_sql,
    map_sql,
    mapping,
    missing_columns,
    rejects_sql,
    samples_sql,
)
from prep.python.incremental import Load, asked, digest_of, load_records, loads_of, remember, states
from prep.python.keep_rows import put_together

AT_ONCE = 4  # queries; the account runs them side by side
REJECT_COLUMNS = {
    "table_name": "varchar",
    "column_name": "varchar",
    "prp_table": "varchar",
    "prp_column": "varchar",
    "type": "varchar",
    "kind": "varchar",
    "prp_type": "varchar",
    "previous_type": "varchar",
    "samples": "varchar",
    "sample_rows": "varchar",
    "rows_query": "varchar",
    "place": "varchar",
    "reject_count": "bigint",
    "row_count": "bigint",
    "session_unixtime": "bigint",
}
COLUMN_COLUMNS = {
    "table_name": "varchar",
    "column_name": "varchar",
    "prp_table": "varchar",
    "prp_column": "varchar",
    "prp_type": "varchar",
    "previous_type": "varchar",
    "place": "varchar",
    "session_unixtime": "bigint",
}


@dataclass(frozen=True)
class Run:
    """Where this run maps from and to, and which tables need their newest rows only."""

    prp: str
    src: str
    log: str
    session: int
    keep_versions: int = 2
    loads: Mapping[str, Load] = field(default_factory=dict)
    changed_since: Mapping[str, int] = field(default_factory=dict)
    remembered: list[dict[str, Any]] = field(default_factory=list)  # rows for mapping_loads


def main(
    tables,
    prp,
    src,
    sub,
    session_unixtime,
    absent_tables=(),
    keep_versions=2,
    incremental=None,
    changed_since=None,
):
    """Task entry."""
    mapped = mapping(tables, absent_tables)
    loads = {load.table_name: load for load in loads_of(incremental or {})}
    databases = (f"{prp}_{sub}", f"{src}_{sub}", f"va_config_{sub}")
    run = Run(*databases, int(session_unixtime), int(keep_versions), loads, changed_since or {})
    outcomes = map_all(mapped, run)
    rejects = [row for outcome in outcomes.values() if isinstance(outcome, list) for row in outcome]
    treasure.create_database(run.log)
    if run.remembered:
        remember(run.log, run.remembered)
    rejects += changed_types(mapped, run)
    treasure.insert_rows(run.log, "mapping_rejects", REJECT_COLUMNS, rejects, replace=True)
    for row in rejects:
        print(said(row))
    failed = {table: outcome for table, outcome in outcomes.items() if isinstance(outcome, Exception)}
    if failed:
        raise told_together(
            [f"{table}: {error}" for table, error in failed.items()],
            where=f"{len(failed)} of {len(mapped)} tables of config/schema_map.yml",
            mend="mend these tables; the others are built and wait, nothing has been published",
        )


def map_all(mapped: Sequence[MappedTable], run: Run) -> dict[str, list[dict[str, Any]] | Exception]:
    """Map all tables side by side; return table → its rows of mapping_rejects, or what went wrong."""
    have = treasure.tables(run.prp)

    def attempt(table: MappedTable) -> list[dict[str, Any]] | Exception:
        try:
            return map_table(table, have, run)
        except Exception as error:
            return error

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip([table.name for table in mapped], pool.map(attempt, mapped), strict=True))


def map_table(table: MappedTable, have: Mapping[str, Any], run: Run) -> list[dict[str, Any]]:
    """Build <table>__next and return the table's rows of mapping_rejects."""
    columns: dict[str, str] = {}
    if not table.absent:
        if table.prp_table not in have:
            raise TaskError(
                f"{run.prp} has no table {table.prp_table}",
                where=table.place,
                mend=f"make it in prep/queries/{table.name}.sql",
            )
        columns = {**treasure.columns_of(have[table.prp_table]), "time": "long"}
    if not (table.prp_table in run.loads and map_newest(table, columns, run)):
        name = treasure.identifier(f"{table.name}__next")
        select = map_sql(table, columns, run.prp, run.session)
        treasure.run_query(
            run.src,
            f"drop table if exists {name};\ncreate table {name} as\n{select}",
            session_unixtime=run.session,
            rows=False,
        )
    return [*missing_rows(table, columns, run.session), *reject_rows(table, columns, run.prp, run.session)]


def map_newest(table: MappedTable, columns: Mapping[str, str], run: Run) -> bool:
    """Map only the rows that the PRP table has got since the state that its load began with, if that can be.

    What stays must have been made by the same SQL from the same PRP rows: the state is of the session that
    the PRP table's base is of, and has as many rows, of the same times, before the first change.
    """
    load, session = run.loads[table.prp_table], run.session
    digest = digest_of(map_sql(table, columns, run.prp, 0))
    since = run.changed_since.get(table.prp_table, 0)
    base = ""
    if since and "time" not in {column.name for column in table.columns}:
        names = [f"{table.name}{PREV}{max(run.keep_versions, 1) + 1}", table.name]
        base = fitting_state(names, load.base_session, digest, since, table, run)
    if base:
        select = f"{map_sql(table, columns, run.prp, session)}\nwhere time >= {since}"
        types = treasure.columns_of(treasure.tables(run.src)[base])
        how = put_together(run.src, table.name, base, f"time >= {since}", types, select, session)
        print(f"{run.src}.{table.name}: {how}")
    row = {"layer": "src", "table_name": table.name, "query_hash": digest, "base": base, "since": since}
    run.remembered.append({**row, "session_unixtime": session})
    return bool(base)


def fitting_state(
    names: Sequence[str], session: int, digest: str, since: int, table: MappedTable, run: Run
) -> str:
    """Return the first of *names* whose rows before *since* can stay, empty when there is none."""
    found = states(run.src, names)
    made = [r for r in load_records(run.log, "src", table.name) if r["session_unixtime"] == session]
    if not made or any(record["query_hash"] != digest for record in made):
        return ""
    count, before = "count(*), coalesce(sum(time), 0)", f"where time < {since}"
    wanted = asked(run.prp, [table.prp_table], count, before)
    for name in names:
        if name in found and found[name][1] == session and asked(run.src, [name], count, before) == wanted:
            return name
    return ""


def missing_rows(table: MappedTable, columns: Mapping[str, str], session: int) -> list[dict[str, Any]]:
    """Return a row for each mapped column that the PRP table does not have."""
    if table.absent:
        return []
    return [
        {**described(table, column, column.prp, session), "kind": "missing_column", "samples": "[]"}
        for column in missing_columns(table, columns)
    ]


def reject_rows(
    table: MappedTable, columns: Mapping[str, str], prp_database: str, session: int
) -> list[dict[str, Any]]:
    """Count the values that could not be converted; return a row for each column that lost any."""
    sql, counted = rejects_sql(table, columns, prp_database)
    if not sql:
        return []
    counts = treasure.run_query(prp_database, sql, session_unixtime=session).rows[0]
    rows = []
    for column, count in zip(counted, counts[1:], strict=True):
        if count:
            samples = treasure.run_query(prp_database, samples_sql(table, column, columns, prp_database)).rows
            rows.append(
                {
                    **described(table, column, column.expr or column.read_from(columns), session),
                    "kind": "unconvertible",
                    "samples": json.dumps([[masked(sample), times] for sample, times in samples]),
                    "sample_rows": lost_rows(table, column, columns, prp_database),
                    "rows_query": f"select * from {prp_database}.{table.prp_table} "
                    f"where {lost_sql(column, columns)}",
                    "reject_count": count,
                    "row_count": counts[0],
                }
            )
    return rows


def lost_rows(table: MappedTable, column: MappedColumn, columns: Mapping[str, str], prp_database: str) -> str:
    """Return some rows of the PRP table whose value was lost, masked: what must be there, the value, time."""
    needed = [each.read_from(columns) for each in table.columns if each.required]
    read = [column.read_from(columns)] if not column.expr else [n for n in columns if n in column.expr]
    names = [n for n in dict.fromkeys([*needed[:4], *read[:4], "time"]) if n in columns]
    source = f"{treasure.identifier(prp_database)}.{treasure.identifier(table.prp_table)}"
    sql = sample_rows_sql(source, [(name, columns[name]) for name in names], lost_sql(column, columns))
    return masked_rows(names, treasure.run_query(prp_database, sql).rows)


def changed_types(mapped: Sequence[MappedTable], run: Run) -> list[dict[str, Any]]:
    """Remember the type of each PRP column that is read; return a row for each that has changed it.

    The types are compared with those of the last run of an earlier session.
    """
    known = {}
    if "mapping_columns" in treasure.tables(run.log):
        earlier = treasure.run_query(run.log, "select * from mapping_columns").dicts()
        known = {(row["prp_table"], row["prp_column"]): row for row in earlier}
    have = treasure.tables(run.prp)
    rows = []
    for table in mapped:
        types = treasure.columns_of(have.get(table.prp_table, {}))
        for column in table.columns:
            name = column.read_from(types)
            if not name or table.absent:
                continue
            old = known.get((table.prp_table, name), {})
            same = old.get("session_unixtime") == run.session
            rows.append(
                {
                    **described(table, column, name, run.session),
                    "prp_type": types[name],
                    "previous_type": old.get("previous_type" if same else "prp_type"),
                }
            )
    treasure.insert_rows(run.log, "mapping_columns", COLUMN_COLUMNS, rows, replace=True)
    return [
        {**row, "kind": "changed_type", "samples": "[]"}
        for row in rows
        if row["previous_type"] and row["previous_type"] != row["prp_type"]
    ]


def described(table: MappedTable, column: MappedColumn, prp_column: str, session: int) -> dict[str, Any]:
    """Return the fields of mapping_rejects that name a column."""
    return {
        "table_name": table.name,
        "column_name": column.name,
        "prp_table": table.prp_table,
        "prp_column": prp_column,
        "type": column.type,
        "place": column.place,
        "session_unixtime": session,
    }


def said(row: Mapping[str, Any]) -> str:
    """Return one row of mapping_rejects as a line for the console."""
    if row["kind"] == "missing_column":
        return (
            f"{row['table_name']}.{row['column_name']} is null: {row['prp_table']} has no column "
            f"{row['prp_column']} ({row['place']})"
        )
    if row["kind"] == "changed_type":
        return (
            f"{row['table_name']}.{row['column_name']}: {row['prp_table']}.{row['prp_column']} was "
            f"{row['previous_type']} and is {row['prp_type']} now ({row['place']})"
        )
    return (
        f"{row['table_name']}.{row['column_name']}: {row['reject_count']} of {row['row_count']} values "
        f"are no {row['type']} and became null ({row['place']})"
    )
