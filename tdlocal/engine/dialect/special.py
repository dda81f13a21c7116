"""Scalar functions that one line cannot say: those whose type or text depends on their arguments."""

from __future__ import annotations

import re
from typing import Any

from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.dialect import signatures
from tdlocal.engine.dialect import syntax as s
from tdlocal.engine.dialect.casts import cast, castable, coerce, local
from tdlocal.engine.dialect.operators import arithmetic, concatenated
from tdlocal.engine.dialect.patterns import fits_re2, re2_pattern, replacement
from tdlocal.engine.dialect.values import Value, fail, null, text
from tdlocal.engine.failures import failure

_MOMENTS = ("date", "time", "timestamp", "timestamp with time zone")


def unexpected(node: s.Call, values: list[Value]) -> Exception:
    return signatures.unexpected(node.name, [value.kind for value in values])


def _values(c: Any, node: s.Call, low: int, high: int | None = None) -> list[Value]:
    values = [c.argument(item) for item in node.arguments]
    if len(values) < low or (high is not None and len(values) > high):
        raise unexpected(node, values)
    return values


# -- conditions


def _ambiguous(node: s.Call) -> Exception:
    message = "Could not choose a best candidate operator. Explicit type casts must be added."
    return failure("AMBIGUOUS_FUNCTION_CALL", message)


def if_(c: Any, node: s.Call) -> Value:
    if len(node.arguments) not in (2, 3):
        raise failure("SYNTAX_ERROR", "Invalid number of arguments for 'if' function")
    condition = c.condition(node.arguments[0], "IF condition")
    nodes = node.arguments[1:]
    message = "Result types for IF must be the same: {} vs {}"
    values = [c.expression(item) for item in nodes]
    if len(values) == 2 and k.common(values[0].kind, values[1].kind) is None:
        raise failure("TYPE_MISMATCH", message.format(values[0].kind, values[1].kind))
    values, kind = c.common(values, nodes, message)
    otherwise = values[1].sql if len(values) == 2 else "NULL"
    zone = next((value.zone for value in values if value.zone), None)
    return Value(f"CASE WHEN {condition.sql} THEN {values[0].sql} ELSE {otherwise} END", kind, zone=zone)


def coalesce(c: Any, node: s.Call) -> Value:
    if len(node.arguments) < 2:
        raise failure("SYNTAX_ERROR", "The 'coalesce' function must have at least two arguments")
    values = [c.expression(item) for item in node.arguments]
    values, kind = c.common(
        values,
        node.arguments,
        (
            "All COALESCE operands must be the same type or coercible to a common type. Cannot"
            " find common type between {} and {}, all types (without duplicates): [{}]"
        ),
    )
    zone = next((value.zone for value in values if value.zone), None)
    return Value(f"coalesce({', '.join(value.sql for value in values)})", kind, zone=zone)


def nullif(c: Any, node: s.Call) -> Value:
    if len(node.arguments) != 2:
        raise failure("SYNTAX_ERROR", "Invalid number of arguments for 'nullif' function")
    left, right = (c.expression(item) for item in node.arguments)
    kind = k.common(left.kind, right.kind)
    if kind is None:
        raise failure("TYPE_MISMATCH", f"Types are not comparable with NULLIF: {left.kind} vs {right.kind}")
    x, y = coerce(left, kind, c.zone).sql, coerce(right, kind, c.zone).sql
    return Value(f"CASE WHEN {x} = {y} THEN NULL ELSE {left.sql} END", left.kind, zone=left.zone)


def try_(c: Any, node: s.Call) -> Value:
    if len(node.arguments) != 1:
        raise failure("SYNTAX_ERROR", "The 'try' function must have exactly one argument")
    call = node.arguments[0]
    value: Value = c.expression(call)
    if isinstance(call, s.Call) and call.name == "fail":
        return value  # no error of the data, so TRY lets it pass
    return Value(f"TRY({value.sql})", value.kind, zone=value.zone)


def extreme(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 1)
    shared: k.Kind | None = k.UNKNOWN
    for value in values:
        shared = shared and k.common(shared, value.kind)
    if shared is None:
        raise unexpected(node, values)
    values, kind = c.common(values, node.arguments, "")
    if not (k.is_number(kind) or k.is_text(kind) or kind.name in ("boolean", "date", "unknown",
    "varbinary", "uuid")
            or kind.name.startswith(("timestamp", "time", "interval", "array", "row"))):  # fmt: skip
        raise unexpected(node, values)
    nulls = " OR ".join(f"{value.sql} IS NULL" for value in values)
    texts = ", ".join(value.sql for value in values)
    made = f"{node.name}({texts})"
    if kind.name in ("double", "real") and node.name == "greatest":
        # NaN is left out where there is anything else; to DuckDB it is the greatest
        numbers = ", ".join(f"CASE WHEN NOT isnan({value.sql}) THEN {value.sql} END" for value in values)
        made = f"CASE WHEN isnan({made}) THEN coalesce(greatest({numbers}), {made}) ELSE {made} END"
    return Value(f"CASE WHEN {nulls} THEN NULL ELSE {made} END", kind, zone=values[0].zone)


def typeof(c: Any, node: s.Call) -> Value:
    value = _values(c, node, 1, 1)[0]
    return Value(text(str(value.kind).replace('"', "")), k.VARCHAR)


def fail_(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 1, 2)
    return Value(f"py_fail('GENERIC_USER_ERROR', {values[-1].sql})", k.UNKNOWN)


# -- numbers


def whole(c: Any, node: s.Call) -> Value:
    """floor, ceil, ceiling."""
    value = _values(c, node, 1, 1)[0]
    kind = value.kind
    if kind.name in k.INTEGERS:
        return Value(value.sql, kind)
    if not k.is_number(kind):
        if kind.name == "unknown":
            return coerce(value, k.TINYINT)
        raise unexpected(node, [value])
    duck = "floor" if node.name == "floor" else "ceil"
    if kind.name == "decimal":
        precision, scale = kind.sizes
        made = k.decimal(precision - scale + min(scale, 1), 0)
        return Value(f"CAST({duck}({value.sql}) AS {k.duck(made)})", made)
    return Value(f"{duck}({value.sql})", kind)


def round_(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 1, 2)
    value, kind = values[0], values[0].kind
    if len(values) == 2 and not k.turns_into(values[1].kind, k.BIGINT):
        raise unexpected(node, values)
    if kind.name == "unknown":
        return coerce(value, k.TINYINT)
    if not k.is_number(kind):
        raise unexpected(node, values)
    digits = values[1].sql if len(values) == 2 else "0"
    if kind.name in k.INTEGERS:
        if len(values) == 1:
            return value
        return Value(f"CAST(py_round_integer({value.sql}, {digits}) AS {k.duck(kind)})", kind)
    if kind.name == "decimal":
        precision, scale = kind.sizes
        if len(values) == 1:
            made = k.decimal(min(38, precision - scale + min(scale, 1)), 0)
            return Value(f"CAST(round({value.sql}, 0) AS {k.duck(made)})", made)
        made = k.decimal(min(38, precision + 1), scale)
        return Value(
            f"CAST(py_round_decimal(CAST({value.sql} AS VARCHAR), {digits}) AS {k.duck(made)})", made
        )
    if len(values) == 1:
        return Value(f"round({value.sql})", kind)
    unit = f"pow(10, CAST({digits} AS DOUBLE))"
    if isinstance(values[1].constant, int):
        unit = f"CAST('1e{values[1].constant}' AS DOUBLE)"
    wide = f"CAST({value.sql} AS DOUBLE)"
    return Value(f"CAST(round({wide} * {unit}) / {unit} AS {k.duck(kind)})", kind)


def truncate(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 1, 2)
    value, kind = values[0], values[0].kind
    if not k.is_number(kind) or (len(values) == 2 and kind.name in ("real", "double")):
        raise unexpected(node, values)
    if kind.name in ("real", "double"):
        return Value(f"trunc({value.sql})", kind)
    value = coerce(value, k.as_decimal(kind))
    precision, scale = value.kind.sizes
    if len(values) == 1:
        made = k.decimal(max(precision - scale, 1), 0)
        return Value(f"CAST(trunc({value.sql}) AS {k.duck(made)})", made)
    return Value(
        f"CAST(py_truncate_decimal(CAST({value.sql} AS VARCHAR), {values[1].sql}) AS {k.duck(value.kind)})",
        value.kind,
    )


def mod(c: Any, node: s.Call) -> Value:
    left, right = _values(c, node, 2, 2)
    made = arithmetic("%", left, right)
    if made.kind.name not in k.INTEGERS:
        return made
    wrong = fail("GENERIC_INTERNAL_ERROR", "'/ by zero'", made.kind)  # as Trino's function has it
    return Value(f"CASE WHEN {right.sql} = 0 THEN {wrong} ELSE {made.sql} END", made.kind)


# -- text


def concat(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 1)
    if len(values) > 1 and all(value.kind.name == "unknown" for value in values):
        raise _ambiguous(node)
    if len(values) < 2:
        raise failure("INVALID_FUNCTION_ARGUMENT", "There must be two or more concatenation arguments")
    if len(values) > 2 and all(k.is_text(value.kind) or value.kind.name == "unknown" for value in values):
        values = [coerce(value, k.VARCHAR) if value.kind.name == "unknown" else value for value in values]
    result = values[0]
    for value in values[1:]:
        result = concatenated(result, value)
    return result


def substr(c: Any, node: s.Call) -> Value:
    """Counted from 1 or from the end; 0, or a start beyond the text, gives nothing."""
    values = _values(c, node, 2, 3)
    value, kind = values[0], values[0].kind
    if kind.name == "unknown":
        raise _ambiguous(node)
    if kind.name not in ("varchar", "char", "varbinary", "unknown") or not all(
        k.turns_into(one.kind, k.BIGINT) for one in values[1:]
    ):
        raise unexpected(node, values)
    start = values[1].constant
    size = values[2].sql if len(values) == 3 else None
    if kind.name == "varbinary":
        return Value(f"py_sub_bytes({value.sql}, {values[1].sql}, {size or '2147483647'})", kind)
    rest = (
        ""
        if size is None
        else f", greatest({size}, 0)"
        if values[2].constant is None
        else f", {max(_known(values[2]), 0)}"
    )
    if isinstance(start, int) and start > 0:
        return Value(f"substr({value.sql}, {start}{rest})", kind)
    if isinstance(start, int) and start < 0:
        cut = f"substr({value.sql}, {start}{rest})"
        return Value(
            (
                f"CASE WHEN length({value.sql}) >= {-start} THEN {cut} WHEN {value.sql} IS NULL"
                " THEN NULL ELSE '' END"
            ),
            kind,
        )
    function = "py_sub" if size is None else "py_sub3"
    return Value(f"{function}({', '.join(one.sql for one in (value, *values[1:]))})", kind)


def _known(value: Value) -> int:
    return value.constant if isinstance(value.constant, int) else 0


def replace(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 2, 3)
    if not all(k.turns_into(value.kind, k.VARCHAR) for value in values):
        raise unexpected(node, values)
    texts = [value.sql for value in values] + (["''"] if len(values) == 2 else [])
    native = isinstance(values[1].constant, str) and values[1].constant
    made = f"{'replace' if native else 'py_replace'}({', '.join(texts)})"
    if len(values) == 2:
        return Value(made, _sized(values[0]))
    return Value(made, _grown(values[0], values[2]))


def _grown(value: Value, new: Value, factor: int = 1) -> k.Kind:
    """The type of *value* with *new* put in at every place."""
    if value.kind.name == "varchar" and value.kind.sizes and new.kind.name == "varchar" and new.kind.sizes:
        size, more = value.kind.sizes[0], new.kind.sizes[0]
        if factor != 1:  # groups may be named in it
            more = max(more, more * size // 2)
        return k.Kind("varchar", (size + more * (size + 1),)) if size * more < 2**30 else k.VARCHAR
    return k.VARCHAR


def pad(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 3, 3)
    if values[0].kind.name == "varbinary":
        if values[2].kind.name != "varbinary":
            raise unexpected(node, values)
        return Value(f"py_{node.name}_bytes({', '.join(value.sql for value in values)})", k.VARBINARY)
    if not (k.turns_into(values[0].kind, k.VARCHAR) and k.turns_into(values[1].kind, k.BIGINT)
            and k.turns_into(values[2].kind, k.VARCHAR)):  # fmt: skip
        raise unexpected(node, values)
    texts = [coerce(values[0], k.VARCHAR).sql, values[1].sql, coerce(values[2], k.VARCHAR).sql]
    if values[2].constant == "":
        raise failure("INVALID_FUNCTION_ARGUMENT", "Padding string must not be empty")
    size = values[1].constant
    if (
        isinstance(values[2].constant, str)
        and values[2].constant
        and isinstance(size, int)
        and not isinstance(size, bool)
        and 0 <= size <= 10_000
    ):
        return Value(f"{node.name}({', '.join(texts)})", k.VARCHAR)
    return Value(f"py_{node.name}({', '.join(texts)})", k.VARCHAR)


def concat_ws(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 2)
    if values[1].kind.name == "unknown" and len(values) == 2:
        raise _ambiguous(node)
    if values[1].kind.name == "array":
        array = coerce(values[1], k.array(k.VARCHAR))
        return Value(_joined(values[0].sql, array.sql), k.VARCHAR)
    if not all(k.turns_into(value.kind, k.VARCHAR) for value in values):
        raise unexpected(node, values)
    items = ", ".join(coerce(value, k.VARCHAR).sql for value in values[1:])
    return Value(_joined(values[0].sql, f"[{items}]"), k.VARCHAR)


def _joined(separator: str, items: str) -> str:
    joined = f"coalesce(array_to_string({items}, {separator}), '')"
    return f"CASE WHEN {separator} IS NULL OR {items} IS NULL THEN NULL ELSE {joined} END"


def format_(c: Any, node: s.Call) -> Value:
    """Java's String.format: each value goes over with its type's first letter in front."""
    values = _values(c, node, 1)
    if len(values) < 2:
        raise failure("SYNTAX_ERROR", "The 'format' function must have at least two arguments")
    shown = []
    for value in values[1:]:
        if not castable(value.kind, k.VARCHAR):
            raise failure("NOT_SUPPORTED", f"Type not supported for formatting: {value.kind}")
        letter = "d" if value.kind.name in k.INTEGERS else "f" if value.kind.name in ("double", "real",
        "decimal") \
            else "b" if value.kind.name == "boolean" else "t" if value.kind.name in _MOMENTS \
            else "s"  # fmt: skip
        body = f"CAST({value.sql} AS VARCHAR)" if letter in "dft" else cast(value, k.VARCHAR).sql
        if value.kind.name == "json":
            body = value.sql
        elif value.kind.name == "decimal":
            body = cast(value, k.VARCHAR).sql
        if value.kind.name == "timestamp with time zone":
            zone = value.zone or "'UTC'"
            shown_zone = f"py_offset_text({value.sql}, {zone}) || '[' || {zone} || ']'"
            body = f"(CAST({local(value)} AS VARCHAR) || '|' || {shown_zone})"
        shown.append(f"('{letter}' || {body})")
    return Value(f"py_format({values[0].sql}, [{', '.join(shown)}])", k.VARCHAR)


def array_join(c: Any, node: s.Call) -> Value:
    values = _values(c, node, 2, 3)
    if values[0].kind.name == "unknown":
        values[0] = coerce(values[0], k.array(k.UNKNOWN))
    if values[0].kind.name != "array":
        raise unexpected(node, values)
    array = values[0]
    if array.kind.item.name != "unknown" and not castable(array.kind.item, k.VARCHAR):
        raise unexpected(node, values)
    texts = cast(array, k.array(k.VARCHAR)).sql
    if len(values) == 3:
        texts = f"list_transform({texts}, lambda t_: coalesce(t_, {values[2].sql}))"
    joined = f"array_to_string({texts}, {values[1].sql})"
    nulls = " OR ".join(f"{value.sql} IS NULL" for value in (array, *values[1:]) if value.constant is None
                        or not value.is_constant)  # fmt: skip
    return Value(f"CASE WHEN {nulls} THEN NULL ELSE coalesce({joined}, '') END", k.VARCHAR)


# -- regular expressions


def _pattern(c: Any, node: s.Call, low: int, high: int) -> tuple[list[Value], str | None]:
    """The arguments, and the pattern for DuckDB's RE2 when it means the same there."""
    values = _values(c, node, low, high)
    for value in values[:2]:
        if not k.turns_into(value.kind, k.VARCHAR) and value.kind.name != "char":
            raise unexpected(node, values)
    pattern = values[1].constant
    if isinstance(pattern, str):
        _check_pattern(pattern)
        if fits_re2(pattern):
            return values, text(re2_pattern(pattern))
    return values, None


def _check_pattern(pattern: str) -> None:
    from tdlocal.engine.functions.regexps import compiled

    try:
        compiled(pattern)
    except re.error as error:
        if fits_re2(pattern) and "\\p" in pattern:
            return
        raise failure(
            "INVALID_FUNCTION_ARGUMENT", f"'{pattern}' is not a valid regular expression: {error}"
        ) from None


def regexp_like(c: Any, node: s.Call) -> Value:
    values, native = _pattern(c, node, 2, 2)
    if native is not None:
        return Value(f"regexp_matches({values[0].sql}, {native})", k.BOOLEAN)
    return Value(f"py_regexp_like({values[0].sql}, {values[1].sql})", k.BOOLEAN)


def _sized(value: Value) -> k.Kind:
    """The type of a part of *value*: as long as itself at most."""
    return value.kind if value.kind.name == "varchar" else k.VARCHAR


def regexp_extract(c: Any, node: s.Call) -> Value:
    values, native = _pattern(c, node, 2, 3)
    group = values[2].sql if len(values) == 3 else "0"
    simple = len(values) == 2 or (isinstance(values[2].constant, int) and values[2].constant == 0)
    if native is not None and simple:
        x = values[0].sql
        return Value(
            f"CASE WHEN regexp_matches({x}, {native}) THEN regexp_extract({x}, {native}, 0) END",
            _sized(values[0]),
        )
    if native is not None and len(values) == 3 and _always_there(values[1].constant, values[2].constant):
        x = values[0].sql
        found = f"regexp_extract({x}, {native}, {values[2].constant})"
        return Value(f"CASE WHEN regexp_matches({x}, {native}) THEN {found} END", _sized(values[0]))
    return Value(
        f"py_regexp_extract({values[0].sql}, {values[1].sql}, CAST({group} AS BIGINT))", _sized(values[0])
    )


def _always_there(pattern: str, group: Any) -> bool:
    """Does the group take part in every match? Where it may not, Trino answers null and DuckDB ''."""
    from tdlocal.engine.functions.regexps import compiled

    if not isinstance(group, int) or "|" in pattern or re.search(r"\)(?:[?*]|\{0?,)", pattern):
        return False
    try:
        return 0 <= group <= compiled(pattern).groups
    except re.error:
        return False


def regexp_extract_all(c: Any, node: s.Call) -> Value:
    values, _ = _pattern(c, node, 2, 3)
    group = values[2].sql if len(values) == 3 else "0"
    sql = f"py_regexp_extract_all({values[0].sql}, {values[1].sql}, CAST({group} AS BIGINT))"
    return Value(sql, k.array(_sized(values[0])))


def regexp_split(c: Any, node: s.Call) -> Value:
    values, native = _pattern(c, node, 2, 2)
    if native is not None and values[1].constant and not re.search(r"[()*?|^$]", values[1].constant):
        return Value(f"regexp_split_to_array({values[0].sql}, {native})", k.array(_sized(values[0])))
    return Value(f"py_regexp_split({values[0].sql}, {values[1].sql})", k.array(_sized(values[0])))


def regexp_replace(c: Any, node: s.Call) -> Value:
    if len(node.arguments) == 3 and isinstance(node.arguments[2], s.Lambda):
        return _regexp_replace_lambda(c, node)
    values, native = _pattern(c, node, 2, 3)
    new = values[2] if len(values) == 3 else Value("''", k.VARCHAR, constant="")
    kind = _sized(values[0]) if len(values) == 2 else _grown(values[0], new, 2)
    if native is not None and isinstance(new.constant, str) and not _matches_nothing(values[1].constant):
        written = replacement(new.constant)
        if written is not None:
            return Value(f"regexp_replace({values[0].sql}, {native}, {text(written)}, 'g')", kind)
    return Value(f"py_regexp_replace({values[0].sql}, {values[1].sql}, {new.sql})", kind)


def _matches_nothing(pattern: str) -> bool:
    """May it match the empty text? RE2 and Java go on differently after such a match."""
    from tdlocal.engine.functions.regexps import compiled

    try:
        return compiled(pattern).search("") is not None and pattern not in ("^", "$")
    except re.error:
        return False


def _regexp_replace_lambda(c: Any, node: s.Call) -> Value:
    """Cut the text into unmatched pieces and groups, and put the lambda's texts between the pieces."""
    values = [c.expression(item) for item in node.arguments[:2]]
    names, body = c.lambda_body(node.arguments[2], [k.array(k.VARCHAR)])
    if body.kind.name == "unknown":
        raise unexpected(node, [*values, c.argument(node.arguments[2])])
    pieces = f"py_regexp_pieces({values[0].sql}, {values[1].sql})"
    groups = f"py_regexp_groups({values[0].sql}, {values[1].sql})"
    made = f"list_transform({groups}, lambda {names[0]}: coalesce({body.sql}, ''))"
    joined = f"list_transform({pieces}, lambda p_, i_: p_ || coalesce({made}[i_], ''))"
    return Value(
        f"CASE WHEN {values[0].sql} IS NULL THEN NULL ELSE array_to_string({joined}, '') END", k.VARCHAR
    )


# -- JSON


def _json_argument(c: Any, node: s.Call, index: int = 0) -> Value:
    value: Value = c.expression(node.arguments[index])
    if value.kind.name not in ("json", "varchar", "char", "unknown"):
        raise unexpected(node, [value])
    return value


def json_path(c: Any, node: s.Call) -> Value:
    """json_extract, json_extract_scalar, json_size."""
    if len(node.arguments) != 2:
        raise unexpected(node, _values(c, node, 0))
    value, path = _json_argument(c, node), c.expression(node.arguments[1])
    if not k.turns_into(path.kind, k.VARCHAR):
        raise unexpected(node, [value, path])
    kind = {"json_extract": k.JSON, "json_extract_scalar": _sized(value), "json_size": k.BIGINT}[node.name]
    simple = _simple_path(path.constant)
    if isinstance(path.constant, str):
        from tdlocal.engine.functions.jsons import path_steps

        try:
            path_steps(path.constant)
        except ValueError as error:
            raise failure("INVALID_FUNCTION_ARGUMENT", str(error)) from None
    if simple is not None and node.name == "json_extract_scalar":
        # the guard is on the text itself: DuckDB may compute what stands in a branch of CASE ahead of it
        x, at = f"(CASE WHEN json_valid({value.sql}) THEN {value.sql} END)", text(simple)
        scalars = "('VARCHAR', 'BIGINT', 'UBIGINT', 'BOOLEAN')"
        written = (
            f"py_json_extract_scalar({x}, {path.sql})"  # the digits of a double stay as they were written
        )
        sql = (
            f"CASE WHEN NOT json_valid({value.sql}) THEN py_json_extract_scalar({value.sql}, {path.sql})"
            f" WHEN json_type({x}, {at}) IN {scalars} THEN json_extract_string({x}, {at})"
            f" WHEN json_type({x}, {at}) IN ('DOUBLE', 'HUGEINT') THEN {written} END"
        )
        return Value(sql, kind)
    return Value(f"py_{node.name}({value.sql}, {path.sql})", kind)


def _simple_path(path: Any) -> str | None:
    """A path of plain names as DuckDB writes it, or None when Python must walk it."""
    if not isinstance(path, str) or not re.fullmatch(r"\$(\.[A-Za-z_][A-Za-z0-9_]*)+", path):
        return None
    return "$" + "".join(f'."{name}"' for name in path[2:].split("."))


def json_lax(c: Any, node: s.Call) -> Value:
    """json_exists, json_value, json_query: SQL/JSON paths, walked in Python."""
    from tdlocal.engine.functions.sqljson import checked_path

    value, extra = c.expression(node.arguments[0]), node.extra
    if not k.is_text(value.kind) and value.kind.name not in ("unknown", "varbinary", "json"):
        raise unexpected(node, [value])
    try:
        checked_path(extra["path"])
    except ValueError as error:
        raise failure("INVALID_PATH", str(error)) from None
    path = f"{text(extra['path'])}, {passed(c, extra.get('passing', ()))}"
    if node.name == "json_exists":
        choice = extra.get("on_error", ("FALSE", None))[0]
        return Value(f"py_json_exists({value.sql}, {path}, '{choice}')", k.BOOLEAN)
    if node.name == "json_query":
        empty, wrong = (extra.get(when, ("NULL", None))[0] for when in ("on_empty", "on_error"))
        wrapper = extra.get("wrapper", "without")
        quotes = extra.get("quotes", "KEEP")
        found = f"py_json_query({value.sql}, {path}, '{wrapper}', '{quotes}', '{empty}', '{wrong}')"
        kind = c.type_of(extra["returning"]) if "returning" in extra else k.VARCHAR
        return cast(Value(found, k.VARCHAR), kind, zone=c.zone)
    return _json_value(c, node, value, path)


def passed(c: Any, passing: Any) -> str:
    """The variables of a path as one JSON object; '' for none."""
    if not passing:
        return "''"
    pairs = []
    for name, item, is_json in passing:
        value = c.expression(item)
        body = value.sql if is_json else cast(value, k.JSON).sql
        pairs.append(f"{text(name)}, coalesce(CAST({body} AS JSON), CAST('null' AS JSON))")
    return f"CAST(json_object({', '.join(pairs)}) AS VARCHAR)"


def json_scalar(found: str, kind: k.Kind, zone: str, safe: bool) -> str:
    """The scalar whose text is *found*, as *kind*; numbers go through their own type, as in Trino."""
    if kind.name in k.INTEGERS:
        double = cast(Value(f"TRY_CAST({found} AS DOUBLE)", k.DOUBLE), kind, safe=safe).sql
        whole = cast(Value(found, k.VARCHAR), kind, safe=safe).sql
        is_double = f"regexp_full_match({found}, '-?[0-9]+[.eE][0-9.eE+-]*')"
        return f"CASE WHEN {is_double} THEN {double} ELSE {whole} END"
    if k.is_text(kind):
        shown = f"py_double_text(TRY_CAST({found} AS DOUBLE))"
        is_double = f"regexp_full_match({found}, '-?[0-9]+\\.[0-9]+(E-?[0-9]+)?')"
        found = f"CASE WHEN {is_double} THEN {shown} ELSE {found} END"
    return cast(Value(found, k.VARCHAR), kind, safe=safe, zone=zone).sql


def _json_value(c: Any, node: s.Call, value: Value, path: str) -> Value:
    extra = node.extra
    kind = c.type_of(extra["returning"]) if "returning" in extra else k.VARCHAR
    choices = []
    defaults: dict[str, str] = {}
    for when in ("on_empty", "on_error"):
        choice, default = extra.get(when, ("NULL", None))
        choices.append(choice)
        if choice == "DEFAULT":
            defaults[when] = coerce(c.expression(default), kind, c.zone).sql
    found = f"py_json_value({value.sql}, {path}, '{choices[0]}', '{choices[1]}')"
    made = json_scalar(f"({found}).v", kind, c.zone, safe=choices[1] != "ERROR")
    if not defaults:
        return Value(made, kind)
    on_empty, on_error = defaults.get("on_empty", "NULL"), defaults.get("on_error", "NULL")
    unread = f"WHEN ({found}).v IS NOT NULL AND {made} IS NULL THEN {on_error} "
    return Value(
        f"CASE WHEN ({found}).state = 1 THEN {on_empty} WHEN ({found}).state = 2 THEN {on_error}"
        f" {unread if choices[1] == 'DEFAULT' else ''}ELSE {made} END",
        kind,
    )


_JSON_MAKERS = ("json_array", "json_object", "json_query")


def json_make(c: Any, node: s.Call) -> Value:
    """json_array(…) and json_object(…)."""
    parts = []
    for index, item in enumerate(node.arguments):
        value = c.expression(item)
        is_key = node.name == "json_object" and index % 2 == 0
        if is_key:
            parts.append(value.sql)
        elif isinstance(item, s.Call) and item.name in _JSON_MAKERS:
            parts.append(f"coalesce(CAST({value.sql} AS JSON), CAST('null' AS JSON))")
        elif value.kind.name == "json" and getattr(item, "name", "") == "json_parse":
            parts.append(f"CAST({value.sql} AS JSON)")  # FORMAT JSON
        elif value.kind.items or value.kind.name == "json":
            message = f"Unsupported type of value passed to {node.name.upper()} function: {value.kind}"
            raise failure("NOT_SUPPORTED", message)
        elif value.kind.name == "unknown":
            parts.append("CAST('null' AS JSON)")
        else:
            parts.append(f"coalesce(CAST({cast(value, k.JSON).sql} AS JSON), CAST('null' AS JSON))")
    made = f"CAST({node.name}({', '.join(parts)}) AS VARCHAR)"
    keys = parts[::2] if node.name == "json_object" else []
    if len(set(keys)) < len(keys):
        raise failure("NOT_SUPPORTED", "cannot construct a JSON object with duplicate key")
    if any(not key.startswith("'") for key in keys) and len(keys) > 1:
        wrong = "py_fail('NOT_SUPPORTED', 'cannot construct a JSON object with duplicate key')"
        made = f"CASE WHEN len(list_distinct([{', '.join(keys)}])) < {len(keys)} THEN {wrong} ELSE {made} END"
    if node.extra.get("nulls") == "ABSENT":
        made = f"py_json_without_nulls({made})"
    return Value(made, k.VARCHAR)


# -- arrays and maps with lambdas


def _lambda(c: Any, node: s.Call, index: int) -> s.Lambda:
    item = node.arguments[index] if index < len(node.arguments) else None
    if not isinstance(item, s.Lambda):
        raise unexpected(node, [c.argument(one) for one in node.arguments])
    return item


def _array(c: Any, node: s.Call, index: int = 0) -> Value:
    value: Value = c.argument(node.arguments[index])
    if value.kind.name == "unknown":
        value = coerce(value, k.array(k.UNKNOWN))
    if value.kind.name != "array":
        raise unexpected(node, [c.argument(one) for one in node.arguments])
    return value


def _map(c: Any, node: s.Call, index: int = 0) -> Value:
    value: Value = c.argument(node.arguments[index])
    if value.kind.name != "map":
        raise unexpected(node, [c.argument(one) for one in node.arguments])
    return value


def array_sort(c: Any, node: s.Call) -> Value:
    array = _array(c, node)
    if len(node.arguments) == 1 and array.kind.item.name in ("map", "json"):
        raise unexpected(node, [array])
    if len(node.arguments) == 1:
        return Value(f"list_sort({array.sql}, 'ASC', 'NULLS LAST')", array.kind)
    names, body = c.lambda_body(_lambda(c, node, 1), [array.kind.item, array.kind.item])
    wrong = "CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'Lambda comparator must return either -1, 0, or 1') AS"
    result = coerce(body, k.BIGINT).sql
    body = Value(f"CASE WHEN {result} BETWEEN -1 AND 1 THEN {result} ELSE {wrong} BIGINT) END", k.BIGINT)
    # insertion by the comparator: each element goes behind the last one that is not greater
    place = c.fresh("n")
    before = f"list_filter(s_, lambda {names[0]}: ({_with(names[1], body.sql, 'x_')}) <= 0)"
    after = f"list_filter(s_, lambda {names[0]}: ({_with(names[1], body.sql, 'x_')}) > 0)"
    del place
    start = f"CAST([] AS {k.duck(array.kind)})"
    items = f"list_transform({array.sql}, lambda a_: [a_])"
    step = (
        f"lambda s_, y_: list_concat({before.replace('x_', 'y_[1]')}, list_concat(y_,"
        f" {after.replace('x_', 'y_[1]')}))"
    )
    return Value(
        f"CASE WHEN {array.sql} IS NULL THEN NULL ELSE list_reduce({items}, {step}, {start}) END", array.kind
    )


def _with(name: str, body: str, other: str) -> str:
    return re.sub(rf"\b{name}\b", other, body)


def reduce(c: Any, node: s.Call) -> Value:
    array = _array(c, node)
    if len(node.arguments) != 4:
        raise unexpected(node, _values(c, node, 0))
    start = c.expression(node.arguments[1])
    step, last = _lambda(c, node, 2), _lambda(c, node, 3)
    _, body = c.lambda_body(step, [start.kind, array.kind.item])
    kind = k.common(start.kind, body.kind)
    if kind is None:
        raise unexpected(node, [array, start, *(c.argument(item) for item in node.arguments[2:])])
    names, body = c.lambda_body(step, [kind, array.kind.item])
    function = f"lambda {', '.join(names)}: {coerce(body, kind, c.zone).sql}"
    reduced = f"list_reduce({array.sql}, {function}, CAST({coerce(start, kind).sql} AS {k.duck(kind)}))"
    _, result = c.lambda_body(last, [kind], [reduced])
    return Value(result.sql, result.kind)


def zip_(c: Any, node: s.Call) -> Value:
    arrays = [_array(c, node, index) for index in range(len(node.arguments))]
    if len(arrays) < 2:
        raise unexpected(node, arrays)
    kind = k.row(tuple(array.kind.item for array in arrays))
    parts = ", ".join(f"f{n} := {array.sql}[i_]" for n, array in enumerate(arrays, 1))
    longest = f"greatest({', '.join(f'len({array.sql})' for array in arrays)})"
    made = f"list_transform(range(1, {longest} + 1), lambda i_: struct_pack({parts}))"
    nulls = " OR ".join(f"{array.sql} IS NULL" for array in arrays)
    return Value(f"CASE WHEN {nulls} THEN NULL ELSE {made} END", k.array(kind))


def zip_with(c: Any, node: s.Call) -> Value:
    if len(node.arguments) != 3:
        raise unexpected(node, _values(c, node, 0))
    one, two = _array(c, node), _array(c, node, 1)
    index = c.fresh("i")
    _, body = c.lambda_body(
        _lambda(c, node, 2), [one.kind.item, two.kind.item], [f"{one.sql}[{index}]", f"{two.sql}[{index}]"]
    )
    longest = f"greatest(len({one.sql}), len({two.sql}))"
    made = f"list_transform(range(1, {longest} + 1), lambda {index}: {body.sql})"
    return Value(
        f"CASE WHEN {one.sql} IS NULL OR {two.sql} IS NULL THEN NULL ELSE {made} END", k.array(body.kind)
    )


def _entries(c: Any, value: Value) -> tuple[str, list[str]]:
    """The map's entries as a list, a name for one of them, and the texts of its key and value."""
    entry = c.fresh("e")
    return entry, [f"{entry}.key", f"{entry}.value"]


def map_filter(c: Any, node: s.Call) -> Value:
    value = _map(c, node)
    entry, given = _entries(c, value)
    _, body = c.lambda_body(_lambda(c, node, 1), list(value.kind.items), given)
    kept = f"list_filter(map_entries({value.sql}), lambda {entry}: {coerce(body, k.BOOLEAN).sql})"
    return Value(_from_entries(value, kept, "e_.key", "e_.value"), value.kind)


def transform_map(c: Any, node: s.Call) -> Value:
    """transform_keys and transform_values."""
    value = _map(c, node)
    entry, given = _entries(c, value)
    _, body = c.lambda_body(_lambda(c, node, 1), list(value.kind.items), given)
    made = f"list_transform(map_entries({value.sql}), lambda {entry}: {body.sql})"
    if node.name == "transform_keys":
        kind, both = k.map_of(body.kind, value.kind.items[1]), f"{made}, map_values({value.sql})"
    else:
        kind, both = k.map_of(value.kind.items[0], body.kind), f"map_keys({value.sql}), {made}"
    return Value(f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE map({both}) END", kind)


def _from_entries(value: Value, entries: str, key: str, item: str) -> str:
    keys = f"list_transform({entries}, lambda e_: {key})"
    items = f"list_transform({entries}, lambda e_: {item})"
    return f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE map({keys}, {items}) END"


def map_zip_with(c: Any, node: s.Call) -> Value:
    one, two = _map(c, node), _map(c, node, 1)
    key = k.common(one.kind.items[0], two.kind.items[0])
    if key is None:
        raise unexpected(node, [one, two])
    name = c.fresh("k")
    kinds = [key, one.kind.items[1], two.kind.items[1]]
    _, body = c.lambda_body(_lambda(c, node, 2), kinds, [name, f"{one.sql}[{name}]", f"{two.sql}[{name}]"])
    both = (
        f"list_concat(map_keys({one.sql}), list_filter(map_keys({two.sql}), lambda o_: NOT"
        f" map_contains({one.sql}, o_)))"
    )
    made = f"map({both}, list_transform({both}, lambda {name}: {body.sql}))"
    return Value(f"CASE WHEN {one.sql} IS NULL OR {two.sql} IS NULL THEN NULL ELSE {made} END",
                 k.map_of(key, body.kind))  # fmt: skip


def map_concat(c: Any, node: s.Call) -> Value:
    """Entries of the last map first, then those of the others that it lacks: Trino's order."""
    if len(node.arguments) < 2:
        raise unexpected(node, _values(c, node, 0))
    maps = [_map(c, node, index) for index in range(len(node.arguments))]
    if any(k.common(maps[0].kind, one.kind) is None for one in maps):
        raise unexpected(node, maps)
    maps, kind = c.common(maps, node.arguments, "")
    keys, values = f"map_keys({maps[-1].sql})", f"map_values({maps[-1].sql})"
    seen = [maps[-1].sql]
    for one in reversed(maps[:-1]):
        missing = " AND ".join(f"NOT map_contains({other}, e_.key)" for other in seen)
        rest = f"list_filter(map_entries({one.sql}), lambda e_: {missing})"
        keys = f"list_concat({keys}, list_transform({rest}, lambda e_: e_.key))"
        values = f"list_concat({values}, list_transform({rest}, lambda e_: e_.value))"
        seen.append(one.sql)
    nulls = " OR ".join(f"{one.sql} IS NULL" for one in maps)
    return Value(f"CASE WHEN {nulls} THEN NULL ELSE map({keys}, {values}) END", kind)


def combinations(c: Any, node: s.Call) -> Value:
    return _by_index(c, node, "py_combinations")


def ngrams(c: Any, node: s.Call) -> Value:
    return _by_index(c, node, "py_ngrams")


def _by_index(c: Any, node: s.Call, function: str) -> Value:
    """Python gives lists of positions, DuckDB puts the elements there: so every element type works."""
    array = _array(c, node)
    count = coerce(c.expression(node.arguments[1]), k.BIGINT)
    places = f"{function}(len({array.sql}), {count.sql})"
    made = f"list_transform({places}, lambda p_: list_transform(p_, lambda i_: {array.sql}[i_]))"
    return Value(f"CASE WHEN {array.sql} IS NULL THEN NULL ELSE {made} END", k.array(array.kind))


def hash_counts(c: Any, node: s.Call) -> Value:
    value = _values(c, node, 1, 1)[0]
    if value.kind.name != "unknown":
        raise failure("NOT_SUPPORTED", "hash_counts is not supported by the local account")
    return null()


SPECIAL = {
    "if": if_, "coalesce": coalesce, "nullif": nullif, "try": try_, "greatest": extreme, "least": extreme,
    "typeof": typeof, "fail": fail_, "floor": whole, "ceil": whole, "ceiling": whole, "round": round_,
    "truncate": truncate, "mod": mod, "substr": substr, "substring": substr, "replace": replace, "lpad": pad,
    "rpad": pad, "concat": concat, "concat_ws": concat_ws, "format": format_,
    "array_join": array_join, "regexp_like": regexp_like, "regexp_extract": regexp_extract,
    "regexp_extract_all": regexp_extract_all, "regexp_split": regexp_split, "regexp_replace": regexp_replace,
    "json_extract": json_path, "json_extract_scalar": json_path, "json_size": json_path,
    "json_exists": json_lax, "json_value": json_lax, "json_query": json_lax, "json_array": json_make,
    "json_object": json_make, "array_sort": array_sort, "reduce": reduce, "zip": zip_, "zip_with": zip_with,
    "map_filter": map_filter, "transform_keys": transform_map, "transform_values": transform_map,
    "map_zip_with": map_zip_with, "map_concat": map_concat, "combinations": combinations, "ngrams": ngrams,
    "hash_counts": hash_counts,
}  # fmt: skip
