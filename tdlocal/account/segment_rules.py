"""Compile a segment's rule to one Trino select over the audience's `customers` and `behavior_*` tables.

A pure function: rule JSON, the audience's columns and a moment in, SQL out. The rule's grammar is that of
cdp-api's `v5IonRule`: And / Or / Composite sets of Value and Reference conditions, behaviours as aggregations
with filters, groupings, sliding windows and limits. Every fault of a rule is gathered and told at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tdlocal.account.segment_behaviors import AGGREGATIONS, BehaviorRows, Measure
from tdlocal.account.segment_expressions import ExpressionFault, combine
from tdlocal.account.segment_matrix import CUSTOMER, Matrix, Rule, near
from tdlocal.account.segment_operators import (
    Operand,
    OperatorFault,
    identifier,
    number_literal,
    passes,
    truth,
)
from tdlocal.account.segment_time import Clock

SETS = ("And", "Or", "Composite")
LACKING = (
    "FunnelStageReference",
    "AbTestVariantReference",
    "PredictiveScoreReference",
    "MlAttributeReference",
)
ORDERS = {"ascending": "asc", "descending": "desc"}
DEEPEST = 20
MOST_CONDITIONS = 2000


class RuleFault(Exception):
    """A rule that cannot be compiled; `faults` holds one sentence each, with the place in the rule."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = list(faults)


class RuleLacking(Exception):
    """A kind of condition that Treasure Data has and tdlocal has not; the text names it."""


@dataclass
class Scope:
    """One `select … from customers`: its alias and the joins that conditions asked for."""

    alias: str
    joins: list[str] = field(default_factory=list)

    @property
    def customer(self) -> str:
        return f"{self.alias}.{identifier(CUSTOMER)}"


def compile_rule(
    rule: Rule | None,
    matrix: Matrix,
    clock: Clock,
    rule_of: Callable[[str], Rule | None],
    *,
    columns: Sequence[str] | None = None,
) -> str:
    """The select that gives the members of a segment.

    Args:
        rule: the rule; None or {} takes everybody.
        matrix: what the audience has.
        clock: the moment and zone of relative times.
        rule_of: gives the rule of another segment by id; raises KeyError when there is none.
        columns: columns of customers to select; all when None.

    Raises RuleFault with every fault found, RuleLacking for conditions that are not supported.
    """
    compiler = _Compiler(matrix, clock, rule_of)
    sql = compiler.members(rule, columns)
    if compiler.faults:
        raise RuleFault(compiler.faults)
    return sql


def references(rule: Rule | None) -> list[str]:
    """Ids of the segments that *rule* refers to, in order.

    >>> references({"type": "And", "conditions": [{"type": "Reference", "id": 7, "exclude": True}]})
    ['7']
    """
    if not isinstance(rule, Mapping):
        return []
    if rule.get("type") == "Reference":
        return [str(rule.get("id"))]
    conditions = rule.get("conditions")
    if not isinstance(conditions, list):
        return []
    return [name for condition in conditions for name in references(condition)]


class _Compiler:
    def __init__(self, matrix: Matrix, clock: Clock, rule_of: Callable[[str], Rule | None]) -> None:
        self.matrix, self.clock, self.rule_of = matrix, clock, rule_of
        self.faults: list[str] = []
        self.trail: list[str] = []  # ids of the segments that are being compiled, outermost first
        self.numbers = itertools.count(1)
        self.conditions = 0

    # ---- whole selects

    def members(self, rule: Rule | None, columns: Sequence[str] | None = None) -> str:
        scope = Scope("a" if not self.trail else self.name())
        where = self.condition(rule, scope, "rule", 0) if rule else None
        if columns is None:
            selected = f"{scope.alias}.*"
        else:
            selected = ", ".join(self.customer_column(name, scope) for name in columns)
        limit = rule.get("limit") if isinstance(rule, Mapping) else None
        if limit:
            inner, scope = scope, Scope(scope.alias)
            where = self.limited(limit, where, inner, None, "rule.limit", scope)
        return self.select(selected, scope, where)

    def select(self, selected: str, scope: Scope, where: str | None) -> str:
        lines = [f"select {selected}", f"from {self.matrix.table('customers')} {scope.alias}", *scope.joins]
        if where:
            lines.append(f"where {where}")
        return "\n".join(lines)

    def customer_column(self, name: str, scope: Scope) -> str:
        if name not in self.matrix.customers and name != CUSTOMER:
            self.faults.append(f"column {name!r} is not in customers")
        return f"{scope.alias}.{identifier(name)}"

    # ---- sets

    def condition(self, rule: Any, scope: Scope, place: str, depth: int) -> str | None:
        """SQL of one condition or set; None when it says nothing (an empty set)."""
        self.conditions += 1
        if depth > DEEPEST or self.conditions > MOST_CONDITIONS:
            raise RuleFault(
                [f"{place}: the rule is too large ({DEEPEST} levels, {MOST_CONDITIONS} conditions)"]
            )
        if not isinstance(rule, Mapping):
            return self.fault(place, "a condition must be an object")
        kind = rule.get("type")
        if kind in SETS:
            return self.set(rule, str(kind), scope, place, depth)
        if kind == "Value":
            return self.excluded(rule, self.value(rule, scope, place), place)
        if kind == "Reference":
            return self.excluded(rule, self.reference(rule, scope, place), place)
        if kind in LACKING:
            raise RuleLacking(f"{place}: {kind} conditions are not supported by tdlocal")
        return self.fault(
            place, f"type {kind!r} is unknown; known are {', '.join((*SETS, 'Value', 'Reference'))}"
        )

    def set(self, rule: Rule, kind: str, scope: Scope, place: str, depth: int) -> str | None:
        conditions = rule.get("conditions")
        if not isinstance(conditions, list):
            return self.fault(place, "conditions must be a list")
        parts = [
            self.condition(one, scope, f"{place}.conditions[{index}]", depth + 1)
            for index, one in enumerate(conditions)
        ]
        if kind == "Composite":
            try:
                return combine(rule.get("expr"), [part or "true" for part in parts])
            except ExpressionFault as fault:
                return self.fault(f"{place}.expr", str(fault))
        said = [part for part in parts if part]
        if len(said) < 2:
            return said[0] if said else None
        return "(" + f"\n{kind.lower()} ".join(said) + ")"

    def excluded(self, rule: Rule, condition: str | None, place: str) -> str | None:
        try:
            exclude = truth(rule.get("exclude"), "exclude")
        except OperatorFault as fault:
            return self.fault(place, str(fault))
        return f"not ({condition})" if exclude and condition else condition

    # ---- references

    def reference(self, rule: Rule, scope: Scope, place: str) -> str | None:
        segment = str(rule.get("id"))
        if segment in self.trail:
            return self.fault(place, f"segment {segment} refers to itself through {' > '.join(self.trail)}")
        try:
            other = self.rule_of(segment)
        except KeyError:
            return self.fault(place, f"segment {segment} does not exist in this audience")
        self.trail.append(segment)
        alias = self.name()
        sql = self.members(other)
        self.trail.pop()
        inner = f"select {alias}.{identifier(CUSTOMER)} from ({sql}) {alias}"
        return f"{scope.customer} in ({inner})"

    # ---- values

    def value(self, rule: Rule, scope: Scope, place: str) -> str | None:
        limit = rule.get("limit")
        inner = Scope(self.name()) if limit else scope
        left = rule.get("leftValue")
        if not isinstance(left, Mapping):
            return self.fault(place, "leftValue is missing")
        if "customerGroup" in left:
            raise RuleLacking(f"{place}: customerGroup values are not supported by tdlocal")
        if "aggregation" in left or "source" in left:
            condition, measured = self.behavior(rule, left, inner, place)
        else:
            condition, measured = self.attribute(rule, left, inner, place), None
        if limit and condition:
            return self.limited(limit, condition, inner, measured, place, scope)
        return condition

    def attribute(self, rule: Rule, left: Rule, scope: Scope, place: str) -> str | None:
        name = left.get("name")
        column = self.matrix.customers.get(str(name))
        if column is None:
            return self.fault(
                place, f"attribute {name!r} does not exist{near(str(name), self.matrix.customers)}"
            )
        operand = Operand(f"{scope.alias}.{identifier(str(name))}", column.kind, column.stored)
        return self.test(operand, rule, place)

    def test(self, operand: Operand, rule: Rule, place: str) -> str | None:
        """The rule's operator on *operand*, over the elements when it is an array."""
        try:
            return passes(operand, rule, self.clock)
        except OperatorFault as fault:
            return self.fault(place, str(fault))

    # ---- behaviours

    def behavior(self, rule: Rule, left: Rule, scope: Scope, place: str) -> tuple[str | None, str | None]:
        """The condition, and the SQL of the measured value (None where there are several a customer)."""
        source, aggregation = left.get("source"), left.get("aggregation")
        table = source.get("name") if isinstance(source, Mapping) else None
        columns = self.matrix.behaviors.get(str(table))
        if columns is None:
            known = near(str(table), self.matrix.behaviors)
            return self.fault(place, f"behavior {table!r} does not exist{known}"), None
        if not isinstance(aggregation, Mapping) or aggregation.get("type") not in AGGREGATIONS:
            return self.fault(place, f"aggregation.type must be one of {', '.join(AGGREGATIONS)}"), None
        rows = BehaviorRows(
            str(table), columns, self.name(), self.clock, lambda text: self.fault(place, text)
        )
        measure = rows.measure(aggregation)
        where = rows.filter(left.get("filter"))
        if measure is None:
            return None, None
        grouping = rows.named(aggregation.get("groupingColumns"), "groupingColumns")
        if left.get("window") or grouping:
            return self.any_of(rule, left, rows, measure, grouping, where, scope, place), None
        joined = self.name()
        lines = [
            f"select {rows.customer}, {measure.sql} as v",
            f"from {self.matrix.table(rows.table)} {rows.alias}",
        ]
        lines += [f"where {where}"] if where else []
        lines.append(f"group by {rows.customer}")
        inner = "\n  ".join(lines)
        scope.joins.append(
            f"left join (\n  {inner}\n) {joined} on {joined}.{identifier(CUSTOMER)} = {scope.customer}"
        )
        value = f"coalesce({joined}.v, 0)" if measure.counts else f"{joined}.v"
        return self.test(Operand(value, measure.kind, measure.stored), rule, place), value

    def any_of(
        self,
        rule: Rule,
        left: Rule,
        rows: BehaviorRows,
        measure: Measure,
        grouping: Sequence[str],
        where: str | None,
        scope: Scope,
        place: str,
    ) -> str | None:
        """Customers one of whose groups, or one of whose sliding windows, passes."""
        keys = [rows.customer, *(rows.column(name) for name in grouping)]
        window = left.get("window")
        over = rows.sliding(window, keys, measure) if window else ""
        lines = [
            f"select {rows.customer}, {measure.sql}{over} as v",
            f"from {self.matrix.table(rows.table)} {rows.alias}",
        ]
        lines += [f"where {where}"] if where else []
        lines += [] if window else [f"group by {', '.join(keys)}"]
        name = self.name()
        test = self.test(Operand(f"{name}.v", measure.kind, measure.stored), rule, place)
        inner = "\n  ".join(lines)
        passed = f"select {name}.{identifier(CUSTOMER)} from (\n  {inner}\n) {name} where {test}"
        return f"{scope.customer} in ({passed})"

    # ---- limits

    def limited(
        self, limit: Any, where: str | None, inner: Scope, measured: str | None, place: str, outer: Scope
    ) -> str:
        """Keep those of *outer* who are among the first of *inner*."""
        return (
            f"{outer.customer} in (select {CUSTOMER} from ({self.top(limit, where, inner, measured, place)}))"
        )

    def top(self, limit: Any, where: str | None, scope: Scope, measured: str | None, place: str) -> str:
        """Ids of the first customers by the limit's order; ties go by id, so the answer never varies."""
        keys = self.order(limit, scope, measured, place)
        number = limit.get("number") if isinstance(limit, Mapping) else None
        kind = limit.get("type") if isinstance(limit, Mapping) else None
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if kind not in ("Count", "Percent") or not is_number or not 0 <= float(number or 0) <= 1e12:
            self.fault(place, 'limit must be like {"type": "Count", "number": 100}')
            number = 0
        amount = number_literal(float(number or 0))
        most = amount if kind == "Count" else f"ceil(total * {amount} / 100)"
        place_in_order = f"row_number() over (order by {', '.join(keys)}) as place"
        ranked = self.select(f"{scope.customer}, {place_in_order}, count(*) over () as total", scope, where)
        return f"select {CUSTOMER} from (\n{ranked}\n) {self.name()} where place <= {most}"

    def order(self, limit: Any, scope: Scope, measured: str | None, place: str) -> list[str]:
        keys = []
        columns = limit.get("orderColumns") if isinstance(limit, Mapping) else None
        if columns is not None and not isinstance(columns, list):
            self.fault(place, "orderColumns must be a list")
        for one in columns if isinstance(columns, list) else []:
            direction = ORDERS.get(str(one.get("order"))) if isinstance(one, Mapping) else None
            if direction is None:
                self.fault(place, "orderColumns need an order, ascending or descending")
            elif one.get("type") == "Aggregation" and measured:
                keys.append(f"{measured} {direction} nulls last")
            elif str(one.get("column")) in self.matrix.customers and one.get("type") == "Column":
                keys.append(f"{scope.alias}.{identifier(str(one['column']))} {direction} nulls last")
            else:
                self.fault(place, f"cannot order by {one.get('column') or one.get('type')!r}")
        return [*keys, scope.customer]

    # ---- small helpers

    def name(self) -> str:
        return f"_r{next(self.numbers)}"

    def fault(self, place: str, text: str) -> str | None:
        """Note a fault; the answer, None, stands for the condition that could not be made."""
        self.faults.append(f"{place}: {text}")
        return None
