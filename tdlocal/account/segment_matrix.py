"""What the rules of an audience may speak of: its tables, their columns, and what those mean."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tdlocal.account.segment_operators import identifier

CUSTOMER = "cdp_customer_id"
Rule = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A column that rules may use: what it means (segment_operators.KINDS) and how it is stored."""

    kind: str
    stored: str | None = None


@dataclass(frozen=True)
class Matrix:
    """The tables of one audience: its database, and the columns of customers and of each behaviour table."""

    database: str
    customers: Mapping[str, Column]
    behaviors: Mapping[str, Mapping[str, Column]]

    def table(self, name: str) -> str:
        return f"{identifier(self.database)}.{identifier(name)}"


def near(name: str, known: Mapping[str, Any]) -> str:
    """A hint for a misspelt name.

    >>> near("contry", {"country": 1, "city": 2})
    "; did you mean 'country'?"
    """
    close = difflib.get_close_matches(name, list(known), 1)
    if close:
        return f"; did you mean {close[0]!r}?"
    listed = ", ".join(sorted(known)[:12])
    return f"; there are {listed}" if listed else ""
