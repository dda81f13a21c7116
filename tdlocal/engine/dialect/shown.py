"""An expression written out as Trino's messages write it: every operator in parentheses."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tdlocal.engine.dialect import syntax as s

_PLAIN = re.compile("[a-z_][a-z0-9_]*")
_CAPITALS = frozenset(["if", "coalesce", "nullif", "try"])  # no functions to Trino's parser


def shown(node: Any) -> str:
    """The text of *node*.

    >>> from tdlocal.engine.dialect.expressions import ExpressionParser
    >>> shown(ExpressionParser("x + 1.5 > 2 and Upper(y) like 'a%'").expression())
    "(((x + DECIMAL '1.5') > 2) AND (upper(y) LIKE 'a%'))"
    """
    return _FORMS[type(node)](node) if type(node) in _FORMS else "(...)"


def _list(nodes: Any) -> str:
    return ", ".join(map(shown, nodes))


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(part: str) -> str:
    return part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '""') + '"'


def _literal(node: s.Literal) -> str:
    if node.kind == "string":
        return _quoted(node.value)
    if node.kind == "decimal":
        return f"DECIMAL '{node.value}'"
    if node.kind == "double":
        return _double(node.value)
    if node.kind == "binary":
        return f"X'{node.value.hex().upper()}'"
    return {"null": "null", "boolean": str(node.value).lower()}.get(node.kind, str(node.value))


def _double(written: str) -> str:
    """1.5E0, 2E0: one digit in front of the point and none behind it that says nothing."""
    sign, digits, exponent = Decimal(written).normalize().as_tuple()
    body = "".join(map(str, digits))
    tail = f".{body[1:]}" if len(body) > 1 else ""
    return f"{'-' * sign}{body[0]}{tail}E{int(exponent) + len(body) - 1}"


def _type(node: s.TypeName) -> str:
    parts = [
        f"{argument[0] + ' ' if argument[0] else ''}{_type(argument[1])}"
        if isinstance(argument, tuple)
        else _type(argument)
        if isinstance(argument, s.TypeName)
        else str(argument)
        for argument in node.arguments
    ]
    return f"{node.name}({', '.join(parts)})" if parts else node.name


def _binary(node: s.Binary) -> str:
    left, right = shown(node.left), shown(node.right)
    return f"concat({left}, {right})" if node.operator == "||" else f"({left} {node.operator} {right})"


def _unary(node: s.Unary) -> str:
    if node.operator != "NOT":
        return f"{node.operator}({shown(node.value)})" if node.operator == "-" else f"+{shown(node.value)}"
    if isinstance(node.value, s.IsNull):
        return f"({shown(node.value.value)} IS NOT NULL)"
    return f"(NOT {shown(node.value)})"


def _like(node: s.Like) -> str:
    escape = f" ESCAPE {shown(node.escape)}" if node.escape is not None else ""
    return f"({shown(node.value)} LIKE {shown(node.pattern)}{escape})"


def _case(node: s.Case) -> str:
    operand = f"{shown(node.operand)} " if node.operand is not None else ""
    branches = " ".join(f"WHEN {shown(when)} THEN {shown(then)}" for when, then in node.branches)
    default = f" ELSE {shown(node.default)}" if node.default is not None else ""
    return f"(CASE {operand}{branches}{default} END)"


def _call(node: s.Call) -> str:
    name = node.name.upper() if node.name in _CAPITALS else _name(node.name)
    inside = "*" if node.star else ("DISTINCT " if node.distinct else "") + _list(node.arguments)
    if node.order_by:
        inside += f" ORDER BY {_sorted(node.order_by)}"
    text = f"{name}({inside})"
    if node.where is not None:
        text += f" FILTER (WHERE {shown(node.where)})"
    if node.nulls:
        text += f" {node.nulls} NULLS"
    if node.over is not None:
        text += f" OVER {_name(node.over) if isinstance(node.over, str) else _window(node.over)}"
    return text


def _sorted(items: list[s.SortItem]) -> str:
    return ", ".join(
        f"{shown(item.value)} {'DESC' if item.descending else 'ASC'}"
        + ("" if item.nulls_first is None else f" NULLS {'FIRST' if item.nulls_first else 'LAST'}")
        for item in items
    )


def _window(node: s.Window) -> str:
    parts = [_name(node.base)] if node.base else []
    if node.partition:
        parts.append(f"PARTITION BY {_list(node.partition)}")
    if node.order_by:
        parts.append(f"ORDER BY {_sorted(node.order_by)}")
    if node.frame is not None:
        start, end = node.frame.start, node.frame.end
        bounds = f"BETWEEN {_bound(start)} AND {_bound(end)}" if end is not None else _bound(start)
        parts.append(f"{node.frame.kind} {bounds}")
    return f"({' '.join(parts)})"


def _bound(bound: tuple[str, Any]) -> str:
    word, value = bound
    return word if value is None else f"{shown(value)} {word}"


def _interval(node: s.IntervalLiteral) -> str:
    until = f" TO {node.until}" if node.until else ""
    return f"INTERVAL {'-' if node.sign < 0 else ''}'{node.value}' {node.unit}{until}"


def _lambda(node: s.Lambda) -> str:
    return f"({', '.join(map(_name, node.parameters))}) -> {shown(node.body)}"


_FORMS: dict[type, Callable[[Any], str]] = {
    s.Literal: _literal,
    s.TypedLiteral: lambda node: f"{_type(node.type)} {_quoted(node.value)}",
    s.IntervalLiteral: _interval,
    s.CurrentTime: lambda node: node.name.upper() + (f"({node.precision})" if node.precision else ""),
    s.Parameter: lambda node: "?",
    s.Column: lambda node: ".".join(map(_name, node.parts)),
    s.Field: lambda node: f"{shown(node.base)}.{_name(node.name)}",
    s.Binary: _binary,
    s.Unary: _unary,
    s.Like: _like,
    s.Between: lambda node: f"({shown(node.value)} BETWEEN {shown(node.low)} AND {shown(node.high)})",
    s.InList: lambda node: f"({shown(node.value)} IN ({_list(node.items)}))",
    s.IsNull: lambda node: f"({shown(node.value)} IS NULL)",
    s.IsDistinct: lambda node: f"({shown(node.left)} IS DISTINCT FROM {shown(node.right)})",
    s.Case: _case,
    s.ArrayLiteral: lambda node: f"ARRAY[{','.join(map(shown, node.items))}]",
    s.RowLiteral: lambda node: f"ROW ({_list(node.items)})",
    s.Subscript: lambda node: f"{shown(node.base)}[{shown(node.index)}]",
    s.Cast: lambda node: f"{'TRY_' * node.safe}CAST({shown(node.value)} AS {_type(node.type)})",
    s.Extract: lambda node: f"EXTRACT({node.part.upper()} FROM {shown(node.value)})",
    s.AtZone: lambda node: f"{shown(node.value)} AT TIME ZONE {shown(node.zone)}",
    s.Call: _call,
    s.Lambda: _lambda,
}
