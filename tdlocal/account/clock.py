"""The account's own clock, for its records only: data never sees it."""

from __future__ import annotations

import time


def now() -> int:
    """Seconds since 1970."""
    return int(time.time())
