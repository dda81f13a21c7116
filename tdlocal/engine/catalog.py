"""What databases, tables and columns there are, kept in memory so that a look costs nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tdlocal.engine.storage import database_name, from_duck, schema_name
from tdlocal.engine.types import Column, TableInfo

_HIDDEN = ("main", "information_schema", "pg_catalog")


class Catalog:
    """The tables of the open file. `load` reads them all once; writers call `refresh` after each change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._databases: dict[str, dict[str, TableInfo]] = {}
        self._counts: dict[tuple[str, str], tuple[TableInfo, int]] = {}
        self.version = 0  # grows with every change

    def load(self, cursor: Any, changes: Mapping[tuple[str, str], int]) -> None:
        """Read every schema and table of the file; *changes*: when contents changed after their making."""
        schemas = cursor.execute(
            "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database()"
        ).fetchall()
        found: dict[str, dict[str, TableInfo]] = {
            database_name(name): {} for (name,) in schemas if name not in _HIDDEN
        }
        comments = cursor.execute(
            "SELECT schema_name, table_name, comment FROM duckdb_tables()"
            " WHERE database_name = current_database()"
        ).fetchall()
        columns: dict[tuple[str, str], list[Column]] = {(schema, table): [] for schema, table, _ in comments}
        for schema, table, name, kind in cursor.execute(
            "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()"
            " WHERE database_name = current_database() ORDER BY schema_name, table_name, column_index"
        ).fetchall():
            if (schema, table) in columns:
                columns[schema, table].append(Column(name, from_duck(kind)))
        for schema, table, comment in comments:
            database = database_name(schema)
            if schema not in _HIDDEN and database in found:
                born = int(comment) if comment and comment.isdigit() else int(time.time())
                changed = max(born, changes.get((database, table), born))
                found[database][table] = TableInfo(
                    database, table, tuple(columns[schema, table]), 0, 0, born, changed
                )
        with self._lock:
            self._databases = found
            self.version += 1

    def databases(self) -> list[str]:
        with self._lock:
            return sorted(self._databases)

    def has_database(self, name: str) -> bool:
        return name in self._databases

    def tables(self, database: str) -> list[TableInfo]:
        with self._lock:
            return sorted(self._databases.get(database, {}).values(), key=lambda table: table.name)

    def table(self, database: str, name: str) -> TableInfo | None:
        return self._databases.get(database, {}).get(name)

    def count(self, table: TableInfo) -> int | None:
        """The rows that were counted in this very state of the table, None when nobody has counted."""
        state, rows = self._counts.get((table.database, table.name), (None, 0))
        return rows if state is table else None

    def keep_count(self, table: TableInfo, rows: int) -> None:
        """Keep how many rows this state of the table has; every change makes a new state."""
        self._counts[table.database, table.name] = (table, rows)

    def add_database(self, name: str) -> None:
        with self._lock:
            self._databases.setdefault(name, {})
            self.version += 1

    def drop_database(self, name: str) -> None:
        with self._lock:
            self._databases.pop(name, None)
            self.version += 1

    def refresh(self, cursor: Any, database: str, name: str, born: int | None = None) -> None:
        """Read one table again after it was created (at *born*), dropped, altered or renamed."""
        rows = cursor.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = current_database()"
            " AND schema_name = ? AND table_name = ? ORDER BY column_index",
            [schema_name(database), name],
        ).fetchall()
        self.put(database, name, tuple(Column(column, from_duck(kind)) for column, kind in rows), born)

    def put(
        self,
        database: str,
        name: str,
        columns: tuple[Column, ...],
        born: int | None = None,
        rows: int | None = None,
        changed: int | None = None,
    ) -> None:
        """Say that the table now has *columns*, and *rows* where they are known; no columns: it is gone.

        Args:
            born: when it was made; None for one that is there.
            changed: when its contents changed last, if that was later.
        """
        with self._lock:
            tables = self._databases.setdefault(database, {})
            old = tables.get(name)
            self.version += 1
            if not columns:
                tables.pop(name, None)
                self._counts.pop((database, name), None)
                return
            created = born or (old.created_at if old else int(time.time()))
            updated = changed or born or (old.updated_at if old else created)
            tables[name] = TableInfo(database, name, columns, 0, 0, created, updated)
            if rows is not None:
                self.keep_count(tables[name], rows)

    def touch(self, database: str, name: str, moment: int) -> None:
        """Say that the contents of the table changed."""
        with self._lock:
            table = self._databases.get(database, {}).get(name)
            if table is not None:
                updated = max(moment, table.updated_at)
                self._databases[database][name] = replace(table, updated_at=updated)
