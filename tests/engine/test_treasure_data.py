"""Treasure Data's own functions, through SQL; scheduled time is 2025-01-01 00:00:00 UTC."""

import pytest

from tdlocal.engine import intervals
from tdlocal.engine.types import EngineError

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1"
DATES = ["2020-01-01", "2020-02-30", "2020-1-5", "2020-01-01 10:20:30", "2020-01-01T00:00:00Z", ""]
CASES = [
    ("td_scheduled_time()", 1735689600),
    ("td_time_parse('2020-01-01')", 1577836800),
    ("td_time_parse('2020-01-01 09:00:00', 'JST')", 1577836800),
    ("td_time_parse('2020-01-01T09:00:00+09:00')", 1577836800),
    ("td_time_parse('2020-01-01 00:00:00 PST', 'JST')", 1577865600),
    ("td_time_parse('2020-07-01', 'PST')", 1593586800),
    ("td_time_parse('2020-07-01', 'EST')", 1593579600),
    ("td_time_parse('not a time')", None),
    ("td_time_parse(cast(null as varchar))", None),
    ("td_time_parse('2020-01-01 10:20:30.999')", 1577874030),
    ("td_time_format(1577836800, 'yyyy-MM-dd HH:mm:ss z', 'JST')", "2020-01-01 09:00:00 JST"),
    ("td_time_format(1577836800, 'yyyy-MM-dd''T''HH:mm')", "2020-01-01T00:00"),
    ("td_time_format(null, 'yyyy')", None),
    ("td_time_string(1577836800, 'd!', 'JST')", "2020-01-01"),
    ("td_time_string(1577836800, 'M!')", "2020-01"),
    ("td_time_string(1577836800, 'w!')", "2019-12-30"),
    ("td_time_string(1577840461, 'h', 'JST')", "2020-01-01 10:00:00+0900"),
    ("td_date_trunc('day', 1577836800, 'PST')", 1577779200),
    ("td_date_trunc('month', 1580000000)", 1577836800),
    ("td_date_trunc('week', 1577836800)", 1577664000),
    ("td_date_trunc('hour', 1577840461, '+05:30')", 1577838600),
    ("td_time_add(0, '1h30m')", 5400),
    ("td_time_add(0, '-1d')", -86400),
    ("td_time_add('2020-01-01', '1d')", 1577923200),
    ("td_time_add(0, '1y')", None),
    ("td_time_range(1577836800, '2020-01-01', '2020-01-02')", True),
    ("td_time_range(1577836800, '2020-01-01', '2020-01-02', 'PST')", False),
    ("td_time_range(1577836800, null, '2020-01-01')", False),
    ("td_time_range(1577836800, '2019-01-01')", True),
    ("td_time_range(1577836800, 1577836800, 1577836801)", True),
    ("td_time_range(null, '2019-01-01')", None),
    ("td_interval(1735689599, '-1d')", True),
    ("td_interval(1735689600, '-1d')", False),
    ("td_interval(1735689600, '1d', 'UTC')", True),
    ("td_interval(null, '-1d')", None),
    ("td_interval_range('-7d')", [1735084800, 1735689600]),
    ("td_interval_range('-1M/2018-09-02')", [1533081600, 1535846400]),
    (f"td_parse_agent('{IPHONE}')['category']",
     "smartphone"),
    ("element_at(td_parse_agent('nothing known'), 'os')", "UNKNOWN"),
    ("td_parse_agent(cast(null as varchar))", None),
    ("td_parse_user_agent('nothing known', 'os_family')", "Other"),
    ("td_ip_to_country_name('8.8.8.8')", None),
    ("td_url_decode('a%20b+c')", "a b c"),
    ("td_url_decode('%zz')", None),
    ("td_md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), CASES, ids=[case[0] for case in CASES])
def test_constant(ask, expression, expected):
    assert ask(f"select {expression}") == [(expected,)]


@pytest.mark.parametrize(
    ("function", "values"),
    [
        ("td_time_parse({}, 'JST')", DATES),
        ("td_time_parse({}, 'PST')", ["2020-03-08 02:30:00", "2020-11-01 01:30:00", "2020-07-01 00:00:00.5"]),
    ],
)  # fmt: skip
def test_columns_answer_as_constants_do(ask, function, values):
    """The fast SQL for columns and the Python for constants agree."""
    for value in values:
        constant = ask(f"select {function.format(repr(value))}")
        column = ask(f"select {function.format('v')} from (values '{value}') t(v)")
        assert constant == column, value


def test_sessions_begin_after_the_timeout_and_are_the_same_each_time(ask):
    rows = "(values ('a', 0), ('a', 50), ('a', 200), ('b', 60), ('a', 261), ('b', 120)) t(who, time)"
    session = "td_sessionize_window(time, 60) over (partition by who order by time)"
    sql = f"select who, time, {session} as id from {rows} order by 1, 2"
    first, second = ask(sql), ask(sql)
    assert first == second
    ids = [row[2] for row in first]
    assert ids[0] == ids[1] and len({*ids}) == 4
    assert ids[4] == ids[5] != ids[0]


def test_aggregates(ask):
    rows = "(values ('x', 3), ('y', 1), ('z', 2)) t(v, time)"
    assert ask(f"select td_first(v, time), td_last(v, time), td_sumif(time, v <> 'x') from {rows}") == [
        ("y", "x", 3.0)
    ]


@pytest.mark.parametrize(
    "expression",
    ["td_time_range(0, '2020-01-01', 'JST')", "td_time_format(0, 'yyyy', 'Nowhere')",
     "td_interval(0, 'soon')", "td_date_trunc('fortnight', 0)", "td_time_string(0, 'x')",
     "td_unknown(1)", "td_time_parse(1)"],
)  # fmt: skip
def test_refused(ask, expression):
    with pytest.raises(EngineError) as caught:
        ask(f"select {expression}")
    assert caught.value.name in ("INVALID_FUNCTION_ARGUMENT", "FUNCTION_NOT_FOUND")


NOON = 1466943825  # 2016-06-26 12:23:45 UTC


@pytest.mark.parametrize(
    ("spec", "start", "end"),
    [
        ("1h", "2016-06-26 12", "2016-06-26 13"),
        ("-1h", "2016-06-26 11", "2016-06-26 12"),
        ("-1h/now", "2016-06-26 11", "2016-06-26 12:23:45"),
        ("today", "2016-06-26", "2016-06-27"),
        ("yesterday", "2016-06-25", "2016-06-26"),
        ("lastWeek", "2016-06-13", "2016-06-20"),
        ("-1w", "2016-06-13", "2016-06-20"),
        ("thisMonth", "2016-06-01", "2016-07-01"),
        ("-1y", "2015-01-01", "2016-01-01"),
        ("-1q", "2016-01-01", "2016-04-01"),
        ("-12h/-1d", "2016-06-24 12", "2016-06-25"),
        ("-1d/-1d", "2016-06-24", "2016-06-25"),
        ("3d/2017-04-07", "2017-04-07", "2017-04-10"),
        ("-60m/2017-01-23 01:23:45)", "2017-01-23 00:23:45", "2017-01-23 01:23:45"),
    ],
)
def test_interval_windows(spec, start, end):
    from tdlocal.engine.td_times import time_parse

    expected = [time_parse(f"{text}:00:00" if len(text) == 13 else text) for text in (start, end)]
    assert list(intervals.window(spec, NOON)) == expected
