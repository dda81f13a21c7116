"""/reporting: data models, their builds, dashboards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.errors import Refused
from tdlocal.api.wire import Request, route

PACK = "se-starter-pack analytics/python/create_datamodel.py"
BOXES = "treasure-boxes sample-datamodel, insights_monitoring"
HERE = "no public client; shaped like /reporting/datamodels"
OWNER = {"id": "1", "name": "tdlocal"}
HELD = 0.5  # seconds that a request waits for a short build, so that one poll often is enough


@route("GET", "/reporting/datamodels", source=PACK)
def list_models(account: Account, request: Request) -> Any:
    return [model(row) for row in account.models.all()]


@route("POST", "/reporting/datamodels", source=PACK)
def create_model(account: Account, request: Request) -> Any:
    return model(account.models.create(body_of(request)))


@route("GET", "/reporting/datamodels/{oid}", source=BOXES)
def show_model(account: Account, request: Request, oid: str) -> Any:
    return model(account.models.get(oid)) | {
        "datamodel": json.loads(account.models.get(oid)["body"])["datamodel"]
    }


@route("DELETE", "/reporting/datamodels/{oid}", source=BOXES)
def delete_model(account: Account, request: Request, oid: str) -> Any:
    return model(account.models.delete(oid))


@route("GET", "/reporting/datamodels/{oid}/builds", source=PACK)
def list_builds(account: Account, request: Request, oid: str) -> Any:
    return [build(row) for row in account.models.builds(oid)]


@route("POST", "/reporting/datamodels/{oid}/builds", source=PACK)
def start_build(account: Account, request: Request, oid: str) -> Any:
    body = request.json if isinstance(request.json, dict) else {}
    return build(account.models.build(oid, body.get("buildType", "full")))


@route("GET", "/reporting/datamodels/{oid}/builds/{number}", source=PACK)
def show_build(account: Account, request: Request, oid: str, number: str) -> Any:
    account.models.build_of(oid, number)
    account.models.wait(number, HELD)
    return build(account.models.build_of(oid, number))


@route("GET", "/reporting/dashboards", source=HERE)
def list_dashboards(account: Account, request: Request) -> Any:
    return [dashboard(row) for row in account.models.dashboards()]


@route("POST", "/reporting/dashboards", source=HERE)
def create_dashboard(account: Account, request: Request) -> Any:
    return dashboard(account.models.create_dashboard(body_of(request)))


@route("GET", "/reporting/dashboards/{oid}", source=HERE)
def show_dashboard(account: Account, request: Request, oid: str) -> Any:
    return dashboard(account.models.dashboard(oid))


@route("PUT", "/reporting/dashboards/{oid}", source=HERE)
def update_dashboard(account: Account, request: Request, oid: str) -> Any:
    return dashboard(account.models.update_dashboard(oid, body_of(request)))


@route("DELETE", "/reporting/dashboards/{oid}", source=HERE)
def delete_dashboard(account: Account, request: Request, oid: str) -> Any:
    return dashboard(account.models.delete_dashboard(oid))


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent, without the API key that the pack's clients put into it."""
    if not isinstance(request.json, dict):
        raise Refused("the body must be a JSON object")
    return {key: value for key, value in request.json.items() if key != "apikey"}


def model(row: Mapping[str, Any]) -> dict[str, Any]:
    body = json.loads(row["body"])
    return {
        "oid": row["oid"],
        "name": row["name"],
        "type": body["type"],
        "description": body["description"],
        "shared_users": body["shared_users"] or [],
        "status": row["status"],
        "created_by": OWNER["name"],
        "updated_by": OWNER["name"],
        "created_at": row["created_at"],
        "last_updated": row["updated_at"],
        "last_built": row["last_built"],
    }


def build(row: Mapping[str, Any]) -> dict[str, Any]:
    """A build: queued, building, done or failed; `tables` has the rows read of each table."""
    tables = json.loads(row["tables"])
    return {
        "oid": row["oid"],
        "datamodel_oid": row["model_oid"],
        "buildType": row["build_type"],
        "status": row["status"],
        "created": row["created_at"],
        "started": row["started_at"],
        "completed": row["finished_at"],
        "tables": tables,
        "rows": sum(tables.values()),
        "errors": json.loads(row["errors"]),
    }


def dashboard(row: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(row["body"])
    return body | {
        "oid": row["oid"],
        "title": row["title"],
        "owner": OWNER,
        "created": row["created_at"],
        "lastUpdated": row["updated_at"],
    }
