"""unify.yml to a Digdag workflow of plain Trino SQL tasks: what POST /unifications/workflow_call answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tdlocal.unification import contraction, outputs, reading
from tdlocal.unification.model import CanonicalId, Unification, read_unification
from tdlocal.unification.protection import KeyRule, ProtectedSql, Protection, read_protection
from tdlocal.unification.sql import (
    key_numbers,
    packed,
    sources,
    statements,
    valid,
)

ANSWER_LIMIT = 65_536  # characters; http_call> refuses a longer answer
READABLE = 0.5  # share of the limit from which the SQL is packed: room is left for more tables
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
        full_refresh: read every source row again; otherwise only rows that came since the last such run,
            joined with the records kept from it. The result is the same as long as rows are only added.
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
    incremental = not full_refresh
    database = f"{database_prefix}{read.name}".lower()
    workflow = _compiled(
        _ways(read, guards, incremental=incremental), guards, database, build_aside=build_aside
    )
    if limit is None:
        return workflow
    try:
        return _shortened(workflow, limit)
    except TooLong:  # by records it is slower, and shorter
        shorter = _ways(read, guards, incremental=incremental, by_records=True)
        return _shortened(_compiled(shorter, guards, database, build_aside=build_aside), limit)


def _compiled(
    read: Unification, guards: Protection | None, database: str, *, build_aside: bool
) -> dict[str, Any]:
    """Return the workflow, however long."""
    workflow: dict[str, Any] = {
        "_export": {
            "td": {"database": database, "engine": "presto"},
            "rounds": contraction.constants(),
            "sources": sources(read),
        },
        "+database": {"td_ddl>": None, "create_databases": [database]},
    }
    for canonical in read.canonical_ids:
        workflow[f"+{canonical.name}"] = _unify(read, canonical, _protected(read, canonical, guards))
    workflow["+enrich"] = _enrich(read)
    if read.master_tables:
        workflow["+masters"] = {"_parallel": True} | {
            f"+{master.name}": _query(outputs.master_script(read, master)) for master in read.master_tables
        }
    workflow["+log_changes"] = _query(
        statements(
            "changes.sql",
            changes=CHANGES,
            ids=[(each.name, work_prefix(read, each.name)) for each in read.canonical_ids],
        )
    )
    workflow["+log_suspects"] = _query(
        statements(
            "suspects.sql",
            protected_ids=[
                {"name": each.name, "work": work_prefix(read, each.name)}
                for each in read.canonical_ids
                if _protected(read, each, guards)
            ],
        )
    )
    if not build_aside:
        tables = output_tables(read)
        workflow["+commit"] = _rename([(f"{table}__next", table) for table in tables])
    workflow["+clean_up"] = {"td_ddl>": None, "drop_tables": work_tables(read)}
    return workflow


def _shortened(workflow: dict[str, Any], limit: int) -> dict[str, Any]:
    """Return *workflow* in at most *limit* characters of JSON, its SQL packed where that is needed."""
    if _length(workflow) > limit * READABLE:
        workflow = _packed(workflow)
    if _length(workflow) > limit:
        raise TooLong(
            f"the workflow has {_length(workflow)} characters, http_call> takes {limit}: "
            "give unify.yml fewer tables, attributes or source_columns, or run `tdlocal unify compile`"
        )
    return workflow


def _length(workflow: dict[str, Any]) -> int:
    return len(json.dumps(workflow, ensure_ascii=False, separators=(",", ":")))


def _packed(task: Any) -> Any:
    """Return *task* with the SQL of every td> below it, and of ``sources``, packed."""
    if not isinstance(task, dict):
        return task
    done: dict[str, Any] = {}
    for name, value in task.items():
        if name == "td>" and value:
            done[name] = {"data": packed(value["data"])}
        elif name == "sources":
            done[name] = [{part: packed(text) for part, text in each.items()} for each in value]
        else:
            done[name] = _packed(value)
    return done


def output_tables(unification: Unification) -> list[str]:
    """Return the names of the tables that people, and later runs, read."""
    each = ["lookup", "graph", "keys", "tables", "source_key_stats", "result_key_stats"]
    kept = ["kept", "marks"]
    return [
        *(f"{canonical.name}_{what}" for canonical in unification.canonical_ids for what in each),
        *(
            f"{canonical.name}_{what}"
            for canonical in unification.canonical_ids
            if canonical.incremental
            for what in kept
        ),
        *(f"enriched_{table.name}" for table in unification.tables),
        *(master.name for master in unification.master_tables),
        CHANGES,
        "unification_suspects",
    ]


def work_tables(unification: Unification) -> list[str]:
    """Return the names of the tables that only the workflow itself needs."""
    plain = ("records", "nodes", "pairs", "ties", "leads", "labels", "before", "known", "homes", "people",
             "rows", "sources", "everywhere", "masks", "counts", "causes", "fresh", "carry", "touched",
             "homed", "bits", "members", "heads")  # fmt: skip
    guarded = ("found", "shared", "joined", "doubtful", "settled", "touches", "telling", "contested", "loose",
               "grouped", "chained", "owned", "owners", "beside", "spellings")  # fmt: skip
    graphs = ("strong", "all")
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
                # lower canonical ids change in old rows, too
                incremental=incremental and not each.parents,
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


def _unify(
    unification: Unification, canonical: CanonicalId, protected: ProtectedSql | None
) -> dict[str, Any]:
    """Return the tasks of one canonical id, from source rows to the lookup."""
    name = canonical.name
    work = work_prefix(unification, name)
    rules = _rules(unification, canonical, protected)
    layout = reading.layout(unification, canonical, rules)
    direct = not (canonical.guarded or canonical.incremental)
    values: dict[str, Any] = {
        "name": name,
        "kind": canonical.kind,
        "work": work,
        "numbers": [(key, f"{number:02d}") for key, number in key_numbers(canonical).items()],
        "table_bits": reading.table_bits(unification),
        "protected": protected,
        "direct": direct,
        "incremental": canonical.incremental,
        "layout": layout,
        "carries": protected is None,  # who is kept apart from whom may hang on rows of other people
        "is_valid": _is_valid(rules),
    }
    if direct:
        values |= {
            "columns": reading.columns(unification, canonical),
            "ties": reading.ties(unification, canonical, work),
        }
    else:
        values |= {
            "branches": reading.records(unification, canonical, layout if canonical.incremental else ""),
            "marks": reading.marks(unification, layout),
            "place": protected.place if protected else str,
        }

    def script(*files: str) -> dict[str, Any]:
        return _query("".join(statements(f"{file}.sql", **values) for file in files))

    merge: dict[str, Any] = {}
    if protected:
        merge["+weak"] = {"if>": "${graph == 'all'}", "_do": {"+edges": script("weak")}}
    return {
        "+before": script("previous"),
        "+keep_before": _rename([(f"{work}previous", f"{name}_previous")]),
        "+records": script("identifiers") if direct else script("records", "edges"),
        # protected: first who is one person by strong keys, then what weak keys add
        "+merge": {
            "for_each>": {"graph": ["strong", "all"] if protected else ["all"]},
            "_do": {**merge, **contraction.components(f"{work}${{graph}}")},
        },
        "+people": script("labels", "people"),
        "+lookup": script("lookup", "stats", "causes"),
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
