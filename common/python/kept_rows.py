"""Rows of the run log that the account would not take: kept in a file, brought in by the next run.

Reads     TD_OUTPUT_DIR, where a machine has a place for files
Writes    <TD_OUTPUT_DIR>/unlogged_failures.jsonl: one JSON object a row, with its database; the file is
          gone when all rows are in log_tbl

On Treasure Data a task has no place of its own: nothing is kept there, the failure mail and the
attempt's log tell alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from common.python import inputs, treasure
from common.python.errors import TaskError

NAME = "unlogged_failures.jsonl"
RUNNING = "where status = 'running'"
ENDED = "where status in ('success', 'failure')"
BEFORE = ("workflow", "session_unixtime", "session_time", "run_id")  # a start has these of its end
OURS = "log_tbl where workflow = {workflow} and session_unixtime = {session}"


def keep(log: str, row: Mapping[str, Any]) -> str | None:
    """Keep one failure row of *log*; return the file, None where there is no place for one.

    Its end is the machine's clock: the account's cannot be asked.
    """
    path = place()
    if path is None:
        return None
    now = datetime.now(timezone.utc)
    ended = {"end_time": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "logged_at": int(now.timestamp() * 1000)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"log": log, "row": {**row, **ended}}) + "\n")
    except OSError:
        return None
    return str(path)


def bring_in(log: str) -> int:
    """Write the kept rows of *log* to its log_tbl; return how many. They stay kept when that fails."""
    path = place()
    if path is None or not path.is_file():
        return 0
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    ours = [kept["row"] for line in lines if (kept := read(line)) and kept["log"] == log]
    if not ours:
        return 0
    key = hashlib.sha256(text.encode()).hexdigest()  # two tasks at once bring the rows in once
    try:
        treasure.run_query(log, ";\n".join(insert(row) for row in ours), rows=False, domain_key=key)
    except TaskError as refusal:
        print(f"{len(ours)} kept failures are not in log_tbl yet: {refusal.problem}")
        return 0
    others = [line for line in lines if (kept := read(line)) and kept["log"] != log]
    if others:
        path.write_text("\n".join(others) + "\n", encoding="utf-8")
    else:
        path.unlink(missing_ok=True)
    print(f"{len(ours)} failures of earlier runs brought into log_tbl from {path}")
    return len(ours)


def place() -> Path | None:
    """Return the file of the kept rows."""
    folder = os.environ.get("TD_OUTPUT_DIR")
    return Path(folder) / NAME if folder else None


def read(line: str) -> dict[str, Any] | None:
    """Return a kept row; None for a line that a full disk cut off.

    >>> read('{"log": "va"'), read('{"log": "va", "row": {}}')
    (None, {'log': 'va', 'row': {}})
    """
    try:
        kept = json.loads(line)
    except ValueError:
        return None
    return kept if isinstance(kept, dict) and {"log", "row"} <= kept.keys() else None


def sql_value(value: Any) -> str:
    """Return a literal of the value's own type.

    >>> sql_value(3), sql_value("it's"), sql_value(None)
    ('3', "'it''s'", 'null')
    """
    if value is None:
        return "null"
    if isinstance(value, float):
        return treasure.literal(value, "double")
    return str(value) if isinstance(value, int) else treasure.literal(value)


def insert(row: Mapping[str, Any]) -> str:
    """Return the insert of a kept row; start and attempt are those of its `running` row, if it has one.

    A workflow whose `running` row the account would not take either gets that one first.
    """
    end = treasure.literal(str(row["end_time"]))
    values = [sql_value(value) for value in row.values()]
    taken = {
        "attempt": f"coalesce(max(attempt) filter ({RUNNING}), count(*) + 1)",
        "start_time": f"coalesce(max_by(start_time, attempt) filter ({RUNNING}), {end})",
        "config_hash": "max_by(config_hash, attempt)",
    }
    ours = OURS.format(workflow=treasure.literal(str(row["workflow"])), session=int(row["session_unixtime"]))
    failure = (
        f"insert into log_tbl ({', '.join([*row, *taken])})\n"
        f"select {', '.join([*values, *taken.values()])}\nfrom {ours}"
    )
    return f"{started(row, ours)};\n{failure}" if row["workflow"] in inputs.STAGES else failure


def started(row: Mapping[str, Any], ours: str) -> str:
    """Return the insert of the `running` row that goes before a kept failure, where there is no open one."""
    known = {name: row[name] for name in BEFORE if name in row}
    begun = {"status": "running", "start_time": row["end_time"], "logged_at": int(row["logged_at"]) - 1}
    values = [sql_value(value) for value in {**known, **begun}.values()]
    return (
        f"insert into log_tbl ({', '.join([*known, *begun, 'attempt'])})\n"
        f"select {', '.join([*values, f'coalesce(max(attempt) filter ({RUNNING}), 0) + 1'])}\nfrom {ours}\n"
        f"having count(*) filter ({RUNNING}) <= count(*) filter ({ENDED})"
    )
