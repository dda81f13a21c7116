"""Aggregates and window functions. In a line `~` is where DISTINCT goes, `^` where ORDER BY goes, `!` where
IGNORE NULLS goes and `@` where FILTER and OVER go, so one line can hold several of DuckDB's aggregates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.dialect import syntax as s
from tdlocal.engine.dialect.casts import cast, coerce
from tdlocal.engine.dialect.operators import divided
from tdlocal.engine.dialect.shown import shown
from tdlocal.engine.dialect.signatures import Table, unexpected
from tdlocal.engine.dialect.values import Value, text
from tdlocal.engine.failures import failure

DISTINCT, ORDER, OVER, NULLS = (
    "\ue000",
    "\ue001",
    "\ue002",
    "\ue003",
)  # the marks; `values.text` keeps them out


def _marked(lines: str) -> str:
    return lines.translate({ord("~"): DISTINCT, ord("^"): ORDER, ord("@"): OVER, ord("!"): NULLS})


PLAIN = Table(
    _marked("""
any_value(T) T = any_value(~$0^)@
arbitrary(T) T = any_value(~$0^)@
approx_set(T) hyperloglog = nullif(list_filter(list(DISTINCT CASE WHEN $0 IS NOT NULL THEN hash($0) END)@,
    lambda e_: e_ IS NOT NULL), CAST([] AS UBIGINT[]))
merge(hyperloglog) hyperloglog = list_distinct(flatten(list($0)@))
merge(tdigest) tdigest = list_sort(flatten(list($0)@))
merge(qdigest(T)) qdigest(T) = list_sort(flatten(list($0)@))
tdigest_agg(double) tdigest = list_sort(list_filter(list($0)@, lambda e_: e_ IS NOT NULL))
qdigest_agg(bigint) qdigest(bigint) = list_sort(list_filter(list($0)@, lambda e_: e_ IS NOT NULL))
qdigest_agg(real) qdigest(real) = list_sort(list_filter(list($0)@, lambda e_: e_ IS NOT NULL))
qdigest_agg(double) qdigest(double) = list_sort(list_filter(list($0)@, lambda e_: e_ IS NOT NULL))
approx_distinct(T) bigint = count(DISTINCT $0)@
approx_distinct(T, double) bigint = count(DISTINCT $0)@
array_agg(T) array(T) = list(~$0^)@
bitwise_and_agg(bigint) bigint = bit_and(~$0)@
bitwise_or_agg(bigint) bigint = bit_or(~$0)@
bitwise_xor_agg(bigint) bigint = bit_xor(~$0)@
bool_and(boolean) boolean = bool_and(~$0)@
bool_or(boolean) boolean = bool_or(~$0)@
every(boolean) boolean = bool_and(~$0)@
corr(real, real) real = CAST(CASE WHEN isnan(corr($0, $1)@) THEN NULL ELSE corr($0, $1)@ END AS FLOAT)
corr(double, double) double = CASE WHEN isnan(corr($0, $1)@) THEN NULL ELSE corr($0, $1)@ END
count(T) bigint = count(~$0)@
count_if(boolean) bigint = CAST(coalesce(count_if($0)@, 0) AS BIGINT)
covar_pop(real, real) real = CAST(covar_pop($0, $1)@ AS FLOAT)
covar_pop(double, double) double = covar_pop($0, $1)@
covar_samp(real, real) real = CAST(covar_samp($0, $1)@ AS FLOAT)
covar_samp(double, double) double = covar_samp($0, $1)@
geometric_mean(double) double = exp(avg(ln(~$0))@)
kurtosis(double) double = kurtosis(~$0)@
skewness(double) double = py_skewness(list(~$0)@)
max(real) real = CASE WHEN isnan(max(~$0)@) THEN coalesce(max(~CASE WHEN NOT isnan($0) THEN $0 END)@,
    max(~$0)@) ELSE max(~$0)@ END
max(double) double = CASE WHEN isnan(max(~$0)@) THEN coalesce(max(~CASE WHEN NOT isnan($0) THEN $0 END)@,
    max(~$0)@) ELSE max(~$0)@ END
max(T) T = max(~$0)@
max_by(T, K) T = arg_max_null($0, $1)@
min(T) T = min(~$0)@
min_by(T, K) T = arg_min_null($0, $1)@
regr_intercept(real, real) real = CAST(regr_intercept($0, $1)@ AS FLOAT)
regr_intercept(double, double) double = regr_intercept($0, $1)@
regr_slope(real, real) real = CAST(regr_slope($0, $1)@ AS FLOAT)
regr_slope(double, double) double = regr_slope($0, $1)@
stddev(double) double = stddev_samp(~$0)@
stddev_samp(double) double = stddev_samp(~$0)@
stddev_pop(double) double = stddev_pop(~$0)@
variance(double) double = var_samp(~$0)@
var_samp(double) double = var_samp(~$0)@
var_pop(double) double = var_pop(~$0)@
sum(bigint) bigint = CAST(sum(~$0)@ AS BIGINT)
sum(real) real = CAST(sum(~$0)@ AS FLOAT)
sum(double) double = sum(~$0)@
sum(interval day to second) interval day to second = to_milliseconds(CAST(sum(~epoch_ms(CAST('1970-01-01'
    AS TIMESTAMP) + $0))@ AS BIGINT))
sum(interval year to month) interval year to month = to_months(CAST(sum(~datepart('year', $0) * 12 +
    datepart('month', $0))@ AS INTEGER))
avg(interval day to second) interval day to second = to_milliseconds(CAST(avg(~epoch_ms(CAST('1970-01-01'
    AS TIMESTAMP) + $0))@ AS BIGINT))
avg(interval year to month) interval year to month = to_months(CAST(avg(~datepart('year', $0) * 12 +
    datepart('month', $0))@ AS INTEGER))
avg(bigint) double = (CAST(sum(~$0)@ AS DOUBLE) / count(~$0)@)
avg(real) real = CAST(avg(~$0)@ AS FLOAT)
avg(double) double = avg(~$0)@
histogram(T) map(T,bigint) = CAST(histogram($0)@ AS MAP($T, BIGINT))
numeric_histogram(bigint, real) map(real,real) = CAST(py_numeric_histogram(list(CAST($1 AS DOUBLE))@,
    any_value($0)@) AS MAP(FLOAT, FLOAT))
numeric_histogram(bigint, double) map(double,double) = py_numeric_histogram(list($1)@, any_value($0)@)
approx_most_frequent(bigint, bigint, bigint) map(bigint,bigint) = CAST(py_top(list(CAST($1 AS VARCHAR))@,
    any_value($0)@) AS MAP(BIGINT, BIGINT))
approx_most_frequent(bigint, varchar, bigint) map(varchar,bigint) = py_top(list($1)@, any_value($0)@)
td_avgif(double, boolean) double = avg(CASE WHEN $1 THEN $0 END)@
td_sumif(double, boolean) double = sum(CASE WHEN $1 THEN $0 END)@
""")
)
WINDOW_ONLY = Table(
    _marked("""
row_number() bigint = row_number()@
rank() bigint = rank()@
dense_rank() bigint = dense_rank()@
percent_rank() double = percent_rank()@
cume_dist() double = cume_dist()@
ntile(bigint) bigint = ntile($0)@
first_value(T) T = first_value($0!)@
last_value(T) T = last_value($0!)@
nth_value(T, bigint) T = nth_value($0, $1!)@
lag(T) T = lag($0!)@
lag(T, bigint) T = lag($0, $1!)@
lag(T, bigint, T) T = lag($0, $1, $2!)@
lead(T) T = lead($0!)@
lead(T, bigint) T = lead($0, $1!)@
lead(T, bigint, T) T = lead($0, $1, $2!)@
""")
)
_LISTAGG = 1_048_576  # bytes
_UNORDERED = ("map", "json", *k.SKETCHES, "function")


@dataclass(frozen=True, slots=True)
class Made:
    """The text with its marks, its type and zone."""

    sql: str
    kind: k.Kind
    zone: str | None = None


Maker = Callable[[Any, s.Call, list[Value]], Made]


def _wrong(node: s.Call, values: list[Value]) -> Exception:
    return unexpected(node.name, [value.kind for value in values])


def min_max(c: Any, node: s.Call, values: list[Value]) -> Made | None:
    """min(x, n) and max(x, n); max_by(x, y, n); one value goes by the table."""
    if len(values) == 1 + (node.name not in ("min", "max")) + 1:
        count = values[-1].constant
        if (isinstance(count, int) and count < 1) or count is None:
            raise failure("INVALID_FUNCTION_ARGUMENT", f"last argument of {node.name} must be positive")
    if values and any(value.kind.name in _UNORDERED for value in values[-1:]):
        raise _wrong(node, values)
    if node.name in ("min", "max") and len(values) == 2:
        order = "DESC" if node.name == "max" else "ASC"
        x = values[0].sql
        sorted_ = f"list_filter(list({x} ORDER BY {x} {order}){OVER}, lambda e_: e_ IS NOT NULL)"
        return Made(f"list_slice({sorted_}, 1, any_value({values[1].sql}){OVER})", k.array(values[0].kind))
    if node.name in ("min_by", "max_by") and len(values) == 3:
        order = "DESC" if node.name == "max_by" else "ASC"
        sql = (
            f"list_slice(list({values[0].sql} ORDER BY {values[1].sql} {order}){OVER}, 1,"
            f" any_value({values[2].sql}){OVER})"
        )
        return Made(sql, k.array(values[0].kind))
    return None


def decimals(c: Any, node: s.Call, values: list[Value]) -> Made | None:
    """sum and avg of decimals keep their scale."""
    if len(values) != 1 or values[0].kind.name != "decimal":
        return None
    value, scale = values[0], values[0].kind.sizes[1]
    total = f"sum({DISTINCT}{value.sql}){OVER}"
    kind = k.decimal(38, scale)
    if node.name == "sum":
        return Made(total, kind)
    count = f"count({DISTINCT}{value.sql}){OVER}"
    over = divided(
        f"CAST({total} AS {k.duck(kind)})", f"nullif({count}, 0)", kind, k.decimal(19, 0), value.kind
    )
    return Made(over, value.kind)


def percentile(c: Any, node: s.Call, values: list[Value]) -> Made:
    """approx_percentile, exactly: the element at floor(fraction * count) of the sorted values.

    quantile_disc counts from the other end, so it is asked for 1 - fraction of the descending order.
    """
    if len(values) not in (2, 3, 4):
        raise _wrong(node, values)
    value = values[0]
    if value.kind.name == "decimal":
        value = coerce(value, k.REAL)
    elif value.kind.name in k.INTEGERS:
        value = coerce(value, k.BIGINT)
    if not k.is_number(value.kind):
        raise _wrong(node, values)
    weighted = values[1].kind.name in k.INTEGERS or not values[1].is_constant or values[1].constant >= 1
    if len(values) == 3 and values[1].is_constant and not weighted and values[2].kind.name != "array":
        message = f"weight must be >= 1, was {values[1].constant}"
        raise failure("INVALID_FUNCTION_ARGUMENT", message)
    if len(values) >= 3 and (values[2].kind.name == "array" or weighted):
        return _weighted(c, node, value, values)
    fractions = node.arguments[1]
    if isinstance(fractions, s.ArrayLiteral):
        windowed = node.over is not None
        parts = [_quantile(value, c.expression(item), windowed) for item in fractions.items]
        return Made(f"[{', '.join(parts)}]", k.array(value.kind))
    if values[1].kind.name == "array":
        raise failure("NOT_SUPPORTED", "approx_percentile: write the fractions as ARRAY[…]")
    return Made(_quantile(value, values[1], node.over is not None), value.kind)


def _weighted(c: Any, node: s.Call, value: Value, values: list[Value]) -> Made:
    """approx_percentile(x, weight, fraction): the first value whose weights up to it exceed the fraction."""
    pairs = (
        f"list_sort(list(struct_pack(x := CAST({value.sql} AS {k.duck(value.kind)}), w := CAST("
        f"{coerce(values[1], k.DOUBLE).sql} AS DOUBLE))){OVER})"
    )
    kept = f"list_filter({pairs}, lambda p_: p_.x IS NOT NULL AND p_.w IS NOT NULL)"
    total = f"list_sum(list_transform({kept}, lambda p_: p_.w))"
    before = f"list_sum(list_transform(list_slice({kept}, 1, i_), lambda q_: q_.w))"

    def at(fraction: Value) -> str:
        wanted = f"{coerce(fraction, k.DOUBLE).sql} * {total}"
        found = f"list_filter({kept}, lambda p_, i_: {before} > {wanted})"
        return f"coalesce({found}[1].x, {kept}[-1].x)"

    fractions = node.arguments[2]
    if isinstance(fractions, s.ArrayLiteral):
        return Made(f"[{', '.join(at(c.expression(item)) for item in fractions.items)}]", k.array(value.kind))
    if values[2].kind.name == "array":
        raise failure("NOT_SUPPORTED", "approx_percentile: write the fractions as ARRAY[…]")
    return Made(at(values[2]), value.kind)


def _quantile(value: Value, fraction: Value, windowed: bool) -> str:
    if not fraction.is_constant or fraction.constant is None:
        raise failure("NOT_SUPPORTED", "approx_percentile: the fraction must be a constant")
    wanted = Decimal(str(fraction.constant))
    if not 0 <= wanted <= 1:
        raise failure("INVALID_FUNCTION_ARGUMENT", "Percentile must be between 0 and 1")
    if windowed:  # over a window DuckDB forgets the order that was asked for
        kept = f"list_sort(list_filter(list({value.sql}){OVER}, lambda e_: e_ IS NOT NULL))"
        return f"{kept}[least(CAST(floor({wanted} * len({kept})) AS BIGINT) + 1, len({kept}))]"
    return f"quantile_disc({value.sql}, {1 - wanted} ORDER BY {value.sql} DESC){OVER}"


def map_agg(c: Any, node: s.Call, values: list[Value]) -> Made:
    """The first value of a key stays, null keys are left out."""
    if len(values) != 2:
        raise _wrong(node, values)
    key, value = values
    entries = f"list(struct_pack(k := {key.sql}, v := {value.sql}){ORDER}){OVER}"
    kept = f"list_filter({entries}, lambda e_: e_.k IS NOT NULL)"
    keys = f"list_transform({kept}, lambda e_: e_.k)"
    first = f"list_filter({kept}, lambda e_, i_: list_position({keys}, e_.k) = i_)"
    made = f"map(list_transform({first}, lambda e_: e_.k), list_transform({first}, lambda e_: e_.v))"
    made = f"CASE WHEN len({kept}) = 0 OR {entries} IS NULL THEN NULL ELSE {made} END"
    return Made(made, k.map_of(key.kind, value.kind))


def multimap_agg(c: Any, node: s.Call, values: list[Value]) -> Made:
    if len(values) != 2:
        raise _wrong(node, values)
    key, value = values
    entries = f"list(struct_pack(k := {key.sql}, v := {value.sql}){ORDER}){OVER}"
    kept = f"list_filter({entries}, lambda e_: e_.k IS NOT NULL)"
    keys = f"list_transform({kept}, lambda e_: e_.k)"
    first = f"list_filter({keys}, lambda k_, i_: list_position({keys}, k_) = i_)"
    items = (
        f"list_transform({first}, lambda k_: list_transform(list_filter({kept}, lambda e_: e_.k ="
        " k_), lambda e_: e_.v))"
    )
    return Made(f"CASE WHEN len({kept}) = 0 OR {entries} IS NULL THEN NULL ELSE map({first}, {items}) END",
                k.map_of(key.kind, k.array(value.kind)))  # fmt: skip


def map_union(c: Any, node: s.Call, values: list[Value]) -> Made:
    if len(values) != 1 or values[0].kind.name != "map":
        raise _wrong(node, values)
    entries = f"flatten(list(map_entries({values[0].sql})){OVER})"
    keys = f"list_transform({entries}, lambda e_: e_.key)"
    first = f"list_filter({entries}, lambda e_, i_: list_position({keys}, e_.key) = i_)"
    made = f"map(list_transform({first}, lambda e_: e_.key), list_transform({first}, lambda e_: e_.value))"
    return Made(f"CASE WHEN {entries} IS NULL THEN NULL ELSE {made} END", values[0].kind)


def listagg(c: Any, node: s.Call, values: list[Value]) -> Made:
    if not k.turns_into(values[0].kind, k.VARCHAR):
        item = shown(node.arguments[0])
        message = f"Expected expression of varchar, but '{item}' has {values[0].kind} type"
        raise failure("TYPE_MISMATCH", message)
    separator = values[1].sql if len(values) == 2 else "''"
    item = coerce(values[0], k.VARCHAR).sql
    made = f"string_agg({DISTINCT}{item}, {separator}{ORDER}){OVER}"
    if "filler" in node.extra:
        items = f"list({DISTINCT}{item}{ORDER}){OVER}"
        filler, count = text(node.extra["filler"]), str(node.extra["count"]).lower()
        cut = f"py_listagg({items}, {separator}, {filler}, {count})"
    else:
        message = f"Concatenated string is longer than the maximum output length in bytes, {_LISTAGG}"
        cut = f"py_fail('EXCEEDED_FUNCTION_MEMORY_LIMIT', '{message}')"
    return Made(f"CASE WHEN strlen({made}) > {_LISTAGG} THEN {cut} ELSE {made} END", k.VARCHAR)


def reduce_agg(c: Any, node: s.Call, values: list[Value]) -> Made:
    if len(node.arguments) != 4 or not isinstance(node.arguments[2], s.Lambda):
        raise _wrong(node, values)
    value, start = values[0], values[1]
    names, body = c.lambda_body(node.arguments[2], [start.kind, value.kind])
    kind = k.common(start.kind, body.kind)
    if kind is None:
        raise failure(
            "TYPE_MISMATCH", f"the state of reduce_agg is {start.kind}, its function gives {body.kind}"
        )
    if kind.items or (kind.name == "decimal" and kind.sizes[0] > 18):
        raise failure("NOT_SUPPORTED", f"State type not supported for reduce_agg: {kind}")
    items = f"list_filter(list({value.sql}{ORDER}){OVER}, lambda e_: e_ IS NOT NULL)"
    step = f"lambda {', '.join(names)}: {coerce(body, kind).sql}"
    initial = f"CAST({coerce(start, kind).sql} AS {k.duck(kind)})"
    return Made(f"CASE WHEN len({items}) > 0 THEN list_reduce({items}, {step}, {initial}) END", kind)


def checksum(c: Any, node: s.Call, values: list[Value]) -> Made:
    if len(values) != 1:
        raise _wrong(node, values)
    value = values[0]
    if value.kind.name in k.INTEGERS or value.kind.name in ("date", "boolean"):
        if value.kind.name == "date":
            value = Value(f"date_diff('day', DATE '1970-01-01', {value.sql})", k.BIGINT)
        return Made(f"py_checksum_numbers(list(CAST({value.sql} AS BIGINT)){OVER})", k.VARBINARY)
    if k.is_text(value.kind):
        return Made(f"py_checksum_texts(list({value.sql}){OVER})", k.VARBINARY)
    raise failure("NOT_SUPPORTED", f"checksum({value.kind}) is not supported by the local account")


def first_last(c: Any, node: s.Call, values: list[Value]) -> Made:
    """TD_FIRST and TD_LAST: x of the row with the least or the greatest other values."""
    if len(values) < 2:
        raise _wrong(node, values)
    name = "arg_min_null" if node.name == "td_first" else "arg_max_null"
    order = values[1].sql
    if len(values) > 2:
        order = "struct_pack(" + ", ".join(f"f{n} := {v.sql}" for n, v in enumerate(values[1:], 1)) + ")"
    return Made(f"{name}({values[0].sql}, {order}){OVER}", values[0].kind, values[0].zone)


def approx_distinct(c: Any, node: s.Call, values: list[Value]) -> Made | None:
    """Counted exactly, whatever error was asked for; but one that Trino refuses is refused."""
    asked = values[1].constant if len(values) == 2 and values[1].is_constant else None
    if isinstance(asked, float | Decimal) and not 0.0040625 <= asked <= 0.26:
        raise failure(
            "INVALID_FUNCTION_ARGUMENT", f"Max standard error must be in [0.0040625, 0.26]: {asked}"
        )
    return None


def unsupported(c: Any, node: s.Call, values: list[Value]) -> Made:
    raise failure("NOT_SUPPORTED", f"{node.name} is not supported by the local account")


_MAKERS: dict[str, Callable[[Any, s.Call, list[Value]], Made | None]] = {
    "min": min_max, "max": min_max, "min_by": min_max, "max_by": min_max, "sum": decimals, "avg": decimals,
    "approx_percentile": percentile, "map_agg": map_agg, "multimap_agg": multimap_agg, "map_union": map_union,
    "listagg": listagg, "reduce_agg": reduce_agg, "checksum": checksum, "td_first": first_last,
    "td_last": first_last, "approx_distinct": approx_distinct,
    **dict.fromkeys(("make_set_digest", "merge_set_digest", "spatial_union", "learn_classifier",
                     "learn_regressor", "evaluate_classifier_predictions", "convex_hull_agg",
                     "geometry_union_agg"), unsupported),
}  # fmt: skip
NAMES = frozenset(PLAIN.names()) | frozenset(_MAKERS)


def made(c: Any, node: s.Call, values: list[Value]) -> Made:
    """The aggregate's text with its marks. Raises FUNCTION_NOT_FOUND for other argument types."""
    maker = _MAKERS.get(node.name)
    if maker is not None:
        special = maker(c, node, values)
        if special is not None:
            return special
    return from_table(c, PLAIN, node, values)


def from_table(c: Any, table: Table, node: s.Call, values: list[Value]) -> Made:
    if node.name in ("sum", "avg") and values and values[0].kind.name == "unknown":
        message = "Could not choose a best candidate operator. Explicit type casts must be added."
        raise failure("AMBIGUOUS_FUNCTION_CALL", message)
    found = table.find(node.name, [value.kind for value in values]) if node.name in table else None
    if found is None:
        raise c.unexpected(node, table, values)
    one, bound = found
    value = c.applied(node, one, bound, values)
    sql = value.sql.replace("$T", k.duck(bound["T"])) if "T" in bound else value.sql
    zone = next((item.zone for item in values if item.zone), None)
    return Made(sql, value.kind, zone if value.kind.name == "timestamp with time zone" else None)


__all__ = ["NAMES", "PLAIN", "WINDOW_ONLY", "Made", "cast", "from_table", "made", "text"]
