"""Events as td-js-sdk, postbacks and the ingestion API send them; by hand, since the SDK needs a browser."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
import requests
import tdclient

from tdlocal.local_server import LocalServer

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML) Chrome/120.0 Safari/537.36"


def rows(client: tdclient.Client, database: str, sql: str) -> list[Any]:
    job = client.query(database, sql, type="presto")
    job.wait()
    return list(job.result())


def test_the_sdk_sends_by_get_and_by_post(
    server: LocalServer, client: tdclient.Client, database: str
) -> None:
    url = f"{server.url}/js/v3/event/{database}/pageviews"
    event = {"td_ip": "td_ip", "td_browser": "td_browser", "td_os": "td_os", "page": "/é", "n": 1}
    data = base64.b64encode(json.dumps(event).encode()).decode()
    words = {"api_key": server.key, "modified": "1", "callback": "TreasureJSONPCallback0", "data": data}
    answer = requests.get(url, params=words, headers={"User-Agent": CHROME}, timeout=9)
    assert (answer.status_code, answer.text) == (200, 'TreasureJSONPCallback0({"created":true})')
    answer = requests.post(url, json=event | {"time": 5}, headers={"X-TD-Write-Key": server.key}, timeout=9)
    assert answer.json() == {"created": True} and answer.headers["Access-Control-Allow-Origin"] == "*"
    assert rows(
        client, database, "select td_ip, td_browser, td_os, page, n from pageviews order by time desc"
    ) == [
        ["127.0.0.1", "Chrome", "Windows 10", "/é", 1],
        ["127.0.0.1", "UNKNOWN", "UNKNOWN", "/é", 1],
    ]
    newest = rows(client, database, "select max(time) from pageviews")[0][0]
    assert abs(newest - time.time()) < 60


def test_postbacks_and_the_ingestion_api(server: LocalServer, client: tdclient.Client, database: str) -> None:
    key = {"Authorization": f"TD1 {server.key}"}
    answer = requests.get(
        f"{server.url}/postback/v3/event/{database}/t",
        params={"td_write_key": server.key, "a": "1"},
        timeout=9,
    )
    assert answer.status_code == 200
    answer = requests.post(
        f"{server.url}/postback/v3/event/{database}/p",
        json={"a": 1, "b": True, "td_record_time": 99},
        headers={"X-TD-Write-Key": server.key},
        timeout=9,
    )
    assert answer.status_code == 200
    assert rows(client, database, "select a, b, time from p") == [["1", "true", 99]]
    for kind, body in (
        ("application/vnd.treasuredata.v1+json", {"events": [{"a": "2", "time": 7}, {"a": "3", "time": 8}]}),
        ("application/vnd.treasure-data.v1+json", {"records": [{"a": "4", "time": 9}]}),
        ("application/vnd.treasuredata.v1.single+json", {"a": "5", "time": 10}),
    ):
        answer = requests.post(
            f"{server.url}/{database}/t",
            data=json.dumps(body),
            headers=key | {"Content-Type": kind},
            timeout=9,
        )
        assert answer.status_code == 200, answer.text
    assert rows(client, database, "select a from t order by a") == [["1"], ["2"], ["3"], ["4"], ["5"]]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("js/v3/event/no_such_db/t", {"a": 1}, 404),
        ("js/v3/event/{db}/t", {}, 400),
        ("js/v3/event/{db}/t", {"time": "soon"}, 400),
        ("js/v3/event/{db}/BAD-NAME", {"a": 1}, 422),
        ("{db}/t", {"events": [{"a": 1}]}, 501),
    ],
)
def test_events_that_are_refused(
    server: LocalServer, database: str, path: str, body: Any, status: int
) -> None:
    url = f"{server.url}/{path.format(db=database)}"
    assert (
        requests.post(url, json=body, headers={"Authorization": server.key}, timeout=9).status_code == status
    )
    assert requests.post(url, json=body, timeout=9).status_code == 401
    answer = requests.options(url, timeout=9)
    assert answer.status_code == 204 and "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert requests.get(f"{server.url}/v3/database/list?api_key={server.key}", timeout=9).status_code == 401
