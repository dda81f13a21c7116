"""Show enough of a value to find it, never enough to know a person."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Sequence

SAMPLE_ROWS = 5  # rows of a finding that a report shows
LONGEST_SAMPLE = 200  # characters of a value that leave the account
WORD = re.compile(r"[^\W_]+")
PLACEHOLDERS = ("null", "none", "n/a", "na", "nan", "unknown", "undefined", "test", "guest", "anonymous")
LONGEST_PLAIN = 4  # letters or digits in a row that stay readable
PHONE_DIGITS = 7  # a value with as many digits may be a telephone number, a card or an id


def masked(value: object, longest: int = 40) -> str:
    """Return *value* as a sample for a report: its shape stays, the middle of its words does not.

    >>> masked("ada.lovelace@example.com"), masked("(415) 555-0134"), masked("N/A")
    ('ada.lo***ce@ex***le.com', '(41*) ***-**34', 'N/A')
    >>> masked("priya22@@gmail.com"), masked("19,99 EUR"), masked("Unknown")
    ('pr***22@@gm***il.com', '19,99 EUR', 'Unknown')
    """
    text = " ".join(str(value).split())
    if text.lower() in PLACEHOLDERS:
        return text
    if sum(character.isdigit() for character in text) >= PHONE_DIGITS:
        text = masked_digits(text)
    text = WORD.sub(lambda word: shortened(word[0]), text)
    return text if len(text) <= longest else f"{text[:longest]}…"


def masked_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows as JSON text of masked maps, for a report; `time` is shown as it is, in UTC.

    >>> masked_rows(["email", "points", "time"], [["ada.lovelace@example.com", None, 1793491200]])
    '[{"email": "ada.lo***ce@ex***le.com", "points": null, "time": "2026-11-01T00:00:00Z"}]'
    """
    return json.dumps([dict(zip(columns, map(masked_cell, columns, row), strict=True)) for row in rows])


def masked_cell(column: str, value: object) -> str | None:
    """Return one cell of a sample row."""
    if value is None:
        return None
    if column == "time" and isinstance(value, int) and 0 <= value < 1 << 33:
        moment = datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return masked(value)


def sample_rows_sql(
    source: str, columns: Sequence[tuple[str, str]], condition: str, first: Sequence[str] = ()
) -> str:
    """Return a query of the newest rows that meet *condition*, long values cut.

    Args:
        source: the table, as SQL names it.
        columns: (name, Treasure Data type) of what is shown.
        condition: SQL.
        first: columns that count before the rows' age.

    >>> sample_rows_sql("t", [("id", "string"), ("time", "long")], "id = ''").splitlines()[0]
    'select substr("id", 1, 200) as "id", "time" as "time"'
    """
    values = [(cut(name, kind), '"' + name.replace('"', '""') + '"') for name, kind in columns]
    names = ", ".join(f"{value} as {shown}" for value, shown in values)
    newest = ["time desc"] if "time" in dict(columns) else []
    before = ['"' + name.replace('"', '""') + '"' for name in first]
    order = ", ".join([*before, *newest, *(str(number) for number, _ in enumerate(values, start=1))])
    return f"select {names}\nfrom {source}\nwhere {condition}\norder by {order}\nlimit {SAMPLE_ROWS}"


def cut(name: str, kind: str) -> str:
    """Return a column's value, text no longer than a sample may be."""
    shown = '"' + name.replace('"', '""') + '"'
    if kind in ("long", "double", "bigint"):
        return shown
    text = shown if kind in ("string", "varchar") else f"json_format(cast({shown} as json))"
    return f"substr({text}, 1, {LONGEST_SAMPLE})"


def shortened(word: str) -> str:
    """Return a long word by its first and last two characters."""
    return word if len(word) <= LONGEST_PLAIN else f"{word[:2]}***{word[-2:]}"


def masked_digits(text: str) -> str:
    """Return *text* with every digit but the first two and the last two starred."""
    places = [place for place, character in enumerate(text) if character.isdigit()]
    hidden = set(places[2:-2])
    return "".join("*" if place in hidden else character for place, character in enumerate(text))
