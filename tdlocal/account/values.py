"""Values on their way out: Trino types taken apart, and two renderings of a value.

`job_rows` gives what Treasure Data stores as a job's result (maps and rows as JSON text), `trino_rows`
what the Trino protocol sends (NaN as text, maps as objects, rows as lists).
"""

from __future__ import annotations

import base64
import datetime
import decimal
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from tdlocal.engine.types import Column

Convert = Callable[[Any], Any]
Rows = Sequence[tuple[Any, ...]]

AS_THEY_ARE = {"bigint", "integer", "smallint", "tinyint", "boolean", "varchar", "char", "json", "unknown"}


@dataclass(frozen=True)
class TypeTree:
    """A Trino type: `map(varchar,bigint)` is name `map` with two arguments; row fields have names."""

    name: str
    arguments: tuple[TypeTree | int, ...] = ()
    fields: tuple[str | None, ...] = ()
    suffix: str = ""  # "with time zone"

    @property
    def full_name(self) -> str:
        return f"{self.name} {self.suffix}".strip()


@lru_cache(maxsize=4096)
def parse_type(text: str) -> TypeTree:
    """Take a type as Trino writes it apart.

    >>> parse_type("timestamp(3) with time zone").full_name
    'timestamp with time zone'
    >>> [one.name for one in parse_type("map(varchar, array(bigint))").arguments]
    ['varchar', 'array']
    """
    text = text.strip()
    opening = text.find("(")
    if opening < 0:
        head, _, tail = text.partition(" ")
        return TypeTree(head, suffix=tail.strip()) if tail.startswith("with") else TypeTree(text)
    closing = text.rindex(")")
    name = text[:opening].strip().lower()
    parts = split_arguments(text[opening + 1 : closing])
    suffix = text[closing + 1 :].strip()
    if name == "row":
        named = [split_field(part) for part in parts]
        return TypeTree(name, tuple(parse_type(one) for _, one in named), tuple(n for n, _ in named), suffix)
    return TypeTree(name, tuple(int(p) if p.isdigit() else parse_type(p) for p in parts), (), suffix)


def split_arguments(text: str) -> list[str]:
    """Split at commas that stand outside parentheses and quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for position, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "," and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    parts.append(text[start:].strip())
    return parts


def split_field(text: str) -> tuple[str | None, str]:
    """A row's field: its name (None when it has none) and its type."""
    if text.startswith('"'):
        closing = text.index('"', 1)
        return text[1:closing], text[closing + 1 :].strip()
    head, _, tail = text.partition(" ")
    if not tail or "(" in head or tail.startswith("with "):
        return None, text
    return head, tail.strip()


def trino_rows(rows: Rows, columns: Sequence[Column]) -> list[Any]:
    """Rows as the Trino protocol sends them."""
    return convert_rows(rows, [trino_converter(column.type) for column in columns])


def job_rows(rows: Rows, columns: Sequence[Column]) -> list[Any]:
    """Rows as a job's result holds them."""
    return convert_rows(rows, [job_converter(column.type) for column in columns])


def convert_rows(rows: Rows, converters: Sequence[Convert | None]) -> list[Any]:
    """Convert column by column, leaving columns without a converter untouched.

    Doubles are nearly always finite, and then nothing has to be taken apart.
    """
    work = [
        (index, convert)
        for index, convert in enumerate(converters)
        if convert is not None and not (convert is float_text and all_finite(rows, index))
    ]
    if not work or not rows:
        return list(rows)
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for index, convert in work:
        columns[index] = [None if value is None else convert(value) for value in columns[index]]
    return list(zip(*columns, strict=True))


def all_finite(rows: Rows, index: int) -> bool:
    """Tell whether a column of doubles holds neither NaN nor an infinity."""
    return all(map(math.isfinite, [row[index] for row in rows if row[index] is not None]))


@lru_cache(maxsize=4096)
def trino_converter(type_text: str) -> Convert | None:
    """How a value of this type is written in Trino's JSON; None when it goes as it is."""
    return _converter(parse_type(type_text), _trino_special)


@lru_cache(maxsize=4096)
def job_converter(type_text: str) -> Convert | None:
    """How a value of this type is written in a job's result; None when it goes as it is."""
    tree = parse_type(type_text)
    if tree.name in ("map", "row"):
        inner = _converter(tree, _trino_special)
        assert inner is not None
        return lambda value: orjson.dumps(inner(value)).decode()
    return _converter(tree, _job_special)


def _trino_special(tree: TypeTree) -> Convert | None:
    return float_text if tree.name in ("double", "real") else _scalar(tree)


def _job_special(tree: TypeTree) -> Convert | None:
    return None if tree.name in ("double", "real") else _scalar(tree)


def _converter(tree: TypeTree, scalar: Callable[[TypeTree], Convert | None]) -> Convert | None:
    children = [_converter(one, scalar) for one in tree.arguments if isinstance(one, TypeTree)]
    if tree.name == "array":
        return _list_of(children[0])
    if tree.name == "map":
        return _map_of(children[0], children[1])
    if tree.name == "row":
        return _row_of(children)
    return scalar(tree)


def _list_of(item: Convert | None) -> Convert | None:
    if item is None:
        return None
    return lambda values: [None if value is None else item(value) for value in values]


def _map_of(key: Convert | None, item: Convert | None) -> Convert:
    def convert(value: Any) -> dict[str, Any]:
        pairs = value.items() if isinstance(value, Mapping) else value
        return {map_key(key(k) if key else k): item(v) if item and v is not None else v for k, v in pairs}

    return convert


def map_key(key: Any) -> str:
    """A map's key as JSON must have it: text."""
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, list | tuple):
        return f"[{', '.join(map(map_key, key))}]"
    return key if isinstance(key, str) else str(key)


def _row_of(items: Sequence[Convert | None]) -> Convert:
    def convert(value: Any) -> list[Any]:
        values = value.values() if isinstance(value, Mapping) else value
        return [
            v if convert_one is None or v is None else convert_one(v)
            for v, convert_one in zip(values, items, strict=True)
        ]

    return convert


def _scalar(tree: TypeTree) -> Convert | None:
    if tree.name in AS_THEY_ARE:
        return None
    if tree.name in ("timestamp", "time"):
        precision = tree.arguments[0] if tree.arguments else 3
        return lambda value: time_text(value, int(str(precision)))
    return plain_text


def float_text(value: float) -> float | str:
    """JSON has no NaN and no infinity; Trino sends their names."""
    if math.isfinite(value):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def time_text(value: Any, precision: int) -> Any:
    """A time or timestamp with *precision* digits of a second, and its zone when it has one.

    >>> time_text(datetime.datetime(2026, 11, 1, 9, 30, 0, 250000), 3)
    '2026-11-01 09:30:00.250'
    """
    if not isinstance(value, datetime.datetime | datetime.time):
        return value if isinstance(value, str) else str(value)
    text = value.strftime("%H:%M:%S")
    if isinstance(value, datetime.datetime):
        text = f"{value.year:04d}-{value.month:02d}-{value.day:02d} {text}"
    if precision:
        text += "." + f"{value.microsecond:06d}".ljust(precision, "0")[:precision]
    if value.tzinfo is None:
        return text
    space = " " if isinstance(value, datetime.datetime) else ""
    return f"{text}{space}{zone_text(value)}"


def zone_text(value: datetime.datetime | datetime.time) -> str:
    """The zone of a time as Trino writes it: its name, or its offset."""
    name = getattr(value.tzinfo, "key", None) or getattr(value.tzinfo, "zone", None)
    if name:
        return str(name)
    offset = value.utcoffset() or datetime.timedelta()
    minutes = int(offset.total_seconds() // 60)
    if minutes == 0:
        return "UTC"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def plain_text(value: Any) -> Any:
    """Dates, decimals, bytes, intervals and whatever else JSON lacks, as Trino writes them."""
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return interval_text(value)
    return str(value)


def interval_text(value: datetime.timedelta) -> str:
    """An interval day to second: `1 02:03:04.000`."""
    thousandths = round(value.total_seconds() * 1000)
    sign = "-" if thousandths < 0 else ""
    seconds, thousandths = divmod(abs(thousandths), 1000)
    hours, rest = divmod(seconds, 3600)
    days, hours = divmod(hours, 24)
    return f"{sign}{days} {hours:02d}:{rest // 60:02d}:{rest % 60:02d}.{thousandths:03d}"


TREASURE_DATA_TYPES = {
    "bigint": "long",
    "integer": "int",
    "smallint": "int",
    "tinyint": "int",
    "double": "double",
    "real": "float",
}
TRINO_TYPES = {
    "long": "bigint",
    "int": "bigint",
    "bigint": "bigint",
    "integer": "bigint",
    "double": "double",
    "float": "double",
    "string": "varchar",
    "varchar": "varchar",
}


def table_type(type_text: str) -> str:
    """A Trino type as Treasure Data's table schema names it.

    >>> table_type("array(bigint)"), table_type("varchar"), table_type("map(varchar, double)")
    ('array<long>', 'string', 'map<string,double>')
    """
    tree = parse_type(type_text)
    if tree.name in ("array", "map"):
        inner = ",".join(
            table_type(part) for part in split_arguments(type_text[type_text.index("(") + 1 : -1])
        )
        return f"{tree.name}<{inner}>"
    return TREASURE_DATA_TYPES.get(tree.name, "string")


def trino_type(name: str) -> str | None:
    """A type of Treasure Data's table schema as Trino names it; None when there is no such type.

    >>> trino_type("array<array<string>>"), trino_type("money")
    ('array(array(varchar))', None)
    """
    name = name.strip().lower()
    for outer in ("array", "map"):
        if name.startswith(f"{outer}<") and name.endswith(">"):
            swapped = name[len(outer) + 1 : -1].replace("<", "(").replace(">", ")")
            parts = [part.replace("(", "<").replace(")", ">") for part in split_arguments(swapped)]
            inner = [trino_type(part) for part in parts]
            if len(inner) != (1 if outer == "array" else 2) or None in inner:
                return None
            return f"{outer}({', '.join(str(one) for one in inner)})"
    return TRINO_TYPES.get(name)
