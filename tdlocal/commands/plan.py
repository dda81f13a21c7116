"""`tdlocal plan`: what a run would do, without doing it."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from tdlocal.commands.run import parameter_options, parameters, selection_options, state_folder
from tdlocal.console.events import Console
from tdlocal.workflow.executor import Options, Run
from tdlocal.workflow.planner import Planned, Planner, tree_lines
from tdlocal.workflow.project import Project
from tdlocal.workflow.selection import select
from tdlocal.workflow.services import Services
from tdlocal.workflow.sessions import iso, schedule_of, session_time
from tdlocal.workflow.settings import settings
from tdlocal.workflow.state import Journal, States

HELP = "Show what a run would do: which tasks run, which are skipped and why, what queries read and write."
MARKS = {
    "run": "run ",
    "skip": "skip",
    "leave": "left",
    "decide": "  ? ",
    "group": "    ",
    "disabled": "off ",
    "fail": "FAIL",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `tdlocal plan`."""
    parser.add_argument("workflow", help="name of a workflow, with or without .dig")
    parser.add_argument(
        "task", nargs="?", default="", help="plan only this task (such as +load) and what is below it"
    )
    parameter_options(parser)
    selection_options(parser)
    parser.add_argument(
        "--overlay", type=Path, metavar="DIR", help="files that replace or join the project's"
    )
    parser.add_argument("--sql", action="store_true", help="show every query as it would be sent")
    parser.add_argument("--json", action="store_true", help="one JSON object a task")


def main(arguments: argparse.Namespace) -> int:
    """Print the plan; 1 when a task would fail for what is written in it."""
    run = planned_run(arguments)
    lines = Planner(run).plan()
    if arguments.json:
        for line in lines:
            print(json.dumps(_facts(line), ensure_ascii=False))
    else:
        print(f"{run.workflow.name}  session {iso(run.session)}")
        for line, name in tree_lines(lines):
            print(_line(line, name))
            if arguments.sql and line.sql:
                print("".join(f"          | {text}\n" for text in line.sql.rstrip().split("\n")), end="")
        counts = Counter(line.action for line in lines)
        told = [f"{counts[key]} {word}" for key, word in _WORDS.items() if counts[key]]
        print(", ".join(told) or "nothing to do")
    return 1 if any(line.action == "fail" for line in lines) else 0


_WORDS = {
    "run": "to run",
    "skip": "to skip",
    "decide": "decided while running",
    "leave": "left out",
    "disabled": "disabled",
    "fail": "would fail",
}


def planned_run(arguments: argparse.Namespace) -> Run:
    """The run that the options mean, with its journal only read."""
    state = state_folder(arguments)
    root: Path = arguments.project.resolve()
    if arguments.overlay:
        from tdlocal.overlay import overlaid

        root = overlaid(root, arguments.overlay.resolve(), state / "overlaid")
    project = Project(root)
    project.load()
    workflow = project.workflow(arguments.workflow)
    selection = select(
        workflow.root, arguments.start, arguments.goal, arguments.end, arguments.task, arguments.rerun
    )
    states = States(root / arguments.save if arguments.save else state / "sessions")
    schedule = schedule_of(workflow.schedule, workflow.timezone)
    last = states.last_session(workflow.name)
    session = session_time(arguments.session, workflow.timezone, schedule, last)
    machine = settings(arguments.config, arguments.system)
    services = Services(project, state, Console(), None, machine)
    services.zone = workflow.timezone
    journal = Journal.look(states.path(workflow.name, session))
    options = Options(parameters(arguments, machine.parameters), arguments.rerun)
    return Run(services, workflow, session, journal, options, selection)


def _line(line: Planned, name: str) -> str:
    tables = []
    if line.reads:
        tables.append("reads " + ", ".join(line.reads))
    if line.writes:
        tables.append("writes " + ", ".join(dict.fromkeys(line.writes)))
    kind = f"{line.operator}>" if line.operator else ""
    told = "  ".join(filter(None, [name, kind, line.why, *tables]))
    return f"  {MARKS[line.action]}  {told}"


def _facts(line: Planned) -> dict[str, object]:
    return {
        "task": line.name,
        "operator": line.operator,
        "place": str(line.place),
        "action": line.action,
        "why": line.why,
        "reads": line.reads,
        "writes": line.writes,
        "sql": line.sql,
    }
