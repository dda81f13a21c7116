"""Sessions where summer time begins and ends: each day has one, at a time that its clock shows."""

import datetime as dt

import pytest

from tdlocal.workflow.sessions import Schedule, built_in, iso, session_time, zone
from tests.runner.kit import Project

NIGHTLY = {"cron>": "30 2 * * *"}
DAILY = {"daily>": "02:30:00"}


def sessions(config: dict[str, str], zone_name: str, first: str, count: int) -> list[str]:
    schedule = Schedule(config, zone_name)
    moment, found = dt.datetime.fromisoformat(first).astimezone(zone(zone_name)), []
    for _ in range(count):
        moment = schedule.next_after(moment)
        found.append(iso(moment))
    back = [iso(moment)]
    for _ in range(count - 1):
        moment = schedule.last_before(moment)
        back.insert(0, iso(moment))
    assert back == found, "the way back meets the same sessions"
    return found


@pytest.mark.parametrize(
    ("config", "zone_name", "first", "expected"),
    [
        (NIGHTLY, "Europe/Berlin", "2026-03-28T00:00:00Z",
         ["2026-03-28T02:30:00+01:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"]),
        (NIGHTLY, "Europe/Berlin", "2026-10-24T00:00:00Z",
         ["2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"]),
        (DAILY, "America/New_York", "2026-03-07T00:00:00Z",
         ["2026-03-07T00:00:00-05:00", "2026-03-08T00:00:00-05:00", "2026-03-09T00:00:00-04:00"]),
        (DAILY, "America/New_York", "2026-10-31T00:00:00Z",
         ["2026-10-31T00:00:00-04:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"]),
        (DAILY, "Asia/Beirut", "2026-03-27T00:00:00Z",  # its clock has no midnight that day
         ["2026-03-28T00:00:00+02:00", "2026-03-29T01:00:00+03:00", "2026-03-30T00:00:00+03:00"]),
    ],
)  # fmt: skip
def test_every_day_has_one_session(config, zone_name, first, expected):
    assert sessions(config, zone_name, first, 3) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0 0 1 * mon", ["2026-06-01", "2027-02-01"]),  # both fields, where cron itself takes either
        ("0 0 L 2 *", ["2027-02-28", "2028-02-29"]),
        ("0 0 28-L 4 *", ["2026-04-28", "2026-04-29", "2026-04-30", "2027-04-28"]),
        ("0 0 * * FRI-mon", ["2026-03-09", "2026-03-13", "2026-03-14"]),
        ("0 0 * * 0-7", ["2026-03-15", "2026-03-22"]),
        ("0 0 1/5 * *", ["2026-04-01", "2026-05-01"]),
        ("0 22-1/2 7-9 3 *", ["2026-03-08 22", "2026-03-09 00", "2026-03-09 22", "2027-03-07 00"]),
        ("0 1 * * * | 0 2 8 * *", ["2026-03-08 01", "2026-03-08 02", "2026-03-09 01"]),
    ],
)
def test_a_cron_line_means_what_cron4j_takes_it_for(line, expected):
    found = sessions({"cron>": line}, "UTC", "2026-03-08T00:00:00Z", len(expected))
    assert [
        moment.replace("T", " ")[: len(each)] for moment, each in zip(found, expected, strict=True)
    ] == expected


@pytest.mark.parametrize(
    "config",
    [
        *(
            {"cron>": f"0 0 {days}"}
            for days in ("* * Monday", "? * *", "* * 8", "32 * *", "/ * *", "* 1/2/3 *")
        ),
        {"monthly>": "L,07:00:00"},
        {"weekly>": "Monday,07:00:00"},
        {"weekly>": "-1,07:00:00"},
        {"minutes_interval>": "0"},
        {"daily>": None},
    ],
)
def test_what_digdag_refuses_as_a_schedule(config):
    with pytest.raises(ValueError, match=r"\S"):
        Schedule(config, "UTC")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"daily>": "07:00:00", "end": "2026-03-09"}, "2026-03-09T00:00:00+09:00"),
        ({"daily>": "07:00:00", "end": "2026-03-08"}, "9999-01-01T09:00:00+09:00"),
        ({"daily>": "07:00:00", "start": "2026-04-01"}, "2026-04-01T00:00:00+09:00"),
        ({"cron>": "30 * * * *", "start": "2026-03-08", "end": "2026-03-08"}, "2026-03-08T00:30:00+09:00"),
    ],
)
def test_the_next_session_lies_between_start_and_end(config, expected):
    moment = dt.datetime.fromisoformat("2026-03-08T00:00:00+09:00")
    values = built_in(moment, "Asia/Tokyo", Schedule(config, "Asia/Tokyo"))
    assert values["next_session_time"] == expected


def test_a_schedule_in_its_long_form():
    assert sessions({"_type": "daily", "at": "07:00:00"}, "UTC", "2026-03-08T01:00:00Z", 1) == [
        "2026-03-09T00:00:00+00:00"
    ]


@pytest.mark.parametrize(
    ("word", "zone_name", "expected"),
    [
        ("2026-03-29", "Asia/Beirut", "2026-03-29T01:00:00+03:00"),
        ("2026-03-29 02:30:00", "Europe/Berlin", "2026-03-29T03:30:00+02:00"),
        ("2026-10-25 02:30:00", "Europe/Berlin", "2026-10-25T02:30:00+02:00"),
        ("2026-10-25 02:30:00 +0100", "Europe/Berlin", "2026-10-25T02:30:00+01:00"),
        ("daily", "Europe/Berlin", "2026-10-25T00:00:00+02:00"),
        ("hourly", "Europe/Berlin", "2026-10-25T02:00:00+01:00"),
    ],
)
def test_a_session_is_a_time_that_its_clock_shows(word, zone_name, expected):
    now = dt.datetime.fromisoformat("2026-10-25T02:40:00+01:00")
    assert iso(session_time(word, zone_name, None, now=now)) == expected


def test_a_backfill_over_the_end_of_summer_time_runs_the_sessions_of_the_schedule(project: Project) -> None:
    project.write(
        "main.dig",
        "timezone: Europe/Berlin\nschedule:\n  cron>: 30 2 * * *\n"
        "+a:\n  sh>: echo ${session_time} >> $TRACE\n",
    )
    ended = project.tdlocal("backfill", "main", "--from", "2026-10-24", "--to", "2026-10-26")
    assert ended.code == 0, ended.err
    assert ended.trace == [
        "2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00",
    ]  # fmt: skip
    spring = project.tdlocal("backfill", "main", "--from", "2027-03-27", "--to", "2027-03-29", "--dry-run")
    assert spring.lines == ["2027-03-27 02:30:00", "2027-03-28 03:30:00", "2027-03-29 02:30:00"]
    for words, told in (
        (("--from", "2026-10-26", "--to", "2026-10-24"), "to mend: give the earlier day first"),
        (("--from", "2026-02-30", "--to", "2026-03-01"), "--from '2026-02-30' is no day"),
        (("--from", "2026-02-28", "--to", "now"), "--to 'now' is no day"),
    ):
        refused = project.tdlocal("backfill", "main", *words)
        assert refused.code == 1 and told in refused.err
    future = project.tdlocal("backfill", "main", "--from", "2999-01-01", "--to", "2999-01-02", "--dry-run")
    assert len(future.lines) == 2 and "session 2999-01-02 02:30:00 is in the future" in future.err
