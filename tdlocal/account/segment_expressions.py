"""The `expr` of Composite rules: `1 and (2 or 3)`, over conditions numbered from 1 or lettered from A."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

WORDS = re.compile(r"\s*(\(|\)|and\b|or\b|[0-9]+|[A-Z]+)", re.ASCII)
LONGEST = 10_000


class ExpressionFault(Exception):
    """An expression that cannot be read; the text says where."""


def combine(expression: object, conditions: Sequence[str]) -> str:
    """Put the conditions' SQL into the expression's shape; `and` binds before `or`.

    >>> combine("1 and (2 or 3)", ["x", "y", "z"])
    '((x) and ((y) or (z)))'
    >>> combine("A or B and C", ["x", "y", "z"])
    '((x) or ((y) and (z)))'
    """
    if not isinstance(expression, str) or not expression.strip():
        raise ExpressionFault("Composite needs expr, like '1 and (2 or 3)'")
    reader = _Reader(words(expression), conditions)
    sql = reader.either()
    if reader.words:
        raise ExpressionFault(f"{reader.words[0]!r} is one too many")
    missing = [number for number in range(1, len(conditions) + 1) if number not in reader.used]
    if missing:
        raise ExpressionFault(f"condition {missing[0]} is not used")
    return sql


def words(expression: str) -> list[str]:
    """Cut the text into names, `and`, `or` and brackets."""
    if len(expression) > LONGEST:
        raise ExpressionFault(f"longer than {LONGEST} characters")
    found, position = [], 0
    text = expression.rstrip()
    while position < len(text):
        match = WORDS.match(text, position)
        if match is None:
            raise ExpressionFault(
                f"cannot be read at {text[position:].strip()[:20]!r}; write like '1 and (2 or 3)'"
            )
        found.append(match.group(1))
        position = match.end()
    return found


class _Reader:
    def __init__(self, words: list[str], conditions: Sequence[str]) -> None:
        self.words, self.conditions = words, conditions
        self.used: set[int] = set()
        self.depth = 0

    def either(self) -> str:
        return self.chain("or", self.both)

    def both(self) -> str:
        return self.chain("and", self.one)

    def chain(self, word: str, reader: Callable[[], str]) -> str:
        parts = [reader()]
        while self.words[:1] == [word]:
            self.words.pop(0)
            parts.append(reader())
        return parts[0] if len(parts) == 1 else "(" + f" {word} ".join(parts) + ")"

    def one(self) -> str:
        if not self.words:
            raise ExpressionFault("ends too early")
        word = self.words.pop(0)
        if word == "(":
            self.depth += 1
            if self.depth > 50:
                raise ExpressionFault("more than 50 brackets deep")
            inner = self.either()
            self.depth -= 1
            if self.words[:1] != [")"]:
                raise ExpressionFault("a bracket is not closed")
            self.words.pop(0)
            return inner
        number = position_of(word)
        if number is None or number > len(self.conditions):
            raise ExpressionFault(f"{word!r} names no condition; there are {len(self.conditions)}")
        self.used.add(number)
        return f"({self.conditions[number - 1]})"


def position_of(name: str) -> int | None:
    """
    >>> position_of("3"), position_of("C"), position_of("and")
    (3, 3, None)
    """
    if name.isdigit():
        return int(name) or None
    if len(name) == 1 and name.isupper():
        return ord(name) - ord("A") + 1
    return None
