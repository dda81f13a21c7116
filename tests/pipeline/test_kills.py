"""Killed at fifty moments without warning: what is started again ends like a run that nothing broke.

Two shops of a few people each go through a chain of kills: start, `kill -9` after some tasks and a moment
more, start the same command again, until the run ends or the kills are used up. The runner is killed, the
account's server, or both at once. The moments come from a seed and from the tasks that the run reports, so
a busy machine moves them little.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import tdclient

from tdlocal.local_server import local_account
from tests.pipeline.shop import (
    LAYERS,
    SESSION,
    checksums,
    command,
    environment,
    load_sample,
    rows,
    run_pipeline,
    tdlocal,
)
from tests.pipeline.test_whole_run import RUN_BY_WF00
from tests.support import ROOT
from tests.test_rules import pushed

PEOPLE = "24"
KILLS = 50
CHAINS = 2  # at once; each goes on with a new shop when its run has ended
MOST_TASKS = 10  # that a run may finish before it is killed
VICTIMS = ("runner", "runner", "runner", "both", "server")
ENDS = ("success", "failure")
FINDINGS = """
select table_name, check_name, count(*) as n
from validation_findings
group by 1, 2
order by 1, 2
"""
WORDS = ("run", "wf00_orchestration", "--session", SESSION, "--plain")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the pushed files, which nobody edits while a chain runs."""
    folder = tmp_path_factory.mktemp("project")
    for name in pushed():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A state folder with a few people's raw tables."""
    state = tmp_path_factory.mktemp("small") / "state"
    load_sample(state, PEOPLE)
    return state


@pytest.fixture(scope="module")
def unbroken(small, project, tmp_path_factory):
    """What a run of that shop leaves when nothing happens to it."""
    state = copy_of(small, tmp_path_factory.mktemp("unbroken") / "state")
    done = run_pipeline(state, project=project)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return left_by(state)


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


class Purse:
    """The kills that are left for all chains."""

    def __init__(self, kills: int) -> None:
        self.left, self.lock = kills, threading.Lock()

    def take(self) -> bool:
        """Take one; False when none is left."""
        with self.lock:
            self.left -= 1
            return self.left >= 0

    def give_back(self) -> None:
        """Give back one that struck nobody."""
        with self.lock:
            self.left = max(self.left, 0) + 1


class Chain:
    """One shop after another through kills, until the common purse of kills is empty."""

    def __init__(self, seed: int, small: Path, project: Path, folder: Path, purse: Purse) -> None:
        self.chance = random.Random(seed)
        self.small, self.project, self.folder, self.purse = small, project, folder, purse
        self.story: list[str] = []
        self.ended: list[Path] = []

    def live(self) -> list[Path]:
        """Return the shops whose run ended well."""
        while self.purse.left > 0:
            state = copy_of(self.small, self.folder / f"state{len(self.ended)}")
            while self.purse.take() and self.killed(state):
                pass
            done = tdlocal(*WORDS, state=state, project=self.project, timeout=300)
            assert done.returncode == 0, self.told(done.stdout[-3000:] + done.stderr[-3000:])
            self.ended.append(state)
        return self.ended

    def killed(self, state: Path) -> bool:
        """Run, and kill what the chance says; False when the run was faster."""
        tasks, moment = self.chance.randint(0, MOST_TASKS), self.chance.uniform(0.0, 0.6)
        victim = self.chance.choice(VICTIMS)
        run = subprocess.Popen(
            command(*WORDS, state=state),
            cwd=self.project,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        last = ""
        for line in run.stderr:
            assert "FAILED" not in line, self.told(line + run.stderr.read())
            last = line
            tasks -= line.startswith("  ok ")
            if tasks < 0:
                break
        time.sleep(moment)
        if victim != "runner":
            kill_server(state)
            time.sleep(self.chance.uniform(0.0, 0.5) if victim == "server" else 0.0)
        faster = run.poll() == 0
        with suppress(ProcessLookupError):
            run.kill()
        run.stderr.close()
        run.wait()
        self.story.append(f"{victim} after {last.strip()[:150]}")
        if faster:
            self.purse.give_back()
        return not faster

    def told(self, said: str) -> str:
        """What went before, for a failing test."""
        return "\n".join([*self.story, said])


def kill_server(state: Path) -> None:
    """Kill the account's server, if there is one just now."""
    with suppress(OSError, ValueError, KeyError):
        os.kill(int(json.loads((state / "server.json").read_text())["pid"]), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_fifty_kills_change_nothing(small, unbroken, project, tmp_path):
    purse, chains = Purse(KILLS), []
    for seed in range(CHAINS):
        folder = tmp_path / f"chain{seed}"
        folder.mkdir()
        chains.append(Chain(seed, small, project, folder, purse))
    with ThreadPoolExecutor(CHAINS) as pool:
        ended = [state for states in pool.map(Chain.live, chains) for state in states]
    story = "\n".join(line for chain in chains for line in chain.story)
    assert sum(len(chain.story) for chain in chains) >= KILLS
    for state in ended:
        left = left_by(state)
        for name, expected in unbroken.items():
            assert left[name] == expected, f"{name} differ\n{story}"
        check_log(state, story)


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
