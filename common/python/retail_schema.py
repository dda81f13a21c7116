"""The retail schema (config/retail_schema.yml): tables, columns, types, and the names of types."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from common.python.errors import told_together
from common.python.lined_yaml import Lined

FILE = "config/retail_schema.yml"
TYPES = {"string": "varchar", "long": "bigint", "double": "double"}  # ours → Trino's
SYNONYMS = {
    "varchar": "string",
    "text": "string",
    "char": "string",
    "bigint": "long",
    "int": "long",
    "integer": "long",
    "float": "double",
    "real": "double",
    "number": "double",
    "numeric": "double",
    "decimal": "double",
}


def read_schema(path: str = FILE) -> dict[str, dict[str, str]]:
    """Return table → column → type (string, long or double).

    Raises:
        TaskError: a type is not known; all faults at once.
    """
    source = Lined(path)
    faults = list(source.doubled)
    schema: dict[str, dict[str, str]] = {}
    for table, columns in source.data.items():
        schema[table] = {}
        for column, word in (columns or {}).items():
            kind = type_named(word)
            if kind is None:
                faults.append(f"{source.place(table, column)}: {column} has the unknown type {word!r}")
            schema[table][column] = kind or "string"
    if faults:
        raise told_together(faults, where=path, mend="use string, long or double")
    return schema


def type_named(word: object) -> str | None:
    """Return string, long or double for any usual name of a type, None for another.

    >>> type_named("bigint"), type_named("VARCHAR(20)"), type_named("blob")
    ('long', 'string', None)
    """
    name = str(word).lower().split("(")[0].strip()
    return name if name in TYPES else SYNONYMS.get(name)


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """Return a hint when *names* has one like *name*.

    >>> did_you_mean("emial", ["email", "city"])
    ' (did you mean email?)'
    """
    near = difflib.get_close_matches(str(name), list(names), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
