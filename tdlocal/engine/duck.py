"""The engine on DuckDB: one process, one file, a cursor for every job, databases as schemas."""

from __future__ import annotations

import random
import shutil
import tempfile
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from tdlocal.engine import spool
from tdlocal.engine.catalog import Catalog
from tdlocal.engine.dialect import Dialect, plans
from tdlocal.engine.failures import failure, translated, worth_a_retry
from tdlocal.engine.functions.registry import register
from tdlocal.engine.locks import NamedLocks
from tdlocal.engine.storage import CATALOG, full_name, quote, schema_name, to_duck
from tdlocal.engine.types import Answer, Column, EngineError, TableInfo
from tdlocal.engine.watch import Watch

T = TypeVar("T")
CHECKPOINT_BYTES = 64 * 1024 * 1024  # a WAL over this is folded in as soon as no job runs
CHECKPOINT_PATIENCE = 2.0  # seconds that new jobs may be held for it
TRIES = 30
_LOCKED_DOWN = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
}
_SETTINGS = (
    "SET GLOBAL TimeZone = 'UTC'",
    "SET GLOBAL ieee_floating_point_ops = true",
    "SET GLOBAL python_enable_replacements = false",
    # trying it on every text column takes half the time of writing a table
    "SET GLOBAL disabled_compression_methods = 'dict_fsst'",
    "SET GLOBAL lock_configuration = true",
)


class DuckDBEngine:
    """Implements `tdlocal.engine.types.Engine` on DuckDB. Build it with `tdlocal.engine.open_engine`."""

    def __init__(
        self, path: Path | None, *, memory_limit: str, threads: int | None, folder: Path | None
    ) -> None:
        self._path, self._folder, self._folder_is_its_own = path, spool_folder(folder), folder is None
        if self._folder_is_its_own:  # for an engine that nobody closes
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        spill = str(self._folder / "spill")
        self._config: dict[str, Any] = {**_LOCKED_DOWN, "memory_limit": memory_limit, "temp_directory": spill}
        if threads:
            self._config["threads"] = str(threads)
        self.catalog = Catalog()
        self._dialect = Dialect(self.catalog)
        self._locks, self._watch = NamedLocks(), Watch()
        self._gate = threading.Condition()
        self._running, self._closed_gate = 0, False
        self._reopening = threading.Lock()
        self._step = threading.local()  # what this thread's transaction notes as done
        self._open()

    # -- the file

    def _open(self) -> None:
        target = ":memory:" if self._path is None else str(self._path)
        try:
            self._connection = duckdb.connect(target, config=self._config)
        except duckdb.Error as error:
            raise failure("GENERIC_INTERNAL_ERROR", f"cannot open {target}: {error}") from error
        for setting in _SETTINGS:
            self._connection.execute(setting)
        register(self._connection)
        self._home = self._connection.execute("SELECT current_database()").fetchall()[0][0]
        self._dialect.home = self._home
        self._connection.execute(f"CREATE TABLE IF NOT EXISTS {self._steps} (job BIGINT, step BIGINT)")
        if self._path is not None:
            self._connection.execute("CHECKPOINT")  # the WAL of a crash is replayed, but not folded in
        self.catalog.load(self._connection, self._noted_changes())

    def _noted_changes(self) -> dict[plans.Name, int]:
        """When the contents of tables changed after they were made; one note of each is kept."""
        self._connection.execute(
            f"CREATE TABLE IF NOT EXISTS {self._changes} (database VARCHAR, name VARCHAR, moment BIGINT)"
        )
        self._connection.execute(
            f"CREATE OR REPLACE TABLE {self._changes} AS"
            f" SELECT database, name, max(moment) AS moment FROM {self._changes} GROUP BY ALL"
        )
        rows = self._connection.execute(f"FROM {self._changes}").fetchall()
        found = {(database, name): moment for database, name, moment in rows}
        self._with_notes = set(found)
        return found

    def _reopen(self, broken: Any) -> None:
        """Open the file again after a fatal error; jobs on the old connection fail."""
        with self._reopening:
            if self._connection is not broken or self._path is None:
                return
            try:
                broken.close()
            except duckdb.Error:
                return
            self._open()

    def close(self) -> None:
        """Stop the jobs, fold the WAL in and give the file back."""
        self._watch.stop()
        with self._gate:
            self._gate.wait_for(lambda: self._running == 0, timeout=5)
        self._connection.close()
        if self._folder_is_its_own:
            shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def _job(self, cancelled: threading.Event | None = None) -> Iterator[Any]:
        """A cursor of its own, interrupted when *cancelled* is set; errors leave as EngineError."""
        with self._gate:
            self._gate.wait_for(lambda: not self._closed_gate)
            self._running += 1
        parent = self._connection
        try:
            cursor = parent.cursor()
            try:
                with self._watch.over(cursor, cancelled):
                    yield cursor
            finally:
                cursor.close()
        except duckdb.FatalException as error:
            self._reopen(parent)
            raise translated(error) from error
        except duckdb.Error as error:
            raise translated(error) from error
        finally:
            with self._gate:
                self._running -= 1
                self._gate.notify_all()
            self._fold_wal()

    def _fold_wal(self) -> None:
        """CHECKPOINT when the WAL has grown and every running job has ended soon enough."""
        if self._path is None:
            return
        try:
            size = Path(f"{self._path}.wal").stat().st_size
        except OSError:
            return
        if size < CHECKPOINT_BYTES:
            return
        with self._gate:
            if self._closed_gate:
                return
            self._closed_gate = True
            quiet = self._gate.wait_for(lambda: self._running == 0, timeout=CHECKPOINT_PATIENCE)
        try:
            if quiet:
                self._connection.cursor().execute("CHECKPOINT")
        except duckdb.Error:
            return  # the next job tries again
        finally:
            with self._gate:
                self._closed_gate = False
                self._gate.notify_all()

    def _transaction(
        self,
        cursor: Any,
        work: Callable[[], T],
        cancelled: threading.Event | None = None,
        changes: plans.Name | None = None,
        apart: int = 0,
    ) -> T:
        """Run *work* in one transaction, again from its start when another one was in the way.

        Args:
            cursor: for this transaction.
            work: its statements; says how many rows it changed, or nothing.
            cancelled: stops it.
            changes: the table whose contents it changes, which is noted in the same transaction.
            apart: seconds between this change and the one before, whatever the clock says.
        """
        step = getattr(self._step, "now", None)
        old = self.catalog.table(*changes) if changes else None
        moment = max(int(time.time()), old.updated_at + apart if old else 0)
        for attempt in range(TRIES):
            cursor.execute("BEGIN")
            try:
                result = work()
                if step is not None:
                    cursor.execute(f"INSERT INTO {self._steps} VALUES (?, ?)", step)
                if changes and result != 0:
                    cursor.execute(f"INSERT INTO {self._changes} VALUES (?, ?, ?)", [*changes, moment])
                cursor.execute("COMMIT")
                if changes and result != 0:
                    self._with_notes.add(changes)
                    self.catalog.touch(*changes, moment)
                return result
            except BaseException as error:
                with _swallowed():
                    cursor.execute("ROLLBACK")
                stop = cancelled is not None and cancelled.is_set()
                if stop or not isinstance(error, duckdb.Error) or not worth_a_retry(error):
                    raise
                if attempt == TRIES - 1:
                    raise
                time.sleep(random.uniform(0.001, 0.005) * (attempt + 1))
        raise AssertionError("unreachable")

    # -- SQL

    def run(
        self,
        sql: str,
        *,
        database: str,
        scheduled_time: int,
        time_zone: str = "UTC",
        strict: bool = True,
        cancelled: threading.Event | None = None,
        prepared: Mapping[str, str] | None = None,
        job: int | None = None,
        first: int = 0,
    ) -> Answer:
        """Run every statement of *sql* (Trino SQL, `;` between) and answer with the last one's rows.

        *prepared* holds the texts that EXECUTE name means. Raises EngineError; statements before the
        failing one stay done, as on Treasure Data. What a statement writes is noted with it under the number
        of its *job*, see `taken_steps`; statements before number *first* are not run.
        """
        answer: Answer | None = spool.Listed((), [], "NOTHING LEFT") if first else None
        for number, statement in enumerate(self._dialect.statements(sql)):
            if number < first:
                continue
            if answer is not None:
                answer.close()
            self._step.now = None if job is None else [job, number]
            try:
                answer = self._run_one(
                    statement, database, scheduled_time, time_zone, strict, cancelled, prepared
                )
            finally:
                self._step.now = None
        if answer is None:
            raise failure("SYNTAX_ERROR", "SQL statement is empty")
        return answer

    def taken_steps(self) -> dict[int, int]:
        """How many statements of each job are done, up to the last that wrote; forgotten with the answer."""
        with self._job() as cursor:
            rows = cursor.execute(f"SELECT job, max(step) + 1 FROM {self._steps} GROUP BY job").fetchall()
            if rows:
                self._transaction(cursor, lambda: cursor.execute(f"DELETE FROM {self._steps}"))
        return dict(rows)

    def _run_one(
        self,
        statement: Any,
        database: str,
        scheduled_time: int,
        time_zone: str,
        strict: bool,
        cancelled: threading.Event | None,
        prepared: Mapping[str, str] | None,
    ) -> Answer:
        if cancelled is not None and cancelled.is_set():
            raise failure("USER_CANCELED", "Query was canceled")
        with self._job(cancelled) as cursor:
            for attempt in range(3):
                plan = self._dialect.plan(
                    statement, database=database, scheduled_time=scheduled_time, time_zone=time_zone,
                    strict=strict, prepared=prepared,
                )  # fmt: skip
                try:
                    return self._perform(plan, cursor, cancelled)
                except (duckdb.CatalogException, duckdb.BinderException):
                    # a table changed its shape between translation and start: look again
                    if attempt == 2:
                        raise
            raise AssertionError("unreachable")

    def _perform(self, plan: plans.Plan, cursor: Any, cancelled: threading.Event | None) -> Answer:
        if isinstance(plan, plans.Rows):
            return spool.Listed(plan.columns, plan.rows, plan.update_type)
        if isinstance(plan, plans.Query):
            return self._select(plan, cursor)
        if isinstance(plan, plans.CreateTableAs):
            return self._create_as(plan, cursor, cancelled)
        if isinstance(plan, plans.Insert):
            return self._insert(plan, cursor, cancelled)
        if isinstance(plan, plans.Change):
            return self._change(plan, cursor, cancelled)
        return self._define(plan, cursor)

    def _select(self, plan: plans.Query, cursor: Any) -> Answer:
        self._register(cursor, plan)
        reader = _streamed(cursor, plan.sql)
        return spool.spool(plan.columns, reader, self._folder / "answers", plan.converters)

    @staticmethod
    def _register(cursor: Any, plan: plans.Query | plans.Change) -> None:
        for name, make in plan.inputs.items():
            cursor.register(name, make())

    def _create_as(self, plan: plans.CreateTableAs, cursor: Any, cancelled: threading.Event | None) -> Answer:
        database, name = plan.target
        self._register(cursor, plan.query)
        with self._locks.hold([f"{database}.{name}"]):
            there = self.catalog.table(database, name) is not None
            if there and plan.if_not_exists:
                return _counted_rows("CREATE TABLE", 0)
            if there and not plan.replace:
                raise failure("TABLE_ALREADY_EXISTS", f"Table '{self._full(plan.target)}' already exists")
            born = int(time.time())
            verb = "CREATE OR REPLACE TABLE" if plan.replace else "CREATE TABLE"

            def work() -> int:
                self._forget_changes(cursor, plan.target)
                rows = cursor.execute(f"{verb} {self._at(plan.target)} AS {plan.query.sql}").fetchall()
                cursor.execute(f"COMMENT ON TABLE {self._at(plan.target)} IS '{born}'")
                return int(rows[0][0])

            count = self._transaction(cursor, work, cancelled)
            self.catalog.put(database, name, plan.query.columns, born, count)
        return _counted_rows("CREATE TABLE", count)

    def _insert(self, plan: plans.Insert, cursor: Any, cancelled: threading.Event | None) -> Answer:
        database, name = plan.target
        self._register(cursor, plan.query)
        with self._locks.hold(shared=[f"{database}.{name}"]):
            self._existing(database, name)
            names = ", ".join(quote(column) for column in plan.names)
            text = f"INSERT INTO {self._at(plan.target)} ({names}) {plan.query.sql}"
            count = self._transaction(cursor, lambda: _count(cursor, text), cancelled, (database, name))
        return _counted_rows("INSERT", count)

    def _change(self, plan: plans.Change, cursor: Any, cancelled: threading.Event | None) -> Answer:
        database, name = plan.target
        self._register(cursor, plan)
        with self._locks.hold([f"{database}.{name}"]):
            # the number of rows may stay, so the moment has to move
            count = self._transaction(
                cursor, lambda: _count(cursor, plan.sql), cancelled, (database, name), apart=1
            )
        return _counted_rows(plan.update_type, count)

    def _define(self, plan: plans.Plan, cursor: Any) -> Answer:
        """The statements that change names and shapes, not rows."""
        if isinstance(plan, plans.CreateSchema):
            if not (plan.if_not_exists and self.catalog.has_database(plan.name)):
                self._create_database(cursor, plan.name)
            return spool.Listed((), [], "CREATE SCHEMA")
        if isinstance(plan, plans.DropSchema):
            if not (plan.if_exists and not self.catalog.has_database(plan.name)):
                self._drop_database(cursor, plan.name, plan.cascade)
            return spool.Listed((), [], "DROP SCHEMA")
        if isinstance(plan, plans.CreateTable):
            self._create_table(cursor, plan)
            return spool.Listed((), [], "CREATE TABLE")
        if isinstance(plan, plans.DropTable):
            self._drop_table(cursor, plan)
            return spool.Listed((), [], "DROP TABLE")
        if isinstance(plan, plans.RenameTable):
            if not (plan.if_exists and self.catalog.table(*plan.target) is None):
                self._rename(cursor, plan.target, plan.new_name, overwrite=False)
            return spool.Listed((), [], "RENAME TABLE")
        assert isinstance(plan, plans.AlterColumns)
        self._alter(cursor, plan)
        return spool.Listed((), [], plan.update_type)

    # -- databases

    def databases(self) -> list[str]:
        """Names in order."""
        return self.catalog.databases()

    def create_database(self, name: str) -> None:
        """Raises SCHEMA_ALREADY_EXISTS."""
        with self._job() as cursor:
            self._create_database(cursor, name)

    def _create_database(self, cursor: Any, name: str) -> None:
        with self._locks.hold([name]):
            if self.catalog.has_database(name):
                raise failure("SCHEMA_ALREADY_EXISTS", f"Schema '{CATALOG}.{name}' already exists")
            text = f"CREATE SCHEMA {self._schema(name)}"
            self._transaction(cursor, lambda: cursor.execute(text))
            self.catalog.add_database(name)

    def drop_database(self, name: str) -> None:
        """Drop the database with all its tables. Raises SCHEMA_NOT_FOUND."""
        with self._job() as cursor:
            self._drop_database(cursor, name, cascade=True)

    def _drop_database(self, cursor: Any, name: str, cascade: bool) -> None:
        tables = [f"{name}.{table.name}" for table in self.catalog.tables(name)]
        with self._locks.hold([name, *tables]):
            if not self.catalog.has_database(name):
                raise failure("SCHEMA_NOT_FOUND", f"Schema '{CATALOG}.{name}' does not exist")
            if self.catalog.tables(name) and not cascade:
                raise failure("SCHEMA_NOT_EMPTY", f"Cannot drop non-empty schema '{name}'")
            text = f"DROP SCHEMA {self._schema(name)} CASCADE"
            self._transaction(cursor, lambda: cursor.execute(text))
            self.catalog.drop_database(name)

    # -- tables

    def tables(self, database: str) -> list[TableInfo]:
        """The database's tables in the order of their names, with row counts."""
        with self._job() as cursor:
            return self._counted(cursor, self.catalog.tables(database))

    def table(self, database: str, name: str) -> TableInfo | None:
        """The table, or None when there is none."""
        found = self.catalog.table(database, name)
        if found is None:
            return None
        if self.catalog.count(found) is not None:
            return self._counted(None, [found])[0]
        with self._job() as cursor:
            return self._counted(cursor, [found])[0]

    def _counted(self, cursor: Any, tables: Sequence[TableInfo]) -> list[TableInfo]:
        """The tables with their rows, counted where they changed since the last time."""
        known = {table.name: self.catalog.count(table) for table in tables}
        unknown = [table for table in tables if known[table.name] is None]
        try:
            counts = self._counts(cursor, unknown)
        except duckdb.CatalogException:  # one of them was dropped meanwhile
            counts = [self._count_one(cursor, table) for table in unknown]
        for table, rows in zip(unknown, counts, strict=True):
            self.catalog.keep_count(table, rows)
            known[table.name] = rows
        return [
            replace(table, rows=rows, bytes=rows * 8 * max(len(table.columns), 1))
            for table, rows in ((table, known[table.name] or 0) for table in tables)
        ]

    def _counts(self, cursor: Any, tables: Sequence[TableInfo]) -> list[int]:
        if not tables:
            return []
        text = " UNION ALL ".join(
            f"SELECT {number} AS number, count(*) AS rows FROM {self._at((table.database, table.name))}"
            for number, table in enumerate(tables)
        )
        return [rows for _, rows in sorted(cursor.execute(text).fetchall())]

    def _count_one(self, cursor: Any, table: TableInfo) -> int:
        try:
            return self._counts(cursor, [table])[0]
        except duckdb.CatalogException:
            return 0

    def create_table(self, database: str, name: str, columns: Sequence[Column] = ()) -> None:
        """Create an empty table; it has `time` in any case. Raises TABLE_ALREADY_EXISTS, SCHEMA_NOT_FOUND."""
        with self._job() as cursor:
            self._create_table(cursor, plans.CreateTable((database, name), tuple(columns)))

    def _create_table(self, cursor: Any, plan: plans.CreateTable) -> None:
        database, name = plan.target
        if not self.catalog.has_database(database):
            raise failure("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist")
        columns = plan.columns
        if all(column.name != "time" for column in columns):
            columns = (*columns, Column("time", "bigint"))
        with self._locks.hold([f"{database}.{name}"]):
            there = self.catalog.table(database, name) is not None
            if there and plan.if_not_exists:
                return
            if there and not plan.replace:
                raise failure("TABLE_ALREADY_EXISTS", f"Table '{self._full(plan.target)}' already exists")
            born = int(time.time())
            body = ", ".join(f"{quote(column.name)} {to_duck(column.type)}" for column in columns)
            verb = "CREATE OR REPLACE TABLE" if plan.replace else "CREATE TABLE"

            def work() -> None:
                self._forget_changes(cursor, plan.target)
                cursor.execute(f"{verb} {self._at(plan.target)} ({body})")
                cursor.execute(f"COMMENT ON TABLE {self._at(plan.target)} IS '{born}'")

            self._transaction(cursor, work)
            self.catalog.refresh(cursor, database, name, born)

    def drop_table(self, database: str, name: str) -> None:
        """Raises TABLE_NOT_FOUND."""
        with self._job() as cursor:
            self._drop_table(cursor, plans.DropTable((database, name)))

    def _drop_table(self, cursor: Any, plan: plans.DropTable) -> None:
        database, name = plan.target
        with self._locks.hold([f"{database}.{name}"]):
            if self.catalog.table(database, name) is None:
                if plan.if_exists:
                    return
                raise failure("TABLE_NOT_FOUND", f"Table '{self._full(plan.target)}' does not exist")
            text = f"DROP TABLE {self._at(plan.target)}"
            self._transaction(cursor, lambda: cursor.execute(text))
            self.catalog.put(database, name, ())

    def rename_table(self, database: str, name: str, new_name: str, *, overwrite: bool = False) -> None:
        """Rename within the database; with *overwrite* the table of the new name is replaced at once."""
        with self._job() as cursor:
            self._rename(cursor, (database, name), (database, new_name), overwrite)

    def move_table(self, database: str, name: str, new_database: str) -> None:
        """Move the table to another database under the same name."""
        with self._job() as cursor:
            self._rename(cursor, (database, name), (new_database, name), overwrite=False)

    def _rename(self, cursor: Any, old: plans.Name, new: plans.Name, overwrite: bool) -> None:
        if not self.catalog.has_database(new[0]):
            raise failure("SCHEMA_NOT_FOUND", f"Schema '{new[0]}' does not exist")
        with self._locks.hold([f"{old[0]}.{old[1]}", f"{new[0]}.{new[1]}"]):
            table = self._existing(*old)
            if old == new:
                return
            replaced = self.catalog.table(*new) is not None
            if replaced and not overwrite:
                raise failure("TABLE_ALREADY_EXISTS", f"Table '{self._full(new)}' already exists")

            def work() -> None:
                if replaced:
                    cursor.execute(f"DROP TABLE {self._at(new)}")
                self._forget_changes(cursor, old, new)
                self._note_change(cursor, new, table)
                if old[0] == new[0]:
                    cursor.execute(f"ALTER TABLE {self._at(old)} RENAME TO {quote(new[1])}")
                    return
                # DuckDB has no move between schemas: copy and drop in one transaction
                cursor.execute(f"CREATE TABLE {self._at(new)} AS FROM {self._at(old)}")
                cursor.execute(f"COMMENT ON TABLE {self._at(new)} IS '{table.created_at}'")
                cursor.execute(f"DROP TABLE {self._at(old)}")

            self._transaction(cursor, work)
            count = self.catalog.count(table)
            self.catalog.put(*new, table.columns, table.created_at, count, table.updated_at)
            self.catalog.put(*old, ())

    def swap_tables(self, database: str, first: str, second: str) -> None:
        """Exchange the names of two tables in one transaction: no reader ever sees one of them missing."""
        with self._job() as cursor, self._locks.hold([f"{database}.{first}", f"{database}.{second}"]):
            one, two = self._existing(database, first), self._existing(database, second)
            if first == second:
                return
            aside = f"{first}-swap"

            def work() -> None:
                self._forget_changes(cursor, (database, first), (database, second))
                self._note_change(cursor, (database, first), two)
                self._note_change(cursor, (database, second), one)
                for source, target in ((first, aside), (second, first), (aside, second)):
                    cursor.execute(f"ALTER TABLE {self._at((database, source))} RENAME TO {quote(target)}")

            self._transaction(cursor, work)
            counts = self.catalog.count(one), self.catalog.count(two)
            self.catalog.put(database, first, two.columns, two.created_at, counts[1], two.updated_at)
            self.catalog.put(database, second, one.columns, one.created_at, counts[0], one.updated_at)

    def _forget_changes(self, cursor: Any, *names: plans.Name) -> None:
        """Within a transaction: what was noted under these names is of tables that have them no more."""
        for name in names:
            if name in self._with_notes:
                cursor.execute(f"DELETE FROM {self._changes} WHERE database = ? AND name = ?", list(name))

    def _note_change(self, cursor: Any, name: plans.Name, table: TableInfo) -> None:
        """Within a transaction: the contents of *table*, and when they changed, go on under this name."""
        if table.updated_at > table.created_at:
            cursor.execute(f"INSERT INTO {self._changes} VALUES (?, ?, ?)", [*name, table.updated_at])
            self._with_notes.add(name)

    def set_columns(self, database: str, name: str, columns: Sequence[Column]) -> None:
        """Give the table exactly these columns (and `time`); kept ones are cast, what does not fit is
        null."""
        wanted = {column.name: to_duck(column.type) for column in columns}
        wanted.setdefault("time", "BIGINT")
        with self._job() as cursor, self._locks.hold([f"{database}.{name}"]):
            table, at = self._existing(database, name), self._at((database, name))
            now = {column.name: to_duck(column.type) for column in table.columns}

            def work() -> None:
                for column, kind in wanted.items():
                    if column not in now:
                        cursor.execute(f"ALTER TABLE {at} ADD COLUMN {quote(column)} {kind}")
                    elif now[column] != kind:
                        cast = f"TRY_CAST({quote(column)} AS {kind})"
                        cursor.execute(f"ALTER TABLE {at} ALTER {quote(column)} TYPE {kind} USING {cast}")
                for column in now:
                    if column not in wanted:
                        cursor.execute(f"ALTER TABLE {at} DROP COLUMN {quote(column)}")

            self._transaction(cursor, work, changes=(database, name))
            self.catalog.refresh(cursor, database, name)

    def _alter(self, cursor: Any, plan: plans.AlterColumns) -> None:
        database, name = plan.target
        with self._locks.hold([f"{database}.{name}"]):
            if self.catalog.table(database, name) is None and plan.if_exists:
                return
            self._existing(database, name)
            text = f"ALTER TABLE {self._at(plan.target)} {plan.clause}"
            self._transaction(cursor, lambda: cursor.execute(text), changes=(database, name))
            self.catalog.refresh(cursor, database, name)

    # -- rows

    def append(self, database: str, name: str, rows: pa.Table, *, once: str = "") -> int:
        """Add Arrow rows by column name; columns that the table lacks are added to it first.

        Values that do not fit the table's type become null, fractions of a bigint column are cut off.
        With *once* the rows come in only the first time this key is seen; the key is kept in the same
        transaction.
        """
        with self._job() as cursor, self._locks.hold([f"{database}.{name}"]):
            table, at = self._existing(database, name), self._at((database, name))
            cursor.register("td-append", rows)
            kinds = {column.name: to_duck(column.type) for column in table.columns}
            given = {
                column: kind
                for column, kind, *_ in cursor.execute('DESCRIBE SELECT * FROM "td-append"').fetchall()
            }
            added = {column: _appended_type(kind) for column, kind in given.items() if column not in kinds}
            names = ", ".join(quote(column) for column in given)
            values = ", ".join(
                _fitted(quote(column), kind, kinds.get(column) or added[column])
                for column, kind in given.items()
            )

            def work() -> int:
                if once and not self._first_time(cursor, once):
                    return 0
                for column, kind in added.items():
                    cursor.execute(f"ALTER TABLE {at} ADD COLUMN {quote(column)} {kind}")
                return _count(cursor, f'INSERT INTO {at} ({names}) SELECT {values} FROM "td-append"')

            count = self._transaction(cursor, work, changes=(database, name))
            if added:
                self.catalog.refresh(cursor, database, name)
            return count

    def _first_time(self, cursor: Any, key: str) -> bool:
        """Note *key* in the current transaction; False when it was noted before."""
        keys = f'{quote(self._home)}.main."td-once"'
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {keys} (key VARCHAR)")
        if cursor.execute(f"SELECT 1 FROM {keys} WHERE key = ?", [key]).fetchall():
            return False
        cursor.execute(f"INSERT INTO {keys} VALUES (?)", [key])
        return True

    def delete_range(self, database: str, name: str, start: int, end: int) -> int:
        """Delete the rows with start <= time < end and say how many there were."""
        with self._job() as cursor, self._locks.hold([f"{database}.{name}"]):
            self._existing(database, name)
            text = f'DELETE FROM {self._at((database, name))} WHERE "time" >= {start:d} AND "time" < {end:d}'
            count = self._transaction(cursor, lambda: _count(cursor, text), changes=(database, name), apart=1)
            return count

    def tail(self, database: str, name: str, count: int) -> list[dict[str, Any]]:
        """The newest rows by `time`, newest first."""
        with self._job() as cursor:
            table = self._existing(database, name)
            at = self._at((database, name))
            rows = cursor.execute(f'SELECT * FROM {at} ORDER BY "time" DESC LIMIT {count:d}').fetchall()
            names = [column.name for column in table.columns]
            return [dict(zip(names, row, strict=True)) for row in rows]

    # -- names

    def _existing(self, database: str, name: str) -> TableInfo:
        found = self.catalog.table(database, name)
        if found is None:
            raise failure("TABLE_NOT_FOUND", f"Table '{self._full((database, name))}' does not exist")
        return found

    @property
    def _changes(self) -> str:
        return f'{quote(self._home)}.main."td-changes"'

    @property
    def _steps(self) -> str:
        return f'{quote(self._home)}.main."td-steps"'

    def _schema(self, database: str) -> str:
        return f"{quote(self._home)}.{quote(schema_name(database))}"

    def _at(self, name: plans.Name) -> str:
        return f"{self._schema(name[0])}.{quote(name[1])}"

    @staticmethod
    def _full(name: plans.Name) -> str:
        return full_name(*name)


def _counted_rows(update_type: str, count: int) -> Answer:
    return spool.Listed((Column("rows", "bigint"),), [(count,)], update_type, count)


def _count(cursor: Any, text: str) -> int:
    rows = cursor.execute(text).fetchall()
    return int(rows[0][0]) if rows else 0


def _streamed(cursor: Any, text: str) -> pa.RecordBatchReader:
    """The rows of a select as they come.

    DuckDB's public way binds the statement twice, once for a description that nobody reads here; a long one
    takes longer to bind than to run.
    """
    submit = getattr(cursor, "_submit", None)
    if submit is None:
        return cursor.sql(text).to_arrow_reader(spool.READ_ROWS)
    return submit(text, None, "stream", spool.READ_ROWS).arrow_reader()


def _appended_type(kind: str) -> str:
    """The column type that a new Arrow column of DuckDB type *kind* gets."""
    base = kind.upper()
    if base.endswith("[]"):
        return _appended_type(base[:-2]) + "[]"
    if base in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "BOOLEAN"):
        return "BIGINT"
    if base in ("FLOAT", "DOUBLE") or base.startswith("DECIMAL"):
        return "DOUBLE"
    return "VARCHAR"


def _fitted(value: str, given: str, wanted: str) -> str:
    if given.upper() == wanted:
        return value
    if wanted in ("BIGINT", "INTEGER") and given.upper() in ("DOUBLE", "FLOAT"):
        return f"TRY_CAST(trunc({value}) AS {wanted})"
    return f"TRY_CAST({value} AS {wanted})"


@contextmanager
def _swallowed() -> Iterator[None]:
    """After a failed COMMIT the transaction is gone already, and ROLLBACK says so."""
    try:
        yield
    except duckdb.Error:
        return


def spool_folder(folder: Path | None) -> Path:
    """Where large answers and spilled sorts go; None is one below the temporary folder that is made when it
    is needed. Answers that an earlier process left in *folder* are deleted.
    """
    if folder is None:
        return Path(tempfile.gettempdir()) / f"tdlocal-{uuid.uuid4().hex}"
    folder.mkdir(parents=True, exist_ok=True)
    for left_over in (folder / "answers").glob("*.arrow"):
        left_over.unlink(missing_ok=True)
    return folder


__all__ = ["DuckDBEngine", "EngineError"]
