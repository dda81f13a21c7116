"""/v3/connections, /v3/bulk_loads and other doors to systems outside: kept by name, never opened."""

from __future__ import annotations

from typing import Any

from tdlocal.account.account import Account
from tdlocal.api.wire import Fault, Request, lacks, route

CONNECTOR = "td-client-python 1.7 tdclient/connector_api.py"
NO_CONNECTORS = "it has no connectors to other systems; `tdlocal load` reads files"
KEPT = "sessions are kept and shown; they cannot run"
NO_TAGS = "tables and columns have no tags here"
SKILLS = "td-skills"


@route(
    "GET",
    "/v3/connections/lookup",
    source="td-client-java 0.9 TDClient.java",
    partly="finds the result outputs of /v3/result",
)
def lookup(account: Account, request: Request) -> Any:
    found = account.results.show(request.required("name"))
    return {"id": found.id, "name": found.name}


@route("GET", "/v3/bulk_loads", source=CONNECTOR, partly=KEPT)
def list_sessions(account: Account, request: Request) -> Any:
    return account.connectors.all()


@route("POST", "/v3/bulk_loads", source=CONNECTOR, partly=KEPT)
def create_session(account: Account, request: Request) -> Any:
    return account.connectors.create(content_of(request))


@route("GET", "/v3/bulk_loads/{name}", source=CONNECTOR, partly=KEPT)
def show_session(account: Account, request: Request, name: str) -> Any:
    return account.connectors.show(name)


@route("PUT", "/v3/bulk_loads/{name}", source=CONNECTOR, partly=KEPT)
def update_session(account: Account, request: Request, name: str) -> Any:
    return account.connectors.update(name, content_of(request))


@route("DELETE", "/v3/bulk_loads/{name}", source=CONNECTOR, partly=KEPT)
def delete_session(account: Account, request: Request, name: str) -> Any:
    return account.connectors.delete(name)


@route("GET", "/v3/bulk_loads/{name}/jobs", source=CONNECTOR, partly="always empty: no session can run")
def session_jobs(account: Account, request: Request, name: str) -> Any:
    account.connectors.show(name)
    return []


def content_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request."""
    if not isinstance(request.json, dict):
        raise Fault(422, "the body must be a JSON object")
    return request.json


lacks("POST", "/v3/bulk_loads/guess", source=CONNECTOR, why=NO_CONNECTORS)
lacks("POST", "/v3/bulk_loads/preview", source=CONNECTOR, why=NO_CONNECTORS)
lacks("POST", "/v3/bulk_loads/{name}/jobs", source=CONNECTOR, why=NO_CONNECTORS)
lacks("POST", "/v4/streaming_task_auths", source=SKILLS, why="there is no streaming ingestion")
for method in ("GET", "POST"):
    lacks(method, "/v4/tags", source=SKILLS, why=NO_TAGS)
    lacks(method, "/v4/databases/{database}/tables/{table}/columns/{column}/tags", source=SKILLS, why=NO_TAGS)
