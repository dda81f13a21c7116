"""Trino's words: text to tokens, and where each of them stands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tdlocal.engine.failures import failure
from tdlocal.engine.types import EngineError

RESERVED = frozenset(
    """ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG CURRENT_DATE
    CURRENT_PATH
    CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE DESCRIBE
    DISTINCT
    DROP ELSE END ESCAPE EXCEPT EXECUTE EXISTS EXTRACT FALSE FOR FROM FULL GROUP GROUPING HAVING IN INNER
    INSERT
    INTERSECT INTO IS JOIN JSON_ARRAY JSON_EXISTS JSON_OBJECT JSON_QUERY JSON_TABLE JSON_VALUE LEFT LIKE
    LISTAGG
    LOCALTIME LOCALTIMESTAMP NATURAL NORMALIZE NOT NULL ON OR ORDER OUTER PREPARE RECURSIVE RIGHT ROLLUP
    SELECT
    SKIP TABLE THEN TRIM TRUE UESCAPE UNION UNNEST USING VALUES WHEN WHERE WITH""".split()
)
_TOKEN = re.compile(
    r"""(?P<space>(?:\s+|--[^\r\n]*|/\*.*?\*/)+)
    |(?P<unicode>[uU]&'(?:[^']|'')*')
    |(?P<binary>[xX]'(?:[^']|'')*')
    |(?P<string>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<double>(?:\d[\d_]*(?:\.\d*)?|\.\d+)[eE][+-]?\d+)
    |(?P<decimal>\d[\d_]*\.\d*|\.\d+)
    |(?P<integer>0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign><>|!=|<=|>=|\|\||->|=>|[-+*/%<>=(),.;:?\[\]{}|])""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(slots=True)
class Token:
    """*kind* is the group of the pattern, `end` after the last; *upper* is the text for comparisons."""

    kind: str
    text: str
    upper: str
    start: int


def place(text: str, offset: int) -> str:
    """`line 1:8`, as Trino counts: lines and columns from 1.

    >>> place("select\\n  x", 9)
    'line 2:3'
    """
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return f"line {line}:{column}"


def error_at(text: str, offset: int, name: str, message: str) -> EngineError:
    """A failure that begins with the place in *text*."""
    return failure(name, f"{place(text, offset)}: {message}")


def tokens(text: str) -> list[Token]:
    """Cut *text* into tokens; spaces and comments are left out.

    >>> [(t.kind, t.text) for t in tokens("a.b <> 'x'")][:4]
    [('word', 'a'), ('sign', '.'), ('word', 'b'), ('sign', '<>')]
    """
    found: list[Token] = []
    position, size, match = 0, len(text), _TOKEN.match
    while position < size:
        piece = match(text, position)
        if piece is None:
            message = f"mismatched input '{text[position]}'"
            raise error_at(text, position, "SYNTAX_ERROR", message)
        kind = piece.lastgroup or ""
        if kind != "space":
            body = piece[0]
            upper = body.upper() if kind == "word" else body if kind == "sign" else ""
            if kind in ("integer", "decimal", "double"):
                _check_number(text, piece.end(), position)
            found.append(Token(kind, body, upper, position))
        position = piece.end()
    found.append(Token("end", "<EOF>", "", size))
    return found


def _check_number(text: str, end: int, start: int) -> None:
    if end < len(text) and (text[end].isalpha() or text[end] == "_"):
        raise error_at(
            text, start, "SYNTAX_ERROR",
            "identifiers must not start with a digit; surround the identifier with double quotes",
        )  # fmt: skip
