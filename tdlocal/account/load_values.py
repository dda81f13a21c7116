"""Values of a bulk load: text and JSON to long, double, boolean, timestamp, string and json, as Embulk does.

A timestamp is a number of microseconds since 1970; json is the Python value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from tdlocal.account.errors import Refused
from tdlocal.account.imports import LARGEST, NUMBER, SMALLEST, WHOLE
from tdlocal.engine.zones import zone

TYPES = ("boolean", "long", "double", "string", "timestamp", "json")
TRUE = frozenset(("true", "True", "TRUE", "yes", "Yes", "YES", "t", "T", "y", "Y", "on", "On", "ON", "1"))
DEFAULT_FORMAT = "%Y-%m-%d %H:%M:%S.%N %z"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DIRECTIVE = re.compile(r"%(-?[a-zA-Z%]|:z|[369]N)")
PYTHON_DIRECTIVES = {
    "F": "%Y-%m-%d", "T": "%H:%M:%S", "X": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "x": "%m/%d/%y",
    "e": "%d", "k": "%H", "l": "%I", "h": "%b", "P": "%p", "N": "%f", "L": "%f", "3N": "%f", "6N": "%f",
    "9N": "%f", ":z": "%z", "n": " ", "t": " ", "c": "%a %b %d %H:%M:%S %Y", "Z": "%z",
}  # fmt: skip
KNOWN = frozenset("aAbBdHIjmMpSyYzfUWwuGV%")
LONG_FRACTION = re.compile(r"(\.\d{6})\d+")
ZONE_WORD = re.compile(r"\s*([A-Z]{2,5})$")


class Unusable(Exception):
    """A value that its column cannot hold; the record is left out."""


@dataclass(frozen=True)
class LoadColumn:
    """A column of a load: its name, one of TYPES, and for timestamps the format and the zone.

    `element` is the member of a JSON object that it is read from, its name when empty.
    """

    name: str
    type: str
    format: str = ""
    zone: str = ""
    element: str = ""


def read_columns(entries: Any, where: str, parser: dict[str, Any]) -> list[LoadColumn]:
    """The `columns` of a configuration; Refused naming the entry that makes no sense."""
    if not isinstance(entries, list) or not entries:
        raise Refused(f"{where} must be a list of {{name, type}}")
    columns = []
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise Refused(f"{where}: {entry!r:.80} is not {{name, type}}")
        kind = str(entry.get("type", "string")).lower()
        if kind not in TYPES:
            raise Refused(f"{where}: column '{entry['name']}' has the unknown type '{kind[:40]}'")
        form = entry.get("format") or parser.get("default_timestamp_format") or DEFAULT_FORMAT
        zone_name = entry.get("timezone") or parser.get("default_timezone") or "UTC"
        column = LoadColumn(
            entry["name"],
            kind,
            str(form),
            str(zone_name),
            str(entry.get("element_at") or entry.get("path") or ""),
        )
        if kind == "timestamp":
            reader_of(column)
        columns.append(column)
    return columns


def reader_of(column: LoadColumn) -> Callable[[Any], Any]:
    """What turns a value into one of the column's type; it raises Unusable."""
    if column.type == "timestamp":
        return timestamp_reader(column.format, column.zone)
    return {"string": to_text, "long": to_long, "double": to_double, "boolean": to_boolean, "json": to_json}[
        column.type
    ]


def to_text(value: Any) -> str:
    """
    >>> to_text(True), to_text([1])
    ('true', '[1]')
    """
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def to_long(value: Any) -> int:
    """
    >>> to_long(" 12")
    12
    """
    try:
        number = int(value) if not isinstance(value, str) or WHOLE.fullmatch(value) else None
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or not SMALLEST <= number <= LARGEST:
        raise Unusable(f"'{value!s:.40}' is no whole number")
    return number


def to_double(value: Any) -> float:
    """
    >>> to_double("1e3"), to_double("NaN")
    (1000.0, nan)
    """
    if (
        isinstance(value, str)
        and not NUMBER.fullmatch(value)
        and value not in ("NaN", "Infinity", "-Infinity")
    ):
        raise Unusable(f"'{value:.40}' is no number")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise Unusable(f"'{value!s:.40}' is no number") from None


def to_boolean(value: Any) -> bool:
    """
    >>> to_boolean("yes"), to_boolean("no")
    (True, False)
    """
    return value in TRUE if isinstance(value, str) else bool(value)


def to_json(value: Any) -> Any:
    """
    >>> to_json('{"a": 1}')
    {'a': 1}
    """
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise Unusable(f"'{value:.40}' is not JSON") from None


@lru_cache(maxsize=256)
def timestamp_reader(form: str, zone_name: str) -> Callable[[Any], int]:
    """What reads a moment in Ruby's strptime *form*; a moment without a zone is in *zone_name*.

    >>> timestamp_reader("%Y-%m-%d %H:%M", "Asia/Tokyo")("1970-01-01 09:01")
    60000000

    Raises Refused for a format or a zone that is not known.
    """
    home = zone(zone_name)
    if home is None:
        raise Refused(f"the time zone '{zone_name[:40]}' is not known")
    if form in ("%s", "%Q"):
        factor = 1_000_000 if form == "%s" else 1_000
        return lambda value: round(to_double(value) * factor)
    pattern = python_format(form)

    def read(value: Any) -> int:
        text = LONG_FRACTION.sub(r"\1", str(value).strip())
        if "%z" in pattern:
            text = ZONE_WORD.sub(lambda match: offset_of(match[1]), text)
        try:
            moment = datetime.strptime(text, pattern)  # the zone comes next
        except ValueError:
            raise Unusable(f"'{value!s:.40}' is no time like {form}") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=home)
        return (moment - EPOCH) // timedelta(microseconds=1)

    return read


def offset_of(name: str) -> str:
    """The offset of a zone's short name; the name itself when it is not known.

    >>> offset_of("UTC"), offset_of("EST")
    ('+0000', '-0500')
    """
    found = zone(name)
    return name if found is None else datetime.now(found).strftime("%z")


def python_format(form: str) -> str:
    """Ruby's strptime format as Python's.

    >>> python_format("%Y-%m-%dT%H:%M:%S.%L%:z")
    '%Y-%m-%dT%H:%M:%S.%f%z'
    """

    def replaced(match: re.Match[str]) -> str:
        word = match[1].lstrip("-")
        if word in PYTHON_DIRECTIVES:
            return PYTHON_DIRECTIVES[word]
        if word in KNOWN:
            return f"%{word}"
        raise Refused(f"the time format '{form[:60]}' has an unknown directive %{word}")

    return DIRECTIVE.sub(replaced, form)


def moment_text(microseconds: int, form: str, zone_name: str) -> str:
    """A moment in Ruby's strftime *form*.

    >>> moment_text(1_500_000, "%Y-%m-%d %H:%M:%S.%3N", "UTC")
    '1970-01-01 00:00:01.500'
    """
    moment = (EPOCH + timedelta(microseconds=microseconds)).astimezone(zone(zone_name) or UTC)
    digits = {"3N": 3, "L": 3, "6N": 6, "9N": 9, "N": 9}

    def replaced(match: re.Match[str]) -> str:
        if match[1] in digits:
            return f"{moment.microsecond:06d}000"[: digits[match[1]]]
        if match[1] == "s":
            return str(int(moment.timestamp()))
        return (
            moment.strftime(PYTHON_DIRECTIVES.get(match[1], f"%{match[1]}"))
            if match[1] != ":z"
            else (f"{moment:%z}"[:3] + ":" + f"{moment:%z}"[3:])
        )

    return DIRECTIVE.sub(replaced, form)
