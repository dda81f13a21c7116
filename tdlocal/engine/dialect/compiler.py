"""Expressions: from Trino's tree to DuckDB's text, with every type known on the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tdlocal.engine.catalog import Catalog
from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.dialect import syntax as s
from tdlocal.engine.dialect.casts import cast, castable, coerce
from tdlocal.engine.dialect.functions import AGGREGATES, SCALARS, SPECIAL, WINDOWS
from tdlocal.engine.dialect.operators import COMPARISONS, arithmetic, comparison, concatenated, negative
from tdlocal.engine.dialect.scopes import Scope
from tdlocal.engine.dialect.shown import shown
from tdlocal.engine.dialect.signatures import Function, Overload, filled_in, unexpected
from tdlocal.engine.dialect.times import current_time, interval_literal, typed_literal
from tdlocal.engine.dialect.tokens import error_at
from tdlocal.engine.dialect.values import Value, decimal, integer, null, string
from tdlocal.engine.dialect.walking import calls, holds_query, names
from tdlocal.engine.failures import failure
from tdlocal.engine.storage import CATALOG, CATALOGS
from tdlocal.engine.types import Column, EngineError

T = TypeVar("T")
_EXTRACT = {"dow": "day_of_week", "doy": "day_of_year", "yow": "year_of_week", "day_of_month": "day"}
_PLACED = frozenset(
    """TYPE_MISMATCH INVALID_LITERAL FUNCTION_NOT_FOUND SYNTAX_ERROR NOT_SUPPORTED AMBIGUOUS_FUNCTION_CALL
    INVALID_ARGUMENTS INVALID_CAST_ARGUMENT""".split()
)

_FIELDS = (
    "YEAR, QUARTER, MONTH, WEEK, DAY, DAY_OF_MONTH, DAY_OF_WEEK, DOW, DAY_OF_YEAR, DOY, YEAR_OF_WEEK, YOW,"
    " HOUR, MINUTE, SECOND, TIMEZONE_MINUTE, TIMEZONE_HOUR"
)
_CLAUSES = ("WHERE clause", "HAVING clause", "JOIN ON clause")


@dataclass
class Session:
    """What a statement is translated with. *used_time* is set when the answer depends on the scheduled
    time."""

    catalog: Catalog
    home: str
    database: str
    scheduled_time: int = 0
    time_zone: str = "UTC"
    used_time: bool = False


class ExpressionCompiler:
    """Base of the query compiler; `expression(node)` gives a Value."""

    def __init__(self, text: str, session: Session, parameters: Sequence[s.Node] = ()) -> None:
        self.text, self.session, self.parameters = text, session, parameters
        self.scope = Scope()
        self.zone = f"'{session.time_zone}'"
        self.grouped: set[str] | None = None  # texts of the GROUP BY expressions, in an aggregation
        self.pending: list[tuple[int, str]] = []  # what no group covers: its place, and the message
        self.in_aggregate = False
        self.aggregates_allowed: str | None = None  # the clause that forbids them
        self.met_aggregate = False
        self.met_window = False
        self.select_at = (0, False)  # where the SELECT begins, and whether it has a GROUP BY
        self.windows: dict[str, s.Window] = {}
        self.counter = 0
        self.reads: dict[tuple[str, str], tuple[Column, ...]] = {}
        self.inputs: dict[str, Any] = {}
        self.sessions: dict[str, tuple[str, str]] = {}

    # -- errors

    def error(self, pos: int, name: str, message: str) -> EngineError:
        return error_at(self.text, pos, name, message)

    def placed(self, pos: int, work: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Call *work*; its errors get the place *pos* in front unless they have one."""
        try:
            return work(*arguments, **options)
        except EngineError as error:
            if error.name in _PLACED and not error.message.startswith("line "):
                raise self.error(pos, error.name, error.message) from None
            raise

    def fresh(self, prefix: str) -> str:
        self.counter += 1
        return f"{prefix}{self.counter}"

    # -- the door

    def expression(self, node: Any) -> Value:
        mark = len(self.pending)
        value = _METHODS[type(node)](self, node)
        if self.grouped is not None and len(self.pending) > mark and value.sql in self.grouped:
            del self.pending[mark:]
        return value

    def typed(self, node: Any, kind: k.Kind, clause: str) -> Value:
        """The expression, coerced to *kind*; *clause* names it in the message."""
        value = self.expression(node)
        if not k.turns_into(value.kind, kind):
            actual = f": actual type {value.kind}" if clause in _CLAUSES else f" (actual: {value.kind})"
            raise self.error(node.pos, "TYPE_MISMATCH", f"{clause} must evaluate to a {kind}{actual}")
        return coerce(value, kind, self.zone)

    def condition(self, node: Any, clause: str = "Logical expression term") -> Value:
        return self.typed(node, k.BOOLEAN, clause)

    def common(self, values: list[Value], nodes: Sequence[Any], message: str) -> tuple[list[Value], k.Kind]:
        """The values coerced to the type they share."""
        kind = k.UNKNOWN
        for value, node in zip(values, nodes, strict=True):
            together = k.common(kind, value.kind)
            if together is None:
                every = ", ".join(dict.fromkeys(str(one.kind) for one in values))
                raise self.error(node.pos, "TYPE_MISMATCH", message.format(kind, value.kind, every))
            kind = together
        if kind.name == "timestamp with time zone":
            zones = {value.zone for value in values if value.kind.name == kind.name}
            if len(zones) > 1:
                raise self.error(nodes[0].pos, "NOT_SUPPORTED",
                                 ("values of different time zones in one expression are not"
                                     " supported here"))  # fmt: skip
        return [coerce(value, kind, self.zone) for value in values], kind

    # -- literals

    def literal(self, node: s.Literal) -> Value:
        if node.kind == "string":
            return string(node.value)
        if node.kind == "integer":
            if node.value >= 2**63:
                raise self.error(node.pos, "SYNTAX_ERROR", f"Invalid numeric literal: {node.value}")
            return integer(node.value)
        if node.kind == "decimal":
            made = decimal(node.value)
            if made.kind.sizes[0] > 38:
                raise self.error(node.pos, "INVALID_LITERAL", f"Invalid decimal literal '{node.value}'")
            return made
        if node.kind == "double":
            return Value(f"CAST('{node.value}' AS DOUBLE)", k.DOUBLE, constant=float(node.value))
        if node.kind == "boolean":
            return Value("true" if node.value else "false", k.BOOLEAN, constant=node.value)
        if node.kind == "binary":
            return Value(f"unhex('{node.value.hex()}')", k.VARBINARY)
        return null()

    def typed_literal(self, node: s.TypedLiteral) -> Value:
        kind = self.type_of(node.type)
        return self.placed(node.pos, typed_literal, kind, node.value, self.zone)

    def interval(self, node: s.IntervalLiteral) -> Value:
        return self.placed(node.pos, interval_literal, node)

    def type_of(self, written: s.TypeName) -> k.Kind:
        kind = k.read(written)
        if kind is None or kind.name == "unknown":
            raise self.error(written.pos, "TYPE_NOT_FOUND", f"Unknown type: {written.name}")
        return kind

    def current(self, node: s.CurrentTime) -> Value:
        if node.name in ("current_user", "current_catalog", "current_schema", "current_path", "current_role"):
            named = {
                "current_user": "tdlocal",
                "current_catalog": CATALOG,
                "current_schema": self.session.database,
            }
            made = string(named.get(node.name, ""))
            return Value(made.sql, k.VARCHAR, constant=made.constant)
        return current_time(node.name, node.precision, self.zone)

    def parameter(self, node: s.Parameter) -> Value:
        if node.index >= len(self.parameters):
            message = "Incorrect number of parameters: expected more than were given"
            raise self.error(node.pos, "INVALID_PARAMETER_USAGE", message)
        return self.expression(self.parameters[node.index])

    # -- names

    def column(self, node: s.Column) -> Value:
        parts = node.parts
        scope: Scope | None = self.scope
        own = True
        while scope is not None:
            if len(parts) == 1 and parts[0] in scope.lambdas:
                return scope.lambdas[parts[0]]
            if parts[0] in scope.lambdas:
                return self.dereference(node.pos, scope.lambdas[parts[0]], parts[1:], parts[0])
            for size in range(min(len(parts), 4), 0, -1):
                name = parts[:size]
                if size == 4:
                    name = name[1:] if name[0] in CATALOGS else ("?",)
                found = scope.find(name)
                if len(found) > 1:
                    raise self.error(node.pos, "AMBIGUOUS_NAME", f"Column '{'.'.join(name)}' is ambiguous")
                if found:
                    return self._found(node, scope, found[0], parts[size:], own)
            own = False
            scope = scope.parent
        shown = ".".join(parts)
        raise self.error(node.pos, "COLUMN_NOT_FOUND", f"Column '{shown}' cannot be resolved")

    def _found(self, node: s.Column, scope: Scope, source: Any, rest: tuple[str, ...], own: bool) -> Value:
        value: Value = source.value()
        if not own:
            inner: Scope | None = self.scope
            while inner is not None and inner is not scope:
                inner.correlated = True
                inner = inner.parent
        elif self.grouped is not None and not self.in_aggregate and value.sql not in self.grouped:
            self.pending.append((node.pos, ""))
        read = node.parts[: len(node.parts) - len(rest)]
        return self.dereference(node.pos, value, rest, ".".join(read))

    def dereference(self, pos: int, value: Value, names: Sequence[str], base: str = "") -> Value:
        """The field of a row, of its field, …; *base* is what the message calls the row."""
        for name in names:
            base = f"{base}.{name}" if base else name
            if value.kind.name != "row":
                raise self.error(pos, "TYPE_MISMATCH", f"Expression of type {value.kind} is not of type ROW")
            places = [i for i, field in enumerate(value.kind.fields) if field and field.lower() == name]
            if not places:
                raise self.error(pos, "INVALID_COLUMN_REFERENCE", f"Column reference '{base}' is invalid")
            value = Value(f"({value.sql}).f{places[0] + 1}", value.kind.items[places[0]])
        return value

    def uncovered(self, mark: int, node: Any, what: str = "") -> None:
        """What was met since *mark* makes *node* no expression of the groups."""
        if len(self.pending) > mark:
            message = f"{what}'{shown(node)}' must be an aggregate expression or appear in GROUP BY clause"
            self.pending[mark:] = [(pos, said) for pos, said in self.pending[mark:] if said] or [
                (node.pos, message)
            ]

    def field(self, node: s.Field) -> Value:
        return self.dereference(node.base.pos, self.expression(node.base), (node.name,))

    # -- operators

    def binary(self, node: s.Binary) -> Value:
        operator = node.operator
        if operator in ("AND", "OR"):
            left, right = self.condition(node.left), self.condition(node.right)
            return Value(f"({left.sql} {operator} {right.sql})", k.BOOLEAN)
        left, right = self.expression(node.left), self.expression(node.right)
        if operator in COMPARISONS:
            return self.placed(node.pos, comparison, operator, left, right, self.zone)
        if operator == "||":
            return self.placed(node.pos, concatenated, left, right)
        return self.placed(node.pos, arithmetic, operator, left, right, self.zone)

    def unary(self, node: s.Unary) -> Value:
        if node.operator == "NOT":
            return Value(
                f"(NOT {self.condition(node.value, 'Value of logical NOT expression').sql})", k.BOOLEAN
            )
        written = node.value
        if node.operator == "-" and isinstance(written, s.Literal) and written.value in (2**31, 2**63):
            kind = k.BIGINT if written.value == 2**63 else k.INTEGER  # the sign belongs to the number
            return Value(f"CAST('-{written.value}' AS {k.duck(kind)})", kind, constant=-written.value)
        value = self.expression(node.value)
        if node.operator == "-":
            return self.placed(node.pos, negative, value)
        return value

    def like(self, node: s.Like) -> Value:
        value, pattern = self.expression(node.value), self.expression(node.pattern)
        for part, other in ((value, node.value), (pattern, node.pattern)):
            if not k.is_text(part.kind) and part.kind.name != "unknown":
                message = (
                    f"{'Left side of' if part is value else 'Pattern for'} LIKE expression must"
                    f" evaluate to a varchar (actual: {part.kind})"
                )
                raise self.error(other.pos, "TYPE_MISMATCH", message)
        escape = ""
        if node.escape is not None:
            mark = self.expression(node.escape)
            if isinstance(mark.constant, str) and len(mark.constant) != 1:
                raise self.error(
                    node.escape.pos, "INVALID_FUNCTION_ARGUMENT", "Escape string must be a single character"
                )
            escape = f" ESCAPE {mark.sql}"
            if isinstance(mark.constant, str) and isinstance(pattern.constant, str):
                _check_escapes(pattern.constant, mark.constant)
        return Value(f"({value.sql} LIKE {pattern.sql}{escape})", k.BOOLEAN)

    def between(self, node: s.Between) -> Value:
        values = [self.expression(part) for part in (node.value, node.low, node.high)]
        kind = k.UNKNOWN
        for value in values:
            together = k.common(kind, value.kind)
            if together is None:
                message = f"Cannot check if {values[0].kind} is BETWEEN {values[1].kind} and {values[2].kind}"
                raise self.error(node.pos, "TYPE_MISMATCH", message)
            kind = together
        x, low, high = (coerce(value, kind, self.zone).sql for value in values)
        nan = f" AND NOT isnan({x})" if kind.name in ("double", "real") and not values[0].is_constant else ""
        return Value(f"({x} BETWEEN {low} AND {high}{nan})", k.BOOLEAN)

    def in_list(self, node: s.InList) -> Value:
        values = [self.expression(part) for part in (node.value, *node.items)]
        values, _ = self.common(
            values,
            (node.value, *node.items),
            "IN value and list items must be the same type or coercible to a common type. Cannot"
            " find common type between {} and {}, all types (without duplicates): [{}]",
        )
        if values[0].kind.name in ("double", "real", "array", "row") and len(values) <= 20:
            tests = [comparison("=", values[0], value, self.zone).sql for value in values[1:]]
            return Value(f"({' OR '.join(tests)})", k.BOOLEAN)
        return Value(f"({values[0].sql} IN ({', '.join(value.sql for value in values[1:])}))", k.BOOLEAN)

    def is_null(self, node: s.IsNull) -> Value:
        return Value(f"({self.expression(node.value).sql} IS NULL)", k.BOOLEAN)

    def is_distinct(self, node: s.IsDistinct) -> Value:
        left, right = self.expression(node.left), self.expression(node.right)
        kind = k.common(left.kind, right.kind)
        if kind is None:
            message = f"Cannot check if {left.kind} is distinct from {right.kind}"
            raise self.error(node.pos, "TYPE_MISMATCH", message)
        x, y = coerce(left, kind, self.zone).sql, coerce(right, kind, self.zone).sql
        return Value(f"({x} IS DISTINCT FROM {y})", k.BOOLEAN)

    def case(self, node: s.Case) -> Value:
        results = [self.expression(result) for _, result in node.branches]
        nodes = [result for _, result in node.branches]
        if node.default is not None:
            results.append(self.expression(node.default))
            nodes.append(node.default)
        results, kind = self.common(
            results,
            nodes,
            (
                "All CASE results must be the same type or coercible to a common type. Cannot"
                " find common type between {} and {}, all types (without duplicates): [{}]"
            ),
        )
        conditions = self.case_conditions(node)
        zone = next((value.zone for value in results if value.zone), None)
        parts = [
            f"WHEN {condition} THEN {value.sql}"
            for condition, value in zip(conditions, results, strict=False)
        ]
        otherwise = results[-1].sql if node.default is not None else "NULL"
        return Value(f"CASE {' '.join(parts)} ELSE {otherwise} END", kind, zone=zone)

    def case_conditions(self, node: s.Case) -> list[str]:
        if node.operand is None:
            return [self.condition(when, "CASE WHEN clause").sql for when, _ in node.branches]
        operand = self.expression(node.operand)
        return [
            comparison("=", operand, self.case_operand(when, operand), self.zone).sql
            for when, _ in node.branches
        ]

    def case_operand(self, when: Any, operand: Value) -> Value:
        value = self.expression(when)
        if k.common(operand.kind, value.kind) is None:
            message = (
                f"CASE operand type does not match WHEN clause operand type: {operand.kind} vs {value.kind}"
            )
            raise self.error(when.pos, "TYPE_MISMATCH", message)
        return value

    # -- arrays, rows, casts

    def array(self, node: s.ArrayLiteral) -> Value:
        values = [self.expression(item) for item in node.items]
        values, kind = self.common(
            values,
            node.items,
            (
                "All ARRAY elements must be the same type or coercible to a common type. Cannot"
                " find common type between {} and {}, all types (without duplicates): [{}]"
            ),
        )
        body = f"[{', '.join(value.sql for value in values)}]"
        if kind.name == "unknown" or all(value.constant is None for value in values):
            body = f"CAST({body} AS {k.duck(k.array(kind))})"
        return Value(body, k.array(kind))

    def row(self, node: s.RowLiteral) -> Value:
        values = [self.expression(item) for item in node.items]
        kind = k.row(tuple(value.kind for value in values))
        texts = ["CAST(NULL AS INTEGER)" if value.kind.name == "unknown" else value.sql for value in values]
        parts = ", ".join(f"f{n} := {one}" for n, one in enumerate(texts, 1))
        return Value(f"struct_pack({parts})", kind)

    def subscript(self, node: s.Subscript) -> Value:
        base, index = self.expression(node.base), self.expression(node.index)
        if base.kind.name == "row":
            if not isinstance(index.constant, int):
                raise self.error(
                    node.pos,
                    "EXPRESSION_NOT_CONSTANT",
                    "Subscript expression on ROW requires a constant index",
                )
            if not 1 <= index.constant <= len(base.kind.items):
                message = (
                    f"Subscript index out of bounds: {index.constant}, max value is {len(base.kind.items)}"
                )
                raise self.error(node.index.pos, "INVALID_FUNCTION_ARGUMENT", message)
            return Value(f"({base.sql}).f{index.constant}", base.kind.items[index.constant - 1])
        if base.kind.name == "array":
            if not k.turns_into(index.kind, k.BIGINT):
                raise self.error(
                    node.pos, "TYPE_MISMATCH", f"Cannot use {index.kind} for subscript of {base.kind}"
                )
            a, i = base.sql, coerce(index, k.BIGINT).sql
            wrong = f"CAST(py_bad_index({i}, len({a})) AS {k.duck(base.kind.item)})"
            sql = (
                f"CASE WHEN {a} IS NULL OR {i} IS NULL THEN NULL WHEN {i} BETWEEN 1 AND len({a})"
                f" THEN {a}[{i}] ELSE {wrong} END"
            )
            return Value(sql, base.kind.item)
        if base.kind.name == "map":
            return self.map_subscript(node, base, index)
        raise self.error(node.pos, "TYPE_MISMATCH", f"Cannot apply operator: {base.kind}[{index.kind}]")

    def map_subscript(self, node: s.Subscript, base: Value, index: Value) -> Value:
        key, value = base.kind.items
        if not k.turns_into(index.kind, key):
            raise self.error(
                node.base.pos, "TYPE_MISMATCH", f"Cannot use {index.kind} for subscript of {base.kind}"
            )
        i = coerce(index, key).sql
        shown = cast(Value(i, key), k.VARCHAR).sql if castable(key, k.VARCHAR) else "''"
        wrong = (
            f"CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'Key not present in map: ' || {shown}) AS"
            f" {k.duck(value)})"
        )
        sql = (
            f"CASE WHEN {base.sql} IS NULL OR {i} IS NULL THEN NULL WHEN map_contains({base.sql}, {i})"
            f" THEN {base.sql}[{i}] ELSE {wrong} END"
        )
        return Value(sql, value)

    def cast(self, node: s.Cast) -> Value:
        if k.read(node.type) is None:
            if node.type.name == "decimal":
                message = "DECIMAL precision must be in range [1, 38], scale in [0, precision]"
                raise self.error(node.pos, "INVALID_FUNCTION_ARGUMENT", message)
            raise self.error(node.pos, "TYPE_MISMATCH", f"Unknown type: {self.type_written(node.type)}")
        value, kind = self.expression(node.value), self.type_of(node.type)
        return self.placed(node.pos, cast, value, kind, safe=node.safe, zone=self.zone)

    def type_written(self, node: s.TypeName) -> str:
        """The type's name as messages have it: in capitals unless it was quoted."""
        sizes = ", ".join(str(one) for one in node.arguments if isinstance(one, int))
        name = node.name if self.text[node.pos : node.pos + 1] == '"' else node.name.upper()
        return f"{name}({sizes})" if sizes else name

    def extract(self, node: s.Extract) -> Value:
        part = _EXTRACT.get(node.part, node.part)
        if part not in ("year", "quarter", "month", "week", "day", "day_of_week", "day_of_year",
        "year_of_week",
                        "hour", "minute", "second", "timezone_hour", "timezone_minute"):  # fmt: skip
            message = f"Invalid EXTRACT field {node.part}, valid fields are: {_FIELDS}"
            raise self.error(node.pos, "SYNTAX_ERROR", message)
        if part in ("hour", "minute", "second") and self.expression(node.value).kind == k.DATE:
            message = f"Cannot extract {part.upper()} from date"
            raise self.error(node.pos, "TYPE_MISMATCH", message)
        return self.call(s.Call(node.pos, part, [node.value]))

    def at_zone(self, node: s.AtZone) -> Value:
        return self.call(s.Call(node.pos, "at_timezone", [node.value, node.zone]))

    # -- calls

    def call(self, node: s.Call) -> Value:
        name = node.name
        if node.over is not None or name in WINDOWS or (name in AGGREGATES and name not in SCALARS):
            return self.aggregate_or_window(node)
        if name == "grouping":
            return self.grouping(node)
        if node.distinct or node.star or node.order_by or node.where is not None or node.nulls:
            message = "DISTINCT is not supported for non-aggregation functions"
            if not self.known(name):
                message = f"Function '{name}' not registered"
            elif node.where is not None:
                message = "Filter is only valid for aggregation functions"
            raise self.error(
                node.pos, "FUNCTION_NOT_AGGREGATE" if self.known(name) else "FUNCTION_NOT_FOUND", message
            )
        if name in SPECIAL:
            return self.placed(node.pos, SPECIAL[name], self, node)
        if name not in SCALARS:
            for column in names([item for item in node.arguments if not isinstance(item, s.Lambda)]):
                self.expression(column)  # a name that is not there is told first
            raise self.error(node.pos, "FUNCTION_NOT_FOUND", f"Function '{name}' not registered")
        return self.function(node, None)

    @staticmethod
    def known(name: str) -> bool:
        return name in SPECIAL or name in SCALARS

    def function(self, node: s.Call, values: list[Value] | None) -> Value:
        """A scalar function of the table; *values* when its arguments are translated already."""
        if values is None:
            values = [self.argument(item) for item in node.arguments]
        found = SCALARS.find(node.name, [value.kind for value in values])
        if found is None:
            raise self.unexpected(node, SCALARS, values)
        one, bound = found
        return self.applied(node, one, bound, values)

    def argument(self, item: Any) -> Value:
        return Value("", k.Kind("function")) if isinstance(item, s.Lambda) else self.expression(item)

    def unexpected(self, node: s.Call, table: Any, values: list[Value]) -> EngineError:
        problem = unexpected(node.name, [value.kind for value in values], table.expected(node.name))
        return self.error(node.pos, problem.name, problem.message)

    def applied(self, node: s.Call, one: Overload, bound: dict[str, k.Kind], values: list[Value]) -> Value:
        """Coerce the arguments, translate the lambdas, fill the template in."""
        texts: list[str] = []
        zone = None
        for index, value in enumerate(values):
            pattern = one.parameter(index)
            if isinstance(pattern, Function):
                texts.append("")
                continue
            target = filled_in(pattern, bound, value.kind)
            made = coerce(value, target, self.zone)
            zone = zone or made.zone
            texts.append(made.sql)
        for index, item in enumerate(node.arguments):
            if isinstance(item, s.Lambda):
                texts[index] = self.lambda_argument(node, item, one.parameter(index), bound, values)
        kind = filled_in(one.result, bound)
        if one.result.name == "varchar" and one.result.sizes == ():
            kind = k.VARCHAR
        return Value(one.filled(texts), kind, zone=zone if kind.name == "timestamp with time zone" else None)

    def lambda_argument(
        self, call: s.Call, node: s.Lambda, pattern: Any, bound: dict[str, k.Kind], values: list[Value]
    ) -> str:
        if not isinstance(pattern, Function):
            raise self.error(node.pos, "TYPE_MISMATCH", "Unexpected lambda expression")
        kinds = [filled_in(parameter, bound) for parameter in pattern.parameters]
        names, body = self.lambda_body(node, kinds)
        result = pattern.result
        if len(result.name) == 1 and result.name not in bound:
            bound[result.name] = body.kind
        target = filled_in(result, bound)
        if body.kind.name == "unknown" and result.name == "boolean":
            raise self.error(node.pos, "FUNCTION_NOT_FOUND", "a lambda that gives null is no condition")
        if not k.turns_into(body.kind, target):
            raise self.unexpected(call, SCALARS, values)
        return f"lambda {', '.join(names)}: {coerce(body, target, self.zone).sql}"

    def lambda_body(
        self, node: s.Lambda, kinds: Sequence[k.Kind], given: Sequence[str] = ()
    ) -> tuple[list[str], Value]:
        """Translate the body with its parameters standing for *given* texts, or for names of their own."""
        if len(node.parameters) != len(kinds):
            message = f"Expected a lambda that takes {len(kinds)} argument(s) but got {len(node.parameters)}"
            raise self.error(node.pos, "INVALID_PARAMETER_USAGE", message)
        names = list(given) or [self.fresh("v") for _ in kinds]
        values = {
            parameter: Value(name, kind)
            for parameter, name, kind in zip(node.parameters, names, kinds, strict=True)
        }
        if holds_query(node.body):
            raise self.error(node.pos, "NOT_SUPPORTED", "Lambda expression cannot contain subqueries")
        for call in calls(node.body):
            if call.over is not None or call.name == "grouping" or (
                call.name in AGGREGATES and call.name not in SCALARS
            ):  # fmt: skip
                message = "Lambda expression cannot contain aggregations, window functions or grouping"
                raise self.error(call.pos, "EXPRESSION_NOT_SCALAR", f"{message} operations: [{call.name}]")
        outer = self.scope
        self.scope = Scope(sources=outer.sources, parent=outer.parent, lambdas={**outer.lambdas, **values})
        try:
            return names, self.expression(node.body)
        finally:
            outer.correlated = outer.correlated or self.scope.correlated
            self.scope = outer

    def lambda_alone(self, node: s.Lambda) -> Value:
        raise self.error(
            node.pos, "TYPE_MISMATCH", "Lambda expression should always be used inside a function"
        )

    # -- what the query compiler adds

    def grouping(self, node: s.Call) -> Value:
        raise NotImplementedError

    def aggregate_or_window(self, node: s.Call) -> Value:
        raise NotImplementedError

    def scalar_query(self, node: s.ScalarQuery) -> Value:
        raise NotImplementedError

    def in_query(self, node: s.InQuery) -> Value:
        raise NotImplementedError

    def exists(self, node: s.Exists) -> Value:
        raise NotImplementedError

    def quantified(self, node: s.Quantified) -> Value:
        raise NotImplementedError


def _check_escapes(pattern: str, mark: str) -> None:
    if re.search(f"{re.escape(mark)}(?![%_{re.escape(mark)}])", pattern.replace(mark * 2, "")):
        message = "Escape character must be followed by '%', '_' or the escape character itself"
        raise failure("INVALID_FUNCTION_ARGUMENT", message)


def _late(name: str) -> Callable[[ExpressionCompiler, Any], Value]:
    return lambda compiler, node: getattr(compiler, name)(node)


_C = ExpressionCompiler
_METHODS: dict[type, Callable[[Any, Any], Value]] = {
    s.Literal: _C.literal, s.TypedLiteral: _C.typed_literal, s.IntervalLiteral: _C.interval,
    s.CurrentTime: _C.current, s.Parameter: _C.parameter, s.Column: _C.column, s.Field: _C.field,
    s.Binary: _C.binary, s.Unary: _C.unary, s.Like: _C.like, s.Between: _C.between, s.InList: _C.in_list,
    s.IsNull: _C.is_null, s.IsDistinct: _C.is_distinct, s.Case: _C.case, s.ArrayLiteral: _C.array,
    s.RowLiteral: _C.row, s.Subscript: _C.subscript, s.Cast: _C.cast, s.Extract: _C.extract,
    s.AtZone: _C.at_zone, s.Call: _C.call, s.Lambda: _C.lambda_alone, s.ScalarQuery: _late("scalar_query"),
    s.InQuery: _late("in_query"), s.Exists: _late("exists"), s.Quantified: _late("quantified"),
}  # fmt: skip
