"""/v3/bulk_import: sessions of many parts."""

from __future__ import annotations

from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.bulk_imports import BulkImport
from tdlocal.account.imports import BODY_LIMIT
from tdlocal.api.encode import date
from tdlocal.api.wire import Reply, Request, route

CLIENT = "td-client-python 1.7 tdclient/bulk_import_api.py"
PERFORM_SECONDS = 0.2


@route("POST", "/v3/bulk_import/create/{name}/{database}/{table}", source=CLIENT)
def create(account: Account, request: Request, name: str, database: str, table: str) -> Any:
    account.bulk_imports.create(name, database, table)
    return {"name": name, "bulk_import": name, "database": database, "table": table}


@route("GET", "/v3/bulk_import/show/{name}", source=CLIENT)
def show(account: Account, request: Request, name: str) -> Any:
    return session_json(account.bulk_imports.show(name))


@route("GET", "/v3/bulk_import/list", source=CLIENT)
def list_sessions(account: Account, request: Request) -> Any:
    return {"bulk_imports": [session_json(one) for one in account.bulk_imports.all()]}


@route("POST", "/v3/bulk_import/delete/{name}", source=CLIENT)
def delete(account: Account, request: Request, name: str) -> Any:
    account.bulk_imports.delete(name)
    return {"name": name, "bulk_import": name}


@route("PUT", "/v3/bulk_import/upload_part/{name}/{part}", source=CLIENT, body_limit=BODY_LIMIT)
def upload_part(account: Account, request: Request, name: str, part: str) -> Any:
    account.bulk_imports.upload(name, part, request.body)
    return {"name": name, "bulk_import": name, "part_name": part}


@route("GET", "/v3/bulk_import/list_parts/{name}", source=CLIENT)
def list_parts(account: Account, request: Request, name: str) -> Any:
    return {"name": name, "bulk_import": name, "parts": account.bulk_imports.parts(name)}


@route("POST", "/v3/bulk_import/delete_part/{name}/{part}", source=CLIENT)
def delete_part(account: Account, request: Request, name: str, part: str) -> Any:
    account.bulk_imports.delete_part(name, part)
    return {"name": name, "bulk_import": name, "part_name": part}


@route("POST", "/v3/bulk_import/freeze/{name}", source=CLIENT)
def freeze(account: Account, request: Request, name: str) -> Any:
    account.bulk_imports.freeze(name)
    return {"name": name, "bulk_import": name}


@route("POST", "/v3/bulk_import/unfreeze/{name}", source=CLIENT)
def unfreeze(account: Account, request: Request, name: str) -> Any:
    account.bulk_imports.freeze(name, False)
    return {"name": name, "bulk_import": name}


@route(
    "POST",
    "/v3/bulk_import/perform/{name}",
    source=CLIENT,
    partly="the rows are there when the job ends and the session is committed then: `ready` is skipped",
)
def perform(account: Account, request: Request, name: str) -> Any:
    job = account.bulk_imports.perform(name, account.users.who(request.key))
    account.jobs.wait(job.id, PERFORM_SECONDS)
    return {"name": name, "bulk_import": name, "job_id": str(job.id)}


@route("POST", "/v3/bulk_import/commit/{name}", source=CLIENT)
def commit(account: Account, request: Request, name: str) -> Any:
    account.bulk_imports.commit(name)
    return {"name": name, "bulk_import": name}


@route("GET", "/v3/bulk_import/error_records/{name}", source=CLIENT)
def error_records(account: Account, request: Request, name: str) -> Any:
    return Reply(body=account.bulk_imports.error_records(name), content_type="application/x-gzip")


def session_json(session: BulkImport) -> dict[str, Any]:
    """A session as show gives it."""
    return {
        "name": session.name,
        "bulk_import": session.name,
        "database": session.database,
        "table": session.table,
        "status": session.status,
        "upload_frozen": session.upload_frozen,
        "job_id": None if session.job_id is None else str(session.job_id),
        "valid_records": session.valid_records,
        "error_records": session.error_records,
        "valid_parts": session.valid_parts,
        "error_parts": session.error_parts,
        "created_at": date(session.created_at),
    }
