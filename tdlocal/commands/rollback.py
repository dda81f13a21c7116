"""`tdlocal rollback`: a layer back to its last good state."""

from __future__ import annotations

import argparse
from pathlib import Path

from tdlocal.errors import KitError
from tdlocal.pack_command import run_pack
from tdlocal.workflow.state import States

HELP = (
    "Return the layers that a workflow writes to an earlier state, by table swap. "
    "`tdlocal rollback wf06_golden` goes one session back; the same again undoes it, or finishes it where it "
    "was killed. `tdlocal rollback --run RUN_ID` takes every layer to its state as of the session of that "
    "run (select run_id, workflow, start_time from va_config_retail.log_tbl). The rollback is written to "
    "va_config publish_log. What stays is told: mails that were sent, segments that were created, tables of "
    "which no state so old is kept."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which words the command takes."""
    parser.add_argument(
        "workflow", nargs="?", default="", help="workflow whose layers go back, e.g. wf06_golden"
    )
    parser.add_argument("--run", default="", metavar="RUN_ID", help="run of log_tbl, or its session_unixtime")
    parser.add_argument("--sub", default="", help="suffix of the databases (that of config/src_params.yml)")
    parser.add_argument("--project", type=Path, default=Path(), help="project folder (this one)")
    parser.add_argument("--state", type=Path, default=Path(".tdlocal"), help="the account's folder")


def main(arguments: argparse.Namespace) -> int:
    """Roll back; see HELP."""
    if not arguments.workflow and not arguments.run:
        raise KitError(
            "say what to roll back", mend="tdlocal rollback wf06_golden, or tdlocal rollback --run RUN_ID"
        )
    states = States(arguments.state / "sessions")
    going_on = states.at_work()
    if going_on:
        raise KitError(
            "a run is going on, which publishes tables too",
            where=", ".join(map(str, going_on)),
            mend="wait for its end, or end it, then take its layers back",
        )
    states.forget()  # the tables are no longer those that the saved tasks left: the pack's log decides anew
    words = {"workflow": Path(arguments.workflow).stem, "run": arguments.run, "sub": arguments.sub}
    return run_pack("common.python.rollback", words, project=arguments.project, state=arguments.state)
