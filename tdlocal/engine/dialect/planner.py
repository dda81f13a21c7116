"""Statements to plans, with a bounded memory of what was translated before."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tdlocal.engine.catalog import Catalog
from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.dialect import plans
from tdlocal.engine.dialect import syntax as s
from tdlocal.engine.dialect.casts import cast, coerce
from tdlocal.engine.dialect.compiler import Session
from tdlocal.engine.dialect.functions import AGGREGATES, WINDOWS, every_name
from tdlocal.engine.dialect.scopes import Output, Source
from tdlocal.engine.dialect.select import Compiled, QueryCompiler, slots
from tdlocal.engine.dialect.statements import parse
from tdlocal.engine.dialect.tokens import error_at
from tdlocal.engine.dialect.values import Value
from tdlocal.engine.failures import failure
from tdlocal.engine.functions.values import converter, shown
from tdlocal.engine.storage import (
    CATALOG,
    CATALOGS,
    as_written,
    full_name,
    quote,
    schema_name,
    stored_type,
)
from tdlocal.engine.types import Column, EngineError

CACHED = 2000  # translations kept
_TEXT_COLUMNS = {
    "tables": ("Table",), "schemas": ("Schema",), "catalogs": ("Catalog",),
    "session": ("Name", "Value", "Default", "Type", "Description"),
    "functions": ("Function", "Return Type", "Argument Types", "Function Type", "Deterministic",
    "Description"),
    "columns": ("Column", "Type", "Extra", "Comment"),
}  # fmt: skip


@dataclass(frozen=True)
class Parsed:
    """One statement of a text; *key* tells it apart from all others."""

    node: Any
    text: str
    key: str


@dataclass(frozen=True)
class _Kept:
    plan: plans.Plan
    reads: tuple[tuple[plans.Name, tuple[Column, ...]], ...]
    scheduled_time: int | None  # None: the plan is the same at any time


class Dialect:
    """Trino SQL as Treasure Data runs it: `statements` parses, `plan` translates."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.home = catalog, ""
        self._kept: OrderedDict[tuple[Any, ...], _Kept] = OrderedDict()
        self._parsed: OrderedDict[str, list[Parsed]] = OrderedDict()
        self._lock = threading.Lock()

    def statements(self, sql: str) -> list[Parsed]:
        """Every statement of *sql*. Raises SYNTAX_ERROR before any of them has run."""
        with self._lock:
            known = self._parsed.get(sql)
        if known is not None:
            return known
        try:
            nodes = parse(sql)
        except RecursionError:
            raise failure("SYNTAX_ERROR", "statement is too large (stack overflow)") from None
        found = [Parsed(node, sql, f"{number}:{sql}") for number, node in enumerate(nodes)]
        with self._lock:
            self._parsed[sql] = found
            if len(self._parsed) > CACHED:
                self._parsed.popitem(last=False)
        return found

    def plan(
        self,
        statement: Parsed,
        *,
        database: str,
        scheduled_time: int,
        time_zone: str = "UTC",
        strict: bool = True,
        prepared: Mapping[str, str] | None = None,
    ) -> plans.Plan:
        """What the engine has to do for *statement*; remembered as long as the tables it reads stay the
        same."""
        key = (statement.key, database, time_zone, strict)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and self._holds(kept, scheduled_time):
            return kept.plan
        session = Session(self.catalog, self.home, database, scheduled_time, time_zone)
        planner = _Planner(statement.text, session, strict)
        planner.prepared = prepared or {}
        try:
            plan = planner.plan(statement.node)
        except RecursionError:
            raise failure("SYNTAX_ERROR", "statement is too large (stack overflow)") from None
        if planner.lasting:
            made = _Kept(plan, tuple(planner.reads.items()), scheduled_time if session.used_time else None)
            with self._lock:
                self._kept[key] = made
                if len(self._kept) > CACHED:
                    self._kept.popitem(last=False)
        return plan

    def _holds(self, kept: _Kept, scheduled_time: int) -> bool:
        if kept.scheduled_time not in (None, scheduled_time):
            return False
        for (database, name), columns in kept.reads:
            table = self.catalog.table(database, name)
            if table is None or table.columns != columns:
                return False
        return True


class _Planner:
    """One statement on its way."""

    def __init__(
        self, text: str, session: Session, strict: bool, parameters: list[s.Node] | None = None
    ) -> None:
        self.text, self.session, self.strict = text, session, strict
        self.parameters = parameters or []
        self.reads: dict[plans.Name, tuple[Column, ...]] = {}
        self.prepared: Mapping[str, str] = {}
        self.lasting = False  # may the plan be used again?

    def error(self, pos: int, name: str, message: str) -> EngineError:
        return error_at(self.text, pos, name, message)

    def plan(self, node: Any) -> plans.Plan:
        if isinstance(node, s.Query):
            self.lasting = True
            return self.select(node)
        method = getattr(self, "plan_" + node.kind.replace(" ", "_"), None)
        if method is None:
            raise self.error(node.pos, "NOT_SUPPORTED", f"{node.kind} is not supported by the local account")
        plan: plans.Plan = method(node, node.details)
        return plan

    # -- queries

    def compiler(self) -> QueryCompiler:
        return QueryCompiler(self.text, self.session, self.parameters)

    def compiled(self, node: s.Query) -> tuple[Compiled, QueryCompiler]:
        compiler = self.compiler()
        made = compiler.query(node)
        self.reads.update(compiler.reads)
        return made, compiler

    def select(self, node: s.Query) -> plans.Query:
        made, compiler = self.compiled(node)
        columns = tuple(
            Column(output.name if output.name is not None else f"_col{index}", str(output.kind))
            for index, output in enumerate(made.outputs)
        )
        for output in made.outputs:
            if output.kind.name in k.SKETCHES:
                message = f"a {output.kind} as a column of the answer is not supported by the local account"
                raise failure("NOT_SUPPORTED", message)
        converters = [converter(output.kind, output.zone, output.packed) for output in made.outputs]
        texts = [shown(f"c{n}", output.kind, output.packed) for n, output in enumerate(made.outputs, 1)]
        sql = made.sql
        names = slots(len(texts))
        if ", ".join(texts) != names:
            sql = f"SELECT {', '.join(texts)} FROM ({sql}) AS q({names})"
        return plans.Query(sql, columns, dict(compiler.inputs), tuple(compiler.reads), tuple(converters))

    def named(self, parts: tuple[str, ...], pos: int) -> plans.Name:
        if len(parts) > 3 or (len(parts) == 3 and parts[0] not in CATALOGS):
            raise self.error(pos, "CATALOG_NOT_FOUND", f"Catalog '{parts[0]}' not found")
        database = parts[-2] if len(parts) > 1 else self.session.database
        if not database:
            raise self.error(
                pos, "MISSING_SCHEMA_NAME", "Schema must be specified when session schema is not set"
            )
        return database, parts[-1]

    def existing(self, name: plans.Name, pos: int) -> Any:
        table = self.session.catalog.table(*name)
        if table is None:
            if not self.session.catalog.has_database(name[0]):
                raise self.error(pos, "SCHEMA_NOT_FOUND", f"Schema '{name[0]}' does not exist")
            raise self.error(pos, "TABLE_NOT_FOUND", f"Table '{full_name(*name)}' does not exist")
        self.reads[name] = table.columns
        return table

    # -- writing rows

    def plan_create_table_as(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        target = self.named(details["name"], node.pos)
        if not self.session.catalog.has_database(target[0]):
            raise self.error(node.pos, "SCHEMA_NOT_FOUND", f"Schema '{target[0]}' does not exist")
        there = self.session.catalog.table(*target) is not None
        if there and not (details["quiet"] or details["replace"]):
            raise self.error(
                node.pos,
                "TABLE_ALREADY_EXISTS",
                f"Destination table '{full_name(*target)}' already exists",
            )
        made, compiler = self.compiled(details["query"])
        outputs = made.outputs
        if details["names"]:
            if len(details["names"]) != len(outputs):
                message = (
                    f"Column alias list has {len(details['names'])} entries but relation has"
                    f" {len(outputs)} columns"
                )
                raise self.error(node.pos, "MISMATCHED_COLUMN_ALIASES", message)
            outputs = [
                replace(output, name=name) for output, name in zip(outputs, details["names"], strict=True)
            ]
        self.check_names(node.pos, [output.name for output in outputs])
        stored = tuple(
            Column(
                (output.name or "").lower(),
                stored_type(output.name or "", str(output.kind), strict=self.strict),
            )
            for output in outputs
        )
        self.check_time(node.pos, stored)
        sql = self.stored_select(made, outputs, stored)
        columns = stored
        if all(column.name != "time" for column in stored):
            columns = (*stored, Column("time", "bigint"))
            sql = f'SELECT *, {self.now()} AS "time" FROM ({sql})'
        if not details["data"]:
            sql += " LIMIT 0"
        query = plans.Query(sql, columns, dict(compiler.inputs), tuple(compiler.reads))
        return plans.CreateTableAs(target, query, details["quiet"], details["replace"])

    def check_names(self, pos: int, names: list[str | None]) -> None:
        seen: set[str] = set()
        for place, name in enumerate(names, 1):
            if name is None:
                raise self.error(pos, "MISSING_COLUMN_NAME", f"Column name not specified at position {place}")
            if name.lower() in seen:
                raise self.error(
                    pos, "DUPLICATE_COLUMN_NAME", f"Column name '{name.lower()}' specified more than once"
                )
            seen.add(name.lower())

    def check_time(self, pos: int, columns: tuple[Column, ...]) -> None:
        for column in columns:
            if column.name == "time" and column.type != "bigint":
                raise self.error(
                    pos,
                    "NOT_SUPPORTED",
                    f"Column 'time' must be bigint, not {column.type}; write CAST(time AS bigint)",
                )

    def now(self) -> str:
        self.session.used_time = True
        return f"CAST({self.session.scheduled_time:d} AS BIGINT)"

    def stored_select(self, made: Compiled, outputs: list[Output], stored: tuple[Column, ...]) -> str:
        """The query with its columns named and cast as they are stored."""
        items = []
        for source, output, column in zip(
            QueryCompiler.sources_of("q", made.outputs, None), outputs, stored, strict=True
        ):
            items.append(f"{self.stored_value(source, output, column)} AS {quote(column.name)}")
        return f"SELECT {', '.join(items)} FROM ({made.sql}) AS q({slots(len(items))})"

    def stored_value(self, source: Source, output: Output, column: Column) -> str:
        value, wanted = source.value(), k.parse(column.type)
        if value.kind.name == "map" or (value.kind.name == "row" and wanted.name == "varchar"):
            return cast(value, k.JSON).sql
        if wanted.name == "varchar" and value.kind.name == "varbinary":
            return f"to_base64({value.sql})"
        if value.kind.name == "array" and wanted.name == "array" and value.kind.item.name == "map":
            return f"list_transform({value.sql}, lambda m_: {cast(Value('m_', value.kind.item), k.JSON).sql})"
        if value.kind == wanted:
            return value.sql
        if wanted.name == "varchar" and k.is_text(value.kind):
            return value.sql
        return cast(value, wanted, zone=f"'{self.session.time_zone}'").sql

    def plan_insert(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        target = self.named(details["name"], node.pos)
        made, compiler = self.compiled(details["query"])
        table = self.existing(target, node.pos)
        kinds = {column.name: column for column in table.columns}
        names = details["columns"] or self.insert_names(table, len(made.outputs))
        for name in names:
            if name not in kinds:
                raise self.error(
                    node.pos, "COLUMN_NOT_FOUND", f"Insert column name does not exist in target table: {name}"
                )
        twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
        if twice is not None:
            message = f"Insert column name is specified more than once: {twice}"
            raise self.error(node.pos, "DUPLICATE_COLUMN_NAME", message)
        wanted = tuple(kinds[name] for name in names[: len(made.outputs)])
        fits = len(names) == len(made.outputs) and all(
            self.insertable(output.kind, k.parse(column.type))
            for output, column in zip(made.outputs, wanted, strict=True)
        )
        if not fits:
            given = ", ".join(str(output.kind) for output in made.outputs)
            shown_ = ", ".join(kinds[name].type for name in names)
            message = f"Insert query has mismatched column types: Table: [{shown_}], Query: [{given}]"
            raise self.error(node.pos, "TYPE_MISMATCH", message)
        self.check_time(node.pos, wanted)
        sql = self.stored_select(made, made.outputs, wanted)
        if "time" in kinds and "time" not in names:
            names = (*names, "time")
            sql = f'SELECT *, {self.now()} AS "time" FROM ({sql})'
        self.lasting = True
        query = plans.Query(sql, wanted, dict(compiler.inputs), tuple(compiler.reads))
        return plans.Insert(target, names, query)

    def insertable(self, source: k.Kind, target: k.Kind) -> bool:
        if k.turns_into(source, target) or (k.is_text(source) and target.name == "varchar"):
            return True
        if source.name in k.INTEGERS and target.name in k.INTEGERS:
            return True
        if source.name == "map" and target.name == "varchar":
            return True
        if source.name == "array" == target.name:
            return self.insertable(source.item, target.item)
        return not self.strict and (
            target.name == "varchar" or (source.name == "decimal" and target.name == "double")
        )

    @staticmethod
    def insert_names(table: Any, width: int) -> tuple[str, ...]:
        """By place; `time` is filled in when the query has just one column less."""
        names = tuple(column.name for column in table.columns)
        without = tuple(name for name in names if name != "time")
        return without if width == len(without) else names

    def plan_delete(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        return self.change(node, details, "DELETE", "DELETE FROM {0}{1}")

    def plan_truncate(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        return self.change(node, details, "TRUNCATE TABLE", "DELETE FROM {0}{1}")

    def plan_update(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        return self.change(node, details, "UPDATE", "UPDATE {0} SET {2}{1}")

    def change(self, node: s.Statement, details: dict[str, Any], word: str, form: str) -> plans.Plan:
        target = self.named(details["name"], node.pos)
        self.existing(target, node.pos)
        compiler = self.compiler()
        sql, compiler.scope.sources = compiler.table(s.Table(node.pos, details["name"]))
        where = (
            f" WHERE {compiler.clause(details['where'], 'WHERE').sql}" if details["where"] is not None else ""
        )
        changes = []
        for name, item in details.get("changes", ()):
            kinds = {one.name: one.kind for one in compiler.scope.sources}
            if name not in kinds:
                raise self.error(
                    node.pos, "COLUMN_NOT_FOUND", f"The UPDATE SET target column {name} doesn't exist"
                )
            value = compiler.expression(item)
            if not self.insertable(value.kind, kinds[name]):
                message = (
                    "UPDATE table column types don't match SET expressions: Table:"
                    f" [{kinds[name]}], Expressions: [{value.kind}]"
                )
                raise self.error(item.pos, "TYPE_MISMATCH", message)
            fitted = (
                coerce(value, kinds[name])
                if k.turns_into(value.kind, kinds[name])
                else cast(value, kinds[name])
            )
            changes.append(f"{quote(name)} = {fitted.sql}")
        self.reads.update(compiler.reads)
        return plans.Change(target, form.format(sql, where, ", ".join(changes)), word, dict(compiler.inputs))

    # -- names and shapes

    def plan_create_table(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        target = self.named(details["name"], node.pos)
        if self.session.catalog.table(*target) is not None and not (details["quiet"] or details["replace"]):
            message = f"Table '{full_name(*target)}' already exists"
            raise self.error(node.pos, "TABLE_ALREADY_EXISTS", message)
        columns: list[Column] = []
        for name, written in details["columns"]:
            if isinstance(written, s.Table):  # LIKE: every column of the other table
                columns += self.existing(self.named(written.parts, written.pos), written.pos).columns
                continue
            if written is None:
                raise self.error(node.pos, "SYNTAX_ERROR", f"mismatched input: column {name} has no type")
            columns.append(self.defined(name, written))
        self.check_names(node.pos, [column.name for column in columns])
        self.check_time(node.pos, tuple(columns))
        return plans.CreateTable(target, tuple(columns), details["quiet"], details["replace"])

    def defined(self, name: str, written: s.TypeName) -> Column:
        kind = k.read(written)
        if kind is None:
            raise self.error(
                written.pos, "TYPE_NOT_FOUND", f"Unknown type '{written.name}' for column '{name}'"
            )
        return Column(name, stored_type(name, str(kind), strict=self.strict))

    def plan_drop_table(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        target = self.named(details["name"], node.pos)
        if not details["quiet"]:
            self.existing(target, node.pos)
        return plans.DropTable(target, details["quiet"])

    def plan_drop_view(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        """There are no views: with IF EXISTS, as dbt sends it before it builds, nothing is to be done."""
        target = self.named(details["name"], node.pos)
        name = full_name(*target)
        problem = f"View '{name}' does not exist"
        if self.session.catalog.table(*target) is not None:
            problem += f", but a table with that name exists. Did you mean DROP TABLE {name}?"
        elif details["quiet"]:
            return plans.Rows((), [], "DROP VIEW")
        raise self.error(node.pos, "GENERIC_USER_ERROR", problem)

    def plan_rename_table(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        target = self.named(details["name"], node.pos)
        if not details["quiet"]:
            self.existing(target, node.pos)
        new = details["new"]
        return plans.RenameTable(
            target, self.named(new, node.pos) if len(new) > 1 else (target[0], new[0]), details["quiet"]
        )

    def plan_add_column(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        column = self.defined(details["column"], details["type"])
        quiet = "IF NOT EXISTS " if details["quiet_column"] else ""
        if not quiet and self.has_column(node, details, column.name):
            raise self.error(node.pos, "COLUMN_ALREADY_EXISTS", f"Column '{column.name}' already exists")
        clause = f"ADD COLUMN {quiet}{quote(column.name)} {k.duck(k.parse(column.type))}"
        return self.altered(node, details, clause, "ADD COLUMN")

    def plan_drop_column(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        quiet = "IF EXISTS " if details["quiet_column"] else ""
        if not quiet and not self.has_column(node, details, details["column"]):
            raise self.error(node.pos, "COLUMN_NOT_FOUND", f"Column '{details['column']}' does not exist")
        return self.altered(node, details, f"DROP COLUMN {quiet}{quote(details['column'])}", "DROP COLUMN")

    def plan_rename_column(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        if not self.has_column(node, details, details["column"]):
            if details["quiet_column"]:
                return plans.Rows((), [], "RENAME COLUMN")
            raise self.error(node.pos, "COLUMN_NOT_FOUND", f"Column '{details['column']}' does not exist")
        if details["new"] != details["column"] and self.has_column(node, details, details["new"]):
            raise self.error(node.pos, "COLUMN_ALREADY_EXISTS", f"Column '{details['new']}' already exists")
        clause = f"RENAME COLUMN {quote(details['column'])} TO {quote(details['new'])}"
        return self.altered(node, details, clause, "RENAME COLUMN")

    def has_column(self, node: s.Statement, details: dict[str, Any], name: str) -> bool:
        target = self.named(details["name"], node.pos)
        table = self.session.catalog.table(*target)
        if table is None:
            if not details["quiet"]:
                self.existing(target, node.pos)
            return True
        return any(column.name == name for column in table.columns)

    def altered(self, node: s.Statement, details: dict[str, Any], clause: str, word: str) -> plans.Plan:
        return plans.AlterColumns(self.named(details["name"], node.pos), clause, word, details["quiet"])

    def plan_create_schema(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        return plans.CreateSchema(details["name"][-1], details["quiet"])

    def plan_drop_schema(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        return plans.DropSchema(details["name"][-1], details["quiet"], details["cascade"])

    # -- looking

    def rows(self, kind: str, rows: list[tuple[Any, ...]], details: dict[str, Any]) -> plans.Rows:
        pattern, escape = details.get("like", (None, None))
        if pattern is not None:
            form = _like_form(pattern, escape)
            rows = [row for row in rows if form.fullmatch(row[0])]
        return plans.Rows(tuple(Column(name, "varchar") for name in _TEXT_COLUMNS[kind]), rows)

    def plan_show_tables(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        database = details["name"][-1] if details["name"] else self.session.database
        if database == "information_schema":
            return self.rows(
                "tables", [(name,) for name in ("columns", "schemata", "tables", "views")], details
            )
        if not self.session.catalog.has_database(database):
            raise self.error(node.pos, "SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist")
        return self.rows(
            "tables", [(table.name,) for table in self.session.catalog.tables(database)], details
        )

    def plan_show_schemas(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        names = sorted([*self.session.catalog.databases(), "information_schema"])
        return self.rows("schemas", [(name,) for name in names], details)

    def plan_show_catalogs(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        return self.rows("catalogs", [(CATALOG,), ("system",)], details)

    def plan_show_session(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        return self.rows("session", [], details)

    def plan_show_functions(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        rows = []
        for name in every_name():
            kind = "aggregate" if name in AGGREGATES else "window" if name in WINDOWS else "scalar"
            rows.append((name, "", "", kind, "true", ""))
        return self.rows("functions", rows, details)

    def plan_show_columns(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        table = self.existing(self.named(details["name"], node.pos), node.pos)
        return self.rows("columns", [(column.name, column.type, "", "") for column in table.columns], details)

    def plan_show_create_table(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        target = self.named(details["name"], node.pos)
        table = self.existing(target, node.pos)
        body = ",\n".join(f"   {as_written(column.name)} {column.type}" for column in table.columns)
        name = ".".join(map(as_written, (CATALOG, *target)))
        text = f"CREATE TABLE {name} (\n{body}\n)"
        return plans.Rows((Column("Create Table", "varchar"),), [(text,)])

    def plan_show_create_view(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        name = full_name(*self.named(details["name"], node.pos))
        raise self.error(node.pos, "TABLE_NOT_FOUND", f"View '{name}' does not exist")

    def plan_show_create_schema(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        return plans.Rows(
            (Column("Create Schema", "varchar"),),
            [(f"CREATE SCHEMA {as_written(CATALOG)}.{as_written(details['name'][-1])}",)],
        )

    def plan_explain(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        inner = self.plan(details["statement"])
        self.lasting = False
        if details["validate"]:
            return plans.Rows((Column("Valid", "boolean"),), [(True,)])
        sql = getattr(inner, "sql", None) or getattr(
            getattr(inner, "query", None), "sql", type(inner).__name__
        )
        return plans.Rows((Column("Query Plan", "varchar"),), [(sql,)])

    # -- prepared statements and the session

    def plan_execute(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        text = details.get("text") or self.prepared.get(details.get("prepared", ""))
        if text is None:
            raise failure("NOT_FOUND", f"Prepared statement not found: {details['prepared']}")
        inner = parse(text)
        if len(inner) != 1 or (isinstance(inner[0], s.Statement) and inner[0].kind == "execute"):
            raise self.error(node.pos, "SYNTAX_ERROR", "EXECUTE IMMEDIATE takes one statement")
        planner = _Planner(text, self.session, self.strict, details["values"])
        plan = planner.plan(inner[0])
        self.reads.update(planner.reads)
        wanted = _parameters(inner[0])
        if wanted != len(details["values"]):
            message = f"Incorrect number of parameters: expected {wanted} but found {len(details['values'])}"
            raise self.error(node.pos, "INVALID_PARAMETER_USAGE", message)
        return plan

    def plan_prepare(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        return plans.Rows((), [], "PREPARE")

    def plan_deallocate(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        if details["prepared"] not in self.prepared:
            raise failure("NOT_FOUND", f"Prepared statement not found: {details['prepared']}")
        return plans.Rows((), [], "DEALLOCATE")

    def plan_use(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        name = details["name"][-1]
        if not self.session.catalog.has_database(name) and name != "information_schema":
            raise failure("NOT_FOUND", f"Schema does not exist: {CATALOG}.{name}")
        return plans.Rows((), [], "USE")

    def plan_set_session(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        return plans.Rows((), [], "SET SESSION")

    def plan_reset_session(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        return plans.Rows((), [], "RESET SESSION")

    def plan_set_time_zone(self, node: s.Statement, details: dict[str, Any]) -> plans.Plan:
        return plans.Rows((), [], "SET TIME ZONE")


def _like_form(pattern: str, escape: str | None) -> re.Pattern[str]:
    pieces, index = [], 0
    while index < len(pattern):
        letter = pattern[index]
        if escape and letter == escape and index + 1 < len(pattern):
            index += 1
            pieces.append(re.escape(pattern[index]))
        else:
            pieces.append({"%": ".*", "_": "."}.get(letter, re.escape(letter)))
        index += 1
    return re.compile("".join(pieces), re.DOTALL)


def _parameters(node: Any) -> int:
    """How many `?` the statement has."""
    if isinstance(node, s.Parameter):
        return 1
    if isinstance(node, s.Node):
        return sum(_parameters(getattr(node, name)) for name in node.__slots__ if name != "pos")
    if isinstance(node, list | tuple):
        return sum(map(_parameters, node))
    if isinstance(node, dict):
        return sum(map(_parameters, node.values()))
    return 0


__all__ = ["Dialect", "Parsed", "schema_name"]
