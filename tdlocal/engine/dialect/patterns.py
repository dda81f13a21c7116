"""Regular expressions: which of Java's mean the same to RE2, DuckDB's engine."""

from __future__ import annotations

import re
from functools import lru_cache

# look-around, atomic groups, back references, possessive quantifiers, \Z \G \h \R \X, class intersections
_FOREIGN = re.compile(r"\(\?(?:=|!|<=|<!|>)|\\[1-9]|\\k<|[*+?}]\+|\\[ZGhHRXKvV]|&&|\\u|\{\d{4,}|\(\?[a-z-]*x")
_GROUP = re.compile(r"\\(\d)|\$(\d+)|\$\{(\w+)\}|\\(.)", re.DOTALL)


@lru_cache(maxsize=4096)
def fits_re2(pattern: str) -> bool:
    """May DuckDB's own functions take *pattern*?

    >>> fits_re2(r"^\\d+$"), fits_re2("foo(?=bar)"), fits_re2(r"(a)\\1")
    (True, False, False)
    """
    return not _FOREIGN.search(pattern)


def re2_pattern(pattern: str) -> str:
    """*pattern* as RE2 spells it: named groups begin with `(?P<`."""
    return re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", pattern)


def replacement(written: str) -> str | None:
    """Java's `$1` as RE2's `\\1`; None for named groups or groups past nine.

    >>> replacement("($1) $2-$3"), replacement("a\\\\b"), replacement("${name}")
    ('(\\\\1) \\\\2-\\\\3', 'ab', None)
    """
    pieces: list[str] = []
    index = 0
    while index < len(written):
        letter = written[index]
        if letter == "\\" and index + 1 < len(written):
            pieces.append("\\\\" if written[index + 1] == "\\" else written[index + 1])
            index += 2
        elif letter == "$":
            digits = re.match(r"\d+", written[index + 1 :])
            if not digits or len(digits[0]) > 1:
                return None
            pieces.append("\\" + digits[0])
            index += 2
        else:
            pieces.append("\\\\" if letter == "\\" else letter)
            index += 1
    return "".join(pieces)
