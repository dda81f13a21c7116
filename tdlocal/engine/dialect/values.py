"""A translated expression: its DuckDB text, its Trino type, and what is known of it beforehand."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from tdlocal.engine.dialect import kinds as k

NOT_CONSTANT: Any = object()
_UNSAFE = re.compile("([\0\ue000-\ue003])")  # NUL, and the marks that aggregates use


class Value:
    """*zone* is DuckDB text for the zone's name of a `timestamp with time zone`; *constant* a literal's
    value."""

    __slots__ = ("constant", "kind", "sql", "zone")

    def __init__(
        self, sql: str, kind: k.Kind, *, zone: str | None = None, constant: Any = NOT_CONSTANT
    ) -> None:
        self.sql, self.kind, self.constant = sql, kind, constant
        self.zone = zone or ("'UTC'" if kind.name == "timestamp with time zone" else None)

    @property
    def is_constant(self) -> bool:
        return self.constant is not NOT_CONSTANT

    def __repr__(self) -> str:
        return f"Value({self.sql}: {self.kind})"


def text(value: str) -> str:
    """*value* as a DuckDB string literal.

    >>> text("it's")
    "'it''s'"
    """
    if _UNSAFE.search(value):
        pieces = (
            f"chr({ord(piece)})" if _UNSAFE.match(piece) else text(piece) for piece in _UNSAFE.split(value)
        )
        return f"({' || '.join(pieces)})"
    return "'" + value.replace("'", "''") + "'"


def string(value: str) -> Value:
    return Value(text(value), k.Kind("varchar", (len(value),)), constant=value)


def integer(value: int) -> Value:
    if -(2**31) <= value < 2**31:
        return Value(str(value) if value >= 0 else f"({value})", k.INTEGER, constant=value)
    return Value(f"CAST({value} AS BIGINT)", k.BIGINT, constant=value)


def decimal(written: str) -> Value:
    """A decimal literal: `1.50` is decimal(3,2), `0.5` decimal(1,1).

    >>> decimal("1.50"), decimal(".5")
    (Value(CAST('1.50' AS DECIMAL(3,2)): decimal(3,2)), Value(CAST('.5' AS DECIMAL(1,1)): decimal(1,1)))
    """
    digits = written.lstrip("+-")
    whole, _, fraction = digits.partition(".")
    whole = whole.lstrip("0")
    precision = max(len(whole) + len(fraction), 1)
    kind = k.decimal(precision, len(fraction))
    return Value(f"CAST({text(written)} AS {k.duck(kind)})", kind, constant=Decimal(written))


def null() -> Value:
    return Value("NULL", k.UNKNOWN, constant=None)


def fail(name: str, message_sql: str, kind: k.Kind) -> str:
    """DuckDB text of type *kind* that raises Trino's error *name* when it is reached."""
    return f"CAST(py_fail({text(name)}, {message_sql}) AS {k.duck(kind)})"
