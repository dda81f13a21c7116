"""SQL/JSON paths, lax and strict: member and element accessors, filters, arithmetic, methods, variables."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from tdlocal.engine.functions.jsons import Number

_TOKEN = re.compile(
    r'\s*(?:("(?:[^"\\]|\\.)*")|([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|(\$"(?:[^"\\]|\\.)*"|\$[A-Za-z_]\w*)'
    r"|([A-Za-z_]\w*)|(==|<>|!=|<=|>=|&&|\|\||\.\.|[$@.*\[\](),?!<>+\-/%]))"
)
_METHODS = frozenset(["size", "type", "double", "ceiling", "floor", "abs", "keyvalue"])
Items = list[Any]
Run = Callable[["Walk", Any, int], Items]  # the walk, a filter's current item, the array's size
Test = Callable[["Walk", Any, int], bool | None]


class PathError(ValueError):
    """The path fits the data not at all (strict mode) or a step cannot be done."""


class Walk:
    """One evaluation: the document, the variables, the mode."""

    def __init__(self, root: Any, variables: dict[str, Any], strict: bool) -> None:
        self.root, self.variables, self.strict = root, variables, strict

    def unwrapped(self, items: Items) -> Items:
        """In lax mode arrays stand for their elements."""
        if self.strict:
            return items
        return [inner for item in items for inner in (item if isinstance(item, list) else [item])]

    def nothing(self, why: str) -> Items:
        if self.strict:
            raise PathError(f"structural error: {why}")
        return []


@lru_cache(maxsize=1024)
def compiled(path: str) -> tuple[bool, Run]:
    """(strict?, the path as a function). Raises ValueError for what is no path."""
    mode = re.match(r"\s*(lax|strict)\b", path)
    if mode is None:
        raise ValueError(f"invalid path: {path}")
    parser = _Parser(path, mode.end())
    run = parser.sum()
    if parser.word:
        raise ValueError(f"invalid path: {path}")
    return mode[1] == "strict", run


def walk(document: Any, path: str, variables: dict[str, Any]) -> Items:
    """The items that *path* finds in *document*. Raises PathError."""
    strict, run = compiled(path)
    return run(Walk(document, variables, strict), None, 0)


class _Parser:
    """Recursive descent over the tokens; every rule gives a function."""

    def __init__(self, path: str, start: int) -> None:
        self.path, self.tokens, index = path, [], start
        while path[index:].strip():
            match = _TOKEN.match(path, index)
            if match is None:
                raise ValueError(f"invalid path: {path}")
            self.tokens.append(match[0].strip())
            index = match.end()
        self.index = 0

    @property
    def word(self) -> str:
        return self.tokens[self.index] if self.index < len(self.tokens) else ""

    def advance(self) -> str:
        word = self.word
        if not word:
            raise ValueError(f"invalid path: {self.path}")
        self.index += 1
        return word

    def accept(self, *tokens: str) -> bool:
        if tuple(self.tokens[self.index : self.index + len(tokens)]) != tokens:
            return False
        self.index += len(tokens)
        return True

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise ValueError(f"invalid path: {self.path}")

    # -- values

    def sum(self) -> Run:
        left = self.product()
        while self.word in ("+", "-"):
            left = _arithmetic(self.advance(), left, self.product())
        return left

    def product(self) -> Run:
        left = self.signed()
        while self.word in ("*", "/", "%"):
            left = _arithmetic(self.advance(), left, self.signed())
        return left

    def signed(self) -> Run:
        if self.word in ("+", "-"):
            sign, value = self.advance(), self.signed()
            return lambda w, at, n: [
                _calculated(sign, Number("0"), item) for item in w.unwrapped(value(w, at, n))
            ]
        return self.accessed()

    def accessed(self) -> Run:
        run = self.primary()
        while True:
            if self.accept(".."):
                run = _descendants(run, self.member_name())
            elif self.accept("."):
                run = self.member(run)
            elif self.accept("["):
                run = self.subscript(run)
            elif self.accept("?"):
                self.expect("(")
                test = self.alternative()
                self.expect(")")
                run = _filtered(run, test)
            else:
                return run

    def primary(self) -> Run:
        word = self.advance()
        if word == "(":
            run = self.sum()
            self.expect(")")
            return run
        if word == "$":
            return lambda w, at, n: [w.root]
        if word == "@":
            return lambda w, at, n: [at]
        if word == "last":
            return lambda w, at, n: [Number(n - 1)]
        if word in ("true", "false", "null"):
            return lambda w, at, n: [{"true": True, "false": False, "null": None}[word]]
        if word[0] == "$":
            name = json.loads(word[1:]) if word[1] == '"' else word[1:]
            return lambda w, at, n: [_variable(w, name)]
        if word[0] == '"':
            return lambda w, at, n: [json.loads(word)]
        if word[0].isdigit():
            return lambda w, at, n: [Number(word)]
        raise ValueError(f"invalid path: {self.path}")

    def member_name(self) -> str:
        word = self.advance()
        if word[0] == '"':
            return str(json.loads(word))
        if not re.fullmatch(r"[A-Za-z_]\w*", word):
            raise ValueError(f"invalid path: {self.path}")
        return word

    def member(self, run: Run) -> Run:
        if self.accept("*"):
            return _members(run, None)
        name = self.member_name()
        if self.accept("(", ")"):
            if name not in _METHODS:
                raise ValueError(f"this JSON path is not supported by the local account: {self.path}")
            return _method(run, name)
        return _members(run, name)

    def subscript(self, run: Run) -> Run:
        if self.accept("*"):
            self.expect("]")
            return _elements(run, None)
        ranges = []
        while True:
            low = self.sum()
            ranges.append((low, self.sum() if self.accept("to") else low))
            if not self.accept(","):
                break
        self.expect("]")
        return _elements(run, ranges)

    # -- conditions

    def alternative(self) -> Test:
        left = self.conjunction()
        while self.accept("||"):
            left = _either(left, self.conjunction())
        return left

    def conjunction(self) -> Test:
        left = self.negation()
        while self.accept("&&"):
            left = _both(left, self.negation())
        return left

    def negation(self) -> Test:
        if self.accept("!"):
            test = self.negation()
            return lambda w, at, n: None if (found := test(w, at, n)) is None else not found
        return self.predicate()

    def predicate(self) -> Test:
        if self.accept("exists", "("):
            run = self.sum()
            self.expect(")")
            return _exists(run)
        if self.word == "(":
            start = self.index
            try:
                self.advance()
                test = self.alternative()
                self.expect(")")
                if self.accept("is", "unknown"):
                    inner = test
                    return lambda w, at, n: inner(w, at, n) is None
                return test
            except ValueError:
                self.index = start
        left = self.sum()
        if self.accept("starts", "with"):
            return _starts(left, self.sum())
        if self.accept("like_regex"):
            raise ValueError("like_regex predicate in JSON path is not yet supported")
        if self.word not in ("==", "<>", "!=", "<", "<=", ">", ">="):
            raise ValueError(f"invalid path: {self.path}")
        return _compared(self.advance(), left, self.sum())


# -- what the rules make


def _variable(w: Walk, name: str) -> Any:
    if name not in w.variables:
        raise PathError(f"no value passed for parameter {name}")
    return w.variables[name]


def _arithmetic(operator: str, left: Run, right: Run) -> Run:
    def run(w: Walk, at: Any, n: int) -> Items:
        one, two = w.unwrapped(left(w, at, n)), w.unwrapped(right(w, at, n))
        if len(one) != 1 or len(two) != 1:
            raise PathError("arithmetic binary expression requires singleton operands")
        return [_calculated(operator, one[0], two[0])]

    return run


def is_whole(number: Any) -> bool:
    return re.fullmatch(r"-?\d+", number) is not None


def _calculated(operator: str, one: Any, two: Any) -> Number:
    if not (isinstance(one, Number) and isinstance(two, Number)):
        raise PathError("invalid operand types to arithmetic")
    whole = is_whole(one) and is_whole(two)
    a, b = Decimal(one), Decimal(two)
    try:
        if operator in "/%" and whole:
            quotient = abs(int(a)) // abs(int(b)) * (1 if (a < 0) == (b < 0) else -1)
            return Number(quotient if operator == "/" else int(a) - quotient * int(b))
        found = {"+": a + b, "-": a - b, "*": a * b}.get(operator)
        if found is None:
            found = a / b if operator == "/" else a % b
    except (ZeroDivisionError, InvalidOperation):
        raise PathError("division by zero") from None
    return Number(format(found, "f"))


def _members(run: Run, name: str | None) -> Run:
    def found(w: Walk, at: Any, n: int) -> Items:
        items: Items = []
        for item in w.unwrapped(run(w, at, n)):
            if not isinstance(item, dict):
                items += w.nothing("member accessor on no object")
            elif name is None:
                items += item.values()
            elif name in item:
                items.append(item[name])
            else:
                items += w.nothing(f"missing member '{name}'")
        return items

    return found


def _descendants(run: Run, name: str) -> Run:
    def below(item: Any) -> Items:
        if isinstance(item, dict):
            own = [item[name]] if name in item else []
            return own + [found for inner in item.values() for found in below(inner)]
        return [found for inner in item for found in below(inner)] if isinstance(item, list) else []

    return lambda w, at, n: [found for item in run(w, at, n) for found in below(item)]


def _elements(run: Run, ranges: list[tuple[Run, Run]] | None) -> Run:
    def found(w: Walk, at: Any, n: int) -> Items:
        items: Items = []
        for item in run(w, at, n):
            values = item if isinstance(item, list) else w.nothing("array accessor on no array") or [item]
            if ranges is None:
                items += values
                continue
            for low, high in ranges:
                first, last = _place(w, low, at, len(values)), _place(w, high, at, len(values))
                if w.strict and not 0 <= first <= last < len(values):
                    raise PathError("structural error: invalid array subscript")
                items += values[max(first, 0) : max(last + 1, 0)]
        return items

    return found


def _place(w: Walk, run: Run, at: Any, size: int) -> int:
    found = run(w, at, size)
    if len(found) != 1 or not isinstance(found[0], Number):
        raise PathError("array subscript is no number")
    return math.trunc(Decimal(found[0]))


def _filtered(run: Run, test: Test) -> Run:
    return lambda w, at, n: [item for item in w.unwrapped(run(w, at, n)) if test(w, item, n) is True]


def _method(run: Run, name: str) -> Run:
    def found(w: Walk, at: Any, n: int) -> Items:
        items = run(w, at, n)
        if name == "type":
            return [_type(item) for item in items]
        if name == "size":
            return [
                Number(len(item)) if isinstance(item, list) else (w.nothing("no array") or [Number(1)])[0]
                for item in items
            ]
        items = w.unwrapped(items)
        if name == "keyvalue":
            return [pair for place, item in enumerate(items) for pair in _pairs(item, place)]
        return [_numeric(name, item) for item in items]

    return found


def _type(item: Any) -> str:
    kinds = ((bool, "boolean"), (Number, "number"), (str, "string"), (list, "array"), (dict, "object"))
    return next((shown for kind, shown in kinds if isinstance(item, kind)), "null")


def _pairs(item: Any, place: int) -> Items:
    if not isinstance(item, dict):
        raise PathError("keyvalue() on no object")
    return [{"name": key, "value": value, "id": Number(place)} for key, value in item.items()]


def _numeric(name: str, item: Any) -> Number:
    if name == "double" and isinstance(item, str):
        try:
            return Number(repr(float(item)))
        except ValueError:
            raise PathError(f"invalid text for double(): {item}") from None
    if not isinstance(item, Number):
        raise PathError(f"{name}() on no number")
    if is_whole(item):
        return Number(abs(int(item))) if name == "abs" else item
    value = float(item)
    made = {"abs": abs(value), "floor": float(math.floor(value)), "ceiling": float(math.ceil(value))}[name]
    return Number(repr(made))


def _either(left: Test, right: Test) -> Test:
    def test(w: Walk, at: Any, n: int) -> bool | None:
        found = (left(w, at, n), right(w, at, n))
        return True if True in found else None if None in found else False

    return test


def _both(left: Test, right: Test) -> Test:
    def test(w: Walk, at: Any, n: int) -> bool | None:
        found = (left(w, at, n), right(w, at, n))
        return False if False in found else None if None in found else True

    return test


def _exists(run: Run) -> Test:
    def test(w: Walk, at: Any, n: int) -> bool | None:
        try:
            return bool(run(w, at, n))
        except PathError:
            return None

    return test


def _compared(operator: str, left: Run, right: Run) -> Test:
    def test(w: Walk, at: Any, n: int) -> bool | None:
        try:
            one, two = w.unwrapped(left(w, at, n)), w.unwrapped(right(w, at, n))
        except PathError:
            return None
        found = [_pair(operator, a, b) for a in one for b in two]
        if None in found and (w.strict or True not in found):
            return None
        return True in found

    return test


def _pair(operator: str, one: Any, two: Any) -> bool | None:
    if one is None or two is None:
        same = one is two
        return {"==": same, "<>": not same, "!=": not same}.get(operator, False if not same else None)
    if isinstance(one, list | dict) or isinstance(two, list | dict) or _type(one) != _type(two):
        return None
    a: Any = Decimal(one) if isinstance(one, Number) else one
    b: Any = Decimal(two) if isinstance(two, Number) else two
    tests = {"==": a == b, "<>": a != b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}
    return bool(tests[operator])


def _starts(left: Run, right: Run) -> Test:
    def test(w: Walk, at: Any, n: int) -> bool | None:
        try:
            one, two = w.unwrapped(left(w, at, n)), w.unwrapped(right(w, at, n))
        except PathError:
            return None
        if len(two) != 1 or not _is_text(two[0]) or not all(map(_is_text, one)):
            return None
        return any(item.startswith(two[0]) for item in one)

    return test


def _is_text(item: Any) -> bool:
    return isinstance(item, str) and not isinstance(item, Number)
