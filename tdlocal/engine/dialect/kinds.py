"""Trino's types: their names, which turns into which by itself, and how each lies in DuckDB."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tdlocal.engine.dialect import syntax

INTEGERS = ("tinyint", "smallint", "integer", "bigint")
_DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
_LADDER = (*INTEGERS, "decimal", "real", "double")
_ALIASES = {"int": "integer"}


_BARE = re.compile("[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Kind:
    """A type: *name*, numbers such as precision in *sizes*, inner types in *items*, row names in *fields*.

    `varchar` without sizes is unbounded; `decimal` always has two, `timestamp` and `time` one.
    """

    name: str
    sizes: tuple[int, ...] = ()
    items: tuple[Kind, ...] = ()
    fields: tuple[str | None, ...] = ()

    def __str__(self) -> str:
        return _shown(self)

    @property
    def item(self) -> Kind:
        return self.items[0]


@lru_cache(maxsize=4096)
def _shown(kind: Kind) -> str:
    if kind.name == "row":
        parts = [
            (f"{name} {item}" if _BARE.fullmatch(name) else f'"{name}" {item}') if name else str(item)
            for name, item in zip(kind.fields, kind.items, strict=True)
        ]
        return f"row({', '.join(parts)})"
    if kind.items:
        return f"{kind.name}({', '.join(map(str, kind.items))})"
    if kind.sizes:
        sizes = ",".join(map(str, kind.sizes))
        if kind.name.endswith(" with time zone"):
            return f"{kind.name.removesuffix(' with time zone')}({sizes}) with time zone"
        return f"{kind.name}({sizes})"
    return {"hyperloglog": "HyperLogLog", "function": "<function>"}.get(kind.name, kind.name)


SKETCHES = frozenset(["hyperloglog", "tdigest", "qdigest"])  # what is neither compared nor shown
BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT = map(
    Kind, ("boolean", "tinyint", "smallint", "integer", "bigint")
)
REAL, DOUBLE, VARCHAR, VARBINARY, DATE, JSON, UNKNOWN, UUID = map(
    Kind, ("real", "double", "varchar", "varbinary", "date", "json", "unknown", "uuid")
)
DAYS, MONTHS = Kind("interval day to second"), Kind("interval year to month")
TIMESTAMP, ZONED = Kind("timestamp", (3,)), Kind("timestamp with time zone", (3,))


def array(item: Kind) -> Kind:
    return Kind("array", (), (item,))


def map_of(key: Kind, value: Kind) -> Kind:
    return Kind("map", (), (key, value))


def decimal(precision: int, scale: int) -> Kind:
    return Kind("decimal", (precision, scale))


def row(items: tuple[Kind, ...], fields: tuple[str | None, ...] = ()) -> Kind:
    return Kind("row", (), items, fields or (None,) * len(items))


def is_number(kind: Kind) -> bool:
    return kind.name in _LADDER


def is_text(kind: Kind) -> bool:
    return kind.name in ("varchar", "char")


def as_decimal(kind: Kind) -> Kind:
    """The decimal that holds every value of an integer type."""
    return kind if kind.name == "decimal" else decimal(_DIGITS[kind.name], 0)


def read(written: syntax.TypeName) -> Kind | None:
    """The type that was written, or None when there is no such type."""
    name = _ALIASES.get(written.name, written.name)
    arguments: tuple[Any, ...] = written.arguments
    if name == "row":
        items = [read(kind) for _, kind in arguments]
        if any(item is None for item in items):
            return None
        return Kind("row", (), tuple(items), tuple(field for field, _ in arguments))  # type: ignore[arg-type]
    if name in ("array", "map"):
        items = [read(kind) for kind in arguments if isinstance(kind, syntax.TypeName)]
        if len(items) != {"array": 1, "map": 2}[name] or any(item is None for item in items):
            return None
        return Kind(name, (), tuple(items))  # type: ignore[arg-type]
    sizes = tuple(size for size in arguments if isinstance(size, int))
    if len(sizes) != len(arguments):
        return None
    return _simple(name, sizes)


_PLAIN = frozenset(
    [*INTEGERS, "boolean", "real", "double", "varbinary", "date", "json", "uuid", "unknown", "hyperloglog",
     "ipaddress", "interval day to second", "interval year to month"]
)  # fmt: skip


def _simple(name: str, sizes: tuple[int, ...]) -> Kind | None:
    if name == "decimal":
        precision, scale = (*sizes, 0)[:2] if sizes else (38, 0)
        return decimal(precision, scale) if 1 <= precision <= 38 and 0 <= scale <= precision else None
    if name.startswith(("timestamp", "time")):
        precision = sizes[0] if sizes else 3
        return Kind(name, (precision,)) if 0 <= precision <= 12 else None
    if name == "varchar":
        return Kind(name, sizes)
    if name == "char":
        return Kind(name, sizes or (1,))
    return Kind(name) if name in _PLAIN and not sizes else None


@lru_cache(maxsize=1024)
def parse(text: str) -> Kind:
    """The type of a catalog or signature text.

    >>> str(parse("array(varchar)")), str(parse("timestamp(3) with time zone"))
    ('array(varchar)', 'timestamp(3) with time zone')
    """
    from tdlocal.engine.dialect.expressions import ExpressionParser

    kind = read(ExpressionParser(text).type_name())
    if kind is None:
        raise ValueError(f"unknown type {text}")
    return kind


@lru_cache(maxsize=4096)
def common(one: Kind, two: Kind) -> Kind | None:
    """The type both turn into by themselves, or None.

    >>> str(common(INTEGER, decimal(3, 1))), common(BIGINT, VARCHAR)
    ('decimal(11,1)', None)
    """
    if one == two or two.name == "unknown":
        return one
    if one.name == "unknown":
        return two
    if is_number(one) and is_number(two):
        return _common_number(one, two)
    if is_text(one) and is_text(two):
        return _common_text(one, two)
    if one.name == two.name and one.items and len(one.items) == len(two.items):
        items = [common(a, b) for a, b in zip(one.items, two.items, strict=True)]
        if any(item is None for item in items):
            return None
        fields = tuple(a if a == b else None for a, b in zip(one.fields, two.fields, strict=True))
        return Kind(one.name, (), tuple(items), fields)  # type: ignore[arg-type]
    return _common_time(one, two)


def _common_number(one: Kind, two: Kind) -> Kind:
    higher = max(one, two, key=lambda kind: _LADDER.index(kind.name))
    if higher.name != "decimal":
        return higher
    a, b = as_decimal(one).sizes, as_decimal(two).sizes
    scale = max(a[1], b[1])
    return decimal(min(38, max(a[0] - a[1], b[0] - b[1]) + scale), scale)


def _common_text(one: Kind, two: Kind) -> Kind:
    name = "char" if one.name == two.name == "char" else "varchar"
    if {one.name, two.name} == {"char", "varchar"}:
        name = "char" if all(kind.sizes for kind in (one, two)) else "varchar"
    if not one.sizes or not two.sizes:
        return VARCHAR
    return Kind(name, (max(one.sizes[0], two.sizes[0]),))


def _common_time(one: Kind, two: Kind) -> Kind | None:
    order = ("date", "timestamp", "timestamp with time zone")
    if one.name in order and two.name in order:
        higher = max(one, two, key=lambda kind: order.index(kind.name))
        return Kind(higher.name, (max((*one.sizes, *two.sizes)),)) if higher.name != "date" else DATE
    times = ("time", "time with time zone")
    if one.name in times and two.name in times:
        higher = max(one, two, key=lambda kind: times.index(kind.name))
        return Kind(higher.name, (max((*one.sizes, *two.sizes)),))
    return None


def turns_into(source: Kind, target: Kind) -> bool:
    """Does Trino coerce *source* to *target* without being asked?"""
    if source == target or source.name == "unknown":
        return True
    if target.name == "varchar" and not target.sizes and is_text(source):
        return True
    if source.name == "decimal" and target.name == "decimal":
        return common(source, target) == target
    return common(source, target) == target


_DUCK = {
    "boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INTEGER",
    "bigint": "BIGINT", "real": "FLOAT", "double": "DOUBLE", "varchar": "VARCHAR", "char": "VARCHAR",
    "varbinary": "BLOB", "date": "DATE", "json": "VARCHAR", "unknown": "INTEGER", "uuid": "UUID",
    "timestamp": "TIMESTAMP", "timestamp with time zone": "TIMESTAMPTZ", "time": "TIME",
    "time with time zone": "TIMETZ", "interval day to second": "INTERVAL",
    "interval year to month": "INTERVAL", "hyperloglog": "UBIGINT[]", "tdigest": "DOUBLE[]",
    "ipaddress": "VARCHAR",
}  # fmt: skip


@lru_cache(maxsize=4096)
def duck(kind: Kind) -> str:
    """The DuckDB type that holds *kind*; rows are structs with fields f1, f2, … whatever they are called.

    >>> duck(array(BIGINT)), duck(decimal(5, 2)), duck(row((BIGINT, VARCHAR)))
    ('BIGINT[]', 'DECIMAL(5,2)', 'STRUCT(f1 BIGINT, f2 VARCHAR)')
    """
    if kind.name == "decimal":
        return f"DECIMAL({kind.sizes[0]},{kind.sizes[1]})"
    if kind.name in ("array", "qdigest"):
        return f"{duck(kind.item)}[]"
    if kind.name == "map":
        return f"MAP({duck(kind.items[0])}, {duck(kind.items[1])})"
    if kind.name == "row":
        return "STRUCT(" + ", ".join(f"f{n} {duck(item)}" for n, item in enumerate(kind.items, 1)) + ")"
    return _DUCK[kind.name]
