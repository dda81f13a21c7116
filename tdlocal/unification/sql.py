"""Pieces of Trino SQL that both the exact and the protected unification use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import jinja2

from tdlocal.unification.model import CanonicalId, Unification

WORK_ROWS = "w1_s"  # begins the names of tables of the rows that a partial run works on
SEPARATOR = "'␟'"  # between the identifiers of a record; a value that holds one loses it
SESSION = "${session_unixtime}"
LISTS = "␟"  # between the select lists of tables
LISTED = f"${{td.last_results.c.split('{LISTS}')[s]}}"  # of the table at place s of `sources`


def literal(text: str) -> str:
    """Return *text* as an SQL text constant.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return *name* as an SQL identifier, quoted where it could be a word of SQL.

    >>> quoted("trfmd_email"), quoted("group"), quoted("2020_orders")
    ('trfmd_email', '"group"', '"2020_orders"')
    """
    plain = re.fullmatch(r"[a-z][a-z0-9]*_[a-z0-9_]*", name) and not name.startswith(("current_", "local"))
    return name if plain else f'"{name}"'


def packed(script: str) -> str:
    """Return *script* without the spaces and words that SQL does not need, what is in quotes left as it is.

    >>> packed("select 1,\\n    'a  b' as x\\nfrom t where a = 2")
    "select 1,'a  b' as x from t where a=2"
    """
    parts = re.split(r"""('(?:[^']|'')*'|"[^"]*")""", script)
    return "".join(
        part
        if at % 2
        else re.sub(
            r" ?([,;=()|+*%]|<[=>]?|>=?) ?",
            r"\1",
            re.sub(r"\binner join\b", "join", re.sub(r"\s+", " ", part)),
        )
        for at, part in enumerate(parts)
    ).strip()


def unevaluated(text: str) -> str:
    """Return *text* so that Digdag's template evaluation gives it back unchanged.

    >>> unevaluated("^a$$")
    '^a${"$"}$'
    >>> unevaluated("x${3}")
    'x${"$"}{3}'
    """
    return re.sub(r"\$(?=[${])", '${"$"}', text)


def create(table: str, query: str = "") -> str:
    """Return the statements that make *table* anew from *query*; their beginning when that is empty."""
    return f"drop table if exists {table};\ncreate table {table} as\n" + (f"{query};\n" if query else "")


def daily(text: str) -> str:
    """Return *text*, one line of SQL, as a template that is empty unless an incremental run is partial.

    >>> print(daily(" and n = 1"))
    ${read == 'work' ? " and n = 1" : ""}
    """
    return f"""${{read == 'work' ? "{text}" : ""}}"""


@cache
def templates() -> jinja2.Environment:
    """The files in statements/, each parsed once."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("tdlocal.unification", "statements"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 (SQL, no page)
    )


def statements(file: str, **values: Any) -> str:
    """Return the statements of a file in statements/ with *values* put in."""
    given = {"create": create, "session": SESSION, "separator": SEPARATOR, "listed": LISTED, **values}
    given["daily"] = daily if given.get("incremental") else lambda text: ""
    return templates().get_template(file).render(given).strip() + "\n"


def valid(value: str, valid_regexp: str | None, invalid_texts: Sequence[str]) -> str:
    """Return a condition: the text *value* is a valid one. Empty text never is.

    >>> valid("x", "@", ["n/a"])
    "x not in ('', 'n/a') and regexp_like(x, '@')"
    """
    refused = ", ".join(literal(unevaluated(item)) for item in dict.fromkeys(["", *invalid_texts]))
    condition = f"{value} not in ({refused})"
    if valid_regexp is not None:
        condition += f" and regexp_like({value}, {literal(unevaluated(valid_regexp))})"
    return condition


def key_numbers(canonical: CanonicalId) -> dict[str, int]:
    """Return the id_key_type of every key and lower canonical id, 1 the strongest."""
    return {name: at for at, name in enumerate([*canonical.keys, *canonical.parents], start=1)}


def takes_from(canonical: CanonicalId, table: str) -> bool:
    """Return whether *table* is a source of *canonical*."""
    return canonical.source_tables is None or table in canonical.source_tables


def key_values(unification: Unification, canonical: CanonicalId, table_name: str) -> list[tuple[int, str]]:
    """Return what a row ``p`` of the table is known by, strongest first: id_key_type, expression.

    A lower canonical id is one of its keys. Empty when the table has no key of *canonical*.
    """
    if not takes_from(canonical, table_name):
        return []
    numbers = key_numbers(canonical)
    values = [
        (numbers[name], f"cast(p.{quoted(column)} as varchar)")
        for column, name in unification.table(table_name).key_columns
        if name in canonical.keys
    ]
    for parent in canonical.parents:
        above = unification.canonical_id(parent)
        if key_values(unification, above, table_name):
            values.append((numbers[parent], row_id(unification, above, table_name)))
    return sorted(values, key=lambda value: value[0])


def record_key(unification: Unification, canonical: CanonicalId, table_name: str) -> str | None:
    """Return an expression over a row ``p``: its identifiers, strongest first, as one text.

    Each identifier is ``NN:value␟`` with NN its id_key_type; a row without any gives ''. A value that
    holds the separator is no identifier; for a guarded id it loses it. None when the table has no key of
    *canonical*.
    """
    parts = [
        f"coalesce({_part(number, text, guarded=canonical.guarded)}, '')"
        for number, text in key_values(unification, canonical, table_name)
    ]
    return " || ".join(parts) or None


def _part(number: int, text: str, *, guarded: bool) -> str:
    if guarded:
        return f"'{number:02d}:' || replace({text}, {SEPARATOR}) || {SEPARATOR}"
    return f"case when strpos({text}, {SEPARATOR}) = 0 then '{number:02d}:' || {text} || {SEPARATOR} end"


def row_id(unification: Unification, canonical: CanonicalId, table_name: str) -> str:
    """Return an expression: the canonical id of a row that `rows_of` has joined."""
    level = _level(unification, canonical)
    if canonical.guarded:
        return f"r{level}.canonical_id"
    values = key_values(unification, canonical, table_name)
    found = [f"r{level}_{at}.{canonical.kind}_id" for at in range(1, len(values) + 1)]
    return f"coalesce({', '.join(found)})" if len(found) > 1 else found[0]


def lookups(unification: Unification, canonical: CanonicalId, table_name: str) -> str:
    """Return joins of a row ``p`` to the lookup, one for each of its keys: who its identifiers are.

    Where every key joins, all identifiers of a row are of one person.
    """
    level = _level(unification, canonical)
    return "\n".join(
        f"left join {canonical.name}_lookup__next as r{level}_{at}"
        f"\n  on r{level}_{at}.id_key_type = {number} and r{level}_{at}.id = {value}"
        for at, (number, value) in enumerate(key_values(unification, canonical, table_name), start=1)
    )


def _level(unification: Unification, canonical: CanonicalId) -> int:
    return [each.name for each in unification.canonical_ids].index(canonical.name) + 1


def ancestors(unification: Unification, canonical: CanonicalId) -> list[CanonicalId]:
    """Return the canonical ids that *canonical* builds on, lowest first, each once."""
    found: dict[str, CanonicalId] = {}
    for parent in canonical.parents:
        each = unification.canonical_id(parent)
        for above in ancestors(unification, each):
            found.setdefault(above.name, above)
        found.setdefault(parent, each)
    return list(found.values())


def table_number(unification: Unification, table_name: str) -> int:
    """Return the table_id of a source table, from 1."""
    return [each.name for each in unification.tables].index(table_name) + 1


def sources(unification: Unification) -> list[dict[str, str]]:
    """Return what tasks read as ``${sources[n]}``: of every table its place and name, and whose its rows are.

    For a canonical id of level n, ``k<n>`` is the record key, ``j<n>`` the joins to the lookup and ``i<n>``
    the row's canonical id then. Several tasks need them, and an answer is short. They hold no template.
    """
    found: list[dict[str, str]] = []
    for table in unification.tables:
        source = {"place": f"{quoted(table.database)}.{quoted(table.table)}", "name": table.name}
        if unification.incremental:
            source["work"] = f"{WORK_ROWS}{len(found)}"
        for level, canonical in enumerate(unification.canonical_ids, start=1):
            key = record_key(unification, canonical, table.name)
            if key is None:
                if canonical.incremental:
                    source[f"k{level}"] = "''"
                continue
            if canonical.guarded or canonical.incremental:
                source[f"k{level}"] = key
            if not canonical.guarded:
                source[f"j{level}"] = lookups(unification, canonical, table.name)
                source[f"i{level}"] = row_id(unification, canonical, table.name)
        found.append(source)
    return found


def rows_of(unification: Unification, levels: Sequence[CanonicalId], table_name: str, at: str = "") -> str:
    """Return a FROM clause: the table as ``p``, each row joined to its canonical ids, as `row_id` needs it.

    In an incremental run ``read`` says which rows: ``place`` for the source's, ``work`` for those of the
    people who are worked on.

    Args:
        at: expression for the table's place in ``sources``, instead of the number itself: the clause then
            serves every table with the same levels.
    """
    index = at or str(table_number(unification, table_name) - 1)
    number = f"${{{at} + 1}}" if at else str(table_number(unification, table_name))
    place = "[read]" if unification.incremental else ".place"
    clause = f"from ${{sources[{index}]{place}}} as p"
    for canonical in levels:
        level = _level(unification, canonical)
        if not key_values(unification, canonical, table_name):
            continue
        if canonical.guarded:
            key = f"${{sources[{index}].k{level}}}"
            clause += (
                f"\nleft join w{level}_rows as r{level}"
                f"\n  on r{level}.table_id = {number} and r{level}.record_key = {key}"
            )
        else:
            clause += f"\n${{sources[{index}].j{level}}}"
    return clause
