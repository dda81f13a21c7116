"""When the things that have a cron line run next: saved queries and connector sessions."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tdlocal.account.errors import Refused

if TYPE_CHECKING:
    from tdlocal.account.store import Store
    from tdlocal.workflow.sessions import Schedule

SHORT_FORMS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}


class Timetables:
    """The next times of one kind of thing, by its number, kept over a restart."""

    def __init__(self, store: Store, kind: str) -> None:
        self._store, self._kind = store, kind
        store.script(
            "create table if not exists next_times (kind text not null, number integer not null, "
            "line text not null, next integer not null, primary key (kind, number))"
        )

    def due(self, number: int, cron: str, zone: str, delay: int, moment: int) -> int | None:
        """The scheduled time that is to run at *moment*, told once; None when nothing is due.

        Of several times that have passed only the newest is told. A new line counts from *moment* on.
        """
        timetable = timetable_of(cron, zone)
        if timetable is None:
            return None
        line = f"{cron} {zone}"
        row = self._store.one(
            "select line, next from next_times where kind = ? and number = ?", [self._kind, number]
        )
        if row is None or row["line"] != line:
            self._note(number, line, after(timetable, moment - delay))
            return None
        due = int(row["next"])
        if due + delay > moment:
            return None
        while (later := after(timetable, due)) + delay <= moment:
            due = later
        self._note(number, line, later)
        return due

    def _note(self, number: int, line: str, following: int) -> None:
        self._store.execute(
            "insert or replace into next_times values (?, ?, ?, ?)", [self._kind, number, line, following]
        )


def timetable_of(cron: str, zone: str) -> Schedule | None:
    """The times of a cron line; None for an empty one, Refused for a broken one or an unknown zone."""
    from tdlocal.workflow.sessions import Schedule

    line = SHORT_FORMS.get(cron.strip(), cron.strip())
    try:
        timetable = Schedule({"cron>": line or "0 0 * * *"}, zone)
    except ValueError as error:
        raise Refused(f"cron '{cron}' in time zone '{zone}' makes no sense: {error}") from None
    return timetable if line else None


def after(timetable: Schedule, moment: int) -> int:
    """The first time after a moment."""
    try:
        return int(timetable.next_after(dt.datetime.fromtimestamp(moment, dt.UTC)).timestamp())
    except ValueError as error:
        raise Refused(str(error)) from None
