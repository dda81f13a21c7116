"""Text functions that DuckDB lacks or has otherwise."""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from itertools import combinations as choose
from urllib.parse import quote_plus, unquote_to_bytes

from rapidfuzz.distance import Levenshtein

from tdlocal.engine.functions.failing import fail

_LISTAGG = 1_048_576  # bytes, the longest answer of LISTAGG
_SOUNDEX = {letter: code for code, letters in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), 1)
            for letter in letters}  # fmt: skip
_URI = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
)
_BROKEN_URI = re.compile(  # as dialect.urls has it
    r"\A(?:[A-Za-z][A-Za-z0-9+.-]*:)?//\Z|\A[A-Za-z][A-Za-z0-9+.-]*:(?:#|\Z)"
    r"|\A(?:[^A-Za-z:/?#][^:/?#]*|[A-Za-z][^:/?#]*[^A-Za-z0-9+.:/?#-][^:/?#]*)?:"
)
_HOST = re.compile(
    r"\[[0-9a-fA-F:.]+(?:%25\w+)?\]|(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})(?:\.(?!$)|$)){4}"
    r"|(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?"
)
_BAD_URI = re.compile(r"[\x00-\x20\"<>\\^`{|}\x7f]|%(?![0-9A-Fa-f]{2})")


def levenshtein(one: str, two: str) -> int:
    """Edit distance by code points."""
    return Levenshtein.distance(one, two)


def lower(text: str) -> str:
    """Letter by letter, as Java's Character.toLowerCase."""
    return "".join(low if len(low := letter.lower()) == 1 else low[0] for letter in text)


def upper(text: str) -> str:
    """Letter by letter, as Java's Character.toUpperCase: a letter without a single capital stays.

    >>> upper("straße")
    'STRAßE'
    """
    return "".join(high if len(high := letter.upper()) == 1 else letter for letter in text)


def hamming(one: str, two: str) -> int:
    return sum(a != b for a, b in zip(one, two, strict=True))


def pad_left(text: str, size: int, filler: str) -> str:
    return _padding(text, size, filler) + text if len(text) < size else text[: _size(size)]


def pad_right(text: str, size: int, filler: str) -> str:
    return text + _padding(text, size, filler) if len(text) < size else text[: _size(size)]


def _size(size: int) -> int:
    if not 0 <= size < 2**31:
        fail("INVALID_FUNCTION_ARGUMENT", f"Target length must be in the range [0..2147483647]: {size}")
    return size


def _padding(text: str, size: int, filler: str) -> str:
    if not filler:
        fail("INVALID_FUNCTION_ARGUMENT", "Padding string must not be empty")
    if size > 10_000_000:
        fail("INVALID_FUNCTION_ARGUMENT", f"Target length is too large here: {size}")
    missing = size - len(text)
    return (filler * (missing // len(filler) + 1))[:missing]


def pad_left_bytes(data: bytes, size: int, filler: bytes) -> bytes:
    missing = max(_size(size) - len(data), 0)
    return (filler * (missing // max(len(filler), 1) + 1))[:missing] + data[:size]


def pad_right_bytes(data: bytes, size: int, filler: bytes) -> bytes:
    missing = max(_size(size) - len(data), 0)
    return data[:size] + (filler * (missing // max(len(filler), 1) + 1))[:missing]


def listagg(items: list[str | None], separator: str, filler: str, count: bool) -> str:
    """LISTAGG … ON OVERFLOW TRUNCATE: as many items as fit, then the filler."""
    known = [item for item in items if item is not None]
    kept, size = 0, 0
    for item in known:
        size += len(item.encode()) + (len(separator.encode()) if kept else 0)
        if size > _LISTAGG:
            break
        kept += 1
    made = separator.join([*known[:kept], filler])
    return f"{made}({len(known) - kept})" if count else made


def luhn(digits: str) -> bool:
    if not digits:
        return False
    if not digits.isdigit():
        fail("INVALID_FUNCTION_ARGUMENT", f"Invalid input: {digits}")
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def normalize(text: str, form: str) -> str:
    return unicodedata.normalize(form, text)  # type: ignore[arg-type]


def replace(text: str, old: str, new: str) -> str:
    """An empty *old* puts *new* between all letters, as in Java."""
    return text.replace(old, new)


def reverse(text: str) -> str:
    return text[::-1]


def reverse_bytes(data: bytes) -> bytes:
    return data[::-1]


def soundex(text: str) -> str:
    """American Soundex, as Apache commons-codec has it."""
    letters = [letter for letter in text.upper() if letter.isalpha()]
    if not letters:
        return ""
    if not all(letter.isascii() for letter in letters):
        fail("INVALID_FUNCTION_ARGUMENT", f"The character is not mapped: {text}")
    code, last = letters[0], _SOUNDEX.get(letters[0], 0)
    for letter in letters[1:]:
        digit = _SOUNDEX.get(letter, 0)
        if digit and digit != last:
            code += str(digit)
        if letter not in "HW":
            last = digit
    return code[:4].ljust(4, "0")


def split(text: str, separator: str, limit: int) -> list[str]:
    if limit < 1:
        fail("INVALID_FUNCTION_ARGUMENT", "Limit must be positive")
    if not separator:
        fail("INVALID_FUNCTION_ARGUMENT", "The delimiter may not be the empty string")
    return text.split(separator, limit - 1)


def split_to_map(text: str, entry: str, pair: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in text.split(entry) if text else []:
        key, mark, value = item.partition(pair)
        if not mark or pair in value:
            fail(
                "INVALID_FUNCTION_ARGUMENT",
                f"Key-value delimiter must appear exactly once in each entry. Bad input: '{item}'",
            )
        if key in found:
            fail("INVALID_FUNCTION_ARGUMENT", f"Duplicate keys ({key}) are not allowed")
        found[key] = value
    return found


def split_to_multimap(text: str, entry: str, pair: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in text.split(entry) if text else []:
        key, mark, value = item.partition(pair)
        if not mark or pair in value:
            fail(
                "INVALID_FUNCTION_ARGUMENT",
                f"Key-value delimiter must appear exactly once in each entry. Bad input: '{item}'",
            )
        found.setdefault(key, []).append(value)
    return found


def strpos(text: str, part: str, instance: int) -> int:
    """The place of the n-th *part*; from the end when *instance* is negative."""
    if instance == 0:
        fail("INVALID_FUNCTION_ARGUMENT", "'instance' must be a positive or negative number.")
    index = -1 if instance > 0 else len(text)
    for _ in range(abs(instance)):
        index = text.find(part, index + 1) if instance > 0 else text.rfind(part, 0, index + len(part) - 1)
        if index < 0:
            return 0
    return index + 1


def sub(text: str, start: int) -> str:
    return sub3(text, start, len(text))


def sub3(text: str, start: int, size: int) -> str:
    """substr: counted from 1, or from the end; 0 gives nothing."""
    if start == 0 or size <= 0 or abs(start) > len(text):
        return ""
    begin = start - 1 if start > 0 else len(text) + start
    return text[begin : begin + size]


def sub_bytes(data: bytes, start: int, size: int) -> bytes:
    if start == 0 or size <= 0 or abs(start) > len(data):
        return b""
    begin = start - 1 if start > 0 else len(data) + start
    return data[begin : begin + size]


def from_utf8(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def from_utf8_with(data: bytes, mark: str) -> str:
    if len(mark) > 1:
        fail("INVALID_FUNCTION_ARGUMENT", "Replacement character string must empty or a single character")
    return data.decode("utf-8", "replace").replace("\ufffd", mark)


def format_number(value: float) -> str:
    """format_number: `1.23K`; below a thousand the whole part."""
    size = abs(value)
    for unit, mark in ((1e15, "Q"), (1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if size >= unit:
            return _three_digits(value / unit) + mark
    return str(int(value))


def _three_digits(value: float) -> str:
    places = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def word_stem(word: str, language: str) -> str:
    fail("NOT_SUPPORTED", "word_stem is not supported by the local account")


# -- URLs, as java.net.URI reads them


@lru_cache(maxsize=65536)
def _uri(url: str) -> tuple[str | None, ...] | None:
    if _BAD_URI.search(url) or _BROKEN_URI.search(url):
        return None
    match = _URI.fullmatch(url)
    return match.groups() if match is not None else None


def url_part(url: str, part: str) -> str | None:
    """url_extract_host, _path, _protocol, _query and _fragment; None for no URL."""
    found = _uri(url)
    if found is None:
        return None
    scheme, authority, path, query, fragment = found
    if part == "host":
        return _host(authority) or ""
    value = {"protocol": scheme, "path": path, "query": query, "fragment": fragment}[part]
    if part in ("path", "query") and scheme and authority is None and not (path or "").startswith("/"):
        return ""  # an opaque URI such as mailto:
    if part in ("query", "path", "fragment") and value:
        return _decoded(value)
    return value if value is not None else ""


def _decoded(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "replace") if "%" in text else text


def _host(authority: str | None) -> str:
    if not authority:
        return ""
    host = re.sub(r":\d*$", "", authority.rpartition("@")[2])
    return host if _HOST.fullmatch(host) else ""


def url_port(url: str) -> int | None:
    found = _uri(url)
    port = re.search(r":(\d+)$", found[1] or "") if found and _host(found[1]) else None
    return int(port[1]) if port else None


def url_parameter(url: str, name: str) -> str | None:
    """url_extract_parameter: the first value of that name, decoded."""
    found = _uri(url)
    if found is None or found[3] is None:
        return None
    if found[0] and found[1] is None and not (found[2] or "").startswith("/"):
        return None  # an opaque URI has no query
    for item in found[3].split("&"):
        key, _, value = item.partition("=")
        if key == name:
            return url_decode(value)
    return None


def url_encode(text: str) -> str:
    return quote_plus(text, safe="*-._").replace("~", "%7E")


def url_decode(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        fail("INVALID_FUNCTION_ARGUMENT", f"Illegal hex characters in escape (%) pattern: {text}")
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")


# -- positions for arrays


def combinations(length: int, size: int) -> list[list[int]]:
    """Positions of the combinations of *size* out of *length*, in Trino's order."""
    if size > 5 or size < 0:
        fail("INVALID_FUNCTION_ARGUMENT", f"combination size must not exceed 5: {size}")
    places = [list(chosen) for chosen in choose(range(1, length + 1), size)]
    places.sort(key=lambda chosen: chosen[::-1])
    if len(places) > 100_000:
        fail("INVALID_FUNCTION_ARGUMENT", "combinations exceed max size")
    return places


def ngrams(length: int, size: int) -> list[list[int]]:
    if size < 1:
        fail("INVALID_FUNCTION_ARGUMENT", "N must be positive")
    if length <= size:
        return [list(range(1, length + 1))]
    return [list(range(start, start + size)) for start in range(1, length - size + 2)]
