"""Make every src table from its PRP table, by config/schema_map.yml; one failing table stops no other.

Task      wf02_mapping +map, ``py>: prep.python.map_tables.main``
Reads     the PRP tables; config/schema_map.yml
Writes    src tables as <table>__next: the columns of the retail schema, time, built_for (bigint);
          va_config_<sub>.mapping_rejects, replaced whole: table_name, column_name, prp_table, prp_column,
          type, kind (unconvertible: values that became null; missing_column: the PRP table has no such
          column), samples (JSON text), rows_query (SQL that shows all of them), place (varchar);
          reject_count, row_count, session_unixtime (bigint)
Raises    TaskError naming every table that failed and why, when all others are done
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from common.python import treasure
from common.python.errors import TaskError, told_together
from common.python.masking import masked
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

AT_ONCE = 4  # queries; the account runs them side by side
REJECT_COLUMNS = {
    "table_name": "varchar",
    "column_name": "varchar",
    "prp_table": "varchar",
    "prp_column": "varchar",
    "type": "varchar",
    "kind": "varchar",
    "samples": "varchar",
    "rows_query": "varchar",
    "place": "varchar",
    "reject_count": "bigint",
    "row_count": "bigint",
    "session_unixtime": "bigint",
}


def main(tables, prp, src, sub, session_unixtime, absent_tables=()):
    """Task entry."""
    mapped = mapping(tables, absent_tables)
    databases = (f"{prp}_{sub}", f"{src}_{sub}")
    outcomes = map_all(mapped, databases, int(session_unixtime))
    rejects = [row for outcome in outcomes.values() if isinstance(outcome, list) for row in outcome]
    log = f"va_config_{sub}"
    treasure.create_database(log)
    treasure.insert_rows(log, "mapping_rejects", REJECT_COLUMNS, rejects, replace=True)
    for row in rejects:
        print(said(row))
    failed = {table: outcome for table, outcome in outcomes.items() if isinstance(outcome, Exception)}
    if failed:
        raise told_together(
            [f"{table}: {error}" for table, error in failed.items()],
            where=f"{len(failed)} of {len(mapped)} tables of config/schema_map.yml",
            mend="mend these tables; the others are built and wait, nothing has been published",
        )


def map_all(
    mapped: Sequence[MappedTable], databases: tuple[str, str], session: int
) -> dict[str, list[dict[str, Any]] | Exception]:
    """Map all tables side by side; return table → its rows of mapping_rejects, or what went wrong."""
    have = treasure.tables(databases[0])

    def attempt(table: MappedTable) -> list[dict[str, Any]] | Exception:
        try:
            return map_table(table, have, databases, session)
        except Exception as error:
            return error

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip([table.name for table in mapped], pool.map(attempt, mapped), strict=True))


def map_table(
    table: MappedTable, have: Mapping[str, Any], databases: tuple[str, str], session: int
) -> list[dict[str, Any]]:
    """Build <table>__next and return the table's rows of mapping_rejects."""
    prp_database, src_database = databases
    columns: dict[str, str] = {}
    if not table.absent:
        if table.prp_table not in have:
            raise TaskError(
                f"{prp_database} has no table {table.prp_table}",
                where=table.place,
                mend=f"make it in prep/queries/{table.name}.sql",
            )
        columns = {**treasure.columns_of(have[table.prp_table]), "time": "long"}
    name = treasure.identifier(f"{table.name}__next")
    select = map_sql(table, columns, prp_database, session)
    treasure.run_query(
        src_database,
        f"drop table if exists {name};\ncreate table {name} as\n{select}",
        session_unixtime=session,
        rows=False,
    )
    return [*missing_rows(table, columns, session), *reject_rows(table, columns, prp_database, session)]


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
                    "rows_query": f"select * from {prp_database}.{table.prp_table} "
                    f"where {lost_sql(column, columns)}",
                    "reject_count": count,
                    "row_count": counts[0],
                }
            )
    return rows


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
    return (
        f"{row['table_name']}.{row['column_name']}: {row['reject_count']} of {row['row_count']} values "
        f"are no {row['type']} and became null ({row['place']})"
    )
