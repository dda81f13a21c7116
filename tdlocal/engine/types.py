"""What every engine gives and takes: columns, answers, errors. No SQL and no HTTP here."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """A column: its name and its type as Trino writes it (`bigint`, `array(varchar)`, …)."""

    name: str
    type: str


@dataclass(frozen=True)
class TableInfo:
    """A table as the catalog knows it; `columns` hold `time` too."""

    database: str
    name: str
    columns: tuple[Column, ...]
    rows: int
    bytes: int
    created_at: int
    updated_at: int


class EngineError(Exception):
    """A refused or failed statement, named as Trino names it.

    Args:
        name: Trino's errorName, e.g. `SYNTAX_ERROR`, `TABLE_NOT_FOUND`, `DIVISION_BY_ZERO`.
        message: what a person reads, e.g. "line 1:8: Column 'x' cannot be resolved".
        kind: Trino's errorType: USER_ERROR, INTERNAL_ERROR, INSUFFICIENT_RESOURCES or EXTERNAL.
        code: Trino's errorCode.
    """

    def __init__(self, name: str, message: str, kind: str = "USER_ERROR", code: int = 0) -> None:
        super().__init__(message)
        self.name, self.message, self.kind, self.code = name, message, kind, code


class Answer(Protocol):
    """The rows of the last statement, spooled: the engine holds nothing open for them."""

    @property
    def columns(self) -> Sequence[Column]: ...
    @property
    def row_count(self) -> int: ...
    @property
    def update_type(self) -> str | None: ...  # "CREATE TABLE", "INSERT", … as Trino says it; None for a query
    @property
    def update_count(self) -> int | None: ...

    def batches(self, size: int = 1000) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows in order, in lists of at most *size*, as Python values of the column's type."""
        ...

    def close(self) -> None:
        """Forget the rows and delete their spool file."""
        ...


class Engine(Protocol):
    """What the account asks of an engine. Every method may be called from any thread."""

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

        *prepared* holds the texts that EXECUTE name means. What a statement writes is noted with it under the
        number of its *job*; statements before number *first* are not run.
        Raises EngineError; statements before the failing one stay done, as on Treasure Data.
        """
        ...

    def taken_steps(self) -> dict[int, int]:
        """How many statements of each job are done, up to the last that wrote; forgotten with the answer."""
        ...

    def databases(self) -> list[str]: ...
    def create_database(self, name: str) -> None: ...
    def drop_database(self, name: str) -> None: ...
    def tables(self, database: str) -> list[TableInfo]: ...
    def table(self, database: str, name: str) -> TableInfo | None: ...
    def create_table(self, database: str, name: str, columns: Sequence[Column] = ()) -> None: ...
    def drop_table(self, database: str, name: str) -> None: ...
    def rename_table(self, database: str, name: str, new_name: str, *, overwrite: bool = False) -> None: ...
    def move_table(self, database: str, name: str, new_database: str) -> None: ...
    def swap_tables(self, database: str, first: str, second: str) -> None: ...
    def set_columns(self, database: str, name: str, columns: Sequence[Column]) -> None: ...
    def append(self, database: str, name: str, rows: pa.Table, *, once: str = "") -> int: ...
    def delete_range(self, database: str, name: str, start: int, end: int) -> int: ...
    def tail(self, database: str, name: str, count: int) -> list[dict[str, Any]]: ...
    def close(self) -> None: ...
