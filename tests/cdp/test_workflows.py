"""The usual scripts around workflows: push, start, poll, read logs; archives that must not be unpacked."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tdlocal.account import project_archive
from tests.cdp.support import Client, Running

MAIN = """
timezone: Asia/Tokyo
schedule:
  daily>: 07:00:00
+hello:
  echo>: "hello ${who} ${session_time}"
+group:
  +secret:
    sh>: echo "the secret has $(printf %s "$HIDDEN" | wc -c) letters"
    _env: {HIDDEN: "${secret:shop.password}"}
  +number:
    echo>: ${count + 1}
"""
BROKEN = "+a:\n  echo>: 1\n  sh>: echo 2\n"
FLAKY = """
+first:
  sh>: echo ran >> ${ledger}
+second:
  sh>: test -e ${gate}
"""
SLOW = "+wait:\n  sh>: sleep 60\n"


def archive(files: dict[str, str], *, folders: tuple[str, ...] = ()) -> bytes:
    """A tar.gz of *files*, with entries for *folders* as plain `tar` makes them."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for name in folders:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return data.getvalue()


def push(client: Client, name: str, files: dict[str, str], revision: str = "r1") -> Any:
    response = client.call(
        "PUT",
        f"/api/projects?project={name}&revision={revision}",
        data=archive(files),
        headers={"Content-Type": "application/gzip"},
    )
    assert response.status_code == 200, response.text
    return response.json()


def start(client: Client, project: Any, workflow: str, **more: Any) -> Any:
    found = client.get(f"/api/projects/{project['id']}/workflows/{workflow}")
    body = {"workflowId": found["id"], "sessionTime": "2026-11-01T00:00:00+09:00", "params": {}} | more
    return client.put("/api/attempts", body)


def states(client: Client, attempt: str) -> dict[str, str]:
    return {task["fullName"]: task["state"] for task in client.get(f"/api/attempts/{attempt}/tasks")["tasks"]}


def log(client: Client, attempt: str, task: str) -> str:
    (file,) = client.get(f"/api/logs/{attempt}/files?task={task}")["files"]
    data = client.call("GET", f"/api/logs/{attempt}/files/{file['fileName']}").content
    assert len(data) == file["fileSize"]
    return gzip.decompress(data).decode()


def test_push_start_poll_and_read_the_log(client: Client) -> None:
    project = push(client, "shop", {"main.dig": MAIN, "config/deep/file.yml": "a: 1\n"})
    assert project["revision"] == "r1" and project["archiveType"] == "db" and len(project["archiveMd5"]) == 24
    assert client.call(
        "PUT", f"/api/projects/{project['id']}/secrets/shop.password", {"value": "hushhush"}
    ).ok
    assert client.get(f"/api/projects/{project['id']}/secrets") == {"secrets": [{"key": "shop.password"}]}
    attempt = start(client, project, "main", params={"who": "world", "count": 41})
    assert attempt["status"] == "running" and attempt["sessionTime"] == "2026-11-01T00:00:00+09:00"
    ended = client.ended(attempt["id"])
    assert (ended["status"], ended["done"], ended["success"]) == ("success", True, True)
    assert ended["params"] == {"who": "world", "count": 41}
    assert "hello world 2026-11-01T00:00:00+09:00" in log(client, attempt["id"], "%2Bmain%2Bhello")
    assert "8 letters" in log(client, attempt["id"], "%2Bmain%2Bgroup%2Bsecret")
    assert "42" in log(client, attempt["id"], "%2Bmain%2Bgroup%2Bnumber")
    assert set(states(client, attempt["id"]).values()) == {"success"}
    assert list(states(client, attempt["id"]))[:4] == [
        "+main",
        "+main+hello",
        "+main+group",
        "+main+group+secret",
    ]
    kept = {path.name for path in (client.account.state / "attempts" / attempt["id"]).iterdir()}
    assert not kept & {"api_key", "secrets", "project", "server.json"}
    assert "hushhush" not in "".join(
        client.call("GET", f"/api/logs/{attempt['id']}/files/{file['fileName']}").text
        for file in client.get(f"/api/logs/{attempt['id']}/files")["files"]
    )


def test_json_is_compact_with_id_before_name(client: Client) -> None:
    project = push(client, "compact", {"main.dig": MAIN})
    for path in ("/api/projects?name=compact", "/api/console/projects?name=compact"):
        text = client.call("GET", path).text
        assert f'"id":"{project["id"]}","name":"compact"' in text


def test_the_same_session_is_not_run_twice(client: Client) -> None:
    project = push(client, "once", {"main.dig": "+a:\n  echo>: 1\n"})
    attempt = start(client, project, "main")
    workflow = client.get(f"/api/projects/{project['id']}/workflows/main")["id"]
    body = {"workflowId": workflow, "sessionTime": "2026-11-01T00:00:00+09:00"}
    status, earlier = client.refused("PUT", "/api/attempts", body)
    assert (status, earlier["id"]) == (409, attempt["id"])
    again = client.put("/api/attempts", body | {"retryAttemptName": "again"})
    assert (again["index"], again["sessionId"]) == (2, attempt["sessionId"])
    client.ended(again["id"])
    listed = client.get("/api/attempts?project=once&workflow=main&include_retried=true&page_size=10")[
        "attempts"
    ]
    assert [one["id"] for one in listed] == [again["id"], attempt["id"]]
    assert len(client.get("/api/attempts?project=once")["attempts"]) == 1
    assert len(client.get(f"/api/attempts/{attempt['id']}/retries")["attempts"]) == 2
    sessions = client.get(f"/api/projects/{project['id']}/sessions")["sessions"]
    assert [one["lastAttempt"]["id"] for one in sessions] == [again["id"]]


def test_a_retry_goes_on_from_the_failed_task(client: Client, tmp_path: Path) -> None:
    project = push(client, "flaky", {"main.dig": FLAKY})
    params = {"ledger": str(tmp_path / "ledger"), "gate": str(tmp_path / "gate")}
    first = client.ended(start(client, project, "main", params=params)["id"])
    assert first["status"] == "error"
    assert states(client, first["id"])["+main+second"] == "error"
    assert states(client, first["id"])["+main"] == "group_error"
    (tmp_path / "gate").touch()
    resume = {"mode": "failed", "attemptId": first["id"]}
    second = start(client, project, "main", params=params, retryAttemptName="r", resume=resume)
    assert client.ended(second["id"])["status"] == "success"
    assert (tmp_path / "ledger").read_text() == "ran\n"


def test_a_task_knows_what_the_api_calls_its_attempt(client: Client) -> None:
    facts = "${[session_uuid, session_id, attempt_id, project_id, retry_attempt_name].join()}"
    project = push(client, "named", {"main.dig": f'+a:\n  echo>: "{facts}"\n'})
    start(client, project, "main")
    attempt = start(client, project, "main", retryAttemptName="again")
    expected = [attempt[name] for name in ("sessionUuid", "sessionId", "id")] + [project["id"], "again"]
    assert ",".join(map(str, expected)) in log(client, client.ended(attempt["id"])["id"], "%2Bmain%2Ba")


def test_a_killed_attempt_stops(client: Client) -> None:
    project = push(client, "slow", {"main.dig": SLOW})
    attempt = start(client, project, "main")
    for _ in range(400):
        if states(client, attempt["id"]).get("+main+wait") == "running":
            break
        time.sleep(0.02)
    shown = client.post(f"/api/attempts/{attempt['id']}/kill", {"id": attempt["id"]})
    assert shown["cancelRequested"]
    ended = client.ended(attempt["id"])
    assert (ended["status"], ended["success"]) == ("killed", False)


def test_a_task_talks_to_the_account_it_was_pushed_to(tmp_path: Path) -> None:
    """td> in a pushed project runs on this very account."""
    dig = "+ask:\n  td>: {data: 'select 6 * 7 as answer'}\n  database: shop\n  create_table: answers\n"
    with Running(tmp_path) as client:
        client.account.engine.create_database("shop")
        project = push(client, "asking", {"main.dig": dig})
        ended = client.ended(start(client, project, "main")["id"])
        assert ended["status"] == "success", log(client, ended["id"], "%2Bmain")
        assert client.sql("select answer from answers", "shop") == [(42,)]


def test_a_broken_project_is_refused_whole(client: Client) -> None:
    push(client, "grow", {"main.dig": "+a:\n  echo>: 1\n"})
    response = client.call(
        "PUT", "/api/projects?project=grow&revision=r2", data=archive({"main.dig": BROKEN})
    )
    assert response.status_code == 400
    assert response.json()["status"] == 400 and "main.dig:" in response.json()["message"]
    assert client.get("/api/projects?name=grow")["projects"][0]["revision"] == "r1"


def test_a_new_revision_is_the_present_one(client: Client) -> None:
    project = push(client, "turns", {"main.dig": "+a:\n  echo>: 1\n"})
    again = push(client, "turns", {"main.dig": "+a:\n  echo>: 2\n", "more.dig": "+b:\n  echo>: 3\n"}, "r2")
    assert again["id"] == project["id"] and again["revision"] == "r2"
    assert [
        one["revision"] for one in client.get(f"/api/projects/{project['id']}/revisions")["revisions"]
    ] == [
        "r2",
        "r1",
    ]
    names = [one["name"] for one in client.get(f"/api/projects/{project['id']}/workflows")["workflows"]]
    assert names == ["main", "more"]
    old = client.get(f"/api/projects/{project['id']}/workflows?revision=r1")["workflows"]
    assert [one["config"] for one in old] == [{"+a": {"echo>": 1}}]
    pushed = archive({"main.dig": "+a:\n  echo>: 1\n"})
    assert client.call("GET", f"/api/projects/{project['id']}/archive?revision=r1").content == pushed
    status, _ = client.refused("DELETE", "/api/projects/999999")
    assert status == 404
    client.delete(f"/api/projects/{project['id']}")
    assert client.get("/api/projects?name=turns") == {"projects": []}


def test_schedules_tell_the_next_run_and_can_be_disabled(client: Client) -> None:
    project = push(client, "daily", {"main.dig": MAIN})
    (one,) = client.get(f"/api/projects/{project['id']}/schedules")["schedules"]
    assert one["workflow"]["name"] == "main" and one["disabledAt"] is None
    assert one["nextRunTime"].endswith("T22:00:00Z") and one["nextScheduleTime"].endswith("T00:00:00+09:00")
    assert client.post(f"/api/schedules/{one['id']}/disable")["disabledAt"]
    assert client.post(f"/api/schedules/{one['id']}/enable")["disabledAt"] is None
    later = client.post(f"/api/schedules/{one['id']}/skip", {"count": 2})["nextScheduleTime"]
    assert datetime.fromisoformat(later) - datetime.fromisoformat(one["nextScheduleTime"]) == timedelta(
        days=2
    )


def test_backfill_starts_each_past_session_once(client: Client) -> None:
    project = push(
        client, "filled", {"main.dig": "schedule:\n  daily>: 00:00:00\n+a:\n  echo>: ${session_date}\n"}
    )
    (one,) = client.get(f"/api/projects/{project['id']}/schedules")["schedules"]
    upcoming = datetime.fromisoformat(one["nextScheduleTime"])
    order = {"fromTime": (upcoming - timedelta(days=3)).isoformat(), "attemptName": "fill"}
    path = f"/api/schedules/{one['id']}/backfill"
    assert len(client.post(path, order | {"dryRun": True})["attempts"]) == 3
    assert client.get("/api/attempts?project=filled")["attempts"] == []
    started = client.post(path, order)["attempts"]
    assert [datetime.fromisoformat(each["sessionTime"]) for each in started] == [
        upcoming - timedelta(days=days) for days in (3, 2, 1)
    ]
    assert {client.ended(each["id"])["status"] for each in started} == {"success"}
    again = client.post(path, order)["attempts"]
    assert [each["id"] for each in again] == [each["id"] for each in started]
    assert client.refused("POST", path, {"attemptName": "x"})[0] == 400
    assert client.refused("POST", path, {"fromTime": "2026-11-01"})[0] == 400


def test_the_clock_starts_what_is_due_and_only_the_newest(client: Client) -> None:
    project = push(client, "ticking", {"main.dig": "schedule:\n  minutes_interval>: 5\n+a:\n  echo>: 1\n"})
    schedules = client.account.workflow_schedules
    due = int(schedules.all(project["id"])[0]["next_session"])

    def ticked(moment: int) -> list[dict[str, Any]]:
        return [one for one in schedules.tick(moment) if one["project_name"] == "ticking"]

    assert ticked(due - 1) == []
    for moment, sessions in ((due, [due]), (due + 1, []), (due + 1000, [due + 900])):
        started = ticked(moment)
        assert [one["session_time"] for one in started] == sessions
        for one in started:
            assert client.ended(str(one["id"]))["status"] == "success"
    (one,) = client.get(f"/api/projects/{project['id']}/schedules")["schedules"]
    client.post(f"/api/schedules/{one['id']}/disable")
    assert ticked(due + 9999) == []


def test_session_times_are_cut_on_the_workflows_clock(client: Client) -> None:
    project = push(client, "clock", {"main.dig": MAIN})
    workflow = client.get(f"/api/projects/{project['id']}/workflow?name=main")["id"]
    path = f"/api/workflows/{workflow}/truncated_session_time"
    cut = client.get(path, params={"session_time": "2026-11-01T20:30:00+00:00", "mode": "day"})
    assert (cut["sessionTime"], cut["timezone"]) == ("2026-11-02T00:00:00+09:00", "Asia/Tokyo")


def test_lists_page_upwards_and_downwards(client: Client) -> None:
    ids = [int(push(client, f"page{number}", {"main.dig": "+a:\n  echo>: 1\n"})["id"]) for number in range(3)]
    after = client.get(f"/api/projects?count=2&last_id={ids[0]}")["projects"]
    assert [int(one["id"]) for one in after] == ids[1:]
    assert client.get("/api/projects?last_id=999999")["projects"] == []


@pytest.mark.parametrize(
    "missing", ["/api/projects/77777", "/api/workflows/77777", "/api/attempts/77777", "/api/sessions/7777"]
)
def test_what_is_not_there_answers_404_in_digdags_shape(client: Client, missing: str) -> None:
    status, body = client.refused("GET", missing)
    assert (status, body["status"]) == (404, 404) and body["message"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"workflowId": "1"},
        {"workflowId": "1", "sessionTime": "soon"},
        {"workflowId": "1", "sessionTime": "2026-11-01T00:00:00Z", "params": []},
        {"workflowId": "1", "sessionTime": "2026-11-01T00:00:00Z", "resume": {"mode": "wish"}},
    ],
)
def test_a_bad_start_is_refused(client: Client, body: Any) -> None:
    push(client, "bad-start", {"main.dig": "+a:\n  echo>: 1\n"}, f"r{time.time_ns()}")
    status, _ = client.refused("PUT", "/api/attempts", body)
    assert status in (400, 404)


# ---- archives that must not be unpacked


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def packed(*entries: tarfile.TarInfo) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for entry in entries:
            tar.addfile(entry, io.BytesIO(b"x" * entry.size) if entry.size else None)
    return data.getvalue()


def sized(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry


HOSTILE = {
    "absolute": packed(sized("/tmp/evil.dig", 1)),
    "upwards": packed(sized("a/../../evil.dig", 1)),
    "link out": packed(link("a", "../../etc")),
    "absolute link": packed(link("a", "/etc/passwd")),
    "through a link": packed(link("a", "b"), sized("a/evil.dig", 1)),
    "link to a link": packed(link("a", "b"), link("b", "c")),
    "hard link": packed(link("a", "/etc/passwd", tarfile.LNKTYPE)),
    "device": packed(link("a", "", tarfile.CHRTYPE)),
    "twice": packed(sized("a.dig", 1), sized("./a.dig", 1)),
    "backslash": packed(sized("..\\evil.dig", 1)),
    "no gzip": b"PK\x03\x04 no tar at all",
    "cut": archive({"main.dig": MAIN * 500})[:200],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused_and_leave_nothing(client: Client, name: str) -> None:
    response = client.call("PUT", "/api/projects?project=hostile&revision=r", data=HOSTILE[name])
    assert response.status_code == 400, response.text
    assert "archive" in response.json()["message"]
    assert client.get("/api/projects?name=hostile") == {"projects": []}
    assert not list((client.account.state / "projects").glob("incoming-*"))


def test_a_bomb_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_archive, "LARGEST_ARCHIVE", 2**20)
    response = client.call("PUT", "/api/projects?project=bomb&revision=r", data=packed(sized("big", 2**22)))
    assert response.status_code == 400 and "unpacks to more than" in response.json()["message"]


def test_links_and_folders_of_honest_archives_are_kept(client: Client) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        folder = tarfile.TarInfo("queries")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
        tar.addfile(sized("queries/a.sql", 3), io.BytesIO(b"abc"))
        tar.addfile(link("queries/b.sql", "a.sql"))
        tar.addfile(sized("main.dig", 14), io.BytesIO(b"+a:\n  echo>: 1"))
    response = client.call("PUT", "/api/projects?project=honest&revision=r", data=data.getvalue())
    assert response.status_code == 200, response.text
    row = client.account.projects.named("honest")
    assert row is not None
    assert (client.account.projects.unpacked(row["revision_id"]) / "queries/b.sql").read_text() == "abc"
