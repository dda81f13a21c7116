"""/v3/result: named result outputs, kept and listed. Jobs that name one end in an error."""

from __future__ import annotations

from typing import Any

from tdlocal.account.account import Account
from tdlocal.api.wire import Request, lacks, route

CLIENT = "td-client-python 1.7 tdclient/result_api.py"


@route("GET", "/v3/result/list", source=CLIENT)
def list_results(account: Account, request: Request) -> Any:
    outputs = [{"name": one.name, "url": one.url, "organization": None} for one in account.results.all()]
    return {"results": outputs}


@route("POST", "/v3/result/create/{name}", source=CLIENT, partly="kept and listed; no job can write to it")
def create_result(account: Account, request: Request, name: str) -> Any:
    account.results.create(name, request.required("url"))
    return {"result": name}


@route("POST", "/v3/result/delete/{name}", source=CLIENT)
def delete_result(account: Account, request: Request, name: str) -> Any:
    account.results.delete(name)
    return {"result": name}


lacks(
    "POST",
    "/v3/export/run/{database}/{table}",
    source="td-client-python 1.7 tdclient/export_api.py; Digdag td_table_export>",
    why="this account exports to no storage; read the table with a query",
)
