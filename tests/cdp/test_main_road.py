"""The road that wf07, wf08 and wf09 take: parent segment, run, segments with counts, data model, build."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.cdp.support import DAY, SESSION, Client


def audience_body(name: str) -> dict[str, Any]:
    source = {
        "parentDatabaseName": "gld",
        "parentTableName": "customers",
        "parentKey": "pid",
        "foreignKey": "pid",
    }
    orders = {
        "parentDatabaseName": "gld",
        "parentTableName": "orders",
        "parentKey": "pid",
        "foreignKey": "pid",
    }
    attributes = [
        source
        | {"name": "Country", "type": "string", "parentColumn": "country", "matrixColumnName": "country"},
        source | {"name": "Lifetime Value", "type": "number", "parentColumn": "ltv"},
        source | {"name": "Last Order", "type": "timestamp", "parentColumn": "last_order"},
    ]
    schema = [
        {"name": "amount", "type": "number", "parentColumn": "amount"},
        {"name": "channel", "type": "string", "parentColumn": "channel"},
    ]
    behavior = orders | {"name": "Orders", "matrixTableName": "behavior_orders", "schema": schema}
    return {
        "id": None,
        "name": name,
        "description": "people",
        "scheduleType": "none",
        "timezone": "UTC",
        "master": {"parentDatabaseName": "gld", "parentTableName": "people"},
        "attributes": attributes,
        "behaviors": [behavior | {"matrixDatabaseName": "cdp_audience_670285"}],
    }


@pytest.fixture(scope="module")
def shop(client: Client) -> Client:
    """Five people, of whom four have attributes and three have orders."""
    client.account.engine.create_database("raw")
    client.account.engine.create_database("gld")
    for table, rows in {
        "people (pid)": "('ada'), ('bob'), ('cyd'), ('dan'), ('eve')",
        "customers (pid, country, ltv, last_order)": (
            f"('ada', 'JP', 100.5e0, {SESSION - 5 * DAY}), ('bob', 'US', 20e0, {SESSION - 40 * DAY}),"
            f" ('cyd', null, 2000e0, {SESSION - DAY}), ('dan', 'JP', null, null)"
        ),
        "orders (pid, amount, channel, time)": (
            f"('ada', 60e0, 'online', {SESSION - 5 * DAY}), ('ada', 40.5e0, 'store', {SESSION - 50 * DAY}),"
            f" ('bob', 20e0, 'store', {SESSION - 40 * DAY}), ('cyd', 2000e0, 'online', {SESSION - DAY})"
        ),
    }.items():
        name, _, columns = table.partition(" ")
        client.sql(f"create table gld.{name} as select * from (values {rows}) as t {columns}")
    return client


@pytest.fixture(scope="module")
def audience(shop: Client) -> str:
    made = shop.post("/audiences", audience_body("Retail"))
    assert shop.build_audience(made["id"])["status"] == "success"
    return str(made["id"])


def segment_body(audience: str, folder: str, name: str, *conditions: Any) -> dict[str, Any]:
    rule = {"type": "And", "conditions": [{"type": "And", "conditions": list(conditions)}]}
    return {
        "type": "segment-batch",
        "id": None,
        "relationships": {"parentFolder": {"data": {"id": folder, "type": "folder-segment"}}},
        "attributes": {"audienceId": audience, "name": name, "countPopulation": True, "rule": rule},
    }


def value(left: dict[str, Any], operator: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "Value",
        "leftValue": left,
        "operator": operator,
        "arrayMatching": {},
        "exclude": False,
    } | more


def test_audience_is_listed_with_id_and_name_as_text(shop: Client, audience: str) -> None:
    listed = {one["id"]: one for one in shop.get("/audiences")}
    assert listed[audience]["name"] == "Retail"
    assert listed[audience]["population"] == 5
    assert listed[audience]["behaviors"][0]["matrixDatabaseName"] == f"cdp_audience_{audience}"


def test_build_makes_customers_and_behavior_tables(shop: Client, audience: str) -> None:
    database = f"cdp_audience_{audience}"
    rows = shop.sql(f"select pid, country, lifetime_value from {database}.customers order by pid")
    assert rows == [
        ("ada", "JP", 100.5),
        ("bob", "US", 20.0),
        ("cyd", None, 2000.0),
        ("dan", "JP", None),
        ("eve", None, None),
    ]
    orders = shop.sql(
        f"select c.pid, b.amount, b.timestamp from {database}.behavior_orders b"
        f" join {database}.customers c on c.cdp_customer_id = b.cdp_customer_id order by b.amount"
    )
    assert orders[0] == ("bob", 20.0, SESSION - 40 * DAY)
    assert len(orders) == 4


def test_segment_has_its_count_at_once(shop: Client, audience: str) -> None:
    folders = shop.get(f"/audiences/{audience}/folders")
    root = next(one["id"] for one in folders if one["parentFolderId"] is None)
    body = segment_body(
        audience,
        root,
        "Recent online buyers from Japan",
        value({"name": "country"}, {"type": "Equal", "not": False, "rightValue": "JP"}),
        value(
            {
                "aggregation": {"type": "Count", "groupingColumns": []},
                "source": {"name": "behavior_orders"},
                "filter": {
                    "type": "And",
                    "conditions": [
                        {
                            "type": "Column",
                            "column": "timestamp",
                            "arrayMatching": {},
                            "operator": {
                                "type": "TimeWithinPast",
                                "value": "30",
                                "unit": "day",
                                "not": False,
                            },
                        }
                    ],
                },
            },
            {"type": "GreaterEqual", "not": False, "rightValue": 1},
        ),
    )
    made = shop.post("/entities/segments", body)["data"]
    assert made["attributes"]["population"] == 1
    shown = shop.get(f"/entities/segments/{made['id']}")["data"]
    assert shown["attributes"]["rule"] == body["attributes"]["rule"]
    assert shop.refused("POST", "/entities/segments", body) == (
        400,
        {"errors": {"name": ["has already been taken"]}},
    )


def test_data_model_is_created_built_and_polled(shop: Client) -> None:
    columns = {"pid": {"type": "text"}, "amount": {"type": "float"}}
    datasets = {"gld": {"type": "presto", "database": "gld", "tables": {"orders": {"columns": columns}}}}
    body = {
        "name": "sales",
        "apikey": "k",
        "type": "elasticube",
        "datamodel": {"datasets": datasets, "relations": []},
    }
    model = shop.post("/reporting/datamodels", body)
    started = shop.post(f"/reporting/datamodels/{model['oid']}/builds", {"buildType": "full"})
    for _ in range(100):
        build = shop.get(f"/reporting/datamodels/{model['oid']}/builds/{started['oid']}")
        if build["status"] not in ("queued", "building"):
            break
        time.sleep(0.02)
    assert (build["status"], build["tables"]) == ("done", {"gld.orders": 4})
    assert [one["status"] for one in shop.get("/reporting/datamodels")] == ["done"]
