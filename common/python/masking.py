"""Show enough of a value to find it, never enough to know a person."""

from __future__ import annotations

import re

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


def shortened(word: str) -> str:
    """Return a long word by its first and last two characters."""
    return word if len(word) <= LONGEST_PLAIN else f"{word[:2]}***{word[-2:]}"


def masked_digits(text: str) -> str:
    """Return *text* with every digit but the first two and the last two starred."""
    places = [place for place, character in enumerate(text) if character.isdigit()]
    hidden = set(places[2:-2])
    return "".join("*" if place in hidden else character for place, character in enumerate(text))
