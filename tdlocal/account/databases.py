"""The databases of an account."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tdlocal.account.clock import now
from tdlocal.account.errors import AlreadyThere, NotThere, Refused
from tdlocal.account.locks import NameLocks

if TYPE_CHECKING:
    from tdlocal.account.account import Account

NAME = re.compile(r"[a-z0-9_]{3,255}")


@dataclass(frozen=True)
class Database:
    """A database: what the account knows beside its tables."""

    id: int
    name: str
    created_at: int
    updated_at: int


class Databases:
    """Create, list and delete databases. The engine has them; their numbers and dates are kept here."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._locks = NameLocks()
        account.store.script(
            "create table if not exists databases "
            "(id integer primary key, name text unique not null, created_at integer not null)"
        )

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._account.engine.databases())

    def all(self) -> list[Database]:
        """All databases by name."""
        return [self._described(name) for name in self.names()]

    def show(self, name: str) -> Database:
        """One database; NotThere when there is none of that name."""
        self.check(name)
        return self._described(name)

    def exists(self, name: str) -> bool:
        return name in self._account.engine.databases()

    def check(self, name: str) -> None:
        """Raise NotThere unless the database exists."""
        if not self.exists(name):
            raise NotThere(f"Database '{name}' does not exist")

    def create(self, name: str) -> None:
        """Make an empty database; AlreadyThere, or Refused when the name breaks Treasure Data's rule."""
        if not NAME.fullmatch(name):
            raise Refused(
                f"Database name '{name[:255]}' is not valid: 3 to 255 characters of a-z, 0-9 and underscore"
            )
        with self._locks.held(name):
            if self.exists(name):
                raise AlreadyThere(f"Database '{name}' already exists")
            self._account.engine.create_database(name)
            self._remember(name)

    def delete(self, name: str) -> None:
        """Delete a database with all its tables; NotThere when there is none."""
        with self._locks.held(name):
            self.check(name)
            self._account.engine.drop_database(name)
            self._account.store.execute("delete from databases where name = ?", [name])

    def _described(self, name: str) -> Database:
        row = self._account.store.one("select * from databases where name = ?", [name])
        if row is None:
            self._remember(name)
            return self._described(name)
        return Database(row["id"], name, row["created_at"], row["created_at"])

    def _remember(self, name: str) -> None:
        self._account.store.execute(
            "insert or replace into databases (name, created_at) values (?, ?)", [name, now()]
        )
