"""What the values of a column look like."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# how months begin, in English, German, French, Spanish, Portuguese, Italian and Dutch
MONTH = (
    "[Jj][aä]n|[Jj]anv|[Ee]ne|[Gg]en|[Ff][eé][bv]|[Mm][aä]r|[Mm]rt|[AaÀà][pvb]r|[Mm]a[iyj]|[Mm]ei|[Mm]ag"
    "|[Jj]u[inl]|[Gg]iu|[Ll]ug|[Aa][ug][goû]|[Ss]e[pt]|[OoUu][ckut]t|[Nn]o[vb]|[Dd][eé][czs]|[Dd]ic"
)
CURRENCY = "(?:[$€£¥₹₩₽₺₫₪฿元円원]|[A-Z]{2,3}[$]?|R[$]|(?:Rs|kr|Kr|Fr|руб|р)[.]?|zł|Kč|Ft|лв|lei)"
# of a number's digits
BEFORE, AFTER = rf"[-\u2212+(]?\s*{CURRENCY}?[-\u2212+\s]*(?=[.,]?\d)", rf"\s*{CURRENCY}?[-)]?"
PATTERNS: dict[str, re.Pattern[str]] = {
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    "date": re.compile(
        r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3(\d{4}|\d{2})"
        r"|\d{4}年\d{1,2}月\d{1,2}日"
        rf"|(\d{{1,2}}[- .]+)?(?:{MONTH})\w*\.?[- ]+(\d{{1,2}},?[- ]+)?(\d{{4}}|\d{{2}}))"
        r"([T ,]+(at )?\d{1,2}[:.h]\d{2}.{0,40})?"
    ),
    "iso date": re.compile(
        r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?"
    ),
    "milliseconds": re.compile(r"1\d{12}"),
    "url": re.compile(r"[a-z]+://\S+|/\S*", re.IGNORECASE),
    "hash": re.compile(r"[0-9a-f]{32,64}", re.IGNORECASE),
    "flag": re.compile(r"true|false|yes|no|y|n|0|1|t|f", re.IGNORECASE),
    "status": re.compile(
        r"enabled|disabled|invited|declined|active|inactive|open|closed|pending|archived", re.IGNORECASE
    ),
    "message": re.compile(
        r"(?:e-?mail|message|sms|push)?[ _.-]*(?:sent|send|processed|deliver\w*|received|open\w*|view\w*"
        r"|click\w*|bounce\w*|(?:hard|soft)[ _-]?bounce\w*|unsub\w*|opt[ _-]?(?:out|in)|spam\w*|complain\w*"
        r"|dropped|deferred|blocked|reply|replied)(?:[ _.-]*(?:e-?mail|message|link|report|request))?",
        re.IGNORECASE,
    ),
    "whole": re.compile(r"[+-]?\d+"),
    "plain number": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE),
    "point number": re.compile(rf"{BEFORE}(\d{{1,3}}([, '’\xa0\u202f\u2009]\d{{3}})+|\d+)?(\.\d*)?{AFTER}"),
    "comma number": re.compile(rf"{BEFORE}(\d{{1,3}}([. '’\xa0\u202f\u2009]\d{{3}})+|\d+)?(,\d*)?{AFTER}"),
    "phone": re.compile(r"'?[+(]?\d[\d ()./+-]{5,20}\d(\s*x\s*\d+)?"),
    "json": re.compile(r"[\[{].*[\]}]", re.DOTALL),
}
MOST = 0.8  # share of the values that makes a kind
HALF = 0.5  # share of the values that leaves open what a column holds
NUMBERS = ("plain number", "point number", "comma number")

# kind of a column of the schema → kinds of content that speak for it, and those that speak against it
WANTED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "email": (("email",), ("date", "number", "whole", "flag", "url", "text", "json")),
    "phone": (("phone",), ("date", "email", "flag", "url", "text", "json")),
    "date": (("date",), ("email", "url", "flag", "text", "json")),
    "money": (("number", "whole"), ("email", "date", "url", "text", "json", "hash")),
    "whole": (("whole",), ("email", "date", "url", "text", "json", "hash")),
    "flag": (("flag",), ("email", "date", "url", "json")),
    "url": (("url",), ("email", "date", "number", "whole", "flag")),
    "text": ((), ("json",)),
    "name": (("text",), ("email", "date", "number", "whole", "flag", "url", "json", "status")),
    "place": ((), ("email", "date", "flag", "url", "json", "status")),
    "id": ((), ("date", "email", "url", "json")),
    "json": (("json",), ("date", "email", "url", "number", "whole")),
}


def kinds(values: Sequence[object]) -> dict[str, float]:
    """Return kind → share of the values that are of it, kinds of most values only; `text` when there is none.

    >>> kinds(["a@b.co", "c@d.co"])
    {'email': 1.0}
    >>> sorted(kinds(["1", "no"])), sorted(kinds(["a@b.co", "?"]))
    (['flag'], ['mixed'])
    """
    texts = [str(value).strip() for value in values if value is not None and str(value).strip()]
    if not texts:
        return {}
    shares = {
        kind: sum(pattern.fullmatch(text) is not None for text in texts) / len(texts)
        for kind, pattern in PATTERNS.items()
    }
    shares["number"] = max(shares[kind] for kind in NUMBERS)
    found = {kind: share for kind, share in shares.items() if share >= MOST}
    if found:
        return found
    return {"text": 1.0} if max(shares.values()) < HALF else {"mixed": max(shares.values())}


def number_form(found: Mapping[str, float]) -> str:
    """Return how a column writes its numbers: point (1,234.50), comma (1.234,50), or empty: plainly.

    >>> [number_form(kinds(values)) for values in (["1.119,90 €", "20,00"], ["Rs. 1,234.50"], ["1.5"])]
    ['comma', 'point', '']
    """
    point, comma = found.get("point number", 0.0), found.get("comma number", 0.0)
    if "number" not in found or found.get("plain number", 0.0) >= max(point, comma):
        return ""
    return "comma" if comma > point else "point"


def seconds_of(column: str, found: Mapping[str, float]) -> str | None:
    """Return the expression that makes unix seconds of a column; empty: it holds them, None: none can.

    >>> print(seconds_of("at", kinds(["2026-03-01"])), seconds_of("at", kinds(["1772359933000"])))
    td_time_parse("at", 'UTC') try_cast("at" as bigint) / 1000
    >>> seconds_of("at", kinds(["1772359933"])), seconds_of("at", kinds(["3/1/2026"]))
    ('', None)
    """
    if "iso date" in found:
        return f"td_time_parse(\"{column}\", 'UTC')"
    if "milliseconds" in found:
        return f'try_cast("{column}" as bigint) / 1000'
    return None if "date" in found else ""


def kind_wanted(column: str, declared: str) -> str:
    """Return what kind of content a column of the schema wants, by its name and type.

    >>> kind_wanted("secondary_email", "string"), kind_wanted("net_price", "double")
    ('email', 'money')
    """
    if "email" in column:
        return "email"
    if "phone" in column:
        return "phone"
    if declared == "double":
        return "money"
    if declared == "long":
        return "date" if column == "message_date" else "whole"
    if column.endswith(("_at", "_date", "_datetime", "_time", "expiration", "date_of_birth")):
        return "date"
    if column.endswith("_flag") and column != "consent_flag":
        return "flag"
    if column.endswith(("_url", "_link")):
        return "url"
    if column.endswith(("state", "country", "region")):
        return "place"
    if column.endswith(("first_name", "last_name", "city")):
        return "name"
    if column != "id" and column.endswith(("_id", "_no", "id", "token")):
        return "id"
    if column.endswith("_properties"):
        return "json"
    return "text"


def verdict(wanted: str, found: dict[str, float]) -> tuple[float, str]:
    """Return what the content adds to a score (-0.5 … 0.15), and why.

    >>> verdict("email", {"email": 0.98})
    (0.15, '98 % look like email')
    >>> verdict("email", {"date": 1.0})
    (-0.5, 'but the values look like date')
    """
    if not found:
        return -0.05, "no values seen"
    good, bad = WANTED[wanted]
    for kind in good:
        if kind in found:
            return 0.15, f"{found[kind]:.0%} look like {kind}".replace("%", " %")
    if "hash" in found:
        return 0.0, "values are hashed"
    against = [kind for kind in bad if kind in found]
    if against and not (wanted == "date" and "whole" in found):
        return -0.5, f"but the values look like {against[0]}"
    return 0.0, ""
