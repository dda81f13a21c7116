"""How many rows each table had, run by run (va_config_<sub>.table_history); no query runs here."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from validation.python.findings import Finding

HISTORY_COLUMNS = {
    "table_name": "varchar",
    "row_count": "bigint",
    "last_time": "bigint",
    "verdict": "varchar",
    "run_id": "varchar",
    "session_unixtime": "bigint",
}
DAY = 86_400


def before(rows: Sequence[Mapping[str, Any]], table: str, session: int) -> list[tuple[int, int]]:
    """Return (session, rows) of a table's good runs before *session*, the oldest first, one a session.

    >>> row = {"table_name": "a", "row_count": 3, "verdict": "good", "session_unixtime": 1}
    >>> before([row, {**row, "session_unixtime": 2, "verdict": "stopped"}], "a", 5)
    [(1, 3)]
    """
    good = {
        int(row["session_unixtime"]): int(row["row_count"])
        for row in rows
        if row["table_name"] == table and row["verdict"] != "stopped" and row["session_unixtime"] < session
    }
    return sorted(good.items())


def size_finding(table: str, rows: int, earlier: Sequence[tuple[int, int]], allowed: float) -> Finding | None:
    """Return a finding when a table is much larger or smaller than at its last good run."""
    old = earlier[-1][1] if earlier else 0
    if not old or abs(rows - old) <= allowed * old:
        return None
    return Finding(
        "info",
        "ROW_COUNT",
        table,
        expected=f"about {old:,} rows, as at the last good run",
        actual=f"{rows:,} rows",
        finding_count=abs(rows - old),
        row_count=old,
        place="config/validation.yml",
        advice="see whether a load came twice, or not at all",
    )


def age_finding(table: str, last: int | None, days: float | None, session: int, place: str) -> Finding | None:
    """Return a finding when a table's newest row is older than *days* before the session.

    >>> age_finding("pageviews", 0, 7, 8 * DAY, "v.yml:3").actual
    'newest row of 1970-01-01, 8 days before the session'
    """
    if days is None or last is None or session - last <= days * DAY:
        return None
    day = datetime.datetime.fromtimestamp(last, datetime.timezone.utc).date()
    return Finding(
        "warning",
        "FRESHNESS",
        table,
        expected=f"rows of the last {days:g} days",
        actual=f"newest row of {day}, {(session - last) // DAY} days before the session",
        place=place,
        advice="see whether the source has stopped, or its load",
    )
