"""Connector sessions (bulk loads): kept as they were given. They cannot run, there being no connectors."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import orjson

from tdlocal.account.errors import AlreadyThere, NotThere, Refused

if TYPE_CHECKING:
    from tdlocal.account.account import Account


class Connectors:
    """Create, list, change and delete connector sessions."""

    def __init__(self, account: Account) -> None:
        self._store = account.store
        self._store.script(
            "create table if not exists connector_sessions (id integer primary key autoincrement, "
            "name text unique not null, content text not null)"
        )

    def create(self, content: dict[str, Any]) -> dict[str, Any]:
        """Keep a session; AlreadyThere when its name is taken."""
        name = content.get("name")
        if not isinstance(name, str) or not name:
            raise Refused("a bulk load session needs a name")
        try:
            self._store.execute(
                "insert into connector_sessions (name, content) values (?, ?)", [name, orjson.dumps(content)]
            )
        except sqlite3.IntegrityError:
            raise AlreadyThere(f"Bulk load session '{name}' already exists") from None
        return self.show(name)

    def all(self) -> list[dict[str, Any]]:
        """All sessions by name."""
        rows = self._store.query("select * from connector_sessions order by name")
        return [{"id": str(row["id"]), **orjson.loads(row["content"])} for row in rows]

    def show(self, name: str) -> dict[str, Any]:
        """One session; NotThere when there is none of that name."""
        row = self._store.one("select * from connector_sessions where name = ?", [name])
        if row is None:
            raise NotThere(f"Bulk load session '{name}' does not exist")
        return {"id": str(row["id"]), **orjson.loads(row["content"])}

    def update(self, name: str, content: dict[str, Any]) -> dict[str, Any]:
        """Change the given words of a session; its name stays."""
        changed = {**self.show(name), **content, "name": name}
        changed.pop("id")
        self._store.execute(
            "update connector_sessions set content = ? where name = ?", [orjson.dumps(changed), name]
        )
        return self.show(name)

    def delete(self, name: str) -> dict[str, Any]:
        """Forget a session and return it."""
        session = self.show(name)
        self._store.execute("delete from connector_sessions where name = ?", [name])
        return session
