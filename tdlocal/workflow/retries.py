"""`_retry` in all its forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tdlocal.workflow.faults import ConfigError
from tdlocal.workflow.model import as_integer


@dataclass(slots=True)
class Retry:
    """How often and how fast a task is tried again; ``count`` tries were used up."""

    limit: int = 0
    seconds: float = 0.0
    exponential: bool = False
    longest: float = 0.0
    count: int = 0

    def again(self) -> bool:
        """Whether another try is left; it is used up."""
        if self.count >= self.limit:
            return False
        self.count += 1
        return True

    def interval(self) -> float:
        """Seconds to wait before the try that was just taken.

        >>> retry = Retry(3, 2.0, True, 5.0)
        >>> [retry.again() and retry.interval() for _ in range(3)]
        [2.0, 4.0, 5.0]
        """
        seconds = self.seconds * 2 ** (self.count - 1) if self.exponential else self.seconds
        return min(seconds, self.longest) if self.longest else seconds


def retry_of(value: Any, warn: Callable[[str], None]) -> Retry:
    """What a `_retry:` means; one that means nothing is told to *warn* and never tries again.

    >>> retry_of({"limit": 3, "interval": 2, "interval_type": "exponential"}, print).limit
    3
    """
    if value is None:
        return Retry()
    try:
        return _read(value)
    except ConfigError as error:
        warn(str(error))
        return Retry()


def retry_fault(value: Any) -> str:
    """What is wrong with a `_retry:` as written; empty when nothing is or when a template decides."""
    try:
        _read(value)
    except ConfigError as error:
        return "" if "${" in str(value) else str(error)
    return ""


def _read(value: Any) -> Retry:
    if value is None:
        return Retry()
    if isinstance(value, dict):
        kind = value.get("interval_type", "constant")
        if kind not in ("constant", "exponential"):
            raise ConfigError(f"interval_type must be constant or exponential but is {kind!r}")
        limit = as_integer(value["limit"], "limit") if value.get("limit") is not None else 0
        if value.get("limit") is None:
            raise ConfigError("Parameter 'limit' is required but not set")
        longest = value.get("max_interval")
        return Retry(
            limit,
            float(as_integer(value.get("interval", 0), "interval")),
            kind == "exponential",
            float(as_integer(longest, "max_interval")) if longest is not None else 0.0,
        )
    if isinstance(value, bool):
        raise ConfigError(f"_retry must be a number or a map but is {str(value).lower()}")
    return Retry(as_integer(value, "_retry"))
