"""Date formats: MySQL's letters (date_format, date_parse) and Joda's (format_datetime) as strftime's."""

from __future__ import annotations

import re

from tdlocal.engine.failures import failure

_MYSQL = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%f", "H": "%H", "h": "%I", "I": "%I",
    "i": "%M", "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p", "r": "%I:%M:%S %p",
    "S": "%S", "s": "%S", "T": "%H:%M:%S", "v": "%V", "W": "%A", "x": "%G", "Y": "%Y", "y": "%y", "%": "%%",
}  # fmt: skip
_UNSUPPORTED = frozenset("DUuVwX")
_JODA = {
    "yyyy": "%Y", "y": "%Y", "yy": "%y", "YYYY": "%Y", "MM": "%m", "M": "%-m", "MMM": "%b", "MMMM": "%B",
    "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M",
    "ss": "%S", "s": "%-S", "SSS": "%g", "a": "%p", "E": "%a", "EE": "%a", "EEE": "%a", "EEEE": "%A",
    "DDD": "%j", "D": "%-j", "ww": "%V", "xxxx": "%G", "e": "%u",
}  # fmt: skip
_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")


def mysql_to_strftime(pattern: str) -> str:
    """A date_format pattern as strftime's; raises where Trino does.

    >>> mysql_to_strftime("%Y-%m-%d %H:%i"), mysql_to_strftime("100%%")
    ('%Y-%m-%d %H:%M', '100%%')
    """
    pieces: list[str] = []
    index = 0
    while index < len(pattern):
        letter = pattern[index]
        if letter != "%" or index + 1 == len(pattern):
            pieces.append("%%" if letter == "%" else letter)
            index += 1
            continue
        code = pattern[index + 1]
        if code in _UNSUPPORTED:
            message = f"%{code} not supported in date format string"
            raise failure("INVALID_FUNCTION_ARGUMENT", message)
        pieces.append(_MYSQL.get(code, code))
        index += 2
    return "".join(pieces)


def joda_to_strftime(pattern: str) -> str | None:
    """A Joda pattern as strftime's, or None when a letter has no equal there.

    >>> joda_to_strftime("yyyy-MM-dd'T'HH:mm:ss.SSS"), joda_to_strftime("z")
    ('%Y-%m-%dT%H:%M:%S.%g', None)
    """
    pieces: list[str] = []
    for token in _TOKEN.finditer(pattern):
        if token[1] is not None:
            pieces.append((token[1] or "'").replace("''", "'").replace("%", "%%"))
        elif token[2] is not None:
            known = _JODA.get(token[0])
            if known is None:
                return None
            pieces.append(known)
        else:
            pieces.append(token[0].replace("%", "%%"))
    return "".join(pieces)
