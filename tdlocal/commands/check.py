"""`tdlocal check`: every fault of a project, without data and without a server."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from tdlocal.commands.run import parameters, settings_options
from tdlocal.errors import KitError
from tdlocal.workflow.checks import check
from tdlocal.workflow.faults import Fault
from tdlocal.workflow.settings import settings

HELP = "Find every fault of a project that shows without running it: in files, tasks, templates, Python, SQL."


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `tdlocal check`."""
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path("."),
        help="project folder (this one), or a .dig file for faults of that file alone",
    )
    parser.add_argument(
        "-p",
        "--param",
        action="append",
        default=[],
        metavar="KEY",
        help="a parameter that every run is given",
    )
    settings_options(parser)
    parser.add_argument("--strict", action="store_true", help="warnings count as errors")
    parser.add_argument("--json", action="store_true", help="one JSON object a fault")
    parser.add_argument(
        "--github", action="store_true", help="GitHub annotations (on by itself in GitHub Actions)"
    )
    parser.add_argument("--state", type=Path, help=argparse.SUPPRESS)


def main(arguments: argparse.Namespace) -> int:
    """Print the faults; 1 when there is an error among them."""
    one = arguments.folder.is_file() and arguments.folder.suffix == ".dig"
    folder = arguments.folder.parent if one else arguments.folder
    if not folder.is_dir() or (arguments.folder.exists() and not one and not arguments.folder.is_dir()):
        raise KitError(f"no such folder: {arguments.folder}")
    faults = check(folder, given(arguments))
    if one:
        faults = [fault for fault in faults if fault.place.file == arguments.folder.name]
    errors = sum(fault.level == "error" for fault in faults)
    annotate = arguments.github or os.environ.get("GITHUB_ACTIONS") == "true"
    for fault in faults:
        if arguments.json:
            print(json.dumps(_facts(fault), ensure_ascii=False))
        elif annotate:
            print(annotation(fault))
        else:
            print(f"{fault.place}: {fault.level}: {fault.problem} [{fault.code}]")
            if fault.mend:
                print(f"    to mend: {fault.mend}")
    if not arguments.json:
        counts = [(errors, "error"), (len(faults) - errors, "warning")]
        told = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)
        print(told if faults else "no faults")
    return 1 if errors or (arguments.strict and faults) else 0


def given(arguments: argparse.Namespace) -> list[str]:
    """Names of the parameters that -p, -P, -c and -X give."""
    pairs = [pair if "=" in pair else f"{pair}=" for pair in arguments.param]
    arguments.param = pairs
    return list(parameters(arguments, settings(arguments.config, arguments.system).parameters))


def annotation(fault: Fault) -> str:
    """A fault as GitHub shows it beside the line."""
    text = fault.problem + (f" (to mend: {fault.mend})" if fault.mend else "")
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    where = f"file={fault.place.file},line={max(fault.place.line, 1)},col={max(fault.place.column, 1)}"
    return f"::{fault.level} {where},title=tdlocal check: {fault.code}::{escaped}"


def _facts(fault: Fault) -> dict[str, object]:
    return {
        "file": fault.place.file,
        "line": fault.place.line,
        "column": fault.place.column,
        "level": fault.level,
        "code": fault.code,
        "problem": fault.problem,
        "mend": fault.mend,
    }
