"""Pieces of Trino SQL that both the exact and the protected unification use."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tdlocal.unification.model import CanonicalId, Unification

SEPARATOR = "chr(31)"  # between the identifiers of a record; a text that holds it is no identifier
SESSION = "${session_unixtime}"


def literal(text: str) -> str:
    """Return *text* as an SQL text constant.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return *name* as an SQL identifier."""
    return f'"{name}"'


def unevaluated(text: str) -> str:
    """Return *text* so that Digdag's template evaluation gives it back unchanged.

    >>> unevaluated("^a$$")
    '^a${"$"}$'
    >>> unevaluated("x${3}")
    'x${"$"}{3}'
    """
    return re.sub(r"\$(?=[${])", '${"$"}', text)


def create(table: str, query: str) -> str:
    """Return the statements that make *table* anew from *query*."""
    return f"drop table if exists {table};\ncreate table {table} as\n{query};\n"


def valid_text(column: str, valid_regexp: str | None, invalid_texts: Sequence[str]) -> str:
    """Return an expression: the value of *column* as text where it is a valid one, else null."""
    text = f"cast({column} as varchar)"
    refused = ", ".join(literal(unevaluated(item)) for item in dict.fromkeys(["", *invalid_texts]))
    conditions = [f"{text} not in ({refused})", f"strpos({text}, {SEPARATOR}) = 0"]
    if valid_regexp is not None:
        conditions.append(f"regexp_like({text}, {literal(unevaluated(valid_regexp))})")
    return f"case when {' and '.join(conditions)} then {text} end"


def key_numbers(canonical: CanonicalId) -> dict[str, int]:
    """Return the id_key_type of every key and lower canonical id, 1 the strongest."""
    return {name: at for at, name in enumerate([*canonical.keys, *canonical.parents], start=1)}


def takes_from(canonical: CanonicalId, table: str) -> bool:
    """Return whether *table* is a source of *canonical*."""
    return canonical.source_tables is None or table in canonical.source_tables


def record_key(unification: Unification, canonical: CanonicalId, table_name: str) -> str | None:
    """Return an expression over a row ``p``: its valid identifiers, strongest first, as one text.

    Each identifier is ``NN:value`` with NN its id_key_type; a row without any gives ''. Rows of the lower
    canonical ids are reached as ``r_<name>``. None when the table has no key of *canonical*.
    """
    numbers = key_numbers(canonical)
    table = unification.table(table_name)
    if not takes_from(canonical, table_name):
        return None
    parts: list[tuple[int, str]] = []
    for column, name in table.key_columns:
        if name in canonical.keys:
            key = unification.key(name)
            text = valid_text(f"p.{quoted(column)}", key.valid_regexp, key.invalid_texts)
            parts.append((numbers[name], text))
    for parent in canonical.parents:
        if record_key(unification, unification.canonical_id(parent), table_name) is not None:
            parts.append((numbers[parent], f"r_{parent}.canonical_id"))
    if not parts:
        return None
    nodes = ",\n  ".join(f"'{number:02d}:' || {text}" for number, text in sorted(parts, key=lambda x: x[0]))
    return f"array_join(array[\n  {nodes}\n], {SEPARATOR})"


def ancestors(unification: Unification, canonical: CanonicalId) -> list[CanonicalId]:
    """Return the canonical ids that *canonical* builds on, lowest first, each once."""
    found: dict[str, CanonicalId] = {}
    for parent in canonical.parents:
        each = unification.canonical_id(parent)
        for above in ancestors(unification, each):
            found.setdefault(above.name, above)
        found.setdefault(parent, each)
    return list(found.values())


def rows_of(unification: Unification, levels: Sequence[CanonicalId], table_name: str) -> str:
    """Return a FROM clause: the table as ``p``, each row joined to its canonical ids as ``r_<name>``."""
    table = unification.table(table_name)
    number = [each.name for each in unification.tables].index(table_name) + 1
    clause = f"from {quoted(table.database)}.{quoted(table.table)} as p"
    for level in levels:
        key = record_key(unification, level, table_name)
        if key is not None:
            clause += (
                f"\nleft join {level.name}_work_rows as r_{level.name}"
                f"\n  on r_{level.name}.table_id = {number} and r_{level.name}.record_key = {key}"
            )
    return clause
