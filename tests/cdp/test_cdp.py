"""Audiences, folders, segments and syndications over HTTP: life, refusals, dependents."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cdp.support import DAY, SESSION, Client

PEOPLE = {"parentDatabaseName": "gld", "parentTableName": "people"}
TAKEN = {"errors": {"name": ["has already been taken"]}}


@pytest.fixture(scope="module")
def shop(client: Client) -> Client:
    """A hundred people; every third has bought, once or twice."""
    for name in ("raw", "gld"):
        client.account.engine.create_database(name)
    client.sql(
        "create table gld.people as select cast(n as varchar) as pid, n as number,"
        " if(n % 2 = 0, 'JP', 'US') as country from unnest(sequence(1, 100)) as t (n)"
    )
    client.sql(
        "create table gld.facts as select cast(n as varchar) as id, n * 1e0 as ltv,"
        f" {SESSION} - n * {DAY} as seen, array['a', cast(n % 3 as varchar)] as tags"
        " from unnest(sequence(1, 60)) as t (n)"
    )
    client.sql(
        "create table gld.orders as select cast(n as varchar) as who, 10e0 + n as amount,"
        f" {SESSION} - n * {DAY} as time from unnest(sequence(3, 99, 3)) as t (n)"
    )
    return client


def definition(name: str, **more: Any) -> dict[str, Any]:
    facts = {"parentDatabaseName": "gld", "parentTableName": "facts", "parentKey": "id", "foreignKey": "pid"}
    orders = {
        "parentDatabaseName": "gld",
        "parentTableName": "orders",
        "parentKey": "who",
        "foreignKey": "pid",
    }
    return {
        "name": name,
        "master": PEOPLE,
        "attributes": [
            facts | {"name": "LTV", "type": "number", "parentColumn": "ltv"},
            facts | {"name": "Seen", "type": "timestamp", "parentColumn": "seen"},
            facts | {"name": "Tags", "type": "string_array", "parentColumn": "tags"},
        ],
        "behaviors": [
            orders
            | {"name": "Orders", "schema": [{"name": "Amount", "type": "number", "parentColumn": "amount"}]}
        ],
    } | more


@pytest.fixture(scope="module")
def audience(shop: Client) -> str:
    made = shop.post("/audiences", definition("Everybody"))["id"]
    assert shop.build_audience(made)["status"] == "success"
    return str(made)


def rule(*conditions: Any, kind: str = "And") -> dict[str, Any]:
    return {"type": kind, "conditions": [{"type": "And", "conditions": list(conditions)}]}


def value(name: str, **operator: Any) -> dict[str, Any]:
    return {"type": "Value", "leftValue": {"name": name}, "operator": operator, "exclude": False}


def create(client: Client, audience: str, name: str, *conditions: Any, **more: Any) -> Any:
    attributes = {
        "audienceId": audience,
        "name": name,
        "rule": rule(*conditions),
        "countPopulation": True,
    } | more
    return client.post("/entities/segments", {"type": "segment-batch", "attributes": attributes})["data"]


def error_of(client: Client, audience: str, attempt: str) -> str:
    tasks = client.get(f"/api/attempts/{attempt}/tasks")["tasks"]
    return " ".join(task["error"].get("message", "") for task in tasks)


# ---- audiences


def test_an_audience_lives_and_dies(shop: Client) -> None:
    made = shop.post("/audiences", definition("Short", description="d", scheduleOption=None))
    number = made["id"]
    assert made["attributes"][0]["matrixColumnName"] == "ltv"
    assert made["behaviors"][0]["matrixTableName"] == "behavior_orders"
    assert shop.get(f"/audiences/{number}") == made
    assert shop.refused("POST", "/audiences", definition("Short")) == (400, TAKEN)
    changed = shop.put(f"/audiences/{number}", {"description": "new"})
    assert (changed["description"], len(changed["attributes"])) == ("new", 3)
    replaced = shop.put(f"/audiences/{number}", {"name": "Shorter", "master": PEOPLE})
    assert (replaced["name"], replaced["attributes"]) == ("Shorter", [])
    gone = shop.delete(f"/audiences/{number}")
    assert (gone["id"], gone["name"]) == (number, "Shorter")
    assert shop.refused("GET", f"/audiences/{number}")[0] == 404
    assert shop.get(f"/api/projects?name=cdp_audience_{number}") == {"projects": []}
    again = shop.post("/audiences", definition("Short"))
    assert again["id"] != number
    shop.delete(f"/audiences/{again['id']}")


def test_every_fault_of_a_definition_is_told_at_once(shop: Client) -> None:
    body = {
        "name": "Faulty",
        "timezone": "Mars",
        "scheduleType": "never",
        "master": {"parentDatabaseName": "gld"},
        "attributes": [{"name": "x", "type": "wish"}],
        "behaviors": [{"name": "y", "matrixTableName": "orders"}],
    }
    status, told = shop.refused("POST", "/audiences", body)
    assert status == 400
    text = "\n".join(told["errors"]["audience"])
    for word in ("timezone 'Mars'", "scheduleType", "master.parentTableName", "attributes[0].parentColumn"):
        assert word in text
    for word in ("attributes[0].type", "behaviors[0].parentKey", "begin with behavior_", "schema is empty"):
        assert word in text


@pytest.mark.parametrize(
    "body", [None, [], {}, {"name": ""}, {"name": 7}, {"name": "n" * 300}, {"name": "x"}]
)
def test_a_body_that_is_no_audience_is_refused(shop: Client, body: Any) -> None:
    assert shop.refused("POST", "/audiences", body)[0] == 400


def test_a_build_names_everything_that_is_missing(shop: Client) -> None:
    body = definition("Missing")
    body["attributes"][0]["parentColumn"] = "nope"
    body["attributes"][1]["foreignKey"] = "nokey"
    body["behaviors"][0]["parentTableName"] = "notable"
    number = shop.post("/audiences", body)["id"]
    ended = shop.build_audience(number)
    assert ended["status"] == "error"
    told = error_of(shop, number, ended["id"])
    for word in (
        "gld.facts has no column 'nope'",
        "gld.people has no column 'nokey'",
        "table gld.notable does not exist",
    ):
        assert word in told
    assert shop.get(f"/audiences/{number}")["population"] is None


def test_a_failed_build_leaves_the_last_good_tables(shop: Client) -> None:
    number = shop.post("/audiences", definition("Careful"))["id"]
    assert shop.build_audience(number)["status"] == "success"
    shop.put(f"/audiences/{number}", {"master": {"parentDatabaseName": "gld", "parentTableName": "gone"}})
    assert shop.build_audience(number, "2026-11-02T00:00:00+00:00")["status"] == "error"
    assert shop.sql(f"select count(*) from cdp_audience_{number}.customers") == [(100,)]


def test_two_builds_of_a_session_give_equal_tables(shop: Client, audience: str) -> None:
    customers = f"select * from cdp_audience_{audience}.customers order by cdp_customer_id"
    before = shop.sql(customers)
    assert shop.build_audience(audience, retryAttemptName="again")["status"] == "success"
    assert shop.sql(customers) == before
    assert len({row[0] for row in before}) == 100


def test_one_row_a_customer_whatever_the_sources_hold(shop: Client) -> None:
    """Repeats in the master and in an attribute table do not multiply customers; the newest row counts."""
    shop.sql("create table gld.twice as select * from gld.people union all select * from gld.people")
    shop.sql(
        "create table gld.stages as select * from (values"
        " ('1', 'old', 10), ('1', 'new', 20), ('2', 'only', 5)) as t (id, stage, time)"
    )
    stage = {"parentDatabaseName": "gld", "parentTableName": "stages", "parentKey": "id", "foreignKey": "pid"}
    body = definition("Twice", master={"parentDatabaseName": "gld", "parentTableName": "twice"})
    body["attributes"] = [stage | {"name": "Stage", "type": "string", "parentColumn": "stage"}]
    number = shop.post("/audiences", body)["id"]
    assert shop.build_audience(number)["status"] == "success"
    database = f"cdp_audience_{number}"
    assert shop.sql(f"select count(*), count(stage) from {database}.customers") == [(100, 2)]
    assert shop.sql(f"select stage from {database}.customers where pid = '1'") == [("new",)]
    assert shop.sql(f"select count(*) from {database}.behavior_orders") == [(33,)]


def test_filters_and_all_columns(shop: Client) -> None:
    body = definition("Japan", audienceFilters=[{"columnName": "country", "rightValues": ["JP"]}])
    body["behaviors"][0] |= {"allColumns": True, "schema": []}
    number = shop.post("/audiences", body)["id"]
    assert shop.build_audience(number)["status"] == "success"
    assert shop.get(f"/audiences/{number}")["population"] == 50
    row = shop.sql(
        f"select who, amount, timestamp, time from cdp_audience_{number}.behavior_orders order by amount"
    )
    assert row[0] == ("6", 16.0, SESSION - 6 * DAY, SESSION - 6 * DAY)


def test_keys_of_different_types_are_joined_as_text(shop: Client) -> None:
    shop.sql(
        "create table gld.scores as select n as id, n * 2 as score from unnest(sequence(1, 10)) as t (n)"
    )
    score = {"parentDatabaseName": "gld", "parentTableName": "scores", "parentKey": "id", "foreignKey": "pid"}
    body = definition("Mixed") | {"behaviors": []}
    body["attributes"] = [score | {"name": "Score", "type": "number", "parentColumn": "score"}]
    number = shop.post("/audiences", body)["id"]
    assert shop.build_audience(number)["status"] == "success"
    assert shop.sql(f"select sum(score) from cdp_audience_{number}.customers") == [(110,)]


def test_a_column_of_the_master_may_not_come_twice(shop: Client) -> None:
    body = definition("Clash")
    body["attributes"][0]["matrixColumnName"] = "country"
    number = shop.post("/audiences", body)["id"]
    ended = shop.build_audience(number)
    assert "the master table has a column 'country' already" in error_of(shop, number, ended["id"])


def test_run_and_executions(shop: Client, audience: str) -> None:
    started = shop.post(f"/audiences/{audience}/run")
    assert started["audienceId"] == audience
    ended = shop.ended(started["workflowAttemptId"])
    assert ended["workflow"]["name"] == "audience"
    executions = shop.get(f"/audiences/{audience}/executions")
    assert executions[0]["status"] == "success"
    assert shop.get(f"/audiences/{audience}/statistics")[-1][1:] == [100, True]
    shop.build_audience(audience, retryAttemptName="back")


def test_other_ways_to_see_an_audience(shop: Client, audience: str) -> None:
    assert (audience, "Everybody") in [(one["id"], one["name"]) for one in shop.get("/master_segments")]
    entity = shop.get(f"/entities/parent_segments/{audience}")["data"]
    assert (entity["type"], entity["attributes"]["population"]) == ("parentSegment", 100)
    root = entity["relationships"]["parentFolder"]["data"]["id"]
    assert root == shop.get(f"/audiences/{audience}")["rootFolderId"]
    assert audience in [one["id"] for one in shop.get("/entities/parent_segments")["data"]]
    names = [one["name"] for one in shop.get(f"/audiences/{audience}/attributes")]
    assert names[:3] == ["LTV", "Seen", "Tags"] and "country" in names
    values = shop.get(f"/audiences/{audience}/sample_values?column=country&limit=5")
    assert sorted(values) == [["JP", 0.5], ["US", 0.5]]
    behavior = shop.get(f"/audiences/{audience}/behaviors")[0]["id"]
    values = shop.get(f"/audiences/{audience}/behaviors/{behavior}/sample_values?column=amount&limit=2")
    assert len(values) == 2
    assert shop.refused("GET", f"/audiences/{audience}/sample_values?column=nope")[0] == 400


# ---- folders


def test_folders_by_both_apis(shop: Client, audience: str) -> None:
    root = shop.get(f"/audiences/{audience}")["rootFolderId"]
    made = shop.post(f"/audiences/{audience}/folders", {"name": "A", "parentFolderId": root})
    assert made["parentFolderId"] == root and isinstance(made["id"], str)
    link = {"parentFolder": {"data": {"id": made["id"], "type": "folder-segment"}}}
    body = {"type": "folder-segment", "attributes": {"name": "B", "description": "b"}, "relationships": link}
    below = shop.post("/entities/folders/", body)["data"]
    assert below["relationships"]["parentFolder"]["data"]["id"] == made["id"]
    assert shop.refused("POST", "/entities/folders", body) == (400, TAKEN)
    renamed = shop.patch(f"/entities/folders/{below['id']}", {"attributes": {"name": "C"}})["data"]
    assert (renamed["attributes"]["name"], renamed["attributes"]["description"]) == ("C", "b")
    inner = create(shop, audience, "inside C", relationships={})
    moved = shop.patch(
        f"/entities/segments/{inner['id']}",
        {"attributes": {}, "relationships": {"parentFolder": {"data": {"id": below["id"]}}}},
    )["data"]
    assert moved["relationships"]["parentFolder"]["data"]["id"] == below["id"]
    found = shop.get(f"/entities/by-folder/{made['id']}?depth=10")["data"]
    assert [(one["type"], one["attributes"]["name"]) for one in found] == [
        ("folder-segment", "A"),
        ("folder-segment", "C"),
        ("segment-batch", "inside C"),
    ]
    assert len(shop.get(f"/entities/by-folder/{made['id']}?depth=0")["data"]) == 1
    assert [one["id"] for one in shop.get(f"/audiences/{audience}/folders/{below['id']}/segments")] == [
        inner["id"]
    ]
    assert shop.refused("DELETE", f"/entities/folders/{below['id']}")[0] == 409
    assert shop.refused("DELETE", f"/entities/folders/{root}")[0] == 400
    swap = {"attributes": {}, "relationships": {"parentFolder": {"data": {"id": below["id"]}}}}
    assert shop.refused("PATCH", f"/entities/folders/{made['id']}", swap)[0] == 400
    assert shop.call("POST", f"/audiences/{audience}/folders/{root}/put_in", [inner["id"]]).json() == {}
    assert shop.delete(f"/entities/folders/{below['id']}")["data"]["id"] == below["id"]
    shop.delete(f"/audiences/{audience}/folders/{made['id']}")
    assert [one["id"] for one in shop.get(f"/audiences/{audience}/folders")] == [root]
    assert shop.get(f"/tree/audiences/{audience}/segment_folders")["data"][0]["id"] == root


# ---- segments


def test_a_segment_lives_by_both_apis(shop: Client, audience: str) -> None:
    made = create(shop, audience, "Big", value("ltv", type="Greater", rightValue=50))
    assert made["attributes"]["population"] == 10
    plain = shop.get(f"/audiences/{audience}/segments/{made['id']}")
    assert (plain["name"], plain["population"], plain["kind"]) == ("Big", 10, 0)
    changed = shop.put(
        f"/audiences/{audience}/segments/{made['id']}",
        {"rule": rule(value("ltv", type="Greater", rightValue=55))},
    )
    assert (changed["name"], changed["population"]) == ("Big", 5)
    assert made["id"] in [one["id"] for one in shop.get(f"/audiences/{audience}/segments")]
    assert shop.delete(f"/entities/segments/{made['id']}")["data"]["attributes"]["name"] == "Big"
    assert shop.refused("GET", f"/entities/segments/{made['id']}")[0] == 404


def test_counts_follow_the_session_of_the_build_not_the_wall_clock(shop: Client, audience: str) -> None:
    made = create(shop, audience, "Seen lately", value("seen", type="TimeWithinPast", value="7", unit="day"))
    assert made["attributes"]["population"] == 7
    assert shop.build_audience(audience, "2026-11-04T00:00:00+00:00")["status"] == "success"
    later = shop.get(f"/entities/segments/{made['id']}")["data"]["attributes"]
    assert later["population"] == 4
    history = shop.get(f"/audiences/{audience}/segments/{made['id']}/statistics")
    assert [SESSION + 3 * DAY, 4, True] in history
    shop.build_audience(audience, retryAttemptName="home")


def test_references_include_exclude_and_are_protected(shop: Client, audience: str) -> None:
    japan = create(shop, audience, "Japan", value("country", type="Equal", rightValue="JP"))
    both = create(
        shop,
        audience,
        "Rich outside Japan",
        {"type": "Reference", "id": japan["id"], "exclude": True},
        value("ltv", type="GreaterEqual", rightValue=51),
    )
    assert both["attributes"]["population"] == 5
    status, told = shop.refused("DELETE", f"/entities/segments/{japan['id']}")
    assert status == 409
    assert told["errors"][0]["meta"]["referencedBySegments"] == [{"id": both["id"]}]
    circle = {"attributes": {"rule": rule({"type": "Reference", "id": both["id"]})}}
    status, told = shop.refused("PATCH", f"/entities/segments/{japan['id']}", circle)
    assert status == 400 and "refers to itself" in told["errors"]["rule"][0]
    narrower = {"attributes": {"rule": rule(value("number", type="Less", rightValue=53))}}
    shop.patch(f"/entities/segments/{japan['id']}", narrower)
    assert shop.get(f"/entities/segments/{both['id']}")["data"]["attributes"]["population"] == 8
    shop.delete(f"/entities/segments/{both['id']}")
    shop.delete(f"/entities/segments/{japan['id']}")


def test_a_bad_rule_tells_every_fault_and_makes_nothing(shop: Client, audience: str) -> None:
    body = {
        "name": "Bad",
        "rule": rule(value("nope", type="Equal", rightValue=1), value("ltv", type="Likes")),
    }
    status, told = shop.refused("POST", f"/audiences/{audience}/segments", body)
    assert status == 400 and len(told["errors"]["rule"]) == 2
    body = {
        "name": "Bad",
        "countPopulation": True,
        "rule": rule(value("country", type="Regexp", rightValue="(")),
    }
    status, told = shop.refused("POST", f"/audiences/{audience}/segments", body)
    assert status == 400 and told["errors"]["rule"]
    assert "Bad" not in [one["name"] for one in shop.get(f"/audiences/{audience}/segments")]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/entities/segments", {"type": "segment-realtime", "attributes": {"name": "x"}}),
        ("/entities/predictive_segments", {"type": "predictive-segment"}),
    ],
)
def test_what_is_lacking_answers_501_by_name(shop: Client, path: str, body: Any) -> None:
    status, told = shop.refused("POST", path, body)
    assert status == 501 and "segment" in str(told)


def test_predictive_conditions_answer_501(shop: Client, audience: str) -> None:
    scored = {"type": "PredictiveScoreReference", "id": "1", "minGrade": 1, "maxGrade": 2}
    body = {"name": "Scored", "rule": rule(scored)}
    status, told = shop.refused("POST", f"/audiences/{audience}/segments", body)
    assert status == 501 and "PredictiveScoreReference" in told["message"]


def test_a_rule_can_be_asked_without_making_a_segment(shop: Client, audience: str) -> None:
    body = {
        "rule": rule(value("ltv", type="Between", minValue=1, maxValue=12)),
        "columns": ["pid"],
        "pageSize": 5,
    }
    query = shop.post(f"/audiences/{audience}/segments/queries", body)
    assert (query["status"], query["count"], query["maxPage"]) == ("success", 12, 3)
    path = f"/audiences/{audience}/segments/queries/{query['id']}"
    assert shop.get(path)["count"] == 12
    pages = [shop.get(f"{path}/customers?page={page}") for page in (1, 2, 3, 4)]
    assert [page["type"] for page in pages] == ["rows", "rows", "rows", "end"]
    assert pages[0]["names"] == ["cdp_customer_id", "pid"]
    assert sorted(int(row[1]) for page in pages for row in page["rows"]) == list(range(1, 13))
    sql = shop.post(f"/audiences/{audience}/segments/query", {"format": "sql", "rule": body["rule"]})["sql"]
    assert len(shop.sql(sql)) == 12
    assert shop.refused("GET", f"{path}x")[0] == 404


def test_before_the_first_build_there_is_no_count(shop: Client) -> None:
    number = shop.post("/audiences", definition("Fresh"))["id"]
    made = create(shop, number, "Early", value("ltv", type="Greater", rightValue=50))
    assert made["attributes"]["population"] is None
    assert shop.refused("POST", f"/audiences/{number}/segments/queries", {"rule": {}})[0] == 400
    assert shop.build_audience(number)["status"] == "success"
    assert shop.get(f"/entities/segments/{made['id']}")["data"]["attributes"]["population"] == 10


def test_names_are_free_in_another_audience(shop: Client, audience: str) -> None:
    other = shop.post("/audiences", definition("Other"))["id"]
    create(shop, audience, "Same name")
    create(shop, other, "Same name")
    wrong = {"attributes": {"audienceId": audience, "name": "lost"}, "relationships": {}}
    wrong["relationships"] = {
        "parentFolder": {"data": {"id": shop.get(f"/audiences/{other}")["rootFolderId"]}}
    }
    assert shop.refused("POST", "/entities/segments", wrong)[0] == 400
    shop.delete(f"/audiences/{other}")


# ---- syndications


def test_syndications_are_written_down_and_never_sent(shop: Client, audience: str) -> None:
    segment = create(shop, audience, "Mailed")["id"]
    path = f"/audiences/{audience}/segments/{segment}/syndications"
    body = {
        "name": "to the shop",
        "connectionId": 7,
        "connectorConfig": {"a": 1},
        "columns": [{"column": "pid"}],
    }
    made = shop.post(path, body)
    assert made.items() >= body.items() and made["executions"] == []
    assert shop.get(f"{path}/{made['id']}") == made == shop.get(path)[0]
    assert shop.get(f"/audiences/{audience}/syndications")[0]["id"] == made["id"]
    assert shop.get(f"/entities/segments/{segment}/syndications")["data"][0]["id"] == made["id"]
    assert shop.get(f"/audiences/{audience}/segments/{segment}")["numSyndications"] == 1
    assert shop.put(f"{path}/{made['id']}", {"description": "later"})["connectorConfig"] == {"a": 1}
    assert shop.refused("POST", f"{path}/{made['id']}/run", {})[0] == 501
    shop.delete(f"{path}/{made['id']}")
    assert shop.get(path) == []


def test_keys_are_asked_for(shop: Client) -> None:
    for path in ("/audiences", "/entities/parent_segments", "/reporting/datamodels", "/api/projects"):
        assert shop.call("GET", path, headers={"Authorization": "TD1 wrong"}).status_code == 401
