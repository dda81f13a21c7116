"""url_extract_*: java.net.URI's reading of a URL in regular expressions; what is escaped goes to Python."""

from __future__ import annotations

import re
from typing import Any

from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.dialect import syntax as s
from tdlocal.engine.dialect.casts import coerce
from tdlocal.engine.dialect.special import unexpected
from tdlocal.engine.dialect.values import Value, text

_LEGAL = text(r"""([^\x00-\x20"<>\\^`{|}\x7f%]|%[0-9A-Fa-f]{2})*""")
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*:"
# java.net.URI expects something behind a scheme and behind "//", and a scheme to be one
_BROKEN = text(
    rf"^(?:{_SCHEME})?//$|^{_SCHEME}(?:#|$)|^(?:[^A-Za-z:/?#][^:/?#]*|[A-Za-z][^:/?#]*[^A-Za-z0-9+.:/?#-][^:/?#]*)?:"
)
_NAME = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?"
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
_NUMBERS = rf"{_BYTE}(?:\.{_BYTE}){{3}}"
_PATTERNS = {
    "protocol": r"^([A-Za-z][A-Za-z0-9+.-]*):",
    "host": rf"^(?:{_SCHEME})?//(?:[^/?#@]*@)?"
    rf"(\[[0-9a-fA-F:.]+\]|{_NUMBERS}|{_NAME})(?::[0-9]*)?(?:[/?#]|$)",
    "path": rf"^(?:{_SCHEME})?(?://[^/?#]*)?([^?#]*)",
    "query": r"^[^?#]*\?([^#]*)",
    "fragment": r"#(.*)$",
}


def part(c: Any, node: s.Call) -> Value:
    """url_extract_host, _path, _protocol, _query and _fragment."""
    kind, url = _kind(c, node), _url(c, node, 1)[0].sql
    name = node.name.removeprefix("url_extract_")
    found = f"regexp_extract({url}, {text(_PATTERNS[name])}, 1)"
    if name in ("path", "query", "fragment"):
        hard = f"contains({url}, '%')"
        if name != "fragment":  # mailto:x has neither path nor query
            hard += f" OR regexp_matches({url}, {text(rf'^{_SCHEME}[^/]')})"
        found = f"CASE WHEN {hard} THEN py_url_part({url}, '{name}') ELSE {found} END"
    legal = f"regexp_full_match({url}, {_LEGAL}) AND NOT regexp_matches({url}, {_BROKEN})"
    return Value(f"CASE WHEN {legal} THEN {found} END", kind)


def port(c: Any, node: s.Call) -> Value:
    return Value(f"py_url_port({_url(c, node, 1)[0].sql})", k.BIGINT)


def parameter(c: Any, node: s.Call) -> Value:
    """The first value of that name, decoded."""
    url, name = _url(c, node, 2)
    slow = f"py_url_parameter({url.sql}, {name.sql})"
    if not isinstance(name.constant, str) or not name.constant:
        return Value(slow, _kind(c, node))
    opaque = text(rf"^{_SCHEME}(?:[^/]|$)")
    word = re.escape(name.constant)
    there = text(rf"^[^?#]*\?(?:[^#]*&)?{word}(?:[=&#]|$)")
    first = text(rf"^[^?#]*\?(?:[^#]*?&)??{word}(?:=([^&#]*))?(?:[&#]|$)")
    x = url.sql
    sql = (
        f"CASE WHEN NOT regexp_matches({x}, {there}) THEN NULL"
        f" WHEN contains({x}, '%') OR contains({x}, '+') OR NOT regexp_full_match({x}, {_LEGAL})"
        f" OR regexp_matches({x}, {_BROKEN}) OR regexp_matches({x}, {opaque}) THEN {slow}"
        f" ELSE regexp_extract({x}, {first}, 1) END"
    )
    return Value(sql, _kind(c, node))


def _kind(c: Any, node: s.Call) -> k.Kind:
    """A part is as long as the URL at most."""
    value: Value = c.argument(node.arguments[0]) if node.arguments else Value("", k.VARCHAR)
    return value.kind if value.kind.name == "varchar" else k.VARCHAR


def coded(c: Any, node: s.Call) -> Value:
    """url_encode, in which a letter of four bytes becomes twelve signs, and url_decode."""
    url, kind = _url(c, node, 1)[0], _kind(c, node)
    if node.name == "url_encode" and kind.sizes:
        kind = k.Kind("varchar", (kind.sizes[0] * 12,))
    return Value(f"py_{node.name}({url.sql})", kind)


def _url(c: Any, node: s.Call, count: int) -> list[Value]:
    values = [c.argument(item) for item in node.arguments]
    if len(values) != count or not all(k.turns_into(value.kind, k.VARCHAR) for value in values):
        raise unexpected(node, values)
    return [coerce(value, k.VARCHAR) for value in values]


SPECIAL = {
    **{f"url_extract_{name}": part for name in _PATTERNS},
    "url_encode": coded,
    "url_decode": coded,
    "url_extract_port": port,
    "url_extract_parameter": parameter,
}
