"""Check everything that mapping needs before its first query runs.

Task      wf02_mapping +check, ``py>: prep.python.plan.main``
Reads     config/schema_map.yml, config/retail_schema.yml, prep/queries/*.sql, the list of raw tables
Stores    `prp_tables`: list of {src_table_name, prp_table_name, since, build_as}, one per query of
          prep/queries to run; `incremental`: PRP table → its prep.python.incremental.Load;
          `spare_tables`: tables of which publishing keeps one state more, for the loads to come;
          `declared_prep`: whether any table's prep is an entry of the map
Raises    TaskError with every fault of the map, of the queries and of the raw tables, each with its line
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from common.python import treasure
from common.python.errors import told_together
from common.python.publish import PREV
from common.python.retail_schema import did_you_mean
from common.python.schema_map import FILE, QUERIES, MappedTable, mapping, raw_tables
from prep.python import incremental, keep_rows


def main(
    tables,
    raw,
    sub,
    session_unixtime,
    prp="prp",
    src="src",
    absent_tables=(),
    incremental_tables=None,
    full_load=False,
    keep_versions=2,
):
    """Task entry."""
    import digdag

    mapped = mapping(tables, absent_tables)
    queries = prp_queries(mapped)
    check_raw(queries, f"{raw}_{sub}", treasure.tables(f"{raw}_{sub}"), mapped)
    databases = {"raw": f"{raw}_{sub}", "prp": f"{prp}_{sub}", "log": f"va_config_{sub}"}
    settings = incremental_settings(incremental_tables, mapped, queries)
    fed = {table.name: table.prp_table for table in mapped if table.prp_table in settings}
    keep_rows.clear((databases["prp"],), settings)
    keep_rows.clear((f"{src}_{sub}",), fed)
    loads = {
        table: incremental.planned(
            table, entry, source, databases, int(session_unixtime), spare_of(table, int(keep_versions))
        )
        for table, (entry, source) in settings.items()
    }
    if str(full_load).lower() == "true":
        loads = {
            table: replace(load, since=0, base="", reason="full_load is set") for table, load in loads.items()
        }
    for table, load in loads.items():
        newest = f"the rows since {load.since} into {load.base}"
        print(f"{table}: " + (newest if load.since else f"loaded whole, {load.reason}"))
    digdag.env.store(
        {
            "declared_prep": any(table.prep and not table.absent for table in mapped),
            "prp_tables": [
                {
                    "src_table_name": path.stem,
                    "prp_table_name": prp_table,
                    "since": loads[prp_table].since if prp_table in loads else 0,
                    "build_as": prp_table
                    + (incremental.WINDOW if prp_table in loads and loads[prp_table].since else "__next"),
                }
                for prp_table, path in queries.items()
            ],
            "incremental": {table: asdict(load) for table, load in loads.items()},
            "is_incremental": bool(loads),
            "spare_tables": sorted({*settings, *fed}),
        }
    )
    absent = [table.name for table in mapped if table.absent]
    print(
        f"{FILE}: {len(mapped)} tables, {sum(len(table.columns) for table in mapped)} columns, no faults"
        + (f"; absent: {', '.join(absent)}" if absent else "")
    )


def spare_of(table: str, keep_versions: int) -> str:
    """Return the name of the state that publishing keeps beyond the usual ones.

    >>> spare_of("pageviews", 2)
    'pageviews__prev3'
    """
    return f"{table}{PREV}{max(keep_versions, 1) + 1}"


def incremental_settings(
    given: Mapping[str, Any] | None, mapped: Sequence[MappedTable], queries: Mapping[str, Path]
) -> dict[str, tuple[Mapping[str, Any], incremental.Source]]:
    """Return PRP table → its entry of incremental_tables, and what makes it.

    Raises:
        TaskError: faults of the entries.
    """
    present = {table.name: table for table in mapped if not table.absent}
    absent = {table.name for table in mapped if table.absent}
    settings = {table: entry for table, entry in (given or {}).items() if table not in absent}
    made_by = {name: table.prep or queries.get(table.prp_table) for name, table in present.items()}
    sources = {name: incremental.Source(made) for name, made in made_by.items() if made is not None}
    faults = incremental.faults(settings, sources)
    if faults:
        raise told_together(faults, where=incremental.CONFIG, mend="mend these; no query has run yet")
    return {present[table].prp_table: (entry or {}, sources[table]) for table, entry in settings.items()}


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
