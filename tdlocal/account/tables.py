"""The tables of an account: what Treasure Data's table API can do to them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tdlocal.account.clock import now
from tdlocal.account.errors import AlreadyThere, NotThere, Refused
from tdlocal.account.locks import NameLocks
from tdlocal.account.values import table_type, trino_type
from tdlocal.engine.types import Column, TableInfo

if TYPE_CHECKING:
    import pyarrow as pa

    from tdlocal.account.account import Account

NAME = re.compile(r"[a-z0-9_]{1,255}")
HOUR = 3600
SETTINGS = ("expire_days", "include_v", "delete_protected")


@dataclass(frozen=True)
class Table:
    """A table and the settings that only the account knows."""

    id: int
    info: TableInfo
    expire_days: int | None
    include_v: bool
    delete_protected: bool
    keys: dict[str, str]  # of columns that records name otherwise than statements do

    @property
    def schema(self) -> list[list[str]]:
        """[[name in records, type, name in statements], …] in Treasure Data's type names, without `time`."""
        return [
            [self.keys.get(column.name, column.name), table_type(column.type), column.name]
            for column in self.info.columns
            if column.name != "time"
        ]


class Tables:
    """Create, show, change and delete tables."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._locks = NameLocks()
        account.store.script(
            "create table if not exists tables (id integer primary key, database text not null, "
            "name text not null, expire_days integer, include_v integer not null default 1, "
            "delete_protected integer not null default 0, unique (database, name))"
        )
        account.store.add_column("tables", "keys", "text not null default '{}'")

    def all(self, database: str) -> list[Table]:
        """All tables of a database by name; NotThere when there is no such database."""
        self._account.databases.check(database)
        rows = self._account.store.query("select * from tables where database = ?", [database])
        known = {row["name"]: row for row in rows}
        infos = sorted(self._account.engine.tables(database), key=lambda info: info.name)
        with self._account.store.transaction() if len(known) < len(infos) else nullcontext():
            return [self._described(info, known.get(info.name)) for info in infos]

    def show(self, database: str, name: str) -> Table:
        """One table; NotThere when it or its database does not exist."""
        info = self.info(database, name)
        row = self._account.store.one(
            "select * from tables where database = ? and name = ?", [database, name]
        )
        return self._described(info, row)

    def info(self, database: str, name: str) -> TableInfo:
        """What the engine knows of a table; NotThere when it or its database does not exist."""
        self._account.databases.check(database)
        info = self._account.engine.table(database, name)
        if info is None:
            raise NotThere(f"Table '{database}.{name}' does not exist")
        return info

    def create(self, database: str, name: str, columns: Sequence[Column] = ()) -> None:
        """Make an empty table (with `time`); AlreadyThere, NotThere or Refused for a bad name."""
        self._account.databases.check(database)
        check_name(name)
        with self._locks.held((database, name)):
            if self._account.engine.table(database, name) is not None:
                raise AlreadyThere(f"Table '{database}.{name}' already exists")
            self._account.engine.create_table(database, name, columns)
            self._forget(database, name)

    def delete(self, database: str, name: str) -> None:
        """Delete a table; NotThere when there is none, Refused when it is protected."""
        with self._locks.held((database, name)):
            if self.show(database, name).delete_protected:
                raise Refused(f"Table '{database}.{name}' is protected from deletion")
            self._account.engine.drop_table(database, name)
            self._forget(database, name)

    def swap(self, database: str, first: str, second: str) -> None:
        """Exchange the names of two tables at once; readers see either state, never a mixture."""
        with self._locks.held((database, first), (database, second)):
            self.info(database, first)
            self.info(database, second)
            if first != second:
                self._account.engine.swap_tables(database, first, second)
                keys = [self.keys(database, name) for name in (first, second)]
                self._set_keys(database, first, keys[1])
                self._set_keys(database, second, keys[0])

    def rename(self, database: str, name: str, new_name: str, *, overwrite: bool = False) -> None:
        """Give a table another name, over an existing one only when *overwrite* is set."""
        check_name(new_name)
        with self._locks.held((database, name), (database, new_name)):
            self.info(database, name)
            if name == new_name:
                return
            if not overwrite and self._account.engine.table(database, new_name) is not None:
                raise AlreadyThere(f"Table '{database}.{new_name}' already exists")
            self._account.engine.rename_table(database, name, new_name, overwrite=overwrite)
            self._follow(database, name, database, new_name)

    def move(self, database: str, name: str, new_database: str) -> None:
        """Move a table to another database under its name."""
        self._account.databases.check(new_database)
        with self._locks.held((database, name), (new_database, name)):
            self.info(database, name)
            if database == new_database:
                return
            if self._account.engine.table(new_database, name) is not None:
                raise AlreadyThere(f"Table '{new_database}.{name}' already exists")
            self._account.engine.move_table(database, name, new_database)
            self._follow(database, name, new_database, name)

    def set_schema(self, database: str, name: str, schema: Any, *, keep: bool = False) -> None:
        """Give a table the columns of *schema*: [[name, type], …] or [[name, type, key], …].

        Args:
            database: its database.
            name: its name.
            schema: list of lists, in Treasure Data's type names; `time` is always there. A third name is what
                statements call the column that records call by the first.
            keep: columns that *schema* does not name stay (append-schema).
        """
        wanted, keys = read_schema(schema)
        with self._locks.held((database, name)):
            self._rename_columns(database, name, keys)
            present = self.info(database, name).columns
            if keep:
                named = {column.name for column in wanted}
                wanted = [column for column in present if column.name not in named] + wanted
            if not any(column.name == "time" for column in wanted):
                wanted = [*wanted, Column("time", "bigint")]
            self._account.engine.set_columns(database, name, wanted)
            before = self.keys(database, name) if keep else {}
            self._set_keys(database, name, before | keys)

    def keys(self, database: str, name: str) -> dict[str, str]:
        """Columns that records name otherwise than statements do, and how they name them."""
        row = self._row(database, name)
        return dict(json.loads(row["keys"])) if row else {}

    def _set_keys(self, database: str, name: str, keys: dict[str, str]) -> None:
        if keys or self._row(database, name):
            self.show(database, name)  # its row is there now
            self._account.store.execute(
                "update tables set keys = ? where database = ? and name = ?",
                [json.dumps(keys), database, name],
            )

    def _rename_columns(self, database: str, name: str, keys: dict[str, str]) -> None:
        """Give columns that are there the names that *keys* has for them."""
        earlier = {key: column for column, key in self.keys(database, name).items()}
        present = {column.name for column in self.info(database, name).columns}
        for column, key in keys.items():
            old = earlier.get(key, key.lower())
            if old in present and column not in present:
                self._account.engine.run(
                    f'alter table "{name}" rename column {quoted(old)} to {quoted(column)}',
                    database=database,
                    scheduled_time=now(),
                ).close()

    def update(self, database: str, name: str, settings: dict[str, int | None]) -> None:
        """Record settings of SETTINGS (nothing expires by itself here)."""
        table = self.show(database, name)
        for setting, value in settings.items():
            assert setting in SETTINGS
            self._account.store.execute(f"update tables set {setting} = ? where id = ?", [value, table.id])

    def append(self, database: str, name: str, rows: pa.Table, once: str = "") -> int:
        """Add rows, new columns with them; returns how many. One writer of a table at a time.

        Args:
            database: its database.
            name: its name.
            rows: an Arrow table; its columns are those of the table, or new ones.
            once: a key; the same key a second time adds nothing and returns 0.
        """
        with self._locks.held((database, name)):
            return self._account.engine.append(database, name, rows, once=once)

    def locked(self, database: str, name: str) -> Any:
        """Hold a table against other appends and changes of its columns (a context manager)."""
        return self._locks.held((database, name))

    def delete_range(self, database: str, name: str, start: int, end: int) -> int:
        """Delete rows with start <= time < end, both whole hours; returns how many."""
        if start % HOUR or end % HOUR or start > end:
            raise Refused("from and to must be whole hours (multiples of 3600), from not after to")
        with self._locks.held((database, name)):
            self.info(database, name)
            return self._account.engine.delete_range(database, name, start, end)

    def tail(self, database: str, name: str, count: int) -> list[dict[str, Any]]:
        """The newest rows by `time`, newest first."""
        self.info(database, name)
        return self._account.engine.tail(database, name, count)

    def _described(self, info: TableInfo, row: dict[str, Any] | None) -> Table:
        if row is None:
            store = self._account.store
            key = [info.database, info.name]
            store.execute("insert or ignore into tables (database, name) values (?, ?)", key)
            row = self._row(info.database, info.name)
            assert row is not None
        return Table(
            row["id"],
            info,
            row["expire_days"],
            bool(row["include_v"]),
            bool(row["delete_protected"]),
            json.loads(row["keys"]),
        )

    def _row(self, database: str, name: str) -> dict[str, Any] | None:
        return self._account.store.one(
            "select * from tables where database = ? and name = ?", [database, name]
        )

    def _forget(self, database: str, name: str) -> None:
        self._account.store.execute("delete from tables where database = ? and name = ?", [database, name])

    def _follow(self, database: str, name: str, new_database: str, new_name: str) -> None:
        with self._account.store.transaction():
            self._forget(new_database, new_name)
            self._account.store.execute(
                "update tables set database = ?, name = ? where database = ? and name = ?",
                [new_database, new_name, database, name],
            )


def check_name(name: str) -> None:
    """Raise Refused when a table must not have this name."""
    if not NAME.fullmatch(name):
        raise Refused(
            f"Table name '{name[:255]}' is not valid: 1 to 255 characters of a-z, 0-9 and underscore"
        )


def quoted(name: str) -> str:
    """A name as a statement has it."""
    return '"' + name.replace('"', '""') + '"'


def read_schema(schema: Any) -> tuple[list[Column], dict[str, str]]:
    """Columns of a schema as clients send it, and what records call those that are called otherwise.

    >>> read_schema([["userId", "long", "user_id"]])
    ([Column(name='user_id', type='bigint')], {'user_id': 'userId'})

    Raises Refused naming the entry that makes no sense.
    """
    if not isinstance(schema, list):
        raise Refused("the schema must be a list of [name, type]")
    columns: dict[str, Column] = {}
    keys: dict[str, str] = {}
    for entry in schema:
        if (
            not isinstance(entry, list)
            or not 2 <= len(entry) <= 4
            or not all(isinstance(e, str) for e in entry)
        ):
            raise Refused(f"the schema's entry {entry!r:.80} is not [name, type]")
        column_type = trino_type(entry[1])
        if column_type is None:
            raise Refused(f"column '{entry[0]}' has the unknown type '{entry[1]}'")
        name = entry[2] if len(entry) > 2 and entry[2] else entry[0]
        if name in columns:
            raise Refused(f"column '{name}' is named twice")
        if name:
            columns[name] = Column(name, column_type)
        if name != entry[0]:
            keys[name] = entry[0]
    return list(columns.values()), keys
