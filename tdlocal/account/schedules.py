"""Saved queries: run when asked to, and by the clock (tdlocal.account.ticker) when they have a schedule."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tdlocal.account.clock import now
from tdlocal.account.errors import AccountError, AlreadyThere, NotThere, Refused
from tdlocal.account.jobs import QUERY_TYPES, Job
from tdlocal.account.timetables import Timetables, timetable_of
from tdlocal.account.timetables import after as first_after

if TYPE_CHECKING:
    from tdlocal.account.account import Account

log = logging.getLogger(__name__)

TEXTS = ("cron", "type", "database", "query", "timezone", "result_url", "engine_version", "pool_name")
NUMBERS = ("delay", "priority", "retry_limit")
SETTINGS = (*TEXTS, *NUMBERS)
MOST_RUNS = 9


@dataclass(frozen=True)
class SavedQuery:
    """A saved query; `cron` is empty when it has no schedule."""

    id: int
    name: str
    cron: str
    type: str
    database: str
    query: str
    timezone: str
    delay: int
    priority: int
    retry_limit: int
    result_url: str
    engine_version: str
    pool_name: str
    user_name: str
    created_at: int

    def next_time(self, after: int) -> int | None:
        """The first scheduled time after a moment; None without a schedule."""
        timetable = timetable_of(self.cron, self.timezone)
        return None if timetable is None else first_after(timetable, after)


@dataclass(frozen=True)
class Run:
    """One run of a saved query."""

    scheduled_at: int
    job: Job


class Schedules:
    """Create, change, run and delete saved queries."""

    def __init__(self, account: Account) -> None:
        self._account = account
        account.store.script(
            "create table if not exists saved_queries (id integer primary key autoincrement, "
            "name text unique not null, cron text not null, type text not null, database text not null, "
            "query text not null, timezone text not null, delay integer not null, "
            "priority integer not null, retry_limit integer not null, result_url text not null, "
            "engine_version text not null, pool_name text not null, user_name text not null, "
            "created_at integer not null);"
            "create table if not exists saved_query_runs (saved_query integer not null, "
            "scheduled_at integer not null, job_id integer not null)"
        )
        self._timetables = Timetables(account.store, "saved query")

    def create(self, name: str, settings: dict[str, Any], user_name: str) -> SavedQuery:
        """Save a query; AlreadyThere when the name is taken, Refused for settings that make no sense.

        Args:
            name: its name.
            settings: words of SETTINGS; what is left out is empty or 0, type hive, timezone UTC.
            user_name: who saves it.
        """
        values = dict.fromkeys(TEXTS, "") | dict.fromkeys(NUMBERS, 0)
        values |= {"type": "hive", "timezone": "UTC"} | settings
        if not name:
            raise Refused("a saved query needs a name")
        check(self._account, values)
        values |= {"name": name, "user_name": user_name, "created_at": now()}
        names, marks = ", ".join(values), ", ".join("?" for _ in values)
        try:
            self._account.store.execute(
                f"insert into saved_queries ({names}) values ({marks})", [*values.values()]
            )
        except sqlite3.IntegrityError:
            raise AlreadyThere(f"Schedule '{name}' already exists") from None
        return self.show(name)

    def update(self, name: str, settings: dict[str, Any]) -> SavedQuery:
        """Change the given settings; NotThere when there is no query of that name."""
        saved = self.show(name)
        check(self._account, {word: getattr(saved, word) for word in SETTINGS} | settings)
        if settings:
            changes = ", ".join(f"{word} = ?" for word in settings)
            self._account.store.execute(
                f"update saved_queries set {changes} where id = ?", [*settings.values(), saved.id]
            )
        return self.show(name)

    def delete(self, name: str) -> SavedQuery:
        """Forget a saved query and return it; its jobs stay."""
        saved = self.show(name)
        with self._account.store.transaction() as store:
            store.execute("delete from saved_query_runs where saved_query = ?", [saved.id])
            store.execute("delete from saved_queries where id = ?", [saved.id])
        return saved

    def all(self) -> list[SavedQuery]:
        """All saved queries by name."""
        rows = self._account.store.query("select * from saved_queries order by name")
        return [SavedQuery(**row) for row in rows]

    def show(self, name: str) -> SavedQuery:
        """A saved query by name; NotThere when there is none."""
        return self._found("name", name)

    def with_id(self, number: str) -> SavedQuery:
        """A saved query by its number; NotThere when there is none."""
        return self._found("id", number)

    def run(
        self, saved: SavedQuery, at: int, count: int = 1, domain_key: str | None = None, user_name: str = ""
    ) -> list[Run]:
        """Run a saved query for a scheduled time, and for the times that follow by its schedule.

        Args:
            saved: the query.
            at: the first run's td_scheduled_time().
            count: how many runs, 1 to 9; more than one needs a schedule.
            domain_key: AlreadyThere when a job has this key.
            user_name: who asks.
        """
        if not 1 <= count <= MOST_RUNS:
            raise Refused(f"num must be 1 to {MOST_RUNS}")
        runs = []
        target = self._account.exports.target(saved.result_url) if saved.result_url else None
        for _ in range(count):
            job = self._account.jobs.issue(
                saved.type,
                saved.database,
                saved.query,
                scheduled_time=at,
                domain_key=domain_key,
                priority=saved.priority,
                retry_limit=saved.retry_limit,
                result_url="" if target is None else target.label,
                target=target,
                user_name=user_name,
            )
            self._account.store.execute(
                "insert into saved_query_runs values (?, ?, ?)", [saved.id, at, job.id]
            )
            runs.append(Run(at, job))
            following = saved.next_time(at)
            if following is None:
                break
            at = following
        return runs

    def tick(self, moment: int) -> list[Run]:
        """Run what is due at a moment (unix seconds); return the runs."""
        runs = []
        for saved in self.all():
            try:
                due = self._timetables.due(saved.id, saved.cron, saved.timezone, saved.delay, moment)
                if due is not None:
                    runs += self.run(saved, due, user_name=saved.user_name)
            except AccountError as error:
                log.warning("saved query %s cannot run: %s", saved.name, error.message)
        return runs

    def history(self, name: str, first: int, last: int) -> list[Run]:
        """Runs number *first* to *last* (both included), newest first."""
        rows = self._account.store.query(
            "select * from saved_query_runs where saved_query = ? order by job_id desc limit ? offset ?",
            [self.show(name).id, max(0, last - first + 1), max(0, first)],
        )
        return [Run(row["scheduled_at"], self._account.jobs.show(row["job_id"])) for row in rows]

    def _found(self, column: str, value: str) -> SavedQuery:
        row = self._account.store.one(f"select * from saved_queries where {column} = ?", [value])
        if row is None:
            raise NotThere(f"Schedule '{value}' does not exist")
        return SavedQuery(**row)


def check(account: Account, values: dict[str, Any]) -> None:
    """Raise Refused or NotThere when a saved query could never run like this."""
    if values["type"] not in QUERY_TYPES:
        raise Refused(f"query type '{values['type']}' is unknown; use one of {', '.join(QUERY_TYPES)}")
    if not values["database"]:
        raise Refused("a saved query needs a database")
    account.databases.check(values["database"])
    timetable_of(values["cron"], values["timezone"])
