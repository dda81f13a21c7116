"""/api/projects, /api/workflows, /api/schedules, /api/version: what was pushed."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import parse_qsl

from tdlocal.account.account import Account
from tdlocal.account.errors import NotThere, Refused
from tdlocal.account.workflow_schedules import delay_of, plan_of
from tdlocal.account.workflow_times import moment_unix, session_text, truncated, utc
from tdlocal.api.wire import Reply, Request, route
from tdlocal.api.workflow_shapes import (
    BY_CLOCK,
    SERVER,
    attempt,
    digdag,
    page,
    project,
    revision,
    schedule,
    session,
    workflow,
)

PACK = "se-starter-pack .github/actions"
BOXES = "treasure-boxes workflow monitoring"
VERSION = "0.10.5.1"  # the newest release of Digdag
LARGEST_PUSH = 64 * 2**20


@route("GET", "/api/version", source=SERVER, auth=False)
def version(account: Account, request: Request) -> Any:
    return {"version": VERSION}


@route("GET", "/api/version/check", source=SERVER, auth=False)
def version_check(account: Account, request: Request) -> Any:
    return {"serverVersion": VERSION, "upgradeRecommended": False, "apiCompatible": True}


@route("PUT", "/api/projects", source="digdag push; td workflow push; " + PACK, body_limit=LARGEST_PUSH)
@digdag
def push(account: Account, request: Request) -> Any:
    """Store a project's archive as its newest revision."""
    name = request.query.get("project", "")
    if not request.body:
        raise Refused("the body must be the project's tar.gz")
    given = parse_qsl(request.query_string)
    named = {value for word, value in given if word == "clear_schedule"}
    everything = truth(request, "clear_schedule_all")
    begins = request.query.get("schedule_from")
    made = account.projects.push(
        name,
        request.query.get("revision") or str(uuid.uuid4()),
        request.body,
        schedule_from=moment_unix(begins, "UTC") if begins else None,
        cleared=lambda workflow: everything or workflow in named,
    )
    return project(made)


@route("GET", "/api/projects", source=SERVER)
@digdag
def list_projects(account: Account, request: Request) -> Any:
    rows = account.projects.all()
    if "name" in request.query:
        rows = [row for row in rows if row["name"] == request.query["name"]]
    if "name_pattern" in request.query:
        rows = [row for row in rows if request.query["name_pattern"] in row["name"]]
    return {"projects": [project(row) for row in paged(request, rows)]}


@route("GET", "/api/console/projects", source=PACK)
@digdag
def console_projects(account: Account, request: Request) -> Any:
    return list_projects(account, request)


@route("GET", "/api/project", source=SERVER)
@digdag
def project_by_name(account: Account, request: Request) -> Any:
    row = account.projects.named(request.query.get("name", ""))
    if row is None:
        raise NotThere(f"project {request.query.get('name')} does not exist")
    return project(row)


@route("GET", "/api/projects/{number}", source=SERVER)
@digdag
def show_project(account: Account, request: Request, number: str) -> Any:
    return project(account.projects.get(number))


@route("DELETE", "/api/projects/{number}", source=PACK)
@digdag
def delete_project(account: Account, request: Request, number: str) -> Any:
    return project(account.projects.delete(number))


@route("GET", "/api/projects/{number}/revisions", source=BOXES)
@digdag
def list_revisions(account: Account, request: Request, number: str) -> Any:
    return {"revisions": [revision(row) for row in account.projects.revisions(number)]}


@route("GET", "/api/projects/{number}/archive", source=PACK)
@digdag
def download(account: Account, request: Request, number: str) -> Any:
    archive = account.projects.archive(number, request.query.get("revision"))
    return Reply(body=archive, content_type="application/gzip")


@route("GET", "/api/projects/{number}/workflows", source=BOXES)
@digdag
def project_workflows(account: Account, request: Request, number: str) -> Any:
    rows = account.projects.workflows(number, request.query.get("revision"))
    if "name" in request.query:
        rows = [row for row in rows if row["name"] == request.query["name"]]
    return {"workflows": [workflow(row) for row in rows]}


@route("GET", "/api/projects/{number}/workflows/{name}", source=PACK)
@digdag
def project_workflow(account: Account, request: Request, number: str, name: str) -> Any:
    return workflow(account.projects.workflow_named(number, name, request.query.get("revision")))


@route("GET", "/api/projects/{number}/workflow", source=SERVER)
@digdag
def project_workflow_by_query(account: Account, request: Request, number: str) -> Any:
    name = request.query.get("name", "")
    return workflow(account.projects.workflow_named(number, name, request.query.get("revision")))


@route("GET", "/api/projects/{number}/schedules", source=SERVER, partly=BY_CLOCK)
@digdag
def project_schedules(account: Account, request: Request, number: str) -> Any:
    rows = account.workflow_schedules.all(number)
    if "workflow" in request.query:
        rows = [row for row in rows if row["name"] == request.query["workflow"]]
    return {"schedules": [shown_schedule(row) for row in rows]}


@route("GET", "/api/projects/{number}/sessions", source=SERVER)
@digdag
def project_sessions(account: Account, request: Request, number: str) -> Any:
    owner = account.projects.get(number)["id"]
    rows = account.attempts.sessions(project=owner, last_id=last_id(request), count=count(request))
    if "workflow" in request.query:
        rows = [row for row in rows if row["workflow_name"] == request.query["workflow"]]
    return {"sessions": [session(row) for row in rows]}


@route("GET", "/api/projects/{number}/secrets", source=SERVER)
@digdag
def list_secrets(account: Account, request: Request, number: str) -> Any:
    """The keys; values are never shown."""
    account.projects.get(number)
    return {"secrets": [{"key": key} for key in account.projects.secrets(number)]}


@route("PUT", "/api/projects/{number}/secrets/{key}", source=SERVER)
@digdag
def set_secret(account: Account, request: Request, number: str, key: str) -> Any:
    if not isinstance(request.json, dict):
        raise Refused('the body must be like {"value": "…"}')
    account.projects.set_secret(number, key, request.json.get("value"))
    return Reply(204)


@route("DELETE", "/api/projects/{number}/secrets/{key}", source=SERVER)
@digdag
def delete_secret(account: Account, request: Request, number: str, key: str) -> Any:
    account.projects.delete_secret(number, key)
    return Reply(204)


@route("GET", "/api/workflows", source=BOXES)
@digdag
def list_workflows(account: Account, request: Request) -> Any:
    rows = account.projects.workflows()
    if "name_pattern" in request.query:
        searched = ["name", "project_name"] if truth(request, "search_project_name") else ["name"]
        pattern = request.query["name_pattern"]
        rows = [row for row in rows if any(pattern in row[word] for word in searched)]
    if request.query.get("order", "asc") != "asc":
        rows = [row for row in reversed(rows) if last_id(request) is None or row["id"] < last_id(request)]
        return {"workflows": [workflow(row) for row in rows[: count(request)]]}
    return {"workflows": [workflow(row) for row in paged(request, rows)]}


@route("GET", "/api/workflow", source=SERVER)
@digdag
def workflow_by_name(account: Account, request: Request) -> Any:
    owner = account.projects.named(request.query.get("project", ""))
    if owner is None:
        raise NotThere(f"project {request.query.get('project')} does not exist")
    name = request.query.get("name", "")
    return workflow(account.projects.workflow_named(owner["id"], name, request.query.get("revision")))


@route("GET", "/api/workflows/{number}", source=SERVER)
@digdag
def show_workflow(account: Account, request: Request, number: str) -> Any:
    return workflow(account.projects.workflow(number))


@route("GET", "/api/workflows/{number}/truncated_session_time", source="digdag start")
@digdag
def truncated_session_time(account: Account, request: Request, number: str) -> Any:
    row = account.projects.workflow(number)
    unix = moment_unix(request.query.get("session_time"), row["timezone"])
    mode = request.query.get("mode")
    cut = truncated(unix, row["timezone"], mode) if mode else unix
    return {
        "project": {"id": str(row["project_id"]), "name": row["project_name"]},
        "revision": row["revision"],
        "sessionTime": session_text(cut, row["timezone"]),
        "timezone": row["timezone"],
    }


@route("GET", "/api/schedules", source=BOXES, partly=BY_CLOCK)
@digdag
def list_schedules(account: Account, request: Request) -> Any:
    rows = page(account.workflow_schedules.all(), last_id(request), count(request), "schedule_id")
    return {"schedules": [shown_schedule(row) for row in rows]}


@route("GET", "/api/schedules/{number}", source=SERVER, partly=BY_CLOCK)
@digdag
def show_schedule(account: Account, request: Request, number: str) -> Any:
    return shown_schedule(account.workflow_schedules.get(number))


@route("POST", "/api/schedules/{number}/enable", source=SERVER)
@digdag
def enable_schedule(account: Account, request: Request, number: str) -> Any:
    return shown_schedule(account.workflow_schedules.enable(number, True))


@route("POST", "/api/schedules/{number}/disable", source=SERVER)
@digdag
def disable_schedule(account: Account, request: Request, number: str) -> Any:
    return shown_schedule(account.workflow_schedules.enable(number, False))


@route("POST", "/api/schedules/{number}/skip", source=SERVER)
@digdag
def skip_sessions(account: Account, request: Request, number: str) -> Any:
    return shown_schedule(account.workflow_schedules.skip(number, body_of(request)))


@route("POST", "/api/schedules/{number}/backfill", source=SERVER)
@digdag
def backfill(account: Account, request: Request, number: str) -> Any:
    """Start attempts for past sessions."""
    row = account.workflow_schedules.get(number)
    started = account.workflow_schedules.backfill(number, body_of(request))
    shown = shown_schedule(row)
    attempts = [attempt(one) for one in started]
    return {key: shown[key] for key in ("id", "project", "workflow")} | {"attempts": attempts}


def shown_schedule(row: dict[str, Any]) -> dict[str, Any]:
    """A schedule with the times at which it runs next, or would, were it not disabled."""
    session = int(row["next_session"])
    return schedule(row, utc(session + delay_of(plan_of(row))), session_text(session, row["timezone"]))


def truth(request: Request, word: str) -> bool:
    """A parameter that is true, in whatever letters."""
    return request.query.get(word, "").lower() == "true"


def body_of(request: Request) -> dict[str, Any]:
    if not isinstance(request.json, dict):
        raise Refused("the body must be a JSON object")
    return request.json


def paged(request: Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return page(rows, last_id(request), count(request))


def last_id(request: Request) -> int | None:
    return request.number("last_id") if request.query.get("last_id") else None


def count(request: Request) -> int:
    """How many things to answer with: `page_size` or `count`, 100 when neither is given."""
    name = "page_size" if request.query.get("page_size") else "count"
    return max(1, min(request.number(name, 100), 10_000))
