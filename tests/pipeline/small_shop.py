"""A shop of a few people: what its run leaves behind, and what its log must look like."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import tdclient

from tdlocal.local_server import local_account
from tests.pipeline.shop import LAYERS, checksums, rows
from tests.test_rules import WORKFLOWS

FEW = "24"  # people
RUN_BY_WF00 = [name for name in WORKFLOWS if name[:4] not in ("wf00", "wf01")]
ENDS = ("success", "failure")
FINDINGS = """
select table_name, check_name, count(*) as n
from validation_findings
group by 1, 2
order by 1, 2
"""


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first worker to ask for *name* makes, and that all workers copy from.

    Nobody may open an account in it: another worker may be copying it.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, ready = root / f"{name}-of-all", root / f"{name}.ready"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            ready.touch()
    return folder


def copy_of(state: Path, target: Path) -> Path:
    """A copy of a state folder that no server has open."""
    subprocess.run(["cp", "-r", str(state), str(target)], check=True)
    return target


def left_by(state: Path) -> dict[str, object]:
    """Everything that a run is for: tables, members of the parent segment, things of the account, the log."""
    with local_account(state) as server:
        client = tdclient.Client(apikey=server.key, endpoint=server.url)
        audiences = [database.name for database in client.databases() if database.name.startswith("cdp_aud")]
        names = {
            "audiences": names_of(client, "/audiences"),
            "data models": names_of(client, "/reporting/datamodels"),
            "segments": names_of(client, f"/audiences/{audiences[0].removeprefix('cdp_audience_')}/segments"),
        }
        return {
            "tables": checksums(state, [*LAYERS, *audiences]),
            **names,
            "dashboards": rows(state, "select name, part from analytics_retail.dashboards order by 1, 2"),
            "data model rows": rows(state, "select name, status from datamodel_builds order by name"),
            "parents": rows(state, "select name, population from parent_segments order by name"),
            "findings": rows(state, FINDINGS),
            "records": rows(
                state, "select workflow, record_count from log_tbl where status = 'success' order by workflow"
            ),
        }


def names_of(client: tdclient.Client, path: str) -> list[str]:
    """Names of what a list of the account holds, sorted, repeats kept."""
    with client.api.get(path) as answer:
        return sorted(one["name"] for one in json.loads(answer.read()))


def check_log(state: Path, story: str) -> None:
    """Each workflow has one success; every start has one end, the dead ones a failure."""
    log = rows(state, "select workflow, status, attempt, error_message from log_tbl order by logged_at")
    for workflow in RUN_BY_WF00:
        own = [row for row in log if row["workflow"] == workflow]
        told = f"{workflow}: {own}\n{story}"
        counts = Counter(row["status"] for row in own)
        assert counts["success"] == 1, told
        started = sorted(row["attempt"] for row in own if row["status"] == "running")
        assert started == list(range(1, len(started) + 1)), told
        assert sorted(row["attempt"] for row in own if row["status"] in ENDS) == started, told
        died = [row for row in own if row["status"] == "failure"]
        assert all("died without a word" in row["error_message"] for row in died), told
