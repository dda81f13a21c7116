"""The child process of a pushed workflow: the `tdlocal` command, ended when the account's process dies.

Run as `python -m tdlocal.account.project_child PARENT JOURNAL run …`. PARENT is the account's process id;
JOURNAL what `tdlocal run` of the same workflow and session would write on this account: it is locked so long,
so that the two do not run side by side.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent(parent: int) -> None:
    """Have the system send SIGTERM to this process when its parent ends. Linux only; elsewhere no more
    happens than that the next output meets a closed pipe."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before this line
        sys.exit(1)


def main() -> int:
    """Entry of the child process."""
    end_with_parent(int(sys.argv[1]))
    from tdlocal.cli import main as command
    from tdlocal.errors import KitError
    from tdlocal.workflow.state import beside_other_attempts

    try:
        with beside_other_attempts(Path(sys.argv[2])):
            return command(sys.argv[3:])
    except KitError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
