"""Java's String.format on values of Trino, for format()."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal

from tdlocal.engine.functions.failing import fail
from tdlocal.engine.td_times import time_format

_FORMAT = re.compile(r"%(?:(\d+)\$)?([-#+ 0,(<]*)(\d+)?(?:\.(\d+))?([tT]?[a-zA-Z%])")
_JAVA = {"s": "lang.String", "d": "lang.Long", "f": "lang.Double", "b": "lang.Boolean"}
_MOMENT = {
    "Y": "yyyy", "y": "yy", "m": "MM", "d": "dd", "e": "d", "B": "MMMM", "b": "MMM", "h": "MMM", "A": "EEEE",
    "a": "EEE", "H": "HH", "k": "H", "I": "hh", "l": "h", "M": "mm", "S": "ss", "L": "SSS", "j": "DDD",
    "T": "HH:mm:ss", "R": "HH:mm", "F": "yyyy-MM-dd", "D": "MM/dd/yy", "r": "hh:mm:ss a",
}  # fmt: skip


def java_format(pattern: str, values: list[str | None] | None) -> str:
    """String.format: each value has its type's letter (d f b t s) in front.

    >>> java_format("%05d|%s|%tY", ["d42", "sa", "t2020-01-02"])
    '00042|a|2020'
    """
    rest = list(values or [])
    state = {"next": 0, "last": -1}

    def one(match: re.Match[str]) -> str:
        index, flags, width, precision, letter = match.groups()
        if letter == "%":
            return "%".ljust(int(width or 0)) if "-" in flags else "%".rjust(int(width or 0))
        if letter == "n":
            return "\n"
        place = state["last"] if "<" in flags else int(index) - 1 if index else state["next"]
        if not index and "<" not in flags:
            state["next"] += 1
        state["last"] = place
        if not 0 <= place < len(rest):
            fail(
                "INVALID_FUNCTION_ARGUMENT",
                f"Invalid format string: {pattern} (MissingFormatArgument: Format specifier '{match[0]}')",
            )
        return _formatted(rest[place], flags, width, precision, letter, pattern)

    if "%" in _FORMAT.sub("", pattern):
        fail("INVALID_FUNCTION_ARGUMENT", f"Invalid format string: {pattern}")
    return _FORMAT.sub(one, pattern)


def _formatted(
    given: str | None, flags: str, width: str | None, precision: str | None, letter: str, pattern: str
) -> str:
    size = int(width or 0)
    kind, body = (given[0], given[1:]) if given is not None else ("", "null")
    low = letter.lower()
    needed = {"f": "f", "e": "f", "g": "f", "d": "d", "x": "d", "o": "d", "c": "c", "t": "t"}.get(
        low[0], kind
    )
    wrong = needed != kind
    if given is None:
        body = "false" if low == "b" else body[: int(precision)] if precision else body
    elif wrong:
        problem = f"IllegalFormatConversion: {letter} != java.{_JAVA.get(kind, 'lang.Object')}"
        fail("INVALID_FUNCTION_ARGUMENT", f"Invalid format string: {pattern} ({problem})")
    elif low in "dxoc":
        body = _whole(int(body), flags, low)
    elif low in "feg":
        body = _number(body, flags, low, precision)
    elif low[0] == "t":
        body = _moment(body, letter[1], pattern)
    elif low in "sbh":
        body = _text(kind, body, low)
        body = body[: int(precision)] if precision else body
    else:
        fail("INVALID_FUNCTION_ARGUMENT", f"Invalid format string: {pattern}")
    if given is not None and "0" in flags and size > len(body):
        mark = body[0] if body[0] in "+-(" else ""
        body = mark + body[len(mark) :].rjust(size - len(mark), "0")
    body = body.ljust(size) if "-" in flags else body.rjust(size)
    return body.upper() if letter[0].isupper() else body


def _text(kind: str, body: str, low: str) -> str:
    if low == "b":
        return body if kind == "b" else "true"
    if low == "h":
        code = 0
        for letter in body.encode("utf-16-be")[1::2] if body.isascii() else map(ord, body):
            code = (31 * code + letter) & 0xFFFFFFFF
        return f"{code:x}"
    if kind == "t":
        return _java_moment(body)
    if kind == "f" and body in ("inf", "-inf", "nan"):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[body]
    return body


def _whole(value: int, flags: str, low: str) -> str:
    if low == "c":
        return chr(value)
    if low in "xo":
        size = 2**64 if value < 0 else 0
        prefix = {"x": "0x", "o": "0"}[low] if "#" in flags else ""
        return prefix + format(value + size, low)
    return _signed(format(abs(value), "," if "," in flags else ""), value < 0, flags)


def _number(body: str, flags: str, low: str, precision: str | None) -> str:
    if body in ("inf", "-inf", "nan"):
        return _signed({"inf": "Infinity", "-inf": "Infinity", "nan": "NaN"}[body], body[0] == "-", flags)
    digits = int(precision) if precision else 6
    value = Decimal(body)
    comma = "," if "," in flags else ""
    if low == "g":
        digits = max(digits, 1)
        rounded = Decimal(format(abs(value), f".{digits - 1}e")) if value else value
        if value and not Decimal("0.0001") <= rounded < Decimal(10) ** digits:
            low, digits = "e", digits - 1
        else:
            low, digits = "f", digits - 1 - (rounded.adjusted() if value else 0)
    if low == "f":
        shown = format(abs(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP), f"{comma}f")
    else:
        mantissa, _, power = format(abs(value), f".{digits}e").partition("e")
        shown = f"{mantissa}e{int(power):+03d}"
    return _signed(shown, body.startswith("-"), flags)


def _signed(shown: str, negative: bool, flags: str) -> str:
    if negative:
        return f"({shown})" if "(" in flags else f"-{shown}"
    return ("+" if "+" in flags else " " if " " in flags else "") + shown


def _read(body: str) -> tuple[datetime, str]:
    """The moment that the text shows, and its zone's name."""
    stamp, _, zone = body.partition("|")
    if ":" not in stamp:
        return datetime.combine(date.fromisoformat(stamp), time()), zone
    if "-" not in stamp[1:]:
        return datetime.combine(date(1970, 1, 1), time.fromisoformat(stamp)), zone
    return datetime.fromisoformat(stamp), zone


def _moment(body: str, letter: str, pattern: str) -> str:
    if letter not in _MOMENT:
        fail("INVALID_FUNCTION_ARGUMENT", f"Invalid format string: {pattern}")
    moment, _ = _read(body)
    if letter == "L":
        return f"{moment.microsecond // 1000:03d}"
    return time_format(int(moment.replace(tzinfo=UTC).timestamp()), _MOMENT[letter], "UTC") or ""


def _java_moment(body: str) -> str:
    """A moment as java.time writes it: seconds and their fraction only where they are."""
    stamp, _, zone = body.partition("|")
    if ":" not in stamp:
        return stamp
    moment, _ = _read(body)
    micros = moment.microsecond
    fraction = "" if not micros else f".{micros // 1000:03d}" if micros % 1000 == 0 else f".{micros:06d}"
    seconds = f":{moment.second:02d}{fraction}" if moment.second or micros else ""
    clock = f"{moment.hour:02d}:{moment.minute:02d}{seconds}"
    if "-" not in stamp[1:]:
        return clock
    return f"{moment:%Y-%m-%d}T{clock}" + zone
