"""The functions that DuckDB lacks, and how values cross between it and Python."""

from __future__ import annotations

from tdlocal.engine.functions.registry import register
from tdlocal.engine.functions.values import converters, stored_value

__all__ = ["converters", "register", "stored_value"]
