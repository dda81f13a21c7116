"""Two runs of one session at once, locks of the dead, and an account that dies in the middle."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tdlocal.local_server import local_account
from tests.pipeline.shop import command, environment, rows, tdlocal
from tests.pipeline.test_attempts import Console
from tests.support import ROOT

SLOW = "timezone: UTC\n+wait:\n  sh>: touch $FLAG; sleep 30\n"
ASKS = "+a:\n  td>:\n  query: select 1\n  database: d\n"
MAKES = "+first:\n  td>:\n  query: create table one as select 1 as x\n  database: d\n"
ALONE = """
timezone: UTC
_export:
  !include : config/src_params.yml
+params:
  py>: common.python.params.settle
+alone:
  py>: common.python.attempt.alone
  workflow_name: main
  _env: {TD_API_KEY: "${secret:td.apikey}", TD_API_SERVER: "${endpoints.api}"}
+wait:
  sh>: touch ${flag}; sleep ${seconds}
"""
WORDS = ("run", "main", "--session", "2026-11-01", "--plain")


def started(project, state, flag):
    """A run that has reached its task."""
    run = subprocess.Popen(
        command(*WORDS, state=state),
        cwd=project,
        env={**environment(), "FLAG": str(flag)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not flag.exists():
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    return run


def ended(run):
    run.kill()
    run.wait()
    run.stderr.close()


def test_a_second_run_of_the_session_stops_with_one_line(tmp_path):
    project, state, flag = tmp_path / "project", tmp_path / "state", tmp_path / "flag"
    project.mkdir()
    (project / "main.dig").write_text(SLOW)
    first = started(project, state, flag)
    try:
        second = tdlocal(*WORDS, state=state, project=project)
        assert second.returncode == 1
        (line,) = second.stderr.splitlines()
        assert "another run of this session is going on" in line and "to mend: wait for it" in line
        rerun = tdlocal(*WORDS, "--rerun", state=state, project=project)
        assert "another run of this session is going on" in rerun.stderr
        back = tdlocal("rollback", "wf06_golden", "--project", str(ROOT), state=state, project=project)
        assert back.returncode == 1 and "a run is going on, which publishes tables too" in back.stderr
    finally:
        ended(first)


def test_another_session_may_run_beside_it(tmp_path, monkeypatch):
    project, state, flag = tmp_path / "project", tmp_path / "state", tmp_path / "flag"
    project.mkdir()
    (project / "main.dig").write_text(SLOW.replace("sleep 30", "sleep $SLEEP"))
    monkeypatch.setenv("SLEEP", "30")
    first = started(project, state, flag)
    try:
        monkeypatch.setenv("SLEEP", "0")
        monkeypatch.setenv("FLAG", str(tmp_path / "other"))
        other = tdlocal("run", "main", "--session", "2026-11-02", state=state, project=project)
        assert other.returncode == 0, other.stderr
    finally:
        ended(first)


def test_a_run_and_an_attempt_of_the_console_do_not_meet(tmp_path):
    project, state, flag = tmp_path / "project", tmp_path / "state", tmp_path / "flag"
    project.mkdir()
    (project / "main.dig").write_text("timezone: UTC\n+wait:\n  sh>: touch ${flag}; sleep ${seconds}\n")
    words = (*WORDS, "-p", f"flag={flag}", "-p", "seconds=0")
    with local_account(state) as server:
        console = Console(server, project, "main")
        attempt = console.start("2026-11-01", flag=str(flag), seconds=30)
        deadline = time.monotonic() + 60
        while not flag.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        beside = tdlocal(*words, state=state, project=project)
        assert "another run of this session is going on" in beside.stderr
        console.ask("POST", f"/api/attempts/{attempt['id']}/kill")
        assert not console.ended(attempt)["success"]
        assert tdlocal(*words, state=state, project=project).returncode == 0


def test_sessions_that_do_not_overlap_by_their_schedule_do_not_meet(tmp_path):
    project, state, flag = tmp_path / "project", tmp_path / "state", tmp_path / "flag"
    project.mkdir()
    schedule = "schedule:\n  daily>: 04:00:00\n  skip_on_overtime: true\n"
    (project / "main.dig").write_text(schedule + SLOW)
    first = started(project, state, flag)
    try:
        other = tdlocal("run", "main", "--session", "2026-11-02", state=state, project=project)
        (line,) = other.stderr.splitlines()
        assert other.returncode == 1 and "another session of main is going on" in line and "to mend" in line
    finally:
        ended(first)


def test_two_attempts_on_the_same_databases_do_not_meet(tmp_path):
    project, flag = tmp_path / "project", tmp_path / "flag"
    shutil.copytree(ROOT / "common", project / "common", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "config", project / "config")
    (project / "main.dig").write_text(ALONE)
    with local_account(tmp_path / "state") as server:
        console = Console(server, project, "main")
        first = console.start("2026-11-01", flag=str(flag), seconds=60)
        deadline = time.monotonic() + 60
        while not flag.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        quick = {"flag": str(tmp_path / "other"), "seconds": 0}
        trial = console.start("2026-11-02", sub="trial", **quick)
        beside = [console.start(session, **quick) for session in ("2026-11-01", "2026-11-02")]
        assert console.ended(trial)["success"]
        for attempt in beside:
            assert not console.ended(attempt)["success"]
            tasks = console.ask("GET", f"/api/attempts/{attempt['id']}/tasks")["tasks"]
            (message,) = [task["error"]["message"] for task in tasks if task["fullName"] == "+main+alone"]
            assert f"another run is at work: attempt {first['id']}, session 2026-11-01" in message
            assert "to mend: wait" in message
        console.ask("POST", f"/api/attempts/{first['id']}/kill")
        console.ended(first)
        console.run("2026-11-01", flag=str(flag), seconds=0)


def test_the_lock_of_a_killed_run_is_no_lock(tmp_path):
    project, state, flag = tmp_path / "project", tmp_path / "state", tmp_path / "flag"
    project.mkdir()
    (project / "main.dig").write_text(SLOW)
    first = started(project, state, flag)
    first.send_signal(signal.SIGKILL)
    ended(first)
    (project / "main.dig").write_text("timezone: UTC\n+wait:\n  sh>: 'true'\n")
    again = tdlocal(*WORDS, state=state, project=project)
    assert again.returncode == 0, again.stderr


def test_an_account_that_died_left_no_lock_either(tmp_path):
    state = tmp_path / "state"
    assert tdlocal("query", "create schema d", state=state).returncode == 0
    server = subprocess.Popen(
        command("serve", "--port", "0", state=state),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not (state / "server.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert json.loads((state / "server.json").read_text())["pid"] == server.pid
    second = tdlocal("serve", "--port", "0", state=state)
    assert second.returncode == 1 and "the state folder is in use by process" in second.stderr
    server.kill()
    server.wait()
    assert (state / "server.json").exists(), "a kill leaves it there"
    assert tdlocal("query", "select 1", state=state).returncode == 0


KILL = "kill -9 $(grep -Po '\"pid\": \\K[0-9]+' $STATE/server.json)"
HEAVY = (
    "select max(x * y % 1013) as n from unnest(sequence(1, 9999)) as a (x)"
    " cross join unnest(sequence(1, 9999)) as b (y)"
)
LONGER = " cross join unnest(sequence(1, 6)) as c (z)"  # than the first request is held
WAITS = """
import sqlite3, sys, time
jobs = sqlite3.connect(sys.argv[1])
while not jobs.execute("select 1 from jobs where status = 'running' and query like '%1013%'").fetchall():
    time.sleep(0.01)
"""
RUNNING = "jobs where status = 'running' and query"


def shot_at(tmp_path, monkeypatch, tasks):
    """A project that kills its own account, and an account with a database."""
    project, state = tmp_path / "project", tmp_path / "state"
    project.mkdir()
    assert tdlocal("query", "create schema d", state=state).returncode == 0
    (project / "main.dig").write_text(f"timezone: UTC\n{tasks}")
    (project / "kill.sh").write_text(f"{KILL}\n")
    (project / "wait.py").write_text(WAITS)
    waits = f"{sys.executable} wait.py $STATE/account.sqlite"
    (project / "later.sh").write_text(f"({waits} && {KILL}) > /dev/null 2>&1 &\n")
    monkeypatch.setenv("STATE", str(state))
    return project, state


def test_a_run_whose_account_is_killed_goes_on_with_a_new_one(tmp_path, monkeypatch):
    tasks = f"{MAKES}+kills:\n  sh>: bash kill.sh\n{ASKS}"
    project, state = shot_at(tmp_path, monkeypatch, tasks)
    run = tdlocal(*WORDS, state=state, project=project, timeout=120)
    assert run.returncode == 0, run.stderr
    assert "the account was killed (signal 9) and has been started again" in run.stderr


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_a_result_output_in_hand_when_the_account_is_killed_is_delivered_once(tmp_path, monkeypatch, mode):
    output = f'{{"type": "td", "database": "d", "table": "two", "mode": "{mode}"}}'
    heavy = f"+heavy:\n  td>:\n  query: {HEAVY}\n  database: d\n  result_url: '{output}'\n"
    project, state = shot_at(tmp_path, monkeypatch, f"{MAKES}+kills:\n  sh>: bash later.sh\n{heavy}")
    assert tdlocal("query", "create table d.two as select 1 as n", state=state).returncode == 0
    run = tdlocal(*WORDS, state=state, project=project, timeout=120)
    assert run.returncode == 0, run.stderr
    assert "has been started again" in run.stderr
    expected = [{"n": 1}, {"n": 1012}] if mode == "append" else [{"n": 1012}]
    assert rows(state, "select n from two order by n", "d") == expected


@pytest.mark.parametrize("target", ["create_table", "insert_into"])
def test_a_job_in_hand_when_the_account_is_killed_goes_on(tmp_path, monkeypatch, target):
    heavy = f"+heavy:\n  td>:\n  query: {HEAVY}\n  database: d\n  {target}: two\n"
    project, state = shot_at(tmp_path, monkeypatch, f"{MAKES}+kills:\n  sh>: bash later.sh\n{heavy}")
    run = tdlocal(*WORDS, state=state, project=project, timeout=120)
    assert run.returncode == 0, run.stderr
    assert "has been started again" in run.stderr
    column = "n" if target == "create_table" else '"time"'  # insert_into fills by place
    assert rows(state, f"select {column} as n from two", "d") == [{"n": 1012}]


def test_the_statements_of_a_python_task_are_done_once_though_the_account_is_killed(tmp_path, monkeypatch):
    tasks = (
        "+kills:\n  sh>: bash later.sh\n+asks:\n  py>: tasks.main\n"
        "  _env: {TD_API_KEY: '${secret:td.apikey}', TD_API_SERVER: 'https://api.treasuredata.com'}\n"
    )
    project, state = shot_at(tmp_path, monkeypatch, tasks)
    (project / "common").symlink_to(ROOT / "common")
    (project / "tasks.py").write_text(
        "from common.python import treasure\n\n\ndef main():\n"
        "    sql = 'drop table if exists two; create table two as select 1 as n;'\n"
        "    sql += 'insert into two (n) select 2;'\n"
        f"    treasure.run_query('d', sql + 'insert into two (n) {HEAVY}; insert into two (n) select 3')\n"
    )
    run = tdlocal(*WORDS, state=state, project=project, timeout=120)
    assert run.returncode == 0, run.stderr
    assert "has been started again" in run.stderr
    assert rows(state, "select n from two order by n", "d") == [{"n": n} for n in (1, 2, 3, 1012)]


def test_the_statements_of_pytd_go_on_though_the_account_is_killed(tmp_path, monkeypatch):
    tasks = (
        "+kills:\n  sh>: bash later.sh\n+asks:\n  py>: tasks.main\n"
        "  _env: {TD_API_KEY: '${secret:td.apikey}', TD_API_SERVER: 'https://api.treasuredata.com'}\n"
    )
    project, state = shot_at(tmp_path, monkeypatch, tasks)
    (project / "wait.py").write_text(WAITS.replace(RUNNING, "statements where sql"))
    (project / "tasks.py").write_text(
        "import pandas, pytd\n\n\ndef main():\n"
        "    client = pytd.Client(database='d')\n"
        f"    found = client.query({HEAVY + LONGER!r})['data']\n"
        "    client.query(f'create table two as select {found[0][0]} as n')\n"
        "    client.load_table_from_dataframe(\n"
        "        pandas.DataFrame({'n': [3]}), 'd.two', writer='insert_into', if_exists='append')\n"
    )
    run = tdlocal(*WORDS, state=state, project=project, timeout=120)
    assert run.returncode == 0, run.stderr
    assert "has been started again" in run.stderr
    assert rows(state, "select n from two order by n", "d") == [{"n": 3}, {"n": 1012}]


def test_an_account_that_is_killed_again_and_again_is_given_up(tmp_path, monkeypatch):
    tasks = "".join(
        f"+kills{number}:\n  sh>: bash kill.sh\n+asks{number}:\n  td>:\n  query: select 1\n  database: d\n"
        for number in range(4)
    )
    project, state = shot_at(tmp_path, monkeypatch, f"{MAKES}{tasks}")
    run = tdlocal(*WORDS, state=state, project=project, timeout=300)
    assert run.returncode == 1
    assert "the account did not answer" in run.stderr and "what succeeded is skipped" in run.stderr
    again = tdlocal(*WORDS, state=state, project=project)
    assert again.returncode == 0, again.stderr
    assert "1 ok, 8 skipped" in again.stderr
