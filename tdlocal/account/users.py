"""Users and API keys of an account. The first user's first key is the account's own."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tdlocal.account.clock import now
from tdlocal.account.errors import AlreadyThere, NotThere, Refused

if TYPE_CHECKING:
    from tdlocal.account.account import Account

OWNER = "local"
EMAIL = "local@localhost"


@dataclass(frozen=True)
class User:
    """A person of the account. The first one owns it and may do everything; so may the others."""

    id: int
    name: str
    email: str
    created_at: int

    @property
    def owner(self) -> bool:
        return self.id == 1


class Users:
    """Add, list and remove users and their API keys.

    Keys are kept as Treasure Data shows them, since its API lists them; the file is the owner's alone.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        store = account.store
        store.script(
            "create table if not exists users (id integer primary key autoincrement, "
            "name text unique not null, email text unique not null, salt text not null, "
            "password text not null, created_at integer not null);"
            "create table if not exists api_keys (key text primary key, user_id integer not null, "
            "created_at integer not null)"
        )
        if store.one("select 1 from users") is None:
            self.add(OWNER, EMAIL, account.key or secrets.token_hex(16))
        self._keys = self._read_keys()

    def keys(self) -> dict[str, str]:
        """All API keys that are accepted, each with its user's name."""
        return self._keys

    def who(self, key: str) -> str:
        """The name of a key's user; the owner's for the account's own key."""
        return self._keys.get(key, OWNER)

    def all(self) -> list[User]:
        """All users, oldest first."""
        rows = self._account.store.query("select id, name, email, created_at from users order by id")
        return [User(**row) for row in rows]

    def show(self, name: str) -> User:
        """A user by name or e-mail; NotThere when there is none."""
        for user in self.all():
            if name in (user.name, user.email):
                return user
        raise NotThere(f"User '{name}' does not exist")

    def with_id(self, number: Any) -> User:
        """A user by number; NotThere when there is none."""
        for user in self.all():
            if str(number) == str(user.id):
                return user
        raise NotThere(f"User '{str(number)[:40]}' does not exist")

    def add(self, name: str, email: str, password: str) -> None:
        """Add a user with a first API key; AlreadyThere when the name or e-mail is taken."""
        if not name or not password:
            raise Refused("a user needs a name and a password")
        salt = secrets.token_hex(16)
        try:
            self._account.store.execute(
                "insert into users (name, email, salt, password, created_at) values (?, ?, ?, ?, ?)",
                [name, email or f"{name}@localhost", salt, password_hash(password, salt), now()],
            )
        except sqlite3.IntegrityError:
            raise AlreadyThere(f"User '{name}' or its e-mail address already exists") from None

    def change_email(self, name: str, email: str) -> None:
        """Give a user another e-mail address; AlreadyThere when somebody has it."""
        user = self.show(name)
        try:
            self._account.store.execute("update users set email = ? where id = ?", [email, user.id])
        except sqlite3.IntegrityError:
            raise AlreadyThere(f"the e-mail address {email} is taken") from None

    def change_password(self, name: str, password: str) -> None:
        """Give a user another password."""
        user, salt = self.show(name), secrets.token_hex(16)
        self._account.store.execute(
            "update users set salt = ?, password = ? where id = ?",
            [salt, password_hash(password, salt), user.id],
        )

    def remove(self, name: str) -> None:
        """Remove a user and the keys; Refused for the owner."""
        user = self.show(name)
        if user.owner:
            raise Refused(f"User '{name}' owns the account and cannot be removed")
        with self._account.store.transaction() as store:
            store.execute("delete from api_keys where user_id = ?", [user.id])
            store.execute("delete from users where id = ?", [user.id])
        self._keys = self._read_keys()

    def authenticate(self, name: str, password: str) -> str | None:
        """Return an API key of the user when the password is right, else None."""
        row = self._account.store.one(
            "select id, salt, password from users where name = ? or email = ?", [name, name]
        )
        right = row["password"] if row else ""
        if not hmac.compare_digest(password_hash(password, row["salt"] if row else ""), right) or not row:
            return None
        keys = self.keys_of(name)
        return str(keys[0]) if keys else self.add_key(name)

    def keys_of(self, name: str) -> list[str]:
        """A user's API keys, oldest first."""
        user = self.show(name)
        rows = self._account.store.query(
            "select key from api_keys where user_id = ? order by created_at, key", [user.id]
        )
        own = [self._account.key] if user.owner and self._account.key else []
        return own + [row["key"] for row in rows]

    def add_key(self, name: str) -> str:
        """Make another API key for a user."""
        user = self.show(name)
        key = f"{user.id}/{secrets.token_hex(20)}"
        self._account.store.execute("insert into api_keys values (?, ?, ?)", [key, user.id, now()])
        self._keys = self._read_keys()
        return key

    def remove_key(self, name: str, key: str) -> None:
        """Take an API key back; Refused for the account's own."""
        user = self.show(name)
        if key == self._account.key:
            raise Refused("the account's own key is in its state folder and cannot be removed here")
        removed = self._account.store.execute(
            "delete from api_keys where user_id = ? and key = ?", [user.id, key]
        )
        if not removed.rowcount:
            raise NotThere(f"User '{name}' has no such API key")
        self._keys = self._read_keys()

    def _read_keys(self) -> dict[str, str]:
        rows = self._account.store.query(
            "select api_keys.key, users.name from api_keys join users on users.id = user_id"
        )
        keys = {row["key"]: row["name"] for row in rows}
        if self._account.key:
            keys[self._account.key] = OWNER
        return keys


def password_hash(password: str, salt: str) -> str:
    """A password as it is kept."""
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=2**12, r=8, p=1).hex()
