"""/audiences, /master_segments, /entities/parent_segments: parent segments and their builds."""

from __future__ import annotations

import json
from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.audience_build import kind_of
from tdlocal.account.audiences import OWNER, database_of
from tdlocal.account.cdp_values import unix_now
from tdlocal.account.errors import NotThere, Refused
from tdlocal.account.segment_operators import identifier
from tdlocal.account.segment_time import Clock, TimeFault, moment_window
from tdlocal.account.workflow_times import session_text
from tdlocal.api.cdp_shapes import (
    CDP_API,
    INCLUDED,
    body_of,
    json_api,
    parent_segment_entity,
    plain,
    syndication_entity,
)
from tdlocal.api.wire import Request, route
from tdlocal.api.workflow_shapes import BY_CLOCK
from tdlocal.engine.types import EngineError

BOXES = "se-starter-pack segment/python/api/ps.py; treasure-boxes ps_backup_restore"
STATUSES = {"success": "success", "error": "error", "killed": "canceled", "running": "running"}
SAMPLES = 10


@route("GET", "/audiences", source=BOXES)
@plain
def list_audiences(account: Account, request: Request) -> Any:
    return account.audiences.all()


@route("POST", "/audiences", source=BOXES, partly=BY_CLOCK)
@plain
def create_audience(account: Account, request: Request) -> Any:
    return account.audiences.create(body_of(request))


@route("GET", "/audiences/{audience}", source=BOXES)
@plain
def show_audience(account: Account, request: Request, audience: str) -> Any:
    return account.audiences.show(audience)


@route("PUT", "/audiences/{audience}", source=BOXES)
@plain
def update_audience(account: Account, request: Request, audience: str) -> Any:
    return account.audiences.update(audience, body_of(request))


@route("PATCH", "/audiences/{audience}", source=CDP_API)
@plain
def patch_audience(account: Account, request: Request, audience: str) -> Any:
    return account.audiences.update(audience, body_of(request))


@route("DELETE", "/audiences/{audience}", source=BOXES)
@plain
def delete_audience(account: Account, request: Request, audience: str) -> Any:
    return account.audiences.delete(audience)


@route("GET", "/audiences/{audience}/attributes", source=CDP_API)
@plain
def list_attributes(account: Account, request: Request, audience: str) -> Any:
    """Declared attributes, then the master's own columns."""
    definition = account.audiences.definition(audience)
    master = definition["master"]
    table = account.engine.table(master["parentDatabaseName"], master["parentTableName"])
    columns = [
        {
            "audienceId": audience,
            "id": None,
            "name": column.name,
            "type": kind_of(column.name, column.type),
            "parentDatabaseName": master["parentDatabaseName"],
            "parentTableName": master["parentTableName"],
            "parentColumn": column.name,
            "parentKey": None,
            "foreignKey": None,
            "matrixColumnName": column.name,
            "groupingName": None,
            "visibility": "clear",
        }
        for column in (table.columns if table else ())
    ]
    return [one | {"visibility": "clear"} for one in definition["attributes"]] + columns


@route("GET", "/audiences/{audience}/behaviors", source=CDP_API)
@plain
def list_behaviors(account: Account, request: Request, audience: str) -> Any:
    return account.audiences.definition(audience)["behaviors"]


@route("POST", "/audiences/{audience}/run", source=CDP_API)
@plain
def run_audience(account: Account, request: Request, audience: str) -> Any:
    """Build the audience for the present moment."""
    workflow = audience_workflow(account, audience)
    session = {"workflowId": workflow["id"], "sessionTime": session_text(unix_now(), "UTC")}
    attempt, fresh = account.attempts.start(session)
    if not fresh:
        attempt, _ = account.attempts.start(session | {"retryAttemptName": f"run-{attempt['id']}"})
    return execution(attempt)


@route("GET", "/audiences/{audience}/executions", source=CDP_API)
@plain
def list_executions(account: Account, request: Request, audience: str) -> Any:
    account.audiences.get(audience)
    found = account.attempts.all(project=database_of(int(audience)))
    return [execution(attempt) for attempt in found]


@route("GET", "/audiences/{audience}/statistics", source=CDP_API)
@plain
def audience_statistics(account: Account, request: Request, audience: str) -> Any:
    row = account.audiences.get(audience)
    return statistics(account, request, "audience", row["id"], row)


@route("GET", "/audiences/{audience}/sample_values", source=CDP_API)
@plain
def sample_values(account: Account, request: Request, audience: str) -> Any:
    row = account.audiences.get(audience)
    return samples(account, request, database_of(row["id"]), "customers")


@route("GET", "/audiences/{audience}/behaviors/{behavior}/sample_values", source=CDP_API)
@plain
def behavior_sample_values(account: Account, request: Request, audience: str, behavior: str) -> Any:
    row = account.audiences.get(audience)
    for one in account.audiences.definition(audience)["behaviors"]:
        if one["id"] == behavior:
            return samples(account, request, database_of(row["id"]), one["matrixTableName"])
    raise NotThere(f"behavior {behavior} does not exist in audience {audience}")


@route("GET", "/master_segments", source=CDP_API)
@plain
def master_segments(account: Account, request: Request) -> Any:
    keys = (
        "id",
        "name",
        "description",
        "population",
        "updatedAt",
        "updatedBy",
        "matrixUpdatedAt",
        "scheduleType",
    )
    return [{key: one[key] for key in keys} for one in account.audiences.all()]


@route("GET", "/entities/parent_segments", source="treasure-boxes cdp_monitoring; td-mcp-server cdp client")
@json_api
def list_parent_segments(account: Account, request: Request) -> Any:
    return {"data": [parent_segment_entity(one) for one in account.audiences.all()]}


@route("GET", "/entities/parent_segments/{audience}", source="treasure-boxes cdp_monitoring")
@json_api
def show_parent_segment(account: Account, request: Request, audience: str) -> Any:
    return {"data": parent_segment_entity(account.audiences.show(audience))}


@route("GET", "/entities/parent_segments/{audience}/syndications", source="treasure-boxes cdp_monitoring")
@json_api
def parent_segment_syndications(account: Account, request: Request, audience: str) -> Any:
    rows = account.syndications.all(audience=audience)
    return {"data": [syndication_entity(row) for row in rows], "included": INCLUDED}


def audience_workflow(account: Account, audience: str) -> dict[str, Any]:
    row = account.audiences.get(audience)
    project = account.projects.named(database_of(row["id"]))
    if project is None:
        raise NotThere(f"audience {audience} has no project")
    return account.projects.workflow_named(project["id"], "audience")


def execution(attempt: dict[str, Any]) -> dict[str, Any]:
    return {
        "audienceId": str(attempt["audience_id"]),
        "workflowId": str(attempt["workflow_id"]),
        "workflowSessionId": str(attempt["session_id"]),
        "workflowAttemptId": str(attempt["id"]),
        "createdAt": attempt["created_at"],
        "finishedAt": attempt["finished_at"],
        "status": STATUSES[attempt["state"]],
        "createdBy": OWNER,
    }


def statistics(account: Account, request: Request, kind: str, number: int, row: dict[str, Any]) -> list[Any]:
    """Populations as [unix, population, true], between `from` and `to` (both days included)."""
    clock = Clock(unix_now(), json.loads(row["body"])["timezone"])
    try:
        first = moment_window(request.query["from"], clock).start if "from" in request.query else None
        last = moment_window(request.query["to"], clock).end if "to" in request.query else None
    except TimeFault as fault:
        raise Refused(str(fault)) from fault
    return [
        [at, population, True]
        for at, population in account.audiences.populations(kind, number)
        if (first is None or at >= first) and (last is None or at < last)
    ]


def samples(account: Account, request: Request, database: str, table: str) -> list[Any]:
    """The commonest values of a column, each with its share of the rows."""
    name = request.query.get("column", "")
    limit = min(request.number("limit", SAMPLES), 1000)
    info = account.engine.table(database, table) if database in account.engine.databases() else None
    if info is None:
        raise Refused(f"{database}.{table} was not built yet; run the audience first")
    if name not in {column.name for column in info.columns}:
        raise Refused(f"{database}.{table} has no column {name!r}")
    column, source = identifier(name), f"{identifier(database)}.{identifier(table)}"
    sql = (
        f"select value, people * 1e0 / sum(people) over () as share from ("
        f"select {column} as value, count(*) as people from {source}"
        f" where {column} is not null group by {column}"
        f") counted order by share desc, cast(value as varchar) limit {limit}"
    )
    try:
        answer = account.engine.run(sql, database=database, scheduled_time=unix_now())
    except EngineError as error:
        raise Refused(error.message) from error
    try:
        return [list(one) for batch in answer.batches() for one in batch]
    finally:
        answer.close()
