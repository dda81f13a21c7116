"""US addresses with labelled parts: what the labels and the postal abbreviations make of the street line.

The labels (house number 1, box or unit 2, street 3) say where a street ends; staging has to find that out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

HOUSE, UNIT, STREET = "1", "2", "3"
LINE = (HOUSE, UNIT, STREET)


class Address(NamedTuple):
    """One street line as written, and as the post writes it."""

    raw: str
    wanted: str


def labelled(path: Path, words: Mapping[str, Mapping[str, str]]) -> list[Address]:
    """Return the addresses of a file of labelled parts that have a street.

    Args:
        path: lines `part |label`, a blank line after each address.
        words: kind (street, direction, address_unit) → word → abbreviation.
    """
    found = []
    for block in path.read_text(encoding="utf-8", errors="replace").split("\n\n"):
        parts = [line.rpartition("|")[::2] for line in block.splitlines() if "|" in line]
        line = [(text.strip(), label.strip()) for text, label in parts if label.strip() in LINE]
        if any(label == STREET for _, label in line):
            wanted = [word for text, label in line for word in written(bare(text), label, words)]
            found.append(Address(" ".join(text for text, _ in line).strip(" ,"), " ".join(wanted)))
    return found


def bare(text: str) -> list[str]:
    """Return the words of a part."""
    return re.sub(r"[\s,;]+", " ", text).split()


def written(words: list[str], label: str, known: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return one labelled part with its abbreviations.

    >>> known = {"street": {"street": "St"}, "direction": {"north": "N"}, "address_unit": {"suite": "Ste"}}
    >>> written(["North", "Water", "Street", "Suite", "4"], "3", known)
    ['N', 'Water', 'St', 'Ste', '4']
    """
    if label == HOUSE:
        return words
    end = next((i for i, word in enumerate(words) if is_unit(word, i, words, known)), len(words))
    street, rest = words[:end], words[end:]
    if label == STREET:
        street = street_written(street, known)
    return street + [code(word, "address_unit", known) or word for word in rest]


def is_unit(word: str, place: int, words: list[str], known: Mapping[str, Mapping[str, str]]) -> bool:
    """Tell whether a unit begins here: a sign, or a word for one with something behind it."""
    return word.startswith("#") or (bool(code(word, "address_unit", known)) and place + 1 < len(words))


def street_written(words: list[str], known: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return a street's name: [direction] name [type] [direction], each in the post's form."""
    found = list(words)
    last = len(found) - 1
    if last > 0 and code(found[last], "direction", known):
        found[last] = code(found[last], "direction", known)
        last -= 1
    if last > 0 and code(found[last], "street", known):
        found[last] = code(found[last], "street", known)
        last -= 1
    if last > 0 and code(found[0], "direction", known):
        found[0] = code(found[0], "direction", known)
    return found


def code(word: str, kind: str, known: Mapping[str, Mapping[str, str]]) -> str:
    """Return the abbreviation of a word, empty when it is none of this kind."""
    plain = word.lower().replace(".", "") if kind == "direction" else re.sub(r"\.$", "", word.lower())
    return known[kind].get(plain, "")
