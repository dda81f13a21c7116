"""Column names as Treasure Data takes them: small letters, digits and underscores."""

from __future__ import annotations

import re

from tdlocal.errors import KitError
from tdlocal.mapping.languages import folded, spoken_in, translated

_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNUSABLE = re.compile(r"[^a-z0-9_]+")
_UNUSABLE_ENDS = re.compile(r"^[^a-z0-9_]+|[^a-z0-9_]+$")


def column_name(raw: str) -> str:
    """Return *raw* as a column name; an empty text when nothing of it is left.

    >>> [column_name(raw) for raw in ("CustomerKey", "ProductSKU", "Order ID", "e-mail", "_synced", "(€)")]
    ['customer_key', 'product_sku', 'order_id', 'e_mail', '_synced', '']
    >>> column_name("Größe"), column_name("Prénom"), column_name("電話")
    ('grosse', 'prenom', '')
    """
    return _UNUSABLE.sub("_", _UNUSABLE_ENDS.sub("", folded(_WORD_ENDS.sub("_", raw))))


def in_latin(raw: list[str]) -> list[str]:
    """Return *raw* with the names of other scripts in English where every word of theirs is known.

    >>> in_latin(["電話番号", "SKU", "備考ID"])
    ['phone', 'SKU', '']
    """
    spoken = spoken_in(raw, frozenset())
    found: list[str] = []
    for name in raw:
        if any(letter.isalpha() and not letter.isascii() for letter in folded(name)):
            english = translated(name, spoken, frozenset())
            found.append(english if english.isascii() and english not in found else "")
        else:
            found.append(name)
    return found


def column_names(raw: list[str], where: str) -> list[str]:
    """Return the names of *raw*; columns without a name that can be written in small letters of the Latin
    script, or said in English, become column_<position>.

    Raises:
        KitError: two columns would have the same name.
    """
    names = [column_name(name) or f"column_{position}" for position, name in enumerate(in_latin(raw), 1)]
    places: dict[str, list[int]] = {}
    for position, name in enumerate(names, 1):
        places.setdefault(name, []).append(position)
    doubles = {name: found for name, found in places.items() if len(found) > 1}
    if doubles:
        told = "; ".join(
            f"{name} is column {' and '.join(map(str, found))}" for name, found in doubles.items()
        )
        raise KitError(
            f"duplicate column names: {told}",
            where=where,
            mend="give names with --columns a,b,… --skip-lines 1",
        )
    return names


def renamed(raw: list[str], names: list[str]) -> list[str]:
    """Return a line per column whose letters could not be kept.

    >>> renamed(["電話番号", "SKU"], ["phone", "sku"])
    ['column 1, 電話番号, is called phone']
    """
    return [
        f"column {position}, {written}, is called {name}"
        for position, (written, name) in enumerate(zip(raw, names, strict=True), 1)
        if written and column_name(written) != name
    ]
