"""How Digdag's server writes its things: ids are text, `id` comes first and `name` right after it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from tdlocal.account.errors import AccountError, AlreadyThere, NotThere
from tdlocal.account.workflow_times import session_text
from tdlocal.api.wire import Fault

SERVER = "digdag-server 0.10 RestApi (digdag-client api/Rest*.java)"
BY_CLOCK = (
    "schedules run in a server started by hand (`tdlocal serve`); of the sessions that passed while none "
    "ran, only the newest is made up for"
)
STATUSES = {"success": "success", "error": "error", "killed": "killed", "running": "running"}

Row = Mapping[str, Any]
Handler = Callable[..., Any]


def digdag(handler: Handler) -> Handler:
    """Turn refusals of the account into Digdag's `{"message", "status"}`."""

    @functools.wraps(handler)
    def answer(*args: Any, **named: Any) -> Any:
        try:
            return handler(*args, **named)
        except AccountError as error:
            status = 404 if isinstance(error, NotThere) else 409 if isinstance(error, AlreadyThere) else 400
            raise Fault(status, error.message, {"message": error.message, "status": status}) from error

    return answer


def project(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "revision": row["revision"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "deletedAt": row["deleted_at"],
        "archiveType": "db" if row["md5"] else "none",
        "archiveMd5": row["md5"],
    }


def revision(row: Row) -> dict[str, Any]:
    return {
        "revision": row["name"],
        "createdAt": row["created_at"],
        "archiveType": "db" if row["md5"] else "none",
        "archiveMd5": row["md5"],
        "userInfo": {"td": {"user": {"id": 1, "name": "tdlocal"}}},
    }


def workflow(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "project": {"id": str(row["project_id"]), "name": row["project_name"]},
        "revision": row["revision"],
        "timezone": row["timezone"],
        "config": json.loads(row["config"]),
    }


def attempt(row: Row) -> dict[str, Any]:
    done = row["state"] != "running"
    return {
        "id": str(row["id"]),
        "index": row["number"],
        "project": {"id": str(row["project_id"]), "name": row["project_name"]},
        "workflow": {"name": row["workflow_name"], "id": str(row["workflow_id"])},
        "sessionId": str(row["session_id"]),
        "sessionUuid": row["session_uuid"],
        "sessionTime": session_text(row["session_time"], row["timezone"]),
        "retryAttemptName": row["retry_name"],
        "done": done,
        "success": row["state"] == "success",
        "cancelRequested": bool(row["cancel_requested"]),
        "params": json.loads(row["params"]),
        "createdAt": row["created_at"],
        "finishedAt": row["finished_at"],
        "status": STATUSES[row["state"]],
    }


def session(row: Row) -> dict[str, Any]:
    """A session with its newest attempt; *row* is that attempt's."""
    shown = attempt(row)
    keys = ("id", "retryAttemptName", "done", "success", "cancelRequested", "params", "createdAt")
    more = ("finishedAt", "status")
    return {
        "id": shown["sessionId"],
        "project": shown["project"],
        "workflow": shown["workflow"],
        "sessionUuid": shown["sessionUuid"],
        "sessionTime": shown["sessionTime"],
        "lastAttempt": {key: shown[key] for key in (*keys, *more)},
    }


def schedule(row: Row, next_run: str | None, next_session: str | None) -> dict[str, Any]:
    return {
        "id": str(row["schedule_id"]),
        "project": {"id": str(row["project_id"]), "name": row["project_name"]},
        "workflow": {"id": str(row["id"]), "name": row["name"]},
        "nextRunTime": next_run,
        "nextScheduleTime": next_session,
        "disabledAt": row["disabled_at"],
    }


def page(rows: list[Any], last_id: int | None, count: int, key: str = "id") -> list[Any]:
    """Rows after *last_id* in ascending order, at most *count*.

    >>> page([{"id": 1}, {"id": 2}, {"id": 3}], 1, 1)
    [{'id': 2}]
    """
    later = [row for row in rows if last_id is None or int(row[key]) > last_id]
    return later[:count]
