"""Make a table of the rows of an earlier state that stay and of fresh ones: incremental loads are made so.

Tasks     wf02_mapping +merge+settle, ``py>: prep.python.keep_rows.settle``: of records that are on both
          sides, the row that stays; +rows, ``….merge``: both sides become <table>__next
Reads     `incremental`, the plans of the check task; prp_<sub>.<table>__next_rows (the rows of the window,
          as the table's own query makes them), the base that each plan names
Writes    prp_<sub>.<table>__next_settled, then prp_<sub>.<table>__next
Stores    `changed_since`: PRP table → the time before which its rows are those of its base

A base that is an earlier state is taken: renamed, its rows that go deleted, the fresh ones inserted, so
that the work is that of the new rows. It is gone when the task dies in between: then, and where columns
have changed, what stays is copied from the live table. That has the same rows before `since`, save records
that are fresh anyway.
"""

from __future__ import annotations

from collections.abc import Mapping

from common.python import treasure
from common.python.retail_schema import TYPES
from prep.python.incremental import BASE, SETTLED, WINDOW, Load, loads_of

PASSING = (WINDOW, SETTLED, BASE)


def settle(prp, sub, incremental):
    """Task entry."""
    import digdag

    database = f"{prp}_{sub}"
    changed = {}
    for load in loads_of(incremental):
        changed[load.table_name] = load.since
        if not load.since or not load.key:
            continue
        window, base = tables_of(database, load.table_name + WINDOW, load.base)
        treasure.run_query(
            database,
            f"drop table if exists {treasure.identifier(load.fresh)};\n"
            f"create table {treasure.identifier(load.fresh)} as\n{settled_sql(load, base, window)}",
            rows=False,
        )
        oldest = treasure.run_query(database, oldest_change_sql(load)).rows[0][0]
        changed[load.table_name] = load.since if oldest is None else min(load.since, int(oldest))
    digdag.env.store({"changed_since": changed})


def merge(prp, sub, session_unixtime, incremental):
    """Task entry."""
    database = f"{prp}_{sub}"
    for load in loads_of(incremental):
        if not load.since or load.fresh not in treasure.tables(database):
            continue  # loaded whole, or merged before this task was tried again
        columns = tables_of(database, load.fresh)[0]
        select = f"select * from {treasure.identifier(load.fresh)}"
        how = put_together(
            database, load.table_name, load.base, gone_sql(load), columns, select, int(session_unixtime)
        )
        for suffix in (SETTLED, WINDOW):
            treasure.delete_table(database, load.table_name + suffix)
        print(f"{database}.{load.table_name}: {how}")


def tables_of(database: str, *names: str) -> list[dict[str, str]]:
    """Return column → type of each table, none where it is not there."""
    have = treasure.tables(database)
    return [treasure.columns_of(have.get(name, {})) for name in names]


def settled_sql(load: Load, base: Mapping[str, str], window: Mapping[str, str]) -> str:
    """Return the select of the window's rows and of the base's rows of the same records: one row a record.

    >>> load = Load("mails", ["id"], [["time", "desc"]], since=9, base="mails")
    >>> columns = {"id": "string", "built_for": "long"}
    >>> print(settled_sql(load, columns, columns).split("from (")[0])
    select "id", "built_for", time
    <BLANKLINE>
    """
    names = ", ".join([*map(treasure.identifier, window), "time"])
    kept = ", ".join([*(kept_value(name, kind, base) for name, kind in window.items()), "time"])
    keys = ", ".join(treasure.identifier(name) for name in load.key)
    order = ", ".join(f"{treasure.identifier(name)} {direction}" for name, direction in load.order)
    fresh, old = treasure.identifier(load.table_name + WINDOW), treasure.identifier(load.base)
    lacking = " or ".join(f"{treasure.identifier(name)} is null" for name in load.key)
    return (
        f"select {names}\nfrom (\nselect {names}, row_number() over (partition by {keys} order by {order})"
        f" as row_rank\nfrom (\nselect {names} from {fresh}\nunion all\nselect {kept} from {old}\n"
        f"where time < {load.since} and {in_keys(load.key, fresh)}\n) as both_sides\n) as ranked\n"
        f"where row_rank = 1 or {lacking}"
    )


def in_keys(key: list[str], table: str, where: str = "") -> str:
    """Return the condition of a row whose record is in *table*, an identifier; rows without a key are not."""
    names = ", ".join(treasure.identifier(name) for name in key)
    row = f"({names})" if len(key) > 1 else names
    there = " and ".join(f"{treasure.identifier(name)} is not null" for name in key)
    return f"{row} in (select {names} from {table} where {there}{where})"


def oldest_change_sql(load: Load) -> str:
    """Return a query of the oldest row of the base that gives way to a fresh one."""
    fresh = treasure.identifier(load.fresh)
    lost = in_keys(load.key, fresh, f" and time >= {load.since}")
    return f"select min(time) from {treasure.identifier(load.base)} where time < {load.since} and {lost}"


def gone_sql(load: Load) -> str:
    """Return the condition of the base's rows that go.

    >>> gone_sql(Load("views", since=9))
    'time >= 9'
    """
    late = f"time >= {load.since}"
    return f"{late} or {in_keys(load.key, treasure.identifier(load.fresh))}" if load.key else late


def put_together(
    database: str, table: str, base: str, gone: str, columns: Mapping[str, str], select: str, session: int
) -> str:
    """Make <table>__next of the rows of *base* that stay and those of *select*; return what was done.

    Args:
        base: the live table or an earlier state, which is then used up.
        gone: condition of the base's rows that go.
        columns: column → type of the fresh rows, without `time`.
        select: the query of the fresh rows.
        session: built_for of the new rows; a copy gives it to all.
    """
    after, taken = treasure.identifier(f"{table}__next"), treasure.identifier(table + BASE)
    kept = tables_of(database, base)[0]
    names = ", ".join([*map(treasure.identifier, columns), "time"])
    count = treasure.run_query(database, f"select count(*) from ({select}) as fresh").rows[0][0]
    treasure.delete_table(database, table + BASE)
    if base != table and count and kept == columns:
        treasure.rename_table(database, base, table + BASE)
        treasure.run_query(
            database,
            f"delete from {taken} where {gone};\n"
            f"insert into {taken} ({names})\nselect {names} from ({select}) as fresh",
            session_unixtime=session,
            rows=False,
        )
        treasure.rename_table(database, table + BASE, f"{table}__next")
        return f"{count:,} fresh rows put into {base}"
    base = base if base == table or kept else table
    kept = tables_of(database, base)[0]
    values = [kept_value(name, kind, kept) for name, kind in columns.items() if name != "built_for"]
    stay = ", ".join([*values, "time", f"{session} as built_for"])
    named = ", ".join(
        [*(treasure.identifier(name) for name in columns if name != "built_for"), "time", "built_for"]
    )
    treasure.run_query(
        database,
        f"drop table if exists {after};\ncreate table {after} as\nselect {stay}\n"
        f"from {treasure.identifier(base)} where not coalesce({gone}, false)\nunion all\n"
        f"select {named} from ({select}) as fresh",
        session_unixtime=session,
        rows=False,
    )
    return f"{count:,} fresh rows, the others copied from {base}"


def kept_value(name: str, kind: str, have: Mapping[str, str]) -> str:
    """Return a kept row's value of a column that the fresh rows have: null where the base lacks it."""
    shown, target = treasure.identifier(name), TYPES.get(kind, kind)
    if name not in have:
        return f"cast(null as {target}) as {shown}"
    return shown if have[name] == kind else f"try_cast({shown} as {target}) as {shown}"


def clear(databases: tuple[str, ...], tables: Mapping[str, object]) -> None:
    """Delete what a load that died has left of *tables*: its passing tables are of no use to another."""
    for database in databases:
        have = treasure.tables(database)
        for name in (table + suffix for table in tables for suffix in (*PASSING, "__next")):
            if name in have:
                treasure.delete_table(database, name)
