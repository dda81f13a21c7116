"""/v3/database and /v3/system: what databases there are."""

from __future__ import annotations

from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.databases import Database
from tdlocal.api.encode import date
from tdlocal.api.wire import Request, route

CLIENT = "td-client-python 1.7 tdclient/database_api.py"


@route("GET", "/v3/system/server_status", source="td-client-python 1.7 server_status_api.py", auth=False)
def server_status(account: Account, request: Request) -> Any:
    return {"status": "ok"}


@route("GET", "/v3/database/list", source=CLIENT)
def list_databases(account: Account, request: Request) -> Any:
    return {"databases": [database_json(account, one) for one in account.databases.all()]}


@route("GET", "/v3/database/show/{name}", source="treasure-boxes monitoring")
def show_database(account: Account, request: Request, name: str) -> Any:
    return database_json(account, account.databases.show(name))


@route("POST", "/v3/database/create/{name}", source=CLIENT)
def create_database(account: Account, request: Request, name: str) -> Any:
    account.databases.create(name)
    return {"database": name}


@route("POST", "/v3/database/delete/{name}", source=CLIENT)
def delete_database(account: Account, request: Request, name: str) -> Any:
    account.databases.delete(name)
    return {"database": name}


def database_json(account: Account, database: Database) -> dict[str, Any]:
    """A database as the list gives it."""
    return {
        "id": str(database.id),
        "name": database.name,
        "count": sum(table.rows for table in account.engine.tables(database.name)),
        "created_at": date(database.created_at),
        "updated_at": date(database.updated_at),
        "organization": None,
        "permission": "administrator",
        "delete_protected": False,
    }
