"""The table of functions: signatures in Trino's words, the DuckDB text each becomes, and how a call finds
its own.

A line reads `name(type, …) result = text`, with `$0`, `$1` … for the arguments. One capital letter is a type
variable (N: any number, S: any varchar, D: any date or timestamp); `varchar` takes every length,
`decimal` every
size; `f(A,B)` at an argument is a lambda from A to B; `...` after the last type lets it repeat.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.failures import failure
from tdlocal.engine.types import EngineError

_LINE = re.compile(r"(\w+)\((.*?)\)\s+((?:[^=(]|\([^=]*\))+?)\s+=\s+(.*)", re.DOTALL)
_WORD = re.compile(r"[A-Za-z][A-Za-z ]*[A-Za-z]|[A-Za-z]|\d+|[(),]|\.\.\.")
_SLOT = re.compile(r"\$(\d)")
_FREE = {"varchar": (), "char": (), "timestamp": (3,), "timestamp with time zone": (3,), "time": (3,)}
_OF_NULL = {"S": k.Kind("varchar", (0,)), "N": k.TINYINT}  # how a bare NULL is read
_ANY_SIZE = frozenset(["varchar", "char", "decimal", "timestamp", "timestamp with time zone", "time"])


@dataclass(frozen=True, slots=True)
class Function:
    """The type of a lambda argument."""

    parameters: tuple[Any, ...]
    result: Any


@dataclass(frozen=True, slots=True)
class Overload:
    name: str
    parameters: tuple[Any, ...]
    variadic: bool
    result: Any
    pieces: tuple[Any, ...]  # text and argument numbers in turn
    shown: str

    def arity_fits(self, count: int) -> bool:
        return count >= len(self.parameters) - 1 if self.variadic else count == len(self.parameters)

    def parameter(self, index: int) -> Any:
        return self.parameters[min(index, len(self.parameters) - 1)]

    def filled(self, arguments: Sequence[str]) -> str:
        if not self.variadic:
            return "".join(piece if isinstance(piece, str) else arguments[piece] for piece in self.pieces)
        last = len(self.parameters) - 1
        return "".join(
            piece
            if isinstance(piece, str)
            else ", ".join(arguments[piece:])
            if piece == last
            else arguments[piece]
            for piece in self.pieces
        )


def overload(line: str) -> Overload:
    """Read one line of the table.

    >>> one = overload("element_at(array(T), bigint) T = list_extract($0, $1)")
    >>> one.name, str(one.parameters[0]), one.filled(["a", "b"])
    ('element_at', 'array(T)', 'list_extract(a, b)')
    """
    match = _LINE.fullmatch(line.strip())
    if match is None:
        raise ValueError(f"no signature: {line}")
    name, parameters, result, template = match.groups()
    variadic = parameters.endswith("...")
    types = _types(parameters.removesuffix("..."))
    split = _SLOT.split(" ".join(template.split()))
    pieces = tuple(int(piece) if index % 2 else piece for index, piece in enumerate(split))
    return Overload(name, types, variadic, _types(result)[0], pieces, f"{name}({parameters})")


def _types(text: str) -> tuple[Any, ...]:
    words = _WORD.findall(text)
    found, rest = _type_list(words)
    if rest:
        raise ValueError(f"no types: {text}")
    return tuple(found)


def _type_list(words: list[str]) -> tuple[list[Any], list[str]]:
    found: list[Any] = []
    while words and words[0] != ")":
        if words[0] == ",":
            words = words[1:]
            continue
        name, words = words[0], words[1:]
        inner: list[Any] = []
        if words and words[0] == "(":
            inner, words = _type_list(words[1:])
            words = words[1:]
        found.append(_type(name, inner))
    return found, words


def _type(name: str, inner: list[Any]) -> Any:
    if name.isdigit():
        return int(name)
    if name == "f":
        return Function(tuple(inner[:-1]), inner[-1])
    if name == "zoned":
        name = "timestamp with time zone"
    if inner and isinstance(inner[0], int):
        return k.Kind(name, tuple(inner))
    if name == "row":
        return k.row(tuple(inner))
    return k.Kind(name, _FREE.get(name, ()), tuple(inner))


Bindings = dict[str, k.Kind]


def match(pattern: Any, actual: k.Kind, bound: Bindings, *, exact: bool) -> bool:
    """Can *actual* stand where *pattern* is? Binds type variables on the way."""
    if isinstance(pattern, Function):
        return actual.name == "function"
    if actual.name == "function":
        return False
    name = pattern.name
    if len(name) == 1:
        return _match_variable(name, actual, bound, exact)
    if name in _ANY_SIZE and actual.name == name:
        return name != "varchar" or not pattern.sizes or k.turns_into(actual, pattern)
    if pattern == actual:
        return True
    if pattern.items:
        if actual.name == "unknown":
            return not exact
        if actual.name != name or len(actual.items) != len(pattern.items):
            return False
        return all(match(p, a, bound, exact=exact) for p, a in zip(pattern.items, actual.items, strict=True))
    if exact:
        return False
    if name == "decimal":
        return actual.name in k.INTEGERS or actual.name == "unknown"
    if name == "char" and actual.name == "unknown":
        return False  # a bare NULL is read as a varchar
    if name in _ANY_SIZE and name != "varchar":
        return actual.name == "unknown" or k.turns_into(actual, k.Kind(name, actual.sizes or (3,)))
    if name == "json" and actual.name == "varchar":
        return False
    return k.turns_into(actual, pattern)


def _match_variable(name: str, actual: k.Kind, bound: Bindings, exact: bool) -> bool:
    if name == "N" and not (k.is_number(actual) or actual.name == "unknown"):
        return False
    if name == "S" and not (actual.name in ("varchar", "char") or actual.name == "unknown"):
        return False
    if name == "D" and actual.name not in ("date", "timestamp", "timestamp with time zone"):
        return False
    if name not in bound or bound[name].name == "unknown":
        if exact and actual.name == "unknown" and name in ("N", "S"):
            return False
        unknown = actual.name == "unknown"
        bound[name] = _OF_NULL.get(name, actual) if unknown else actual
        return True
    if actual.name == "unknown" or actual == bound[name]:
        return True
    together = k.common(bound[name], actual)
    if together is None:
        return False
    bound[name] = together
    return True


def filled_in(pattern: Any, bound: Bindings, actual: k.Kind | None = None) -> k.Kind:
    """*pattern* with its variables replaced; where it leaves the size open, the size of *actual*."""
    name = pattern.name
    if len(name) == 1:
        return bound.get(name, k.UNKNOWN)
    if name in _ANY_SIZE and actual is not None and actual.name == name:
        return actual
    if name == "decimal" and actual is not None and actual.name in k.INTEGERS:
        return k.as_decimal(actual)
    if name in ("timestamp", "timestamp with time zone") and actual is not None and actual.sizes:
        return k.Kind(name, actual.sizes)
    if pattern.items:
        inner = actual.items if actual is not None and len(actual.items) == len(pattern.items) else ()
        items = tuple(
            filled_in(item, bound, inner[index] if inner else None)
            for index, item in enumerate(pattern.items)
        )
        return k.Kind(name, pattern.sizes, items, pattern.fields)
    return pattern if not isinstance(pattern, Function) else k.UNKNOWN


@cache
def _expected() -> dict[str, str]:
    """What Trino itself says to each function's callers, by its name."""
    lines = Path(__file__).with_name("expected.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines)


def unexpected(name: str, given: Iterable[k.Kind], otherwise: str = "") -> EngineError:
    """FUNCTION_NOT_FOUND for a call of *name* with arguments it does not take.

    >>> print(unexpected("upper", [k.INTEGER]))
    Unexpected parameters (integer) for function upper. Expected: upper(char(x)), upper(varchar(x))
    """
    expected = _expected().get(name, otherwise)
    message = f"Unexpected parameters ({', '.join(map(str, given))}) for function {name}."
    return failure("FUNCTION_NOT_FOUND", f"{message} Expected: {expected}" if expected else message)


class Table:
    """Overloads by name, read from lines when first asked for."""

    def __init__(self, lines: str) -> None:
        self._lines: dict[str, list[str]] = {}
        for line in re.split(r"\n(?=\S)", lines.strip()):
            if not line.startswith("#"):
                self._lines.setdefault(line.split("(", 1)[0], []).append(line)

    def __contains__(self, name: str) -> bool:
        return name in self._lines

    def names(self) -> list[str]:
        return sorted(self._lines)

    @cache  # noqa: B019  one table for the life of the process
    def overloads(self, name: str) -> tuple[Overload, ...]:
        return tuple(overload(line) for line in self._lines[name])

    def find(self, name: str, actual: Sequence[k.Kind]) -> tuple[Overload, Bindings] | None:
        """The overload that takes these types as they are, else the first that takes them coerced."""
        fitting = [one for one in self.overloads(name) if one.arity_fits(len(actual))]
        for exact in (True, False):
            for one in fitting:
                bound: Bindings = {}
                if all(match(one.parameter(n), kind, bound, exact=exact) for n, kind in enumerate(actual)):
                    return one, bound
        return None

    def expected(self, name: str) -> str:
        return ", ".join(one.shown for one in self.overloads(name))
