"""Incremental runs: only the people whom a changed row concerns are worked out again.

A run compares every source with the rows that the last run enriched. The people whose identifiers stand in a
row that came, went or changed, and all who hang together with them, are taken apart and merged anew, from
their rows alone, by the statements of a full run; what comes of it replaces their rows in every table.
People who are only seen again, by a record that they had, stay as they are. Where the last run left
nothing to go on from, everybody is worked on, and the workflow says why.

``read`` tells the statements which rows they read: ``place`` (the sources) or ``work`` (of the people
concerned).
In place, a partial run first makes all that is new; only then it changes the live tables, and a run that was
killed meanwhile is ended by the next one before anything else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from tdlocal.unification.model import CanonicalId, Unification
from tdlocal.unification.protection import ProtectedSql
from tdlocal.unification.sql import SESSION, quoted

FORM = 1  # of the tables that a run leaves for the next; another form is not gone on from
WORK = "w1_"  # there is one canonical id
READY = f"{WORK}ready"

Tasks = dict[str, Any]


def always_full(unification: Unification) -> str:
    """Return why every run works on everybody; empty when runs may be partial."""
    if len(unification.canonical_ids) > 1:
        return "unify.yml has several canonical ids"
    return ""


def said(why: str) -> Tasks:
    """Return the task that says why a run works on everybody."""
    return {"echo>": f"everybody is worked on: {why}"}


def state_tables(canonical: CanonicalId, protected: bool) -> list[str]:
    """Return the names of the tables that a run leaves for the next incremental one."""
    kept = ["leads", "tallies", *(["regions", "contacts"] if protected else []), "state"]
    return [f"{canonical.name}_{what}" for what in kept]


def layout(unification: Unification, settings: object) -> str:
    """Return a fingerprint of everything but the rows that a result hangs on."""
    return hashlib.sha256(repr((FORM, unification, settings)).encode()).hexdigest()[:16]


def redirected(protected: ProtectedSql, database: str) -> ProtectedSql:
    """Return *protected* with contradictions looked for among the rows that are worked on."""
    protected.contradictions = [
        (
            number,
            key,
            f"${{read == 'work' ? '{quoted(database)}' : '{of}'}}",
            f"${{read == 'work' ? sources[{number - 1}].work : '{table}'}}",
            column,
        )
        for number, key, of, table, column in protected.contradictions
    ]
    return protected


def exports(unification: Unification, tables: Sequence[str]) -> dict[str, Any]:
    """Return what the tasks of an incremental run read beside that of a full one.

    Args:
        tables: every table that a run writes, the state last.

    Returns:
        ``outputs``, the tables, and for each which of ``gone`` says that a live row gives way.
    """
    conditions = [_gone(unification, table) for table in tables]
    gone = list(dict.fromkeys(conditions))
    return {"outputs": list(tables), "gone": gone, "goes": [gone.index(each) for each in conditions]}


def _gone(unification: Unification, table: str) -> str:
    """Return a condition: a live row of *table* gives way to those of a partial run."""
    (canonical,) = unification.canonical_ids
    name, own, kind = canonical.name, quoted(canonical.name), f"{canonical.kind}_id"
    gone = f"in (select canonical_id from {WORK}gone)"
    redone = f"in (select canonical_id from {WORK}redone)"
    since = f"built_for >= (select since from {WORK}why)"
    now = f"(select session_unixtime from {WORK}why)"
    if table.startswith("enriched_"):
        if unification.master_tables:
            return f"{own} {redone} or {own} is null and {since}"
        # rows of people seen again that a killed run has brought already
        again = f"{own} in (select canonical_id from {WORK}aged) and built_for >= {now}"
        return f"{own} {gone} or {own} is null and {since} or {again}"
    for master in unification.master_tables:
        if table == master.name:
            return f"{own} {redone}"
    return {
        f"{name}_lookup": f"{kind} {redone}",
        f"{name}_graph": f"cast(follower_ns as varchar) || ':' || follower_id"
        f" in (select node from {WORK}nodes_gone)",
        "unification_changes": f"session_unixtime = {now}",
        "unification_suspects": f"canonical_id is null or canonical_id {gone}",
        f"{name}_leads": f"canonical_id {gone}",
        f"{name}_regions": f"canonical_id {gone}",
        f"{name}_contacts": f"region {gone} or region = '' and {since}",
    }.get(table, "1 = 1")


def tasks(
    unification: Unification,
    script: Callable[..., Tasks],
    steps: Tasks,
    outputs: Sequence[str],
    *,
    build_aside: bool,
) -> Tasks:
    """Return the tasks of an incremental run.

    Args:
        script: makes a td> task of the statements of files.
        steps: the tasks of a full run, from the rows that ``read`` tells to the ``__next`` tables.
        outputs: every table that a run writes, the state last.
        build_aside: leave whole tables as ``<table>__next``; otherwise change the live ones.
    """
    (canonical,) = unification.canonical_ids
    sources = list(range(len(unification.tables)))
    forget = {"td_ddl>": None, "drop_tables": [f"{canonical.name}_state"]}
    begin: Tasks = {
        "+look": {**script("tables", "look", "decide"), "store_last_results": True},
        "+compare": {
            "if>": "${td.last_results.why == ''}",
            "_do": {
                "+tables": _every("s", sources, script("compare")),
                "+met": script("met"),
                "+held": _every("s", sources, script("held")),
                "+touched": script("touched"),
            },
        },
        "+decide": {**script("decide"), "store_last_results": True},
        "+rows": {
            "if>": "${td.last_results.reading == 'work'}",
            "_do": {"+tables": _every("s", sources, script("rows"))},
            "_else_do": {
                "+say": said("${td.last_results.why}"),
                # until this run has ended there is nothing to go on from
                "+forget": forget,
            },
        },
    }
    places = list(range(len(outputs)))
    whole = {"if>": "${read == 'place'}", "_do": _rename(places, "next", "")}
    part = _aside(places, script) if build_aside else _ready()
    begin["+work"] = {
        "for_each>": {"read": ["${td.last_results.reading}"]},
        "_do": {
            **steps,
            "+part": {"if>": "${read == 'work'}", "_do": part},
            **({} if build_aside else {"+whole": whole}),
        },
    }
    if build_aside:
        return begin
    made = _made_ready()
    # first what a killed run left half done is ended, then this one is begun and ended
    return {
        "+turns": {
            "for_each>": {"turn": ["end", "begin"]},
            "_do": {
                "+begin": {"if>": "${turn == 'begin'}", "_do": begin},
                "+see": {
                    **_query(f"{made}select count(*) as ready from {READY}"),
                    "store_last_results": True,
                },
                "+end": {"if>": "${td.last_results.ready > 0}", "_do": _in_place(places, script)},
            },
        }
    }


def again(unification: Unification, script: Tasks) -> Tasks:
    """Return the task that adds the rows of people who are only seen again."""
    sources = list(range(len(unification.tables)))
    return {"if>": "${read == 'work'}", "_do": {"+tables": _every("s", sources, script)}}


def work_tables(unification: Unification) -> list[str]:
    """Return the names of the tables that only the workflow of an incremental run needs."""
    each = ("why", "changed", "fresh", "parts", "met", "held", "again", "still", "freed", "touched", "aged",
            "seen", "gone", "redone", "nodes_gone", "bits", "members")  # fmt: skip
    tables = range(len(unification.tables))
    return [f"{WORK}{what}" for what in (*each, *(f"{rows}{at}" for at in tables for rows in "ds"))]


def _query(text: str) -> Tasks:
    return {"td>": {"data": text}}


def _made_ready() -> str:
    """Return the statement that makes the table of which a row says: all is made."""
    return f"create table if not exists {READY} (session_unixtime bigint);\n"


def _ready() -> Tasks:
    return {"+ready": _query(f"{_made_ready()}insert into {READY} select {SESSION} as session_unixtime")}


def _every(name: str, places: Sequence[int], task: Tasks) -> Tasks:
    return {"for_each>": {name: list(places)}, "_parallel": True, "_do": {"+table": task}}


def _rename(places: Sequence[int], old: str, new: str) -> Tasks:
    """Return a task that puts tables in place of others, one after the other: the state last."""
    pair = {"from": f"${{outputs[o]}}__{old}", "to": f"${{outputs[o]}}{new}"}
    return {
        "+tables": {
            "for_each>": {"o": list(places)},
            "_do": {"+table": {"td_ddl>": None, "rename_tables": [pair]}},
        }
    }


def _in_place(places: Sequence[int], script: Callable[..., Tasks]) -> Tasks:
    """Return tasks that change the live tables; done twice they do what once does."""
    rest = [each for each in places if each != places[-1]]
    return {
        "+columns": {**script("output_columns"), "store_last_results": True},
        "+tables": _every("o", rest, script("replace")),
        "+state": _every("o", places[-1:], script("replace")),
        "+done": {"td_ddl>": None, "drop_tables": [READY]},
        "+drop": _every("o", places, {"td_ddl>": None, "drop_tables": ["${outputs[o]}__next"]}),
    }


def _aside(places: Sequence[int], script: Callable[..., Tasks]) -> Tasks:
    """Return tasks that make the ``__next`` tables whole, from the live ones."""
    return {
        "+columns": {**script("output_columns"), "store_last_results": True},
        "+tables": _every("o", places, script("whole")),
        "+rename": _rename(places, "all", "__next"),
    }
