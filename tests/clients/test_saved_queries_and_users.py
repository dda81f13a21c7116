"""Saved queries, users, API keys and result outputs through td-client-python; what is lacking says so."""

from __future__ import annotations

import datetime

import pytest
import requests
import tdclient
from tdclient import errors

from tdlocal.local_server import LocalServer


def test_the_life_of_a_saved_query(client: tdclient.Client, database: str) -> None:
    name = f"daily_{database}"
    start = client.create_schedule(
        name,
        {"type": "presto", "database": database, "cron": "0 3 * * *", "query": "select td_scheduled_time() t",
         "timezone": "Asia/Tokyo", "priority": 1},
    )  # fmt: skip
    assert (start.hour, start.minute) == (18, 0)  # 03:00 in Tokyo
    with pytest.raises(errors.AlreadyExistsError):
        client.create_schedule(
            name, {"type": "presto", "cron": "", "database": database, "query": "select 1"}
        )
    (saved,) = [one for one in client.schedules() if one.name == name]
    assert (saved.cron, saved.database) == ("0 3 * * *", database)
    assert saved.query == "select td_scheduled_time() t"
    client.update_schedule(name, {"cron": "@hourly"})
    at = int(datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc).timestamp())
    jobs = client.run_schedule(name, at, 2)
    assert [job.scheduled_at.hour for job in jobs] == [0, 1]
    results = []
    for job in jobs:
        job.wait()
        assert job.success(), job.debug
        results += job.result()
    assert results == [[at], [at + 3600]]
    assert [job.status() for job in client.history(name)] == ["success", "success"]
    assert client.delete_schedule(name) == ("@hourly", "select td_scheduled_time() t")
    with pytest.raises(errors.NotFoundError):
        client.delete_schedule(name)


def test_a_saved_query_without_a_schedule(
    client: tdclient.Client, database: str, server: LocalServer
) -> None:
    name = f"adhoc_{database}"
    headers = {"Authorization": server.key}
    form = {"type": "presto", "database": database, "query": "select 1"}
    assert requests.post(f"{server.url}/v3/schedule/create/{name}", form, headers=headers).status_code == 200
    listed = requests.get(f"{server.url}/v3/schedule/list", headers=headers).json()["schedules"]
    (number,) = [one["id"] for one in listed if one["name"] == name]
    answer = requests.post(
        f"{server.url}/v4/queries/{number}/jobs", json={"scheduled_time": 60}, headers=headers
    )
    job = client.job(answer.json()["id"])
    job.wait()
    assert list(job.result()) == [[1]]


@pytest.mark.parametrize(
    "settings", [{"cron": "61 * * * *"}, {"timezone": "Mars/Base"}, {"type": "mysql"}, {"priority": "high"}]
)
def test_settings_that_make_no_sense_are_refused(
    client: tdclient.Client, database: str, settings: dict[str, str]
) -> None:
    with pytest.raises(errors.APIError, match="422"):
        client.create_schedule(
            f"bad_{database}",
            {"type": "presto", "database": database, "query": "select 1", "cron": "", **settings},
        )


def test_users_and_keys(client: tdclient.Client, server: LocalServer) -> None:
    assert ("local", None, None, "local@localhost") in [
        (user.name, user.org_name, None, user.email) for user in client.users()
    ]
    client.add_user("ada", "org", "ada@example.com", "secret")
    key = client.api.authenticate("ada@example.com", "secret")
    with tdclient.Client(apikey=key) as ada:
        assert ada.server_status() == "ok"
        ada.databases()
    shown = requests.get(f"{server.url}/v3/user/show", headers={"Authorization": key}).json()
    assert shown["name"] == "ada" and shown["account_owner"] is False
    with pytest.raises(errors.AuthError):
        client.api.authenticate("ada@example.com", "wrong")
    client.api.add_apikey("ada")
    assert len(client.api.list_apikeys("ada")) == 2
    client.api.remove_apikey("ada", key)
    with pytest.raises(errors.AuthError), tdclient.Client(apikey=key) as ada:
        ada.databases()
    client.remove_user("ada")
    assert "ada" not in [user.name for user in client.users()]
    with pytest.raises(errors.APIError, match="owns the account"):
        client.remove_user("local")


def test_a_key_is_validated(server: LocalServer) -> None:
    url = f"{server.url}/v3/user/apikey/validate"
    facts = requests.get(url, headers={"Authorization": server.key}).json()
    assert facts.keys() >= {"key_type", "account_id", "user_id", "administrator"}
    assert requests.get(url, headers={"Authorization": "nonsense"}).status_code == 401


def test_result_outputs_are_kept(client: tdclient.Client, server: LocalServer) -> None:
    client.create_result("warehouse", "mysql://host/db")
    assert ("warehouse", "mysql://host/db") in [(one.name, one.url) for one in client.results()]
    url = f"{server.url}/v3/connections/lookup"
    headers = {"Authorization": server.key}
    assert isinstance(requests.get(url, params={"name": "warehouse"}, headers=headers).json()["id"], int)
    assert requests.get(url, params={"name": "nothing"}, headers=headers).status_code == 404
    client.delete_result("warehouse")
    assert client.results() == []


def test_what_is_lacking_says_so(server: LocalServer) -> None:
    for path in ("v4/streaming_task_auths", "v3/no/such/call"):
        answer = requests.post(f"{server.url}/{path}", json={}, headers={"Authorization": server.key})
        assert answer.status_code == 501 and "not supported by tdlocal" in answer.json()["error"]
