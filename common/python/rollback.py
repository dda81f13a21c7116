"""Take layers back to an earlier state, by table swap; nothing is built and nothing is lost.

Task      wf00_orchestration +rollback, ``py>: common.python.rollback.main`` (-p rollback_to=RUN_ID)
Reads     va_config_<sub>.log_tbl (which session a run was of); `built_for` of <table>, <table>__prev, …;
          publish_log (in which sessions a table was empty: no row tells it then), segment_logs
Writes    the live tables; va_config_<sub>.publish_log, action `rolled back`, before the first swap:
          session_unixtime is the session whose state was live, built_for the one whose state is live then
Raises    TaskError when the run is not known, or when no layer has a state of its session
Rerun     a rollback that was killed is finished by the same command
Undo      the states exchange places, so a rollback to the later run brings its state back

A table goes to its state as of the session: that of the latest session which is not later, since a run may
have failed before it built a layer. A table that is gone comes back. It holds until the layers are built
again, by the next session or by the same session's next run: a layer that was taken back is not done
(common.python.run_log). What cannot be taken back is told: mails that were sent, segments that were created
or pushed by wf08, wf09, data models that dashboards show, tables of which no state is old enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.python import inputs, treasure
from common.python.attempt import run_id
from common.python.command import run_command
from common.python.errors import TaskError
from common.python.once import once
from common.python.publish import PREV, append_log, now_text, sessions_of

EARLIER = re.compile(rf"(.+){PREV}(\d*)$")
LAYERS = ("prp", "src", "stg", "unif", "gld", "ana")
ROLLED_BACK = "rolled back"
MOST_NAMES = 12


@dataclass(frozen=True)
class Move:
    """A table whose state *state* becomes live, and the sessions that are live before and then."""

    table: str
    state: str
    before: int | None
    after: int


def main(rollback_to):
    """Task entry."""
    import digdag

    roll_back(digdag.env.params, run=str(rollback_to), by=run_id(digdag.env.params))


def roll_back(
    params: Mapping[str, Any], *, run: str = "", workflow: str = "", by: str = ""
) -> dict[str, dict[str, int]]:
    """Take layers back, log it and say it.

    Args:
        params: the layers' names and `sub`.
        run: run_id of the log, or a session as its date, time or unix time; every layer goes back to it.
            Empty: to the session before, or where the layer was before it was last taken back.
        workflow: only the layers that it writes; all when empty.
        by: run_id of who does it, for the log.

    Returns:
        database → tables whose live state changed → the session that it is of now.
    """
    log = f"va_config_{params['sub']}"
    layers = layers_of(workflow, params, log)
    session = session_of(log, run, layers) if run else None
    moves = {
        layer.database: layer.moves_back() if session is None else layer.moves_to(session) for layer in layers
    }
    databases = ", ".join(moves)
    if not any(moves.values()) and session is not None and any(layer.is_as_of(session) for layer in layers):
        print(f"as of session {session} already: {databases}")
        return {database: {} for database in moves}
    if not any(moves.values()):
        raise TaskError(
            f"no table has an earlier state{f' of run {run}' if run else ''} to go back to",
            where=databases,
            mend="keep more states (keep_versions), or build that session again: --session DATE",
        )
    append_log(log, log_rows(moves, by))
    for layer in layers:
        for move in moves[layer.database]:
            exchange(layer, move)
    tell(moves, layers, log)
    return {database: {move.table: move.after for move in moved} for database, moved in moves.items()}


def layers_of(workflow: str, params: Mapping[str, Any], log: str) -> list[Layer]:
    """Return the layers that *workflow* writes, all when it is empty."""
    if workflow and workflow not in inputs.STAGES:
        raise TaskError(
            f"workflow {workflow!r} is not known",
            where="rollback",
            mend=f"use one of {', '.join(inputs.WORKFLOWS)}",
        )
    names = inputs.STAGES[workflow].writes if workflow else LAYERS
    if not names:
        raise TaskError(
            f"{workflow} has no layer of tables", where="rollback", mend="name a workflow that builds tables"
        )
    return [Layer(inputs.database(name, params), log) for name in names]


def session_of(log: str, run: str, layers: Sequence[Layer]) -> int:
    """Return the session_unixtime of a run in the log; a number may be the session itself."""
    names = "run_id, session_time, substr(session_time, 1, 10), cast(session_unixtime as varchar)"
    rows = rows_of(
        log,
        f"select max(session_unixtime) as session from log_tbl\nwhere {treasure.literal(run)} in ({names})",
    )
    if rows and rows[0]["session"] is not None:
        return int(rows[0]["session"])
    if re.fullmatch(r"\d{1,18}", run) and any(int(run) in layer.stamps.values() for layer in layers):
        return int(run)
    raise TaskError(
        f"run {run!r} is not in the log",
        where=f"{log}.log_tbl",
        mend="name a run_id of `select run_id, session_time, workflow from log_tbl`, or a session's date",
    )


class Layer:
    """The tables of a database, their states, and the sessions that these are of.

    Args:
        database: its name.
        log: the database of publish_log.
    """

    def __init__(self, database: str, log: str) -> None:
        self.database = database
        self.have = treasure.tables(database)
        self.states = states_of(self.have)
        names = [name for states in self.states.values() for name in states]
        self.stamps = sessions_of(database, self.have, names)
        self.last: dict[str, Mapping[str, Any]] = {}
        self.empty_in: dict[str, set[int]] = {}
        self.read_log(log)

    def read_log(self, log: str) -> None:
        """Read what was last done to each table, and in which sessions it was empty."""
        ours = f"from publish_log where database_name = {treasure.literal(self.database)}"
        self.last = {
            row["table_name"]: row
            for row in rows_of(
                log,
                "select table_name, max(published_at) as published_at,\n"
                "    max_by(action, published_at) as action, max_by(built_for, published_at) as built_for,\n"
                f"    max_by(session_unixtime, published_at) as session_unixtime\n{ours} group by table_name",
            )
        }
        if None not in self.stamps.values():
            return
        for row in rows_of(
            log,
            f"select table_name, built_for\n{ours} and action <> '{ROLLED_BACK}'\n"
            "group by table_name, built_for having max_by(row_count, published_at) = 0",
        ):
            self.empty_in.setdefault(row["table_name"], set()).add(row["built_for"])

    def kept(self, table: str) -> Iterator[tuple[int, str]]:
        """Yield the sessions whose states of *table* are kept, each with the state's name."""
        empty = ""
        for name in self.states[table]:
            stamp = self.stamps.get(name)
            if stamp is not None:
                yield stamp, name
            elif name in self.stamps:
                empty = empty or name  # one empty state is as good as another
        if empty:
            yield from ((session, empty) for session in self.empty_in.get(table, ()))

    def live(self, table: str) -> int | None:
        """Return the session whose state is live; None when the table is gone, or nobody knows."""
        if table not in self.have:
            return None
        stamp = self.stamps.get(table)
        return stamp if stamp is not None else self.last.get(table, {}).get("built_for")

    def move(self, table: str, session: int, *, exactly: bool = False) -> Move | None:
        """Return how *table* gets its state as of *session*; None when it has it, or none is kept."""
        kept = [one for one in self.kept(table) if one[0] == session or (one[0] < session and not exactly)]
        after, state = max(kept, key=lambda one: one[0], default=(0, table))
        return None if state == table else Move(table, state, self.live(table), after)

    def moves_to(self, session: int) -> list[Move]:
        """Return how every table gets its state as of *session*."""
        return [move for table in self.states if (move := self.move(table, session))]

    def moves_back(self) -> list[Move]:
        """Return how the layer goes one session back.

        A rollback that was the last thing done to it is finished, or undone when it is finished.
        """
        newest = max((row["published_at"] for row in self.last.values()), default="")
        taken = [
            (name, row)
            for name, row in self.last.items()
            if row["published_at"] == newest and row["action"] == ROLLED_BACK and name in self.states
        ]
        for goal in ("built_for", "session_unixtime"):
            wanted = [(name, row[goal]) for name, row in taken if row[goal] is not None]
            moves = [move for name, session in wanted if (move := self.move(name, session, exactly=True))]
            if moves:
                return moves
        session = self.session_before()
        return [] if session is None else self.moves_to(session)

    def session_before(self) -> int | None:
        """Return the session before the latest that is live, of the tables that are of that one."""
        latest = max((self.stamps.get(table) or 0 for table in self.states), default=0)
        before = [
            self.stamps.get(names[1]) or 0
            for table, names in self.states.items()
            if self.stamps.get(table) == latest and len(names) > 1
        ]
        return max(before, default=0) or None

    def is_as_of(self, session: int) -> bool:
        """Tell whether a table of the layer has its state of *session* now."""
        return any(self.stamps.get(table) == session for table in self.states)

    def later_than(self, session: int) -> list[str]:
        """Return the tables whose live state is of a later session."""
        return [table for table in self.states if (self.stamps.get(table) or 0) > session]


def states_of(have: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return table → its states, the live one first, then the earlier ones, latest first.

    >>> states_of({"a": 0, "a__prev2": 0, "a__prev": 0, "b": 0, "b__next": 0, "gone__prev": 0})
    {'a': ['a', 'a__prev', 'a__prev2'], 'b': ['b'], 'gone': ['gone', 'gone__prev']}
    """
    found: dict[str, list[tuple[int, str]]] = {}
    for name in have:
        match = EARLIER.match(name)
        if match:
            found.setdefault(match[1], []).append((int(match[2] or 1), name))
        elif inputs.is_live(name):
            found.setdefault(name, [])
    return {table: [table, *(name for _, name in sorted(states))] for table, states in sorted(found.items())}


def exchange(layer: Layer, move: Move) -> None:
    """Make a state live, once, also when the answer is lost on the way. It takes the name of a gone table."""
    if move.table not in layer.have:
        treasure.rename_table(layer.database, move.state, move.table)
        return
    after = layer.stamps.get(move.state)

    def swap() -> None:
        treasure.swap_tables(layer.database, move.table, move.state)

    def swapped() -> bool | None:
        now = sessions_of(layer.database, treasure.tables(layer.database), [move.table])
        return True if now.get(move.table) == after else None

    if layer.stamps.get(move.table) == after:  # the two cannot be told apart afterwards
        swap()
    else:
        once(swap, swapped)


def log_rows(moves: Mapping[str, Sequence[Move]], by: str) -> list[dict[str, Any]]:
    """Return the rows of publish_log; all carry one time, by which they are known to be one rollback."""
    now = now_text()
    return [
        {
            "database_name": database,
            "table_name": move.table,
            "action": ROLLED_BACK,
            "session_unixtime": move.before,
            "built_for": move.after,
            "run_id": by,
            "published_at": now,
        }
        for database, moved in moves.items()
        for move in moved
    ]


def tell(moves: Mapping[str, Sequence[Move]], layers: Sequence[Layer], log: str) -> None:
    """Print what went back, and what could not."""
    session = max(move.after for moved in moves.values() for move in moved)
    for layer in layers:
        moved = [move.table for move in moves[layer.database]]
        if moved:
            print(f"{layer.database}: {len(moved)} tables as of session {session} ({', '.join(moved)})")
        stay = [table for table in layer.later_than(session) if table not in moved]
        if stay:
            print(f"{layer.database}: not taken back, no state so old is kept: {named(stay)}")
    rows = rows_of(
        log,
        f"select distinct name from segment_logs where session_unixtime > {session} and status = 'success'",
    )
    since = f" ({named(sorted(row['name'] for row in rows))} since session {session})" if rows else ""
    print(f"mails that were sent and segments that were created stay as they are{since}")
    print(
        "data models of dashboards keep what they were built from: -p from=wf07_analytics builds them again"
    )


def named(names: Sequence[str]) -> str:
    """Return the first of *names*, and how many more there are.

    >>> named(["a", "b"]), named([str(number) for number in range(14)])
    ('a, b', '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more')
    """
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def rows_of(log: str, sql: str) -> list[dict[str, Any]]:
    """Return the rows of a query on the log, none when its table or database is not there."""
    try:
        return treasure.run_query(log, sql).dicts()
    except TaskError as error:
        if "does not exist" in error.problem or getattr(error, "status", 0) == 404:
            return []
        raise


def command(words: Mapping[str, Any]) -> None:
    """What `tdlocal rollback` runs: words are run, workflow, sub."""
    from common.python.lined_yaml import Lined

    config = Lined("config/src_params.yml").data
    sub = words.get("sub") or config["defaults"]["sub"]
    roll_back(
        {**config, "sub": sub},
        run=str(words.get("run") or ""),
        workflow=str(words.get("workflow") or ""),
        by="tdlocal rollback",
    )


if __name__ == "__main__":
    run_command(command)
