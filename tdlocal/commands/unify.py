"""`tdlocal unify`: unification/unify.yml as a workflow of plain SQL tasks."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

import yaml

from tdlocal.errors import KitError
from tdlocal.unification.compile import compile_workflow
from tdlocal.unification.model import UnificationFaults
from tdlocal.unification.project import MATCH, read_settings

HELP = (
    "Compile unification/unify.yml to what the unification service answers with: a workflow of plain Trino "
    "SQL. Written to files it runs on Treasure Data, Trino or here without the service: push it, or "
    "`tdlocal run unify_<name>`. Example: tdlocal unify compile --out build"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which words the command takes."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    compile_parser = commands.add_parser(
        "compile", help="write the workflow and its SQL files", description=HELP
    )
    add = compile_parser.add_argument
    add(
        "unify_yml", nargs="?", type=Path, metavar="FILE", help="default: the project's unification/unify.yml"
    )
    add("--project", type=Path, default=Path(), metavar="DIR", help="project folder (this one)")
    add("--out", type=Path, metavar="DIR", help="where files go; without it the workflow is printed as JSON")
    add("-p", "--param", action="append", default=[], metavar="KEY=VALUE", help="a parameter of unify.yml")
    add("--match", type=Path, metavar="FILE", help="protection settings; default: unification/match.yml")
    add("--no-protection", action="store_true", help="what unify.yml alone means")
    add("--incremental", action="store_true", help="work only on people whom changed rows concern")
    add("--build-aside", action="store_true", help="leave <table>__next tables for a publishing task")


def main(arguments: argparse.Namespace) -> int:
    """Compile; see HELP."""
    given = dict(pair.partition("=")[::2] for pair in arguments.param)
    settings = read_settings(arguments.project, given, arguments.unify_yml, arguments.match)
    try:
        workflow = compile_workflow(
            settings.document,
            full_refresh=not arguments.incremental,
            build_aside=arguments.build_aside,
            protection=None if arguments.no_protection else settings.protection,
            limit=None,
        )
    except UnificationFaults as faults:
        raise KitError(str(faults), where=str(arguments.match or MATCH)) from None
    if arguments.out is None:
        print(json.dumps(workflow, indent=1, ensure_ascii=False))
        return 0
    files = write(workflow, arguments.out, f"unify_{settings.unification.name}")
    print(f"{files[0]} and {len(files) - 1} SQL files")
    return 0


def write(workflow: dict[str, Any], folder: Path, name: str) -> list[Path]:
    """Write *workflow* as <name>.dig with every query in a file of its own; return the files."""
    queries = folder / name
    queries.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []

    def placed(task: Any, path: str) -> Any:
        if not isinstance(task, dict):
            return task
        done = {}
        for key, value in task.items():
            if key == "td>" and value:
                file = (
                    queries
                    / f"{len(files) + 1:02d}_{re.sub('[^a-z0-9_]+', '_', path.lower()).strip('_')}.sql"
                )
                file.write_text(value["data"], encoding="utf-8")
                files.append(file)
                done[key] = file.relative_to(folder).as_posix()
            else:
                done[key] = placed(value, f"{path} {key[1:]}" if key.startswith("+") else path)
        return done

    text = yaml.safe_dump(
        {"timezone": "UTC", **placed(workflow, "")}, sort_keys=False, allow_unicode=True, width=110
    )
    dig = folder / f"{name}.dig"
    dig.write_text(f"# Made by `tdlocal unify compile`; do not edit.\n{text}", encoding="utf-8")
    return [dig, *files]
