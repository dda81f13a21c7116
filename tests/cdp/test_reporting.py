"""Data models, their builds, dashboards: states follow the work, faults are told together."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.cdp.support import Client


@pytest.fixture(scope="module")
def shop(client: Client) -> Client:
    client.account.engine.create_database("ana")
    client.sql(
        "create table ana.sales as select n as id, n * 1e0 as amount from unnest(sequence(1, 500)) as t (n)",
        "ana",
    )
    client.sql("create table ana.items as select n as id from unnest(sequence(1, 20)) as t (n)", "ana")
    return client


def body(name: str, **tables: list[str]) -> dict[str, Any]:
    declared = {
        table: {"columns": {column: {"type": "float"} for column in columns}}
        for table, columns in tables.items()
    }
    ends = [{"dataset": "ana", "table": table, "column": columns[0]} for table, columns in tables.items()]
    return {
        "name": name,
        "apikey": "secret-key",
        "type": "elasticube",
        "description": "d",
        "shared_users": ["a@example.com"],
        "datamodel": {
            "datasets": {"ana": {"type": "presto", "database": "ana", "tables": declared}},
            "relations": [ends] if len(ends) == 2 else [],
        },
    }


def built(client: Client, model: str, **asked: Any) -> Any:
    build = client.post(f"/reporting/datamodels/{model}/builds", {"buildType": "full"} | asked)
    assert build["status"] in ("queued", "building", "done", "failed")
    for _ in range(500):
        build = client.get(f"/reporting/datamodels/{model}/builds/{build['oid']}")
        if build["status"] in ("done", "failed"):
            return build
        time.sleep(0.01)
    raise AssertionError("the build does not end")


def test_a_model_is_made_built_listed_and_deleted(shop: Client) -> None:
    made = shop.post("/reporting/datamodels", body("sales", sales=["id", "amount"], items=["id"]))
    assert (made["name"], made["status"], made["last_built"]) == ("sales", "created", None)
    assert "secret-key" not in str(shop.get(f"/reporting/datamodels/{made['oid']}"))
    build = built(shop, made["oid"])
    assert (build["status"], build["rows"], build["errors"]) == ("done", 520, [])
    assert build["tables"] == {"ana.sales": 500, "ana.items": 20}
    assert build["created"] <= build["started"] <= build["completed"]
    shown = shop.get(f"/reporting/datamodels/{made['oid']}")
    assert (
        shown["status"] == "done"
        and shown["last_built"]
        and "sales" in shown["datamodel"]["datasets"]["ana"]["tables"]
    )
    assert shop.refused("POST", "/reporting/datamodels", body("sales", sales=["id"]))[0] == 409
    assert len(shop.get(f"/reporting/datamodels/{made['oid']}/builds")) == 1
    shop.delete(f"/reporting/datamodels/{made['oid']}")
    assert shop.refused("GET", f"/reporting/datamodels/{made['oid']}")[0] == 404
    assert shop.get("/reporting/datamodels") == []


def test_a_build_fails_when_tables_or_columns_are_missing_and_recovers(shop: Client) -> None:
    made = shop.post("/reporting/datamodels", body("broken", sales=["id", "nope"], gone=["id"]))
    build = built(shop, made["oid"])
    assert build["status"] == "failed"
    assert build["errors"] == ["ana.sales has no column 'nope'", "table ana.gone does not exist"]
    assert shop.get(f"/reporting/datamodels/{made['oid']}")["status"] == "failed"
    shop.sql("create table ana.gone as select 1 as id", "ana")
    shop.sql("drop table ana.sales", "ana")
    shop.sql("create table ana.sales as select 1 as id, 2 as nope", "ana")
    assert built(shop, made["oid"])["tables"] == {"ana.sales": 1, "ana.gone": 1}


def test_every_fault_of_a_model_is_told_at_once(shop: Client) -> None:
    wrong = body("wrong", sales=["id"], items=["id"])
    tables = wrong["datamodel"]["datasets"]["ana"]["tables"]
    tables["sales"]["columns"]["id"] = {"type": "blob"}
    wrong["datamodel"]["relations"] = [[{"dataset": "ana", "table": "sales", "column": "x"}], [{}, {}]]
    status, told = shop.refused("POST", "/reporting/datamodels", wrong)
    assert status == 422 and len(told["errors"]["datamodel"]) == 5


@pytest.mark.parametrize("sent", [None, [], {}, {"name": "x"}, {"name": "x", "datamodel": {"datasets": {}}}])
def test_a_body_that_is_no_model_is_refused(shop: Client, sent: Any) -> None:
    assert shop.refused("POST", "/reporting/datamodels", sent)[0] == 422


def test_an_unknown_kind_of_build_is_refused(shop: Client) -> None:
    made = shop.post("/reporting/datamodels", body("kinds", items=["id"]))
    assert (
        shop.refused("POST", f"/reporting/datamodels/{made['oid']}/builds", {"buildType": "half"})[0] == 422
    )
    assert shop.refused("GET", f"/reporting/datamodels/{made['oid']}/builds/none")[0] == 404


def test_dashboards_are_kept_as_they_are(shop: Client) -> None:
    made = shop.post("/reporting/dashboards", {"title": "Sales", "widgets": [{"type": "chart/bar"}]})
    assert made["widgets"] == [{"type": "chart/bar"}]
    changed = shop.put(f"/reporting/dashboards/{made['oid']}", {"title": "Sales 2"})
    assert (changed["title"], changed["widgets"]) == ("Sales 2", made["widgets"])
    assert [one["oid"] for one in shop.get("/reporting/dashboards")] == [made["oid"]]
    shop.delete(f"/reporting/dashboards/{made['oid']}")
    assert shop.refused("GET", f"/reporting/dashboards/{made['oid']}")[0] == 404
    assert shop.refused("POST", "/reporting/dashboards", {"widgets": []})[0] == 422
