"""Registers the Python functions with DuckDB. Their names begin with `py_`, so no SQL can mean another."""

from __future__ import annotations

from typing import Any

from tdlocal.engine import td_times
from tdlocal.engine.functions import agents

# name, function, argument types, result type
TABLE: list[tuple[str, Any, list[str], str]] = [
    ("py_time_parse", td_times.time_parse, ["VARCHAR", "VARCHAR"], "BIGINT"),
    ("py_time_format", td_times.time_format, ["BIGINT", "VARCHAR", "VARCHAR"], "VARCHAR"),
    ("py_time_string", td_times.time_string, ["BIGINT", "VARCHAR", "VARCHAR"], "VARCHAR"),
    ("py_date_trunc", td_times.date_trunc, ["VARCHAR", "BIGINT", "VARCHAR"], "BIGINT"),
    ("py_time_add", td_times.time_add, ["BIGINT", "VARCHAR"], "BIGINT"),
    ("py_parse_agent", agents.parse_agent, ["VARCHAR"], "MAP(VARCHAR, VARCHAR)"),
    ("py_parse_user_agent", agents.parse_user_agent, ["VARCHAR", "VARCHAR"], "VARCHAR"),
]


def register(connection: Any) -> None:
    """Make every function of TABLE known to all cursors of *connection*."""
    for name, function, arguments, result in TABLE:
        connection.create_function(name, function, arguments, result, null_handling="special")
