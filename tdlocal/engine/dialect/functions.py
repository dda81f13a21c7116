"""Every function there is, by kind. A name in none of them is a function that Trino does not have."""

from __future__ import annotations

from tdlocal.engine.dialect import aggregates, special, times, treasure, urls
from tdlocal.engine.dialect.scalars import SCALARS

SPECIAL = {**special.SPECIAL, **times.SPECIAL, **treasure.SPECIAL, **urls.SPECIAL}
AGGREGATES = aggregates.NAMES
WINDOWS = frozenset(aggregates.WINDOW_ONLY.names()) | {"td_sessionize_window"}

__all__ = ["AGGREGATES", "SCALARS", "SPECIAL", "WINDOWS", "every_name"]


def every_name() -> list[str]:
    """All function names, for SHOW FUNCTIONS and the coverage page."""
    return sorted({*SPECIAL, *SCALARS.names(), *AGGREGATES, *WINDOWS, "grouping"})
