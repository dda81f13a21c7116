"""The running server: starting, sharing, stopping, refusing, stumbling on purpose."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests

from tdlocal.api.server import Application
from tdlocal.api.wire import ROUTES, Request
from tdlocal.errors import KitError
from tdlocal.local_server import LocalServer, is_locked, local_account

SERVE = [sys.executable, "-m", "tdlocal.cli", "serve"]


@contextmanager
def serving(state: Path, *words: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """`tdlocal serve` in a process of its own."""
    process = subprocess.Popen(
        [*SERVE, "--state", str(state), "--port", "0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(env or {})},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def address(state: Path, process: subprocess.Popen[str]) -> str:
    """Where a starting server answers."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            facts = json.loads((state / "server.json").read_text())
            if facts["pid"] == process.pid:
                return str(facts["url"])
        except (OSError, ValueError):
            pass
        time.sleep(0.01)
    raise AssertionError("the server did not start")


# ---- routes


def test_every_route_names_its_source(application: Application) -> None:
    assert ROUTES and all(route.source for route in ROUTES)


def test_no_two_routes_are_the_same(application: Application) -> None:
    shapes = [
        (route.method, tuple("{}" if part[0] == "{" else part for part in route.segments)) for route in ROUTES
    ]
    assert len(shapes) == len(set(shapes))


def test_slashes_do_not_count(application: Application) -> None:
    for path in ("//v3/database/list", "/v3/database/list/", "/v3//database/list"):
        found = application.router.find("GET", path)
        request = Request("GET", path, headers={"authorization": "TD1 1/test"})
        assert application.reply_to(found, request).status == 200


# ---- start, share, stop


def test_it_starts_in_under_a_second_and_stops(tmp_path: Path) -> None:
    started = time.perf_counter()
    with local_account(tmp_path / "state") as server:
        assert requests.get(f"{server.url}/v3/system/server_status").json() == {"status": "ok"}
        took = time.perf_counter() - started
        assert stat.S_IMODE((server.state / "api_key").stat().st_mode) == 0o600
    assert not is_locked(tmp_path / "state")
    assert not (tmp_path / "state" / "server.json").exists()
    assert took < 5  # under 1 s on an idle machine


def test_two_commands_share_one_server(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with local_account(state) as first:
        with local_account(state) as second:
            assert second == first
        assert requests.get(f"{first.url}/v3/system/server_status").ok
    assert not is_locked(state)


def test_the_server_outlives_the_command_that_started_it_while_another_uses_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = local_account(state)
    server = first.__enter__()
    second = local_account(state)
    second.__enter__()
    started = time.perf_counter()
    first.__exit__(None, None, None)
    assert time.perf_counter() - started < 5
    assert requests.get(f"{server.url}/v3/system/server_status").ok
    second.__exit__(None, None, None)
    with local_account(state) as third:
        assert requests.get(f"{third.url}/v3/system/server_status").ok


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    state = tmp_path / "state"
    code = (
        "import sys, time; from pathlib import Path; from tdlocal.local_server import local_account\n"
        f"with local_account(Path({str(state)!r})): print('up', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None and parent.stdout.readline() == "up\n"
    assert is_locked(state)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while is_locked(state) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_locked(state)


def test_a_stale_server_file_does_no_harm(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        facts = {"pid": 1, "url": f"http://127.0.0.1:{taken.getsockname()[1]}", "smtp_port": 1, "port": 1}
        (state / "server.json").write_text(json.dumps(facts))
    (state / "server.lock").touch()
    with local_account(state) as server:
        assert requests.get(f"{server.url}/v3/system/server_status").ok


def test_a_folder_in_use_says_by_whom(tmp_path: Path) -> None:
    with local_account(tmp_path) as server:
        second = subprocess.run(
            [*SERVE, "--state", str(tmp_path), "--port", "0"], capture_output=True, text=True, timeout=30
        )
    assert second.returncode == 1
    assert "in use by process" in second.stderr and server.url in second.stderr


def test_a_taken_port_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*SERVE, "--state", str(tmp_path), "--port", port], capture_output=True, text=True, timeout=30
        )
    assert done.returncode == 1 and f"port {port}" in done.stderr


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KitError, match="cannot be made"), local_account(tmp_path / "file" / "state"):
        pass


def test_other_machines_only_with_a_key_of_ones_own(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "TD_API_KEY"}
    done = subprocess.run(
        [*SERVE, "--state", str(tmp_path), "--port", "0", "--listen", "0.0.0.0"],
        capture_output=True, text=True, timeout=30, env=env,
    )  # fmt: skip
    assert done.returncode == 1 and "TD_API_KEY" in done.stderr
    with serving(tmp_path, "--listen", "0.0.0.0", env={"TD_API_KEY": "1/mine"}) as process:
        port = address(tmp_path, process).rpartition(":")[2]
        url = f"http://127.0.0.1:{port}/v3/database/list"
        assert requests.get(url, headers={"Authorization": "TD1 1/mine"}).ok
        assert requests.get(url).status_code == 401


def test_the_key_comes_from_the_environment_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TD_API_KEY", "1/of-my-own")
    with local_account(tmp_path) as server:
        assert server.key == "1/of-my-own"
    monkeypatch.delenv("TD_API_KEY")
    with local_account(tmp_path) as server:
        assert server.key == "1/of-my-own"


def test_no_key_is_logged_and_what_clients_need_is_printed(tmp_path: Path) -> None:
    with serving(tmp_path) as process:
        url = address(tmp_path, process)
        key = (tmp_path / "api_key").read_text().strip()
        requests.get(f"{url}/v3/database/list", headers={"Authorization": f"TD1 {key}"})
        requests.get(f"{url}/v3/nothing", headers={"Authorization": f"TD1 {key}"})
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=10)
    assert f"export TD_API_SERVER={url}" in printed and f"export TD_PRESTO_API={url}" in printed
    assert key not in printed
    assert process.returncode == 0


# ---- limits


def test_a_body_that_is_too_large_is_refused(server: LocalServer) -> None:
    body = b"x" * (33 * 2**20)
    answer = requests.post(
        f"{server.url}/v3/job/issue/presto/db", data=body, headers={"Authorization": server.key}
    )
    assert answer.status_code == 413


# ---- the outbox


def test_a_mail_lands_in_the_outbox(server: LocalServer) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Résumé", "a@example.com", "b@example.com"
    mail.set_content("plain é")
    mail.add_alternative("<p>html é</p>", subtype="html")
    with smtplib.SMTP(*server.smtp) as smtp:
        smtp.send_message(mail, to_addrs=["b@example.com", "c@example.com"])
    headers = {"Authorization": server.key}
    listed = requests.get(f"{server.url}/local/mails", headers=headers).json()["mails"]
    assert listed[-1]["subject"] == "Résumé" and listed[-1]["to"] == ["b@example.com", "c@example.com"]
    file = server.state / "mails" / listed[-1]["file"]
    assert file.with_suffix(".html").read_text().strip() == "<p>html é</p>"
    assert file.with_suffix(".txt").read_text().strip() == "plain é"
    assert b"Subject" in requests.get(f"{server.url}/local/mails/1", headers=headers).content


# ---- faults on demand

FAULTS = """
seed: 3
faults:
  - {route: "GET /v3/database/list", kind: 503, times: 2, retry_after: 1}
  - {route: "GET /v3/user/list", kind: "429", after: 1, retry_after: 2}
  - {route: "POST /v3/database/create/lost*", kind: lost}
  - {route: "POST /v3/database/create/drop*", kind: drop}
  - {route: "GET /v3/user/show", kind: cut}
  - {route: "GET /v3/result/list", kind: slow, seconds: 0.5}
  - {route: "GET /v3/schedule/list", kind: 500, rate: 0.5}
"""


def test_faults_on_demand(tmp_path: Path) -> None:
    plan = tmp_path / "faults.yml"
    plan.write_text(FAULTS)
    with serving(tmp_path / "state", "--faults", str(plan)) as process:
        url = address(tmp_path / "state", process)
        headers = {"Authorization": (tmp_path / "state" / "api_key").read_text().strip()}

        def get(path: str) -> requests.Response:
            return requests.get(f"{url}/v3/{path}", headers=headers, timeout=10)

        answers = [get("database/list") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [503, 503, 200]
        assert answers[0].headers["Retry-After"] == "1"
        assert [get("user/list").status_code for _ in range(3)] == [200, 429, 429]
        for name in ("lost_one", "drop_one"):
            with pytest.raises(requests.ConnectionError):
                requests.post(f"{url}/v3/database/create/{name}", headers=headers, timeout=10)
        # lost: the work was done, only the answer went missing; dropped: it was not
        assert [one["name"] for one in get("database/list").json()["databases"]] == ["lost_one"]
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            get("user/show")
        started = time.perf_counter()
        assert get("result/list").ok and time.perf_counter() - started >= 0.5
        codes = [get("schedule/list").status_code for _ in range(40)]
        assert 8 <= codes.count(500) <= 32 and set(codes) == {200, 500}


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("faults: 3", "no list"),
        ("faults: [{route: x}]", "entry needs"),
        ("faults: [{route: x, kind: burn}]", "unknown kind 'burn'"),
        ("faults: [{route: x, kind: drop, often: 3}]", "unknown word 'often'"),
        ("faults: [{route: x, kind: drop, rate: high}]", "rate must be"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_fault_file_that_makes_no_sense(tmp_path: Path, text: str, complaint: str) -> None:
    from tdlocal.api.faults import read_faults

    (tmp_path / "faults.yml").write_text(text)
    with pytest.raises(KitError, match=complaint):
        read_faults(tmp_path / "faults.yml")


def test_commands_that_start_at_once_share_one_server(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tdlocal.cli", "query", "--state", str(tmp_path), "--format", "csv"]
    started = [
        subprocess.Popen(
            [*words, f"select {n} as n"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for n in range(4)
    ]
    assert [process.communicate(timeout=60)[0] for process in started] == [f"n\n{n}\n" for n in range(4)]
    deadline = time.monotonic() + 10
    while is_locked(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_locked(tmp_path)
