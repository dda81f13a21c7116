"""A small sample shop run through the whole pipeline by the command line, as a person would."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import tdclient

from tdlocal.local_server import local_account
from tests.support import ROOT

SESSION = "2026-11-01"
PEOPLE = "150"
LAYERS = (
    "prp_retail",
    "src_retail",
    "staging_retail",
    "cdp_unification_retail",
    "golden_retail",
    "analytics_retail",
)


def tdlocal(
    *words: str, state: Path, project: Path = ROOT, **options: object
) -> subprocess.CompletedProcess[str]:
    """Run one `tdlocal` command and return what it said."""
    return subprocess.run(
        command(*words, state=state),
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        **options,
    )


def command(*words: str, state: Path) -> list[str]:
    """Return the argument list of one `tdlocal` command."""
    return [sys.executable, "-m", "tdlocal.cli", *words, "--state", str(state)]


def environment() -> dict[str, str]:
    """Return this process's variables without those that would name another account."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TD_")}


def load_sample(state: Path, people: str = PEOPLE) -> None:
    """Put the sample shop's raw tables into the account of *state*."""
    done = tdlocal("sample", "--people", people, "--seed", "7", "--load", state=state)
    assert done.returncode == 0, done.stdout + done.stderr


def run_pipeline(state: Path, *words: str, project: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run wf00_orchestration for the sample shop's session."""
    return tdlocal("run", "wf00_orchestration", "--session", SESSION, *words, state=state, project=project)


def rows(state: Path, sql: str, database: str = "va_config_retail") -> list[dict[str, object]]:
    """Return what a query answers, as dicts."""
    with local_account(state) as server:
        client = tdclient.Client(apikey=server.key, endpoint=server.url)
        job = client.query(database, sql, type="presto")
        job.wait()
        names = [name for name, *_ in job.result_schema or []]
        return [dict(zip(names, row, strict=True)) for row in job.result()]


def checksums(state: Path, databases: Sequence[str] = LAYERS) -> dict[str, str]:
    """Return a checksum of every table of the layers, whatever the order of its rows."""
    with local_account(state) as server:
        client = tdclient.Client(apikey=server.key, endpoint=server.url)
        return dict(sorted(table_sums(client, databases)))


def table_sums(client: tdclient.Client, databases: Sequence[str]) -> Iterator[tuple[str, str]]:
    for database in databases:
        for table in client.tables(database):
            if table.name.endswith(("__prev", "__next")) or "__prev" in table.name:
                continue
            job = client.query(database, f'select * from "{table.name}"', type="presto")
            job.wait()
            names = [name for name, *_ in job.result_schema or []]
            lines = sorted(
                json.dumps(dict(zip(names, row, strict=True)), sort_keys=True, default=str)
                for row in job.result()
            )
            yield f"{database}.{table.name}", hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
