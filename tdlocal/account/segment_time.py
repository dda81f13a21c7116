"""Windows of time, as the timestamp operators of segment rules mean them.

Every relative operator works on whole calendar units of the audience's zone: `TimeWithinPast 30 day` is the
thirty days before today, today not among them. Read from SQL that Treasure Data wrote for such segments
(`between to_unixtime(date_add('day', -30, <today>)) and to_unixtime(<today>) - 1`) and from its page
"Timestamp Operators in Audience Studio", which also says that `TimeToday` is "today and beyond". A window is
half open: its start belongs to it, its end does not; None is an open side.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
SHORT_ZONES = {
    "JST": "Asia/Tokyo",
    "KST": "Asia/Seoul",
    "PST": "America/Los_Angeles",
    "CST": "America/Chicago",
}
LARGEST = 1_000_000  # no rule reaches further than this many units


class TimeFault(Exception):
    """A time operator that makes no sense; the text says which part and what would do."""


@dataclass(frozen=True)
class Window:
    """Unix seconds from *start* (in) to *end* (out); None is open."""

    start: int | None
    end: int | None


@dataclass(frozen=True)
class Clock:
    """The moment a rule is judged at, and the zone whose days and months count."""

    now: int
    zone: str = "UTC"

    @cached_property
    def tz(self) -> ZoneInfo:
        return find_zone(self.zone)

    def floor(self, unit: str) -> datetime:
        """Begin of the running *unit* on the zone's clock (no zone attached; weeks begin on Monday).

        >>> Clock(1_700_000_000).floor("quarter")
        datetime.datetime(2023, 10, 1, 0, 0)
        """
        return floor(datetime.fromtimestamp(self.now, self.tz).replace(tzinfo=None), unit)

    def unix(self, local: datetime) -> int:
        return int(local.replace(tzinfo=self.tz).timestamp())


def find_zone(name: str) -> ZoneInfo:
    """The zone called *name*; raises TimeFault when there is none."""
    try:
        return ZoneInfo(SHORT_ZONES.get(name, name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TimeFault(f"timezone {name!r} is unknown; use a name like UTC or Asia/Tokyo") from error


def floor(moment: datetime, unit: str) -> datetime:
    """Cut *moment* down to the begin of its *unit*.

    >>> floor(datetime(2026, 11, 5, 13, 30), "week")
    datetime.datetime(2026, 11, 2, 0, 0)
    """
    if unit in ("second", "minute", "hour"):
        minute = 0 if unit == "hour" else moment.minute
        return moment.replace(minute=minute, second=moment.second if unit == "second" else 0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "day":
        return day
    if unit == "week":
        return day - timedelta(days=day.weekday())
    months = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}
    return day.replace(day=1, month=months[unit])


def shift(moment: datetime, unit: str, count: int) -> datetime:
    """*count* units later (earlier when negative); the 31st becomes the month's last day where it must.

    >>> shift(datetime(2026, 3, 31), "month", -1)
    datetime.datetime(2026, 2, 28, 0, 0)
    """
    try:
        if unit in SECONDS:
            return moment + timedelta(seconds=SECONDS[unit] * count)
        total = moment.year * 12 + moment.month - 1 + MONTHS[unit] * count
        year, month = divmod(total, 12)
        first = moment.replace(year=year, month=month + 1, day=1)
        last_day = (shift(first, "day", 31).replace(day=1) - timedelta(days=1)).day
        return first.replace(day=min(moment.day, last_day))
    except (OverflowError, ValueError) as error:
        raise TimeFault(f"{count} {unit} from now is outside the calendar") from error


def operator_window(operator: Mapping[str, Any], clock: Clock) -> Window:
    """The window of a Time… operator.

    >>> noon = Clock(1_700_049_600)  # 2023-11-15T12:00Z
    >>> operator_window({"type": "TimeWithinPast", "value": "1", "unit": "day"}, noon)
    Window(start=1699920000, end=1700006400)
    >>> operator_window({"type": "TimeToday"}, noon)
    Window(start=1700006400, end=None)
    """
    kind = operator["type"]
    if kind == "TimeToday":
        return Window(clock.unix(clock.floor("day")), None)
    if kind in ("TimeWithinPast", "TimeWithinNext"):
        unit, count = unit_of(operator), count_of(operator, "value")
        here = clock.floor(unit)
        if kind == "TimeWithinPast":
            return Window(clock.unix(shift(here, unit, -count)), clock.unix(here))
        return Window(clock.unix(shift(here, unit, 1)), clock.unix(shift(here, unit, count + 1)))
    begin = part(operator, "from")
    unit = unit_of(begin)
    here = clock.floor(unit)
    if kind == "TimeThis":
        return Window(clock.unix(here), clock.unix(shift(here, unit, 1)))
    if kind == "TimeNext":
        return Window(clock.unix(shift(here, unit, 1)), clock.unix(shift(here, unit, 2)))
    if kind == "TimeInBetweenNext":
        return between_next(begin, part(operator, "to"), clock)
    return time_range(operator, begin, here, clock)


def time_range(operator: Mapping[str, Any], begin: Mapping[str, Any], here: datetime, clock: Clock) -> Window:
    """`from` and a `duration` (backwards with `reverse`); `from.unit` alone is that unit and what follows."""
    if "last" not in begin and "duration" not in operator:
        return Window(clock.unix(here), None)
    first = move(here, begin, "last", -1)
    second = first
    for unit, count in durations(operator.get("duration"), "duration"):
        second = shift(second, unit, -count if operator.get("reverse") else count)
    low, high = sorted((first, second))
    return Window(clock.unix(low), clock.unix(high))


def between_next(begin: Mapping[str, Any], end: Mapping[str, Any], clock: Clock) -> Window:
    """Both named units belong to the window: 3 to 7 days is five days."""
    first = move(clock.floor(unit_of(begin)), begin, "next", 1)
    last = move(clock.floor(unit_of(end)), end, "next", 1)
    return Window(clock.unix(first), clock.unix(shift(last, unit_of(end), 1)))


def value_window(value: Mapping[str, Any], clock: Clock) -> Window:
    """The stretch that a `{timestamp}` or `{last, unit}` right value stands for.

    A date without a clock time is that whole day; a clock time is that second; `{last: 3, unit: day}` is
    the day three days ago.
    """
    if "timestamp" in value:
        return moment_window(str(value["timestamp"]), clock)
    unit = unit_of(value)
    begin = move(clock.floor(unit), value, "last", -1)
    return Window(clock.unix(begin), clock.unix(shift(begin, unit, 1)))


def moment_window(text: str, clock: Clock) -> Window:
    """See value_window.

    >>> moment_window("2023-11-15", Clock(0))
    Window(start=1700006400, end=1700092800)
    """
    if re.fullmatch(r"-?\d{1,15}", text):
        return Window(int(text), int(text) + 1)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise TimeFault(f"{text!r} is no date or time; write 2026-01-31 or 2026-01-31T12:00:00Z") from error
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text.strip()):
        return Window(clock.unix(moment), clock.unix(moment + timedelta(days=1)))
    second = clock.unix(moment) if moment.tzinfo is None else int(moment.astimezone(UTC).timestamp())
    return Window(second, second + 1)


def move(here: datetime, value: Mapping[str, Any], key: str, sign: int) -> datetime:
    """Go `value[key]` units (or a map of units) from *here*."""
    if isinstance(value.get(key), Mapping):
        for unit, count in durations(value[key], key):
            here = shift(here, unit, sign * count)
        return here
    return shift(here, unit_of(value), sign * count_of(value, key))


def durations(value: Any, name: str) -> list[tuple[str, int]]:
    """The units of a duration like {"day": 7}, largest first."""
    if not isinstance(value, Mapping) or not value:
        raise TimeFault(f'{name} is missing; write it like {{"day": 7}}')
    unknown = sorted(set(value) - set(UNITS))
    if unknown:
        raise TimeFault(f"{name} has the unknown unit {unknown[0]!r}; units are {', '.join(UNITS)}")
    return [(unit, count_of(value, unit)) for unit in UNITS if unit in value]


def seconds_of(value: Any, name: str) -> int:
    """A duration of fixed units in seconds.

    >>> seconds_of({"day": 1, "hour": 2}, "window.duration")
    93600
    """
    total = 0
    for unit, count in durations(value, name):
        if unit not in SECONDS:
            raise TimeFault(f"{name} may not use {unit!r}; units are day, hour, minute, second")
        total += SECONDS[unit] * count
    if total <= 0:
        raise TimeFault(f"{name} must be longer than nothing")
    return total


def part(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    if not isinstance(found, Mapping):
        raise TimeFault(f'{value.get("type")} needs "{key}", an object with a unit')
    return found


def unit_of(value: Mapping[str, Any]) -> str:
    unit = value.get("unit")
    if unit not in UNITS:
        raise TimeFault(f"unit {unit!r} is unknown; units are {', '.join(UNITS)} (singular)")
    return str(unit)


def count_of(value: Mapping[str, Any], key: str) -> int:
    """A whole number of units, sent as a number or as text."""
    found = value.get(key)
    text = str(found).strip()
    if isinstance(found, bool) or not re.fullmatch(r"\d{1,7}(\.0+)?", text) or float(text) > LARGEST:
        raise TimeFault(f"{key} must be a whole number from 0 to {LARGEST}, not {found!r}")
    return int(float(text))
