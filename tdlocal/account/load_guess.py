"""Guesses how an object is written: decoder, charset, line ends, delimiter, header and column types."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import orjson

from tdlocal.account.errors import Refused
from tdlocal.account.load_parsers import BZIP2, GZIP, open_object
from tdlocal.account.load_values import Unusable, timestamp_reader

SAMPLE = 2**16  # bytes of an object that are looked at
DELIMITERS = (",", "\t", "|", ";")
LONG = re.compile(r"[+-]?\d{1,18}")
DOUBLE = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][+-]?\d+)?")
BOOLEANS = frozenset(("true", "false", "True", "False", "TRUE", "FALSE"))
TIMES = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%N%z",
    "%Y-%m-%dT%H:%M:%S.%N", "%Y-%m-%d %H:%M:%S.%N", "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S.%N %z",
    "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%d/%b/%Y:%H:%M:%S %z",
)  # fmt: skip
CLEAN_NAMES = {
    "type": "rename",
    "rules": [
        {"rule": "upper_to_lower"},
        {"rule": "character_types", "pass_types": ["a-z", "0-9"], "pass_characters": "_", "replace": "_"},
        {"rule": "first_character_types", "pass_types": ["a-z"], "pass_characters": "_", "prefix": "_"},
        {"rule": "unique_number_suffix", "max_length": 128},
    ],
}
UPLOAD_TIME = {"type": "add_time", "to_column": {"name": "time"}, "from_value": {"mode": "upload_time"}}


def guess(config: dict[str, Any], path: Path) -> dict[str, Any]:
    """The whole configuration for objects like *path*: what *config* says stays, what it lacks is guessed."""
    source = dict(config["in"])
    given = dict(source.get("parser") or {})
    with path.open("rb") as file:
        head = file.read(3)
    decoder = "gzip" if head.startswith(GZIP) else "bzip2" if head == BZIP2 else ""
    if decoder and not source.get("decoders"):
        source["decoders"] = [{"type": decoder}]
    with open_object(path, source.get("decoders")) as stream:
        sample = stream.read(SAMPLE)
    plugins = (config.get("exec") or {}).get("guess_plugins") or []
    found = guessed_parser(sample, given, plugins)
    source["parser"] = {**found, **given}
    filters = config.get("filters") or [CLEAN_NAMES]
    has_time = any(one.get("name") == "time" for one in source["parser"].get("columns") or ())
    if not has_time and not any(one.get("type") == "add_time" for one in filters):
        filters = [*filters, UPLOAD_TIME]
    return {**config, "in": source, "out": config.get("out") or {"mode": "append"}, "filters": filters}


def guessed_parser(sample: bytes, given: dict[str, Any], plugins: list[str]) -> dict[str, Any]:
    """The parser section for what a sample of an object shows."""
    charset = str(given.get("charset") or charset_of(sample))
    text = sample.decode(charset, "replace").lstrip("\ufeff")
    newline = "CRLF" if "\r\n" in text else "CR" if "\r" in text and "\n" not in text else "LF"
    lines = text.splitlines()
    if len(sample) == SAMPLE:
        lines = lines[:-1]  # it is cut
    if not any(lines):
        raise Refused("the object is empty: nothing can be guessed from it")
    about = {"charset": charset, "newline": newline}
    kind = given.get("type")
    if kind in ("json", "jsonl") or (kind is None and text.lstrip()[:1] in ("{", "[")):
        return guessed_json(lines, "jsonl" if "jsonl" in plugins else kind or "json") | about
    if kind not in (None, "csv", "tsv"):
        return about
    return guessed_csv([line for line in lines if line.strip()], given) | about


def charset_of(sample: bytes) -> str:
    """UTF-8 when it is, else UTF-16 by its mark, else the Western one byte a letter."""
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16"
    try:
        sample[:-4].decode("utf-8")
    except UnicodeDecodeError as error:
        return "UTF-8" if error.start >= len(sample) - 8 else "ISO-8859-1"
    return "UTF-8"


def guessed_json(lines: list[str], kind: str) -> dict[str, Any]:
    """JSON has nothing to guess; JSON lines have columns."""
    if kind == "json":
        return {"type": "json"}
    values: dict[str, list[Any]] = {}
    for line in lines:
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        for name, value in record.items() if isinstance(record, dict) else ():
            values.setdefault(name, []).append(value)
    return {"type": "jsonl", "columns": [described(name, json_type(found)) for name, found in values.items()]}


def json_type(values: list[Any]) -> tuple[str, str]:
    """The type of a column of JSON values."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {bool}:
        return "boolean", ""
    if kinds == {int}:
        return "long", ""
    if kinds and kinds <= {int, float}:
        return "double", ""
    return ("json", "") if kinds & {dict, list} else ("string", "")


def guessed_csv(lines: list[str], given: dict[str, Any]) -> dict[str, Any]:
    """Delimiter, header and columns of delimited text."""
    delimiter = str(given.get("delimiter") or ("\t" if given.get("type") == "tsv" else best_delimiter(lines)))
    rows = list(csv.reader(lines, delimiter=delimiter))
    width = max(map(len, rows), key=[len(row) for row in rows].count)
    rows = [row for row in rows if len(row) == width]
    header = is_header(rows)
    body = rows[1:] if header else rows
    names = [cell.strip() for cell in rows[0]] if header else [f"c{number}" for number in range(width)]
    types = [text_type([row[number] for row in body]) for number in range(width)]
    return {
        "type": "csv",
        "delimiter": delimiter,
        "quote": '"',
        "escape": '"',
        "trim_if_not_quoted": False,
        "skip_header_lines": 1 if header else 0,
        "allow_extra_columns": False,
        "allow_optional_columns": False,
        "columns": [described(name, kind) for name, kind in zip(names, types, strict=True)],
    }


def described(name: str, kind: tuple[str, str]) -> dict[str, str]:
    """A column as the configuration has it."""
    return {"name": name, "type": kind[0]} | ({"format": kind[1]} if kind[1] else {})


def best_delimiter(lines: list[str]) -> str:
    """The delimiter that splits the lines into the most values, evenly."""
    best, most = ",", 1
    for delimiter in DELIMITERS:
        widths = [len(row) for row in csv.reader(lines[:50], delimiter=delimiter) if row]
        if widths and widths[0] > most and widths.count(widths[0]) * 2 > len(widths):
            best, most = delimiter, widths[0]
    return best


def is_header(rows: list[list[str]]) -> bool:
    """Whether the first row holds names: all different text, and not like what is below them."""
    first = [cell.strip() for cell in rows[0]]
    if "" in first or len(set(first)) < len(first) or any(text_type([cell])[0] != "string" for cell in first):
        return False
    body = rows[1:]
    if any(text_type([row[n] for row in body])[0] != "string" for n in range(len(first))):
        return True
    return all(re.fullmatch(r"[A-Za-z_][\w .-]*", cell) for cell in first) and not any(
        cell in {row[n] for row in body} for n, cell in enumerate(first)
    )


def text_type(values: list[str]) -> tuple[str, str]:
    """The type of a column of text, and the format when it is a timestamp."""
    values = [value.strip() for value in values if value.strip()]
    if not values:
        return "string", ""
    if all(LONG.fullmatch(value) and not re.match(r"[+-]?0\d", value) for value in values):
        return "long", ""
    numbers = all(LONG.fullmatch(value) or DOUBLE.fullmatch(value) for value in values)
    if numbers and any("." in value or "e" in value.lower() for value in values):
        return "double", ""
    if BOOLEANS.issuperset(values):
        return "boolean", ""
    for form in TIMES:
        if fits(form, values):
            return "timestamp", form
    return "string", ""


def fits(form: str, values: list[str]) -> bool:
    """Whether all values are moments in this format."""
    read = timestamp_reader(form, "UTC")
    try:
        for value in values:
            read(value)
    except Unusable:
        return False
    return True
