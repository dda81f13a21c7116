"""Publish every <table>__next of a layer; the rows that were live stay as <table>__prev.

Task      +publish of every layer, ``py>: common.python.publish.main`` with `database:`
Reads     the layer's tables; `built_for` (bigint) of each, which every query of the layer sets to
          ${session_unixtime}
Writes    the live tables; va_config_<sub>.publish_log (database_name, table_name, action varchar;
          session_unixtime, built_for, row_count bigint; run_id, published_at varchar), append-only
Stores    `published_rows`: {database: rows of all tables of this session}
Raises    TaskError when nothing was built, ApiError when a request is refused

For one table: (1) the earlier states move on, __prev becoming __prev2; (2) rename __next to __prev;
(3) swap live and __prev. Readers see one atomic change, in 3. The last good rows are in live or in
an earlier state, whenever the task dies:

  died before 2   __next is there                             a rerun goes on with 2
  died before 3   __next gone, __prev is of this session,
                  live is not                                 a rerun swaps
  died after 3    live is of this session                     a rerun does nothing

A second build of the same session replaces the first by a rename over it: the first is no state
that anybody would want back, so the earlier states stay those of earlier sessions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any

from common.python import treasure
from common.python.attempt import run_id
from common.python.errors import TaskError
from common.python.inputs import is_live
from common.python.once import once

LOG_COLUMNS = {
    "database_name": "varchar",
    "table_name": "varchar",
    "action": "varchar",
    "session_unixtime": "bigint",
    "built_for": "bigint",
    "row_count": "bigint",
    "run_id": "varchar",
    "published_at": "varchar",
}
NEXT, PREV = "__next", "__prev"
BEFORE = "published before"  # by a task of this session that was killed before it could say so
AT_ONCE = 4  # tables that are published side by side


def main(database, session_unixtime, sub, keep_versions=2, built=None, keep_one_more=None):
    """Task entry; `keep_one_more` names tables of which one earlier state more is kept."""
    import digdag

    session, run = int(session_unixtime), run_id(digdag.env.params)
    published = publish_layer(
        database, session, int(keep_versions), listed(built), listed(keep_one_more) or ()
    )
    for action, tables in sorted(by_action(published).items()):
        print(f"{database}: {tables} tables {action}")
    log_rows = [
        {
            "database_name": database,
            "table_name": table,
            "action": action,
            "session_unixtime": session,
            "built_for": session,
            "row_count": rows,
            "run_id": run,
            "published_at": now_text(),
        }
        for table, (action, rows) in published.items()
        if action != BEFORE
    ]
    append_log(f"va_config_{sub}", log_rows)
    digdag.env.store({"published_rows": {database: sum(rows for _, rows in published.values())}})


def listed(names: Any) -> list[str] | None:
    """Return the names of a list as Digdag gives it: a list, or JSON text when it went through a template."""
    return json.loads(names) if isinstance(names, str) and names else names


def publish_layer(
    database: str,
    session: int,
    keep: int = 2,
    built: Sequence[str] | None = None,
    keep_one_more: Sequence[str] = (),
) -> dict[str, tuple[str, int]]:
    """Publish the layer's tables and return table → (what was done, rows).

    Args:
        database: the layer.
        session: the run's session_unixtime.
        keep: how many earlier states of each table stay.
        built: names without __next; every table of the layer that carries a session when None.
        keep_one_more: names of which one state more stays.
    """
    have = treasure.tables(database)
    names = list(built) if built is not None else candidates(have)
    missing = [name for name in names if not {name, name + NEXT} & set(have)]
    if missing or not names:
        raise nothing_built(", ".join(f"{database}.{name}" for name in missing) or database)
    stamps = built_for(database, have, session, names)

    def one(name: str) -> str:
        return publish_table(database, name, have, stamps, session, keep + (name in keep_one_more))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        actions = dict(zip(names, pool.map(one, names), strict=True))
    done: dict[str, tuple[str, int]] = {}
    for name, action in actions.items():
        if action:
            done[name] = (action, row_count(have, name + NEXT, name + PREV, name))
        elif stamps.get(name) == session:
            done[name] = (BEFORE, row_count(have, name))
    if not done:
        raise nothing_built(database)
    return done


def row_count(have: Mapping[str, Any], *names: str) -> int:
    """Return the rows of the first of *names* that is there.

    >>> row_count({"b": {"count": 3}}, "a", "b")
    3
    """
    return next((int(have[name].get("count") or 0) for name in names if name in have), 0)


def nothing_built(what: str) -> TaskError:
    """Return the fault of publishing where no task before it has built anything."""
    return TaskError(
        f"nothing was built for {what}",
        where="the layer's tables",
        mend="run the workflow from its start; the task before +publish makes <table>__next",
    )


def by_action(published: Mapping[str, tuple[str, int]]) -> dict[str, int]:
    """Return what was done → to how many tables.

    >>> by_action({"a": ("published", 3), "b": ("published", 4)})
    {'published': 2}
    """
    counts: dict[str, int] = {}
    for action, _ in published.values():
        counts[action] = counts.get(action, 0) + 1
    return counts


def candidates(have: Mapping[str, Any]) -> list[str]:
    """Return the tables that were built, whose swap may be unfinished, or that carry a session.

    >>> stamped = {"schema": '[["built_for","long"]]'}
    >>> candidates({"a__next": {}, "b": {}, "b__prev": {}, "c": {}, "d__prev2": {}, "e": stamped})
    ['a', 'b', 'e']
    """
    bases = {name[: -len(suffix)] for name in have for suffix in (NEXT, PREV) if name.endswith(suffix)}
    live = {name for name in have if is_live(name) and "built_for" in treasure.columns_of(have[name])}
    return sorted(bases | live)


def built_for(
    database: str, have: Mapping[str, Any], session: int, names: Sequence[str]
) -> dict[str, int | None]:
    """Return table → session it was built for, of the names' states, by one query.

    A new table has nothing to be compared with, so it is not asked about.
    """
    states = [
        state
        for name in names
        if name in have or name + NEXT not in have
        for state in (name, name + NEXT, name + PREV)
    ]
    return sessions_of(database, have, states, session)


def sessions_of(
    database: str, have: Mapping[str, Any], states: Sequence[str], session: int | None = None
) -> dict[str, int | None]:
    """Return the session_unixtime that each of the tables was built for, by one query.

    Args:
        database: where they are.
        have: the database's tables; those of *states* that are not there, or carry no session, are left out.
        states: names of tables, live ones and others.
        session: session_unixtime of the query; None leaves it out.
    """
    asked = [state for state in states if state in have and "built_for" in treasure.columns_of(have[state])]
    if not asked:
        return {}
    sql = "\nunion all\n".join(
        f"select {treasure.literal(state)} as table_name, max(built_for) as built_for"
        f" from {treasure.identifier(state)}"
        for state in asked
    )
    rows = treasure.run_query(database, sql, session_unixtime=session).rows
    return {name: None if stamp is None else int(stamp) for name, stamp in rows}


def publish_table(
    database: str,
    table: str,
    have: Mapping[str, Any],
    stamps: Mapping[str, int | None],
    session: int,
    keep: int,
) -> str:
    """Publish one table; return what was done, empty text when there was nothing to do.

    After a lost answer the state is looked at anew, and what is left to do is done.
    """
    seen = [have, stamps]
    looked = []

    def look() -> None:
        seen[0] = treasure.tables(database)
        seen[1] = built_for(database, seen[0], session, [table])
        looked.append(True)

    did: str = once(lambda: step(database, table, set(seen[0]), seen[1], session, keep), look)
    return did or ("published" if looked else "")


def step(
    database: str, table: str, names: set[str], stamps: Mapping[str, int | None], session: int, keep: int
) -> str:
    """Do what is left to do for *table*, as its state tells."""
    after, before = table + NEXT, table + PREV
    if after not in names:
        unfinished = before in names and stamps.get(before) == session and stamps.get(table) != session
        if not unfinished:
            return ""
        treasure.swap_tables(database, table, before)
        return "swap finished"
    if table not in names:
        treasure.rename_table(database, after, table)
        return "published for the first time"
    if stamps.get(after) is not None and stamps.get(after) == stamps.get(table):
        treasure.rename_table(database, after, table)
        return "replaced within the session"
    for older in range(keep, 1, -1):
        newer = f"{table}{PREV}{older - 1 if older > 2 else ''}"
        if newer in names:
            treasure.rename_table(database, newer, f"{table}{PREV}{older}")
    treasure.rename_table(database, after, before)
    treasure.swap_tables(database, table, before)
    return "published"


def append_log(database: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append to publish_log; it and its database are made when a workflow runs without wf00."""
    if not rows:
        return
    try:
        treasure.insert_rows(database, "publish_log", LOG_COLUMNS, rows, make=False)
    except TaskError as error:
        if isinstance(error, treasure.ApiError) and error.status != 404:
            raise
        treasure.create_database(database)
        treasure.insert_rows(database, "publish_log", LOG_COLUMNS, rows)


def now_text() -> str:
    """Return the clock's time in UTC to a millisecond, for logs only."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
