"""Tells on stderr how far a load is: one living line on a terminal, one line a table elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

REDRAW_SECONDS = 0.2


class Progress:
    """Counts rows in front of a person.

    Args:
        unit: what is counted.
        stream: where to tell; stderr when None.
    """

    def __init__(self, unit: str = "rows", stream: TextIO | None = None) -> None:
        self._unit = unit
        self._stream = stream or sys.stderr
        self._alive = self._stream.isatty()
        self._drawn = 0.0

    def at(self, name: str, count: int) -> None:
        """Show that *name* has reached *count*; nothing where nobody watches."""
        now = time.monotonic()
        if self._alive and now - self._drawn >= REDRAW_SECONDS:
            self._drawn = now
            self._stream.write(f"\r\x1b[K  {name}  {count:,} {self._unit}")
            self._stream.flush()

    def done(self, name: str, count: int, note: str = "") -> None:
        """Say that *name* is finished with *count*."""
        start = "\r\x1b[K" if self._alive else ""
        self._stream.write(f"{start}  {name}  {count:,} {self._unit}{f'  {note}' if note else ''}\n")
        self._stream.flush()
