"""Session times, time zones and schedules, and the built-in time variables of a task."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from tdlocal.errors import KitError
from tdlocal.workflow.faults import Fault
from tdlocal.workflow.yaml_reader import Section

OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?")
SHORT_ZONES = {
    "ACT": "Australia/Darwin",
    "AET": "Australia/Sydney",
    "ART": "Africa/Cairo",
    "AST": "America/Anchorage",
    "BST": "Asia/Dhaka",
    "CNT": "America/St_Johns",
    "CST": "America/Chicago",
    "CTT": "Asia/Shanghai",
    "ECT": "Europe/Paris",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "NET": "Asia/Yerevan",
    "PST": "America/Los_Angeles",
    "VST": "Asia/Ho_Chi_Minh",
}
SCHEDULES = {  # and how each is written
    "daily>": "write `daily>: HH:MM:SS`",
    "hourly>": "write `hourly>: MM:SS`",
    "weekly>": "write `weekly>: Sun,HH:MM:SS`, or a number from 0 (Sunday) on",
    "monthly>": "write `monthly>: 1,HH:MM:SS`",
    "minutes_interval>": "write `minutes_interval>: 30`",
    "cron>": "write minute, hour, day, month and weekday, such as `cron>: 30 2 * * mon-fri`",
}
MEND = f"use one of {', '.join(SCHEDULES)}"
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
NEVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)  # what Digdag takes for the session after the last
LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
LAST_DAY = 32  # of a month, in a set of days
LONGEST_GAP = 366 * 41  # days between two firings: 29 February on one weekday, around a year without it
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def zone(name: str) -> dt.tzinfo:
    """The time zone called *name*: an IANA name or an offset such as +09:00.

    Raises:
        ValueError: there is no such zone.
    """
    if name in ("Z", "UTC", "GMT", "UT"):
        return dt.UTC
    offset = OFFSET.fullmatch(name)
    if offset:
        span = dt.timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        if span <= dt.timedelta(hours=18):
            return dt.timezone(span if offset[1] == "+" else -span)
    if not re.fullmatch(r"[A-Za-z][\w+-]*(?:/[\w+-]+)*", name):
        raise ValueError(name)
    try:
        return ZoneInfo(SHORT_ZONES.get(name, name))
    except (OSError, KeyError) as error:  # a ZoneInfoNotFoundError is a KeyError
        raise ValueError(name) from error


def zone_fault(name: Any) -> str:
    """What is wrong with a `timezone:` value; empty when nothing is."""
    if not isinstance(name, str):
        return f"timezone must be text but is {name!r}"
    try:
        zone(name)
    except ValueError:
        return f"unknown time zone {name!r}"
    return ""


class Schedule:
    """When a workflow runs. Session times are the times that are handed to tasks, such as midnight for
    daily>.
    """

    def __init__(self, config: dict[str, Any], zone_name: str) -> None:
        self.zone = zone(zone_name)
        plain = f"{config['_type']}>" if "_type" in config else ""
        self.kind = next((key for key in config if key.endswith(">")), plain)
        if self.kind not in SCHEDULES:
            raise ValueError(f"unknown scheduler type: {(self.kind or 'none')[:40]}")
        if sum(key.endswith(">") for key in config) > 1:
            raise ValueError("more than one scheduler type")
        self.first, self.last = (_day(config, key) for key in ("start", "end"))
        if self.first and self.last and self.first > self.last:
            raise ValueError(f"its end {self.last} is earlier than its start {self.first}")
        command = config.get(self.kind)
        text = str(config.get("at", "") if command is None else command)
        self.fields, self.delay = Cron("* * * * *"), dt.timedelta(seconds=int(config.get("delay", 0)))
        reader: Callable[[str], None] = getattr(self, "_" + self.kind[:-1])
        reader(text)

    def _daily(self, text: str) -> None:
        self.delay = _clock(text, 3)
        self.fields = Cron("0 0 * * *")

    def _hourly(self, text: str) -> None:
        self.delay = _clock(text, 2)
        self.fields = Cron("0 * * * *")

    def _weekly(self, text: str) -> None:
        day, _, clock = text.partition(",")
        self.delay = _clock(clock, 3)
        self.fields = Cron(f"0 0 * * {_number(day, 0, 7, WEEKDAYS)}")

    def _monthly(self, text: str) -> None:
        day, _, clock = text.partition(",")
        self.delay = _clock(clock, 3)
        self.fields = Cron(f"0 0 {_number(day, 1, 31)} * *")

    def _minutes_interval(self, text: str) -> None:
        self.fields = Cron(f"*/{_integer(text)} * * * *")

    def _cron(self, text: str) -> None:
        self.fields = Cron(text)

    def next_after(self, moment: dt.datetime) -> dt.datetime:
        """The first session time after *moment*."""
        return self.fields.step(moment.astimezone(self.zone), forward=True)

    def next_within(self, moment: dt.datetime) -> dt.datetime:
        """The first session time after *moment* that runs from `start` to `end`; NEVER behind them."""
        found = self.next_after(moment)
        runs = found + self.delay
        if self.last and runs >= _midnight(self.last + dt.timedelta(days=1), self.zone):
            return NEVER.astimezone(self.zone)
        if self.first and runs < _midnight(self.first, self.zone):
            return self.next_after(_midnight(self.first, self.zone) - dt.timedelta(seconds=1))
        return found

    def last_before(self, moment: dt.datetime) -> dt.datetime:
        """The last session time before *moment*, also where its delay (04:00 of daily>) is not over."""
        return self.fields.step(moment.astimezone(self.zone), forward=False)


def _midnight(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    return on_the_clock(dt.datetime.combine(day, dt.time(), zone))


def _day(config: dict[str, Any], key: str) -> dt.date | None:
    """The `start` or `end` of a schedule."""
    if config.get(key) is None:
        return None
    text = str(config[key])
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            raise ValueError(text)
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{key} must be a day, yyyy-MM-dd, but is {text[:40]!r}") from None


class Cron:
    """A line of five fields, or several with | between them, read as cron4j does, which Digdag asks.

    A day must fit both its fields, L is a month's last day, 22-2 goes round, and a step leaves out values
    of the range before it, so that 5/10 is 5.
    """

    def __init__(self, line: str) -> None:
        self.lines = [_CronLine(part) for part in line.split("|")]

    def times(self, day: dt.date) -> list[tuple[int, int]]:
        """The hours and minutes at which the line fires on *day*, in order."""
        return sorted({time for line in self.lines if line.day_fits(day) for time in line.times})

    def step(self, moment: dt.datetime, forward: bool) -> dt.datetime:
        """The next or the previous firing, strictly after or before *moment* (which carries its zone)."""
        day = moment.date()
        for _ in range(LONGEST_GAP):
            times = self.times(day)
            for hour, minute in times if forward else reversed(times):
                fired = _fired(dt.datetime.combine(day, dt.time(hour, minute), moment.tzinfo))
                if (
                    (fired.timestamp() > moment.timestamp())
                    if forward
                    else (fired.timestamp() < moment.timestamp())
                ):
                    return fired
            day += dt.timedelta(days=1 if forward else -1)
        raise ValueError("the schedule never fires")


class _CronLine:
    """One line of five fields."""

    def __init__(self, line: str) -> None:
        words = line.split()
        if len(words) != 5:
            raise ValueError(f"a cron line has five fields: {line!r}")
        minutes, hours = _field(words[0], 0, 59), _field(words[1], 0, 23)
        self.times = [(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)]
        self.days = _field(words[2], 1, 31, last=LAST_DAY)
        self.months = _field(words[3], 1, 12, names=MONTHS)
        self.weekdays = _field(words[4], 0, 7, names=WEEKDAYS)
        longest = max(LENGTHS[month - 1] for month in self.months)
        if LAST_DAY not in self.days and min(self.days) > longest:
            raise ValueError(f"{line!r} names days that its months do not have: it never fires")

    def day_fits(self, day: dt.date) -> bool:
        """Whether the line fires on *day*."""
        is_last = (day + dt.timedelta(days=1)).day == 1
        by_day = day.day in self.days or (is_last and LAST_DAY in self.days)
        return by_day and day.month in self.months and day.isoweekday() % 7 in self.weekdays


def _fired(moment: dt.datetime) -> dt.datetime:
    """When the clock shows a time: of an hour that comes twice the second, of one that is left out the hour
    after it, as Java's calendar has it.
    """
    return on_the_clock(max(moment.replace(fold=0), moment.replace(fold=1), key=dt.datetime.timestamp))


def on_the_clock(moment: dt.datetime) -> dt.datetime:
    """The same moment as its zone's clock shows it, which leaves out an hour when summer time begins."""
    return moment.astimezone(dt.UTC).astimezone(moment.tzinfo)


def _field(text: str, low: int, high: int, names: tuple[str, ...] = (), last: int = 0) -> set[int]:
    """The values of one field.

    Args:
        text: the field.
        low: its least value.
        high: its greatest.
        names: words for values, from *low* on.
        last: the value of L, where a field knows it.
    """
    values: set[int] = set()
    for part in filter(None, text.split(",")):
        span, *steps = list(filter(None, part.split("/"))) or [""]
        ends = list(filter(None, span.split("-")))
        if len(steps) > 1 or not 1 <= len(ends) <= 2:
            raise ValueError(f"bad part {part!r}")
        step = _integer(steps[0]) if steps else 1
        if step < 1:
            raise ValueError(f"bad part {part!r}")
        if span == "*":
            taken = list(range(low, high + 1))
        else:
            first, *end = (_number(word, low, high, names, last) for word in ends)
            taken = _round(first, end[0] if end else first, low, high)
        values.update(taken[::step])
    if not values:
        raise ValueError(f"bad field {text!r}")
    return values


def _round(first: int, end: int, low: int, high: int) -> list[int]:
    """The values from *first* to *end*, over the greatest where *end* is the smaller one."""
    if first <= end:
        return list(range(first, end + 1))
    return [*range(first, high + 1), *range(low, end + 1)]


def _number(text: str, low: int, high: int, names: tuple[str, ...] = (), last: int = 0) -> int:
    word = text.strip().lower()
    if word in names:
        return names.index(word) + low
    if last and word == "l":
        return last
    if names and not re.fullmatch(r"[-+]?[0-9]+", word):
        raise ValueError(f"{text!r} is neither a number nor one of {', '.join(names)}")
    value = _integer(word)
    if not low <= value <= high:
        raise ValueError(f"{text} is not between {low} and {high}")
    return value % 7 if names is WEEKDAYS else value


def _integer(text: str) -> int:
    if not re.fullmatch(r"[-+]?[0-9]{1,9}", text):
        raise ValueError(f"{text!r} is no whole number")
    return int(text)


def _clock(text: str, parts: int) -> dt.timedelta:
    words = text.strip().split(":")
    if len(words) != parts:
        raise ValueError(f"{text!r} is not {'HH:MM:SS' if parts == 3 else 'MM:SS'}")
    numbers = [int(word) for word in words]
    if parts == 2:
        numbers.insert(0, 0)
    hours, minutes, seconds = numbers
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 60):
        raise ValueError(f"{text!r} is no time of day")
    return dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)


def schedule_faults(section: Section, zone_name: str) -> list[Fault]:
    """What is wrong with a workflow's `schedule:`."""
    config = section["schedule"]
    place = section.at("schedule")
    if not isinstance(config, dict):
        return [Fault(place, "schedule must be a map", "write `daily>: HH:MM:SS` below it", code="schedule")]
    try:
        Schedule(config, zone_name)
    except (ValueError, TypeError) as error:
        kind = next((key for key in config if key in SCHEDULES), "")
        return [Fault(place, f"schedule: {error}", SCHEDULES.get(kind, MEND), code="schedule")]
    return []


def schedule_of(config: dict[str, Any] | None, zone_name: str) -> Schedule | None:
    """The schedule of a workflow, or None when it has none."""
    return Schedule(config, zone_name) if config else None


def session_time(
    word: str, zone_name: str, schedule: Schedule | None, last: str = "", now: dt.datetime | None = None
) -> dt.datetime:
    """The session time that `--session WORD` means.

    Args:
        word: "yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss" (and " +0200" where an hour comes twice), daily, hourly,
            schedule, last, or empty for the default: the session of the last run, else the schedule's last,
            else today 00:00.
        zone_name: the workflow's zone.
        schedule: the workflow's schedule.
        last: session time (ISO) of the newest saved run; empty when there is none.
        now: the wall clock, for tests.

    Raises:
        KitError: the word means nothing.
    """
    tz = zone(zone_name)
    now = (now or dt.datetime.now(dt.UTC)).astimezone(tz)
    midnight = on_the_clock(now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0))
    if word in ("", "last"):
        if last:
            return dt.datetime.fromisoformat(last).astimezone(tz)
        if word == "last" and schedule is None:
            raise KitError("--session last: no run of this workflow is saved", mend="give a date")
        return schedule.last_before(now) if schedule else midnight
    if word == "daily":
        return midnight
    if word == "hourly":
        return now.replace(minute=0, second=0, microsecond=0)
    if word == "schedule":
        if schedule is None:
            raise KitError(
                "--session schedule: this workflow has no schedule", mend="give a date, or add schedule:"
            )
        return schedule.last_before(now)
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)( [+-]\d{4})?)?", word)
    problem = f"--session {word!r} is no session time"
    mend = 'write yyyy-MM-dd, "yyyy-MM-dd HH:mm:ss", daily, hourly, schedule or last'
    if not match:
        raise KitError(problem, mend=mend)
    numbers = [int(part) if part else 0 for part in match.groups()[:6]]
    try:
        if match[7]:
            return dt.datetime.strptime(word, "%Y-%m-%d %H:%M:%S %z").astimezone(tz)
        return on_the_clock(dt.datetime(*numbers, tzinfo=tz))  # type: ignore[misc,arg-type]
    except ValueError as error:
        raise KitError(f"{problem}: {error}", mend=mend) from None


def variables(prefix: str, moment: dt.datetime) -> dict[str, Any]:
    """The five forms of one time, as Digdag names them: `<prefix>session_time` and so on."""
    return {
        f"{prefix}session_time": iso(moment),
        f"{prefix}session_date": moment.strftime("%Y-%m-%d"),
        f"{prefix}session_date_compact": moment.strftime("%Y%m%d"),
        f"{prefix}session_local_time": moment.strftime("%Y-%m-%d %H:%M:%S"),
        f"{prefix}session_tz_offset": moment.strftime("%z")[:5],
        f"{prefix}session_unixtime": int(moment.timestamp()),
    }


def iso(moment: dt.datetime) -> str:
    """As Digdag writes times: 2026-11-23T00:00:00+09:00."""
    return moment.isoformat(timespec="seconds")


NOT_EXECUTED = {
    "last_executed_session_time": "",
    "last_executed_session_date": "",
    "last_executed_session_date_compact": "",
    "last_executed_session_local_time": "",
    "last_executed_session_tz_offset": "+0000",
    "last_executed_session_unixtime": "",
}


def built_in(moment: dt.datetime, zone_name: str, schedule: Schedule | None) -> dict[str, Any]:
    """All time variables of a session."""
    values: dict[str, Any] = {"timezone": zone_name, **variables("", moment)}
    if schedule is not None:
        values |= variables("last_", schedule.last_before(moment))
        values |= variables("next_", schedule.next_within(moment))
    return values | NOT_EXECUTED
