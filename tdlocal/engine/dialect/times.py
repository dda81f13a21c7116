"""Dates, timestamps, zones and formats."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time
from typing import Any
from uuid import UUID

from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.dialect import syntax as s
from tdlocal.engine.dialect.casts import cast, coerce, from_local, local, rounded, stamp_text
from tdlocal.engine.dialect.formats import joda_to_strftime, mysql_to_strftime
from tdlocal.engine.dialect.signatures import unexpected
from tdlocal.engine.dialect.values import Value, decimal, fail, string, text
from tdlocal.engine.failures import failure
from tdlocal.engine.functions.stamps import canonical_zone, zone_of_text, zoned_micros
from tdlocal.engine.types import EngineError

_UNITS = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")
_DATE_UNITS = ("day", "week", "month", "quarter", "year")
_MILLIS = {"DAY": 86_400_000, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1000}
_ORDER = ("DAY", "HOUR", "MINUTE", "SECOND")
_MOMENTS = ("date", "timestamp", "timestamp with time zone")

# function -> (text for a clock time, does it need a time of day?)
PARTS = {
    "year": "year($0)", "quarter": "quarter($0)", "month": "month($0)", "week": "week($0)",
    "week_of_year": "week($0)", "day": "day($0)", "day_of_month": "day($0)", "day_of_week": "isodow($0)",
    "dow": "isodow($0)", "day_of_year": "dayofyear($0)", "doy": "dayofyear($0)", "year_of_week":
    "isoyear($0)",
    "yow": "isoyear($0)", "hour": "hour($0)", "minute": "minute($0)", "second": "second($0)",
    "millisecond": "(millisecond($0) % 1000)",
}  # fmt: skip
_CLOCK_PARTS = frozenset(["hour", "minute", "second", "millisecond"])


def typed_literal(kind: k.Kind, written: str, zone: str) -> Value:
    """DATE '…', TIMESTAMP '…' and the like, checked at once."""
    try:
        return _typed(kind, written, zone)
    except (ValueError, OverflowError):
        raise failure("INVALID_LITERAL", f"'{written}' is not a valid {kind.name.upper()} literal") from None


def _typed(kind: k.Kind, written: str, zone: str) -> Value:
    name = kind.name
    if name == "decimal":
        if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", written.strip()):
            raise ValueError(written)
        made = decimal(written.strip())
        if made.kind.sizes[0] > 38:
            raise ValueError(written)
        return made
    if name == "timestamp":
        return _stamp(written, zone)
    if name == "date":
        if not re.fullmatch(r"\s*[+-]?\d{4,}-\d{1,2}-\d{1,2}\s*", written):
            raise ValueError(written)
        zoned_micros(written, "UTC", literal=True)
        return Value(f"CAST({text(written.strip())} AS DATE)", k.DATE, constant=written.strip())
    if name == "json":
        from tdlocal.engine.functions.jsons import json_parse

        return Value(text(json_parse(written) or "null"), k.JSON)
    if name == "varchar":
        made = string(written)
        return cast(made, kind) if kind.sizes else Value(made.sql, k.VARCHAR, constant=written)
    if name == "char":
        return Value(text(written), k.Kind("char", (len(written),)))
    if name in k.INTEGERS:
        bits = {"tinyint": 7, "smallint": 15, "integer": 31, "bigint": 63}[name]
        if not -(2**bits) <= int(written) < 2**bits:
            raise ValueError(written)
        return Value(f"CAST({int(written)} AS {k.duck(kind)})", kind, constant=int(written))
    if name in ("double", "real"):
        return Value(f"CAST({float(written)!r} AS {k.duck(kind)})" if "n" not in written.lower()
                     else f"CAST({text(written)} AS {k.duck(kind)})", kind)  # fmt: skip
    if name == "time":
        fraction = re.fullmatch(r"\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)?\s*", written)
        if not fraction and re.fullmatch(r"\s*[\d:.]+ ?[+-]\d\d(:\d\d)?\s*", written):
            message = f"a time with a zone is not supported by the local account: {written}"
            raise failure("NOT_SUPPORTED", message)
        if not fraction:
            raise ValueError(written)
        time(int(fraction[1]), int(fraction[2]), int(fraction[3] or 0))
        if (fraction[4] or "")[6:].strip("0"):
            raise failure("NOT_SUPPORTED", f"the local account counts time in microseconds: {written}")
        return Value(f"CAST({text(written.strip())} AS TIME)", k.Kind("time", (len(fraction[4] or ""),)))
    if name in ("boolean", "uuid", "ipaddress"):
        return _checked_literal(kind, written)
    return cast(string(written), kind, zone=zone)


def _checked_literal(kind: k.Kind, written: str) -> Value:
    """Literals whose texts are read while the statement is translated."""
    if kind.name == "boolean":
        if written.lower() not in ("true", "false", "t", "f", "1", "0"):
            raise ValueError(written)
    elif kind.name == "uuid":
        UUID(written)
    return cast(string(written), kind)


def _stamp(written: str, zone: str) -> Value:
    """The precision of a timestamp literal is the number of its fraction's digits."""
    fraction = re.search(r":\d{1,2}\.(\d+)", written)
    precision = len(fraction[1]) if fraction else 0
    if fraction and fraction[1][6:].strip("0"):
        raise failure("NOT_SUPPORTED", "the local account counts time in microseconds, not in "
                      f"timestamp({precision})")  # fmt: skip
    place = zone_of_text(written)
    micros = zoned_micros(written, place or "UTC", literal=True)
    if place:
        kind = k.Kind("timestamp with time zone", (precision,))
        return Value(f"make_timestamptz({micros})", kind, zone=text(place))
    return Value(f"make_timestamp({micros})", k.Kind("timestamp", (precision,)))


def interval_literal(node: s.IntervalLiteral) -> Value:
    """INTERVAL '1' DAY, INTERVAL '1-2' YEAR TO MONTH, INTERVAL '1 02:03:04' DAY TO SECOND."""
    try:
        if node.unit in ("YEAR", "MONTH"):
            return _months(node)
        return _days(node)
    except (ValueError, IndexError):
        raise failure("INVALID_LITERAL", f"'{node.value}' is not a valid INTERVAL literal") from None


def _months(node: s.IntervalLiteral) -> Value:
    if node.until == "MONTH" and node.unit == "YEAR":
        written = re.fullmatch(r"([+-]?)(\d+)-(\d+)", node.value)
        if written is None:
            raise ValueError(node.value)
        total = (int(written[2]) * 12 + int(written[3])) * (-1 if written[1] == "-" else 1)
    else:
        total = int(node.value) * (12 if node.unit == "YEAR" else 1)
    return Value(f"to_months({node.sign * total})", k.MONTHS, constant=node.sign * total)


def _days(node: s.IntervalLiteral) -> Value:
    units = _ORDER[_ORDER.index(node.unit) : _ORDER.index(node.until or node.unit) + 1]
    sign = -1 if node.value.strip().startswith("-") else 1
    parts = [part for part in re.split(r"[ :]", node.value.strip().lstrip("+-")) if part]
    if len(parts) != len(units):
        raise ValueError(node.value)
    total = 0
    for part, unit in zip(parts, units, strict=True):
        total += round(float(part) * 1000) if unit == "SECOND" else int(part) * _MILLIS[unit]
    total *= node.sign * sign
    sql = f"to_days({total // 86_400_000})" if total % 86_400_000 == 0 else f"to_milliseconds({total})"
    return Value(sql, k.DAYS, constant=total)


def current_time(name: str, precision: int | None, zone: str) -> Value:
    """CURRENT_DATE, CURRENT_TIMESTAMP, LOCALTIMESTAMP …: the start of the statement."""
    digits = 3 if precision is None else precision
    now = "date_trunc('millisecond', now())"
    if name == "current_timestamp":
        return Value(now, k.Kind("timestamp with time zone", (digits,)), zone=zone)
    clock = local(Value(now, k.ZONED, zone=zone))
    if name == "current_date":
        return Value(f"CAST({clock} AS DATE)", k.DATE)
    if name == "localtimestamp":
        return Value(clock, k.Kind("timestamp", (digits,)))
    if name == "current_time":
        raise failure("NOT_SUPPORTED", "current_time, a time with a zone, is not supported: use localtime")
    return Value(f"CAST({clock} AS TIME)", k.Kind("time", (digits,)))


# -- functions; each takes the compiler and the call


def _values(c: Any, node: s.Call, low: int, high: int | None = None) -> list[Value]:
    values = [c.argument(item) for item in node.arguments]
    if not low <= len(values) <= (high or low):
        raise _unexpected(node.name, values)
    return values


def _unexpected(name: str, values: list[Value]) -> EngineError:
    return unexpected(name, [value.kind for value in values])


def clock(value: Value) -> str:
    """The value as a DuckDB DATE or TIMESTAMP of its own clock."""
    return local(value) if value.kind.name == "timestamp with time zone" else value.sql


def _moment(name: str, value: Value, values: list[Value]) -> Value:
    if value.kind.name == "unknown":
        return coerce(value, k.TIMESTAMP)
    if value.kind.name not in _MOMENTS:
        raise _unexpected(name, values)
    return value


def _unit(value: Value, kind: k.Kind) -> str:
    if not isinstance(value.constant, str):
        raise failure("NOT_SUPPORTED", "a unit that is no constant is not supported by the local account")
    unit = value.constant.lower()
    allowed = _DATE_UNITS if kind.name == "date" else _UNITS
    if unit not in allowed:
        shown = "DATE" if kind.name == "date" else "TIMESTAMP"
        raise failure("INVALID_FUNCTION_ARGUMENT", f"'{unit}' is not a valid {shown} field")
    return unit


def part(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 1)
    value = values[0]
    if value.kind == k.DAYS and node.name in ("day", "hour", "minute", "second", "millisecond"):
        from tdlocal.engine.dialect.casts import milliseconds

        size, cycle = {"day": (86_400_000, 0), "hour": (3_600_000, 24), "minute": (60_000, 60),
                       "second": (1000, 60), "millisecond": (1, 1000)}[node.name]  # fmt: skip
        sql = f"({milliseconds(value.sql)} // {size})"
        return Value(f"({sql} % {cycle})" if cycle else sql, k.BIGINT)
    if value.kind == k.MONTHS and node.name in ("year", "month"):
        from tdlocal.engine.dialect.casts import months

        total = months(value.sql)
        return Value(f"({total} // 12)" if node.name == "year" else f"({total} % 12)", k.BIGINT)
    if value.kind.name == "time" and node.name in _CLOCK_PARTS:
        return Value(PARTS[node.name].replace("$0", value.sql), k.BIGINT)
    moment = _moment(node.name, value, values)
    if moment.kind.name == "date" and node.name in _CLOCK_PARTS:
        if node.name == "millisecond":
            raise _unexpected(node.name, values)
        moment = coerce(moment, k.Kind("timestamp", (0,)))
    return Value(PARTS[node.name].replace("$0", clock(moment)), k.BIGINT)


def by_unit(function: Callable[[Any, s.Call], Value]) -> Callable[[Any, s.Call], Value]:
    """*function*, also with a unit that is known only while rows are read: a case for each unit."""

    def made(c: Any, node: s.Call) -> Value:
        unit = c.expression(node.arguments[0]) if node.arguments else None
        if unit is None or unit.is_constant or not k.turns_into(unit.kind, k.VARCHAR):
            return function(c, node)
        values: dict[str, Value] = {}
        for name in _UNITS:
            literal = s.Literal(node.pos, "string", name)
            try:
                values[name] = function(c, s.Call(node.pos, node.name, [literal, *node.arguments[1:]]))
            except EngineError as error:
                if error.name != "INVALID_FUNCTION_ARGUMENT":
                    raise
        first = next(iter(values.values()))
        branches = " ".join(f"WHEN {text(name)} THEN {value.sql}" for name, value in values.items())
        message = f"'''' || {unit.sql} || ''' is not a valid field'"
        wrong = fail("INVALID_FUNCTION_ARGUMENT", message, first.kind)
        sql = f"CASE lower({unit.sql}) {branches} ELSE CASE WHEN {unit.sql} IS NOT NULL THEN {wrong} END END"
        return Value(sql, first.kind, zone=first.zone)

    return made


@by_unit
def date_trunc(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 2)
    if values[1].kind.name == "unknown":
        raise failure("AMBIGUOUS_FUNCTION_CALL", "Could not choose a best candidate for date_trunc")
    if values[1].kind.name == "time":
        unit = _clock_unit(values[0])
        cut = f"date_trunc('{unit}', {_NIGHT} + {values[1].sql})"
        return Value(f"CAST({cut} AS TIME)", values[1].kind)
    moment = _moment(node.name, values[1], values)
    unit = _unit(values[0], moment.kind)
    if moment.kind.name == "date":
        return Value(f"CAST(date_trunc('{unit}', {moment.sql}) AS DATE)", k.DATE)
    cut = f"date_trunc('{unit}', {clock(moment)})"
    if moment.kind.name == "timestamp":
        return Value(cut, moment.kind)
    return Value(from_local(cut, moment.zone or "'UTC'"), moment.kind, zone=moment.zone)


_NIGHT = "CAST('1970-01-01' AS DATE)"


def _clock_unit(value: Value) -> str:
    unit = _unit(value, k.TIMESTAMP)
    if unit in _DATE_UNITS:
        raise failure("INVALID_FUNCTION_ARGUMENT", f"'{unit}' is not a valid TIME field")
    return unit


@by_unit
def date_add(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 3)
    if values[2].kind.name == "time" and k.turns_into(values[1].kind, k.BIGINT):
        unit = _clock_unit(values[0])
        count, size = coerce(values[1], k.BIGINT).sql, _MILLIS.get(unit.upper(), 1)
        moved = f"{_NIGHT} + {values[2].sql} + to_milliseconds({count} * {size})"
        return Value(f"CAST({moved} AS TIME)", values[2].kind)
    moment = _moment(node.name, values[2], values)
    if not k.turns_into(values[1].kind, k.BIGINT):
        raise _unexpected(node.name, values)
    unit = _unit(values[0], moment.kind)
    count = coerce(values[1], k.BIGINT).sql
    months = {"month": 1, "quarter": 3, "year": 12}.get(unit)
    days = {"day": 1, "week": 7}.get(unit)
    if months:
        step = f"to_months(CAST({count} * {months} AS INTEGER))"
    elif days:
        step = f"to_days(CAST({count} * {days} AS INTEGER))"
    else:
        step = f"to_milliseconds({count} * {_MILLIS.get(unit.upper(), 1)})"
    if moment.kind.name == "date":
        return Value(f"CAST({moment.sql} + {step} AS DATE)", k.DATE)
    if moment.kind.name == "timestamp" or not (months or days):
        moved = f"({moment.sql} + {step})"
        if unit == "millisecond" and moment.kind.name == "timestamp":
            moved = rounded(moved, moment.kind.sizes[0]) if moment.kind.sizes[0] < 3 else moved
        return Value(moved, moment.kind, zone=moment.zone)
    zone = moment.zone or "'UTC'"
    return Value(from_local(f"({local(moment)} + {step})", zone), moment.kind, zone=zone)


@by_unit
def date_diff(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 3)
    if values[1].kind.name == values[2].kind.name == "time":
        unit = _clock_unit(values[0])
        return Value(f"date_sub('{unit}', {_NIGHT} + {values[1].sql}, {_NIGHT} + {values[2].sql})", k.BIGINT)
    start, end = (_moment(node.name, value, values) for value in values[1:])
    kind = k.common(start.kind, end.kind)
    assert kind is not None
    unit = _unit(values[0], kind)
    x, y = coerce(start, kind, c.zone), coerce(end, kind, c.zone)
    if kind.name == "timestamp with time zone" and unit in _DATE_UNITS:
        zone = x.zone or "'UTC'"
        x, y = (Value(local(Value(value.sql, kind, zone=zone)), k.TIMESTAMP) for value in (x, y))
    return Value(f"date_sub('{unit}', {x.sql}, {y.sql})", k.BIGINT)


def date_format(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 2)
    moment, pattern = _moment(node.name, values[0], values), values[1]
    stamp = f"CAST({moment.sql} AS TIMESTAMP)" if moment.kind.name == "date" else clock(moment)
    if isinstance(pattern.constant, str):
        form = mysql_to_strftime(pattern.constant).replace("%f", "%g000")  # Trino keeps milliseconds here
        return Value(f"strftime({stamp}, {text(form)})", k.VARCHAR)
    return Value(f"py_date_format({stamp}, {pattern.sql})", k.VARCHAR)


def date_parse(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 2)
    if not all(k.turns_into(value.kind, k.VARCHAR) for value in values):
        raise _unexpected(node.name, values)
    x, slow = values[0].sql, f"py_date_parse({values[0].sql}, {values[1].sql})"
    fixed = _fixed_width(values[1].constant) if not values[0].is_constant else None
    if fixed is None:
        return Value(slow, k.TIMESTAMP)
    pattern, form = fixed
    fast = f"try_strptime({x}, {text(form)})"
    return Value((f"CASE WHEN regexp_full_match({x}, {text(pattern)}) THEN coalesce({fast}, {slow}) ELSE"
        f" {slow} END"),
                 k.TIMESTAMP)  # fmt: skip


def _fixed_width(pattern: Any) -> tuple[str, str] | None:
    """A regular expression and strptime's form for a pattern of fields of fixed width; None for others."""
    if not isinstance(pattern, str) or set(re.findall(r"%(.)", pattern)) - set("YmdHisST"):
        return None
    pattern = pattern.replace("%T", "%H:%i:%s")
    form = re.escape(pattern).replace("%Y", "[0-9]{4}")
    return re.sub(r"%[mdHisS]", "[0-9]{2}", form), mysql_to_strftime(pattern)


def format_datetime(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 2)
    moment, pattern = _moment(node.name, values[0], values), values[1]
    if moment.kind.name == "date":
        moment = coerce(moment, k.TIMESTAMP)
    zone = moment.zone or c.zone
    if isinstance(pattern.constant, str):
        known = joda_to_strftime(pattern.constant)
        if known is not None and pattern.constant:
            return Value(f"strftime({clock(moment)}, {text(known)})", k.VARCHAR)
    return Value(f"py_format_datetime({clock(moment)}, {pattern.sql}, {zone})", k.VARCHAR)


def parse_datetime(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 2)
    x, pattern = (coerce(value, k.VARCHAR) for value in values)
    sql = f"make_timestamptz(py_parse_datetime({x.sql}, {pattern.sql}, {c.zone}))"
    if isinstance(pattern.constant, str) and not re.search("[zZ]", re.sub("'[^']*'", "", pattern.constant)):
        return Value(sql, k.ZONED, zone=c.zone)
    return Value(sql, k.ZONED, zone=f"py_parse_datetime_zone({x.sql}, {pattern.sql}, {c.zone})")


def from_iso8601_timestamp(c: Any, node: s.Call) -> Value:
    value = coerce(_values(c, node, 1)[0], k.VARCHAR)
    sql = f"make_timestamptz(py_iso_micros({value.sql}, {c.zone}))"
    zone = f"py_iso_zone({value.sql}, {c.zone})"
    if isinstance(value.constant, str):
        from tdlocal.engine.functions.stamps import iso_zone

        try:
            zone = text(iso_zone(value.constant, c.zone.strip("'")) or "UTC")
        except ValueError:
            zone = c.zone
    return Value(sql, k.ZONED, zone=zone)


def from_iso8601_date(c: Any, node: s.Call) -> Value:
    value = coerce(_values(c, node, 1)[0], k.VARCHAR)
    return Value(f"CAST(make_timestamp(py_iso_day({value.sql})) AS DATE)", k.DATE)


def to_iso8601(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 1)
    moment = _moment(node.name, values[0], values)
    if moment.kind.name == "date":
        return Value(f"strftime({moment.sql}, '%Y-%m-%d')", iso_length(moment.kind))
    shown = stamp_text(clock(moment), moment.kind.sizes[0], "T")
    if moment.kind.name == "timestamp":
        return Value(shown, iso_length(moment.kind))
    if moment.zone == "'UTC'":
        return Value(f"({shown} || 'Z')", iso_length(moment.kind))
    return Value(f"({shown} || py_offset_text({moment.sql}, {moment.zone}))", iso_length(moment.kind))


def from_unixtime(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 1, 3)
    if not k.turns_into(values[0].kind, k.DOUBLE):
        raise _unexpected(node.name, values)
    zone = c.zone
    if len(values) == 2:
        zone = zone_argument(values[1])
    elif len(values) == 3:
        zone = f"py_offset_zone({values[1].sql}, {values[2].sql})"
        if all(isinstance(value.constant, int) for value in values[1:]):
            hours, minutes = values[1].constant, values[2].constant
            total = hours * 60 + minutes
            sign = "-" if total < 0 else "+"
            zone = f"'{sign}{abs(total) // 60:02d}:{abs(total) % 60:02d}'"
    if values[0].kind.name in k.INTEGERS:
        micros = f"{coerce(values[0], k.BIGINT).sql} * 1000000"
    else:
        seconds = coerce(values[0], k.DOUBLE).sql
        far = "CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'Millis overflow') AS BIGINT)"
        micros = (
            f"CASE WHEN abs({seconds}) < 9e12 THEN CAST(round({seconds} * 1000) AS BIGINT) * 1000"
            f" WHEN {seconds} IS NOT NULL THEN {far} END"
        )
    return Value(f"make_timestamptz({micros})", k.ZONED, zone=zone)


def from_unixtime_nanos(c: Any, node: s.Call) -> Value:
    value = coerce(_values(c, node, 1)[0], k.BIGINT)
    finer = "CAST(py_fail('NOT_SUPPORTED', 'the local account counts time in microseconds') AS BIGINT)"
    micros = f"CASE WHEN {value.sql} % 1000 <> 0 THEN {finer} ELSE {value.sql} // 1000 END"
    return Value(f"make_timestamptz({micros})", k.Kind("timestamp with time zone", (9,)), zone=c.zone)


def to_unixtime(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 1)
    moment = _moment(node.name, values[0], values)
    if moment.kind.name == "date":
        moment = coerce(moment, k.TIMESTAMP)
    if moment.kind.name == "timestamp":
        moment = coerce(moment, k.ZONED, c.zone)
    return Value(f"(epoch_us({moment.sql}) / CAST(1000000 AS DOUBLE))", k.DOUBLE)


def zone_argument(value: Value) -> str:
    """DuckDB text of a zone name; constants are checked and put in their usual form."""
    if value.kind == k.DAYS and value.is_constant:
        minutes = int(value.constant / 60_000)
        sign = "-" if minutes < 0 else "+"
        return f"'{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}'"
    if not isinstance(value.constant, str):
        return f"py_zone({value.sql})"
    name = canonical_zone(value.constant)
    if name is None:
        raise failure("INVALID_FUNCTION_ARGUMENT", f"'{value.constant}' is not a valid time zone")
    return text(name)


def iso_length(kind: k.Kind) -> k.Kind:
    """The type that to_iso8601 gives."""
    if kind.name == "date":
        return k.Kind("varchar", (16,))
    fraction = kind.sizes[0] + 1 if kind.sizes[0] else 0
    return k.Kind("varchar", (22 + fraction + 6 * (kind.name != "timestamp"),))


def at_timezone(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 2)
    moment, zone = _moment(node.name, values[0], values), zone_argument(values[1])
    if moment.kind.name != "timestamp with time zone":
        precision = moment.kind.sizes or (3,)
        moment = coerce(moment, k.Kind("timestamp with time zone", precision), c.zone)
    return Value(moment.sql, moment.kind, zone=zone)


def with_timezone(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 2)
    moment, zone = _moment(node.name, values[0], values), zone_argument(values[1])
    if moment.kind.name == "timestamp with time zone":
        raise _unexpected(node.name, values)
    stamp = coerce(moment, k.Kind("timestamp", (0,)) if moment.kind.name == "date" else moment.kind)
    return Value(from_local(stamp.sql, zone), k.Kind("timestamp with time zone", stamp.kind.sizes), zone=zone)


def date(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 1)
    if values[0].kind.name not in (*_MOMENTS, "varchar", "unknown"):
        raise _unexpected(node.name, values)
    return cast(values[0], k.DATE, zone=c.zone)


def last_day_of_month(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 1)
    moment = _moment(node.name, values[0], values)
    return Value(f"last_day({clock(moment)})", k.DATE)


def now(c: Any, node: s.Call) -> Value:
    _values(c, node, 0)
    return current_time("current_timestamp", None, c.zone)


def current_timezone(c: Any, node: s.Call) -> Value:
    _values(c, node, 0)
    return Value(c.zone, k.VARCHAR)


def timezone(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 1)
    if values[0].kind.name != "timestamp with time zone":
        raise _unexpected(node.name, values)
    return Value(values[0].zone or "'UTC'", k.VARCHAR)


def timezone_part(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 1)
    if values[0].kind.name != "timestamp with time zone":
        raise _unexpected(node.name, values)
    minutes = f"(epoch_us({local(values[0])}) - epoch_us({values[0].sql})) // 60000000"
    return Value(f"({minutes}) // 60" if node.name == "timezone_hour" else f"({minutes}) % 60", k.BIGINT)


def parse_duration(c: Any, node: s.Call) -> Value:
    value = coerce(_values(c, node, 1)[0], k.VARCHAR)
    return Value(f"to_milliseconds(py_duration_millis({value.sql}))", k.DAYS)


def to_milliseconds(c: Any, node: s.Call) -> Value:
    from tdlocal.engine.dialect.casts import milliseconds

    values = _values(c, node, 1)
    if values[0].kind != k.DAYS:
        raise _unexpected(node.name, values)
    return Value(milliseconds(values[0].sql), k.BIGINT)


SPECIAL = {
    **dict.fromkeys(PARTS, part),
    "date_trunc": date_trunc, "date_add": date_add, "date_diff": date_diff, "date_format": date_format,
    "date_parse": date_parse, "format_datetime": format_datetime, "parse_datetime": parse_datetime,
    "from_iso8601_timestamp": from_iso8601_timestamp, "from_iso8601_date": from_iso8601_date,
    "to_iso8601": to_iso8601, "from_unixtime": from_unixtime, "from_unixtime_nanos": from_unixtime_nanos,
    "to_unixtime": to_unixtime, "at_timezone": at_timezone, "with_timezone": with_timezone, "date": date,
    "last_day_of_month": last_day_of_month, "now": now, "current_timezone": current_timezone,
    "timezone": timezone, "timezone_hour": timezone_part, "timezone_minute": timezone_part,
    "parse_duration": parse_duration, "to_milliseconds": to_milliseconds,
}  # fmt: skip
