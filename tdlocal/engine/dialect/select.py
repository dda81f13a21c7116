"""Queries: SELECT, VALUES, set operations, WITH and FROM, from Trino's tree to DuckDB's text."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, cast

from tdlocal.engine.dialect import aggregates as agg
from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.dialect import syntax as s
from tdlocal.engine.dialect.casts import coerce
from tdlocal.engine.dialect.compiler import ExpressionCompiler, Session
from tdlocal.engine.dialect.functions import AGGREGATES, WINDOWS
from tdlocal.engine.dialect.operators import comparison
from tdlocal.engine.dialect.relations import RelationMixin
from tdlocal.engine.dialect.scopes import Output, Scope, Source
from tdlocal.engine.dialect.shown import shown
from tdlocal.engine.dialect.values import Value
from tdlocal.engine.dialect.walking import calls, fields, names
from tdlocal.engine.dialect.windows import WindowMixin, direction, never_bare
from tdlocal.engine.failures import failure
from tdlocal.engine.types import EngineError

__all__ = ["QueryCompiler", "Session"]
RECURSION_DEPTH = 10  # of WITH RECURSIVE, as in Trino


@dataclasses.dataclass(slots=True)
class Compiled:
    """A query's text and the columns it gives."""

    sql: str
    outputs: list[Output]
    correlated: bool = False


def has_aggregate(node: Any) -> bool:
    return any(
        (call.name in AGGREGATES and call.over is None) or call.name == "grouping" for call in calls(node)
    )


class QueryCompiler(RelationMixin, WindowMixin, ExpressionCompiler):
    """`query(node)` is the door."""

    # -- queries

    def query(self, node: s.Query, parent: Scope | None = None) -> Compiled:
        """Translate a whole query; names it lacks are looked for in *parent*."""
        with self.inner(parent):
            ctes = self.common_tables(node)
            body = node.body
            made = self.select(body, node) if isinstance(body, s.Select) else self.other_body(body, node)
            if ctes:
                made.sql = f"WITH {', '.join(ctes)} {made.sql}"
            made.correlated = self.scope.correlated
        return made

    @contextmanager
    def inner(self, parent: Scope | None) -> Iterator[None]:
        """A fresh state for a query within a query."""
        kept = (self.scope, self.grouped, self.pending, self.in_aggregate, self.aggregates_allowed,
        self.windows,
                self.ctes, self.sessions, self.select_at)  # fmt: skip
        self.scope = Scope(parent=parent)
        self.grouped, self.pending, self.in_aggregate, self.aggregates_allowed = None, [], False, None
        self.windows, self.ctes, self.sessions = {}, dict(self.ctes), {}
        try:
            yield
        finally:
            correlated = self.scope.correlated
            (self.scope, self.grouped, self.pending, self.in_aggregate, self.aggregates_allowed, self.windows,
             self.ctes, self.sessions, self.select_at) = kept  # fmt: skip
            if parent is not None and correlated and parent is not self.scope:
                parent.correlated = parent.correlated or False

    def common_tables(self, node: s.Query) -> list[str]:
        texts = []
        names = [cte.name for cte in node.ctes]
        for place, cte in enumerate(node.ctes):
            if cte.name in names[:place]:
                message = f"WITH query name '{cte.name}' specified more than once"
                raise self.error(cte.pos, "DUPLICATE_NAMED_QUERY", message)
            alias = self.fresh("w")
            recursive = node.recursive and bool(_mentions(cte.query, cte.name))
            made = self.recursive(cte, alias) if recursive else self.query(cte.query, self.scope.parent)
            outputs = self.renamed(cte.pos, made.outputs, cte.columns)
            self.ctes[cte.name] = (alias, outputs)
            texts.append(f"{alias}({slots(len(outputs))}) AS ({made.sql})")
        return texts

    def recursive(self, cte: s.Cte, alias: str) -> Compiled:
        body = cte.query.body
        self.check_recursive(cte)
        if not cte.columns:
            raise self.error(
                cte.pos, "MISSING_COLUMN_ALIASES", "missing column aliases in recursive WITH query"
            )
        base = self.query(s.Query(cte.pos, body.left), self.scope.parent)
        outputs = self.renamed(cte.pos, base.outputs, cte.columns)
        self.ctes[cte.name] = (alias, outputs)
        step = self.query(s.Query(cte.pos, body.right), self.scope.parent)
        if len(step.outputs) != len(outputs):
            message = (
                "base and step relations of recursion have different number of fields:"
                f" {len(outputs)}, {len(step.outputs)}"
            )
            raise self.error(body.right.pos, "TYPE_MISMATCH", message)
        for place, (given, wanted) in enumerate(zip(step.outputs, outputs, strict=True), 1):
            if not k.turns_into(given.kind, wanted.kind):
                message = (
                    f"recursion step relation output type ({given.kind}) is not coercible to recursion base"
                    f" relation output type ({wanted.kind}) at column {place}"
                )
                raise self.error(body.right.pos, "TYPE_MISMATCH", message)
        step = self.as_kinds(step, [output.kind for output in outputs], cte.pos, "recursion step")
        sql = self.unrolled(base.sql, step.sql, alias, len(outputs))
        return Compiled(f"SELECT DISTINCT * FROM ({sql})" if body.distinct else sql, outputs)

    def check_recursive(self, cte: s.Cte) -> None:
        """Where Trino lets a query name itself: once, in the second half of its UNION."""
        query, body = cte.query, cte.query.body
        uses = _mentions(query, cte.name)
        wrong = "INVALID_RECURSIVE_REFERENCE"
        for clause, written, name in (
            ("ORDER BY", query.order_by, "NOT_SUPPORTED"),
            ("OFFSET", query.offset, "NOT_SUPPORTED"),
            ("FETCH FIRST / LIMIT", query.limit, "INVALID_LIMIT_CLAUSE"),
        ):
            if written:
                pos = written[0].pos if isinstance(written, list) else written.pos
                raise self.error(pos, name, f"immediate {clause} clause in recursive query")
        if not isinstance(body, s.SetOperation) or body.operator != "UNION":
            raise self.error(uses[0].pos, wrong, "recursive reference not allowed in this context")
        for use in _mentions(body.left, cte.name):
            message = "WITH table name is referenced in the base relation of recursion"
            raise self.error(use.pos, wrong, message)
        if len(uses) > 1:
            message = "multiple recursive references in the step relation of recursion"
            raise self.error(uses[1].pos, wrong, message)
        for join in _joins(body.right):
            for side, relation, kinds in (
                ("right", join.right, ("LEFT", "FULL")),
                ("left", join.left, ("RIGHT", "FULL")),
            ):
                if join.kind in kinds and _mentions(relation, cte.name):
                    message = f"recursive reference in {side} source of {join.kind} join"
                    raise self.error(uses[0].pos, wrong, message)

    def unrolled(self, base: str, step: str, alias: str, width: int) -> str:
        """Ten rounds and a look whether an eleventh would find anything: what Trino allows."""
        names = [f"{alias}_{number}" for number in range(RECURSION_DEPTH + 2)]
        texts = [f"{names[0]}({slots(width)}) AS MATERIALIZED ({base})"]
        for before, name in pairwise(names):
            text = re.sub(rf"\b{alias}\b", before, step)
            texts.append(f"{name}({slots(width)}) AS MATERIALIZED ({text})")
        message = (
            f"Recursion depth limit exceeded ({RECURSION_DEPTH}). Use ''max_recursion_depth'' session"
            " property to modify the limit."
        )
        deeper = f"SELECT 1 FROM {names[-1]}"
        guard = f"CASE WHEN EXISTS ({deeper}) THEN py_fail('NOT_SUPPORTED', '{message}') ELSE '' END = ''"
        rows = " UNION ALL ".join(f"SELECT * FROM {name}" for name in names[:-1])
        return f"WITH {', '.join(texts)} SELECT * FROM ({rows}) WHERE {guard}"

    def renamed(self, pos: int, outputs: list[Output], names: tuple[str, ...]) -> list[Output]:
        if not names:
            return outputs
        if len(names) != len(outputs):
            message = f"Column alias list has {len(names)} entries but relation has {len(outputs)} columns"
            pos = self.text.find("(", pos) + 1
            raise self.error(pos, "MISMATCHED_COLUMN_ALIASES", message)
        return [dataclasses.replace(output, name=name) for output, name in zip(outputs, names, strict=True)]

    # -- everything that is not one SELECT

    def other_body(self, body: Any, node: s.Query) -> Compiled:
        made = self.body(body)
        if not (node.order_by or node.limit is not None or node.offset is not None):
            return made
        alias = self.fresh("r")
        self.scope.sources = self.sources_of(alias, made.outputs, None)
        items = [source.value() for source in self.scope.sources]
        order = self.order(node, items, made.outputs, distinct=False)
        sql = f"SELECT * FROM ({made.sql}) AS {alias}({slots(len(items))})"
        if node.with_ties:
            return Compiled(self.ties(node, f"SELECT * FROM ({made.sql}) AS {alias}({slots(len(items))})",
                                      order, len(items)), made.outputs)  # fmt: skip
        return Compiled(sql + self.tail(node, order), made.outputs)

    def body(self, body: Any) -> Compiled:
        if isinstance(body, s.Query):
            return self.query(body, self.scope.parent)
        if isinstance(body, s.Select):
            return self.query(s.Query(body.pos, body), self.scope.parent)
        if isinstance(body, s.Values):
            return self.values(body)
        return self.set_operation(body)

    def set_operation(self, node: s.SetOperation) -> Compiled:
        sides = [self.body(side) for side in self.flattened(node)]
        first = sides[0].outputs
        kinds = [output.kind for output in first]
        for side in sides[1:]:
            if len(side.outputs) != len(kinds):
                message = (
                    f"{node.operator} query has different number of fields: {len(kinds)}, {len(side.outputs)}"
                )
                raise self.error(node.pos, "TYPE_MISMATCH", message)
            for index, output in enumerate(side.outputs):
                together = k.common(kinds[index], output.kind)
                if together is None:
                    message = (
                        f"column {index + 1} in {node.operator} query has incompatible types:"
                        f" {kinds[index]}, {output.kind}"
                    )
                    raise self.error(node.pos, "TYPE_MISMATCH", message)
                kinds[index] = together
        packed = [len({side.outputs[index].zone for side in sides}) > 1 for index in range(len(kinds))]
        sides = [self.as_kinds(side, kinds, node.pos, node.operator, packed) for side in sides]
        word = f" {node.operator}{'' if node.distinct else ' ALL'} "
        sql = word.join(f"({side.sql})" for side in sides)
        outputs = [
            Output(output.name, kind, side.zone, side.packed)
            for output, kind, side in zip(first, kinds, sides[0].outputs, strict=True)
        ]
        return Compiled(sql, outputs)

    @staticmethod
    def flattened(node: s.SetOperation) -> list[Any]:
        """The sides of a chain of equal UNIONs, without recursion."""
        sides: list[Any] = [node.right]
        left = node.left
        while (node.operator == "UNION" and isinstance(left, s.SetOperation) and left.operator == "UNION"
               and left.distinct == node.distinct):  # fmt: skip
            sides.append(left.right)
            left = left.left
        return [left, *reversed(sides)]

    def as_kinds(
        self, made: Compiled, kinds: list[k.Kind], pos: int, what: str, packed: Sequence[bool] = ()
    ) -> Compiled:
        """*made* with its columns coerced to *kinds*; *packed* ones keep a zone of their own in every row."""
        if [output.kind for output in made.outputs] == kinds and not any(packed):
            return made
        if len(made.outputs) != len(kinds):
            raise self.error(pos, "TYPE_MISMATCH", f"{what} has a different number of fields")
        alias = self.fresh("r")
        items: list[str] = []
        outputs: list[Output] = []
        for source, kind, output in zip(
            self.sources_of(alias, made.outputs, None), kinds, made.outputs, strict=True
        ):
            if not k.turns_into(source.kind, kind):
                message = f"{what} has incompatible types: {source.kind}, {kind}"
                raise self.error(pos, "TYPE_MISMATCH", message)
            value = coerce(source.value(), kind, self.zone)
            shown = self.output(output.name, value)
            if kind.name == "timestamp with time zone" and packed and packed[len(items)]:
                shown = Output(output.name, kind, None, packed=True)
            items.append(self.item_text(value, shown))
            outputs.append(shown)
        return Compiled(
            f"SELECT {', '.join(items)} FROM ({made.sql}) AS {alias}({slots(len(items))})", outputs
        )

    def values(self, node: s.Values) -> Compiled:
        rows = [self.values_row(item) for item in node.rows]
        width = len(rows[0])
        for row in rows:
            if len(row) != width:
                message = f"Values rows have mismatched sizes: {width} vs {len(row)}"
                raise self.error(node.pos, "TYPE_MISMATCH", message)
        columns = []
        message = "Values rows have mismatched types: {} vs {}"
        for index in range(width):
            cells = [row[index] for row in rows]
            columns.append(self.common([value for value, _ in cells], [item for _, item in cells], message))
        texts = [
            "(" + ", ".join(never_bare(values[number]) for values, _ in columns) + ")"
            for number in range(len(rows))
        ]
        outputs = [
            Output(None, kind, next((v.zone for v in values if v.zone), None)) for values, kind in columns
        ]
        return Compiled(f"VALUES {', '.join(texts)}", outputs)

    def values_row(self, item: Any) -> list[tuple[Value, Any]]:
        """The cells of one row of VALUES, whose row may be any expression of that type."""
        if isinstance(item, s.RowLiteral):
            return [(self.expression(one), one) for one in item.items]
        value = self.expression(item)
        if value.kind.name != "row":
            return [(value, item)]
        return [(Value(f"({value.sql}).f{n}", kind), item) for n, kind in enumerate(value.kind.items, 1)]

    # -- SELECT

    def select(self, node: s.Select, query: s.Query) -> Compiled:
        source = ""
        if node.source is not None:
            source, self.scope.sources = self.relation(node.source)
            source = f" FROM {source}"
        if node.where is not None:
            source += f" WHERE {self.clause(node.where, 'WHERE').sql}"
        source = self.sessionized(node, query, source)
        self.windows = dict(node.windows)
        self.select_at = (node.pos, node.grouping is not None)
        aggregated = node.grouping is not None or has_aggregate([node.items, node.having, query.order_by])
        grouping = self.group_by(node) if aggregated else ""
        before = self.scope.correlated
        self.scope.correlated = False
        items, outputs = self.items(node)
        self.items_correlated = self.scope.correlated and (node.where is not None or node.source is not None)
        self.scope.correlated = self.scope.correlated or before
        if node.having is not None and self.grouped is None:
            self.grouped = set()
            self.items(node)
            self.check_grouped()
        having = ""
        if node.having is not None:
            mark = len(self.pending)
            having = f" HAVING {self.condition(node.having, 'HAVING clause').sql}"
            self.uncovered(mark, node.having)
        self.check_grouped()
        order = self.order(query, items, outputs, distinct=node.distinct)
        self.check_grouped()
        shown = ", ".join(self.item_text(item, output) for item, output in zip(items, outputs, strict=True))
        sql = f"SELECT {'DISTINCT ' if node.distinct else ''}{shown}{source}{grouping}{having}"
        if query.with_ties:
            return Compiled(self.ties(query, sql, order, len(items)), outputs)
        return Compiled(sql + self.tail(query, order), outputs)

    def clause(self, node: Any, name: str) -> Value:
        """A condition in which aggregates and windows are not allowed."""
        for call in calls(node):
            if (
                (call.name in AGGREGATES and call.over is None)
                or call.over is not None
                or call.name == "grouping"
            ):
                message = (
                    f"{name} clause cannot contain aggregations, window functions or grouping"
                    f" operations: [{shown(call)}]"
                )
                raise self.error(node.pos, "EXPRESSION_NOT_SCALAR", message)
        return self.condition(node, f"{name} clause")

    def item_text(self, item: Value, output: Output) -> str:
        if output.packed:
            return (
                f"CASE WHEN {item.sql} IS NULL THEN NULL ELSE struct_pack(t := {item.sql}, z :="
                f" {item.zone}) END"
            )
        if item.kind.name == "unknown":
            return f"CAST({item.sql} AS INTEGER)"
        return item.sql

    def items(self, node: s.Select) -> tuple[list[Value], list[Output]]:
        items: list[Value] = []
        outputs: list[Output] = []
        for item in node.items:
            if isinstance(item, s.AllColumns):
                for value, name in self.expanded(item):
                    items.append(value)
                    outputs.append(self.output(name, value))
                continue
            mark = len(self.pending)
            value = self.expression(item.value)
            self.uncovered(mark, item.value)
            if value.kind.name == "function":
                raise self.error(item.pos, "TYPE_MISMATCH", "a lambda is no column")
            items.append(value)
            outputs.append(self.output(item.alias or _own_name(item.value), value))
        return items, outputs

    @staticmethod
    def output(name: str | None, value: Value) -> Output:
        zone = value.zone
        packed = zone is not None and not (zone.startswith("'") and zone.count("'") == 2)
        return Output(name, value.kind, None if packed else zone, packed)

    def expanded(self, item: s.AllColumns) -> list[tuple[Value, str | None]]:
        """The columns of `*`, `t.*` or `row.*`."""
        if item.base is None:
            if not self.scope.sources:
                raise self.error(
                    item.pos, "COLUMN_NOT_FOUND", "SELECT * not allowed in queries without FROM clause"
                )
            chosen = [source for source in self.scope.sources if not source.hidden]
        else:
            found = self.relation_columns(item)
            if isinstance(found, Value):
                return self.row_columns(item, found)
            chosen = found
        pairs = []
        for index, source in enumerate(chosen):
            value = source.value()
            if self.grouped is not None and value.sql not in self.grouped:
                named = ".".join(filter(None, (source.relation, source.name)))
                self.pending.append((-1, f"Column '{named}' not in GROUP BY clause"))
            name = item.aliases[index] if item.aliases and index < len(item.aliases) else source.name
            pairs.append((value, name))
        if item.aliases and len(item.aliases) != len(chosen):
            raise self.error(
                item.pos, "MISMATCHED_COLUMN_ALIASES", "Column alias list does not fit the columns"
            )
        return pairs

    def relation_columns(self, item: s.AllColumns) -> list[Source] | Value:
        base = item.base
        if isinstance(base, s.Column):
            name, database = base.parts[-1], base.parts[-2] if len(base.parts) > 1 else None
            scope: Scope | None = self.scope
            while scope is not None:
                chosen = [
                    one for one in scope.sources if one.relation == name and database in (None, one.database)
                ]
                if chosen:
                    return chosen
                scope = scope.parent
            if len(base.parts) == 1 or not self.scope.find(base.parts):
                raise self.error(item.pos, "TABLE_NOT_FOUND", f"Unable to resolve reference {name}")
        return self.expression(base)

    def row_columns(self, item: s.AllColumns, value: Value) -> list[tuple[Value, str | None]]:
        if value.kind.name != "row":
            raise self.error(item.pos, "TYPE_MISMATCH", f"Expression of type {value.kind} is not of type ROW")
        return [
            (Value(f"({value.sql}).f{n}", kind), item.aliases[n - 1] if n <= len(item.aliases) else name)
            for n, (kind, name) in enumerate(zip(value.kind.items, value.kind.fields, strict=True), 1)
        ]

    # -- GROUP BY

    def group_by(self, node: s.Select) -> str:
        """The GROUP BY text; from here on columns outside its expressions are errors."""
        if node.grouping is None:
            self.grouped = set()
            return ""
        texts: set[str] = set()
        elements = []
        for kind, parts in node.grouping.elements:
            if kind == "simple":
                elements += [self.group_item(part, node, texts) for part in parts] or ["()"]
                continue
            sets = [", ".join(self.group_column(part, node, texts) for part in one) for one in parts]
            word = {"rollup": "ROLLUP", "cube": "CUBE", "sets": "GROUPING SETS"}[kind]
            elements.append(f"{word} ({', '.join(f'({one})' for one in sets)})")
        self.grouped = texts
        if elements == ["()"]:
            return ""
        if node.grouping.distinct and len(node.grouping.elements) == 1:
            elements = [self.distinct_sets(elements[0], node.grouping.elements[0])]
        elif node.grouping.distinct:
            raise self.error(
                node.grouping.pos, "NOT_SUPPORTED", "GROUP BY DISTINCT is not supported by the local account"
            )
        return f" GROUP BY {', '.join(element for element in elements if element != '()')}"

    @staticmethod
    def distinct_sets(element: str, written: tuple[str, Any]) -> str:
        """GROUPING SETS without its repeated sets; the other forms hold none."""
        if written[0] != "sets":
            return element
        sets = re.findall(r"\(([^()]*)\)", element.removeprefix("GROUPING SETS (").removesuffix(")"))
        return f"GROUPING SETS ({', '.join(f'({one})' for one in dict.fromkeys(sets))})"

    def group_item(self, part: Any, node: s.Select, texts: set[str]) -> str:
        if isinstance(part, s.Literal) and part.kind == "integer":
            if any(isinstance(item, s.AllColumns) for item in node.items):
                columns = [pair[0] for item in node.items for pair in self._pairs(item)]
            else:
                columns = []
            size = len(columns) or len(node.items)
            if not 1 <= part.value <= size:
                message = f"GROUP BY position {part.value} is not in select list"
                raise self.error(part.pos, "INVALID_COLUMN_REFERENCE", message)
            if columns:
                value = columns[part.value - 1]
            else:
                part = node.items[part.value - 1].value
                value = self.group_value(part)
        else:
            value = self.group_value(part)
        texts.add(value.sql)
        return never_bare(value)

    def _pairs(self, item: Any) -> list[tuple[Value, str | None]]:
        if isinstance(item, s.AllColumns):
            return self.expanded(item)
        return [(self.expression(item.value), None)]

    def group_value(self, part: Any) -> Value:
        for call in calls(part):
            if call.name in AGGREGATES or call.over is not None or call.name == "grouping":
                message = (
                    "GROUP BY clause cannot contain aggregations, window functions or grouping"
                    f" operations: [{shown(call)}]"
                )
                raise self.error(call.pos, "EXPRESSION_NOT_SCALAR", message)
        value = self.expression(part)
        if value.kind.name in k.SKETCHES:
            raise self.error(
                part.pos,
                "TYPE_MISMATCH",
                f"{value.kind} is not comparable, and therefore cannot be used in GROUP BY",
            )
        return value

    def group_column(self, part: Any, node: s.Select, texts: set[str]) -> str:
        if not isinstance(part, s.Column | s.Field) and not (
            isinstance(part, s.Literal) and part.kind == "integer"
        ):
            message = f"GROUP BY expression must be a column reference: {shown(part)}"
            raise self.error(part.pos, "INVALID_COLUMN_REFERENCE", message)
        return self.group_item(part, node, texts)

    def check_grouped(self) -> None:
        if self.pending:
            pos, message = self.pending[0]
            if pos < 0:
                raise failure("EXPRESSION_NOT_AGGREGATE", message)
            raise self.error(pos, "EXPRESSION_NOT_AGGREGATE", message)

    # -- ORDER BY, OFFSET, LIMIT

    def order(
        self, query: s.Query, items: list[Value], outputs: list[Output], *, distinct: bool
    ) -> list[str]:
        if not query.order_by:
            return []
        texts = [item.sql for item in items]
        aliases = {
            output.name.lower(): item
            for item, output in zip(items, outputs, strict=True)
            if output.name is not None
        }
        named = [output.name.lower() for output in outputs if output.name is not None]
        for item in query.order_by:
            self.check_order_names(item.value, named, grouped=self.grouped is not None)
        kept = self.scope
        self.scope = Scope(kept.sources, kept.parent, {**kept.lambdas, **aliases})
        try:
            return [self.order_item(item, items, texts, distinct) for item in query.order_by]
        finally:
            self.scope = kept

    def check_order_names(self, node: Any, named: list[str], *, grouped: bool) -> None:
        """ORDER BY sees the select list's names first: two equal ones, and one inside an aggregate, fail."""
        for column in names(node):
            if named.count(column.parts[0]) > 1 and len(column.parts) == 1:
                message = f"Column '{column.parts[0]}' is ambiguous"
                raise self.error(column.pos, "AMBIGUOUS_NAME", message)
        for call in calls(node) if grouped else ():
            if call.name == "grouping" and any(column.parts[-1] in named for column in names(call.arguments)):
                message = (
                    "Invalid reference to output of SELECT clause from grouping() expression in ORDER BY"
                )
                raise failure("INVALID_ARGUMENTS", message)
            if call.name not in AGGREGATES or call.over is not None:
                continue
            for column in names(call.arguments):
                if len(column.parts) == 1 and column.parts[0] in named:
                    message = "Invalid reference to output projection attribute from ORDER BY aggregation"
                    raise self.error(column.pos, "COLUMN_NOT_FOUND", message)

    def order_item(self, item: s.SortItem, items: list[Value], texts: list[str], distinct: bool) -> str:
        node = item.value
        if isinstance(node, s.Literal) and node.kind == "integer":
            if not 1 <= node.value <= len(texts):
                message = f"ORDER BY position {node.value} is not in select list"
                raise self.error(item.pos, "INVALID_COLUMN_REFERENCE", message)
            value, place = items[node.value - 1], str(node.value)
        else:
            mark = len(self.pending)
            value = self.expression(node)
            self.uncovered(mark, node)
            place = str(texts.index(value.sql) + 1) if value.sql in texts else never_bare(value)
            if distinct and value.sql not in texts:
                message = "For SELECT DISTINCT, ORDER BY expressions must appear in select list"
                raise self.error(self.select_at[0], "EXPRESSION_NOT_IN_DISTINCT", message)
        if value.kind.name in ("map", "json", *k.SKETCHES):
            message = (
                f"Type {value.kind} is not orderable, and therefore cannot be used in ORDER BY: {shown(node)}"
            )
            raise self.error(self.select_at[0], "TYPE_MISMATCH", message)
        return place + direction(item)

    def tail(self, query: s.Query, order: list[str]) -> str:
        text = f" ORDER BY {', '.join(order)}" if order else ""
        if query.limit is not None:
            text += f" LIMIT {self.limit(query)}"
        if query.offset is not None:
            text += f" OFFSET {self.count(query.offset)}"
        return text

    def limit(self, query: s.Query) -> int:
        rows = self.count(query.limit)
        if query.fetch and rows == 0:
            raise self.error(
                query.limit.pos,
                "NUMERIC_VALUE_OUT_OF_RANGE",
                "FETCH FIRST row count must be positive (actual value: 0)",
            )
        return rows

    def count(self, node: Any) -> int:
        value = self.expression(node)
        if not isinstance(value.constant, int) or value.constant < 0:
            raise self.error(node.pos, "INVALID_ARGUMENTS", "LIMIT and OFFSET must be constant whole numbers")
        return value.constant

    def ties(self, query: s.Query, sql: str, order: list[str], width: int) -> str:
        """FETCH FIRST n ROWS WITH TIES: everything whose rank is at most n."""
        if not order:
            raise self.error(query.pos, "MISSING_ORDER_BY", "FETCH FIRST WITH TIES clause requires ORDER BY")
        if query.offset is not None or any(not part[0].isdigit() for part in order):
            raise self.error(
                query.pos, "NOT_SUPPORTED", "WITH TIES with OFFSET or hidden order is not supported"
            )
        alias = self.fresh("r")
        keys = ", ".join(f"{alias}.c{part}" for part in order)
        inner = f"SELECT *, rank() OVER (ORDER BY {keys}) AS rank_ FROM ({sql}) AS {alias}({slots(width)})"
        return f"SELECT {slots(width)} FROM ({inner}) WHERE rank_ <= {self.limit(query)} ORDER BY rank_"

    # -- aggregates and windows

    def aggregate_or_window(self, node: s.Call) -> Value:
        name = node.name
        over = "" if node.over is None else self.placed(node.pos, self.window, node.over)
        if name == "td_sessionize_window":
            return self.session_id(node)
        if name not in AGGREGATES:
            if name not in WINDOWS:
                known = self.known(name)
                message = f"Not a window function: {name}" if known else f"Function '{name}' not registered"
                pos, problem = node.pos, "FUNCTION_NOT_FOUND"
                if known:
                    pos, problem = self.select_at[0], "FUNCTION_NOT_WINDOW"
                raise self.error(pos, problem, message)
            if not over:
                raise self.error(
                    node.pos, "MISSING_OVER", f"Window function system.builtin.{name} requires an OVER clause"
                )
            return self.window_function(node, over)
        if not over and self.in_aggregate:
            message = (
                f"Cannot nest aggregations inside aggregation '{self.outer_name}': [{self.written(node.pos)}]"
            )
            raise self.error(self.outer_pos, "NESTED_AGGREGATION", message)
        if not over and self.grouped is None:
            raise self.error(node.pos, "EXPRESSION_NOT_SCALAR", f"aggregation is not allowed here: [{name}]")
        return self.aggregate(node, over)

    def grouping(self, node: s.Call) -> Value:
        """GROUPING(a, b): which of the columns the row's grouping set lacks."""
        values = [self.expression(item) for item in node.arguments]
        if not self.select_at[1]:
            message = (
                "A GROUPING() operation can only be used with a corresponding GROUPING"
                " SET/CUBE/ROLLUP/GROUP BY clause"
            )
            raise self.error(self.select_at[0], "MISSING_GROUP_BY", message)
        for value, item in zip(values, node.arguments, strict=True):
            if value.sql not in (self.grouped or ()):
                message = (
                    "The arguments to GROUPING() must be expressions referenced by the GROUP BY at the"
                    f" associated query level. Mismatch due to {shown(item)}."
                )
                raise self.error(node.pos, "INVALID_ARGUMENTS", message)
        kind = k.INTEGER if len(values) < 32 else k.BIGINT
        return Value(f"CAST(GROUPING({', '.join(value.sql for value in values)}) AS {k.duck(kind)})", kind)

    def written(self, pos: int) -> str:
        """The call that begins at *pos*, as it stands in the text."""
        depth = 0
        for index in range(pos, len(self.text)):
            depth += {"(": 1, ")": -1}.get(self.text[index], 0)
            if not depth and self.text[index] == ")":
                return self.text[pos : index + 1]
        return self.text[pos:]

    def aggregate(self, node: s.Call, over: str) -> Value:
        kept, name = self.in_aggregate, node.name
        if node.nulls:
            message = f"Cannot specify null treatment clause for {name} function"
            raise self.error(node.pos, "NULL_TREATMENT_NOT_ALLOWED", message)
        if over and node.where is not None:
            message = "FILTER is not yet supported for window functions"
            raise self.error(self.select_at[0], "NOT_SUPPORTED", message)
        if not over:
            self.in_aggregate, self.outer_name, self.outer_pos = True, name, node.pos
        try:
            if node.star:
                if name != "count":
                    raise self.error(
                        node.pos, "FUNCTION_NOT_FOUND", f"Unexpected parameters (*) for function {name}."
                    )
                made = agg.Made(f"count(*){agg.OVER}", k.BIGINT)
            else:
                if not node.arguments and name == "count":
                    made = agg.Made(f"count(*){agg.OVER}", k.BIGINT)
                else:
                    values = [self.argument(item) for item in node.arguments]
                    made = self.placed(node.pos, agg.made, self, node, values)
            order = self.sort_list(node.order_by)
            if order and node.distinct:
                shown = {self.expression(item).sql for item in node.arguments}
                if any(self.expression(item.value).sql not in shown for item in node.order_by):
                    message = (
                        "For aggregate function with DISTINCT, ORDER BY expressions must appear in arguments"
                    )
                    raise self.error(node.order_by[0].pos, "EXPRESSION_NOT_IN_DISTINCT", message)
            where = (
                f" FILTER (WHERE {self.condition(node.where, 'Filter expression').sql})"
                if node.where is not None
                else ""
            )
        finally:
            self.in_aggregate = kept
        if node.distinct and agg.DISTINCT not in made.sql and name not in ("approx_distinct",):
            raise self.error(
                node.pos, "NOT_SUPPORTED", f"DISTINCT in {name} is not supported by the local account"
            )
        if order and agg.ORDER not in made.sql and name in ("min_by", "max_by", "map_union"):
            order = ""
        sql = made.sql.replace(agg.DISTINCT, "DISTINCT " if node.distinct else "")
        sql = sql.replace(agg.ORDER, f" ORDER BY {order}" if order else "").replace(agg.OVER, where + over)
        return Value(sql, made.kind, zone=made.zone)

    # -- TD_SESSIONIZE_WINDOW

    def sessionized(self, node: s.Select, query: s.Query, source: str) -> str:
        """Put a level under the SELECT that knows each row's previous time, for TD_SESSIONIZE_WINDOW."""
        found = [call for call in calls([node.items, query.order_by]) if call.name == "td_sessionize_window"]
        if not found:
            return source
        if node.grouping is not None or not source:
            raise self.error(
                found[0].pos, "NOT_SUPPORTED", "TD_SESSIONIZE_WINDOW in an aggregation is not supported"
            )
        self.windows = dict(node.windows)
        extra = []
        for number, call in enumerate(found):
            if call.over is None or len(call.arguments) != 2:
                raise self.error(
                    call.pos, "MISSING_OVER", "TD_SESSIONIZE_WINDOW(time, timeout) requires an OVER clause"
                )
            time = self.typed(call.arguments[0], k.BIGINT, "TD_SESSIONIZE_WINDOW time")
            extra.append(f"lag({time.sql}){self.window(call.over)} AS p{number}")
        alias = self.fresh("r")
        columns = [f"{one.sql} AS c{n}" for n, one in enumerate(self.scope.sources, 1)]
        inner = f"SELECT {', '.join([*columns, *extra])}{source}"
        self.scope.sources = [
            dataclasses.replace(one, sql=f"{alias}.c{n}") for n, one in enumerate(self.scope.sources, 1)
        ]
        self.sessions = {str(call.pos): (f"{alias}.p{n}", "") for n, call in enumerate(found)}
        return f" FROM ({inner}) AS {alias}"

    def session_id(self, node: s.Call) -> Value:
        """One id for each session: a hash of its keys and its first time."""
        if str(node.pos) not in self.sessions:
            raise self.error(
                node.pos, "NOT_SUPPORTED", "TD_SESSIONIZE_WINDOW is allowed in the select list only"
            )
        previous, _ = self.sessions[str(node.pos)]
        time = self.typed(node.arguments[0], k.BIGINT, "TD_SESSIONIZE_WINDOW time").sql
        timeout = self.typed(node.arguments[1], k.BIGINT, "TD_SESSIONIZE_WINDOW timeout").sql
        window = self.named_window(node.over) if isinstance(node.over, str) else self.based(node.over)
        keys = [self.expression(item).sql for item in window.partition]
        begins = f"CASE WHEN {previous} IS NULL OR {time} - {previous} > {timeout} THEN {time} END"
        start = f"max({begins}){self.window(node.over)}"
        seed = " || '/' || ".join(
            [f"coalesce(CAST({key} AS VARCHAR), '-')" for key in keys] + [f"CAST({start} AS VARCHAR)"]
        )
        return Value(f"CAST(CAST(md5({seed}) AS UUID) AS VARCHAR)", k.VARCHAR)

    # -- subqueries in expressions

    def scalar_query(self, node: s.ScalarQuery) -> Value:
        made = self.query(node.query, self.scope)
        output = made.outputs[0]
        if any(one.packed for one in made.outputs):
            raise self.error(
                node.pos, "NOT_SUPPORTED", "a subquery of values in several time zones is not supported"
            )
        if len(made.outputs) == 1:
            return Value(f"({made.sql})", output.kind, zone=output.zone)
        called = tuple(one.name and one.name.lower() for one in made.outputs)
        kind = k.row(tuple(one.kind for one in made.outputs), called)
        if any(one.kind.name == "timestamp with time zone" for one in made.outputs):
            raise self.error(node.pos, "NOT_SUPPORTED", "a row of times with zones is not supported here")
        alias, width = self.fresh("r"), len(made.outputs)
        fields = ", ".join(f"f{n} := {alias}.c{n}" for n in range(1, width + 1))
        return Value(f"(SELECT struct_pack({fields}) FROM ({made.sql}) AS {alias}({slots(width)}))", kind)

    def in_query(self, node: s.InQuery) -> Value:
        made = self.query(node.query, self.scope)
        left = node.value
        if isinstance(left, s.RowLiteral) and len(made.outputs) == len(left.items) > 1:
            values = [self.expression(item) for item in left.items]
        else:
            values = [self.expression(left)]
        if len(values) != len(made.outputs):
            raise self.unlike(node.pos, values, made)
        kinds = []
        for value, output in zip(values, made.outputs, strict=True):
            kind = k.common(value.kind, output.kind)
            if kind is None:
                raise self.unlike(node.pos, values, made)
            kinds.append(kind)
        right = self.as_kinds(made, kinds, node.pos, "IN")
        texts = ", ".join(
            coerce(value, kind, self.zone).sql for value, kind in zip(values, kinds, strict=True)
        )
        return Value(f"({f'({texts})' if len(values) > 1 else texts} IN ({right.sql}))", k.BOOLEAN)

    def unlike(self, pos: int, values: list[Value], made: Compiled) -> EngineError:
        given = k.row(tuple(value.kind for value in values))
        if len(values) == 1 and values[0].kind.name == "row":
            given = values[0].kind
        called = tuple(one.name and one.name.lower() for one in made.outputs)
        found = k.row(tuple(one.kind for one in made.outputs), called)
        message = f"Value expression and result of subquery must be of the same type: {given} vs {found}"
        return self.error(pos, "TYPE_MISMATCH", message)

    def exists(self, node: s.Exists) -> Value:
        return Value(f"EXISTS ({self.query(node.query, self.scope).sql})", k.BOOLEAN)

    def quantified(self, node: s.Quantified) -> Value:
        made = self.query(node.query, self.scope)
        value = self.expression(node.value)
        if len(made.outputs) != 1:
            raise self.unlike(node.pos, [value], made)
        output = made.outputs[0]
        if k.common(value.kind, output.kind) is None:
            raise self.unlike(node.pos, [value], made)
        self.placed(node.pos, comparison, node.operator, value, Value("x", output.kind), self.zone)
        kind = k.common(value.kind, output.kind)
        assert kind is not None
        right = self.as_kinds(made, [kind], node.pos, "quantified comparison")
        word = "ALL" if node.quantifier == "ALL" else "ANY"
        return Value(
            f"({coerce(value, kind, self.zone).sql} {node.operator} {word} ({right.sql}))", k.BOOLEAN
        )


def slots(count: int) -> str:
    """c1, c2, …: what the columns of every inner query are called."""
    return ", ".join(f"c{n}" for n in range(1, count + 1))


def _own_name(node: Any) -> str | None:
    """The name a select item has without an alias: that of a column or field."""
    if isinstance(node, s.Column):
        return node.parts[-1]
    return node.name if isinstance(node, s.Field) else None


def _mentions(node: Any, name: str) -> list[s.Table]:
    """Every place where *name* is read as a table, queries inside included, in the order of the text."""
    found = [one for one in _relations(node) if isinstance(one, s.Table) and one.parts == (name,)]
    return sorted(found, key=lambda table: table.pos)


def _joins(node: Any) -> list[s.Join]:
    return [one for one in _relations(node) if isinstance(one, s.Join)]


def _relations(node: Any) -> Iterator[Any]:
    """Every table and join in *node*."""
    if isinstance(node, s.Table | s.Join):
        yield node
    if isinstance(node, s.Node):
        for field in fields(cast(Any, type(node))):
            yield from _relations(getattr(node, field))
    elif isinstance(node, list | tuple):
        for item in node:
            yield from _relations(item)
