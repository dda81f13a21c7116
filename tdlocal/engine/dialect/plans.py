"""What a translated statement asks the engine to do: one small class for each kind.

`sql` is always DuckDB text that this package printed itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from tdlocal.engine.types import Column

Name = tuple[str, str]  # database, table


@dataclass(frozen=True)
class Query:
    """A select. *inputs* are tables made by the kit that the text reads by name."""

    sql: str
    columns: tuple[Column, ...]
    inputs: dict[str, Callable[[], pa.Table]] = field(default_factory=dict)
    reads: tuple[Name, ...] = ()
    converters: tuple[Callable[[Any], Any] | None, ...] = ()


@dataclass(frozen=True)
class Rows:
    """An answer that needs no engine: SHOW, DESCRIBE, EXPLAIN, SET SESSION."""

    columns: tuple[Column, ...]
    rows: list[tuple[object, ...]]
    update_type: str | None = None


@dataclass(frozen=True)
class CreateTableAs:
    target: Name
    query: Query
    if_not_exists: bool = False
    replace: bool = False


@dataclass(frozen=True)
class CreateTable:
    target: Name
    columns: tuple[Column, ...]
    if_not_exists: bool = False
    replace: bool = False


@dataclass(frozen=True)
class Insert:
    target: Name
    names: tuple[str, ...]
    query: Query


@dataclass(frozen=True)
class Change:
    """DELETE, UPDATE, MERGE or TRUNCATE: one statement of the engine on one table."""

    target: Name
    sql: str
    update_type: str
    inputs: dict[str, Callable[[], pa.Table]] = field(default_factory=dict)


@dataclass(frozen=True)
class DropTable:
    target: Name
    if_exists: bool = False


@dataclass(frozen=True)
class RenameTable:
    target: Name
    new_name: Name
    if_exists: bool = False


@dataclass(frozen=True)
class AlterColumns:
    """ADD, RENAME or DROP COLUMN: *clause* is what follows ALTER TABLE name."""

    target: Name
    clause: str
    update_type: str
    if_exists: bool = False


@dataclass(frozen=True)
class CreateSchema:
    name: str
    if_not_exists: bool = False


@dataclass(frozen=True)
class DropSchema:
    name: str
    if_exists: bool = False
    cascade: bool = False


Plan = (
    Query | Rows | CreateTableAs | CreateTable | Insert | Change | DropTable | RenameTable | AlterColumns
    | CreateSchema | DropSchema
)  # fmt: skip
