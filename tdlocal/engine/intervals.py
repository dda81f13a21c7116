"""TD_INTERVAL's little language: which window of time a word like `-7d/now` means.

Source  the open library airframe-metrics (TimeWindow, TimeVector), which Treasure Data's function is
        made of; one fixed offset of the zone is used, the one in force at the scheduled time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from tdlocal.engine.zones import zone

_VECTOR = re.compile(r"([+-]|last|next)?([0-9]+)(s|m|h|d|w|M|q|y)")
_WORDS = {"Hour": "h", "Week": "w", "Month": "M", "Quarter": "q", "Year": "y"}
_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_SHIFTS = {"this": 0, "last": -1, "next": 1}
_TIME = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2})(?::(\d{2})(?::(\d{2})(?:\.\d+)?)?)?)?\s*(\S*)")


@dataclass(frozen=True)
class Vector:
    """*length* units from the unit's grid moved by *offset* units."""

    length: int
    offset: int
    unit: str


def window(spec: str, now: int, zone_name: str = "UTC") -> tuple[int, int]:
    """Start (inclusive) and end (exclusive) of *spec* in unix time.

    >>> now = 1466929425  # 2016-06-26 08:23:45 UTC
    >>> [str(datetime.fromtimestamp(t, timezone.utc))[:19] for t in window("-1d", now)]
    ['2016-06-25 00:00:00', '2016-06-26 00:00:00']
    >>> [str(datetime.fromtimestamp(t, timezone.utc))[:19] for t in window("-7d/now", now)]
    ['2016-06-19 00:00:00', '2016-06-26 08:23:45']
    >>> [str(datetime.fromtimestamp(t, timezone.utc))[:19] for t in window("-1M/2018-09-02", now)]
    ['2018-08-01 00:00:00', '2018-09-02 00:00:00']

    Raises ValueError when the words are not understood.
    """
    place = zone(zone_name)
    if place is None:
        raise ValueError(f"unknown time zone {zone_name!r}")
    fixed = timezone(datetime.fromtimestamp(now, place).utcoffset() or timedelta(0))
    start, end = _window(spec.strip(), datetime.fromtimestamp(now, fixed))
    return int(start.timestamp()), int(end.timestamp())


def _window(spec: str, now: datetime) -> tuple[datetime, datetime]:
    duration, slash, offset = spec.partition("/")
    vector = _vector(duration)
    if not slash:
        return _from(vector, truncate(now, vector.unit))
    exact = offset.endswith(")")
    context = _offset(offset.removesuffix(")"), now)
    if exact:
        other = shift(context, vector.length, vector.unit)
        return min(context, other), max(context, other)
    return _from(vector, context)


def _from(vector: Vector, context: datetime) -> tuple[datetime, datetime]:
    grid = truncate(context, vector.unit)
    begin = shift(grid, vector.offset, vector.unit)
    end = shift(begin, vector.length, vector.unit)
    start = begin if grid == context else context
    return min(start, end), max(start, end)


def _offset(text: str, now: datetime) -> datetime:
    if text == "now":
        return now
    stamp = _TIME.fullmatch(text)
    if not stamp:
        return _window(text, now)[0]
    numbers = [int(part or 0) for part in stamp.groups()[:6]]
    place = zone(stamp[7]) if stamp[7] else now.tzinfo
    if place is None:
        raise ValueError(f"unknown time zone in {text!r}")
    return datetime(*numbers, tzinfo=place)  # type: ignore[arg-type, misc]


def _vector(text: str) -> Vector:
    if text in _DAYS:
        return Vector(1, _DAYS[text], "d")
    if text[:4] in _SHIFTS and text[4:] in _WORDS:
        return Vector(1, _SHIFTS[text[:4]], _WORDS[text[4:]])
    match = _VECTOR.fullmatch(text)
    if not match:
        raise ValueError(f"Invalid interval: {text}")
    sign = -1 if match[1] in ("-", "last") else 1
    return Vector(sign * int(match[2]), 0, match[3])


def truncate(moment: datetime, unit: str) -> datetime:
    """The start of the unit (s m h d w M q y) that *moment* is in; weeks begin on Monday."""
    moment = moment.replace(microsecond=0)
    if unit == "s":
        return moment
    if unit == "m":
        return moment.replace(second=0)
    if unit == "h":
        return moment.replace(minute=0, second=0)
    day = moment.replace(hour=0, minute=0, second=0)
    if unit == "d":
        return day
    if unit == "w":
        return day - timedelta(days=day.weekday())
    month = {"M": day.month, "q": day.month - (day.month - 1) % 3, "y": 1}[unit]
    return day.replace(month=month, day=1)


def shift(moment: datetime, count: int, unit: str) -> datetime:
    """*moment* moved by *count* units; a day that the month lacks becomes its last day."""
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}.get(unit)
    if seconds:
        return moment + timedelta(seconds=count * seconds)
    months = moment.year * 12 + moment.month - 1 + count * {"M": 1, "q": 3, "y": 12}[unit]
    year, month = divmod(months, 12)
    first = moment.replace(year=year, month=month + 1, day=1)
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first.replace(day=min(moment.day, (following - timedelta(days=1)).day))
