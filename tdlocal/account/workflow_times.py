"""Times of the workflow API: when things happened, and the session times that workflows run for."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from tdlocal.account.errors import Refused
from tdlocal.workflow.sessions import zone


def stamp() -> str:
    """The present in UTC, to the second: 2026-11-23T09:00:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc(unix: int) -> str:
    """
    >>> utc(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def session_unix(text: Any) -> int:
    """Unix seconds of a session time; a time without an offset is refused, as Digdag's server does.

    >>> session_unix("2026-11-23T00:00:00+09:00")
    1795359600
    """
    if not isinstance(text, str) or not re.search(r"(Z|[+-]\d\d:?\d\d)$", text):
        raise Refused(f"sessionTime {text!r} must be like 2026-11-23T00:00:00+00:00")
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError as error:
        raise Refused(f"sessionTime {text!r} must be like 2026-11-23T00:00:00+00:00") from error


def session_text(unix: int, zone_name: str) -> str:
    """A session time on the workflow's clock, with its offset.

    >>> session_text(1795359600, "Asia/Tokyo")
    '2026-11-23T00:00:00+09:00'
    """
    return datetime.fromtimestamp(unix, zone(zone_name)).isoformat(timespec="seconds")


def truncated(unix: int, zone_name: str, mode: str) -> int:
    """Cut a session time down to its hour or day on the workflow's clock."""
    moment = datetime.fromtimestamp(unix, zone(zone_name))
    cut = moment.replace(minute=0, second=0, microsecond=0)
    if mode in ("day", "daily"):
        cut = cut.replace(hour=0)
    elif mode not in ("hour", "hourly"):
        raise Refused(f"mode {mode!r} is unknown; use day or hour")
    return int(cut.timestamp())


def moment_unix(text: Any, zone_name: str) -> int:
    """Unix seconds of a time; one without an offset is on the workflow's clock.

    >>> moment_unix("2026-11-23", "Asia/Tokyo") == moment_unix("2026-11-22T15:00:00Z", "UTC")
    True
    """
    try:
        moment = datetime.fromisoformat(str(text))
        return int((moment if moment.tzinfo else moment.replace(tzinfo=zone(zone_name))).timestamp())
    except (ValueError, OverflowError) as error:
        raise Refused(f"{text!r} is no time; write 2026-11-23T00:00:00 or 2026-11-23T00:00:00Z") from error
