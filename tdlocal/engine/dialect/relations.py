"""FROM: tables, subqueries, UNNEST, joins, and what columns each of them offers."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from tdlocal.engine.dialect import information
from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.dialect import syntax as s
from tdlocal.engine.dialect.casts import cast, coerce
from tdlocal.engine.dialect.operators import comparison
from tdlocal.engine.dialect.scopes import Output, Scope, Source
from tdlocal.engine.dialect.special import json_scalar, passed
from tdlocal.engine.dialect.values import Value, text
from tdlocal.engine.failures import failure
from tdlocal.engine.functions.sqljson import checked_path
from tdlocal.engine.storage import CATALOG, CATALOGS, full_name, quote, schema_name
from tdlocal.engine.types import EngineError

Relation = tuple[str, list[Source]]


class RelationMixin:
    """Part of the query compiler: `relation(node)` gives a FROM text and its columns."""

    ctes: dict[str, tuple[str, list[Output]]]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.ctes = {}
        self.items_correlated = False
        self.outer_name, self.outer_pos = "", 0

    @staticmethod
    def sources_of(alias: str, outputs: list[Output], relation: str | None) -> list[Source]:
        """The columns of an inner query that was given *alias* and the names c1, c2, …"""
        return [
            Source(output.name, output.kind, f"{alias}.c{n}.t" if output.packed else f"{alias}.c{n}",
            relation,
                   zone=f"{alias}.c{n}.z" if output.packed else output.zone)
            for n, output in enumerate(outputs, 1)
        ]  # fmt: skip

    def relation(self: Any, node: Any) -> Relation:
        made: Relation = _RELATIONS[type(node)](self, node)
        return made

    # -- tables

    def table(self: Any, node: s.Table) -> Relation:
        parts = node.parts
        if len(parts) == 1 and parts[0] in self.ctes:
            alias, outputs = self.ctes[parts[0]]
            fresh = self.fresh("r")
            names = ", ".join(f"c{n}" for n in range(1, len(outputs) + 1))
            return f"{alias} AS {fresh}({names})", self.sources_of(fresh, outputs, parts[0])
        if len(parts) > 3 or (len(parts) == 3 and parts[0] not in (*CATALOGS, "system")):
            raise self.error(node.pos, "CATALOG_NOT_FOUND", f"Catalog '{parts[0]}' not found")
        name = parts[-1]
        database = parts[-2] if len(parts) > 1 else self.session.database
        if not database:
            raise self.error(
                node.pos, "MISSING_SCHEMA_NAME", "Schema must be specified when session schema is not set"
            )
        if database == "information_schema" or parts[0] == "system":
            made: Relation = self.information_table(node, database, name)
            return made
        found = self.session.catalog.table(database, name)
        if found is None:
            if not self.session.catalog.has_database(database):
                raise self.error(node.pos, "SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist")
            message = f"Table '{full_name(database, name)}' does not exist"
            raise self.error(node.pos, "TABLE_NOT_FOUND", message)
        self.reads[database, name] = found.columns
        alias = self.fresh("r")
        at = f"{quote(self.session.home)}.{quote(schema_name(database))}.{quote(name)}"
        sources = [
            Source(column.name, k.parse(column.type), f"{alias}.{quote(column.name)}", name, database)
            for column in found.columns
        ]
        return f"{at} AS {alias}", sources

    def information_table(self: Any, node: s.Table, database: str, name: str) -> Relation:
        made = information.table(self.session.catalog, database, name)
        if made is None:
            catalog = "system" if node.parts[0] == "system" else CATALOG
            message = f"Table '{catalog}.{database}.{name}' does not exist"
            raise self.error(node.pos, "TABLE_NOT_FOUND", message)
        columns, make = made
        slot = f"info-{database}-{name}"
        self.inputs[slot] = make
        alias = self.fresh("r")
        sources = [
            Source(column.name, k.VARCHAR if column.type == "hidden" else k.parse(column.type),
                   f"{alias}.{quote(column.name)}", name, database, hidden=column.type == "hidden")
            for column in columns
        ]  # fmt: skip
        return f"{quote(slot)} AS {alias}", sources

    def aliased(self: Any, node: s.Aliased) -> Relation:
        sql, sources = self.relation(node.relation)
        seen = [source for source in sources if not source.hidden]
        unseen = [dataclasses.replace(source, relation=node.alias) for source in sources if source.hidden]
        if node.columns and len(node.columns) != len(seen):
            message = (
                f"Column alias list has {len(node.columns)} entries but '{node.alias}' has"
                f" {len(seen)} columns available"
            )
            raise self.error(_start(node), "MISMATCHED_COLUMN_ALIASES", message)
        names = node.columns or [source.name for source in seen]
        return sql, [
            dataclasses.replace(source, name=name, relation=node.alias, database=None)
            for source, name in zip(seen, names, strict=True)
        ] + unseen

    def derived(self: Any, node: s.Derived, parent: Scope | None = None) -> Relation:
        made = self.query(node.query, parent or self.scope.parent)
        alias = self.fresh("r")
        names = ", ".join(f"c{n}" for n in range(1, len(made.outputs) + 1))
        return f"({made.sql}) AS {alias}({names})", self.sources_of(alias, made.outputs, None)

    def sampled(self: Any, node: s.Sampled) -> Relation:
        sql, sources = self.relation(node.relation)
        percent = self.expression(node.percent)
        if percent.constant is None or (
            not isinstance(percent.constant, int | float) and percent.kind.name != "decimal"
        ):
            raise self.error(node.pos, "NOT_SUPPORTED", "TABLESAMPLE needs a constant percentage")
        if not 0 <= percent.constant <= 100:
            limit = "less than or equal to 100" if percent.constant > 0 else "greater than or equal to 0"
            message = f"Sample percentage must be {limit}"
            raise self.error(node.percent.pos, "NUMERIC_VALUE_OUT_OF_RANGE", message)
        return f"{sql} TABLESAMPLE BERNOULLI ({percent.constant} PERCENT)", sources

    # -- UNNEST and JSON_TABLE

    def unnest(self: Any, node: s.Unnest, parent: Scope | None = None) -> Relation:
        """(SELECT unnest(a), unnest(b) …): shorter arrays are filled up with nulls, as in Trino."""
        kept = self.scope
        self.scope = Scope(parent=parent or kept.parent)
        try:
            lists: list[str] = []
            kinds: list[tuple[str | None, k.Kind]] = []
            for item in node.arguments:
                self.unnest_argument(item, lists, kinds)
        finally:
            kept.correlated = kept.correlated or (parent is None and self.scope.correlated)
            self.scope = kept
        if node.ordinality:
            longest = lists[0] if len(lists) == 1 else None
            count = (
                f"len({longest})"
                if longest
                else f"greatest({', '.join(f'coalesce(len({one}), 0)' for one in lists)})"
            )
            lists.append(f"range(1, {count} + 1)")
            kinds.append((None, k.BIGINT))
        alias = self.fresh("r")
        items = ", ".join(f"unnest({one})" for one in lists)
        names = ", ".join(f"c{n}" for n in range(1, len(lists) + 1))
        outputs = [Output(name, kind) for name, kind in kinds]
        return f"(SELECT {items}) AS {alias}({names})", self.sources_of(alias, outputs, None)

    def unnest_argument(
        self: Any, item: Any, lists: list[str], kinds: list[tuple[str | None, k.Kind]]
    ) -> None:
        value = self.expression(item)
        if value.kind.name == "map":
            lists += [f"map_keys({value.sql})", f"map_values({value.sql})"]
            kinds += [(None, value.kind.items[0]), (None, value.kind.items[1])]
        elif value.kind.name == "array" and value.kind.item.name == "row":
            inner = value.kind.item
            for n, (kind, name) in enumerate(zip(inner.items, inner.fields, strict=True), 1):
                lists.append(f"list_transform({value.sql}, lambda e_: e_.f{n})")
                kinds.append((name, kind))
        elif value.kind.name == "array":
            lists.append(value.sql)
            kinds.append((None, value.kind.item))
        else:
            raise failure("INVALID_FUNCTION_ARGUMENT", f"Cannot unnest type: {value.kind}")

    def table_function(self: Any, node: s.TableFunction) -> Relation:
        """TABLE(sequence(start, stop, step)): as many rows as are asked for."""
        given: dict[str, Value] = {}
        for place, (name, item) in enumerate(node.arguments):
            given[name or ("start", "stop", "step")[min(place, 2)]] = coerce(self.expression(item), k.BIGINT)
        if "stop" not in given or set(given) - {"start", "stop", "step"}:
            raise self.error(node.pos, "MISSING_ARGUMENT", "Missing argument: STOP")
        start = given["start"].sql if "start" in given else "0"
        stop, step = given["stop"], given.get("step")
        step_sql = step.sql if step is not None else f"CASE WHEN {start} <= {stop.sql} THEN 1 ELSE -1 END"
        alias = self.fresh("r")
        outputs = [Output("sequential_number", k.BIGINT)]
        rows = f"(SELECT * FROM generate_series({start}, {stop.sql}, {step_sql})) AS {alias}(c1)"
        return rows, self.sources_of(alias, outputs, None)

    def json_table(self: Any, node: s.JsonTable, parent: Scope | None = None) -> Relation:
        kept = self.scope
        self.scope = Scope(parent=parent or kept.parent)
        try:
            value = self.expression(node.value)
            variables = passed(self, node.passing)
            leaves: list[dict[str, Any]] = []
            columns = [self.json_shape(column, node, leaves) for column in node.columns]
            path = self.json_path(node.pos, node.path)
            shape = {"path": path, "on_error": node.on_error, "columns": columns}
            cells = ", ".join(self.json_column(column, f"j_[{n}]") for n, column in enumerate(leaves, 1))
        finally:
            self.scope = kept
        outputs = [
            Output(column["name"], k.BIGINT if "ordinality" in column else self.type_of(column["type"]))
            for column in leaves
        ]
        found = f"py_json_rows({value.sql}, {text(json.dumps(shape))}, {variables})"
        alias = self.fresh("r")
        names = ", ".join(f"c{n}" for n in range(1, len(outputs) + 1))
        rows = f"(SELECT {cells} FROM (SELECT unnest({found}) AS j_)) AS {alias}({names})"
        return rows, self.sources_of(alias, outputs, None)

    def json_path(self: Any, pos: int, path: str) -> str:
        try:
            checked_path(path)
        except ValueError as error:
            raise self.error(pos, "INVALID_PATH", str(error)) from None
        return path

    def json_shape(self: Any, column: dict[str, Any], node: s.JsonTable, leaves: list[Any]) -> dict[str, Any]:
        """What `py_json_rows` must know of a column; columns with cells of their own go into *leaves*."""
        if "nested" in column:
            nested = [self.json_shape(inner, node, leaves) for inner in column["nested"]]
            return {"path": self.json_path(node.pos, column["path"]), "nested": nested}
        leaves.append(column)
        if "ordinality" in column:
            return {"kind": "ordinality"}
        column.setdefault("on_error", ("ERROR" if node.on_error == "ERROR" else "NULL", None))
        column.setdefault("on_empty", ("NULL", None))
        return {
            "kind": "query" if "query" in column else "value",
            "path": self.json_path(node.pos, column["path"]),
            "on_empty": column["on_empty"][0],
            "on_error": column["on_error"][0],
            "wrapper": column.get("wrapper", "without"),
            "quotes": column.get("quotes", "KEEP"),
        }

    def json_column(self: Any, column: dict[str, Any], cell: str) -> str:
        if "ordinality" in column:
            return f"CAST(substr({cell}, 2) AS BIGINT)"
        kind = self.type_of(column["type"])
        given = f"substr({cell}, 2)"
        defaults = {
            when: coerce(self.expression(column[when][1]), kind, self.zone).sql
            for when in ("on_empty", "on_error")
            if column[when][0] == "DEFAULT"
        }
        if "query" in column:
            made = cast(Value(given, k.VARCHAR), kind, safe=True, zone=self.zone).sql
        else:
            made = json_scalar(given, kind, self.zone, safe=column["on_error"][0] != "ERROR")
        empty, wrong = defaults.get("on_empty", "NULL"), defaults.get("on_error", "NULL")
        read = f"coalesce({made}, {wrong})" if "on_error" in defaults else made
        return f"CASE left({cell}, 1) WHEN 'v' THEN {read} WHEN 'e' THEN {empty} WHEN 'x' THEN {wrong} END"

    # -- joins

    def join(self: Any, node: s.Join) -> Relation:
        left_sql, left = self.relation(node.left)
        right_sql, right = self.right_side(node, left)
        if node.kind == "CROSS":
            return f"{left_sql} CROSS JOIN {right_sql}", left + right
        word = {"INNER": "JOIN", "LEFT": "LEFT JOIN", "RIGHT": "RIGHT JOIN", "FULL": "FULL JOIN"}[node.kind]
        if node.natural:
            raise self.error(_start(node.left), "NOT_SUPPORTED", "Natural join not supported")
        if node.using:
            made: Relation = self.using(node, word, left_sql, left, right_sql, right)
            return made
        kept = self.scope.sources
        self.scope.sources = left + right
        try:
            condition = self.clause(node.on, "JOIN ON").sql
        finally:
            self.scope.sources = kept
        return f"{left_sql} {word} {right_sql} ON {condition}", left + right

    def right_side(self: Any, node: s.Join, left: list[Source]) -> Relation:
        """UNNEST and LATERAL see the columns on their left."""
        inner: Any = node.right
        alias: s.Aliased | None = None
        if isinstance(inner, s.Aliased) and isinstance(inner.relation, s.Unnest | s.Derived | s.JsonTable):
            inner, alias = inner.relation, inner
        if not isinstance(inner, s.Unnest | s.JsonTable) and not (
            isinstance(inner, s.Derived) and inner.lateral
        ):
            return self.relation(node.right)  # type: ignore[no-any-return]
        what = {s.Unnest: "UNNEST", s.JsonTable: "JSON_TABLE"}.get(type(inner), "LATERAL")
        plain = ("CROSS", "INNER") if what == "LATERAL" else ("CROSS",)
        if what == "LATERAL" and node.kind not in plain and (alone := self.without_left(node)):
            return alone  # type: ignore[no-any-return]
        if node.kind not in plain and not _is_true(node.on):
            raise self.error(
                node.on.pos if node.on is not None else node.pos,
                "NOT_SUPPORTED",
                f"{node.kind} JOIN involving {what} is only supported with condition ON TRUE",
            )
        if node.kind in ("RIGHT", "FULL"):
            alone = self.without_left(node)
            if alone is not None:
                return alone  # type: ignore[no-any-return]
            raise self.error(
                node.pos, "INVALID_COLUMN_REFERENCE", f"LATERAL reference not allowed in {node.kind} JOIN"
            )
        parent = Scope(sources=left, parent=self.scope.parent)
        made = {s.Unnest: self.unnest, s.Derived: self.derived, s.JsonTable: self.json_table}[type(inner)](
            inner, parent
        )
        if isinstance(inner, s.Derived) and self.items_correlated:
            raise self.error(inner.query.pos, "NOT_SUPPORTED", "Given correlated subquery is not supported")
        sql, sources = made
        if alias is not None:
            seen = len(sources)
            if alias.columns and len(alias.columns) != seen:
                message = (
                    f"Column alias list has {len(alias.columns)} entries but '{alias.alias}' has"
                    f" {seen} columns available"
                )
                raise self.error(_start(alias), "MISMATCHED_COLUMN_ALIASES", message)
            names = alias.columns or [source.name for source in sources]
            sources = [
                dataclasses.replace(source, name=name, relation=alias.alias)
                for source, name in zip(sources, names, strict=True)
            ]
        return f"LATERAL {sql}", sources

    def without_left(self: Any, node: s.Join) -> Relation | None:
        """The right side by itself; None when it needs the columns on its left."""
        try:
            made: Relation = self.relation(node.right)
        except EngineError as error:
            if error.name == "COLUMN_NOT_FOUND":
                return None
            raise
        return made

    def using(
        self: Any,
        node: s.Join,
        word: str,
        left_sql: str,
        left: list[Source],
        right_sql: str,
        right: list[Source],
    ) -> Relation:
        """The joined columns appear once and without a table; the sides' own are hidden."""
        merged, conditions, used = [], [], set()
        for name in node.using:
            one, two = self.joined(node, left, name, "left"), self.joined(node, right, name, "right")
            used |= {id(one), id(two)}
            x, y = one.value(), two.value()
            conditions.append(self.placed(node.pos, comparison, "=", x, y, self.zone).sql)
            kind = k.common(x.kind, y.kind)
            assert kind is not None
            x, y = coerce(x, kind, self.zone), coerce(y, kind, self.zone)
            sql = {"INNER": x.sql, "LEFT": x.sql, "RIGHT": y.sql}.get(
                node.kind, f"coalesce({x.sql}, {y.sql})"
            )
            merged.append(Source(name, kind, sql, zone=x.zone))
        rest = [one for one in left + right if id(one) not in used]
        on = " AND ".join(conditions) or "true"
        return f"{left_sql} {word} {right_sql} ON {on}", merged + rest

    def joined(self: Any, node: s.Join, side: list[Source], name: str, which: str) -> Source:
        found = [one for one in side if one.name is not None and one.name.lower() == name and not one.hidden]
        if not found:
            raise self.error(
                node.pos, "COLUMN_NOT_FOUND", f"Column '{name}' is missing from {which} side of join"
            )
        if len(found) > 1:
            raise self.error(node.pos, "AMBIGUOUS_NAME", f"Column '{name}' is ambiguous")
        return found[0]


def _start(node: Any) -> int:
    """Where the relation begins; an alias and a join stand behind what they name."""
    while isinstance(node, s.Aliased | s.Join):
        node = node.relation if isinstance(node, s.Aliased) else node.left
    return int(node.pos)


def _is_true(node: Any) -> bool:
    return isinstance(node, s.Literal) and node.value is True


_R = RelationMixin
_RELATIONS: dict[type, Any] = {
    s.Table: _R.table, s.Aliased: _R.aliased, s.Derived: _R.derived, s.Sampled: _R.sampled,
    s.TableFunction: _R.table_function, s.Unnest: _R.unnest, s.JsonTable: _R.json_table, s.Join: _R.join,
}  # fmt: skip
