"""One thread that interrupts the cursors of cancelled jobs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PERIOD = 0.02  # seconds between two looks


class Watch:
    """Looks at the cancel events of running jobs; starts its thread with the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[int, tuple[Any, threading.Event]] = {}
        self._wake = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._all: dict[int, Any] = {}

    @contextmanager
    def over(self, cursor: Any, cancelled: threading.Event | None) -> Iterator[None]:
        """Interrupt *cursor* again and again while *cancelled* is set and the block runs."""
        key = id(cursor)
        with self._lock:
            self._all[key] = cursor
            if cancelled is not None:
                self._jobs[key] = (cursor, cancelled)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._look, name="cancel", daemon=True)
                    self._thread.start()
        if cancelled is not None:
            self._wake.set()
        try:
            yield
        finally:
            with self._lock:
                self._all.pop(key, None)
                self._jobs.pop(key, None)

    def stop(self) -> None:
        """Interrupt every running cursor and end the thread."""
        with self._lock:
            self._stopped = True
            for cursor in self._all.values():
                cursor.interrupt()
        self._wake.set()

    def _look(self) -> None:
        while not self._stopped:
            with self._lock:
                jobs = list(self._jobs.values())
                for cursor, cancelled in jobs:
                    if cancelled.is_set():
                        cursor.interrupt()
            if jobs:
                threading.Event().wait(PERIOD)
            else:
                self._wake.wait()
                self._wake.clear()
