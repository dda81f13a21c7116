"""Several days of one shop: backfill against real daily runs, and layers taken back to an earlier day."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from tests.pipeline.shop import LAYERS, checksums, environment, rows, tdlocal
from tests.support import ROOT

DAYS = ("2026-10-30", "2026-10-31", "2026-11-01")
QUICK = ("-p", "create_segments=false", "-p", "email_success=false", "-p", "email_validation=false")
KEPT = """
select database_name, table_name, count(*) as n
from publish_log
where action = 'rolled back'
group by 1, 2
"""


@pytest.fixture(scope="module")
def days(small, project, tmp_path_factory):
    """That shop after three real daily runs; the checksums after each, and the runs' ids."""
    state = shutil.copytree(small, tmp_path_factory.mktemp("daily") / "state")
    sums = []
    for day in DAYS:
        done = tdlocal(
            "run", "wf00_orchestration", "--session", day, "--plain", *QUICK, state=state, project=project
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        sums.append(layers(state))
    ids = rows(state, "select session_time, max(run_id) as run from log_tbl group by 1 order by 1")
    return state, sums, [row["run"] for row in ids]


@pytest.fixture
def state(days, tmp_path):
    """A copy of the state after three days, to take back."""
    return shutil.copytree(days[0], tmp_path / "state")


def layers(state):
    """Checksums of what is published; wf05's note of the ids before this session is kept by session."""
    sums = checksums(state)
    return {table: checksum for table, checksum in sums.items() if not table.endswith("_id_previous")}


def of_layer(sums, layer):
    return {table: checksum for table, checksum in sums.items() if table.startswith(f"{layer}.")}


@pytest.mark.slow
def test_a_backfill_gives_the_tables_of_as_many_daily_runs(small, days, project, tmp_path):
    state = shutil.copytree(small, tmp_path / "state")
    words = ("backfill", "--from", DAYS[0], *QUICK)
    done = tdlocal(*words, "--to", DAYS[1], state=state, project=project)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert sessions_told(done) == DAYS[:2]
    assert layers(state) == days[1][1]
    again = tdlocal(*words, "--to", DAYS[-1], state=state, project=project)  # two are done, one is not
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    assert sessions_told(again) == DAYS
    assert layers(state) == days[1][-1]
    log = rows(state, "select session_time, count(*) as n from log_tbl where status = 'success' group by 1")
    assert len(log) == len(DAYS)


def sessions_told(done):
    """The days of which a backfill says how they ended."""
    told = [line.split(":")[0] for line in done.stdout.splitlines() if line.startswith("session 20")]
    return tuple(line.removeprefix("session ").removesuffix(" 00") for line in told)


def test_one_layer_goes_one_state_back_and_forward_again(days, state, project):
    _, sums, _ = days
    back = tdlocal("rollback", "wf06_golden", state=state, project=project)
    assert back.returncode == 0, back.stderr
    now = layers(state)
    assert of_layer(now, "golden_retail") == of_layer(sums[1], "golden_retail")
    assert {**now, **of_layer(sums[2], "golden_retail")} == sums[2], "another layer moved"
    assert "segments that were created stay as they are" in back.stdout
    words = ("run", "wf00_orchestration", "--session", DAYS[-1], "--plain", *QUICK)
    again = tdlocal(*words, state=state, project=project)  # the same command builds what was taken back
    assert again.returncode == 0 and "wf05_unify: skip" in again.stdout, again.stdout[-3000:]
    assert layers(state) == sums[2]
    for aim in (sums[1], sums[2]):
        assert tdlocal("rollback", "wf06_golden", state=state, project=project).returncode == 0
        assert of_layer(layers(state), "golden_retail") == of_layer(aim, "golden_retail")


def test_a_run_comes_back_whole_and_can_be_undone(days, state, project):
    _, sums, runs = days
    assert tdlocal("rollback", "--run", runs[0], state=state, project=project).returncode == 0
    assert layers(state) == sums[0], "keep_versions is 2: the day before yesterday is still there"
    logged = rows(state, KEPT)
    assert {row["database_name"] for row in logged} == set(LAYERS)
    assert all(row["n"] == 1 for row in logged)
    assert tdlocal("rollback", "--run", runs[2], state=state, project=project).returncode == 0
    assert layers(state) == sums[2]


def test_the_parameter_does_the_same(days, state, project):
    _, sums, runs = days
    words = ("run", "wf00_orchestration", "--session", DAYS[-1], "--rerun", "--plain", *QUICK)
    back = tdlocal(*words, "-p", f"rollback_to={runs[1]}", state=state, project=project)
    assert back.returncode == 0, back.stdout[-3000:] + back.stderr[-3000:]
    assert layers(state) == sums[1]
    gone = tdlocal(*words, "-p", "rollback_to=nobody", state=state, project=project)
    assert gone.returncode == 1
    assert "run 'nobody' is not in the log" in gone.stdout + gone.stderr


@pytest.mark.slow
@pytest.mark.parametrize("page", ["when-something-fails", "running-every-night"])
def test_every_command_of_the_operators_pages_works(days, project, tmp_path, page):
    folder = shutil.copytree(project, tmp_path / "project")
    shutil.copytree(days[0], folder / ".tdlocal")
    program = folder / "bin/tdlocal"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tdlocal.cli "$@"\n')
    program.chmod(0o755)
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=folder,
            env={**environment(), "PATH": f"{program.parent}:{environment()['PATH']}"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, block + done.stdout[-3000:] + done.stderr[-3000:]
