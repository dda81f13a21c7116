"""Ask the queries of segments: each answer is a table, all members together another.

Task      wf09_create_segment +run_queries, ``py>: segment.python.run_queries.main``
Reads     segment/templates/segments_*.yml, segment/queries/*.sql and what those read
Writes    analytics segment_<query>__next, one a query that is due; segment_members__next: canonical_id,
          segment varchar, built_for bigint
Stores    built_tables, the tables to publish; failed_segments: {name: true}
Raises    TaskError when the members' table itself cannot be made

A query that fails, or is not due, keeps the members of its last good run; the others go on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.python import treasure
from common.python.attempt import run_id
from common.python.errors import TaskError
from segment.python import segment_log, templates

WORKFLOW = "wf09_create_segment"
LAYERS = ("raw", "prp", "src", "stg", "unif", "gld", "ana")


def main(database, sub, session_unixtime, run_all=False, **params):
    """Task entry."""
    import digdag

    session = int(session_unixtime)
    values = {name: params[name] for name in (*LAYERS, "unification_id") if name in params}
    values |= {"sub": sub, "session_unixtime": session}
    there = treasure.tables(database)
    built, members, failed = [], [], []
    for entry in (one for one in templates.load_all()[0] if one.query):
        try:
            forced = run_all in (True, "true")
            if forced or is_due(database, entry, session, there.get(entry.table)):
                people = ask(database, entry, values)
                built.append(entry.table)
                members.append((entry.name, f"{entry.table}__next"))
                print(f"{entry.query}: {people:,} people")
                continue
            print(f"{entry.query}: not due, {entry.schedule}")
        except Exception as error:
            failed.append(entry.name)
            row = {"name": entry.name, "segment_type": entry.type, "action": "failed", "message": str(error)}
            segment_log.append(sub, session, run_id(digdag.env.params), WORKFLOW, [row])
            print(f"{entry.query} failed: {error}")
        if entry.table in there:
            members.append((entry.name, entry.table))
    gather(database, members, session)
    digdag.env.store({"built_tables": [*built, "segment_members"]})
    if failed:
        digdag.env.store({"failed_segments": dict.fromkeys(failed, True)})


def is_due(database: str, entry: templates.Entry, session: int, table: Mapping[str, Any] | None) -> bool:
    """Tell whether the query is to be asked: by its schedule, or never yet, or again in its session."""
    if table is None or templates.due(entry.schedule, session):
        return True
    if "built_for" not in treasure.columns_of(table):
        return False
    last = f"select max(built_for) as session from {treasure.identifier(entry.table)}"
    return treasure.run_query(database, last).rows[0][0] in (None, session)


def ask(database: str, entry: templates.Entry, values: Mapping[str, Any]) -> int:
    """Make the query's table aside and return its rows."""
    sql = filled(Path(str(entry.query)).read_text(encoding="utf-8"), values, str(entry.query))
    aside = treasure.identifier(f"{entry.table}__next")
    session = values["session_unixtime"]
    treasure.run_query(
        database,
        f"drop table if exists {aside};\ncreate table {aside} as\n{sql}",
        session_unixtime=session,
        rows=False,
    )
    counted = treasure.run_query(database, f"select count(distinct canonical_id) as people from {aside}")
    return int(counted.rows[0][0])


def filled(sql: str, values: Mapping[str, Any], place: str) -> str:
    """Return *sql* with its parameters filled in.

    >>> filled("select * from ${gld}_${sub}.t", {"gld": "golden", "sub": "x"}, "a.sql")
    'select * from golden_x.t'
    """
    names = dict.fromkeys(re.findall(r"\$\{\s*(\w*)[^}]*\}", sql))
    unknown = [name for name in names if name not in values]
    if unknown:
        raise TaskError(
            f"parameter {', '.join(unknown)} is unknown",
            where=place,
            mend=f"a segment's query may use {', '.join(sorted(values))}",
        )
    return re.sub(r"\$\{\s*(\w+)\s*\}", lambda match: str(values[match[1]]), sql)


def gather(database: str, members: Sequence[tuple[str, str]], session: int) -> None:
    """Make segment_members__next: who is in which segment."""
    selects = [
        f"select distinct canonical_id, {treasure.literal(name)} as segment, {session} as built_for\n"
        f"from {treasure.identifier(table)}\nwhere canonical_id is not null"
        for name, table in members
    ] or [
        f"select cast(null as varchar) as canonical_id, cast(null as varchar) as segment, "
        f"{session} as built_for\nwhere 1 = 0"
    ]
    union = "\nunion all\n".join(selects)
    sql = f"drop table if exists segment_members__next;\ncreate table segment_members__next as\n{union}"
    treasure.run_query(database, sql, session_unixtime=session, rows=False)
