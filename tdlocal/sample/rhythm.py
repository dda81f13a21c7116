"""When things happen: yearly season, week, hours of the day, growth. Sampled by cumulated weights."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from itertools import accumulate

DAY = 86_400
DAYS = 730  # the shop's history: two years up to the last day
MONTHS = (0.82, 0.80, 0.92, 0.96, 1.02, 1.00, 0.90, 0.98, 1.00, 1.04, 1.45, 1.70)  # January to December
WEEK = {  # Monday to Sunday
    "online": (1.12, 0.98, 0.95, 0.96, 0.90, 0.95, 1.14),
    "store": (0.70, 0.72, 0.78, 0.90, 1.15, 1.60, 1.15),
}
HOURS = {  # local clock, 0 to 23
    "online": (4, 2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 10, 9, 8, 8, 8, 9, 11, 13, 15, 14, 11, 7),
    "store": (0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 7, 9, 11, 10, 9, 9, 10, 12, 11, 7, 3, 0, 0, 0),
}
GROWTH = 0.25  # the last day is this much busier than the first


class Rhythm:
    """Turns a uniform chance into a moment of the shop's two years.

    Args:
        until: unix seconds of the first moment after the data; the last day ends there.
    """

    def __init__(self, until: int) -> None:
        self.until = until
        self.first = until - DAYS * DAY
        days = [datetime.fromtimestamp(self.first, UTC) + timedelta(days=n) for n in range(DAYS)]
        self.cumulated = {
            channel: list(accumulate(_weight(day, n, channel) for n, day in enumerate(days)))
            for channel in WEEK
        }
        self.hours = {channel: list(accumulate(weights)) for channel, weights in HOURS.items()}

    def moment(
        self, channel: str, not_before: int, day_chance: float, hour_chance: float, utc_hours: int
    ) -> int:
        """Return unix seconds between *not_before* and the end, by the channel's season, week and hours.

        Args:
            channel: "online" or "store".
            not_before: unix seconds; the day drawn is this day or later.
            day_chance: 0 to 1, place among the weighted days that are left.
            hour_chance: 0 to 1, place among the weighted hours; its fine digits give the second.
            utc_hours: the offset of the local clock.
        """
        cumulated = self.cumulated[channel]
        start = min(max((not_before - self.first) // DAY, 0), DAYS - 1)
        low = cumulated[start - 1] if start else 0.0
        day = min(bisect_left(cumulated, low + day_chance * (cumulated[-1] - low)), DAYS - 1)
        hours = self.hours[channel]
        target = hour_chance * hours[-1]
        hour = bisect_left(hours, target)
        before = hours[hour - 1] if hour else 0
        second = int((target - before) / (hours[hour] - before) * 3600) if hours[hour] > before else 0
        moment = self.first + day * DAY + ((hour - utc_hours) % 24) * 3600 + min(second, 3599)
        return min(max(moment, not_before), self.until - 1)


def _weight(day: datetime, number: int, channel: str) -> float:
    weight = MONTHS[day.month - 1] * WEEK[channel][day.weekday()] * (1 + GROWTH * number / DAYS)
    if day.month == 11 and day.weekday() == 4 and 23 <= day.day <= 29:
        weight *= 3.5  # Black Friday
    elif (day.month == 11 and day.weekday() == 0 and day.day >= 26) or (
        day.month == 12 and day.weekday() == 0 and day.day <= 2
    ):
        weight *= 3.0 if channel == "online" else 1.0  # Cyber Monday
    if channel == "store" and (day.month, day.day) in {(12, 25), (1, 1)}:
        return 0.0  # closed
    return weight


def iso(moment: int) -> str:
    """Return *moment* as YYYY-MM-DDTHH:MM:SSZ.

    >>> iso(0)
    '1970-01-01T00:00:00Z'
    """
    return _stamp(moment).replace(" ", "T") + "Z"


def iso_offset(moment: int, utc_hours: int) -> str:
    """Return *moment* on the local clock with its offset.

    >>> iso_offset(0, -5)
    '1969-12-31T19:00:00-05:00'
    """
    sign = "-" if utc_hours < 0 else "+"
    return f"{_stamp(moment + utc_hours * 3600).replace(' ', 'T')}{sign}{abs(utc_hours):02d}:00"


def american(moment: int) -> str:
    """Return *moment* as MM/DD/YYYY HH:MM:SS, UTC.

    >>> american(0)
    '01/01/1970 00:00:00'
    """
    stamp = _stamp(moment)
    return f"{stamp[5:7]}/{stamp[8:10]}/{stamp[:4]} {stamp[11:]}"


def plain(moment: int) -> str:
    """Return *moment* as YYYY-MM-DD HH:MM:SS, UTC.

    >>> plain(0)
    '1970-01-01 00:00:00'
    """
    return _stamp(moment)


_DATES: dict[int, str] = {}


def _stamp(moment: int) -> str:
    day, second = divmod(moment, DAY)
    date = _DATES.get(day)
    if date is None:
        date = _DATES[day] = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%d")
    return f"{date} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
