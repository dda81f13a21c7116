"""Treasure Data's own functions: TD_TIME_*, TD_INTERVAL, TD_PARSE_AGENT, TD_IP_* and their like."""

from __future__ import annotations

from datetime import timezone
from typing import Any

from tdlocal.engine import intervals, td_times
from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.dialect import syntax as s
from tdlocal.engine.dialect.casts import at_zone, coerce, from_local
from tdlocal.engine.dialect.formats import joda_to_strftime
from tdlocal.engine.dialect.special import unexpected
from tdlocal.engine.dialect.values import Value, text
from tdlocal.engine.failures import failure
from tdlocal.engine.functions.geography import CITY_FIELDS
from tdlocal.engine.zones import zone

_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "M": "month", "q": "quarter",
          "y": "year"}  # fmt: skip
_SHORT = {"y": "%Y", "q": "%Y-%m", "M": "%Y-%m", "w": "%Y-%m-%d", "d": "%Y-%m-%d", "h": "%Y-%m-%d %H",
          "m": "%Y-%m-%d %H:%M", "s": "%Y-%m-%d %H:%M:%S"}  # fmt: skip
_PLAIN_DATE = r"'[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?)?'"


def _arguments(c: Any, node: s.Call, low: int, high: int) -> list[Value]:
    values = [c.argument(item) for item in node.arguments]
    if not low <= len(values) <= high:
        raise unexpected(node, values)
    return values


def _time(node: s.Call, value: Value, values: list[Value]) -> str:
    """A unix time; fractions of a double are cut off."""
    if value.kind.name in ("double", "real", "decimal"):
        return f"CAST(floor({value.sql}) AS BIGINT)"
    if not k.turns_into(value.kind, k.BIGINT):
        raise unexpected(node, values)
    return coerce(value, k.BIGINT).sql


def _text(node: s.Call, value: Value, values: list[Value]) -> Value:
    if not k.turns_into(value.kind, k.VARCHAR):
        raise unexpected(node, values)
    return coerce(value, k.VARCHAR)


def _zone(node: s.Call, values: list[Value], index: int) -> tuple[str, str | None]:
    """DuckDB text of the zone argument, and the zone in its usual form when it is constant."""
    if len(values) <= index:
        return "'UTC'", "'UTC'"
    value = _text(node, values[index], values)
    if value.constant is None:
        return "CAST(NULL AS VARCHAR)", None
    if not isinstance(value.constant, str):
        return value.sql, None
    place = zone(value.constant)
    if place is None:
        raise failure("INVALID_FUNCTION_ARGUMENT", f"'{value.constant}' is not a valid time zone")
    if isinstance(place, timezone):
        minutes = int((place.utcoffset(None)).total_seconds()) // 60
        sign = "-" if minutes < 0 else "+"
        usual = f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}" if minutes else "UTC"
        return value.sql, text(usual)
    return value.sql, text(str(place))


def _clock(time: str, usual: str) -> str:
    return at_zone(f"make_timestamptz({time} * 1000000)", usual)


def _unix(stamp: str, usual: str) -> str:
    return f"(epoch_us({from_local(stamp, usual)}) // 1000000)"


def scheduled_time(c: Any, node: s.Call) -> Value:
    _arguments(c, node, 0, 0)
    c.session.used_time = True
    return Value(f"CAST({c.session.scheduled_time:d} AS BIGINT)", k.BIGINT)


def time_parse(c: Any, node: s.Call) -> Value:
    values = _arguments(c, node, 1, 2)
    value = _text(node, values[0], values)
    place, usual = _zone(node, values, 1)
    return Value(_parsed(value, place, usual), k.BIGINT)


def _parsed(value: Value, place: str, usual: str | None) -> str:
    slow = f"py_time_parse({value.sql}, {place})"
    if usual is None or value.is_constant:
        return slow
    fast = _unix(f"date_trunc('second', TRY_CAST({value.sql} AS TIMESTAMP))", usual)
    return f"CASE WHEN regexp_full_match({value.sql}, {_PLAIN_DATE}) THEN {fast} ELSE {slow} END"


def time_format(c: Any, node: s.Call) -> Value:
    values = _arguments(c, node, 2, 3)
    time = _time(node, values[0], values)
    pattern = _text(node, values[1], values)
    place, usual = _zone(node, values, 2)
    if usual is not None and isinstance(pattern.constant, str):
        known = joda_to_strftime(pattern.constant)
        if known is not None:
            return Value(f"strftime({_clock(time, usual)}, {text(known)})", k.VARCHAR)
    return Value(f"py_time_format({time}, {pattern.sql}, {place})", k.VARCHAR)


def time_string(c: Any, node: s.Call) -> Value:
    values = _arguments(c, node, 2, 3)
    time = _time(node, values[0], values)
    unit = _text(node, values[1], values)
    place, usual = _zone(node, values, 2)
    letter = unit.constant.rstrip("!") if isinstance(unit.constant, str) else ""
    if isinstance(unit.constant, str) and letter not in _UNITS:
        raise failure("INVALID_FUNCTION_ARGUMENT", f"Invalid unit for TD_TIME_STRING: {unit.constant}")
    if usual is not None and letter and unit.constant.endswith("!"):
        cut = f"date_trunc('{_UNITS[letter]}', {_clock(time, usual)})"
        return Value(f"strftime({cut}, '{_SHORT[letter]}')", k.VARCHAR)
    return Value(f"py_time_string({time}, {unit.sql}, {place})", k.VARCHAR)


def date_trunc(c: Any, node: s.Call) -> Value:
    values = _arguments(c, node, 2, 3)
    unit, time = _text(node, values[0], values), _time(node, values[1], values)
    place, usual = _zone(node, values, 2)
    if isinstance(unit.constant, str):
        name = unit.constant.lower()
        if name not in _UNITS.values():
            raise failure(
                "INVALID_FUNCTION_ARGUMENT", f"'{unit.constant}' is not a valid unit for TD_DATE_TRUNC"
            )
        if usual is not None:
            return Value(_unix(f"date_trunc('{name}', {_clock(time, usual)})", usual), k.BIGINT)
    return Value(f"py_date_trunc({unit.sql}, {time}, {place})", k.BIGINT)


def time_add(c: Any, node: s.Call) -> Value:
    values = _arguments(c, node, 2, 3)
    place, usual = _zone(node, values, 2)
    if k.is_text(values[0].kind):
        time = _parsed(_text(node, values[0], values), place, usual)
    else:
        time = _time(node, values[0], values)
    duration = _text(node, values[1], values)
    if isinstance(duration.constant, str):
        seconds = td_times.time_add(0, duration.constant)
        return Value("CAST(NULL AS BIGINT)" if seconds is None else f"({time} + ({seconds}))", k.BIGINT)
    return Value(f"py_time_add({time}, {duration.sql})", k.BIGINT)


def time_range(c: Any, node: s.Call) -> Value:
    """start <= time < end; a null start is the beginning, a null end leaves it open."""
    values = _arguments(c, node, 2, 4)
    time = _time(node, values[0], values)
    if (
        len(values) == 3
        and isinstance(values[2].constant, str)
        and td_times.time_parse(values[2].constant) is None
    ):
        message = (
            f"TD_TIME_RANGE: '{values[2].constant}' is no time; write NULL as the end before a time zone"
        )
        raise failure("INVALID_FUNCTION_ARGUMENT", message)
    place, usual = _zone(node, values, 3)
    bounds = []
    for value, operator in zip(values[1:3], (">=", "<"), strict=False):
        if value.kind.name == "unknown":
            continue
        bounds.append(_bound(node, time, operator, value, values, place, usual))
    if not bounds:
        return Value(f"CASE WHEN {time} IS NULL THEN NULL ELSE true END", k.BOOLEAN)
    return Value(f"({' AND '.join(bounds)})", k.BOOLEAN)


def _bound(
    node: s.Call, time: str, operator: str, value: Value, values: list[Value], place: str, usual: str | None
) -> str:
    if not k.is_text(value.kind):
        bound = _time(node, value, values)
    elif isinstance(value.constant, str) and usual is not None:
        parsed = td_times.time_parse(value.constant, usual.strip("'"))
        if parsed is None:
            raise failure("INVALID_FUNCTION_ARGUMENT", f"TD_TIME_RANGE: '{value.constant}' is no time")
        return f"{time} {operator} {parsed}"
    else:
        bound = _parsed(coerce(value, k.VARCHAR), place, usual)
    if value.is_constant:
        return f"{time} {operator} {bound}"
    return f"CASE WHEN {bound} IS NULL THEN {time} IS NOT NULL ELSE {time} {operator} {bound} END"


def _window(c: Any, node: s.Call, spec: Value, place: Value | None) -> tuple[int, int]:
    if not isinstance(spec.constant, str) or (place is not None and not isinstance(place.constant, str)):
        raise failure(
            "INVALID_FUNCTION_ARGUMENT", f"{node.name}: the interval and the zone must be constants"
        )
    c.session.used_time = True
    try:
        return intervals.window(spec.constant, c.session.scheduled_time, place.constant if place else "UTC")
    except ValueError as error:
        raise failure("INVALID_FUNCTION_ARGUMENT", f"{node.name}: {error}") from None


def interval(c: Any, node: s.Call) -> Value:
    values = _arguments(c, node, 2, 3)
    time = _time(node, values[0], values)
    start, end = _window(c, node, values[1], values[2] if len(values) == 3 else None)
    return Value(f"({time} >= {start} AND {time} < {end})", k.BOOLEAN)


def interval_range(c: Any, node: s.Call) -> Value:
    values = _arguments(c, node, 1, 2)
    start, end = _window(c, node, values[0], values[1] if len(values) == 2 else None)
    return Value(f"[CAST({start} AS BIGINT), CAST({end} AS BIGINT)]", k.array(k.BIGINT))


def parse_agent(c: Any, node: s.Call) -> Value:
    values = _arguments(c, node, 1, 1)
    return Value(f"py_parse_agent({_text(node, values[0], values).sql})", k.map_of(k.VARCHAR, k.VARCHAR))


def parse_user_agent(c: Any, node: s.Call) -> Value:
    values = _arguments(c, node, 1, 2)
    agent = _text(node, values[0], values).sql
    option = _text(node, values[1], values).sql if len(values) == 2 else "CAST(NULL AS VARCHAR)"
    return Value(f"py_parse_user_agent({agent}, {option})", k.VARCHAR)


def ip_to(c: Any, node: s.Call) -> Value:
    """TD_IP_TO_…: from the user's .mmdb file, null without one."""
    values = _arguments(c, node, 1, 1)
    address = _text(node, values[0], values).sql
    if node.name == "td_ip_to_subdivision_names":
        return Value(f"py_ip_subdivisions({address})", k.array(k.VARCHAR))
    found = f"py_ip_field({address}, '{node.name.removeprefix('td_ip_to_')}')"
    if node.name in ("td_ip_to_latitude", "td_ip_to_longitude"):
        return Value(f"CAST({found} AS DOUBLE)", k.DOUBLE)
    return Value(found, k.VARCHAR)


def url_decode(c: Any, node: s.Call) -> Value:
    values = _arguments(c, node, 1, 1)
    return Value(f"TRY(py_url_decode({_text(node, values[0], values).sql}))", k.VARCHAR)


def md5(c: Any, node: s.Call) -> Value:
    values = _arguments(c, node, 1, 1)
    return Value(f"md5({_text(node, values[0], values).sql})", k.VARCHAR)


SPECIAL = {
    "td_scheduled_time": scheduled_time, "td_time_parse": time_parse, "td_time_format": time_format,
    "td_time_string": time_string, "td_date_trunc": date_trunc, "td_time_add": time_add,
    "td_time_range": time_range, "td_interval": interval, "td_interval_range": interval_range,
    "td_parse_agent": parse_agent, "td_parse_user_agent": parse_user_agent, "td_url_decode": url_decode,
    "td_md5": md5, **{f"td_ip_to_{field}": ip_to for field in CITY_FIELDS},
}  # fmt: skip
