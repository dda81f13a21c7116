"""Behaviours in segment rules: aggregations, filters and sliding windows over a behaviour table's rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tdlocal.account.segment_matrix import CUSTOMER, Column, Rule, near
from tdlocal.account.segment_operators import Operand, OperatorFault, identifier, passes
from tdlocal.account.segment_time import Clock, TimeFault, seconds_of

FUNCTIONS = {"Sum": "sum", "Average": "avg", "Avg": "avg", "Min": "min", "Max": "max"}
AGGREGATIONS = ("Count", "CountDistinct", *FUNCTIONS, "First", "Last")
DEEPEST = 20  # levels of a filter


@dataclass(frozen=True)
class Measure:
    """An aggregation: its SQL, what its value means and how it is stored; counts are 0 for the rowless."""

    sql: str
    kind: str
    stored: str | None
    counts: bool = False


class BehaviorRows:
    """The rows of one behaviour table inside one condition.

    Args:
        table: the behaviour's table.
        columns: its columns.
        alias: what the table is called in the SQL.
        clock: the moment and zone of relative times.
        fault: notes what is wrong with the condition.
    """

    def __init__(
        self,
        table: str,
        columns: Mapping[str, Column],
        alias: str,
        clock: Clock,
        fault: Callable[[str], str | None],
    ) -> None:
        self.table, self.columns, self.alias, self.clock, self.fault = table, columns, alias, clock, fault

    @property
    def customer(self) -> str:
        return f"{self.alias}.{identifier(CUSTOMER)}"

    def column(self, name: str) -> str:
        return f"{self.alias}.{identifier(name)}"

    def operand(self, name: Any, what: str) -> Operand | None:
        column = self.columns.get(str(name))
        if column is None:
            self.fault(f"{what} {name!r} is not a column of {self.table}{near(str(name), self.columns)}")
            return None
        return Operand(self.column(str(name)), column.kind, column.stored)

    def named(self, names: Any, what: str) -> list[str]:
        if names is None:
            return []
        if not isinstance(names, list):
            self.fault(f"{what} must be a list of columns")
            return []
        return [str(name) for name in names if self.operand(name, what)]

    def measure(self, aggregation: Rule) -> Measure | None:
        kind = aggregation["type"]
        if kind == "Count":
            return Measure("count(*)", "number", "bigint", counts=True)
        if kind == "CountDistinct":
            given = aggregation.get("columns") or (
                [aggregation["column"]] if aggregation.get("column") else []
            )
            names = self.named(given, "aggregation.columns")
            if not names:
                self.fault("CountDistinct needs columns")
                return None
            listed = ", ".join(self.column(name) for name in names)
            return Measure(
                f"count(distinct {listed if len(names) == 1 else f'row({listed})'})", "number", "bigint", True
            )
        operand = self.operand(aggregation.get("column"), "aggregation.column")
        if operand is None:
            return None
        if kind in ("First", "Last"):
            order = self.operand(aggregation.get("orderColumn"), "aggregation.orderColumn")
            if order is None:
                return None
            direction = "asc" if kind == "First" else "desc"
            ordered = f"array_agg({operand.sql} order by {order.sql} {direction}, {operand.sql})"
            sql = f"element_at({ordered} filter (where {order.sql} is not null), 1)"
            return Measure(sql, operand.kind, operand.stored)
        if kind in ("Sum", "Average", "Avg"):
            return Measure(f"{FUNCTIONS[kind]}({operand.number})", "number", None)
        return Measure(f"{FUNCTIONS[kind]}({operand.sql})", operand.kind, operand.stored)

    def filter(self, rule: Any, place: str = "filter", depth: int = 0) -> str | None:
        """And / Or of Column conditions on the behaviour's rows; None when there is nothing to filter."""
        if not rule:
            return None
        if not isinstance(rule, Mapping) or depth > DEEPEST:
            return self.fault(f"{place} must be an object of at most {DEEPEST} levels")
        if rule.get("type") == "Column":
            operand = self.operand(rule.get("column"), f"{place}: column")
            return self.tested(operand, rule, place) if operand else None
        if rule.get("type") not in ("And", "Or") or not isinstance(rule.get("conditions"), list):
            return self.fault(
                f"{place} must be And or Or with conditions, or Column, not {rule.get('type')!r}"
            )
        parts = [
            self.filter(one, f"{place}.conditions[{index}]", depth + 1)
            for index, one in enumerate(rule["conditions"])
        ]
        said = [part for part in parts if part]
        if len(said) < 2:
            return said[0] if said else None
        return "(" + f" {rule['type'].lower()} ".join(said) + ")"

    def tested(self, operand: Operand, rule: Rule, place: str) -> str | None:
        try:
            return passes(operand, rule, self.clock)
        except OperatorFault as fault:
            return self.fault(f"{place}: {fault}")

    def sliding(self, window: Any, keys: Sequence[str], measure: Measure) -> str:
        """The frame of a TimeSliding window: the rows of one duration up to each row."""
        if not isinstance(window, Mapping) or window.get("type") != "TimeSliding":
            self.fault("window.type must be TimeSliding")
            return ""
        if not measure.sql.startswith(("count(*)", "sum(", "avg(", "min(", "max(")):
            self.fault("a window goes with Count, Sum, Average, Min and Max only")
        self.operand("timestamp", "window: column")
        try:
            seconds = seconds_of(window.get("duration"), "window.duration")
        except TimeFault as fault:
            self.fault(str(fault))
            return ""
        moment = self.column("timestamp")
        frame = f"range between {seconds} preceding and current row"
        return f" over (partition by {', '.join(keys)} order by {moment} {frame})"
