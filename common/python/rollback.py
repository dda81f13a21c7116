"""Take layers back to an earlier state, by table swap; nothing is built and nothing is lost.

Task      wf00_orchestration +rollback, ``py>: common.python.rollback.main`` (-p rollback_to=RUN_ID)
Reads     va_config_<sub>.log_tbl (which session a run was of); `built_for` of <table>, <table>__prev, …
Writes    the live tables; va_config_<sub>.publish_log, action `rolled back`
Raises    TaskError when the run is not known, or when no layer has a state of its session
Undo      the states exchange places, so a rollback to the later run brings its state back

It holds until the layers are built again, by the next session or by the same session's next run: a layer
that was taken back is not done (common.python.run_log).
What cannot be taken back: mails that were sent, and segments that were created or pushed by wf08, wf09.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from common.python import inputs, treasure
from common.python.command import run_command
from common.python.errors import TaskError
from common.python.once import once
from common.python.publish import PREV, append_log, now_text, sessions_of

EARLIER = re.compile(rf"(.+){PREV}(\d*)$")
LAYERS = ("prp", "src", "stg", "unif", "gld", "ana")


def main(rollback_to, sub, session_unixtime, session_uuid=""):
    """Task entry."""
    import digdag

    roll_back(digdag.env.params, run=str(rollback_to), run_id=session_uuid)


def roll_back(
    params: Mapping[str, Any], *, run: str = "", workflow: str = "", run_id: str = ""
) -> dict[str, dict[str, int | None]]:
    """Take layers back, log it and say it.

    Args:
        params: the layers' names and `sub`.
        run: run_id of the log, or a session as its date, time or unix time; every layer goes back to it.
            Empty: each table goes one state back.
        workflow: only the layers that it writes; all when empty.
        run_id: who does it, for the log.

    Returns:
        database → tables whose live state changed → the session that it is of now.
    """
    log = f"va_config_{params['sub']}"
    if workflow and workflow not in inputs.STAGES:
        raise TaskError(
            f"workflow {workflow!r} is not known",
            where="rollback",
            mend=f"use one of {', '.join(inputs.WORKFLOWS)}",
        )
    session = session_of(log, run) if run else None
    layers = inputs.STAGES[workflow].writes if workflow else LAYERS
    if not layers:
        raise TaskError(
            f"{workflow} has no layer of tables", where="rollback", mend="name a workflow that builds tables"
        )
    databases = [inputs.database(layer, params) for layer in layers]
    moved = {database: roll_back_layer(database, session) for database in databases}
    if not any(moved.values()) and any(is_of(database, session) for database in databases):
        print(f"as of session {session} already: {', '.join(databases)}")
        return moved
    if not any(moved.values()):
        raise TaskError(
            f"no table has an earlier state{f' of run {run}' if run else ''} to go back to",
            where=", ".join(databases),
            mend="keep more states (keep_versions), or build that session again: --session DATE",
        )
    rows = [
        {
            "database_name": database,
            "table_name": table,
            "action": "rolled back",
            "session_unixtime": session,
            "built_for": stamp,
            "run_id": run_id,
            "published_at": now_text(),
        }
        for database, tables in moved.items()
        for table, stamp in tables.items()
    ]
    append_log(log, rows)
    for database, tables in moved.items():
        if tables:
            state = f"as of session {session}" if session is not None else "one state back"
            print(f"{database}: {len(tables)} tables {state} ({', '.join(tables)})")
    print("mails that were sent and segments that were created stay as they are")
    return moved


def session_of(log: str, run_id: str) -> int:
    """Return the session_unixtime of a run in the log; a number is taken for the session itself."""
    if run_id.isdigit():
        return int(run_id)
    wanted = treasure.literal(run_id)
    rows = treasure.run_query(
        log,
        "select max(session_unixtime) as session from log_tbl\n"
        f"where {wanted} in (run_id, session_time, substr(session_time, 1, 10))",
    ).rows
    if not rows or rows[0][0] is None:
        raise TaskError(
            f"run {run_id!r} is not in the log",
            where=f"{log}.log_tbl",
            mend="name a run_id of `select run_id, session_time, workflow from log_tbl`, or a session's date",
        )
    return int(rows[0][0])


def roll_back_layer(database: str, session: int | None) -> dict[str, int | None]:
    """Make the state of *session* live in every table of a layer that has one.

    Args:
        database: the layer.
        session: session_unixtime; None takes each table one state back.

    Returns:
        The tables whose live state changed, each with the session that it is of now.
    """
    have = treasure.tables(database)
    states = earlier_states(have)
    names = [name for table, earlier in states.items() for name in (table, *earlier)]
    stamps = sessions_of(database, have, names)
    moved: dict[str, int | None] = {}
    if session is None and all(stamps.get(earlier[0]) is None for earlier in states.values()):
        return moved  # what was there before the first session is empty: no state to go back to
    for table, earlier in states.items():
        if table not in have:
            continue
        if session is None:
            target: str | None = earlier[0]
        elif stamps.get(table) == session:
            continue
        else:
            target = next((name for name in earlier if stamps.get(name) == session), None)
        if target is not None:
            exchange(database, table, target, stamps)
            moved[table] = stamps.get(target)
    return moved


def is_of(database: str, session: int | None) -> bool:
    """Tell whether a table of the layer is of *session* now."""
    have = treasure.tables(database)
    live = [name for name in have if inputs.is_live(name)]
    return session is not None and session in sessions_of(database, have, live).values()


def exchange(database: str, table: str, target: str, stamps: Mapping[str, int | None]) -> None:
    """Swap a table with one of its earlier states, once, also when the answer is lost on the way."""

    def swapped() -> bool | None:
        now = sessions_of(database, treasure.tables(database), [table, target])
        return True if now.get(table) == stamps.get(target) else None

    if stamps.get(table) == stamps.get(target):  # the two cannot be told apart afterwards
        treasure.swap_tables(database, table, target)
    else:
        once(lambda: treasure.swap_tables(database, table, target), swapped)


def earlier_states(have: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return table → its earlier states, latest first.

    >>> earlier_states({"a": 0, "a__prev2": 0, "a__prev": 0, "b": 0})
    {'a': ['a__prev', 'a__prev2']}
    """
    found: dict[str, list[tuple[int, str]]] = {}
    for name in have:
        match = EARLIER.match(name)
        if match:
            found.setdefault(match[1], []).append((int(match[2] or 1), name))
    return {table: [name for _, name in sorted(states)] for table, states in sorted(found.items())}


def command(words: Mapping[str, Any]) -> None:
    """What `tdlocal rollback` runs: words are run, workflow, sub."""
    from common.python.lined_yaml import Lined

    config = Lined("config/src_params.yml").data
    sub = words.get("sub") or config["defaults"]["sub"]
    roll_back(
        {**config, "sub": sub},
        run=str(words.get("run") or ""),
        workflow=str(words.get("workflow") or ""),
        run_id="tdlocal rollback",
    )


if __name__ == "__main__":
    run_command(command)
