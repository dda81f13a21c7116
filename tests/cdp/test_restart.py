"""What was acknowledged is there after the server is gone, also when it was killed at work."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tdlocal.local_server import local_account
from tests.cdp.support import Client, Running
from tests.cdp.test_workflows import archive

SLOW = "+wait:\n  sh>: sleep 60.${token}\n"


def call(server: object, method: str, path: str, **named: object) -> requests.Response:
    headers = {"Authorization": f"TD1 {server.key}"}  # type: ignore[attr-defined]
    return requests.request(method, f"{server.url}{path}", headers=headers, timeout=30, **named)  # type: ignore


def test_state_is_there_after_a_restart(tmp_path: Path) -> None:
    with Running(tmp_path) as client:
        client.account.engine.create_database("gld")
        client.sql("create table people as select 'a' as pid", "gld")
        master = {"parentDatabaseName": "gld", "parentTableName": "people"}
        made = client.post("/audiences", {"name": "Kept", "master": master})
        attempt = client.build_audience(made["id"])
        segment = client.post(f"/audiences/{made['id']}/segments", {"name": "All", "countPopulation": True})
        tasks = client.get(f"/api/attempts/{attempt['id']}/tasks")
    with Running(tmp_path) as client:
        assert client.get("/audiences")[0]["population"] == 1
        assert client.get(f"/audiences/{made['id']}/segments")[0]["id"] == segment["id"]
        assert client.get(f"/api/attempts/{attempt['id']}")["status"] == "success"
        assert client.get(f"/api/attempts/{attempt['id']}/tasks") == tasks


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc to see processes")
def test_a_killed_server_leaves_no_running_attempt_and_no_child(tmp_path: Path) -> None:
    """kill -9 while a pushed workflow runs: its tasks end too; the attempt is an error and can be retried."""
    state = tmp_path / "state"
    state.mkdir()
    serve = [sys.executable, "-m", "tdlocal.cli", "serve", "--state", str(state), "--port", "0"]
    process = subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        until(lambda: (state / "server.json").exists())
        server = stack.enter_context(local_account(state))
        pushed = call(
            server, "PUT", "/api/projects?project=p&revision=r", data=archive({"main.dig": SLOW})
        ).json()
        workflow = call(server, "GET", f"/api/projects/{pushed['id']}/workflows/main").json()["id"]
        token = str(os.getpid())
        start = {"workflowId": workflow, "sessionTime": "2026-11-01T00:00:00Z", "params": {"token": token}}
        attempt = call(server, "PUT", "/api/attempts", json=start).json()["id"]
        wait_for_task(server, attempt)
        until(lambda: any(f"sleep 60.{token}" in command for command in commands()))
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(lambda: not any(f"sleep 60.{token}" in command for command in commands()))
        with local_account(state) as again:
            shown = call(again, "GET", f"/api/attempts/{attempt}").json()
            assert (shown["done"], shown["status"]) == (True, "error")
            sessions = call(again, "GET", "/api/sessions").json()["sessions"]
            assert sessions[0]["lastAttempt"]["id"] == attempt
            retry = start | {"retryAttemptName": "again", "resume": {"mode": "failed", "attemptId": attempt}}
            second = call(again, "PUT", "/api/attempts", json=retry).json()["id"]
            assert call(again, "POST", f"/api/attempts/{second}/kill").json()["cancelRequested"]


def wait_for_task(server: object, attempt: str) -> None:
    """Wait until the attempt's task is at work."""

    def at_work() -> bool:
        tasks = call(server, "GET", f"/api/attempts/{attempt}/tasks").json()["tasks"]
        return any(task["fullName"] == "+main+wait" and task["state"] == "running" for task in tasks)

    until(at_work)


def test_require_of_an_audience_in_a_real_run(tmp_path: Path) -> None:
    """`tdlocal run` with require> builds the audience in the account that it started itself."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "main.dig").write_text(
        "+ask:\n  require>: audience\n  project_name: cdp_audience_1\n"
        "+count:\n  td>: {data: 'select count(*) as people from customers'}\n"
        "  database: cdp_audience_1\n  store_last_results: true\n"
        "+tell:\n  echo>: people ${td.last_results.people}\n"
    )
    state = tmp_path / "state"
    with Running(state) as client:
        client.account.engine.create_database("gld")
        client.sql("create table people as select 'a' as pid union all select 'b'", "gld")
        client.post(
            "/audiences", {"name": "A", "master": {"parentDatabaseName": "gld", "parentTableName": "people"}}
        )
        ran = run(client, project, state)
    assert "people 2" in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == 0


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, at most a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it does not come true")


def commands() -> Iterator[str]:
    """What the processes of this machine run; nothing where there is no /proc."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")


def run(client: Client, project: Path, state: Path) -> subprocess.CompletedProcess[str]:
    """Run main.dig against the account of *client*."""
    facts = {"pid": os.getpid(), "url": client.url, "smtp_port": 0}
    (state / "server.json").write_text(json.dumps(facts))
    (state / "api_key").write_text(client.account.key)
    command = [
        sys.executable,
        "-m",
        "tdlocal.cli",
        "run",
        "main",
        "--state",
        str(state),
        "--session",
        "2026-11-01",
    ]
    environment = {key: value for key, value in os.environ.items() if key != "TD_API_KEY"}
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, env=environment)
