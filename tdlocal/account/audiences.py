"""Audiences (parent segments): what they are made of, and what is known about their last build.

A definition names a master table (one row a customer), attributes joined to it, and behaviours (many rows a
customer). Building it (audience_build) fills the database `cdp_audience_<id>`.
"""

from __future__ import annotations

import copy
import json
import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tdlocal.account.cdp_values import Unsupported, as_id, faulty, iso_now, name_taken, nameless, slug
from tdlocal.account.errors import NotThere
from tdlocal.account.segment_operators import KINDS
from tdlocal.account.segment_time import TimeFault, find_zone
from tdlocal.workflow.sessions import Schedule

if TYPE_CHECKING:
    from tdlocal.account.account import Account

TABLES = """
create table if not exists audiences (
    id integer primary key autoincrement,
    name text not null unique,
    body text not null,
    root_folder_id integer,
    population integer,
    built_for integer,
    builds integer not null default 0,
    matrix_updated_at text,
    created_at text not null,
    updated_at text not null
);
create table if not exists populations (
    kind text not null,
    id integer not null,
    at integer not null,
    population integer not null,
    primary key (kind, id, at)
);
create table if not exists audience_parts (id integer primary key autoincrement)
"""
SCALARS: dict[str, Any] = {
    "description": "",
    "scheduleType": "none",
    "scheduleOption": None,
    "timezone": "UTC",
    "workflowHiveOnly": False,
    "hiveEngineVersion": "0.13",
    "hivePoolName": None,
    "prestoPoolName": None,
    "maxActivationBehaviorRow": None,
    "allowActivationBehavior": False,
    "llmEnabled": False,
    "enrichmentWordTaggingEnabled": False,
    "enrichmentIpEnabled": False,
    "enrichmentTdJsSdkEnabled": False,
}
SCHEDULES = ("cron", "daily", "hourly", "minutes_interval", "monthly", "none", "weekly")
USUAL_OPTIONS = {"daily": "00:00:00", "hourly": "00:00"}
ATTRIBUTE_TEXTS = ("name", "parentDatabaseName", "parentTableName", "parentColumn", "parentKey", "foreignKey")
BEHAVIOR_TEXTS = ("name", "parentDatabaseName", "parentTableName", "parentKey", "foreignKey")


class Audiences:
    """The audiences of the account, as rows of the store."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.store = account.store
        self.store.script(TABLES)
        self._building: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)

    def building(self, audience: int) -> threading.Lock:
        """The right to build an audience: one build at a time."""
        return self._building[audience]

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make an audience with its root folder and its project `cdp_audience_<id>`."""
        name = nameless(body.get("name"), "audience")
        definition = self._definition(body, {})
        now = iso_now()
        with self.store.transaction():
            self._name_is_free(name)
            cursor = self.store.execute(
                "insert into audiences (name, body, created_at, updated_at) values (?, '{}', ?, ?)",
                (name, now, now),
            )
            audience = int(cursor.lastrowid or 0)
            root = self.account.folders.plant(audience, name)
            self.account.projects.plant_audience(audience)
            self._save(audience, name, definition, root)
        return self.show(audience)

    def update(self, audience: Any, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change an audience. With `master` the attributes, behaviours and filters are replaced whole;
        without it they stay as they are."""
        row = self.get(audience)
        name = nameless(body.get("name", row["name"]), "audience")
        definition = self._definition(body, json.loads(row["body"]))
        with self.store.transaction():
            if name != row["name"]:
                self._name_is_free(name)
            self._save(row["id"], name, definition, row["root_folder_id"])
        return self.show(row["id"])

    def delete(self, audience: Any) -> dict[str, Any]:
        """Delete an audience with its folders, segments, project and database; return what it was."""
        shown = self.show(audience)
        number = as_id(audience)
        with self.store.transaction():
            for table in ("segments", "folders"):
                self.store.execute("pragma defer_foreign_keys = on")
                self.store.execute(f"delete from {table} where audience_id = ?", (number,))
            self.store.execute("delete from audiences where id = ?", (number,))
            self.account.projects.uproot_audience(number)
        if database_of(number) in self.account.engine.databases():
            self.account.engine.drop_database(database_of(number))
        return shown

    def get(self, audience: Any) -> dict[str, Any]:
        """The stored row; NotThere when there is none."""
        row = self.store.one("select * from audiences where id = ?", (as_id(audience),))
        if row is None:
            raise NotThere(f"audience {audience} does not exist")
        return row

    def definition(self, audience: Any) -> dict[str, Any]:
        """The definition alone: master, attributes, behaviors, audienceFilters and the scalars."""
        found: dict[str, Any] = json.loads(self.get(audience)["body"])
        return found

    def show(self, audience: Any) -> dict[str, Any]:
        """The audience as clients see it."""
        return shown(self.get(audience))

    def all(self) -> list[dict[str, Any]]:
        return [shown(row) for row in self.store.query("select * from audiences order by id")]

    def built(self, audience: int, population: int, session: int) -> None:
        """Note a finished build: how many customers, and for which session (unix seconds)."""
        self.store.execute(
            "update audiences set population = ?, built_for = ?, builds = builds + 1, matrix_updated_at = ?"
            " where id = ?",
            (population, session, iso_now(), audience),
        )
        self.note_population("audience", audience, session, population)

    def note_population(self, kind: str, number: int, at: int, population: int) -> None:
        self.store.execute(
            "insert into populations (kind, id, at, population) values (?, ?, ?, ?)"
            " on conflict (kind, id, at) do update set population = excluded.population",
            (kind, number, at, population),
        )

    def populations(self, kind: str, number: int) -> list[tuple[int, int]]:
        """Every population noted, oldest first, as (unix seconds, population)."""
        rows = self.store.query(
            "select at, population from populations where kind = ? and id = ? order by at", (kind, number)
        )
        return [(row["at"], row["population"]) for row in rows]

    def _name_is_free(self, name: str) -> None:
        if self.store.query("select id from audiences where name = ?", (name,)):
            raise name_taken()

    def _save(self, audience: int, name: str, definition: dict[str, Any], root: int | None) -> None:
        for part in (*definition["attributes"], *definition["behaviors"]):
            part["audienceId"] = str(audience)
            part["id"] = str(part.get("id") or self._part_id())
        for behavior in definition["behaviors"]:
            behavior["matrixDatabaseName"] = database_of(audience)
        self.store.execute(
            "update audiences set name = ?, body = ?, root_folder_id = ?, updated_at = ? where id = ?",
            (name, json.dumps(definition), root, iso_now(), audience),
        )
        self.account.projects.schedule_audience(audience, schedule_in(definition), definition["timezone"])

    def _part_id(self) -> int:
        return int(self.store.execute("insert into audience_parts default values").lastrowid or 0)

    def _definition(self, body: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        """The new definition, checked; every fault is told at once."""
        if body.get("customerGroup"):
            raise Unsupported("audiences with a customerGroup are not supported by tdlocal")
        definition = {key: body.get(key, before.get(key, usual)) for key, usual in SCALARS.items()}
        parts = body if body.get("master") is not None or not before else before
        faults = scalar_faults(definition)
        definition["master"] = copy.deepcopy(parts.get("master"))
        faults += text_faults(definition["master"], ("parentDatabaseName", "parentTableName"), "master")
        for key, settle in (("attributes", settled_attribute), ("behaviors", settled_behavior)):
            found = parts.get(key) or []
            if not isinstance(found, list):
                faults.append(f"{key} must be a list")
                found = []
            settled = [settle(one, f"{key}[{index}]") for index, one in enumerate(found)]
            definition[key] = [part for part, _ in settled]
            faults += [fault for _, told in settled for fault in told]
        definition["audienceFilters"], told = settled_filters(parts.get("audienceFilters"))
        faults += told
        if not faults:
            faults = name_faults(definition)
        if faults:
            raise faulty("audience", faults)
        return definition


def schedule_in(definition: Mapping[str, Any]) -> dict[str, str] | None:
    """The `schedule:` of the audience's workflow; None when it has none.

    >>> schedule_in({"scheduleType": "daily", "scheduleOption": "07:00:00"})
    {'daily>': '07:00:00'}
    """
    kind, option = definition["scheduleType"], definition["scheduleOption"]
    if kind == "none":
        return None
    return {f"{kind}>": str(USUAL_OPTIONS.get(kind, "") if option in (None, "") else option)}


def database_of(audience: int) -> str:
    """
    >>> database_of(7)
    'cdp_audience_7'
    """
    return f"cdp_audience_{audience}"


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    definition = json.loads(row["body"])
    return {
        "id": str(row["id"]),
        "name": row["name"],
        **{key: definition[key] for key in SCALARS},
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "createdBy": dict(OWNER),
        "updatedBy": dict(OWNER),
        "matrixUpdatedAt": row["matrix_updated_at"],
        "population": row["population"],
        "rootFolderId": str(row["root_folder_id"]),
        "master": definition["master"],
        "attributes": definition["attributes"],
        "behaviors": definition["behaviors"],
        "audienceFilters": definition["audienceFilters"],
    }


OWNER = {"id": "1", "td_user_id": "1", "name": "tdlocal"}  # who made everything here


def settled_attribute(given: Any, place: str) -> tuple[dict[str, Any], list[str]]:
    """An attribute with its defaults, and its faults."""
    faults = text_faults(given, ATTRIBUTE_TEXTS, place)
    if not isinstance(given, Mapping):
        return {}, faults
    part = dict(given)
    part.setdefault("groupingName", None)
    part["type"] = part.get("type") or "string"
    if part["type"] not in KINDS:
        faults.append(f"{place}.type must be one of {', '.join(KINDS)}, not {part['type']!r}")
    part["matrixColumnName"] = str(part.get("matrixColumnName") or slug(str(part.get("name"))))
    return part, faults


def settled_behavior(given: Any, place: str) -> tuple[dict[str, Any], list[str]]:
    """A behaviour with its defaults, and its faults."""
    faults = text_faults(given, BEHAVIOR_TEXTS, place)
    if not isinstance(given, Mapping):
        return {}, faults
    part = dict(given)
    part["matrixTableName"] = str(part.get("matrixTableName") or f"behavior_{slug(str(part.get('name')))}")
    part["allColumns"] = bool(part.get("allColumns", False))
    part.setdefault("defaultTimeFilterEnabled", False)
    part.setdefault("isRealtime", False)
    part.setdefault("scheduleType", "none")
    part.setdefault("scheduleOption", None)
    if part["isRealtime"]:
        raise Unsupported(f"{place}: realtime behaviors are not supported by tdlocal")
    if not part["matrixTableName"].startswith("behavior_"):
        faults.append(f"{place}.matrixTableName must begin with behavior_, not {part['matrixTableName']!r}")
    schema = part.get("schema") or []
    if not isinstance(schema, list):
        return part | {"schema": []}, [*faults, f"{place}.schema must be a list"]
    columns = [dict(one) if isinstance(one, Mapping) else {} for one in schema]
    for index, column in enumerate(columns):
        faults += text_faults(column, ("name", "parentColumn"), f"{place}.schema[{index}]")
        column["type"] = column.get("type") or "string"
        if column["type"] not in KINDS:
            faults.append(f"{place}.schema[{index}].type must be one of {', '.join(KINDS)}")
        column["matrixColumnName"] = str(column.get("matrixColumnName") or slug(str(column.get("name"))))
    part["schema"] = columns
    if not columns and not part["allColumns"]:
        faults.append(f"{place}.schema is empty; list its columns or set allColumns")
    return part, faults


def settled_filters(given: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """audienceFilters: columns of the master table and the values that stay."""
    faults = []
    filters = []
    for index, one in enumerate(given if isinstance(given, list) else []):
        values = one.get("rightValues") if isinstance(one, Mapping) else None
        if not isinstance(values, list) or not isinstance(one.get("columnName"), str):
            faults.append(f"audienceFilters[{index}] needs columnName and rightValues")
        else:
            filters.append({"columnName": one["columnName"], "rightValues": [str(value) for value in values]})
    if len(filters) > 2:
        faults.append("audienceFilters may have two entries at most")
    return filters, faults


def text_faults(given: Any, keys: tuple[str, ...], place: str) -> list[str]:
    if not isinstance(given, Mapping):
        return [f"{place} must be an object with {', '.join(keys)}"]
    return [
        f"{place}.{key} is missing"
        for key in keys
        if not isinstance(given.get(key), str) or not given[key].strip()
    ]


def scalar_faults(definition: Mapping[str, Any]) -> list[str]:
    faults = []
    if definition["scheduleType"] not in SCHEDULES:
        faults.append(f"scheduleType must be one of {', '.join(SCHEDULES)}")
    try:
        find_zone(str(definition["timezone"]))
    except TimeFault as fault:
        return [*faults, str(fault)]
    schedule = None if faults else schedule_in(definition)
    try:
        if schedule:
            Schedule(schedule, str(definition["timezone"]))
    except ValueError as fault:
        faults.append(f"scheduleOption of a {definition['scheduleType']} schedule: {fault}")
    return faults


def name_faults(definition: Mapping[str, Any]) -> list[str]:
    """Columns of customers and tables of behaviours must have names of their own."""
    faults = []
    named = {
        "attribute column": [part["matrixColumnName"] for part in definition["attributes"]],
        "behavior table": [part["matrixTableName"] for part in definition["behaviors"]],
    }
    for behavior in definition["behaviors"]:
        named[f"column of {behavior['matrixTableName']}"] = [
            column["matrixColumnName"] for column in behavior["schema"]
        ]
    for what, names in named.items():
        faults += [
            f"{what} {name!r} is there twice" for name in sorted({n for n in names if names.count(n) > 1})
        ]
    return faults
