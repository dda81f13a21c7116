"""Check everything that mapping needs before its first query runs.

Task      wf02_mapping +check, ``py>: prep.python.plan.main``
Reads     config/schema_map.yml, config/retail_schema.yml, prep/queries/*.sql, the list of raw tables
Stores    `prp_tables`: list of {src_table_name, prp_table_name}, one per query of prep/queries to run;
          `declared_prep`: whether any table's prep is an entry of the map
Raises    TaskError with every fault of the map, of the queries and of the raw tables, each with its line
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.python import treasure
from common.python.errors import told_together
from common.python.retail_schema import did_you_mean
from common.python.schema_map import FILE, MappedTable, mapping, raw_tables

QUERIES = Path("prep/queries")


def main(tables, raw, sub, absent_tables=()):
    """Task entry."""
    import digdag

    mapped = mapping(tables, absent_tables)
    queries = prp_queries(mapped)
    check_raw(queries, f"{raw}_{sub}", treasure.tables(f"{raw}_{sub}"), mapped)
    digdag.env.store(
        {
            "declared_prep": any(table.prep and not table.absent for table in mapped),
            "prp_tables": [
                {"src_table_name": path.stem, "prp_table_name": prp_table}
                for prp_table, path in queries.items()
            ],
        }
    )
    absent = [table.name for table in mapped if table.absent]
    print(
        f"{FILE}: {len(mapped)} tables, {sum(len(table.columns) for table in mapped)} columns, no faults"
        + (f"; absent: {', '.join(absent)}" if absent else "")
    )


def prp_queries(mapped: Sequence[MappedTable], folder: Path = QUERIES) -> dict[str, Path]:
    """Return PRP table → the query that makes it, in order; one PRP table may feed several src tables.

    Raises:
        TaskError: tables without a query.
    """
    queries: dict[str, Path] = {}
    faults = []
    for table in mapped:
        if table.absent or table.prep or table.prp_table in queries:
            continue
        choices = [folder / f"{name}.sql" for name in (table.name, table.prp_table)]
        path = next((choice for choice in choices if choice.is_file()), None)
        if path is None:
            faults.append(f"{table.place}: {table.name} has no query {choices[0].as_posix()}")
        else:
            queries[table.prp_table] = path
    if faults:
        raise told_together(
            faults, where=folder.as_posix(), mend="write the queries, or list the tables under absent_tables"
        )
    return queries


def check_raw(
    queries: Mapping[str, Path], database: str, have: Mapping[str, Any], mapped: Sequence[MappedTable] = ()
) -> None:
    """Raise TaskError for every raw table that a query or a prep entry names and that is not there."""
    faults = [
        f"{table.prep.place}: raw table {database}.{name} is missing{did_you_mean(name, have)}"
        for table in mapped
        if table.prep and not table.absent
        for name in table.prep.sources
        if name not in have
    ]
    for path in queries.values():
        for table, line in raw_tables(path.read_text(encoding="utf-8")):
            if table not in have:
                hint = did_you_mean(table, have)
                faults.append(f"{path.as_posix()}:{line}: raw table {database}.{table} is missing{hint}")
    if faults:
        raise told_together(
            faults,
            where=database,
            mend=f"load the table (on a laptop: tdlocal load FILE --into {database}.<table>), or list the "
            "source under absent_tables of config/src_params.yml",
        )
