"""Three calls of ten go wrong: the pipeline ends right all the same, or names what is missing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections import Counter
from contextlib import contextmanager

import pytest
import yaml

from tests.pipeline.shop import command, environment, rows, run_pipeline
from tests.pipeline.small_shop import check_log, copy_of, left_by
from tests.support import ROOT

RATES = {"429": 0.06, "500": 0.06, "503": 0.05, "drop": 0.05, "lost": 0.05, "cut": 0.03, "slow": 0.04}


@contextmanager
def stumbling_account(state, faults):
    """An account of *state* that stumbles as *faults* say; the commands run meanwhile use it."""
    plan = state.parent / "faults.yml"
    plan.write_text(yaml.safe_dump(faults))
    with (state.parent / "serve.log").open("w") as log:
        server = subprocess.Popen(
            [*command("serve", "--port", "0", "--faults", str(plan), state=state)],
            cwd=ROOT,
            env=environment(),
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 60
        while not (state / "server.json").exists():
            assert server.poll() is None and time.monotonic() < deadline, log.name
            time.sleep(0.05)
        yield json.loads((state / "server.json").read_text())
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_three_calls_of_ten_going_wrong_change_nothing(small, unbroken, project, tmp_path):
    state = copy_of(small, tmp_path / "state")
    (state / "server.json").unlink(missing_ok=True)
    faults = [
        {"route": route, "kind": kind, "rate": rate, "seconds": 0.3}
        for kind, rate in RATES.items()
        for route in ("* /v3/*", "* /audiences*", "* /entities/*", "* /reporting/*", "* /api/*", "* /unif*")
    ]
    with stumbling_account(state, {"seed": 7, "faults": faults}):
        done = run_pipeline(state, "--plain", project=project)
        said = done.stdout + done.stderr
    assert done.returncode == 0, said[-4000:]
    assert left_by(state) == unbroken
    check_log(state, said)


def test_a_service_that_stays_away_is_named_and_the_rest_is_done(small_run, project, tmp_path):
    state = copy_of(small_run, tmp_path / "state")
    (state / "server.json").unlink(missing_ok=True)
    hasty = shutil.copytree(project, tmp_path / "project")
    config = hasty / "config/src_params.yml"
    config.write_text(config.read_text().replace("\n  tries: 12 ", "\n  tries: 3 "))
    words = ("--plain", "--rerun", "-p", "only=wf09_create_segment")
    with stumbling_account(state, {"faults": [{"route": "* /entities/segments*", "kind": "drop"}]}):
        done = run_pipeline(state, *words, project=hasty)
        said = done.stdout + done.stderr
        assert done.returncode == 1, said[-4000:]
        log = rows(state, "select workflow, status, error_message from log_tbl where status <> 'running'")
    ends = Counter((row["workflow"], row["status"]) for row in log)
    assert set(ends.values()) == {1}
    (failed,) = [row for row in log if row["status"] == "failure"]
    assert failed["workflow"] == "wf09_create_segment"
    assert re.match(r"(\d+) of \1 segments failed: Abandoned Cart, Age 18", failed["error_message"])
    mail = sorted((state / "mails").glob("*.txt"))[-1].read_text()
    assert "wf09_create_segment" in mail and "segments failed" in mail
