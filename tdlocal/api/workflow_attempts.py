"""/api/attempts, /api/sessions, /api/logs: starting workflows and watching them."""

from __future__ import annotations

import gzip
import re
from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.cdp_values import as_id
from tdlocal.account.errors import NotThere, Refused
from tdlocal.api.wire import Fault, Reply, Request, route
from tdlocal.api.workflow_projects import count, last_id
from tdlocal.api.workflow_shapes import SERVER, attempt, digdag, session

PACK = "se-starter-pack .github/actions, idu_dashboard_data_prep"
BOXES = "treasure-boxes workflow monitoring, kill_wf_attempt"


@route("PUT", "/api/attempts", source=PACK)
@digdag
def start_attempt(account: Account, request: Request) -> Any:
    """Start an attempt; 409 with the earlier attempt when that session was tried already."""
    if not isinstance(request.json, dict):
        raise Refused("the body must be a JSON object with workflowId and sessionTime")
    started, fresh = account.attempts.start(request.json)
    if not fresh:
        raise Fault(409, "the session has an attempt already", attempt(started))
    return attempt(started)


@route("GET", "/api/attempts", source=PACK)
@digdag
def list_attempts(account: Account, request: Request) -> Any:
    rows = account.attempts.all(
        project=request.query.get("project"),
        workflow=request.query.get("workflow"),
        retried=request.query.get("include_retried") == "true",
        last_id=last_id(request),
        count=count(request),
    )
    return {"attempts": [attempt(row) for row in rows]}


@route("GET", "/api/attempts/{number}", source=PACK)
@digdag
def show_attempt(account: Account, request: Request, number: str) -> Any:
    return attempt(account.attempts.get(number))


@route("GET", "/api/attempts/{number}/retries", source=SERVER)
@digdag
def list_retries(account: Account, request: Request, number: str) -> Any:
    """All attempts of the same session, newest first."""
    owner = account.attempts.get(number)["session_id"]
    return {"attempts": [attempt(row) for row in account.attempts.all(session=owner)]}


@route("GET", "/api/attempts/{number}/tasks", source=BOXES)
@digdag
def list_tasks(account: Account, request: Request, number: str) -> Any:
    return {"tasks": account.attempts.tasks(number)}


@route("POST", "/api/attempts/{number}/kill", source=BOXES)
@digdag
def kill_attempt(account: Account, request: Request, number: str) -> Any:
    return attempt(account.attempts.kill(number))


@route("GET", "/api/sessions", source=BOXES)
@digdag
def list_sessions(account: Account, request: Request) -> Any:
    rows = account.attempts.sessions(last_id=last_id(request), count=count(request))
    return {"sessions": [session(row) for row in rows]}


@route("GET", "/api/sessions/{number}", source=BOXES)
@digdag
def show_session(account: Account, request: Request, number: str) -> Any:
    return session(account.attempts.session(number))


@route("GET", "/api/sessions/{number}/attempts", source=SERVER)
@digdag
def session_attempts(account: Account, request: Request, number: str) -> Any:
    account.attempts.session(number)
    rows = account.attempts.all(session=as_id(number), last_id=last_id(request), count=count(request))
    return {"attempts": [attempt(row) for row in rows]}


@route("GET", "/api/logs/{number}/files", source=SERVER)
@digdag
def list_logs(account: Account, request: Request, number: str) -> Any:
    owner = account.attempts.get(number)
    wanted = request.query.get("task")
    files = [
        {
            "fileName": file_name(task),
            "fileSize": len(gzip.compress(text, mtime=0)),
            "taskName": task,
            "fileTime": owner["created_at"],
            "agentId": "tdlocal",
            "direct": None,
        }
        for task, text in account.attempts.logs(number).items()
        if wanted in (None, "", task)
    ]
    return {"files": files}


@route("GET", "/api/logs/{number}/files/{name}", source=SERVER)
@digdag
def download_log(account: Account, request: Request, number: str, name: str) -> Any:
    for task, text in account.attempts.logs(number).items():
        if file_name(task) == name:
            return Reply(body=gzip.compress(text, mtime=0), content_type="application/gzip")
    raise NotThere(f"log {name} of attempt {number} does not exist")


def file_name(task: str) -> str:
    """The log's file name, as Digdag's server makes it from the task's.

    >>> file_name("+main+a^sub")
    '+main+a^sub.log.gz'
    """
    return re.sub(r"[/\x00-\x1f]", "_", task) + ".log.gz"
