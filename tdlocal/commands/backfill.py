"""`tdlocal backfill`: the sessions of past days, one after another."""

from __future__ import annotations

import argparse
import datetime as dt
import subprocess
import sys
import time
from pathlib import Path

from tdlocal.commands.run import state_folder
from tdlocal.errors import KitError
from tdlocal.local_server import local_account
from tdlocal.workflow.project import Project
from tdlocal.workflow.sessions import schedule_of, session_time

HELP = (
    "Run a workflow for every session from one day to another, oldest first, as so many daily runs would "
    "have. The sessions are those of its schedule, else midnight of each day in its time zone. A session "
    "that fails stops the backfill, since later ones build on it; the same command again goes on there."
)
MOST = 4000  # sessions of one command


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `tdlocal backfill`."""
    parser.add_argument(
        "workflow", nargs="?", default="wf00_orchestration", help="workflow (wf00_orchestration)"
    )
    parser.add_argument(
        "--from", dest="first", required=True, metavar="DATE", help="first day or session, yyyy-MM-dd"
    )
    parser.add_argument("--to", dest="last", required=True, metavar="DATE", help="last day, included")
    parser.add_argument(
        "-p", "--param", action="append", default=[], metavar="KEY=VALUE", help="a parameter of every session"
    )
    parser.add_argument("--rerun", action="store_true", help="run everything, also what succeeded before")
    parser.add_argument("--dry-run", action="store_true", help="list the sessions, run none")
    parser.add_argument(
        "--project", type=Path, default=Path(), metavar="DIR", help="project folder (this one)"
    )
    parser.add_argument("--state", type=Path, metavar="DIR", help="the kit's state (.tdlocal in the project)")


def main(arguments: argparse.Namespace) -> int:
    """Run the sessions; 0 when all of them ended well."""
    sessions = sessions_of(arguments)
    name = Path(arguments.workflow).stem
    if sessions[-1] > dt.datetime.now(dt.timezone.utc):
        print(f"session {sessions[-1]:%Y-%m-%d %H:%M:%S} is in the future", file=sys.stderr)
    if arguments.dry_run:
        for session in sessions:
            print(f"{session:%Y-%m-%d %H:%M:%S}")
        return 0
    state = state_folder(arguments)
    with local_account(state):  # one account for all of them
        for number, session in enumerate(sessions, 1):
            began = time.monotonic()
            words = f"{session:%Y-%m-%d %H:%M:%S}"
            print(f"session {number} of {len(sessions)}: {words}", file=sys.stderr, flush=True)
            done = subprocess.run(
                command(arguments, state, f"{words} {session:%z}"), cwd=arguments.project, check=False
            )
            if done.returncode:
                raise KitError(
                    f"session {words} did not end well, {number - 1} of {len(sessions)} are done",
                    where=name,
                    mend="mend what the run named, then give the same command again",
                )
            print(f"session {words}: done in {time.monotonic() - began:.1f} s", flush=True)
    return 0


def sessions_of(arguments: argparse.Namespace) -> list[dt.datetime]:
    """The session times that the options mean, oldest first.

    Raises:
        KitError: a date makes no sense, or there is no session between them.
    """
    project = Project(arguments.project.resolve())
    project.load()
    workflow = project.workflow(arguments.workflow)
    first = day_of("--from", arguments.first, workflow.timezone)
    last = day_of("--to", arguments.last, workflow.timezone)
    if len(arguments.last) == len("yyyy-MM-dd"):
        last = last.replace(hour=23, minute=59, second=59)
    schedule = schedule_of(workflow.schedule, workflow.timezone)
    found = []
    session = schedule.next_after(first - dt.timedelta(seconds=1)) if schedule else first
    while session <= last:
        found.append(session)
        session = schedule.next_after(session) if schedule else next_day(session)
        if len(found) > MOST:
            raise KitError(f"more than {MOST} sessions", mend="give fewer days at once")
    if not found:
        raise KitError(
            f"there is no session from {arguments.first} to {arguments.last}",
            where=f"{workflow.name}.dig",
            mend="give the earlier day first",
        )
    return found


def day_of(option: str, text: str, zone: str) -> dt.datetime:
    """The time that an option's text means.

    Raises:
        KitError: it is no date.
    """
    try:
        if text[:1].isdigit():
            return session_time(text, zone, None)
    except KitError:
        pass  # told below, by the option's own name
    raise KitError(f"{option} {text!r} is no day", mend='write yyyy-MM-dd, or "yyyy-MM-dd HH:mm:ss"')


def next_day(session: dt.datetime) -> dt.datetime:
    """The same time of the next day by the clock on the wall, also where summer time begins or ends."""
    return dt.datetime.combine(session.date() + dt.timedelta(days=1), session.time(), session.tzinfo)


def command(arguments: argparse.Namespace, state: Path, session: str) -> list[str]:
    """The `tdlocal run` of one session."""
    words = [sys.executable, "-m", "tdlocal.cli", "run", arguments.workflow, "--session", session]
    words += ["--state", str(state)]
    for pair in arguments.param:
        words += ["-p", pair]
    return words + (["--rerun"] if arguments.rerun else [])
