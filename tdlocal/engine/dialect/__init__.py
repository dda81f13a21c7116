"""Trino SQL in, plans with DuckDB SQL out."""

from __future__ import annotations

from tdlocal.engine.dialect.planner import Dialect

__all__ = ["Dialect"]
