"""Events one at a time or in small lists: the JavaScript SDK, postbacks and the ingestion API.

A table that is not there is made, as Treasure Data's collectors do; its database must exist. An event
without `time` gets the present, and what the SDK asks the collector to fill in (`td_ip`, `td_browser`, …)
is filled in from the request.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import uuid
from typing import Any

import orjson

from tdlocal.account.account import Account
from tdlocal.account.clock import now
from tdlocal.account.errors import AlreadyThere
from tdlocal.account.imports import append_records, as_string, sort_out
from tdlocal.api.wire import Fault, Reply, Request, route

SDK = "td-js-sdk 2 and 3; Treasure Data's postback and ingestion API"
SINGLE = "application/vnd.treasuredata.v1.single+json"
INGESTION = re.compile(r"application/vnd\.treasure-?data\.v1(\.\w+)?\+json")
CALLBACK = re.compile(r"[A-Za-z_$][\w.$]{0,200}")
OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type, x-td-fetch-api, x-td-write-key",
}


@route("POST", "/js/v3/event/{database}/{table}", source=SDK)
@route("GET", "/js/v3/event/{database}/{table}", source=SDK)
def event(account: Account, request: Request, database: str, table: str) -> Reply:
    """Take one event (or a list): a JSON body, or `data`, base64 of JSON, or plain parameters."""
    return taken(account, request, database, table, given_events(request))


@route("POST", "/postback/v3/event/{database}/{table}", source=SDK)
@route("GET", "/postback/v3/event/{database}/{table}", source=SDK)
def postback(account: Account, request: Request, database: str, table: str) -> Reply:
    """Take one event whose values are all stored as text; `td_record_time` is its time."""
    events = [as_texts(one) if isinstance(one, dict) else one for one in given_events(request)]
    return taken(account, request, database, table, events)


def as_texts(event: dict[str, Any]) -> dict[str, Any]:
    """A postback's event: text in every column but `time`.

    >>> as_texts({"a": 1, "td_record_time": "5"})
    {'a': '1', 'time': '5'}
    """
    texts = {name: None if value is None else as_string(value) for name, value in event.items()}
    moment = texts.pop("td_record_time", None)
    if moment is not None:
        texts["time"] = moment
    return texts


def taken(account: Account, request: Request, database: str, table: str, events: list[Any]) -> Reply:
    """Add events and answer as the SDK wants it: JSON, or a call of its `callback`."""
    add(account, request, database, table, events)
    callback = request.query.get("callback")
    if callback is None:
        return Reply(body={"created": True}, headers=OPEN)
    if not CALLBACK.fullmatch(callback):
        raise Fault(400, "callback must be a name")
    return Reply(body=f'{callback}({{"created":true}})', content_type="text/javascript", headers=OPEN)


@route("POST", "/{database}/{table}", source=SDK)
def ingest(account: Account, request: Request, database: str, table: str) -> Reply:
    """The ingestion API: {"events": […]} or {"records": […]}, or a single record by its media type."""
    if not INGESTION.fullmatch(request.content_type):
        name = f"POST {request.path}"
        raise Fault(501, f"{name} is not supported by tdlocal; docs/coverage.md lists what is")
    body = request.json
    if request.content_type == SINGLE:
        add(account, request, database, table, [body])
        return Reply(body={"id": str(uuid.uuid4())}, headers=OPEN)
    events = body.get("events", body.get("records")) if isinstance(body, dict) else None
    if not isinstance(events, list):
        raise Fault(400, "the body must be an object with a list `events` or `records`")
    add(account, request, database, table, events)
    return Reply(body={"receipts": [{"id": str(uuid.uuid4())} for _ in events]}, headers=OPEN)


@route("OPTIONS", "/js/v3/event/{database}/{table}", source=SDK, auth=False)
@route("OPTIONS", "/postback/v3/event/{database}/{table}", source=SDK, auth=False)
@route("OPTIONS", "/{database}/{table}", source=SDK, auth=False)
def may_a_page_send(account: Account, request: Request, database: str, table: str) -> Reply:
    """Tell a browser that pages may send events here; they need a key all the same."""
    return Reply(204, headers=OPEN)


def given_events(request: Request) -> list[Any]:
    """The events of a request."""
    if "data" in request.query:
        try:
            body = orjson.loads(base64.b64decode(request.query["data"].replace(" ", "+") + "=="))
        except (binascii.Error, orjson.JSONDecodeError, ValueError) as error:
            raise Fault(400, f"`data` is not base64 of JSON: {error}") from None
    else:
        body = request.json
    if body is None:
        keys = ("api_key", "td_write_key", "modified", "callback", "td_format")
        body = {name: value for name, value in request.params.items() if name not in keys}
    return body if isinstance(body, list) else [body]


def add(account: Account, request: Request, database: str, table: str, events: list[Any]) -> None:
    """Add events to a table, which is made when there is none."""
    if not events or not all(isinstance(one, dict) and one for one in events):
        raise Fault(400, "an event must be an object with members")
    account.databases.check(database)
    if account.engine.table(database, table) is None:
        with contextlib.suppress(AlreadyThere):  # another event may be faster
            account.tables.create(database, table)
    filled = [fill_in(one, request) for one in events]
    imported = sort_out(iter(filled))
    if imported.bad:
        raise Fault(400, "`time` must be unix seconds")
    append_records(account, database, table, imported.good)


def fill_in(event: dict[str, Any], request: Request) -> dict[str, Any]:
    """An event with its time, and with what the SDK leaves to the collector (a value that names itself)."""
    asked = {name for name, value in event.items() if name in COLLECTED and value == name}
    if not asked and isinstance(event.get("time"), int):
        return event
    found = collected(request) if asked else {}
    given = event.get("time")
    time = int(given) if isinstance(given, str) and re.fullmatch(r"\d{1,12}", given) else given
    return {**event, **{name: found.get(name) for name in asked}, "time": now() if time is None else time}


COLLECTED = ("td_ip", "td_browser", "td_browser_version", "td_os", "td_os_version", "td_user_agent")


def collected(request: Request) -> dict[str, str]:
    """What the request tells of its sender."""
    import woothee

    agent = request.headers.get("user-agent", "")
    told = woothee.parse(agent)
    return {
        "td_ip": request.headers.get("x-forwarded-for", "127.0.0.1").partition(",")[0].strip(),
        "td_browser": told["name"],
        "td_browser_version": told["version"],
        "td_os": told["os"],
        "td_os_version": told["os_version"],
        "td_user_agent": agent,
    }
