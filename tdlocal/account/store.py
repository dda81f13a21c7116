"""The account's own facts (jobs, schedules, users, audiences, …) in one SQLite file.

Rows of people's tables live in the engine; what is about them lives here. A committed statement
survives `kill -9` (write-ahead log). One connection serves all threads, one statement at a time.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Arguments = Sequence[Any] | Mapping[str, Any]


class Store:
    """A SQLite file used from many threads.

    Args:
        path: the file, made when absent; None keeps everything in memory (tests).
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path, check_same_thread=False, isolation_level=None
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("pragma journal_mode=wal")
        self._connection.execute("pragma synchronous=normal")
        self._connection.execute("pragma foreign_keys=on")
        if path is not None:
            path.chmod(0o600)

    def execute(self, sql: str, args: Arguments = ()) -> sqlite3.Cursor:
        """Run one statement and return its cursor (`lastrowid`, `rowcount`).

        Outside a transaction it is committed when this returns.
        """
        with self._lock:
            return self._connection.execute(sql, args)

    def script(self, sql: str) -> None:
        """Run several statements without arguments, e.g. a noun's `create table if not exists`."""
        with self._lock:
            for statement in sql.split(";"):
                if statement.strip():
                    self._connection.execute(statement)

    def add_column(self, table: str, column: str, kind: str) -> None:
        """Add a column to a table of an older version, unless it is there."""
        with self._lock:
            present = [row["name"] for row in self._connection.execute(f"pragma table_info({table})")]
            if column not in present:
                self._connection.execute(f"alter table {table} add column {column} {kind}")

    def query(self, sql: str, args: Arguments = ()) -> list[dict[str, Any]]:
        """Return all rows of a select as dicts."""
        with self._lock:
            return [dict(row) for row in self._connection.execute(sql, args)]

    def one(self, sql: str, args: Arguments = ()) -> dict[str, Any] | None:
        """Return the first row of a select, or None."""
        with self._lock:
            row = self._connection.execute(sql, args).fetchone()
        return None if row is None else dict(row)

    @contextmanager
    def transaction(self) -> Iterator[Store]:
        """Hold the store for several statements; all of them happen or none. May be nested."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("begin immediate")
            self._depth += 1
            try:
                yield self
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("rollback")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("commit")

    def close(self) -> None:
        """Close the file; later calls fail."""
        with self._lock:
            self._connection.close()
