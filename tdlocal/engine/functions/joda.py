"""format_datetime: Joda's pattern letters."""

from __future__ import annotations

import re
from datetime import datetime

from tdlocal.engine.functions.failing import fail

_LETTERS = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LONG_ZONES = {
    "UTC": "Coordinated Universal Time", "GMT": "Greenwich Mean Time", "BST": "British Summer Time",
    "EST": "Eastern Standard Time", "EDT": "Eastern Daylight Time", "CET": "Central European Time",
    "MST": "Mountain Standard Time", "MDT": "Mountain Daylight Time", "JST": "Japan Standard Time",
    "PST": "Pacific Standard Time", "PDT": "Pacific Daylight Time", "IST": "India Standard Time",
    "CDT": "Central Daylight Time", "CEST": "Central European Summer Time",
}  # fmt: skip


def format_joda(moment: datetime, pattern: str, zone_name: str) -> str:
    """*moment*, which knows its zone, by Joda's letters.

    >>> from datetime import UTC
    >>> format_joda(datetime(2022, 1, 5, 15, 7, tzinfo=UTC), "yyyy-MM-dd'T'HH:mm:ss.SSSZZ", "UTC")
    '2022-01-05T15:07:00.000+00:00'
    """
    if not pattern:
        fail("INVALID_FUNCTION_ARGUMENT", "Invalid pattern specification")
    return _LETTERS.sub(lambda token: _field(token, moment, zone_name), pattern)


def _field(token: re.Match[str], moment: datetime, zone_name: str) -> str:
    if token[2] is None:
        return (token[1] or "'").replace("''", "'")
    letter, width = token[2], len(token[0])
    week_year, week, weekday = moment.isocalendar()
    if letter in "yYx":
        year = week_year if letter == "x" else moment.year
        return f"{year % 100:02d}" if width == 2 else f"{year:0{width}d}"
    if letter == "M" and width > 2:
        name = _MONTHS[moment.month - 1]
        return name if width > 3 else name[:3]
    if letter == "E":
        name = _DAYS[weekday - 1]
        return name if width > 3 else name[:3]
    if letter == "S":
        return f"{moment.microsecond:06d}"[:3].ljust(width, "0")[:width]
    words = {"a": "AM" if moment.hour < 12 else "PM", "G": "AD"}
    if letter in words:
        return words[letter]
    if letter in "zZ":
        return _zone(letter, width, moment, zone_name)
    numbers = {
        "C": moment.year // 100, "D": moment.timetuple().tm_yday, "H": moment.hour, "K": moment.hour % 12,
        "M": moment.month, "d": moment.day, "e": weekday, "h": moment.hour % 12 or 12, "w": week,
        "k": moment.hour or 24, "m": moment.minute, "s": moment.second,
    }  # fmt: skip
    if letter not in numbers:
        fail("INVALID_FUNCTION_ARGUMENT", f"Illegal pattern component: {token[0]}")
    return f"{numbers[letter]:0{width}d}"


def _zone(letter: str, width: int, moment: datetime, zone_name: str) -> str:
    shown = moment.strftime("%z")[:5]
    with_colon = f"{shown[:3]}:{shown[3:]}"
    if letter == "Z":
        return shown if width == 1 else with_colon if width == 2 else zone_name
    short = moment.tzname() or zone_name
    if zone_name[:1] in "+-" or short[:1] in "+-":
        return with_colon
    if width < 4:
        return short
    name = _LONG_ZONES.get(short)
    if short == "CST" and zone_name.startswith(("America/", "US/")):
        name = "Central Standard Time"
    if name is None or (short == "IST" and zone_name != "Asia/Kolkata"):
        fail("NOT_SUPPORTED", f"the long name of {zone_name} is not known to the local account")
    return name
