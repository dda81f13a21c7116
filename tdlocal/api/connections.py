"""/v3/connections, /v3/bulk_loads and other doors to systems outside."""

from __future__ import annotations

from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.jobs import Job
from tdlocal.api.jobs import BUCKETS, job_options, started
from tdlocal.api.wire import Fault, Request, lacks, route
from tdlocal.api.workflow_shapes import BY_CLOCK

CONNECTOR = "td-client-python 1.7 tdclient/connector_api.py"
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


@route("GET", "/v3/bulk_loads", source=CONNECTOR)
def list_sessions(account: Account, request: Request) -> Any:
    return account.connectors.all()


@route("POST", "/v3/bulk_loads", source=CONNECTOR, partly=BY_CLOCK)
def create_session(account: Account, request: Request) -> Any:
    return account.connectors.create(content_of(request))


@route("GET", "/v3/bulk_loads/{name}", source=CONNECTOR)
def show_session(account: Account, request: Request, name: str) -> Any:
    return account.connectors.show(name)


@route("PUT", "/v3/bulk_loads/{name}", source=CONNECTOR)
def update_session(account: Account, request: Request, name: str) -> Any:
    return account.connectors.update(name, content_of(request))


@route("DELETE", "/v3/bulk_loads/{name}", source=CONNECTOR)
def delete_session(account: Account, request: Request, name: str) -> Any:
    return account.connectors.delete(name)


@route("GET", "/v3/bulk_loads/{name}/jobs", source=CONNECTOR)
def session_jobs(account: Account, request: Request, name: str) -> Any:
    return [run_json(job) for job in account.connectors.history(name)]


@route("POST", "/v3/bulk_loads/{name}/jobs", source=CONNECTOR, partly=BUCKETS)
def run_session(account: Account, request: Request, name: str) -> Any:
    return started(account, account.connectors.run(name, **job_options(account, request)))


@route("POST", "/v3/bulk_loads/guess", source=CONNECTOR, partly=BUCKETS)
def guess(account: Account, request: Request) -> Any:
    return account.loads.guess(content_of(request))


@route("POST", "/v3/bulk_loads/preview", source=CONNECTOR, partly=BUCKETS)
def preview(account: Account, request: Request) -> Any:
    return account.loads.preview(content_of(request))


def run_json(job: Job) -> dict[str, Any]:
    """A run of a session as its history has it."""
    return {
        "job_id": str(job.id),
        "status": job.status,
        "records": job.num_records,
        "num_records": job.num_records,
        "database": {"name": job.database},
        "table": {"name": job.table_name},
        "priority": job.priority,
        "scheduled_time": job.scheduled_time,
        "created_at": job.created_at,
        "start_at": job.start_at,
        "end_at": job.end_at,
        "duration": job.duration,
    }


def content_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request."""
    if not isinstance(request.json, dict):
        raise Fault(422, "the body must be a JSON object")
    return request.json


lacks("POST", "/v4/streaming_task_auths", source=SKILLS, why="there is no streaming ingestion")
for method in ("GET", "POST"):
    lacks(method, "/v4/tags", source=SKILLS, why=NO_TAGS)
    lacks(method, "/v4/databases/{database}/tables/{table}/columns/{column}/tags", source=SKILLS, why=NO_TAGS)
