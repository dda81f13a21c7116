"""Regular expressions that DuckDB's RE2 cannot read, in Python: look-around, back references, lambdas."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

from tdlocal.engine.functions.failing import fail

_CLASSES = {"\\p{L}": "[^\\W\\d_]", "\\p{Lu}": "[A-Z]", "\\p{Ll}": "[a-z]", "\\p{N}": "\\d", "\\p{Nd}": "\\d",
            "\\p{Alpha}": "[A-Za-z]", "\\p{Digit}": "[0-9]", "\\p{Alnum}": "[A-Za-z0-9]",
            "\\p{Punct}": "[!-/:-@\\[-`{-~]", "\\p{Space}": "\\s", "\\p{Upper}": "[A-Z]", "\\p{Lower}":
            "[a-z]",
            "\\h": "[ \\t]", "\\Z": "(?=\\n?\\Z)", "\\z": "\\Z"}  # fmt: skip


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """*pattern* (Java's syntax) for Python. Letters of \\w and \\d are ASCII, as in Trino."""
    unicode_letters = "\\p{L" in pattern
    for java, python in _CLASSES.items():
        pattern = pattern.replace(java, python)
    pattern = re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", pattern)
    pattern = re.sub(r"\\k<(\w+)>", r"(?P=\1)", pattern)
    if re.search(r"\[[^\]]*&&", pattern):
        raise re.error("&& in a character class is not supported by the local account")
    flags = re.match(r"\(\?([a-z]+)\)", pattern)
    options = re.ASCII if not unicode_letters else re.NOFLAG
    if "(?i" in pattern and not pattern.isascii():
        options = re.NOFLAG
    if not flags and re.search(r"\(\?[a-z]+\)", pattern):
        found = re.findall(r"\(\?([a-z]+)\)", pattern)
        pattern = f"(?{''.join(sorted(set(''.join(found))))})" + re.sub(r"\(\?[a-z]+\)", "", pattern)
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # `[a-z&&[^x]]` and the like
        return re.compile(pattern, options)


def like(text: str, pattern: str) -> bool:
    return compiled(pattern).search(text) is not None


def extract(text: str, pattern: str, group: int) -> str | None:
    form = compiled(pattern)
    _check_group(form, group)
    match = form.search(text)
    return match[group] if match else None


def _check_group(form: re.Pattern[str], group: int) -> None:
    if group < 0 or group > form.groups:
        message = f"Pattern has {form.groups} groups. Cannot access group {group}"
        fail("INVALID_FUNCTION_ARGUMENT", message)


def extract_all(text: str, pattern: str, group: int) -> list[str | None]:
    form = compiled(pattern)
    _check_group(form, group)
    return [match[group] for match in form.finditer(text)]


def split(text: str, pattern: str) -> list[str]:
    return pieces(text, pattern)


def replace(text: str, pattern: str, new: str) -> str:
    """`$1` and `${name}` are groups, a backslash keeps the next letter as it is."""
    form = compiled(pattern)

    def filled(match: re.Match[str]) -> str:
        pieces, index = [], 0
        while index < len(new):
            letter = new[index]
            if letter == "\\" and index + 1 < len(new):
                pieces.append(new[index + 1])
                index += 2
            elif letter == "$":
                named = re.match(r"\$\{(\w+)\}", new[index:])
                digits = re.match(r"\$(\d+)", new[index:])
                if named:
                    pieces.append(match[named[1]] or "")
                    index += len(named[0])
                elif digits:
                    number = digits[1]
                    while len(number) > 1 and int(number) > form.groups:
                        number = number[:-1]
                    _check_group(form, int(number))
                    pieces.append(match[int(number)] or "")
                    index += 1 + len(number)
                else:
                    fail("INVALID_FUNCTION_ARGUMENT", "Illegal replacement sequence: " + new)
            else:
                pieces.append(letter)
                index += 1
        return "".join(pieces)

    return form.sub(filled, text)


def pieces(text: str, pattern: str) -> list[str]:
    """What stands before each match, and after the last."""
    found, last = [], 0
    for match in compiled(pattern).finditer(text):
        found.append(text[last : match.start()])
        last = match.end()
    return [*found, text[last:]]


def groups(text: str, pattern: str) -> list[list[str | None]]:
    """The groups of each match, the lambda's argument of regexp_replace."""
    return [list(match.groups()) for match in compiled(pattern).finditer(text)]


def count(text: str, pattern: str) -> int:
    return sum(1 for _ in compiled(pattern).finditer(text))


def position(text: str, pattern: str, start: int, occurrence: int) -> int:
    if start < 1 or occurrence < 1:
        fail("INVALID_FUNCTION_ARGUMENT", "start and occurrence must be at least 1")
    if start > len(text):
        return -1
    for number, match in enumerate(compiled(pattern).finditer(text, start - 1), 1):
        if number == occurrence:
            return match.start() + 1
    return -1
