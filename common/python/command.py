"""Parts of the pack that a person calls: words come as JSON on stdin, a fault is one line and exit code 1."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from common.python.errors import TaskError


def run_command(command: Callable[[Mapping[str, Any]], None]) -> None:
    """Call *command* with the words of stdin; tell a TaskError as one line on stderr and exit with 1."""
    try:
        command(json.loads(sys.stdin.read() or "{}"))
    except TaskError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
