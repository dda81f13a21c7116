"""A segment's rule: from the form that people write in templates to the one that the API takes.

rule:                               # all, any, or a list of both inside each other
  all:
    - {attribute: age, operator: ">=", value: 18}
    - {attribute: country, operator: in, value: [US, CA], not: true}
    - behavior: orders              # rows of the behaviour that pass `where`, counted
      operator: ">="
      value: 1
      measure: {type: Sum, column: amount}      # instead of the count
      where:
        - {column: channel, operator: "=", value: online}
        - {column: order_unix, operator: TimeWithinPast, value: 30, unit: day}
criteria: {lifetime_value: ">= 1000", rfm_tier: "= Champions"}     # short for `all`
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segment.python.parents import hint, table_name

SIGNS = {
    "=": "Equal",
    "==": "Equal",
    "!=": "NotEqual",
    ">": "Greater",
    ">=": "GreaterEqual",
    "<": "Less",
    "<=": "LessEqual",
    "in": "In",
    "not in": "NotIn",
    "contains": "Contain",
    "starts with": "StartWith",
    "ends with": "EndWith",
    "between": "Between",
    "is null": "IsNull",
}
COMPARING = ("Greater", "GreaterEqual", "Less", "LessEqual")
LISTS = ("In", "NotIn", "Contain", "StartWith", "EndWith")
TIMES = ("TimeWithinPast", "TimeWithinNext")
OPERATORS = (*dict.fromkeys(SIGNS.values()), "Regexp", *TIMES, "TimeToday")
UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
MEASURES = ("Count", "Sum", "Average", "Min", "Max", "CountDistinct")
# names that people use for attributes, and what those are called here
ALIASES = {
    "last_purchase_days": "days_since_last_purchase",
    "ltv": "lifetime_value",
    "aov": "avg_order_value",
    "orders": "total_orders",
}


@dataclass(frozen=True)
class Catalogue:
    """What rules of one parent segment may ask about: attribute → type, behaviour table → column → type."""

    attributes: Mapping[str, str]
    behaviors: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, audience: Mapping[str, Any]) -> Catalogue:
        """Return the catalogue of a parent segment as the API shows it."""
        behaviors = {}
        for part in audience.get("behaviors") or []:
            listed = {one["matrixColumnName"]: one["type"] for one in part.get("schema") or []}
            behaviors[part["matrixTableName"]] = {"timestamp": "timestamp", **listed}
        attributes = {one["matrixColumnName"]: one["type"] for one in audience.get("attributes") or []}
        return cls(attributes, behaviors)


def compile_rule(entry: Mapping[str, Any], catalogue: Catalogue) -> tuple[dict[str, Any], list[str]]:
    """Return the API's rule of a template's entry, and everything that is wrong with it.

    >>> known = Catalogue({"age": "number"}, {})
    >>> compile_rule({"criteria": {"age": ">= 18"}}, known)[0]["conditions"][0]["conditions"][0]["operator"]
    {'type': 'GreaterEqual', 'not': False, 'rightValue': 18}
    >>> compile_rule({"criteria": {"agee": ">= 18"}}, known)[1]
    ["attribute 'agee' is unknown; did you mean age?"]
    """
    faults: list[str] = []
    if "criteria" in entry:
        conditions = from_criteria(entry["criteria"], faults)
        group: Any = {"all": conditions}
    else:
        group = entry["rule"]
    made = compile_group(group, catalogue, faults)
    # the API's outermost level is a set of sets
    return {"type": "And", "conditions": [made]}, faults


def from_criteria(criteria: Any, faults: list[str]) -> list[dict[str, Any]]:
    """Return `{attribute: "sign value"}` as conditions.

    >>> from_criteria({"city": "New York"}, [])
    [{'attribute': 'city', 'operator': '=', 'value': 'New York'}]
    >>> from_criteria({"gone": "is null"}, [])
    [{'attribute': 'gone', 'operator': 'is null'}]
    """
    if not isinstance(criteria, Mapping) or not criteria:
        faults.append("criteria is a map of attributes, each with an operator and a value")
        return []
    found: list[dict[str, Any]] = []
    for name, text in criteria.items():
        if str(text).strip().lower() == "is null":
            found.append({"attribute": name, "operator": "is null"})
            continue
        match = re.fullmatch(r"\s*(>=|<=|!=|==|=|>|<)?\s*(.*?)\s*", str(text), re.DOTALL)
        sign, value = (match[1] or "=", match[2]) if match else ("=", str(text))
        found.append({"attribute": name, "operator": sign, "value": number_or_text(value)})
    return found


def number_or_text(text: str) -> Any:
    """Return a number where *text* is one.

    >>> number_or_text("12"), number_or_text("0.5"), number_or_text("Champions"), number_or_text("007")
    (12, 0.5, 'Champions', '007')
    """
    if re.fullmatch(r"-?(0|[1-9]\d*)", text):
        return int(text)
    if re.fullmatch(r"-?(0|[1-9]\d*)\.\d+", text):
        return float(text)
    return text


def compile_group(group: Any, catalogue: Catalogue, faults: list[str]) -> dict[str, Any]:
    """Return a set of conditions, `all` or `any`."""
    names = [name for name in ("all", "any") if isinstance(group, Mapping) and name in group]
    listed = group[names[0]] if len(names) == 1 and len(group) == 1 else None
    if not isinstance(listed, list) or not listed:
        faults.append("a rule is `all:` or `any:` with a list of conditions")
        return {}
    conditions = [
        compile_group(one, catalogue, faults)
        if isinstance(one, Mapping) and ("all" in one or "any" in one)
        else condition(one, catalogue, faults)
        for one in listed
    ]
    return {"type": "And" if names[0] == "all" else "Or", "conditions": conditions}


def condition(one: Any, catalogue: Catalogue, faults: list[str]) -> dict[str, Any]:
    """Return one condition on an attribute or a behaviour."""
    if not isinstance(one, Mapping) or ("attribute" in one) == ("behavior" in one):
        faults.append(f"condition {one} needs either `attribute:` or `behavior:`")
        return {}
    if "behavior" in one:
        return on_behavior(one, catalogue, faults)
    name = ALIASES.get(str(one["attribute"]), str(one["attribute"]))
    kind = catalogue.attributes.get(name)
    if kind is None:
        faults.append(f"attribute {name!r} is unknown{hint(name, catalogue.attributes)}")
    test = operator(one, f"attribute {name!r}", kind, faults)
    return {"type": "Value", "leftValue": {"name": name}, "operator": test, "exclude": False}


def on_behavior(one: Mapping[str, Any], catalogue: Catalogue, faults: list[str]) -> dict[str, Any]:
    """Return a condition on how many rows of a behaviour pass, or on their sum and the like."""
    name = str(one["behavior"])
    table = name if name.startswith("behavior_") else table_name(name)
    columns = catalogue.behaviors.get(table)
    if columns is None:
        known = [known.removeprefix("behavior_") for known in catalogue.behaviors]
        faults.append(f"behavior {name!r} is unknown{hint(name, known)}")
        columns = {}
    measure = one.get("measure", {"type": "Count"})
    kind = measure.get("type") if isinstance(measure, Mapping) else None
    aggregation: dict[str, Any] = {"type": kind}
    if kind not in MEASURES:
        faults.append(f"behavior {name!r}: measure {measure} is none of {', '.join(MEASURES)}")
    elif kind != "Count":
        aggregation["column"] = measure.get("column")
        known_column(str(measure.get("column")), name, columns, faults)
    left: dict[str, Any] = {"aggregation": aggregation, "source": {"name": table}}
    if one.get("where"):
        left["filter"] = {
            "type": "And",
            "conditions": [on_column(w, name, columns, faults) for w in one["where"]],
        }
    test = operator(one, f"behavior {name!r}", "number", faults)
    return {"type": "Value", "leftValue": left, "operator": test, "exclude": False}


def on_column(
    one: Mapping[str, Any], behavior: str, columns: Mapping[str, str], faults: list[str]
) -> dict[str, Any]:
    """Return a condition on one column of a behaviour's rows."""
    name = str(one.get("column"))
    known_column(name, behavior, columns, faults)
    place = f"behavior {behavior!r}, column {name!r}"
    return {"type": "Column", "column": name, "operator": operator(one, place, columns.get(name), faults)}


def known_column(name: str, behavior: str, columns: Mapping[str, str], faults: list[str]) -> None:
    """Note a fault when a behaviour that is known has no such column."""
    if columns and name not in columns:
        faults.append(f"behavior {behavior!r} has no column {name!r}{hint(name, columns)}")


def operator(one: Mapping[str, Any], place: str, kind: str | None, faults: list[str]) -> dict[str, Any]:
    """Return the API's operator of a condition.

    >>> operator({"operator": "in", "value": ["a"], "not": True}, "x", "string", [])
    {'type': 'In', 'not': True, 'rightValues': ['a']}
    >>> faults = []
    >>> _ = operator({"operator": ">", "value": "many"}, "attribute 'age'", "number", faults); faults
    ["attribute 'age': 'many' is no number"]
    """
    given = str(one.get("operator", ""))
    name = SIGNS.get(given.lower(), given)
    if name not in OPERATORS:
        known = ", ".join(OPERATORS)
        faults.append(f"{place}: operator {given!r} is unknown{hint(name, OPERATORS)}; use one of {known}")
        return {}
    made: dict[str, Any] = {"type": name, "not": bool(one.get("not", False))}
    if name in ("IsNull", "TimeToday"):
        return made
    if name == "Between":
        return made | limits(one, place, faults)
    value = one.get("value")
    if value is None:
        faults.append(f"{place}: {given} needs a value")
    elif name in TIMES:
        if one.get("unit") not in UNITS:
            faults.append(f"{place}: unit {one.get('unit')!r} is none of {', '.join(UNITS)}")
        made |= {"value": value, "unit": one.get("unit")}
    elif name in LISTS:
        values = value if isinstance(value, list) else [value]
        made["rightValues"] = [
            typed(v, place, "string" if name not in ("In", "NotIn") else kind, faults) for v in values
        ]
    else:
        made["rightValue"] = typed(value, place, kind, faults)
        if name in COMPARING and kind == "string":
            faults.append(f"{place}: {given} needs a number, this is text")
    return made


def limits(one: Mapping[str, Any], place: str, faults: list[str]) -> dict[str, Any]:
    """Return the ends of a range; either may be missing, not both."""
    ends = {
        api: one[name]
        for name, api in (("min", "minValue"), ("max", "maxValue"))
        if one.get(name) is not None
    }
    if not ends:
        faults.append(f"{place}: between needs min, max or both")
    return ends


def typed(value: Any, place: str, kind: str | None, faults: list[str]) -> Any:
    """Return *value* as the column's type wants it.

    >>> typed(True, "x", "string", []), typed(5, "x", "string", []), typed("5", "x", "number", [])
    ('true', '5', 5)
    """
    if kind == "number" and isinstance(value, str):
        number = number_or_text(value)
        if isinstance(number, str):
            faults.append(f"{place}: {value!r} is no number")
        return number
    if kind == "string" and not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value
