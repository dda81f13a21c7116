"""Load large event tables by their newest days only; the answer is that of a full load.

Task      wf02_mapping +merge+note, ``py>: prep.python.incremental.note``: remember what the next load needs
Reads     `incremental_tables` of config/src_params.yml; raw tables, PRP tables and their earlier states
Writes    va_config_<sub>.mapping_loads, append-only: layer (prp, src), table_name, query_hash, reason, base
          (varchar), since, next_since, rows_before, table_rows, session_unixtime (bigint)

A load starts from an earlier state of the PRP table, its base, and reads the raw rows from `since` on: the
newest time of the load that made the base, less `late_days`. Rows of the base before that stay as they are
(prep/python/keep_rows.py). Before each load the raw rows older than `since` are counted: when they are not as
many as that load saw, a row came later than the window, and the whole table is loaded. The same happens when
the query changed or the base is not what that load left.

The base is the oldest state that publishing keeps for such a table, one more than of others: nobody needs it
any more, so it is taken as it stands and nothing is copied. Where it is not there or does not fit (in the
first days, and when a session is run again), the live table is the base, and what stays of it is copied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.python import treasure
from common.python.declared_prep import DeclaredPrep, full_order
from common.python.retail_schema import did_you_mean
from common.python.schema_map import raw_tables

CONFIG = "config/src_params.yml, incremental_tables"
WINDOW, SETTLED, BASE = "__next_rows", "__next_settled", "__next_base"  # tables that live as long as a load
SINCE = "${since}"
DAY = 86_400
LATE_DAYS = 3
KEYS = {"key": list, "keep": str, "late_days": int}
LOAD_COLUMNS = {
    "layer": "varchar",
    "table_name": "varchar",
    "query_hash": "varchar",
    "reason": "varchar",
    "base": "varchar",
    "since": "bigint",
    "next_since": "bigint",
    "rows_before": "bigint",
    "table_rows": "bigint",
    "session_unixtime": "bigint",
}


@dataclass(frozen=True)
class Load:
    """How one PRP table is loaded: from which second on (0: whole, and why), and what the next load needs."""

    table_name: str
    key: list[str] = field(default_factory=list)
    order: list[list[str]] = field(default_factory=list)  # [column, asc or desc]: the first row stays
    since: int = 0
    next_since: int = 0
    rows_before: int = 0
    query_hash: str = ""
    reason: str = ""
    base: str = ""  # table that holds the rows which stay: the live one, or an earlier state
    base_session: int = 0

    @property
    def fresh(self) -> str:
        """Return the table of the rows that come in."""
        return self.table_name + (SETTLED if self.key else WINDOW)


@dataclass(frozen=True)
class Source:
    """What makes a PRP table: its query, or its `prep:` entry of the map."""

    made_by: Path | DeclaredPrep

    @property
    def text(self) -> str:
        """Return what changes when the rows would be made otherwise."""
        if isinstance(self.made_by, Path):
            return self.made_by.read_text(encoding="utf-8")
        prep = self.made_by
        return repr(
            (prep.sources, sorted(prep.unpack.items()), sorted(prep.rename.items()), prep.key, prep.by)
        )

    @property
    def raw(self) -> list[str]:
        """Return the raw tables it reads."""
        if isinstance(self.made_by, Path):
            return [name for name, _ in raw_tables(self.text)]
        return list(self.made_by.sources)


def faults(settings: Mapping[str, Any], sources: Mapping[str, Source]) -> list[str]:
    """Return what is wrong with `incremental_tables`.

    Args:
        settings: source table → {key, keep, late_days}.
        sources: source table → what makes its PRP table.
    """
    found = []
    for table, entry in settings.items():
        place = f"{CONFIG}: {table}"
        source = sources.get(table)
        if source is None:
            found.append(f"{place} is no table with a query or a prep entry{did_you_mean(table, sources)}")
            continue
        path = source.made_by
        if isinstance(path, Path) and SINCE not in source.text:
            found.append(f"{path.as_posix()}: no `where time >= {SINCE}`, which incremental loading needs")
        if not isinstance(entry, dict):
            found.append(f"{place} is no map with key, keep and late_days")
            continue
        found += entry_faults(place, entry, is_declared=not isinstance(path, Path))
    return found


def entry_faults(place: str, entry: Mapping[str, Any], is_declared: bool) -> list[str]:
    """Return what is wrong with one entry."""
    found = [f"{place}: unknown name {name}{did_you_mean(name, KEYS)}" for name in entry if name not in KEYS]
    if is_declared and {"key", "keep"} & set(entry):
        found.append(f"{place}: its prep entry has `latest:`, which says key and keep; write late_days alone")
    if entry.get("keep", "latest") not in ("latest", "first"):
        found.append(f"{place}: keep is latest or first")
    days = entry.get("late_days", LATE_DAYS)
    if isinstance(days, bool) or not isinstance(days, int) or days < 0:
        found.append(f"{place}: late_days is a whole number")
    return found


def key_and_order(
    entry: Mapping[str, Any], source: Source, raw: Mapping[str, Mapping[str, str]]
) -> tuple[list[str], list[list[str]]]:
    """Return the columns that name a record, and the order in which the first of its rows stays."""
    if isinstance(source.made_by, DeclaredPrep):
        return list(source.made_by.key), [list(part) for part in full_order(source.made_by, raw)]
    key = [entry["key"]] if isinstance(entry.get("key"), str) else list(entry.get("key") or [])
    return key, [["time", "asc" if entry.get("keep") == "first" else "desc"]]


def planned(
    table: str,
    entry: Mapping[str, Any],
    source: Source,
    databases: Mapping[str, str],
    session: int,
    spare: str,
) -> Load:
    """Return how the PRP table *table* is loaded in this session.

    Args:
        databases: the names of the raw, prp and log databases.
        spare: name of the state that may be taken.
    """
    raw = {name: treasure.columns_of(found) for name, found in treasure.tables(databases["raw"]).items()}
    key, order = key_and_order(entry, source, raw)
    late = int(entry.get("late_days", LATE_DAYS)) * DAY
    times = [row[0] for row in asked(databases["raw"], source.raw, "max(time)")]
    newest = max((int(time) for time in times if time is not None), default=0)
    next_since = max(0, min(newest, session) - late)
    digest = digest_of(source.text, sorted(entry.items()))
    base, reason = chosen_base(table, digest, databases, source.raw, session, spare)
    return Load(
        table, key, order, int(base.get("next_since", 0)), next_since,
        rows_before(databases["raw"], source.raw, next_since), digest, reason,
        str(base.get("base", "")), int(base.get("session_unixtime", 0)),
    )  # fmt: skip


def digest_of(*parts: object) -> str:
    """Return sixteen hex digits that change when one of *parts* does."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def chosen_base(
    table: str, digest: str, databases: Mapping[str, str], raw: Sequence[str], session: int, spare: str
) -> tuple[dict[str, Any], str]:
    """Return the load that made the base, with its `base`; or nothing, and why the whole table is loaded."""
    found = states(databases["prp"], [table, spare])
    if table not in found:
        return {}, "there is no earlier load"
    names = [table] if found[table][1] == session else [spare, table]
    records = load_records(databases["log"], "prp", table)
    reason = ""
    for name in (name for name in names if name in found):
        rows, built_for = found[name]
        fitting = [r for r in records if r["session_unixtime"] == built_for and r["table_rows"] == rows]
        if not fitting:
            reason = "the live table is not that of an incremental load"
            continue
        if any(record["query_hash"] != digest for record in fitting):
            reason = "its query or its entry has changed"
            continue
        record = min(fitting, key=lambda each: (each["next_since"], each["rows_before"]))
        more = rows_before(databases["raw"], raw, int(record["next_since"])) - int(record["rows_before"])
        if more:
            reason = f"{more:+,} raw rows older than the window"
            continue
        if record["next_since"]:
            return {**record, "base": name}, ""
        reason = "the window of the last load began with the first row"
    return {}, reason


def states(database: str, names: Sequence[str]) -> dict[str, tuple[int, int | None]]:
    """Return state → (rows, session it was built for), of those of *names* that are there."""
    have = treasure.tables(database)
    there = [name for name in names if "built_for" in treasure.columns_of(have.get(name, {}))]
    counts = asked(database, there, "count(*), max(built_for)") if there else []
    return {name: (int(row[0]), row[1]) for name, row in zip(there, counts, strict=True)}


def asked(database: str, tables: Sequence[str], values: str, where: str = "") -> list[list[Any]]:
    """Return *values* of each table, one row a table, in order."""
    parts = [
        f"select {number} as position, {values} from {treasure.identifier(table)} {where}"
        for number, table in enumerate(tables)
    ]
    rows = treasure.run_query(database, "\nunion all\n".join(parts)).rows
    return [row[1:] for row in sorted(rows, key=lambda row: int(row[0]))]


def rows_before(database: str, tables: Sequence[str], since: int) -> int:
    """Return how many raw rows are older than *since*."""
    return sum(int(row[0]) for row in asked(database, tables, "count(*)", f"where time < {since}"))


def load_records(log: str, layer: str, table: str) -> list[dict[str, Any]]:
    """Return what is remembered of the loads of one table."""
    if "mapping_loads" not in treasure.tables(log):
        return []
    where = f"layer = {treasure.literal(layer)} and table_name = {treasure.literal(table)}"
    return treasure.run_query(log, f"select * from mapping_loads where {where}").dicts()


def remember(log: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append to mapping_loads."""
    treasure.create_database(log)
    treasure.insert_rows(log, "mapping_loads", LOAD_COLUMNS, rows)


def note(prp, sub, session_unixtime, incremental):
    """Task entry: remember, before publishing, what the tables were made of.

    A load that is remembered and never published does no harm: of the loads of a session whose rows are as
    many, the first counts, and what it says of older rows holds for the later ones too.
    """
    rows = []
    for load in loads_of(incremental):
        row = {name: getattr(load, name) for name in LOAD_COLUMNS if hasattr(load, name)}
        found = states(f"{prp}_{sub}", [f"{load.table_name}__next", load.table_name])
        count = next(iter(found.values()))[0]
        rows.append({**row, "layer": "prp", "table_rows": count, "session_unixtime": int(session_unixtime)})
    remember(f"va_config_{sub}", rows)


def loads_of(stored: Mapping[str, Mapping[str, Any]]) -> list[Load]:
    """Return the plans that the check task stored."""
    return [Load(**load) for load in stored.values()]
