"""unify.yml to a Digdag workflow of plain Trino SQL tasks: what POST /unifications/workflow_call answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tdlocal.unification import contraction, incremental, outputs, reading
from tdlocal.unification.model import CanonicalId, Unification, read_unification
from tdlocal.unification.outputs import Texts
from tdlocal.unification.protection import KeyRule, ProtectedSql, Protection, read_protection
from tdlocal.unification.sql import (
    key_numbers,
    packed,
    quoted,
    sources,
    statements,
    valid,
)

ANSWER_LIMIT = 65_536  # characters; http_call> refuses a longer answer
READABLE = 0.5  # share of the limit from which the SQL is packed, and told piece by piece where that is long
CHANGES = "unification_changes"
PLAIN = valid("id", None, ())  # of any identifier


class TooLong(Exception):
    """The workflow would be longer than http_call> takes."""


def compile_workflow(
    unification: Mapping[str, Any],
    *,
    full_refresh: bool = True,
    build_aside: bool = False,
    protection: Mapping[str, Any] | None = None,
    database_prefix: str = "cdp_unification_",
    limit: int | None = ANSWER_LIMIT,
) -> dict[str, Any]:
    """Return the workflow that unifies by *unification*.

    Args:
        unification: a parsed unify.yml, templates already evaluated.
        full_refresh: work on everybody; otherwise only on the people whom rows concern that came, went or
            changed since the last such run. The result is the same. With several canonical ids every run
            works on everybody.
        build_aside: leave every table as ``<table>__next`` for the caller to publish; otherwise the last
            task renames them over the live ones, as Treasure Data's service does.
        protection: match.yml's settings that keep strangers apart; without them the result is
            exactly what *unification* alone means.
        limit: how long the answer may be; None for any length, by default what http_call> takes.
        database_prefix: before unify.yml's ``name`` in the name of the database that is written.

    Returns:
        A workflow as http_call> takes it: tasks by name, in order. Its SQL reads ``session_unixtime`` and
        keeps nothing but the tables: killed anywhere and started again, it ends the same.

    Raises:
        UnificationFaults: everything wrong with *unification* or *protection*.
        TooLong: the workflow has more than 64 Ki characters.
    """
    read = read_unification(unification)
    guards = read_protection(protection, read)
    why_full = "" if full_refresh else incremental.always_full(read)
    daily = not (full_refresh or why_full)
    database = f"{database_prefix}{read.name}".lower()

    def compiled(*, by_records: bool = False, shared: bool = False) -> dict[str, Any]:
        ways = _ways(read, guards, incremental=daily, by_records=by_records)
        texts = Texts(shared=shared)
        return _compiled(ways, guards, database, why_full, build_aside=build_aside, texts=texts)

    workflow: dict[str, Any] = compiled()
    if limit is None or _length(workflow) <= limit * READABLE:
        return workflow
    workflow = _packed(workflow)
    if _length(workflow) > limit:
        workflow = _packed(compiled(shared=True))
    if _length(workflow) > limit:  # by records it is slower, and shorter
        workflow = _packed(compiled(by_records=True, shared=True))
    if _length(workflow) > limit:
        raise TooLong(
            f"the workflow has {_length(workflow)} characters, http_call> takes {limit}: "
            "give unify.yml fewer tables, attributes or source_columns, or run `tdlocal unify compile`"
        )
    return workflow


def _compiled(
    read: Unification,
    guards: Protection | None,
    database: str,
    why_full: str,
    *,
    build_aside: bool,
    texts: Texts,
) -> dict[str, Any]:
    """Return the workflow, however long."""
    export: dict[str, Any] = {
        "td": {"database": database, "engine": "presto"},
        "rounds": contraction.constants(),
        "sources": sources(read),
        "places": outputs.places(read),
    }
    workflow: dict[str, Any] = {
        "_export": export,
        "+database": {"td_ddl>": None, "create_databases": [database]},
    }
    tables = output_tables(read, guarded=bool(guards))
    leftovers = work_tables(read)
    if read.incremental:
        (canonical,) = read.canonical_ids
        protected = _protected(read, canonical, guards)
        export |= incremental.exports(read, tables)
        script = _script(_values(read, canonical, protected, database, texts))
        steps = _steps(read, guards, database, texts)
        workflow |= incremental.tasks(read, script, steps, tables, build_aside=build_aside)
        leftovers += incremental.work_tables(read)
    else:
        if why_full:
            workflow["+say"] = incremental.said(why_full)
        workflow |= _steps(read, guards, database, texts)
        if not build_aside:
            workflow["+commit"] = _rename([(f"{table}__next", table) for table in tables])
    workflow["+clean_up"] = {"td_ddl>": None, "drop_tables": leftovers}
    if texts.kept:
        export["texts"] = texts.kept
    return workflow


def _steps(read: Unification, guards: Protection | None, database: str, texts: Texts) -> dict[str, Any]:
    """Return the tasks from the rows to the tables beside the live ones."""
    workflow: dict[str, Any] = {}
    for canonical in read.canonical_ids:
        protected = _protected(read, canonical, guards)
        workflow[f"+{canonical.name}"] = _unify(read, canonical, protected, database, texts)
    workflow["+enrich"] = _enrich(read)
    if read.incremental:
        (canonical,) = read.canonical_ids
        protected = _protected(read, canonical, guards)
        again = _script(_values(read, canonical, protected, database, texts))("again")
        workflow["+again"] = incremental.again(read, again)
    if read.master_tables:
        workflow["+masters"] = {"_parallel": True} | {
            f"+{master.name}": _query(outputs.master_script(read, master, texts))
            for master in read.master_tables
        }
    workflow["+log_changes"] = _query(
        statements(
            "changes.sql",
            changes=CHANGES,
            incremental=read.incremental,
            ids=[(each.name, work_prefix(read, each.name)) for each in read.canonical_ids],
        )
    )
    workflow["+log_suspects"] = _query(
        statements(
            "suspects.sql",
            incremental=read.incremental,
            protected_ids=[
                {"name": each.name, "work": work_prefix(read, each.name), "joins": protected.joins("n.kind")}
                for each in read.canonical_ids
                if (protected := _protected(read, each, guards))
            ],
        )
    )
    return workflow


def _length(workflow: dict[str, Any]) -> int:
    return len(json.dumps(workflow, ensure_ascii=False, separators=(",", ":")))


def _packed(task: Any) -> Any:
    """Return *task* with the SQL of every td> below it, and of exported pieces, packed."""
    if not isinstance(task, dict):
        return task
    done: dict[str, Any] = {}
    for name, value in task.items():
        if name == "td>" and value:
            done[name] = {"data": packed(value["data"])}
        elif name == "sources":
            done[name] = [{part: packed(text) for part, text in each.items()} for each in value]
        elif name in ("texts", "gone"):
            done[name] = [packed(text) for text in value]
        else:
            done[name] = _packed(value)
    return done


def output_tables(unification: Unification, *, guarded: bool) -> list[str]:
    """Return the names of the tables that people, and later runs, read; the last one is written last."""
    each = ["lookup", "graph", "keys", "tables", "source_key_stats", "result_key_stats"]
    kept = [
        table
        for canonical in unification.canonical_ids
        if canonical.incremental
        for table in incremental.state_tables(canonical, guarded or canonical.do_not_merge_key is not None)
    ]
    return [
        *(f"{canonical.name}_{what}" for canonical in unification.canonical_ids for what in each),
        *(f"enriched_{table.name}" for table in unification.tables),
        *(master.name for master in unification.master_tables),
        CHANGES,
        "unification_suspects",
        *kept,
    ]


def work_tables(unification: Unification) -> list[str]:
    """Return the names of the tables that only the workflow itself needs."""
    plain = ("records", "nodes", "pairs", "ties", "leads", "labels", "before", "known", "homes", "people",
             "rows", "sources", "everywhere", "masks", "counts", "causes")  # fmt: skip
    guarded = ("found", "shared", "joined", "doubtful", "settled", "touches", "telling", "contested", "loose",
               "grouped", "chained", "owned", "owners", "beside", "spellings")  # fmt: skip
    graphs = ("region", "strong", "all")
    return [
        f"{work_prefix(unification, canonical.name)}{what}"
        for canonical in unification.canonical_ids
        for what in (
            *plain,
            *guarded,
            *(f"{graph}_{table}" for graph in graphs for table in contraction.work_tables()),
        )
    ]


def _query(script: str, **options: Any) -> dict[str, Any]:
    return {"td>": {"data": script}, **options}


def _rename(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    return {"td_ddl>": None, "rename_tables": [{"from": old, "to": new} for old, new in pairs]}


def work_prefix(unification: Unification, name: str) -> str:
    """Return what the names of the work tables of a canonical id begin with: short, for the answer's sake."""
    return f"w{[each.name for each in unification.canonical_ids].index(name) + 1}_"


def _ways(
    unification: Unification, guards: Protection | None, *, incremental: bool, by_records: bool = False
) -> Unification:
    """Return *unification* with how each canonical id is found: guarded, from new rows only.

    Args:
        by_records: give rows their canonical id by their records as if all were guarded; the result is the
            same.
    """
    return replace(
        unification,
        canonical_ids=tuple(
            replace(
                each,
                guarded=by_records or guards is not None or each.do_not_merge_key is not None,
                incremental=incremental,
            )
            for each in unification.canonical_ids
        ),
    )


def _protected(
    unification: Unification, canonical: CanonicalId, protection: Protection | None
) -> ProtectedSql | None:
    """Return the protection of *canonical*: match.yml's, or do_not_merge_key as the one strong key."""
    if protection is None and canonical.do_not_merge_key:
        weak = {key: KeyRule("weak") for key in canonical.keys if key != canonical.do_not_merge_key}
        protection = Protection(weak)
    return ProtectedSql(protection, unification, canonical) if protection else None


def _values(
    unification: Unification,
    canonical: CanonicalId,
    protected: ProtectedSql | None,
    database: str,
    texts: Texts,
) -> dict[str, Any]:
    """Return what the statements of one canonical id are filled in with."""
    name = canonical.name
    work = work_prefix(unification, name)
    direct = not canonical.guarded
    values: dict[str, Any] = {
        "name": name,
        "kind": canonical.kind,
        "work": work,
        "numbers": [(key, f"{number:02d}") for key, number in key_numbers(canonical).items()],
        "table_bits": reading.table_bits(unification),
        "protected": protected,
        "direct": direct,
        "incremental": canonical.incremental,
        "counted": canonical.incremental and protected is not None,
        "is_valid": texts.of(_is_valid(_rules(unification, canonical, protected))),
        "leads": reading.leads(work, direct=direct),
        "columns": outputs.columns_query(unification),
        "own_columns": outputs.own_columns(unification),
        "id_column": quoted(name),
    }
    if canonical.incremental:
        values |= {
            "database": database,
            "layout": incremental.layout(unification, protected and protected.settings),
            "seen_at": reading.SEEN_AT,
            # a row of theirs may tell people apart without being a record of its own
            "told_by_rows": sorted({each[0] for each in protected.contradictions}) if protected else [],
            "masters": bool(unification.master_tables),
        }
    if direct:
        values |= {
            "identifiers": reading.columns(unification, canonical),
            "ties": reading.ties(unification, canonical, work),
        }
    else:
        values |= {
            "branches": reading.records(unification, canonical, counted=values["counted"]),
            "place": protected.place if protected else str,
        }
    return values


def _script(values: Mapping[str, Any]) -> Callable[..., dict[str, Any]]:
    """Return a function that makes a td> task of the statements of files."""

    def script(*files: str) -> dict[str, Any]:
        return _query("".join(statements(f"{file}.sql", **values) for file in files))

    return script


def _unify(
    unification: Unification,
    canonical: CanonicalId,
    protected: ProtectedSql | None,
    database: str,
    texts: Texts,
) -> dict[str, Any]:
    """Return the tasks of one canonical id, from source rows to the lookup."""
    name = canonical.name
    work = work_prefix(unification, name)
    daily = canonical.incremental
    if protected and daily:
        protected = incremental.redirected(protected, database)
    script = _script(_values(unification, canonical, protected, database, texts))
    before = _rename([(f"{work}previous", f"{name}_previous")])
    if not daily:  # the next incremental run has nothing to go on from
        before["drop_tables"] = [f"{name}_state"]
    merge: dict[str, Any] = {}
    if protected:
        merge["+weak"] = {"if>": "${graph == 'all'}", "_do": {"+edges": script("weak")}}
    graphs = [*(["region"] if daily else []), "strong", "all"] if protected else ["all"]
    return {
        "+before": script("previous") if daily else script("tables", "previous"),
        "+keep_before": before,
        "+records": script("identifiers") if not canonical.guarded else script("records", "edges"),
        # protected: first who is one person by strong keys, then what weak keys add
        "+merge": {
            "for_each>": {"graph": graphs},
            "_do": {**merge, **contraction.components(f"{work}${{graph}}")},
        },
        "+people": script("labels", "people"),
        "+lookup": script("lookup", "stats", "causes", *(["state"] if daily else [])),
    }


def _rules(
    unification: Unification, canonical: CanonicalId, protected: ProtectedSql | None
) -> list[tuple[int, str]]:
    """Return for every id_key_type the condition that an ``id`` of it is an identifier."""
    rules = []
    for name, number in key_numbers(canonical).items():
        key = unification.key(name) if name in canonical.keys else None
        rule = valid("id", key.valid_regexp, key.invalid_texts) if key else PLAIN
        rules.append((number, rule + (protected.refuses(name, "id") if protected else "")))
    return rules


def _is_valid(rules: Sequence[tuple[int, str]]) -> str:
    """Return a condition over ``kind`` and ``id``: this is an identifier."""
    whens = "".join(f"\n  when {number} then {rule}" for number, rule in rules if rule != PLAIN)
    plain = f"kind > 0 and {PLAIN}"
    return f"{plain} and case kind{whens}\n  else true end" if whens else plain


def _enrich(unification: Unification) -> dict[str, Any]:
    columns = _query(outputs.columns_query(unification), store_last_results=True)
    tables = {
        f"+tables{at}": {"for_each>": {"s": places}, "_parallel": True, "_do": {"+table": _query(script)}}
        for at, (places, script) in enumerate(outputs.enriched_scripts(unification), start=1)
    }
    return {"+columns": columns, **tables}
