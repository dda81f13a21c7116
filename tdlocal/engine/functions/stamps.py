"""Timestamps as text: zones, ISO 8601, Joda and MySQL patterns, durations."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from math import floor

from tdlocal.engine.functions.failing import fail
from tdlocal.engine.functions.joda import format_joda
from tdlocal.engine.zones import FIXED_HOURS, SHORT_IDS, zone

_STAMP = re.compile(
    r"\s*([+-]?\d{4,})-(\d{1,2})-(\d{1,2})(?: (\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{0,12}))?)?)?"
    r"(?:(?<=[\d.]) ?([+-][\w/:+-]*)| ([A-Za-z][\w/:+-]*)|(?<=:\d\d)(Z))?\s*"
)
_ISO = re.compile(
    r"(\d{4})(?:-?(\d{2})(?:-?(\d{2}))?|-W(\d{2})(?:-(\d))?|-(\d{3}))?"
    r"(?:T(?:(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,12}))?)?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?"
)
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*")
_DURATION_UNITS = {"ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
# short ids that Treasure Data's own functions take, but Trino does not
_NOT_TRINO = (frozenset(SHORT_IDS) | frozenset(FIXED_HOURS) | {"ROC"}) - {"Z", "UTC", "GMT", "UT"}
_ZERO = frozenset(
    "UTC Z GMT UT UCT Zulu Greenwich Universal GMT0 Etc/UTC Etc/UCT Etc/GMT Etc/GMT0 Etc/GMT+0 Etc/GMT-0"
    " Etc/Zulu Etc/Greenwich Etc/Universal".split()
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def canonical_zone(name: str) -> str | None:
    """The name as Trino shows it; None when Trino has no such zone.

    >>> canonical_zone("+9"), canonical_zone("Asia/Tokyo"), canonical_zone("Nowhere")
    ('+09:00', 'Asia/Tokyo', None)
    """
    place = None if name in _NOT_TRINO else zone(name)
    if place is None:
        return None
    if name in _ZERO:
        return "UTC"
    offset = re.fullmatch(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?", name)
    if offset:
        shown = f"{offset[1]}{int(offset[2]):02d}:{offset[3] or '00'}"
        if shown[1:] > "14:00":
            return None
        return "UTC" if shown[1:] == "00:00" else shown
    behind = re.fullmatch(r"Etc/GMT([+-])(\d{1,2})", name)
    if behind:  # these count westwards
        return f"{'-' if behind[1] == '+' else '+'}{int(behind[2]):02d}:00"
    return str(place) if hasattr(place, "key") else name


def py_zone(name: str) -> str:
    """The canonical name of a zone that is known only while rows are read."""
    found = canonical_zone(name)
    if found is None:
        fail("INVALID_FUNCTION_ARGUMENT", f"'{name}' is not a valid time zone")
    return found


def zone_of_text(text: str) -> str | None:
    """The zone at the end of a timestamp's text, canonical; None when it has none."""
    match = _STAMP.fullmatch(text)
    name = match and (match[8] or match[9] or match[10])
    return canonical_zone(name) if name else None


def zoned_micros(text: str, default: str, *, literal: bool = False) -> int:
    """Microseconds since 1970 of a timestamp's text, in its own zone or *default*. Raises ValueError.

    An hour that the clocks leave out is read as the one behind it, but not in a *literal*.
    """
    match = _STAMP.fullmatch(text)
    name = canonical_zone(match[8] or match[9] or match[10] or default) if match else None
    place = zone(name) if name else None
    if match is None or place is None:
        raise ValueError(f"no timestamp: {text}")
    parts = [int(part or 0) for part in match.groups()[:6]]
    moment = datetime(*parts, tzinfo=place)  # type: ignore[arg-type, misc]
    if literal and moment.astimezone(UTC).astimezone(place).replace(tzinfo=None) != moment.replace(
        tzinfo=None
    ):
        raise ValueError(f"the clocks leave this out: {text}")
    return (moment - _EPOCH) // _MICRO + int((match[7] or "").ljust(6, "0")[:6] or 0)


def py_zoned(text: str, default: str, safe: bool) -> int | None:
    try:
        return zoned_micros(text, default)
    except (ValueError, OverflowError):
        if safe:
            return None
        fail("INVALID_CAST_ARGUMENT", f"Value cannot be cast to timestamp: {text}")


def py_zone_of(text: str) -> str | None:
    return zone_of_text(text)


def _iso(text: str) -> tuple[datetime, int, str | None]:
    """Local time, microseconds and zone text. Raises ValueError."""
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year = int(match[1])
    if match[4]:
        day = datetime.fromisocalendar(year, int(match[4]), int(match[5] or 1))
    elif match[6]:
        day = datetime(year, 1, 1) + timedelta(days=int(match[6]) - 1)
    else:
        day = datetime(year, int(match[2] or 1), int(match[3] or 1))
    if int(match[7] or 0) > 23:
        raise ValueError(text)
    clock = timedelta(hours=int(match[7] or 0), minutes=int(match[8] or 0), seconds=int(match[9] or 0))
    return day + clock, int((match[10] or "0").ljust(6, "0")[:6]), match[11]


def iso_micros(text: str, default: str) -> int:
    """from_iso8601_timestamp as microseconds since 1970."""
    try:
        moment, micros, place = _iso(text)
    except (ValueError, OverflowError):
        fail("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{text}"')
    return (moment.replace(tzinfo=zone(place or default) or UTC) - _EPOCH) // _MICRO + micros


def iso_day(text: str) -> int:
    """from_iso8601_date as microseconds since 1970."""
    if "T" in text or re.fullmatch(r"\d{8}", text):
        fail("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{text}"')
    return iso_micros(text, "UTC")


def iso_zone(text: str, default: str) -> str | None:
    """The zone that from_iso8601_timestamp keeps."""
    try:
        place = _iso(text)[2]
    except (ValueError, OverflowError):
        return default
    return canonical_zone(place) if place else default


def offset_text(moment: datetime, zone_name: str) -> str:
    """`+09:00` of the zone at that instant, `Z` for none."""
    place = zone(zone_name) or UTC
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    shown = moment.astimezone(place).strftime("%z")
    return "Z" if shown == "+0000" else f"{shown[:3]}:{shown[3:5]}"


def offset_zone(hours: int, minutes: int) -> str:
    total = hours * 60 + minutes
    return f"{'-' if total < 0 else '+'}{abs(total) // 60:02d}:{abs(total) % 60:02d}" if total else "UTC"


def duration_millis(text: str) -> int:
    """parse_duration: `1.5h` as milliseconds."""
    match = _DURATION.fullmatch(text)
    if match is None or match[2] not in _DURATION_UNITS:
        fail("INVALID_FUNCTION_ARGUMENT", f"duration is not a valid data duration string: {text}")
    return round(float(match[1]) * _DURATION_UNITS[match[2]])


# -- patterns

_NUMBER = {"Y": r"([+-]?\d{1,4})", "m": r"(\d{1,2})", "c": r"(\d{1,2})", "d": r"(\d{1,2})", "e": r"(\d{1,2})",
           "H": r"(\d{1,2})", "k": r"(\d{1,2})", "h": r"(\d{1,2})", "I": r"(\d{1,2})", "l": r"(\d{1,2})",
           "i": r"(\d{1,2})", "s": r"(\d{1,2})", "S": r"(\d{1,2})", "y": r"(\d{2})", "j": r"(\d{1,3})",
           "f": r"(\d{1,9})", "v": r"(\d{1,2})", "x": r"(\d{1,4})"}  # fmt: skip
_MYSQL_FIELD = {"Y": "year", "m": "month", "c": "month", "d": "day", "e": "day", "H": "hour", "k": "hour",
                "h": "hour12", "I": "hour12", "l": "hour12", "i": "minute", "s": "second", "S": "second",
                "y": "year2", "j": "dayofyear", "f": "fraction", "p": "half", "M": "monthname", "b":
                "monthname",
                "W": "weekday", "a": "weekday", "v": "week", "x": "weekyear"}  # fmt: skip
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORDS = {"half": r"([AaPp][Mm])", "monthname": r"([A-Za-z]{3,9})", "weekday": r"([A-Za-z]{3,9})"}
_JODA_FIELD = {
    "y": "year",
    "Y": "year",
    "x": "weekyear",
    "M": "month",
    "d": "day",
    "D": "dayofyear",
    "H": "hour",
    "k": "hour24",
    "h": "hour12",
    "K": "hour12",
    "m": "minute",
    "s": "second",
    "S": "fraction",
    "a": "half",
    "E": "weekday",
    "Z": "offset",
    "z": "zone",
    "w": "week",
    "e": "isoday",
}
_JODA_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")


@lru_cache(maxsize=256)
def _mysql(pattern: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    expanded = pattern.replace("%T", "%H:%i:%s").replace("%r", "%I:%i:%s %p")
    pieces, fields, index = [], [], 0
    while index < len(expanded):
        letter = expanded[index]
        code = expanded[index + 1] if letter == "%" and index + 1 < len(expanded) else ""
        if code in _MYSQL_FIELD:
            name = _MYSQL_FIELD[code]
            pieces.append(_NUMBER.get(code) or _WORDS[name])
            fields.append(name)
        elif code:
            if code in "DUuVwX":
                fail("INVALID_FUNCTION_ARGUMENT", f"%{code} not supported in date format string")
            pieces.append(re.escape(code))
        else:
            pieces.append(re.escape(letter))
        index += 2 if code else 1
    return re.compile("".join(pieces)), tuple(fields)


@lru_cache(maxsize=256)
def _joda(pattern: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    pieces, fields = [], []
    found = list(_JODA_TOKEN.finditer(pattern))
    for index, token in enumerate(found):
        if token[1] is not None:
            pieces.append(re.escape((token[1] or "'").replace("''", "'")))
        elif token[2] is None:
            pieces.append(re.escape(token[0]))
        else:
            name, width = _JODA_FIELD.get(token[2]), len(token[0])
            if name is None:
                fail("INVALID_FUNCTION_ARGUMENT", f"Illegal pattern component: {token[0]}")
            if name == "month" and width > 2:
                name = "monthname"
            tight = (
                index + 1 < len(found) and found[index + 1][2] is not None and _is_number(found[index + 1])
            )
            pieces.append(_joda_piece(name or "", width, tight))
            fields.append(name or "")
    return re.compile("".join(pieces)), tuple(fields)


def _is_number(token: re.Match[str]) -> bool:
    """Is the next field written in digits, so that this one must stop at its width?"""
    name = _JODA_FIELD.get(token[2], "")
    return name not in ("half", "weekday", "offset", "zone") and not (name == "month" and len(token[0]) > 2)


def _joda_piece(name: str, width: int, tight: bool) -> str:
    if name in _WORDS:
        return _WORDS[name]
    if name == "offset":
        return r"(Z|[+-]\d{2}:?\d{2}|[A-Za-z]+/[A-Za-z_/]+)"
    if name == "zone":
        return r"([A-Za-z][\w/+-]*)"
    if name == "year":
        return rf"([+-]?\d{{1,{width if tight else 9}}})" if width != 2 else r"(\d{2})"
    return rf"(\d{{1,{max(width, 2)}}})" if name != "fraction" else rf"(\d{{1,{max(width, 1)}}})"


def _built(
    match: re.Match[str] | None, fields: tuple[str, ...], text: str
) -> tuple[datetime, int, str | None]:
    if match is None:
        fail("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{text}"')
    found = {name: match[index] for index, name in enumerate(fields, 1)}
    year = int(found.get("year") or 1970)
    if "year2" in found or (found.get("year") and len(found["year"]) == 2):
        short = int(found.get("year2") or found["year"])
        year = short + (2000 if short < 70 else 1900)
    month = int(found.get("month") or 1)
    if "monthname" in found:
        month = _MONTHS.index(found["monthname"].lower()[:3]) + 1
    hour = int(found.get("hour") or int(found.get("hour24") or 0) % 24)
    if "hour12" in found:
        hour = int(found["hour12"]) % 12 + (12 if found.get("half", "am").lower() == "pm" else 0)
    moment = datetime(year, month, int(found.get("day") or 1), hour, int(found.get("minute") or 0),
                      int(found.get("second") or 0))  # fmt: skip
    if "dayofyear" in found:
        moment = moment.replace(month=1, day=1) + timedelta(days=int(found["dayofyear"]) - 1)
    if "weekyear" in found and "week" in found:
        day = datetime.fromisocalendar(
            int(found["weekyear"]), int(found["week"]), int(found.get("isoday") or 1)
        )
        moment = moment.replace(year=day.year, month=day.month, day=day.day)
    micros = int((found.get("fraction") or "0").ljust(6, "0")[:6])
    return moment, micros, found.get("offset") or found.get("zone")


def _parsed(
    text: str, pattern: str, reader: Callable[[str], tuple[re.Pattern[str], tuple[str, ...]]]
) -> tuple[datetime, int, str | None]:
    form, fields = reader(pattern)
    try:
        return _built(form.fullmatch(text), fields, text)
    except (ValueError, OverflowError) as error:
        if str(error).startswith("@"):
            raise
        fail("INVALID_FUNCTION_ARGUMENT", f'Cannot parse "{text}": {error}')


def date_parse(text: str, pattern: str) -> datetime:
    """date_parse: MySQL's letters; milliseconds are kept."""
    moment, micros, _ = _parsed(text, pattern, _mysql)
    return moment.replace(microsecond=micros // 1000 * 1000)


def parse_datetime(text: str, pattern: str, default: str) -> int:
    """parse_datetime as microseconds since 1970."""
    moment, micros, place = _parsed(text, pattern, _joda)
    return (moment.replace(tzinfo=zone(place or default) or UTC) - _EPOCH) // _MICRO + micros


def parse_datetime_zone(text: str, pattern: str, default: str) -> str | None:
    place = _parsed(text, pattern, _joda)[2]
    return canonical_zone(place) if place else default


def format_datetime(moment: datetime, pattern: str, zone_name: str) -> str | None:
    """format_datetime with letters that strftime lacks; *moment* is clock time in the zone."""
    place: tzinfo = zone(zone_name) or UTC
    return format_joda(moment.replace(tzinfo=place), pattern, zone_name)


def zone_seconds(micros: int, zone_name: str) -> int:
    """Seconds east of Greenwich in that zone at an instant."""
    place = zone(zone_name) or UTC
    return _seconds((_EPOCH + timedelta(microseconds=micros)).astimezone(place))


def clock_seconds(micros: int, zone_name: str) -> int:
    """Seconds east of Greenwich when clocks of the zone show *micros*; the first time, when they do twice."""
    place = zone(zone_name) or UTC
    return _seconds((_EPOCH + timedelta(microseconds=micros)).replace(tzinfo=place))


def _seconds(moment: datetime) -> int:
    offset = moment.utcoffset()
    return int(offset.total_seconds()) if offset else 0


def date_format(moment: datetime, pattern: str) -> str:
    """date_format with a pattern that is known only while rows are read."""
    from tdlocal.engine.dialect.formats import mysql_to_strftime

    form = mysql_to_strftime(pattern)
    form = form.replace("%f", f"{moment.microsecond // 1000:03d}000")
    return moment.strftime(form.replace("%g", f"{moment.microsecond // 1000:03d}"))


def days_text(millis: int) -> str:
    """`1 02:03:04.000`: an interval of days and seconds as text."""
    sign, rest = ("-" if millis < 0 else ""), abs(millis)
    days, rest = divmod(rest, 86_400_000)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{sign}{days} {hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def months_text(months: int) -> str:
    return f"{'-' if months < 0 else ''}{abs(months) // 12}-{abs(months) % 12}"


def human_seconds(seconds: float) -> str:
    """human_readable_seconds: `1 hour, 1 minute, 1 second`."""
    rest = floor(abs(seconds) + 0.5)
    parts = []
    for name, size in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}{'s' if count > 1 else ''}")
    return ", ".join(parts) or "0 seconds"
