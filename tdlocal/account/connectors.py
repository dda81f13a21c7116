"""Connector sessions: bulk loads with a name, run when asked to or by their cron line, for what is new."""

from __future__ import annotations

import logging
import re
import sqlite3
from typing import TYPE_CHECKING, Any

import orjson

from tdlocal.account.errors import AccountError, AlreadyThere, NotThere, Refused
from tdlocal.account.loads import masked
from tdlocal.account.timetables import Timetables, timetable_of

if TYPE_CHECKING:
    from tdlocal.account.account import Account
    from tdlocal.account.jobs import Job

log = logging.getLogger(__name__)

FIXED = ("name", "config_diff", "id")


class Connectors:
    """Create, list, change, run and delete connector sessions."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._store = account.store
        self._store.script(
            "create table if not exists connector_sessions (id integer primary key autoincrement, "
            "name text unique not null, content text not null);"
            "create table if not exists connector_runs (session integer not null, job_id integer not null)"
        )
        self._timetables = Timetables(account.store, "bulk load")

    def create(self, content: dict[str, Any]) -> dict[str, Any]:
        """Keep a session; AlreadyThere when its name is taken."""
        name = content.get("name")
        if not isinstance(name, str) or not name:
            raise Refused("a bulk load session needs a name")
        check(content)
        try:
            self._store.execute(
                "insert into connector_sessions (name, content) values (?, ?)", [name, orjson.dumps(content)]
            )
        except sqlite3.IntegrityError:
            raise AlreadyThere(f"Bulk load session '{name}' already exists") from None
        return self.show(name)

    def all(self) -> list[dict[str, Any]]:
        """All sessions by name, without their secrets."""
        rows = self._store.query("select * from connector_sessions order by name")
        return [masked({"id": str(row["id"]), **orjson.loads(row["content"])}) for row in rows]

    def show(self, name: str) -> dict[str, Any]:
        """One session without its secrets; NotThere when there is none of that name."""
        number, content = self._found(name)
        return dict(masked({"id": str(number), **content}))

    def update(self, name: str, content: dict[str, Any]) -> dict[str, Any]:
        """Change the given words of a session; its name stays."""
        given = {word: value for word, value in content.items() if word not in FIXED}
        changed = self._found(name)[1] | given
        check(changed)
        self._write(name, changed)
        return self.show(name)

    def delete(self, name: str) -> dict[str, Any]:
        """Forget a session and return it; its jobs stay."""
        session = self.show(name)
        with self._store.transaction() as store:
            store.execute("delete from connector_runs where session = ?", [int(session["id"])])
            store.execute("delete from connector_sessions where name = ?", [name])
        return session

    def run(self, name: str, **about: Any) -> Job:
        """Start a load; unless `in.incremental` is false the next run reads only objects that come after.

        Args:
            name: the session.
            about: scheduled_time, domain_key, user_name as Jobs.start takes them.
        """
        number, content = self._found(name)
        check(content)
        config = content.get("config")
        if not isinstance(config, dict) or not isinstance(config.get("in"), dict):
            raise Refused(f"bulk load session '{name}' has no configuration with a section `in`")
        difference = (content.get("config_diff") or {}).get("in") or {}
        source = {**config["in"], **difference}
        incremental = bool(source.get("incremental", True))
        job = self._account.loads.issue(
            content["database"],
            content["table"],
            content | {"config": {**config, "in": source}},
            done=(lambda last: self._remember(name, last)) if incremental else None,
            **about,
        )
        self._store.execute("insert into connector_runs values (?, ?)", [number, job.id])
        return job

    def tick(self, moment: int) -> list[Job]:
        """Run the sessions whose `cron` says so at a moment (unix seconds); return the jobs."""
        jobs = []
        for row in self._store.query("select * from connector_sessions order by id"):
            content = orjson.loads(row["content"])
            try:
                cron, zone = str(content.get("cron") or ""), str(content.get("timezone") or "UTC")
                due = self._timetables.due(row["id"], cron, zone, int(content.get("delay") or 0), moment)
                if due is not None:
                    jobs.append(self.run(row["name"], scheduled_time=due))
            except (AccountError, ValueError) as error:
                log.warning("bulk load session %s cannot run: %s", row["name"], error)
        return jobs

    def history(self, name: str) -> list[Job]:
        """The jobs of a session, newest first."""
        number, _ = self._found(name)
        rows = self._store.query(
            "select job_id from connector_runs where session = ? order by job_id desc", [number]
        )
        return [self._account.jobs.show(row["job_id"]) for row in rows]

    def _remember(self, name: str, last: str) -> None:
        with self._store.transaction():
            self._write(name, self._found(name)[1] | {"config_diff": {"in": {"last_path": last}}})

    def _write(self, name: str, content: dict[str, Any]) -> None:
        self._store.execute(
            "update connector_sessions set content = ? where name = ?", [orjson.dumps(content), name]
        )

    def _found(self, name: str) -> tuple[int, dict[str, Any]]:
        row = self._store.one("select * from connector_sessions where name = ?", [name])
        if row is None:
            raise NotThere(f"Bulk load session '{name}' does not exist")
        return row["id"], orjson.loads(row["content"])


def check(content: dict[str, Any]) -> None:
    """Refused when a session could never run like this."""
    for word in ("database", "table"):
        if not isinstance(content.get(word), str):
            raise Refused(f"a bulk load session needs a {word}")
    if not re.fullmatch(r"\d{1,9}", str(content.get("delay") or 0)):
        raise Refused("delay must be seconds")
    timetable_of(str(content.get("cron") or ""), str(content.get("timezone") or "UTC"))
