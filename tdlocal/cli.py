"""The `tdlocal` command: finds the sub-command's module and hands over.

Each sub-command is one module of tdlocal.commands with three names: ``HELP`` (one line),
``configure(parser)`` and ``main(arguments) -> int`` (the exit code, 0 or 1). Only the module that
was asked for is imported, so that `tdlocal run` does not pay for the others.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence

from tdlocal import __version__
from tdlocal.errors import KitError

COMMANDS = {
    "run": "run a workflow",
    "plan": "show what would run, and why",
    "check": "find every fault of a project without data",
    "log": "read past runs",
    "serve": "answer Treasure Data's HTTP APIs on loopback",
    "load": "load files into a table",
    "query": "ask a question in Trino SQL",
    "sample": "make the sample shop's raw tables",
    "map": "help with config/schema_map.yml",
    "identity": "explain who is who, and try matching rules",
    "unify": "compile unification/unify.yml to plain SQL tasks",
    "backfill": "run the sessions of past days",
    "rollback": "return a layer to its last good state",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command.

    Args:
        argv: words after the program's name; those of the process when None.

    Returns:
        Exit code: 0 when it worked, 1 when it did not, 2 when the words made no sense.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="tdlocal",
        description="Treasure Data on one machine: runs .dig files and keeps the data in .tdlocal/.",
        epilog="Start with `tdlocal sample --load`, then `tdlocal run wf00_orchestration`. "
        "`tdlocal COMMAND --help` explains each command.",
    )
    parser.add_argument("--version", action="version", version=f"tdlocal {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    asked = next((word for word in words if not word.startswith("-")), None)
    for name, help_line in COMMANDS.items():
        if name == asked:
            module = importlib.import_module(f"tdlocal.commands.{name}")
            module.configure(commands.add_parser(name, help=help_line, description=module.HELP))
        else:
            commands.add_parser(name, help=help_line)
    arguments, left = parser.parse_known_args(words)
    if len(left) == 1 and left[0].startswith("+") and getattr(arguments, "task", None) == "":
        arguments.task = left.pop()  # `run WORKFLOW --rerun +TASK`: options stood between the two words
    if left:
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    try:
        return int(importlib.import_module(f"tdlocal.commands.{arguments.command}").main(arguments))
    except KitError as error:
        print(f"tdlocal {arguments.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `tdlocal log | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


if __name__ == "__main__":
    sys.exit(main())
