"""Casts: the ones Trino makes by itself (`coerce`) and the ones that were written (`cast`)."""

from __future__ import annotations

import json

from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.dialect.values import Value, fail, text
from tdlocal.engine.failures import failure

_INTEGER_TEXT = r"'\s*[+-]?[0-9]+\s*'"
_NUMBER_TEXT = r"'[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?'"
_DOUBLE_TEXT = r"'\s*[+-]?(NaN|Infinity|([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)[dDfF]?\s*'"
_DATE_TEXT = r"'\s*[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}\s*'"
_STAMP_TEXT = (
    r"'\s*[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}"
    r"( [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]*)?)?( ?[A-Za-z+-][\w/:+-]*)?| [A-Za-z+-][\w/:+-]*)?\s*'"
)
_EPOCH_DAY = "'1970-01-01'"
_STAMP_HEAD = r"'^\s*([0-9+-]+-[0-9]{1,2}-[0-9]{1,2}( [0-9:.]+)?)'"
_NAMES = {
    "integer": "INT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "date",
    "timestamp": "timestamp",
}


def local(value: Value) -> str:
    """The clock time of a `timestamp with time zone` in its zone, as a DuckDB TIMESTAMP."""
    return at_zone(value.sql, value.zone or "'UTC'")


def at_zone(sql: str, zone: str) -> str:
    """Clock time of the instant *sql* in *zone*; fixed offsets are counted, names looked up by DuckDB."""
    seconds = fixed_offset(zone)
    if not zone.startswith("'"):  # known only while rows are read; may be an offset, which DuckDB lacks
        return f"(timezone('UTC', {sql}) + to_seconds(py_zone_seconds(epoch_us({sql}), {zone})))"
    if seconds is None:
        return f"timezone({zone}, {sql})"
    base = f"timezone('UTC', {sql})"
    return base if not seconds else f"({base} + to_seconds({seconds}))"


def from_local(sql: str, zone: str) -> str:
    """The instant at which clocks of *zone* show the TIMESTAMP *sql*.

    Where clocks show it twice, the first time counts, as in Java; DuckDB alone would take the second.
    """
    seconds = fixed_offset(zone)
    if not zone.startswith("'"):
        return f"timezone('UTC', {sql} - to_seconds(py_clock_seconds(epoch_us({sql}), {zone})))"
    if seconds is None:
        instant = f"timezone({zone}, {sql})"
        earlier = f"({instant} - to_hours(1))"
        return f"CASE WHEN timezone({zone}, {earlier}) = {sql} THEN {earlier} ELSE {instant} END"
    return f"timezone('UTC', {sql})" if not seconds else f"timezone('UTC', {sql} - to_seconds({seconds}))"


def fixed_offset(zone: str) -> int | None:
    """Seconds east of a quoted constant zone such as '+09:00' or 'UTC'; None for names with rules.

    >>> fixed_offset("'UTC'"), fixed_offset("'-03:30'"), fixed_offset("'Asia/Tokyo'")
    (0, -12600, None)
    """
    name = zone.strip("'")
    if name in ("UTC", "Z", "GMT"):
        return 0
    if len(name) == 6 and name[0] in "+-" and name[3] == ":":
        seconds = int(name[1:3]) * 3600 + int(name[4:6]) * 60
        return -seconds if name[0] == "-" else seconds
    return None


def coerce(value: Value, target: k.Kind, zone: str = "'UTC'") -> Value:
    """*value* as *target*, which `kinds.turns_into` allows; *zone* is the session's."""
    source = value.kind
    if source == target:
        return value
    if source.name == "unknown":
        return Value(f"CAST({value.sql} AS {k.duck(target)})", target, constant=value.constant)
    if k.is_text(target) and k.is_text(source):
        if target.name == "char":
            return Value(_char(value.sql, target.sizes[0]), target)
        return Value(value.sql, target, constant=value.constant)
    if target.name == source.name == "timestamp with time zone":
        return Value(value.sql, target, zone=value.zone)
    if target.name == "timestamp with time zone":
        stamp = f"CAST({value.sql} AS TIMESTAMP)" if source.name == "date" else value.sql
        return Value(from_local(stamp, zone), target, zone=zone)
    if k.duck(source) == k.duck(target):
        return Value(value.sql, target, constant=value.constant)
    if source.items and any(_special(a, b) for a, b in zip(source.items, target.items, strict=True)):
        return cast(value, target, zone=zone)
    return Value(f"CAST({value.sql} AS {k.duck(target)})", target)


def _special(source: k.Kind, target: k.Kind) -> bool:
    return target.name == "timestamp with time zone" != source.name or target.name == "char"


def cast(value: Value, target: k.Kind, *, safe: bool = False, zone: str = "'UTC'") -> Value:
    """`CAST(value AS target)` by Trino's rules, or TRY_CAST when *safe*."""
    source = value.kind
    if source.name == "unknown":
        return Value(f"CAST({value.sql} AS {k.duck(target)})", target, constant=value.constant)
    maker = _maker(source, target)
    if maker is None:
        raise failure("TYPE_MISMATCH", f"Cannot cast {source} to {target}")
    if safe and (source.items or (source.name == "json" and target.items)):
        return Value(f"TRY({cast(value, target, zone=zone).sql})", target)  # one bad element spoils all
    made = maker(value, target, safe, zone)
    return made if isinstance(made, Value) else Value(made, target)


def castable(source: k.Kind, target: k.Kind) -> bool:
    return source.name == "unknown" or _maker(source, target) is not None


def _maker(source: k.Kind, target: k.Kind):  # type: ignore[no-untyped-def]
    if source.items and target.name == source.name:
        if len(source.items) != len(target.items):
            return None
        if not all(castable(a, b) for a, b in zip(source.items, target.items, strict=True)):
            return None
        return {"array": _array, "map": _map, "row": _row}[source.name]
    if target.name == "json":
        return _to_json if _jsonable(source) else None
    if source.name == "json":
        return _from_json if _readable(target) else None
    if k.is_text(target):
        if target.name == "char" and not k.is_text(source):
            return None
        return _to_text if not source.items and source.name not in ("varbinary", *k.SKETCHES) else None
    if source.name == "char":
        return None
    if k.is_text(source):
        return _FROM_TEXT.get("integer" if target.name in k.INTEGERS else target.name)
    if {source.name, target.name} == {"uuid", "varbinary"}:
        return _uuid_bytes
    if k.is_number(target):
        return _to_number if k.is_number(source) or source.name == "boolean" else None
    if target.name == "boolean":
        return _to_boolean if k.is_number(source) or source.name == "boolean" else None
    if source.name in _TIMES and target.name in _TIMES:
        clocks = ("time", "time with time zone")
        return None if (source.name in clocks and target.name == "date") or (source.name == "date" and \
            target.name in clocks) else _to_time  # fmt: skip
    if source.name == target.name:
        return lambda value, target, safe, zone: Value(value.sql, target)
    return None


_TIMES = ("date", "timestamp", "timestamp with time zone", "time", "time with time zone")


def _plain(value: str, target: k.Kind, safe: bool) -> str:
    return f"{'TRY_CAST' if safe else 'CAST'}({value} AS {k.duck(target)})"


def _guarded(value: Value, pattern: str, inner: str, target: k.Kind, safe: bool) -> str:
    """CASE: *inner* where the text has the form that Trino reads, else NULL or Trino's error."""
    otherwise = "NULL"
    if not safe:
        shown = _NAMES.get(target.name, str(target).upper() if target.name in k.INTEGERS else str(target))
        otherwise = f"CAST(py_bad_cast({value.sql}, {text(shown)}) AS {k.duck(target)})"
    return (
        f"CASE WHEN {value.sql} IS NULL THEN NULL WHEN regexp_full_match({value.sql}, {pattern}) THEN {inner}"
        f" ELSE {otherwise} END"
    )


# -- to text


def _to_text(value: Value, target: k.Kind, safe: bool, zone: str) -> Value:
    source = value.kind
    sql = _shown(value)
    if target.name == "char":
        return Value(_char(sql, target.sizes[0]), target)
    constant = value.constant if k.is_text(source) and value.is_constant else None
    if target.sizes and not (k.is_text(source) and source.sizes and source.sizes[0] <= target.sizes[0]):
        size = target.sizes[0]
        if k.is_text(source):
            return Value(f"substr({sql}, 1, {size})", target)
        if source.name == "uuid":
            raise failure("TYPE_MISMATCH", f"Cannot cast {source} to {target}")
        message = f"'Value ' || {sql} || ' cannot be represented as varchar({size})'"
        wrong = "NULL" if safe else f"py_fail('INVALID_CAST_ARGUMENT', {message})"
        return Value(f"CASE WHEN length({sql}) > {size} THEN {wrong} ELSE {sql} END", target)
    if isinstance(constant, str):
        return Value(sql, target, constant=constant)
    return Value(sql, target)


def _char(sql: str, size: int) -> str:
    return f"rpad(substr({sql}, 1, {size}), {size}, ' ')"


def _shown(value: Value) -> str:
    source, sql = value.kind, value.sql
    if k.is_text(source):
        return sql
    if source.name == "double":
        return _double_text(sql)
    if source.name == "real":
        return f"py_real_text({sql})"
    if source.name == "timestamp":
        return stamp_text(sql, source.sizes[0])
    if source.name == "timestamp with time zone":
        return f"({stamp_text(local(value), source.sizes[0])} || ' ' || {value.zone})"
    if source.name == "time":
        return f"strftime(CAST('1970-01-01' AS DATE) + {sql}, '%H:%M:%S{_fraction(source.sizes[0])}')"
    if source.name == "interval day to second":
        return f"py_days_text({milliseconds(sql)})"
    if source.name == "interval year to month":
        return f"py_months_text({months(sql)})"
    return decimal_text(sql, source) if source.name == "decimal" else f"CAST({sql} AS VARCHAR)"


def decimal_text(sql: str, kind: k.Kind) -> str:
    """A decimal's digits; DuckDB leaves the nought out before the point when the type has no place for it."""
    precision, scale = kind.sizes
    if precision > scale:
        return f"CAST({sql} AS VARCHAR)"
    return rf"regexp_replace(CAST({sql} AS VARCHAR), '^(-?)\.', '\10.')"


def _double_text(sql: str) -> str:
    """`1.25E1`: sizes from 1 to ten million are put together here, the rest in Python."""
    plain = f"CAST(abs({sql}) AS VARCHAR)"
    digits = f"rtrim(replace({plain}, '.', ''), '0')"
    rest = f"CASE WHEN length({digits}) > 1 THEN substr({digits}, 2) ELSE '0' END"
    made = (
        f"CASE WHEN {sql} < 0 THEN '-' ELSE '' END || left({digits}, 1) || '.' || {rest} || 'E'"
        f" || CAST(instr({plain}, '.') - 2 AS VARCHAR)"
    )
    return f"CASE WHEN abs({sql}) >= 1 AND abs({sql}) < 1e7 THEN {made} ELSE py_double_text({sql}) END"


def milliseconds(sql: str) -> str:
    """Milliseconds of an INTERVAL of days and seconds."""
    return f"(epoch_ms(CAST('1970-01-01' AS TIMESTAMP) + {sql}))"


def months(sql: str) -> str:
    """Months of an INTERVAL of years and months."""
    return f"(datepart('year', {sql}) * 12 + datepart('month', {sql}))"


def _fraction(precision: int) -> str:
    return "" if precision == 0 else ".%g" if precision <= 3 else ".%f"


def stamp_text(sql: str, precision: int, between: str = " ") -> str:
    """A TIMESTAMP as Trino writes it: `2025-01-31 10:00:00.000`."""
    shown = f"strftime({sql}, '%Y-%m-%d{between}%H:%M:%S{_fraction(precision)}')"
    cut = {1: 2, 2: 1, 4: 2, 5: 1}.get(precision)
    return f"left({shown}, -{cut})" if cut else shown


# -- to numbers


def _to_number(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    source = value.kind
    if target.name in k.INTEGERS and source.name in ("double", "real"):
        x, duck, wrong = value.sql, k.duck(target), "NULL"
        lost = f"isnan({x})" if target.name != "bigint" else (
            f"isnan({x}) OR {x} >= 9223372036854775808 OR {x} < -9223372036854775808")  # fmt: skip
        if not safe:
            said = f"'Cannot cast {source} NaN to {target}'"
            if source.name == "double" and target.name == "bigint":
                said = f"'Unable to cast ' || py_double_text({x}) || ' to bigint'"
            wrong = fail("INVALID_CAST_ARGUMENT", said, target)
        if source.name == "real" and target.name == "bigint":
            # Java's float to long: what is too large becomes the largest
            return (
                f"CASE WHEN isnan({x}) THEN {wrong} WHEN {x} >= 9223372036854775808 THEN"
                f" 9223372036854775807 ELSE CAST(round({x}) AS {duck}) END"
            )
        if value.is_constant and isinstance(value.constant, float) and abs(value.constant) < 2**31:
            return _plain(f"round({x})", target, safe)
        return f"CASE WHEN {lost} THEN {wrong} ELSE {_plain(f'round({x})', target, safe)} END"
    if target.name == "decimal" and (source.name == "decimal" or source.name in k.INTEGERS):
        return _to_decimal(value, target, safe)
    if target.name == "real" and source.name == "double":
        x = value.sql
        endless = f"CASE WHEN {x} > 0 THEN 'Infinity' ELSE '-Infinity' END"
        return (
            f"CASE WHEN isfinite({x}) AND abs({x}) >= 3.4028235677973366e38 THEN CAST({endless} AS FLOAT)"
            f" ELSE {_plain(x, target, safe)} END"
        )
    if target.name == "decimal" and source.name in ("double", "real"):
        return _plain(f"py_double_decimal({value.sql}, {target.sizes[1]})", target, safe)
    return _plain(value.sql, target, safe)


def _to_decimal(value: Value, target: k.Kind, safe: bool) -> str:
    """A decimal that does not fit is a cast that fails, not a number out of range."""
    source = k.as_decimal(value.kind)
    room, needed = target.sizes[0] - target.sizes[1], source.sizes[0] - source.sizes[1]
    rounds = source.sizes[1] > target.sizes[1]
    if safe or room >= needed + rounds:
        return _plain(value.sql, target, safe)
    given, wanted = (str(kind).replace(",", ", ").upper() for kind in (value.kind, target))
    wrong = f"'Cannot cast {given} ''' || {_shown(value)} || ''' to {wanted}'"
    tried = f"TRY_CAST({value.sql} AS {k.duck(target)})"
    fails = fail("INVALID_CAST_ARGUMENT", wrong, target)
    return f"CASE WHEN {tried} IS NULL AND {value.sql} IS NOT NULL THEN {fails} ELSE {tried} END"


def _uuid_bytes(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    if target.name == "varbinary":
        return f"unhex(replace(CAST({value.sql} AS VARCHAR), '-', ''))"
    h = f"hex({value.sql})"
    wrong = fail("INVALID_CAST_ARGUMENT", "'Invalid UUID binary length'", target)
    return f"CASE WHEN octet_length({value.sql}) = 16 THEN CAST({h} AS UUID) ELSE {wrong} END"


def _to_boolean(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    return value.sql if value.kind.name == "boolean" else f"({value.sql} <> 0)"


def _text_to_integer(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    return _guarded(value, _INTEGER_TEXT, _plain(f"trim({value.sql})", target, safe), target, safe)


def _text_to_double(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    return _guarded(
        value, _DOUBLE_TEXT, _plain(f"rtrim(trim({value.sql}), 'dDfF')", target, safe), target, safe
    )


def _text_to_decimal(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    return _guarded(value, _NUMBER_TEXT, _plain(value.sql, target, safe), target, safe)


def _text_to_boolean(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    wrong = "NULL" if safe else f"CAST(py_bad_cast({value.sql}, 'BOOLEAN') AS BOOLEAN)"
    return (
        f"CASE WHEN {value.sql} IS NULL THEN NULL WHEN lower({value.sql}) IN ('t', 'true', '1') THEN true"
        f" WHEN lower({value.sql}) IN ('f', 'false', '0') THEN false ELSE {wrong} END"
    )


def _text_to_date(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    return _guarded(value, _DATE_TEXT, _plain(f"trim({value.sql})", target, safe), target, safe)


def _text_to_stamp(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    _check_precision(target)
    head = _plain(f"regexp_extract({value.sql}, {_STAMP_HEAD}, 1)", k.TIMESTAMP, safe)
    return _guarded(value, _STAMP_TEXT, rounded(head, target.sizes[0]), target, safe)


def _check_precision(target: k.Kind) -> None:
    if target.sizes[0] > 6:
        message = f"the local account counts time in microseconds, not in {target}"
        raise failure("NOT_SUPPORTED", message)


def _text_to_zoned(value: Value, target: k.Kind, safe: bool, zone: str) -> Value:
    from tdlocal.engine.functions.stamps import zone_of_text

    _check_precision(target)
    instant = f"py_zoned({value.sql}, {zone}, {str(safe).lower()})"
    unit = 10 ** max(6 - target.sizes[0], 0)
    if unit > 1:
        instant = f"(({instant} + {unit // 2}) // {unit} * {unit})"
    sql = f"make_timestamptz({instant})"
    if isinstance(value.constant, str):
        return Value(sql, target, zone=text(zone_of_text(value.constant) or zone.strip("'")))
    return Value(sql, target, zone=f"coalesce(py_zone_of({value.sql}), {zone})")


def _text_to_clock(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    _check_precision(target)
    pattern = r"'\s*[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]*)?)?\s*'"
    read = _plain(f"trim({value.sql})", target, safe)
    return _guarded(value, pattern, _rounded_clock(read, target.sizes[0]), target, safe)


def _rounded_clock(sql: str, precision: int) -> str:
    """A TIME rounded to *precision* digits of a second; a whole day more is none."""
    if precision >= 6:
        return sql
    return f"CAST({rounded(f'(CAST({_EPOCH_DAY} AS DATE) + {sql})', precision)} AS TIME)"


def _text_to_bytes(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    return f"encode({value.sql})"


def _text_same(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    return _plain(value.sql, target, safe)


_FROM_TEXT = {
    "integer": _text_to_integer, "double": _text_to_double, "real": _text_to_double,
    "decimal": _text_to_decimal, "boolean": _text_to_boolean, "date": _text_to_date,
    "timestamp": _text_to_stamp, "timestamp with time zone": _text_to_zoned, "time": _text_to_clock,
    "uuid": _text_same, "varbinary": _text_to_bytes,
}  # fmt: skip


# -- times


def rounded(sql: str, precision: int) -> str:
    """A TIMESTAMP rounded to *precision* digits of a second."""
    if precision >= 6:
        return sql
    unit = 10 ** (6 - precision)
    return f"make_timestamp((epoch_us({sql}) + {unit // 2}) // {unit} * {unit})"


def _to_time(value: Value, target: k.Kind, safe: bool, zone: str) -> Value:
    source, sql = value.kind, value.sql
    if source.name.startswith("time ") or target.name.startswith("time ") or (
        source.name == "time" != target.name):  # fmt: skip
        raise failure("NOT_SUPPORTED", f"CAST of {source} to {target} is not supported by the local account")
    less = bool(source.sizes and target.sizes) and source.sizes[0] > target.sizes[0]
    if source.name == "time":
        return Value(_rounded_clock(sql, target.sizes[0]) if less else sql, target)
    if target.name == "timestamp with time zone":
        if source.name == target.name:
            if not less:
                return Value(sql, target, zone=value.zone)
            cut = rounded(f"timezone('UTC', {sql})", target.sizes[0])
            return Value(f"timezone('UTC', {cut})", target, zone=value.zone)
        if less:
            value = Value(rounded(sql, target.sizes[0]), k.Kind("timestamp", target.sizes))
        return coerce(value, target, zone)
    if source.name == "timestamp with time zone":
        sql = local(value)
    if target.name == "timestamp":
        if source.name == "date":
            return Value(f"CAST({sql} AS TIMESTAMP)", target)
        return Value(rounded(sql, target.sizes[0]) if less else sql, target)
    if target.name == "time" and less:
        return Value(f"CAST({rounded(sql, target.sizes[0])} AS TIME)", target)
    return Value(f"CAST({sql} AS {k.duck(target)})", target)


# -- arrays, maps, rows


def _each(name: str, source: k.Kind, target: k.Kind, safe: bool, zone: str) -> str:
    return cast(Value(name, source), target, safe=safe, zone=zone).sql


def _array(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    source = value.kind.item
    if source.name == "unknown" or (k.duck(source) == k.duck(target.item) and not k.is_text(target.item)):
        return f"CAST({value.sql} AS {k.duck(target)})"
    inner = _each("e_", source, target.item, safe, zone)
    return f"list_transform({value.sql}, lambda e_: {inner})"


def _map(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    keys = _each("e_", value.kind.items[0], target.items[0], safe, zone)
    values = _each("e_", value.kind.items[1], target.items[1], safe, zone)
    if keys == values == "e_":
        return value.sql
    made = (
        f"map(list_transform(map_keys({value.sql}), lambda e_: {keys}),"
        f" list_transform(map_values({value.sql}), lambda e_: {values}))"
    )
    return f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE {made} END"


def _row(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    parts = [
        f"f{n} := {_each(f'({value.sql}).f{n}', source, wanted, safe, zone)}"
        for n, (source, wanted) in enumerate(zip(value.kind.items, target.items, strict=True), 1)
    ]
    made = f"struct_pack({', '.join(parts)})"
    if k.duck(value.kind) == k.duck(target) and not any(
        k.is_text(item) and item.sizes for item in target.items
    ):
        return value.sql
    return f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE {made} END"


# -- JSON


def _jsonable(kind: k.Kind) -> bool:
    if kind.name == "map":
        key = kind.items[0]
        fits = key.name in ("varchar", "boolean", "unknown") or k.is_number(key)
        return fits and _jsonable(kind.items[1])
    if kind.items:
        return all(_jsonable(item) for item in kind.items)
    return k.is_number(kind) or kind.name in ("varchar", "boolean", "date", "timestamp", "json", "unknown")


def _readable(kind: k.Kind) -> bool:
    """Does Trino cast JSON to it? Everything that JSON is made from, but no dates and times."""
    if kind.items:
        return all(_readable(item) for item in kind.items)
    return _jsonable(kind) and kind.name not in ("date", "timestamp")


def _to_json(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    return _json_of(value)


def _json_of(value: Value) -> str:
    """DuckDB text of type VARCHAR that holds JSON, put together piece by piece: DuckDB's own functions would
    write the numbers anew."""
    kind, sql = value.kind, value.sql
    if kind.name == "json":
        return sql
    if kind.name == "array":
        items = f"list_transform({sql}, lambda e_: {_json_item('e_', kind.item)})"
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE '[' || array_to_string({items}, ',') || ']' END"
    if kind.name == "map":
        key = _shown(Value("e_.key", kind.items[0]))
        item = _json_item("e_.value", kind.items[1])
        pairs = f"list_transform(map_entries({sql}), lambda e_: struct_pack(k := {key}, v := {item}))"
        texts = (
            f"list_transform(list_sort({pairs}), lambda p_: CAST(to_json(p_.k) AS VARCHAR) || ':' || p_.v)"
        )
        made = f"'{{' || array_to_string({texts}, ',') || '}}'"
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE {made} END"
    if kind.name == "row":
        made = " || ',' || ".join(
            f"{text(json.dumps(name or '', ensure_ascii=False) + ':')} || {_json_item(f'({sql}).f{n}', item)}"
            for n, (name, item) in enumerate(zip(kind.fields, kind.items, strict=True), 1)
        )
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE '{{' || {made} || '}}' END"
    if kind.name in ("date", "timestamp"):
        return f"CAST(to_json({_shown(value)}) AS VARCHAR)"
    if kind.name == "real":
        return f"CAST(py_json_real({sql}) AS VARCHAR)"
    if kind.name == "double":
        return f"CAST(py_json_double({sql}) AS VARCHAR)"
    if kind.name == "decimal":
        return decimal_text(sql, kind)  # every digit as it is
    return f"CAST(to_json({sql}) AS VARCHAR)"


def _json_item(sql: str, kind: k.Kind) -> str:
    return f"coalesce({_json_of(Value(sql, kind))}, 'null')"


def _of_type(sql: str, types: tuple[str, ...], made: str, target: k.Kind, safe: bool) -> str:
    names = ", ".join(f"'{name}'" for name in types)
    message = f"'Cannot cast to {target}. Unexpected JSON: ' || {sql}"
    wrong = "NULL" if safe else fail("INVALID_CAST_ARGUMENT", message, target)
    return f"CASE WHEN json_type({sql}) IN ({names}) THEN {made} ELSE {wrong} END"


def _from_json(value: Value, target: k.Kind, safe: bool, zone: str) -> str:
    if target.name == "json":
        return value.sql  # the JSON value null stays one
    made = _read_json(value.sql, target, safe, zone)
    return f"CASE WHEN {value.sql} IS NULL OR {value.sql} = 'null' THEN NULL ELSE {made} END"


def _read_json(sql: str, target: k.Kind, safe: bool, zone: str) -> str:
    if target.name == "array":
        inner = _from_json(Value("CAST(e_ AS VARCHAR)", k.JSON), target.item, safe, zone)
        made = f"list_transform(CAST(json_extract({sql}, '$[*]') AS JSON[]), lambda e_: {inner})"
        return _of_type(sql, ("ARRAY",), made, target, safe)
    if target.name == "map":
        key = _each("e_", k.VARCHAR, target.items[0], safe, zone)
        inner = _from_json(Value("CAST(e_ AS VARCHAR)", k.JSON), target.items[1], safe, zone)
        made = (
            f"map(list_transform(json_keys({sql}), lambda e_: {key}),"
            f" list_transform(json_extract({sql}, '$.*'), lambda e_: {inner}))"
        )
        return _of_type(sql, ("OBJECT",), made, target, safe)
    if target.name == "row":
        parts = []
        for n, (name, item) in enumerate(zip(target.fields, target.items, strict=True), 1):
            found = f"py_json_field({sql}, {text(name or '')}, {n - 1}, {len(target.items)})"
            parts.append(f"f{n} := {_from_json(Value(found, k.JSON), item, safe, zone)}")
        return f"struct_pack({', '.join(parts)})"
    scalar = Value(f"json_extract_string({sql}, '$')", k.VARCHAR)
    if target.name in k.INTEGERS:
        number = f"round(CAST({scalar.sql} AS DOUBLE))"
        plain = _text_to_integer(scalar, target, safe, zone)
        return (
            f"CASE WHEN {sql} IN ('true', 'false') THEN CAST(CAST({sql} AS BOOLEAN) AS {k.duck(target)})"
            f" WHEN json_type({sql}) = 'DOUBLE' THEN {_plain(number, target, safe)} ELSE {plain} END"
        )
    if target.name in ("double", "real"):
        return (
            f"CASE WHEN {sql} IN ('true', 'false') THEN CAST(CAST({sql} AS BOOLEAN) AS {k.duck(target)})"
            f" ELSE {_text_to_double(scalar, target, safe, zone)} END"
        )
    if k.is_text(target):
        wrong = "NULL" if safe else f"py_bad_cast({sql}, {text(str(target))})"
        number = f"py_double_text(CAST({scalar.sql} AS DOUBLE))"
        made = (
            f"CASE json_type({sql}) WHEN 'OBJECT' THEN {wrong} WHEN 'ARRAY' THEN {wrong} WHEN 'DOUBLE' THEN"
            f" {number} ELSE {scalar.sql} END"
        )
        return cast(Value(made, k.VARCHAR), target, safe=safe).sql
    if target.name == "boolean":
        made = cast(scalar, target, safe=safe, zone=zone).sql
        number = f"CAST({scalar.sql} AS DOUBLE) <> 0"
        return f"CASE WHEN json_type({sql}) IN ('DOUBLE', 'BIGINT', 'UBIGINT') THEN {number} ELSE {made} END"
    if target.name == "decimal":
        flag = f"CAST(CAST(CAST({sql} AS BOOLEAN) AS INTEGER) AS {k.duck(target)})"
        made = cast(scalar, target, safe=safe, zone=zone).sql
        return f"CASE WHEN {sql} IN ('true', 'false') THEN {flag} ELSE {made} END"
    return cast(scalar, target, safe=safe, zone=zone).sql
