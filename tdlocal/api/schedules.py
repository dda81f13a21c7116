"""/v3/schedule: saved queries and their runs; /v4/queries by number, as Digdag's td_run> asks."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.clock import now
from tdlocal.account.schedules import NUMBERS, TEXTS, Run, SavedQuery
from tdlocal.api.encode import date, instant
from tdlocal.api.wire import Fault, Request, route
from tdlocal.api.workflow_shapes import BY_CLOCK

PYTHON = "td-client-python 1.7 tdclient/schedule_api.py"
JAVA = "td-client-java 0.9 TDClient.java"
RUN_SECONDS = 0.2


@route("POST", "/v3/schedule/create/{name}", source=PYTHON, partly=BY_CLOCK)
def create(account: Account, request: Request, name: str) -> Any:
    saved = account.schedules.create(name, settings_of(request), account.users.who(request.key))
    return saved_json(saved) | {"start": date(saved.next_time(now()) or saved.created_at)}


@route("POST", "/v3/schedule/update/{name}", source=PYTHON)
def update(account: Account, request: Request, name: str) -> Any:
    return saved_json(account.schedules.update(name, settings_of(request)))


@route("POST", "/v3/schedule/delete/{name}", source=PYTHON)
def delete(account: Account, request: Request, name: str) -> Any:
    return saved_json(account.schedules.delete(name))


@route("GET", "/v3/schedule/list", source=PYTHON)
def list_schedules(account: Account, request: Request) -> Any:
    return {"schedules": [saved_json(saved) for saved in account.schedules.all()]}


@route("GET", "/v3/schedule/history/{name}", source=PYTHON)
def history(account: Account, request: Request, name: str) -> Any:
    first = max(0, request.number("from", 0))
    last = min(request.number("to", first + 19), first + 1000)
    runs = account.schedules.history(name, first, last)
    return {"count": len(runs), "from": first, "to": last, "history": [run_json(run) for run in runs]}


@route("POST", "/v3/schedule/run/{name}/{time}", source=PYTHON)
def run(account: Account, request: Request, name: str, time: str) -> Any:
    at = Request("POST", "", body=b"", query_string=f"time={time}").number("time")
    saved = account.schedules.show(name)
    runs = account.schedules.run(
        saved,
        at,
        request.number("num", 1),
        request.params.get("domain_key") or None,
        account.users.who(request.key),
    )
    account.jobs.wait(runs[-1].job.id, RUN_SECONDS)
    return {"jobs": [run_json(one) for one in runs]}


@route("POST", "/v4/queries/{number}/jobs", source=JAVA)
def run_by_number(account: Account, request: Request, number: str) -> Any:
    saved = account.schedules.with_id(number)
    at = moment_of(request.params.get("scheduled_time", ""))
    key = request.params.get("domain_key") or None
    (one, *_) = account.schedules.run(saved, at, 1, key, account.users.who(request.key))
    account.jobs.wait(one.job.id, RUN_SECONDS)
    return {"id": str(one.job.id), "job_id": str(one.job.id), "query_id": str(saved.id)}


def moment_of(text: str) -> int:
    """A scheduled time: unix seconds, or an ISO instant as Java sends it; now when there is none."""
    if not text:
        return now()
    try:
        return int(text) if text.isdigit() else int(dt.datetime.fromisoformat(text).timestamp())
    except ValueError:
        raise Fault(422, f"scheduled_time {text[:40]!r} is no moment") from None


def settings_of(request: Request) -> dict[str, Any]:
    """The settings of a request that are of interest; numbers as numbers."""
    given = dict(request.params)
    if "result" in given:
        given["result_url"] = given["result"]
    settings: dict[str, Any] = {word: given[word] for word in TEXTS if word in given}
    for word in NUMBERS:
        if given.get(word):
            settings[word] = request.number(word)
    return settings


def saved_json(saved: SavedQuery) -> dict[str, Any]:
    """A saved query as the list gives it."""
    following = saved.next_time(now())
    return {
        "id": str(saved.id),
        "name": saved.name,
        "cron": saved.cron or None,
        "type": saved.type,
        "query": saved.query,
        "timezone": saved.timezone,
        "delay": saved.delay,
        "database": saved.database,
        "user_name": saved.user_name,
        "priority": saved.priority,
        "retry_limit": saved.retry_limit,
        "result": saved.result_url,
        "engine_version": saved.engine_version or None,
        "next_time": instant(following),
        "created_at": instant(saved.created_at),
        "organization": None,
    }


def run_json(run: Run) -> dict[str, Any]:
    """A run as run and history give it."""
    job = run.job
    return {
        "scheduled_at": date(run.scheduled_at),
        "job_id": str(job.id),
        "type": job.type,
        "status": job.status,
        "query": job.query,
        "start_at": date(job.start_at) or None,
        "end_at": date(job.end_at) or None,
        "created_at": date(job.created_at),
        "result": job.result_url,
        "priority": job.priority,
        "retry_limit": job.retry_limit,
        "database": job.database,
    }
