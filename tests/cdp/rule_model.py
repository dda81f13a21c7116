"""Segment rules judged in plain Python, person by person: the oracle of test_segment_rules.

Written apart from the compiler: it looks at values, never at SQL, and finds calendar units by walking days.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Row = Mapping[str, Any]
FIXED = {"second": 1, "minute": 60, "hour": 3600}


class Model:
    """All people and their behaviour rows at one moment (UTC)."""

    def __init__(self, people: list[dict[str, Any]], orders: list[dict[str, Any]], now: int) -> None:
        self.people, self.now = people, now
        self.orders = {one["cdp_customer_id"]: [] for one in people}
        for order in orders:
            self.orders[order["cdp_customer_id"]].append(order)

    def members(self, rule: Any, others: Mapping[str, Any]) -> set[str]:
        return {one["cdp_customer_id"] for one in self.people if self.passes(rule, one, others)}

    def passes(self, rule: Any, person: Row, others: Mapping[str, Any]) -> bool:
        if not rule:
            return True
        if rule["type"] == "Reference":
            found = self.passes(others[rule["id"]], person, others)
        elif rule["type"] == "Value":
            found = self.value(rule, person)
        elif rule["type"] == "Composite":
            named = {str(n): self.passes(one, person, others) for n, one in enumerate(rule["conditions"], 1)}
            found = bool(eval(re.sub(r"\d+", lambda m: str(named[m[0]]), rule["expr"])))
        else:
            said = [one for one in rule["conditions"] if not is_empty(one)]
            join = all if rule["type"] == "And" else any
            found = join(self.passes(one, person, others) for one in said) if said else True
        return found != bool(rule.get("exclude"))

    def value(self, rule: Row, person: Row) -> bool:
        left = rule["leftValue"]
        if "aggregation" not in left:
            return self.matched(person[left["name"]], rule)
        rows = [row for row in self.orders[person["cdp_customer_id"]] if self.kept(left.get("filter"), row)]
        aggregation = left["aggregation"]
        seconds = 0
        for unit, count in (left.get("window") or {}).get("duration", {}).items():
            seconds += count * {"day": 86400, **FIXED}[unit]
        groups: dict[tuple[Any, ...], list[Row]] = {}
        for row in rows:
            groups.setdefault(
                tuple(row[name] for name in aggregation.get("groupingColumns") or ()), []
            ).append(row)
        if seconds:
            return any(
                self.tested(self.aggregated(aggregation, within(group, one, seconds)), rule["operator"])
                for group in groups.values()
                for one in group
            )
        if aggregation.get("groupingColumns"):
            return any(
                self.tested(self.aggregated(aggregation, group), rule["operator"])
                for group in groups.values()
            )
        return self.tested(self.aggregated(aggregation, rows), rule["operator"])

    def kept(self, rule: Any, row: Row) -> bool:
        if not rule:
            return True
        if rule["type"] == "Column":
            return self.matched(row[rule["column"]], rule)
        if not rule["conditions"]:
            return True
        join = all if rule["type"] == "And" else any
        return join(self.kept(one, row) for one in rule["conditions"])

    def aggregated(self, aggregation: Row, rows: list[Row]) -> Any:
        kind = aggregation["type"]
        if kind == "Count":
            return len(rows)
        if kind == "CountDistinct":
            names = aggregation["columns"]
            if len(names) == 1:
                return len({row[names[0]] for row in rows if row[names[0]] is not None})
            return len({tuple(row[name] for name in names) for row in rows})
        if kind in ("First", "Last"):
            dated = sorted(rows, key=lambda row: row[aggregation["orderColumn"]], reverse=kind == "Last")
            return dated[0][aggregation["column"]] if dated else None
        values = [row[aggregation["column"]] for row in rows if row[aggregation["column"]] is not None]
        if not values:
            return None
        if kind == "Average":
            return sum(values) / len(values)
        return {"Sum": sum, "Min": min, "Max": max}[kind](values)

    def matched(self, value: Any, rule: Row) -> bool:
        operator = rule["operator"]
        if isinstance(value, list) or (value is None and rule.get("arrayMatching")):
            if operator["type"] == "IsNull":
                return (value is None) != bool(operator.get("not"))
            count = sum(self.tested(one, operator) for one in value or ())
            wanted = rule.get("arrayMatching") or "any"
            if wanted == "any":
                return count > 0
            if wanted == "all":
                return bool(value) and count == len(value)
            (name, number), *_ = wanted.items()
            return {"atLeast": count >= number, "atMost": count <= number, "exactly": count == number}[name]
        return self.tested(value, operator)

    def tested(self, value: Any, operator: Row) -> bool:
        kind = operator["type"]
        if kind == "IsNull":
            return (value is None) != bool(operator.get("not"))
        found = value is not None and self.judge(kind, operator)(value)
        negated = bool(operator.get("not")) != (kind in ("NotEqual", "NotIn"))
        return found != negated

    def judge(self, kind: str, operator: Row) -> Callable[[Any], bool]:
        right, many = operator.get("rightValue"), operator.get("rightValues")
        if kind.startswith("Time"):
            start, end = self.window(operator)
            return lambda value: (start is None or value >= start) and (end is None or value < end)
        if isinstance(right, Mapping):
            start, end = self.stretch(right)
            return {
                "Equal": lambda value: start <= value < end,
                "Greater": lambda value: value >= end,
                "GreaterEqual": lambda value: value >= start,
                "Less": lambda value: value < start,
                "LessEqual": lambda value: value < end,
            }[kind]
        low, high = operator.get("minValue"), operator.get("maxValue")
        if kind == "Between" and isinstance(low, Mapping):
            spans = sorted([self.stretch(low), self.stretch(high)])
            return lambda value: spans[0][0] <= value < spans[1][1]
        return {
            "Equal": lambda value: value == right,
            "NotEqual": lambda value: value == right,
            "Greater": lambda value: value > right,
            "GreaterEqual": lambda value: value >= right,
            "Less": lambda value: value < right,
            "LessEqual": lambda value: value <= right,
            "Between": lambda value: (low is None or value >= low) and (high is None or value <= high),
            "In": lambda value: value in many,
            "NotIn": lambda value: value in many,
            "Contain": lambda value: any(one in value for one in many),
            "StartWith": lambda value: any(value.startswith(one) for one in many),
            "EndWith": lambda value: any(value.endswith(one) for one in many),
            "Regexp": lambda value: re.search(right, value) is not None,
        }[kind]

    def stretch(self, right: Row) -> tuple[int, int]:
        if "timestamp" in right:
            day = datetime.strptime(right["timestamp"], "%Y-%m-%d").replace(tzinfo=UTC)
            return int(day.timestamp()), int((day + timedelta(days=1)).timestamp())
        return self.edge(right["unit"], -right["last"]), self.edge(right["unit"], 1 - right["last"])

    def window(self, operator: Row) -> tuple[int | None, int | None]:
        kind = operator["type"]
        if kind == "TimeToday":
            return self.edge("day", 0), None
        if kind == "TimeWithinPast":
            return self.edge(operator["unit"], -int(operator["value"])), self.edge(operator["unit"], 0)
        if kind == "TimeWithinNext":
            return self.edge(operator["unit"], 1), self.edge(operator["unit"], 1 + int(operator["value"]))
        begin = operator["from"]
        if kind == "TimeThis":
            return self.edge(begin["unit"], 0), self.edge(begin["unit"], 1)
        if kind == "TimeNext":
            return self.edge(begin["unit"], 1), self.edge(begin["unit"], 2)
        if kind == "TimeInBetweenNext":
            end = operator["to"]
            return self.edge(begin["unit"], begin["next"]), self.edge(end["unit"], end["next"] + 1)
        if "duration" not in operator:
            return self.edge(begin["unit"], 0), None
        (unit, count), *_ = operator["duration"].items()
        assert unit == begin["unit"]
        other = -begin["last"] + (-count if operator.get("reverse") else count)
        low, high = sorted((-begin["last"], other))
        return self.edge(unit, low), self.edge(unit, high)

    def edge(self, unit: str, steps: int) -> int:
        """Begin of the unit that is *steps* units from the running one, found by walking."""
        if unit in FIXED:
            return self.now // FIXED[unit] * FIXED[unit] + steps * FIXED[unit]
        begins: dict[str, Callable[[datetime], bool]] = {
            "day": lambda day: True,
            "week": lambda day: day.isoweekday() == 1,
            "month": lambda day: day.day == 1,
            "quarter": lambda day: day.day == 1 and day.month in (1, 4, 7, 10),
            "year": lambda day: (day.day, day.month) == (1, 1),
        }
        day = datetime.fromtimestamp(self.now // 86400 * 86400, UTC)
        while not begins[unit](day):
            day -= timedelta(days=1)
        for _ in range(abs(steps)):
            day += timedelta(days=1 if steps > 0 else -1)
            while not begins[unit](day):
                day += timedelta(days=1 if steps > 0 else -1)
        return int(day.timestamp())


def within(rows: list[Row], one: Row, seconds: int) -> list[Row]:
    last = one["timestamp"]
    return [row for row in rows if last - seconds <= row["timestamp"] <= last]


def is_empty(rule: Row) -> bool:
    return rule["type"] in ("And", "Or") and all(is_empty(one) for one in rule["conditions"])
