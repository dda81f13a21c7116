"""How Trino's types lie in DuckDB's tables, and which of them Treasure Data stores at all."""

from __future__ import annotations

import re

from tdlocal.engine.failures import failure

_STORED = {
    "bigint": "BIGINT", "integer": "INTEGER", "smallint": "SMALLINT", "tinyint": "TINYINT",
    "double": "DOUBLE", "real": "FLOAT", "varchar": "VARCHAR", "boolean": "BOOLEAN", "date": "DATE",
    "varbinary": "BLOB", "json": "JSON",
}  # fmt: skip
_NAMES = {duck: trino for trino, duck in _STORED.items()}
RESERVED = {"main", "temp", "system", "memory", "information_schema", "pg_catalog", "default"}


CATALOG = "td-presto"  # what Treasure Data calls its one catalog; `td` is taken for it too
CATALOGS = (CATALOG, "td")


def full_name(database: str, table: str) -> str:
    """A table as messages name it.

    >>> full_name("shop", "orders")
    'td-presto.shop.orders'
    """
    return f"{CATALOG}.{database}.{table}"


def as_written(name: str) -> str:
    """A name as it is written in a statement: quoted where Trino must be told that it is one.

    >>> as_written("orders"), as_written("td-presto")
    ('orders', '"td-presto"')
    """
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def quote(name: str) -> str:
    """*name* as a quoted identifier.

    >>> quote('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def schema_name(database: str) -> str:
    """The DuckDB schema of a database; a hyphen keeps DuckDB's own names apart.

    >>> schema_name("golden"), schema_name("main")
    ('golden', 'main-')
    """
    return f"{database}-" if database in RESERVED else database


def database_name(schema: str) -> str:
    """The database of a DuckDB schema: the inverse of `schema_name`."""
    return schema.removesuffix("-")


def to_duck(type_name: str) -> str:
    """The DuckDB type of a column of Trino's *type_name*.

    >>> to_duck("array(varchar)"), to_duck("bigint"), to_duck("map(varchar,bigint)")
    ('VARCHAR[]', 'BIGINT', 'VARCHAR')
    """
    text = type_name.strip().lower()
    array = re.fullmatch(r"array\((.*)\)|array<(.*)>", text)
    if array:
        return to_duck(array[1] or array[2]) + "[]"
    if text.startswith(("varchar", "char", "map", "string", "row")):
        return "VARCHAR"
    if text in _STORED:
        return _STORED[text]
    if text in ("int", "long", "float"):
        return {"int": "INTEGER", "long": "BIGINT", "float": "FLOAT"}[text]
    if text.startswith("timestamp"):
        return "TIMESTAMP WITH TIME ZONE" if text.endswith("zone") else "TIMESTAMP"
    if text.startswith("decimal"):
        return text.upper()
    raise failure("NOT_SUPPORTED", f"Unsupported type: {type_name}")


def from_duck(type_name: str) -> str:
    """Trino's name of a DuckDB column type.

    >>> from_duck("VARCHAR[]"), from_duck("DOUBLE"), from_duck("HUGEINT")
    ('array(varchar)', 'double', 'decimal(38,0)')
    """
    text = type_name.upper()
    if text.endswith("[]"):
        return f"array({from_duck(text[:-2])})"
    if text.startswith("DECIMAL"):
        return text.lower()
    if text.startswith("TIMESTAMP"):
        return "timestamp(3) with time zone" if text.endswith("TIME ZONE") else "timestamp(3)"
    if text == "HUGEINT":
        return "decimal(38,0)"
    if text.startswith(("MAP(", "STRUCT(")):
        return "varchar"
    return _NAMES.get(text, "varchar")


def stored_type(name: str, type_name: str, *, strict: bool) -> str:
    """Trino's type of the column *name* once it is stored.

    Integers become bigint and real double, as on Treasure Data. In strict mode what it cannot store is
    refused
    with the cast to write; otherwise numbers become double and the rest text.

    >>> stored_type("a", "integer", strict=True), stored_type("m", "map(varchar,bigint)", strict=True)
    ('bigint', 'varchar')
    >>> stored_type("d", "date", strict=False)
    'varchar'
    """
    if type_name in ("bigint", "integer", "smallint", "tinyint"):
        return "bigint"
    if type_name in ("double", "real"):
        return "double"
    if type_name.startswith(("varchar", "map(", "char(")):
        return "varchar"
    if type_name.startswith("array("):
        return f"array({stored_type(name, type_name[6:-1], strict=strict)})"
    if type_name == "unknown":
        raise failure("COLUMN_TYPE_UNKNOWN", f"Column type is unknown: {name}; write CAST({name} AS varchar)")
    if not strict:
        return "double" if type_name.startswith("decimal") else "varchar"
    raise failure(
        "NOT_SUPPORTED",
        f"Column '{name}' has type {type_name}, which Treasure Data does not store; "
        f"write {_cast_to_write(name, type_name)}",
    )


def _cast_to_write(name: str, type_name: str) -> str:
    if type_name.startswith("decimal"):
        return f"CAST({name} AS double)"
    if type_name == "boolean":
        return f"CAST({name} AS varchar) or IF({name}, 1, 0)"
    if type_name.startswith("timestamp"):
        return f"CAST(to_unixtime({name}) AS bigint) or CAST({name} AS varchar)"
    if type_name == "json":
        return f"json_format({name})"
    if type_name == "varbinary":
        return f"to_hex({name})"
    return f"CAST({name} AS varchar)"
