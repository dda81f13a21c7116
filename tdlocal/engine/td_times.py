"""What Treasure Data's TD_TIME_* functions answer, row by row, in plain Python.

The translation turns the frequent forms into SQL; these are the rest and the reference for them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from tdlocal.engine.intervals import truncate
from tdlocal.engine.zones import zone

_STAMP = re.compile(
    r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?)?\s*(\S*)\s*"
)
_UNITS = {"second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w", "month": "M",
          "quarter": "q", "year": "y"}  # fmt: skip
_DURATION = re.compile(r"(-?\d+)([wdhms])")
_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_LETTERS = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip


@lru_cache(maxsize=65536)
def time_parse(text: str | None, zone_name: str | None = "UTC") -> int | None:
    """TD_TIME_PARSE: unix time of a date text; its own zone beats *zone_name*; None when unreadable.

    >>> time_parse("2020-01-01"), time_parse("2020-01-01 09:00:00", "JST"), time_parse("2020-01-01 PST")
    (1577836800, 1577836800, 1577865600)
    >>> time_parse("1st of May") is None
    True
    """
    match = _STAMP.fullmatch(text) if text is not None else None
    if not match or zone_name is None:
        return None
    place = zone(match[7] or zone_name)
    if place is None:
        return None
    try:
        parts = [int(part or 0) for part in match.groups()[:6]]
        return _unix(datetime(*parts, tzinfo=place))  # type: ignore[arg-type, misc]
    except (ValueError, OverflowError):
        return None


def time_format(time: int | None, pattern: str | None, zone_name: str | None = "UTC") -> str | None:
    """TD_TIME_FORMAT: *time* by the letters of Java's SimpleDateFormat.

    >>> time_format(1577836800, "yyyy-MM-dd HH:mm:ss z", "JST")
    '2020-01-01 09:00:00 JST'
    """
    place = _place(zone_name)
    if time is None or pattern is None or place is None:
        return None
    moment = _moment(time, place)
    return _LETTERS.sub(lambda token: _field(token, moment), pattern)


def _field(token: re.Match[str], moment: datetime) -> str:
    if token[2] is None:
        return (token[1] or "'").replace("''", "'")
    letter, width = token[2], len(token[0])
    if letter in "yYu":
        return f"{moment.year % 100:02d}" if width == 2 else f"{moment.year:0{width}d}"
    if letter in "ML" and width > 2:
        name = _MONTHS[moment.month - 1]
        return name if width > 3 else name[:3]
    if letter == "E":
        name = _WEEKDAYS[moment.weekday()]
        return name if width > 3 else name[:3]
    if letter == "a":
        return "AM" if moment.hour < 12 else "PM"
    if letter == "G":
        return "AD"
    if letter in "zZX":
        return _zone_text(letter, width, moment)
    numbers = {
        "M": moment.month, "L": moment.month, "d": moment.day, "H": moment.hour, "m": moment.minute,
        "s": moment.second, "S": moment.microsecond // 1000, "D": moment.timetuple().tm_yday,
        "k": moment.hour or 24, "h": moment.hour % 12 or 12, "K": moment.hour % 12,
        "w": moment.isocalendar()[1], "W": (moment.day + 6 - moment.weekday() + 6) // 7,
        "F": (moment.day + 6) // 7,
    }  # fmt: skip
    if letter not in numbers:
        raise ValueError(f"Illegal pattern character '{letter}'")
    return f"{numbers[letter]:0{width}d}"


def _zone_text(letter: str, width: int, moment: datetime) -> str:
    if letter == "z":
        return moment.tzname() or ""
    text = moment.strftime("%z")[:5]
    if letter == "X":
        if text == "+0000":
            return "Z"
        return {1: text[:3], 2: text}.get(width, f"{text[:3]}:{text[3:]}")
    return text


def time_string(time: int | None, unit: str | None, zone_name: str | None = "UTC") -> str | None:
    """TD_TIME_STRING: *time* cut to a unit (s m h d w M q y); with `!` only that much is written.

    >>> time_string(1577836800, "d!"), time_string(1577836800, "M!", "JST"), time_string(1577840461, "h")
    ('2020-01-01', '2020-01', '2020-01-01 01:00:00+0000')
    """
    place = _place(zone_name)
    if time is None or not unit or place is None:
        return None
    letter, short = unit.rstrip("!"), unit.endswith("!")
    if letter not in ("s", "m", "h", "d", "w", "M", "q", "y"):
        raise ValueError(f"Invalid unit for TD_TIME_STRING: {unit}")
    moment = truncate(_moment(time, place), letter)
    if not short:
        return f"{moment:%Y-%m-%d %H:%M:%S}{moment.strftime('%z')[:5]}"
    forms = {"y": 4, "q": 7, "M": 7, "w": 10, "d": 10, "h": 13, "m": 16, "s": 19}
    return f"{moment:%Y-%m-%d %H:%M:%S}"[: forms[letter]]


def date_trunc(unit: str | None, time: int | None, zone_name: str | None = "UTC") -> int | None:
    """TD_DATE_TRUNC: start of the unit on the zone's clock, as unix time.

    >>> date_trunc("month", 1580000000), date_trunc("day", 1577836800, "PST")
    (1577836800, 1577779200)
    """
    place = _place(zone_name)
    if time is None or unit is None or place is None:
        return None
    letter = _UNITS.get(unit.lower())
    if letter is None:
        raise ValueError(f"'{unit}' is not a valid unit for TD_DATE_TRUNC")
    return _unix(truncate(_moment(time, place), letter))


def time_add(time: int | None, duration: str | None) -> int | None:
    """TD_TIME_ADD: *time* and a duration like `1d`, `-2h` or `1h30m`; None when unreadable.

    >>> time_add(0, "1h30m"), time_add(100, "-1m"), time_add(0, "1y")
    (5400, 40, None)
    """
    if time is None or not duration:
        return None
    negative = duration.startswith("-")
    body = duration[1:] if duration[0] in "+-" else duration
    parts = _DURATION.findall(body)
    if not parts or "".join(number + unit for number, unit in parts) != body:
        return None
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in parts)
    return time - seconds if negative else time + seconds


def _place(zone_name: str | None) -> tzinfo | None:
    if zone_name is None:
        return None
    place = zone(zone_name)
    if place is None:
        raise ValueError(f"'{zone_name}' is not a valid time zone")
    return place


def _moment(time: int, place: tzinfo) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time)).astimezone(place)


def _unix(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
