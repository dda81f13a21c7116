"""Files of rows: results as CSV, TSV or JSON lines, and the formats of table exports."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from typing import IO, Any

import orjson

from tdlocal.account.errors import Refused
from tdlocal.engine.types import Column

TABLE_FORMATS = ("jsonl.gz", "tsv.gz", "json.gz", "line-json.gz")
FILE_FORMATS = {"csv": ",", "tsv": "\t", "jsonl": ""}
NULLS = {"": "", "empty": "", "empty_string": "", "\\N": "\\N", "NULL": "NULL", "null": "null"}
NEWLINES = {"crlf": "\r\n", "lf": "\n", "cr": "\r"}
DELIMITERS = {"\\t": "\t", "tab": "\t", "pipe": "|", "": ","}


def file_format(settings: dict[str, Any], key: str) -> str:
    """The format of a result file: as asked, else by its name, else CSV."""
    bare = key.lower().removesuffix(".gz")
    guessed = next((form for form in FILE_FORMATS if bare.endswith(f".{form}")), "csv")
    form = str(settings.get("format") or guessed).lower()
    if form not in FILE_FORMATS:
        known = ", ".join(FILE_FORMATS)
        raise Refused(f"format '{form[:40]}' is not supported by tdlocal; use one of {known}")
    return form


def write_file(
    file: IO[bytes], rows: Iterator[list[Any]], columns: Sequence[Column], key: str, settings: dict[str, Any]
) -> None:
    """Write a result as CSV, TSV or JSON lines, gzipped when asked or by its name."""
    form = file_format(settings, key)
    packed = str(settings.get("compression") or "").lower() in ("gz", "gzip") or key.lower().endswith(".gz")
    if packed:
        with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0, compresslevel=6) as stream:
            write_rows(stream, rows, columns, form, settings)
    else:
        write_rows(file, rows, columns, form, settings)


def write_rows(
    file: Any, rows: Iterator[list[Any]], columns: Sequence[Column], form: str, settings: dict[str, Any]
) -> None:
    """Write rows to a binary file in one of FILE_FORMATS."""
    if form == "jsonl":
        for row in rows:
            file.write(json_record(row, columns) + b"\n")
        return
    delimiter = str(settings.get("delimiter", "")) or FILE_FORMATS[form]
    null = NULLS.get(str(settings.get("null") or settings.get("null_string") or ""), "")
    text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
    writer = csv.writer(
        text,
        delimiter=DELIMITERS.get(delimiter, delimiter)[:1],
        lineterminator=NEWLINES.get(str(settings.get("newline", "crlf")).lower(), "\r\n"),
        quotechar=str(settings.get("quote") or '"')[:1],
    )
    if str(settings.get("header", "true")).lower() != "false":
        writer.writerow(column.name for column in columns)
    for row in rows:
        writer.writerow([null if value is None else cell(value) for value in row])
    text.flush()
    text.detach()


def write_table(file: IO[bytes], rows: Iterator[list[Any]], columns: Sequence[Column], form: str) -> None:
    """Write rows in a format of table exports: one JSON object a line, all in a JSON list, or TSV."""
    with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0, compresslevel=6) as stream:
        if form == "tsv.gz":
            write_rows(stream, rows, columns, "tsv", {"newline": "lf"})
            return
        if form == "json.gz":
            write_list(stream, rows, columns)
            return
        for row in rows:
            stream.write(json_record(row, columns) + b"\n")


def write_list(file: Any, rows: Iterator[list[Any]], columns: Sequence[Column]) -> None:
    """Write rows as one JSON list of objects."""
    before = b"["
    for row in rows:
        file.write(before + json_record(row, columns))
        before = b","
    file.write(b"[]" if before == b"[" else b"]")


def json_record(row: Sequence[Any], columns: Sequence[Column]) -> bytes:
    """A row as a JSON object; what JSON lacks (NaN) is null."""
    return orjson.dumps({column.name: value for column, value in zip(columns, row, strict=True)}, default=str)


def cell(value: Any) -> Any:
    """A value in CSV: lists and maps as JSON, booleans in small letters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return orjson.dumps(value, default=str).decode() if isinstance(value, list | dict) else value
