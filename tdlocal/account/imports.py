"""Imported records: from a gzipped msgpack stream to Arrow columns, typed as Treasure Data types them.

A new column gets its type from its values: whole numbers are long, numbers with a fraction double,
lists array, all else string. A column that is there keeps its type, and what does not fit becomes null.
Column names are lower-cased; the empty name (pytd's CSV index) is dropped.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgpack
import orjson
import pyarrow as pa

from tdlocal.account.errors import Refused
from tdlocal.account.values import TypeTree, parse_type

if TYPE_CHECKING:
    from tdlocal.account.account import Account

BODY_LIMIT = 512 * 2**20  # bytes of one upload, compressed
UNPACKED_LIMIT = 4 * 2**30  # bytes of one upload, unpacked
CHUNK = 2**20
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
SMALLEST, LARGEST = -(2**63), 2**63 - 1
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
WHOLE = re.compile(r"\s*[+-]?\d{1,19}\s*")

Record = dict[str, Any]


@dataclass
class Imported:
    """Records taken apart: those with a usable `time`, and those without."""

    good: list[Record] = field(default_factory=list)
    bad: list[Record] = field(default_factory=list)


def import_records(account: Account, database: str, table: str, body: bytes, once: str = "") -> int:
    """Add an upload's records to a table; returns how many. All of them, or none.

    Args:
        account: the account.
        database: the table's database, which must exist.
        table: its name; it must exist.
        body: a msgpack stream of maps, gzipped or plain.
        once: a key; the same key a second time imports nothing.

    Raises Refused when the upload is not such a stream or a record has no whole number as `time`.
    """
    account.tables.info(database, table)
    imported = sort_out(unpack(body))
    if imported.bad:
        raise Refused(f"{len(imported.bad)} records have no whole number as `time`: nothing was imported")
    return append_records(account, database, table, imported.good, once)


def append_records(account: Account, database: str, table: str, records: list[Record], once: str = "") -> int:
    """Add records (each with its `time`) to a table in one transaction."""
    with account.tables.locked(database, table):
        present = {column.name: column.type for column in account.tables.info(database, table).columns}
        columns = {column_name(key): name for name, key in account.tables.keys(database, table).items()}
        return account.tables.append(database, table, arrow_table(records, present, columns), once)


def unpack(body: bytes) -> Iterator[Any]:
    """The objects of a msgpack stream (gzip or plain); Refused when it is broken, cut or too large."""
    unpacker = msgpack.Unpacker(
        raw=False, strict_map_key=False, unicode_errors="replace", max_buffer_size=2**31 - 1
    )
    fed = 0
    try:
        for chunk in inflated(body):
            unpacker.feed(chunk)
            fed += len(chunk)
            yield from unpacker
    except Refused:
        raise
    except Exception as error:  # msgpack raises ValueError, TypeError, OverflowError and its own
        raise Refused(f"the msgpack stream cannot be read: {error or type(error).__name__}") from None
    if unpacker.tell() != fed:
        raise Refused("the msgpack stream ends in the middle of a record")


def inflated(body: bytes) -> Iterator[bytes]:
    """The bytes of a gzip file (several members too), in chunks; plain bytes as they are."""
    if body[:2] != b"\x1f\x8b":
        yield body
        return
    total = 0
    rest = body
    while rest:
        reader = zlib.decompressobj(GZIP_OR_ZLIB)
        try:
            while not reader.eof:
                data = reader.decompress(rest, CHUNK)
                rest = reader.unconsumed_tail
                if not data and not rest and not reader.eof:
                    raise Refused("the gzip stream ends too early")
                total += len(data)
                if total > UNPACKED_LIMIT:
                    raise Refused(f"the upload unpacks to more than {UNPACKED_LIMIT} bytes")
                yield data
        except zlib.error as error:
            raise Refused(f"the gzip stream cannot be read: {error}") from None
        rest = reader.unused_data


def sort_out(objects: Iterator[Any]) -> Imported:
    """Keep records with a number as `time`; Refused when the stream holds something else than maps."""
    imported = Imported()
    for record in objects:
        if type(record) is not dict:
            raise Refused(f"the stream holds {type(record).__name__} where a map was expected")
        time = record.get("time")
        if type(time) is int and SMALLEST <= time <= LARGEST:
            imported.good.append(record)
        elif type(time) is float and abs(time) < 2.0**62:
            imported.good.append({**record, "time": int(time)})
        else:
            imported.bad.append(record)
    return imported


def arrow_table(
    records: Sequence[Record], present: Mapping[str, str], columns_of: Mapping[str, str] | None = None
) -> pa.Table:
    """Records as an Arrow table: columns in *present* with their types, others with inferred ones.

    Args:
        records: maps; a record may lack any column.
        present: columns of the table and their types, as Trino names them.
        columns_of: columns of names in the records that are called otherwise.
    """
    columns = {}
    for key, keys in column_keys(records).items():
        name = (columns_of or {}).get(key, key)
        values = column_values(records, keys)
        type_text = present.get(name) or inferred_type(values)
        columns[name] = typed_array(values, parse_type(type_text))
    if not columns:
        columns["time"] = pa.array([], pa.int64())
    return pa.table(columns)


def column_keys(records: Sequence[Record]) -> dict[str, list[Any]]:
    """Column names in order of appearance, each with the keys that are spelled so."""
    seen: dict[Any, None] = {}
    last: Any = None
    for record in records:
        keys = record.keys()
        if keys != last:
            seen.update(dict.fromkeys(keys))
            last = keys
    columns: dict[str, list[Any]] = {}
    for key in seen:
        name = column_name(key)
        if name:
            columns.setdefault(name, []).append(key)
    return columns


def column_name(key: Any) -> str:
    """A record's key as a column name."""
    if isinstance(key, bytes):
        key = key.decode("utf-8", "replace")
    return str(key).lower()


def column_values(records: Sequence[Record], keys: list[Any]) -> list[Any]:
    """One column of all records; of two spellings in one record the later one counts."""
    if len(keys) == 1:
        key = keys[0]
        return [record.get(key) for record in records]
    reverse = keys[::-1]
    return [next((record[key] for key in reverse if key in record), None) for record in records]


def inferred_type(values: Sequence[Any]) -> str:
    """The type of a new column, as Trino names it.

    >>> inferred_type([1, None]), inferred_type([1, 2.5]), inferred_type([True]), inferred_type([[1], [2]])
    ('bigint', 'double', 'varchar', 'array(bigint)')
    """
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {int}:
        fits = all(value is None or SMALLEST <= value <= LARGEST for value in values)
        return "bigint" if fits else "varchar"
    if kinds and kinds <= {int, float}:
        return "double"
    if kinds == {list}:
        return f"array({item_type([item for value in values if value is not None for item in value])})"
    return "varchar"


def item_type(items: Sequence[Any]) -> str:
    """The type of a list's items: with a null among them Treasure Data takes them for text."""
    return "varchar" if any(item is None for item in items) else inferred_type(items)


def typed_array(values: list[Any], tree: TypeTree) -> pa.Array:
    """Values as an Arrow array of a Trino type; what does not fit becomes null."""
    arrow = arrow_type(tree)
    try:
        return pa.array(values, arrow)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError, TypeError, ValueError):
        return pa.array([fitted(value, tree) for value in values], arrow)


def arrow_type(tree: TypeTree) -> pa.DataType:
    """The Arrow type of a column."""
    if tree.name in ("bigint", "integer", "smallint", "tinyint"):
        return pa.int64()
    if tree.name in ("double", "real"):
        return pa.float64()
    if tree.name == "array" and isinstance(tree.arguments[0], TypeTree):
        return pa.list_(arrow_type(tree.arguments[0]))
    return pa.string()


def fitted(value: Any, tree: TypeTree) -> Any:
    """One value as the column's type wants it, or None."""
    if value is None:
        return None
    if tree.name in ("bigint", "integer", "smallint", "tinyint"):
        return as_whole(value)
    if tree.name in ("double", "real"):
        return as_double(value)
    if tree.name == "array" and isinstance(tree.arguments[0], TypeTree):
        item = tree.arguments[0]
        return [fitted(one, item) for one in value] if isinstance(value, list) else None
    return as_string(value)


def as_whole(value: Any) -> int | None:
    """A long, or None: fractions are cut off, text must be a number.

    >>> as_whole("12"), as_whole(1.9), as_whole("x"), as_whole(2**70)
    (12, 1, None, None)
    """
    if isinstance(value, str):
        if WHOLE.fullmatch(value):
            value = int(value)
        elif NUMBER.fullmatch(value):
            value = float(value)
        else:
            return None
    if isinstance(value, float):
        if not abs(value) < 2.0**63:
            return None
        value = int(value)
    if isinstance(value, int):
        return int(value) if SMALLEST <= value <= LARGEST else None
    return None


def as_double(value: Any) -> float | None:
    """A double, or None when it is no number."""
    if isinstance(value, str) and not NUMBER.fullmatch(value):
        return None
    if not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def as_string(value: Any) -> str | None:
    """A string: text as it is, numbers and booleans as JSON writes them, lists and maps as JSON.

    >>> as_string(True), as_string(1.0), as_string([1, None])
    ('true', '1.0', '[1,null]')
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=str).decode()
    except (TypeError, ValueError):
        return str(value)
