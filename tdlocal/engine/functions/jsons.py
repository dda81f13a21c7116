"""JSON as Trino's older functions have it: json_parse, json_extract and their like, on text."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from tdlocal.engine.functions.failing import fail

_STEP = re.compile(
    r"""\.([A-Za-z_0-9$@:-]+|\*)|\[\s*(-?\d+|\*)\s*\]|\[\s*"((?:[^"\\]|\\.)*)"\s*\]|\[\s*'([^']*)'\s*\]|\."((?:[^"\\]|\\.)*)\""""
)
MISSING: Any = object()


class Number(str):
    """A number as it was written, so that no digit is lost."""

    __slots__ = ()


def load(text: str) -> Any:
    """The parsed text; numbers stay as written. Raises ValueError."""
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_constant)


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def dump(value: Any) -> str:
    """Compact JSON."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{dump(key)}:{dump(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    if isinstance(value, Number):
        return Number(_number(value))
    return value


def _number(written: str) -> str:
    if re.fullmatch(r"-?\d+", written):
        return written
    return double(float(written))


def double(value: float) -> str:
    """A double in JSON, as Java writes it: 1.0, 1.0E10.

    >>> double(1.0), double(1e10), double(0.001), double(1e-5)
    ('1.0', '1.0E10', '0.001', '1.0E-5')
    """
    if value != value or value in (float("inf"), float("-inf")):
        return {"inf": '"Infinity"', "-inf": '"-Infinity"', "nan": '"NaN"'}[str(value)]
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = format(value, "f") if "e" in repr(value) else repr(value)
        return text
    return scientific(repr(value))


def scientific(text: str) -> str:
    """Python's shortest digits in Java's form with an exponent.

    >>> scientific("100000000.0"), scientific("1e-05"), scientific("-0.1")
    ('1.0E8', '1.0E-5', '-1.0E-1')
    """
    sign = "-" if text.startswith("-") else ""
    mantissa, _, power = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    lead = len(whole) - 1 if whole.strip("0") else -(len(fraction) - len(fraction.lstrip("0")) + 1)
    if whole.strip("0"):
        lead = len(whole.lstrip("0")) - 1
    digits = digits.rstrip("0")
    if not digits:
        return f"{sign}0.0E0"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{lead + int(power or 0)}"


def json_parse(text: str) -> str | None:
    """json_parse: canonical text with sorted keys."""
    try:
        return dump(_sorted(load(text)))
    except (ValueError, RecursionError):
        fail("INVALID_FUNCTION_ARGUMENT", f"Cannot convert value to JSON: '{text}'")


def sorted_keys(text: str) -> str:
    value = load(text)
    return dump({key: value[key] for key in sorted(value)} if isinstance(value, dict) else value)


def without_nulls(text: str) -> str:
    value = load(text)
    if isinstance(value, dict):
        return dump({key: item for key, item in value.items() if item is not None})
    return dump([item for item in value if item is not None])


@lru_cache(maxsize=1024)
def path_steps(path: str) -> tuple[str | int | None, ...]:
    """The steps of a JSONPath: names, positions, None for `*`. Raises ValueError."""
    if not path.startswith("$"):
        path = "$." + path if re.match(r"[A-Za-z_]", path) else path
    if not path.startswith("$"):
        raise ValueError(f"Invalid JSON path: '{path}'")
    steps: list[str | int | None] = []
    index = 1
    while index < len(path):
        match = _STEP.match(path, index)
        if match is None:
            raise ValueError(f"Invalid JSON path: '{path}'")
        name, place, quoted, single, dotted = match.groups()
        if name == "*" or place == "*":
            steps.append(None)
        elif place is not None:
            steps.append(int(place))
        else:
            chosen = next(item for item in (name, quoted, single, dotted) if item is not None)
            steps.append(re.sub(r"\\(.)", r"\1", chosen))
        index = match.end()
    return tuple(steps)


def _found(text: str, path: str) -> Any:
    try:
        value = load(text)
    except (ValueError, RecursionError):
        return MISSING
    try:
        steps = path_steps(path)
    except ValueError as error:
        fail("INVALID_FUNCTION_ARGUMENT", str(error))
    return _walk(value, steps)


def _walk(value: Any, steps: tuple[str | int | None, ...]) -> Any:
    for index, step in enumerate(steps):
        if step is None:
            rest = steps[index + 1 :]
            items = (
                value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
            )
            return [found for found in (_walk(item, rest) for item in items) if found is not MISSING]
        if isinstance(value, dict):
            value = value.get(str(step), MISSING)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step] if -len(value) <= step < len(value) else MISSING
        elif isinstance(value, list) and str(step).isdigit():
            value = value[int(step)] if int(step) < len(value) else MISSING
        else:
            return MISSING
        if value is MISSING:
            return MISSING
    return value


def extract(text: str, path: str) -> str | None:
    found = _found(text, path)
    return None if found is MISSING else dump(found)


def extract_scalar(text: str, path: str) -> str | None:
    found = _found(text, path)
    if found is MISSING or found is None or isinstance(found, dict | list):
        return None
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found)


def size(text: str, path: str) -> int | None:
    found = _found(text, path)
    if found is MISSING:
        return None
    return len(found) if isinstance(found, dict | list) else 0


def array_length(text: str) -> int | None:
    try:
        value = load(text)
    except (ValueError, RecursionError):
        return None
    return len(value) if isinstance(value, list) else None


def array_get(text: str, index: int) -> str | None:
    try:
        value = load(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, list) or not -len(value) <= index < len(value):
        return None
    item = value[index]
    return item if isinstance(item, str) else dump(item)


def array_contains(text: str, wanted: str) -> bool | None:
    try:
        value, other = load(text), load(wanted)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, list):
        return None
    if isinstance(other, Number):
        return any(isinstance(item, Number) and float(item) == float(other) for item in value)
    return any(type(item) is type(other) and item == other for item in value)
