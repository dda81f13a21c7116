"""What runs by the clock: workflows, audiences, saved queries, bulk loads. Tests move the clock by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import tdclient

from tests.cdp.support import KEY, Client
from tests.cdp.test_workflows import archive

DAILY = "schedule:\n  daily>: 07:00:00\n+a:\n  echo>: 1\n"
HOURLY = "schedule:\n  hourly>: 00:00\n+a:\n  echo>: 1\n"


def unix(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def push(client: Client, name: str, text: str, query: str = "", **files: str) -> Any:
    answer = client.call(
        "PUT", f"/api/projects?project={name}{query}",
        data=archive({"main.dig": text, **files}), headers={"Content-Type": "application/gzip"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return answer.json()


def next_of(client: Client, name: str) -> str:
    (project,) = client.get(f"/api/projects?name={name}")["projects"]
    (one,) = client.get(f"/api/projects/{project['id']}/schedules")["schedules"]
    return str(one["nextScheduleTime"])


def ticked(client: Client, name: str, moment: str) -> list[str]:
    """The session times that the clock starts for a project."""
    found = client.account.workflow_schedules.tick(unix(moment))
    mine = [one for one in found if one["project_name"] == name]
    for one in mine:
        client.ended(str(one["id"]))
    return [datetime.fromtimestamp(one["session_time"], UTC).isoformat() for one in mine]


def test_schedule_from_says_where_a_new_schedule_begins(client: Client) -> None:
    push(client, "begun", DAILY, "&schedule_from=2030-01-05T07:00:00Z")
    assert next_of(client, "begun") == "2030-01-05T00:00:00+00:00"
    push(client, "begun", DAILY, "&schedule_from=2030-01-05T07:00:01Z")
    assert next_of(client, "begun") == "2030-01-06T00:00:00+00:00"
    path = "/api/projects?project=begun&schedule_from=soon"
    assert "'soon' is no time" in client.call("PUT", path, data=archive({"main.dig": DAILY})).text


def test_a_schedule_that_ran_goes_on_unless_it_is_cleared(client: Client) -> None:
    name, begin = "cleared", "&schedule_from=2031-01-01T00:00:00Z"
    push(client, name, DAILY, begin)
    assert ticked(client, name, "2031-01-01T07:00:00+00:00") == ["2031-01-01T00:00:00+00:00"]
    assert ticked(client, name, "2031-01-01T07:00:01+00:00") == []
    push(client, name, HOURLY, "&schedule_from=2032-01-01T00:00:00Z")
    assert next_of(client, name) == "2031-01-01T01:00:00+00:00"
    for word in ("clear_schedule=other&clear_schedule=main", "clear_schedule_all=true"):
        push(client, name, HOURLY, f"&{word}&schedule_from=2032-01-01T00:00:00Z")
        assert next_of(client, name) == "2032-01-01T00:00:00+00:00"
    push(client, name, "+a:\n  echo>: 1\n")
    assert (
        client.account.workflow_schedules.all(client.get(f"/api/projects?name={name}")["projects"][0]["id"])
        == []
    )


@pytest.mark.parametrize(
    ("words", "moments"),
    [
        ("start: 2030-01-03\n  end: 2030-01-04", {"2030-01-02": [], "2030-01-03": [3], "2030-01-09": [4]}),
        (
            "skip_delayed_by: 1h",
            {"2030-01-01T07:30:00": [1], "2030-01-02T09:00:00": [], "2030-01-03T07:00:00": [3]},
        ),
    ],
)
def test_the_words_of_a_schedule_count(client: Client, words: str, moments: dict[str, list[int]]) -> None:
    name = f"words{len(words)}"
    push(
        client, name, DAILY.replace("07:00:00", f"07:00:00\n  {words}"), "&schedule_from=2030-01-01T00:00:00Z"
    )
    for moment, days in moments.items():
        text = moment if "T" in moment else f"{moment}T07:00:00"
        assert ticked(client, name, f"{text}+00:00") == [f"2030-01-{day:02d}T00:00:00+00:00" for day in days]
    if "end" in words:
        assert next_of(client, name).startswith("9999")


def test_a_session_is_skipped_while_the_one_before_runs(client: Client) -> None:
    slow = HOURLY.replace("hourly>: 00:00", "hourly>: 00:00\n  skip_on_overtime: true").replace(
        "echo>: 1", "sh>: sleep 30"
    )
    project = push(client, "overtime", slow, "&schedule_from=2030-01-01T00:00:00Z")
    schedules = client.account.workflow_schedules
    started = [
        one for one in schedules.tick(unix("2030-01-01T00:00:00+00:00")) if one["project_name"] == "overtime"
    ]
    assert len(started) == 1
    assert not [
        one for one in schedules.tick(unix("2030-01-01T01:00:00+00:00")) if one["project_name"] == "overtime"
    ]
    assert next_of(client, "overtime") == "2030-01-01T02:00:00+00:00"
    client.post(f"/api/attempts/{started[0]['id']}/kill", {"id": str(started[0]["id"])})
    client.ended(str(started[0]["id"]))
    client.delete(f"/api/projects/{project['id']}")


def test_one_schedule_that_cannot_start_leaves_the_others_alone(client: Client) -> None:
    for name in ("broken1", "sound"):
        push(client, name, HOURLY, "&schedule_from=2033-01-01T00:00:00Z")
    client.account.store.execute(
        "update workflows set timezone = 'Mars'"
        " where project_id = (select id from projects where name = 'broken1')"
    )
    assert ticked(client, "sound", "2033-01-01T00:00:00+00:00") == ["2033-01-01T00:00:00+00:00"]
    client.account.store.execute("update workflows set timezone = 'UTC' where timezone = 'Mars'")


def test_an_audience_is_built_by_its_schedule(client: Client) -> None:
    client.account.engine.create_database("gld")
    client.sql("create table people as select 'a' as pid", "gld")
    body = {
        "name": "Nightly", "master": {"parentDatabaseName": "gld", "parentTableName": "people"},
        "scheduleType": "daily", "scheduleOption": "03:00:00", "timezone": "Asia/Tokyo",
    }  # fmt: skip
    audience = client.post("/audiences", body)
    name = f"cdp_audience_{audience['id']}"
    assert next_of(client, name).endswith("T00:00:00+09:00")
    client.put(
        f"/audiences/{audience['id']}", body | {"scheduleType": "cron", "scheduleOption": "30 * * * *"}
    )
    upcoming = next_of(client, name)
    assert upcoming[14:] == "30:00+09:00"
    session = datetime.fromisoformat(upcoming).astimezone(UTC).isoformat()
    assert ticked(client, name, session) == [session]
    assert client.get(f"/audiences/{audience['id']}")["population"] == 1
    client.put(f"/audiences/{audience['id']}", {"scheduleType": "none"})
    project = client.get(f"/api/projects?name={name}")["projects"][0]
    assert client.get(f"/api/projects/{project['id']}/schedules")["schedules"] == []
    status, told = client.refused("PUT", f"/audiences/{audience['id']}", {"scheduleType": "weekly"})
    assert status == 400 and "scheduleOption of a weekly schedule" in str(told)


@pytest.fixture
def td(client: Client) -> tdclient.Client:
    return tdclient.Client(apikey=KEY, endpoint=client.url + "/")


def test_a_saved_query_runs_by_its_schedule(client: Client, td: tdclient.Client) -> None:
    td.create_database("timed")
    sql = "select td_scheduled_time()"
    td.create_schedule(
        "hourly", {"type": "presto", "database": "timed", "query": sql, "cron": "@hourly", "delay": 60}
    )
    schedules, begin = client.account.schedules, unix("2030-01-01T00:30:00+00:00")
    assert schedules.tick(begin) == [] == schedules.tick(begin + 1800)
    (run,) = schedules.tick(begin + 1860)
    assert run.scheduled_at == begin + 1800 and schedules.tick(begin + 1861) == []
    (late,) = schedules.tick(begin + 5 * 3600)
    assert late.scheduled_at == begin + 1800 + 4 * 3600
    job = td.job(td.history("hourly")[-1].job_id)
    job.wait()
    assert list(job.result()) == [[begin + 1800]]
    td.update_schedule("hourly", {"cron": "@daily"})
    assert schedules.tick(begin + 9 * 3600) == []
    td.delete_schedule("hourly")


def test_a_bulk_load_runs_by_its_schedule(client: Client, td: tdclient.Client) -> None:
    td.create_database("loaded")
    td.create_log_table("loaded", "t")
    bucket = client.account.state / "buckets" / "lake"
    bucket.mkdir(parents=True)
    (bucket / "a.csv").write_text("1\n")
    parser = {"type": "csv", "columns": [{"name": "a", "type": "long"}]}
    config = {"in": {"type": "s3", "bucket": "lake", "parser": parser}}
    td.api.connector_create(
        "nightly", "loaded", "t", {"config": config}, {"cron": "0 3 * * *", "timezone": "UTC"}
    )
    connectors, begin = client.account.connectors, unix("2030-01-01T00:00:00+00:00")
    assert connectors.tick(begin) == []
    (job,) = connectors.tick(begin + 3 * 3600)
    client.account.jobs.wait(job.id, 10)
    assert [run["records"] for run in td.api.connector_history("nightly")] == [1]


def test_sessions_are_skipped_as_tdworkflow_and_digdag_ask(client: Client) -> None:
    project = push(client, "skips", DAILY, "&schedule_from=2030-01-01T00:00:00Z")
    (one,) = client.get(f"/api/projects/{project['id']}/schedules")["schedules"]
    path = f"/api/schedules/{one['id']}/skip"
    for words, session in (
        ({"nextRunTime": "2030-01-03T06:59:00+00:00", "dryRun": True}, 3),
        ({"fromTime": "2030-01-05T00:00:00+00:00", "count": 2, "dryRun": True}, 7),
        ({"nextTime": "2030-01-10 00:00:00", "dryRun": False}, 10),
        ({"count": 1}, 11),
    ):
        assert client.post(path, words)["nextScheduleTime"] == f"2030-01-{session:02d}T00:00:00+00:00"
    assert client.refused("POST", path, {"nextTime": "2030-01-02T00:00:00+00:00"})[0] == 409
    assert client.refused("POST", path, {})[0] == 400
    would = client.post(
        f"/api/schedules/{one['id']}/backfill",
        {"fromTime": "2030-01-09T00:00:00+00:00", "attemptName": "x", "dryRun": True, "count": 1},
    )
    (attempt,) = would["attempts"]
    assert attempt["id"] == "0" and attempt["sessionTime"] == "2030-01-09T00:00:00+00:00"
    assert attempt.keys() >= {"status", "done", "project", "workflow", "retryAttemptName"}
    names = [flow["project"]["name"] for flow in client.get("/api/workflows?order=desc&count=1")["workflows"]]
    assert names == ["skips"]
    assert client.get("/api/workflows?name_pattern=skips")["workflows"] == []
    assert client.get("/api/workflows?name_pattern=skips&search_project_name=True")["workflows"]
