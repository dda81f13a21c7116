"""Whatever is sent to these routes, the answer is one of theirs: never a 5xx (save 501), never a hang."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tdlocal.account.errors import Refused
from tdlocal.account.project_archive import read
from tdlocal.api.server import Application
from tdlocal.api.wire import ROUTES, Request
from tests.cdp.support import KEY, Client

AREAS = (
    "cdp_audiences",
    "cdp_folders",
    "cdp_segments",
    "reporting",
    "workflow_projects",
    "workflow_attempts",
)
WORDS = (
    "id name type And Or Value Reference Composite conditions expr leftValue rightValue rightValues "
    "operator not exclude Equal In Between Contain Regexp TimeWithinPast TimeRange from to unit day "
    "value aggregation Count Sum source filter Column column behavior_orders attributes relationships "
    "parentFolder data audienceId rule master behaviors parentDatabaseName parentTableName gld people "
    "datamodel datasets tables columns database relations workflowId sessionTime params resume limit "
    "number orderColumns arrayMatching atLeast window duration 2026-11-01T00:00:00Z 1 2 ltv "
    "countPopulation segment-batch buildType full retryAttemptName country minValue maxValue last "
    "timestamp "
).split()
word = st.one_of(st.sampled_from(WORDS), st.text(max_size=5))
leaf = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), word)
bodies = st.recursive(
    leaf,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(word, inner, max_size=5)),
    max_leaves=20,
)
KEEPER = "3"
paths = st.sampled_from(["1", "2", "0", "-1", "x", "99999999999999999999", "%00", "a b", "1.5"])
MANY = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def application(client: Client) -> Application:
    """An account with three audiences, built, and a segment each; nothing touches the last one."""
    client.account.engine.create_database("gld")
    client.account.engine.run(
        "create table people as select 'a' as pid, 'JP' as country", database="gld", scheduled_time=0
    ).close()
    master = {"parentDatabaseName": "gld", "parentTableName": "people"}
    for name in ("A", "B", KEEPER):
        made = client.post("/audiences", {"name": name, "master": master})
        assert client.build_audience(made["id"])["status"] == "success"
        client.post(f"/audiences/{made['id']}/segments", {"name": "S", "countPopulation": True})
    assert made["id"] == KEEPER
    return Application(client.account)


def routes() -> list[Any]:
    found = [one for one in ROUTES if one.handler.__module__.rpartition(".")[2] in AREAS]
    assert len(found) > 80
    return found


def status_of(application: Application, method: str, path: str, body: Any, query: str = "") -> int:
    headers = {"authorization": f"TD1 {KEY}", "content-type": "application/json"}
    request = Request(method, path, query, headers, b"" if body is None else json.dumps(body).encode())
    return application.reply_to(application.router.find(method, path), request).status


@MANY
@given(
    choice=st.randoms(use_true_random=False),
    part=paths,
    body=bodies,
    query=st.dictionaries(word, word, max_size=2),
)
def test_any_body_on_any_route(
    application: Application, choice: random.Random, part: str, body: Any, query: dict[str, str]
) -> None:
    route = choice.choice(routes())
    path = "/" + "/".join(part if one.startswith("{") else one for one in route.segments)
    status = status_of(application, route.method, path, body, "&".join(f"{k}={v}" for k, v in query.items()))
    assert status < 500 or status == 501, (route.method, path, body)


@MANY
@given(
    rule=bodies, top=st.sampled_from(["And", "Or", "Composite"]), kind=st.sampled_from(["Value", "Reference"])
)
def test_any_rule(application: Application, rule: Any, top: str, kind: str) -> None:
    condition = ({"type": kind} | rule) if isinstance(rule, dict) else rule
    body = {"rule": {"type": top, "conditions": [condition], "expr": "1"}}
    assert status_of(application, "POST", f"/audiences/{KEEPER}/segments/queries", body) in (200, 400, 501)


@MANY
@given(operator=st.dictionaries(word, bodies, max_size=4), kind=st.sampled_from(WORDS))
def test_any_operator(application: Application, operator: dict[str, Any], kind: str) -> None:
    condition = {"type": "Value", "leftValue": {"name": "country"}, "operator": operator | {"type": kind}}
    body = {"rule": {"type": "And", "conditions": [condition]}}
    assert status_of(application, "POST", f"/audiences/{KEEPER}/segments/query", body) in (200, 400)


@MANY
@given(
    data=st.one_of(
        st.binary(max_size=300), st.binary(max_size=300).map(lambda raw: b"\x1f\x8b\x08\x00" + raw)
    )
)
def test_any_bytes_as_an_archive(data: bytes) -> None:
    try:
        read(data)
    except Refused:
        return


AUDIENCE = {
    "name": "F",
    "timezone": "UTC",
    "scheduleType": "none",
    "master": {"parentDatabaseName": "gld", "parentTableName": "people"},
    "attributes": [
        {
            "name": "Country",
            "type": "string",
            "parentDatabaseName": "gld",
            "parentTableName": "people",
            "parentColumn": "country",
            "parentKey": "pid",
            "foreignKey": "pid",
            "matrixColumnName": "land",
        }
    ],
    "behaviors": [
        {
            "name": "Orders",
            "parentDatabaseName": "gld",
            "parentTableName": "people",
            "parentKey": "pid",
            "foreignKey": "pid",
            "matrixTableName": "behavior_orders",
            "schema": [{"name": "c", "type": "string", "parentColumn": "country", "matrixColumnName": "c"}],
        }
    ],
    "audienceFilters": [{"columnName": "country", "rightValues": ["JP"]}],
}
RULE = {
    "type": "And",
    "conditions": [
        {
            "type": "Composite",
            "expr": "1 and 2",
            "conditions": [
                {
                    "type": "Value",
                    "exclude": False,
                    "arrayMatching": {"atLeast": 1},
                    "leftValue": {"name": "country"},
                    "operator": {"type": "In", "not": False, "rightValues": ["JP"]},
                    "limit": {
                        "type": "Count",
                        "number": 3,
                        "orderColumns": [{"type": "Column", "column": "pid", "order": "ascending"}],
                    },
                },
                {"type": "Reference", "id": "3", "exclude": True},
            ],
        }
    ],
}
SEGMENT = {
    "type": "segment-batch",
    "relationships": {"parentFolder": {"data": {"id": "3", "type": "folder-segment"}}},
    "attributes": {
        "audienceId": KEEPER,
        "name": "N",
        "countPopulation": True,
        "description": "d",
        "rule": RULE,
    },
}
MODEL = {
    "name": "M",
    "type": "elasticube",
    "shared_users": [],
    "datamodel": {
        "datasets": {"d": {"database": "gld", "tables": {"people": {"columns": {"pid": {"type": "text"}}}}}},
        "relations": [
            [
                {"dataset": "d", "table": "people", "column": "pid"},
                {"dataset": "d", "table": "people", "column": "pid"},
            ]
        ],
    },
}
ATTEMPT = {
    "workflowId": "3",
    "sessionTime": "2026-11-01T00:00:00+00:00",
    "params": {},
    "retryAttemptName": "x",
    "resume": {"mode": "from", "attemptId": "3", "from": "+a"},
}
VALID = [
    ("POST", "/audiences", AUDIENCE),
    ("PUT", "/audiences/1", AUDIENCE),
    ("POST", "/entities/segments", SEGMENT),
    ("POST", f"/audiences/{KEEPER}/segments/queries", {"rule": RULE, "columns": ["pid"], "pageSize": 5}),
    ("POST", "/reporting/datamodels", MODEL),
    ("PUT", "/api/attempts", ATTEMPT),
    (
        "POST",
        f"/audiences/{KEEPER}/segments/3/syndications",
        {"name": "s", "columns": [], "connectorConfig": {}},
    ),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside *value*."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = replaced(value[path[0]], path[1:], new)
    return changed


@MANY
@given(choice=st.randoms(use_true_random=False), new=bodies, index=st.integers(0, len(VALID) - 1))
def test_valid_bodies_with_one_thing_wrong(
    application: Application, choice: random.Random, new: Any, index: int
) -> None:
    method, path, body = VALID[index]
    broken = replaced(body, choice.choice(places(body)), new)
    status = status_of(application, method, path, broken)
    assert status < 500 or status == 501, (method, path, broken)
