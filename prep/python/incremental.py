"""Load large event tables by their newest days only; the answer is that of a full load.

Task      wf02_mapping +merge, ``py>: prep.python.incremental.merge``: the rows that stay and the rows of
          the window become <table>__next; +note, ``….note``: remember what the next load needs
Reads     `incremental_tables` of config/src_params.yml; raw tables, live PRP tables,
          prp_<sub>.<table>__window (the window's rows, made by the table's own query)
Writes    prp_<sub>.<table>__next; va_config_<sub>.mapping_loads, append-only: table_name, query_hash, reason
          (varchar), since, next_since, rows_before, prp_rows, session_unixtime (bigint)

A load reads the raw rows from `since` on: the newest time of the load before, less `late_days`. Rows of the
live PRP table before that stay as they are. By `key`, of a record on both sides the newer (`keep: latest`) or
the older (`keep: first`) stays, so that a record that comes twice changes nothing twice. Before each load the
raw rows older than `since` are counted: when they are not as many as the last load saw, a row came later than
the window, and the whole table is loaded. The same happens when the query changed or the live table is not
the one that the last load left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common.python import treasure
from common.python.retail_schema import TYPES, did_you_mean
from common.python.schema_map import raw_tables

CONFIG = "config/src_params.yml, incremental_tables"
WINDOW = "__window"
SINCE = "${since}"
DAY = 86_400
KEYS = {"key": list, "keep": str, "late_days": int}
LOAD_COLUMNS = {
    "table_name": "varchar",
    "query_hash": "varchar",
    "reason": "varchar",
    "since": "bigint",
    "next_since": "bigint",
    "rows_before": "bigint",
    "prp_rows": "bigint",
    "session_unixtime": "bigint",
}


@dataclass(frozen=True)
class Load:
    """How one PRP table is loaded: from which second on (0: whole, and why), and what the next load needs."""

    table_name: str
    key: list[str]
    keep: str
    since: int
    next_since: int
    rows_before: int
    query_hash: str
    reason: str = ""


def faults(settings: Mapping[str, Any], queries: Mapping[str, Path], sources: Mapping[str, str]) -> list[str]:
    """Return what is wrong with `incremental_tables`.

    Args:
        settings: source table → {key, keep, late_days}.
        queries: PRP table → its query.
        sources: source table → PRP table.
    """
    found = []
    for table, entry in settings.items():
        place = f"{CONFIG}: {table}"
        if sources.get(table) not in queries:
            found.append(f"{place} is no table with a query in prep/queries{did_you_mean(table, sources)}")
            continue
        path = queries[sources[table]]
        if SINCE not in path.read_text(encoding="utf-8"):
            found.append(f"{path.as_posix()}: no `where time >= {SINCE}`, which incremental loading needs")
        if not isinstance(entry, dict):
            found.append(f"{place} is no map with key, keep and late_days")
            continue
        found += [
            f"{place}: unknown name {name}{did_you_mean(name, KEYS)}" for name in entry if name not in KEYS
        ]
        if entry.get("keep", "latest") not in ("latest", "first"):
            found.append(f"{place}: keep is latest or first")
        days = entry.get("late_days", 3)
        if isinstance(days, bool) or not isinstance(days, int) or days < 0:
            found.append(f"{place}: late_days is a whole number")
    return found


def planned(
    table: str, entry: Mapping[str, Any], path: Path, databases: Mapping[str, str], session: int
) -> Load:
    """Return how the PRP table *table* is loaded in this session.

    Args:
        databases: the names of the raw, prp and log databases.
    """
    text = path.read_text(encoding="utf-8")
    late = int(entry.get("late_days", 3)) * DAY
    raw = [name for name, _ in raw_tables(text)]
    newest = max(
        (int(row[0]) for row in asked(databases["raw"], raw, "max(time)") if row[0] is not None), default=0
    )
    next_since = max(0, min(newest, session) - late)
    digest = hashlib.sha256(f"{text}{sorted(entry.items())}".encode()).hexdigest()[:16]
    last, reason = last_load(table, digest, databases)
    since = int(last["next_since"]) if last else 0
    if last and since:
        before = rows_before(databases["raw"], raw, since)
        if before != int(last["rows_before"]):
            since, reason = 0, f"{before - int(last['rows_before']):+,} raw rows older than the window"
    key = [entry["key"]] if isinstance(entry.get("key"), str) else list(entry.get("key") or [])
    return Load(
        table, key, str(entry.get("keep", "latest")), since, next_since,
        rows_before(databases["raw"], raw, next_since), digest, reason,
    )  # fmt: skip


def asked(database: str, tables: Sequence[str], value: str, where: str = "") -> list[list[Any]]:
    """Return *value* of each table, one row a table."""
    parts = [f"select {value} from {treasure.identifier(table)} {where}" for table in tables]
    return treasure.run_query(database, "\nunion all\n".join(parts)).rows


def rows_before(database: str, tables: Sequence[str], since: int) -> int:
    """Return how many raw rows are older than *since*."""
    return sum(int(row[0]) for row in asked(database, tables, "count(*)", f"where time < {since}"))


def last_load(table: str, digest: str, databases: Mapping[str, str]) -> tuple[dict[str, Any] | None, str]:
    """Return the load that made the live table, or None and why the whole table is loaded."""
    have = treasure.tables(databases["prp"])
    if table not in have or "built_for" not in treasure.columns_of(have[table]):
        return None, "there is no earlier load"
    name = treasure.identifier(table)
    rows, built = treasure.run_query(databases["prp"], f"select count(*), max(built_for) from {name}").rows[0]
    if "mapping_loads" not in treasure.tables(databases["log"]) or built is None:
        return None, "there is no earlier load"
    sql = (
        f"select * from mapping_loads where table_name = {treasure.literal(table)} "
        f"and session_unixtime = {int(built)} and prp_rows = {int(rows)} order by rows_before limit 1"
    )
    found = treasure.run_query(databases["log"], sql).dicts()
    if not found:
        return None, "the live table is not that of an incremental load"
    if found[0]["query_hash"] != digest:
        return None, "its query or its entry has changed"
    return found[0], ""


def merge(prp, sub, session_unixtime, incremental):
    """Task entry: put the kept rows and the window's together."""
    database = f"{prp}_{sub}"
    for load in loads(incremental):
        if load.since:
            treasure.run_query(
                database,
                f"drop table if exists {treasure.identifier(load.table_name + '__next')};\n"
                f"create table {treasure.identifier(load.table_name + '__next')} as\n"
                f"{merge_sql(load, columns(database, load.table_name), int(session_unixtime))};\n"
                f"drop table {treasure.identifier(load.table_name + WINDOW)}",
                rows=False,
            )


def columns(database: str, table: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return column → type of the live table and of the window."""
    have = treasure.tables(database)
    return treasure.columns_of(have[table]), treasure.columns_of(have[table + WINDOW])


def merge_sql(load: Load, types: tuple[Mapping[str, str], Mapping[str, str]], session: int) -> str:
    """Return the select of the rows that stay and the rows of the window.

    >>> load, types = Load("views", [], "latest", 86400, 0, 0, ""), {"a": "string", "built_for": "long"}
    >>> print(merge_sql(load, (types, types), 9))
    select kept."a" as "a", kept.time as time, 9 as built_for
    from "views" as kept
    where kept.time < 86400
    union all
    select fresh."a" as "a", fresh.time as time, 9 as built_for
    from "views__window" as fresh
    """
    live, window = types
    names = [name for name in window if name != "built_for"]
    kept = [kept_value(name, window[name], live) for name in names]
    fresh = [f"fresh.{treasure.identifier(name)} as {treasure.identifier(name)}" for name in names]
    old, new = treasure.identifier(load.table_name), treasure.identifier(load.table_name + WINDOW)
    same = " and ".join(f"kept.{name} = fresh.{name}" for name in map(treasure.identifier, load.key))
    missing = f"not exists (select 1 from {{}} where {same}{{}})" if same else ""
    drop_kept = f" and {missing.format(f'{new} as fresh', '')}" if same and load.keep == "latest" else ""
    drop_fresh = (
        f"\nwhere {missing.format(f'{old} as kept', f' and kept.time < {load.since}')}"
        if same and load.keep == "first"
        else ""
    )
    return (
        f"select {', '.join([*kept, 'kept.time as time', f'{session} as built_for'])}\nfrom {old} as kept\n"
        f"where kept.time < {load.since}{drop_kept}\nunion all\n"
        f"select {', '.join([*fresh, 'fresh.time as time', f'{session} as built_for'])}\nfrom {new} as fresh"
        f"{drop_fresh}"
    )


def kept_value(name: str, kind: str, live: Mapping[str, str]) -> str:
    """Return a kept row's value of a column that the window has: null where the live table lacks it."""
    shown, target = treasure.identifier(name), TYPES.get(kind, kind)
    if name not in live:
        return f"cast(null as {target}) as {shown}"
    return (
        f"kept.{shown} as {shown}" if live[name] == kind else f"try_cast(kept.{shown} as {target}) as {shown}"
    )


def note(prp, sub, session_unixtime, incremental):
    """Task entry: remember, after publishing, what the live tables were made of."""
    rows = []
    for load in loads(incremental):
        name = treasure.identifier(load.table_name)
        count = treasure.run_query(f"{prp}_{sub}", f"select count(*) from {name}").rows[0][0]
        row = {name: value for name, value in asdict(load).items() if name in LOAD_COLUMNS}
        rows.append({**row, "prp_rows": count, "session_unixtime": int(session_unixtime)})
    treasure.create_database(f"va_config_{sub}")
    treasure.insert_rows(f"va_config_{sub}", "mapping_loads", LOAD_COLUMNS, rows)


def loads(stored: Mapping[str, Mapping[str, Any]]) -> list[Load]:
    """Return the plans that the check task stored."""
    return [Load(**load) for load in stored.values()]
