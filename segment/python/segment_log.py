"""What was done to each parent segment and segment: va_config_<sub>.segment_logs, append-only.

Columns   session_unixtime bigint; run_id, workflow, name, segment_type, audience_id, segment_id,
          action (created, updated, unchanged, refreshed, failed), status (success, failure),
          message varchar; population bigint; logged_at varchar, UTC
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from common.python import treasure

COLUMNS = {
    "session_unixtime": "bigint",
    "run_id": "varchar",
    "workflow": "varchar",
    "name": "varchar",
    "segment_type": "varchar",
    "audience_id": "varchar",
    "segment_id": "varchar",
    "action": "varchar",
    "status": "varchar",
    "message": "varchar",
    "population": "bigint",
    "logged_at": "varchar",
}


def append(sub: str, session: int, run_id: str, workflow: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append *rows* (name, action, and what else is known); a message makes the row a failure."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    common = {"session_unixtime": session, "run_id": run_id, "workflow": workflow, "logged_at": now}
    whole = [{"status": "failure" if row.get("message") else "success", **common, **row} for row in rows]
    database = f"va_config_{sub}"
    treasure.create_database(database)
    treasure.insert_rows(database, "segment_logs", COLUMNS, whole)


def prepare(sub: str) -> None:
    """Make the log where it is not there, so that parallel tasks need not."""
    treasure.create_database(f"va_config_{sub}")
    treasure.insert_rows(f"va_config_{sub}", "segment_logs", COLUMNS, [])
