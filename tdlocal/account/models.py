"""Data models for dashboards, their builds, and the dashboards themselves.

A build reads every declared table: it ends as `done` with the rows of each, or as `failed` with everything
that is missing. Its state is what the work is doing at that moment.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tdlocal.account.cdp_values import faulty, iso_now, nameless, unix_now
from tdlocal.account.errors import AlreadyThere, NotThere, Refused
from tdlocal.account.segment_operators import identifier
from tdlocal.engine.types import EngineError

if TYPE_CHECKING:
    from tdlocal.account.account import Account

TABLES = """
create table if not exists datamodels (
    oid text primary key,
    name text not null unique,
    body text not null,
    status text not null,
    last_built text,
    created_at text not null,
    updated_at text not null
);
create table if not exists datamodel_builds (
    number integer primary key autoincrement,
    oid text not null unique,
    model_oid text not null references datamodels (oid) on delete cascade,
    build_type text not null,
    status text not null,
    tables text not null,
    errors text not null,
    created_at text not null,
    started_at text,
    finished_at text
);
create table if not exists dashboards (
    oid text primary key,
    title text not null,
    body text not null,
    created_at text not null,
    updated_at text not null
)
"""
QUEUED, BUILDING, DONE, FAILED = "queued", "building", "done", "failed"
BUILD_TYPES = ("full", "by_table", "schema_changes")
TYPES = ("bigint", "int", "float", "double", "text", "timestamp", "date", "boolean")


class Models:
    """The data models and dashboards of the account, as rows of the store."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.store = account.store
        self.store.script(TABLES)
        self.store.execute(
            "update datamodel_builds set status = ?, errors = ?, finished_at = ? where status in (?, ?)",
            (FAILED, json.dumps(["the account stopped during the build"]), iso_now(), QUEUED, BUILDING),
        )
        self.store.execute(
            "update datamodels set status = ? where status in (?, ?)", (FAILED, QUEUED, BUILDING)
        )
        self._threads: dict[str, threading.Thread] = {}

    # ---- data models

    def create(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Make a data model from *given*: name, description, type, shared_users, datamodel."""
        name = nameless(given.get("name"), "data model")
        faults = model_faults(given.get("datamodel"))
        if faults:
            raise faulty("datamodel", faults)
        body = {key: given.get(key) for key in ("description", "shared_users", "datamodel")}
        body["type"] = given.get("type") or "elasticube"
        oid, stamp = uuid.uuid4().hex[:24], iso_now()
        with self.store.transaction():
            if self.store.query("select oid from datamodels where name = ?", (name,)):
                raise AlreadyThere(f"data model {name!r} exists already")
            self.store.execute(
                "insert into datamodels (oid, name, body, status, created_at, updated_at)"
                " values (?, ?, ?, ?, ?, ?)",
                (oid, name, json.dumps(body), "created", stamp, stamp),
            )
        return self.get(oid)

    def get(self, oid: str) -> dict[str, Any]:
        row = self.store.one("select * from datamodels where oid = ?", (oid,))
        if row is None:
            raise NotThere(f"data model {oid} does not exist")
        return row

    def all(self) -> list[dict[str, Any]]:
        return self.store.query("select * from datamodels order by created_at, oid")

    def delete(self, oid: str) -> dict[str, Any]:
        row = self.get(oid)
        self.store.execute("delete from datamodels where oid = ?", (oid,))
        return row

    # ---- builds

    def build(self, oid: str, build_type: Any) -> dict[str, Any]:
        """Start a build and return it."""
        model = self.get(oid)
        if build_type not in BUILD_TYPES:
            raise Refused(f"buildType {build_type!r} is unknown; use one of {', '.join(BUILD_TYPES)}")
        number = uuid.uuid4().hex[:24]
        self.store.execute(
            "insert into datamodel_builds (oid, model_oid, build_type, status, tables, errors, created_at)"
            " values (?, ?, ?, ?, '{}', '[]', ?)",
            (number, oid, build_type, QUEUED, iso_now()),
        )
        definition = json.loads(model["body"])["datamodel"]
        thread = threading.Thread(target=self._perform, args=(oid, number, definition), daemon=True)
        self._threads[number] = thread
        thread.start()
        return self.build_of(oid, number)

    def build_of(self, oid: str, build: str) -> dict[str, Any]:
        row = self.store.one("select * from datamodel_builds where oid = ? and model_oid = ?", (build, oid))
        if row is None:
            raise NotThere(f"build {build} of data model {oid} does not exist")
        return row

    def builds(self, oid: str) -> list[dict[str, Any]]:
        """Builds of a model, newest first."""
        self.get(oid)
        return self.store.query(
            "select * from datamodel_builds where model_oid = ? order by number desc", (oid,)
        )

    def wait(self, build: str, seconds: float) -> None:
        """Return when the build has ended or *seconds* have passed."""
        thread = self._threads.get(build)
        if thread:
            thread.join(seconds)

    def _perform(self, oid: str, build: str, definition: Mapping[str, Any]) -> None:
        self._mark(oid, build, BUILDING, started_at=iso_now())
        rows: dict[str, int] = {}
        errors: list[str] = []
        try:
            for database, table, columns in declared_tables(definition):
                try:
                    rows[f"{database}.{table}"] = self._rows(database, table, columns)
                except Missing as missing:
                    errors += missing.faults
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
            raise
        finally:
            status = FAILED if errors else DONE
            told = {"tables": json.dumps(rows), "errors": json.dumps(errors), "finished_at": iso_now()}
            self._mark(oid, build, status, **told)
            self._threads.pop(build, None)

    def _rows(self, database: str, table: str, columns: list[str]) -> int:
        """Read the declared columns of a table; the number of rows that came."""
        engine = self.account.engine
        info = engine.table(database, table) if database in engine.databases() else None
        if info is None:
            raise Missing([f"table {database}.{table} does not exist"])
        known = {column.name for column in info.columns}
        missing = [f"{database}.{table} has no column {name!r}" for name in columns if name not in known]
        if missing:
            raise Missing(missing)
        counted = ", ".join(f"count({identifier(name)}) as n{i}" for i, name in enumerate(columns))
        source = f"{identifier(database)}.{identifier(table)}"
        sql = f"select count(*) as n{', ' + counted if counted else ''} from {source}"
        try:
            answer = engine.run(sql, database=database, scheduled_time=unix_now())
        except EngineError as error:
            raise Missing([f"{database}.{table}: {error.message}"]) from error
        try:
            return int(next(answer.batches())[0][0])
        finally:
            answer.close()

    def _mark(self, oid: str, build: str, status: str, **columns: str) -> None:
        names = ["status", *columns]
        self.store.execute(
            f"update datamodel_builds set {', '.join(f'{name} = ?' for name in names)} where oid = ?",
            (status, *columns.values(), build),
        )
        built = iso_now() if status == DONE else None
        self.store.execute(
            "update datamodels set status = ?, last_built = coalesce(?, last_built), updated_at = ?"
            " where oid = ?",
            (status, built, iso_now(), oid),
        )

    # ---- dashboards

    def create_dashboard(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a dashboard document; `title` (or `name`) is its name."""
        title = nameless(given.get("title", given.get("name")), "dashboard")
        oid, stamp = uuid.uuid4().hex[:24], iso_now()
        self.store.execute(
            "insert into dashboards (oid, title, body, created_at, updated_at) values (?, ?, ?, ?, ?)",
            (oid, title, json.dumps(dict(given)), stamp, stamp),
        )
        return self.dashboard(oid)

    def dashboard(self, oid: str) -> dict[str, Any]:
        row = self.store.one("select * from dashboards where oid = ?", (oid,))
        if row is None:
            raise NotThere(f"dashboard {oid} does not exist")
        return row

    def dashboards(self) -> list[dict[str, Any]]:
        return self.store.query("select * from dashboards order by created_at, oid")

    def update_dashboard(self, oid: str, given: Mapping[str, Any]) -> dict[str, Any]:
        row = self.dashboard(oid)
        body = json.loads(row["body"]) | dict(given)
        title = nameless(given.get("title", given.get("name", row["title"])), "dashboard")
        self.store.execute(
            "update dashboards set title = ?, body = ?, updated_at = ? where oid = ?",
            (title, json.dumps(body), iso_now(), oid),
        )
        return self.dashboard(oid)

    def delete_dashboard(self, oid: str) -> dict[str, Any]:
        row = self.dashboard(oid)
        self.store.execute("delete from dashboards where oid = ?", (oid,))
        return row


class Missing(Exception):
    """Tables or columns that a build looked for in vain."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def declared_tables(definition: Mapping[str, Any]) -> list[tuple[str, str, list[str]]]:
    """Every declared table as (database, table, columns)."""
    return [
        (str(dataset["database"]), table, list(about.get("columns") or {}))
        for dataset in definition["datasets"].values()
        for table, about in dataset["tables"].items()
    ]


def model_faults(definition: Any) -> list[str]:
    """What is wrong with the `datamodel` of a request, all of it."""
    datasets = definition.get("datasets") if isinstance(definition, Mapping) else None
    if not isinstance(datasets, Mapping) or not datasets:
        return ["datamodel.datasets must be an object with at least one data set"]
    faults = []
    known: dict[tuple[str, str], set[str]] = {}
    for name, dataset in datasets.items():
        tables = dataset.get("tables") if isinstance(dataset, Mapping) else None
        if not isinstance(tables, Mapping) or not isinstance(dataset.get("database"), str):
            faults.append(f"datasets.{name} needs database and tables")
            continue
        for table, about in tables.items():
            columns = about.get("columns") if isinstance(about, Mapping) else None
            if not isinstance(columns, Mapping):
                faults.append(f"datasets.{name}.tables.{table} needs columns")
                continue
            known[name, table] = set(columns)
            faults += column_faults(columns, f"{name}.{table}")
    relations = definition.get("relations") or []
    if not isinstance(relations, list):
        return [*faults, "datamodel.relations must be a list"]
    for index, relation in enumerate(relations):
        ends = relation if isinstance(relation, list) else []
        if len(ends) != 2:
            faults.append(f"relations[{index}] must have two ends")
        for end in ends:
            faults += relation_faults(end, known, f"relations[{index}]")
    return faults


def column_faults(columns: Mapping[str, Any], place: str) -> list[str]:
    return [
        f"{place}.{name}: type must be one of {', '.join(TYPES)}"
        for name, about in columns.items()
        if not isinstance(about, Mapping) or about.get("type") not in TYPES
    ]


def relation_faults(end: Any, known: Mapping[tuple[str, str], set[str]], place: str) -> list[str]:
    if not isinstance(end, Mapping):
        return [f"{place}: an end needs dataset, table and column"]
    columns = known.get((str(end.get("dataset")), str(end.get("table"))))
    if columns is None:
        return [f"{place}: {end.get('dataset')}.{end.get('table')} is not declared"]
    if str(end.get("column")) not in columns:
        return [f"{place}: {end.get('dataset')}.{end.get('table')} declares no column {end.get('column')!r}"]
    return []
