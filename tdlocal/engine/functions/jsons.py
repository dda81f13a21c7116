"""JSON as Trino's older functions have it: json_parse, json_extract and their like, on text."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from tdlocal.engine.functions.failing import fail
from tdlocal.engine.functions.values import shortest

_STEP = re.compile(r"""\.(\w+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\[(\w+)\]|\."((?:[^"\\]|\\.)*)\"""")
MISSING: Any = object()


class Number(str):
    """A number as it was written, so that no digit is lost."""

    __slots__ = ()


def load(text: str) -> Any:
    """The parsed text; numbers stay as written. Raises ValueError."""
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_constant)


class Pairs(list[tuple[str, Any]]):
    """An object with all its keys, equal ones too."""


_READER = json.JSONDecoder(
    parse_int=Number, parse_float=Number, parse_constant=lambda name: _constant(name), object_pairs_hook=Pairs
)
_BLANK = re.compile(r"[ \t\n\r]*")


def _skip(text: str, place: int) -> int:
    found = _BLANK.match(text, place)
    return found.end() if found else place


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def dump(value: Any) -> str:
    """Compact JSON."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{dump(key)}:{dump(item)}" for key, item in value) + "}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{dump(key)}:{dump(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=_utf16)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    if isinstance(value, Number):
        return Number(_number(value))
    return value


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")  # Java's order of texts


def _number(written: str) -> str:
    if re.fullmatch(r"-?\d+", written):
        return "0" if written == "-0" else written
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


def real(value: float) -> str:
    """A 32-bit float in JSON."""
    return double(shortest(value))


def field(text: str, name: str, place: int, count: int) -> str | None:
    """The field of a row cast from an object (by *name*, whatever its case) or an array of *count*."""
    value = load(text)
    if isinstance(value, dict) and name:
        found = [item for key, item in value.items() if key.lower() == name.lower()]
        return dump(found[-1]) if found else None
    if isinstance(value, list) and len(value) == count:
        return dump(value[place])
    fail("INVALID_CAST_ARGUMENT", f"Cannot cast to row: {text}")


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
        return f"{sign}0E0"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{lead + int(power or 0)}"


def json_parse(text: str) -> str | None:
    """json_parse: canonical text with sorted keys."""
    try:
        return dump(_sorted(load(text)))
    except (ValueError, RecursionError):
        fail("INVALID_FUNCTION_ARGUMENT", f"Cannot convert value to JSON: '{text}'")


def without_nulls(text: str) -> str:
    value = load(text)
    if isinstance(value, dict):
        return dump({key: item for key, item in value.items() if item is not None})
    return dump([item for item in value if item is not None])


@lru_cache(maxsize=1024)
def path_steps(path: str) -> tuple[str | int, ...]:
    """The steps of a JSONPath: names and positions. Raises ValueError."""
    if not path.startswith("$"):
        raise ValueError(f"Invalid JSON path: '{path}'")
    steps: list[str | int] = []
    index = 1
    while index < len(path):
        match = _STEP.match(path, index)
        if match is None:
            raise ValueError(f"Invalid JSON path: '{path}'")
        name, place, quoted, bare, dotted = match.groups()
        if place is not None:
            steps.append(int(place))
        else:
            chosen = next(item for item in (name, quoted, bare, dotted) if item is not None)
            steps.append(re.sub(r"\\(.)", r"\1", chosen))
        index = match.end()
    return tuple(steps)


def _found(text: str, path: str) -> Any:
    """The value at *path*, MISSING when there is none or the text breaks off before it.

    The text is read no further than the value, and the first of equal keys counts, as in Trino.
    """
    try:
        steps = path_steps(path)
    except ValueError as error:
        fail("INVALID_FUNCTION_ARGUMENT", str(error))
    try:
        place: int | None = _skip(text, 0)
        for step in steps:
            place = _within(text, place or 0, step)
            if place is None:
                return MISSING
        return _READER.raw_decode(text, place or 0)[0]
    except (ValueError, IndexError, RecursionError):
        return MISSING


def _within(text: str, place: int, step: str | int) -> int | None:
    """Where the value of a key or a position begins in the object or array at *place*."""
    opening = text[place]
    if opening not in "{[" or (opening == "[" and not str(step).isdigit()):
        return None
    place, count = _skip(text, place + 1), 0
    while text[place] not in "}]":
        key: Any = count
        if opening == "{":
            key, place = _READER.raw_decode(text, place)
            place = _skip(text, _expected(text, _skip(text, place), ":"))
        if str(key) == str(step):
            return place
        place = _skip(text, _READER.raw_decode(text, place)[1])
        count += 1
        if text[place] == ",":
            place = _skip(text, place + 1)
    return None


def _expected(text: str, place: int, sign: str) -> int:
    if text[place] != sign:
        raise ValueError(text)
    return place + 1


def extract(text: str, path: str) -> str | None:
    found = _found(text, path)
    return None if found is MISSING else dump(_plain_numbers(found))


def _plain_numbers(value: Any) -> Any:
    """Numbers as Jackson writes them again: 1e5 as 100000.0, 0.10 as 0.1."""
    if isinstance(value, Pairs):
        return Pairs((key, _plain_numbers(item)) for key, item in value)
    if isinstance(value, list):
        return [_plain_numbers(item) for item in value]
    return Number(_number(value)) if isinstance(value, Number) else value


def extract_scalar(text: str, path: str) -> str | None:
    found = _found(text, path)
    if found is MISSING or found is None or isinstance(found, list):
        return None
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found)


def size(text: str, path: str) -> int | None:
    found = _found(text, path)
    if found is MISSING:
        return None
    return len(found) if isinstance(found, list) else 0


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
        whole = re.fullmatch(r"-?\d+", other) is not None
        same = [item for item in value if isinstance(item, Number)]
        alike = [item for item in same if (re.fullmatch(r"-?\d+", item) is not None) == whole]
        return any(float(item) == float(other) for item in alike)
    return any(type(item) is type(other) and item == other for item in value)
