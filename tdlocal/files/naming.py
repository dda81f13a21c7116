"""Column names as Treasure Data takes them: small letters, digits and underscores."""

from __future__ import annotations

import re

from tdlocal.errors import KitError

_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNUSABLE = re.compile(r"[^a-z0-9_]+")
_UNUSABLE_ENDS = re.compile(r"^[^a-z0-9_]+|[^a-z0-9_]+$")


def column_name(raw: str) -> str:
    """Return *raw* as a column name; an empty text when nothing of it is left.

    >>> [column_name(raw) for raw in ("CustomerKey", "ProductSKU", "Order ID", "e-mail", "_synced", "(€)")]
    ['customer_key', 'product_sku', 'order_id', 'e_mail', '_synced', '']
    """
    return _UNUSABLE.sub("_", _UNUSABLE_ENDS.sub("", _WORD_ENDS.sub("_", raw).lower()))


def column_names(raw: list[str], where: str) -> list[str]:
    """Return the names of *raw*; columns without a name become column_<position>.

    Raises:
        KitError: two columns would have the same name.
    """
    names = [column_name(name) or f"column_{position}" for position, name in enumerate(raw, 1)]
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
