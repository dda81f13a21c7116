"""/v3/table: create, show, change and delete tables."""

from __future__ import annotations

from typing import Any

import msgpack
import orjson

from tdlocal.account.account import Account
from tdlocal.account.jobs import Job, Outcome
from tdlocal.account.tables import read_schema
from tdlocal.account.values import job_rows
from tdlocal.api.encode import table_json
from tdlocal.api.wire import Fault, Reply, Request, route

PYTHON = "td-client-python 1.7 tdclient/table_api.py"
OPEN_API = "Treasure Data API description v3"
JAVA = "td-client-java 0.9 TDClient.java"
TAIL_LIMIT = 1000


@route("GET", "/v3/table/list/{database}", source=PYTHON)
def list_tables(account: Account, request: Request, database: str) -> Any:
    return {"database": database, "tables": [table_json(table) for table in account.tables.all(database)]}


@route("GET", "/v3/table/show/{database}/{table}", source=JAVA)
def show_table(account: Account, request: Request, database: str, table: str) -> Any:
    return table_json(account.tables.show(database, table))


@route("POST", "/v3/table/create/{database}/{table}/{kind}", source=PYTHON)
def create_table(account: Account, request: Request, database: str, table: str, kind: str) -> Any:
    if kind != "log":
        raise Fault(422, f"table type '{kind}' is unknown; use log")
    given = request.params.get("schema")
    schema = parsed_schema(given) if given else []
    read_schema(schema)  # nothing is made when it makes no sense
    account.tables.create(database, table)
    if given:
        account.tables.set_schema(database, table, schema)
    account.tables.update(database, table, settings_of(request))
    return {"database": database, "table": table, "type": kind}


@route("POST", "/v3/table/create/{database}/{table}", source=OPEN_API)
def create_log_table(account: Account, request: Request, database: str, table: str) -> Any:
    return create_table(account, request, database=database, table=table, kind="log")


@route("POST", "/v3/table/delete/{database}/{table}", source=PYTHON)
def delete_table(account: Account, request: Request, database: str, table: str) -> Any:
    account.tables.delete(database, table)
    return {"database": database, "table": table, "type": "log"}


@route("POST", "/v3/table/swap/{database}/{first}/{second}", source=PYTHON)
def swap_tables(account: Account, request: Request, database: str, first: str, second: str) -> Any:
    account.tables.swap(database, first, second)
    return {"database": database, "table1": first, "table2": second}


@route("POST", "/v3/table/rename/{database}/{table}/{new_name}", source=JAVA)
def rename_table(account: Account, request: Request, database: str, table: str, new_name: str) -> Any:
    account.tables.rename(database, table, new_name, overwrite=truth(request, "overwrite"))
    return {"database": database, "table": new_name, "type": "log"}


@route("POST", "/v3/table/update-schema/{database}/{table}", source=f"{PYTHON}; {JAVA}")
def update_schema(account: Account, request: Request, database: str, table: str) -> Any:
    account.tables.set_schema(database, table, schema_of(request))
    return {"database": database, "table": table, "type": "log"}


@route("POST", "/v3/table/append-schema/{database}/{table}", source=JAVA)
def append_schema(account: Account, request: Request, database: str, table: str) -> Any:
    account.tables.set_schema(database, table, schema_of(request), keep=True)
    return {"database": database, "table": table, "type": "log"}


@route(
    "POST",
    "/v3/table/update/{database}/{table}",
    source=f"{PYTHON}; treasure-boxes",
    partly="expire_days is kept and shown; rows do not expire",
)
def update_table(account: Account, request: Request, database: str, table: str) -> Any:
    account.tables.update(database, table, settings_of(request))
    new_name = request.params.get("name") or table
    if new_name != table:
        account.tables.rename(database, table, new_name, overwrite=truth(request, "overwrite"))
        table = new_name
    for name in ("schema", "detected_schema_json"):
        if request.params.get(name):
            account.tables.set_schema(database, table, parsed_schema(request.params[name]))
    return {"database": database, "table": table, "type": "log"}


def settings_of(request: Request) -> dict[str, int | None]:
    """The settings of a table that a request gives."""
    settings: dict[str, int | None] = {}
    if "expire_days" in request.params:
        settings["expire_days"] = request.number("expire_days", 0) or None
    for name in ("include_v", "delete_protected"):
        if name in request.params:
            settings[name] = int(truth(request, name))
    return settings


def truth(request: Request, name: str) -> bool:
    """A parameter that is true."""
    return request.params.get(name, "").lower() == "true"


@route("GET", "/v3/table/tail/{database}/{table}", source=PYTHON)
def tail(account: Account, request: Request, database: str, table: str) -> Any:
    kind = request.params.get("format", "msgpack")
    if kind not in ("msgpack", "json"):
        raise Fault(422, f"format '{kind[:40]}' is unknown; use msgpack or json")
    count = min(max(request.number("count", 30), 0), TAIL_LIMIT)
    columns = account.tables.info(database, table).columns
    rows = account.tables.tail(database, table, count)
    if kind == "json":
        return maps(columns, rows)
    packed = b"".join(map(msgpack.packb, maps(columns, rows)))
    return Reply(body=packed, content_type="application/x-msgpack")


@route("POST", "/v3/table/change_database/{database}/{table}", source=PYTHON)
def change_database(account: Account, request: Request, database: str, table: str) -> Any:
    target = request.required("dest_database_name")
    account.tables.move(database, table, target)
    return {"database": target, "table": table, "type": "log"}


@route("POST", "/v3/table/partialdelete/{database}/{table}", source=JAVA)
def partial_delete(account: Account, request: Request, database: str, table: str) -> Any:
    start, end = request.number("from"), request.number("to")
    if start % 3600 or end % 3600:
        raise Fault(422, "from and to must be whole hours (multiples of 3600)")
    account.tables.info(database, table)

    def delete(job: Job, cancelled: object) -> Outcome:
        count = account.tables.delete_range(database, table, start, end)
        return Outcome(note=f"{count} rows deleted")

    job = account.jobs.start(
        "partialdelete",
        database,
        f"delete from {table} where {start} <= time and time < {end}",
        delete,
        table_name=table,
        domain_key=request.params.get("domain_key"),
        user_name=account.users.who(request.key),
    )
    account.jobs.wait(job.id, 0.2)
    return {"job_id": str(job.id), "database": database, "table": table, "from": start, "to": end}


@route("GET", "/v3/table/distribution/{database}/{table}", source=JAVA)
def distribution(account: Account, request: Request, database: str, table: str) -> Any:
    account.tables.info(database, table)
    raise Fault(404, f"Table '{database}.{table}' has no user-defined partitioning")


def schema_of(request: Request) -> Any:
    """The schema of a request: JSON text from Python, a JSON array from Java."""
    return parsed_schema(request.required("schema"))


def parsed_schema(text: str) -> Any:
    """A schema from its JSON text."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Fault(422, f"the schema is not JSON: {error}") from None


def maps(columns: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as maps of what a result holds."""
    names = [column.name for column in columns]
    values = job_rows([tuple(row.get(name) for name in names) for row in rows], columns)
    return [dict(zip(names, row, strict=True)) for row in values]
