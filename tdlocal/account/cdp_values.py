"""Small values that the nouns of the customer data platform share: ids, times, names, the usual refusals."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tdlocal.account.errors import AccountError, AlreadyThere, Refused

LONGEST_NAME = 255


class Unsupported(AccountError):
    """A thing of the customer data platform that tdlocal has not (HTTP 501)."""


def unix_now() -> int:
    """The present in seconds, for the account's own records (never for data)."""
    return int(time.time())


def iso_now() -> str:
    """The present, as the customer data platform writes it: 2026-11-23T09:00:00.123Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso(unix: int) -> str:
    """
    >>> iso(0)
    '1970-01-01T00:00:00.000Z'
    """
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_id(value: Any) -> int:
    """An id as a number; -1, which nothing has, for what is no id.

    >>> as_id("12"), as_id("x"), as_id(None)
    (12, -1, -1)
    """
    text = str(value)
    return int(text) if re.fullmatch(r"\d{1,15}", text) else -1


def nameless(value: Any, what: str) -> str:
    """The name, when it is one."""
    if not isinstance(value, str) or not value.strip():
        raise Refused(f"the {what} needs a name", body={"errors": {"name": ["can't be blank"]}})
    if len(value) > LONGEST_NAME:
        text = f"is too long (maximum is {LONGEST_NAME} characters)"
        raise Refused(f"the {what}'s name {text}", body={"errors": {"name": [text]}})
    return value


def name_taken() -> AlreadyThere:
    """The refusal that clients look for letter by letter."""
    return AlreadyThere("Name has already been taken", body={"errors": {"name": ["has already been taken"]}})


def faulty(field: str, faults: list[str]) -> Refused:
    """A refusal that tells every fault of one field."""
    return Refused("; ".join(faults), body={"errors": {field: faults}})


def text_or_none(value: Any, what: str) -> str | None:
    """Text (a number counts), or None; anything else is refused."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Mapping | list | bool):
        raise Refused(f"{what} must be text")
    return str(value)


def slug(name: str) -> str:
    """A column or table name out of a shown name.

    >>> slug("Web Visits: Last 7 Days")
    'web_visits_last_7_days'
    """
    text = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return text or "column"
