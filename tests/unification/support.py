"""Compiled unification workflows run straight on an engine: what td>, td_ddl> and the loops mean, no more."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tdlocal.engine.types import Engine
from tdlocal.unification.compile import compile_workflow
from tests.support import SESSION_UNIXTIME, put_rows, render


class Killed(Exception):
    """The run was to die here."""


class Run:
    """One run of a workflow.

    Args:
        engine: holds the source tables and gets the results.
        session: the run's session_unixtime.
        die_after: number of td> and td_ddl> tasks after which the run dies.
    """

    def __init__(self, engine: Engine, session: int = SESSION_UNIXTIME, die_after: int | None = None) -> None:
        self.engine, self.die_after, self.done, self.statements = engine, die_after, 0, 0
        self.results: dict[str, Any] = {}
        self.said: list[str] = []  # by echo>
        self.session = session

    def run(self, workflow: Mapping[str, Any]) -> Run:
        self.database = workflow["_export"]["td"]["database"]
        # through JSON, as http_call> gets it
        self._task(json.loads(json.dumps(workflow)), {"session_unixtime": self.session})
        return self

    def _task(self, task: Any, params: dict[str, Any]) -> None:
        params = {**params, **{k: v for k, v in task.get("_export", {}).items() if k != "td"}}
        params["td"] = {"last_results": self.results}
        if "td>" in task:
            self._query(task, params)
        elif "td_ddl>" in task:
            self._ddl(json.loads(render(json.dumps(task), params)))
        elif "fail>" in task:
            raise AssertionError(task["fail>"])
        elif "loop>" in task:
            for i in range(int(render(str(task["loop>"]), params))):
                self._group(task["_do"], {**params, "i": i})
        elif "for_each>" in task:
            ((name, values),) = task["for_each>"].items()
            for value in values:
                value = render(value, params) if isinstance(value, str) else value
                self._group(task["_do"], {**params, name: value})
        elif "if>" in task:
            if render(task["if>"], params) == "true":
                self._group(task["_do"], params)
            else:
                self._group(task.get("_else_do", {}), params)
        elif "echo>" in task:
            self.said.append(render(task["echo>"], params))
        else:
            self._group(task, params)

    def _group(self, group: Mapping[str, Any], params: dict[str, Any]) -> None:
        for name, task in group.items():
            if name.startswith("+"):
                self._task(task, params)

    def _query(self, task: Mapping[str, Any], params: dict[str, Any]) -> None:
        sql = render(task["td>"]["data"], params)
        answer = self.engine.run(sql, database=self.database, scheduled_time=self.session, strict=True)
        self._tick()
        if task.get("store_last_results"):
            rows = [row for batch in answer.batches() for row in batch]
            names = [column.name for column in answer.columns]
            self.results.clear()
            self.results.update(dict(zip(names, rows[0], strict=True)) if rows else {})

    def _ddl(self, task: Mapping[str, Any]) -> None:
        for name in task.get("create_databases", ()):
            if name not in self.engine.databases():
                self.engine.create_database(name)
        for pair in task.get("rename_tables", ()):
            self.engine.rename_table(self.database, pair["from"], pair["to"], overwrite=True)
        for name in task.get("drop_tables", ()):
            if self.engine.table(self.database, name) is not None:
                self.engine.drop_table(self.database, name)
        self._tick()

    def _tick(self) -> None:
        self.done += 1
        if self.die_after is not None and self.done >= self.die_after:
            raise Killed


def unify(
    engine: Engine,
    unification: Mapping[str, Any],
    session: int = SESSION_UNIXTIME,
    die_after: int | None = None,
    **options: Any,
) -> Run:
    """Compile and run."""
    return Run(engine, session, die_after).run(compile_workflow(unification, **options))


def rows(engine: Engine, sql: str, database: str = "information_schema") -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    answer = engine.run(sql, database=database, scheduled_time=SESSION_UNIXTIME, strict=True)
    return [tuple(row) for batch in answer.batches() for row in batch]


def put(engine: Engine, table: str, columns: Sequence[str], values: Sequence[Sequence[Any]]) -> None:
    """Make a source table of text columns and ``time``, anew; time counts from 1 when it is no column."""
    given = [dict(zip(columns, row, strict=True)) for row in values]
    for at, row in enumerate(given, start=1):
        row.setdefault("time", at)
    types = {column: "varchar" for column in columns if column != "time"} | {"time": "bigint"}
    database, name = table.split(".")
    if database in engine.databases() and engine.table(database, name) is not None:
        engine.drop_table(database, name)
    put_rows(engine, table, given, types)


def copied(engine: Engine, source: str, target: str) -> None:
    """Make the database *target* hold what *source* holds, and nothing else."""
    if target in engine.databases():
        engine.drop_database(target)
    engine.create_database(target)
    for table in engine.tables(source):
        sql = f'create table "{table.name}" as select * from {source}."{table.name}"'
        engine.run(sql, database=target, scheduled_time=SESSION_UNIXTIME)


def one_table(keys: Sequence[str], **more: Any) -> dict[str, Any]:
    """Return a unification of the table stg.a whose columns are the keys' names; the id is called ``who``."""
    return {
        "name": "t",
        "keys": [{"name": key} for key in keys],
        "tables": [
            {"database": "stg", "table": "a", "key_columns": [{"column": key, "key": key} for key in keys]}
        ],
        "canonical_ids": [{"name": "who", "merge_by_keys": list(keys)}],
        **more,
    }


def people(
    engine: Engine, columns: str = "time", table: str = "a", id_name: str = "who"
) -> dict[Any, str | None]:
    """Return the canonical id of every row of an enriched table by *columns*."""
    found = rows(engine, f"select {columns}, {id_name} from cdp_unification_t.enriched_{table}")
    return {row[0] if len(row) == 2 else row[:-1]: row[-1] for row in found}


def partition(ids: Mapping[Any, str | None]) -> set[frozenset[Any]]:
    """Return which rows are together, whatever the ids are called; rows without one are left out."""
    groups: dict[str, set[Any]] = {}
    for row, name in ids.items():
        if name is not None:
            groups.setdefault(name, set()).add(row)
    return {frozenset(group) for group in groups.values()}
