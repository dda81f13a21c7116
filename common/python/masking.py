"""Show enough of a value to find it, never enough to know a person."""

from __future__ import annotations

import re

EMAIL = re.compile(r"([^@\s])[^@\s]*@([^@\s])[^@\s]*(\.[A-Za-z]+)")


def masked(value: object, longest: int = 40) -> str:
    """Return *value* as a sample for a report: e-mail addresses, long digits and names shortened.

    >>> masked("ada.lovelace@example.com"), masked("4155550134"), masked("N/A"), masked("Lovelace Ada")
    ('a***@e***.com', '41******34', 'N/A', 'L******e A*a')
    """
    text = " ".join(str(value).split())
    text = EMAIL.sub(r"\1***@\2***\3", text)
    text = re.sub(r"\d{6,}", lambda digits: digits[0][:2] + "*" * (len(digits[0]) - 4) + digits[0][-2:], text)
    text = re.sub(r"\b[^\W\d_*][^\W\d_]{2,}\b(?![*@.])", shortened_word, text) if " " in text else text
    return text if len(text) <= longest else f"{text[:longest]}…"


def shortened_word(word: re.Match[str]) -> str:
    """Return a word by its first and last letter."""
    return word[0][0] + "*" * (len(word[0]) - 2) + word[0][-1]
