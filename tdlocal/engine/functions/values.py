"""Values on their way out (Arrow to Python) and on their way into tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tdlocal.engine.types import Column

Converter = Callable[[Any], Any]


def converters(columns: Sequence[Column]) -> list[Converter | None]:
    """For each column what makes its Arrow value the Python value of its type; None where it is one."""
    return [_converter(column.type) for column in columns]


def _converter(type_name: str) -> Converter | None:
    if type_name.startswith("map("):
        return dict
    return None


def stored_value(slot: str, type_name: str, wanted: str) -> str:
    """DuckDB text that turns *slot* (of Trino's type) into the stored DuckDB type."""
    if type_name.startswith("map("):
        return f"CAST(to_json({slot}) AS VARCHAR)"
    return f"CAST({slot} AS {wanted})"
