"""`_retry` in all its forms."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
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
        if not self.exponential:  # max_interval means nothing here
            return self.seconds
        seconds = self.seconds * float(2 ** (self.count - 1))
        return min(seconds, self.longest) if self.longest else seconds


def retry_of(config: Mapping[str, Any], warn: Callable[[str], None]) -> Retry:
    """What the `_retry:` of a task means; one that means nothing is told to *warn* and never tries again.

    >>> retry_of({"_retry": {"limit": 3, "interval": 2, "interval_type": "Exponential"}}, print).limit
    3
    """
    if "_retry" not in config:
        return Retry()
    try:
        return _read(config["_retry"])
    except ConfigError as error:
        warn(str(error))
        return Retry()


def retry_fault(config: Mapping[str, Any]) -> str:
    """What is wrong with the `_retry:` of a task; empty when nothing is or when a template decides."""
    try:
        if "_retry" in config:
            _read(config["_retry"])
    except ConfigError as error:
        return "" if "${" in str(config["_retry"]) else str(error)
    return ""


def _read(value: Any) -> Retry:
    if isinstance(value, dict):
        kind = str(value.get("interval_type", "constant")).lower()
        if kind not in ("constant", "exponential"):
            raise ConfigError(f"Invalid retry_interval_type: {value['interval_type']}")
        if value.get("limit") is None:
            raise ConfigError("Parameter 'limit' is required but not set")
        longest = value.get("max_interval")
        return Retry(
            as_integer(value["limit"], "limit"),
            float(as_integer(value.get("interval", 0), "interval")),
            kind == "exponential",
            float(as_integer(longest, "max_interval")) if longest is not None else 0.0,
        )
    if value is None or isinstance(value, (bool, list)):
        raise ConfigError(f"Invalid _retry format:{json.dumps(value, default=str)}")
    return Retry(as_integer(value, "_retry"))
