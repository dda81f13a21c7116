"""One view of every kind of data file: names, types, and rows ready to send."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tdlocal.errors import KitError
from tdlocal.files.delimited import Layout, open_delimited
from tdlocal.files.guessing import DOUBLE, LONG, STRING, guess_types, is_label
from tdlocal.files.naming import column_names
from tdlocal.files.opening import detect_encoding, known_encoding, read_lines

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")


@dataclass
class Source:
    """A file ready to load.

    Args:
        path: the file.
        names: column names, safe for the account.
        types: long, double or string for each column.
        rows: returns a fresh iterator over rows of text, numbers or None, in the order of *names*.
        findings: what a reader should know about the file; filled while rows are read.
    """

    path: Path
    names: list[str]
    types: list[str]
    rows: Callable[[], Iterator[list[Any]]]
    findings: list[str] = field(default_factory=list)


def open_source(
    path: Path, layout: Layout, types: dict[str, str] | None = None, *, all_text: bool = False
) -> Source:
    """Open *path* by its suffix (.csv, .tsv, .txt, .jsonl, .parquet, each also with .gz).

    Args:
        path: the file.
        layout: how to read delimited text.
        types: types that the caller knows, by column name; the others are guessed from all values.
        all_text: every other column is text.

    Raises:
        KitError: the file cannot be read as what it says it is.
    """
    if not path.is_file():
        raise KitError("no such file", where=str(path))
    known = dict(types or {})
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(".parquet"):
        source = _parquet(path)
    elif name.endswith(JSON_SUFFIXES):
        source = _json_lines(path, layout, known)
    else:
        source = _delimited(path, layout, known, all_text=all_text)
    unknown = sorted(set(known) - set(source.names))
    if unknown:
        raise KitError(
            f"no column {', '.join(unknown)}", where=str(path), mend=f"it has {', '.join(source.names)}"
        )
    source.types = [
        known.get(column, STRING if all_text else kind)
        for column, kind in zip(source.names, source.types, strict=True)
    ]
    return source


def _delimited(path: Path, layout: Layout, known: dict[str, str], *, all_text: bool) -> Source:
    opened = open_delimited(path, layout)
    if all_text or set(opened.names) <= set(known):
        types = [STRING] * len(opened.names)
    else:
        types = guess_types(opened.names, opened.rows())
    return Source(path, opened.names, types, opened.rows, opened.findings)


def _json_lines(path: Path, layout: Layout, known: dict[str, str]) -> Source:
    encoding = known_encoding(layout.encoding) if layout.encoding else detect_encoding(path)
    raw_names: dict[str, set[type]] = {name: set() for name in layout.columns}
    if not raw_names or not set(raw_names) <= set(known):
        for record in _records(path, encoding):
            for key, value in record.items():
                seen = raw_names.get(key)
                if seen is not None:
                    seen.add(type(value))
                elif not layout.columns:
                    raw_names[key] = {type(value)}
    names = column_names(list(raw_names), str(path))
    types = [_json_type(name, kinds) for name, kinds in zip(names, raw_names.values(), strict=True)]
    texts = [kind == STRING for kind in (known.get(n, t) for n, t in zip(names, types, strict=True))]
    keys = list(zip(raw_names, texts, strict=True))

    plain = (str, type(None))  # most values: no call for them

    def rows() -> Iterator[list[Any]]:
        for record in _records(path, encoding):
            get = record.get
            yield [
                value if (value := get(key)).__class__ in plain or not text else _as_text(value)
                for key, text in keys
            ]

    return Source(path, names, types, rows)


def _records(path: Path, encoding: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(read_lines(path, encoding), 1):
        if line.isspace():
            continue
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            try:
                record = json.loads(line)  # NaN and numbers beyond 64 bits
            except ValueError as error:
                mend = "one JSON object a line is what is read here"
                raise KitError(f"not JSON: {error}", where=f"{path}:{number}", mend=mend) from error
        if not isinstance(record, dict):
            raise KitError("not a JSON object", where=f"{path}:{number}", mend="write one object a line")
        yield record


def _json_type(name: str, kinds: set[type]) -> str:
    kinds = kinds - {type(None)}
    if is_label(name):
        return STRING
    if kinds == {int}:
        return LONG
    return DOUBLE if kinds and kinds <= {int, float} else STRING


def _as_text(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return orjson.dumps(value).decode() if isinstance(value, dict | list | float) else str(value)


def _parquet(path: Path) -> Source:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        opened = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise KitError(f"not a Parquet file: {error}", where=str(path)) from error
    schema = opened.schema_arrow
    names = column_names(list(schema.names), str(path))
    types = [
        LONG if pa.types.is_integer(kind) else DOUBLE if pa.types.is_floating(kind) else STRING
        for kind in schema.types
    ]
    texts = [kind == STRING for kind in types]

    def rows() -> Iterator[list[Any]]:
        for batch in opened.iter_batches(batch_size=16_384):
            columns = [
                [_arrow_text(value) for value in column.to_pylist()] if text else column.to_pylist()
                for column, text in zip(batch.columns, texts, strict=True)
            ]
            for row in zip(*columns, strict=True):
                yield list(row)

    return Source(path, names, types, rows)


def _arrow_text(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return orjson.dumps(value, default=str).decode() if isinstance(value, dict | list) else str(value)
