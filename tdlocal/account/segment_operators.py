"""One operator of a segment rule as a Trino condition. Pure text in, pure text out.

A condition may come out NULL where the value is NULL; `holds` turns that into false before `not` is applied,
so that "is not Japan" holds for people whose country is unknown, as it does on Treasure Data
(`not coalesce(country in ('JP'), false)`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tdlocal.account.segment_time import Clock, TimeFault, Window, operator_window, value_window

TIME_OPERATORS = (
    "TimeWithinPast",
    "TimeWithinNext",
    "TimeRange",
    "TimeToday",
    "TimeThis",
    "TimeNext",
    "TimeInBetweenNext",
)
COMPARISONS = {"Greater": ">", "GreaterEqual": ">=", "Less": "<", "LessEqual": "<="}
PATTERNS = {"Contain": ("%", "%"), "StartWith": ("", "%"), "EndWith": ("%", "")}
OPERATORS = (
    "Equal",
    "NotEqual",
    *COMPARISONS,
    "Between",
    "In",
    "NotIn",
    *PATTERNS,
    "Regexp",
    "IsNull",
    *TIME_OPERATORS,
)
KINDS = ("string", "number", "timestamp", "date", "string_array", "number_array", "boolean")
NUMERIC = re.compile(r"(bigint|integer|smallint|tinyint|double|real|decimal.*)")


class OperatorFault(Exception):
    """An operator that cannot be judged; the text says why and what would do."""


@dataclass(frozen=True)
class Operand:
    """The left side: its SQL, what it means (one of KINDS) and how it is stored (a Trino type, if known)."""

    sql: str
    kind: str
    stored: str | None = None

    @property
    def is_array(self) -> bool:
        return (self.stored or "").startswith("array") or (
            self.stored is None and self.kind.endswith("_array")
        )

    def element(self, sql: str) -> Operand:
        """One element of this array, called *sql*."""
        stored = re.fullmatch(r"array\((.*)\)", self.stored or "")
        kind = self.kind.removesuffix("_array")
        return Operand(sql, kind, stored.group(1) if stored else None)

    @property
    def number(self) -> str:
        stored_as_number = self.stored is None or NUMERIC.fullmatch(self.stored)
        return self.sql if stored_as_number else f"try_cast({self.sql} as double)"

    @property
    def text(self) -> str:
        stored_as_text = self.stored is None or self.stored.startswith("varchar")
        return self.sql if stored_as_text else f"cast({self.sql} as varchar)"

    def unix(self, clock: Clock) -> str:
        if (self.stored or "").startswith("varchar"):
            return f"td_time_parse({self.sql}, {text_literal(clock.tz.key)})"
        return self.sql


def passes(left: Operand, rule: Mapping[str, Any], clock: Clock) -> str:
    """The operator of *rule* on *left*, or on its elements when it is an array; never NULL.

    arrayMatching says any (default), all, or how many elements must pass; NULL has no elements.
    """
    operator = rule.get("operator")
    if not left.is_array or (isinstance(operator, Mapping) and operator.get("type") == "IsNull"):
        return holds(left, operator, clock)
    wanted = rule.get("arrayMatching") or "any"
    test = holds(left.element("e"), operator, clock)
    passed = f"coalesce(cardinality(filter({left.sql}, e -> {test})), 0)"
    if wanted == "any":
        return f"{passed} > 0"
    if wanted == "all":
        return f"coalesce(cardinality({left.sql}), 0) > 0 and {passed} = cardinality({left.sql})"
    signs = {"atLeast": ">=", "atMost": "<=", "exactly": "="}
    if isinstance(wanted, Mapping) and len(wanted) == 1:
        (name, count), *_ = wanted.items()
        if name in signs and isinstance(count, int) and not isinstance(count, bool):
            return f"{passed} {signs[name]} {count}"
    raise OperatorFault(f'arrayMatching must be any, all or like {{"atLeast": 2}}, not {wanted!r}')


def holds(left: Operand, operator: Any, clock: Clock) -> str:
    """The condition that *operator* puts on *left*; never NULL.

    >>> holds(Operand('a."country"', "string"), {"type": "Equal", "rightValue": "JP", "not": True}, Clock(0))
    'not coalesce(a."country" = \\'JP\\', false)'
    """
    if not isinstance(operator, Mapping):
        raise OperatorFault("operator is missing")
    kind = operator.get("type")
    if kind not in OPERATORS:
        raise OperatorFault(f"operator {kind!r} is unknown; known are {', '.join(OPERATORS)}")
    try:
        condition = raw(left, str(kind), operator, clock)
    except TimeFault as fault:
        raise OperatorFault(f"{kind}: {fault}") from fault
    if kind != "IsNull":
        condition = f"coalesce({condition}, false)"
    negated = truth(operator.get("not"), "not") != (kind in ("NotEqual", "NotIn"))
    return f"not {condition}" if negated else condition


def raw(left: Operand, kind: str, operator: Mapping[str, Any], clock: Clock) -> str:
    """The plain condition, which may come out NULL."""
    if kind == "IsNull":
        return f"({left.sql} is null)"
    if kind in TIME_OPERATORS:
        return inside(time_of(left, kind, clock), operator_window(operator, clock))
    if kind == "Between":
        return between(left, operator, clock)
    if kind in ("In", "NotIn"):
        return one_of(left, right_values(operator, kind), clock)
    if kind in PATTERNS:
        return like(left, kind, right_values(operator, kind))
    right = right_value(operator, kind)
    if kind == "Regexp":
        if not isinstance(right, str):
            raise OperatorFault("Regexp needs rightValue, one regular expression as text")
        return f"regexp_like({left.text}, {text_literal(right)})"
    if kind in ("Equal", "NotEqual"):
        return equal(left, right, clock)
    return compare(left, kind, right, clock)


def equal(left: Operand, right: Any, clock: Clock) -> str:
    if isinstance(right, Mapping) or is_moment(left, right):
        return inside(time_of(left, "Equal", clock), time_window(right, clock))
    if left.kind == "boolean":
        wanted = "('true', '1')" if truth(right, "rightValue") else "('false', '0')"
        return f"lower({left.text}) in {wanted}"
    if left.kind in ("number", "timestamp"):
        return f"{left.number} = {number_literal(right)}"
    return f"{left.text} = {text_literal(as_text(right))}"


def compare(left: Operand, kind: str, right: Any, clock: Clock) -> str:
    if isinstance(right, Mapping) or is_moment(left, right):
        window = time_window(right, clock)
        edge = window.start if kind in ("GreaterEqual", "Less") else window.end
        sign = {"GreaterEqual": ">=", "Less": "<", "Greater": ">=", "LessEqual": "<"}[kind]
        return f"{time_of(left, kind, clock)} {sign} {edge}"
    sign = COMPARISONS[kind]
    if left.kind in ("number", "timestamp"):
        return f"{left.number} {sign} {number_literal(right)}"
    if left.kind == "boolean":
        raise OperatorFault(f"{kind} makes no sense for a boolean column")
    return f"{left.text} {sign} {text_literal(as_text(right))}"


def between(left: Operand, operator: Mapping[str, Any], clock: Clock) -> str:
    """Both ends belong to the range; a missing end is open. Two relative times may come in either order."""
    low, high = operator.get("minValue"), operator.get("maxValue")
    if low is None and high is None:
        raise OperatorFault("Between needs minValue, maxValue or both")
    ends = [end for end in (low, high) if end is not None]
    if any(isinstance(end, Mapping) or is_moment(left, end) for end in ends):
        windows = [time_window(end, clock) for end in ends]
        if all(isinstance(end, Mapping) and "last" in end for end in ends):
            windows.sort(key=lambda window: window.start or 0)
        start = windows[0].start if low is not None else None
        return inside(
            time_of(left, "Between", clock), Window(start, windows[-1].end if high is not None else None)
        )
    parts = []
    if low is not None:
        parts.append(compare(left, "GreaterEqual", low, clock))
    if high is not None:
        parts.append(compare(left, "LessEqual", high, clock))
    return f"({' and '.join(parts)})"


def one_of(left: Operand, values: Sequence[Any], clock: Clock) -> str:
    if not values:
        return "false"
    if left.kind == "boolean":
        return f"({' or '.join(equal(left, value, clock) for value in values)})"
    if left.kind in ("number", "timestamp"):
        return f"{left.number} in ({', '.join(number_literal(value) for value in values)})"
    return f"{left.text} in ({', '.join(text_literal(as_text(value)) for value in values)})"


def like(left: Operand, kind: str, values: Sequence[Any]) -> str:
    if not values:
        return "false"
    before, after = PATTERNS[kind]
    parts = []
    for value in values:
        text = as_text(value)
        escaped = re.sub(r"([%_\\])", r"\\\1", text)
        mark = "" if escaped == text else " escape '\\'"
        parts.append(f"{left.text} like {text_literal(before + escaped + after)}{mark}")
    return f"({' or '.join(parts)})"


def inside(unix: str, window: Window) -> str:
    parts = []
    if window.start is not None:
        parts.append(f"{unix} >= {window.start}")
    if window.end is not None:
        parts.append(f"{unix} < {window.end}")
    return f"({' and '.join(parts)})"


def time_of(left: Operand, kind: str, clock: Clock) -> str:
    if left.kind not in ("timestamp", "date", "number"):
        raise OperatorFault(f"{kind} needs a timestamp column (unix seconds), this one is a {left.kind}")
    return left.unix(clock)


def time_window(right: Any, clock: Clock) -> Window:
    return value_window(right if isinstance(right, Mapping) else {"timestamp": right}, clock)


def is_moment(left: Operand, right: Any) -> bool:
    """Text with a date in it, beside a column of times."""
    dated = isinstance(right, str) and re.match(r"\d{4}-\d\d-\d\d", right.strip())
    return bool(dated) and (left.kind == "timestamp" or (left.kind == "date" and left.stored != "varchar"))


def right_value(operator: Mapping[str, Any], kind: str) -> Any:
    if operator.get("rightValue") is None:
        raise OperatorFault(f"{kind} needs rightValue")
    return operator["rightValue"]


def right_values(operator: Mapping[str, Any], kind: str) -> list[Any]:
    """`rightValues`, or `rightValue` as a list or one value."""
    found = operator.get("rightValues", operator.get("rightValue"))
    if found is None:
        raise OperatorFault(f"{kind} needs rightValues, a list")
    values = found if isinstance(found, list) else [found]
    if any(value is None or isinstance(value, Mapping | list) for value in values):
        raise OperatorFault(f"{kind} takes texts or numbers in rightValues")
    return values


def truth(value: Any, name: str) -> bool:
    if value in (None, False, "false", "False", 0, "0"):
        return False
    if value in (True, "true", "True", 1, "1"):
        return True
    raise OperatorFault(f"{name} must be true or false, not {value!r}")


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping | list):
        raise OperatorFault(f"{value!r} is no text")
    return str(value)


def number_literal(value: Any) -> str:
    """A Trino number: a bigint, or a double written with an exponent (a bare 1.5 would be a decimal).

    >>> number_literal("12"), number_literal(0.5), number_literal(-3)
    ('12', '0.5e0', '-3')
    """
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d+\s*", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise OperatorFault(f"{value!r} is no number")
    if isinstance(value, int) and abs(value) < 2**63:
        return str(value)
    try:
        number = float(value)
    except (ValueError, OverflowError) as error:
        raise OperatorFault(f"{value!r} is no number") from error
    if not math.isfinite(number):
        raise OperatorFault(f"{value!r} is no number")
    shown = repr(number)
    return shown if "e" in shown else f"{shown}e0"


def text_literal(text: str) -> str:
    """
    >>> text_literal("it's")
    "'it''s'"
    """
    if "\x00" in text:
        raise OperatorFault("text may not hold a NUL character")
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """
    >>> identifier('a "b"')
    '"a ""b\"""'
    """
    return '"' + name.replace('"', '""') + '"'
