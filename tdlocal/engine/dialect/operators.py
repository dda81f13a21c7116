"""What `+ - * / %`, comparisons and `||` mean for each pair of types."""

from __future__ import annotations

from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.dialect.casts import coerce, from_local, local
from tdlocal.engine.dialect.values import Value, decimal, fail, integer
from tdlocal.engine.failures import failure

COMPARISONS = frozenset(["=", "<>", "<", "<=", ">", ">="])
_STAMPS = ("date", "timestamp", "timestamp with time zone")


def cannot(operator: str, left: k.Kind, right: k.Kind) -> Exception:
    turned = {">": "<", ">=": "<="}.get(operator, operator)  # as Trino's parser turns them
    return failure("TYPE_MISMATCH", f"Cannot apply operator: {left} {turned} {right}")


_CONCAT = (
    "concat(E, array(E)) E, concat(array(E)) E, concat(array(E), E) E, concat(char(x), char(y)),"
    " concat(varbinary), concat(varchar)"
)


def arithmetic(operator: str, left: Value, right: Value, zone: str = "'UTC'") -> Value:
    """`left operator right`; raises TYPE_MISMATCH when Trino has no such operator."""
    a, b = left.kind, right.kind
    if a.name == "unknown" and k.is_number(b):
        left, a = coerce(left, b), b
    if b.name == "unknown" and k.is_number(a):
        right, b = coerce(right, a), a
    if a.name == b.name == "unknown":
        raise cannot(operator, a, b)
    if k.is_number(a) and k.is_number(b):
        return _numbers(operator, left, right)
    made = _times(operator, left, right, zone)
    if made is None:
        raise cannot(operator, a, b)
    return made


def _numbers(operator: str, left: Value, right: Value) -> Value:
    kind = k.common(left.kind, right.kind)
    assert kind is not None
    if kind.name == "decimal":
        return _decimals(operator, left, right)
    x, y = coerce(left, kind).sql, coerce(right, kind).sql
    if operator == "/" and kind.name in k.INTEGERS:
        return Value(f"({x} // {y})", kind)
    if operator == "%" and kind.name in k.INTEGERS and right.constant == 0:
        return Value(f"({x} // {y})", kind)  # fails as Trino's modulus by nought does
    return Value(f"({x} {operator} {y})", kind)


def _decimals(operator: str, left: Value, right: Value) -> Value:
    a, b = k.as_decimal(left.kind), k.as_decimal(right.kind)
    (p1, s1), (p2, s2) = a.sizes, b.sizes
    x, y = coerce(left, a).sql, coerce(right, b).sql
    if operator in "+-":
        scale = max(s1, s2)
        kind = k.decimal(min(38, max(p1 - s1, p2 - s2) + scale + 1), scale)
        return Value(f"(CAST({x} AS {k.duck(kind)}) {operator} CAST({y} AS {k.duck(kind)}))", kind)
    if operator == "*":
        if s1 + s2 > 38:
            raise failure("INVALID_FUNCTION_ARGUMENT", f"DECIMAL scale {s1 + s2} must be in range [0, 38]")
        kind = k.decimal(min(38, p1 + p2), s1 + s2)
        if p1 + p2 <= 38:
            return Value(f"({x} * {y})", kind)
        return Value(
            f"CAST(py_decimal_times(CAST({x} AS VARCHAR), CAST({y} AS VARCHAR)) AS {k.duck(kind)})", kind
        )
    if operator == "/":
        kind = k.decimal(min(38, p1 + s2 + max(s2 - s1, 0)), max(s1, s2))
        return Value(divided(x, y, a, b, kind), kind)
    scale = max(s1, s2)
    kind = k.decimal(min(38, min(p1 - s1, p2 - s2) + scale), scale)
    return Value(f"CAST(py_decimal_rest(CAST({x} AS VARCHAR), CAST({y} AS VARCHAR)) AS {k.duck(kind)})", kind)


def divided(x: str, y: str, a: k.Kind, b: k.Kind, kind: k.Kind) -> str:
    """Decimal division rounded half up, on the unscaled numbers where they fit 38 digits."""
    (p1, s1), (_, s2), scale = a.sizes, b.sizes, kind.sizes[1]
    shift = scale - s1 + s2
    if p1 + shift > 37 or kind.sizes[0] + scale > 38 or b.sizes[0] > 37:
        return f"CAST(py_decimal_over(CAST({x} AS VARCHAR), CAST({y} AS VARCHAR), {scale}) AS {k.duck(kind)})"
    top, bottom = _unscaled(x, s1), _unscaled(y, s2)
    if shift > 0:
        top = f"({top} * CAST('{10**shift}' AS HUGEINT))"
    whole = f"(abs({top}) // abs({bottom}))"
    round_up = f"CAST(abs({top}) % abs({bottom}) >= abs({bottom}) - abs({top}) % abs({bottom}) AS INTEGER)"
    signed = f"(sign({top}) * sign({bottom}) * ({whole} + {round_up}))"
    if not scale:
        return f"CAST({signed} AS {k.duck(kind)})"
    unit = f"CAST('0.{'0' * (scale - 1)}1' AS DECIMAL({scale},{scale}))"
    return f"CAST(CAST({signed} AS DECIMAL({kind.sizes[0]},0)) * {unit} AS {k.duck(kind)})"


def _unscaled(sql: str, scale: int) -> str:
    if not scale:
        return f"CAST({sql} AS HUGEINT)"
    wide = f"CAST({sql} AS DECIMAL(38,{scale}))"
    return f"CAST(CAST(replace(CAST({wide} AS VARCHAR), '.', '') AS HUGEINT) AS HUGEINT)"


def _times(operator: str, left: Value, right: Value, zone: str) -> Value | None:
    a, b = left.kind.name, right.kind.name
    if a in ("interval day to second", "interval year to month") and b in _STAMPS and operator == "+":
        left, right, a, b = right, left, b, a
    if a in _STAMPS and b in ("interval day to second", "interval year to month") and operator in "+-":
        return _moved(operator, left, right)
    if a in _STAMPS and b in _STAMPS and operator == "-":
        kind = k.common(left.kind, right.kind)
        assert kind is not None
        x, y = coerce(left, kind, zone), coerce(right, kind, zone)
        if kind.name == "date":
            return Value(f"to_days(CAST({x.sql} - {y.sql} AS INTEGER))", k.DAYS)
        return Value(f"to_milliseconds((epoch_us({x.sql}) - epoch_us({y.sql})) // 1000)", k.DAYS)
    if a == b and a.startswith("interval") and operator in "+-":
        return Value(f"({left.sql} {operator} {right.sql})", left.kind)
    if b.startswith("interval") and k.is_number(left.kind) and operator == "*":
        left, right, a, b = right, left, b, a
    if a.startswith("interval") and k.is_number(right.kind) and operator in "*/":
        return _scaled_interval(operator, left, right)
    if a == "time" and b == "interval day to second" and operator in "+-":
        return Value(f"({left.sql} {operator} {right.sql})", k.Kind("time", (max(3, *left.kind.sizes),)))
    if a == b == "time" and operator == "-":
        night = "CAST('1970-01-01' AS DATE)"
        later, earlier = f"epoch_us({night} + {left.sql})", f"epoch_us({night} + {right.sql})"
        return Value(f"to_milliseconds(({later} - {earlier}) // 1000)", k.DAYS)
    return None


def _scaled_interval(operator: str, left: Value, right: Value) -> Value:
    from tdlocal.engine.dialect.casts import milliseconds, months

    number = coerce(right, k.DOUBLE).sql
    if operator == "/":
        wrong = fail("INVALID_FUNCTION_ARGUMENT", "'Cannot divide by double 0.0'", k.DOUBLE)
        number = f"CASE WHEN {number} = 0 THEN {wrong} ELSE {number} END"
    if left.kind == k.DAYS:
        return Value(
            f"to_milliseconds(CAST(trunc({milliseconds(left.sql)} {operator} {number}) AS BIGINT))", k.DAYS
        )
    return Value(f"to_months(CAST(trunc({months(left.sql)} {operator} {number}) AS INTEGER))", k.MONTHS)


def _moved(operator: str, moment: Value, interval: Value) -> Value:
    name = moment.kind.name
    if name == "date":
        if interval.kind == k.DAYS and interval.is_constant and interval.constant % 86_400_000:
            message = "Cannot add hour, minutes or seconds to a date"
            raise failure("INVALID_FUNCTION_ARGUMENT", message)
        return Value(f"CAST({moment.sql} {operator} {interval.sql} AS DATE)", k.DATE)
    kind = moment.kind
    if interval.kind == k.DAYS:
        kind = k.Kind(name, (max(3, *kind.sizes),))  # an interval of seconds has milliseconds
    if name == "timestamp" or interval.kind == k.DAYS:
        return Value(f"({moment.sql} {operator} {interval.sql})", kind, zone=moment.zone)
    zone = moment.zone or "'UTC'"
    return Value(from_local(f"({local(moment)} {operator} {interval.sql})", zone), moment.kind, zone=zone)


def comparison(operator: str, left: Value, right: Value, zone: str = "'UTC'") -> Value:
    """`left operator right` as boolean, with NaN as Trino has it: equal to nothing, less than nothing."""
    kind = k.common(left.kind, right.kind)
    if kind is None or kind.name in k.SKETCHES or (
        kind.name in ("json", "map") and operator not in ("=", "<>")
    ):  # fmt: skip
        raise cannot(operator, left.kind, right.kind)
    x, y = coerce(left, kind, zone).sql, coerce(right, kind, zone).sql
    if kind.name == "map":
        return _map_comparison(operator, Value(x, kind), Value(y, kind))
    if kind.name == "array":
        return Value(_array_comparison(operator, x, y), k.BOOLEAN)
    if kind.name == "row" and operator in ("=", "<>"):
        return _row_comparison(operator, Value(x, kind), Value(y, kind))
    plain = f"({x} {operator} {y})"
    if kind.name in ("double", "real"):
        return Value(_with_nan(operator, plain, left, right, x, y), k.BOOLEAN)
    return Value(plain, k.BOOLEAN)


def _row_comparison(operator: str, x: Value, y: Value) -> Value:
    """Field by field, so that a null field leaves it open."""
    pairs = [
        comparison("=", Value(f"({x.sql}).f{n}", item), Value(f"({y.sql}).f{n}", item)).sql
        for n, item in enumerate(x.kind.items, 1)
    ]
    same = f"({' AND '.join(pairs)})"
    return Value(same if operator == "=" else f"(NOT {same})", k.BOOLEAN)


def _map_comparison(operator: str, x: Value, y: Value) -> Value:
    """Maps are equal when they hold the same entries, in whatever order."""
    key, item = f"map_keys({x.sql})", x.kind.items[1]
    same = comparison("=", Value(f"{x.sql}[k_]", item), Value(f"{y.sql}[k_]", item)).sql
    tests = f"list_transform({key}, lambda k_: {same})"
    keys = f"cardinality({x.sql}) = cardinality({y.sql}) AND len(list_filter({key}, lambda k_: NOT " \
        f"map_contains({y.sql}, k_))) = 0"  # fmt: skip
    made = (
        f"CASE WHEN {x.sql} IS NULL OR {y.sql} IS NULL THEN NULL WHEN NOT ({keys}) THEN false"
        f" WHEN list_contains({tests}, false) THEN false WHEN list_position({tests}, NULL) IS NOT NULL"
        " THEN NULL ELSE true END"
    )
    return Value(made if operator == "=" else f"(NOT {made})", k.BOOLEAN)


def _array_comparison(operator: str, x: str, y: str) -> str:
    """Arrays with nulls: unknown when equal or not hangs on a null; no order at all."""
    nulls = f"(list_position({x}, NULL) IS NOT NULL OR list_position({y}, NULL) IS NOT NULL)"
    plain = f"({x} {operator} {y})"
    if operator in ("=", "<>"):
        pairs = f"list_transform(range(1, len({x}) + 1), lambda i_: {x}[i_] = {y}[i_])"
        differ = f"(len({x}) <> len({y}) OR coalesce(list_contains({pairs}, false), false))"
        return f"CASE WHEN NOT {nulls} THEN {plain} WHEN {differ} THEN {str(operator == '<>').lower()} END"
    message = "'ARRAY comparison not supported for arrays with null elements'"
    return f"CASE WHEN {nulls} THEN CAST(py_fail('NOT_SUPPORTED', {message}) AS BOOLEAN) ELSE {plain} END"


def _with_nan(operator: str, plain: str, left: Value, right: Value, x: str, y: str) -> str:
    if not (_may_be_nan(left) or _may_be_nan(right)):
        return plain
    suspects = [sql for value, sql in ((left, x), (right, y)) if _may_be_nan(value)]
    if operator == "<>":
        return f"({plain} OR isnan({suspects[0]}))" if len(suspects) == 2 else plain
    if operator == "=":
        return f"({plain} AND NOT isnan({suspects[0]}))" if len(suspects) == 2 else plain
    return f"({plain} AND NOT isnan({x if operator[0] == '>' else y}))"


def _may_be_nan(value: Value) -> bool:
    return not value.is_constant and value.kind.name in ("double", "real")


def concatenated(left: Value, right: Value) -> Value:
    """`left || right` for texts, arrays and varbinaries."""
    a, b = left.kind, right.kind
    if a.name == "array" or b.name == "array":
        return _arrays(left, right)
    if "unknown" in (a.name, b.name):
        return _with_null(b if a.name == "unknown" else a)
    if a.name == b.name == "varbinary":
        return Value(f"({left.sql} || {right.sql})", k.VARBINARY)
    if not (k.is_text(a) and k.is_text(b)):
        message = f"Unexpected parameters ({a}, {b}) for function concat. Expected: {_CONCAT}"
        raise failure("FUNCTION_NOT_FOUND", message)
    if "char" in (a.name, b.name) and a.sizes and b.sizes:
        size = a.sizes[0] + b.sizes[0]
        return Value(f"rpad({left.sql} || {right.sql}, {size}, ' ')", k.Kind("char", (size,)))
    return Value(f"({left.sql} || {right.sql})", k.VARCHAR)


def _with_null(kind: k.Kind) -> Value:
    """A bare NULL beside a text of known length is read as an array of such texts, beside others as many."""
    if kind.name == "varchar" and kind.sizes:
        return Value(f"CAST(NULL AS {k.duck(k.array(kind))})", k.array(kind))
    message = "Could not choose a best candidate operator. Explicit type casts must be added."
    raise failure("AMBIGUOUS_FUNCTION_CALL", message)


def _arrays(left: Value, right: Value) -> Value:
    empty = [one.kind.name == "array" and one.kind.item.name == "unknown" for one in (left, right)]
    if "unknown" in (left.kind.name, right.kind.name) or (
        left.kind.name == right.kind.name == "array" and empty[0] != empty[1]
    ):
        message = "Could not choose a best candidate operator. Explicit type casts must be added."
        raise failure("AMBIGUOUS_FUNCTION_CALL", message)
    if left.kind.name == right.kind.name == "array" and (kind := k.common(left.kind, right.kind)):
        pass
    elif left.kind.name == "array" and (k.common(left.kind.item, right.kind) or right.kind.name != "array"):
        item = k.common(left.kind.item, right.kind)
        kind = item and k.array(item)
        right = Value(f"[{right.sql}]", k.array(right.kind))
    elif right.kind.name == "array":
        item = k.common(right.kind.item, left.kind)
        kind = item and k.array(item)
        left = Value(f"[{left.sql}]", k.array(left.kind))
    else:
        kind = None
    if kind is None:
        raise cannot("||", left.kind, right.kind)
    x, y = coerce(left, kind).sql, coerce(right, kind).sql
    return Value(f"CASE WHEN {x} IS NULL OR {y} IS NULL THEN NULL ELSE list_concat({x}, {y}) END", kind)


def negative(value: Value) -> Value:
    """`-value`; literals stay literals."""
    if value.kind.name.startswith("interval"):
        return Value(f"(-{value.sql})", value.kind)
    if not k.is_number(value.kind):
        raise failure("TYPE_MISMATCH", f"Cannot negate {value.kind}")
    if isinstance(value.constant, int) and not isinstance(value.constant, bool):
        if value.constant == -(2**31) and value.kind == k.INTEGER:
            wrong = f"'integer negation overflow: {value.constant}'"
            return Value(fail("NUMERIC_VALUE_OUT_OF_RANGE", wrong, value.kind), value.kind)
        made = integer(-value.constant)
        return Value(made.sql, value.kind if made.kind == k.INTEGER else made.kind, constant=-value.constant)
    if value.is_constant and value.kind.name == "decimal":
        made = decimal(f"-{value.constant}")
        return Value(made.sql, value.kind, constant=-value.constant)
    if value.kind.name in k.INTEGERS:
        return Value(f"CAST(-{value.sql} AS {k.duck(value.kind)})", value.kind)
    return Value(f"(-{value.sql})", value.kind)
