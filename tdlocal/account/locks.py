"""One lock a name, made when it is first asked for: writers of one table wait, others do not."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager


class NameLocks:
    """Locks by name; several names are always taken in the same order, so nobody waits in a ring."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, threading.RLock] = {}

    @contextmanager
    def held(self, *names: Hashable) -> Iterator[None]:
        """Hold the locks of all *names*."""
        with ExitStack() as stack:
            for name in sorted({repr(one) for one in names}):
                with self._guard:
                    lock = self._locks.setdefault(name, threading.RLock())
                stack.enter_context(lock)
            yield
