"""/v1/statement: the Trino protocol, for pytd, the trino driver, the trino CLI, JDBC and SQLAlchemy.

The first reply says where the first page will be, as Trino's does: some clients look for rows, headers and
errors only behind `nextUri`. Those that are known to read the first reply too get the first page with it.
A statement that takes longer is asked for again by its client, each request being held for a while.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

import orjson

from tdlocal.account.account import Account
from tdlocal.account.clock import now
from tdlocal.account.prepared import Plan, bare, bind, plan, refuse_in_transaction
from tdlocal.account.statements import Page, Statement
from tdlocal.account.values import TypeTree, parse_type
from tdlocal.api.wire import Fault, Reply, Request, route
from tdlocal.engine.types import Column, EngineError
from tdlocal.workflow.sessions import zone

SOURCE = "Trino's client protocol; trino-python-client 0.340 trino/client.py"
FIRST_SECONDS = 1.0  # how long the first request is held
QUEUED_SECONDS = 0.05  # and that of a client that learns only then how to cancel its statement
NEXT_SECONDS = 4.0
TIME_LIMITS = {
    "query_max_run_time": "maximum time",
    "query_max_execution_time": "the maximum execution time",
}
SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
TRINO_VERSION = "476"  # what version() says, too
OUTPUT = [
    *(Column(name, "varchar") for name in ("Column Name", "Catalog", "Schema", "Table", "Type")),
    Column("Type Size", "bigint"),
    Column("Aliased", "boolean"),
]
DONE = [Column("result", "boolean")]  # Trino's answer to a statement that has no rows: one `true`


@route("POST", "/v1/statement", source=SOURCE)
def start(account: Account, request: Request) -> Any:
    try:
        sql = request.body.decode()
    except UnicodeDecodeError:
        raise Fault(400, "the statement is not UTF-8") from None
    if not sql.strip():
        raise Fault(400, "SQL statement is empty")
    statement = begun(account, request, sql)
    if reads_first_reply(request):
        return answer(account, statement, 0, FIRST_SECONDS)
    account.statements.queue(statement, QUEUED_SECONDS)
    return {**head(account, statement, "QUEUED"), "nextUri": next_uri(account, statement, 0)}


def begun(account: Account, request: Request, sql: str) -> Statement:
    """The statement that *sql* is, at work or over already."""
    try:
        wanted = plan(sql, prepared_statements(request))
        refuse_in_transaction(wanted, header(request, "transaction-id").upper() not in ("", "NONE"))
        if wanted.describe:
            return described(account, request, wanted)
    except EngineError as error:
        return account.statements.failed(error)
    if wanted.headers:
        statement = account.statements.finished(DONE, [(True,)])
        statement.headers, statement.update_type = wanted.headers, wanted.update_type or ""
        return statement
    return account.statements.start(wanted.sql, schema_of(request), zone_of(request), limit_of(request))


def reads_first_reply(request: Request) -> bool:
    """Whether the client is one that reads rows, headers and errors of the first reply."""
    names = f"{header(request, 'source')} {request.headers.get('user-agent', '')}"
    return any(name in names for name in ("trino-python-client", "pytd/", "tdlocal "))


# the token in a page's address is its key, as on Trino: PyHive and others send no user with it
@route("GET", "/v1/statement/executing/{statement_id}/{token}/{number}", source=SOURCE, auth=False)
def following(account: Account, request: Request, statement_id: str, token: str, number: str) -> Any:
    statement = account.statements.find(statement_id, token)
    return answer(account, statement, page_number(number), NEXT_SECONDS)


@route("DELETE", "/v1/statement/executing/{statement_id}/{token}/{number}", source=SOURCE, auth=False)
def cancel(account: Account, request: Request, statement_id: str, token: str, number: str) -> Any:
    account.statements.cancel(account.statements.find(statement_id, token))
    return Reply(204)


@route("GET", "/v1/query/{statement_id}", source="Trino's client protocol; trino-js-client 0.2 queryInfo")
def query_info(account: Account, request: Request, statement_id: str) -> Any:
    known = account.statements.known(statement_id)
    if known is None:
        raise Fault(410, f"Query not found: {statement_id[:60]}")
    state, sql, error = known
    return {
        "queryId": statement_id,
        "state": state,
        "scheduled": True,
        "self": f"{account.url}/v1/query/{statement_id}",
        "query": sql,
        "queryStats": stats(state),
        "warnings": [],
        "finalQueryInfo": state in ("FINISHED", "FAILED"),
        **({} if error is None else {"errorType": error.kind, "errorCode": error_code(error)}),
    }


@route("DELETE", "/v1/query/{statement_id}", source="Trino's client protocol; trino-js-client 0.2 cancel")
def cancel_query(account: Account, request: Request, statement_id: str) -> Any:
    account.statements.cancel_by_id(statement_id)
    return Reply(204)


@route("GET", "/v1/info", source="Trino's client protocol; trino CLI", auth=False)
def info(account: Account, request: Request) -> Any:
    return {
        "nodeVersion": {"version": TRINO_VERSION},
        "environment": "tdlocal",
        "coordinator": True,
        "starting": False,
        "uptime": "1.00m",
    }


def answer(account: Account, statement: Statement, number: int, seconds: float) -> Any:
    """A page, "still running", or the statement's error (which Trino sends with status 200)."""
    try:
        page = account.statements.page(statement, number, seconds)
    except EngineError as error:
        return failure(account, statement, error)
    reply = page_reply(account, statement, page)
    return Reply(body=reply, headers=statement.headers) if statement.headers else reply


def head(account: Account, statement: Statement, state: str) -> dict[str, Any]:
    """What every reply of a statement has."""
    return {
        "id": statement.id,
        "infoUri": f"{account.url}/v1/query/{statement.id}",
        "stats": stats(state),
        "warnings": [],
    }


def page_reply(account: Account, statement: Statement, page: Page) -> dict[str, Any]:
    """The protocol's answer object."""
    reply = head(account, statement, "FINISHED" if page.last else "RUNNING")
    if not page.ready:
        reply["nextUri"] = next_uri(account, statement, page.number)
        return reply
    reply["columns"] = [column_json(column) for column in statement.columns or DONE]
    if page.rows:
        reply["data"] = orjson.Fragment(page.data)
    elif not statement.columns:
        reply["data"] = [[True]]
    if statement.update_type:
        reply["updateType"] = statement.update_type
    elif statement.answer is not None and statement.answer.update_type:
        reply["updateType"] = statement.answer.update_type
        if statement.answer.update_count is not None:
            reply["updateCount"] = statement.answer.update_count
    if page.last:
        account.statements.finish(statement)
    else:
        reply["nextUri"] = next_uri(account, statement, page.number + 1)
    return reply


def next_uri(account: Account, statement: Statement, number: int) -> str:
    """Where the page *number* will be."""
    return f"{account.url}/v1/statement/executing/{statement.id}/{statement.token}/{number}"


def failure(account: Account, statement: Statement, error: EngineError) -> dict[str, Any]:
    """A failed statement, with Trino's names."""
    return {
        **head(account, statement, "FAILED"),
        "error": {
            "message": error.message,
            "errorCode": error.code,
            "errorName": error.name,
            "errorType": error.kind,
            "failureInfo": {
                "type": f"io.trino.spi.TrinoException.{error.name}",
                "message": error.message,
                "suppressed": [],
                "stack": [],
            },
        },
    }


def error_code(error: EngineError) -> dict[str, Any]:
    """Trino's name and number of an error."""
    return {"code": error.code, "name": error.name, "type": error.kind}


def stats(state: str) -> dict[str, Any]:
    """The counters that clients insist on; this account does not count."""
    counters = (
        "nodes totalSplits queuedSplits runningSplits completedSplits cpuTimeMillis wallTimeMillis "
        "queuedTimeMillis elapsedTimeMillis processedRows processedBytes peakMemoryBytes spilledBytes "
        "physicalInputBytes physicalWrittenBytes internalNetworkInputBytes"
    )
    over = state in ("FINISHED", "FAILED")
    waits = state == "QUEUED"
    return {"state": state, "queued": waits, "scheduled": not waits, **dict.fromkeys(counters.split(), 0)} | (
        {"progressPercentage": 100.0, "runningPercentage": 0.0} if over else {}
    )


def column_json(column: Column) -> dict[str, Any]:
    """A column with its type taken apart."""
    return {"name": column.name, "type": column.type, "typeSignature": signature(parse_type(column.type))}


def signature(tree: TypeTree) -> dict[str, Any]:
    """Trino's typeSignature of a type."""
    if tree.name == "row":
        fields = [
            {
                "kind": "NAMED_TYPE",
                "value": ({"fieldName": {"name": name}} if name else {}) | {"typeSignature": signature(one)},
            }
            for name, one in zip(tree.fields, tree.arguments, strict=True)
            if isinstance(one, TypeTree)
        ]
        return {"rawType": "row", "arguments": fields}
    arguments: list[dict[str, Any]] = [
        {"kind": "LONG", "value": one} if isinstance(one, int) else {"kind": "TYPE", "value": signature(one)}
        for one in tree.arguments
    ]
    if tree.name == "varchar" and not arguments:
        arguments = [{"kind": "LONG", "value": 2147483647}]
    if tree.name in ("timestamp", "time") and not arguments:
        arguments = [{"kind": "LONG", "value": 3}]
    return {"rawType": tree.full_name, "arguments": arguments}


def described(account: Account, request: Request, wanted: Plan) -> Statement:
    """DESCRIBE INPUT and DESCRIBE OUTPUT of a prepared statement."""
    if wanted.describe == "input":
        columns = [Column("Position", "bigint"), Column("Type", "varchar")]
        rows: list[tuple[Any, ...]] = [(place, "unknown") for place in range(wanted.parameters)]
        return account.statements.finished(columns, rows)
    return account.statements.finished(OUTPUT, outputs(account, request, wanted))


def outputs(account: Account, request: Request, wanted: Plan) -> list[tuple[Any, ...]]:
    """The columns a prepared statement gives; none for a statement that is no query."""
    sql = bare(bind(wanted.sql, ["null"] * wanted.parameters))
    if sql.partition(" ")[0].lower() not in ("select", "with", "values", "table"):
        return []
    shape = account.engine.run(
        f"select * from ({sql}) limit 0",
        database=schema_of(request),
        scheduled_time=now(),
        time_zone=zone_of(request),
    )
    shape.close()
    return [(column.name, "", "", "", column.type, 0, False) for column in shape.columns]


def header(request: Request, name: str) -> str:
    """A protocol header, in Trino's spelling or Presto's."""
    return request.headers.get(f"x-trino-{name}") or request.headers.get(f"x-presto-{name}") or ""


def prepared_statements(request: Request) -> Mapping[str, str]:
    """The statements the client has prepared: `name=url-encoded SQL`, comma between."""
    return pairs(header(request, "prepared-statement"))


def pairs(text: str) -> dict[str, str]:
    """`a=1,b=2` as a dict, url-decoded."""
    found = (part.partition("=") for part in text.split(",") if "=" in part)
    return {unquote_plus(name.strip()): unquote_plus(value.strip()) for name, _, value in found}


def schema_of(request: Request) -> str:
    """The database that names without one belong to."""
    return header(request, "schema") or "information_schema"


def zone_of(request: Request) -> str:
    """The session's time zone: SET TIME ZONE wins over the client's own; 400 for one that does not exist."""
    name = pairs(header(request, "session")).get("time_zone_id") or header(request, "time-zone") or "UTC"
    try:
        zone(name)
    except ValueError:
        raise Fault(400, f"Invalid time zone: {name[:60]}") from None
    return name


def limit_of(request: Request) -> tuple[float, str] | None:
    """How long the statement may run, by the session's query_max_run_time (JDBC's setQueryTimeout) or
    query_max_execution_time, and what is said when it takes longer; 400 for what is no duration.
    """
    session = pairs(header(request, "session"))
    limits = [
        (duration(session[name]), f"Query exceeded {words} limit of {session[name]}")
        for name, words in TIME_LIMITS.items()
        if name in session
    ]
    return min(limits, default=None)


def duration(text: str) -> float:
    """Seconds of a duration as Trino writes it.

    >>> duration("1.50m"), duration("20 ms")
    (90.0, 0.02)
    """
    found = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,12})?)\s*(ns|us|ms|s|m|h|d)\s*", text)
    if found is None:
        raise Fault(400, f"duration is not a valid data duration string: {text[:60]}")
    return float(found[1]) * SECONDS[found[2]]


def page_number(text: str) -> int:
    """A page's number from its address."""
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise Fault(404, "there is no such page")
    return int(text)
