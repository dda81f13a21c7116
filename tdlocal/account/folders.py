"""Folders of an audience: a tree with one root, which the audience brings and takes with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tdlocal.account.cdp_values import as_id, iso_now, name_taken, nameless, text_or_none
from tdlocal.account.errors import AlreadyThere, NotThere, Refused

if TYPE_CHECKING:
    from tdlocal.account.account import Account

TABLE = """
create table if not exists folders (
    id integer primary key autoincrement,
    audience_id integer not null references audiences (id) on delete cascade,
    parent_id integer references folders (id),
    name text not null,
    description text,
    created_at text not null,
    updated_at text not null
)
"""


class Folders:
    """The folders of all audiences, as rows of the store."""

    def __init__(self, account: Account) -> None:
        self.store = account.store
        self.store.execute(TABLE)

    def plant(self, audience: int, name: str) -> int:
        """Make an audience's root folder and return its id."""
        return self._insert(audience, None, name, None)

    def create(
        self, audience: int, name: Any, *, parent: Any = None, description: Any = None
    ) -> dict[str, Any]:
        """Make a folder below *parent*, or below the root when that is None."""
        text = nameless(name, "folder")
        above = self.root(audience) if parent in (None, "") else self.get(parent, audience)
        with self.store.transaction():
            self._name_is_free(above["id"], text)
            return self.get(
                self._insert(audience, above["id"], text, text_or_none(description, "description"))
            )

    def update(self, folder: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change `name`, `description` or `parent` of a folder."""
        row = self.get(folder)
        name = nameless(changes.get("name", row["name"]), "folder")
        parent = row["parent_id"]
        if changes.get("parent") is not None:
            parent = self.get(changes["parent"], row["audience_id"])["id"]
            self._is_outside(parent, row)
        if (name, parent) != (row["name"], row["parent_id"]) and parent is not None:
            self._name_is_free(parent, name, but=row["id"])
        self.store.execute(
            "update folders set name = ?, description = ?, parent_id = ?, updated_at = ? where id = ?",
            (
                name,
                text_or_none(changes.get("description", row["description"]), "description"),
                parent,
                iso_now(),
                row["id"],
            ),
        )
        return self.get(row["id"])

    def delete(self, folder: Any) -> dict[str, Any]:
        """Delete an empty folder and return what it was; the root stays as long as its audience."""
        row = self.get(folder)
        if row["parent_id"] is None:
            raise Refused("the root folder goes only with its audience")
        inside = self.store.query("select id from folders where parent_id = ?", (row["id"],))
        inside += self.store.query("select id from segments where folder_id = ?", (row["id"],))
        if inside:
            raise AlreadyThere(f"folder {row['id']} is not empty: it holds {len(inside)} folders or segments")
        self.store.execute("delete from folders where id = ?", (row["id"],))
        return row

    def get(self, folder: Any, audience: int | None = None) -> dict[str, Any]:
        """One folder; NotThere when it is none of *audience* (of any, when that is None)."""
        row = self.store.one("select * from folders where id = ?", (as_id(folder),))
        if row is None or audience not in (None, row["audience_id"]):
            raise NotThere(f"folder {folder} does not exist")
        return row

    def root(self, audience: int) -> dict[str, Any]:
        rows = self.store.query(
            "select * from folders where audience_id = ? and parent_id is null", (audience,)
        )
        return rows[0]

    def all(self, audience: int) -> list[dict[str, Any]]:
        return self.store.query("select * from folders where audience_id = ? order by id", (audience,))

    def below(self, folder: Any, depth: int) -> list[dict[str, Any]]:
        """The folder itself and the folders at most *depth* levels below it."""
        top = self.get(folder)
        return self.store.query(
            """
            with recursive tree (id, level) as (
                select ?, 0
                union all
                select folders.id, level + 1 from folders join tree on folders.parent_id = tree.id
                where level < ?
            )
            select folders.* from folders join tree on folders.id = tree.id order by level, folders.id
            """,
            (top["id"], depth),
        )

    def _insert(self, audience: int, parent: int | None, name: str, description: Any) -> int:
        now = iso_now()
        cursor = self.store.execute(
            "insert into folders (audience_id, parent_id, name, description, created_at, updated_at)"
            " values (?, ?, ?, ?, ?, ?)",
            (audience, parent, name, description, now, now),
        )
        return int(cursor.lastrowid or 0)

    def _name_is_free(self, parent: int, name: str, but: int | None = None) -> None:
        rows = self.store.query("select id from folders where parent_id = ? and name = ?", (parent, name))
        if any(row["id"] != but for row in rows):
            raise name_taken()

    def _is_outside(self, parent: int, row: Mapping[str, Any]) -> None:
        if any(below["id"] == parent for below in self.below(row["id"], 1000)):
            raise Refused(f"folder {row['id']} cannot be moved into itself")
