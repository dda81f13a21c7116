"""Shared and exclusive locks by name, so that writers of one table do not meet inside the engine."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class NamedLocks:
    """Locks that are made when first asked for and forgotten when nobody holds or wants them.

    Names are taken in sorted order, so two callers can never wait for each other.

    >>> locks = NamedLocks()
    >>> with locks.hold(exclusive=["a"], shared=["b"]):
    ...     sorted(locks.held())
    ['a', 'b']
    >>> locks.held()
    []
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holders: dict[str, int] = {}  # -1: one exclusive holder; n > 0: that many shared ones

    def held(self) -> list[str]:
        with self._changed:
            return list(self._holders)

    @contextmanager
    def hold(self, exclusive: Iterable[str] = (), shared: Iterable[str] = ()) -> Iterator[None]:
        """Hold every name of *exclusive* alone and those of *shared* together with other sharers."""
        alone = set(exclusive)
        wanted = sorted(alone | set(shared))
        taken: list[str] = []
        try:
            for name in wanted:
                self._take(name, alone=name in alone)
                taken.append(name)
            yield
        finally:
            for name in taken:
                self._give_back(name)

    def _take(self, name: str, *, alone: bool) -> None:
        with self._changed:
            while not self._free(name, alone):
                self._changed.wait()
            self._holders[name] = -1 if alone else self._holders.get(name, 0) + 1

    def _free(self, name: str, alone: bool) -> bool:
        holders = self._holders.get(name, 0)
        return holders == 0 if alone else holders >= 0

    def _give_back(self, name: str) -> None:
        with self._changed:
            left = 0 if self._holders[name] < 0 else self._holders[name] - 1
            if left:
                self._holders[name] = left
            else:
                del self._holders[name]
            self._changed.notify_all()
