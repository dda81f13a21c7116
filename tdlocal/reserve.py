"""Room kept for the worst moment: a file in the state folder that is given up when the disk is full.

Without it nobody could be told: the failure's row in a log table, the mail, the task's log and the journal
of the run all need a little room.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
from pathlib import Path

NAME = "reserve"
SIZE = 4 * 1024 * 1024
PLENTY = 16 * SIZE  # free on the disk: only then is the reserve laid in


def lay_in(state: Path) -> None:
    """Take the room, unless it is taken or the disk has little left."""
    path = state / NAME
    with contextlib.suppress(OSError):
        if path.exists() and path.stat().st_blocks * 512 >= SIZE:
            return
        if shutil.disk_usage(state).free < PLENTY:
            return
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, SIZE)


def is_full(error: BaseException) -> bool:
    """Tell whether *error* says that the disk has no room.

    >>> is_full(OSError(errno.ENOSPC, "no")), is_full(ValueError("full"))
    (True, False)
    """
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0)
        return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def give_up(state: Path) -> bool:
    """Give the room back; True when there was some."""
    try:
        (state / NAME).unlink()
    except OSError:
        return False
    return True


def is_nearly_full(state: Path) -> bool:
    """Tell whether the disk has less left than the reserve holds."""
    try:
        return shutil.disk_usage(state).free < SIZE
    except OSError:
        return False


def give_up_if_full(state: Path) -> bool:
    """Give the room back when the disk is nearly full; True when it was given."""
    return is_nearly_full(state) and give_up(state)
