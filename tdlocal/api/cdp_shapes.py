"""How the customer data platform writes its things, and its refusals: plain JSON and JSON:API."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from tdlocal.account.audiences import OWNER
from tdlocal.account.cdp_values import Unsupported
from tdlocal.account.errors import AccountError, AlreadyThere, NotThere, Refused
from tdlocal.api.wire import Fault, Reply, Request

JSON_API = "application/vnd.treasuredata.v1+json"
CDP_API = "cdp-api 1.0.0 OpenAPI description (td-public, audience_api_v1)"
USER = {"data": {"id": OWNER["id"], "type": "user"}}
INCLUDED = [
    {
        "id": OWNER["id"],
        "type": "user",
        "attributes": {"tdUserId": OWNER["td_user_id"], "name": OWNER["name"]},
    }
]
CODES = {
    400: "bad-parameter-error",
    404: "record-not-found-error",
    409: "conflict-error",
    501: "not-supported",
}

Handler = Callable[..., Any]


def plain(handler: Handler) -> Handler:
    """Turn refusals of the account into the plain API's: `{"errors": …}` or `{"code", "message"}`."""

    @functools.wraps(handler)
    def answer(*args: Any, **named: Any) -> Any:
        try:
            return handler(*args, **named)
        except AccountError as error:
            status = status_of(error)
            body = error.body or {"code": CODES[status], "message": error.message}
            raise Fault(status, error.message, body) from error

    return answer


def json_api(handler: Handler) -> Handler:
    """As `plain`, for /entities: refusals are a list of error objects, answers have the JSON:API type."""

    @functools.wraps(handler)
    def answer(*args: Any, **named: Any) -> Any:
        try:
            return Reply(body=handler(*args, **named), content_type=JSON_API)
        except AccountError as error:
            status = status_of(error)
            told = {"code": CODES[status], "status": str(status), "detail": error.message}
            raise Fault(status, error.message, error.body or {"errors": [told]}) from error

    return answer


def status_of(error: AccountError) -> int:
    """400 for what makes no sense and for taken names, 409 for what others depend on."""
    if isinstance(error, Unsupported):
        return 501
    if isinstance(error, NotThere):
        return 404
    if isinstance(error, AlreadyThere):
        body = error.body
        return 400 if isinstance(body, Mapping) and isinstance(body.get("errors"), Mapping) else 409
    return 400


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent."""
    if not isinstance(request.json, dict):
        raise Refused("the body must be a JSON object")
    return request.json


def folder(row: Mapping[str, Any]) -> dict[str, Any]:
    """A folder in the plain API."""
    parent = row["parent_id"]
    return {
        "id": str(row["id"]),
        "audienceId": str(row["audience_id"]),
        "name": row["name"],
        "description": row["description"],
        "parentFolderId": None if parent is None else str(parent),
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "createdBy": OWNER,
        "updatedBy": OWNER,
    }


def folder_entity(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "type": "folder-segment",
        "attributes": {
            "audienceId": str(row["audience_id"]),
            "name": row["name"],
            "description": row["description"],
            "createdAt": row["created_at"],
            "updatedAt": row["updated_at"],
        },
        "relationships": {
            "parentFolder": folder_link(row["parent_id"]),
            "createdBy": USER,
            "updatedBy": USER,
        },
    }


def folder_link(number: Any) -> dict[str, Any]:
    return {"data": None if number is None else {"id": str(number), "type": "folder-segment"}}


def segment(row: Mapping[str, Any], syndications: int) -> dict[str, Any]:
    """A segment in the plain API."""
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "audienceId": str(row["audience_id"]),
        "realtime": False,
        "kind": 0,
        "isVisible": bool(row["is_visible"]),
        "description": row["description"],
        "segmentFolderId": str(row["folder_id"]),
        "countPopulation": bool(row["count_population"]),
        "population": row["population"],
        "numSyndications": syndications,
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "createdBy": OWNER,
        "updatedBy": OWNER,
        "rule": json.loads(row["rule"]),
    }


def segment_entity(row: Mapping[str, Any], syndications: int, *, with_rule: bool = True) -> dict[str, Any]:
    rule = json.loads(row["rule"])
    attributes = {
        "audienceId": str(row["audience_id"]),
        "name": row["name"],
        "description": row["description"],
        "population": row["population"],
        "countPopulation": bool(row["count_population"]),
        "numSyndications": syndications,
        "segmentInsightDashboardId": row["dashboard_id"],
        "isEmptyRule": not rule,
        "isVisible": bool(row["is_visible"]),
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
    }
    if with_rule:
        attributes["rule"] = rule
    return {
        "id": str(row["id"]),
        "type": "segment-batch",
        "attributes": attributes,
        "relationships": {
            "parentFolder": folder_link(row["folder_id"]),
            "createdBy": USER,
            "updatedBy": USER,
        },
    }


def syndication(row: Mapping[str, Any]) -> dict[str, Any]:
    """A syndication in the plain API. Nothing is ever sent, so it has no executions."""
    body = json.loads(row["body"])
    return {
        "id": str(row["id"]),
        "name": body.pop("name"),
        "audienceId": str(row["audience_id"]),
        "segmentId": str(row["segment_id"]),
        **body,
        "valid": True,
        "executions": [],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "createdBy": OWNER,
        "updatedBy": OWNER,
    }


def syndication_entity(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = syndication(row)
    link = {"data": {"id": shown["segmentId"], "type": "segment-batch"}}
    left_out = ("id", "segmentId", "createdBy", "updatedBy")
    return {
        "id": shown["id"],
        "type": "syndication",
        "attributes": {key: value for key, value in shown.items() if key not in left_out},
        "relationships": {"segment": link, "createdBy": USER, "updatedBy": USER},
    }


def parent_segment_entity(audience: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("name", "description", "matrixUpdatedAt", "population", "scheduleType", "timezone", "createdAt")
    more = ("updatedAt", "allowActivationBehavior", "maxActivationBehaviorRow")
    link = folder_link(audience["rootFolderId"])
    return {
        "id": audience["id"],
        "type": "parentSegment",
        "attributes": {key: audience[key] for key in (*keys, *more)}
        | {"v4Id": int(audience["id"]), "customerGroup": None},
        "relationships": {"parentFolder": link, "parentSegmentFolder": link},
    }
