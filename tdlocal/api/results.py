"""/v3/result: named result outputs."""

from __future__ import annotations

from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.exports import without_password
from tdlocal.api.wire import Request, route

CLIENT = "td-client-python 1.7 tdclient/result_api.py"


@route("GET", "/v3/result/list", source=CLIENT)
def list_results(account: Account, request: Request) -> Any:
    outputs = [
        {"name": one.name, "url": without_password(one.url), "organization": None}
        for one in account.results.all()
    ]
    return {"results": outputs}


@route("POST", "/v3/result/create/{name}", source=CLIENT)
def create_result(account: Account, request: Request, name: str) -> Any:
    account.results.create(name, request.required("url"))
    return {"name": name, "result": name}


@route("POST", "/v3/result/delete/{name}", source=CLIENT)
def delete_result(account: Account, request: Request, name: str) -> Any:
    account.results.delete(name)
    return {"name": name, "result": name}
