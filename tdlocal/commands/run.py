"""`tdlocal run`: run a workflow."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import Any

from tdlocal.console.events import Console, JsonConsole
from tdlocal.console.logs import TaskLogs, new_run_folder
from tdlocal.console.report import write_page
from tdlocal.errors import KitError
from tdlocal.workflow.executor import THREADS, Options, Outcome, Run
from tdlocal.workflow.faults import Fault, WorkflowFaults
from tdlocal.workflow.project import Project
from tdlocal.workflow.selection import select
from tdlocal.workflow.services import Services
from tdlocal.workflow.sessions import iso, schedule_of, session_time
from tdlocal.workflow.state import States
from tdlocal.workflow.yaml_reader import merge_deep, read_yaml

HELP = """Run a workflow as Digdag does. A second run of the same session skips what succeeded, unless it
changed since.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `tdlocal run`."""
    parser.add_argument("workflow", help="name of a workflow, with or without .dig")
    parser.add_argument(
        "task", nargs="?", default="", help="run only this task (such as +load) and what is below it"
    )
    parameter_options(parser)
    selection_options(parser)
    parser.add_argument("--no-save", action="store_true", help="neither read nor write what succeeded")
    parser.add_argument("--dry-run", action="store_true", help="evaluate the tasks of the file, run none")
    parser.add_argument("-E", "--show-params", action="store_true", help="print every task's parameters")
    parser.add_argument(
        "--overlay", type=Path, metavar="DIR", help="files that replace or join the project's"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object for everything that happens")
    parser.add_argument("--plain", action="store_true", help="plain lines also on a terminal")
    parser.add_argument("-q", "--quiet", action="store_true", help="tell failures and the end only")
    parser.add_argument(
        "--max-task-threads", type=int, default=THREADS, metavar="N", help=f"tasks at once ({THREADS})"
    )
    parser.add_argument(
        "--task-timeout",
        type=float,
        metavar="SECONDS",
        help="end a py>, sh> or rb> task that takes longer (no limit)",
    )


def parameter_options(parser: argparse.ArgumentParser) -> None:
    """Options that name a project, its parameters and a session."""
    parser.add_argument("-p", "--param", action="append", default=[], metavar="KEY=VALUE", help="a parameter")
    parser.add_argument(
        "-P",
        "--params-file",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="parameters in YAML or JSON",
    )
    parser.add_argument(
        "--session",
        default="",
        metavar="TIME",
        help='yyyy-MM-dd, "yyyy-MM-dd HH:mm:ss", daily, hourly, schedule or last',
    )
    parser.add_argument(
        "--project", type=Path, default=Path("."), metavar="DIR", help="project folder (this one)"
    )
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="where the kit keeps its state (.tdlocal in the project)"
    )


def selection_options(parser: argparse.ArgumentParser) -> None:
    """Options that choose tasks."""
    parser.add_argument("--rerun", action="store_true", help="run everything, also what succeeded before")
    parser.add_argument(
        "--start", default="", metavar="+TASK", help="run from this task on, whatever was saved"
    )
    parser.add_argument(
        "--goal", default="", metavar="+TASK", help="run this task and its children, nothing else"
    )
    parser.add_argument("--end", default="", metavar="+TASK", help="stop before this task")


def parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    """The parameters of -P and -p; the latter win and are text.

    Raises:
        KitError: one makes no sense.
    """
    values: dict[str, Any] = {}
    for path in arguments.params_file:
        faults: list[Fault] = []
        section = read_yaml(path, Path.cwd(), faults)
        if section is None:
            raise WorkflowFaults(faults)
        merge_deep(values, section)
    for pair in arguments.param:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise KitError(f"-p {pair} is no key=value")
        values[key] = value
    return values


def state_folder(arguments: argparse.Namespace) -> Path:
    """The state folder that the options mean."""
    chosen: Path = arguments.state if arguments.state is not None else arguments.project / ".tdlocal"
    return chosen.resolve()


def main(arguments: argparse.Namespace) -> int:
    """Run the workflow; 0 when it ended well, else 1."""
    values = parameters(arguments)
    state = state_folder(arguments)
    root: Path = arguments.project.resolve()
    if not root.is_dir():
        raise KitError(f"no such project folder: {arguments.project}")
    if arguments.overlay:
        from tdlocal.overlay import overlaid

        root = overlaid(root, arguments.overlay.resolve(), state / "overlaid")
    project = Project(root)
    project.load()
    workflow = project.workflow(arguments.workflow)
    selection = select(
        workflow.root, arguments.start, arguments.goal, arguments.end, arguments.task, arguments.rerun
    )
    keep = not arguments.no_save and not arguments.dry_run
    states = States(state / "sessions")
    schedule = schedule_of(workflow.schedule, workflow.timezone)
    last = states.last_session(workflow.name) if not arguments.no_save else ""
    session = session_time(arguments.session, workflow.timezone, schedule, last)
    try:
        logs = TaskLogs(new_run_folder(state))
        (state / "tmp").mkdir(exist_ok=True)
    except OSError as error:
        raise KitError(
            f"cannot write to the state folder: {error.strerror}", where=str(state), mend="make room there"
        ) from None
    console = _console(arguments, logs)
    options = Options(
        values, arguments.rerun, arguments.dry_run, arguments.show_params, max(1, arguments.max_task_threads)
    )
    journal = states.journal(workflow.name, session, keep)
    services = Services(project, state, console, logs.folder)
    services.zone = workflow.timezone
    services.former_accounts = set(journal.accounts)
    services.account_started = journal.note_account
    if arguments.task_timeout:
        services.seconds = dict.fromkeys(("py", "sh", "rb"), arguments.task_timeout)
    run = Run(services, workflow, session, journal, options, selection)
    services.shared["states"] = states
    shown = state.relative_to(Path.cwd()) if state.is_relative_to(Path.cwd()) else state
    console.run_started(workflow.name, iso(session), shown)
    _docker_note(console, workflow.source, values)
    before = _files(state)
    how, detail = "failure", []
    try:
        outcome = _until_done(run)
        how = "killed" if services.stopping.is_set() else "success" if outcome and outcome.ok else "failure"
    except KitError as error:
        console.warning(str(error))
        detail.append(f"stopped: {error}")
    finally:
        services.close()
        journal.close()
        detail += _new_files(state, before)
        if run.count > 1000:
            detail.append(f"{run.count:,} tasks ran; Treasure Data takes at most 1,000 in one attempt")
        if how != "success" and keep:
            detail.append("run the same command again to go on from here")
        console.run_ended(how, detail)
        console.close()
        logs.close()
        with contextlib.suppress(OSError):
            write_page(logs.folder)
    return 0 if how == "success" else 1


def _until_done(run: Run) -> Outcome | None:
    """Run until the end, or until a signal stops it."""

    async def whole() -> Outcome | None:
        task = asyncio.ensure_future(run.run())
        loop = asyncio.get_running_loop()

        def stop() -> None:
            if not run.services.stopping.is_set():
                run.console.warning("stopping: the tasks at work are being ended")
                loop.run_in_executor(None, run.services.stop)
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, RuntimeError):
                loop.add_signal_handler(number, stop)
        try:
            return await task
        except asyncio.CancelledError:
            return None

    sys.setrecursionlimit(max(sys.getrecursionlimit(), 20_000))
    return asyncio.run(whole())


def _console(arguments: argparse.Namespace, logs: TaskLogs) -> Console:
    if arguments.json:
        return JsonConsole(logs)
    if sys.stderr.isatty() and sys.stdout.isatty() and not arguments.plain and not arguments.quiet:
        from tdlocal.console.live import LiveConsole

        return LiveConsole(logs)
    return Console(logs, arguments.quiet)


def _docker_note(console: Console, source: dict[str, Any], values: dict[str, Any]) -> None:
    if '"docker"' in json.dumps([source, values], default=str):
        console.warning("docker: is ignored, tasks run on this machine")


def _files(state: Path) -> dict[Path, int]:
    found = {}
    for name in ("output", "mails"):
        for file in (state / name).rglob("*") if (state / name).is_dir() else ():
            if file.is_file():
                found[file] = file.stat().st_mtime_ns
    return found


def _new_files(state: Path, before: dict[Path, int]) -> list[str]:
    """Lines naming the files that tasks left for people."""
    new = [file for file, changed in sorted(_files(state).items()) if before.get(file) != changed]
    shown = [file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file for file in new]
    lines = [f"  file  {file}" for file in shown[:40]]
    return lines + ([f"  and {len(shown) - 40} more files"] if len(shown) > 40 else [])
