"""Objects of a bulk load to records: decoders, then CSV, JSON, JSON lines or msgpack, by the configuration.

The words are those of Embulk's parsers, which Treasure Data's configurations use.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import msgpack
import orjson

from tdlocal.account.errors import Refused
from tdlocal.account.imports import UNPACKED_LIMIT
from tdlocal.account.load_values import LoadColumn, Unusable, read_columns, reader_of, to_text

Rows = Iterator[list[Any]]
BAD_RECORDS_TOLD = 20
LONGEST_CELL = 2**27
PARSERS = ("csv", "tsv", "json", "jsonl", "msgpack")
DECODERS = ("gzip", "bzip2", "zip")
GZIP, BZIP2 = b"\x1f\x8b", b"BZh"


@dataclass
class Skipped:
    """Records that were left out: how many, and what was wrong with the first ones."""

    count: int = 0
    told: list[str] = field(default_factory=list)

    def add(self, where: str, why: str, *, stop: bool) -> None:
        """Count a record; Refused when the configuration says to stop at one."""
        if stop:
            raise Refused(f"{where}: {why} (stop_on_invalid_record)")
        self.count += 1
        if len(self.told) < BAD_RECORDS_TOLD:
            self.told.append(f"{where}: {why}")


@dataclass(frozen=True)
class Parser:
    """How the objects of one load are read: their columns, and what yields the rows of one of them."""

    columns: list[LoadColumn]
    rows: Callable[[IO[bytes], str, Skipped], Rows]


def parser_of(settings: Any) -> Parser:
    """The parser that `in.parser` describes; Refused naming what is wrong with it."""
    if not isinstance(settings, dict):
        raise Refused("the configuration has no in.parser; bulk_loads/guess makes one")
    kind = settings.get("type")
    if kind in ("csv", "tsv"):
        return csv_parser(settings)
    if kind in ("json", "jsonl"):
        return json_parser(settings)
    if kind == "msgpack":
        return msgpack_parser(settings)
    raise Refused(f"there is no parser '{kind!s:.40}' here; use one of {', '.join(PARSERS)}")


def open_object(path: Path, decoders: Any) -> IO[bytes]:
    """The unpacked bytes of an object. gzip and bzip2 are known by their first bytes, named or not."""
    for decoder in decoders or ():
        kind = decoder.get("type") if isinstance(decoder, dict) else decoder
        if kind not in DECODERS:
            raise Refused(f"there is no decoder '{kind!s:.40}' here; use one of {', '.join(DECODERS)}")
        if kind == "zip":
            return zipped(path)
    with path.open("rb") as file:
        head = file.read(3)
    if head.startswith(GZIP):
        return cast("IO[bytes]", gzip.open(path))
    return bz2.open(path) if head == BZIP2 else path.open("rb")


def zipped(path: Path) -> IO[bytes]:
    """The files of a zip archive one after the other."""
    with zipfile.ZipFile(path) as archive:
        files = [one for one in archive.infolist() if not one.is_dir()]
        if sum(one.file_size for one in files) > UNPACKED_LIMIT // 16:
            raise Refused(f"{path.name} unpacks to more than {UNPACKED_LIMIT // 16} bytes")
        return io.BytesIO(b"".join(archive.read(one) for one in files))


def csv_parser(settings: dict[str, Any]) -> Parser:
    """Delimited text: delimiter, quote, escape, skip_header_lines, columns, null_string, charset, …"""
    columns = read_columns(settings.get("columns"), "in.parser.columns", settings)
    tab = settings["type"] == "tsv"
    layout = Layout(
        delimiter=str(settings.get("delimiter", "\t" if tab else ",")),
        quote=one_letter(settings.get("quote", '"'), "quote"),
        escape=one_letter(settings.get("escape", "\\"), "escape"),
        charset=str(settings.get("charset", "utf-8")),
        skip=whole(settings.get("skip_header_lines", 0), "skip_header_lines"),
        null=settings.get("null_string"),
        trim=bool(settings.get("trim_if_not_quoted")),
        comment=settings.get("comment_line_marker"),
        optional=bool(settings.get("allow_optional_columns")),
        extra=bool(settings.get("allow_extra_columns")),
        stop=bool(settings.get("stop_on_invalid_record")),
    )
    if len(layout.delimiter) != 1:
        raise Refused("in.parser.delimiter must be one character")
    readers = [reader_of(column) for column in columns]
    return Parser(columns, lambda stream, name, skipped: csv_rows(stream, name, skipped, layout, readers))


@dataclass(frozen=True)
class Layout:
    """How delimited text is written."""

    delimiter: str
    quote: str
    escape: str
    charset: str
    skip: int
    null: str | None
    trim: bool
    comment: str | None
    optional: bool
    extra: bool
    stop: bool


def one_letter(value: Any, word: str) -> str:
    """A setting of one character; empty when it is null or empty."""
    if value in (None, ""):
        return ""
    if not isinstance(value, str) or len(value) != 1:
        raise Refused(f"in.parser.{word} must be one character")
    return value


def whole(value: Any, word: str) -> int:
    """A setting that is a number of 0 or more."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number < 2**31:
        raise Refused(f"in.parser.{word} must be a whole number")
    return number


def text_of(stream: IO[bytes], charset: str) -> io.TextIOWrapper:
    """A stream as text; a byte-order mark is left out."""
    try:
        encoding = "utf-8-sig" if charset.lower().replace("-", "") == "utf8" else charset
        return io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")
    except LookupError:
        raise Refused(f"the charset '{charset[:40]}' is not known") from None


class Remembered:
    """The lines of a text, with those that the reader took for its present record."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.taken: list[str] = []

    def __iter__(self) -> Remembered:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.taken.append(line)
        return line


def csv_rows(
    stream: IO[bytes], name: str, skipped: Skipped, layout: Layout, readers: list[Callable[[Any], Any]]
) -> Rows:
    """The rows of one object of delimited text."""
    csv.field_size_limit(LONGEST_CELL)
    lines = wanted_lines(text_of(stream, layout.charset), layout)
    remembered = Remembered(lines)
    table = csv.reader(
        remembered,
        delimiter=layout.delimiter,
        quoting=csv.QUOTE_MINIMAL if layout.quote else csv.QUOTE_NONE,
        quotechar=layout.quote or None,
        escapechar=layout.escape if layout.escape and layout.escape != layout.quote else None,
        doublequote=True,
        skipinitialspace=layout.trim,
    )
    empties = layout.quote * 2
    while True:
        remembered.taken.clear()
        try:
            cells = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            skipped.add(f"{name}:{table.line_num + layout.skip}", str(error), stop=layout.stop)
            continue
        if not cells:
            continue
        quoted = empties and "" in cells and any(empties in line for line in remembered.taken)
        empty = quoted_empties("".join(remembered.taken), layout) if quoted else frozenset()
        try:
            yield csv_row(cells, empty, layout, readers)
        except Unusable as error:
            skipped.add(f"{name}:{table.line_num + layout.skip}", str(error), stop=layout.stop)


def wanted_lines(lines: Iterator[str], layout: Layout) -> Iterator[str]:
    """The lines after the header that are no comments."""
    for number, line in enumerate(lines):
        if number >= layout.skip and not (layout.comment and line.startswith(layout.comment)):
            yield line


def quoted_empties(text: str, layout: Layout) -> frozenset[int]:
    """The numbers of the cells that are written `""`: empty text, where nothing at all means null."""
    quote, found, number, inside, start = layout.quote, set(), 0, False, 0
    for position, letter in enumerate(text):
        if letter == quote:
            inside = not inside
        elif not inside and letter == layout.delimiter:
            if text[start:position].strip() == quote * 2:
                found.add(number)
            number, start = number + 1, position + 1
    if text[start:].strip() == quote * 2:
        found.add(number)
    return frozenset(found)


def csv_row(
    cells: list[str], empty: frozenset[int], layout: Layout, readers: list[Callable[[Any], Any]]
) -> list[Any]:
    """Cells as values; Unusable for too many, too few, or one that does not fit its column."""
    width = len(readers)
    if len(cells) > width and not layout.extra:
        raise Unusable(f"{len(cells)} values for {width} columns")
    if len(cells) < width and not layout.optional:
        raise Unusable(f"{len(cells)} values for {width} columns")
    row: list[Any] = []
    for number, (cell, read) in enumerate(zip(cells, readers, strict=False)):
        if layout.trim:
            cell = cell.strip()
        if cell == layout.null or (cell == "" and (layout.null is None and number not in empty)):
            row.append(None)
        else:
            row.append(read(cell) if cell != "" or read is to_text else None)
    row.extend([None] * (width - len(row)))
    return row


RECORD = LoadColumn("record", "json")


def json_parser(settings: dict[str, Any]) -> Parser:
    """JSON values one after the other, or one a line; without `columns` each is the column `record`."""
    given = settings.get("columns", settings.get("schema"))
    columns = read_columns(given, "in.parser.columns", settings) if given else [RECORD]
    stop = bool(settings.get("stop_on_invalid_record"))
    charset = str(settings.get("charset", "utf-8"))
    root = str(settings.get("root") or settings.get("json_root") or "")
    flat = bool(settings.get("flatten_json_array"))
    readers = [reader_of(column) for column in columns]
    lines = settings["type"] == "jsonl"

    def rows(stream: IO[bytes], name: str, skipped: Skipped) -> Rows:
        text = text_of(stream, charset)
        values = json_lines(text, name, skipped, stop) if lines else json_values(text, name, skipped, stop)
        for number, value in enumerate(values, 1):
            for record in records_in(value, root, flat):
                try:
                    yield [record] if given in (None, []) else object_row(record, columns, readers)
                except Unusable as error:
                    skipped.add(f"{name}: record {number}", str(error), stop=stop)

    return Parser(columns, rows)


def json_lines(text: io.TextIOWrapper, name: str, skipped: Skipped, stop: bool) -> Iterator[Any]:
    """One JSON value a line."""
    for number, line in enumerate(text, 1):
        if line.strip():
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError as error:
                skipped.add(f"{name}:{number}", f"not JSON: {error}", stop=stop)


def json_values(text: io.TextIOWrapper, name: str, skipped: Skipped, stop: bool) -> Iterator[Any]:
    """JSON values one after the other, whatever the line ends; what follows a broken one is lost."""
    parts: list[str] = []
    size = next_try = 0
    for line in text:
        parts.append(line)
        size += len(line)
        if size >= next_try:  # tried again at double the size: a long value is not read again at each line
            rest = yield from leading_values("".join(parts))
            parts, size, next_try = [rest], len(rest), 2 * len(rest)
    rest = yield from leading_values("".join(parts), ended=True)
    if rest:
        skipped.add(name, f"not JSON: {rest[:40]!r}", stop=stop)


def leading_values(text: str, *, ended: bool = False) -> Generator[Any, None, str]:
    """Yield the whole JSON values that a text begins with, and return the rest."""
    decoder = json.JSONDecoder()
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        try:
            value, end = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError):
            break
        if end == len(text) and not ended and text[-1] not in "}]":
            break  # a number or a word may go on
        yield value
        position = end
    return text[position:]


def records_in(value: Any, root: str, flat: bool) -> list[Any]:
    """The records of one JSON value: what *root* (a JSON pointer) leads to, or the items of a list."""
    for part in [part for part in root.strip("$").replace(".", "/").split("/") if part]:
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return []
    return value if flat and isinstance(value, list) else [value]


def object_row(record: Any, columns: list[LoadColumn], readers: list[Callable[[Any], Any]]) -> list[Any]:
    """The members of an object as values of the columns."""
    if not isinstance(record, dict):
        raise Unusable(f"{record!r:.40} is not an object")
    row = []
    for column, read in zip(columns, readers, strict=True):
        value = member(record, column.element or column.name)
        row.append(None if value is None else read(value))
    return row


def member(record: dict[str, Any], path: str) -> Any:
    """A member of an object by its name, or by a path like `$.a.b[0]` or `/a/b`."""
    if path in record or not re.match(r"[$/]", path):
        return record.get(path)
    value: Any = record
    for part in re.findall(r"[^./\[\]'\"$]+", path):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def msgpack_parser(settings: dict[str, Any]) -> Parser:
    """A stream of msgpack maps (row_encoding map) or arrays."""
    columns = read_columns(settings.get("columns"), "in.parser.columns", settings)
    readers = [reader_of(column) for column in columns]

    def rows(stream: IO[bytes], name: str, skipped: Skipped) -> Rows:
        unpacker = msgpack.Unpacker(stream, raw=False, strict_map_key=False, unicode_errors="replace")
        try:
            for number, record in enumerate(unpacker, 1):
                if isinstance(record, list):
                    record = {column.name: value for column, value in zip(columns, record, strict=False)}
                try:
                    yield object_row(record, columns, readers)
                except Unusable as error:
                    skipped.add(f"{name}: record {number}", str(error), stop=False)
        except (ValueError, msgpack.UnpackException) as error:
            raise Refused(f"{name} is no msgpack stream: {error}") from None

    return Parser(columns, rows)
