"""Access control: policies, what they permit and whom they are attached to. Kept and shown, not enforced."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import orjson

from tdlocal.account.cdp_values import as_id
from tdlocal.account.errors import AlreadyThere, NotThere, Refused

if TYPE_CHECKING:
    from tdlocal.account.account import Account

TABLES = """
create table if not exists policies (
    id integer primary key autoincrement, name text unique not null, description text not null,
    permissions text not null default '{}', column_permissions text not null default '[]');
create table if not exists policy_users (
    policy_id integer not null references policies (id) on delete cascade, user_id integer not null,
    primary key (policy_id, user_id));
create table if not exists user_permissions (user_id integer primary key, permissions text not null)
"""


class Policies:
    """Create, show, change, attach and delete policies."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._store = account.store
        self._store.script(TABLES)

    def create(self, name: Any, description: Any = "") -> dict[str, Any]:
        """Make a policy; AlreadyThere when its name is taken."""
        if not isinstance(name, str) or not name:
            raise Refused("a policy needs a name")
        try:
            made = self._store.execute(
                "insert into policies (name, description) values (?, ?)", [name, str(description or "")]
            )
        except sqlite3.IntegrityError:
            raise AlreadyThere(f"Policy '{name}' already exists") from None
        return self.show(made.lastrowid)

    def all(self) -> list[dict[str, Any]]:
        """All policies by number."""
        return [self.show(row["id"]) for row in self._store.query("select id from policies order by id")]

    def show(self, policy: Any) -> dict[str, Any]:
        """A policy with the number of its users; NotThere when there is none."""
        row = self._row(policy)
        return {
            "id": row["id"],
            "account_id": 1,
            "name": row["name"],
            "description": row["description"],
            "user_count": len(self.users_of(row["id"])),
        }

    def update(self, policy: Any, given: dict[str, Any]) -> dict[str, Any]:
        """Change a policy's name or description."""
        row = self._row(policy)
        name, description = given.get("name", row["name"]), given.get("description", row["description"])
        try:
            self._store.execute(
                "update policies set name = ?, description = ? where id = ?",
                [str(name), str(description), row["id"]],
            )
        except sqlite3.IntegrityError:
            raise AlreadyThere(f"Policy '{name}' already exists") from None
        return self.show(row["id"])

    def delete(self, policy: Any) -> dict[str, Any]:
        """Forget a policy and return it."""
        shown = self.show(policy)
        self._store.execute("delete from policies where id = ?", [shown["id"]])
        return shown

    def content(self, policy: Any, kind: str) -> Any:
        """The permissions (an object) or column_permissions (a list) of a policy."""
        return orjson.loads(self._row(policy)[kind])

    def set_content(self, policy: Any, kind: str, value: Any) -> Any:
        """Replace the permissions or column_permissions of a policy."""
        if kind == "permissions":
            check_permissions(value)
        elif not isinstance(value, list):
            raise Refused(f"{kind} must be a list")
        number = self._row(policy)["id"]
        self._store.execute(f"update policies set {kind} = ? where id = ?", [orjson.dumps(value), number])
        return self.content(number, kind)

    def users_of(self, policy: Any) -> list[int]:
        """The numbers of the users a policy is attached to."""
        rows = self._store.query(
            "select user_id from policy_users where policy_id = ? order by user_id", [as_id(policy)]
        )
        return [row["user_id"] for row in rows]

    def of_user(self, user: Any) -> list[dict[str, Any]]:
        """The policies of a user."""
        rows = self._store.query(
            "select policy_id from policy_users where user_id = ? order by policy_id", [self._user(user)]
        )
        return [self.show(row["policy_id"]) for row in rows]

    def permissions_of(self, user: Any) -> dict[str, Any]:
        """What a user is permitted: by himself and by his policies."""
        number = self._user(user)
        row = self._store.one("select permissions from user_permissions where user_id = ?", [number])
        permitted: dict[str, Any] = orjson.loads(row["permissions"]) if row else {}
        for policy in self.of_user(number):
            for resource, entries in self.content(policy["id"], "permissions").items():
                permitted[resource] = [*permitted.get(resource, []), *entries]
        return permitted

    def permit(self, user: Any, permissions: Any) -> dict[str, Any]:
        """Set what a user is permitted by himself."""
        check_permissions(permissions)
        self._store.execute(
            "insert or replace into user_permissions values (?, ?)",
            [self._user(user), orjson.dumps(permissions)],
        )
        return dict(permissions)

    def attach(self, policy: Any, user: Any, on: bool) -> dict[str, Any]:
        """Attach a policy to a user, or detach it."""
        number, person = self._row(policy)["id"], self._user(user)
        if on:
            self._store.execute("insert or ignore into policy_users values (?, ?)", [number, person])
        else:
            self._store.execute(
                "delete from policy_users where policy_id = ? and user_id = ?", [number, person]
            )
        return self.show(number)

    def set_users(self, policy: Any, users: Any) -> None:
        """Attach a policy to exactly these users."""
        number = self._row(policy)["id"]
        wanted = [self._user(one) for one in numbers(users, "user_ids")]
        with self._store.transaction():
            self._store.execute("delete from policy_users where policy_id = ?", [number])
            for person in wanted:
                self.attach(number, person, on=True)

    def set_policies(self, user: Any, policies: Any) -> None:
        """Give a user exactly these policies."""
        person = self._user(user)
        wanted = [self._row(one)["id"] for one in numbers(policies, "policy_ids")]
        with self._store.transaction():
            self._store.execute("delete from policy_users where user_id = ?", [person])
            for number in wanted:
                self.attach(number, person, on=True)

    def _row(self, policy: Any) -> dict[str, Any]:
        row = self._store.one("select * from policies where id = ?", [as_id(policy)])
        if row is None:
            raise NotThere(f"Policy '{str(policy)[:40]}' does not exist")
        return row

    def _user(self, user: Any) -> int:
        return self._account.users.with_id(user).id


def check_permissions(value: Any) -> None:
    """Refused unless *value* has a list for each resource: {"Databases": [{"operation": "manage"}]}."""
    if not isinstance(value, dict) or not all(isinstance(one, list) for one in value.values()):
        raise Refused("permissions must be an object with a list for each resource")


def numbers(value: Any, word: str) -> list[Any]:
    """A list of numbers, as numbers or as text."""
    if not isinstance(value, list):
        raise Refused(f"{word} must be a list")
    return value
