"""Segments of an audience: rules, the people they take in, and how many those are.

Relative times in a rule count from the session for which the audience was last built (from now before that),
so that the same session gives the same people whenever one asks.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tdlocal.account.audience_build import matrix_of
from tdlocal.account.audiences import database_of
from tdlocal.account.cdp_values import (
    Unsupported,
    as_id,
    faulty,
    iso_now,
    name_taken,
    nameless,
    text_or_none,
    unix_now,
)
from tdlocal.account.errors import AlreadyThere, NotThere, Refused
from tdlocal.account.segment_matrix import CUSTOMER
from tdlocal.account.segment_rules import RuleFault, RuleLacking, compile_rule, references
from tdlocal.account.segment_time import Clock
from tdlocal.engine.types import EngineError

if TYPE_CHECKING:
    from tdlocal.account.account import Account

TABLE = """
create table if not exists segments (
    id integer primary key autoincrement,
    audience_id integer not null references audiences (id),
    folder_id integer not null references folders (id),
    name text not null,
    description text,
    rule text not null,
    count_population integer not null,
    dashboard_id text,
    is_visible integer not null default 1,
    population integer,
    counted_build integer,
    created_at text not null,
    updated_at text not null,
    unique (audience_id, name)
)
"""
MOST_QUERIES = 200  # kept in memory; the oldest goes first
SAMPLE = 100  # members on a page, unless the request says otherwise


@dataclass
class Query:
    """A counted rule whose members can be paged through; lives as long as the server."""

    audience: int
    sql: str
    columns: list[str]
    page_size: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    count: int | None = None
    error: str | None = None


class Segments:
    """The segments of all audiences, as rows of the store."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.store = account.store
        self.store.execute(TABLE)
        self._queries: OrderedDict[str, Query] = OrderedDict()
        self._lock = threading.Lock()

    # ---- create, change, delete

    def create(self, audience: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """Make a segment. *given*: name, description, rule, folder, countPopulation, dashboard, isVisible."""
        parent = self.account.audiences.get(audience)
        name = nameless(given.get("name"), "segment")
        folder = self._folder(parent["id"], given.get("folder"))
        rule = self.checked(parent["id"], given.get("rule"))
        self._name_is_free(parent["id"], name)
        counts = bool(given.get("countPopulation", False))
        population = self.count(parent["id"], rule) if counts and parent["builds"] else None
        stamp = iso_now()
        with self.store.transaction():
            self._name_is_free(parent["id"], name)
            cursor = self.store.execute(
                "insert into segments (audience_id, folder_id, name, description, rule, count_population,"
                " dashboard_id, is_visible, population, counted_build, created_at, updated_at)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    parent["id"],
                    folder,
                    name,
                    text_or_none(given.get("description"), "description"),
                    json.dumps(rule),
                    counts,
                    text_or_none(given.get("dashboard"), "segmentInsightDashboardId"),
                    given.get("isVisible", True) is not False,
                    population,
                    parent["builds"] if population is not None else None,
                    stamp,
                    stamp,
                ),
            )
        return self.get(cursor.lastrowid)

    def update(self, segment: Any, given: Mapping[str, Any], audience: Any = None) -> dict[str, Any]:
        """Change what *given* names; the rest stays."""
        row = self.get(segment, audience)
        name = nameless(given.get("name", row["name"]), "segment")
        if name != row["name"]:
            self._name_is_free(row["audience_id"], name)
        folder = row["folder_id"]
        if given.get("folder") is not None:
            folder = self._folder(row["audience_id"], given["folder"])
        rule = json.loads(row["rule"])
        if "rule" in given:
            rule = self.checked(row["audience_id"], given["rule"], itself=row["id"])
        self.store.execute(
            "update segments set name = ?, folder_id = ?, rule = ?, description = ?, count_population = ?,"
            " dashboard_id = ?, is_visible = ?, updated_at = ? where id = ?",
            (
                name,
                folder,
                json.dumps(rule),
                text_or_none(given.get("description", row["description"]), "description"),
                bool(given.get("countPopulation", row["count_population"])),
                text_or_none(given.get("dashboard", row["dashboard_id"]), "segmentInsightDashboardId"),
                given.get("isVisible", bool(row["is_visible"])) is not False,
                iso_now(),
                row["id"],
            ),
        )
        # others may refer to this one, so that all counts of the audience are old now
        self.store.execute(
            "update segments set counted_build = null where audience_id = ?", (row["audience_id"],)
        )
        return self.get(row["id"])

    def delete(self, segment: Any, audience: Any = None) -> dict[str, Any]:
        """Delete a segment that no other one refers to; return what it was."""
        row = self.get(segment, audience)
        users = [
            {"id": str(other["id"])}
            for other in self.all(row["audience_id"])
            if str(row["id"]) in references(json.loads(other["rule"])) and other["id"] != row["id"]
        ]
        if users:
            names = ", ".join(user["id"] for user in users)
            detail = f"segment {row['id']} is referred to by segments {names}"
            error = {"code": "conflict-error", "status": "409", "detail": detail}
            raise AlreadyThere(detail, body={"errors": [error | {"meta": {"referencedBySegments": users}}]})
        self.store.execute("delete from segments where id = ?", (row["id"],))
        return row

    # ---- read

    def get(self, segment: Any, audience: Any = None) -> dict[str, Any]:
        """One segment's row with an up-to-date population; NotThere when it is none of *audience*."""
        row = self.store.one("select * from segments where id = ?", (as_id(segment),))
        if row is None or (audience is not None and row["audience_id"] != as_id(audience)):
            raise NotThere(f"segment {segment} does not exist")
        return self._counted(row)

    def all(self, audience: Any) -> list[dict[str, Any]]:
        parent = self.account.audiences.get(audience)["id"]
        return self.store.query("select * from segments where audience_id = ? order by id", (parent,))

    def inside(self, folder: Any) -> list[dict[str, Any]]:
        """The segments of a folder, with up-to-date populations."""
        rows = self.store.query("select * from segments where folder_id = ? order by id", (as_id(folder),))
        return [self._counted(row) for row in rows]

    def recount(self, audience: int, session: int) -> dict[str, int]:
        """Count every segment that asks for it, after a build; return the counts by id."""
        counts = {}
        for row in self.all(audience):
            if row["count_population"]:
                counts[str(row["id"])] = self._counted(row)["population"]
                self.account.audiences.note_population("segment", row["id"], session, row["population"])
        return counts

    # ---- rules

    def checked(self, audience: int, rule: Any, itself: int | None = None) -> dict[str, Any]:
        """The rule, when it can be compiled; every fault is told at once."""
        if rule in (None, {}):
            return {}
        if not isinstance(rule, dict):
            raise faulty("rule", ["rule must be an object"])
        self.sql(audience, rule, itself=itself)
        return rule

    def sql(
        self,
        audience: int,
        rule: Mapping[str, Any] | None,
        columns: list[str] | None = None,
        itself: int | None = None,
    ) -> str:
        """The select that gives the members of *rule*."""
        parent = self.account.audiences.get(audience)
        definition = self.account.audiences.definition(audience)
        matrix = matrix_of(parent["id"], definition, self.account.engine)

        def rule_of(segment: str) -> Mapping[str, Any] | None:
            if itself is not None and segment == str(itself):
                return rule
            row = self.store.one("select * from segments where id = ?", (as_id(segment),))
            if row is None or row["audience_id"] != parent["id"]:
                raise KeyError(segment)
            found: dict[str, Any] = json.loads(row["rule"])
            return found

        try:
            return compile_rule(rule, matrix, self._clock(parent), rule_of, columns=columns)
        except RuleFault as fault:
            raise faulty("rule", fault.faults) from fault
        except RuleLacking as lacking:
            raise Unsupported(str(lacking)) from lacking

    def count(self, audience: int, rule: Mapping[str, Any] | None) -> int:
        """How many people the rule takes in."""
        sql = f"select count(*) as people from (\n{self.sql(audience, rule, [CUSTOMER])}\n) members"
        rows = self._rows(audience, sql)
        return int(rows[0][0])

    # ---- queries: count now, page through members

    def start_query(self, audience: Any, given: Mapping[str, Any]) -> Query:
        """Count a rule and keep it for paging. *given*: rule, columns, pageSize."""
        parent = self.account.audiences.get(audience)["id"]
        columns = given.get("columns") or []
        if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
            raise Refused("columns must be a list of names")
        columns = list(dict.fromkeys([CUSTOMER, *columns]))
        size = given.get("pageSize") or SAMPLE
        if not isinstance(size, int) or not 0 < size <= 10_000:
            raise Refused("pageSize must be from 1 to 10000")
        self._is_built(parent)
        query = Query(parent, self.sql(parent, given.get("rule"), columns), columns, size)
        try:
            query.count = int(
                self._rows(parent, f"select count(*) as people from (\n{query.sql}\n) members")[0][0]
            )
        except Refused as error:
            query.error = error.message
        with self._lock:
            self._queries[query.id] = query
            while len(self._queries) > MOST_QUERIES:
                self._queries.popitem(last=False)
        return query

    def query(self, audience: Any, name: str) -> Query:
        found = self._queries.get(name)
        if found is None or found.audience != as_id(audience):
            raise NotThere(f"query {name} does not exist")
        return found

    def page(self, query: Query, page: int) -> list[list[Any]]:
        """Members number *page* (from 1) of a query, in order of their id."""
        first = (page - 1) * query.page_size
        listed = ", ".join(f'"{name}"' for name in query.columns)
        sql = (
            f"select {listed} from (\nselect *, row_number() over (order by {CUSTOMER}) as _place from (\n"
            f"{query.sql}\n) members\n) placed where _place > {first} and _place <= {first + query.page_size}"
            f" order by _place"
        )
        return [list(row) for row in self._rows(query.audience, sql)]

    # ---- helpers

    def _rows(self, audience: int, sql: str) -> list[tuple[Any, ...]]:
        parent = self._is_built(audience)
        engine = self.account.engine
        database = database_of(parent["id"])
        try:
            answer = engine.run(sql, database=database, scheduled_time=self._clock(parent).now)
        except EngineError as error:
            raise faulty("rule", [error.message]) from error
        try:
            return [row for batch in answer.batches() for row in batch]
        finally:
            answer.close()

    def _is_built(self, audience: int) -> dict[str, Any]:
        parent = self.account.audiences.get(audience)
        if not parent["builds"]:
            raise Refused(f"audience {audience} was never run; run its workflow `audience` first")
        return parent

    def _clock(self, parent: Mapping[str, Any]) -> Clock:
        zone = json.loads(parent["body"])["timezone"]
        return Clock(parent["built_for"] if parent["built_for"] is not None else unix_now(), zone)

    def _counted(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with the population of the audience's last build."""
        builds = self.account.audiences.get(row["audience_id"])["builds"]
        if not row["count_population"] or not builds or row["counted_build"] == builds:
            return row
        try:
            row["population"] = self.count(row["audience_id"], json.loads(row["rule"]))
        except Refused:
            row["population"] = None
        row["counted_build"] = builds
        self.store.execute(
            "update segments set population = ?, counted_build = ? where id = ?",
            (row["population"], builds, row["id"]),
        )
        return row

    def _folder(self, audience: int, folder: Any) -> int:
        if folder in (None, ""):
            return int(self.account.folders.root(audience)["id"])
        return int(self.account.folders.get(folder, audience)["id"])

    def _name_is_free(self, audience: int, name: str) -> None:
        if self.store.query("select id from segments where audience_id = ? and name = ?", (audience, name)):
            raise name_taken()
