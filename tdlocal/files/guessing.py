"""Which type a text column has. Conservative: only what survives being a number unchanged becomes one."""

from __future__ import annotations

import re
from collections.abc import Iterable

WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
# a name with one of these words is a name for something, not a quantity, whatever its digits
LABEL_WORDS = frozenset(
    "id ids key keys no nr number code zip zipcode postal postcode phone mobile fax tel cell card "
    "account token sku ean upc isbn barcode guid uuid ssn vat iban".split()
)
LONG, DOUBLE, STRING = "long", "double", "string"


def is_label(name: str) -> bool:
    """Return whether a column called *name* holds names for things, whatever its values look like.

    >>> is_label("customer_key"), is_label("postal_code"), is_label("order_quantity")
    (True, True, False)
    """
    return not LABEL_WORDS.isdisjoint(name.split("_"))


class TypeGuess:
    """The type of one column, narrowed value by value.

    >>> guess = TypeGuess("amount")
    >>> for value in ("1", "2.50", None): guess.see(value)
    >>> guess.type
    'double'
    >>> guess = TypeGuess("zip_code"); guess.see("98011"); guess.type
    'string'
    """

    __slots__ = ("_form", "_seen", "_unseen", "type")

    def __init__(self, name: str) -> None:
        self.type = STRING if is_label(name) else LONG
        self._form = WHOLE.fullmatch
        self._seen = False
        self._unseen = LONG if name == "time" else STRING

    def see(self, value: str | None) -> None:
        """Take one value into account; nothing (None) fits every type."""
        if value is None or self.type is STRING:
            return
        self._seen = True
        if self._form(value) is None:
            if self.type is LONG and DECIMAL.fullmatch(value):
                self.type, self._form = DOUBLE, DECIMAL.fullmatch
            else:
                self.type = STRING

    def settle(self) -> str:
        """Return the type; a column without any value is text, and `time` what it must be."""
        return self.type if self._seen or self.type is STRING else self._unseen


def guess_types(names: list[str], rows: Iterable[list[str | None]]) -> list[str]:
    """Return the type of each column of *rows*: long, double or string."""
    guesses = [TypeGuess(name) for name in names]
    open_columns = [(position, guess) for position, guess in enumerate(guesses) if guess.type is not STRING]
    for row in rows:
        if not open_columns:
            break
        narrowed = False
        for position, guess in open_columns:
            guess.see(row[position])
            narrowed = narrowed or guess.type is STRING
        if narrowed:
            open_columns = [pair for pair in open_columns if pair[1].type is not STRING]
    return [guess.settle() for guess in guesses]
