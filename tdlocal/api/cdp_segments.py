"""/audiences/{id}/segments, /entities/segments: rules, counts, members; syndications (never sent)."""

from __future__ import annotations

from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.cdp_values import Unsupported
from tdlocal.account.errors import Refused
from tdlocal.account.segments import Query
from tdlocal.api.cdp_audiences import statistics
from tdlocal.api.cdp_folders import entity, parent_of
from tdlocal.api.cdp_shapes import (
    CDP_API,
    INCLUDED,
    body_of,
    json_api,
    plain,
    segment,
    segment_entity,
    syndication,
    syndication_entity,
)
from tdlocal.api.wire import Request, lacks, route

PACK = "se-starter-pack segment/python/api/segment.py"
BOXES = "treasure-boxes segment_sync, seg_act_rep_inter_ms"
MONITORING = "treasure-boxes cdp_monitoring, account_reporting"
NAMES = {"segmentFolderId": "folder", "segmentInsightDashboardId": "dashboard"}
KEPT = ("name", "description", "rule", "countPopulation", "isVisible")
NO_MODEL = "predictive scoring needs Treasure Data's model service"
NO_JOURNEY = "journeys need Treasure Data's journey service"


@route("GET", "/audiences/{audience}/segments", source=BOXES)
@plain
def list_segments(account: Account, request: Request, audience: str) -> Any:
    return [shown(account, account.segments.get(row["id"])) for row in account.segments.all(audience)]


@route("POST", "/audiences/{audience}/segments", source=BOXES)
@plain
def create_segment(account: Account, request: Request, audience: str) -> Any:
    return shown(account, account.segments.create(audience, given(body_of(request))))


@route("GET", "/audiences/{audience}/segments/{number}", source=BOXES)
@plain
def show_segment(account: Account, request: Request, audience: str, number: str) -> Any:
    return shown(account, account.segments.get(number, audience))


@route("PUT", "/audiences/{audience}/segments/{number}", source=CDP_API)
@plain
def update_segment(account: Account, request: Request, audience: str, number: str) -> Any:
    return shown(account, account.segments.update(number, given(body_of(request)), audience))


@route("DELETE", "/audiences/{audience}/segments/{number}", source=CDP_API)
@plain
def delete_segment(account: Account, request: Request, audience: str, number: str) -> Any:
    return segment(account.segments.delete(number, audience), 0)


@route("GET", "/audiences/{audience}/segments/{number}/statistics", source=CDP_API)
@plain
def segment_statistics(account: Account, request: Request, audience: str, number: str) -> Any:
    row = account.segments.get(number, audience)
    return statistics(account, request, "segment", row["id"], account.audiences.get(audience))


@route("POST", "/audiences/{audience}/segments/query", source="td-mcp-server cdp client; " + CDP_API)
@plain
def segment_sql(account: Account, request: Request, audience: str) -> Any:
    """The SQL of a rule that need not be a segment yet."""
    parent = account.audiences.get(audience)
    body = given(body_of(request))
    rule = account.segments.checked(parent["id"], body.get("rule"))
    return {"sql": account.segments.sql(parent["id"], rule)}


@route("POST", "/audiences/{audience}/segments/queries", source=CDP_API)
@plain
def start_query(account: Account, request: Request, audience: str) -> Any:
    """Count a rule that need not be a segment yet."""
    return status(account.segments.start_query(audience, body_of(request) | given(body_of(request))))


@route("GET", "/audiences/{audience}/segments/queries/{query}", source=CDP_API)
@plain
def query_status(account: Account, request: Request, audience: str, query: str) -> Any:
    return status(account.segments.query(audience, query))


@route("POST", "/audiences/{audience}/segments/queries/{query}/kill", source=CDP_API)
@plain
def kill_query(account: Account, request: Request, audience: str, query: str) -> Any:
    account.segments.query(audience, query)
    return {"message": "the query has ended already"}


@route("GET", "/audiences/{audience}/segments/queries/{query}/customers", source=CDP_API)
@plain
def query_customers(account: Account, request: Request, audience: str, query: str) -> Any:
    """One page of members: `names` and `rows`; the type is `end` after the last one."""
    found = account.segments.query(audience, query)
    page = request.number("page", 1)
    if page < 1:
        raise Refused("page counts from 1")
    rows = [] if found.error else account.segments.page(found, page)
    kind = "error" if found.error else "rows" if rows else "end"
    return {"queryId": found.id, "type": kind, "names": found.columns, "rows": rows, "error": found.error}


@route("POST", "/entities/segments", source=PACK)
@json_api
def create_segment_entity(account: Account, request: Request) -> Any:
    body = body_of(request)
    fields = entity_fields(body)
    audience = entity(body).get("audienceId")
    if parent_of(body) is not None:
        owner = account.folders.get(parent_of(body))["audience_id"]
        if audience not in (None, "") and str(audience) != str(owner):
            raise Refused(f"folder {parent_of(body)} belongs to audience {owner}, not to {audience}")
        audience = owner
    return entity_answer(account, account.segments.create(audience, fields))


@route("GET", "/entities/segments/{number}", source=PACK)
@json_api
def show_segment_entity(account: Account, request: Request, number: str) -> Any:
    return entity_answer(account, account.segments.get(number))


@route("PATCH", "/entities/segments/{number}", source=PACK)
@json_api
def update_segment_entity(account: Account, request: Request, number: str) -> Any:
    return entity_answer(account, account.segments.update(number, entity_fields(body_of(request))))


@route("DELETE", "/entities/segments/{number}", source=PACK)
@json_api
def delete_segment_entity(account: Account, request: Request, number: str) -> Any:
    row = account.segments.delete(number)
    return {"data": segment_entity(row, 0), "included": INCLUDED}


@route("GET", "/entities/segments/{number}/syndications", source=BOXES)
@json_api
def segment_syndication_entities(account: Account, request: Request, number: str) -> Any:
    rows = account.syndications.all(segment=number)
    return {"data": [syndication_entity(row) for row in rows], "included": INCLUDED}


@route("GET", "/audiences/{audience}/syndications", source=MONITORING)
@plain
def audience_syndications(account: Account, request: Request, audience: str) -> Any:
    return [syndication(row) for row in account.syndications.all(audience=audience)]


@route("GET", "/audiences/{audience}/segments/{number}/syndications", source=BOXES)
@plain
def list_syndications(account: Account, request: Request, audience: str, number: str) -> Any:
    return [syndication(row) for row in account.syndications.all(audience=audience, segment=number)]


@route(
    "POST",
    "/audiences/{audience}/segments/{number}/syndications",
    source=BOXES,
    partly="written down and shown; nothing is ever sent",
)
@plain
def create_syndication(account: Account, request: Request, audience: str, number: str) -> Any:
    return syndication(account.syndications.create(audience, number, body_of(request)))


@route("GET", "/audiences/{audience}/segments/{number}/syndications/{one}", source=BOXES)
@plain
def show_syndication(account: Account, request: Request, audience: str, number: str, one: str) -> Any:
    account.segments.get(number, audience)
    return syndication(account.syndications.get(one, number))


@route("PUT", "/audiences/{audience}/segments/{number}/syndications/{one}", source=CDP_API)
@plain
def update_syndication(account: Account, request: Request, audience: str, number: str, one: str) -> Any:
    account.segments.get(number, audience)
    return syndication(account.syndications.update(one, body_of(request), number))


@route("DELETE", "/audiences/{audience}/segments/{number}/syndications/{one}", source=CDP_API)
@plain
def delete_syndication(account: Account, request: Request, audience: str, number: str, one: str) -> Any:
    account.segments.get(number, audience)
    return syndication(account.syndications.delete(one, number))


lacks(
    "POST",
    "/audiences/{audience}/segments/{number}/syndications/{one}/run",
    source=CDP_API,
    why="it never sends anything to other services",
)
for _method, _path in (("POST", ""), ("GET", "/{number}"), ("PATCH", "/{number}"), ("DELETE", "/{number}")):
    lacks(_method, f"/entities/predictive_segments{_path}", source=PACK, why=NO_MODEL)
for _path in ("", "/{number}", "/{number}/statistics", "/{number}/activations"):
    lacks("GET", f"/entities/journeys{_path}", source=MONITORING, why=NO_JOURNEY)


def given(body: dict[str, Any]) -> dict[str, Any]:
    """What a plain body says about a segment, in the account's words."""
    if body.get("realtime") in (True, "true") or body.get("kind") not in (None, 0, "0"):
        raise Unsupported("tdlocal has batch segments only, no realtime or funnel ones")
    fields = {key: body[key] for key in KEPT if key in body}
    return fields | {name: body[key] for key, name in NAMES.items() if key in body}


def entity_fields(body: dict[str, Any]) -> dict[str, Any]:
    """What a JSON:API body says about a segment, in the account's words."""
    kind = body.get("data", body).get("type") if isinstance(body.get("data", body), dict) else None
    if kind not in (None, "segment-batch"):
        raise Unsupported(f"tdlocal has segments of type segment-batch only, not {kind!r}")
    fields = given(entity(body))
    if parent_of(body) is not None:
        fields["folder"] = parent_of(body)
    return fields


def shown(account: Account, row: dict[str, Any]) -> dict[str, Any]:
    return segment(row, len(account.syndications.all(segment=row["id"])))


def entity_answer(account: Account, row: dict[str, Any]) -> dict[str, Any]:
    count = len(account.syndications.all(segment=row["id"]))
    return {"data": segment_entity(row, count), "included": INCLUDED}


def status(query: Query) -> dict[str, Any]:
    pages = None if query.count is None else -(-query.count // query.page_size)
    return {
        "id": query.id,
        "queryId": query.id,
        "status": "error" if query.error else "success",
        "count": query.count,
        "maxPage": pages,
        "error": query.error,
        "customerGroupCount": None,
    }
