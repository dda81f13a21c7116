"""Result outputs by name, which are connections too: tdlocal.account.exports delivers to them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tdlocal.account.errors import AlreadyThere, NotThere, Refused

if TYPE_CHECKING:
    from tdlocal.account.account import Account


@dataclass(frozen=True)
class ResultOutput:
    """A named result output."""

    id: int
    name: str
    url: str


class Results:
    """Create, list, look up and delete result outputs."""

    def __init__(self, account: Account) -> None:
        self._account = account
        account.store.script(
            "create table if not exists results (id integer primary key autoincrement, "
            "name text unique not null, url text not null)"
        )

    def create(self, name: str, url: str) -> None:
        """Keep a result output; AlreadyThere when the name is taken."""
        if not name or not url:
            raise Refused("a result output needs a name and a url")
        try:
            self._account.store.execute("insert into results (name, url) values (?, ?)", [name, url])
        except sqlite3.IntegrityError:
            raise AlreadyThere(f"Result '{name}' already exists") from None

    def all(self) -> list[ResultOutput]:
        """All result outputs by name."""
        return [
            ResultOutput(**row) for row in self._account.store.query("select * from results order by name")
        ]

    def show(self, name: str) -> ResultOutput:
        """One result output; NotThere when there is none of that name."""
        row = self._account.store.one("select * from results where name = ?", [name])
        if row is None:
            raise NotThere(f"Result '{name}' does not exist")
        return ResultOutput(**row)

    def with_id(self, number: str) -> ResultOutput:
        """One result output by its number; NotThere when there is none."""
        row = self._account.store.one("select * from results where id = ?", [number])
        if row is None:
            raise NotThere(f"Connection '{number[:40]}' does not exist")
        return ResultOutput(**row)

    def delete(self, name: str) -> None:
        """Forget a result output."""
        self._account.store.execute("delete from results where id = ?", [self.show(name).id])
