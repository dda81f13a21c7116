"""Calls that no library makes, as scripts with curl do: access control, more of the tables' API."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import tdclient

from tdlocal.local_server import LocalServer


class Rest:
    """`rest.get("/v3/…")` gives the answer's JSON and fails on a refusal."""

    def __init__(self, server: LocalServer) -> None:
        self._url, self._headers = server.url, {"Authorization": f"TD1 {server.key}"}

    def call(self, method: str, path: str, **named: Any) -> requests.Response:
        return requests.request(method, self._url + path, headers=self._headers, timeout=20, **named)

    def __getattr__(self, method: str) -> Any:
        def answered(path: str, **named: Any) -> Any:
            answer = self.call(method.upper(), path, **named)
            assert answer.status_code == 200, answer.text
            return answer.json()

        return answered


@pytest.fixture
def rest(server: LocalServer) -> Rest:
    return Rest(server)


def test_policies_live_and_are_attached(rest: Rest, client: tdclient.Client, database: str) -> None:
    area = "/v3/access_control"
    client.add_user(database, "o", f"{database}@example.com", "pw")
    user = next(one["id"] for one in rest.get("/v3/user/list")["users"] if one["name"] == database)
    policy = rest.post(f"{area}/policies", json={"policy": {"name": database, "description": "d"}})
    assert policy == {
        "id": policy["id"],
        "account_id": 1,
        "name": database,
        "description": "d",
        "user_count": 0,
    }
    one = f"{area}/policies/{policy['id']}"
    manage = {"Databases": [{"operation": "manage"}]}
    assert rest.get(f"{one}/permissions") == {} and rest.patch(f"{one}/permissions", json=manage) == manage
    columns = [{"tags": ["pii"], "masking": "SHA-1"}]
    assert rest.patch(f"{one}/column_permissions", json={"column_permissions": columns}) == columns
    assert rest.get(f"{one}/column_permissions") == columns
    assert rest.post(f"{one}/users/{user}")["user_count"] == 1
    assert [found["user_id"] for found in rest.get(f"{one}/users")] == [int(user)]
    assert rest.patch(
        f"{area}/users/{user}/permissions", json={"Databases": [{"operation": "query", "ids": "1"}]}
    )
    shown = rest.get(f"{area}/users/{user}")
    assert [entry["operation"] for entry in shown["permissions"]["Databases"]] == ["query", "manage"]
    assert [found["name"] for found in shown["policies"]] == [database]
    assert shown in rest.get(f"{area}/users")
    assert rest.delete(f"{area}/users/{user}/policies/{policy['id']}")["user_count"] == 0
    assert (
        rest.patch(f"{area}/users/{user}/policies", json={"policy_ids": [str(policy["id"])]})[0]["user_count"]
        == 1
    )
    assert (
        rest.patch(f"{one}/users", json={"user_ids": []}) == [] == rest.get(f"{area}/users/{user}/policies")
    )
    assert rest.patch(one, json={"policy": {"description": "e"}})["description"] == "e"
    assert rest.call("POST", f"{area}/policies", json={"policy": {"name": database}}).status_code == 409
    assert rest.call("PATCH", f"{one}/permissions", json={"Databases": 1}).status_code == 422
    assert rest.delete(one)["name"] == database
    assert rest.call("GET", one).status_code == 404
    client.remove_user(database)


def test_tables_are_made_with_a_schema_and_renamed_by_update(rest: Rest, database: str) -> None:
    form = {"schema": '[["a", "long"], ["b", "string", "b", "a description"]]', "expire_days": "3"}
    made = rest.post(f"/v3/table/create/{database}/t", data=form)
    assert made == {"database": database, "table": "t", "type": "log"}
    shown = rest.get(f"/v3/table/show/{database}/t")
    assert shown["schema"] == '[["a","long","a"],["b","string","b"]]' and shown["expire_days"] == 3
    assert rest.post(f"/v3/table/update/{database}/t", data={"name": "u"})["table"] == "u"
    job = rest.post(
        f"/v3/job/issue/presto/{database}", data={"query": "insert into u (a, b, time) values (1, 'x', 5)"}
    )
    assert rest.get(f"/v3/job/status/{job['job_id']}")["status"] == "success"
    assert rest.get(f"/v3/table/tail/{database}/u?format=json") == [{"time": 5, "a": 1, "b": "x"}]
    assert (
        rest.call("POST", f"/v3/table/create/{database}/x", data={"schema": '[["a", "money"]]'}).status_code
        == 422
    )
    assert rest.call("GET", f"/v3/table/show/{database}/x").status_code == 404


def test_the_account_is_shown(rest: Rest) -> None:
    assert rest.get("/v3/account/show")["account"]["storage_size"] >= 0


def test_users_change_their_address_and_their_password(rest: Rest, server: LocalServer) -> None:
    """`td user:email:change`, `td user:password:change` and `td password:change`."""
    for name in ("grace", "mary"):
        rest.post(f"/v3/user/add/{name}", data={"email": f"{name}@example.com", "password": "first"})
    rest.post("/v3/user/email/change/grace", data={"email": "hopper@example.com"})
    taken = rest.call("post", "/v3/user/email/change/grace", data={"email": "mary@example.com"})
    assert taken.status_code == 409
    rest.post("/v3/user/password/change/grace", data={"password": "second"})
    key = rest.post("/v3/user/authenticate", data={"user": "hopper@example.com", "password": "second"})[
        "apikey"
    ]
    own = f"{server.url}/v3/user/password/change"
    for old, status in (("first", 422), ("second", 200), ("second", 422)):
        answer = requests.post(
            own, data={"old_password": old, "password": "third"}, headers={"Authorization": key}
        )
        assert answer.status_code == status, answer.text
    for name in ("grace", "mary"):
        rest.post(f"/v3/user/remove/{name}")
