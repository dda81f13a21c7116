"""What happens by the clock: once a second, schedules that are due are run.

Schedules run only in a server that a person started (`tdlocal serve`). Sessions that passed while no server
ran are not made up for, save the newest.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tdlocal.account.errors import AccountError
from tdlocal.engine.types import EngineError

if TYPE_CHECKING:
    from tdlocal.account.account import Account

PAUSE = 1.0

log = logging.getLogger(__name__)


class Ticker:
    """A thread that looks at the clock.

    Args:
        account: the account.
        pause: seconds between two looks.
    """

    def __init__(self, account: Account, pause: float = PAUSE) -> None:
        self._account = account
        self._pause = pause
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, *, schedules: bool) -> None:
        """Look from now on, if *schedules* are to be run."""
        if schedules:
            self._thread = threading.Thread(target=self._go_on, name="clock", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._stopped.set()
        if self._thread:
            self._thread.join(10)

    def tick(self, moment: int) -> None:
        """Run what is due at *moment* (unix seconds)."""
        for one in (self._account.workflow_schedules, self._account.schedules, self._account.connectors):
            guarded(lambda one=one: one.tick(moment))  # type: ignore[misc]

    def _go_on(self) -> None:
        while not self._stopped.wait(self._pause):
            self.tick(int(time.time()))


def guarded(work: Callable[[], object]) -> None:
    """Do some work; what goes wrong is logged, and the clock goes on."""
    try:
        work()
    except AccountError as error:
        log.warning("%s", error.message)
    except (EngineError, sqlite3.Error, OSError, ValueError):
        log.exception("the clock met an error")
