"""Syndications (activations): written down as asked, never sent anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tdlocal.account.cdp_values import as_id, iso_now, nameless
from tdlocal.account.errors import NotThere

if TYPE_CHECKING:
    from tdlocal.account.account import Account

TABLE = """
create table if not exists syndications (
    id integer primary key autoincrement,
    audience_id integer not null references audiences (id) on delete cascade,
    segment_id integer not null references segments (id) on delete cascade,
    body text not null,
    created_at text not null,
    updated_at text not null
)
"""
DEFAULTS: dict[str, Any] = {
    "description": "",
    "activationTemplateId": None,
    "allColumns": False,
    "columns": [],
    "connectionId": None,
    "connectorConfig": {},
    "scheduleType": "none",
    "scheduleOption": None,
    "repeatUnit": "none",
    "repeatFrequency": None,
    "repeatSubFrequency": [],
    "timezone": "UTC",
    "startAt": None,
    "endOn": None,
    "notifyOn": [],
    "emailRecipients": [],
}


class Syndications:
    """The syndications of all segments, as rows of the store."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.store = account.store
        self.store.execute(TABLE)

    def create(self, audience: Any, segment: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        owner = self.account.segments.get(segment, audience)
        body = {"name": nameless(given.get("name"), "syndication"), **settled(given, {})}
        now = iso_now()
        cursor = self.store.execute(
            "insert into syndications (audience_id, segment_id, body, created_at, updated_at)"
            " values (?, ?, ?, ?, ?)",
            (owner["audience_id"], owner["id"], json.dumps(body), now, now),
        )
        return self.get(cursor.lastrowid)

    def update(self, syndication: Any, given: Mapping[str, Any], segment: Any = None) -> dict[str, Any]:
        row = self.get(syndication, segment)
        before = json.loads(row["body"])
        body = {"name": nameless(given.get("name", before["name"]), "syndication"), **settled(given, before)}
        self.store.execute(
            "update syndications set body = ?, updated_at = ? where id = ?",
            (json.dumps(body), iso_now(), row["id"]),
        )
        return self.get(row["id"])

    def delete(self, syndication: Any, segment: Any = None) -> dict[str, Any]:
        row = self.get(syndication, segment)
        self.store.execute("delete from syndications where id = ?", (row["id"],))
        return row

    def get(self, syndication: Any, segment: Any = None) -> dict[str, Any]:
        row = self.store.one("select * from syndications where id = ?", (as_id(syndication),))
        if row is None or (segment is not None and row["segment_id"] != as_id(segment)):
            raise NotThere(f"syndication {syndication} does not exist")
        return row

    def all(self, *, audience: Any = None, segment: Any = None) -> list[dict[str, Any]]:
        if segment is not None:
            owner = self.account.segments.get(segment, audience)
            return self.store.query(
                "select * from syndications where segment_id = ? order by id", (owner["id"],)
            )
        parent = self.account.audiences.get(audience)["id"]
        return self.store.query("select * from syndications where audience_id = ? order by id", (parent,))


def settled(given: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    return {key: given.get(key, before.get(key, usual)) for key, usual in DEFAULTS.items()}
