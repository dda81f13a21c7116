"""`tdlocal run`: run a workflow."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import signal
import sys
from pathlib import Path
from typing import Any

from tdlocal.console.events import Console, JsonConsole
from tdlocal.console.logs import TaskLogs, compress_logs, new_run_folder
from tdlocal.console.report import write_page
from tdlocal.errors import KitError
from tdlocal.operators.process import sweep
from tdlocal.reserve import lay_in
from tdlocal.workflow.executor import THREADS, Options, Outcome, Run
from tdlocal.workflow.faults import Fault, WorkflowFaults
from tdlocal.workflow.model import Workflow
from tdlocal.workflow.project import UNREADABLE, Project
from tdlocal.workflow.selection import select
from tdlocal.workflow.services import Services
from tdlocal.workflow.sessions import iso, schedule_of, session_time
from tdlocal.workflow.settings import settings
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
    parser.add_argument("-d", "--dry-run", action="store_true", help="evaluate the file's tasks, run none")
    parser.add_argument("-E", "--show-params", action="store_true", help="print every task's parameters")
    parser.add_argument(
        "--overlay", type=Path, metavar="DIR", help="files that replace or join the project's"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object for everything that happens")
    parser.add_argument("--plain", action="store_true", help="plain lines also on a terminal")
    parser.add_argument("-q", "--quiet", action="store_true", help="tell failures and the end only")
    parser.add_argument(
        "-l",
        "--log-level",
        choices=("error", "warn", "info", "debug", "trace"),
        default="info",
        metavar="LEVEL",
        help="error or warn: as -q; info, debug or trace: a line a task",
    )
    parser.add_argument("-L", "--log", type=Path, metavar="FILE", help="add those lines to a file instead")
    parser.add_argument(
        "-O",
        "--task-log",
        type=Path,
        metavar="DIR",
        help="one compressed log a task, by day and session",
    )
    parser.add_argument(
        "--max-task-threads", type=int, default=THREADS, metavar="N", help=f"tasks at once ({THREADS})"
    )
    parser.add_argument(
        "--task-timeout",
        type=float,
        metavar="SECONDS",
        help="end a py>, sh> or rb> task that takes longer (no limit)",
    )
    # an account that runs a pushed project says what its API calls this attempt
    parser.add_argument("--identity", type=json.loads, default={}, help=argparse.SUPPRESS)


def parameter_options(parser: argparse.ArgumentParser) -> None:
    """Options that name a project, its parameters and a session."""
    parser.add_argument("-p", "--param", action="append", default=[], metavar="KEY=VALUE", help="a parameter")
    settings_options(parser)
    parser.add_argument(
        "-t",
        "--session",
        "--session-time",
        dest="session",
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
    parser.add_argument(
        "-o", "--save", type=Path, metavar="DIR", help="where what succeeded is kept (sessions in the state)"
    )


def settings_options(parser: argparse.ArgumentParser) -> None:
    """Options that give parameters and settings by file."""
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
        "-c",
        "--config",
        type=Path,
        metavar="FILE",
        help="settings of this machine: params.*, secrets.*, config.mail.* in a properties file",
    )
    parser.add_argument(
        "-X", dest="system", action="append", default=[], metavar="KEY=VALUE", help="one such setting"
    )


def selection_options(parser: argparse.ArgumentParser) -> None:
    """Options that choose tasks."""
    parser.add_argument(
        "-a", "--rerun", "--all", action="store_true", help="run everything, also what succeeded before"
    )
    parser.add_argument(
        "-s",
        "--start",
        default="",
        metavar="+TASK",
        help="run this task and all but those before it, whatever was saved",
    )
    parser.add_argument(
        "-g",
        "--goal",
        default="",
        metavar="+TASK",
        help="run this task, whatever was saved; nothing after it",
    )
    parser.add_argument("-e", "--end", default="", metavar="+TASK", help="stop before this task")


def parameters(arguments: argparse.Namespace, lowest: dict[str, Any] | None = None) -> dict[str, Any]:
    """The parameters of -P and -p over *lowest*; the last win and are text.

    Raises:
        KitError: one makes no sense.
    """
    values: dict[str, Any] = {}
    for key, value in (lowest or {}).items():
        set_nested(values, key, value)
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
        set_nested(values, key, value)
    return values


def set_nested(values: dict[str, Any], key: str, value: str) -> None:
    """Set a parameter; `a.b` is b in the map a.

    Raises:
        KitError: a is no map.
    """
    *above, last = key.split(".")
    for count, name in enumerate(above, 1):
        inner = values.get(name, {})
        if not isinstance(inner, dict):
            raise KitError(f"parameter {key!r} is given but {'.'.join(above[:count])!r} is no map")
        values[name] = dict(inner)
        values = values[name]
    values[last] = value


def state_folder(arguments: argparse.Namespace) -> Path:
    """The state folder that the options mean."""
    chosen: Path = arguments.state if arguments.state is not None else arguments.project / ".tdlocal"
    return chosen.resolve()


def main(arguments: argparse.Namespace) -> int:
    """Run the workflow; 0 when it ended well, else 1."""
    machine = settings(arguments.config, arguments.system)
    values = parameters(arguments, machine.parameters)
    state = state_folder(arguments)
    root: Path = arguments.project.resolve()
    if not root.is_dir():
        raise KitError(f"no such project folder: {arguments.project}")
    if arguments.overlay:
        from tdlocal.overlay import overlaid

        root = overlaid(root, arguments.overlay.resolve(), state / "overlaid")
    project = Project(root)
    workflow = _read(project, arguments, state)
    selection = select(
        workflow.root, arguments.start, arguments.goal, arguments.end, arguments.task, arguments.rerun
    )
    keep = not arguments.no_save and not arguments.dry_run
    states = States(root / arguments.save if arguments.save else state / "sessions")
    schedule = schedule_of(workflow.schedule, workflow.timezone)
    last = states.last_session(workflow.name)
    session = session_time(arguments.session, workflow.timezone, schedule, last)
    try:
        state.mkdir(parents=True, exist_ok=True)
        lay_in(state)
        logs = TaskLogs(new_run_folder(state))
        sweep(state / "tmp")
    except OSError as error:
        raise KitError(
            f"cannot write to the state folder: {error.strerror}", where=str(state), mend="make room there"
        ) from None
    try:
        console = _console(arguments, logs)
    except OSError as error:
        raise KitError(f"cannot write the log: {error.strerror}", where=str(arguments.log)) from None
    options = Options(
        values, arguments.rerun, arguments.dry_run, arguments.show_params, max(1, arguments.max_task_threads)
    )
    journal = states.journal(workflow.name, session, keep)
    if keep and workflow.schedule and workflow.schedule.get("skip_on_overtime") in (True, "true"):
        states.check_alone(workflow.name, journal.path)
    services = Services(project, state, console, logs.folder, machine)
    services.zone = workflow.timezone
    services.former_accounts = set(journal.accounts)
    services.account_started = journal.note_account
    if arguments.task_timeout:
        services.seconds = dict.fromkeys(("py", "sh", "rb"), arguments.task_timeout)
    run = Run(services, workflow, session, journal, options, selection, identity=arguments.identity)
    services.shared["states"] = states
    shown = state.relative_to(Path.cwd()) if state.is_relative_to(Path.cwd()) else state
    console.run_started(workflow.name, iso(session), shown)
    _docker_note(console, workflow.source, values)
    if machine.unknown:
        console.warning(f"settings that nothing here reads: {', '.join(sorted(machine.unknown))}")
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
        if arguments.task_log:
            compress_logs(logs.folder, arguments.task_log, workflow.name, session)
    return 0 if how == "success" else 1


def _read(project: Project, arguments: argparse.Namespace, state: Path) -> Workflow:
    """The workflow that was asked for.

    Where the project's files cannot be read, its own `unreadable.dig` is run first, if it has one: a run that
    cannot start must reach the people whom a failed run reaches.

    Raises:
        KitError: there is no such workflow, or files have faults.
    """
    helper = project.helper(UNREADABLE)
    if arguments.workflow == UNREADABLE and helper:
        return helper
    try:
        project.load()
    except WorkflowFaults as faults:
        if helper and not arguments.dry_run:
            told = {"unreadable_workflow": arguments.workflow, "unreadable_message": str(faults)}
            _tell_unreadable(project, arguments, state, told)
        raise
    return project.workflow(arguments.workflow)


def _tell_unreadable(
    project: Project, arguments: argparse.Namespace, state: Path, told: dict[str, str]
) -> None:
    """Run the project's workflow for files that cannot be read; what it says is told when it fails too."""
    changed: dict[str, Any] = {
        "workflow": UNREADABLE,
        "param": [*arguments.param, *(f"{key}={value.replace('${', '$ {')}" for key, value in told.items())],
        "project": project.root,
        "state": state,
        "session": arguments.session if arguments.session[:1].isdigit() else "",  # it has no schedule
        **dict.fromkeys(("task", "start", "goal", "end"), ""),
        **dict.fromkeys(("overlay", "save", "task_log"), None),
        **dict.fromkeys(("no_save", "quiet"), True),
    }
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            failed = main(argparse.Namespace(**{**vars(arguments), **changed}))
    except (KitError, OSError) as error:
        failed = 1
        said.write(f"nobody was told: {error}\n")
    lines = said.getvalue().splitlines()
    print("\n".join(line for line in lines if failed or line.startswith("  file")), file=sys.stderr)


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
    quiet = arguments.quiet or arguments.log_level in ("error", "warn")
    if arguments.json:
        return JsonConsole(logs)
    if sys.stderr.isatty() and sys.stdout.isatty() and not (arguments.plain or arguments.log or quiet):
        from tdlocal.console.live import LiveConsole

        return LiveConsole(logs)
    return Console(logs, quiet, open(arguments.log, "a", encoding="utf-8") if arguments.log else None)


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
